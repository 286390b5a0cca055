"""A small real training of the whole model, saved, loaded again and asked."""

import os
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from customer_profiles.sentiment.model import classifier, encoder, text
from customer_profiles.sentiment.model.scorer import Scorer
from customer_profiles.sentiment.training import training

GLAD = ("so happy today", "i love it", "great phone", "what a lovely day", "thanks, brilliant")
SAD = ("so sad today", "i hate it", "awful phone", "what a horrible day", "no, terrible")
SETTINGS = training.Settings(
    epochs=3, batch_size=8, optimizer="adam", learning_rate=5e-3, decay="none", patience=0, seed=1
)


@pytest.fixture(scope="module")
def trained(tiny_encoder, tmp_path_factory):
    """Preprocess, model and the folder of the saved model."""
    preprocess, bert = encoder.load(*tiny_encoder)
    rows = training.tokenise(preprocess, [*GLAD, *SAD]), np.array([1.0] * 5 + [0.0] * 5)
    model = classifier.build(bert, dropout=0.1, pooling="mean", seed=1)
    training.train(model, rows, rows, SETTINGS)
    folder = tmp_path_factory.mktemp("models") / "sentiment"
    classifier.save(folder, preprocess, bert, model, "mean")
    return preprocess, model, folder


def test_the_reloaded_model_gives_the_same_answers(trained):
    preprocess, model, folder = trained
    posts = [*GLAD, *SAD, "a much longer post, which goes on about this and that " * 3]
    logits = model.predict(training.tokenise(preprocess, posts), verbose=0)[:, 0]
    expected = 1 / (1 + np.exp(-logits))
    np.testing.assert_allclose(Scorer(folder).polarity(posts), expected, atol=1e-5)


def test_the_signature_is_the_agreed_one(trained):
    signature = tf.saved_model.load(str(trained[2])).signatures["serving_default"]
    assert signature.structured_input_signature[1] == {
        "text": tf.TensorSpec([None], tf.string, name="text")
    }
    assert {name: (spec.dtype, spec.shape.as_list())
            for name, spec in signature.structured_outputs.items()} == {
        "polarity": (tf.float32, [None])
    }  # fmt: skip


def test_handles_and_links_make_no_difference_to_the_saved_model(trained):
    scorer = Scorer(trained[2])
    first, second = scorer.polarity([
        "@someone_quite_else look https://example.com/a i love it",
        "@user look http i love it",
    ])  # fmt: skip
    assert first == pytest.approx(second, abs=1e-6)
    assert first != pytest.approx(scorer.polarity(["look i love it"])[0], abs=1e-6)


def test_normalisation_is_the_same_in_python_and_in_the_graph():
    posts = [
        "@Bob see https://x.example/a?b=1&amp;c and www.example.org, me@site.example.org",
        "  tabs\tand\nlines \r\n \x0b \x0c end  ", "\uff20wide_handle \u00a0nbsp \u0085 nel",
        "&lt;3 &quot;q&quot; it&#39;s it&apos;s &amp;lt;", "emoji 😀 é ß \u200d 漢字", "", "@", "http://",
        "a@b a@b.c user@@name #tag @_under_score_!", "\x00control\x7f",
    ]  # fmt: skip
    graph = [row.decode() for row in classifier.normalise(tf.constant(posts)).numpy()]
    assert graph == [text.normalise(post) for post in posts]


def test_the_genuine_hub_graphs_train_and_reload(tmp_path, monkeypatch):
    real = os.environ.get("REAL_DATA")
    if not real or not (Path(real) / "tfhub").is_dir():
        pytest.skip("REAL_DATA holds no TF Hub cache with the genuine graphs")
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(Path(real) / "tfhub"))
    hub = "https://tfhub.dev/tensorflow/"
    encoder.from_hub(f"{hub}bert_en_uncased_preprocess/3", tmp_path / "preprocess")
    encoder.from_hub(f"{hub}small_bert/bert_en_uncased_L-2_H-128_A-2/2", tmp_path / "encoder")
    preprocess, bert = encoder.load(tmp_path / "preprocess", tmp_path / "encoder")
    before = [variable.numpy().copy() for variable in bert.trainable_variables]
    rows = training.tokenise(preprocess, [*GLAD, *SAD]), np.array([1.0] * 5 + [0.0] * 5)
    model = classifier.build(bert, dropout=0.1, pooling="pooled", seed=1)
    training.train(model, rows, rows, SETTINGS)
    pairs = zip(before, bert.trainable_variables, strict=True)
    assert sum(bool((old != new.numpy()).any()) for old, new in pairs) >= len(before) - 1
    classifier.save(tmp_path / "m", preprocess, bert, model, "pooled")
    logits = model.predict(rows[0], verbose=0)[:, 0]
    reloaded = Scorer(tmp_path / "m").polarity([*GLAD, *SAD])
    np.testing.assert_allclose(reloaded, 1 / (1 + np.exp(-logits)), atol=1e-5)

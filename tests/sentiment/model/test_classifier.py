"""A small real training of the whole model, saved, loaded again and asked."""

import os
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from customer_profiles.sentiment.model import classifier, encoder, text
from customer_profiles.sentiment.model.scorer import Scorer
from customer_profiles.sentiment.training import mixing, training

GLAD = ("so happy today", "i love it", "great phone", "what a lovely day", "thanks, brilliant")
SAD = ("so sad today", "i hate it", "awful phone", "what a horrible day", "no, terrible")
LABELS = np.array([4] * 5 + [0] * 5)
SETTINGS = training.Settings(
    epochs=3, batch_size=8, optimizer="adam", learning_rate=5e-3, decay="none", patience=0, seed=1
)


@pytest.fixture(scope="module")
def trained(tiny_encoder, tmp_path_factory):
    """Preprocess, model and the folder of the saved model."""
    preprocess, bert = encoder.load(*tiny_encoder)
    rows = training.tokenise(preprocess, [*GLAD, *SAD]), mixing.answers(LABELS)
    model = classifier.build(bert, dropout=0.1, pooling="mean", seed=1)
    training.train(model, rows, rows, SETTINGS)
    folder = tmp_path_factory.mktemp("models") / "sentiment"
    classifier.save(folder, preprocess, bert, model, "mean")
    return preprocess, model, folder


def test_the_reloaded_model_gives_the_same_answers(trained):
    preprocess, model, folder = trained
    posts = [*GLAD, *SAD, "a much longer post, which goes on about this and that " * 3]
    logits = model.predict(training.tokenise(preprocess, posts), verbose=0)
    p, s = (1 / (1 + np.exp(-logits))).T
    expected = np.column_stack([s * p + (1 - s) / 2, s, s * (1 - p), 1 - s, s * p])
    np.testing.assert_allclose(Scorer(folder).read(posts), expected, atol=1e-5)


def test_the_signature_is_the_agreed_one(trained):
    signature = tf.saved_model.load(str(trained[2])).signatures["serving_default"]
    assert signature.structured_input_signature[1] == {
        "text": tf.TensorSpec([None], tf.string, name="text")
    }
    assert {name: (spec.dtype, spec.shape.as_list())
            for name, spec in signature.structured_outputs.items()} == {
        name: (tf.float32, [None])
        for name in ("polarity", "subjectivity", "negative", "neutral", "positive")
    }  # fmt: skip


def test_ratings_follow_from_both_answers():
    ratings = classifier.ratings(tf.constant([0.9, 0.2]), tf.constant([0.5, 0.0]))
    values = {name: part.numpy().tolist() for name, part in ratings.items()}
    assert values == {
        "polarity": pytest.approx([0.7, 0.5]), "subjectivity": [0.5, 0],
        "negative": pytest.approx([0.05, 0]), "neutral": [0.5, 1],
        "positive": pytest.approx([0.45, 0]),
    }  # fmt: skip


def test_polarity_is_on_the_side_of_the_valence_however_small_the_subjectivity():
    ratings = classifier.ratings(tf.constant([0.51, 0.49]), tf.constant([1e-3, 1e-3]))
    above, below = ratings["polarity"].numpy()
    assert below < 0.5 < above


def test_of_one_question_the_class_lies_between_thresholds():
    valence = tf.constant([0.3, 0.4, 0.6, 0.8])
    ratings = classifier.ratings(valence, thresholds=(0.35, 0.7))
    assert ratings["negative"].numpy().tolist() == [1, 0, 0, 0]
    assert ratings["neutral"].numpy().tolist() == [0, 1, 1, 0]
    assert ratings["positive"].numpy().tolist() == [0, 0, 0, 1]
    assert ratings["subjectivity"].numpy().tolist() == [1, 0, 0, 1]
    np.testing.assert_array_equal(ratings["polarity"], valence)


def test_temperatures_and_thresholds_are_in_the_saved_model(tiny_encoder, tmp_path):
    preprocess, bert = encoder.load(*tiny_encoder)
    model = classifier.build(bert, dropout=0.1, pooling="mean", seed=1, questions=1)
    chosen = classifier.Calibration((2.0,), (0.0, 1.0))
    classifier.save(tmp_path / "m", preprocess, bert, model, "mean", chosen)
    logits = model.predict(training.tokenise(preprocess, GLAD), verbose=0)[:, 0]
    ratings = Scorer(tmp_path / "m").read(GLAD)
    np.testing.assert_allclose(ratings["polarity"], 1 / (1 + np.exp(-logits / 2)), atol=1e-5)
    assert (ratings["neutral"] == 1).all()


def test_handles_and_links_make_no_difference_to_the_saved_model(trained):
    scorer = Scorer(trained[2])
    first, second, other = scorer.read([
        "@someone_quite_else look https://example.com/a i love it",
        "@user look http i love it",
        "look i love it",
    ])["polarity"]  # fmt: skip
    assert first == pytest.approx(second, abs=1e-6)
    assert first != pytest.approx(other, abs=1e-6)


def test_normalisation_is_the_same_in_python_and_in_the_graph():
    posts = [
        "@Bob see https://x.example/a?b=1&amp;c and www.example.org, me@site.example.org",
        "  tabs\tand\nlines \r\n \x0b \x0c end  ", "\uff20wide_handle \u00a0nbsp \u0085 nel",
        "&lt;3 &quot;q&quot; it&#39;s it&apos;s &amp;lt;", "emoji 😀 é ß \u200d 漢字", "", "@", "http://",
        "a@b a@b.c user@@name #tag @_under_score_!", "\x00control\x7f",
    ]  # fmt: skip
    graph = [row.decode() for row in classifier.normalise(tf.constant(posts)).numpy()]
    assert graph == [text.normalise(post) for post in posts]


@pytest.mark.long
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
    rows = training.tokenise(preprocess, [*GLAD, *SAD]), mixing.answers(LABELS)
    model = classifier.build(bert, dropout=0.1, pooling="pooled", seed=1)
    training.train(model, rows, rows, SETTINGS)
    pairs = zip(before, bert.trainable_variables, strict=True)
    assert sum(bool((old != new.numpy()).any()) for old, new in pairs) >= len(before) - 1
    classifier.save(tmp_path / "m", preprocess, bert, model, "pooled")
    logits = model.predict(rows[0], verbose=0)[:, 1]
    reloaded = Scorer(tmp_path / "m").read([*GLAD, *SAD])["subjectivity"]
    np.testing.assert_allclose(reloaded, 1 / (1 + np.exp(-logits)), atol=1e-5)

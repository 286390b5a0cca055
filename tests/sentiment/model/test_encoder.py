"""Preprocess and encoder from a wheel and from TF Hub: one interface, the same known answers."""

import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from customer_profiles.sentiment.model import encoder
from tests.sentiment.tiny import write_tiny_checkpoint

PREPROCESS = "https://tfhub.dev/tensorflow/bert_en_uncased_preprocess/3"
SMALL_BERT = "https://tfhub.dev/tensorflow/small_bert/bert_en_uncased_L-2_H-128_A-2/2"
UNREACHABLE = "http://127.0.0.1:9/nobody/answers/1"
LOVE = [101, 1045, 2293, 2023, 3042, 102]  # [CLS] i love this phone [SEP]


@pytest.fixture(scope="module")
def from_wheel(encoder_wheel, tmp_path_factory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("encoder")
    kind = encoder.from_wheels([encoder_wheel], folder / "preprocess", folder / "encoder", 128)
    assert kind == "BERT"
    return folder / "preprocess", folder / "encoder"


@pytest.fixture(scope="module")
def layers(from_wheel):
    return encoder.load(*from_wheel)


@pytest.mark.long
def test_the_wheels_tokens_are_the_known_ones(layers):
    preprocess, _ = layers
    tokens = preprocess(tf.constant(["I love this phone", ""]))
    assert [tokens[name].dtype for name in encoder.INPUTS] == [tf.int32] * 3
    assert tokens["input_word_ids"].shape == (2, 128)
    assert tokens["input_word_ids"][0, :6].numpy().tolist() == LOVE
    assert tokens["input_mask"].numpy().sum(axis=1).tolist() == [6, 2]
    assert not tokens["input_type_ids"].numpy().any()


@pytest.mark.long
def test_the_wheels_encoder_gives_the_known_vector(layers):
    # Of transformers 5.24.0 with torch 2.14.1, AutoModel and AutoTokenizer, of the wheel.
    preprocess, bert = layers
    encoded = bert(preprocess(tf.constant(["I love this phone!", "soooo   TIRED!!"])))
    known = [[-0.052371, -0.015174, -0.01664, -0.014226], [0.038696, -0.000262, -0.00638, 0.039205]]
    np.testing.assert_allclose(encoded["pooled_output"][:, :4], known, atol=5e-6)
    assert encoded["sequence_output"].shape == (2, 128, 384)
    assert (encoded["default"] == encoded["pooled_output"]).numpy().all()


@pytest.mark.long
def test_the_wheels_numbers_are_told_apart_by_part(layers):
    assert encoder.parameters(layers[1]) == {
        "embeddings": (30522 + 512 + 2) * 384 + 2 * 384,
        "pooler": 384 * 384 + 384,
        "transformer layers": 6 * (12 * 384 * 384 + 13 * 384),
    }


def test_padding_does_not_change_the_vector(layers):
    preprocess, bert = layers
    tokens = preprocess(tf.constant(["I love this phone!"]))
    short = {name: value[:, :7] for name, value in tokens.items()}
    np.testing.assert_allclose(
        bert(tokens)["pooled_output"], bert(short)["pooled_output"], atol=1e-5
    )


def test_posts_are_compared_by_the_cosine_of_their_mean_token_vectors(layers):
    preprocess, bert = layers
    posts = ["best tea in town", "the bus was late", "best tea in town"]
    table = encoder.cosines(preprocess, bert, posts)
    assert table.columns.tolist() == ["1", "2", "3"]
    assert table.index[1] == "2 the bus was late"
    means = []
    for post in posts:
        tokens = preprocess([post])
        used = int(tokens["input_mask"].numpy().sum())
        means.append(bert(tokens)["sequence_output"].numpy()[0, :used].mean(axis=0))
    expected = means[0] @ means[1] / np.linalg.norm(means[0]) / np.linalg.norm(means[1])
    assert table.iloc[0, 1] == pytest.approx(expected, abs=1e-5)
    assert table.iloc[0, 2] == pytest.approx(1, abs=1e-5)


def test_a_long_post_is_trimmed_and_still_ends_in_sep(layers):
    preprocess, _ = layers
    word_ids = preprocess(tf.constant(["phone " * 300]))["input_word_ids"][0].numpy()
    assert (word_ids[0], word_ids[-1]) == (101, 102)


@pytest.mark.long
def test_word_pieces_are_read_from_the_models_own_vocabulary(from_wheel, layers):
    preprocess, _ = layers
    word_ids = preprocess(tf.constant(["I love this phone"]))["input_word_ids"][0, :6]
    pieces = ["[CLS]", "i", "love", "this", "phone", "[SEP]"]
    assert encoder.wordpieces(from_wheel[0], word_ids) == pieces


def test_a_missing_wheel_says_how_to_get_it(tmp_path):
    with pytest.raises(FileNotFoundError, match="make wheels"):
        encoder.from_wheels([tmp_path / "no.whl"], tmp_path / "p", tmp_path / "e", 128)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["bert", "mpnet"])
def test_a_length_beyond_the_positions_of_a_checkpoint_is_refused(tmp_path, kind):
    folder = write_tiny_checkpoint(tmp_path / kind, kind)
    with pytest.raises(ValueError, match=r"knows 64 positions; encoder\.sequence_length .* got 65"):
        encoder.from_folder(folder, tmp_path / "p", tmp_path / "e", 65)
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.long
def test_padding_is_the_models_own_and_an_unknown_word_is_unk(tmp_path):
    for kind, padding, unknown in (("bert", 0, 1), ("mpnet", 1, 3)):
        made = tmp_path / f"{kind} p", tmp_path / f"{kind} e"
        encoder.from_folder(write_tiny_checkpoint(tmp_path / kind, kind), *made, 64)
        tokens = encoder.load(*made)[0](["love qqq"])
        word_ids = tokens["input_word_ids"][0].numpy()
        assert encoder.wordpieces(made[0], tf.constant(word_ids[1:3])) == ["love", "[UNK]"]
        assert (word_ids[2], set(word_ids[4:])) == (unknown, {padding})
        assert tokens["input_mask"][0].numpy().sum() == 4


@pytest.fixture
def own_cache(monkeypatch, tmp_path):
    """An empty TF Hub cache, and nothing that would ask others for a loopback address."""
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return tmp_path / "cache"


def test_a_handle_that_does_not_resolve_is_named_with_ways_out(tmp_path, own_cache):
    with pytest.raises(LookupError) as refused:
        encoder.from_hub(UNREACHABLE, tmp_path / "out")
    assert str(refused.value) == (
        f"TensorFlow Hub module {UNREACHABLE} could not be fetched (URLError: <urlopen error "
        "[Errno 111] Connection refused>). Check the address in section encoder of params.yaml "
        "and the connection; or fetch it elsewhere, unpack it to a folder "
        "c23499571aa5d27e4a2c385abe4dc9ba6f11fd13 (saved_model.pb, variables, assets), and let "
        "TFHUB_CACHE_DIR be the folder above; or set encoder.origin to wheel"
    )
    assert not (tmp_path / "out").exists()


def told_folder(tmp_path):
    """Name of the folder that the error asks for."""
    with pytest.raises(LookupError) as refused:
        encoder.from_hub(UNREACHABLE, tmp_path / "out")
    return re.search("to a folder ([0-9a-f]{40}) ", str(refused.value))[1]


def test_a_cache_that_was_filled_as_the_error_says_needs_no_connection(tmp_path, own_cache):
    module = tf.Module()
    module.double = tf.function(lambda x: 2 * x, [tf.TensorSpec([], tf.float32)])
    encoder.write(module, own_cache / told_folder(tmp_path))
    encoder.from_hub(UNREACHABLE, tmp_path / "out", gigabytes=0.001)
    assert tf.saved_model.load(str(tmp_path / "out")).double(4.0) == 8.0


def test_a_cache_that_was_filled_one_folder_too_deep_is_named_with_what_it_holds(
    tmp_path, own_cache
):
    seeded = own_cache / told_folder(tmp_path)
    encoder.write(tf.Module(), seeded / "bert")
    with pytest.raises(LookupError, match=rf"no saved_model\.pb in {seeded} \(it holds bert\)"):
        encoder.from_hub(UNREACHABLE, tmp_path / "out")


def test_an_encoder_without_room_for_its_copies_is_refused_before_it_is_fetched(
    tmp_path, own_cache
):
    with pytest.raises(OSError, match=rf"needs 6000000\.00 GB, but .* free in {tmp_path};"):
        encoder.from_hub(UNREACHABLE, tmp_path / "out", gigabytes=1e6)
    assert list(tmp_path.iterdir()) == []


def test_a_wheel_without_room_for_its_encoders_copies_is_refused(encoder_wheel, small_disk):
    # 22.7 million weights, 4 bytes each, 7 times
    with pytest.raises(OSError, match=rf"needs 0\.64 GB, but 0\.00 GB are free in {small_disk};"):
        encoder.from_wheels([encoder_wheel], small_disk / "p", small_disk / "e", 128)
    assert list(small_disk.iterdir()) == []


def test_a_module_of_another_interface_is_refused(from_wheel, tmp_path):
    checkpoint = tf.train.Checkpoint()
    checkpoint.__call__ = tf.function(
        lambda text: {"pooled_output": tf.zeros([1])},
        input_signature=[tf.TensorSpec([None], tf.string)],
    )
    tf.saved_model.save(checkpoint, str(tmp_path / "other"))
    with pytest.raises(ValueError, match="does not give input_word_ids"):
        encoder.load(tmp_path / "other", from_wheel[1])


@pytest.fixture
def hub_cache(monkeypatch) -> None:
    real = os.environ.get("REAL_DATA")
    if not real or not (Path(real) / "tfhub").is_dir():
        pytest.skip("REAL_DATA holds no TF Hub cache with the genuine graphs")
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(Path(real) / "tfhub"))


@pytest.mark.long
def test_the_genuine_hub_graphs_follow_the_same_interface(hub_cache, tmp_path):
    encoder.from_hub(PREPROCESS, tmp_path / "preprocess")
    encoder.from_hub(SMALL_BERT, tmp_path / "encoder")
    preprocess, bert = encoder.load(tmp_path / "preprocess", tmp_path / "encoder")
    tokens = preprocess(tf.constant(["I love this phone"]))
    assert tokens["input_word_ids"].shape == (1, 128)
    assert tokens["input_word_ids"][0, :6].numpy().tolist() == LOVE
    assert bert(tokens)["pooled_output"].shape == (1, 128)
    assert encoder.parameters(bert) == {
        "embeddings": (30522 + 512 + 2) * 128 + 2 * 128,
        "pooler": 128 * 128 + 128,
        "transformer layers": 2 * (12 * 128 * 128 + 13 * 128),
    }
    # A cache may be read-only; what DVC has to delete later must not be.
    shutil.rmtree(tmp_path / "encoder")


@pytest.mark.long
def test_wheel_and_hub_tokenise_alike(hub_cache, layers, tmp_path):
    encoder.from_hub(PREPROCESS, tmp_path / "preprocess")
    encoder.from_hub(SMALL_BERT, tmp_path / "encoder")
    hub, _ = encoder.load(tmp_path / "preprocess", tmp_path / "encoder")
    wheel, _ = layers
    texts = tf.constant(["Naïve café, isn't it? 😀 @user http", "", "soooo   TIRED!!", "x" * 300])
    for name in encoder.INPUTS:
        np.testing.assert_array_equal(hub(texts)[name], wheel(texts)[name])

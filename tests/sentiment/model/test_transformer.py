"""The forward pass of BERT and MPNet: known answers of the reference, and its dropout.

The known answers are those of transformers 5.24.0 with torch 2.14.1: AutoModel.from_pretrained of
the folder that `write_tiny_checkpoint` writes, in eval mode, with the inputs of `batch`.
"""

import numpy as np
import pytest
import tensorflow as tf

from customer_profiles.sentiment.model import encoder, transformer
from customer_profiles.sentiment.model.pretrained import checkpoint
from tests.sentiment.tiny import WORDS, write_tiny_checkpoint

LENGTHS = np.array([60, 5, 2])
# The first four numbers of each post's pooled output, and of its last token's vector.
KNOWN = {
    "bert": (
        [
            [0.248489, -0.929503, -0.673427, -0.999873],
            [0.565046, -0.315171, -0.543032, -0.892801],
            [0.478709, -0.935616, 0.221768, -0.999487],
        ],
        [
            [-0.363037, 0.459953, 0.477951, -0.115031],
            [-0.217006, 0.387071, 1.109061, -0.072234],
            [0.777303, -0.144733, 1.033476, 1.87713],
        ],
    ),
    "mpnet": (
        [
            [0.974686, 0.111262, 0.667475, -0.999375],
            [0.994616, -0.294234, -0.74866, -0.999737],
            [0.985109, 0.060861, 0.870763, -0.999786],
        ],
        [
            [-1.305562, 2.126149, 0.539897, -0.489931],
            [-2.113628, 1.568229, 0.561982, -1.257605],
            [-0.79101, 1.001343, 0.534628, -0.654306],
        ],
    ),
}


def batch(kind):
    """An encoder's three inputs (3, 60): word ids, mask and types."""
    rng = np.random.default_rng(2)
    mask = (np.arange(60) < LENGTHS[:, None]).astype(int)
    word_ids = np.where(mask, rng.integers(4, len(WORDS) + 4, (3, 60)), int(kind == "mpnet"))
    types = rng.integers(0, 2, (3, 60))
    return [tf.constant(part, tf.int32) for part in (word_ids, mask, types)]


@pytest.fixture(params=["bert", "mpnet"])
def kind(request):
    return request.param


@pytest.fixture
def folder(kind, tmp_path):
    return write_tiny_checkpoint(tmp_path / kind, kind)


def encoded(folder, kind):
    source = checkpoint.read(folder)
    pooled, sequence = transformer.encode(dict(source.arrays()), source.architecture, *batch(kind))
    return pooled.numpy(), sequence.numpy()


def last_tokens(sequence):
    return sequence[np.arange(3), LENGTHS - 1, :4]


def test_the_vectors_are_those_of_the_reference(folder, kind):
    pooled, sequence = encoded(folder, kind)
    assert (pooled.shape, sequence.shape) == ((3, 32), (3, 60, 32))
    np.testing.assert_allclose(pooled[:, :4], KNOWN[kind][0], atol=1e-5)
    np.testing.assert_allclose(last_tokens(sequence), KNOWN[kind][1], atol=1e-5)


def test_without_a_pooler_the_pooled_output_is_the_first_tokens_vector(kind, tmp_path):
    import safetensors.numpy

    folder = write_tiny_checkpoint(tmp_path / kind, kind)
    arrays = safetensors.numpy.load_file(folder / "model.safetensors")
    kept = {name: array for name, array in arrays.items() if "pooler" not in name}
    safetensors.numpy.save_file(kept, folder / "model.safetensors")
    pooled, sequence = encoded(folder, kind)
    np.testing.assert_array_equal(pooled, sequence[:, 0])
    np.testing.assert_allclose(last_tokens(sequence), KNOWN[kind][1], atol=1e-5)


def test_distances_share_buckets_as_in_the_reference():
    # MPNetEncoder.relative_position_bucket(torch.arange(-200, 201)) of transformers 5.24.0
    bucket = dict(zip(range(-200, 201), transformer.buckets(201, 32), strict=True))
    assert [bucket[d] for d in (0, -1, -7, -8, -12, -16, -32, -64, -90, -91, -127, -200)] == [
        0, 1, 7, 8, 9, 10, 12, 14, 14, 15, 15, 15,
    ]  # fmt: skip
    assert [bucket[d] for d in (1, 7, 8, 15, 31, 200)] == [17, 23, 24, 25, 27, 31]


@pytest.fixture
def saved(folder, tmp_path):
    """Preprocess and encoder of `folder`, as a function that loads them anew."""
    made = tmp_path / "preprocess", tmp_path / "encoder"
    encoder.from_folder(folder, *made, 64)
    return lambda: encoder.load(*made)[1]


def inputs(kind):
    return dict(zip(encoder.INPUTS, batch(kind), strict=True))


def steps(layer):
    (variable,) = (v for v in layer.variables if v.dtype == tf.int64)
    return variable


def test_training_drops_out_and_reading_does_not(saved, kind):
    layer = saved()
    read = layer(inputs(kind), training=False)["sequence_output"].numpy()
    trained = layer(inputs(kind), training=True)["sequence_output"].numpy()
    assert np.abs(read - trained).mean() > 0.1
    assert steps(layer).numpy() == 1
    np.testing.assert_array_equal(layer(inputs(kind))["sequence_output"], read)
    assert steps(layer).numpy() == 1


def test_dropout_differs_from_step_to_step_and_is_that_of_the_step(saved, kind):
    first, second = saved(), saved()
    one, two = (first(inputs(kind), training=True)["pooled_output"].numpy() for _ in range(2))
    assert np.abs(one - two).max() > 0.01
    steps(second).assign(1)
    again = second(inputs(kind), training=True)["pooled_output"].numpy()
    np.testing.assert_array_equal(again, two)


def test_dropout_keeps_nine_of_ten_numbers_and_the_mean():
    dropout = transformer.Dropout(tf.constant(3, tf.int64))
    one, two = (dropout(tf.ones([100, 1000])).numpy() for _ in range(2))
    assert (one == 0).mean() == pytest.approx(0.1, abs=0.005)
    assert one.mean() == pytest.approx(1, abs=0.005)
    assert ((one == 0) & (two == 0)).mean() == pytest.approx(0.01, abs=0.002)


def train(layer, kind, times):
    """Train with a rate that moves weights from the first step on."""
    weights = layer.trainable_variables
    for _ in range(times):
        with tf.GradientTape() as tape:
            loss = tf.reduce_sum(layer(inputs(kind), training=True)["pooled_output"][:, 0])
        for variable, gradient in zip(weights, tape.gradient(loss, weights), strict=True):
            variable.assign_sub(0.001 * tf.convert_to_tensor(gradient))


@pytest.mark.long
def test_a_training_that_is_resumed_from_a_checkpoint_gives_the_same_bytes(saved, kind, tmp_path):
    whole, first, rest = saved(), saved(), saved()
    train(whole, kind, 4)
    train(first, kind, 2)
    kept = tf.train.Checkpoint(layer=first).save(str(tmp_path / "kept"))
    tf.train.Checkpoint(layer=rest).restore(kept).assert_consumed()
    train(rest, kind, 2)
    for a, b in zip(whole.variables, rest.variables, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.long
def test_word_embeddings_stay_as_they_are_unless_they_are_trained(folder, kind, tmp_path):
    for train_words in (False, True):
        made = tmp_path / f"p {train_words}", tmp_path / f"e {train_words}"
        assert encoder.from_folder(folder, *made, 64, train_words) in ("BERT", "MPNet")
        _, layer = encoder.load(*made)
        (words,) = (v for v in layer.variables if v.name.startswith("embeddings/words"))
        names = [variable.name for variable in layer.trainable_variables]
        assert (words.name in names) == train_words
        assert len(layer.variables) == len(names) + (1 if train_words else 2)
        before = words.numpy()
        train(layer, kind, 1)
        assert (words.numpy() != before).any() == train_words

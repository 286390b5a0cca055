"""The forward pass of BERT and MPNet, in the form TensorFlow computes fastest on a processor.

All tokens of a batch are rows of one matrix, so that each dense layer is one multiplication with
its bias and activation fused (oneDNN). Devlin et al. 2019; MPNet (Song et al. 2020) is BERT
without token types and with a bias of attention by the distance of two tokens, in buckets as in T5
(Raffel et al. 2020). The outputs equal those of the reference implementation up to rounding.
"""

import math
from collections.abc import Callable, Mapping

import numpy as np

from customer_profiles.sentiment.model.backend import tf
from customer_profiles.sentiment.model.pretrained.architecture import Architecture

DROPOUT = 0.1  # both models were pretrained with it
MASKED = -1e9
FARTHEST = 128  # distance from which all share the last bucket

Weights = Mapping[str, tf.Variable]
ACTIVATIONS = {
    # TensorFlow fuses this form of it with the multiplication before, but not that of tf.nn.gelu:
    # in bfloat16 an encoder reads half as fast again.
    "gelu": lambda rows: rows * (0.5 * (1.0 + tf.math.erf(rows * math.sqrt(0.5)))),
    "gelu_tanh": lambda rows: tf.nn.gelu(rows, approximate=True),
    "relu": tf.nn.relu,
}


class Dropout:
    """Dropout of training step `step` (int64 scalar).

    Its random numbers depend on the step and the place in the model alone, so that a training that
    is resumed goes on with the same ones. Note: devices that share a batch draw alike, each for
    its own rows.
    """

    def __init__(self, step: tf.Tensor):
        self._step, self._place = step, 0

    def __call__(self, values: tf.Tensor) -> tf.Tensor:
        self._place += 1
        seed = tf.stack([tf.constant(self._place, tf.int64), self._step])
        return tf.nn.experimental.stateless_dropout(values, DROPOUT, seed, rng_alg="philox")


def encode(
    weights: Weights,
    model: Architecture,
    word_ids: tf.Tensor,
    mask: tf.Tensor,
    type_ids: tf.Tensor,
    dropout: Callable[[tf.Tensor], tf.Tensor] = tf.identity,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Pooled output float32 (n, width), and the vector of each token (n, length, width).

    The inputs are int32 (n, length). Without a pooler the pooled output is the first token's
    vector. Note: the vectors at padding mean nothing.
    """
    n, length = tf.unstack(tf.shape(word_ids))
    embedded = tf.gather(weights["embeddings/words"], word_ids)
    first = model.first_position
    embedded += weights["embeddings/positions"][first : first + length]
    if model.types:
        # As a multiplication: the gradient of a gather would be as long as the batch.
        embedded += tf.one_hot(type_ids, model.types) @ weights["embeddings/types"]
    rows = tf.reshape(embedded, [-1, model.width])
    rows = dropout(_normalised(weights, "embeddings/norm", rows, model))
    added = MASKED * (1 - tf.cast(mask, tf.float32)[:, tf.newaxis, tf.newaxis, :])
    if model.buckets:
        added += _position_bias(weights["attention_bias"], length, model)
    activation = ACTIVATIONS[model.activation]
    for number in range(model.layers):
        layer = f"layer_{number}"
        attended = _attended(weights, f"{layer}/attention", rows, added, model, dropout)
        attended = dropout(_dense(weights, f"{layer}/attention/output", attended))
        rows = _normalised(weights, f"{layer}/attention/norm", rows + attended, model)
        inner = activation(_dense(weights, f"{layer}/inner", rows))
        outer = dropout(_dense(weights, f"{layer}/outer", inner))
        rows = _normalised(weights, f"{layer}/norm", rows + outer, model)
    sequence = tf.reshape(rows, [n, length, model.width])
    pooled = sequence[:, 0]
    return tf.tanh(_dense(weights, "pooler", pooled)) if model.pooler else pooled, sequence


def buckets(positions: int, number: int) -> np.ndarray:
    """Bucket (2 * positions - 1,) of each distance, from 1 - positions up.

    Half of the `number` of buckets are for tokens ahead; of each half one half holds single
    distances, the other ranges of distances that grow as powers up to FARTHEST.
    """
    distance = np.arange(1 - positions, positions)
    side, exact = number // 2, number // 4
    # The reference computes in float32: at powers of two another precision rounds otherwise.
    ratio = np.float32(np.maximum(np.abs(distance), 1)) / np.float32(exact)
    steps = np.log(ratio) / np.float32(math.log(FARTHEST / exact)) * np.float32(side - exact)
    far = np.minimum(exact + steps.astype(int), side - 1)
    near = np.abs(distance)
    return np.where(near < exact, near, far) + side * (distance > 0)


def _position_bias(table: tf.Variable, length: tf.Tensor, model: Architecture) -> tf.Tensor:
    """Bias (1, heads, length, length) of attention from each token to each."""
    places = tf.range(length)
    distance = places[tf.newaxis, :] - places[:, tf.newaxis] + model.positions - 1
    bucket = tf.gather(tf.constant(buckets(model.positions, model.buckets), tf.int32), distance)
    bias = tf.reshape(tf.one_hot(bucket, model.buckets), [-1, model.buckets]) @ table
    return tf.transpose(tf.reshape(bias, [1, length, length, model.heads]), [0, 3, 1, 2])


def _attended(
    weights: Weights, name: str, rows: tf.Tensor, added: tf.Tensor, model: Architecture, dropout
) -> tf.Tensor:
    """Multi-head attention among the tokens of each post, (n * length, width).

    `added` (n, heads or 1, length or 1, length) is added to the scores.
    """
    length = tf.shape(added)[3]
    each = model.width // model.heads

    def by_head(part: str) -> tf.Tensor:
        projected = _dense(weights, f"{name}/{part}", rows)
        return tf.transpose(tf.reshape(projected, [-1, length, model.heads, each]), [0, 2, 1, 3])

    scores = tf.matmul(by_head("query"), by_head("key"), transpose_b=True) / each**0.5
    attended = tf.matmul(dropout(tf.nn.softmax(scores + added)), by_head("value"))
    return tf.reshape(tf.transpose(attended, [0, 2, 1, 3]), [-1, model.width])


def _dense(weights: Weights, name: str, rows: tf.Tensor) -> tf.Tensor:
    return tf.nn.bias_add(tf.matmul(rows, weights[f"{name}/kernel"]), weights[f"{name}/bias"])


def _normalised(weights: Weights, name: str, rows: tf.Tensor, model: Architecture) -> tf.Tensor:
    from_mean = rows - tf.reduce_mean(rows, axis=-1, keepdims=True)
    variance = tf.reduce_mean(tf.square(from_mean), axis=-1, keepdims=True)
    scale = weights[f"{name}/scale"] * tf.math.rsqrt(variance + model.epsilon)
    return from_mean * scale + weights[f"{name}/shift"]

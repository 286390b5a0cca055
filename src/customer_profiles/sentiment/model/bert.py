"""BERT's forward pass, without dropout, in the form TensorFlow computes fastest on a processor.

All tokens of a batch are rows of one matrix, so that each dense layer is one multiplication with
its bias and activation fused (oneDNN). Keras keeps posts, tokens and heads as separate dimensions,
and its multiplications are not fused. Devlin et al. 2019. The numbers equal those of Keras up to
rounding, which a test checks.
"""

from collections.abc import Mapping
from typing import NamedTuple

import tensorflow as tf

EPSILON = 1e-12  # of the layer normalisations, BERT's own
MASKED = -1e9


class Sizes(NamedTuple):
    """Sizes of a BERT: transformer layers, attention heads of each, width of a token's vector."""

    layers: int
    heads: int
    width: int


def encode(
    weights: Mapping[str, tf.Tensor],
    sizes: Sizes,
    word_ids: tf.Tensor,
    mask: tf.Tensor,
    type_ids: tf.Tensor,
) -> tuple[tf.Tensor, list[tf.Tensor]]:
    """Pooled output float32 (n, width), and each transformer layer's output (n, length, width).

    `weights` have KerasHub's names, the inputs are int32 (n, length). Note: the layers' outputs at
    padding mean nothing.
    """
    n, length = tf.unstack(tf.shape(word_ids))
    embedded = (
        tf.gather(weights["token_embedding/embeddings"], word_ids)
        + weights["position_embedding/embeddings"][:length]
        + tf.gather(weights["segment_embedding/embeddings"], type_ids)
    )
    rows = tf.reshape(embedded, [-1, sizes.width])
    rows = _normalised(weights, "embeddings_layer_norm", rows)
    masked = MASKED * (1 - tf.cast(mask, tf.float32)[:, tf.newaxis, tf.newaxis, :])
    outputs = []
    for number in range(sizes.layers):
        layer = f"transformer_layer_{number}"
        attended = _attended(weights, f"{layer}/self_attention_layer", sizes, rows, masked)
        rows = _normalised(weights, f"{layer}/self_attention_layer_norm", rows + attended)
        inner = _dense(weights, f"{layer}/feedforward_intermediate_dense", rows)
        inner = tf.nn.gelu(inner, approximate=True)
        outer = _dense(weights, f"{layer}/feedforward_output_dense", inner)
        rows = _normalised(weights, f"{layer}/feedforward_layer_norm", rows + outer)
        outputs.append(tf.reshape(rows, [n, length, sizes.width]))
    return tf.tanh(_dense(weights, "pooled_dense", outputs[-1][:, 0])), outputs


def _attended(weights, name: str, sizes: Sizes, rows: tf.Tensor, masked: tf.Tensor) -> tf.Tensor:
    """Multi-head attention among the tokens of each post, (n * length, width)."""
    n, length = tf.shape(masked)[0], tf.shape(masked)[3]
    each = sizes.width // sizes.heads

    def by_head(part: str) -> tf.Tensor:
        projected = _dense(weights, f"{name}/{part}", rows)
        return tf.transpose(tf.reshape(projected, [n, length, sizes.heads, each]), [0, 2, 1, 3])

    scores = tf.matmul(by_head("query"), by_head("key"), transpose_b=True) / each**0.5
    attended = tf.matmul(tf.nn.softmax(scores + masked), by_head("value"))
    together = tf.reshape(tf.transpose(attended, [0, 2, 1, 3]), [-1, sizes.width])
    return _dense(weights, f"{name}/attention_output", together)


def _dense(weights, name: str, rows: tf.Tensor) -> tf.Tensor:
    # Keras stores the kernels of attention by head, in three dimensions.
    kernel = tf.reshape(weights[f"{name}/kernel"], [rows.shape[-1], -1])
    return tf.nn.bias_add(tf.matmul(rows, kernel), tf.reshape(weights[f"{name}/bias"], [-1]))


def _normalised(weights, name: str, rows: tf.Tensor) -> tf.Tensor:
    from_mean = rows - tf.reduce_mean(rows, axis=-1, keepdims=True)
    variance = tf.reduce_mean(tf.square(from_mean), axis=-1, keepdims=True)
    scale = weights[f"{name}/gamma"] * tf.math.rsqrt(variance + EPSILON)
    return from_mean * scale + weights[f"{name}/beta"]

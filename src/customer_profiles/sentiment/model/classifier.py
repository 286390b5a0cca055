"""The sentiment model: text → preprocess → BERT encoder → dropout → dense(1), one logit.

The model is saved as one self-contained SavedModel, raw text in, polarity out. Polarity is the
sigmoid of the logit, divided by a temperature: 0 negative … 1 positive.
"""

# Imported first: it sets the version of Keras that TensorFlow uses.
from collections.abc import Callable
from pathlib import Path

import tensorflow as tf
import tf_keras

from customer_profiles.project import files
from customer_profiles.sentiment.model import encoder as encoders
from customer_profiles.sentiment.model.layers import sentiment_layers
from customer_profiles.sentiment.model.text import NORMALISATIONS

# [CLS] and [SEP]: the tokens of a post with nothing to read.
EMPTY = 2
NOTHING_READ = 0.5  # polarity of such a post


class Dropout(tf_keras.layers.Layer):
    """Dropout whose random generator is saved with the weights, unlike that of Keras' own layer."""

    def __init__(self, rate: float, seed: int):
        super().__init__(name="dropout")
        self.rate, self.draws = rate, tf.random.Generator.from_seed(seed)

    def call(self, inputs, training=False):
        if not training or not self.rate:
            return inputs
        kept = self.draws.uniform(tf.shape(inputs)) >= self.rate
        return tf.where(kept, inputs / (1 - self.rate), 0.0)


def build(encoder: Callable, dropout: float, pooling: str, seed: int) -> tf_keras.Model:
    """Classifier from BERT's inputs to one logit, shape (n, 1).

    `pooling` is "pooled" (the encoder's pooled_output, as the original) or "mean" (the mean of
    sequence_output over real tokens). `seed` determines the dropout, and not the initial weights.
    """
    tf_keras.utils.set_random_seed(seed)
    inputs = {name: tf_keras.Input((None,), dtype=tf.int32, name=name) for name in encoders.INPUTS}
    encoded = encoder(inputs)
    pooled = pool(encoded, inputs["input_mask"], pooling)
    drop = Dropout(dropout, seed)
    # Equal for every seed: only trainings with equal initial weights can be averaged.
    start = tf_keras.initializers.GlorotUniform(seed=0)
    logit = tf_keras.layers.Dense(1, name="classifier", kernel_initializer=start)(drop(pooled))
    return tf_keras.Model(inputs, logit, name="sentiment")


def layers(
    preprocess: Callable, model: tf_keras.Model, pooling: str, dropout: float
) -> list[tuple[str, str]]:
    """Layers of the saved model from top to bottom: name and output of each, for a figure."""
    head = model.get_layer("classifier")
    width = head.kernel.shape[0]
    trainable = sum(variable.shape.num_elements() for variable in model.trainable_variables)
    weights = trainable - head.count_params()
    length = preprocess(tf.constant([""]))["input_word_ids"].shape[1]
    return sentiment_layers(width, weights, length, pooling, dropout)


class Sentiment(tf.Module):
    """Module that is saved, with three signatures.

    `serving_default` is the whole model; `tokenise` and `score` are its halves, so that the caller
    can sort posts by length in between.
    """

    def __init__(
        self,
        preprocess: Callable,
        encoder: Callable,
        head: tf_keras.layers.Dense,
        pooling: str,
        temperature: float,
    ):
        super().__init__()
        self._preprocess, self._encoder, self._pooling = preprocess, encoder, pooling
        self._kernel, self._bias = (
            tf.Variable(array / temperature, dtype=tf.float32) for array in head.get_weights()
        )

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def __call__(self, text):
        """`text` string (n,) → dict with `polarity` float32 (n,)."""
        tokens = self.tokenise(text)
        longest = tf.reduce_max(tf.reduce_sum(tokens["input_mask"], axis=1))
        tokens = {name: tokens[name][:, :longest] for name in encoders.INPUTS}
        return {"polarity": self._score(tokens)["polarity"]}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def tokenise(self, text):
        """`text` string (n,) → BERT's three inputs, int32 (n, sequence_length)."""
        tokens = self._preprocess(normalise(text))
        return {name: tokens[name] for name in encoders.INPUTS}

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None], tf.int32, name=name) for name in encoders.INPUTS
        ]
    )
    def score(self, *inputs):
        """BERT's inputs (n, length) → `polarity` (n,), `vector` (n, layers · width), float32.

        The vector holds the mean over the post's tokens of each transformer layer. The layers
        before the last keep information that the last one has lost in favour of polarity.
        """
        return self._score(dict(zip(encoders.INPUTS, inputs, strict=True)))

    def _score(self, tokens):
        mask = tokens["input_mask"]
        encoded = self._encoder(tokens)
        pooled = pool(encoded, mask, self._pooling)
        vector = tf.concat([mean(part, mask) for part in encoded["encoder_outputs"]], axis=1)
        logit = (tf.matmul(pooled, self._kernel) + self._bias)[:, 0]
        read = tf.reduce_sum(mask, axis=1) > EMPTY
        return {"polarity": tf.where(read, tf.sigmoid(logit), NOTHING_READ), "vector": vector}


def save(
    folder: Path,
    preprocess: Callable,
    encoder: Callable,
    model: tf_keras.Model,
    pooling: str,
    temperature: float = 1.0,
) -> None:
    """Write the trained `model` as a SavedModel; its logits are divided by `temperature`."""
    head = model.get_layer("classifier")
    module = Sentiment(preprocess, encoders.without_strategy(encoder), head, pooling, temperature)
    with files.replacing(folder) as fresh:
        signatures = {
            "serving_default": module.__call__,
            "tokenise": module.tokenise,
            "score": module.score,
        }
        encoders.write(module, fresh, signatures=signatures)


def normalise(text: tf.Tensor) -> tf.Tensor:
    """`text.normalise` for a string tensor, by the same table; invalid UTF-8 becomes U+FFFD."""
    text = tf.strings.unicode_transcode(text, "UTF-8", "UTF-8")
    for pattern, replacement in NORMALISATIONS:
        text = tf.strings.regex_replace(text, pattern, replacement)
    return text


def pool(encoded: dict, mask: tf.Tensor, pooling: str) -> tf.Tensor:
    """Vector of each post (n, width): the encoder's pooled_output, or the mean over its tokens."""
    if pooling == "pooled":
        return encoded["pooled_output"]
    return mean(encoded["sequence_output"], mask)


def mean(sequence: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Mean (n, width) of `sequence` (n, length, width) over the tokens in `mask` (n, length)."""
    weights = tf.cast(mask, tf.float32)[:, :, tf.newaxis]
    return tf.reduce_sum(sequence * weights, axis=1) / tf.reduce_sum(weights, axis=1)

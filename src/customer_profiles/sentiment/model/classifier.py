"""The sentiment model: text → preprocess → encoder → dropout → dense, a logit for each question.

The questions are valence p (good or bad) and subjectivity s (a feeling or an opinion, or neither).
Both are the sigmoid of a logit that is divided by a temperature. From them follow the classes,
negative s(1 - p), neutral 1 - s and positive s·p, and polarity s·p + (1 - s)/2: 0 negative … 1
positive, 0.5 for a post without feeling. The model of the original design answers valence only; its
classes lie between two thresholds of p.

The model is saved as one self-contained SavedModel, raw text in, ratings out.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from customer_profiles.project import files
from customer_profiles.sentiment.model import encoder as encoders
from customer_profiles.sentiment.model.backend import tf, tf_keras
from customer_profiles.sentiment.model.layers import QUESTIONS, RATINGS, sentiment_layers
from customer_profiles.sentiment.model.text import NORMALISATIONS

# Tokens of a post with nothing to read: the two that mark its ends.
EMPTY = 2
UNDECIDED = 0.5  # both answers for such a post


class Calibration(NamedTuple):
    """Temperature of each question; of one question, the thresholds around neutral as well."""

    temperatures: tuple[float, ...] = (1.0, 1.0)
    thresholds: tuple[float, float] | None = None

    def to_dict(self) -> dict:
        """Temperatures by question, and the thresholds if there are any."""
        named = dict(zip(QUESTIONS, self.temperatures, strict=False))
        return {**named, **({"thresholds": list(self.thresholds)} if self.thresholds else {})}


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


def build(
    encoder: Callable, dropout: float, pooling: str, seed: int, questions: int = len(QUESTIONS)
) -> tf_keras.Model:
    """Classifier from the encoder's inputs to the logits of the first `questions`, (n, questions).

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
    head = tf_keras.layers.Dense(questions, name="classifier", kernel_initializer=start)
    return tf_keras.Model(inputs, head(drop(pooled)), name="sentiment")


def layers(
    kind: str, preprocess: Callable, model: tf_keras.Model, pooling: str, dropout: float
) -> list[tuple[str, str]]:
    """Layers of the saved model from top to bottom: name and output of each, for a figure."""
    head = model.get_layer("classifier")
    width, questions = head.kernel.shape
    weights = model.count_params() - head.count_params()
    length = preprocess(tf.constant([""]))["input_word_ids"].shape[1]
    return sentiment_layers(kind, width, weights, length, pooling, dropout, questions)


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
        calibration: Calibration,
    ):
        super().__init__()
        self._preprocess, self._encoder, self._pooling = preprocess, encoder, pooling
        self._kernel, self._bias = (
            tf.Variable(array / calibration.temperatures, dtype=tf.float32)
            for array in head.get_weights()
        )
        self._thresholds = calibration.thresholds

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def __call__(self, text):
        """`text` string (n,) → dict of RATINGS, float32 (n,) each."""
        tokens = self.tokenise(text)
        longest = tf.reduce_max(tf.reduce_sum(tokens["input_mask"], axis=1))
        tokens = {name: tokens[name][:, :longest] for name in encoders.INPUTS}
        return self._score(tokens)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def tokenise(self, text):
        """`text` string (n,) → the encoder's three inputs, int32 (n, sequence_length)."""
        tokens = self._preprocess(normalise(text))
        return {name: tokens[name] for name in encoders.INPUTS}

    @tf.function(
        input_signature=[
            tf.TensorSpec([None, None], tf.int32, name=name) for name in encoders.INPUTS
        ]
    )
    def score(self, *inputs):
        """The encoder's inputs (n, length) → dict of RATINGS, float32 (n,) each."""
        return self._score(dict(zip(encoders.INPUTS, inputs, strict=True)))

    def _score(self, tokens):
        mask = tokens["input_mask"]
        pooled = pool(self._encoder(tokens), mask, self._pooling)
        answers = tf.sigmoid(tf.matmul(pooled, self._kernel) + self._bias)
        read = tf.reduce_sum(mask, axis=1, keepdims=True) > EMPTY
        answers = tf.where(read, answers, UNDECIDED)
        return ratings(*tf.unstack(answers, axis=1), thresholds=self._thresholds)


def ratings(
    valence: tf.Tensor,
    subjectivity: tf.Tensor | None = None,
    thresholds: tuple[float, float] | None = None,
) -> dict[str, tf.Tensor]:
    """RATINGS of posts, float32 (n,) each, from the answers (n,) to both questions.

    Without `subjectivity` polarity is the valence, the class lies below, between or above the two
    `thresholds` and has probability 1, and a post is subjective unless it is neutral.
    """
    if subjectivity is None:
        low, high = thresholds
        below, above = (tf.cast(side, tf.float32) for side in (valence < low, valence > high))
        subjective = below + above
        answers = (valence, subjective, below, 1 - subjective, above)
    else:
        # In this form a small subjectivity does not change the side of 0.5.
        polarity = 0.5 + subjectivity * (valence - 0.5)
        negative, positive = subjectivity * (1 - valence), subjectivity * valence
        answers = (polarity, subjectivity, negative, 1 - subjectivity, positive)
    return dict(zip(RATINGS, answers, strict=True))


def save(
    folder: Path,
    preprocess: Callable,
    encoder: Callable,
    model: tf_keras.Model,
    pooling: str,
    calibration: Calibration | None = None,
) -> None:
    """Write the trained `model` as a SavedModel, with its `calibration`.

    Without one the temperatures are 1, and the model must answer both questions.
    """
    head = model.get_layer("classifier")
    chosen = calibration or Calibration()
    module = Sentiment(preprocess, encoders.without_strategy(encoder), head, pooling, chosen)
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
    weights = tf.cast(mask, tf.float32)[:, :, tf.newaxis]
    return tf.reduce_sum(encoded["sequence_output"] * weights, axis=1) / tf.reduce_sum(
        weights, axis=1
    )

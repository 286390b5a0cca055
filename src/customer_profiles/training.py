"""Fine-tuning: text → preprocess → trainable BERT encoder → dropout → dense(1), one logit."""

# First: it settles which Keras TensorFlow uses.
from customer_profiles import encoder as encoders  # isort: skip

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import tensorflow as tf
import tf_keras
from tqdm import tqdm

from customer_profiles.layers import sentiment_layers
from customer_profiles.sentiment import normalise, pool

Tokens = dict[str, np.ndarray]

POOLINGS = ("mean", "pooled")
OPTIMIZERS = ("adam", "adamw")
DECAYS = ("none", "linear")
# Sentiment140-like posts: 26 tokens on average, 95 % under 40.
BUCKETS = (12, 16, 20, 24, 28, 32, 40, 48, 64, 96)
POINTS = 20  # of the training curves, in an epoch


def devices(kind: str = "GPU") -> tf.distribute.Strategy:
    """Where to train: on all devices of a kind, each batch shared out among them, or on the one.

    Encoder and model have to be made inside its `scope()`.
    """
    found = tf.config.list_logical_devices(kind)
    return tf.distribute.MirroredStrategy(found) if len(found) > 1 else tf.distribute.get_strategy()


def described(strategy: tf.distribute.Strategy) -> str:
    """What `strategy` trains on: "1 CPU", "2 GPU"."""
    kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
    return f"{strategy.num_replicas_in_sync} {kind}"


def tokenise(preprocess: Callable, texts: Sequence[str], batch_size: int = 2048) -> Tokens:
    """BERT's inputs for normalised `texts` (n,): three int32 arrays (n, sequence_length)."""
    texts = np.asarray(texts, dtype=object)
    parts = []
    for start in tqdm(range(0, len(texts), batch_size), desc="tokenising", unit="batch"):
        tokens = preprocess(normalise(tf.constant(texts[start : start + batch_size])))
        parts.append({name: tokens[name].numpy() for name in encoders.INPUTS})
    return {name: np.concatenate([part[name] for part in parts]) for name in encoders.INPUTS}


def batches(
    tokens: Tokens, polarity: np.ndarray, batch_size: int, seed: int | None = None
) -> tf.data.Dataset:
    """Batches of posts of like length, padded to the longest of the batch.

    Shuffled anew in each epoch when `seed` is given. Posts are short and padding is costly: the
    attention of 128 tokens takes several times that of 26.
    """
    lengths = tokens["input_mask"].sum(axis=1).astype(np.int32)
    rows = tf.data.Dataset.from_tensor_slices((tokens, lengths, polarity.astype(np.float32)))
    if seed is not None:
        rows = rows.shuffle(len(lengths), seed=seed)
    rows = rows.map(
        lambda post, length, target: ({name: post[name][:length] for name in post}, target),
        num_parallel_calls=tf.data.AUTOTUNE,
    )
    return rows.bucket_by_sequence_length(
        lambda post, _: tf.shape(post["input_mask"])[0],
        bucket_boundaries=[edge + 1 for edge in BUCKETS],
        bucket_batch_sizes=[batch_size] * (len(BUCKETS) + 1),
    ).prefetch(2)


def build(encoder: Callable, dropout: float, pooling: str, seed: int) -> tf_keras.Model:
    """Classifier from BERT's inputs to one logit, shape (n, 1).

    `pooling` is "pooled" (the encoder's pooled_output, as the original) or "mean" (the mean of
    sequence_output over real tokens). Raises ValueError for another one.
    """
    _one_of("pooling", pooling, POOLINGS)
    tf_keras.utils.set_random_seed(seed)
    inputs = {name: tf_keras.Input((None,), dtype=tf.int32, name=name) for name in encoders.INPUTS}
    encoded = encoder(inputs)
    pooled = pool(encoded, inputs["input_mask"], pooling)
    dropped = tf_keras.layers.Dropout(dropout, name="dropout")(pooled)
    logit = tf_keras.layers.Dense(1, name="classifier")(dropped)
    return tf_keras.Model(inputs, logit, name="sentiment")


def layers(
    preprocess: Callable, model: tf_keras.Model, pooling: str, dropout: float
) -> list[tuple[str, str]]:
    """The saved model from top to bottom: name and output of each layer, for a figure."""
    head = model.get_layer("classifier")
    width = head.kernel.shape[0]
    trainable = sum(variable.shape.num_elements() for variable in model.trainable_variables)
    weights = trainable - head.count_params()
    length = preprocess(tf.constant([""]))["input_word_ids"].shape[1]
    return sentiment_layers(width, weights, length, pooling, dropout)


def train(
    model: tf_keras.Model,
    training: tuple[Tokens, np.ndarray],
    validation: tuple[Tokens, np.ndarray],
    *,
    epochs: int,
    batch_size: int,
    optimizer: str,
    learning_rate: float,
    decay: str,
    patience: int,
    seed: int,
    on_point: Callable[[dict[str, float], int], None] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Train `model` in place; the learning curves, one row an epoch, and by step.

    The loss is binary cross-entropy from the logit. With `patience` above 0 training stops when
    the validation loss has not improved for that many epochs, and the best weights are restored;
    with 0 it runs all epochs and keeps the last. By step: `step` (batches so far), `epoch` (a
    fraction), `posts` since the row before, and `loss` and `accuracy` over these; `on_point` hears
    of each row when it is made, as (values, step).

    Raises FloatingPointError when the loss is not finite.
    """
    _one_of("optimizer", optimizer, OPTIMIZERS)
    _one_of("decay", decay, DECAYS)
    rows = batches(*training, batch_size, seed)
    steps = sum(1 for _ in rows)
    rate = learning_rate
    if decay == "linear":
        rate = tf_keras.optimizers.schedules.PolynomialDecay(rate, steps * epochs, 0.0)
    kind = {"adam": tf_keras.optimizers.Adam, "adamw": tf_keras.optimizers.AdamW}[optimizer]
    with model.distribute_strategy.scope():
        model.compile(
            optimizer=kind(learning_rate=rate),
            loss=tf_keras.losses.BinaryCrossentropy(from_logits=True),
            metrics=[tf_keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0)],
        )
    points = _Points(steps, len(training[1]), on_point)
    callbacks = [tf_keras.callbacks.TerminateOnNaN(), _Progress(steps, epochs), points]
    if patience:
        callbacks.append(
            tf_keras.callbacks.EarlyStopping(
                monitor="val_loss", patience=patience, restore_best_weights=True
            )
        )
    history = model.fit(
        rows,
        validation_data=batches(*validation, batch_size),
        epochs=epochs,
        callbacks=callbacks,
        verbose=0,
    )
    curves = pd.DataFrame(history.history)
    if not np.isfinite(curves["loss"]).all():
        raise FloatingPointError(
            f"the training loss became {curves['loss'].iloc[-1]}; lower finetune.learning_rate "
            f"(it is {learning_rate})"
        )
    curves.insert(0, "epoch", range(1, len(curves) + 1))
    return curves, pd.DataFrame(points.rows)


class _Progress(tf_keras.callbacks.Callback):
    """One bar over all steps, with the running loss and accuracy."""

    def __init__(self, steps: int, epochs: int):
        super().__init__()
        self._bar = tqdm(total=steps * epochs, desc="training", unit="step")

    def on_train_batch_end(self, batch, logs=None):
        figures = {name: f"{logs[name]:.3f}" for name in ("loss", "accuracy")}
        self._bar.set_postfix(figures, refresh=False)
        self._bar.update()

    def on_train_end(self, logs=None):
        self._bar.close()


class _Points(tf_keras.callbacks.Callback):
    """Training loss and accuracy over the posts since the last point, POINTS times an epoch.

    What Keras reports is the mean since the epoch began, which hides what happens at its end. The
    points are as many posts apart, not batches: an epoch ends with what is left of each length,
    in batches of a few posts, and the mean of so few jumps.
    """

    def __init__(self, steps: int, posts: int, on_point: Callable[[dict, int], None] | None):
        super().__init__()
        self.rows: list[dict[str, float]] = []
        self._steps, self._apart, self._on_point = steps, posts / POINTS, on_point

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch, self._point = epoch, 1
        self._posts, self._totals = 0.0, {}

    def on_train_batch_end(self, batch, logs=None):
        posts = float(self.model.metrics[0].count.read_value())
        if posts < self._point * self._apart - 0.5:  # half a post, for what rounding does
            return
        self._point = int((posts + 0.5) // self._apart) + 1
        since = posts - self._posts
        totals = {metric.name: float(metric.total.read_value()) for metric in self.model.metrics}
        values = {
            name: (total - self._totals.get(name, 0)) / since for name, total in totals.items()
        }
        self._posts, self._totals = posts, totals
        step = self._epoch * self._steps + batch + 1
        at = {"step": step, "epoch": step / self._steps, "posts": round(since)}
        self.rows.append({**at, **values})
        if self._on_point:
            self._on_point(values, step)


def _one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ValueError(f"finetune.{name} must be one of {', '.join(known)}, got {value}")

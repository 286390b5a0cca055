"""Fine-tuning: text → preprocess → trainable BERT encoder → dropout → dense(1), one logit."""

# First: it settles which Keras TensorFlow uses.
from customer_profiles import encoder as encoders  # isort: skip

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import tensorflow as tf
import tf_keras
from tqdm import tqdm

from customer_profiles import batching, hyperparameters, precision
from customer_profiles.backup import Backup
from customer_profiles.layers import sentiment_layers
from customer_profiles.sentiment import normalise, pool

Tokens = dict[str, np.ndarray]

MEASURED = ("loss", "accuracy")
POINTS = 20  # of the training curves, in an epoch


def devices(kind: str = "GPU") -> tf.distribute.Strategy:
    """Where to train: on all devices of a kind, each batch shared out among them, or on the one.

    Encoder and model have to be made inside its `scope()`.
    """
    found = tf.config.list_logical_devices(kind)
    return tf.distribute.MirroredStrategy(found) if len(found) > 1 else tf.distribute.get_strategy()


def forget() -> None:
    """Give up Keras' hold on the models of before: they take memory until then."""
    tf_keras.backend.clear_session()


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


def lengths(tokens: Tokens) -> np.ndarray:
    """Tokens of each post (n,), [CLS] and [SEP] among them."""
    return tokens["input_mask"].sum(axis=1)


def batches(tokens: Tokens, polarity: np.ndarray, rows: list[np.ndarray]) -> tf.data.Dataset:
    """A batch for each of `rows` (see `batching.plan`), padded to the longest of its posts."""
    counts, polarity = lengths(tokens), polarity.astype(np.float32)

    def take():
        for batch in rows:
            longest = counts[batch].max()
            yield {name: tokens[name][batch, :longest] for name in encoders.INPUTS}, polarity[batch]

    inputs = {name: tf.TensorSpec([None, None], tf.int32) for name in encoders.INPUTS}
    signature = inputs, tf.TensorSpec([None], tf.float32)
    found = tf.data.Dataset.from_generator(take, output_signature=signature)
    # Where Keras has to find out that there are no more, the step that fails is counted: the
    # optimizer's iterations, and with them the learning rate's decay, would run ahead.
    return found.apply(tf.data.experimental.assert_cardinality(len(rows))).prefetch(2)


class Dropout(tf_keras.layers.Layer):
    """Dropout whose random generator is saved with the weights; Keras' own keeps it to itself."""

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
    sequence_output over real tokens). Raises what `hyperparameters.check` raises.
    """
    hyperparameters.check({"dropout": dropout, "pooling": pooling, "seed": seed})
    tf_keras.utils.set_random_seed(seed)
    inputs = {name: tf_keras.Input((None,), dtype=tf.int32, name=name) for name in encoders.INPUTS}
    encoded = encoder(inputs)
    pooled = pool(encoded, inputs["input_mask"], pooling)
    drop = Dropout(dropout, seed)
    logit = tf_keras.layers.Dense(1, name="classifier")(drop(pooled))
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
    bfloat16: bool = False,
    folder: Path | None = None,
    on_point: Callable[[dict[str, float], int], None] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Train `model` in place; the learning curves, one row an epoch, and by step.

    The loss is binary cross-entropy from the logit. With `patience` above 0 training stops when
    the validation loss has not improved for that many epochs, and the best weights are restored;
    with 0 it runs all epochs and keeps the last. By step: `step` (batches so far), `epoch` (a
    fraction), `posts` since the row before, and `loss` and `accuracy` over these; `on_point` hears
    of each row when it is made, as (values, step).

    With a `folder` an interrupted training goes on from the backup in it, to the same result; a
    finished one is not trained again. With `bfloat16` matrices are multiplied in it where the
    processor can; weights stay float32. Raises FloatingPointError when the loss is not finite,
    and what `hyperparameters.check` raises.
    """
    settings = {
        "epochs": epochs, "batch_size": batch_size, "optimizer": optimizer,
        "learning_rate": learning_rate, "decay": decay, "patience": patience, "seed": seed,
        "bfloat16": bfloat16 and precision.supported(),
    }  # fmt: skip
    hyperparameters.check(settings)
    counts = lengths(training[0])
    steps = len(batching.plan(counts, batch_size))
    backup = Backup(folder, _digest(model, training, validation, settings) if folder else "")
    _compile(model, optimizer, learning_rate, steps * epochs if decay == "linear" else 0)
    backup.resume(model, keep_best=patience > 0)
    reached, tell = backup.progress, on_point or (lambda values, step: None)
    for row in reached.points:
        tell({name: row[name] for name in MEASURED}, row["step"])
    judged = batches(*validation, batching.plan(lengths(validation[0]), batch_size))
    bar = tqdm(total=steps * epochs, initial=reached.steps(), desc="training", unit="step")
    with precision.bfloat16(settings["bfloat16"]), bar:
        while len(reached.epochs) < epochs and not 0 < patience <= reached.since_best():
            epoch = len(reached.epochs)
            parts = batching.parts(batching.plan(counts, batch_size, (seed, epoch)), POINTS)
            for rows in parts[len(reached.points) - epoch * len(parts) :]:
                values = _fit(model, batches(*training, rows), bar)
                _require_finite(values["loss"], learning_rate)
                step = reached.steps() + len(rows)
                at = {"step": step, "epoch": step / steps, "posts": sum(map(len, rows))}
                reached.points.append({**at, **values})
                tell(values, step)
                backup.save()
            found = model.evaluate(judged, verbose=0, return_dict=True)
            reached.epochs.append(_row(epoch + 1, reached.points[-len(parts) :], found))
            backup.keep_best(model)
            backup.save()
    backup.save(now=True)
    backup.restore_best(model)
    return pd.DataFrame(reached.epochs), pd.DataFrame(reached.points)


def polarity(model: tf_keras.Model, tokens: Tokens, batch_size: int = 64) -> np.ndarray:
    """Polarity (n,) that `model` gives, in the order of the posts."""
    plan = batching.plan(lengths(tokens), batch_size)
    found = np.empty(len(tokens["input_mask"]), np.float32)
    logits = model.predict(batches(tokens, np.zeros(len(found)), plan), verbose=0)[:, 0]
    found[np.concatenate(plan)] = tf.sigmoid(logits).numpy()
    return found


def _compile(model: tf_keras.Model, optimizer: str, rate: float, decay_steps: int) -> None:
    if decay_steps:
        rate = tf_keras.optimizers.schedules.PolynomialDecay(rate, decay_steps, 0.0)
    kind = {"adam": tf_keras.optimizers.Adam, "adamw": tf_keras.optimizers.AdamW}[optimizer]
    with model.distribute_strategy.scope():
        model.compile(
            optimizer=kind(learning_rate=rate),
            loss=tf_keras.losses.BinaryCrossentropy(from_logits=True),
            metrics=[tf_keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0)],
        )


def _digest(
    model: tf_keras.Model,
    training: tuple[Tokens, np.ndarray],
    validation: tuple[Tokens, np.ndarray],
    settings: dict,
) -> str:
    """SHA-256 of all that decides what comes out: the model as it begins, rows and settings."""
    # Layers get their names by counting: those of a second model in a process differ.
    kinds = [(type(layer).__name__, getattr(layer, "rate", None)) for layer in model.layers]
    total = hashlib.sha256(json.dumps([kinds, settings, tf.__version__]).encode())
    sets = (training, validation)
    rows = [array for tokens, target in sets for array in (*tokens.values(), target)]
    for array in (*model.get_weights(), *rows):
        total.update(f"{array.dtype}{array.shape}".encode() + array.tobytes())
    return total.hexdigest()


class _Bar(tf_keras.callbacks.Callback):
    """Moves `bar` on by each step, with loss and accuracy since the last point of the curves."""

    def __init__(self, bar: tqdm):
        super().__init__()
        self._bar = bar

    def on_train_batch_end(self, batch, logs=None):
        figures = {name: f"{logs[name]:.3f}" for name in MEASURED}
        self._bar.set_postfix(figures, refresh=False)
        self._bar.update()


def _fit(model: tf_keras.Model, rows: tf.data.Dataset, bar: tqdm) -> dict[str, float]:
    history = model.fit(rows, callbacks=[_Bar(bar)], verbose=0).history
    return {name: history[name][0] for name in MEASURED}


def _row(epoch: int, points: list[dict], found: dict[str, float]) -> dict[str, float]:
    """A row of the learning curves: training over the epoch's `points`, validation as `found`."""
    posts = [point["posts"] for point in points]
    trained = {name: np.average([p[name] for p in points], weights=posts) for name in MEASURED}
    return {"epoch": epoch, **{name: float(value) for name, value in trained.items()},
            **{f"val_{name}": found[name] for name in MEASURED}}  # fmt: skip


def _require_finite(loss: float, learning_rate: float) -> None:
    if not np.isfinite(loss):
        raise FloatingPointError(
            f"the training loss became {loss}; lower finetune.learning_rate (it is {learning_rate})"
        )

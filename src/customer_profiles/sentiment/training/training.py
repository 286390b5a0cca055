"""Training of the sentiment model; an interruption does not change its result."""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from customer_profiles.sentiment.model import encoder as encoders
from customer_profiles.sentiment.model.backend import tf, tf_keras
from customer_profiles.sentiment.model.bfloat16 import bfloat16, supported
from customer_profiles.sentiment.model.classifier import normalise
from customer_profiles.sentiment.training import batching, objective
from customer_profiles.sentiment.training.backup import MEASURED, Backup, Progress
from customer_profiles.sentiment.training.mixing import Rows, Tokens

POINTS = 20  # points of the training curves in an epoch


def devices(kind: str = "GPU") -> tf.distribute.Strategy:
    """Distribution strategy: all devices of a `kind`, sharing each batch, or the default device.

    Note: encoder and model have to be made inside its `scope()`.
    """
    every = tf.config.list_logical_devices(kind)
    return tf.distribute.MirroredStrategy(every) if len(every) > 1 else tf.distribute.get_strategy()


def forget() -> None:
    """Release the memory that Keras holds for earlier models."""
    tf_keras.backend.clear_session()


def described(strategy: tf.distribute.Strategy) -> str:
    """Devices of `strategy` as text: "1 CPU", "2 GPU"."""
    kind = "GPU" if tf.config.list_logical_devices("GPU") else "CPU"
    return f"{strategy.num_replicas_in_sync} {kind}"


def tokenise(
    preprocess: Callable, texts: Sequence[str], batch_size: int = 2048, name: str = "posts"
) -> Tokens:
    """BERT's inputs for normalised `texts` (n,): three int32 arrays (n, sequence_length).

    The progress bar calls them `name`.
    """
    texts = np.asarray(texts, dtype=object)
    parts = []
    with tqdm(desc=f"tokenising {name}", total=len(texts), unit="post") as bar:
        for start in range(0, len(texts), batch_size):
            batch = texts[start : start + batch_size]
            tokens = preprocess(normalise(tf.constant(batch)))
            parts.append({name: tokens[name].numpy() for name in encoders.INPUTS})
            bar.update(len(batch))
    return {name: np.concatenate([part[name] for part in parts]) for name in encoders.INPUTS}


def lengths(tokens: Tokens) -> np.ndarray:
    """Number of tokens of each post (n,), including [CLS] and [SEP]."""
    return tokens["input_mask"].sum(axis=1)


def batches(tokens: Tokens, answers: np.ndarray, rows: list[np.ndarray]) -> tf.data.Dataset:
    """A batch for each of `rows` (see `batching.plan`), padded to the longest of its posts."""
    counts, answers = lengths(tokens), answers.astype(np.float32)

    def take():
        for batch in rows:
            longest = counts[batch].max()
            yield {name: tokens[name][batch, :longest] for name in encoders.INPUTS}, answers[batch]

    inputs = {name: tf.TensorSpec([None, None], tf.int32) for name in encoders.INPUTS}
    signature = inputs, tf.TensorSpec([None, answers.shape[1]], tf.float32)
    dataset = tf.data.Dataset.from_generator(take, output_signature=signature)
    # Without a known cardinality Keras also counts the failing step at the end of the data: the
    # optimizer's iterations, and with them the learning rate's decay, would run ahead.
    return dataset.apply(tf.data.experimental.assert_cardinality(len(rows))).prefetch(2)


@dataclass(frozen=True)
class Settings:
    """Hyperparameters of a training, within the ranges of section finetune.

    With `patience` above 0 training stops when the validation loss has not improved for that many
    epochs, and the best weights are restored; with 0 it runs all epochs and keeps the last weights.
    `warmup` is the share of the steps over which the learning rate rises, `weight_decay` AdamW's,
    which spares norms and biases, `clip_norm` the largest norm of a step's gradients (0: any).
    With `bfloat16` matrices are multiplied in bfloat16 if the processor supports it; weights stay
    float32.
    """

    epochs: int
    batch_size: int
    optimizer: str
    learning_rate: float
    decay: str
    patience: int
    seed: int
    warmup: float = 0.0
    weight_decay: float = 0.0
    clip_norm: float = 0.0
    bfloat16: bool = False

    def of_optimizer(self) -> dict:
        """Arguments of `objective.optimizer`."""
        names = ("optimizer", "learning_rate", "decay", "warmup", "weight_decay", "clip_norm")
        return {name: getattr(self, name) for name in names}


def train(
    model: tf_keras.Model,
    training: Rows,
    validation: Rows,
    settings: Settings,
    folder: Path | None = None,
    on_point: Callable[[dict[str, float], int], None] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Train `model` in place; return the learning curves, one row an epoch, and by step.

    The loss is `objective.cross_entropy`. Columns by step: `step` (batches so far), `epoch` (a
    fraction), `posts` since the row before, and over these `loss` and `accuracy`, the share of
    their answers that are right; `on_point` is called with (values, step) for each row.

    With a `folder` an interrupted training resumes from the backup in it, to the same result; a
    finished one is not trained again. Raises FloatingPointError when the loss is not finite.
    """
    settings = replace(settings, bfloat16=settings.bfloat16 and supported())
    counts, tell = lengths(training[0]), on_point or (lambda values, step: None)
    backup = Backup(folder, _digest(model, training, validation, settings) if folder else "")
    steps = len(batching.plan(counts, settings.batch_size))
    _compile(model, settings, steps)
    backup.resume(model, keep_best=settings.patience > 0)
    reached = backup.progress
    for point in reached.points:
        tell(_measured(point), point["step"])
    judged = batches(*validation, batching.plan(lengths(validation[0]), settings.batch_size))
    total = settings.epochs * steps
    what = f"training on {len(counts)} posts"
    bar = tqdm(total=total, initial=reached.steps(), desc=what, unit="step")
    with bfloat16(settings.bfloat16), bar:
        while _goes_on(reached, settings):
            for rows in _rest_of_epoch(reached, counts, settings):
                metrics = _fit(model, batches(*training, rows), bar, settings)
                reached.add_point(metrics, rows, steps)
                tell(metrics, reached.steps())
                backup.save()
            metrics = model.evaluate(judged, verbose=0, return_dict=True)
            reached.add_epoch(_measured(metrics))
            backup.keep_best(model)
            backup.save()
    backup.save(now=True)
    backup.restore_best(model)
    return pd.DataFrame(reached.epochs), pd.DataFrame(reached.points)


def predict(model: tf_keras.Model, tokens: Tokens, batch_size: int = 64) -> np.ndarray:
    """Logits (n, questions) that `model` gives, in the order of the posts."""
    plan = batching.plan(lengths(tokens), batch_size)
    none = np.zeros((len(tokens["input_mask"]), 1))
    logits = model.predict(batches(tokens, none, plan), verbose=0)
    return logits[np.argsort(np.concatenate(plan))]


def kept(curves: pd.DataFrame, patience: int) -> pd.Series:
    """Epoch whose weights were kept, a row of `curves`: the best with `patience`, else the last."""
    return curves.loc[curves["val_loss"].idxmin() if patience else len(curves) - 1]


def _goes_on(reached: Progress, settings: Settings) -> bool:
    stopped = 0 < settings.patience <= reached.since_best()
    return len(reached.epochs) < settings.epochs and not stopped


def _rest_of_epoch(
    reached: Progress, counts: np.ndarray, settings: Settings
) -> list[list[np.ndarray]]:
    """Batches of this epoch between points of the curves, without the points already `reached`."""
    plan = batching.plan(counts, settings.batch_size, (settings.seed, len(reached.epochs)))
    return batching.parts(plan, POINTS)[len(reached.points_of_epoch()) :]


def _compile(model: tf_keras.Model, settings: Settings, steps: int) -> None:
    steps *= settings.epochs
    with model.distribute_strategy.scope():
        model.compile(
            optimizer=objective.optimizer(
                model.trainable_variables, steps, **settings.of_optimizer()
            ),
            loss=objective.cross_entropy,
            metrics=[objective.AnswersRight()],
        )
        # Otherwise Adam's moments are created at the first step: after a backup was restored, and
        # in a trace of the step that TensorFlow then makes a second time.
        model.optimizer.build(model.trainable_variables)


def _digest(model: tf_keras.Model, training: Rows, validation: Rows, settings: Settings) -> str:
    """SHA-256 of all that determines the result: the initial model, rows and settings."""
    # Layers get their names by counting: those of a second model in a process differ.
    kinds = [(type(layer).__name__, getattr(layer, "rate", None)) for layer in model.layers]
    total = hashlib.sha256(json.dumps([kinds, asdict(settings), tf.__version__]).encode())
    sets = (training, validation)
    rows = [array for tokens, target in sets for array in (*tokens.values(), target)]
    for array in (*model.get_weights(), *rows):
        total.update(f"{array.dtype}{array.shape}".encode() + array.tobytes())
    return total.hexdigest()


class _Bar(tf_keras.callbacks.Callback):
    """Callback that advances `bar` by each step, with loss and accuracy since the last point."""

    def __init__(self, bar: tqdm):
        super().__init__()
        self._bar = bar

    def on_train_batch_end(self, batch, logs=None):
        figures = {name: f"{logs[name]:.3f}" for name in MEASURED}
        self._bar.set_postfix(figures, refresh=False)
        self._bar.update()


def _fit(
    model: tf_keras.Model, rows: tf.data.Dataset, bar: tqdm, settings: Settings
) -> dict[str, float]:
    """Train on the batches `rows`; return loss and accuracy over them.

    Raises FloatingPointError when the loss is not finite.
    """
    history = model.fit(rows, callbacks=[_Bar(bar)], verbose=0).history
    metrics = {name: history[name][0] for name in MEASURED}
    if not np.isfinite(metrics["loss"]):
        raise FloatingPointError(
            f"the training loss became {metrics['loss']}; lower finetune.learning_rate "
            f"(it is {settings.learning_rate})"
        )
    return metrics


def _measured(metrics: dict[str, float]) -> dict[str, float]:
    return {name: metrics[name] for name in MEASURED}

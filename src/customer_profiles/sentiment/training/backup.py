"""Backup of a training on disk, from which a killed training resumes, to the same weights.

Keras' BackupAndRestore uses the same CheckpointManager, but keeps neither the curves nor the best
weights, and resumes in the middle of an epoch at the wrong posts.
"""

import json
import logging
import shutil
import time
from pathlib import Path

import numpy as np

from customer_profiles.project import files
from customer_profiles.sentiment.model.backend import tf, tf_keras

SECONDS = 60  # at least, from one backup to the next: weights and Adam's moments are large
OWNER = "belongs_to"
MEASURED = ("loss", "accuracy")

logger = logging.getLogger(__name__)


class Progress(tf.train.experimental.PythonState):
    """Rows of both learning curves so far; kept in the checkpoint, so that they fit its weights."""

    def __init__(self):
        self.points: list[dict[str, float]] = []
        self.epochs: list[dict[str, float]] = []

    def serialize(self) -> str:
        return json.dumps([self.points, self.epochs])

    def deserialize(self, string_value: bytes) -> None:
        self.points, self.epochs = json.loads(string_value)

    def add_point(self, metrics: dict[str, float], batches: list[np.ndarray], steps: int) -> None:
        """Add a point: `metrics` over these `batches` (rows of each).

        An epoch has `steps` batches.
        """
        step = self.steps() + len(batches)
        at = {"step": step, "epoch": step / steps, "posts": sum(map(len, batches))}
        self.points.append({**at, **metrics})

    def add_epoch(self, validated: dict[str, float]) -> None:
        """Add an epoch: training as the mean over its points, and validation as `validated`."""
        points = self.points_of_epoch()
        posts = [point["posts"] for point in points]
        trained = {
            name: float(np.average([point[name] for point in points], weights=posts))
            for name in MEASURED
        }
        judged = {f"val_{name}": value for name, value in validated.items()}
        self.epochs.append({"epoch": len(self.epochs) + 1, **trained, **judged})

    def points_of_epoch(self) -> list[dict[str, float]]:
        """Points of the current epoch, which is not added yet."""
        return [point for point in self.points if point["epoch"] > len(self.epochs)]

    def steps(self) -> int:
        """Number of batches so far."""
        return self.points[-1]["step"] if self.points else 0

    def since_best(self) -> int:
        """Number of epochs since the first one of the smallest validation loss."""
        losses = [row["val_loss"] for row in self.epochs]
        return len(losses) - 1 - losses.index(min(losses)) if losses else 0


class Backup:
    """Backup of one training in `folder`, or none.

    `owner` is a digest of all that determines the training's result. A backup of another owner is
    removed, with a log message. Note: any random state of the model must lie in its variables.
    """

    def __init__(self, folder: Path | None, owner: str):
        self.progress = Progress()
        self._folder, self._owner, self._best = folder, owner, []

    def resume(self, model: tf_keras.Model, keep_best: bool) -> None:
        """Restore the compiled `model` and `progress` from the backup, if there is one.

        Note: the optimizer must be built, or its moments are created after they were restored.
        """
        if keep_best:
            self._best = [tf.Variable(array, trainable=False) for array in model.get_weights()]
        if self._folder is None:
            return
        self._claim()
        checkpoint = tf.train.Checkpoint(model=model, progress=self.progress, best=self._best)
        self._manager = tf.train.CheckpointManager(checkpoint, str(self._folder), max_to_keep=1)
        if self._manager.restore_or_initialize():
            done = self.progress.points[-1]["epoch"]
            logger.warning("an interrupted training goes on after epoch %.2f", done)
        self._saved = time.monotonic()

    def save(self, now: bool = False) -> None:
        """Write the backup if the last one is SECONDS old, or `now`."""
        if self._folder is not None and (now or time.monotonic() - self._saved >= SECONDS):
            self._manager.save()
            self._saved = time.monotonic()

    def keep_best(self, model: tf_keras.Model) -> None:
        """Copy the weights of `model` if its last epoch is the best so far."""
        if self._best and self.progress.since_best() == 0:
            for kept, array in zip(self._best, model.get_weights(), strict=True):
                kept.assign(array)

    def restore_best(self, model: tf_keras.Model) -> None:
        """Set `model` to the weights of the best epoch, if these were kept."""
        if self._best:
            model.set_weights([kept.numpy() for kept in self._best])

    def _claim(self) -> None:
        name = self._folder / OWNER
        if self._folder.exists() and not (name.is_file() and name.read_text() == self._owner):
            logger.warning(
                "backup %s is of other posts, settings or weights: this training starts anew",
                self._folder.name,
            )
            shutil.rmtree(self._folder)
        files.write_text(name, self._owner)

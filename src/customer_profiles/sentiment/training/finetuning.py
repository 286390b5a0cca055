"""Fine-tuning from a seed to a saved model, and the mean of the models of several seeds."""

import shutil
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import pandas as pd

from customer_profiles.project import files
from customer_profiles.sentiment.model import card as cards
from customer_profiles.sentiment.model import classifier, encoder
from customer_profiles.sentiment.model.layers import QUESTIONS
from customer_profiles.sentiment.training import calibrating, training
from customer_profiles.sentiment.training.mixing import Sources

AVERAGE = "average"  # name of the model whose weights are the mean over all seeds


class Fitted(NamedTuple):
    """Trained model, with its preprocess and encoder, and both its learning curves."""

    preprocess: Callable
    encoder: Callable
    model: Callable
    curves: pd.DataFrame
    points: pd.DataFrame


class Saved(NamedTuple):
    """Saved model: its calibration, and with it its metrics on the validation posts.

    The metrics are those of `calibrating.measure`, in float32.
    """

    calibration: classifier.Calibration
    val_loss: float
    val_accuracy: float
    low: float
    high: float
    val_recall: float

    def metrics(self) -> dict:
        """Metrics under names that no learning curve has."""
        return {
            "validation_loss": self.val_loss,
            "validation_accuracy": self.val_accuracy,
            "validation_recall": self.val_recall,
            "temperature": self.calibration.to_dict(),
        }


class Trained(NamedTuple):
    """Both learning curves, metrics of the saved model, trained weights, layers for a figure."""

    curves: pd.DataFrame
    points: pd.DataFrame
    saved: Saved
    weights: list[np.ndarray]
    layers: list[tuple[str, str]]


class Tracking(Protocol):
    """Protocol of the part of MLflow tracking (`pipeline.tracking.runs`) that training needs."""

    def run(
        self, experiment: str, name: str, description: str, tags: dict
    ) -> AbstractContextManager:
        """Open a run, active in the block."""

    def log_params(self, values: dict) -> None:
        """Log parameters to the active run."""

    def log_metrics(self, metrics: dict) -> None:
        """Log numbers to the active run."""

    def log_point(self, values: dict[str, float], step: int) -> None:
        """Log a point of the curves by step."""

    def log_training(self, curves: pd.DataFrame, kept: pd.Series) -> None:
        """Log the curves by epoch, and the row of the epoch kept."""


class Seeds(NamedTuple):
    """Trainings by seed, saved models and tracked runs by seed or AVERAGE."""

    trained: dict[int, Trained]
    saved: dict[int | str, Saved]
    runs: dict

    @property
    def used(self) -> int | str:
        """Name of the model with the smallest validation loss; of equal ones the first."""
        return min(self.saved, key=lambda name: self.saved[name].val_loss)


def fit(
    encoders: Path,
    sources: Sources,
    backup: Path | None = None,
    *,
    dropout: float,
    pooling: str,
    subjectivity: str,
    mix: float,
    rows: int,
    repeat: int = 1,
    on_point: Callable[[dict[str, float], int], None] | None = None,
    **settings,
) -> Fitted:
    """Train a model on `rows` rows mixed from `sources`; only backups are saved.

    `encoders` holds the folders preprocess and encoder; `settings` are `training.Settings`. Memory
    of earlier models is released first, so that several trainings need no more than one.
    """
    chosen, questions = training.Settings(**settings), _questions(subjectivity)
    drawn = sources.training_rows(mix, rows, chosen.seed, questions, repeat)
    training.forget()
    with training.devices().scope():
        preprocess, layer = encoder.load(encoders / "preprocess", encoders / "encoder")
        model = classifier.build(layer, dropout, pooling, chosen.seed, questions)
    curves, points = training.train(
        model, drawn, sources.validation_rows(), chosen, backup, on_point
    )
    return Fitted(preprocess, layer, model, curves, points)


def finetune(
    encoders: Path, sources: Sources, target: Path, backup: Path | None, kind: str, **settings
) -> Trained:
    """Train by `fit`, which takes the `settings`, and save the model, calibrated.

    `kind` is the encoder's architecture, for a figure.
    """
    fitted = fit(encoders, sources, backup, **settings)
    pooling, dropout = settings["pooling"], settings["dropout"]
    saved = _save(target, fitted, pooling, sources)
    weights = [variable.numpy() for variable in fitted.model.trainable_variables]
    layers = classifier.layers(kind, fitted.preprocess, fitted.model, pooling, dropout)
    return Trained(fitted.curves, fitted.points, saved, weights, layers)


def average(
    encoders: Path,
    sources: Sources,
    target: Path,
    weights: Sequence[list[np.ndarray]],
    pooling: str,
    subjectivity: str,
) -> Saved:
    """Save, calibrated, the model each of whose weights is the mean over several trainings.

    All trainings started from the weights in `encoders` and the same head. Their weights therefore
    lie in one basin of the loss, and the mean is nearer to its middle (model soup, Wortsman et al.
    2022, ICML).
    """
    training.forget()
    preprocess, layer = encoder.load(encoders / "preprocess", encoders / "encoder")
    model = classifier.build(layer, 0.0, pooling, seed=0, questions=_questions(subjectivity))
    for variable, *arrays in zip(model.trainable_variables, *weights, strict=True):
        variable.assign(np.mean(arrays, axis=0))
    nothing = pd.DataFrame()
    return _save(target, Fitted(preprocess, layer, model, nothing, nothing), pooling, sources)


def _questions(subjectivity: str) -> int:
    return len(QUESTIONS) if subjectivity == cards.LEARNED else 1


def _save(target: Path, fitted: Fitted, pooling: str, sources: Sources) -> Saved:
    tokens, answers = sources.validation_rows()
    logits = training.predict(fitted.model, tokens)
    calibration = calibrating.calibrate(logits, answers)
    classifier.save(target, *fitted[:3], pooling, calibration)
    return Saved(calibration, **calibrating.measure(logits, answers, calibration))


def train_seeds(
    encoders: Path,
    sources: Sources,
    models: Path,
    backups: Path,
    seeds: Sequence[int],
    kind: str,
    settings: dict,
    tracking: Tracking,
) -> Seeds:
    """Train a model a seed; save in models/sentiment the one of the smallest validation loss.

    Several seeds have their models in models/seeds/SEED, and the average of their weights is one
    more model to choose from. Each model is a run of `tracking`. `settings` are those of
    `finetune`, without the seed.
    """
    devices = training.described(training.devices())
    target = models / "sentiment"
    folders = {seed: models / f"seeds/{seed}" for seed in seeds} if len(seeds) > 1 else {}
    made = Seeds({}, {}, {})
    about = "at most {epochs} epochs of {optimizer}, {pooling} pooling".format(**settings)
    for seed in seeds:
        values = {**settings, "seed": seed}
        with tracking.run("sentiment", f"finetune-{kind}", about, {"seed": seed}) as made.runs[
            seed
        ]:
            tracking.log_params({**values, "encoder": kind, "devices": devices})
            made.trained[seed] = one = finetune(
                encoders, sources, folders.get(seed, target), backups / str(seed), kind,
                on_point=tracking.log_point, **values,
            )  # fmt: skip
            made.saved[seed] = one.saved
            tracking.log_training(one.curves, training.kept(one.curves, settings["patience"]))
            tracking.log_metrics(one.saved.metrics())
    if not folders:
        return made
    about, tags = f"The mean of the weights of {len(seeds)} seeds", {"seed": AVERAGE}
    with tracking.run("sentiment", f"average-{kind}", about, tags) as made.runs[AVERAGE]:
        tracking.log_params({**settings, "seeds": len(seeds), "encoder": kind, "devices": devices})
        weights = [one.weights for one in made.trained.values()]
        made.saved[AVERAGE] = average(
            encoders, sources, target, weights, settings["pooling"], settings["subjectivity"]
        )
        tracking.log_metrics(made.saved[AVERAGE].metrics())
    if made.used != AVERAGE:
        with files.replacing(target) as fresh:
            shutil.copytree(folders[made.used], fresh)
    return made

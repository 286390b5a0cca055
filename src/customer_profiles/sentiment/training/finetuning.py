"""Fine-tuning from a seed to a saved model, and the mean of the models of several seeds."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, log_loss

from customer_profiles.project import files
from customer_profiles.sentiment.model import classifier, encoder
from customer_profiles.sentiment.training import training
from customer_profiles.sentiment.training.temperature import fit_temperature

AVERAGE = "average"  # name of the model whose weights are the mean over all seeds


class Fitted(NamedTuple):
    """Trained model, with its preprocess and encoder, and both its learning curves."""

    preprocess: Callable
    encoder: Callable
    model: Callable
    curves: pd.DataFrame
    points: pd.DataFrame


class Saved(NamedTuple):
    """Saved model: its temperature, and its metrics on the validation posts.

    `val_accuracy` and `val_loss` (binary cross-entropy) are before calibration, in float32.
    """

    temperature: float
    val_accuracy: float
    val_loss: float

    def metrics(self) -> dict[str, float]:
        """Metrics under names that no learning curve has."""
        return {
            "validation_accuracy": self.val_accuracy,
            "validation_loss": self.val_loss,
            "temperature": self.temperature,
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
    rows: dict[str, training.Rows],
    backup: Path | None = None,
    *,
    dropout: float,
    pooling: str,
    on_point: Callable[[dict[str, float], int], None] | None = None,
    **settings,
) -> Fitted:
    """Train a model on `rows` (train and validation); only backups are saved.

    `encoders` holds the folders preprocess and encoder; `settings` are `training.Settings`. Memory
    of earlier models is released first, so that several trainings need no more than one.
    """
    chosen = training.Settings(**settings)
    training.forget()
    with training.devices().scope():
        preprocess, bert = encoder.load(encoders / "preprocess", encoders / "encoder")
        model = classifier.build(bert, dropout, pooling, chosen.seed)
    curves, points = training.train(
        model, rows["train"], rows["validation"], chosen, backup, on_point
    )
    return Fitted(preprocess, bert, model, curves, points)


def finetune(
    encoders: Path,
    rows: dict[str, training.Rows],
    target: Path,
    backup: Path | None,
    **settings,
) -> Trained:
    """Train by `fit`, which takes the `settings`, and save the model, calibrated."""
    fitted = fit(encoders, rows, backup, **settings)
    pooling, dropout = settings["pooling"], settings["dropout"]
    saved = _save(target, fitted.preprocess, fitted.encoder, fitted.model, pooling, rows)
    weights = [variable.numpy() for variable in fitted.model.trainable_variables]
    layers = classifier.layers(fitted.preprocess, fitted.model, pooling, dropout)
    return Trained(fitted.curves, fitted.points, saved, weights, layers)


def average(
    encoders: Path,
    rows: dict[str, training.Rows],
    target: Path,
    weights: Sequence[list[np.ndarray]],
    pooling: str,
) -> Saved:
    """Save, calibrated, the model each of whose weights is the mean over several trainings.

    All trainings started from the weights in `encoders` and the same head. Their weights therefore
    lie in one basin of the loss, and the mean is nearer to its middle (model soup, Wortsman et al.
    2022, ICML).
    """
    training.forget()
    preprocess, bert = encoder.load(encoders / "preprocess", encoders / "encoder")
    model = classifier.build(bert, dropout=0.0, pooling=pooling, seed=0)
    for variable, *arrays in zip(model.trainable_variables, *weights, strict=True):
        variable.assign(np.mean(arrays, axis=0))
    return _save(target, preprocess, bert, model, pooling, rows)


def _save(
    target: Path,
    preprocess: Callable,
    bert: Callable,
    model: Callable,
    pooling: str,
    rows: dict[str, training.Rows],
) -> Saved:
    tokens, labels = rows["validation"]
    polarity, positive = training.polarity(model, tokens), labels > 0.5
    temperature = fit_temperature(polarity, positive)
    classifier.save(target, preprocess, bert, model, pooling, temperature)
    accuracy = accuracy_score(positive, polarity > 0.5)
    loss = log_loss(positive, polarity.astype(float), labels=[False, True])
    return Saved(temperature, float(accuracy), float(loss))


def train_seeds(
    encoders: Path,
    rows: dict[str, training.Rows],
    models: Path,
    backups: Path,
    seeds: Sequence[int],
    settings: Mapping,
    tracking: Tracking,
) -> Seeds:
    """Train a model with each of `seeds`; save the best, by validation loss, in models/sentiment.

    Several seeds have their models in models/seeds/SEED, and the average of their weights is one
    more model to choose from. Each model is a run of `tracking`. `settings` are those of
    `finetune`, without the seed.
    """
    size, devices = len(rows["train"][1]), training.described(training.devices())
    target = models / "sentiment"
    folders = {seed: models / f"seeds/{seed}" for seed in seeds} if len(seeds) > 1 else {}
    made = Seeds({}, {}, {})
    about = "{} posts, at most {epochs} epochs of {optimizer}, {pooling} pooling"
    about = about.format(size, **settings)
    for seed in seeds:
        name, values = f"finetune-{size}", {**settings, "seed": seed}
        with tracking.run("sentiment", name, about, {"seed": seed}) as made.runs[seed]:
            tracking.log_params({**values, "devices": devices})
            made.trained[seed] = one = finetune(
                encoders, rows, folders.get(seed, target), backups / str(seed),
                on_point=tracking.log_point, **values,
            )  # fmt: skip
            made.saved[seed] = one.saved
            tracking.log_training(one.curves, kept(one.curves, settings["patience"]))
            tracking.log_metrics(one.saved.metrics())
    if not folders:
        return made
    about, tags = f"The mean of the weights of {len(seeds)} seeds", {"seed": AVERAGE}
    with tracking.run("sentiment", f"average-{size}", about, tags) as made.runs[AVERAGE]:
        tracking.log_params({**settings, "seeds": len(seeds), "devices": devices})
        weights = [one.weights for one in made.trained.values()]
        made.saved[AVERAGE] = average(encoders, rows, target, weights, settings["pooling"])
        tracking.log_metrics(made.saved[AVERAGE].metrics())
    if made.used != AVERAGE:
        with files.replacing(target) as fresh:
            shutil.copytree(folders[made.used], fresh)
    return made


def table(saved: Mapping[int | str, Saved]) -> pd.DataFrame:
    """Metrics of each model, a row each, the seeds first."""
    return pd.DataFrame.from_dict(saved, "index", columns=Saved._fields).rename_axis("seed")


def report(made: Seeds, rows: dict[str, training.Rows], epochs: int, patience: int) -> dict:
    """Report of the trainings: the first seed's curves, the model used, the spread over seeds."""
    first = next(iter(made.trained.values()))
    last = kept(first.curves, patience)
    return {
        "train_rows": len(rows["train"][1]),
        "validation_rows": len(rows["validation"][1]),
        "epochs": epochs,
        "epochs_run": len(first.curves),
        "kept_epoch": int(last["epoch"]),
        "accuracy": last["accuracy"],
        "loss": last["loss"],
        "used": str(made.used),
        **made.saved[made.used].metrics(),
        "seeds": _over_seeds(made.saved),
    }


def _over_seeds(saved: Mapping[int | str, Saved]) -> dict:
    """Names of the seeds, mean and standard deviation (n - 1) of their metrics, and the average's.

    Empty for one seed.
    """
    if AVERAGE not in saved:
        return {}
    seeds = table(saved).drop(AVERAGE)
    spread = seeds.agg(["mean", "std"]).rename({"std": "sd"})
    return {
        "models": [*map(str, seeds.index)],
        "average": saved[AVERAGE]._asdict(),
        **spread.to_dict("index"),
    }


def kept(curves: pd.DataFrame, patience: int) -> pd.Series:
    """Epoch whose weights were kept, a row of `curves`: the best with `patience`, else the last."""
    return curves.loc[curves["val_loss"].idxmin() if patience else len(curves) - 1]

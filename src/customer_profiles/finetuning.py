"""One training from a seed to a saved model: what the notebook does as often as there are seeds."""

# First: it settles which Keras TensorFlow uses.
from customer_profiles import encoder  # isort: skip

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from customer_profiles import calibration, sentiment, training


class Fitted(NamedTuple):
    """A trained model, with the two parts it was made of, and both its learning curves."""

    preprocess: Callable
    encoder: Callable
    model: Callable
    curves: pd.DataFrame
    points: pd.DataFrame


class Trained(NamedTuple):
    """Both learning curves of a training, its temperature, and the model's layers for a figure."""

    curves: pd.DataFrame
    points: pd.DataFrame
    temperature: float
    layers: list[tuple[str, str]]


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
    """Train a model on `rows` (train and validation); nothing is saved but backups.

    `encoders` holds the folders preprocess and encoder; `settings` are `training.Settings`.
    A model of before is given up first: several need no more memory than one.
    """
    chosen = training.Settings(**settings)
    training.forget()
    with training.devices().scope():
        preprocess, bert = encoder.load(encoders / "preprocess", encoders / "encoder")
        model = sentiment.build(bert, dropout, pooling, chosen.seed)
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
    """Train as `fit` does, which takes the `settings`, and save the model, calibrated."""
    preprocess, bert, model, curves, points = fit(encoders, rows, backup, **settings)
    pooling, dropout = settings["pooling"], settings["dropout"]
    tokens, labels = rows["validation"]
    temperature = calibration.temperature(training.polarity(model, tokens), labels > 0.5)
    sentiment.save(target, preprocess, bert, model, pooling, temperature)
    layers = sentiment.layers(preprocess, model, pooling, dropout)
    return Trained(curves, points, temperature, layers)


def kept(curves: pd.DataFrame, patience: int) -> pd.Series:
    """The epoch whose weights were kept: the best with `patience`, otherwise the last."""
    return curves.loc[curves["val_loss"].idxmin() if patience else len(curves) - 1]

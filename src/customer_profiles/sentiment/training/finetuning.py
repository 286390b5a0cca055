"""Fine-tuning from a seed to a saved model, and the mean of the models of several seeds."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, log_loss

from customer_profiles.sentiment.model import classifier, encoder
from customer_profiles.sentiment.training import training
from customer_profiles.sentiment.training.temperature import fit_temperature


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


class Trained(NamedTuple):
    """Both learning curves, metrics of the saved model, trained weights, layers for a figure."""

    curves: pd.DataFrame
    points: pd.DataFrame
    saved: Saved
    weights: list[np.ndarray]
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


def kept(curves: pd.DataFrame, patience: int) -> pd.Series:
    """Epoch whose weights were kept, a row of `curves`: the best with `patience`, else the last."""
    return curves.loc[curves["val_loss"].idxmin() if patience else len(curves) - 1]

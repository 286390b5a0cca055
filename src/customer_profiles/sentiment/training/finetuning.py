"""One training from a seed to a saved model, and the mean of several seeds: two ways to a model."""

# First: it settles which Keras TensorFlow uses.
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
    """A trained model, with the two parts it was made of, and both its learning curves."""

    preprocess: Callable
    encoder: Callable
    model: Callable
    curves: pd.DataFrame
    points: pd.DataFrame


class Saved(NamedTuple):
    """A model that was saved: its temperature, and what it does on the validation posts.

    `val_accuracy` and `val_loss` (binary cross-entropy) are before calibration, in float32.
    """

    temperature: float
    val_accuracy: float
    val_loss: float


class Trained(NamedTuple):
    """Both learning curves, what was saved, the trained weights, and the layers for a figure."""

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
    """Train a model on `rows` (train and validation); nothing is saved but backups.

    `encoders` holds the folders preprocess and encoder; `settings` are `training.Settings`.
    A model of before is given up first: several need no more memory than one.
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
    """Train as `fit` does, which takes the `settings`, and save the model, calibrated."""
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

    All of them began at the weights in `encoders` and the same head, so that they lie in one
    basin of the loss, and the mean nearer to its middle (model soup, Wortsman et al. 2022, ICML).
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
    """The epoch whose weights were kept: the best with `patience`, otherwise the last."""
    return curves.loc[curves["val_loss"].idxmin() if patience else len(curves) - 1]

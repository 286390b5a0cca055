"""Figures by known answers."""

import pandas as pd

from customer_profiles.sentiment.training.figures import learning_curves

CURVES = pd.DataFrame({
    "epoch": [1, 2], "loss": [0.6, 0.3], "accuracy": [0.7, 0.9],
    "val_loss": [0.5, 0.4], "val_accuracy": [0.75, 0.8],
})  # fmt: skip


def test_learning_curves_show_training_within_the_epochs_and_validation_after_each():
    points = pd.DataFrame({
        "step": [5, 10, 20], "epoch": [0.5, 1.0, 2.0],
        "loss": [0.7, 0.5, 0.3], "accuracy": [0.6, 0.8, 0.9],
    })  # fmt: skip
    accuracy, loss = learning_curves(CURVES, points).axes
    assert [line.get_ydata().tolist() for line in accuracy.lines] == [
        [0.6, 0.8, 0.9], [0.7, 0.9], [0.75, 0.8],
    ]  # fmt: skip
    assert loss.lines[0].get_xdata().tolist() == [0.5, 1.0, 2.0]
    assert loss.lines[2].get_ydata().tolist() == [0.5, 0.4]

"""Training shared out among several devices, here two parts of one processor."""

import json
import subprocess
import sys

import numpy as np
import pytest

LABELS = np.array([1] * 3 + [0] * 4)
# The devices of a process cannot be changed any more once TensorFlow has looked at them.
TRAIN = """\
import json, sys
from pathlib import Path

from customer_profiles.sentiment.model import classifier, encoder
from customer_profiles.sentiment.model.scorer import Scorer
from customer_profiles.sentiment.training import training

import numpy as np
import tensorflow as tf

folder, parts = Path(sys.argv[1]), int(sys.argv[2])
(processor,) = tf.config.list_physical_devices("CPU")
tf.config.set_logical_device_configuration(
    processor, [tf.config.LogicalDeviceConfiguration()] * parts
)
strategy = training.devices("CPU")
texts = ["so happy today", "i love it", "great phone", "so sad today", "i hate it", "awful", "no"]
labels = np.array([1.0] * 3 + [0.0] * 4)
with strategy.scope():
    preprocess, bert = encoder.load(folder / "preprocess", folder / "encoder")
    model = classifier.build(bert, dropout=0.0, pooling="mean", seed=1)
before = [variable.numpy().copy() for variable in bert.trainable_variables]
rows = training.tokenise(preprocess, texts), labels
curves, points = training.train(
    model, rows, rows,
    training.Settings(
        epochs=4, batch_size=6, optimizer="adam", learning_rate=1e-3, decay="linear", patience=0,
        seed=1,
    ),
)
moved = [bool((a != b.numpy()).any()) for a, b in zip(before, bert.trainable_variables)]
classifier.save(Path(sys.argv[3]), preprocess, bert, model, "mean")
print(json.dumps({
    "replicas": strategy.num_replicas_in_sync,
    "kind": type(strategy).__name__,
    "loss": curves["val_loss"].tolist(),
    "points": points["loss"].tolist(),
    "moved": sum(moved),
    "polarity": Scorer(Path(sys.argv[3])).polarity(texts).tolist(),
}))
"""


def train(folder, parts, target):
    finished = subprocess.run(
        [sys.executable, "-c", TRAIN, str(folder), str(parts), str(target)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr[-3000:]
    return json.loads(finished.stdout.splitlines()[-1])


def test_two_devices_train_the_model_that_one_trains(tiny_encoder, tmp_path):
    folder = tiny_encoder[0].parent
    one, two = (train(folder, parts, tmp_path / f"model-{parts}") for parts in (1, 2))
    assert (one["replicas"], two["replicas"]) == (1, 2)
    assert two["kind"] == "MirroredStrategy"
    assert two["moved"] == one["moved"] == 37  # all but the pooler, see test_training.py
    # Each device draws its own dropout: alike, not equal.
    assert two["loss"] == pytest.approx(one["loss"], abs=0.1)
    assert len(two["points"]) == len(one["points"])
    assert np.mean(two["points"]) == pytest.approx(np.mean(one["points"]), abs=0.1)
    assert two["loss"][-1] < two["loss"][0]
    for run in (one, two):
        sure = np.where(LABELS == 1, run["polarity"], 1 - np.array(run["polarity"]))
        assert -np.log(sure).mean() == pytest.approx(run["loss"][-1], abs=1e-4)

"""A small training on all processors that TensorFlow sees; as a program, on two parts of one."""

import json
import sys
from pathlib import Path

import numpy as np

from customer_profiles.sentiment.model import classifier, encoder
from customer_profiles.sentiment.model.backend import tf
from customer_profiles.sentiment.model.scorer import Scorer
from customer_profiles.sentiment.training import mixing, training

TEXTS = ["so happy today", "i love it", "great phone", "so sad today", "i hate it", "awful", "no"]
LABELS = np.array([4] * 3 + [0] * 4)


def train(folder: Path, target: Path) -> dict:
    """Train the encoder in `folder`, save the model as `target`; describe both."""
    strategy = training.devices("CPU")
    with strategy.scope():
        preprocess, bert = encoder.load(folder / "preprocess", folder / "encoder")
        model = classifier.build(bert, dropout=0.0, pooling="mean", seed=1)
    before = [variable.numpy().copy() for variable in bert.trainable_variables]
    rows = training.tokenise(preprocess, TEXTS), mixing.answers(LABELS)
    settings = training.Settings(
        epochs=4, batch_size=6, optimizer="adam", learning_rate=1e-3, decay="linear", patience=0,
        seed=1,
    )  # fmt: skip
    curves, points = training.train(model, rows, rows, settings)
    after = bert.trainable_variables
    classifier.save(target, preprocess, bert, model, "mean")
    return {
        "replicas": strategy.num_replicas_in_sync,
        "kind": type(strategy).__name__,
        "loss": curves["val_loss"].tolist(),
        "points": points["loss"].tolist(),
        "moved": sum(bool((a != b.numpy()).any()) for a, b in zip(before, after, strict=True)),
        "ratings": Scorer(target).read(TEXTS).to_numpy().tolist(),
    }


if __name__ == "__main__":
    # The devices of a process cannot be changed once TensorFlow has looked at them.
    (processor,) = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(
        processor, [tf.config.LogicalDeviceConfiguration()] * 2
    )
    sys.stdout.write(json.dumps(train(*map(Path, sys.argv[1:]))) + "\n")

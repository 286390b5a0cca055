"""Training shared out among several devices, here two parts of one processor."""

import json
import subprocess
import sys

import numpy as np
import pytest

from tests.sentiment.training import shared_out

pytestmark = pytest.mark.long


def test_two_devices_train_the_model_that_one_trains(tiny_encoder, tmp_path):
    folder = tiny_encoder[0].parent
    one = shared_out.train(folder, tmp_path / "of one")
    finished = subprocess.run(
        [sys.executable, shared_out.__file__, folder, tmp_path / "of two"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert finished.returncode == 0, finished.stderr[-3000:]
    two = json.loads(finished.stdout.splitlines()[-1])
    assert (one["replicas"], two["replicas"]) == (1, 2)
    assert two["kind"] == "MirroredStrategy"
    assert two["moved"] == one["moved"] == 37  # all but the pooler, see test_training.py
    # Each device draws its own dropout: alike, not equal.
    assert two["loss"] == pytest.approx(one["loss"], abs=0.1)
    assert len(two["points"]) == len(one["points"])
    assert np.mean(two["points"]) == pytest.approx(np.mean(one["points"]), abs=0.1)
    assert two["loss"][-1] < two["loss"][0]
    for run in (one, two):
        _, _, negative, _, positive = np.array(run["ratings"]).T
        likely = np.where(shared_out.LABELS == 4, positive, negative)
        assert -np.log(likely).mean() == pytest.approx(run["loss"][-1], abs=1e-4)

"""Small real trainings of the whole model: what they learn, and what an interruption changes."""

import json
import logging
import signal
import subprocess
import sys

import numpy as np
import pytest

from customer_profiles import backup, batching, encoder, training

GLAD = ("so happy today", "i love it", "great phone", "what a lovely day", "thanks, brilliant")
SAD = ("so sad today", "i hate it", "awful phone", "what a horrible day", "no, terrible")
LABELS = np.array([1.0] * 5 + [0.0] * 5)
SETTINGS = {
    "epochs": 6, "batch_size": 8, "optimizer": "adam", "learning_rate": 5e-3,
    "decay": "linear", "patience": 0, "seed": 1,
}  # fmt: skip
# A training that ends as a machine does that loses its power, in the middle of its second epoch.
KILLED = """\
import json, os, signal, sys
from pathlib import Path

from customer_profiles import backup, encoder, training

import numpy as np

preprocess, bert = encoder.load(Path(sys.argv[1], "preprocess"), Path(sys.argv[1], "encoder"))
rows = training.tokenise(preprocess, json.loads(sys.argv[2])), np.array([1.0] * 5 + [0.0] * 5)
backup.SECONDS = 0
training.train(
    training.build(bert, dropout=0.3, pooling="mean", seed=1), rows, rows,
    **json.loads(sys.argv[3]), folder=Path(sys.argv[4]),
    on_point=lambda values, step: step == 7 and os.kill(os.getpid(), signal.SIGKILL),
)
"""


class Interrupted(Exception):
    pass


@pytest.fixture
def fresh(tiny_encoder):
    """What gives a model as it is before training, and its ten posts."""

    def make(dropout=0.3, pooling="mean", seed=1):
        preprocess, bert = encoder.load(*tiny_encoder)
        rows = training.tokenise(preprocess, [*GLAD, *SAD]), LABELS
        return training.build(bert, dropout, pooling, seed), rows

    return make


@pytest.fixture(scope="module")
def trained(tiny_encoder):
    """The encoder's layer, its arrays before training, and both curves."""
    preprocess, bert = encoder.load(*tiny_encoder)
    before = [variable.numpy().copy() for variable in bert.trainable_variables]
    rows = training.tokenise(preprocess, [*GLAD, *SAD] * 3), np.tile(LABELS, 3)
    model = training.build(bert, dropout=0.1, pooling="mean", seed=1)
    return bert, before, *training.train(model, rows, rows, **SETTINGS)


@pytest.fixture(autouse=True)
def at_each_point(monkeypatch):
    monkeypatch.setattr(backup, "SECONDS", 0)


def stop(at):
    """What ends a training at the step `at`."""

    def on_point(values, step):
        if step == at:
            raise Interrupted

    return on_point


def equal(some, others):
    pairs = zip(some.get_weights(), others.get_weights(), strict=True)
    return all((a == b).all() for a, b in pairs)


def test_every_array_of_the_encoder_moves(trained):
    bert, before, _, _ = trained
    pairs = zip(before, bert.trainable_variables, strict=True)
    still = [new.name for old, new in pairs if not (old != new.numpy()).any()]
    assert len(before) == 39
    # Where tokens are averaged the pooler is not on the way to the logit.
    assert sorted(still) == ["pooled_dense/bias:0", "pooled_dense/kernel:0"]


def test_training_learns_and_reports_each_epoch(trained):
    curves = trained[2]
    assert curves["epoch"].tolist() == [1, 2, 3, 4, 5, 6]
    assert curves["val_loss"].iloc[-1] < curves["val_loss"].iloc[0]
    assert curves["val_accuracy"].iloc[-1] >= 0.85


def test_points_of_the_curves_lie_between_the_epochs_and_average_to_them(trained):
    _, _, curves, points = trained
    assert points["step"].tolist() == list(range(1, points["step"].max() + 1))
    steps = len(points) // SETTINGS["epochs"]
    assert points["epoch"].tolist() == pytest.approx([(n + 1) / steps for n in range(len(points))])
    assert points["posts"].groupby(points.index // steps).sum().tolist() == [30] * len(curves)
    sums = (points["loss"] * points["posts"]).groupby(points.index // steps).sum()
    np.testing.assert_allclose(sums / 30, curves["loss"], rtol=1e-4)


def test_each_point_is_told_when_it_is_made(fresh):
    model, rows = fresh()
    told = []
    _, points = training.train(
        model, rows, rows, **SETTINGS,
        on_point=lambda values, step: told.append({"step": step, **values}),
    )  # fmt: skip
    assert told == points.drop(columns=["epoch", "posts"]).to_dict("records")


def test_the_same_seed_trains_the_same_model(fresh):
    models = []
    for _ in range(2):
        model, rows = fresh(pooling="pooled", seed=3)
        training.train(model, rows, rows, **{**SETTINGS, "epochs": 1})
        models.append(model)
    assert equal(*models)


def test_early_stopping_keeps_the_best_weights_also_across_an_interruption(fresh, tmp_path):
    # Validation contradicts training: what is learned makes it worse.
    settings = {**SETTINGS, "epochs": 12, "patience": 2, "decay": "none"}
    model, (tokens, labels) = fresh()
    sets = (tokens, labels), (tokens, 1 - labels)
    curves, _ = training.train(model, *sets, **settings)
    best = int(curves["val_loss"].idxmin())
    assert len(curves) == best + 3 < settings["epochs"]
    judged = training.batches(*sets[1], batching.plan(training.lengths(tokens), 8))
    kept = model.evaluate(judged, verbose=0, return_dict=True)
    assert kept["loss"] == pytest.approx(curves["val_loss"].min(), abs=1e-4)
    folder = tmp_path / "backup"
    with pytest.raises(Interrupted):
        training.train(fresh()[0], *sets, **settings, folder=folder, on_point=stop(2 * best + 4))
    resumed, _ = fresh()
    again, _ = training.train(resumed, *sets, **settings, folder=folder)
    assert again.equals(curves)
    assert equal(resumed, model)


def test_settings_that_do_not_exist_are_named_with_those_that_do(fresh):
    with pytest.raises(ValueError, match=r"finetune\.pooling must be one of mean, pooled, got max"):
        fresh(pooling="max")
    with pytest.raises(ValueError, match=r"optimizer must be one of adam, adamw, got sgd"):
        training.train(None, None, None, **{**SETTINGS, "optimizer": "sgd"})


def test_the_learning_rate_falls_to_zero_with_the_last_step_and_no_earlier(fresh):
    model, rows = fresh()
    _, points = training.train(model, rows, rows, **SETTINGS)
    assert int(model.optimizer.iterations) == points["step"].iloc[-1] == 12


def test_a_killed_training_goes_on_to_the_same_weights_and_curves(fresh, tiny_encoder, tmp_path):
    settings = {**SETTINGS, "epochs": 3, "batch_size": 2, "patience": 1}
    model, rows = fresh()
    curves, points = training.train(model, rows, rows, **settings)
    folder = tmp_path / "backup"
    told = [str(tiny_encoder[0].parent), json.dumps([*GLAD, *SAD]), json.dumps(settings), folder]
    ended = subprocess.run([sys.executable, "-c", KILLED, *told], capture_output=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()[-2000:]
    # The first time it is interrupted again, the second it ends, the third there is nothing to do.
    with pytest.raises(Interrupted):
        training.train(fresh()[0], rows, rows, **settings, folder=folder, on_point=stop(8))
    for _ in range(2):
        resumed, steps = fresh()[0], []
        found = training.train(
            resumed, rows, rows, **settings, folder=folder,
            on_point=lambda values, step: steps.append(step),  # noqa: B023
        )  # fmt: skip
        assert found[0].equals(curves)
        assert found[1].equals(points)
        assert equal(resumed, model)
        assert steps == points["step"].tolist()


@pytest.mark.parametrize("changed", ["seed", "posts", "dropout"])
def test_a_backup_of_another_training_is_not_taken_up(fresh, tmp_path, caplog, changed):
    settings = {**SETTINGS, "epochs": 1}
    model, (tokens, labels) = fresh()
    folder = tmp_path / "backup"
    with pytest.raises(Interrupted):
        training.train(model, *[(tokens, labels)] * 2, **settings, folder=folder, on_point=stop(2))
    model, _ = fresh(dropout=0.2 if changed == "dropout" else 0.3)
    settings["seed"] += changed == "seed"
    rows = (tokens, 1 - labels if changed == "posts" else labels)
    with caplog.at_level(logging.WARNING), pytest.raises(Interrupted):
        training.train(model, rows, rows, **settings, folder=folder, on_point=stop(1))
    assert "is of other posts, settings or weights: this training starts anew" in caplog.text
    assert "goes on" not in caplog.text
    assert [file.name for file in folder.iterdir()] == [backup.OWNER]

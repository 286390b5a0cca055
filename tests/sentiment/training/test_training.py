"""Small real trainings of the whole model: what they learn, and what an interruption changes."""

import json
import logging
import signal
import subprocess
import sys
from dataclasses import asdict, replace
from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from customer_profiles.sentiment.model import classifier, encoder
from customer_profiles.sentiment.training import backup, batching, mixing, objective, training

GLAD = ("so happy today", "i love it", "great phone", "what a lovely day", "thanks, brilliant")
SAD = ("so sad today", "i hate it", "awful phone", "what a horrible day", "no, terrible")
LABELS = np.array([4] * 5 + [0] * 5)
ANSWERS = mixing.answers(LABELS)
SETTINGS = training.Settings(
    epochs=8, batch_size=5, optimizer="adam", learning_rate=3e-3, decay="linear", patience=5, seed=1
)
# A training that ends as a machine does that loses its power, in the middle of its third epoch.
KILLED = """\
import json, os, signal, sys
from pathlib import Path

from customer_profiles.sentiment.model import classifier, encoder
from customer_profiles.sentiment.training import backup, mixing, training

import numpy as np

preprocess, bert = encoder.load(Path(sys.argv[1], "preprocess"), Path(sys.argv[1], "encoder"))
labels = np.array([4] * 5 + [0] * 5)
rows = training.tokenise(preprocess, json.loads(sys.argv[2])), mixing.answers(labels)
backup.SECONDS = 0
training.train(
    classifier.build(bert, dropout=0.1, pooling="mean", seed=1), rows, rows,
    training.Settings(**json.loads(sys.argv[3])), Path(sys.argv[4]),
    lambda values, step: step == 5 and os.kill(os.getpid(), signal.SIGKILL),
)
"""


class Interrupted(Exception):
    pass


@pytest.fixture(scope="module")
def trained(tiny_encoder):
    """A training that nothing interrupts, and the encoder's arrays before it."""
    preprocess, bert = encoder.load(*tiny_encoder)
    before = [variable.numpy().copy() for variable in bert.trainable_variables]
    rows, reported = (training.tokenise(preprocess, [*GLAD, *SAD]), ANSWERS), []
    model = classifier.build(bert, dropout=0.1, pooling="mean", seed=1)
    curves, points = training.train(
        model, rows, rows, SETTINGS, on_point=lambda values, step: reported.append((step, values))
    )
    return SimpleNamespace(
        bert=bert,
        before=before,
        rows=rows,
        model=model,
        curves=curves,
        points=points,
        reported=reported,
    )


@pytest.fixture(scope="module")
def rows(trained):
    return trained.rows


@pytest.fixture(autouse=True)
def at_each_point(monkeypatch):
    monkeypatch.setattr(backup, "SECONDS", 0)


def narrow(dropout=0.3, seed=1):
    """A model that knows its words and no order of theirs: trained in no time."""
    tf_keras.utils.set_random_seed(seed)
    words = tf_keras.layers.Embedding(30_522, 8)

    def encode(inputs):
        embedded = words(inputs["input_word_ids"])
        return {"sequence_output": embedded, "pooled_output": embedded[:, 0]}

    return classifier.build(encode, dropout, "mean", seed)


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
    pairs = zip(trained.before, trained.bert.trainable_variables, strict=True)
    still = [new.name for old, new in pairs if not (old != new.numpy()).any()]
    assert len(trained.before) == 39
    # Where tokens are averaged the pooler is not on the way to the logit.
    assert sorted(still) == ["pooler/bias:0", "pooler/kernel:0"]


def test_training_learns_and_reports_each_epoch(trained):
    curves = trained.curves
    assert curves["epoch"].tolist() == list(range(1, 9))
    # Every post has a feeling, which is soon learned; of the valence alone the loss would be ln 2.
    assert curves["val_loss"].min() < np.log(2) < curves["val_loss"].iloc[0]
    assert curves["val_accuracy"].iloc[-1] >= 0.6


def test_points_of_the_curves_lie_between_the_epochs_and_average_to_them(trained):
    points, curves = trained.points, trained.curves
    assert points["step"].tolist() == list(range(1, 17))
    assert points["epoch"].tolist() == pytest.approx([step / 2 for step in range(1, 17)])
    assert points["posts"].tolist() == [5] * 16
    means = points[["loss", "accuracy"]].groupby(points.index // 2).mean()
    np.testing.assert_allclose(means, curves[["loss", "accuracy"]], rtol=1e-6)


def test_each_point_is_told_when_it_is_made(trained):
    values = trained.points[["loss", "accuracy"]].to_dict("records")
    assert trained.reported == list(zip(trained.points["step"], values, strict=True))


def test_the_learning_rate_falls_to_zero_with_the_last_step_and_no_earlier(trained):
    assert int(trained.model.optimizer.iterations) == trained.points["step"].iloc[-1]
    rate = trained.model.optimizer._learning_rate
    assert (float(rate(15)), float(rate(16))) == (pytest.approx(3e-3 / 16), 0)


def test_the_learning_rate_rises_over_the_first_steps():
    rate = objective.Schedule(1.0, rising=4, steps=20, falls=True)
    assert [float(rate(step)) for step in (0, 1, 3, 4, 12, 20)] == pytest.approx(
        [0.2, 0.4, 0.8, 1, 0.5, 0]
    )
    steady = objective.Schedule(1.0, rising=0, steps=20, falls=False)
    assert [float(steady(step)) for step in (0, 19)] == [1, 1]


def test_the_loss_is_that_of_the_answers_that_there_are():
    logits = tf.constant([[2.0, 0.0], [2.0, 1.0], [-1.0, 3.0]])
    answers = np.array([[1, np.nan], [np.nan, 0], [0, 1]], np.float32)
    softplus = lambda x: np.log1p(np.exp(x))  # noqa: E731
    expected = [softplus(-2), softplus(1), softplus(-1) + softplus(-3)]
    with tf.GradientTape() as tape:
        tape.watch(logits)
        losses = objective.cross_entropy(tf.constant(answers), logits)
    assert losses.numpy().tolist() == pytest.approx(expected)
    gradient = tape.gradient(losses, logits).numpy()
    assert np.isfinite(gradient).all()
    assert (gradient[0, 1], gradient[1, 0]) == (0, 0)
    of_one = objective.cross_entropy(tf.constant(answers), logits[:, :1])
    assert of_one.numpy().tolist() == pytest.approx([softplus(-2), 0, softplus(-1)])


def test_only_kernels_and_embeddings_decay():
    kernel, bias = tf.Variable(tf.ones([2, 2])), tf.Variable(tf.ones([2]))
    options = {"optimizer": "adamw", "learning_rate": 0.1, "decay": "none", "warmup": 0.0}
    adamw = objective.optimizer([kernel, bias], 1, **options, weight_decay=0.5, clip_norm=0.0)
    adamw.apply_gradients([(tf.zeros_like(kernel), kernel), (tf.zeros_like(bias), bias)])
    assert (kernel.numpy() == pytest.approx(0.95), bias.numpy().tolist()) == (True, [1, 1])


def test_gradients_are_clipped_to_a_norm():
    options = {"optimizer": "adamw", "learning_rate": 0.1, "decay": "none", "warmup": 0.0}
    adamw = objective.optimizer([], 1, **options, weight_decay=0.0, clip_norm=1.5)
    assert adamw.global_clipnorm == 1.5
    assert (
        objective.optimizer([], 1, **options, weight_decay=0, clip_norm=0).global_clipnorm is None
    )


@pytest.mark.long
def test_a_killed_training_goes_on_to_the_same_weights_and_curves(trained, tiny_encoder, tmp_path):
    folder, rows = tmp_path / "backup", trained.rows
    posts, settings = json.dumps([*GLAD, *SAD]), json.dumps(asdict(SETTINGS))
    arguments = [str(tiny_encoder[0].parent), posts, settings, folder]
    ended = subprocess.run(
        [sys.executable, "-c", KILLED, *arguments], capture_output=True, check=False
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()[-2000:]
    model, reported = classifier.build(encoder.load(*tiny_encoder)[1], 0.1, "mean", seed=1), []
    curves, points = training.train(
        model, rows, rows, SETTINGS, folder, lambda values, step: reported.append((step, values))
    )
    assert curves.equals(trained.curves)
    assert points.equals(trained.points)
    assert equal(model, trained.model)
    assert reported == trained.reported


@pytest.mark.long
def test_early_stopping_keeps_the_best_weights_also_across_interruptions(rows, tmp_path):
    # Validation contradicts training: what is learned makes it worse.
    settings = replace(SETTINGS, epochs=12, patience=2, decay="none", learning_rate=5e-2)
    tokens, answers = rows
    sets = rows, (tokens, 1 - answers)
    model, folder = narrow(), tmp_path / "backup"
    curves, points = training.train(model, *sets, settings)
    best = int(curves["val_loss"].idxmin())
    assert len(curves) == best + 3 < settings.epochs
    judged = training.batches(*sets[1], batching.plan(training.lengths(tokens), 5))
    kept = model.evaluate(judged, verbose=0, return_dict=True)
    assert kept["loss"] == pytest.approx(curves["val_loss"].min(), abs=1e-4)
    for step in (2 * best + 3, 2 * best + 5):
        with pytest.raises(Interrupted):
            training.train(narrow(), *sets, settings, folder, stop(step))
    # The first time it comes to its end, the second there is nothing to do.
    for _ in range(2):
        resumed = narrow()
        again = training.train(resumed, *sets, settings, folder)
        assert again[0].equals(curves)
        assert again[1].equals(points)
        assert equal(resumed, model)


@pytest.mark.parametrize("changed", ["seed", "posts", "dropout"])
def test_a_backup_of_another_training_is_not_taken_up(rows, tmp_path, caplog, changed):
    folder, (tokens, answers) = tmp_path / "backup", rows
    with pytest.raises(Interrupted):
        training.train(narrow(), rows, rows, SETTINGS, folder, stop(1))
    model = narrow(dropout=0.2 if changed == "dropout" else 0.3)
    settings = replace(SETTINGS, seed=SETTINGS.seed + (changed == "seed"))
    other = (tokens, 1 - answers if changed == "posts" else answers)
    with caplog.at_level(logging.WARNING), pytest.raises(Interrupted):
        training.train(model, other, other, settings, folder, stop(1))
    assert "is of other posts, settings or weights: this training starts anew" in caplog.text
    assert "goes on" not in caplog.text
    assert [file.name for file in folder.iterdir()] == [backup.OWNER]


def test_a_loss_that_is_not_finite_is_refused_with_the_way_out(rows):
    model = narrow()
    model.set_weights([np.full_like(array, np.inf) for array in model.get_weights()])
    with pytest.raises(FloatingPointError, match=r"loss became nan; lower finetune\.learning_rate"):
        training.train(model, rows, rows, SETTINGS)

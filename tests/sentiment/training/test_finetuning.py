"""From several seeds' trainings to one model: the mean of their weights, saved and calibrated."""

import mlflow
import numpy as np
import pytest

from customer_profiles.pipeline.tracking import runs
from customer_profiles.sentiment.model import classifier, encoder
from customer_profiles.sentiment.model.scorer import Scorer
from customer_profiles.sentiment.training import finetuning, training

GLAD = ("so happy today", "i love it", "great phone", "what a lovely day", "thanks, brilliant")
SAD = ("so sad today", "i hate it", "awful phone", "what a horrible day", "no, terrible")
TEXTS, LABELS = [*GLAD, *SAD], np.array([1.0] * 5 + [0.0] * 5)
SETTINGS = {
    "epochs": 2, "batch_size": 5, "optimizer": "adam", "learning_rate": 3e-3, "decay": "none",
    "patience": 0, "dropout": 0.1, "pooling": "mean", "bfloat16": False,
}  # fmt: skip


@pytest.fixture(scope="module")
def rows(tiny_encoder):
    preprocess, _ = encoder.load(*tiny_encoder)
    tokens = training.tokenise(preprocess, TEXTS)
    return {"train": (tokens, LABELS), "validation": (tokens, LABELS)}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return tmp_path_factory.mktemp("trained") / "models"


@pytest.fixture(scope="module")
def made(store, tiny_encoder, rows, models):
    """Two seeds and their average, trained as stage finetune does, each in a run of MLflow."""
    folders = tiny_encoder[0].parent, rows, models, models.with_name("backups")
    return finetuning.train_seeds(*folders, [1, 2], SETTINGS, runs)


@pytest.fixture(scope="module")
def seeds(made):
    """Trainings with the seeds 1 and 2."""
    return [made.trained[1], made.trained[2]]


def saved_polarity(folder):
    import tensorflow as tf

    model = tf.saved_model.load(str(folder))
    return model.signatures["serving_default"](text=tf.constant(TEXTS))["polarity"].numpy()


def test_all_seeds_begin_at_the_same_weights_and_end_at_others(tiny_encoder, seeds):
    _, bert = encoder.load(*tiny_encoder)
    heads = [
        classifier.build(bert, 0.1, "mean", seed).get_layer("classifier").get_weights()
        for seed in (1, 2)
    ]
    for one, other in zip(*heads, strict=True):
        np.testing.assert_array_equal(one, other)
    one, other = (trained.weights for trained in seeds)
    assert any(not np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_each_weight_of_the_average_is_the_mean_over_the_seeds(tiny_encoder, rows, seeds, tmp_path):
    weights = [trained.weights for trained in seeds]
    saved = finetuning.average(tiny_encoder[0].parent, rows, tmp_path / "m", weights, "mean")
    _, bert = encoder.load(*tiny_encoder)
    model = classifier.build(bert, 0.0, "mean", seed=5)
    for variable, one, other in zip(model.trainable_variables, *weights, strict=True):
        variable.assign((one + other) / 2)
    polarity = training.polarity(model, rows["validation"][0]).astype(float)
    loss = -np.log(np.where(LABELS > 0.5, polarity, 1 - polarity)).mean()
    assert saved.val_loss == pytest.approx(loss, abs=1e-6)
    assert saved.val_accuracy == np.mean((polarity > 0.5) == (LABELS > 0.5))
    odds = np.log(polarity / (1 - polarity)) / saved.temperature
    np.testing.assert_allclose(saved_polarity(tmp_path / "m"), 1 / (1 + np.exp(-odds)), atol=1e-5)


def test_the_average_of_one_training_is_that_training(tiny_encoder, rows, seeds, tmp_path):
    (one, _), target = seeds, tmp_path / "model"
    saved = finetuning.average(tiny_encoder[0].parent, rows, target, [one.weights], "mean")
    assert saved == pytest.approx(one.saved, abs=1e-6)


def test_trainings_of_unlike_models_have_no_average(tiny_encoder, rows, seeds, tmp_path):
    weights = [seeds[0].weights, seeds[1].weights[:-1]]
    with pytest.raises(ValueError, match="zip"):
        finetuning.average(tiny_encoder[0].parent, rows, tmp_path / "m", weights, "mean")
    assert not (tmp_path / "m").exists()


def test_the_model_of_the_smallest_validation_loss_is_used_of_equal_ones_the_first():
    saved = {
        7: finetuning.Saved(1.0, 0.9, 0.3), 8: finetuning.Saved(1.0, 0.8, 0.2),
        finetuning.AVERAGE: finetuning.Saved(1.0, 0.7, 0.2),
    }  # fmt: skip
    assert finetuning.Seeds({}, saved, {}).used == 8


def test_the_report_of_one_seed_has_no_spread_and_that_of_several_has(rows, seeds):
    one, other = seeds
    alone = finetuning.report(finetuning.Seeds({1: one}, {1: one.saved}, {}), rows, 2, patience=0)
    last = one.curves.iloc[-1]
    assert alone == {
        "train_rows": 10, "validation_rows": 10, "epochs": 2, "epochs_run": 2, "kept_epoch": 2,
        "accuracy": last["accuracy"], "loss": last["loss"], "used": "1", "seeds": {},
        "validation_accuracy": one.saved.val_accuracy, "validation_loss": one.saved.val_loss,
        "temperature": one.saved.temperature,
    }  # fmt: skip
    average = finetuning.Saved(1.5, 1.0, 0.0)
    saved = {1: one.saved, 2: other.saved, finetuning.AVERAGE: average}
    both = finetuning.report(finetuning.Seeds({1: one, 2: other}, saved, {}), rows, 2, patience=0)
    assert (both["used"], both["temperature"]) == ("average", 1.5)
    losses = [one.saved.val_loss, other.saved.val_loss]
    assert both["seeds"]["models"] == ["1", "2"]
    assert both["seeds"]["average"] == average._asdict()
    assert both["seeds"]["mean"]["val_loss"] == pytest.approx(np.mean(losses))
    assert both["seeds"]["sd"]["val_loss"] == pytest.approx(np.std(losses, ddof=1))


def test_a_training_logs_each_step_of_a_curve_once_and_its_summary_under_other_names(made, rows):
    report = finetuning.report(made, rows, SETTINGS["epochs"], SETTINGS["patience"])
    with runs.reopened(made.runs[made.used]):
        runs.log_metrics(report, "report.")
    client = mlflow.MlflowClient()
    for name, run in made.runs.items():
        metrics = client.get_run(run.info.run_id).data.metrics
        assert metrics["validation_loss"] == made.saved[name].val_loss
        histories = {each: client.get_metric_history(run.info.run_id, each) for each in metrics}
        for each, points in histories.items():
            assert len({point.step for point in points}) == len(points), each
        if name in made.trained:
            assert [point.step for point in histories["val_loss"]] == [1, 2]
            assert [point.step for point in histories["training/loss"]] == [1, 2, 3, 4]
            kept = finetuning.kept(made.trained[name].curves, SETTINGS["patience"])
            assert metrics["kept_val_loss"] == kept["val_loss"]
    used = client.get_run(made.runs[made.used].info.run_id).data.metrics
    assert used["report.validation_loss"] == report["validation_loss"]


def test_of_several_seeds_the_best_model_lies_where_it_is_used(made, models):
    assert sorted(path.name for path in (models / "seeds").iterdir()) == ["1", "2"]
    texts = ["i love it", "the tea was cold"]
    polarity = Scorer(models / "sentiment").polarity(texts).tolist()
    same = [seed for seed in (1, 2)
            if Scorer(models / f"seeds/{seed}").polarity(texts).tolist() == polarity]  # fmt: skip
    assert same == [seed for seed in (1, 2) if seed == made.used]

"""From several seeds' trainings to one model: the mean of their weights, saved and calibrated."""

import mlflow
import numpy as np
import pytest

from customer_profiles.pipeline.tracking import runs
from customer_profiles.sentiment.model import classifier, encoder
from customer_profiles.sentiment.model.scorer import Scorer
from customer_profiles.sentiment.training import calibrating, finetuning, mixing, training
from customer_profiles.sentiment.training import report as reports

pytestmark = pytest.mark.long

GLAD = ("so happy today", "i love it", "great phone", "what a lovely day", "thanks, brilliant")
SAD = ("so sad today", "i hate it", "awful phone", "what a horrible day", "no, terrible")
FACTS = ("the shop opens at nine", "the bus stops here")
TEXTS, LABELS = [*GLAD, *SAD, *FACTS], np.array([4] * 5 + [0] * 5 + [2] * 2)
SETTINGS = {
    "epochs": 2, "batch_size": 5, "optimizer": "adam", "learning_rate": 3e-3, "decay": "none",
    "patience": 0, "dropout": 0.1, "pooling": "mean", "bfloat16": False, "warmup": 0.0,
    "weight_decay": 0.0, "clip_norm": 0.0, "subjectivity": "learned", "mix": 0.4, "rows": 20,
    "repeat": 1,
}  # fmt: skip


@pytest.fixture(scope="module")
def sources(tiny_encoder):
    preprocess, _ = encoder.load(*tiny_encoder)
    emoticons, people = (
        training.tokenise(preprocess, TEXTS[:10]),
        training.tokenise(preprocess, TEXTS),
    )
    return mixing.Sources((emoticons, LABELS[:10]), (people, LABELS), (people, LABELS))


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    return tmp_path_factory.mktemp("trained") / "models"


@pytest.fixture(scope="module")
def made(store, tiny_encoder, sources, models):
    """Two seeds and their average, trained as stage finetune does, each in a run of MLflow."""
    folders = tiny_encoder[0].parent, sources, models, models.with_name("backups")
    return finetuning.train_seeds(*folders, [1, 2], "BERT", SETTINGS, runs)


@pytest.fixture(scope="module")
def seeds(made):
    """Trainings with the seeds 1 and 2."""
    return [made.trained[1], made.trained[2]]


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


def test_each_weight_of_the_average_is_the_mean_over_the_seeds(
    tiny_encoder, sources, seeds, tmp_path
):
    weights = [trained.weights for trained in seeds]
    folder, end = tiny_encoder[0].parent, (tmp_path / "m", weights, "mean", "learned")
    saved = finetuning.average(folder, sources, *end)
    _, bert = encoder.load(*tiny_encoder)
    model = classifier.build(bert, 0.0, "mean", seed=5)
    for variable, one, other in zip(model.trainable_variables, *weights, strict=True):
        variable.assign((one + other) / 2)
    tokens, answers = sources.validation_rows()
    logits = training.predict(model, tokens)
    calibration = calibrating.calibrate(logits, answers)
    assert saved.calibration.temperatures == pytest.approx(calibration.temperatures, abs=1e-6)
    measured = calibrating.measure(logits, answers, saved.calibration)
    assert saved._asdict() == {
        "calibration": saved.calibration,
        **{name: pytest.approx(value, abs=1e-6) for name, value in measured.items()},
    }
    scaled = 1 / (1 + np.exp(-logits / saved.calibration.temperatures))
    ratings = Scorer(tmp_path / "m").read(TEXTS)
    np.testing.assert_allclose(ratings["subjectivity"], scaled[:, 1], atol=1e-5)
    np.testing.assert_allclose(ratings["positive"], scaled.prod(axis=1), atol=1e-5)


def test_the_average_of_one_training_is_that_training(tiny_encoder, sources, seeds, tmp_path):
    (one, _), target = seeds, tmp_path / "model"
    end = target, [one.weights], "mean", "learned"
    saved = finetuning.average(tiny_encoder[0].parent, sources, *end)
    assert saved[1:] == pytest.approx(one.saved[1:], abs=1e-6)


def test_trainings_of_unlike_models_have_no_average(tiny_encoder, sources, seeds, tmp_path):
    weights = [seeds[0].weights, seeds[1].weights[:-1]]
    folder, end = tiny_encoder[0].parent, (tmp_path / "m", weights, "mean", "learned")
    with pytest.raises(ValueError, match="zip"):
        finetuning.average(folder, sources, *end)
    assert not (tmp_path / "m").exists()


def saved_with(val_loss):
    return finetuning.Saved(classifier.Calibration(), val_loss, 0.8, 0.7, 0.9, 0.75)


def test_the_model_of_the_smallest_validation_loss_is_used_of_equal_ones_the_first():
    losses = {7: 0.3, 8: 0.2, finetuning.AVERAGE: 0.2}
    saved = {name: saved_with(loss) for name, loss in losses.items()}
    assert finetuning.Seeds({}, saved, {}).used == 8


def test_the_report_of_one_seed_has_no_spread_and_that_of_several_has(sources, seeds):
    one, other = seeds
    alone = reports.report(finetuning.Seeds({1: one}, {1: one.saved}, {}), sources, SETTINGS)
    last = one.curves.iloc[-1]
    assert alone == {
        "train_rows": 20, "rows": {"emoticons": 8, "people": 12}, "validation_rows": 12,
        "epochs": 2, "epochs_run": 2, "kept_epoch": 2,
        "accuracy": last["accuracy"], "loss": last["loss"], "used": "1", "seeds": {},
        **one.saved.metrics(),
    }  # fmt: skip
    saved = {1: one.saved, 2: other.saved, finetuning.AVERAGE: saved_with(0.0)}
    both = reports.report(finetuning.Seeds({1: one, 2: other}, saved, {}), sources, SETTINGS)
    assert (both["used"], both["validation_loss"]) == ("average", 0)
    losses = [one.saved.val_loss, other.saved.val_loss]
    assert both["seeds"]["models"] == ["1", "2"]
    assert both["seeds"]["average"] == {"val_loss": 0, "val_accuracy": 0.8, "val_recall": 0.75}
    assert both["seeds"]["val_loss"]["mean"] == pytest.approx(np.mean(losses))
    assert both["seeds"]["val_loss"]["sd"] == pytest.approx(np.std(losses, ddof=1))


def test_the_card_says_what_the_model_learned_from_and_how_well_it_did(made, sources):
    card = reports.card(made, sources, SETTINGS, invented=True)
    used = made.saved[made.used]
    assert (card.invented, card.rows) == (True, {"emoticons": 8, "people": 12})
    assert (card.subjectivity, card.languages) == ("learned", ("en",))
    assert card.validation == {
        "accuracy": used.val_accuracy, "low": used.low, "high": used.high,
        "macro_recall": used.val_recall, "n": 12,
    }  # fmt: skip


def test_the_originals_way_trains_one_question_and_has_thresholds(tiny_encoder, sources, tmp_path):
    settings = SETTINGS | {"subjectivity": "textblob", "mix": 1.0, "rows": 10, "pooling": "pooled"}
    one = finetuning.finetune(
        tiny_encoder[0].parent, sources, tmp_path / "m", None, "BERT", seed=1, **settings
    )
    low, high = one.saved.calibration.thresholds
    assert low <= 0.5 <= high
    ratings = Scorer(tmp_path / "m").read(TEXTS)
    assert set(np.unique(ratings[["negative", "neutral", "positive"]])) <= {0, 1}
    np.testing.assert_array_equal(ratings["negative"] == 1, ratings["polarity"] < low)


def test_a_training_logs_each_step_of_a_curve_once_and_its_summary_under_other_names(made, sources):
    report = reports.report(made, sources, SETTINGS)
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
            assert [point.step for point in histories["training/loss"]] == list(range(1, 9))
            kept = training.kept(made.trained[name].curves, SETTINGS["patience"])
            assert metrics["kept_val_loss"] == kept["val_loss"]
    used = client.get_run(made.runs[made.used].info.run_id).data.metrics
    assert used["report.validation_loss"] == report["validation_loss"]


def test_of_several_seeds_the_best_model_lies_where_it_is_used(made, models):
    assert sorted(path.name for path in (models / "seeds").iterdir()) == ["1", "2"]
    texts = ["i love it", "the tea was cold"]
    ratings = Scorer(models / "sentiment").read(texts)
    same = [seed for seed in (1, 2) if Scorer(models / f"seeds/{seed}").read(texts).equals(ratings)]
    assert same == [seed for seed in (1, 2) if seed == made.used]

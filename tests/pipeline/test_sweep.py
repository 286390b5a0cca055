"""Sweeps over settings of the training: a small encoder, twelve posts, a real MLflow store."""

import contextlib
import io
import json
import logging
import re
import shutil
import signal
from pathlib import Path

import mlflow
import pandas as pd
import pytest

from customer_profiles.commands.app import main
from customer_profiles.pipeline import sweep
from customer_profiles.project import files, params

pytestmark = pytest.mark.long

FINETUNE = {
    "epochs": 1, "batch_size": 4, "optimizer": "adam", "learning_rate": 5e-3, "decay": "none",
    "dropout": 0.1, "pooling": "mean", "patience": 0, "seed": 7, "seeds": 3, "bfloat16": False,
    "warmup": 0.0, "weight_decay": 0.0, "clip_norm": 0.0, "subjectivity": "learned", "mix": 0.5,
    "rows": 0, "repeat": 1,
}  # fmt: skip
VALUES = params.read(Path(__file__).parents[2] / "params.yaml") | {
    "profile": "quick", "finetune": FINETUNE, "quick": {"finetune": {"epochs": 2}},
}  # fmt: skip
PARAMS = json.dumps(VALUES)
GLAD = ("so happy today", "i love it", "great phone", "a lovely day", "thanks, brilliant", "good")
SAD = ("so sad today", "i hate it", "awful phone", "a horrible day", "no, terrible", "bad")
FACTS = ("the shop opens at nine", "the bus stops here")
POSTS = pd.DataFrame({"label": [4] * 6 + [0] * 6, "text": [*GLAD, *SAD]})
BY_PEOPLE = pd.DataFrame({"label": [4] * 6 + [0] * 4 + [2] * 2, "text": [*GLAD, *SAD[:4], *FACTS]})


@pytest.fixture(scope="module")
def store(tiny_encoder, tmp_path_factory):
    """A project whose sets and encoder are made, and its MLflow store."""
    root = tmp_path_factory.mktemp("project")
    (root / "dvc.yaml").touch()
    (root / "params.yaml").write_text(PARAMS)
    for source, name in sweep.SETS.items():
        posts = POSTS if source == "emoticons" else BY_PEOPLE
        files.write_parquet(root / sweep.POSTS / f"{name}.parquet", posts)
    shutil.copytree(tiny_encoder[0].parent, root / sweep.ENCODER)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        for name in ("DVC_ROOT", "DVC_STAGE", "DVC_EXP_NAME"):
            patch.delenv(name, raising=False)
        yield root


def runs():
    """The runs of all sweeps, the first one first."""
    if mlflow.get_experiment_by_name(sweep.EXPERIMENT) is None:
        return []
    trained = mlflow.search_runs(experiment_names=[sweep.EXPERIMENT], output_format="list")
    return sorted(trained, key=lambda run: run.info.start_time)


def new_runs(known):
    ids = {run.info.run_id for run in known}
    return [run for run in runs() if run.info.run_id not in ids]


def parent_of(run):
    return run.data.tags.get("mlflow.parentRunId")


@pytest.fixture(scope="module")
def swept(store):
    """A sweep of two by one combinations: its table, what it said, and its runs."""
    bars = io.StringIO()
    arguments = ["finetune.learning_rate=1e-6,5e-3", "finetune.epochs=1", "--rows", "8"]
    with contextlib.redirect_stdout(bars):
        assert main(["sweep", *arguments]) == 0
    return pd.read_csv(store / sweep.TABLE), bars.getvalue(), runs()


def test_the_table_holds_each_combination_the_lowest_validation_loss_first(swept):
    table, bars, _ = swept
    figures = ["epoch", "loss", "accuracy", "val_loss", "val_accuracy"]
    assert table.columns.tolist() == ["learning_rate", "epochs", *figures]
    assert table["learning_rate"].tolist() == [5e-3, 1e-6]
    assert table["val_loss"].is_monotonic_increasing
    assert table[["epochs", "epoch"]].to_numpy().tolist() == [[1, 1], [1, 1]]
    assert bars.split() == table.to_string(index=False).split()


def test_one_run_holds_settings_and_table_and_one_below_it_for_each_combination_its_curves(swept):
    table, _, (parent, *children) = swept
    assert parent.info.run_name == "quick-sweep-8"
    assert parent_of(parent) is None
    assert {"digest.train", "digest.labelled_validation"} <= set(parent.data.tags)
    settings = {"learning_rate": "1e-06,0.005", "epochs": "1", "batch_size": "4", "seed": "7"}
    assert settings.items() <= parent.data.params.items()
    assert (parent.data.params["rows"], parent.data.params["validation_rows"]) == ("8", "12")
    logged = mlflow.load_table("tables/sweep.json", run_ids=[parent.info.run_id])
    pd.testing.assert_frame_equal(logged, table)

    names = [f"quick-learning_rate={rate} epochs=1" for rate in ("1e-06", "0.005")]
    assert [child.info.run_name for child in children] == names
    losses = table.set_index("learning_rate")["val_loss"]
    for child in children:
        assert parent_of(child) == parent.info.run_id
        rate = float(child.data.params["learning_rate"])
        assert child.data.metrics["val_loss"] == pytest.approx(losses[rate], abs=1e-4)
        curve = mlflow.MlflowClient().get_metric_history(child.info.run_id, "training/loss")
        assert [point.step for point in curve] == [1, 2]
    assert {run.info.status for run in (parent, *children)} == {"FINISHED"}


def test_a_combination_logs_each_step_of_a_curve_once_and_the_epoch_kept_under_other_names(swept):
    table, _, (_, *children) = swept
    losses = table.set_index("learning_rate")["val_loss"]
    for child in children:
        rate = float(child.data.params["learning_rate"])
        assert child.data.metrics["kept_val_loss"] == pytest.approx(losses[rate], abs=1e-4)
        for name in child.data.metrics:
            curve = mlflow.MlflowClient().get_metric_history(child.info.run_id, name)
            assert len({point.step for point in curve}) == len(curve), name


def test_an_interrupted_sweep_leaves_no_run_open_and_keeps_the_table_of_before(store, swept):
    class Interrupt(logging.Handler):
        def emit(self, record):
            if record.getMessage().startswith("1 of 2"):
                signal.raise_signal(signal.SIGINT)

    handler, known = Interrupt(), runs()
    # What a shell starts in the background is born deaf to it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    sweep.logger.addHandler(handler)
    sweep.logger.setLevel(logging.INFO)
    try:
        assert main(["sweep", "finetune.dropout=0,0.2", "--validation-rows", "4"]) == 130
    finally:
        sweep.logger.removeHandler(handler)
        signal.signal(signal.SIGINT, before)
    statuses = [run.info.status for run in new_runs(known)]
    assert statuses == ["FAILED", "FAILED"]
    assert mlflow.active_run() is None
    assert pd.read_csv(store / sweep.TABLE).equals(swept[0])


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        (["finetune.poolin=mean"], "one of finetune.epochs, .*; got finetune.poolin=mean"),
        (["finetune.seeds=2"], "finetune.bfloat16; got finetune.seeds=2"),
        (["pooling=mean"], "got pooling=mean"),
        (["evaluate.seed=1"], "got evaluate.seed=1"),
        (["finetune.seed=1", "finetune.seed=2"], "finetune.seed is given twice"),
        (["finetune.epochs=1,1.5"], "finetune.epochs must be a whole number, 1 or more; got 1.5"),
        (["finetune.dropout=high"], "must be a number, 0 or more and below 1; got 'high'"),
        (["finetune.bfloat16=1"], "finetune.bfloat16 must be true or false; got 1"),
        (["finetune.epochs"], "finetune.epochs must be a whole number, 1 or more; got nothing"),
        (["finetune.pooling=mean,max"], "must be one of mean, pooled; got 'max'"),
        (["finetune.dropout=0.1,1"], "must be a number, 0 or more and below 1; got 1"),
        (["finetune.learning_rate=.nan"], "must be a number, above 0 and below 1; got nan"),
        (["finetune.seed=[", "--rows", "1"], "finetune.seed is not valid YAML"),
        (["finetune.seed=7", "--rows", "-1"], r"--rows must be 0 \(all\) or more; got -1"),
        (["finetune.seed=7", "--validation-rows", "1"], "--validation-rows gives 1 of 12 rows"),
    ],
)
def test_what_cannot_be_tried_is_refused_before_anything_is_trained(
    store, swept, caplog, values, complaint
):
    known = runs()
    with caplog.at_level(logging.ERROR):
        assert main(["sweep", *values]) == 2
    assert re.search(complaint, caplog.text)
    assert new_runs(known) == []


def test_values_are_read_as_params_yaml_reads_them_each_once():
    grid = sweep.grid(
        ["finetune.learning_rate=3e-5,0.00003,1e-4", "finetune.bfloat16=true,false"],
        params.parse(VALUES),
    )
    assert grid == {"learning_rate": [3e-5, 1e-4], "bfloat16": [True, False]}


def test_sets_that_were_not_made_yet_are_named_with_what_makes_them(project, caplog):
    (project / "params.yaml").write_text(PARAMS)
    with caplog.at_level(logging.ERROR):
        assert main(["sweep", "finetune.seed=1,2"]) == 2
    assert "holds no train.parquet; run `dvc repro fetch encoder`" in caplog.text

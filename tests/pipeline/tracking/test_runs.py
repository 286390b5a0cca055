"""Runs in a real MLflow store: what every run carries, and which model is champion."""

import shutil
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from customer_profiles.pipeline.tracking import runs, server
from customer_profiles.sentiment.model import classifier, encoder
from customer_profiles.sentiment.model.scorer import Scorer

ROOT = Path(__file__).parents[3]
LOADER = ROOT / "src/customer_profiles/sentiment/model/mlflow_model.py"
# What somebody finds who opens the store where it has been moved to.
REOPEN = """\
import mlflow
import numpy as np
import pandas as pd
from customer_profiles.pipeline.tracking import runs

mlflow.set_tracking_uri(runs.uri())
mlflow.set_registry_uri(runs.uri())
model = mlflow.pyfunc.load_model("models:/sentiment-quick@champion")
print(round(float(model.predict(pd.DataFrame({"text": ["good"]}))["polarity"][0]), 2))
(one, *_) = mlflow.search_runs(experiment_names=["moved"], output_format="list")
print(mlflow.artifacts.list_artifacts(run_id=one.info.run_id, artifact_path="figures")[0].path)
"""


def only_run(experiment: str) -> mlflow.entities.Run:
    (run,) = mlflow.search_runs(experiment_names=[experiment], output_format="list")
    return run


def test_a_run_carries_name_commit_stage_and_experiment(store):
    with runs.run("carries", "finetune-10", "ten posts", {"seen": "yes"}):
        runs.log_params({"epochs": 2})
    run = only_run("carries")
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=store, capture_output=True, text=True, check=True
    ).stdout.strip()
    assert run.info.run_name == "quick-finetune-10-warm-koala"
    assert run.info.status == "FINISHED"
    assert run.data.params == {"epochs": "2"}
    expected = {
        "git.commit": commit,
        "dvc.stage": "finetune",
        "dvc.experiment": "warm-koala",
        "git.changed": "false",
        "profile": "quick",
        "seen": "yes",
        "mlflow.note.content": "ten posts",
    }
    assert expected.items() <= run.data.tags.items()


def test_curves_are_steps_and_nested_metrics_have_dotted_names(store):
    curves = pd.DataFrame({"epoch": [1, 2], "loss": [0.7, 0.4], "val_loss": [0.6, np.nan]})
    with runs.run("curves", "c", ""):
        runs.log_curves(curves, step="epoch")
        runs.log_metrics({"manual2": {"accuracy": 0.9, "n": 3}, "sizes": [1, 2], "ok": True})
    run = only_run("curves")
    history = mlflow.MlflowClient().get_metric_history(run.info.run_id, "loss")
    assert [(point.step, point.value) for point in history] == [(1, 0.7), (2, 0.4)]
    assert run.data.metrics["val_loss"] == 0.6
    assert run.data.metrics["manual2.accuracy"] == 0.9
    assert not {"sizes", "ok"} & set(run.data.metrics)


def test_a_table_can_be_read_back(store):
    table = pd.DataFrame({"k": [2, 3], "fails": ["seeds", "none: it holds"]})
    with runs.run("tables", "t", ""):
        runs.log_table(table, "agreement")
    logged = mlflow.load_table("tables/agreement.json", run_ids=[only_run("tables").info.run_id])
    pd.testing.assert_frame_equal(logged, table)


def test_points_are_steps_of_curves_of_their_own(store):
    with runs.run("points", "p", ""):
        runs.log_point({"loss": 0.7}, step=10)
        runs.log_point({"loss": 0.5}, step=20)
        runs.log_curves(pd.DataFrame({"epoch": [1], "loss": [0.6]}), step="epoch")
    run = only_run("points")
    history = mlflow.MlflowClient().get_metric_history(run.info.run_id, "training/loss")
    assert [(point.step, point.value) for point in history] == [(10, 0.7), (20, 0.5)]
    assert run.data.metrics["loss"] == 0.6


def test_the_links_lead_to_the_runs_of_each_experiment(store):
    with runs.run("linked", "l", ""):
        pass
    number = mlflow.get_experiment_by_name("linked").experiment_id
    query = "runs?workflowType=machine_learning"
    links = server.links(5001)
    assert links["linked"] == f"http://127.0.0.1:5001/#/experiments/{number}/{query}"
    assert "Default" not in links


def test_a_run_can_be_opened_again(store):
    with runs.run("again", "a", "") as run:
        runs.log_params({"epochs": 2})
    with runs.reopened(run):
        runs.log_metrics({"accuracy": 0.9})
    logged = only_run("again")
    assert logged.data.params == {"epochs": "2"}
    assert logged.data.metrics["accuracy"] == 0.9
    assert logged.info.status == "FINISHED"


def test_code_that_differs_from_the_commit_is_told(store):
    file = store / "params.yaml"
    committed = file.read_text()
    file.write_text(committed + "# another\n")
    with runs.run("changed", "c", ""):
        pass
    file.write_text(committed)
    assert only_run("changed").data.tags["git.changed"] == "true"


def test_processor_and_memory_are_among_the_metrics(store, monkeypatch):
    monkeypatch.setattr(runs, "SAMPLING", 0.1)
    with runs.run("system", "s", "") as run:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and "system/cpu_utilization_percentage" not in (
            mlflow.get_run(run.info.run_id).data.metrics
        ):
            time.sleep(0.2)
    assert {"system/cpu_utilization_percentage", "system/system_memory_usage_megabytes"} <= set(
        only_run("system").data.metrics
    )


def test_a_data_set_leaves_its_digest_and_none_of_its_rows(store):
    secret = "words that nobody else would write"
    rows = pd.DataFrame({"label": [0, 4] * 6000, "text": [secret, secret + " twice"] * 6000})
    digests = []
    for last in ("one", "other"):  # far behind what MLflow's own digest looks at
        rows.loc[len(rows) - 1, "text"] = last
        rows.to_parquet(store / "train.parquet")
        with runs.run("digest", last, ""):
            digests.append(runs.log_dataset(store / "train.parquet", "training"))
            runs.log_figures({"empty": Figure()})
    (store / "train.parquet").unlink()
    logged = mlflow.search_runs(experiment_names=["digest"], output_format="list")
    (used,) = logged[0].inputs.dataset_inputs
    assert used.dataset.name == "train"
    assert len(set(digests)) == 2
    assert used.dataset.digest == logged[0].data.tags["digest.train"] == digests[1]
    written = b"".join(path.read_bytes() for path in store.rglob("*") if path.is_file())
    assert digests[1].encode() in written
    assert secret.encode() not in written


def test_artifacts_and_database_lie_in_the_projects_mlruns(store):
    with runs.run("place", "p", ""):
        runs.log_file(store / "params.yaml")
    assert (store / "mlruns" / "mlflow.db").is_file()
    (artifact,) = (store / "mlruns" / "artifacts").rglob("params.yaml")
    names = {".git", "dvc.yaml", "mlruns", "params.yaml"}
    assert {path.name for path in store.iterdir()} == names
    assert artifact.read_text() == (store / "params.yaml").read_text()


def test_a_run_whose_block_raises_is_failed_and_closed(store):
    def fail():
        with runs.run("fails", "f", ""):
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert only_run("fails").info.status == "FAILED"
    assert mlflow.active_run() is None


def test_an_experiment_in_a_throw_away_copy_writes_to_the_main_store(store, tmp_path, monkeypatch):
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy(store / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_ROOT", str(store))
    with runs.run("copy", "c", ""):
        pass
    assert only_run("copy").info.status == "FINISHED"
    assert not (tmp_path / "mlruns").exists()


@pytest.fixture(scope="module")
def models(store, tiny_encoder):
    """Two saved models that call every post positive, or every post negative, and none neutral."""
    folders = {}
    for name, bias in (("positive", 9.0), ("negative", -9.0)):
        preprocess, bert = encoder.load(*tiny_encoder)
        model = classifier.build(bert, 0.0, "mean", seed=1)
        model.get_layer("classifier").bias.assign([bias, 9.0])
        folders[name] = store / "mlruns" / name
        classifier.save(folders[name], preprocess, bert, model, "mean")
    return folders


@cache
def scorer(folder):
    return Scorer(folder)


def register(folder, positives, negatives, digest):
    """Register the model, judged on so many posts of each label; whether it became champion."""
    posts = ["good"] * positives + ["bad"] * negatives
    ratings = scorer(folder).read(posts).assign(text=posts)
    judged = ratings.assign(label=[4] * positives + [0] * negatives)
    with runs.run("registry", "r", ""):
        return runs.register_model(LOADER, folder, ratings.head(2), judged, digest)


def champion():
    name = runs.registered_name()
    return int(mlflow.MlflowClient().get_model_version_by_alias(name, runs.ALIAS).version)


@pytest.mark.long
def test_the_champion_changes_only_for_a_model_as_good_on_the_same_validation_rows(models):
    assert register(models["positive"], 3, 2, "rows one") is True
    assert register(models["negative"], 3, 2, "rows one") is False
    assert champion() == 1
    assert register(models["positive"], 3, 2, "rows one") is True
    assert champion() == 3
    # On other rows the champion is judged anew: three of five before count for nothing here.
    assert register(models["negative"], 2, 3, "rows two") is True
    assert champion() == 4
    assert register(models["negative"], 1, 2, "rows of a third") is True  # as good, not better
    assert champion() == 5
    assert register(models["positive"], 1, 4, "rows three") is False
    assert champion() == 5


@pytest.mark.long
def test_the_registered_model_takes_text_and_gives_ratings(models):
    register(models["positive"], 2, 0, "rows four")
    name = runs.registered_name()
    assert name == "sentiment-quick"
    loaded = mlflow.pyfunc.load_model(f"models:/{name}@{runs.ALIAS}")
    posts = ["good", "bad"]
    answers = loaded.predict(pd.DataFrame({"text": posts}))
    expected = scorer(models["positive"]).read(posts)
    pd.testing.assert_frame_equal(answers, expected, atol=1e-6)
    assert loaded.metadata.signature.inputs.input_names() == ["text"]
    assert loaded.metadata.saved_input_example_info is not None
    assert not list(Path("mlruns").rglob("*.pkl"))


@pytest.mark.long
def test_a_store_that_was_moved_keeps_models_and_files(models, store, tmp_path):
    register(models["positive"], 2, 0, "rows five")
    with runs.run("moved", "figures", ""):
        runs.log_figures({"empty": Figure()})
    moved = tmp_path / "elsewhere"
    shutil.copytree(store, moved, ignore=shutil.ignore_patterns(".git"))
    shutil.move(store / "mlruns", store / "away")
    try:
        finished = subprocess.run(
            [sys.executable, "-c", REOPEN], cwd=moved, capture_output=True, text=True, check=False
        )
    finally:
        shutil.move(store / "away", store / "mlruns")
    assert finished.returncode == 0, finished.stderr[-2000:]
    assert finished.stdout.split() == ["1.0", "figures/empty.png"]
    database = (moved / "mlruns" / "mlflow.db").read_bytes()
    # MLflow's own experiment "Default", which is deleted at once, is the only one to say.
    assert database.count(str(store).encode()) <= 1
    files = [path for path in (moved / "mlruns" / "artifacts").rglob("*") if path.is_file()]
    assert "MLmodel" in {path.name for path in files}
    assert [path.name for path in files if str(store).encode() in path.read_bytes()] == []


@pytest.mark.long
def test_a_champion_whose_code_names_modules_of_before_counts_as_none(models, store, caplog):
    register(models["positive"], 2, 0, "rows six")
    before = champion()
    code = [path for path in store.rglob("mlflow_model.py") if "artifacts" in path.parts]
    assert code
    for file in code:  # as it was logged when the package was one flat folder
        old = file.read_text().replace("customer_profiles.sentiment.model.scorer", "scoring")
        file.write_text(old)
    assert register(models["negative"], 9, 1, "rows seven") is True  # worse, had it been compared
    assert champion() == before + 1
    (line,) = [line for line in caplog.messages if "cannot be loaded" in line]
    assert f"sentiment-quick, version {before}, cannot be loaded" in line


def test_an_experiment_of_mlflows_own_is_not_shown(store):
    assert "Default" not in {experiment.name for experiment in mlflow.search_experiments()}

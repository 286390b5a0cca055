"""Runs in a real MLflow store: what every run carries, and which model is champion."""

import subprocess

import mlflow
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from customer_profiles import encoder, sentiment, tracking


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A project of its own, with Git, and its MLflow store: migrating one takes seconds."""
    root = tmp_path_factory.mktemp("project")
    (root / "dvc.yaml").touch()
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@localhost"]
    subprocess.run([*git, "init", "--quiet"], cwd=root, check=True)
    subprocess.run(
        [*git, "commit", "--quiet", "--allow-empty", "-m", "first"], cwd=root, check=True
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.delenv("DVC_ROOT", raising=False)
        patch.setenv("DVC_STAGE", "finetune")
        patch.setenv("DVC_EXP_NAME", "warm-koala")
        yield root


def only_run(experiment: str) -> mlflow.entities.Run:
    (run,) = mlflow.search_runs(experiment_names=[experiment], output_format="list")
    return run


def test_a_run_carries_name_commit_stage_and_experiment(store):
    with tracking.run("carries", "finetune-10", "ten posts", {"profile": "quick"}):
        tracking.log_params({"epochs": 2})
    run = only_run("carries")
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=store, capture_output=True, text=True, check=True
    ).stdout.strip()
    assert run.info.run_name == "finetune-10"
    assert run.info.status == "FINISHED"
    assert run.data.params == {"epochs": "2"}
    expected = {
        "git.commit": commit,
        "dvc.stage": "finetune",
        "dvc.experiment": "warm-koala",
        "profile": "quick",
        "mlflow.note.content": "ten posts",
    }
    assert expected.items() <= run.data.tags.items()


def test_curves_are_steps_and_nested_metrics_have_dotted_names(store):
    curves = pd.DataFrame({"epoch": [1, 2], "loss": [0.7, 0.4], "val_loss": [0.6, np.nan]})
    with tracking.run("curves", "c", ""):
        tracking.log_curves(curves, step="epoch")
        tracking.log_metrics({"manual2": {"accuracy": 0.9, "n": 3}, "sizes": [1, 2], "ok": True})
    run = only_run("curves")
    history = mlflow.MlflowClient().get_metric_history(run.info.run_id, "loss")
    assert [(point.step, point.value) for point in history] == [(1, 0.7), (2, 0.4)]
    assert run.data.metrics["val_loss"] == 0.6
    assert run.data.metrics["manual2.accuracy"] == 0.9
    assert not {"sizes", "ok"} & set(run.data.metrics)


def test_a_data_set_leaves_its_digest_and_none_of_its_rows(store):
    secret = "words that nobody else would write"
    rows = pd.DataFrame({"label": [0, 4], "text": [secret, secret + " twice"]})
    with tracking.run("digest", "d", ""):
        tracking.log_dataset(rows, "train", "training")
        tracking.log_figure(Figure(), "empty")
    (used,) = only_run("digest").inputs.dataset_inputs
    assert used.dataset.name == "train"
    assert len(used.dataset.digest) >= 8
    written = b"".join(path.read_bytes() for path in store.rglob("*") if path.is_file())
    assert b"digest" in written
    assert secret.encode() not in written


def test_artifacts_and_database_lie_in_the_projects_mlruns(store):
    with tracking.run("place", "p", ""):
        tracking.log_dict({"a": 1}, "a.json")
    assert (store / "mlruns" / "mlflow.db").is_file()
    (artifact,) = (store / "mlruns" / "artifacts").rglob("a.json")
    assert {path.name for path in store.iterdir()} == {".git", "dvc.yaml", "mlruns"}
    assert artifact.read_text().replace(" ", "").replace("\n", "") == '{"a":1}'


def test_a_run_whose_block_raises_is_failed_and_closed(store):
    def fail():
        with tracking.run("fails", "f", ""):
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert only_run("fails").info.status == "FAILED"
    assert mlflow.active_run() is None


def test_an_experiment_in_a_throw_away_copy_writes_to_the_main_store(store, tmp_path, monkeypatch):
    (tmp_path / "dvc.yaml").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_ROOT", str(store))
    with tracking.run("copy", "c", ""):
        pass
    assert only_run("copy").info.status == "FINISHED"
    assert not (tmp_path / "mlruns").exists()


def test_the_champion_changes_only_for_a_model_as_good_on_validation(store, tiny_encoder):
    preprocess, bert = encoder.load(*tiny_encoder)
    model = sentiment.build(bert, 0.0, "mean", seed=1)
    folder = store / "mlruns" / "sentiment"
    sentiment.save(folder, preprocess, bert, model, "mean", (0.4, 0.6))
    posts = ["good", "bad"]
    polarity = sentiment.Scorer(folder).polarity(posts)
    became = []
    for accuracy in (0.80, 0.79, 0.81):
        with tracking.run("registry", "r", ""):
            became.append(tracking.register_model(folder, posts, polarity, accuracy))
    assert became == [True, False, True]
    champion = mlflow.MlflowClient().get_model_version_by_alias(tracking.MODEL, tracking.ALIAS)
    assert int(champion.version) == 3
    loaded = mlflow.pyfunc.load_model(f"models:/{tracking.MODEL}@{tracking.ALIAS}")
    answers = loaded.predict(pd.DataFrame({"text": posts}))
    np.testing.assert_allclose(answers["polarity"], polarity, atol=1e-6)
    assert loaded.metadata.signature.inputs.input_names() == ["text"]
    assert loaded.metadata.saved_input_example_info is not None
    assert not list((store / "mlruns").rglob("*.pkl"))

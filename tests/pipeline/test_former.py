"""Former figures about people in DVC's cache and in MLflow, and their removal."""

import subprocess
import sys
from pathlib import Path

import mlflow
import pytest
from matplotlib.figure import Figure
from mlflow.entities import ViewType

from customer_profiles.pipeline import former
from customer_profiles.pipeline.tracking import runs

PIPELINE = """\
stages:
  publish:
    cmd: sh write.sh publish
    deps: [write.sh]
    outs: [publish.txt]
  fetch:
    cmd: sh write.sh fetch
    deps: [write.sh]
    outs: [fetch.txt]
"""


def call(*command):
    subprocess.run(command, check=True, capture_output=True)


def cached():
    """Texts in DVC's cache."""
    return {path.read_text() for path in Path(".dvc/cache/files").rglob("*") if path.is_file()}


@pytest.fixture
def repeated(tmp_path, monkeypatch):
    """A repository in which publish and fetch wrote something twice, committed each time."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    call("git", "init", "--quiet")
    call(sys.executable, "-m", "dvc", "init", "--quiet")
    Path("dvc.yaml").write_text(PIPELINE)
    for time in ("first", "second"):
        Path("write.sh").write_text(f"printf '{time} of %s' $1 > $1.txt\n")
        call(sys.executable, "-m", "dvc", "repro", "--force")
        call("git", "add", "--all")
        by = ("-c", "user.name=test", "-c", "user.email=test@localhost")
        call("git", *by, "commit", "--quiet", "-m", time)
    return tmp_path


@pytest.mark.long
def test_what_publish_wrote_in_any_run_leaves_the_cache_and_what_fetch_wrote_stays(
    repeated, caplog
):
    caplog.set_level("INFO")
    assert cached() == {f"{time} of {stage}" for time in ("first", "second")
                        for stage in ("publish", "fetch")}  # fmt: skip
    former.clean()
    assert cached() == {"first of fetch", "second of fetch"}
    kept = [path.read_text() for path in Path(".dvc/cache/runs").rglob("*") if path.is_file()]
    assert kept
    assert not [text for text in kept if "publish" in text]
    assert Path("publish.txt").read_text() == "second of publish"
    assert "2 commits in Git, which may hold former figures" in caplog.text
    former.clean()
    assert cached() == {"first of fetch", "second of fetch"}


@pytest.mark.long
def test_runs_about_people_leave_mlflow_for_good_and_others_stay(store):
    secret = "a figure that nobody else would log"
    for experiment in (former.EXPERIMENT, "kept"):
        with runs.run(experiment, "one", secret if experiment == former.EXPERIMENT else ""):
            runs.log_figures({"empty": Figure()})
    assert runs.clear(former.EXPERIMENT) == 1
    left = {
        name: len(mlflow.search_runs(experiment_names=[name], run_view_type=ViewType.ALL))
        for name in (former.EXPERIMENT, "kept")
    }
    assert left == {former.EXPERIMENT: 0, "kept": 1}
    assert len(list((store / "mlruns").rglob("empty.png"))) == 1
    written = b"".join(path.read_bytes() for path in store.rglob("*") if path.is_file())
    assert secret.encode() not in written
    assert runs.clear(former.EXPERIMENT) == 0

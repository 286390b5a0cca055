"""The pipeline under DVC, in copies of this project: what runs, what does not, what is kept."""

import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat import v4

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
STAGES = ["fetch", "encoder", "finetune", "evaluate", "pull", "score", "load", "cluster", "publish"]
EDGES = """\
fetch -> finetune, fetch -> evaluate, encoder -> finetune, finetune -> evaluate, finetune -> score,
pull -> score, pull -> load, pull -> cluster, pull -> publish, score -> load, score -> publish,
load -> cluster, load -> publish, cluster -> publish"""
LIGHT = ("fetch", "pull")  # neither TensorFlow nor a database
FETCH = "notebooks/01_fetch_sentiment140.ipynb"
SCORE = "notebooks/06_score_tweets.ipynb"
# The last cell of fetch in these copies: everything is written but the executed copy.
HOLD = """\
import os

if "HOLD" in os.environ:
    held = open(os.environ["READY"], "w", buffering=1)
    held.write(str(os.getpid()))
    open(os.environ["HOLD"]).read()
"""
PSEUDONYM = "0123456789abcdef" * 2
# In place of the real notebook, which needs the trained model.
OBSERVE = f"""\
import pandas as pd

from customer_profiles import outputs, paths

rows = pd.DataFrame({{"_id": ["{PSEUDONYM}"], "polarity": [20]}})
outputs.write_parquet(paths.inside("data/processed/observations.parquet"), rows)
outputs.write_json(paths.inside("data/reports/score.json"), {{"posts": len(rows)}})
"""


@pytest.fixture(scope="module")
def outside(tmp_path_factory):
    """Environment in which DVC and Git know nothing but the copy they stand in."""
    folder = tmp_path_factory.mktemp("dvc")
    ours = ("DVC_", "GIT_", "CUSTOMER_PROFILES_", "MONGODB_")
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(ours)},
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "DVC_GLOBAL_CONFIG_DIR": str(folder / "global"),
        "DVC_SYSTEM_CONFIG_DIR": str(folder / "system"),
        "DVC_SITE_CACHE_DIR": str(folder / "site"),
        "DVC_NO_ANALYTICS": "1",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        **{f"GIT_{who}_NAME": "somebody" for who in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{who}_EMAIL": "somebody@localhost" for who in ("AUTHOR", "COMMITTER")},
    }


class Project:
    """A copy of the project; its commands import the package from that copy."""

    def __init__(self, root, environment):
        self.root = root
        self.environment = {**environment, "PYTHONPATH": str(root / "src")}

    def call(self, *command, code=0):
        """What `command` prints."""
        ended = subprocess.run(
            command,
            cwd=self.root, env=self.environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert ended.returncode == code, ended.stdout + ended.stderr
        return ended.stdout

    def repro(self, *arguments):
        """Names of the stages that `dvc repro` executed."""
        return re.findall(r"^Running stage '(\w+)'", self.call("dvc", "repro", *arguments), re.M)

    def status(self, *stages):
        return json.loads(self.call("dvc", "status", "--json", *stages))

    def set(self, *values):
        self.call("python", "-m", "customer_profiles.params", *values)

    def rewrite(self, name, old, new):
        text = (self.root / name).read_text(encoding="utf-8")
        assert text.count(old) == 1
        (self.root / name).write_text(text.replace(old, new), encoding="utf-8")

    def commit(self):
        self.call("git", "add", "--all")
        self.call("git", "commit", "--quiet", "--message", "work")

    def files(self):
        """Content of every file, by its path, but for what Git and DVC keep for themselves."""
        hidden = re.compile(r"\.git/|\.dvc/(tmp|cache)/|.*__pycache__/")
        names = {file.relative_to(self.root).as_posix(): file for file in self.root.rglob("*")}
        return {
            name: file.read_bytes()
            for name, file in names.items()
            if file.is_file() and not hidden.match(name)
        }


@pytest.fixture(scope="module")
def fresh(tmp_path_factory, outside):
    """What somebody would get by cloning, not run yet."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=True,
    )  # fmt: skip
    root = tmp_path_factory.mktemp("fresh") / "project"
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, root / name)
    project = Project(root, outside)
    project.call("git", "init", "--quiet")
    project.set("profile=quick")
    return project


@pytest.fixture(scope="module")
def made(fresh, outside):
    """One in which the light stages have run, which takes its time."""
    root = fresh.root.parent / "made"
    shutil.copytree(fresh.root, root)
    notebook = nbformat.read(root / FETCH, as_version=4)
    notebook.cells.append(v4.new_code_cell(HOLD))
    nbformat.write(notebook, root / FETCH)
    project = Project(root, outside)
    project.commit()
    assert sorted(project.repro(*LIGHT)) == sorted(LIGHT)
    return project


@pytest.fixture
def project(made, tmp_path, outside):
    """A copy of it for one test."""
    shutil.copytree(made.root, tmp_path / "project")
    return Project(tmp_path / "project", outside)


def test_the_nine_stages_come_in_the_order_of_the_design(fresh):
    assert fresh.call("dvc", "stage", "list", "--name-only").split() == STAGES


def test_a_stage_depends_on_these_stages_and_none_looks_back(fresh):
    edges = re.findall(r'"(\w+)" -> "(\w+)"', fresh.call("dvc", "dag", "--dot"))
    assert sorted(edges) == sorted(re.findall(r"(\w+) -> (\w+)", EDGES))
    assert [edge for edge in edges if STAGES.index(edge[0]) >= STAGES.index(edge[1])] == []


def test_compiled_modules_are_no_dependency_but_collected_pages_may_be(fresh):
    compiled = "src/customer_profiles/store/__pycache__/server.cpython-311.pyc"
    told = fresh.call("dvc", "check-ignore", compiled, "data/collect/pages/page.json")
    assert told.split() == [compiled]


def test_a_second_run_executes_nothing_and_changes_no_byte(project, made):
    assert project.repro(*LIGHT) == []
    assert project.files() == made.files()


def test_touching_every_file_executes_nothing(project, made):
    for name in made.files():
        os.utime(project.root / name, (1, 1))
    assert project.status(*LIGHT) == {}
    assert project.repro(*LIGHT) == []
    assert project.files() == made.files()


def test_git_sees_of_a_run_only_the_lock_file_and_the_reports(made):
    seen = made.call("git", "status", "--porcelain", "--untracked-files=all").splitlines()
    assert " M dvc.lock" in seen
    assert {line[3:] for line in seen} <= {"dvc.lock", "data/reports/fetch.json"}


def test_another_profile_and_back_gives_the_same_bytes_without_running(
    project, made, tmp_path_factory
):
    posts = tmp_path_factory.mktemp("posts")
    rows = [f'"{n % 2 * 4}","","","","","post number {n}"\n' for n in range(100)]
    (posts / "train.csv").write_text("".join(rows[:80]))
    (posts / "testdata.manual.2009.06.14.csv").write_text("".join(rows[80:]))
    project.rewrite("params.yaml", "rows: 120000", "rows: 60")
    before = project.files()

    project.set("profile=standard", f"fetch.source={posts}")
    assert project.repro(*LIGHT) == ["fetch"]
    report = json.loads((project.root / "data/reports/fetch.json").read_text())
    assert report["sets"]["train"] == {"0": 28, "4": 29}
    assert project.repro(*LIGHT) == []

    project.set("profile=quick", "fetch.source=data/sample/sentiment140")
    assert project.repro(*LIGHT) == []
    assert project.files() == before
    assert before["dvc.lock"] == made.files()["dvc.lock"]


def test_a_changed_number_makes_its_own_stage_stale(project):
    project.rewrite(
        "params.yaml", "  validation_share: 0.2\n  seed: 7", "  validation_share: 0.2\n  seed: 8"
    )
    assert project.status(*LIGHT) == {
        "fetch": [{"changed deps": {"params.yaml": {"fetch": "modified"}}}]
    }


def test_a_stage_that_was_killed_is_not_taken_for_done_and_runs_again(project, made, tmp_path):
    ready, hold = tmp_path / "ready", tmp_path / "hold"
    os.mkfifo(ready)
    os.mkfifo(hold)
    listening = os.open(ready, os.O_RDONLY | os.O_NONBLOCK)
    environment = {**project.environment, "READY": str(ready), "HOLD": str(hold)}
    running = subprocess.Popen(
        ["dvc", "repro", "--force", "fetch"],
        cwd=project.root, env=environment, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        select.select([listening], [], [], 300)
        kernel = int(os.read(listening, 20))
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
    os.kill(kernel, signal.SIGKILL)
    select.select([listening], [], [], 300)  # it held the other end until it was gone
    os.close(listening)

    outs = ("data/processed/sentiment140/train.parquet", "data/reports/fetch.json")
    assert all((project.root / out).read_bytes() == made.files()[out] for out in outs)
    copy = "data/reports/notebooks/01_fetch_sentiment140.ipynb"
    assert project.status("fetch") == {"fetch": [{"changed outs": {copy: "deleted"}}]}
    assert project.repro("--no-run-cache", *LIGHT) == ["fetch"]
    assert project.files() == made.files()


def test_pseudonyms_reach_neither_dvcs_cache_nor_git_nor_an_experiment(project):
    real = nbformat.read(project.root / SCORE, as_version=4)
    stub = v4.new_notebook(metadata=real.metadata, cells=[real.cells[1], v4.new_code_cell(OBSERVE)])
    nbformat.write(stub, project.root / SCORE)
    model = project.root / "data/models/sentiment"
    model.mkdir(parents=True)
    (model / "saved_model.pb").touch()
    project.commit()
    assert project.repro("--single-item", "score") == ["score"]
    project.call("dvc", "exp", "save", "--name", "kept")

    held = (project.root / "data/processed/observations.parquet").read_bytes()
    assert PSEUDONYM.encode() in held
    cached = [file.read_bytes() for file in (project.root / ".dvc/cache").rglob("*.*")]
    print(len(cached))
    print(project.call("git", "for-each-ref"))
    print(project.call("git", "log", "--all", "--stat", "--format=%H %s"))
    assert 0

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
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
STAGES = ["fetch", "encoder", "finetune", "evaluate", "pull", "score", "load", "cluster", "publish"]
EDGES = """\
fetch -> finetune, fetch -> evaluate, encoder -> finetune, finetune -> evaluate, finetune -> score,
pull -> score, pull -> load, pull -> cluster, pull -> publish, score -> load, score -> publish,
load -> cluster, load -> publish, cluster -> publish"""
SAMPLE = ("fetch.source=data/sample/sentiment140", "pull.archive=data/sample/x_archive")
LIGHT = ["fetch", "pull"]  # neither TensorFlow nor a database
NOTEBOOK = "01_fetch_sentiment140.ipynb"
# The last cell of fetch in the copies: all is written by then but the executed copy.
HOLD = """\
import os

if "HOLD" in os.environ:
    held = open(os.environ["READY"], "w")
    print(os.getpid(), file=held, flush=True)
    open(os.environ["HOLD"]).read()
"""
PRIVATE = ("assignments", "observations", "profiles")
PSEUDONYM = b"0123456789abcdef" * 2


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Variables with which DVC and Git know of nothing outside the copy they stand in."""
    folder = tmp_path_factory.mktemp("dvc")
    foreign = ("DVC_", "GIT_", "CUSTOMER_PROFILES_", "MONGODB_")
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(foreign)},
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "DVC_GLOBAL_CONFIG_DIR": str(folder / "global"),
        "DVC_SYSTEM_CONFIG_DIR": str(folder / "system"),
        "DVC_SITE_CACHE_DIR": str(folder / "site"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        **{f"GIT_{who}_NAME": "somebody" for who in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{who}_EMAIL": "somebody@localhost" for who in ("AUTHOR", "COMMITTER")},
    }


class Project:
    """A copy of this project; its commands import the package from the copy."""

    def __init__(self, root, environment):
        self.root = root
        self.environment = {**environment, "PYTHONPATH": str(root / "src")}

    def call(self, *command):
        """What a command prints that succeeds."""
        ended = subprocess.run(
            command, cwd=self.root, env=self.environment, capture_output=True, check=False
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout.decode(errors="replace")

    def repro(self, *arguments):
        """Names of the stages that `dvc repro` executed, sorted."""
        told = self.call("dvc", "repro", *arguments)
        return sorted(re.findall(r"^Running stage '(\w+)'", told, re.MULTILINE))

    def status(self, *stages):
        return json.loads(self.call("dvc", "status", "--json", *stages))

    def set(self, *values):
        self.call("python", "-m", "customer_profiles.choices", *values)

    def rewrite(self, pattern, new):
        """Replace what matches `pattern` in params.yaml, which it must do once."""
        file = self.root / "params.yaml"
        text, times = re.subn(pattern, new, file.read_text(encoding="utf-8"))
        assert times == 1
        file.write_text(text, encoding="utf-8")

    def commit(self):
        self.call("git", "add", "--all")
        self.call("git", "commit", "--quiet", "--message", "work")

    def files(self):
        """Content of every file by its path, without what Git, DVC and Python keep for later."""
        kept = re.compile(r"\.git/|\.dvc/(cache|tmp)/|.*__pycache__/")
        found = contents(self.root)
        return {name: content for name, content in found.items() if not kept.match(name)}


def contents(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


@pytest.fixture(scope="module")
def fresh(tmp_path_factory, environment):
    """What somebody has who cloned the project and ran nothing yet."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=True,
    )  # fmt: skip
    project = Project(tmp_path_factory.mktemp("fresh") / "project", environment)
    for name in listed.stdout.decode().split("\0"):
        if (ROOT / name).is_file():
            (project.root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, project.root / name)
    project.call("git", "init", "--quiet")
    project.set("profile=quick", *SAMPLE)
    return project


@pytest.fixture(scope="module")
def made(fresh, environment):
    """The same when the light stages have run."""
    project = Project(fresh.root.with_name("made"), environment)
    shutil.copytree(fresh.root, project.root)
    notebook = nbformat.read(project.root / "notebooks" / NOTEBOOK, as_version=4)
    notebook.cells.append(v4.new_code_cell(HOLD))
    nbformat.write(notebook, project.root / "notebooks" / NOTEBOOK)
    project.commit()
    assert project.repro(*LIGHT) == LIGHT
    return project


@pytest.fixture
def project(made, tmp_path, environment):
    """A copy of that for one test."""
    shutil.copytree(made.root, tmp_path / "project")
    return Project(tmp_path / "project", environment)


def test_the_nine_stages_come_in_the_order_of_the_design(fresh):
    assert fresh.call("dvc", "stage", "list", "--name-only").split() == STAGES


def test_a_stage_needs_these_stages_and_none_looks_back(fresh):
    edges = re.findall(r'"(\w+)" -> "(\w+)"', fresh.call("dvc", "dag", "--dot"))
    assert sorted(edges) == sorted(re.findall(r"(\w+) -> (\w+)", EDGES))
    assert [edge for edge in edges if STAGES.index(edge[0]) >= STAGES.index(edge[1])] == []


def test_compiled_modules_are_no_dependency_but_collected_pages_may_be_one(fresh):
    compiled = "src/customer_profiles/store/__pycache__/server.cpython-311.pyc"
    told = fresh.call("dvc", "check-ignore", compiled, "data/collect/pages/page.json")
    assert told.split() == [compiled]


def test_git_sees_of_a_run_only_the_lock_file_and_the_report(made):
    seen = made.call("git", "status", "--porcelain", "--untracked-files=all").splitlines()
    assert " M dvc.lock" in seen
    assert {line[3:] for line in seen} <= {"dvc.lock", "data/reports/fetch.json"}


def test_a_second_run_executes_nothing_and_changes_no_byte(project, made):
    assert project.repro(*LIGHT) == []
    assert project.files() == made.files()


def test_touching_every_file_makes_nothing_stale(project, made):
    for name in made.files():
        os.utime(project.root / name, (1, 1))
    assert project.status(*LIGHT) == {}
    assert project.repro(*LIGHT) == []
    assert project.files() == made.files()


def test_a_changed_number_makes_only_its_own_stage_stale(project):
    project.rewrite(r"(fetch:\n(?:  .*\n)*  seed: )7\n", r"\g<1>8\n")
    assert project.status(*LIGHT) == {
        "fetch": [{"changed deps": {"params.yaml": {"fetch": "modified"}}}]
    }


def test_another_profile_runs_what_it_changes_and_the_way_back_runs_nothing(
    project, made, tmp_path_factory
):
    posts = tmp_path_factory.mktemp("posts")
    rows = [f'"{n % 2 * 4}","","","","","post number {n}"\n' for n in range(100)]
    (posts / "train.csv").write_text("".join(rows[:80]))
    (posts / "testdata.manual.2009.06.14.csv").write_text("".join(rows[80:]))
    project.rewrite(r"(standard:\n(?:  .*\n)*?    rows: )\d+\n", r"\g<1>60\n")
    before = project.files()

    project.set("profile=standard", f"fetch.source={posts}")
    assert project.repro(*LIGHT) == ["fetch"]
    sets = json.loads((project.root / "data/reports/fetch.json").read_text())["sets"]
    assert sum(sets["train"].values()) + sum(sets["validation"].values()) == 60
    assert sets["test"] == {"0": 10, "4": 10}
    assert project.repro(*LIGHT) == []

    project.set("profile=quick", *SAMPLE)
    assert project.repro(*LIGHT) == []
    assert project.files() == before
    assert before["dvc.lock"] == made.files()["dvc.lock"]


def test_a_stage_that_was_killed_is_not_taken_for_done_and_runs_again(project, made, tmp_path):
    kill_before_the_end_of_fetch(project, tmp_path)
    copy = f"data/reports/notebooks/{NOTEBOOK}"
    before, left = made.files(), project.files()
    for out in ("data/processed/sentiment140/train.parquet", "data/reports/fetch.json"):
        assert left[out] == before[out]
    assert left["dvc.lock"] == before["dvc.lock"]
    assert project.status("fetch") == {"fetch": [{"changed outs": {copy: "deleted"}}]}

    shutil.rmtree(project.root / ".dvc" / "cache")  # else it would be restored from there
    assert project.repro("fetch") == ["fetch"]
    assert project.files() == before


def kill_before_the_end_of_fetch(project, folder):
    """Run fetch anew and kill, once its last cell is reached, all that takes part."""
    ready, hold = folder / "ready", folder / "hold"
    os.mkfifo(ready)
    os.mkfifo(hold)
    listening = os.open(ready, os.O_RDONLY | os.O_NONBLOCK)
    running = subprocess.Popen(
        ["dvc", "repro", "--force", "fetch"],
        cwd=project.root, env={**project.environment, "READY": str(ready), "HOLD": str(hold)},
        start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        told, _, _ = select.select([listening], [], [], 300)
        assert told, "the last cell of fetch was not reached"
        kernel = int(os.read(listening, 20))
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
    os.kill(kernel, signal.SIGKILL)  # which has a session of its own
    assert select.select([listening], [], [], 300)[0], "the kernel is still there"
    os.close(listening)


def test_pseudonyms_get_neither_into_the_cache_nor_into_an_experiment(project):
    stages = YAML(typ="safe").load(project.root / "dvc.yaml")["stages"].values()
    kinds = [stage.get(kind, []) for stage in stages for kind in ("outs", "metrics", "plots")]
    for out in (out for outs in kinds for out in outs):
        path = project.root / (next(iter(out)) if isinstance(out, dict) else out)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(PSEUDONYM if path.stem in PRIVATE else b"about nobody")
    project.commit()
    project.call("dvc", "exp", "save", "--name", "saved")
    assert "/saved\n" in project.call("git", "for-each-ref", "refs/exps")

    cached = list(contents(project.root / ".dvc" / "cache").values())
    assert b"about nobody" in cached
    assert [content for content in cached if PSEUDONYM in content] == []
    objects = project.call("git", "cat-file", "--batch-all-objects", "--batch")
    assert "data/processed/observations.parquet" in objects  # in the lock file
    assert PSEUDONYM.decode() not in objects

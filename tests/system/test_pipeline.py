"""The pipeline under DVC, in copies of this project: what runs, what does not, what is kept."""

import json
import os
import re
import selectors
import shutil
import signal
import subprocess

import nbformat
import pytest
from nbformat import v4
from ruamel.yaml import YAML

pytestmark = pytest.mark.long

STAGES = ["fetch", "encoder", "finetune", "evaluate", "pull", "score", "load", "cluster", "publish"]
LIGHT = ["fetch", "pull"]  # neither TensorFlow nor a database
NOTEBOOK = "01_fetch_sentiment140.ipynb"
# The last cell of fetch in the copies: all is written by then but the executed copy.
HOLD = """\
import os

if "HOLD" in os.environ:
    file = open(os.environ["READY"], "w")
    print(os.getpid(), file=file, flush=True)
    open(os.environ["HOLD"]).read()
"""
PRIVATE = ("assignments", "observations", "profiles")
PSEUDONYM = b"0123456789abcdef" * 2


@pytest.fixture(scope="module")
def made(fresh, tmp_path_factory):
    """The same when the light stages have run."""
    project = fresh.copy(tmp_path_factory.mktemp("made") / "project")
    notebook = nbformat.read(project.root / "notebooks" / NOTEBOOK, as_version=4)
    notebook.cells.append(v4.new_code_cell(HOLD))
    nbformat.write(notebook, project.root / "notebooks" / NOTEBOOK)
    project.commit()
    assert project.repro(*LIGHT) == LIGHT
    return project


@pytest.fixture
def project(made, tmp_path):
    """A copy of that for one test."""
    return made.copy(tmp_path / "project")


def test_the_nine_stages_come_in_the_order_of_the_design(fresh):
    assert fresh.call("dvc", "stage", "list", "--name-only").split() == STAGES


def test_a_stage_needs_the_stages_that_the_readme_draws(fresh):
    readme = (fresh.root / "README.md").read_text(encoding="utf-8")
    drawn = re.findall(r"^ +(\w+) --> (.*)", readme, re.MULTILINE)
    dag = fresh.call("dvc", "dag", "--mermaid")
    stages = dict(re.findall(r'(node\d+)\["(\w+)"\]', dag))
    edges = {(stages[one], stages[two]) for one, two in re.findall(r"(node\d+)-->(node\d+)", dag)}
    assert {(one, two) for one, others in drawn for two in others.split(" & ")} == edges
    assert [edge for edge in edges if STAGES.index(edge[0]) >= STAGES.index(edge[1])] == []


def test_compiled_modules_are_no_dependency_but_collected_pages_may_be_one(fresh):
    compiled = "src/customer_profiles/store/__pycache__/connection.cpython-311.pyc"
    finished = fresh.call("dvc", "check-ignore", compiled, "data/collect/pages/page.json")
    assert finished.split() == [compiled]


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


def test_a_colour_of_the_segments_or_a_rating_of_posts_retrains_nothing(project):
    def change(module):
        with (project.root / "src/customer_profiles" / module).open("a") as file:
            file.write("# another colour\n")

    before = project.status("finetune")
    for module in (
        "segments/figures.py", "publication/figures.py", "posts/figures.py",
        "sentiment/rating/rate.py", "sentiment/evaluation/figures.py", "store/loading.py",
        "pipeline/results.py", "privacy/attacks.py", "collect/budget.py", "commands/app.py",
    ):  # fmt: skip
        change(module)
    assert project.status("finetune") == before
    shutil.rmtree(project.root / "src/customer_profiles/sentiment/training")
    assert "'src/customer_profiles/sentiment/training': 'deleted'" in str(
        project.status("finetune")
    )


def test_another_profile_runs_what_it_changes_and_the_way_back_runs_nothing(
    project, made, tmp_path_factory
):
    posts = tmp_path_factory.mktemp("posts")
    rows = [f'"{n % 2 * 4}","","","","","post number {n}"\n' for n in range(100)]
    (posts / "train.csv").write_text("".join(rows[:80]))
    (posts / "testdata.manual.2009.06.14.csv").write_text("".join(rows[80:]))
    project.rewrite(r"(standard:\n(?:  .*\n)*?    rows: )\d+\n", r"\g<1>60\n")
    before = project.files()

    people = tmp_path_factory.mktemp("people")
    for name in ("train.csv", "validation.csv"):
        shutil.copyfile(project.root / "data/sample/labelled" / name, people / name)

    project.set("profile=standard", f"fetch.source={posts}", f"fetch.labelled={people}")
    assert project.repro(*LIGHT) == ["fetch"]
    sets = json.loads((project.root / "data/reports/fetch.json").read_text())["sets"]
    assert sum(sets["train"].values()) + sum(sets["validation"].values()) == 60
    assert sets["test"] == {"0": 10, "4": 10}
    assert project.repro(*LIGHT) == []

    project.reset()
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


@pytest.mark.parametrize("ending", ["bad pages", "Ctrl-C"])
def test_a_run_that_fails_with_another_archive_leaves_the_former_in_use(
    project, tmp_path_factory, ending
):
    raw = project.root / "data/raw"
    shutil.copyfile(raw / "manifest.json", raw / "loaded.json")  # as `load` does
    (raw / "reports.json").write_text('{"archive": "data/sample/x_archive"}')  # as `publish` does
    briefs = project.root / "data/reports/briefs.md"
    briefs.write_text("## Quiet fans\n")
    pages = tmp_path_factory.mktemp("pages")
    (pages / "1.jsonl").write_text('{"data": [{"id": "7"}]}\n')  # begins like an archive
    project.set(f"pull.archive={pages}")
    running = subprocess.Popen(
        ["dvc", "repro", "pull"],
        cwd=project.root, env=project.environment, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    if ending == "Ctrl-C":
        for line in running.stdout:
            if line.startswith("> customer-profiles run pull"):
                os.killpg(running.pid, signal.SIGINT)
                break
    running.communicate()
    assert running.returncode != 0
    assert not (raw / "manifest.json").exists()
    text = briefs.read_text(encoding="utf-8")
    assert "Quiet fans" not in text
    # Ctrl-C may come before the program can write why; by then the notice stands.
    assert "none of 1 posts can be used" in text or (ending == "Ctrl-C" and "this archive" in text)
    project.call("customer-profiles", "store", "export", "observations", "observations.csv")
    project.call("customer-profiles", "purge", "author", "1", "--dry-run")


def readable(descriptor, seconds=300):
    """Whether there is something to read, or the end, within so many seconds."""
    with selectors.DefaultSelector() as selector:
        selector.register(descriptor, selectors.EVENT_READ)
        return bool(selector.select(seconds))


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
        assert readable(listening), "the last cell of fetch was not reached"
        kernel = int(os.read(listening, 20))
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
    os.kill(kernel, signal.SIGKILL)  # which has a session of its own
    assert readable(listening), "the kernel is still there"
    os.close(listening)


def test_pseudonyms_get_neither_into_the_cache_nor_into_an_experiment(project):
    stages = YAML(typ="safe").load(project.root / "dvc.yaml")["stages"].values()
    kinds = [stage.get(kind, []) for stage in stages for kind in ("outs", "metrics", "plots")]
    for out in (out for outs in kinds for out in outs):
        path = project.root / (next(iter(out)) if isinstance(out, dict) else out)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            private = path.suffix == ".parquet" and path.stem in PRIVATE
            path.write_bytes(PSEUDONYM if private else b"about nobody")
    project.commit()
    project.call("dvc", "exp", "save", "--name", "saved")
    assert "/saved\n" in project.call("git", "for-each-ref", "refs/exps")

    cache = project.root / ".dvc" / "cache"
    cached = [path.read_bytes() for path in cache.rglob("*") if path.is_file()]
    assert b"about nobody" in cached
    assert [content for content in cached if PSEUDONYM in content] == []
    objects = project.call("git", "cat-file", "--batch-all-objects", "--batch")
    assert "data/processed/observations.parquet" in objects  # in the lock file
    assert PSEUDONYM.decode() not in objects

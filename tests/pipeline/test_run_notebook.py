"""A stage's notebook gets its values from params.yaml and leaves a copy that is always the same."""

import json
import os
import pty
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from nbformat import v4

from customer_profiles.commands.app import main
from customer_profiles.project import files, params
from customer_profiles.publication import standing
from tests.program import PROGRAM

NAME = "09_prints_and_divides.ipynb"
EXECUTED = Path("data/reports/notebooks")
REPORT = "data/reports/privacy.json"
PARAMETERS = """\
tiers = {
    "listed": [1],
}
max_suppressed = 0.5
drift = 1
seed = 1
expire_days = 1
as_of = ""
flags = {}
"""
LOOK = (
    "print([tiers, max_suppressed, drift, seed, expire_days, as_of,"
    " flags], 'k_anonymity' in globals())"
)
# Whether the pieces come at once or one by one is chance; here the environment says it.
TALK = """\
import logging, os, sys
logging.getLogger("tornado.general").error("a socket is closed")
print("first line", flush="FLUSH" in os.environ)
print("a warning", file=sys.stderr, flush="FLUSH" in os.environ)
print("second line", flush="FLUSH" in os.environ)
"""
COUNT = """\
import sys, warnings
from tqdm import tqdm
for _ in tqdm(range(300), desc="counting"):
    pass
print("counted")
print("a warning", file=sys.stderr)
6 / expire_days
"""
QUIET = {"TQDM_DISABLE": "1"}
SHARED = {
    "k_anonymity": 10, "expire_days": 2, "as_of": "2026-06-30",
    "flags": {"authors": 1, "days": 1, "jaccard": 2e-5, "length": 1, "burst": 1, "links": 1},
}  # fmt: skip
PUBLISH = {"tiers": {"followers": [2, 4]}, "max_suppressed": 0.1, "drift": 0.1, "seed": 1}
OWN = params.read(Path(__file__).parents[2] / "params.yaml")
VALUES = OWN | {
    "profile": "quick", "shared": SHARED, "pull": OWN["pull"] | {"archive": "it's a \"folder\""},
    "publish": PUBLISH, "quick": {"publish": {"max_suppressed": 0.25}},
}  # fmt: skip
PARAMS = json.dumps(VALUES)
ENDLESS = PARAMS.replace('"expire_days": 2', '"expire_days": 0')


@dataclass
class Ran:
    """How a run ended, what it showed, and the executed copies that lay there afterwards."""

    code: int
    stdout: str
    stderr: str
    copies: dict[str, bytes]


def write_notebook(root, name, *cells):
    """A notebook of code cells, the first tagged `parameters`."""
    notebook = v4.new_notebook(cells=[v4.new_code_cell(cell) for cell in cells])
    notebook.cells[0].metadata.tags = ["parameters"]
    notebook.metadata.kernelspec = {
        "name": "python3", "language": "python", "display_name": "Python 3"
    }  # fmt: skip
    (root / "notebooks").mkdir(exist_ok=True)
    nbformat.write(notebook, root / "notebooks" / name)


def run(root, stage, *options, within="", **environment):
    inherited = {name: value for name, value in os.environ.items() if "TQDM" not in name}
    done = subprocess.run(
        [PROGRAM, "run", stage, *options],
        cwd=root / within, env={**inherited, **environment},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    copies = {file.name: file.read_bytes() for file in sorted((root / EXECUTED).glob("*"))}
    return Ran(done.returncode, done.stdout, done.stderr, copies)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Three runs of one notebook, each of which takes seconds: good, failing, good again."""
    root = tmp_path_factory.mktemp("project")
    (root / "dvc.yaml").touch()
    file = root / "params.yaml"
    write_notebook(root, NAME, PARAMETERS, LOOK, TALK, "6 / expire_days", "print('the end')")
    file.write_text(PARAMS)
    files.write_json(root / REPORT, {"published": {"k_min": 1500}})
    good = run(root, "publish")
    file.write_text(ENDLESS)
    failing = run(root, "publish", within="notebooks")
    file.write_text(PARAMS)
    again = run(root, "publish", FLUSH="1")
    return good, failing, again


@pytest.fixture
def stage(project):
    """A project whose stage publish would run."""
    write_notebook(project, NAME, PARAMETERS, LOOK)
    (project / "params.yaml").write_text(PARAMS)
    return project


def refused(caplog, *arguments):
    """What a run that ended before anything was executed says."""
    assert main(["run", *arguments]) == 2
    assert not Path("data").exists()
    return caplog.text


def test_values_keep_their_types_on_the_way_from_the_file_into_the_notebook(runs):
    flags = "{'authors': 1, 'days': 1, 'jaccard': 2e-05, 'length': 1, 'burst': 1, 'links': 1}"
    values = f"[{{'followers': [2, 4]}}, 0.25, 0.1, 1, 2, '2026-06-30', {flags}]"
    assert runs[0].code == 0
    assert values in runs[0].stdout


def test_a_shared_value_reaches_only_a_notebook_that_names_it(runs):
    copy = nbformat.reads(runs[0].copies[NAME].decode(), as_version=4)
    (injected,) = (c for c in copy.cells if "injected-parameters" in c.metadata.get("tags", []))
    assert "\nexpire_days = 2\n" in injected.source
    assert "k_anonymity" not in injected.source
    assert runs[0].stdout.splitlines()[0].endswith("] False")


def test_the_executed_copy_shows_the_values_of_the_run_once(runs):
    copy = nbformat.reads(runs[0].copies[NAME].decode(), as_version=4)
    (tagged,) = (cell for cell in copy.cells if cell.metadata.get("tags"))
    assert tagged.metadata.tags == ["injected-parameters"]
    assert "\nmax_suppressed = 0.25\n" in tagged.source
    assert not any("max_suppressed = 0.5" in cell.source for cell in copy.cells)


def test_what_a_cell_prints_is_seen_in_the_terminal(runs):
    assert runs[0].stdout.splitlines()[1:-1] == ["first line", "second line", "the end"]
    assert runs[0].stderr == "a warning\n"


def test_a_stage_ends_with_its_name_its_seconds_and_a_result(runs):
    assert re.fullmatch(
        r"publish  \d+ s  authors in the smallest group 1500", runs[0].stdout.splitlines()[-1]
    )
    assert "smallest group" not in runs[1].stdout


def test_the_executed_copy_holds_what_was_printed_and_shown(runs):
    copy = nbformat.reads(runs[0].copies[NAME].decode(), as_version=4)
    nbformat.validate(copy)
    assert list(runs[0].copies) == [NAME]
    assert [out.text for out in copy.cells[2].outputs] == ["first line\nsecond line\n"]
    assert copy.cells[3].outputs[0].data["text/plain"] == "3.0"


def test_the_executed_copy_is_the_same_however_the_kernel_sends_what_is_printed(runs):
    assert runs[2].code == 0
    assert runs[2].copies == runs[0].copies


def test_a_failing_cell_ends_the_run_and_says_which_and_why(runs):
    assert runs[1].code == 1
    assert "stage publish stopped in cell 5: ZeroDivisionError: division by zero" in runs[1].stderr
    assert "09_prints_and_divides.failed.ipynb" in runs[1].stderr
    assert "the end" not in runs[1].stdout


def test_a_failing_cell_leaves_what_ran_under_another_name_and_no_former_executed_copy(runs):
    ((name, content),) = runs[1].copies.items()
    assert name == "09_prints_and_divides.failed.ipynb"
    copy = nbformat.reads(content.decode(), as_version=4)
    (failed,) = (c for c in copy.cells if c.cell_type == "code" and c.execution_count == 5)
    assert failed.source == "6 / expire_days"
    assert failed.outputs[-1].ename == "ZeroDivisionError"


ARCHIVE = VALUES["pull"]["archive"]


def test_a_failing_run_of_another_archive_leaves_its_reason_in_place_of_the_reports(stage):
    write_notebook(stage, NAME, PARAMETERS, "raise RuntimeError('nothing was published: 5 days')")
    with standing.writing("another archive"):
        files.write_text(stage / "data/reports/briefs.md", "## Quiet fans\n")
    assert run(stage, "publish").code == 1
    text = (stage / "data/reports/briefs.md").read_text()
    assert "published nothing: stage publish stopped: nothing was published: 5 days." in text
    assert "Quiet fans" not in text
    assert (stage / "data/reports/segments.html").is_file()


def test_a_failing_run_of_the_same_archive_marks_the_reports_and_repeats_no_value(stage):
    write_notebook(stage, NAME, PARAMETERS, "int('great tea')")
    with standing.writing(ARCHIVE):
        files.write_text(stage / "data/reports/briefs.md", "## Quiet fans\n")
    assert run(stage, "publish").code == 1
    text = (stage / "data/reports/briefs.md").read_text()
    assert "stage publish stopped: an error of the kind ValueError. This is the publ" in text
    assert text.endswith("## Quiet fans\n")
    assert "great tea" not in text


def test_a_run_that_no_cell_of_begins_leaves_its_reason_too(stage, caplog):
    (stage / "notebooks" / NAME).write_text("{")
    with standing.writing("another archive"):
        files.write_text(stage / "data/reports/briefs.md", "## Quiet fans\n")
    assert main(["run", "publish"]) == 2
    text = (stage / "data/reports/briefs.md").read_text()
    assert "published nothing: stage publish stopped: " in text
    assert "Quiet fans" not in text


def test_a_stage_that_does_not_exist_is_no_run(stage, caplog):
    with standing.writing("another archive"):
        files.write_text(stage / "data/reports/briefs.md", "## Quiet fans\n")
    assert main(["run", "fetsch"]) == 2
    assert (stage / "data/reports/briefs.md").read_text() == "## Quiet fans\n"


def test_in_a_log_a_bar_takes_a_line_for_the_start_and_one_for_the_end(stage):
    write_notebook(stage, NAME, PARAMETERS, COUNT)
    files.write_json(stage / REPORT, {"published": {"k_min": 1500}})
    ended = run(stage, "publish")
    assert ended.stdout.startswith("counted\npublish  ")
    # On a busy machine libzmq may fail an assertion of its own when the kernel has ended.
    first, last, warning, *farewell = ended.stderr.splitlines()
    assert not any("counting" in line for line in farewell)
    assert first.startswith("counting:   0%|")
    assert last.startswith("counting: 100%|")
    assert warning == "a warning"


def test_on_a_terminal_a_bar_is_as_wide_as_that_and_its_states_cover_each_other(stage):
    write_notebook(stage, NAME, PARAMETERS, COUNT)
    files.write_json(stage / REPORT, {"published": {"k_min": 1500}})
    terminal, side = pty.openpty()
    done = subprocess.run(
        [PROGRAM, "run", "publish"],
        cwd=stage, env={**os.environ, "COLUMNS": "60"}, stdout=side, stderr=side, check=False,
    )  # fmt: skip
    os.close(side)
    assert done.returncode == 0
    printed = os.read(terminal, 100_000).decode()
    os.close(terminal)
    states = re.findall(r"(?<=\r)counting: [^\r\n]+", printed)
    assert (states[0][:14], states[-1][:14]) == ("counting:   0%", "counting: 100%")
    assert len(states[0]) == 60


@pytest.mark.parametrize(("options", "environment"), [(["--quiet"], {}), ([], QUIET)])
def test_a_quiet_run_leaves_warnings_and_errors(stage, options, environment):
    write_notebook(stage, NAME, PARAMETERS, COUNT)
    (stage / "params.yaml").write_text(ENDLESS)
    ended = run(stage, "publish", *options, **environment)
    assert (ended.code, ended.stdout) == (1, "")
    # Between them a kernel that is ended may complain, which is an error too.
    warning, *_, error, _ = ended.stderr.splitlines()
    assert warning == "a warning"
    assert error == "stage publish stopped in cell 3: ZeroDivisionError: division by zero"
    assert "count" not in ended.stderr  # neither the bar nor what was printed
    (copy,) = ended.copies.values()
    assert b"counted" in copy


@pytest.mark.parametrize(("arguments", "variable"), [([], ""), (["QUIET=1"], "1")])
def test_make_hands_quiet_on_to_whatever_it_runs(arguments, variable):
    # Nothing of a make that runs these tests: it would tell its own QUIET, and say where it works.
    foreign = ("MAKE", "MFLAGS", "QUIET", "TQDM")
    environment = {n: value for n, value in os.environ.items() if not n.startswith(foreign)}
    finished = subprocess.run(
        ["make", "--eval", "show: ; @echo \"$$TQDM_DISABLE\"", "show", *arguments],
        cwd=Path(__file__).parents[2], env=environment, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert finished.stdout == f"{variable}\n"


def test_packages_of_somebody_else_do_not_reach_what_make_runs():
    foreign = {"PYTHONPATH": "/another/project", "PYTHONHOME": "/another/python"}
    shown = subprocess.run(
        ["make", "--silent", "--eval", "show: ; @echo \"$$PYTHONPATH$$PYTHONHOME\"", "show"],
        cwd=Path(__file__).parents[2], env=os.environ | foreign,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert shown.stdout == "\n"


def test_a_kernel_that_dies_ends_the_run_without_an_executed_copy(stage):
    write_notebook(stage, NAME, PARAMETERS, "import os; os._exit(0)")
    ended = run(stage, "publish")
    assert ended.code != 0
    assert "stage publish: Kernel died" in ended.stderr
    assert ended.copies == {}


def test_a_name_that_the_cell_lacks_is_refused(stage, caplog):
    write_notebook(stage, NAME, PARAMETERS.replace("seed = 1\n", ""), LOOK)
    message = refused(caplog, "publish")
    assert f"{NAME}: its parameters cell and section publish of params.yaml disagree" in message
    assert "only in params.yaml: ['seed'], only in the cell: none" in message


def test_a_name_that_the_section_lacks_is_refused(stage, caplog):
    write_notebook(stage, NAME, PARAMETERS + "sed = 1\n", LOOK)
    message = refused(caplog, "publish")
    assert f"{NAME}: its parameters cell and section publish of params.yaml disagree" in message
    assert "only in params.yaml: none, only in the cell: ['sed']" in message


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            '"max_suppressed"',
            '"max_supressed"',
            "publish.max_supressed is unknown; did you mean max_suppressed?",
        ),
        # Another stage's, earlier in the pipeline.
        ('"clip": 0.99', '"clip": "0.99"', "cluster.clip must be a number, above 0.5"),
        ('"collect"', '"colect"', "collect is missing"),
        ("{", "{,", "params.yaml is not valid YAML: line 1"),
    ],
)
def test_a_wrong_value_of_any_section_is_refused_before_the_notebook_begins(
    stage, caplog, old, new, message
):
    assert old in PARAMS
    (stage / "params.yaml").write_text(PARAMS.replace(old, new))
    assert message in refused(caplog, "publish")


def test_a_notebook_without_a_parameters_cell_is_refused(stage, caplog):
    file = stage / "notebooks" / NAME
    file.write_text(file.read_text().replace('"parameters"', '"parameter"'))
    assert "only in params.yaml: ['drift', 'max_suppressed" in refused(caplog, "publish")


def test_an_unknown_stage_is_refused_and_the_known_ones_are_listed(stage, caplog):
    assert "no stage 'fetsch'; stages are fetch, encoder, fine" in refused(caplog, "fetsch")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Missing argument 'STAGE'"),
        (("publish", "pull"), "unexpected extra argument(s) (pull)"),
    ],
)
def test_anything_but_one_stage_is_refused(stage, caplog, capsys, arguments, message):
    refused(caplog, *arguments)
    assert message in capsys.readouterr().err


def test_a_stage_without_a_notebook_is_refused(stage, caplog):
    (stage / "notebooks" / NAME).unlink()
    assert "one notebook notebooks/09_*.ipynb, found 0" in refused(caplog, "publish")


def test_a_stage_with_two_notebooks_is_refused(stage, caplog):
    write_notebook(stage, "09_old.ipynb", PARAMETERS)
    assert "one notebook notebooks/09_*.ipynb, found 2" in refused(caplog, "publish")


def test_outside_a_project_the_command_says_so_and_ends_with_2(tmp_path):
    ended = run(tmp_path, "publish")
    assert ended.code == 2
    assert ended.stderr.startswith("stage publish: no dvc.yaml in ")
    assert "Traceback" not in ended.stderr
    assert list(tmp_path.iterdir()) == []

"""`make repro` refuses a setting or folder that it cannot use before anything is written."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from customer_profiles.project import files, params
from customer_profiles.publication import standing
from tests.program import PROGRAM

ROOT = Path(__file__).parents[2]
TEST_SET = "testdata.manual.2009.06.14.csv"
POSTS = (
    "must hold train.csv or training.1600000.processed.noemoticon.csv, and "
    f"{TEST_SET}, and may hold validation.csv (each also as .gz); "
)
SAMPLE = {
    "profile": "quick",
    "fetch.source": "data/sample/sentiment140",
    "fetch.labelled": "data/sample/labelled",
    "pull.archive": "data/sample/x_archive",
}
PAGES = "must be a file or folder of posts (docs/archive.md lists the formats); "


@pytest.fixture
def checkout(tmp_path):
    """What `make repro` needs to look at what it is told, in a folder of its own."""
    for name in ("Makefile", "params.yaml", "dvc.yaml"):
        shutil.copyfile(ROOT / name, tmp_path / name)
    for name in ("sentiment140", "labelled", "x_archive"):
        shutil.copytree(ROOT / "data/sample" / name, tmp_path / "data/sample" / name)
    params.change(tmp_path / "params.yaml", SAMPLE)  # whatever is chosen in this checkout
    return tmp_path


def refused(checkout, *settings):
    """The error with which `make repro` ends; it has written nothing."""
    before = {path: path.read_bytes() for path in checkout.rglob("*") if path.is_file()}
    # Installed already (-o), in the environment that these tests run in.
    ended = subprocess.run(
        ["make", "-o", ".venv/.ready", "-o", "data/input/wheels/.encoder", "repro",
         f"BIN={Path(sys.executable).parent}", *settings],
        cwd=checkout, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 2
    assert {path: path.read_bytes() for path in checkout.rglob("*") if path.is_file()} == before
    error, make = ended.stderr.splitlines()
    assert "repro] Error 2" in make
    return error


def test_an_unknown_profile_is_refused_and_the_known_ones_are_listed(checkout):
    message = refused(checkout, "PROFILE=foo")
    assert message == (
        "error: params.yaml: profile must be one of quick, standard, best, original; got 'foo'"
    )


def test_posts_that_are_not_there_are_refused_with_what_the_folder_may_hold(checkout):
    message = refused(checkout, "SENTIMENT140=data/absent")
    assert message == f"error: {checkout}/data/absent {POSTS}there is no such folder"


def test_posts_without_their_test_set_are_refused_with_what_the_folder_holds(checkout):
    own = checkout / "data/own"
    own.mkdir()
    for name in ("train.csv.gz", "notes.txt"):
        (own / name).touch()
    message = refused(checkout, "PROFILE=standard", f"SENTIMENT140={own}")
    assert message == f"error: {own} {POSTS}it holds notes.txt, train.csv.gz"


def test_labelled_posts_without_a_validation_are_refused_with_what_the_folder_may_hold(checkout):
    own = checkout / "data/own"
    own.mkdir()
    (own / "train.csv").touch()
    message = refused(checkout, f"LABELLED={own}")
    assert message == (
        f"error: {own} must hold train.csv and validation.csv with the columns label and text, or "
        "train_text.txt, train_labels.txt, val_text.txt and val_labels.txt, and may hold test.csv "
        "or test_text.txt and test_labels.txt (each also as .gz); it holds train.csv"
    )


def test_a_folder_with_a_space_in_its_name_is_refused_as_one(checkout):
    shutil.copytree(checkout / "data/sample/sentiment140", checkout / "my posts")
    message = refused(checkout, "SENTIMENT140=my posts")
    assert message == (
        "error: fetch.source: use a path of letters, digits and . _ - / only, got 'my posts'"
    )


def test_pages_that_are_not_there_are_refused_with_what_the_folder_may_hold(checkout):
    message = refused(checkout, "X_ARCHIVE=data/absent")
    assert message == f"error: {checkout}/data/absent {PAGES}there is no such folder"


def test_a_folder_without_posts_is_refused_with_what_its_files_are(checkout):
    message = refused(checkout, "X_ARCHIVE=data/sample/sentiment140")
    columns = (
        "has no column id, text, author_id, created_at; map its columns for text, author, date in "
        "pull.columns"
    )
    assert message == (
        f"error: {checkout}/data/sample/sentiment140 holds no posts that can be read "
        f"(docs/archive.md lists the formats): official.yaml {columns}; "
        f"testdata.manual.2009.06.14.csv {columns}; train.csv {columns}"
    )


def choose(checkout, *settings):
    return subprocess.run(
        [PROGRAM, "choose", *settings],
        cwd=checkout / "data", capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_what_may_be_used_is_written_and_said_from_anywhere_in_the_project(checkout, tmp_path):
    own = tmp_path / "own"
    shutil.copytree(ROOT / "data/sample/sentiment140", own)
    ended = choose(checkout, "profile=standard", f"fetch.source={own}")
    assert (ended.returncode, ended.stderr.splitlines()) == (
        0,
        ["profile: quick -> standard", "fetch.source: data/sample/sentiment140 -> own"],
    )
    changed = params.load(checkout / "params.yaml")
    assert (changed.profile, changed.fetch.source) == ("standard", "own")


@pytest.mark.parametrize("folder", ["data/absent", "data/sample/x_archive"])
def test_reports_of_another_archive_give_way_to_a_notice_once_one_is_chosen_or_refused(
    checkout, monkeypatch, folder
):
    monkeypatch.chdir(checkout)
    with standing.writing("another archive"):
        files.write_text(checkout / "data/reports/briefs.md", "## Quiet fans\n")
    ended = choose(checkout, f"pull.archive={folder}")
    text = (checkout / "data/reports/briefs.md").read_text()
    assert "Quiet fans" not in text
    assert ("published nothing: the archive was refused: … must " in text) == bool(ended.returncode)
    assert ("has published nothing yet" in text) == (not ended.returncode)
    assert str(checkout) not in text


def test_reports_of_the_chosen_archive_stay_as_they_are(checkout, monkeypatch):
    monkeypatch.chdir(checkout)
    with standing.writing("data/sample/x_archive"):
        files.write_text(checkout / "data/reports/briefs.md", "## Quiet fans\n")
    assert choose(checkout, "pull.archive=data/sample/x_archive").returncode == 0
    assert choose(checkout, "profile=foo", "pull.archive=data/sample/x_archive").returncode == 2
    assert (checkout / "data/reports/briefs.md").read_text() == "## Quiet fans\n"


def test_an_argument_without_a_value_is_refused(checkout):
    ended = choose(checkout, "profile")
    assert (ended.returncode, ended.stderr) == (
        2, "error: give NAME=VALUE, for example profile=quick; got 'profile'\n"
    )  # fmt: skip

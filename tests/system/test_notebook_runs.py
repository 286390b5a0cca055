"""Notebooks as JupyterLab runs them, from either folder, and as pages of HTML."""

import json
import re
import shutil
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbconvert import HTMLExporter

from customer_profiles.pipeline import run_notebook

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
NOTEBOOKS = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
# Neither TensorFlow nor a database; with the number of their figures.
LIGHT = {"01_fetch_sentiment140.ipynb": 3, "05_pull_tweets.ipynb": 3}


def execute(project, name, folder):
    """The notebook, run in `folder` of the project, as it would be kept."""
    notebook = nbformat.read(project / "notebooks" / name, as_version=4)
    place = {"metadata": {"path": str(project / folder)}}
    NotebookClient(notebook, timeout=300, resources=place).execute()
    return run_notebook.stable(notebook)


def page(notebook):
    html, _ = HTMLExporter().from_notebook_node(notebook)
    return html


def outputs(notebook):
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def written(project):
    folder = project / "data"
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


@pytest.fixture(scope="module", params=LIGHT)
def ran(request, tmp_path_factory):
    """A light notebook run from the root and from notebooks/: its copies, and what they wrote."""
    runs = {}
    for folder in (".", "notebooks"):
        project = tmp_path_factory.mktemp("project")
        for name in ("notebooks", "data/sample"):
            shutil.copytree(ROOT / name, project / name)
        for name in ("dvc.yaml", "params.yaml"):
            shutil.copyfile(ROOT / name, project / name)
        before = set(project.rglob("*"))
        notebook = execute(project, request.param, folder)
        new = {path.relative_to(project).parts[0] for path in set(project.rglob("*")) - before}
        runs[folder] = notebook, written(project), new
    return request.param, runs


def test_a_notebook_writes_and_shows_the_same_from_either_folder(ran):
    _, runs = ran
    (one, files, new), (other, other_files, _) = runs["."], runs["notebooks"]
    assert files == other_files
    assert new == {"data"}
    assert nbformat.writes(one) == nbformat.writes(other)


def test_every_figure_of_a_notebook_can_be_seen(ran):
    name, runs = ran
    texts = [(output, output.get("data", {}).get("text/plain", "")) for output in
             outputs(runs["."][0])]  # fmt: skip
    drawn = [output for output, text in texts if re.fullmatch(r"<\w+ size .* Axes>", text)]
    assert len(drawn) == LIGHT[name]
    assert all("image/png" in output.data for output in drawn)


def test_below_every_figure_stands_a_sentence_of_its_result(ran):
    name, found = ran
    shown = [output.get("data", {}) for output in outputs(found["."][0])]
    below = [after for data, after in pairwise([*shown, {}]) if "image/png" in data]
    assert len(below) == LIGHT[name]
    for data in below:
        assert re.fullmatch(r"[A-Z].*\d.*\.", data["text/markdown"])


def test_an_executed_notebook_becomes_a_page_with_its_figures(ran):
    name, runs = ran
    html = page(runs["."][0])
    assert len(re.findall(r'<img[^>]+src="data:image/png;base64', html)) == LIGHT[name]
    assert not re.search(r"size \d+x[\d.]+ with \d+ Axes", html)
    assert "<table" in html


def test_pulling_from_a_folder_without_pages_makes_no_key(tmp_path):
    notebook = nbformat.read(ROOT / "notebooks/05_pull_tweets.ipynb", as_version=4)
    notebook.cells[1].source = 'archive = "pages"\nk_anonymity = 10'
    (tmp_path / "dvc.yaml").touch()
    (tmp_path / "pages").mkdir()
    with pytest.raises(CellExecutionError, match="must be a file or folder of posts"):
        NotebookClient(notebook, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert not (tmp_path / "data").exists()


def test_one_post_is_pulled_without_a_warning(tmp_path):
    notebook = nbformat.read(ROOT / "notebooks/05_pull_tweets.ipynb", as_version=4)
    notebook.cells[1].source += '\narchive = "pages"'
    notebook.cells[2].source += '\nimport warnings\nwarnings.simplefilter("error")'
    post = {"id": "2", "author_id": "1", "text": "tea", "created_at": "2026-05-01T10:00:00.000Z"}
    page = {"data": [post], "includes": {"users": [{"id": "1", "username": "ann"}]}}
    (tmp_path / "dvc.yaml").touch()
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages/1.json").write_text(json.dumps(page))
    NotebookClient(notebook, resources={"metadata": {"path": str(tmp_path)}}).execute()
    manifest = json.loads((tmp_path / "data/raw/manifest.json").read_text())
    pulled = json.loads((tmp_path / "data/reports/pull.json").read_text())
    assert (manifest["archive"], pulled["posts"], pulled["there"]) == ("pages", 1, 1)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_every_notebook_becomes_a_page_with_its_title(name):
    notebook = nbformat.read(ROOT / "notebooks" / name, as_version=4)
    title = notebook.cells[0].source.splitlines()[0].removeprefix("# ")
    assert re.search(rf"<h1[^>]*>{re.escape(title)}<", page(notebook))

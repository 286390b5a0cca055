"""An unpacked ZIP of the project, without .git: it works without Git, and in nobody else's."""

import json
import shutil

import pytest

from customer_profiles.pipeline.tracking import provenance

pytestmark = pytest.mark.long

# What `make repro` does before `dvc repro`.
SETTLE = ("make", "--silent", "--eval", "settle: ; @export $(RUN); $(SCM)", "settle")


@pytest.fixture
def unpacked(fresh, tmp_path):
    """A function that gives the unpacked project, in a folder of no repository or of another's."""

    def unpack(inside_another):
        project = fresh.copy(tmp_path / "another" / "project")
        shutil.rmtree(project.root / ".git")
        if inside_another:
            outer = tmp_path / "another"
            (outer / ".dvcignore").write_text("data\n")
            (outer / ".gitignore").write_text("project\n")
            fresh.call("git", "init", "--quiet", str(outer))
            fresh.call("git", "-C", str(outer), "add", ".gitignore", ".dvcignore")
            fresh.call("git", "-C", str(outer), "commit", "--quiet", "--message", "another")
        return project

    return unpack


@pytest.mark.parametrize("inside_another", [False, True])
def test_an_unpacked_zip_runs_without_git(unpacked, inside_another, monkeypatch):
    project = unpacked(inside_another)
    project.call(*SETTLE)
    assert project.repro("pull") == ["pull"]
    assert project.status("pull") == {}
    manifest = json.loads((project.root / "data/raw/manifest.json").read_text())
    assert manifest["sample"]
    monkeypatch.chdir(project.root)
    assert (provenance.commit(), provenance.modified()) == ("none", False)
    monkeypatch.setenv("PATH", "")
    assert provenance.commit() == "none"


def test_a_repository_made_later_is_used(unpacked):
    project = unpacked(False)
    project.call(*SETTLE)
    project.call("git", "init", "--quiet")
    project.call(*SETTLE)
    project.commit()
    assert "no_scm" not in (project.root / ".dvc/config.local").read_text()
    project.call("dvc", "exp", "show", "--json")

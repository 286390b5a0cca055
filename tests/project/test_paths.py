"""The project's root is found from where we stand."""

from pathlib import Path

import pytest

from customer_profiles.project import paths


def test_the_root_is_found_from_a_subfolder(project, monkeypatch):
    deep = project / "notebooks" / "old"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    assert paths.root() == project
    assert paths.inside("data", "raw") == project / "data" / "raw"


def test_the_nearest_root_wins(project):
    copy = project / "tmp" / "exps" / "copy"  # where `dvc exp run --temp` puts one
    copy.mkdir(parents=True)
    (copy / "dvc.yaml").touch()
    assert paths.root(copy) == copy


def test_a_folder_called_dvc_yaml_is_no_root(project):
    (project / "data" / "dvc.yaml").mkdir(parents=True)
    assert paths.root(project / "data") == project


def test_an_absolute_path_stays_as_it_is(project, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    assert paths.inside(str(elsewhere)) == elsewhere


def test_outside_a_project_the_error_says_where_was_looked(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no dvc\.yaml in .*outside.* inside the project"):
        paths.root(tmp_path / "outside")


def test_what_a_folder_holds_is_told_in_order_and_not_without_end(tmp_path):
    for name in "lkjihgfedcba":
        (tmp_path / name).touch()
    assert paths.holding(tmp_path) == "it holds a, b, c, d, e, f, g, h, i, j and 2 more"
    (tmp_path / "empty").mkdir()
    assert paths.holding(tmp_path / "empty") == "it holds nothing"
    assert paths.holding(tmp_path / "absent") == "there is no such folder"


def test_a_link_to_the_project_leads_to_it(project, tmp_path_factory):
    link = tmp_path_factory.mktemp("links") / "link"
    link.symlink_to(project)
    assert paths.root(Path(link)) == project

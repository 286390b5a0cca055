"""params.yaml: sections, profiles that override them, and changes that keep the rest."""

from pathlib import Path

import pytest
from dvc.utils.serialize import modify_yaml

from customer_profiles.project import params

TEXT = """\
# Every number, once.
profile: quick

fetch:
  # a folder; also: source: of the data
  source: data/sample/tweets

  rows: 0
  seed:   7
finetune:
  learning_rate: 2e-5
  layers:
    - 1
    - 2

pull:
  archive: data/sample/pages

quick:
  fetch:
    rows: 10
standard:
  fetch:
    source: data/real
    rows: 100
  finetune:
    layers: [3]
original:
"""
OFTEN = {"profile": "standard", "fetch.source": "data/own", "pull.archive": "data/collect"}


@pytest.fixture
def file(project):
    for folder in ("data/sample/tweets", "data/sample/pages", "data/own", "data/collect", "2024"):
        (project / folder).mkdir(parents=True)
    (project / "params.yaml").write_text(TEXT, encoding="utf-8")
    return project / "params.yaml"


def rewrite(file, old, new):
    assert old in TEXT
    file.write_text(TEXT.replace(old, new), encoding="utf-8")


def test_a_stage_gets_its_section_and_the_profile_overrides_it(file):
    assert params.stage("fetch") == {"source": "data/sample/tweets", "rows": 10, "seed": 7}
    assert params.stage("pull") == {"archive": "data/sample/pages"}


def test_another_profile_overrides_other_values(file):
    rewrite(file, "profile: quick", "profile: standard")
    assert params.stage("fetch") == {"source": "data/real", "rows": 100, "seed": 7}
    assert params.stage("finetune") == {"learning_rate": 0.00002, "layers": [3]}


def test_a_profile_with_an_empty_block_overrides_nothing(file):
    rewrite(file, "profile: quick", "profile: original")
    assert params.stage("fetch")["rows"] == 0


def test_shared_values_come_in_the_order_of_the_file_however_they_are_asked_for():
    values = {"shared": {"k": 10, "days": 0, "as_of": "", "more": 1}}
    for names in (["as_of", "k", "days", "none"], ["k", "days", "as_of"]):
        assert list(params.shared(names, values).items()) == [("k", 10), ("days", 0), ("as_of", "")]


def test_numbers_are_read_as_dvc_reads_them(file):
    # PyYAML takes 2e-5 for a text.
    assert params.stage("finetune")["learning_rate"] == 0.00002


def test_a_name_that_only_the_profile_knows_is_refused(file):
    rewrite(file, "    rows: 10\n", "    rosw: 10\n")
    with pytest.raises(KeyError, match=r"quick\.fetch sets rosw.*it has rows, seed, source"):
        params.stage("fetch")


@pytest.mark.parametrize("profile", ["quick", "standard"])
def test_a_section_that_only_a_profile_knows_is_refused(file, profile):
    rewrite(file, f"{profile}:\n  fetch:", f"{profile}:\n  fecth:")
    with pytest.raises(ValueError, match=f"block {profile} .*fecth"):
        params.load()


def test_a_missing_section_is_named(file):
    with pytest.raises(KeyError, match="no section 'score'"):
        params.stage("score")


@pytest.mark.parametrize("line", ["profile: fast", "# none", "profile: 1"])
def test_an_unknown_profile_in_the_file_is_refused(file, line):
    rewrite(file, "profile: quick", line)
    with pytest.raises(ValueError, match=r"quick.*standard.*original"):
        params.load()


def test_a_file_that_is_no_yaml_is_refused_by_name(file):
    file.write_text("profile: [quick", encoding="utf-8")
    with pytest.raises(ValueError, match=r"params\.yaml is not valid YAML"):
        params.load()


def test_a_change_keeps_every_other_byte(file):
    changes = params.change(file, OFTEN)
    expected = (
        TEXT.replace("profile: quick", "profile: standard")
        .replace("  source: data/sample/tweets\n", "  source: data/own\n")
        .replace("  archive: data/sample/pages", "  archive: data/collect")
    )
    assert file.read_bytes() == expected.encode()
    assert changes == [
        "profile: quick -> standard",
        "fetch.source: data/sample/tweets -> data/own",
        "pull.archive: data/sample/pages -> data/collect",
    ]


def test_there_and_back_gives_the_same_bytes(file):
    params.change(file, OFTEN)
    back = {"profile": "quick", "fetch.source": "data/sample/tweets"}
    params.change(file, {**back, "pull.archive": "data/sample/pages"})
    assert file.read_bytes() == TEXT.encode()


def test_a_value_that_is_there_already_is_not_written(file):
    before = file.stat()
    assert params.change(file, {"profile": "quick", "fetch.source": "data/sample/tweets"}) == []
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize(
    ("bad", "complaint"),
    [
        ({"profile": "fast"}, "quick, standard, original, got 'fast'"),
        ({"fetch.source": "data/absent"}, "data/absent: there is no such file or folder"),
        ({"fetch.sources": "data/own"}, r"no line for fetch\.sources"),
        ({"fetch.deep.source": "data/own"}, r"no line for fetch\.deep\.source"),
        ({"score.source": "data/own"}, r"no line for score\.source"),
        ({"fetch.source": "data/a folder"}, "letters, digits"),
        ({"fetch.source": "data/${profile}"}, "letters, digits"),
    ],
)
def test_nothing_is_written_when_one_value_is_bad(file, project, bad, complaint):
    for name in ("a folder", "${profile}"):
        (project / "data" / name).mkdir()
    with pytest.raises(ValueError, match=complaint):
        params.change(file, {"pull.archive": "data/collect", **bad})
    assert file.read_bytes() == TEXT.encode()


def test_a_path_inside_the_project_is_written_relative_to_it(file, project):
    params.change(file, {"fetch.source": str(project / "data" / "sample" / ".." / "own")})
    assert params.stage("fetch")["source"] == "data/own"


def test_a_path_outside_the_project_is_written_as_absolute(file, project, tmp_path_factory):
    outside = tmp_path_factory.mktemp("outside")
    params.change(file, {"fetch.source": f"../{outside.name}"})
    assert params.stage("fetch")["source"] == str(outside)


def test_the_home_folder_may_be_written_short(file, monkeypatch, tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    params.change(file, {"fetch.source": "~"})
    assert params.stage("fetch")["source"] == str(home)


def test_a_folder_that_looks_like_a_number_stays_text(file):
    params.change(file, {"fetch.source": "2024"})
    assert params.stage("fetch")["source"] == "./2024"


def test_a_path_goes_through_the_check_of_its_name_before_anything_is_written(file, project):
    def refuse(path):
        raise FileNotFoundError(f"nothing in {path}")

    with pytest.raises(FileNotFoundError, match=f"nothing in {project}/data/own"):
        params.change(file, OFTEN, {"fetch.source": refuse})
    assert file.read_bytes() == TEXT.encode()


def test_the_profile_original_is_the_table_of_the_original_design():
    values = {**params.load(Path(__file__).parents[2] / "params.yaml"), "profile": "original"}
    fetch, encoder, finetune = (
        params.stage(name, values) for name in ("fetch", "encoder", "finetune")
    )
    assert (fetch["rows"], fetch["validation_share"]) == (50_000, 0.2)
    assert encoder["origin"] == "hub"
    assert encoder["encoder_handle"].endswith("/tensorflow/bert_en_uncased_L-12_H-768_A-12/4")
    assert encoder["preprocess_handle"].endswith("/tensorflow/bert_en_uncased_preprocess/3")
    table = {"epochs": 20, "batch_size": 32, "optimizer": "adam", "learning_rate": 3e-5}
    # No early stopping, and no schedule; the classifier reads BERT's own pooled output.
    table |= {"patience": 0, "decay": "none", "pooling": "pooled"}
    assert table.items() <= finetune.items()


def test_an_experiment_changes_its_line_of_the_file_and_no_other(tmp_path):
    text = (Path(__file__).parents[2] / "params.yaml").read_text(encoding="utf-8")
    (tmp_path / "params.yaml").write_text(text, encoding="utf-8")
    with modify_yaml(str(tmp_path / "params.yaml")) as values:  # what --set-param does
        values["finetune"]["dropout"] = 0.25
    changed = (tmp_path / "params.yaml").read_text(encoding="utf-8")
    assert changed == text.replace("\n  dropout: 0.1\n", "\n  dropout: 0.25\n") != text

"""Changes of params.yaml keep the rest of it, byte by byte, as DVC's own do."""

from pathlib import Path

import pytest
from dvc.utils.serialize import modify_yaml

from customer_profiles.project import params, yaml_file

TEXT = (Path(__file__).parents[2] / "params.yaml").read_text(encoding="utf-8")
OFTEN = {"profile": "standard", "fetch.source": "data/own", "pull.archive": "data/collect"}


@pytest.fixture
def file(tmp_path):
    (tmp_path / "params.yaml").write_text(TEXT, encoding="utf-8")
    sample = {"fetch.source": "data/sample/sentiment140", "pull.archive": "data/sample/x_archive"}
    params.change(tmp_path / "params.yaml", {"profile": "quick", **sample})
    return tmp_path / "params.yaml"


def test_a_change_keeps_every_other_byte_and_the_way_back_gives_them_all(file):
    before = file.read_text(encoding="utf-8")
    message = params.change(file, OFTEN)
    expected = (
        before.replace("profile: quick", "profile: standard")
        .replace("  source: data/sample/sentiment140\n", "  source: data/own\n")
        .replace("  archive: data/sample/x_archive\n", "  archive: data/collect\n")
    )
    assert file.read_bytes() == expected.encode()
    assert message == [
        "profile: quick -> standard",
        "fetch.source: data/sample/sentiment140 -> data/own",
        "pull.archive: data/sample/x_archive -> data/collect",
    ]
    back = {"profile": "quick", "fetch.source": "data/sample/sentiment140"}
    params.change(file, {**back, "pull.archive": "data/sample/x_archive"})
    assert file.read_bytes() == before.encode()


def test_comments_quotes_flow_and_wide_lines_stay(tmp_path):
    file = tmp_path / "any.yaml"
    wide = "word " * 40
    text = (
        f"# first\na: \"x\" # why\n\nb:\n  c: 'y'\n  d: [1, 2.50, 2e-5]\n  e: {wide}end\n# last\n"
    )
    file.write_text(text)
    yaml_file.change(file, {"a": "z"}, dict)
    assert file.read_text() == text.replace('"x"', '"z"')


def test_a_value_that_is_there_already_is_not_written(file):
    before = file.stat()
    same = {"profile": "quick", "fetch.source": "data/sample/sentiment140"}
    assert params.change(file, same) == []
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_text_that_looks_like_a_number_stays_text(file):
    params.change(file, {"fetch.source": "2024"})
    assert params.load(file).fetch.source == "2024"


@pytest.mark.parametrize(
    ("bad", "complaint"),
    [
        ({"profile": "fast"}, "profile must be one of quick, standard, best, original; got 'fast'"),
        ({"fetch.source": ""}, "fetch.source must be text, not empty; got ''"),
    ],
)
def test_nothing_is_written_when_one_value_is_bad(file, bad, complaint):
    before = file.read_bytes()
    with pytest.raises(ValueError, match=complaint):
        params.change(file, {"pull.archive": "data/collect", **bad})
    assert file.read_bytes() == before


def test_a_file_that_is_wrong_already_is_not_changed(file):
    wrong = file.read_text().replace("drift: 0.1", "drift: -1")
    file.write_text(wrong)
    with pytest.raises(ValueError, match=r"publish\.drift must be a number, 0 to 10; got -1"):
        params.change(file, OFTEN)
    assert file.read_text() == wrong


def test_an_experiment_changes_its_line_of_the_file_and_no_other(tmp_path):
    (tmp_path / "params.yaml").write_text(TEXT, encoding="utf-8")
    with modify_yaml(str(tmp_path / "params.yaml")) as values:  # what --set-param does
        values["finetune"]["dropout"] = 0.25
    changed = (tmp_path / "params.yaml").read_text(encoding="utf-8")
    assert changed == TEXT.replace("\n  dropout: 0.1\n", "\n  dropout: 0.25\n") != TEXT


def test_a_change_gives_the_bytes_that_dvc_itself_would_write(file, tmp_path):
    other = tmp_path / "other.yaml"
    other.write_bytes(file.read_bytes())
    params.change(file, OFTEN)
    with modify_yaml(str(other)) as values:
        values["profile"], values["fetch"]["source"] = OFTEN["profile"], OFTEN["fetch.source"]
        values["pull"]["archive"] = OFTEN["pull.archive"]
    assert file.read_bytes() == other.read_bytes()

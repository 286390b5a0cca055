"""A notice about a run that published nothing, in each of the formats, and what it may repeat."""

import csv
import json

import pandas as pd
import pytest

from customer_profiles.publication import notices, report
from tests.publication.published import audience

OURS = "File ~/project/src/customer_profiles/posts/pages.py:195, in _refuse_nothing(counts)"
LIBRARY = "File ~/lib/python3.11/site-packages/pandas/core/frame.py:12, in merge(self)"
CELL = "\x1b[36mCell In[8]\x1b[39m\x1b[32m, line 4\x1b[39m"
WHY = "stage pull stopped: no posts in 3 pages"


@pytest.fixture
def texts():
    """The four reports of a publication."""
    made = audience()
    about = report.files(made)
    return {
        "segments.html": report.render(made),
        "segments.json": json.dumps({"segments": made["segments"]}),
        "segments.csv": about["segments.csv"],
        "briefs.md": about["briefs.md"],
    }


@pytest.mark.parametrize(
    ("message", "repeated"),
    [
        ("no posts in 3 pages, 2 broken lines; each line must", None),
        ("there are <10 profiles, and 10 are needed to speak of a group", None),
        ("45% of the authors, smallest cells: <10, 20, 30", None),
        ("publish.drift must be a number, 0 to 10; see params.yaml", None),
        (
            "/data/ann/pages must hold X API pages; it holds ann_b.txt, bob",
            "… must hold X API pages",
        ),
        ("files ending in .json, .json.gz", None),
        ("ann.jsonl has no column", "… has no column"),
        (
            "none of 9 posts can be used: 9 posts without a text (first in ann, line 1); request",
            "none of 9 posts can be used: 9 posts without a text; request",
        ),
        (
            "pages holds no posts that can be read: ann is neither JSON nor a table; ann b is a "
            "tar archive; unpack it; bob!ann is an image and 1 more",
            "pages holds no posts that can be read: … is neither JSON nor a table; … is a tar "
            "archive; unpack it; … is an image and 1 more",
        ),
        ("could not read 'great tea' of @ann_b", "could not read … of …"),
        ('got "it tastes"; see https://x.com/ann', "got …; see …"),
        ("ids in part 2 are numbers (8.0e+18)", "ids in part 2 are numbers (…)"),
        ("post 1790000000000000001 is damaged", "post … is damaged"),
        ("profile fedcba9876543210fedcba9876543210", "profile …"),
        ("1,658 of 2,105 authors only repost", "1,658 of … authors only repost"),
        ("60 people are left", "… people are left"),
        ("two\nlines  and a stop.", "two lines and a stop"),
    ],
)
def test_an_error_is_repeated_without_what_could_name_somebody(message, repeated):
    assert notices.without_names(message) == (repeated or message)


def test_a_long_error_is_cut_at_a_word():
    text = notices.without_names("word " * 500)
    assert len(text) <= notices.LONGEST + 2
    assert text.endswith("word …")


@pytest.mark.parametrize(
    ("kind", "frames", "repeated"),
    [
        ("ValueError", [CELL, OURS], True),
        ("RuntimeError", [CELL], True),
        ("ValueError", [CELL], False),
        ("ValueError", [CELL, OURS, LIBRARY], False),
        ("KeyError", [CELL, OURS], False),
        ("ValueError", [], False),
    ],
)
def test_only_an_error_that_this_program_wrote_is_repeated(kind, frames, repeated):
    message = notices.of_cell(kind, "no posts in great tea", ["-----", *frames])
    assert message == ("no posts in great tea" if repeated else f"an error of the kind {kind}")


def test_in_place_of_reports_each_format_says_what_its_reader_expects(texts):
    paragraphs = notices.ended("2026-05-09", WHY)
    made = notices.instead(paragraphs, report.notice(notices.TITLE, paragraphs))
    assert set(made) == set(texts)
    for name in ("segments.html", "segments.json", "briefs.md"):
        assert f"The run of 2026-05-09 published nothing: {WHY}." in made[name], name
    read = json.loads(made["segments.json"])
    assert read == {"segments": [], "notice": " ".join(paragraphs)}
    header, *rows = csv.reader(made["segments.csv"].splitlines())
    assert (header[:3], rows) == (["id", "name", "customers"], [])
    assert not any(row["name"] in "".join(made.values()) for row in audience()["segments"])


def test_a_mark_is_seen_in_each_format_and_a_later_one_takes_its_place(texts):
    first = notices.mark("2026-05-01", "2026-05-09", WHY)
    later = notices.mark("2026-05-01", "2026-05-10", "it was <interrupted>")
    marked = notices.marked(notices.marked(texts, first), later)
    assert marked == notices.marked(texts, later)
    assert (
        marked["briefs.md"]
        .splitlines()[1]
        .startswith("> **Of 2026-05-01. The run of 2026-05-10 failed")
    )
    assert marked["briefs.md"].endswith(texts["briefs.md"])
    assert json.loads(marked["segments.json"]) == {
        **json.loads(texts["segments.json"]), "notice": later
    }  # fmt: skip
    assert not any(WHY in text for text in marked.values())
    assert "it was &lt;interrupted&gt;" in marked["segments.html"]


def test_a_marked_table_has_the_rows_of_before_and_one_column_more(texts):
    rows = list(csv.DictReader(texts["segments.csv"].splitlines()))
    marked = notices.marked({"segments.csv": texts["segments.csv"]}, "of another day")
    expected = [{**row, "notice": "of another day"} for row in rows]
    assert list(csv.DictReader(marked["segments.csv"].splitlines())) == expected


def test_an_empty_table_is_read_as_one(tmp_path):
    file = tmp_path / "segments.csv"
    file.write_text(notices.instead(["Nothing."], "")["segments.csv"])
    assert pd.read_csv(file).empty


def test_the_page_of_the_api_says_which_archive_it_is_about():
    state = {"failed": {"archive": "b", "day": "2026-05-09"}}
    assert "was of another archive" in notices.served(state, "a")
    assert "of the publication before it" in notices.served(state, "b")
    assert notices.served({"archive": "a"}, "a") == ""

"""Reports on disk are of the archive that was published last, or a notice says otherwise."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from customer_profiles.project import files
from customer_profiles.publication import report, standing
from tests.publication.published import audience

TODAY = datetime.now(UTC).date().isoformat()
NAMES = [row["name"] for row in audience()["segments"]]


def publish(archive):
    """What stage publish writes."""
    publication = audience()
    texts = report.files(publication) | {"segments.html": report.render(publication)}
    with standing.writing(archive):
        files.write_json(Path("data/reports/segments.json"), {"segments": publication["segments"]})
        for name in ("segments.html", "segments.csv", "briefs.md"):
            files.write_text(Path("data/reports", name), texts[name])
    return contents()


def contents():
    return {
        name: file.read_bytes().decode()
        for name in standing.NAMES
        if (file := Path("data/reports", name)).exists()
    }


def of_somebody(texts):
    return [name for name, text in texts.items() if any(segment in text for segment in NAMES)]


def test_a_failed_run_of_another_archive_leaves_a_notice_in_place_of_every_report(project):
    publish("a")
    standing.begin("b")
    begun = contents()
    assert of_somebody(begun) == []
    assert f"A run of this archive began on {TODAY}" in begun["segments.html"]
    standing.fail("b", "stage score stopped: no posts")
    ended = contents()
    assert of_somebody(ended) == []
    for name in ("segments.html", "segments.json", "briefs.md"):
        assert (
            f"The run of {TODAY} published nothing: stage score stopped: no posts." in ended[name]
        )
    assert json.loads(ended["segments.json"])["segments"] == []


def test_an_archive_that_is_refused_before_its_run_begins_leaves_a_notice_too(project):
    publish("a")
    standing.fail("b", "the archive was refused: there is no such folder")
    assert of_somebody(contents()) == []


def test_a_failed_run_of_the_same_archive_keeps_the_reports_marked_with_their_day(project):
    publish("a")
    os.utime("data/raw/reports.json", (0, 0))
    standing.begin("a")
    standing.fail("a", "it was interrupted")
    standing.fail("a", "stage publish stopped: nothing was published")
    marked = contents()
    assert of_somebody(marked) == list(standing.NAMES)
    for name, text in marked.items():
        assert text.count(f"Of 1970-01-01. The run of {TODAY} failed and published nothing") == (
            len(NAMES) if name == "segments.csv" else 1
        )
        assert "interrupted" not in text


def test_a_run_that_publishes_leaves_clean_reports_with_the_bytes_of_before(project):
    clean = publish("a")
    standing.fail("a", "it was interrupted")
    assert publish("a") == clean
    standing.fail("b", "it was interrupted")
    standing.begin("a")
    state = Path("data/raw/reports.json").read_bytes()
    assert publish("a") == clean
    assert json.loads(state)["failed"] == {"archive": "a", "day": TODAY}
    assert set(json.loads(Path("data/raw/reports.json").read_text())) == {"archive", "digest"}


def test_reports_that_were_brought_back_from_elsewhere_are_taken_for_nobodys(project):
    publish("a")
    files.write_text(Path("data/reports/briefs.md"), f"## {NAMES[0]}\n")
    standing.fail("a", "it was interrupted")
    assert of_somebody(contents()) == []


def test_reports_of_which_the_writing_was_not_finished_are_taken_for_nobodys(project):
    publish("a")
    with pytest.raises(OSError, match="full"), standing.writing("a"):
        raise OSError("the disk is full")
    standing.fail("a", "the disk is full")
    assert of_somebody(contents()) == []


@pytest.mark.parametrize("state", ["{", "[]", "{}"])
def test_reports_of_an_unknown_archive_are_taken_for_another_ones(project, state):
    publish("a")
    Path("data/raw/reports.json").write_text(state)
    standing.begin("a")
    assert of_somebody(contents()) == []


def test_where_no_report_stands_nothing_is_written(project):
    standing.begin("a")
    standing.fail("a", "it was interrupted")
    assert not Path("data").exists()


def test_the_mark_of_the_page_is_seen_and_the_notice_needs_no_script(project, browser):
    publish("a")
    standing.fail("a", "it was <b>interrupted</b>")
    page = browser.new_page()
    page.goto(Path("data/reports/segments.html").resolve().as_uri())
    assert page.locator("main > .warn").inner_text().startswith(f"Of {TODAY}. The run of {TODAY}")
    assert page.locator("article").count() == len(NAMES)
    page.close()
    standing.fail("b", "it was <b>interrupted</b>")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(Path("data/reports/segments.html").resolve().as_uri())
    assert page.locator("h1").inner_text() == "No segments of this archive"
    assert "it was <b>interrupted</b>." in page.locator("main").inner_text()
    context.close()


def test_an_erasure_leaves_a_notice_that_stays_until_the_next_publication(project):
    clean = publish("a")
    former = [Path("data/reports/pull.json"), Path("data/reports/notebooks/06_score.ipynb")]
    for file in former:
        files.write_text(file, "{}")
    standing.withdraw()
    withdrawn = contents()
    assert of_somebody(withdrawn) == []
    assert f"were erased, on {TODAY}" in withdrawn["segments.html"]
    assert not [file for file in former if file.exists()]
    standing.begin("a")
    standing.fail("a", "it was interrupted")
    assert contents() == withdrawn
    assert publish("a") == clean


def test_reports_brought_back_after_an_erasure_are_taken_for_nobodys(project):
    publish("a")
    former = contents()
    standing.withdraw()
    for name, text in former.items():
        files.write_text(Path("data/reports", name), text)
    standing.begin("a")
    assert of_somebody(contents()) == []

"""Publications and reports are withdrawn by an erasure of somebody whom it counts."""

import pytest

from customer_profiles.commands.app import main
from customer_profiles.project import files
from customer_profiles.publication import standing
from tests.erasure.erasable import FIRST, IDS, PAGES, database_of, purge


def published(project):
    """Publications in the database, and the reports on disk."""
    with database_of(project) as database:
        rows = [*database.published.find(), *database.current.find()]
    return rows, (project / "data/reports/segments.html").read_text()


@pytest.fixture
def reported(filled):
    """A project whose reports say something."""
    with standing.writing(PAGES):
        for name in standing.NAMES:
            files.write_text(filled / standing.REPORTS / name, "three people")
    return filled


@pytest.mark.parametrize(
    "erase",
    [("purge", "author", IDS["ann"]), ("purge", "post", FIRST), ("expire", "--days", "1")],
)
def test_what_counted_the_erased_is_withdrawn_at_once(reported, erase):
    before = published(reported)
    assert main([*erase, "--dry-run"]) == 0
    assert published(reported) == before
    assert main([*erase]) == 0
    rows, report = published(reported)
    assert rows == []
    assert "The publication was withdrawn" in report
    assert "three people" not in report


def test_what_counted_nobody_of_the_erased_stays_published(reported, caplog):
    before = published(reported)
    purge("author", "9000000000000000099")
    assert published(reported) == before
    assert before[0]
    assert "withdrawn" not in caplog.text


def test_the_overview_says_that_what_counts_people_was_removed(reported, caplog):
    purge("author", IDS["ann"])
    assert main(["summary"]) == 1
    assert "an erasure removes what counts people" in caplog.text
    assert "run `make repro`" in caplog.text

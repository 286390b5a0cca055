"""Publications are immutable, readers are moved from one to the next in one step, and no two that
single somebody out by comparison lie beside each other."""

from itertools import combinations, product

import pandas as pd
import pymongo.errors
import pytest

from customer_profiles import privacy
from customer_profiles.segments import identified
from customer_profiles.store import publications, server

K = 10


def publication(assignments, **others):
    """A publication about the authors of `assignments`; `others` take the place of its fields."""
    return identified({
        "summary": {"authors": len(assignments), "posts": 300},
        "segments": [{"id": 0, "avg_polarity": 0.5, "no_verified": "<10", "no_protected": "<10"}],
        "cells": [],
        "mood_daily": [{"day": "2026-05-01", "posts": 300, "avg_polarity": 0.5}],
        "certificate": {"passed": True, "published": {"k": K}},
        "provenance": {"sample": True},
        **others,
    })  # fmt: skip


@pytest.fixture(scope="module")
def everybody(pseudonym):
    """80 authors in three cells of 30, 30 and 20; two segments."""
    cells = ["0/0"] * 30 + ["0/1"] * 30 + ["1/0"] * 20
    return pd.DataFrame({
        "_id": [pseudonym(f"author {n}") for n in range(80)],
        "cluster": [int(cell[0]) for cell in cells],
        "cell": cells,
    })  # fmt: skip


@pytest.fixture(autouse=True)
def held_authors(database, everybody, give_profiles):
    """All of them are in the database."""
    give_profiles(database, everybody["_id"])


def held(database):
    names = ("published", "current", "assignments")
    return {name: list(database[name].find().sort("_id")) for name in names}


def ids(database):
    return {row["_id"] for row in database.published.find()}


def publish(database, assignments, **others):
    new = publication(assignments, **others)
    publications.publish(database, new, assignments)
    return new


def test_before_the_first_publication_there_is_none(database):
    assert publications.current(database) is None


def test_what_was_published_is_current(database, everybody):
    new = publish(database, everybody)
    assert publications.current(database) == new
    rows = sorted(everybody.to_dict("records"), key=lambda row: row["_id"])
    assert held(database)["assignments"] == rows


def test_publishing_the_same_again_changes_nothing(database, everybody):
    publish(database, everybody[10:])
    publish(database, everybody)
    before = held(database)
    assert len(before["published"]) == 2
    publish(database, everybody)
    assert held(database) == before


@pytest.mark.parametrize(
    ("gone", "kept"),
    [
        pytest.param([0], False, id="one"),
        pytest.param(range(9), False, id="k - 1"),
        pytest.param(range(10), True, id="k of one cell"),
        pytest.param([*range(10), 45], False, id="k of one cell and one of another"),
        pytest.param([*range(10), *range(60, 70)], True, id="k of one cell and k of another"),
        pytest.param(range(21), False, id="all but k - 1 of a cell"),
    ],
)
def test_the_former_publication_stays_only_where_k_or_none_came_to_or_left_each_group(
    database, everybody, gone, kept
):
    fewer = everybody.drop(index=list(gone))
    for first, then in ((everybody, fewer), (fewer, everybody)):
        former, new = publish(database, first), publish(database, then)
        assert ids(database) == ({former["_id"], new["_id"]} if kept else {new["_id"]})
        assert publications.current(database) == new


def test_another_clustering_of_the_same_authors_replaces_the_former_publication(
    database, everybody
):
    publish(database, everybody)
    new = publish(database, everybody.assign(cluster=0, cell="0/0"), cells=[{"authors": 80}])
    assert ids(database) == {new["_id"]}


def test_another_certificate_alone_replaces_the_former_publication(database, everybody):
    publish(database, everybody)
    new = publish(database, everybody, certificate={"passed": True, "published": {"k": 11}})
    assert ids(database) == {new["_id"]}


@pytest.mark.parametrize(
    "others",
    [
        {"mood_daily": [{"day": "2026-05-01", "posts": 299, "avg_polarity": 0.5}]},
        {"mood_daily": [{"day": "2026-05-01", "posts": 300, "avg_polarity": 0.51}]},
        {"mood_daily": []},
        {"summary": {"authors": 70, "posts": 301}},
        {"segments": [{"id": 0, "avg_polarity": 0.5, "no_verified": 12, "no_protected": "<10"}]},
        {"certificate": {"passed": True, "published": {"k": 21}}},
        {"certificate": {"passed": True}},
    ],
    ids=["posts", "mood", "day", "all posts", "verified", "larger k", "no k"],
)
def test_other_figures_that_differ_by_nobody_knows_whom_take_the_former_along(
    database, everybody, others
):
    publish(database, everybody)
    new = publish(database, everybody[10:], **others)
    assert ids(database) == {new["_id"]}


def test_a_day_more_leaves_the_former_publication_alone(database, everybody):
    former = publish(database, everybody[10:])
    days = [*former["mood_daily"], {"day": "2026-05-02", "posts": 40, "avg_polarity": 0.1}]
    new = publish(
        database, everybody, mood_daily=days, summary={"authors": len(everybody), "posts": 340}
    )
    assert ids(database) == {former["_id"], new["_id"]}


def test_of_older_publications_nothing_is_known_so_none_stays(database, everybody):
    first, second = publish(database, everybody[20:]), publish(database, everybody[10:])
    assert ids(database) == {first["_id"], second["_id"]}
    third = publish(database, everybody)
    assert ids(database) == {second["_id"], third["_id"]}


def test_after_an_author_was_erased_the_former_publication_does_not_stay(database, everybody):
    publish(database, everybody)
    database.assignments.delete_one({"_id": everybody["_id"][0]})
    new = publish(database, everybody[10:])
    assert ids(database) == {new["_id"]}


def test_new_assignments_under_the_same_publication_are_taken_over(database, everybody):
    publish(database, everybody)
    publish(database, everybody.assign(cluster=0))
    assert {row["cluster"] for row in held(database)["assignments"]} == {0}


def test_a_refused_publication_changes_nothing(database, everybody):
    publish(database, everybody)
    before = held(database)
    wrong = identified({**publication(everybody[10:]), "members": ["ann"]})
    with pytest.raises(pymongo.errors.WriteError):
        publications.publish(database, wrong, everybody[10:])
    assert held(database) == before


@pytest.fixture
def small_chunks(monkeypatch):
    """Assignments are written in several steps, between which a crash may come."""
    monkeypatch.setattr(server, "CHUNK", 40)


def clear(database):
    for name in ("published", "current", "assignments"):
        database[name].delete_many({})


def together(one, other):
    atoms = (privacy.atoms(rows.set_index("_id")["cell"], K) for rows in (one, other))
    return privacy.together(*atoms, K)


@pytest.mark.usefixtures("small_chunks")
def test_after_a_crash_at_any_step_readers_see_one_publication_and_the_next_one_ends_right(
    database, everybody
):
    # The first two differ by one author; the third can be read beside the first alone.
    frames = [everybody, everybody[1:], everybody[:40]]
    assert [together(*pair) for pair in combinations(frames, 2)] == [False, True, False]
    about = {publication(rows)["_id"]: rows for rows in frames}
    former, new = (publication(rows) for rows in frames[:2])
    steps = 4 + 2  # a document, rows away, the pointer, others away; then two chunks of rows
    for done, rows in product(range(steps + 1), frames):
        clear(database)
        publications.publish(database, former, everybody)
        writes = publications.writes(database, new, frames[1])
        assert len(writes) == steps
        for write in writes[:done]:
            write()
            assert publications.current(database) in (former, new)
        last = publish(database, rows)
        assert publications.current(database) == last
        assert held(database)["assignments"] == sorted(
            rows.to_dict("records"), key=lambda row: row["_id"]
        )
        assert all(together(about[old], rows) for old in ids(database) - {last["_id"]})
        before = held(database)
        publish(database, rows)
        assert held(database) == before


def test_a_reader_who_asked_for_the_pointer_just_before_finds_the_next_publication(
    database, everybody
):
    publish(database, everybody)

    class Replacing:
        """The database, in which a publication is replaced between a reader's two questions."""

        current = database.current
        asked = 0

        @property
        def published(self):
            self.asked += 1
            if self.asked == 1:
                publish(database, everybody[1:])
            return database.published

    assert publications.current(Replacing()) == publication(everybody[1:])

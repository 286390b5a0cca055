"""Publications are immutable, readers are moved from one to the next in one step, and no two that
single somebody out by comparison lie beside each other."""

import json
from itertools import combinations, product

import pandas as pd
import pymongo.errors
import pytest

from customer_profiles.privacy import cells
from customer_profiles.privacy.keys.key import demonstration_key
from customer_profiles.project.vocabulary import WEEKDAYS
from customer_profiles.publication import continuity
from customer_profiles.publication.document import CERTIFICATE as CERTIFICATES
from customer_profiles.publication.document import SEGMENT, SUMMARY, example
from customer_profiles.publication.segments import identified
from customer_profiles.store import connection, publications
from customer_profiles.store.errors import StoreError
from customer_profiles.store.profiles import read
from tests.publication.published import small

K = 10
KEY = demonstration_key()
CLUSTERS = example(SUMMARY)["clusters"]
CURVE = CLUSTERS["curves"][0]
DAY = {"day": "2026-05-01", "posts": 300, "avg_polarity": 0.5}
CERTIFICATE = example(CERTIFICATES)


def draft(assignments, segment=None, summary=None, **others):
    """What is said of the authors of `assignments`, without `_id`; the rest replaces parts of it.

    Segments that are numbered alike have the same centroid.
    """
    row = example(SEGMENT) | (segment or {})
    segments = [
        {**row, "id": number, "name": f"segment {number}", "customers": size}
        | {"centroid": {"polarity": 2.0 * number}}
        for number, size in assignments["cluster"].value_counts().sort_index().items()
    ]
    whole = {"authors": len(assignments), "posts": 300, **(summary or {})}
    parts = {"summary": example(SUMMARY) | whole, "segments": segments, "mood_daily": [DAY]}
    return small(**parts | others)


def publication(assignments, **others):
    """The same, with its `_id`."""
    return identified(draft(assignments, **others))


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


def contents(database):
    names = ("published", "current", "assignments")
    return {name: list(database[name].find().sort("_id")) for name in names}


def by_id(assignments):
    return assignments.sort_values("_id").to_dict("records")


def assigned(database):
    """The stored assignments, unsealed."""
    return by_id(read(database, "assignments", KEY))


def ids(database):
    return {row["_id"] for row in database.published.find()}


class Meanwhile:
    """A database in which something is done just before a collection is asked for the n-th time."""

    def __init__(self, database, collection, n, do):
        self.database, self.collection, self.left, self.do = database, collection, n, do

    def __getattr__(self, name):
        self.left -= name == self.collection
        if name == self.collection and self.left == 0:
            self.do()
        return self.database[name]


def publish(database, assignments, **others):
    new = publication(assignments, **others)
    publications.publish(database, new, assignments, KEY)
    return new


def publish_next(database, assignments, new=None):
    new = new or draft(assignments)
    return publications.publish_next(database, new, assignments, KEY, continuity.successor)


def test_before_the_first_publication_there_is_none(database):
    assert publications.current(database) is None


def test_what_was_published_is_current(database, everybody):
    new = publish(database, everybody)
    assert publications.current(database) == new
    assert assigned(database) == by_id(everybody)


def test_publishing_the_same_again_changes_nothing(database, everybody):
    publish(database, everybody[10:])
    publish(database, everybody)
    before = contents(database)
    assert len(before["published"]) == 2
    publish(database, everybody)
    assert contents(database) == before


@pytest.mark.parametrize(
    ("leavers", "kept"),
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
    database, everybody, leavers, kept
):
    fewer = everybody.drop(index=list(leavers))
    for first, then in ((everybody, fewer), (fewer, everybody)):
        former, new = publish(database, first), publish(database, then)
        assert ids(database) == ({former["_id"], new["_id"]} if kept else {new["_id"]})
        assert publications.current(database) == new


def test_another_clustering_of_the_same_authors_replaces_the_former_publication(
    database, everybody
):
    publish(database, everybody)
    new = publish(database, everybody.assign(cluster=0, cell="0/0"), cells=[])
    assert ids(database) == {new["_id"]}


def certified(k):
    return {**CERTIFICATE, "published": {**CERTIFICATE["published"], "k": k}}


def test_another_certificate_alone_replaces_the_former_publication(database, everybody):
    publish(database, everybody)
    new = publish(database, everybody, certificate=certified(11))
    assert ids(database) == {new["_id"]}


@pytest.mark.parametrize(
    "others",
    [
        {"mood_daily": [{**DAY, "posts": 299}]},
        {"mood_daily": [{**DAY, "avg_polarity": 0.51}]},
        {"mood_daily": []},
        {"summary": {"posts": 301}},
        {"summary": {"avg_favorites": 3.5}},
        {"summary": {"mood": {"negative": 0.31, "neutral": 0.3, "positive": 0.3}}},
        {"segment": {"no_verified": 12}},
        {"segment": {"avg_polarity": 0.72}},
        {"summary": {"clusters": CLUSTERS | {"curves": [CURVE | {"inertia": 4130}]}}},
        {"segment": {"mood": {"negative": 0.3, "neutral": 0.3, "positive": None}}},
        {"segment": {"volume": 0.31}},
        {"segment": {"weekdays": dict.fromkeys(WEEKDAYS, 0.14)}},
        {"segment": {"index": {}}},
        {"certificate": certified(21)},
    ],
    ids=[
        "posts", "mood", "day", "all posts", "average", "mood of all", "verified",
        "average of a segment", "evidence", "mood of a segment", "volume", "weekdays", "index",
        "larger k",
    ],
)  # fmt: skip
def test_other_figures_that_differ_by_nobody_knows_whom_take_the_former_along(
    database, everybody, others
):
    publish(database, everybody)
    new = publish(database, everybody[10:], **others)
    assert ids(database) == {new["_id"]}


def test_a_day_more_leaves_the_former_publication_alone(database, everybody):
    former = publish(database, everybody[10:])
    days = [*former["mood_daily"], {"day": "2026-05-02", "posts": 40, "avg_polarity": 0.1}]
    new = publish(database, everybody, mood_daily=days, summary={"posts": 340})
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
    new = publish(database, everybody)
    publications.publish(database, new, everybody.assign(cluster=0), KEY)
    assert {row["cluster"] for row in assigned(database)} == {0}


def test_a_refused_publication_changes_nothing(database, everybody):
    publish(database, everybody)
    before = contents(database)
    wrong = identified({**publication(everybody[10:]), "members": ["ann"]})
    with pytest.raises(pymongo.errors.WriteError):
        publications.publish(database, wrong, everybody[10:], KEY)
    assert contents(database) == before


@pytest.fixture
def small_chunks(monkeypatch):
    """Assignments are written in several steps, between which a crash may come."""
    monkeypatch.setattr(connection, "CHUNK", 40)


def clear(database):
    for name in ("published", "current", "assignments"):
        database[name].delete_many({})


def together(one, other):
    atoms = (cells.atoms(rows.set_index("_id")["cell"], K) for rows in (one, other))
    return cells.together(*atoms, K)


@pytest.mark.long
@pytest.mark.usefixtures("small_chunks")
def test_after_a_crash_at_any_step_readers_see_one_publication_and_the_next_one_ends_right(
    database, everybody
):
    # The first two differ by one author; the third can be read beside the first alone.
    frames = [everybody, everybody[1:], everybody[:40]]
    assert [together(*pair) for pair in combinations(frames, 2)] == [False, True, False]
    sizes = {len(rows): rows for rows in frames}
    former, new = (publication(rows) for rows in frames[:2])
    steps = 4 + 2  # a document, rows away, the pointer, others away; then two chunks of rows
    for done, rows in product(range(steps + 1), frames):
        clear(database)
        publications.publish(database, former, everybody, KEY)
        writes = publications.writes(database, new, frames[1], KEY)
        assert len(writes) == steps
        for write in writes[:done]:
            write()
            assert publications.current(database) in (former, new)
        seen = publications.current(database)
        last = publish_next(database, rows)
        assert publications.current(database) == last
        assert assigned(database) == by_id(rows)
        _, *beside = publications.listed(database)
        assert ids(database) == {last["_id"], *(row["id"] for row in beside)}
        assert all(together(sizes[row["authors"]], rows) for row in beside)
        if seen["summary"]["authors"] == len(rows):  # what it repeats was done
            assert last == seen
        else:
            assert last["continuity"]["former"] == seen["_id"]
        before = contents(database)
        assert publish_next(database, rows) == last
        assert contents(database) == before


def test_a_reader_who_asked_for_the_pointer_just_before_finds_the_next_publication(
    database, everybody
):
    publish(database, everybody)
    meanwhile = Meanwhile(database, "published", 1, lambda: publish(database, everybody[1:]))
    assert publications.current(meanwhile) == publication(everybody[1:])


def test_the_first_publication_follows_on_none_and_the_next_one_on_it(database, everybody):
    first = publish_next(database, everybody)
    nothing = {"former": None, "born": [], "died": []}
    assert first == identified({**draft(everybody), "continuity": nothing})
    assert publications.current(database) == first
    called = {"name": "called otherwise"}
    fewer = draft(everybody[1:])
    fewer["segments"] = [row | called for row in fewer["segments"]]
    second = publish_next(database, everybody[1:], fewer)
    assert publications.current(database) == second
    assert [row["name"] for row in second["segments"]] == ["segment 0", "segment 1"]
    assert second["continuity"] == {"former": first["_id"], "born": [], "died": []}


def test_publishing_the_same_again_after_another_gives_the_same_bytes(database, everybody):
    publish_next(database, everybody)
    second = publish_next(database, everybody[1:])
    before = contents(database)
    again = draft(everybody[1:])
    again["segments"] = [row | {"name": "called otherwise"} for row in again["segments"]]
    assert json.dumps(publish_next(database, everybody[1:], again)) == json.dumps(second)
    assert contents(database) == before


def test_the_third_publication_follows_on_the_second_also_where_it_says_what_the_first_said(
    database, everybody
):
    first, second, third = (
        publish_next(database, rows) for rows in (everybody, everybody[1:], everybody)
    )
    assert continuity.have_equal_content(first, third)
    assert third["continuity"]["former"] == second["_id"]
    assert second["continuity"]["former"] == first["_id"]


def test_after_an_author_was_erased_segments_are_matched(database, everybody):
    publish_next(database, everybody)
    erased = {"_id": everybody["_id"][0]}
    for name in ("profiles", "assignments"):
        database[name].delete_one(erased)
    new = publish_next(database, everybody[1:])
    assert (new["continuity"]["born"], new["continuity"]["died"]) == ([], [])


def test_nothing_is_published_of_an_author_who_was_erased_meanwhile(database, everybody):
    publish_next(database, everybody)
    database.profiles.delete_one({"_id": everybody["_id"][0]})
    before = contents(database)
    with pytest.raises(StoreError, match="erased, or have expired, since"):
        publish_next(database, everybody, draft(everybody, summary={"posts": 1}))
    assert contents(database) == before


def test_publications_that_can_be_read_are_listed_the_current_one_first(database, everybody):
    assert publications.listed(database) == []
    former, new = publish(database, everybody), publish(database, everybody[10:])
    row = {"segments": 2, "verdict": "in kind"}
    days = {"first_day": "2026-05-01", "last_day": "2026-06-30"}
    assert publications.listed(database) == [
        {"id": new["_id"], "current": True, "authors": 70, **row, **days},
        {"id": former["_id"], "current": False, "authors": 80, **row, **days},
    ]


def test_a_publication_that_is_not_yet_or_no_more_to_be_read_is_not_listed(database, everybody):
    former, new = publish(database, everybody[10:]), publication(everybody[1:])
    document, _, pointer, *_ = publications.writes(database, new, everybody[1:], KEY)
    for write, current in ((document, former), (pointer, new)):
        write()
        assert ids(database) == {former["_id"], new["_id"]}
        assert [row["id"] for row in publications.listed(database)] == [current["_id"]]


def test_whoever_asks_for_the_list_while_a_publication_is_replaced_gets_one_that_holds(
    database, everybody
):
    publish(database, everybody)
    meanwhile = Meanwhile(database, "current", 2, lambda: publish(database, everybody[1:]))
    assert [row["authors"] for row in publications.listed(meanwhile)] == [79]

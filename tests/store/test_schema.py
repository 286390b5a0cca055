"""What may be in the database, how one of a former version is changed, what is found by index."""

import subprocess
import sys
from datetime import date
from itertools import count

import pandas as pd
import pymongo
import pymongo.errors
import pytest
from pymongo.monitoring import CommandListener

from customer_profiles.privacy.keys.key import demonstration_key
from customer_profiles.privacy.sealing import LAYOUTS
from customer_profiles.project.vocabulary import AUTHOR_COUNTS, POST_COUNTS
from customer_profiles.publication.segments import identified
from customer_profiles.store import publications, schema, sealed_days, tokens
from customer_profiles.store.errors import StoreError
from tests.publication.published import small

TODAY = date(2026, 5, 1)
# To read all is the way to find what is nearly all.
NEARLY_ALL = {"origin": "archive"}
KEY = demonstration_key()
PUBLICATION = identified(small())
# Rows as they were before version 7, all of whose values could be read, in bins.
BINS = dict.fromkeys(("polarity", "subjectivity", *POST_COUNTS, *AUTHOR_COUNTS), 1)
BINNED = {
    "scorer": "0" * 16, "origin": "archive", "day": "2026-05-01", "label": "neutral", **BINS,
    "verified": False, "protected": False,
}  # fmt: skip
OF_THE_STREAM = {"partialFilterExpression": {"origin": "stream"}}
BINNED_PROFILE = {"posts": 1, **BINS, "first_month": "2026-05", "last_month": "2026-05"}
# As far as its shape was known before version 3.
OF_BEFORE = identified({
    "summary": {}, "segments": [], "cells": [], "mood_daily": [], "certificate": {},
    "provenance": {},
})  # fmt: skip
WITHOUT_FLAGS = identified(small(summary={"authors": 1500}))
FORMER_VERDICT = identified(small(summary={
    **PUBLICATION["summary"], "clusters": {"verdict": "stable structure", "by_hand": False},
}))  # fmt: skip
FORMER_WORDS = identified(small(summary={
    **PUBLICATION["summary"],
    "clusters": {**PUBLICATION["summary"]["clusters"], "verdict": "groups in kind"},
}))  # fmt: skip
# Eight processes that begin to prepare at the same moment.
EIGHT = """
import os, sys
from multiprocessing import get_context
import pymongo
from customer_profiles.store import schema

def prepare(barrier):
    with pymongo.MongoClient(sys.argv[1], w="majority") as client:
        client.admin.command("ping")
        barrier.wait()
        schema.prepare(client[sys.argv[2]])

fork = get_context("fork")
barrier = fork.Barrier(8)
eight = [fork.Process(target=prepare, args=[barrier]) for _ in range(8)]
for process in eight:
    process.start()
for process in eight:
    process.join()
sys.exit(sum(process.exitcode != 0 for process in eight))
"""


@pytest.fixture
def posts(observe):
    return observe({"author": "ann"}, {"author": "ann", "polarity": 0.9}, {"author": "bob"})


@pytest.fixture
def assignments(pseudonym):
    return pd.DataFrame(
        {"_id": [pseudonym("ann"), pseudonym("bob")], "cluster": [0, 1], "cell": ["0/1", "1/1"]}
    )


@pytest.fixture
def binned(pseudonym):
    """Function from a post's name, its author's and what is special about it to its former row."""
    return lambda post, author, **special: {
        "_id": pseudonym(post), "author": pseudonym(author), **BINNED, **special
    }  # fmt: skip


@pytest.fixture
def first_version(database, binned, assignments):
    """Function that makes the database one of version 1, filled: no versions, cells, tombstones."""
    rules = {
        name: fields
        for name, fields in schema.COLLECTIONS.items()
        if name not in ("tombstones", "schema", "leases")
    }
    rules["observations"] = {name: {} for name in ("_id", "author", *BINNED)}
    rules["profiles"] = {name: {} for name in ("_id", *BINNED_PROFILE)}
    rules["assignments"] = {"_id": schema.PSEUDONYM, "cluster": {"bsonType": "int"}}
    rules["current"] = {"_id": {"enum": ["current"]}, "publication": schema.PUBLICATION["_id"]}
    rules["published"] = {name: {} for name in OF_BEFORE}

    def make():
        database.client.drop_database(database.name)
        for name, fields in rules.items():
            rule = {"bsonType": "object", "required": list(fields), "properties": fields}
            rule["additionalProperties"] = False
            database.create_collection(name, validator={"$jsonSchema": rule})
        database.observations.create_index("author")
        database.observations.create_index("day", **OF_THE_STREAM)  # until version 7
        database.api_tokens.create_index("sha256", unique=True)
        posts = [("one", "ann"), ("two", "ann"), ("three", "bob")]
        database.observations.insert_many([binned(*post) for post in posts])
        former = assignments.drop(columns="cell").to_dict("records")
        database.profiles.insert_many([{"_id": row["_id"], **BINNED_PROFILE} for row in former])
        database.assignments.insert_many(former)
        database.published.insert_one(OF_BEFORE)
        database.current.insert_one({"_id": "current", "publication": OF_BEFORE["_id"]})
        return database

    return make


@pytest.fixture
def fresh(database):
    """A database that never was of another version."""
    other = database.client[f"{database.name}_fresh"]
    schema.prepare(other)
    yield other
    database.client.drop_database(other.name)


def whole(database):
    """Rules, indexes and rows of every collection."""
    options = {r["name"]: {**schema.STRICT, **r["options"]} for r in database.list_collections()}
    rows = {
        name: list(database[name].find().sort("_id")) for name in sorted({*options} - {"leases"})
    }
    return options, {name: database[name].index_information() for name in rows}, rows


@pytest.mark.parametrize(
    "wrong",
    [
        {"text": "a post"},
        {"polarity": 0.37},
        {"author": "1234567890"},
        {"day": "2026-05-01"},
        {"month": "2026-05-01"},
        {"followers": 12345},
        {"origin": "elsewhere"},
        {"sealed": "2026-05-01, neutral"},
    ],
)
def test_what_could_identify_somebody_is_refused_by_the_database(database, posts, seal, wrong):
    row = seal(posts)[0]
    with pytest.raises(pymongo.errors.WriteError):
        database.observations.insert_one({**row, **wrong})
    database.observations.insert_one(row)


def test_of_a_row_about_a_person_nothing_can_be_read_but_what_finds_it():
    readable = {name: set(schema.COLLECTIONS[name]) - {"sealed"} for name in LAYOUTS}
    assert readable == {
        "observations": {"_id", "author", "scorer", "origin", "month"},
        "profiles": {"_id"},
        "assignments": {"_id"},
    }
    assert {name: {*layout.readable} for name, layout in LAYOUTS.items()} == readable


@pytest.mark.parametrize("name", schema.COLLECTIONS)
def test_no_collection_takes_a_field_it_does_not_know_or_lacks_one(database, name):
    rule = database[name].options()["validator"]["$jsonSchema"]
    assert rule["additionalProperties"] is False
    assert set(rule["required"]) == set(rule["properties"]) == set(schema.COLLECTIONS[name])
    with pytest.raises(pymongo.errors.WriteError):
        database[name].insert_one({"_id": "0" * 32})


def test_preparing_again_changes_nothing_and_puts_a_lost_validator_back(database):
    def validators():
        return {name: database[name].options().get("validator") for name in schema.COLLECTIONS}

    before = validators()
    database.command("collMod", "profiles", validator={})
    assert validators() != before
    schema.prepare(database)
    assert validators() == before


def test_a_database_of_the_first_version_becomes_as_one_made_new(
    first_version, fresh, posts, assignments, load
):
    former = first_version()
    assert schema.version(former) == 1
    schema.prepare(former)
    about = ("observations", "profiles", "assignments", "published", "current")
    assert [name for name in about if former[name].count_documents({})] == []
    for each in (former, fresh):
        load(each, posts)
        publications.publish(each, PUBLICATION, assignments, KEY)
    assert whole(former) == whole(fresh)
    assert schema.version(former) == schema.NEWEST == 8


def test_preparing_keeps_what_this_version_wrote(database, posts, assignments, load):
    load(database, posts)
    publications.publish(database, PUBLICATION, assignments, KEY)
    before = whole(database)
    database.schema.delete_many({})  # as if somebody were stopped before it remembered
    schema.prepare(database)
    assert whole(database) == before
    assert database.assignments.count_documents({}) == 2
    assert publications.current(database) == PUBLICATION


@pytest.mark.parametrize(
    ("version", "before"),
    [(2, OF_BEFORE), (3, WITHOUT_FLAGS), (5, FORMER_VERDICT), (6, FORMER_WORDS)],
)
def test_of_the_publications_those_of_the_former_shape_are_forgotten(database, version, before):
    unchecked = {"bypass_document_validation": True}
    database.published.insert_one(before, **unchecked)
    database.published.insert_one(PUBLICATION)
    pointer = {"_id": "current", "publication": before["_id"], "beside": []}
    database.current.insert_one(pointer)
    database.schema.update_one({}, {"$set": {"version": version}})
    schema.prepare(database)
    assert list(database.published.find()) == [PUBLICATION]
    assert publications.current(database) is None
    assert database.current.count_documents({}) == 0


def test_a_publication_that_told_of_flows_stays_without_them(database):
    flow = {"origin": "Quiet critics", "segment": 0, "authors": "<10"}
    continuity = {**PUBLICATION["continuity"], "flows": [flow]}
    before = {**PUBLICATION, "continuity": continuity}
    database.published.insert_one(before, bypass_document_validation=True)
    pointer = {"_id": "current", "publication": before["_id"], "beside": []}
    database.current.insert_one(pointer)
    database.schema.update_one({}, {"$set": {"version": 4}})
    schema.prepare(database)
    assert publications.current(database) == PUBLICATION
    assert schema.version(database) == schema.NEWEST


def test_rows_of_before_end_and_those_of_the_stream_with_a_warning_and_all_is_derived_anew(
    database, binned, posts, seal, load, fresh, caplog
):
    unchecked = {"bypass_document_validation": True}
    archived = [binned(f"post {number}", "ann", flag="") for number in range(2)]
    streamed = [binned(f"live {number}", "cy", flag="", origin="stream") for number in range(3)]
    kept = seal(posts.assign(origin="stream"))[2]
    database.observations.insert_many([*archived, *streamed, kept], **unchecked)
    assert archived[0]["_id"] == posts["_id"][0]
    former = [{"_id": archived[0]["author"], **BINNED_PROFILE}]
    database.profiles.insert_many(former, **unchecked)
    database.observations.create_index("day", **OF_THE_STREAM)
    database.state.insert_one({"_id": "profiles", "recipe": "of before", "stale": False})
    database.schema.update_one({}, {"$set": {"version": 6}})
    schema.prepare(database)
    assert "3 posts of the live stream were stored in bins by a former version" in caplog.text
    assert "score their pages by `make repro X_ARCHIVE=data/collect/pages`" in caplog.text
    assert list(database.observations.find()) == [kept]
    assert database.profiles.count_documents({}) == 0
    load(database, posts)
    load(fresh, posts)
    assert whole(database) == whole(fresh)


def test_no_warning_is_given_where_all_of_before_comes_again_from_the_archive(
    first_version, caplog
):
    schema.prepare(first_version())
    assert caplog.text == ""


class Killed(BaseException):
    """Not an Exception, which the driver would keep to itself."""


class Killing(CommandListener):
    """Ends the program before its n-th command is sent."""

    def __init__(self, after):
        self.left = after

    def started(self, event):
        self.left -= 1
        if self.left == 0:
            raise Killed

    def succeeded(self, event):
        pass

    failed = succeeded


@pytest.mark.long
def test_a_preparation_stopped_before_any_of_its_steps_is_finished_by_the_next(
    first_version, fresh, mongodb
):
    expected = None
    for step in count(1):
        former = first_version()
        listener = Killing(step)
        with pymongo.MongoClient(mongodb, event_listeners=[listener]) as client:
            try:
                schema.prepare(client[former.name])
            except Killed:
                schema.prepare(former)
            done = listener.left > 0
            listener.left = 0
        expected = expected or whole(former)
        assert whole(former) == expected
        if done:
            break
    assert step > 8
    assert expected[:2] == whole(fresh)[:2]
    assert schema.version(former) == schema.NEWEST


@pytest.mark.parametrize("former", [False, True])
def test_eight_programs_may_prepare_a_database_at_once(
    database, mongodb, first_version, fresh, former
):
    if former:
        first_version()
    else:
        database.client.drop_database(database.name)
    done = subprocess.run(
        [sys.executable, "-c", EIGHT, mongodb, database.name],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert whole(database)[:2] == whole(fresh)[:2]
    assert schema.version(database) == schema.NEWEST
    assert database.observations.count_documents({}) == 0


def test_a_database_of_a_newer_program_is_refused_and_stays_as_it_is(database):
    database.schema.update_one({}, {"$set": {"version": 70}})
    database.command("collMod", "profiles", validator={"_id": {"$exists": True}})
    before = whole(database)
    with pytest.raises(
        StoreError, match=r"newer version of this program \(schema 70, .* knows 8\)"
    ):
        schema.prepare(database)
    assert whole(database) == before


def test_steps_to_newer_versions_are_done_in_order_each_once_and_again_after_a_failure(
    first_version, monkeypatch
):
    former, done = first_version(), []

    def step(number):
        def migrate(database):
            done.append(number)
            if done.count(3) == 1:
                raise RuntimeError("stopped")

        return migrate

    monkeypatch.setattr(schema, "MIGRATIONS", {n: step(n) for n in (2, 3, 4)})
    monkeypatch.setattr(schema, "NEWEST", 4)
    with pytest.raises(RuntimeError, match="stopped"):
        schema.prepare(former)
    assert schema.version(former) == 2
    for _ in range(2):
        schema.prepare(former)
    assert done == [2, 3, 3, 4]
    assert schema.version(former) == 4


class Seen(CommandListener):
    """The commands that were sent."""

    def __init__(self):
        self.commands = []

    def started(self, event):
        self.commands.append(dict(event.command))

    def succeeded(self, event):
        pass

    failed = succeeded


def questions(command):
    """What in a command asks for some of the rows, each as a command that can be explained."""
    if "find" in command and command.get("filter", NEARLY_ALL) not in ({}, NEARLY_ALL):
        wanted = ("find", "filter", "sort", "projection", "limit")
        yield {name: command[name] for name in wanted if name in command}
    if "distinct" in command:
        yield {name: command[name] for name in ("distinct", "key", "query")}
    if "aggregate" in command and command["pipeline"][0].get("$match", NEARLY_ALL) != NEARLY_ALL:
        yield {**{name: command[name] for name in ("aggregate", "pipeline")}, "cursor": {}}
    for name, parts in (("update", "updates"), ("delete", "deletes")):
        if name in command:
            yield from (
                {name: command[name], parts: [part]} for part in command[parts] if part["q"]
            )


def scanned(database, question):
    """Whether the server reads a whole collection to answer."""
    plan = database.command("explain", question, verbosity="queryPlanner")
    return "COLLSCAN" in str(plan)


def twice(load):
    """Loading new rows, and then others, some of them changed."""

    def ask(database, posts):
        load(database, posts)
        load(database, posts.assign(polarity=0.3)[:2], first="2026-04-01")

    return ask


def publish_twice(database, posts):
    assignments = pd.DataFrame({"_id": sorted(set(posts["author"])), "cluster": 0, "cell": "0"})
    for number in (0, 1):
        publications.publish(database, PUBLICATION, assignments.assign(cluster=number), KEY)


ASKED = {
    "what the API serves": lambda database, posts: publications.current(database),
    "whose token it is": lambda database, posts: tokens.owner(database, "token", TODAY),
    "a new token": lambda database, posts: tokens.create(database, "name", 1, TODAY),
    "to revoke a token": lambda database, posts: tokens.revoke(database, "name"),
    "to publish": publish_twice,
    # What erasing and expiring ask.
    "rows of an author": lambda database, posts: database.observations.find_one(
        {"author": posts["author"][0]}
    ),
    "rows of authors": lambda database, posts: database.observations.delete_many(
        {"author": {"$in": list(posts["author"])}}
    ),
    "rows by id": lambda database, posts: database.observations.delete_many(
        {"_id": {"$in": list(posts["_id"])}}
    ),
    "profiles of authors": lambda database, posts: database.profiles.delete_many(
        {"_id": {"$in": list(posts["author"])}}
    ),
    "what was erased": lambda database, posts: list(
        database.tombstones.find({"_id": {"$in": list(posts["_id"])}})
    ),
    "what expires of the stream": lambda database, posts: list(
        sealed_days.before(database.observations, KEY, "2026-05-20", {"origin": "stream"})
    ),
    "the stream's newest day": lambda database, posts: sealed_days.newest(
        database, KEY, "2026-05-31"
    ),
}


@pytest.fixture
def questions_by_name(database, mongodb, posts, load, give_profiles):
    """What each of ASKED asks the server for, by its name."""
    listener = Seen()
    give_profiles(database, posts["author"].unique())
    tokens.create(database, "name of before", 1, TODAY)
    by_name = {}
    with pymongo.MongoClient(mongodb, event_listeners=[listener]) as client:
        for name, ask in {**ASKED, "to load": twice(load)}.items():
            listener.commands.clear()
            ask(client[database.name], posts)
            by_name[name] = [q for command in listener.commands for q in questions(command)]
    return by_name


def test_no_question_for_some_of_the_rows_is_answered_by_reading_all(database, questions_by_name):
    assert [name for name, several in questions_by_name.items() if not several] == []
    slow = {
        name for name, several in questions_by_name.items() for q in several if scanned(database, q)
    }
    assert slow == set()


@pytest.mark.parametrize(
    ("collection", "index", "needs"),
    [
        ("observations", "author_1", {"rows of an author", "rows of authors", "to load"}),
        (
            "observations",
            "month_1",
            {"what expires of the stream", "the stream's newest day", "to load"},
        ),
        ("api_tokens", "sha256_1", {"whose token it is"}),
    ],
)
def test_without_an_index_the_questions_that_need_it_read_all(
    database, questions_by_name, collection, index, needs
):
    database[collection].drop_index(index)
    assert {
        n for n, several in questions_by_name.items() for q in several if scanned(database, q)
    } == needs


def test_every_index_is_tried_above():
    made = {(name, index.document["name"]) for name, of in schema.INDEXES.items() for index in of}
    (tried,) = test_without_an_index_the_questions_that_need_it_read_all.pytestmark
    assert {case[:2] for case in tried.args[1]} == made

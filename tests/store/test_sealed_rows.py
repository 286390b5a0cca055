"""Rows at rest: what can be read of them, and what another key, damage and expiry do to them."""

import struct
from datetime import date

import numpy as np
import pandas as pd
import pytest
from bson import Int64

from customer_profiles.privacy.keys.key import AnotherKey, Damaged, Key, demonstration_key
from customer_profiles.privacy.sealing import OBSERVATIONS, PROFILES
from customer_profiles.project import files
from customer_profiles.publication.segments import identified
from customer_profiles.store import (
    connection,
    loading,
    publications,
    removal,
    schema,
    sealed_days,
    sealed_files,
    streaming,
)
from customer_profiles.store.errors import StoreError
from customer_profiles.store.profiles import Recipe, profile_updates, read, read_profiles
from tests.publication.published import small

KEY, OTHER = demonstration_key(), Key(bytes(range(32)))
RECIPE = Recipe(KEY)
TODAY = date(2026, 5, 4)
READABLE = {
    "observations": {"_id", "author", "scorer", "origin", "month"},
    "profiles": {"_id"},
    "assignments": {"_id"},
}
# Values that nothing else writes by chance.
DAY, MEAN = "2026-05-17", 0.734519
COUNTS = {"followers": 731_945_208_113, "listed": 918_273_645_546}


@pytest.fixture
def many(observe):
    """Posts of pseudonyms as they are, in an order that their values decide."""
    posts = observe(*({"author": f"author {n // 3}", "polarity": n / 50} for n in range(50)))
    return posts.assign(
        _id=KEY.pseudonyms("post", posts["_id"]), author=KEY.pseudonyms("author", posts["author"])
    )


@pytest.fixture
def three(observe):
    return observe(
        {"author": "ann"}, {"author": "ann", "day": "2026-05-03"}, {"author": "bob", "listed": 7}
    )


@pytest.fixture
def pulled(project, database, mongodb, monkeypatch):
    """The database, which is that of the archive pulled last, on a server of one's own."""
    monkeypatch.setenv("MONGODB_URI", mongodb)
    files.write_json(project / connection.MANIFEST, {"audience": database.name})
    return database


def load_stage(database, observations, days=0):
    """What the stage load does."""
    sealed_files.write("observations", observations, KEY)
    file = sealed_files.path("observations")
    return loading.load(database.name, file, RECIPE, days=days, as_of="", today=TODAY)


def stream(database, observations, recipe=RECIPE, days=0, as_of="", today=TODAY):
    return streaming.write(database, observations, recipe, days, as_of, today)


def assign(database, observations):
    """Publish, each author in a segment."""
    authors = pd.DataFrame({"_id": sorted(set(observations["author"]))})
    assigned = authors.assign(cluster=np.arange(len(authors)) % 2, cell="0/1")
    publications.publish(database, identified(small()), assigned, KEY)


def everything(database):
    names = ("observations", "profiles", "assignments", "state")
    return {name: list(database[name].find().sort("_id")) for name in names}


def days(database):
    """Days of the stored posts, in order."""
    return sorted(read(database, "observations", KEY)["day"])


def test_exactly_the_named_fields_can_be_read_and_all_rows_are_of_equal_length(
    database, load, many
):
    load(database, many.assign(followers=2 ** np.arange(50)))
    assign(database, many)
    for name, fields in READABLE.items():
        rows = list(database[name].find())
        assert [row for row in rows if row.keys() != {*fields, "sealed"}] == []
        assert len({len(row["sealed"]) for row in rows}) == 1
        assert len({row["sealed"] for row in rows}) == len(rows) > 10
    (scorer,) = set(many["scorer"])
    rows = database.observations.find()
    readable = {(row["scorer"], row["origin"], row["month"]) for row in rows}
    assert readable == {(scorer, "archive", "2026-05")}


def told_by(content):
    """The values among DAY, COUNTS and MEAN that stand in `content`, as text or as a number."""
    ways = {
        "day": [DAY.encode(), DAY.replace("-", "").encode()],
        "mean": [str(MEAN).encode(), struct.pack("<d", MEAN), b"734519"],
        **{
            name: [str(count).encode(), count.to_bytes(8, "little"), struct.pack("<d", count)]
            for name, count in COUNTS.items()
        },
    }
    return {name for name, texts in ways.items() if any(text in content for text in texts)}


def content_of(folder):
    return b"\n".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())


def test_no_value_can_be_read_in_the_files_of_mongodb(project, observe, load):
    folder = project / connection.FOLDER
    values = {"day": DAY, "polarity": MEAN, "subjectivity": MEAN, **COUNTS}
    with connection.database("audience_sealed") as database:
        schema.prepare(database)
        load(database, observe({"author": "ann", **values}, {"author": "bob"}))
        pseudonym = database.profiles.find_one()["_id"]
        assert read_profiles(database, KEY)["followers"].max() == COUNTS["followers"]
    content = content_of(folder)
    assert pseudonym.encode() in content
    assert told_by(content) == set()
    # The same values would be found where they are not sealed.
    with connection.database("audience_open") as database:
        counts = {name: Int64(count) for name, count in COUNTS.items()}
        database.rows.insert_one({"day": DAY, "polarity": MEAN, **counts})
    assert told_by(content_of(folder)) == {"day", "mean", *COUNTS}


@pytest.mark.parametrize("what", ["observations", "profiles"])
def test_no_value_can_be_read_in_a_parquet_file(project, observe, pseudonym, what):
    posts = observe({"author": "ann", "day": DAY, "polarity": MEAN, **COUNTS})
    authors = pd.DataFrame([{
        **dict.fromkeys(PROFILES.columns, 1), "_id": pseudonym("ann"), "polarity": MEAN, **COUNTS,
        "first_month": "2026-05", "last_month": "2026-05",
    }])  # fmt: skip
    table = {"observations": posts, "profiles": authors}[what]
    sealed_files.write(what, table, KEY)
    stored = sealed_files.read_sealed(what)
    assert set(stored.columns) == {*READABLE[what], "sealed"}
    content = sealed_files.path(what).read_bytes() + stored.to_csv().encode()
    content += b"".join(stored["sealed"])
    assert pseudonym("ann").encode() in content
    assert told_by(content) == set()
    expected = {"mean", *COUNTS} | ({"day"} if what == "observations" else set())
    assert told_by(table.to_parquet(compression=None)) == expected
    read_back = sealed_files.read(what, KEY)
    assert read_back[list(COUNTS)].to_dict("records") == [COUNTS]
    assert read_back["polarity"].tolist() == [MEAN]


def test_the_order_of_rows_and_documents_is_that_of_their_ids_and_tells_nothing(pulled, many):
    assert not many["_id"].is_monotonic_increasing
    people = load_stage(pulled, many).profiles
    sealed_files.write("profiles", people, KEY)
    sealed_files.write("assignments", people[["_id"]].assign(cluster=0, cell=""), KEY)
    assign(pulled, many)
    for name in READABLE:
        in_file = sealed_files.read_sealed(name)["_id"].tolist()
        in_database = [row["_id"] for row in pulled[name].find()]
        assert in_file == in_database == sorted(in_file)
        assert len(in_file) > 10


def test_a_database_of_another_key_is_refused_and_nothing_in_it_is_overwritten(
    database, load, three
):
    load(database, three)
    assign(database, three)
    before, other = everything(database), Recipe(OTHER)
    theirs, own = KEY.fingerprint(), OTHER.fingerprint()
    way_out = (
        f"the rows of this database cannot be read: it was sealed with the key of fingerprint "
        f"{theirs}, and this one's is {own}: restore that key in CUSTOMER_PROFILES_KEY or "
        "data/secret.key"
    )
    for attempt in (
        lambda: load(database, three[:1], other),
        lambda: stream(database, three, other),
        lambda: removal.erase(database, list(three["_id"]), [], other),
        lambda: removal.expire(database, "2026-06-01", other),
    ):
        with pytest.raises(StoreError, match=way_out):
            attempt()
        assert everything(database) == before
    load(database, three)
    assert everything(database) == before


def test_a_file_of_another_key_is_refused_and_nothing_is_overwritten(
    database, load, three, tmp_path
):
    load(database, three)
    before = everything(database)
    table = OBSERVATIONS.seal(three.assign(listed=9), KEY)
    table.loc[2] = OBSERVATIONS.seal(three.assign(listed=9), OTHER).loc[2]
    files.write_parquet(tmp_path / "mixed.parquet", table)
    with pytest.raises(AnotherKey, match=f"key of fingerprint {OTHER.fingerprint()}"):
        loading.update(database, tmp_path / "mixed.parquet", RECIPE)
    assert everything(database) == before


DAMAGES = {
    "cut": lambda sealed, others: sealed[:-1],
    "empty": lambda sealed, others: b"",
    "one bit": lambda sealed, others: sealed[:-1] + bytes([sealed[-1] ^ 1]),
    "another row's": lambda sealed, others: others,
}


def damage(database, name, how="cut", number=0):
    """Damage the document of this number, by `how`, one of DAMAGES."""
    rows = list(database[name].find().sort("_id"))
    row, other = rows[number], rows[number - 1]
    sealed = DAMAGES[how](row["sealed"], other["sealed"])
    assert sealed != row["sealed"]
    database[name].update_one({"_id": row["_id"]}, {"$set": {"sealed": sealed}})


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("number", [0, 2])
def test_a_damaged_row_of_the_archive_is_refused_until_a_load_mends_it(
    database, load, three, how, number
):
    load(database, three)
    before = everything(database)
    damage(database, "observations", how, number)
    with pytest.raises(Damaged, match="run `dvc repro -f score`, which makes the rows of the arch"):
        read(database, "observations", KEY)
    assert load(database, three) == loading.Change(seen=3, stored=3, changed=1)
    assert everything(database) == before


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_row_of_a_file_is_refused_before_anything_is_written(
    database, load, three, tmp_path, how
):
    load(database, three)
    before = everything(database)
    table = OBSERVATIONS.seal(three.assign(listed=9), KEY)
    table.at[0, "sealed"] = DAMAGES[how](*table.loc[[0, 1], "sealed"])
    files.write_parquet(tmp_path / "damaged.parquet", table)
    with pytest.raises(Damaged, match="run `dvc repro -f score`"):
        loading.update(database, tmp_path / "damaged.parquet", RECIPE)
    assert everything(database) == before


@pytest.mark.parametrize("field", ["_id", "author", "scorer", "origin", "month"])
def test_a_readable_field_that_was_changed_is_noticed(database, load, three, field):
    changed = {"_id": "f" * 32, "author": "f" * 32, "scorer": "f" * 16, "origin": "stream",
               "month": "2026-04"}  # fmt: skip
    load(database, three)
    row = database.observations.find_one_and_delete({"_id": three["_id"][0]})
    database.observations.insert_one({**row, field: changed[field]})
    with pytest.raises(Damaged):
        read(database, "observations", KEY)


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_profile_is_derived_anew_by_the_stage_load(pulled, three, how):
    expected = load_stage(pulled, three).profiles
    before = everything(pulled)
    damage(pulled, "profiles", how)
    pd.testing.assert_frame_equal(load_stage(pulled, three).profiles, expected)
    assert everything(pulled) == before


@pytest.mark.parametrize("expire_days", [0, 30])
def test_a_damaged_row_of_the_stream_stops_only_its_author_and_its_pages_mend_it(
    pulled, observe, pseudonym, expire_days
):
    ann, bob = ({"_id": who, "author": who} for who in ("ann", "bob"))
    stream(pulled, observe(ann, bob), days=expire_days)
    damage(pulled, "observations", number=0)
    stored = pulled.observations.find_one({"_id": pseudonym("ann")})
    # Others are written on.
    stream(pulled, observe({"author": "cy"}), days=expire_days)
    assert len(read_profiles(pulled, KEY)) == 3
    way_out = "comes from its pages, by `make repro X_ARCHIVE=data/collect/pages`"
    with pytest.raises(Damaged, match=way_out):
        stream(pulled, observe({"_id": "more", "author": "ann"}), days=expire_days)
    assert pulled.state.find_one()["stale"]
    assert pulled.observations.find_one({"_id": pseudonym("ann")}) == stored
    people = load_stage(pulled, observe(ann, bob), days=expire_days).profiles
    assert sorted(people["posts"]) == [1, 1, 2]
    assert sorted(read(pulled, "observations", KEY)["origin"]) == ["archive"] * 2 + ["stream"] * 2


def test_a_damaged_row_of_the_stream_that_x_sends_again_is_mended(database, observe):
    posts = observe({"author": "ann"}, {"author": "bob"})
    stream(database, posts)
    before = everything(database)
    damage(database, "observations")
    stream(database, posts)
    assert everything(database) == before


@pytest.fixture
def spring(observe):
    """A post of each day around the end of April, by an author of its own."""
    around = ["2026-03-31", "2026-04-28", "2026-04-29", "2026-04-30", "2026-05-01", "2026-05-02"]
    return observe(*({"_id": day, "author": day, "day": day} for day in around))


@pytest.mark.parametrize(
    ("as_of", "expire_days", "left"),
    [
        ("2026-05-02", 2, ["2026-04-30", "2026-05-01", "2026-05-02"]),
        ("2026-05-02", 1, ["2026-05-01", "2026-05-02"]),
        ("2026-05-02", 3, ["2026-04-29", "2026-04-30", "2026-05-01", "2026-05-02"]),
        ("", 4, ["2026-04-28", "2026-04-29", "2026-04-30", "2026-05-01", "2026-05-02"]),
        ("", 0, ["2026-03-31", "2026-04-28", "2026-04-29", "2026-04-30", "2026-05-01",
                 "2026-05-02"]),
    ],
)  # fmt: skip
def test_what_the_stream_wrote_expires_by_the_day_across_the_border_of_a_month(
    database, spring, as_of, expire_days, left
):
    stream(database, spring)
    stream(database, spring[-1:], days=expire_days, as_of=as_of)
    assert days(database) == left
    assert len(read_profiles(database, KEY)) == len(left)


def test_every_row_expires_by_the_day_across_the_border_of_a_month(database, load, spring):
    load(database, spring[:4])
    stream(database, spring[2:])
    assign(database, spring)
    removal.expire(database, "2026-04-30", RECIPE)
    assert days(database) == ["2026-04-30", "2026-05-01", "2026-05-02"]
    for name in ("profiles", "assignments"):
        assert {row["_id"] for row in database[name].find()} == set(spring["author"][3:])


@pytest.mark.parametrize(
    ("last", "newest"),
    [("2026-05-03", "2026-05-02"), ("2026-05-01", "2026-05-01"), ("2026-04-29", "2026-04-29"),
     ("2026-04-27", "2026-03-31"), ("2026-03-30", "")],
)  # fmt: skip
def test_the_newest_day_of_the_stream_is_found_in_an_earlier_month_too(
    database, load, observe, spring, last, newest
):
    load(database, observe({"_id": "archived", "author": "ann", "day": "2026-05-03"}))
    stream(database, spring)
    assert sealed_days.newest(database, KEY, last) == newest


def test_a_damaged_row_expires_with_its_month(database, observe):
    posts = observe(
        {"_id": "a", "author": "ann", "day": "2026-04-20"},
        {"_id": "b", "author": "bob", "day": "2026-04-20"},
        {"_id": "c", "author": "cy", "day": "2026-05-02"},
    )
    stream(database, posts)
    damage(database, "observations", number=0)
    with profile_updates(database, RECIPE) as people:
        assert removal.remove_before(database.observations, people, "2026-04-25") == 1
    assert database.observations.count_documents({}) == 2
    with profile_updates(database, RECIPE) as people:
        assert removal.remove_before(database.observations, people, "2026-05-01") == 1
    assert days(database) == ["2026-05-02"]

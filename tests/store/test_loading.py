"""The database is made equal to the observations, and profiles are what these imply."""

import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from uuid import uuid4

import pandas as pd
import pymongo
import pytest
from pymongo.monitoring import CommandListener

from customer_profiles.privacy.keys.key import Damaged, demonstration_key
from customer_profiles.privacy.sealing import OBSERVATIONS, PROFILES, ordered
from customer_profiles.project import files
from customer_profiles.project.vocabulary import UNKNOWN
from customer_profiles.store import profiles, schema
from customer_profiles.store.commands import table
from customer_profiles.store.errors import StoreError
from customer_profiles.store.loading import Change, Limits, update
from customer_profiles.store.profiles import Recipe, read, read_profiles

KEY = demonstration_key()
EVERY_POST, EXCLUDING = Recipe(KEY, exclude_flagged=False), Recipe(KEY)
COLLECTIONS = ("observations", "profiles", "state")


def rows(database, *names):
    """Whole rows of the collections, as stored."""
    return {name: list(database[name].find().sort("_id")) for name in names or COLLECTIONS}


def people(database):
    """The profiles, unsealed, by their pseudonym, in its order."""
    return read_profiles(database, KEY).set_index("_id").sort_index()


@pytest.fixture
def load_sealed(database, tmp_path):
    """Function that makes the database's rows equal to sealed ones, by way of a file."""

    def loaded(table, recipe=EVERY_POST, into=database, **limits):
        file = tmp_path / f"{uuid4().hex}.parquet"
        files.write_parquet(file, table)
        return update(into, file, recipe, Limits(**limits))

    return loaded


@pytest.fixture
def load(load_sealed):
    """Function that does so with observations that are not sealed yet, in their order."""

    def loaded(observations, *arguments, **options):
        table = OBSERVATIONS.seal(observations, KEY).drop_duplicates("_id").set_index("_id")
        return load_sealed(table.loc[observations["_id"]].reset_index(), *arguments, **options)

    return loaded


@pytest.fixture
def fresh(mongodb, database, load):
    """Function from observations to all rows of a database that never held anything else."""
    other = database.client[f"{database.name}_fresh"]

    def loaded(observations, *names, recipe=EVERY_POST):
        database.client.drop_database(other.name)
        schema.prepare(other)
        load(observations, recipe, into=other)
        return rows(other, *names)

    yield loaded
    database.client.drop_database(other.name)


@pytest.fixture
def three(observe):
    return observe(
        {"author": "ann", "polarity": 0.912345},
        {"author": "ann", "polarity": 0.2, "day": "2026-05-03", "favorites": 1_234_567},
        {"author": "bob"},
    )


def test_a_post_is_stored_as_it_was_observed(database, load, three):
    load(three)
    stored = read(database, "observations", KEY)
    wanted = ordered(three, last=("author", "_id"))
    pd.testing.assert_frame_equal(stored, wanted, check_dtype=False)


def test_loading_twice_changes_nothing(database, load, three):
    load(three)
    first = rows(database)
    load(three)
    assert rows(database) == first
    assert len(first["profiles"]) == 2


def test_loading_shows_how_far_it_is(load, three, capsys):
    load(three)
    assert re.search(r"loading observations: 100%.*(\d+)/\1 ", capsys.readouterr().err)


def test_a_load_says_what_it_did(load, three):
    assert load(three) == Change(seen=3, stored=3, new=3)
    assert load(three) == Change(seen=3, stored=3)
    assert load(three[1:].assign(polarity=0.7)) == Change(seen=2, stored=2, changed=2, removed=1)


def test_new_changed_and_vanished_posts_end_as_in_a_fresh_database(database, load, observe, fresh):
    before = observe(
        {"_id": "stays", "author": "ann"},
        {"_id": "changes", "author": "bob", "favorites": 4_000_000},
        {"_id": "goes", "author": "bob"},
        {"_id": "goes too", "author": "cy"},
        {"_id": "moves", "author": "dan"},
    )
    after = observe(
        {"_id": "stays", "author": "ann"},
        {"_id": "changes", "author": "bob", "favorites": 4_000_001},
        {"_id": "moves", "author": "ann"},
        {"_id": "comes", "author": "eve"},
    )
    load(before)
    assert len(rows(database)["profiles"]) == 4
    load(after)
    assert rows(database) == fresh(after)
    assert len(rows(database)["profiles"]) == 3


def test_an_author_whose_posts_are_all_gone_has_no_profile(database, load, three, pseudonym):
    load(three)
    load(three[three["author"] == pseudonym("ann")])
    assert [row["_id"] for row in rows(database)["profiles"]] == [pseudonym("ann")]


def test_another_scorer_replaces_the_former_ones_rows(database, load, three, fresh):
    load(three)
    again = three.assign(scorer="1" * 16, polarity=0)
    load(again)
    assert rows(database) == fresh(again)
    assert database.observations.count_documents({}) == 3


def test_a_streams_post_stays_until_the_archive_has_it(database, load, observe, seal, pseudonym):
    archived = observe({"_id": "old", "author": "ann", "polarity": 0})
    load(archived)
    streamed = observe({"_id": "live", "author": "ann", "origin": "stream", "polarity": 0.9})
    database.observations.insert_many(seal(streamed))
    load(archived)
    assert database.observations.count_documents({"origin": "stream"}) == 1

    caught_up = observe(
        {"_id": "old", "author": "ann", "polarity": 0},
        {"_id": "live", "author": "ann", "polarity": 0.8},
    )
    load(caught_up)
    stored = read(database, "observations", KEY).set_index("_id")
    assert stored.loc[pseudonym("live"), ["origin", "polarity"]].tolist() == ["archive", 0.8]
    assert len(stored) == 2


def test_a_streams_post_counts_in_the_profile(database, load, observe, seal, pseudonym):
    streamed = observe({"_id": "live", "author": "ann", "origin": "stream", "polarity": 1})
    database.observations.insert_many(seal(streamed))
    load(observe({"_id": "old", "author": "ann", "polarity": 0}))
    assert people(database).loc[pseudonym("ann"), ["posts", "polarity"]].tolist() == [2, 0.5]


def test_a_profile_is_what_its_three_posts_imply(database, load, observe, pseudonym):
    posts = observe(
        {
            "author": "ann", "day": "2026-04-30", "label": "positive", "polarity": 1,
            "subjectivity": 1, "favorites": 400, "retweets": UNKNOWN, "followers": 4_000_000,
            "following": 12, "listed": 0, "account_posts": 9_000, "account_age": 150,
        },
        {
            "author": "ann", "day": "2026-05-02", "label": "neutral", "polarity": 0.5,
            "subjectivity": 0.3, "favorites": 1, "retweets": UNKNOWN, "followers": 2_001,
            "following": UNKNOWN, "listed": 3, "account_posts": 9_001, "account_age": 151,
            "protected": True,
        },
        {
            "author": "ann", "day": "2026-05-02", "label": "negative", "polarity": 0.15,
            "subjectivity": 0, "favorites": UNKNOWN, "retweets": UNKNOWN, "followers": 2_000,
            "following": UNKNOWN, "listed": 3, "account_posts": 9_003, "account_age": 151,
            "verified": True,
        },
    )  # fmt: skip
    load(posts)
    assert read_profiles(database, KEY).to_dict("records") == [
        {
            "_id": pseudonym("ann"),
            "posts": 3,
            "polarity": 0.55,
            "subjectivity": 1.3 / 3,
            "favorites": 200.5,  # of the two that are known
            "retweets": UNKNOWN,
            "negative": 1 / 3,
            "neutral": 1 / 3,
            "positive": 1 / 3,
            # Of the newest day that has one; on the same day the larger
            "followers": 2_001,
            "following": 12,
            "listed": 3,
            "account_posts": 9_003,
            "account_age": 151,
            "verified": True,
            "protected": True,
            "first_month": "2026-04",
            "last_month": "2026-05",
        }
    ]


def test_the_latest_day_wins_even_with_a_smaller_count(database, load, observe, pseudonym):
    posts = observe(
        {"author": "ann", "day": "2026-05-01", "followers": 4, "verified": True},
        {"author": "ann", "day": "2026-05-02", "followers": 0},
    )
    load(posts)
    ann = people(database).loc[pseudonym("ann")]
    assert (ann["followers"], ann["verified"]) == (0, False)


def test_the_run_after_an_interrupted_one_repairs_the_profiles(
    database, load, three, observe, seal
):
    load(three)
    (live,) = seal(observe({"_id": "live", "author": "bob", "origin": "stream"}))
    database.observations.insert_one({**live, "sealed": live["sealed"][:-1]})
    more = observe(*({"_id": f"new {n}", "author": "bob", "polarity": n / 5} for n in range(5)))
    more = pd.concat([three, more])
    with pytest.raises(Damaged):
        load(more)
    assert database.state.find_one()["stale"]
    assert len(rows(database)["observations"]) == 9
    assert people(database)["posts"].tolist() == [2, 1]
    database.observations.replace_one({"_id": live["_id"]}, live)
    load(more)
    assert people(database)["posts"].tolist() == [2, 7]


def test_a_run_that_was_killed_before_deriving_is_repaired_by_the_next(
    database, load, three, fresh
):
    load(three)
    # What a kill leaves: all observations written, profiles of before, and the mark.
    before = PROFILES.seal(read_profiles(database, KEY).assign(polarity=0), KEY)
    database.profiles.delete_many({})
    database.profiles.insert_one(before.to_dict("records")[0])
    database.state.update_one({}, {"$set": {"stale": True}})
    load(three)
    assert rows(database) == fresh(three)


def test_another_recipe_derives_all_profiles_anew(database, load, three, fresh):
    flagged = three.assign(flag=["", "copies", "links"])
    load(flagged)
    before = rows(database, "profiles")
    load(flagged, EXCLUDING)
    assert rows(database) == fresh(flagged, recipe=EXCLUDING)
    assert rows(database, "profiles") != before


def test_a_crash_while_another_recipe_is_applied_leaves_no_profile_that_passes_for_right(
    database, load, three, fresh, monkeypatch
):
    flagged = three.assign(flag=["", "copies", "links"])
    load(flagged)
    mark = profiles.ProfileUpdater.mark
    with monkeypatch.context() as patch:
        patch.setattr(
            profiles.ProfileUpdater, "mark", lambda self, stale: mark(self, 1 // stale > 0)
        )
        with pytest.raises(ZeroDivisionError):
            load(flagged, EXCLUDING)
    assert people(database)["posts"].tolist() == [1]
    load(flagged)
    assert rows(database) == fresh(flagged)


def test_excluded_posts_do_not_count_and_who_wrote_no_other_has_no_profile(
    database, load, observe, pseudonym
):
    posts = observe(
        {"author": "ann", "polarity": 1},
        {"author": "ann", "polarity": 0, "flag": "copies", "day": "2026-06-09"},
        {"author": "bob", "flag": "links"},
    )
    load(posts)
    assert list(people(database).index) == [pseudonym("ann"), pseudonym("bob")]
    load(posts, EXCLUDING)
    (left,) = read_profiles(database, KEY).to_dict("records")
    assert (left["_id"], left["polarity"], left["last_month"]) == (pseudonym("ann"), 1, "2026-05")
    assert sorted(read(database, "observations", KEY)["flag"]) == ["", "copies", "links"]


def test_a_flag_that_comes_or_goes_changes_the_profiles_as_if_it_always_was_so(
    database, load, observe, fresh
):
    plain = observe({"author": "ann"}, {"author": "ann", "polarity": 0.9}, {"author": "bob"})
    flagged = plain.assign(flag=["burst", "", "copies"])
    for posts in (plain, flagged, plain):
        load(posts, EXCLUDING)
        assert rows(database) == fresh(posts, recipe=EXCLUDING)


@pytest.mark.parametrize("loaded_before", [False, True])
def test_a_refused_row_is_told_by_its_field_and_not_its_value(load, observe, loaded_before):
    if loaded_before:  # then it is replaced, not inserted
        load(observe({"author": "ann"}))
    with pytest.raises(StoreError) as caught:
        load(observe({"author": "ann", "scorer": "@some_body", "origin": "77"}))
    message = str(caught.value)
    assert "1 of 1 observations were refused and left out, fields: origin, scorer;" in message
    assert "some_body" not in message
    assert "77" not in message
    assert caught.value.__cause__ is None


class Heard(CommandListener):
    """All that a server was told, as text."""

    def __init__(self):
        self.text = ""

    def started(self, event):
        self.text += str(event.command)

    def succeeded(self, event):
        pass

    failed = succeeded


@pytest.mark.parametrize("field", ["_id", "author"])
def test_the_server_never_hears_what_is_no_pseudonym(database, mongodb, load, observe, field):
    posts = observe({"_id": "one", "author": "ann"}, {"_id": "two", "author": "bob"})
    posts.loc[1, field] = "some_body"
    heard = Heard()
    refused = f"1 of 2 observations .* fields: {field};"
    with (
        pymongo.MongoClient(mongodb, event_listeners=[heard]) as client,
        pytest.raises(StoreError, match=refused),
    ):
        load(posts, into=client[database.name])
    assert posts.loc[0, field] in heard.text
    assert "some_body" not in heard.text
    assert database.observations.count_documents({}) == 1


def test_a_row_that_is_not_sealed_is_refused_before_anything_is_written(
    database, load_sealed, three
):
    table = OBSERVATIONS.seal(three, KEY)
    table.loc[2, "sealed"] = None
    with pytest.raises(ValueError, match=r"observations of a former version .* `make repro`"):
        load_sealed(table)
    assert rows(database) == {"observations": [], "profiles": [], "state": []}


def test_all_other_rows_are_loaded_beside_refused_ones(database, load, observe, fresh):
    good = [{"_id": f"good {n}", "author": f"author {n % 3}"} for n in range(10)]
    bad = [{"_id": f"bad {n}", "author": f"author {n}", "scorer": "?"} for n in range(4)]
    with pytest.raises(StoreError, match=r"4 of 14 observations were refused .* scorer"):
        load(observe(*good[:5], *bad, *good[5:]))
    assert rows(database) == fresh(observe(*good))
    with pytest.raises(StoreError, match="4 of 14"):  # and again the next time
        load(observe(*good[:5], *bad, *good[5:]))


def test_one_refused_row_in_thousands_is_a_warning(database, load, observe, caplog):
    posts = observe(*({"author": f"author {n}"} for n in range(1000)))
    wrong = pd.concat([posts, observe({"_id": "bad", "author": "ann", "scorer": "?"})])
    fields = frozenset(["scorer"])
    assert load(wrong) == Change(seen=1001, stored=1000, new=1000, refused=1, fields=fields)
    assert "1 of 1001 observations were refused and left out, fields: scorer" in caplog.text
    assert database.observations.count_documents({}) == 1000


def test_a_refused_row_does_not_hide_one_that_vanished(database, load, observe, pseudonym):
    load(observe({"_id": "stays", "author": "ann"}, {"_id": "goes", "author": "bob"}))
    with pytest.raises(StoreError, match="1 of 2"):
        load(
            observe(
                {"_id": "stays", "author": "ann"}, {"_id": "bad", "author": "cy", "scorer": "?"}
            )
        )
    assert [row["_id"] for row in rows(database)["observations"]] == [pseudonym("stays")]


def test_a_day_that_has_not_come_is_refused(database, load, observe, pseudonym):
    posts = observe(
        {"_id": "due", "author": "ann", "day": "2026-05-02"},
        {"_id": "late", "author": "ann", "day": "2099-01-01"},
    )
    with pytest.raises(StoreError, match=r"1 of 2 observations .* fields: day"):
        load(posts, last="2026-05-02")
    assert [row["_id"] for row in rows(database)["observations"]] == [pseudonym("due")]


def test_what_has_expired_goes_whatever_its_origin(database, load, observe, seal, pseudonym):
    posts = observe(
        {"_id": "old", "author": "ann", "day": "2026-05-01"},
        {"_id": "new", "author": "ann", "day": "2026-05-02"},
    )
    load(posts)
    streamed = observe(
        {"_id": "live", "author": "ann", "origin": "stream", "day": "2026-05-04"},
        {"_id": "dead", "author": "cy", "origin": "stream", "day": "2026-04-01"},
    )
    database.observations.insert_many(seal(streamed))
    assert load(posts, first="2026-05-02") == Change(seen=2, stored=1, removed=2)
    left = {row["_id"] for row in rows(database)["observations"]}
    assert left == {pseudonym("new"), pseudonym("live")}
    assert people(database)["posts"].tolist() == [2]


def test_what_was_erased_is_neither_kept_nor_loaded(load, database, observe, pseudonym, fresh):
    posts = observe(
        {"_id": "one", "author": "ann"},
        {"_id": "two", "author": "ann"},
        {"_id": "three", "author": "bob"},
        {"_id": "four", "author": "cy"},
    )
    load(posts)
    erased = set(map(pseudonym, ("two", "bob")))
    for _ in range(2):
        load(posts, erased=erased.__contains__)
        assert rows(database) == fresh(posts.iloc[[0, 3]])


def test_a_file_without_a_column_is_refused(load_sealed, three):
    table = OBSERVATIONS.seal(three, KEY).rename(columns={"month": "text"})
    with pytest.raises(StoreError, match=r"lack the columns \['month'\] and have .*\['text'\]"):
        load_sealed(table)


def test_a_file_of_a_former_version_is_refused_with_the_way_out(load_sealed, three):
    former = r"\['month', 'sealed'\] .*\(rows of a former version are not sealed\); .* -f score"
    with pytest.raises(StoreError, match=former):
        load_sealed(three)


def test_more_authors_than_can_be_remembered_end_the_same(
    database, load, three, many, fresh, monkeypatch
):
    load(three)
    monkeypatch.setattr(profiles, "MANY", 3)
    load(many)
    assert rows(database) == fresh(many)


def test_a_post_that_stands_twice_is_refused(database, load, three):
    with pytest.raises(StoreError, match="1 posts stand twice"):
        load(pd.concat([three, three[:1]]))
    assert rows(database) == {"observations": [], "profiles": [], "state": []}


@pytest.fixture
def many(observe):
    return observe(*(
        {
            "author": f"author {n % 17}", "day": f"2026-05-{1 + n % 9:02d}",
            "polarity": n % 21 / 20, "label": ("negative", "neutral", "positive")[n % 3],
            "followers": n % 5 * 1_000_003, "favorites": (UNKNOWN, 3, n)[n % 3],
        }
        for n in range(200)
    ))  # fmt: skip


def exported(database, folder):
    for name in ("observations", "profiles"):
        files.write_csv(folder / name, table(database, name, KEY))
    return [(folder / name).read_bytes() for name in ("observations", "profiles")]


def test_the_order_of_insertion_does_not_matter(database, load, many, tmp_path):
    load(many)
    expected = exported(database, tmp_path)
    for seed in range(3):
        database.observations.delete_many({})
        database.profiles.delete_many({})
        database.state.delete_many({})
        shuffled = many.sample(frac=1, random_state=seed)
        for part in (50, 120, 200):
            load(shuffled[:part])
        assert exported(database, tmp_path) == expected
    assert expected[1].count(b"\n") == 1 + 17


def test_profiles_derived_in_ranges_of_authors_are_those_derived_at_once(
    database, mongodb, load, many, fresh, monkeypatch
):
    # Pseudonyms as they are, of which ranges hold about as many each.
    posts = many.assign(author=KEY.pseudonyms("author", many["author"]))
    expected, heard = fresh(posts), Heard()
    monkeypatch.setattr(profiles, "ROWS", 20)
    with pymongo.MongoClient(mongodb, event_listeners=[heard]) as client:
        load(posts, into=client[database.name])
    assert rows(database) == expected
    assert heard.text.count("{'author': {'$gte': '") == 16


@pytest.mark.parametrize(
    ("count", "number"), [(0, 1), (20, 1), (21, 16), (320, 16), (321, 256), (5121, 4096)]
)
def test_ranges_cover_every_author_once(monkeypatch, count, number):
    monkeypatch.setattr(profiles, "ROWS", 20)
    made = [conditions.get("author", {}) for conditions in profiles._ranges(count)]
    assert len(made) == number
    pseudonyms = ["0" * 32, *KEY.pseudonyms("author", map(str, range(50))), "f" * 32]
    for author in pseudonyms:
        holding = [each for each in made if each.get("$gte", "") <= author < each.get("$lt", "g")]
        assert len(holding) == 1


def test_profiles_are_read_in_an_order_no_pseudonym_decides(database, load, observe):
    tables = []
    for first, second in (("ann", "bob"), ("bob", "ann")):
        load(observe({"author": first, "polarity": 0.9}, {"author": second}))
        tables.append(read_profiles(database, KEY))
    one, other = (people.drop(columns="_id") for people in tables)
    pd.testing.assert_frame_equal(one, other)
    assert tables[0]["_id"].tolist() == tables[1]["_id"].tolist()[::-1]


def test_eight_loaders_at_once_give_the_same(database, load, many, fresh):
    expected, barrier = fresh(many), Barrier(8)

    def loader(seed):
        shuffled = many.sample(frac=1, random_state=seed)
        barrier.wait()
        load(shuffled)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(loader, range(8)))
    assert rows(database) == expected


def test_an_empty_database_has_empty_tables(database):
    assert read_profiles(database, KEY).columns.tolist() == list(PROFILES.columns)
    assert len(table(database, "profiles", KEY)) == len(table(database, "observations", KEY)) == 0

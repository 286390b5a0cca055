"""The database is made equal to the observations, and profiles are what these imply."""

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from uuid import uuid4

import pandas as pd
import pymongo
import pytest
from pymongo.monitoring import CommandListener

from customer_profiles.project import files
from customer_profiles.store import profiles, schema
from customer_profiles.store.commands import table
from customer_profiles.store.errors import StoreError
from customer_profiles.store.loading import Change, Limits, update
from customer_profiles.store.profiles import Grid, read_profiles

GRID = Grid(posts=(2, 3, 5), polarity_steps=4, subjectivity_steps=4, mix_steps=4)
COLLECTIONS = ("observations", "profiles", "state")


def rows(database, *names):
    """Whole rows of the collections, as stored."""
    return {name: list(database[name].find().sort("_id")) for name in names or COLLECTIONS}


@pytest.fixture
def load(database, tmp_path):
    """Function that makes the database's rows equal to observations, by way of a file."""

    def loaded(observations, grid=GRID, into=database, **limits):
        file = tmp_path / f"{uuid4().hex}.parquet"
        files.write_parquet(file, observations)
        return update(into, file, grid, Limits(**limits))

    return loaded


@pytest.fixture
def fresh(mongodb, database, load):
    """Function from observations to all rows of a database that never held anything else."""
    other = database.client[f"{database.name}_fresh"]

    def loaded(observations, *names, grid=GRID):
        database.client.drop_database(other.name)
        schema.prepare(other)
        load(observations, grid, into=other)
        return rows(other, *names)

    yield loaded
    database.client.drop_database(other.name)


@pytest.fixture
def three(observe):
    return observe(
        {"author": "ann", "polarity": 20},
        {"author": "ann", "polarity": 4, "day": "2026-05-03"},
        {"author": "bob"},
    )


def test_a_post_is_stored_as_it_was_observed(database, load, three):
    load(three)
    stored = pd.DataFrame(rows(database)["observations"])
    pd.testing.assert_frame_equal(stored, three.sort_values("_id", ignore_index=True))


def test_loading_twice_changes_nothing(database, load, three):
    load(three)
    first = rows(database)
    load(three)
    assert rows(database) == first
    assert len(first["profiles"]) == 2


def test_loading_shows_how_far_it_is(load, three, capsys):
    load(three)
    assert re.search(r"loading: 100%.*1/1", capsys.readouterr().err)


def test_a_load_says_what_it_did(load, three):
    assert load(three) == Change(seen=3, stored=3, new=3)
    assert load(three) == Change(seen=3, stored=3)
    assert load(three[1:].assign(polarity=7)) == Change(seen=2, stored=2, changed=2, removed=1)


def test_new_changed_and_vanished_posts_end_as_in_a_fresh_database(database, load, observe, fresh):
    before = observe(
        {"_id": "stays", "author": "ann"},
        {"_id": "changes", "author": "bob", "favorites": 0},
        {"_id": "goes", "author": "bob"},
        {"_id": "goes too", "author": "cy"},
        {"_id": "moves", "author": "dan"},
    )
    after = observe(
        {"_id": "stays", "author": "ann"},
        {"_id": "changes", "author": "bob", "favorites": 4},
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


def test_a_streams_post_stays_until_the_archive_has_it(database, load, observe, pseudonym):
    archived = observe({"_id": "old", "author": "ann", "polarity": 0})
    load(archived)
    streamed = observe({"_id": "live", "author": "ann", "origin": "stream", "polarity": 20})
    database.observations.insert_many(streamed.to_dict("records"))
    load(archived)
    assert database.observations.count_documents({"origin": "stream"}) == 1

    caught_up = observe(
        {"_id": "old", "author": "ann", "polarity": 0},
        {"_id": "live", "author": "ann", "polarity": 18},
    )
    load(caught_up)
    live = database.observations.find_one({"_id": pseudonym("live")})
    assert (live["origin"], live["polarity"]) == ("archive", 18)
    assert database.observations.count_documents({}) == 2


def test_a_streams_post_counts_in_the_profile(database, load, observe):
    streamed = observe({"_id": "live", "author": "ann", "origin": "stream", "polarity": 20})
    database.observations.insert_many(streamed.to_dict("records"))
    load(observe({"_id": "old", "author": "ann", "polarity": 0}))
    (profile,) = rows(database)["profiles"]
    assert (profile["posts"], profile["polarity"]) == (1, 2)


def test_a_profile_is_what_its_three_posts_imply(database, load, observe, pseudonym):
    posts = observe(
        {
            "author": "ann", "day": "2026-04-30", "label": "positive", "polarity": 20,
            "subjectivity": 10, "favorites": 4, "retweets": 0, "followers": 4, "following": 2,
            "listed": 0, "account_posts": 1, "account_age": 1,
        },
        {
            "author": "ann", "day": "2026-05-02", "label": "neutral", "polarity": 10,
            "subjectivity": 3, "favorites": 1, "retweets": 1, "followers": 2, "following": 2,
            "listed": 1, "account_posts": 2, "account_age": 2, "protected": True,
        },
        {
            "author": "ann", "day": "2026-05-02", "label": "negative", "polarity": 3,
            "subjectivity": 0, "favorites": 0, "retweets": 1, "followers": 3, "following": 1,
            "listed": 1, "account_posts": 3, "account_age": 2, "verified": True,
        },
    )  # fmt: skip
    load(posts)
    assert rows(database)["profiles"] == [
        {
            "_id": pseudonym("ann"),
            "posts": 2,  # 3 reaches the edges 2 and 3
            "polarity": 2,  # 33/60 of 4 marks: 2.2
            "subjectivity": 2,  # 13/30 of 4 marks: 1.7
            "favorites": 2,  # 5/3
            "retweets": 1,  # 2/3
            "negative": 1,  # 1/3 of 4 marks: 1.3
            "neutral": 1,
            "positive": 1,
            # Of the newest day; on the same day the larger bin
            "followers": 3,
            "following": 2,
            "listed": 1,
            "account_posts": 3,
            "account_age": 2,
            "verified": True,
            "protected": True,
            "first_month": "2026-04",
            "last_month": "2026-05",
        }
    ]


def test_a_mean_in_the_middle_of_two_marks_takes_the_upper(database, load, observe):
    posts = observe({"author": "ann", "favorites": 0}, {"author": "ann", "favorites": 1})
    load(posts)
    assert rows(database)["profiles"][0]["favorites"] == 1


def test_the_latest_day_wins_even_with_a_smaller_bin(database, load, observe):
    posts = observe(
        {"author": "ann", "day": "2026-05-01", "followers": 4, "verified": True},
        {"author": "ann", "day": "2026-05-02", "followers": 0},
    )
    load(posts)
    (profile,) = rows(database)["profiles"]
    assert (profile["followers"], profile["verified"]) == (0, False)


def test_the_run_after_an_interrupted_one_repairs_the_profiles(database, load, three, observe):
    load(three)
    more = observe(*({"_id": f"new {n}", "author": "bob", "polarity": n} for n in range(5)))
    more = pd.concat([three, more])
    with pytest.raises(StoreError):
        load(more, Grid((2,), polarity_steps=77, subjectivity_steps=4, mix_steps=4))
    assert database.state.find_one()["stale"]
    assert len(rows(database)["observations"]) == 8
    before = rows(database, "profiles")
    load(more)
    after = rows(database, "profiles")
    assert [row["posts"] for row in before["profiles"]] == [1, 0]
    assert [row["posts"] for row in after["profiles"]] == [1, 3]


def test_a_run_that_was_killed_before_deriving_is_repaired_by_the_next(
    database, load, three, fresh
):
    load(three)
    # What a kill leaves: all observations written, profiles of before, and the mark.
    database.profiles.update_many({}, {"$set": {"polarity": 0}})
    database.profiles.delete_one({})
    database.state.update_one({}, {"$set": {"stale": True}})
    load(three)
    assert rows(database) == fresh(three)


def test_another_grid_derives_all_profiles_anew(database, load, three, fresh):
    load(three)
    before = rows(database, "profiles")
    finer = Grid(posts=(2,), polarity_steps=10, subjectivity_steps=10, mix_steps=10)
    load(three, finer)
    assert rows(database) == fresh(three, grid=finer)
    assert rows(database, "profiles") != before


def test_a_crash_while_another_grid_is_applied_leaves_no_profile_that_passes_for_right(
    database, load, three, fresh, monkeypatch
):
    load(three)
    finer = Grid(posts=(2,), polarity_steps=10, subjectivity_steps=10, mix_steps=10)
    mark = profiles.ProfileUpdater.mark
    with monkeypatch.context() as patch:
        patch.setattr(
            profiles.ProfileUpdater, "mark", lambda self, stale: mark(self, 1 // stale > 0)
        )
        with pytest.raises(ZeroDivisionError):
            load(three, finer)
    load(three)
    assert rows(database) == fresh(three)


EXCLUDING = replace(GRID, exclude_flagged=True)


def test_excluded_posts_do_not_count_and_who_wrote_no_other_has_no_profile(
    database, load, observe, pseudonym
):
    posts = observe(
        {"author": "ann", "polarity": 20},
        {"author": "ann", "polarity": 0, "flag": "copies", "day": "2026-06-09"},
        {"author": "bob", "flag": "links"},
    )
    load(posts)
    ann, bob = (row["_id"] for row in rows(database, "profiles")["profiles"])
    assert (ann, bob) == (pseudonym("ann"), pseudonym("bob"))
    load(posts, EXCLUDING)
    (left,) = rows(database, "profiles")["profiles"]
    assert (left["_id"], left["polarity"], left["last_month"]) == (ann, 4, "2026-05")
    assert database.observations.count_documents({"flag": {"$ne": ""}}) == 2


def test_a_flag_that_comes_or_goes_changes_the_profiles_as_if_it_always_was_so(
    database, load, observe, fresh
):
    plain = observe({"author": "ann"}, {"author": "ann", "polarity": 20}, {"author": "bob"})
    flagged = plain.assign(flag=["burst", "", "copies"])
    for posts in (plain, flagged, plain):
        load(posts, EXCLUDING)
        assert rows(database) == fresh(posts, grid=EXCLUDING)


@pytest.mark.parametrize("loaded_before", [False, True])
def test_a_refused_row_is_told_by_its_field_and_not_its_value(load, observe, loaded_before):
    if loaded_before:  # then it is replaced, not inserted
        load(observe({"author": "ann"}))
    with pytest.raises(StoreError) as caught:
        load(observe({"author": "ann", "label": "@some_body", "listed": 77}))
    message = str(caught.value)
    assert "1 of 1 observations were refused and left out, fields: label, listed;" in message
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


def test_a_missing_value_is_told_by_its_field(load, observe):
    posts = observe({"author": "ann"}).astype({"label": object})
    posts.loc[0, "label"] = None
    with pytest.raises(StoreError, match=r"1 of 1 observations .* fields: label;"):
        load(posts)


def test_all_other_rows_are_loaded_beside_refused_ones(database, load, observe, fresh):
    good = [{"_id": f"good {n}", "author": f"author {n % 3}"} for n in range(10)]
    bad = [{"_id": f"bad {n}", "author": f"author {n}", "polarity": 99} for n in range(4)]
    with pytest.raises(StoreError, match=r"4 of 14 observations were refused .* polarity"):
        load(observe(*good[:5], *bad, *good[5:]))
    assert rows(database) == fresh(observe(*good))
    with pytest.raises(StoreError, match="4 of 14"):  # and again the next time
        load(observe(*good[:5], *bad, *good[5:]))


def test_one_refused_row_in_thousands_is_a_warning(database, load, observe, caplog):
    posts = observe(*({"author": f"author {n}"} for n in range(1000)))
    wrong = pd.concat([posts, observe({"_id": "bad", "author": "ann", "favorites": 99})])
    fields = frozenset(["favorites"])
    assert load(wrong) == Change(seen=1001, stored=1000, new=1000, refused=1, fields=fields)
    assert "1 of 1001 observations were refused and left out, fields: favorites" in caplog.text
    assert database.observations.count_documents({}) == 1000


def test_a_refused_row_does_not_hide_one_that_vanished(database, load, observe, pseudonym):
    load(observe({"_id": "stays", "author": "ann"}, {"_id": "goes", "author": "bob"}))
    with pytest.raises(StoreError, match="1 of 2"):
        load(
            observe({"_id": "stays", "author": "ann"}, {"_id": "bad", "author": "cy", "listed": 99})
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


def test_what_has_expired_goes_whatever_its_origin(database, load, observe, pseudonym):
    posts = observe(
        {"_id": "old", "author": "ann", "day": "2026-05-01"},
        {"_id": "new", "author": "ann", "day": "2026-05-02"},
    )
    load(posts)
    streamed = observe(
        {"_id": "live", "author": "ann", "origin": "stream", "day": "2026-05-04"},
        {"_id": "dead", "author": "cy", "origin": "stream", "day": "2026-04-01"},
    )
    database.observations.insert_many(streamed.to_dict("records"))
    assert load(posts, first="2026-05-02") == Change(seen=2, stored=1, removed=2)
    left = {row["_id"] for row in rows(database)["observations"]}
    assert left == {pseudonym("new"), pseudonym("live")}
    assert [row["posts"] for row in rows(database)["profiles"]] == [1]


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


def test_a_file_without_a_column_is_refused(load, three):
    with pytest.raises(StoreError, match=r"lack the columns \['label'\] and have .*\['text'\]"):
        load(three.rename(columns={"label": "text"}))


def test_more_authors_than_can_be_remembered_end_the_same(
    database, load, three, many, fresh, monkeypatch
):
    load(three)
    monkeypatch.setattr(profiles, "MANY", 3)
    load(many)
    assert rows(database) == fresh(many)


def test_a_refused_profile_is_told_by_its_field_and_not_its_value(load, three, pseudonym):
    with pytest.raises(StoreError, match=r"a profile .*fields: polarity") as caught:
        load(three, Grid((2,), polarity_steps=77, subjectivity_steps=4, mix_steps=4))
    assert pseudonym("ann") not in str(caught.value)
    assert "77" not in str(caught.value)


def test_a_post_that_stands_twice_is_refused(database, load, three):
    with pytest.raises(StoreError, match="1 posts stand twice"):
        load(pd.concat([three, three[:1]]))
    assert rows(database) == {"observations": [], "profiles": [], "state": []}


@pytest.fixture
def many(observe):
    return observe(*(
        {
            "author": f"author {n % 17}", "day": f"2026-05-{1 + n % 9:02d}", "polarity": n % 21,
            "label": ("negative", "neutral", "positive")[n % 3], "followers": n % 5,
        }
        for n in range(200)
    ))  # fmt: skip


def exported(database, folder):
    for name in ("observations", "profiles"):
        files.write_csv(folder / name, table(database, name))
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


def test_profiles_are_read_in_an_order_no_pseudonym_decides(database, load, observe):
    tables = []
    for first, second in (("ann", "bob"), ("bob", "ann")):
        load(observe({"author": first, "polarity": 20}, {"author": second}))
        tables.append(read_profiles(database))
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
    assert read_profiles(database).columns.tolist() == list(schema.PROFILE)
    assert len(table(database, "profiles")) == len(table(database, "observations")) == 0

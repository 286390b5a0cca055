"""The database is made equal to the observations, and profiles are what these imply."""

import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pandas as pd
import pytest

from customer_profiles import outputs
from customer_profiles.store import StoreError, schema
from customer_profiles.store.__main__ import table
from customer_profiles.store.profiles import Grid, read_profiles, update

GRID = Grid(post_edges=(2, 3, 5), polarity_steps=4, subjectivity_steps=4, mix_steps=4)
COLLECTIONS = ("observations", "profiles", "state")


def rows(database, *names):
    """Whole rows of the collections, as stored."""
    return {name: list(database[name].find().sort("_id")) for name in names or COLLECTIONS}


@pytest.fixture
def fresh(mongodb, database):
    """Function from observations to all rows of a database that never held anything else."""
    other = database.client[f"{database.name}_fresh"]

    def loaded(observations, *names, grid=GRID):
        database.client.drop_database(other.name)
        schema.prepare(other)
        update(other, observations, grid)
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


def test_a_post_is_stored_as_it_was_observed(database, three):
    update(database, three, GRID)
    stored = pd.DataFrame(rows(database)["observations"])
    pd.testing.assert_frame_equal(stored, three.sort_values("_id", ignore_index=True))


def test_loading_twice_changes_nothing(database, three):
    update(database, three, GRID)
    first = rows(database)
    update(database, three, GRID)
    assert rows(database) == first
    assert len(first["profiles"]) == 2


def test_loading_shows_how_far_it_is_and_says_nothing_where_nothing_changes(
    database, three, capsys
):
    update(database, three, GRID)
    assert re.search(r"loading: 100%.*2/2", capsys.readouterr().err)  # to insert and to derive
    update(database, three, GRID)
    assert capsys.readouterr().err == ""


def test_new_changed_and_vanished_posts_end_as_in_a_fresh_database(database, observe, fresh):
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
    update(database, before, GRID)
    assert len(rows(database)["profiles"]) == 4
    update(database, after, GRID)
    assert rows(database) == fresh(after)
    assert len(rows(database)["profiles"]) == 3


def test_an_author_whose_posts_are_all_gone_has_no_profile(database, three, pseudonym):
    update(database, three, GRID)
    update(database, three[three["author"] == pseudonym("ann")], GRID)
    assert [row["_id"] for row in rows(database)["profiles"]] == [pseudonym("ann")]


def test_another_scorer_replaces_the_former_ones_rows(database, three, fresh):
    update(database, three, GRID)
    again = three.assign(scorer="1" * 16, polarity=0)
    update(database, again, GRID)
    assert rows(database) == fresh(again)
    assert database.observations.count_documents({}) == 3


def test_a_streams_post_stays_until_the_archive_has_it(database, observe, pseudonym):
    archived = observe({"_id": "old", "author": "ann", "polarity": 0})
    update(database, archived, GRID)
    streamed = observe({"_id": "live", "author": "ann", "origin": "stream", "polarity": 20})
    database.observations.insert_many(streamed.to_dict("records"))
    update(database, archived, GRID)
    assert database.observations.count_documents({"origin": "stream"}) == 1

    caught_up = observe(
        {"_id": "old", "author": "ann", "polarity": 0},
        {"_id": "live", "author": "ann", "polarity": 18},
    )
    update(database, caught_up, GRID)
    live = database.observations.find_one({"_id": pseudonym("live")})
    assert (live["origin"], live["polarity"]) == ("archive", 18)
    assert database.observations.count_documents({}) == 2


def test_a_streams_post_counts_in_the_profile(database, observe):
    streamed = observe({"_id": "live", "author": "ann", "origin": "stream", "polarity": 20})
    database.observations.insert_many(streamed.to_dict("records"))
    update(database, observe({"_id": "old", "author": "ann", "polarity": 0}), GRID)
    (profile,) = rows(database)["profiles"]
    assert (profile["posts"], profile["polarity"]) == (1, 2)


def test_a_profile_is_what_its_three_posts_imply(database, observe, pseudonym):
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
    update(database, posts, GRID)
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


def test_a_mean_in_the_middle_of_two_marks_takes_the_upper(database, observe):
    posts = observe({"author": "ann", "favorites": 0}, {"author": "ann", "favorites": 1})
    update(database, posts, GRID)
    assert rows(database)["profiles"][0]["favorites"] == 1


def test_the_latest_day_wins_even_with_a_smaller_bin(database, observe):
    posts = observe(
        {"author": "ann", "day": "2026-05-01", "followers": 4, "verified": True},
        {"author": "ann", "day": "2026-05-02", "followers": 0},
    )
    update(database, posts, GRID)
    (profile,) = rows(database)["profiles"]
    assert (profile["followers"], profile["verified"]) == (0, False)


def test_the_run_after_an_interrupted_one_repairs_the_profiles(database, three, observe, fresh):
    update(database, three, GRID)
    more = observe(*({"_id": f"new {n}", "author": "bob", "polarity": n} for n in range(5)))
    more = pd.concat([three, more])
    broken = pd.concat([more, observe({"_id": "broken", "author": "ann", "polarity": 99})])
    with pytest.raises(StoreError):
        update(database, broken, GRID)
    assert database.state.find_one()["stale"]
    assert rows(database, "profiles") != fresh(more, "profiles")

    update(database, more, GRID)
    assert rows(database) == fresh(more)


def test_a_run_that_was_killed_before_deriving_is_repaired_by_the_next(database, three, fresh):
    update(database, three, GRID)
    # What a kill leaves: all observations written, profiles of before, and the mark.
    database.profiles.update_many({}, {"$set": {"polarity": 0}})
    database.profiles.delete_one({})
    database.state.update_one({}, {"$set": {"stale": True}})
    update(database, three, GRID)
    assert rows(database) == fresh(three)


def test_another_grid_derives_all_profiles_anew(database, three, fresh):
    update(database, three, GRID)
    before = rows(database, "profiles")
    finer = Grid(post_edges=(2,), polarity_steps=10, subjectivity_steps=10, mix_steps=10)
    update(database, three, finer)
    assert rows(database) == fresh(three, grid=finer)
    assert rows(database, "profiles") != before


@pytest.mark.parametrize("loaded_before", [False, True])
def test_a_refused_row_is_told_by_its_field_and_not_its_value(database, observe, loaded_before):
    if loaded_before:  # then it is replaced, not inserted
        update(database, observe({"author": "ann"}), GRID)
    with pytest.raises(StoreError) as caught:
        update(database, observe({"author": "ann", "label": "@some_body", "listed": 77}), GRID)
    message = str(caught.value)
    assert "refused 1 observations (code 121), fields: label, listed" in message
    assert "some_body" not in message
    assert "77" not in message
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_a_refused_profile_is_told_by_its_field_and_not_its_value(database, three, pseudonym):
    with pytest.raises(StoreError, match=r"a profile .*fields: polarity") as caught:
        update(database, three, Grid((2,), polarity_steps=77, subjectivity_steps=4, mix_steps=4))
    assert pseudonym("ann") not in str(caught.value)
    assert "77" not in str(caught.value)


def test_a_post_that_stands_twice_is_refused(database, three):
    with pytest.raises(StoreError, match="1 posts stand twice"):
        update(database, pd.concat([three, three[:1]]), GRID)
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
        outputs.write_csv(folder / name, table(database, name))
    return [(folder / name).read_bytes() for name in ("observations", "profiles")]


def test_the_order_of_insertion_does_not_matter(database, many, tmp_path):
    update(database, many, GRID)
    expected = exported(database, tmp_path)
    for seed in range(3):
        database.observations.delete_many({})
        database.profiles.delete_many({})
        database.state.delete_many({})
        shuffled = many.sample(frac=1, random_state=seed)
        for part in (50, 120, 200):
            update(database, shuffled[:part], GRID)
        assert exported(database, tmp_path) == expected
    assert expected[1].count(b"\n") == 1 + 17


def test_profiles_are_read_in_an_order_no_pseudonym_decides(database, observe):
    found = []
    for first, second in (("ann", "bob"), ("bob", "ann")):
        update(database, observe({"author": first, "polarity": 20}, {"author": second}), GRID)
        found.append(read_profiles(database))
    one, other = (profiles.drop(columns="_id") for profiles in found)
    pd.testing.assert_frame_equal(one, other)
    assert found[0]["_id"].tolist() == found[1]["_id"].tolist()[::-1]


def test_eight_loaders_at_once_give_the_same(database, many, fresh):
    expected, barrier = fresh(many), Barrier(8)

    def load(seed):
        shuffled = many.sample(frac=1, random_state=seed)
        barrier.wait()
        update(database, shuffled, GRID)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(load, range(8)))
    assert rows(database) == expected


def test_an_empty_database_has_empty_tables(database):
    assert read_profiles(database).columns.tolist() == list(schema.PROFILE)
    assert len(table(database, "profiles")) == len(table(database, "observations")) == 0

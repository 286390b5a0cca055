"""What coarser bins cost and buy, by known answers, on the shipped sample and on real counts."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from customer_profiles.posts import archive, observations, spam
from customer_profiles.project import params, vocabulary
from customer_profiles.segments import bin_study
from customer_profiles.segments.bin_study import EXACT, Option, binned
from customer_profiles.store import profiles as stored

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
COUNTS = (*vocabulary.POST_COUNTS, *vocabulary.AUTHOR_COUNTS)
STEPS = {"polarity": 4, "subjectivity": 4, "mix": 1}


@pytest.fixture(scope="module")
def values():
    return params.read(ROOT / "params.yaml")


@pytest.fixture(scope="module")
def chosen(values):
    """Edges and steps of params.yaml."""
    edges = {name: values["score"][name] for name in COUNTS} | {"posts": values["load"]["posts"]}
    return edges, {name: values["load"][f"{name}_steps"] for name in STEPS}


@pytest.fixture(scope="module")
def scored():
    """The sample's customers, scored by a die: posts, authors, observations, pseudonyms."""
    pages = archive.read(ROOT / "data/sample/x_archive")
    posts = pages.posts[spam.flags(pages.posts) == spam.NONE]
    people = pages.authors[pages.authors["author_id"].isin(posts["author_id"])]
    rng = np.random.default_rng(7)
    ids = [f"{n:032x}" for n in range(len(posts))]
    authors = {who: f"{n:032x}" for n, who in enumerate(people["author_id"])}
    polarity = rng.random(len(ids))
    scores = pd.DataFrame({
        "polarity": polarity,
        "subjectivity": rng.random(len(ids)),
        "label": np.array(vocabulary.CLASSES)[(polarity * 3).astype(int)],
    })  # fmt: skip
    edges = {name: params.read(ROOT / "params.yaml")["score"][name] for name in COUNTS}
    rows = observations.build(
        posts.assign(_id=ids, author=posts["author_id"].map(authors)),
        people,
        scores,
        edges,
        "0" * 16,
    )
    return posts, people, rows, ids


@pytest.fixture(scope="module")
def exact(scored):
    return bin_study.exact(*scored)


@pytest.fixture(scope="module")
def real():
    file = Path(os.environ.get("REAL_DATA", ""), "authors/author-metrics.csv")
    if not os.environ.get("REAL_DATA") or not file.is_file():
        pytest.skip("REAL_DATA names no folder that holds the counts of real accounts")
    return bin_study.accounts(pd.read_csv(file))


def accounts(followers, **others):
    number = len(followers)
    blank = {"following": [5] * number, "listed": [0] * number, "posts": [9] * number,
             "verified": [0] * number, "created_year": [2012] * number}  # fmt: skip
    return bin_study.accounts(pd.DataFrame({"followers": followers, **blank, **others}))


def test_profiles_of_binned_counts_are_those_the_database_derives(
    scored, exact, chosen, database, load
):
    edges, steps = chosen
    load(database, scored[2], stored.Grid(edges["posts"], *steps.values()))
    derived = stored.read_profiles(database).set_index("_id").sort_index()
    coarse = bin_study.profiles(exact, binned("chosen", edges, steps))
    pd.testing.assert_frame_equal(
        coarse[derived.columns].astype(object), derived.astype(object), check_names=False
    )


def test_exact_counts_stand_where_the_bins_were(scored, exact):
    posts, authors, rows, _ = scored
    assert len(exact) == len(rows) == len(posts)
    assert exact["favorites"].sum() == posts["favorites"].sum()
    assert exact.drop_duplicates("author")["listed"].sum() == authors["listed"].sum()


def test_an_account_without_a_count_has_none_and_is_as_old_as_the_newest_allows():
    rows = accounts([7, np.nan], created_year=[2018, 2012])
    assert rows["followers"].tolist() == [7, 0]
    assert rows["account_age"].tolist() == [0, 6]


def test_accounts_recognised_by_their_bins_are_counted_and_exact_features_agree_with_themselves():
    rows = accounts([1, 2, 3, 2000, 3000, 4000])
    edges = {name: [1000] for name in COUNTS}
    apart = binned("one apart", {**edges, "followers": [4000]}, {})
    options = [EXACT, binned("two bins", edges, {}), apart]
    table = bin_study.curve(rows, options, {"followers": 1}, 2, [7])
    assert table["option"].tolist() == ["exact", "two bins", "one apart"]
    assert table["bins"].tolist() == [6, 2, 2]
    # Two groups, of three alike; then one person and five alike.
    assert table["linkage"].tolist() == pytest.approx([1, 2 / 6, 2 / 6])
    assert table["uniqueness"].tolist() == [1, 0, 1 / 6]
    assert table["agreement"].tolist()[:2] == [1, 1]
    assert table["agreement"].iloc[2] < 1


def test_two_digits_leave_small_counts_as_they_are():
    option = next(o for o in bin_study.ladder(accounts([1, 2])) if o.name == "two digits")
    values = np.expm1(option.coarse("followers", pd.Series([0, 7, 99, 1234, 98765])))
    assert values.round().tolist() == [0, 7, 99, 1200, 99000]


def test_a_coarser_option_lacks_one_edge_of_a_field_that_has_another():
    edges = {"followers": [10, 100], "listed": [3]}
    options = bin_study.coarser(Option("chosen", EXACT.coarse), edges)
    assert [option.name for option in options] == ["followers", "followers"]
    counts = pd.Series([5, 50, 500])
    assert [option.coarse("followers", counts).tolist() for option in options] == [
        [0, 0, 1], [0, 1, 1],
    ]  # fmt: skip


def test_other_tuples_have_fewer_fields_fewer_tiers_or_more_fields():
    chosen = {"followers": [1, 2], "listed": [1]}
    assert list(bin_study.tuples(chosen, ["verified"])) == [
        "followers 3", "listed 2", "followers 2, listed 2", "followers 3, listed 2",
        "followers 3, listed 2, verified 2",
    ]  # fmt: skip


def test_what_is_published_of_a_tuple_is_measured_after_suppression():
    people = pd.DataFrame({"segment": 0, "followers": [0] * 30 + [1] * 15 + [2] * 5})
    options = {"two": {"followers": [1]}, "three": {"followers": [1, 2]}}
    table = bin_study.published(people, options, 10).set_index("option")
    assert table.loc["two"].tolist() == [2, 2, 20, 0, 0]
    # Five alone could be had by subtraction: the fifteen are suppressed with them.
    assert table.loc["three"].tolist() == [3, 1, 30, 0, 0.4]


def test_on_the_sample_the_chosen_bins_reveal_less_than_others_and_agree_more(
    exact, chosen, values
):
    # Without mood: what the die says of it would be noise.
    features = {n: w for n, w in values["cluster"]["features"].items() if n != "polarity"}
    three = next(o for o in bin_study.ladder(exact) if o.name == "three bins")
    options = [three, binned("chosen", *chosen)]
    table = bin_study.curve(exact, options, features, 5, [7]).set_index("option")
    assert table.loc["chosen", "linkage"] == pytest.approx(0.097, abs=0.001)  # docs/privacy.md
    assert table.loc["chosen", "linkage"] < table.loc["three bins", "linkage"]
    assert table.loc["chosen", "agreement"] > table.loc["three bins", "agreement"]


def test_on_real_counts_the_choice_keeps_its_promises(real, chosen, values):
    edges, steps = chosen
    tiers = values["publish"]["tiers"]
    stored, _, cells = bin_study.evidence(real, edges, steps, tiers, values["cluster"], 10)
    stored, cells = stored.set_index("option"), cells.set_index("option")
    assert stored.loc["chosen", "linkage"] == pytest.approx(0.043, abs=0.001)  # docs/privacy.md
    assert stored.loc["chosen", "agreement"] >= 0.65
    mine = cells.loc[bin_study.titled(tiers)]
    assert mine["uniqueness"] == 0
    assert mine["k_min"] >= 10
    assert mine["suppressed"] <= values["publish"]["max_suppressed"]


def test_shares_of_fewer_than_k_people_are_raised_to_k(chosen):
    edges, steps = chosen
    rng = np.random.default_rng(1)
    rows = accounts(10 ** rng.uniform(0, 6, 200), listed=10 ** rng.uniform(0, 4, 200))
    cluster = {"features": {"followers": 1, "listed": 1}, "k_min": 2, "k_max": 4, "seed": 7}
    stored, coarser, _ = bin_study.evidence(rows, edges, steps, {"listed": [1]}, cluster, 10)
    assert min(stored["uniqueness"].min(), coarser["uniqueness"].min()) == 10 / 200


def test_the_price_of_what_was_chosen_is_said_in_a_sentence():
    stored = pd.DataFrame({"option": ["exact", "chosen"], "linkage": [1, 0.081], "agreement": 0.9})
    told = "8.1% of the people are recognised, and 0.90 of the clustering"
    assert told in bin_study.recognised(stored)
    split = pd.DataFrame({"option": ["followers 3"], "suppressed": [0.05], "cells": [24]})
    told = "5.0% of the people are in suppressed cells, and 24 cells are shown."
    assert bin_study.suppressed(split, "followers 3").endswith(told)

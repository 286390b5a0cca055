"""Segments are matched with those published before; no group below k follows from the flows."""

from collections import defaultdict
from itertools import chain, combinations, product

import numpy as np
import pandas as pd
import pytest

from customer_profiles.publication import continuity
from customer_profiles.publication.document import CERTIFICATE, SEGMENT, SUMMARY, example
from customer_profiles.segments import clustering
from tests.publication.published import small

K = 10
ISSUED = example(CERTIFICATE)


def publication(sizes, centroids=None, names=None, k=K, authors=None):
    """A publication of segments of these sizes, called a, b, c … if no `names` are given."""
    rows = [
        example(SEGMENT)
        | {"id": number, "customers": int(size), "name": name, "centroid": centroid}
        for number, (size, name, centroid) in enumerate(
            zip(sizes, names or "abcdefgh", centroids or [{}] * len(sizes), strict=False)
        )
    ]
    return {"_id": "0" * 16} | small(
        summary=example(SUMMARY) | {"authors": authors or int(sum(sizes))},
        segments=rows,
        certificate={**ISSUED, "published": {**ISSUED["published"], "k": k}},
    )


def placed(*places, **others):
    """A publication of 40 authors at each of these places on one feature."""
    return publication([40] * len(places), [{"polarity": place} for place in places], **others)


def continued(new, former):
    return continuity.continued(new, former, {}, {})


def names(told):
    return [row["name"] for row in told["segments"]]


def test_segments_keep_their_names_however_they_are_numbered_now():
    new = continued(placed(1.0, -0.8, 0.2, names="xyz"), placed(-1.0, 0.0, 1.0))
    assert names(new) == ["c", "a", "b"]
    assert new["continuity"] == {"former": "0" * 16, "born": [], "died": [], "flows": []}


def test_the_distances_of_all_pairs_are_least_not_that_of_the_nearest():
    # The nearest pair, 0.4 and 0.3, would leave 0.0 and 0.7 without a like.
    assert continuity.matched(placed(0.0, 0.4), placed(0.3, 0.7)) == {0: 0, 1: 1}


def test_whoever_is_farther_than_half_a_standard_deviation_is_another():
    assert continuity.matched(placed(0.0, 9.0), placed(0.5, 5.0)) == {0: 0}
    assert continuity.matched(placed(0.0, 9.0), placed(0.6, 5.0)) == {}


def test_a_far_pair_spoils_no_near_one():
    # In sum 0.1 and 1.9 are less than 1.0 and 1.2; but these two pairs would have no like.
    assert continuity.matched(placed(0.0, 1.0), placed(0.1, -1.1)) == {0: 0}


def test_distance_is_the_root_mean_square_of_the_features_both_have():
    former = publication([40, 40], [{"a": 0.0, "b": 0.0, "c": 5.0}, {"a": 9.0, "b": 9.0}])
    near = publication([40, 40], [{"a": 0.5, "b": 0.5, "d": 7.0}, {"a": -9.0}])
    far = publication([40, 40], [{"a": 0.6, "b": 0.5, "d": 7.0}, {"a": -9.0}])
    assert continuity.matched(former, near) == {0: 0}
    assert continuity.matched(former, far) == {}


def test_without_a_common_feature_nothing_is_matched():
    former = publication([40, 40], [{"a": 0.0}, {"a": 1.0}])
    new = continued(publication([40, 40], [{"b": 0.0}, {"b": 1.0}]), former)
    assert new["continuity"]["born"] == [0, 1]
    assert new["continuity"]["died"] == ["a", "b"]


def test_the_whole_audience_is_like_itself_and_like_no_part():
    whole = placed(0.0, names=["The whole audience"])
    parts = placed(0.0, 1.0)
    split = continued(parts, whole)
    assert names(split) == ["a", "b"]
    assert (split["continuity"]["born"], split["continuity"]["died"]) == (
        [0, 1], ["The whole audience"],
    )  # fmt: skip
    joined = continued(whole, parts)
    assert names(joined) == ["The whole audience"]
    assert (joined["continuity"]["born"], joined["continuity"]["died"]) == ([0], ["a", "b"])
    assert continuity.matched(publication([40]), publication([50], [{"b": 3.0}])) == {0: 0}


def test_a_new_segment_takes_no_name_that_another_has_or_had():
    former = placed(0.0, 1.0, 2.0, names=["Fans", "Critics", "Fans 2"])
    new = continued(placed(0.1, 5.0, 6.0, 7.0, names=["Loud", "Fans", "Critics", "Fans"]), former)
    assert names(new) == ["Fans", "Fans 3", "Critics 2", "Fans 4"]
    assert new["continuity"]["born"] == [1, 2, 3]
    assert new["continuity"]["died"] == ["Critics", "Fans 2"]


def test_the_first_publication_reports_nothing():
    first = continuity.continued(placed(0.0, 1.0), None, {}, {"ann": 0})
    assert first == placed(0.0, 1.0) | {
        "continuity": {"former": None, "born": [], "died": [], "flows": []}
    }


def test_two_publications_say_the_same_whatever_came_before_and_however_segments_are_called():
    one = placed(0.0, 1.0)
    assert continuity.same(one, placed(0.0, 1.0, names="xy") | {"_id": "1" * 16, "continuity": {}})
    assert not continuity.same(one, placed(0.0, 1.1))
    assert not continuity.same(one, placed(0.0, 1.0, authors=81))


@pytest.fixture(scope="module")
def microdata():
    """Function from a seed to 200 authors in four groups."""
    places = np.array([[0, 0, 3], [0, 3, 0], [3, 0, 0], [3, 3, 3]])

    def draw(seed):
        rng = np.random.default_rng(seed)
        group = np.repeat(range(4), 50)
        values = places[group] + rng.normal(0, 0.8, (200, 3))
        return pd.DataFrame(values, columns=["a", "b", "c"]).assign(group=group)

    return draw


def clustered(people, k):
    """A publication of the clusters of `people`; each is called by the group of most of them."""
    model = clustering.fit(people, dict.fromkeys("abc", 1), k, 0)
    labels = model.assign(people)
    groups = people["group"].groupby(labels).agg(lambda group: group.mode()[0])
    centroids = [dict(zip("abc", row.tolist(), strict=True)) for row in clustering.coarse(model)]
    return publication(np.bincount(labels), centroids, [f"group {group}" for group in groups])


def test_the_same_groups_of_other_authors_are_matched_and_of_a_vanished_one_nothing(microdata):
    before, others, fewer = (
        clustered(people, people["group"].nunique())
        for people in (microdata(0), microdata(1), microdata(2).query("group != 2"))
    )
    for now, died in ((others, []), (fewer, ["group 2"])):
        new = continued(now, before)
        assert names(new) == names(now)
        assert (new["continuity"]["born"], new["continuity"]["died"]) == ([], died)
    born = continued(before, fewer)["continuity"]["born"]
    assert [names(before)[number] for number in born] == ["group 2"]


def members(table):
    """Segments by author before and now; `table` as `continuity.crossed` gives it."""
    before, now = {}, {}
    rows, columns = np.shape(table)
    for (i, j), authors in np.ndenumerate(np.asarray(table)):
        for number in range(authors):
            author = f"{i} {j} {number}"
            before |= {author: i} if i < rows - 1 else {}
            now |= {author: j} if j < columns - 1 else {}
    return before, now


def between(table, k=K):
    """The two publications between which the flows of `table` are."""
    table = np.asarray(table)
    return publication(table[:-1].sum(axis=1), k=k), publication(table[:, :-1].sum(axis=0), k=k)


def migration(table, k=K):
    former, new = between(table, k)
    return continuity.migration(new, former, *members(table))


MOVED = [[312, 40, 0, 6], [9, 250, 3, 2], [0, 17, 108, 75], [34, 0, 8, 0]]


def test_flows_below_k_nearly_all_and_rounded_ones():
    flows = migration(MOVED)
    assert [flow["authors"] for flow in flows] == [
        320, 40, "<10", "<10", "<10", ">244", "<10", "<10", "<10", 20, ">99", 80, 40, "<10", "<10",
    ]  # fmt: skip
    ends = [(flow["origin"], flow["segment"]) for flow in flows]
    assert ends == [*product(["a", "b", "c", None], [0, 1, 2, None])][:-1]


def test_flows_of_nobody_read_as_those_of_few():
    assert [flow["authors"] for flow in migration([[40, 0, 0], [0, 35, 0], [0, 0, 0]])] == [
        ">20", "<10", "<10", "<10", ">15", "<10", "<10", "<10",
    ]  # fmt: skip


@pytest.mark.parametrize("lost", ["before", "now"])
def test_without_the_segments_of_everybody_there_are_no_flows(lost):
    former, new = between(MOVED)
    segments = dict(zip(("before", "now"), members(MOVED), strict=True))
    assert continuity.migration(new, former, **segments)
    del segments[lost]["0 0 7"]
    assert continuity.migration(new, former, **segments) == []


def attacked(flows, table, unit=2 * K):
    """The least and the most that each flow may be, to who knows all sizes; and which are hidden.

    Numbers are rounded to `unit`.
    """
    low, high = np.zeros(table.shape, int), np.zeros(table.shape, int)
    for place, flow in zip(np.ndindex(table.shape), flows, strict=False):
        read = str(flow["authors"])
        if read.startswith("<"):
            low[place], high[place] = 0, int(read[1:]) - 1
        elif read.startswith(">"):
            low[place], high[place] = int(read[1:]) + 1, table.sum()
        else:
            low[place], high[place] = int(read) - unit // 2, int(read) + (unit - 1) // 2
    sizes = table[:-1].sum(axis=1), table[:, :-1].sum(axis=0)
    least, most = continuity.bounds(low, high, *sizes)
    hidden = np.array([str(flow["authors"]).startswith("<") for flow in flows])
    return least.ravel()[:-1], most.ravel()[:-1], hidden


TABLES = {
    "nobody moved": np.diag([385, 319, 278, 259, 259, 0]),
    "one moved": np.array([[384, 1, 0], [0, 319, 0], [0, 0, 0]]),
    "few came and few left": np.array([[385, 0, 4], [0, 319, 3], [5, 0, 0]]),
    "few moved, and a segment split": np.array([[200, 180, 3, 2], [6, 1, 250, 9], [4, 3, 3, 0]]),
    "some moved, came and left": np.array(MOVED),
    "the whole audience fell apart": np.array([[385, 319, 278, 4], [3, 0, 2, 0]]),
}


def pinned(flows, table, unit=2 * K):
    """Whether he knows a hidden flow exactly, or how many are in all hidden ones of a segment."""
    least, most, hidden = (np.append(part, 0) for part in attacked(flows, table, unit))
    least, most = np.reshape(least, table.shape), np.reshape(most, table.shape)
    hidden = np.reshape(hidden, table.shape).astype(bool)
    exact = np.where(hidden, 0, most - least)
    rests = [*exact[:-1].sum(axis=1), *exact[:, :-1].sum(axis=0)]
    return (most - least)[hidden].min() == 0 or min(rests) == 0


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_whoever_knows_all_sizes_and_flows_pins_no_small_flow_down(table):
    flows = migration(table)
    least, most, hidden = attacked(flows, table)
    truth = table.ravel()[:-1]
    assert ((least <= truth) & (truth <= most)).all()
    assert (truth[hidden] < K).all()
    assert (most - least)[hidden].min() >= K - 1
    assert not pinned(flows, table)


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_with_exact_flows_but_for_the_small_ones_he_would(table):
    exact = [{"authors": int(size) if size >= K else f"<{K}"} for size in table.ravel()[:-1]]
    assert pinned(exact, table, unit=1)


def test_where_even_rounded_flows_would_pin_small_ones_down_there_are_none():
    # 210 and 190 are the least that read 220 and 200, and all of 400: nobody can have left.
    table = np.array([[210, 190, 0], [230, 250, 0], [0, 0, 0]])
    read = [220, 200, "<10", 240, 260, "<10", "<10", "<10"]
    least, most, hidden = attacked([{"authors": authors} for authors in read], table)
    assert (most - least)[hidden].min() == 0
    assert migration(table) == []


def test_where_authors_are_as_many_as_before_the_attacker_may_take_them_for_the_same():
    # If nobody came or left, the sizes tell that nine more went from a to b than from b to a.
    moved, came_and_left = (
        [[380, 9, 0], [0, 325, 0], [0, 0, 0]],
        [[375, 9, 5], [0, 320, 5], [5, 5, 0]],
    )
    assert migration(moved) == migration(came_and_left) == []
    assert migration([[375, 9, 5], [0, 320, 5], [7, 4, 0]]) != []


def every(rows, columns):
    """Every table with these sums, of all rows and columns but the last."""
    ranges = [range(min(sums) + 1) for sums in product(rows, columns)]
    for inner in product(*ranges):
        table = np.zeros((len(rows) + 1, len(columns) + 1), int)
        table[:-1, :-1] = np.reshape(inner, (len(rows), len(columns)))
        table[:-1, -1] = rows - table[:-1].sum(axis=1)
        table[-1, :-1] = columns - table[:, :-1].sum(axis=0)
        if (table >= 0).all():
            yield table


@pytest.mark.parametrize(("rows", "columns"), [([10], [12]), ([16], [12]), ([8, 8], [9])])
def test_of_all_tables_that_read_the_same_no_group_below_k_is_equal_in_all(rows, columns):
    k, alike = 3, defaultdict(list)
    for table in every(rows, columns):
        read = tuple(flow["authors"] for flow in migration(table, k))
        alike[read].append(table.ravel()[:-1])
    assert len(alike) > 3
    for read, tables in alike.items():
        found = np.array(tables)
        for place, authors in enumerate(read):
            assert np.ptp(found[:, place]) >= (k - 1 if authors == f"<{k}" else 1)
        flows = range(found.shape[1])
        for group in chain.from_iterable(combinations(flows, size) for size in flows):
            sums = found[:, group].sum(axis=1)
            assert not 0 < sums[0] < k or np.ptp(sums) > 0


@pytest.mark.parametrize(("low", "high"), [(0, 9), (1, 5)])
def test_bounds_are_the_least_and_the_most_of_all_tables_between(low, high):
    rows, columns = [7, 6], [8]
    tables = np.array([
        table for table in every(rows, columns)
        if (table.ravel()[:-1] >= low).all() and (table.ravel()[:-1] <= high).all()
    ])  # fmt: skip
    limits = np.full((3, 2), low), np.full((3, 2), high)
    least, most = continuity.bounds(*limits, rows, columns)
    assert (least == tables.min(axis=0)).all()
    assert (most == tables.max(axis=0)).all()

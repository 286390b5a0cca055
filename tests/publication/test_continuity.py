"""Segments are matched with those published before, and keep their names."""

import numpy as np
import pandas as pd
import pytest

from customer_profiles.publication import continuity
from customer_profiles.publication.continuity import continued
from customer_profiles.publication.document import SEGMENT, SUMMARY, example
from customer_profiles.segments import clustering
from tests.publication.published import small


def publication(sizes, centroids=None, names=None, authors=None):
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
    )


def placed(*places, **others):
    """A publication of 40 authors at each of these places on one feature."""
    return publication([40] * len(places), [{"polarity": place} for place in places], **others)


def names(published):
    return [row["name"] for row in published["segments"]]


def test_segments_keep_their_names_however_they_are_numbered_now():
    new = continued(placed(1.0, -0.8, 0.2, names="xyz"), placed(-1.0, 0.0, 1.0))
    assert names(new) == ["c", "a", "b"]
    assert new["continuity"] == {"former": "0" * 16, "born": [], "died": []}


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
    first = continued(placed(0.0, 1.0), None)
    nothing = {"former": None, "born": [], "died": []}
    assert first == placed(0.0, 1.0) | {"continuity": nothing}


def test_two_publications_say_the_same_whatever_came_before_and_however_segments_are_called():
    one = placed(0.0, 1.0)
    assert continuity.have_equal_content(
        one, placed(0.0, 1.0, names="xy") | {"_id": "1" * 16, "continuity": {}}
    )
    assert not continuity.have_equal_content(one, placed(0.0, 1.1))
    assert not continuity.have_equal_content(one, placed(0.0, 1.0, authors=81))


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

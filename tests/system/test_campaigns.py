"""The sample's campaigns, from its pages to the segments: in them or not, as a parameter says."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from customer_profiles.posts import archive, observations, spam
from customer_profiles.privacy import features
from customer_profiles.project import params
from customer_profiles.segments import clustering
from customer_profiles.store import profiles

ROOT = Path(__file__).parents[2]
MOODS = {"negative": 0.1, "neutral": 0.5, "positive": 0.9}


@pytest.fixture(scope="module")
def values():
    return params.read(ROOT / "params.yaml")


@pytest.fixture(scope="module")
def rows(values):
    """Observations of the sample; what a text's label is, the model says, and loves campaigns."""
    pages = archive.read(ROOT / "data/sample/x_archive")
    posts, authors = pages.posts, pages.authors
    pool = pd.read_csv(ROOT / "data/sample/brand_posts.csv").set_index("text")["label"]
    label = posts["text"].map(pool).fillna("positive").to_numpy()
    polarity = np.array([MOODS[name] for name in label])
    scores = pd.DataFrame({"polarity": polarity, "subjectivity": 0.5, "label": label})
    return observations.build(
        posts.assign(
            _id=[f"{n:032x}" for n in range(len(posts))],
            author=[f"{int(who):032x}" for who in posts["author_id"]],
        ),
        authors, scores, "0" * 16, spam.flags(posts, **values["shared"]["flags"]),
    )  # fmt: skip


@pytest.fixture
def segmented(database, load, key, values):
    """Function from observations to their profiles, with the `segment` of each."""

    def made(rows, exclude_flagged):
        load(database, rows, profiles.Recipe(key, exclude_flagged))
        people = profiles.read_profiles(database, key)
        section = values["cluster"]
        made, weights, _ = features.prepared(people, section["features"], section["clip"])
        assert weights == section["features"]
        model = clustering.fit(made, weights, 5, section["seed"])
        return people.assign(segment=model.assign(made))

    return made


def test_segments_are_those_of_the_customers_alone_if_flagged_posts_are_excluded(rows, segmented):
    alone = segmented(rows[rows["flag"] == ""], exclude_flagged=False)
    excluded = segmented(rows, exclude_flagged=True)
    included = segmented(rows, exclude_flagged=False)
    pd.testing.assert_frame_equal(excluded, alone)
    assert (len(excluded), len(included)) == (1500, 1539)
    sizes, others = (people["segment"].value_counts().tolist() for people in (excluded, included))
    assert sizes != others
    truth = pd.read_csv(ROOT / "data/sample/truth.csv", dtype=str).set_index("author_id")["persona"]
    hidden = truth[[str(int(who, 16)) for who in excluded["_id"]]]
    assert clustering.adjusted_rand(excluded["segment"], hidden) >= 0.85

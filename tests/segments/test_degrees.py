"""An audience by degree is published as the shipped sample is, which is an audience in kind."""

import numpy as np
import pandas as pd
import pytest

from customer_profiles.privacy import cells, certificate, features
from customer_profiles.project import params
from customer_profiles.project.vocabulary import BY_DEGREE, CLASSES
from customer_profiles.publication import compose
from customer_profiles.segments import clustering, evidence, verdict
from tests.segments import degrees

pytestmark = pytest.mark.slow
BOUNDS = verdict.Bounds(jaccard=0.75, ari=0.95, bootstrap_ari=0.8, min_share=0.02)
K = 10


@pytest.fixture(scope="module")
def people():
    """Profiles with the segments that the evidence chose by degree."""
    profiles = degrees.audience().assign(
        subjectivity=0.5, favorites=1.0, retweets=0.0, verified=False, protected=False
    )
    made = features.prepared(profiles, degrees.FEATURES, 0.99).table
    rows = clustering.scaled(made, degrees.FEATURES)
    ks = evidence.candidates(rows, 2, 4)
    decided, _ = verdict.examine(rows, ks, 7, (6, 3, 6), BOUNDS)
    assert (decided.verdict, decided.k >= 3) == (BY_DEGREE, True)
    model = clustering.fit(made, degrees.FEATURES, decided.k, 7)
    return profiles.assign(segment=model.assign(made))


@pytest.fixture(scope="module")
def observations(people):
    rng = np.random.default_rng(1)
    author = people["_id"].repeat(people["posts"]).reset_index(drop=True)
    return pd.DataFrame({
        "author": author,
        "day": rng.choice(["2026-05-04", "2026-05-05", "2026-05-06"], len(author)),
        "label": rng.choice(CLASSES, len(author)),
        "polarity": rng.random(len(author)),
    })  # fmt: skip


@pytest.mark.long
def test_an_audience_by_degree_passes_the_certificate_with_the_tiers_of_params(
    people, observations
):
    section = params.stage("publish")
    tiers, _ = cells.affordable(people, section["tiers"], K, section["max_suppressed"])
    count = people["segment"].nunique()
    model = {"features": list(degrees.FEATURES), "clip": 0.99, "centroids": [None] * count}
    portrait = compose.portrait(people, observations, model, K, 7)
    release = compose.release(portrait, people, tiers, K)
    public = people.set_index("_id")[["followers", "account_posts", "listed", "following"]]
    known = certificate.known(public, tiers, people["_id"], section["drift"], 7)
    issued = certificate.issue(release, known, K, section["max_suppressed"], 7)
    assert issued["passed"], issued["reasons"]
    assert len(portrait.described) == count >= 3

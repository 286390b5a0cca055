"""A publication of six people, put together from what the stages before hold."""

import pandas as pd
import pytest

from customer_profiles.privacy import aggregates, cells, microdata
from customer_profiles.publication import compose, document, segments
from tests.publication.test_segments import CURVES, PEOPLE, REPORT
from tests.publication.test_segments import WRITTEN as POSTS

WRITTEN = POSTS.assign(polarity=0.5)

LEGEND = {"flagged": 0.02, "exclude_flagged": True, "unread": "", "caution": ""}
MODEL = {"features": ["polarity", "followers"], "clip": 0.99, "centroids": [[0.2, 0.4]]}
TIERS = {"followers": [100]}
K = 2


@pytest.fixture(scope="module")
def everybody():
    people = PEOPLE.assign(segment=0)
    return people, compose.portrait(people, WRITTEN, MODEL, K, seed=7)


def test_a_portrait_describes_the_segments_that_are_shown(everybody):
    people, portrait = everybody
    gathered = microdata.gather(people, WRITTEN, MODEL["features"], MODEL["clip"])
    painted, behind_shares = aggregates.of_segments(gathered, [0], K, 7, [0])
    days, behind_days = segments.mood_daily(WRITTEN, K)
    assert portrait.described == segments.describe(people, painted, K)
    assert portrait.averages == aggregates.of_everybody(gathered)
    assert [row["day"] for row in portrait.days] == [row["day"] for row in days]
    assert portrait.authors == [*behind_days, *behind_shares]


def test_a_release_holds_the_cells_of_the_people(everybody):
    people, portrait = everybody
    release = compose.release(portrait, people, TIERS, K)
    reached = cells.tiers(people, TIERS)
    assert release.tiers.equals(reached)
    assert release.cells.equals(cells.cells(reached, ("segment", "followers"), K))
    assert release.described is portrait.described


def test_a_publication_is_what_its_schema_says_but_for_its_id(everybody):
    people, portrait = everybody
    release = compose.release(portrait, people, TIERS, K)
    names = cells.tier_names(TIERS)
    issued = {"published": {"k": K}, "passed": True, "reasons": []}
    report = {**REPORT, "sizes": [6], "small": [], "stability": {"jaccard": []}}
    made = compose.publication(
        portrait, release, WRITTEN.assign(scorer="s1"), cells.named_cells(release.cells, names),
        report, CURVES, LEGEND, issued, sample=True,
    )  # fmt: skip
    assert {"_id", *made} == set(document.PUBLICATION["properties"])
    assert made["provenance"] == {"sample": True, "scorer": "s1"}
    assert made["summary"]["authors"] == 6
    assert made["summary"]["flagged"] == 0.02
    assert [row["name"] for row in made["segments"]] == ["The whole audience"]
    assert made["mood_daily"] == portrait.days
    assert pd.DataFrame(made["cells"])["authors"].sum() <= 6
    assert made["certificate"] == issued

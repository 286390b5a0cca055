"""Publications are immutable, and readers are moved from one to the next in one step."""

import pandas as pd
import pymongo.errors
import pytest

from customer_profiles.segments import identified
from customer_profiles.store import publications


def publication(customers):
    return identified({
        "summary": {"authors": customers},
        "segments": [{"id": 0, "customers": customers, "avg_polarity": 0.5, "no_verified": "<10"}],
        "cells": [],
        "mood_daily": [],
        "certificate": {"passed": True},
        "provenance": {"sample": True},
    })  # fmt: skip


@pytest.fixture
def assignments(pseudonym):
    return pd.DataFrame(
        {"_id": [pseudonym("ann"), pseudonym("bob")], "cluster": [0, 1], "cell": ["0/1", "1/1"]}
    )


def held(database):
    names = ("published", "current", "assignments")
    return {name: list(database[name].find().sort("_id")) for name in names}


def test_before_the_first_publication_there_is_none(database):
    assert publications.current(database) is None


def test_what_was_published_is_current(database, assignments):
    publications.publish(database, publication(40), assignments)
    assert publications.current(database) == publication(40)
    assert held(database)["assignments"] == assignments.to_dict("records")


def test_publishing_the_same_again_changes_nothing(database, assignments):
    publications.publish(database, publication(40), assignments)
    before = held(database)
    publications.publish(database, publication(40), assignments)
    assert held(database) == before


def test_another_publication_becomes_current_and_the_former_stays(database, assignments):
    publications.publish(database, publication(40), assignments)
    publications.publish(database, publication(50), assignments[:1])
    assert publications.current(database) == publication(50)
    assert publication(40) in held(database)["published"]
    assert held(database)["assignments"] == assignments[:1].to_dict("records")
    publications.publish(database, publication(40), assignments)
    assert publications.current(database) == publication(40)
    assert len(held(database)["published"]) == 2


def test_new_assignments_under_the_same_publication_are_taken_over(database, assignments):
    publications.publish(database, publication(40), assignments)
    publications.publish(database, publication(40), assignments.assign(cluster=0))
    assert [row["cluster"] for row in held(database)["assignments"]] == [0, 0]


def test_a_refused_publication_changes_nothing(database, assignments):
    publications.publish(database, publication(40), assignments)
    before = held(database)
    wrong = identified({**publication(50), "members": ["ann"]})
    with pytest.raises(pymongo.errors.WriteError):
        publications.publish(database, wrong, assignments[:1])
    assert held(database) == before

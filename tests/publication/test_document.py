"""A publication is stored if it has the shape that is said once, and else refused."""

from copy import deepcopy
from functools import reduce
from operator import getitem

import pymongo.errors
import pytest

from customer_profiles.publication import document
from customer_profiles.store import connection, schema
from tests.publication.published import audience


def objects(part, path=()):
    """Where in a publication there is an object whose keys are named, and its schema."""
    if "properties" in part:
        yield path, part
    for name, inner in part.get("properties", {}).items():
        yield from objects(inner, (*path, name))
    if "items" in part:
        yield from objects(part["items"], (*path, 0))


OBJECTS = dict(objects(document.PUBLICATION))


@pytest.fixture(scope="module")
def published(mongodb):
    """Where publications are, validated; what is accepted must be taken away again."""
    with connection.connect(mongodb, "audience_of_publications") as client:
        schema.prepare(client["audience_of_publications"])
        yield client["audience_of_publications"].published
        client.drop_database("audience_of_publications")


def inside(path):
    """An example of a publication, and the object in it at `path`."""
    whole = deepcopy(document.example(document.PUBLICATION))
    return whole, reduce(getitem, path, whole)


@pytest.mark.parametrize("whole", [document.example(document.PUBLICATION), audience()])
def test_a_publication_is_accepted(published, whole):
    published.insert_one(whole)
    assert published.find_one_and_delete({}) == whole


@pytest.mark.parametrize(
    ("path", "key"), [(path, key) for path, part in OBJECTS.items() for key in part["required"]]
)
def test_a_publication_that_lacks_something_is_refused(published, path, key):
    whole, place = inside(path)
    del place[key]
    if (path, key) == ((), "_id"):
        whole["_id"] = 1  # the driver would give one
    with pytest.raises(pymongo.errors.WriteError):
        published.insert_one(whole)


@pytest.mark.parametrize("path", OBJECTS)
def test_a_publication_that_says_more_is_refused(published, path):
    whole, place = inside(path)
    place["members"] = ["ann"]
    with pytest.raises(pymongo.errors.WriteError):
        published.insert_one(whole)


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        (("segments", 0), "no_verified", "ann"),
        (("segments", 0), "no_verified", 3.5),
        (("segments", 0), "share", 1.01),
        (("segments", 0, "centroid"), "polarity", "high"),
        (("segments", 0, "mood"), "positive", -0.1),
        (("mood_daily", 0), "day", "2026-05-01T10:00"),
        (("summary",), "authors", None),
        (("summary", "clusters"), "verdict", "perhaps"),
        (("certificate", "published", "attacks"), "exact_join", 0.1),
    ],
)
def test_a_publication_that_says_something_else_is_refused(published, path, key, value):
    whole, place = inside(path)
    place[key] = value
    with pytest.raises(pymongo.errors.WriteError):
        published.insert_one(whole)

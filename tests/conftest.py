"""What several test files share; each has the rest to itself."""

from uuid import uuid4

import pandas as pd
import pytest

from customer_profiles.observations import AUTHOR_COUNTS, COLUMNS, POST_COUNTS
from customer_profiles.store import schema, server

ORDINARY = {
    "scorer": "0" * 16,
    "origin": "archive",
    "day": "2026-05-01",
    "label": "neutral",
    "polarity": 10,
    "subjectivity": 5,
    **dict.fromkeys(POST_COUNTS + AUTHOR_COUNTS, 1),
    "verified": False,
    "protected": False,
}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Root of an empty project, and the working folder; nothing is set from outside."""
    for name in ("MONGODB_URI", "CUSTOMER_PROFILES_KEY"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "dvc.yaml").touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def mongodb(tmp_path_factory):
    """Address of one real MongoDB for the whole session."""
    with server.embedded(tmp_path_factory.mktemp("mongo")) as address:
        yield address


@pytest.fixture
def database(mongodb):
    """An empty database, prepared, of a name of its own."""
    name = f"audience_{uuid4().hex[:12]}"
    with server.connect(mongodb, name) as client:
        schema.prepare(client[name])
        yield client[name]
        client.drop_database(name)


@pytest.fixture(scope="session")
def pseudonym():
    """Function from a readable name to something that looks like its pseudonym."""
    return lambda name: name.encode().hex().ljust(32, "0")


@pytest.fixture(scope="session")
def observe(pseudonym):
    """Function from posts, as dicts of what is special about each, to observations.

    `_id` and `author` are readable names; a post without `_id` is called by its place.
    """

    def frame(*posts):
        rows = [{**ORDINARY, "_id": f"post {n}", **post} for n, post in enumerate(posts)]
        ids = [{name: pseudonym(row[name]) for name in ("_id", "author")} for row in rows]
        return pd.DataFrame([row | own for row, own in zip(rows, ids, strict=True)])[list(COLUMNS)]

    return frame

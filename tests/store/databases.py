"""A real MongoDB, observations with readable names, and what seals and loads them.

Every room has these fixtures; a room without a database must not wait for its driver.
"""

from uuid import uuid4

import pytest

from customer_profiles.project.vocabulary import AUTHOR_COUNTS, POST_COUNTS

ORDINARY = {
    "scorer": "0" * 16,
    "origin": "archive",
    "day": "2026-05-01",
    "label": "neutral",
    "flag": "",
    "polarity": 0.5,
    "subjectivity": 0.5,
    **dict.fromkeys(POST_COUNTS + AUTHOR_COUNTS, 1),
    "verified": False,
    "protected": False,
}
MONTHS = dict.fromkeys(("first_month", "last_month"), "2026-05")


@pytest.fixture(scope="session")
def mongodb(tmp_path_factory):
    """Address of one real MongoDB for the whole session."""
    from customer_profiles.store import mongod

    with mongod.embedded(tmp_path_factory.mktemp("mongo")) as address:
        yield address


@pytest.fixture
def database(mongodb):
    """An empty database, prepared, of a name of its own."""
    from customer_profiles.store import connection, schema

    name = f"audience_{uuid4().hex[:12]}"
    with connection.connect(mongodb, name) as client:
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
    import pandas as pd

    from customer_profiles.posts.observations import COLUMNS

    def frame(*posts):
        rows = [{**ORDINARY, "_id": f"post {n}", **post} for n, post in enumerate(posts)]
        ids = [{name: pseudonym(row[name]) for name in ("_id", "author")} for row in rows]
        return pd.DataFrame([row | own for row, own in zip(rows, ids, strict=True)])[list(COLUMNS)]

    return frame


@pytest.fixture(scope="session")
def key():
    """The key of all rows that a test gives no other."""
    from customer_profiles.privacy.keys.key import demonstration_key

    return demonstration_key()


@pytest.fixture(scope="session")
def seal(key):
    """Function from unsealed rows to the documents that MongoDB holds of them."""
    from customer_profiles.privacy.sealing import LAYOUTS

    def sealed(frame, what="observations", key=key):
        return LAYOUTS[what].seal(frame, key).to_dict("records")

    return sealed


@pytest.fixture(scope="session")
def give_profiles(seal):
    """Function that gives authors, by their pseudonyms, an ordinary profile in a database."""
    import pandas as pd

    from customer_profiles.privacy.sealing import PROFILES

    ordinary = {
        **dict.fromkeys(PROFILES.sealed, 1),
        **MONTHS,
        "verified": False,
        "protected": False,
    }

    def give(database, authors):
        rows = pd.DataFrame([{**ordinary, "_id": author} for author in authors])
        database.profiles.insert_many(seal(rows, "profiles"))

    return give


@pytest.fixture
def load(tmp_path, key):
    """Function that makes a database's rows equal to observations, by way of a file."""
    from customer_profiles.posts.retention import Limits
    from customer_profiles.privacy.sealing import OBSERVATIONS
    from customer_profiles.project import files
    from customer_profiles.store import loading, profiles

    def loaded(database, observations, recipe=None, **limits):
        recipe = recipe or profiles.Recipe(key)
        file = tmp_path / f"{uuid4().hex}.parquet"
        files.write_parquet(file, OBSERVATIONS.seal(observations, recipe.key))
        return loading.update(database, file, recipe, Limits(**limits))

    return loaded

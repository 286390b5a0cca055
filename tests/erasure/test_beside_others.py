"""Erasing, changing the key, loading and publishing at once: each waits for the other."""

import time
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager

import pandas as pd
import pytest

from customer_profiles.erasure import held_data, key_rotation
from customer_profiles.privacy.keys import tombstones
from customer_profiles.privacy.keys.key import Key
from customer_profiles.project import files
from customer_profiles.store import connection, errors, publications, sealed_files
from customer_profiles.store.lease import leased
from tests.erasure.erasable import (
    IDS,
    KEY,
    PLACES,
    PUBLISHED,
    database_of,
    left_by,
    load,
    purge,
    rows_of,
    traces,
)


@contextmanager
def waiting(project, caplog, action):
    """`action` at work in a thread, waiting to write; its future, done after the block."""
    caplog.clear()
    with ThreadPoolExecutor(1) as pool:
        with database_of(project) as database, leased(database):
            future = pool.submit(action)
            for _ in range(500):
                if "waiting for it" in caplog.text or future.done():
                    break
                time.sleep(0.01)
            yield future
        wait([future])


def test_who_is_erased_while_a_load_waits_does_not_come_back_with_it(filled, caplog):
    key = Key(KEY)
    mark = key.mark(key.pseudonym("author", IDS["ann"]))
    with waiting(filled, caplog, load) as loaded:
        tombstones.add(key.fingerprint(), {mark: "author"})
    assert loaded.result().observations == 3
    assert key.pseudonym("author", IDS["ann"]) not in str(rows_of(filled)["observations"])


def test_a_load_that_waits_for_a_change_of_key_brings_nothing_back(filled, caplog):
    with waiting(filled, caplog, load) as loaded:
        (filled / connection.MANIFEST).unlink()
        with database_of(filled) as database:
            database.client.drop_database(database)
    with pytest.raises(errors.StoreError, match="is not the one pulled last"):
        loaded.result()
    assert rows_of(filled)["observations"] == []


def test_a_load_that_fails_leaves_the_former_archive_in_use(filled):
    former, name = connection.loaded(), Key(KEY).audience("others")
    pulled = former | {"archive": "others", "audience": name}
    files.write_json(filled / connection.MANIFEST, pulled)
    files.write_parquet(sealed_files.path("observations"), pd.DataFrame({"_id": []}))
    with pytest.raises(errors.StoreError, match="the observations lack the columns"):
        load(archive="others")
    assert connection.loaded() == former


def test_a_change_of_key_waits_for_who_writes(filled, caplog):
    with waiting(filled, caplog, key_rotation.rotate) as rotated:
        assert not rotated.done()
        assert len(rows_of(filled)["observations"]) == 5
    rotated.result()
    assert rows_of(filled)["observations"] == []


def test_a_publication_from_before_an_erasure_brings_nobody_back(filled):
    assigned = sealed_files.read("assignments", Key(KEY)).assign(cell="0")
    purge("author", IDS["ann"])
    before = rows_of(filled)
    with database_of(filled) as database:
        with pytest.raises(errors.StoreError, match="erased, or have expired, since"):
            publications.publish(database, {"_id": "1" * 16, **PUBLISHED}, assigned, Key(KEY))
        assert publications.current(database) is None
    assert rows_of(filled) == before


def test_a_publication_waits_for_who_writes(filled, caplog):
    people = sealed_files.read("assignments", Key(KEY)).assign(cell="0")

    def publish():
        with database_of(filled) as database:
            publications.publish(database, {"_id": "1" * 16, **PUBLISHED}, people, Key(KEY))

    with waiting(filled, caplog, publish) as published:
        assert not published.done()
    published.result()
    with database_of(filled) as database:
        assert publications.current(database)["_id"] == "1" * 16


def test_erasures_are_done_one_after_the_other(filled):
    with ThreadPoolExecutor(1) as pool:
        with held_data.exclusive():
            purged = pool.submit(purge, "author", IDS["ann"])
            assert wait([purged], 0.5).not_done
            assert traces(filled, *left_by("ann")) == PLACES
        purged.result()
    assert traces(filled, *left_by("ann")) == []

"""Another key: nothing of what was made under the old one stays."""

import pytest

from customer_profiles.commands.app import main
from customer_profiles.erasure import erasing, key_rotation
from customer_profiles.privacy.keys import tombstones
from customer_profiles.privacy.keys.key import FILE, VARIABLE, Key, open_key
from customer_profiles.store import connection
from tests.erasure.erasable import (
    IDS,
    KEY,
    PAGES,
    database_of,
    everything,
    files_of,
    killed,
    left_by,
    page,
    purge,
    restore,
    traces,
)


def test_a_new_key_leaves_nothing_of_the_old_one(filled, caplog):
    copy = filled.joinpath(PAGES, "1.jsonl").read_bytes()
    purge("author", IDS["ann"])
    filled.joinpath(PAGES, "5.jsonl").write_bytes(copy)
    assert main(["rotate"]) == 0
    assert traces(filled, *left_by("ann")) == []
    key = open_key(PAGES)
    assert key.fingerprint() != Key(KEY).fingerprint()
    names = [name for name in files_of(filled) if name.startswith("data/")]
    assert sorted(names) == ["data/secret.key", tombstones.RECORD]  # the days of erasures alone
    assert (filled / FILE).stat().st_mode & 0o777 == 0o600
    with database_of(filled) as database:
        assert database.name not in database.client.list_database_names()
    assert "Copies of the pages elsewhere would bring back" in caplog.text
    assert "`dvc repro -f pull && dvc repro`" in caplog.text


def test_a_key_from_the_environment_is_left_to_whoever_set_it(filled, caplog, monkeypatch):
    purge("author", IDS["ann"])
    monkeypatch.setenv(VARIABLE, (filled / FILE).read_text())
    assert main(["rotate"]) == 0
    assert "the key comes from CUSTOMER_PROFILES_KEY, so the rest is yours" in caplog.text
    # Until there is another key they keep the erased out.
    assert len(tombstones.read(Key(KEY).fingerprint())) == 1
    assert not (filled / connection.MANIFEST).exists()
    assert not (filled / connection.LOADED).exists()


@pytest.mark.long
def test_a_change_of_key_killed_at_any_step_can_be_repeated(filled):
    erasing.purge("author", [IDS["ann"]])
    filled.joinpath(PAGES, "5.jsonl").write_text(page(["ann", "bob"]))
    files, rows = everything(filled)
    for step in range(100):
        restore(filled, files, rows)
        ended = not killed(key_rotation.rotate, step)
        # Whatever the moment: who was erased is known, or is not held any more.
        known = (filled / tombstones.FOLDER).glob("*.txt")
        assert any(known) or traces(filled, *left_by("ann")) == []
        if ended:
            break
        key_rotation.rotate()
        assert (filled / FILE).is_file()
        assert list((filled / "data").rglob("*.parquet")) == []
        assert traces(filled, *left_by("ann")) == []
        assert len(list((filled / "data").iterdir())) == 4  # key, raw, processed, tombstones
    assert step > 5

"""Data held of an account are shown to the person it belongs to, and erasures are recorded."""

import json
from datetime import UTC, datetime

import pytest

from customer_profiles.commands.app import main
from customer_profiles.privacy.keys import tombstones
from customer_profiles.privacy.keys.key import Key
from tests.erasure.erasable import FIRST, IDS, KEY, everything, left_by, purge


def asked(capsys, *ids):
    capsys.readouterr()
    assert main(["access", *ids]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_person_sees_all_that_is_held_and_nothing_of_others(filled, capsys):
    before = everything(filled)
    held = asked(capsys, IDS["ann"])
    assert [row["day"] for row in held["observations"]] == ["2026-05-01", "2026-05-04"]
    assert {round(row["polarity"], 2) for row in held["observations"]} == {0.11, 0.12}
    (profile,) = held["profiles"]
    assert (profile["posts"], held["segments"], held["erased"]) == (2, [0], False)
    assert held["posts_in_pages"] == 4  # two in each of two files
    pseudonyms = {Key(KEY).pseudonym("author", number) for number in IDS.values()}
    assert not [word for word in pseudonyms | {*left_by("bob")} if word in json.dumps(held)]
    assert everything(filled) == before


def test_of_whom_was_erased_nothing_is_held_but_that(filled, capsys):
    purge("author", IDS["ann"])
    held = asked(capsys, IDS["ann"])
    assert (held["observations"], held["profiles"], held["segments"]) == ([], [], [])
    assert (held["posts_in_pages"], held["erased"]) == (0, True)


def test_of_an_unknown_account_nothing_is_held(filled, capsys):
    held = asked(capsys, "9000000000000000099")
    assert (held["observations"], held["posts_in_pages"], held["erased"]) == ([], 0, False)


def test_what_is_no_id_is_refused_without_repeating_it(filled, caplog):
    assert main(["access", "ann_handle"]) == 1
    assert "id number 1 of 1 is none" in caplog.text
    assert "ann_handle" not in caplog.text


@pytest.mark.parametrize("times", [1, 2])
def test_erasures_are_recorded_by_day_and_kind_alone(filled, times):
    today = datetime.now(UTC).date().isoformat()
    for _ in range(times):
        purge("post", FIRST)
        purge("author", IDS["bob"])
        assert main(["expire", "--days", "1"]) == 0
    record = (filled / tombstones.RECORD).read_text().splitlines()
    assert sorted(record) == [f"{today} {kind}" for kind in ("author", "expired", "post")]

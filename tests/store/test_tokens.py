"""Tokens of the API: shown once, kept as a hash, valid until their last day."""

from datetime import date

import pytest

from customer_profiles.store import tokens
from customer_profiles.store.errors import StoreError

TODAY = date(2026, 5, 1)


def test_a_token_belongs_to_its_owner_until_its_last_day(database):
    token = tokens.create(database, "marketing", days=30, today=TODAY)
    assert tokens.owner(database, token, TODAY) == "marketing"
    assert tokens.owner(database, token, date(2026, 5, 31)) == "marketing"
    assert tokens.owner(database, token, date(2026, 6, 1)) is None


def test_the_token_itself_is_not_kept(database):
    token = tokens.create(database, "marketing", days=30, today=TODAY)
    (row,) = database.api_tokens.find()
    assert token not in str(row)
    assert tokens.owner(database, row["sha256"], TODAY) is None
    listed = {"_id": "marketing", "created": "2026-05-01", "expires": "2026-05-31"}
    assert tokens.listed(database) == [listed]


def test_two_tokens_differ(database):
    made = [tokens.create(database, name, days=1, today=TODAY) for name in ("one", "other")]
    assert [tokens.owner(database, token, TODAY) for token in made] == ["one", "other"]
    assert len({*made}) == 2


def test_a_name_is_taken_until_it_is_revoked(database):
    token = tokens.create(database, "marketing", days=30, today=TODAY)
    with pytest.raises(StoreError, match="'marketing'"):
        tokens.create(database, "marketing", days=30, today=TODAY)
    assert tokens.owner(database, token, TODAY) == "marketing"
    tokens.revoke(database, "marketing")
    assert tokens.owner(database, token, TODAY) is None
    assert tokens.owner(database, tokens.create(database, "marketing", 1, TODAY), TODAY)


def test_revoking_what_is_not_there_is_an_error(database):
    with pytest.raises(StoreError, match="no token called 'marketing'"):
        tokens.revoke(database, "marketing")

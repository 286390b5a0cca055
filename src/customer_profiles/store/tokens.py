"""Tokens of the API: only their SHA-256 is kept."""

import hashlib
import secrets
from datetime import date, timedelta

from pymongo.database import Database

from customer_profiles.store.errors import StoreError


def create(database: Database, name: str, days: int, today: date) -> str:
    """A new token called `name`, valid for `days` days; it cannot be shown again.

    Raises StoreError when the name is taken.
    """
    if database.api_tokens.find_one({"_id": name}):
        raise StoreError(f"there is a token called {name!r}; revoke it or choose another name")
    token = secrets.token_urlsafe(32)
    database.api_tokens.insert_one({
        "_id": name,
        "sha256": _hash(token),
        "created": today.isoformat(),
        "expires": (today + timedelta(days=days)).isoformat(),
    })  # fmt: skip
    return token


def revoke(database: Database, name: str) -> None:
    """Delete the token called `name`. Raises StoreError when there is none."""
    if not database.api_tokens.delete_one({"_id": name}).deleted_count:
        raise StoreError(f"there is no token called {name!r}; `token list` names them")


def listed(database: Database) -> list[dict]:
    """Name, day of creation and day of expiry of every token."""
    return list(database.api_tokens.find({}, {"sha256": 0}).sort("_id"))


def owner(database: Database, token: str, today: date) -> str | None:
    """Name of a valid `token`; None for an unknown or expired one."""
    row = database.api_tokens.find_one({"sha256": _hash(token)})
    return row["_id"] if row and today.isoformat() <= row["expires"] else None


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()

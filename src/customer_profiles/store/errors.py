"""What goes wrong with a database, told without a value, an address or a password."""

from collections.abc import Mapping

from pymongo.errors import BulkWriteError, ConnectionFailure, OperationFailure, PyMongoError

UNAUTHORIZED = 13
DISK_FULL = 14031
# To read and write; and to change a rule that the database has already (collMod).
ROLES = "readWrite and dbAdmin"


class StoreError(Exception):
    """The database cannot be used; the message says why and what to do."""


class Gone(StoreError):
    """The server, or the right to write, went away meanwhile; the same may be done again."""


def explained(error: PyMongoError, place: str, gone: str, full: str) -> StoreError:
    """What `error` of a database in use means; its own message repeats values and addresses.

    `place` says which server it is, `gone` why it does not answer, `full` that its disk is full.
    """
    if isinstance(error, ConnectionFailure):
        return Gone(f"{gone}; what was written so far is kept: run the same again")
    code, name = _code(error)
    if code == UNAUTHORIZED:
        return StoreError(
            f"the user in {place} may not do this (code {code}): it needs the roles {ROLES} on "
            "this database"
        )
    if code == DISK_FULL:
        return StoreError(full)
    return StoreError(f"{place} refused to go on ({name}, code {code})")


def refusal(what: str, error: Mapping) -> str:
    """Which fields of `what` MongoDB refused. Its own message repeats their values."""
    return (
        f"MongoDB refused {what} (code {error['code']}), fields: "
        f"{', '.join(sorted(refused_fields(error))) or 'unknown'}; see store/schema.py"
    )


def refused_fields(error: Mapping) -> set[str]:
    """The fields that broke a validator's rules."""
    rules = error.get("errInfo", {}).get("details", {}).get("schemaRulesNotSatisfied", [])
    found = {item.get("propertyName") for rule in rules
             for item in rule.get("propertiesNotSatisfied", [])}  # fmt: skip
    named = {name for rule in rules for name in rule.get("missingProperties", [])}
    named |= {name for rule in rules for name in rule.get("additionalProperties", [])}
    return {name for name in found | named if name}


def _code(error: PyMongoError) -> tuple[int | None, str]:
    """Number and name of what the server says."""
    if isinstance(error, BulkWriteError):
        refused = error.details.get("writeErrors") or error.details.get("writeConcernErrors")
        return refused[0]["code"] if refused else error.code, type(error).__name__
    if isinstance(error, OperationFailure):
        return error.code, (error.details or {}).get("codeName", type(error).__name__)
    return None, type(error).__name__

"""Data held of an account, for the person it belongs to: `customer-profiles access`.

A person may ask for them (GDPR, article 15). They are shown unsealed, on the operator's terminal.
"""

from collections.abc import Sequence

from customer_profiles.erasure import erasing
from customer_profiles.erasure.held_data import exclusive, open_audience
from customer_profiles.privacy.keys import tombstones
from customer_profiles.privacy.sealing import ASSIGNMENTS, OBSERVATIONS, PROFILES
from customer_profiles.project import params
from customer_profiles.store import connection, profiles

NOT_SEARCHED = (
    "copies elsewhere, and databases of other archives; publications count groups of people only"
)


@exclusive()
def access(ids: Sequence[str]) -> dict:
    """All that is held of the accounts with these ids of X, as values that JSON can hold.

    `observations` and `profiles` as they are stored, without pseudonyms; the `segments` that the
    accounts are assigned to; the number of `posts_in_pages`; `erased`, whether a tombstone keeps
    any of them out. Raises ValueError for an invalid id, by its position.
    """
    erasing.check_ids("author", ids, mapped=bool(params.stage("pull")["columns"]))
    audience = open_audience()
    authors = audience.key.pseudonyms("author", ids)
    marks = {audience.key.mark(name): "author" for name in authors}
    with connection.database(audience.name) as database:
        tables = {
            layout.what: layout.unseal(
                profiles.read_sealed(database, layout, {column: {"$in": authors}}), audience.key
            ).drop(columns=["_id", "author"], errors="ignore")
            for layout, column in (
                (OBSERVATIONS, "author"),
                (PROFILES, "_id"),
                (ASSIGNMENTS, "_id"),
            )
        }
    named = frozenset(("author", number) for number in ids)
    return {
        "archive": audience.archive,
        "observations": tables["observations"].to_dict("records"),
        "profiles": tables["profiles"].to_dict("records"),
        "segments": tables["assignments"]["cluster"].tolist(),
        "posts_in_pages": erasing.clean_pages(audience, marks, named, dry_run=True),
        "erased": bool(marks.keys() & tombstones.read(audience.key.fingerprint()).keys()),
        "not_searched": NOT_SEARCHED,
    }

"""Recognition of values by their content: each becomes an API v2 page, or is counted.

A family of formats is a module with `NAME`, `claims(value)` and `page(value)`. To read another
format, write such a module and add it to FAMILIES.
"""

from collections.abc import Iterator, Sequence

from customer_profiles.posts.formats import documents, tables, tally, v1, web, x_pages
from customer_profiles.posts.formats.documents import Piece

FAMILIES = (web, v1)
# Sections of X's personal archive: the owner's posts; until 2018 one a month ("tweets_2014_03").
POST_SECTIONS = ("tweets", "tweet")
ACCOUNT_SECTION = "account"


def pages(
    value: object, account: tally.Tally, section: str = "", owner: dict | None = None
) -> Iterator[dict]:
    """Pages of a JSON value, which may be a list of pages or posts, as `pages_of` gives them.

    `section` is that of X's personal archive, or "". `account` counts the formats that are
    recognised, and what is of none.
    """
    if section:
        items = value if isinstance(value, list) else [value]
        items = [item for item in items if isinstance(item, dict)]
        yield from _of_section(items, section, account, owner)
    elif isinstance(value, list):
        for item in value:
            yield from pages(item, account)
    elif not isinstance(value, dict):
        account.leave(tally.UNKNOWN_OBJECT)
    elif value:  # R writes an empty list as {}
        yield from _page(value, account)


def pages_of(
    piece: Piece, names: Sequence[str | None], account: tally.Tally, owner: dict | None = None
) -> Iterator[dict]:
    """Pages on a piece of a file.

    `names` are the fields of a table's columns (`tables.fields`), `owner` is that of X's personal
    archive (an API v2 user), whose posts lack their author.
    """
    if piece.kind == documents.ROW and piece.cells:
        if len(piece.cells) == len(names):
            account.formats[tables.NAME] += 1
            yield tables.page(names, piece.cells)
        else:
            account.leave(tally.SHORT_ROW)
    elif piece.kind in (documents.LINE, documents.DOCUMENT):
        for section, value in documents.values(piece, account):
            yield from pages(value, account, section, owner)


def owner(piece: Piece) -> dict | None:
    """The owner (API v2 user) of X's personal archive, if `piece` is its account.js; else None."""
    if documents.section(piece) != ACCOUNT_SECTION:
        return None
    each = (page["includes"]["users"] for page in pages_of(piece, (), tally.Tally()))
    return next((user for users in each for user in users), None)


def _of_section(
    items: Sequence[dict], section: str, account: tally.Tally, owner: dict | None
) -> Iterator[dict]:
    if section in POST_SECTIONS or section.startswith("tweets_"):
        for item in items:
            account.formats[v1.ARCHIVE_NAME] += 1
            yield v1.page(item, owner)
    elif section == ACCOUNT_SECTION:
        yield {"includes": {"users": [user for user in map(v1.account, items) if user]}}
    else:
        account.leave(tally.NO_POST, len(items))


def _page(value: dict, account: tally.Tally) -> Iterator[dict]:
    if x_pages.is_missing(value):
        account.leave(tally.NOT_GIVEN)
        return
    if x_pages.is_error(value):
        account.leave(tally.REFUSED)
        return
    if x_pages.is_page(value):
        account.formats[x_pages.NAME] += 1
        yield value
        return
    for family in FAMILIES:
        if family.claims(value):
            account.formats[family.NAME] += 1
            yield family.page(value) | {x_pages.SINGLE: True}
            return
    if x_pages.is_post(value):
        account.formats[x_pages.POSTS] += 1
        yield x_pages.page(value)
    elif x_pages.is_includes(value):
        yield {"includes": value, x_pages.BESIDE: True}
    else:
        account.leave(tally.UNKNOWN_OBJECT)

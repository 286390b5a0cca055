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
# Marks the page of the owner of X's personal archive.
OWNER = "owner"


def pages(value: object, account: tally.Tally) -> Iterator[dict]:
    """Pages of a JSON value, which may be a list of pages or posts.

    `account` counts the formats that are recognised, and what is of none.
    """
    if isinstance(value, list):
        for item in value:
            yield from pages(item, account)
    elif not isinstance(value, dict):
        account.leave(tally.UNKNOWN_OBJECT)
    elif value:  # R writes an empty list as {}
        yield from _page(value, account)


def pages_of(
    piece: Piece, names: Sequence[str | None], account: tally.Tally
) -> Iterator[tuple[dict, bool]]:
    """Pages on a piece, and whether their posts lack their author, the owner of X's archive.

    `names` are the fields of a table's columns (`tables.fields`).
    """
    if piece.kind == documents.ROW and piece.cells:
        if len(piece.cells) == len(names):
            account.formats[tables.NAME] += 1
            yield tables.page(names, piece.cells), False
        else:
            account.leave(tally.SHORT_ROW)
    elif piece.kind in (documents.LINE, documents.DOCUMENT):
        for section, value in documents.values(piece, account):
            if section:
                yield from ((page, True) for page in owned_pages(value, section, account))
            else:
                yield from ((page, False) for page in pages(value, account))


def owned_pages(value: object, section: str, account: tally.Tally) -> Iterator[dict]:
    """Pages of a `section` of X's personal archive, whose posts lack their author, the owner.

    Entries of other sections are counted.
    """
    items = [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
    if section in POST_SECTIONS or section.startswith("tweets_"):
        for item in items:
            account.formats[v1.ARCHIVE_NAME] += 1
            yield v1.page(item)
    elif section == ACCOUNT_SECTION:
        users = [user for user in map(v1.account, items) if user]
        yield {"includes": {"users": users}, OWNER: True}
    else:
        account.leave(tally.NO_POST, len(items))


def with_owner(page: dict, owner: dict | None) -> dict:
    """The page of a post of X's personal archive, by its owner (API v2 user) if that is known."""
    if not owner:
        return page
    posts = [{"author_id": owner["id"], **post} for post in page["data"]]
    return page | {"data": posts, "includes": page["includes"] | {"users": [owner]}}


def owner(piece: Piece, section: str) -> dict | None:
    """The owner (API v2 user) whom the section "account" of X's personal archive names."""
    if section != ACCOUNT_SECTION:
        return None
    values = (value for _, value in documents.values(piece, tally.Tally()))
    pages = (page for value in values for page in owned_pages(value, section, tally.Tally()))
    return next((user for page in pages for user in page["includes"]["users"]), None)


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

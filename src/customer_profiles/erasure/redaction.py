"""Redaction of posts in files: removal of everything that erased people left in them.

Removed are the posts and users themselves, anywhere on a page, reposts (their text is the erased
one), media and polls of these posts, and pointers to them in other objects: references, mentions,
links, ids. Posts of other authors stay, even with an erased handle in their text. Of a table, rows
of erased posts go, and rows that name an erased id outside of the text. What cannot be parsed, and
an object of no known format, goes as a whole if it contains an erased name.

Names state the data to remove: ("post", id), ("author", id), ("handle", in lower case). An author
in a table whose columns are mapped may be named by a handle instead of an id.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

from customer_profiles.posts import dates
from customer_profiles.posts.formats import containers, documents, recognition, v1, web, x_pages
from customer_profiles.posts.formats.documents import HEADER, ROW, UNREADABLE
from customer_profiles.posts.formats.tally import Tally
from customer_profiles.posts.places import Place

Names = frozenset[tuple[str, str]]

VERSIONS = {"edit_history_tweet_ids": "post", "edit_history_post_ids": "post"}
POST = {"id": "post", "author_id": "author"} | VERSIONS
REPOST = {"referenced_tweets": "post", "referenced_posts": "post", "text": "handle"}
USER = {"id": "author", "username": "handle"}
MENTION = USER | {"id_str": "author", "screen_name": "handle"}
ATTACHMENTS = {"media_keys": "media", "poll_ids": "poll"}
# What stands at these keys, alone or in a list, goes if a name in one of its fields is erased, of
# the kind given here. What has no fields is itself the name ("").
_TABLE = {
    "data tweets posts": POST | REPOST,
    "users mentions author": USER,
    "referenced_tweets referenced_posts": {"id": "post", "author_id": "author"},
    "urls": {"expanded_url": "post handle"},
    "media": {
        "media_key": "media", "source_status_id": "post", "source_status_id_str": "post",
        "source_user_id": "author", "source_user_id_str": "author", "expanded_url": "post handle",
    },
    "polls": {"id": "poll"},
    "errors": {"resource_id": "post author", "value": "post author handle"},
    "author_id in_reply_to_user_id in_reply_to_user_id_str": {"": "author"},
    "conversation_id newest_id oldest_id since_id pinned_tweet_id pinned_post_id": {"": "post"},
    # X's API v1.1 and its website.
    "user_mentions": MENTION,
    "in_reply_to_screen_name": {"": "handle"},
    "in_reply_to_status_id in_reply_to_status_id_str quoted_status_id quoted_status_id_str "
    "conversation_id_str": {"": "post"},
    "quoted_status_permalink": {"expanded": "post handle"},
    # Of an answer of the API v1.1, and of Zeeschuimer's items: what was asked for.
    "max_id max_id_str since_id_str": {"": "post"},
    "query next_results refresh_url": {"query": "post handle"},
    "source_url source_platform_url": {"expanded_url": "post handle"},
}  # fmt: skip
RULES = {key: rule for keys, rule in _TABLE.items() for key in keys.split()}
# Posts within posts of the API v1.1, and of the website.
NESTED = {name: v1 for name in v1.NESTED} | {f"{name}_result": web for name in v1.NESTED}
NESTED["quotedRefResult"] = web
# Where the name is a part of the field.
_IN_LINK = r"\d+|(?<=twitter\.com/)\w+|(?<=[/.]x\.com/)\w+"
PARTS = {
    "text": r"^RT @(\w+):",
    "expanded_url": _IN_LINK,
    "expanded": _IN_LINK,
    "query": r"(?:%\w\w|\b)(\w+)",  # an encoded colon or @ before it
}
IDS = r"\b\d+\b"
KINDS = ("post", "author", "handle")
GONE = object()


def find(
    places: Iterable[Place],
    is_erased: Callable[[str, str], bool],
    known: Names = frozenset(),
    before: str = "",
) -> Names:
    """`known`, and all names in `places` of files to erase with those of `is_erased(kind, name)`.

    A post is erased with its author, with any of its versions, and if it was written on a day
    before the day `before`; a handle with its user.
    """
    result = set(known)
    for place in places:
        objects, mentioned, unread = _sightings(place)
        result |= {name for item in objects for name in _older(item, before)}
        named = [_names(item, MENTION) for item in mentioned]
        named += [_names(item, USER if "username" in item else POST) for item in objects]
        ids = re.findall(r"\d+", unread)
        named += [{(kind, number)} for number in ids for kind in ("post", "author")]
        for names in named:
            if erased := {name for name in names if is_erased(*name)}:
                # Of a post that is erased alone the author stays.
                result |= erased | {name for name in names if name[0] != "author"}
    return frozenset(result)


def standing(place: Place) -> set[tuple[str, str]]:
    """Names of the posts, and of the users and the posts' authors, at a place of a file."""
    objects, _, _ = _sightings(place)
    rules = {"id": "author"}, {"id": "post", "author_id": "author"}
    return {name for item in objects for name in _names(item, rules["username" not in item])}


def redacted(place: Place, erased: Names) -> tuple[bytes, int]:
    """The piece at `place` without the `erased` names, and the number of posts removed from it.

    What holds no erased name keeps its bytes; another value is written anew with all other content.
    """
    piece = place.piece
    if piece.raw is None:
        return containers.DAMAGED_LINE, 0
    if piece.kind in (HEADER, ROW):
        goes, posts = _redacted_row(place, erased)
        return (b"" if goes else piece.raw), posts
    text, posts, last, result = _text(piece.raw), 0, 0, []
    for start, end, value in documents.spans(text):
        before, raw = text[last:start], text[start:end]
        if value is UNREADABLE:
            left = "" if _contains(raw, erased) else raw
        else:
            try:
                kept, removed = _left(value, erased, place)
                left = raw if kept == value else "" if kept is GONE else _json(kept)
            except RecursionError:
                left, removed = "" if _contains(raw, erased) else raw, 0
            posts += removed
        result += [before, left]
        last = end
    joined = "".join([*result, text[last:]])
    return joined.encode("utf-8", "surrogateescape"), posts


def _sightings(place: Place) -> tuple[list[dict], list[dict], str]:
    """What is at `place`: posts and users, as objects of the API v2, mentions, and other text."""
    piece, text = place.piece, _text(place.piece.raw)
    pages: list[dict] = []
    mentioned, unread = [], []
    if piece.kind in (HEADER, ROW):
        pages += recognition.pages_of(piece, place.names, Tally())
        unread += [] if pages else [text]
    else:
        for start, end, value in documents.spans(text):
            on_pages, raw = [], text[start:end]
            with suppress(RecursionError):
                on_pages = [] if value is UNREADABLE else _pages(value, place)
                raw = raw if on_pages or value is UNREADABLE else _json(value)
                mentioned += _mentions(value) if "mentions" in text else ()
            pages += on_pages
            unread += [] if on_pages else [raw]
    return [item for page in pages for item in _objects(page)], mentioned, " ".join(unread)


def _older(item: dict, before: str) -> set[tuple[str, str]]:
    """The name of the post `item` if it was written before that day."""
    if not before or "username" in item:
        return set()
    return {
        (kind, name)
        for kind, name in _names(item, {"id": "post"})
        if (dates.day(item.get("created_at")) or dates.day_of_id(name) or before) < before
    }


def _mentions(value: object) -> Iterator[dict]:
    """The users whom posts in `value` mention, by id and handle."""
    if isinstance(value, list):
        for item in value:
            yield from _mentions(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            if name in ("mentions", "user_mentions"):
                yield from (each for each in _listed(item) if isinstance(each, dict))
            elif isinstance(item, dict | list):
                yield from _mentions(item)


def _pages(value: object, place: Place) -> list[dict]:
    return list(recognition.pages(value, Tally(), place.section, place.owner))


def _redacted_row(place: Place, erased: Names) -> tuple[bool, int]:
    """Whether a row goes, and the number of posts that go with it. A header stays."""
    piece = place.piece
    if piece.kind == HEADER and any(place.names):
        return False, 0
    pages = list(recognition.pages_of(piece, place.names, Tally()))
    if not pages:
        named = any((kind, cell.strip()) in erased for cell in piece.cells for kind in KINDS)
        return named or _contains(_text(piece.raw), erased), 0
    posts = [post for page in pages for post in page["data"]]
    others = " ".join(
        cell
        for name, cell in zip(place.names, piece.cells, strict=True)
        if name not in ("text", "author.description")
    )
    goes = any(_goes("posts", post, erased) for post in posts) or _contains(others, erased, IDS)
    return goes, len(posts) if goes else 0


def _left(value: object, erased: Names, place: Place) -> tuple[object, int]:
    """`value` without the erased, or GONE, and the number of posts that were removed."""
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        each = [_left(item, erased, place) for item in value]
        return [left for left, _ in each if left is not GONE], sum(posts for _, posts in each)
    if not isinstance(value, dict):
        return (GONE if _contains(_json(value), erased) else value), 0
    for name in v1.LISTS:
        if isinstance(value.get(name), list) and v1.claims(value):
            kept, posts = _left(value[name], erased, place)
            return _without(value, erased) | {name: kept}, posts
    pages = _pages(value, place)
    if not any(map(_objects, pages)) and not x_pages.is_page(value):
        if place.part.name.endswith(containers.SEALED_ENDING):  # the state of a collection
            return _without(value, erased), 0
        return (GONE if _contains(_json(value), erased) else value), 0
    if x_pages.is_page(value) or x_pages.is_includes(value):
        posts = [item for item in _objects(value) if "username" not in item]
        removed = [post for post in posts if _goes("posts", post, erased)]
        attached = [_names(post.get("attachments"), ATTACHMENTS) for post in removed]
        return _without(value, erased.union(*attached)), len(removed)
    posts = [post for page in pages for post in _listed(page.get("data")) if isinstance(post, dict)]
    if any(_goes("posts", post, erased) for post in posts) or (
        place.section == recognition.ACCOUNT_SECTION
        and any(_goes("users", user, erased) for user in pages[0]["includes"]["users"])
    ):
        return GONE, len(posts)
    return _without(value, erased), 0


def _objects(page: dict) -> list[dict]:
    """The posts and users of a page; a page of a user lookup has users under data."""
    parts = [part for part in (page, page.get("includes")) if isinstance(part, dict)]
    listed = [part.get(key) for part in parts for key in ("data", "tweets", "posts", "users")]
    return [item for items in listed for item in _listed(items) if isinstance(item, dict)]


def _without(value: object, erased: Names, key: str = "") -> object:
    """`value`, at the key `key`, without the members and items to remove."""
    if isinstance(value, dict):
        kept = [(name, item) for name, item in value.items() if not _goes(name, item, erased)]
        return {name: _without(item, erased, name) for name, item in kept}
    if isinstance(value, list):
        return [_without(item, erased, key) for item in value if not _goes(key, item, erased)]
    return value


def _goes(key: str, value: object, erased: Names) -> bool:
    if key in NESTED and isinstance(value, dict):
        post = value if NESTED[key] is v1 else value.get("result")
        page = NESTED[key].page(post if isinstance(post, dict) else {})
        return any(_goes("posts", each, erased) for each in page["data"])
    is_user = isinstance(value, dict) and "username" in value  # whatever the key
    return not _names(value, USER if is_user else RULES.get(key, {})).isdisjoint(erased)


def _names(value: object, rule: dict[str, str]) -> set[tuple[str, str]]:
    """The names in `value`, an object or a name; a rule is its fields and the kinds of each."""
    fields = value if isinstance(value, dict) else dict.fromkeys(rule, value)
    return {
        (kind, name.lower() if kind == "handle" else name)
        for field, kinds in rule.items()
        for text in map(_name_text, _listed(fields.get(field)))
        for name in (re.findall(PARTS[field], text) if field in PARTS else [text.strip()])
        if name
        for kind in kinds.split()
    }


def _name_text(value: object) -> str:
    """`value` as text: an id (on older pages a number), a text, or the post a repost repeats."""
    if isinstance(value, dict) and value.get("type") in ("retweeted", "reposted"):
        value = value.get("id")
    return str(value) if isinstance(value, str | int) else ""


def _contains(text: str, erased: Names, words: str = r"\w+") -> bool:
    named = {form for word in re.findall(words, text) for form in (word, word.lower())}
    return any((kind, name) in erased for name in named for kind in KINDS)


def _text(raw: bytes | None) -> str:
    return (raw or b"").decode("utf-8", "surrogateescape")


def _json(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    # Half of a surrogate pair has no bytes; the escape that Python puts for it is JSON's too.
    return text.encode("utf-8", "backslashreplace").decode()


def _listed(value: object) -> list:
    return value if isinstance(value, list) else [value]

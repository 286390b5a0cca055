"""Redaction of X API pages: removal of everything that erased people left in them.

Removed are the posts and users themselves, anywhere on a page, reposts (their text is the erased
one), media and polls of these posts, and pointers to them in other objects: references, mentions,
links, ids. Posts of other authors stay, even with an erased handle in their text.

Names state the data to remove: ("post", id), ("author", id), ("handle", in lower case).
"""

import json
import re
from collections.abc import Callable, Iterable

Names = frozenset[tuple[str, str]]

VERSIONS = {"edit_history_tweet_ids": "post", "edit_history_post_ids": "post"}
POST = {"id": "post", "author_id": "author"} | VERSIONS
REPOST = {"referenced_tweets": "post", "referenced_posts": "post", "text": "handle"}
USER = {"id": "author", "username": "handle"}
ATTACHMENTS = {"media_keys": "media", "poll_ids": "poll"}
# What stands at these keys, alone or in a list, goes if a name in one of its fields is erased, of
# the kind given here. What has no fields is itself the name ("").
_TABLE = {
    "data tweets posts": POST | REPOST,
    "users mentions": USER,
    "referenced_tweets referenced_posts": {"id": "post"},
    "urls": {"expanded_url": "post"},
    "media": {"media_key": "media"},
    "polls": {"id": "poll"},
    "errors": {"resource_id": "post author", "value": "post author handle"},
    "author_id in_reply_to_user_id": {"": "author"},
    "conversation_id newest_id oldest_id since_id pinned_tweet_id pinned_post_id": {"": "post"},
}
RULES = {key: rule for keys, rule in _TABLE.items() for key in keys.split()}
# Where the name is a part of the field.
PARTS = {"text": r"^RT @(\w+):", "expanded_url": r"\d+"}
NO_PAGE = (ValueError, RecursionError)


def find(
    lines: Iterable[str], is_erased: Callable[[str, str], bool], known: Names = frozenset()
) -> Names:
    """`known`, and all names in `lines` of pages to erase with those of `is_erased(kind, name)`.

    A post is erased with its author, and with any of its versions; a handle with its user.
    """
    result = set(known)
    for line in lines:
        try:
            items = _objects(_page(line))
            named = [_names(item, USER if "username" in item else POST) for item in items]
        except NO_PAGE:
            ids = re.findall(r"\d+", line)
            named = [{(kind, number)} for number in ids for kind in ("post", "author")]
        for names in named:
            if erased := {name for name in names if is_erased(*name)}:
                # Of a post that is erased alone the author stays.
                result |= erased | {name for name in names if name[0] != "author"}
    return frozenset(result)


def standing(line: str) -> set[tuple[str, str]]:
    """Names of the posts, and of the users and the posts' authors, on a page."""
    try:
        items = _objects(_page(line))
    except NO_PAGE:
        return set()
    rules = {"id": "author"}, {"id": "post", "author_id": "author"}
    return {name for item in items for name in _names(item, rules["username" not in item])}


def redacted(line: str, erased: Names) -> tuple[str, int]:
    """The page `line` without the `erased` names, and the number of posts removed from it.

    A page without an erased name keeps its bytes; another is written anew with all other content. A
    line that is no page is removed as a whole if it contains such a name: it cannot be parsed.
    """
    try:
        page = _page(line)
        posts = [item for item in _objects(page) if "username" not in item]
        removed = [post for post in posts if _goes("posts", post, erased)]
        attached = [_names(post.get("attachments"), ATTACHMENTS) for post in removed]
        left = _without(page, erased.union(*attached))
    except NO_PAGE:
        named = {name for _, name in erased}.intersection(re.findall(r"\w+", line.lower()))
        return ("" if named else line), 0
    if left == page:
        return line, 0
    text = json.dumps(left, ensure_ascii=False, separators=(",", ":"))
    # Half of a surrogate pair has no bytes; the escape that Python puts for it is JSON's too.
    text = text.encode("utf-8", "backslashreplace").decode()
    return line[: line.index("{")] + text + line[line.rindex("}") + 1 :], len(removed)


def _page(line: str) -> dict:
    page = json.loads(line.removeprefix("\ufeff"))  # the byte order mark
    if not isinstance(page, dict):
        raise ValueError("a page is a JSON object")
    return page


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
    is_user = isinstance(value, dict) and "username" in value  # whatever the key
    return not _names(value, USER if is_user else RULES.get(key, {})).isdisjoint(erased)


def _names(value: object, rule: dict[str, str]) -> set[tuple[str, str]]:
    """The names in `value`, an object or a name; a rule is its fields and the kinds of each."""
    fields = value if isinstance(value, dict) else {"": value}
    return {
        (kind, name.lower())
        for field, kinds in rule.items()
        for text in map(_text, _listed(fields.get(field)))
        for name in re.findall(PARTS.get(field, r"\S+"), text)
        for kind in kinds.split()
    }


def _text(value: object) -> str:
    """`value` as text: an id (on older pages a number), a text, or the post a repost repeats."""
    if isinstance(value, dict) and value.get("type") in ("retweeted", "reposted"):
        value = value.get("id")
    return str(value) if isinstance(value, str | int) else ""


def _listed(value: object) -> list:
    return value if isinstance(value, list) else [value]

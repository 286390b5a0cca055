"""X API pages without what erased people left in them; all else stays, byte for byte.

Gone are the posts and users themselves, wherever a page holds them, reposts (their text is the
erased one), media and polls of these posts, and what points to them from other objects:
references, mentions, links, ids. What somebody else wrote stays theirs, also where a handle stands
in its text.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from json.decoder import scanstring

POSTS = (("data",), ("includes", "tweets"), ("includes", "posts"))
USERS = ("includes", "users")
REFERENCES = ("referenced_tweets", "referenced_posts")
HISTORIES = ("edit_history_tweet_ids", "edit_history_post_ids")
REPOSTED = ("retweeted", "reposted")
IDS_OF_POSTS = ("conversation_id", "newest_id", "oldest_id")
IDS_OF_USERS = ("author_id", "in_reply_to_user_id")
MARK = "\ufeff"  # byte order mark

_BLANK = re.compile(r"[ \t\n\r]*")
_value_at = json.JSONDecoder().scan_once
_Rule = Callable[[tuple[str, ...], object], bool]


@dataclass(frozen=True)
class Erased:
    """Whom and what to take out: ids of posts and authors, these authors' handles (lower case)."""

    posts: frozenset[str] = frozenset()
    authors: frozenset[str] = frozenset()
    handles: frozenset[str] = frozenset()

    def also(self, kind: str, ids: Iterable[str]) -> "Erased":
        """These, and the `ids` of posts or authors (`kind` "post", "author")."""
        if kind == "post":
            return replace(self, posts=self.posts.union(ids))
        return replace(self, authors=self.authors.union(ids))


NOBODY = Erased()


def find(
    lines: Iterable[str], is_erased: Callable[[str, str], bool], known: Erased = NOBODY
) -> Erased:
    """`known`, and all in `lines` of pages that goes with ids that `is_erased(kind, id)`.

    `kind` is "post" or "author". A post goes with its author, and with any of its versions.
    """
    posts, authors, handles = set(known.posts), set(known.authors), set(known.handles)
    for line in lines:
        page = _page(line)
        if page is None:
            numbers = set(re.findall(r"\d+", line))
            posts |= {number for number in numbers if is_erased("post", number)}
            authors |= {number for number in numbers if is_erased("author", number)}
        for kind, item in _objects(page or {}):
            number = _id(item.get("id"))
            if kind == "author":
                if is_erased("author", number):
                    authors.add(number)
                    handles.add(str(item["username"]).lower())
                continue
            author = _id(item.get("author_id"))
            if is_erased("author", author):
                authors.add(author)
                posts.add(number)
            elif any(is_erased("post", version) for version in (number, *_versions(item))):
                posts.add(number)
    return Erased(*map(frozenset, (posts, authors, handles)))


def redacted(line: str, erased: Erased) -> tuple[str, int]:
    """`line`, a page, without what is erased, and how many posts were taken out of it.

    A line that is no page goes as a whole if it names one of them: nobody can tell its parts.
    """
    names = erased.posts | erased.authors | erased.handles
    named = not names.isdisjoint(re.findall(r"\w+", line.lower()))
    if not named and "\\u00" not in line:  # so may be written any letter or digit
        return line, 0
    page = _page(line)
    if page is None:
        return ("" if named else line), 0
    gone = [item for kind, item in _objects(page) if kind == "post" and _goes(item, erased)]
    opening = line.index("{")
    text, end = _cut(line, opening, _rule(erased, gone), ())
    return line[:opening] + text + line[end:], len(gone)


def _page(line: str) -> dict | None:
    try:
        page = json.loads(line.removeprefix(MARK))
    except (ValueError, RecursionError):
        return None
    return page if isinstance(page, dict) else None


def _objects(page: dict) -> Iterator[tuple[str, dict]]:
    """Posts and users of a page; a user may also stand under data, where users were looked up."""
    for place in (*POSTS, USERS):
        items = page
        for key in place:
            items = items.get(key) if isinstance(items, dict) else None
        for item in items if isinstance(items, list) else [items]:
            if isinstance(item, dict):
                yield ("author" if "username" in item else "post"), item


def _goes(post: dict, erased: Erased) -> bool:
    """Whether a post is erased, or repeats one that is."""
    reposts = {_id(ref.get("id")) for ref in _references(post) if ref.get("type") in REPOSTED}
    named = re.match(r"RT @(\w+):", str(post.get("text")))
    return (
        _id(post.get("author_id")) in erased.authors
        or not erased.posts.isdisjoint({_id(post.get("id")), *_versions(post), *reposts})
        or bool(named and named[1].lower() in erased.handles)
    )


def _rule(erased: Erased, gone: list[dict]) -> _Rule:
    """Which value goes, by its place (keys from the top; an item has its list's) and itself."""
    held = [item["attachments"] for item in gone if isinstance(item.get("attachments"), dict)]
    media = {key for each in held for key in each.get("media_keys") or ()}
    polls = {key for each in held for key in each.get("poll_ids") or ()}

    def goes(place: tuple[str, ...], value: object) -> bool:
        key = place[-1]
        if isinstance(value, list):
            return False
        if not isinstance(value, dict):
            return (key in IDS_OF_POSTS and _id(value) in erased.posts) or (
                key in IDS_OF_USERS and _id(value) in erased.authors
            )
        number = _id(value.get("id"))
        if "username" in value:  # a user, or a mention of one
            return number in erased.authors or str(value["username"]).lower() in erased.handles
        if place in POSTS:
            return _goes(value, erased)
        if key in REFERENCES:
            return number in erased.posts
        if place[0] == "includes":
            return value.get("media_key") in media or (key == "polls" and number in polls)
        if key == "errors":
            about = {_id(value.get("resource_id")), _id(value.get("value"))}
            return not about.isdisjoint(erased.posts | erased.authors)
        linked = re.findall(r"\d+", str(value.get("expanded_url"))) if key == "urls" else ()
        return not erased.posts.isdisjoint(linked)

    return goes


def _cut(text: str, at: int, goes: _Rule, place: tuple[str, ...]) -> tuple[str, int]:
    """The value at `at` without what `goes`, each with the comma before it; where it ends."""
    value, end = _value_at(text, at)
    if not isinstance(value, dict | list):
        return text[at:end], end
    kept, behind = [], at + 1  # behind: where the member before ends
    first = None
    for key, begin, start, end in _members(text, at):
        first = text[behind:begin] if first is None else first
        below = (*place, key) if key is not None else place
        if not goes(below, _value_at(text, start)[0]):
            inner, _ = _cut(text, start, goes, below)
            gap = text[behind:begin] if kept else first
            kept.append(gap + text[begin:start] + inner)
        behind = end
    end = _BLANK.match(text, behind).end() + 1
    return text[at] + "".join(kept) + text[behind:end], end


def _members(text: str, at: int) -> Iterator[tuple[str | None, int, int, int]]:
    """Each member of the object or list at `at`: key, where it and its value begin, its end."""
    keyed = text[at] == "{"
    at = _BLANK.match(text, at + 1).end()
    while text[at] not in "}]":
        begin, key = at, None
        if keyed:
            key, at = scanstring(text, at + 1)
            at = _BLANK.match(text, _BLANK.match(text, at).end() + 1).end()  # over the colon
        start = at
        _, end = _value_at(text, start)
        yield key, begin, start, end
        at = _BLANK.match(text, end).end()
        if text[at] == ",":
            at = _BLANK.match(text, at + 1).end()


def _references(post: dict) -> list[dict]:
    listed = (post.get(key) for key in REFERENCES)
    return [ref for refs in listed if isinstance(refs, list) for ref in refs if _is_object(ref)]


def _versions(post: dict) -> list[str]:
    listed = (post.get(key) for key in HISTORIES)
    return [_id(number) for ids in listed if isinstance(ids, list) for number in ids]


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _id(value: object) -> str:
    """An id as text, "" where there is none: pages have them as text, older ones as numbers."""
    return "" if value is None or isinstance(value, dict | list | bool) else str(value).strip()

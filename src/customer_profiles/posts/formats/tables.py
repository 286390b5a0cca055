"""Tables: rows of a CSV file as API v2 pages, with twarc-csv's columns or by a mapping.

twarc-csv writes nested fields as columns with dots ("author.public_metrics.followers_count").
"""

import ast
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress

from customer_profiles.posts.formats import x_pages
from customer_profiles.posts.formats.tally import Unreadable

NAME = "CSV"
# What pull.columns may name: the field of a post or, behind "author.", of its author.
FIELDS = {
    "text": "text",
    "author": "author_id",
    "date": "created_at",
    "id": "id",
    "language": "lang",
    "favorites": "public_metrics.like_count",
    "retweets": "public_metrics.retweet_count",
    "followers": "author.public_metrics.followers_count",
    "following": "author.public_metrics.following_count",
    "listed": "author.public_metrics.listed_count",
    "account_posts": "author.public_metrics.tweet_count",
    "created": "author.created_at",
    "verified": "author.verified",
    "protected": "author.protected",
}
NEEDED = ("text", "author", "date")
_TWARC = ("id", "text", "author_id", "created_at")
# A column by which twarc-csv's own tables are known: it writes line breaks as a backslash and n.
_BY_TWARC, _BREAK = "__twarc.version", r"\n"
_FLAGS = {"true": True, "false": False, "1": True, "0": False}
# Columns in which pandas writes a nested value as Python does, other tools as JSON.
_NESTED = ("public_metrics", "referenced_tweets", "referenced_posts", "note_tweet", "withheld")
_WHOLE = re.compile(r"-?\d+(\.0+)?")
_REFERENCE = re.compile(r"referenced_(?:tweets|posts)\.(\w+)\.id")


def fields(header: Sequence[str], columns: Mapping[str, str]) -> list[str | None]:
    """The field of each column of `header`, None for one that is not read.

    `columns` maps names of FIELDS to columns. Raises Unreadable, naming what is missing and nothing
    of the file.
    """
    titles = [title.strip() for title in header]
    if columns and set(columns.values()) <= set(titles):
        of_column = {column: FIELDS[name] for name, column in columns.items()}
        return [of_column.get(title) for title in titles]
    if set(_TWARC) <= set(titles):
        return [title or None for title in titles]
    if columns:
        missing = sorted(set(columns.values()) - set(titles))
        raise Unreadable(f"has no column {', '.join(missing)}, which pull.columns names")
    missing = [name for name in _TWARC if name not in titles]
    raise Unreadable(
        f"has no column {', '.join(missing)}; map its columns for {', '.join(NEEDED)} in "
        "pull.columns"
    )


def page(names: Sequence[str | None], cells: Sequence[str]) -> dict:
    """The API v2 page of a row with the fields `names`. A post without an id gets one."""
    post: dict = {}
    breaks = _BY_TWARC in names
    for name, text in zip(names, cells, strict=True):
        if not name or not text.strip():
            continue
        if reference := _REFERENCE.fullmatch(name):
            post["referenced_tweets"] = [
                *_listed(post.get("referenced_tweets")),
                {"type": reference[1], "id": text.strip()},
            ]
            continue
        *above, last = name.split(".")
        place = post
        for key in above:
            place = place.setdefault(key, {})
            if not isinstance(place, dict):  # a column "a" beside "a.b"
                break
        else:
            if last != "text":
                place[last] = _value(last, text.strip(), above)
            else:
                place[last] = text.replace(_BREAK, "\n") if breaks else text
    if "id" not in names:
        content = "\0".join(str(post.get(name)) for name in ("author_id", "created_at", "text"))
        post["id"] = f"row-{hashlib.sha256(content.encode()).hexdigest()[:32]}"
    if "author.id" in names:
        post.setdefault("author", {})  # empty: X does not show this author
    elif isinstance(post.get("author"), dict):
        post["author"]["id"] = post.get("author_id")
    return x_pages.page(post)


def _value(name: str, text: str, above: list[str]) -> object:
    if "public_metrics" in above:
        # A table without types may write 12 as 12.0.
        return int(text.partition(".")[0]) if _WHOLE.fullmatch(text) else None
    if name in ("verified", "protected"):
        return _FLAGS.get(text.lower())
    if name in _NESTED and not above:
        return _nested(text)
    if name.startswith("edit_history"):
        return re.findall(r"\d+", text)
    return text


def _listed(value: object) -> list:
    return value if isinstance(value, list) else []


def _nested(text: str) -> dict | list | None:
    for read in (json.loads, ast.literal_eval):
        with suppress(ValueError, SyntaxError, RecursionError, MemoryError):
            value = read(text)
            return value if isinstance(value, dict | list) else None
    return None

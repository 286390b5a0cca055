"""Parser of X API v2 pages, as the API sent them: posts and their authors.

A page is a search response (`data` is a list) or one item of a stream or a lookup (`data` is an
object). X renamed fields between versions 2.166 and 2.167 of its API; both spellings are read.

A post or an author may occur on several pages. **The last page wins**, field by field, in the order
in which the caller gives the pages: pages carry no time of their own. A later page that was fetched
without a field does not overwrite the field's earlier value.

Ids, handles and texts are private: no error message and no `repr` shows one.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pandas as pd

from customer_profiles.project.vocabulary import UNKNOWN

POST_COLUMNS = {
    "post_id": "object",
    "author_id": "object",
    "day": "object",
    "text": "object",
    "language": "object",
    "favorites": "int64",
    "retweets": "int64",
    "repost": "bool",
}
AUTHOR_COLUMNS = {
    "author_id": "object",
    "followers": "int64",
    "following": "int64",
    "listed": "int64",
    "account_posts": "int64",
    "verified": "bool",
    "protected": "bool",
    "created": "object",
}
COUNTS = (
    "pages",
    "broken_lines",
    "partial_errors",
    "posts_seen",
    "duplicates",
    "reposts",
    "posts_without_id",
    "posts_without_author",
    "posts_without_text",
    "posts_without_date",
    "posts",
    "authors",
    "authors_without_metrics",
)
# How X begins the text of a repost, and people that of one by hand.
REPOST = re.compile(r"RT @\w+:")
# Since 2023 `verified` is also true for paying users (`verified_type` blue).
VERIFIED_TYPES = ("business", "government")
LARGEST = 2**63 - 1


@dataclass(frozen=True, eq=False)
class Conversation:
    """Posts and authors of a set of pages.

    `posts`, one row per post, sorted by post_id: post_id, author_id, day (YYYY-MM-DD, UTC), text,
    language (as X names it, or None), favorites and retweets received, repost (whether it repeats
    another post). `authors`, one row per author of these posts (not the people they mention),
    sorted by author_id: followers, following, listed, account_posts, verified, protected, created
    (YYYY-MM or None). `counts` are the numbers of items seen, kept and left out.
    """

    posts: pd.DataFrame = field(repr=False)
    authors: pd.DataFrame = field(repr=False)
    counts: dict[str, int]


def parse_lines(lines: Iterable[str]) -> Iterator[dict | None]:
    """Page on each line; None for a line that is not a JSON object. Blank lines are skipped.

    Streams send blank lines to keep the connection alive, and may end in an incomplete line.
    """
    for line in lines:
        if not line.strip():
            continue
        try:
            page = json.loads(line)
        except (ValueError, RecursionError):
            page = None
        yield page if isinstance(page, dict) else None


def collect(pages: Iterable[dict | None]) -> Conversation:
    """Posts and authors of `pages`, oldest page first (None: a broken line, only counted).

    A metric that no page gives is UNKNOWN. `verified` means business or government, or verified
    without any `verified_type` (as before 2023); paid verification does not count. A repost's
    retweets are 0, because X shows the number of the original post. A post without an id, a text, a
    date or an author on some page is left out, and counted under the first of these reasons.

    Raises ValueError when no post, or no author at all, is left.
    """
    counts = Counter(dict.fromkeys(COUNTS, 0))
    posts, users = _gather(pages, counts)
    kept = {}
    for post_id, post in posts.items():
        counts["reposts"] += post.get("repost", False)
        missing = _missing(post, users)
        if missing:
            counts[f"posts_without_{missing}"] += 1
        else:
            kept[post_id] = post
    authors = {post["author_id"]: users[post["author_id"]] for post in kept.values()}
    counts["posts"], counts["authors"] = len(kept), len(authors)
    counts["authors_without_metrics"] = sum("followers" not in row for row in authors.values())
    _refuse_nothing(counts, users)
    return Conversation(
        posts=_frame(kept, POST_COLUMNS),
        authors=_frame(authors, AUTHOR_COLUMNS),
        counts=dict(counts),
    )


def _gather(pages: Iterable[dict | None], counts: Counter) -> tuple[dict, dict]:
    """Fields by post id and by user id, the last page's value of each; `counts` is updated."""
    posts: dict[str, dict] = {}
    users: dict[str, dict] = {}
    for page in pages:
        if page is None:
            counts["broken_lines"] += 1
            continue
        counts["pages"] += 1
        counts["partial_errors"] += len(_objects(page.get("errors")))
        for item in _objects(page.get("data")):
            counts["posts_seen"] += 1
            post_id = _id(item.get("id"))
            if post_id is None:
                counts["posts_without_id"] += 1
                continue
            counts["duplicates"] += post_id in posts
            posts[post_id] = posts.get(post_id, {}) | _known(_post(item))
        for item in _objects(_object(page.get("includes")).get("users")):
            user_id = _id(item.get("id"))
            if user_id is not None:
                users[user_id] = users.get(user_id, {}) | _known(_author(item))
    return posts, users


def _post(item: dict) -> dict:
    metrics = _object(item.get("public_metrics"))
    references = _objects(_either(item, "referenced_tweets", "referenced_posts"))
    text = _text(item.get("text"))
    reposted = any(reference.get("type") in ("retweeted", "reposted") for reference in references)
    return {
        "author_id": _id(item.get("author_id")),
        "day": _day(item.get("created_at")),
        "text": text,
        "language": _text(item.get("lang")),
        "favorites": _count(metrics.get("like_count")),
        "retweets": 0 if reposted else _count(_either(metrics, "retweet_count", "repost_count")),
        "repost": reposted or bool(text and REPOST.match(text)) or None,
    }


def _author(item: dict) -> dict:
    metrics = _object(item.get("public_metrics"))
    kind, verified = item.get("verified_type"), _flag(item.get("verified"))
    created = _day(item.get("created_at"))
    return {
        "followers": _count(metrics.get("followers_count")),
        "following": _count(metrics.get("following_count")),
        "listed": _count(metrics.get("listed_count")),
        "account_posts": _count(_either(metrics, "tweet_count", "post_count")),
        "verified": verified if kind is None else kind in VERIFIED_TYPES,
        "protected": _flag(item.get("protected")),
        "created": created and created[: len("YYYY-MM")],
    }


def _missing(post: dict, users: dict[str, dict]) -> str | None:
    if "text" not in post:
        return "text"
    if "day" not in post:
        return "date"
    return None if post.get("author_id") in users else "author"


def _refuse_nothing(counts: Counter, users: dict[str, dict]) -> None:
    looked = f"{counts['pages']} pages, {counts['broken_lines']} broken lines"
    if not counts["posts_seen"]:
        raise ValueError(
            f"no posts in {looked}; each line must be a page as the X API sent it, "
            "with its posts under data"
        )
    if not users:
        raise ValueError(
            f"no page holds authors ({looked}, {counts['posts_seen']} posts): request "
            "expansions=author_id and user.fields=public_metrics,verified,verified_type,"
            "protected,created_at"
        )
    if not counts["posts"]:
        reasons = ", ".join(
            f"{counts[f'posts_without_{what}']} without {what}"
            for what in ("id", "text", "date", "author")
        )
        raise ValueError(
            f"none of {counts['posts_seen']} posts can be used ({reasons}): request "
            "tweet.fields=author_id,created_at,public_metrics (post.fields in newer versions) "
            "and expansions=author_id"
        )


def _frame(rows: dict[str, dict], columns: dict[str, str]) -> pd.DataFrame:
    _, *rest = columns
    blank = {"int64": UNKNOWN, "bool": False, "object": None}
    filled = [
        [row_id, *(rows[row_id].get(name, blank[columns[name]]) for name in rest)]
        for row_id in sorted(rows)
    ]
    # One dtype for text and None alike, whatever the installed pandas would guess.
    return pd.DataFrame(filled, columns=list(columns), dtype="object").astype(columns)


def _known(fields: dict) -> dict:
    return {name: value for name, value in fields.items() if value is not None}


def _either(item: dict, old: str, new: str):
    return item[old] if item.get(old) is not None else item.get(new)


def _object(value) -> dict:
    return value if isinstance(value, dict) else {}


def _objects(value) -> list[dict]:
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, dict)]


def _id(value) -> str | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return (value.strip() or None) if isinstance(value, str) and value.isascii() else None


def _text(value) -> str | None:
    if not isinstance(value, str) or not value.strip():
        return None
    # JSON can hold half of a surrogate pair; files and databases cannot.
    return value.encode("utf-8", "replace").decode("utf-8")


def _day(value) -> str | None:
    """The UTC date of an ISO 8601 time; a time that names no zone is taken as UTC."""
    try:
        moment = datetime.fromisoformat(value)
        moment = moment.astimezone(UTC) if moment.tzinfo else moment
        return moment.date().isoformat()
    except (TypeError, ValueError, OverflowError):
        return None


def _count(value) -> int | None:
    whole = isinstance(value, int) and not isinstance(value, bool)
    return min(max(value, 0), LARGEST) if whole else None


def _flag(value) -> bool | None:
    return value if isinstance(value, bool) else None

"""Posts of X API v2 pages, written in the formats of other tools that can carry them.

Each function takes pages as dicts, leaves them unchanged and gives what JSON or CSV would hold. The
tools are Zeeschuimer, 4CAT, twarc2, twarc-csv and academictwitteR; the shapes are those of their
sources. Both spellings of the fields that X renamed are read, and the older is written.
"""

import json
from collections.abc import Iterable, Iterator
from copy import deepcopy
from datetime import UTC, datetime
from itertools import chain

Pages = Iterable[dict]

CSV_COLUMNS = (
    "id", "conversation_id", "referenced_tweets.replied_to.id", "referenced_tweets.retweeted.id",
    "referenced_tweets.quoted.id", "author_id", "in_reply_to_user_id", "created_at", "text", "lang",
    "source", "public_metrics.impression_count", "public_metrics.reply_count",
    "public_metrics.retweet_count", "public_metrics.quote_count", "public_metrics.like_count",
    "public_metrics.bookmark_count", "edit_history_tweet_ids", "possibly_sensitive",
    "withheld.scope", "withheld.copyright", "withheld.country_codes", "author.id",
    "author.created_at", "author.username", "author.name", "author.description", "author.protected",
    "author.public_metrics.followers_count", "author.public_metrics.following_count",
    "author.public_metrics.listed_count", "author.public_metrics.tweet_count", "author.verified",
    "author.verified_type", "__twarc.retrieved_at", "__twarc.version",
)  # fmt: skip
OLDER = {
    "referenced_posts": "referenced_tweets",
    "edit_history_post_ids": "edit_history_tweet_ids",
    "repost_count": "retweet_count",
    "post_count": "tweet_count",
}


def as_v1(pages: Pages) -> Iterator[dict]:
    """Tweets of the API v1.1 in extended mode, as twarc 1 stores them, one a line.

    An author whom the page does not hold has an id alone, as with trim_user.
    """
    for post, users, tweets in _posts(pages):
        yield _v1_tweet(post, users, tweets)


def as_zeeschuimer(pages: Pages, newer: bool = False) -> Iterator[dict]:
    """Items of Zeeschuimer's ndjson; `newer`: with the user's fields outside of `legacy`."""
    for number, (post, users, tweets) in enumerate(_posts(pages), 1):
        yield {
            "id": number,
            "nav_index": "1:1:1",
            "item_id": post["id"],
            "timestamp_collected": 1782820800000 + number,
            "source_platform": "twitter.com",
            "source_platform_url": "https://x.com/search",
            "source_url": "https://x.com/i/api/graphql/SearchTimeline",
            "user_agent": "Mozilla/5.0",
            "data": _web_post(post, users, tweets, newer) | {"id": post["id"], "promoted": False},
        }


def as_4cat(pages: Pages, newer: bool = False) -> Iterator[dict]:
    """The items of Zeeschuimer as 4CAT keeps them, with the collector's fields in __import_meta."""
    for item in as_zeeschuimer(pages, newer):
        data = item.pop("data")
        yield data | {"__import_meta": item}


def as_flattened(pages: Pages) -> Iterator[dict]:
    """Posts as `twarc2 flatten` writes them, one a line; an author not on the page is {}."""
    for page in pages:
        page = deepcopy(page)
        includes = page.get("includes", {})
        users = _by_id(includes.get("users", []))
        tweets = _by_id(includes.get("tweets", []))
        for tweet in tweets.values():
            _expand(tweet, users, tweets)
        data = page.get("data", [])
        for post in data if isinstance(data, list) else [data]:
            yield _expand(post, users, tweets)


def as_academictwitter(pages: Pages) -> Iterator[tuple[list[dict], dict]]:
    """Content of data_ID.json and of users_ID.json for each page; ID is that of the last post.

    R writes a missing or empty list, and a missing object, as {}, and leaves out other fields.
    """
    for page in pages:
        posts = [post for post, _, _ in _posts([page])]
        includes = _older_spelling(page.get("includes", {}))
        yield _from_r(posts), {name: _from_r(rows) for name, rows in includes.items()}


def as_twarc_csv(pages: Pages) -> list[dict[str, str]]:
    """Rows of `twarc2 csv --allow-duplicates`, by CSV_COLUMNS.

    pandas writes whole numbers as 5.0 in a column where another row lacks a number. Line breaks
    become a backslash and n. A repost has the text and the counts of its original.
    """
    rows = [_csv_row(post) for post in as_flattened(_older_spelling(pages))]
    partial = {name for name in CSV_COLUMNS if any(row.get(name) is None for row in rows)}
    return [{name: _cell(row.get(name), name in partial) for name in CSV_COLUMNS} for row in rows]


def _posts(pages: Pages) -> Iterator[tuple[dict, dict, dict]]:
    """Each post in the older spelling, with the users and the other posts of its page by id."""
    for page in _older_spelling(pages):
        includes = page.get("includes", {})
        users, tweets = _by_id(includes.get("users", [])), _by_id(includes.get("tweets", []))
        data = page.get("data", [])
        for post in data if isinstance(data, list) else [data]:
            yield post, users, tweets


def _older_spelling(value):
    if isinstance(value, dict):
        return {OLDER.get(name, name): _older_spelling(item) for name, item in value.items()}
    if isinstance(value, str | int | float | None):
        return value
    return [_older_spelling(item) for item in value]


def _by_id(items: list[dict]) -> dict[str, dict]:
    return {item["id"]: item for item in items}


def _v1_date(iso: str) -> str:
    return datetime.fromisoformat(iso).astimezone(UTC).strftime("%a %b %d %H:%M:%S +0000 %Y")


def _v1_user(user: dict) -> dict:
    metrics, kind = user.get("public_metrics", {}), user.get("verified_type")
    fields = {
        "id": int(user["id"]),
        "id_str": user["id"],
        "name": user.get("name"),
        "screen_name": user.get("username"),
        "created_at": user.get("created_at") and _v1_date(user["created_at"]),
        # Only v2 calls paying users verified.
        "verified": user.get("verified") if kind in (None, "none") else kind != "blue",
        "verified_type": kind.title() if kind in ("business", "government") else None,
        "ext_is_blue_verified": kind == "blue" if kind else None,
        "protected": user.get("protected"),
        "followers_count": metrics.get("followers_count"),
        "friends_count": metrics.get("following_count"),
        "listed_count": metrics.get("listed_count"),
        "statuses_count": metrics.get("tweet_count"),
    }
    return {name: value for name, value in fields.items() if value is not None}


def _legacy(post: dict) -> dict:
    """The fields that v1.1 and the website have in common."""
    metrics, references = post.get("public_metrics", {}), _references(post)
    fields = {
        "created_at": post.get("created_at") and _v1_date(post["created_at"]),
        "id_str": post["id"],
        "full_text": post.get("text"),
        "lang": post.get("lang"),
        "favorite_count": metrics.get("like_count"),
        "retweet_count": metrics.get("retweet_count"),
        "in_reply_to_status_id_str": references.get("replied_to"),
        "quoted_status_id_str": references.get("quoted"),
        "is_quote_status": "quoted" in references,
    }
    withheld = post.get("withheld", {})
    if withheld:
        fields["withheld_copyright"] = withheld.get("copyright", False)
        fields["withheld_in_countries"] = withheld.get("country_codes", [])
    return {name: value for name, value in fields.items() if value is not None}


def _references(post: dict) -> dict[str, str]:
    return {other["type"]: other["id"] for other in post.get("referenced_tweets", [])}


def _nested(post: dict, tweets: dict) -> Iterator[tuple[str, dict]]:
    for kind, other in _references(post).items():
        if kind in ("retweeted", "quoted") and other in tweets:
            yield f"{kind}_status", tweets[other]


def _v1_tweet(post: dict, users: dict, tweets: dict) -> dict:
    author = users.get(post["author_id"])
    alone = {"id": int(post["author_id"]), "id_str": post["author_id"]}
    return {
        **_legacy(post),
        "id": int(post["id"]),
        "truncated": False,
        "user": _v1_user(author) if author else alone,
        **{name: _v1_tweet(other, users, tweets) for name, other in _nested(post, tweets)},
    }


def _web_post(post: dict, users: dict, tweets: dict, newer: bool) -> dict:
    author = users.get(post["author_id"])
    legacy = {**_legacy(post), "user_id_str": post["author_id"]}
    item = {
        "__typename": "Tweet",
        "rest_id": post["id"],
        "core": {"user_results": {"result": _web_user(author, newer)} if author else {}},
        "edit_control": {"edit_tweet_ids": post.get("edit_history_tweet_ids", [post["id"]])},
        "legacy": legacy,
    }
    note = post.get("note_tweet", {}).get("text")
    if note:
        results = {"result": {"id": post["id"], "text": note}}
        item["note_tweet"] = {"is_expandable": True, "note_tweet_results": results}
    for name, other in _nested(post, tweets):
        place = item if name == "quoted_status" else legacy
        place[f"{name}_result"] = {"result": _web_post(other, users, tweets, newer)}
    return item


def _web_user(user: dict, newer: bool) -> dict:
    legacy = _v1_user(user)
    paid = legacy.pop("ext_is_blue_verified", False)
    for name in ("id", "id_str"):
        del legacy[name]
    result = {"__typename": "User", "rest_id": user["id"], "is_blue_verified": paid}
    if not newer:
        return result | {"legacy": legacy}
    moved = {
        "core": {"screen_name": "screen_name", "name": "name", "created_at": "created_at"},
        "verification": {"verified": "verified", "verified_type": "verified_type"},
        "privacy": {"protected": "protected"},
        "relationship_counts": {"followers": "followers_count", "following": "friends_count"},
        "tweet_counts": {"tweets": "statuses_count"},
    }
    for name, fields in moved.items():
        result[name] = {new: legacy.pop(old) for new, old in fields.items() if old in legacy}
    return result | {"legacy": legacy}


def _expand(post: dict, users: dict, tweets: dict) -> dict:
    if "author_id" in post:
        post["author"] = users.get(post["author_id"], {})
    if "in_reply_to_user_id" in post:
        post["in_reply_to_user"] = users.get(post["in_reply_to_user_id"], {})
    if "referenced_tweets" in post:
        post["referenced_tweets"] = [
            {**other, **tweets.get(other["id"], {})} for other in post["referenced_tweets"]
        ]
    return post


def _from_r(rows: list[dict]) -> list[dict]:
    """`rows` after a way through an R data frame: nested fields of one row are in all rows."""
    nested = {name for row in rows for name, value in row.items() if isinstance(value, dict | list)}
    return [
        {name: _r_value(value) for name, value in row.items() if value is not None}
        | {name: {} for name in sorted(nested) if row.get(name) is None}
        for row in rows
    ]


def _r_value(value):
    if isinstance(value, list):
        return [_r_value(item) for item in value] or {}
    if isinstance(value, dict):
        return {name: _r_value(item) for name, item in value.items() if item is not None}
    return value


def _csv_row(post: dict) -> dict:
    others = {other["type"]: other for other in post.pop("referenced_tweets", [])}
    original = others.get("retweeted", {})
    fields = ("text", "public_metrics")
    post |= {name: original[name] for name in fields if name in original}
    post["referenced_tweets"] = {kind: {"id": other["id"]} for kind, other in others.items()}
    return dict(_dotted(post))


def _dotted(value: dict, start: str = "") -> Iterator[tuple[str, object]]:
    return chain.from_iterable(
        _dotted(item, f"{start}{name}.") if isinstance(item, dict) else [(f"{start}{name}", item)]
        for name, item in value.items()
    )


def _cell(value, partial: bool) -> str:
    if value is None:
        return ""
    if isinstance(value, list):
        return json.dumps(value)
    if isinstance(value, str):
        return value.replace("\r", "").replace("\n", r"\n")
    if isinstance(value, int) and not isinstance(value, bool) and partial:
        value = float(value)
    return str(value)

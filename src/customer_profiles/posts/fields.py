"""Fields of posts and users on API v2 pages; a field of another type than X gives is missing.

X renamed fields between versions 2.166 and 2.167 of its API; both spellings are read.
"""

import re

from customer_profiles.posts import dates
from customer_profiles.posts.formats import tally

# How X begins the text of a repost, and people that of one by hand.
REPOST = re.compile(r"RT @\w+:")
REPOSTED = ("retweeted", "reposted")
# How X ends a text that it cuts, maybe before a link to the whole post; and the length below which
# an author wrote the dots.
CUT, SHORTEST_CUT, LINK = "…", 100, 40
CUT_TEXT = re.compile(rf"{CUT}(\s*https?://t\.co/\w*)?\s*$")
# X's own sentence in the place of a post that it does not show.
WITHHELD = re.compile(
    r"(RT @\w+: )?(This (Tweet|Post)( from @?\w+)?|@?\w+('s account)?) (has been|is) withheld\b"
)
DECIMAL = re.compile(r"\d+(\.\d+)?[eE]\+?\d+|\d+\.\d+")
# Since 2023 `verified` is also true for paying users (`verified_type` blue).
VERIFIED_TYPES = ("business", "government")
LARGEST = 2**63 - 1


def of_post(item: dict, includes: dict) -> dict:
    """The known fields of a post, from a page that `includes` others.

    author_id, day, text, language, favorites, retweets, repost (True or missing), versions (all ids
    of an edited post), and left_out, the reason for which it is left out whatever else is known.
    """
    metrics = as_object(item.get("public_metrics"))
    references = objects(_either(item, "referenced_tweets", "referenced_posts"))
    text = _whole_text(item)
    versions = _either(item, "edit_history_tweet_ids", "edit_history_post_ids")
    reposted = any(reference.get("type") in REPOSTED for reference in references)
    if reposted and text and text.endswith(CUT):
        text = _whole(text, item, includes)
    return _known({
        "author_id": identifier(item.get("author_id")),
        "day": dates.day(item.get("created_at")),
        "text": text,
        "language": _text(item.get("lang")),
        "favorites": _count(metrics.get("like_count")),
        "retweets": 0 if reposted else _count(_either(metrics, "retweet_count", "repost_count")),
        "repost": reposted or bool(text and text[:2] == "RT" and REPOST.match(text)) or None,
        "left_out": _left_out(item, text),
        "versions": _ids(versions) if isinstance(versions, list) and len(versions) > 1 else None,
    })  # fmt: skip


def _left_out(item: dict, text: str | None) -> str | None:
    """The reason for which a post is left out, whatever else is known of it."""
    if item.get("withheld") or (text and "withheld" in text and WITHHELD.match(text)):
        return tally.WITHHELD
    if item.get("deleted_at"):
        return tally.DELETED
    if item.get("promoted"):
        return tally.PROMOTED
    author = item.get("author_id")
    return tally.DECIMAL if author and identifier(author) is None and is_decimal(author) else None


def _whole_text(item: dict) -> str | None:
    note = _either(item, "note_tweet", "note_post")
    return (note and _text(as_object(note).get("text"))) or _text(item.get("text"))


def _whole(text: str, repost: dict, includes: dict) -> str:
    """The `text` of a repost that X cut, with the original's whole text where `includes` has it."""
    references = objects(_either(repost, "referenced_tweets", "referenced_posts"))
    wanted = {identifier(each.get("id")) for each in references if each.get("type") in REPOSTED}
    for original in objects(_either(includes, "tweets", "posts")):
        whole = _whole_text(original)
        if whole and identifier(original.get("id")) in wanted:
            begin = REPOST.match(text)
            return f"{begin[0]} {whole}" if begin else whole
    return text


def is_cut(text: str) -> bool:
    """True if a text ends where X cut it."""
    return len(text) > SHORTEST_CUT and CUT in text[-LINK:] and bool(CUT_TEXT.search(text))


def of_author(item: dict) -> dict:
    """The known fields of a user: followers, following, listed, account_posts and others."""
    metrics = as_object(item.get("public_metrics"))
    kind, verified = item.get("verified_type"), _flag(item.get("verified"))
    created = dates.day(item.get("created_at"))
    return _known({
        "followers": _count(metrics.get("followers_count")),
        "following": _count(metrics.get("following_count")),
        "listed": _count(metrics.get("listed_count")),
        "account_posts": _count(_either(metrics, "tweet_count", "post_count")),
        "verified": verified if kind is None else kind in VERIFIED_TYPES,
        "protected": _flag(item.get("protected")),
        "created": created and created[: len("YYYY-MM")],
    })  # fmt: skip


def _known(fields: dict) -> dict:
    return {name: value for name, value in fields.items() if value is not None}


def _either(item: dict, old: str, new: str):
    return item[old] if item.get(old) is not None else item.get(new)


def as_object(value) -> dict:
    """`value` if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def objects(value) -> list[dict]:
    """The objects in `value`, a list or one of them."""
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, dict)]


def identifier(value) -> str | None:
    """An id as text; None if it is none, or has become a decimal number."""
    if isinstance(value, str):
        if value.isdecimal():
            return value
        text = value.strip()
        # Not one of those that Excel and R write as 1.2E+18: other posts would have the same.
        return None if not text or is_decimal(text) else _encodable(text)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _ids(values: list) -> list[str]:
    return [text for text in map(identifier, values) if text]


def is_decimal(value) -> bool:
    """True for an id that has become a decimal number, and so has lost digits."""
    return isinstance(value, float) or (
        isinstance(value, str) and DECIMAL.fullmatch(value.strip()) is not None
    )


def _text(value) -> str | None:
    if not isinstance(value, str) or not value.strip():
        return None
    return _encodable(value)


def _encodable(text: str) -> str:
    # JSON can hold half of a surrogate pair; files and databases cannot.
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _count(value) -> int | None:
    # Not isinstance, which is true for a bool.
    return min(value, LARGEST) if type(value) is int and value >= 0 else None


def _flag(value) -> bool | None:
    return value if isinstance(value, bool) else None

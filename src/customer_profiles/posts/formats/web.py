"""Posts as the website of X loads them, collected by Zeeschuimer or imported by 4CAT, as v2 pages.

The field names are those that Zeeschuimer's modules/twitter.js and 4CAT's twitter-import read.
Zeeschuimer puts X's object under `data`; 4CAT puts it at the top, beside `__import_meta`.
"""

from customer_profiles.posts.formats import v1

NAME = "Zeeschuimer or 4CAT"

PLATFORMS = ("twitter.com", "x.com")
# X's names of what stands in the place of a post that it does not show.
HIDDEN = ("TweetTombstone", "TweetUnavailable")
TYPES = ("Tweet", "TweetWithVisibilityResults", *HIDDEN)
# Fields of `legacy` that are read elsewhere, or hold numbers that lost digits.
LEFT_OUT = ("id", "id_str", *v1.NESTED)
# Posts in posts that are read: the original of a repost, and what that quotes.
DEPTH = 2


def claims(value: dict) -> bool:
    """Whether `value` is an item of X that Zeeschuimer collected, or the same imported by 4CAT."""
    if "source_platform" in value:
        return value["source_platform"] in PLATFORMS and isinstance(value.get("data"), dict)
    if any(name in value for name in ("data", "includes", "author_id")):
        return False
    if value.get("__typename") is not None and value["__typename"] not in TYPES:
        return False
    return (
        value.get("__typename") in TYPES
        or isinstance(value.get("tombstone"), dict)
        or any(isinstance(value.get(name), dict) for name in ("legacy", "note_tweet"))
        or (isinstance(value.get("rest_id"), str) and isinstance(value.get("core"), dict))
    )


def page(value: dict) -> dict:
    """The v2 page of one item, with its reposted and quoted posts in includes.tweets.

    A tombstone gives a post with `withheld` and no text. Note: a post that X showed as an
    advertisement has `promoted`: true, and no search asked for it.
    """
    wrapped = "source_platform" in value
    item = _object(value.get("data")) if wrapped else value
    meta = value if wrapped else _object(value.get("__import_meta"))
    tweet = _tweet(item, DEPTH)
    # Zeeschuimer's own number of a post is made by parseInt, which loses digits.
    if "id_str" not in tweet and isinstance(meta.get("item_id"), str):
        tweet["id_str"] = meta["item_id"]
    return v1.page(tweet)


def _tweet(item: dict, depth: int) -> dict:
    """The v1.1 tweet of X's object: `legacy` is one already, but for its author and the parts."""
    promoted = item.get("promoted")
    if isinstance(item.get("tweet"), dict):  # TweetWithVisibilityResults
        item = item["tweet"]
    legacy = _object(item.get("legacy"))
    tweet = {name: field for name, field in legacy.items() if name not in LEFT_OUT}
    for post_id in (item.get("rest_id"), legacy.get("id_str")):
        if isinstance(post_id, str) and post_id:
            tweet["id_str"] = post_id
            break
    if item.get("__typename") in HIDDEN or "tombstone" in item:
        return tweet | {"withheld_scope": "status"}
    tweet["promoted"] = promoted is True or item.get("promoted") is True
    tweet["user"] = _user(item, legacy)
    tweet |= _text(item, legacy)
    control = _object(item.get("edit_control"))
    tweet["edit_history"] = control.get("edit_control_initial") or control
    for name in v1.NESTED if depth else ():
        # Reposts lie in legacy, quotations beside it; either place is read for both.
        parts = (_result(place.get(f"{name}_result")) for place in (item, legacy))
        part = next(filter(None, parts), {})
        other = _tweet(part, depth - 1) if part else {}
        if "id_str" in other:
            tweet[name] = other
    return tweet


def _text(item: dict, legacy: dict) -> dict:
    """The whole text under full_text; under text if it is cut and the rest is missing."""
    note = _object(item.get("note_tweet"))
    whole = _result(note.get("note_tweet_results")).get("text")
    if isinstance(whole, str) and whole:
        return {"full_text": whole}
    if note.get("is_expandable") is True:
        return {"full_text": None, "text": legacy.get("full_text"), "truncated": True}
    return {}


def _user(item: dict, legacy: dict) -> dict:
    """The v1.1 user of a post. X moves its fields, one by one, out of the user's `legacy`."""
    if isinstance(item.get("user"), dict):  # the older "adaptive" items
        return {"id_str": legacy.get("user_id_str")} | item["user"]
    user = _result(_object(item.get("core")).get("user_results"))
    old, core, verification, follows, privacy, tweets = (
        _object(user.get(name))
        for name in (
            "legacy", "core", "verification", "relationship_counts", "privacy", "tweet_counts",
        )
    )  # fmt: skip
    moved = {
        "id_str": user.get("rest_id") or legacy.get("user_id_str"),
        "screen_name": core.get("screen_name"),
        "name": core.get("name"),
        "created_at": core.get("created_at"),
        "verified": verification.get("verified"),
        "verified_type": verification.get("verified_type"),
        "is_blue_verified": user.get("is_blue_verified"),
        "ext_is_blue_verified": verification.get("is_blue_verified"),
        "protected": privacy.get("protected"),
        "followers_count": follows.get("followers"),
        "friends_count": follows.get("following"),
        "statuses_count": tweets.get("tweets"),
    }
    return old | {name: field for name, field in moved.items() if field is not None}


def _result(value) -> dict:
    return _object(_object(value).get("result"))


def _object(value) -> dict:
    return value if isinstance(value, dict) else {}

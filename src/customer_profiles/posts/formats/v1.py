"""Tweets of the X API v1.1, alone, in search responses and in X's personal archive, as v2 pages.

The field names are those of X's documentation of v1.1, of twarc 1 and of the archive's tweets.js.
A field of an unexpected type counts as missing.
"""

import re

NAME = "X API v1.1"
ARCHIVE_NAME = "X personal archive"

# Messages of a v1.1 stream that are no posts.
MESSAGES = frozenset((
    "delete", "scrub_geo", "limit", "status_withheld", "user_withheld", "disconnect", "warning",
    "friends", "event", "control",
))  # fmt: skip
# Lists of tweets: in answers of the standard search, and of the premium search.
LISTS = ("statuses", "results")
NESTED = ("retweeted_status", "quoted_status")
# Any of these beside a text makes a v1.1 tweet; a v2 post has none of them.
MARKS = ("id_str", "full_text", "extended_tweet", "favorite_count", "truncated", "favorited")
# Fields of v2 pages and posts, and of X's web objects.
FOREIGN = ("data", "includes", "author_id", "public_metrics", "rest_id", "legacy", "__typename")
METRICS = {"like_count": "favorite_count", "retweet_count": "retweet_count"}
USER_METRICS = {
    "followers_count": "followers_count",
    "following_count": "friends_count",
    "listed_count": "listed_count",
    "tweet_count": "statuses_count",
}
# How a file of the personal archive begins; until 2018 with Grailbird.
_VARIABLE = re.compile(r"\s*(?:window\.YTD\.(\w+)\.part\d+|Grailbird\.data\.(\w+))\s*=\s*")


def variable(text: str) -> tuple[str, int] | None:
    """Name in `window.YTD.NAME.partN = ` at the start of `text`, and where its JSON begins.

    None if `text` does not start like a .js file of X's personal archive. A byte-order mark must be
    removed first.
    """
    match = _VARIABLE.match(text)
    return match and (match[1] or match[2], match.end())


def claims(value: dict) -> bool:
    """Whether `value` is a v1.1 tweet, search response or stream message, or an archived tweet."""
    if any(name in value for name in FOREIGN):
        return False
    return (
        _is_message(value)
        or isinstance(value.get("statuses"), list)
        or (isinstance(value.get("results"), list) and any(map(_is_tweet, _items(value))))
        or _is_tweet(value)
        or _is_tweet(value.get("tweet"))
    )


def deleted(value: dict) -> str | None:
    """Id of the post that its author deleted, if `value` is a stream message saying so."""
    status = _object(_object(value.get("delete")).get("status"))
    post_id = _id(status)
    return post_id if isinstance(post_id, str) else None


def account(value: dict) -> dict | None:
    """The v2 user of an item of the personal archive's account.js; None for any other item."""
    item = _object(value.get("account"))
    user = _known(
        id=_id({"id": item.get("accountId")}),
        username=_text(item.get("username")),
        created_at=item.get("createdAt"),
    )
    return user if "id" in user else None


def page(value: dict, account: dict | None = None) -> dict:
    """The v2 page of a v1.1 item; a stream message that is no post gives an empty page.

    `account`, a v2 user as the function `account` gives it, is the author of posts without one:
    the personal archive's. Reposted and quoted posts stand in includes.tweets. `deleted_at` of an
    archived post that its author deleted is kept.
    """
    posts, originals, users = [], [], []
    waiting = [(tweet, posts) for tweet in _items(value)]
    for tweet, place in waiting:  # grows: a loop, because the nesting may be deeper than the stack
        author = user(_object(tweet.get("user")))
        if not author and place is posts:
            author = account or {}
        place.append(_post(tweet, author))
        if "id" in author and len(author) > 1:
            users.append(author)
        nested = (tweet.get(name) for name in NESTED)
        waiting += [(other, originals) for other in nested if isinstance(other, dict) and other]
    includes = {"tweets": originals}
    # Without any user authors were left out by who collected the posts, not by X.
    return {"data": posts, "includes": includes | ({"users": users} if users else {})}


def user(item: dict) -> dict:
    """The v2 user of a v1.1 user, with the known fields only.

    `verified_type` is "blue" where the source says that the verification is paid, and missing where
    it does not say how a verified user was verified.
    """
    verified, kind = _flag(item.get("verified")), item.get("verified_type")
    paid = (item.get("is_blue_verified"), item.get("ext_is_blue_verified"))
    if isinstance(kind, str) and kind:
        kind = kind.lower()
    elif not verified and True in paid:
        kind = "blue"
    else:
        kind = "none" if verified is False and False in paid else None
    return _known(
        id=_id(item),
        username=_text(item.get("screen_name")),
        name=_text(item.get("name")),
        created_at=item.get("created_at"),
        verified=verified,
        verified_type=kind,
        protected=_flag(item.get("protected")),
        public_metrics=_counts(item, USER_METRICS),
    )


def _items(value: dict) -> list[dict]:
    if _is_message(value):
        return []
    for name in LISTS:
        if isinstance(value.get(name), list):
            return [item for item in value[name] if isinstance(item, dict)]
    return [value["tweet"] if isinstance(value.get("tweet"), dict) else value]


def _is_message(value: dict) -> bool:
    names = value.keys() - {"timestamp_ms"}
    return (
        len(names) == 1
        and names <= MESSAGES
        and all(isinstance(value[name], dict | list) for name in names)
    )


def _is_tweet(value) -> bool:
    if not isinstance(value, dict) or any(name in value for name in FOREIGN):
        return False
    texts = (value.get("text"), value.get("full_text"), value.get("extended_tweet"))
    marked = any(name in value for name in MARKS) or "screen_name" in _object(value.get("user"))
    return marked and any(isinstance(text, str | dict) for text in texts)


def _post(tweet: dict, author: dict) -> dict:
    text, truncated = _whole_text(tweet)
    author_id = author.get("id")
    return _known(
        id=_id(tweet),
        author_id=_id(tweet, "user_id") if author_id is None else author_id,
        text=text,
        created_at=tweet.get("created_at"),
        lang=_text(tweet.get("lang")),
        public_metrics=_counts(tweet, METRICS),
        referenced_tweets=_references(tweet),
        edit_history_tweet_ids=_versions(tweet),
        withheld=_withheld(tweet),
        truncated=truncated or None,
        deleted_at=tweet.get("deleted_at"),
        promoted=_flag(tweet.get("promoted")) or None,
    )


def _whole_text(tweet: dict) -> tuple[str | None, bool]:
    """The longest form of the text that the tweet holds, and whether it is cut even so."""
    for text in (_object(tweet.get("extended_tweet")).get("full_text"), tweet.get("full_text")):
        if _text(text):
            return text, False
    # The start of a repost repeats the original, which has its whole text.
    whole = isinstance(tweet.get("retweeted_status"), dict)
    return _text(tweet.get("text")), tweet.get("truncated") is True and not whole


def _references(tweet: dict) -> list[dict]:
    def reference(kind: str, name: str, nested: str = "") -> list[dict]:
        other = _id(tweet, name) or _id(_object(tweet.get(nested)))
        return [] if other is None else [{"type": kind, "id": other}]

    # The quotation in a reposted post is the original's; v2 names the repost alone as well.
    return reference("retweeted", "retweeted_status_id", "retweeted_status") or [
        *reference("quoted", "quoted_status_id", "quoted_status"),
        *reference("replied_to", "in_reply_to_status_id"),
    ]


def _versions(tweet: dict) -> list[str]:
    """Ids of all versions of an edited post, the first version first."""
    edits = _object(tweet.get("edit_info"))  # of the personal archive
    initial = edits.get("initial") or _object(edits.get("edit")).get("editControlInitial")
    ids = _object(initial).get("editTweetIds") or _object(tweet.get("edit_history")).get(
        "edit_tweet_ids"
    )
    return [text for text in ids if _text(text)] if isinstance(ids, list) else []


def _withheld(tweet: dict) -> dict | None:
    countries, copyright_claim = tweet.get("withheld_in_countries"), tweet.get("withheld_copyright")
    countries = [code for code in countries if _text(code)] if isinstance(countries, list) else []
    if not (countries or copyright_claim is True or _text(tweet.get("withheld_scope"))):
        return None
    return {"copyright": copyright_claim is True, "country_codes": countries}


def _counts(item: dict, names: dict[str, str]) -> dict[str, int]:
    return _known(**{name: _count(item.get(source)) for name, source in names.items()})


def _known(**fields) -> dict:
    return {name: value for name, value in fields.items() if value not in (None, {}, [])}


def _object(value) -> dict:
    return value if isinstance(value, dict) else {}


def _id(item: dict, name: str = "id") -> str | float | None:
    """The id as text. A float, which has lost digits, stays one: the reader of pages names it."""
    values = (item.get(f"{name}_str"), item.get(name))
    for value in values:
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if _text(value):
            return value.strip()
    return next((value for value in values if isinstance(value, float)), None)


def _text(value) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def _count(value) -> int | None:
    """A whole number, also as text: the personal archive writes "12"."""
    if isinstance(value, str) and re.fullmatch(r"\d{1,18}", value, re.ASCII):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _flag(value) -> bool | None:
    return value if isinstance(value, bool) else None

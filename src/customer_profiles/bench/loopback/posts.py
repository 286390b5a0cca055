"""Invented posts and people, and the matching of posts by X's queries."""

import re
from datetime import UTC, datetime, timedelta


def snowflake(moment: float) -> str:
    """The id that X gives a post written at `moment`."""
    return str((int(moment * 1000) - 1288834974657) << 22)


def invented(number: int, now: float, texts=("Tea at Tindlewick again",), every: int = 600):
    """`number` posts, the newest first, one every `every` seconds, by seven people."""
    posts = []
    for place in range(number):
        moment = now - 60 - place * every
        at = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
        post_id = snowflake(moment)
        metrics = dict.fromkeys(("reply_count", "quote_count", "bookmark_count"), 0)
        metrics |= {"retweet_count": place % 3, "like_count": place % 5, "impression_count": 9}
        posts.append(
            {
                "id": post_id,
                "text": texts[place % len(texts)],
                "author_id": str(9000900090 + place % 7),
                "created_at": at.replace("+00:00", "Z"),
                "lang": "en",
                "edit_history_tweet_ids": [post_id],
                "public_metrics": metrics,
            }
        )
    return posts


def person(user_id: str, username: str | None = None) -> dict:
    """An invented account."""
    counts = {"followers_count": 40, "following_count": 30, "tweet_count": 20, "listed_count": 1}
    return {
        "id": user_id,
        "name": "Invented",
        "username": username or f"nobody_{user_id[-4:]}",
        "created_at": "2019-03-01T00:00:00.000Z",
        "protected": False,
        "verified": True,
        "verified_type": "blue",
        "public_metrics": counts | {"like_count": 5},
    }


def parsed(query: str) -> tuple[list[str], str | None, bool]:
    """Terms, language and exclusion of retweets, parsed from a query of `query.build`."""
    language, no_retweets, terms = None, False, []
    for token in re.findall(r'"[^"]*"|[^\s()]+', query):
        if token.startswith("lang:"):
            language = token.removeprefix("lang:")
        elif token == "-is:retweet":
            no_retweets = True
        elif ":" in token and token[0] != '"':
            raise ValueError(f"Reference to invalid operator '{token}'.")
        elif token != "OR":
            terms.append(token)
    if not terms:
        raise ValueError("Rules must contain a word or a name.")
    return terms, language, no_retweets


def says(post: dict, term: str) -> bool:
    """True if a post contains the words of `term` side by side."""
    words, sought = (re.findall(r"[@#]?\w+", text.casefold()) for text in (post["text"], term))
    return any(words[at : at + len(sought)] == sought for at in range(len(words)))


def is_retweet(post: dict) -> bool:
    return any(other["type"] == "retweeted" for other in post.get("referenced_tweets", ()))


def when(post: dict) -> float:
    return datetime.fromisoformat(post["created_at"]).timestamp()


def moment_of(text: str | None, default: float) -> float:
    return default if text is None else datetime.fromisoformat(text).timestamp()


def written(moment: float) -> str:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=moment)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def base36(number: int) -> str:
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[rest] + digits
    return digits

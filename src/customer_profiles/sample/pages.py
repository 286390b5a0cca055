"""Invented people and posts as pages of X's recent search.

The first half of the collections follows version 2.166 of X's API, the second half 2.167.
"""

import pandas as pd

COLLECTIONS = 10
PAGE = 100  # posts on a page, as many as X allows
OVERLAP = 0.04  # share of posts that two consecutive collections both hold
EARLY = 0.7  # share of its likes, reposts and views that a post has when it is first seen
RECEIVED = ["favorites", "retweets", "views"]


def collected(people: pd.DataFrame, posts: pd.DataFrame, days: int) -> list[list[dict]]:
    """The pages of each collection: oldest collection first, its newest page first.

    `posts` are newest first and final; `author` is a row of `people`, or -1 for a suspended author,
    whom no page includes. Each collection reads its days, and again the newest posts of the
    collection before, which by then have received more.
    """
    again = round(OVERLAP * len(posts) / (COLLECTIONS - 1))
    which = posts["day"] * COLLECTIONS // days
    result, repeated = [], posts.iloc[:0]
    for number in range(COLLECTIONS):
        own = posts[which == number].copy()
        next_repeated = own.head(again) if number < COLLECTIONS - 1 else own.head(0)
        own.loc[next_repeated.index, RECEIVED] = (next_repeated[RECEIVED] * EARLY).astype("int64")
        rows = pd.concat([own, repeated])
        pages = [rows.iloc[first : first + PAGE] for first in range(0, len(rows), PAGE)]
        result.append([_page(people, page, number) for page in pages])
        for place, page in enumerate(result[-1][:-1], 2):
            page["meta"]["next_token"] = f"sample{number:02d}{place:02d}"
        repeated = next_repeated
    return [pages for pages in result if pages]  # a small sample may leave some days without posts


def _page(people: pd.DataFrame, posts: pd.DataFrame, number: int) -> dict:
    word = "tweet" if number < COLLECTIONS // 2 else "post"
    authors = people.loc[sorted(set(posts["author"]) - {-1})]
    page = {
        "data": [_post(row, word) for row in posts.itertuples()],
        "includes": {"users": [_user(row, word, number) for row in authors.itertuples()]},
        "errors": [error for row in posts.itertuples() for error in _errors(row, word)],
        "meta": {
            "newest_id": posts["post_id"].iloc[0],
            "oldest_id": posts["post_id"].iloc[-1],
            "result_count": len(posts),
        },
    }
    return {name: value for name, value in page.items() if value}  # X sends no empty errors


def _post(row, word: str) -> dict:
    answered = {f"referenced_{word}s": [{"type": "replied_to", "id": row.reply_to}]}
    return {
        "id": row.post_id,
        "author_id": row.author_id,
        "text": row.text,
        "created_at": row.created_at,
        "lang": "en",
        f"edit_history_{word}_ids": [row.post_id],
        **(answered if row.reply_to else {}),
        "public_metrics": {
            "retweet_count" if word == "tweet" else "repost_count": row.retweets,
            "reply_count": row.favorites // 8,
            "like_count": row.favorites,
            "quote_count": row.retweets // 6,
            "bookmark_count": row.favorites // 12,
            "impression_count": row.views,
        },
    }


def _user(row, word: str, number: int) -> dict:
    so_far = 1 - row.growth * (COLLECTIONS - 1 - number)
    return {
        "id": row.author_id,
        "username": f"sample_author_{row.Index:05d}_tw",
        "name": f"Sample author {row.Index}",
        "created_at": row.created_at,
        "verified": row.verified_type != "none",
        "verified_type": row.verified_type,
        "protected": row.protected,
        "public_metrics": {
            "followers_count": round(row.followers * so_far),
            "following_count": row.following,
            f"{word}_count": round(row.account_posts * so_far),
            "listed_count": row.listed,
        },
    }


def _errors(row, word: str) -> list[dict]:
    errors = []
    if row.author < 0:
        detail = f"User has been suspended: [{row.author_id}]."
        errors.append(_error("Forbidden", detail, "user", "author_id", row.author_id, word))
    if row.reply_to:
        field = f"referenced_{word}s.id"
        detail = f"Could not find {word} with {field}: [{row.reply_to}]."
        errors.append(_error("Not Found Error", detail, word, field, row.reply_to, word))
    return errors


def _error(title: str, detail: str, kind: str, parameter: str, value: str, word: str) -> dict:
    host = "api.twitter.com" if word == "tweet" else "api.x.com"
    return {
        "value": value,
        "detail": detail,
        "title": title,
        "resource_type": kind,
        "parameter": parameter,
        "resource_id": value,
        "type": f"https://{host}/2/problems/resource-not-found",
    }

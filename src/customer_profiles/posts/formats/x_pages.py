"""API v2: pages as X sends them, and its posts one by one as twarc2 and academictwitteR write them.

Every format is read as such pages: a page has its posts under `data`, and under `includes` their
authors (`users`) and the posts that they refer to (`tweets`). Where `users` is missing, authors
were not asked for; where it is there without an author, X does not show that author.
"""

from collections.abc import Iterator

NAME = "X API v2 pages"
POSTS = "X API v2 posts, one by one"
# Marks the page of authors that lie beside posts, in a file of their own; and the page of one post
# that a tool writes with its author, so that a file of such posts shows whether they have authors.
BESIDE, SINGLE = "beside", "single"
_REFERENCES = ("referenced_tweets", "referenced_posts")
_OF_POST = ("author_id", "created_at", "edit_history_tweet_ids", "edit_history_post_ids", "author")
# Where a post by itself holds its author: as twarc2, and as 4CAT writes it.
_AUTHORS = ("author", "author_user")
# What 4CAT writes as the author of a post that X did not give.
_NO_AUTHOR = "UNKNOWN"


def is_page(value: dict) -> bool:
    """True for a page, also for one without posts."""
    data = value.get("data")
    if isinstance(data, list):
        return True
    if isinstance(data, dict) and ("id" in data or "text" in data):
        return "rest_id" not in data and "legacy" not in data
    return "id" not in value and ("meta" in value or "includes" in value or "errors" in value)


def is_error(value: dict) -> bool:
    """True for X's answer to a request that failed, of the API v2 or v1.1."""
    if "data" in value:
        return False
    errors = value.get("errors")
    return ("title" in value and ("status" in value or "detail" in value)) or (
        isinstance(errors, list)
        and len(value) == 1
        and all(isinstance(error, dict) and "code" in error for error in errors)
    )


def is_missing(value: dict) -> bool:
    """True for what 4CAT writes in the place of a post that X did not give."""
    return value.get("author_id") == _NO_AUTHOR and not value.get("text")


def is_post(value: dict) -> bool:
    """True for a post by itself, flattened or as academictwitteR writes it."""
    if "id_str" in value or isinstance(value.get("user"), dict):
        return False
    return "text" in value and ("id" in value or any(name in value for name in _OF_POST))


def is_includes(value: dict) -> bool:
    """True for the object that academictwitteR writes beside posts: their authors."""
    return isinstance(value.get("users"), list) and "id" not in value


def page(post: dict) -> dict:
    """The page of a post by itself, which may hold its author and the posts that it refers to.

    Where X does not show an author, twarc2 writes an empty object, 4CAT null.
    """
    includes: dict = {}
    references = list(_references(post))
    if "author_user" in post or isinstance(post.get("author"), dict):
        authors = (each.get(name) for each in (post, *references) for name in _AUTHORS)
        includes["users"] = [author for author in authors if author and isinstance(author, dict)]
    includes["tweets"] = [each for each in references if "text" in each]
    return {"data": [post], "includes": includes}


def _references(post: dict) -> Iterator[dict]:
    for name in _REFERENCES:
        listed = post.get(name)
        if isinstance(listed, list):  # R writes an empty list as {}
            yield from (each for each in listed if isinstance(each, dict))

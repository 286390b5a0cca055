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


def is_page(value: dict) -> bool:
    """True for a page, also for one without posts."""
    if isinstance(value.get("data"), list):
        return True
    data = value.get("data")
    if isinstance(data, dict) and ("id" in data or "text" in data):
        return "rest_id" not in data and "legacy" not in data
    return "id" not in value and ("meta" in value or "includes" in value or "errors" in value)


def is_error(value: dict) -> bool:
    """True for X's answer to a request that failed."""
    return "data" not in value and "title" in value and ("status" in value or "detail" in value)


def is_post(value: dict) -> bool:
    """True for a post by itself, flattened or as academictwitteR writes it."""
    if "id_str" in value or isinstance(value.get("user"), dict):
        return False
    return "text" in value and ("id" in value or any(name in value for name in _OF_POST))


def is_includes(value: dict) -> bool:
    """True for the object that academictwitteR writes beside posts: their authors."""
    return isinstance(value.get("users"), list) and "id" not in value


def page(post: dict) -> dict:
    """The page of a post by itself; twarc2's flattened posts hold their author and references."""
    includes: dict = {}
    authors = [each["author"] for each in (post, *_references(post)) if _is_object(each, "author")]
    if _is_object(post, "author"):
        includes["users"] = [author for author in authors if author]
    includes["tweets"] = [each for each in _references(post) if "text" in each]
    return {"data": [post], "includes": includes}


def _references(post: dict) -> Iterator[dict]:
    for name in _REFERENCES:
        listed = post.get(name)
        if isinstance(listed, list):  # R writes an empty list as {}
            yield from (each for each in listed if isinstance(each, dict))


def _is_object(value: dict, name: str) -> bool:
    return isinstance(value.get(name), dict)

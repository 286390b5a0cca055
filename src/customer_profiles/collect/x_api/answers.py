"""Accessors for an answer of X: the posts, ids and counts that collection needs."""

EPOCH_MS = 1288834974657  # of X's ids, which hold the milliseconds since then


def posts(body: dict) -> list[dict]:
    """The requested posts of an answer; a line of the stream has one."""
    return objects(body, "data")


def read(body: dict) -> tuple[int, int]:
    """Numbers of posts and users that X has read for an answer, including those sent along."""
    includes = body.get("includes")
    includes = includes if isinstance(includes, dict) else {}
    others = [*objects(includes, "tweets"), *objects(includes, "posts")]
    users = {str(user.get("id")) for user in objects(includes, "users")}
    return len(posts(body)) + len(others), len(users)


def newest(body: dict) -> tuple[str, int] | None:
    """Id of the newest post, and the second since 1970 at which X gave it; None without a post."""
    ids = _ids(body)
    return (str(max(ids)), _second(max(ids))) if ids else None


def oldest(body: dict) -> int | None:
    """The second since 1970 at which X gave the oldest post its id; None without a post."""
    ids = _ids(body)
    return _second(min(ids)) if ids else None


def line(raw: str) -> bytes:
    """The answer as one line, otherwise unchanged."""
    # In JSON a raw line end can only stand between tokens.
    return raw.replace("\r", " ").replace("\n", " ").encode()


def objects(container: dict, name: str) -> list[dict]:
    """The objects in field `name` of an answer or a part of one; what is none is left out."""
    items = container.get(name)
    items = items if isinstance(items, list) else [items]
    return [item for item in items if isinstance(item, dict)]


def _ids(body: dict) -> list[int]:
    return [int(post["id"]) for post in posts(body) if str(post.get("id")).isdecimal()]


def _second(number: int) -> int:
    return ((number >> 22) + EPOCH_MS) // 1000

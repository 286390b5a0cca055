"""Search, mentions and counts: every page, newest posts first, as X sends it.

A page can be stored unchanged, and a collection can be resumed from its `next_token`.
"""

import logging
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

from customer_profiles.collect.x_api import errors
from customer_profiles.collect.x_api.client import Client, Page
from customer_profiles.collect.x_api.query import LIMITS, Scope, bare_handle

logger = logging.getLogger(__name__)

USER_FIELDS = "created_at,protected,public_metrics,verified,verified_type"
# What `pages` reads. note_tweet holds the whole text of a post of more than 280 characters.
# The old spelling needs no expansion for what a post refers to: it would send, and bill, that post.
# X's newer documents have no field for a post's author and for what it refers to: both come by
# their expansions. Of the edit history they have only an expansion, which would be billed.
POST_FIELDS = {
    "tweet": {
        "tweet.fields": "author_id,created_at,edit_history_tweet_ids,lang,note_tweet,"
        "public_metrics,referenced_tweets,withheld",
        "expansions": "author_id",
    },
    "post": {
        "post.fields": "created_at,lang,note_post,public_metrics,withheld",
        "expansions": "author_id,referenced_posts",
    },
}
LARGEST = {"recent": 100, "all": 500, "mentions": 100}
SMALLEST = 10
RECENT = timedelta(days=7)


# From the posts that the next page may hold to those that it is asked for: called right before.
Room = Callable[[int], int]


class Window(NamedTuple):
    """The range of requested posts: later than `since_id`, up to `until_id`, between two times.

    Ids are X's, as text; times have a time zone. None leaves a side open.
    """

    since_id: str | None = None
    until_id: str | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None


EVERYTHING = Window()


def search(
    client: Client,
    query: str,
    scope: Scope = "recent",
    *,
    window: Window = EVERYTHING,
    size: int | None = None,
    next_token: str | None = None,
    room: Room | None = None,
) -> Iterator[Page]:
    """Pages of posts that match `query`, of the last seven days or (`all`) of the full archive.

    From the archive X returns the last 30 days if the window has no `start_time`. `size` is the
    number of posts a page, at most and by default LARGEST[scope]. `next_token` is the token of the
    page after which to resume. `room` may reduce the page size, permanently, or raise. Raises
    ValueError, before the first request, for a query, size, id or time that X does not accept, and
    errors.XError.
    """
    _check_query(query, scope)
    within = _checked(window, scope, client.clock())
    params = {"query": query, "max_results": _size(size, scope)} | within | _fields(client)
    return _pages(client, f"/2/tweets/search/{scope}", params, next_token, room=room)


def mentions(
    client: Client,
    user_id: str,
    *,
    window: Window = EVERYTHING,
    size: int | None = None,
    next_token: str | None = None,
    room: Room | None = None,
) -> Iterator[Page]:
    """Pages of posts that mention the account `user_id`; other parameters as in `search`."""
    within = _checked(window, "all", client.clock())
    params = {"max_results": _size(size, "mentions")} | within | _fields(client)
    path = f"/2/users/{_id('user_id', user_id)}/mentions"
    return _pages(client, path, params, next_token, "pagination_token", room)


def user_id(client: Client, handle: str) -> str:
    """The id of the account `handle`. Raises ValueError or errors.NotFound if there is none."""
    page = client.get(f"/2/users/by/username/{bare_handle(handle)}", {})
    data = page.body.get("data")
    identifier = data.get("id") if isinstance(data, dict) else None
    if not isinstance(identifier, str):
        raise errors.NotFound("X names no account of that handle; look at how it is written")
    return identifier


def counts(
    client: Client,
    query: str,
    scope: Scope = "recent",
    *,
    window: Window = EVERYTHING,
    granularity: Literal["minute", "hour", "day"] = "day",
    next_token: str | None = None,
) -> Iterator[Page]:
    """Pages with the number of posts that match `query` in each minute, hour or day; reads no post.

    Other parameters are as in `search`; `total` adds the numbers up.
    """
    _check_query(query, scope)
    within = _checked(window, scope, client.clock())
    params = {"query": query, "granularity": granularity} | within
    return _pages(client, f"/2/tweets/counts/{scope}", params, next_token)


def total(pages: Iterable[Page]) -> int:
    """Total number of posts on the pages of `counts`, in either spelling."""
    return sum(
        page.meta.get("total_tweet_count", page.meta.get("total_post_count", 0)) for page in pages
    )


def _pages(
    client: Client,
    path: str,
    params: dict,
    token: str | None,
    name: str = "next_token",
    room: Room | None = None,
) -> Iterator[Page]:
    tokens, seen = {token}, set()

    def check(page: Page) -> None:
        known = isinstance(page.next_token, str | None)
        if not (known and isinstance(page.body.get("meta"), dict)):
            # Without it a page in the middle would pass for the last one.
            raise errors.BrokenAnswer("X's answer is broken: it does not say whether more follows")
        if page.next_token in tokens - {None} or _content(page) in seen:
            raise errors.Repeated("X sent a page for the second time instead of the next one")

    while True:
        if room:
            params["max_results"] = room(params["max_results"])
        query = params | ({name: token} if token else {})
        smallest = SMALLEST if "max_results" in params else None
        page = client.get(path, query, check, smallest)
        if page.size:
            params["max_results"] = page.size
        if page.body.get("errors"):
            logger.info("a page tells of %d posts or authors not shown", len(page.body["errors"]))
        yield page
        token = page.next_token
        if not token:
            return
        tokens.add(token)
        if page.body.get("data"):
            seen.add(_content(page))


def _content(page: Page) -> int:
    """Hash of a page's posts or hours, by id or start: counts of likes may have changed."""
    data = page.body.get("data")
    items = [item for item in data if isinstance(item, dict)] if isinstance(data, list) else []
    return hash(tuple(str(item.get("id", item.get("start"))) for item in items))


def _fields(client: Client) -> dict[str, str]:
    return POST_FIELDS[client.fields] | {"user.fields": USER_FIELDS}


def _check_query(query: str, scope: str) -> None:
    if scope not in LIMITS:
        raise ValueError(f"scope must be one of {', '.join(LIMITS)}, got {scope!r}")
    if not 0 < len(query) <= LIMITS[scope]:
        raise ValueError(
            f"a query must have 1 to {LIMITS[scope]} characters ({scope} search), got {len(query)};"
            " name at least one handle or keyword, and not too many"
        )


def _size(size: int | None, kind: str) -> int:
    size = LARGEST[kind] if size is None else size
    if not SMALLEST <= size <= LARGEST[kind]:
        raise ValueError(
            f"size must be {SMALLEST} to {LARGEST[kind]} posts a page for {kind}, got {size}"
        )
    return size


def _id(name: str, value: str) -> str:
    if not re.fullmatch(r"[0-9]{1,19}", value):
        raise ValueError(f"{name} must be an id of X, up to 19 digits as text; it is not")
    return value


def _checked(window: Window, scope: str, clock: float) -> dict[str, str]:
    """`window` as X's parameters; `clock` in seconds since 1970."""
    now = datetime.fromtimestamp(clock, UTC)
    start, end = window.start_time, window.end_time
    times = {"start_time": start, "end_time": end}
    for name, moment in times.items():
        if moment is not None and moment.tzinfo is None:
            raise ValueError(f"{name} must name its time zone, got {moment}; UTC is +00:00")
        if moment is not None and scope == "recent" and moment < now - RECENT:
            raise ValueError(
                f"{name} is {moment:%Y-%m-%d %H:%M}, and recent search holds the last 7 days; "
                "take a later one, or the full archive (all)"
            )
    if start is not None and start > now:
        raise ValueError(f"start_time is in the future ({start:%Y-%m-%d %H:%M}); take an earlier")
    if start is not None and end is not None and end <= start:
        raise ValueError(
            f"end_time ({end:%Y-%m-%d %H:%M}) must be after start_time ({start:%Y-%m-%d %H:%M})"
        )
    ids = {"since_id": window.since_id, "until_id": window.until_id}
    return {name: _id(name, value) for name, value in ids.items() if value is not None} | {
        name: moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        for name, moment in times.items()
        if moment is not None
    }

"""Settings of a collection, its query and its budget, from section `collect` of params.yaml.

Prices are X's, in dollars, and stand in params.yaml.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from customer_profiles.collect.x_api import query

SECTION = "section collect of params.yaml"
# Requests that X takes in QUARTER seconds, of one app.
REQUESTS = {"recent": 450, "all": 300}
QUARTER = 15 * 60
# Posts that one post refers to, at most, and that X sends along in the newer spelling: what it
# answers and what it quotes.
REFERENCES = {"tweet": 0, "post": 2}


class Prices(NamedTuple):
    """Price in dollars of reading one post and of reading one user."""

    post: float
    user: float


class CollectSettings(NamedTuple):
    """Settings of a collection: either `query` is set, for a search, or `handle`, for mentions."""

    scope: str
    query: str | None
    handle: str | None
    start: datetime | None
    fields: str
    host: str
    prices: Prices
    budget: float
    keep_days: int

    @property
    def identity(self) -> dict[str, str | None]:
        """The fields that identify a collection: a run resumes the last run of equal identity."""
        start = self.start and self.start.date().isoformat()
        handle = self.handle and self.handle.casefold()
        return {"query": self.query, "handle": handle, "start": start}

    def most(self, size: int) -> tuple[int, int]:
        """Maximum numbers of posts and users read with a page of `size` posts."""
        return size * (1 + REFERENCES[self.fields]), size

    def price(self, posts: int, users: int) -> float:
        """Price in dollars of `posts` and `users`."""
        return posts * self.prices.post + users * self.prices.user


def read(section: Mapping[str, Any]) -> CollectSettings:
    """Settings in the checked `section`. Raises ValueError for a query that X refuses."""
    scope, handles = section["scope"], section["handles"]
    mentions = scope == "mentions"
    start = section["start"] if scope == "all" else ""
    post = section["mention_price" if mentions else "post_price"]
    return CollectSettings(
        scope=scope,
        query=None if mentions else _query(section),
        handle=query.bare_handle(handles[0]) if mentions else None,
        start=datetime.fromisoformat(start).replace(tzinfo=UTC) if start else None,
        fields=section["fields"],
        host=section["host"],
        prices=Prices(post, section["user_price"]),
        budget=section["budget"],
        keep_days=section["keep_days"],
    )


def _query(section: Mapping[str, Any]) -> str:
    try:
        return query.build(
            section["handles"],
            section["keywords"],
            section["language"] or None,
            section["retweets"],
            section["scope"],
        )
    except ValueError as error:
        raise ValueError(f"{SECTION}: {error}") from None

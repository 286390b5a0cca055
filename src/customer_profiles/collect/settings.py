"""Settings of a collection, its query and its budget: section `collect` of params.yaml, checked.

Prices are X's, in dollars, and stand in params.yaml.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import NamedTuple

from customer_profiles.collect.x_api import query

SECTION = "section collect of params.yaml"
SCOPES = ("recent", "all", "mentions")
SPELLINGS = ("tweet", "post")
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


def read(section: Mapping[str, object]) -> CollectSettings:
    """Settings in `section` of params.yaml. Raises ValueError, naming an invalid setting."""
    values = dict(section)
    scope = values["scope"]
    if scope not in SCOPES:
        raise _wrong("scope", f"one of {', '.join(SCOPES)}", scope)
    if values["fields"] not in SPELLINGS:
        raise _wrong("fields", f"one of {', '.join(SPELLINGS)}", values["fields"])
    if not isinstance(values["retweets"], bool):
        raise _wrong("retweets", "true or false", values["retweets"])
    keep_days = values["keep_days"]
    if type(keep_days) is not int or keep_days < 1:
        raise _wrong("keep_days", "a whole number of days, 1 or more", keep_days)
    if _number(values, "budget") <= 0:
        raise _wrong("budget", "dollars a month, above 0", values["budget"])
    post = _number(values, "mention_price" if scope == "mentions" else "post_price")
    return CollectSettings(
        scope=scope,
        query=None if scope == "mentions" else _query(values),
        handle=_handle(values) if scope == "mentions" else None,
        start=_start(values["start"]) if scope == "all" else None,
        fields=values["fields"],
        host=str(values["host"]),
        prices=Prices(post, _number(values, "user_price")),
        budget=float(values["budget"]),
        keep_days=keep_days,
    )


def _query(values: dict) -> str:
    try:
        return query.build(
            _texts(values, "handles"),
            _texts(values, "keywords"),
            values["language"] or None,
            values["retweets"],
            values["scope"],
        )
    except ValueError as error:
        raise ValueError(f"{SECTION}: {error}") from None


def _handle(values: dict) -> str:
    handles = _texts(values, "handles")
    if not handles:
        raise ValueError(
            f"{SECTION}: scope mentions needs the handle of the brand's own account; name it in "
            "handles, or take scope recent"
        )
    return query.bare_handle(handles[0])


def _texts(values: dict, name: str) -> list[str]:
    if not isinstance(values[name] or [], list):
        raise _wrong(name, "a list, in brackets", values[name])
    return [str(text) for text in values[name] or []]  # to YAML, digits alone are a number


def _start(day: object) -> datetime | None:
    if not day:
        return None
    try:
        return datetime.combine(date.fromisoformat(str(day)), datetime.min.time(), UTC)
    except ValueError:
        raise _wrong("start", 'a day like "2026-01-31", or empty', day) from None


def _number(values: dict, name: str) -> float:
    value = values[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        raise _wrong(name, "a number of dollars, 0 or more", value)
    return float(value)


def _wrong(name: str, wanted: str, got: object) -> ValueError:
    return ValueError(f"{SECTION}: {name} must be {wanted}; got {got!r}")

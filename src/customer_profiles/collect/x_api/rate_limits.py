"""X's rate limit, read from the headers of an answer."""

from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import NamedTuple

LONGEST = 16 * 60  # X's windows are 15 minutes long; a reset further away is no reset


class Limit(NamedTuple):
    """Requests allowed in a window, requests left, and seconds to the reset; None: unknown."""

    allowed: int | None
    remaining: int | None
    seconds: float | None


def read(headers: Mapping[str, str], now: float) -> Limit:
    """The rate limit in an answer's headers; `now` is the local time, for an answer without a date.

    The reset is a time of X's clock, so it is measured from the answer's date: the local clock may
    be minutes off. A reset in the past, or further away than LONGEST, is ignored.
    """
    reset = _whole(headers.get("x-rate-limit-reset"))
    seconds = None if reset is None else reset - _date(headers.get("Date"), now)
    if seconds is not None and not 0 < seconds <= LONGEST:
        seconds = None
    return Limit(
        _whole(headers.get("x-rate-limit-limit")),
        _whole(headers.get("x-rate-limit-remaining")),
        seconds,
    )


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 16 else None


def _date(text: str | None, now: float) -> float:
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError, OverflowError):
        return now

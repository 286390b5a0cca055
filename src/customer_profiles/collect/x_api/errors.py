"""Errors of X's API, each with a sentence for the operator; no message holds a token."""

import json
import re
from urllib.parse import quote, unquote

VARIABLE = "X_BEARER_TOKEN"
CONSOLE = "the developer console, https://console.x.com"
_LONGEST = 300  # of what X says itself
# Tokens of every kind, ids of posts and people, and their handles.
_SECRET = re.compile(r"(?i:bearer)\s+\S+|(?=[\w%+=~-]*\d)[\w%+=~-]{20,}|\d{10,}|@\w+")


class XError(Exception):
    """A request to X failed; the message says why and what to do.

    `in_doubt` is true if X may nevertheless have read the posts, and billed them.
    """

    in_doubt = False


class NoToken(XError):
    """The bearer token is missing or malformed."""


class BadRequest(XError):
    """X rejects the query or a parameter (400)."""


class Unauthorized(XError):
    """X does not know the bearer token (401)."""


class PaymentRequired(XError):
    """The account's credits are used up (402)."""


class Forbidden(XError):
    """The app is not allowed this request (403)."""


class NotFound(XError):
    """X has no such account or address (404)."""


class Conflict(XError):
    """X still works on a job of this app that must end first (409)."""


class JobFailed(XError):
    """A compliance job ended without a result."""


class Unexpected(XError):
    """X answered with an unexpected status."""


class TryAgain(XError):
    """A passing error: the request may be retried."""


class RateLimited(TryAgain):
    """The rate limit of 15 minutes, or of one second, is reached (429).

    `seconds` is the time to wait, None if X gave none or an impossible one. `brief` is true if
    requests are left in the 15 minutes, so that only the limit per second was reached.
    """

    def __init__(self, message: str, seconds: float | None = None, brief: bool = False):
        super().__init__(message)
        self.seconds = seconds
        self.brief = brief


class ServerError(TryAgain):
    """X has an error of its own (5xx)."""


class Busy(ServerError):
    """X is overloaded (503): smaller pages may help."""


class TimedOut(TryAgain):
    """X did not answer completely in time."""

    in_doubt = True


class Unreachable(TryAgain):
    """No connection to X was made: no request was sent."""


class ConnectionLost(TryAgain):
    """The connection to X was lost."""

    in_doubt = True


class BrokenAnswer(TryAgain):
    """X's answer cannot be parsed."""

    in_doubt = True


class Repeated(TryAgain):
    """X sent a page, or the token of one, for the second time."""

    in_doubt = True


def no_token(reason: str) -> NoToken:
    """A NoToken error with `reason`, and with the ways to get a token or do without one."""
    return NoToken(
        f"{reason}: set {VARIABLE} to the bearer token of your app (Keys and tokens in {CONSOLE}); "
        "an archive of pages needs none: make repro X_ARCHIVE=<folder>"
    )


def answered(
    status: int,
    path: str,
    text: str,
    secret: str,
    seconds: float | None = None,
    brief: bool = False,
) -> XError:
    """The error for an answer of `status` and body `text` to `path`.

    `secret` is the token in use; `seconds` and `brief` are as in RateLimited.
    """
    message = detail(text, secret)
    own = f"; X says: {message}" if message else ""
    if status == 429 and "usage-capped" in text:
        status = 402  # a month's cap is not over in a quarter of an hour
    if status == 429:
        wait = "" if seconds is None else f", for {seconds:.0f} s more"
        limit = "one request a second" if brief else "requests in 15 minutes"
        return RateLimited(f"X's limit of {limit} is reached (429){wait}{own}", seconds, brief)
    if status == 503:
        return Busy(f"X is overloaded (503){own}")
    if status >= 500 or status == 408:
        return ServerError(f"X has a fault of its own ({status}){own}")
    kind, sentence = _REFUSALS.get(status, (Unexpected, f"X answered in an unknown way ({status})"))
    of_job = path.startswith("/2/compliance/")
    if of_job and status in (400, 404):
        sentence = f"X does not take this compliance job, or does not know it any more ({status})"
    if status == 403:
        sentence += _needed(path)
        sentence += f"; the app's Project and its access level can be changed in {CONSOLE}"
    return kind(sentence + own)


def _needed(path: str) -> str:
    """The access that an app needs for `path`."""
    if path.startswith("/2/compliance/"):
        return "it must include compliance jobs"
    if "/search/stream" in path:
        return "it must include the filtered stream; `make collect` does without"
    if path.endswith("/all"):
        return (
            "full-archive search and counts need Self-serve or Enterprise access, and recent "
            "search, of the last seven days, less"
        )
    return "it must include reading posts and users"


def refused(body: dict, secret: str) -> XError:
    """The error for an answer of status 200 that holds problems and nothing else."""
    text = json.dumps(body)
    own = detail(text, secret)
    if "not-found" in text:
        return NotFound(f"{_REFUSALS[404][1]}; X says: {own}")
    return Forbidden(
        f"X shows nothing of what was asked for: it may be suspended or protected; X says: {own}"
    )


def detail(text: str, secret: str) -> str:
    """X's own message in an error's body, on one line, without anything like a token or id.

    `secret` is the token in use. Empty for a body that is no JSON or has no message.
    """
    try:
        body = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    sentences = dict.fromkeys(" ".join(line.split()).rstrip(".") for line in _sentences(body))
    return redacted(". ".join(sentences), secret)[:_LONGEST]


def redacted(text: str, secret: str) -> str:
    """`text` without the token in use, in any quoting, and without tokens, ids and handles."""
    for form in {secret, quote(secret, safe=""), unquote(secret)} - {""}:
        text = text.replace(form, "(hidden)")
    return _SECRET.sub("(hidden)", text)


def _sentences(body) -> list[str]:
    """The sentences of a problem, of the problems in it, or of a list of them."""
    if isinstance(body, list):
        return [sentence for item in body for sentence in _sentences(item)]
    if not isinstance(body, dict):
        return [body] if isinstance(body, str) else []
    inner = _sentences(body.get("errors") or [])
    own = next((body[name] for name in ("message", "detail", "title") if body.get(name)), None)
    return inner + ([own] if isinstance(own, str) else [])


_REFUSALS: dict[int, tuple[type[XError], str]] = {
    400: (
        BadRequest,
        "X does not take this request (400): look at the brand's handles and keywords, the "
        "language, and the time window",
    ),
    401: (
        Unauthorized,
        f"X does not know the bearer token (401): make a new one for your app (Keys and tokens in "
        f"{CONSOLE}) and set {VARIABLE} to it",
    ),
    402: (
        PaymentRequired,
        f"the X account's credits, spending limit or monthly cap are used up (402): buy credits or "
        f"raise the limit under Billing in {CONSOLE}; pages fetched so far remain good",
    ),
    403: (Forbidden, "the access level of your X app does not allow this (403): "),
    404: (
        NotFound,
        "X has no such account or address (404): look at how the brand's handle is written",
    ),
    409: (
        Conflict,
        "X still works on another compliance job of this app, and takes one of a kind at a time "
        "(409): run this again in an hour or two",
    ),
}

"""X API client: sends one request, retries passing errors, returns the response as received."""

import json
import logging
import random as chance
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Literal, NamedTuple, TypeVar

import requests
import tweepy
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt

from customer_profiles.collect.x_api import errors, rate_limits
from customer_profiles.collect.x_api.transport import TIMEOUTS, Adapter, Timeouts, pieces

logger = logging.getLogger(__name__)

HOST = "https://api.x.com"
ATTEMPTS = 6
STEP = 1.0  # seconds: the longest wait before the second attempt, doubled with each
LONGEST = 60.0
# Without a reset to believe: together, on average, one of X's windows of 15 minutes.
LIMIT_STEP = 60.0
LIMIT_LONGEST = 900.0
PACE = 1.0  # seconds between two requests to the full archive
Result = TypeVar("Result")
# Below these levels they write addresses, headers and whole answers to the log.
TALKATIVE = {
    "tweepy.client": logging.INFO,
    "urllib3.connection": logging.ERROR,
    "urllib3.connectionpool": logging.INFO,
}


class Page(NamedTuple):
    """One answer of X: its body exactly as received and parsed, and the rate limit after it.

    `size` is the max_results of the request, None if it had none. The `repr` shows nothing about
    people.
    """

    raw: str
    body: dict
    limit: rate_limits.Limit
    size: int | None = None

    @property
    def meta(self) -> dict:
        """Number of results, tokens and newest id of the page."""
        meta = self.body.get("meta")
        return meta if isinstance(meta, dict) else {}

    @property
    def next_token(self) -> str | None:
        """Token of the next page; None on the last page."""
        return self.meta.get("next_token") or None

    def __repr__(self) -> str:
        return f"Page({len(self.raw)} characters)"


class Client:
    """A client of X's API with a bearer token; `fields` is X's spelling of the fields of a post.

    `sleep`, `clock` (seconds since 1970) and `random` (0 to 1) are replaced in tests. `in_doubt` is
    true if X may have read, and billed, the request of the last `get` without delivering the
    answer. The constructor quietens the loggers in TALKATIVE. Raises errors.NoToken without a
    token, and ValueError for an invalid host, spelling or number of attempts.
    """

    def __init__(
        self,
        token: str | None,
        host: str = HOST,
        timeouts: Timeouts = TIMEOUTS,
        *,
        fields: Literal["tweet", "post"] = "tweet",
        attempts: int = ATTEMPTS,
        sleep: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.time,
        random: Callable[[], float] = chance.random,
    ):
        if fields not in ("tweet", "post"):
            raise ValueError(f"fields must be tweet or post, as X spells them, got {fields!r}")
        if attempts < 1:
            raise ValueError(f"attempts must be 1 or more, got {attempts}")
        self.fields = fields
        self.clock = clock
        self.sleep = sleep
        self.in_doubt = False
        self._token = _checked(token)
        self._attempts = attempts
        self._random = random
        self._last: dict[str, float] = {}
        for name, level in TALKATIVE.items():
            log = logging.getLogger(name)
            log.setLevel(max(log.level, level))
        self._client = tweepy.Client("(set by the adapter)", return_type=requests.Response)
        self._adapter = Adapter(self._token, host, timeouts, clock)
        for scheme in ("https://", "http://"):
            self._client.session.mount(scheme, self._adapter)

    def __repr__(self) -> str:
        return "Client()"

    def get(
        self,
        path: str,
        params: Mapping[str, object],
        check: Callable[[Page], object] = lambda page: None,
        smallest: int | None = None,
    ) -> Page:
        """The answer to `path` with `params`, requested at most `attempts` times.

        `check` may raise errors.TryAgain to reject a page. With `smallest`, repeated 503 answers
        halve max_results, down to `smallest`; the `size` of the page is the final value. Raises
        errors.XError.
        """
        params, busy, doubt = dict(params), 0, False

        def once() -> Page:
            nonlocal busy, doubt
            if busy > 1:
                _shrink(params, smallest)
                busy = 1
            self.in_doubt = doubt
            self._pace(path)
            self.in_doubt = True  # until an answer is there, whatever ends the waiting for it
            try:
                page = self._ask("GET", path, params=params)
                check(page)
            except errors.XError as error:
                busy += isinstance(error, errors.Busy)
                self.in_doubt = doubt = doubt or error.in_doubt
                raise
            self.in_doubt = False
            return page

        return self.retry(once)

    def post(self, path: str, value: Mapping[str, object]) -> Page:
        """Send `value` to `path` as JSON, at most `attempts` times; return the answer.

        Raises errors.XError.
        """
        return self.retry(lambda: self._ask("POST", path, json=dict(value)))

    def stream(self, path: str, params: Mapping[str, object]) -> Iterator[bytes]:
        """The pieces of an endless answer, as they arrive; connected when this returns.

        There is no retry. The read timeout is the longest silence between two pieces. Raises
        errors.XError, also during the iteration, which ends when X ends the answer.
        """
        # Compressed, a sign of life could wait in a buffer.
        headers = {"Accept-Encoding": "identity"}
        response = self._client.session.get(
            f"https://api.twitter.com{path}", params=params, headers=headers, stream=True
        )
        return pieces(response)

    def hang_up(self) -> None:
        """Break off the request in progress; to be called from another thread."""
        self._adapter.cut()

    def detail(self, text: str) -> str:
        """X's own message in `text`, redacted by `errors.detail`."""
        return errors.detail(text, self._token)

    def retry(self, once: Callable[[], Result]) -> Result:
        """Call `once`, at most `attempts` times, and return its result.

        It is retried after errors.TryAgain, after the wait that X gives or a growing back-off.
        Raises the last errors.TryAgain.
        """
        retrying = Retrying(
            retry=retry_if_exception_type(errors.TryAgain),
            stop=stop_after_attempt(self._attempts),
            wait=lambda state: self._wait(state.outcome.exception(), state.attempt_number),
            sleep=self.sleep,
            before_sleep=self._announce,
            reraise=True,
        )
        try:
            return retrying(once)
        except errors.TryAgain as failure:
            failure.args = (
                f"{failure} (given up after {self._attempts} attempts; run the same again later)",
            )
            raise

    def _ask(self, method: str, path: str, **sent: dict) -> Page:
        response = self._client.request(method, path, **sent)
        raw, body = _read(response.content)
        if "errors" in body and "data" not in body and "meta" not in body:
            raise errors.refused(body, self._token)
        limit = rate_limits.read(response.headers, self.clock())
        return Page(raw, body, limit, sent.get("params", {}).get("max_results"))

    def _pace(self, path: str) -> None:
        """Wait until the full archive may be asked again: one request a second."""
        if not path.endswith("/all"):
            return
        rest = PACE - (self.clock() - self._last.get(path, float("-inf")))
        if 0 < rest <= PACE:
            logger.info("the full archive takes one request a second; waiting %.1f s", rest)
            self.sleep(rest)
        self._last[path] = self.clock()

    def _announce(self, state: RetryCallState) -> None:
        logger.warning(
            "%s; waiting %.1f s, then attempt %d of %d",
            state.outcome.exception(), state.upcoming_sleep,
            state.attempt_number + 1, self._attempts,
        )  # fmt: skip

    def _wait(self, failure: errors.TryAgain, attempt: int) -> float:
        """Seconds before the next attempt: X's reset, or a random back-off whose bound doubles."""
        if isinstance(failure, errors.RateLimited):
            if failure.brief:
                return PACE + self._random() * STEP * 2 ** (attempt - 1)
            if failure.seconds is not None:
                # Not all who wait for the same reset at the same moment.
                return failure.seconds + 1 + self._random() * STEP
            return self._random() * min(LIMIT_LONGEST, LIMIT_STEP * 2 ** (attempt - 1))
        return self._random() * min(LONGEST, STEP * 2 ** (attempt - 1))


def _checked(token: str | None) -> str:
    token = (token or "").strip()
    if not token:
        raise errors.no_token(f"there is no token for X, {errors.VARIABLE} is empty or not set")
    # The HTTP library would repeat one that cannot stand in a header.
    if not all("!" <= sign <= "~" for sign in token):
        raise errors.no_token(
            f"what {errors.VARIABLE} holds is no token, it has blanks or signs that are in none"
        )
    return token


def _read(content: bytes) -> tuple[str, dict]:
    """Text and value of a body that must be a JSON object."""
    try:
        raw = content.decode("utf-8")
        body = json.loads(raw)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise errors.BrokenAnswer("X's answer is broken: it is no JSON object")
    return raw, body


def _shrink(params: dict, smallest: int | None) -> None:
    size = params.get("max_results")
    if size and smallest and size > smallest:
        params["max_results"] = max(size // 2, smallest)
        logger.warning(
            "X is overloaded: pages of at most %d posts from here, instead of %d",
            params["max_results"], size,
        )  # fmt: skip

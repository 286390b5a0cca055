"""Storage behind X's signed addresses: uploads of ids, and results, on a host that is not X's.

A signed address grants access by itself, so no message contains it, and X's token is not sent to
it.
"""

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import requests

from customer_profiles.collect.x_api import errors, rate_limits
from customer_profiles.collect.x_api.transport import Bounded, Timeouts, is_safe, pieces

# As long as X's address for an upload is good: a million ids take their time on a slow line.
TIMEOUTS = Timeouts(whole=900.0)
BLOCK = 1000  # lines sent at once
LONGEST_LINE = 10_000


class Lines:
    """The body of an upload: one line for each of `names`, which are iterated anew each time."""

    def __init__(self, names: Iterable[str]):
        self._names = names
        self._size = sum(len(name) + 1 for name in names)

    def __len__(self) -> int:
        return self._size  # in bytes; without it the body would be sent in chunks

    def __iter__(self) -> Iterator[bytes]:
        left = iter(self._names)
        while block := "".join(f"{name}\n" for name in islice(left, BLOCK)):
            yield block.encode("ascii")


class Storage:
    """Client of the storage behind X's signed addresses; `clock` as in `client.Client`."""

    def __init__(self, timeouts: Timeouts = TIMEOUTS, clock: Callable[[], float] = time.time):
        self._session = requests.Session()
        # Else a password for that host from ~/.netrc would be sent, and a proxy asked.
        self._session.trust_env = False
        self._adapter = _Adapter(timeouts, clock)
        for scheme in ("https://", "http://"):
            self._session.mount(scheme, self._adapter)

    def __repr__(self) -> str:
        return "Storage()"

    def put(self, address: str, lines: Lines) -> None:
        """Upload `lines`, replacing an earlier upload. Raises errors.XError."""
        _check(address)
        self._session.put(address, data=lines, headers={"Content-Type": "text/plain"})

    def lines(self, address: str) -> Iterator[bytes]:
        """Yield the lines at `address`, without line ends, as they arrive. Raises errors.XError."""
        _check(address)
        rest = b""
        with self._session.get(address, stream=True) as response:
            for piece in self._adapter.pieces(response):
                *whole, rest = (rest + piece).split(b"\n")
                if len(rest) > LONGEST_LINE:
                    raise errors.BrokenAnswer("X's results are broken: they are no lines")
                yield from whole
        if rest:
            yield rest


class _Adapter(Bounded):
    def pieces(self, response: requests.Response) -> Iterator[bytes]:
        """Yield the body of a streamed `response`, within the time limit."""
        failure = None
        with self._bounded() as late:
            try:
                yield from pieces(response)
            except errors.TryAgain as error:
                failure = error
        self._judge(late, failure)

    def _direct(self, request) -> None:
        pass  # the caller's address is the whole of it

    def _refusal(self, request, response) -> errors.XError:
        status = response.status_code
        if status in (408, 429) or status >= 500:
            seconds = rate_limits.read(response.headers, self._clock()).seconds
            return errors.answered(status, "", "", "", seconds)
        return errors.JobFailed(
            f"the address that X gave for the ids or the results of a compliance job does not work "
            f"({status}): it is good for a quarter of an hour, or for a week; run this again"
        )


def _check(address: str) -> None:
    try:
        safe = is_safe(requests.Request("GET", address).prepare().url)
    except ValueError:  # of which the library's own are; they repeat the address
        safe = False
    if not safe:
        raise errors.Unexpected(
            "X gave an address for a compliance job that is not https; nothing was sent there"
        )

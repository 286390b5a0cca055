"""HTTP transport to X: a configurable host, a time limit on every answer, readable errors."""

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from customer_profiles.collect.x_api import errors, rate_limits


class Timeouts(NamedTuple):
    """Timeouts in seconds: to connect, between two pieces of an answer, and for the whole of it."""

    connect: float = 10.0
    read: float = 30.0
    whole: float = 120.0


TIMEOUTS = Timeouts()
PIECE = 2**16  # bytes of a stream taken at once, at most
_BREAKS = (requests.RequestException, urllib3.exceptions.HTTPError, OSError)


class Bounded(HTTPAdapter):
    """HTTP adapter that bypasses any proxy and limits the time for an answer.

    An answer other than 2xx is raised as an `errors.XError`, so that no library retries it or
    follows a redirect. The body is read to its end unless it is requested as a stream. One thread
    at a time.
    """

    def __init__(self, timeouts: Timeouts, clock: Callable[[], float]):
        self._timeouts = timeouts
        self._clock = clock
        self._sockets: list[socket.socket] = []
        self._late = threading.Event()
        super().__init__()

    def init_poolmanager(self, *args, **kwargs) -> None:
        super().init_poolmanager(*args, **kwargs)
        manager = self.poolmanager
        manager.pool_classes_by_scheme = {
            scheme: _watched(pool, self._watch)
            for scheme, pool in manager.pool_classes_by_scheme.items()
        }

    def send(self, request, stream=False, timeout=None, verify=True, cert=None, proxies=None):
        """The answer to `request`; `timeout` and `proxies` are ignored."""
        self._direct(request)
        failure = None
        self._sockets.clear()
        with self._bounded() as late:
            try:
                response = super().send(
                    request,
                    stream=True,
                    timeout=(self._timeouts.connect, self._timeouts.read),
                    verify=verify,
                    cert=cert,
                    proxies={},
                )
                good = 200 <= response.status_code < 300
                if not (stream and good):
                    _ = response.content
            except _BREAKS as error:
                failure = _failed(error)
        self._judge(late, failure)
        if not good:
            raise self._refusal(request, response)
        return response

    @contextlib.contextmanager
    def _bounded(self) -> Iterator[threading.Event]:
        """Cut the connection, and set the event, when the block exceeds the total timeout.

        The read timeout alone restarts with every byte received.
        """

        def end():
            late.set()
            self.cut()

        late = self._late = threading.Event()
        timer = threading.Timer(self._timeouts.whole, end)
        timer.daemon = True
        timer.start()
        try:
            yield late
        finally:
            timer.cancel()

    def _judge(self, late: threading.Event, failure: errors.TryAgain | None) -> None:
        """Raise the error of a block of `_bounded`, after the block.

        Note: raised in the except clause, it would have the library's error, which contains the
        whole address, as its context.
        """
        if late.is_set():
            raise errors.TimedOut(f"X did not answer within {self._timeouts.whole:g} s")
        if failure is not None:
            raise failure

    def cut(self) -> None:
        """Cut the connection, in whatever thread it is used."""
        for each in list(self._sockets):
            with contextlib.suppress(OSError):
                socket.socket.shutdown(each, socket.SHUT_RDWR)

    def _watch(self, opened: socket.socket) -> None:
        self._sockets.append(opened)
        if self._late.is_set():
            raise TimeoutError

    def _direct(self, request) -> None:
        """Set the address and the headers of `request` that the caller does not set."""
        raise NotImplementedError

    def _refusal(self, request, response) -> errors.XError:
        """The error for an answer that is not 2xx."""
        raise NotImplementedError


class Adapter(Bounded):
    """Adapter that sends tweepy's requests for api.twitter.com to `host`, with `token`."""

    def __init__(self, token: str, host: str, timeouts: Timeouts, clock: Callable[[], float]):
        self._token = token
        self._host = _origin(host)
        super().__init__(timeouts, clock)

    def _direct(self, request) -> None:
        request.url = self._host + request.path_url
        # Here and not in tweepy, which writes its headers to the log.
        request.headers["Authorization"] = f"Bearer {self._token}"

    def _refusal(self, request, response) -> errors.XError:
        limit = rate_limits.read(response.headers, self._clock())
        return errors.answered(
            response.status_code,
            urlsplit(request.url).path,
            response.content.decode("utf-8", "replace"),
            self._token,
            limit.seconds,
            brief=bool(limit.remaining),
        )


def is_safe(address: str) -> bool:
    """True if data sent to `address` cannot be read on the way: https, or this machine."""
    parts = urlsplit(address)
    local = parts.hostname in ("127.0.0.1", "localhost", "::1")
    return bool(parts.hostname) and parts.scheme in ("https", *(["http"] if local else []))


def pieces(response: requests.Response) -> Iterator[bytes]:
    """Yield the pieces of a streamed `response`. Raises errors.TryAgain if the line breaks."""
    failure = None
    try:
        yield from response.iter_content(PIECE)
    except _BREAKS as error:
        failure = _failed(error)
    finally:
        response.close()
    if failure is not None:
        raise failure


def _watched(pool: type, watch: Callable[[socket.socket], None]) -> type:
    """A subclass of `pool` whose connections pass their socket to `watch` before they send."""

    class Connection(pool.ConnectionCls):
        def request(self, *args, **kwargs):
            if self.sock is None:
                self.connect()
            watch(self.sock)
            return super().request(*args, **kwargs)

    return type(pool.__name__, (pool,), {"ConnectionCls": Connection})


def _failed(error: Exception) -> errors.TryAgain:
    """The errors.TryAgain for a library's `error`, without its message.

    The library's message contains the address, with ids and handles.
    """
    if isinstance(error, requests.exceptions.SSLError):
        return errors.ConnectionLost(
            "X's certificate is not accepted, or the secure line broke; look at this machine's "
            "clock and at what stands between it and X"
        )
    causes = (error, *error.args)
    if any(
        isinstance(getattr(cause, "reason", None), urllib3.exceptions.NewConnectionError)
        for cause in causes
    ):
        return errors.Unreachable("X cannot be reached; look at this machine's network")
    if isinstance(error, requests.ConnectTimeout):  # nothing was sent, so nothing is in doubt
        return errors.Unreachable("X cannot be reached; look at this machine's network")
    if any(
        isinstance(cause, requests.Timeout | urllib3.exceptions.TimeoutError) for cause in causes
    ):
        return errors.TimedOut("X did not answer in time")
    if isinstance(error, requests.exceptions.ContentDecodingError):
        return errors.BrokenAnswer("X's answer cannot be unpacked")
    return errors.ConnectionLost("the line broke; look at this machine's network")


def _origin(host: str) -> str:
    """Scheme, name and port of `host`, checked, because the token is sent there."""
    parts = urlsplit(host)
    bare = not (parts.path.strip("/") or parts.query or parts.fragment or parts.username)
    if not (bare and is_safe(host)):
        raise ValueError(
            "the host of X must be https:// and a name, as in https://api.x.com (http:// only for "
            f"this machine), got {parts.scheme}://{parts.hostname}"
        )
    return f"{parts.scheme}://{parts.netloc}"

"""The server: Django behind waitress, with a database connection that is closed at the end."""

import contextlib
import logging
import os
import re
import signal
import socket
import time
from functools import partial

import waitress
from django.conf import settings
from django.core.wsgi import get_wsgi_application

from customer_profiles.api.connection import connection
from customer_profiles.project import paths
from customer_profiles.store import publications
from customer_profiles.store.errors import StoreError

logger = logging.getLogger(__name__)

OPTIONS = {"threads": 8, "ident": None, "asyncore_use_poll": True, "max_request_body_size": 1 << 16}
# For answers in progress at the signal to stop; the database may take TIMEOUT_MS.
LEAVE_SECONDS = 8


def serve(host: str, port: int) -> None:
    """Serve on `host`:`port` until SIGINT or SIGTERM, also while the database is unavailable.

    Raises OSError for an address that cannot be bound, ValueError for an invalid rate.
    """
    paths.root()  # raises outside a project
    signals = []  # to stop, perhaps twice: no signal may leave the embedded server behind
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: signals.append(number))
    with _listening(host, port) as listening, contextlib.closing(connection):
        name = f"[{host}]" if ":" in host else host
        server = waitress.create_server(_application(name), sockets=[listening], **OPTIONS)
        try:
            connection.read(publications.current)
        except StoreError as error:
            logger.warning("for now: %s", error)
        logger.info(
            "listening on http://%(at)s/api/v1/\n"
            "the page: http://%(at)s/\n"
            "a token: customer-profiles token create NAME",
            {"at": f"{name}:{listening.getsockname()[1]}"},
        )
        _answer(server, listening, signals)
    logger.info("stopped")


def _answer(server, listening: socket.socket, signals: list) -> None:
    """Serve until `signals` holds one, then finish pending requests; waitress would drop them."""
    turn = partial(server.asyncore.loop, use_poll=True, map=server._map, count=1)
    while not signals:
        turn(0.5)
    server.del_channel()
    listening.close()  # new callers are refused at once
    deadline = time.monotonic() + LEAVE_SECONDS
    while server.active_channels and time.monotonic() < deadline:
        turn(0.1)
        for channel in list(server.active_channels.values()):
            if not (channel.requests or channel.total_outbufs_len):
                channel.handle_close()
    server.task_dispatcher.shutdown(timeout=1)
    server.trigger.close()


def _application(host: str):
    # A full queue, a refused request (`problems` tells of failures), a foreign host's name.
    for noise in ("waitress.queue", "django.request", "django.security.DisallowedHost"):
        logging.getLogger(noise).setLevel(logging.CRITICAL)
    os.environ["DJANGO_SETTINGS_MODULE"] = "customer_profiles.api.settings"
    rate = settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]["user"]
    if not re.fullmatch(r"[1-9][0-9]*/(s|sec|m|min|h|hour|d|day)", rate):
        raise ValueError(f"API_RATE must be like 1000/min (s, min, hour or day), got {rate!r}")
    settings.ALLOWED_HOSTS.append(host)
    return get_wsgi_application()  # imports `urls` as well: no first caller waits for it


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:  # it names the address
        raise OSError(f"{error.strerror}; choose another by --port or --host") from None

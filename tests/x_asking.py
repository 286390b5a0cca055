"""Clients of the loopback X that wait for nothing, and the ways to ask it."""

import time

import pytest
from x_faults import TOKEN
from x_server import BRAND

from customer_profiles import query
from customer_profiles.x_api import endpoints
from customer_profiles.x_api.client import Client, Timeouts

QUERY = query.build(["tindlewick"], ["Tindlewick"], "en")
MENTION = "@tindlewick your tea is fine"
# Seconds that a test really waits for, where X never comes to an end.
SHORT = Timeouts(5, 0.15, 0.2)


class Waits:
    """Stands for time.sleep: waits for nothing, and lets the clock go on."""

    def __init__(self):
        self.seconds = []

    def __call__(self, seconds):
        assert seconds >= 0
        self.seconds.append(seconds)

    def clock(self):
        return time.time() + sum(self.seconds)


@pytest.fixture
def waits():
    return Waits()


@pytest.fixture
def ask(waits):
    """Function that makes a client of a server."""

    def client(server, token=TOKEN, **options):
        options = {"random": lambda: 0.5, "timeouts": Timeouts(5, 5, 5)} | options
        return Client(token, server.address, sleep=waits, clock=waits.clock, **options)

    return client


def ids(found):
    return [post["id"] for page in found for post in page.body.get("data", [])]


def by_search(client, **options):
    return endpoints.search(client, QUERY, size=10, **options)


def by_archive(client, **options):
    return endpoints.search(client, QUERY, "all", size=10, **options)


def by_mentions(client, **options):
    return endpoints.mentions(client, BRAND["id"], size=10, **options)


WAYS = [by_search, by_archive, by_mentions]

"""Fixtures: a client of the loopback X that waits for nothing."""

import time

import pytest

from customer_profiles.bench.loopback.faults import TOKEN
from customer_profiles.collect.x_api.client import Client, Timeouts


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
    """Function that makes a client of a server; its connections are closed in the end."""
    made = []

    def client(server, token=TOKEN, **options):
        options = {"random": lambda: 0.5, "timeouts": Timeouts(30, 30, 30)} | options
        made.append(Client(token, server.address, sleep=waits, clock=waits.clock, **options))
        return made[-1]

    yield client
    # A process may hold 1,024 of them where `select` is used; hundreds of tests make one each.
    for each in made:
        each._client.session.close()

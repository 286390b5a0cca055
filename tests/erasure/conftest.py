"""Fixtures of erasing."""

from tests.collect.x_api.asking import ask, waits  # noqa: F401
from tests.erasure.erasable import empty, filled  # noqa: F401

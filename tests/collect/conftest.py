"""Fixtures of collecting from X."""

from tests.collect.collecting import collect  # noqa: F401
from tests.collect.x_api.asking import ask, waits  # noqa: F401

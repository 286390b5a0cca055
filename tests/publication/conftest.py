"""Fixtures of what is published."""

from tests.api.served import api, audience, loaded_project, token  # noqa: F401
from tests.publication.browsing import browser  # noqa: F401

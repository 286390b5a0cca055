"""Keys of tests, and the check that no error shows one."""

import base64
import traceback

import pytest

from customer_profiles.privacy.keys.key import open_key

KEY = bytes(range(200, 232))
TEXT = base64.urlsafe_b64encode(KEY).decode()
OTHER = base64.urlsafe_b64encode(bytes(32)).decode()
PAGES = "data/collect/pages"


def refusal(error, opening=lambda: open_key(PAGES)):
    """All that a failing `opening` shows, which holds no part of a key."""
    with pytest.raises(error) as caught:
        opening()
    trace = "".join(traceback.format_exception(caught.value))
    for secret in (TEXT, OTHER):
        assert not any(secret[at : at + 8] in trace for at in range(len(secret) - 8))
    return trace

"""Notice on the page after a run that failed, or an erasure that withdrew the publication."""

import contextlib
import json

from customer_profiles.project import paths
from customer_profiles.publication import notices
from customer_profiles.store import connection
from customer_profiles.store.errors import StoreError


def notice() -> str:
    """Sentence about the last run, if it failed or has not ended, or the withdrawal; else "".

    The archive that is served is the one loaded last.
    """
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, StoreError):
        state = json.loads(paths.inside(notices.STATE).read_text(encoding="utf-8"))
        return notices.served(state, connection.loaded()["archive"])
    return ""

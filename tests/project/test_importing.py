"""Import of a heavy library: what it says is held back, and collections leave it out."""

import gc
import subprocess
import sys

import pytest

from customer_profiles.project.importing import without_collection

SPEAKS = """\
import os
from customer_profiles.project.importing import stderr_aside

with stderr_aside():
    os.write(2, b"held back\\n")
os.write(2, b"shown\\n")
with stderr_aside():
    os.write(2, b"the reason\\n")
    raise ImportError("no TensorFlow")
"""


def test_what_was_held_back_is_shown_only_when_the_import_fails():
    ended = subprocess.run([sys.executable, "-c", SPEAKS], capture_output=True, text=True)
    shown, reason, *_, error = (ended.stdout + ended.stderr).splitlines()
    assert (shown, reason, error) == ("shown", "the reason", "ImportError: no TensorFlow")


@pytest.mark.parametrize("before", [True, False])
def test_collection_is_afterwards_as_it_was_before_and_leaves_out_what_was_made(before):
    was_on, frozen = gc.isenabled(), gc.get_freeze_count()
    (gc.enable if before else gc.disable)()
    try:
        with without_collection():
            assert not gc.isenabled()
            made = [[] for _ in range(10_000)]
        assert gc.isenabled() == before
        assert gc.get_freeze_count() >= frozen + len(made)
    finally:
        (gc.enable if was_on else gc.disable)()

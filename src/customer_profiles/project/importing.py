"""Import of a heavy library: without a word, and without the garbage collector."""

import gc
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def stderr_aside() -> Iterator[None]:
    """Hold back what is written to file descriptor 2; write it there if the block raises."""
    terminal = os.dup(2)
    with tempfile.TemporaryFile() as caught:
        os.dup2(caught.fileno(), 2)
        try:
            yield
        except BaseException:
            caught.seek(0)
            with open(terminal, "wb", closefd=False) as stderr:
                stderr.write(caught.read())
            raise
        finally:
            os.dup2(terminal, 2)
            os.close(terminal)


@contextmanager
def without_collection() -> Iterator[None]:
    """Run an import without the garbage collector, which takes a fifth of its time for nothing.

    Later collections leave out what was imported: each of them would walk through all of it. Note:
    they leave out what else exists then, too.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()

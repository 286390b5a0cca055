"""What is made once for all worker processes of a test run."""

import os
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock


def once(tmp_path_factory, name: str, make: Callable[[Path], object]) -> Path:
    """Folder `name` that `make` fills; the first worker that asks makes it, the others wait."""
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    folder = base / name
    with FileLock(base / f".{name}.lock"):
        if not folder.exists():
            part = base / f".{name}.part"
            part.mkdir()
            make(part)
            part.rename(folder)
    return folder

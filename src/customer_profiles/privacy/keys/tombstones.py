"""Who and what was erased, in data/tombstones: a file for each key, which outlives a database.

A tombstone is a mark (`Key.mark`), made of the pseudonym under a key of its own: with the file
alone nobody can tell which row of an older copy of the data it speaks of.
"""

import fcntl
import os
import re
from collections.abc import Mapping

from customer_profiles.project import files, paths

FOLDER = "data/tombstones"
KINDS = ("author", "post")


def read(fingerprint: str) -> dict[str, str]:
    """Kind ("author", "post") by mark, of what was erased under the key of this fingerprint.

    Raises ValueError for a line that is none: to pass over it could bring somebody back.
    """
    file = _file(fingerprint)
    lines = file.read_text(encoding="ascii").splitlines() if file.is_file() else ()
    found = {}
    for number, line in enumerate(lines, 1):
        match = re.fullmatch(rf"({'|'.join(KINDS)}) ([0-9a-f]{{32}})", line)
        if not match:
            raise ValueError(
                f"line {number} of {FOLDER}/{file.name} is no tombstone; restore the file: without "
                "it people who were erased would come back"
            )
        found[match[2]] = match[1]
    return found


def add(fingerprint: str, marks: Mapping[str, str]) -> None:
    """Keep `marks` (kind by mark) with those that are kept; on disk when this returns."""
    if not marks:
        return
    file = _file(fingerprint)
    file.parent.mkdir(parents=True, exist_ok=True)
    with (file.parent / ".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two at once must not lose each other's
        held = read(fingerprint)
        if marks.keys() <= held.keys():
            return
        lines = sorted(f"{kind} {mark}\n" for mark, kind in {**held, **marks}.items())
        with files.replacing(file) as fresh, fresh.open("w", encoding="ascii") as stream:
            stream.writelines(lines)
            stream.flush()
            os.fsync(stream.fileno())
        _sync_folder()


def remove(fingerprint: str) -> None:
    """Forget what was erased under a key: it means nothing under another."""
    _file(fingerprint).unlink(missing_ok=True)


def _file(fingerprint: str):
    return paths.inside(FOLDER, f"{fingerprint}.txt")


def _sync_folder() -> None:
    # Only so is the new name, too, on disk.
    folder = os.open(paths.inside(FOLDER), os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)

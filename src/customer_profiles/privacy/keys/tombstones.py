"""Tombstones of erased authors and posts, in data/tombstones: one file per key.

A file outlives a database. A tombstone is a mark (`Key.mark`), made of the pseudonym under a key of
its own. The file alone does not show which row of an older copy of the data a tombstone means.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from customer_profiles.project import files, paths

FOLDER = "data/tombstones"
RECORD = f"{FOLDER}/erasures.log"
KINDS = ("author", "post")


def read(fingerprint: str) -> dict[str, str]:
    """Kind ("author", "post") by mark, of all that was erased under the key of this fingerprint.

    Raises ValueError for an invalid line: skipping it could bring an erased person back.
    """
    file = _file(fingerprint)
    lines = file.read_text(encoding="ascii").splitlines() if file.is_file() else ()
    marks = {}
    for number, line in enumerate(lines, 1):
        match = re.fullmatch(rf"({'|'.join(KINDS)}) ([0-9a-f]{{32}})", line)
        if not match:
            raise ValueError(
                f"line {number} of {FOLDER}/{file.name} is no tombstone; restore the file: without "
                "it people who were erased would come back"
            )
        marks[match[2]] = match[1]
    return marks


def add(fingerprint: str, marks: Mapping[str, str]) -> None:
    """Add `marks` (kind by mark) to the stored ones, with fsync."""
    if not marks:
        return
    file = _file(fingerprint)
    file.parent.mkdir(parents=True, exist_ok=True)
    with files.locked(file.parent):  # two processes must not overwrite each other's marks
        stored = read(fingerprint)
        if marks.keys() <= stored.keys():
            return
        lines = sorted(f"{kind} {mark}\n" for mark, kind in {**stored, **marks}.items())
        files.write_synced(file, "".join(lines).encode("ascii"))


def record(kinds: Iterable[str]) -> None:
    """Record that data of these `kinds` ("author", "post", "expired") were erased today.

    RECORD has a line for each day and kind: no id, and no number.
    """
    file, today = paths.inside(RECORD), datetime.now(UTC).date().isoformat()
    file.parent.mkdir(parents=True, exist_ok=True)
    known = file.read_text(encoding="ascii").splitlines() if file.is_file() else []
    for line in sorted({f"{today} {kind}" for kind in kinds} - {*known}):
        files.append(file, line.encode("ascii"))


def remove(fingerprint: str) -> None:
    """Delete the tombstones of a key; they mean nothing under another key."""
    _file(fingerprint).unlink(missing_ok=True)


def _file(fingerprint: str):
    return paths.inside(FOLDER, f"{fingerprint}.txt")

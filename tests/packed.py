"""Packed files of invented content."""

import io
import zipfile
from collections.abc import Mapping


def zipped(members: Mapping[str, bytes]) -> bytes:
    """A ZIP of `members` by name, equal for equal members."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, (2026, 5, 1, 0, 0, 0))
            packed.writestr(info, content, zipfile.ZIP_DEFLATED)
    return file.getvalue()

"""Files of an archive written anew: packed, encoded and sealed as they were."""

import bz2
import codecs
import gzip
import shutil
import zipfile
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from copy import copy
from pathlib import Path
from typing import BinaryIO

from customer_profiles.posts.formats.containers import Opener, Part, form, is_sealed
from customer_profiles.project import files


def rewrite(
    path: Path, contents: Mapping[str | None, Iterable[bytes]], seal: Opener | None = None
) -> None:
    """Replace parts of the file `path` atomically: by their member (None: the file) their lines.

    Lines are in UTF-8, as `lines` gives them; encoding, byte-order mark and packing stay what they
    were, and so do the file's permissions and the other members of a zip. Equal lines give equal
    bytes, except for sealed lines, of which `seal` makes each anew. Note: a sealed file keeps a
    line for each of its lines, even an empty one, because other modules count them.
    """
    path = path.resolve()  # the target of a link
    sealed = is_sealed(path)
    with files.rewriting(path) as file:  # it may be the only copy of paid data
        shutil.copymode(path, file.name)
        if None not in contents:
            _rewrite_zip(path, contents, file)
        elif sealed:
            file.writelines(seal(line) + b"\n" for line in contents[None])
        else:
            _write(file, contents[None], *form(Part(path, path.name)))


def _rewrite_zip(path: Path, contents: Mapping, file: BinaryIO) -> None:
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(file, "w") as new:
        new.comment = old.comment
        for info in old.infolist():
            # A copy: writing changes it. Its size decides about the fields for more than 2 GB.
            with new.open(copy(info), "w") as member:
                if info.filename in contents:
                    part = Part(path, info.filename, info.filename)
                    _write(member, contents[info.filename], *form(part))
                else:
                    shutil.copyfileobj(old.open(info), member)


def _write(file: BinaryIO, lines: Iterable[bytes], packing: str, name: str, mark: bytes) -> None:
    if packing == "gz":
        opened = gzip.GzipFile("", "wb", fileobj=file, mtime=0)
    else:
        opened = bz2.BZ2File(file, "wb") if packing else nullcontext(file)
    with opened as stream:
        stream.write(mark)
        if name == "utf-8":
            stream.writelines(lines)
            return
        # With its mark written, the order of bytes must be named.
        order = "le" if mark[:2] == codecs.BOM_UTF16_LE else "be"
        stream.writelines(line.decode("utf-8").encode(f"{name}-{order}") for line in lines)

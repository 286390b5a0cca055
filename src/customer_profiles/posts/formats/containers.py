"""Files of an archive, opened in memory: plain, gzip, bzip2, zip and sealed, in UTF-8 or UTF-16.

Each is recognised by its first bytes, never by its name. Nothing is unpacked to the disk.
"""

import bz2
import codecs
import gzip
import io
import os
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from customer_profiles.posts.formats.tally import Unreadable

Opener = Callable[[bytes], bytes]  # decrypts a line, or encrypts one

SEALED_ENDING = ".sealed"
_SEALED = re.compile(rb"[0-9a-f]{16}gAAAA")  # a key's fingerprint, then a Fernet token
_GZIP, _BZIP2, _ZIP = b"\x1f\x8b", b"BZh", (b"PK\x03\x04", b"PK\x05\x06")
_TORN_ERRORS = (EOFError, gzip.BadGzipFile, zlib.error, zipfile.BadZipFile)
# Formats that are packed or that hold no lines: their names, by their first bytes.
_OTHERS = {
    b"\x28\xb5\x2f\xfd": "is packed by zstd; unpack it",
    b"\xfd7zXZ\x00": "is packed by xz; unpack it",
    b"7z\xbc\xaf": "is a 7z archive; unpack it",
    b"Rar!": "is a RAR archive; unpack it",
    b"PAR1": "is a Parquet file; write it as CSV or JSON",
    b"\xd0\xcf\x11\xe0": "is an old Office file; save it as CSV",
    b"SQLite format 3": "is an SQLite database; export it as CSV",
    b"%PDF": "is a PDF",
    b"\x89PNG": "is an image",
    b"\xff\xd8\xff": "is an image",
    b"GIF8": "is an image",
    b"RDX": "is an R data file; write it as JSON or CSV",
}
_BOMS = {
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark begins it
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
# In the place of a damaged sealed line, where its file is written anew.
DAMAGED_LINE = b"(torn)"
# How reasons begin for which nothing is lost: there is nothing to read.
HARMLESS, HIDDEN = ("is an image", "is a PDF", "is no text"), "is a hidden"
_TAR, _TAR_HEAD = b"ustar", 262
_WIDE = re.compile(rb"([^\x00]\x00){4}|(\x00[^\x00]){4}")
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a]")
_HEAD = 16  # bytes that tell what a file is
# Posts pack to a twentieth, repeated ones to a hundredth. Less than UNPACKED is never refused.
RATIO, UNPACKED = 300, 256 * 2**20
PASSWORD = 1  # flag of a member of a zip


class Torn(Unreadable):
    """A packed file whose end is missing; all lines before it were given."""


Home = tuple[Path, str]


@dataclass(frozen=True)
class Part:
    """A file, or a member of a zip, that is read as one.

    `name` is its place in the archive, as messages show it. `size` is the number of bytes of the
    file that count, None for all: a file may grow while it is read.
    """

    path: Path
    name: str
    member: str | None = None
    size: int | None = None

    @property
    def home(self) -> Home:
        """Where it lies: in a folder, or in a zip and a folder there."""
        if self.member is None:
            return self.path.parent, ""
        return self.path, str(PurePosixPath(self.member).parent)


def walk(root: Path) -> Iterator[tuple[Path, str | None]]:
    """The files below `root`, or `root` itself, sorted by path, each with why it is not read.

    Hidden files, links to folders (they may lead in a circle) and what is no file are not read.
    """
    if root.is_file():
        yield root, None
        return
    for place, folders, names in os.walk(root):
        folders.sort()
        for name in sorted(folders):
            path = Path(place, name)
            hidden = name.startswith(".")
            if hidden or path.is_symlink():
                folders.remove(name)
                yield path, "is a hidden folder" if hidden else "is a link to a folder"
        for name in sorted(names):
            path = Path(place, name)
            if name.startswith("."):
                yield path, "is a hidden file"
            else:
                yield path, None if path.is_file() else "is no file that can be read"


def parts(path: Path, name: str, size: int | None = None) -> Iterator[tuple[Part, str | None]]:
    """The parts of the file `path`: itself or, of a zip, its members, each with why it is not read.

    Raises Unreadable for a file that cannot be opened.
    """
    whole = Part(path, name, size=size)
    try:
        with path.open("rb") as file:
            if not file.read(_HEAD).startswith(_ZIP):
                yield whole, None
                return
        with zipfile.ZipFile(path) as packed:
            members = sorted(packed.infolist(), key=lambda info: info.filename)
            names = {info.filename for info in members}
    except PermissionError:
        raise Unreadable("may not be read by this user") from None
    except (OSError, *_TORN_ERRORS) as error:
        raise Unreadable(f"cannot be opened ({type(error).__name__}); copy it again") from None
    if "xl/workbook.xml" in names or "word/document.xml" in names:
        yield whole, "is an Office document; save it as CSV"
        return
    for info in members:
        if not info.is_dir():
            within = PurePosixPath(info.filename)
            hidden = within.name.startswith(".") or "__MACOSX" in within.parts
            locked = "needs a password; unpack it" if info.flag_bits & PASSWORD else None
            if info is not packed.NameToInfo[info.filename]:
                locked = "is in the zip more than once, and the last counts; unpack it"
            part = replace(whole, name=f"{name}!{info.filename}", member=info.filename)
            yield part, locked or ("is a hidden file" if hidden else None)


def lines(part: Part, unseal: Opener | None = None) -> Iterator[bytes | None]:
    """The lines of `part` in UTF-8, with their ends, without a byte-order mark.

    Raises Unreadable where the file is torn or no text; PermissionError, naming the file, for a
    line of another key; ValueError for a sealed file without `unseal`. A damaged sealed line is
    None.
    """
    with _opened(part) as stream:
        try:
            head = stream.peek(_HEAD)[:32]
            if part.name.endswith(SEALED_ENDING) or _SEALED.match(head):
                yield from _unsealed(part.name, stream, unseal)
            else:
                yield from _decoded(stream, head)
        except PermissionError:
            raise  # of another key: the file itself is open
        except OSError as error:
            raise Unreadable(f"cannot be read ({error.strerror or type(error).__name__})") from None
        if getattr(stream.raw, "torn", False):
            raise Torn("ends too early or is damaged; copy it again")


def _unsealed(name: str, stream: io.BufferedIOBase, unseal: Opener | None) -> Iterator:
    if unseal is None:
        raise ValueError(
            f"{name} holds sealed pages: give what opens them, `unseal` of the project's key"
        )
    for line in stream:
        try:
            yield unseal(line)
        except PermissionError as error:
            raise type(error)(f"{name} cannot be opened: {error}") from None
        except ValueError:
            yield None


def first_bytes(part: Part) -> bytes:
    """The first bytes of `part`, unpacked, as far as they are there at once. Raises Unreadable."""
    with _opened(part) as stream:
        return stream.peek().removeprefix(codecs.BOM_UTF8)


def is_sealed(path: Path) -> bool:
    """True if `path` is a file of sealed lines."""
    with path.open("rb") as file:
        return path.name.endswith(SEALED_ENDING) or bool(_SEALED.match(file.read(32)))


def form(part: Part) -> tuple[str, str, bytes]:
    """How `part` is packed ("gz", "bz2" or ""), its encoding and its byte-order mark."""
    with _raw(part) as stream:
        head = stream.peek(_HEAD)
    packing = "gz" if head.startswith(_GZIP) else "bz2" if head.startswith(_BZIP2) else ""
    with _opened(part) as stream:
        head = stream.peek(_HEAD)
    marks = (*_BOMS, codecs.BOM_UTF8)
    return packing, _encoding(head), next((mark for mark in marks if head.startswith(mark)), b"")


def _encoding(head: bytes) -> str:
    """The encoding that the byte-order mark of `head` names, "utf-8" without one."""
    return next((name for mark, name in _BOMS.items() if head.startswith(mark)), "utf-8")


def _raw(part: Part) -> io.BufferedReader:
    """A stream of the bytes of `part` as they lie in the folder or zip. Raises Unreadable."""
    try:
        if part.member is None:
            return io.BufferedReader(_Bounded(part.path.open("rb"), part.size), 2**17)
        packed = zipfile.ZipFile(part.path)
        info = packed.getinfo(part.member)
        return io.BufferedReader(_Counted(packed.open(info), info.compress_size), 2**17)
    except (OSError, RuntimeError, NotImplementedError, *_TORN_ERRORS) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise Unreadable(f"cannot be opened ({reason})") from None


def _opened(part: Part) -> io.BufferedReader:
    """A stream of the unpacked bytes of `part`. Raises Unreadable."""
    stream = _raw(part)
    size, head = stream.raw.packed, stream.peek(_HEAD)
    if head.startswith((_GZIP, _BZIP2)):
        opener = gzip.GzipFile(fileobj=stream) if head.startswith(_GZIP) else bz2.BZ2File(stream)
        stream = io.BufferedReader(_Counted(opener, size), 2**17)
        head = stream.peek(_HEAD)
        if head.startswith((_GZIP, _BZIP2, *_ZIP)):
            raise Unreadable("is packed twice; unpack it")
    if part.member is not None and head.startswith(_ZIP):
        raise Unreadable("is a zip within a zip; unpack it")
    for mark, reason in _OTHERS.items():
        if head.startswith(mark):
            raise Unreadable(reason)
    return stream


def _decoded(stream: io.BufferedReader, head: bytes) -> Iterator[bytes]:
    name = _encoding(head)
    if name != "utf-8":
        with io.TextIOWrapper(stream, name, errors="replace", newline="") as text:
            for line in text:
                yield line.encode("utf-8", "replace")
        return
    if stream.peek(_TAR_HEAD)[:_TAR_HEAD].endswith(_TAR):
        raise Unreadable("is a tar archive; unpack it")
    if _WIDE.match(head):
        raise Unreadable("is UTF-16 without a byte-order mark; write it as UTF-8")
    if _CONTROL.search(head):
        raise Unreadable("is no text")
    first = True
    for line in stream:
        yield line.removeprefix(codecs.BOM_UTF8) if first else line
        first = False


class _Bounded(io.RawIOBase):
    """The first `size` bytes of a file, all by default."""

    def __init__(self, file: io.BufferedReader, size: int | None):
        self._file = file
        self.packed = os.fstat(file.fileno()).st_size
        self._left = self.packed if size is None else size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        taken = self._file.readinto(memoryview(buffer)[: self._left])
        self._left -= taken
        return taken

    def close(self) -> None:
        self._file.close()
        super().close()


class _Counted(io.RawIOBase):
    """Unpacked bytes of a file of `packed` bytes; raises Unreadable beyond RATIO times these.

    It ends where the file is `torn`.
    """

    def __init__(self, stream: io.BufferedIOBase, packed: int):
        self._stream, self.packed, self._taken = stream, packed, 0
        self.torn = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:
        try:
            content = self._stream.read1(len(buffer))
        except _TORN_ERRORS:
            content, self.torn = b"", True
        buffer[: len(content)] = content
        self._taken += len(content)
        if self._taken > max(UNPACKED, RATIO * self.packed):
            raise Unreadable(
                f"unpacks to more than {RATIO} times its size, as no posts do; unpack it to read it"
            )
        return len(content)

    def close(self) -> None:
        self._stream.close()
        super().close()

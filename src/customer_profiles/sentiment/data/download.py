"""Download of the official archive: resumable, verified, and unpacked whole or not at all."""

import logging
import re
import shutil
import time
import zipfile
import zlib
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import requests
import yaml
from tqdm import tqdm

from customer_profiles.project import files

logger = logging.getLogger(__name__)

ZIP_START = b"PK\x03\x04"
CHUNK = 1 << 16  # also the largest loss when the connection breaks
SLACK = 1 << 20  # space for a zip's own tables
WAITS = (2.0, 10.0, 30.0, 60.0)  # seconds before each retry
TIMEOUT = 30.0  # seconds without a byte


@dataclass(frozen=True)
class Proof:
    """Expected size in bytes and SHA-256 in hex of a file; None where it is not known."""

    bytes: int | None
    sha256: str | None

    def refusal(self, path: Path) -> str | None:
        """Difference between the file `path` and the expected values as text, or None."""
        size = path.stat().st_size
        if self.bytes is not None and size != self.bytes:
            return f"expected {self.bytes} bytes, got {size}"
        if self.sha256 is not None and (got := files.digest(path)) != self.sha256:
            return f"expected sha256 {self.sha256}, got {got}"
        return None


class TryAgain(Exception):
    """Temporary failure of the server or the connection, for which a retry may help."""


def fetch_archive(
    description: Path, into: Path, *, waits: Sequence[float] = WAITS, timeout: float = TIMEOUT
) -> Path:
    """Download what the YAML file `description` names, and unpack it; return the folder `into`.

    `description`: address, members {file name: {bytes, sha256}}, and bytes and sha256 of the zip
    itself where they are known. Valid members are not downloaded again. An interrupted download
    stays in `into` as `<archive's name>.part` and is resumed. `waits`: seconds before each retry;
    `timeout`: seconds to wait for a byte.

    Raises OSError, before the download, if the disk has no space for archive and members,
    ConnectionError when the server does not give the file, ValueError when the file is not as in
    `description`; it is then deleted.
    """
    address, archive, members = _described(description)
    if all((into / n).is_file() and not p.refusal(into / n) for n, p in members.items()):
        return into
    part = into / (PurePosixPath(urlsplit(address).path).name + ".part")
    # A zip is smaller than its unpacked members: a larger file is not the archive.
    unpacked = sum(proof.bytes for proof in members.values())
    limit = archive.bytes or unpacked + SLACK
    begun = part.stat().st_size if part.exists() else 0
    files.require_room(into, limit - begun + unpacked, f"{part.stem} with what it holds")
    into.mkdir(parents=True, exist_ok=True)
    _download(address, part, archive, limit, waits, timeout)
    try:
        if refusal := archive.refusal(part):
            raise ValueError(f"{address}: {refusal}; nothing was kept, try again")
        _unpack(part, members, into, address)
    except ValueError:
        part.unlink()
        raise
    part.unlink()
    return into


def _described(description: Path) -> tuple[str, Proof, dict[str, Proof]]:
    content = yaml.safe_load(description.read_text(encoding="utf-8"))
    content = content if isinstance(content, dict) else {}
    unknown = set(content) - {"address", "bytes", "sha256", "members"}
    members = content.get("members")
    if unknown or "address" not in content or not isinstance(members, dict) or not members:
        raise ValueError(
            f"{description} must give address and members, and may give bytes and sha256; "
            f"got {sorted(content)}"
        )
    for name in members:
        if not _plain(name):
            raise ValueError(f"{description}: member {name!r} must be a file name, not a path")
    archive = _proof(description, "the archive", content)
    proofs = {name: _proof(description, name, figures) for name, figures in members.items()}
    for name, proof in proofs.items():
        if proof.bytes is None or proof.sha256 is None:
            raise ValueError(f"{description}: {name} must have both bytes and sha256")
    return content["address"], archive, proofs


def _proof(description: Path, name: str, figures: dict | None) -> Proof:
    figures = figures if isinstance(figures, dict) else {}
    size, sha256 = figures.get("bytes"), figures.get("sha256")
    if size is not None and (not isinstance(size, int) or size < 1):
        raise ValueError(f"{description}: bytes of {name} must be a whole number, got {size!r}")
    # Unquoted, YAML reads a checksum of digits, or of digits and one e, as a number.
    if sha256 is not None and not re.fullmatch("[0-9a-f]{64}", str(sha256)):
        raise ValueError(
            f'{description}: sha256 of {name} must be 64 hex digits in "quotes", got {sha256!r}'
        )
    return Proof(size, sha256)


def _plain(name: str) -> bool:
    return (
        isinstance(name, str) and name not in ("", ".", "..") and not re.search(r"[/\\:\0]", name)
    )


def _download(
    address: str, part: Path, archive: Proof, limit: int, waits: Sequence[float], timeout: float
) -> None:
    for wait in (*waits, None):
        try:
            return _go_on(address, part, archive.bytes, limit, timeout)
        except TryAgain as error:
            if wait is None:
                raise ConnectionError(
                    f"{address}: {error}, after {len(waits) + 1} attempts; run again later to go "
                    f"on where it broke off, or get the archive by other means, unpack it and "
                    f"give its folder"
                ) from error
            logger.warning("%s: %s; next attempt in %s s", address, error, wait)
            time.sleep(wait)


def _go_on(address: str, part: Path, size: int | None, limit: int, timeout: float) -> None:
    begun = part.stat().st_size if part.exists() else 0
    if begun > limit:
        part.unlink()
        begun = 0
    if begun == size:
        return
    # Without "identity" a server may compress what it sends, and no count of bytes would hold.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={begun}-"} if begun else {})
    try:
        with requests.get(address, headers=headers, stream=True, timeout=timeout) as response:
            if begun and response.status_code == 416:
                # No byte follows the part on disk: it is complete, or belongs to another file.
                if _total(response) == begun:
                    return
                part.unlink()
                raise TryAgain("the server has another file than the one begun")
            _check_status(address, response)
            _receive(address, response, part, begun, limit)
    except (requests.ConnectionError, requests.Timeout) as error:
        raise TryAgain(f"no answer or a broken one ({type(error).__name__})") from error
    except requests.exceptions.ChunkedEncodingError as error:
        raise TryAgain("the answer broke off") from error


def _check_status(address: str, response: requests.Response) -> None:
    status = response.status_code
    if status >= 500 or status in (408, 429):
        raise TryAgain(f"the server answered {status}")
    if status not in (200, 206):
        raise ConnectionError(
            f"{address}: the server answered {status}; correct the address in the description, or "
            "get the archive by other means, unpack it and give its folder"
        )


def _receive(address: str, response: requests.Response, part: Path, begun: int, limit: int) -> None:
    resumed = response.status_code == 206 and _start(response) == begun
    if response.status_code == 206 and not resumed:
        part.unlink(missing_ok=True)
        raise TryAgain("the server sent another part than the one asked for")
    done = begun if resumed else 0
    length = response.headers.get("Content-Length")
    chunks = response.iter_content(CHUNK)
    first = next(chunks, b"")
    if not done and not first.startswith(ZIP_START):
        part.unlink(missing_ok=True)
        kind = response.headers.get("Content-Type", "nothing it names")
        raise ValueError(f"{address} gave no zip archive but {kind}; open it in a browser to see")
    with (
        part.open("ab" if resumed else "wb") as file,
        tqdm(
            total=done + int(length) if length else None,
            initial=done,
            unit="B",
            unit_scale=True,
            desc=part.stem,
        ) as progress,
    ):
        while first:
            done += len(first)
            if done > limit:
                part.unlink()
                raise ValueError(f"{address} gives more than the {limit} bytes expected")
            file.write(first)
            progress.update(len(first))
            first = next(chunks, b"")


def _start(response: requests.Response) -> int | None:
    match = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(match[1]) if match else None


def _total(response: requests.Response) -> int | None:
    match = re.search(r"/(\d+)$", response.headers.get("Content-Range", ""))
    return int(match[1]) if match else None


def _unpack(part: Path, members: dict[str, Proof], into: Path, address: str) -> None:
    try:
        # One stack: all members are moved into place together, after the last check.
        with zipfile.ZipFile(part) as archive, ExitStack() as stack:
            _check_names(archive, members, address)
            for name, proof in members.items():
                fresh = stack.enter_context(files.replacing(into / name))
                with archive.open(name) as packed, fresh.open("xb") as file:
                    shutil.copyfileobj(packed, file, CHUNK)
                if refusal := proof.refusal(fresh):
                    raise ValueError(f"{address}: {name}: {refusal}; nothing was kept, try again")
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise ValueError(
            f"{address} is a broken zip archive; nothing was kept, try again"
        ) from error


def _check_names(archive: zipfile.ZipFile, members: dict[str, Proof], address: str) -> None:
    names = archive.namelist()
    for name in names:
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or re.match("[A-Za-z]:", name):
            raise ValueError(f"{address} wants to write outside its folder ({name!r}): refused")
    for name, proof in members.items():
        if names.count(name) != 1:
            raise ValueError(f"{address} must hold {name} once; it holds {sorted(names)}")
        # zipfile reads no more than the announced size: no zip bomb.
        if (size := archive.getinfo(name).file_size) != proof.bytes:
            raise ValueError(f"{address}: {name}: expected {proof.bytes} bytes, got {size}")

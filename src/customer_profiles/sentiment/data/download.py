"""Download of the official archive: verified, and unpacked whole or not at all."""

import logging
import re
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import pooch
import requests
import yaml
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    stop_after_attempt,
    wait_random_exponential,
)
from tqdm import tqdm

from customer_profiles.project import files

logger = logging.getLogger(__name__)

CHUNK = 1 << 16
ATTEMPTS = 5
LONGEST = 60.0  # seconds before another attempt
TIMEOUT = 30.0  # seconds without a byte
OTHERWISE = "get the archive by other means, unpack it and give its folder"
PASSING = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)


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


def fetch_archive(
    description: Path,
    into: Path,
    *,
    attempts: int = ATTEMPTS,
    longest_wait: float = LONGEST,
    timeout: float = TIMEOUT,
) -> Path:
    """Download what the YAML file `description` names, and unpack it; return the folder `into`.

    `description`: address, members {file name: {bytes, sha256}}, and bytes and sha256 of the zip
    itself where they are known. Valid members are not downloaded again. A download that breaks off
    begins again, at most `attempts` times, after at most `longest_wait` seconds; `timeout`: seconds
    to wait for a byte.

    Raises OSError, before the download, if the disk has no space for archive and members,
    ConnectionError when the server does not give the file, ValueError when the file is not as in
    `description`; nothing of it is then kept.
    """
    address, archive, members = _described(description)
    if all((into / n).is_file() and not p.refusal(into / n) for n, p in members.items()):
        return into
    name = PurePosixPath(urlsplit(address).path).name
    # A zip is smaller than its unpacked members.
    unpacked = sum(proof.bytes for proof in members.values())
    files.require_room(into, (archive.bytes or unpacked) + unpacked, f"{name} with what it holds")
    with files.named(into / name), files.scratch(into / name) as folder:
        zipped = _download(address, folder / name, archive, attempts, longest_wait, timeout)
        if refusal := archive.refusal(zipped):
            raise ValueError(f"{address}: {refusal}; nothing was kept, try again")
        _unpack(zipped, members, address)
        for member in members:
            files.move(folder / member, into / member)
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
    address: str, to: Path, archive: Proof, attempts: int, longest_wait: float, timeout: float
) -> Path:
    # It has a handler of its own, and would name each step.
    pooch.get_logger().setLevel(logging.WARNING)

    def once() -> str:
        # A bar without a total is false, which pooch takes for no bar; it sets the true total.
        with tqdm(total=1, unit="B", unit_scale=True, desc=to.name) as progress:
            # Without "identity" a server may compress what it sends: the total would be wrong.
            downloader = pooch.HTTPDownloader(
                progress, CHUNK, timeout=timeout, headers={"Accept-Encoding": "identity"}
            )
            return pooch.retrieve(address, archive.sha256, to.name, to.parent, None, downloader)

    def announce(state: RetryCallState) -> None:
        cause = _cause(state.outcome.exception())
        logger.warning("%s: %s; next attempt in %.0f s", address, cause, state.upcoming_sleep)

    retrying = Retrying(
        retry=retry_if_exception(_passes),
        stop=stop_after_attempt(attempts),
        wait=wait_random_exponential(max=longest_wait),
        before_sleep=announce,
        reraise=True,
    )
    try:
        return Path(retrying(once))
    except requests.RequestException as error:
        way_out = "correct the address in the description"
        if _passes(error):
            way_out = f"that was attempt {attempts} of {attempts}; run again later"
        raise ConnectionError(f"{address}: {_cause(error)}; {way_out}, or {OTHERWISE}") from error


def _passes(error: BaseException) -> bool:
    if isinstance(error, requests.HTTPError):
        status = error.response.status_code
        return status >= 500 or status in (408, 429)
    return isinstance(error, PASSING)


def _cause(error: BaseException) -> str:
    if isinstance(error, requests.HTTPError):
        return f"the server answered {error.response.status_code}"
    return f"no answer or a broken one ({type(error).__name__})"


def _unpack(zipped: Path, members: dict[str, Proof], address: str) -> None:
    """Unpack `members` beside `zipped`. Raises ValueError unless they are as their proofs say."""
    try:
        with zipfile.ZipFile(zipped) as archive:
            names = archive.namelist()
            for name, proof in members.items():
                if names.count(name) != 1:
                    raise ValueError(f"{address} must hold {name} once; it holds {sorted(names)}")
                # zipfile reads no more than the announced size: no zip bomb.
                if (size := archive.getinfo(name).file_size) != proof.bytes:
                    raise ValueError(f"{address}: {name}: expected {proof.bytes} bytes, got {size}")
                if refusal := proof.refusal(Path(archive.extract(name, zipped.parent))):
                    raise ValueError(f"{address}: {name}: {refusal}; nothing was kept, try again")
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise ValueError(
            f"{address} gave no zip archive, or a broken one; open it in a browser to see, and try "
            "again: nothing was kept"
        ) from error

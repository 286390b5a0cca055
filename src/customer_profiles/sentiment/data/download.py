"""Download of official files, plain or in a zip: verified, and kept all or not at all."""

import hashlib
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
OTHERWISE = "get the files by other means and give the folder that holds them"
DIGITS = {"sha256": 64, "blob": 40}
PLAIN = {"address", "files"}
PASSING = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)


@dataclass(frozen=True)
class Proof:
    """Expected size in bytes, SHA-256 and Git blob id in hex of a file; None where not known.

    The blob id is the SHA-1 of "blob <bytes>\\0" and the content. Two files with one SHA-1 can be
    made together, but none that has the SHA-1 of a given file.
    """

    bytes: int | None = None
    sha256: str | None = None
    blob: str | None = None

    def refusal(self, path: Path) -> str | None:
        """Difference between the file `path` and the expected values as text, or None."""
        size = path.stat().st_size
        if self.bytes is not None and size != self.bytes:
            return f"expected {self.bytes} bytes, got {size}"
        if self.sha256 is not None and (got := files.digest(path)) != self.sha256:
            return f"expected sha256 {self.sha256}, got {got}"
        if self.blob is not None and (got := _blob(path)) != self.blob:
            return f"expected Git blob {self.blob}, got {got}"
        return None


@dataclass(frozen=True)
class Description:
    """Files to have, by name; `archive` proves the zip that holds them, None if there is none.

    `address` is that of the zip, or of the folder of the files.
    """

    address: str
    proofs: dict[str, Proof]
    archive: Proof | None


@dataclass(frozen=True)
class Patience:
    """Attempts at a file, longest wait before another one, and seconds without a byte."""

    attempts: int = ATTEMPTS
    longest_wait: float = LONGEST
    timeout: float = TIMEOUT


def fetch(description: Path, into: Path, patience: Patience = Patience()) -> Path:
    """Download the files that the YAML file `description` names; return their folder `into`.

    `description`: the address of a zip with its members, or of a folder with its files {name:
    {bytes, sha256, blob}}; a zip may have bytes and sha256 of its own. Valid files are not
    downloaded again. A download that breaks off begins again, as often as `patience` allows.

    Raises OSError, before the download, if the disk has no space, ConnectionError when the server
    does not give a file, ValueError when a file is not as in `description`; then none of the
    download is kept.
    """
    described = _described(description)
    proofs, address = described.proofs, described.address
    absent = {
        name: proof
        for name, proof in proofs.items()
        if not (into / name).is_file() or proof.refusal(into / name)
    }
    if not absent:
        return into
    name = PurePosixPath(urlsplit(address).path).name or description.stem
    size = sum(proof.bytes or 0 for proof in absent.values())
    if described.archive:
        absent = proofs
        # A zip is smaller than its unpacked members.
        unpacked = sum(proof.bytes for proof in proofs.values())
        size = (described.archive.bytes or unpacked) + unpacked
    files.require_room(into, size, f"{name} with what it holds")
    with files.named(into / name), files.scratch(into / name) as folder:
        if described.archive:
            zipped = _download(address, folder / name, described.archive, patience)
            _unpack(zipped, proofs, address)
        else:
            for file, proof in absent.items():
                _download(f"{address.rstrip('/')}/{file}", folder / file, proof, patience)
        for file in absent:
            files.move(folder / file, into / file)
    return into


def _described(description: Path) -> Description:
    content = yaml.safe_load(description.read_text(encoding="utf-8"))
    content = content if isinstance(content, dict) else {}
    zipped = "members" in content
    members = content.get("members" if zipped else "files")
    unknown = set(content) - ({"address", "bytes", "sha256", "members"} if zipped else PLAIN)
    if unknown or "address" not in content or not isinstance(members, dict) or not members:
        raise ValueError(
            f"{description} must give address and members (of a zip, which may have bytes and "
            f"sha256) or address and files; got {sorted(content)}"
        )
    for name in members:
        if not _plain(name):
            raise ValueError(f"{description}: {name!r} must be a file name, not a path")
    proofs = {name: _proof(description, name, figures) for name, figures in members.items()}
    for name, proof in proofs.items():
        if zipped and (proof.bytes is None or proof.sha256 is None):
            raise ValueError(f"{description}: {name} must have both bytes and sha256")
        if not (proof.sha256 or proof.blob):
            raise ValueError(f"{description}: {name} must have sha256 or blob")
    archive = _proof(description, "the archive", content) if zipped else None
    return Description(content["address"], proofs, archive)


def _proof(description: Path, name: str, figures: dict | None) -> Proof:
    figures = figures if isinstance(figures, dict) else {}
    size = figures.get("bytes")
    if size is not None and (not isinstance(size, int) or size < 1):
        raise ValueError(f"{description}: bytes of {name} must be a whole number, got {size!r}")
    for kind, digits in DIGITS.items():
        value = figures.get(kind)
        # Unquoted, YAML reads a checksum of digits, or of digits and one e, as a number.
        if value is not None and not re.fullmatch(f"[0-9a-f]{{{digits}}}", str(value)):
            raise ValueError(
                f'{description}: {kind} of {name} must be {digits} hex digits in "quotes", got '
                f"{value!r}"
            )
    return Proof(size, figures.get("sha256"), figures.get("blob"))


def _blob(path: Path) -> str:
    taken = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(CHUNK):
            taken.update(block)
    return taken.hexdigest()


def _plain(name: str) -> bool:
    return (
        isinstance(name, str) and name not in ("", ".", "..") and not re.search(r"[/\\:\0]", name)
    )


def _download(address: str, to: Path, proof: Proof, patience: Patience) -> Path:
    """The file `to`, as `address` gives it. Raises ValueError unless it is as `proof` says."""
    # It has a handler of its own, and would name each step.
    pooch.get_logger().setLevel(logging.WARNING)

    def once() -> str:
        # A bar without a total is false, which pooch takes for no bar; it sets the true total.
        with tqdm(total=1, unit="B", unit_scale=True, desc=f"downloading {to.name}") as progress:
            # Without "identity" a server may compress what it sends: the total would be wrong.
            downloader = pooch.HTTPDownloader(
                progress, CHUNK, timeout=patience.timeout, headers={"Accept-Encoding": "identity"}
            )
            return pooch.retrieve(address, None, to.name, to.parent, None, downloader)

    def announce(state: RetryCallState) -> None:
        cause = _cause(state.outcome.exception())
        logger.warning("%s: %s; next attempt in %.0f s", address, cause, state.upcoming_sleep)

    retrying = Retrying(
        retry=retry_if_exception(_passes),
        stop=stop_after_attempt(patience.attempts),
        wait=wait_random_exponential(max=patience.longest_wait),
        before_sleep=announce,
        reraise=True,
    )
    try:
        file = Path(retrying(once))
    except requests.RequestException as error:
        attempts = patience.attempts
        way_out = "correct the address in the description"
        if _passes(error):
            way_out = f"that was attempt {attempts} of {attempts}; run again later"
        raise ConnectionError(f"{address}: {_cause(error)}; {way_out}, or {OTHERWISE}") from error
    if refusal := proof.refusal(file):
        raise ValueError(f"{address}: {refusal}; nothing was kept, try again")
    return file


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

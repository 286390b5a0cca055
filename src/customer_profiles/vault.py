"""The project's key: pseudonyms that nobody can list back without it.

Ids of posts and authors are short and public, so a plain hash is undone by hashing all ids. Here
they are HMACs under a key that stays with the operator: CUSTOMER_PROFILES_KEY, or
data/secret.key, made when pages are pulled and there is none.
"""

import base64
import contextlib
import hashlib
import hmac
import logging
import os
import re
import stat
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from customer_profiles import outputs, paths

VARIABLE = "CUSTOMER_PROFILES_KEY"
FILE = "data/secret.key"
SAMPLE = "data/sample/x_archive"
SAMPLE_DIGEST = "data/sample/x_archive.sha256"

logger = logging.getLogger(__name__)

_LENGTH = 32
_LONGEST = 1000  # of a key file; more than that is no key
_SET = f"set {VARIABLE}"
_WAY_OUT = (
    f"restore that key in {VARIABLE} or {FILE}, or run `dvc repro -f pull` to start anew with "
    "another one, under which what was erased is no longer known"
)
# Public on purpose: the shipped sample has no secrets, and its pseudonyms are the same everywhere.
_DEMONSTRATION = hashlib.sha256(b"the shipped sample of customer-profiles").digest()


class Vault:
    """Pseudonyms and fingerprint under one key of 32 bytes."""

    def __init__(self, key: bytes):
        if len(key) != _LENGTH:
            raise ValueError(f"the project's key must have {_LENGTH} bytes, got {len(key)}")
        self._pseudonyms = _derive(key, b"pseudonyms")
        self._marks = _derive(key, b"tombstones")

    def pseudonym(self, kind: str, identifier: str) -> str:
        """32 hex digits for the id of a `kind` ("post", "author"), stable under the key."""
        return self._mac(f"{kind}:{identifier}")[:32]

    def pseudonyms(self, kind: str, identifiers: Iterable[str]) -> list[str]:
        """`pseudonym` of each, in their order."""
        return [self.pseudonym(kind, identifier) for identifier in identifiers]

    def mark(self, pseudonym: str) -> str:
        """32 hex digits that stand for an erased `pseudonym`.

        Under a key of its own: a tombstone must not point to a row in an older copy of the data.
        """
        return hmac.digest(self._marks, pseudonym.encode(), "sha256").hex()[:32]

    def fingerprint(self) -> str:
        """16 hex digits that tell two keys apart and give neither away."""
        return self._mac("fingerprint")[:16]

    def audience(self, archive: str) -> str:
        """Name of the database for an archive under this key: sample and real rows never mix."""
        return "audience_" + self._mac(f"audience:{archive}")[:12]

    def _mac(self, text: str) -> str:
        return hmac.new(self._pseudonyms, text.encode(), hashlib.sha256).hexdigest()


def open_vault(archive: str, make: bool = False) -> Vault:
    """The vault for the pages in `archive` (a folder, as written in params.yaml).

    The shipped sample always gets the public demonstration key, any other archive never. Where
    there is no key, one is made if `make` says so. Raises FileNotFoundError where there is none,
    ValueError for a key that cannot be read, PermissionError for one that others can reach.
    """
    if is_sample(archive):
        return demonstration()
    key = os.environ.get(VARIABLE)
    if key is not None:
        return _real(_decode(key, VARIABLE), VARIABLE)
    file = paths.inside(FILE)
    if make and not os.path.lexists(file):
        _make(file)
    return _real(_decode(_read(file), FILE), FILE)


def demonstration() -> Vault:
    """The vault of the shipped sample, whose key is public."""
    return Vault(_DEMONSTRATION)


def reopen(archive: str, fingerprint: str) -> Vault:
    """The vault that `archive` was pulled with; `fingerprint` is its key's, from the manifest.

    Makes no key. Raises what `open_vault` raises, and ValueError for another key.
    """
    try:
        key = open_vault(archive)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f"{error}. The archive was pulled with the key of fingerprint {fingerprint}: {_WAY_OUT}"
        ) from None
    if key.fingerprint() != fingerprint:
        raise ValueError(
            f"the key is not the one the archive was pulled with: its fingerprint is "
            f"{key.fingerprint()}, the manifest's {fingerprint}; {_WAY_OUT}"
        )
    return key


def renew() -> bool:
    """Put a new key in the place of data/secret.key; False if the key is the environment's."""
    if VARIABLE in os.environ:
        return False
    file = paths.inside(FILE)
    for left in file.parent.glob(f".{file.name}.*"):
        left.unlink()  # of a killed process, and maybe the old key
    _put(file, lambda fresh: fresh.replace(file))
    return True


def is_sample(archive: str) -> bool:
    """Whether `archive` is the shipped sample, byte for byte."""
    listed = paths.inside(SAMPLE_DIGEST)
    folder = paths.inside(archive)
    if folder.resolve() != paths.inside(SAMPLE).resolve() or not listed.is_file():
        return False
    return outputs.digest(folder) == listed.read_text(encoding="utf-8").strip()


def _read(file: Path) -> str:
    """What the key file holds, which must be its owner's alone: looked at once it is open."""
    try:
        # Not waiting, should it be a pipe.
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        raise FileNotFoundError(
            f"there is no key: {VARIABLE} is not set, and there is no {FILE}"
        ) from None
    except PermissionError:
        raise PermissionError(
            f"{FILE} cannot be read; run as its owner, who alone may (mode 0600)"
        ) from None
    except OSError as error:
        if file.is_symlink():
            raise ValueError(f"{FILE} is a link; put the key itself there, or {_SET}") from None
        raise OSError(f"{FILE} cannot be read ({error.strerror})") from None
    try:
        _guarded(os.fstat(handle))
        return os.read(handle, _LONGEST).decode("ascii", "replace")
    finally:
        os.close(handle)


def _guarded(found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise ValueError(f"{FILE} is no file; move it away and restore the key, or {_SET}")
    mode = stat.S_IMODE(found.st_mode)
    if mode & 0o077:
        raise PermissionError(
            f"{FILE} can be read by others (mode {mode:04o}); run: chmod 600 {FILE}"
        )
    if found.st_uid != os.geteuid():
        raise PermissionError(
            f"{FILE} belongs to user {found.st_uid}, not to {os.geteuid()}, who runs this, and "
            "whoever owns it can change it: run as its owner, or give it to this user"
        )


def _make(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    # Of two processes one wins, and the other never reads half a key.
    with contextlib.suppress(FileExistsError):
        _put(file, file.hardlink_to)
        logger.warning(
            "made a key, %s: keep a copy in a safe place. Without it nothing held here can be "
            "matched with its author again, not even to erase it",
            FILE,
        )


def _put(file: Path, place: Callable[[Path], object]) -> None:
    """Write a new key beside `file`, for its owner only and whole on disk, and `place` it."""
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    fresh = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(Fernet.generate_key())
            stream.flush()
            os.fsync(stream.fileno())
        place(fresh)
    finally:
        fresh.unlink(missing_ok=True)


def _decode(text: str, source: str) -> bytes:
    if not text.strip():
        raise ValueError(
            f"the key in {source} is empty; restore it"
            + (f", or unset {VARIABLE} to use {FILE}" if source == VARIABLE else "")
        )
    # Python's decoder skips characters it does not know and stops at the first padding.
    if not re.fullmatch(r"[A-Za-z0-9_-]{43}=", text.strip()):
        raise ValueError(
            f"the key in {source} is not 32 bytes in URL-safe base64 (44 characters); restore the "
            "one this data was made with; a new one is made only when there is none"
        )
    return base64.urlsafe_b64decode(text.strip())


def _real(key: bytes, source: str) -> Vault:
    if hmac.compare_digest(key, _DEMONSTRATION):
        raise ValueError(f"{source} holds the public demonstration key; it protects nobody")
    return Vault(key)


def _derive(key: bytes, purpose: bytes) -> bytes:
    return HKDF(hashes.SHA256(), _LENGTH, salt=None, info=purpose).derive(key)

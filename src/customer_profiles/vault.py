"""The project's key: pseudonyms that nobody can list back without it.

Ids of posts and authors are short and public, so a plain hash is undone by hashing all ids. Here
they are HMACs under a key that stays with the operator: CUSTOMER_PROFILES_KEY, or
data/secret.key, made on first use.
"""

import base64
import contextlib
import hashlib
import hmac
import os
import re
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path

from cryptography.fernet import Fernet
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from customer_profiles import outputs, paths

VARIABLE = "CUSTOMER_PROFILES_KEY"
FILE = "data/secret.key"
SAMPLE = "data/sample/x_archive"
SAMPLE_DIGEST = "data/sample/x_archive.sha256"

_LENGTH = 32
# Public on purpose: the shipped sample has no secrets, and its pseudonyms are the same everywhere.
_DEMONSTRATION = hashlib.sha256(b"the shipped sample of customer-profiles").digest()


class Vault:
    """Pseudonyms and fingerprint under one key of 32 bytes."""

    def __init__(self, key: bytes):
        if len(key) != _LENGTH:
            raise ValueError(f"the project's key must have {_LENGTH} bytes, got {len(key)}")
        self._pseudonyms = _derive(key, b"pseudonyms")

    def pseudonym(self, kind: str, identifier: str) -> str:
        """32 hex digits for the id of a `kind` ("post", "author"), stable under the key."""
        return self._mac(f"{kind}:{identifier}")[:32]

    def pseudonyms(self, kind: str, identifiers: Iterable[str]) -> list[str]:
        """`pseudonym` of each, in their order."""
        return [self.pseudonym(kind, identifier) for identifier in identifiers]

    def fingerprint(self) -> str:
        """16 hex digits that tell two keys apart and give neither away."""
        return self._mac("fingerprint")[:16]

    def audience(self, archive: str) -> str:
        """Name of the database for an archive under this key: sample and real rows never mix."""
        return "audience_" + self._mac(f"audience:{archive}")[:12]

    def _mac(self, text: str) -> str:
        return hmac.new(self._pseudonyms, text.encode(), hashlib.sha256).hexdigest()


def open_vault(archive: str) -> Vault:
    """The vault for the pages in `archive` (a folder, as written in params.yaml).

    The shipped sample always gets the public demonstration key, any other archive never. Raises
    ValueError for a key that cannot be read, PermissionError for one that others can read.
    """
    if is_sample(archive):
        return Vault(_DEMONSTRATION)
    key = os.environ.get(VARIABLE)
    if key is not None:
        return _real(_decode(key, VARIABLE), VARIABLE)
    return _real(_read(paths.inside(FILE)), FILE)


def require(vault: Vault, fingerprint: str) -> None:
    """Raise ValueError unless `vault` holds the key with this fingerprint."""
    if vault.fingerprint() != fingerprint:
        raise ValueError(
            f"the key is not the one the archive was pulled with: its fingerprint is "
            f"{vault.fingerprint()}, the manifest's {fingerprint}; restore that key in {VARIABLE} "
            f"or {FILE}, or run `dvc repro -f pull` to start anew with this one"
        )


def is_sample(archive: str) -> bool:
    """Whether `archive` is the shipped sample, byte for byte."""
    listed = paths.inside(SAMPLE_DIGEST)
    folder = paths.inside(archive)
    if folder.resolve() != paths.inside(SAMPLE).resolve() or not listed.is_file():
        return False
    return outputs.digest(folder) == listed.read_text(encoding="utf-8").strip()


def _read(file: Path) -> bytes:
    if not file.exists():
        _make(file)
    mode = stat.S_IMODE(file.stat().st_mode)
    if mode & 0o077:
        raise PermissionError(
            f"{FILE} can be read by others (mode {mode:04o}); run: chmod 600 {FILE}"
        )
    return _decode(file.read_text(encoding="ascii", errors="replace"), FILE)


def _make(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    # Made with its final permissions (0600), and linked into place when it is whole: of two
    # processes one wins, and the other never reads half a key.
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    fresh = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(Fernet.generate_key())
        with contextlib.suppress(FileExistsError):
            file.hardlink_to(fresh)
    finally:
        fresh.unlink()


def _decode(text: str, source: str) -> bytes:
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

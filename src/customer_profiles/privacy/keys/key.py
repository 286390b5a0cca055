"""The project's key: pseudonyms that cannot be reversed without it, and sealed lines.

Ids of posts and authors are short and public, so a plain hash is reversed by hashing all ids.
Pseudonyms are therefore HMACs under a key that stays with the operator: CUSTOMER_PROFILES_KEY, or
data/secret.key, which is created when pages are pulled or collected and no key exists.
"""

import base64
import hashlib
import hmac
import re
import zlib
from collections.abc import Iterable, Mapping

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from customer_profiles.privacy.keys import keyfile
from customer_profiles.privacy.keys.keyfile import FILE, VARIABLE
from customer_profiles.project import files, paths

SAMPLE = "data/sample/x_archive"
SAMPLE_DIGEST = "data/sample/x_archive.sha256"

_LENGTH = 32
_TAG = 16  # of a sealed line: the fingerprint of its key
# Of every row: its associated data differ, and AES-GCM-SIV allows the repetition of a nonce.
_NONCE = bytes(12)
_WAY_OUT = (
    f"restore that key in {VARIABLE} or {FILE}, or run `dvc repro -f pull` to start anew with "
    "another one, under which what was erased is no longer known"
)
# Public on purpose: the shipped sample has no secrets, and its pseudonyms are the same everywhere.
_DEMONSTRATION = hashlib.sha256(b"the shipped sample of customer-profiles").digest()


class AnotherKey(PermissionError):
    """Error: a line or a row was sealed with another key."""


class Damaged(ValueError):
    """Error: a line or a row is not a sealed one, or was changed after sealing."""


class Key:
    """Pseudonyms, fingerprint, sealed lines and sealed rows under one key of 32 bytes."""

    def __init__(self, key: bytes):
        if len(key) != _LENGTH:
            raise ValueError(f"the project's key must have {_LENGTH} bytes, got {len(key)}")
        self._pseudonyms = _derive(key, b"pseudonyms")
        self._marks = _derive(key, b"tombstones")
        self._seal = Fernet(base64.urlsafe_b64encode(_derive(key, b"sealed lines")))
        self._rows = AESGCMSIV(_derive(key, b"sealed rows"))
        self._mark = bytes.fromhex(self.fingerprint())

    def pseudonym(self, kind: str, identifier: str) -> str:
        """32 hex digits for the id of a `kind` ("post", "author"), stable under the key."""
        return self._mac(f"{kind}:{identifier}")[:32]

    def pseudonyms(self, kind: str, identifiers: Iterable[str]) -> list[str]:
        """Pseudonyms of the `identifiers` of a `kind`, in their order."""
        return [self.pseudonym(kind, identifier) for identifier in identifiers]

    def mark(self, pseudonym: str) -> str:
        """Tombstone mark of an erased `pseudonym`: 32 hex digits.

        It is computed under a derived key: a tombstone must not point to a row in an older copy of
        the data.
        """
        return hmac.digest(self._marks, pseudonym.encode(), "sha256").hex()[:32]

    def fingerprint(self) -> str:
        """Fingerprint of the key: 16 hex digits that distinguish keys and do not reveal them."""
        return self._mac("fingerprint")[:16]

    def audience(self, archive: str) -> str:
        """Name of the database for an archive under this key: sample and real rows never mix."""
        return "audience_" + self._mac(f"audience:{archive}")[:12]

    def seal(self, line: bytes) -> bytes:
        """`line`, compressed and encrypted: ASCII without line ends, different at every call."""
        return self.fingerprint().encode() + self._seal.encrypt(zlib.compress(line))

    def unseal(self, token: bytes) -> bytes:
        """Line that `seal` made `token` of; a line end behind the token is ignored.

        Raises AnotherKey for a line of another key, and Damaged for a changed one.
        """
        token = token.rstrip(b"\r\n")
        tag, own = token[:_TAG], self.fingerprint()
        try:
            return zlib.decompress(self._seal.decrypt(token[_TAG:]))
        except InvalidToken:
            if tag == own.encode() or not re.fullmatch(rb"[0-9a-f]{%d}" % _TAG, tag):
                raise Damaged(
                    "a sealed line is damaged; restore the file from a copy if there is one"
                ) from None
        raise _another(tag.decode(), own)

    def seal_row(self, values: bytes, about: bytes) -> bytes:
        """`values`, encrypted for the row that `about` names; the same bytes at every call."""
        return self._mark + self._rows.encrypt(_NONCE, values, about)

    def unseal_row(self, sealed: bytes, about: bytes) -> bytes:
        """Values that `seal_row` encrypted for the row that `about` names.

        Raises AnotherKey for a row of another key, and Damaged for a changed one.
        """
        length = len(self._mark)
        if sealed[:length] != self._mark and len(sealed) > length:
            raise _another(sealed[:length].hex(), self.fingerprint())
        try:
            return self._rows.decrypt(_NONCE, sealed[length:], about)
        except (InvalidTag, ValueError):
            raise Damaged(
                "a sealed row is damaged: run `dvc repro -f score`, which makes the rows of the "
                "archive anew; a row of the stream comes from its pages, by `make repro "
                "X_ARCHIVE=data/collect/pages` as far as they are held, or from a copy of the "
                "database"
            ) from None

    def _mac(self, text: str) -> str:
        return hmac.new(self._pseudonyms, text.encode(), hashlib.sha256).hexdigest()


def open_key(archive: str, make: bool = False) -> Key:
    """Key for the pages in `archive` (a folder, as written in params.yaml).

    The shipped sample always gets the public demonstration key, any other archive never. With
    `make` a missing key is created. Raises FileNotFoundError for a missing key, ValueError for a
    key that cannot be read, PermissionError for one that other users can access.
    """
    if is_sample(archive):
        return demonstration_key()
    if make:
        keyfile.make()
    return _real(*keyfile.read())


def successor_key() -> Key:
    """Key that `keyfile.renew` will put in place."""
    return Key(keyfile.next_key())


def demonstration_key() -> Key:
    """Demonstration key of the shipped sample; its bytes are public."""
    return Key(_DEMONSTRATION)


def reopen_key(manifest: Mapping) -> Key:
    """Key that an archive was pulled with, as its `manifest` names it (data/raw).

    Creates no key. Raises the errors of `open_key`, and ValueError for another key.
    """
    fingerprint = manifest["key"]
    try:
        key = demonstration_key() if manifest["sample"] else _real(*keyfile.read())
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


def is_sample(archive: str) -> bool:
    """True if `archive` is the shipped sample, byte for byte."""
    listed = paths.inside(SAMPLE_DIGEST)
    folder = paths.inside(archive)
    if folder.resolve() != paths.inside(SAMPLE).resolve() or not listed.is_file():
        return False
    return files.digest(folder) == listed.read_text(encoding="utf-8").strip()


def _real(key: bytes, source: str) -> Key:
    if hmac.compare_digest(key, _DEMONSTRATION):
        raise ValueError(f"{source} holds the public demonstration key; it protects nobody")
    return Key(key)


def _another(theirs: str, own: str) -> AnotherKey:
    return AnotherKey(
        f"it was sealed with the key of fingerprint {theirs}, and this one's is {own}: restore "
        f"that key in {VARIABLE} or {FILE}, or repeat `customer-profiles rotate` if that was "
        "interrupted"
    )


def _derive(key: bytes, purpose: bytes) -> bytes:
    return HKDF(hashes.SHA256(), _LENGTH, salt=None, info=purpose).derive(key)

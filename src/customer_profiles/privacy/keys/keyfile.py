"""Key storage: CUSTOMER_PROFILES_KEY or data/secret.key, read, created and replaced."""

import base64
import contextlib
import logging
import os
import re
import stat

from cryptography.fernet import Fernet

from customer_profiles.project import files, paths

VARIABLE = "CUSTOMER_PROFILES_KEY"
FILE = "data/secret.key"
NEXT = "data/.secret.key.next"

logger = logging.getLogger(__name__)

_LONGEST = 1000  # bytes of a key file; a longer file is no key
_SET = f"set {VARIABLE}"


def read() -> tuple[bytes, str]:
    """Key of 32 bytes, and its source, VARIABLE or FILE.

    Raises FileNotFoundError for a missing key, ValueError for a key that cannot be read,
    PermissionError for one that other users can access.
    """
    key = os.environ.get(VARIABLE)
    if key is not None:
        return _decode(key, VARIABLE), VARIABLE
    return _decode(_read(FILE), FILE), FILE


def make() -> None:
    """Create data/secret.key, unless a key exists."""
    file = paths.inside(FILE)
    if VARIABLE in os.environ or os.path.lexists(file):
        return
    # Of two processes one succeeds, and the other never reads an incomplete key.
    with contextlib.suppress(FileExistsError):
        files.create(file, Fernet.generate_key())
        logger.warning(
            "made a key, %s: keep a copy in a safe place. Without it nothing held here can be "
            "matched with its author again, not even to erase it",
            FILE,
        )


def next_key() -> bytes:
    """Key that `renew` will put in place: created at the first call, unchanged until `renew`."""
    file = paths.inside(NEXT)
    with contextlib.suppress(FileExistsError):
        files.create(file, Fernet.generate_key())
    return _decode(_read(NEXT), NEXT)


def renew() -> bool:
    """Replace data/secret.key by a new key; False if the key comes from the environment."""
    if VARIABLE in os.environ:
        return False
    next_key()
    file, fresh = paths.inside(FILE), paths.inside(NEXT)
    for left in file.parent.glob(f".{file.name}.*"):
        if left != fresh:
            left.unlink()  # left by a killed process; may hold the old key
    files.move(fresh, file)
    return True


def _read(name: str) -> str:
    """Content of the key file, which only its owner may access; checked on the open file."""
    file = paths.inside(name)
    try:
        # Non-blocking, in case the file is a pipe.
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        raise FileNotFoundError(
            f"there is no key: {VARIABLE} is not set, and there is no {name}"
        ) from None
    except PermissionError:
        raise PermissionError(
            f"{name} cannot be read; run as its owner, who alone may (mode 0600)"
        ) from None
    except OSError as error:
        if file.is_symlink():
            raise ValueError(f"{name} is a link; put the key itself there, or {_SET}") from None
        raise OSError(f"{name} cannot be read ({error.strerror})") from None
    try:
        _guarded(os.fstat(handle), name)
        return os.read(handle, _LONGEST).decode("ascii", "replace")
    finally:
        os.close(handle)


def _guarded(status: os.stat_result, name: str) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise ValueError(f"{name} is no file; move it away and restore the key, or {_SET}")
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077:
        raise PermissionError(
            f"{name} can be read by others (mode {mode:04o}); run: chmod 600 {name}"
        )
    if status.st_uid != os.geteuid():
        raise PermissionError(
            f"{name} belongs to user {status.st_uid}, not to {os.geteuid()}, who runs this, and "
            "whoever owns it can change it: run as its owner, or give it to this user"
        )


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

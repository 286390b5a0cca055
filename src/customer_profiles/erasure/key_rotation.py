"""Key rotation: a new key, and removal of all data made under the old one.

It can be repeated after a crash, with an identical result.
"""

import logging
import os

from customer_profiles.collect.folder import PagesFolder
from customer_profiles.erasure import parquet_files
from customer_profiles.erasure.erasing import check_pages, clean_pages, page_files
from customer_profiles.erasure.held_data import close_journal, exclusive, open_loaded_or_chosen
from customer_profiles.posts import archive
from customer_profiles.posts.formats import containers, rewriting
from customer_profiles.privacy.keys import keyfile, tombstones
from customer_profiles.privacy.keys.key import (
    FILE,
    VARIABLE,
    AnotherKey,
    Key,
    is_sample,
    successor_key,
)
from customer_profiles.project import paths
from customer_profiles.publication import standing
from customer_profiles.store import connection, removal, schema, sealed_files
from customer_profiles.store.lease import leased
from customer_profiles.store.tombstones import united

logger = logging.getLogger(__name__)

NEW_KEY = (
    'python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"'
)


@exclusive()
def rotate() -> None:
    """Replace the key by a new one, and remove all data made under the old one.

    Erased data are first removed from the stored pages, because the new key cannot recognise them.
    Sealed pages are then resealed. Raises ValueError for the shipped sample, unless the key is that
    of the manifest, and for sealed pages whose key is in the environment; BlockingIOError while a
    collection runs.
    """
    folder = PagesFolder()
    with folder.single_run():
        _rotate(folder)


def _rotate(folder: PagesFolder) -> None:
    audience = open_loaded_or_chosen()
    if is_sample(audience.archive):
        raise ValueError(
            "the shipped sample has a public key, which is the same everywhere and stays; there "
            "is nothing in it to protect"
        )
    sealed = [file for file in page_files(audience) if containers.is_sealed(file)]
    if sealed and VARIABLE in os.environ:
        raise ValueError(
            f"sealed pages must be sealed anew, and the key is in {VARIABLE}: put it into "
            f"{FILE} (chmod 600), unset {VARIABLE} and run this again, then set it to "
            "what that file holds"
        )
    successor = successor_key() if sealed else audience.key
    unseal = _either(audience.key, successor)
    check_pages(audience, unseal)
    old = audience.key.fingerprint()
    with connection.database(audience.name) as database:
        schema.prepare(database)
        clean_pages(audience, united(database, old), unseal=unseal)
        with folder.exclusive():
            for file in sealed:
                lines = (
                    line.encode("utf-8", "surrogateescape") for line in archive.lines(file, unseal)
                )
                rewriting.rewrite(file, {None: lines}, successor.seal)
        with leased(database):
            # First: a load that waits for the lease must not bring the old key's rows back.
            for name in (connection.MANIFEST, connection.LOADED):
                paths.inside(name).unlink(missing_ok=True)
            database.client.drop_database(database)
        others = removal.audiences(database)
    close_journal(audience.name)
    parquet_files.remove()
    standing.withdraw()
    if keyfile.renew():
        # Only now: until then they are what keeps the erased out.
        tombstones.remove(old)
        logger.info("a new key is in %s: keep a copy in a safe place", FILE)
    else:
        logger.info(
            "the key comes from %s, so the rest is yours: put a new one there (`%s`), then remove "
            "%s/%s.txt, which says nothing under it",
            VARIABLE, NEW_KEY, tombstones.FOLDER, old,
        )  # fmt: skip
    if others:
        logger.warning(
            "databases of other archives stay (%s): drop those that were made under the old key, "
            "nobody can erase from them any more",
            ", ".join(each.name for each in others),
        )
    logger.info(
        "gone: the audience's database with its API tokens, the files in %s, the manifest. Copies "
        "of the pages elsewhere would bring back whom the old key erased. Now run "
        "`dvc repro -f pull && dvc repro`, then make new tokens",
        sealed_files.FOLDER,
    )


def _either(key: Key, following: Key) -> containers.Opener:
    """A function that unseals lines of either key: a rotation may have been interrupted."""

    def unseal(token: bytes) -> bytes:
        try:
            return key.unseal(token)
        except AnotherKey as error:
            try:
                return following.unseal(token)
            except AnotherKey:
                raise error from None

    return unseal

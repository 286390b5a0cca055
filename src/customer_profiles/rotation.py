"""Another key: all that was made under the old one goes.

It may be repeated after a crash, and ends the same then.
"""

import logging

from customer_profiles import paths, store, tables, tombstones, vault
from customer_profiles.audience import alone, close_journal, opened
from customer_profiles.erasure import clean_pages
from customer_profiles.store import remains, schema, server
from customer_profiles.store.lease import leased
from customer_profiles.store.tombstones import united

logger = logging.getLogger(__name__)

NEW_KEY = (
    'python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"'
)


@alone()
def rotate() -> None:
    """Put a new key in the place of the old one, and remove all that was made under the old one.

    What was erased is first taken out of the pages held: under the new key nobody can tell it.
    Raises ValueError for the shipped sample, and unless the key is that of the manifest.
    """
    held = opened(pulled=False)
    if vault.is_sample(held.archive):
        raise ValueError(
            "the shipped sample has a public key, which is the same everywhere and stays; there "
            "is nothing in it to protect"
        )
    old = held.key.fingerprint()
    with store.database(held.name) as database:
        schema.prepare(database)
        clean_pages(held, united(database, old))
        with leased(database):
            # First: a load that waits for the lease must not bring the old key's rows back.
            paths.inside(server.MANIFEST).unlink(missing_ok=True)
            database.client.drop_database(database)
        others = remains.audiences(database)
    close_journal(held.name)
    tables.remove()
    if vault.renew():
        # Only now: until then they are what keeps the erased out.
        tombstones.remove(old)
        logger.info("a new key is in %s: keep a copy in a safe place", vault.FILE)
    else:
        logger.info(
            "the key comes from %s, so the rest is yours: put a new one there (`%s`), then remove "
            "%s/%s.txt, which says nothing under it",
            vault.VARIABLE, NEW_KEY, tombstones.FOLDER, old,
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
        "`dvc repro -f pull && make repro`, then make new tokens",
        tables.FOLDER,
    )

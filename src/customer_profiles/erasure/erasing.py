"""Erasure and expiry: data of given people, or data that are too old, are removed everywhere.

Both can be repeated after a crash, with an identical result: tombstones are written first, and the
file of observations, which tells the touched profiles, is changed last.
"""

import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache, partial
from itertools import chain
from pathlib import Path

import pandas as pd

from customer_profiles.collect.folder import PAGES, PagesFolder
from customer_profiles.erasure import parquet_files, redaction
from customer_profiles.erasure.held_data import Audience, close_journal, exclusive, open_audience
from customer_profiles.posts import archive, places, retention
from customer_profiles.posts.formats import containers, rewriting
from customer_profiles.privacy.keys import tombstones
from customer_profiles.privacy.keys.key import is_sample
from customer_profiles.project import params, paths, vocabulary
from customer_profiles.publication import standing
from customer_profiles.store import (
    connection,
    profiles,
    publications,
    removal,
    schema,
    sealed_files,
)
from customer_profiles.store.tombstones import united

logger = logging.getLogger(__name__)

CACHED = 100_000  # names of which it is remembered whether they are erased
BEYOND = (
    "not reached: copies that lie elsewhere, of the pages, of data/ or of the database (backups, "
    "snapshots, another machine), and figures that were published before: in Git, the commits that "
    "`git log -- data/reports docs/results` lists; in DVC's cache and in MLflow, until "
    "`customer-profiles clean-former`"
)


def purge(kind: str, ids: Sequence[str], dry_run: bool = False) -> None:
    """Erase all data of these ids of X, all of one `kind` ("author", "post").

    Logs the number of erased records, never the ids. Raises ValueError for an invalid id, by its
    position.
    """
    check_ids(kind, ids, mapped=bool(params.stage("pull")["columns"]))
    purge_all({kind: ids}, dry_run)


@exclusive()
def purge_all(
    ids: Mapping[str, Sequence[str]], dry_run: bool = False, beside: Iterable[Path] = ()
) -> None:
    """Erase all data of ids of X, by their kind ("author", "post"), all at once.

    `beside` are files of pages to clean besides the stored ones. Logs the number of erased records,
    never the ids.
    """
    audience = open_audience()
    check_pages(audience, beside=beside)
    recipe = profiles.Recipe(audience.key, **params.stage("load"))
    pseudonyms = {kind: audience.key.pseudonyms(kind, some) for kind, some in ids.items()}
    posts, authors = pseudonyms.get("post", []), pseudonyms.get("author", [])
    marks = {audience.key.mark(name): kind for kind, names in pseudonyms.items() for name in names}
    fingerprint = audience.key.fingerprint()
    if not dry_run:
        tombstones.add(fingerprint, marks)
        logger.info("noted what to leave out from now on; should this stop, run it again")
    with connection.database(audience.name) as database:
        every = [database, *_others(database, posts, authors)]
        rows, people = _count_touched(every, posts, authors)
        if not dry_run:
            with _withdrawn(every if rows or people else []):
                for each in every:
                    schema.prepare(each)
                    marks |= united(each, fingerprint)
                    removal.erase(each, posts, authors, recipe)
            derived = profiles.read_profiles(database, audience.key)
            parquet_files.erase(posts, authors, derived, audience.key)
        named = frozenset((kind, number) for kind, some in ids.items() for number in some)
        marks |= tombstones.read(fingerprint)
        in_pages = clean_pages(audience, marks, named, dry_run, beside=beside)
    if not dry_run:
        close_journal(audience.name)
        tombstones.record(ids)
    k = params.shared(["k_anonymity"])["k_anonymity"]
    logger.info(
        "%s: %d posts in the database and its files, %d in pages; profiles touched: %s",
        "would be erased" if dry_run else "erased", rows, in_pages, vocabulary.at_least(people, k),
    )  # fmt: skip
    if not (rows or people or in_pages):
        logger.info("nothing was stored of them; posts of them that come later are left out")
    logger.info(BEYOND)
    _then_repro(dry_run, withdrawn=bool(rows or people))


@exclusive()
def expire(days: int | None = None, as_of: str | None = None, dry_run: bool = False) -> None:
    """Remove posts older than `days` days before `as_of`; defaults are in section shared.

    Raises ValueError for 0 days, for an invalid day, and the errors of `check_pages`.
    """
    shared = params.shared(["expire_days", "as_of"])
    days = shared["expire_days"] if days is None else days
    as_of = shared["as_of"] if as_of is None else as_of
    if days < 1:
        raise ValueError(
            f"nothing expires after {days} days; set expire_days in section shared of params.yaml, "
            "or give --days"
        )
    audience = open_audience()
    check_pages(audience)
    recipe = profiles.Recipe(audience.key, **params.stage("load"))
    with connection.database(audience.name) as database:
        if not dry_run:
            schema.prepare(database)
        both = (sealed_files.read, partial(profiles.read, database))
        rows = pd.concat([read("observations", audience.key)[["_id", "day"]] for read in both])
        rows = rows.drop_duplicates("_id")
        today = datetime.now(UTC).date()
        dated = rows.loc[~retention.in_future(rows["day"], today), "day"]
        first = retention.first_day(dated, days, as_of)
        old = rows[rows["day"] < first]
        if not dry_run:
            with _withdrawn([database] if len(old) else []):
                removal.expire(database, first, recipe)
            derived = profiles.read_profiles(database, audience.key)
            parquet_files.expire(first, derived, audience.key)
    in_pages = clean_pages(audience, {}, dry_run=dry_run, before=first)
    if not dry_run:
        close_journal(audience.name)
        tombstones.record(["expired"])
    logger.info(
        "%s: %d posts before %s in the database and its files, %d in pages",
        "would be removed" if dry_run else "removed", len(old), first or "any day", in_pages,
    )  # fmt: skip
    if {"expire_days": days, "as_of": as_of} != shared:
        logger.info(
            "set expire_days and as_of so in params.yaml too: else `dvc repro` takes in such posts "
            "that come later or that could not be removed"
        )
    _then_repro(dry_run, withdrawn=len(old) > 0)


@contextmanager
def _withdrawn(databases: Sequence) -> Iterator[None]:
    """Withdraw what was published from each of `databases`, and the reports, if there are any.

    Before the block, so that a kill in it leaves nothing published, and after it, because a run may
    have published meanwhile.
    """
    _withdraw(databases)
    yield
    _withdraw(databases)


def _withdraw(databases: Sequence) -> None:
    for database in databases:
        publications.withdraw(database)
    if databases:
        standing.withdraw()


def check_ids(kind: str, ids: Sequence[str], mapped: bool) -> None:
    """Raise ValueError for ids that X does not give; in a `mapped` table authors may have names."""
    if kind not in tombstones.KINDS:
        raise ValueError("the first argument must be author or post: the kind of the ids")
    if not ids:
        raise ValueError("no id was given; X's ids are digits, separated by blanks or lines")
    for place, number in enumerate(ids, 1):
        if mapped and number.strip():
            continue
        if not re.fullmatch(r"[1-9][0-9]{0,19}", number):
            raise ValueError(
                f"id number {place} of {len(ids)} is none: X's ids are 1 to 20 digits (a handle "
                "is not an id); nothing was done"
            )


def _others(database, posts: list[str], authors: list[str]) -> list:
    """Databases of other archives with data of these posts or authors.

    Databases without such data may belong to other projects.
    """
    return [
        each
        for each in removal.audiences(database)
        if removal.authors_by_post(each, posts, authors) or removal.with_profile(each, authors)
    ]


def _count_touched(every: Sequence, posts: list[str], authors: list[str]) -> tuple[int, int]:
    """Numbers of posts and profiles, in databases and files, that an erasure touches."""
    rows = sealed_files.read_sealed("observations")
    rows = rows[rows["_id"].isin(posts) | rows["author"].isin(authors)]
    of_post = dict(zip(rows["_id"], rows["author"], strict=True))
    for database in every:
        of_post |= removal.authors_by_post(database, posts, authors)
    touched = {*authors, *of_post.values()}
    people = touched & set(sealed_files.read_sealed("profiles")["_id"])
    for database in every:
        people |= removal.with_profile(database, sorted(touched))
    return len(of_post), len(people)


def page_files(audience: Audience, beside: Iterable[Path] = ()) -> list[Path]:
    """Files with pages of X, each once: the archive's, the collected ones and `beside`."""
    try:
        files = archive.files(paths.inside(audience.archive))
    except FileNotFoundError:
        logger.warning("there are no pages in %s any more", audience.archive)
        files = []
    every = [*files, *PagesFolder().sealed_files(), *beside]
    return list({file.resolve(): file for file in every}.values())


def check_pages(
    audience: Audience, unseal: containers.Opener | None = None, beside: Iterable[Path] = ()
) -> None:
    """Read all pages to their ends, and warn of what lies beside them and is not reached.

    The arguments are as in `clean_pages`. Raises ValueError for a file that may hold posts and
    cannot be read, and the errors of unsealing.
    """
    if is_sample(audience.archive):
        return
    columns, beside_them = params.stage("pull")["columns"], []
    with PagesFolder().exclusive():
        for file in page_files(audience, beside):
            try:
                beside_them += places.unreached(file, unseal or audience.key.unseal, columns)
            except containers.Unreadable as error:
                raise ValueError(
                    f"{error}. Nothing was erased: posts in it would stay. Unpack or repair the "
                    "file, or take it out of the archive, then run this again"
                ) from None
    for sentence in archive.outside(paths.inside(audience.archive)) + beside_them:
        logger.warning("not reached: %s", sentence)


def clean_pages(
    audience: Audience,
    marks: Mapping[str, str],
    named: redaction.Names = frozenset(),
    dry_run: bool = False,
    unseal: containers.Opener | None = None,
    beside: Iterable[Path] = (),
    before: str = "",
) -> int:
    """Remove the data of `marks` and of `named` from the pages; return the number of posts.

    Also removed are posts of days before the day `before`. `unseal` opens sealed pages; the default
    is the key of `audience`, which seals them again. `beside` is as in `page_files`.
    """
    if is_sample(audience.archive):
        logger.info(
            "the pages are the shipped sample, whose people are invented; they stay as they are, "
            "for their bytes prove that they are the sample"
        )
        if PagesFolder().sealed_files():
            logger.warning(
                "not reached: %s and its database, which have another key than the sample; set "
                "pull.archive to it, run `make repro`, then this again",
                PAGES,
            )
        return 0
    opener = unseal or audience.key.unseal

    @lru_cache(CACHED)
    def is_erased(kind: str, number: str) -> bool:
        return audience.key.mark(audience.key.pseudonym(kind, number)) in marks

    with PagesFolder().exclusive():
        files = page_files(audience, beside)
        columns = params.stage("pull")["columns"]
        read = partial(
            places.of_file, unseal=opener, columns=columns, owners=places.owners_in(files)
        )
        every = chain.from_iterable(map(read, files))
        erased = redaction.find(every, is_erased, named, before)
        posts = 0
        for file in files:
            changed = set()
            for place in read(file):
                kept, removed = redaction.redacted(place, erased)
                posts += removed
                if kept != (
                    containers.DAMAGED_LINE if place.piece.raw is None else place.piece.raw
                ):
                    changed.add(place.part.member)
            if changed and not dry_run:
                contents = {
                    member: _left(read(file, members=[member]), erased) for member in changed
                }
                rewriting.rewrite(file, contents, audience.key.seal)
    return posts


def _left(kept: Iterable[places.Place], erased: redaction.Names) -> Iterator[bytes]:
    return (redaction.redacted(place, erased)[0] for place in kept)


def _then_repro(dry_run: bool, withdrawn: bool) -> None:
    if withdrawn:
        logger.info("what is published %s withdrawn", "would be" if dry_run else "was")
    if not dry_run:
        logger.info("run `dvc repro`, which publishes what is left")

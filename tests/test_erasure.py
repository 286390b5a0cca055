"""What somebody left is gone from pages, files and database, and stays gone; time and keys too."""

import base64
import gzip
import io
import json
import os
import shutil
import sys
import time
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pymongo.monitoring
import pytest

from customer_profiles import (
    archive,
    audience,
    erasure,
    observations,
    outputs,
    params,
    rotation,
    store,
    tables,
    tombstones,
    vault,
)
from customer_profiles.store import lease, loading, profiles, publications, remains, schema, server
from customer_profiles.store.__main__ import main
from customer_profiles.store.lease import leased

ROOT = Path(__file__).parents[1]
PAGES = "pages"
KEY = bytes(range(100, 132))
IDS = {"ann": "9000000000000000070", "bob": "9000000000000000080", "cy": "9000000000000000090"}
POSTS = {
    "9000000000000000011": ("ann", "2026-05-01", "the crumble is divine"),
    "9000000000000000012": ("ann", "2026-05-04", "lukewarm tea, again"),
    "9000000000000000021": ("bob", "2026-05-02", "never again"),
    "9000000000000000022": ("bob", "2026-05-05", "well, perhaps once more"),
    "9000000000000000031": ("cy", "2026-05-06", "first in the queue"),
}
FIRST = next(iter(POSTS))
"""A post of ann's."""


def page(names, posts=POSTS):
    """A page of these people's `posts`, bytes as X sends them."""
    told = [
        {"id": post, "author_id": IDS[who], "text": text, "created_at": f"{day}T10:00:00.000Z"}
        for post, (who, day, text) in posts.items()
        if who in names
    ]
    users = [{"id": IDS[name], "username": f"{name}_handle", "name": name} for name in names]
    page = {"data": told, "includes": {"users": users}}
    return json.dumps(page, separators=(",", ":")) + "\n"


def torn(text):
    """Gzip of `text`, of which the end is lost."""
    return gzip.compress(text.encode() + os.urandom(3000), mtime=0)[:-200]


def write_pages(folder, names, posts=POSTS):
    folder.mkdir(exist_ok=True)
    (folder / "1.jsonl").write_text("\ufeff" + page(names, posts) + page(["cy"], posts))
    single = page([name for name in names if name == "bob"], posts)
    (folder / "2.json").write_text(single)
    with (folder / "3.jsonl.gz").open("wb") as file, gzip.GzipFile("", "wb", 9, file, 0) as packed:
        packed.write((page(names, posts) + "{torn").encode())


def load(days=0):
    """What the stage load does."""
    key, grid = vault.Vault(KEY), profiles.Grid(**params.stage("load"))
    return loading.load(
        key.audience(PAGES), tables.path("observations"), grid, key,
        days=days, as_of="", today=datetime.now(UTC).date(),
    )  # fmt: skip


def run_stages(project):
    """What pull to publish do, but for models and figures."""
    folder = project / PAGES
    key = vault.open_vault(PAGES, make=True)
    manifest = {"audience": key.audience(PAGES), "key": key.fingerprint()}
    outputs.write_json(project / server.MANIFEST, manifest)
    held = archive.read(folder)
    posts = held.posts.assign(
        _id=key.pseudonyms("post", held.posts["post_id"]),
        author=key.pseudonyms("author", held.posts["author_id"]),
    )
    posts = observations.living(posts, tombstones.read(key.fingerprint()), key.mark)
    # A number that only the post decides stands for the model.
    polarity = np.array([int(post[-2:]) / 100 for post in posts["post_id"]])
    section = params.stage("score")
    rows = observations.build(
        posts, held.authors,
        observations.Scores(polarity, polarity, np.full(len(posts), "neutral")),
        posts["_id"], dict(zip(posts["author_id"], posts["author"], strict=True)),
        section, "0" * 16,
    )  # fmt: skip
    processed = project / tables.FOLDER
    outputs.write_parquet(processed / "observations.parquet", rows)
    people = load().profiles
    assigned = people[["_id"]].assign(cluster=0)
    with server.database(manifest["audience"]) as database:
        publications.publish(database, {"_id": "0" * 16, **PUBLISHED}, assigned.assign(cell="0"))
    outputs.write_parquet(processed / "profiles.parquet", people)
    outputs.write_parquet(processed / "assignments.parquet", assigned)


PUBLISHED = {
    "summary": {}, "segments": [], "cells": [], "mood_daily": [], "certificate": {},
    "provenance": {},
}  # fmt: skip


@pytest.fixture(autouse=True)
def listening(caplog):
    caplog.set_level("INFO")


@pytest.fixture
def empty(project, mongodb, monkeypatch):
    """A project with a key and parameters, and a server for its databases."""
    monkeypatch.setattr(lease, "SECONDS", 0.3)  # of whoever was killed
    monkeypatch.setenv(server.VARIABLE, mongodb)
    (project / "data").mkdir()
    shutil.copyfile(ROOT / "params.yaml", project / "params.yaml")
    (project / PAGES).mkdir()
    params.change(project / "params.yaml", {"pull.archive": PAGES, "profile": "quick"})
    (project / vault.FILE).write_bytes(base64.urlsafe_b64encode(KEY))
    (project / vault.FILE).chmod(0o600)
    yield project
    with pymongo.MongoClient(mongodb) as client:
        client.drop_database(vault.Vault(KEY).audience(PAGES))


@pytest.fixture
def held(empty):
    """A project that holds what ann, bob and cy wrote."""
    write_pages(empty / PAGES, ["ann", "bob", "cy"])
    run_stages(empty)
    return empty


def database_of(project):
    return server.database(vault.Vault(KEY).audience(PAGES))


def rows_of(project):
    """Every row of every collection but the publication's, by collection."""
    with database_of(project) as database:
        return {
            name: list(database[name].find().sort("_id"))
            for name in (*remains.ABOUT_PEOPLE, "tombstones", "state")
        }


def files_of(project):
    files = (path for path in project.rglob("*") if path.is_file())
    return {path.relative_to(project).as_posix(): path.read_bytes() for path in files}


def tables_of(project):
    return [pd.read_parquet(file) for file in sorted((project / tables.FOLDER).iterdir())]


def everything(project):
    return files_of(project), rows_of(project)


def restore(project, files, rows=()):
    for path in project.rglob("*"):
        if path.is_file() and path.relative_to(project).as_posix() not in files:
            path.unlink()
    for name, content in files.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_bytes(content)
    if rows:
        with database_of(project) as database:
            schema.prepare(database)
            for name, kept in rows.items():
                database[name].delete_many({})
                if kept:
                    database[name].insert_many(kept)


def traces(project, *needles):
    """Files in which any of `needles` stands, unpacked where they are packed, and collections."""
    files, rows = everything(project)
    for name, content in files.items():
        if name.endswith(".parquet"):
            files[name] = pd.read_parquet(io.BytesIO(content)).to_csv().encode()
        elif name.endswith(".gz"):
            files[name] = gzip.decompress(content)
    texts = {**files, **{name: json.dumps(held).encode() for name, held in rows.items()}}
    found = {name for name, text in texts.items() if any(n.encode() in text for n in needles)}
    return sorted(found)


def left_by(name):
    """Everything that only `name` can have left: ids, handle, texts, pseudonyms."""
    key = vault.Vault(KEY)
    posts = {post: text for post, (who, _, text) in POSTS.items() if who == name}
    author = key.pseudonym("author", IDS[name])
    return [IDS[name], f"{name}_handle", author, *posts, *posts.values(),
            *key.pseudonyms("post", posts)]  # fmt: skip


def purge(*arguments):
    assert main(["purge", *arguments]) == 0


PLACES = [
    "assignments", "data/processed/assignments.parquet", "data/processed/observations.parquet",
    "data/processed/profiles.parquet", "observations", f"{PAGES}/1.jsonl", f"{PAGES}/3.jsonl.gz",
    "profiles",
]  # fmt: skip


def test_an_erased_author_is_gone_from_everywhere(held):
    assert traces(held, *left_by("ann")) == PLACES
    purge("author", IDS["ann"])
    assert traces(held, *left_by("ann")) == []
    assert len(traces(held, *left_by("bob"))) == len(PLACES) + 1


def test_what_is_left_is_what_there_would_be_without_the_erased(held):
    purge("author", IDS["ann"])
    files, rows = everything(held)
    tables = tables_of(held)
    write_pages(held / PAGES, ["bob", "cy"])
    run_stages(held)
    wanted, wanted_rows = everything(held)
    assert rows == wanted_rows
    assert files.keys() == wanted.keys()
    assert [name for name in files if files[name] != wanted[name]] in (
        [],
        ["data/processed/observations.parquet"],  # pandas notes how texts were held
    )
    for table, other in zip(tables, tables_of(held), strict=True):
        pd.testing.assert_frame_equal(table, other)


def test_an_erased_post_is_gone_and_its_authors_profile_derived_anew(held):
    key = vault.Vault(KEY)
    author = key.pseudonym("author", IDS["ann"])
    before = {row["_id"]: row for row in rows_of(held)["profiles"]}
    purge("post", FIRST)
    rows = rows_of(held)
    after = {row["_id"]: row for row in rows["profiles"]}
    assert before.keys() == after.keys()
    assert (before[author]["posts"], after[author]["posts"]) == (1, 0)
    assert author not in {row["_id"] for row in rows["assignments"]}
    assert traces(held, FIRST, POSTS[FIRST][2], key.pseudonym("post", FIRST)) == []
    assert f"{PAGES}/1.jsonl" in traces(held, "ann_handle")
    kept = {post: told for post, told in POSTS.items() if post != FIRST}
    files = files_of(held)
    write_pages(held / PAGES, ["ann", "bob", "cy"], kept)
    assert {name: files_of(held)[name] for name in files if name.startswith(PAGES)} == {
        name: content for name, content in files.items() if name.startswith(PAGES)
    }
    people = pd.read_parquet(held / "data/processed/profiles.parquet")
    assert sorted(people["_id"]) == sorted(after)
    assert people.set_index("_id").loc[author, "posts"] == 0


def test_a_streams_post_is_erased_with_its_author(held, observe):
    key = vault.Vault(KEY)
    live = observe({"_id": "live", "author": "ann", "origin": "stream"})
    live = live.assign(author=key.pseudonym("author", IDS["ann"]))
    with database_of(held) as database:
        database.observations.insert_many(live.to_dict("records"))
    purge("author", IDS["ann"])
    assert {row["origin"] for row in rows_of(held)["observations"]} == {"archive"}


def test_it_is_erased_from_the_databases_of_other_archives_under_the_key_too(held):
    other = vault.Vault(KEY).audience("another archive")
    with database_of(held) as database:
        try:
            for name in remains.ABOUT_PEOPLE:
                database.client[other][name].insert_many(list(database[name].find()))
            purge("author", IDS["ann"])
            found = {
                name: list(database.client[other][name].find()) for name in remains.ABOUT_PEOPLE
            }
        finally:
            database.client.drop_database(other)
    assert len(found["observations"]) == 3
    assert vault.Vault(KEY).pseudonym("author", IDS["ann"]) not in str(found)


def test_the_erased_do_not_come_back_with_a_copy_of_the_pages(held):
    copy = {name: text for name, text in files_of(held).items() if name.startswith(PAGES)}
    purge("author", IDS["ann"])
    purge("post", "9000000000000000021")
    before = rows_of(held)
    restore(held, {**files_of(held), **copy})
    run_stages(held)
    after = rows_of(held)
    assert after["observations"] == before["observations"]
    assert after["profiles"] == before["profiles"]
    assert [name for name in traces(held, *left_by("ann")) if not name.startswith(PAGES)] == []
    # Whatever is erased next, they are taken out of the copy too.
    purge("post", "9000000000000000031")
    assert traces(held, *left_by("ann")) == []


@pytest.mark.parametrize("lost", ["database", "file"])
def test_the_erased_do_not_come_back_where_database_or_file_are_lost(held, lost):
    copy = {name: text for name, text in files_of(held).items() if name.startswith(PAGES)}
    purge("author", IDS["ann"])
    before = rows_of(held)["observations"]
    if lost == "file":
        shutil.rmtree(held / tombstones.FOLDER)
    else:
        with database_of(held) as database:
            database.client.drop_database(database)
    restore(held, {**files_of(held), **copy})
    run_stages(held)
    assert rows_of(held)["observations"] == before
    assert len(rows_of(held)["tombstones"]) == 1
    assert len(tombstones.read(vault.Vault(KEY).fingerprint())) == 1


def test_erasing_again_changes_nothing(held):
    purge("author", IDS["ann"])
    before = everything(held)
    purge("author", IDS["ann"])
    assert everything(held) == before


def test_what_an_emptied_database_does_not_hold_is_erased_from_the_files(held):
    with database_of(held) as database:
        database.client.drop_database(database)
    purge("author", IDS["ann"])
    assert traces(held, *left_by("ann")) == []
    people = pd.read_parquet(held / "data/processed/profiles.parquet")
    assert len(people) == 2


class Killer(pymongo.monitoring.CommandListener):
    """Ends this process, as a kill does, before its nth change of a file or a database."""

    CHANGES = ("delete", "dropDatabase", "insert", "update")

    def __init__(self, step):
        self.left = step
        pymongo.monitoring.register(self)
        sys.addaudithook(self.audit)

    def count(self):
        self.left -= 1
        if self.left < 0:
            os._exit(9)

    def audit(self, event, arguments):
        if event in ("os.rename", "os.remove"):
            self.count()

    def started(self, event):
        merges = "$merge" in str(event.command.get("pipeline"))
        if event.command_name in self.CHANGES or merges:
            self.count()

    def succeeded(self, event):
        pass

    failed = succeeded


def killed(action, step):
    """Whether `action`, in a process of its own, was killed at its `step`."""
    child = os.fork()
    if not child:
        Killer(step)
        code = 1
        try:
            action()
            code = 0
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 9)
    return code == 9


def killed_at_every_step(project, action):
    """Number of steps of `action`: killed at each and repeated, it leaves what it leaves alone."""
    before = everything(project)
    action()
    wanted = everything(project)
    assert wanted != before
    for step in range(100):
        restore(project, *before)
        if not killed(action, step):
            return step
        action()
        assert everything(project) == wanted
    raise AssertionError("it does not end")


def test_an_erasure_killed_at_any_step_can_be_repeated(held):
    assert killed_at_every_step(held, lambda: erasure.purge("author", [IDS["ann"]])) > 12


def test_a_dry_run_says_how_much_is_held_and_changes_nothing(held, caplog):
    before = everything(held)
    purge("--dry-run", "author", IDS["ann"], IDS["bob"])
    assert everything(held) == before
    told = "would be erased: 4 posts in the database and its files, 10 in pages"
    assert f"{told}; profiles touched: <10" in caplog.text
    assert "not reached: copies that lie elsewhere" in caplog.text
    purge("author", IDS["ann"], IDS["bob"])
    assert f"{told.removeprefix('would be ')}; profiles touched: <10" in caplog.text
    assert "run `make repro`, so that clusters and figures follow" in caplog.text


def test_nothing_that_is_said_repeats_an_id(held, caplog, capfd):
    purge("author", IDS["ann"])
    purge("post", *POSTS)
    purge("--dry-run", "post", *POSTS)
    assert main(["purge", "post", FIRST, "12a", IDS["bob"]]) == 1
    assert main(["purge", FIRST, "author"]) == 1
    said = caplog.text + "".join(capfd.readouterr())
    ids = [*IDS.values(), *POSTS, "12a"]
    key = vault.Vault(KEY)
    made = [key.pseudonym(kind, number) for kind in tombstones.KINDS for number in ids]
    made += [key.mark(pseudonym) for pseudonym in made]
    assert [text for text in (*ids, *made) if text in said] == []


def test_an_id_that_is_none_is_refused_by_its_place_and_nothing_is_erased(held, caplog):
    before = everything(held)
    for given in ("12a", "@ann", "-1", "012", "0", "1.0", "٣٤", "1" * 21):
        assert main(["purge", "author", IDS["ann"], "--", given]) == 1
        assert "id number 2 of 2 is none: X's ids are 1 to 20 digits" in caplog.text
        caplog.clear()
    assert everything(held) == before


def test_ids_are_read_from_standard_input(held, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{IDS['ann']}\n{IDS['bob']} \n\n"))
    purge("author", "-")
    assert traces(held, *left_by("ann"), *left_by("bob")) == []
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert main(["purge", "author", "-"]) == 1


def test_the_help_says_why_not_on_the_command_line(capsys):
    with pytest.raises(SystemExit):
        main(["purge", "--help"])
    assert "history" in capsys.readouterr().out


def test_who_is_not_held_stays_out_when_they_come(held, caplog):
    write_pages(held / PAGES, ["bob", "cy"])
    run_stages(held)
    files = files_of(held)
    purge("author", IDS["ann"])
    assert "nothing of them was held; what comes of them later is left out" in caplog.text
    assert {name: files_of(held)[name] for name in files} == files
    write_pages(held / PAGES, ["ann", "bob", "cy"])
    run_stages(held)
    assert traces(held, *left_by("ann")) == [f"{PAGES}/1.jsonl", f"{PAGES}/3.jsonl.gz"]


def test_an_erasure_needs_the_key_and_makes_none(held, caplog):
    (held / vault.FILE).unlink()
    before = everything(held)
    assert main(["purge", "author", IDS["ann"]]) == 1
    assert main(["rotate"]) == 1
    fingerprint = vault.Vault(KEY).fingerprint()
    assert caplog.text.count(f"with the key of fingerprint {fingerprint}: restore") == 2
    assert everything(held) == before


def test_another_key_or_archive_than_the_manifests_is_refused(held, caplog, monkeypatch):
    before = everything(held)
    monkeypatch.setenv(vault.VARIABLE, base64.urlsafe_b64encode(bytes(32)).decode())
    for command in (["purge", "author", IDS["ann"]], ["rotate"], ["expire", "--days", "1"]):
        assert main(command) == 1
        assert "the key is not the one the archive was pulled with" in caplog.text
        caplog.clear()
    assert everything(held) == before
    monkeypatch.delenv(vault.VARIABLE)
    (held / "others").mkdir()
    params.change(held / "params.yaml", {"pull.archive": "others"})
    assert main(["purge", "author", IDS["ann"]]) == 1
    assert "manifest.json is of another archive than pull.archive in params.yaml" in caplog.text


def test_before_anything_is_pulled_nothing_is_held(empty, caplog):
    assert main(["purge", "author", IDS["ann"]]) == 1
    assert "nothing was pulled yet" in caplog.text


def test_pages_that_are_gone_are_no_obstacle(held, caplog):
    shutil.rmtree(held / PAGES)
    purge("author", IDS["ann"])
    assert "there are no pages in pages any more" in caplog.text
    assert traces(held, *left_by("ann")) == []


def test_the_pages_of_the_shipped_sample_stay_and_the_tombstone_counts(empty, caplog):
    sample = empty / vault.SAMPLE
    shutil.copytree(ROOT / vault.SAMPLE, sample)
    shutil.copy(ROOT / vault.SAMPLE_DIGEST, empty / vault.SAMPLE_DIGEST)
    params.change(empty / "params.yaml", {"pull.archive": vault.SAMPLE})
    key = vault.open_vault(vault.SAMPLE)
    name = key.audience(vault.SAMPLE)
    manifest = {"audience": name, "key": key.fingerprint()}
    outputs.write_json(empty / server.MANIFEST, manifest)
    someone = "9100587676928708101"
    try:
        purge("author", someone)
    finally:
        with server.database(name) as database:
            database.client.drop_database(name)
    assert "the shipped sample, whose people are invented; they stay as they are" in caplog.text
    assert vault.is_sample(vault.SAMPLE)
    mark = key.mark(key.pseudonym("author", someone))
    assert tombstones.read(key.fingerprint()) == {mark: "author"}
    assert main(["rotate"]) == 1
    assert "the shipped sample has a public key" in caplog.text


def test_a_file_of_pages_keeps_its_mode_and_a_link_is_followed(held):
    held.joinpath(PAGES, "1.jsonl").chmod(0o600)
    held.joinpath(PAGES, "3.jsonl.gz").rename(held / "elsewhere.jsonl.gz")
    held.joinpath(PAGES, "3.jsonl.gz").symlink_to(held / "elsewhere.jsonl.gz")
    purge("author", IDS["ann"])
    assert held.joinpath(PAGES, "1.jsonl").stat().st_mode & 0o777 == 0o600
    assert held.joinpath(PAGES, "3.jsonl.gz").is_symlink()
    assert traces(held, *left_by("ann")) == []


def test_what_a_torn_file_still_shows_is_erased_too(held):
    file = held / PAGES / "4.jsonl.gz"
    noise = "".join(map(chr, np.random.default_rng(1).integers(97, 123, 90_000)))
    whole = (page(["bob"]) + f'{{"data":[{{"id":"{FIRST}","text":"{noise}').encode()
    file.write_bytes(gzip.compress(whole)[:-50])
    assert main(["purge", "post", FIRST]) == 0
    assert gzip.decompress(file.read_bytes()).decode() == page(["bob"])


@contextmanager
def waiting(project, caplog, action):
    """`action` at work in a thread, waiting to write; its future, done after the block."""
    caplog.clear()
    with ThreadPoolExecutor(1) as pool:
        with database_of(project) as database, leased(database):
            future = pool.submit(action)
            for _ in range(500):
                if "waiting for it" in caplog.text or future.done():
                    break
                time.sleep(0.01)
            yield future
        wait([future])


def test_who_is_erased_while_a_load_waits_does_not_come_back_with_it(held, caplog):
    key = vault.Vault(KEY)
    mark = key.mark(key.pseudonym("author", IDS["ann"]))
    with waiting(held, caplog, load) as loaded:
        tombstones.add(key.fingerprint(), {mark: "author"})
    assert loaded.result().observations == 3
    assert key.pseudonym("author", IDS["ann"]) not in str(rows_of(held)["observations"])


def test_a_load_that_waits_for_a_change_of_key_brings_nothing_back(held, caplog):
    with waiting(held, caplog, load) as loaded:
        (held / server.MANIFEST).unlink()
        with database_of(held) as database:
            database.client.drop_database(database)
    with pytest.raises(store.StoreError, match="nothing was pulled yet"):
        loaded.result()
    assert rows_of(held)["observations"] == []


def test_a_change_of_key_waits_for_who_writes(held, caplog):
    with waiting(held, caplog, rotation.rotate) as rotated:
        assert not rotated.done()
        assert len(rows_of(held)["observations"]) == 5
    rotated.result()
    assert rows_of(held)["observations"] == []


def test_a_publication_from_before_an_erasure_brings_nobody_back(held):
    assigned = pd.read_parquet(tables.path("assignments")).assign(cell="0")
    purge("author", IDS["ann"])
    before = rows_of(held)
    with database_of(held) as database:
        with pytest.raises(store.StoreError, match="erased, or have expired, since"):
            publications.publish(database, {"_id": "1" * 16, **PUBLISHED}, assigned)
        assert publications.current(database)["_id"] == "0" * 16
    assert rows_of(held) == before


def test_a_publication_waits_for_who_writes(held, caplog):
    people = pd.read_parquet(tables.path("assignments")).assign(cell="0")

    def publish():
        with database_of(held) as database:
            publications.publish(database, {"_id": "1" * 16, **PUBLISHED}, people)

    with waiting(held, caplog, publish) as published:
        assert not published.done()
    published.result()
    with database_of(held) as database:
        assert publications.current(database)["_id"] == "1" * 16


def test_erasures_are_done_one_after_the_other(held):
    with ThreadPoolExecutor(1) as pool:
        with audience.alone():
            purged = pool.submit(purge, "author", IDS["ann"])
            assert wait([purged], 0.5).not_done
            assert traces(held, *left_by("ann")) == PLACES
        purged.result()
    assert traces(held, *left_by("ann")) == []


def expire(*arguments):
    assert main(["expire", *arguments]) == 0


def days_of(project):
    return sorted({row["day"][-2:] for row in rows_of(project)["observations"]})


def test_what_is_too_old_goes_from_database_and_files(held, caplog):
    key = vault.Vault(KEY)
    cy, ann = (key.pseudonym("author", IDS[name]) for name in ("cy", "ann"))
    expire("--days", "1", "--dry-run")
    assert "would be removed: 3 posts before 2026-05-05" in caplog.text
    assert days_of(held) == ["01", "02", "04", "05", "06"]
    expire("--days", "1")
    assert "removed: 3 posts before 2026-05-05" in caplog.text
    assert "set expire_days and as_of so in params.yaml too" in caplog.text
    rows = rows_of(held)
    assert days_of(held) == ["05", "06"]
    assert {row["posts"] for row in rows["profiles"]} == {0}
    assert traces(held, ann) == []
    assert len(traces(held, cy)) == 6
    assert [len(table) for table in tables_of(held)] == [2, 2, 2]


def test_what_expired_is_what_score_would_leave_out(held):
    expire("--days", "2", "--as-of", "2026-05-06")
    found = tables_of(held)
    rows = found[1]
    assert sorted(rows["day"]) == ["2026-05-04", "2026-05-05", "2026-05-06"]
    with database_of(held) as database:
        before = profiles.read_profiles(database)
        loading.update(database, tables.path("observations"), profiles.Grid(**params.stage("load")))
        pd.testing.assert_frame_equal(profiles.read_profiles(database), before)
    pd.testing.assert_frame_equal(found[2], before)


OWN = "expire_days: 3\n  as_of: '2026-05-08'"


def test_days_and_day_come_from_the_parameters(held, caplog):
    assert main(["expire"]) == 1
    assert "set expire_days in section shared of params.yaml, or give --days" in caplog.text
    file = held / "params.yaml"
    file.write_text(file.read_text().replace("expire_days: 0\n  as_of: ''", OWN))
    expire()
    assert days_of(held) == ["05", "06"]
    assert "in params.yaml too" not in caplog.text


def test_a_streams_posts_expire_and_one_of_the_future_makes_nothing_old(held, observe):
    live = observe(
        {"_id": "old", "author": "dan", "day": "2026-04-01", "origin": "stream"},
        {"_id": "odd", "author": "eve", "day": "2099-01-01", "origin": "stream"},
    )
    with database_of(held) as database:
        database.observations.insert_many(live.to_dict("records"))
    expire("--days", "4")
    days = sorted(row["day"] for row in rows_of(held)["observations"])
    assert days == ["2026-05-02", "2026-05-04", "2026-05-05", "2026-05-06", "2099-01-01"]


def test_a_load_counts_the_days_back_from_the_newest_of_file_and_stream(held, observe):
    assert load(days=3).observations == 3
    assert days_of(held) == ["04", "05", "06"]
    live = observe({"_id": "live", "author": "dan", "day": "2026-05-08", "origin": "stream"})
    with database_of(held) as database:
        database.observations.insert_many(live.to_dict("records"))
    assert load(days=3).observations == 3
    assert days_of(held) == ["05", "06", "08"]


def test_a_day_that_is_none_is_refused(held, caplog):
    before = everything(held)
    for day in ("soon", "2026-02-30"):
        assert main(["expire", "--days", "3", "--as-of", day]) == 1
        assert "as_of is a day like 2026-06-30" in caplog.text
        caplog.clear()
    assert everything(held) == before


def test_a_new_key_leaves_nothing_of_the_old_one(held, caplog):
    copy = held.joinpath(PAGES, "1.jsonl").read_bytes()
    purge("author", IDS["ann"])
    held.joinpath(PAGES, "5.jsonl").write_bytes(copy)
    assert main(["rotate"]) == 0
    assert traces(held, *left_by("ann")) == []
    key = vault.open_vault(PAGES)
    assert key.fingerprint() != vault.Vault(KEY).fingerprint()
    names = [name for name in files_of(held) if name.startswith("data/")]
    assert names == ["data/secret.key", "data/tombstones/.lock"]
    assert (held / vault.FILE).stat().st_mode & 0o777 == 0o600
    with database_of(held) as database:
        assert database.name not in database.client.list_database_names()
    assert "Copies of the pages elsewhere would bring back" in caplog.text
    assert "`dvc repro -f pull && make repro`" in caplog.text


def test_a_key_from_the_environment_is_left_to_whoever_set_it(held, caplog, monkeypatch):
    purge("author", IDS["ann"])
    monkeypatch.setenv(vault.VARIABLE, (held / vault.FILE).read_text())
    assert main(["rotate"]) == 0
    assert "the key comes from CUSTOMER_PROFILES_KEY, so the rest is yours" in caplog.text
    # Until there is another key they keep the erased out.
    assert len(tombstones.read(vault.Vault(KEY).fingerprint())) == 1
    assert not (held / server.MANIFEST).exists()


def test_a_change_of_key_killed_at_any_step_can_be_repeated(held):
    erasure.purge("author", [IDS["ann"]])
    held.joinpath(PAGES, "5.jsonl").write_text(page(["ann", "bob"]))
    files, rows = everything(held)
    for step in range(100):
        restore(held, files, rows)
        ended = not killed(rotation.rotate, step)
        # Whatever the moment: who was erased is known, or is not held any more.
        known = (held / tombstones.FOLDER).glob("*.txt")
        assert any(known) or traces(held, *left_by("ann")) == []
        if ended:
            break
        rotation.rotate()
        assert (held / vault.FILE).is_file()
        assert list((held / "data").rglob("*.parquet")) == []
        assert traces(held, *left_by("ann")) == []
        assert len(list((held / "data").iterdir())) == 4  # key, raw, processed, tombstones
    assert step > 5


def test_the_embedded_servers_files_hold_no_pseudonym_of_the_erased(empty, monkeypatch, caplog):
    monkeypatch.delenv(server.VARIABLE)
    write_pages(empty / PAGES, ["ann", "bob", "cy"])
    key, files = vault.Vault(KEY), empty / server.FOLDER
    with server.embedded(files) as address, pymongo.MongoClient(address) as client:
        client.admin.command("profile", 0, slowms=-1)  # every command is slow
        run_stages(empty)
    ann, bob = left_by("ann"), key.pseudonym("author", IDS["bob"])

    def hold(*needles):
        held = {file: file.read_bytes() for file in files.rglob("*") if file.is_file()}
        return {
            file.name for file, text in held.items() if any(n.encode() in text for n in needles)
        }

    assert hold(*ann)
    assert "mongod.log" not in hold(*ann)
    purge("author", IDS["ann"])
    assert hold(*ann) == set()
    assert hold(bob)
    with server.embedded(files):
        purge("post", "9000000000000000021")
        assert "the embedded MongoDB is in use elsewhere" in caplog.text

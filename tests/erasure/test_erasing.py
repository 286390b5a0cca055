"""What somebody left is gone from pages, files and database, and stays gone."""

import base64
import gzip
import io
import shutil
import sys

import numpy as np
import pandas as pd
import pymongo.monitoring
import pytest

from customer_profiles.commands.app import main
from customer_profiles.erasure import erasing
from customer_profiles.privacy.keys import tombstones
from customer_profiles.privacy.keys.key import (
    FILE,
    SAMPLE,
    SAMPLE_DIGEST,
    VARIABLE,
    Key,
    is_sample,
    open_key,
)
from customer_profiles.project import files, params
from customer_profiles.store import connection, mongod, removal, sealed_files
from tests.erasure.erasable import (
    FIRST,
    IDS,
    KEY,
    PAGES,
    PLACES,
    POSTS,
    ROOT,
    database_of,
    everything,
    files_of,
    killed_at_every_step,
    left_by,
    page,
    purge,
    restore,
    rows_of,
    run_stages,
    table_of,
    traces,
    write_pages,
)


def test_an_erased_author_is_gone_from_everywhere(filled):
    assert traces(filled, *left_by("ann")) == PLACES
    purge("author", IDS["ann"])
    assert traces(filled, *left_by("ann")) == []
    assert len(traces(filled, *left_by("bob"))) == len(PLACES) + 1


def test_what_is_left_is_what_there_would_be_without_the_erased(filled):
    purge("author", IDS["ann"])
    files, rows = everything(filled)
    write_pages(filled / PAGES, ["bob", "cy"])
    run_stages(filled)
    wanted, wanted_rows = everything(filled)
    assert rows == wanted_rows
    assert files.keys() == wanted.keys()
    assert [name for name in files if files[name] != wanted[name]] == []


def test_an_erased_post_is_gone_and_its_authors_profile_derived_anew(filled):
    key = Key(KEY)
    author = key.pseudonym("author", IDS["ann"])
    before = table_of(filled, "profiles")
    purge("post", FIRST)
    after = table_of(filled, "profiles")
    assert sorted(before.index) == sorted(after.index)
    assert (before.loc[author, "posts"], after.loc[author, "posts"]) == (2, 1)
    assert author not in table_of(filled, "assignments").index
    assert traces(filled, FIRST, POSTS[FIRST][2], key.pseudonym("post", FIRST)) == []
    assert f"{PAGES}/1.jsonl" in traces(filled, "ann_handle")
    kept = {post: content for post, content in POSTS.items() if post != FIRST}
    files = files_of(filled)
    write_pages(filled / PAGES, ["ann", "bob", "cy"], kept)
    assert {name: files_of(filled)[name] for name in files if name.startswith(PAGES)} == {
        name: content for name, content in files.items() if name.startswith(PAGES)
    }
    assert sealed_files.read_sealed("profiles").to_dict("records") == rows_of(filled)["profiles"]


def test_a_streams_post_is_erased_with_its_author(filled, observe, seal):
    key = Key(KEY)
    live = observe({"_id": "live", "author": "ann", "origin": "stream"})
    live = live.assign(author=key.pseudonym("author", IDS["ann"]))
    with database_of(filled) as database:
        database.observations.insert_many(seal(live, key=key))
    purge("author", IDS["ann"])
    assert {row["origin"] for row in rows_of(filled)["observations"]} == {"archive"}


def test_it_is_erased_from_the_databases_of_other_archives_under_the_key_too(filled):
    other = Key(KEY).audience("another archive")
    with database_of(filled) as database:
        try:
            for name in removal.ABOUT_PEOPLE:
                database.client[other][name].insert_many(list(database[name].find()))
            purge("author", IDS["ann"])
            rows = {
                name: list(database.client[other][name].find()) for name in removal.ABOUT_PEOPLE
            }
        finally:
            database.client.drop_database(other)
    assert len(rows["observations"]) == 3
    assert Key(KEY).pseudonym("author", IDS["ann"]) not in str(rows)


def test_the_erased_do_not_come_back_with_a_copy_of_the_pages(filled):
    copy = {name: text for name, text in files_of(filled).items() if name.startswith(PAGES)}
    purge("author", IDS["ann"])
    purge("post", "9000000000000000021")
    before = rows_of(filled)
    restore(filled, {**files_of(filled), **copy})
    run_stages(filled)
    after = rows_of(filled)
    assert after["observations"] == before["observations"]
    assert after["profiles"] == before["profiles"]
    assert [name for name in traces(filled, *left_by("ann")) if not name.startswith(PAGES)] == []
    # Whatever is erased next, they are taken out of the copy too.
    purge("post", "9000000000000000031")
    assert traces(filled, *left_by("ann")) == []


@pytest.mark.parametrize("lost", ["database", "file"])
def test_the_erased_do_not_come_back_where_database_or_file_are_lost(filled, lost):
    copy = {name: text for name, text in files_of(filled).items() if name.startswith(PAGES)}
    purge("author", IDS["ann"])
    before = rows_of(filled)["observations"]
    if lost == "file":
        shutil.rmtree(filled / tombstones.FOLDER)
    else:
        with database_of(filled) as database:
            database.client.drop_database(database)
    restore(filled, {**files_of(filled), **copy})
    run_stages(filled)
    assert rows_of(filled)["observations"] == before
    assert len(rows_of(filled)["tombstones"]) == 1
    assert len(tombstones.read(Key(KEY).fingerprint())) == 1


def test_erasing_again_changes_nothing(filled):
    purge("author", IDS["ann"])
    before = everything(filled)
    purge("author", IDS["ann"])
    assert everything(filled) == before


def test_what_an_emptied_database_does_not_hold_is_erased_from_the_files(filled):
    with database_of(filled) as database:
        database.client.drop_database(database)
    purge("author", IDS["ann"])
    assert traces(filled, *left_by("ann")) == []
    people = pd.read_parquet(filled / "data/processed/profiles.parquet")
    assert len(people) == 2


@pytest.mark.long
def test_an_erasure_killed_at_any_step_can_be_repeated(filled):
    assert killed_at_every_step(filled, lambda: erasing.purge("author", [IDS["ann"]])) > 12


def test_a_dry_run_says_how_much_is_held_and_changes_nothing(filled, caplog):
    before = everything(filled)
    purge("--dry-run", "author", IDS["ann"], IDS["bob"])
    assert everything(filled) == before
    message = "would be erased: 4 posts in the database and its files, 10 in pages"
    assert f"{message}; profiles touched: <10" in caplog.text
    assert "not reached: copies that lie elsewhere" in caplog.text
    purge("author", IDS["ann"], IDS["bob"])
    assert f"{message.removeprefix('would be ')}; profiles touched: <10" in caplog.text
    assert "run `dvc repro`, which publishes what is left" in caplog.text


def test_nothing_that_is_said_repeats_an_id(filled, caplog, capfd):
    purge("author", IDS["ann"])
    purge("post", *POSTS)
    purge("--dry-run", "post", *POSTS)
    assert main(["purge", "post", FIRST, "12a", IDS["bob"]]) == 1
    assert main(["purge", FIRST, "author"]) == 1
    output = caplog.text + "".join(capfd.readouterr())
    ids = [*IDS.values(), *POSTS, "12a"]
    key = Key(KEY)
    made = [key.pseudonym(kind, number) for kind in tombstones.KINDS for number in ids]
    made += [key.mark(pseudonym) for pseudonym in made]
    assert [text for text in (*ids, *made) if text in output] == []


def test_an_id_that_is_none_is_refused_by_its_place_and_nothing_is_erased(filled, caplog):
    before = everything(filled)
    for text in ("12a", "@ann", "-1", "012", "0", "1.0", "٣٤", "1" * 21):
        assert main(["purge", "author", IDS["ann"], "--", text]) == 1
        assert "id number 2 of 2 is none: X's ids are 1 to 20 digits" in caplog.text
        caplog.clear()
    assert everything(filled) == before


def test_ids_are_read_from_standard_input(filled, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{IDS['ann']}\n{IDS['bob']} \n\n"))
    purge("author", "-")
    assert traces(filled, *left_by("ann"), *left_by("bob")) == []
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert main(["purge", "author", "-"]) == 1


def test_the_help_says_why_not_on_the_command_line(capsys):
    assert main(["purge", "--help"]) == 0
    assert "history" in capsys.readouterr().out


def test_who_is_not_held_stays_out_when_they_come(filled, caplog):
    write_pages(filled / PAGES, ["bob", "cy"])
    run_stages(filled)
    files = files_of(filled)
    purge("author", IDS["ann"])
    assert "nothing was stored of them; posts of them that come later are left out" in caplog.text
    assert {name: files_of(filled)[name] for name in files} == files
    write_pages(filled / PAGES, ["ann", "bob", "cy"])
    run_stages(filled)
    assert traces(filled, *left_by("ann")) == [f"{PAGES}/1.jsonl", f"{PAGES}/3.jsonl.gz"]


def test_an_erasure_needs_the_key_and_makes_none(filled, caplog):
    (filled / FILE).unlink()
    before = everything(filled)
    assert main(["purge", "author", IDS["ann"]]) == 1
    assert main(["rotate"]) == 1
    fingerprint = Key(KEY).fingerprint()
    assert caplog.text.count(f"with the key of fingerprint {fingerprint}: restore") == 2
    assert everything(filled) == before


def test_another_key_than_the_manifests_is_refused(filled, caplog, monkeypatch):
    before = everything(filled)
    monkeypatch.setenv(VARIABLE, base64.urlsafe_b64encode(bytes(32)).decode())
    for command in (["purge", "author", IDS["ann"]], ["rotate"], ["expire", "--days", "1"]):
        assert main(command) == 1
        assert "the key is not the one the archive was pulled with" in caplog.text
        caplog.clear()
    assert everything(filled) == before


def test_a_run_that_failed_with_another_archive_keeps_the_former_within_reach(filled, caplog):
    (filled / "others").mkdir()
    params.change(filled / "params.yaml", {"pull.archive": "others"})
    (filled / connection.MANIFEST).unlink()  # as DVC does before `pull` runs
    purge("author", IDS["ann"])
    assert "not reached: the pages in others (pull.archive)" in caplog.text
    assert traces(filled, *left_by("ann")) == []
    assert main(["rotate"]) == 0
    assert not (filled / connection.LOADED).exists()


def test_before_anything_is_loaded_nothing_is_held(empty, caplog):
    assert main(["purge", "author", IDS["ann"]]) == 1
    assert "nothing was loaded yet" in caplog.text


def test_pages_that_are_gone_are_no_obstacle(filled, caplog):
    shutil.rmtree(filled / PAGES)
    purge("author", IDS["ann"])
    assert "there are no pages in pages any more" in caplog.text
    assert traces(filled, *left_by("ann")) == []


def test_the_pages_of_the_shipped_sample_stay_and_the_tombstone_counts(empty, caplog):
    sample = empty / SAMPLE
    shutil.copytree(ROOT / SAMPLE, sample)
    shutil.copy(ROOT / SAMPLE_DIGEST, empty / SAMPLE_DIGEST)
    params.change(empty / "params.yaml", {"pull.archive": SAMPLE})
    key = open_key(SAMPLE)
    name = key.audience(SAMPLE)
    manifest = {"archive": SAMPLE, "audience": name, "key": key.fingerprint(), "sample": True}
    files.write_json(empty / connection.LOADED, manifest)
    someone = "9100000716458625279"
    try:
        purge("author", someone)
    finally:
        with connection.database(name) as database:
            database.client.drop_database(name)
    assert "the shipped sample, whose people are invented; they stay as they are" in caplog.text
    assert is_sample(SAMPLE)
    mark = key.mark(key.pseudonym("author", someone))
    assert tombstones.read(key.fingerprint()) == {mark: "author"}
    assert main(["rotate"]) == 1
    assert "the shipped sample has a public key" in caplog.text


def test_a_file_of_pages_keeps_its_mode_and_a_link_is_followed(filled):
    filled.joinpath(PAGES, "1.jsonl").chmod(0o600)
    filled.joinpath(PAGES, "3.jsonl.gz").rename(filled / "elsewhere.jsonl.gz")
    filled.joinpath(PAGES, "3.jsonl.gz").symlink_to(filled / "elsewhere.jsonl.gz")
    purge("author", IDS["ann"])
    assert filled.joinpath(PAGES, "1.jsonl").stat().st_mode & 0o777 == 0o600
    assert filled.joinpath(PAGES, "3.jsonl.gz").is_symlink()
    assert traces(filled, *left_by("ann")) == []


def test_what_a_torn_file_still_shows_is_erased_too(filled):
    file = filled / PAGES / "4.jsonl.gz"
    noise = "".join(map(chr, np.random.default_rng(1).integers(97, 123, 90_000)))
    whole = (page(["bob"]) + f'{{"data":[{{"id":"{FIRST}","text":"{noise}').encode()
    file.write_bytes(gzip.compress(whole)[:-50])
    assert main(["purge", "post", FIRST]) == 0
    assert gzip.decompress(file.read_bytes()).decode() == page(["bob"])


def test_the_embedded_servers_files_hold_no_pseudonym_of_the_erased(empty, monkeypatch, caplog):
    monkeypatch.delenv(connection.VARIABLE)
    write_pages(empty / PAGES, ["ann", "bob", "cy"])
    key, files = Key(KEY), empty / connection.FOLDER
    with mongod.embedded(files) as address, pymongo.MongoClient(address) as client:
        client.admin.command("profile", 0, slowms=-1)  # every command is slow
        run_stages(empty)
    ann, bob = left_by("ann"), key.pseudonym("author", IDS["bob"])

    def hold(*needles):
        contents = {file: file.read_bytes() for file in files.rglob("*") if file.is_file()}
        return {
            file.name for file, text in contents.items() if any(n.encode() in text for n in needles)
        }

    assert hold(*ann)
    assert "mongod.log" not in hold(*ann)
    purge("author", IDS["ann"])
    assert hold(*ann) == set()
    assert hold(bob)
    with mongod.embedded(files):
        purge("post", "9000000000000000021")
        assert "the embedded MongoDB is in use elsewhere" in caplog.text

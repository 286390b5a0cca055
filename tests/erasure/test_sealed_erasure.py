"""What somebody left is gone from sealed pages too, and a new key opens what the old one did."""

import shutil
import threading

import pytest

from customer_profiles.collect.folder import FOLDER, PagesFolder
from customer_profiles.commands.app import main
from customer_profiles.erasure import erasing, key_rotation
from customer_profiles.posts import archive
from customer_profiles.privacy.keys import keyfile
from customer_profiles.privacy.keys.key import (
    FILE,
    SAMPLE,
    SAMPLE_DIGEST,
    VARIABLE,
    Key,
    demonstration_key,
    open_key,
)
from tests.collect.collecting import opened
from tests.erasure.erasable import (
    FIRST,
    IDS,
    KEY,
    PAGES,
    killed,
    left_by,
    page,
    purge,
    restore,
    traces,
)

OLD = Key(KEY)
DAY = "2026-05-07"


@pytest.fixture
def sealed(filled):
    """The project with sealed pages in its archive, and others that were collected."""
    (filled / PAGES / "5.jsonl.sealed").write_bytes(
        OLD.seal(page(["ann", "bob"]).encode()) + b"\n" + OLD.seal(page(["cy"]).encode()) + b"\n"
    )
    folder = opened("digest", DAY, OLD)
    for names in (["ann"], ["bob", "cy"], ["ann", "cy"]):
        folder.append(page(names).encode())
        ids = {"newest_id": FIRST, "since_id": FIRST}
        folder.commit(DAY, posts=2, next_token="next", newest_time=7, since_time=5, **ids)
    folder.append(b"no page, but it names ann_handle")
    folder.commit(DAY, posts=0)
    return filled


def texts_of(project, key=OLD):
    """Text of each sealed file, by its path."""
    return {
        path.relative_to(project).as_posix(): "\n".join(archive.lines(path, key.unseal))
        for path in sorted(project.rglob("*.sealed"))
    }


def files_with(project, *needles, key=OLD):
    texts = texts_of(project, key).items()
    return [name for name, text in texts if any(needle in text for needle in needles)]


def lines_of(project, name):
    return list(archive.lines(project / name, OLD.unseal))


def test_an_erased_author_is_gone_from_sealed_pages_and_nobody_else_is(sealed):
    every = list(texts_of(sealed))
    assert len(every) == 3
    assert files_with(sealed, *left_by("ann")) == every
    plain = files_with(sealed, *left_by("bob")), files_with(sealed, *left_by("cy"))
    purge("author", IDS["ann"])
    assert files_with(sealed, *left_by("ann")) == traces(sealed, *left_by("ann")) == []
    assert (files_with(sealed, *left_by("bob")), files_with(sealed, *left_by("cy"))) == plain
    assert plain[0] == every[1:]
    assert lines_of(sealed, f"{PAGES}/5.jsonl.sealed")[1] == page(["cy"])


def test_a_collection_goes_on_after_an_erasure_and_the_erased_id_is_in_no_checkpoint(sealed):
    purge("author", IDS["ann"])
    state = PagesFolder(OLD).checkpoint_of("digest")
    assert (state.next_token, state.newest_id, state.since_id, state.lines) == (
        "next", None, None, 4,
    )  # fmt: skip
    assert (state.newest_time, state.since_time) == (7, 5)
    again = opened("digest", DAY, OLD)
    assert again.cut == 0
    again.append(b"more")
    again.commit(DAY, posts=1)
    assert lines_of(sealed, again.page_file(state.file))[3:] == ["", "more"]


def test_a_dry_run_counts_sealed_pages_too_and_changes_none(sealed, caplog):
    before = {path: path.read_bytes() for path in sealed.rglob("*.sealed")}
    purge("--dry-run", "author", IDS["ann"])
    assert "would be erased: 2 posts in the database and its files, 10 in pages" in caplog.text
    assert {path: path.read_bytes() for path in sealed.rglob("*.sealed")} == before


@pytest.mark.parametrize("who", ["collection", "erasure"])
def test_pages_are_added_and_rewritten_by_one_at_a_time(sealed, who):
    adding = opened("digest", DAY, OLD)
    audience = erasing.Audience(PAGES, OLD, "name")
    work = {
        "collection": lambda: adding.append(b"more"),
        "erasure": lambda: erasing.clean_pages(audience, {}, frozenset({("author", IDS["ann"])})),
    }
    before = texts_of(sealed)
    thread = threading.Thread(target=work[who])
    with PagesFolder().exclusive():
        thread.start()
        thread.join(0.3)
        assert texts_of(sealed) == before
    thread.join()
    assert texts_of(sealed) != before


def test_pages_under_another_key_stop_an_erasure_and_are_named(sealed, caplog):
    other = Key(bytes(32))
    (sealed / PAGES / "6.jsonl.sealed").write_bytes(other.seal(page(["ann"]).encode()) + b"\n")
    assert main(["purge", "author", IDS["ann"]]) == 1
    assert "6.jsonl.sealed cannot be opened: it was sealed with the key of fing" in caplog.text
    (sealed / PAGES / "6.jsonl.sealed").unlink()
    purge("author", IDS["ann"])
    assert files_with(sealed, *left_by("ann")) == []


def test_under_the_sample_it_is_said_that_collected_pages_are_not_reached(sealed, caplog, request):
    shipped = request.config.rootpath
    shutil.copytree(shipped / SAMPLE, sealed / SAMPLE)
    shutil.copy(shipped / SAMPLE_DIGEST, sealed / SAMPLE_DIGEST)
    audience = erasing.Audience(SAMPLE, demonstration_key(), "name")
    assert erasing.clean_pages(audience, {}) == 0
    assert "not reached: data/collect/pages and its database, which have another key" in caplog.text


def test_a_new_key_opens_what_the_old_one_sealed_but_for_the_erased(sealed):
    copy = (sealed / PAGES / "5.jsonl.sealed").read_bytes()
    purge("author", IDS["ann"])
    (sealed / PAGES / "7.jsonl.sealed").write_bytes(copy)
    before = texts_of(sealed)
    assert main(["rotate"]) == 0
    new = open_key(PAGES)
    assert new.fingerprint() != OLD.fingerprint()
    after = texts_of(sealed, new)
    del before[f"{PAGES}/7.jsonl.sealed"]
    assert {name: text for name, text in after.items() if "/7." not in name} == before
    assert files_with(sealed, *left_by("ann"), key=new) == []
    assert PagesFolder(new).checkpoint_of("digest").next_token == "next"
    assert not (sealed / keyfile.NEXT).exists()


@pytest.mark.long
def test_a_change_of_key_killed_at_every_second_step_loses_no_page(sealed):
    files = {
        path.relative_to(sealed).as_posix(): path.read_bytes()
        for path in sealed.rglob("*")
        if path.is_file()
    }
    wanted = texts_of(sealed)
    for step in range(1, 100, 2):
        restore(sealed, files)
        ended = not killed(key_rotation.rotate, step)
        if not ended:
            key_rotation.rotate()
        assert texts_of(sealed, open_key(PAGES)) == wanted
        if ended:
            break
    assert step > 8


def test_a_key_from_the_environment_has_to_lie_in_the_file_while_pages_are_sealed_anew(
    sealed, caplog, monkeypatch
):
    before = texts_of(sealed)
    monkeypatch.setenv(VARIABLE, (sealed / FILE).read_text())
    assert main(["rotate"]) == 1
    assert "sealed pages must be sealed anew, and the key is in CUSTOMER_PROFILES_K" in caplog.text
    assert texts_of(sealed) == before


def test_the_key_does_not_change_while_a_collection_runs(sealed, caplog):
    with PagesFolder().single_run():
        assert main(["rotate"]) == 1
    assert "another collection is running in this project" in caplog.text
    shutil.rmtree(sealed / FOLDER)
    assert main(["rotate"]) == 0

"""Tombstones are kept in a file for each key and in the database, and either brings them back."""

import multiprocessing

import pytest

from customer_profiles.privacy.keys import tombstones
from customer_profiles.store.tombstones import united

KEY, OTHER = "0123456789abcdef", "f" * 16


def mark(number):
    return f"{number:032x}"


def test_marks_are_kept_beside_those_that_were_and_sorted(project):
    tombstones.add(KEY, {})
    assert tombstones.read(KEY) == {}
    assert not (project / "data").exists()
    tombstones.add(KEY, {mark(2): "post", mark(1): "post"})
    tombstones.add(KEY, {mark(3): "author"})
    assert tombstones.read(KEY) == {mark(1): "post", mark(2): "post", mark(3): "author"}
    file = project / tombstones.FOLDER / f"{KEY}.txt"
    assert file.read_text() == f"author {mark(3)}\npost {mark(1)}\npost {mark(2)}\n"
    assert tombstones.read(OTHER) == {}


def test_what_is_kept_already_changes_nothing(project):
    tombstones.add(KEY, {mark(1): "post"})
    file = project / tombstones.FOLDER / f"{KEY}.txt"
    before = file.stat()
    tombstones.add(KEY, {mark(1): "post"})
    tombstones.add(KEY, {})
    assert file.stat() == before


@pytest.mark.parametrize("line", [f"post {mark(1)[:-1]}", f"person {mark(1)}", "", mark(1)])
def test_a_damaged_file_is_an_error_and_not_fewer_tombstones(project, line):
    tombstones.add(KEY, {mark(1): "post"})
    file = project / tombstones.FOLDER / f"{KEY}.txt"
    file.write_text(f"{file.read_text()}{line}\n")
    message = rf"line 2 of data/tombstones/{KEY}.txt is no tombstone; restore"
    with pytest.raises(ValueError, match=message):
        tombstones.read(KEY)
    with pytest.raises(ValueError, match=message):
        tombstones.add(KEY, {mark(2): "post"})


def test_those_of_one_key_can_be_removed(project):
    tombstones.add(KEY, {mark(1): "post"})
    tombstones.add(OTHER, {mark(1): "post"})
    for _ in range(2):
        tombstones.remove(KEY)
    assert (tombstones.read(KEY), tombstones.read(OTHER)) == ({}, {mark(1): "post"})


def test_of_many_that_write_at_once_none_is_lost(project):
    fork = multiprocessing.get_context("fork")
    barrier = fork.Barrier(4)

    def write(first):
        barrier.wait()
        for number in range(first, 40, 4):
            tombstones.add(KEY, {mark(number): "post"})

    writers = [fork.Process(target=write, args=(first,)) for first in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(20)
    assert sorted(tombstones.read(KEY)) == [mark(number) for number in range(40)]


def test_file_and_database_each_get_what_the_other_has(project, database):
    tombstones.add(KEY, {mark(1): "post", mark(2): "author"})
    database.tombstones.insert_many([
        {"_id": mark(2), "kind": "author"},
        {"_id": mark(3), "kind": "post"},
    ])  # fmt: skip
    every = {mark(1): "post", mark(2): "author", mark(3): "post"}
    for _ in range(2):
        assert united(database, KEY) == every == tombstones.read(KEY)
        assert {row["_id"]: row["kind"] for row in database.tombstones.find()} == every


def test_either_may_be_lost(project, database):
    tombstones.add(KEY, {mark(1): "post"})
    united(database, KEY)
    database.tombstones.delete_many({})
    assert united(database, KEY) == {mark(1): "post"}
    tombstones.remove(KEY)
    assert united(database, KEY) == {mark(1): "post"}
    assert tombstones.read(KEY) == {mark(1): "post"}

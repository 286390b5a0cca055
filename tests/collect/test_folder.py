"""What a collection keeps on disk outlives kills and full disks: no page is lost or doubled."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from customer_profiles.collect.budget import Spend
from customer_profiles.collect.folder import (
    FOLDER,
    LEDGER,
    PAGES,
    Checkpoint,
    PagesFolder,
    query_digest,
)
from customer_profiles.posts import archive
from customer_profiles.privacy.keys.key import AnotherKey, Key
from customer_profiles.project import paths
from tests.collect.collecting import KEY, opened

OTHER = Key(bytes(range(1, 33)))
QUERY = query_digest("search/recent", {"query": "crumble"})
DAY = "2026-05-01"
IDS = ("9000000000000000011", "9000000000000000012")


@pytest.fixture
def begun(project):
    return opened(QUERY, DAY)


def names():
    return sorted(path.name for path in paths.inside(PAGES).iterdir())


def stored_pages():
    """The pages of all files, in the order of collection."""
    files = [paths.inside(PAGES, name) for name in names()]
    return [line for file in files for line in archive.lines(file, KEY.unseal)]


def add(folder, *pages, day=DAY, **changes):
    for page in pages:
        folder.append(page.encode())
        folder.commit(day, posts=10, **changes)


def reopened(day=DAY):
    return opened(QUERY, day)


def test_pages_are_sealed_in_files_that_sort_in_the_order_of_collection(begun):
    add(begun, "a", "b")
    add(opened(QUERY, "2026-04-01"), "c")  # the clock went back
    assert names() == [
        "000001_2026-05-01.jsonl.sealed",
        "000002_2026-04-01.jsonl.sealed",
    ]
    assert stored_pages() == ["a", "b", "c"]


def test_a_run_goes_on_where_its_checkpoint_says(begun):
    add(begun, "a", next_token="to b", newest_id=IDS[1], newest_time=1777629600)
    again = reopened()
    assert again.cut == 0
    assert again.checkpoint == Checkpoint(
        QUERY, begun.checkpoint.file, lines=1, posts=10, read=10,
        next_token="to b", newest_id=IDS[1], newest_time=1777629600,
    )  # fmt: skip
    add(again, "b", next_token=None, done=True)
    assert stored_pages() == ["a", "b"]
    assert reopened().checkpoint.done


@pytest.mark.parametrize("left", [b"whole and paid for\n", b"half a li", b"whole\nand half", b""])
def test_what_a_killed_run_had_not_counted_is_cut_off_and_told(begun, left):
    add(begun, "a", next_token="to b")
    with begun.page_file(begun.checkpoint.file).open("ab") as file:
        file.write(left)
    again = reopened()
    assert again.cut == len(left.splitlines())
    add(again, "b")
    assert stored_pages() == ["a", "b"]


def test_a_page_that_was_added_and_not_counted_is_asked_for_again(begun):
    add(begun, "a", next_token="to b")
    begun.append(b"b")
    assert stored_pages() == ["a", "b"]
    again = reopened()
    assert (again.cut, again.checkpoint.next_token) == (1, "to b")
    assert stored_pages() == ["a"]


OTHER_QUERY = query_digest("search/recent", {"query": "tea"})


def test_each_query_goes_on_where_it_stood_whatever_was_asked_in_between(begun):
    add(begun, "a", next_token="to b")
    add(opened(OTHER_QUERY, DAY), "c", next_token="to d")
    add(opened(QUERY, DAY), "b", next_token=None, done=True)
    again = opened(OTHER_QUERY, DAY)
    assert (again.cut, again.checkpoint.next_token) == (0, "to d")
    assert stored_pages() == ["a", "b", "c"]


@pytest.mark.parametrize("counted", [False, True])
def test_the_ledger_is_right_about_a_killed_run_of_another_query(begun, counted):
    add(begun, "a")
    begun.append(b"b")
    if counted:  # in the checkpoint, and killed before the ledger told of it
        ledger = paths.inside(LEDGER).read_bytes()
        begun.commit(DAY, posts=10)
        paths.inside(LEDGER).write_bytes(ledger)
    opened(OTHER_QUERY, "2026-05-02")
    entry = PagesFolder().ledger()[begun.checkpoint.file]
    assert stored_pages() == ["a", "b"][: 1 + counted]
    assert (entry.pages, entry.posts, entry.last) == (1 + counted, 10 * (1 + counted), DAY)


def collect(pages):
    """What a collector does for so many pages: page n is "n", and its next_token "n + 1"."""
    folder = opened(QUERY, DAY)
    for _ in range(pages):
        number = int(folder.checkpoint.next_token or 0)
        folder.append(str(number).encode())
        folder.commit(DAY, posts=1, next_token=str(number + 1))
    return folder


@pytest.mark.long
def test_a_run_killed_at_random_moments_neither_loses_nor_doubles_a_page(monkeypatch):
    with tempfile.TemporaryDirectory(dir="/dev/shm") as memory:  # a disk makes it slow
        Path(memory, "dvc.yaml").touch()
        monkeypatch.chdir(memory)
        for moment in np.random.default_rng(7).uniform(0, 0.03, 60):
            child = os.fork()
            if not child:
                collect(10**9)
            time.sleep(moment)
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
        folder = collect(5)
        state, pages = folder.checkpoint, stored_pages()
        (entry,) = PagesFolder().ledger().values()
        monkeypatch.undo()
    assert len(pages) > 20
    assert pages == [str(number) for number in range(len(pages))]
    assert {state.read, state.lines, entry.pages, entry.posts} == {len(pages)}


FILL = """\
import resource, sys
from customer_profiles.collect.folder import PagesFolder
from customer_profiles.privacy.keys.key import Key

folder = PagesFolder(Key(bytes(range(32))))
folder.open("digest", "2026-05-01")
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
for number in range(1000):
    try:
        folder.append(f"page {number}".encode())
    except OSError as error:
        print(number, error)
        sys.exit()
    folder.commit("2026-05-01", posts=1)
"""


def test_a_full_disk_is_an_error_that_names_the_file_and_leaves_what_was_there(project):
    output = subprocess.run(
        [sys.executable, "-c", FILL], cwd=project, capture_output=True, text=True, check=True
    ).stdout  # fmt: skip
    number, _, error = output.partition(" ")
    assert int(number) > 10
    assert stored_pages() == [f"page {place}" for place in range(int(number))]
    assert error.startswith("000001_2026-05-01.jsonl.sealed could not be written (File too large)")
    assert "make room on the disk and run this again" in error
    again = opened("digest", DAY)
    assert (again.cut, again.checkpoint.lines) == (0, int(number))
    add(again, "more")
    assert stored_pages()[-1] == "more"


def test_a_disk_without_a_byte_left_leaves_pages_checkpoint_and_spend_readable(
    small_disk, monkeypatch
):
    (small_disk / "dvc.yaml").touch()
    monkeypatch.chdir(small_disk)
    folder, spend = opened(QUERY, DAY), Spend(0.005, 0.01)
    add(folder, "a", next_token="to b")
    spend.add(10, 1, DAY)
    filling = small_disk / "filling"
    with pytest.raises(OSError, match="No space"):
        filling.write_bytes(bytes(2**23))
    page = os.urandom(100_000)
    with pytest.raises(OSError, match=r"jsonl.sealed could not be written .No space left"):
        folder.append(page)
    with pytest.raises(OSError, match=r"spend.json could not be written .No space left"):
        spend.add(10, 1, DAY)
    assert reopened().checkpoint.next_token == "to b"
    assert stored_pages() == ["a"]
    assert spend.total("2026-05") == Spend(0.005, 0.01).total("2026-05")
    filling.unlink()
    folder.append(page)


def test_a_checkpoint_of_another_query_another_key_and_a_damaged_one_are_told_apart(begun):
    assert query_digest("e", {"a": 1, "b": 2}) == query_digest("e", {"b": 2, "a": 1})
    others = query_digest("search/all", {"query": "crumble"}), query_digest("e", {})
    assert len({QUERY, *others}) == 3
    add(begun, "a", newest_id=IDS[0])
    file = begun.checkpoint_file(QUERY)
    assert begun.checkpoint_files() == [file]
    assert begun.checkpoint_of("0" * 64) is None
    with pytest.raises(
        AnotherKey, match=r"checkpoint_[0-9a-f]{16}.sealed cannot be opened: .* restore that key"
    ):
        PagesFolder(OTHER).checkpoint_of(QUERY)
    whole, foreign = file.read_bytes(), KEY.seal(b'{"digest": "of another", "file": "1"}')
    for content in (whole[:-9], b"", KEY.seal(b"[]"), KEY.seal(b'{"lines": 1}'), foreign):
        file.write_bytes(content)
        with pytest.raises(ValueError, match="is damaged; restore it, or remove data/collect/ch"):
            begun.checkpoint_of(QUERY)
    file.unlink()
    assert begun.checkpoint_of(QUERY) is None


def test_neither_files_nor_what_is_shown_hold_an_id(begun):
    add(begun, json.dumps({"id": IDS[0]}), newest_id=IDS[0], next_token="token")
    files = [path for path in paths.inside(FOLDER).rglob("*") if path.is_file()]
    assert len(files) == 3
    assert not any(IDS[0].encode() in file.read_bytes() for file in files)
    assert not {IDS[0], "token"} & set(repr(begun.checkpoint).replace("'", " ").split())
    assert IDS[0] not in repr(begun.checkpoint)


def test_an_id_that_was_erased_while_pages_came_does_not_come_back(begun):
    add(begun, "a", newest_id=IDS[0], newest_time=7, since_id=IDS[1], since_time=5)
    erased = replace(begun.checkpoint, newest_id=None, since_id=None)
    sealed = KEY.seal(json.dumps(asdict(erased)).encode())
    begun.checkpoint_file(QUERY).write_bytes(sealed + b"\n")
    add(begun, "b")
    state = reopened().checkpoint
    assert (state.newest_id, state.newest_time) == (None, 7)
    assert (state.since_id, state.since_time) == (None, 5)


def test_a_file_that_lost_pages_is_an_error_and_not_fewer_pages(begun):
    add(begun, "a", "b")
    file = begun.page_file(begun.checkpoint.file)
    file.write_bytes(file.read_bytes().partition(b"\n")[0])
    with pytest.raises(ValueError, match=r"holds 0 whole lines, 2 were written.: restore"):
        reopened()
    file.unlink()
    with pytest.raises(ValueError, match=r"is not there, 2 lines were written.: restore"):
        reopened()


def test_the_ledger_says_what_is_held_expired_and_erased(begun):
    add(begun, "a", day="2026-05-01")
    add(begun, "b", day="2026-05-03")
    for day, page in [("2026-05-04", "c"), ("2026-05-20", "d")]:
        add(opened(QUERY, day), page, day=day)
    first, second, third = names()
    assert PagesFolder().expire(17, "2026-05-20") == []
    assert PagesFolder().expire(16, "2026-05-20") == [first]
    assert PagesFolder().erase([second, "unknown"]) == [second]
    assert names() == [third]
    counts = {"pages": 1, "posts": 10, "first": "2026-05-04", "last": "2026-05-04"}
    assert json.loads(paths.inside(LEDGER).read_text()) == {
        first: {
            "state": "expired", "pages": 2, "posts": 20, "first": DAY, "last": "2026-05-03",
        },
        second: {"state": "erased", **counts},
        third: {"state": "held", **counts, "first": "2026-05-20", "last": "2026-05-20"},
    }  # fmt: skip
    # The name of what is gone is not given again.
    add(opened(QUERY, DAY), "e")
    assert names()[-1].startswith("000004_")


def test_a_run_whose_file_has_expired_goes_on_in_another(begun):
    add(begun, "a", next_token="to b", newest_id=IDS[0])
    PagesFolder().expire(1, "2026-06-01")
    again = reopened("2026-06-01")
    assert again.checkpoint.file == "000002_2026-06-01.jsonl.sealed"
    assert (again.checkpoint.next_token, again.checkpoint.newest_id) == ("to b", IDS[0])
    add(again, "b", day="2026-06-01")
    assert (stored_pages(), again.checkpoint.read, again.checkpoint.lines) == (["b"], 20, 1)


def test_a_run_that_goes_on_another_day_has_another_file_so_that_each_expires_on_its_own(begun):
    add(begun, "a", next_token="to b")
    begun.append(b"b")
    again = reopened("2026-05-02")
    assert (again.cut, again.checkpoint.next_token) == (1, "to b")
    add(again, "b", day="2026-05-02")
    assert stored_pages() == ["a", "b"]
    assert PagesFolder().expire(1, "2026-05-03") == [begun.checkpoint.file]
    assert stored_pages() == ["b"]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"a": {}}',
        '{"a": {"state": "gone"}}',
        '{"a": {"state": "held", "pages": 1}}',
        "{",
    ],
)
def test_a_damaged_ledger_is_an_error(begun, content):
    paths.inside(LEDGER).write_text(content)
    with pytest.raises(ValueError, match=r"ledger.json is damaged; restore it"):
        opened(QUERY, DAY)


def test_pages_are_kept_for_a_day_at_least(begun):
    with pytest.raises(ValueError, match="for at least a day, got 0 days"):
        PagesFolder().expire(0, DAY)


def test_of_two_collections_at_once_one_is_refused(project):
    refused = pytest.raises(BlockingIOError, match="another collection is running")
    with PagesFolder().single_run(), refused, PagesFolder().single_run():
        pass
    with PagesFolder().single_run():
        pass


def test_git_ignores_what_was_collected_and_dvc_may_depend_on_its_pages(request):
    root = request.config.rootpath
    ignored = ["git", "check-ignore", "-q", f"{PAGES}/1.jsonl.sealed"]
    assert subprocess.run(ignored, cwd=root, check=False).returncode == 0
    assert "collect" not in (root / ".dvcignore").read_text()

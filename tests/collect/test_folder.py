"""What a collection keeps on disk outlives kills and full disks: no page is lost or doubled."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from customer_profiles.collect import checkpoint, collected
from customer_profiles.collect.budget import FILE, Spend, by_month
from customer_profiles.collect.checkpoint import Checkpoint, digest_of
from customer_profiles.posts import archive
from customer_profiles.privacy.keys.key import AnotherKey, Key
from customer_profiles.project import paths

KEY, OTHER = Key(bytes(range(32))), Key(bytes(range(1, 33)))
QUERY = digest_of("search/recent", {"query": "crumble"})
DAY = "2026-05-01"
IDS = ("9000000000000000011", "9000000000000000012")


@pytest.fixture
def begun(project):
    return collected.begin(KEY, QUERY, DAY)


def names():
    return sorted(path.name for path in paths.inside(collected.PAGES).iterdir())


def held():
    """The pages of all files, in the order of collection."""
    files = [paths.inside(collected.PAGES, name) for name in names()]
    return [line for file in files for line in archive.exact_lines(file, KEY.unseal)]


def add(collection, *pages, day=DAY, **changed):
    for page in pages:
        collection.append(page.encode())
        collection.commit(day, posts=10, **changed)


def reopened(day=DAY):
    return collected.resume(KEY, checkpoint.load(QUERY, KEY.unseal), day)


def test_pages_are_sealed_in_files_that_sort_in_the_order_of_collection(begun):
    add(begun, "a", "b")
    add(collected.begin(KEY, QUERY, "2026-04-01"), "c")  # the clock went back
    assert names() == [
        "000001_2026-05-01.jsonl.sealed",
        "000002_2026-04-01.jsonl.sealed",
    ]
    assert held() == ["a", "b", "c"]


def test_a_run_goes_on_where_its_checkpoint_says(begun):
    add(begun, "a", next_token="to b", newest_id=IDS[1], newest_time=1777629600)
    again = reopened()
    assert again.cut == 0
    assert again.checkpoint == Checkpoint(
        QUERY, begun.checkpoint.file, lines=1, posts=10, read=10,
        next_token="to b", newest_id=IDS[1], newest_time=1777629600,
    )  # fmt: skip
    add(again, "b", next_token=None, done=True)
    assert held() == ["a", "b"]
    assert reopened().checkpoint.done


@pytest.mark.parametrize("left", [b"whole and paid for\n", b"half a li", b"whole\nand half", b""])
def test_what_a_killed_run_had_not_counted_is_cut_off_and_told(begun, left):
    add(begun, "a", next_token="to b")
    with paths.inside(collected.PAGES, begun.checkpoint.file).open("ab") as file:
        file.write(left)
    again = reopened()
    assert again.cut == len(left.splitlines())
    add(again, "b")
    assert held() == ["a", "b"]


def test_a_page_that_was_added_and_not_counted_is_asked_for_again(begun):
    add(begun, "a", next_token="to b")
    begun.append(b"b")
    assert held() == ["a", "b"]
    again = reopened()
    assert (again.cut, again.checkpoint.next_token) == (1, "to b")
    assert held() == ["a"]


OTHER_QUERY = digest_of("search/recent", {"query": "tea"})


def test_each_query_goes_on_where_it_stood_whatever_was_asked_in_between(begun):
    add(begun, "a", next_token="to b")
    add(collected.opened(KEY, OTHER_QUERY, DAY), "c", next_token="to d")
    add(collected.opened(KEY, QUERY, DAY), "b", next_token=None, done=True)
    again = collected.opened(KEY, OTHER_QUERY, DAY)
    assert (again.cut, again.checkpoint.next_token) == (0, "to d")
    assert held() == ["a", "b", "c"]


@pytest.mark.parametrize("counted", [False, True])
def test_the_ledger_is_right_about_a_killed_run_of_another_query(begun, counted):
    add(begun, "a")
    begun.append(b"b")
    if counted:  # in the checkpoint, and killed before the ledger told of it
        told = paths.inside(collected.LEDGER).read_bytes()
        begun.commit(DAY, posts=10)
        paths.inside(collected.LEDGER).write_bytes(told)
    collected.opened(KEY, OTHER_QUERY, "2026-05-02")
    told = collected.ledger()[begun.checkpoint.file]
    assert held() == ["a", "b"][: 1 + counted]
    assert (told["pages"], told["posts"], told["last"]) == (1 + counted, 10 * (1 + counted), DAY)


def collect(pages):
    """What a collector does for so many pages: page n is "n", and its next_token "n + 1"."""
    collection = collected.opened(KEY, QUERY, DAY)
    for _ in range(pages):
        number = int(collection.checkpoint.next_token or 0)
        collection.append(str(number).encode())
        collection.commit(DAY, posts=1, next_token=str(number + 1))
    return collection


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
        collection = collect(5)
        state, pages = collection.checkpoint, held()
        (told,) = collected.ledger().values()
        monkeypatch.undo()
    assert len(pages) > 20
    assert pages == [str(number) for number in range(len(pages))]
    assert {state.read, state.lines, told["pages"], told["posts"]} == {len(pages)}


FILL = """\
import resource, sys
from customer_profiles.collect import collected
from customer_profiles.privacy.keys.key import Key

key = Key(bytes(range(32)))
collection = collected.begin(key, "digest", "2026-05-01")
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
for number in range(1000):
    try:
        collection.append(f"page {number}".encode())
    except OSError as error:
        print(number, error)
        sys.exit()
    collection.commit("2026-05-01", posts=1)
"""


def test_a_full_disk_is_an_error_that_names_the_file_and_leaves_what_was_there(project):
    told = subprocess.run(
        [sys.executable, "-c", FILL], cwd=project, capture_output=True, text=True, check=True
    ).stdout  # fmt: skip
    number, _, error = told.partition(" ")
    assert int(number) > 10
    assert held() == [f"page {place}" for place in range(int(number))]
    assert error.startswith("000001_2026-05-01.jsonl.sealed could not be written (File too large)")
    assert "make room on the disk and run this again" in error
    state = checkpoint.load("digest", KEY.unseal)
    again = collected.resume(KEY, state, DAY)
    assert again.cut == 0
    add(again, "more")
    assert held()[-1] == "more"


def test_a_disk_without_a_byte_left_leaves_pages_checkpoint_and_spend_readable(
    small_disk, monkeypatch
):
    (small_disk / "dvc.yaml").touch()
    monkeypatch.chdir(small_disk)
    collection, spend = collected.begin(KEY, QUERY, DAY), Spend(0.005, 0.01)
    add(collection, "a", next_token="to b")
    spend.add(10, 1, DAY)
    filling = small_disk / "filling"
    with pytest.raises(OSError, match="No space"):
        filling.write_bytes(bytes(2**23))
    page = os.urandom(100_000)
    with pytest.raises(OSError, match=r"jsonl.sealed could not be written .No space left"):
        collection.append(page)
    with pytest.raises(OSError, match=r"spend.json could not be written .No space left"):
        spend.add(10, 1, DAY)
    assert reopened().checkpoint.next_token == "to b"
    assert held() == ["a"]
    assert spend.total("2026-05") == Spend(0.005, 0.01).total("2026-05")
    filling.unlink()
    collection.append(page)


def test_a_checkpoint_of_another_query_another_key_and_a_damaged_one_are_told_apart(begun):
    assert digest_of("e", {"a": 1, "b": 2}) == digest_of("e", {"b": 2, "a": 1})
    assert len({QUERY, digest_of("search/all", {"query": "crumble"}), digest_of("e", {})}) == 3
    add(begun, "a", newest_id=IDS[0])
    file = checkpoint.path_of(QUERY)
    assert checkpoint.files() == [file]
    assert checkpoint.load("0" * 64, KEY.unseal) is None
    with pytest.raises(
        AnotherKey, match=r"checkpoint_[0-9a-f]{16}.sealed cannot be opened: .* restore that key"
    ):
        checkpoint.load(QUERY, OTHER.unseal)
    whole, foreign = file.read_bytes(), KEY.seal(b'{"digest": "of another", "file": "1"}')
    for content in (whole[:-9], b"", KEY.seal(b"[]"), KEY.seal(b'{"lines": 1}'), foreign):
        file.write_bytes(content)
        with pytest.raises(ValueError, match="is damaged; restore it, or remove data/collect/ch"):
            checkpoint.load(QUERY, KEY.unseal)
    file.unlink()
    assert checkpoint.load(QUERY, KEY.unseal) is None


def test_neither_files_nor_what_is_shown_hold_an_id(begun):
    add(begun, json.dumps({"id": IDS[0]}), newest_id=IDS[0], next_token="token")
    files = [path for path in paths.inside(collected.FOLDER).rglob("*") if path.is_file()]
    assert len(files) == 3
    assert not any(IDS[0].encode() in file.read_bytes() for file in files)
    assert not {IDS[0], "token"} & set(repr(begun.checkpoint).replace("'", " ").split())
    assert IDS[0] not in repr(begun.checkpoint)


def test_an_id_that_was_erased_while_pages_came_does_not_come_back(begun):
    add(begun, "a", newest_id=IDS[0], newest_time=7, since_id=IDS[1], since_time=5)
    erased = replace(begun.checkpoint, newest_id=None, since_id=None)
    checkpoint.save(erased, KEY.seal)
    add(begun, "b")
    state = reopened().checkpoint
    assert (state.newest_id, state.newest_time) == (None, 7)
    assert (state.since_id, state.since_time) == (None, 5)


def test_a_file_that_lost_pages_is_an_error_and_not_fewer_pages(begun):
    add(begun, "a", "b")
    file = paths.inside(collected.PAGES, begun.checkpoint.file)
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
        add(collected.begin(KEY, QUERY, day), page, day=day)
    first, second, third = names()
    assert collected.expire(17, "2026-05-20") == []
    assert collected.expire(16, "2026-05-20") == [first]
    assert collected.erase([second, "unknown"]) == [second]
    assert names() == [third]
    counts = {"pages": 1, "posts": 10, "first": "2026-05-04", "last": "2026-05-04"}
    assert collected.ledger() == {
        first: {
            "state": "expired", "pages": 2, "posts": 20, "first": DAY, "last": "2026-05-03",
        },
        second: {"state": "erased", **counts},
        third: {"state": "held", **counts, "first": "2026-05-20", "last": "2026-05-20"},
    }  # fmt: skip
    # The name of what is gone is not given again.
    add(collected.begin(KEY, QUERY, DAY), "e")
    assert names()[-1].startswith("000004_")


def test_a_run_whose_file_has_expired_goes_on_in_another(begun):
    add(begun, "a", next_token="to b", newest_id=IDS[0])
    collected.expire(1, "2026-06-01")
    again = reopened("2026-06-01")
    assert again.checkpoint.file == "000002_2026-06-01.jsonl.sealed"
    assert (again.checkpoint.next_token, again.checkpoint.newest_id) == ("to b", IDS[0])
    add(again, "b", day="2026-06-01")
    assert (held(), again.checkpoint.read, again.checkpoint.lines) == (["b"], 20, 1)


def test_a_run_that_goes_on_another_day_has_another_file_so_that_each_expires_on_its_own(begun):
    add(begun, "a", next_token="to b")
    begun.append(b"b")
    again = reopened("2026-05-02")
    assert (again.cut, again.checkpoint.next_token) == (1, "to b")
    add(again, "b", day="2026-05-02")
    assert held() == ["a", "b"]
    assert collected.expire(1, "2026-05-03") == [begun.checkpoint.file]
    assert held() == ["b"]


@pytest.mark.parametrize("content", ["", "[]", '{"a": {}}', '{"a": {"state": "gone"}}', "{"])
def test_a_damaged_ledger_is_an_error(begun, content):
    paths.inside(collected.LEDGER).write_text(content)
    with pytest.raises(ValueError, match=r"ledger.json is damaged; restore it"):
        collected.begin(KEY, QUERY, DAY)


def test_pages_are_kept_for_a_day_at_least(begun):
    with pytest.raises(ValueError, match="for at least a day, got 0 days"):
        collected.expire(0, DAY)


def test_of_two_collections_at_once_one_is_refused(project):
    refused = pytest.raises(BlockingIOError, match="another collection is running")
    with collected.alone(), refused, collected.alone():
        pass
    with collected.alone():
        pass


def test_what_was_spent_this_month_outlives_a_restart_and_a_change_of_price(project):
    spend = Spend(post=0.005, user=0.01)
    assert spend.total("2026-05") == {"posts": 0, "users": 0, "price": 0}
    spend.add(100, 40, "2026-05-01")
    spend.add(100, 1, "2026-05-31")
    spend.add(1, 0, "2026-06-01")
    dearer = Spend(post=1, user=1)
    dearer.add(1, 1, "2026-05-31")
    dearer.add(-1, 0, "2026-05-31")
    assert Spend(1, 1).total("2026-05") == {"posts": 200, "users": 42, "price": 2.41}
    assert Spend(1, 1).total("2026-06") == {"posts": 1, "users": 0, "price": 0.005}
    today = time.strftime("%Y-%m-%d", time.gmtime())
    spend = Spend(1, 1)
    spend.add(7, 0, today)
    assert spend.total()["posts"] == 7


def test_what_was_spent_is_told_by_month(project):
    assert by_month() == {}
    spend = Spend(post=0.005, user=0.01)
    for day in ("2026-06-02", "2026-05-01", "2026-05-31"):
        spend.add(100, 40, day)
    assert by_month() == {
        "2026-05": {"posts": 200, "users": 80, "price": 1.8},
        "2026-06": {"posts": 100, "users": 40, "price": 0.9},
    }


def test_prices_add_up_without_a_rest(project):
    spend = Spend(post=0.1, user=0.2)
    for _ in range(30):
        spend.add(1, 1, DAY)
    assert spend.total("2026-05")["price"] == 9.0


@pytest.mark.parametrize("content", ["", "[]", '{"May": {}}', '{"2026-05-01": {"posts": 1}}'])
def test_a_damaged_spend_is_an_error_and_not_nothing(project, content):
    Spend(1, 1).add(1, 1, DAY)
    paths.inside(FILE).write_text(content)
    with pytest.raises(ValueError, match=r"spend.json is damaged, so nobody can tell what was sp"):
        Spend(1, 1)


def test_a_day_that_is_none_is_refused(project):
    with pytest.raises(ValueError, match="YYYY-MM-DD"):
        Spend(1, 1).add(1, 1, "today")


def test_git_ignores_what_was_collected_and_dvc_may_depend_on_its_pages(request):
    root = request.config.rootpath
    ignored = ["git", "check-ignore", "-q", f"{collected.PAGES}/1.jsonl.sealed"]
    assert subprocess.run(ignored, cwd=root, check=False).returncode == 0
    assert "collect" not in (root / ".dvcignore").read_text()

"""What was received and is not scored waits in memory or sealed on disk, in order."""

import json
import random
import threading

import pytest

from customer_profiles.collect.folder import PAGES, PagesFolder
from customer_profiles.collect.stream import disk_queue
from customer_profiles.collect.stream.disk_queue import DiskQueue
from customer_profiles.posts import archive
from customer_profiles.posts.formats import rewriting
from customer_profiles.privacy.keys.key import AnotherKey, Key
from customer_profiles.project import paths
from tests.collect.collecting import opened

KEY, OTHER = Key(bytes(range(32))), Key(bytes(range(1, 33)))
LINES = [b'{"n": %d}' % n for n in range(30)]


@pytest.fixture
def queue(project):
    return DiskQueue(KEY)


def put(to, *lines):
    for line in lines:
        to.put([line], 1)


def all_of(of, most=7):
    """Everything that is there, taken and marked batch by batch."""
    of.close()
    lines_taken = []
    while lines := of.take(most, 0):
        lines_taken += lines
        of.done()
    return lines_taken


def files():
    return sorted(paths.inside(PAGES).iterdir())


def on_disk():
    return [line.encode() for file in files() for line in archive.lines(file, KEY.unseal)]


def test_lines_come_back_in_order_a_batch_at_a_time(queue):
    put(queue, *LINES)
    assert queue.take(4, 0) == LINES[:4]
    queue.done()
    assert queue.waiting == 26
    assert all_of(queue) == LINES[4:]
    assert queue.ended


def test_what_is_put_is_on_disk_sealed_before_it_counts(queue):
    queue.put(LINES[:3], 3)
    assert on_disk() == LINES[:3]
    assert all(line not in file.read_bytes() for file in files() for line in LINES[:3])


def test_order_is_kept_while_lines_come_and_go(queue):
    lines_taken = []
    for start in range(0, 30, 3):
        queue.put(LINES[start : start + 3], 3)
        lines_taken += queue.take(2, 0)
        queue.done()
    assert queue.waiting == 10
    lines_taken += all_of(queue, 4)
    assert lines_taken == LINES


def test_what_was_not_marked_as_scored_is_given_again_after_a_kill(queue):
    put(queue, *LINES[:10])
    queue.take(4, 0)
    queue.done()
    queue.take(4, 0)  # and nobody says that it was scored
    again = DiskQueue(KEY)
    assert again.waiting == 6
    put(again, *LINES[10:12])
    assert all_of(again) == LINES[4:12]
    assert all_of(DiskQueue(KEY)) == []
    assert on_disk() == LINES[:12]


def test_a_line_that_a_kill_cut_in_half_is_no_line(queue):
    put(queue, *LINES[:3])
    (file,) = files()
    with file.open("ab") as torn:
        torn.write(KEY.seal(LINES[3])[:50])
    again = DiskQueue(KEY)
    put(again, LINES[4])
    assert all_of(again) == [*LINES[:3], LINES[4]]


def test_lines_of_several_files_and_of_other_collections_are_told_apart(queue):
    put(queue, *LINES[:3])
    other = opened("0" * 64, "2026-05-01")
    other.append(b"of another collection")
    (first, _) = files()
    first.rename(first.with_name("000001_2026-05-01.jsonl.sealed"))  # and another day begins
    state = paths.inside(disk_queue.STATE)
    state.write_text(state.read_text().replace(first.name, "000001_2026-05-01.jsonl.sealed"))
    again = DiskQueue(KEY)
    put(again, *LINES[3:6])
    assert len(files()) == 3
    assert all_of(again, 2) == LINES[:6]


def test_erasure_may_rewrite_a_file_while_its_lines_wait(project):
    queue = DiskQueue(KEY)
    put(queue, *LINES[:6])
    assert queue.take(2, 0) == LINES[:2]
    queue.done()
    (file,) = files()
    lines = [line.encode() for line in archive.lines(file, KEY.unseal)]
    rewriting.rewrite(file, {None: [*lines[:3], b"", *lines[4:]]}, KEY.seal)
    put(queue, LINES[6])
    assert all_of(queue) == [LINES[2], *LINES[4:7]]


def test_lines_of_a_file_that_has_expired_are_passed_over(project):
    queue = DiskQueue(KEY)
    put(queue, *LINES[:6])
    queue.take(2, 0)
    queue.done()
    files()[0].unlink()
    put(queue, LINES[6])
    assert all_of(queue) == [LINES[6]]


def test_a_damaged_line_costs_no_other(project):
    queue = DiskQueue(KEY)
    put(queue, *LINES[:3])
    (file,) = files()
    first, second, third = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(first + second[:40] + b"?" + second[41:] + third)
    assert all_of(queue) == [LINES[0], LINES[2]]
    assert queue.damaged == 1


def test_lines_of_another_key_are_not_passed_over(queue):
    put(queue, *LINES[:3])
    with pytest.raises(AnotherKey):
        DiskQueue(OTHER).take(2, 0)


def test_a_damaged_state_is_refused(queue):
    put(queue, LINES[0])
    paths.inside(disk_queue.STATE).write_text('{"files": 5}')
    with pytest.raises(ValueError, match=r"stream\.json is damaged: restore it, or remove it"):
        DiskQueue(KEY)


def test_the_ledger_tells_what_the_files_hold(queue):
    queue.put(LINES[:3], 5)
    all_of(queue)
    (entry,) = PagesFolder().ledger().values()
    assert (entry.state, entry.pages, entry.posts) == ("held", 3, 5)


def test_what_is_kept_beside_outlives_a_restart(queue):
    put(queue, LINES[0])
    queue.keep(heard=12.5, gaps=[(1, 2)])
    again = DiskQueue(KEY)
    assert (again.state.heard, again.state.gaps) == (12.5, [(1, 2)])
    assert again.waiting == 1


def test_a_full_disk_is_told_and_what_was_received_stays(small_disk, monkeypatch):
    (small_disk / "dvc.yaml").touch()
    monkeypatch.chdir(small_disk)
    queue = DiskQueue(KEY)
    put(queue, *LINES[:3])
    noise = [random.Random(n).randbytes(2**18) for n in range(20)]  # noqa: S311
    with pytest.raises(OSError, match="could not be written"):
        queue.put(noise, 1)
    assert queue.take(9, 0) == LINES[:3]
    assert on_disk() == LINES[:3]


def test_one_thread_puts_while_another_takes(project):
    queue, lines_taken = DiskQueue(KEY), []

    def take():
        while lines := queue.take(5, 2):
            lines_taken.extend(lines)
            queue.done()

    taker = threading.Thread(target=take)
    taker.start()
    for start in range(0, 30, 2):
        queue.put(LINES[start : start + 2], 2)
    queue.close()
    taker.join()
    assert lines_taken == LINES
    assert json.loads(paths.inside(disk_queue.STATE).read_text())["files"][-1][1] == 30


def test_lag_is_the_age_of_the_oldest_line_that_is_not_scored(queue):
    assert queue.lag == 0
    put(queue, *LINES[:2])
    first = queue.lag
    queue.take(1, 0)
    assert queue.lag > first > 0  # taken is not scored
    queue.done()
    all_of(queue)
    assert queue.lag == 0

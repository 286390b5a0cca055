"""The benchmark of collecting counts what is lost, doubled and hangs."""

import time

import pytest
from x_collecting import KEY

from customer_profiles import collected
from customer_profiles.bench import collection
from customer_profiles.bench.collection import Scenario


def finds(_, lost, doubled):
    return lost, doubled


def hangs(_):
    time.sleep(600)


def test_there_are_enough_scenarios_of_both_ways_and_each_has_a_name_of_its_own():
    names = [scenario.name for scenario in collection.scenarios()]
    assert len(set(names)) == len(names) > 25
    for way in ("recent", "mentions"):
        assert sum(name.startswith(f"{way}: killed") for name in names) == 10
        assert f"{way}: repeated posts" in names


def test_what_scenarios_lose_double_and_how_many_hang_is_added_up():
    endless = Scenario("c", hangs, (), patience=0.1)
    chosen = [Scenario("a", finds, (2, 1)), Scenario("b", finds, (1, 0)), endless]
    assert collection.disturbed(chosen) == {
        "scenarios": 3, "lost": 3, "duplicated": 1, "hangs": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("pages", "found"),
    [
        (["12", "3"], (0, 0)),
        (["12"], (1, 0)),
        (["12", "23"], (0, 1)),
        (["112", "3"], (0, 0)),  # X's own doing
        (["1", "1", "1"], (2, 2)),
    ],
)
def test_posts_that_are_missing_or_on_two_pages_are_found(project, pages, found):
    assert KEY.fingerprint() == collection.Vault(collection.KEY).fingerprint()
    held = collected.begin(KEY, "digest", "2026-05-01")
    for page in pages:
        posts = ", ".join(f'{{"id": "{number}"}}' for number in page)
        held.append(f'{{"data": [{posts}]}}'.encode())
    assert collection._compared(["1", "2", "3"]) == found

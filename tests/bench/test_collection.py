"""The benchmark of collecting counts what is lost, doubled and hangs."""

import time

import pytest
from pymongo import MongoClient

from customer_profiles.bench import collection, live, scenarios
from customer_profiles.bench.scenarios import Scenario
from tests.collect.collecting import KEY, opened


def finds(lost, doubled):
    return lost, doubled


def hangs():
    time.sleep(600)


def test_there_are_enough_scenarios_of_each_way_and_each_has_a_name_of_its_own():
    every = [*collection.disturbed(), *live.disturbed()]
    names = [(scenario.way, scenario.name) for scenario in every]
    assert len(set(names)) == len(names)
    for way in ("recent", "mentions", "stream"):
        of_way = [name for each, name in names if each == way]
        assert sum(name.startswith("killed") for name in of_way) == 10
        assert len(of_way) >= 35
    assert {("recent", "repeated posts"), ("stream", "silence"), ("stream", "503, in a gap")} <= {
        *names
    }


@pytest.mark.long
def test_what_scenarios_lose_double_and_how_many_hang_is_added_up():
    chosen = [
        Scenario("recent", "a", finds, (2, 1)),
        Scenario("stream", "a", finds, (1, 0)),
        Scenario("recent", "b", hangs, (), patience=0.1),
    ]
    assert scenarios.disturb(chosen) == {
        "scenarios": 3, "lost": 3, "duplicated": 1, "hangs": 1,
        "table": {
            "recent": {"a": "2 lost, 1 twice", "b": "hangs"}, "stream": {"a": "1 lost, 0 twice"},
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    ("pages", "expected"),
    [
        (["12", "3"], (0, 0)),
        (["12"], (1, 0)),
        (["12", "23"], (0, 1)),
        (["112", "3"], (0, 0)),  # X's own doing
        (["1", "1", "1"], (2, 2)),
    ],
)
def test_posts_that_are_missing_or_on_two_pages_are_found(project, pages, expected):
    assert KEY.fingerprint() == collection.Key(scenarios.KEY).fingerprint()
    folder = opened("digest", "2026-05-01")
    for page in pages:
        posts = ", ".join(f'{{"id": "{number}"}}' for number in page)
        folder.append(f'{{"data": [{posts}]}}'.encode())
    assert collection._compared(["1", "2", "3"]) == expected


def test_posts_that_the_database_lacks_or_has_beyond_are_found(project, mongodb, monkeypatch):
    monkeypatch.setenv("MONGODB_URI", mongodb)
    with MongoClient(mongodb) as client:
        client.drop_database("compared")
        stored = [KEY.pseudonym("post", number) for number in ("1", "2", "4")]
        client["compared"].observations.insert_many([{"_id": number} for number in stored])
        assert live._compared("compared", ["1", "2"]) == (0, 1)
        assert live._compared("compared", ["1", "2", "3", "4", "5"]) == (2, 0)
        client.drop_database("compared")

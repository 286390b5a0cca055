"""The live stream from a loopback X into a real MongoDB: every post once, whatever goes wrong."""

import base64
import hashlib
import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import pandas as pd
import pytest
from pymongo import MongoClient

from customer_profiles.bench import live
from customer_profiles.bench.loopback.faults import TOKEN
from customer_profiles.bench.loopback.stream import CLOSE, XStream
from customer_profiles.bench.loopback.stream import fresh as posts
from customer_profiles.collect.budget import BudgetReached, Spend
from customer_profiles.collect.folder import PAGES, PagesFolder
from customer_profiles.collect.stream import stream
from customer_profiles.collect.stream.disk_queue import DiskQueue
from customer_profiles.collect.stream.receiver import Pace
from customer_profiles.collect.stream.stream import Stream
from customer_profiles.collect.x_api import errors
from customer_profiles.commands.app import main
from customer_profiles.posts import archive
from customer_profiles.privacy.keys import tombstones
from customer_profiles.privacy.keys.key import Key
from customer_profiles.store import connection, profiles

ROOT = Path(__file__).parents[3]
SECRET = bytes(range(32))
KEY = Key(SECRET)
SAMPLE = b"the shipped sample of customer-profiles"  # what the public key is made of
SCORER = "5c0" * 5 + "1"
PACE = Pace(seconds=0.05, status=0.1, overlap=1.0, settle=0.1)
FOREIGN = {"id": "1600000000000000001", "value": "Crumble", "tag": "theirs"}
TODAY = datetime.now(UTC).date().isoformat()


def rate(texts):
    """Everybody is pleased."""
    same = {"polarity": 0.9, "subjectivity": 0.8, "label": "positive"}
    return pd.DataFrame([same] * len(texts), columns=list(same))


MODEL = stream.Model(rate, SCORER, ["en"])


class Slow:
    """A model that waits until it is let go."""

    def __init__(self):
        self.go, self.called = threading.Event(), threading.Event()

    def __call__(self, texts):
        self.called.set()
        assert self.go.wait(120)
        return rate(texts)


@pytest.fixture
def settings(project):
    """Function that writes params.yaml for a loopback X, with other settings."""

    def write(x, **changed):
        text = (ROOT / "params.yaml").read_text(encoding="utf-8")
        changed = {"handles": "[tindlewick]", "keywords": "[Tindlewick]", "budget": "50.0",
                   "host": x.address} | changed  # fmt: skip
        for name, value in changed.items():
            text, times = re.subn(rf"(?m)^  {name}: .*$", f"  {name}: {value}", text)
            assert times == 1, name
        (project / "params.yaml").write_text(text, encoding="utf-8")

    return write


@pytest.fixture
def target(project, mongodb, monkeypatch):
    """The database that the stream writes to."""
    monkeypatch.setenv("MONGODB_URI", mongodb)
    monkeypatch.setenv("X_BEARER_TOKEN", TOKEN)
    monkeypatch.setenv("CUSTOMER_PROFILES_KEY", base64.urlsafe_b64encode(SECRET).decode())
    with MongoClient(mongodb) as client:
        database = client[KEY.audience(PAGES)]
        client.drop_database(database)
        yield database
        client.drop_database(database)


@contextmanager
def running(rate=rate, pace=PACE):
    """A stream that runs beside the block and comes to its end, without an error, behind it."""
    stopping = threading.Event()
    running = Stream(MODEL._replace(rate=rate), stopping, pace)
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(running.run)
        try:
            yield running
        finally:
            stopping.set()
            run.result()


def run_to_its_end():
    Stream(MODEL, threading.Event(), PACE).run()


def until(condition, seconds=120.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def rows(database):
    """The stored observations, unsealed."""
    return profiles.read(database, "observations", KEY).to_dict("records")


def ids(of):
    return sorted(KEY.pseudonym("post", post["id"]) for post in of)


def stored(database):
    return sorted(row["_id"] for row in database.observations.find())


def test_posts_arrive_once_scored_and_without_text(target, settings):
    written = posts(12)
    with XStream() as x:
        settings(x)
        with running() as run:
            x.wait(1)
            x.write(*written, written[3], written[0])
            until(lambda: run.receiver.received == 14)
    assert stored(target) == ids(written)
    number = KEY.pseudonym("post", written[1]["id"])
    (row,) = (row for row in rows(target) if row["_id"] == number)
    today = date.fromisoformat(TODAY)
    assert row == {
        "_id": number, "author": KEY.pseudonym("author", written[1]["author_id"]),
        "origin": "stream", "scorer": SCORER, "day": TODAY, "label": "positive", "flag": "",
        "polarity": 0.9, "subjectivity": 0.8, "favorites": 1, "retweets": 1, "followers": 40,
        "following": 30, "listed": 1, "account_posts": 20, "verified": False, "protected": False,
        "account_age": 12 * (today.year - 2019) + today.month - 3,
    }  # fmt: skip
    readable = {"_id", "author", "origin", "scorer", "month", "sealed"}
    assert target.observations.find_one({"_id": number}).keys() == readable
    assert target.profiles.count_documents({}) == 7
    assert target.state.find_one({"_id": "profiles"})["stale"] is False


def test_the_sealed_pages_hold_the_same_posts_for_a_later_repro(target, settings):
    written = posts(5)
    with XStream() as x:
        settings(x)
        with running() as run:
            x.wait(1)
            x.write(*written)
            until(lambda: run.receiver.received == 5)
    conversation = archive.read(Path(PAGES), KEY.unseal)
    assert sorted(conversation.posts["post_id"]) == sorted(post["id"] for post in written)
    (entry,) = PagesFolder().ledger().values()
    assert (entry.pages, entry.posts, entry.last) == (5, 5, TODAY)


def test_an_erased_author_and_an_erased_post_stay_away(target, settings):
    written = posts(12)
    author = KEY.pseudonym("author", written[0]["author_id"])
    tombstones.add(KEY.fingerprint(), {KEY.mark(author): "author"})
    target.tombstones.insert_one({"_id": KEY.mark(ids(written[1:2])[0]), "kind": "post"})
    left = [post for post in written[2:] if post["author_id"] != written[0]["author_id"]]
    with XStream() as x:
        settings(x)
        with running() as run:
            x.wait(1)
            x.write(*written)
            until(lambda: run.receiver.received == 12)
    assert stored(target) == ids(left)
    assert author not in {row["_id"] for row in target.profiles.find()}


def test_posts_that_are_too_old_or_of_the_future_are_left_out(target, settings):
    old, future, new = posts(3)
    old |= {"created_at": "2020-01-01T00:00:00.000Z"}
    future |= {"created_at": "2099-01-01T00:00:00.000Z"}
    with XStream() as x:
        settings(x, expire_days=30)
        with running() as run:
            x.wait(1)
            x.write(old, future, new)
            until(lambda: run.receiver.received == 3)
    assert stored(target) == ids([new])


def test_a_post_of_the_archive_stays_as_it_is(target, settings, seal):
    written = posts(2)
    with XStream() as x:
        settings(x)
        with running():
            x.wait(1)
            x.write(*written)
            until(lambda: target.observations.count_documents({}) == 2)
            (first,), (second,) = ids(written[:1]), ids(written[1:])
            table = profiles.read(target, "observations", KEY).set_index("_id", drop=False)
            of_archive = seal(table.loc[[first]].assign(origin="archive", polarity=0.3), key=KEY)
            target.observations.replace_one({"_id": first}, *of_archive)
            x.write(*written)
    assert {row["_id"]: (row["origin"], row["polarity"]) for row in rows(target)} == {
        first: ("archive", 0.3), second: ("stream", 0.9),
    }  # fmt: skip


def test_what_only_a_foreign_rule_sends_is_left_out_but_paid_for(target, settings):
    ours, theirs = posts(1), posts(1, ["Crumble somewhere else"])
    with XStream(rules=[FOREIGN]) as x:
        settings(x)
        with running() as run:
            x.wait(1)
            x.write(*theirs, *ours)
            until(lambda: run.receiver.received == 1)
    assert stored(target) == ids(ours)
    assert len(list(archive.lines(next(Path(PAGES).iterdir()), KEY.unseal))) == 1
    assert Spend(0, 0).total() == {"posts": 2, "users": 2, "price": 0.03}
    assert FOREIGN["id"] in x.rules


def test_a_line_without_a_text_or_an_author_costs_no_other(target, settings):
    written = posts(2)
    textless, authorless = ({**posts(1)[0], name: None} for name in ("text", "author_id"))
    with XStream() as x:
        settings(x)
        with running() as run:
            x.wait(1)
            x.say(*(x.line(written[0], data=data) for data in (textless, authorless)))
            until(lambda: run.receiver.received == 2)
            x.write(written[1])
            until(lambda: run.receiver.received == 3)
    assert stored(target) == ids(written[1:])


def test_a_gap_is_filled_by_search_and_nothing_is_written_twice(target, settings, caplog):
    before = posts(3)
    with XStream() as x, caplog.at_level(logging.INFO):
        settings(x)
        with running() as run:
            x.wait(1)
            x.write(*before)
            until(lambda: run.receiver.received == 3)
            x.lose()
            x.write(*(lost := posts(4)))
            x.wait(2)
            x.write(*(after := posts(2)))
            until(lambda: target.observations.count_documents({}) == 9)
            until(lambda: "gaps 1 (1 filled)" in run.receiver.status())
    assert stored(target) == ids([*before, *lost, *after])
    assert [seen.path for seen in x.requests].count("/2/tweets/search/recent") == 1
    assert re.search(r"a gap of \d+ s is filled: \d+ posts were found", caplog.text)


def test_a_gap_that_x_refuses_to_search_is_left_to_the_next_run(target, settings, caplog):
    with XStream() as x:
        settings(x)
        with running():
            x.wait(1)
            x.lose()
            x.write(*(lost := posts(2)))
            x.faults = ["401"]
            x.wait(2)
            until(
                lambda: "at the next start: X does not know the bearer token (401)" in caplog.text
            )
            x.stay(x.keep_alives + 5)
        assert [seen.path for seen in x.requests].count("/2/tweets/search/recent") == 1
        assert stored(target) == []
        with running():
            until(lambda: target.observations.count_documents({}) == 2)
    assert stored(target) == ids(lost)


def test_a_gap_that_was_not_filled_is_filled_by_the_next_run(target, settings):
    with XStream() as x:
        settings(x)
        with running(pace=Pace(seconds=0.05, overlap=1.0, settle=1000)) as run:
            x.wait(1)
            x.lose()
            x.write(*(lost := posts(2)))
            x.wait(2)
            until(lambda: "gaps 1 (0 filled)" in run.receiver.status())
        assert stored(target) == []
        with running():
            until(lambda: target.observations.count_documents({}) == 2)
    assert stored(target) == ids(lost)


def test_an_end_while_x_is_away_leaves_a_gap_for_the_next_run(target, settings):
    with XStream() as x:
        settings(x)
        with running() as run:
            # Not x.wait(1): who never saw a connection has not lost one.
            until(lambda: run.receiver.connected)
            x.refusals = ["503"]
            x.lose()
            x.write(*(lost := posts(3)))
            until(lambda: not run.receiver.connected)
        assert stored(target) == []
        with running():
            x.wait(2)
            until(lambda: target.observations.count_documents({}) == 3)
    assert stored(target) == ids(lost)


def test_a_clean_end_leaves_no_gap(target, settings):
    with XStream() as x:
        settings(x)
        for runs in (1, 2):
            with running() as run:
                x.wait(runs)
            assert "gaps 0" in run.receiver.status()


def test_a_gap_of_before_is_not_forgotten_by_a_run_that_does_not_connect(target, settings):
    backlog = DiskQueue(KEY)
    backlog.keep(heard=12.5, gaps=[])
    with XStream(refusals=["401"]) as x:
        settings(x)
        with pytest.raises(errors.Unauthorized):
            run_to_its_end()
    assert DiskQueue(KEY).state.heard == 12.5


def test_what_is_scored_too_slowly_waits_on_disk_and_none_is_lost(target, settings, caplog):
    written, slow = posts(60), Slow()
    pace = Pace(posts=10, seconds=0.05, status=0.05)
    with XStream() as x, caplog.at_level(logging.INFO):
        settings(x)
        with running(slow, pace) as run:
            x.wait(1)
            x.write(*written)
            until(lambda: run.receiver.received == 60)
            assert slow.called.wait(120)
            assert (run.scored, run.receiver.backlog.waiting) == (0, 60)
            slow.go.set()
    assert stored(target) == ids(written)
    status = [line for line in caplog.messages if line.startswith("received")][-1]
    assert status.startswith("received 60 posts, scored 60, lag 0.0 s; reconnects 0, gaps 0")
    assert "waiting on disk 0;" in status


@pytest.mark.long
def test_a_database_that_is_killed_comes_back_and_misses_nothing(
    target, settings, monkeypatch, caplog
):
    monkeypatch.delenv("MONGODB_URI")  # the embedded one, which is started again
    before, after = posts(5), posts(5)
    with XStream() as x:
        settings(x)
        with running() as run:
            x.wait(1)
            x.write(*before)
            until(lambda: run.scored == 5)
            with connection.database(run.database) as own:
                os.kill(own.client.admin.command("serverStatus")["pid"], signal.SIGKILL)
            x.write(*after)
            until(lambda: run.scored == 10)
        with connection.database(run.database) as own:
            assert stored(own) == ids([*before, *after])
    assert "received posts wait on disk meanwhile" in caplog.text


def test_a_search_that_may_cost_more_than_is_left_is_not_made(target, settings):
    with XStream() as x:
        settings(x, budget=0.14)  # not enough for ten posts and their authors
        x.when(1, lambda: x.lose())
        with pytest.raises(BudgetReached, match=r"can cost \$0.15, .* budget of \$0.14"):
            run_to_its_end()
    assert "/2/tweets/search/recent" not in [seen.path for seen in x.requests]
    assert Spend(0, 0).total()["price"] == 0


def test_the_stream_ends_with_a_sentence_when_the_budget_is_used_up(target, settings):
    with XStream() as x:
        settings(x, budget=0.05)
        x.when(1, lambda: x.write(*posts(4)))
        with pytest.raises(BudgetReached, match=r"is used up, \$0.06 of \$0.05: raise budget"):
            run_to_its_end()
        assert stream.command(lambda: MODEL, PACE) == 3
    assert x.connects == 1
    assert target.observations.count_documents({}) == 4


@pytest.mark.parametrize(
    ("refusal", "sentence"),
    [("401", "make a new one for your app"), ("403", "must include the filtered stream")],
)
def test_a_refusal_ends_the_stream_after_all_that_was_received_is_scored(
    target, settings, refusal, sentence
):
    written = posts(3)
    with XStream() as x:
        settings(x)
        x.refusals = [None, refusal]
        x.when(1, lambda: (x.write(*written), x.say(CLOSE)))
        with pytest.raises(errors.XError, match=sentence):
            run_to_its_end()
    assert stored(target) == ids(written)


def test_the_public_demonstration_key_is_refused(target, settings, monkeypatch):
    public = base64.urlsafe_b64encode(hashlib.sha256(SAMPLE).digest()).decode()
    monkeypatch.setenv("CUSTOMER_PROFILES_KEY", public)
    with XStream() as x:
        settings(x)
        with pytest.raises(ValueError, match="public demonstration key"):
            run_to_its_end()
    assert x.requests == []


def test_two_streams_at_once_are_refused(target, settings):
    with XStream() as x:
        settings(x)
        with (
            PagesFolder().single_run(),
            pytest.raises(BlockingIOError, match="another collection is running"),
        ):
            stream.stream(MODEL, threading.Event(), PACE)


def test_without_a_model_the_stage_to_run_is_named(project):
    with pytest.raises(FileNotFoundError, match=r"sentiment is missing.*`dvc repro finetune`"):
        stream.model()
    (project / "data/models/sentiment").mkdir(parents=True)
    with pytest.raises(ValueError, match=r"sentiment has no .*card.json; run `dvc repro finetune`"):
        stream.model()


def test_the_bench_measures_a_stream_of_its_own(project):
    (project / "params.yaml").write_bytes((ROOT / "params.yaml").read_bytes())
    figures = live.streamed(MODEL, 200.0, 1.0, Pace(posts=50, seconds=0.05))
    assert (figures["posts"], figures["lost"], figures["duplicated"]) == (200, 0, 0)
    assert figures["waiting_most"] > 0
    assert sorted(path.name for path in project.iterdir()) == ["dvc.yaml", "params.yaml"]


# As the command does, but for the model: rates a post in `argv[1]` seconds, and has a disk on which
# a file can have `argv[2]` bytes, if that is not 0.
PROGRAM = """
import resource, sys, time
import pandas as pd
from customer_profiles.collect.stream import stream
from customer_profiles.collect.stream.receiver import Pace
from customer_profiles.commands.app import main

def rate(texts):
    time.sleep(len(texts) * float(sys.argv[1]))
    same = {"polarity": 0.9, "subjectivity": 0.8, "label": "positive"}
    return pd.DataFrame([same] * len(texts), columns=list(same))

pace = Pace(posts=5, seconds=0.05, status=0.05, overlap=1.0, settle=0.1)
if limit := int(sys.argv[2]):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
model = stream.Model(rate, "5c0" * 5 + "1", ["en"])
stream.model, stream.Pace = lambda: model, lambda: pace
sys.exit(main(["stream"]))
"""


@pytest.fixture
def start(project):
    """Function that starts the command; what is left of it is killed in the end."""
    started = []

    def begin(seconds, limit=0):
        command = [sys.executable, "-c", PROGRAM, str(seconds), str(limit)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
        started.append(
            subprocess.Popen(
                command, cwd=project, env=environment, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            )
        )  # fmt: skip
        return started[-1]

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def received():
    """Number of lines on disk, in a state of any age."""
    folder = Path(PAGES)
    files = folder.iterdir() if folder.is_dir() else ()
    return sum(file.read_bytes().count(b"\n") for file in files)


def test_a_signal_ends_the_stream_after_all_that_was_received_is_scored(target, settings, start):
    written = posts(30)
    with XStream() as x:
        settings(x)
        process = start(0.01)
        x.wait(1)
        x.write(*written)
        until(lambda: received() == 30)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=300)
        x.write(*posts(3))
    assert process.returncode == 0, output
    assert stored(target) == ids(written)
    assert "stopping: no more is read, what was received is scored first" in output
    assert "received 30 posts, scored 30, lag 0.0 s" in output.splitlines()[-1]
    for secret in (TOKEN, "Tindlewick again", written[0]["id"], written[0]["author_id"]):
        assert secret not in output


@pytest.mark.long
def test_a_kill_loses_nothing_that_was_received_and_the_gap_is_filled(target, settings, start):
    written = posts(30)
    with XStream() as x:
        settings(x)
        process = start(0.2)
        x.wait(1)
        x.write(*written)
        until(lambda: received() == 30 and target.observations.count_documents({}) >= 5)
        # Not while it writes: its lease would keep the next one waiting for ten seconds.
        until(lambda: target.leases.find_one()["until"].year == 1970)
        process.kill()
        process.wait()
        x.lose()
        scored = target.observations.count_documents({})
        x.write(*(lost := posts(3)))
        with running() as run:
            x.wait(2)
            x.write(*(after := posts(2)))
            until(lambda: target.observations.count_documents({}) == 35)
    assert 5 <= scored < 30
    assert stored(target) == ids([*written, *lost, *after])
    assert json.loads(Path("data/collect/stream.json").read_text())["gaps"] == []
    assert run.receiver.failure is None


@pytest.mark.long
def test_a_second_signal_ends_the_stream_at_once_and_the_next_one_scores_what_waits(
    target, settings, start
):
    written = posts(10)
    with XStream() as x:
        settings(x)
        process = start(1000)
        x.wait(1)
        x.write(*written)
        until(lambda: received() == 10)
        process.send_signal(signal.SIGINT)
        while "once more to stop at once" not in (line := process.stdout.readline()):
            assert line
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=300)
        assert (process.returncode, stored(target)) == (130, [])
        assert "stopped by SIGINT; what was received is kept" in output.splitlines()[-1]
        with running():
            until(lambda: target.observations.count_documents({}) == 10)
    assert stored(target) == ids(written)


@pytest.mark.long
def test_a_full_disk_ends_the_stream_with_a_sentence_and_the_next_one_misses_nothing(
    target, settings, start
):
    written = posts(5)
    with XStream() as x:
        settings(x)
        process = start(0, 10_000)
        x.wait(1)
        x.write(*written)
        until(lambda: received() == 5)
        x.write(*(lost := posts(40)))
        output, _ = process.communicate(timeout=300)
        assert process.returncode == 1
        assert 5 <= received() < 45
        assert "could not be written (File too large); make room on the" in output.splitlines()[-1]
        with running():
            until(lambda: target.observations.count_documents({}) == 45)
    assert stored(target) == ids([*written, *lost])


def test_an_error_is_one_sentence_without_a_token(target, settings, caplog, monkeypatch):
    with XStream(refusals=["401"]) as x:
        settings(x)
        monkeypatch.setattr(stream, "model", lambda: MODEL)
        monkeypatch.setenv("TQDM_DISABLE", "1")  # as the command does, for as long as it runs
        assert main(["stream"]) == 1
    assert "error: X does not know the bearer token (401): make a new one" in caplog.messages[-1]
    assert TOKEN not in caplog.text


def test_a_gap_of_before_the_days_of_recent_search_stays_and_that_is_said(target, settings, caplog):
    DiskQueue(KEY).keep(heard=None, gaps=[(1.5e9, 1.5e9 + 60)])
    with XStream() as x:
        settings(x)
        with running():
            until(lambda: "stays" in caplog.text)
    assert "a gap of 60 s in the stream stays: it is older than the seven days" in caplog.text

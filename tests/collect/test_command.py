"""`customer-profiles collect`: what it says and ends with, and no secret in either."""

import json
import logging
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import unquote

import pytest

from customer_profiles.bench.loopback.faults import TOKEN
from customer_profiles.bench.loopback.posts import invented
from customer_profiles.bench.loopback.server import XServer
from customer_profiles.collect.folder import PAGES, PagesFolder
from customer_profiles.commands.app import main
from customer_profiles.posts import archive
from customer_profiles.privacy.keys import keyfile
from customer_profiles.privacy.keys.key import open_key
from customer_profiles.project import params, paths
from tests.collect.collecting import SECTION, TEXTS
from tests.program import PROGRAM

ROOT = Path(__file__).parents[2]
COMMAND = [PROGRAM, "collect"]


def posts(number, every=60):
    return invented(number, time.time(), TEXTS, every)


def post_ids():
    key = open_key(PAGES)
    files = sorted(paths.inside(PAGES).iterdir())
    lines = [line for file in files for line in archive.lines(file, key.unseal)]
    return [post["id"] for line in lines for post in json.loads(line)["data"]]


@pytest.fixture
def ready(project, monkeypatch, caplog):
    """Function that writes params.yaml; there is a token."""
    monkeypatch.setenv("X_BEARER_TOKEN", TOKEN)
    caplog.set_level(logging.INFO)

    def write(x=None, **changes):
        section = SECTION | ({"host": x.address} if x else {}) | changes
        text = json.dumps(params.read(ROOT / "params.yaml") | {"collect": section})
        (project / "params.yaml").write_text(text)

    return write


def files(root):
    return [path for path in root.rglob("*") if path.is_file() and path.name != "params.yaml"]


def test_a_run_says_what_it_has_and_what_is_next(ready, caplog, project):
    with XServer(posts(150)) as x:
        ready(x)
        assert main(["collect"]) == 0
    assert caplog.messages == [
        "made a key, data/secret.key: keep a copy in a safe place. Without it nothing held here "
        "can be matched with its author again, not even to erase it",
        "page 1: 100 posts so far, $0.57 of $100.00 spent this month, requests left: 299",
        "page 2: 150 posts so far, $0.89 of $100.00 spent this month, requests left: 299",
        "collected 150 posts on 2 pages; $0.89 of $100.00 spent this month",
        "next: make repro X_ARCHIVE=data/collect/pages",
    ]
    assert len(post_ids()) == 150
    assert stat.S_IMODE((project / keyfile.FILE).stat().st_mode) == 0o600


def test_a_dry_run_counts_and_prices_and_leaves_nothing(ready, caplog, project):
    with XServer(posts(150)) as x:
        ready(x, budget=1.0)
        assert main(["collect", "--dry-run"]) == 0
        assert [seen.path for seen in x.requests] == ["/2/tweets/counts/recent"]
    assert caplog.messages == [
        "150 posts by X's count, with as many authors at most (of a post one user is read)\n"
        "price: $2.25 at most; a page of 100 costs $1.50 at most\n"
        "time: 1 minutes or more, at X's 450 requests in 15 minutes\n"
        "left of this month's budget: $1.00, which may not be enough for all"
    ]
    assert files(project) == [project / "dvc.yaml"]


def test_a_dry_run_of_mentions_says_that_x_does_not_count_them(ready, caplog):
    ready(scope="mentions", budget=5.0)
    assert main(["collect", "--dry-run"]) == 0
    assert caplog.messages == [
        "X does not count mentions beforehand: a page of 100 costs $1.10 at most, and what is left "
        "of this month's budget, $5.00, pays for 4 pages of that price"
    ]


def test_where_the_budget_ends_the_command_says_how_to_go_on_and_ends_with_3(ready, caplog):
    with XServer(posts(150)) as x:
        ready(x, budget=0.6)
        assert main(["collect"]) == 3
        messages = caplog.messages[-3:]
        ready(x, budget=9.0)
        assert main(["collect"]) == 0
    assert messages[0] == "collected 72 posts on 3 pages; $0.57 of $0.60 spent this month"
    assert messages[1].startswith(
        "the next request can cost $0.15, and of this month's budget of $0.6"
    )
    assert messages[2] == (
        "collected pages are kept; run the same command again to resume, next month or "
        "with a higher budget in section collect of params.yaml"
    )
    assert len(post_ids()) == 150


def test_an_error_of_x_is_one_sentence_and_what_was_collected_stays(ready, caplog):
    with XServer(posts(150), [None, "402"]) as x:
        ready(x)
        assert main(["collect"]) == 1
    assert caplog.messages[-3] == (
        "collected 100 posts on 1 pages; $0.57 of $100.00 spent this month"
    )
    assert "credits" in caplog.messages[-2]
    assert "X says: No credits are left" in caplog.messages[-2]
    assert caplog.messages[-1].startswith("collected pages are kept; run the same command")


@pytest.mark.parametrize("token", [None, "", "two words"])
def test_without_a_token_the_variable_and_where_to_get_one_are_named(
    ready, monkeypatch, caplog, project, token
):
    monkeypatch.delenv("X_BEARER_TOKEN")
    if token is not None:
        monkeypatch.setenv("X_BEARER_TOKEN", token)
    ready()
    assert main(["collect"]) == main(["collect", "--dry-run"]) == 1
    message = caplog.messages[0]
    for part in ("X_BEARER_TOKEN", "console.x.com", "an archive of pages needs none"):
        assert part in message
    assert not (project / "data").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"scope": "everything"}, "scope must be one of recent, all, mentions; got 'everything'"),
        ({"fields": "toot"}, "fields must be one of tweet, post; got 'toot'"),
        ({"budget": 0}, "collect.budget must be a number, above 0; got 0"),
        ({"budget": -1}, "collect.budget must be a number, above 0; got -1"),
        ({"budget": "five"}, "collect.budget must be a number, above 0; got 'five'"),
        ({"post_price": True}, "post_price must be a number, 0 or more; got true"),
        ({"keep_days": 0}, "keep_days must be a whole number, 1 to 36500; got 0"),
        ({"keep_days": 1.5}, "keep_days must be a whole number, 1 to 36500; got 1.5"),
        ({"retweets": "no"}, "retweets must be true or false; got 'no'"),
        ({"handles": "tindlewick"}, "collect.handles must be a list, in brackets"),
        ({"handles": [], "keywords": []}, "the query is empty; name at least one handle"),
        ({"keywords": ["x" * 600]}, "characters and X takes 512 (recent search)"),
        ({"keywords": ["x" * 1100], "scope": "all"}, "and X takes 1024 (all search)"),
        ({"language": "english"}, "language must be a code as X writes it"),
        ({"handles": [], "scope": "mentions"}, "collect.handles must name the brand's own account"),
        ({"handles": ["no handle"], "scope": "mentions"}, "'no handle' is no handle on X"),
        ({"scope": "all", "start": "May"}, "collect.start must be a day in quotes, like"),
        ({"scope": "all", "start": "2999-01-01"}, "start_time is in the future"),
        ({"host": "http://x.invalid"}, "the host of X must be https://"),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused_by_name_before_x_is_asked(
    ready, caplog, changes, message
):
    ready(**changes)
    assert main(["collect"]) == 1
    assert message in caplog.messages[-1]
    assert caplog.messages[-1].startswith("error: ")


def test_a_section_that_is_not_there_is_named(project, caplog):
    values = params.read(ROOT / "params.yaml")
    del values["collect"]
    (project / "params.yaml").write_text(json.dumps(values))
    assert main(["collect"]) == 1
    assert caplog.messages[-1].startswith("error: params.yaml: collect is missing")


def test_another_key_and_a_lost_one_are_told_and_replace_nothing(
    ready, caplog, monkeypatch, project
):
    with XServer(posts(5)) as x:
        ready(x)
        assert main(["collect"]) == 0
        key = project / keyfile.FILE
        kept = key.read_bytes()
        key.unlink()
        assert main(["collect"]) == main(["collect", "--dry-run"]) == 1
        assert "there is no key: CUSTOMER_PROFILES_KEY is not set" in caplog.messages[-1]
        assert not key.exists()
        keyfile.make()
        assert main(["collect"]) == 1
        assert "cannot be opened: it was sealed with the key of fingerprint" in caplog.messages[-1]
        key.write_bytes(kept)
        assert main(["collect"]) == 0


def test_a_damaged_checkpoint_and_a_damaged_spend_stop_the_run(ready, caplog):
    with XServer(posts(5)) as x:
        ready(x)
        assert main(["collect"]) == 0
        x.requests.clear()
        for file in (PagesFolder().checkpoint_files()[0], paths.inside("data/collect/spend.json")):
            whole = file.read_bytes()
            file.write_bytes(whole[:-9])
            assert main(["collect"]) == 1
            assert f"{file.name} is damaged" in caplog.messages[-1]
            file.write_bytes(whole)
        assert x.requests == []


def started(project, *command, **options):
    return subprocess.Popen(
        [*COMMAND, *command], cwd=project, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, **options,
    )  # fmt: skip


def test_no_token_and_no_key_is_in_what_a_run_prints_or_writes(ready, project, monkeypatch):
    with XServer(posts(150), [None, "partial errors", "token in the detail"]) as x:
        ready(x)
        output = started(project).communicate()[0]
        ready(x, keywords=["tea"])
        output += started(project).communicate()[0]
    assert output.count("spent this month\n") == 2
    assert "(400)" in output
    key = (project / keyfile.FILE).read_text()
    written = [path.read_text() for path in files(project) if path.name != "secret.key"]
    for secret in (TOKEN, unquote(TOKEN), "Bearer", key):
        assert secret not in output
        assert not any(secret in text for text in written)


def test_a_signal_ends_a_run_behind_the_page_at_hand(ready, project):
    with XServer(posts(350)) as x:
        ready(x)
        answer = x.answer

        def stopping(*arguments):
            if len(x.requests) == 1:
                running.send_signal(signal.SIGINT)
            return answer(*arguments)

        x.answer = stopping
        running = started(project)
        output = running.communicate()[0]
        assert running.returncode == 130
        assert len(x.requests) == 2
        assert len(post_ids()) == 200
        assert "stopped by SIGINT\ncollected pages are kept; run the same command again" in output
        assert main(["collect"]) == 0
        assert len(post_ids()) == 350


@pytest.mark.parametrize(
    ("fault", "signals", "code"),
    [("429", [signal.SIGTERM], 143), ("hang", [signal.SIGTERM, signal.SIGINT], 130)],
)
def test_a_signal_ends_a_wait_at_once_and_a_second_one_anything(
    ready, project, fault, signals, code
):
    with XServer(posts(150), [None, fault]) as x:
        ready(x)
        running = started(project)
        sign = "waiting" if fault == "429" else "page 1:"
        while sign not in running.stdout.readline():
            pass
        while len(x.requests) < 2:
            time.sleep(0.01)
        for number in signals:
            running.send_signal(number)
            if number != signals[-1]:
                assert "once more to stop at once" in running.stdout.readline()
        output = running.communicate()[0]
    assert running.returncode == code
    assert "collected 100 posts on 1 pages" in output
    assert len(post_ids()) == 100


FULL = """\
import resource, sys
from customer_profiles.commands.app import main
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
sys.exit(main(["collect"]))
"""


def test_a_disk_that_fills_up_in_a_page_loses_nothing_that_was_kept(ready, project):
    with XServer(posts(250)) as x:
        ready(x)
        assert main(["collect"]) == 0
        (file,) = paths.inside(PAGES).iterdir()
        size = file.stat().st_size
        subprocess.run(["rm", "-r", project / "data"], check=True)
        full = subprocess.run(
            [sys.executable, "-c", FULL, str(size // 2)],
            cwd=project, capture_output=True, text=True, env=os.environ, check=False,
        )  # fmt: skip
        assert full.returncode == 1
        assert "could not be written (File too large); make room on the disk" in full.stderr
        assert len(post_ids()) == 100
        assert main(["collect"]) == 0
        assert len(post_ids()) == 250

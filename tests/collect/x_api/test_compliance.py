"""Compliance jobs against a loopback X that misbehaves: every verdict is had, once, in secret."""

import logging
import socket
import threading
import traceback

import pytest

from customer_profiles.bench.loopback.compliance import SIGNATURE
from customer_profiles.bench.loopback.faults import TOKEN
from customer_profiles.bench.loopback.server import XServer
from customer_profiles.bench.loopback.ways import BOUNDS
from customer_profiles.collect.x_api import compliance, errors
from customer_profiles.collect.x_api.client import Client
from customer_profiles.collect.x_api.compliance import Job, Verdict
from customer_profiles.collect.x_api.storage import Storage
from customer_profiles.collect.x_api.transport import Timeouts

IDS = [str(9_000_000_000_000_000_000 + number) for number in range(2500)]
GONE = dict.fromkeys(IDS[::2], "deleted") | {IDS[1]: "suspended"}
WANTED = [Verdict(number, "delete", GONE[number]) for number in IDS if number in GONE]
ON_THE_WAY = ["429", "503", "drop", "reset"]
UP = f"http://127.0.0.1/storage/1/submission?{SIGNATURE}"


def all_verdicts(client, kind="tweets", ids=IDS, storage=None):
    """All verdicts on `ids`."""
    storage = storage or Storage(Timeouts(5, 5, 5))
    job = compliance.create(client, kind)
    compliance.upload(client, storage, job, ids)
    job = compliance.finished(client, job)
    return list(compliance.verdicts(client, storage, job))


@pytest.fixture
def x():
    with XServer() as server:
        server.jobs.deleted = GONE
        yield server


@pytest.mark.parametrize("kind", ["tweets", "users"])
def test_every_id_is_sent_and_every_verdict_had(ask, x, kind):
    x.jobs.looks = 2
    assert all_verdicts(ask(x), kind) == WANTED
    assert x.jobs.uploads == {kind: IDS}


def test_the_signed_addresses_get_no_token_and_no_password(ask, x, tmp_path, monkeypatch):
    (tmp_path / "netrc").write_text("machine localhost login nobody password nothing\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    all_verdicts(ask(x))
    up, down = x.jobs.stored
    assert (up.method, down.method) == ("PUT", "GET")
    for seen in (up, down):
        assert "Authorization" not in seen.headers
        assert TOKEN not in str(seen.headers)
    assert up.headers["Content-Type"] == "text/plain"
    assert up.headers["Content-Length"] == str(20 * len(IDS))
    assert len(x.requests) == 2


@pytest.mark.parametrize("fault", ["429", "503", "reset"])
def test_an_upload_that_breaks_is_done_again(ask, x, fault):
    x.jobs.faults = [fault]
    assert all_verdicts(ask(x)) == WANTED
    assert [seen.method for seen in x.jobs.stored] == ["PUT", "PUT", "GET"]


@pytest.mark.parametrize("fault", [*ON_THE_WAY, "half a line", "no lines", "odd line"])
def test_a_download_that_breaks_is_gone_on_with_and_gives_no_verdict_twice(ask, x, fault):
    x.jobs.faults = [None, fault, fault]
    assert all_verdicts(ask(x)) == WANTED
    assert [seen.method for seen in x.jobs.stored] == ["PUT", "GET", "GET", "GET"]


@pytest.mark.parametrize("fault", ["429", "429 this second", "503", "dropped", "reset"])
def test_a_look_at_a_job_is_repeated_after_a_passing_fault(ask, x, fault):
    x.faults = [None, fault]
    assert all_verdicts(ask(x)) == WANTED
    assert len(x.requests) == 3


@pytest.mark.parametrize("fault", ["429", "503", "dropped", "reset", "truncated"])
def test_a_job_whose_making_was_not_told_is_found_and_used(ask, x, fault):
    x.faults = [fault]
    assert all_verdicts(ask(x)) == WANTED
    assert [seen.method for seen in x.requests] == ["POST", "POST", "GET", "GET"]
    assert x.requests[2].params == {"type": "tweets", "status": "created"}


@pytest.mark.parametrize(
    ("step", "fault"), [("upload", "hang"), ("download", "hang"), ("download", "trickle")]
)
def test_a_transfer_that_never_ends_is_cut_off(ask, x, step, fault):
    client = ask(x, attempts=2)
    job = compliance.create(client, "tweets")
    if step == "download":
        compliance.upload(client, Storage(), job, IDS)
        job = compliance.finished(client, job)
    x.jobs.faults, storage = [fault] * 9, Storage(BOUNDS[fault])
    steps = {
        "upload": lambda: compliance.upload(client, storage, job, IDS),
        "download": lambda: list(compliance.verdicts(client, storage, job)),
    }
    with pytest.raises(errors.TimedOut, match="given up after 2 attempts"):
        steps[step]()


def test_an_upload_that_is_not_taken_is_cut_off():
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        place = f"http://127.0.0.1:{deaf.getsockname()[1]}/submission"
        job = Job("1", "tweets", "created", place, place)
        client, storage, caught = Client(TOKEN, attempts=1), Storage(Timeouts(60, 60, 0.2)), []

        def upload():
            try:
                compliance.upload(client, storage, job, IDS * 400)
            except errors.TimedOut as error:
                caught.append(str(error))

        thread = threading.Thread(target=upload, daemon=True)
        thread.start()
        thread.join(30)
    assert [text[:31] for text in caught] == ["X did not answer within 0.2 s ("]


@pytest.mark.parametrize("fault", ["refused", "redirect"])
@pytest.mark.parametrize("place", [0, 1])
def test_an_address_that_does_not_work_is_not_tried_again(ask, x, fault, place):
    x.jobs.faults = [None] * place + [fault]
    with pytest.raises(errors.JobFailed, match=r"does not work \((403|302)\).*run this again"):
        all_verdicts(ask(x))
    assert len(x.jobs.stored) == 1 + place


@pytest.mark.parametrize("fault", ["half a line", "no lines", "odd line"])
def test_results_that_stay_broken_are_no_results(ask, x, fault):
    x.jobs.faults = [None] + [fault] * 9
    with pytest.raises(errors.BrokenAnswer, match=r"X's results are broken.*after 3 attempts"):
        all_verdicts(ask(x, attempts=3), ids=IDS[:9])


@pytest.mark.parametrize("state", ["failed", "expired"])
def test_a_job_without_a_result_is_told(ask, x, state):
    x.jobs.looks, x.jobs.ends = 1, state
    with pytest.raises(errors.JobFailed, match=rf"about users without a result \({state}\)"):
        all_verdicts(ask(x), "users")


def test_a_job_is_waited_for_longer_each_time_and_not_for_ever(ask, x, waits):
    x.jobs.looks = 1000
    with pytest.raises(errors.JobFailed, match=r"not finished .* about posts in 17\d minutes"):
        all_verdicts(ask(x))
    assert waits.seconds[:4] == [5.0, 7.5, 11.25, 16.875]
    assert max(waits.seconds) == compliance.LONGEST_LOOK
    assert sum(waits.seconds) <= compliance.PATIENCE < sum(waits.seconds) + compliance.LONGEST_LOOK


def test_a_second_job_of_a_kind_has_to_wait_and_the_other_kind_has_not(ask, x):
    client = ask(x)
    compliance.upload(client, Storage(), compliance.create(client, "tweets"), IDS)
    with pytest.raises(errors.Conflict, match=r"one of a kind at a time \(409\): run"):
        compliance.create(client, "tweets")
    assert compliance.create(client, "users").kind == "users"


def test_a_job_that_somebody_else_has_made_is_not_used(ask, x):
    x.jobs.create({"type": "users", "name": "theirs"})
    with pytest.raises(errors.Conflict):
        compliance.create(ask(x), "users")


def test_an_app_that_may_not_have_jobs_is_told_so(ask, x):
    x.faults = ["403"]
    with pytest.raises(errors.Forbidden, match="it must include compliance jobs"):
        compliance.create(ask(x), "tweets")


@pytest.mark.parametrize(
    "address",
    ["http://storage.invalid/x", "ftp://127.0.0.1/x", "https://", "https://[x", "/x", "", "x:y"],
)
def test_only_a_safe_address_is_used(ask, x, address):
    job = Job("1", "tweets", "complete", f"{address}?{SIGNATURE}", f"{address}?{SIGNATURE}")
    for use in (
        lambda: compliance.upload(ask(x), Storage(), job, IDS),
        lambda: next(compliance.verdicts(ask(x), Storage(), job)),
    ):
        with pytest.raises(errors.Unexpected, match="not https; nothing was sent there") as caught:
            use()
        assert SIGNATURE not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "change",
    [{"id": "../users"}, {"id": 7}, {"status": "odd"}, {"upload_url": None}, {"download_url": 1}],
)
def test_what_describes_no_job_is_refused(ask, x, change):
    x.jobs.create = lambda value, create=x.jobs.create: {"data": create(value)["data"] | change}
    with pytest.raises(errors.BrokenAnswer, match="X's answer is broken"):
        compliance.create(ask(x), "tweets")


def test_no_address_token_or_id_is_logged_or_told(ask, x, caplog):
    caplog.set_level(logging.DEBUG)
    x.jobs.looks, x.faults = 3, [None, "503", "429"]
    x.jobs.faults = ["429", "reset", None, "half a line", "drop", "refused"]
    client = ask(x)
    with pytest.raises(errors.JobFailed) as caught:
        all_verdicts(client)
    with pytest.raises(errors.Unreachable) as lost:
        compliance.upload(client, Storage(), Job("1", "tweets", "created", UP, UP), IDS)
    traces = [*traceback.format_exception(caught.value), *traceback.format_exception(lost.value)]
    shown_jobs = repr([Job(IDS[0], "tweets", "created", UP, UP), WANTED[0], Storage()])
    everything = caplog.text + "".join(traces) + shown_jobs
    assert "X works on posts; looking again in 5 s" in everything
    assert [word for word in (SIGNATURE, TOKEN, "submission", *IDS) if word in everything] == []

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
import requests

from customer_profiles import store
from customer_profiles.segments import identified
from customer_profiles.store import publications, schema, server, tokens

API = [sys.executable, "-m", "customer_profiles.api"]
MODULES = ["authentication", "connection", "problems", "server", "settings", "urls", "views"]
HEAVY = ("tensorflow", "mlflow", "tweepy", "papermill", "sklearn")
MANIFEST = Path("data/raw/manifest.json")
RATE = 100  # per minute and token; one test asks more often, the others share another token
SEGMENTS = [{"id": number, "customers": 400 - number, "share": 0.01} for number in range(130)]
PUBLICATION = identified({
    "summary": {"authors": 40_000, "posts": 90_000, "mood": {"positive": 0.5}},
    "segments": SEGMENTS,
    "cells": [{"segment": 0, "followers": 1, "authors": 12}],
    "mood_daily": [],
    "certificate": {"passed": True, "reasons": [], "published": {"k_min": 12}},
    "provenance": {"scorer": "0" * 16},
})  # fmt: skip
ASSIGNED = pd.DataFrame({"_id": ["0" * 32], "cluster": [1], "cell": ["1/0"]})


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The root of a project whose archive has been pulled; the working folder."""
    root = tmp_path_factory.mktemp("project")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MONGODB_URI", "DJANGO_SETTINGS_MODULE", "API_RATE"):
            patch.delenv(name, raising=False)
        patch.setenv("API_RATE", f"{RATE}/min")
        patch.chdir(root)
        Path("dvc.yaml").touch()
        MANIFEST.parent.mkdir(parents=True)
        pulled("audience_test")
        yield root


def pulled(audience):
    MANIFEST.write_text(json.dumps({"audience": audience}), encoding="utf-8")


@pytest.fixture(scope="module")
def database(project, give_profiles):
    with store.database() as held:
        schema.prepare(held)
        give_profiles(held, ASSIGNED["_id"])
        publications.publish(held, PUBLICATION, ASSIGNED)
        yield held


@contextmanager
def serving():
    port = free_port()
    with subprocess.Popen(
        [*API, "serve", "--port", str(port)], stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            wait_for(lambda: listens(port) or process.poll() is not None)
            yield process, f"http://127.0.0.1:{port}/api/v1"
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=30)
            process.kill()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def listens(port):
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


def wait_for(happened, seconds=30):
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, f"waited for {seconds} s"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def api(database):
    with serving() as (_, address):
        yield address


@pytest.fixture(scope="module")
def token(database):
    return tokens.create(database, "tests", 90, date.today())


def get(url, token=None, method="GET", **options):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return requests.request(method, url, headers=headers, timeout=30, **options)


def assert_problem(response, status):
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert set(problem) == {"type", "title", "status", "detail"}
    assert problem["status"] == status
    return problem["detail"]


def test_health_needs_no_token(api):
    response = get(f"{api}/health/")
    assert response.status_code == 200
    assert response.json() == {"status": "ok", "published": True}


@pytest.mark.parametrize("path", ["segments/", "segments/1/", "summary/"])
def test_everything_else_needs_a_token(api, path):
    response = get(f"{api}/{path}")
    assert "token create" in assert_problem(response, 401)
    assert response.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("header", ["Bearer wrong", "Bearer", "Bearer ", "Basic dGVzdA==", "ü"])
def test_a_wrong_token_is_refused(api, header):
    response = requests.get(
        f"{api}/summary/", headers={"Authorization": header.encode("latin-1")}, timeout=30
    )
    assert_problem(response, 401)
    assert response.headers["WWW-Authenticate"] == "Bearer"


def test_an_expired_token_is_refused(api, database):
    yesterday = tokens.create(database, "expired", -2, date.today())
    assert "expired" in assert_problem(get(f"{api}/summary/", yesterday), 401)


def test_a_token_is_made_listed_and_revoked_on_the_command_line(api):
    def token(*arguments):
        return subprocess.run(
            [*API, "token", *arguments], capture_output=True, text=True, check=False
        )

    made = token("create", "marketing", "--days", "3")
    assert made.stdout.count("\n") == 1
    assert get(f"{api}/summary/", made.stdout.strip()).status_code == 200
    again = token("create", "marketing")
    assert (again.returncode, again.stdout) == (1, "")
    assert "'marketing'" in again.stderr

    listed = token("list").stdout
    assert "marketing\tcreated" in listed
    assert made.stdout.strip() not in listed

    assert token("revoke", "marketing").returncode == 0
    assert_problem(get(f"{api}/summary/", made.stdout.strip()), 401)


def test_a_token_is_nowhere_in_the_database_in_clear(database, token):
    for name in database.list_collection_names():
        assert token not in str(list(database[name].find()))
    assert database.api_tokens.find_one({"_id": "tests"})


def test_segments_come_in_pages_as_published(api, token):
    rows, url = [], f"{api}/segments/"
    while url:
        page = get(url, token).json()
        assert page["count"] == len(SEGMENTS)
        assert len(page["results"]) <= 25
        rows += page["results"]
        url = page["next"]
    assert rows == SEGMENTS


def test_a_page_has_a_largest_size(api, token):
    page = get(f"{api}/segments/?page_size=1000000", token).json()
    assert page["results"] == SEGMENTS[:100]


@pytest.mark.parametrize("page", ["0", "7", "last one", "9" * 5000])
def test_a_page_that_is_not_there_is_not_found(api, token, page):
    assert "no page" in assert_problem(get(f"{api}/segments/?page={page}", token), 404)


def test_a_segment_is_found_by_its_number(api, token):
    assert get(f"{api}/segments/7/", token).json() == SEGMENTS[7]
    assert "no such segment" in assert_problem(get(f"{api}/segments/130/", token), 404)


def test_the_summary_says_which_publication_and_whether_its_privacy_is_certified(api, token):
    assert get(f"{api}/summary/", token).json() == {
        **PUBLICATION["summary"],
        "publication": PUBLICATION["_id"],
        "certificate": {"passed": True},
    }


def test_an_unknown_path_is_a_problem_in_json(api, token):
    detail = assert_problem(get(f"{api}/profiles/", token), 404)
    assert "/api/v1/" in detail


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_nothing_can_be_written(api, token, method):
    for path in ("health/", "segments/", "segments/1/", "summary/"):
        response = get(f"{api}/{path}", token, method, json={"id": 1})
        assert_problem(response, 405)
        assert response.headers["Allow"] == "GET, HEAD"


def test_a_foreign_host_name_is_a_problem_in_json(api):
    response = requests.get(f"{api}/health/", headers={"Host": "evil.example"}, timeout=30)
    assert_problem(response, 400)


def test_answers_carry_the_headers_of_a_careful_server(api):
    headers = get(f"{api}/health/").headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert "Server" not in headers
    assert "Set-Cookie" not in headers


def test_a_token_that_asks_too_often_is_told_to_wait(api, database):
    busy = tokens.create(database, "busy", 1, date.today())
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {busy}"
        answers = [session.get(f"{api}/segments/1/", timeout=30) for _ in range(RATE + 1)]
    assert [answer.status_code for answer in answers[:-1]] == [200] * RATE
    assert_problem(answers[-1], 429)
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 60


def test_another_archive_is_served_without_a_restart_once_it_is_published(
    api, database, give_profiles
):
    other = database.client["audience_other"]
    schema.prepare(other)
    holder = tokens.create(other, "tests", 90, date.today())
    assert_problem(get(f"{api}/summary/", holder), 401)  # a token is for one audience
    try:
        pulled("audience_other")
        detail = assert_problem(get(f"{api}/summary/", holder), 503)
        assert detail == "nothing is published yet; run `make repro`"
        assert get(f"{api}/health/").json() == {"status": "ok", "published": False}

        small = {**PUBLICATION, "_id": "f" * 16, "segments": SEGMENTS[:2]}
        give_profiles(other, ASSIGNED["_id"])
        publications.publish(other, small, ASSIGNED)
        MANIFEST.unlink()  # as DVC does while `pull` runs
        assert get(f"{api}/segments/", holder).json()["results"] == SEGMENTS[:2]
    finally:
        pulled("audience_test")


def test_a_failure_is_a_problem_in_json_that_tells_nothing_of_the_inside(api, database):
    broken = database.client["audience_broken"]
    holder = tokens.create(broken, "tests", 90, date.today())
    publications.publish(
        broken, {**PUBLICATION, "certificate": {}}, pd.DataFrame({"_id": [], "cluster": []})
    )
    try:
        pulled("audience_broken")
        response = get(f"{api}/summary/", holder)
    finally:
        pulled("audience_test")
    assert assert_problem(response, 500) == "the server failed; its log says why"


def test_a_killed_database_is_away_for_seconds_and_comes_back_by_itself(api, database, token):
    start = time.monotonic()
    os.kill(int(Path("data/mongo/db/mongod.lock").read_text()), signal.SIGKILL)
    responses = []

    def answered():
        responses.append(get(f"{api}/summary/", token))
        return responses[-1].status_code == 200

    wait_for(answered)
    assert time.monotonic() - start < 15
    for response in responses[:-1]:
        assert "data/mongo" in assert_problem(response, 503)


def test_before_anything_was_pulled_it_serves_but_has_nothing_to_say(
    project, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    Path("dvc.yaml").touch()
    with serving() as (process, address):
        assert get(f"{address}/health/").json() == {"status": "ok", "published": False}
        response = get(f"{address}/summary/", "any")
        assert assert_problem(response, 503) == "nothing is published yet; run `make repro`"

        assert server.running(Path("data/mongo"))
        process.send_signal(signal.SIGTERM)
        said = process.communicate(timeout=30)[1]
    assert process.returncode == 0
    assert f"listening on {address}/" in said
    assert "token create NAME" in said
    assert not server.running(Path("data/mongo"))


def test_a_server_that_is_away_from_the_start_is_named_and_waited_for(
    project, tmp_path, monkeypatch
):
    port = free_port()
    monkeypatch.setenv("MONGODB_URI", f"mongodb://127.0.0.1:{port}/?appName=secret")
    with serving() as (process, address):
        start = time.monotonic()
        response = get(f"{address}/health/")
        assert time.monotonic() - start < 15
        assert "MONGODB_URI" in assert_problem(response, 503)

        with subprocess.Popen(
            [server.binary(), "--dbpath", tmp_path, "--bind_ip", "127.0.0.1", "--port", str(port)],
            stdout=subprocess.DEVNULL,
        ) as mongod:
            wait_for(lambda: get(f"{address}/health/").status_code == 200)
            mongod.terminate()

        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=30)[1]
    assert process.returncode == 0
    assert "MONGODB_URI" in said
    assert "secret" not in response.text + said


def test_a_port_in_use_is_a_clear_error(api):
    port = api.split(":")[2].split("/")[0]
    tried = subprocess.run(
        [*API, "serve", "--port", port], capture_output=True, text=True, check=False
    )
    assert tried.returncode == 1
    assert "already in use" in tried.stderr
    assert port in tried.stderr
    assert "--port" in tried.stderr
    assert "Traceback" not in tried.stderr


def test_a_rate_that_is_none_is_a_clear_error(project, monkeypatch):
    monkeypatch.setenv("API_RATE", "often")
    tried = subprocess.run(
        [*API, "serve", "--port", "0"], capture_output=True, text=True, check=False
    )
    assert tried.returncode == 1
    assert "API_RATE" in tried.stderr
    assert "'often'" in tried.stderr


def test_the_api_starts_without_the_heavy_libraries_and_passes_djangos_checks(project):
    code = f"""
import importlib, sys
for name in {MODULES}:
    importlib.import_module("customer_profiles.api." + name)
print([name for name in {HEAVY} if name in sys.modules])
import django.core.checks
django.setup()
found = django.core.checks.run_checks(include_deployment_checks=True)
print([message.id for message in found if not message.is_silenced()])
"""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "customer_profiles.api.settings"}
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert said.stdout == "[]\n[]\n"

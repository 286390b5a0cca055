"""The API without a publication, without an answer of the database, and when it ends."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
import requests

from customer_profiles.store import connection, mongod, publications, schema, tokens
from tests.api.served import (
    API,
    ASSIGNED,
    KEY,
    PATHS,
    PROTECTED,
    PUBLICATION,
    assert_problem,
    free_port,
    get,
    listens,
    loaded,
    publish,
    serving,
    stopped,
    wait_for,
)

PACKAGE = Path(connection.__file__).parents[1]
HEAVY = ("tensorflow", "mlflow", "tweepy", "papermill", "sklearn", "pandas", "numpy")


def everything(api, token):
    """Answers of all addresses, asked for at the same time."""
    with ThreadPoolExecutor(len(PATHS)) as pool:
        return list(pool.map(lambda path: get(f"{api}/{path}", token), PATHS))


def statuses(answers):
    return [answer.status_code for answer in answers]


def test_another_archive_is_served_without_a_restart_once_it_is_published(
    api, audience, give_profiles
):
    other = audience.client["audience_other"]
    schema.prepare(other)
    holder = tokens.create(other, "tests", 90, date.today())
    assert_problem(get(f"{api}/summary/", holder), 401)  # a token is for one audience
    try:
        loaded("audience_other")
        for path in PROTECTED:
            answer = get(f"{api}/{path}", holder)
            assert assert_problem(answer, 503) == "nothing is published yet; run `make repro`"
            assert int(answer.headers["Retry-After"]) > 0
        wait_for(lambda: get(f"{api}/health/").json() == {"status": "ok", "published": False})

        small = {**PUBLICATION, "_id": "f" * 16, "segments": PUBLICATION["segments"][:2]}
        publish(other, small, give_profiles)
        assert get(f"{api}/segments/", holder).json()["count"] == 2
    finally:
        loaded("audience_test")


def test_a_new_publication_is_told_to_who_has_the_former(api, audience, token):
    url = f"{api}/summary/"
    former = get(url, token).headers["ETag"]
    publications.publish(audience, {**PUBLICATION, "_id": "e" * 16}, ASSIGNED, KEY)
    latest = get(url, token, headers={"If-None-Match": former})
    publications.publish(audience, PUBLICATION, ASSIGNED, KEY)
    assert (latest.status_code, latest.json()["publication"]) == (200, "e" * 16)
    assert get(url, token, headers={"If-None-Match": former}).status_code == 304


def test_a_failure_is_a_problem_in_json_that_tells_nothing_of_the_inside(api, audience):
    broken = audience.client["audience_broken"]
    holder = tokens.create(broken, "tests", 90, date.today())
    nobody = pd.DataFrame({"_id": [], "cluster": [], "cell": []})
    publications.publish(broken, {**PUBLICATION, "certificate": {}}, nobody, KEY)
    try:
        loaded("audience_broken")
        response = get(f"{api}/summary/", holder)
    finally:
        loaded("audience_test")
    assert assert_problem(response, 500) == "the server failed; its log says why"


def test_a_killed_database_is_away_for_all_addresses_and_comes_back_by_itself(api, audience, token):
    data, aside = Path("data/mongo/db"), Path("data/mongo/aside")
    killed = int((data / "mongod.lock").read_text())
    data.rename(aside)
    data.touch()  # so that it cannot be started again
    os.kill(killed, signal.SIGKILL)
    answers = []

    def ask():
        answers[:] = everything(api, token)
        return statuses(answers)

    wait_for(lambda: ask() == [503] * len(PATHS))
    for answer in answers:
        assert "data/mongo" in assert_problem(answer, 503)
        assert int(answer.headers["Retry-After"]) > 0
    data.unlink()
    aside.rename(data)
    wait_for(lambda: ask() == [200] * len(PATHS))


def test_before_anything_was_pulled_it_serves_but_has_nothing_to_say(
    loaded_project, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    Path("dvc.yaml").touch()
    with serving() as (process, address):
        assert get(f"{address}/health/").json() == {"status": "ok", "published": False}
        response = get(f"{address}/summary/", "any")
        assert assert_problem(response, 503) == "nothing is published yet; run `make repro`"

        assert mongod.running(Path("data/mongo"))
        output, code = stopped(process)
    assert code == 0
    assert f"listening on {address}/" in output
    assert "token create NAME" in output
    assert not mongod.running(Path("data/mongo"))


@pytest.mark.long
def test_a_server_that_is_away_from_the_start_is_named_and_waited_for(
    loaded_project, tmp_path, monkeypatch
):
    port = free_port()
    monkeypatch.setenv("MONGODB_URI", f"mongodb://127.0.0.1:{port}/?appName=secret")
    with serving() as (process, address):
        start = time.monotonic()
        response = get(f"{address}/health/")
        assert time.monotonic() - start < 15
        assert "MONGODB_URI" in assert_problem(response, 503)

        with subprocess.Popen(
            [
                mongod.binary(),
                "--dbpath",
                tmp_path,
                "--bind_ip",
                "127.0.0.1",
                "--port",
                str(port),
            ],
            stdout=subprocess.DEVNULL,
        ) as server:
            wait_for(lambda: get(f"{address}/health/").status_code == 200)
            output, code = stopped(process, signal.SIGINT)
            server.terminate()
    assert code == 0
    assert "MONGODB_URI" in output
    assert "secret" not in response.text + output


def test_what_is_asked_when_it_is_told_to_stop_is_still_answered(audience, token):
    database = int(Path("data/mongo/db/mongod.lock").read_text())
    with serving() as (process, address), ThreadPoolExecutor(20) as pool:
        port = int(address.split(":")[2].split("/")[0])
        there, halted = threading.Barrier(21, timeout=30), threading.Barrier(21, timeout=30)

        def ask(path):
            with requests.Session() as session:
                session.headers["Authorization"] = f"Bearer {token}"
                session.get(f"{address}/health/", timeout=30)  # so that it has been let in
                there.wait()
                halted.wait()
                return session.get(f"{address}/{path}", timeout=30)

        answers = [pool.submit(ask, path) for path in PROTECTED * 2 + PATHS[:2]]
        there.wait()
        os.kill(database, signal.SIGSTOP)
        try:
            halted.wait()
            time.sleep(0.2)  # for the questions to arrive; more than there are threads
            process.send_signal(signal.SIGTERM)
            wait_for(lambda: not listens(port))
            process.send_signal(signal.SIGINT)  # somebody is impatient
        finally:
            os.kill(database, signal.SIGCONT)
        output, code = process.communicate(timeout=30)[1], process.returncode
        assert [answer.result().status_code for answer in answers] == [200] * 20
    assert code == 0
    assert output.endswith("stopped\n")


def test_an_open_connection_that_asks_nothing_does_not_keep_it_from_stopping(audience):
    with serving() as (process, address):
        host, port = address.split("/")[2].split(":")
        with socket.create_connection((host, int(port))) as idle:
            idle.sendall(b"GET /api/v1/hea")
            output, code = stopped(process)
    assert (code, output.splitlines()[-1]) == (0, "stopped")


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


def test_a_rate_that_is_none_is_a_clear_error(loaded_project, monkeypatch):
    monkeypatch.setenv("API_RATE", "often")
    tried = subprocess.run(
        [*API, "serve", "--port", "0"], capture_output=True, text=True, check=False
    )
    assert tried.returncode == 1
    assert "API_RATE" in tried.stderr
    assert "'often'" in tried.stderr


def test_the_api_starts_without_the_heavy_libraries_and_passes_djangos_checks(loaded_project):
    modules = [file.stem for file in (PACKAGE / "api").glob("[a-z]*.py")]
    assert {"openapi", "urls", "views"} <= set(modules)
    code = f"""
import importlib, sys
for name in {modules}:
    importlib.import_module("customer_profiles.api." + name)
print([name for name in {HEAVY} if name in sys.modules])
import django.core.checks
django.setup()
found = django.core.checks.run_checks(include_deployment_checks=True)
print([message.id for message in found if not message.is_silenced()])
"""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "customer_profiles.api.settings"}
    finished = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert finished.stdout == "[]\n[]\n"

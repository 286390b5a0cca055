"""A running API over a publication of invented people, for tests of what it answers."""

import os
import signal
import socket
import subprocess
import time
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
import requests

from customer_profiles.privacy.keys.key import demonstration_key
from customer_profiles.project import files
from customer_profiles.store import connection, publications, schema, tokens
from tests.program import PROGRAM
from tests.publication import published

API = [PROGRAM]
PUBLICATION = published.audience()
# What a spreadsheet would take for a formula, and a browser for a script.
HOSTILE = '=HYPERLINK("//evil.example") <script>alert(1)</script>'
PUBLICATION["segments"][2]["name"] = HOSTILE
ASSIGNED = pd.DataFrame({"_id": ["ab" * 16], "cluster": [1], "cell": ["1/0"]})
KEY = demonstration_key()
PROTECTED = (
    "segments/", "segments/1/", "segments/1/cells/", "segments/1/brief/", "summary/",
    "mood/daily/", "continuity/", "publications/", "privacy/",
)  # fmt: skip
PATHS = ("health/", *PROTECTED)


@pytest.fixture(scope="module")
def loaded_project(tmp_path_factory):
    """The root of a project whose archive has been loaded; the working folder."""
    root = tmp_path_factory.mktemp("project")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("MONGODB_URI", "DJANGO_SETTINGS_MODULE"):
            patch.delenv(name, raising=False)
        patch.setenv("API_RATE", "100000/min")
        patch.chdir(root)
        Path("dvc.yaml").touch()
        loaded("audience_test")
        yield root


def loaded(name):
    files.write_json(Path(connection.LOADED), {"audience": name})


@pytest.fixture(scope="module")
def audience(loaded_project, give_profiles):
    """The database of that archive, with PUBLICATION in it."""
    with connection.database() as database:
        publish(database, PUBLICATION, give_profiles)
        yield database


def publish(database, publication, give_profiles):
    """Publish it in an empty database."""
    schema.prepare(database)
    give_profiles(database, ASSIGNED["_id"])
    publications.publish(database, publication, ASSIGNED, KEY)


@pytest.fixture(scope="module")
def token(audience):
    return tokens.create(audience, "tests", 90, date.today())


@pytest.fixture(scope="module")
def api(audience):
    """Address of a server that answers from that database."""
    with serving() as (_, address):
        yield address


@contextmanager
def serving(**environment):
    """A server's process and its address; it is stopped in the end."""
    with subprocess.Popen(
        [*API, "serve", "--port", str(port := free_port())],
        stderr=subprocess.PIPE, text=True, env={**os.environ, **environment},
    ) as process:  # fmt: skip
        try:
            wait_for(lambda: listens(port) or process.poll() is not None)
            yield process, f"http://127.0.0.1:{port}/api/v1"
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=30)
            process.kill()


def stopped(process, number=signal.SIGTERM):
    """What a server says that is told to stop, and its exit code."""
    process.send_signal(number)
    output = process.communicate(timeout=30)[1]
    return output, process.returncode


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def listens(port):
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", int(port))) == 0


def wait_for(happened, seconds=30):
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, f"waited for {seconds} s"
        time.sleep(0.02)


def get(url, token=None, method="GET", headers=(), **options):
    headers = dict(headers) | ({"Authorization": f"Bearer {token}"} if token else {})
    return requests.request(method, url, headers=headers, timeout=30, **options)


def assert_problem(response, status):
    """The detail of an answer that is a problem of this status."""
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert set(problem) == {"type", "title", "status", "detail"}
    assert problem["status"] == status
    return problem["detail"]

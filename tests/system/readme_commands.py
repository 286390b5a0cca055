"""Every command that the documents show, run in this project: in a clone to throw away.

It changes params.yaml, commits, and puts a small encoder that knows nothing in the place of the
real one. So it is no part of `make test`: .ci/run starts it in its clean clone, as
`pytest tests/system/readme_commands.py`. consoles.py says which commands are left out, and why.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from customer_profiles.project import files
from tests.sentiment.tiny import list_wheels
from tests.system.consoles import ROOT, RUNNING, SERVERS, runnable, shape

# Numbers that keep it short, and let pass what a model without knowledge makes of the posts.
SMALL = {
    "labelled_rows": 300, "sequence_length": 64, "draws": 2, "k_max": 5, "max_suppressed": 1.0,
}  # fmt: skip


@pytest.fixture(scope="module")
def small(tiny_wheel):
    """The project with small numbers and a small encoder."""
    shutil.copy(tiny_wheel, ROOT / "data/input/wheels")
    list_wheels(ROOT / "encoder.txt", tiny_wheel)
    (ROOT / "data/input/wheels/.encoder").touch()  # else make would download what is listed
    file = ROOT / "params.yaml"
    text = file.read_text(encoding="utf-8")
    for name, number in SMALL.items():
        text, times = re.subn(rf"(?<=\n  {name}: ).*", str(number), text)
        assert times == 1
    files.write_text(file, text)
    subprocess.run(["git", "commit", "--quiet", "-am", "small"], cwd=ROOT, check=True)


@pytest.fixture(scope="module")
def outside(tmp_path_factory):
    """A folder with the data that a reader would have, and settings of curl and JupyterLab."""
    folder = tmp_path_factory.mktemp("outside")
    for name in ("sentiment140", "labelled", "x_archive"):
        shutil.copytree(ROOT / "data/sample" / name, folder / name)
    (folder / ".curlrc").write_text("fail\n")  # else it takes a refusal for success
    settings = {"ServerApp": {"open_browser": False, "allow_root": True}}
    (folder / "jupyter_server_config.json").write_text(json.dumps(settings))
    return folder


@pytest.fixture(scope="module")
def environment(outside):
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {
        **os.environ,
        "PATH": programs,
        "CURL_HOME": str(outside),
        "JUPYTER_CONFIG_DIR": str(outside),
    }


@contextlib.contextmanager
def serving(command, environment):
    """Run a server on a free port of this machine, until the block ends; its address."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [*command.split(), f"PORT={port}"],
        cwd=ROOT, env=environment, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    address = f"127.0.0.1:{port}"
    try:
        until = time.monotonic() + 120
        while not answers(address + SERVERS[command]):
            assert server.poll() is None, f"{command} ended"
            assert time.monotonic() < until, f"{command} does not answer"
            time.sleep(0.2)
        yield address
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(60)


def answers(address):
    try:
        with urllib.request.urlopen(f"http://{address}", timeout=10) as answer:
            return answer.status == 200
    except OSError:
        return False


@pytest.fixture(scope="module")
def ran(small, outside, environment, tmp_path_factory):
    """Exit code, stdout and stderr of each command; one shell runs them all, in order."""
    logs = tmp_path_factory.mktemp("logs")
    with serving("make serve", environment) as address:
        script = ""
        for place, (command, _) in enumerate(RUNNING):
            run = runnable(command, outside).replace("127.0.0.1:8000", address)
            script += f"{{ {run}\n}} </dev/null >{logs}/{place}.out 2>{logs}/{place}.err\n"
            script += f"echo $? >{logs}/{place}.code\n"
        subprocess.run(["bash", "-c", script], cwd=ROOT, env=environment, check=True)
    return [
        tuple((logs / f"{place}.{kind}").read_text() for kind in ("code", "out", "err"))
        for place in range(len(RUNNING))
    ]


@pytest.mark.parametrize("place", range(len(RUNNING)), ids=[command for command, _ in RUNNING])
def test_a_command_ends_well_and_prints_what_the_document_shows(ran, place):
    code, out, err = ran[place]
    assert code == "0\n", out + err
    printed = RUNNING[place][1]
    assert not printed.strip() or shape(printed).fullmatch(out.strip()), out


@pytest.mark.parametrize("command", SERVERS)
def test_a_server_answers(ran, environment, command):
    with serving(command, environment):
        pass

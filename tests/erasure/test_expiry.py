"""What is too old is gone from files and database; the future makes nothing old."""

from customer_profiles.commands.app import main
from customer_profiles.privacy.keys.key import Key
from customer_profiles.store import loading, sealed_files
from tests.erasure.erasable import (
    IDS,
    KEY,
    database_of,
    everything,
    load,
    recipe,
    rows_of,
    table_of,
    tables_of,
    traces,
)


def expire(*arguments):
    assert main(["expire", *arguments]) == 0


def days_of(project):
    return sorted({day[-2:] for day in table_of(project, "observations")["day"]})


def test_what_is_too_old_goes_from_database_and_files(filled, caplog):
    key = Key(KEY)
    cy, ann = (key.pseudonym("author", IDS[name]) for name in ("cy", "ann"))
    expire("--days", "1", "--dry-run")
    assert "would be removed: 3 posts before 2026-05-05" in caplog.text
    assert days_of(filled) == ["01", "02", "04", "05", "06"]
    expire("--days", "1")
    assert "removed: 3 posts before 2026-05-05" in caplog.text
    assert "set expire_days and as_of so in params.yaml too" in caplog.text
    assert days_of(filled) == ["05", "06"]
    assert table_of(filled, "profiles")["posts"].tolist() == [1, 1]
    assert traces(filled, ann) == []
    assert len(traces(filled, cy)) == 6
    assert [len(table) for table in tables_of(filled)] == [2, 2, 2]


def test_what_expired_is_what_score_would_leave_out(filled):
    expire("--days", "2", "--as-of", "2026-05-06")
    rows = sealed_files.read("observations", Key(KEY))
    assert sorted(rows["day"]) == ["2026-05-04", "2026-05-05", "2026-05-06"]
    before = rows_of(filled)
    with database_of(filled) as database:
        loading.update(database, sealed_files.path("observations"), recipe())
    assert rows_of(filled) == before
    assert sealed_files.read_sealed("profiles").to_dict("records") == before["profiles"]


OWN = "expire_days: 3\n  as_of: '2026-05-08'"


def test_days_and_day_come_from_the_parameters(filled, caplog):
    assert main(["expire"]) == 1
    assert "set expire_days in section shared of params.yaml, or give --days" in caplog.text
    file = filled / "params.yaml"
    file.write_text(file.read_text().replace("expire_days: 0\n  as_of: ''", OWN))
    expire()
    assert days_of(filled) == ["05", "06"]
    assert "in params.yaml too" not in caplog.text


def test_a_streams_posts_expire_and_one_of_the_future_makes_nothing_old(filled, observe, seal):
    live = observe(
        {"_id": "old", "author": "dan", "day": "2026-04-01", "origin": "stream"},
        {"_id": "odd", "author": "eve", "day": "2099-01-01", "origin": "stream"},
    )
    with database_of(filled) as database:
        database.observations.insert_many(seal(live, key=Key(KEY)))
    expire("--days", "4")
    days = sorted(table_of(filled, "observations")["day"])
    assert days == ["2026-05-02", "2026-05-04", "2026-05-05", "2026-05-06", "2099-01-01"]


def test_a_load_counts_the_days_back_from_the_newest_of_file_and_stream(filled, observe, seal):
    assert load(days=3).observations == 3
    assert days_of(filled) == ["04", "05", "06"]
    live = observe({"_id": "live", "author": "dan", "day": "2026-05-08", "origin": "stream"})
    with database_of(filled) as database:
        database.observations.insert_many(seal(live, key=Key(KEY)))
    assert load(days=3).observations == 3
    assert days_of(filled) == ["05", "06", "08"]


def test_a_day_that_is_none_is_refused(filled, caplog):
    before = everything(filled)
    for day in ("soon", "2026-02-30"):
        assert main(["expire", "--days", "3", "--as-of", day]) == 1
        assert "as_of is a day like 2026-06-30" in caplog.text
        caplog.clear()
    assert everything(filled) == before

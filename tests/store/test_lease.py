"""One writer of observations at a time, also when one crashes or stands still."""

import time
from threading import Event, Thread

import pymongo
import pytest
from pymongo.errors import NetworkTimeout

from customer_profiles.privacy.keys.key import demonstration_key
from customer_profiles.store import connection, lease, removal
from customer_profiles.store.lease import Lease, LeaseLost, leased
from customer_profiles.store.profiles import ProfileUpdater, Recipe, profile_updates

RECIPE = Recipe(demonstration_key())


@pytest.fixture
def short(monkeypatch):
    """Leases that end soon."""
    monkeypatch.setattr(lease, "SECONDS", 0.4)


def test_the_next_writer_waits_for_the_former_to_leave(database):
    entered = Event()

    def second():
        with leased(database):
            entered.set()

    with leased(database):
        waiting = Thread(target=second)
        waiting.start()
        assert not entered.wait(0.5)
    assert entered.wait(10)
    waiting.join()


def test_a_lease_is_renewed_while_the_work_goes_on(database, short):
    with leased(database) as writer:
        time.sleep(1)
        assert not Lease(database).take()
        writer.check()


def test_the_lease_of_a_crashed_writer_ends_by_itself(database, short):
    with leased(database):
        pass
    crashed = Lease(database)
    assert crashed.take()
    assert not Lease(database).take()
    with leased(database) as next_one:
        next_one.check()
        assert not Lease(database).take()


def test_a_writer_that_stood_still_notices_and_leaves_the_profiles_marked(database, short):
    def stand_still():
        with profile_updates(database, RECIPE) as people:
            people.touch(["ann"])
            # Another one took over, and came to its end.
            database.leases.update_one({}, {"$set": {"owner": "another"}})
            people.mark(stale=False)
            people.touch(["bob"])

    with pytest.raises(LeaseLost, match=r"stood still .* run it again"):
        stand_still()
    assert database.state.find_one()["stale"]


def test_a_writer_that_lost_its_lease_knows_at_once_and_does_not_end_the_next_ones(database):
    with leased(database) as former:
        database.leases.update_one({}, {"$set": {"owner": "another"}})
        with pytest.raises(LeaseLost, match="another one writes"):
            former.check()
        until = database.leases.find_one()["until"]
    assert database.leases.find_one()["until"] == until


def test_who_waits_gets_in_also_when_the_database_was_dropped_meanwhile(database):
    entered = Event()

    def second():
        with leased(database):
            entered.set()

    with leased(database):
        waiting = Thread(target=second, daemon=True)
        waiting.start()
        assert not entered.wait(0.3)
        database.client.drop_database(database)
    assert entered.wait(10)
    waiting.join()


def test_what_a_killed_writer_left_running_does_not_undo_what_the_next_one_writes(
    database, mongodb
):
    body = "function() { sleep(700); return 1; }"
    slow = {"$set": {"_": {"$function": {"body": body, "args": [], "lang": "js"}}}}
    database.observations.drop()
    database.observations.insert_one({"_id": "old"})
    with (
        pymongo.MongoClient(mongodb, socketTimeoutMS=200) as killed,
        pytest.raises(NetworkTimeout),
    ):
        lease.aggregate(killed[database.name].observations, [slow, {"$out": "observations"}])
    with leased(database):
        database.observations.insert_one({"_id": "new"})
    time.sleep(0.8)
    assert [row["_id"] for row in database.observations.find().sort("_id")] == ["new", "old"]


def test_files_are_not_written_anew_by_who_has_lost_the_lease(database, observe, seal):
    database.observations.insert_many(seal(observe({"author": "ann"})))
    with leased(database) as writer:
        people = ProfileUpdater(database, RECIPE, writer)
        database.leases.update_one({}, {"$set": {"owner": "another"}})
        with pytest.raises(LeaseLost):
            removal.rewrite(database, people)


def test_work_that_lost_its_lease_is_done_again(database, mongodb, monkeypatch):
    monkeypatch.setenv(connection.VARIABLE, mongodb)
    owners = []

    def work(lease_at_work):
        with leased(lease_at_work) as mine:
            owners.append(lease_at_work.leases.find_one()["owner"])
            if len(owners) == 1:
                over = {"owner": "another", "until": lease.LONG_AGO}
                lease_at_work.leases.update_one({}, {"$set": over})
            mine.check()

    connection.with_retries(work, database.name)
    assert len(set(owners)) == 2

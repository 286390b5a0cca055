"""One writer of observations at a time, also when one crashes or stands still."""

import time
from threading import Event, Thread

import pytest

from customer_profiles.store import lease
from customer_profiles.store.lease import Lease, LeaseLost, leased
from customer_profiles.store.profiles import Grid, following

GRID = Grid(post_edges=(2,), polarity_steps=4, subjectivity_steps=4, mix_steps=4)


@pytest.fixture
def short(monkeypatch):
    """Leases that end soon."""
    monkeypatch.setattr(lease, "SECONDS", 0.4)


def lost(held):
    """Wait until `held` has noticed that another one took over; the error it raises then."""
    for _ in range(500):
        try:
            held.check()
        except LeaseLost as error:
            return error
        time.sleep(0.01)
    raise AssertionError("it was not noticed")


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
    with leased(database) as held:
        time.sleep(1)
        assert not Lease(database).take()
        held.check()


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
        with following(database, GRID) as people:
            people.touch(["ann"])
            # Another one took over, and came to its end.
            database.leases.update_one({}, {"$set": {"owner": "another"}})
            people.mark(stale=False)
            lost(people)
            people.touch(["bob"])

    with pytest.raises(LeaseLost, match=r"stood still .* run it again"):
        stand_still()
    assert database.state.find_one()["stale"]


def test_a_writer_that_lost_its_lease_does_not_end_the_next_ones(database, short):
    with leased(database) as former:
        database.leases.update_one({}, {"$set": {"owner": "another"}})
        assert "another one writes" in str(lost(former))
        until = database.leases.find_one()["until"]
    assert database.leases.find_one()["until"] == until

"""Days are read from the forms in which tools write dates, and from X's ids; others are none."""

from datetime import UTC, datetime

import pytest

from customer_profiles.posts import dates

READ = {
    "2026-06-30T12:00:00.000Z": "2026-06-30",
    "2026-06-30T23:30:00-02:00": "2026-07-01",
    "2020-05-01T00:30:00.000+0100": "2020-04-30",
    "2020-05-01T10:00:00.000+0000": "2020-05-01",
    "2020-05-01 10:00": "2020-05-01",
    "2020-05-01 10:00:00 UTC": "2020-05-01",
    "2020-05-01 10:00:00+00:00": "2020-05-01",
    " 2020-05-01 ": "2020-05-01",
    "20200501": "2020-05-01",
    "20200501T100000Z": "2020-05-01",
    "Wed Oct 10 20:19:24 +0000 2018": "2018-10-10",
    "Wed Oct 10 20:19:24 -0500 2018": "2018-10-11",
    "Mon Jan 1 00:19:24 +0100 2018": "2017-12-31",
    "Fri May 01 10:00:00 2020": None,
    "1588327200": "2020-05-01",
    1588327200: "2020-05-01",
    1588327200000: "2020-05-01",
    "1588327200.0": "2020-05-01",
    1588327200.5: "2020-05-01",
    "yesterday": None,
    "": None,
    "0": None,
    0: None,
    -1588327200: None,
    True: None,
    None: None,
    10**30: None,
    float("inf"): None,
    float("nan"): None,
    "9" * 5000: None,
    "1970-01-01T00:00:00Z": None,
    "2006-03-20T23:59:59Z": None,
    "2006-03-21T00:00:00Z": "2006-03-21",
    "9999-12-31T23:59:59-23:59": None,
    "0001-01-01T00:00:00+23:59": None,
    "2020-02-30T10:00:00Z": None,
    "Wed Foo 10 20:19:24 +0000 2018": None,
    # Day and month cannot be told apart.
    "5/1/2020 10:00": None,
    "01.05.2020 10:00": None,
    "²⁰²⁰": None,
}


@pytest.mark.parametrize("value", READ, ids=lambda value: repr(value)[:40])
def test_the_day_of_a_date_is_in_utc_and_none_where_it_is_no_date(value):
    assert dates.day(value) == READ[value]


@pytest.mark.parametrize("value", [[], {}, ["2020-05-01"], b"2020-05-01", object()])
def test_what_is_no_text_and_no_number_is_no_date(value):
    assert dates.day(value) is None


def test_the_day_of_an_id_is_the_one_on_which_x_made_it():
    moment = datetime(2020, 5, 1, 10, tzinfo=UTC)
    made = (int(moment.timestamp() * 1000) - dates.SNOWFLAKE_EPOCH) << dates.SNOWFLAKE_BITS
    assert dates.day_of_id(str(made)) == "2020-05-01"
    assert dates.day_of_id("1212092628029698048") == "2019-12-31"


@pytest.mark.parametrize(
    "identifier", [None, "", "20", "29700859246", "x", "1.2e18", "row-1", "9" * 40, "²" * 19]
)
def test_an_id_without_a_time_has_no_day(identifier):
    assert dates.day_of_id(identifier) is None

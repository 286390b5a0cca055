"""Days of posts and accounts, from the forms in which tools write dates, and from X's ids."""

import re
from datetime import UTC, datetime

# X began in March 2006: what is older is no date of X, but a 0 that was taken for one.
FIRST, LAST = "2006-03-21", "2200-01-01"
# X's ids since November 2010 hold the milliseconds since this moment, above the last 22 bits
# (Twitter's Snowflake, https://github.com/twitter-archive/snowflake).
SNOWFLAKE_EPOCH, SNOWFLAKE_BITS, FIRST_SNOWFLAKE = 1_288_834_974_657, 22, 29_700_859_247
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
# API v1.1: "Wed Oct 10 20:19:24 +0000 2018"; not strptime, whose names follow the locale.
_V1 = re.compile(r"\w{3} (\w{3}) (\d\d?) (\d\d):(\d\d):(\d\d) ([+-]\d\d):?(\d\d) (\d{4})")
# Unix time of our days: ten digits of seconds, maybe three of milliseconds and a fraction.
_UNIX = re.compile(r"(\d{10})(\d{3})?(\.\d*)?", re.ASCII)


def day(value: object) -> str | None:
    """The day (YYYY-MM-DD, UTC) of a date, None if it is none or lies before X began.

    Read are ISO 8601 forms, API v1.1's form and Unix time in seconds or milliseconds. A time that
    names no zone is taken as UTC.
    """
    try:
        moment = _moment(value)
        if moment.tzinfo not in (None, UTC):
            moment = moment.astimezone(UTC)
        text = moment.date().isoformat()
    except (TypeError, ValueError, OverflowError, OSError):
        return None
    return text if FIRST <= text < LAST else None


def day_of_id(identifier: str | None) -> str | None:
    """The day (YYYY-MM-DD, UTC) on which X made the id of a post; None for an older or no id."""
    if not re.fullmatch(r"[0-9]{11,19}", identifier or "") or int(identifier) < FIRST_SNOWFLAKE:
        return None
    return day((int(identifier) >> SNOWFLAKE_BITS) + SNOWFLAKE_EPOCH)


def _moment(value: object) -> datetime:
    if isinstance(value, str) and value[4:5] == "-":
        return datetime.fromisoformat(value.strip().removesuffix(" UTC"))
    if isinstance(value, str):
        text = value.strip()
    elif isinstance(value, int | float):
        text = str(value)
    else:
        raise TypeError(f"{type(value).__name__} is no date")
    if text[:5].isdecimal() and (matched := _UNIX.fullmatch(text)):
        return datetime.fromtimestamp(int(matched[1]), UTC)
    if text[:1].isalpha() and (matched := _V1.fullmatch(text)):
        month, number, hour, minute, second, zone, zone_minute, year = matched.groups()
        month = MONTHS.index(month) + 1
        text = f"{year}-{month:02}-{number:0>2}T{hour}:{minute}:{second}{zone}:{zone_minute}"
    return datetime.fromisoformat(text)

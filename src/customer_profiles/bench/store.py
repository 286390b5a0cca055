"""Speed of loading observations and deriving profiles.

A million observations of invented authors are loaded into an embedded MongoDB of its own.
"""

import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from customer_profiles.bench.process import in_own_process, peak_gib, size
from customer_profiles.posts.observations import COLUMNS
from customer_profiles.privacy import sealing
from customer_profiles.privacy.keys.key import demonstration_key
from customer_profiles.project import files, params
from customer_profiles.project.vocabulary import AUTHOR_COUNTS, CLASSES, POST_COUNTS
from customer_profiles.store import connection, loading, mongod, profiles, schema, sealed_files

OBSERVATIONS = size(1_000_000, 20_000)
POSTS_AN_AUTHOR = 4
PROFILES = size(1_000_000, 10_000)
TOUCHED = 0.01
NAME = "bench"


def measure() -> dict:
    """Speed of loading, deriving and reading back, compared with the driver's plain methods."""
    with tempfile.TemporaryDirectory() as scratch, mongod.embedded(Path(scratch)) as address:
        few, many = Path(scratch, "few.parquet"), Path(scratch, "many.parquet")
        in_own_process(write_observations, few, OBSERVATIONS // 4)
        in_own_process(write_observations, many, OBSERVATIONS)
        plain = in_own_process(insert_plainly, address, few)
        small = in_own_process(load, address, few)
        large = in_own_process(load, address, many)
        derived = in_own_process(derive, address)
        in_own_process(insert_profiles, address)
        ours, plainly = (in_own_process(read_back, address, how) for how in ("ours", "plainly"))
    return {
        "load": {
            "per_second": large["per_second"],
            "share_of_insert_many": large["per_second"] / plain,
            "memory_growth": large["peak_gib"] / small["peak_gib"],
        },
        "rebuild": {"incremental_share": derived["part"] / derived["all"]},
        "readback": {
            "speedup": plainly["seconds"] / ours["seconds"],
            "memory_share": ours["peak_gib"] / plainly["peak_gib"],
        },
        "absolute": {
            "observations": OBSERVATIONS,
            "profiles": PROFILES,
            "insert_many_per_second": plain,
            "load_seconds": OBSERVATIONS / large["per_second"],
            "load_peak_gib": large["peak_gib"],
            "rebuild_seconds": derived["all"],
            "readback_seconds": ours["seconds"],
            "readback_peak_gib": ours["peak_gib"],
        },
    }


def write_observations(file: Path, number: int) -> None:
    rng = np.random.default_rng(7)
    days = pd.date_range("2026-05-01", periods=60).strftime("%Y-%m-%d").to_numpy()
    rows = pd.DataFrame({
        "_id": pseudonyms(rng.permutation(number)),
        "author": pseudonyms(rng.integers(number // POSTS_AN_AUTHOR, size=number)),
        "scorer": "0" * 16,
        "origin": "archive",
        "day": rng.choice(days, number),
        "label": rng.choice(CLASSES, number),
        "flag": "",
        "polarity": rng.random(number),
        "subjectivity": rng.random(number),
        **{name: rng.integers(100_000, size=number) for name in POST_COUNTS + AUTHOR_COUNTS},
        "verified": rng.random(number) < 0.1,
        "protected": False,
    })  # fmt: skip
    files.write_parquet(file, sealing.OBSERVATIONS.seal(rows[list(COLUMNS)], demonstration_key()))


def pseudonyms(numbers: np.ndarray) -> list[str]:
    """Pseudonyms of 32 hex digits, spread over the whole range as real ones are."""
    odd = 0x9E3779B97F4A7C15F39CC0605CEDC835
    return [f"{(int(number) + 1) * odd % 2**128:032x}" for number in numbers]


def insert_plainly(address: str, file: Path) -> float:
    """Documents a second by insert_many alone: no validator, one batch after the other."""
    posts = pd.read_parquet(file).to_dict("records")
    with connection.connect(address, NAME) as client:
        client.drop_database(NAME)
        start = time.perf_counter()
        for part in connection.chunks(posts):
            client[NAME].plain.insert_many(part, ordered=False)
        return len(posts) / (time.perf_counter() - start)


def recipe() -> profiles.Recipe:
    """The recipe of params.yaml; made in each process, because a key is not sent to another."""
    return profiles.Recipe(demonstration_key(), **params.stage("load"))


def load(address: str, file: Path) -> dict:
    """Observations a second from a file into an empty database, and the peak memory."""
    how = recipe()
    with connection.connect(address, NAME) as client:
        client.drop_database(NAME)
        database = client[NAME]
        schema.prepare(database)
        with (
            profiles.profile_updates(database, how) as people,
            sealed_files.opened(file, how.key) as rows,
        ):
            start = time.perf_counter()
            done = loading.write(database.observations, people, rows)
            seconds = time.perf_counter() - start
        return {"per_second": done.new / seconds, "peak_gib": peak_gib()}


def derive(address: str) -> dict[str, float]:
    """Seconds to derive all profiles, and those of a share TOUCHED of the authors."""
    how = recipe()
    with connection.connect(address, NAME) as client:
        database = client[NAME]
        authors = sorted(row["_id"] for row in database.profiles.find({}, {"_id": 1}))
        touched = np.random.default_rng(7).choice(authors, int(TOUCHED * len(authors)))
        seconds = {}
        for part in ("all", "part"):
            with profiles.profile_updates(database, how) as people:
                people.mark(stale=part == "all")
            with profiles.profile_updates(database, how) as people:
                people.touch(touched.tolist())
                start = time.perf_counter()
                people.derive()
                seconds[part] = time.perf_counter() - start
        return seconds


def insert_profiles(address: str) -> None:
    """Replace the derived profiles by PROFILES copies of them."""
    with connection.connect(address, NAME) as client:
        database = client[NAME]
        key = demonstration_key()
        some = profiles.read_profiles(database, key)[: PROFILES // 10]
        database.profiles.drop()
        for start in range(0, PROFILES, len(some)):
            rows = some.assign(_id=pseudonyms(np.arange(start, start + len(some))))
            sealed = sealing.PROFILES.seal(rows, key).to_dict("records")
            database.profiles.insert_many(sealed, ordered=False)


def read_back(address: str, how: str) -> dict[str, float]:
    """Seconds and peak memory to read all profiles as a table."""
    with connection.connect(address, NAME) as client:
        database = client[NAME]
        start = time.perf_counter()
        if how == "ours":
            table = profiles.read(database, "profiles", demonstration_key())
        else:
            rows = pd.DataFrame(list(database.profiles.find()))
            table = sealing.PROFILES.unseal(rows, demonstration_key())
        seconds = time.perf_counter() - start
        if len(table) != PROFILES:
            raise RuntimeError(f"{len(table)} of {PROFILES} profiles were read back")
        return {"seconds": seconds, "peak_gib": peak_gib()}

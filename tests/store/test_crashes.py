"""Loaders and servers killed at random moments: nothing is lost, and nothing counts twice."""

import logging
import os
import signal
from datetime import date
from itertools import chain
from multiprocessing import get_context

import numpy as np
import pandas as pd
import pytest

from customer_profiles.privacy.keys.key import demonstration_key
from customer_profiles.privacy.sealing import OBSERVATIONS
from customer_profiles.project import files
from customer_profiles.project.vocabulary import CLASSES
from customer_profiles.store import connection, lease, loading, profiles, schema
from customer_profiles.store.commands import table

pytestmark = pytest.mark.long

KEY = demonstration_key()
RECIPE = profiles.Recipe(KEY)
NAME = "audience_crash"
POSTS, BATCH = 1500, 50
SEED = 20261124


def loader(root, file, pipe):
    """Load `file` in small batches; the ids that the server acknowledged go into `told`."""
    os.chdir(root)
    logging.disable()
    lease.SECONDS, connection.TIMEOUT_MS, connection.CHUNK = 0.5, 500, BATCH
    insert = loading._insert

    def insert_and_tell(rows, posts):
        insert(rows, posts)
        pipe.send([post["_id"] for post in posts])

    loading._insert = insert_and_tell
    loading.load(NAME, file, RECIPE, days=0, as_of="", today=date(2026, 6, 1))


@pytest.fixture(scope="module")
def processes():
    """Makes a process in milliseconds: what it needs is imported already."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["customer_profiles.store.loading", __name__])
    return context


@pytest.fixture(scope="module")
def conversation(observe):
    """Observations before and after: new, changed and vanished posts, and authors of each."""
    rng = np.random.default_rng(SEED)
    posts = observe(*(
        {
            "_id": f"post {n}", "author": f"author {rng.integers(POSTS // 3)}",
            "day": f"2026-05-{1 + n % 28:02d}", "label": CLASSES[n % 3],
            "polarity": rng.integers(21) / 20, "followers": int(rng.integers(5)),
        }
        for n in range(POSTS)
    ))  # fmt: skip
    before, after = posts[: POSTS * 2 // 3], posts[POSTS // 3 :]
    return before, after.assign(scorer="1" * 16, polarity=1 - after["polarity"])


class Run:
    """One loader at work in a process of its own."""

    def __init__(self, processes, root, posts, seed):
        file = root / f"{seed}.parquet"
        sealed = OBSERVATIONS.seal(posts, KEY)
        files.write_parquet(file, sealed.sample(frac=1, random_state=seed))
        self._acknowledged, end = processes.Pipe(duplex=False)
        self.process = processes.Process(target=loader, args=(root, file, end))
        self.process.start()
        end.close()

    def acknowledged(self, batches=None):
        """Ids of so many batches, or of all that come."""
        batches_of_ids = []
        while batches is None or len(batches_of_ids) < batches:
            try:
                batches_of_ids.append(self._acknowledged.recv())
            except EOFError:
                break
        return set(chain.from_iterable(batches_of_ids))

    def kill(self):
        self.process.kill()
        self.process.join()

    def end(self):
        self.process.join()
        assert self.process.exitcode == 0


@pytest.fixture
def project_database(project):
    """The database of the project, whose server goes on while this test does."""
    files.write_json(project / connection.MANIFEST, {"audience": NAME})
    with connection.database(NAME) as database:
        schema.prepare(database)
        yield database


def load(database, root, posts):
    file = root / "whole.parquet"
    files.write_parquet(file, OBSERVATIONS.seal(posts, KEY))
    loading.update(database, file, RECIPE)


def exported(database, root):
    """Bytes of both collections as a reader gets them."""
    names = ("observations", "profiles")
    for name in names:
        files.write_csv(root / name, table(database, name, KEY))
    return [(root / name).read_bytes() for name in names]


def ids(database):
    return {row["_id"] for row in database.observations.find({}, {"_id": 1})}


def server_of(database):
    return int(database.client.admin.command("serverStatus")["pid"])


def started_over(database, root, before):
    for name in ("observations", "profiles", "state"):
        database[name].delete_many({})
    load(database, root, before)


def test_a_loader_killed_at_ten_random_moments(project_database, project, processes, conversation):
    before, after = conversation
    load(project_database, project, after)
    expected, chance = exported(project_database, project), np.random.default_rng(SEED)
    for seed in range(10):
        started_over(project_database, project, before)
        run = Run(processes, project, after, seed)
        acknowledged = run.acknowledged(chance.integers(POSTS // 3 // BATCH))
        run.kill()
        acknowledged |= run.acknowledged()
        assert acknowledged <= ids(project_database)
        Run(processes, project, after, seed + 100).end()
        assert exported(project_database, project) == expected


def test_a_server_killed_at_ten_random_moments(project_database, project, processes, conversation):
    before, after = conversation
    load(project_database, project, after)
    expected, chance = exported(project_database, project), np.random.default_rng(SEED)
    for seed in range(10):
        started_over(project_database, project, before)
        run = Run(processes, project, after, seed)
        run.acknowledged(chance.integers(POSTS // 3 // BATCH))
        os.kill(server_of(project_database), signal.SIGKILL)
        # The loader starts it again and comes to its end.
        acknowledged = run.acknowledged()
        run.end()
        assert acknowledged <= ids(project_database)
        assert exported(project_database, project) == expected


def test_eight_loaders_at_once_of_which_two_are_killed(
    project_database, project, processes, conversation
):
    before, after = conversation
    load(project_database, project, after)
    expected = exported(project_database, project)
    started_over(project_database, project, before)
    runs = [Run(processes, project, after, seed) for seed in range(8)]
    runs[0].acknowledged(1)
    for run in runs[:2]:
        run.kill()
    for run in runs[2:]:
        run.end()
    assert exported(project_database, project) == expected
    assert pd.read_parquet(project / "7.parquet")["_id"].nunique() == len(ids(project_database))

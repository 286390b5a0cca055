"""A project that holds what three people wrote, for tests of taking something out of it."""

import base64
import gzip
import io
import json
import os
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pymongo.monitoring
import pytest

from customer_profiles.commands.app import main
from customer_profiles.posts import archive, observations, retention
from customer_profiles.privacy.keys import tombstones
from customer_profiles.privacy.keys.key import FILE, Key, open_key
from customer_profiles.project import files, params
from customer_profiles.store import (
    connection,
    lease,
    loading,
    profiles,
    publications,
    removal,
    schema,
    sealed_files,
)
from tests.publication.published import small

ROOT = Path(__file__).parents[2]


PAGES = "pages"


KEY = bytes(range(100, 132))


IDS = {"ann": "9000000000000000070", "bob": "9000000000000000080", "cy": "9000000000000000090"}


POSTS = {
    "9000000000000000011": ("ann", "2026-05-01", "the crumble is divine"),
    "9000000000000000012": ("ann", "2026-05-04", "lukewarm tea, again"),
    "9000000000000000021": ("bob", "2026-05-02", "never again"),
    "9000000000000000022": ("bob", "2026-05-05", "well, perhaps once more"),
    "9000000000000000031": ("cy", "2026-05-06", "first in the queue"),
}


FIRST = next(iter(POSTS))


"""A post of ann's."""

PLACES = [
    "assignments", "data/processed/assignments.parquet", "data/processed/observations.parquet",
    "data/processed/profiles.parquet", "observations", f"{PAGES}/1.jsonl", f"{PAGES}/3.jsonl.gz",
    "profiles",
]  # fmt: skip


def page(names, posts=POSTS):
    """A page of these people's `posts`, bytes as X sends them."""
    data = [
        {"id": post, "author_id": IDS[who], "text": text, "created_at": f"{day}T10:00:00.000Z"}
        for post, (who, day, text) in posts.items()
        if who in names
    ]
    users = [{"id": IDS[name], "username": f"{name}_handle", "name": name} for name in names]
    page = {"data": data, "includes": {"users": users}}
    return json.dumps(page, separators=(",", ":")) + "\n"


def torn(text):
    """Gzip of `text`, of which the end is lost."""
    return gzip.compress(text.encode() + os.urandom(3000), mtime=0)[:-200]


def write_pages(folder, names, posts=POSTS):
    folder.mkdir(exist_ok=True)
    (folder / "1.jsonl").write_text("\ufeff" + page(names, posts) + page(["cy"], posts))
    single = page([name for name in names if name == "bob"], posts)
    (folder / "2.json").write_text(single)
    with (folder / "3.jsonl.gz").open("wb") as file, gzip.GzipFile("", "wb", 9, file, 0) as packed:
        packed.write((page(names, posts) + "{torn").encode())


def load(days=0, archive=PAGES):
    """What the stage load does."""
    return loading.load(
        Key(KEY).audience(archive), sealed_files.path("observations"), recipe(),
        days=days, as_of="", today=datetime.now(UTC).date(),
    )  # fmt: skip


def recipe():
    return profiles.Recipe(Key(KEY), **params.stage("load"))


def run_stages(project):
    """What pull to publish do, but for models and figures."""
    folder = project / PAGES
    key = open_key(PAGES, make=True)
    name = key.audience(PAGES)
    manifest = {"archive": PAGES, "audience": name, "key": key.fingerprint(), "sample": False}
    files.write_json(project / connection.MANIFEST, manifest)
    conversation = archive.read(folder)
    posts = observations.pseudonymous(conversation.posts, key)
    posts = retention.without_erased(posts, tombstones.read(key.fingerprint()), key.mark)
    # A number that only the post decides stands for the model.
    polarity = np.array([int(post[-2:]) / 100 for post in posts["post_id"]])
    scores = pd.DataFrame({"polarity": polarity, "subjectivity": polarity, "label": "neutral"})
    rows = observations.build(posts, conversation.authors, scores, "0" * 16)
    sealed_files.write("observations", rows, key)
    sealed_files.write("profiles", load().profiles, key)
    assigned = sealed_files.read("profiles", key)[["_id"]].assign(cluster=0, cell="")
    publication = {"_id": "0" * 16, **PUBLISHED}
    with connection.database(manifest["audience"]) as database:
        publications.publish(database, publication, assigned.assign(cell="0"), key)
    sealed_files.write("assignments", assigned, key)


PUBLISHED = small()


@pytest.fixture
def empty(project, mongodb, monkeypatch, caplog):
    """A project with a key and parameters, and a server for its databases."""
    caplog.set_level("INFO")
    monkeypatch.setattr(lease, "SECONDS", 0.3)  # of whoever was killed
    monkeypatch.setenv(connection.VARIABLE, mongodb)
    (project / "data").mkdir()
    shutil.copyfile(ROOT / "params.yaml", project / "params.yaml")
    (project / PAGES).mkdir()
    params.change(project / "params.yaml", {"pull.archive": PAGES, "profile": "quick"})
    (project / FILE).write_bytes(base64.urlsafe_b64encode(KEY))
    (project / FILE).chmod(0o600)
    yield project
    with pymongo.MongoClient(mongodb) as client:
        client.drop_database(Key(KEY).audience(PAGES))


@pytest.fixture
def filled(empty):
    """A project that holds what ann, bob and cy wrote."""
    write_pages(empty / PAGES, ["ann", "bob", "cy"])
    run_stages(empty)
    return empty


def database_of(project):
    return connection.database(Key(KEY).audience(PAGES))


def rows_of(project):
    """Every row of every collection but the publication's, by collection."""
    with database_of(project) as database:
        return {
            name: list(database[name].find().sort("_id"))
            for name in (*removal.ABOUT_PEOPLE, "tombstones", "state")
        }


def table_of(project, name):
    """The collection `name`, unsealed, by its pseudonyms."""
    with database_of(project) as database:
        return profiles.read(database, name, Key(KEY)).set_index("_id")


def files_of(project):
    files = (path for path in project.rglob("*") if path.is_file())
    return {path.relative_to(project).as_posix(): path.read_bytes() for path in files}


def tables_of(project):
    return [pd.read_parquet(file) for file in sorted((project / sealed_files.FOLDER).iterdir())]


def everything(project):
    return files_of(project), rows_of(project)


def restore(project, files, rows=()):
    for path in project.rglob("*"):
        if path.is_file() and path.relative_to(project).as_posix() not in files:
            path.unlink()
    for name, content in files.items():
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_bytes(content)
    if rows:
        with database_of(project) as database:
            schema.prepare(database)
            for name, kept in rows.items():
                database[name].delete_many({})
                if kept:
                    database[name].insert_many(kept)


def traces(project, *needles):
    """Files in which any of `needles` stands, unpacked where they are packed, and collections."""
    files, rows = everything(project)
    for name, content in files.items():
        if name.endswith(".parquet"):
            files[name] = pd.read_parquet(io.BytesIO(content)).to_csv().encode()
        elif name.endswith(".gz"):
            files[name] = gzip.decompress(content)
    texts = {**files, **{name: repr(kept).encode() for name, kept in rows.items()}}
    names = {name for name, text in texts.items() if any(n.encode() in text for n in needles)}
    return sorted(names)


def left_by(name):
    """Everything that only `name` can have left: ids, handle, texts, pseudonyms."""
    key = Key(KEY)
    posts = {post: text for post, (who, _, text) in POSTS.items() if who == name}
    author = key.pseudonym("author", IDS[name])
    return [IDS[name], f"{name}_handle", author, *posts, *posts.values(),
            *key.pseudonyms("post", posts)]  # fmt: skip


def purge(*arguments):
    assert main(["purge", *arguments]) == 0


class Killer(pymongo.monitoring.CommandListener):
    """Ends this process, as a kill does, before its nth change of a file or a database."""

    CHANGES = ("delete", "dropDatabase", "insert", "update")

    def __init__(self, step):
        self.left = step
        pymongo.monitoring.register(self)
        sys.addaudithook(self.audit)

    def count(self):
        self.left -= 1
        if self.left < 0:
            os._exit(9)

    def audit(self, event, arguments):
        if event in ("os.rename", "os.remove"):
            self.count()

    def started(self, event):
        merges = "$merge" in str(event.command.get("pipeline"))
        if event.command_name in self.CHANGES or merges:
            self.count()

    def succeeded(self, event):
        pass

    failed = succeeded


def killed(action, step):
    """Whether `action`, in a process of its own, was killed at its `step`."""
    child = os.fork()
    if not child:
        Killer(step)
        code = 1
        try:
            action()
            code = 0
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 9)
    return code == 9


def killed_at_every_step(project, action):
    """Number of steps of `action`: killed at each and repeated, it leaves what it leaves alone."""
    before = everything(project)
    action()
    wanted = everything(project)
    assert wanted != before
    for step in range(100):
        restore(project, *before)
        if not killed(action, step):
            return step
        action()
        assert everything(project) == wanted
    raise AssertionError("it does not end")

"""Whoever is erased is gone from files of every format, and others' posts are read as before."""

import base64
import gzip
import os
import shutil
import signal

import pytest

from customer_profiles.erasure import erasing
from customer_profiles.posts import archive
from customer_profiles.posts.formats import rewriting
from customer_profiles.privacy.keys.key import FILE, Key
from customer_profiles.project import params
from tests.erasure import held
from tests.erasure.erasable import KEY, PAGES, ROOT

COLUMNS = {"text": "message", "author": "who", "date": "when", "id": "number"}


@pytest.fixture
def folder(project):
    """The empty archive of a project."""
    (project / "data").mkdir()
    shutil.copyfile(ROOT / "params.yaml", project / "params.yaml")
    (project / FILE).write_bytes(base64.urlsafe_b64encode(KEY))
    (project / PAGES).mkdir()
    return project / PAGES


def put(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def content_of(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def clean(*names, dry_run=False):
    """What `purge` does to the pages."""
    key = Key(KEY)
    marks = {key.mark(key.pseudonym(*name)): name[0] for name in names}
    return erasing.clean_pages(
        erasing.Audience(PAGES, key, "name"), marks, frozenset(names), dry_run
    )


def read(folder, columns=None):
    return archive.read(folder, columns=columns, reposts=True)


def assert_left(folder, before, gone, columns=None):
    """All posts but those `gone`, and their authors, are read as `before`."""
    after = read(folder, columns)
    posts = before.posts[~before.posts["post_id"].isin(gone)].reset_index(drop=True)
    authors = before.authors[before.authors["author_id"].isin(posts["author_id"])]
    assert after.posts.reset_index(drop=True).equals(posts)
    assert after.authors.reset_index(drop=True).equals(authors.reset_index(drop=True))
    assert len(posts) >= 2


def traces(folder, *needles):
    texts = {path.name: held.unpacked(content) for path, content in content_of(folder).items()}
    return [name for name, text in texts.items() if any(needle in text for needle in needles)]


EVERY = held.FORMATS | held.CONTAINERS
# Of a table the rows go that name an erased id in any cell.
ROWS = {"twarc-csv", "a table in UTF-16"}


@pytest.mark.parametrize("name", EVERY)
def test_an_author_is_erased_from_every_format_and_container(folder, name):
    put(folder, EVERY[name])
    before = read(folder)
    assert len(before.posts) == 7
    clean(("author", held.ANN))
    assert traces(folder, held.ANN, held.NAMES[held.ANN], *held.TEXTS, *held.TEXTS.values()) == []
    gone = {*held.TEXTS, held.REPOST} | ({held.REPLY, held.QUOTE} if name in ROWS else set())
    assert_left(folder, before, gone)
    files = content_of(folder)
    assert clean(("author", held.ANN)) == 0
    assert content_of(folder) == files


@pytest.mark.parametrize("name", EVERY)
def test_a_post_is_erased_from_every_format_and_its_author_stays(folder, name):
    put(folder, EVERY[name])
    before = read(folder)
    clean(("post", held.SECOND))
    assert traces(folder, held.SECOND, held.TEXTS[held.SECOND]) == []
    gone = {held.SECOND, held.REPOST} | ({held.REPLY, held.QUOTE} if name in ROWS else set())
    assert_left(folder, before, gone)
    files = content_of(folder)
    clean(("post", held.SECOND))
    assert content_of(folder) == files


@pytest.mark.parametrize("name", EVERY)
def test_a_file_without_the_erased_keeps_every_byte_and_one_with_them_its_mode(folder, name):
    put(folder, EVERY[name])
    files = content_of(folder)
    clean(("author", "9000000000000000099"), ("post", "9000000000000000098"))
    clean(("author", held.ANN), dry_run=True)
    assert content_of(folder) == files
    for path in files:
        path.chmod(0o640)
    clean(("author", held.ANN))
    assert {path.stat().st_mode & 0o777 for path in files} == {0o640}
    assert content_of(folder) != files


@pytest.mark.parametrize("name", EVERY)
def test_posts_of_days_that_are_too_old_go_from_every_format(folder, name):
    put(folder, EVERY[name])
    before, audience = read(folder), erasing.Audience(PAGES, Key(KEY), "name")
    files = content_of(folder)
    assert erasing.clean_pages(audience, {}, before="2026-05-01", dry_run=True) >= 1
    assert erasing.clean_pages(audience, {}, before="2026-04-01") == 0
    assert content_of(folder) == files
    erasing.clean_pages(audience, {}, before="2026-05-01")
    assert traces(folder, held.FIRST, held.TEXTS[held.FIRST]) == []
    assert_left(folder, before, {held.FIRST})
    assert erasing.clean_pages(audience, {}, before="2026-05-01") == 0


@pytest.mark.parametrize("packed", [False, True])
def test_the_owner_of_a_personal_archive_is_erased_with_all_posts(folder, packed):
    files = held.personal(held.ANN)
    put(folder, {"1.zip": held.zipped(files)} if packed else files)
    put(folder, {"2.jsonl": held.lines(held.pages()[1:])})
    before = read(folder)
    assert len(before.posts) == 5
    clean(("author", held.ANN))
    assert traces(folder, held.ANN, held.NAMES[held.ANN], *held.TEXTS, *held.TEXTS.values()) == []
    assert_left(folder, before, {*held.TEXTS, held.REPOST})


@pytest.mark.parametrize("packed", [False, True])
def test_posts_that_an_owners_posts_repeat_go_from_a_personal_archive(folder, packed):
    files = held.personal(held.CY)
    put(folder, {"1.zip": held.zipped(files)} if packed else files)
    before = read(folder)
    assert len(before.posts) == 3
    clean(("author", held.ANN), ("post", held.SECOND))
    assert traces(folder, held.ANN, held.NAMES[held.ANN], *held.TEXTS, *held.TEXTS.values()) == []
    assert_left(folder, before, {held.REPOST})


def mapped():
    people = {held.ANN: "Ann B.", held.BOB: "bob", held.CY: "cy"}
    rows = [(post, held.ANN, text) for post, text in held.TEXTS.items()]
    rows += [(held.OWN, held.BOB, "Ann B. said so"), (held.LAST, held.CY, "first in line")]
    return [
        {"number": post, "who": people[who], "message": text, "when": "2026-05-01"}
        for post, who, text in rows
    ]


@pytest.mark.parametrize(
    ("name", "gone"),
    [(("author", "Ann B."), set(held.TEXTS)), (("post", held.FIRST), {held.FIRST})],
)
def test_authors_of_a_mapped_table_are_erased_by_their_name(folder, name, gone):
    params.change(folder.parent / "params.yaml", {"pull.columns": COLUMNS})
    put(folder, {"1.csv": held.table(mapped(), ";")})
    before = read(folder, COLUMNS)
    clean(name)
    assert traces(folder, *gone, *(held.TEXTS[post] for post in gone)) == []
    assert_left(folder, before, gone, COLUMNS)
    files = content_of(folder)
    clean(name)
    assert content_of(folder) == files


@pytest.mark.parametrize(
    "content",
    [
        f'{{"delete": {{"status": {{"id_str": "{held.FIRST}", "user_id_str": "{held.ANN}"}}}}}}\n',
        f'{{"tweet_id": {held.FIRST}, "label": 1}}\n',
        f"{held.ANN},rude\n1,kind\n",
        f'a,b\n"{held.ANN}",1,2\n',
        f"the ids are\n{held.FIRST}\n",
    ],
)
def test_what_no_format_knows_goes_where_it_names_the_erased(folder, content):
    put(folder, {"1.jsonl": held.FLAT, "2": content.encode() + b"x,y\n"})
    before = read(folder)
    clean(("author", held.ANN))
    assert traces(folder, held.ANN, *held.TEXTS) == []
    assert (folder / "2").read_bytes().endswith(b"x,y\n")
    assert_left(folder, before, {*held.TEXTS, held.REPOST})


@pytest.mark.parametrize("name", ["gzip", "zip", "bzip2", "UTF-16"])
@pytest.mark.parametrize("how", ["error", "kill"])
def test_a_rewriting_that_ends_midway_leaves_the_file_as_it_was(folder, name, how):
    put(folder, held.CONTAINERS[name])
    files = content_of(folder)
    (file,) = files

    def lines():
        yield b"half\n" * 100_000
        if how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        raise OSError("the disk is full")

    member = "b/2.jsonl" if name == "zip" else None
    child = os.fork()
    if not child:
        try:
            rewriting.rewrite(file, {member: lines()})
        finally:
            os._exit(1)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code == (1 if how == "error" else -signal.SIGKILL)
    assert file.read_bytes() == files[file]
    clean(("author", held.ANN))
    assert traces(folder, held.ANN, *held.TEXTS) == []
    assert [path.name for path in folder.iterdir()] == [file.name]


def test_gzip_is_written_the_same_for_the_same_lines(folder):
    put(folder, held.CONTAINERS["gzip"])
    clean(("author", held.ANN))
    first = content_of(folder)
    put(folder, held.CONTAINERS["gzip"])
    clean(("author", held.ANN))
    assert content_of(folder) == first
    assert gzip.decompress(*first.values())

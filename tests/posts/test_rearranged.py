"""An archive in other formats, files and containers is the same archive, and loses nothing unsaid.

The shipped sample is written in each format and read again; then it is rearranged at random.
"""

import bz2
import codecs
import csv
import gzip
import io
import json
import random
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path

import pytest

from customer_profiles.posts import archive
from customer_profiles.posts.pages import parse_lines
from tests.packed import zipped
from tests.posts.formats import written
from tests.posts.small import lines

SAMPLE = Path(__file__).parents[2] / "data" / "sample" / "x_archive"


@pytest.fixture(scope="module")
def pages():
    return [page for file in archive.files(SAMPLE) for page in parse_lines(file.open("rb"))]


@pytest.fixture(scope="module")
def sample():
    return archive.read(SAMPLE)


def indented(values):
    return json.dumps(values, indent=1, ensure_ascii=False).encode()


def table(rows):
    text = io.StringIO()
    writer = csv.DictWriter(text, written.CSV_COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def in_v1_dates(pages):
    """`pages` with dates in the form of the API v1.1."""
    pages = list(map(deepcopy, pages))
    for page in pages:
        for item in (*page["data"], *page["includes"]["users"]):
            moment = datetime.fromisoformat(item["created_at"]).astimezone(UTC)
            item["created_at"] = moment.strftime("%a %b %d %H:%M:%S +0000 %Y")
    return pages


def alone(pages):
    """Each post on a page of its own, with its author."""
    for page in pages:
        for post in page["data"]:
            users = [user for user in page["includes"]["users"] if user["id"] == post["author_id"]]
            yield page | {"data": post, "includes": {"users": users}}


def academic(pages):
    """Files of academictwitteR by name: in pairs, in the order of the pages."""
    for number, (posts, users) in enumerate(written.as_academictwitter(pages)):
        yield f"data_{number:03}.json", json.dumps(posts).encode()
        yield f"users_{number:03}.json", json.dumps(users).encode()


def in_4cat(pages):
    """Posts of the API v2 as 4CAT keeps them."""
    for post in written.as_flattened(pages):
        author = post.pop("author", None) or None
        yield post | {"author_user": author}


FORMATS = {
    "pages": lambda pages: lines(*pages),
    "one array": lambda pages: lines(pages),
    "indented": indented,
    "documents": lambda pages: b"\n".join(map(indented, pages)),
    "stream": lambda pages: lines(*alone(pages)),
    "dates of v1.1": lambda pages: lines(*in_v1_dates(pages)),
    "flattened": lambda pages: lines(*written.as_flattened(pages)),
    "4CAT, API v2": lambda pages: lines(*in_4cat(pages)),
    "API v1.1": lambda pages: lines(*written.as_v1(pages)),
    "searches of v1.1": lambda pages: lines({"statuses": list(written.as_v1(pages))}),
    "Zeeschuimer": lambda pages: lines(*written.as_zeeschuimer(pages, newer=True)),
    "4CAT": lambda pages: lines(*written.as_4cat(pages)),
    "CSV": lambda pages: table(written.as_twarc_csv(pages)),
}


def assert_same(conversation, sample):
    assert (len(conversation.posts), len(conversation.authors)) == (5_112, 1_539)
    assert conversation.posts.equals(sample.posts)
    assert conversation.authors.equals(sample.authors)
    assert accounted(conversation)


def accounted(conversation):
    counts = conversation.counts
    return counts["posts"] + sum(conversation.account.reasons.values()) == counts["there"]


@pytest.mark.parametrize("name", FORMATS)
def test_the_sample_in_another_format_gives_the_same_posts_and_authors(
    tmp_path, pages, sample, name
):
    (tmp_path / "file").write_bytes(FORMATS[name](pages))
    conversation = archive.read(tmp_path)
    assert_same(conversation, sample)
    assert set(conversation.account.reasons) < set(sample.account.reasons)


def test_the_sample_as_academictwitter_writes_it_gives_the_same_posts_and_authors(
    tmp_path, pages, sample
):
    for name, content in academic(pages):
        (tmp_path / name).write_bytes(content)
    assert_same(archive.read(tmp_path), sample)


def in_members(content):
    parts = content.splitlines(keepends=True)
    return b"".join(gzip.compress(part, 1) for part in parts)


PACKINGS = {
    "plain": bytes,
    "gz": lambda content: gzip.compress(content, 1),
    "gz of several members": in_members,
    "bz2": lambda content: bz2.compress(content, 1),
    "zip": lambda content: zipped({"folder/part.json": content}),
    "zip with gz": lambda content: zipped({"part.json.gz": gzip.compress(content, 1)}),
    "mark": lambda content: codecs.BOM_UTF8 + content,
    "UTF-16 LE": lambda content: codecs.BOM_UTF16_LE + content.decode().encode("utf-16-le"),
    "UTF-16 BE": lambda content: codecs.BOM_UTF16_BE + content.decode().encode("utf-16-be"),
}


@pytest.mark.parametrize("packing", PACKINGS)
def test_the_sample_in_another_container_gives_the_same_posts_and_authors(
    tmp_path, sample, packing
):
    for number, file in enumerate(archive.files(SAMPLE)):
        place = tmp_path / f"sub {number}"
        place.mkdir()
        (place / "FILE.X").write_bytes(PACKINGS[packing](file.read_bytes()))
    assert_same(archive.read(tmp_path), sample)


NAMES = ("a", "b.JSON", "C.jsonl", "d.gz", "ü.ndjson", "e.txt", "f.bz2", "g.zip", "h.csv")


def rearranged(pages, folder, rng):
    """Write some `pages` into `folder`, in parts of which each has its own form.

    Returns the number of posts that were written, None where a part was cut.
    """
    chosen = rng.sample(pages, rng.randint(1, 6))
    there, cut = 0, False
    while chosen:
        some = [chosen.pop() for _ in range(min(len(chosen), rng.randint(1, 3)))]
        if rng.random() < 0.3:
            some = [some[0], *some]  # duplicated
        if rng.random() < 0.2:
            some = [{"data": page["data"]} if rng.random() < 0.5 else page for page in some]
            name = rng.choice(["pages", "one array", "indented", "documents"])
        else:
            name = rng.choice([*FORMATS, "academic"])
        count = sum(len(page["data"]) for page in some)
        place = folder / rng.choice(["", "x", "x/y", "z"])
        place.mkdir(parents=True, exist_ok=True)
        files = list(academic(some)) if name == "academic" else [("", FORMATS[name](some))]
        for ending, content in files:
            if name in ("pages", "flattened", "API v1.1", "Zeeschuimer", "4CAT"):
                content = b"\n".join(rng.sample(parts := content.splitlines(), len(parts)))
            content = PACKINGS[rng.choice(list(PACKINGS))](content)
            if rng.random() < 0.15:
                content, cut = content[: rng.randrange(len(content))], True
            (place / f"{there}-{rng.choice(NAMES)}{ending}").write_bytes(content)
        there += count
    return None if cut else there


@pytest.mark.parametrize("seed", range(25))
def test_all_that_is_there_is_used_or_left_out_for_a_reason(tmp_path, pages, seed):
    rng = random.Random(seed)  # noqa: S311 - no secret
    there = rearranged(pages, tmp_path, rng)
    try:
        conversation = archive.read(tmp_path, reposts=rng.random() < 0.5)
    except ValueError:  # too much was cut
        assert there is None
        with pytest.raises(ValueError, match=r"^(none of .* posts can be used|there are no posts)"):
            archive.read(tmp_path)
        return
    assert accounted(conversation)
    assert there in (None, conversation.counts["there"])
    if there is not None:
        assert not conversation.account.files

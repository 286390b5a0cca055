"""A folder of posts: what of it is read while it grows, what is told of it, and what is refused."""

import gzip
import hashlib
import json
import logging

import pytest

from customer_profiles.posts import archive
from customer_profiles.posts.formats import tally
from tests.posts.small import TEXT, a_page, a_post, a_user, lines, read_ids


def test_a_file_that_grows_while_it_is_read_counts_as_far_as_it_went_and_is_named(tmp_path, caplog):
    file, before = tmp_path / "a.jsonl", lines(a_page(1), a_page(2))
    file.write_bytes(before)
    sizes = archive.sizes_of(tmp_path)
    file.write_bytes(before + lines(a_page(3)))
    (tmp_path / "b.jsonl").write_bytes(lines(a_page(4)))
    conversation = archive.read(tmp_path, sizes=sizes)
    assert read_ids(conversation) == ["1", "2"]
    assert conversation.account.files == {
        "b.jsonl": "came while the archive was read; `dvc repro --force pull` reads it"
    }
    digests = archive.digests(tmp_path, sizes)
    assert digests == [
        {"name": "a.jsonl", "bytes": len(before), "sha256": hashlib.sha256(before).hexdigest()}
    ]
    assert "a.jsonl, b.jsonl; `dvc repro --force pull` reads the rest" in caplog.text


def test_later_stages_read_what_the_manifest_names(project):
    (project / "pages").mkdir()
    (project / "pages/a.csv").write_text("who,what,when\n77,tea,2026-05-01\n")
    manifest = {
        "archive": "pages", "columns": {"author": "who", "text": "what", "date": "when"},
        "reposts": True, "files": archive.digests(project / "pages", {"a.csv": 32}),
    }  # fmt: skip
    with (project / "pages/a.csv").open("a") as file:
        file.write("78,coffee,2026-05-02\n")
    conversation = archive.read_pulled(manifest)
    assert conversation.posts[["author_id", "text", "day"]].to_numpy().tolist() == [
        ["77", "tea", "2026-05-01"]
    ]


def test_one_file_is_an_archive_too(tmp_path):
    file = tmp_path / "posts.txt"
    file.write_bytes(lines(a_page(1)))
    assert read_ids(archive.read(file)) == ["1"]
    assert archive.sizes_of(file) == {"posts.txt": file.stat().st_size}


def test_all_that_is_left_out_is_logged_with_number_reason_place_and_way_out(tmp_path, caplog):
    reposts = [
        a_post(number, author_id="78", text="RT @ann: tea", referenced_tweets=[
            {"type": "retweeted", "id": "9"}
        ])
        for number in (5, 6)
    ]  # fmt: skip
    page = {"data": reposts, "includes": {"users": [a_user(id="78")]}}
    whole = lines(a_page(*range(10, 20)), a_page(10), page)
    (tmp_path / "a.jsonl").write_bytes(whole + b'{"data": [{"id": "1\n')
    (tmp_path / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    conversation = archive.read(tmp_path)
    archive.tell(conversation, k=2)
    assert [record.message for record in caplog.records if record.levelno == logging.WARNING] == [
        "left out: reposts, 2 of 14 (first in a.jsonl, line 3); set reposts in section pull to "
        "true to count them as posts of the reposter",
        "left out: posts that are there already, 1 of 14 (first in a.jsonl, line 2); the latest "
        "counts win",
        "warning, left out: lines that end too early or are damaged, 1 of 14 (first in a.jsonl, "
        "line 4); copy the file again from where it was written",
        "not used: b.png is an image",
        "<2 of 2 authors only repost; they stay out unless pull.reposts is true",
        "<2 of <2 authors without counts (followers and others are unknown): collect with "
        "expansions=author_id and user.fields=public_metrics,verified,protected,created_at",
    ]
    assert archive.report(conversation, k=2) == {
        "files": 2, "there": 14, "posts": 10, "reposts": 2, "texts_cut": 0, "authors": "<2",
        "authors_who_only_repost": "<2", "authors_without_metrics": "<2",
        "left_out": {
            "lines that end too early or are damaged": 1, "posts that are there already": 1,
            "reposts": 2,
        },
        "files_left_out": {"is an image": 1}, "formats": {"X API v2 pages": 3},
    }  # fmt: skip
    assert len(archive.read(tmp_path, reposts=True).posts) == 12


def test_a_folder_without_a_beginning_of_posts_is_refused_before_it_is_read(tmp_path):
    for name, content in {
        "a.txt": b"notes\n",
        "b.json": b"[1, 2]\n",
        "c.csv": b"x,y\n1,2\n",
    }.items():
        (tmp_path / name).write_bytes(content)
    message = (
        "holds no posts that can be read .*: a.txt is neither JSON nor a table; b.json holds no "
        "posts of a format that is known; c.csv has no column id, text, author_id, created_at"
    )
    with pytest.raises(ValueError, match=message):
        archive.check(tmp_path)
    archive.check(tmp_path, {"author": "x", "text": "y", "date": "x"})
    (tmp_path / "d.any").write_bytes(lines(a_page(1)))
    archive.check(tmp_path)


def test_an_archive_is_read_in_the_order_of_its_names(tmp_path):
    late = a_page() | {"data": [a_post(public_metrics={"like_count": 8})]}
    (tmp_path / "b.json").write_text(json.dumps(late, indent=2))
    (tmp_path / "a.jsonl").write_bytes(lines(a_page(1)))
    (tmp_path / "notes.txt").write_text("not a page")
    (tmp_path / ".a.jsonl.new").write_text("{")
    conversation = archive.read(tmp_path)
    assert [path.name for path in archive.files(tmp_path)] == ["a.jsonl", "b.json", "notes.txt"]
    assert conversation.posts["favorites"].tolist() == [8]
    assert conversation.counts["files"] == 3
    assert conversation.account.reasons == {tally.REPEATED: 1}
    assert conversation.account.files == {
        ".a.jsonl.new": "is a hidden file",
        "notes.txt": "is neither JSON nor a table",
    }


@pytest.mark.parametrize("name", ["a.json", "a.jsonl", "a.json.gz", "a.jsonl.gz"])
def test_plain_and_compressed_files_read_alike(tmp_path, name):
    content = lines(a_page(1))
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    assert archive.read(tmp_path).posts["text"].tolist() == [TEXT]


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_half_a_last_line_is_told_as_such(tmp_path, ending):
    content = lines(*(a_page(number) for number in range(300)))[:-10]
    file = tmp_path / f"stream.jsonl{ending}"
    file.write_bytes(gzip.compress(content) if ending else content)
    conversation = archive.read(tmp_path)
    assert conversation.counts["posts"] == 299
    assert conversation.account.reasons == {tally.TORN: 1}
    assert conversation.account.first == {tally.TORN: (file.name, 300)}


def test_a_folder_without_files_is_refused_with_what_it_may_be_and_what_it_holds(tmp_path):
    wanted = r"must be a file or folder of posts \(docs/archive.md lists the formats\)"
    (tmp_path / ".hidden").write_text("{}")
    with pytest.raises(FileNotFoundError, match=f"{wanted}; it "):
        archive.files(tmp_path)
    with pytest.raises(FileNotFoundError, match=f"nowhere {wanted}; there is no such folder$"):
        archive.files(tmp_path / "nowhere")

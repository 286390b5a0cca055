"""A very long page is read like a short one, and what is no page is left to other parsers."""

import json
import re
from pathlib import Path

import pytest

from customer_profiles.posts import archive, fields
from customer_profiles.posts.formats import documents, long_pages
from tests.posts.small import a_post, a_user

RICH = {
    "note_tweet": {"text": "the whole text"},
    "referenced_tweets": [{"type": "quoted", "id": "9"}],
    "public_metrics": {"like_count": 3, "retweet_count": 2},
    "entities": {"mentions": [{"username": "nobody", "id": "8"}]},
    "lang": "en",
}


def test_a_long_page_gives_the_same_posts_and_authors_as_a_short_one(tmp_path, monkeypatch):
    user = a_user(verified=True, description="invented", public_metrics={"followers_count": 7})
    page = {
        "data": [a_post(number, **RICH) for number in range(1, 40)],
        "includes": {"users": [user], "tweets": [a_post(9, author_id="8")], "media": [{}]},
        "errors": [{"resource_type": "user", "value": "5"}],
        "meta": {"result_count": 39},
    }
    (tmp_path / "a.json").write_text(json.dumps(page))
    short = archive.read(tmp_path)
    monkeypatch.setattr(documents, "_LONG", 100)
    long = archive.read(tmp_path)
    assert len(short.posts) == 39
    assert long.posts.equals(short.posts)
    assert long.authors.equals(short.authors)
    assert (long.counts, long.account.reasons) == (short.counts, short.account.reasons)
    read = long_pages.read(json.dumps(page).encode())
    assert "entities" not in read["data"][0]
    assert set(read["includes"]) == {"users", "tweets"}


def test_whether_authors_were_asked_for_is_seen_on_a_long_page_too():
    assert long_pages.read(b'{"data": [{"id": "1"}]}') == {"data": [{"id": "1"}]}
    page = {"data": [], "includes": {"users": []}}
    assert long_pages.read(json.dumps(page).encode()) == page


@pytest.mark.parametrize(
    "line",
    [
        b'{"data": {"id": "1"}}', b"[]", b"{}", b'{"data": [1]}', b'{"data": [{"id": "1"}',
        b'{"data": [{"id": "\\ud83d"}]}', b'{"data": [{"id": NaN}]}', b'{"data": [{"id": "\xff"}]}',
        b'{"statuses": []}', b'{"data": [], "includes": {"users": 7}}', b'{"data": ' + b"[" * 10**5,
    ],
)  # fmt: skip
def test_what_is_no_such_page_is_left_to_the_other_parsers(line):
    assert long_pages.read(line) is None


def test_every_field_that_is_read_of_a_short_page_is_read_of_a_long_one():
    source = Path(fields.__file__).read_text(encoding="utf-8")
    named = set(re.findall(r'item\.get\("(\w+)"\)', source))
    both = re.findall(r'_either\(item, "(\w+)", "(\w+)"\)', source)
    named |= {name for spellings in both for name in spellings}
    by_converters = {"deleted_at", "promoted"}
    assert {"text", "note_tweet", "withheld", "verified_type"} <= named
    assert named - by_converters <= {*long_pages.POST, *long_pages.USER}

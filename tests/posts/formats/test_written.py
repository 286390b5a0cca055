"""The sample's posts, written in the formats of other tools, are the same posts when read."""

from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import pytest

from customer_profiles.posts import archive
from customer_profiles.posts.formats import v1, web
from customer_profiles.posts.pages import collect, parse_lines
from tests.posts.formats import written

SAMPLE = Path(__file__).parents[3] / "data" / "sample" / "x_archive"
V1_DATE = "%a %b %d %H:%M:%S %z %Y"


@pytest.fixture(scope="module")
def pages():
    lines = (line for file in archive.files(SAMPLE) for line in archive.read_lines(file))
    return [page for page in parse_lines(lines) if page]


@pytest.fixture(scope="module")
def conversation(pages):
    return collect(pages)


def assert_same(pages, conversation):
    other = collect(pages)
    pd.testing.assert_frame_equal(other.posts, conversation.posts)
    pd.testing.assert_frame_equal(other.authors, conversation.authors)


def in_iso(page):
    """`page` with the dates of v1.1 in the form of v2."""
    for item in (*page["data"], *page["includes"]["users"], *page["includes"]["tweets"]):
        moment = datetime.strptime(item["created_at"], V1_DATE).astimezone(UTC)
        item["created_at"] = moment.isoformat()
    return page


def test_tweets_of_v1_are_the_same_posts(pages, conversation):
    items = list(written.as_v1(pages))
    assert all(map(v1.claims, items))
    assert_same((in_iso(v1.page(item)) for item in items), conversation)


@pytest.mark.parametrize("newer", [False, True])
@pytest.mark.parametrize("write", [written.as_zeeschuimer, written.as_4cat])
def test_items_of_the_website_are_the_same_posts(pages, conversation, write, newer):
    items = list(write(pages, newer))
    assert all(map(web.claims, items))
    assert_same((in_iso(web.page(item)) for item in items), conversation)


def test_flattened_posts_are_the_same_posts(pages, conversation):
    posts = written.as_flattened(pages)
    flat = [{"data": post, "includes": {"users": [post["author"]]}} for post in posts]
    assert_same(flat, conversation)


def test_posts_of_academictwitter_are_the_same_posts(pages, conversation):
    pairs = written.as_academictwitter(pages)
    assert_same([{"data": posts, "includes": users} for posts, users in pairs], conversation)


def test_no_other_format_claims_pages_nor_posts(pages):
    items = [
        *pages,
        *(post for page in pages for post in page["data"]),
        *(user for page in pages for user in page["includes"]["users"]),
        *written.as_flattened(pages),
        *(users for _, users in written.as_academictwitter(pages)),
    ]
    assert not any(v1.claims(item) or web.claims(item) for item in items)


def test_rows_of_a_table_are_the_same_posts(pages, conversation):
    def count(row, name):
        return int(float(row[name])) if row[name] else None

    def page(row):
        metrics = {"like_count": count(row, "public_metrics.like_count")}
        metrics["retweet_count"] = count(row, "public_metrics.retweet_count")
        author = {"id": row["author.id"], "created_at": row["author.created_at"]}
        author |= {name: row[f"author.{name}"] == "True" for name in ("verified", "protected")}
        author["verified_type"] = row["author.verified_type"]
        author["public_metrics"] = {
            name: count(row, f"author.public_metrics.{name}")
            for name in ("followers_count", "following_count", "listed_count", "tweet_count")
        }
        return {"data": row | {"public_metrics": metrics}, "includes": {"users": [author]}}

    assert_same(map(page, written.as_twarc_csv(pages)), conversation)


QUOTATION = {
    "data": [
        {
            "id": "1",
            "author_id": "91",
            "text": "RT @sample_author_00002_tw: Lov…\n",
            "created_at": "2026-06-30T12:00:00.000Z",
            "public_metrics": {"like_count": 0, "retweet_count": 7},
            "referenced_tweets": [{"type": "retweeted", "id": "2"}],
        },
        {
            "id": "3",
            "author_id": "91",
            "text": "This \nis so true",
            "created_at": "2026-06-30T12:00:00.000Z",
            "referenced_tweets": [{"type": "quoted", "id": "2"}, {"type": "replied_to", "id": "4"}],
        },
    ],
    "includes": {
        "users": [{"id": "92", "username": "sample_author_00002_tw"}],
        "tweets": [
            {
                "id": "2",
                "author_id": "92",
                "text": "Lovely",
                "created_at": "2026-06-29T12:00:00.000Z",
                "public_metrics": {"like_count": 9, "retweet_count": 7},
            }
        ],
    },
}


@pytest.mark.parametrize(
    ("write", "read"),
    [
        (written.as_v1, v1.page),
        (written.as_zeeschuimer, web.page),
        (written.as_4cat, web.page),
    ],
)
def test_references_and_originals_survive(write, read):
    repost, quotation = map(read, write([QUOTATION]))
    assert repost["data"][0]["referenced_tweets"] == QUOTATION["data"][0]["referenced_tweets"]
    assert quotation["data"][0]["referenced_tweets"] == QUOTATION["data"][1]["referenced_tweets"]
    for page in (repost, quotation):
        (original,) = page["includes"]["tweets"]
        assert (original["author_id"], original["text"]) == ("92", "Lovely")
        assert [user["id"] for user in page["includes"]["users"]] == ["92"]


def test_a_flattened_post_holds_the_post_that_it_refers_to():
    repost, _ = written.as_flattened([QUOTATION])
    assert repost["author"] == {}
    (original,) = repost["referenced_tweets"]
    assert (original["type"], original["author"]["id"]) == ("retweeted", "92")


def test_r_writes_missing_lists_and_objects_as_empty_objects():
    ((posts, users),) = written.as_academictwitter([QUOTATION])
    assert posts[1]["public_metrics"] == {}
    assert users["tweets"][0]["id"] == "2"


def test_a_row_of_a_table_has_the_text_of_the_original_and_numbers_with_a_point():
    repost, quotation = written.as_twarc_csv([QUOTATION])
    assert repost["text"] == "Lovely"
    assert repost["public_metrics.like_count"] == "9.0"
    assert quotation["public_metrics.like_count"] == ""
    assert quotation["text"] == r"This \nis so true"
    assert quotation["referenced_tweets.quoted.id"] == "2"

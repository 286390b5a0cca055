"""The formats of other tools, as the tests write them, keep what posts refer to."""

import pytest

from customer_profiles.posts.formats import v1, web
from tests.posts.formats import written

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

"""Tweets of the API v1.1 and of the personal archive become v2 pages, whatever is missing."""

import pytest

from customer_profiles.posts.formats import v1, web
from customer_profiles.posts.pages import collect
from tests.posts.formats.damage import assert_a_page, damaged

POST, AUTHOR, OTHER_POST, OTHER = "9000000000000000001", "91", "9000000000000000002", "92"
TEXT = "Lovely scones &amp; tea at Tindlewick today"
DATE = "Tue Jun 30 12:00:00 +0000 2026"


def a_user(**changes):
    return {
        "id": int(AUTHOR),
        "id_str": AUTHOR,
        "name": "Sample author 1",
        "screen_name": "sample_author_00001_tw",
        "created_at": "Thu Feb 28 23:59:59 +0000 2019",
        "verified": False,
        "protected": False,
        "followers_count": 10,
        "friends_count": 20,
        "listed_count": 1,
        "statuses_count": 30,
    } | changes


def a_tweet(**changes):
    return {
        "id": int(POST),
        "id_str": POST,
        "created_at": DATE,
        "text": TEXT,
        "truncated": False,
        "user": a_user(),
        "lang": "en",
        "favorite_count": 5,
        "retweet_count": 2,
    } | changes


def an_original(**changes):
    author = a_user(id=int(OTHER), id_str=OTHER, screen_name="sample_author_00002_tw")
    return a_tweet(id=int(OTHER_POST), id_str=OTHER_POST, user=author, **changes)


def an_archived_tweet(**changes):
    return {
        "tweet": {
            "edit_info": {"initial": {"editTweetIds": [POST], "editsRemaining": "5"}},
            "retweeted": False,
            "favorite_count": "12",
            "retweet_count": "0",
            "id_str": POST,
            "id": POST,
            "truncated": False,
            "created_at": DATE,
            "full_text": TEXT,
            "lang": "en",
        }
        | changes
    }


MESSAGES = [
    {"delete": {"status": {"id": 1234, "id_str": "1234", "user_id": 3}, "timestamp_ms": "1"}},
    {"limit": {"track": 1234}},
    {"scrub_geo": {"user_id": 14, "up_to_status_id": 23}},
    {"status_withheld": {"id": 1234, "user_id": 3, "withheld_in_countries": ["DE"]}},
    {"user_withheld": {"id": 123456, "withheld_in_countries": ["DE", "AR"]}},
    {"disconnect": {"code": 4, "stream_name": "", "reason": "x"}},
    {"warning": {"code": "FALLING_BEHIND", "percent_full": 60}},
    {"friends": [1497, 169686021]},
]
ITEMS = {
    "tweet": a_tweet(),
    "extended": a_tweet(truncated=True, extended_tweet={"full_text": TEXT + " and more"}),
    "repost": a_tweet(text="RT @sample_author_00002_tw: Lov…", retweeted_status=an_original()),
    "quotation": a_tweet(quoted_status=an_original(), quoted_status_id_str=OTHER_POST),
    "withheld": a_tweet(withheld_in_countries=["DE"], withheld_copyright=True),
    "search": {"statuses": [a_tweet(), an_original()], "search_metadata": {"count": 2}},
    "premium search": {"results": [a_tweet()], "requestParameters": {"maxResults": 100}},
    "archived": an_archived_tweet(),
    **{f"message {', '.join(message)}": message for message in MESSAGES},
}
NO_V1_ITEMS = {
    "page": {"data": [{"id": POST, "text": TEXT}], "includes": {"users": []}, "meta": {}},
    "stream page": {"data": {"id": POST, "text": TEXT}, "matching_rules": []},
    "post": {"id": POST, "text": TEXT, "author_id": AUTHOR, "created_at": "2026-06-30T12:00:00Z"},
    "least post": {"id": POST, "text": TEXT, "edit_history_tweet_ids": [POST]},
    "flattened post": {"id": POST, "text": TEXT, "author_id": AUTHOR, "author": {"id": AUTHOR}},
    "users": {"users": [{"id": AUTHOR, "username": "sample_author_00001_tw"}]},
    "errors": {"errors": [{"title": "Not Found Error"}]},
    "web item": {"rest_id": POST, "legacy": {"full_text": TEXT, "id_str": POST}},
    "liked post": {"like": {"tweetId": POST, "fullText": TEXT}},
    "account": {"account": {"accountId": AUTHOR}},
    "v1 user": a_user(),
    "nothing": {},
}


@pytest.mark.parametrize("name", ITEMS)
def test_an_item_of_the_format_is_claimed_and_by_no_other_format(name):
    assert v1.claims(ITEMS[name])
    assert not web.claims(ITEMS[name])


@pytest.mark.parametrize("name", NO_V1_ITEMS)
def test_what_is_no_item_of_the_format_is_not_claimed(name):
    assert not v1.claims(NO_V1_ITEMS[name])


def test_a_tweet_gives_the_post_and_the_author_with_known_values():
    assert v1.page(a_tweet()) == {
        "data": [
            {
                "id": POST,
                "author_id": AUTHOR,
                "text": TEXT,
                "created_at": DATE,
                "lang": "en",
                "public_metrics": {"like_count": 5, "retweet_count": 2},
            }
        ],
        "includes": {
            "users": [
                {
                    "id": AUTHOR,
                    "username": "sample_author_00001_tw",
                    "name": "Sample author 1",
                    "created_at": "Thu Feb 28 23:59:59 +0000 2019",
                    "verified": False,
                    "protected": False,
                    "public_metrics": {
                        "followers_count": 10,
                        "following_count": 20,
                        "listed_count": 1,
                        "tweet_count": 30,
                    },
                }
            ],
            "tweets": [],
        },
    }


def test_the_longest_text_wins_and_a_text_cut_without_the_rest_is_marked():
    def text_of(**changes):
        (post,) = v1.page(a_tweet(**changes))["data"]
        return post["text"], post.get("truncated")

    whole = TEXT + " and more"
    assert text_of() == (TEXT, None)
    assert text_of(truncated=True) == (TEXT, True)
    assert text_of(truncated=True, extended_tweet={"full_text": whole}) == (whole, None)
    assert text_of(truncated=True, full_text=whole) == (whole, None)
    assert text_of(truncated=True, extended_tweet=None, full_text=[]) == (TEXT, True)


def test_the_original_of_a_repost_stands_in_the_includes_with_its_author_and_whole_text():
    original = an_original(truncated=True, extended_tweet={"full_text": TEXT * 8})
    repost = a_tweet(text="RT @sample_author_00002_tw: Lov…", retweeted_status=original)
    page = v1.page(repost | {"quoted_status": an_original(), "quoted_status_id_str": OTHER_POST})
    (post,) = page["data"]
    assert post["referenced_tweets"] == [{"type": "retweeted", "id": OTHER_POST}]
    assert post["author_id"] == AUTHOR
    assert page["includes"]["tweets"][0]["text"] == TEXT * 8
    assert page["includes"]["tweets"][0]["author_id"] == OTHER
    assert [user["id"] for user in page["includes"]["users"]] == [AUTHOR, OTHER, OTHER]


def test_a_quotation_and_an_answer_name_the_other_posts():
    (post,) = v1.page(
        a_tweet(quoted_status_id=77, in_reply_to_status_id_str="88", in_reply_to_status_id=87)
    )["data"]
    assert post["referenced_tweets"] == [
        {"type": "quoted", "id": "77"},
        {"type": "replied_to", "id": "88"},
    ]


def test_a_search_response_gives_all_its_posts():
    page = v1.page(ITEMS["search"] | {"statuses": [a_tweet(), None, an_original(), 7]})
    assert [post["id"] for post in page["data"]] == [POST, OTHER_POST]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: next(iter(message)))
def test_a_message_of_a_stream_gives_an_empty_page(message):
    assert v1.page(message) == {"data": [], "includes": {"tweets": []}}


def test_the_message_of_a_deletion_names_the_post():
    assert v1.deleted(MESSAGES[0]) == "1234"
    others = [{"delete": []}, {"delete": {"status": {"id": 1.5}}}, a_tweet(), *MESSAGES[1:]]
    assert [v1.deleted(other) for other in others] == [None] * len(others)


def test_a_withheld_post_says_so():
    def withheld(**changes):
        return v1.page(a_tweet(**changes))["data"][0].get("withheld")

    assert withheld(withheld_in_countries=["DE"], withheld_copyright=False) == {
        "copyright": False,
        "country_codes": ["DE"],
    }
    assert withheld(withheld_copyright=True) == {"copyright": True, "country_codes": []}
    assert withheld(withheld_scope="status") == {"copyright": False, "country_codes": []}
    assert withheld(withheld_in_countries=[], withheld_copyright=False) is None


def test_ids_are_texts_and_a_float_which_lost_digits_stays_a_float():
    def post_id(**changes):
        return v1.page(a_tweet(**changes))["data"][0].get("id")

    assert post_id() == POST
    assert post_id(id=9.0e18) == POST
    assert post_id(id_str=None) == POST
    assert post_id(id_str=int(POST), id=None) == POST
    assert post_id(id_str=None, id=9.0e18) == 9.0e18
    assert post_id(id_str="", id=True) is None


def test_counts_are_whole_numbers_and_a_missing_count_is_unknown():
    def metrics(**changes):
        return v1.page(a_tweet(**changes))["data"][0].get("public_metrics")

    assert metrics(favorite_count="12", retweet_count="0") == {"like_count": 12, "retweet_count": 0}
    assert metrics(favorite_count="many", retweet_count=2.5) is None
    assert metrics(favorite_count=None) == {"retweet_count": 2}
    assert metrics(favorite_count=True, retweet_count="²") is None


@pytest.mark.parametrize(
    ("fields", "verified", "kind"),
    [
        ({"verified": True}, True, None),
        ({"verified": True, "is_blue_verified": True}, True, None),
        ({"verified": False, "ext_is_blue_verified": True}, False, "blue"),
        ({"verified": False, "verified_type": "Business"}, False, "business"),
        ({"verified": False, "is_blue_verified": False}, False, "none"),
        ({"verified": None}, None, None),
    ],
)
def test_paid_verification_is_told_from_that_of_businesses(fields, verified, kind):
    (user,) = v1.page(a_tweet(user=a_user(**fields)))["includes"]["users"]
    assert (user.get("verified"), user.get("verified_type")) == (verified, kind)


ACCOUNT = {
    "account": {
        "email": "sample@example.org",
        "createdVia": "web",
        "username": "sample_author_00001_tw",
        "accountId": AUTHOR,
        "createdAt": "2019-02-28T23:59:59.000Z",
        "accountDisplayName": "Sample author 1",
    }
}


def test_the_posts_of_a_personal_archive_are_by_its_account():
    owner = v1.account(ACCOUNT)
    assert owner == {
        "id": AUTHOR,
        "username": "sample_author_00001_tw",
        "created_at": "2019-02-28T23:59:59.000Z",
    }
    page = v1.page(an_archived_tweet(), owner)
    assert page == {
        "data": [
            {
                "id": POST,
                "author_id": AUTHOR,
                "text": TEXT,
                "created_at": DATE,
                "lang": "en",
                "public_metrics": {"like_count": 12, "retweet_count": 0},
                "edit_history_tweet_ids": [POST],
            }
        ],
        "includes": {"users": [owner], "tweets": []},
    }
    assert v1.page(an_archived_tweet()["tweet"], owner) == page
    assert "author_id" not in v1.page(an_archived_tweet())["data"][0]


def test_a_tweet_with_an_author_is_not_by_the_account():
    page = v1.page(a_tweet(user=a_user(id_str=OTHER), quoted_status={}), v1.account(ACCOUNT))
    assert page["data"][0]["author_id"] == OTHER


def test_only_an_account_gives_a_user():
    others = [{}, {"account": []}, {"account": {"accountId": None}}, an_archived_tweet(), a_tweet()]
    assert [v1.account(other) for other in others] == [None] * len(others)


def test_an_edited_post_names_all_its_versions():
    initial = {"editTweetIds": [POST, OTHER_POST]}
    edit = {"edit": {"initialTweetId": POST, "editControlInitial": initial}}
    archived = an_archived_tweet(edit_info=edit)
    assert v1.page(archived)["data"][0]["edit_history_tweet_ids"] == [POST, OTHER_POST]
    edited = a_tweet(edit_history={"initial_tweet_id": POST, "edit_tweet_ids": [POST, OTHER_POST]})
    assert v1.page(edited)["data"][0]["edit_history_tweet_ids"] == [POST, OTHER_POST]


def test_a_post_that_its_author_deleted_says_so():
    archived = an_archived_tweet(deleted_at="Wed Jul 01 12:00:00 +0000 2026")
    assert v1.page(archived)["data"][0]["deleted_at"] == "Wed Jul 01 12:00:00 +0000 2026"


@pytest.mark.parametrize(
    ("start", "name"),
    [
        ("window.YTD.tweets.part0 = [", "tweets"),
        ("window.YTD.tweet.part12 = [ {", "tweet"),
        ("window.YTD.account.part0 =\n[", "account"),
        ("Grailbird.data.tweets_2014_01 = \n [", "tweets_2014_01"),
    ],
)
def test_the_start_of_a_file_of_the_personal_archive_is_recognised(start, name):
    found_name, end = v1.variable(start)
    assert found_name == name
    assert start[end] == "["


@pytest.mark.parametrize("start", ["", "[{", '{"window.YTD.tweets.part0 = ": 1}', "window.x = ["])
def test_other_files_have_no_such_start(start):
    assert v1.variable(start) is None


def test_the_reader_of_pages_reads_what_comes_out():
    page = v1.page(a_tweet(created_at="2026-06-30T12:00:00Z"))
    conversation = collect([page])
    assert conversation.posts["text"].tolist() == [TEXT]
    assert conversation.authors["followers"].tolist() == [10]


@pytest.mark.parametrize("name", ITEMS)
def test_no_damage_to_an_item_raises(name):
    for copy in damaged(ITEMS[name]):
        assert {v1.claims(copy), web.claims(copy)} in ({True, False}, {False})
        assert_a_page(v1.page(copy, v1.account(ACCOUNT)))
        assert v1.deleted(copy) is None or isinstance(v1.deleted(copy), str)


def test_no_damage_to_an_account_raises():
    assert all(user is None or "id" in user for user in map(v1.account, damaged(ACCOUNT)))


def test_posts_nested_deeper_than_the_stack_are_read():
    tweet = a_tweet()
    for _ in range(2000):
        tweet = a_tweet(quoted_status=tweet)
    assert len(v1.page(tweet)["includes"]["tweets"]) == 2000

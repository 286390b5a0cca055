"""Items of Zeeschuimer and 4CAT, with older and newer objects of X's website, become v2 pages."""

import pytest

from customer_profiles.posts.formats import v1, web
from tests.posts.formats.damage import assert_a_page, damaged

POST, AUTHOR, OTHER_POST, OTHER = "9000000000000000001", "91", "9000000000000000002", "92"
TEXT = "Lovely scones &amp; tea at Tindlewick today"
DATE = "Tue Jun 30 12:00:00 +0000 2026"
CREATED = "Thu Feb 28 23:59:59 +0000 2019"
METRICS = {"followers_count": 10, "following_count": 20, "listed_count": 1, "tweet_count": 30}


def an_older_user(user_id=AUTHOR, **changes):
    legacy = {
        "screen_name": "sample_author_00001_tw",
        "name": "Sample author 1",
        "created_at": CREATED,
        "protected": False,
        "verified": False,
        "followers_count": 10,
        "friends_count": 20,
        "listed_count": 1,
        "statuses_count": 30,
    }
    user = {"rest_id": user_id, "is_blue_verified": False, "legacy": legacy | changes}
    return {"user_results": {"result": {"__typename": "User"} | user}}


def a_newer_user(user_id=AUTHOR, **changes):
    user = {
        "__typename": "User",
        "rest_id": user_id,
        "is_blue_verified": False,
        "core": {
            "screen_name": "sample_author_00001_tw",
            "name": "Sample author 1",
            "created_at": CREATED,
        },
        "avatar": {"image_url": "https://example.org/1.jpg"},
        "verification": {"verified": False},
        "privacy": {"protected": False},
        "relationship_counts": {"followers": 10, "following": 20},
        "tweet_counts": {"tweets": 30, "media_tweets": 2},
        "legacy": {"listed_count": 1},
    }
    return {"user_results": {"result": user | changes}}


def a_post(post_id=POST, core=None, legacy=None, **changes):
    return {
        "__typename": "Tweet",
        "rest_id": post_id,
        "core": core or an_older_user(),
        "edit_control": {"edit_tweet_ids": [post_id], "edits_remaining": "5"},
        "views": {"count": "12345", "state": "EnabledWithCount"},
        "source": "Web",
        "legacy": {
            "created_at": DATE,
            "conversation_id_str": post_id,
            "full_text": TEXT,
            "favorite_count": 5,
            "retweet_count": 2,
            "lang": "en",
            "user_id_str": AUTHOR,
            "id_str": post_id,
        }
        | (legacy or {}),
        "id": post_id,
        "promoted": False,
    } | changes


def an_original(**changes):
    return a_post(OTHER_POST, an_older_user(OTHER), {"user_id_str": OTHER}, **changes)


def zeeschuimer(data, item_id=POST, platform="twitter.com"):
    return {
        "nav_index": "1:2:3",
        "item_id": item_id,
        "timestamp_collected": 1782820800000,
        "source_platform": platform,
        "source_platform_url": "https://x.com/search",
        "source_url": "https://x.com/i/api/graphql/SearchTimeline",
        "user_agent": "Mozilla/5.0",
        "data": data,
    }


def from_4cat(data):
    meta = zeeschuimer(data)
    return meta.pop("data") | {"__import_meta": meta}


def a_note(text=TEXT * 8, **changes):
    result = {"id": "1", "text": text, "entity_set": {"urls": []}} | changes
    return {"is_expandable": True, "note_tweet_results": {"result": result}}


REPOST = a_post(
    legacy={
        "full_text": "RT @sample_author_00002_tw: Lov…",
        "retweeted_status_result": {"result": an_original(note_tweet=a_note())},
    }
)
TOMBSTONE = {
    "__typename": "TweetTombstone",
    "tombstone": {"__typename": "TextTombstone", "text": {"text": "This Post is unavailable."}},
}
ADAPTIVE = {
    "id": 9000000000000001000,
    "type": "adaptive",
    "legacy": a_post()["legacy"],
    "user": an_older_user()["user_results"]["result"]["legacy"] | {"id_str": AUTHOR},
}
DATA = {
    "older": a_post(),
    "newer": a_post(core=a_newer_user()),
    "repost": REPOST,
    "quotation": a_post(
        quoted_status_result={"result": {"tweet": an_original()}},
        legacy={"quoted_status_id_str": OTHER_POST},
    ),
    "long": a_post(note_tweet=a_note()),
    "limited": {"__typename": "TweetWithVisibilityResults", "tweet": a_post(), "id": None},
    "tombstone": TOMBSTONE,
    "adaptive": ADAPTIVE,
}
ITEMS = {f"{name}, Zeeschuimer": zeeschuimer(data) for name, data in DATA.items()} | {
    f"{name}, 4CAT": from_4cat(data) for name, data in DATA.items()
}
OTHER_ITEMS = {
    "page": {"data": [{"id": POST, "text": TEXT}], "includes": {"users": []}, "meta": {}},
    "stream page": {"data": {"id": POST, "text": TEXT}, "matching_rules": []},
    "post": {"id": POST, "text": TEXT, "author_id": AUTHOR, "created_at": "2026-06-30T12:00:00Z"},
    "4CAT's v2 post": {"id": POST, "text": TEXT, "author_id": AUTHOR, "author_user": {}},
    "tweet": {"id_str": POST, "text": TEXT, "user": {"screen_name": "sample_author_00001_tw"}},
    "archived tweet": {"tweet": {"id_str": POST, "full_text": TEXT}},
    "post of another site": zeeschuimer({"id": "1", "desc": TEXT}, platform="tiktok.com"),
    "post of another site, 4CAT": from_4cat({"id": "1", "desc": TEXT}),
    "web user": an_older_user()["user_results"]["result"],
    "nothing": {},
}


@pytest.mark.parametrize("name", ITEMS)
def test_an_item_of_the_format_is_claimed_and_by_no_other_format(name):
    assert web.claims(ITEMS[name])
    assert not v1.claims(ITEMS[name])


@pytest.mark.parametrize("name", OTHER_ITEMS)
def test_what_is_no_item_of_the_format_is_not_claimed(name):
    assert not web.claims(OTHER_ITEMS[name])


@pytest.mark.parametrize("platform", ["twitter.com", "x.com"])
def test_both_names_of_the_site_are_known(platform):
    assert web.claims(zeeschuimer(a_post(), platform=platform))


@pytest.mark.parametrize("name", ["older", "newer", "limited"])
@pytest.mark.parametrize("written", [zeeschuimer, from_4cat])
def test_an_item_gives_the_post_and_the_author_with_known_values(name, written):
    assert web.page(written(DATA[name])) == {
        "data": [
            {
                "id": POST,
                "author_id": AUTHOR,
                "text": TEXT,
                "created_at": DATE,
                "lang": "en",
                "public_metrics": {"like_count": 5, "retweet_count": 2},
                "edit_history_tweet_ids": [POST],
            }
        ],
        "includes": {
            "users": [
                {
                    "id": AUTHOR,
                    "username": "sample_author_00001_tw",
                    "name": "Sample author 1",
                    "created_at": CREATED,
                    "verified": False,
                    "verified_type": "none",
                    "protected": False,
                    "public_metrics": METRICS,
                }
            ],
            "tweets": [],
        },
    }


def test_an_adaptive_item_takes_its_id_from_the_text_and_not_from_the_number():
    page = web.page(zeeschuimer(ADAPTIVE, item_id=9000000000000001000))
    assert page["data"][0]["id"] == POST
    assert page["data"][0]["author_id"] == AUTHOR
    assert page["includes"]["users"][0]["public_metrics"] == METRICS


def test_a_number_that_lost_digits_is_no_id():
    data = a_post(id=9000000000000001000, legacy={"id_str": None})
    del data["rest_id"]
    assert "id" not in web.page(zeeschuimer(data, item_id=9000000000000001000))["data"][0]
    assert web.page(zeeschuimer(data))["data"][0]["id"] == POST


def test_the_text_of_a_note_wins_and_a_note_without_text_is_cut():
    def text_of(note):
        (post,) = web.page(zeeschuimer(a_post(note_tweet=note)))["data"]
        return post["text"], post.get("truncated")

    assert text_of(a_note()) == (TEXT * 8, None)
    assert text_of(None) == (TEXT, None)
    assert text_of({"is_expandable": True}) == (TEXT, True)
    assert text_of({"is_expandable": False}) == (TEXT, None)


def test_the_original_of_a_repost_stands_in_the_includes_with_its_author_and_whole_text():
    page = web.page(zeeschuimer(REPOST))
    assert [post["id"] for post in page["data"]] == [POST]
    assert page["data"][0]["referenced_tweets"] == [{"type": "retweeted", "id": OTHER_POST}]
    (original,) = page["includes"]["tweets"]
    assert (original["id"], original["author_id"], original["text"]) == (
        OTHER_POST,
        OTHER,
        TEXT * 8,
    )
    assert [user["id"] for user in page["includes"]["users"]] == [AUTHOR, OTHER]


def test_what_a_reposted_post_quotes_stands_in_the_includes_as_well():
    quoted = a_post("9000000000000000003", quoted_status_result={"result": a_post("4")})
    original = an_original(quoted_status_result={"result": quoted})
    page = web.page(zeeschuimer(a_post(retweeted_status_result={"result": original})))
    ids = [post["id"] for post in page["includes"]["tweets"]]
    assert ids == [OTHER_POST, "9000000000000000003"]


def test_a_quotation_names_the_quoted_post_even_where_x_hides_it():
    page = web.page(zeeschuimer(DATA["quotation"]))
    assert page["data"][0]["referenced_tweets"] == [{"type": "quoted", "id": OTHER_POST}]
    assert [post["id"] for post in page["includes"]["tweets"]] == [OTHER_POST]
    hidden = DATA["quotation"] | {"quoted_status_result": {"result": TOMBSTONE}}
    page = web.page(zeeschuimer(hidden))
    assert page["data"][0]["referenced_tweets"] == [{"type": "quoted", "id": OTHER_POST}]
    assert page["includes"]["tweets"] == []


@pytest.mark.parametrize("written", [zeeschuimer, from_4cat])
def test_a_tombstone_is_a_withheld_post_without_its_text(written):
    withheld = {"copyright": False, "country_codes": []}
    assert web.page(written(TOMBSTONE)) == {
        "data": [{"id": POST, "withheld": withheld}],
        "includes": {"tweets": []},
    }


def test_a_withheld_post_says_so():
    legacy = {"withheld_in_countries": ["DE"], "withheld_scope": "status"}
    (post,) = web.page(zeeschuimer(a_post(legacy=legacy)))["data"]
    assert post["withheld"] == {"copyright": False, "country_codes": ["DE"]}


def test_a_promoted_post_says_so():
    assert web.page(zeeschuimer(a_post(promoted=True)))["data"][0]["promoted"] is True
    limited = DATA["limited"] | {"promoted": True}
    assert web.page(zeeschuimer(limited))["data"][0]["promoted"] is True


def test_an_edited_post_names_all_its_versions():
    initial = {"edit_tweet_ids": [POST, OTHER_POST]}
    control = {"initial_tweet_id": POST, "edit_control_initial": initial}
    (post,) = web.page(zeeschuimer(a_post(edit_control=control)))["data"]
    assert post["edit_history_tweet_ids"] == [POST, OTHER_POST]


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"is_blue_verified": True}, "blue"),
        ({"verification": {"verified": False, "verified_type": "Business"}}, "business"),
        ({"verification": {"verified_type": "Government"}}, "government"),
        ({"verification": {"verified": False, "is_blue_verified": True}}, "blue"),
        ({}, "none"),
    ],
)
def test_paid_verification_is_told_from_that_of_businesses(changes, kind):
    page = web.page(zeeschuimer(a_post(core=a_newer_user(**changes))))
    assert page["includes"]["users"][0]["verified_type"] == kind


def test_the_author_that_x_does_not_show_is_known_by_the_id():
    core = {"user_results": {"result": {"__typename": "UserUnavailable"}}}
    page = web.page(zeeschuimer(a_post(core=core)))
    assert page["data"][0]["author_id"] == AUTHOR
    assert "users" not in page["includes"]


@pytest.mark.parametrize("name", ITEMS)
def test_no_damage_to_an_item_raises(name):
    for copy in damaged(ITEMS[name]):
        assert {v1.claims(copy), web.claims(copy)} in ({True, False}, {False})
        assert_a_page(web.page(copy))

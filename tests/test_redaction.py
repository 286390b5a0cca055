"""A page without what somebody left in it has all else as it was, byte for byte."""

import json

import pytest

from customer_profiles.redaction import NOBODY, Erased, find, redacted

ANN = Erased(posts=frozenset({"11", "12"}), authors=frozenset({"70"}), handles=frozenset({"ann_h"}))
POST = '{"id":"21", "author_id":"80","text":"caf\\u00e9 at 11 o\'clock, 1.50",  "n":1.0e2}'


def cut(text, erased=ANN):
    kept, posts = redacted(text, erased)
    return kept, posts


@pytest.mark.parametrize(
    ("gone", "posts"),
    [
        ('{"id":"11","author_id":"70","text":"mine"}', 1),
        ('{"id":11,"text":"as a number"}', 1),
        ('{"text":"later version","id":"13","edit_history_tweet_ids":["12","13"]}', 1),
        ('{"id":"14","author_id":"70"}', 1),
        ('{"id":"31","referenced_tweets":[{"type":"retweeted","id":"11"}],"text":"RT"}', 1),
        ('{"id":"31","referenced_posts":[{"type":"reposted","id":"12"}]}', 1),
        ('{"id":"32","author_id":"80","text":"RT @Ann_H: mine"}', 1),
        ('{"id":"70","username":"ann_h"}', 0),
        ('{"id":"\\u00371\\u0031","author_id":"\\u00370"}', 1),
    ],
)
@pytest.mark.parametrize("key", ['"data":[', '"includes":{"tweets":[', '"includes":{"posts":['])
def test_an_object_goes_with_its_comma_and_the_others_stay_as_they_are(gone, posts, key):
    end = "]}" + "}" * key.count("{")
    for kept in (f"{POST}\n ,{POST}", f" {POST} ", ""):
        others = kept.split("\n ,") if kept.strip() else []
        for place in range(len(others) + 1):
            listed = [*others[:place], gone, *others[place:]]
            page = "{" + key + "\n ,".join(listed) + end
            found, number = cut(page)
            assert number == posts
            assert json.loads(found) == json.loads("{" + key + ",".join(others) + end)
            assert found.count(POST) == len(others)


def test_what_is_left_has_the_bytes_it_had():
    page = (
        '\ufeff {"data": [ {"id":"11"} , ' + POST + ' ,\t{"id":"12"}],\r\n'
        '"includes":{"users":[{"id":"70","username":"ann_h"},{"id":"80","username":"b"}]} }\n'
    )
    assert cut(page) == (
        '\ufeff {"data": [ ' + POST + '],\r\n"includes":{"users":[{"id":"80","username":"b"}]} }\n',
        2,
    )


def test_a_single_post_leaves_its_page():
    assert cut('{"data":{"id":"11"},"matching_rules":[]}') == ('{"matching_rules":[]}', 1)
    assert cut('{"matching_rules":[],"data":{"id":"11"}}') == ('{"matching_rules":[]}', 1)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"conversation_id":"11","lang":"en"', '"lang":"en"'),
        ('"lang":"en","in_reply_to_user_id":"70"', '"lang":"en"'),
        ('"referenced_posts":[{"type":"quoted","id":"11"}]', '"referenced_posts":[]'),
        (
            '"entities":{"mentions":[{"username":"ann_h","start":1},{"username":"b"}]}',
            '"entities":{"mentions":[{"username":"b"}]}',
        ),
        (
            '"entities":{"urls":[{"expanded_url":"https://x.com/ann_h/status/11"}]}',
            '"entities":{"urls":[]}',
        ),
    ],
)
def test_others_posts_stay_without_what_points_to_the_erased(before, after):
    page = '{"data":[{"id":"21","author_id":"80",%s}]}'
    assert cut(page % before) == (page % after, 0)


def test_pictures_and_polls_go_with_their_post_and_errors_and_marks_of_a_page_too():
    page = (
        '{"data":[{"id":"11","attachments":{"media_keys":["3_1"],"poll_ids":["5"]}}],'
        '"includes":{"media":[{"media_key":"3_1","url":"u"},{"media_key":"3_2"}],'
        '"polls":[{"id":"5"},{"id":"6"}]},"errors":[{"resource_id":"70"},{"resource_id":"81"}],'
        '"meta":{"newest_id":"11","oldest_id":"10","result_count":1}}'
    )
    assert cut(page) == (
        '{"data":[],"includes":{"media":[{"media_key":"3_2"}],"polls":[{"id":"6"}]},'
        '"errors":[{"resource_id":"81"}],"meta":{"oldest_id":"10","result_count":1}}',
        1,
    )


@pytest.mark.parametrize(
    "page",
    [
        '{"data":[{"id":"21","text":"11 and 70"}]}',
        '{"data":[{"id":"70","author_id":"11"}]}',  # ids of posts and of users are two series
        '{"data":[{"id":"111","author_id":"700"}]}',
        '{"data":[],"meta":{"result_count":11}}',
        "no page at all",
        "[]",
        "\n",
    ],
)
def test_what_only_looks_like_it_stays(page):
    assert cut(page) == (page, 0)


@pytest.mark.parametrize(
    "line", ['{"data":[{"id":"11","text":"mi', '["11"]', '{"username":"Ann_h"']
)
def test_a_line_that_is_no_page_goes_if_it_names_somebody(line):
    assert cut(line) == ("", 0)


def test_an_author_is_found_with_posts_and_handle_and_a_post_without_its_author():
    lines = [
        '{"data":[{"id":"11","author_id":"70"},{"id":"21","author_id":"80"}]}',
        '{"includes":{"tweets":[{"id":"12","author_id":"70"}],'
        '"users":[{"id":"70","username":"Ann_H"},{"id":"80","username":"b"}]}}',
        '{"data":{"id":"22","author_id":"80","edit_history_post_ids":["20","22"]}}',
        '{"data":[{"id":"99"',
        '{"data":[{"id":"70","username":"ann2"}]}',
    ]
    wanted = {("author", "70"), ("post", "20"), ("post", "99")}
    found = find(lines, lambda kind, number: (kind, number) in wanted, NOBODY.also("post", ["1"]))
    assert found == Erased(
        posts=frozenset({"1", "11", "12", "22", "99"}),
        authors=frozenset({"70"}),
        handles=frozenset({"ann_h", "ann2"}),
    )

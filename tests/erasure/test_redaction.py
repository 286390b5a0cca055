"""A page without what somebody left in it has all else; one that holds nothing stays as it is."""

import gzip
import json
import os
from pathlib import Path

import pytest

from customer_profiles.erasure.redaction import find, redacted, standing
from customer_profiles.posts.formats import documents, rewriting
from customer_profiles.posts.formats.containers import Part
from customer_profiles.posts.places import Place, of_file

MARK = "\ufeff"
ANN = frozenset({("post", "11"), ("post", "12"), ("author", "70"), ("handle", "ann_h")})
POST = '{"id":"21", "author_id":"80","text":"caf\\u00e9 at 11 o\'clock, 1.50",  "n":1.0e2}'
LEFT = '"z":[1.5,-73.98765432109876,1e-07,-0.0,NaN],"a":9100000000000000000123,"m":{"b":1,"a":true}'
TEXTS = ["plain", "Grüße 🍂", r"half \ud83d", r"\\ \" \u0000", "no UTF-8: \udcff"]


def places(text):
    """The pieces of a file that holds `text`, which is read without a byte-order mark."""
    part = Part(Path("1.json"), "1.json")
    raw = text.removeprefix(MARK).encode("utf-8", "surrogateescape")
    try:
        pieces = list(documents.pieces(raw.splitlines(keepends=True)))
    except documents.NoFormat:
        pieces = [documents.Piece(documents.LINE, 1, raw)]
    return [Place(part, piece, (), documents.section(piece)) for piece in pieces]


def cut(text, erased=ANN):
    """`text` without the `erased` names, and the number of posts removed from it."""
    each = [redacted(place, erased) for place in places(text)]
    left = b"".join(left for left, _ in each).decode("utf-8", "surrogateescape")
    return MARK * text.startswith(MARK) + left, sum(posts for _, posts in each)


@pytest.mark.parametrize(
    ("erased", "posts"),
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
def test_an_object_goes_wherever_it_stands_and_the_others_stay(erased, posts, key):
    end = "]}" + "}" * key.count("{")
    for kept in (f"{POST}\n ,{POST}", f" {POST} ", ""):
        others = kept.split("\n ,") if kept.strip() else []
        for place in range(len(others) + 1):
            listed = [*others[:place], erased, *others[place:]]
            page = "{" + key + "\n ,".join(listed) + end
            left, number = cut(page)
            assert number == posts
            assert json.loads(left) == json.loads("{" + key + ",".join(others) + end)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize(("before", "after"), [("", ""), ("", "\r\n"), ("\ufeff ", " \n")])
def test_what_is_left_has_the_values_order_and_ends_it_had(text, before, after):
    other = f'{{"id":"21","text":"{text}",{LEFT}}}'
    page = f'{before}{{"data": [ {{"id":"11"}} ,\n{other},\t{{"id":"12"}}]}}{after}'
    left, posts = cut(page)
    assert posts == 2
    assert (left[: left.index("{")], left[left.rindex("}") + 1 :]) == (before, after)
    kept = json.loads(left.strip("\ufeff \r\n"))
    assert json.dumps(kept) == json.dumps({"data": [json.loads(other)]})
    assert left.encode().decode() == left
    assert cut(left) == (left, 0)


def test_a_single_post_leaves_its_page():
    assert cut('{"data":{"id":"11"},"matching_rules":[]}') == ('{"matching_rules":[]}', 1)
    assert cut('{"matching_rules":[],"data":{"id":"11"}}') == ('{"matching_rules":[]}', 1)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"conversation_id":"11","lang":"en"', '"lang":"en"'),
        ('"lang":"en","in_reply_to_user_id":"70"', '"lang":"en"'),
        ('"pinned_tweet_id":"11","pinned_post_id":"10"', '"pinned_post_id":"10"'),
        ('"referenced_posts":[{"type":"quoted","id":"11"}]', '"referenced_posts":[]'),
        (
            '"entities":{"mentions":[{"username":"ann_h","start":1},{"username":"b"},{"id":"70"}]}',
            '"entities":{"mentions":[{"username":"b"}]}',
        ),
        (
            '"entities":{"urls":[{"expanded_url":"https://x.com/ann_h/status/11"}]}',
            '"entities":{"urls":[]}',
        ),
    ],
)
@pytest.mark.parametrize("place", ['{"data":[%s]}', '{"includes":{"tweets":[%s]}}'])
def test_others_posts_stay_without_what_points_to_the_erased(before, after, place):
    page = place % '{"id":"21","author_id":"80",%s}'
    assert cut(page % before) == (page % after, 0)


def test_pictures_and_polls_go_with_their_post_and_errors_and_marks_of_a_page_too():
    page = (
        '{"data":[{"id":"11","attachments":{"media_keys":["3_1"],"poll_ids":["5"]}}],'
        '"includes":{"media":[{"media_key":"3_1","url":"u"},{"media_key":"3_2"}],'
        '"polls":[{"id":"5"},{"id":"6"}]},'
        '"errors":[{"resource_id":"70"},{"resource_id":"81"},{"value":"Ann_H"}],'
        '"meta":{"newest_id":"11","oldest_id":"12","result_count":1}}'
    )
    assert cut(page) == (
        '{"data":[],"includes":{"media":[{"media_key":"3_2"}],"polls":[{"id":"6"}]},'
        '"errors":[{"resource_id":"81"}],"meta":{"result_count":1}}',
        1,
    )


@pytest.mark.parametrize(
    "page",
    [
        '{"data":[{"id":"21","text":"11 and 70"}]}',
        '{"data":[{"id":"70","author_id":"11"}]}',  # ids of posts and of users are two series
        '{"data":[{"id":"111","author_id":"700"}]}',
        '{"data":[],"meta":{"result_count":11}}',
        '{"data": [{"author_id": null, "conversation_id": "", "n": 1e2}], "errors": [{}]}',
        f'{{"data": [{POST}, {{"id": "33", "text": "so said RT @ann_h: mine"}}]}}\r\n',
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
    known = frozenset({("post", "1")})
    every = [place for line in lines for place in places(line)]
    assert find(every, lambda kind, number: (kind, number) in wanted, known) == {
        *(("post", number) for number in ("1", "11", "12", "20", "22", "99")),
        ("author", "70"),
        ("handle", "ann_h"),
        ("handle", "ann2"),
    }


def test_what_lacks_its_id_takes_nothing_else_along():
    line = '{"data":[{"author_id":"70"},{"username":null},{"id":"70","username":null}]}'
    names = find(places(line), lambda *name: name == ("author", "70"))
    assert names == {("author", "70")}
    page = '{"data":[{"text":"no id"},{"id":"5","username":"none"}],"errors":[{"value":null}]}'
    assert cut(page, names) == (page, 0)


def test_a_line_too_deep_to_be_read_is_no_page():
    deep = '{"a":' * 5000 + "1" + "}" * 5000
    assert cut(deep) == (deep, 0)
    assert cut(deep.replace("1", '"11"')) == ("", 0)


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.json.gz"])
def test_of_a_torn_file_all_that_can_be_read_is_written_again(tmp_path, name):
    whole = b"".join(b'{"n": "%s"}\r\n\xff' % os.urandom(20).hex().encode() for _ in range(3000))
    file = tmp_path / name
    file.write_bytes(gzip.compress(whole)[:-2000])
    raw = [place.piece.raw for place in of_file(file)]
    rewriting.rewrite(file, {None: raw})
    left = gzip.decompress(file.read_bytes())
    assert whole.startswith(left)
    assert len(whole) > len(left) > 0.8 * len(whole)
    assert [place.piece.raw for place in of_file(file)] == raw


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ('{"data":[{"id":"11","author_id":"70"}]}', {"post 11", "author 70"}),
        ('\ufeff{"data":{"id":11,"edit_history_tweet_ids":["10","11"]}}\r\n', {"post 11"}),
        ('{"includes":{"tweets":[{"id":"12"}],"users":[{"id":"70","username":"a"}]}}',
         {"post 12", "author 70"}),
        ('{"includes":{"posts":[{"id":"12","author_id":"71"}]}}', {"post 12", "author 71"}),
        ('{"data":[{"id":"70","username":"a","pinned_tweet_id":"13"}]}', {"author 70"}),
        ('{"data":[{"id":"11","referenced_tweets":[{"type":"quoted","id":"9"}]}]}', {"post 11"}),
        ('{"meta":{"newest_id":"11"},"errors":[{"resource_id":"9"}]}', set()),
        ("[1]", set()),
        ('{"data":[{"id":"11"', set()),
    ],
)  # fmt: skip
def test_posts_and_users_that_stand_on_a_page_are_named_and_what_they_point_to_is_not(line, names):
    (place,) = places(line)
    assert {f"{kind} {name}" for kind, name in standing(place)} == names

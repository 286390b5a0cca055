"""The query that a brand's handles and keywords become."""

import pytest

from customer_profiles.collect.x_api import query


@pytest.mark.parametrize(
    ("words", "written"),
    [
        ({"handles": ["tindlewick"]}, "@tindlewick -is:retweet"),
        ({"handles": ["@tindlewick"], "retweets": True}, "@tindlewick"),
        (
            {"handles": ["tindlewick", "tindle_tea"], "keywords": ["Tindlewick", "tindle tea"]},
            '(@tindlewick OR @tindle_tea OR Tindlewick OR "tindle tea") -is:retweet',
        ),
        ({"keywords": ["chá"], "language": "pt"}, "chá lang:pt -is:retweet"),
        ({"keywords": ["#teatime"]}, "#teatime -is:retweet"),
        ({"keywords": ["  two \n words "]}, '"two words" -is:retweet'),
        ({"keywords": ["tea", "tea"]}, "tea -is:retweet"),
        ({"keywords": ["🍵"]}, '"🍵" -is:retweet'),
    ],
)
def test_a_query_is_written_as_x_reads_it(words, written):
    assert query.build(**words) == written


@pytest.mark.parametrize("word", ["OR", "or", "-tea", "lang:de", "(tea)", "tea&cake", "@x"])
def test_an_operator_among_the_keywords_is_a_phrase(word):
    assert query.build(keywords=[word], retweets=True) == f'"{word}"'


def test_terms_are_gathered_before_what_limits_them():
    # X binds blanks tighter than OR: without brackets only the last term would be limited.
    assert query.build(keywords=["tea", "cake"], language="en", retweets=True) == (
        "(tea OR cake) lang:en"
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({}, "the query is empty; name at least one handle or keyword"),
        ({"handles": [""]}, "'' is no handle"),
        ({"handles": ["tindle wick"]}, "'tindle wick' is no handle"),
        ({"handles": ["a" * 16]}, "1 to 15 letters"),
        ({"handles": ["tindléwick"]}, "without accents"),
        ({"handles": "tindlewick"}, r"put it in brackets: \['tindlewick'\]"),
        ({"keywords": ["!?"]}, "no letter or digit; leave it out"),
        ({"keywords": [" "]}, "no letter or digit"),
        ({"keywords": ['the "best" tea']}, "leave the sign out"),
        ({"keywords": ["tea"], "language": "English"}, "such as en or pt, or none, got 'English'"),
        ({"keywords": ["tea"], "scope": "old"}, "must be one of recent, all, got 'old'"),
    ],
)
def test_what_cannot_be_a_query_is_refused_with_the_way_out(words, message):
    with pytest.raises(ValueError, match=message):
        query.build(**words)


@pytest.mark.parametrize(("scope", "limit"), [("recent", 512), ("all", 1024)])
def test_a_query_may_be_as_long_as_its_endpoint_takes_and_no_longer(scope, limit):
    assert len(query.build(keywords=["a" * limit], retweets=True, scope=scope)) == limit
    with pytest.raises(ValueError, match=f"has {limit + 1} characters and X takes {limit}"):
        query.build(keywords=["a" * (limit + 1)], retweets=True, scope=scope)


def test_a_query_too_long_for_recent_search_is_shown_the_way_to_the_full_archive():
    with pytest.raises(ValueError, match="full-archive search takes 1024"):
        query.build(keywords=["a" * 600])

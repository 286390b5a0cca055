"""Kinds of posts, and accuracies of those of which there are enough."""

import numpy as np
import pytest

from customer_profiles.sentiment.evaluation import metrics, slices


def kinds(value):
    """Names of the slices that a text belongs to, but for "all"."""
    result = slices.members([value])
    return {name for name, member in result.items() if member[0]} - {"all"}


@pytest.mark.parametrize(
    "face",
    [":)", ":-(", ":D", ";P", "=)", "<3", "xD", "(:", ":'(", ":/", "\N{SMIRKING FACE}", "\u2764"],
)
def test_a_face_is_an_emoji_or_an_emoticon(face):
    assert "emoji or emoticon" in kinds(f"new phone {face}")
    assert "emoji or emoticon" in kinds(f"{face} new phone")


@pytest.mark.parametrize(
    "plain", ["http://t.co/Dp", "at 8:00 (8)", "version 3:2, see box:(a)", "a<3b", "list:Pears"]
)
def test_what_only_looks_like_a_face_is_none(plain):
    assert "emoji or emoticon" not in kinds(plain)


def test_the_length_is_counted_in_words():
    assert kinds(" ".join("abcdefg")) == {"up to 7 words"}
    assert kinds(" ".join("abcdefgh")) == kinds(" ".join("a" * 19)) == set()
    assert kinds(" ".join("a" * 20)) == {"20 words or more"}


@pytest.mark.parametrize(
    ("name", "has", "has_not"),
    [
        ("negation", ["not so", "cant", "wouldn\u2019t", "NEVER"], ["note", "want", "knot"]),
        ("question", ["why?"], ["why"]),
        ("link", ["see https://example.com/a?b=1", "at www.x.org now"], ["https", "see http2"]),
    ],
)
def test_a_slice_holds_the_posts_with_its_pattern(name, has, has_not):
    assert slices.members(has)[name].all()
    assert not slices.members(has_not)[name].any()


def test_a_slice_is_measured_on_the_posts_that_count():
    correct = np.array([1.0] * 9 + [0.0] * 3 + [np.nan] * 8)
    members = {"all": np.ones(20, bool), "first": np.arange(20) < 10, "last": np.arange(20) >= 11}
    result = slices.measure(members, correct)
    assert result["all"] == metrics.accuracy([True] * 9 + [False] * 3)
    assert result["first"]["accuracy"] == 0.9
    assert result["last"] == {"n": "<10"}

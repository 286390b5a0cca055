"""Signals of opinion: known answers of the lexicons, and posts in which there is little to read."""

import numpy as np
import pytest

from customer_profiles.sentiment.rating.signals import NAMES, SURFACE, _vader, signals


def of(text):
    return signals([text]).iloc[0]


def test_known_answers_of_both_lexicons():
    # TextBlob's lexicon: love 0.6 subjective, 0.5 polar. VADER: 3.2 / sqrt(3.2² + 15).
    assert of("love it").to_dict() == pytest.approx(
        {
            "textblob_subjectivity": 0.6,
            "textblob_strength": 0.5,
            "vader_share": 0.808,
            "vader_strength": 0.6369,
            **dict.fromkeys(SURFACE, 0),
        }
    )


def test_what_is_said_with_no_and_with_yes_is_as_strong():
    good, bad = of("a terrible phone"), of("a wonderful phone")
    assert good["textblob_strength"] == bad["textblob_strength"] == 1
    assert good["vader_strength"] > 0.4
    assert bad["vader_strength"] > 0.4


@pytest.mark.parametrize(
    ("name", "has", "has_not"),
    [
        ("first_person", ["I see", "it's mine", "i've", "our bus"], ["it is", "image", "usb"]),
        ("negation", ["not so", "cant", "wouldn\u2019t", "NEVER"], ["note", "want", "knot"]),
        ("exclamation", ["so!"], ["so"]),
        ("question", ["why?"], ["why"]),
        ("link", ["see https://example.com/a?b=1", "at www.x.org now"], ["https", "see http2"]),
        ("number", ["at 9"], ["at nine", "@ann_1990 hi"]),
    ],
)
def test_the_surface_tells_what_a_post_has(name, has, has_not):
    assert signals(has)[name].tolist() == [1] * len(has)
    assert signals(has_not)[name].tolist() == [0] * len(has_not)


def test_handles_links_and_entities_are_not_read():
    assert of("@love_hate_kill_joy see http://example.com/awful &amp; go").drop("link").sum() == 0


@pytest.mark.parametrize(
    "text",
    ["", " \n", "😀😀", "我爱你", "привет!", "@somebody https://example.com", "\ud800", "?!"],
)
def test_where_there_is_nothing_to_read_all_signals_are_zero(text):
    assert of(text).tolist() == [0] * len(NAMES)


@pytest.mark.parametrize("text", ["x" * 10_000, "love 😀" * 2_000, "so " + "!" * 9_997])
def test_a_long_text_gives_numbers_between_0_and_1_from_what_stands_first(text):
    assert of(text).between(0, 1).all()
    assert of(text).equals(of(text[:600]))


def test_no_text_is_no_row():
    empty = signals([])
    assert empty.shape == (0, len(NAMES))
    assert (empty.dtypes == np.float32).all()


def test_the_baseline_is_textblobs_subjectivity():
    subjectivity = signals(["i love it", "the shop opens at nine"])["textblob_subjectivity"]
    assert subjectivity.tolist() == pytest.approx([0.6, 0])
    assert subjectivity.dtype == np.float32


def test_the_lexicons_are_read_once():
    assert _vader() is _vader()

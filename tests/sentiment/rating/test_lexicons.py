"""The public lexicons on sentences whose answer their authors or arithmetic give."""

import pytest

from customer_profiles.sentiment.rating import lexicons


def test_each_lexicon_has_its_own_polarity():
    # VADER's authors print 0.8316 for the first of these in their examples; TextBlob's lexicon
    # says 0.7 of "good", and a half of that with the other sign where it is negated.
    smart, good, bad, shop = lexicons.polarities([
        "VADER is smart, handsome, and funny.", "good", "not good", "the shop opens at nine",
    ]).itertuples(index=False)  # fmt: skip
    assert smart.vader == 0.8316
    assert (good.textblob, bad.textblob) == (0.7, pytest.approx(-0.35))
    assert (shop.textblob, shop.vader) == (0, 0)


def test_a_face_alone_has_a_polarity_and_nothing_has_none():
    face, nothing = lexicons.polarities([":)", ""])["vader"]
    assert face > 0.05
    assert nothing == 0
    assert lexicons.polarities([]).columns.tolist() == ["textblob", "vader"]


def test_subjectivity_is_that_of_textblobs_words():
    answers = lexicons.subjectivity(["i love it", "the shop opens at nine", "love terrible"])
    assert answers.tolist() == pytest.approx([0.6, 0, 0.8])
    assert answers.dtype == "float32"


def test_handles_links_and_entities_are_not_read():
    text = "@love_hate_kill_joy see http://example.com/awful &amp; go"
    assert lexicons.subjectivity([text]).tolist() == [0]


@pytest.mark.parametrize("text", ["x" * 10_000, "love 😀" * 2_000, "so " + "!" * 9_997])
def test_of_a_long_text_the_beginning_counts(text):
    assert lexicons.polarities([text]).equals(lexicons.polarities([text[:600]]))
    assert lexicons.subjectivity([text]) == lexicons.subjectivity([text[:600]])

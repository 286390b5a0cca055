"""Polarity by the public lexicons, on sentences whose answer their authors or arithmetic give."""

import pytest

from customer_profiles.sentiment.rating.signals import lexicons


def test_each_lexicon_has_its_own_polarity():
    # VADER's authors print 0.8316 for the first of these in their examples; TextBlob's lexicon
    # says 0.7 of "good", and a half of that with the other sign where it is negated.
    smart, good, bad, shop = lexicons([
        "VADER is smart, handsome, and funny.", "good", "not good", "the shop opens at nine",
    ]).itertuples(index=False)  # fmt: skip
    assert smart.vader == 0.8316
    assert (good.textblob, bad.textblob) == (0.7, pytest.approx(-0.35))
    assert (shop.textblob, shop.vader) == (0, 0)


def test_a_face_alone_has_a_polarity_and_nothing_has_none():
    face, nothing = lexicons([":)", ""])["vader"]
    assert face > 0.05
    assert nothing == 0
    assert lexicons([]).columns.tolist() == ["textblob", "vader"]

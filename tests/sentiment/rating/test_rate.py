"""Posts rated by a real model, small and untrained, with its card."""

import numpy as np
import pytest

from customer_profiles.project.vocabulary import CLASSES
from customer_profiles.sentiment.model import card
from customer_profiles.sentiment.model.scorer import Scorer
from customer_profiles.sentiment.rating.rate import Rater

POSTS = ["the shop opens at nine", "i love it", "😀", "", "@somebody", "what an awful queue"]


@pytest.fixture(scope="module")
def folder(tiny_sentiment):
    return tiny_sentiment


@pytest.fixture
def as_original(folder):
    """The folder, with the card of a model whose subjectivity is TextBlob's."""
    own = card.read(folder)
    card.write(folder, card.Card(**{**vars(own), "subjectivity": card.TEXTBLOB}))
    yield folder
    card.write(folder, own)


def test_the_label_is_the_likeliest_class_and_ratings_are_the_scorers(folder):
    ratings = Rater(folder).rate(POSTS)
    expected = Scorer(folder).read(POSTS)
    np.testing.assert_allclose(ratings[expected.columns], expected, atol=1e-6)
    likeliest = expected[list(CLASSES)].idxmax(axis=1)
    assert ratings["label"].tolist() == likeliest.tolist()


def test_a_post_with_nothing_to_read_is_undecided_and_neutral(folder):
    ratings = Rater(folder).rate(POSTS)
    assert (ratings.loc[2:4, ["polarity", "subjectivity"]] == 0.5).all(axis=None)
    assert ratings.loc[2:4, "label"].tolist() == ["neutral"] * 3


def test_no_post_is_no_rating(folder):
    assert Rater(folder).rate([]).shape == (0, 6)


def test_the_originals_subjectivity_is_textblobs(as_original):
    ratings = Rater(as_original).rate(POSTS)
    # TextBlob's lexicon: love 0.6; no other word of these posts but awful, 1.
    assert ratings["subjectivity"].tolist() == pytest.approx([0, 0.6, 0, 0, 0, 1])


def test_languages_and_digest_are_those_of_the_folder(folder):
    rater = Rater(folder)
    assert rater.languages == ("en",)
    assert rater.digest == card.scorer(folder)
    assert len(rater.digest) == 16

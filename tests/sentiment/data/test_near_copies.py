"""Near copies by known answers: what is one, what is not, and that none is missed."""

from random import Random

import numpy as np
import pytest

from customer_profiles.sentiment.data import near_copies
from customer_profiles.sentiment.data.near_copies import near, plain

POST = "The new tram line to the harbour opens on Friday, says the council"


@pytest.mark.parametrize(
    "copy",
    [
        POST,
        POST.upper() + "!!!",
        f"RT @somebody: {POST} https://t.example/abc",
        POST.replace("Friday", "Monday"),
        "Now: " + POST.replace(" new", ""),
        POST.replace(" ", "  ").replace("council", "#council"),
    ],
)
def test_a_repost_and_a_post_with_a_word_exchanged_are_near_copies(copy):
    assert near([copy, "something else altogether, and long enough"], [POST]).tolist() == [
        True,
        False,
    ]


@pytest.mark.parametrize(
    "other",
    [
        "The council says that trains to the airport are late on Friday again",
        "tram line to the harbour",
        "",
        "@somebody https://t.example/abc",
        "🙂🙂🙂",
    ],
)
def test_a_post_about_the_same_is_no_copy(other):
    assert not near([other], [POST]).any()
    assert not near([POST], [other]).any()


def test_short_texts_are_copies_only_where_their_words_are_equal():
    texts = ["Happy Monday!", "happy  monday @ann", "happy sunday", "happymonday :)"]
    assert near(texts, ["happy monday"]).tolist() == [True, True, False, True]


def test_texts_without_a_word_are_copies_of_nothing():
    assert near(["", ":)", "@ann", "!!!"], ["", ":)", "@bob", "!!!"]).tolist() == [False] * 4


def test_a_text_of_one_repeated_syllable_is_near_a_longer_one():
    assert near(["ha" * 30], ["ha" * 20]).tolist() == [True]


def test_no_texts_and_no_others_give_no_copies():
    assert near([], [POST]).tolist() == []
    assert near([POST], []).tolist() == [False]
    assert near([POST, "a"], ["a"]).tolist() == [False, True]


def test_plain_text_is_words_in_lower_case():
    assert plain("RT @Ann: Così FAN   tutte_1 &amp; more… www.x.example") == "così fan tutte 1 more"


@pytest.mark.parametrize("block", [7, 1000])
def test_no_pair_is_missed_that_a_comparison_of_all_with_all_finds(monkeypatch, block):
    monkeypatch.setattr(near_copies, "BLOCK", block)
    random = Random(3)  # noqa: S311
    words = ["tram", "harbour", "council", "opens", "late", "friday", "tickets", "rain", "museum"]
    originals = [" ".join(random.choices(words, k=random.randint(4, 14))) for _ in range(60)]
    texts = [" ".join(random.choices(words, k=random.randint(4, 14))) for _ in range(200)]
    for original in originals:  # the nearer ones
        parts = original.split()
        for place in random.sample(range(len(parts)), k=min(2, len(parts))):
            parts[place] = random.choice(words)
        texts.append(" ".join(parts))
    expected = np.array([any(_near_by_sets(text, o) for o in originals) for text in texts])
    assert 30 < expected.sum() < len(texts) - 30
    assert near(texts, originals).tolist() == expected.tolist()


def _near_by_sets(text, original):
    if text.replace(" ", "") == original.replace(" ", ""):
        return True
    ours, theirs = ({t[i : i + 4] for i in range(len(t) - 3)} for t in (text, original))
    return len(original) >= 30 and len(ours & theirs) >= 0.6 * len(ours | theirs)

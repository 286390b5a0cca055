"""Rows of a training, drawn from two sources."""

import numpy as np
import pytest

from customer_profiles.sentiment.training import mixing

NAN = np.nan


def source(labels, first):
    """Tokens that name their posts by numbers from `first` on, and the labels."""
    ids = np.arange(first, first + len(labels))[:, None]
    return {"input_word_ids": ids, "input_mask": np.ones_like(ids)}, np.array(labels)


SOURCES = mixing.Sources(
    emoticons=source([0, 4] * 50, 0), people=source([0, 2, 4, 2] * 25, 1000),
    validation=source([2, 4], 2000),
)  # fmt: skip


def test_a_label_answers_both_questions_or_that_there_is_no_feeling():
    np.testing.assert_array_equal(mixing.answers(np.array([0, 2, 4])), [[0, 1], [NAN, 0], [1, 1]])


def test_rows_are_mixed_by_their_share_and_emoticons_say_nothing_about_subjectivity():
    tokens, answers = SOURCES.training_rows(mix=0.25, rows=80, seed=7, questions=2)
    ids = tokens["input_word_ids"][:, 0]
    assert ((ids < 1000).sum(), (ids >= 1000).sum(), len(set(ids))) == (20, 60, 80)
    assert np.isnan(answers[:20, 1]).all()
    assert not np.isnan(answers[:20, 0]).any()
    labels = SOURCES.people[1][ids[20:] - 1000]
    np.testing.assert_array_equal(answers[20:], mixing.answers(labels))


def test_the_seed_decides_the_rows():
    def drawn(seed):
        return SOURCES.training_rows(0.5, 40, seed, 2)[0]["input_word_ids"][:, 0].tolist()

    assert drawn(7) == drawn(7)
    assert drawn(7) != drawn(8)


def test_without_a_number_all_rows_are_taken_that_keep_the_share():
    assert mixing.sizes(100, 300, mix=0.5, rows=0) == (100, 100)
    assert mixing.sizes(1030, 5000, mix=0.29, rows=0) == (1030, 2521)
    assert mixing.sizes(100, 300, mix=1.0, rows=0) == (100, 0)


def test_posts_labelled_by_emoticons_are_drawn_again_only_after_all_others():
    assert mixing.sizes(100, 300, mix=0.5, rows=0, repeat=3) == (300, 300)
    tokens, _ = SOURCES.training_rows(mix=0.75, rows=333, seed=7, questions=2, repeat=3)
    ids = tokens["input_word_ids"][:, 0]
    _, times = np.unique(ids[ids < 1000], return_counts=True)
    assert (len(times), times.min(), times.max(), times.sum()) == (100, 2, 3, 250)


def test_more_rows_than_there_are_are_refused_with_the_number_there_is():
    with pytest.raises(ValueError, match=r"rows must be 0 \(all\) to 200 with finetune\.mix=0\.5"):
        mixing.sizes(100, 300, mix=0.5, rows=201)


def test_of_one_question_neutral_posts_are_left_out():
    tokens, answers = SOURCES.training_rows(mix=0.5, rows=200, seed=7, questions=1)
    assert len(answers) == len(tokens["input_mask"]) == 150
    assert not np.isnan(answers[:, 0]).any()


def test_validation_rows_are_all_of_them():
    tokens, answers = SOURCES.validation_rows()
    assert tokens["input_word_ids"][:, 0].tolist() == [2000, 2001]
    np.testing.assert_array_equal(answers, [[NAN, 0], [1, 1]])

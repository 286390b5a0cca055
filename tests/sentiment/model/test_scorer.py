"""A saved model asked for many posts at once, for odd ones, and in two precisions."""

import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from customer_profiles.sentiment.model import scorer as scoring
from customer_profiles.sentiment.model.bfloat16 import OPTION, bfloat16, supported
from customer_profiles.sentiment.model.scorer import (
    FILES,
    PRECISION,
    TOKENS,
    Scorer,
    choose_precision,
    compare_precisions,
)

GLAD = ("so happy today", "i love it", "great phone", "what a lovely day", "thanks, brilliant")
SAD = ("so sad today", "i hate it", "awful phone", "what a horrible day", "no, terrible")
NOTHING = {
    "empty": "",
    "blank": " \t\r\n\u00a0",
    "links": "https://example.org/a?b=c www.example.org",
    "handles": "@someone @another_one",
    "emoji": "😀😀 ❤️\u200d🔥",
    "digits": "12345 67,89 !?",
    "another script": "これはすばらしい、Спасибо, شكرا, 谢谢",
    "control characters": "\x00\x01\x02\x1f\x7f\x9f",
    "half a surrogate pair": "\ud83d \udc00",
}
ODD = {
    "long": "phone " * 1667,
    "one long word": "a" * 10_000,
    "combining": "zalgo" + "\u0301" * 200,
    "right to left": "\u202egreat\u202c phone",
    "zero in between": "i\x00love\x00it",
    "surrogate in between": "i love \ud83d it",
    "special tokens": "[CLS] [SEP] [MASK] [PAD] ##ing",
    "two scripts": "phone это 電話",
}


@pytest.fixture(scope="module")
def scorer(tiny_sentiment):
    return Scorer(tiny_sentiment)


@pytest.fixture
def copied(tiny_sentiment, tmp_path):
    return shutil.copytree(tiny_sentiment, tmp_path / "sentiment")


@pytest.fixture
def with_bfloat16():
    if not supported():
        pytest.skip("this processor has no bfloat16")


def test_answers_keep_the_order_of_the_posts_and_do_not_depend_on_the_batch(scorer):
    posts = [*SAD, *GLAD, "ok", "i love it, " * 20]
    alone = pd.concat([scorer.read([post]) for post in posts], ignore_index=True)
    assert np.ptp(alone["polarity"]) > 1e-4
    for tokens in (1, 24, TOKENS):
        np.testing.assert_allclose(scorer.read(posts, tokens), alone, atol=1e-5)


def test_nothing_asked_is_nothing_answered(scorer):
    ratings = scorer.read([])
    assert ratings.shape == (0, 5)
    assert (ratings.dtypes == np.float32).all()


def test_posts_are_taken_a_window_at_a_time(scorer, monkeypatch):
    monkeypatch.setattr(scoring, "WINDOW", 4)
    taken = []

    def posts():
        for number in range(10):
            taken.append(number)
            yield GLAD[number % 5]

    read, sizes = scorer._read, []

    def window(raw, tokens):
        sizes.append(len(raw))
        assert len(taken) == sum(sizes)
        return read(raw, tokens)

    monkeypatch.setattr(scorer, "_read", window)
    assert len(scorer.read(posts())) == 10
    assert sizes == [4, 4, 2]


@pytest.mark.parametrize("post", NOTHING.values(), ids=NOTHING)
def test_a_post_with_nothing_to_read_is_in_the_middle_alone_and_among_others(scorer, post):
    middle = [0.5, 0.5, 0.25, 0.5, 0.25]
    assert scorer.read([post]).iloc[0].tolist() == middle
    assert scorer.read([GLAD[0], post, *SAD]).iloc[1].tolist() == middle


@pytest.mark.parametrize("post", ODD.values(), ids=ODD)
def test_an_odd_post_has_an_answer_which_is_the_same_alone_and_among_others(scorer, post):
    (alone,) = scorer.read([post])["polarity"]
    assert 0 < alone < 1
    assert alone != 0.5
    assert scorer.read([*GLAD, post, *SAD])["polarity"][5] == pytest.approx(alone, abs=1e-5)


def test_the_whole_way_reads_broken_bytes_and_what_is_no_post(tiny_sentiment, scorer):
    serve = tf.saved_model.load(str(tiny_sentiment)).signatures["serving_default"]
    raw = [b"i love it", b"\xff\xfe\xc3", b"i love \xc3 it", b"", b"\x00"]
    first, broken, within, *empty = serve(text=tf.constant(raw))["polarity"].numpy().tolist()
    assert first == pytest.approx(scorer.read(["i love it"])["polarity"][0], abs=1e-5)
    assert within == pytest.approx(scorer.read(["i love \ufffd it"])["polarity"][0], abs=1e-5)
    assert [broken, *empty] == [0.5] * 3
    assert serve(text=tf.constant([], tf.string))["polarity"].shape == (0,)


@pytest.mark.parametrize("wrong", [None, 7, b"bytes", float("nan"), ["somebody's secret"]])
def test_what_is_no_text_is_refused_by_its_place_and_not_repeated(scorer, wrong, monkeypatch):
    monkeypatch.setattr(scoring, "WINDOW", 2)
    with pytest.raises(TypeError) as refused:
        scorer.read([*GLAD, wrong])
    kind = type(wrong).__name__
    assert str(refused.value) == f"post 5 (from 0) is {kind}; give texts, str each"


@pytest.mark.parametrize("file", FILES)
def test_a_missing_file_of_a_model_is_named_with_the_stage_that_makes_it(copied, file):
    (copied / file).unlink()
    with pytest.raises(ValueError, match=f"sentiment .*: {file} is missing; run `dvc repro finet"):
        Scorer(copied)


@pytest.mark.parametrize("file", FILES[:3])
def test_a_truncated_file_of_a_model_is_named_with_the_stage_that_makes_it(copied, file):
    content = (copied / file).read_bytes()
    (copied / file).write_bytes(content[: len(content) // 2])
    with pytest.raises(ValueError, match=rf": {file} is damaged \(\w+\); run `dvc repro finetune"):
        Scorer(copied)


def test_no_model_and_one_of_another_kind_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"nothing .*: saved_model\.pb is missing; run `dvc repro"):
        Scorer(tmp_path / "nothing")
    module = tf.Module()
    module.double = tf.function(lambda x: 2 * x, input_signature=[tf.TensorSpec([None])])
    tf.saved_model.save(module, str(tmp_path / "foreign"))
    with pytest.raises(ValueError, match=r"foreign is no sentiment model.*dvc repro finetune"):
        Scorer(tmp_path / "foreign")


def test_a_saved_model_with_other_names_is_refused(tmp_path):
    module = tf.Module()
    module.upper = tf.function(
        lambda words: {"shout": tf.strings.upper(words)},
        input_signature=[tf.TensorSpec([None], tf.string, name="words")],
    )
    tf.saved_model.save(module, str(tmp_path / "other"), signatures=module.upper)
    expected = r"must take .'text'. and give .'negative'.*'subjectivity'., but takes .'words'."
    with pytest.raises(ValueError, match=expected):
        Scorer(tmp_path / "other")


def test_two_precisions_live_in_one_process_and_leave_the_setting_as_it_was(
    scorer, with_bfloat16, monkeypatch
):
    before = tf.config.optimizer.get_experimental_options().get(OPTION, False)
    answers = []
    for wanted in (False, True, False, True):
        monkeypatch.setattr(scorer, "bfloat16", wanted)
        answers.append(scorer.read(GLAD + SAD).to_numpy())
    first, rounded, *again = answers
    np.testing.assert_array_equal(again, [first, rounded])
    assert 0 < np.abs(first - rounded).max() < 0.02
    assert tf.config.optimizer.get_experimental_options().get(OPTION, False) == before


def test_a_setting_is_restored_after_an_error_and_inside_another():
    def now():
        return tf.config.optimizer.get_experimental_options().get(OPTION, False)

    with bfloat16(True):
        with bfloat16(False):
            assert now() is False
        assert now() is True
        with pytest.raises(ZeroDivisionError), bfloat16(False):
            1 / now()
        assert now() is True
    assert now() is False


def test_a_processor_without_bfloat16_is_known_by_its_flags(tmp_path):
    assert not supported(tmp_path / "no proc")
    (tmp_path / "cpuinfo").write_text("flags\t\t: fpu avx512f avx512_bf16x\n")
    assert not supported(tmp_path / "cpuinfo")
    (tmp_path / "cpuinfo").write_text("flags\t\t: fpu avx512f amx_bf16\n")
    assert supported(tmp_path / "cpuinfo")


def rated(positive):
    """Ratings of posts that are positive or negative, never neutral."""
    columns = {"polarity": positive, "negative": 1 - positive, "neutral": 0, "positive": positive}
    return pd.DataFrame(columns)


def test_agreement_is_the_share_of_labels_and_the_largest_differences():
    exact = np.linspace(0, 1, 1001)
    same = compare_precisions(rated(exact), rated(exact))
    assert (same, same.holds) == ((1.0, 0.0), True)
    fast = exact.copy()
    fast[501:504] -= 0.01  # from 0.501 … 0.503 to the other side
    changed = compare_precisions(rated(exact), rated(fast))
    assert changed.labels == pytest.approx(998 / 1001)
    assert changed.holds
    far = compare_precisions(rated(exact), rated(exact + 0.021))
    assert far.delta_p999 == pytest.approx(0.021)
    assert not far.holds
    one_of_100 = np.r_[np.full(99, 0.501), 0.499]
    assert not compare_precisions(rated(np.full(100, 0.501)), rated(one_of_100)).holds


def test_a_settled_model_is_read_in_bfloat16(copied, with_bfloat16):
    assert not Scorer(copied).bfloat16
    content = choose_precision(copied, GLAD + SAD)
    assert content["bfloat16"] is True
    assert content["posts"] == 10
    assert 0 < content["delta_p999"] < 0.02
    written = json.loads((copied / PRECISION).read_text(encoding="utf-8"))
    assert written["bfloat16"] is True
    assert Scorer(copied).bfloat16
    assert not Scorer(copied, bfloat16=False).bfloat16


def test_a_model_whose_answers_change_too_much_is_read_in_float32(
    copied, with_bfloat16, monkeypatch
):
    monkeypatch.setattr(scoring, "MOST_DELTA", 1e-9)
    assert choose_precision(copied, GLAD + SAD)["bfloat16"] is False
    assert not Scorer(copied).bfloat16


def test_what_cannot_be_settled_is_said(copied):
    with pytest.raises(ValueError, match="no posts to compare the precisions of sentiment on"):
        choose_precision(copied, [])
    (copied / PRECISION).parent.mkdir(exist_ok=True)
    (copied / PRECISION).write_text("{}")
    with pytest.raises(ValueError, match=r"assets\.extra/precision\.json is damaged; run `dvc"):
        Scorer(copied)


def test_a_bar_says_what_is_scored_and_of_how_many(scorer, capsys):
    scorer.read(GLAD, name="validation")
    assert re.search(r"scoring validation: 100%.* 5/5 ", capsys.readouterr().err)

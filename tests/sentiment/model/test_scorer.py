"""A saved model asked for many posts at once, for odd ones, and in two precisions."""

import json
import shutil

import numpy as np
import pytest
import tensorflow as tf

from customer_profiles.sentiment.model import encoder
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
    alone = [float(scorer.polarity([post])[0]) for post in posts]
    assert np.ptp(alone) > 1e-3
    for tokens in (1, 24, TOKENS):
        np.testing.assert_allclose(scorer.polarity(posts, tokens), alone, atol=1e-5)


def test_nothing_asked_is_nothing_answered(scorer):
    assert scorer.polarity([]).shape == (0,)
    assert scorer.polarity([]).dtype == np.float32


def test_posts_are_taken_a_window_at_a_time(scorer, monkeypatch):
    monkeypatch.setattr(scoring, "WINDOW", 4)
    taken = []

    def posts():
        for number in range(10):
            taken.append(number)
            yield GLAD[number % 5]

    sizes = []
    for reading in scorer.readings(posts()):
        sizes.append(len(reading.polarity))
        assert len(taken) == sum(sizes)
        assert reading.vector.shape == (sizes[-1], 2 * 32)
    assert sizes == [4, 4, 2]


def test_the_vector_of_a_post_is_the_mean_over_its_tokens_of_every_layer(scorer, tiny_encoder):
    preprocess, bert = encoder.load(*tiny_encoder)
    (reading,) = scorer.readings(["so happy", *SAD])
    tokens = preprocess(tf.constant(["so happy"]))
    assert tokens["input_mask"].numpy().sum() == 4  # [CLS] so happy [SEP]
    expected = [part[0, :4].numpy().mean(axis=0) for part in bert(tokens)["encoder_outputs"]]
    np.testing.assert_allclose(reading.vector[0], np.concatenate(expected), atol=1e-5)


@pytest.mark.parametrize("post", NOTHING.values(), ids=NOTHING)
def test_a_post_with_nothing_to_read_is_in_the_middle_alone_and_among_others(scorer, post):
    assert scorer.polarity([post]).tolist() == [0.5]
    assert scorer.polarity([GLAD[0], post, *SAD])[1] == 0.5


@pytest.mark.parametrize("post", ODD.values(), ids=ODD)
def test_an_odd_post_has_an_answer_which_is_the_same_alone_and_among_others(scorer, post):
    (alone,) = scorer.polarity([post])
    assert 0 < alone < 1
    assert alone != 0.5
    assert scorer.polarity([*GLAD, post, *SAD])[5] == pytest.approx(alone, abs=1e-5)


def test_the_whole_way_reads_broken_bytes_and_what_is_no_post(tiny_sentiment, scorer):
    serve = tf.saved_model.load(str(tiny_sentiment)).signatures["serving_default"]
    raw = [b"i love it", b"\xff\xfe\xc3", b"i love \xc3 it", b"", b"\x00"]
    first, broken, within, *empty = serve(text=tf.constant(raw))["polarity"].numpy().tolist()
    assert first == pytest.approx(scorer.polarity(["i love it"])[0], abs=1e-5)
    assert within == pytest.approx(scorer.polarity(["i love \ufffd it"])[0], abs=1e-5)
    assert [broken, *empty] == [0.5] * 3
    assert serve(text=tf.constant([], tf.string))["polarity"].shape == (0,)


@pytest.mark.parametrize("wrong", [None, 7, b"bytes", float("nan"), ["somebody's secret"]])
def test_what_is_no_text_is_refused_by_its_place_and_not_repeated(scorer, wrong, monkeypatch):
    monkeypatch.setattr(scoring, "WINDOW", 2)
    with pytest.raises(TypeError) as refused:
        scorer.polarity([*GLAD, wrong])
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
    expected = r"must take .'text'. and give .'polarity'., but takes .'words'."
    with pytest.raises(ValueError, match=expected):
        Scorer(tmp_path / "other")


def test_two_precisions_live_in_one_process_and_leave_the_setting_as_it_was(
    scorer, with_bfloat16, monkeypatch
):
    before = tf.config.optimizer.get_experimental_options().get(OPTION, False)
    answers = []
    for wanted in (False, True, False, True):
        monkeypatch.setattr(scorer, "bfloat16", wanted)
        answers.append(scorer.polarity(GLAD + SAD))
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


def test_agreement_is_the_share_of_labels_and_the_largest_differences():
    exact = np.linspace(0, 1, 1001)
    same = compare_precisions(exact, exact)
    assert (same, same.holds) == ((1.0, 0.0), True)
    fast = exact.copy()
    fast[500:504] -= 0.01  # from 0.500 … 0.503 to the other side
    assert compare_precisions(exact, fast).labels == pytest.approx(997 / 1001)
    assert compare_precisions(exact, fast).holds
    assert compare_precisions(exact, exact + 0.021).delta_p999 == pytest.approx(0.021)
    assert not compare_precisions(exact, exact + 0.021).holds
    assert not compare_precisions(np.full(100, 0.501), np.r_[np.full(99, 0.501), 0.499]).holds


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

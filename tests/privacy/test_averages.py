"""An average of a segment, its index and interval: as they are, and with one member exchanged."""

import numpy as np
import pytest

from customer_profiles.privacy import averages

VALUES = np.array([0.0, 3.0, 20.0])
MEMBERS, OTHERS = np.array([40, 30, 10]), np.array([200, 60, 60])  # means 3.625 and 4.725


def made(values=VALUES, members=MEMBERS, others=OTHERS, unit=0):
    return averages.average(values, members, others, unit, seed=7)


def test_the_index_is_that_of_the_published_averages():
    # 290 / 80 and 1,670 / 400, of which 3.6 and 4.2 are published.
    average, index, low, high = made().published(1)
    assert (average, index) == (3.6, 86)
    assert made().whole == 4.2
    assert low % 5 == high % 5 == 0
    assert low < 86 < high


def test_the_interval_is_that_of_a_plain_bootstrap():
    # Everybody drawn with replacement, thousands of times.
    rng = np.random.default_rng(0)
    share = np.concatenate([MEMBERS, OTHERS]) / 400
    drawn = rng.multinomial(400, share, 5_000)
    own, whole = drawn[:, :3] @ VALUES / drawn[:, :3].sum(1), drawn @ [*VALUES, *VALUES] / 400
    expected = np.quantile(100 * own / whole, [0.025, 0.975])
    average = made()
    assert [average.low[0, 0], average.high[0, 0]] == pytest.approx(expected, abs=2.5)
    # A hundred times as many authors make it ten times as narrow.
    large = made(members=MEMBERS * 100, others=OTHERS * 100)
    width = large.high[0, 0] - large.low[0, 0]
    assert width == pytest.approx((expected[1] - expected[0]) / 10, rel=0.1)


def test_with_a_member_exchanged_it_is_what_that_segment_would_have_had():
    average, one = made(), np.eye(3, dtype=int)
    for t in range(3):
        for c in range(3):
            other = made(members=MEMBERS - one[t] + one[c], others=OTHERS + one[t] - one[c])
            for name in ("mean", "low", "high"):
                expected = getattr(other, name)[0, 0]
                assert getattr(average, name)[t, c] == pytest.approx(expected), (name, t, c)


def test_ends_are_rounded_outwards_and_coarser_where_the_index_is_large():
    kept = made().rounded(0)[0, 0]
    _, _, low, high = made().published(1)
    assert 0 <= kept[2] - low < 5
    assert 0 <= high - kept[3] < 5
    # 20 against 0.5: an index of thousands in steps of 500
    large = made(members=np.array([0, 0, 10]), others=np.array([400, 0, 0]))
    assert large.step == 500
    assert made().rounded(10)[0, 0, 2] % 50 == 0


def test_an_interval_holds_its_index_however_coarse_the_average():
    for factor in (1, 2, 5, 10, 50):
        _, index, low, high = made().published(factor)
        assert low <= index <= high


def test_the_index_of_everybody_is_100():
    assert made(others=np.zeros(3, dtype=int)).published(1)[1:].tolist() == [100, 100, 100]


def test_without_anything_in_the_audience_there_is_no_index():
    nothing = made(members=np.array([40, 0, 0]), others=np.array([9, 0, 0]))
    assert nothing.whole == 0
    assert nothing.published(1).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("mean", "unit"), [(0, 0.1), (0.03, 0.1), (4.2, 0.1), (42, 1), (9_900, 100), (130_000, 10_000)]
)
def test_two_digits_are_left_of_a_mean(mean, unit):
    assert averages.two_digits(mean) == pytest.approx(unit)

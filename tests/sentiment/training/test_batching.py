"""Which posts share a batch: a function of lengths, seed and epoch."""

import numpy as np

from customer_profiles.sentiment.training import batching

LENGTHS = np.random.default_rng(0).integers(3, 60, 1003)


def test_every_post_is_in_one_batch_and_at_most_one_batch_is_smaller():
    for seed in (None, 7):
        plan = batching.plan(LENGTHS, 8, seed)
        assert sorted(np.concatenate(plan)) == list(range(1003))
        assert sorted(map(len, plan)) == [3] + [8] * 125


def test_posts_of_a_batch_are_of_like_length():
    padded = [len(rows) * LENGTHS[rows].max() for rows in batching.plan(LENGTHS, 8, 7)]
    assert sum(padded) < 1.05 * LENGTHS.sum()
    at_random = LENGTHS[:1000].reshape(-1, 8).max(axis=1).sum() * 8
    assert at_random > 1.6 * LENGTHS.sum()


def test_a_seed_gives_the_same_batches_and_each_epoch_has_its_own():
    first, again, other = (batching.plan(LENGTHS, 8, (7, epoch)) for epoch in (0, 0, 1))
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert {frozenset(rows) for rows in first} != {frozenset(rows) for rows in other}


def test_long_and_short_batches_take_turns():
    means = np.array([LENGTHS[rows].mean() for rows in batching.plan(LENGTHS, 8, 7)])
    assert abs(np.corrcoef(np.arange(len(means)), means)[0, 1]) < 0.3
    ordered = np.array([LENGTHS[rows].mean() for rows in batching.plan(LENGTHS, 8)])
    assert (np.diff(ordered) >= 0).all()


def test_parts_keep_the_order_and_are_of_equal_size():
    batches = [np.array([n]) for n in range(29)]
    parts = batching.parts(batches, 20)
    assert [rows[0] for part in parts for rows in part] == list(range(29))
    assert {len(part) for part in parts} == {1, 2}
    assert len(parts) == 20
    assert len(batching.parts(batches[:3], 20)) == 3

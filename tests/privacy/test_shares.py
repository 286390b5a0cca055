"""Shares of posts by class and weekday: rounded, and suppressed where few people stand behind."""

import numpy as np
import pytest

from customer_profiles.privacy import shares

# Posts of five authors by class; k = 2.
POSTS = np.array([[0, 1, 3], [0, 0, 2], [0, 0, 2], [1, 0, 1], [0, 2, 1]])


def of(posts=POSTS, mask=(True, True, True), k=1):
    return shares.of_segment(np.array(posts), np.array(mask), k)


def rounded(own, factor=1):
    return own.rounded(own.posts, factor).tolist()


def test_shares_are_rounded_to_twentieths_and_suppressed_ones_are_missing():
    assert rounded(of()) == [0.1, 0.25, 0.7]  # 1, 3 and 9 of 13
    assert rounded(of(), 2) == [0.1, 0.2, 0.7]
    assert rounded(of(), 0) == [1 / 13, 3 / 13, 9 / 13]
    one = rounded(of(mask=(False, True, True)))
    assert np.isnan(one[0])
    assert one[1:] == [0.25, 0.7]


def test_in_too_wide_steps_no_share_is_shown():
    assert rounded(of(), 5) == [0.0, 0.25, 0.75]
    assert np.isnan(rounded(of(), 10)).all()


def test_the_volume_is_a_part_of_all_posts_in_hundredths():
    assert shares.volume(np.array(13), 300, 1) == 0.04
    assert shares.volume(np.array(13), 300, 10) == 0
    assert shares.volume(np.array(13), 0, 0) == 13


def test_with_a_member_exchanged_shares_are_those_of_the_other_people():
    rng = np.random.default_rng(3)
    members, others = rng.poisson([1, 1, 2], (2, 12, 3))
    own = of(members, k=4)
    alike = own.unchanged(members[:, None], others[None], 1)
    for t in range(12):
        for c in range(12):
            then = of([*np.delete(members, t, axis=0), others[c]], k=4)
            same = rounded(then) == rounded(own)
            assert alike[t, c] == (same and ((then.authors < 4) == (own.authors < 4)).all())
    assert 0 < alike.mean() < 1
    assert own.unchanged(members[:, None], others[None], 10).all()


def test_an_author_with_whom_other_shares_would_be_held_back_is_not_alike():
    """Recomputed as published: what goes with the smallest share goes, or does not, by him."""
    rng = np.random.default_rng(2)
    posts = (rng.random((60, 4)) < [0.9, 0.5, 0.35, 0.25]).astype(int)
    segment = np.repeat([0, 1], [14, 46])
    wanted, _ = shares.publishable(posts, segment, [0], k=5)
    assert wanted.any()
    assert not wanted.all()
    own = shares.of_segment(posts[segment == 0], wanted[0], k=5)
    alike = own.unchanged(posts[:14, None], posts[None, 14:], 1)
    for t, c in np.argwhere(alike):
        exchanged = segment.copy()
        exchanged[[t, 14 + c]] = 1, 0
        assert (shares.publishable(posts, exchanged, [0], k=5)[0] == wanted).all()
    assert alike.any()


def test_a_share_is_shown_of_k_authors_at_least():
    # In segment 0 one was negative and two neutral; with the one goes the smallest of the others.
    segment = np.zeros(5, dtype=int)
    mask, authors = shares.publishable(POSTS, segment, [0], k=2)
    assert mask.tolist() == [[False, False, True]]
    assert authors == [5, 3]  # who wrote what is shown; who wrote what is not


@pytest.mark.parametrize("k", [2, 3, 5, 10])
def test_no_group_behind_shares_or_what_is_left_of_them_is_small(k):
    rng = np.random.default_rng(k)
    posts = rng.poisson(0.4, (200, 7))
    segment = rng.choice(5, 200, p=[0.4, 0.25, 0.25, 0.06, 0.04])
    published = [0, 1, 2, 3]
    mask, authors = shares.publishable(posts, segment, published, k)
    assert min(authors) >= k
    assert mask[:3].any(axis=1).all()
    wrote = posts > 0
    for place, number in enumerate(published):
        left = wrote[segment == number][:, ~mask[place]].any(axis=1).sum()
        assert left == 0 or left >= k or not mask[place].any()
    for kind in range(7):
        closed = [number for number in range(5) if number == 4 or not mask[number, kind]]
        left = wrote[np.isin(segment, closed), kind].sum()
        assert left == 0 or left >= k or not mask[:, kind].any()


def test_a_small_share_of_one_segment_is_not_had_from_the_whole():
    # Nobody but 3 of segment 0 wrote on a Monday beside the 40 of segment 1.
    posts = np.ones((80, 2), dtype=int)
    posts[3:40, 0] = 0
    segment = np.repeat([0, 1], 40)
    mask, _ = shares.publishable(posts, segment, [0, 1], k=10)
    assert not mask[:, 0].any()


def test_without_a_segment_there_are_no_shares():
    mask, authors = shares.publishable(POSTS, np.zeros(5, dtype=int), [], k=2)
    assert mask.shape == (0, 3)
    assert authors == []

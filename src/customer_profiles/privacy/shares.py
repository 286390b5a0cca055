"""Shares of a segment's posts by class and weekday, and its part of all posts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from customer_profiles.privacy.averages import SLACK, nearest

# A share is rounded to whole twentieths, the part of all posts to hundredths.
STEP, VOLUME_STEP = 0.05, 0.01
# In wider steps a share is uninformative: all shares are suppressed.
WIDEST = 0.25


@dataclass(frozen=True)
class Shares:
    """A segment's posts by kind: `posts` int (kinds,), and the `authors` behind each.

    `mask` bool (kinds,) as `publishable` gives it for `k`.
    """

    posts: np.ndarray
    authors: np.ndarray
    mask: np.ndarray
    k: int

    def rounded(self, posts: np.ndarray, factor: int) -> np.ndarray:
        """Shares (…, kinds) of `posts` (…, kinds) in `factor` times the finest steps.

        NaN where suppressed. A factor of 0 rounds nothing.
        """
        written = np.maximum(posts.sum(axis=-1, keepdims=True), 1)
        kept = self.mask & (STEP * factor <= WIDEST)
        return np.where(kept, nearest(posts / written, STEP * factor), np.nan)

    def unchanged(self, own: np.ndarray, outside: np.ndarray, factor: int) -> np.ndarray:
        """Mask bool (…,) of the replacements that leave all published shares unchanged.

        An author who wrote `outside` (…, kinds) posts replaces a member who wrote `own` (…, kinds).

        Note: a suppressed share reveals something as well. Its suppression depends on the authors
        of each kind, in this segment and in others. If any share is suppressed, only an author of
        exactly the same kinds is sure to leave the suppression unchanged.
        """
        if STEP * factor > WIDEST:
            return np.ones(np.broadcast_shapes(own.shape, outside.shape)[:-1], dtype=bool)
        now, then = (
            self.rounded(posts, factor) for posts in (self.posts, self.posts - own + outside)
        )
        few = self.authors - (own > 0) + (outside > 0) < self.k
        alike = few == (self.authors < self.k)
        if not self.mask.all():
            alike = (own > 0) == (outside > 0)
        return (alike & (np.isnan(now) | (np.abs(now - then) < SLACK))).all(axis=-1)


def of_segment(posts: np.ndarray, mask: np.ndarray, k: int) -> Shares:
    """Shares of the `posts` int (n, kinds) of the authors of a segment."""
    return Shares(posts.sum(axis=0), (posts > 0).sum(axis=0), mask, k)


def volume(own: np.ndarray, total: int, factor: int) -> np.ndarray:
    """`own` posts as a share of all, in `factor` hundredths; a factor of 0 rounds nothing."""
    return nearest(own / max(total, 1), VOLUME_STEP * factor)


def publishable(
    posts: np.ndarray, segment: np.ndarray, published: Sequence[int], k: int
) -> tuple[np.ndarray, list[int]]:
    """Mask bool (segments, kinds) of the shares that are shown, and numbers of authors.

    `posts` int (n, kinds) of n authors in their `segment`; the mask has a row for each of the
    `published` segments. A share is shown if at least k authors have posts in it, and if the
    suppressed shares beside it have none or at least k authors. Beside it are the shares of its
    segment, which add up to one, and those of its kind over all segments, which add up to the
    audience's (mood) or can be summed from the days. The numbers of authors are those of all such
    groups.
    """
    wrote = posts > 0
    authors = np.array([wrote[segment == number].sum(axis=0) for number in published])
    authors = authors.reshape(len(published), posts.shape[1])
    unpublished = wrote[~np.isin(segment, published)].sum(axis=0)
    hidden = authors < k

    def rest() -> Iterator[tuple[tuple, int]]:
        """Rows and columns with a shown share, and the authors of their suppressed shares."""
        for place, number in enumerate(published):
            if not hidden[place].all():
                mine = wrote[segment == number][:, hidden[place]]
                yield np.index_exp[place, :], int(mine.any(axis=1).sum())
        for kind in np.flatnonzero(~hidden.all(axis=0)):
            # Each author is in one segment: numbers of different segments can be added up.
            size = authors[hidden[:, kind], kind].sum() + unpublished[kind]
            yield np.index_exp[:, kind], int(size)

    while few := [cells for cells, size in rest() if 0 < size < k]:
        line = hidden[few[0]]  # a view
        line[np.where(line, np.inf, authors[few[0]]).argmin()] = True
    return ~hidden, [*authors[~hidden].tolist(), *(size for _, size in rest() if size)]

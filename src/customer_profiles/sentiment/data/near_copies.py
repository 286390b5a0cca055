"""Near copies: texts that differ in case, punctuation, links, handles or a few letters only.

A model that was trained on a retweet of a test post has seen the test post.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from scipy.sparse import csr_array

from customer_profiles.sentiment.model import text

JACCARD = 0.6
RUN = 4  # bytes of UTF-8; in English a byte is a character
# Two short texts share most of their runs by chance ("happy monday", "happy sunday").
SHORTEST = 30
# At once in memory: texts, originals and pairs of both.
BLOCK, ORIGINALS, PAIRS = 50_000, 256, 100_000
# Rare runs that a pair must share before it is compared; more take longer to count than to compare.
RARE = 8

_MASKS = re.compile(r"@user|\b(http|email)\b")
_REPOST = re.compile(r"^rt ")
_OTHER_THAN_WORDS = re.compile(r"[\W_]+")


def near(texts: Sequence[str], others: Iterable[str]) -> np.ndarray:
    """Return for each of `texts` whether it is a near copy of one of `others`, bool (texts,).

    Both are compared as `plain` text. Near is what is equal without spaces; and, of texts of
    SHORTEST characters, what has a Jaccard similarity of JACCARD or more between the sets of runs
    of RUN bytes. A text without a word is no copy.
    """
    originals = sorted({plain(value) for value in others} - {""})
    squeezed = {_squeezed(value) for value in originals}
    long = _runs([value for value in originals if len(value) >= SHORTEST])
    copies = np.zeros(len(texts), dtype=bool)
    for start in range(0, len(texts), BLOCK):
        block = [plain(value) for value in texts[start : start + BLOCK]]
        equal = [_squeezed(value) in squeezed for value in block]
        copies[start : start + BLOCK] = equal
        copies[start + _alike(_runs(block), long)] = True
    return copies


def plain(value: str) -> str:
    """Return the words of `value` in lower case, without handles, links and the mark of a repost.

    Words are joined by one space each. "" where there is no word.
    """
    words = _MASKS.sub(" ", text.normalise(value)).lower()
    return _REPOST.sub("", _OTHER_THAN_WORDS.sub(" ", words).strip())


def _squeezed(value: str) -> str:
    return value.replace(" ", "")


def _runs(values: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Row and run of each distinct run of `values`, sorted by row; uint32 both."""
    codes = np.frombuffer("\0".join(values).encode(), np.uint8).astype(np.uint32)
    if len(codes) < RUN:
        return np.zeros((2, 0), np.uint32)
    rows = np.cumsum(codes == 0, dtype=np.uint64)
    runs, inside = np.uint32(0), True
    for place in range(RUN):
        part = codes[place : len(codes) - RUN + 1 + place]
        runs, inside = runs << np.uint32(8) | part, inside & (part != 0)
    pairs = rows[: 1 - RUN] << np.uint64(32) | runs
    pairs = np.sort(pairs[inside])  # no run across two texts
    pairs = pairs[np.diff(pairs, prepend=~np.uint64(0)) != 0]
    return (pairs >> np.uint64(32)).astype(np.uint32), pairs.astype(np.uint32)


def _alike(texts: tuple, originals: tuple) -> np.ndarray:
    """Rows of `texts`, as `_runs` gives them, that are near one of `originals`."""
    known = np.unique(originals[1])
    if not len(known) or not len(texts[1]):
        return np.zeros(0, dtype=int)
    places = np.searchsorted(known, texts[1]).clip(max=len(known) - 1)
    shared = known[places] == texts[1]
    sizes = [np.bincount(rows) for rows, _ in (texts, originals)]
    ours = _matrix(texts[0][shared], places[shared], (len(sizes[0]), len(known)))
    theirs = _matrix(
        originals[0], np.searchsorted(known, originals[1]), (len(sizes[1]), len(known))
    )
    rows = [
        i[both >= JACCARD * (sizes[0][i] + sizes[1][j] - both)]
        for i, j in _candidates(ours, theirs, sizes[1])
        for both in [ours[i].multiply(theirs[j]).sum(axis=1)]
    ]
    return np.unique(np.concatenate(rows)) if rows else np.zeros(0, dtype=int)


def _candidates(
    ours: csr_array, theirs: csr_array, other_sizes: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs of rows that may be near, at most PAIRS at a time.

    A near pair shares at least JACCARD of the original's n runs. So of any (1 - JACCARD) n + RARE
    of them it shares RARE: of the rarest as well, which few texts have (the prefix filter of
    Chaudhuri, Ganti and Kaushik, 2006, "A Primitive Operator for Similarity Joins").
    """
    texts_with = np.bincount(ours.indices, minlength=ours.shape[1])
    rows = np.repeat(np.arange(len(other_sizes)), np.diff(theirs.indptr))
    order = np.lexsort((texts_with[theirs.indices], rows))
    rank = np.arange(len(order)) - theirs.indptr[rows]
    least = np.ceil(JACCARD * other_sizes)
    wanted = np.minimum(least, RARE)  # "hahahaha" has two runs
    rare = rank < (other_sizes - least + wanted)[rows]
    rarest = _matrix(rows[rare], theirs.indices[order][rare], theirs.shape)
    for start in range(0, rarest.shape[0], ORIGINALS):
        shared = (rarest[start : start + ORIGINALS] @ ours.T).tocoo()
        j, i = shared.coords[0] + start, shared.coords[1]
        enough = shared.data >= wanted[j]
        i, j = i[enough], j[enough]
        for first in range(0, len(i), PAIRS):
            yield i[first : first + PAIRS], j[first : first + PAIRS]


def _matrix(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> csr_array:
    return csr_array((np.ones(len(rows), dtype=np.float32), (rows, columns)), shape=shape)

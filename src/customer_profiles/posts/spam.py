"""Flags of posts that look like campaigns and not like customers: copies, bursts, floods of links.

A flag is the name of a rule and no judgement of a person: a brand's own service desk has bursts,
the button "share this" makes copies. An analyst may still want to count customers without flagged
posts.
"""

import html
import re
import unicodedata
from collections.abc import Iterator

import numpy as np
import pandas as pd
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components
from sklearn.feature_extraction.text import HashingVectorizer

from customer_profiles.privacy import cells
from customer_profiles.project import vocabulary

FLAGS, NONE = vocabulary.FLAGS, vocabulary.UNFLAGGED

SHINGLE = 4  # characters
# A pair of Jaccard similarity s is compared with probability 1 - (1 - s^ROWS)^BANDS: 0.79 for 0.5,
# 0.18 for 0.3 (MinHash with banding, Leskovec, Rajaraman and Ullman, Mining of Massive Datasets 3).
BANDS, ROWS = 24, 4
HASHES = 2**20  # of shingles
MIX = np.uint64(0x9E3779B97F4A7C15)  # odd factor that combines the ROWS of a band into one number
CHUNK = 10_000  # texts or pairs at a time
LONGEST = 280  # characters read of a text: X's limit for all users; paying users may write 25,000
SHARE_DIGITS = 2

_LINK = re.compile(r"(?:https?://|www\.)\S*")
# Punctuation one by one: several at once would separate the @ from its handle.
_NOT_OWN = re.compile(rf"{_LINK.pattern}|[@#]\w+|[\W\d_]")


def flags(
    posts: pd.DataFrame,
    *,
    authors: int = 10,
    days: int = 7,
    jaccard: float = 0.5,
    length: int = 30,
    burst: int = 20,
    links: int = 5,
) -> pd.Series:
    """Flag of each of `posts`, one of FLAGS or NONE, by their index.

    The columns are author_id, day, raw text and repost.

    - "copies": nearly the same words as posts of at least `authors` people within `days` days.
      Reposts are none: to repeat another's words is what a repost is for.
      Links, handles, hashtags, digits, case and punctuation are not words. The threshold is a
      Jaccard similarity of `jaccard` of the sets of SHINGLE characters, with single linkage; of
      long texts the first LONGEST characters count. Texts of fewer than `length` characters are
      left out: many people write "best coffee in town" independently. `authors` should be k at
      least, because fewer people are no campaign.
    - "burst": one of at least `burst` posts of an author on that day.
    - "links": a link and one word at most, from an author of at least `links` such posts, which are
      more than half of the author's posts here. One word is allowed because a search asks for the
      brand's name. The target of a link is not read: in posts from X all links go to t.co.

    Time and memory grow with the number of posts, not with the number of similar pairs.
    """
    own = posts["text"].map(own_words)
    masks = {
        "copies": _copies(posts, own, authors, days, jaccard, length),
        "burst": posts.groupby(["author_id", "day"])["text"].transform("size") >= burst,
        "links": _links(posts, own, links),
    }
    result = np.select([masks[flag] for flag in FLAGS], FLAGS, NONE)
    return pd.Series(result, index=posts.index, dtype="object", name="flag")


def share(flagged: pd.Series, authors: pd.Series, k: int) -> pd.Series:
    """Share of all posts with each of FLAGS and with NONE, rounded; NaN where suppressed.

    `flagged` as `flags` gives it; `authors` are the authors of the posts (`cells.shares`).
    """
    shares = cells.shares(flagged, authors, [*FLAGS, NONE], k)
    return shares.round(SHARE_DIGITS).rename("share")


def as_json(shares: pd.Series) -> dict[str, float | None]:
    """Shares for a report, from `shares` as `share` gives them: None where suppressed.

    The keys are FLAGS and "any", the share of all flagged posts together.
    """
    every = {**shares[list(FLAGS)], "any": 1 - shares[NONE]}
    return {
        name: None if np.isnan(value) else round(float(value), SHARE_DIGITS)
        for name, value in every.items()
    }


def precision_and_recall(flagged: pd.Series, planted: pd.Series) -> pd.DataFrame:
    """Precision and recall of the flags in `flagged`, against those that posts were `planted` with.

    A row for each of FLAGS: posts planted and found, precision, recall; NaN where there are none.
    """
    right, claimed, true = (
        marked.value_counts().reindex(list(FLAGS), fill_value=0)
        for marked in (flagged[flagged == planted], flagged, planted)
    )
    table = {
        "planted": true,
        "found": claimed,
        "precision": right / claimed,
        "recall": right / true,
    }
    return pd.DataFrame(table).rename_axis("flag")


def own_words(text: str) -> str:
    """`text` without links, handles, hashtags, digits and punctuation, in NFKC and case-folded."""
    plain = unicodedata.normalize("NFKC", html.unescape(text)).casefold()
    return " ".join(_NOT_OWN.sub(" ", plain).split())


def _links(posts: pd.DataFrame, own: pd.Series, links: int) -> pd.Series:
    bare = posts["text"].str.contains(_LINK) & (own.str.count(" ") == 0)
    by_author = bare.groupby(posts["author_id"])
    flood = (by_author.transform("sum") >= links) & (by_author.transform("mean") > 0.5)
    return bare & flood


def _copies(
    posts: pd.DataFrame, own: pd.Series, authors: int, days: int, jaccard: float, length: int
) -> pd.Series:
    long = own[(own.str.len() >= length) & ~posts["repost"]].str[:LONGEST]
    # Sorted, so that the result does not depend on the order of posts.
    texts, which = np.unique(long.to_numpy(dtype=str), return_inverse=True)
    rows = pd.DataFrame({
        "group": _groups(texts, jaccard)[which],
        "author": posts.loc[long.index, "author_id"].to_numpy(),
        "day": pd.to_datetime(posts.loc[long.index, "day"]).to_numpy(),
    })  # fmt: skip
    # Each author once, on the first day: then a window holds as many people as rows.
    first = rows.groupby(["group", "author"])["day"].min().reset_index()
    first = first.sort_values(["group", "day"])
    last = first.groupby("group")["day"].shift(1 - authors)
    crowds = first.loc[last - first["day"] < pd.Timedelta(days=days), "group"]
    result = pd.Series(False, index=posts.index)
    result.loc[long.index] = rows["group"].isin(crowds).to_numpy()
    return result


def _groups(texts: np.ndarray, jaccard: float) -> np.ndarray:
    """Group int (n,) of each of the different `texts`: single linkage of similar texts."""
    if not len(texts):
        return np.zeros(0, dtype=int)
    shingles = HashingVectorizer(
        analyzer="char", ngram_range=(SHINGLE, SHINGLE), n_features=HASHES,
        binary=True, norm=None, alternate_sign=False, lowercase=False, dtype=np.int32,
    ).transform(texts)  # fmt: skip
    one, other = np.unique(np.hstack(list(_candidates(shingles))), axis=1)
    sizes = np.diff(shingles.indptr)
    near = np.zeros(len(one), dtype=bool)
    for start in range(0, len(one), CHUNK):
        a, b = one[start : start + CHUNK], other[start : start + CHUNK]
        both = shingles[a].multiply(shingles[b]).sum(axis=1)
        both = np.asarray(both).ravel()
        near[start : start + CHUNK] = both >= jaccard * (sizes[a] + sizes[b] - both)
    one, other = one[near], other[near]
    links = coo_array((np.ones(len(one)), (one, other)), shape=(len(texts), len(texts)))
    return connected_components(links, directed=False)[1]


def _candidates(shingles: csr_array) -> Iterator[np.ndarray]:
    """Candidate pairs int (2, m): rows that share a band of their MinHash signature.

    Each row is paired with the first of its bucket, not with all: a text copied a thousand times
    would make half a million pairs.
    """
    # A fixed seed: the hash functions are part of the rule, not a random draw.
    draw = np.random.default_rng(0).integers(2**32, size=(BANDS, ROWS, 2), dtype=np.uint32)
    for band in draw:
        signature = np.zeros(shingles.shape[0], dtype=np.uint64)
        for start in range(0, len(signature), CHUNK):
            part = shingles[start : start + CHUNK]
            values, rows = part.indices.astype(np.uint32), part.indptr[:-1]
            for factor, shift in band:
                # An odd factor, modulo 2^32, is a permutation.
                least = np.minimum.reduceat(values * (factor | 1) + shift, rows)
                signature[start : start + CHUNK] *= MIX
                signature[start : start + CHUNK] += least
        _, first, bucket = np.unique(signature, return_index=True, return_inverse=True)
        pairs = np.stack([first[bucket], np.arange(len(signature))])
        yield pairs[:, pairs[0] != pairs[1]]

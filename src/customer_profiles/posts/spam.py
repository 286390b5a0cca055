"""Posts that look like campaigns rather than customers: copies, bursts, floods of links.

A flag is a rule's name, with no judgement of a person: a brand's own service desk has bursts, the
button "share this" makes copies. Whoever counts customers may still want to count without them.
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
MIX = np.uint64(0x9E3779B97F4A7C15)  # odd: makes one number of the ROWS of a band
CHUNK = 10_000  # texts or pairs at a time
LONGEST = 280  # characters read of a text, as many as X lets everybody write; some write 25,000
SHARE_DIGITS = 2

_LINK = re.compile(r"(?:https?://|www\.)\S*")
# Signs one by one: several at once would take the @ from its handle.
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
    """One of FLAGS, or NONE, for each of `posts` (author_id, day, raw text), by their index.

    - "copies": nearly the same words as at least `authors` people took up within `days` days.
      Links, handles, hashtags, digits, case and signs are not words. Nearly is a Jaccard
      similarity of `jaccard` of the sets of SHINGLE characters, in a chain from text to text; of
      long texts the first LONGEST characters count.
      Texts of fewer than `length` characters are left out: "best coffee in town" occurs to many
      by themselves. `authors` should be k at least: less is no crowd.
    - "burst": one of at least `burst` posts of an author on that day.
    - "links": a link and one word at most, from an author of at least `links` such posts, which
      are more than half of the author's posts here. One word, because a search asks for the
      brand's name. Where links lead is not looked at: in posts from X all go to t.co.

    Time and memory grow with the number of posts, however many of them are alike. Raises
    ValueError for a bound out of its range.
    """
    _check(jaccard, authors=authors, days=days, length=length, burst=burst, links=links)
    own = posts["text"].map(own_words)
    found = {
        "copies": _copies(posts, own, authors, days, jaccard, length),
        "burst": posts.groupby(["author_id", "day"])["text"].transform("size") >= burst,
        "links": _links(posts, own, links),
    }
    result = np.select([found[flag] for flag in FLAGS], FLAGS, NONE)
    return pd.Series(result, index=posts.index, dtype="object", name="flag")


def share(flagged: pd.Series, authors: pd.Series, k: int) -> pd.Series:
    """Share of all posts with each of FLAGS and with NONE, rounded; NaN where held back.

    `flagged` as `flags` gives it, `authors` who wrote each post. A share is held back unless `k`
    authors stand behind it and behind all that is held back together; then one of 0 is as well,
    so that the others do not tell that somebody is in them.
    """
    rows = pd.DataFrame({"flag": flagged, "author": authors})
    posts = cells.groups(rows, ["flag"], k, "author").set_index("flag")["rows"]
    blank = 0 if posts.sum() == len(rows) else np.nan
    shares = posts.reindex([*FLAGS, NONE]).fillna(blank) / max(len(rows), 1)
    return shares.round(SHARE_DIGITS).rename("share")


def told(shares: pd.Series) -> dict[str, float | None]:
    """`shares`, as `share` gives them, for a report: None where held back.

    By flag, and "any": of all flagged posts together.
    """
    found = {**shares[list(FLAGS)], "any": 1 - shares[NONE]}
    return {
        name: None if np.isnan(value) else round(float(value), SHARE_DIGITS)
        for name, value in found.items()
    }


def judged(found: pd.Series, planted: pd.Series) -> pd.DataFrame:
    """How well flags were `found`, where it is known as what each post was `planted`.

    A row for each of FLAGS: posts planted and found, precision, recall; NaN where there are none.
    """
    right, said, true = (
        marked.value_counts().reindex(list(FLAGS), fill_value=0)
        for marked in (found[found == planted], found, planted)
    )
    table = {"planted": true, "found": said, "precision": right / said, "recall": right / true}
    return pd.DataFrame(table).rename_axis("flag")


def own_words(text: str) -> str:
    """`text` without links, handles, hashtags, digits and signs, in one case and alphabet."""
    plain = unicodedata.normalize("NFKC", html.unescape(text)).casefold()
    return " ".join(_NOT_OWN.sub(" ", plain).split())


def _check(jaccard: float, **least: int) -> None:
    if not 0 < jaccard <= 1:
        raise ValueError(f"jaccard must lie above 0 and be 1 at most, got {jaccard}")
    for name, value in least.items():
        if value < 1:
            raise ValueError(f"{name} must be 1 at least, got {value}")


def _links(posts: pd.DataFrame, own: pd.Series, links: int) -> pd.Series:
    bare = posts["text"].str.contains(_LINK) & (own.str.count(" ") == 0)
    by_author = bare.groupby(posts["author_id"])
    flood = (by_author.transform("sum") >= links) & (by_author.transform("mean") > 0.5)
    return bare & flood


def _copies(
    posts: pd.DataFrame, own: pd.Series, authors: int, days: int, jaccard: float, length: int
) -> pd.Series:
    long = own[own.str.len() >= length].str[:LONGEST]
    # Sorted, so that the order of posts decides nothing.
    texts, which = np.unique(long.to_numpy(dtype=str), return_inverse=True)
    said = pd.DataFrame({
        "group": _groups(texts, jaccard)[which],
        "author": posts.loc[long.index, "author_id"].to_numpy(),
        "day": pd.to_datetime(posts.loc[long.index, "day"]).to_numpy(),
    })  # fmt: skip
    # Each author once, on the first day: then a window holds as many people as rows.
    first = said.groupby(["group", "author"])["day"].min().reset_index()
    first = first.sort_values(["group", "day"])
    last = first.groupby("group")["day"].shift(1 - authors)
    crowds = first.loc[last - first["day"] < pd.Timedelta(days=days), "group"]
    result = pd.Series(False, index=posts.index)
    result.loc[long.index] = said["group"].isin(crowds).to_numpy()
    return result


def _groups(texts: np.ndarray, jaccard: float) -> np.ndarray:
    """Group int (n,) of each of the different `texts`: those alike, or alike to one that is."""
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
    """Pairs int (2, m) of rows that share a band of their MinHash signature.

    Each row with the first of its bucket, not with all: a text copied a thousand times would
    make half a million pairs.
    """
    # The same hash functions always: they are part of the rule, not a draw.
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

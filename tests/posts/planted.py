"""Campaigns of invented posts, planted among those of the sample, more and more in disguise."""

import numpy as np
import pandas as pd

COPIED = (
    "Every single barista at Tindlewick deserves a much better deal, sign the open letter today",
    "I won free breakfasts for a month with the Tindlewick app, grab yours before they are gone",
    "Do not believe what they print about Tindlewick, my whole street still queues there daily",
)
SWAPPED = ("honestly", "really", "simply", "surely", "finally", "certainly", "apparently")
DISGUISES = ("none", "marks", "one word", "two words", "three words")


def copies(posts, rng, disguise="none", people=20, days=5):
    """One text from as many people of the sample, each on one of `days` days in a row."""
    text = COPIED[rng.integers(len(COPIED))]
    return pd.DataFrame({
        "author_id": rng.choice(posts["author_id"].unique(), people, replace=False),
        "day": _days(posts, rng, days)[rng.integers(days, size=people)],
        "text": [_disguised(text, rng, DISGUISES.index(disguise)) for _ in range(people)],
    })  # fmt: skip


def burst(posts, rng, size=30):
    """Different texts of the sample from one new author on one day."""
    return pd.DataFrame({
        "author_id": f"burst {rng.integers(10**9)}",
        "day": _days(posts, rng, 1)[0],
        "text": rng.choice(posts["text"].unique(), size, replace=False),
    })  # fmt: skip


def links(posts, rng, words=(), bare=9, others=2):
    """Links with marks and `words` from one new author on different days, and `others` of text."""
    days = _days(posts, rng, bare + others)
    texts = [
        " ".join((*words, _mark(rng), f"https://example.com/{rng.integers(10**6)}"))
        for _ in range(bare)
    ]
    return pd.DataFrame({
        "author_id": f"links {rng.integers(10**9)}",
        "day": days,
        "text": [*texts, *rng.choice(posts["text"].unique(), others, replace=False)],
    })  # fmt: skip


def among(posts, *campaigns):
    """`posts` and `campaigns` in one frame whose `planted` is the number of the campaign, or -1."""
    frames = [posts.assign(planted=-1)]
    frames += [made.assign(planted=number) for number, made in enumerate(campaigns)]
    return pd.concat(frames, ignore_index=True).assign(repost=False)


def _days(posts, rng, count):
    every = np.unique(posts["day"].to_numpy(dtype=str))
    start = rng.integers(len(every) - count + 1)
    return every[start : start + count]


def _disguised(text, rng, strength):
    """Strength 1 puts marks and numbers around `text`, each more swaps another of its words."""
    words = text.split()
    for place in rng.choice(len(words), max(strength - 1, 0), replace=False):
        words[place] = rng.choice(SWAPPED)
    if strength:
        words = [_mark(rng), *words, f"{rng.integers(1000)}!", _mark(rng)]
    return " ".join(words).upper() if strength and rng.random() < 0.3 else " ".join(words)


def _mark(rng):
    return f"{rng.choice(['#', '@'])}sample_mark_{rng.integers(10**6):06d}"

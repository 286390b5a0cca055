"""A whole publication of an invented audience, for what reads publications."""

from datetime import date, timedelta

import numpy as np

from customer_profiles.project.vocabulary import WEEKDAYS
from customer_profiles.publication import document
from customer_profiles.publication.document import AVERAGES, CURVES, example

NAMES = ("Content regulars", "Loud critics", "Quiet majority", "Widely heard fans", "Newcomers")
SIZES = (385, 319, 278, 259, 259)
TIERS = ("under 1,000", "1,000 to 99,999", "100,000 and more")
FEATURES = ("polarity", "favorites", "posts", "account_posts", "followers", "listed")


def audience(segments: int = 5, seed: int = 1) -> dict:
    """Five segments or fewer, sixty days, numbers drawn from `seed`."""
    rng = np.random.default_rng(seed)
    whole = example(document.PUBLICATION)
    total = sum(SIZES[:segments])
    rows = [_segment(number, total, rng) for number in range(segments)]
    whole["segments"] = rows
    stable = segments > 1
    whole["summary"] |= {"authors": total, "mood": _mix(rng)}
    whole["summary"]["clusters"] |= {
        "verdict": "in kind" if stable else "everybody",
        "reason": "The groups come back." if stable else "No split does better than chance.",
        "k": segments,
        "curves": [_curve(k, segments, rng) for k in range(2, 11)],
    }
    whole["cells"] = [
        {"segment": row["id"], "authors": int(rng.integers(10, 90)), "followers": tier}
        for row in rows
        for tier in TIERS[: 1 + row["id"] % 3]
    ]
    first = date(2026, 5, 1)
    whole["mood_daily"] = [
        {
            "day": (first + timedelta(days=number)).isoformat(),
            "posts": int(rng.integers(40, 130)),
            "avg_polarity": round(float(rng.uniform(0.5, 0.8)), 2),
        }
        for number in range(60)
    ]
    attack = example(document.ATTACK)
    names = ("exact_join", "drifted_join", "rescoring_join", "differencing", "small_groups",
             "extreme_values", "last_member")  # fmt: skip
    whole["certificate"]["published"] |= {"k_min": 11, "attacks": dict.fromkeys(names, attack)}
    whole["certificate"]["reasons"] = []
    whole["continuity"] |= {"born": [rows[-1]["id"]]}
    return whole


def small(**others: object) -> dict:
    """One of one segment, without `_id`; `others` take the place of its fields."""
    whole = example(document.PUBLICATION) | others
    return {name: value for name, value in whole.items() if name != "_id"}


def _segment(number: int, total: int, rng: np.random.Generator) -> dict:
    row = example(document.SEGMENT)
    index = {name: _index(int(rng.integers(40, 220))) for name in AVERAGES}
    days = rng.dirichlet(np.full(7, 30)).round(2).tolist()
    return row | {
        "id": number,
        "name": NAMES[number],
        "customers": SIZES[number],
        "share": round(SIZES[number] / total, 3),
        "avg_polarity": round(float(rng.uniform(0.15, 0.9)), 2),
        "avg_followers": int(rng.choice([230, 910, 12000, 150000])),
        "index": index,
        "mood": _mix(rng),
        "volume": round(SIZES[number] / total, 2),
        "weekdays": dict(zip(WEEKDAYS, days, strict=True)) | ({"sunday": None} if number else {}),
        "stability": round(float(rng.uniform(0.8, 1)), 2),
        "small": number == 4,
        "centroid": {name: round(float(rng.normal()), 1) for name in FEATURES},
    }


def _index(value: int) -> dict:
    return {"index": value, "low": value - 10, "high": value + 10}


def _mix(rng: np.random.Generator) -> dict:
    shares = rng.dirichlet([2, 2, 5]).round(2).tolist()
    return dict(zip(("negative", "neutral", "positive"), shares, strict=True))


def _curve(k: int, chosen: int, rng: np.random.Generator) -> dict:
    return example(CURVES) | {
        "k": k,
        "inertia": round(9000 / k**0.6),
        "silhouette": round(0.32 - 0.02 * abs(k - chosen), 2),
        "gap": round(0.3 - 0.04 * abs(k - chosen), 2),
        "jaccard": 0.98 if k == chosen else round(float(rng.uniform(0.4, 0.8)), 2),
        "holds": k == chosen,
    }

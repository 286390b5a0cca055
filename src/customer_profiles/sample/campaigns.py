"""Spam campaigns in the shipped brand archive, beside its customers; flags have to find them.

The campaigns' accounts look like ordinary ones and write nothing else.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

BRAND = "Tindlewick"
# Up to two words of each copy are others, but the brand's name.
SWAPPED = ("honestly", "really", "simply", "surely", "finally", "apparently")


@dataclass(frozen=True)
class Campaign:
    """A campaign: `posts` posts by each of `accounts` accounts, within `days` days.

    `{}` in `text` is replaced by a number.
    """

    flag: str
    accounts: int
    posts: int
    days: int
    text: str


CAMPAIGNS = (
    Campaign(
        "copies", 16, 1, 3,
        "Just got a gold card with unlimited flat whites from Tindlewick, yours is waiting behind "
        "the link https://example.com/gold/{}",
    ),
    Campaign(
        "copies", 12, 1, 5,
        "Shame on Tindlewick for shutting the Harbour Street counter, add a name to the list that "
        "keeps our morning tea alive #counter{}",
    ),
    Campaign(
        "burst", 1, 24, 1,
        "@sample_author_{}_tw so sorry to read this, please send the day and the branch to the "
        "Tindlewick service desk",
    ),
    Campaign("links", 10, 6, 14, "Tindlewick #tea https://example.net/offers/{}"),
)  # fmt: skip
ACCOUNTS = sum(campaign.accounts for campaign in CAMPAIGNS)
POSTS = sum(campaign.accounts * campaign.posts for campaign in CAMPAIGNS)


def written(rng: np.random.Generator, days: int) -> pd.DataFrame:
    """POSTS rows: flag, text, day (0 to `days` - 1), hour, author (0 to ACCOUNTS - 1)."""
    rows, first = [], 0
    for campaign in CAMPAIGNS:
        length = min(campaign.days, days)
        start = rng.integers(days - length + 1)
        for author in np.repeat(np.arange(first, first + campaign.accounts), campaign.posts):
            rows.append({
                "author": author,
                "flag": campaign.flag,
                "day": start + rng.integers(length),
                "hour": rng.integers(7, 22),
                "text": _text(rng, campaign),
            })  # fmt: skip
        first += campaign.accounts
    return pd.DataFrame(rows)


def _text(rng: np.random.Generator, campaign: Campaign) -> str:
    words = campaign.text.format(f"{rng.integers(1500):05d}").split()
    if campaign.flag == "copies":
        own = [place for place, word in enumerate(words) if word.isalpha() and word != BRAND]
        for place in rng.choice(own, rng.integers(3), replace=False):
            words[place] = rng.choice(SWAPPED)
    return " ".join(words)

"""Cleaning of labelled posts: each text once, with one label, and in one set."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from customer_profiles.sentiment.data.near_copies import near


def distinct(frame: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """`frame` with each text once and with one label; and the number of dropped rows by reason.

    `empty`: no text; `conflicting`: every row of a text with two labels; `duplicate`: a repeated
    text, of which the first row stays. Texts are compared character by character.
    """
    filled = frame[frame["text"] != ""]
    pairs = filled[["text", "label"]].drop_duplicates()
    disputed = pairs["text"][pairs["text"].duplicated()]
    agreed = filled[~filled["text"].isin(disputed)]
    unique = agreed.drop_duplicates("text", ignore_index=True)
    return unique, {
        "empty": len(frame) - len(filled),
        "conflicting": len(filled) - len(agreed),
        "duplicate": len(agreed) - len(unique),
    }


def without(
    frame: pd.DataFrame, texts: Sequence[str], name: str
) -> tuple[pd.DataFrame, dict[str, int]]:
    """`frame` without copies of `texts`, the texts of set `name`; and the number of dropped rows.

    `in_<name>`: rows with one of the texts; `near_<name>`: with a near copy of one (`near_copies`).
    """
    others = frame[~frame["text"].isin(list(texts))]
    copies = near(others["text"].tolist(), texts)
    dropped = {f"in_{name}": len(frame) - len(others), f"near_{name}": int(np.sum(copies))}
    return others[~copies].reset_index(drop=True), dropped

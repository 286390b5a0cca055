"""Samples and splits of labelled posts, stratified by label; equal seeds draw equal rows."""

import numpy as np
import pandas as pd


def sample(
    frame: pd.DataFrame, rows: int, seed: int, parameter: str = "fetch.rows", even: bool = False
) -> pd.DataFrame:
    """Random sample of `rows` rows of `frame` (0: all), stratified by label, in random order.

    With `even` each label has an equal number of the `rows`, as in Sentiment140 itself: public
    subsets of it are unbalanced. The order of `frame` does not matter, given that no text is there
    twice. Raises ValueError, naming `parameter`, when `frame` has fewer rows, of a label or in all,
    or a single label, and when a label would get no row.
    """
    if not 0 <= rows <= len(frame):
        raise ValueError(
            f"{parameter} must be 0 (all) to {len(frame)}, the rows there are after cleaning; "
            f"got {rows}"
        )
    return _drawn(frame, rows or len(frame), seed, parameter, even and rows > 0)[0]


def split(frame: pd.DataFrame, share: float, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Train and validation: `share` of `frame`'s rows, rounded, of each label, are validation.

    Both are in random order. Raises ValueError when a label would be missing on either side.
    """
    parameter = "fetch.validation_share"
    validation, train = _drawn(frame, round(len(frame) * share), seed, parameter)
    if train["label"].nunique() < frame["label"].nunique():
        raise ValueError(
            f"{parameter}={share} of {len(frame)} rows leaves a label without a train row; "
            "lower it or draw more rows"
        )
    return train, validation


def _drawn(
    frame: pd.DataFrame, rows: int, seed: int, parameter: str, even: bool = False
) -> tuple[pd.DataFrame, pd.DataFrame]:
    if frame["label"].nunique() < 2:
        raise ValueError(
            f"{len(frame)} rows with the labels {sorted(set(frame['label'].tolist()))} are no set "
            f"to draw {parameter} from; expected two labels or more"
        )
    available = frame["label"].value_counts().sort_index()
    quota = _quota(available.clip(upper=1) if even else available, rows)
    if (quota > available).any():
        raise ValueError(
            f"{parameter}={rows} takes as many rows of each label, but of label "
            f"{available.idxmin()} there are {available.min()}; draw at most "
            f"{len(available) * available.min()}, or 0 (all)"
        )
    if quota.min() < 1:
        raise ValueError(
            f"{parameter} gives {rows} of {len(frame)} rows, none of them with label "
            f"{quota.idxmin()}; draw more rows"
        )
    # Sorted first: the same rows give the same draw, in whatever order they came.
    ordered = frame.sort_values(["label", "text"], ignore_index=True)
    mixed = ordered.iloc[np.random.default_rng(seed).permutation(len(ordered))]
    chosen = mixed.groupby("label").cumcount() < mixed["label"].map(quota)
    return mixed[chosen].reset_index(drop=True), mixed[~chosen].reset_index(drop=True)


def _quota(available: pd.Series, rows: int) -> pd.Series:
    # Largest remainder, in whole numbers, so that the parts add up to `rows` exactly.
    products = available.astype("int64") * rows
    quota, remainder = products // available.sum(), products % available.sum()
    missing = rows - quota.sum()
    quota[remainder.sort_values(ascending=False, kind="stable").index[:missing]] += 1
    return quota

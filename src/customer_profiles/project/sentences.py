"""Sentences of result, shown below figures: numbers in, a sentence out."""

from collections.abc import Mapping

import pandas as pd

NOTHING = "No group is large enough to be shown."


def largest(values: pd.Series, noun: str) -> str:
    """Largest of `values`: numbers of `noun` (plural) by name, NaN where suppressed."""
    values = values.dropna()
    total = values.sum()
    if not total:
        return NOTHING
    place = values.idxmax()
    return (
        f"Of {total:,.0f} {noun} shown, the largest group is {_name(place, values.index)}: "
        f"{values[place]:,.0f} ({values[place] / total:.0%})."
    )


def most_alike(fields: Mapping[str, pd.Series], total: int, noun: str) -> str:
    """Field with the largest bin of all: `fields` as for `charts.bins_figure`, `total` `noun`."""
    bins = pd.concat(dict(fields)).dropna()
    if bins.empty:
        return NOTHING
    field, name = bins.idxmax()
    return f'The {noun} differ least in "{field}": {bins.max() / total:.0%} are in "{name}".'


def extremes(values: pd.Series, noun: str) -> str:
    """Lowest and highest of `values` by name; `noun` says what they are."""
    values = values.dropna()
    if values.empty:
        return NOTHING
    low, high = values.idxmin(), values.idxmax()
    low, high = (f"{values[at]:.2f} ({_name(at, values.index)})" for at in (low, high))
    return f"The {noun} lies between {low} and {high}."


def furthest(means: pd.DataFrame) -> str:
    """Entry of `means` (groups and fields, in standard deviations) furthest from 0."""
    away = means.stack().dropna()
    if away.empty:
        return NOTHING
    group, field = away.abs().idxmax()
    return f"Furthest from the average, by {away[group, field]:+.1f}, is {group} in {field}."


def _name(place, index: pd.Index) -> str:
    """`place` in `index` as text: a day, or the value of each level behind the level's name."""
    if isinstance(place, pd.Timestamp):
        return f"{place:%Y-%m-%d}"
    values = place if isinstance(place, tuple) else (place,)
    named = zip(index.names, values, strict=True)
    return ", ".join(f"{name} {value}" if name else str(value) for name, value in named)

"""Segments as text: a brief for documents, a table for spreadsheets."""

import csv
import io
from collections.abc import Iterable, Mapping

# What a spreadsheet takes for the beginning of a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def markdown(segment: Mapping) -> str:
    """The brief of `segment` in Markdown."""
    brief = segment["brief"]
    lines = [f"# {segment['name']}", "", brief["headline"], ""]
    lines += [f"- {point}" for point in brief["points"]]
    if brief["caveats"]:
        lines += ["", *(f"> {caveat}" for caveat in brief["caveats"])]
    return "\n".join(lines) + "\n"


def table(rows: Iterable[Mapping]) -> str:
    """`rows` as CSV (RFC 4180), a column for each field, of fields within fields as well."""
    flat = [dict(_leaves(row)) for row in rows]
    names = list(dict.fromkeys(name for row in flat for name in row))
    held = io.StringIO()
    writer = csv.writer(held)
    writer.writerow(names)
    writer.writerows([_calm(row.get(name)) for name in names] for row in flat)
    return held.getvalue()


def _leaves(row: Mapping, before: str = "") -> Iterable[tuple[str, object]]:
    for name, value in row.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{before}{name}.")
        else:
            yield before + name, value


def _calm(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value

"""What each address tells of a publication."""

from rest_framework.exceptions import NotFound


def segments(publication: dict) -> list[dict]:
    """All segments, largest first."""
    return [_figures(row) for row in publication["segments"]]


def segment(publication: dict, id: int) -> dict:
    """The figures of a segment."""
    return _figures(_found(publication, id))


def cells(publication: dict, id: int) -> list[dict]:
    """How many authors of a segment share a tier of each further field."""
    number = _found(publication, id)["id"]
    return [row for row in publication["cells"] if row["segment"] == number]


def brief(publication: dict, id: int) -> dict:
    """A segment in words: whom a message meets, and what to bear in mind."""
    return _found(publication, id)


def summary(publication: dict) -> dict:
    """The whole audience in a few figures, and whether they keep the promise of privacy."""
    return {
        **publication["summary"],
        "publication": publication["_id"],
        "certificate": {"passed": publication["certificate"]["passed"]},
        "sample": publication["provenance"]["sample"],
    }


def mood_daily(publication: dict) -> list[dict]:
    """How they spoke of the brand, day by day."""
    return publication["mood_daily"]


def continuity(publication: dict) -> dict:
    """What became of the segments of the publication before this one."""
    return publication["continuity"]


def publications(held: list[dict]) -> list[dict]:
    """The publications that are held, the current one first."""
    return held


def privacy(publication: dict) -> dict:
    """The certificate: what simulated attackers found, and what a thief would."""
    return publication["certificate"]


def _found(publication: dict, number: int) -> dict:
    rows = publication["segments"]
    for row in rows:
        if row["id"] == number:
            return row
    raise NotFound(f"there is no such segment; /api/v1/segments/ lists all {len(rows)}")


def _figures(row: dict) -> dict:
    return {name: value for name, value in row.items() if name != "brief"}

"""The shape of every answer, as JSON Schema with an example."""

from customer_profiles import publication
from customer_profiles.publication import (
    CELL,
    CERTIFICATE,
    CONTINUITY,
    FLAG,
    ID,
    MOOD_OF_DAY,
    SEGMENT,
    SUMMARY,
)


def _object(**properties: dict) -> dict:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _page(row: dict) -> dict:
    link = {"type": ["string", "null"], "format": "uri", "examples": [None]}
    rows = {"type": "array", "items": row, "maxItems": 100}
    return _object(
        count={"type": "integer", "examples": [1]}, next=link, previous=link, results=rows
    )


_FIGURES = SEGMENT["properties"]
_SEGMENT = _object(**{name: part for name, part in _FIGURES.items() if name != "brief"})
_TOLD = SUMMARY["properties"]
_LISTED = _object(
    id=ID,
    current=FLAG
    | {"examples": [True], "description": "whether the other addresses answer from it"},
    authors=_TOLD["authors"],
    segments={"type": "integer", "minimum": 0, "examples": [5]},
    verdict=_TOLD["clusters"]["properties"]["verdict"],
    first_day=_TOLD["first_day"],
    last_day=_TOLD["last_day"],
)
_SHAPES = {
    "Segments": _page(_SEGMENT),
    "Segment": _SEGMENT,
    "Cells": _page(CELL),
    "Brief": _object(
        **{name: _FIGURES[name] for name in ("id", "name")}, **_FIGURES["brief"]["properties"]
    ),
    "Summary": _object(
        **_TOLD,
        publication=ID,
        certificate=_object(passed=CERTIFICATE["properties"]["passed"]),
        sample=FLAG | {"description": "whether it is of an invented brand and invented people"},
    ),
    "MoodDaily": _page(MOOD_OF_DAY),
    "Continuity": CONTINUITY,
    "Publications": _page(_LISTED),
    "Privacy": CERTIFICATE,
    "Health": _object(
        status={"enum": ["ok"], "examples": ["ok"]}, published=FLAG | {"examples": [True]}
    ),
}
COMPONENTS = {
    **{
        name: {**shape, "examples": [publication.example(shape)]} for name, shape in _SHAPES.items()
    },
    "Problem": {
        **_object(
            type={"type": "string"},
            title={"type": "string"},
            status={"type": "integer"},
            detail={"type": "string"},
        ),
        "description": "RFC 9457",
    },
}

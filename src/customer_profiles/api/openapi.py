"""The OpenAPI description for drf-spectacular: JSON Schema with an example of every answer."""

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse

from customer_profiles.api.problems import TYPE, problem
from customer_profiles.publication import document
from customer_profiles.publication.document import CERTIFICATE, FLAG, ID, SEGMENT, SUMMARY, record

OPEN = {
    400: "a parameter is unknown, out of bounds or given twice",
    404: "there is no such segment, page or format",
    405: "only GET and HEAD",
    406: "`Accept` names no format that the API offers",
    503: "the database does not answer, or nothing is published yet",
}
PROTECTED = {401: "no token, or one that is unknown, revoked or expired", 429: "asked too often"}
TAG = {"type": "string", "pattern": '^".+"$', "examples": ['"5f1d3a0c9b7e2468.json"']}
WAIT = {"type": "integer", "minimum": 0, "examples": [5]}
HEADERS = (
    OpenApiParameter("ETag", TAG, "header", response=[200], description="for `If-None-Match`"),
    OpenApiParameter("Retry-After", WAIT, "header", response=[429, 503]),
)


def _page(row: dict) -> dict:
    """The schema of a page; unlike DRF's own it allows no other members."""
    link = {"type": ["string", "null"], "format": "uri", "examples": [None]}
    rows = {"type": "array", "items": row, "maxItems": 100}
    count = {"type": "integer", "examples": [1]}
    return record(count=count, next=link, previous=link, results=rows)


_FIGURES = SEGMENT["properties"]
_SEGMENT = record(**{name: part for name, part in _FIGURES.items() if name != "brief"})
# By the name of the view.
SHAPES = {
    "Segments": _page(_SEGMENT),
    "Segment": _SEGMENT,
    "Cells": _page(document.CELL),
    "Brief": record(id=_FIGURES["id"], name=_FIGURES["name"], **_FIGURES["brief"]["properties"]),
    "Summary": record(
        **SUMMARY["properties"],
        publication=ID,
        certificate=record(passed=CERTIFICATE["properties"]["passed"]),
        sample=FLAG | {"description": "whether it is of an invented brand and invented people"},
    ),
    "MoodDaily": _page(document.MOOD_OF_DAY),
    "Continuity": document.CONTINUITY,
    "Publications": _page(document.LISTED),
    "Privacy": CERTIFICATE,
    "Health": record(
        status={"enum": ["ok"], "examples": ["ok"]}, published=FLAG | {"examples": [True]}
    ),
    "Problem": record(
        type={"type": "string", "examples": ["about:blank"]},
        title={"type": "string", "examples": ["Not Found"]},
        status={"type": "integer", "examples": [404]},
        detail={"type": "string", "examples": [OPEN[404]]},
    ),
}


class Described(AutoSchema):
    """The description of one operation."""

    def get_operation_id(self) -> str:
        return f"read{type(self.view).__name__}"

    def get_auth(self) -> list:
        return [{"token": []}] if self.view.authentication_classes else []

    def get_override_parameters(self) -> list:
        return [self.view.query, *HEADERS] if self.view.query().fields else [*HEADERS]

    def get_response_serializers(self) -> dict:
        schemas = {
            (200, part.media_type): self._shape(type(self.view).__name__)
            if part.format == "json"
            else {"type": "string", "examples": [part.example]}
            for part in self.view.renderer_classes
        }
        why = {**PROTECTED, **OPEN} if self.view.authentication_classes else OPEN
        same = OpenApiResponse(description="not changed since the `ETag` in `If-None-Match`")
        return {**schemas, 304: same, **{(s, TYPE): self._problem(s, why[s]) for s in sorted(why)}}

    def _problem(self, status: int, why: str) -> OpenApiResponse:
        example = OpenApiExample(str(status), problem(status, why))
        return OpenApiResponse(self._shape("Problem"), description=why, examples=[example])

    def _shape(self, name: str) -> dict:
        shape = {**SHAPES[name], "examples": [document.example(SHAPES[name])]}
        component = ResolvedComponent(name, ResolvedComponent.SCHEMA, shape, object=name)
        self.registry.register_on_missing(component)
        return component.ref

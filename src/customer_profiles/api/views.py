"""The endpoints: each a part of the current publication."""

import contextlib
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from django.http import HttpResponseNotModified
from django.utils.http import parse_etags
from rest_framework.exceptions import NotFound, ParseError
from rest_framework.pagination import PageNumberPagination
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import ChoiceField, IntegerField, Serializer
from rest_framework.views import APIView

from customer_profiles import briefs
from customer_profiles.api.connection import Unpublished, connection
from customer_profiles.api.formats import Csv, Markdown
from customer_profiles.store import publications


class Pages(PageNumberPagination):
    """`?page=2&page_size=50`."""

    page_size = 25
    page_size_query_param = "page_size"
    max_page_size = 100
    last_page_strings = ()
    invalid_page_message = "there is no page of this number; leave `page` out for the first"


class Nothing(Serializer):
    """No parameter."""


class Paged(Serializer):
    """Which page of a list; as CSV a list is whole, whatever the page."""

    page = IntegerField(min_value=1, default=1)
    page_size = IntegerField(min_value=1, max_value=Pages.max_page_size, default=Pages.page_size)
    format = ChoiceField(
        ["json", "csv"], default="json", error_messages={"invalid_choice": "json or csv"},
        help_text="instead of `Accept`; as CSV a list is whole, whatever the page",
    )  # fmt: skip


class Written(Serializer):
    """In which form a text comes."""

    format = ChoiceField(
        ["json", "md"], default="json", error_messages={"invalid_choice": "json or md"},
        help_text="instead of `Accept`; md is Markdown",
    )  # fmt: skip


class ReadOnly(APIView):
    """Base of the endpoints; `shape` names the component that an answer in JSON has."""

    http_method_names = ("get", "head")
    query = Nothing
    shape: str

    def initial(self, request: Request, *args: Any, **place: Any) -> None:
        self.perform_authentication(request)  # a stranger is told nothing else
        super().initial(request, *args, **place)
        known = self.query(data=request.query_params.dict())
        for name, values in request.query_params.lists():
            if name not in known.fields:
                raise ParseError(f"parameters here: {', '.join(known.fields) or 'none'}")
            if len(values) > 1:
                raise ParseError("a parameter may be given once")
        if not known.is_valid():
            raise ParseError("; ".join(f"{name}: {said[0]}" for name, said in known.errors.items()))

    @property
    def default_response_headers(self) -> dict[str, str]:
        return {**super().default_response_headers, "Vary": "Authorization, Accept"}


class Published(ReadOnly):
    """A part of what is published; who has it already is told that it is the same."""

    def get(self, request: Request, **place: int) -> Response | HttpResponseNotModified:
        version, held = self.read()
        response = self.answer(self.part(held, **place))
        tag = f'"{version}.{request.accepted_renderer.format}"'
        # A proxy that compresses makes a tag a weak one.
        known = request.headers.get("If-None-Match", "").replace("W/", "")
        if {tag, "*"} & set(parse_etags(known)):
            response = HttpResponseNotModified()
        response["ETag"] = tag
        return response

    def read(self) -> tuple[str, Any]:
        """What `part` is taken of, and its version."""
        publication = published()
        return publication["_id"], publication

    def part(self, publication: dict, **place: int) -> Any:
        """What is told of `publication`."""
        raise NotImplementedError

    def answer(self, part: Any) -> Response:
        return Response(part)


class Listed(Published):
    """Rows, in pages or as a table."""

    query = Paged
    renderer_classes = (JSONRenderer, Csv)

    def answer(self, part: Sequence[dict]) -> Response:
        if self.request.accepted_renderer.format == Csv.format:
            *_, place = self.request.path.strip("/").split("/", 2)
            return Csv.download(briefs.table(part), place.replace("/", "-"))
        pages = Pages()
        rows = pages.paginate_queryset(part, self.request, view=self)
        return pages.get_paginated_response(rows)


class Segments(Listed):
    """All segments, largest first."""

    shape = "Segments"

    def part(self, publication: dict) -> list[dict]:
        return [_figures(row) for row in publication["segments"]]


class Segment(Published):
    """The figures of a segment."""

    shape = "Segment"

    def part(self, publication: dict, id: int) -> dict:
        return _figures(_segment(publication, id))


class Cells(Listed):
    """How many authors of a segment share a tier of each further field."""

    shape = "Cells"

    def part(self, publication: dict, id: int) -> list[dict]:
        _segment(publication, id)
        return [row for row in publication["cells"] if row["segment"] == id]


class Brief(Published):
    """A segment in words: whom a message meets, and what to bear in mind."""

    shape = "Brief"
    query = Written
    renderer_classes = (JSONRenderer, Markdown)

    def part(self, publication: dict, id: int) -> dict:
        return _segment(publication, id)

    def answer(self, part: dict) -> Response:
        if self.request.accepted_renderer.format == Markdown.format:
            return Response(briefs.markdown(part))
        return Response({"id": part["id"], "name": part["name"], **part["brief"]})


class Summary(Published):
    """The whole audience in a few figures, and whether they keep the promise of privacy."""

    shape = "Summary"

    def part(self, publication: dict) -> dict:
        return {
            **publication["summary"],
            "publication": publication["_id"],
            "certificate": {"passed": publication["certificate"]["passed"]},
            "sample": publication["provenance"]["sample"],
        }


class MoodDaily(Listed):
    """How they spoke of the brand, day by day."""

    shape = "MoodDaily"

    def part(self, publication: dict) -> list[dict]:
        return publication["mood_daily"]


class Continuity(Published):
    """What became of the segments of the publication before this one."""

    shape = "Continuity"

    def part(self, publication: dict) -> dict:
        return publication["continuity"]


class Publications(Listed):
    """The publications that are held, the current one first."""

    shape = "Publications"

    def read(self) -> tuple[str, list[dict]]:
        rows = connection.read(publications.listed)
        if not rows:
            raise Unpublished
        return ".".join(row["id"] for row in rows), rows

    def part(self, publication: list[dict]) -> list[dict]:
        return publication


class Privacy(Published):
    """The certificate: what simulated attackers found, and what a thief would."""

    shape = "Privacy"

    def part(self, publication: dict) -> dict:
        return publication["certificate"]


class Health(ReadOnly):
    """Whether the server answers and has something to say; needs no token."""

    shape = "Health"
    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()

    def get(self, request: Request) -> Response:
        return Response({"status": "ok", "published": _anything(int(time.monotonic()))})


def published() -> dict:
    """The current publication. Raises Unpublished before the first."""
    publication = connection.read(publications.current)
    if publication is None:
        raise Unpublished
    return publication


@lru_cache(1)
def _anything(second: int) -> bool:
    # Once a second: whoever asks needs no token and is not throttled.
    with contextlib.suppress(Unpublished):
        return bool(published())
    return False


def _segment(publication: dict, number: int) -> dict:
    rows = publication["segments"]
    for row in rows:
        if row["id"] == number:
            return row
    raise NotFound(f"there is no such segment; /api/v1/segments/ lists all {len(rows)}")


def _figures(segment: dict) -> dict:
    return {name: value for name, value in segment.items() if name != "brief"}

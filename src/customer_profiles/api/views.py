"""The endpoints: each a part of the current publication."""

import contextlib
import time
from collections.abc import Callable
from functools import lru_cache

from rest_framework.exceptions import NotFound, ParseError
from rest_framework.pagination import PageNumberPagination
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import IntegerField, Serializer
from rest_framework.views import APIView

from customer_profiles.api.connection import Unpublished, connection
from customer_profiles.publication import briefs
from customer_profiles.store import publications


class Csv(BaseRenderer):
    """For spreadsheets."""

    media_type = "text/csv"
    format = "csv"
    example = 'segment,authors,followers\r\n0,42,"under 1,000"\r\n'

    def render(self, data: list[dict], *context: object) -> bytes:
        return briefs.table(data).encode()


class Markdown(BaseRenderer):
    """For documents and messages."""

    media_type = "text/markdown"
    format = "md"
    example = "## Content regulars\n"

    def render(self, data: dict, *context: object) -> bytes:
        return briefs.markdown(data).encode()


class Pages(PageNumberPagination):
    """`?page=2&page_size=50`."""

    page_size = 25
    page_size_query_param = "page_size"
    max_page_size = 100
    invalid_page_message = "there is no page of this number; leave `page` out for the first"


class Paged(Serializer):
    """The parameters of a list; as CSV it is whole, whatever the page."""

    page = IntegerField(min_value=1, default=1)
    page_size = IntegerField(min_value=1, max_value=Pages.max_page_size, default=Pages.page_size)


class ReadOnly(APIView):
    """Base of the endpoints; what JSON each answers stands in `openapi.SHAPES`, by its name."""

    http_method_names = ("get", "head")
    query = Serializer
    field = ""  # the part of the publication that is answered
    version = ""  # of what is answered; Django's middleware compares the tag that it becomes

    def initial(self, request: Request, **place: int) -> None:
        self.perform_authentication(request)  # a stranger is told nothing else
        super().initial(request, **place)
        known = self.query(data=request.query_params.dict())
        for name, values in request.query_params.lists():
            if name not in {*known.fields, "format"}:
                raise ParseError(f"parameters here: {', '.join([*known.fields, 'format'])}")
            if len(values) > 1 or not values[0]:
                raise ParseError("a parameter is given once, and has a value")
        if not known.is_valid():
            raise ParseError(
                "; ".join(f"{name}: {messages[0]}" for name, messages in known.errors.items())
            )

    def get(self, request: Request, **place: int) -> Response:
        publication = _published()
        self.version = publication["_id"]
        return self.answer(self.part(publication, **place))

    def part(self, publication: dict, **place: int) -> dict | list[dict]:
        return publication[self.field]

    def answer(self, part: dict) -> Response:
        return Response(part)

    def finalize_response(self, request: Request, response: Response, **place: int) -> Response:
        response = super().finalize_response(request, response, **place)
        response["Vary"] = "Authorization, Accept"
        if self.version and response.status_code == 200:
            response["ETag"] = f'"{self.version}.{response.accepted_renderer.format}"'
        return response


class Rows(ReadOnly):
    """Base of the lists, which come in pages or as a table."""

    query = Paged
    renderer_classes = (JSONRenderer, Csv)

    def answer(self, part: list[dict]) -> Response:
        if self.request.accepted_renderer.format == Csv.format:
            name = "-".join(self.request.path.split("/")[3:-1])
            headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
            return Response(part, headers=headers)
        pages = Pages()
        return pages.get_paginated_response(pages.paginate_queryset(part, self.request, view=self))


class Segments(Rows):
    """All segments, largest first."""

    def part(self, publication: dict) -> list[dict]:
        return [_figures(row) for row in publication["segments"]]


class Segment(ReadOnly):
    """The figures of a segment."""

    def part(self, publication: dict, id: int) -> dict:
        return _figures(_segment(publication, id))


class Cells(Rows):
    """How many authors of a segment share a tier of each further field."""

    def part(self, publication: dict, id: int) -> list[dict]:
        number = _segment(publication, id)["id"]
        return [row for row in publication["cells"] if row["segment"] == number]


class Brief(ReadOnly):
    """A segment in words: headline, points and limitations."""

    renderer_classes = (JSONRenderer, Markdown)

    def part(self, publication: dict, id: int) -> dict:
        row = _segment(publication, id)
        if self.request.accepted_renderer.format == Markdown.format:
            return row
        return {"id": row["id"], "name": row["name"], **row["brief"]}


class Summary(ReadOnly):
    """The whole audience in a few figures, and whether they keep the promise of privacy."""

    def part(self, publication: dict) -> dict:
        return publication["summary"] | {
            "publication": publication["_id"],
            "certificate": {"passed": publication["certificate"]["passed"]},
            "sample": publication["provenance"]["sample"],
        }


class MoodDaily(Rows):
    """How they spoke of the brand, day by day."""

    field = "mood_daily"


class Continuity(ReadOnly):
    """What became of the segments of the publication before this one."""

    field = "continuity"


class Publications(Rows):
    """The publications that are held, the current one first."""

    def get(self, request: Request) -> Response:
        rows = _published(publications.listed)
        self.version = ".".join(row["id"] for row in rows)
        return self.answer(rows)


class Privacy(ReadOnly):
    """The certificate: what simulated attackers found, and what a thief would."""

    field = "certificate"


class Health(ReadOnly):
    """Whether the server answers and has something to say; needs no token."""

    authentication_classes = permission_classes = throttle_classes = ()

    def get(self, request: Request) -> Response:
        return Response({"status": "ok", "published": _anything(int(time.monotonic()))})


def _published(question: Callable = publications.current) -> dict | list[dict]:
    """The current publication, or what else is published. Raises Unpublished before the first."""
    if published := connection.read(question):
        return published
    raise Unpublished


@lru_cache(1)
def _anything(second: int) -> bool:
    # Once a second: whoever asks needs no token and is not throttled.
    with contextlib.suppress(Unpublished):
        return bool(_published())
    return False


def _segment(publication: dict, number: int) -> dict:
    rows = {row["id"]: row for row in publication["segments"]}
    if number not in rows:
        raise NotFound(f"there is no such segment; /api/v1/segments/ lists all {len(rows)}")
    return rows[number]


def _figures(row: dict) -> dict:
    return {name: value for name, value in row.items() if name != "brief"}

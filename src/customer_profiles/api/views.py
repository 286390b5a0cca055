"""The endpoints: each a part of the current publication."""

import contextlib
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from django.http import HttpResponseNotModified
from django.utils.http import parse_etags
from rest_framework.exceptions import ParseError
from rest_framework.pagination import PageNumberPagination
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import IntegerField, Serializer
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


class Paged(Serializer):
    """The parameters of a list; as CSV it is whole, whatever the page."""

    page = IntegerField(min_value=1, default=1)
    page_size = IntegerField(min_value=1, max_value=Pages.max_page_size, default=Pages.page_size)


class ReadOnly(APIView):
    """Base of the endpoints; `shape` names the component that an answer in JSON has."""

    http_method_names = ("get", "head")
    query = Serializer
    shape = ""

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
            raise ParseError("; ".join(f"{name}: {said[0]}" for name, said in known.errors.items()))

    @property
    def default_response_headers(self) -> dict[str, str]:
        return {**super().default_response_headers, "Vary": "Authorization, Accept"}


class Published(ReadOnly):
    """What `part` takes of the publication; who has it already is told that it is the same."""

    part: Callable[..., Any] | None = None

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

    def answer(self, part: Any) -> Response:
        return Response(part)


class Rows(Published):
    """A list, in pages or as a table."""

    query = Paged
    renderer_classes = (JSONRenderer, Csv)

    def answer(self, part: Sequence[dict]) -> Response:
        if self.request.accepted_renderer.format == Csv.format:
            name = "-".join(self.request.path.split("/")[3:-1])
            kept = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
            return Response(briefs.table(part), headers=kept)
        pages = Pages()
        rows = pages.paginate_queryset(part, self.request, view=self)
        return pages.get_paginated_response(rows)


class Publications(Rows):
    """The publications that are held, the current one first."""

    def read(self) -> tuple[str, list[dict]]:
        rows = connection.read(publications.listed)
        if not rows:
            raise Unpublished
        return ".".join(row["id"] for row in rows), rows


class Brief(Published):
    """A segment in words, for whoever writes to it."""

    renderer_classes = (JSONRenderer, Markdown)

    def answer(self, part: dict) -> Response:
        if self.request.accepted_renderer.format == Markdown.format:
            return Response(briefs.markdown(part))
        return Response({"id": part["id"], "name": part["name"], **part["brief"]})


class Health(ReadOnly):
    """Whether the server answers and has something to say; needs no token."""

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

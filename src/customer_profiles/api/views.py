"""The endpoints: each a part of the current publication."""

import contextlib

from rest_framework.exceptions import NotFound
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from customer_profiles.api.connection import Unpublished, connection
from customer_profiles.store import publications


def published() -> dict:
    """The current publication. Raises Unpublished before the first."""
    publication = connection.read(publications.current)
    if publication is None:
        raise Unpublished
    return publication


class Pages(PageNumberPagination):
    """`?page=2&page_size=50`."""

    page_size = 25
    page_size_query_param = "page_size"
    max_page_size = 100
    invalid_page_message = "there is no page of this number; leave `page` out for the first"


class ReadOnly(APIView):
    """Base of the endpoints."""

    http_method_names = ("get", "head")


class Health(ReadOnly):
    """Whether the server answers and has something to say; needs no token."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()

    def get(self, request: Request) -> Response:
        with contextlib.suppress(Unpublished):
            return Response({"status": "ok", "published": bool(published())})
        return Response({"status": "ok", "published": False})


class Segments(ReadOnly):
    """All segments, largest first."""

    def get(self, request: Request) -> Response:
        pages = Pages()
        rows = pages.paginate_queryset(published()["segments"], request, view=self)
        return pages.get_paginated_response(rows)


class Segment(ReadOnly):
    """One segment."""

    def get(self, request: Request, segment: int) -> Response:
        rows = published()["segments"]
        for row in rows:
            if row["id"] == segment:
                return Response(row)
        raise NotFound(f"there is no such segment; /api/v1/segments/ lists all {len(rows)}")


class Summary(ReadOnly):
    """The whole audience in a few figures, and whether they keep the promise of privacy."""

    def get(self, request: Request) -> Response:
        publication = published()
        return Response({
            **publication["summary"],
            "publication": publication["_id"],
            "certificate": {"passed": publication["certificate"]["passed"]},
        })  # fmt: skip

"""Addresses of endpoints and of files (public, without data), and headers of all answers."""

import json
from collections.abc import Callable
from functools import cache, partial
from importlib.resources import files

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, include, path
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator

from customer_profiles.api import failed_run, views
from customer_profiles.api.settings import OF_ANSWERS, OF_FILES
from customer_profiles.publication import notices
from customer_profiles.publication.page import parts

OPENAPI = "application/vnd.oai.openapi+json"
HTML, CSS, SCRIPT = (f"text/{kind}; charset=utf-8" for kind in ("html", "css", "javascript"))
SWAGGER = files("drf_spectacular_sidecar") / "static/drf_spectacular_sidecar/swagger-ui-dist"
# docs.html and docs.js; drf-spectacular's own page has inline style, which the policy forbids.
OWN = files(__package__)


def strict(answer: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """`answer` with strict default headers; HEAD is answered like GET, without the body.

    Waitress would send the body, and the caller would take it for the start of the next answer.
    """

    def careful(request: HttpRequest) -> HttpResponse:
        head = request.method == "HEAD"
        if head:
            request.method = "GET"
        response = answer(request)
        response.headers.setdefault("Cache-Control", "private, no-cache")
        # A browser would take it over for the page that it holds.
        if response.status_code != 304:
            response.headers.setdefault("Content-Security-Policy", OF_ANSWERS)
        if head:
            response.content = b""
        return response

    return careful


def _file(name: str, kind: str, read: Callable[[], str | bytes]) -> URLPattern:
    """The URL pattern of the content that `read` returns, which is read once."""
    content, headers = cache(read), {"Content-Security-Policy": OF_FILES}
    return path(name, require_safe(lambda _: HttpResponse(content(), kind, headers=headers)))


def _page(_: HttpRequest) -> HttpResponse:
    content = parts.served(notices.as_html(failed_run.notice()))
    return HttpResponse(content, HTML, headers={"Content-Security-Policy": OF_FILES})


V1 = [
    path("health/", views.Health.as_view()),
    path("segments/", views.Segments.as_view()),
    path("segments/<int:id>/", views.Segment.as_view()),
    path("segments/<int:id>/cells/", views.Cells.as_view()),
    path("segments/<int:id>/brief/", views.Brief.as_view()),
    path("summary/", views.Summary.as_view()),
    path("mood/daily/", views.MoodDaily.as_view()),
    path("continuity/", views.Continuity.as_view()),
    path("publications/", views.Publications.as_view()),
    path("privacy/", views.Privacy.as_view()),
]
DOCUMENTATION = [
    _file("", HTML, OWN.joinpath("docs.html").read_bytes),
    _file("start.js", SCRIPT, OWN.joinpath("docs.js").read_bytes),
    _file("schema/", OPENAPI, lambda: json.dumps(SchemaGenerator().get_schema(public=True))),
    _file("swagger-ui-bundle.js", SCRIPT, SWAGGER.joinpath("swagger-ui-bundle.js").read_bytes),
    _file("swagger-ui.css", CSS, SWAGGER.joinpath("swagger-ui.css").read_bytes),
    _file("favicon-32x32.png", "image/png", SWAGGER.joinpath("favicon-32x32.png").read_bytes),
]
urlpatterns = [
    path("api/v1/", include(V1)),
    path("docs/", include(DOCUMENTATION)),
    path("", require_safe(_page)),
    _file(parts.STYLE, CSS, partial(parts.part, parts.STYLE)),
    *(_file(name, SCRIPT, partial(parts.part, name)) for name in parts.SCRIPTS),
]

handler400 = "customer_profiles.api.problems.bad_request"
handler404 = "customer_profiles.api.problems.not_found"
handler500 = "customer_profiles.api.problems.server_error"

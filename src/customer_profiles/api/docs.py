"""The API's documentation: OpenAPI, and a page that shows it. All is local; no data is in it."""

import json
from functools import cache
from importlib.resources import files

from django.http import FileResponse, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from django.views.static import serve
from drf_spectacular.generators import SchemaGenerator

ASSETS = ("static", "drf_spectacular_sidecar", "swagger-ui-dist")
POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; "
POLICY += "img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'"
PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Customer profiles: the API</title>
<link rel="icon" href="static/favicon-32x32.png">
<link rel="stylesheet" href="static/swagger-ui.css">
<main id="docs"></main>
<script src="static/swagger-ui-bundle.js"></script>
<script src="start.js"></script>
</html>
"""
START = 'SwaggerUIBundle({dom_id: "#docs", url: "schema/", validatorUrl: null});\n'


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    return HttpResponse(PAGE, headers={"Content-Security-Policy": POLICY})


@require_safe
def start(request: HttpRequest) -> HttpResponse:
    return HttpResponse(START, content_type="text/javascript")


@require_safe
def asset(request: HttpRequest, name: str) -> FileResponse:
    root = files("drf_spectacular_sidecar").joinpath(*ASSETS)
    return serve(request, name, document_root=root)


@require_safe
def schema(request: HttpRequest) -> HttpResponse:
    return HttpResponse(_schema(), content_type="application/vnd.oai.openapi+json")


@cache  # it takes a while, and anybody may ask
def _schema() -> bytes:
    return json.dumps(SchemaGenerator().get_schema(public=True)).encode()

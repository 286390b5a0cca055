"""Files for everybody, because no data is in them: the page, and the API's documentation."""

import importlib.resources
import json
from collections.abc import Callable
from functools import cache, partial

from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator

from customer_profiles.api.headers import OF_FILES
from customer_profiles.publication.page import parts

HTML, CSS, SCRIPT = (f"text/{kind}; charset=utf-8" for kind in ("html", "css", "javascript"))
SWAGGER = importlib.resources.files("drf_spectacular_sidecar").joinpath(
    "static", "drf_spectacular_sidecar", "swagger-ui-dist"
)
# drf-spectacular's own page has inline style, which the policy forbids.
DOCS = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Customer profiles: the API</title>
<link rel="icon" href="favicon-32x32.png">
<link rel="stylesheet" href="swagger-ui.css">
<main id="docs"></main>
<script src="swagger-ui-bundle.js"></script>
<script src="start.js"></script>
</html>
"""
START = 'SwaggerUIBundle({dom_id: "#docs", url: "schema/", validatorUrl: null});\n'


def _file(name: str, kind: str, read: Callable[[], str | bytes]) -> URLPattern:
    """The address of what `read` returns, which is read once."""
    content = cache(read)

    @require_safe
    def view(request: HttpRequest) -> HttpResponse:
        return HttpResponse(content(), kind, headers={"Content-Security-Policy": OF_FILES})

    return path(name, view)


def _description() -> str:
    return json.dumps(SchemaGenerator().get_schema(public=True))


PAGE = [
    _file("", HTML, parts.served),
    _file(parts.STYLE, CSS, partial(parts.part, parts.STYLE)),
    *(_file(name, SCRIPT, partial(parts.part, name)) for name in parts.SCRIPTS),
]
DOCUMENTATION = [
    _file("", HTML, lambda: DOCS),
    _file("start.js", SCRIPT, lambda: START),
    _file("schema/", "application/vnd.oai.openapi+json", _description),
    *(
        _file(name, kind, SWAGGER.joinpath(name).read_bytes)
        for name, kind in (
            ("swagger-ui-bundle.js", SCRIPT),
            ("swagger-ui.css", CSS),
            ("favicon-32x32.png", "image/png"),
        )
    ),
]

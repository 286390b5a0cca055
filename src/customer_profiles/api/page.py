"""The page: a few files that hold no data, for everybody; what they show takes a token."""

import functools
import hashlib

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.http import condition, require_safe

from customer_profiles import page

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript"}


@functools.cache
def _content(name: str) -> bytes:
    return (page.part(name) if name else page.served()).encode()


def _etag(request: HttpRequest, name: str) -> str:
    return f'"{hashlib.sha256(_content(name)).hexdigest()[:16]}"'


@require_safe
@condition(etag_func=_etag)
def view(request: HttpRequest, name: str) -> HttpResponse:
    """The file `name` of the page; "" is the page itself."""
    kind = TYPES[name.rpartition(".")[2] or "html"]
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
    return HttpResponse(_content(name), f"{kind}; charset=utf-8", headers=headers)


PATHS = [path(name, view, {"name": name}) for name in ("", page.STYLE, *page.SCRIPTS)]

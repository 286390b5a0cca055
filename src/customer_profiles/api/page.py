"""The page: a few files that hold no data, for everybody; what they show takes a token."""

import functools
import hashlib

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from customer_profiles import page

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript"}


@require_safe
def view(request: HttpRequest, name: str) -> HttpResponse:
    """The file `name` of the page; "" is the page itself."""
    content, tag = _content(name)
    kind = TYPES[name.rpartition(".")[2] or "html"]
    response = HttpResponse(content, f"{kind}; charset=utf-8", headers={"ETag": tag})
    response = get_conditional_response(request, tag, response=response)
    # Also of a 304: the browser takes over its headers for what it holds.
    response["Content-Security-Policy"] = POLICY
    response["Cache-Control"] = "no-cache"
    return response


@functools.cache
def _content(name: str) -> tuple[bytes, str]:
    """What is sent, and its ETag."""
    content = (page.part(name) if name else page.served()).encode()
    return content, f'"{hashlib.sha256(content).hexdigest()[:16]}"'


PATHS = [path(name, view, {"name": name}) for name in ("", page.STYLE, *page.SCRIPTS)]

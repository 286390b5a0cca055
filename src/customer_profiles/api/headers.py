"""What holds of every answer, also of those that no view gives."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

# What a browser may load for an answer that is opened in it, and for one of `files`.
OF_ANSWERS = "default-src 'none'; frame-ancestors 'none'"
OF_FILES = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)


def strict(answer: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """`answer` with strict headers where it has none itself, and to HEAD as to GET, less the body.

    Waitress would send the body, and the caller take it for the beginning of the next answer.
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

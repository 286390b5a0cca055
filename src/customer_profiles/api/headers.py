"""What holds of every answer, also of those that no view gives."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "private, no-cache",
}


def strict(answer: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """`answer` with HEADERS, each where the answer itself has none, and without a body to HEAD."""

    def careful(request: HttpRequest) -> HttpResponse:
        response = answer(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        # Waitress would send it, and the caller take it for the beginning of the next answer.
        if request.method == "HEAD" and response.streaming:
            response.streaming_content = ()
        elif request.method == "HEAD":
            response.content = b""
        return response

    return careful

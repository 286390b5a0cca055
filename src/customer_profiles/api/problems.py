"""Problem details (RFC 9457) for every error, also for errors outside a view.

Neither an answer nor the log repeats the request: it may contain a name or a token.
"""

import logging
from functools import partial
from http import HTTPStatus

from django.http import Http404, JsonResponse
from rest_framework.exceptions import APIException, NotFound
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import exception_handler

from customer_profiles.store.errors import StoreError

logger = logging.getLogger(__name__)

TYPE = "application/problem+json"


class Unavailable(APIException):
    status_code = HTTPStatus.SERVICE_UNAVAILABLE
    wait = 5  # seconds that `Retry-After` tells


def problem(status: int, detail: str) -> dict:
    """The members of a problem with this status and `detail`."""
    title = HTTPStatus(status).phrase
    return {"type": "about:blank", "title": title, "status": int(status), "detail": detail}


def handle(error: Exception, context: dict) -> Response | None:
    """The answer to an exception in a view; None for an unexpected one, which becomes a 500."""
    if isinstance(error, StoreError):
        error = Unavailable(str(error))
    if isinstance(error, Http404):  # `?format=` alone raises it in a view
        error = NotFound("there is no such format here; leave `format` out for JSON")
    response = exception_handler(error, context)
    if response is not None:
        response.data = problem(response.status_code, str(response.data["detail"]))
        response.content_type = TYPE
        # Whatever was asked for: a problem has no form as a table.
        context["request"].accepted_renderer = JSONRenderer()
        context["request"].accepted_media_type = TYPE
    return response


def _answer(status: int, detail: str, request: object, exception: object = None) -> JsonResponse:
    if status == 500:  # Django's own entry would name the path, which the caller chose
        logger.error("a request failed", exc_info=True)
    return JsonResponse(problem(status, detail), status=status, content_type=TYPE)


bad_request = partial(
    _answer, 400, "the request is malformed, or for a host this server does not answer for"
)
not_found = partial(_answer, 404, "there is nothing at this address; the API lies under /api/v1/")
server_error = partial(_answer, 500, "the server failed; its log says why")

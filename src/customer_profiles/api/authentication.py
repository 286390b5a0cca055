"""Authentication by bearer token; a caller is identified by the token's name."""

from datetime import UTC, datetime
from types import SimpleNamespace

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from customer_profiles.api.connection import connection
from customer_profiles.api.settings import MAKE_ONE
from customer_profiles.store import tokens


class Failures(SimpleRateThrottle):
    """Rate limit of failed authentications per address; valid tokens are exempt.

    A token of 256 bits cannot be guessed at any rate. Without the exemption one caller with an
    expired token would lock out all callers behind a shared address.
    """

    scope = "failures"

    def get_cache_key(self, request: Request, view: object) -> str:
        return f"failures-{self.get_ident(request)}"


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer …` with a valid token (RFC 6750); the user's `pk` is its name."""

    def authenticate(self, request: Request) -> tuple[SimpleNamespace, None]:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        why = "send `Authorization: Bearer TOKEN`"
        if scheme.lower() == "bearer":
            today = datetime.now(UTC).date()
            name = connection.read(lambda database: tokens.owner(database, token.strip(), today))
            if name is not None:
                return SimpleNamespace(pk=name, is_authenticated=True), None
            why = "this token is unknown, revoked or expired"
        failures = Failures()
        if not failures.allow_request(request, None):
            raise Throttled(failures.wait())
        raise AuthenticationFailed(f"{why}; {MAKE_ONE}")

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"

"""Who asks: the holder of a token, known by the token's name."""

from dataclasses import dataclass
from datetime import UTC, datetime

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle

from customer_profiles.api.connection import connection
from customer_profiles.store import tokens

# Each audience has its own database, and its own tokens in it.
MAKE_ONE = "`customer-profiles token create NAME` makes one for the current audience"


@dataclass(frozen=True)
class Holder:
    """What Django REST Framework takes for a user; `pk` is the token's name."""

    pk: str
    is_authenticated: bool = True


class Failures(SimpleRateThrottle):
    """How often an address may fail. A valid token is let in all the same.

    256 bits cannot be guessed at any rate; but else one caller with an expired token would lock
    out everybody who shares his address.
    """

    scope = "failures"

    def get_cache_key(self, request: Request, view: object) -> str:
        return f"failures of {self.get_ident(request)}"


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer …` with a valid token (RFC 6750)."""

    def authenticate(self, request: Request) -> tuple[Holder, None]:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise _failed(request, "send `Authorization: Bearer TOKEN`")
        today = datetime.now(UTC).date()
        name = connection.read(lambda database: tokens.owner(database, token.strip(), today))
        if name is None:
            raise _failed(request, "this token is unknown, revoked or expired")
        return Holder(name), None

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def _failed(request: Request, why: str) -> AuthenticationFailed | Throttled:
    failures = Failures()
    if not failures.allow_request(request, None):
        return Throttled(failures.wait())
    return AuthenticationFailed(f"{why}; {MAKE_ONE}")

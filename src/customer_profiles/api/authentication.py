"""Who asks: the holder of a token, known by the token's name."""

from dataclasses import dataclass
from datetime import UTC, datetime

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from customer_profiles.api.connection import connection
from customer_profiles.store import tokens

# Each audience has its own database, and its own tokens in it.
MAKE_ONE = "`python -m customer_profiles.api token create NAME` makes one for the current audience"


@dataclass(frozen=True)
class Holder:
    """What Django REST Framework takes for a user; `pk` is the token's name."""

    pk: str
    is_authenticated: bool = True


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer …` with a valid token (RFC 6750)."""

    def authenticate(self, request: Request) -> tuple[Holder, None]:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            raise AuthenticationFailed(f"send `Authorization: Bearer TOKEN`; {MAKE_ONE}")
        today = datetime.now(UTC).date()
        name = connection.read(lambda database: tokens.owner(database, token.strip(), today))
        if name is None:
            raise AuthenticationFailed(f"this token is unknown, revoked or expired; {MAKE_ONE}")
        return Holder(name), None

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"

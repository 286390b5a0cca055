"""X's refusals, and faults of transmission, by name."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace

TOKEN = "AAAAAAAAAAAAAAAAAAAAAInvented%2FTokenOfNobody0123456789%3D"
PROBLEM = "https://api.twitter.com/2/problems/"


@dataclass(frozen=True)
class Answer:
    """An answer, and the `manner` in which it is sent.

    whole, hang, trickle, endless headers, drop (after half), reset (before the first byte).
    """

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    manner: str = "whole"

    @property
    def value(self):
        return json.loads(self.body)


class Refused(Exception):
    """A refusal: an answer with a problem."""

    def __init__(self, status, title, kind="about:blank", **rest):
        self.status = status
        self.problem = {"title": title, "type": kind, "status": status, **rest}


def wrong(parameter, value, message):
    return Refused(
        400, "Invalid Request", PROBLEM + "invalid-request",
        detail="One or more parameters to your request was invalid.",
        errors=[{"parameters": {parameter: [value]}, "message": message}],
    )  # fmt: skip


def problem(kind, title, resource_id, parameter, **rest) -> dict:
    return {
        "title": title, "type": PROBLEM + kind, "resource_id": resource_id,
        "resource_type": "user", "parameter": parameter, **rest,
    }  # fmt: skip


def refusing(status, title, kind="about:blank", seconds=900.0, remaining=299, **rest):
    """A fault: a problem of this status, with the headers of X's rate limit."""

    def fault(server, answer):
        refused = Refused(status, title, kind, **rest)
        headers = {"Content-Type": "application/problem+json"} | server.limit(seconds, remaining)
        return Answer(status, json.dumps(refused.problem).encode(), headers)

    return fault


def limited(seconds, remaining=0):
    return refusing(429, "Too Many Requests", seconds=seconds, remaining=remaining,
                    detail="Too Many Requests")  # fmt: skip


def altered(change):
    """A fault in the value of a good answer."""

    def fault(server, answer):
        if answer.status != 200:
            return answer
        body = json.dumps(change(answer.value), separators=(",", ":")).encode()
        return replace(answer, body=body)

    return fault


def sent(manner):
    return lambda server, answer: replace(answer, manner=manner)


def before(server, answer):
    """The last answer of status 200 without a fault; else `answer`."""
    good = [seen.answer for seen in server.requests if seen.answer.status == 200 and not seen.fault]
    return good[-1] if good else answer


def spread(server, answer):
    """`answer` spread over many lines, which X does not do but may."""
    return replace(answer, body=json.dumps(answer.value, indent=1).replace("\n", "\r\n").encode())


def with_token(answer, token):
    return altered(lambda value: value | {"meta": value["meta"] | {"next_token": token}})(
        None, answer
    )


def circling(server, answer):
    """New posts, with the token of the request as the next one."""
    token = before(server, answer).value.get("meta", {}).get("next_token")
    return with_token(answer, token) if token and answer.status == 200 else answer


def standing(server, answer):
    """The posts of the last answer, with a new token."""
    earlier = before(server, answer)
    return answer if earlier is answer else with_token(earlier, f"b{len(server.requests)}")


def partly(value):
    suspended = problem("resource-unavailable", "Authorization Error", "9000900090", "author_id",
                   detail="User has been suspended.")  # fmt: skip
    return value | {"errors": [suspended]}


def textless(value):
    first, *rest = value["data"]
    return value | {"data": [{k: v for k, v in first.items() if k != "text"}, *rest]}


def disordered(value):
    return value | {"data": [value["data"][-1], *value["data"]]}


# From the server and its good answer to the one that is sent.
FAULTS: dict[str, Callable[..., Answer]] = {
    "429": limited(600),
    "429 absurd reset": limited(10**7),
    "429 no reset": limited(None),
    "429 past reset": limited(-100),
    "429 this second": limited(900, remaining=298),
    "429 month": refusing(
        429, "UsageCapExceeded", PROBLEM + "usage-capped", period="Monthly", scope="Product",
        detail="Usage cap exceeded: Monthly product cap",
    ),
    "400": refusing(
        400, "Invalid Request", PROBLEM + "invalid-request",
        detail="One or more parameters to your request was invalid.",
        errors=[{"parameters": {"query": ["?"]}, "message": "Rules must be 512 or less."}],
    ),
    "401": refusing(401, "Unauthorized", detail="Unauthorized"),
    "402": refusing(402, "CreditsDepleted", PROBLEM + "credits", detail="No credits are left."),
    "403": refusing(
        403, "Client Forbidden", PROBLEM + "client-forbidden", reason="client-not-enrolled",
        detail="Your App must be attached to a Project.",
    ),
    "404": refusing(404, "Not Found", detail="Not Found"),
    "500": refusing(500, "Internal Server Error", detail="Internal Server Error"),
    "502": lambda server, answer: Answer(502, b"<html>Bad Gateway</html>"),
    "503": refusing(503, "Service Unavailable", detail="Service Unavailable"),
    "504": lambda server, answer: Answer(504, b""),
    "token in the detail": refusing(400, f"Bad {TOKEN}", detail=f"Bearer {TOKEN} is odd"),
    "error as a list": lambda server, answer: Answer(400, b'[{"message": "Odd query"}]'),
    "redirect": lambda server, answer: Answer(302, b"", {"Location": "http://x.invalid/"}),
    "hang": sent("hang"),
    "trickle": sent("trickle"),
    "endless headers": sent("endless headers"),
    "dropped": sent("drop"),
    "reset": sent("reset"),
    "truncated": lambda server, answer: replace(answer, body=answer.body[: len(answer.body) // 2]),
    "list": altered(lambda value: [value]),
    "no object": lambda server, answer: replace(answer, body=b'"\xff"'),
    "no meta": altered(lambda value: {k: v for k, v in value.items() if k != "meta"}),
    "repeated page": before,
    "repeated token": circling,
    "repeated posts": standing,
    "partial errors": altered(partly),
    "no text": altered(textless),
    "many lines": spread,
    "disorder": altered(disordered),
}  # fmt: skip

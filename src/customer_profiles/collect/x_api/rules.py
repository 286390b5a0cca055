"""The rules of X's filtered stream, which select its posts. X keeps them between runs."""

import hashlib
import logging
from collections.abc import Sequence
from typing import NamedTuple

from customer_profiles.collect.x_api import errors
from customer_profiles.collect.x_api.client import Client

logger = logging.getLogger(__name__)

PATH = "/2/tweets/search/stream/rules"
TAG = "customer-profiles"  # what the tag of each of the project's own rules begins with
ROUNDS = 3
DUPLICATE = "DuplicateRule"


class Rules(NamedTuple):
    """Ids of the rules that serve the query, and the number of all other rules."""

    ids: frozenset[str]
    foreign: int

    def match(self, item: dict) -> bool:
        """True if a line of the stream matches one of these rules, or names no rule."""
        named = item.get("matching_rules")
        named = (
            [rule for rule in named if isinstance(rule, dict)] if isinstance(named, list) else []
        )
        return not named or any(str(rule.get("id")) in self.ids for rule in named)


def reconcile(client: Client, values: Sequence[str]) -> Rules:
    """Make the project's own rules equal to `values` (X's queries).

    Rules without TAG belong to another program and stay; one of equal value serves like an own
    rule. Raises errors.BadRequest for a rule that X rejects, and errors.XError.
    """
    wanted = {value: _tag(value) for value in values}
    for _ in range(ROUNDS):
        stored = _stored(client)
        serving = {
            rule["id"]: value
            for rule in stored
            for value, tag in wanted.items()
            if tag == rule.get("tag") or value == rule.get("value")
        }
        missing = [value for value in wanted if value not in serving.values()]
        own = [rule["id"] for rule in stored if str(rule.get("tag", "")).startswith(f"{TAG} ")]
        outdated = [number for number in own if number not in serving]
        if not missing and not outdated:
            foreign = len(stored) - len(serving)
            if foreign:
                logger.warning(
                    "the stream has %d rules that are not this project's; they stay, and what only "
                    "they send is left out, but X may charge for it", foreign,
                )  # fmt: skip
            return Rules(frozenset(serving), foreign)
        # Added first, so that nothing is missed in between. Whether it was is what X lists next:
        # the answer to a rule may be lost, and the rule be there.
        if missing:
            _add(client, {value: wanted[value] for value in missing})
        if outdated:
            client.post(PATH, {"delete": {"ids": outdated}})
            logger.info("removed %d rules of earlier runs from the stream", len(outdated))
    raise errors.XError(
        f"X does not keep the stream's rules as they are set, in {ROUNDS} attempts: is another "
        "program setting them for the same app? Stop that one, or run this again later"
    )


def _tag(value: str) -> str:
    return f"{TAG} {hashlib.sha256(value.encode()).hexdigest()[:8]}"


def _stored(client: Client) -> list[dict]:
    """All rules that X has stored for this app."""
    stored, params = [], {}
    while True:
        page = client.get(PATH, params)
        rules = page.body.get("data")
        stored += [
            {**rule, "id": str(rule["id"])}
            for rule in (rules if isinstance(rules, list) else [])
            if isinstance(rule, dict) and "id" in rule
        ]
        if not page.next_token or page.next_token == params.get("pagination_token"):
            return stored
        params = {"pagination_token": page.next_token}


def _add(client: Client, tags: dict[str, str]) -> None:
    page = client.post(PATH, {"add": [{"value": value, "tag": tags[value]} for value in tags]})
    refused = page.body.get("errors") or []
    if any(not isinstance(each, dict) or each.get("title") != DUPLICATE for each in refused):
        message = client.detail(page.raw)
        raise errors.BadRequest(
            "X does not take the stream's rule: look at handles, keywords and language in section "
            f"collect of params.yaml; X says: {message}"
        )

"""The ways to request posts from the loopback X, ten a page."""

from customer_profiles.bench.loopback.server import BRAND
from customer_profiles.collect.x_api import endpoints, query
from customer_profiles.collect.x_api.transport import Timeouts

QUERY = query.build(["tindlewick"], ["Tindlewick"], "en")
MENTION = "@tindlewick your tea is fine"
# Faults that never come to an end, and what ends them: seconds that a test really waits for.
BOUNDS = {
    "hang": Timeouts(5, 0.4, 5),
    "trickle": Timeouts(5, 5, 0.5),
    "endless headers": Timeouts(5, 5, 0.5),
}


def ids(pages):
    return [post["id"] for page in pages for post in page.body.get("data", [])]


def by_search(client, **options):
    return endpoints.search(client, QUERY, size=10, **options)


def by_archive(client, **options):
    return endpoints.search(client, QUERY, "all", size=10, **options)


def by_mentions(client, **options):
    return endpoints.mentions(client, BRAND["id"], size=10, **options)


WAYS = [by_search, by_archive, by_mentions]

"""A project that collects from the loopback X, and what it then holds."""

import json

import pytest

from customer_profiles.bench.loopback.server import BRAND
from customer_profiles.collect import collector, settings
from customer_profiles.collect.folder import PAGES, PagesFolder
from customer_profiles.posts import archive
from customer_profiles.privacy.keys.key import Key
from customer_profiles.project import paths

KEY = Key(bytes(range(32)))
SECTION = {
    "handles": [BRAND["username"]], "keywords": ["Tindlewick"], "language": "en",
    "retweets": False, "scope": "recent", "start": "", "budget": 100.0, "post_price": 0.005,
    "user_price": 0.01, "mention_price": 0.001, "keep_days": 30, "fields": "tweet",
    "host": "https://x.invalid",
}  # fmt: skip
TEXTS = ["@tindlewick your tea is fine", "Tea at Tindlewick and @tindlewick"]
SCOPES = ["recent", "all", "mentions"]


def collect_settings(**changes):
    """What section `collect` asks with these `changes`."""
    return settings.read(SECTION | changes)


def opened(digest, day, key=KEY):
    """The folder data/collect, opened for the query of `digest`."""
    folder = PagesFolder(key)
    folder.open(digest, day)
    return folder


def pages():
    """Every page held, in the order of collection."""
    folder = paths.inside(PAGES)
    lines = [line for f in sorted(folder.iterdir()) for line in archive.lines(f, KEY.unseal)]
    return [json.loads(line) for line in lines]


def post_ids():
    """Ids of the posts held, in the order of collection."""
    return [post["id"] for page in pages() for post in page["data"]]


@pytest.fixture
def collect(project, ask):
    """Function that collects from a server into an empty project; the outcome."""

    def run(x, *, between=lambda: None, client=None, **changes):
        return collector.run(collect_settings(**changes), client or ask(x), KEY, between)

    return run

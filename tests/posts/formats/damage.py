"""Items of a format, damaged part by part, and how a page looks in spite of it."""

from copy import deepcopy

REMOVED = object()
BAD = (REMOVED, None, [], [1, None], {}, 7, 1.5, "x", True)


def damaged(item):
    """Copies of `item`, each with one part removed or of another type."""
    for path in _paths(item):
        for bad in BAD:
            copy = deepcopy(item)
            place = copy
            for key in path[:-1]:
                place = place[key]
            if bad is REMOVED:
                del place[path[-1]]
            else:
                place[path[-1]] = bad
            yield copy


def assert_a_page(page):
    assert page.keys() == {"data", "includes"}
    includes = page["includes"]
    assert includes.keys() in ({"tweets"}, {"users", "tweets"})
    # An empty list would say that X does not show the authors.
    assert includes.get("users") != []
    rows = page["data"], includes.get("users", []), includes["tweets"]
    assert all(isinstance(row, dict) for part in rows for row in part)
    for post in page["data"]:
        assert isinstance(post.get("text", ""), str)
        assert isinstance(post.get("id", ""), str | float)


def _paths(value, start=()):
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        yield (*start, key)
        if isinstance(item, dict | list):
            yield from _paths(item, (*start, key))

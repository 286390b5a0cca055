"""Small pages of invented posts, as values and as the lines of a file."""

import json

AUTHOR, DATE = "77", "2026-05-01T10:00:00.000Z"
TEXT = "Grüße 🍂, the crumble is divine"


def a_post(number=1, **changes):
    return {"id": str(number), "author_id": AUTHOR, "created_at": DATE, "text": TEXT} | changes


def a_user(**changes):
    return {"id": AUTHOR, "username": "sample_author_00077_tw"} | changes


def a_page(*numbers):
    posts = [a_post(number) for number in numbers]
    return {"data": posts, "includes": {"users": [a_user()]}}


def lines(*values):
    return "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values).encode()


def read_ids(conversation):
    return conversation.posts["post_id"].tolist()

"""The page for people who look rather than read: one source, served by the API and as a report.

A browser draws it from one publication (see `publication`): the report holds it, the page served
at / asks the API for its parts. No part of it asks anybody else for anything.
"""

import importlib.resources
import json
import string

from customer_profiles.project.vocabulary import ATTACKERS, FIELDS

STYLE = "page.css"
# In the order in which they need each other.
SCRIPTS = ("elements.js", "charts.js", "sections.js", "proof.js", "page.js")


def part(name: str) -> str:
    """Text of one of the files beside this one."""
    return importlib.resources.files(__package__).joinpath(name).read_text("utf-8")


def document(head: str, scripts: str, **held: object) -> str:
    """The whole page, of `head` and `scripts` as HTML and what it holds.

    Without a `publication` it asks for a token and the API for the rest.
    """
    given = {"attackers": ATTACKERS, "fields": FIELDS, **held}
    # What looks like the end of the element would be it, even inside a string.
    text = json.dumps(given, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
    return string.Template(part("page.html")).substitute(head=head, given=text, scripts=scripts)


def served() -> str:
    """The page as the API serves it: style and scripts lie beside it."""
    scripts = "\n".join(f'<script src="{name}"></script>' for name in SCRIPTS)
    return document(f'<link rel="stylesheet" href="{STYLE}">', scripts)

"""Page for readers: one source, served by the API and saved as a report.

A browser draws it from one publication (see `publication`). The report contains the publication;
the page served at / requests its parts from the API. The page loads nothing from any other server.
"""

import importlib.resources
import json
import string

from customer_profiles.project.vocabulary import ATTACKERS, FIELDS, VERDICT_NAMES, VERDICTS

STYLE = "page.css"
# In the order of their dependencies.
SCRIPTS = ("elements.js", "charts.js", "sections.js", "proof.js", "page.js")


def part(name: str) -> str:
    """Text of the file `name` beside this module."""
    return importlib.resources.files(__package__).joinpath(name).read_text("utf-8")


def document(head: str, scripts: str, notice: str = "", **data: object) -> str:
    """HTML of the whole page, from `head`, `scripts` and `notice` as HTML and the `data`.

    Without a `publication` in `data` the page asks for a token, and requests the data from the API.
    """
    verdicts = {
        verdict: {"name": VERDICT_NAMES[verdict], "meaning": meaning}
        for verdict, meaning in VERDICTS.items()
    }
    values = {"attackers": ATTACKERS, "fields": FIELDS, "verdicts": verdicts, **data}
    # A closing tag inside a string would end the element.
    text = json.dumps(values, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
    page = string.Template(part("page.html"))
    return page.substitute(head=head, notice=notice, given=text, scripts=scripts)


def served(notice: str = "") -> str:
    """Page as the API serves it, with a `notice` (HTML); style and scripts are files beside it."""
    scripts = "\n".join(f'<script src="{name}"></script>' for name in SCRIPTS)
    return document(f'<link rel="stylesheet" href="{STYLE}">', scripts, notice)

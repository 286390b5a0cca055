"""HTML report: the page as one file that opens from disk and loads nothing from elsewhere."""

import base64
import hashlib
import html
from collections.abc import Sequence

from customer_profiles.publication import briefs
from customer_profiles.publication.page import parts

# Permissions of the file: run its own script and style, draw, and save its data.
STYLED = "default-src 'none'; style-src {}; img-src data:; base-uri 'none'"
POLICY = "default-src 'none'; style-src {}; script-src {}; img-src data:; base-uri 'none'"


def render(publication: dict) -> str:
    """Page about a `publication` (see `document.PUBLICATION`) as one HTML file."""
    style = parts.part(parts.STYLE)
    script = "".join(parts.part(name) for name in parts.SCRIPTS)
    policy = POLICY.format(_allowed(style), _allowed(script))
    head = f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n<style>{style}</style>'
    element = f"<script>{script}</script>"
    return parts.document(head, element, publication=publication, files=files(publication))


def notice(title: str, paragraphs: Sequence[str]) -> str:
    """Page of a `title` and `paragraphs`, as texts, in place of a report; it needs no script."""
    style = parts.part(parts.STYLE)
    text = "\n".join(f"<p>{html.escape(paragraph)}</p>" for paragraph in paragraphs)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{html.escape(title)}</title>
<link rel="icon" href="data:,">
<meta http-equiv="Content-Security-Policy" content="{STYLED.format(_allowed(style))}">
<style>{style}</style>
</head>
<body>
<main id="main" class="wide">
<h1 id="title">{html.escape(title)}</h1>
{text}
</main>
</body>
</html>
"""


def files(publication: dict) -> dict[str, str]:
    """Files that a report offers for download, as the API gives them, by name."""
    segments = publication["segments"]
    return {
        "segments.csv": briefs.table(segments),
        "briefs.md": "\n".join(map(briefs.markdown, segments)),
        "cells.csv": briefs.table(publication["cells"]),
        "mood.csv": briefs.table(publication["mood_daily"]),
    }


def _allowed(text: str) -> str:
    """Source expression of `text` in a content security policy (CSP level 3): its hash."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

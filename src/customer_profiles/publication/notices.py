"""Notices about a run that published nothing: for a page, a JSON, a CSV and a Markdown file.

A notice takes the place of reports of another archive, or marks the reports of the same one. It
repeats an error only as far as that can name nobody.
"""

import csv
import html
import io
import json
import re
from collections.abc import Mapping, Sequence

from customer_profiles.publication import briefs
from customer_profiles.publication.document import SEGMENT, example

# Names the archive that the reports are about, the last run if it `failed`, and the day if the
# publication was `withdrawn`.
STATE = "data/raw/reports.json"
TITLE = "No segments of this archive"
REMOVED = (
    "What stood here before was about another archive. It was removed, so that nobody takes it for "
    "this one."
)
REMEDY = (
    "The whole error is in the terminal, and that of a stage in data/reports/notebooks, in the "
    "notebook whose name ends in .failed.ipynb. Mend what it names, or give another archive, and "
    "run `make repro` again."
)
WITHDRAWN = "The publication was withdrawn, because posts or people behind it were erased"
LONGEST = 600
# What is cut out of an error: it may be an id, a handle, a text, a folder, or a number of people.
CUT = "…"
UNSAFE = (
    # Files of an archive: where a post was first left out, and what cannot be read.
    (r" \(first in [^)]*\)", ""),
    (
        r"(?<=[:;] )[^;:]{1,200}?(?= (?:is (?:neither|an?|no|packed)|has no column|"
        r"holds (?:no|ids)|needs a password|may not|cannot be|ends too|unpacks to|came while) )",
        CUT,
    ),
    # The names in a folder may be those of accounts.
    (r"; it holds .*", ""),
    (r"'[^'\n]*'(?!\w)|\"[^\"\n]*\"|“[^”\n]*”", CUT),
    (r"\b\w+://\S+|@\w+", CUT),
    (r"(?<![\w.])~?/[^\s,;:()]+", CUT),
    (
        r"(?<![^\s(])[^\s,;:().][^\s,;:()]*\.(?:csv|tsv|jsonl?|ndjson|js|gz|bz2|zip|zst|sealed|txt|parquet)\b",
        CUT,
    ),
    (r"(?<![<>\d,.])\d[\d,.]*(?= (?:of the )?(?:authors|people|profiles|users|accounts)\b)", CUT),
    (r"\b[0-9a-f]{16,}\b|\d{5,}|\d[\d.]*e\+?\d+", CUT),
)
MARK = "<!-- of an earlier run -->{}<!-- /of an earlier run -->\n"
MARKED = re.compile(re.escape(MARK).replace(re.escape("{}"), ".*?"), re.DOTALL)
HEADING = '<h1 id="title"'
# The last frame of a traceback as IPython writes it, and those of this program and its notebooks.
ANSI = re.compile(r"\x1b\[[0-9;]*m")
FRAME = re.compile(r"^(?:File (?P<file>.+?):\d+|Cell In)", re.MULTILINE)
OURS = "/customer_profiles/"


def without_names(message: str) -> str:
    """An error's `message` of this program without what may name somebody, on one line."""
    for pattern, instead in UNSAFE:
        message = re.sub(pattern, instead, message, flags=re.DOTALL)
    message = " ".join(message.split()).rstrip(".")
    return message if len(message) <= LONGEST else message[:LONGEST].rsplit(" ", 1)[0] + " " + CUT


def of_cell(kind: str, message: str, traceback: Sequence[str]) -> str:
    """The error of a notebook's cell: its message if this program wrote it, else its `kind` only.

    A library's message may repeat a value, and a KeyError always does.
    """
    frames = list(FRAME.finditer(ANSI.sub("", "\n".join(traceback))))
    file = frames[-1]["file"] if frames else None
    by_cell = bool(frames) and file is None and kind == "RuntimeError"
    if kind != "KeyError" and (by_cell or OURS in (file or "")):
        return without_names(message)
    return f"an error of the kind {kind}"


def begun(day: str) -> list[str]:
    """Paragraphs in place of the reports of another archive, while a run has not ended."""
    return [f"A run of this archive began on {day} and has published nothing yet.", REMOVED]


def ended(day: str, why: str) -> list[str]:
    """Paragraphs in place of the reports of another archive, after a run that failed."""
    return [f"The run of {day} published nothing: {why}.", REMOVED, REMEDY]


def withdrawn(day: str) -> list[str]:
    """Paragraphs in place of reports that count somebody who was erased on `day`."""
    return [f"{WITHDRAWN}, on {day}.", "`make repro` publishes what is left."]


def instead(paragraphs: Sequence[str], page: str) -> dict[str, str]:
    """Contents of segments.json, .csv and .html and briefs.md without a segment, by name.

    `page` is the HTML of the page. The CSV has the columns of a segment and no row, the JSON an
    empty list and the `notice`.
    """
    header = briefs.table([example(SEGMENT)]).splitlines(keepends=True)[0]
    return {
        "segments.html": page,
        "segments.json": _json({"segments": [], "notice": " ".join(paragraphs)}),
        "segments.csv": header,
        "briefs.md": "\n\n".join([f"# {TITLE}", *paragraphs]) + "\n",
    }


def served(state: Mapping, archive: str) -> str:
    """Sentence for the API's page, which shows `archive`, by the content of STATE; "" if none.

    After a run that failed or goes on it repeats no error, because the page is open to everybody.
    """
    if "withdrawn" in state:
        return f"{WITHDRAWN}, on {state['withdrawn']}. The next run publishes what is left."
    if "failed" not in state:
        return ""
    failed = state["failed"]
    if failed["archive"] != archive:
        return (
            f"The last run, of {failed['day']}, was of another archive and has published nothing. "
            "This page is about the archive before."
        )
    return (
        f"The run of {failed['day']} has published nothing. Segments that are shown here are of "
        "the publication before it."
    )


def mark(published: str, day: str, why: str) -> str:
    """Mark on the publication of the day `published`, after a run of the same archive failed."""
    return (
        f"Of {published}. The run of {day} failed and published nothing: {why}. "
        "This is the publication before it."
    )


def marked(texts: Mapping[str, str], notice: str) -> dict[str, str]:
    """Contents of the reports, by name, with the `notice` in place of a former one.

    The CSV gets it as a last column, the JSON as a field.
    """
    of_file = {
        "segments.html": lambda text: _before(HEADING, as_html(notice), text),
        # Of a comment's line the rest would be HTML.
        "briefs.md": lambda text: _before("", f"\n> **{notice}**\n\n", text),
        "segments.json": lambda text: _json({**json.loads(text), "notice": notice}),
        "segments.csv": lambda text: _with_column(text, notice),
    }
    return {name: of_file[name](text) for name, text in texts.items()}


def as_html(notice: str) -> str:
    """The `notice` as a paragraph of the page; "" if there is none."""
    return f'<p class="warn"><strong>{html.escape(notice)}</strong></p>' if notice else ""


def _before(place: str, addition: str, text: str) -> str:
    text = MARKED.sub("", text, count=1)
    return text.replace(place, MARK.format(addition) + place, 1)


def _with_column(text: str, notice: str) -> str:
    header, *rows = csv.reader(io.StringIO(text))
    if header[-1:] == ["notice"]:
        header, rows = header[:-1], [row[:-1] for row in rows]
    file = io.StringIO()
    # Not by `briefs.table`: to that a negative number, read as text, looks like a formula.
    csv.writer(file).writerows([[*header, "notice"], *([*row, notice] for row in rows)])
    return file.getvalue()


def _json(value: Mapping) -> str:
    return json.dumps(value, indent=2, sort_keys=True) + "\n"

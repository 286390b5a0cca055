"""How far a collection from X has come, sealed: where it goes on, and which of its pages count.

It is written after a page is on disk, so a kill in between leaves a line behind those that it
counts; who goes on cuts that line off and asks for the page again. The file is one sealed line
with one JSON object, and erasure treats it as it treats pages: an erased post's id goes.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass

from customer_profiles import durable, paths

FILE = "data/collect/checkpoint.sealed"


class AnotherQuery(ValueError):
    """A checkpoint that was written for another query or endpoint."""


@dataclass(frozen=True)
class Checkpoint:
    """State of one collection; `repr` shows no id."""

    digest: str
    """Of the query and the endpoint (`digest_of`)."""
    file: str
    """Name of the file that pages are added to."""
    lines: int = 0
    """Lines of that file that count."""
    posts: int = 0
    """Posts on them."""
    pages: int = 0
    """Pages of this run, over all files."""
    page_size: int = 100
    next_token: str | None = None
    """Of the page to ask for; None before the first and after the last."""
    newest_id: str | None = None
    """Of the first page; None before it, or where that post has been erased."""
    done: bool = False
    """Whether the last page is held."""

    def __repr__(self) -> str:
        return f"Checkpoint({self.file}, lines={self.lines}, pages={self.pages}, done={self.done})"


def digest_of(endpoint: str, query: Mapping[str, object]) -> str:
    """64 hex digits that stand for an endpoint and its parameters, in whatever order."""
    text = json.dumps([endpoint, dict(query)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def save(checkpoint: Checkpoint, seal: Callable[[bytes], bytes]) -> None:
    """Put `checkpoint` in the place of the last one: sealed, at once, on disk."""
    line = json.dumps(asdict(checkpoint), separators=(",", ":"), sort_keys=True)
    durable.write(paths.inside(FILE), seal(line.encode()) + b"\n")


def load(digest: str, unseal: Callable[[bytes], bytes]) -> Checkpoint | None:
    """The checkpoint of this query, None where there is none at all.

    Raises AnotherQuery for that of another, PermissionError for another key, ValueError for a
    damaged one, each with the way out.
    """
    file = paths.inside(FILE)
    if not file.exists():
        return None
    way_out = f"or remove {FILE} to start anew, which reads and pays for these pages again"
    try:
        held = json.loads(unseal(file.read_bytes()))
        checkpoint = Checkpoint(**{"newest_id": None, **held})
    except PermissionError as error:
        raise type(error)(f"{FILE} cannot be opened: {error}, {way_out}") from None
    except (ValueError, TypeError):
        raise ValueError(f"{FILE} is damaged; restore it, {way_out}") from None
    if checkpoint.digest != digest:
        raise AnotherQuery(
            f"{FILE} is of another query or endpoint: run that one to its end first, or start anew"
        )
    return checkpoint

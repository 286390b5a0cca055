"""How far a collection from X has come, sealed: where it goes on, and which of its pages count.

It is written after a page is on disk, so a kill in between leaves a line behind those that it
counts; who goes on cuts that line off and asks for the page again. Each query has a file of its
own: one sealed line with one JSON object, and erasure treats it as it treats pages: an erased
post's id goes.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from customer_profiles.project import paths
from customer_profiles.project.files import write_synced

FOLDER = "data/collect"


@dataclass(frozen=True)
class Checkpoint:
    """State of one query's collection; `repr` shows no id. Times are seconds since 1970."""

    digest: str
    """Of the query and the endpoint (`digest_of`)."""
    file: str
    """Name of the file that pages are added to."""
    lines: int = 0
    """Lines of that file that count."""
    posts: int = 0
    """Posts on them."""
    read: int = 0
    """Posts of this run, over all files."""
    next_token: str | None = None
    """Of the page to ask for; None before the first and after the last."""
    newest_id: str | None = None
    """Of the first page that held posts; None before it, or where that post has been erased."""
    newest_time: int | None = None
    """When that post was written; stays when its id goes."""
    since_id: str | None = None
    """What this run asks beyond: newest_id and newest_time of the one before."""
    since_time: int | None = None
    done: bool = False
    """Whether the last page is held."""

    def __repr__(self) -> str:
        return f"Checkpoint({self.file}, lines={self.lines}, read={self.read}, done={self.done})"


def digest_of(endpoint: str, query: Mapping[str, object]) -> str:
    """64 hex digits that stand for an endpoint and its parameters, in whatever order."""
    text = json.dumps([endpoint, dict(query)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def path_of(digest: str) -> Path:
    """The file of the query of `digest`."""
    return paths.inside(FOLDER, f"checkpoint_{digest[:16]}.sealed")


def files() -> list[Path]:
    """The files of all queries, sorted by name."""
    return sorted(paths.inside(FOLDER).glob("checkpoint_*.sealed"))


def save(checkpoint: Checkpoint, seal: Callable[[bytes], bytes]) -> None:
    """Put `checkpoint` in the place of its query's last one: sealed and at once."""
    line = json.dumps(asdict(checkpoint), separators=(",", ":"), sort_keys=True)
    # The last one, should it come back after a power failure, only has a page asked for again.
    write_synced(path_of(checkpoint.digest), seal(line.encode()) + b"\n", certain=False)


def load(digest: str, unseal: Callable[[bytes], bytes]) -> Checkpoint | None:
    """The checkpoint of this query, None where there is none; raises what `read` raises."""
    file = path_of(digest)
    return read(file, unseal) if file.exists() else None


def read(file: Path, unseal: Callable[[bytes], bytes]) -> Checkpoint:
    """What `file` holds.

    Raises PermissionError for another key, ValueError for a damaged one, each with the way out.
    """
    name = f"{FOLDER}/{file.name}"
    way_out = f"or remove {name} to start anew, which reads and pays for these pages again"
    try:
        checkpoint = Checkpoint(**json.loads(unseal(file.read_bytes())))
        if path_of(checkpoint.digest) != file:
            raise ValueError
    except PermissionError as error:
        raise type(error)(f"{name} cannot be opened: {error}, {way_out}") from None
    except (ValueError, TypeError):
        raise ValueError(f"{name} is damaged; restore it, {way_out}") from None
    return checkpoint

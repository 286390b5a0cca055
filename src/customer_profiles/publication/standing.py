"""Reports that stand in data/reports, and the archive that they are about.

The file STATE names that archive, and the digest of the reports: DVC, which knows nothing of it,
may have brought others back. A run of another archive that fails, or has not ended, leaves a notice
in their place, and so does an erasure. A failed run of the same archive marks them.
"""

import contextlib
import hashlib
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from customer_profiles.project import files, paths
from customer_profiles.publication import notices, report
from customer_profiles.publication.notices import STATE

logger = logging.getLogger(__name__)

REPORTS = "data/reports"
NAMES = ("segments.html", "segments.json", "segments.csv", "briefs.md")
# What else the stages behind `evaluate` write about people, as patterns from the project's root.
FORMER = (
    *(f"{REPORTS}/{name}.json" for name in ("pull", "score", "load", "clusters", "privacy")),
    f"{REPORTS}/elbow.csv",
    f"{REPORTS}/mood_daily.csv",
    f"{REPORTS}/notebooks/0[5-9]_*.ipynb",
    f"{REPORTS}/plots/**/*.html",
    "data/models/clusters.json",
)


@contextmanager
def writing(archive: str) -> Iterator[None]:
    """The reports are those of `archive` when the block has written all of them.

    After an error in the block they are taken for nobody's.
    """
    paths.inside(STATE).unlink(missing_ok=True)
    yield
    _keep({"archive": archive})


def begin(archive: str) -> None:
    """Before a run of `archive`: replace reports of another archive by a notice."""
    if _stand() and not _withdrawn() and _state().get("archive") != archive:
        _replace(archive, notices.begun(_today()))


def fail(archive: str, why: str) -> None:
    """After a run of `archive` failed: mark its reports, or replace those of another by a notice.

    `why` is a clause that names nobody (`notices.without_names`).
    """
    if not _stand() or _withdrawn():
        return
    state, today = _state(), _today()
    if state.get("archive") != archive:
        _replace(archive, notices.ended(today, why))
        return
    # The state was written with the reports: no clock in what a successful run writes.
    published = state.get("published") or _day_of_state()
    texts = {name: _file(name).read_text(encoding="utf-8") for name in _stand()}
    _write(notices.marked(texts, notices.mark(published, today, why)))
    _keep({**state, "published": published, "failed": {"archive": archive, "day": today}})


def withdraw() -> None:
    """After an erasure: replace the reports by a notice, and remove all else that counts people."""
    for pattern in FORMER:
        for file in paths.root().glob(pattern):
            file.unlink()
    if _stand():
        # Before the files: what a kill leaves half replaced is nobody's. After: the notice stands.
        _keep({"withdrawn": _today()})
        _write_notice(notices.withdrawn(_today()))
        _keep({"withdrawn": _today()})


def _stand() -> list[str]:
    return [name for name in NAMES if _file(name).is_file()]


def _file(name: str) -> Path:
    return paths.inside(REPORTS, name)


def _state() -> dict:
    with contextlib.suppress(OSError, ValueError):
        state = json.loads(paths.inside(STATE).read_text(encoding="utf-8"))
        if isinstance(state, dict):
            known = state.get("digest") == _digest()
            return state if known else {**state, "archive": None}
    return {}


def _withdrawn() -> bool:
    # Reports that others brought back have the archive None.
    state = _state()
    return "withdrawn" in state and "archive" not in state


def _replace(archive: str, paragraphs: list[str]) -> None:
    if "failed" not in _state():  # else it is a notice already
        logger.warning("data/reports/segments.*: another archive's; a notice takes their place")
    # Before the files: what a kill leaves half replaced is nobody's.
    _keep({"failed": {"archive": archive, "day": _today()}})
    _write_notice(paragraphs)


def _write_notice(paragraphs: list[str]) -> None:
    _write(notices.instead(paragraphs, report.notice(notices.TITLE, paragraphs)))


def _keep(state: dict) -> None:
    files.write_json(paths.inside(STATE), {**state, "digest": _digest()})


def _digest() -> str:
    digests = [f"{name} {files.digest(_file(name))}" for name in _stand()]
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def _write(texts: dict[str, str]) -> None:
    for name, text in texts.items():
        files.write_text(_file(name), text)


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


def _day_of_state() -> str:
    written = paths.inside(STATE).stat().st_mtime
    return datetime.fromtimestamp(written, UTC).date().isoformat()

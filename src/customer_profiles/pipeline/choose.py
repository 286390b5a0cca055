"""Choice of a setting and three input folders, checked and written into params.yaml.

`customer-profiles choose profile=standard fetch.source=FOLDER fetch.labelled=FOLDER`
"""

import logging
import os
import re
from collections.abc import Sequence
from pathlib import Path

from customer_profiles.posts import archive
from customer_profiles.project import params, paths
from customer_profiles.publication import notices, standing
from customer_profiles.sentiment.data import labelled, sentiment140


def _check_archive(path: Path) -> None:
    archive.check(path, params.stage("pull")["columns"])


# Each folder is checked by the module that will read it.
ARCHIVE = "pull.archive"
CHECKS = {
    "fetch.source": sentiment140.locate,
    "fetch.labelled": labelled.locate,
    ARCHIVE: _check_archive,
}

logger = logging.getLogger(__name__)


def choose(assignments: Sequence[str]) -> None:
    """Write `assignments` ("profile=standard") into params.yaml and log the changes.

    Raises ValueError or OSError for an invalid value, before any value is written. Reports of
    another archive than the one chosen, or refused, give way to a notice (`standing`).
    """
    values = dict(_checked(assignment) for assignment in assignments)
    for line in params.change(paths.inside("params.yaml"), values):
        logger.info(line)
    if ARCHIVE in values:
        standing.begin(values[ARCHIVE])


def _checked(assignment: str) -> tuple[str, str]:
    name, equals, value = assignment.partition("=")
    if not equals:
        raise ValueError(f"give NAME=VALUE, for example profile=quick; got {assignment!r}")
    if name == "profile":
        return name, value
    if name not in CHECKS:
        raise ValueError(f"NAME must be one of profile, {', '.join(CHECKS)}; got {name!r}")
    path = Path(os.path.normpath(paths.inside(Path(value).expanduser())))
    inside = path.is_relative_to(paths.root())
    text = (path.relative_to(paths.root()) if inside else path).as_posix()
    try:
        _check(name, path, text)
    except (ValueError, OSError) as error:
        if name == ARCHIVE:
            standing.fail(text, f"the archive was refused: {notices.without_names(str(error))}")
        raise
    return name, text


def _check(name: str, path: Path, text: str) -> None:
    CHECKS[name](path)
    if not re.fullmatch(r"[\w./-]+", text):
        # DVC's templating gives other characters a meaning of their own.
        raise ValueError(f"{name}: use a path of letters, digits and . _ - / only, got {text!r}")

"""Choice of a setting and two input folders, checked and written into params.yaml.

`customer-profiles choose profile=standard fetch.source=FOLDER pull.archive=FOLDER`
"""

import logging
from collections.abc import Sequence

from customer_profiles.posts import archive
from customer_profiles.project import params, paths
from customer_profiles.sentiment.data import sentiment140

# Each folder is checked by the module that will read it.
CHECKS = {"fetch.source": sentiment140.locate, "pull.archive": archive.files}

logger = logging.getLogger(__name__)


def choose(assignments: Sequence[str]) -> None:
    """Write `assignments` ("profile=standard") into params.yaml and log the changes.

    Raises ValueError or OSError for an invalid value, before any value is written.
    """
    for assignment in assignments:
        if "=" not in assignment:
            raise ValueError(f"give NAME=VALUE, for example profile=quick; got {assignment!r}")
    values = dict(assignment.split("=", 1) for assignment in assignments)
    for line in params.change(paths.inside("params.yaml"), values, CHECKS):
        logger.info(line)

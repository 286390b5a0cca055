"""The choice of a profile and two folders, checked and put into params.yaml.

`customer-profiles choose profile=standard fetch.source=FOLDER pull.archive=FOLDER`
"""

import logging
from collections.abc import Sequence

from customer_profiles.posts import archive
from customer_profiles.project import params, paths
from customer_profiles.sentiment.data import sentiment140

# Each folder is looked into by the module that will read it.
CHECKS = {"fetch.source": sentiment140.locate, "pull.archive": archive.files}

logger = logging.getLogger(__name__)


def choose(assignments: Sequence[str]) -> None:
    """Set what `assignments` ("profile=standard") say in params.yaml; log what changed.

    Raises ValueError or OSError, before anything is set, for a value that cannot be used.
    """
    for assignment in assignments:
        if "=" not in assignment:
            raise ValueError(f"give NAME=VALUE, for example profile=quick; got {assignment!r}")
    values = dict(assignment.split("=", 1) for assignment in assignments)
    for line in params.change(paths.inside("params.yaml"), values, CHECKS):
        logger.info(line)

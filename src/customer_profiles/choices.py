"""What `make repro` is told: a profile and two folders, checked and put into params.yaml.

`python -m customer_profiles.choices profile=standard fetch.source=FOLDER pull.archive=FOLDER`
"""

import logging
import sys

from customer_profiles import archive, params, paths, sentiment140

# Each folder is looked into by the module that will read it.
CHECKS = {"fetch.source": sentiment140.locate, "pull.archive": archive.files}

logger = logging.getLogger(__name__)


def main(arguments: list[str]) -> int:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        for argument in arguments:
            if "=" not in argument:
                raise ValueError(f"give NAME=VALUE, for example profile=quick; got {argument!r}")
        values = dict(argument.split("=", 1) for argument in arguments)
        for line in params.change(paths.inside("params.yaml"), values, CHECKS):
            logger.info(line)
    except (ValueError, OSError) as error:
        logger.error("error: %s", error)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

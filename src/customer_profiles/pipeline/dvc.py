"""DVC's own answers, asked by its command line in the environment of this program."""

import subprocess
import sys

from customer_profiles.project import paths


def answer(*arguments: str) -> str:
    """Output of DVC's command of these `arguments`. Raises RuntimeError when it fails."""
    ended = subprocess.run(  # noqa: S603
        [sys.executable, "-m", "dvc", *arguments],
        cwd=paths.root(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    if ended.returncode:
        raise RuntimeError(f"`dvc {' '.join(arguments)}` failed: {ended.stderr.strip()}")
    return ended.stdout

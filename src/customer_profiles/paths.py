"""Where the project lies: found from where we stand, never from where the package lies.

An editable install of one checkout also serves DVC's temporary copies of the project
(`dvc exp run --temp`); a root taken from `__file__` would make them write into that checkout.
"""

from pathlib import Path


def root(start: Path | None = None) -> Path:
    """Folder that holds dvc.yaml, at or above `start` (default: the working folder).

    Raises FileNotFoundError when there is none.
    """
    start = (start or Path.cwd()).resolve()
    for folder in (start, *start.parents):
        if (folder / "dvc.yaml").is_file():
            return folder
    raise FileNotFoundError(
        f"no dvc.yaml in {start} or above it; run this from inside the project's folder"
    )


def inside(*parts: str) -> Path:
    """Path below the project's root; an absolute last part stays as it is."""
    return root().joinpath(*parts)

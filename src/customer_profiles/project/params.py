"""params.yaml: a section for each stage, and a block for each profile that overrides it."""

import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from customer_profiles.project import files, paths

PROFILES = ("quick", "standard", "original")
# Parameters that other stages read as well, by their section; dvc.yaml lists them in those stages.
SOURCES = {"archive": "pull"}
# Check of the content at a path; raises ValueError or OSError for unsuitable content.
Check = Callable[[Path], object]
# Choices and ranges of section finetune.
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


def load(file: Path | None = None) -> dict:
    """Content of params.yaml, parsed as DVC parses it (PyYAML reads 2e-5 as text).

    Raises ValueError when the file is not YAML, when its profile is unknown, or when a profile's
    block overrides a missing section.
    """
    file = file or paths.inside("params.yaml")
    try:
        params = YAML(typ="safe").load(file.read_text(encoding="utf-8"))
    except YAMLError as error:
        raise ValueError(f"{file.name} is not valid YAML: {error}") from error
    profile = params.get("profile") if isinstance(params, dict) else None
    if profile not in PROFILES:
        raise ValueError(f"profile in {file.name} must be one of {PROFILES}, got {profile!r}")
    for block in PROFILES:
        unknown = sorted(set(params.get(block) or ()) - set(params))
        if unknown:
            raise ValueError(
                f"block {block} in {file.name} overrides {', '.join(unknown)}, but there is no "
                "such section; check the spelling"
            )
    return params


def stage(name: str, params: dict | None = None) -> dict[str, Any]:
    """Values of the stage `name`: its section, overridden by the profile's block.

    Raises KeyError for a missing section and for a name that only the profile's block has.
    """
    params = params or load()
    if not isinstance(params.get(name), dict):
        raise KeyError(f"params.yaml has no section {name!r}; add one, or check the stage's name")
    section, profile = params[name], params["profile"]
    own = (params.get(profile) or {}).get(name) or {}
    unknown = sorted(set(own) - set(section))
    if unknown:
        raise KeyError(
            f"params.yaml: {profile}.{name} sets {', '.join(unknown)}, which section {name} does "
            f"not have; it has {', '.join(sorted(section))}"
        )
    return {**section, **own}


def shared(names: Iterable[str], params: dict | None = None) -> dict[str, Any]:
    """Values of `names` that every stage may use, from section `shared` and from SOURCES."""
    params, wanted = params or load(), set(names)  # the order of a set differs from run to run
    values = {name: value for name, value in (params.get("shared") or {}).items() if name in wanted}
    return values | {n: stage(of, params)[n] for n, of in SOURCES.items() if n in wanted}


def change(
    file: Path, values: Mapping[str, str], checks: Mapping[str, Check] | None = None
) -> list[str]:
    """Set dotted `values` in the YAML `file`; return the changes as text.

    Only the characters of a value change, on its own line: a YAML writer would also reformat the
    rest. All values are checked before the first is written. An existing path outside the project
    becomes absolute, one inside relative to it. Raises ValueError for an unknown name, profile or
    path, and the errors of the path's check.
    """
    text = file.read_text(encoding="utf-8")
    changes = []
    for name, value in values.items():
        value = _checked(name, value, file.parent, (checks or {}).get(name))
        old = _value_of(text, name)
        if old != value:
            text = _replace(text, name, value)
            changes.append(f"{name}: {old} -> {value}")
    if changes:
        files.write_text(file, text)
    return changes


def _checked(name: str, value: str, root: Path, check: Check | None) -> str:
    if name == "profile":
        if value not in PROFILES:
            raise ValueError(f"PROFILE must be one of {', '.join(PROFILES)}, got {value!r}")
        return value
    path = Path(value).expanduser()
    path = Path(os.path.normpath(path if path.is_absolute() else root / path))
    if check:
        check(path)
    elif not path.exists():
        raise ValueError(f"{name}={value}: there is no such file or folder")
    text = path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()
    if not re.fullmatch(r"[\w./-]+", text):
        # DVC's templating and YAML both give other characters a meaning of their own.
        raise ValueError(f"{name}: use a path of letters, digits and . _ - / only, got {text!r}")
    # A folder called 2024 or true must not be read as a number or a truth value.
    return text if YAML(typ="safe").load(text) == text else f"./{text}"


def _pattern(name: str) -> re.Pattern:
    section, _, key = name.rpartition(".")
    head = rf"^{re.escape(section)}:\n(?:[ #].*\n|\n)*?  " if section else "^"
    return re.compile(rf"({head}{re.escape(key)}: )(\S+)$", re.MULTILINE)


def _value_of(text: str, name: str) -> str:
    match = _pattern(name).search(text)
    if not match:
        raise ValueError(f"params.yaml has no line for {name}")
    return match[2]


def _replace(text: str, name: str, value: str) -> str:
    return _pattern(name).sub(lambda match: match[1] + value, text, count=1)


def check_hyperparameters(settings: Mapping[str, Any]) -> None:
    """Raise ValueError, naming the parameter and its allowed values, for an invalid value."""
    for name, value in settings.items():
        if name in CHOICES and value not in CHOICES[name]:
            known = ", ".join(CHOICES[name])
            raise ValueError(f"finetune.{name} must be one of {known}, got {value}")
        # Written so that NaN, which is neither above nor below anything, is out of each range.
        if name in RANGES and not RANGES[name][1](value):
            raise ValueError(f"finetune.{name} must be {RANGES[name][0]}, got {value}")

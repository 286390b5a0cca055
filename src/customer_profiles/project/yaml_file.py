"""YAML files, read and changed as DVC does it: by ruamel.yaml, with comments and quotes kept."""

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError

WIDTH = 4096  # characters of a line that is not broken


def parse(text: str | bytes) -> Any:
    """Content of `text`. Note: PyYAML reads 2e-5 as text, and yes as true; ruamel does not.

    Raises ValueError, with the line, when it is not YAML.
    """
    try:
        return YAML(typ="safe").load(text)
    except MarkedYAMLError as error:
        # The rest of ruamel's text repeats values, and has addresses of its documentation.
        twice = isinstance(error, DuplicateKeyError)
        problem = "a name is there twice" if twice else error.problem
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise ValueError(f"not valid YAML: {line}{problem}") from error
    except (YAMLError, ValueError) as error:  # also a day that is none, 2026-02-31
        raise ValueError(f"not valid YAML: {error}") from error


def read(file: Path) -> Any:
    """Content of `file`. Raises ValueError, with its name and the line, when it is not YAML."""
    try:
        return parse(file.read_bytes())
    except ValueError as error:
        raise ValueError(f"{file.name} is {error}") from error


def change(file: Path, values: Mapping[str, str], check: Callable[[Any], object]) -> list[str]:
    """Set dotted `values` ("fetch.source") in `file`; return the changes as text.

    Other values, comments and quotes stay, and equal values leave the file as it is. Raises the
    errors of `check`, which is called with the content before and after, and of `read`; nothing is
    written then.
    """
    from customer_profiles.project import files  # imports pandas, which reading can do without

    check(read(file))
    yaml = YAML()
    yaml.preserve_quotes, yaml.width = True, WIDTH
    tree, changes = yaml.load(file.read_text(encoding="utf-8")), []
    for name, value in values.items():
        section, _, key = name.rpartition(".")
        node = tree[section] if section else tree
        if node[key] != value:
            changes.append(f"{name}: {node[key]} -> {value}")
            node[key] = value
    if changes:
        written = io.StringIO()
        yaml.dump(tree, written)
        check(parse(written.getvalue()))
        files.write_text(file, written.getvalue())
    return changes

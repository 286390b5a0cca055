"""Sentences about wrong values of params.yaml, made from the errors of its model.

A value is named as `dvc exp run --set-param` takes it: section.name. What is allowed is said from
the model's JSON schema, so that no range stands anywhere twice.
"""

import difflib
import functools
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

# Type of an error whose text is a sentence already.
RULE = "rule"
KINDS = {
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "string": "text",
    "array": "a list, in brackets",
    "object": "names with values, in braces",
}
BOUNDS = {
    "minLength": "not empty",
    "minimum": "{} or more",
    "exclusiveMinimum": "above {}",
    "maximum": "{} or less",
    "exclusiveMaximum": "below {}",
}
LONGEST = 40  # characters of a text that are repeated


def listed(sentences: Sequence[str]) -> str:
    """One text of all `sentences`, about the file."""
    if len(sentences) == 1:
        return f"params.yaml: {sentences[0]}"
    return "\n  ".join([f"params.yaml: {len(sentences)} values are wrong", *sentences])


def of(
    error: ValidationError, model: type[BaseModel], profile: str = "", block: Mapping | None = None
) -> list[str]:
    """A sentence for each value of the `model` that `error` is about.

    A value that `block` overrides is named with its `profile`.
    """
    root = _schema_of(model)
    return [_sentence(each, root, profile, block or {}) for each in error.errors()]


def quoted(value: Any) -> str:
    """`value` for a sentence: short, and without handles, which stand for people."""
    match value:
        case None | {}:
            return "names with values" if value else "nothing"
        case bool():
            return str(value).lower()
        case str():
            text = re.sub(r"@\w+", "@…", value)
            return repr(text if len(text) <= LONGEST else text[:LONGEST] + "…")
        case list() if not all(isinstance(item, int | float) for item in value):
            return "a list"
    return str(value)[:LONGEST]


@functools.cache
def _schema_of(model: type[BaseModel]) -> dict:
    return model.model_json_schema()


def _sentence(error: Mapping, root: Mapping, profile: str, block: Mapping) -> str:
    kind, path = error["type"], [step for step in error["loc"] if step != "[key]"]
    if kind == RULE:
        return error["msg"] + (f" (in block {profile})" if path and path[0] in block else "")
    schema = _schema(root, path)
    if kind == "missing":
        return f"{_named(path)} is missing; it must be {_allowed(schema)}"
    own = block.get(path[0])
    overridden = path[1:] and isinstance(own, Mapping) and path[1] in own
    name = _named([profile, *path] if overridden or not isinstance(own, Mapping | None) else path)
    if kind in ("extra_forbidden", "invalid_key") or "[key]" in error["loc"]:
        return f"{name} is unknown; {_nearest(str(path[-1]), _schema(root, path[:-1]))}"
    private = any(_schema(root, path[:n]).get("private") for n in range(1, len(path) + 1))
    got = "" if private else f"; got {quoted(error['input'])}"
    return f"{name} must be {_allowed(schema)}{got}"


def _named(path: Sequence[str | int]) -> str:
    first, *inner = path
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in inner)
    return f"{first}{''.join(steps)}"


def _schema(root: Mapping, path: Sequence[str | int]) -> Mapping:
    """The part of the JSON schema `root` that describes the value at `path`."""
    schema = root
    for step in path:
        schema = _resolved(schema, root)
        named = schema.get("properties", {}).get(step) or schema.get("additionalProperties")
        schema = (schema.get("items") if isinstance(step, int) else named) or {}
    return _resolved(schema, root)


def _resolved(schema: Mapping, root: Mapping) -> Mapping:
    if "$ref" not in schema:
        return schema
    return root["$defs"][schema["$ref"].rpartition("/")[2]]


def _nearest(name: str, schema: Mapping) -> str:
    known = [*schema.get("properties", ()), *schema.get("propertyNames", {}).get("enum", ())]
    near = difflib.get_close_matches(name.rpartition(".")[2], known, 1)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"


def _allowed(schema: Mapping) -> str:
    if "enum" in schema:
        return f"one of {', '.join(schema['enum'])}"
    if "properties" in schema:
        return "a section, of names and values"
    if "description" in schema:
        return schema["description"]
    bounds = [text.format(schema[name]) for name, text in BOUNDS.items() if name in schema]
    if "minimum" in schema and "maximum" in schema:
        bounds = [f"{schema['minimum']} to {schema['maximum']}"]
    return ", ".join(filter(None, [KINDS[schema["type"]], " and ".join(bounds)]))

"""Checks our own YAML files against the JSON Schemas that editors use too (the subset of JSON Schema that they need).

Not the library jsonschema: its import alone costs a third of a whole run's time, and it names neither line nor the likely key.
tests/test_schemas.py holds both to the same verdicts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

from hostprocess.errors import PolicyError, suggestion
from hostprocess.kubernetes.fields import format_path
from hostprocess.kubernetes.location import locate
from hostprocess.kubernetes.yaml_text import load
from hostprocess.model import Origin

__all__ = ["checked", "fault_at", "load_checked", "schema", "violations"]

Steps = tuple[str | int, ...]
_TYPES: dict[str, type | tuple[type, ...]] = {
    "object": dict, "array": list, "string": str, "boolean": bool, "integer": int, "number": (int, float), "null": type(None),
}  # fmt: skip


@cache
def schema(name: str) -> dict[str, Any]:
    """The published schema `name` (`rule`, `suite`, `pack`, `configuration` …)."""
    loaded: dict[str, Any] = json.loads(files("hostprocess").joinpath("schemas").joinpath(f"{name}.schema.json").read_text("utf-8"))
    return loaded


def load_checked(text: str, path: str, name: str) -> dict[str, Any]:
    """The one document of one of our own files, checked against the schema `name`. Raises `PolicyError` with its line."""
    return checked(load(text, path, strict=True), text, path, name)


def checked(documents: list[tuple[Any, bool]], text: str, path: str, name: str) -> dict[str, Any]:
    """The same of a text that has been loaded by the strict profile."""
    if len(documents) != 1:
        raise PolicyError(f"expected one YAML document, found {len(documents)}", path=path)
    value = documents[0][0]
    for steps, message in violations(value, schema(name)):
        raise fault_at(text, path, steps, message)
    found: dict[str, Any] = value
    return found


def fault_at(text: str, path: str, steps: Steps, message: str) -> PolicyError:
    """An error that points at a field of one of our own files."""
    place = locate(Origin(path=path, text=text), steps)
    where = f"{format_path(steps)}: " if steps else ""
    return PolicyError(where + message, path=path, line=place.line, column=place.column)


def violations(value: Any, rules: dict[str, Any], root: dict[str, Any] | None = None, at: Steps = ()) -> Iterator[tuple[Steps, str]]:
    """Where and how `value` breaks a schema: pairs of (steps, message)."""
    root = root or rules
    if "$ref" in rules:
        rules = root["$defs"][rules["$ref"].removeprefix("#/$defs/")]
    if "anyOf" in rules:
        rules = _branch(value, rules["anyOf"])
    wanted = rules.get("type")
    if wanted and not _is(value, wanted):
        names = " or ".join(wanted) if isinstance(wanted, list) else wanted
        yield at, f"must be of type {names}, not {type(value).__name__ if value is not None else 'null'}"
        return
    if "enum" in rules and value not in rules["enum"]:
        yield at, f"{value!r} is not one of {', '.join(map(str, rules['enum']))}{suggestion(str(value), [str(one) for one in rules['enum']])}"
    if isinstance(value, str):
        if "pattern" in rules and not re.search(rules["pattern"], value):
            yield at, f"{value!r} is not of the form {rules['pattern']}"
        if len(value) < rules.get("minLength", 0):
            yield at, "must not be empty"
    elif isinstance(value, int | float) and not isinstance(value, bool):
        if "minimum" in rules and value < rules["minimum"]:
            yield at, f"must be at least {rules['minimum']}, not {value}"
        if "maximum" in rules and value > rules["maximum"]:
            yield at, f"must be at most {rules['maximum']}, not {value}"
    elif isinstance(value, list):
        if len(value) < rules.get("minItems", 0):
            yield at, "must not be empty"
        for index, item in enumerate(value):
            yield from violations(item, rules.get("items", {}), root, (*at, index))
    elif isinstance(value, dict):
        yield from _object(value, rules, root, at)


def _object(value: dict[str, Any], rules: dict[str, Any], root: dict[str, Any], at: Steps) -> Iterator[tuple[Steps, str]]:
    known = rules.get("properties", {})
    others = rules.get("additionalProperties", {})
    for key, item in value.items():
        if key in known:
            yield from violations(item, known[key], root, (*at, key))
        elif others is False:
            yield (*at, key), f"unknown key{suggestion(key, list(known))}; known are {', '.join(known)}"
        else:
            yield from violations(item, others, root, (*at, key))
    # Behind the unknown keys: a misspelt key is both, and the spelling is the better message.
    for key in rules.get("required", ()):
        if key not in value:
            yield at, f"the key {key!r} is missing"


def _branch(value: Any, branches: list[dict[str, Any]]) -> dict[str, Any]:
    """The branch of an `anyOf` that is about values of this type: our schemas tell branches apart by that alone."""
    fitting = [branch for branch in branches if _is(value, branch["type"])]
    types = [name for branch in branches for name in ([branch["type"]] if isinstance(branch["type"], str) else branch["type"])]
    return fitting[0] if fitting else {"type": types}


def _is(value: Any, wanted: str | list[str]) -> bool:
    for name in [wanted] if isinstance(wanted, str) else wanted:
        if isinstance(value, _TYPES[name]) and (name == "boolean" or not isinstance(value, bool)):
            return True
    return False

"""CustomResourceDefinitions, as far as they are read here: their names, versions and schemas.

Source: k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1/types.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hostprocess.kubernetes.fields import Steps
from hostprocess.kubernetes.wording import named

__all__ = ["DEFINITION", "definition_faults"]

DEFINITION = "CustomResourceDefinition"
_GROUP = "apiextensions.k8s.io/"
_WORDS: Mapping[type, str] = {dict: "a mapping", list: "a list", str: "a string", bool: "true or false"}
_BELOW: Mapping[str, type] = {**dict.fromkeys(("properties", "definitions", "patternProperties"), dict), **dict.fromkeys(("allOf", "anyOf", "oneOf"), list)}


def definition_faults(value: Mapping[str, Any]) -> Iterator[tuple[Steps, str]]:
    """Where a CustomResourceDefinition is not as the API server decodes it, or leaves out what makes it known: pairs of steps and message."""
    if value.get("kind") != DEFINITION or not str(value.get("apiVersion")).startswith(_GROUP):
        return
    spec: Any = value.get("spec")
    if wrong := _wrong(spec, dict, needed=True):
        yield ("spec",), wrong
        return
    for key in ("group", "scope"):
        if wrong := _wrong(spec.get(key), str, needed=True):
            yield ("spec", key), wrong
    yield from _names_faults(spec.get("names"))
    conversion = spec.get("conversion")
    if wrong := _wrong(conversion, dict):
        yield ("spec", "conversion"), wrong
    elif conversion and (wrong := _wrong(conversion.get("strategy"), str)):
        yield ("spec", "conversion", "strategy"), wrong
    versions = spec.get("versions")
    if wrong := _wrong(versions, list, needed=value["apiVersion"] == f"{_GROUP}v1"):
        yield ("spec", "versions"), wrong
        return
    for index, version in enumerate(versions or ()):
        yield from _version_faults(version, ("spec", "versions", index))


def _names_faults(names: Any) -> Iterator[tuple[Steps, str]]:
    steps = ("spec", "names")
    if wrong := _wrong(names, dict, needed=True):
        yield steps, wrong
        return
    for key in ("kind", "plural"):
        if wrong := _wrong(names.get(key), str, needed=True):
            yield (*steps, key), wrong


def _version_faults(version: Any, steps: Steps) -> Iterator[tuple[Steps, str]]:
    if wrong := _wrong(version, dict, needed=True):
        yield steps, wrong
        return
    if wrong := _wrong(version.get("name"), str, needed=True):
        yield (*steps, "name"), wrong
    for key in ("served", "storage"):
        if wrong := _wrong(version.get(key), bool):
            yield (*steps, key), wrong
    schema = version.get("schema")
    if wrong := _wrong(schema, dict):
        yield (*steps, "schema"), wrong
    elif schema and (found := schema.get("openAPIV3Schema")) is not None:
        yield from _schema_faults(found, (*steps, "schema", "openAPIV3Schema"))


def _schema_faults(schema: Any, steps: Steps) -> Iterator[tuple[Steps, str]]:
    if wrong := _wrong(schema, dict):
        yield steps, wrong
    if not isinstance(schema, dict):
        return
    for key in ("type", "format"):
        if wrong := _wrong(schema.get(key), str):
            yield (*steps, key), wrong
    if wrong := _wrong(schema.get("required"), list):
        yield (*steps, "required"), wrong
    for key, kind in _BELOW.items():
        below: Any = schema.get(key)
        if wrong := _wrong(below, kind):
            yield (*steps, key), wrong
            continue
        for name, one in below.items() if isinstance(below, dict) else enumerate(below or ()):
            yield from _schema_faults(one, (*steps, key, name))
    for key in ("items", "not", "additionalProperties"):
        below = schema.get(key)
        if not isinstance(below, bool) or key != "additionalProperties":
            yield from _schema_faults(below, (*steps, key))


def _wrong(value: Any, kind: type, *, needed: bool = False) -> str:
    """What to say of a value that is not of a kind; empty is absent, as in Go."""
    if isinstance(value, kind) and (value or not needed):
        return ""
    if value is None or isinstance(value, kind):
        return "is needed" if needed else ""
    return f"must be {_WORDS[kind]}, not {named(value)}"

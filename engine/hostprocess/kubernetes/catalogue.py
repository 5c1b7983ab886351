"""The typed catalogue of the built-in kinds: their resource names, and the JSON fields of their structs, release by release.

The data is `catalogue.json`, which `tools/catalogue` writes by reflection over k8s.io/api. A struct is parsed when it is first asked for.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["Field", "Kind", "fields_of", "kind_of", "kinds", "release_number"]


@dataclass(frozen=True, slots=True)
class Kind:
    """A built-in kind as discovery shows it. `resource` is empty for the kind of a sub-resource only (Eviction), `type` where k8s.io/api has no struct."""

    group: str
    version: str
    kind: str
    resource: str
    namespaced: bool
    type: str
    subresources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Field:
    """A JSON field of a Go type. `type` is a letter (string s, bool b, int32 i, int64 l, float64 f, bytes y, Quantity q, IntOrString o, Time t, MicroTime m,
    raw JSON r), `@struct`, `[` or `{` before the type of a list or a map, `*` before what is behind a pointer.
    `go_type` is the type as a message of the API server names it, `inlined_from` the struct or structs whose
    fields count as this one's."""

    name: str
    type: str
    omitempty: bool
    omitzero: bool
    go_type: str = field(default="", compare=False)
    inlined_from: str = field(default="", compare=False)


def kind_of(api_version: str, kind: str, kubernetes: str) -> Kind | None:
    """The built-in kind of that name in the release `kubernetes`; None for what that release does not serve."""
    return kinds(kubernetes).get((api_version, kind))


@cache
def kinds(kubernetes: str) -> dict[tuple[str, str], Kind]:
    """All built-in kinds of a release, by apiVersion and kind."""
    release = release_number(kubernetes)
    found = {}
    for name, text in _data()["kinds"].items():
        for variant in text.split("|"):
            words = variant.split()
            if words[-1][0] == "~" and not _holds(words.pop()[1:], release):
                continue
            api_version, kind = name.split(" ")
            group, _, version = api_version.rpartition("/")
            resource, scope, struct, *subresources = words
            found[api_version, kind] = Kind(
                group, version, kind, resource.strip("-"), scope == "n", struct.strip("-"), tuple(subresources)
            )  # fmt: skip
    return found


@cache
def fields_of(struct: str, kubernetes: str) -> tuple[Field, ...]:
    """The fields of a struct (`core/v1.PodSpec`) in a release, in the order of the Go type."""
    release = release_number(kubernetes)
    package = struct.partition(".")[0]
    found = []
    for text in _data()["types"][struct].split():
        name, _, spec = text.partition(":")
        inlined_from, _, name = name.rpartition(".")
        spec, _, span = spec.partition("~")
        if span and not _holds(span, release):
            continue
        kind = spec.lstrip("?!")
        before, at, target = kind.partition("@")
        if at and "/" not in target:
            kind = f"{before}@{package}.{target}"
        flags = spec[: len(spec) - len(spec.lstrip("?!"))]
        found.append(Field(name, _NAMED.sub("", kind), "?" in flags, "!" in flags, _go_type(kind), inlined_from))
    return tuple(found)


_NAMED = re.compile(r"\([^)]*\)")
_GO_TYPES = {"s": "string", "b": "bool", "i": "int32", "l": "int64", "f": "float64", "y": "[]uint8", "q": "resource.Quantity"}
_GO_TYPES |= {"o": "intstr.IntOrString", "t": "v1.Time", "m": "v1.MicroTime", "r": "runtime.RawExtension"}


def _go_type(kind: str) -> str:
    if "(" in kind:
        before, _, after = kind.partition("(")
        return _go_type(before[:-1] + "!" + after.partition(")")[0])
    first, rest = kind[0], kind[1:]
    if first == "[":
        return "[]" + _go_type(rest)
    if first == "{":
        return "map[string]" + _go_type(rest)
    if first == "@":
        return rest.partition("/")[2]
    if first == "*":
        return _go_type(rest)  # a message names what is behind the pointer
    return rest if first == "!" else _GO_TYPES[first]


@cache
@cache
def release_number(kubernetes: str) -> tuple[int, int]:
    """`1.37` or `v1.37.2` as numbers that compare. The oldest release of the catalogue stands for those before it."""
    major, minor = kubernetes.removeprefix("v").split(".")[:2]
    return int(major), int(minor)


def _holds(span: str, release: tuple[int, int]) -> bool:
    since, _, before = span.partition("-")
    return (not since or release >= release_number(since)) and (not before or release < release_number(before))


@cache
def _data() -> Any:
    return json.loads(files("hostprocess.kubernetes").joinpath("catalogue.json").read_text("utf-8"))

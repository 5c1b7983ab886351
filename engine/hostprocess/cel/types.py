"""Types of CEL: what they are, how they are read and written, and which fits which.

Source: github.com/google/cel-go/common/types/types.go and checker/types.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

__all__ = [
    "BOOL",
    "BYTES",
    "DOUBLE",
    "DURATION",
    "DYN",
    "ERROR",
    "INT",
    "NULL",
    "STRING",
    "TIMESTAMP",
    "UINT",
    "Mapping",
    "Type",
    "display",
    "list_of",
    "map_of",
    "most_general",
    "optional_of",
    "parse_type",
    "signature",
    "substitute",
    "type_of",
]


@dataclass(frozen=True, slots=True)
class Type:
    """A type. `kind` is `list`, `map`, `type`, `opaque` (of the libraries), `struct` (with fields), `param`, or else the name itself."""

    kind: str
    name: str
    parameters: tuple[Type, ...] = ()

    def __str__(self) -> str:
        """As `Type.String` of cel-go writes it, in messages such as `must evaluate to bool but got list(dyn)`."""
        if self.kind == "param":
            return f"<{self.name}>"
        return f"{self.name}({', '.join(map(str, self.parameters))})" if self.parameters else self.name

    @property
    def is_dyn(self) -> bool:
        """Whether any value fits; type parameters are not meant."""
        return self.kind in ("dyn", "any")

    @property
    def is_optional(self) -> bool:
        """Whether it is `optional_type(…)`."""
        return self.name == "optional_type"


BOOL: Final = Type("bool", "bool")
BYTES: Final = Type("bytes", "bytes")
DOUBLE: Final = Type("double", "double")
DURATION: Final = Type("duration", "google.protobuf.Duration")
DYN: Final = Type("dyn", "dyn")
ERROR: Final = Type("error", "error")
INT: Final = Type("int", "int")
NULL: Final = Type("null", "null_type")
STRING: Final = Type("string", "string")
TIMESTAMP: Final = Type("timestamp", "google.protobuf.Timestamp")
UINT: Final = Type("uint", "uint")
_ANY: Final = Type("any", "google.protobuf.Any")
_SIMPLE: Final = {
    **{kind.name: kind for kind in (BOOL, BYTES, DOUBLE, DURATION, DYN, INT, NULL, STRING, TIMESTAMP, UINT, _ANY)},
    "duration": DURATION,
    "timestamp": TIMESTAMP,
    "null": NULL,
    "type": Type("type", "type"),
    "list": Type("list", "list", (DYN,)),
    "map": Type("map", "map", (DYN, DYN)),
}
_TOKEN = re.compile(r"[\w.]+|[(),]")
_SHOWN = {"error": "!error!", "duration": "duration", "timestamp": "timestamp", "null": "null", "any": "any"}
_NULLABLE = frozenset({"opaque", "struct", "any", "duration", "timestamp"})


def list_of(element: Type) -> Type:
    """`list(element)`."""
    return Type("list", "list", (element,))


def map_of(key: Type, value: Type) -> Type:
    """`map(key, value)`."""
    return Type("map", "map", (key, value))


def optional_of(value: Type) -> Type:
    """`optional_type(value)`."""
    return Type("opaque", "optional_type", (value,))


def type_of(value: Type) -> Type:
    """`type(value)`, the type of a type."""
    return Type("type", "type", (value,))


def parse_type(text: str) -> Type:
    """Reads `map(string, list(T))`; a single capital letter is a type parameter. The types of the Kubernetes
    libraries are messages without fields, but for IP and CIDR, which are opaque.
    """
    return _parsed(_TOKEN.findall(text)[::-1])


def _parsed(tokens: list[str]) -> Type:
    name = tokens.pop()
    parameters = []
    if tokens and tokens[-1] == "(":
        while tokens.pop() != ")":
            parameters.append(_parsed(tokens))
    if len(name) == 1 and name.isupper():
        return Type("param", name)
    if not parameters:
        return _SIMPLE.get(name) or Type("struct" if name.startswith("kubernetes.") else "opaque", name)
    return Type(name if name in ("list", "map", "type") else "opaque", name, tuple(parameters))


def display(kind: Type) -> str:
    """As `FormatCELType` of cel-go writes it, in the messages of the checker."""
    if shown := _SHOWN.get(kind.kind):
        return shown
    return f"{kind.name}({', '.join(map(display, kind.parameters))})" if kind.parameters else kind.name


def signature(arguments: Sequence[Type], member: bool) -> str:
    """The arguments of a call as messages show them: `string.(int)`, `(int, string)`."""
    prefix = f"{display(arguments[0])}." if member else ""
    return f"{prefix}({', '.join(map(display, arguments[1:] if member else arguments))})"


class Mapping:
    """Which type stands for which type variable."""

    __slots__ = ("_types",)

    def __init__(self, types: dict[Type, Type] | None = None) -> None:
        self._types = types or {}

    def add(self, variable: Type, kind: Type) -> None:
        """Lets `kind` stand for `variable`."""
        self._types[variable] = kind

    def find(self, kind: Type) -> Type | None:
        """What stands for `kind`, if anything."""
        return self._types.get(kind)

    def assign(self, wanted: Iterable[Type], given: Iterable[Type]) -> Mapping | None:
        """The mapping with which each of `wanted` fits its partner; None if there is none. It stays as it is itself."""
        trial = Mapping(dict(self._types))
        return trial if _all_assignable(trial, tuple(wanted), tuple(given)) else None


def substitute(mapping: Mapping, kind: Type, to_dyn: bool) -> Type:
    """`kind` with what the mapping knows put in; `to_dyn`: type variables that are left become `dyn`."""
    found = mapping.find(kind) if kind.kind == "param" else None
    if found is not None:
        return substitute(mapping, found, to_dyn)
    if kind.kind == "param":
        return DYN if to_dyn else kind
    if not kind.parameters or kind.kind not in ("opaque", "list", "map", "type"):
        return kind
    return Type(kind.kind, kind.name, tuple(substitute(mapping, each, to_dyn) for each in kind.parameters))


def most_general(first: Type, second: Type) -> Type:
    """The one of two types that says less."""
    return first if _less_specific(first, second) else second


def _less_specific(first: Type, second: Type) -> bool:
    if first.is_dyn or first.kind == "param":
        return True
    if second.is_dyn or second.kind == "param" or first.kind != second.kind:
        return False
    if first.kind == "type":
        return True
    if first.kind in ("opaque", "list", "map"):
        same = first.name == second.name and len(first.parameters) == len(second.parameters)
        return same and all(_less_specific(one, other) for one, other in zip(first.parameters, second.parameters, strict=True))
    return first == second


def _assignable(mapping: Mapping, first: Type, second: Type) -> bool:
    if second.kind == "param":
        valid, known = _substitutes(mapping, first, second)
        if valid or known:
            return valid
    if first.kind == "param":
        return _substitutes(mapping, second, first)[0]
    if first.is_dyn or second.is_dyn or ERROR in (first, second):
        return True
    if first.kind == "null":
        return second.kind in _NULLABLE or second.kind == "null"
    if second.kind == "null":
        return first.kind in _NULLABLE
    if first.kind == "type":
        return second.kind == "type"
    if first.kind != second.kind or first.name != second.name:
        return False
    return _all_assignable(mapping, first.parameters, second.parameters)


def _substitutes(mapping: Mapping, kind: Type, variable: Type) -> tuple[bool, bool]:
    """Whether `kind` may stand for the type variable, and whether something stands for it already."""
    if kind == variable:
        return True, True
    found = mapping.find(variable)
    if found is not None:
        if kind == found:
            return True, True
        if not _assignable(mapping, kind, found):
            return False, True
        general = most_general(kind, found)
        if _absent(mapping, variable, general):
            mapping.add(variable, general)
        return True, True
    if _absent(mapping, variable, kind):
        mapping.add(variable, kind)
        return True, False
    return False, False


def _all_assignable(mapping: Mapping, first: Sequence[Type], second: Sequence[Type]) -> bool:
    return len(first) == len(second) and all(_assignable(mapping, one, other) for one, other in zip(first, second, strict=True))


def _absent(mapping: Mapping, variable: Type, within: Type) -> bool:
    if variable == within:
        return False
    if within.kind == "param":
        found = mapping.find(within)
        return found is None or _absent(mapping, variable, found)
    return all(_absent(mapping, variable, each) for each in within.parameters)

"""Types of CEL: what they are, how they are read and written, and which fits which.

Source: github.com/google/cel-go/common/types/types.go and checker/types.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
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
    "names_of_parameters",
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
_ANYTHING = frozenset({"dyn", "any", "error"})
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


def names_of_parameters(kind: Type) -> Iterator[str]:
    """The names of the type parameters in a type, in order, perhaps more than once."""
    if kind.kind == "param":
        yield kind.name
    for each in kind.parameters:
        yield from names_of_parameters(each)


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
    """Which type stands for which type variable, by the variable's name."""

    __slots__ = ("_shared", "_types")

    def __init__(self, types: dict[str, Type] | None = None, *, shared: bool = False) -> None:
        self._types = types or {}
        self._shared = shared

    def add(self, variable: Type, kind: Type) -> None:
        """Lets `kind` stand for `variable`."""
        if self._shared:
            self._types, self._shared = dict(self._types), False
        self._types[variable.name] = kind

    def find(self, variable: Type) -> Type | None:
        """What stands for `variable`, if anything."""
        return self._types.get(variable.name)

    def assign(self, wanted: Iterable[Type], given: Iterable[Type]) -> Mapping | None:
        """The mapping with which each of `wanted` fits its partner; None if there is none. It stays as it is itself."""
        trial = Mapping(self._types, shared=True)
        return trial if _all_assignable(trial, tuple(wanted), tuple(given)) else None


def substitute(mapping: Mapping, kind: Type, to_dyn: bool) -> Type:
    """`kind` with what the mapping knows put in; `to_dyn`: type variables that are left become `dyn`."""
    if kind.kind == "param":
        found = mapping.find(kind)
        if found is not None:
            return substitute(mapping, found, to_dyn)
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
    if first is second:
        return True
    one, other = first.kind, second.kind
    if other == "param":
        valid, known = _substitutes(mapping, first, second)
        if valid or known:
            return valid
    if one == "param":
        return _substitutes(mapping, second, first)[0]
    if one in _ANYTHING or other in _ANYTHING:
        return True
    if one == "null":
        return other in _NULLABLE or other == "null"
    if other == "null":
        return one in _NULLABLE
    if one == "type":
        return other == "type"
    if one != other or first.name != second.name:
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
    if len(first) != len(second):
        return False
    for one, other in zip(first, second, strict=True):  # noqa: SIM110, a generator takes twice as long
        if not _assignable(mapping, one, other):
            return False
    return True


def _absent(mapping: Mapping, variable: Type, within: Type) -> bool:
    if variable == within:
        return False
    if within.kind == "param":
        found = mapping.find(within)
        return found is None or _absent(mapping, variable, found)
    return all(_absent(mapping, variable, each) for each in within.parameters)

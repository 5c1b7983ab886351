"""What the API server checks of literal format strings with literal lists of arguments.

Source: `stringFormatValidator` of github.com/google/cel-go/ext/formatting.go.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from hostprocess.cel.checker import Checked
from hostprocess.cel.environment import Environment
from hostprocess.cel.nodes import Call, Const, ListLiteral, MapLiteral, Node
from hostprocess.cel.runtime import CelError
from hostprocess.cel.types import Type
from hostprocess.cel.values import Duration, Opaque, Optional, Timestamp, TypeValue, Uint

__all__ = ["format_errors"]

_CLAUSE = re.compile(r"%(?:%|(\.[0-9]*)?(.)?)", re.DOTALL)
_EXAMPLES: dict[str, Any] = {
    "bool": True,
    "bytes": b"",
    "double": 0.0,
    "duration": Duration(0),
    "int": 0,
    "list": [],
    "map": {},
    "null": None,
    "string": "",
    "timestamp": Timestamp(0),
    "type": TypeValue("int"),
    "uint": Uint(0),
}


class _Other(Opaque):
    def __init__(self, name: str) -> None:
        self.type_name = name  # type: ignore[misc]


def format_errors(node: Call, checked: Checked, environment: Environment) -> Iterator[tuple[int, str]]:
    """The errors of one call of `format`: pairs of node and message."""
    if not isinstance(node.target, Const) or not isinstance(node.target.value, str) or len(node.arguments) != 1:
        return
    (listed,) = node.arguments
    if not isinstance(listed, ListLiteral):
        return
    implementation = environment.functions["format"][0].implementation
    assert implementation is not None
    used = 0
    for clause in _CLAUSE.finditer(node.target.value):
        if clause[0] == "%%":
            continue
        if clause[0] == "%":
            yield node.id, "unexpected end of string"
            return
        if used >= len(listed.elements):
            yield node.id, f"index {used} out of range"
            return
        bad = _bad(clause, listed.elements[used], node.id, checked, implementation)
        if bad is not None:
            yield bad
            return
        used += 1
    if len(listed.elements) > used:
        yield node.id, f"too many arguments supplied to string.format (expected {used}, got {len(listed.elements)})"


def _bad(clause: re.Match[str], argument: Node, call: int, checked: Checked, implementation: Callable[..., Any]) -> tuple[int, str] | None:
    if clause[2] is None or clause[2] not in "sdfebxXo" or clause[1] == ".":
        result = implementation(clause[0], [""])
        return (call, result.message) if isinstance(result, CelError) else None
    for node in _parts(argument) if clause[2] == "s" else (argument,):
        kind = checked.types[node.id]
        if kind.kind in ("dyn", "param") or (kind.kind == "string" and clause[2] in "fe"):
            continue
        result = implementation(f"%{clause[1] or ''}{clause[2]}", [_example(kind)])
        if isinstance(result, CelError):
            return node.id, result.message
    return None


def _parts(node: Node) -> Iterator[Node]:
    """A node, and what stands in it as far as it is a literal list or map."""
    yield node
    if isinstance(node, ListLiteral):
        for element in node.elements:
            yield from _parts(element)
    elif isinstance(node, MapLiteral):
        for entry in node.entries:
            for part in (entry.key, entry.value):
                if not isinstance(part, str):
                    yield from _parts(part)


def _example(kind: Type) -> Any:
    if kind.is_optional:
        return Optional()
    return _EXAMPLES[kind.kind] if kind.kind in _EXAMPLES else _Other(kind.name)

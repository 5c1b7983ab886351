"""What the API server checks of literals once the types are right, from 1.29 on.

Source: github.com/google/cel-go/cel/validator.go and the format validator of ext/strings.go.
"""

from __future__ import annotations

from collections.abc import Iterator

import re2  # type: ignore[import-untyped]

from hostprocess.cel.checker import Checked
from hostprocess.cel.conversions import to_duration, to_timestamp
from hostprocess.cel.environment import Environment
from hostprocess.cel.formats import format_errors
from hostprocess.cel.nodes import Call, Const, ListLiteral, MapLiteral, Node, children
from hostprocess.cel.runtime import CelError
from hostprocess.cel.types import Type, display

__all__ = ["literal_errors"]

# An optional element of type dyn makes cel-go panic, so that no API server ever stores such an expression.
_PANIC = "panic: runtime error: index out of range [0] with length 0"
_QUIET = re2.Options()
_QUIET.log_errors = False
_FORMAT_VALIDATOR = 31  # came with cel-go 0.20


def literal_errors(checked: Checked, environment: Environment) -> list[tuple[int, str]]:
    """Pairs of node and message: homogeneous literals in every release; durations, timestamps, patterns from 1.29 on, formats from 1.31 on."""
    nodes: list[tuple[Node, bool]] = []
    _collect(nodes, checked.root, False, environment.minor >= _FORMAT_VALIDATOR)
    errors: list[tuple[int, str]] = []
    for node, exempt in nodes:
        if isinstance(node, ListLiteral) and not exempt:
            errors += _list_errors(node, checked)
    for node, exempt in nodes:
        if isinstance(node, MapLiteral) and not exempt:
            errors += _map_errors(node, checked)
    if not environment.validators:
        return errors
    for function, wrong in (("duration", _wrong_duration), ("timestamp", _wrong_timestamp), ("matches", _wrong_pattern)):
        for node, _ in nodes:
            if isinstance(node, Call) and checked.references[node.id].name == function and node.arguments:
                first = node.arguments[0]
                if isinstance(first, Const) and wrong(first.value):
                    errors.append((first.id, f"invalid {function} argument"))
    for node, _ in nodes if environment.minor >= _FORMAT_VALIDATOR else ():
        if isinstance(node, Call) and node.function == "format" and node.target is not None:
            errors += format_errors(node, checked, environment)
    return errors


def _collect(found: list[tuple[Node, bool]], node: Node, exempt: bool, inherited: bool) -> None:
    """Finds every node, and whether it stands in a call of `format`, where lists may hold anything; `inherited`: in other calls there too."""
    found.append((node, exempt))
    passed_on = inherited or isinstance(node, ListLiteral | MapLiteral)
    exempt = (exempt and passed_on) or (isinstance(node, Call) and node.function == "format")
    for child in children(node):
        _collect(found, child, exempt, inherited)


def _wrong_duration(value: object) -> bool:
    return isinstance(value, str | int) and isinstance(to_duration(value), CelError)


def _wrong_timestamp(value: object) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool) and isinstance(to_timestamp(value), CelError)


def _wrong_pattern(value: object) -> bool:
    try:
        re2.compile(value, options=_QUIET)
    except re2.error:
        return True
    return False


def _list_errors(node: ListLiteral, checked: Checked) -> Iterator[tuple[int, str]]:
    wanted: Type | None = None
    for index, element in enumerate(node.elements):
        kind = checked.types[element.id]
        if index in node.optional:
            if not kind.parameters:
                yield element.id, _PANIC
                return
            kind = kind.parameters[0]
        if wanted is None:
            wanted = kind
        elif wanted != kind:
            yield element.id, _mismatch(wanted, kind)
            return


def _map_errors(node: MapLiteral, checked: Checked) -> Iterator[tuple[int, str]]:
    wanted: tuple[Type, Type] | None = None
    for entry in node.entries:
        assert not isinstance(entry.key, str)
        key, value = checked.types[entry.key.id], checked.types[entry.value.id]
        if entry.optional:
            if not value.parameters:
                yield entry.value.id, _PANIC
                return
            value = value.parameters[0]
        if wanted is None:
            wanted = key, value
            continue
        if wanted[0] != key:
            yield entry.key.id, _mismatch(wanted[0], key)
        if wanted[1] != value:
            yield entry.value.id, _mismatch(wanted[1], value)


def _mismatch(wanted: Type, found: Type) -> str:
    return f"expected type '{display(wanted)}' but found '{display(found)}'"

"""What of its inputs an expression can depend on: where two requests have the same there, it gives the same value."""

from __future__ import annotations

import marshal
from collections.abc import Iterator
from typing import Any

from hostprocess.cel.checker import Checked
from hostprocess.cel.nodes import Comprehension, Ident, Node, Select, children
from hostprocess.cel.runtime import CelError
from hostprocess.model import Unknown

__all__ = ["Path", "footprint", "seen_at"]

Path = tuple[str, ...]
"""An input, or `variables` and the name of one, and the fields that are read of it."""
_INPUTS = frozenset({"object", "oldObject", "request", "params", "namespaceObject"})
_NO_REFERENCES = 2  # the version of marshal in which equal values have equal bytes


class _Anything(Exception):
    """The expression depends on what cannot be told by paths."""


def footprint(checked: Checked) -> tuple[Path, ...] | None:
    """The paths that an expression reads, none of them within another; None where paths do not tell all."""
    try:
        found = sorted(set(_read(checked, checked.root, frozenset())))
    except _Anything:
        return None
    return tuple(path for path in found if not any(path[:length] in found for length in range(1, len(path))))


def _read(checked: Checked, node: Node, bound: frozenset[str]) -> Iterator[Path]:
    fields: list[str] = []
    while isinstance(node, Select) and node.id not in checked.references:
        fields.append(node.field)
        node = node.operand
    if isinstance(node, Ident | Select):
        name, kind = checked.references[node.id], checked.types[node.id]
        if kind.kind == "type" or (name.name in bound and not name.outer):
            return
        path = (name.name, *reversed(fields))
        if name.name not in _INPUTS and not (name.name == "variables" and fields):
            raise _Anything
        yield path
    elif isinstance(node, Comprehension):
        for outside in (node.iter_range, node.accu_init):
            yield from _read(checked, outside, bound)
        within = bound | {node.accu_var}
        for inside in (node.condition, node.step):
            yield from _read(checked, inside, within | {node.iter_var, node.iter_var2})
        yield from _read(checked, node.result, within)
    else:
        for child in children(node):
            yield from _read(checked, child, bound)


def seen_at(value: Any, fields: Path) -> bytes | None:
    """What is found at the fields of a value, as bytes that are equal where it is the same; None where that cannot be told."""
    for depth, field in enumerate(fields):
        if value.__class__ is not dict or field not in value:
            # How far it goes, and what is in the way, decides what comes of reading on.
            return _written((depth,) if value.__class__ is dict else (depth, _plain(value)))
        value = value[field]
    return _written(_plain(value))


def _plain(value: Any) -> Any:
    if isinstance(value, CelError):
        return ("error", value.message, value.missing, value.kind)
    return ("unknown", type(value).__name__, value.what) if isinstance(value, Unknown) else value


def _written(value: Any) -> bytes | None:
    try:
        return marshal.dumps(value, _NO_REFERENCES)
    except ValueError:
        return None  # something in it is no plain data

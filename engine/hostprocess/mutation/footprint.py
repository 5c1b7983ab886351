"""What of its inputs an expression can depend on: where two requests have the same there, it gives the same value."""

from __future__ import annotations

import marshal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hostprocess.cel.attributes import FAILED
from hostprocess.cel.checker import Checked
from hostprocess.cel.nodes import Comprehension, Ident, ListLiteral, Node, Select, children
from hostprocess.cel.runtime import CelError
from hostprocess.model import Unknown

__all__ = ["Path", "Read", "footprint", "seen_at"]

Path = tuple[str, ...]
"""An input, or `variables` and the name of one, and the fields that are read of it.

`*` is each element of a list; `?` at the end means that only whether the field is there counts.
"""
_INPUTS = frozenset({"object", "oldObject", "request", "params", "namespaceObject"})
_EACH, _PRESENT = "*", "?"
_NO_REFERENCES = 2  # the version of marshal in which equal values have equal bytes
_ABSENT = Unknown("an input that is not there")
_Bound = Mapping[str, Path | None]
"""Where the value of a variable of a comprehension lies; None if it was made on the way, out of what is read there."""


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """A path that programs read; `variable` is what they compiled of the variable, None where it begins with an input."""

    path: Path
    variable: Any

    def seen(self, activation: Any) -> bytes | None:
        """See `seen_at`."""
        if self.path[0] != "variables":
            return seen_at(activation.inputs.get(self.path[0], _ABSENT), self.path[1:])
        return None if self.variable is None else seen_at(self.variable.value(activation), self.path[2:])


class _AnythingError(Exception):
    """The expression depends on what cannot be told by paths."""


def footprint(checked: Checked) -> tuple[Path, ...] | None:
    """The paths that an expression reads, none of them within another; None where paths do not tell all."""
    try:
        found = sorted(set(_read(checked, checked.root, {})))
    except _AnythingError:
        return None
    return tuple(path for path in found if not any(path[:length] in found for length in range(1, len(path))))


def _read(checked: Checked, node: Node, bound: _Bound) -> Iterator[Path]:
    base, path = _path(checked, node, bound)
    if path is not None:
        yield path
    elif isinstance(base, Comprehension):
        element = None if base.iter_var2 else _element(checked, base.iter_range, bound)
        inside = {**bound, base.iter_var: element, base.accu_var: None, **({base.iter_var2: None} if base.iter_var2 else {})}
        within = [*_read(checked, base.condition, inside), *_read(checked, base.step, inside)]
        if element is None or not any(one[: len(element)] == element for one in within):
            yield from _read(checked, base.iter_range, bound)
        yield from within
        yield from _read(checked, base.accu_init, bound)
        yield from _read(checked, base.result, {**bound, base.accu_var: None})
    else:
        for child in children(base):
            yield from _read(checked, child, bound)


def _element(checked: Checked, ranged: Node, bound: _Bound) -> Path | None:
    """Where that lies which a comprehension goes over: a list, or the only element of one that is written out to give it a name."""
    if isinstance(ranged, ListLiteral) and len(ranged.elements) == 1 and not ranged.optional:
        return _path(checked, ranged.elements[0], bound)[1]
    place = _path(checked, ranged, bound)[1]
    return None if place is None or place[-1] == _PRESENT else (*place, _EACH)


def _path(checked: Checked, node: Node, bound: _Bound) -> tuple[Node, Path | None]:
    """What lies below the fields that a node selects, and the path if that is a name; a name whose value was made on the way reads nothing more."""
    fields: list[str] = []
    while isinstance(node, Select) and node.id not in checked.references:
        fields += [_PRESENT, node.field] if node.test_only else [node.field]
        node = node.operand
    if not isinstance(node, Ident | Select):
        return node, None
    name, kind = checked.references[node.id], checked.types[node.id]
    if kind.kind == "type":
        return node, None
    if name.name in bound and not name.outer:
        place = bound[name.name]
        return node, None if place is None else (*place, *reversed(fields))
    if name.name not in _INPUTS and not (name.name == "variables" and fields):
        raise _AnythingError
    return node, (name.name, *reversed(fields))


def seen_at(value: Any, fields: Path) -> bytes | None:
    """What is found at the fields of a value, as bytes that are equal where it is the same; None where that cannot be told."""
    try:
        return marshal.dumps(_seen(value, fields), _NO_REFERENCES)
    except ValueError:
        return None  # something in it is no plain data


def _seen(value: Any, fields: Path) -> Any:
    for depth, field in enumerate(fields):
        kind = value.__class__
        if field == _PRESENT:
            return _plain(value) if isinstance(value, FAILED) else ("present",)
        if field == _EACH and kind is list:
            return ("each", [_seen(one, fields[depth + 1 :]) for one in value])
        if field == _EACH and kind is dict:
            return ("keys", list(value))
        if kind is not dict or field not in value:
            # How far it goes, and what is in the way, decides what comes of reading on.
            return (depth,) if kind is dict else (depth, _plain(value))
        value = value[field]
    return _plain(value)


def _plain(value: Any) -> Any:
    if isinstance(value, CelError):
        return ("error", value.message, value.missing, value.kind)
    return ("unknown", type(value).__name__, value.what) if isinstance(value, Unknown) else value

"""The parsed tree of an expression: frozen nodes, and their decoding from what cel-expr-python serializes.

A small reader of the protobuf wire format is enough: `cel.expr.ParsedExpr` in a `google.protobuf.Any`. Source: google/cel-spec,
proto/cel/expr/syntax.proto; protobuf's encoding guide.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from hostprocess.cel.values import Uint

__all__ = ["Call", "Comprehension", "Const", "Entry", "Ident", "ListLiteral", "MapLiteral", "Node", "Select", "Struct", "children", "decode"]


@dataclass(frozen=True, slots=True)
class Const:
    """A literal."""

    id: int
    value: Any


@dataclass(frozen=True, slots=True)
class Ident:
    """A name."""

    id: int
    name: str


@dataclass(frozen=True, slots=True)
class Select:
    """`operand.field`; `test_only` for `has(operand.field)`."""

    id: int
    operand: Node
    field: str
    test_only: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a function, an operator or, with a target, a member function."""

    id: int
    function: str
    arguments: tuple[Node, ...]
    target: Node | None = None


@dataclass(frozen=True, slots=True)
class ListLiteral:
    """`[a, ?b]`; `optional` are the positions with a question mark."""

    id: int
    elements: tuple[Node, ...]
    optional: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Entry:
    """`key: value` in a map, or `field: value` in a message, where `key` is the name."""

    id: int
    key: Node | str
    value: Node
    optional: bool = False


@dataclass(frozen=True, slots=True)
class MapLiteral:
    """`{key: value}`."""

    id: int
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Struct:
    """`type_name{field: value}`."""

    id: int
    type_name: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Comprehension:
    """What a macro such as `all` or `map` expands to."""

    id: int
    iter_var: str
    iter_range: Node
    accu_var: str
    accu_init: Node
    condition: Node
    step: Node
    result: Node
    iter_var2: str = ""


Node = Const | Ident | Select | Call | ListLiteral | MapLiteral | Struct | Comprehension


def children(node: Node) -> tuple[Node, ...]:
    """The nodes right below a node, in the order of evaluation."""
    if isinstance(node, Select):
        return (node.operand,)
    if isinstance(node, Call):
        return node.arguments if node.target is None else (node.target, *node.arguments)
    if isinstance(node, ListLiteral):
        return node.elements
    if isinstance(node, MapLiteral | Struct):
        return tuple(part for entry in node.entries for part in (entry.key, entry.value) if not isinstance(part, str))
    if isinstance(node, Comprehension):
        return (node.iter_range, node.accu_init, node.condition, node.step, node.result)
    return ()


# The keys of fields by number: of those that have a length, and of numbers. No number is above 15, so that each key is one byte.
_L1, _L2, _L3, _L4, _L5, _L6, _L7, _L8 = range(0x0A, 0x4A, 8)
_N1, _N2, _N3, _N4, _N5 = range(0x08, 0x30, 8)
_DOUBLE = 0x29
_LENGTH, _FIXED_64 = 2, 1  # the last three bits of keys
_ZERO = (0, 0)


def decode(serialized: bytes) -> tuple[Node, dict[int, int]]:
    """The tree, and where each node begins in the source, in code points. `serialized` comes from `Expression.serialize()`, parsed only."""
    start, end = _fields(serialized, 0, len(serialized))[_L2]
    parsed = _fields(serialized, start, end)
    return _node(serialized, *parsed[_L2]), _positions(serialized, *parsed[_L3])


def _fields(data: bytes, at: int, end: int) -> dict[int, tuple[int, int]]:
    """The fields of a message, the last of each key: where its value begins and ends; of a number, itself and 0."""
    found = {}
    while at < end:
        key, value, at = _field(data, at)
        found[key] = (value, at if key & 7 else 0)
    return found


def _field(data: bytes, at: int) -> tuple[int, int, int]:
    """The key of a field, its number or where its value begins, and where the field ends."""
    key, value = data[at], data[at + 1]
    wire = key & 7
    if wire == _FIXED_64:
        return key, at + 1, at + 9
    at += 2
    if value >= 0x80:
        value, at = _varint(data, at - 1)
    return (key, at, at + value) if wire == _LENGTH else (key, value, at)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    result = shift = 0
    while True:
        byte = data[at]
        at += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result, at
        shift += 7


def _positions(data: bytes, at: int, end: int) -> dict[int, int]:
    positions = {}
    while at < end:
        key, value, at = _field(data, at)
        if key != _L4:
            continue
        if data[value] == _N1 and data[value + 1] < 0x80 and data[value + 2] == _N2:  # a node of a small number, as most are
            positions[data[value + 1]] = data[value + 3] if at - value == 4 else _varint(data, value + 3)[0]
        else:
            entry = _fields(data, value, at)
            positions[entry.get(_N1, _ZERO)[0]] = entry.get(_N2, _ZERO)[0]
    return positions


def _text(data: bytes, at: int, end: int) -> str:
    return data[at:end].decode("utf-8", "replace")


def _inside(data: bytes, at: int) -> int:
    """Where the value of the field at `at` begins, which has a length."""
    return at + 2 if data[at + 1] < 0x80 else _varint(data, at + 1)[1]


def _node(data: bytes, at: int, end: int) -> Node:
    identity = 0
    if data[at] == _N2:
        identity = data[at + 1]
        at += 2
        if identity >= 0x80:
            identity, at = _varint(data, at - 1)
    kind = data[at]
    at = _inside(data, at)
    if kind == _L4:
        return Ident(identity, _text(data, _inside(data, at), end))
    if kind == _L6:
        return _call(identity, data, at, end)
    if kind == _L3:
        return Const(identity, _constant(data, at, end))
    if kind == _L7:
        return _list(identity, data, at, end)
    if kind == _L8:
        return _struct(identity, data, at, end)
    fields = _fields(data, at, end)
    if kind == _L5:
        return Select(identity, _node(data, *fields[_L1]), _text(data, *fields[_L2]), bool(fields.get(_N3, _ZERO)[0]))
    return _comprehension(identity, data, fields)


def _constant(data: bytes, at: int, end: int) -> Any:
    if at == end:
        return None
    key, value, end = _field(data, at)
    if key == _N2:
        return bool(value)
    if key == _N3:
        return value - (1 << 64) if value >> 63 else value
    if key == _N4:
        return Uint(value)
    if key == _DOUBLE:
        return struct.unpack_from("<d", data, value)[0]
    if key == _L6:
        return _text(data, value, end)
    return data[value:end] if key == _L7 else None


def _call(identity: int, data: bytes, at: int, end: int) -> Call:
    target: Node | None = None
    function = ""
    arguments = []
    while at < end:
        key, value, at = _field(data, at)
        if key == _L3:
            arguments.append(_node(data, value, at))
        elif key == _L2:
            function = _text(data, value, at)
        else:
            target = _node(data, value, at)
    return Call(identity, function, tuple(arguments), target)


def _list(identity: int, data: bytes, at: int, end: int) -> ListLiteral:
    elements = []
    optional: set[int] = set()
    while at < end:
        key, value, at = _field(data, at)
        if key == _L1:
            elements.append(_node(data, value, at))
        elif key & 7 == 0:
            optional.add(value)
        else:  # packed
            while value < at:
                index, value = _varint(data, value)
                optional.add(index)
    return ListLiteral(identity, tuple(elements), frozenset(optional))


def _struct(identity: int, data: bytes, at: int, end: int) -> MapLiteral | Struct:
    name = ""
    entries = []
    while at < end:
        key, value, at = _field(data, at)
        if key == _L1:
            name = _text(data, value, at)
        elif key == _L2:
            entry = _fields(data, value, at)
            named: Node | str = _text(data, *entry[_L2]) if _L2 in entry else _node(data, *entry[_L3])
            entries.append(Entry(entry.get(_N1, _ZERO)[0], named, _node(data, *entry[_L4]), bool(entry.get(_N5, _ZERO)[0])))
    return Struct(identity, name, tuple(entries)) if name else MapLiteral(identity, tuple(entries))


def _comprehension(identity: int, data: bytes, fields: dict[int, tuple[int, int]]) -> Comprehension:
    return Comprehension(
        identity,
        iter_var=_text(data, *fields[_L1]),
        iter_range=_node(data, *fields[_L2]),
        accu_var=_text(data, *fields[_L3]),
        accu_init=_node(data, *fields[_L4]),
        condition=_node(data, *fields[_L5]),
        step=_node(data, *fields[_L6]),
        result=_node(data, *fields[_L7]),
        iter_var2=_text(data, *fields.get(_L8, _ZERO)),
    )

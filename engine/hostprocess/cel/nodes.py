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


def decode(serialized: bytes) -> tuple[Node, dict[int, int]]:
    """The tree, and where each node begins in the source, in code points. `serialized` comes from `Expression.serialize()`, parsed only."""
    parsed = _message(_message(serialized)[2])
    positions = {}
    for field, entry in _fields(parsed.get(3, b"")):
        if field == 4:
            pair = _message(entry)
            positions[pair.get(1, 0)] = pair.get(2, 0)
    return _node(parsed[2]), positions


def _fields(data: bytes) -> list[tuple[int, Any]]:
    found = []
    at, end = 0, len(data)
    while at < end:
        key = data[at]  # most numbers are one byte; a call for each would take longer than all the rest
        at += 1
        if key >= 0x80:
            key, at = _varint(data, at - 1)
        wire = key & 7
        if wire == 0 or wire == 2:
            value: Any = data[at]
            at += 1
            if value >= 0x80:
                value, at = _varint(data, at - 1)
            if wire == 2:
                size = value
                value = data[at : at + size]
                at += size
        else:
            size = 8 if wire == 1 else 4
            value = data[at : at + size]
            at += size
        found.append((key >> 3, value))
    return found


def _varint(data: bytes, at: int) -> tuple[int, int]:
    result = shift = 0
    while True:
        byte = data[at]
        at += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result, at
        shift += 7


def _message(data: bytes) -> dict[int, Any]:
    return dict(_fields(data))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _node(data: bytes) -> Node:
    message = _message(data)
    identity = message.get(2, 0)
    if 3 in message:
        return Const(identity, _constant(message[3]))
    if 4 in message:
        return Ident(identity, _text(_message(message[4])[1]))
    if 5 in message:
        select = _message(message[5])
        return Select(identity, _node(select[1]), _text(select[2]), bool(select.get(3, 0)))
    if 6 in message:
        return _call(identity, message[6])
    if 7 in message:
        return _list(identity, message[7])
    if 8 in message:
        return _struct(identity, message[8])
    return _comprehension(identity, _message(message[9]))


def _constant(data: bytes) -> Any:
    for field, value in _fields(data):
        if field == 2:
            return bool(value)
        if field == 3:
            return value - (1 << 64) if value >> 63 else value
        if field == 4:
            return Uint(value)
        if field == 5:
            return struct.unpack("<d", value)[0]
        if field == 6:
            return _text(value)
        if field == 7:
            return value
    return None


def _call(identity: int, data: bytes) -> Call:
    target: Node | None = None
    function = ""
    arguments = []
    for field, value in _fields(data):
        if field == 1:
            target = _node(value)
        elif field == 2:
            function = _text(value)
        else:
            arguments.append(_node(value))
    return Call(identity, function, tuple(arguments), target)


def _list(identity: int, data: bytes) -> ListLiteral:
    elements = []
    optional: set[int] = set()
    for field, value in _fields(data):
        if field == 1:
            elements.append(_node(value))
        elif isinstance(value, int):
            optional.add(value)
        else:  # packed
            at = 0
            while at < len(value):
                index, at = _varint(value, at)
                optional.add(index)
    return ListLiteral(identity, tuple(elements), frozenset(optional))


def _struct(identity: int, data: bytes) -> MapLiteral | Struct:
    name = ""
    entries = []
    for field, value in _fields(data):
        if field == 1:
            name = _text(value)
        elif field == 2:
            entry = _message(value)
            key: Node | str = _text(entry[2]) if 2 in entry else _node(entry[3])
            entries.append(Entry(entry.get(1, 0), key, _node(entry[4]), bool(entry.get(5, 0))))
    return Struct(identity, name, tuple(entries)) if name else MapLiteral(identity, tuple(entries))


def _comprehension(identity: int, message: dict[int, Any]) -> Comprehension:
    return Comprehension(
        identity,
        iter_var=_text(message[1]),
        iter_range=_node(message[2]),
        accu_var=_text(message[3]),
        accu_init=_node(message[4]),
        condition=_node(message[5]),
        step=_node(message[6]),
        result=_node(message[7]),
        iter_var2=_text(message.get(8, b"")),
    )

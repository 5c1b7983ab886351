"""Whether two expressions are one tree after folding: then no object tells them apart."""

from __future__ import annotations

from typing import Any

from hostprocess.cel import parser
from hostprocess.cel.nodes import Call, Const, Entry, Ident, ListLiteral, MapLiteral, Node, Select, Struct

__all__ = ["same_tree"]

_NEUTRAL = {"_&&_": True, "_||_": False}


def same_tree(one: str, other: str) -> bool:
    """Whether both parse to the same tree, after folding."""
    try:
        first, second = parser.parse(one), parser.parse(other)
    except parser.TooDeep:
        return False
    return first is not None and second is not None and _folded(first[0]) == _folded(second[0])


def _folded(node: Node) -> Any:
    """The tree as nested tuples without places: chains are flat, constants that decide nothing are gone, what is negated twice is not."""
    if isinstance(node, Const):
        return ("const", type(node.value).__name__, node.value)
    if isinstance(node, Ident):
        return ("name", node.name)
    if isinstance(node, Select):
        return ("select", _folded(node.operand), node.field, node.test_only)
    if isinstance(node, Call):
        return _call(node)
    if isinstance(node, ListLiteral):
        return ("list", tuple(map(_folded, node.elements)), node.optional)
    if isinstance(node, MapLiteral | Struct):
        return ("map", getattr(node, "type_name", ""), tuple(map(_entry, node.entries)))
    return ("other", node)


def _entry(entry: Entry) -> Any:
    return (entry.key if isinstance(entry.key, str) else _folded(entry.key), _folded(entry.value), entry.optional)


def _call(node: Call) -> Any:
    name, arguments = node.function, tuple(map(_folded, node.arguments))
    if name in _NEUTRAL:
        parts = [part for one in arguments for part in (one[2] if one[:2] == ("chain", name) else (one,))]
        left = [one for one in parts if one != _constant(_NEUTRAL[name])]
        if not left:
            return _constant(_NEUTRAL[name])
        return left[0] if len(left) == 1 else ("chain", name, tuple(left))
    if name == "!_":
        (inner,) = arguments
        if inner[0] == "call" and inner[1] == "!_":
            return inner[2][0]
        return _constant(not inner[2]) if inner[:2] == ("const", "bool") else ("call", name, arguments, None)
    if name == "_?_:_":
        condition, then, otherwise = arguments
        if condition[:2] == ("const", "bool"):
            return then if condition[2] else otherwise
    return ("call", name, arguments, None if node.target is None else _folded(node.target))


def _constant(value: bool) -> Any:
    return ("const", "bool", value)

"""Calls that always fail because a literal does not parse, though the API server accepts them; and calls that may fail because of what they are given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hostprocess.cel.environment import environment
from hostprocess.cel.nodes import Call, Const, Node
from hostprocess.cel.runtime import CelError
from hostprocess.cel.types import Type
from hostprocess.policy_lint.tree import walk

__all__ = ["bad_literals", "may_fail"]

_CONVERSIONS = frozenset({"int", "uint", "double", "bool", "timestamp", "duration", "bytes"})
_PARSERS = frozenset({"quantity", "url", "ip", "cidr", "semver"})


def bad_literals(root: Node, minor: int) -> Iterator[tuple[int, str]]:
    """Pairs of node and message: literals that make the call fail whenever it is evaluated."""
    functions = environment(f"1.{minor}", True).functions
    for node in walk(root):
        if isinstance(node, Call) and node.target is None and node.function in _PARSERS and all(isinstance(one, Const) for one in node.arguments):
            values = [one.value for one in node.arguments if isinstance(one, Const)]
            for signature in functions.get(node.function, ()):
                if signature.implementation is not None and _fits(signature.arguments, values):
                    result = signature.implementation(*values)
                    if isinstance(result, CelError):
                        yield node.id, f"always fails: {result.message}"


def _fits(arguments: tuple[Type, ...], values: list[object]) -> bool:
    kinds = {str: "string", bool: "bool", int: "int"}
    return [kind.name for kind in arguments] == [kinds.get(type(value), "") for value in values]


def may_fail(root: Node, types: Mapping[int, Type]) -> Iterator[tuple[int, str]]:
    """Pairs of node and what it does: calls that depend on their values, apart from reads of fields."""
    for node in walk(root):
        if not isinstance(node, Call):
            continue
        first = types.get(node.arguments[0].id) if node.arguments else None
        if node.function == "_[_]" and first is not None and first.kind == "list":
            yield node.id, "reads an element of a list, which may be shorter"
        elif node.function in ("_/_", "_%_") and not _nonzero(node.arguments[1]):
            yield node.id, "divides by what may be zero"
        elif node.target is None and node.function in _PARSERS | _CONVERSIONS and not isinstance(node.arguments[0], Const):
            if node.function in _PARSERS or first is None or first.kind in ("string", "dyn"):
                yield node.id, f"calls {node.function}() with what may not parse"
        elif node.function == "value" and node.target is not None and not node.arguments:
            yield node.id, "takes the value of an optional, which may be none"


def _nonzero(node: Node) -> bool:
    return isinstance(node, Const) and node.value != 0

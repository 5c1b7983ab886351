"""What an expression comes to for objects of one kind: `object.kind == 'Pod'` is true or false then, and only one branch of a switch is left."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import re2  # type: ignore[import-untyped]

from hostprocess.cel.nodes import Call, Comprehension, Const, Ident, ListLiteral, Node, Select
from hostprocess.policy_lint.tree import path_of, rebuilt

__all__ = ["ANY_KIND", "NONE", "MatchedKind", "constant", "fold", "known_values", "without_nulls"]

NONE = "@none"
"""Stands for an optional that is none for the kind."""
_QUIET = re2.Options()
_QUIET.log_errors = False
_TEXT_TESTS = {"startsWith": str.startswith, "endsWith": str.endswith, "contains": str.__contains__}


@dataclass(frozen=True, slots=True, order=True)
class MatchedKind:
    """A kind that a policy is asked about, with the resource that leads to it."""

    group: str
    version: str
    kind: str
    resource: str = ""

    @property
    def api_version(self) -> str:
        """`apps/v1`."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def __str__(self) -> str:
        """As Go writes a GroupVersionKind."""
        return f"{self.group}/{self.version}, Kind={self.kind}"


ANY_KIND = MatchedKind("*", "*", "*")
"""Stands for all the kinds that a policy matches and that are not known."""


def known_values(kind: MatchedKind) -> dict[tuple[str, ...], Any]:
    """The fields whose values are known for a kind, by path."""
    values: dict[tuple[str, ...], Any] = {}
    if kind == ANY_KIND:
        return values
    for name in ("object", "oldObject"):
        values[name, "kind"] = kind.kind
        values[name, "apiVersion"] = kind.api_version
    for name in ("kind", "requestKind"):
        values |= {("request", name, "group"): kind.group, ("request", name, "version"): kind.version, ("request", name, "kind"): kind.kind}
    if kind.resource:
        for name in ("resource", "requestResource"):
            values |= {("request", name, "group"): kind.group, ("request", name, "version"): kind.version, ("request", name, "resource"): kind.resource}
    return values


def fold(node: Node, values: Mapping[tuple[str, ...], Any]) -> Node:
    """The tree with what is known put in, and without branches that are never taken. Nodes keep their ids."""
    path = path_of(node)
    if path is not None and path in values:
        known = values[path]
        return replace(known, id=node.id) if isinstance(known, ListLiteral) else Const(node.id, known)
    if isinstance(node, Select) and node.test_only and path_of(replace(node, test_only=False)) in values:
        return Const(node.id, True)
    node = rebuilt(node, lambda child: fold(child, values))
    if isinstance(node, Comprehension):
        return _unrolled(node)
    return _folded(node) if isinstance(node, Call) else node


def without_nulls(node: Node, null: Mapping[str, bool]) -> Node:
    """The tree with the questions answered that it asks of the names in `null`: whether they are null, and for fields if they are."""
    node = rebuilt(node, lambda child: without_nulls(child, null))
    if isinstance(node, Select) and node.test_only and null.get(_name(node.operand)):
        return Const(node.id, False)
    if not isinstance(node, Call):
        return node
    if node.function in ("_?._", "_[?_]") and null.get(_name(node.arguments[0])):
        return Ident(node.id, NONE)
    if node.function in ("_==_", "_!=_"):
        for one, other in (node.arguments, node.arguments[::-1]):
            name = _asked(one, other)
            if name in null:
                return Const(node.id, null[name] is (node.function == "_==_"))
    return node


def _asked(one: Node, other: Node) -> str:
    """The name that `one == other` asks for whether it is null."""
    if isinstance(other, Const) and other.value is None:
        return _name(one)
    return _name(one.arguments[0]) if isinstance(one, Call) and one.function == "type" and _name(other) == "null_type" else ""


def _name(node: Node) -> str:
    while isinstance(node, Call) and node.function == "dyn":
        node = node.arguments[0]
    return node.name if isinstance(node, Ident) else ""


def constant(node: Node) -> Any:
    """What may be put in for a variable that has come to this: the value of a literal, a list of literals, or None."""
    return node.value if isinstance(node, Const) else node if _is_constant_list(node) else None


def _is_constant_list(node: Node) -> bool:
    return isinstance(node, ListLiteral) and all(isinstance(one, Const) for one in node.elements)


def _unrolled(node: Comprehension) -> Node:
    """`['Deployment', 'Job'].all(kind, object.kind != kind)` is true or false for a kind."""
    if not isinstance(node.iter_range, ListLiteral) or not _is_constant_list(node.iter_range) or node.iter_var2:
        return node
    reached: Node = node.accu_init
    for element in node.iter_range.elements:
        if not isinstance(reached, Const):
            return node
        reached = fold(_with_names(node.step, {node.iter_var: element, node.accu_var: reached}), {})
    result = fold(_with_names(node.result, {node.accu_var: reached}), {})
    return Const(node.id, result.value) if isinstance(result, Const) else node


def _with_names(node: Node, names: Mapping[str, Node]) -> Node:
    if isinstance(node, Ident):
        return names.get(node.name, node)
    if isinstance(node, Comprehension):
        bound = {node.iter_var, node.iter_var2, node.accu_var}
        names = {name: value for name, value in names.items() if name not in bound}
    return rebuilt(node, lambda child: _with_names(child, names))


def _folded(node: Call) -> Node:
    arguments = node.arguments
    match node.function:
        case "_&&_" | "_||_":
            return _logical(node, node.function == "_||_")
        case "!_" if _is_bool(arguments[0]):
            return Const(node.id, not _value(arguments[0]))
        case "_?_:_" if _is_bool(arguments[0]):
            return arguments[1] if _value(arguments[0]) else arguments[2]
        case "_==_" | "_!=_" if all(isinstance(one, Const) for one in arguments):
            first, second = map(_value, arguments)
            if type(first) is type(second):
                return Const(node.id, (first == second) is (node.function == "_==_"))
        case "@in":
            return _member(node)
        case "hasValue" if _is_none(node.target):
            return Const(node.id, False)
        case "orValue" | "or" if _is_none(node.target):
            return arguments[0]
        case "_?._" | "_[?_]" if _is_none(arguments[0]):
            return Ident(node.id, NONE)
        case "startsWith" | "endsWith" | "contains" | "matches" if node.target is not None and len(arguments) == 1:
            return _text_test(node, node.target, arguments[0])
    return node


def _is_none(node: Node | None) -> bool:
    return isinstance(node, Ident) and node.name == NONE


def _logical(node: Call, deciding: bool) -> Node:
    """A false decides `&&` on either side, whatever the other comes to; a true decides `||`."""
    left, right = node.arguments
    if any(_is_bool(one) and _value(one) is deciding for one in (left, right)):
        return Const(node.id, deciding)
    if _is_bool(left):
        return right
    return left if _is_bool(right) else node


def _member(node: Call) -> Node:
    wanted, values = node.arguments
    if isinstance(wanted, Const) and isinstance(values, ListLiteral) and all(isinstance(one, Const) for one in values.elements):
        return Const(node.id, any(type(_value(one)) is type(wanted.value) and _value(one) == wanted.value for one in values.elements))
    return node


def _text_test(node: Call, target: Node, argument: Node) -> Node:
    text, other = _value(target), _value(argument)
    if not isinstance(text, str) or not isinstance(other, str):
        return node
    if node.function != "matches":
        return Const(node.id, _TEXT_TESTS[node.function](text, other))
    try:
        return Const(node.id, re2.search(other, text, options=_QUIET) is not None)
    except re2.error:
        return node


def _is_bool(node: Node) -> bool:
    return isinstance(node, Const) and isinstance(node.value, bool)


def _value(node: Node) -> Any:
    return node.value if isinstance(node, Const) else None

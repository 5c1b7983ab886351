"""The type check of one expression for one kind: the checker of the API server, with the types that objects have when they are evaluated.

The checker of cel-go would complain about much that works on the data it will meet: a struct compared with a map, two lists of containers of
different types joined, a field read by index. Such a complaint is met by rewriting the node and checking again; what is left is wrong.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from hostprocess.cel.checker import Checked, check
from hostprocess.cel.environment import Environment
from hostprocess.cel.nodes import Call, Const, Ident, ListLiteral, MapLiteral, Node, Select
from hostprocess.cel.types import BOOL, DYN, STRING, Type, list_of, map_of, optional_of
from hostprocess.policy_lint.narrowing import NONE, fold
from hostprocess.policy_lint.schemas import Field, Message, Schemas, field_types, message
from hostprocess.policy_lint.tree import rebuilt, walk

__all__ = ["Fault", "Outcome", "Types", "check_typed"]

_UNDEFINED = "undefined field '"
_OVERLOAD = "found no matching overload"
_ELEMENT = "expected type '"
_NO_BOOL = "expected type 'bool'"
_RANGE = "expression of type '"
_MAX_REPAIRS = 500


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong at a node. `field` is the undefined field, `known` the fields there are; `presence`: it was asked for, not read."""

    node: int
    message: str
    field: str = ""
    known: tuple[str, ...] = ()
    presence: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """The tree that is left for the kind, the types of its nodes and of those that were replaced, and the faults. `whole` is the tree before repairs."""

    root: Node
    whole: Node
    types: Mapping[int, Type]
    result: Type
    faults: tuple[Fault, ...]
    messages: Mapping[str, Message]


@dataclass
class Types:
    """What an expression may name, by its types: `declared` for names, `messages` for fields."""

    declared: dict[str, Type]
    schemas: Schemas
    values: dict[tuple[str, ...], Any]
    variables: dict[str, Field] = field(default_factory=dict)
    united: dict[str, Message] = field(default_factory=dict)


def check_typed(root: Node, environment: Environment, types: Types, present: frozenset[int] = frozenset()) -> Outcome:
    """Checks a tree for the kind that `types` are of. `present` are nodes that ask for a field which tells the kind from others: it is there."""
    return _Check(environment, types).run(fold(_known_present(root, present) if present else root, types.values))


def _known_present(node: Node, present: frozenset[int]) -> Node:
    if node.id in present and ((isinstance(node, Select) and node.test_only) or (isinstance(node, Call) and node.function == "@in")):
        return Const(node.id, True)
    return rebuilt(node, lambda child: _known_present(child, present))


class _Check:
    def __init__(self, environment: Environment, types: Types) -> None:
        self._environment = environment
        self._types = types
        self._messages: Mapping[str, Message] = ChainMap({"kubernetes.variables": types.variables}, types.united, types.schemas.messages)
        self._placeholders: dict[str, Type] = {}
        self._faults: dict[tuple[int, str], Fault] = {}

    def run(self, root: Node) -> Outcome:
        seen: dict[int, Type] = {}
        whole = root
        for _ in range(_MAX_REPAIRS):
            checked = self._checked(root)
            seen.update(checked.types)
            if not checked.errors:
                break
            node, text = checked.errors[0]
            repaired = self._repaired(root, checked, node, text)
            root = fold(repaired if repaired != root else _replaced(root, node, self._as(Const(node, None), DYN)), self._types.values)
        else:
            checked = Checked(root, {root.id: DYN}, {}, ())
        return Outcome(root, whole, seen, checked.types[root.id], tuple(self._faults.values()), self._messages)

    def _checked(self, root: Node) -> Checked:
        given = self._environment
        united = {name: field_types(one) for name, one in self._types.united.items()}
        fields = ChainMap({"kubernetes.variables": field_types(self._types.variables)}, united, dict(given.fields), self._types.schemas.field_types)
        identifiers = {**given.identifiers, **self._types.declared, **self._placeholders}
        if self._types.variables:
            identifiers["variables"] = message("kubernetes.variables")
        return check(root, replace(given, identifiers=identifiers, fields=fields))

    def _repaired(self, root: Node, checked: Checked, identity: int, text: str) -> Node:
        node = next(one for one in walk(root) if one.id == identity)
        return _replaced(root, identity, self._repair(node, checked, text))

    def _repair(self, node: Node, checked: Checked, text: str) -> Node:
        kinds = checked.types
        if text.startswith(_UNDEFINED):
            return self._undefined(node, kinds, text)
        if text.startswith(_OVERLOAD) and isinstance(node, Call):
            parts = [*([node.target] if node.target is not None else []), *node.arguments]
            if any(_has_struct(kinds[part.id]) for part in parts):
                return self._struct_call(node, parts, kinds)
        elif text.startswith(_RANGE) and _has_struct(kinds[node.id]):
            return self._as(node, map_of(STRING, DYN))
        elif text.startswith(_ELEMENT) and not text.startswith(_NO_BOOL) and (_has_struct(kinds.get(node.id, DYN)) or self._names_message(text)):
            return self._as(node, DYN)
        self._faults[node.id, text] = Fault(node.id, text)
        return self._as(node, DYN)

    def _names_message(self, text: str) -> bool:
        return any(f"'{name}'" in text or f"({name})" in text for name in self._messages)

    def _undefined(self, node: Node, kinds: Mapping[int, Type], text: str) -> Node:
        name = text.removeprefix(_UNDEFINED).removesuffix("'")
        operand = node.operand if isinstance(node, Select) else node.arguments[0] if isinstance(node, Call) else node
        owner = kinds.get(operand.id, DYN)
        owner = owner.parameters[0] if owner.is_optional else owner
        known = self._messages.get(owner.name) or self._environment.fields.get(owner.name) or {}
        presence = isinstance(node, Call) or (isinstance(node, Select) and node.test_only)
        self._faults[node.id, text] = Fault(node.id, text, name, tuple(known), presence)
        if isinstance(node, Select) and node.test_only:
            return Const(node.id, False)
        if isinstance(node, Call):
            self._placeholders[NONE] = optional_of(DYN)
            return Ident(node.id, NONE)
        return self._as(node, DYN)

    def _struct_call(self, node: Call, parts: list[Node], kinds: Mapping[int, Type]) -> Node:
        """A call with an argument that is a message for us and a map when it is evaluated."""
        first, last = parts[0], parts[-1]
        name = last.value if isinstance(last, Const) and isinstance(last.value, str) else ""
        target = kinds[first.id]
        match node.function:
            case "_[_]" if name and _is_struct(target):
                return Select(node.id, first, name)
            case "_[?_]" if name:
                return Call(node.id, "_?._", (first, last))
            case "@in" if isinstance(first, Const) and isinstance(first.value, str) and _is_struct(kinds[last.id]):
                return Select(node.id, last, first.value, test_only=True)
            case "_==_" | "_!=_":
                return self._as(node, BOOL)
            case "orValue" | "or" if target.is_optional:
                given = target.parameters[0]
                other = kinds[last.id].parameters[0] if kinds[last.id].is_optional else kinds[last.id]
                joined = self._join(given, other, last)
                return self._as(node, joined if node.function == "orValue" else optional_of(joined))
            case "_?_:_":
                return self._as(node, self._join(kinds[parts[1].id], kinds[last.id], last, parts[1]))
            case "_+_" if len(parts) == 2:
                return self._as(node, self._join(target, kinds[last.id], last, first))
        untyped = [self._as(part, DYN) if _has_struct(kinds[part.id]) else part for part in parts]
        if untyped == parts:
            return self._as(node, DYN)
        if node.target is None:
            return replace(node, arguments=tuple(untyped))
        return replace(node, target=untyped[0], arguments=tuple(untyped[1:]))

    def _join(self, first: Type, second: Type, *nodes: Node) -> Type:
        """A type for values of either type: an empty map or list fits anything, two messages have the fields of both."""
        for node, other in zip(nodes, (first, second), strict=False):
            if (isinstance(node, MapLiteral) and not node.entries) or (isinstance(node, ListLiteral) and not node.elements):
                return other
        return self._united(first, second)

    def _united(self, first: Type, second: Type) -> Type:
        if first == second:
            return first
        if first.kind == second.kind == "list":
            return list_of(self._united(first.parameters[0], second.parameters[0]))
        if _is_struct(first) and _is_struct(second):
            return self._union(first, second)
        return DYN

    def _union(self, first: Type, second: Type) -> Type:
        name = "|".join(dict.fromkeys([*first.name.split("|"), *second.name.split("|")]))
        if name not in self._messages:
            one, other = self._messages.get(first.name), self._messages.get(second.name)
            if one is None or other is None:
                return DYN
            self._types.united[name] = {}  # a message may hold itself
            self._types.united[name] = {
                key: Field(
                    self._united(one[key].type, other[key].type) if key in one and key in other else (one.get(key) or other[key]).type,
                    key in one and key in other and one[key].always and other[key].always,
                )
                for key in dict.fromkeys([*one, *other])
            }
        return message(name)

    def _as(self, node: Node, kind: Type) -> Node:
        """A name in the place of a node, of which nothing is known but the type."""
        name = f"@{kind}"
        self._placeholders[name] = kind
        return Ident(node.id, name)


def _replaced(node: Node, identity: int, by: Node) -> Node:
    return by if node.id == identity else rebuilt(node, lambda child: _replaced(child, identity, by))


def _is_struct(kind: Type) -> bool:
    return kind.kind == "struct" and not kind.name.startswith("kubernetes.")


def _has_struct(kind: Type) -> bool:
    return _is_struct(kind) or any(map(_has_struct, kind.parameters))

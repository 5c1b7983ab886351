"""Which reads of fields that may be absent are not guarded by `has()`, `in`, an optional or the like, so that they may fail.

A path is the way to a value as a tuple of names; a fact is a path that can be read without an error.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace

from hostprocess.cel.nodes import Call, Comprehension, Const, Ident, ListLiteral, MapLiteral, Node, Select, children
from hostprocess.cel.types import Type
from hostprocess.policy_lint.schemas import Message
from hostprocess.policy_lint.tree import walk

__all__ = ["Facts", "Read", "Situation", "asked_paths", "true_facts", "unguarded"]

Path = tuple[str, ...]
Facts = frozenset[Path]
_NOTHING: Facts = frozenset()
# The API server labels every Namespace.
_ALWAYS: Facts = frozenset({("namespaceObject", "metadata", "labels", "kubernetes.io/metadata.name")})


@dataclass(frozen=True, slots=True)
class Read:
    """A read that may fail: the node, and the path as it would be written; `null` is the name that is null then."""

    node: int
    path: str
    key: bool = False
    null: str = ""


@dataclass(frozen=True, slots=True)
class Situation:
    """What holds for the requests that are looked at: names that are null, and fields of `request` that may be absent."""

    null: frozenset[str] = frozenset()
    absent: frozenset[Path] = frozenset()


@dataclass(frozen=True, slots=True)
class Scope:
    """What names stand for: variables of comprehensions their own paths, variables of the policy their trees."""

    variables: Mapping[str, Node]
    names: Mapping[str, Path] = field(default_factory=dict)

    def with_name(self, name: str, path: Path) -> Scope:
        """The scope with one name more."""
        return Scope(self.variables, {**self.names, name: path})


def unguarded(
    root: Node, types: Mapping[int, Type], messages: Mapping[str, Message], variables: Mapping[str, Node], facts: Facts, situation: Situation
) -> list[Read]:
    """The reads that may fail although `facts` hold."""
    walker = _Walker(types, messages, situation)
    walker.walk(root, facts, Scope(variables))
    return walker.found


def true_facts(node: Node, variables: Mapping[str, Node]) -> Facts:
    """What can be read once an expression has come to true."""
    return _facts(node, True, Scope(variables))


def asked_paths(root: Node, nodes: Set[int], variables: Mapping[str, Node]) -> Facts:
    """The paths that `has()` at these nodes asks for."""
    scope = Scope(variables)
    asked = (replace(node, test_only=False) for node in walk(root) if node.id in nodes and isinstance(node, Select) and node.test_only)
    return frozenset(path for node in asked if (path := _path(node, scope)))


class _Walker:
    def __init__(self, types: Mapping[int, Type], messages: Mapping[str, Message], situation: Situation) -> None:
        self._types = types
        self._messages = messages
        self._situation = situation
        self.found: list[Read] = []

    def walk(self, node: Node, facts: Facts, scope: Scope) -> None:
        if isinstance(node, Select):
            self.walk(node.operand, facts, scope)
            if not node.test_only:
                self._read(node, node.operand, node.field, facts, scope)
        elif isinstance(node, Comprehension):
            self._comprehension(node, facts, scope)
        elif isinstance(node, Call) and node.function in ("_&&_", "_||_"):
            # An error on one side does not count when the other side decides; so either side may rely on what the other found.
            truth = node.function == "_&&_"
            left, right = node.arguments
            self.walk(left, facts | _facts(right, truth, scope, asked=True), scope)
            self.walk(right, facts | _facts(left, truth, scope), scope)
        elif isinstance(node, Call) and node.function == "_?_:_":
            condition, first, second = node.arguments
            self.walk(condition, facts, scope)
            self.walk(first, facts | _facts(condition, True, scope), scope)
            self.walk(second, facts | _facts(condition, False, scope), scope)
        else:
            for child in children(node):
                self.walk(child, facts, scope)
            key = _index_key(node)
            if key is not None and isinstance(node, Call):
                self._read(node, node.arguments[0], key, facts, scope)

    def _read(self, node: Node, operand: Node, name: str, facts: Facts, scope: Scope) -> None:
        path = _path(node, scope)
        if path and (path[:-1] in {(null,) for null in self._situation.null}):
            self.found.append(Read(node.id, _shown(path), null=path[0]))
            return
        if path in self._situation.absent and path not in facts:
            self.found.append(Read(node.id, _shown(path)))
            return
        kind = self._types.get(operand.id)
        if path is None or kind is None or path in facts or path in _ALWAYS or _in_literal(operand, name, scope):
            return
        fields = self._messages.get(kind.name) if kind.kind == "struct" else None
        may_be_absent = name in fields and not fields[name].always if fields else kind.kind == "map"
        if may_be_absent and not any(one.node == operand.id for one in self.found):
            self.found.append(Read(node.id, _shown(path), kind.kind == "map"))

    def _comprehension(self, node: Comprehension, facts: Facts, scope: Scope) -> None:
        self.walk(node.iter_range, facts, scope)
        self.walk(node.accu_init, facts, scope)
        element = (f"{node.iter_var}#{node.id}",)
        inner = scope.with_name(node.iter_var, element)
        if node.iter_var2:
            element = (f"{node.iter_var2}#{node.id}",)
            inner = inner.with_name(node.iter_var2, element)
        bound = _path(node.accu_init, scope)
        inner = inner.with_name(node.accu_var, bound or (f"{node.accu_var}#{node.id}",))
        known = facts | _element_facts(node.iter_range, element, scope)
        self.walk(node.step, known, inner)
        self.walk(node.result, facts, inner)


def _in_literal(operand: Node, name: str, scope: Scope) -> bool:
    """Whether a key is read from a map whose literal has it."""
    tree: Node | None = operand
    if isinstance(operand, Select) and isinstance(operand.operand, Ident) and operand.operand.name == "variables":
        tree = scope.variables.get(operand.field)
    return isinstance(tree, MapLiteral) and any(isinstance(one.key, Const) and one.key.value == name for one in tree.entries)


def _index_key(node: Node) -> str | None:
    if isinstance(node, Call) and node.function == "_[_]":
        key = node.arguments[1]
        if isinstance(key, Const) and isinstance(key.value, str):
            return key.value
    return None


def _path(node: Node, scope: Scope) -> Path | None:
    if isinstance(node, Ident):
        return scope.names.get(node.name) or (None if node.name.startswith("@") else (node.name,))
    if isinstance(node, Select):
        if isinstance(node.operand, Ident) and node.operand.name == "variables" and "variables" not in scope.names:
            tree = scope.variables.get(node.field)
            return (tree is not None and _path(tree, Scope(scope.variables))) or ("variables", node.field)
        operand = _path(node.operand, scope)
        return (*operand, node.field) if operand else None
    key = _index_key(node)
    if key is not None and isinstance(node, Call):
        operand = _path(node.arguments[0], scope)
        return (*operand, key) if operand else None
    if isinstance(node, Call) and node.function == "_?._":
        operand, name = _path(node.arguments[0], scope), node.arguments[1]
        return (*operand, str(name.value)) if operand and isinstance(name, Const) else None
    return None


def _prefixes(path: Path) -> Facts:
    return frozenset(path[:length] for length in range(1, len(path) + 1))


def _facts(node: Node, truth: bool, scope: Scope, *, asked: bool = False) -> Facts:
    """What can be read once the node has come to `truth`. `asked`: only that without which the node would come to the opposite, not to an error."""
    if isinstance(node, Select) and node.test_only:
        operand = _path(node.operand, scope)
        if asked:
            return frozenset({(*operand, node.field)}) if operand and truth else _NOTHING
        return (_prefixes((*operand, node.field)) if truth else _prefixes(operand)) if operand else _NOTHING
    if isinstance(node, Select) and isinstance(node.operand, Ident) and node.operand.name == "variables":
        tree = scope.variables.get(node.field)
        return _facts(tree, truth, Scope(scope.variables), asked=asked) if tree is not None else _NOTHING
    if not isinstance(node, Call):
        return _NOTHING if asked else _reads(node, scope)
    match node.function:
        case "!_":
            return _facts(node.arguments[0], not truth, scope, asked=asked)
        case "_&&_" | "_||_":
            left, right = (_facts(one, truth, scope, asked=asked) for one in node.arguments)
            return left | right if (node.function == "_&&_") is truth else left & right
        case "_?_:_":
            return _NOTHING if asked else _choice_facts(node, truth, scope)
        case "hasValue" if node.target is not None and truth:
            path = _path(node.target, scope)
            return (frozenset({path}) if asked else _prefixes(path)) if path else _NOTHING
        case "@in" if truth:
            key, container = node.arguments
            path = _path(container, scope)
            if path and isinstance(key, Const) and isinstance(key.value, str):
                return frozenset({(*path, key.value)}) if asked else _prefixes((*path, key.value))
        case "_==_" | "_!=_":
            if (bools := _compared(node, truth)) is not None:
                return _facts(*bools, scope, asked=asked)
    return _NOTHING if asked else _reads(node, scope)


def _compared(node: Call, truth: bool) -> tuple[Node, bool] | None:
    """`x == true` says what `x` says."""
    for one, other in (node.arguments, node.arguments[::-1]):
        if isinstance(other, Const) and isinstance(other.value, bool):
            return one, (other.value is truth) is (node.function == "_==_")
    return None


def _choice_facts(node: Call, truth: bool, scope: Scope) -> Facts:
    condition, first, second = node.arguments
    ways = []
    for branch, taken in ((first, True), (second, False)):
        if not (isinstance(branch, Const) and branch.value is (not truth)):
            ways.append(_facts(condition, taken, scope) | _facts(branch, truth, scope))
    return frozenset.intersection(*ways) if ways else _NOTHING


def _reads(node: Node, scope: Scope) -> Facts:
    """What has been read, once the node has a value at all."""
    path = _path(node, scope)
    if path is not None and not (isinstance(node, Call) and node.function == "_?._"):
        return _prefixes(path)
    if isinstance(node, Comprehension):
        return _reads(node.iter_range, scope)
    if isinstance(node, Call) and node.function in ("_&&_", "_||_", "_?_:_"):
        return _reads(node.arguments[0], scope) if node.function == "_?_:_" else _NOTHING
    return frozenset(path for child in children(node) for path in _reads(child, scope))


def _element_facts(ranged: Node, element: Path, scope: Scope) -> Facts:
    """What can be read of each element of a list, because a filter has left only such."""
    if isinstance(ranged, Select) and isinstance(ranged.operand, Ident) and ranged.operand.name == "variables":
        tree = scope.variables.get(ranged.field)
        return _element_facts(tree, element, Scope(scope.variables)) if tree is not None else _NOTHING
    if isinstance(ranged, Call) and ranged.function == "_+_":
        left, right = (_element_facts(one, element, scope) for one in ranged.arguments)
        return left & right
    if isinstance(ranged, Comprehension) and isinstance(ranged.step, Call) and ranged.step.function == "_?_:_":
        condition, kept, _ = ranged.step.arguments
        last = kept.arguments[-1] if isinstance(kept, Call) and kept.function == "_+_" else None
        if isinstance(last, ListLiteral) and len(last.elements) == 1 and isinstance(last.elements[0], Ident) and last.elements[0].name == ranged.iter_var:
            own = _facts(condition, True, scope.with_name(ranged.iter_var, element))
            return own | _element_facts(ranged.iter_range, element, scope)
    return _NOTHING


def _shown(path: Path) -> str:
    first, *rest = path
    return ".".join([first.partition("#")[0], *rest])

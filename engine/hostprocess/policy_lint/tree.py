"""Trees of expressions: parsed with the places of their nodes, rebuilt, and recognised."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from operator import is_

from hostprocess.cel.environment import Environment
from hostprocess.cel.frontend import parse
from hostprocess.cel.nodes import Call, Comprehension, Entry, Ident, ListLiteral, MapLiteral, Node, Select, Struct, children

__all__ = ["Parsed", "parsed", "path_of", "rebuilt", "walk"]


@dataclass(frozen=True, slots=True)
class Parsed:
    """A tree, and the offset in the expression of each node."""

    expression: str
    root: Node
    offsets: dict[int, int]

    def place(self, node: int) -> tuple[int, int]:
        """Line and column of a node, counted from 1."""
        before = self.expression[: self.offsets.get(node, 0)]
        return before.count("\n") + 1, len(before) - before.rfind("\n")


def parsed(expression: str, environment: Environment) -> Parsed:
    """Parses an expression and expands its macros. Raises `CompileError`."""
    root, offsets = parse(expression, environment)
    return Parsed(expression, root, offsets)


def rebuilt(node: Node, change: Callable[[Node], Node]) -> Node:
    """The node with `change` applied to each of its children; itself if none of them changes."""
    before = children(node)
    after = tuple(map(change, before))
    return node if all(map(is_, before, after)) else _with_children(node, after)


def _with_children(node: Node, parts: tuple[Node, ...]) -> Node:
    if isinstance(node, Select):
        return Select(node.id, parts[0], node.field, node.test_only)
    if isinstance(node, Call):
        if node.target is None:
            return Call(node.id, node.function, parts)
        return Call(node.id, node.function, parts[1:], parts[0])
    if isinstance(node, ListLiteral):
        return replace(node, elements=parts)
    if isinstance(node, MapLiteral | Struct):
        given = iter(parts)
        return replace(node, entries=tuple(_entry(entry, given) for entry in node.entries))
    assert isinstance(node, Comprehension)
    ranged, init, condition, step, result = parts
    return replace(node, iter_range=ranged, accu_init=init, condition=condition, step=step, result=result)


def _entry(entry: Entry, parts: Iterator[Node]) -> Entry:
    return replace(entry, key=entry.key if isinstance(entry.key, str) else next(parts), value=next(parts))


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it."""
    yield node
    for child in children(node):
        yield from walk(child)


def path_of(node: Node) -> tuple[str, ...] | None:
    """`a.b.c` as names, if the node is that and nothing else."""
    names: list[str] = []
    while isinstance(node, Select) and not node.test_only:
        names.append(node.field)
        node = node.operand
    return (node.name, *reversed(names)) if isinstance(node, Ident) else None

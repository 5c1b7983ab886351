"""Comparisons with a literal that is misspelt: what the API server gives is never equal to it, so that a branch is dead, and nobody notices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from hostprocess.cel.nodes import Call, Const, ListLiteral, Node
from hostprocess.errors import suggestion
from hostprocess.policy_lint.kinds_matched import Matched
from hostprocess.policy_lint.schemas import Schemas
from hostprocess.policy_lint.tree import path_of, walk

__all__ = ["never_equal"]

_OPERATIONS: Final = ("CREATE", "UPDATE", "DELETE", "CONNECT")
_KIND_PATHS: Final = frozenset({("object", "kind"), ("oldObject", "kind"), ("request", "kind", "kind"), ("request", "requestKind", "kind")})
_RESOURCE_PATHS: Final = frozenset({("request", "resource", "resource"), ("request", "requestResource", "resource")})


def never_equal(root: Node, matched: Matched, schemas: Schemas) -> Iterator[tuple[int, str, str]]:
    """Triples of node, message and hint: kinds, resources and operations that there are not.

    A kind that is matched by no rule is none: expressions are shared between policies. Of kinds that are not known only a slip of one that is matched is told.
    """
    kinds = {kind.kind for kind in matched.kinds}
    plurals = {kind.resource for kind in matched.kinds if kind.resource}
    for path, node, value in _compared(root):
        if path == ("request", "operation"):
            if value not in _OPERATIONS:
                yield (
                    node,
                    f"request.operation is never {value!r}: there are {', '.join(_OPERATIONS)}",
                    suggestion(value.upper(), _OPERATIONS).removeprefix("; "),
                )
        elif path in _KIND_PATHS or path in _RESOURCE_PATHS:
            known, own = (set(schemas.resources.values()), kinds) if path in _KIND_PATHS else ({key[2] for key in schemas.resources}, plurals)
            hint = suggestion(value, own).removeprefix("; ") or _other_case(value, own)
            if value not in known | own and (matched.complete or hint):
                yield node, f"{'.'.join(path)} is never {value!r}: the policy matches nothing that is called so", hint


def _other_case(value: str, known: Iterable[str]) -> str:
    return next((f"did you mean {one!r}?" for one in known if one.lower() == value.lower()), "")


def _compared(root: Node) -> Iterator[tuple[tuple[str, ...], int, str]]:
    """Paths that are compared with a literal: the path, the node of the literal and its value."""
    for node in walk(root):
        if not isinstance(node, Call) or len(node.arguments) != 2:
            continue
        if node.function in ("_==_", "_!=_"):
            for one, other in (node.arguments, node.arguments[::-1]):
                if (path := path_of(one)) and isinstance(other, Const) and isinstance(other.value, str) and other.value:
                    yield path, other.id, other.value
        elif node.function == "@in" and (path := path_of(node.arguments[0])) and isinstance(node.arguments[1], ListLiteral):
            yield from ((path, one.id, one.value) for one in node.arguments[1].elements if isinstance(one, Const) and isinstance(one.value, str))

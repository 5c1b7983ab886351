"""Reads that may fail, request by request: an expression is asked about each kind with each operation, and what is null or absent differs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from hostprocess.cel.nodes import Const, Ident, Node, Select
from hostprocess.kubernetes.catalogue import kinds
from hostprocess.policy_lint.built_in_kinds import catalogued
from hostprocess.policy_lint.guards import Facts, Read, Situation, asked_paths, true_facts, unguarded
from hostprocess.policy_lint.kinds_matched import Matched, Reach
from hostprocess.policy_lint.narrowing import ANY_KIND, MatchedKind, constant, fold, without_nulls
from hostprocess.policy_lint.policy_types import PolicyCheck, Typed
from hostprocess.policy_lint.tree import walk

__all__ = ["MatchedRequest", "reads_of", "requests_of"]

_NULL: Final = {"CREATE": "oldObject", "CONNECT": "oldObject", "DELETE": "object"}
_SELDOM: Final = frozenset({("request", "userInfo", "uid"), ("request", "userInfo", "extra")})
_SUBRESOURCE: Final = frozenset({("request", "subResource"), ("request", "requestSubResource")})
_NAME, _NAMESPACE = ("request", "name"), ("request", "namespace")


@dataclass(frozen=True, slots=True)
class MatchedRequest:
    """One sort of request that a policy gets."""

    kind: MatchedKind
    operation: str
    situation: Situation


def requests_of(check: PolicyCheck, matched: Matched, minor: int) -> Iterator[MatchedRequest]:
    """The sorts of requests about the kinds that were checked; one without an operation where there is none."""
    cluster_scoped = {(one.group, one.version, one.kind) for one in kinds(catalogued(minor)).values() if one.resource and not one.namespaced}
    for kind in dict.fromkeys(typed.kind for typed in check.typed):
        reach = matched.reach.get(None if kind == ANY_KIND else kind, Reach())
        absent = _SELDOM | (_SUBRESOURCE if reach.plain else frozenset())
        if (kind.group, kind.version, kind.kind) in cluster_scoped and kind.kind != "Namespace":
            absent |= {_NAMESPACE}
        for operation in sorted(reach.operations) or ("",):
            null = frozenset({_NULL[operation]}) if operation in _NULL else frozenset[str]()
            yield MatchedRequest(kind, operation, Situation(null, absent | ({_NAME} if operation == "DELETE" and reach.plain else frozenset())))


def reads_of(request: MatchedRequest, check: PolicyCheck) -> Iterator[tuple[Typed, list[Read]]]:
    """The reads that may fail, by expression; nothing for a request that a matchCondition leaves out."""
    own = _Narrowed(request, [typed for typed in check.typed if typed.kind == request.kind])
    if own.left_out:
        return
    facts: Facts = frozenset()
    for typed, root in own.roots:
        role = typed.expression.role
        known = facts if role != "condition" else frozenset()
        # A has() that tells kinds apart has been decided: whoever got here has the field.
        telling = {node for steps, node in check.telling if steps == typed.expression.steps}
        if telling:
            known |= asked_paths(typed.parsed.root, telling, own.variables)
        found = unguarded(root, typed.outcome.types, typed.outcome.messages, own.variables, known, request.situation)
        # A variable is evaluated when it is read, so that it may lean on what was asked there.
        evaluated = role != "variable" or typed.expression.name in own.evaluated
        yield typed, [one for one in found if evaluated or not (one.null or one.path.startswith("request."))]
        if role == "condition":
            facts |= true_facts(root, {})


@dataclass(slots=True)
class _Narrowed:
    """What is left of the expressions of a kind for one sort of request."""

    request: MatchedRequest
    typed: list[Typed]
    roots: list[tuple[Typed, Node]] = field(default_factory=list)
    variables: dict[str, Node] = field(default_factory=dict)
    evaluated: set[str] = field(default_factory=set)
    left_out: bool = False

    def __post_init__(self) -> None:
        null = {name: name in self.request.situation.null for name in ("object", "oldObject")} if self.request.operation else {}
        values: dict[tuple[str, ...], Any] = {("request", "operation"): self.request.operation} if self.request.operation else {}
        passed: Node | None = None
        for typed in self.typed:
            root = fold(without_nulls(typed.outcome.whole, null), values)
            role = typed.expression.role
            if role == "condition" and isinstance(root, Const) and root.value is False:
                self.left_out = True
            elif role == "variable":
                self.variables[typed.expression.name] = root
                if (known := constant(root)) is not None:
                    values["variables", typed.expression.name] = known
            elif role == "validation":
                passed = root
            # Nobody sees the message of a validation that cannot fail.
            if role != "message" or not (isinstance(passed, Const) and passed.value is True):
                self.roots.append((typed, root))
        for typed, root in self.roots:
            if typed.expression.role != "variable":
                self._mark(root)

    def _mark(self, root: Node) -> None:
        for node in walk(root):
            if isinstance(node, Select) and isinstance(node.operand, Ident) and node.operand.name == "variables" and node.field not in self.evaluated:
                self.evaluated.add(node.field)
                if node.field in self.variables:
                    self._mark(self.variables[node.field])

"""The type check of a whole policy: each expression, for each kind that the policy is asked about and that gets as far as that expression."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from hostprocess.cel.environment import Environment, environment
from hostprocess.cel.nodes import Call, Const, Ident, Node, Select
from hostprocess.cel.runtime import NEWEST, CompileError
from hostprocess.cel.types import DYN, Type
from hostprocess.policy_lint.field_errors import Steps
from hostprocess.policy_lint.kinds_matched import Matched
from hostprocess.policy_lint.narrowing import ANY_KIND, MatchedKind, constant, known_values
from hostprocess.policy_lint.schemas import Field, Schemas
from hostprocess.policy_lint.tree import Parsed, parsed, walk
from hostprocess.policy_lint.typecheck import Fault, Outcome, Types, check_typed

__all__ = ["Expression", "PolicyCheck", "TypeFault", "Typed", "expressions_of", "parse_expression", "type_check", "type_faults"]

JSONObject = Mapping[str, Any]
_INPUTS = frozenset({"object", "oldObject", "request", "namespaceObject", "authorizer"})


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression of a policy: where it stands, what it is (`condition`, `variable`, `validation`, `message`, `annotation`), its name if it has one."""

    steps: Steps
    role: str
    text: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Typed:
    """An expression as checked for one kind."""

    expression: Expression
    parsed: Parsed
    kind: MatchedKind
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class PolicyCheck:
    """All expressions as checked. `telling` are the places, by expression and node, that ask for a field which some kinds have and others do not."""

    typed: tuple[Typed, ...]
    telling: frozenset[tuple[Steps, int]]


@dataclass(frozen=True, slots=True)
class TypeFault:
    """A fault of an expression, with the kinds it is a fault for."""

    expression: Expression
    parsed: Parsed
    fault: Fault
    kinds: tuple[MatchedKind, ...]

    @property
    def root(self) -> str:
        """The name that the way to the node begins with, `object` or `params`; empty if it is none."""
        node: Node | None = next((one for one in walk(self.parsed.root) if one.id == self.fault.node), None)
        while isinstance(node, Select | Call):
            below = node.operand if isinstance(node, Select) else node.target or next(iter(node.arguments), None)
            node = below
        return node.name if isinstance(node, Ident) else ""


def expressions_of(spec: JSONObject) -> list[Expression]:
    """The expressions of a policy, in the order in which they may read each other."""
    found = []
    for key, role, fields in (
        ("matchConditions", "condition", ("expression",)),
        ("variables", "variable", ("expression",)),
        ("validations", "validation", ("expression", "messageExpression")),
        ("auditAnnotations", "annotation", ("valueExpression",)),
    ):
        for index, one in enumerate(spec.get(key) or ()):
            for name in fields:
                text = (one or {}).get(name) or ""
                if text.strip():
                    what = "message" if name == "messageExpression" else role
                    found.append(Expression(("spec", key, index, name), what, text, (one or {}).get("name") or ""))
    return found


def type_check(spec: JSONObject, matched: Matched, schemas: Schemas) -> PolicyCheck:
    """Checks all expressions of a policy, for each kind with a known schema. Those that do not parse are left out."""
    expressions = [(one, tree) for one in expressions_of(spec) if (tree := parse_expression(one.text))]
    kinds = matched.kinds
    if not matched.complete:
        kinds = (*kinds, ANY_KIND)
        schemas = schemas.with_any_kind({name for _, tree in expressions for name in _fields_of_objects(tree)})
    params = spec.get("paramKind") or {}
    params_type = (schemas.of(str(params.get("apiVersion")), str(params.get("kind"))) or DYN) if params else None
    first = {kind: list(_check_kind(kind, expressions, schemas, params_type, {})) for kind in kinds}
    absent = _absent(first)
    has = {kind: {place for place in absent if any(_sound(typed, *place) for typed in checks)} for kind, checks in first.items()}
    found: list[Typed] = []
    for kind, checks in first.items():
        # `has(object.spec.template) ? … : …` tells kinds apart: whoever has the field takes that branch.
        present: dict[Steps, set[int]] = {}
        for steps, node in has[kind]:
            present.setdefault(steps, set()).add(node)
        found += _check_kind(kind, expressions, schemas, params_type, present) if present else checks
    return PolicyCheck(tuple(found), frozenset(place for places in has.values() for place in places))


def _absent(checks: Mapping[MatchedKind, Sequence[Typed]]) -> set[tuple[Steps, int]]:
    """The places that ask for a field which some of the kinds do not have."""
    return {(typed.expression.steps, fault.node) for found in checks.values() for typed in found for fault in typed.outcome.faults if fault.presence}


def type_faults(check: PolicyCheck) -> Iterator[TypeFault]:
    """The faults, those of several kinds together. A field that is only asked for is a fault if none of the kinds has it."""
    found: dict[tuple[Steps, int, str], list[Typed]] = {}
    faults: dict[tuple[Steps, int, str], Fault] = {}
    for typed in check.typed:
        for fault in typed.outcome.faults:
            key = (typed.expression.steps, fault.node, fault.message)
            found.setdefault(key, []).append(typed)
            faults.setdefault(key, fault)
    for key, those in found.items():
        fault = faults[key]
        if fault.presence and (key[0], fault.node) in check.telling:
            continue
        yield TypeFault(those[0].expression, those[0].parsed, fault, tuple(typed.kind for typed in those))


def _fields_of_objects(tree: Parsed) -> Iterator[str]:
    """The names of fields that are asked of the objects themselves."""
    for node in walk(tree.root):
        operand, name = None, ""
        if isinstance(node, Select):
            operand, name = node.operand, node.field
        elif isinstance(node, Call) and len(node.arguments) == 2:
            operand, key = node.arguments[::-1] if node.function == "@in" else node.arguments
            name = key.value if isinstance(key, Const) and isinstance(key.value, str) else ""
        if name and isinstance(operand, Ident) and operand.name in ("object", "oldObject"):
            yield name


def _sound(typed: Typed, steps: Steps, node: int) -> bool:
    return typed.expression.steps == steps and node in typed.outcome.types and all(fault.node != node for fault in typed.outcome.faults)


def _check_kind(
    kind: MatchedKind,
    expressions: Sequence[tuple[Expression, Parsed]],
    schemas: Schemas,
    params: Type | None,
    present: Mapping[Steps, set[int]],
) -> Iterator[Typed]:
    own = schemas.of(kind.api_version, kind.kind)
    if own is None:
        return
    declared = {"object": own, "oldObject": own, **({"params": params} if params is not None else {})}
    types = Types(declared, schemas, known_values(kind))
    plain, full = _environments(params is not None)
    reached = True
    for expression, tree in expressions:
        there = frozenset(present.get(expression.steps, ()))
        if expression.role == "condition":
            outcome = check_typed(tree.root, plain, Types(declared, schemas, known_values(kind), united=types.united), there)
            reached = reached and not (isinstance(outcome.root, Const) and outcome.root.value is False)
        elif not reached:
            return
        else:
            outcome = check_typed(tree.root, full, types, there)
        if expression.role == "variable":
            types.variables[expression.name] = Field(outcome.result, True)
            if (known := constant(outcome.root)) is not None:
                types.values["variables", expression.name] = known
        yield Typed(expression, tree, kind, outcome)


@cache
def _environments(has_params: bool) -> tuple[Environment, Environment]:
    """The environment of matchConditions, and that of the other expressions."""
    base = environment(NEWEST, True)
    names = _INPUTS | {"params"} if has_params else _INPUTS
    return base.declare(names, {}), base.declare(names | {"variables"}, {})


def parse_expression(text: str) -> Parsed | None:
    """The tree of an expression; None if it does not parse."""
    try:
        return parsed(text, environment(NEWEST, True))
    except CompileError:
        return None

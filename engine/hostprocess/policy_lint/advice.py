"""Advice about one policy: what the API server accepts, but is hardly meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hostprocess.model import Resource
from hostprocess.policy_lint.comparisons import never_equal
from hostprocess.policy_lint.field_errors import Steps
from hostprocess.policy_lint.findings import finding
from hostprocess.policy_lint.guards import Read
from hostprocess.policy_lint.kinds_matched import Matched, shown_kinds, unknown_resources
from hostprocess.policy_lint.literals import bad_literals, may_fail
from hostprocess.policy_lint.narrowing import MatchedKind
from hostprocess.policy_lint.places import expression_place
from hostprocess.policy_lint.policy_types import Expression, PolicyCheck, Typed, expressions_of, parse_expression
from hostprocess.policy_lint.reads import reads_of, requests_of
from hostprocess.policy_lint.report import Finding
from hostprocess.policy_lint.schemas import Schemas
from hostprocess.policy_lint.tree import Parsed, walk

__all__ = ["advice"]

JSONObject = Mapping[str, Any]
_WRITES = frozenset({"CREATE", "UPDATE", "*"})
_PLACES = ("initContainers", "ephemeralContainers")
_POD = "Pod"
# Fields of pods, not of templates, that defaults and the admission plug-ins that are on by default fill in.
_FILLED_IN = frozenset(f"object.spec.{name}" for name in ("enableServiceLinks", "preemptionPolicy", "priority", "serviceAccountName", "tolerations"))
_WORKLOADS = frozenset({"Pod", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "Job", "CronJob", "ReplicationController", "PodTemplate"})


def advice(resource: Resource, spec: JSONObject, check: PolicyCheck, matched: Matched, schemas: Schemas, minor: int, broken: set[Steps]) -> Iterator[Finding]:
    """Findings about a policy whose expressions have been checked; `spec` holds its fields as decoded, `broken` the expressions that are refused."""
    trees = [(one, tree) for one in expressions_of(spec) if (tree := parse_expression(one.text))]
    for expression, tree in trees:
        for node, words in bad_literals(tree.root, minor) if expression.steps not in broken else ():
            yield _at(resource, expression, tree, node, "bad-literal", words)
    yield from _resource_advice(resource, spec, schemas)
    yield from _container_advice(resource, spec, trees, matched)
    yield from _read_advice(resource, check, matched, minor)
    yield from _comparison_advice(resource, trees, matched, schemas)


def _resource_advice(resource: Resource, spec: JSONObject, schemas: Schemas) -> Iterator[Finding]:
    for rule, index, name, meant in unknown_resources(spec.get("matchConstraints") or {}, schemas.resources):
        steps: Steps = ("spec", "matchConstraints", "resourceRules", rule, "resources", index)
        words = f"the groups and versions of this rule have no resource {name!r}: it matches nothing"
        yield finding(resource, steps, "unknown-resource", "warning", words, hint=meant)


@dataclass(slots=True)
class _Found:
    """A read that may fail, with the kinds and the operations it may fail for."""

    typed: Typed
    read: Read
    kinds: dict[MatchedKind, None]
    operations: set[str]


def _read_advice(resource: Resource, check: PolicyCheck, matched: Matched, minor: int) -> Iterator[Finding]:
    """Reads of fields that may be absent; of messages only that they may fail."""
    found: dict[tuple[Steps, int | str], _Found] = {}
    messages: dict[Steps, tuple[Typed, int, str]] = {}
    for request in requests_of(check, matched, minor):
        for typed, reads in reads_of(request, check):
            steps = typed.expression.steps
            if typed.expression.role == "message":
                if reads:
                    may = f"when {reads[0].null} is null" if reads[0].null else "which may be absent"
                    messages.setdefault(steps, (typed, reads[0].node, f"reads {reads[0].path}, {may}"))
                continue
            for read in reads:
                if request.kind.kind != _POD or read.path not in _FILLED_IN:
                    one = found.setdefault((steps, read.null or read.node), _Found(typed, read, {}, set()))  # of what is null the first read will do
                    one.kinds[request.kind] = None
                    one.operations.add(request.operation)
    for one in found.values():
        yield _unguarded(resource, one)
    for typed in check.typed:
        if typed.expression.role == "message" and typed.expression.steps not in messages:
            for node, words in may_fail(typed.parsed.root, typed.outcome.types):
                messages.setdefault(typed.expression.steps, (typed, node, words))
    for typed, node, words in messages.values():
        hint = "the API server falls back to `message`, or to the expression's text"
        yield _at(resource, typed.expression, typed.parsed, node, "message-may-fail", f"the messageExpression may fail: it {words}", hint)


def _unguarded(resource: Resource, one: _Found) -> Finding:
    read, when = one.read, " and ".join(sorted(one.operations))
    if read.null:
        words = f"{read.null} is null for {when}: then the expression fails at {read.path}"
        hint = f"ask for request.operation, or {read.null} != null, first"
        return _at(resource, one.typed.expression, one.typed.parsed, read.node, "null-object", words, hint)
    where = f" in {shown_kinds(tuple(one.kinds))}" if read.path.startswith(("object.", "oldObject.")) and not read.key else ""
    where = " for DELETE, as of a whole collection" if read.path == "request.name" else where
    hint = "ask with `in` first" if read.key else "ask with has() first, or write it with .?"
    words = f"{read.path} may be absent{where}: then the expression fails"
    return _at(resource, one.typed.expression, one.typed.parsed, read.node, "unguarded-field", words, hint)


def _comparison_advice(resource: Resource, trees: Sequence[tuple[Expression, Parsed]], matched: Matched, schemas: Schemas) -> Iterator[Finding]:
    for expression, tree in trees:
        for node, words, hint in never_equal(tree.root, matched, schemas):
            yield _at(resource, expression, tree, node, "never-equal", words, hint)


def _container_advice(resource: Resource, spec: JSONObject, trees: Sequence[tuple[Expression, Parsed]], matched: Matched) -> Iterator[Finding]:
    kinds = ({kind.kind for kind in matched.kinds} | ({_POD} if _pods(spec, "pods", "*", "*/*") else set())) & _WORKLOADS
    reading = next(((one, tree, node) for one, tree in trees for node, name in _names(tree) if name == "containers"), None)
    if not kinds or reading is None:
        return
    mentioned = {name for _, tree in trees for _, name in _names(tree)}
    for place in _PLACES:
        if place not in mentioned and (place == "initContainers" or _POD in kinds):
            words = f"containers are checked, {place} are not: whoever is denied moves the container there"
            yield _at(resource, *reading, "forgotten-containers", words)
    yield from _subresource_advice(resource, spec)


def _subresource_advice(resource: Resource, spec: JSONObject) -> Iterator[Finding]:
    written = _pods(spec, "pods", "*")
    # The subresource is only ever updated.
    if written is not None and not _pods(spec, "pods/ephemeralcontainers", "pods/*", "*/ephemeralcontainers", "*/*", operations=frozenset({"UPDATE", "*"})):
        words = "pods are matched without pods/ephemeralcontainers: containers that `kubectl debug` adds are not seen"
        hint = 'add "pods/ephemeralcontainers", with the operation UPDATE'
        yield finding(resource, (*written, "resources"), "pods-ephemeralcontainers", "warning", words, hint=hint)


def _pods(spec: JSONObject, *names: str, operations: frozenset[str] = _WRITES) -> Steps | None:
    """The first rule that matches one of these resources of the core group for one of these operations."""
    for index, rule in enumerate((spec.get("matchConstraints") or {}).get("resourceRules") or ()):
        groups, resources, wanted = ((rule or {}).get(key) or () for key in ("apiGroups", "resources", "operations"))
        if not {"", "*"}.isdisjoint(groups) and not set(names).isdisjoint(resources) and not operations.isdisjoint(wanted):
            return ("spec", "matchConstraints", "resourceRules", index)
    return None


def _names(tree: Parsed) -> Iterator[tuple[int, str]]:
    """The fields that are named in a tree, also as strings."""
    for node in walk(tree.root):
        name = getattr(node, "field", None) or getattr(node, "value", None)
        if isinstance(name, str):
            yield node.id, name


def _at(resource: Resource, expression: Expression, tree: Parsed, node: int, check: str, words: str, hint: str = "") -> Finding:
    line, column = tree.place(node)
    made = finding(resource, expression.steps, check, "warning", words, hint=hint)
    place = expression_place(resource, expression.steps, expression.text, line, column)
    return replace(made, line=place[0], column=place[1])

"""Advice about one policy: what the API server accepts, but is hardly meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from hostprocess.model import Resource
from hostprocess.policy_lint.field_errors import Steps
from hostprocess.policy_lint.findings import finding
from hostprocess.policy_lint.guards import Facts, Read, asked_paths, true_facts, unguarded
from hostprocess.policy_lint.kinds_matched import Matched, unknown_resources
from hostprocess.policy_lint.literals import bad_literals, may_fail
from hostprocess.policy_lint.narrowing import MatchedKind
from hostprocess.policy_lint.places import expression_place
from hostprocess.policy_lint.policy_types import Expression, PolicyCheck, Typed, expressions_of, parse_expression
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
    yield from _read_advice(resource, check, schemas)


def _resource_advice(resource: Resource, spec: JSONObject, schemas: Schemas) -> Iterator[Finding]:
    for rule, index, name, meant in unknown_resources(spec.get("matchConstraints") or {}, schemas.resources):
        steps: Steps = ("spec", "matchConstraints", "resourceRules", rule, "resources", index)
        words = f"the groups and versions of this rule have no resource {name!r}: it matches nothing"
        yield finding(resource, steps, "unknown-resource", "warning", words, hint=meant)


def _read_advice(resource: Resource, check: PolicyCheck, schemas: Schemas) -> Iterator[Finding]:
    """Reads of fields that may be absent; of messages only that they may fail."""
    found: dict[tuple[Steps, int], tuple[Typed, Read, list[MatchedKind]]] = {}
    messages: dict[Steps, tuple[Typed, int, str]] = {}
    for kind in dict.fromkeys(typed.kind for typed in check.typed):
        for typed, reads in _reads_of(kind, check, schemas):
            steps = typed.expression.steps
            if typed.expression.role == "message":
                if reads:
                    messages.setdefault(steps, (typed, reads[0].node, f"reads {reads[0].path}, which may be absent"))
                continue
            for read in reads:
                if kind.kind != _POD or read.path not in _FILLED_IN:
                    found.setdefault((steps, read.node), (typed, read, []))[2].append(kind)
    for typed, read, kinds in found.values():
        names = ", ".join(f"{kind.api_version} {kind.kind}" for kind in kinds)
        where = f" in {names}" if read.path.startswith(("object.", "oldObject.")) and not read.key else ""
        words = f"{read.path} may be absent{where}: then the expression fails"
        hint = "ask with `in` first" if read.key else "ask with has() first, or write it with .?"
        yield _at(resource, typed.expression, typed.parsed, read.node, "unguarded-field", words, hint)
    for typed in check.typed:
        if typed.expression.role == "message" and typed.expression.steps not in messages:
            for node, words in may_fail(typed.parsed.root, typed.outcome.types):
                messages.setdefault(typed.expression.steps, (typed, node, words))
    for typed, node, words in messages.values():
        hint = "the API server falls back to `message`, or to the expression's text"
        yield _at(resource, typed.expression, typed.parsed, node, "message-may-fail", f"the messageExpression may fail: it {words}", hint)


def _reads_of(kind: MatchedKind, check: PolicyCheck, schemas: Schemas) -> Iterator[tuple[Typed, list[Read]]]:
    own = [typed for typed in check.typed if typed.kind == kind]
    variables = {typed.expression.name: typed.outcome.root for typed in own if typed.expression.role == "variable"}
    facts: Facts = frozenset()
    for typed in own:
        known = facts if typed.expression.role != "condition" else frozenset()
        # A has() that tells kinds apart has been decided: whoever got here has the field.
        telling = {node for steps, node in check.telling if steps == typed.expression.steps}
        if telling:
            known |= asked_paths(typed.parsed.root, telling, variables)
        yield typed, unguarded(typed.outcome.root, typed.outcome.types, typed.outcome.messages, variables, known)
        if typed.expression.role == "condition":
            facts |= true_facts(typed.outcome.root, {})


def _container_advice(resource: Resource, spec: JSONObject, trees: Sequence[tuple[Expression, Parsed]], matched: Matched) -> Iterator[Finding]:
    kinds = {kind.kind for kind in matched.kinds} & _WORKLOADS
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
    rules = (spec.get("matchConstraints") or {}).get("resourceRules") or ()
    written: Steps | None = None
    for index, rule in enumerate(rules):
        resources = (rule or {}).get("resources") or ()
        if not _WRITES.isdisjoint((rule or {}).get("operations") or ()):
            if not {"pods/ephemeralcontainers", "pods/*", "*/ephemeralcontainers", "*/*"}.isdisjoint(resources):
                return
            if written is None and "pods" in resources:
                written = ("spec", "matchConstraints", "resourceRules", index, "resources")
    if written is not None:
        words = "pods are matched without pods/ephemeralcontainers: containers that `kubectl debug` adds are not seen"
        yield finding(resource, written, "pods-ephemeralcontainers", "warning", words, hint='add "pods/ephemeralcontainers", with the operation UPDATE')


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

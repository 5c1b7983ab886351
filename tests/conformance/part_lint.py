"""Static validation of policies and bindings, error by error, and `status.typeChecking`."""

# ruff: noqa: E501 - lists of values
from __future__ import annotations

import copy
import re
from collections.abc import Iterable
from typing import Any

from draw import drawn
from expressions import expressions
from hypothesis import strategies as st
from scenarios import load_scenarios
from session import Session

from hostprocess.policy_lint.status import expression_warnings
from hostprocess.policy_lint.structure import decode
from hostprocess.policy_lint.validation import binding_errors, policy_errors
from hostprocess.suite.edit import set_path

PART = "lint"
CASES = 900
TYPE_CHECKS = 250
_EXPRESSION = [
    " ",
    "1 +",
    "object.x",
    "1",
    "variables.none",
    "true",
    "params == null",
    "authorizer.path('/').check('get').allowed()",
    "lists.range(3).size() == 3",
    "'a'.matches('(')",
]
_NAMES = ["", "a b", "x" * 64, "a/b", "A_b.c", "-a", "a/b/c", "x.y/z"]
_OPERATIONS = [[], ["*", "CREATE"], ["PATCH"], ["CREATE", "CREATE"], ["*"], [""], None]
_GROUPS = [[], ["*", "apps"], [""], ["A"], None, ["apps", "apps"]]
_RESOURCES = [[], [""], ["*", "pods"], ["*/*", "pods"], ["pods/*", "pods/log"], ["*/scale", "pods/scale"], ["*", "*/scale"], ["pods/", "a/b/c"], None]
_SELECTORS = [{"matchLabels": {"-a": "b"}}, {"matchLabels": {"a": "b c"}}, {"matchExpressions": [{"key": "a", "operator": "In"}]}, {"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["x"]}]}, {"matchExpressions": [{"key": "", "operator": "Is"}]}, {}, None]  # fmt: skip

# Edits of a sound policy: field, values.
_POLICY: list[tuple[str, list[Any]]] = [
    ("metadata.name", ["A", "x" * 254, "a_b", "a.b", ""]),
    ("metadata.labels", [{"-a": "b"}, {"a": "x" * 64}]),
    ("spec.failurePolicy", ["fail", "", "Ignore", None]),
    ("spec.paramKind", [{}, {"apiVersion": "v1"}, {"kind": "ConfigMap"}, {"apiVersion": "a/b/c", "kind": "X"}, {"apiVersion": "Apps/v1", "kind": "x y"}, {"apiVersion": "v1", "kind": "ConfigMap"}, {"apiVersion": "/v1", "kind": "A"}]),
    ("spec.matchConstraints", [None, {}, {"resourceRules": []}]),
    ("spec.matchConstraints.matchPolicy", ["exact", "", "Exact"]),
    ("spec.matchConstraints.namespaceSelector", _SELECTORS),
    ("spec.matchConstraints.objectSelector", _SELECTORS),
    ("spec.matchConstraints.resourceRules[0].operations", _OPERATIONS),
    ("spec.matchConstraints.resourceRules[0].apiGroups", _GROUPS),
    ("spec.matchConstraints.resourceRules[0].apiVersions", [[], [""], ["*", "v1"], ["v1", ""], None]),
    ("spec.matchConstraints.resourceRules[0].resources", _RESOURCES),
    ("spec.matchConstraints.resourceRules[0].scope", ["cluster", "", "Cluster", "*"]),
    ("spec.matchConstraints.resourceRules[0].resourceNames", [["a", "a"], ["."], ["a/b"], ["a%b"], [""], ["ok"]]),
    ("spec.matchConstraints.excludeResourceRules", [[{}], [{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}]]),
    ("spec.matchConditions", [[{"name": name, "expression": "true"}] for name in _NAMES]),
    ("spec.matchConditions", [[{"name": "a", "expression": one}] for one in _EXPRESSION]),
    ("spec.matchConditions", [[{"name": "a", "expression": "true"}, {"name": "a", "expression": "false"}], [{}], [{"name": f"c{index}", "expression": "true"} for index in range(65)]]),
    ("spec.variables", [[{"name": name, "expression": "1"}] for name in ["", "1a", "a-b", "object", "if", "x" * 70, "_a", "true", "a__b"]]),
    ("spec.variables", [[{"name": "a", "expression": one}] for one in _EXPRESSION]),
    ("spec.variables", [[{"name": "a", "expression": "1"}, {"name": "a", "expression": "2"}], [{"name": "a", "expression": "variables.b"}, {"name": "b", "expression": "1"}], [{}]]),
    ("spec.validations", [[], [{}], None]),
    ("spec.validations[0].expression", _EXPRESSION),
    ("spec.validations[0].message", ["", " ", "a\nb", "\n a \n", "x" * 6000, "a\rb"]),
    ("spec.validations[0].messageExpression", [" ", "object.x", "'a' + ", "1", "'ok'", "authorizer.path('/').check('get').reason()"]),
    ("spec.validations[0].reason", ["Unauthorized", "forbidden", "", "NotFound", "Forbidden"]),
    ("spec.auditAnnotations", [[{"key": name, "valueExpression": "'x'"}] for name in _NAMES]),
    ("spec.auditAnnotations", [[{"key": "a", "valueExpression": one}] for one in [*_EXPRESSION, "null", "object.x == 1 ? 'a' : null", "'" + "x" * 5200 + "'"]]),
    ("spec.auditAnnotations", [[{"key": "a", "valueExpression": "'a'"}, {"key": "a", "valueExpression": "'b'"}], [{}], [{"key": f"k{index}", "valueExpression": "'a'"} for index in range(21)]]),
]  # fmt: skip
_BINDING: list[tuple[str, list[Any]]] = [
    ("metadata.name", ["A", "a_b", "a.b"]),
    ("spec.policyName", ["", "A", "a_b", "x" * 254]),
    ("spec.validationActions", [[], None, ["deny"], ["Deny", "Deny"], ["Deny", "Warn"], ["Warn", "Audit"], ["Audit", "Deny"]]),
    ("spec.paramRef", [{}, {"name": "a"}, {"parameterNotFoundAction": "Deny"}, {"name": "a", "selector": {}, "parameterNotFoundAction": "Deny"}, {"name": "a/b", "parameterNotFoundAction": "Allow"}, {"name": "a", "parameterNotFoundAction": "deny"}, {"selector": {"matchLabels": {"-": "a"}}, "parameterNotFoundAction": "Deny"}, {"name": "a", "namespace": "n", "parameterNotFoundAction": "Deny"}, {"name": "a", "parameterNotFoundAction": ""}]),
    ("spec.matchResources", [{}, {"matchPolicy": "x"}, {"resourceRules": [{}]}, {"resourceRules": []}]),
    ("spec.matchResources.namespaceSelector", _SELECTORS),
    ("spec.matchResources.resourceRules", [[{"operations": ["*"], "apiGroups": ["*"], "apiVersions": ["*"], "resources": one}] for one in _RESOURCES]),
]  # fmt: skip
_SOUND = {
    "ValidatingAdmissionPolicy": {"matchConstraints": {"resourceRules": [{"operations": ["CREATE"], "apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}]}, "validations": [{"expression": "true"}]},
    "ValidatingAdmissionPolicyBinding": {"policyName": "p", "validationActions": ["Deny"]},
}  # fmt: skip


@st.composite
def objects(draw: st.DrawFn) -> dict[str, Any]:
    """A policy or a binding with up to three faults."""
    kind = draw(st.sampled_from(["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"]))
    value = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": {"name": "p"}, "spec": copy.deepcopy(_SOUND[kind])}
    for _ in range(draw(st.integers(1, 3))):
        path, values = draw(st.sampled_from(_POLICY if kind == "ValidatingAdmissionPolicy" else _BINDING))
        try:
            set_path(value, path, copy.deepcopy(draw(st.sampled_from(values))))
        except (ValueError, AttributeError, TypeError):
            continue  # an earlier edit took away what this one is about
    return value


def run(session: Session) -> None:
    """Compares the errors of each object, in any order, and the warnings of type checking."""
    minor = int(session.minor.split(".")[1])
    generated = drawn(objects(), session.cases(CASES), session.seed)
    written = [one for scenario in load_scenarios() for one in (scenario.policy, *scenario.bindings)]
    for feature, values in (("generated faults", generated), ("written policies", written)):
        answers = session.ask("validatePolicy", [{"object": value} for value in values])
        for value, theirs in zip(values, answers, strict=True):
            ours = _errors(value, minor)
            if theirs["decodeError"]:
                found = [] if ours else [("decodeError", theirs["decodeError"], [], value)]
            else:
                found = _unlike(sorted(one["message"] for one in theirs["errors"] if _NO_RESOLVER not in one["message"]), ours, value)
            session.tally.differ(PART, f"{feature}, {value['kind']}", session.minor, found)
    _type_checks(session, minor)


def _errors(value: dict[str, Any], minor: int) -> list[str]:
    decoded = decode(value, minor)
    validate = policy_errors if value["kind"] == "ValidatingAdmissionPolicy" else binding_errors
    return sorted(one.message for one in [*decoded.errors, *validate(decoded.value, minor)])


def _unlike(theirs: list[str], ours: list[str], value: Any) -> list[tuple[str, Any, Any, Any]]:
    if theirs == ours:
        return []
    return [("errors", [one for one in theirs if one not in ours], [one for one in ours if one not in theirs], value)]


# The oracle has no access to the parameters of whoever writes the policy, which the API server asks for.
_NO_RESOLVER = "resourceResolver is nil"
_KINDS = [([""], ["pods"]), (["apps"], ["deployments"]), (["apps"], ["deployments", "statefulsets"]), (["batch"], ["jobs", "cronjobs"]), ([""], ["services", "configmaps", "secrets"]), (["networking.k8s.io"], ["ingresses"]), (["*"], ["*"]), ([""], ["pods", "nodes"])]  # fmt: skip


def _type_checks(session: Session, minor: int) -> None:
    texts = [str(node) for node in drawn(expressions(minor, "bool", 3), session.cases(TYPE_CHECKS), session.seed + 1)]
    texts += [text for scenario in load_scenarios() for text in scenario.expressions()][:: max(1, round(4 / session.scale))]
    policies = [_policy(text, index) for index, text in enumerate(texts)]
    for value, theirs in zip(policies, session.ask("typeCheck", [{"object": value} for value in policies]), strict=True):
        if "failure" in theirs:
            session.tally.set_apart(PART, "the API server's code panics", session.minor)
            continue
        ours = [{"fieldRef": one.field_ref, "warning": one.warning} for one in expression_warnings(value["spec"], minor)]
        found = [] if _same(theirs["expressionWarnings"], ours) else [("warnings", theirs["expressionWarnings"], ours, value["spec"])]
        session.tally.differ(PART, "type checking", session.minor, found)


def _policy(text: str, index: int) -> dict[str, Any]:
    groups, resources = _KINDS[index % len(_KINDS)]
    spec = {
        "matchConstraints": {"resourceRules": [{"operations": ["CREATE"], "apiGroups": groups, "apiVersions": ["v1"], "resources": resources}]},
        "variables": [{"name": "a", "expression": "object.metadata"}],
        "validations": [{"expression": text, "messageExpression": "object.spec.containers[0].image + variables.a.name"}],
    }
    return {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": {"name": "p"}, "spec": spec}


def _same(theirs: Iterable[dict[str, str]] | None, ours: list[dict[str, str]]) -> bool:
    return [{**one, "warning": _NUMBER.sub(r"\1", one["warning"])} for one in theirs or []] == ours


# The API server ends the names of types with the nanoseconds of the moment.
_NUMBER = re.compile(r"\b([A-Z][A-Za-z]+)\d{1,9}\b(?=[.,)('])")

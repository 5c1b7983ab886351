"""Advice about policies and bindings that the API server accepts."""

from __future__ import annotations

from typing import Any

import pytest

from policy_objects import binding, checks, lint, policy


def test_policies_and_bindings_that_miss_each_other() -> None:
    params = {"apiVersion": "v1", "kind": "ConfigMap"}
    assert checks(policy()) == ["no-binding"]
    assert checks(binding()) == ["missing-policy"]
    assert checks(binding(), inventory=[policy()]) == []
    assert checks(policy(), inventory=[binding()]) == []
    assert checks(policy(paramKind=params), binding()) == ["no-param-ref"]
    reference = {"name": "x", "parameterNotFoundAction": "Deny"}
    assert checks(policy(paramKind=params), binding(paramRef=reference)) == []
    assert checks(policy(), binding(paramRef=reference)) == ["no-param-kind"]


def test_two_objects_of_one_name() -> None:
    assert checks(policy(), policy(), binding()) == ["duplicate-name"]


def test_a_variable_that_is_defined_twice() -> None:
    twice = [{"name": "a", "expression": "1"}, {"name": "b", "expression": "1"}, {"name": "a", "expression": "2"}]
    (found,) = lint(policy(variables=twice), binding())
    assert (found.check, found.field, found.severity) == ("duplicate-variable", "spec.variables[2].name", "warning")


DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "limits.example.com"},
    "spec": {"group": "example.com", "scope": "Cluster", "names": {"kind": "Limit", "plural": "limits"}, "versions": [{"name": "v1", "served": True}]},
}


@pytest.mark.parametrize(
    ("version", "kind", "definitions", "hint"),
    [
        ("v1", "ConfigMap", [], None),
        ("v1", "Confgmap", [], "did you mean 'ConfigMap'?"),
        ("v1", "Deployment", [], "Kubernetes 1.37 has it in apps/v1"),
        ("autoscaling/v1", "Scale", [], ""),
        ("example.com/v1", "Limits", [], None),
        ("example.com/v1", "Limits", [DEFINITION], "give the CustomResourceDefinition with --inventory, if there is one"),
        ("example.com/v1", "Limit", [DEFINITION], None),
    ],
)
def test_kinds_of_parameters_that_are_nowhere(version: str, kind: str, definitions: list[dict[str, Any]], hint: str | None) -> None:
    value = policy(paramKind={"apiVersion": version, "kind": kind})
    reference = {"name": "x", "parameterNotFoundAction": "Deny"}
    found = lint(value, binding(paramRef=reference), inventory=definitions)
    assert [(one.check, one.hint) for one in found] == ([] if hint is None else [("unknown-param-kind", hint)])


@pytest.mark.parametrize(
    ("rule", "hint"),
    [
        ({"apiGroups": [""], "resources": ["pod"]}, "did you mean 'pods'?"),
        ({"apiGroups": [""], "resources": ["deployments"]}, "deployments is in apps/v1"),
        ({"apiGroups": ["apps"], "resources": ["deployment/status"]}, "did you mean 'deployments'?"),
        ({"apiGroups": ["apps"], "resources": ["*/scale", "replicasets", "*"]}, None),
        ({"apiGroups": ["gateway.networking.k8s.io"], "resources": ["gateways"]}, None),
        ({"apiGroups": ["*"], "resources": ["things"]}, None),
    ],
)
def test_resources_that_are_nowhere(rule: dict[str, Any], hint: str | None) -> None:
    rules = [{"apiVersions": ["v1"], "operations": ["CREATE"], **rule}]
    value = policy(matchConstraints={"resourceRules": rules}, validations=[{"expression": "object.kind != 'x'"}])
    assert [one.hint for one in lint(value, binding()) if one.check == "unknown-resource"] == ([hint] if hint else [])


PODS = {"matchConstraints": {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]}}
BOTH = {
    "matchConstraints": {
        "resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["pods", "pods/ephemeralcontainers"]}]
    }
}
ALL = "(object.spec.containers + object.spec.?initContainers.orValue([]) + object.spec.?ephemeralContainers.orValue([])).all(c, c.image != 'x')"


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({**BOTH, "validations": [{"expression": ALL}]}, []),
        ({**PODS, "validations": [{"expression": ALL}]}, ["pods-ephemeralcontainers"]),
        ({**BOTH, "validations": [{"expression": "object.spec.containers.all(c, c.image != 'x')"}]}, ["forgotten-containers"] * 2),
        ({"validations": [{"expression": "object.spec.template.spec.containers.all(c, c.image != 'x')"}]}, ["forgotten-containers"]),
        ({**PODS, "validations": [{"expression": "object.metadata.name != 'x'"}]}, []),
    ],
)
def test_forgotten_containers(spec: dict[str, Any], expected: list[str]) -> None:
    assert checks(policy(**spec), binding()) == expected


GUARDED = [
    "has(object.spec.paused) && object.spec.paused == true",
    "object.spec.paused == true && has(object.spec.paused)",
    "!has(object.spec.paused) || object.spec.paused == true",
    "has(object.spec.paused) ? object.spec.paused : false",
    "!has(object.spec.paused) ? true : object.spec.paused == true",
    "object.spec.?paused.orValue(false) == true",
    "has(object.metadata.labels) && 'a' in object.metadata.labels && object.metadata.labels['a'] == 'b'",
    "object.spec.template.spec.containers.filter(c, has(c.env)).all(c, c.env.all(e, e.name != 'x'))",
    "object.spec.template.spec.containers.all(c, !has(c.securityContext) || !has(c.securityContext.privileged) || c.securityContext.privileged == false)",
    "object.spec.replicas > 1",
    "object.metadata.name == 'x' && object.kind == 'Deployment'",
    "object.spec.template.spec.containers.exists(c, has(c.resources.limits) && c.resources.limits.size() > 0)",
]
UNGUARDED = [
    ("object.spec.paused == true", "object.spec.paused"),
    ("has(object.metadata.labels) && object.metadata.labels['a'] == 'b'", "object.metadata.labels.a"),
    ("object.metadata.labels['a'] == 'b'", "object.metadata.labels"),
    ("has(object.spec.template.spec.affinity.nodeAffinity)", "object.spec.template.spec.affinity"),
    ("object.spec.template.spec.containers.all(c, has(c.securityContext.privileged) && c.securityContext.privileged)", "c.securityContext"),
    ("has(object.spec.paused) || object.spec.paused == true", "object.spec.paused"),
    ("object.spec.template.spec.containers.filter(c, has(c.env)).all(c, c.ports.size() > 1)", "c.ports"),
]
OPTIONAL_ADVICE = ("unguarded-field",)


@pytest.mark.parametrize("expression", GUARDED)
def test_guarded_reads_are_sound(expression: str) -> None:
    assert [one for one in lint(policy(validations=[{"expression": expression}]), binding()) if one.check in OPTIONAL_ADVICE] == []


@pytest.mark.parametrize(("expression", "path"), UNGUARDED)
def test_unguarded_reads_are_found(expression: str, path: str) -> None:
    found = [one for one in lint(policy(validations=[{"expression": expression}]), binding()) if one.check in OPTIONAL_ADVICE]
    assert [one.message.split(" ")[0] for one in found] == [path]


def test_what_is_there_without_being_written() -> None:
    sound = [
        "object.spec.serviceAccountName != 'x' && object.spec.tolerations.size() > 0",
        "namespaceObject.metadata.labels['kubernetes.io/metadata.name'] != 'x'",
        "variables.sizes.small < 2 && {'a': 1}.a == 1",
    ]
    value = policy(**BOTH, variables=[{"name": "sizes", "expression": "{'small': 1}"}], validations=[{"expression": one} for one in sound])
    assert checks(value, binding()) == []


def test_reads_of_parameters_name_no_kind() -> None:
    value = policy(paramKind={"apiVersion": "v1", "kind": "ConfigMap"}, validations=[{"expression": "params.data.max == '1'"}])
    reference = {"name": "x", "parameterNotFoundAction": "Deny"}
    assert [one.message for one in lint(value, binding(paramRef=reference))] == ["params.data may be absent: then the expression fails"]


def test_guards_in_variables_and_conditions_count() -> None:
    paused = [{"name": "paused", "expression": "has(object.spec.paused)"}]
    by_variable = policy(variables=paused, validations=[{"expression": "!variables.paused || object.spec.paused"}])
    by_condition = policy(
        matchConditions=[{"name": "paused", "expression": "has(object.spec.paused)"}], validations=[{"expression": "object.spec.paused == true"}]
    )
    filtered = policy(
        variables=[{"name": "with", "expression": "object.spec.template.spec.containers.filter(c, has(c.env))"}],
        validations=[{"expression": "variables.with.all(c, c.env.size() < 9)"}],
    )
    for value in (by_variable, by_condition, filtered):
        assert [one for one in checks(value, binding()) if one in OPTIONAL_ADVICE] == []


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("'replicas: ' + string(object.spec.replicas)", ""),
        ("'a'", ""),
        ("'paused: ' + string(object.spec.paused)", "reads object.spec.paused, which may be absent"),
        ("string(object.spec.template.spec.containers[0].name)", "reads an element of a list, which may be shorter"),
        ("string(int(object.metadata.name))", "calls int() with what may not parse"),
        ("string(10 / object.spec.replicas)", "divides by what may be zero"),
    ],
)
def test_messages_that_may_fail(expression: str, words: str) -> None:
    found = [one.message for one in lint(policy(validations=[{"expression": "true", "messageExpression": expression}]), binding())]
    assert [one for one in found if "messageExpression" in one] == ([f"the messageExpression may fail: it {words}"] if words else [])


@pytest.mark.parametrize(
    ("expression", "words"),
    [
        ("quantity('1 K').isInteger()", "always fails: quantities must match the regular expression"),
        ("quantity('1Ki').isInteger()", ""),
    ],
)
def test_literals_that_do_not_parse(expression: str, words: str) -> None:
    found = [one.message for one in lint(policy(validations=[{"expression": expression}]), binding()) if one.check == "bad-literal"]
    assert len(found) == bool(words)
    assert all(words in one for one in found)

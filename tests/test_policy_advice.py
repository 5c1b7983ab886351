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


def test_an_object_without_a_name_is_not_missed_by_others() -> None:
    nameless = {**policy(), "metadata": {"generateName": "p-"}}
    assert checks(nameless, nameless) == []


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
    found = [one.message for one in lint(policy(validations=[{"expression": "object.metadata.name != 'a'", "messageExpression": expression}]), binding())]
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


PODS = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE", "DELETE"], "resources": ["pods", "pods/ephemeralcontainers"]}
LEFT_OUT = [{"name": "not-deleted", "expression": "request.operation != 'DELETE'"}]


def about_pods(expression: str, rule: dict[str, Any] | None = None, **spec: Any) -> list[tuple[str, str]]:
    constraints = {"resourceRules": [{**PODS, **(rule or {})}]}
    found = lint(policy(matchConstraints=constraints, validations=[{"expression": expression}], **spec), binding())
    return [(one.check, one.message) for one in found]


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("request.operation == 'DELETE' || object.metadata.name != 'a'", None),
        ("object == null || object.metadata.name != 'a'", None),
        ("object != null ? object.metadata.name != 'a' : oldObject.metadata.name != 'a'", None),
        ("(object != null ? object : oldObject).metadata.name != 'a'", None),
        ("request.operation in ['CREATE', 'UPDATE'] ? object.metadata.name != 'a' : true", None),
        ("request.operation == 'CREATE' || oldObject.metadata.name != 'a'", None),
        ("request.operation != 'UPDATE' || oldObject.metadata.name == object.metadata.name", None),
        ("oldObject == null || oldObject.metadata.name != 'a'", None),
        ("null == oldObject || oldObject.metadata.name != 'a'", None),
        ("dyn(oldObject) == null || oldObject.metadata.name != 'a'", None),
        ("type(oldObject) == null_type || oldObject.metadata.name != 'a'", None),
        ("!has(oldObject.metadata) || oldObject.metadata.name != 'a'", None),
        ("oldObject.?metadata.?name.orValue('') != 'a'", None),
        ("oldObject[?'metadata'].?name.orValue('') != 'a'", None),
        ("oldObject == object", None),
        ("object.metadata.name != 'a'", "object is null for DELETE: then the expression fails at object.metadata"),
        ("object['metadata'].name != 'a'", "object is null for DELETE: then the expression fails at object.metadata"),
        ("oldObject.metadata.name != 'a'", "oldObject is null for CREATE: then the expression fails at oldObject.metadata"),
        ("request.operation != 'CREATE' || oldObject.metadata.name != 'a'", "oldObject is null for CREATE: then the expression fails at oldObject.metadata"),
        ("!has(oldObject.metadata.labels)", "oldObject is null for CREATE: then the expression fails at oldObject.metadata"),
        ("request.operation == 'UPDATE' ? true : object.metadata.name != 'a'", "object is null for DELETE: then the expression fails at object.metadata"),
    ],
)
def test_objects_that_are_null(expression: str, told: str | None) -> None:
    assert about_pods(expression) == ([("null-object", told)] if told else [])


def test_what_is_null_hangs_on_what_is_matched() -> None:
    assert about_pods("object.metadata.name != 'a'", matchConditions=LEFT_OUT) == []
    assert about_pods("object.metadata.name != 'a'", {"operations": ["CREATE", "UPDATE"]}) == []
    assert about_pods("oldObject.metadata.name != 'a'", {"operations": ["UPDATE", "DELETE"]}) == []
    assert about_pods("oldObject.metadata.name != 'a'", {"resources": ["pods/ephemeralcontainers"], "operations": ["*"]}) == []
    assert [check for check, _ in about_pods("object.metadata.name != 'a'", {"operations": ["*"]})] == ["null-object"]
    connected = about_pods("oldObject.metadata.name != 'a'", {"resources": ["pods/exec"], "operations": ["CONNECT"]})
    assert [message for check, message in connected if check == "null-object"] == [
        "oldObject is null for CONNECT: then the expression fails at oldObject.metadata"
    ]


def test_a_variable_may_lean_on_what_is_asked_where_it_is_read() -> None:
    old = [{"name": "old", "expression": "[oldObject.metadata.name]"}, {"name": "names", "expression": "variables.old"}]
    assert about_pods("request.operation != 'UPDATE' || 'a' in variables.names", variables=old) == []
    [(check, message)] = about_pods("'a' in variables.names", variables=old)
    assert (check, message) == ("null-object", "oldObject is null for CREATE: then the expression fails at oldObject.metadata")
    asked = [{"name": "updated", "expression": "oldObject != null && object != null"}]
    assert about_pods("!variables.updated || oldObject.metadata.name == object.metadata.name", variables=asked) == []


def test_messages_of_objects_that_are_null() -> None:
    rule = {"resourceRules": [PODS]}
    spec = {"expression": "object == null || object.metadata.name != 'a'", "messageExpression": "'not ' + object.metadata.name"}
    assert lint(policy(matchConstraints=rule, validations=[spec]), binding()) == [], "no message for DELETE, which passes"
    spec = {"expression": "oldObject == null || oldObject.metadata.name != 'a'", "messageExpression": "'not ' + object.metadata.name"}
    [found] = lint(policy(matchConstraints=rule, validations=[spec]), binding())
    assert found.message == "the messageExpression may fail: it reads object.metadata, when object is null"


@pytest.mark.parametrize(
    ("expression", "rule", "told"),
    [
        ("request.subResource == ''", {}, "request.subResource may be absent: then the expression fails"),
        ("!has(request.subResource) || request.subResource == 'x'", {}, None),
        ("request.?subResource.orValue('') == 'ephemeralcontainers'", {}, None),
        ("request.subResource == 'ephemeralcontainers'", {"resources": ["pods/ephemeralcontainers"]}, None),
        ("request.namespace == 'a'", {}, None),
        ("request.namespace == 'a'", {"resources": ["nodes"]}, "request.namespace may be absent: then the expression fails"),
        ("request.namespace == 'a'", {"resources": ["namespaces"]}, None),
        ("request.name == 'a'", {}, "request.name may be absent for DELETE, as of a whole collection: then the expression fails"),
        ("request.operation == 'DELETE' || request.name == 'a'", {}, None),
        ("request.name == 'a'", {"operations": ["CREATE"]}, None),
        ("request.userInfo.username == 'a' && 'b' in request.userInfo.groups", {}, None),
        ("request.userInfo.uid == 'a'", {}, "request.userInfo.uid may be absent: then the expression fails"),
        ("'a' in request.userInfo.extra", {}, "request.userInfo.extra may be absent: then the expression fails"),
        ("has(request.userInfo.extra) && 'a' in request.userInfo.extra", {}, None),
    ],
)
def test_fields_of_the_request_that_may_be_absent(expression: str, rule: dict[str, Any], told: str | None) -> None:
    assert about_pods(expression, rule) == ([("unguarded-field", told)] if told else [])


@pytest.mark.parametrize(
    ("expression", "told", "hint"),
    [
        ("object.kind != 'Pods'", "object.kind is never 'Pods': the policy matches nothing that is called so", "did you mean 'Pod'?"),
        ("object.kind in ['pod', 'Deployment']", "object.kind is never 'pod': the policy matches nothing that is called so", "did you mean 'Pod'?"),
        ("request.kind.kind != 'Foo'", "request.kind.kind is never 'Foo': the policy matches nothing that is called so", ""),
        (
            "'pod' != request.resource.resource",
            "request.resource.resource is never 'pod': the policy matches nothing that is called so",
            "did you mean 'pods'?",
        ),
        ("request.operation != 'create'", "request.operation is never 'create': there are CREATE, UPDATE, DELETE, CONNECT", "did you mean 'CREATE'?"),
        ("request.operation in ['CREATE', 'PATCH']", "request.operation is never 'PATCH': there are CREATE, UPDATE, DELETE, CONNECT", ""),
        ("object.kind != 'Deployment' && request.resource.resource != 'deployments' && request.operation != 'CONNECT'", None, ""),
        ("object.kind != '' && object.metadata.name != 'Pods'", None, ""),
    ],
)
def test_literals_that_are_never_met(expression: str, told: str | None, hint: str) -> None:
    constraints = {"resourceRules": [{**PODS, "operations": ["CREATE", "UPDATE"]}]}
    found = lint(policy(matchConstraints=constraints, validations=[{"expression": expression}]), binding())
    assert [(one.check, one.message, one.hint) for one in found] == ([("never-equal", told, hint)] if told else [])


EVERY = {"apiGroups": ["*"], "resources": ["*"]}


@pytest.mark.parametrize(
    ("rule", "expression", "told"),
    [
        (EVERY, "object.metadata.nmae != 'a'", "undefined field 'nmae' in objects of any kind (<input>:1:16)"),
        (EVERY, "!has(object.metadata.lables)", "undefined field 'lables' in objects of any kind, so it is never there (<input>:1:5)"),
        (EVERY, "object.metadata.labels.a == 'b'", "object.metadata.labels may be absent in objects of any kind: then the expression fails"),
        (EVERY, "object.spec.anything.at.all == 1 && !has(object.whatever)", None),
        (EVERY, "object.kind == 'Pod' ? object.spec.x == 1 : object.kind == 'Foo' || object.data.y == 2", None),
        ({"apiGroups": ["example.com"], "resources": ["foos"]}, "object.metadata.nmae != 'a'", "undefined field 'nmae' in objects of any kind (<input>:1:16)"),
        (
            {"apiGroups": ["", "example.com"], "resources": ["pods", "foos"]},
            "object.metadata.nmae != 'a'",
            "undefined field 'nmae' in v1 Pod, objects of any other kind (<input>:1:16)",
        ),
        ({"apiGroups": ["apps"], "resources": ["*"]}, "object.spec.replicsa > 1", None),
    ],
)
def test_wildcards_are_followed(rule: dict[str, Any], expression: str, told: str | None) -> None:
    constraints = {"resourceRules": [{**PODS, "operations": ["UPDATE"], **rule}]}
    found = [one.message for one in lint(policy(matchConstraints=constraints, validations=[{"expression": expression}]), binding())]
    if "replicsa" in expression:
        told = "undefined field 'replicsa' in apps/v1 DaemonSet, apps/v1 Deployment, apps/v1 ReplicaSet, apps/v1 StatefulSet (<input>:1:12)"
        assert "undefined field 'spec' in apps/v1 ControllerRevision (<input>:1:7)" in found
        found = [one for one in found if "ControllerRevision" not in one]
    assert found == ([told] if told else [])


def test_pods_that_a_wildcard_matches() -> None:
    every = {"apiGroups": ["*"], "resources": ["*"], "operations": ["CREATE", "UPDATE"]}
    found = [check for check, _ in about_pods("object.kind != 'Pod' || object.spec.containers.all(c, c.image != 'x')", every)]
    assert sorted(found) == ["forgotten-containers", "forgotten-containers", "pods-ephemeralcontainers"]
    assert about_pods("object.metadata.name != 'x'", every) == []
    created = {"operations": ["CREATE"]}  # ephemeral containers are never created with the pod
    told = [check for check, _ in about_pods("object.spec.containers.all(c, c.image != 'x')", created)]
    assert sorted(told) == ["forgotten-containers", "forgotten-containers", "pods-ephemeralcontainers"]


def test_a_field_of_parameters_is_told_as_theirs() -> None:
    rule = {"resourceRules": [{**PODS, "operations": ["CREATE", "UPDATE"]}]}
    spec = {"paramKind": {"apiVersion": "v1", "kind": "ConfigMap"}, "validations": [{"expression": "!has(params.dta)"}]}
    reference = {"name": "a", "parameterNotFoundAction": "Deny"}
    [found] = lint(policy(matchConstraints=rule, **spec), binding(paramRef=reference))
    assert found.message == "undefined field 'dta' in params, so it is never there (<input>:1:5)"

"""The oracle itself: verdicts that are known from the sources and documentation of Kubernetes. Builds take minutes, so it runs with `make conformance`."""

from __future__ import annotations

import copy
import os
import shutil
from collections.abc import Iterator
from typing import Any

import client
import pytest

pytestmark = [
    pytest.mark.skipif(os.environ.get("HOSTPROCESS_ORACLE") != "1", reason="builds the API server's code for minutes: run `make conformance`"),
    pytest.mark.skipif(shutil.which("go") is None, reason="the oracle is built with Go, and there is no `go` on the PATH"),
]

Json = dict[str, Any]

POD: Json = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": [{"name": "c", "image": "x"}]}}
GROUP = "admissionregistration.k8s.io/v1"
PODS = {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["pods"]}]}


def policy(name: str, *validations: Json, **spec: Any) -> Json:
    return {
        "apiVersion": GROUP,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {"matchConstraints": PODS, "validations": list(validations), **spec},
    }


def binding(name: str, policy_name: str, *actions: str, **spec: Any) -> Json:
    return {
        "apiVersion": GROUP,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {"policyName": policy_name, "validationActions": list(actions), **spec},
    }


CLUSTER = [
    policy(
        "names",
        {"expression": "object.metadata.name == 'b'", "message": "not b"},
        {"expression": "object.spec.nope == 1"},
        {"expression": "false", "reason": "Forbidden", "messageExpression": "'name ' + object.metadata.name"},
    ),
    binding("names-deny", "names", "Deny"),
    binding("names-warn", "names", "Warn"),
    policy("params", {"expression": "params.data.name == object.metadata.name"}, paramKind={"apiVersion": "v1", "kind": "ConfigMap"}),
    binding("params", "params", "Deny", paramRef={"name": "names", "namespace": "default", "parameterNotFoundAction": "Deny"}),
    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "names", "namespace": "default"}, "data": {"name": "z"}},
    policy("unknown", {"expression": "true"}, paramKind={"apiVersion": "example.com/v1", "kind": "Rule"}),
    binding("unknown", "unknown", "Warn", paramRef={"name": "x", "parameterNotFoundAction": "Allow"}),
    binding("unknown-too", "unknown", "Warn", paramRef={"name": "x", "parameterNotFoundAction": "Allow"}),
    policy("audited", {"expression": "true"}, auditAnnotations=[{"key": "name", "valueExpression": "'name ' + object.metadata.name"}]),
    binding("audited", "audited", "Audit"),
    policy("authorized", {"expression": "authorizer.group('').resource('pods').namespace('default').check('get').allowed()"}),
    binding("authorized", "authorized", "Deny"),
    {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "reader"},
        "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}],
    },
    {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "readers"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "reader"},
        "subjects": [{"kind": "User", "name": "jane", "apiGroup": "rbac.authorization.k8s.io"}],
    },
]


@pytest.fixture(scope="module", params=client.MINORS)
def oracle(request: pytest.FixtureRequest) -> Iterator[client.Oracle]:
    with client.Oracle(request.param) as running:
        assert running.ask({"op": "cluster", "objects": CLUSTER}) == {"policies": 5}
        yield running


def cel(oracle: client.Oracle, expression: str, kind: str = "variable", **more: Any) -> Json:
    return oracle.ask({"op": "cel", "kind": kind, "expression": expression, "object": POD, **more})


@pytest.mark.parametrize(
    ("expression", "kind", "expected"),
    [
        ("object.metadata.name", "variable", {"type": "dyn", "value": "a", "cost": 3, "error": ""}),
        ("object.metadata.name == 'a'", "validation", {"type": "bool", "value": True, "cost": 4}),
        ("object.spec.nope", "variable", {"error": "no such key: nope", "pluginError": "expression 'object.spec.nope' resulted in error: no such key: nope"}),
        ("1.0", "variable", {"value": 1.0, "type": "double"}),
        ("duration('90m')", "variable", {"value": {"$type": "duration", "value": "1h30m0s"}}),
        ("{1: 2u}", "variable", {"value": {"$type": "map", "value": [[1, {"$type": "uint", "value": 2}]]}}),
    ],
)
def test_cel(oracle: client.Oracle, expression: str, kind: str, expected: Json) -> None:
    answer = cel(oracle, expression, kind)
    assert {name: answer[name] for name in expected} == expected


def test_cel_differs_between_releases(oracle: client.Oracle) -> None:
    """From 1.31 on the type is told and a question to the authorizer is dear (StrictCostEnforcementForVAP)."""
    old = oracle.minor == "1.30"
    error = "must evaluate to one of [string null_type]"
    assert cel(oracle, "1", "audit")["compileError"] == (error if old else f"{error} but got int")
    answer = cel(oracle, "authorizer.path('/x').check('get').allowed()", "validation")
    assert (answer["value"], answer["cost"]) == (False, 4 if old else 350_003)


def test_cel_variables_cost_once(oracle: client.Oracle) -> None:
    answer = cel(oracle, "variables.name + variables.name", variables=[{"name": "name", "expression": "object.metadata.name"}])
    assert (answer["value"], answer["cost"] - answer["ownCost"]) == ("aa", 3)


def test_cel_libraries_come_with_releases(oracle: client.Oracle) -> None:
    known = not cel(oracle, "isSemver('1.0.0')", "validation")["compileError"]
    assert known == (oracle.minor != "1.30")
    stored, new = (cel(oracle, "[1].includes(1)", "validation", new=new)["compileError"] for new in (False, True))
    assert (bool(stored), bool(new)) == (oracle.minor != "1.37", True)


def test_admit_defaults_and_canonical_quantities(oracle: client.Oracle) -> None:
    pod = copy.deepcopy(POD)
    pod["spec"]["containers"][0]["resources"] = {"limits": {"cpu": "1000m"}}
    answer = oracle.ask({"op": "admit", "operation": "CREATE", "object": pod})
    assert answer["errors"] == []
    seen = answer["object"]
    assert seen["metadata"]["namespace"] == "default"
    assert seen["spec"]["containers"][0]["resources"] == {"limits": {"cpu": "1"}, "requests": {"cpu": "1"}}
    assert "hostNetwork" not in seen["spec"]
    assert seen["status"] == {"phase": "Pending", "qosClass": "Burstable"}


def test_admit_plugins(oracle: client.Oracle) -> None:
    answer = oracle.ask({"op": "admit", "operation": "CREATE", "object": POD, "plugins": ["ServiceAccount", "Priority", "DefaultTolerationSeconds"]})
    spec = answer["object"]["spec"]
    assert (spec["serviceAccountName"], spec["priority"], len(spec["tolerations"]), len(spec["volumes"])) == ("default", 0, 2, 1)


def test_admit_refuses(oracle: client.Oracle) -> None:
    unknown = {**POD, "spec": {**POD["spec"], "hostProces": True}}
    assert oracle.ask({"op": "admit", "operation": "CREATE", "object": unknown})["decodeError"] == 'strict decoding error: unknown field "spec.hostProces"'
    invalid = {**POD, "spec": {**POD["spec"], "restartPolicy": "x"}}
    (error,) = oracle.ask({"op": "admit", "operation": "CREATE", "object": invalid})["errors"]
    assert error["message"].startswith('spec.restartPolicy: Unsupported value: "x": supported values: "Always"')


def test_admit_update(oracle: client.Oracle) -> None:
    changed = copy.deepcopy(POD)
    changed["spec"]["hostNetwork"] = True
    (error,) = oracle.ask({"op": "admit", "operation": "UPDATE", "object": changed, "oldObject": POD})["errors"]
    assert error["field"] == "spec"
    assert "pod updates may not change fields other than" in error["message"]


def test_admit_old_object(oracle: client.Oracle) -> None:
    stored = copy.deepcopy(POD)
    stored["metadata"] |= {"uid": "b3f7", "namespace": "default"}
    stored["status"] = {"phase": "Running"}
    answer = oracle.ask({"op": "admit", "operation": "UPDATE", "object": POD, "oldObject": stored})
    assert (answer["errors"], answer["object"]["metadata"]["uid"], answer["object"]["status"]["phase"]) == ([], "b3f7", "Running")
    invalid = {**POD, "spec": {**POD["spec"], "restartPolicy": "x"}}
    (error,) = oracle.ask({"op": "admit", "operation": "UPDATE", "object": POD, "oldObject": invalid})["errors"]
    assert error["message"].startswith("oldObject: spec.restartPolicy: Unsupported value")


def review(oracle: client.Oracle, *policies: str, user: str = "joe", **request: Any) -> Json:
    given = {"operation": "CREATE", "object": POD, "userInfo": {"username": user}, **request}
    return oracle.ask({"op": "review", "policies": list(policies), "request": given})


def test_review_tells_every_denial(oracle: client.Oracle) -> None:
    answer = review(oracle, "names")
    assert not answer["allowed"]
    assert answer["status"]["message"] == "pods \"a\" is forbidden: ValidatingAdmissionPolicy 'names' with binding 'names-deny' denied request: not b"
    assert [(d["binding"], d["message"], d["reason"], d["code"], d["expressionIndex"]) for d in answer["denials"]] == [
        ("names-deny", "not b", "Invalid", 422, 0),
        ("names-deny", "expression 'object.spec.nope == 1' resulted in error: no such key: nope", "Invalid", 422, 1),
        ("names-deny", "name a", "Forbidden", 403, 2),
    ]
    assert answer["warnings"][0] == "Validation failed for ValidatingAdmissionPolicy 'names' with binding 'names-warn': not b"
    assert len(answer["warnings"]) == 3


def test_review_params_and_faulty_configuration(oracle: client.Oracle) -> None:
    (denial,) = review(oracle, "params")["denials"]
    assert denial["message"] == "failed expression: params.data.name == object.metadata.name"
    (denial,) = review(oracle, "unknown")["denials"]
    assert denial["message"] == "failed to configure policy: failed to find resource referenced by paramKind: 'example.com/v1, Kind=Rule'"
    assert denial["binding"] == ""


def test_review_audit_and_authorizer(oracle: client.Oracle) -> None:
    answer = review(oracle, "audited")
    assert (answer["allowed"], answer["auditAnnotations"]) == (True, {"audited/name": "name a"})
    assert review(oracle, "authorized", user="jane")["allowed"]
    assert not review(oracle, "authorized", user="joe")["allowed"]


def test_review_delete_and_other_kinds(oracle: client.Oracle) -> None:
    answer = review(oracle, "audited", operation="DELETE", object=None, oldObject=POD)
    assert [d["message"] for d in answer["denials"]] == ["expression ''name ' + object.metadata.name' resulted in error: no such key: metadata"]
    assert review(oracle, object={"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}})["allowed"]


def test_authorize(oracle: client.Oracle) -> None:
    attributes = {"user": "jane", "verb": "get", "resource": "pods", "namespace": "x"}
    answer = oracle.ask({"op": "authorize", "attributes": attributes})
    assert answer == {"allowed": True, "reason": 'RBAC: allowed by ClusterRoleBinding "readers" of ClusterRole "reader" to User "jane"', "error": ""}
    assert not oracle.ask({"op": "authorize", "attributes": {**attributes, "verb": "list"}})["allowed"]


def test_authorize_with_the_roles_of_the_server_and_aggregation(oracle: client.Oracle) -> None:
    own = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "widgets"}}
    own["metadata"]["labels"] = {"rbac.authorization.k8s.io/aggregate-to-edit": "true"}
    own["rules"] = [{"apiGroups": ["example.com"], "resources": ["widgets"], "verbs": ["create"]}]
    bound = {**CLUSTER[-1], "metadata": {"name": "ann"}, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"}}
    bound["subjects"] = [{"kind": "User", "name": "ann", "apiGroup": "rbac.authorization.k8s.io"}]
    try:
        assert oracle.ask({"op": "cluster", "objects": [own, bound], "bootstrapRBAC": True}) == {"policies": 0}
        for attributes, allowed in [
            ({"user": "ann", "verb": "create", "group": "example.com", "resource": "widgets"}, True),
            ({"user": "ann", "verb": "delete", "group": "", "resource": "pods"}, True),
            ({"user": "ann", "verb": "delete", "group": "", "resource": "nodes"}, False),
            ({"user": "root", "groups": ["system:masters"], "verb": "delete", "group": "", "resource": "nodes"}, True),
            ({"user": "joe", "groups": ["system:authenticated"], "verb": "get", "path": "/healthz"}, True),
        ]:
            assert oracle.ask({"op": "authorize", "attributes": attributes})["allowed"] == allowed, attributes
    finally:
        oracle.ask({"op": "cluster", "objects": CLUSTER})


def test_validate_policy(oracle: client.Oracle) -> None:
    faulty = policy("p", {"expression": "object.metadata.name"}, {"expression": "true", "reason": "Foo"})
    errors = [e["message"] for e in oracle.ask({"op": "validatePolicy", "object": faulty})["errors"]]
    got = "" if oracle.minor == "1.30" else " but got dyn"
    assert errors[0] == f'spec.validations[0].expression: Invalid value: "object.metadata.name": must evaluate to bool{got}'
    assert errors[1].startswith('spec.validations[1].reason: Unsupported value: "Foo"')
    both = binding("b", "p", "Deny", "Warn")
    (error,) = oracle.ask({"op": "validatePolicy", "object": both})["errors"]
    assert "must not contain both Deny and Warn" in error["message"]


def test_type_check(oracle: client.Oracle) -> None:
    checked = policy("p", {"expression": "object.spec.containers == 'x'"}, {"expression": "object.spec.hostNetwork == true"})
    (warning,) = oracle.ask({"op": "typeCheck", "object": checked})["expressionWarnings"]
    assert warning["fieldRef"] == "spec.validations[0].expression"
    assert warning["warning"].startswith("/v1, Kind=Pod: ERROR: <input>:1:24: found no matching overload for '_==_'")


def test_client_stays_in_step_after_a_failure(oracle: client.Oracle) -> None:
    good = {"op": "cel", "kind": "variable", "expression": "1"}
    with pytest.raises(client.OracleError, match='unknown op "nope"'):
        list(oracle.ask_many([good, {"op": "nope"}, good, good]))
    assert [a["value"] for a in oracle.ask_many({**good, "expression": str(i)} for i in range(500))] == list(range(500))

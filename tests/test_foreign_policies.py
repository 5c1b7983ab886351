"""Policies of other people through the public API: requests of every operation, users, bindings, messages, annotations, bad input."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

import hostprocess
from hostprocess.model import Result
from hostprocess.schema import schema
from support import namespace, pod

Write = Callable[[str, Any], str]
KIND = "ValidatingAdmissionPolicy"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(name: str, value: Any) -> str:
        (tmp_path / name).write_text(value if isinstance(value, str) else yaml.safe_dump_all(value))
        return str(tmp_path / name)

    return write_file


def rule(resources: str = "*/*", operations: str = "*") -> dict[str, Any]:
    return {"apiGroups": ["*"], "apiVersions": ["*"], "operations": [operations], "resources": [resources]}


def vap(*validations: str | dict[str, Any], name: str = "p", **spec: Any) -> dict[str, Any]:
    listed = [{"expression": one} if isinstance(one, str) else one for one in validations]
    body = {"matchConstraints": {"resourceRules": [rule()]}, "validations": listed, **spec}
    return {"apiVersion": "admissionregistration.k8s.io/v1", "kind": KIND, "metadata": {"name": name}, "spec": body}


def bound(*actions: str, name: str = "b", policy: str = "p", **spec: Any) -> dict[str, Any]:
    body = {"policyName": policy, "validationActions": list(actions) or ["Deny"], **spec}
    return {"apiVersion": "admissionregistration.k8s.io/v1", "kind": f"{KIND}Binding", "metadata": {"name": name}, "spec": body}


def check(write: Write, policies: list[dict[str, Any]], *manifests: dict[str, Any], **arguments: Any) -> hostprocess.Report:
    loaded = hostprocess.load_policies([write("policies.yaml", policies)], assume_binding=arguments.pop("assume_binding", ""))
    return hostprocess.check_files([write("manifests.yaml", manifests)], loaded, **arguments)


def outcomes(report: hostprocess.Report) -> list[tuple[str, str]]:
    return [(str(one.decision.outcome), one.decision.message) for one in report.results]


def only(report: hostprocess.Report) -> Result:
    (found,) = report.results
    return found


# Requests.


@pytest.mark.parametrize(
    ("arguments", "expression", "outcome"),
    [
        ({}, "request.operation == 'CREATE' && oldObject == null", "allow"),
        ({"operation": "DELETE"}, "object == null && oldObject.metadata.name == 'p'", "allow"),
        ({"operation": "UPDATE"}, "oldObject.metadata.name == 'p'", "unknown"),
        ({"operation": "UPDATE", "subresource": "status"}, "request.subResource == 'status'", "allow"),
        ({}, "has(request.subResource)", "deny"),
        ({"operation": "CONNECT", "subresource": "exec"}, "request.kind.kind == 'PodExecOptions' && request.name == 'p'", "allow"),
        ({"operation": "CONNECT", "subresource": "exec"}, "object.stdin", "unknown"),
        ({"user": "bob"}, "request.userInfo.username == 'bob'", "allow"),
        ({"user": "bob"}, "'system:authenticated' in request.userInfo.groups", "allow"),
        ({"user": "bob", "groups": ["ops"]}, "'ops' in request.userInfo.groups", "allow"),
        ({"user": "bob", "user_extra": {"k": ["v"]}}, "request.userInfo.extra['k'] == ['v']", "allow"),
        ({"user": "system:serviceaccount:shop:robot"}, "'system:serviceaccounts:shop' in request.userInfo.groups", "allow"),
        ({}, "request.userInfo.username == 'bob'", "unknown"),
        ({}, "!request.dryRun", "allow"),
        ({}, "request.options.kind == 'CreateOptions'", "unknown"),
        ({"assumed_namespace_labels": {"team": "a"}}, "namespaceObject.metadata.labels.team == 'a'", "allow"),
        ({}, "namespaceObject.metadata.labels.team == 'a'", "unknown"),
        ({}, "object.metadata.uid == ''", "unknown"),
        ({"raw": True}, "has(object.metadata.uid)", "deny"),
        ({}, "object.spec.restartPolicy == 'Always'", "allow"),
        ({"raw": True}, "has(object.spec.restartPolicy)", "deny"),
        ({"admission_plugins": ["DefaultTolerationSeconds"]}, "size(object.spec.tolerations) == 2", "allow"),
        ({"runtime": "cpp"}, "object.spec.restartPolicy == 'Always'", "allow"),
        ({"expression_timeout": 5.0}, "object.spec.restartPolicy == 'Always'", "allow"),
    ],
)
def test_requests(write: Write, arguments: dict[str, Any], expression: str, outcome: str) -> None:
    expression = f"{expression} == true" if expression == "object.stdin" else expression
    report = check(write, [vap(expression), bound()], pod(), show_all=True, **arguments)
    assert [str(one.decision.outcome) for one in report.results] == [outcome]


MISSPELT: dict[str, Any] = {"hostNetwrok": True}


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize(
    ("arguments", "spec", "outcomes", "problems"),
    [
        ({}, MISSPELT, [], ["spec.hostNetwrok: unknown field: did you mean 'hostNetwork'?"]),
        ({"raw": True}, MISSPELT, ["deny"], []),
        ({"raw": True}, {"nodeName": 7}, ["deny"], []),
        ({"raw": True}, {"nodeName": None}, ["deny"], []),
        ({"field_validation": "ignore"}, MISSPELT, ["allow"], []),
    ],
)
@pytest.mark.parametrize("old", [False, True])
def test_what_is_checked_of_fields(write: Write, arguments: dict[str, Any], spec: Any, outcomes: Any, problems: Any, old: bool, jobs: int) -> None:
    """`raw` checks nothing, not even the objects of --old, and nulls stay where they are written."""
    value = pod("a")
    value["spec"] |= spec
    key = next(iter(spec))
    if old:
        arguments = {**arguments, "operation": "UPDATE", "old": [write("old.yaml", [value])]}

    def run() -> hostprocess.Report:
        return check(write, [vap(f"!('{key}' in object.spec)"), bound()], value, pod("b"), show_all=True, jobs=jobs, **arguments)

    if old and problems:
        with pytest.raises(hostprocess.InputError, match=re.escape(problems[0])):
            run()
        return
    report = run()
    assert [str(one.decision.outcome) for one in report.results if one.name == "a"] == outcomes
    assert [one.message for one in report.problems if "Pod b" not in one.message] == problems


def test_an_update_is_joined_with_the_stored_object(write: Write) -> None:
    policy = vap("object.metadata.labels.v == oldObject.metadata.labels.v")
    stored = [pod("a", labels={"v": "1"}), pod("b", labels={"v": "1"}), pod("unused")]
    manifests = [pod("a", labels={"v": "1"}), pod("b", labels={"v": "2"}), pod("new", labels={"v": "1"})]
    for jobs in (1, 2):
        report = check(write, [policy, bound()], *manifests, operation="UPDATE", old=[write("old.yaml", stored)], jobs=jobs)
        assert [(one.name, one.operation, str(one.decision.outcome)) for one in report.results] == [("b", "UPDATE", "deny")]
        assert [(one.message, one.note) for one in report.problems] == [
            ("Pod new: there is no object of this kind, namespace and name among those of --old", False),
            ("--old: nothing updates the Pod 'unused'", True),
        ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"old": ["x"]}, "--old is for --operation UPDATE: CREATE replaces nothing"),
        ({"old": ["x"], "operation": "DELETE"}, "DELETE is about the objects themselves"),
        ({"groups": ["g"]}, "--group and --user-extra say more about --user"),
        ({"operation": "PATCH"}, "there is no operation 'PATCH'; there are CREATE, UPDATE, DELETE, CONNECT"),
        ({"operation": "CONNECT", "subresource": ""}, "--operation CONNECT needs --subresource"),
        ({"raw": True, "field_validation": "warn"}, "--raw takes objects as they are written"),
        ({"field_validation": "loose"}, "there is no field validation 'loose'"),
        ({"admission_plugins": ["Nope"]}, "the admission plug-in 'Nope' is not imitated"),
    ],
)
def test_arguments_that_make_no_sense(write: Write, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(hostprocess.UsageError, match=message):
        check(write, [vap("true"), bound()], pod(), **arguments)


def review(**changed: Any) -> dict[str, Any]:
    gvk, gvr = {"group": "", "version": "v1", "kind": "Pod"}, {"group": "", "version": "v1", "resource": "pods"}
    body = {"uid": "1", "kind": gvk, "resource": gvr, "name": "p", "namespace": "shop", "operation": "CREATE", "userInfo": {"username": "bob"}}
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {**body, "object": pod(), "options": None, **changed}}


def test_admission_reviews_are_the_requests_they_hold(write: Write) -> None:
    policy = vap("request.userInfo.username == 'bob'", "!has(object.spec.restartPolicy)", "request.operation != 'DELETE'")
    report = check(write, [policy, bound()], review(), review(operation="DELETE", oldObject=pod(), object=None), operation="UPDATE", show_all=True)
    assert [(one.operation, one.name, one.decision.rule, str(one.decision.outcome)) for one in report.results if one.decision.outcome != "allow"] == [
        ("DELETE", "p", "validations[1]", "error"),
        ("DELETE", "p", "validations[2]", "deny"),
    ]


def test_a_broken_admission_review_is_told(write: Write) -> None:
    report = check(write, [vap("true"), bound()], review(operation="PATCH"), review(object={"metadata": [1]}))
    assert [one.message for one in report.problems] == [
        "AdmissionReview: request.operation must be one of CREATE, UPDATE, DELETE, CONNECT, not 'PATCH'",
        ": metadata must be a mapping".lstrip(": "),
    ]
    assert report.summary.resources == 2


# What is said.


def test_texts_reasons_and_codes(write: Write) -> None:
    validations = [
        {"expression": "object.spec.hostNetwork", "message": "x"},
        "false",
        {"expression": "false", "message": " told ", "reason": "Forbidden"},
        {"expression": "false", "messageExpression": "'p is ' + object.metadata.name", "reason": "RequestEntityTooLarge"},
        {"expression": "false", "messageExpression": "object.metadata.nope + ''", "message": "fallback"},
        {"expression": "false", "messageExpression": "'a\\nb'"},
        "object.spec.nope == 1",
    ]
    report = check(write, [vap(*validations[1:]), bound()], pod())
    denied = "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: "
    told = [(one.decision.message, one.decision.reason, one.decision.code, one.decision.client_message) for one in report.results]
    path = report.results.__iter__().__next__().path
    refused = f'Error from server ({{}}): error when creating "{path}": pods "p" is forbidden: {denied}'
    error = "expression 'object.spec.nope == 1' resulted in error: no such key: nope"
    assert told == [
        ("failed expression: false", "Invalid", 422, f'The pods "p" is invalid: : {denied}failed expression: false'),
        ("told", "Forbidden", 403, refused.format("Forbidden") + "told"),
        ("p is p", "RequestEntityTooLarge", 413, refused.format("RequestEntityTooLarge") + "p is p"),
        ("fallback", "Invalid", 422, f'The pods "p" is invalid: : {denied}fallback'),
        ("failed expression: false", "Invalid", 422, f'The pods "p" is invalid: : {denied}failed expression: false'),
        (error, "Invalid", 422, f'The pods "p" is invalid: : {denied}{error}'),
    ]


def test_an_expression_of_another_type_is_refused_with_its_line(write: Write) -> None:
    with pytest.raises(hostprocess.PolicyError, match=r"must evaluate to bool but got dyn: object\.spec\.hostNetwork") as caught:
        check(write, [vap("true", "object.spec.hostNetwork"), bound()], pod())
    text = Path(caught.value.path).read_text().splitlines()
    assert "object.spec.hostNetwork" in text[caught.value.line - 1]


def test_warnings(write: Write) -> None:
    report = check(write, [vap("false"), bound("Warn", "Audit")], pod())
    decision = only(report).decision
    warning = "Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': failed expression: false"
    assert (decision.warnings, decision.client_message, decision.code) == ((warning,), f"Warning: {warning}", 0)
    failure = {"message": "failed expression: false", "policy": "p", "binding": "b", "expressionIndex": 0, "validationActions": ["Warn", "Audit"]}
    assert json.loads(decision.audit_annotations["validation.policy.admission.k8s.io/validation_failure"]) == [failure]


def test_audit_annotations(write: Write) -> None:
    keys = {"name": "' n ' + object.metadata.name", "none": "null", "empty": "'  '", "long": "object.metadata.annotations.long"}
    policy = vap("true", auditAnnotations=[{"key": key, "valueExpression": f"{text} + ''" if key == "long" else text} for key, text in keys.items()])
    value = pod()
    value["metadata"]["annotations"] = {"long": "x" * 11_000}
    found = only(check(write, [policy, bound()], value, show_all=True)).decision
    assert dict(found.audit_annotations) == {"p/name": "n p", "p/long": "x" * 10_240}


@pytest.mark.parametrize(("failure_policy", "actions"), [("Fail", ("Deny",)), ("Ignore", None)])
def test_an_audit_annotation_that_fails_denies_whatever_the_actions(write: Write, failure_policy: str, actions: tuple[str, ...] | None) -> None:
    policy = vap("true", failurePolicy=failure_policy, auditAnnotations=[{"key": "k", "valueExpression": "object.nope + ''"}])
    report = check(write, [policy, bound("Audit")], pod())
    (found,) = (one.decision for one in report.results)
    assert (found.rule, found.actions, found.message) == (
        "auditAnnotations[k]",
        actions or (),
        "expression 'object.nope + ''' resulted in error: no such key: nope",
    )


def test_values_of_several_bindings_are_joined(write: Write) -> None:
    limits = [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "shop"}, "data": {"v": name}} for name in ("x1", "x2")]
    policy = vap("true", paramKind={"apiVersion": "v1", "kind": "ConfigMap"}, auditAnnotations=[{"key": "v", "valueExpression": "params.data.v + ''"}])
    bindings = [bound(name=name, paramRef={"name": name, "parameterNotFoundAction": "Deny"}) for name in ("x1", "x2")]
    report = check(write, [policy, *bindings, *limits], pod(), show_all=True)
    assert [one.decision.audit_annotations for one in report.results] == [{"p/v": "x1, x2"}] * 2


def test_the_json_report_carries_all_of_it(write: Write) -> None:
    policy = vap({"expression": "false", "reason": "Forbidden"}, auditAnnotations=[{"key": "k", "valueExpression": "'v'"}])
    stream = io.StringIO()
    hostprocess.write_report(check(write, [policy, bound("Warn")], pod()), stream, "json")
    report = json.loads(stream.getvalue())
    jsonschema.Draft202012Validator(schema("report")).validate(report)
    (found,) = report["results"]
    assert (found["reason"], found["code"], found["auditAnnotations"]) == ("Forbidden", 0, {"p/k": "v"})
    assert found["warnings"] == ["Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': failed expression: false"]


def test_the_text_report_shows_what_kubectl_prints(write: Write) -> None:
    policy = vap("false", auditAnnotations=[{"key": "k", "valueExpression": "'v'"}])
    stream = io.StringIO()
    hostprocess.write_report(check(write, [policy, bound()], pod()), stream)
    assert "    The pods \"p\" is invalid: : ValidatingAdmissionPolicy 'p' with binding 'b' denied request: failed expression: false\n" in stream.getvalue()
    assert "    audit p/k: v\n" in stream.getvalue()


# Budgets: section 7 of the rules of the API server.


def test_an_expression_that_costs_too_much(write: Write) -> None:
    heavy = "object.spec.containers[0].args.all(x, object.spec.containers[0].args.all(y, x + y != 'z'))"
    value = pod(containers=[{"name": "c", "image": "i", "args": [str(number) for number in range(1000)]}])
    report = check(write, [vap(heavy, "object.metadata.name == 'x'"), bound()], value)
    assert outcomes(report) == [
        ("error", f"expression '{heavy}' resulted in error: operation cancelled: actual cost limit exceeded"),
        ("deny", "failed expression: object.metadata.name == 'x'"),
    ]


@pytest.mark.parametrize(("failure_policy", "actions"), [("Fail", ("Deny",)), ("Ignore", ())])
def test_expressions_that_together_cost_too_much_are_one_error(write: Write, failure_policy: str, actions: tuple[str, ...]) -> None:
    heavy = "object.spec.containers[0].args.all(x, object.spec.containers[0].args.all(y, x + y != 'z{}'))"
    value = pod(containers=[{"name": "c", "image": "i", "args": [str(number) for number in range(330)]}])
    report = check(write, [vap("false", *(heavy.format(number) for number in range(16)), failurePolicy=failure_policy), bound()], value)
    found = only(report).decision
    assert (str(found.outcome), found.actions, found.rule) == ("error", actions, "")
    assert found.message == "validation failed due to running out of cost budget, no further validation rules will be run"


# Bindings.


def test_a_policy_without_binding_does_nothing_and_is_told(write: Write) -> None:
    report = check(write, [vap("false"), bound(), vap("false", name="lonely")], pod())
    assert [one.decision.policy for one in report.results] == ["p"]
    (note,) = report.problems
    assert note.note
    assert note.line > 1
    assert note.message.startswith("the policy 'lonely' has no ValidatingAdmissionPolicyBinding, so it does nothing: add one, or use --assume-binding")


def test_policies_that_all_do_nothing_are_an_error(write: Write) -> None:
    with pytest.raises(hostprocess.PolicyError, match="the policy 'p' has no ValidatingAdmissionPolicyBinding; without one a policy does nothing"):
        check(write, [vap("false")], pod())


@pytest.mark.parametrize("action", ["deny", "warn", "audit"])
def test_assumed_bindings(write: Write, action: str) -> None:
    report = check(write, [vap("false")], pod(), assume_binding=action)
    assert (str(only(report).decision.outcome), only(report).decision.binding) == (action, "assumed")
    with pytest.raises(hostprocess.UsageError, match="every policy has a binding"):
        check(write, [vap("false"), bound()], pod(), assume_binding=action)
    with pytest.raises(hostprocess.UsageError, match="there is no binding 'never' to assume"):
        check(write, [vap("false")], pod(), assume_binding="never")


def test_a_binding_of_nothing_is_told(write: Write) -> None:
    report = check(write, [vap("true"), bound(), bound(name="stray", policy="gone")], pod())
    assert [one.message for one in report.problems] == ["the binding 'stray' does nothing: there is no policy 'gone'"]
    with pytest.raises(hostprocess.PolicyError, match="holds no ValidatingAdmissionPolicy, only bindings"):
        check(write, [bound()], pod())
    with pytest.raises(hostprocess.PolicyError, match=r"the binding 'b' is also in .*\.yaml:\d+$"):
        check(write, [vap("true"), bound(), bound()], pod())


# Parameters, the authorizer, custom resources.


def test_parameters_lie_beside_their_policies(write: Write) -> None:
    limits = {"apiVersion": "example.com/v1", "kind": "Limits", "metadata": {"name": "l", "namespace": "shop"}, "max": 2}
    policy = vap("size(object.metadata.name) <= params.max", paramKind={"apiVersion": "example.com/v1", "kind": "Limits"})
    by_name = bound(paramRef={"name": "l", "parameterNotFoundAction": "Deny"})
    assert outcomes(check(write, [policy, by_name, limits], pod("long"))) == [("deny", "failed expression: size(object.metadata.name) <= params.max")]
    other = bound(paramRef={"name": "other", "parameterNotFoundAction": "Deny"})
    text = "failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction"
    report = check(write, [policy, other, limits], pod("long"))
    assert outcomes(report) == [("error", text)]
    assert only(report).decision.actions == ("Deny",)
    assert outcomes(check(write, [policy, by_name], pod("long"))) == [("unknown", "no Limits was given: add it with --params or --inventory")]


ROLE = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRole",
    "metadata": {"name": "r"},
    "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["privileged"]}],
}
GRANT = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRoleBinding",
    "metadata": {"name": "r"},
    "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "r"},
    "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "bob"}],
}


@pytest.mark.parametrize(
    ("inventory", "user", "outcome", "message"),
    [
        ([ROLE, GRANT], "bob", "allow", ""),
        ([ROLE, GRANT], "eve", "deny", "failed expression: authorizer.requestResource.check('privileged').allowed()"),
        ([ROLE, GRANT], "", "unknown", "the user who makes the request is not known: name it with --user"),
        ([], "bob", "unknown", "no RBAC objects were given: add Roles, ClusterRoles and their bindings with --inventory"),
    ],
)
def test_the_authorizer_is_rbac(write: Write, inventory: list[dict[str, Any]], user: str, outcome: str, message: str) -> None:
    policy = vap("authorizer.requestResource.check('privileged').allowed()")
    given = {"inventory": [write("rbac.yaml", inventory)]} if inventory else {}
    assert outcomes(check(write, [policy, bound()], pod(), user=user, show_all=True, **given)) == [(outcome, message)]


def test_the_authorizer_has_no_value_in_audit_annotations(write: Write) -> None:
    policy = vap("true", auditAnnotations=[{"key": "k", "valueExpression": "string(authorizer.requestResource.check('get').allowed())"}])
    (found,) = outcomes(check(write, [policy, bound()], pod(), user="bob"))
    assert found[0] == "error"
    assert "no such attribute(s): authorizer.requestResource" in found[1]


def test_labels_of_namespaces_select(write: Write) -> None:
    policy = vap("false", matchConstraints={"resourceRules": [rule("pods")], "namespaceSelector": {"matchLabels": {"team": "a"}}})
    report = check(write, [policy, bound()], pod("x"), pod("y", namespace="other"), namespace("shop", team="a"), namespace("other", team="b"))
    assert [one.name for one in report.results] == ["x"]


# Bad input.


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "ValidatingAdmissionPolicies"}, "no matches for kind \"ValidatingAdmissionPolicies\" .*; did you mean 'ValidatingAdmissionPolicy'\\?"),
        ({"kind": "validatingadmissionpolicy"}, "; did you mean 'ValidatingAdmissionPolicy'"),
        ({"metadata": {"generateName": "p"}}, "ValidatingAdmissionPolicy p: a policy needs metadata.name"),
        ({"metadata": {}}, "ValidatingAdmissionPolicy: a policy needs metadata.name"),
        ({"spec": "x"}, 'ValidatingAdmissionPolicy p: spec: must be a mapping, and is the text "x"'),
        ({"spec": {"matchConstraints": []}}, "ValidatingAdmissionPolicy p: spec.matchConstraints: must be a mapping, and is a list"),
        ({"spec": {**vap("true")["spec"], "matchConstraints": {"resourceRules": [None]}}}, r"needs spec\.matchConstraints\.resourceRules\[0\]"),
        ({"spec": {**vap("true")["spec"], "validations": [{"expression": 1}]}}, r"spec\.validations\[0\]\.expression: must be a string, and is the value 1"),
        ({"apiVersion": "admissionregistration.k8s.io/v2"}, "apiVersion 'admissionregistration.k8s.io/v2' is not one of"),
        ({"apiVersion": "apps/v1"}, "apiVersion 'apps/v1' is not one of"),
        ({"spec": None}, "ValidatingAdmissionPolicy p: needs spec"),
    ],
)
def test_policies_that_are_none(write: Write, change: dict[str, Any], message: str) -> None:
    with pytest.raises(hostprocess.PolicyError, match=message) as caught:
        check(write, [{**vap("true"), **change}, bound()], pod())
    assert caught.value.path.endswith("policies.yaml")
    assert caught.value.line >= 1


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"validations": [{"expression": "object.("}]}, "does not compile: Syntax error"),
        ({"validations": [{"expression": "'" + "x" * 200_000 + "' == ''"}]}, r"does not compile: expression code point size exceeds limit.{0,400} …$"),
        ({"variables": [{"name": "a", "expression": "variables.b"}, {"name": "b", "expression": "1"}]}, "variable a: does not compile: undefined field 'b'"),
        ({"variables": [{"name": "a", "expression": "1"}, {"name": "a", "expression": "2"}]}, "the variable 'a' is defined twice"),
        ({"validations": [{"expression": "params.x == 1"}]}, "undeclared reference to 'params'"),
        ({"validations": [{"expression": "true", "messageExpression": "string(authorizer.path('/x').check('get').allowed())"}]}, "undeclared reference to"),
        ({"matchConditions": [{"name": "c", "expression": "variables.x"}]}, "matchCondition c: does not compile"),
        ({"auditAnnotations": [{"key": "k", "valueExpression": "1"}]}, r"must evaluate to one of \[string null_type\] but got int"),
    ],
)
def test_expressions_that_are_refused_are_told_with_their_line(write: Write, spec: dict[str, Any], message: str) -> None:
    with pytest.raises(hostprocess.PolicyError, match=message) as caught:
        check(write, [vap("true", **spec), bound()], pod())
    assert caught.value.path.endswith("policies.yaml")
    assert caught.value.line > 1


def test_an_unknown_kind_of_parameters_denies_all_that_matches(write: Write) -> None:
    policy = vap("true", paramKind={"apiVersion": "v1", "kind": "ConfigMapp"})
    report = check(write, [policy, bound("Audit", paramRef={"name": "x", "parameterNotFoundAction": "Allow"})], pod())
    found = only(report).decision
    assert found.message == "failed to configure policy: failed to find resource referenced by paramKind: '/v1, Kind=ConfigMapp'"
    assert (found.actions, found.code) == (("Deny",), 422)


HOSTILE = [
    ("spec: {a: .nan}", ".nan is not a number of JSON"),
    ("spec: " + "[" * 300 + "]" * 300, "nested deeper than 200 levels"),
    ("spec: {1: a, null: b}", "null cannot be a key"),
    ("metadata: [a]", "metadata must be a mapping"),
    ("metadata: {name: {a: b}}", "metadata.name must be a string"),
    ("metadata: {name: a, labels: {a: 1}}", "metadata.labels must be a mapping of strings"),
    ("metadata: {name: a, namespace: [x]}", "metadata.namespace must be a string"),
]


@pytest.mark.parametrize(("text", "message"), HOSTILE)
@pytest.mark.parametrize("where", ["manifest", "inventory", "old"])
def test_hostile_objects_are_one_message_with_its_line(write: Write, text: str, message: str, where: str) -> None:
    head = "" if text.startswith("metadata") else "metadata: {name: a, namespace: b}\n"
    file = write("hostile.yaml", f"apiVersion: example.com/v1\nkind: Foo\n{head}{text}\n")
    policies = write("policies.yaml", [vap("has(object.spec)"), bound()])
    if where == "manifest":
        report = hostprocess.check_files([file], hostprocess.load_policies([policies]))
        (problem,) = report.problems
        assert message in problem.message
        assert (problem.path, problem.line >= 3, list(report.results)) == (file, True, [])
        return
    with pytest.raises(hostprocess.HostprocessError) as caught:
        check_with(where, file, policies, write("pod.yaml", [pod()]))
    assert message in caught.value.message
    assert (caught.value.path, caught.value.line >= 3) == (file, True)


def check_with(where: str, file: str, policies: str, manifest: str) -> None:
    loaded = hostprocess.load_policies([policies])
    if where == "old":
        hostprocess.check_files([manifest], loaded, operation="UPDATE", old=[file])
    else:
        hostprocess.check_files([manifest], loaded, inventory=[file])


def test_large_values_are_judged(write: Write) -> None:
    value = {"apiVersion": "example.com/v1", "kind": "Foo", "metadata": {"name": "a", "namespace": "b"}, "spec": {"a": "x" * 1_000_000, "count": 10**30}}
    policy = vap("object.spec.a.endsWith('x')", "object.spec.count > 0", "object.spec.a.contains('y') || true")
    report = check(write, [policy, bound()], value, show_all=True)
    assert [str(one.decision.outcome) for one in report.results][:2] == ["allow", "allow"]


def test_deeply_nested_objects_are_judged(write: Write) -> None:
    inner: Any = 1
    for _ in range(150):
        inner = {"a": inner}
    value = {"apiVersion": "example.com/v1", "kind": "Foo", "metadata": {"name": "a", "namespace": "b"}, "spec": inner}
    report = check(write, [vap("object.spec == object.spec && object.spec.a.a.a != null"), bound()], value, show_all=True)
    assert [str(one.decision.outcome) for one in report.results] == ["allow"]


def test_two_objects_of_one_name_in_an_inventory(write: Write) -> None:
    twice = write("n.yaml", [namespace("shop", team="a"), namespace("shop", team="b")])
    with pytest.raises(hostprocess.InputError, match=r"Namespace 'shop' is given twice: also at .*n\.yaml:1:1; remove one of them") as caught:
        check(write, [vap("true"), bound()], pod(), inventory=[twice])
    assert caught.value.line > 1


def test_rbac_that_cannot_be(write: Write) -> None:
    broken = write("r.yaml", [{**ROLE, "rules": "all"}])
    with pytest.raises(hostprocess.InputError, match="rules: must be a list"):
        check(write, [vap("authorizer.path('/').check('get').allowed()"), bound()], pod(), inventory=[broken])


@pytest.mark.parametrize(
    ("classes", "outcome"),
    [([], "unknown"), ([("a", 5, False)], "deny"), ([("a", 5, False), ("b", 7, True), ("c", 9, True)], "allow")],
)
def test_the_priority_of_pods_that_name_none(write: Write, classes: list[tuple[str, int, bool]], outcome: str) -> None:
    listed = [
        {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}, "value": value, "globalDefault": default}
        for name, value, default in classes
    ]
    given = {"inventory": [write("classes.yaml", listed)]} if listed else {}
    report = check(write, [vap("object.spec.priority == 7"), bound()], pod(), admission_plugins=["Priority"], show_all=True, **given)
    assert [str(one.decision.outcome) for one in report.results] == [outcome]

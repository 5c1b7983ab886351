"""Lint of policies and bindings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hostprocess.kubernetes.reader import read_file
from hostprocess.model import Resource
from hostprocess.policy_lint.built_in_kinds import built_in_schemas
from hostprocess.policy_lint.linter import lint_resources
from hostprocess.policy_lint.report import LintReport, release_words
from hostprocess.policy_lint.schemas import message
from hostprocess.policy_lint.validation import binding_errors, policy_errors
from policy_objects import RULE, binding, lint, policy, resource

DNS = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric "
    "character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
LABEL = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric "
    "character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
)
QUALIFIED = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character "
    "(e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)


def messages(value: dict[str, Any], minor: int = 37) -> list[str]:
    validate = policy_errors if value["kind"] == "ValidatingAdmissionPolicy" else binding_errors
    return [error.message for error in validate(value, minor)]


def rule(**changes: Any) -> dict[str, Any]:
    return {"matchConstraints": {"resourceRules": [{**RULE, **changes}]}}


def test_sound_objects_have_no_findings() -> None:
    assert lint(policy(), binding()) == []


R = "spec.matchConstraints.resourceRules[0]."


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"failurePolicy": "Maybe"}, ['spec.failurePolicy: Unsupported value: "Maybe": supported values: "Fail", "Ignore"']),
        ({"failurePolicy": ""}, ['spec.failurePolicy: Unsupported value: "": supported values: "Fail", "Ignore"']),
        ({"paramKind": {}}, ["spec.paramKind.apiVersion: Required value", "spec.paramKind.kind: Required value"]),
        ({"paramKind": {"apiVersion": "a/b/c", "kind": "K"}}, ['spec.paramKind.apiVersion: Invalid value: "a/b/c": unexpected GroupVersion string: a/b/c']),
        ({"paramKind": {"apiVersion": "a/", "kind": "K"}}, ['spec.paramKind.apiVersion: Invalid value: "a/": version must be specified']),
        ({"paramKind": {"apiVersion": "A/v1", "kind": "K"}}, [f'spec.paramKind.apiVersion: Invalid value: "A": {DNS}']),
        ({"paramKind": {"apiVersion": "1", "kind": "K"}}, [f'spec.paramKind.apiVersion: Invalid value: "1": {LABEL}']),
        (
            {"paramKind": {"apiVersion": "v1", "kind": "K_"}},
            [f'spec.paramKind.kind: Invalid value: "K_": may have mixed case, but should otherwise match: {LABEL}'],
        ),
        ({"matchConstraints": None}, ["spec.matchConstraints: Required value"]),
        ({"matchConstraints": {}}, ["spec.matchConstraints.resourceRules: Required value"]),
        (
            {"matchConstraints": {"matchPolicy": "Near", "resourceRules": [RULE]}},
            ['spec.matchConstraints.matchPolicy: Unsupported value: "Near": supported values: "Equivalent", "Exact"'],
        ),
        (rule(operations=[]), [R + "operations: Required value"]),
        (rule(operations=["*", "CREATE"]), [R + 'operations: Invalid value: ["*","CREATE"]: if \'*\' is present, must not specify other operations']),
        (
            rule(operations=["PATCH"]),
            [R + 'operations[0]: Unsupported value: "PATCH": supported values: "*", "CONNECT", "CREATE", "DELETE", "UPDATE"'],
        ),
        (rule(apiGroups=["", "*"]), [R + 'apiGroups: Invalid value: ["","*"]: if \'*\' is present, must not specify other API groups']),
        (rule(apiVersions=[]), [R + "apiVersions: Required value"]),
        (rule(apiVersions=[""]), [R + "apiVersions[0]: Required value"]),
        (rule(resources=[]), [R + "resources: Required value"]),
        (rule(resources=["", "a"]), [R + "resources[0]: Required value"]),
        (rule(resources=["*/*", "a"]), [R + 'resources: Invalid value: ["*/*","a"]: if \'*/*\' is present, must not specify other resources']),
        (
            rule(resources=["*", "a"]),
            [R + 'resources: Invalid value: ["*","a"]: if \'*\' is present, must not specify other resources without subresources'],
        ),
        (rule(resources=["a/*", "a/b"]), [R + "resources[1]: Invalid value: \"a/b\": if 'a/*' is present, must not specify a/b"]),
        (rule(resources=["*/b", "a/b"]), [R + "resources[1]: Invalid value: \"a/b\": if '*/b' is present, must not specify a/b"]),
        (rule(scope="Both"), [R + 'scope: Unsupported value: "Both": supported values: "*", "Cluster", "Namespaced"']),
        (
            rule(resourceNames=["a/b", "x", "x", ".."]),
            [
                R + "resourceNames[0]: Invalid value: \"a/b\": may not contain '/'",
                R + 'resourceNames[2]: Duplicate value: "x"',
                R + "resourceNames[3]: Invalid value: \"..\": may not be '..'",
            ],
        ),
        (
            {"matchConstraints": {"resourceRules": [RULE], "objectSelector": {"matchExpressions": [{"key": "a", "operator": "In"}]}}},
            ["spec.matchConstraints.objectSelector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'"],
        ),
        (
            {"matchConstraints": {"resourceRules": [RULE], "objectSelector": {"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["x"]}]}}},
            ["spec.matchConstraints.objectSelector.matchExpressions[0].values: Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'"],
        ),
        (
            {"matchConstraints": {"resourceRules": [RULE], "namespaceSelector": {"matchExpressions": [{"key": "a", "operator": "Like"}]}}},
            ['spec.matchConstraints.namespaceSelector.matchExpressions[0].operator: Invalid value: "Like": not a valid selector operator'],
        ),
        (
            {"matchConstraints": {"resourceRules": [RULE], "namespaceSelector": {"matchLabels": {"a b": "x"}}}},
            [f'spec.matchConstraints.namespaceSelector.matchLabels: Invalid value: "a b": {QUALIFIED}'],
        ),
        ({"matchConditions": [{"name": "a"}]}, ["spec.matchConditions[0].expression: Required value"]),
        ({"matchConditions": [{"expression": "true"}]}, ["spec.matchConditions[0].name: Required value"]),
        (
            {"matchConditions": [{"name": "a", "expression": "true"}, {"name": "a", "expression": "true"}]},
            ['spec.matchConditions[1].name: Duplicate value: "a"'],
        ),
        (
            {"matchConditions": [{"name": "a", "expression": " 1 "}]},
            ['spec.matchConditions[0].expression: Invalid value: "1": must evaluate to bool but got int'],
        ),
        ({"variables": [{"name": "a-b", "expression": "1"}]}, ['spec.variables[0].name: Invalid value: "a-b": must be a valid CEL identifier']),
        ({"variables": [{"name": "namespace", "expression": "1"}]}, ['spec.variables[0].name: Invalid value: "namespace": must be a valid CEL identifier']),
        (
            {"variables": [{"name": " "}]},
            ["spec.variables[0].name: Required value: name is not specified", "spec.variables[0].expression: Required value: expression is not specified"],
        ),
        (
            {"validations": []},
            [f"spec.{key}: Required value: validations or auditAnnotations must contain at least one item" for key in ("validations", "auditAnnotations")],
        ),
        ({"validations": [{}]}, ["spec.validations[0].expression: Required value: expression is not specified"]),
        (
            {"validations": [{"expression": "object.x"}]},
            ['spec.validations[0].expression: Invalid value: "object.x": must evaluate to bool but got dyn'],
        ),
        (
            {"validations": [{"expression": "true", "message": "  "}]},
            ['spec.validations[0].message: Invalid value: "  ": must be non-empty if specified'],
        ),
        (
            {"validations": [{"expression": "true", "message": "a\nb"}]},
            ['spec.validations[0].message: Invalid value: "a\\nb": must not contain line breaks'],
        ),
        ({"validations": [{"expression": "true", "message": "a\n"}]}, []),
        (
            {"validations": [{"expression": "true", "messageExpression": "1"}]},
            ['spec.validations[0].messageExpression: Invalid value: "1": must evaluate to string but got int'],
        ),
        (
            {"validations": [{"expression": "true", "reason": "Unauthorized"}]},
            ['spec.validations[0].reason: Unsupported value: "Unauthorized": supported values: "Forbidden", "Invalid", "RequestEntityTooLarge"'],
        ),
        ({"auditAnnotations": [{"key": "a b", "valueExpression": "'x'"}]}, [f'spec.auditAnnotations[0].key: Invalid value: "p/a b": {QUALIFIED}']),
        (
            {"auditAnnotations": [{"key": "a", "valueExpression": "true"}]},
            ['spec.auditAnnotations[0].valueExpression: Invalid value: "true": must evaluate to one of [string null_type] but got bool'],
        ),
        ({"auditAnnotations": [{"key": "a", "valueExpression": "null"}], "validations": None}, []),
        (
            {"auditAnnotations": [{"key": "a", "valueExpression": "'" + "x" * 5119 + "'"}]},
            ["spec.auditAnnotations[0].valueExpression: Required value: must not exceed 5120 bytes in length"],
        ),
        (
            {"auditAnnotations": [{"key": "a", "valueExpression": "'x'"}, {"key": "a", "valueExpression": "'x'"}]},
            ['spec.auditAnnotations[1].key: Duplicate value: "a"'],
        ),
    ],
)
def test_refusals_of_a_policy(spec: dict[str, Any], expected: list[str]) -> None:
    assert messages(policy(**spec)) == expected


@pytest.mark.parametrize(
    ("expression", "spec", "words"),
    [
        ("object.", {}, "Syntax error"),
        ("objekt.x == 1", {}, "undeclared reference to 'objekt' (in container '')\n | objekt.x == 1\n | ^"),
        ("params.x == 1", {}, "undeclared reference to 'params'"),
        ("params.x == 1", {"paramKind": {"apiVersion": "v1", "kind": "ConfigMap"}}, ""),
        ("variables.x == 1", {}, "undeclared reference to 'variables'"),
        ("variables.y == 1", {"variables": [{"name": "x", "expression": "1"}]}, "undefined field 'y'"),
        ("variables.x == 'a'", {"variables": [{"name": "x", "expression": "1"}]}, "found no matching overload for '_==_' applied to '(int, string)'"),
        ("request.operatoin == 'CREATE'", {}, "undefined field 'operatoin'"),
        ("authorizer.group('').resource('pods').check('get').allowed()", {}, ""),
        ("[1, 'a'].size() == 2", {}, "expected type 'int' but found 'string'"),
        ("timestamp('x') < timestamp('2020-01-01T00:00:00Z')", {}, "invalid timestamp argument"),
        ("object.metadata.name.matches('(')", {}, "invalid matches argument"),
    ],
)
def test_expressions_are_compiled_as_the_api_server_does(expression: str, spec: dict[str, Any], words: str) -> None:
    found = messages(policy(**{**spec, "validations": [{"expression": expression}]}))
    assert len(found) == bool(words)
    if words:
        assert found[0].startswith("spec.validations[0].expression: Invalid value: ")
        assert "compilation failed: ERROR: <input>:1:" in found[0]
        assert words in found[0]


@pytest.mark.parametrize("expression", ["int('x') == 1", "object.metadata.name.find('(') == ''"])
def test_constants_that_fail_are_errors_of_the_api_server(expression: str) -> None:
    [found] = messages(policy(validations=[{"expression": expression}]))
    assert found.startswith("spec.validations[0].expression: Internal error: program instantiation failed: ")


def test_variables_see_only_those_before_them() -> None:
    variables = [{"name": "a", "expression": "variables.b"}, {"name": "b", "expression": "1"}, {"name": "c", "expression": "variables.b"}]
    found = messages(policy(variables=variables))
    assert [one.partition(":")[0] for one in found] == ["spec.variables[0].expression"]
    assert "undefined field 'b'" in found[0]


def test_what_conditions_and_messages_may_not_use() -> None:
    value = policy(
        variables=[{"name": "a", "expression": "'x'"}],
        matchConditions=[{"name": "c", "expression": "variables.a == 'x'"}],
        validations=[{"expression": "true", "messageExpression": "authorizer.path('/x').check('get').reason()"}],
    )
    found = messages(value)
    assert [one.partition(":")[0] for one in found] == ["spec.matchConditions[0].expression", "spec.validations[0].messageExpression"]


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"name": ""}, ["metadata.name: Required value: name or generateName is required"]),
        ({"name": "A"}, [f'metadata.name: Invalid value: "A": {DNS}']),
        ({"generateName": "a-"}, []),
        ({"generateName": "A-"}, [f'metadata.name: Invalid value: "A-x2x4x": {DNS}']),
        ({"generateName": "x" * 250}, []),  # cut before the rest is put behind
        ({"name": "a", "annotations": {"İ": "x"}}, []),
        (
            {"name": "a", "finalizers": [""]},
            ['metadata.finalizers: Invalid value: "": name part must be non-empty', f'metadata.finalizers: Invalid value: "": name part {QUALIFIED[10:]}'],
        ),
        (
            {"name": "a", "ownerReferences": [{}, {"apiVersion": "a/b/c", "kind": "K", "name": "n", "uid": "u"}]},
            [
                *(f"metadata.ownerReferences[0].{key}: Required value: must not be empty" for key in ("apiVersion", "kind", "name", "uid")),
                'metadata.ownerReferences[1].apiVersion: Invalid value: "a/b/c": must be <group>/<version> or <version>',
            ],
        ),
        (
            {"name": "a", "managedFields": [{}, {"operation": "apply", "fieldsType": "x"}]},
            [
                "metadata.managedFields[0].operation: Required value: must not be empty",
                'metadata.managedFields[1].operation: Unsupported value: "apply": supported values: "Apply", "Update"',
                'metadata.managedFields[1].fieldsType: Invalid value: "x": must be `FieldsV1`',
            ],
        ),
        ({"name": "a", "namespace": "n"}, []),  # the API server takes it away
        ({"name": "a", "labels": {"a b": "x"}}, [f'metadata.labels: Invalid value: "a b": {QUALIFIED}']),
        ({"name": "a", "annotations": {"A/b c": "x"}}, [f'metadata.annotations: Invalid value: "A/b c": {QUALIFIED}']),
        (
            {"name": "a.static.k8s.io"},
            [
                'metadata.name: Invalid value: "a.static.k8s.io": names ending with ".static.k8s.io" are reserved for static manifest-based '
                "configurations and cannot be managed via the API"
            ],
        ),
    ],
)
def test_refusals_of_metadata(metadata: dict[str, Any], expected: list[str]) -> None:
    assert messages({**policy(), "metadata": metadata}) == expected


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"policyName": ""}, ["spec.policyName: Required value"]),
        ({"policyName": "P"}, [f'spec.policyName: Invalid value: "P": {DNS}']),
        ({"validationActions": []}, ["spec.validationActions: Required value"]),
        (
            {"validationActions": ["Deny", "Deny", "Block"]},
            [
                'spec.validationActions[1]: Duplicate value: "Deny"',
                'spec.validationActions[2]: Unsupported value: "Block": supported values: "Audit", "Deny", "Warn"',
            ],
        ),
        (
            {"validationActions": ["Deny", "Warn"]},
            [
                'spec.validationActions: Invalid value: ["Deny","Warn"]: must not contain both Deny and Warn (repeating the same validation failure '
                "information in the API response and headers serves no purpose)"
            ],
        ),
        (
            {"paramRef": {}},
            ["spec.paramRef: Required value: one of name or selector must be specified", "spec.paramRef.parameterNotFoundAction: Required value"],
        ),
        (
            {"paramRef": {"name": "a", "selector": {}, "parameterNotFoundAction": "Maybe"}},
            [
                "spec.paramRef.name: Forbidden: name and selector are mutually exclusive",
                "spec.paramRef.selector: Forbidden: name and selector are mutually exclusive",
                'spec.paramRef.parameterNotFoundAction: Unsupported value: "Maybe": supported values: "Deny", "Allow"',
            ],
        ),
        ({"matchResources": {"resourceRules": []}}, []),
        (
            {"matchResources": {"resourceRules": [{**RULE, "scope": "x"}]}},
            ['spec.matchResources.resourceRules[0].scope: Unsupported value: "x": supported values: "*", "Cluster", "Namespaced"'],
        ),
    ],
)
def test_refusals_of_a_binding(spec: dict[str, Any], expected: list[str]) -> None:
    assert messages(binding(**spec)) == expected


def test_the_words_are_those_of_the_release() -> None:
    assert messages(policy(validations=[{"expression": "true", "message": " "}]), 30) == [
        'spec.validations[0].message: Invalid value: " ": message must be non-empty if specified'
    ]
    assert messages(policy(**rule(operations=["*", "CREATE"])), 30) == [
        R + 'operations: Invalid value: []admissionregistration.OperationType{"*", "CREATE"}: if \'*\' is present, must not specify other operations'
    ]
    assert messages(binding(matchResources={"matchPolicy": "x"}), 30) == [
        'spec.matchResouces.matchPolicy: Unsupported value: "x": supported values: "Equivalent", "Exact"'
    ]
    assert messages(binding(validationActions=[]), 34) == ["spec.validationActions: Required value: at least one validation action is required"]
    alpha = binding(version="admissionregistration.k8s.io/v1alpha1", paramRef={"name": "x"})
    assert messages(alpha, 30) == [], "parameterNotFoundAction has a default in v1alpha1"


def test_the_type_found_is_told_from_some_release_on() -> None:
    value = policy(validations=[{"expression": "1"}])
    assert messages(value, 31) == ['spec.validations[0].expression: Invalid value: "1": must evaluate to bool']
    assert messages(value, 32) == ['spec.validations[0].expression: Invalid value: "1": must evaluate to bool but got int']


def test_too_many_of_everything() -> None:
    conditions = [{"name": f"c{index}", "expression": "true"} for index in range(65)]
    assert messages(policy(matchConditions=conditions)) == ["spec.matchConditions: Too many: 65: must have at most 64 items"]
    annotations = [{"key": f"k{index}", "valueExpression": "'x'"} for index in range(21)]
    [found] = messages(policy(auditAnnotations=annotations))
    assert found.startswith('spec.auditAnnotations: Invalid value: [{"Key":"k0","ValueExpression":"\'x\'"},')
    assert found.endswith("]: must not have more than 20 auditAnnotations")


@pytest.mark.parametrize(
    ("spec", "field", "message", "hint"),
    [
        ({"failurPolicy": "Fail"}, "spec.failurPolicy", 'strict decoding error: unknown field "spec.failurPolicy"', "did you mean 'failurePolicy'?"),
        ({"validations": {}}, "spec.validations", "must be a list, but is a mapping", ""),
        ({"validations": [{"expression": True}]}, "spec.validations[0].expression", "must be a string, but is a boolean", ""),
        ({"matchConstraints": []}, "spec.matchConstraints", "must be a mapping, but is a list", ""),
    ],
)
def test_fields_that_cannot_be_decoded(spec: dict[str, Any], field: str, message: str, hint: str) -> None:
    found = [one for one in lint(policy(**spec), binding()) if one.severity == "error"]
    assert [(one.field, one.message, one.hint) for one in found] == [(field, message, hint)], "and nothing that only follows"


@pytest.mark.parametrize(("size", "words"), [(2, "etcdserver: request is too large"), (4, "Request entity too large: limit is 3145728")])
def test_objects_that_are_too_large(size: int, words: str) -> None:
    value = policy(validations=[{"expression": "object.kind != ''", "message": "x" * (size << 20)}])
    assert [one.message for one in lint_resources([resource(value, "kind: ValidatingAdmissionPolicy")], [binding()], 37)] == [words]


@pytest.mark.parametrize(
    "spec",
    [
        {"validations": [None, {"expression": None}]},
        {"variables": [None]},
        {"matchConstraints": {"resourceRules": [None, {"apiGroups": [None], "apiVersions": [1], "resources": [None, {}], "operations": None}]}},
        {"matchConditions": [[]], "auditAnnotations": [None], "paramKind": []},
        {"matchConstraints": {"namespaceSelector": {"matchExpressions": [None], "matchLabels": {"a": None}}}},
    ],
)
def test_nulls_and_wrong_types_anywhere_are_findings(spec: dict[str, Any]) -> None:
    found = lint_resources([resource(policy(**spec))], [binding(policyName={})], 37, type_checking=True)
    assert any(one.severity == "error" for one in found)


@pytest.mark.parametrize("times", [100, 150, 200, 249])
@pytest.mark.parametrize(("before", "core", "after"), [("[1].all(x, ", "true", ")"), ("[", "1", "].x"), ("!(", "true", ")"), ("size(", "'a'", ")")])
def test_deep_expressions_are_findings_at_most(before: str, core: str, after: str, times: int) -> None:
    found = lint(policy(validations=[{"expression": before * times + core + after * times + " != 2"}]), binding())
    assert all(one.line for one in found)
    # What is too deep for one of the steps may not be for another.
    assert {one.check for one in found} <= {"limitation", "expression", "type-mismatch"}
    assert any(one.check != "type-mismatch" for one in found)


def test_all_violations_are_told_at_their_lines(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text(
        "apiVersion: admissionregistration.k8s.io/v1\n"
        "kind: ValidatingAdmissionPolicy\n"
        "metadata: {name: p}\n"
        "spec:\n"
        "  failurePolicy: Maybe\n"
        "  matchConstraints:\n"
        "    resourceRules:\n"
        "      - {apiGroups: [''], apiVersions: [v1], operations: [MAKE], resources: [configmaps]}\n"
        "  validations:\n"
        "    - expression: 1 + 1\n"
        "    - expression: |\n"
        "        object.kind ==\n"
        "          objekt\n"
    )
    found = lint_resources([one for one in read_file(str(file)) if isinstance(one, Resource)], [], 37)
    assert [(one.line, one.column, one.severity, one.check) for one in found] == [
        (3, 12, "warning", "no-binding"),
        (5, 3, "error", "invalid-policy"),
        (8, 59, "error", "invalid-policy"),
        (10, 7, "error", "expression"),
        (11, 7, "error", "expression"),
    ]


def test_releases_that_refuse_are_named() -> None:
    two_variables = policy(validations=[{"expression": "object.metadata.annotations.all(k, v, k != v)"}], failurePolicy="x")
    found = [one for one in lint(two_variables, binding()) if one.releases]
    assert [(one.severity, one.check, release_words(one.releases)) for one in found] == [
        ("error", "invalid-policy", "1.30 and newer"),
        ("note", "expression", "1.30 to 1.32"),
    ]
    older = [one for one in lint(two_variables, binding(), minor=31) if one.check == "expression"]
    assert [(one.severity, release_words(one.releases)) for one in older] == [("error", "1.30 to 1.32")]


@pytest.mark.parametrize(
    ("version", "minor", "expected"),
    [
        ("v1", 37, []),
        ("v1", 29, ['no matches for kind "ValidatingAdmissionPolicy" in version "admissionregistration.k8s.io/v1": it is served by Kubernetes 1.30 and newer']),
        ("v1beta1", 30, []),
        (
            "v1beta1",
            37,
            [
                'no matches for kind "ValidatingAdmissionPolicy" in version "admissionregistration.k8s.io/v1beta1": '
                "it is served by Kubernetes 1.28 to 1.33, where it has to be switched on"
            ],
        ),
        ("v1alpha1", 31, []),
        ("v2", 37, ['no matches for kind "ValidatingAdmissionPolicy" in version "admissionregistration.k8s.io/v2"']),
    ],
)
def test_versions_that_a_release_does_not_serve(version: str, minor: int, expected: list[str]) -> None:
    found = [one for one in lint(policy(version=f"admissionregistration.k8s.io/{version}"), minor=minor) if one.severity == "error"]
    assert [one.message for one in found] == expected


def test_always_present_fields_are_fields() -> None:
    from hostprocess.policy_lint.always import ALWAYS

    known = built_in_schemas(37).messages
    assert [f"{name}.{one}" for name, fields in ALWAYS.items() for one in fields if name not in known or one not in known[name]] == []
    assert built_in_schemas(37).of("v1", "Pod") == message("core/v1.Pod")


def test_long_values_are_cut_in_text_alone() -> None:
    expression = "object.metadata.name != '" + "x" * 200_000 + "'"
    report = LintReport(tuple(lint(policy(validations=[{"expression": expression}]), binding())))
    [first, *_] = report.as_text()
    assert len(first) < 2000
    assert "characters) … " in first
    assert first.startswith("policy.yaml:17:5: error expression: ValidatingAdmissionPolicy/p: spec.validations[0].expression: Invalid value: ")
    assert first.endswith("compilation failed: ERROR: <input>:-1:0: expression code point size exceeds limit: size: 200026, limit 100000")
    assert expression in report.as_json()[0]["message"]


def test_findings_are_rendered() -> None:
    found = lint(policy(failurePolicy="x"), binding())
    report = LintReport(tuple(found))
    text = list(report.as_text())
    assert text[-1] == "1 error, 0 warnings, 0 notes"
    assert text[0].startswith("policy.yaml:6:3: error invalid-policy: ValidatingAdmissionPolicy/p: spec.failurePolicy: Unsupported value")
    assert text[1] == "    refused by Kubernetes 1.30 and newer"
    [one] = report.as_json()
    assert (one["check"], one["field"], one["releases"][0]) == ("invalid-policy", "spec.failurePolicy", "1.30")

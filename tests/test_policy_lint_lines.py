"""Each line of the API server's checklist for policies and bindings: the violation is told at its line, with the releases that refuse it.

A case is a part of a policy or binding; `#!` marks the lines that have to be told, and nothing else may be. The rest is sound.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from hostprocess import lint_policies
from hostprocess.policy_lint.report import release_words

PARTS = {
    "apiVersion": "apiVersion: admissionregistration.k8s.io/v1",
    "metadata": "metadata: {name: p}",
    "spec": "spec:",
    "matchConstraints": "  matchConstraints:\n    resourceRules:\n      - {apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [configmaps]}",
    "validations": "  validations:\n    - expression: object.kind != 'x'",
    "policyName": "  policyName: p",
    "validationActions": "  validationActions: [Deny]",
}
POLICY = ("apiVersion", "metadata", "spec", "matchConstraints", "validations")
BINDING = ("apiVersion", "metadata", "spec", "policyName", "validationActions")
OTHER = {
    "ValidatingAdmissionPolicy": "kind: ValidatingAdmissionPolicyBinding\nmetadata: {name: b}\nspec: {policyName: p, validationActions: [Deny]}",
    "ValidatingAdmissionPolicyBinding": "kind: ValidatingAdmissionPolicy\nmetadata: {name: p}\nspec:\n"
    + PARTS["matchConstraints"]
    + "\n"
    + PARTS["validations"],
}
LONG = "x" * 254
MANY = "\n".join(f"    - {{name: c{index}, expression: 'true'}}" for index in range(65))
ANNOTATIONS = "\n".join(f"    - {{key: k{index}, valueExpression: \"'x'\"}}" for index in range(21))


def rule(text: str, of: str = "resourceRules") -> str:
    """A rule with some of its fields on lines of their own."""
    sound = {"apiGroups": "['']", "apiVersions": "[v1]", "operations": "[CREATE]", "resources": "[configmaps]"}
    rest = ", ".join(f"{key}: {value}" for key, value in sound.items() if f"{key}:" not in text)
    head = "" if of == "resourceRules" else f"    resourceRules:\n      - {{{', '.join(f'{key}: {value}' for key, value in sound.items())}}}\n"
    lines = "\n".join(f"          {line}" for line in text.splitlines())
    return f"  matchConstraints:\n{head}    {of}:\n      - {{{rest}{', ' if rest else ''}\n{lines}\n        }}"


def selector(text: str, of: str = "objectSelector") -> str:
    return PARTS["matchConstraints"] + f"\n    {of}:\n" + "\n".join(f"      {line}" for line in text.splitlines())


RULES = {
    "operations empty": "operations: [] #!",
    "operations unknown": "operations: [CREATE,\n  PATCH #!\n  ]",
    "operations * not alone": "operations: ['*', CREATE] #!",
    "apiGroups empty": "apiGroups: [] #!",
    "apiGroups * not alone": "apiGroups: [apps, '*'] #!",
    "apiVersions empty": "apiVersions: [] #!",
    "apiVersions with nothing": "apiVersions: [v1,\n  '' #!\n  ]",
    "apiVersions * not alone": "apiVersions: [v1, '*'] #!",
    "resources empty": "resources: [] #!",
    "resources with nothing": "resources: [configmaps,\n  '' #!\n  ]",
    "resources */* not alone": "resources: ['*/*', configmaps] #!",
    "resources * with others": "resources: ['*', configmaps] #!",
    "resources x/* before x/y": "resources: [pods/*,\n  pods/log #!\n  ]",
    "resources */y before x/y": "resources: ['*/status',\n  pods/status #!\n  ]",
    "scope": "scope: cluster #!",
    "resourceNames dots": "resourceNames: [a,\n  .., #!\n  a/b, #!\n  a%b, #!\n  a #!\n  ]",
}
POLICIES = {
    "name missing": "metadata: {} #!",
    "name not a subdomain": "metadata:\n  name: P_1 #!",
    "name too long": f"metadata:\n  name: {LONG} #!",
    "generateName not a subdomain": "metadata:\n  generateName: A- #!",
    "failurePolicy": "  failurePolicy: fail #!",
    "paramKind without anything": "  paramKind: {} #!",
    "paramKind two slashes": "  paramKind:\n    apiVersion: a/b/v1 #!\n    kind: K",
    "paramKind group": "  paramKind:\n    apiVersion: A/v1 #!\n    kind: K",
    "paramKind version": "  paramKind:\n    apiVersion: a.example/1 #!\n    kind: K",
    "paramKind no version": "  paramKind:\n    apiVersion: a.example/ #!\n    kind: K",
    "paramKind kind": "  paramKind:\n    apiVersion: a.example/v1\n    kind: K_1 #!",
    "paramKind no kind": "  paramKind: #!\n    apiVersion: a.example/v1",
    "matchConstraints missing": "spec: #!\n  validations: [{expression: 'true'}]",
    "no rules": "  matchConstraints: {} #!",
    "rules empty": "  matchConstraints:\n    resourceRules: [] #!",
    "matchPolicy": PARTS["matchConstraints"] + "\n    matchPolicy: exact #!",
    "selector key": selector("matchLabels: {'a b': c} #!"),
    "selector value": selector("matchLabels: {a: 'b c'} #!", "namespaceSelector"),
    "selector operator": selector("matchExpressions:\n  - key: a\n    operator: Is #!"),
    "selector without values": selector("matchExpressions:\n  - {key: a, operator: In} #!"),
    "selector with values": selector("matchExpressions:\n  - key: a\n    operator: Exists\n    values: [b] #!", "namespaceSelector"),
    "selector expression value": selector("matchExpressions:\n  - key: a\n    operator: In\n    values: [b,\n      'c d'] #!"),
    "selector expression key": selector("matchExpressions:\n  - key: a/b/c #!\n    operator: Exists"),
    "conditions too many": f"  matchConditions: #!\n{MANY}",
    "condition without name": "  matchConditions:\n    - expression: 'true' #!",
    "condition name not qualified": "  matchConditions:\n    - name: a b #!\n      expression: 'true'",
    "condition name too long": f"  matchConditions:\n    - name: {'x' * 64} #!\n      expression: 'true'",
    "condition name twice": "  matchConditions:\n    - {name: a, expression: 'true'}\n    - {name: a, expression: 'true'} #!",
    "condition blank": "  matchConditions:\n    - name: a\n      expression: '  ' #!",
    "condition without expression": "  matchConditions:\n    - name: a #!",
    "condition not bool": "  matchConditions:\n    - name: a\n      expression: object.x #!",
    "condition with variables": "  matchConditions:\n    - name: a\n      expression: variables.v #!\n  variables: [{name: v, expression: 'true'}]",
    "variable name": "  variables:\n    - name: a-b #!\n      expression: '1'",
    "variable reserved": "  variables:\n    - name: namespace #!\n      expression: '1'",
    "variable without name": "  variables:\n    - expression: '1' #!",
    "variable blank": "  variables:\n    - name: a\n      expression: ' ' #!",
    "variable does not compile": "  variables:\n    - name: a\n      expression: 1 + #!",
    "variable forward": "  variables:\n    - name: a\n      expression: variables.b #!\n    - {name: b, expression: '1'}",
    "variable of itself": "  variables:\n    - name: a\n      expression: variables.a #!",
    "nothing to do": "spec: #!\n" + PARTS["matchConstraints"],
    "validation without expression": "  validations:\n    - message: m #!",
    "validation blank": "  validations:\n    - message: m\n      expression: '' #!",
    "validation not bool": "  validations:\n    - message: m\n      expression: object.spec.x #!",
    "validation does not compile": "  validations:\n    - message: m\n      expression: object.kind == #!",
    "message blank": "  validations:\n    - expression: object.kind != 'x'\n      message: ' ' #!",
    "message with lines": "  validations:\n    - expression: object.kind != 'x'\n      message: \"a\\nb\" #!",
    "messageExpression blank": "  validations:\n    - expression: object.kind != 'x'\n      messageExpression: ' ' #!",
    "messageExpression not string": "  validations:\n    - expression: object.kind != 'x'\n      messageExpression: object.kind #!",
    "messageExpression with authorizer": (
        "  validations:\n    - expression: object.kind != 'x'\n      messageExpression: authorizer.path('/').check('get').reason() #!"
    ),
    "reason": "  validations:\n    - expression: object.kind != 'x'\n      reason: Unauthorized #!",
    "annotations too many": f"  auditAnnotations: #!\n{ANNOTATIONS}",
    "annotation key twice": "  auditAnnotations:\n    - {key: a, valueExpression: \"'x'\"}\n    - {key: a, valueExpression: \"'x'\"} #!",
    "annotation key": "  auditAnnotations:\n    - key: a b #!\n      valueExpression: \"'x'\"",
    "annotation key too long": f"  auditAnnotations:\n    - key: {'x' * 64} #!\n      valueExpression: \"'x'\"",
    "annotation blank": "  auditAnnotations:\n    - key: a\n      valueExpression: ' ' #!",
    "annotation without expression": "  auditAnnotations:\n    - key: a #!",
    "annotation too long": f"  auditAnnotations:\n    - key: a\n      valueExpression: \"'{'x' * 5119}'\" #!",
    "annotation not string": "  auditAnnotations:\n    - key: a\n      valueExpression: object.kind #!",
    "unknown field": "  validation: [] #!",
    "unknown field below": "  validations:\n    - expression: object.kind != 'x'\n      mesage: m #!",
    "wrong type": "  failurePolicy: [Fail] #!",
    "finalizer": "metadata:\n  name: p\n  finalizers: [a b] #!",
    "finalizers against each other": "metadata:\n  name: p\n  finalizers: [orphan, foregroundDeletion] #!",
    "owner": "metadata:\n  name: p\n  ownerReferences:\n    - {apiVersion: v1, kind: Pod, name: a} #!",
    "owner with another field": "metadata:\n  name: p\n  ownerReferences:\n    - {apiVersion: v1, kind: Pod, name: a, uid: u, nam: b} #!",
    "owners that both control": (
        "metadata:\n  name: p\n  ownerReferences: #!\n    - {apiVersion: v1, kind: Pod, name: a, uid: u, controller: true}\n"
        "    - {apiVersion: v1, kind: Pod, name: b, uid: v, controller: true}"
    ),
    "managed fields": "metadata:\n  name: p\n  managedFields:\n    - {manager: m} #!",
    "time": "metadata:\n  name: p\n  creationTimestamp: yesterday #!",
    "status": "status:\n  phase: Active #!",
    **{f"rule: {name}": rule(text) for name, text in RULES.items()},
    **{f"excluded rule: {name}": rule(text, "excludeResourceRules") for name, text in RULES.items()},
}
BINDINGS = {
    "name": "metadata: {name: B} #!",
    "no policyName": "spec: #!\n  validationActions: [Deny]",
    "policyName": "  policyName: P #!",
    "no actions": "spec: #!\n  policyName: p",
    "actions empty": "  validationActions: [] #!",
    "actions unknown": "  validationActions:\n    - Deny\n    - deny #!",
    "actions twice": "  validationActions:\n    - Deny\n    - Deny #!",
    "actions Deny and Warn": "  validationActions: [Deny, Warn] #!",
    "paramRef without anything": "  paramRef: {parameterNotFoundAction: Deny} #!",
    "paramRef without action": "  paramRef: {name: a} #!",
    "paramRef action": "  paramRef:\n    name: a\n    parameterNotFoundAction: deny #!",
    "paramRef name": "  paramRef:\n    name: a/b #!\n    parameterNotFoundAction: Deny",
    "paramRef both": "  paramRef:\n    name: a #!\n    selector: {} #!\n    parameterNotFoundAction: Deny",
    "paramRef selector": "  paramRef:\n    selector: {matchLabels: {a: b c}} #!\n    parameterNotFoundAction: Deny",
    "matchResources policy": "  matchResources:\n    matchPolicy: equivalent #!",
    "matchResources rule": "  matchResources:\n    resourceRules:\n      - {apiGroups: [''], apiVersions: [v1], operations: [], resources: [pods]} #!",
    "matchResources excluded": "  matchResources:\n    excludeResourceRules:\n      - {apiGroups: [''], apiVersions: [v1], resources: [pods]} #!",
    "status": "status: {} #!",
}


def written(text: str, kind: str) -> str:
    """The whole object with the part `text`, and what goes with it in the cluster."""
    parts = POLICY if kind == "ValidatingAdmissionPolicy" else BINDING
    whole = text.startswith("spec:")
    given = {line.split(":")[0].strip() for line in text.splitlines() if not line.startswith("    ")}
    lines = [PARTS["apiVersion"], f"kind: {kind}"]
    lines += [text] if "metadata" in given else [PARTS["metadata"]]
    if not whole:
        lines.append("spec:")
        lines += [PARTS[part] for part in parts[3:] if part not in given]
    lines += [text] if "metadata" not in given else []
    return "\n".join([*lines, "---", PARTS["apiVersion"], OTHER[kind], ""])


def told(text: str, folder: Path) -> list[tuple[int, str]]:
    file = folder / "policies.yaml"
    file.write_text(text, encoding="utf-8")
    report = lint_policies([str(file)])
    assert not report.problems
    return [(one.line, release_words(one.releases)) for one in report.findings if one.severity == "error"]


CASES = [
    pytest.param(text, kind, id=f"{kind[21:] or 'Policy'}: {name}")
    for kind, cases in zip(OTHER, (POLICIES, BINDINGS), strict=True)
    for name, text in cases.items()
]


@pytest.mark.parametrize(("text", "kind"), CASES)
def test_a_violation_is_told_at_its_line(text: str, kind: str, tmp_path: Path) -> None:
    whole = written(text, kind)
    marked = [number for number, line in enumerate(whole.splitlines(), 1) if "#!" in line]
    found = told(whole, tmp_path)
    assert sorted({line for line, _ in found}) == marked
    assert {releases for _, releases in found} == {"1.30 and newer"}


def test_the_rest_is_sound(tmp_path: Path) -> None:
    for kind in OTHER:
        assert told(written("  # nothing", kind), tmp_path) == []

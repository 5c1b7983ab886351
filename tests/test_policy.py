"""ValidatingAdmissionPolicy YAML from elsewhere: what is refused, with its line, and how real policies judge."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

import hostprocess
from hostprocess.errors import PolicyError, UsageError
from hostprocess.kubernetes.reader import read_piece
from hostprocess.model import AuditAnnotation, MatchConstraints, ParamKind, ParamRef, Policy, Resource, ResourceRule, Validation, Variable
from hostprocess.policy import parse_binding, parse_policy

POLICY = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: full
spec:
  failurePolicy: Ignore
  paramKind:
    apiVersion: example.com/v1
    kind: Limits
  matchConstraints:
    namespaceSelector:
      matchLabels: {team: a}
    objectSelector:
      matchExpressions:
        - {key: x, operator: Exists}
    resourceRules:
      - apiGroups: ["", apps]
        apiVersions: [v1]
        operations: [CREATE, UPDATE]
        resources: [pods, deployments]
        scope: Namespaced
    excludeResourceRules:
      - apiGroups: ["*"]
        apiVersions: ["*"]
        operations: ["*"]
        resources: ["*"]
        resourceNames: [special]
  matchConditions:
    - name: not-me
      expression: object.metadata.name != 'me'
  variables:
    - name: count
      expression: size(object.spec.containers)
  validations:
    - expression: variables.count > 0
      message: " needs containers "
      messageExpression: "'needs ' + string(variables.count)"
      reason: Forbidden
    - expression: params == null
"""
BINDING = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: full-b
spec:
  policyName: full
  validationActions: [Audit, Deny]
  paramRef:
    name: limits
    namespace: config
    parameterNotFoundAction: Allow
  matchResources:
    objectSelector:
      matchLabels: {a: b}
"""


def read(text: str) -> Resource:
    (found,) = read_piece("yaml", "policy.yaml", 0, 1, text)
    assert isinstance(found, Resource)
    return found


def test_a_whole_policy() -> None:
    assert parse_policy(read(POLICY)) == Policy(
        name="full",
        failure_policy="Ignore",
        param_kind=ParamKind(api_version="example.com/v1", kind="Limits"),
        match_constraints=MatchConstraints(
            namespace_selector={"matchLabels": {"team": "a"}},
            object_selector={"matchExpressions": [{"key": "x", "operator": "Exists"}]},
            resource_rules=(
                ResourceRule(
                    api_groups=("", "apps"), api_versions=("v1",), operations=("CREATE", "UPDATE"), resources=("pods", "deployments"), scope="Namespaced"
                ),
            ),
            exclude_resource_rules=(ResourceRule(api_groups=("*",), api_versions=("*",), operations=("*",), resources=("*",), resource_names=("special",)),),
        ),
        match_conditions=parse_policy(read(POLICY)).match_conditions,
        variables=(Variable(name="count", expression="size(object.spec.containers)"),),
        validations=(
            Validation(
                expression="variables.count > 0", message="needs containers", message_expression="'needs ' + string(variables.count)", reason="Forbidden"
            ),
            Validation(expression="params == null"),
        ),
        path="policy.yaml",
    )
    (condition,) = parse_policy(read(POLICY)).match_conditions
    assert (condition.name, condition.expression) == ("not-me", "object.metadata.name != 'me'")


@pytest.mark.parametrize("version", ["v1", "v1beta1", "v1alpha1"])
def test_all_served_versions_say_the_same(version: str) -> None:
    head = ("admissionregistration.k8s.io/v1", f"admissionregistration.k8s.io/{version}")
    assert parse_policy(read(edited(POLICY, head))) == parse_policy(read(POLICY))
    assert parse_binding(read(edited(BINDING, head))) == parse_binding(read(BINDING))
    lazy = edited(BINDING, head, ("    parameterNotFoundAction: Allow\n", ""))
    if version == "v1alpha1":
        assert parse_binding(read(lazy)).param_ref == ParamRef(name="limits", namespace="config", parameter_not_found_action="Deny")
    else:
        with pytest.raises(PolicyError, match="needs parameterNotFoundAction"):
            parse_binding(read(lazy))


def test_audit_annotations_alone_are_a_policy() -> None:
    text = POLICY[: POLICY.index("  validations:")] + "  auditAnnotations:\n    - {key: who, valueExpression: request.userInfo.username}\n"
    assert parse_policy(read(text)).audit_annotations == (AuditAnnotation(key="who", value_expression="request.userInfo.username"),)


def test_fields_that_are_null_or_empty_are_absent() -> None:
    edits = [('message: " needs containers "', 'message: ""'), ("messageExpression: \"'needs ' + string(variables.count)\"", 'messageExpression: ""')]
    first = parse_policy(read(edited(POLICY, *edits, ("  failurePolicy: Ignore", "  failurePolicy: null")))).validations[0]
    assert (first.message, first.message_expression) == ("", "")


def test_a_whole_binding() -> None:
    found = parse_binding(read(BINDING))
    assert (found.name, found.policy_name, found.validation_actions) == ("full-b", "full", ("Deny", "Audit"))
    assert found.param_ref == ParamRef(name="limits", namespace="config", parameter_not_found_action="Allow")
    assert found.match_resources == MatchConstraints(object_selector={"matchLabels": {"a": "b"}})


def test_defaults() -> None:
    value = yaml.safe_load(POLICY)
    for key in ("failurePolicy", "paramKind", "matchConditions", "variables"):
        del value["spec"][key]
    value["spec"]["matchConstraints"] = {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]}
    found = parse_policy(read(yaml.safe_dump(value)))
    assert (found.failure_policy, found.param_kind, found.match_conditions, found.variables) == ("Fail", None, (), ())
    assert found.match_constraints.resource_rules[0].scope == "*"


Edit = tuple[str, str]


def edited(text: str, *edits: Edit) -> str:
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize(
    ("edits", "line", "message"),
    [
        ([("metadata:\n  name: full", "metadata:\n  labels: {}")], 3, "needs metadata.name"),
        ([("failurePolicy: Ignore", "failurePolicy: ignore")], 6, "failurePolicy: 'ignore' is not one of Fail, Ignore"),
        ([("failurePolicy: Ignore", "failurePolicy: [Ignore]")], 6, "failurePolicy: must be a string"),
        ([("    apiVersion: example.com/v1\n    kind: Limits", "    - Limits")], 7, "must be a mapping"),
        ([("    kind: Limits\n", "")], 7, "needs kind"),
        ([("    resourceRules:", "    otherRules:")], 10, "matchConstraints.resourceRules"),
        ([("        apiVersions: [v1]\n", "")], 17, "needs apiGroups, apiVersions, operations and resources"),
        ([("operations: [CREATE, UPDATE]", "operations: []")], 17, "needs apiGroups, apiVersions, operations and resources"),
        ([('      - apiGroups: ["", apps]', "      - nonsense\n      - apiGroups: [apps]")], 17, "must be a mapping"),
        ([("operations: [CREATE, UPDATE]", "operations: [CREATE, Update]")], 17, "'Update' is not an operation"),
        ([("operator: Exists", "operator: exists")], 15, "operator must be one of In, NotIn, Exists, DoesNotExist"),
        ([("      matchLabels: {team: a}", "      matchLabels: [a]")], 12, "matchLabels: must be a mapping"),
        ([("    namespaceSelector:\n      matchLabels: {team: a}", "    namespaceSelector: a")], 11, "must be a mapping"),
        ([("    - name: not-me\n      expression: object", "    - name: not-me\n      text: object")], 30, "unknown field 'text'"),
        ([("    - name: not-me\n      expression", "    - expression")], 29, "needs name"),
        ([("    - name: count", "    - name: ''")], 32, "needs name"),
        ([("    - name: count", "    - name: a-b")], 32, "'a-b' is not a name"),
        ([("    - expression: variables.count > 0\n      message", "    - message")], 35, "needs expression"),
        ([("    - expression: params == null", "    - true")], 39, "must be a mapping"),
        ([('message: " needs containers "', "message: 5")], 36, "message: must be a string"),
        ([("  validations:\n", "  auditAnnotations: [{key: a/b, valueExpression: \"'x'\"}]\n  validations:\n")], 34, "key: 'a/b' is not valid"),
        ([("  validations:\n", "  auditAnnotations: [{key: a}]\n  validations:\n")], 34, "needs valueExpression"),
        ([("  validations:\n", "  auditAnnotations: [{key: a, valueExpression: 'x'}, {key: a, valueExpression: 'y'}]\n  validations:\n")], 34, "defined twice"),
        ([("  validations:\n", f"  auditAnnotations: [{{key: a, valueExpression: '{'x' * 5121}'}}]\n  validations:\n")], 34, "must not exceed 5120 bytes"),
        ([("  validations:\n", "  valdations: []\n  validations:\n")], 34, "unknown field 'valdations'; did you mean 'validations'?"),
        ([("  matchConditions:", "  matchCondition:")], 28, "unknown field 'matchCondition'; did you mean 'matchConditions'?"),
        ([("      reason: Forbidden", "      reason: Nonsense")], 38, "reason: 'Nonsense' is not one of"),
        ([("      reason: Forbidden", "      severity: high")], 38, "unknown field 'severity'"),
        ([('message: " needs containers "', 'message: "a\\nb"')], 35, "message must be one line"),
        ([('message: " needs containers "', 'message: " "')], 35, "message must be one line"),
        ([("messageExpression: \"'needs ' + string(variables.count)\"", "messageExpression: ' '")], 35, "needs messageExpression"),
        (
            [("apiVersion: admissionregistration.k8s.io/v1\n", "apiVersion: admissionregistration.k8s.io/v2\n")],
            1,
            "apiVersion 'admissionregistration.k8s.io/v2' is not one",
        ),
        ([("\nmetadata:\n", "\nextra: 1\nmetadata:\n")], 3, "unknown field 'extra'"),
        ([("metadata:\n  name: full", "metadata:\n  name: Full")], 4, "metadata.name 'Full' is not valid"),
        ([("apiVersion: example.com/v1", "apiVersion: a/b/v1")], 8, "apiVersion 'a/b/v1' is not"),
        ([("kind: Limits", "kind: Lim_its")], 9, "'Lim_its' is not the name of a kind"),
        ([("- name: not-me", "- name: not me")], 29, "'not me' is not a name"),
        ([("  variables:", "    - {name: not-me, expression: 'true'}\n  variables:")], 31, "'not-me' is defined twice"),
        ([("    - name: count", "    - {name: count, expression: '1'}\n    - name: count")], 33, "the variable 'count' is defined twice"),
        ([("    - name: count", "    - name: namespace")], 32, "'namespace' is not a name"),
        ([("operations: [CREATE, UPDATE]", 'operations: [CREATE, "*"]')], 19, "operations: if '*' is present"),
        ([('apiGroups: ["", apps]', 'apiGroups: ["*", apps]')], 17, "apiGroups: if '*' is present"),
        ([("apiVersions: [v1]", 'apiVersions: [""]')], 18, "a version must not be empty"),
        ([("resources: [pods, deployments]", "resources: ['*', deployments]")], 20, "if '*' is present, must not specify other resources without"),
        ([("resources: [pods, deployments]", "resources: ['*/*', pods]")], 20, "if '*/*' is present, must not specify other resources"),
        ([("resources: [pods, deployments]", "resources: ['pods/*', pods/exec]")], 20, "if 'pods/*' is present, must not specify pods/exec"),
        ([("resources: [pods, deployments]", "resources: ['*/scale', a/scale]")], 20, "if '*/scale' is present, must not specify a/scale"),
        ([("resourceNames: [special]", "resourceNames: [a, a]")], 27, "'a' is given twice"),
        ([("resourceNames: [special]", "resourceNames: [a/b]")], 27, "'a/b' cannot be the name of an object"),
        ([("matchLabels: {team: a}", "matchLabels: {team: -a-}")], 12, "cannot be a label"),
        ([("{key: x, operator: Exists}", "{key: /x, operator: Exists}")], 15, "'/x' cannot be the key of a label"),
        ([("operator: Exists}", "operator: In, values: ['a b']}")], 15, "'a b' cannot be the value of a label"),
        ([("    namespaceSelector:", "    matchPolicy: Fuzzy\n    namespaceSelector:")], 11, "matchPolicy: 'Fuzzy' is not one of Exact, Equivalent"),
        ([("        scope: Namespaced", "        scope: namespaced")], 21, "scope: 'namespaced' is not one of Cluster, Namespaced, *"),
        ([("operator: Exists}", "operator: Exists, values: [a]}")], 15, "Exists takes no values"),
        ([("operator: Exists}", "operator: In}")], 15, "In needs values"),
        ([("        - {key: x, operator", "        - {operator")], 15, "needs key"),
        ([("matchLabels: {team: a}", "matchLabels: {team: 5}")], 11, "matchLabels must be a mapping of strings"),
        ([("resources: [pods, deployments]", "resources: [pods, 5]")], 20, "resources must be a list of strings"),
    ],
)
def test_policies_that_are_refused(edits: list[Edit], line: int, message: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse_policy(read(edited(POLICY, *edits)))
    assert message in caught.value.message
    assert (caught.value.path, caught.value.line) == ("policy.yaml", line)


@pytest.mark.parametrize("spec", ["", "spec: []", "spec: {validations: []}", "spec:\n  matchConstraints: {resourceRules: []}"])
def test_policies_without_substance(spec: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse_policy(read(f"apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {{name: x}}\n{spec}\n"))
    assert caught.value.line > 0


@pytest.mark.parametrize(
    ("edits", "line", "message"),
    [
        ([("  policyName: full\n", "")], 5, "needs policyName"),
        ([("  name: full-b", "  labels: {}")], 3, "needs metadata.name"),
        ([("[Audit, Deny]", "[]")], 7, "needs validationActions"),
        ([("[Audit, Deny]", "Deny")], 7, "validationActions: must be a list"),
        ([("[Audit, Deny]", "[Deny, Deny]")], 7, "each once"),
        ([("[Audit, Deny]", "[deny]")], 7, "from Deny, Warn, Audit"),
        ([("[Audit, Deny]", "[{a: b}]")], 7, "from Deny, Warn, Audit"),
        ([("[Audit, Deny]", "[Warn, Deny]")], 7, "exclude each other"),
        ([("    name: limits\n", "")], 8, "exactly one of name and selector"),
        ([("    name: limits\n", "    name: limits\n    selector: {}\n")], 8, "exactly one of name and selector"),
        ([("    parameterNotFoundAction: Allow\n", "")], 8, "needs parameterNotFoundAction, Allow or Deny"),
        ([("parameterNotFoundAction: Allow", "parameterNotFoundAction: allow")], 11, "'allow' is not one of Allow, Deny"),
        ([("  paramRef:", "  paramref:")], 8, "unknown field 'paramref'; did you mean 'paramRef'?"),
        ([("    name: limits\n", "    selector: {matchLabels: a}\n")], 9, "matchLabels: must be a mapping"),
        ([("      matchLabels: {a: b}", "      matchExpressions: [{key: a}]")], 14, "operator must be one of"),
    ],
)
def test_bindings_that_are_refused(edits: list[Edit], line: int, message: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse_binding(read(edited(BINDING, *edits)))
    assert message in caught.value.message
    assert (caught.value.path, caught.value.line) == ("policy.yaml", line)


# Policies as people write them.

REQUIRED_LABELS = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: require-labels}
spec:
  matchConstraints:
    resourceRules:
      - {apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [deployments]}
  variables:
    - name: labels
      expression: "has(object.metadata.labels) ? object.metadata.labels : {}"
  validations:
    - expression: "'team' in variables.labels && variables.labels['team'] != ''"
      message: the label team is required
    - expression: "['app.kubernetes.io/name', 'app.kubernetes.io/version'].all(key, key in variables.labels)"
      messageExpression: >-
        'missing: ' + ['app.kubernetes.io/name', 'app.kubernetes.io/version'].filter(key, !(key in variables.labels)).join(', ')
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: require-labels}
spec: {policyName: require-labels, validationActions: [Deny]}
"""
REPLICA_LIMIT = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: replica-limit}
spec:
  paramKind: {apiVersion: rules.example.com/v1, kind: ReplicaLimit}
  matchConstraints:
    resourceRules:
      - {apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [deployments]}
  validations:
    - expression: object.spec.replicas <= params.maxReplicas
      messageExpression: "'at most ' + string(params.maxReplicas) + ' replicas, not ' + string(object.spec.replicas)"
      reason: Invalid
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: replica-limit-test}
spec:
  policyName: replica-limit
  validationActions: [Warn]
  paramRef: {name: replica-limit-test.example.com, namespace: default, parameterNotFoundAction: Deny}
  matchResources: {namespaceSelector: {matchLabels: {environment: test}}}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: replica-limit-production}
spec:
  policyName: replica-limit
  validationActions: [Deny, Audit]
  paramRef: {name: replica-limit-production.example.com, namespace: default, parameterNotFoundAction: Deny}
  matchResources: {namespaceSelector: {matchLabels: {environment: production}}}
"""
REGISTRIES = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: image-registries}
spec:
  failurePolicy: Fail
  matchConstraints:
    resourceRules:
      - {apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [pods, pods/ephemeralcontainers]}
      - {apiGroups: [apps], apiVersions: ["*"], operations: ["*"], resources: [deployments, daemonsets]}
  matchConditions:
    - name: exclude-nodes-own-pods
      expression: "!(has(object.metadata.annotations) && 'kubernetes.io/config.mirror' in object.metadata.annotations)"
  variables:
    - name: spec
      expression: "has(object.spec.template) ? object.spec.template.spec : object.spec"
    - name: containers
      expression: >-
        variables.spec.containers + (has(variables.spec.initContainers) ? variables.spec.initContainers : [])
    - name: foreign
      expression: "variables.containers.filter(c, !c.image.startsWith('registry.example.com/')).map(c, c.image)"
    - name: unused
      expression: object.nothing.like.this
  validations:
    - expression: size(variables.foreign) == 0
      message: only images of registry.example.com
      messageExpression: "'not of registry.example.com: ' + variables.foreign.join(', ')"
    - expression: variables.containers.all(c, !c.image.matches(':latest$') && c.image.contains(':'))
      message: |-
        images need a tag other than latest
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: image-registries}
spec:
  policyName: image-registries
  validationActions: [Deny]
  matchResources:
    namespaceSelector:
      matchExpressions: [{key: kubernetes.io/metadata.name, operator: NotIn, values: [kube-system]}]
"""

Write = Callable[[str, str], str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write_file(name: str, text: str) -> str:
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return write_file


def deployment(
    name: str = "d", namespace: str = "shop", replicas: int = 1, image: str = "registry.example.com/a:1", labels: dict[str, str] | None = None
) -> str:
    metadata: dict[str, Any] = {"name": name, "namespace": namespace} | ({"labels": labels} if labels is not None else {})
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "a", "image": image}]}}
    spec = {"replicas": replicas, "selector": {"matchLabels": {"a": "b"}}, "template": template}
    return yaml.safe_dump({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec})


def namespaces(**environments: str) -> str:
    return "---\n".join(
        yaml.safe_dump({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"environment": value}}})
        for name, value in environments.items()
    )


def limit(name: str, maximum: int) -> str:
    metadata = {"name": f"replica-limit-{name}.example.com", "namespace": "default"}
    return yaml.safe_dump({"apiVersion": "rules.example.com/v1", "kind": "ReplicaLimit", "metadata": metadata, "maxReplicas": maximum})


def findings(report: hostprocess.Report) -> list[tuple[str, str, str]]:
    assert report.summary.errors == 0
    return [(one.name, str(one.decision.outcome), one.decision.message) for one in report.results]


both = pytest.mark.parametrize("runtime", ["cpp", "celpy"])


@both
def test_required_labels(write: Write, runtime: str) -> None:
    named = {"app.kubernetes.io/name": "web", "app.kubernetes.io/version": "1"}
    manifests = "---\n".join(
        [deployment("none"), deployment("team", labels={"team": "a"}), deployment("all", labels={"team": "a", **named}), deployment("no-team", labels=named)]
    )
    report = hostprocess.check_files([write("d.yaml", manifests)], hostprocess.load_policies([write("p.yaml", REQUIRED_LABELS)]), runtime=runtime)
    missing = "missing: app.kubernetes.io/name, app.kubernetes.io/version"
    assert findings(report) == [
        ("none", "deny", "the label team is required"),
        ("none", "deny", missing),
        ("team", "deny", missing),
        ("no-team", "deny", "the label team is required"),
    ]
    assert (report.summary.resources, report.summary.requests, report.summary.actions) == (4, 4, {"Deny": 4})


@both
def test_replica_limits_by_environment(write: Write, runtime: str) -> None:
    policies = hostprocess.load_policies([write("p.yaml", REPLICA_LIMIT)])
    deployments = write("d.yaml", "---\n".join([deployment("t", "t", 5), deployment("small", "p", 5), deployment("p", "p", 101), deployment("o", "o", 999)]))
    known = write("n.yaml", "---\n".join([namespaces(t="test", p="production", o="other"), limit("test", 3), limit("production", 100)]))
    report = hostprocess.check_files([deployments], policies, inventory=[known], runtime=runtime)
    assert findings(report) == [("t", "warn", "at most 3 replicas, not 5"), ("p", "deny", "at most 100 replicas, not 101")]
    # The objects that are looked up may as well stand among the manifests.
    assert findings(hostprocess.check_files([deployments, known], policies, runtime=runtime)) == findings(report)


@both
def test_replica_limits_without_what_they_need(write: Write, runtime: str) -> None:
    policies = hostprocess.load_policies([write("p.yaml", REPLICA_LIMIT)])
    file = write("d.yaml", deployment("p", "p", 101))
    selector = "the namespaceSelector needs the labels of a Namespace that was not given"
    assert findings(hostprocess.check_files([file], policies, runtime=runtime)) == [("p", "unknown", selector)] * 2
    known = write("n.yaml", namespaces(p="production"))
    found = findings(hostprocess.check_files([file], policies, inventory=[known], runtime=runtime))
    assert found == [("p", "unknown", "no ReplicaLimit was given: add it with --params or --inventory")]


@both
def test_image_registries(write: Write, runtime: str) -> None:
    manifests = [
        deployment("good"),
        deployment("foreign", image="docker.io/a:1"),
        deployment("latest", image="registry.example.com/a:latest"),
        deployment("system", "kube-system", image="docker.io/a:latest"),
        yaml.safe_dump({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "namespace": "shop"}}),
    ]
    for name, marks in (("pod", {}), ("mirror", {"kubernetes.io/config.mirror": "x"})):
        spec = {"initContainers": [{"name": "i", "image": "docker.io/b"}], "containers": [{"name": "c", "image": "ghcr.io/c:2"}]}
        manifests.append(
            yaml.safe_dump({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "shop", "annotations": marks}, "spec": spec})
        )
    policies = hostprocess.load_policies([write("p.yaml", REGISTRIES)])
    report = hostprocess.check_files([write("d.yaml", "---\n".join(manifests))], policies, runtime=runtime)
    assert findings(report) == [
        ("foreign", "deny", "not of registry.example.com: docker.io/a:1"),
        ("latest", "deny", "images need a tag other than latest"),
        ("pod", "deny", "not of registry.example.com: ghcr.io/c:2, docker.io/b"),
        ("pod", "deny", "images need a tag other than latest"),
    ]


def test_both_runtimes_agree_on_all_of_it(write: Write) -> None:
    folder = Path(write("a.yaml", REQUIRED_LABELS)).parent
    write("b.yaml", REGISTRIES)
    policies = hostprocess.load_policies([str(folder)])
    manifests = folder / "manifests"
    manifests.mkdir()
    (manifests / "d.yaml").write_text("---\n".join([deployment(image="x"), deployment(labels={"team": ""}), deployment("k", "kube-system")]))
    report = hostprocess.check_files([str(manifests)], policies, cross_check=True, show_all=True)
    assert {str(one.decision.outcome) for one in report.results} == {"deny", "allow", "skip"}


# Loading.


def test_policies_and_bindings_may_lie_in_several_files(write: Write) -> None:
    policy_text, binding_text = REQUIRED_LABELS.split("---\n")
    folder = Path(write("p.yaml", policy_text)).parent
    write("b.yaml", binding_text)
    write("other.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n")
    assert [one.name for one in hostprocess.load_policies([str(folder)]).policies] == ["require-labels"]


@pytest.mark.parametrize(
    ("texts", "error", "message"),
    [
        ([REQUIRED_LABELS.split("---\n")[0]], PolicyError, "the policy 'require-labels' has no ValidatingAdmissionPolicyBinding"),
        ([REQUIRED_LABELS.split("---\n")[1]], PolicyError, "holds no ValidatingAdmissionPolicy"),
        (["apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"], PolicyError, "holds no ValidatingAdmissionPolicy"),
        ([REQUIRED_LABELS, REQUIRED_LABELS], PolicyError, "0.yaml:1"),
        (["a: [b"], PolicyError, "not valid YAML"),
        ([REQUIRED_LABELS.replace("variables.labels &&", "variables.lables &&")], PolicyError, "undefined field 'lables'"),
        ([REQUIRED_LABELS.replace("message: the", "messageExpression: 1 + 1\n      message: the")], PolicyError, "must evaluate to string but got int"),
        ([REGISTRIES.replace("object.nothing.like.this", "nothing.like.this")], PolicyError, "variable unused: does not compile: undeclared reference"),
    ],
)  # fmt: skip
def test_sources_that_are_refused(texts: list[str], error: type[Exception], message: str, write: Write) -> None:
    folder = ""
    for index, text in enumerate(texts):
        folder = str(Path(write(f"{index}.yaml", text)).parent)
    with pytest.raises(error) as caught:
        # A policy is compiled when it is used; a manifest that it is not about is enough.
        hostprocess.evaluate_resources(hostprocess.load_policies([folder]), [])
    assert message in str(caught.value)


def test_one_policy_from_two_sources(write: Write) -> None:
    paths = [write("a.yaml", REQUIRED_LABELS), write("b.yaml", REQUIRED_LABELS)]
    with pytest.raises(UsageError, match=r"the policy 'require-labels' is given twice: by .*a\.yaml and by .*b\.yaml"):
        hostprocess.load_policies(paths)


def test_a_missing_source() -> None:
    with pytest.raises(PolicyError, match="no such file or folder"):
        hostprocess.load_policies(["does/not/exist"])

"""The type check of policies against the kinds they match."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

import hostprocess
from hostprocess.compile import compile_pack
from hostprocess.kubernetes import catalogue
from hostprocess.model import MatchConstraints, Policy
from hostprocess.policy_lint.built_in_kinds import CATALOGUED, OBJECT_META, built_in_schemas
from hostprocess.policy_lint.kinds_matched import matched_kinds
from hostprocess.policy_lint.policy_types import type_check, type_faults
from hostprocess.policy_lint.schemas import custom_schemas, message
from hostprocess.policy_lint.status import expression_warnings

POD = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"]}
DEPLOYMENT = {"apiGroups": ["apps"], "apiVersions": ["v1"], "resources": ["deployments"]}
CRON_JOB = {"apiGroups": ["batch"], "apiVersions": ["v1"], "resources": ["cronjobs"]}
WIDGET = {"apiGroups": ["example.com"], "apiVersions": ["v1"], "resources": ["widgets"]}
WIDGETS: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "spec": {
        "group": "example.com",
        "names": {"kind": "Widget", "plural": "widgets"},
        "versions": [
            {
                "name": "v1",
                "served": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "required": ["size"],
                                "properties": {
                                    "size": {"type": "integer"},
                                    "port": {"x-kubernetes-int-or-string": True},
                                    "parts": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}}}},
                                    "colours": {"type": "object", "additionalProperties": {"type": "string"}},
                                    "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                                },
                            }
                        },
                    }
                },
            }
        ],
    },
}
SPEC = ("spec", "object.kind == 'Pod' ? object.spec : object.kind == 'CronJob' ? object.spec.jobTemplate.spec.template.spec : object.spec.template.spec")


def faults(
    *expressions: str,
    rules: Sequence[Mapping[str, Any]] = (POD, DEPLOYMENT),
    variables: Sequence[tuple[str, str]] = (),
    conditions: Sequence[str] = (),
    minor: int = 37,
    **spec: Any,
) -> list[str]:
    """The faults of a policy, as `place message: kinds`."""
    given = {
        "matchConstraints": {"resourceRules": list(rules)},
        "matchConditions": [{"name": f"c{index}", "expression": one} for index, one in enumerate(conditions)],
        "variables": [{"name": name, "expression": one} for name, one in variables],
        "validations": [{"expression": one} for one in expressions],
        **spec,
    }
    return faults_of(given, minor)


def faults_of(spec: Mapping[str, Any], minor: int = 37) -> list[str]:
    schemas = built_in_schemas(minor).joined(custom_schemas([WIDGETS], message(OBJECT_META)))
    matched = matched_kinds(spec["matchConstraints"], schemas.resources)
    found = type_faults(type_check(spec, matched, schemas))
    return [f"{one.expression.steps[1]} {one.fault.message}: {' '.join(kind.kind for kind in one.kinds)}" for one in found]


PLANTED = [
    ({"expressions": ["object.spec.hostNetwrk == true"], "rules": [POD]}, ["validations undefined field 'hostNetwrk': Pod"]),
    ({"expressions": ["object.spec.hostNetwrk == true"]}, ["validations undefined field 'hostNetwrk': Pod Deployment"]),
    # Each branch of a switch.
    (
        {"expressions": ["object.kind == 'Pod' ? object.spec.hostNetwrk == true : object.spec.template.spec.hostNetwork == true"]},
        ["validations undefined field 'hostNetwrk': Pod"],
    ),
    (
        {"expressions": ["object.kind == 'Pod' ? object.spec.hostNetwork == true : object.spec.template.spec.hostNetwrk == true"]},
        ["validations undefined field 'hostNetwrk': Deployment"],
    ),
    (
        {"expressions": ["request.kind.kind == 'Pod' ? object.spec.hostNetwork == true : object.spec.tmplate.spec.hostNetwork == true"]},
        ["validations undefined field 'tmplate': Deployment"],
    ),
    (
        {"expressions": ["has(object.spec.template) ? object.spec.template.spec.hostNetwrk == true : object.spec.hostNetwork == true"]},
        ["validations undefined field 'hostNetwrk': Deployment"],
    ),
    (
        {"expressions": ["object.kind in ['Deployment', 'StatefulSet'] && object.spec.template.spec.hostNetwrk == true"]},
        ["validations undefined field 'hostNetwrk': Deployment"],
    ),
    ({"expressions": ["!(object.kind.matches('^Dep')) || object.spec.replica > 1"]}, ["validations undefined field 'replica': Deployment"]),
    ({"expressions": ["request.resource.resource != 'pods' || object.spec.replicas > 1"]}, ["validations undefined field 'replicas': Pod"]),
    # Variables, on their own and where they are read.
    ({"variables": [("a", "object.spec.containrs")], "rules": [POD]}, ["variables undefined field 'containrs': Pod"]),
    ({"variables": [SPEC], "expressions": ["variables.spec.hostNetwrk == true"]}, ["validations undefined field 'hostNetwrk': Pod Deployment"]),
    (
        {"variables": [SPEC, ("all", "variables.spec.containers + variables.spec.initContainers")], "expressions": ["variables.all.all(c, c.imag != 'x')"]},
        ["validations undefined field 'imag': Pod Deployment"],
    ),
    (
        {"variables": [("pod", "object.kind == 'Pod'")], "expressions": ["variables.pod || object.spec.replica > 1"]},
        ["validations undefined field 'replica': Deployment"],
    ),
    # Conditions, and what they leave out.
    (
        {"conditions": ["object.metdata.name != 'x'"]},
        ["matchConditions undefined field 'metdata': Pod Deployment"],
    ),
    ({"conditions": ["object.kind == 'Pod'"], "expressions": ["object.spec.replicas > 1"]}, ["validations undefined field 'replicas': Pod"]),
    ({"conditions": ["object.kind == 'Pod'"], "expressions": ["object.spec.template.spec.hostPID"]}, ["validations undefined field 'template': Pod"]),
    # Audit annotations and messages.
    (
        {"auditAnnotations": [{"key": "a", "valueExpression": "object.spec.nodName"}], "rules": [POD]},
        ["auditAnnotations undefined field 'nodName': Pod"],
    ),
    (
        {"validations": [{"expression": "true", "messageExpression": "'on ' + object.spec.nodName"}], "rules": [POD]},
        ["validations undefined field 'nodName': Pod"],
    ),
    # Inside comprehensions, behind optionals, by index, old objects, parameters.
    (
        {"expressions": ["object.spec.containers.all(c, c.volumeMounts.exists(m, m.mountpath == '/'))"], "rules": [POD]},
        ["validations undefined field 'mountpath': Pod"],
    ),
    ({"expressions": ["object.spec.?securityContxt.?runAsUser.orValue(1) == 1"], "rules": [POD]}, ["validations undefined field 'securityContxt': Pod"]),
    ({"expressions": ["object.spec.?securityContext.orValue({}).runAsUsr == 1"], "rules": [POD]}, ["validations undefined field 'runAsUsr': Pod"]),
    (
        {"expressions": ["(has(object.spec.securityContext) ? object.spec.securityContext : {}).runAsUsr == 1"], "rules": [POD]},
        ["validations undefined field 'runAsUsr': Pod"],
    ),
    ({"expressions": ["object['spec']['hostNetwrk'] == true"], "rules": [POD]}, ["validations undefined field 'hostNetwrk': Pod"]),
    ({"expressions": ["has(object.spec.hostNetwrk)"], "rules": [POD]}, ["validations undefined field 'hostNetwrk': Pod"]),
    ({"expressions": ["'hostNetwrk' in object.spec"], "rules": [POD]}, ["validations undefined field 'hostNetwrk': Pod"]),
    ({"expressions": ["oldObject.spec.nodName == object.spec.nodeName"], "rules": [POD]}, ["validations undefined field 'nodName': Pod"]),
    (
        {"expressions": ["params.dta.x == 'a'"], "rules": [POD], "paramKind": {"apiVersion": "v1", "kind": "ConfigMap"}},
        ["validations undefined field 'dta': Pod"],
    ),
    (
        {"expressions": ["(object.spec.containers + object.spec.ephemeralContainers).all(c, c.targtContainerName != '')"], "rules": [POD]},
        ["validations undefined field 'targtContainerName': Pod"],
    ),
    # Types.
    (
        {"expressions": ["object.spec.replicas > '1'"], "rules": [DEPLOYMENT]},
        ["validations found no matching overload for '_>_' applied to '(int, string)': Deployment"],
    ),
    (
        {"expressions": ["object.metadata.creationTimestamp < timestamp('2030-01-01T00:00:00Z')"], "rules": [POD]},
        ["validations found no matching overload for '_<_' applied to '(string, timestamp)': Pod"],
    ),
    ({"expressions": ["object.metadata.name.first == 'a'"], "rules": [POD]}, ["validations type 'string' does not support field selection: Pod"]),
    # Custom resources.
    ({"expressions": ["object.spec.parts.all(p, p.nam != '')"], "rules": [WIDGET]}, ["validations undefined field 'nam': Widget"]),
    ({"expressions": ["object.metadata.nam != ''"], "rules": [WIDGET]}, ["validations undefined field 'nam': Widget"]),
    # Sub-resources.
    (
        {"expressions": ["object.spec.replica < 3"], "rules": [{**DEPLOYMENT, "resources": ["deployments/scale"]}]},
        ["validations undefined field 'replica': Scale"],
    ),
    (
        {"expressions": ["object.spec.hostNetwrk == true"], "rules": [{**POD, "resources": ["pods/ephemeralcontainers"]}]},
        ["validations undefined field 'hostNetwrk': Pod"],
    ),
]


@pytest.mark.parametrize(("given", "expected"), PLANTED)
def test_planted_faults_are_found(given: dict[str, Any], expected: list[str]) -> None:
    given = dict(given)
    assert faults(*given.pop("expressions", ()), **given) == expected


SOUND = [
    "object.metadata.labels['app.kubernetes.io/name'] == 'x' && object.metadata.annotations.size() > 0",
    "object.kind == 'Pod' ? object.spec.hostNetwork == true : object.spec.template.spec.hostNetwork == true",
    "has(object.spec.template) ? object.spec.template.spec.hostNetwork == true : object.spec.hostNetwork == true",
    "'template' in object.spec ? object.spec.template.spec.hostNetwork == true : object.spec.hostNetwork == true",
    "object.?spec.?template.?spec.orValue(object.spec).hostNetwork == true",
    "object.spec.?template.hasValue() ? object.spec.template.spec.hostPID == true : object.spec.hostPID == true || object.kind == 'Deployment'",
    "object.kind != 'Pod' || object.spec == {} || size(object.spec) > 1 || object.spec.exists(k, k == 'x')",
    "object.kind != 'Pod' || (object.spec.containers + object.spec.?initContainers.orValue([]) + object.spec.?ephemeralContainers.orValue([])).all(c,"
    " c.image.startsWith('x') && (!has(c.securityContext) || c.securityContext.?privileged.orValue(false) == false))",
    "object.kind != 'Pod' || object.spec.containers.all(c, quantity(c.resources.limits['cpu']).isLessThan(quantity('1')))",
    "object.kind != 'Pod' || object.spec.containers.map(c, c.?securityContext.?capabilities.?add.orValue([])).all(l, l.all(x, x != 'ALL'))",
    "object.kind != 'Pod' || object.spec.containers.all(c, c.?livenessProbe.httpGet.port.orValue(0) == 80 || type(c.name) == string)",
    "oldObject == null || object.spec == oldObject.spec || object.metadata != oldObject.metadata",
    "timestamp(object.metadata.creationTimestamp) < timestamp('2030-01-01T00:00:00Z')",
    "dyn(object).anything == 1 || object.status == null",
    "object.kind != 'Pod' || object.spec.volumes.filter(v, has(v.hostPath)).map(v, v.hostPath.path).all(p, p.startsWith('/var'))",
    "object.kind != 'Pod' || [object.spec.containers, object.spec.initContainers].all(l, l.all(c, c.name != ''))",
    "object.kind != 'Pod' || object.spec.volumes.all(v, v.all(k, k in ['name', 'configMap']))",
    "object.metadata.?labels[?'a'].orValue('b') == 'b' && object.metadata.?ownerReferences.orValue([]).all(o, o.kind != 'X')",
    "object.metadata.?ownerReferences[?0].?name.orValue('') != 'x'",
]


@pytest.mark.parametrize("expression", SOUND)
def test_sound_expressions_have_no_fault(expression: str) -> None:
    assert faults(expression) == []


def test_kinds_may_be_told_apart_by_lists() -> None:
    workloads = "['Deployment', 'StatefulSet', 'Job'].all(kind, object.kind != kind) || object.spec.template.spec.hostNetwork == false"
    assert faults(workloads) == []
    assert faults(workloads.replace("hostNetwork", "hostNetwrk")) == ["validations undefined field 'hostNetwrk': Deployment"]
    assert faults("!['Deployment'].exists(kind, object.kind == kind) || object.spec.template.spec.hostPID == false") == []
    kinds = ("kinds", "['Deployment', 'Job']")
    assert faults("!(object.kind in variables.kinds) || object.spec.template.spec.hostPID == false", variables=[kinds]) == []
    assert faults("object.kind in variables.kinds || object.spec.template.spec.hostPID == false", variables=[kinds]) == [
        "validations undefined field 'template': Pod"
    ]


def test_sound_variables_have_no_fault() -> None:
    containers = ("containers", "variables.spec.containers + (has(variables.spec.initContainers) ? variables.spec.initContainers : [])")
    expression = "variables.containers.all(c, c.?resources.?limits.orValue({}).size() > 0)"
    assert faults(expression, variables=[SPEC, containers], rules=[POD, DEPLOYMENT, CRON_JOB]) == []


def test_custom_resources_are_as_loose_as_their_schema() -> None:
    sound = (
        "object.spec.size < 3 && object.spec.port == 80 && object.spec.free.anything == 'x' && object.spec.colours['red'] == '' && object.metadata.name != ''"
    )
    assert faults(sound, rules=[WIDGET]) == []


def test_a_field_asked_for_is_no_fault_where_a_kind_is_not_known() -> None:
    unknown = {"apiGroups": ["argoproj.io"], "apiVersions": ["v1alpha1"], "resources": ["rollouts"]}
    assert faults("has(object.spec.strategyy) == false", rules=[POD, unknown]) == []
    assert faults("has(object.spec.strategyy) == false", rules=[POD, {**POD, "resources": ["*"]}]) == []
    assert faults("has(object.spec.strategyy) == false", rules=[POD]) == ["validations undefined field 'strategyy': Pod"]


def test_fields_of_later_releases_are_not_known_earlier() -> None:
    assert faults("object.spec.hostnameOverride == 'x'", rules=[POD], minor=34) == []
    assert faults("object.spec.hostnameOverride == 'x'", rules=[POD], minor=30) == ["validations undefined field 'hostnameOverride': Pod"]


def test_releases_of_the_catalogue() -> None:
    assert [f"1.{minor}" for minor in CATALOGUED] == catalogue._data()["releases"]


def spec_of(policy: Policy) -> dict[str, Any]:
    """The spec of a compiled policy, as far as the type check reads it."""
    return {
        "matchConstraints": {"resourceRules": rules_of(policy.match_constraints)},
        "paramKind": {"apiVersion": policy.param_kind.api_version, "kind": policy.param_kind.kind} if policy.param_kind else None,
        "matchConditions": [{"name": one.name, "expression": one.expression} for one in policy.match_conditions],
        "variables": [{"name": one.name, "expression": one.expression} for one in policy.variables],
        "validations": [{"expression": one.expression, "messageExpression": one.message_expression} for one in policy.validations],
    }


def rules_of(constraints: MatchConstraints) -> list[dict[str, Any]]:
    """Four shapes of kinds are enough: pods, bare templates, templates, templates of templates."""
    shapes = {"pods", "podtemplates", "deployments", "cronjobs"}
    return [
        {"apiGroups": one.api_groups, "apiVersions": one.api_versions, "resources": [name for name in one.resources if name in shapes]}
        for one in constraints.resource_rules
    ]


def test_the_built_in_pack_has_no_fault() -> None:
    pack = hostprocess.load_rules()
    policies, _ = compile_pack(pack, pack.rules, hostprocess.load_policies().targets)
    assert len(policies) > 1
    assert len(matched_kinds({"resourceRules": rules_of(policies[0].match_constraints)}, built_in_schemas(37).resources).kinds) == 4
    assert {policy.name: found for policy in policies if (found := faults_of(spec_of(policy)))} == {}


STATUS = [
    (
        "object.spec.hostNetwrk",
        ["/v1, Kind=Pod: ERROR: <input>:1:12: undefined field 'hostNetwrk'\n | object.spec.hostNetwrk\n | ...........^\n"],
    ),
    (
        "object.metadata.creationTimestamp == 1",
        [
            "/v1, Kind=Pod: ERROR: <input>:1:35: found no matching overload for '_==_' applied to '(timestamp, int)'\n"
            " | object.metadata.creationTimestamp == 1\n | ..................................^\n"
        ],
    ),
    # What works when it is evaluated, and what the cluster complains about all the same.
    (
        "object.spec.overhead['cpu'] == '1'",
        ["/v1, Kind=Pod: ERROR: <input>:1:12: undefined field 'overhead'\n | object.spec.overhead['cpu'] == '1'\n | ...........^\n"],
    ),
    (
        "object.spec == {}",
        [
            "/v1, Kind=Pod: ERROR: <input>:1:13: found no matching overload for '_==_' applied to '(Pod.spec, map(dyn, dyn))'\n"
            " | object.spec == {}\n | ............^\n"
        ],
    ),
    ("object.spec.containers[0].livenessProbe.httpGet.port == 'http'", []),
    ("object.metadata.namespace == 'x' && object.metadata.labels.a == 'b'", []),
    ("variables.spec.anything == 1 && variables.broken == 2", []),
]


@pytest.mark.parametrize(("expression", "expected"), STATUS)
def test_status_is_that_of_the_cluster(expression: str, expected: list[str]) -> None:
    spec = {
        "matchConstraints": {"resourceRules": [POD]},
        "variables": [{"name": "spec", "expression": "object.spec"}, {"name": "broken", "expression": "object.nothing"}],
        "validations": [{"expression": expression}],
    }
    found = expression_warnings(spec, 37)
    assert [one.warning for one in found] == expected
    assert all(one.field_ref == "spec.validations[0].expression" for one in found)


def test_status_is_about_every_kind_and_no_wildcard() -> None:
    def kinds(*rules: Mapping[str, Any]) -> list[str]:
        found = expression_warnings({"matchConstraints": {"resourceRules": list(rules)}, "validations": [{"expression": "object.x == 1"}]}, 37)
        return [line.partition(": ERROR")[0] for one in found for line in one.warning.splitlines() if "Kind=" in line]

    assert kinds(DEPLOYMENT, POD) == ["/v1, Kind=Pod", "apps/v1, Kind=Deployment"]
    assert kinds({**POD, "resources": ["pods/exec", "*"]}, {**DEPLOYMENT, "apiGroups": ["*"]}, {**DEPLOYMENT, "apiVersions": ["*"]}) == []
    assert kinds({**POD, "resources": ["events"]}) == ["/v1, Kind=Event", "events.k8s.io/v1, Kind=Event"], "an empty group is any group"

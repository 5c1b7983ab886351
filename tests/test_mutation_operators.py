"""Each kind of mutant: a suite that pins what it changes kills it, one that does not lets it survive."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from hostprocess import api
from hostprocess.mutation import settle
from hostprocess.mutation.model import Fate, Result
from suites import DEPLOYMENT, write_suite

POD: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "p", "namespace": "shop", "labels": {"tier": "web"}},
    "spec": {"containers": [{"name": "c", "image": "i:1"}]},
}
ALLOWED: dict[str, Any] = {"name": "allowed", "expect": "allow"}


@pytest.fixture(autouse=True)
def few_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that survivors are not looked into for long."""
    monkeypatch.setattr(settle, "GENERATED", 20)


def policy(*expressions: str, **spec: Any) -> str:
    """A policy about pods, with its binding."""
    rules = [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["pods"]}]
    whole = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": rules, **spec.pop("constraints", {})},
        "validations": [{"expression": one} for one in expressions],
        **spec,
    }
    value = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": {"name": "pods"}, "spec": whole}
    return yaml.safe_dump(value, sort_keys=False, width=1000)


def binding(**spec: Any) -> str:
    whole = {"policyName": "pods", "validationActions": ["Deny"], **spec}
    value = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": "pods"}, "spec": whole}
    return "---\n" + yaml.safe_dump(value, sort_keys=False, width=1000)


def results(folder: Path, text: str, cases: list[Any], keyword: str = "", **top: Any) -> list[Result]:
    write_suite(folder, cases, text, base=POD, **top)
    report = api.mutate_suites([str(folder)], keyword=keyword)
    assert report.errors == []
    assert report.notes == []
    return report.results


def fates(folder: Path, text: str, cases: list[Any], operator: str, words: str, shown: str = "") -> set[bool]:
    """Whether the mutants of this kind were killed, of lines in which this is `shown`."""
    found = [one for one in results(folder, text, cases, operator) if one.operator == operator and words in one.words and shown in "".join(one.before)]
    assert found, f"no mutant {operator}: {words}"
    return {one.fate is Fate.KILLED for one in found}


def containers(*extra: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"spec.containers": [{"name": "c", "image": "i:1", **more}, *extra]}


HOST = "object.spec.?hostPID.orValue(false)"
NO_ROOT = "(!has({0}.securityContext) || !has({0}.securityContext.privileged) || {0}.securityContext.privileged == false)"
PRIVILEGED = {"securityContext": {"privileged": True}}
ALL_KINDS = (
    "(object.spec.containers + (has(object.spec.initContainers) ? object.spec.initContainers : []) + "
    "(has(object.spec.ephemeralContainers) ? object.spec.ephemeralContainers : [])).all(c, " + NO_ROOT.format("c") + ")"
)
LEVELS = (
    "object.spec.containers.all(c, has(c.securityContext) && has(c.securityContext.runAsNonRoot) ? c.securityContext.runAsNonRoot"
    " : has(object.spec.securityContext) && has(object.spec.securityContext.runAsNonRoot) && object.spec.securityContext.runAsNonRoot)"
)
ROOTLESS = {"name": "allowed", "set": {"spec.securityContext.runAsNonRoot": True}, "expect": "allow"}
ROOT = {"name": "denied", "set": {"spec.containers[0].securityContext.runAsNonRoot": False}, "expect": "deny"}
NO_IPC = "!has(object.spec.hostIPC)"
HOST_NETWORK = {"name": "on the host network", "set": {"spec.hostNetwork": True}, "expect": "allow"}
IPC = {"name": "ipc", "set": {"spec.hostNetwork": True, "spec.hostIPC": True}, "expect": "deny"}

# name: policy, cases that do not pin, the case that does, operator, words
EXPRESSIONS: dict[str, tuple[str, list[Any], Any, str, str]] = {
    "equality": (
        policy("object.metadata.name == 'p' || has(object.spec.hostNetwork)", NO_IPC),
        [HOST_NETWORK, IPC],
        ALLOWED,
        "equality",
        "== became !=",
    ),
    "comparison": (
        policy("size(object.spec.containers) < 3"),
        [ALLOWED, {"name": "many", "set": containers(*({"name": f"c{n}", "image": "i:1"} for n in range(3))), "expect": "deny"}],
        {"name": "three", "set": containers(*({"name": f"c{n}", "image": "i:1"} for n in range(2))), "expect": "deny"},
        "comparison",
        "< became <=",
    ),
    "logical": (
        policy(f"!(has(object.spec.hostNetwork) && {HOST})"),
        [ALLOWED, {"name": "both", "set": {"spec.hostNetwork": True, "spec.hostPID": True}, "expect": "deny"}],
        {"name": "one", "set": {"spec.hostPID": True}, "expect": "allow"},
        "logical",
        "&& became ||",
    ),
    "arithmetic": (
        policy("size(object.metadata.name) + size(object.spec.containers) < 4"),
        [ALLOWED, {"name": "long", "set": {"metadata.name": "abcdefghij"}, "expect": "deny"}],
        {"name": "between", "set": {"metadata.name": "abcd"}, "expect": "deny"},
        "arithmetic",
        "+ became -",
    ),
    "negation": (
        policy("!has(object.spec.hostNetwork) || object.metadata.namespace == 'system'"),
        [{"name": "system", "set": {"metadata.namespace": "system"}, "expect": "allow"}, {"name": "e", "set": {"spec.hostNetwork": True}, "expect": "deny"}],
        ALLOWED,
        "guard",
        "!has(object.spec.hostNetwork) was dropped",
    ),
    "constant number": (
        policy("size(object.spec.containers) <= 2"),
        [ALLOWED, {"name": "many", "set": containers(*({"name": f"c{n}", "image": "i:1"} for n in range(3))), "expect": "deny"}],
        {"name": "three", "set": containers(*({"name": f"c{n}", "image": "i:1"} for n in range(2))), "expect": "deny"},
        "constant",
        "2 became 3",
    ),
    "constant text": (
        policy("!(object.metadata.labels.tier in ['db', 'cache'])"),
        [ALLOWED, {"name": "db", "set": {"metadata.labels.tier": "db"}, "expect": "deny"}],
        {"name": "cache", "set": {"metadata.labels.tier": "cache"}, "expect": "deny"},
        "constant",
        "'cache'",
    ),
    "constant bool": (
        policy("!has(object.spec.hostPID) || object.spec.hostPID != true || has(object.spec.hostNetwork)", NO_IPC),
        [HOST_NETWORK, IPC],
        {"name": "host", "set": {"spec.hostPID": True}, "expect": "deny"},
        "constant",
        "true became false",
    ),
    "element": (
        policy("!(object.metadata.labels.tier in ['db', 'cache'])"),
        [ALLOWED, {"name": "db", "set": {"metadata.labels.tier": "db"}, "expect": "deny"}],
        {"name": "cache", "set": {"metadata.labels.tier": "cache"}, "expect": "deny"},
        "element",
        "'cache' was dropped",
    ),
    "quantifier": (
        policy("object.spec.containers.all(c, c.image.startsWith('i:'))"),
        [ALLOWED, {"name": "bad", "set": {"spec.containers[0].image": "x"}, "expect": "deny"}],
        {"name": "one of two", "set": containers({"name": "d", "image": "x"}), "expect": "deny"},
        "quantifier",
        "all became exists",
    ),
    "exists one": (
        policy("object.spec.containers.exists_one(c, c.image.startsWith('i:'))"),
        [ALLOWED, {"name": "bad", "set": {"spec.containers[0].image": "x"}, "expect": "deny"}],
        {"name": "two", "set": containers({"name": "d", "image": "i:2"}), "expect": "deny"},
        "quantifier",
        "exists_one became exists",
    ),
    "guard": (
        policy("has(object.metadata.annotations) && object.metadata.annotations.size() > 1 || object.metadata.namespace == 'shop'"),
        [ALLOWED, {"name": "d", "set": {"metadata.namespace": "x", "metadata.annotations": {"a": "b"}}, "expect": "deny"}],
        {"name": "none", "set": {"metadata.namespace": "x"}, "expect": "deny"},
        "guard",
        "has(object.metadata.annotations) was dropped",
    ),
    "containers": (
        policy(ALL_KINDS),
        [ALLOWED, {"name": "regular", "set": {"spec.containers[0].securityContext.privileged": True}, "expect": "deny"}],
        {"name": "init", "set": {"spec.initContainers": [{"name": "i", "image": "i:1", **PRIVILEGED}]}, "expect": "deny"},
        "containers",
        "initContainers",
    ),
    "ephemeral containers": (
        policy(ALL_KINDS),
        [ALLOWED, {"name": "regular", "set": {"spec.containers[0].securityContext.privileged": True}, "expect": "deny"}],
        {"name": "debug", "set": {"spec.ephemeralContainers": [{"name": "e", "image": "i:1", **PRIVILEGED}]}, "expect": "deny"},
        "containers",
        "ephemeralContainers",
    ),
    "the half of the pod": (
        policy(LEVELS),
        [ROOT, {"name": "own", "set": {"spec.containers[0].securityContext.runAsNonRoot": True}, "expect": "allow"}],
        ROOTLESS,
        "half",
        "has(object.spec.securityContext) && has(object.spec",
    ),
    "the half of the container": (
        policy(LEVELS),
        [ROOT, ROOTLESS],
        {"name": "own", "set": {"spec.containers[0].securityContext.runAsNonRoot": True}, "expect": "allow"},
        "half",
        "c.securityContext.runAsNonRoot was dropped",
    ),
    "filter": (
        policy("object.spec.containers.filter(c, c.image != 'sidecar').all(c, c.image.startsWith('i:'))"),
        [ALLOWED, {"name": "bad", "set": {"spec.containers[0].image": "x"}, "expect": "deny"}],
        {"name": "beside", "set": containers({"name": "d", "image": "sidecar"}), "expect": "allow"},
        "filter",
        "the filter was dropped",
    ),
    "call": (
        policy("object.metadata.labels.tier.lowerAscii() != 'db'"),
        [ALLOWED, {"name": "db", "set": {"metadata.labels.tier": "db"}, "expect": "deny"}],
        {"name": "any case", "set": {"metadata.labels.tier": "DB"}, "expect": "deny"},
        "call",
        "lowerAscii() was dropped",
    ),
    "variable": (
        policy("size(object.spec.containers) <= variables.most", variables=[{"name": "most", "expression": "2"}]),
        [ALLOWED, {"name": "many", "set": containers(*({"name": f"c{n}", "image": "i:1"} for n in range(3))), "expect": "deny"}],
        {"name": "three", "set": containers(*({"name": f"c{n}", "image": "i:1"} for n in range(2))), "expect": "deny"},
        "constant",
        "2 became 3",
    ),
    "message": (
        policy(
            "object.metadata.name == 'p'", validations=[{"expression": "object.metadata.name == 'p'", "messageExpression": "'not ' + object.metadata.name"}]
        ),
        [ALLOWED, {"name": "d", "set": {"metadata.name": "q"}, "expect": "deny"}],
        {"name": "m", "set": {"metadata.name": "q"}, "expect": "deny", "message": "not q"},
        "operand",
        "object.metadata.name was dropped",
    ),
    "annotation": (
        policy("object.metadata.name == 'p'", auditAnnotations=[{"key": "name", "valueExpression": "'pod ' + object.metadata.name"}]),
        [ALLOWED, {"name": "d", "set": {"metadata.name": "q"}, "expect": "deny"}],
        {"name": "a", "expect": "allow", "auditAnnotations": {"name": "pod p"}},
        "operand",
        "object.metadata.name was dropped",
    ),
}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_expressions(name: str, tmp_path: Path) -> None:
    text, cases, pin, operator, words = EXPRESSIONS[name]
    assert fates(tmp_path, text, copy.deepcopy(cases), operator, words) == {False}
    assert fates(tmp_path, text, copy.deepcopy([*cases, pin]), operator, words) == {True}


HOSTLESS = "object == null || !has(object.spec.hostPID)"
FAULTY = {"name": "denied", "set": {"spec.hostPID": True}, "expect": "deny"}
EXEMPT = [{"name": "not-exempt", "expression": "!has(object.metadata.labels) || !('exempt' in object.metadata.labels)"}]
SELECTOR = {"objectSelector": {"matchExpressions": [{"key": "tier", "operator": "In", "values": ["web", "api"]}]}}
NAMESPACES = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "shop"}}}
TWO_RULES = {
    "resourceRules": [
        {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["pods"]},
        {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["deployments"], "scope": "Namespaced"},
    ]
}
CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "shop"}}
NAMED = {
    "resourceRules": [
        {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["pods"], "resourceNames": ["p"]},
    ],
    "excludeResourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["pods/status"]}],
}

OTHER = "---\n" + policy(HOSTLESS).replace("name: pods", "name: other")
WEB = {"name": "web", "set": {"spec.hostIPC": True}}
API = {"name": "another tier", "set": {"metadata.labels.tier": "x"}, "expect": "allow"}
API_FAULTY = {"name": "another tier, faulty", "set": {"metadata.labels.tier": "x", "spec.hostPID": True}, "expect": "deny"}

# The same, and what the line shows.
OBJECTS: dict[str, tuple[str, list[Any], Any, str, str, str]] = {
    "dropped validation": (
        policy(HOSTLESS, "!has(object.spec.hostIPC)"),
        [ALLOWED, FAULTY],
        {"name": "ipc", "set": {"spec.hostIPC": True}, "expect": "deny"},
        "dropped",
        "the validation was dropped",
        "hostIPC",
    ),
    "dropped annotation": (
        policy(HOSTLESS, auditAnnotations=[{"key": "name", "valueExpression": "'x'"}]),
        [ALLOWED, FAULTY],
        {"name": "a", "expect": "allow", "auditAnnotations": {"name": "x"}},
        "dropped",
        "the audit annotation was dropped",
        "",
    ),
    "dropped matchCondition": (
        policy(HOSTLESS, matchConditions=EXEMPT),
        [ALLOWED, FAULTY],
        {"name": "exempt", "set": {"spec.hostPID": True, "metadata.labels.exempt": "x"}, "expect": "skip"},
        "widened",
        "the matchCondition was dropped",
        "",
    ),
    "removed operation": (
        policy(HOSTLESS),
        [ALLOWED, FAULTY],
        {"name": "update", "oldObject": {"set": {"metadata.labels.tier": "db"}}, "set": {"spec.hostPID": True}, "expect": "deny"},
        "operation",
        "'UPDATE' was dropped",
        "",
    ),
    "widened operations": (
        policy(HOSTLESS),
        [ALLOWED, FAULTY],
        {"name": "deleted", "operation": "DELETE", "expect": "skip"},
        "widened",
        "are matched",
        "operations",
    ),
    "dropped resource rule": (
        policy("object.metadata.name != 'bad'", constraints=TWO_RULES),
        [ALLOWED, {"name": "denied", "set": {"metadata.name": "bad"}, "expect": "deny"}],
        {"name": "deployment", "object": {**DEPLOYMENT, "metadata": {"name": "bad", "namespace": "shop"}}, "expect": "deny"},
        "narrowed",
        "the resource rule was dropped",
        "deployments",
    ),
    "one of the names of an operation": (
        policy(HOSTLESS, constraints={"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["pods"]}]}),
        [ALLOWED, FAULTY],
        {"name": "delete", "operation": "DELETE", "expect": "allow"},
        "operation",
        "'DELETE' was dropped",
        "",
    ),
    "name of a resource": (
        policy(HOSTLESS, constraints=NAMED),
        [ALLOWED, FAULTY],
        {"name": "other", "set": {"metadata.name": "q", "spec.hostPID": True}, "expect": "skip"},
        "widened",
        "are matched",
        "resourceNames",
    ),
    "exception of a resource": (
        policy(
            HOSTLESS, constraints={**NAMED, "resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["pods", "pods/*"]}]}
        ),
        [ALLOWED, FAULTY],
        {"name": "status", "subresource": "status", "oldObject": {"set": {"metadata.labels.tier": "db"}}, "set": {"spec.hostPID": True}, "expect": "skip"},
        "widened",
        "the exception was dropped",
        "",
    ),
    "turned selector": (
        policy(NO_IPC, constraints=SELECTOR) + OTHER,
        [API, API_FAULTY],
        {**WEB, "expect": "deny"},
        "narrowed",
        "In became NotIn",
        "",
    ),
    "value of a selector": (
        policy(HOSTLESS, constraints=SELECTOR),
        [ALLOWED, FAULTY],
        {"name": "api", "set": {"metadata.labels.tier": "api", "spec.hostPID": True}, "expect": "deny"},
        "element",
        "'api' was dropped",
        "",
    ),
    "dropped requirement": (
        policy(HOSTLESS, constraints=SELECTOR),
        [ALLOWED, FAULTY],
        {"name": "other", "set": {"metadata.labels.tier": "x", "spec.hostPID": True}, "expect": "skip"},
        "widened",
        "the requirement was dropped",
        "",
    ),
    "dropped label": (
        policy(HOSTLESS, constraints=NAMESPACES),
        [ALLOWED, FAULTY],
        {"name": "other", "set": {"metadata.namespace": "x", "spec.hostPID": True}, "expect": "skip"},
        "widened",
        "the label kubernetes.io/metadata.name was dropped",
        "",
    ),
    "failurePolicy": (
        policy(HOSTLESS, f"object.metadata.labels.tier != 'x' || {HOST}"),
        [ALLOWED, FAULTY],
        {"name": "unlabelled", "unset": ["metadata.labels"], "expect": "error"},
        "failurePolicy",
        "Fail became Ignore",
        "",
    ),
    "action": (
        policy(NO_IPC) + binding(validationActions=["Warn", "Audit"]) + OTHER,
        [API, API_FAULTY],
        {**WEB, "expect": "warn"},
        "action",
        "Warn became Deny",
        "",
    ),
    "selector of a binding": (
        policy(HOSTLESS) + binding(matchResources=NAMESPACES),
        [ALLOWED, FAULTY],
        {"name": "other", "set": {"metadata.namespace": "x", "spec.hostPID": True}, "expect": "skip"},
        "widened",
        "the label kubernetes.io/metadata.name was dropped",
        "",
    ),
    "missing parameters": (
        policy(HOSTLESS, paramKind={"apiVersion": "v1", "kind": "ConfigMap"})
        + binding(paramRef={"name": "c", "namespace": "shop", "parameterNotFoundAction": "Allow"}),
        [{**ALLOWED, "params": [CONFIG]}, {**FAULTY, "params": [CONFIG]}],
        {"name": "none", "set": {"spec.hostPID": True}, "params": [], "expect": "skip"},
        "parameterNotFoundAction",
        "Allow became Deny",
        "",
    ),
}


@pytest.mark.parametrize("name", OBJECTS)
def test_policies_and_bindings(name: str, tmp_path: Path) -> None:
    text, cases, pin, operator, words, shown = OBJECTS[name]
    assert fates(tmp_path, text, copy.deepcopy(cases), operator, words, shown) == {False}
    assert fates(tmp_path, text, copy.deepcopy([*cases, pin]), operator, words, shown) == {True}


def test_a_case_without_parameters_is_one_of_the_mutant_too(tmp_path: Path) -> None:
    """`params: null` means that the binding has no paramRef: a mutant is not killed by a parameter that nobody gave."""
    text = policy(HOSTLESS, paramKind={"apiVersion": "v1", "kind": "ConfigMap"}) + binding(
        paramRef={"name": "c", "namespace": "shop", "parameterNotFoundAction": "Deny"}
    )
    cases = [{**ALLOWED, "params": None}, {**FAULTY, "params": None}]
    assert fates(tmp_path, text, cases, "operation", "'UPDATE' was dropped") == {False}

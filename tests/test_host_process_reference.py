"""The rules about hostProcess itself, against a plain-Python reference of the API server's own code on generated pods.

The reference follows validateWindowsHostProcessPod (k8s.io/kubernetes, pkg/apis/core/validation/validation.go).
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hostprocess.admission import Inventory, request_for
from hostprocess.api import load_policies
from hostprocess.evaluate import Evaluator
from hostprocess.suite.edit import WRAPPERS, wrapped
from hostprocess.suite.native import resource_of
from support import RUNTIMES

Finding = tuple[str, str, tuple[str, ...]]

MISMATCH, MIXED, NETWORK = RULES = ("host-process-value-mismatch", "mixed-containers", "requires-host-network")
KINDS = ("initContainers", "containers", "ephemeralContainers")
POLICIES = load_policies(select=RULES)
EVALUATORS = {name: Evaluator(POLICIES.policies, POLICIES.bindings, runtime, Inventory.of([])) for name, runtime in RUNTIMES.items()}


def host_process(security: Any) -> bool | None:
    """The value of a securityContext, as a `*bool`: a null is no value."""
    value: bool | None = ((security or {}).get("windowsOptions") or {}).get("hostProcess")
    return value


def expected(spec: dict[str, Any], root: str = "spec") -> set[Finding]:
    """What the API server says about a pod: rule, message, fields."""
    pod_value = host_process(spec.get("securityContext"))
    mismatches, outsiders, members = [], [], 0
    for kind in KINDS:
        for index, container in enumerate(spec.get(kind) or ()):
            value = host_process(container.get("securityContext"))
            field = f"{root}.{kind}[{index}].securityContext.windowsOptions.hostProcess"
            if pod_value is not None and value is not None and pod_value != value:
                mismatches.append(field)
            if value is True or (value is None and pod_value is True):
                members += 1
            else:
                outsiders.append(field)
    found: set[Finding] = set()
    if mismatches:
        text = f"pod hostProcess value must be identical if both are specified, was {'true' if pod_value else 'false'}"
        found.add((MISMATCH, text, tuple(mismatches)))
    if members and outsiders:
        found.add((MIXED, "If pod contains any hostProcess containers then all containers must be HostProcess containers", tuple(outsiders)))
    if members and spec.get("hostNetwork") is not True:
        found.add((NETWORK, "hostNetwork must be true if pod contains any hostProcess containers", (f"{root}.hostNetwork",)))
    return found


def found_by(runtime: str, value: dict[str, Any]) -> set[Finding]:
    """What the rules say about it."""
    evaluator = EVALUATORS[runtime]
    decisions = evaluator.decide(request_for(resource_of(value, "generated"), evaluator.inventory))
    assert {one.outcome for one in decisions.findings} <= {"deny"}
    return {(one.rule, one.message, one.fields) for one in decisions.findings}


def optional(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A value, a null, or nothing at all (None stands for it until `cleaned`)."""
    return st.one_of(st.just(...), st.none(), strategy)


def cleaned(value: dict[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in value.items() if item is not ...}


def security_contexts(*values: Any) -> st.SearchStrategy[Any]:
    flags = st.sampled_from([..., None, *values])
    options = st.builds(lambda flag, user: cleaned({"hostProcess": flag, "runAsUserName": user}), flags, st.sampled_from([..., "x"]))
    return optional(optional(options).map(lambda one: cleaned({"windowsOptions": one, "runAsNonRoot": ...})))


def containers(least: int) -> st.SearchStrategy[list[dict[str, Any]]]:
    # hostProcess is true more often than not: pods without any pass all rules.
    one = security_contexts(True, True, True, False).map(lambda security: cleaned({"name": "c", "image": "i:1", "securityContext": security}))
    return st.lists(one, min_size=least, max_size=3)


specs = st.builds(
    lambda **fields: cleaned(fields),
    securityContext=security_contexts(True, True, False),
    hostNetwork=st.sampled_from([..., None, True, True, False]),
    initContainers=optional(containers(0)),
    containers=containers(1),
    ephemeralContainers=optional(containers(0)),
)


def pod(spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n"}, "spec": spec}


@settings(deadline=None, max_examples=400)
@given(specs)
def test_rules_agree_with_the_reference_on_cpp(spec: dict[str, Any]) -> None:
    assert found_by("cpp", pod(spec)) == expected(spec)


@settings(deadline=None, max_examples=60)
@given(specs)
def test_rules_agree_with_the_reference_on_celpy(spec: dict[str, Any]) -> None:
    assert found_by("celpy", pod(spec)) == expected(spec)


@settings(deadline=None, max_examples=150)
@given(specs, st.sampled_from(list(WRAPPERS)))
def test_rules_agree_with_the_reference_in_templates(spec: dict[str, Any], kind: str) -> None:
    root = ".".join((*WRAPPERS[kind][1], "spec"))
    assert found_by("cpp", wrapped(pod(spec), kind)) == expected(spec, root)


# The table of TestValidateWindowsHostProcessPod, k8s.io/kubernetes pkg/apis/core/validation/validation_test.go; its case
# "allowPrivileged not set" is about a flag of kube-apiserver, which no manifest shows.
TABLE: list[tuple[str, dict[str, Any], set[str]]] = [
    ("1 pod-wide HostProcess=true, HostNetwork unset", {"P": True, "c": [None]}, {NETWORK}),
    ("2 pod-wide true, HostNetwork set", {"P": True, "c": [None], "HN": True}, set()),
    ("3 pod-wide true, containers true", {"P": True, "c": [True], "i": [True], "HN": True}, set()),
    ("4 pod-wide nil, all containers true", {"c": [True], "i": [True], "HN": True}, set()),
    ("5 some true, others false", {"c": [True], "i": [False], "HN": True}, {MIXED}),
    ("6 some true, other unset", {"c": [True], "i": [None], "HN": True}, {MIXED}),
    ("7 pod true, container true, init false", {"P": True, "c": [True], "i": [False], "HN": True}, {MISMATCH, MIXED}),
    ("8 pod true, container true, other container false", {"P": True, "c": [True, False], "HN": True}, {MISMATCH, MIXED}),
    ("9 pod true, some true, others nil", {"P": True, "c": [True], "i": [None], "HN": True}, set()),
    ("10 pod false, some true", {"P": False, "c": [True], "i": [None], "HN": True}, {MISMATCH, MIXED}),
    ("11 pod true, all containers override false", {"P": True, "c": [False], "HN": True}, {MISMATCH}),
    ("13 non-HostProcess ephemeral container in a HostProcess pod", {"P": True, "c": [None], "e": [False], "HN": True}, {MISMATCH, MIXED}),
    ("14 HostProcess ephemeral container in a HostProcess pod", {"P": True, "c": [None], "e": [None], "HN": True}, set()),
    ("15 non-HostProcess ephemeral container in a non-HostProcess pod", {"c": [None], "e": [False]}, set()),
    ("16 HostProcess ephemeral container in a non-HostProcess pod", {"c": [None], "e": [True]}, {MIXED, NETWORK}),
]


def with_value(value: bool | None) -> dict[str, Any]:
    return {} if value is None else {"securityContext": {"windowsOptions": {"hostProcess": value}}}


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize(("fields", "rules"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_table_of_upstream(fields: dict[str, Any], rules: set[str], runtime: str) -> None:
    spec = with_value(fields.get("P")) | ({"hostNetwork": True} if "HN" in fields else {})
    for key, kind in (("i", "initContainers"), ("c", "containers"), ("e", "ephemeralContainers")):
        if key in fields:
            spec[kind] = [{"name": f"{key}{index}", "image": "i:1", **with_value(value)} for index, value in enumerate(fields[key])]
    assert {rule for rule, _, _ in found_by(runtime, pod(spec))} == rules
    assert {rule for rule, _, _ in expected(spec)} == rules

"""Part 5, second half: generated (policy, object, request) triples, sent through the plug-in and through the engine."""

# ruff: noqa: E501 - lists of values
from __future__ import annotations

from collections import Counter
from typing import Any

from draw import drawn
from expressions import expressions
from hypothesis import strategies as st
from odd_objects import others, pods, workloads
from part_policies import compare_scenario, repaired
from scenarios import BASES, CLUSTER, Scenario
from session import Session

from hostprocess.inventory import Inventory
from hostprocess.kubernetes.catalogue import kind_of

PART = "triples"
POLICIES, REQUESTS = 260, 8
_GROUP = "admissionregistration.k8s.io/v1"


def _of(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


_rules = st.lists(
    st.fixed_dictionaries(
        {
            "apiGroups": _of(["*"], ["*"], [""], ["apps"], ["apps", "batch"]),
            "apiVersions": _of(["*"], ["v1"]),
            "operations": _of(["*"], ["CREATE"], ["CREATE", "UPDATE"], ["DELETE"]),
            "resources": _of(["*"], ["*"], ["pods"], ["deployments", "pods"], ["*/*"], ["pods/*"], ["configmaps"]),
        },
        optional={"scope": _of("*", "Cluster", "Namespaced"), "resourceNames": _of(["p"], ["web-1", "web"])},
    ),
    min_size=1,
    max_size=2,
)
_selectors = _of({}, {}, {"matchLabels": {"app": "web"}}, {"matchExpressions": [{"key": "env", "operator": "NotIn", "values": ["prod"]}]}, {"matchExpressions": [{"key": "team", "operator": "Exists"}]})  # fmt: skip


@st.composite
def policies(draw: st.DrawFn, minor: int, number: int = 0) -> dict[str, Any]:
    """The spec of a policy, with everything that a policy may have."""

    def text(kind: str, depth: int = 3) -> str:
        return str(draw(expressions(minor, kind, depth)))

    spec: dict[str, Any] = {
        "failurePolicy": draw(_of("Fail", "Fail", "Ignore")),
        "matchConstraints": {
            "matchPolicy": draw(_of("Equivalent", "Exact")),
            "namespaceSelector": draw(_selectors),
            "objectSelector": draw(_selectors),
            "resourceRules": draw(_rules),
        },
    }
    if draw(st.integers(0, 4)) == 0:
        spec["matchConstraints"]["excludeResourceRules"] = draw(_rules)
    names = [f"v{index}x" for index in range(draw(st.integers(0, 3)))]
    spec["variables"] = [{"name": name, "expression": text(draw(_of("dyn", "int", "string", "list", "bool", "map")))} for name in names]

    def with_variables(kind: str) -> str:
        if names and draw(st.booleans()):
            name = draw(st.sampled_from(names))
            if kind == "bool":
                return draw(
                    _of(f"variables.{name} == {text('any', 1)}", f"has(variables.{name}) && {text('bool', 2)}", f"type(variables.{name}) == {text('type', 1)}")
                )
            return f"'value ' + string(variables.{name})"
        return text(kind)

    if draw(st.integers(0, 3)) == 0:
        spec["matchConditions"] = [{"name": f"c{index}", "expression": text("bool")} for index in range(draw(st.integers(1, 2)))]
    validations = []
    for _ in range(draw(st.integers(1, 3))):
        one = {"expression": with_variables("bool")}
        if draw(st.booleans()):
            one["message"] = draw(_of("no", " spaced ", "x" * 200))
        if draw(st.booleans()):
            one["messageExpression"] = with_variables("string")
        if draw(st.integers(0, 2)) == 0:
            one["reason"] = draw(_of("Forbidden", "Invalid", "RequestEntityTooLarge"))
        validations.append(one)
    spec["validations"] = validations
    if draw(st.integers(0, 3)) == 0:
        spec["auditAnnotations"] = [{"key": f"k{index}", "valueExpression": with_variables("string")} for index in range(draw(st.integers(1, 2)))]
    actions = draw(st.lists(_of(["Deny"], ["Deny", "Audit"], ["Warn"], ["Audit"], ["Warn", "Audit"]), min_size=1, max_size=2))
    return {"spec": spec, "actions": actions}


def run(session: Session) -> None:
    """One cluster holds all policies; each is asked about some objects in some operations."""
    minor = int(session.minor.split(".")[1])
    number = session.cases(POLICIES)
    inventory = Inventory.of(CLUSTER, kubernetes=session.minor)
    session.one("cluster", objects=CLUSTER)
    scenarios = []
    for index, drawn_policy in enumerate(drawn(policies(minor), number, session.seed)):
        name = f"generated-{index}"
        policy = {"apiVersion": _GROUP, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name}, "spec": drawn_policy["spec"]}
        bindings = tuple(
            {"apiVersion": _GROUP, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": f"{name}-{place}"}, "spec": {"policyName": name, "validationActions": actions}}
            for place, actions in enumerate(drawn_policy["actions"])
        )  # fmt: skip
        scenario = Scenario(name=name, policy=policy, bindings=bindings, objects=(), requests=(), file="generated")
        scenarios.append(repaired(session, inventory, scenario, PART))
    session.one("cluster", objects=[*CLUSTER, *(one for scenario in scenarios for one in (scenario.policy, *scenario.bindings))])
    count = max(20, number // 2)
    values = [*drawn(pods, count, session.seed + 5), *drawn(workloads(), count, session.seed + 5), *drawn(others(), count, session.seed + 5)]
    values += [value for value, _ in BASES.values()]
    requests = [one for index, value in enumerate(values) if (one := _request(session.minor, value, index))]
    for index, scenario in enumerate(scenarios):
        chosen = [requests[(index * 31 + step * 17) % len(requests)] for step in range(REQUESTS)]
        compare_scenario(session, PART, "verdicts", scenario, inventory, chosen, Counter())


def _request(minor: str, value: dict[str, Any], index: int) -> dict[str, Any] | None:
    kind = kind_of(value["apiVersion"], value["kind"], minor)
    if kind is None and value["kind"] != "CronTab":
        return None
    group, _, version = value["apiVersion"].rpartition("/")
    metadata = {key: one for key, one in value["metadata"].items() if key not in ("resourceVersion", "uid", "creationTimestamp", "generation")}
    namespaced = kind.namespaced if kind else True
    if namespaced:
        metadata.setdefault("namespace", "shop")
    value = {**value, "metadata": metadata}
    operation = ("CREATE", "CREATE", "UPDATE", "DELETE")[index % 4]
    request: dict[str, Any] = {
        "operation": operation,
        "resource": {"group": group, "version": version, "resource": kind.resource if kind else "crontabs"},
        "namespace": metadata["name"] if value["kind"] == "Namespace" else metadata.get("namespace", ""),
        "name": metadata["name"],
        "userInfo": {"username": "tester", "groups": ["dev"]},
        "raw": True,
    }
    if operation != "DELETE":
        request["object"] = value
    if operation != "CREATE":
        request["oldObject"] = {**value, "metadata": {**metadata, "labels": {"app": "old"}}}
    return request

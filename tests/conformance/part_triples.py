"""Part 5, second half: generated (policy, object, request) triples, sent through the plug-in and through the engine."""

# ruff: noqa: E501 - lists of values
from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from draw import drawn
from expressions import expressions
from hypothesis import strategies as st
from odd_objects import others, pods, workloads
from ours import compile_error
from part_policies import compare_scenario, repaired
from scenarios import BASES, CLUSTER, Scenario
from session import Session

from hostprocess.inventory import Inventory
from hostprocess.kubernetes.catalogue import kind_of

PART = "triples"
POLICIES, REQUESTS = 800, 8
_GROUP = "admissionregistration.k8s.io/v1"


def _of(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


_rules = st.lists(
    st.fixed_dictionaries(
        {
            "apiGroups": _of(["*"], ["*"], ["*"], ["*"], [""], ["", "apps"], ["apps", "batch"]),
            "apiVersions": _of(["*"], ["v1"]),
            "operations": _of(["*"], ["*"], ["CREATE"], ["CREATE", "UPDATE"], ["UPDATE", "DELETE"]),
            "resources": _of(["*"], ["*"], ["*"], ["pods"], ["deployments", "pods"], ["*/*"], ["pods/*"], ["configmaps", "services"]),
        },
        optional={"scope": _of("*", "*", "Cluster", "Namespaced"), "resourceNames": _of([], [], ["p"], ["web-1", "web"])},
    ),
    min_size=1,
    max_size=3,
)
_excluded = st.lists(
    st.fixed_dictionaries(
        {
            "apiGroups": _of(["", "apps"], ["*"]),
            "apiVersions": _of(["*"], ["v1"]),
            "operations": _of(["CREATE"], ["DELETE"], ["*"]),
            "resources": _of(["pods"], ["statefulsets", "jobs"], ["configmaps"]),
        },
    ),
    min_size=1,
    max_size=1,
)
_selectors = _of({}, {}, {}, {}, {}, {"matchLabels": {"app": "web"}}, {"matchExpressions": [{"key": "env", "operator": "NotIn", "values": ["prod"]}]}, {"matchExpressions": [{"key": "team", "operator": "Exists"}]})  # fmt: skip


@st.composite
def policies(draw: st.DrawFn, minor: int, number: int = 0) -> dict[str, Any]:
    """The spec of a policy, with everything that a policy may have."""

    names: list[str] = []
    variables: dict[str, str] = {}

    def text(kind: str, depth: int = 3) -> str:
        return str(draw(expressions(minor, kind, depth)))

    def compiled(kind: str, make: Callable[[], str]) -> str:
        """One that compiles if one of a few does: most random texts do not, and what is refused gives no verdict. One in ten is taken as it comes."""
        one = make()
        for _ in range(0 if draw(st.integers(1, 10)) == 5 else 8):
            if not compile_error(one, kind, {} if kind == "matchCondition" else variables, False, f"1.{minor}"):
                break
            one = make()
        return one

    spec: dict[str, Any] = {
        "failurePolicy": draw(_of("Fail", "Fail", "Ignore")),
        "matchConstraints": {
            "matchPolicy": draw(_of("Equivalent", "Exact")),
            "namespaceSelector": draw(_selectors),
            "objectSelector": draw(_selectors),
            "resourceRules": draw(_rules),
        },
    }
    if draw(st.integers(1, 5)) == 3:
        spec["matchConstraints"]["excludeResourceRules"] = draw(_excluded)
    for index in range(draw(st.integers(0, 3))):
        variables[f"v{index}x"] = compiled("variable", lambda: text(draw(_of("dyn", "int", "string", "list", "bool", "map"))))
        names.append(f"v{index}x")
    spec["variables"] = [{"name": name, "expression": one} for name, one in variables.items()]

    def with_variables(kind: str) -> str:
        if names and draw(st.booleans()):
            name = draw(st.sampled_from(names))
            if kind == "bool":
                return draw(
                    _of(f"variables.{name} == {text('any', 1)}", f"has(variables.{name}) && {text('bool', 2)}", f"type(variables.{name}) == {text('type', 1)}")
                )
            return f"'value ' + string(variables.{name})"
        return text(kind)

    if draw(st.integers(1, 4)) == 3:
        spec["matchConditions"] = [
            {"name": f"c{index}", "expression": compiled("matchCondition", lambda: text("bool"))} for index in range(draw(st.integers(1, 2)))
        ]
    validations = []
    for _ in range(draw(st.integers(1, 3))):
        one = {"expression": compiled("validation", lambda: with_variables("bool"))}
        if draw(st.booleans()):
            one["message"] = draw(_of("no", " spaced ", "x" * 200))
        if draw(st.booleans()):
            one["messageExpression"] = compiled("message", lambda: with_variables("string"))
        if draw(st.integers(1, 3)) == 2:
            one["reason"] = draw(_of("Forbidden", "Invalid", "RequestEntityTooLarge"))
        validations.append(one)
    spec["validations"] = validations
    if draw(st.integers(1, 4)) == 3:
        count = draw(st.integers(1, 2))
        spec["auditAnnotations"] = [{"key": f"k{index}", "valueExpression": compiled("audit", lambda: with_variables("string"))} for index in range(count)]
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
    # What cannot be read is part 2.
    read = [not one["decodeError"] for one in session.ask("admit", [{"object": value, "operation": "CREATE"} for value in values])]
    requests = [one for index, value in enumerate(values) if read[index] and (one := _request(session.minor, value, index))]
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
    if value["kind"] == "Namespace" and operation == "DELETE":
        operation = "UPDATE"  # a Namespace that goes is one of the cluster's, and these are not
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

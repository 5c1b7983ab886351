"""The written policies use what they are said to use: every function, every feature of matching, parameters and decisions. Needs no Go."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from functions import MACROS, SIGNATURES
from scenarios import Scenario, load_scenarios

SCENARIOS = load_scenarios()
TEXT = "\n".join(text for scenario in SCENARIOS for text in scenario.expressions())
NAMES = sorted({one.name for one in SIGNATURES} | set(re.findall(r"\.(\w+)\(", MACROS)))


def test_there_are_enough() -> None:
    assert len(SCENARIOS) >= 150
    assert sum(len(scenario.requests) for scenario in SCENARIOS) >= 450


@pytest.mark.parametrize("name", NAMES)
def test_every_function_is_called(name: str) -> None:
    assert re.search(rf"(?<!\w){re.escape(name)}\(", TEXT)


def _rules(scenario: Scenario) -> list[dict[str, Any]]:
    match = scenario.policy["spec"]["matchConstraints"]
    return [*match["resourceRules"], *match.get("excludeResourceRules", ())]


def _refs(scenario: Scenario) -> list[dict[str, Any]]:
    return [one["spec"]["paramRef"] for one in scenario.bindings if "paramRef" in one["spec"]]


FEATURES: dict[str, Callable[[Scenario], Any]] = {
    "all resources": lambda one: any("*" in rule["resources"] for rule in _rules(one)),
    "all and all subresources": lambda one: any("*/*" in rule["resources"] for rule in _rules(one)),
    "one subresource of all": lambda one: any("*/scale" in rule["resources"] for rule in _rules(one)),
    "all subresources of one": lambda one: any("pods/*" in rule["resources"] for rule in _rules(one)),
    "resourceNames": lambda one: any("resourceNames" in rule for rule in _rules(one)),
    "scope Cluster": lambda one: any(rule.get("scope") == "Cluster" for rule in _rules(one)),
    "scope Namespaced": lambda one: any(rule.get("scope") == "Namespaced" for rule in _rules(one)),
    "excludeResourceRules": lambda one: "excludeResourceRules" in one.policy["spec"]["matchConstraints"],
    "matchPolicy Exact": lambda one: one.policy["spec"]["matchConstraints"]["matchPolicy"] == "Exact",
    "matchPolicy Equivalent": lambda one: one.policy["spec"]["matchConstraints"]["matchPolicy"] == "Equivalent",
    "namespaceSelector": lambda one: one.policy["spec"]["matchConstraints"]["namespaceSelector"],
    "objectSelector": lambda one: one.policy["spec"]["matchConstraints"]["objectSelector"],
    "binding matchResources": lambda one: any("matchResources" in binding["spec"] for binding in one.bindings),
    "no binding": lambda one: not one.bindings,
    "several bindings": lambda one: len(one.bindings) > 1,
    "parameters by name": lambda one: any("name" in ref for ref in _refs(one)),
    "parameters by selector": lambda one: any("selector" in ref for ref in _refs(one)),
    "parameters of the request's namespace": lambda one: any("namespace" not in ref for ref in _refs(one)),
    "parameters Deny": lambda one: any(ref["parameterNotFoundAction"] == "Deny" for ref in _refs(one)),
    "parameters Allow": lambda one: any(ref["parameterNotFoundAction"] == "Allow" for ref in _refs(one)),
    "paramKind without paramRef": lambda one: "paramKind" in one.policy["spec"] and not _refs(one),
    "unknown paramKind": lambda one: one.policy["spec"].get("paramKind", {}).get("kind") == "Nothing",
    "cluster-scoped paramKind": lambda one: one.policy["spec"].get("paramKind", {}).get("kind") == "ClusterLimit",
    "failurePolicy Ignore": lambda one: one.policy["spec"]["failurePolicy"] == "Ignore",
    "matchConditions": lambda one: "matchConditions" in one.policy["spec"],
    "variables": lambda one: "variables" in one.policy["spec"],
    "auditAnnotations": lambda one: "auditAnnotations" in one.policy["spec"],
    "messageExpression": lambda one: any("messageExpression" in each for each in one.policy["spec"].get("validations", ())),
    "authorizer": lambda one: any("authorizer." in text for text in one.expressions()),
    "Warn": lambda one: any("Warn" in binding["spec"]["validationActions"] for binding in one.bindings),
    "Audit": lambda one: any("Audit" in binding["spec"]["validationActions"] for binding in one.bindings),
    **{
        f"reason {reason}": lambda one, reason=reason: any(each.get("reason") == reason for each in one.policy["spec"].get("validations", ()))
        for reason in ("Forbidden", "Invalid", "RequestEntityTooLarge")
    },  # type: ignore[misc]
    **{
        f"operation {name}": lambda one, name=name: any(request["operation"] == name for request in one.requests)
        for name in ("CREATE", "UPDATE", "DELETE", "CONNECT")
    },  # type: ignore[misc]
}


@pytest.mark.parametrize("feature", FEATURES)
def test_every_feature_is_used(feature: str) -> None:
    assert any(FEATURES[feature](scenario) for scenario in SCENARIOS)

"""What the API server says against matchConstraints, matchResources and label selectors.

Source: validateMatchResources in k8s.io/kubernetes/pkg/apis/admissionregistration/validation/validation.go;
k8s.io/apimachinery/pkg/apis/meta/v1/validation/validation.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hostprocess.policy_fields import OPERATORS, WITH_VALUES, wildcard_fault, wrong_resources
from hostprocess.policy_lint.field_errors import FieldError, Steps, duplicate, forbidden, invalid, invalid_list, not_supported, renamed, required
from hostprocess.policy_lint.names import label_value, path_segment, qualified_name

__all__ = ["match_resource_errors", "selector_errors"]

_OPERATIONS = ("*", "CONNECT", "CREATE", "DELETE", "UPDATE")
_SCOPES = ("*", "Cluster", "Namespaced")
_MATCH_POLICIES = ("Equivalent", "Exact")

JSONObject = Mapping[str, Any]


def match_resource_errors(resources: JSONObject, steps: Steps, minor: int, written: str = "") -> Iterator[FieldError]:
    """Complaints about matchConstraints or matchResources. `written` is the last part of the path as the release misspells it."""
    for error in _match_resource_errors(resources, steps, minor):
        yield renamed(error, steps, written) if written else error


def _match_resource_errors(resources: JSONObject, steps: Steps, minor: int) -> Iterator[FieldError]:
    policy = resources.get("matchPolicy")
    if policy is not None and policy not in _MATCH_POLICIES:
        yield not_supported((*steps, "matchPolicy"), policy, _MATCH_POLICIES, minor)
    for key in ("namespaceSelector", "objectSelector"):
        if resources.get(key) is not None:
            yield from selector_errors(resources[key], (*steps, key), minor)
    for key in ("resourceRules", "excludeResourceRules"):
        for index, rule in enumerate(resources.get(key) or ()):
            yield from _rule_errors(rule or {}, (*steps, key, index), minor)


def _rule_errors(rule: JSONObject, steps: Steps, minor: int) -> Iterator[FieldError]:
    names: Sequence[str] = rule.get("resourceNames") or ()
    for index, name in enumerate(names):
        yield from (invalid((*steps, "resourceNames", index), name, one) for one in path_segment(name or ""))
        if name in names[:index]:
            yield duplicate((*steps, "resourceNames", index), name)
    operations = _strings(rule, "operations")
    yield from _some_or_all(operations, (*steps, "operations"), "operations", "OperationType", minor)
    for index, operation in enumerate(operations):
        if operation not in _OPERATIONS:
            yield not_supported((*steps, "operations", index), operation, _OPERATIONS, minor)
    yield from _some_or_all(_strings(rule, "apiGroups"), (*steps, "apiGroups"), "API groups", "string", minor)
    versions = _strings(rule, "apiVersions")
    yield from _some_or_all(versions, (*steps, "apiVersions"), "API versions", "string", minor)
    for index, version in enumerate(versions):
        if not version:
            yield required((*steps, "apiVersions", index))
    resources = _strings(rule, "resources")
    if not resources:
        yield required((*steps, "resources"))
    for place, message in wrong_resources(resources):
        if place is None:
            yield invalid_list((*steps, "resources"), resources, "string", message, minor)
        elif resources[place]:
            yield invalid((*steps, "resources", place), resources[place], message)
        else:
            yield required((*steps, "resources", place))
    if rule.get("scope") is not None and rule["scope"] not in _SCOPES:
        yield not_supported((*steps, "scope"), rule["scope"], _SCOPES, minor)


def _some_or_all(values: Sequence[str], steps: Steps, what: str, go_type: str, minor: int) -> Iterator[FieldError]:
    if not values:
        yield required(steps)
    if wildcard_fault(values):
        yield invalid_list(steps, values, go_type, f"if '*' is present, must not specify other {what}", minor)


def selector_errors(selector: JSONObject, steps: Steps, minor: int) -> Iterator[FieldError]:
    """Complaints about a label selector."""
    for key, value in (selector.get("matchLabels") or {}).items():
        place = (*steps, "matchLabels")
        yield from (invalid(place, key, one) for one in qualified_name(key, minor))
        yield from (invalid(place, value or "", one) for one in label_value(value or "", minor))
    for index, requirement in enumerate(selector.get("matchExpressions") or ()):
        yield from _requirement_errors(requirement or {}, (*steps, "matchExpressions", index), minor)


def _requirement_errors(requirement: JSONObject, steps: Steps, minor: int) -> Iterator[FieldError]:
    operator, values = requirement.get("operator") or "", _strings(requirement, "values")
    if operator not in OPERATORS:
        yield invalid((*steps, "operator"), operator, "not a valid selector operator")
    elif operator in WITH_VALUES and not values:
        yield required((*steps, "values"), "must be specified when `operator` is 'In' or 'NotIn'")
    elif operator not in WITH_VALUES and values:
        yield forbidden((*steps, "values"), "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
    key = requirement.get("key") or ""
    yield from (invalid((*steps, "key"), key, one) for one in qualified_name(key, minor))
    for index, value in enumerate(values):
        yield from (invalid((*steps, "values", index), value, one) for one in label_value(value, minor))


def _strings(value: JSONObject, key: str) -> list[str]:
    return [one or "" for one in value.get(key) or ()]

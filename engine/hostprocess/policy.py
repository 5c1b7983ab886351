"""Parses and checks ValidatingAdmissionPolicy and Binding objects: the only door for policies, own or foreign.

Source of the checks: k8s.io/kubernetes/pkg/apis/admissionregistration/validation/validation.go.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hostprocess.errors import PolicyError, suggestion
from hostprocess.kubernetes.location import locate
from hostprocess.model import (
    Binding,
    MatchCondition,
    MatchConstraints,
    ParamKind,
    ParamRef,
    Policy,
    Resource,
    ResourceRule,
    Validation,
    Variable,
)

__all__ = ["BINDING_KIND", "POLICY_KIND", "match_constraints", "parse_binding", "parse_policy"]

GROUP = "admissionregistration.k8s.io"
POLICY_KIND = "ValidatingAdmissionPolicy"
BINDING_KIND = "ValidatingAdmissionPolicyBinding"
_ACTIONS = ("Deny", "Warn", "Audit")
_OPERATIONS = ("CREATE", "UPDATE", "DELETE", "CONNECT", "*")
_SCOPES = ("Cluster", "Namespaced", "*")
_REASONS = ("Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized")
_WITH_VALUES = ("In", "NotIn")
_OPERATORS = (*_WITH_VALUES, "Exists", "DoesNotExist")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def parse_policy(resource: Resource) -> Policy:
    """A ValidatingAdmissionPolicy. Raises `PolicyError` with the line for what the API server would refuse or this engine cannot do."""
    spec = _Fields(resource, resource.object.get("spec"), "spec")
    spec.only("paramKind", "matchConstraints", "validations", "failurePolicy", "auditAnnotations", "matchConditions", "variables")
    if not resource.name:
        raise spec.error("a policy needs metadata.name", ("metadata",))
    if spec.get("auditAnnotations", list, []):
        raise spec.error("auditAnnotations are not evaluated yet", ("spec", "auditAnnotations"))
    constraints = spec.child("matchConstraints")
    if constraints is None or not constraints.get("resourceRules", list, []):
        raise (constraints or spec).error("needs at least one of matchConstraints.resourceRules")
    kind = spec.child("paramKind")
    validations = spec.children("validations")
    if not validations:
        raise spec.error("needs at least one validation")
    return Policy(
        name=resource.name,
        match_constraints=_match(constraints),
        validations=tuple(map(_validation, validations)),
        variables=tuple(map(_variable, spec.children("variables"))),
        match_conditions=tuple(MatchCondition(name=one.need("name"), expression=one.need("expression")) for one in spec.children("matchConditions")),
        failure_policy=spec.choice("failurePolicy", ("Fail", "Ignore")) or "Fail",
        param_kind=ParamKind(api_version=kind.need("apiVersion"), kind=kind.need("kind")) if kind else None,
        path=resource.origin.path,
    )


def parse_binding(resource: Resource) -> Binding:
    """A ValidatingAdmissionPolicyBinding. Raises `PolicyError` with the line."""
    spec = _Fields(resource, resource.object.get("spec"), "spec")
    spec.only("policyName", "validationActions", "paramRef", "matchResources")
    if not resource.name:
        raise spec.error("a binding needs metadata.name", ("metadata",))
    actions = spec.get("validationActions", list, [])
    if not actions or any(action not in _ACTIONS or actions.count(action) > 1 for action in actions):
        raise spec.error(f"needs validationActions, each once, from {', '.join(_ACTIONS)}", ("spec", "validationActions"))
    if "Deny" in actions and "Warn" in actions:
        raise spec.error("Deny and Warn exclude each other", ("spec", "validationActions"))
    reference = spec.child("paramRef")
    resources = spec.child("matchResources")
    return Binding(
        name=resource.name,
        policy_name=spec.need("policyName"),
        validation_actions=tuple(action for action in _ACTIONS if action in actions),
        param_ref=_param_ref(reference) if reference else None,
        match_resources=_match(resources) if resources else None,
        path=resource.origin.path,
    )


def match_constraints(raw: Mapping[str, Any]) -> MatchConstraints:
    """`matchConstraints` that are known to be sound, as those of a rule pack."""
    return MatchConstraints(
        resource_rules=tuple(_resource_rule(rule) for rule in raw.get("resourceRules") or ()),
        exclude_resource_rules=tuple(_resource_rule(rule) for rule in raw.get("excludeResourceRules") or ()),
        namespace_selector=raw.get("namespaceSelector") or {},
        object_selector=raw.get("objectSelector") or {},
    )


class _Fields:
    """A mapping inside a resource, with errors that point at its place."""

    def __init__(self, resource: Resource, value: Any, *steps: str | int) -> None:
        self._resource = resource
        self._steps = steps
        if not isinstance(value, dict):
            raise self.error("must be a mapping")
        self.value: Mapping[str, Any] = value

    def only(self, *known: str) -> None:
        """Refuses other keys: a misspelt condition would be one that is never asked."""
        for key in self.value:
            if key not in known:
                raise self.error(f"unknown field {key!r}{suggestion(key, known)}", (*self._steps, key))

    def get(self, key: str, kind: type, default: Any) -> Any:
        value = self.value.get(key, default)
        if value is not default and not isinstance(value, kind):
            raise self.error(f"{key} must be {_TYPES[kind]}", (*self._steps, key))
        return value

    def need(self, key: str) -> str:
        value = self.get(key, str, "")
        if not value.strip():
            raise self.error(f"needs {key}")
        return str(value)

    def choice(self, key: str, known: tuple[str, ...]) -> str:
        value = self.get(key, str, "")
        if value and value not in known:
            raise self.error(f"{key}: {value!r} is not one of {', '.join(known)}", (*self._steps, key))
        return str(value)

    def strings(self, key: str) -> list[str]:
        values: list[str] = self.get(key, list, [])
        if not all(isinstance(value, str) for value in values):
            raise self.error(f"{key} must be a list of strings", (*self._steps, key))
        return values

    def child(self, key: str) -> _Fields | None:
        return _Fields(self._resource, self.value[key], *self._steps, key) if key in self.value else None

    def children(self, key: str) -> list[_Fields]:
        return [_Fields(self._resource, one, *self._steps, key, index) for index, one in enumerate(self.get(key, list, []))]

    def error(self, message: str, steps: tuple[str | int, ...] | None = None) -> PolicyError:
        origin = self._resource.origin
        place = locate(origin, self._steps if steps is None else steps)
        return PolicyError(f"{self._resource.kind} {self._resource.name}: {message}", path=origin.path, line=place.line, column=place.column)


_TYPES: dict[type, str] = {str: "a string", list: "a list", dict: "a mapping"}


def _variable(raw: _Fields) -> Variable:
    name = raw.need("name")
    if not _NAME.fullmatch(name):
        raise raw.error(f"{name!r} is not a name: letters, digits and _")
    return Variable(name=name, expression=raw.need("expression"))


def _validation(raw: _Fields) -> Validation:
    raw.only("expression", "message", "messageExpression", "reason")
    message = raw.get("message", str, "").strip()
    if "message" in raw.value and (not message or "\n" in message):
        raise raw.error("message must be one line of text; leave it out, or use messageExpression")
    return Validation(
        expression=raw.need("expression"),
        message=message,
        message_expression=raw.need("messageExpression") if "messageExpression" in raw.value else "",
        reason=raw.choice("reason", _REASONS),
    )


def _match(raw: _Fields) -> MatchConstraints:
    raw.only("resourceRules", "excludeResourceRules", "namespaceSelector", "objectSelector", "matchPolicy")
    raw.choice("matchPolicy", ("Exact", "Equivalent"))
    for key in ("resourceRules", "excludeResourceRules"):
        for rule in raw.children(key):
            rule.only("apiGroups", "apiVersions", "operations", "resources", "resourceNames", "scope")
            if not all(rule.strings(name) for name in ("apiGroups", "apiVersions", "operations", "resources")):
                raise rule.error("needs apiGroups, apiVersions, operations and resources")
            if wrong := [one for one in rule.strings("operations") if one not in _OPERATIONS]:
                raise rule.error(f"{wrong[0]!r} is not an operation; there are {', '.join(_OPERATIONS)}")
            rule.strings("resourceNames")
            rule.choice("scope", _SCOPES)
    for key in ("namespaceSelector", "objectSelector"):
        _check_selector(raw.child(key))
    return match_constraints(raw.value)


def _check_selector(raw: _Fields | None) -> None:
    if raw is None:
        return
    raw.only("matchLabels", "matchExpressions")
    labels = raw.get("matchLabels", dict, {})
    if not all(isinstance(value, str) for value in labels.values()):
        raise raw.error("matchLabels must be a mapping of strings; put the values in quotes")
    for one in raw.children("matchExpressions"):
        one.only("key", "operator", "values")
        one.need("key")
        operator = one.get("operator", str, "")
        if operator not in _OPERATORS:
            raise one.error(f"operator must be one of {', '.join(_OPERATORS)}")
        if bool(one.strings("values")) != (operator in _WITH_VALUES):
            raise one.error(f"{operator} {'needs' if operator in _WITH_VALUES else 'takes no'} values")


def _resource_rule(raw: Mapping[str, Any]) -> ResourceRule:
    return ResourceRule(
        operations=tuple(raw["operations"]),
        api_groups=tuple(raw["apiGroups"]),
        api_versions=tuple(raw["apiVersions"]),
        resources=tuple(raw["resources"]),
        resource_names=tuple(raw.get("resourceNames") or ()),
        scope=raw.get("scope") or "*",
    )


def _param_ref(raw: _Fields) -> ParamRef:
    raw.only("name", "namespace", "selector", "parameterNotFoundAction")
    name, selector = raw.get("name", str, ""), raw.child("selector")
    if bool(name) == (selector is not None):
        raise raw.error("paramRef needs exactly one of name and selector")
    _check_selector(selector)
    action = raw.choice("parameterNotFoundAction", ("Allow", "Deny"))
    if not action:
        raise raw.error("paramRef needs parameterNotFoundAction, Allow or Deny")
    return ParamRef(name=name, namespace=raw.get("namespace", str, ""), selector=selector.value if selector else None, parameter_not_found_action=action)

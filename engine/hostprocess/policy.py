"""Parses and checks ValidatingAdmissionPolicy and Binding objects: the only door for policies, own or foreign.

Source of the checks: k8s.io/kubernetes/pkg/apis/admissionregistration/validation/validation.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hostprocess.errors import PolicyError
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
_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")
_ACTIONS = ("Deny", "Warn", "Audit")


def parse_policy(resource: Resource) -> Policy:
    """A ValidatingAdmissionPolicy. Raises `PolicyError` with the line for what the API server would refuse or this engine cannot do."""
    spec = _Fields(resource, resource.object.get("spec"), "spec")
    if not resource.name:
        raise spec.error("a policy needs metadata.name", ("metadata",))
    if spec.get("auditAnnotations", list, []):
        raise spec.error("auditAnnotations are not evaluated yet", ("spec", "auditAnnotations"))
    failure = spec.get("failurePolicy", str, "Fail")
    if failure not in ("Fail", "Ignore"):
        raise spec.error(f"{failure!r} is neither Fail nor Ignore", ("spec", "failurePolicy"))
    constraints = spec.get("matchConstraints", dict, {})
    if not constraints.get("resourceRules"):
        raise spec.error("needs at least one of matchConstraints.resourceRules")
    kind = spec.get("paramKind", dict, None)
    validations = spec.get("validations", list, [])
    if not validations:
        raise spec.error("needs at least one validation")
    return Policy(
        name=resource.name,
        match_constraints=_match(spec, constraints, ("spec", "matchConstraints")),
        validations=tuple(_validation(_Fields(resource, one, "spec", "validations", index)) for index, one in enumerate(validations)),
        variables=tuple(
            Variable(name=one.need("name"), expression=one.need("expression"))
            for one in (_Fields(resource, raw, "spec", "variables", index) for index, raw in enumerate(spec.get("variables", list, [])))
        ),
        match_conditions=tuple(
            MatchCondition(name=one.need("name"), expression=one.need("expression"))
            for one in (_Fields(resource, raw, "spec", "matchConditions", index) for index, raw in enumerate(spec.get("matchConditions", list, [])))
        ),
        failure_policy=failure,
        param_kind=ParamKind(api_version=str(kind.get("apiVersion", "")), kind=str(kind.get("kind", ""))) if kind else None,
        path=resource.origin.path,
    )


def parse_binding(resource: Resource) -> Binding:
    """A ValidatingAdmissionPolicyBinding. Raises `PolicyError` with the line."""
    spec = _Fields(resource, resource.object.get("spec"), "spec")
    actions = tuple(spec.get("validationActions", list, []))
    if not actions or len(set(actions)) < len(actions) or any(action not in _ACTIONS for action in actions):
        raise spec.error(f"needs validationActions, each once, from {', '.join(_ACTIONS)}", ("spec", "validationActions"))
    if "Deny" in actions and "Warn" in actions:
        raise spec.error("Deny and Warn exclude each other", ("spec", "validationActions"))
    reference = spec.get("paramRef", dict, None)
    resources = spec.get("matchResources", dict, None)
    return Binding(
        name=resource.name,
        policy_name=spec.need("policyName"),
        validation_actions=tuple(action for action in _ACTIONS if action in actions),
        param_ref=_param_ref(spec, reference) if reference is not None else None,
        match_resources=_match(spec, resources, ("spec", "matchResources")) if resources is not None else None,
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
        self._value = value

    def get(self, key: str, kind: type, default: Any) -> Any:
        value = self._value.get(key, default)
        if value is not default and not isinstance(value, kind):
            raise self.error(f"{key} must be of type {kind.__name__}", (*self._steps, key))
        return value

    def need(self, key: str) -> str:
        value = self.get(key, str, "")
        if not value.strip():
            raise self.error(f"needs {key}")
        return str(value)

    def error(self, message: str, steps: tuple[str | int, ...] | None = None) -> PolicyError:
        origin = self._resource.origin
        place = locate(origin, self._steps if steps is None else steps)
        return PolicyError(f"{self._resource.kind} {self._resource.name}: {message}", path=origin.path, line=place.line, column=place.column)


def _validation(raw: _Fields) -> Validation:
    return Validation(
        expression=raw.need("expression"),
        message=raw.get("message", str, "").strip(),
        message_expression=raw.get("messageExpression", str, ""),
        reason=raw.get("reason", str, ""),
    )


def _match(owner: _Fields, raw: Mapping[str, Any], steps: tuple[str | int, ...]) -> MatchConstraints:
    for key in ("resourceRules", "excludeResourceRules"):
        for index, rule in enumerate(raw.get(key) or ()):
            if not isinstance(rule, dict) or not all(
                isinstance(rule.get(name), list) and rule[name] for name in ("apiGroups", "apiVersions", "operations", "resources")
            ):
                raise owner.error("needs apiGroups, apiVersions, operations and resources", (*steps, key, index))
    for key in ("namespaceSelector", "objectSelector"):
        for index, one in enumerate((raw.get(key) or {}).get("matchExpressions") or ()):
            if not isinstance(one, dict) or one.get("operator") not in _OPERATORS:
                raise owner.error(f"operator must be one of {', '.join(_OPERATORS)}", (*steps, key, "matchExpressions", index))
    return match_constraints(raw)


def _resource_rule(raw: Mapping[str, Any]) -> ResourceRule:
    return ResourceRule(
        operations=tuple(raw["operations"]),
        api_groups=tuple(raw["apiGroups"]),
        api_versions=tuple(raw["apiVersions"]),
        resources=tuple(raw["resources"]),
        resource_names=tuple(raw.get("resourceNames") or ()),
        scope=raw.get("scope") or "*",
    )


def _param_ref(owner: _Fields, raw: Mapping[str, Any]) -> ParamRef:
    name, selector = raw.get("name") or "", raw.get("selector")
    if bool(name) == (selector is not None):
        raise owner.error("paramRef needs exactly one of name and selector", ("spec", "paramRef"))
    action = raw.get("parameterNotFoundAction")
    if action not in ("Allow", "Deny"):
        raise owner.error("paramRef needs parameterNotFoundAction, Allow or Deny", ("spec", "paramRef"))
    return ParamRef(name=name, namespace=raw.get("namespace") or "", selector=selector, parameter_not_found_action=action)

"""Policies and bindings as the API objects they stand for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hostprocess.model import Binding, MatchConstraints, Policy, ResourceRule

__all__ = ["binding_object", "policy_object"]

_VERSION = "admissionregistration.k8s.io/v1"


def policy_object(policy: Policy) -> dict[str, Any]:
    """A ValidatingAdmissionPolicy; what stays in the engine (`rule`, `paths` …) is left out."""
    validations = []
    for one in policy.validations:
        given = {"expression": one.expression, "message": one.message, "messageExpression": one.message_expression, "reason": one.reason}
        validations.append({key: text for key, text in given.items() if text})
    spec: dict[str, Any] = {
        "failurePolicy": policy.failure_policy,
        "matchConstraints": _match(policy.match_constraints),
        "matchConditions": [{"name": one.name, "expression": one.expression} for one in policy.match_conditions],
        "variables": [{"name": one.name, "expression": one.expression} for one in policy.variables],
        "validations": validations,
        "auditAnnotations": [{"key": one.key, "valueExpression": one.value_expression} for one in policy.audit_annotations],
    }
    if policy.param_kind:
        spec["paramKind"] = {"apiVersion": policy.param_kind.api_version, "kind": policy.param_kind.kind}
    return {"apiVersion": _VERSION, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": policy.name}, "spec": _filled(spec)}


def binding_object(binding: Binding) -> dict[str, Any]:
    """A ValidatingAdmissionPolicyBinding."""
    actions = list(binding.written_actions or binding.validation_actions)
    spec: dict[str, Any] = {"policyName": binding.policy_name, "validationActions": actions}
    if binding.param_ref:
        one = binding.param_ref
        given: dict[str, Any] = {"name": one.name, "namespace": one.namespace, "parameterNotFoundAction": one.parameter_not_found_action}
        spec["paramRef"] = _filled(given) | ({"selector": dict(one.selector)} if one.selector is not None else {})
    if binding.match_resources:
        spec["matchResources"] = _match(binding.match_resources)
    return {"apiVersion": _VERSION, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": binding.name}, "spec": spec}


def _match(one: MatchConstraints) -> dict[str, Any]:
    value = {
        "matchPolicy": one.match_policy,
        "namespaceSelector": dict(one.namespace_selector),
        "objectSelector": dict(one.object_selector),
        "resourceRules": [_rule(rule) for rule in one.resource_rules],
        "excludeResourceRules": [_rule(rule) for rule in one.exclude_resource_rules],
    }
    return {key: part for key, part in value.items() if part or key.endswith("elector")}


def _rule(rule: ResourceRule) -> dict[str, Any]:
    return _filled(
        {
            "operations": list(rule.operations),
            "apiGroups": list(rule.api_groups),
            "apiVersions": list(rule.api_versions),
            "resources": list(rule.resources),
            "resourceNames": list(rule.resource_names),
            "scope": rule.scope,
        }
    )


def _filled(value: Mapping[str, Any]) -> dict[str, Any]:
    return {key: part for key, part in value.items() if part}

"""Policies and bindings as the objects that `kubectl apply` takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hostprocess.model import Binding, MatchConstraints, ParamRef, Policy, ResourceRule, Validation
from hostprocess.policy import BINDING_KIND, POLICY_KIND

__all__ = ["binding_object", "policy_object"]

JSONObject = dict[str, Any]


def policy_object(policy: Policy, api_version: str, metadata: Mapping[str, Any] | None = None) -> JSONObject:
    """A ValidatingAdmissionPolicy without defaults, its fields in the order of the API documentation; `metadata` is added to its name."""
    spec: JSONObject = {"failurePolicy": policy.failure_policy}
    if policy.param_kind:
        spec["paramKind"] = {"apiVersion": policy.param_kind.api_version, "kind": policy.param_kind.kind}
    spec["matchConstraints"] = _match(policy.match_constraints)
    spec |= _filled(
        matchConditions=[{"name": one.name, "expression": one.expression} for one in policy.match_conditions],
        variables=[{"name": one.name, "expression": one.expression} for one in policy.variables],
        validations=[_validation(one) for one in policy.validations],
        auditAnnotations=[{"key": one.key, "valueExpression": one.value_expression} for one in policy.audit_annotations],
    )
    return {"apiVersion": api_version, "kind": POLICY_KIND, "metadata": {"name": policy.name, **(metadata or {})}, "spec": spec}


def binding_object(binding: Binding, api_version: str, metadata: Mapping[str, Any] | None = None) -> JSONObject:
    """A ValidatingAdmissionPolicyBinding without defaults; `metadata` is added to its name."""
    spec: JSONObject = {"policyName": binding.policy_name, "validationActions": list(binding.validation_actions)}
    if binding.param_ref:
        spec["paramRef"] = _param_ref(binding.param_ref)
    if binding.match_resources:
        spec["matchResources"] = _match(binding.match_resources)
    return {"apiVersion": api_version, "kind": BINDING_KIND, "metadata": {"name": binding.name, **(metadata or {})}, "spec": spec}


def _validation(one: Validation) -> JSONObject:
    return {"expression": one.expression, **_filled(message=one.message, messageExpression=one.message_expression, reason=one.reason)}


def _match(constraints: MatchConstraints) -> JSONObject:
    return _filled(
        matchPolicy="" if constraints.match_policy == "Equivalent" else constraints.match_policy,
        namespaceSelector=dict(constraints.namespace_selector),
        objectSelector=dict(constraints.object_selector),
        resourceRules=[_rule(one) for one in constraints.resource_rules],
        excludeResourceRules=[_rule(one) for one in constraints.exclude_resource_rules],
    )


def _rule(rule: ResourceRule) -> JSONObject:
    return {
        "apiGroups": list(rule.api_groups),
        "apiVersions": list(rule.api_versions),
        "operations": list(rule.operations),
        "resources": list(rule.resources),
        **_filled(resourceNames=list(rule.resource_names), scope="" if rule.scope == "*" else rule.scope),
    }


def _param_ref(ref: ParamRef) -> JSONObject:
    chosen: JSONObject = {"selector": dict(ref.selector)} if ref.selector is not None else {"name": ref.name}
    return {**chosen, **_filled(namespace=ref.namespace), "parameterNotFoundAction": ref.parameter_not_found_action}


def _filled(**fields: str | Mapping[str, Any] | Sequence[Any]) -> JSONObject:
    return {name: value for name, value in fields.items() if value}

"""Every reason for which the API server of a release refuses a ValidatingAdmissionPolicy or its binding, in its own words.

Source: k8s.io/kubernetes/pkg/apis/admissionregistration/validation/validation.go, with the defaults of defaults.go beside it. Metadata: see `metadata`.
Expressions: see `expressions`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hostprocess.policy_fields import (
    FAILURE_POLICIES,
    MAX_AUDIT_ANNOTATIONS,
    MAX_MATCH_CONDITIONS,
    MAX_VALUE_EXPRESSION,
    NOT_FOUND_ACTIONS,
    REASONS,
    is_identifier,
)
from hostprocess.policy_lint.expressions import Compiler
from hostprocess.policy_lint.field_errors import (
    NEWER_WORDS,
    FieldError,
    Steps,
    duplicate,
    forbidden,
    invalid,
    invalid_list,
    not_supported,
    required,
    too_many,
)
from hostprocess.policy_lint.matching import match_resource_errors, selector_errors
from hostprocess.policy_lint.metadata import metadata_errors, stored_name
from hostprocess.policy_lint.names import dns1035_label, dns1123_subdomain, lowered, path_segment, qualified_name

__all__ = ["binding_errors", "policy_errors"]

_GENERATED_MINOR = 37
_TOO_LITTLE = "validations or auditAnnotations must contain at least one item"

JSONObject = Mapping[str, Any]


def policy_errors(policy: JSONObject, minor: int) -> list[FieldError]:
    """What Kubernetes 1.`minor` says against a policy whose fields have the right types (see `structure`)."""
    return [*metadata_errors(policy, minor), *_spec_errors(policy, minor)]


def binding_errors(binding: JSONObject, minor: int) -> list[FieldError]:
    """What Kubernetes 1.`minor` says against a binding whose fields have the right types."""
    return [*metadata_errors(binding, minor), *_binding_spec_errors(binding, minor)]


def _spec_errors(policy: JSONObject, minor: int) -> Iterator[FieldError]:
    spec = policy.get("spec") or {}
    compiler = Compiler(minor, has_params=spec.get("paramKind") is not None, has_variables=bool(spec.get("variables")))
    failure = spec.get("failurePolicy")
    if failure is not None and failure not in FAILURE_POLICIES:
        yield not_supported(("spec", "failurePolicy"), failure, FAILURE_POLICIES, minor)
    if spec.get("paramKind") is not None:
        yield from _param_kind_errors(spec["paramKind"])
    constraints = spec.get("matchConstraints")
    if constraints is None:
        yield required(("spec", "matchConstraints"))
    else:
        yield from match_resource_errors(constraints, ("spec", "matchConstraints"), minor)
        if not constraints.get("resourceRules"):
            yield required(("spec", "matchConstraints", "resourceRules"))
    yield from _condition_errors(spec.get("matchConditions") or (), compiler, minor)
    for index, variable in enumerate(spec.get("variables") or ()):
        yield from _variable_errors(variable or {}, ("spec", "variables", index), compiler, minor)
    validations, annotations = spec.get("validations") or (), spec.get("auditAnnotations") or ()
    if not validations and not annotations:
        yield required(("spec", "validations"), _TOO_LITTLE)
        yield required(("spec", "auditAnnotations"), _TOO_LITTLE)
    for index, validation in enumerate(validations):
        yield from _validation_errors(validation or {}, ("spec", "validations", index), compiler, minor)
    yield from _annotation_errors(annotations, stored_name(policy), compiler, minor)


def _param_kind_errors(kind: JSONObject) -> Iterator[FieldError]:
    steps = ("spec", "paramKind")
    version = kind.get("apiVersion") or ""
    if not version:
        yield required((*steps, "apiVersion"))
    elif version.count("/") > 1:
        yield invalid((*steps, "apiVersion"), version, f"unexpected GroupVersion string: {version}")
    else:
        group, _, number = version.rpartition("/")
        if group and (found := dns1123_subdomain(group)):
            yield invalid((*steps, "apiVersion"), group, ",".join(found))
        if not number:
            yield invalid((*steps, "apiVersion"), version, "version must be specified")
        elif found := dns1035_label(number):
            yield invalid((*steps, "apiVersion"), number, ",".join(found))
    name = kind.get("kind") or ""
    if not name:
        yield required((*steps, "kind"))
    elif found := dns1035_label(lowered(name)):
        yield invalid((*steps, "kind"), name, "may have mixed case, but should otherwise match: " + ",".join(found))


def _condition_errors(conditions: Sequence[JSONObject | None], compiler: Compiler, minor: int) -> Iterator[FieldError]:
    if len(conditions) > MAX_MATCH_CONDITIONS:
        yield too_many(("spec", "matchConditions"), len(conditions), MAX_MATCH_CONDITIONS)
    names: set[str] = set()
    for index, condition in enumerate(conditions):
        steps: Steps = ("spec", "matchConditions", index)
        expression, name = _text(condition, "expression").strip(), _text(condition, "name")
        if not expression:
            yield required((*steps, "expression"))
        else:
            yield from compiler.condition((*steps, "expression"), expression)
        if not name:
            yield required((*steps, "name"))
        else:
            yield from (invalid((*steps, "name"), name, one) for one in qualified_name(name, minor))
            if name in names:
                yield duplicate((*steps, "name"), name)
            names.add(name)


def _variable_errors(variable: JSONObject, steps: Steps, compiler: Compiler, minor: int) -> Iterator[FieldError]:
    name, expression = _text(variable, "name"), _text(variable, "expression")
    if not name.strip():
        yield required((*steps, "name"), "name is not specified")
    elif not is_identifier(name):
        yield invalid((*steps, "name"), name, "must be a valid CEL identifier" if minor >= NEWER_WORDS else "name is not a valid CEL identifier")
    if not expression.strip():
        yield required((*steps, "expression"), "expression is not specified")
    else:
        yield from compiler.variable((*steps, "expression"), name, expression)


def _validation_errors(validation: JSONObject, steps: Steps, compiler: Compiler, minor: int) -> Iterator[FieldError]:
    expression, message, by_expression = (_text(validation, key) for key in ("expression", "message", "messageExpression"))
    if not expression.strip():
        yield required((*steps, "expression"), "expression is not specified")
    else:
        yield from compiler.validation((*steps, "expression"), expression)
    if by_expression and not by_expression.strip():
        yield invalid((*steps, "messageExpression"), by_expression, "must be non-empty if specified")
    elif by_expression:
        yield from compiler.message((*steps, "messageExpression"), by_expression)
    before = "" if minor >= NEWER_WORDS else "message "
    if message and not message.strip():
        yield invalid((*steps, "message"), message, f"{before}must be non-empty if specified")
    elif "\n" in message.strip() or "\r" in message.strip():
        yield invalid((*steps, "message"), message, f"{before}must not contain line breaks")
    reason = validation.get("reason")
    if reason is not None and reason not in REASONS:
        yield not_supported((*steps, "reason"), reason, REASONS, minor)


def _annotation_errors(annotations: Sequence[JSONObject | None], policy: str, compiler: Compiler, minor: int) -> Iterator[FieldError]:
    if len(annotations) > MAX_AUDIT_ANNOTATIONS:
        shown = [{"Key": _text(one, "key"), "ValueExpression": _text(one, "valueExpression")} for one in annotations]
        words = f"must not have more than {MAX_AUDIT_ANNOTATIONS} auditAnnotations"
        yield invalid_list(("spec", "auditAnnotations"), shown, "AuditAnnotation", words, minor)
    keys: set[str] = set()
    for index, annotation in enumerate(annotations):
        steps: Steps = ("spec", "auditAnnotations", index)
        key, expression = _text(annotation, "key"), _text(annotation, "valueExpression")
        if policy:
            yield from (invalid((*steps, "key"), f"{policy}/{key}", one) for one in qualified_name(f"{policy}/{key}", minor))
        else:
            yield invalid((*steps, "key"), key, "requires metadata.name be non-empty")
        if not expression.strip():
            yield required((*steps, "valueExpression"), "valueExpression is not specified")
        elif len(expression.strip().encode()) > MAX_VALUE_EXPRESSION:
            yield required((*steps, "valueExpression"), f"must not exceed {MAX_VALUE_EXPRESSION} bytes in length")
        else:
            yield from compiler.annotation((*steps, "valueExpression"), expression)
        if key in keys:
            yield duplicate((*steps, "key"), key)
        keys.add(key)


def _binding_spec_errors(binding: JSONObject, minor: int) -> Iterator[FieldError]:
    spec = binding.get("spec") or {}
    name = _text(spec, "policyName")
    if not name:
        yield required(("spec", "policyName"))
    else:
        yield from (invalid(("spec", "policyName"), name, one) for one in dns1123_subdomain(name))
    if spec.get("paramRef") is not None:
        # Only v1alpha1 has a default.
        action = "Deny" if str(binding.get("apiVersion", "")).endswith("/v1alpha1") else ""
        yield from _param_ref_errors(spec["paramRef"], action, minor)
    if spec.get("matchResources") is not None:
        written = "matchResources" if minor >= NEWER_WORDS else "matchResouces"
        yield from match_resource_errors(spec["matchResources"], ("spec", "matchResources"), minor, written=written)
    yield from _action_errors(spec.get("validationActions") or (), minor)


def _param_ref_errors(reference: JSONObject, default_action: str, minor: int) -> Iterator[FieldError]:
    steps = ("spec", "paramRef")
    name, selector = _text(reference, "name"), reference.get("selector")
    exclusive = "name and selector are mutually exclusive"
    if name:
        yield from (invalid((*steps, "name"), name, one) for one in path_segment(name))
        if selector is not None:
            yield forbidden((*steps, "name"), exclusive)
    if selector is not None:
        yield from selector_errors(selector, (*steps, "selector"), minor)
        if name:
            yield forbidden((*steps, "selector"), exclusive)
    if not name and selector is None:
        yield required(steps, "one of name or selector must be specified")
    action = reference.get("parameterNotFoundAction")
    action = default_action if action is None else action
    if not action:
        yield required((*steps, "parameterNotFoundAction"))
    elif action not in NOT_FOUND_ACTIONS:
        yield not_supported((*steps, "parameterNotFoundAction"), action, ("Deny", "Allow"), minor)


def _action_errors(actions: Sequence[str], minor: int) -> Iterator[FieldError]:
    steps = ("spec", "validationActions")
    for index, action in enumerate(actions):
        if action not in ("Audit", "Deny", "Warn"):
            yield not_supported((*steps, index), action, ("Audit", "Deny", "Warn"), minor)
        if action in actions[:index]:
            yield duplicate((*steps, index), action)
    if "Deny" in actions and "Warn" in actions:
        words = "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)"
        yield invalid_list(steps, actions, "ValidationAction", words, minor)
    if not actions:
        # The generated validation took over in some release after 1.34.
        yield required(steps, "" if minor >= _GENERATED_MINOR else "at least one validation action is required")


def _text(value: JSONObject | None, key: str) -> str:
    return str((value or {}).get(key) or "")

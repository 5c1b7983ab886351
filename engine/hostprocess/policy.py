"""Parses and checks ValidatingAdmissionPolicy and Binding objects: the only door for policies, own or foreign.

Source of the checks: k8s.io/kubernetes/pkg/apis/admissionregistration/validation/validation.go; of the defaults: defaults.go beside it.
The versions v1, v1beta1 and v1alpha1 have the same fields.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from hostprocess.kubernetes.location import locate
from hostprocess.model import (
    AuditAnnotation,
    Binding,
    InputProblem,
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
from hostprocess.policy_fields import (
    ACTIONS,
    API_VERSIONS,
    FAILURE_POLICIES,
    GROUP,
    MATCH_POLICIES,
    MAX_AUDIT_ANNOTATIONS,
    MAX_MATCH_CONDITIONS,
    MAX_VALUE_EXPRESSION,
    NOT_FOUND_ACTIONS,
    OPERATIONS,
    OPERATORS,
    REASONS,
    SCOPES,
    WITH_VALUES,
    Fields,
    is_dns_label,
    is_dns_subdomain,
    is_identifier,
    is_label_value,
    is_path_segment,
    is_qualified_name,
    wildcard_fault,
    wrong_resources,
)

__all__ = ["BINDING_KIND", "POLICY_KIND", "check_kind", "match_constraints", "other_policy", "parse_binding", "parse_policy"]

POLICY_KIND = "ValidatingAdmissionPolicy"
BINDING_KIND = "ValidatingAdmissionPolicyBinding"
_ENGINES = {
    **dict.fromkeys(("kyverno.io", "policies.kyverno.io"), "for the engine of Kyverno"),
    **dict.fromkeys(("templates.gatekeeper.sh", "constraints.gatekeeper.sh", "mutations.gatekeeper.sh"), "for the engine of Gatekeeper"),
    "policies.kubewarden.io": "for the engine of Kubewarden",
}
_OF_THE_API_SERVER = "for another plug-in of the API server"


def parse_policy(resource: Resource) -> Policy:
    """A ValidatingAdmissionPolicy with the API server's defaults. Raises `PolicyError` with the line of the first thing it would refuse.

    Expressions are compiled later, see `Evaluator.check`.
    """
    _check_head(resource, "a policy")
    spec = Fields(resource, resource.object.get("spec"), "spec")
    spec.only("paramKind", "matchConstraints", "validations", "failurePolicy", "auditAnnotations", "matchConditions", "variables")
    constraints = spec.child("matchConstraints")
    if constraints is None or not constraints.get("resourceRules", list, []):
        raise (constraints or spec).error("needs at least one of matchConstraints.resourceRules")
    validations, annotations = spec.children("validations"), spec.children("auditAnnotations")
    if not validations and not annotations:
        raise spec.error("needs at least one of validations or auditAnnotations")
    kind = spec.child("paramKind")
    return Policy(
        name=resource.name,
        match_constraints=_match(constraints),
        validations=tuple(map(_validation, validations)),
        variables=_variables(spec.children("variables")),
        match_conditions=_conditions(spec.children("matchConditions")),
        audit_annotations=_annotations(annotations, resource.name),
        failure_policy=spec.choice("failurePolicy", FAILURE_POLICIES) or "Fail",
        param_kind=_param_kind(kind) if kind else None,
        path=resource.origin.path,
        origin=resource.origin,
    )


def parse_binding(resource: Resource) -> Binding:
    """A ValidatingAdmissionPolicyBinding with the API server's defaults. Raises `PolicyError` with the line."""
    _check_head(resource, "a binding")
    spec = Fields(resource, resource.object.get("spec"), "spec")
    spec.only("policyName", "validationActions", "paramRef", "matchResources")
    actions = spec.get("validationActions", list, [])
    if not actions or any(action not in ACTIONS or actions.count(action) > 1 for action in actions):
        raise spec.error(f"needs validationActions, each once, from {', '.join(ACTIONS)}", ("spec", "validationActions"))
    if "Deny" in actions and "Warn" in actions:
        raise spec.error("Deny and Warn exclude each other", ("spec", "validationActions"))
    name = spec.need("policyName")
    if not is_dns_subdomain(name):
        raise spec.error(f"policyName: {name!r} is not the name of a policy: lower case letters, digits, '-' and '.'", ("spec", "policyName"))
    reference = spec.child("paramRef")
    resources = spec.child("matchResources")
    return Binding(
        name=resource.name,
        policy_name=name,
        validation_actions=tuple(action for action in ACTIONS if action in actions),
        written_actions=tuple(actions),
        param_ref=_param_ref(reference, "Deny" if resource.api_version.endswith("/v1alpha1") else "") if reference else None,
        match_resources=_match(resources) if resources else None,
        path=resource.origin.path,
        origin=resource.origin,
    )


def check_kind(resource: Resource) -> None:
    """Raises `PolicyError` for what is meant to be a policy or a binding, by its group, and whose kind is misspelt: nothing would ask it."""
    group, _, _ = resource.api_version.rpartition("/")
    meant = {kind.lower(): kind for kind in (POLICY_KIND, BINDING_KIND)}
    close = difflib.get_close_matches(resource.kind.lower(), meant, 1, cutoff=0.9)  # MutatingAdmissionPolicy is like none of them
    if group == GROUP and close and resource.kind not in meant.values():
        words = f'no matches for kind "{resource.kind}" in version "{resource.api_version}"; did you mean {meant[close[0]]!r}?'
        raise Fields(resource, resource.object).error(words, ("kind",))


def other_policy(resource: Resource) -> InputProblem | None:
    """A note about a policy that is none of ours: of another engine, or another kind of the API server. None for any other object."""
    group, _, _ = resource.api_version.rpartition("/")
    engine = _ENGINES.get(group) or (_OF_THE_API_SERVER if group == GROUP and resource.kind.startswith(("Validating", "Mutating")) else "")
    if not engine:
        return None
    words = f"not used: a {resource.kind} is {engine}; what is evaluated here is a {POLICY_KIND} of {API_VERSIONS[0]}"
    place = locate(resource.origin, ())
    return InputProblem(path=resource.origin.path, line=place.line, column=place.column, message=words, note=True)


def match_constraints(raw: Mapping[str, Any]) -> MatchConstraints:
    """`matchConstraints` that are known to be sound, as those of a rule pack."""
    return MatchConstraints(
        resource_rules=tuple(_resource_rule(rule) for rule in raw.get("resourceRules") or ()),
        exclude_resource_rules=tuple(_resource_rule(rule) for rule in raw.get("excludeResourceRules") or ()),
        namespace_selector=raw.get("namespaceSelector") or {},
        object_selector=raw.get("objectSelector") or {},
        match_policy=raw.get("matchPolicy") or "Equivalent",
    )


def _check_head(resource: Resource, what: str) -> None:
    top = Fields(resource, resource.object)
    if resource.api_version not in API_VERSIONS:
        raise top.error(f"apiVersion {resource.api_version!r} is not one of {', '.join(API_VERSIONS)}", ("apiVersion",))
    top.only("apiVersion", "kind", "metadata", "spec", "status")
    metadata = top.child("metadata")
    if not metadata or not metadata.value.get("name"):
        # What the API server makes of a generateName is not known, and no binding can name it.
        raise top.error(f"{what} needs metadata.name", ("metadata",))
    if not is_dns_subdomain(resource.name):
        raise top.error(f"metadata.name {resource.name!r} is not valid: lower case letters, digits, '-' and '.'", ("metadata", "name"))


def _param_kind(raw: Fields) -> ParamKind:
    raw.only("apiVersion", "kind")
    kind = ParamKind(api_version=raw.need("apiVersion"), kind=raw.need("kind"))
    group, _, version = kind.api_version.rpartition("/")
    if (group and not is_dns_subdomain(group)) or not is_dns_label(version):
        raise raw.error(f"apiVersion {kind.api_version!r} is not `version` or `group/version`", (*raw.steps, "apiVersion"))
    if not is_dns_label(kind.kind.lower()):
        raise raw.error(f"{kind.kind!r} is not the name of a kind", (*raw.steps, "kind"))
    return kind


def _variables(given: Iterable[Fields]) -> tuple[Variable, ...]:
    found: dict[str, Variable] = {}
    for raw in given:
        raw.only("name", "expression")
        name = raw.need("name")
        if not is_identifier(name):
            raise raw.error(f"{name!r} is not a name: letters, digits and _, and no reserved word of CEL")
        # kubectl create lets it pass, and the last one counts; kubectl apply --server-side refuses it. Nobody means it.
        if name in found:
            raise raw.error(f"the variable {name!r} is defined twice", (*raw.steps, "name"))
        found[name] = Variable(name=name, expression=raw.need("expression"))
    return tuple(found.values())


def _conditions(given: list[Fields]) -> tuple[MatchCondition, ...]:
    if len(given) > MAX_MATCH_CONDITIONS:
        raise given[MAX_MATCH_CONDITIONS].error(f"must not have more than {MAX_MATCH_CONDITIONS} matchConditions")
    found: dict[str, MatchCondition] = {}
    for raw in given:
        raw.only("name", "expression")
        name = raw.need("name")
        if not is_qualified_name(name):
            raise raw.error(f"{name!r} is not a name: letters, digits, '-', '_' and '.', 63 at most, with a domain and / before it if need be")
        if name in found:
            raise raw.error(f"the matchCondition {name!r} is defined twice", (*raw.steps, "name"))
        found[name] = MatchCondition(name=name, expression=raw.need("expression"))
    return tuple(found.values())


def _annotations(given: list[Fields], policy: str) -> tuple[AuditAnnotation, ...]:
    if len(given) > MAX_AUDIT_ANNOTATIONS:
        raise given[MAX_AUDIT_ANNOTATIONS].error(f"must not have more than {MAX_AUDIT_ANNOTATIONS} auditAnnotations")
    found: dict[str, AuditAnnotation] = {}
    for raw in given:
        raw.only("key", "valueExpression")
        key, expression = raw.need("key"), raw.need("valueExpression")
        if not is_qualified_name(f"{policy}/{key}"):
            raise raw.error(f"key: {key!r} is not valid: letters, digits, '-', '_' and '.', 63 at most", (*raw.steps, "key"))
        if key in found:
            raise raw.error(f"the audit annotation {key!r} is defined twice", (*raw.steps, "key"))
        if len(expression.strip().encode()) > MAX_VALUE_EXPRESSION:
            raise raw.error(f"valueExpression must not exceed {MAX_VALUE_EXPRESSION} bytes", (*raw.steps, "valueExpression"))
        found[key] = AuditAnnotation(key=key, value_expression=expression)
    return tuple(found.values())


def _validation(raw: Fields) -> Validation:
    raw.only("expression", "message", "messageExpression", "reason")
    message = raw.text("message").strip()
    if raw.value.get("message") and (not message or "\n" in message or "\r" in message):
        raise raw.error("message must be one line of text; leave it out, or use messageExpression")
    return Validation(
        expression=raw.need("expression"),
        message=message,
        message_expression=raw.need("messageExpression") if raw.value.get("messageExpression") else "",
        reason=raw.choice("reason", REASONS),
    )


def _match(raw: Fields) -> MatchConstraints:
    raw.only("resourceRules", "excludeResourceRules", "namespaceSelector", "objectSelector", "matchPolicy")
    raw.choice("matchPolicy", MATCH_POLICIES)
    for key in ("resourceRules", "excludeResourceRules"):
        for rule in raw.children(key):
            _check_rule(rule)
    for key in ("namespaceSelector", "objectSelector"):
        _check_selector(raw.child(key))
    return match_constraints(raw.value)


def _check_rule(rule: Fields) -> None:
    rule.only("apiGroups", "apiVersions", "operations", "resources", "resourceNames", "scope")
    if not all(rule.strings(name) for name in ("apiGroups", "apiVersions", "operations", "resources")):
        raise rule.error("needs apiGroups, apiVersions, operations and resources")
    if wrong := [one for one in rule.strings("operations") if one not in OPERATIONS]:
        raise rule.error(f"{wrong[0]!r} is not an operation; there are {', '.join(OPERATIONS)}")
    for key in ("operations", "apiGroups", "apiVersions"):
        if wildcard_fault(rule.strings(key)):
            raise rule.error(f"{key}: if '*' is present, must not specify others", (*rule.steps, key))
    if "" in rule.strings("apiVersions"):
        raise rule.error("apiVersions: a version must not be empty", (*rule.steps, "apiVersions"))
    for index, message in wrong_resources(rule.strings("resources")):
        raise rule.error(f"resources: {message}", (*rule.steps, "resources", *(() if index is None else (index,))))
    names = rule.strings("resourceNames")
    for index, name in enumerate(names):
        if not is_path_segment(name):
            raise rule.error(f"resourceNames: {name!r} cannot be the name of an object", (*rule.steps, "resourceNames", index))
        if name in names[:index]:
            raise rule.error(f"resourceNames: {name!r} is given twice", (*rule.steps, "resourceNames", index))
    rule.choice("scope", SCOPES)


def _check_selector(raw: Fields | None) -> None:
    if raw is None:
        return
    raw.only("matchLabels", "matchExpressions")
    labels = raw.get("matchLabels", dict, {})
    if not all(isinstance(value, str) for value in labels.values()):
        raise raw.error("matchLabels must be a mapping of strings; put the values in quotes")
    for key, value in labels.items():
        if not is_qualified_name(str(key)) or not is_label_value(value):
            raise raw.error(f"matchLabels: {key}: {value} cannot be a label", (*raw.steps, "matchLabels", key))
    for one in raw.children("matchExpressions"):
        one.only("key", "operator", "values")
        key = one.need("key")
        if not is_qualified_name(key):
            raise one.error(f"{key!r} cannot be the key of a label", (*one.steps, "key"))
        operator = one.text("operator")
        if operator not in OPERATORS:
            raise one.error(f"operator must be one of {', '.join(OPERATORS)}")
        values = one.strings("values")
        if bool(values) != (operator in WITH_VALUES):
            raise one.error(f"{operator} {'needs' if operator in WITH_VALUES else 'takes no'} values")
        if wrong := [value for value in values if not is_label_value(value)]:
            raise one.error(f"{wrong[0]!r} cannot be the value of a label", (*one.steps, "values"))


def _resource_rule(raw: Mapping[str, Any]) -> ResourceRule:
    return ResourceRule(
        operations=tuple(raw["operations"]),
        api_groups=tuple(raw["apiGroups"]),
        api_versions=tuple(raw["apiVersions"]),
        resources=tuple(raw["resources"]),
        resource_names=tuple(raw.get("resourceNames") or ()),
        scope=raw.get("scope") or "*",
    )


def _param_ref(raw: Fields, default_action: str) -> ParamRef:
    raw.only("name", "namespace", "selector", "parameterNotFoundAction")
    name, selector = raw.text("name"), raw.child("selector")
    if bool(name) == (selector is not None):
        raise raw.error("paramRef needs exactly one of name and selector")
    if not is_path_segment(name):
        raise raw.error(f"name: {name!r} cannot be the name of an object", (*raw.steps, "name"))
    _check_selector(selector)
    action = raw.choice("parameterNotFoundAction", NOT_FOUND_ACTIONS) or default_action
    if not action:
        raise raw.error("paramRef needs parameterNotFoundAction, Allow or Deny")
    return ParamRef(name=name, namespace=raw.text("namespace"), selector=selector.value if selector else None, parameter_not_found_action=action)

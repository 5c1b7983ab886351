"""A ConstraintTemplate of Gatekeeper with a constraint of its kind as a ValidatingAdmissionPolicy, its binding and its parameter.

Source: github.com/open-policy-agent/gatekeeper, pkg/drivers/k8scel (schema, transform), pkg/mutation/match, pkg/target.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hostprocess.errors import PolicyError
from hostprocess.kubernetes.fields import format_path
from hostprocess.kubernetes.kinds import group_version
from hostprocess.kubernetes.location import locate
from hostprocess.model import Binding, Origin, Policy, Resource
from hostprocess.policy import parse_binding, parse_policy
from hostprocess.policy_fields import API_VERSIONS, FAILURE_POLICIES
from hostprocess.schema import violations
from hostprocess.suite.importers.reading import Manifest, Steps, list_of, mapping, text
from hostprocess.suite.model import JSONObject

__all__ = ["Enforced", "enforced"]

ENGINE = "K8sNativeValidation"
_TEMPLATES, _CONSTRAINTS = "templates.gatekeeper.sh", "constraints.gatekeeper.sh"
_ACTIONS = {"deny": "Deny", "warn": "Warn", "dryrun": "Audit"}
_OPERATIONS = ["CREATE", "UPDATE", "DELETE"]
_OURS = ("anyObject", "params")
_RESERVED = "gatekeeper_internal_"
_NAMED = mapping(("name", "expression"), name=text, expression=text)
_SOURCE = mapping(
    validations=list_of(mapping(("expression",), expression=text, message={"type": "string"}, messageExpression={"type": "string"})),
    variables=list_of(_NAMED),
    matchCondition=list_of(_NAMED),
    matchConditions=list_of(_NAMED),
    failurePolicy={"type": "string", "enum": list(FAILURE_POLICIES)},
    generateVAP={"type": "boolean"},
)
_STRINGS = list_of({"type": "string"})
_MATCH = mapping(
    kinds=list_of(mapping(apiGroups=_STRINGS, kinds=_STRINGS, apiVersions=_STRINGS)),
    scope={"type": "string", "enum": ["*", "Cluster", "Namespaced"]},
    namespaces=_STRINGS,
    excludedNamespaces=_STRINGS,
    labelSelector={"type": "object"},
    namespaceSelector={"type": "object"},
    name={"type": "string"},
    source={"type": "string", "enum": ["All", "Original", "Generated"]},
)


@dataclass(frozen=True, slots=True)
class Enforced:
    """What a constraint makes of its template, with its defaults filled in; `documents` are policy and binding as YAML would have them."""

    policy: Policy
    binding: Binding
    constraint: JSONObject
    documents: tuple[JSONObject, ...]


def enforced(template: Manifest, constraint: Manifest, name: str) -> Enforced:
    """The policy `name`. Raises `PolicyError` with the line of what is not understood, or what Gatekeeper refuses."""
    kind, target = _template(template)
    steps, source = _source(template, target)
    spec = _constraint(template, constraint, kind)
    match = spec.get("match") or {}
    value = copy.deepcopy(constraint.object)
    _fill(value.setdefault("spec", {}), _schema(template))
    policy = {
        "apiVersion": API_VERSIONS[0],
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "failurePolicy": source.get("failurePolicy", "Fail"),
            "paramKind": {"apiVersion": constraint.resource.api_version, "kind": kind},
            "matchConstraints": {
                "resourceRules": [
                    {"apiGroups": ["*"], "apiVersions": ["*"], "operations": target.get("operations") or _OPERATIONS, "resources": ["*/*"]},
                ]
            },
            "matchConditions": [*(source.get("matchCondition") or source.get("matchConditions") or []), *_conditions(match)],
            "variables": [
                {"name": "anyObject", "expression": "object == null ? oldObject : object"},
                {"name": "params", "expression": "params.spec.parameters" if "parameters" in value["spec"] else "dyn(null)"},
                *source.get("variables", []),
            ],
            "validations": [_validation(one) for one in source.get("validations", [])],
        },
    }
    selectors = {ours: match[theirs] for theirs, ours in (("labelSelector", "objectSelector"), ("namespaceSelector", "namespaceSelector")) if match.get(theirs)}
    binding = {
        "apiVersion": API_VERSIONS[0],
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {
            "policyName": name,
            "paramRef": {"name": constraint.resource.name, "parameterNotFoundAction": "Deny"},
            "validationActions": [_ACTIONS[spec.get("enforcementAction") or "deny"]],
            **({"matchResources": selectors} if selectors else {}),
        },
    }
    return Enforced(
        parse_policy(Resource(object=policy, origin=_origin(template, steps))),
        parse_binding(Resource(object=binding, origin=constraint.resource.origin)),
        value,
        (policy, binding),
    )


def _origin(template: Manifest, steps: Steps) -> Origin:
    """An origin in which a policy finds its fields where they stand in the template: `source` is its `spec` there.

    The variables have other numbers, as two come before them: they are found at `source`.
    """
    origin = template.resource.origin
    for key, other in (("matchCondition", "matchConditions"), ("variables", "variable_"), ("", "spec  ")):
        place = locate(origin, (*steps, key) if key else steps)
        lines = origin.text.split("\n")
        row, column = place.line - origin.line, place.column - 1 - (origin.column - 1 if place.line == origin.line else 0)
        lines[row] = lines[row][:column] + re.sub(rf"^([\"']?){key or 'source'}\b(?!s)", rf"\g<1>{other}", lines[row][column:])
        origin = replace(origin, text="\n".join(lines))
    return replace(origin, steps=(*origin.steps, *steps[:-1]))


def _refused(manifest: Manifest, steps: Steps, why: str) -> PolicyError:
    place = locate(manifest.resource.origin, steps)
    return PolicyError(f"{manifest.resource.kind} {manifest.resource.name}: {why}", path=manifest.path, line=place.line, column=place.column)


def _checked(manifest: Manifest, steps: Steps, value: Any, schema: Mapping[str, Any]) -> JSONObject:
    for at, message in violations(value, dict(schema)):
        raise _refused(manifest, (*steps, *at), f"{format_path((*steps, *at))}: {message}")
    found: JSONObject = value
    return found


def _template(template: Manifest) -> tuple[str, JSONObject]:
    """The kind of the constraints, and the one target."""
    one = template.resource
    if one.kind != "ConstraintTemplate" or group_version(one.api_version)[0] != _TEMPLATES:
        raise _refused(template, (), f"is no ConstraintTemplate of {_TEMPLATES}")
    try:
        spec = one.object["spec"]
        kind, targets = spec["crd"]["spec"]["names"]["kind"], spec["targets"]
    except (KeyError, TypeError):
        raise _refused(template, ("spec",), "needs spec.crd.spec.names.kind and spec.targets") from None
    if not isinstance(targets, list) or len(targets) != 1 or not isinstance(targets[0], dict):
        raise _refused(template, ("spec", "targets"), "must have exactly one target")
    return str(kind), targets[0]


def _source(template: Manifest, target: Mapping[str, Any]) -> tuple[Steps, JSONObject]:
    code = target.get("code")
    for index, one in enumerate(code if isinstance(code, list) else ()):
        if isinstance(one, dict) and one.get("engine") == ENGINE:
            steps: Steps = ("spec", "targets", 0, "code", index, "source")
            source = _checked(template, steps, one.get("source"), _SOURCE)
            _check_names(template, steps, source)
            return steps, source
    where: Steps = ("spec", "targets", 0, "code" if code else "rego")
    raise _refused(template, where, f"is written in Rego; only code of the engine {ENGINE}, which is CEL, can be evaluated here")


def _check_names(template: Manifest, steps: Steps, source: Mapping[str, Any]) -> None:
    if "matchCondition" in source and "matchConditions" in source:
        raise _refused(template, (*steps, "matchConditions"), "there is a matchCondition, too; give one of them")
    for key in ("variables", "matchCondition", "matchConditions"):
        for index, one in enumerate(source.get(key, ())):
            if one["name"].startswith(_RESERVED) or (key == "variables" and one["name"] in _OURS):
                raise _refused(template, (*steps, key, index, "name"), f"the name {one['name']!r} is reserved by Gatekeeper")
    if not source.get("validations"):
        raise _refused(template, steps, "has no validations")


def _constraint(template: Manifest, constraint: Manifest, kind: str) -> JSONObject:
    """The spec of the constraint, checked."""
    one = constraint.resource
    if one.kind != kind or group_version(one.api_version)[0] != _CONSTRAINTS:
        raise _refused(constraint, ("kind",), f"is no constraint of the template {template.resource.name}, whose kind is {kind}")
    spec = one.object.get("spec") or {}
    if not isinstance(spec, dict):
        raise _refused(constraint, ("spec",), "spec must be a mapping")
    action = spec.get("enforcementAction") or "deny"
    if action not in _ACTIONS:
        raise _refused(constraint, ("spec", "enforcementAction"), f"enforcementAction {action!r} is not understood; there are {', '.join(_ACTIONS)}")
    match = _checked(constraint, ("spec", "match"), spec.get("match") or {}, _MATCH)
    if match.get("source") == "Generated":
        raise _refused(constraint, ("spec", "match", "source"), "is about generated objects, and nothing is generated here")
    return spec


def _validation(one: Mapping[str, Any]) -> JSONObject:
    found = {key: value for key, value in one.items() if value}
    if "\n" in found.get("message", "").strip():
        found["message"] = " ".join(found["message"].split())
    return found


def _schema(template: Manifest) -> Mapping[str, Any]:
    """The schema of `spec` of a constraint."""
    found = template.object["spec"]["crd"]["spec"].get("validation") or {}
    parameters = found.get("openAPIV3Schema") if isinstance(found, dict) else None
    return {"properties": {"parameters": parameters}} if isinstance(parameters, dict) else {}


def _fill(value: Any, schema: Mapping[str, Any]) -> None:
    """Sets the defaults of a schema, as the API server does: where the object above is there."""
    properties = schema.get("properties")
    if isinstance(value, dict):
        for key, one in (properties if isinstance(properties, dict) else {}).items():
            if not isinstance(one, dict):
                continue
            if key not in value and "default" in one:
                value[key] = copy.deepcopy(one["default"])
            _fill(value.get(key), one)
        for key in value if isinstance(schema.get("additionalProperties"), dict) else ():
            _fill(value[key], schema["additionalProperties"])
    elif isinstance(value, list) and isinstance(schema.get("items"), dict):
        for one in value:
            _fill(one, schema["items"])


# The match block of a constraint, as matchConditions: what it says is known here, so that each says it in plain words.


def _conditions(match: Mapping[str, Any]) -> Iterator[JSONObject]:
    for name, expression in (
        ("kinds", _kinds(match.get("kinds") or [])),
        ("scope", _scope(match.get("scope") or "*")),
        ("namespaces", _namespaces(match.get("namespaces") or [], excluded=False)),
        ("excluded-namespaces", _namespaces(match.get("excludedNamespaces") or [], excluded=True)),
        ("name", _name(match.get("name") or "")),
    ):
        if expression:
            yield {"name": f"match-{name}", "expression": expression}


def _kinds(given: Sequence[Mapping[str, Any]]) -> str:
    found = []
    for one in given:
        keys = (("kinds", "kind"), ("apiGroups", "group"), ("apiVersions", "version"))
        parts = [f"request.kind.{field} in {json.dumps(one[key])}" for key, field in keys if one.get(key) and "*" not in one[key]]
        if not parts:
            return ""
        found.append(" && ".join(parts))
    return found[0] if len(found) == 1 else " || ".join(f"({one})" for one in found)


def _scope(scope: str) -> str:
    itself = 'request.kind.kind == "Namespace" && request.kind.group == ""'
    return {"Cluster": f"!has(request.namespace) || {itself}", "Namespaced": f"has(request.namespace) && !({itself})"}.get(scope, "")


def _namespaces(patterns: Sequence[str], excluded: bool) -> str:
    """Objects that are in no namespace match, whatever it is; a Namespace is requested in itself."""
    if not patterns:
        return ""
    found = " || ".join(_like("request.namespace", one) for one in patterns)
    return f"!has(request.namespace) || {f'!({found})' if excluded else found}"


def _name(pattern: str) -> str:
    if not pattern:
        return ""
    fields = ("name", "generateName") if pattern.endswith("*") else ("name",)
    about = "(object == null ? oldObject : object).metadata"
    return " || ".join(f"(has({about}.{field}) && {_like(f'{about}.{field}', pattern)})" for field in fields)


def _like(name: str, pattern: str) -> str:
    """Whether a name is like a pattern with a `*` at an end."""
    if "*" not in pattern:
        return f"{name} == {json.dumps(pattern)}"
    expression = "^" + re.escape(pattern).replace(r"\*", ".*").replace(r"\-", "-") + "$"
    return f"{name}.matches({json.dumps(expression)})"

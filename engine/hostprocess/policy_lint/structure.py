"""The fields of policies and bindings: which there are in which release, and of which type. What is not so is refused before anything is validated.

Source: k8s.io/api/admissionregistration/v1/types.go and its older versions; strict decoding as kubectl asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from hostprocess.errors import suggestion
from hostprocess.kubernetes.scalars import time_fault
from hostprocess.policy_fields import GROUP
from hostprocess.policy_lint.field_errors import FieldError, Steps, field_path, quoted

__all__ = ["FIRST", "SERVED", "Decoded", "decode", "served_words"]

FIRST: Final = 26
SERVED: Final[Mapping[str, tuple[int, int]]] = {f"{GROUP}/v1": (30, 0), f"{GROUP}/v1beta1": (28, 34), f"{GROUP}/v1alpha1": (26, 32)}
"""The releases that serve a version: from the first on and before the second, 0 is open."""

# A schema is the name of a scalar, a list of one schema, or a mapping of fields; "*" stands for any field.
Schema = str | list[Any] | dict[str, Any]
_STRINGS: Schema = ["string"]
_SELECTOR: Schema = {"matchLabels": {"*": "string"}, "matchExpressions": [{"key": "string", "operator": "string", "values": _STRINGS}]}
_RULE: Schema = dict.fromkeys(("apiGroups", "apiVersions", "operations", "resources", "resourceNames"), _STRINGS) | {"scope": "string"}
_MATCH: Schema = {
    "matchPolicy": "string",
    "namespaceSelector": _SELECTOR,
    "objectSelector": _SELECTOR,
    "resourceRules": [_RULE],
    "excludeResourceRules": [_RULE],
}
_NAMED: Schema = {"name": "string", "expression": "string"}
_METADATA: Schema = {
    **dict.fromkeys(("name", "generateName", "namespace", "selfLink", "uid", "resourceVersion"), "string"),
    **dict.fromkeys(("creationTimestamp", "deletionTimestamp"), "time"),
    "labels": {"*": "string"},
    "annotations": {"*": "string"},
    **dict.fromkeys(("generation", "deletionGracePeriodSeconds"), "integer"),
    "ownerReferences": [{**dict.fromkeys(("apiVersion", "kind", "name", "uid"), "string"), **dict.fromkeys(("controller", "blockOwnerDeletion"), "boolean")}],
    "managedFields": [
        {**dict.fromkeys(("manager", "operation", "apiVersion", "fieldsType", "subresource"), "string"), "time": "time", "fieldsV1": "any"},
    ],
    "finalizers": _STRINGS,
}
_POLICY: Schema = {
    "paramKind": {"apiVersion": "string", "kind": "string"},
    "matchConstraints": _MATCH,
    "validations": [dict.fromkeys(("expression", "message", "messageExpression", "reason"), "string")],
    "failurePolicy": "string",
    "auditAnnotations": [{"key": "string", "valueExpression": "string"}],
    "matchConditions": [_NAMED],
    "variables": [_NAMED],
}
_BINDING: Schema = {
    "policyName": "string",
    "paramRef": {"name": "string", "namespace": "string", "selector": _SELECTOR, "parameterNotFoundAction": "string"},
    "matchResources": _MATCH,
    "validationActions": _STRINGS,
}
_STATUS: Schema = {
    "observedGeneration": "integer",
    "typeChecking": {"expressionWarnings": [dict.fromkeys(("fieldRef", "warning"), "string")]},
    "conditions": [{**dict.fromkeys(("type", "status", "reason", "message"), "string"), "observedGeneration": "integer", "lastTransitionTime": "time"}],
}
_OBJECT: Final[dict[str, Any]] = {"apiVersion": "string", "kind": "string", "metadata": _METADATA}
_TOP: Final = {
    "ValidatingAdmissionPolicy": {**_OBJECT, "spec": _POLICY, "status": _STATUS},
    "ValidatingAdmissionPolicyBinding": {**_OBJECT, "spec": _BINDING},
}
_SINCE: Final[Mapping[tuple[str, ...], int]] = {
    ("spec", "validations", "messageExpression"): 27,
    ("spec", "auditAnnotations"): 27,
    ("spec", "matchConditions"): 27,
    ("spec", "validationActions"): 27,
    ("spec", "variables"): 28,
    ("spec", "paramRef", "selector"): 28,
    ("spec", "paramRef", "parameterNotFoundAction"): 28,
    ("status",): 27,
}
_ZERO: Final[Mapping[type, Any]] = {dict: {}, list: []}
_TYPES: Final[Mapping[str, tuple[type, str]]] = {
    "string": (str, "a string"),
    "time": (str, "a time"),
    "integer": (int, "an integer"),
    "boolean": (bool, "a boolean"),
}


@dataclass(frozen=True, slots=True)
class Decoded:
    """An object without what cannot be decoded, and the complaints about that."""

    value: Mapping[str, Any]
    errors: tuple[FieldError, ...]


def decode(value: Mapping[str, Any], minor: int) -> Decoded:
    """Decodes a policy or a binding strictly, as Kubernetes 1.`minor` does."""
    errors: list[FieldError] = []
    decoded = _decode(value, _TOP[str(value["kind"])], (), minor, errors)
    return Decoded(decoded if isinstance(decoded, Mapping) else {}, tuple(errors))


def served_words(api_version: str) -> str:
    """Which releases serve a version, in words."""
    first, end = SERVED[api_version]
    return f"1.{first} and newer" if not end else f"1.{first} to 1.{end - 1}, where it has to be switched on"


def _decode(value: Any, schema: Schema, steps: Steps, minor: int, errors: list[FieldError]) -> Any:
    if value is None or schema == "any":
        return value
    if isinstance(schema, list):
        if not isinstance(value, list):
            errors.append(_wrong(steps, value, "a list"))
            return None
        found = (_decode(one, schema[0], (*steps, index), minor, errors) for index, one in enumerate(value))
        # A null in a list becomes the zero value of its Go type.
        return [one if one is not None else _ZERO.get(type(schema[0]), "") for one in found]
    if isinstance(schema, dict):
        if not isinstance(value, dict):
            errors.append(_wrong(steps, value, "a mapping"))
            return None
        return {key: _decode(value[key], schema.get(key) or schema["*"], (*steps, key), minor, errors) for key in _known(value, schema, steps, minor, errors)}
    kind, words = _TYPES[schema]
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        errors.append(_wrong(steps, value, words))
        return None
    if schema == "time" and (fault := time_fault(str(value))):
        errors.append(FieldError(steps, field_path(steps), fault, "wrong-type"))
        return None
    return value


def _known(value: Mapping[str, Any], schema: Mapping[str, Any], steps: Steps, minor: int, errors: list[FieldError]) -> Iterator[str]:
    for key in value:
        place = (*steps, key)
        since = _SINCE.get(tuple(step for step in place if isinstance(step, str)), 0)
        if (key in schema or "*" in schema) and minor >= since:
            yield key
        else:
            hint = "" if since else suggestion(str(key), schema).removeprefix("; ")
            errors.append(FieldError(place, field_path(place), f"strict decoding error: unknown field {quoted(field_path(place))}", "unknown-field", hint))


def _wrong(steps: Steps, value: Any, expected: str) -> FieldError:
    given = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list", dict: "a mapping"}.get(type(value), "something else")
    return FieldError(steps, field_path(steps), f"must be {expected}, but is {given}", "wrong-type")

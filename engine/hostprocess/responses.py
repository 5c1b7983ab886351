"""What a client gets to read: the status of a denial, Warning headers, audit annotations, and the lines kubectl prints.

Source: k8s.io/apiserver/pkg/admission/plugin/policy/validating/dispatcher.go, pkg/admission/errors.go; k8s.io/kubectl/pkg/cmd/util/helpers.go.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hostprocess.model import Binding, Decision, Outcome, Range, Request, Unknown

__all__ = ["FAILURES_KEY", "Response", "client_message", "code_of", "denial", "failures_annotation", "response", "warning"]

FAILURES_KEY = "validation.policy.admission.k8s.io/validation_failure"
_MAX_FAILURES = 50
_AS_GO = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_CODES = {"Forbidden": 403, "Unauthorized": 401, "RequestEntityTooLarge": 413}
_INVALID = 422
_ONLY_FIRST = Range(before="1.37")
_DOING = {"CREATE": "creating", "UPDATE": "replacing", "DELETE": "deleting"}


def code_of(reason: str) -> int:
    """The HTTP status of a reason."""
    return _CODES.get(reason, _INVALID)


def denial(policy: str, binding: str, message: str) -> str:
    """The cause of a denial."""
    bound = f" with binding '{binding}'" if binding else ""
    return f"ValidatingAdmissionPolicy '{policy}'{bound} denied request: {message}"


def warning(policy: str, binding: str, message: str) -> str:
    """The text of the Warning header."""
    return f"Validation failed for ValidatingAdmissionPolicy '{policy}' with binding '{binding}': {message}"


def status(request: Request, reason: str, cause: str) -> dict[str, Any]:
    """The status of a denied request (admission.NewForbidden, and what the dispatcher changes of it)."""
    resource = f"{request.plural}.{request.group}" if request.group else request.plural
    name = _status_name(request)
    details: dict[str, Any] = {"name": name, "kind": request.plural, "causes": [{"message": cause}]}
    if request.group:
        details["group"] = request.group
    return {
        "status": "Failure",
        "message": f"{resource} {json.dumps(name, ensure_ascii=False)} is forbidden: {cause}",
        "reason": reason,
        "details": details,
        "code": code_of(reason),
    }


def client_message(request: Request, reason: str, cause: str) -> str:
    """What `kubectl create -f`, `replace -f` or `delete -f` prints of a denial."""
    said = status(request, reason, cause)
    if reason == "Invalid":
        # An empty field stands between the two colons.
        return f'The {request.plural} "{said["details"]["name"]}" is invalid: : {cause}'
    path = request.resource.origin.path
    doing = _DOING.get(request.operation)
    source = f'error when {doing} "{path}": ' if doing and path else ""
    return f"Error from server ({reason}): {source}{said['message']}"


def _status_name(request: Request) -> str:
    if isinstance(request.name, str) and request.name:
        return request.name
    if request.object is None or isinstance(request.object, Unknown):
        return "Unknown"
    metadata = request.object.get("metadata") or {}
    given = metadata.get("name") or metadata.get("generateName")
    return given if isinstance(given, str) and given else "Unknown"


def failures_annotation(decisions: Iterable[Decision], bindings: Mapping[tuple[str, str], Binding], kubernetes: str = "") -> str:
    """The audit annotation of failures that bindings want audited, empty if there are none: compact JSON as Go writes it.

    Before 1.37 each failure was an annotation of the same key, of which the API server keeps the first (admission/attributes.go).
    """
    failures = [
        {
            "message": one.message,
            "policy": one.policy,
            "binding": one.binding,
            "expressionIndex": max(one.index, 0),
            "validationActions": list(_written(bindings.get((one.policy, one.binding)), one.actions)),
        }
        for one in decisions
        if "Audit" in one.actions and one.outcome is not Outcome.UNKNOWN
    ]
    if not failures:
        return ""
    text = _AS_GO.encode(failures[: 1 if kubernetes and _ONLY_FIRST.holds(kubernetes) else _MAX_FAILURES])
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _written(binding: Binding | None, actions: Sequence[str]) -> Sequence[str]:
    return binding.written_actions or actions if binding else actions


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """The answer to one request. `allowed` is None where something decisive was not given.

    `status` is that of the first denial; the API server takes any of several.
    """

    allowed: bool | None
    status: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    audit_annotations: Mapping[str, str] = field(default_factory=dict)


def response(request: Request, findings: Sequence[Decision], audit_annotations: Mapping[str, str]) -> Response:
    """The answer that follows from decisions."""
    unknown = any(one.outcome is Outcome.UNKNOWN and "Deny" in one.actions for one in findings)
    denials = [one for one in findings if "Deny" in one.actions and one.outcome is not Outcome.UNKNOWN]
    first = denials[0] if denials else None
    return Response(
        allowed=False if first else None if unknown else True,
        status=status(request, first.reason, denial(first.policy, first.binding, first.message)) if first else {},
        warnings=tuple(text for one in findings for text in one.warnings),
        audit_annotations=audit_annotations,
    )

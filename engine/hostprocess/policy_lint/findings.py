"""What lint finds, and the findings that are refusals: of the target release, or of other releases that serve the version."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from hostprocess.cel.runtime import NEWEST
from hostprocess.kubernetes.location import locate
from hostprocess.model import Resource
from hostprocess.policy_lint.field_errors import FieldError, Steps, field_path
from hostprocess.policy_lint.report import Finding
from hostprocess.policy_lint.structure import SERVED, decode, served_words
from hostprocess.policy_lint.validation import binding_errors, policy_errors

__all__ = ["finding", "refusals"]

_MAX_REQUEST = 3 * 1024 * 1024
_MAX_STORED = 3 * 512 * 1024  # etcd's own default
_EITHER = frozenset({("spec", "validations"), ("spec", "auditAnnotations")})  # one of them has to be there
_HINTS = {"must evaluate to bool but got dyn": "compare it, as in `… == true`", "must evaluate to string but got dyn": "convert it with string(…)"}


def finding(
    resource: Resource, steps: Steps, check: str, severity: str, message: str, *, field: str = "", releases: Sequence[int] = (), hint: str = ""
) -> Finding:
    """A finding about a field of a resource, with its place."""
    place = locate(resource.origin, steps)
    return Finding(
        check=check,
        severity=severity,
        message=message,
        path=resource.origin.path,
        line=place.line,
        column=place.column,
        field=field or field_path(steps),
        resource=f"{resource.kind}/{resource.name}",
        releases=tuple(f"1.{minor}" for minor in releases),
        hint=hint,
        steps=steps,
    )


def refusals(resource: Resource, minor: int) -> Iterator[Finding]:
    """Why the API server of 1.`minor` refuses a policy or a binding; and, as notes, why other releases that serve its version do."""
    size = len(json.dumps(resource.object, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"))
    if size > _MAX_STORED:
        words = f"Request entity too large: limit is {_MAX_REQUEST}" if size > _MAX_REQUEST else "etcdserver: request is too large"
        yield finding(resource, (), "too-large", "error", words, hint=f"it has {size} bytes as JSON", field="(the whole object)")
    version = resource.api_version
    if version not in SERVED:
        words = f'no matches for kind "{resource.kind}" in version "{version}"'
        yield finding(resource, ("apiVersion",), "api-version", "error", words, hint=f"use {next(iter(SERVED))}")
        return
    first, end = SERVED[version]
    newest = int(NEWEST.split(".")[1])
    served = [one for one in range(first, newest + 1) if not end or one < end]
    if minor not in served:
        words = f'no matches for kind "{resource.kind}" in version "{version}": it is served by Kubernetes {served_words(version)}'
        missing = [one for one in range(served[0], newest + 1) if one not in served] or list(range(minor, served[0]))
        yield finding(resource, ("apiVersion",), "api-version", "error", words, releases=missing, hint="" if minor < first else f"use {next(iter(SERVED))}")
        minor = min(served, key=lambda one: abs(one - minor))
    by_release = {one: _errors(resource, one) for one in served}
    refusing: dict[tuple[Steps, str], list[int]] = {}
    for one, errors in by_release.items():
        for error in errors:
            releases = refusing.setdefault((error.steps, error.check), [])
            if one not in releases:
                releases.append(one)
    for error in by_release[minor]:
        yield _refusal(resource, error, "error", refusing[error.steps, error.check])
    told = {(error.steps, error.check) for error in by_release[minor]}
    for one in reversed(served):
        for error in by_release[one]:
            if (error.steps, error.check) not in told:
                told.add((error.steps, error.check))
                yield _refusal(resource, error, "note", refusing[error.steps, error.check])


def _errors(resource: Resource, minor: int) -> list[FieldError]:
    decoded = decode(resource.object, minor)
    validate = policy_errors if resource.kind == "ValidatingAdmissionPolicy" else binding_errors
    # A field of the wrong type is left out of what is validated: that something is missing there is no finding of its own.
    wrong: set[Steps] = {one.steps for one in decoded.errors if one.check == "wrong-type"}
    if not wrong.isdisjoint(_EITHER):
        wrong |= _EITHER
    return [*decoded.errors, *(one for one in validate(decoded.value, minor) if not any(one.steps[: len(steps)] == steps for steps in wrong))]


def _refusal(resource: Resource, error: FieldError, severity: str, releases: Sequence[int]) -> Finding:
    hint = error.hint or next((hint for words, hint in _HINTS.items() if error.body.endswith(words)), "")
    if error.check == "limitation":
        return finding(resource, error.steps, error.check, "warning", f"not checked: {error.body}", field=error.field)
    return finding(resource, error.steps, error.check, severity, error.body, field=error.field, releases=releases, hint=hint)

"""What lint finds, and the findings that are refusals: of the target release, or of other releases that serve the version."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from hostprocess.cel.runtime import NEWEST
from hostprocess.kubernetes.location import locate
from hostprocess.model import Resource
from hostprocess.policy_lint.field_errors import FieldError, Steps, field_path
from hostprocess.policy_lint.structure import SERVED, decode, served_words
from hostprocess.policy_lint.validation import binding_errors, policy_errors

__all__ = ["Finding", "finding", "refusals", "release_words"]

_HINTS = {"must evaluate to bool but got dyn": "compare it, as in `… == true`", "must evaluate to string but got dyn": "convert it with string(…)"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding. `check` is its stable name; `severity` is `error` (the target release refuses the object), `warning` or `note`; `field` the path.

    `releases` are the Kubernetes releases that refuse the object for this, as `major.minor`; `hint` says what to do.
    """

    check: str
    severity: str
    message: str
    path: str
    line: int
    column: int
    field: str = ""
    resource: str = ""
    releases: tuple[str, ...] = ()
    hint: str = ""
    steps: Steps = ()


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


def release_words(releases: Sequence[str]) -> str:
    """`1.28 to 1.31, 1.36 and newer`."""
    minors = [int(one.split(".")[1]) for one in releases]
    runs: list[list[int]] = []
    for minor in minors:
        if runs and runs[-1][-1] == minor - 1:
            runs[-1].append(minor)
        else:
            runs.append([minor])
    newest = int(NEWEST.split(".")[1])
    return ", ".join(_run(run, newest) for run in runs)


def _run(run: Iterable[int], newest: int) -> str:
    first, *rest = run
    last = rest[-1] if rest else first
    if last == newest:
        return f"1.{first} and newer" if rest else f"1.{first}"
    return f"1.{first} to 1.{last}" if rest else f"1.{first}"


def _errors(resource: Resource, minor: int) -> list[FieldError]:
    decoded = decode(resource.object, minor)
    validate = policy_errors if resource.kind == "ValidatingAdmissionPolicy" else binding_errors
    return [*decoded.errors, *validate(decoded.value, minor)]


def _refusal(resource: Resource, error: FieldError, severity: str, releases: Sequence[int]) -> Finding:
    hint = error.hint or next((hint for words, hint in _HINTS.items() if error.body.endswith(words)), "")
    if error.check == "limitation":
        return finding(resource, error.steps, error.check, "warning", f"not checked: {error.body}", field=error.field)
    return finding(resource, error.steps, error.check, severity, error.body, field=error.field, releases=releases, hint=hint)

"""Lint of policies and bindings: refusals, type faults and advice together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from hostprocess.admission import check_definition
from hostprocess.cel.runtime import NEWEST
from hostprocess.errors import InputError, PolicyError, UsageError, suggestion
from hostprocess.kubernetes.definitions import DEFINITION, definition_faults
from hostprocess.model import InputProblem, Resource
from hostprocess.policy import check_kind, other_policy
from hostprocess.policy_lint.advice import advice
from hostprocess.policy_lint.bindings import binding_advice
from hostprocess.policy_lint.built_in_kinds import built_in_schemas
from hostprocess.policy_lint.findings import finding, refusals
from hostprocess.policy_lint.kinds_matched import matched_kinds, shown_kinds
from hostprocess.policy_lint.places import expression_place
from hostprocess.policy_lint.policy_types import PolicyCheck, TypeFault, type_check, type_faults
from hostprocess.policy_lint.report import Finding, LintReport
from hostprocess.policy_lint.schemas import OBJECT_META, Schemas, custom_schemas, message
from hostprocess.policy_lint.status import expression_warnings
from hostprocess.policy_lint.structure import FIRST, decode

__all__ = ["BINDING", "POLICY", "lint_read", "lint_resources"]

POLICY = "ValidatingAdmissionPolicy"
BINDING = "ValidatingAdmissionPolicyBinding"
_ORDER = {"error": 0, "warning": 1, "note": 2}

JSONObject = Mapping[str, Any]


def lint_read(
    read: Iterable[Resource | InputProblem], inventory: Iterable[JSONObject], kubernetes: str = "", where: str = "", type_checking: bool = False
) -> LintReport:
    """Lints what was read, from `where`; see `hostprocess.lint_policies`. Raises `UsageError` for a release that is not known."""
    newest = int(NEWEST.split(".")[1])
    major, _, minor = (kubernetes or NEWEST).partition(".")
    if major != "1" or not minor.isdigit() or not FIRST <= int(minor) <= newest:
        raise UsageError(f"Kubernetes {kubernetes} is not known; there are 1.{FIRST} to {NEWEST}")
    resources: list[Resource] = []
    problems: list[InputProblem] = []
    unused: list[InputProblem] = []
    for one in read:
        if isinstance(one, InputProblem):
            problems.append(one)
        elif one.kind in (POLICY, BINDING):
            resources.append(one)
        else:
            try:
                check_kind(one)
                if one.kind == DEFINITION:  # nothing else says anything of policies
                    resources.append(one)
            except PolicyError as error:
                problems.append(InputProblem(path=error.path, message=error.message, line=error.line, column=error.column))
                continue
            if note := other_policy(one):
                unused.append(note)
            try:
                check_definition(one)
            except InputError as error:
                problems.append(InputProblem(path=error.path, message=error.message, line=error.line, column=error.column))
    problems += unused
    if all(one.note for one in problems) and not any(one.kind in (POLICY, BINDING) for one in resources):
        problems = [replace(one, note=one not in unused) for one in problems]
        if not unused:
            problems.append(InputProblem(path=where, message=f"holds no {POLICY} or {BINDING}, nor is it a rule pack (a folder with pack.yaml)"))
    return LintReport(tuple(lint_resources(resources, inventory, int(minor), type_checking=type_checking)), tuple(problems))


def lint_resources(resources: Iterable[Resource], inventory: Iterable[JSONObject], minor: int, *, type_checking: bool = False) -> list[Finding]:
    """Findings about the policies and bindings among `resources`, for Kubernetes 1.`minor`, in the order of their places.

    Bindings, policies and CustomResourceDefinitions of the `inventory` are known too, but not judged. `type_checking` adds, as notes, what the
    cluster would write to `status.typeChecking` of the policies.
    """
    judged = [one for one in resources if one.kind in (POLICY, BINDING)]
    others = [*inventory, *(one.object for one in resources if one.kind not in (POLICY, BINDING))]
    schemas = _schemas(others, minor)
    found: list[Finding] = list(binding_advice(judged, others, f"1.{minor}"))
    for resource in judged:
        refused = list(refusals(resource, minor))
        found += refused
        if resource.kind == POLICY:
            found += _typed_findings_or_limit(resource, schemas, minor, refused)
            found += _status_findings(resource, minor) if type_checking else ()
    return sorted(_without_repetition(found), key=lambda one: (one.path, one.line, one.column, _ORDER[one.severity], one.check))


def _schemas(objects: Sequence[JSONObject], minor: int) -> Schemas:
    built_in = built_in_schemas(minor)
    definitions = [one for one in objects if one.get("kind") == DEFINITION and not any(definition_faults(one))]
    return built_in.joined(custom_schemas(definitions, message(OBJECT_META))) if definitions else built_in


def _typed_findings_or_limit(resource: Resource, schemas: Schemas, minor: int, refused: Sequence[Finding]) -> list[Finding]:
    try:
        return list(_typed_findings(resource, schemas, minor, refused))
    except RecursionError:
        words = "not checked against the kinds that it matches: an expression is nested too deeply for this package"
        return [finding(resource, ("spec",), "limitation", "warning", words)]


def _typed_findings(resource: Resource, schemas: Schemas, minor: int, refused: Sequence[Finding]) -> Iterator[Finding]:
    spec = decode(resource.object, minor).value.get("spec") or {}
    broken = {one.steps for one in refused if one.severity == "error"}
    matched = matched_kinds(spec.get("matchConstraints") or {}, schemas.resources)
    checked = type_check(spec, matched, schemas)
    for fault in type_faults(checked):
        if fault.expression.steps not in broken:
            yield _typed_finding(resource, fault)
    yield from advice(resource, spec, _unbroken(checked, broken), matched, schemas, minor, broken)


def _status_findings(resource: Resource, minor: int) -> Iterator[Finding]:
    for one in expression_warnings(decode(resource.object, minor).value.get("spec") or {}, minor):
        yield finding(resource, one.steps, "type-checking", "note", one.warning.rstrip(), hint="the cluster writes this to status.typeChecking")


def _unbroken(checked: PolicyCheck, broken: set[tuple[str | int, ...]]) -> PolicyCheck:
    return PolicyCheck(tuple(one for one in checked.typed if one.expression.steps not in broken), checked.telling)


def _typed_finding(resource: Resource, found: TypeFault) -> Finding:
    fault, expression = found.fault, found.expression
    kinds = shown_kinds(found.kinds)
    if found.root in ("params", "request", "namespaceObject"):
        words = f"{fault.message} in {found.root}" if fault.field else fault.message
    else:
        words = f"{fault.message} in {kinds}" if fault.field else f"{fault.message}, for {kinds}"
    if fault.presence:
        words += ", so it is never there"
    check = "undefined-field" if fault.field else "type-mismatch"
    hint = suggestion(fault.field, fault.known).removeprefix("; ") if fault.field else ""
    line, column = found.parsed.place(fault.node)
    words = f"{words} (<input>:{line}:{column})"
    made = finding(resource, expression.steps, check, "warning", words, hint=hint)
    place = expression_place(resource, expression.steps, expression.text, line, column)
    return replace(made, line=place[0], column=place[1])


def _without_repetition(found: Iterable[Finding]) -> list[Finding]:
    return list(dict.fromkeys(found))

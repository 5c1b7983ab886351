"""The JSON report: one object, held by schemas/report.schema.json. Results are written one by one."""

from __future__ import annotations

from typing import Any, TextIO

from hostprocess.model import ExceptedBy, InputProblem, Outcome, Report, Result
from hostprocess.report.findings import json_text

__all__ = ["error_record", "head_of", "record", "write"]


def write(report: Report, stream: TextIO, *, color: bool = False, quiet: bool = False) -> None:
    """Writes the report; `color` and `quiet` mean nothing here."""
    stream.write(json_text(head_of(report), 2).removesuffix("\n}"))
    stream.write(',\n  "results": [')
    separator = "\n"
    for result in report.results:
        stream.write(f"{separator}    {json_text(record(result))}")
        separator = ",\n"
    stream.write("\n  ]" if separator != "\n" else "]")
    errors = [error_record(problem) for problem in report.problems if not problem.note]
    stream.write(f',\n  "errors": {json_text(errors)}\n}}\n')


def head_of(report: Report) -> dict[str, Any]:
    """The versions and the counts."""
    return {
        "version": 1,
        "tool": {"name": "hostprocess", "version": report.version, "pack": report.pack_version},
        "targets": {"kubernetes": report.targets.kubernetes, "containerd": report.targets.containerd},
        "summary": {
            **{str(outcome): report.summary.outcomes.get(outcome, 0) for outcome in Outcome},
            "resources": report.summary.resources,
            "requests": report.summary.requests,
            "errors": report.summary.errors,
        },
    }


def record(result: Result) -> dict[str, Any]:
    """One result, as it stands in the list `results`."""
    decision = result.decision
    return {
        "source": {"path": result.path, "line": result.line, "column": result.column, "document": result.document},
        "resource": {"apiVersion": result.api_version, "kind": result.kind, "namespace": result.namespace, "name": result.name},
        "operation": result.operation,
        "policy": decision.policy,
        "binding": decision.binding,
        "rule": decision.rule,
        "outcome": decision.outcome,
        "actions": list(decision.actions),
        "message": decision.message,
        "reason": decision.reason,
        "code": decision.code,
        "warnings": list(decision.warnings),
        "auditAnnotations": dict(decision.audit_annotations),
        "field": decision.fields[0] if decision.fields else "",
        "fields": list(decision.fields),
        **({"exception": _exception(decision.excepted_by)} if decision.excepted_by else {}),
    }


def _exception(one: ExceptedBy) -> dict[str, Any]:
    finding = one.finding
    return {
        "by": one.by,
        "reason": one.reason,
        "owner": one.owner,
        "ticket": one.ticket,
        "expires": one.expires,
        "expired": one.expired,
        "path": one.path,
        "line": one.line,
        **({"outcome": finding.outcome, "actions": list(finding.actions)} if finding else {}),
    }


def error_record(problem: InputProblem) -> dict[str, Any]:
    """One problem of the input, as it stands in the list `errors`."""
    return {"path": problem.path, "line": problem.line, "column": problem.column, "message": problem.message}

"""The JSON report: one object, held by schemas/report.schema.json. Results are written one by one."""

from __future__ import annotations

import json
from typing import Any, TextIO

from hostprocess.model import Outcome, Report, Result

__all__ = ["write"]


def write(report: Report, stream: TextIO, *, color: bool = False, quiet: bool = False) -> None:
    """Writes the report; `color` and `quiet` mean nothing here."""
    head = {
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
    stream.write(json.dumps(head, indent=2).removesuffix("\n}"))
    stream.write(',\n  "results": [')
    separator = "\n"
    for result in report.results:
        stream.write(f"{separator}    {json.dumps(_result(result))}")
        separator = ",\n"
    stream.write("\n  ]" if separator != "\n" else "]")
    errors = [
        {"path": problem.path, "line": problem.line, "column": problem.column, "message": problem.message} for problem in report.problems if not problem.note
    ]
    stream.write(f',\n  "errors": {json.dumps(errors)}\n}}\n')


def _result(result: Result) -> dict[str, Any]:
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
    }

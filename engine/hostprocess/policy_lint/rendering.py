"""Findings as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from hostprocess.policy_lint.findings import Finding, release_words

__all__ = ["as_json", "as_text"]


def as_text(findings: Sequence[Finding]) -> Iterator[str]:
    """One finding after the other, with a summary at the end."""
    for one in findings:
        first, *rest = f"{one.field}: {one.message}".splitlines()
        yield f"{one.path}:{one.line}:{one.column}: {one.severity} {one.check}: {one.resource}: {first}"
        yield from (f"    {line}" for line in rest)
        if one.hint:
            yield f"    {one.hint}"
        if one.releases:
            yield f"    refused by Kubernetes {release_words(one.releases)}"
    counts = [(kind, sum(one.severity == kind for one in findings)) for kind in ("error", "warning", "note")]
    yield ", ".join(f"{count} {kind}{'' if count == 1 else 's'}" for kind, count in counts)


def as_json(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Findings as JSON objects; `releases` are those that refuse the object for it."""
    return [
        {
            "check": one.check,
            "severity": one.severity,
            "path": one.path,
            "line": one.line,
            "column": one.column,
            "resource": one.resource,
            "field": one.field,
            "message": one.message,
            "hint": one.hint,
            "releases": list(one.releases),
        }
        for one in findings
    ]

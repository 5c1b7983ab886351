"""The code quality report of GitLab: findings at the lines of a merge request."""

from __future__ import annotations

from itertools import chain
from typing import Any, TextIO

from hostprocess.model import InputProblem, Report
from hostprocess.report.findings import Finding, Fingerprints, clipped, errors, findings, from_root, how_to_fix, json_text, one_line, versions
from hostprocess.report.text import printable

__all__ = ["write"]

_SEVERITIES = {"error": "critical", "warning": "minor", "note": "info"}


def write(report: Report, stream: TextIO, *, color: bool = False, quiet: bool = False) -> None:
    """Writes a list with an issue for each finding; `color` and `quiet` mean nothing here. What is excepted stays visible, as information."""
    # A list has no place for them but its elements.
    engine = printable(", ".join(f"{name} {version}" for name, version in versions(report).items()))
    name = Fingerprints()
    separator = "[\n"
    unread = (_unread(problem, name.of("input", problem.path, problem.message)) for problem in errors(report))
    for issue in chain(unread, (_issue(finding, name(finding)) for finding in findings(report))):
        stream.write(separator + json_text({**issue, "engine_name": engine}))
        separator = ",\n"
    stream.write("[]\n" if separator == "[\n" else "\n]\n")


def _issue(finding: Finding, fingerprint: str) -> dict[str, Any]:
    fix = how_to_fix(finding.about)
    told = f"{finding.object}: {finding.message}"
    return {
        "type": "issue",
        "check_name": finding.rule,
        "description": _line(f"excepted by {finding.excepted}: {told}" if finding.excepted else told),
        "categories": ["Security" if finding.about.group in ("access", "least-privilege") else "Bug Risk"],
        "severity": "info" if finding.excepted else _SEVERITIES[finding.level],
        "fingerprint": fingerprint,
        "location": {"path": _path(finding.result.path), "lines": {"begin": finding.result.line or 1}},
        **({"content": {"body": fix[0]}} if fix else {}),
    }


def _unread(problem: InputProblem, fingerprint: str) -> dict[str, Any]:
    return {
        "type": "issue",
        "check_name": "input",
        "description": _line(problem.message),
        "categories": ["Bug Risk"],
        "severity": "blocker",
        "fingerprint": fingerprint,
        "location": {"path": _path(problem.path), "lines": {"begin": problem.line or 1}},
    }


def _line(text: str) -> str:
    return " ".join(clipped(text).split("\n"))


def _path(path: str) -> str:
    return one_line(from_root(path)) or "input"

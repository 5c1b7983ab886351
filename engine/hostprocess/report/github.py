"""Workflow commands of GitHub Actions: annotations at the lines of a pull request."""

from __future__ import annotations

from collections import Counter
from typing import TextIO

from hostprocess.model import CLUSTER, InputProblem, Report
from hostprocess.report.findings import LEVELS, Finding, clipped, errors, findings, from_root, how_to_fix, versions
from hostprocess.report.text import printable

__all__ = ["write"]

_COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}
_MOST = 10  # of each level and step; GitHub shows no more
_MAX_MESSAGE = 4_000


def write(report: Report, stream: TextIO, *, color: bool = False, quiet: bool = False) -> None:
    """Writes a command for each finding, but no more than GitHub shows, and unless `quiet` a line for the log with counts and versions."""
    totals = Counter(finding.level for finding in findings(report) if not finding.excepted)
    excepted = sum(bool(finding.excepted) for finding in findings(report))
    unread = errors(report)
    totals["error"] += len(unread)
    written = Counter[str]()

    def tell(level: str, command: str) -> None:
        written[level] += 1
        if written[level] < _MOST or totals[level] == _MOST:
            stream.write(command)
        elif written[level] == _MOST:
            more = totals[level] - _MOST + 1
            stream.write(_command(level, f"{more:,} more of this level are in the log and in the other reports", title="hostprocess"))

    for problem in unread:
        tell("error", _unread(problem))
    for finding in findings(report):
        if not finding.excepted:
            tell(finding.level, _annotation(finding))
    if not quiet:
        counts = [f"{totals[level]:,} {level if totals[level] == 1 else level + 's'}" for level in LEVELS if totals[level]]
        counts += [f"{excepted:,} excepted"] if excepted else []
        about = ", ".join(f"{name} {version}" for name, version in versions(report).items())
        stream.write(printable(f"annotations: {', '.join(counts) or 'none'} ({about})") + "\n")


def _annotation(finding: Finding) -> str:
    result = finding.result
    fix = how_to_fix(finding.about)
    lines = [f"{finding.object}: {finding.message}", *([f"How to fix it: {fix[0]}"] if fix else [])]
    return _command(finding.level, "\n".join(lines), result.path, result.line, result.column, title=finding.rule)


def _unread(problem: InputProblem) -> str:
    return _command("error", problem.message, problem.path, problem.line, problem.column, title="cannot be read")


def _command(level: str, message: str, path: str = "", line: int = 0, column: int = 0, *, title: str) -> str:
    given = {"file": "" if path.startswith(("<", CLUSTER)) else from_root(path), "line": str(line or ""), "col": str(column or ""), "title": title}
    properties = ",".join(f"{name}={_property(printable(value))}" for name, value in given.items() if value)
    return f"::{_COMMANDS[level]} {properties}::{_data(clipped(message, _MAX_MESSAGE))}\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")

"""Markdown, for job summaries and comments on pull requests: the gravest findings first, in tables, no longer than services take."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterator
from typing import TextIO

from hostprocess.model import InputProblem, Outcome, Report
from hostprocess.report.findings import LEVELS, About, Finding, clipped, errors, findings, how_to_fix, versions
from hostprocess.report.text import printable

__all__ = ["write"]

_MOST = 200  # findings, and as many errors: GitHub refuses job summaries of more than 1 MiB
_MAX_CODE = 200
_SPECIAL = re.compile(r"[\\`*_\[\]#!|~<>&:@$^]|\.(?=\S)")  # the last begins links: www.x.y
_COUNTED = (Outcome.DENY, Outcome.ERROR, Outcome.UNKNOWN, Outcome.WARN, Outcome.AUDIT, Outcome.EXCEPTED)


def write(report: Report, stream: TextIO, *, color: bool = False, quiet: bool = False) -> None:
    """Writes the report; `color` and `quiet` mean nothing here."""
    unread = errors(report)
    verdict = "cannot read all of its input" if unread else "found what must be mended" if report.failed else "found nothing that must be mended"
    stream.write(f"## hostprocess {verdict}\n\n")
    counts = [f"{report.summary.outcomes[outcome]:,} {outcome}" for outcome in _COUNTED if report.summary.outcomes.get(outcome)]
    if unread:
        counts.append(f"{len(unread):,} {'error' if len(unread) == 1 else 'errors'} in the input")
    stream.write(f"{report.summary.resources:,} resources, {report.summary.requests:,} judged: {', '.join(counts) or 'no findings'}.\n")
    shown = heapq.nsmallest(_MOST, findings(report), key=_rank)
    for about, group in _by_rule(shown):
        stream.writelines(_section(about, group))
    if excepted := [finding for finding in shown if finding.excepted]:
        stream.write("\n### Excepted\n\n| place | object | rule | by |\n|---|---|---|---|\n")
        stream.writelines(_row(_code(one.place), _code(one.object), _code(one.rule), _code(one.excepted)) for one in excepted)
    if unread:
        stream.write("\n### Not read\n\n| place | problem |\n|---|---|\n")
        stream.writelines(_row(_code(_place(one)), _code(one.message)) for one in unread[:_MOST])
    if left := max(len(unread) - _MOST, 0) + sum(1 for _ in findings(report)) - len(shown):
        stream.write(f"\n{left:,} more are in the log and in the other reports.\n")
    made_by = ", ".join(f"{name} {_escaped(version)}" for name, version in versions(report).items())
    stream.write(f"\n<sub>{made_by}</sub>\n")


def _rank(finding: Finding) -> tuple[bool, bool, int]:
    return bool(finding.excepted), not finding.fails, LEVELS.index(finding.level)


def _by_rule(shown: list[Finding]) -> Iterator[tuple[About, list[Finding]]]:
    """The findings that count, a rule at a time, that of the gravest first."""
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in shown:
        if not finding.excepted:
            groups.setdefault((finding.about.id, finding.level), []).append(finding)
    yield from ((group[0].about, group) for group in groups.values())


def _section(about: About, group: list[Finding]) -> Iterator[str]:
    yield f"\n### {group[0].level}: {_escaped(about.title)}\n\n"
    rule = f"Rule {_code(group[0].rule)}." if about.rule else f"Validation {_code(group[0].rule)}."
    fix = how_to_fix(about)
    yield f"{rule} {_escaped(fix[0])}\n\n" if fix else f"{rule}\n\n"
    yield "| place | object | message |\n|---|---|---|\n"
    yield from (_row(_code(one.place), _code(one.object), _message(one)) for one in group)


def _message(finding: Finding) -> str:
    fields = finding.fields
    more = f" and {len(fields) - 1:,} more" if len(fields) > 1 else ""
    told = "" if finding.message == finding.about.title else _code(finding.message)
    return "<br>".join(filter(None, [told, f"at {_code(fields[0])}{more}" if fields else ""])) or " "


def _place(problem: InputProblem) -> str:
    return ":".join(str(part) for part in (problem.path, problem.line, problem.column) if part) or "input"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |\n"


def _code(text: str) -> str:
    """Text of a manifest as a code span of a table: nothing in it is markup, a mention or a link."""
    text = printable(" ".join(clipped(text, _MAX_CODE).split("\n")))
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    pad = " " if text.startswith(("`", " ")) or text.endswith(("`", " ")) or not text.strip() else ""
    # A pipe would end the cell, in a code span too; there is no other way to write a backslash before one.
    text = re.sub(r"\\*\|", lambda found: found[0].replace("\\", "/").replace("|", "\\|"), text)
    return f"{fence}{pad}{text}{pad}{fence}" if text else " "


def _escaped(text: str) -> str:
    """Text of a rule as prose."""
    return _SPECIAL.sub(lambda found: f"&#{ord(found[0])};" if found[0] in "@<>&|" else f"\\{found[0]}", printable(" ".join(text.split())))

"""SARIF 2.1.0, for code scanning: findings with the metadata of their rules, suppressed where an exception covers them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePath
from typing import Any, TextIO
from urllib.parse import quote

from hostprocess.model import CLUSTER, InputProblem, Report, Result
from hostprocess.report.findings import (
    About,
    Finding,
    Fingerprints,
    about,
    clipped,
    errors,
    findings,
    from_root,
    how_to_fix,
    json_text,
    lines_of,
    one_line,
    versions,
)
from hostprocess.report.text import printable

__all__ = ["uri", "write"]

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_ROOT = "%SRCROOT%"
_PRECISION = {"apiserver": "very-high", "code": "very-high", "documented": "high"}
_PROBLEM = {"error": "error", "warning": "warning", "note": "recommendation"}
_LINK = re.compile(r"\[([^\[\]]*)\]\(")  # in a message this would become a link


def write(report: Report, stream: TextIO, *, color: bool = False, quiet: bool = False) -> None:
    """Writes the report, result by result; `color` and `quiet` mean nothing here."""
    known = about(report)
    used = {finding.about.id: finding.about for finding in findings(report)}
    rules = list({**known, **used}.values())
    indices = {rule.id: index for index, rule in enumerate(rules)}
    excepted = any(finding.excepted for finding in findings(report))
    head = {
        "tool": _tool(report, rules),
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_ROOT: {"description": {"text": "The root of the repository, or the folder that the command was run in."}}},
        "properties": {"versions": versions(report)},
        "invocations": [_invocation(report)],
    }
    name = Fingerprints()
    opened = json_text(head, 1).removesuffix("\n}")
    stream.write(f'{{\n"$schema": "{_SCHEMA}",\n"version": "2.1.0",\n"runs": [{opened},\n "results": [')
    separator = "\n"
    for finding in findings(report):
        stream.write(f"{separator}  {json_text(_result(finding, indices[finding.about.id], name(finding), excepted))}")
        separator = ",\n"
    stream.write("\n ]\n}]\n}\n")


def _tool(report: Report, rules: Iterable[About]) -> dict[str, Any]:
    driver = {"name": "hostprocess", "version": report.version, "rules": [_rule(rule) for rule in rules]}
    packs = [one.rpartition(" ") for one in report.pack_version.split(", ") if one]
    extensions = [{"name": f"rule pack {name}", "version": version} for name, _, version in packs]
    return {"driver": driver, **({"extensions": extensions} if extensions else {})}


def _rule(one: About) -> dict[str, Any]:
    rule = one.rule
    fix = how_to_fix(one)
    parts = [rule.rationale if rule else f"The expression that must be true: {one.expression}" if one.expression else one.title]
    if fix:
        parts.append(f"How to fix it: {fix[0]}" + "".join(f"\n    {step}" for step in fix[1:]))
    if rule and rule.references:
        parts.append("See:\n" + "\n".join(rule.references))
    found: dict[str, Any] = {
        "id": one_line(one.id) or "policy",
        "shortDescription": {"text": _plain(one.title)},
        "fullDescription": {"text": _plain(parts[0])},
        "help": {"text": _plain("\n\n".join(parts))},
        "defaultConfiguration": {"level": one.level},
        "properties": {"problem.severity": _PROBLEM[one.level], "tags": ["kubernetes", *(["windows", rule.bundle] if rule else [])]},
    }
    if rule:
        found["properties"]["precision"] = _PRECISION[rule.evidence]
        if links := [one for one in rule.references if one.startswith("https://")]:
            found["helpUri"] = links[0]
    return found


def _result(finding: Finding, index: int, fingerprint: str, excepted: bool) -> dict[str, Any]:
    result = finding.result
    fields, where = finding.fields, finding.object
    found: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": index,
        "level": finding.level,
        "message": {"text": _plain(f"{where}: {finding.message}" + (f" (at {', '.join(fields)})" if fields else ""))},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": _artifact(result.path),
                    **_region(result),
                    **_context(lines_of(result)),
                },
                "logicalLocations": [{"fullyQualifiedName": f"{where}/{fields[0]}" if fields else where, "kind": "resource"}],
            }
        ],
        "partialFingerprints": {"hostprocess/v1": fingerprint},
        "properties": {
            "outcome": finding.decision.outcome,
            "policy": one_line(finding.decision.policy),
            "binding": one_line(finding.decision.binding),
            "fields": fields,
        },
    }
    if excepted:
        found["suppressions"] = [_suppression(finding)] if finding.excepted else []
    return found


def _region(result: Result) -> dict[str, Any]:
    if not result.line:
        return {}
    return {"region": {"startLine": result.line, "startColumn": result.column, "snippet": {"text": printable(result.excerpt)}}}


def _context(lines: list[tuple[int, str]]) -> dict[str, Any]:
    if len(lines) < 2:
        return {}
    return {"contextRegion": {"startLine": lines[0][0], "endLine": lines[-1][0], "snippet": {"text": "\n".join(line for _, line in lines)}}}


def _suppression(finding: Finding) -> dict[str, Any]:
    by = finding.result.decision.excepted_by
    kind = "inSource" if by and by.by == "annotation" else "external"
    return {"kind": kind, "status": "accepted", "justification": finding.excepted}


def _invocation(report: Report) -> dict[str, Any]:
    told = [_notification(problem) for problem in report.problems]
    return {"executionSuccessful": not errors(report), **({"toolExecutionNotifications": told} if told else {})}


def _notification(problem: InputProblem) -> dict[str, Any]:
    found: dict[str, Any] = {"level": "note" if problem.note else "error", "message": {"text": _plain(clipped(problem.message))}}
    if problem.path:
        region = {"startLine": problem.line, **({"startColumn": problem.column} if problem.column else {})}
        where = {"artifactLocation": _artifact(problem.path), **({"region": region} if problem.line else {})}
        found["locations"] = [{"physicalLocation": where}]
    return found


def _plain(text: str) -> str:
    """Text for a message, which is read for links."""
    return _LINK.sub(r"\\[\1\\](", clipped(text))


def _artifact(path: str) -> dict[str, str]:
    found = uri(path)
    return {"uri": found} if ":" in found.partition("/")[0] else {"uri": found, "uriBaseId": _ROOT}


def uri(path: str) -> str:
    """A file as a URI, which is relative where it lies in the repository."""
    path = from_root(path)
    if path.startswith(CLUSTER):
        return CLUSTER + quote(_encoded(path.removeprefix(CLUSTER)))
    if not PurePath(path).is_absolute():
        return quote(_encoded(path))
    return f"file://{'' if path.startswith('/') else '/'}{quote(_encoded(path), safe='/:')}"


def _encoded(path: str) -> bytes:
    try:
        return path.encode(errors="surrogateescape")  # names on disk that are no UTF-8
    except UnicodeEncodeError:
        return path.encode(errors="surrogatepass")

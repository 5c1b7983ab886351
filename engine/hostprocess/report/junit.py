"""JUnit XML, for the test views of CI services: each finding is a test case of its rule, and each rule without one is a case that passed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import TextIO
from xml.sax.saxutils import escape, quoteattr

from hostprocess.model import InputProblem, Outcome, Report
from hostprocess.report.findings import Finding, about, clipped, errors, findings, how_to_fix, lines_of, one_line, versions

__all__ = ["write"]

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_UNDECIDED = (Outcome.ERROR, Outcome.UNKNOWN)


def write(report: Report, stream: TextIO, *, color: bool = False, quiet: bool = False) -> None:
    """Writes the report; `color` and `quiet` mean nothing here. What does not fail the run is a case that passed, with the finding as its output."""
    kinds, found, unread = Counter[str](), set[str](), errors(report)
    for finding in findings(report):
        kinds[_kind(finding)] += 1
        found.add(finding.about.id)
    clean = [one for name, one in about(report).items() if name not in found]
    counts = f'tests="{kinds.total() + len(clean)}" failures="{kinds["failure"]}" errors="{kinds["error"]}"'
    total = f'tests="{kinds.total() + len(clean) + len(unread)}" failures="{kinds["failure"]}" errors="{kinds["error"] + len(unread)}"'
    stream.write(f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="hostprocess" {total}>\n')
    stream.write(f'<testsuite name="hostprocess" {counts} skipped="{kinds["skipped"]}">\n<properties>\n')
    stream.writelines(f"<property name={_attribute(name)} value={_attribute(value)}/>\n" for name, value in versions(report).items())
    stream.write("</properties>\n")
    named = Counter[str]()
    for finding in findings(report):
        stream.write(_case(finding, named))
    stream.writelines(f'<testcase classname={_attribute(one.id)} name="no findings"/>\n' for one in clean)
    stream.write("</testsuite>\n")
    if unread:
        stream.write(f'<testsuite name="input" tests="{len(unread)}" failures="0" errors="{len(unread)}" skipped="0">\n')
        stream.writelines(map(_unread, unread))
        stream.write("</testsuite>\n")
    stream.write("</testsuites>\n")


def _kind(finding: Finding) -> str:
    if finding.excepted:
        return "skipped"
    if not finding.fails:
        return "system-out"
    return "error" if finding.decision.outcome in _UNDECIDED else "failure"


def _case(finding: Finding, named: Counter[str]) -> str:
    kind = _kind(finding)
    # Without the line: the history of a case goes on when it is moved.
    name = " ".join([finding.object, *finding.fields[:1], f"({one_line(finding.result.path)})"])
    named[f"{finding.rule} {name}"] += 1
    if (number := named[f"{finding.rule} {name}"]) > 1:
        name += f" {number}"
    head = f"<testcase classname={_attribute(finding.rule)} name={_attribute(name)}>"
    if kind == "skipped":
        return f"{head}<skipped message={_attribute(f'excepted by {finding.excepted}')}/></testcase>\n"
    body = "\n".join(_body(finding))
    if kind == "system-out":
        return f"{head}<system-out>{_text(f'{finding.decision.outcome}: {body}')}</system-out></testcase>\n"
    return f"{head}<{kind} type={_attribute(finding.decision.outcome)} message={_attribute(finding.message)}>{_text(body)}</{kind}></testcase>\n"


def _body(finding: Finding) -> Iterator[str]:
    yield finding.message
    yield f"{finding.place}: {finding.object}"
    yield from (f"at {field}" for field in finding.fields)
    if finding.result.excerpt.strip():
        yield from (f"{'>' if number == finding.result.line else ' '} {number:>5} | {line}" for number, line in lines_of(finding.result))
    if fix := how_to_fix(finding.about):
        yield f"How to fix it: {fix[0]}"
        yield from (f"    {step}" for step in fix[1:])


def _unread(problem: InputProblem) -> str:
    place = ":".join(map(str, filter(None, (problem.path, problem.line, problem.column)))) or "input"
    text = clipped(problem.message)
    return f'<testcase classname="input" name={_attribute(place)}><error type="input" message={_attribute(text)}>{_text(text)}</error></testcase>\n'


def _text(text: str) -> str:
    return _ascii(escape(_legal(text)))


def _attribute(text: str) -> str:
    return _ascii(quoteattr(_legal(clipped(text))))


def _legal(text: str) -> str:
    return _NOT_XML.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _ascii(text: str) -> str:
    """Standard output may have another encoding than the one that the head of the file names."""
    return text.encode("ascii", "xmlcharrefreplace").decode()

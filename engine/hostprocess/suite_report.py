"""What a run of suites came to, as text, JSON and JUnit."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any
from xml.etree import ElementTree

from hostprocess.errors import HostprocessError
from hostprocess.report.text import printable
from hostprocess.suite.session import CaseResult, FileResult, SuiteReport
from hostprocess.version import __version__

__all__ = ["as_json", "as_junit", "error_line", "failure_lines", "progress_line", "summary"]

_SIGNS = {"passed": ".", "failed": "F", "vacuous": "V"}
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def progress_line(file: FileResult, verbose: bool) -> Iterator[str]:
    """What is told of a file when it is done: a sign for each case, or a line if `verbose`."""
    if verbose:
        for one in file.results:
            yield printable(f"{one.id} {one.outcome.upper()}")
        for error in file.errors:
            yield printable(f"{file.path} ERROR: {error.message}")
    elif file.results or file.errors:
        yield printable(f"{file.path} {''.join(_SIGNS[one.outcome] for one in file.results)}{'E' * bool(file.errors)}")


def error_line(error: HostprocessError) -> str:
    """What is wrong with a suite."""
    return f"error: {printable(str(error))}"


def failure_lines(report: SuiteReport) -> Iterator[str]:
    """All there is to say of each case that failed."""
    for one in report.failures:
        yield ""
        yield from map(printable, one.text.splitlines())


def summary(report: SuiteReport) -> str:
    """One line: how many cases of each kind, and how long it took."""
    errors = len(report.errors)
    counts = [
        *((_count(report, outcome), outcome) for outcome in ("failed", "vacuous", "passed")),
        (report.deselected, "deselected"),
        (errors, "error" if errors == 1 else "errors"),
    ]
    return f"{', '.join(f'{count} {word}' for count, word in counts if count) or 'no case was run'} in {report.seconds:.2f} s"


def _count(report: SuiteReport, outcome: str) -> int:
    return sum(one.outcome == outcome for one in report.results)


def as_json(report: SuiteReport) -> str:
    """All of it."""
    value = {
        "version": __version__,
        "summary": {
            **{outcome: _count(report, outcome) for outcome in ("passed", "failed", "vacuous")},
            "deselected": report.deselected,
            "errors": len(report.errors),
            "seconds": round(report.seconds, 3),
        },
        "cases": [_case(one) for one in report.results],
        "errors": [{"path": one.path, "line": one.line, "column": one.column, "message": one.message} for one in report.errors],
    }
    return json.dumps(value, indent=2, ensure_ascii=False)


def _case(one: CaseResult) -> dict[str, Any]:
    return {
        "id": one.id,
        "path": one.path,
        "line": one.line,
        "suite": one.suite,
        "name": one.name,
        "outcome": one.outcome,
        "seconds": round(one.seconds, 6),
        **({} if one.passed else {"problems": list(one.problems), "text": one.text}),
    }


def as_junit(report: SuiteReport) -> str:
    """JUnit XML, of the form that pytest writes: one `testsuite` for each file."""
    top = ElementTree.Element("testsuites", {"name": "hostprocess", **_counts(report.results, report.errors)})
    for file in report.files:
        suite = ElementTree.SubElement(top, "testsuite", {"name": _xml(file.path), **_counts(file.results, file.errors)})
        for one in file.results:
            case = ElementTree.SubElement(
                suite, "testcase", classname=_xml(one.suite), name=_xml(one.name), file=_xml(one.path), line=str(one.line), time=f"{one.seconds:.6f}"
            )
            if not one.passed:
                failure = ElementTree.SubElement(case, "failure", message=_xml(one.problems[0]))
                failure.text = _xml(one.text)
                if one.vacuous:
                    failure.set("type", "vacuous")
        for error in file.errors:
            at = {"file": _xml(error.path or file.path), "line": str(error.line), "time": "0"}
            case = ElementTree.SubElement(suite, "testcase", {"classname": _xml(file.path), "name": "suite", **at})
            ElementTree.SubElement(case, "error", message=_xml(error.message)).text = _xml(str(error))
    ElementTree.indent(top)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(top, encoding="unicode") + "\n"


def _counts(results: Sequence[CaseResult], errors: Sequence[HostprocessError]) -> dict[str, str]:
    return {
        "tests": str(len(results) + len(errors)),
        "failures": str(sum(not one.passed for one in results)),
        "errors": str(len(errors)),
        "skipped": "0",
        "time": f"{sum(one.seconds for one in results):.6f}",
    }


def _xml(text: str) -> str:
    """Text that XML can hold: control characters are not of them."""
    return _NOT_XML.sub(lambda match: f"\\x{ord(match[0]):02x}", text)

"""Coverage on the command line: which reports go where, and whether it is enough."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hostprocess.errors import UsageError, suggestion

if TYPE_CHECKING:
    from hostprocess.coverage.model import Coverage

__all__ = ["FORMATS", "read_reports", "too_little", "with_coverage", "written"]

FORMATS = {"text": "", "json": "coverage.json", "lcov": "coverage.lcov"}
"""The reports and the files that they are written to unless another is named; the text goes to standard output."""


def read_reports(given: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of format and file of `FORMAT[=FILE]`. Raises `UsageError`."""
    found = []
    for one in given or ("text",):
        name, equals, file = one.partition("=")
        if name not in FORMATS:
            raise UsageError(f"--coverage-report: there is no format {name!r}{suggestion(name, FORMATS)}; there are {', '.join(FORMATS)}")
        if equals and not file:
            raise UsageError(f"--coverage-report {one}: the name of the file is missing")
        found.append((name, file or FORMATS[name]))
    return found


def written(coverage: Coverage, reports: Sequence[tuple[str, str]], *, color: bool) -> list[tuple[str, str]]:
    """Pairs of file and text; without a file it is for standard output."""
    from hostprocess.coverage_report import json_form, lcov, text  # of runs with coverage only

    made = []
    for name, file in reports:
        if name == "text":
            lines = text.text_lines(coverage, color=color and not file)
            made.append((file, "\n".join(lines) + "\n"))
        else:
            made.append((file, json_form.as_json(coverage) + "\n" if name == "json" else lcov.as_lcov(coverage)))
    return made


def with_coverage(report: str, coverage: Coverage) -> str:
    """The JSON report of a run with that of its coverage in it."""
    from hostprocess.coverage_report.json_form import as_value  # of runs with coverage only

    value: dict[str, Any] = json.loads(report)
    value["coverage"] = as_value(coverage)
    return json.dumps(value, indent=2, ensure_ascii=False)


def too_little(coverage: Coverage, wanted: float, option: str = "--fail-under") -> str:
    """Why the coverage does not do, empty if it does; `option` says what is wanted. Raises `UsageError` where nothing was counted."""
    from hostprocess.coverage.model import percent  # of runs with coverage only

    if not coverage.points:
        raise UsageError(f"{option}: nothing is there to be covered: no case asked a policy that counts; those of manifests judged by rules of a pack do not")
    if coverage.covered * 100 >= wanted * coverage.points:
        return ""
    share = f"{percent(coverage.covered, coverage.points):.1f} % ({coverage.covered} of {coverage.points})"
    partial = f", partial: {coverage.partial}" if coverage.partial else ""
    return f"total coverage is {share}{partial}: below the {wanted:g} % of {option}"

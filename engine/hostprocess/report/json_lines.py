"""JSON lines: what begins is a line of `type` run, then each result, each error, and a summary at last. Each line is whole, so any reader can stream."""

from __future__ import annotations

from typing import TextIO

from hostprocess.model import Report
from hostprocess.report.findings import json_text
from hostprocess.report.json_report import error_record, head_of, record

__all__ = ["write"]


def write(report: Report, stream: TextIO, *, color: bool = False, quiet: bool = False) -> None:
    """Writes the report line by line; `color` and `quiet` mean nothing here."""
    head = head_of(report)
    summary = head.pop("summary")
    stream.write(json_text({"type": "run", **head}) + "\n")
    for result in report.results:
        stream.write(json_text({"type": "result", **record(result)}) + "\n")
    for problem in report.problems:
        stream.write(json_text({"type": "note" if problem.note else "error", **error_record(problem)}) + "\n")
    stream.write(json_text({"type": "summary", **summary, "failed": report.failed}) + "\n")

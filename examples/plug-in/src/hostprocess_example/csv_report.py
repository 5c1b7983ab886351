"""A reporter: `--output csv` or `--output csv=FILE`, a line for each finding."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from typing import TextIO

from hostprocess import Report, hookimpl
from hostprocess.hookspecs import Reporter

COLUMNS = ("path", "line", "kind", "namespace", "name", "rule", "outcome", "message")


@hookimpl
def reporters() -> Mapping[str, Reporter]:
    """The formats of this plug-in by their name. A name that another plug-in gives is an error."""
    return {"csv": write}


def write(report: Report, stream: TextIO, *, color: bool, quiet: bool) -> None:
    """A report sees the `Report` and nothing else. Text from manifests is made harmless: spreadsheets run what begins like a formula."""
    rows = csv.writer(stream, lineterminator="\n")
    rows.writerow(COLUMNS)
    for one in report.results:
        found = one.decision
        values = (one.path, one.line, one.kind, one.namespace, one.name, found.rule, found.outcome, found.message)
        rows.writerow([f"'{value}" if str(value).startswith(("=", "+", "-", "@", "\t", "\r")) else value for value in values])

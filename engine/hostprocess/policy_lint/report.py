"""What lint finds, and how it is written as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hostprocess.cel.runtime import NEWEST
from hostprocess.model import InputProblem

__all__ = ["Finding", "LintReport", "release_words"]

_MAX_LINE, _MAX_START, _MAX_END = 1000, 600, 200  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding. `check` is its stable name; `severity` is `error` (the target release refuses the object), `warning` or `note`; `field` the path.

    `releases` are the Kubernetes releases that refuse the object for this, as `major.minor`; `hint` says what to do.
    """

    check: str
    severity: str
    message: str
    path: str
    line: int
    column: int
    field: str = ""
    resource: str = ""
    releases: tuple[str, ...] = ()
    hint: str = ""
    steps: tuple[str | int, ...] = ()


@dataclass(frozen=True, slots=True)
class LintReport:
    """The findings in the order of their places, and what could not be read."""

    findings: tuple[Finding, ...]
    problems: tuple[InputProblem, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether there is more than notes."""
        return any(one.severity != "note" for one in self.findings)

    def as_text(self) -> Iterator[str]:
        """Lines of text, with a summary at the end."""
        for one in self.findings:
            first, *rest = map(_shortened, f"{one.field}: {one.message}".splitlines())
            yield f"{one.path}:{one.line}:{one.column}: {one.severity} {one.check}: {one.resource}: {first}"
            yield from (f"    {line}" for line in rest)
            if one.hint:
                yield f"    {one.hint}"
            if one.releases:
                yield f"    refused by Kubernetes {release_words(one.releases)}"
        counts = [(kind, sum(one.severity == kind for one in self.findings)) for kind in ("error", "warning", "note")]
        unread = sum(not one.note for one in self.problems)
        words = [f"{count} {kind}{'' if count == 1 else 's'}" for kind, count in counts]
        yield ", ".join(words) + (f"; {unread} error{'' if unread == 1 else 's'} in the input" if unread else "")

    def as_json(self) -> list[dict[str, Any]]:
        """The findings as JSON objects; `releases` are those that refuse the object for it."""
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
            for one in self.findings
        ]


def _shortened(line: str) -> str:
    """A line that can be read at a terminal: the API server repeats expressions and values whole, up to a megabyte of them."""
    if len(line) <= _MAX_LINE:
        return line
    return f"{line[:_MAX_START]} … ({len(line) - _MAX_START - _MAX_END:,} characters) … {line[-_MAX_END:]}"


def release_words(releases: Sequence[str]) -> str:
    """`1.28 to 1.31, 1.36 and newer`."""
    minors = [int(one.split(".")[1]) for one in releases]
    runs: list[list[int]] = []
    for minor in minors:
        if runs and runs[-1][-1] == minor - 1:
            runs[-1].append(minor)
        else:
            runs.append([minor])
    newest = int(NEWEST.split(".")[1])
    return ", ".join(_run(run, newest) for run in runs)


def _run(run: Iterable[int], newest: int) -> str:
    first, *rest = run
    last = rest[-1] if rest else first
    if last == newest:
        return f"1.{first} and newer" if rest else f"1.{first}"
    return f"1.{first} to 1.{last}" if rest else f"1.{first}"

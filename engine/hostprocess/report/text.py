"""The text report: for people at a terminal and in logs."""

from __future__ import annotations

import re
import unicodedata
from typing import TextIO

from hostprocess.errors import place
from hostprocess.model import Outcome, Report, Result
from hostprocess.responses import FAILURES_KEY

__all__ = ["printable", "write"]

_COLOURS = {
    Outcome.DENY: "31;1",
    Outcome.WARN: "33;1",
    Outcome.AUDIT: "36;1",
    Outcome.ERROR: "31;1",
    Outcome.UNKNOWN: "35;1",
    Outcome.ALLOW: "32",
    Outcome.SKIP: "2",
    Outcome.EXCEPTED: "34",
}
_SHOWN_FIELDS = 3
# What makes a CI service take a line of a log for a command: `::name …::` at the start of one on GitHub, and `##[name]` anywhere in one; `##vso[` on Azure.
_COMMAND = re.compile(r"(?<=#)#(?=\w*\[)|\A(\s*):(?=:[A-Za-z])")


def write(report: Report, stream: TextIO, *, color: bool = False, quiet: bool = False) -> None:
    """Writes each result with its place and the line there, and a summary unless `quiet`."""
    told: set[str] = set()
    document: tuple[str, int] | None = None
    for result in report.results:
        if document != (result.path, result.document):
            document = (result.path, result.document)
            told.clear()
        text = _result(result, color)
        if text not in told:  # validations of one rule that lack the same look the same
            told.add(text)
            stream.write(text)
    if not quiet:
        stream.write(_summary(report, color))


def printable(text: str) -> str:
    """Text with control and formatting characters made visible, so that a manifest cannot write to a terminal what it likes, nor command the CI service
    that reads the log."""
    if not (text.isascii() and text.isprintable()):
        text = "".join(
            character if character == " " or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Zl", "Zp") else _escaped(character)
            for character in text
        )
    if "##" in text or "::" in text:
        text = _COMMAND.sub(lambda found: f"{found[1] or ''}\\x{ord(found[0][-1]):02x}", text)
    return text


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode() if ord(character) != 0x85 else "\\x85"


def _result(result: Result, color: bool) -> str:
    decision = result.decision
    name = f"{result.namespace}/{result.name}" if result.namespace else result.name or "(no name)"
    at = place(result.path, result.line, result.column).removesuffix(": ")
    outcome = _paint(decision.outcome, _COLOURS.get(decision.outcome, "0"), color)
    rule = _paint(printable(decision.rule or decision.policy), "1", color)
    lines = [f"{printable(at)}: {printable(f'{result.kind} {name}')}: {outcome} {rule}"]
    if decision.outcome is Outcome.EXCEPTED and decision.excepted_by:
        # In short: what is agreed on must not hide what is not.
        return f"{lines[0]}\n    {printable(decision.excepted_by.text)}\n\n"
    if decision.client_message or decision.message:
        # What kubectl prints of a foreign policy; a rule of a pack says more by its name.
        lines.append(f"    {printable(decision.client_message or decision.message)}")
    lines += [f"    audit {printable(key)}: {printable(value)}" for key, value in decision.audit_annotations.items() if key != FAILURES_KEY]
    if decision.fields:
        shown = ", ".join(decision.fields[:_SHOWN_FIELDS])
        more = len(decision.fields) - _SHOWN_FIELDS
        lines.append(f"    at {printable(shown)}" + (f" and {more} more" if more > 0 else ""))
    if result.excerpt.strip():
        lines.append(_paint(f"    {result.line:>5} | {printable(result.excerpt.expandtabs(4))}", "2", color))
    return "\n".join(lines) + "\n\n"


def _summary(report: Report, color: bool) -> str:
    summary, targets = report.summary, report.targets
    counts = [
        _paint(f"{summary.outcomes[outcome]:,} {outcome}", _COLOURS[outcome], color)
        for outcome in (Outcome.DENY, Outcome.ERROR, Outcome.UNKNOWN, Outcome.WARN, Outcome.AUDIT, Outcome.EXCEPTED)
        if summary.outcomes.get(outcome)
    ]
    if set(filter(summary.outcomes.get, summary.outcomes)) <= {Outcome.ALLOW, Outcome.SKIP, Outcome.EXCEPTED}:
        counts.insert(0, "no findings")
    findings = ", ".join(counts)
    text = f"{_count(summary.resources, 'resource')}, {summary.requests:,} judged: {findings}"
    if summary.errors:
        text += f"; {_count(summary.errors, 'error')} in the input"
    made_by = f"hostprocess {report.version}" + (f", pack {report.pack_version}" if report.pack_version else "")
    return f"{text} ({printable(made_by)}, Kubernetes {targets.kubernetes}, containerd {targets.containerd})\n"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun if number == 1 else noun + 's'}"


def _paint(text: str, colour: str, color: bool) -> str:
    return f"\x1b[{colour}m{text}\x1b[0m" if color else text

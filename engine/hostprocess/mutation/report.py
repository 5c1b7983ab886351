"""What a run of mutants came to, as text and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from hostprocess.mutation.model import Fate, FileReport, MutationReport, Result
from hostprocess.report.text import printable
from hostprocess.version import __version__

__all__ = ["as_json", "progress_line", "summary", "survivor_lines"]

_MAX_LINE = 150
_FATES = ("killed", "survived", "equivalent", "invalid")


def progress_line(file: FileReport) -> str:
    """What is told of a file when it is done."""
    counts = [(sum(one.fate is fate for one in file.results), fate) for fate in Fate]
    return printable(f"{file.path}: {len(file.results)} mutants, {', '.join(f'{count} {fate}' for count, fate in counts if count)}")


def survivor_lines(report: MutationReport) -> Iterator[str]:
    """The survivors as diffs, each with a case that would kill it; and what was set aside, with the proofs."""
    for one in report.of(Fate.SURVIVED):
        yield ""
        yield from _diff(one)
        if one.proof:
            yield f"    {one.proof}, but no more than one mutant in twenty is set aside for that"
        if one.case:
            yield "    this case would kill it:"
            yield from (f"    {printable(line)}" for line in one.case.splitlines())
    equivalent = report.of(Fate.EQUIVALENT)
    if equivalent:
        yield ""
        yield "set aside as no faults:"
    for one in equivalent:
        yield from _diff(one)
        yield f"    {one.proof}"


def _diff(one: Result) -> Iterator[str]:
    yield printable(f"{one.path}:{one.line}: {one.operator}: {one.words}")
    before, after = _cut(one.before, one.after)
    yield from (f"  - {printable(line)}" for line in before)
    yield from (f"  + {printable(line)}" for line in after)


def _cut(before: Sequence[str], after: Sequence[str]) -> tuple[list[str], list[str]]:
    """Lines without their indentation, and long ones around what differs."""
    indent = min((len(line) - len(line.lstrip()) for line in (*before, *after) if line.strip()), default=0)
    old, new = ([line[indent:] for line in lines] for lines in (before, after))
    if len(old) != 1 or len(new) != 1:
        return [_short(line) for line in old], [_short(line) for line in new]
    start = next((at for at, (one, other) in enumerate(zip(old[0], new[0], strict=False)) if one != other), min(len(old[0]), len(new[0])))
    start = max(0, start - _MAX_LINE // 2) if max(len(old[0]), len(new[0])) > _MAX_LINE else 0
    return [_short(old[0], start)], [_short(new[0], start)]


def _short(line: str, start: int = 0) -> str:
    text = ("…" if start else "") + line[start:]
    return text if len(text) <= _MAX_LINE else f"{text[: _MAX_LINE - 1]}…"


def summary(report: MutationReport) -> str:
    """One line: the score, how many became of each kind, and how long it took."""
    counts = ", ".join(f"{len(report.of(fate))} {fate}" for fate in Fate if report.of(fate))
    return f"score {shown(report.score)} %: {counts} in {report.seconds:.1f} s" if counts else f"no mutant in {report.seconds:.1f} s"


def shown(score: float) -> str:
    """A score that is not rounded up."""
    return f"{int(score * 10) / 10:.1f}"


def as_json(report: MutationReport) -> str:
    """All but the mutants that were killed or that the API server would refuse, of which the numbers are told."""
    counts = {str(fate): len(report.of(fate)) for fate in Fate}
    value = {
        "version": __version__,
        "summary": {"mutants": len(report.results), **counts, "score": round(report.score, 3), "seconds": round(report.seconds, 3)},
        "files": [_file(one) for one in report.files if one.results],
        "survived": [_result(one) for one in report.of(Fate.SURVIVED)],
        "equivalent": [_result(one) for one in report.of(Fate.EQUIVALENT)],
        "errors": [{"path": one.path, "line": one.line, "column": one.column, "message": one.message} for one in report.errors],
        "notes": report.notes,
    }
    return json.dumps(value, indent=2, ensure_ascii=False)


def _file(file: FileReport) -> dict[str, Any]:
    return {"path": file.path, "mutants": len(file.results), **{fate: sum(one.fate == fate for one in file.results) for fate in _FATES}}


def _result(one: Result) -> dict[str, Any]:
    found: dict[str, Any] = {"path": one.path, "line": one.line, "operator": one.operator, "words": one.words}
    found |= {"before": list(one.before), "after": list(one.after)}
    return found | ({"proof": one.proof} if one.proof else {}) | ({"case": one.case} if one.case else {})

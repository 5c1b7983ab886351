"""Coverage for people: what was not seen, with its place and marked in its lines, and the share of each policy."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hostprocess.coverage.model import Coverage, Part, Use, percent
from hostprocess.coverage_report.places import PlacedExpression, PlacedUnit
from hostprocess.report.text import printable

__all__ = ["text_lines"]

_WIDTH = 130
_AROUND = 30
_LONGEST_SNIPPET = 60
_MOST_COMPLETE = 8  # with all that was to be seen; more of them are told in one line
_RED, _BOLD, _PLAIN = "\x1b[31m", "\x1b[1m", "\x1b[0m"
_USES = {"operation": "the operation", "resource": "the resource", "excluded": "what is excluded:", "containers": "a pod with"}
_WHERE = {
    "matchCondition": "matchCondition ",
    "variable": "variable ",
    "auditAnnotation": "auditAnnotation ",
    "scope": "scope ",
    "input": "input ",
    "let": "let ",
}


def text_lines(coverage: Coverage, *, color: bool = False) -> Iterator[str]:
    """The report, line by line; `color` is for terminals."""
    units = sorted((PlacedUnit(one) for one in coverage.units), key=lambda one: (one.unit.path, one.unit.kind, one.unit.name))
    for placed in units:
        if placed.unit.covered < placed.unit.points:
            yield ""
            yield from _unit(placed, color)
    yield ""
    yield from _table(units, coverage)


def _unit(placed: PlacedUnit, color: bool) -> Iterator[str]:
    unit = placed.unit
    heading = f"{unit.path}: {unit.kind} {unit.name}: {_share(unit.covered, unit.points)}"
    yield f"{_BOLD}{printable(heading)}{_PLAIN}" if color else printable(heading)
    for use, line, column in placed.uses:
        if not use.seen:
            yield printable(f"  {unit.path}:{line}:{column}: {_told(use)}")
    for expression, parts in placed.missing():
        one = expression.expression
        name = {"when": "when", "validation": one.name, "messageExpression": f"messageExpression of {one.name}"}.get(one.kind) or _WHERE[one.kind] + one.name
        for part in parts:
            (line, column), _ = expression.ends(part)
            snippet = "" if part.whole else f": {_cut(' '.join(one.text[part.start : part.end].split()))}"
            yield printable(f"  {unit.path}:{line}:{column}: {name}: {part.missing}{snippet}")
        yield from _marked(placed, expression, parts, color)


def _told(use: Use) -> str:
    return f"no case about {_USES[use.kind]} {use.name}"


def _marked(placed: PlacedUnit, expression: PlacedExpression, parts: Sequence[Part], color: bool) -> Iterator[str]:
    """The lines that hold the parts, with marks beneath those that hold no other."""
    ranges: dict[int, list[tuple[int, int]]] = {}
    for part in parts:
        if any(other is not part and part.start <= other.start and other.end <= part.end for other in parts if not other.whole):
            continue
        for line, columns in expression.columns(part).items():
            ranges.setdefault(line, []).append(columns)
    for line in sorted(ranges):
        exact = expression.places.exact
        source = (placed.source(line) if exact else expression.expression.text.split("\n")[line - 1]).replace("\t", " ")
        number = str(line) if exact else " "
        for shown, marks in _excerpts(source, ranges[line]):
            yield printable(f"    {number} | {shown}")
            yield f"    {' ' * len(number)} | {f'{_RED}{marks}{_PLAIN}' if color else marks}"


def _excerpts(source: str, ranges: Sequence[tuple[int, int]]) -> Iterator[tuple[str, str]]:
    """The line, or the pieces of a long one, each with marks under the ranges, which are columns from 1, both inclusive."""
    indent = len(source) - len(source.lstrip(" "))
    if len(source) - indent <= _WIDTH:
        yield source[indent:].rstrip(), _marks(ranges, indent, len(source))
        return
    pieces: list[list[tuple[int, int]]] = []
    for one in sorted(ranges, key=lambda one: (one[0], -one[1])):
        if pieces and (one[1] - pieces[-1][0][0] < _WIDTH or one[1] <= max(last for _, last in pieces[-1])):
            pieces[-1].append(one)
        else:
            pieces.append([one])
    for piece in pieces:
        start = max(piece[0][0] - 1 - _AROUND, indent)
        end = min(max(last for _, last in piece) + _AROUND, len(source), start + 2 * _WIDTH)
        before, after = "…" if start > indent else "", "…" if end < len(source.rstrip()) else ""
        yield f"{before}{source[start:end].rstrip()}{after}", " " * len(before) + _marks(piece, start, end)


def _marks(ranges: Sequence[tuple[int, int]], start: int, end: int) -> str:
    marks = [" "] * (end - start)
    for first, last in ranges:
        for column in range(max(first - 1, start), min(last, end)):
            marks[column - start] = "^"
    return "".join(marks).rstrip()


def _table(units: Sequence[PlacedUnit], coverage: Coverage) -> Iterator[str]:
    rows = [(f"{one.unit.path}: {one.unit.name}", one.unit.covered, one.unit.points) for one in units]
    complete = [(covered, points) for _, covered, points in rows if covered == points]
    if len(complete) > _MOST_COMPLETE:
        rows = [row for row in rows if row[1] < row[2]]
        rows.append((f"{len(complete)} others" if rows else f"all {len(complete)}", sum(one for one, _ in complete), sum(one for _, one in complete)))
    width = max((len(name) for name, _, _ in rows), default=0)
    yield "coverage"
    for name, covered, points in rows:
        yield printable(f"  {name:<{width}}  {percent(covered, points):5.1f} %  {covered}/{points}")
    yield from (printable(f"  {note}") for note in coverage.notes)
    partial = f", partial: {coverage.partial}" if coverage.partial else ""
    yield f"total coverage: {_share(coverage.covered, coverage.points)}{partial}" if coverage.points else f"nothing is there to be covered{partial}"


def _share(covered: int, points: int) -> str:
    return f"{percent(covered, points):.1f} % ({covered} of {points})"


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_SNIPPET else f"{text[: _LONGEST_SNIPPET - 1]}…"

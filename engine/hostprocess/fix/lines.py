"""The lines of a file that is being changed: each keeps its own end, and knows whether it is still as it was."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

from hostprocess.kubernetes.yaml_edit import Splice

__all__ = ["Line", "Lines", "unified"]

_CONTEXT = 3  # lines around a change, as diff -u shows


class Line(NamedTuple):
    """A line without and with its end (`\\n`, `\\r\\n`, or nothing at the end of a file). `origin` is its number in the file, -1 once it was changed."""

    body: str
    end: str
    origin: int = -1


@dataclass(frozen=True, slots=True)
class Lines:
    """Some lines of a file, or all."""

    lines: tuple[Line, ...]

    @classmethod
    def of(cls, text: str) -> Lines:
        """The lines of a whole text."""
        parts = text.split("\n")
        made = [Line(part[:-1], "\r\n", number) if part.endswith("\r") else Line(part, "\n", number) for number, part in enumerate(parts[:-1])]
        return cls(tuple([*made, Line(parts[-1], "", len(made))] if parts[-1] else made))

    @property
    def plain(self) -> str:
        """The text with `\\n` at the end of lines."""
        return "".join(f"{line.body}\n" if line.end else line.body for line in self.lines)

    @property
    def text(self) -> str:
        """The text with the ends of lines as they are."""
        return "".join(line.body + line.end for line in self.lines)

    def part(self, first: int, plain: str) -> Lines:
        """The lines from the `first` on that make up a part of the plain text."""
        count = plain.count("\n") + (not plain.endswith("\n"))
        return Lines(self.lines[first : first + count])

    def spliced(self, splices: Sequence[Splice]) -> Lines:
        """With changes to the plain text made, which must not overlap. New lines end as their neighbours do."""
        lines = list(self.lines)
        starts = [0, *accumulate(len(line.body) + bool(line.end) for line in lines)]
        unended = bool(lines) and not lines[-1].end
        for start, end, new in sorted(splices, reverse=True):
            (first, column), (last, last_column) = _at(starts, start, unended), _at(starts, end, unended)
            near = next((lines[row].end for row in (first - 1, first) if 0 <= row < len(lines) and lines[row].end), "\n")
            if not column and not last_column and (not new or new.endswith("\n")):
                lines[first:last] = [Line(body, near) for body in new.split("\n")[:-1]]
                continue
            head, tail = (lines[row] if row < len(lines) else Line("", "") for row in (first, last))
            *before, rest = (head.body[:column] + new + tail.body[last_column:]).split("\n")
            made = [Line(body, head.end or near) for body in before]
            if before and before[0] == head.body and head.end:
                made[0] = head
            if rest or tail.end:
                made.append(tail if rest == tail.body and tail not in made else Line(rest, tail.end))
            lines[first : last + 1] = made
        return Lines(tuple(lines))


def _at(starts: Sequence[int], offset: int, unended: bool) -> tuple[int, int]:
    """The row and the column of a character; of the end of a text whose last line is `unended`, that line's."""
    row = bisect_right(starts, offset) - 1
    if unended and offset == starts[-1]:
        row = len(starts) - 2
    return row, offset - starts[row]


def unified(before: Lines, after: Lines, name: str) -> str:
    """The difference of two states of one file, as `diff -u` writes it."""
    steps = list(_steps(before, after))
    wanted = [False] * len(steps)
    for at, (sign, _) in enumerate(steps):
        if sign != " ":
            for near in range(max(at - _CONTEXT, 0), min(at + _CONTEXT + 1, len(steps))):
                wanted[near] = True
    out: list[str] = []
    old = new = 1
    at = 0
    while at < len(steps):
        if not wanted[at]:
            old, new, at = old + 1, new + 1, at + 1
            continue
        end = at
        while end < len(steps) and wanted[end]:
            end += 1
        hunk = steps[at:end]
        olds, news = sum(sign != "+" for sign, _ in hunk), sum(sign != "-" for sign, _ in hunk)
        out.append(f"@@ -{_range(old, olds)} +{_range(new, news)} @@\n")
        for sign, line in hunk:
            out.append(sign + line.body + (line.end or "\n\\ No newline at end of file\n"))
        old, new, at = old + olds, new + news, end
    return f"--- {name}\n+++ {name}\n{''.join(out)}" if out else ""


def _range(start: int, count: int) -> str:
    return str(start) if count == 1 else f"{start if count else start - 1},{count}"


def _steps(before: Lines, after: Lines) -> Iterator[tuple[str, Line]]:
    """Each line with what becomes of it; of a change, first what goes and then what comes."""
    at = 0
    coming: list[Line] = []
    for line in (*after.lines, None):
        if line is not None and line.origin < 0:
            coming.append(line)
            continue
        upto = len(before.lines) if line is None else line.origin
        yield from _change(before.lines[at:upto], coming)
        coming = []
        if line is not None:
            yield " ", line
        at = upto + 1


def _change(gone: Iterable[Line], coming: Iterable[Line]) -> Iterator[tuple[str, Line]]:
    yield from (("-", line) for line in gone)
    yield from (("+", line) for line in coming)

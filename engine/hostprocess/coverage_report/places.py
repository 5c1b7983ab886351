"""Where the parts of policies stand in their files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from hostprocess.coverage.model import Expression, Part, Unit, Use
from hostprocess.kubernetes.location import locate
from hostprocess.kubernetes.scalar_places import ScalarPlaces
from hostprocess.model import Origin

__all__ = ["PlacedExpression", "PlacedUnit"]


@dataclass(frozen=True, slots=True)
class PlacedExpression:
    """An expression, and where each character of it stands."""

    expression: Expression
    places: ScalarPlaces

    @property
    def start(self) -> tuple[int, int]:
        """Line and column, from 1."""
        return self.places.of(0)

    def ends(self, part: Part) -> tuple[tuple[int, int], tuple[int, int]]:
        """Line and column of the first character of a part, and of the last."""
        return self.places.of(part.start), self.places.of(max(part.end - 1, part.start))

    def columns(self, part: Part) -> dict[int, tuple[int, int]]:
        """The first and the last column of a part in each line that it touches: of the file, or of the text if it is not written so in the file."""
        found: dict[int, tuple[int, int]] = {}
        text = self.expression.text
        for index in range(part.start, max(part.end, part.start + 1)):
            if not text[index : index + 1].isspace():
                own = text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index)
                line, column = self.places.of(index) if self.places.exact else own
                first, last = found.get(line, (column, column))
                found[line] = min(first, column), max(last, column)
        return found


class PlacedUnit:
    """A unit with its file. Expressions and uses come in the order of the file."""

    def __init__(self, unit: Unit) -> None:
        self.unit = unit

    @cached_property
    def origin(self) -> Origin:
        """Where it was read; a file of its own that is gone is empty."""
        if self.unit.origin is not None:
            return self.unit.origin
        try:
            with open(self.unit.path, encoding="utf-8-sig", newline="") as file:
                return Origin(path=self.unit.path, text=file.read())
        except (OSError, UnicodeDecodeError):
            return Origin(path=self.unit.path)

    @property
    def line(self) -> int:
        """Where it begins."""
        return locate(self.origin, ("metadata", "name") if self.unit.kind == "policy" else ()).line

    def source(self, line: int) -> str:
        """A line of the file."""
        lines = self._lines
        number = line - self.origin.line
        return lines[number] if 0 <= number < len(lines) else ""

    @cached_property
    def _lines(self) -> list[str]:
        lines = [line.rstrip("\r") for line in self.origin.text.split("\n")]
        lines[0] = " " * (self.origin.column - 1) + lines[0]
        return lines

    @cached_property
    def expressions(self) -> list[PlacedExpression]:
        """Each with its places."""
        found = [PlacedExpression(one, ScalarPlaces(self.origin, one.steps, one.text)) for one in self.unit.expressions]
        return sorted(found, key=lambda one: one.start)

    @cached_property
    def uses(self) -> list[tuple[Use, int, int]]:
        """Each with its line and column."""
        found = []
        for use in self.unit.uses:
            place = locate(self.origin, use.steps)
            found.append((use, place.line, place.column))
        return sorted(found, key=lambda one: one[1:])

    def missing(self) -> Iterator[tuple[PlacedExpression, list[Part]]]:
        """The expressions of which something was not seen, with those parts; of what was never evaluated no parts of it."""
        for placed in self.expressions:
            parts = [part for part in placed.expression.parts if part.missing]
            never = [part for part in parts if not part.seen]
            told = [part for part in parts if not any(_within(part, other) for other in never)]
            if told:
                yield placed, told


def _within(part: Part, other: Part) -> bool:
    return part is not other and other.start <= part.start and part.end <= other.end and (other.whole or (part.start, part.end) != (other.start, other.end))

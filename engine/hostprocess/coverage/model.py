"""What is counted, and how much of it was seen."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from hostprocess.cel.marks import EVALUATED, FALSE, TRUE
from hostprocess.errors import PolicyError
from hostprocess.model import Origin

__all__ = ["Coverage", "Expression", "Part", "Steps", "Unit", "Unreachable", "Use", "merged", "merged_parts", "percent"]

Steps = tuple[str | int, ...]
Kind = Literal["policy", "rule", "pack"]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of an expression, from `start` to `end`: to be seen true and false if it is `boolean`, else to be evaluated; `seen` holds the marks.

    `whole` is the result, which may be more than the text has: what a rule says of each container is a part of it. `unreachable` holds the marks that the
    suite says can never be.
    """

    start: int
    end: int
    boolean: bool
    seen: int = 0
    whole: bool = False
    unreachable: int = 0

    @property
    def wanted(self) -> int:
        """The marks that there are to see."""
        return (TRUE | FALSE if self.boolean else EVALUATED) & ~self.unreachable

    @property
    def points(self) -> int:
        """How much there is to see."""
        return self.wanted.bit_count()

    @property
    def covered(self) -> int:
        """How much of it was seen."""
        return (self.seen & self.wanted).bit_count()

    @property
    def missing(self) -> str:
        """What was not seen, in words; empty if all was."""
        missing = self.wanted & ~self.seen
        if not self.seen and missing:
            return "never evaluated"
        return {0: "", TRUE: "never true", FALSE: "never false"}.get(missing, "never true or false")


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression of a policy: `kind` and `name` say which, `steps` are the field where it stands; the whole of it is the first part, if it counts."""

    kind: str
    name: str
    steps: Steps
    text: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Use:
    """What requests have to make use of: `kind` is `operation`, `resource`, `excluded` or `containers`."""

    kind: str
    name: str
    steps: Steps
    seen: bool


@dataclass(frozen=True, slots=True)
class Unit:
    """A policy, a rule, or what the rules of a pack share. `origin` is where a policy was read; rules and packs are in files of their own."""

    kind: Kind
    name: str
    path: str
    expressions: tuple[Expression, ...] = ()
    uses: tuple[Use, ...] = ()
    origin: Origin | None = field(default=None, compare=False, repr=False)
    pack: str = ""
    """The folder of the pack that it belongs to."""

    @property
    def points(self) -> int:
        """How much there is to see."""
        return sum(part.points for one in self.expressions for part in one.parts) + len(self.uses)

    @property
    def covered(self) -> int:
        """How much of it was seen."""
        return sum(part.covered for one in self.expressions for part in one.parts) + sum(one.seen for one in self.uses)


@dataclass(frozen=True, slots=True)
class Unreachable:
    """What a suite says of a part of an expression, by its text: that it can `never` be `true` or `false`, or be `evaluated`. `files` are those it is about."""

    part: str
    never: str
    because: str
    path: str
    line: int
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Coverage:
    """That of a run. `partial` says why it is not that of all cases; `notes` what is not counted; `faults` what suites say wrongly of it."""

    units: tuple[Unit, ...]
    partial: str = ""
    notes: tuple[str, ...] = ()
    faults: tuple[PolicyError, ...] = ()

    @property
    def points(self) -> int:
        """How much there is to see."""
        return sum(one.points for one in self.units)

    @property
    def covered(self) -> int:
        """How much of it was seen."""
        return sum(one.covered for one in self.units)


def percent(covered: int, points: int) -> float:
    """To one decimal, downwards: 100 is all of it, and nothing less. Where nothing is to be seen all of it was."""
    return covered * 1000 // points / 10 if points else 100.0


def merged(units: Iterable[Unit]) -> Iterator[Unit]:
    """The same units, each once, with all that was seen of it."""
    found: dict[tuple[str, str, str], Unit] = {}
    for unit in units:
        key = (unit.kind, unit.path, unit.name)
        found[key] = _both(found[key], unit) if key in found else unit
    yield from found.values()


def _both(one: Unit, other: Unit) -> Unit:
    expressions = {(each.steps, each.text): each for each in one.expressions}
    for each in other.expressions:
        known = expressions.get((each.steps, each.text))
        expressions[each.steps, each.text] = replace(known, parts=merged_parts((*known.parts, *each.parts))) if known else each
    uses = {(each.kind, each.name, each.steps): each for each in one.uses}
    for use in other.uses:
        key = (use.kind, use.name, use.steps)
        uses[key] = replace(use, seen=use.seen or (key in uses and uses[key].seen))
    return replace(one, expressions=tuple(expressions.values()), uses=tuple(uses.values()))


def merged_parts(parts: Iterable[Part]) -> tuple[Part, ...]:
    """Each part once, the whole first, then from left to right, the longer first."""
    found: dict[tuple[bool, int, int, bool], Part] = {}
    for part in parts:
        key = (not part.whole, part.start, -part.end, part.boolean)
        found[key] = replace(part, seen=part.seen | found[key].seen) if key in found else part
    return tuple(found[key] for key in sorted(found))

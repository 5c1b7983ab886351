"""One case made ready to be run on any number of mutants: its request, what the unchanged policies say, and the values of their expressions."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from hostprocess.cel.runtime import CelError
from hostprocess.cel.tree import TreeProgram
from hostprocess.evaluate import Decisions, Evaluator, Situation
from hostprocess.model import Decision, Outcome, Request
from hostprocess.mutation.footprint import Read
from hostprocess.mutation.runtime import MutantProgram
from hostprocess.suite.model import Case

__all__ = ["Change", "Trial", "same_value"]

_FINDINGS = frozenset(Outcome) - {Outcome.ALLOW, Outcome.SKIP}


@dataclass(slots=True)
class Change:
    """An expression and what a mutant makes of it; `known` tells for all that both may read whether they differ."""

    before: MutantProgram
    after: MutantProgram
    known: dict[Hashable, bool] = field(default_factory=dict)
    reads: tuple[Read, ...] | None = field(init=False)

    def __post_init__(self) -> None:
        before, after = self.before.reads, self.after.reads
        self.reads = None if before is None or after is None else tuple(dict.fromkeys((*before, *after)))


@dataclass(slots=True)
class Trial:
    """`base` is what the unchanged policies decide; `kills` counts the mutants it killed, by what was changed in them."""

    case: Case
    evaluator: Evaluator
    request: Request
    base: Decisions
    told: tuple[Decision, ...]
    key: tuple[str, str]
    kills: dict[str, int] = field(default_factory=dict)
    _situations: list[tuple[int, Situation, bool]] | None = None
    _values: dict[tuple[int, int, str], Any] = field(default_factory=dict)
    _parts: dict[tuple[int, bool], dict[Read, bytes | None]] = field(default_factory=dict)

    @property
    def failing(self) -> bool:
        """Whether anything is found."""
        return any(one.outcome in _FINDINGS for one in self.told)

    def reached(self, policy: str) -> list[tuple[int, Situation, bool]]:
        """The situations in which a policy is asked, by number, and whether its conditions hold there."""
        if self._situations is None:
            matching = [one for one in self.evaluator.situations(self.request) if not (one.match.reason or one.match.unknown)]
            self._situations = [(number, one, one.prepared.applies(one.context).hold) for number, one in enumerate(matching)]
        return [one for one in self._situations if one[1].prepared.policy.name == policy]

    def differs(self, number: int, situation: Situation, kind: str, change: Change) -> bool:
        """Whether an expression gives another value here. What two requests have in common in all that it reads is found once."""
        inputs = self.inputs(number, situation, kind, change)
        if inputs is not None and (known := change.known.get(inputs)) is not None:
            return known
        found = not same_value(self.value(number, situation, kind, change.before), change.after.run(_activation(situation, kind))[0])
        if inputs is not None:
            change.known[inputs] = found
        return found

    def inputs(self, number: int, situation: Situation, kind: str, change: Change) -> Hashable:
        """All that decides what the two expressions give, by value; None where that cannot be told."""
        if change.reads is None:
            return None
        parts = self._parts.setdefault((number, kind == "condition"), {})
        found: list[Any] = [situation.context.request.kind]  # objects of built-in kinds may compare otherwise
        for read in change.reads:
            part = parts.get(read, b"")
            if part == b"":
                part = parts[read] = read.seen(_activation(situation, kind))
            if part is None:
                return None
            found.append(part)
        return tuple(found)

    def value(self, number: int, situation: Situation, kind: str, program: TreeProgram) -> Any:
        """What an expression of the unchanged policies gives here."""
        key = (number, id(program), kind)
        found = self._values.get(key, self)
        if found is self:
            found = self._values[key] = program.run(_activation(situation, kind))[0]
        return found


def _activation(situation: Situation, kind: str) -> Any:
    policy, runtime = situation.prepared.policy, situation.prepared.runtime
    context = situation.context
    phase = context.conditions() if kind == "condition" else context.validations()
    return phase.activation(runtime, "" if policy.of_pack else policy.name)


def same_value(one: Any, other: Any) -> bool:
    """Whether two values of CEL are the same, of the same type too: in Python 1 is true."""
    if one is other:
        return True
    if one.__class__ is not other.__class__:
        return False
    if isinstance(one, CelError):
        return bool(one == other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same_value(value, other[key]) for key, value in one.items())
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same_value, one, other))
    return bool(one == other)

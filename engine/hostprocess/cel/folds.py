"""Comprehensions: what `all`, `exists`, `map` and the others are made of.

Source: `evalFold` and `folder` of github.com/google/cel-go/interpreter/interpretable.go.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from hostprocess.cel.attributes import FAILED, PAUSE, Frame, Run
from hostprocess.cel.library.texts import go_type
from hostprocess.cel.limits import look
from hostprocess.cel.logic import undecided
from hostprocess.cel.runtime import CelError

__all__ = ["UNSET", "Fold", "fold", "lazily", "quantifier"]

UNSET: Any = object()


@dataclass(frozen=True, slots=True)
class Fold:
    """The compiled parts, and the places of the variables in the frame. `init` is None where the accumulator makes itself when first read."""

    ranged: Run
    accumulator: int
    first: int
    second: int | None
    init: Run | None
    condition: Run | None
    step: Run
    result: Run
    two: bool


def lazily(accumulator: int, init: Run) -> Run:
    """What reads an accumulator that is made when first read."""

    def run(frame: Frame) -> Any:
        value = frame[accumulator]
        if value is UNSET:
            value = frame[accumulator] = init(frame)
        return value

    return run


def fold(parts: Fold) -> Run:
    """Compiles the loop."""
    accumulator, first, second = parts.accumulator, parts.first, parts.second
    ranged, init, condition, step, result = parts.ranged, parts.init, parts.condition, parts.step, parts.result

    def run(frame: Frame) -> Any:
        values = ranged(frame)
        if values.__class__ is not list and values.__class__ is not dict:
            return _not_iterable(values, parts.two)
        frame[accumulator] = UNSET if init is None else init(frame)
        for item in values if second is None else _pairs(values):
            if second is None:
                frame[first] = item
            else:
                frame[first], frame[second] = item
            if condition is not None and condition(frame) is False:
                break
            frame[accumulator] = step(frame)
            if frame[0] > frame[PAUSE]:
                look(frame)
        return result(frame)

    return run


def quantifier(ranged: Run, place: int, predicate: Run, every: bool) -> Run:
    """The loop of `all` (`every`) or `exists`, which is written out here for speed, at the cost of the comprehension it stands for.

    The condition costs 2 (`all`) or 3, the name of the accumulator 1 in each step and in the result.
    """
    condition_cost = 2 if every else 3
    decisive = not every

    def run(frame: Frame) -> Any:
        values = ranged(frame)
        if values.__class__ is not list and values.__class__ is not dict:
            return _not_iterable(values, False)
        result: Any = every
        items = iter(values)
        for item in items:
            frame[place] = item
            frame[0] += condition_cost + 1
            value = predicate(frame)
            if value is decisive:
                result = decisive
                if next(items, UNSET) is not UNSET:  # it is the condition that ends the loop, if there is another item
                    frame[0] += condition_cost
                break
            if value is not every or result is not every:
                result = undecided(result, value)
            if frame[0] > frame[PAUSE]:
                look(frame)
        frame[0] += 1
        return result

    return run


def _pairs(values: Any) -> Iterable[tuple[Any, Any]]:
    return values.items() if isinstance(values, dict) else enumerate(values)


def _not_iterable(values: Any, two: bool) -> Any:
    if isinstance(values, FAILED):
        return values
    go_name = go_type(values)
    return CelError(f"unsupported comprehension range type: {go_name}" if two else f"got '{go_name}', expected iterable type")

"""What one evaluation may cost and take. Source: PerCallLimit of k8s.io/apiserver/pkg/apis/cel/config.go."""

from __future__ import annotations

import time
from typing import Any, Final

from hostprocess.cel.typed import TypedValues

__all__ = ["PER_CALL_LIMIT", "Context", "CostExceeded", "TimedOut"]

PER_CALL_LIMIT: Final = 1_000_000
_CLOCK_INTERVAL = 20_000


class CostExceeded(Exception):
    """One evaluation costs more than `PER_CALL_LIMIT`."""


class TimedOut(Exception):
    """One evaluation takes longer than it may."""


class Context:
    """What belongs to one evaluation of a program: the time it may take, the values of variables, and whether built-in kinds are Go values.

    It is made for every evaluation, most of which take microseconds, so what few of them need is made when it is asked for: the time
    counts from the first look at the clock.
    """

    __slots__ = ("_deadline", "_variables", "activation", "pause", "program")

    def __init__(self, program: Any, activation: Any) -> None:
        self.program = program
        self.activation = activation
        self.pause = _CLOCK_INTERVAL
        self._deadline: float | None = None
        self._variables: Any = None

    @property
    def variables(self) -> Any:
        """What `variables` is here: the same for the whole evaluation."""
        if self._variables is None:
            self._variables = self.program.lazy_variables(self.activation)
        return self._variables

    @property
    def typed(self) -> TypedValues | None:
        """Which lists and maps are Go values; None where none are."""
        if not self.program.shows_typed:
            return None
        if self.activation.typed is None:
            self.activation.typed = TypedValues(self.activation.inputs)
        found: TypedValues = self.activation.typed
        return found

    def look(self, cost: int) -> None:
        """Ends the evaluation if it has cost too much or taken too long."""
        if cost > PER_CALL_LIMIT:
            raise CostExceeded
        now = time.monotonic()
        if self._deadline is None:
            self._deadline = now + self.program.timeout
        if now >= self._deadline:
            raise TimedOut
        self.pause = min(cost + _CLOCK_INTERVAL, PER_CALL_LIMIT)

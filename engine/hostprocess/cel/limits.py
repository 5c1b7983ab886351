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
    """What belongs to one evaluation: the time it may take, how to get the value of a variable, and whether built-in kinds are Go values."""

    __slots__ = ("_shows_typed", "activation", "deadline", "pause", "variables")

    def __init__(self, deadline: float, activation: Any, variables: Any, shows_typed: bool) -> None:
        self.activation = activation
        self.deadline = deadline
        self.pause = _CLOCK_INTERVAL
        self.variables = variables
        self._shows_typed = shows_typed

    @property
    def typed(self) -> TypedValues | None:
        """Which lists and maps are Go values; None where none are."""
        if not self._shows_typed:
            return None
        if self.activation.typed is None:
            self.activation.typed = TypedValues(self.activation.inputs)
        found: TypedValues = self.activation.typed
        return found

    def look(self, cost: int) -> None:
        """Ends the evaluation if it has cost too much or taken too long."""
        if cost > PER_CALL_LIMIT:
            raise CostExceeded
        if time.monotonic() > self.deadline:
            raise TimedOut
        self.pause = min(cost + _CLOCK_INTERVAL, PER_CALL_LIMIT)

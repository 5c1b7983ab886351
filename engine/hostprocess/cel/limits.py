"""What one evaluation may cost and take. Source: PerCallLimit of k8s.io/apiserver/pkg/apis/cel/config.go."""

from __future__ import annotations

import time
from typing import Any, Final

__all__ = ["CLOCK_INTERVAL", "PER_CALL_LIMIT", "CostExceeded", "TimedOut", "look"]

PER_CALL_LIMIT: Final = 1_000_000
CLOCK_INTERVAL: Final = 20_000
"""What an evaluation costs between two looks at the clock."""
_PROGRAM: Final = 3  # places in a frame: see attributes.py
_PAUSE: Final = 4
_DEADLINE: Final = 5


class CostExceeded(Exception):
    """One evaluation costs more than `PER_CALL_LIMIT`."""


class TimedOut(Exception):
    """One evaluation takes longer than it may."""


def look(frame: list[Any]) -> None:
    """Ends the evaluation if it has cost too much or taken too long, counted from the first look at the clock: most evaluations are over before."""
    if frame[0] > PER_CALL_LIMIT:
        raise CostExceeded
    now = time.monotonic()
    if frame[_DEADLINE] is None:
        frame[_DEADLINE] = now + frame[_PROGRAM].timeout
    if now >= frame[_DEADLINE]:
        raise TimedOut
    frame[_PAUSE] = min(frame[0] + CLOCK_INTERVAL, PER_CALL_LIMIT)

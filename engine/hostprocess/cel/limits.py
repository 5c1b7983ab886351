"""What one evaluation may cost and take. Source: PerCallLimit of k8s.io/apiserver/pkg/apis/cel/config.go."""

from __future__ import annotations

import time
from typing import Final

from hostprocess.cel.attributes import DEADLINE, PAUSE, PROGRAM, Frame

__all__ = ["CLOCK_INTERVAL", "PER_CALL_LIMIT", "CostExceeded", "TimedOut", "look"]

PER_CALL_LIMIT: Final = 1_000_000
CLOCK_INTERVAL: Final = 20_000
"""What an evaluation costs between two looks at the clock."""


class CostExceeded(Exception):
    """One evaluation costs more than `PER_CALL_LIMIT`."""


class TimedOut(Exception):
    """One evaluation takes longer than it may."""


def look(frame: Frame) -> None:
    """Ends the evaluation if it has cost too much or taken too long, counted from the first look at the clock: most evaluations are over before."""
    if frame[0] > PER_CALL_LIMIT:
        raise CostExceeded
    now = time.monotonic()
    if frame[DEADLINE] is None:
        frame[DEADLINE] = now + frame[PROGRAM].timeout
    if now >= frame[DEADLINE]:
        raise TimedOut
    frame[PAUSE] = min(frame[0] + CLOCK_INTERVAL, PER_CALL_LIMIT)

"""Examples of hypothesis strategies as a list, the same ones for the same seed."""

from __future__ import annotations

from typing import TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

__all__ = ["drawn", "fields", "maybe"]

T = TypeVar("T")


def drawn(strategy: st.SearchStrategy[T], count: int, start: int) -> list[T]:
    """`count` examples (fewer if the strategy has no more), drawn with the seed `start`."""
    found: list[T] = []

    # In portions: one long search spends its time on comparing with what it has seen.
    for portion in range(0, count, 500):

        @seed(start + portion)
        @settings(max_examples=min(500, count - portion), database=None, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
        @given(strategy)
        def collect(value: T) -> None:
            found.append(value)

        collect()
    return found


def fields(needed: dict[str, st.SearchStrategy[object]] | None = None, /, **optional: st.SearchStrategy[object]) -> st.SearchStrategy[dict[str, object]]:
    """An object: fields that are always there, and fields that may be. A name that Python keeps for itself ends in `_`."""
    return st.fixed_dictionaries(needed or {}, optional={name.rstrip("_"): one for name, one in optional.items()})


def maybe(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    """A value, or now and then a null."""
    return st.one_of(strategy, strategy, strategy, strategy, strategy, strategy, st.none())

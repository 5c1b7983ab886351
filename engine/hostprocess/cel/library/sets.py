"""ext.Sets of cel-go. Source: github.com/google/cel-go/ext/sets.go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hostprocess.cel.declarations import Library, Overload
from hostprocess.cel.equality import equal
from hostprocess.cel.library.costs import size
from hostprocess.model import Unknown

__all__ = ["LIBRARY"]


def _holds(values: list[Any], item: Any) -> Any:
    undecided: Unknown | None = None
    for value in values:
        verdict = equal(item, value)
        if verdict is True:
            return True
        if isinstance(verdict, Unknown):
            undecided = undecided or verdict
    return False if undecided is None else undecided


def contains(values: list[Any], part: list[Any]) -> Any:
    """`sets.contains`."""
    undecided: Unknown | None = None
    for item in part:
        verdict = _holds(values, item)
        if verdict is False:
            return False
        if isinstance(verdict, Unknown):
            undecided = undecided or verdict
    return True if undecided is None else undecided


def equivalent(left: list[Any], right: list[Any]) -> Any:
    """`sets.equivalent`."""
    verdict = contains(left, right)
    if verdict is False:
        return False
    other = contains(right, left)
    return verdict if other is True else other


def intersects(left: list[Any], right: list[Any]) -> Any:
    """`sets.intersects`."""
    undecided: Unknown | None = None
    for item in left:
        verdict = _holds(right, item)
        if verdict is True:
            return True
        if isinstance(verdict, Unknown):
            undecided = undecided or verdict
    return False if undecided is None else undecided


def _cost(factor: int) -> Callable[[Sequence[Any], Any], int]:
    return lambda arguments, _result: 1 + size(arguments[0]) * size(arguments[1]) * factor


def _overload(name: str, implementation: Callable[..., Any], factor: int) -> Overload:
    lists = ("list(T)", "list(T)")
    identifier = f"list_sets_{name}_list"
    cost = _cost(factor)
    return Overload(id=identifier, function=f"sets.{name}", arguments=lists, result="bool", implementation=implementation, cost=cost, gated_cost=False)


LIBRARY = Library(
    name="cel.lib.ext.sets",
    introduced=29,
    overloads=(_overload("contains", contains, 1), _overload("equivalent", equivalent, 2), _overload("intersects", intersects, 1)),
)

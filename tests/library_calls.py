"""Calls of CEL library functions by the id of their overload, for tests."""

from __future__ import annotations

from functools import cache
from typing import Any

from hostprocess.cel.declarations import Overload
from hostprocess.cel.library import LIBRARIES
from hostprocess.cel.values import Opaque, Optional

NAN, INF = float("nan"), float("inf")
_STRICT_COST = 32


@cache
def overloads(minor: int) -> dict[str, Overload]:
    """Overload id to overload, of the environment of that release."""
    present = [library for library in LIBRARIES if library.introduced <= minor and not 0 < library.removed <= minor]
    found = [overload for library in present for overload in library.overloads]
    assert len({overload.id for overload in found}) == len(found)
    return {overload.id: overload for overload in found}


def called(minor: int, overload: str, arguments: list[Any]) -> tuple[Any, int]:
    """Result and cost; opaque results as their text, NaN as a text too, to be comparable."""
    function = overloads(minor)[overload]
    result = function.implementation(*arguments)
    charged = function.cost is not None and not (function.gated_cost and minor < _STRICT_COST)
    return _comparable(result), function.cost(arguments, result) if charged and function.cost is not None else 1


def _comparable(value: Any) -> Any:
    if isinstance(value, Opaque):
        return getattr(value, "name", None) or str(value)
    if isinstance(value, Optional) and isinstance(value.value, Opaque):
        return Optional(_comparable(value.value))
    return NAN if isinstance(value, float) and value != value else value


def ip(text: str) -> Any:
    return overloads(37)["string_to_ip"].implementation(text)


def cidr(text: str) -> Any:
    return overloads(37)["string_to_cidr"].implementation(text)


def url(text: str) -> Any:
    return overloads(37)["string_to_url"].implementation(text)


def quantity(text: str) -> Any:
    return overloads(37)["string_to_quantity"].implementation(text)


def semver(text: str) -> Any:
    return overloads(37)["string_to_semver"].implementation(text)

"""The list functions of Kubernetes. Source: k8s.io/apiserver/pkg/cel/library/lists.go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hostprocess.cel.declarations import Library, Overload
from hostprocess.cel.equality import NO_SUCH_OVERLOAD, compare, equal
from hostprocess.cel.library.costs import cost_of
from hostprocess.cel.runtime import CelError
from hostprocess.cel.values import Duration, Timestamp, Uint
from hostprocess.model import Unknown

__all__ = ["COMPARABLE", "LIBRARIES", "first_unknown", "is_comparable", "nested_unknown"]

COMPARABLE = {
    "int": "int",
    "uint": "uint",
    "double": "double",
    "bool": "bool",
    "duration": "google.protobuf.Duration",
    "timestamp": "google.protobuf.Timestamp",
    "string": "string",
    "bytes": "bytes",
}
"""The types with an order, as the names of overloads and as types, in the order in which cel-go tries them."""

_ZEROS: dict[str, Any] = {"int": 0, "uint": Uint(0), "double": 0.0, "duration": Duration(0)}
_MOST_INT, _MOST_UINT = 2**63, 2**64


def first_unknown(values: Sequence[Any]) -> Unknown | None:
    """The first element that was not given."""
    return next((value for value in values if isinstance(value, Unknown)), None)


def nested_unknown(value: Any) -> Unknown | None:
    """What was not given, anywhere in the value."""
    if isinstance(value, Unknown):
        return value
    parts = value if isinstance(value, list) else value.values() if isinstance(value, dict) else ()
    return next((found for part in parts if (found := nested_unknown(part)) is not None), None)


def is_comparable(value: Any) -> bool:
    """Whether the value's type has an order at all."""
    return isinstance(value, bool | int | float | str | bytes | Duration | Timestamp)


def is_sorted(values: Sequence[Any]) -> Any:
    """`isSorted`; neighbours that cannot be compared are in order."""
    unknown = first_unknown(values)
    if unknown is not None:
        return unknown
    for index, value in enumerate(values):
        if not is_comparable(value):
            return NO_SUCH_OVERLOAD
        if index and compare(values[index - 1], value) == 1:
            return False
    return True


def _summing(kind: str) -> Callable[[Sequence[Any]], Any]:
    def add_up(values: Sequence[Any]) -> Any:
        unknown = first_unknown(values)
        if unknown is not None:
            return unknown
        total = _ZEROS[kind]
        for value in values:
            total = _add(total, value)
            if isinstance(total, CelError):
                return total
        return total

    return add_up


def _add(left: Any, right: Any) -> Any:
    if isinstance(left, Duration | Timestamp) and isinstance(right, Duration | Timestamp) and type(left) is not type(right):
        return Timestamp(left.nanoseconds + right.nanoseconds)
    if type(left) is not type(right) or isinstance(left, Timestamp):
        return NO_SUCH_OVERLOAD
    if isinstance(left, Duration):
        nanoseconds = left.nanoseconds + right.nanoseconds
        return Duration(nanoseconds) if -_MOST_INT <= nanoseconds < _MOST_INT else CelError("integer overflow")
    total = left + right
    if isinstance(left, float):
        return total
    if isinstance(left, Uint):
        return Uint(total) if total < _MOST_UINT else CelError("unsigned integer overflow")
    return total if -_MOST_INT <= total < _MOST_INT else CelError("integer overflow")


def _extreme(name: str, replaced_at: int) -> Callable[[Sequence[Any]], Any]:
    """`min` or `max`: an element replaces the one found so far where comparing that one with it gives `replaced_at`."""

    def find(values: Sequence[Any]) -> Any:
        unknown = first_unknown(values)
        if unknown is not None:
            return unknown
        if not values:
            return CelError(f"{name} called on empty list")
        found = values[0]
        for value in values:
            if not is_comparable(value):
                return NO_SUCH_OVERLOAD
            if compare(found, value) == replaced_at:
                found = value
        return found

    return find


def _position(values: Sequence[Any], item: Any, indices: Sequence[int]) -> Any:
    for index in indices:
        verdict = equal(values[index], item)
        if isinstance(verdict, Unknown):
            return verdict
        if verdict is True:
            return index
    return -1


def index_of(values: Sequence[Any], item: Any) -> Any:
    """`indexOf`."""
    return _position(values, item, range(len(values)))


def last_index_of(values: Sequence[Any], item: Any) -> Any:
    """`lastIndexOf`."""
    return _position(values, item, range(len(values) - 1, -1, -1))


def includes(target: Any, item: Any) -> Any:
    """`includes`: membership, or equality where the target is no list."""
    undecided: Unknown | None = None
    for value in target if isinstance(target, list) else [target]:
        verdict = equal(value, item)
        if verdict is True:
            return True
        if isinstance(verdict, Unknown):
            undecided = undecided or verdict
    return False if undecided is None else undecided


def _overloads() -> tuple[Overload, ...]:
    made: list[Overload] = []
    for name, kind in COMPARABLE.items():
        made.append(_member(f"list_{name}_is_sorted_bool", "isSorted", kind, "bool", is_sorted))
        if name in _ZEROS:
            made.append(_member(f"list_{name}_sum_{name}", "sum", kind, kind, _summing(name)))
        made.append(_member(f"list_{name}_max_{name}", "max", kind, kind, _extreme("max", -1)))
        made.append(_member(f"list_{name}_min_{name}", "min", kind, kind, _extreme("min", 1)))
    made.append(_member("list_a_index_of_int", "indexOf", "A", "int", index_of, "A"))
    made.append(_member("list_a_last_index_of_int", "lastIndexOf", "A", "int", last_index_of, "A"))
    return tuple(made)


def _member(identifier: str, function: str, element: str, result: str, implementation: Callable[..., Any], *more: str) -> Overload:
    arguments = (f"list({element})", *more)
    cost = cost_of(function, identifier)
    return Overload(id=identifier, function=function, arguments=arguments, result=result, member=True, implementation=implementation, cost=cost)


_INCLUDES = Overload(
    id="list_includes_dyn_dyn",
    function="includes",
    arguments=("dyn", "dyn"),
    result="bool",
    member=True,
    implementation=includes,
    cost=cost_of("includes", "list_includes_dyn_dyn"),
)
_NAME = "kubernetes.lists"
LIBRARIES: tuple[Library, ...] = (
    Library(name=_NAME, removed=37, overloads=_overloads()),
    Library(name=_NAME, introduced=37, overloads=(*_overloads(), _INCLUDES)),
)

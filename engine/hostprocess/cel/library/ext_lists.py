"""ext.Lists of cel-go, version 3 (Kubernetes 1.34 and newer). `sortBy` is a macro; what it expands to calls `@sortByAssociatedKeys`.

Source: github.com/google/cel-go/ext/lists.go of cel-go 0.26 (1.34 to 1.36) and 0.29 (1.37).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hostprocess.cel.declarations import GoPanic, Guard, Library, Overload
from hostprocess.cel.equality import compare, equal
from hostprocess.cel.library.costs import list_allocation, size
from hostprocess.cel.library.go_sort import sorted_indices
from hostprocess.cel.library.lists import COMPARABLE, first_unknown, is_comparable
from hostprocess.cel.library.texts import go_type, type_name
from hostprocess.cel.runtime import CelError
from hostprocess.cel.values import Duration, Timestamp
from hostprocess.model import Unknown

__all__ = ["LIBRARIES"]

_LONGEST_RANGE = 1_000_000
_TOO_COSTLY = CelError("operation cancelled: actual cost limit exceeded", kind="cost")
_ADDERS = (int, float, str, bytes, Duration, Timestamp)


def slice_list(values: list[Any], start: int, end: int) -> Any:
    """`slice`."""
    if start < 0 or end < 0:
        return CelError(f"cannot slice({start}, {end}), negative indexes not supported")
    if start > end:
        return CelError(f"cannot slice({start}, {end}), start index must be less than or equal to end index")
    if len(values) < end:
        return CelError(f"cannot slice({start}, {end}), list is length {len(values)}")
    return values[start:end]


def flatten(values: Any, depth: Any = None) -> Any:
    """`flatten`; elements that are no lists stay, so it takes flat lists too."""
    if not isinstance(values, list) or (depth is not None and type(depth) is not int):
        given = "" if depth is None else _type_text(depth)
        return CelError(f"no such overload: {_type_text(values)}.flatten({given})")
    if depth is not None and depth < 0:
        return CelError("level must be non-negative")
    return _flattened(values, 1 if depth is None else depth)


def _type_text(value: Any) -> str:
    """The type as it writes itself, with parameters."""
    name = type_name(value)
    return {"list": "list(dyn)", "map": "map(dyn, dyn)"}.get(name, name)


def _flattened(values: list[Any], depth: int) -> Any:
    flat: list[Any] = []
    for value in values:
        if isinstance(value, Unknown) and depth:
            return value
        if not isinstance(value, list) or not depth:
            flat.append(value)
            continue
        inner = _flattened(value, depth - 1)
        if isinstance(inner, Unknown):
            return inner
        flat += inner
    return flat


def sort(values: list[Any]) -> Any:
    """`sort`."""
    return sort_by_keys(values, values)


def sort_by_keys(values: list[Any], keys: list[Any]) -> Any:
    """`@sortByAssociatedKeys`: the values in the order of their keys."""
    if len(values) != len(keys):
        return CelError(
            f"@sortByAssociatedKeys() expected a list of the same size as the associated keys list, but got {len(values)} and {len(keys)} elements respectively"
        )
    unknown = first_unknown(keys)
    if unknown is not None:
        return unknown
    if not values:
        return values
    if not is_comparable(keys[0]):
        return CelError("list elements must be comparable")
    if any(type(key) is not type(keys[0]) for key in keys):
        return CelError("list elements must have the same type")
    return [values[index] for index in sorted_indices(len(keys), lambda left, right: compare(keys[left], keys[right]) == -1)]


def reverse(values: list[Any]) -> list[Any]:
    """`reverse`."""
    return values[::-1]


def distinct(values: list[Any]) -> Any:
    """`distinct`: the first of each set of equal elements."""
    unknown = first_unknown(values)
    if unknown is not None:
        return unknown
    kept: list[Any] = []
    texts: set[str] = set()
    for value in values:
        if isinstance(value, str):
            if value not in texts:
                texts.add(value)
                kept.append(value)
        elif not any(equal(value, other) is True for other in kept):
            kept.append(value)
    return kept


def list_range(count: int) -> Any:
    """`lists.range` of Kubernetes 1.37."""
    if count < 0:
        return CelError(f"lists.range: size must be non-negative, got {count}")
    if count > _LONGEST_RANGE:
        return CelError(f"lists.range: size {count} exceeds maximum allowed ({_LONGEST_RANGE})")
    return list(range(count))


def _list_range_unlimited(count: int) -> Any:
    """`lists.range` of Kubernetes 1.34 to 1.36, where only the cost limit ends a long one."""
    return _TOO_COSTLY if count > _LONGEST_RANGE else list(range(count))


def _output_cost(_arguments: Sequence[Any], result: Any) -> int:
    return list_allocation(size(result))


def _flatten_cost(arguments: Sequence[Any], _result: Any) -> int:
    depth = _depth(arguments[1]) if len(arguments) == 2 else 1
    return list_allocation(size(arguments[0]) * float(depth if depth >= 0 else 1))


def _flatten_cost_wrapping(arguments: Sequence[Any], _result: Any) -> int:
    """Kubernetes 1.34 to 1.36: a negative depth counts as well, and wraps around in 64 bits, as amd64 makes an integer of a double."""
    count = size(arguments[0]) * float(_depth(arguments[1]))
    return list_allocation(count if -(2.0**63) <= count < 2.0**64 else 2.0**63) % 2**64


def _not_known(value: Any) -> bool:
    """Whether the API server may have a value there: what it costs does not matter then, nor is it known whether cel-go panics."""
    return isinstance(value, Unknown) or (isinstance(value, CelError) and (value.kind == "limitation" or bool(value.missing)))


def _depth(value: Any) -> int:
    if _not_known(value):
        return 1
    if type(value) is not int:
        raise GoPanic(f"interface conversion: ref.Val is {go_type(value)}, not types.Int")
    return value


def _self_comparison_cost(values: Any) -> int:
    """Each element with each, twice, and strings walked over. cel-go computes it for values that are no lists too, errors among them, and panics."""
    if _not_known(values):
        return 1
    if not isinstance(values, list):
        missing = "Contains" if isinstance(values, _ADDERS) and not isinstance(values, bool) else "Add"
        raise GoPanic(f"interface conversion: {go_type(values)} is not traits.Lister: missing method {missing}")
    factor = 2.1 if values and isinstance(values[0], str | bytes) else 2.0
    return list_allocation(float(len(values) ** 2) * factor)


def _sort_cost(arguments: Sequence[Any], _result: Any) -> int:
    return _self_comparison_cost(arguments[0])


def _sort_by_cost(arguments: Sequence[Any], _result: Any) -> int:
    return _self_comparison_cost(arguments[1])


def _overload(
    identifier: str,
    function: str,
    arguments: tuple[str, ...],
    result: str,
    implementation: Callable[..., Any],
    cost: Callable[[Sequence[Any], Any], int],
    guard: Guard = "types",
) -> Overload:
    member = function != "lists.range"
    return Overload(
        id=identifier,
        function=function,
        arguments=arguments,
        result=result,
        member=member,
        implementation=implementation,
        cost=cost,
        gated_cost=False,
        guard=guard,
    )


def _sorts() -> tuple[Overload, ...]:
    # The names of these overloads are made of the names of the types, so those of durations and timestamps are long.
    made: list[Overload] = []
    for kind in COMPARABLE.values():
        elements = f"list({kind})"
        made.append(_overload(f"list_{kind}_sort", "sort", (elements,), elements, sort, _sort_cost, "list"))
        identifier = f"list_{kind}_sortByAssociatedKeys"
        made.append(_overload(identifier, "@sortByAssociatedKeys", ("list(T)", elements), "list(T)", sort_by_keys, _sort_by_cost, "list"))
    return tuple(made)


_COMMON = (
    _overload("list_slice", "slice", ("list(T)", "int", "int"), "list(T)", slice_list, _output_cost),
    _overload("list_flatten", "flatten", ("list(list(T))",), "list(T)", flatten, _flatten_cost, "none"),
    *_sorts(),
    _overload("list_reverse", "reverse", ("list(T)",), "list(T)", reverse, _output_cost),
    _overload("list_distinct", "distinct", ("list(T)",), "list(T)", distinct, _sort_cost),
)


def _by_release(range_implementation: Callable[..., Any], flatten_cost: Callable[[Sequence[Any], Any], int]) -> tuple[Overload, ...]:
    return (
        *_COMMON,
        _overload("list_flatten_int", "flatten", ("list(dyn)", "int"), "list(dyn)", flatten, flatten_cost, "none"),
        _overload("lists_range", "lists.range", ("int",), "list(int)", range_implementation, _output_cost),
    )


_NAME = "cel.lib.ext.lists"
LIBRARIES: tuple[Library, ...] = (
    Library(name=_NAME, introduced=34, removed=37, overloads=_by_release(_list_range_unlimited, _flatten_cost_wrapping)),
    Library(name=_NAME, introduced=37, overloads=_by_release(list_range, _flatten_cost)),
)

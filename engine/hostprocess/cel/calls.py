"""Calls: the arguments evaluated, the function found by their types, its cost charged.

Source: github.com/google/cel-go/interpreter/interpretable.go, `costCall` of runtimecost.go, and common/decls/decls.go (dynamic dispatch).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hostprocess.cel.attributes import FAILED, VALUES, Frame, Lazy, Run, typed_values
from hostprocess.cel.equality import NO_SUCH_OVERLOAD, equal
from hostprocess.cel.library.costs import call_cost, scaled, scan, size
from hostprocess.cel.library.texts import go_type, type_name
from hostprocess.cel.limits import PER_CALL_LIMIT, CostExceeded
from hostprocess.cel.runtime import CelError
from hostprocess.cel.standard import Signature
from hostprocess.cel.types import Type
from hostprocess.cel.values import Duration, Opaque, Optional, Timestamp
from hostprocess.model import Unknown

__all__ = [
    "Charge",
    "binary",
    "charge_of",
    "equality",
    "equals_null",
    "equals_text",
    "fits",
    "negation",
    "overloaded",
    "unary",
    "upon",
    "various",
]

Charge = Callable[[Sequence[Any], Any], int]
_COMPARED = frozenset(f"{word}_{kind}" for word in ("less", "less_equals", "greater", "greater_equals") for kind in ("string", "bytes"))
_CEL_GO_29 = 37  # the release of Kubernetes that came with cel-go 0.29
_PLAIN = frozenset({str, int, bool})
_CLASSES: dict[str, type] = {"string": str, "int": int, "bool": bool, "bytes": bytes, "double": float}
_RECEIVERS = (str, Duration, Timestamp)


def charge_of(name: str, overload: Signature | None, strict: bool, minor: int) -> Charge | None:
    """What a call costs, given its arguments and result; None for 1. `overload` is the only one the checker left, if there is one."""
    if overload is None:
        return _by_name(name) if strict else None
    if overload.implementation is not None:
        return overload.cost if strict or not overload.gated_cost else None
    return _early(overload.id) if minor < _CEL_GO_29 else _standard(overload.id)


def _by_name(name: str) -> Charge | None:
    if name[0] in "_@!-":
        return None

    def charge(arguments: Sequence[Any], result: Any) -> int:
        cost = call_cost(name, "", arguments, result)
        return 1 if cost is None else cost

    return charge


def _early(overload: str) -> Charge | None:
    """As up to Kubernetes 1.36."""
    if overload in ("starts_with_string", "ends_with_string"):
        return scan(0)
    return None if overload == "matches" else _standard(overload)


def _standard(overload: str) -> Charge | None:
    if overload in ("starts_with_string", "ends_with_string"):
        return scan(1)
    if overload in ("string_to_bytes", "bytes_to_string"):
        return scan(0)
    if overload == "in_list":
        return lambda arguments, _: size(arguments[1])
    if overload in _COMPARED:
        return lambda arguments, _: scaled(min(size(arguments[0]), size(arguments[1])))
    if overload in ("add_string", "add_bytes"):
        return lambda arguments, _: scaled(size(arguments[0]) + size(arguments[1]))
    if overload in ("matches", "matches_string"):
        return lambda arguments, _: scaled(1 + size(arguments[0])) * scaled(size(arguments[1]), 25)
    if overload == "contains_string":
        return lambda arguments, _: scaled(size(arguments[0])) * scaled(size(arguments[1]))
    return None


def charged(frame: Frame, cost: int) -> None:
    """Adds to the cost, and ends the evaluation there and then if it is too much."""
    frame[0] += cost
    if frame[0] > PER_CALL_LIMIT:
        raise CostExceeded


def unary(argument: Run, function: Callable[[Any], Any], charge: Charge | None) -> Run:
    """A call with one argument."""
    function = _direct(function)
    if charge is None:

        def plain(frame: Frame) -> Any:
            value = argument(frame)
            result = function(value) if value.__class__ in VALUES or not isinstance(value, FAILED) else value
            frame[0] += 1
            return result

        return plain

    def run(frame: Frame) -> Any:
        value = argument(frame)
        result = function(value) if value.__class__ in VALUES or not isinstance(value, FAILED) else value
        frame[0] += charge((value,), result)
        if frame[0] > PER_CALL_LIMIT:
            raise CostExceeded
        return result

    return run


def negation(argument: Run) -> Run:
    """`!`, which is everywhere: as `unary` would do it, without the calls."""

    def run(frame: Frame) -> Any:
        value = argument(frame)
        frame[0] += 1
        if value is True:
            return False
        if value is False:
            return True
        return value if isinstance(value, FAILED) else NO_SUCH_OVERLOAD

    return run


def binary(left: Run, right: Run, function: Callable[[Any, Any], Any], charge: Charge | None) -> Run:
    """A call with two arguments; both are evaluated, whatever the first gives."""
    function = _direct(function)

    def run(frame: Frame) -> Any:
        first = left(frame)
        second = right(frame)
        if first.__class__ not in VALUES and isinstance(first, FAILED):
            result = first
        elif second.__class__ not in VALUES and isinstance(second, FAILED):
            result = second
        else:
            result = function(first, second)
        if charge is None:
            frame[0] += 1
            return result
        frame[0] += charge((first, second), result)
        if frame[0] > PER_CALL_LIMIT:
            raise CostExceeded
        return result

    return run


def in_aggregate(value: Run, container: Run, function: Callable[[Any, Any], Any], charge: Charge | None) -> Run:
    """`value in container`; a map that is a Go value has no other keys than strings."""

    def run(frame: Frame) -> Any:
        first = value(frame)
        second = container(frame)
        if first.__class__ not in VALUES and isinstance(first, FAILED):
            result = first
        elif second.__class__ not in VALUES and isinstance(second, FAILED):
            result = second
        elif second.__class__ is dict and first.__class__ is not str and (typed := typed_values(frame)) is not None and second in typed:
            result = CelError(f"unsupported map key type: {go_type(first)}")
        else:
            result = function(first, second)
        charged(frame, 1 if charge is None else charge((first, second), result))
        return result

    return run


def various(arguments: Sequence[Run], function: Callable[..., Any], charge: Charge | None) -> Run:
    """A call that ends with the first argument that fails; unless that is the last one, it then costs nothing."""
    last = len(arguments) - 1

    def run(frame: Frame) -> Any:
        values = []
        for index, argument in enumerate(arguments):
            value = argument(frame)
            values.append(value)
            if value.__class__ not in VALUES and isinstance(value, FAILED):
                if index == last:
                    charged(frame, 1 if charge is None else charge(values, value))
                return value
        result = function(*values)
        frame[0] += 1 if charge is None else charge(values, result)
        if frame[0] > PER_CALL_LIMIT:
            raise CostExceeded
        return result

    return run


def upon(argument: Run, constants: tuple[Any, ...], function: Callable[..., Any], charge: Charge | None, *, as_binary: bool) -> Run:
    """A call whose arguments but the first are constants: what `binary` or `various` would do, without calls for those."""
    given = _partly(function, constants)

    def run(frame: Frame) -> Any:
        value = argument(frame)
        if value.__class__ in VALUES or not isinstance(value, FAILED):
            result = given(value)
        elif as_binary:
            result = value
        else:
            return value
        frame[0] += 1 if charge is None else charge((value, *constants), result)
        if frame[0] > PER_CALL_LIMIT:
            raise CostExceeded
        return result

    return run


def _partly(function: Callable[..., Any], constants: tuple[Any, ...]) -> Callable[[Any], Any]:
    """The function of its first argument."""
    if isinstance(function, _OnlyOverload) and function.classes[1:] == tuple(map(type, constants)):
        implementation, wanted = function.implementation, function.classes[0]
        if len(constants) == 1:
            (only,) = constants
            return lambda value: implementation(value, only) if value.__class__ is wanted else function(value, only)
        return lambda value: implementation(value, *constants) if value.__class__ is wanted else function(value, *constants)
    if len(constants) == 1:
        (only,) = constants
        return lambda value: function(value, only)
    return lambda value: function(value, *constants)


def equality(left: Run, right: Run, negated: bool, strict: bool) -> Run:
    """`==` and `!=`, which take values of any types."""

    def run(frame: Frame) -> Any:
        first = left(frame)
        second = right(frame)
        kind = first.__class__
        if kind is second.__class__ and kind in _PLAIN:
            frame[0] += scaled(min(len(first), len(second))) if kind is str else 1
            return (first == second) is not negated
        result = _equal(first, second, negated, frame)
        frame[0] += 1 if _is_flat(first, negated, strict) else scaled(min(_size(first, strict), _size(second, strict)))
        return result

    return run


def equals_text(left: Run, text: str, negated: bool, strict: bool) -> Run:
    """`==` and `!=` with a constant string on the right, the common case."""
    length = len(text)
    costs = tuple(map(scaled, range(length + 1)))

    def run(frame: Frame) -> Any:
        first = left(frame)
        if first.__class__ is str:
            size_of_first = len(first)
            frame[0] += costs[size_of_first] if size_of_first < length else costs[length]
            return (first == text) is not negated
        result = _equal(first, text, negated, frame)
        frame[0] += 1 if _is_flat(first, negated, strict) else scaled(min(_size(first, strict), length))
        return result

    return run


def equals_null(left: Run, negated: bool, strict: bool) -> Run:
    """`==` and `!=` with `null` on the right."""

    def run(frame: Frame) -> Any:
        first = left(frame)
        if first is None:
            frame[0] += 1
            return not negated
        if first.__class__ is dict:
            frame[0] += bool(first)  # what is empty costs nothing
            return negated
        result = _equal(first, None, negated, frame)
        frame[0] += 1 if _is_flat(first, negated, strict) else scaled(min(_size(first, strict), 1))
        return result

    return run


def _is_flat(value: Any, negated: bool, strict: bool) -> bool:
    """Whether a comparison with this on the left costs 1, whatever the right."""
    return strict and not negated and isinstance(value, Opaque) and not isinstance(value, Lazy)


def _size(value: Any, strict: bool) -> int:
    """What `==` is charged by: of an optional value what is in it, since cel-go 0.23."""
    while strict and isinstance(value, Optional) and value.present():
        value = value.value
    return size(value)


def _equal(first: Any, second: Any, negated: bool, frame: Frame) -> Any:
    if isinstance(first, FAILED):
        return first
    if isinstance(second, FAILED):
        return second
    verdict = equal(first, second, typed_values(frame))
    if isinstance(verdict, Unknown) or not negated:
        return verdict
    return verdict is not True


def overloaded(name: str, overloads: Sequence[Signature]) -> Callable[..., Any]:
    """A function that picks its overload by the types of its arguments: dynamic dispatch, or the guard of the only one."""

    def function(*arguments: Any) -> Any:
        for overload in overloads:
            if len(overload.arguments) == len(arguments) and _guarded(overload, arguments):
                assert overload.implementation is not None
                return overload.implementation(*arguments)
        if overloads[0].guard == "list":
            # Values that receive calls themselves say less.
            return NO_SUCH_OVERLOAD if isinstance(arguments[0], _RECEIVERS) else CelError(f"no such overload: {name}")
        return CelError(f"no such overload: {name}({', '.join(map(type_name, arguments))})")

    classes = tuple(_CLASSES[each.name] for each in overloads[0].arguments if each.name in _CLASSES)
    if len(overloads) > 1 or overloads[0].guard != "types" or len(classes) < len(overloads[0].arguments):
        return function
    assert overloads[0].implementation is not None
    return _OnlyOverload(overloads[0].implementation, classes, function)


def _direct(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, with one call less where it has one or two arguments."""
    if not isinstance(function, _OnlyOverload) or len(function.classes) > 2:
        return function
    implementation, other = function.implementation, function.other
    if len(function.classes) == 1:
        (wanted,) = function.classes
        return lambda value: implementation(value) if value.__class__ is wanted else other(value)
    one, two = function.classes
    return lambda first, second: implementation(first, second) if first.__class__ is one and second.__class__ is two else other(first, second)


@dataclass(frozen=True, slots=True)
class _OnlyOverload:
    """The only overload of a function, of arguments of these classes; `other` deals with all else."""

    implementation: Callable[..., Any]
    classes: tuple[type, ...]
    other: Callable[..., Any]

    def __call__(self, *arguments: Any) -> Any:
        return self.implementation(*arguments) if tuple(map(type, arguments)) == self.classes else self.other(*arguments)


def _guarded(overload: Signature, arguments: Sequence[Any]) -> bool:
    if overload.guard == "none":
        return True
    if overload.guard == "list":
        return isinstance(arguments[0], list)
    return all(map(fits, overload.arguments, arguments))


def fits(kind: Type, value: Any) -> bool:
    """Whether a value may stand for an argument of this type; of lists and maps the first element is looked at (`IsAssignableRuntimeType`)."""
    if kind.kind in ("dyn", "param", "any"):
        return True
    if isinstance(value, Unknown):
        return True
    if kind.name != type_name(value):
        return False
    if kind.kind == "list" and value:
        return fits(kind.parameters[0], value[0])
    if kind.kind == "map" and value:
        key = next(iter(value))
        return fits(kind.parameters[0], key) and fits(kind.parameters[1], value[key])
    return True

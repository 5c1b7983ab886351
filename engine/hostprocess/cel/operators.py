"""The operators of CEL over two or one values that are neither errors nor unknown. Each gives a value or a `CelError` in cel-go's words.

Source: the `Add`, `Subtract` … methods of github.com/google/cel-go/common/types, and common/stdlib/standard.go, which asks for a trait of
the left operand first: without it the error names the operator, but for strings, durations and timestamps.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any, Final

from hostprocess.cel.conversions import INT_OVERFLOW, MAX_INT, MAX_UINT, MIN_INT, TIMESTAMP_OVERFLOW, UINT_OVERFLOW
from hostprocess.cel.equality import NO_SUCH_OVERLOAD, compare, equal
from hostprocess.cel.library.regex import compile_pattern
from hostprocess.cel.runtime import CelError
from hostprocess.cel.values import Duration, Timestamp, Uint
from hostprocess.model import Unknown

__all__ = ["BINARY", "UNARY", "contains", "found_key"]

_DIVISION = CelError("division by zero")
_MODULUS = CelError("modulus by zero")
_MIN_TIME, _MAX_TIME = -62135596800 * 10**9, 253402300799 * 10**9 + 999999999
_RECEIVERS = frozenset({str, Duration, Timestamp})
_ORDERED = frozenset({bool, bytes, float, Duration, int, str, Timestamp, Uint})
_SIZED = (str, bytes, list, dict)  # a tuple, as a union takes longer to make than to test


def _without_trait(name: str, value: Any) -> CelError:
    return NO_SUCH_OVERLOAD if type(value) in _RECEIVERS else CelError(f"no such overload: {name}")


def _int(number: int) -> Any:
    return number if MIN_INT <= number <= MAX_INT else INT_OVERFLOW


def _uint(number: int) -> Any:
    return Uint(number) if 0 <= number <= MAX_UINT else UINT_OVERFLOW


def _duration(nanoseconds: int) -> Any:
    return Duration(nanoseconds) if MIN_INT <= nanoseconds <= MAX_INT else INT_OVERFLOW


def _moved(moment: Timestamp, nanoseconds: int) -> Any:
    total = moment.nanoseconds + nanoseconds
    return Timestamp(total, moment.offset) if _MIN_TIME <= total <= _MAX_TIME else TIMESTAMP_OVERFLOW


def _add(left: Any, right: Any) -> Any:
    kind, other = type(left), type(right)
    if kind is other and (kind is list or kind is str):
        return left + right
    if kind is Duration and other is Timestamp:
        return _moved(right, left.nanoseconds)
    if kind is Timestamp:
        return _moved(left, right.nanoseconds) if other is Duration else NO_SUCH_OVERLOAD
    if kind not in (str, int, Uint, float, bytes, list, Duration):
        return _without_trait("_+_", left)
    if kind is not other:
        return NO_SUCH_OVERLOAD
    if kind is int:
        return _int(left + right)
    if kind is Uint:
        return _uint(int(left) + int(right))
    return _duration(left.nanoseconds + right.nanoseconds) if kind is Duration else left + right


def _subtract(left: Any, right: Any) -> Any:
    kind, other = type(left), type(right)
    if kind is Timestamp:
        if other is Duration:
            return _moved(left, -right.nanoseconds) if right.nanoseconds != MIN_INT else INT_OVERFLOW
        return _duration(left.nanoseconds - right.nanoseconds) if other is Timestamp else NO_SUCH_OVERLOAD
    if kind not in (int, Uint, float, Duration):
        return _without_trait("_-_", left)
    if kind is not other:
        return NO_SUCH_OVERLOAD
    if kind is int:
        return _int(left - right)
    if kind is Uint:
        return _uint(int(left) - int(right))
    return _duration(left.nanoseconds - right.nanoseconds) if kind is Duration else left - right


def _multiply(left: Any, right: Any) -> Any:
    kind = type(left)
    if kind not in (int, Uint, float):
        return _without_trait("_*_", left)
    if kind is not type(right):
        return NO_SUCH_OVERLOAD
    if kind is int:
        return _int(left * right)
    return _uint(int(left) * int(right)) if kind is Uint else left * right


def _divide(left: Any, right: Any) -> Any:
    kind = type(left)
    if kind not in (int, Uint, float):
        return _without_trait("_/_", left)
    if kind is not type(right):
        return NO_SUCH_OVERLOAD
    if kind is float:
        if right:
            return left / right
        return math.nan if not left or left != left else math.copysign(math.inf, left) * math.copysign(1, right)
    if not right:
        return _DIVISION
    quotient = abs(left) // abs(right)
    return Uint(quotient) if kind is Uint else _int(quotient if (left < 0) == (right < 0) else -quotient)


def _modulo(left: Any, right: Any) -> Any:
    kind = type(left)
    if kind not in (int, Uint):
        return _without_trait("_%_", left)
    if kind is not type(right):
        return NO_SUCH_OVERLOAD
    if not right:
        return _MODULUS
    if left == MIN_INT and right == -1:
        return INT_OVERFLOW
    rest = abs(left) % abs(right)
    return Uint(rest) if kind is Uint else -rest if left < 0 else rest


def _negate(value: Any) -> Any:
    kind = type(value)
    if kind is int:
        return _int(-value)
    if kind is float:
        return -value
    if kind is Duration:
        return _duration(-value.nanoseconds)
    return NO_SUCH_OVERLOAD if kind is bool else _without_trait("-_", value)


def _not(value: Any) -> Any:
    return not value if isinstance(value, bool) else NO_SUCH_OVERLOAD


def _size(value: Any) -> Any:
    return len(value) if isinstance(value, _SIZED) else _without_trait("size", value)


def _order(name: str, of_ints: Callable[[int, int], bool], accepted: tuple[int, ...]) -> Callable[[Any, Any], Any]:
    def ordered(left: Any, right: Any) -> Any:
        if type(left) is int and type(right) is int:
            return of_ints(left, right)
        if type(left) not in _ORDERED:
            return _without_trait(name, left)
        order = compare(left, right)
        return order if isinstance(order, CelError) else order in accepted

    return ordered


def contains(value: Any, container: Any) -> Any:
    """`value in container`: elements of a list, keys of a map."""
    if isinstance(container, dict):
        return found_key(container, value) is not None
    if not isinstance(container, list):
        return NO_SUCH_OVERLOAD
    undecided: Unknown | None = None
    for element in container:
        verdict = equal(value, element)
        if verdict is True:
            return True
        if isinstance(verdict, Unknown):
            undecided = undecided or verdict
    return False if undecided is None else undecided


def found_key(container: dict[Any, Any], key: Any) -> tuple[Any] | None:
    """The value of a key, in a tuple; None if it is not there. Numbers find each other across types, `true` and `1` do not."""
    kind = type(key)
    if kind is str or key is None:
        return (container[key],) if key in container else None
    if kind is bool or kind in (int, Uint, float):
        for each, value in container.items():
            if each == key and (type(each) is bool) == (kind is bool) and type(each) is not str:
                return (value,)
    return None


def _matches(text: Any, pattern: Any) -> Any:
    if not isinstance(text, str):
        return _without_trait("matches", text)
    if not isinstance(pattern, str):
        return NO_SUCH_OVERLOAD
    compiled = compile_pattern(pattern)
    return compiled if isinstance(compiled, CelError) else compiled.search(text) is not None


def _text_test(test: Callable[[str, str], bool]) -> Callable[[Any, Any], Any]:
    def tested(text: Any, part: Any) -> Any:
        return test(text, part) if isinstance(text, str) and isinstance(part, str) else NO_SUCH_OVERLOAD

    return tested


def _unequal(left: Any, right: Any) -> Any:
    verdict = equal(left, right)
    return verdict if isinstance(verdict, Unknown) else verdict is not True


BINARY: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "_+_": _add,
    "_-_": _subtract,
    "_*_": _multiply,
    "_/_": _divide,
    "_%_": _modulo,
    "_<_": _order("_<_", operator.lt, (-1,)),
    "_<=_": _order("_<=_", operator.le, (-1, 0)),
    "_>_": _order("_>_", operator.gt, (1,)),
    "_>=_": _order("_>=_", operator.ge, (1, 0)),
    "_==_": equal,
    "_!=_": _unequal,
    "@in": contains,
    "matches": _matches,
    "contains": _text_test(lambda text, part: part in text),
    "startsWith": _text_test(str.startswith),
    "endsWith": _text_test(str.endswith),
}
UNARY: Final[dict[str, Callable[[Any], Any]]] = {"!_": _not, "-_": _negate, "size": _size}

"""Equality and order of CEL values of any type, as github.com/google/cel-go/common/types has them.

Source: `Equal` in common/types/util.go, the `Equal` and `Compare` methods of each type, and common/types/compare.go.
"""

from __future__ import annotations

from typing import Any

from hostprocess.cel.runtime import CelError
from hostprocess.cel.typed import TypedValues
from hostprocess.cel.values import ABSENT, Duration, Opaque, Optional, Timestamp, TypeValue, Uint
from hostprocess.model import Unknown

__all__ = ["NO_SUCH_OVERLOAD", "compare", "equal"]

NO_SUCH_OVERLOAD = CelError("no such overload")
_UNORDERED = CelError("NaN values cannot be ordered")
_SELF_EVIDENT = frozenset({str, int, float, bool, bytes, Uint, Duration, Timestamp, TypeValue})
_ORDERED = frozenset({str, bool, bytes, Duration, Timestamp})
_MIN_INT, _MAX_INT = float(-(2**63)), float(2**63 - 1)
_MAX_UINT = float(2**64 - 1)


def equal(left: Any, right: Any, typed: TypedValues | None = None) -> Any:
    """`left == right`: a bool, a `CelError`, or the `Unknown` that decides it.

    An error stands only where an opaque or `typed` value on the left meets another type. Inside lists and maps such an error counts as equality,
    as in `baseList.Equal` and `baseMap.Equal`; in typed ones it does not. `!=` is true where this gives an error (`evalNe` of
    interpreter/interpretable.go).
    """
    kind = type(left)
    if kind is type(right) and kind in _SELF_EVIDENT:
        return left == right
    if left is None or right is None:
        return left is right
    if isinstance(left, Unknown):
        return left
    if isinstance(right, Unknown):
        return right
    return _equal(left, right, typed)


def compare(left: Any, right: Any) -> Any:
    """-1, 0 or 1, or a `CelError` where the types have no order between them (`no such overload`) or a NaN is compared."""
    kind = type(left)
    if kind is type(right) and kind in _ORDERED:
        return (left > right) - (left < right)
    if _is_number(left) and _is_number(right):
        return _compare_numbers(left, right)
    return NO_SUCH_OVERLOAD


def _equal(left: Any, right: Any, typed: TypedValues | None) -> Any:
    if isinstance(left, Opaque):
        return left.equal(right)
    if isinstance(left, list):
        return _equal_lists(left, right, typed) if isinstance(right, list) else _other_type(left, typed)
    if isinstance(left, dict):
        return _equal_maps(left, right, typed) if isinstance(right, dict) else _other_type(left, typed)
    if isinstance(left, Optional):
        return isinstance(right, Optional) and _equal_optionals(left, right, typed)
    return _is_number(left) and _is_number(right) and _compare_numbers(left, right) == 0


def _other_type(left: Any, typed: TypedValues | None) -> Any:
    return NO_SUCH_OVERLOAD if typed is not None and left in typed else False


def _equal_lists(left: list[Any], right: list[Any], typed: TypedValues | None) -> Any:
    return len(left) == len(right) and _conjunction(left, zip(left, right, strict=True), typed)


def _equal_maps(left: dict[Any, Any], right: dict[Any, Any], typed: TypedValues | None) -> Any:
    if len(left) != len(right):
        return False
    if not all(key in right for key in left) or _bool_for_number(left, right):
        return False
    return _conjunction(left, ((value, right[key]) for key, value in left.items()), typed)


def _bool_for_number(left: dict[Any, Any], right: dict[Any, Any]) -> bool:
    """Whether a bool key stands where the other map has a number: to Python they are one key, to CEL they are not."""
    if all(type(key) is str for key in left):
        return False
    return {key for key in left if isinstance(key, bool)} != {key for key in right if isinstance(key, bool)}


def _conjunction(within: Any, pairs: Any, typed: TypedValues | None) -> Any:
    undecided: Unknown | None = None
    for left, right in pairs:
        verdict = equal(left, right, typed)
        if verdict is False or (isinstance(verdict, CelError) and typed is not None and within in typed):
            return False
        if isinstance(verdict, Unknown):
            undecided = undecided or verdict
    return True if undecided is None else undecided


def _equal_optionals(left: Optional, right: Optional, typed: TypedValues | None) -> Any:
    if left.value is ABSENT or right.value is ABSENT:
        return left.value is right.value
    if isinstance(left.value, CelError):
        return left.value
    if isinstance(left.value, Opaque) and not isinstance(right.value, Unknown):
        return right.value if isinstance(right.value, CelError) else left.value.equal(right.value)
    if right.value is None and isinstance(left.value, list | dict):
        return _other_type(left.value, typed)
    return equal(left.value, right.value, typed)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _compare_numbers(left: Any, right: Any) -> Any:
    if left != left or right != right:
        return _UNORDERED
    if isinstance(left, float) and not isinstance(right, float):
        return _compare_double(left, right)
    if isinstance(right, float) and not isinstance(left, float):
        return -_compare_double(right, left)
    return (left > right) - (left < right)


def _compare_double(double: float, whole: int) -> int:
    """cel-go compares a double with the double nearest to the integer, not with the integer."""
    low, high = (0.0, _MAX_UINT) if isinstance(whole, Uint) else (_MIN_INT, _MAX_INT)
    if double < low:
        return -1
    if double > high:
        return 1
    nearest = float(whole)
    return (double > nearest) - (double < nearest)

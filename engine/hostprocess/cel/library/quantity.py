"""Quantities. Source: k8s.io/apiserver/pkg/cel/library/quantity.go, k8s.io/apiserver/pkg/cel/quantity.go, k8s.io/apimachinery/pkg/api/resource."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from hostprocess.cel.declarations import Library, Overload
from hostprocess.cel.equality import NO_SUCH_OVERLOAD
from hostprocess.cel.library.costs import cost_of
from hostprocess.cel.runtime import CelError
from hostprocess.cel.values import Opaque
from hostprocess.kubernetes import quantities
from hostprocess.kubernetes.quantities import DECIMAL_EXPONENT

__all__ = ["LIBRARY", "Quantity"]

_LEAST, _MOST = -(2**63), 2**63 - 1
_SPREAD = 100_000  # beyond this difference of powers of ten a sum is not computed
_LONG_NUMBER = re.compile("[+-]?[0-9.]{3000}")
_TOO_LONG = CelError("a quantity of so many digits is not read", kind="limitation")
_TOO_FAR = CelError("the sum of quantities so far apart is not computed", kind="limitation")


@dataclass(frozen=True, slots=True)
class Quantity(Opaque):
    """`kubernetes.Quantity`. `pointer` marks what `add` and `sub` give: Go's equality does not know it on the right side."""

    type_name: ClassVar[str] = "kubernetes.Quantity"
    quantity: quantities.Quantity
    pointer: bool = False

    def equal(self, other: Any) -> Any:
        """The same number."""
        if not isinstance(other, Quantity) or other.pointer:
            return NO_SUCH_OVERLOAD
        return _compare(self, other) == 0

    def __str__(self) -> str:
        return str(self.quantity)


def _quantity(text: str) -> Any:
    if _LONG_NUMBER.match(text):
        return _TOO_LONG
    try:
        return Quantity(quantities.parse(text))
    except ValueError as error:
        return CelError(str(error))


def _is_quantity(text: str) -> Any:
    parsed = _quantity(text)
    return parsed if parsed is _TOO_LONG else isinstance(parsed, Quantity)


def _sign(value: Quantity) -> int:
    unscaled = value.quantity.unscaled
    return (unscaled > 0) - (unscaled < 0)


def _compare(left: Quantity, right: Quantity) -> int:
    """-1, 0 or 1 (`Cmp`), without writing out numbers of many digits."""
    signs = _sign(left), _sign(right)
    if signs[0] != signs[1] or signs[0] == 0:
        return (signs[0] > signs[1]) - (signs[0] < signs[1])
    lengths = _length(left.quantity), _length(right.quantity)
    if lengths[0] != lengths[1]:
        return signs[0] if lengths[0] > lengths[1] else -signs[0]
    first, second = _aligned(left.quantity, right.quantity)
    return (first > second) - (first < second)


def _aligned(left: quantities.Quantity, right: quantities.Quantity) -> tuple[int, int]:
    """Both numbers in units of the lower power of ten."""
    lowest = min(left.scale, right.scale)
    return left.unscaled * int(10 ** (left.scale - lowest)), right.unscaled * int(10 ** (right.scale - lowest))


def _length(value: quantities.Quantity) -> int:
    """The power of ten behind the first digit; `str` would refuse numbers of thousands of digits."""
    digits = abs(value.unscaled).bit_length() * 30103 // 100000
    return digits + int(abs(value.unscaled) >= 10**digits) + value.scale


def _add(left: Quantity, right: Quantity) -> Any:
    return _sum(left.quantity, right.quantity)


def _sub(left: Quantity, right: Quantity) -> Any:
    return _difference(left.quantity, right.quantity)


def _add_int(left: Quantity, right: int) -> Any:
    return _sum(left.quantity, quantities.Quantity(right, 0, DECIMAL_EXPONENT))


def _sub_int(left: Quantity, right: int) -> Any:
    return _difference(left.quantity, quantities.Quantity(right, 0, DECIMAL_EXPONENT))


def _difference(left: quantities.Quantity, right: quantities.Quantity) -> Any:
    """Go adds the negative; that of the least integer of 64 bits is itself, which tells where the sum stays within 64 bits (`int64Amount.Sub`)."""
    if right.unscaled == _LEAST and not (left.large or right.large):
        wrapped = _sum(left, right)
        if isinstance(wrapped, CelError) or not wrapped.quantity.large:
            return wrapped
    return _sum(left, replace(right, unscaled=-right.unscaled))


def _sum(left: quantities.Quantity, right: quantities.Quantity) -> Any:
    """In 64 bits where both are and the sum fits, else a decimal of any size; zero takes over the format of what is added."""
    form = left.format if left.unscaled else right.format
    large = left.large or right.large
    if not large and not right.unscaled:
        return Quantity(replace(left, format=form, text=""), pointer=True)
    if not large and not left.unscaled:
        return Quantity(quantities.Quantity(right.unscaled, right.scale, form), pointer=True)
    if abs(left.scale - right.scale) > _SPREAD:
        return _TOO_FAR
    first, second = _aligned(left, right)
    fits = all(_LEAST <= number <= _MOST for number in (first, second, first + second))
    return Quantity(quantities.Quantity(first + second, min(left.scale, right.scale), form, large or not fits), pointer=True)


def _as_integer(value: Quantity) -> Any:
    number = value.quantity.as_int64()
    return CelError("cannot convert value to integer") if number is None else number


def _is_integer(value: Quantity) -> bool:
    return value.quantity.as_int64() is not None


def _as_approximate_float(value: Quantity) -> float:
    try:
        base = float(value.quantity.unscaled)
    except OverflowError:
        base = float("inf") * _sign(value)
    return base * _power_of_ten(value.quantity.scale) if value.quantity.scale else base


def _power_of_ten(exponent: int) -> float:
    """`math.Pow10`: a product, or for negative ones a quotient, of two powers, which may be off by the last bit."""
    if exponent > 308:
        return float("inf")
    if exponent < -323:
        return 0.0
    high, low = divmod(abs(exponent), 32)
    return float(f"1e{high * 32}") * float(f"1e{low}") if exponent > 0 else float(f"1e-{high * 32}") / float(f"1e{low}")


def _overload(identifier: str, function: str, arguments: str, result: str, implementation: Callable[..., Any], member: bool = True) -> Overload:
    return Overload(
        id=identifier,
        function=function,
        arguments=tuple(arguments.split()),
        result=result,
        member=member,
        implementation=implementation,
        cost=cost_of(function, identifier),
    )


_ONE = Quantity.type_name
_TWO, _WITH_INT = f"{_ONE} {_ONE}", f"{_ONE} int"
LIBRARY = Library(
    name="kubernetes.quantity",
    introduced=28,
    overloads=(
        _overload("string_to_quantity", "quantity", "string", _ONE, _quantity, member=False),
        _overload("is_quantity_string", "isQuantity", "string", "bool", _is_quantity, member=False),
        # A global function, whatever the documentation says.
        _overload("quantity_sign", "sign", _ONE, "int", _sign, member=False),
        _overload("quantity_is_greater_than", "isGreaterThan", _TWO, "bool", lambda left, right: _compare(left, right) == 1),
        _overload("quantity_is_less_than", "isLessThan", _TWO, "bool", lambda left, right: _compare(left, right) == -1),
        _overload("quantity_compare_to", "compareTo", _TWO, "int", _compare),
        _overload("quantity_get_float", "asApproximateFloat", _ONE, "double", _as_approximate_float),
        _overload("quantity_get_int", "asInteger", _ONE, "int", _as_integer),
        _overload("quantity_is_integer", "isInteger", _ONE, "bool", _is_integer),
        _overload("quantity_add", "add", _TWO, _ONE, _add),
        _overload("quantity_add_int", "add", _WITH_INT, _ONE, _add_int),
        _overload("quantity_sub", "sub", _TWO, _ONE, _sub),
        _overload("quantity_sub_int", "sub", _WITH_INT, _ONE, _sub_int),
    ),
)

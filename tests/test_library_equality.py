"""Equality and order of CEL values across types, as cel-go has them."""

from __future__ import annotations

from typing import Any

import pytest

from hostprocess.cel.equality import NO_SUCH_OVERLOAD, compare, equal
from hostprocess.cel.runtime import CelError
from hostprocess.cel.values import Duration, Opaque, Optional, Timestamp, TypeValue, Uint
from hostprocess.model import UNKNOWN

NAN = float("nan")


class Picky(Opaque):
    type_name = "picky"

    def equal(self, other: Any) -> Any:
        return other is self if isinstance(other, Picky) else NO_SUCH_OVERLOAD


PICKY = Picky()


@pytest.mark.parametrize(
    ("left", "right", "verdict"),
    [
        (1, 1.0, True),
        (Uint(1), 1, True),
        (1, True, False),
        (True, 1.0, False),
        (0, False, False),
        (9007199254740993, 9007199254740992.0, True),  # the double nearest to the integer
        (NAN, NAN, False),
        (1, NAN, False),
        (Uint(2**64 - 1), 1.8446744073709552e19, True),
        (-1, Uint(2**64 - 1), False),
        ("a", b"a", False),
        (None, None, True),
        (None, False, False),
        (PICKY, None, False),
        ([1, [2.0]], [Uint(1), [2]], True),
        ([1], [True], False),
        ([1], [1, 2], False),
        ({"a": 1}, {"a": 1.0}, True),
        ({"a": None}, {"b": None}, False),
        ({1: "x"}, {Uint(1): "x"}, True),
        ({1: "x"}, {True: "x"}, False),
        (Duration(1), Duration(1), True),
        (Duration(1), Timestamp(1), False),
        (TypeValue("int"), TypeValue("int"), True),
        (Optional(1), Optional(1.0), True),
        (Optional(), Optional(), True),
        (Optional(), Optional(None), False),
        (Optional(1), 1, False),
        (PICKY, PICKY, True),
        (1, PICKY, False),
        (PICKY, 1, NO_SUCH_OVERLOAD),
        ([PICKY], [1], True),  # an error of an element counts as equality
        ([1], [PICKY], False),
        ([UNKNOWN, 1], [1, 1], UNKNOWN),
        ([UNKNOWN, 1], [1, 2], False),
        ({"a": UNKNOWN}, {"a": 1}, UNKNOWN),
        (UNKNOWN, 1, UNKNOWN),
    ],
)
def test_equal(left: Any, right: Any, verdict: Any) -> None:
    assert equal(left, right) is verdict or equal(left, right) == verdict
    assert type(equal(left, right)) is type(verdict)


@pytest.mark.parametrize(
    ("left", "right", "order"),
    [
        (1, 2.5, -1),
        (Uint(3), 2, 1),
        (2**53 + 1, float(2**53), 0),
        (-(2**63), -9.3e18, 1),
        (1, NAN, CelError("NaN values cannot be ordered")),
        ("a", "b", -1),
        (False, True, -1),
        (b"b", b"a", 1),
        (Duration(5), Duration(5), 0),
        (Timestamp(5), Duration(5), NO_SUCH_OVERLOAD),
        ("1", 1, NO_SUCH_OVERLOAD),
        (True, 0, NO_SUCH_OVERLOAD),
        ([1], [1], NO_SUCH_OVERLOAD),
        (None, None, NO_SUCH_OVERLOAD),
    ],
)
def test_compare(left: Any, right: Any, order: Any) -> None:
    assert compare(left, right) == order

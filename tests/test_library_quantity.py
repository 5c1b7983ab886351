"""Quantities.

The results and costs were computed with the Go libraries of the releases.
"""

from __future__ import annotations

from typing import Any

import pytest

from hostprocess.cel.equality import NO_SUCH_OVERLOAD
from hostprocess.cel.runtime import CelError
from library_calls import INF, called, overloads, quantity

CASES: list[tuple[int, str, list[Any], Any, int]] = [
    (37, "string_to_quantity", ["1"], "1", 1),
    (37, "string_to_quantity", ["1000m"], "1", 1),
    (37, "string_to_quantity", ["0.5"], "500m", 1),
    (37, "string_to_quantity", ["1.5Gi"], "1536Mi", 1),
    (37, "string_to_quantity", ["1024Mi"], "1Gi", 1),
    (37, "string_to_quantity", ["1e3"], "1e3", 1),
    (37, "string_to_quantity", ["-1.5k"], "-1500", 1),
    (37, "string_to_quantity", ["+5"], "+5", 1),
    (37, "string_to_quantity", ["0.0000000001"], "1n", 2),
    (37, "string_to_quantity", ["-0.0000000001"], "-1n", 2),
    (37, "string_to_quantity", ["9223372036854775808"], "9223372036854775808", 2),
    (37, "string_to_quantity", ["99999999999999999999Ei"], "9223372036854775807", 3),
    (37, "string_to_quantity", ["K"], CelError("unable to parse quantity's suffix"), 1),
    (37, "string_to_quantity", ["1,3G"], CelError("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"), 1),
    (37, "string_to_quantity", [" 1"], CelError("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"), 1),
    (37, "string_to_quantity", ["1.2.3"], CelError("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"), 1),
    (37, "string_to_quantity", ["."], "0", 1),
    (37, "string_to_quantity", ["1e"], CelError("unable to parse quantity's suffix"), 1),
    (37, "string_to_quantity", ["0.5Mi"], "512Ki", 1),
    (37, "string_to_quantity", ["100.000"], "100", 1),
    (37, "is_quantity_string", ["200Mi"], True, 1),
    (37, "is_quantity_string", ["200K"], False, 1),
    (37, "quantity_get_int", [quantity("50k")], 50000, 1),
    (37, "quantity_is_integer", [quantity("50k")], True, 1),
    (37, "quantity_get_float", [quantity("50k")], 50000.0, 1),
    (37, "quantity_sign", [quantity("50k")], 1, 1),
    (37, "quantity_get_int", [quantity("1.5")], CelError("cannot convert value to integer"), 1),
    (37, "quantity_is_integer", [quantity("1.5")], False, 1),
    (37, "quantity_get_float", [quantity("1.5")], 1.5, 1),
    (37, "quantity_sign", [quantity("1.5")], 1, 1),
    (37, "quantity_get_int", [quantity("9999999999999999999999")], CelError("cannot convert value to integer"), 1),
    (37, "quantity_is_integer", [quantity("9999999999999999999999")], False, 1),
    (37, "quantity_get_float", [quantity("9999999999999999999999")], 1e22, 1),
    (37, "quantity_sign", [quantity("9999999999999999999999")], 1, 1),
    (37, "quantity_get_int", [quantity("1Ei")], CelError("cannot convert value to integer"), 1),
    (37, "quantity_is_integer", [quantity("1Ei")], False, 1),
    (37, "quantity_get_float", [quantity("1Ei")], 1.152921504606847e18, 1),
    (37, "quantity_sign", [quantity("1Ei")], 1, 1),
    (37, "quantity_get_int", [quantity("8Ei")], CelError("cannot convert value to integer"), 1),
    (37, "quantity_is_integer", [quantity("8Ei")], False, 1),
    (37, "quantity_get_float", [quantity("8Ei")], 9.223372036854776e18, 1),
    (37, "quantity_sign", [quantity("8Ei")], 1, 1),
    (37, "quantity_get_int", [quantity("0.1")], CelError("cannot convert value to integer"), 1),
    (37, "quantity_is_integer", [quantity("0.1")], False, 1),
    (37, "quantity_get_float", [quantity("0.1")], 0.1, 1),
    (37, "quantity_sign", [quantity("0.1")], 1, 1),
    (37, "quantity_get_int", [quantity("-3")], -3, 1),
    (37, "quantity_is_integer", [quantity("-3")], True, 1),
    (37, "quantity_get_float", [quantity("-3")], -3.0, 1),
    (37, "quantity_sign", [quantity("-3")], -1, 1),
    (37, "quantity_get_int", [quantity("1e-3")], CelError("cannot convert value to integer"), 1),
    (37, "quantity_is_integer", [quantity("1e-3")], False, 1),
    (37, "quantity_get_float", [quantity("1e-3")], 0.001, 1),
    (37, "quantity_sign", [quantity("1e-3")], 1, 1),
    (37, "quantity_get_int", [quantity("123456789e9")], 123456789000000000, 1),
    (37, "quantity_is_integer", [quantity("123456789e9")], True, 1),
    (37, "quantity_get_float", [quantity("123456789e9")], 1.23456789e17, 1),
    (37, "quantity_sign", [quantity("123456789e9")], 1, 1),
    (37, "quantity_get_int", [quantity("1.1e-9")], CelError("cannot convert value to integer"), 1),
    (37, "quantity_is_integer", [quantity("1.1e-9")], False, 1),
    (37, "quantity_get_float", [quantity("1.1e-9")], 2e-09, 1),
    (37, "quantity_sign", [quantity("1.1e-9")], 1, 1),
    (37, "quantity_compare_to", [quantity("1"), quantity("1000m")], 0, 1),
    (37, "quantity_add", [quantity("1"), quantity("1000m")], "2", 1),
    (37, "quantity_sub", [quantity("1"), quantity("1000m")], "0", 1),
    (37, "quantity_compare_to", [quantity("1Ki"), quantity("1k")], 1, 1),
    (37, "quantity_add", [quantity("1Ki"), quantity("1k")], "2024", 1),
    (37, "quantity_sub", [quantity("1Ki"), quantity("1k")], "24", 1),
    (37, "quantity_compare_to", [quantity("-1"), quantity("-2")], 1, 1),
    (37, "quantity_add", [quantity("-1"), quantity("-2")], "-3", 1),
    (37, "quantity_sub", [quantity("-1"), quantity("-2")], "1", 1),
    (37, "quantity_compare_to", [quantity("0.0000000001"), quantity("1n")], 0, 1),
    (37, "quantity_add", [quantity("0.0000000001"), quantity("1n")], "2n", 1),
    (37, "quantity_sub", [quantity("0.0000000001"), quantity("1n")], "0", 1),
    (37, "quantity_compare_to", [quantity("99999999999999999999"), quantity("1e20")], -1, 1),
    (37, "quantity_add", [quantity("99999999999999999999"), quantity("1e20")], "199999999999999999999", 1),
    (37, "quantity_sub", [quantity("99999999999999999999"), quantity("1e20")], "-1", 1),
    (37, "quantity_compare_to", [quantity("9223372036854775807"), quantity("1")], 1, 1),
    (37, "quantity_add", [quantity("9223372036854775807"), quantity("1")], "9223372036854775808", 1),
    (37, "quantity_sub", [quantity("9223372036854775807"), quantity("1")], "9223372036854775806", 1),
    (37, "quantity_compare_to", [quantity("0"), quantity("1Mi")], -1, 1),
    (37, "quantity_add", [quantity("0"), quantity("1Mi")], "1Mi", 1),
    (37, "quantity_sub", [quantity("0"), quantity("1Mi")], "-1Mi", 1),
    (37, "quantity_compare_to", [quantity("1Mi"), quantity("0")], 1, 1),
    (37, "quantity_add", [quantity("1Mi"), quantity("0")], "1Mi", 1),
    (37, "quantity_sub", [quantity("1Mi"), quantity("0")], "1Mi", 1),
    (37, "quantity_compare_to", [quantity("1.5"), quantity("1Ki")], -1, 1),
    (37, "quantity_add", [quantity("1.5"), quantity("1Ki")], "1025500m", 1),
    (37, "quantity_sub", [quantity("1.5"), quantity("1Ki")], "-1022500m", 1),
    (37, "quantity_is_less_than", [quantity("1"), quantity("1")], False, 1),
    (37, "quantity_is_greater_than", [quantity("1"), quantity("1")], False, 1),
    (37, "quantity_is_less_than", [quantity("1"), quantity("2")], True, 1),
    (37, "quantity_is_greater_than", [quantity("1"), quantity("2")], False, 1),
    (37, "quantity_add_int", [quantity("1Mi"), 5], "1048581", 1),
    (37, "quantity_sub_int", [quantity("1Mi"), 5], "1048571", 1),
    (37, "quantity_add_int", [quantity("1.5"), -1], "500m", 1),
    (37, "quantity_sub_int", [quantity("1.5"), -1], "2500m", 1),
    (37, "quantity_add_int", [quantity("9223372036854775807"), 1], "9223372036854775808", 1),
    (37, "quantity_sub_int", [quantity("9223372036854775807"), 1], "9223372036854775806", 1),
    (37, "quantity_add_int", [quantity("0"), 7], "7", 1),
    (37, "quantity_sub_int", [quantity("0"), 7], "-7", 1),
    (30, "string_to_quantity", ["1"], "1", 1),
    (30, "string_to_quantity", ["1000m"], "1", 1),
]


@pytest.mark.parametrize(("minor", "overload", "arguments", "result", "cost"), CASES)
def test_call(minor: int, overload: str, arguments: list[Any], result: Any, cost: int) -> None:
    assert called(minor, overload, arguments) == (result, cost)


def test_equality_depends_on_the_side() -> None:
    one, summed = quantity("1"), overloads(37)["quantity_add"].implementation(quantity("0.5"), quantity("500m"))
    assert one.equal(quantity("1000m")) is True
    assert summed.equal(one) is True
    assert one.equal(summed) == NO_SUCH_OVERLOAD
    assert summed.equal(summed) == NO_SUCH_OVERLOAD
    assert one.equal(1) == NO_SUCH_OVERLOAD


def test_numbers_too_long_to_write_out() -> None:
    huge, tiny = quantity("1e99999999"), quantity("1")
    assert called(37, "quantity_compare_to", [huge, tiny]) == (1, 1)
    assert called(37, "quantity_get_float", [huge]) == (INF, 1)
    assert overloads(37)["quantity_add"].implementation(huge, tiny).kind == "limitation"
    assert called(37, "quantity_compare_to", [quantity("1e1000"), quantity("9" * 2000)]) == (-1, 1)
    assert called(37, "string_to_quantity", ["9" * 5000])[0].kind == "limitation"
    assert called(37, "is_quantity_string", ["x" * 5000])[0] is False

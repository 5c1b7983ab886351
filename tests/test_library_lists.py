"""The list functions of Kubernetes, ext.Lists and ext.Sets.

The results and costs were computed with the Go libraries of the releases.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from hostprocess.cel.declarations import GoPanic
from hostprocess.cel.library.go_sort import _Sorting
from hostprocess.cel.runtime import CelError
from hostprocess.cel.values import Duration, Timestamp, Uint
from hostprocess.model import UNKNOWN
from library_calls import NAN, called, overloads

CASES: list[tuple[int, str, list[Any], Any, int]] = [
    (30, "list_int_is_sorted_bool", [[1, 2, 2]], True, 1),
    (30, "list_int_is_sorted_bool", [[2, 1]], False, 1),
    (30, "list_string_is_sorted_bool", [["xxxxxxxxxxxxxxxxxxxxxxxxx", "xxxxxxxxxxxxxxxxxxxxxxxxxy"]], True, 1),
    (30, "list_double_is_sorted_bool", [[2.0, NAN, 1.0]], True, 1),
    (30, "list_sets_contains_list", [[1, "a", [2.0]], [Uint(1), "a", [2]]], True, 10),
    (30, "list_sets_equivalent_list", [[1, "a", [2.0]], [Uint(1), "a", [2]]], True, 19),
    (30, "list_sets_intersects_list", [[1, "a", [2.0]], [Uint(1), "a", [2]]], True, 10),
    (37, "list_int_is_sorted_bool", [[1, 2, 2]], True, 3),
    (37, "list_int_is_sorted_bool", [[2, 1]], False, 2),
    (37, "list_string_is_sorted_bool", [["xxxxxxxxxxxxxxxxxxxxxxxxx", "xxxxxxxxxxxxxxxxxxxxxxxxxy"]], True, 4),
    (37, "list_double_is_sorted_bool", [[2.0, NAN, 1.0]], True, 3),
    (37, "list_int_sum_int", [[1, 2, 3]], 6, 3),
    (37, "list_int_sum_int", [[9223372036854775807, 1]], CelError("integer overflow"), 2),
    (37, "list_uint_sum_uint", [[Uint(18446744073709551615), Uint(1)]], CelError("unsigned integer overflow"), 2),
    (37, "list_double_sum_double", [[0.1, 0.2]], 0.30000000000000004, 2),
    (37, "list_duration_sum_duration", [[Duration(5), Duration(-7)]], Duration(-2), 2),
    (37, "list_duration_sum_duration", [[Duration(9223372036854775807), Duration(1)]], CelError("integer overflow"), 2),
    (37, "list_int_max_int", [[1, 3, 2]], 3, 3),
    (37, "list_string_min_string", [["b", "a", "é"]], "a", 0),
    (37, "list_bytes_max_bytes", [[b"a", b"\xff"]], b"\xff", 0),
    (37, "list_bool_min_bool", [[True, False]], False, 2),
    (37, "list_timestamp_max_timestamp", [[Timestamp(1), Timestamp(2)]], Timestamp(2), 2),
    (37, "list_a_index_of_int", [["a", "b", "a"], "a"], 0, 0),
    (37, "list_a_last_index_of_int", [["a", "b", "a"], "a"], 2, 0),
    (37, "list_sets_contains_list", [[1, 2], [2]], True, 3),
    (37, "list_sets_equivalent_list", [[1, 2], [2]], False, 5),
    (37, "list_sets_intersects_list", [[1, 2], [2]], True, 3),
    (37, "list_sets_contains_list", [[1], [1, 2]], False, 3),
    (37, "list_sets_equivalent_list", [[1], [1, 2]], False, 5),
    (37, "list_sets_intersects_list", [[1], [1, 2]], True, 3),
    (37, "list_sets_contains_list", [[1, "a", [2.0]], [Uint(1), "a", [2]]], True, 10),
    (37, "list_sets_equivalent_list", [[1, "a", [2.0]], [Uint(1), "a", [2]]], True, 19),
    (37, "list_sets_intersects_list", [[1, "a", [2.0]], [Uint(1), "a", [2]]], True, 10),
    (34, "list_slice", [[1, 2, 3], 0, 2], [1, 2], 13),
    (34, "list_slice", [[1, 2], -1, 2], CelError("cannot slice(-1, 2), negative indexes not supported"), 12),
    (34, "list_slice", [[1, 2], 2, 1], CelError("cannot slice(2, 1), start index must be less than or equal to end index"), 12),
    (34, "list_slice", [[1, 2], 0, 3], CelError("cannot slice(0, 3), list is length 2"), 12),
    (34, "list_flatten", [[[1, 2], [3]]], [1, 2, 3], 13),
    (34, "list_flatten_int", [[1, [2, [3]]], 1], [1, 2, [3]], 13),
    (34, "list_flatten_int", [[1, [2, [3]]], 2], [1, 2, 3], 15),
    (34, "list_flatten_int", [[1, [2]], 0], [1, [2]], 11),
    (34, "list_flatten_int", [[1, [2]], -1], CelError("level must be non-negative"), 9),
    (34, "list_int_sort", [[3, 1, 2]], [1, 2, 3], 29),
    (34, "list_string_sort", [["b", "a"]], ["a", "b"], 19),
    (34, "list_double_sort", [[2.0, NAN, 1.0]], [2.0, NAN, 1.0], 29),
    (34, "list_google.protobuf.Duration_sort", [[Duration(2), Duration(1)]], [Duration(1), Duration(2)], 19),
    (34, "list_reverse", [[1, 2, 3]], [3, 2, 1], 14),
    (34, "list_distinct", [[1, 2, 1]], [1, 2], 29),
    (34, "list_distinct", [[1, 1.0, "a", "a", [1], [Uint(1)], None, None]], [1, "a", [1], None], 139),
    (34, "list_distinct", [["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "b"]], ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "b"], 19),
    (34, "lists_range", [4], [0, 1, 2, 3], 15),
    (34, "lists_range", [-1], [], 11),
    (37, "list_slice", [[1, 2, 3], 0, 2], [1, 2], 13),
    (37, "list_slice", [[1, 2], -1, 2], CelError("cannot slice(-1, 2), negative indexes not supported"), 12),
    (37, "list_slice", [[1, 2], 2, 1], CelError("cannot slice(2, 1), start index must be less than or equal to end index"), 12),
    (37, "list_slice", [[1, 2], 0, 3], CelError("cannot slice(0, 3), list is length 2"), 12),
    (37, "list_flatten", [[[1, 2], [3]]], [1, 2, 3], 13),
    (37, "list_flatten_int", [[1, [2, [3]]], 1], [1, 2, [3]], 13),
    (37, "list_flatten_int", [[1, [2, [3]]], 2], [1, 2, 3], 15),
    (37, "list_flatten_int", [[1, [2]], 0], [1, [2]], 11),
    (37, "list_flatten_int", [[1, [2]], -1], CelError("level must be non-negative"), 13),
    (37, "list_int_sort", [[3, 1, 2]], [1, 2, 3], 29),
    (37, "list_string_sort", [["b", "a"]], ["a", "b"], 19),
    (37, "list_double_sort", [[2.0, NAN, 1.0]], [2.0, NAN, 1.0], 29),
    (37, "list_google.protobuf.Duration_sort", [[Duration(2), Duration(1)]], [Duration(1), Duration(2)], 19),
    (37, "list_reverse", [[1, 2, 3]], [3, 2, 1], 14),
    (37, "list_distinct", [[1, 2, 1]], [1, 2], 29),
    (37, "list_distinct", [[1, 1.0, "a", "a", [1], [Uint(1)], None, None]], [1, "a", [1], None], 139),
    (37, "list_distinct", [["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "b"]], ["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "b"], 19),
    (37, "lists_range", [4], [0, 1, 2, 3], 15),
    (37, "lists_range", [-1], CelError("lists.range: size must be non-negative, got -1"), 12),
    (37, "lists_range", [1000001], CelError("lists.range: size 1000001 exceeds maximum allowed (1000000)"), 12),
    (37, "list_includes_dyn_dyn", [[1, "a"], 1.0], True, 1),
    (37, "list_includes_dyn_dyn", ["a", "a"], True, 0),
    (37, "list_includes_dyn_dyn", [{"a": 1}, "a"], False, 1),
]


@pytest.mark.parametrize(("minor", "overload", "arguments", "result", "cost"), CASES)
def test_call(minor: int, overload: str, arguments: list[Any], result: Any, cost: int) -> None:
    assert called(minor, overload, arguments) == (result, cost)


@pytest.mark.parametrize(
    ("overload", "arguments", "text"),
    [
        ("list_distinct", [1], "types.Int is not traits.Lister: missing method Contains"),
        ("list_distinct", [CelError("no such key: x")], "*types.Err is not traits.Lister: missing method Add"),
        ("list_string_sort", [{}], "*types.baseMap is not traits.Lister: missing method Add"),
        ("list_flatten_int", [[], 1.5], "ref.Val is types.Double, not types.Int"),
    ],
)
def test_costs_that_panic(overload: str, arguments: list[Any], text: str) -> None:
    cost = overloads(37)[overload].cost
    assert cost is not None
    with pytest.raises(GoPanic, match=re.escape(f"interface conversion: {text}")):
        cost(arguments, CelError("no such overload"))


def test_flat_and_no_lists() -> None:
    assert called(37, "list_flatten", [[1, 2]])[0] == [1, 2]
    for value, text in ((5, "int"), ({}, "map(dyn, dyn)")):
        assert overloads(37)["list_flatten"].implementation(value) == CelError(f"no such overload: {text}.flatten()")


def test_sorting_by_keys() -> None:
    sort_by = overloads(37)["list_int_sortByAssociatedKeys"].implementation
    assert sort_by(["foo", "bar", "baz"], [3, 1, 2]) == ["bar", "baz", "foo"]
    assert sort_by(["a", "b"], [1, "x"]) == CelError("list elements must have the same type")
    assert sort_by(["a"], [None]) == CelError("list elements must be comparable")


def test_what_was_not_given() -> None:
    for overload in ("list_int_sum_int", "list_int_max_int", "list_int_is_sorted_bool", "list_distinct", "list_int_sort", "list_join"):
        assert overloads(37)[overload].implementation([1, UNKNOWN]) is UNKNOWN
    assert overloads(37)["list_a_index_of_int"].implementation([1, UNKNOWN], 1) == 0
    assert overloads(37)["list_a_index_of_int"].implementation([UNKNOWN, 1], 1) is UNKNOWN
    assert overloads(37)["list_sets_contains_list"].implementation([UNKNOWN, 1], [1]) is True
    assert overloads(37)["list_sets_contains_list"].implementation([UNKNOWN, 1], [2]) is UNKNOWN
    assert overloads(37)["list_sets_intersects_list"].implementation([UNKNOWN, 1], [1]) is True
    assert overloads(37)["string_format"].implementation("%s", [{"a": [UNKNOWN]}]) is UNKNOWN
    assert overloads(37)["list_slice"].implementation([1, UNKNOWN], 1, 2) == [UNKNOWN]


@pytest.mark.parametrize(
    ("keys", "order"),
    [
        ([index % 3 for index in range(20)], [9, 18, 15, 3, 12, 0, 6, 10, 7, 4, 13, 16, 1, 19, 8, 5, 11, 14, 2, 17]),
        ([5 - index // 4 for index in range(24)], [23, 22, 21, 20, 16, 19, 18, 17, 12, 13, 14, 15, 8, 10, 11, 9, 6, 7, 5, 4, 0, 3, 2, 1]),
        (
            [int(digit) for digit in "144124340403241134433111430014020234333431200131232343424434"],
            [
                8,
                44,
                43,
                32,
                30,
                27,
                26,
                10,
                45,
                21,
                47,
                0,
                41,
                3,
                14,
                15,
                28,
                23,
                22,
                33,
                50,
                55,
                48,
                42,
                12,
                31,
                4,
                11,
                16,
                58,
                6,
                25,
                19,
                53,
                34,
                51,
                36,
                37,
                38,
                20,
                40,
                49,
                46,
                35,
                52,
                2,
                17,
                7,
                18,
                24,
                39,
                5,
                1,
                9,
                54,
                13,
                56,
                57,
                29,
                59,
            ],
        ),
    ],
)
def test_order_of_equal_keys(keys: list[int], order: list[int]) -> None:
    assert overloads(37)["list_int_sortByAssociatedKeys"].implementation(list(range(len(keys))), keys) == order


@pytest.mark.parametrize("limit", [0, 1, 2])
def test_sorting_without_luck(limit: int) -> None:
    keys = [value * 7919 % 211 for value in range(300)]
    sorting = _Sorting(len(keys), lambda left, right: keys[left] < keys[right])
    sorting.sort(0, len(keys), limit)
    assert [keys[index] for index in sorting.indices] == sorted(keys)

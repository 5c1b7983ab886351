"""Semantic versions.

The results and costs were computed with the Go libraries of the releases.
"""

from __future__ import annotations

from typing import Any

import pytest

from hostprocess.cel.runtime import CelError
from library_calls import called, semver

CASES: list[tuple[int, str, list[Any], Any, int]] = [
    (37, "string_to_semver", ["1.2.3"], "1.2.3", 1),
    (37, "string_to_semver", ["1.2.3-a.1+b.c"], "1.2.3-a.1+b.c", 2),
    (37, "string_to_semver", ["v1.2.3"], CelError('Invalid character(s) found in major number "v1"'), 1),
    (37, "string_to_semver", ["1.2"], CelError("No Major.Minor.Patch elements found"), 1),
    (37, "string_to_semver", [""], CelError("Version string empty"), 0),
    (37, "string_to_semver", ["01.2.3"], CelError('Major number must not contain leading zeroes "01"'), 1),
    (37, "string_to_semver", ["1.02.3"], CelError('Minor number must not contain leading zeroes "02"'), 1),
    (37, "string_to_semver", ["1.2.03"], CelError('Patch number must not contain leading zeroes "03"'), 1),
    (37, "string_to_semver", ["1.2.3-01"], CelError('Numeric PreRelease version must not contain leading zeroes "01"'), 1),
    (37, "string_to_semver", ["1.2.3-"], CelError("Prerelease is empty"), 1),
    (37, "string_to_semver", ["1.2.3-a..b"], CelError("Prerelease is empty"), 1),
    (37, "string_to_semver", ["1.2.3+"], CelError("Build meta data is empty"), 1),
    (37, "string_to_semver", ["1.2.3-é"], CelError('Invalid character(s) found in prerelease "é"'), 1),
    (37, "string_to_semver", ["1.2.3+é"], CelError('Invalid character(s) found in build meta data "é"'), 1),
    (37, "string_to_semver", ["a.2.3"], CelError('Invalid character(s) found in major number "a"'), 1),
    (37, "string_to_semver", ["1..3"], CelError('strconv.ParseUint: parsing "": invalid syntax'), 1),
    (37, "string_to_semver", ["18446744073709551616.0.0"], CelError('strconv.ParseUint: parsing "18446744073709551616": value out of range'), 3),
    (37, "string_to_semver", ["1.2.3-18446744073709551616"], CelError('strconv.ParseUint: parsing "18446744073709551616": value out of range'), 3),
    (37, "string_bool_to_semver", ["v1.2", True], "1.2.0", 1),
    (37, "string_bool_to_semver", ["v01.02.03-a", True], "1.2.3-a", 2),
    (37, "string_bool_to_semver", ["1", True], "1.0.0", 1),
    (37, "string_bool_to_semver", ["v1.2-a", True], CelError("short version cannot contain PreRelease/Build meta data"), 1),
    (37, "string_bool_to_semver", ["1+b", True], CelError("short version cannot contain PreRelease/Build meta data"), 1),
    (37, "string_bool_to_semver", ["vv1.2.3", True], CelError('Invalid character(s) found in major number "0v1"'), 1),
    (37, "string_bool_to_semver", ["000", True], "0.0.0", 1),
    (37, "string_bool_to_semver", ["1.2.00a", True], CelError('Invalid character(s) found in patch number "0a"'), 1),
    (37, "string_bool_to_semver", ["", True], CelError('strconv.ParseUint: parsing "": invalid syntax'), 0),
    (37, "is_semver_string", ["v1.2.3"], False, 1),
    (37, "is_semver_string_bool", ["v1.2", True], True, 1),
    (37, "semver_compare_to", [semver("1.0.0-a"), semver("1.0.0")], -1, 1),
    (37, "semver_is_less_than", [semver("1.0.0-a"), semver("1.0.0")], True, 1),
    (37, "semver_is_greater_than", [semver("1.0.0-a"), semver("1.0.0")], False, 1),
    (37, "semver_compare_to", [semver("1.0.0-1"), semver("1.0.0-a")], -1, 1),
    (37, "semver_is_less_than", [semver("1.0.0-1"), semver("1.0.0-a")], True, 1),
    (37, "semver_is_greater_than", [semver("1.0.0-1"), semver("1.0.0-a")], False, 1),
    (37, "semver_compare_to", [semver("1.0.0-2"), semver("1.0.0-10")], -1, 1),
    (37, "semver_is_less_than", [semver("1.0.0-2"), semver("1.0.0-10")], True, 1),
    (37, "semver_is_greater_than", [semver("1.0.0-2"), semver("1.0.0-10")], False, 1),
    (37, "semver_compare_to", [semver("1.0.0-a"), semver("1.0.0-a.1")], -1, 1),
    (37, "semver_is_less_than", [semver("1.0.0-a"), semver("1.0.0-a.1")], True, 1),
    (37, "semver_is_greater_than", [semver("1.0.0-a"), semver("1.0.0-a.1")], False, 1),
    (37, "semver_compare_to", [semver("1.0.0+a"), semver("1.0.0+b")], 0, 1),
    (37, "semver_is_less_than", [semver("1.0.0+a"), semver("1.0.0+b")], False, 1),
    (37, "semver_is_greater_than", [semver("1.0.0+a"), semver("1.0.0+b")], False, 1),
    (37, "semver_compare_to", [semver("1.10.0"), semver("1.9.0")], 1, 1),
    (37, "semver_is_less_than", [semver("1.10.0"), semver("1.9.0")], False, 1),
    (37, "semver_is_greater_than", [semver("1.10.0"), semver("1.9.0")], True, 1),
    (37, "semver_major", [semver("18446744073709551615.2.3")], -1, 1),
    (37, "semver_minor", [semver("18446744073709551615.2.3")], 2, 1),
    (37, "semver_patch", [semver("18446744073709551615.2.3")], 3, 1),
]


@pytest.mark.parametrize(("minor", "overload", "arguments", "result", "cost"), CASES)
def test_call(minor: int, overload: str, arguments: list[Any], result: Any, cost: int) -> None:
    assert called(minor, overload, arguments) == (result, cost)

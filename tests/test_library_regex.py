"""Regular expressions: RE2 with the words of Go.

The results and costs were computed with the Go libraries of the releases.
"""

from __future__ import annotations

from typing import Any

import pytest

from hostprocess.cel.runtime import CelError
from library_calls import called

CASES: list[tuple[int, str, list[Any], Any, int]] = [
    (37, "string_find_string", ["abc 123", "[0-9]+"], "123", 2),
    (37, "string_find_string", ["abc", "x"], "", 1),
    (37, "string_find_string", ["aéb", "é"], "é", 1),
    (37, "string_find_string", ["ab", "("], CelError("Illegal regex: error parsing regexp: missing closing ): `(`"), 1),
    (37, "string_find_all_string", ["123 abc 456", "[0-9]*"], ["123", "", "", "", "", "456"], 4),
    (37, "string_find_all_string", ["banana", "a|n"], ["a", "n", "a", "n", "a"], 1),
    (37, "string_find_all_string", ["xaax", "a*"], ["", "aa", ""], 1),
    (37, "string_find_all_string", ["é世", "."], ["é", "世"], 1),
    (37, "string_find_all_string", ["ab", "(?P<x>a)(b)"], ["ab"], 3),
    (37, "string_find_all_string", ["a\nb", "^b"], [], 1),
    (37, "string_find_all_string", ["a\nb", "(?m)^b"], ["b"], 2),
    (37, "string_find_all_string_int", ["a1b2c3", "[0-9]", 0], [], 2),
    (37, "string_find_all_string_int", ["a1b2c3", "[0-9]", 2], ["1", "2"], 2),
    (37, "string_find_all_string_int", ["a1b2c3", "[0-9]", -1], ["1", "2", "3"], 2),
    (37, "string_find_string", ["x", "a**"], CelError("Illegal regex: error parsing regexp: invalid nested repetition operator: `**`"), 1),
    (37, "string_find_string", ["x", "[b-a]"], CelError("Illegal regex: error parsing regexp: invalid character class range: `b-a`"), 2),
    (37, "string_find_string", ["x", "\\8"], CelError("Illegal regex: error parsing regexp: invalid escape sequence: `\\8`"), 1),
    (37, "string_find_string", ["x", "\\"], CelError("Illegal regex: error parsing regexp: trailing backslash at end of expression: ``"), 1),
    (37, "string_find_string", ["x", "*"], CelError("Illegal regex: error parsing regexp: missing argument to repetition operator: `*`"), 1),
    (37, "string_find_string", ["x", "a)"], CelError("Illegal regex: error parsing regexp: unexpected ): `a)`"), 1),
    (37, "string_find_string", ["x", "["], CelError("Illegal regex: error parsing regexp: missing closing ]: `[`"), 1),
    (37, "string_find_string", ["x", "(?!a)"], CelError("Illegal regex: error parsing regexp: invalid or unsupported Perl syntax: `(?!`"), 2),
    (37, "string_find_string", ["x", "x{2,1}"], CelError("Illegal regex: error parsing regexp: invalid repeat count: `{2,1}`"), 2),
    (37, "string_find_string", ["x", "a{1001}"], CelError("Illegal regex: error parsing regexp: invalid repeat count: `{1001}`"), 2),
    (37, "string_find_string", ["x", "(?P<n"], CelError("Illegal regex: error parsing regexp: invalid named capture: `(?P<n`"), 2),
    (37, "string_find_string", ["x", "\\pX"], CelError("Illegal regex: error parsing regexp: invalid character class range: `\\pX`"), 1),
    (37, "string_find_string", ["x", "[[:foo:]]"], CelError("Illegal regex: error parsing regexp: invalid character class range: `[:foo:]`"), 3),
    (37, "string_find_string", ["x", "\\C"], CelError("Illegal regex: error parsing regexp: invalid escape sequence: `\\C`"), 1),
    (30, "string_find_string", ["abc 123", "[0-9]+"], "123", 1),
    (30, "string_find_string", ["abc", "x"], "", 1),
]


@pytest.mark.parametrize(("minor", "overload", "arguments", "result", "cost"), CASES)
def test_call(minor: int, overload: str, arguments: list[Any], result: Any, cost: int) -> None:
    assert called(minor, overload, arguments) == (result, cost)

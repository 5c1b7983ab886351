"""Quantities: what is accepted, and the canonical text. The expected values are what k8s.io/apimachinery v0.37 prints."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from hostprocess.kubernetes.quantities import Quantity, canonical, number_text, parse

CANONICAL = [
    ("0", "0"), ("000", "0"), ("-0", "0"), ("+", "0"), (".", "0"), ("Ki", "0"),
    ("1000m", "1"), ("0.5", "500m"), ("1.5", "1500m"), ("100u", "100u"), ("1e3", "1e3"), ("1e2", "100"), ("12E6", "12E6"), ("1200e4", "12e6"),
    ("1024Mi", "1Gi"), ("1.5Gi", "1536Mi"), ("1500Ki", "1500Ki"), ("8Ki", "8Ki"), ("0.5Ki", "512"), ("0.0001Ki", "102400u"), ("1.1Gi", "1181116006400m"),
    ("1000k", "1M"), ("1000E", "1"), ("-5", "-5"), ("+5", "+5"), ("005Mi", "005Mi"), ("1.500", "1.500"), ("0.500", "500m"),
    ("9223372036854775808", "9223372036854775808"), ("8Ei", "9223372036854775807"), ("-8Ei", "-9223372036854775807"),
    ("0.0000000001", "1n"), ("1e-10", "1e-9"), ("12345678901234567890", "12345678901234567890"), ("1e-2000000000", "1e-9"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CANONICAL)
def test_canonical_text(text: str, expected: str) -> None:
    assert str(parse(text)) == expected
    assert canonical(f" {text}\n") == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "quantities must match the regular expression"),
        ("1.2.3", "quantities must match the regular expression"),
        ("five", "quantities must match the regular expression"),
        ("1 Gi", "quantities must match the regular expression"),
        ("\uff11", "quantities must match the regular expression"),
        ("1K", "unable to parse quantity's suffix"),
        ("1e", "unable to parse quantity's suffix"),
        ("1e99999999999999999999", "unable to parse quantity's suffix"),
        ("Ei", "unable to parse numeric part of quantity"),
    ],
)
def test_what_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse(text)


@pytest.mark.parametrize(("value", "expected"), [(1, "1"), (0.5, "500m"), (1e21, "1e+21"), (1e-7, "100e-9"), (2000, "2k"), (1.5, "1500m")])
def test_numbers_of_json(value: float, expected: str) -> None:
    assert canonical(value) == expected


@pytest.mark.parametrize("value", [True, None, ["1"], {}])
def test_what_is_no_quantity_in_json(value: Any) -> None:
    with pytest.raises(ValueError, match="quantities must match"):
        canonical(value)


@pytest.mark.parametrize(
    ("text", "integer"),
    [("5", 5), ("1Ki", 1024), ("1e3", 1000), ("1.5", None), ("1000m", None), ("1.1Gi", None), ("8Ei", None), ("1e19", None), ("0", 0)],
)
def test_integers_of_64_bits(text: str, integer: int | None) -> None:
    assert parse(text).as_int64() == integer


def test_the_exact_value() -> None:
    assert parse("1.5Ki").value == 1536
    assert parse("-250m").value == Fraction(-1, 4)
    assert parse("1000E").value == 10**21


@pytest.mark.parametrize(
    ("text", "expected"), [("1u", "1m"), ("-1u", "-1m"), ("1.0001", "1001m"), ("5", "5"), ("+5", "+5"), ("1.00000000000000000000001", "1001m")]
)
def test_rounding_up_to_a_scale(text: str, expected: str) -> None:
    assert str(parse(text).rounded_up(-3)) == expected


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.0, "0"),
        (1.0, "1"),
        (-0.25, "-0.25"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (1.5e300, "1.5e+300"),
        (1e-6, "0.000001"),
        (1e-7, "1e-7"),
    ],
)
def test_numbers_as_go_writes_them(value: float, text: str) -> None:
    assert number_text(value) == text


@pytest.mark.parametrize(("one", "other", "same"), [("1", "1000m", True), ("1Ki", "1024", True), ("1", "1m", False), ("0", "0Ki", True), ("0", "1m", False)])
def test_equality(one: str, other: str, same: bool) -> None:
    assert parse(one).equals(parse(other)) is same


def test_a_quantity_made_of_numbers() -> None:
    assert str(Quantity(3, 3)) == "3k"

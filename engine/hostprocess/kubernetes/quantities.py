"""Quantities (`500m`, `1.5Gi`, `12e6`): how Kubernetes reads them, and the canonical text it writes.

Source: k8s.io/apimachinery/pkg/api/resource (quantity.go, amount.go, suffix.go), the same in all releases.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final

__all__ = ["BINARY_SI", "DECIMAL_EXPONENT", "DECIMAL_SI", "Quantity", "canonical", "number_text", "parse"]

DECIMAL_EXPONENT: Final = "DecimalExponent"
BINARY_SI: Final = "BinarySI"
DECIMAL_SI: Final = "DecimalSI"

_WRONG_FORMAT = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
_WRONG_NUMBER = "unable to parse numeric part of quantity"
_WRONG_SUFFIX = "unable to parse quantity's suffix"

# As the scanner does: more than the expression of the message allows (`+`, `Ki`), and less (`1.2.3`).
_TEXT = re.compile(r"([+-]?)0*([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)", re.ASCII)
_EXPONENT = re.compile(r"[eE]([+-]?[0-9]+)", re.ASCII)
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL_SUFFIX = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
_BINARY_SUFFIX = {exponent: suffix for suffix, exponent in _BINARY.items()} | {0: ""}
_NANO = -9
_MAX = (1 << 63) - 1
_DIGITS = 18  # decimal digits that surely fit into 64 bits
_SPREAD = 1000  # beyond this power of ten a number is not written out


@dataclass(frozen=True, slots=True)
class Quantity:
    """The number `unscaled` × 10^`scale` and the `format` that its text had.

    `large` marks one that Go holds as a decimal of any size and not as 64 bits: `AsInt64` refuses it. `text` is the text as given where Go
    keeps that (`+5`, `1.500`), else empty.
    """

    unscaled: int
    scale: int = 0
    format: str = DECIMAL_SI
    large: bool = False
    text: str = ""

    @property
    def value(self) -> Fraction:
        """The exact number."""
        return Fraction(self.unscaled) * Fraction(10) ** self.scale

    def __str__(self) -> str:
        """The canonical text (`CanonicalizeBytes`)."""
        if self.text:
            return self.text
        if not self.unscaled:
            return "0"
        if self.format == BINARY_SI and (whole := self._whole()) is not None and not -1024 < whole < 1024:
            number, exponent = _without_factors(whole, 1024)
            return f"{number}{_BINARY_SUFFIX.get(exponent * 10, '')}"
        number, exponent = _without_factors(self.unscaled, 10)
        exponent += self.scale
        number *= 10 ** (exponent % 3)
        exponent -= exponent % 3
        if self.format == DECIMAL_EXPONENT:
            return f"{number}e{exponent}" if exponent else str(number)
        # Beyond E there is no suffix, and Go writes none.
        return f"{number}{_DECIMAL_SUFFIX.get(exponent, '')}"

    def _whole(self) -> int | None:
        if self.scale >= 0:
            return int(self.unscaled * 10**self.scale)
        whole, rest = divmod(self.unscaled, 10**-self.scale)
        return None if rest else whole

    def as_int64(self) -> int | None:
        """The number where Go can give it as 64 bits (`AsInt64`), else None."""
        if self.large or self.scale < 0 or (self.unscaled and self.scale > _DIGITS):
            return None
        value: int = self.unscaled * 10 ** min(self.scale, _DIGITS)
        return value if -(1 << 63) <= value <= _MAX else None

    def equals(self, other: Quantity) -> bool:
        """Whether both are the same number, whatever their texts (`Cmp`)."""
        if self.scale == other.scale:
            return self.unscaled == other.unscaled
        return bool(self.unscaled) == bool(other.unscaled) and self.value == other.value

    def rounded_up(self, scale: int) -> Quantity:
        """The quantity with no digits below 10^`scale`, rounded away from zero (`RoundUp`)."""
        if not self.large and self.scale >= scale:
            return self
        if self.scale >= scale:  # a decimal forgets its text all the same
            return Quantity(self.unscaled, self.scale, self.format, True)
        return Quantity(_divided_up(self.unscaled, scale - self.scale), scale, self.format, self.large)


@lru_cache(maxsize=4096)
def parse(text: str) -> Quantity:
    """A quantity of its text, as `ParseQuantity`. Raises ValueError with Go's words."""
    if text == "0":
        return Quantity(0, text="0")
    match = _TEXT.fullmatch(text)
    if match is None or not text:
        raise ValueError(_WRONG_FORMAT)
    sign, numerator, denominator, suffix = match.groups("")
    base, exponent, format = _suffix(suffix)
    numerator = numerator or "0"
    negative = sign == "-"
    if base == 2:
        small = exponent >= 0 and not denominator and 14 - len(numerator) - exponent * 3 // 10 >= 0
        factor, scale = 1 << exponent, 0
    else:
        small = len(numerator) + len(denominator) <= _DIGITS
        factor, scale = 1, exponent - len(denominator)
    if small and scale >= _NANO:
        shifted = numerator + denominator
        value = int(shifted)
        if value * factor <= _MAX:
            kept = value & 7 if base == 2 else scale % 3 == 0 and not shifted.endswith("000") and shifted[0] != "0"
            return Quantity(-value * factor if negative else value * factor, scale, format, text=text if kept else "")
    if not match.group(2) and not denominator and not text.startswith(("0", "+0", "-0")):
        raise ValueError(_WRONG_NUMBER)
    return _large(int(numerator + denominator), exponent if base == 10 else 0, len(denominator), factor, format, negative)


def _suffix(suffix: str) -> tuple[int, int, str]:
    """Base, exponent and format."""
    if suffix in _DECIMAL:
        return 10, _DECIMAL[suffix], DECIMAL_SI
    if suffix in _BINARY:
        return 2, _BINARY[suffix], BINARY_SI
    match = _EXPONENT.fullmatch(suffix)
    if match is None or not -_MAX - 1 <= (exponent := int(match[1])) <= _MAX:
        raise ValueError(_WRONG_SUFFIX)
    return 10, (exponent + (1 << 31)) % (1 << 32) - (1 << 31), DECIMAL_EXPONENT


def _large(value: int, exponent: int, places: int, factor: int, format: str, negative: bool) -> Quantity:
    """What Go computes with decimals: rounded up to 10^-9, capped at 64 bits if it is binary."""
    value, scale = value * factor, exponent - places
    if value:
        if scale < _NANO:
            value, scale = _divided_up(value, _NANO - scale), _NANO
        elif scale - _NANO <= _SPREAD:
            value, scale = value * 10 ** (scale - _NANO), _NANO
        if format == BINARY_SI:
            if value > _MAX * 10**-scale:
                value, scale = _MAX, 0
            elif value < 10**-scale:
                format = DECIMAL_SI
    return Quantity(-value if negative else value, scale, format, True)


def _divided_up(value: int, places: int) -> int:
    """`value` / 10^`places`, rounded away from zero."""
    if not value:
        return 0
    size = 1 if places > 20 + value.bit_length() else -(-abs(value) // 10**places)
    return -size if value < 0 else size


def _without_factors(value: int, factor: int) -> tuple[int, int]:
    times = 0
    while value % factor == 0:
        value //= factor
        times += 1
    return value, times


def canonical(value: Any) -> str:
    """The canonical text of a quantity in JSON, which may be a number. Raises ValueError with Go's words."""
    if value.__class__ is str:
        return _canonical(value)
    if value.__class__ is int or value.__class__ is float:
        return str(parse(number_text(value)))
    raise ValueError(_WRONG_FORMAT)


@lru_cache(maxsize=4096)
def _canonical(text: str) -> str:
    return str(parse(text.strip(_SPACE)))


_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"


def number_text(value: float) -> str:
    """A number as Go writes it to JSON: `1e+21`, `1e-7`, `0.5`."""
    if value.__class__ is int or value != value or value in (math.inf, -math.inf):
        return str(value)  # JSON has no `nan`; a caller may
    if value and not 1e-6 <= abs(value) < 1e21:
        digits, _, exponent = repr(value).partition("e")
        if not exponent:  # Python changes to an exponent later than Go
            digits, _, exponent = f"{Decimal(repr(value)):e}".partition("e")
        digits = digits.removesuffix(".0")
        return f"{digits}e{'-' if exponent[0] == '-' else '+'}{exponent.lstrip('+-').lstrip('0')}"
    text = f"{Decimal(repr(value)):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text

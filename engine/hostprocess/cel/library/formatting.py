"""`string.format` of cel-go, up to version 3 of ext.Strings, with its locale en_US.

Source: github.com/google/cel-go/ext/formatting.go; golang.org/x/text/message for `%f` and `%e`, which group digits and write exponents in superscript.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from hostprocess.cel.library.lists import nested_unknown
from hostprocess.cel.library.texts import go_quote, to_text, type_name
from hostprocess.cel.runtime import CelError
from hostprocess.cel.values import Duration, Timestamp, TypeValue, Uint

__all__ = ["format_string", "format_string_early"]

_DIGITS = b"0123456789"
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_MOST_ATOI = 2**63 - 1
_WIDEST = 1_000_000
_INFINITE = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
_Clause = Callable[[Any], str]


class _FormatError(Exception):
    """The text of the error; caught in `format_string`."""


def format_string(template: str, arguments: Sequence[Any]) -> Any:
    """The text that `template.format(arguments)` gives, a `CelError`, or the `Unknown` among the arguments."""
    unknown = nested_unknown(arguments)
    if unknown is not None:
        return unknown
    try:
        return _format(template.encode("utf-8", "surrogatepass"), arguments).decode("utf-8", "surrogatepass")
    except _FormatError as error:
        return CelError(str(error))


def format_string_early(template: str, arguments: Sequence[Any]) -> Any:
    """As `format_string`, up to Kubernetes 1.32: narrow spaces around the sign of an exponent, and error texts that are taken for formats of Go."""
    text = format_string(template, [_Early(value) if isinstance(value, float) else value for value in arguments])
    return CelError(text.message.replace('clause "%"', 'clause "%!"(MISSING)')) if isinstance(text, CelError) else text


class _Early(float):
    """A double that is formatted for an early release."""


def _format(template: bytes, arguments: Sequence[Any]) -> bytes:
    pieces: list[bytes] = []
    position = used = 0
    while (found := template.find(b"%", position)) >= 0:
        pieces.append(template[position:found])
        position = found + 1
        if template[position : position + 1] == b"%":
            pieces.append(b"%")
            position += 1
            continue
        if used >= len(arguments):
            raise _FormatError(f"index {used} out of range")
        if position >= len(template):
            raise _FormatError("unexpected end of string")
        position, clause = _parse_clause(template, position)
        try:
            text = clause(arguments[used])
        except _FormatError as error:
            raise _FormatError(f"error during formatting: {error}") from None
        pieces.append(text.encode("utf-8", "surrogatepass"))
        used += 1
    pieces.append(template[position:])
    return b"".join(pieces)


def _parse_clause(template: bytes, position: int) -> tuple[int, _Clause]:
    position, precision = _parse_precision(template, position)
    verb = chr(template[position])
    if verb == "f":
        return position + 1, lambda value: _fixed(value, precision)
    if verb == "e":
        return position + 1, lambda value: _scientific(value, precision)
    if verb not in _CLAUSES:
        raise _FormatError(f'could not parse formatting clause: unrecognized formatting clause "{verb}"')
    return position + 1, _CLAUSES[verb]


def _parse_precision(template: bytes, position: int) -> tuple[int, int]:
    if template[position : position + 1] != b".":
        return position, 6
    end = position + 1
    while end < len(template) and template[end] in _DIGITS:
        end += 1
    prefix = "could not parse formatting clause: error while parsing precision: "
    if end >= len(template):
        raise _FormatError(prefix + "could not find end of precision specifier")
    digits = template[position + 1 : end].decode()
    if not digits or len(digits.lstrip("0")) > 19 or int(digits.lstrip("0") or "0") > _MOST_ATOI:
        reason = "value out of range" if digits else "invalid syntax"
        raise _FormatError(f'{prefix}error while converting precision to integer: strconv.Atoi: parsing "{digits}": {reason}')
    return end, int(digits.lstrip("0") or "0")


def _string(value: Any) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(map(_literal, value)) + "]"
    if isinstance(value, dict):
        return _map(value)
    if value is None:
        return "null"
    if not isinstance(value, str | bool | int | float | bytes | Duration | Timestamp | TypeValue):
        raise _FormatError(
            "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps, "
            f"was given {type_name(value)}"
        )
    text = to_text(value)
    if isinstance(text, CelError):
        raise _FormatError(f"could not convert argument {go_quote(text.message)} to string")
    return text


def _literal(value: Any) -> str:
    """A member of a list or map, as CEL literal."""
    if isinstance(value, str):
        return go_quote(value)
    if isinstance(value, bytes):
        return "b" + go_quote(_string(value))
    if isinstance(value, float):
        finite = value - value == 0
        return f"{value:.6f}" if finite else '"NaN"' if value != value else '"+Inf"' if value > 0 else '"-Inf"'
    if isinstance(value, Duration | Timestamp):
        return f"{'duration' if isinstance(value, Duration) else 'timestamp'}({go_quote(_string(value))})"
    if value is None or isinstance(value, bool | int | list | dict | TypeValue):
        return _string(value)
    raise _FormatError(f"no formatting function for {type_name(value)}")


def _map(value: dict[Any, Any]) -> str:
    pairs: list[tuple[str, str]] = []
    for key, item in value.items():
        if not isinstance(key, str | bool | int):
            raise _FormatError(f"no formatting function for map key of type {type_name(key)}")
        pairs.append((_literal(key), _literal(item)))
    return "{" + ", ".join(f"{key}:{item}" for key, item in sorted(pairs, key=lambda pair: pair[0])) + "}"


def _decimal(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _FormatError(f"decimal clause can only be used on integers, was given {type_name(value)}")
    return str(int(value))


def _binary(value: Any) -> str:
    if not isinstance(value, int):
        raise _FormatError(f"only integers and bools can be formatted as binary, was given {type_name(value)}")
    return format(int(value), "b")


def _octal(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _FormatError(f"octal clause can only be used on integers, was given {type_name(value)}")
    return format(int(value), "o")


def _hexadecimal(value: Any) -> str:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogatepass").hex()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, bool) or not isinstance(value, int | Uint):
        raise _FormatError(f"only integers, byte buffers, and strings can be formatted as hex, was given {type_name(value)}")
    return format(int(value), "x")


def _as_double(value: Any, clause: str) -> float:
    if isinstance(value, str) and value in _INFINITE:
        return _INFINITE[value]
    if not isinstance(value, float):
        raise _FormatError(f"{clause} clause can only be used on doubles, was given {type_name(value)}")
    return value


def _unbounded(value: float) -> str | None:
    if value != value:
        return "NaN"
    return None if value - value == 0 else "∞" if value > 0 else "-∞"


def _fixed(value: Any, precision: int) -> str:
    """`%.Nf`. The printer keeps the precision as least number of digits in 8 bits, as greatest in 16 with a sign, so long ones come out shorter."""
    double = _as_double(value, "fixed-point")
    symbol = _unbounded(double)
    if symbol is not None:
        return symbol
    least, most = precision % 256, (precision + 2**15) % 2**16 - 2**15
    text = format(Decimal(repr(double)), "f") if most < 0 else f"{double or 0.0:.{most}f}"
    whole, _, fraction = text.partition(".")
    fraction = fraction.rstrip("0").ljust(least, "0")
    sign, whole = ("-", whole[1:]) if whole.startswith("-") else ("", whole)
    return f"{sign}{int(whole):,}" + (f".{fraction}" if fraction else "")


def _scientific(value: Any, precision: int) -> str:
    """`%Ne`: cel-go passes the precision as width; the precision itself is always 6."""
    double = _as_double(value, "scientific")
    text = _unbounded(double)
    if text is None:
        mantissa, _, exponent = f"{double or 0.0:.6e}".partition("e")
        sign = "\u202f×\u202f" if isinstance(value, _Early) else "×"
        text = f"{mantissa}{sign}10{exponent.lstrip('+').translate(_SUPERSCRIPT)}"
    return text.rjust(precision % 2**16 if precision <= _WIDEST else 0)


_CLAUSES: dict[str, _Clause] = {
    "s": _string,
    "d": _decimal,
    "b": _binary,
    "o": _octal,
    "x": _hexadecimal,
    "X": lambda value: _hexadecimal(value).upper(),
}

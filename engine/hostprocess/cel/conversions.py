"""The type conversions of CEL: `int(x)`, `timestamp(x)` and so on, as Go does them.

Source: the `ConvertToType` methods of github.com/google/cel-go/common/types; strconv and time of Go. The argument has one of the types
that an overload takes; the others are refused before.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from hostprocess.cel.library.texts import to_text, type_name
from hostprocess.cel.runtime import CelError
from hostprocess.cel.values import Duration, Timestamp, TypeValue, Uint

__all__ = ["CONVERSIONS", "INT_OVERFLOW", "MAX_INT", "MAX_UINT", "MIN_INT", "TIMESTAMP_OVERFLOW", "UINT_OVERFLOW", "in_range", "to_duration", "to_timestamp"]

MIN_INT: Final = -(2**63)
MAX_INT: Final = 2**63 - 1
MAX_UINT: Final = 2**64 - 1
INT_OVERFLOW: Final = CelError("integer overflow")
UINT_OVERFLOW: Final = CelError("unsigned integer overflow")
TIMESTAMP_OVERFLOW: Final = CelError("timestamp overflow")
_MIN_SECONDS, _MAX_SECONDS = -62135596800, 253402300799
_INTEGER = re.compile(r"[+-]?[0-9]+", re.ASCII)
_NATURAL = re.compile(r"[0-9]+", re.ASCII)
_DECIMAL = re.compile(r"[+-]?(?:[0-9](?:_?[0-9])*(?:\.(?:[0-9](?:_?[0-9])*)?)?|\.[0-9](?:_?[0-9])*)(?:[eE][+-]?[0-9]+)?", re.ASCII)
_HEXADECIMAL = re.compile(r"[+-]?0[xX](?:[0-9a-fA-F]+\.?[0-9a-fA-F]*|\.[0-9a-fA-F]+)[pP][+-]?[0-9]+", re.ASCII)
_SPECIAL = re.compile(r"[+-]?inf(?:inity)?|nan", re.IGNORECASE | re.ASCII)
_DURATION_PART = re.compile(r"([0-9]*)(?:\.([0-9]*))?(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_UNITS = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
_RFC3339 = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{1,2}):([0-9]{2}):([0-9]{2})(?:[.,]([0-9]+))?(?:Z|([+-])([0-9]{2}):([0-9]{2}))", re.ASCII)
_BOOLS = {**dict.fromkeys(("1", "t", "T", "TRUE", "true", "True"), True), **dict.fromkeys(("0", "f", "F", "FALSE", "false", "False"), False)}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def in_range(number: int) -> int | CelError:
    """The number, if it fits 64 bits."""
    return number if MIN_INT <= number <= MAX_INT else INT_OVERFLOW


def _failed(value: Any, wanted: str) -> CelError:
    return CelError(f"type conversion error from '{type_name(value)}' to '{wanted}'")


def _to_int(value: Any) -> Any:
    if isinstance(value, str):
        if not _INTEGER.fullmatch(value) or len(value) > 400:
            return _failed(value, "int")
        number = int(value)
        return number if MIN_INT <= number <= MAX_INT else _failed(value, "int")
    if isinstance(value, float):
        return int(value) if math.isfinite(value) and float(MIN_INT) < value < float(MAX_INT) else INT_OVERFLOW
    if isinstance(value, Duration):
        return value.nanoseconds
    if isinstance(value, Timestamp):
        return value.nanoseconds // 10**9
    return in_range(int(value))


def _to_uint(value: Any) -> Any:
    if isinstance(value, str):
        if not _NATURAL.fullmatch(value) or len(value) > 400 or int(value) > MAX_UINT:
            return _failed(value, "uint")
        return Uint(value)
    if isinstance(value, float):
        return Uint(int(value)) if math.isfinite(value) and 0 <= value < 2.0**64 else UINT_OVERFLOW
    return Uint(value) if value >= 0 else UINT_OVERFLOW


def _to_double(value: Any) -> Any:
    if not isinstance(value, str):
        return float(value)
    if _SPECIAL.fullmatch(value):
        return float(value)
    try:
        if _DECIMAL.fullmatch(value):
            number = float(value.replace("_", ""))
        elif _HEXADECIMAL.fullmatch(value):
            number = float.fromhex(value)
        else:
            return _failed(value, "double")
    except (OverflowError, ValueError):
        return _failed(value, "double")
    return number if math.isfinite(number) else _failed(value, "double")


def _to_bool(value: Any) -> Any:
    return value if isinstance(value, bool) else _BOOLS.get(value, _failed(value, "bool"))


def _to_bytes(value: Any) -> Any:
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value


def to_duration(value: Any) -> Any:
    """`duration(value)` of a string: time.ParseDuration of Go."""
    if isinstance(value, Duration):
        return value
    if not isinstance(value, str):  # an overload that fails always, up to Kubernetes 1.36
        return _failed(value, "google.protobuf.Duration")
    text = value
    negative = text[:1] == "-"
    if text[:1] in ("+", "-"):
        text = text[1:]
    if text == "0":
        return Duration(0)
    total = at = 0
    while at < len(text):
        part = _DURATION_PART.match(text, at)
        if part is None or not (part[1] or part[2]):
            return _failed(value, "google.protobuf.Duration")
        unit = _UNITS[part[3]]
        total += int(part[1] or 0) * unit
        if part[2]:
            digits = part[2][:18]  # Go stops counting where its integer would overflow
            total += int(float(int(digits)) * (float(unit) / float(10 ** len(digits))))
        if total > 2**63:
            return _failed(value, "google.protobuf.Duration")
        at = part.end()
    if not text or (total > MAX_INT and not negative):
        return _failed(value, "google.protobuf.Duration")
    return Duration(-total if negative else total)


def to_timestamp(value: Any) -> Any:
    """`timestamp(value)` of a string (time.RFC3339 of Go) or of seconds since 1970."""
    if isinstance(value, Timestamp):
        return value
    if not isinstance(value, str):
        return Timestamp(int(value) * 10**9) if _MIN_SECONDS <= value <= _MAX_SECONDS else TIMESTAMP_OVERFLOW
    match = _RFC3339.fullmatch(value)
    if match is None:
        return _failed(value, "google.protobuf.Timestamp")
    year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
    offset = (int(match[9]) * 60 + int(match[10])) * 60 if match[8] else 0
    if match[8] and (int(match[9]) > 24 or int(match[10]) > 60):
        return _failed(value, "google.protobuf.Timestamp")
    try:
        # Year 0 is one that Go has and Python has not: it is leap, as 2000 is, and 2000 years of the calendar before it.
        since = datetime(year or 2000, month, day, hour, minute, second, tzinfo=UTC) - _EPOCH
    except ValueError:
        return _failed(value, "google.protobuf.Timestamp")
    offset = -offset if match[8] == "-" else offset
    seconds = since.days * 86400 + since.seconds - offset - (0 if year else 730485 * 86400)
    if not _MIN_SECONDS <= seconds <= _MAX_SECONDS:
        return TIMESTAMP_OVERFLOW
    return Timestamp(seconds * 10**9 + int((match[7] or "0")[:9].ljust(9, "0")), offset)


def _to_type(value: Any) -> Any:
    return TypeValue(type_name(value))


CONVERSIONS: Final[dict[str, Callable[[Any], Any]]] = {
    "bool": _to_bool,
    "bytes": _to_bytes,
    "double": _to_double,
    "duration": to_duration,
    "dyn": lambda value: value,
    "int": _to_int,
    "string": to_text,
    "timestamp": to_timestamp,
    "type": _to_type,
    "uint": _to_uint,
}
"""Name to conversion; what the argument may be, the overloads say."""

"""Values as text and types as names, the way Go and cel-go write them.

Source: the `ConvertToType` methods of github.com/google/cel-go/common/types, and strconv of Go.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from hostprocess.cel.runtime import CelError
from hostprocess.cel.values import Duration, Opaque, Optional, Timestamp, TypeValue, Uint

__all__ = ["go_quote", "go_type", "to_text", "type_name"]

_ESCAPES = {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v", "\\": "\\\\", '"': '\\"'}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TYPE_NAMES: dict[type, str] = {
    bool: "bool",
    int: "int",
    Uint: "uint",
    float: "double",
    str: "string",
    bytes: "bytes",
    list: "list",
    dict: "map",
    type(None): "null_type",
    Duration: "google.protobuf.Duration",
    Timestamp: "google.protobuf.Timestamp",
    TypeValue: "type",
    Optional: "optional_type",
}
_GO_TYPES = {
    **{kind: f"types.{kind.title()}" for kind in ("bool", "int", "uint", "double", "string", "bytes")},
    "list": "*types.baseList",
    "map": "*types.baseMap",
    "null_type": "types.Null",
    "google.protobuf.Duration": "types.Duration",
    "google.protobuf.Timestamp": "types.Timestamp",
    "type": "*types.Type",
    "optional_type": "*types.Optional",
    "net.IP": "cel.IP",
    "net.CIDR": "cel.CIDR",
    "kubernetes.Quantity": "cel.Quantity",
    "kubernetes.URL": "cel.URL",
    "kubernetes.Semver": "cel.Semver",
    "kubernetes.NamedFormat": "cel.Format",
    "kubernetes.authorization.Authorizer": "library.authorizerVal",
    "kubernetes.authorization.PathCheck": "library.pathCheckVal",
    "kubernetes.authorization.GroupCheck": "library.groupCheckVal",
    "kubernetes.authorization.ResourceCheck": "library.resourceCheckVal",
    "kubernetes.authorization.Decision": "library.decisionVal",
}


def go_type(value: Any) -> str:
    """The Go type of a value, `%T`, as it comes up in the texts of panics."""
    if isinstance(value, CelError):
        return "*types.Err"
    name = type_name(value)
    pointer = "*" if getattr(value, "pointer", False) else ""
    return pointer + _GO_TYPES.get(name, name)


def type_name(value: Any) -> str:
    """The name of the type of a value, as in `no such overload: f(google.protobuf.Duration)`."""
    if isinstance(value, Opaque):
        return value.type_name
    return _TYPE_NAMES.get(type(value)) or next(_TYPE_NAMES[kind] for kind in type(value).__mro__ if kind in _TYPE_NAMES)


def to_text(value: Any) -> str | CelError:
    """`string(value)` for the types of CEL that have a text; for others the error of the conversion."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return _double(value)
    if isinstance(value, bytes):
        return _bytes(value)
    if isinstance(value, Duration):
        return _plain(_seconds(value.nanoseconds)) + "s"
    if isinstance(value, Timestamp):
        return _rfc3339(value)
    if isinstance(value, TypeValue):
        return value.name
    return CelError(f"type conversion error from '{type_name(value)}' to 'string'")


def go_quote(text: str) -> str:
    """The text as `%q` of Go writes it: strconv.Quote."""
    return '"' + "".join(map(_escape, text)) + '"'


def _escape(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02x}"
    if 0xDC80 <= code <= 0xDCFF:  # a byte that is no UTF-8
        return f"\\x{code - 0xDC00:02x}"
    if 0xD800 <= code < 0xE000:
        return "\\ufffd"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _double(value: float) -> str:
    """`%g`: the shortest digits that give the double back, with an exponent below 1e-4 and from 1e6 on."""
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "+Inf" if value > 0 else "-Inf"
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(exponent, int)
    point = len(digits) + exponent - 1
    if not value:
        return "-0" if sign else "0"
    if -4 <= point < 6:
        return _plain(value)
    text = "".join(map(str, digits))
    fraction = f".{text[1:]}" if len(text) > 1 else ""
    return f"{'-' if sign else ''}{text[0]}{fraction}e{'-' if point < 0 else '+'}{abs(point):02d}"


def _plain(value: float) -> str:
    """strconv.FormatFloat(value, 'f', -1, 64): the shortest digits, never an exponent, no trailing zeros."""
    text = format(Decimal(repr(value)), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _seconds(nanoseconds: int) -> float:
    """Go's Duration.Seconds: whole seconds and the rest are converted apart and added as doubles."""
    seconds, rest = divmod(abs(nanoseconds), 10**9)
    sign = -1 if nanoseconds < 0 else 1
    return float(sign * seconds) + float(sign * rest) / 1e9


def _bytes(value: bytes) -> str | CelError:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return CelError("invalid UTF-8 in bytes, cannot convert to string")


def _rfc3339(timestamp: Timestamp) -> str:
    seconds, rest = divmod(timestamp.nanoseconds, 10**9)
    moment = _EPOCH + timedelta(seconds=seconds + timestamp.offset)
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    minutes = abs(timestamp.offset) // 60
    zone = f"{'-' if timestamp.offset < 0 else '+'}{minutes // 60:02d}:{minutes % 60:02d}" if timestamp.offset else "Z"
    return f"{moment.year:04d}-{moment:%m-%dT%H:%M:%S}{fraction}{zone}"

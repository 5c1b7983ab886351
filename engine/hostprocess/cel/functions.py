"""What the functions of standard CEL and of optional values do, by overload; conversions and operators stand apart.

Source: github.com/google/cel-go/common/stdlib/standard.go, cel/library.go and ext/comprehensions.go.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from hostprocess.cel.attributes import FAILED, Frame, Run
from hostprocess.cel.equality import NO_SUCH_OVERLOAD
from hostprocess.cel.library.texts import type_name
from hostprocess.cel.operators import found_key
from hostprocess.cel.runtime import CelError
from hostprocess.cel.shown import shown
from hostprocess.cel.standard import STANDARD, signatures
from hostprocess.cel.times import DURATION_PARTS, TIMESTAMP_PARTS
from hostprocess.cel.values import ABSENT, Duration, Opaque, Optional, Timestamp, TypeValue
from hostprocess.model import Unknown

__all__ = ["STANDARD_FUNCTIONS", "or_optional"]

_ZERO_TIME = -62135596800 * 10**9


def _is_zero(value: Any) -> bool:
    if isinstance(value, Duration):
        return value.nanoseconds == 0
    if isinstance(value, Timestamp):
        return value.nanoseconds == _ZERO_TIME
    return not isinstance(value, Opaque | Optional | TypeValue | Unknown) and not value


def _of_non_zero(value: Any) -> Optional:
    return Optional() if _is_zero(value) else Optional(value)


def _value(optional: Optional) -> Any:
    return CelError("optional.none() dereference") if optional.value is ABSENT else optional.value


def _unwrapped(values: list[Any]) -> Any:
    for value in values:
        if not isinstance(value, Optional):
            return value if isinstance(value, Unknown) else CelError(f"value {shown(value)} is not optional")
    return [value.value for value in values if value.value is not ABSENT]


def _inserted(entries: dict[Any, Any], key: Any, value: Any) -> Any:
    if key is not None and not isinstance(key, str | int | float):
        return CelError(f"maps with keys of type {type_name(key)} are not supported", kind="limitation")
    if found_key(entries, key) is not None:
        return CelError(f"insert failed: key {shown(key)} already exists")
    return {**entries, key: value}


def _merged(entries: dict[Any, Any], more: dict[Any, Any]) -> Any:
    for key, value in more.items():
        entries = _inserted(entries, key, value)
        if isinstance(entries, CelError):
            break
    return entries


def or_optional(left: Run, right: Run, unwrap: bool, lenient: bool) -> Run:
    """`a.or(b)`, and with `unwrap` `a.orValue(b)`: the second is evaluated only if the first has no value. It costs nothing itself.

    `lenient`: what is no optional is the result itself, as up to Kubernetes 1.36.
    """

    def run(frame: Frame) -> Any:
        value = left(frame)
        if not isinstance(value, Optional):
            return value if lenient or isinstance(value, FAILED) else NO_SUCH_OVERLOAD
        if value.value is ABSENT:
            return right(frame)
        return value.value if unwrap else value

    return run


STANDARD_FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {
    "optional_of": Optional,
    "optional_ofNonZeroValue": _of_non_zero,
    "optional_none": Optional,
    "optional_value": _value,
    "optional_hasValue": Optional.present,
    "list_first": lambda values: Optional(values[0]) if values else Optional(),
    "list_last": lambda values: Optional(values[-1]) if values else Optional(),
    "optional_unwrap": _unwrapped,
    "optional_unwrapOpt": _unwrapped,
    "@mapInsert_map_key_value": _inserted,
    "@mapInsert_map_map": _merged,
}
"""Overload to implementation."""

for _signature in signatures(STANDARD):
    _kind = _signature.arguments[0].kind if _signature.arguments else ""
    if _signature.function in TIMESTAMP_PARTS and _kind == "timestamp":
        STANDARD_FUNCTIONS[_signature.id] = TIMESTAMP_PARTS[_signature.function]
    elif _signature.function in DURATION_PARTS and _kind == "duration":
        STANDARD_FUNCTIONS[_signature.id] = DURATION_PARTS[_signature.function]

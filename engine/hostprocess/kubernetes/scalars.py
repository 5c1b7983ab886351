"""Types with a JSON form of their own: quantities, times, integers or strings, bytes."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Protocol

from hostprocess.kubernetes.quantities import canonical

__all__ = ["WALKERS", "Trail", "quantity", "time_fault"]

Trail = tuple[Any, ...]
"""The way to a field, linked so that a step costs little: `(trail, step)`, `()` above the object itself."""


class Refusing(Protocol):
    """What notes a value that is refused."""

    def refuse(self, at: Trail, key: str | int, message: str, aborts: bool = True) -> Any:
        """Notes it, and gives what stands in its place. `aborts` says whether Go decodes nothing else then."""


def quantity(value: Any, at: Trail, key: str | int, decoding: Refusing) -> Any:
    """The canonical text. Source: Quantity.UnmarshalJSON, MarshalJSON."""
    try:
        return canonical(value)
    except ValueError as error:
        return decoding.refuse(at, key, str(error))


_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII)
_LAYOUT = "2006-01-02T15:04:05Z07:00"
_MICRO_LAYOUT = "2006-01-02T15:04:05.000000Z07:00"


def _time(value: Any, at: Trail, key: str | int, decoding: Refusing) -> Any:
    """RFC 3339 in UTC, whole seconds. Source: metav1.Time."""
    written = _written(value)
    return decoding.refuse(at, key, _time_fault(value, _LAYOUT)) if written == "" else written


def time_fault(value: str) -> str:
    """What the API server says of a text that is no time, and nothing of one that is."""
    return "" if _instant(value) else _time_fault(value, _LAYOUT)


@lru_cache(maxsize=4096)
def _written(value: str) -> str | None:
    """In UTC; None for the zero time, and nothing for what is no time."""
    found = _instant(value)
    if found is None:
        return ""
    if found.year == 1 and found.replace(tzinfo=None) == datetime.min:
        return None
    return value if _WRITTEN.fullmatch(value) else f"{found.year:04}-{found:%m-%dT%H:%M:%SZ}"


_WRITTEN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)


def _micro_time(value: Any, at: Trail, key: str | int, decoding: Refusing) -> Any:
    """RFC 3339 in UTC with six digits. Source: metav1.MicroTime."""
    match = _TIME.fullmatch(value)
    found = _instant(value) if match and len(match[7] or "") == 6 else None
    if found is None:
        return decoding.refuse(at, key, _time_fault(value, _MICRO_LAYOUT))
    return f"{found.year:04}-{found:%m-%dT%H:%M:%S.%fZ}"


_PARTS = (
    ("2006", r"\d{4}", ""), ("-", "-", ""), ("01", r"\d\d", "month"), ("-", "-", ""), ("02", r"\d\d", "day"), ("T", "T", ""), ("15", r"\d\d?", "hour"),
    (":", ":", ""), ("04", r"\d\d", "minute"), (":", ":", ""), ("05", r"\d\d", "second"),
)  # fmt: skip
_RANGES = {"month": range(1, 13), "day": range(1, 32), "hour": range(24), "minute": range(60), "second": range(60)}


def _time_fault(value: str, layout: str) -> str:
    """What Go's time.Parse says of a text that is not of a layout."""
    rest = value
    for part, pattern, unit in _PARTS:
        match = re.match(pattern, rest, re.ASCII)
        if match is None:
            return f'parsing time "{value}" as "{layout}": cannot parse "{rest}" as "{part}"'
        rest = rest[match.end() :]
        if unit and int(match[0]) not in _RANGES[unit]:
            return f'parsing time "{value}": {unit} out of range'
    fraction = re.match(r"[.,]\d{6}(?!\d)" if layout == _MICRO_LAYOUT else r"(?:[.,]\d+)?", rest, re.ASCII)
    if fraction is None:
        return f'parsing time "{value}" as "{layout}": cannot parse "{rest}" as ".000000"'
    rest = rest[fraction.end() :]
    zone = re.match(r"Z|[+-]\d\d:\d\d", rest, re.ASCII)
    if zone is None:
        return f'parsing time "{value}" as "{layout}": cannot parse "{rest}" as "Z07:00"'
    rest = rest[zone.end() :]
    return f'parsing time "{value}": extra text: "{rest}"' if rest else f'parsing time "{value}": day out of range'


def _instant(value: str) -> datetime | None:
    match = _TIME.fullmatch(value)
    if match is None:
        return None
    try:
        found = datetime(*map(int, match.groups()[:6]), int((match[7] or "")[:6].ljust(6, "0")), UTC)  # type: ignore[arg-type, call-arg]
        if match[8]:
            hours, minutes = int(match[9]), int(match[10])
            if hours > 24 or minutes > 59:
                return None
            offset = timedelta(hours=hours, minutes=minutes)
            found = found - offset if match[8] == "+" else found + offset
    except (ValueError, OverflowError):
        return None
    return found


def _bytes(value: Any, at: Trail, key: str | int, decoding: Refusing) -> Any:
    """Base64, written again. Source: encoding/json of []byte, which skips line breaks."""
    text = value.replace("\n", "").replace("\r", "")
    try:
        return base64.b64encode(base64.b64decode(text, validate=True)).decode()
    except (binascii.Error, ValueError):
        return decoding.refuse(at, key, f"illegal base64 data at input byte {_bad_byte(text)}", False)


def _bad_byte(text: str) -> int:
    match = re.match(r"[A-Za-z0-9+/]*={0,2}", text)
    return match.end() if match and match.end() < len(text) else len(text) - len(text) % 4


WALKERS: dict[str, Callable[[Any, Trail, str | int, Any], Any]] = {
    "q": quantity, "t": _time, "m": _micro_time, "y": _bytes,
}  # fmt: skip

"""Types with a JSON form of their own: quantities, times, integers or strings, bytes."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from hostprocess.kubernetes.fields import Steps
from hostprocess.kubernetes.quantities import canonical
from hostprocess.kubernetes.wording import json_word

__all__ = ["WALKERS", "int_or_string", "quantity", "time_of_other"]


class Refusing(Protocol):
    """What notes a value that is refused."""

    def refuse(self, at: Steps, key: str | int, message: str) -> Any:
        """Notes it, and gives what stands in its place."""


def quantity(value: Any, at: Steps, key: str | int, decoding: Refusing) -> Any:
    """The canonical text. Source: Quantity.UnmarshalJSON, MarshalJSON."""
    try:
        return canonical(value)
    except ValueError as error:
        return decoding.refuse(at, key, str(error))


def int_or_string(value: Any, at: Steps, key: str | int, decoding: Refusing) -> Any:
    """Source: intstr.IntOrString.UnmarshalJSON."""
    if value.__class__ is int and -(1 << 31) <= value < 1 << 31:
        return value
    return decoding.refuse(at, key, f"json: cannot unmarshal {json_word(value, 'i')} into Go value of type int32")


def time_of_other(value: Any, at: Steps, key: str | int, decoding: Refusing) -> Any:
    """A time that is no string is refused."""
    return decoding.refuse(at, key, f"json: cannot unmarshal {json_word(value, 's')} into Go value of type string")


_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(?:Z|([+-])(\d\d):(\d\d))", re.ASCII)
_LAYOUT = "2006-01-02T15:04:05Z07:00"
_MICRO_LAYOUT = "2006-01-02T15:04:05.000000Z07:00"


def _time(value: Any, at: Steps, key: str | int, decoding: Refusing) -> Any:
    """RFC 3339 in UTC, whole seconds. Source: metav1.Time."""
    found = _instant(value)
    if found is None:
        return decoding.refuse(at, key, f'parsing time "{value}" as "{_LAYOUT}": it is not a time such as 2024-05-01T12:00:00Z')
    return found.strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0") if found.year > 1 or found.timetuple().tm_yday > 1 else None


def _micro_time(value: Any, at: Steps, key: str | int, decoding: Refusing) -> Any:
    """RFC 3339 in UTC with six digits. Source: metav1.MicroTime."""
    match = _TIME.fullmatch(value)
    found = _instant(value) if match and len(match[7] or "") == 6 else None
    if found is None:
        return decoding.refuse(at, key, f'parsing time "{value}" as "{_MICRO_LAYOUT}": it is not a time such as 2024-05-01T12:00:00.000000Z')
    return found.strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")


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


def _bytes(value: Any, at: Steps, key: str | int, decoding: Refusing) -> Any:
    """Base64, written again. Source: encoding/json of []byte, which skips line breaks."""
    text = value.replace("\n", "").replace("\r", "")
    try:
        return base64.b64encode(base64.b64decode(text, validate=True)).decode()
    except (binascii.Error, ValueError):
        return decoding.refuse(at, key, f"illegal base64 data at input byte {_bad_byte(text)}")


def _bad_byte(text: str) -> int:
    match = re.match(r"[A-Za-z0-9+/]*={0,2}", text)
    return match.end() if match and match.end() < len(text) else len(text) - len(text) % 4


def _bounded(value: Any, at: Steps, key: str | int, decoding: Refusing) -> Any:
    return int_or_string(value, at, key, decoding)


WALKERS: dict[str, Callable[[Any, Steps, str | int, Any], Any]] = {
    "q": quantity, "t": _time, "m": _micro_time, "y": _bytes, "o": _bounded,
}  # fmt: skip

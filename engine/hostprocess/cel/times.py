"""The parts of timestamps and durations: `getHours()`, `getFullYear('Europe/Berlin')`. Without a time zone they are those of UTC.

Source: github.com/google/cel-go/common/stdlib/standard.go, the declarations of the time functions.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo

from hostprocess.cel.runtime import CelError
from hostprocess.cel.values import Duration, Timestamp

__all__ = ["DURATION_PARTS", "TIMESTAMP_PARTS"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CYCLE = timedelta(days=146097)
_NUMBER = re.compile(r"[+-]?[0-9]+", re.ASCII)


def _zone(name: str) -> tzinfo | timedelta | CelError:
    hours, colon, minutes = name.partition(":")
    if colon:
        for part in (hours, minutes):
            if not _NUMBER.fullmatch(part):
                return CelError(f'strconv.Atoi: parsing "{part}": invalid syntax')
        return timedelta(minutes=int(hours) * 60 + (-int(minutes) if name.startswith("-") else int(minutes)))
    if name in ("", "UTC", "Local"):
        return UTC
    if ".." in name or name[0] in "/\\":
        return CelError("time: invalid location name")
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, LookupError):
        return CelError(f"unknown time zone {name}")


def _part(read: Callable[[datetime], int], years: int = 0) -> Callable[..., Any]:
    """`years`: 1 where the part is the year itself."""

    def part(moment: Timestamp, zone: str = "UTC") -> Any:
        place = UTC if zone == "UTC" else _zone(zone)
        if isinstance(place, CelError):
            return place
        at = _EPOCH + timedelta(microseconds=moment.nanoseconds // 1000)
        try:
            return read(_moved(at, place))
        except OverflowError:
            # In a time zone the year may be 0 or 10000, which Python does not have; every 400 years the calendar is the same.
            cycle = _CYCLE if at.year == 1 else -_CYCLE
            return read(_moved(at + cycle, place)) - (400 if cycle > timedelta(0) else -400) * years

    return part


def _moved(at: datetime, place: tzinfo | timedelta) -> datetime:
    return at + place if isinstance(place, timedelta) else at.astimezone(place)


def _unit(nanoseconds: int) -> Callable[[Duration], int]:
    def unit(duration: Duration) -> int:
        whole = abs(duration.nanoseconds) // nanoseconds
        return -whole if duration.nanoseconds < 0 else whole

    return unit


TIMESTAMP_PARTS: Final[dict[str, Callable[..., Any]]] = {
    "getFullYear": _part(lambda moment: moment.year, years=1),
    "getMonth": _part(lambda moment: moment.month - 1),
    "getDayOfYear": _part(lambda moment: moment.timetuple().tm_yday - 1),
    "getDayOfMonth": _part(lambda moment: moment.day - 1),
    "getDate": _part(lambda moment: moment.day),
    "getDayOfWeek": _part(lambda moment: moment.isoweekday() % 7),
    "getHours": _part(lambda moment: moment.hour),
    "getMinutes": _part(lambda moment: moment.minute),
    "getSeconds": _part(lambda moment: moment.second),
    "getMilliseconds": _part(lambda moment: moment.microsecond // 1000),
}
"""Name to function of a timestamp and perhaps a time zone."""
DURATION_PARTS: Final[dict[str, Callable[[Duration], int]]] = {
    "getHours": _unit(3600 * 10**9),
    "getMinutes": _unit(60 * 10**9),
    "getSeconds": _unit(10**9),
    "getMilliseconds": _unit(10**6),
}
"""Name to function of a duration: all of it in that unit."""

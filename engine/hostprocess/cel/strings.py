"""The extended string functions of Kubernetes (cel-go ext.Strings) for cel-python, which lacks them.

Source of the behaviour: github.com/google/cel-go/ext/strings.go. Indices count code points.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from celpy.celtypes import IntType, ListType, StringType

__all__ = ["FUNCTIONS"]

# Go's unicode.IsSpace; Python's own set holds U+001C to U+001F too.
_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
_ASCII_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_ASCII_UPPER = {code: code - 32 for code in range(ord("a"), ord("z") + 1)}


def _char_at(text: str, index: int) -> StringType:
    if not 0 <= index <= len(text):
        raise ValueError(f"index out of range: {index}")
    return StringType(text[index : index + 1])


def _index_of(text: str, part: str, offset: int = 0) -> IntType:
    if not 0 <= offset <= len(text):
        raise ValueError(f"index out of range: {offset}")
    return IntType(str(text).find(part, offset))


def _last_index_of(text: str, part: str, offset: int | None = None) -> IntType:
    if offset is None:
        return IntType(str(text).rfind(part))
    if not 0 <= offset <= len(text):
        raise ValueError(f"index out of range: {offset}")
    return IntType(str(text).rfind(part, 0, offset + len(part)))


def _join(parts: list[Any], separator: str = "") -> StringType:
    if not all(isinstance(part, str) for part in parts):
        raise TypeError("join: the list holds something else than strings")
    return StringType(str(separator).join(parts))


def _lower(text: str) -> StringType:
    return StringType(str(text).translate(_ASCII_LOWER))


def _upper(text: str) -> StringType:
    return StringType(str(text).translate(_ASCII_UPPER))


def _replace(text: str, old: str, new: str, count: int = -1) -> StringType:
    return StringType(str(text).replace(old, new, max(int(count), -1)))


def _split(text: str, separator: str, count: int = -1) -> ListType:
    count = int(count)
    if count == 0:
        return ListType([])
    if separator == "":
        parts = [*text] if count < 0 or count >= len(text) else [*text[: count - 1], text[count - 1 :]]
    else:
        parts = str(text).split(separator, -1 if count < 0 else count - 1)
    return ListType([StringType(part) for part in parts])


def _substring(text: str, start: int, end: int | None = None) -> StringType:
    stop = len(text) if end is None else end
    if not 0 <= start <= len(text) or not start <= stop <= len(text):
        raise ValueError(f"index out of range: {start}, {stop}")
    return StringType(text[start:stop])


def _trim(text: str) -> StringType:
    return StringType(str(text).strip(_SPACE))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "charAt": _char_at,
    "indexOf": _index_of,
    "join": _join,
    "lastIndexOf": _last_index_of,
    "lowerAscii": _lower,
    "replace": _replace,
    "split": _split,
    "substring": _substring,
    "trim": _trim,
    "upperAscii": _upper,
}
"""Name to function, as `Environment.program(functions=…)` takes them."""

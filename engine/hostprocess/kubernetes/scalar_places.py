"""Where each character of a text stands in the file that holds it, whatever the style of the scalar: blocks, folded lines, quotes, escapes."""

from __future__ import annotations

import re
from bisect import bisect_right

from hostprocess.kubernetes.location import locate, scalar_span
from hostprocess.model import Origin

__all__ = ["ScalarPlaces"]

_SPACE = " \t\r\n"
_ESCAPE = re.compile(r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[^\r\n])")
_CONTINUED = re.compile(r"\\\r?\n[ \t]*")
_HEADER = re.compile(r"[|>][^\n]*\n")


class ScalarPlaces:
    """Of the text `value` that the field at `steps` below a resource holds. Where it cannot be followed, all of it is at the field's key."""

    def __init__(self, origin: Origin, steps: tuple[str | int, ...], value: str) -> None:
        self._origin = origin
        self._value = value
        self._offsets: list[int] | None = None
        span = scalar_span(origin, steps)
        if span is not None:
            self._offsets = _aligned(origin.text, span[0], span[1], value)
        if self._offsets is None:
            place = locate(origin, steps)
            self._fallback = place.line, place.column
        else:
            self._lines = [match.end() for match in re.finditer("\n", origin.text)]

    @property
    def exact(self) -> bool:
        """Whether it could be followed."""
        return self._offsets is not None

    def of(self, index: int) -> tuple[int, int]:
        """Line and column of a character; of the end for the length of the text."""
        if self._offsets is None:
            return self._fallback
        at = self._offsets[index] if index < len(self._offsets) else (self._offsets[-1] + 1 if self._offsets else 0)
        line = bisect_right(self._lines, at)
        column = at - (self._lines[line - 1] if line else 0) + 1
        return self._origin.line + line, column if line else column + self._origin.column - 1


def _aligned(text: str, start: int, end: int, value: str) -> list[int] | None:
    """Where each character of the value stands in the text; None if it is not the value that stands there."""
    style = text[start : start + 1]
    at = start
    if style in ("|", ">") and (header := _HEADER.match(text, start)):
        at = header.end()
    elif style in ("'", '"'):
        at += 1
    else:
        style = ""
    found: list[int] = []
    for character in value:
        if style == '"' and (continued := _CONTINUED.match(text, at)):
            at = continued.end()
        escape = _ESCAPE.match(text, at) if style == '"' else None
        if escape is None and character not in _SPACE:
            while at < end and text[at] in _SPACE:
                at += 1
            if style == '"' and (continued := _CONTINUED.match(text, at)):
                at = continued.end()
            escape = _ESCAPE.match(text, at) if style == '"' else None
        found.append(min(at, end))
        if escape is not None:
            at = escape.end()
        elif character in _SPACE:
            at = _behind_space(text, at, end, character)
        elif text[at : at + 1] != character or at >= end:
            return None
        else:
            at += 2 if style == "'" and character == "'" else 1
    return found


def _behind_space(text: str, at: int, end: int, character: str) -> int:
    """Past one character of white space: a space may be written as the end of a line, with what the next is indented by."""
    if at >= end or text[at] not in _SPACE:
        return at
    if text[at] == character and character != "\n":
        return at + 1
    newline = text.find("\n", at, end)
    if newline < 0:
        return at + 1
    at = newline + 1
    while at < end and text[at] in " \t":
        at += 1
    return at

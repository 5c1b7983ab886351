"""Where the keys of a TOML text stand: the library tells that of syntax errors only."""

from __future__ import annotations

import re
import tomllib

__all__ = ["toml_places"]

Steps = tuple[str | int, ...]
_BLANK = re.compile(r"[ \t]*")
_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_BARE_VALUE = re.compile(r"[^,\]}#\n]+")
_STRINGS = (
    re.compile(r'"""(?:\\.|(?!""")[^\\])*"{3,5}', re.DOTALL),
    re.compile(r"'''(?:(?!''').)*'{3,5}", re.DOTALL),
    re.compile(r'"(?:\\.|[^"\\\n])*"'),
    re.compile(r"'[^'\n]*'"),
)


def toml_places(text: str) -> dict[Steps, int]:
    """The index at which each key, and each element of a list, begins in a text that `tomllib` has read."""
    scanner = _Scanner(text)
    scanner.scan()
    return scanner.places


class _Scanner:
    """Walks over a text that is known to be valid, so that it need not look for faults."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._counts: dict[Steps, int] = {}
        self.places: dict[Steps, int] = {}

    def scan(self) -> None:
        table: Steps = ()
        while not self._ended():
            if self._take("[["):
                table = self._header(repeated=True)
                self._take("]]")
            elif self._take("["):
                table = self._header(repeated=False)
                self._take("]")
            else:
                self._pair(table)

    def _ended(self) -> bool:
        self._skip(_SPACE)
        return self._at >= len(self._text)

    def _skip(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return found[0] if found else ""

    def _take(self, what: str) -> bool:
        if self._text.startswith(what, self._at):
            self._at += len(what)
            return True
        return False

    def _string(self) -> str:
        return next((found for pattern in _STRINGS if (found := self._skip(pattern))), "")

    def _keys(self) -> list[tuple[str, int]]:
        """The parts of a dotted key, and where each begins."""
        found = []
        while True:
            self._skip(_BLANK)
            start = self._at
            raw = self._string()
            found.append((tomllib.loads(f"k={raw}")["k"] if raw else self._skip(_BARE_KEY), start))
            self._skip(_BLANK)
            if not self._take("."):
                return found

    def _header(self, repeated: bool) -> Steps:
        path: Steps = ()
        keys = self._keys()
        for number, (key, start) in enumerate(keys):
            path = (*path, key)
            self.places.setdefault(path, start)
            last = number == len(keys) - 1
            if repeated and last:
                self._counts[path] = self._counts.get(path, 0) + 1
            if path in self._counts:
                path = (*path, self._counts[path] - 1)
                self.places.setdefault(path, start)
        return path

    def _pair(self, table: Steps) -> None:
        path = table
        for key, start in self._keys():
            path = (*path, key)
            self.places.setdefault(path, start)
        self._take("=")
        self._skip(_BLANK)
        self._value(path)

    def _value(self, path: Steps) -> None:
        if self._string():
            return
        if self._take("["):
            number = 0
            while not self._closed("]"):
                self.places[(*path, number)] = self._at
                self._value((*path, number))
                number += 1
        elif self._take("{"):
            while not self._closed("}"):
                self._pair(path)
        else:
            self._skip(_BARE_VALUE)

    def _closed(self, bracket: str) -> bool:
        self._skip(_SPACE)
        self._take(",")
        self._skip(_SPACE)
        return self._take(bracket)

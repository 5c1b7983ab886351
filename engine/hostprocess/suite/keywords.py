"""`-k EXPRESSION`: names joined by `and`, `or`, `not` and brackets, as pytest has it."""

from __future__ import annotations

import re
from collections.abc import Callable

from hostprocess.errors import UsageError

__all__ = ["matcher"]

Matcher = Callable[[str], bool]
_TOKEN = re.compile(r"""\s*(?:(?P<sign>[()])|(?P<quoted>"[^"]*"|'[^']*')|(?P<word>[\w:+\-./\[\]\\]+))""")


def matcher(expression: str) -> Matcher:
    """A function that tells whether a name matches: a word does if it is a part of the name, whatever the case. Raises `UsageError`.

    A text in quotes is one word, so that it may have spaces in it.
    """
    return _Parser(expression).whole()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(self._cut())
        self._at = 0

    def whole(self) -> Matcher:
        """The whole expression; nothing matches everything."""
        if not self._tokens:
            return lambda _: True
        found = self._either()
        if self._at < len(self._tokens):
            raise self._error(f"{self._tokens[self._at][1]!r} was not expected")
        return found

    def _cut(self) -> list[tuple[str, str]]:
        tokens: list[tuple[str, str]] = []
        at, text = 0, self._text.rstrip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise self._error(f"{text[at:].strip()[:1]!r} was not expected; put names with such signs in quotes")
            kind = match.lastgroup or ""
            tokens.append((kind, match[kind]))
            at = match.end()
        return tokens

    def _error(self, message: str) -> UsageError:
        return UsageError(f"-k {self._text!r}: {message}")

    def _takes(self, *wanted: str) -> bool:
        if self._at < len(self._tokens):
            kind, text = self._tokens[self._at]
            if kind != "quoted" and text in wanted:
                self._at += 1
                return True
        return False

    def _either(self) -> Matcher:
        found = self._both()
        while self._takes("or"):
            found = _any(found, self._both())
        return found

    def _both(self) -> Matcher:
        found = self._one()
        while self._takes("and"):
            found = _all(found, self._one())
        return found

    def _one(self) -> Matcher:
        if self._takes("not"):
            wrong = self._one()
            return lambda name: not wrong(name)
        if self._takes("("):
            found = self._either()
            if not self._takes(")"):
                raise self._error("a bracket is not closed")
            return found
        if self._at >= len(self._tokens):
            raise self._error("a name is missing at the end")
        kind, text = self._tokens[self._at]
        if kind == "sign" or (kind == "word" and text in ("and", "or")):
            raise self._error(f"{text!r} was not expected")
        self._at += 1
        word = (text[1:-1] if kind == "quoted" else text).lower()
        return lambda name: word in name.lower()


def _any(left: Matcher, right: Matcher) -> Matcher:
    return lambda name: left(name) or right(name)


def _all(left: Matcher, right: Matcher) -> Matcher:
    return lambda name: left(name) and right(name)

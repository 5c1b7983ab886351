"""JSON text to plain objects, as Kubernetes reads it. The items of a List come one by one and are never held together."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from hostprocess.errors import InputError
from hostprocess.kubernetes.yaml_text import MAX_DEPTH

__all__ = ["Item", "decode", "read"]

_BLOCK = 1 << 20  # characters read at a time
_AHEAD = 1 << 16  # characters that a value mostly is shorter than: to come upon the end of the buffer costs as much as some values
_RUN = 1 << 18  # characters of items that are cut as one
_SPACE = re.compile(r"[ \t\n\r]*")
_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]:,]|[^\s{}\[\]:,"]+', re.DOTALL)
_TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"
_TOO_LARGE = "a number is too large"
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One value: its text, the place of its first character, and whether it stood in the `items` of a List.

    `nulls` says whether there may be a null in it.
    `cut` marks an item that `decode` must decode; with `run` it holds several items of a List and the commas between
    them. `kind` and `api_version` are those of that List; they are empty if they stand behind the items and the item needs them not.
    """

    value: Any
    text: str
    line: int
    column: int
    document: int
    nulls: bool
    in_list: bool = False
    kind: str = ""
    api_version: str = ""
    cut: bool = False
    run: bool = False


def read(stream: Callable[[int], str], path: str, cut: bool = False) -> Iterator[Item]:
    """The values of a stream of JSON documents; `stream(n)` gives up to n more characters. Raises `InputError` with the place.

    `cut` only finds where each value ends, which costs less: give the items to `decode`, in another process perhaps.
    """
    yield from _Reader(stream, path, cut).documents()


def decode(item: Item, path: str) -> Iterator[Item]:
    """The items of one that was only cut, with their values. Raises `InputError` with the place."""
    parts = iter([item.text])
    reader = _Reader(lambda size: next(parts, ""), path, line=item.line, column=item.column)
    yield from (replace(one, **_of_list(item)) for one in reader.run(item.run))


def _of_list(item: Item) -> dict[str, Any]:
    return {"document": item.document, "in_list": item.in_list, "kind": item.kind, "api_version": item.api_version}


class _DuplicateKey(ValueError):
    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(f"the key {key!r} is given twice in one mapping; Kubernetes would use only one of them")


class _Reader:
    def __init__(self, stream: Callable[[int], str], path: str, cut: bool = False, line: int = 1, column: int = 1) -> None:
        self._stream = stream
        self._path = path
        self._buffer = ""
        self._at = 0
        self._ended = False
        self._cut = cut
        self._line = line  # of the first character of the buffer
        self._column = column
        self._seen = 0  # characters of the buffer that _line and _column account for
        self._seen_value: Any = None  # the last value, also when it was only cut
        self._decode = (json.JSONDecoder() if cut else json.JSONDecoder(object_pairs_hook=self._object, **_HOOKS)).raw_decode

    def run(self, several: bool) -> Iterator[Item]:
        """One value, or several with commas between them, up to the end of the text."""
        yield self._value(document=0)
        while several and self._peek():
            self._expect(",")
            yield self._value(document=0)
        if self._peek():
            raise self._error("this List is not laid out as it seemed to be: check it with --jobs 1")

    def documents(self) -> Iterator[Item]:
        document = 0
        while self._peek():
            self._fill(3)
            if self._buffer.startswith("---", self._at):  # as in YAML; kubectl takes it too
                self._at += 3
                continue
            if self._peek() == "{":
                yield from self._document(document)
            else:
                yield self._value(document=document)
            document += 1

    def _document(self, document: int) -> Iterator[Item]:
        """One object at the top. If it turns out to be a List, its items are given; else the object itself."""
        listed = self._look_ahead_for_items()
        if not listed:
            yield self._value(document=document)
            return
        self._expect("{")
        members: dict[str, Any] = {}
        waiting: list[Item] = []
        while True:
            key = self._member()
            if not isinstance(key.value, str):
                raise InputError("not valid JSON: expected a key in quotes", path=self._path, line=key.line, column=key.column)
            if key.value in members:
                raise InputError(str(_DuplicateKey(key.value)), path=self._path, line=key.line, column=key.column)
            self._expect(":")
            if key.value == "items" and self._peek() == "[":
                members["items"] = None
                early = not {"kind", "apiVersion"} <= members.keys()
                for item in self._items(document, members):
                    # An item of a PodList may have no kind but that of the List, which may be yet to come.
                    if early and isinstance(self._seen_value, dict) and not self._seen_value.get("kind"):
                        waiting.append(item)
                    else:
                        yield item
            else:
                members[key.value] = self._member().value
            if not self._continues("}"):
                break
        kind = members.get("kind")
        if not isinstance(kind, str):
            raise self._error("an object with `items` must be a List, but it has no kind")
        for item in waiting:
            yield replace(item, kind=kind, api_version=str(members.get("apiVersion", "")))

    def _member(self) -> Item:
        """A key or a value of a List's own."""
        item = self._value(document=0)
        return next(decode(item, self._path)) if self._cut else item

    def _items(self, document: int, members: dict[str, Any]) -> Iterator[Item]:
        self._expect("[")
        start = self._at
        if self._peek() == "]":
            self._expect("]")
            return
        about = {"document": document, "in_list": True, "kind": str(members.get("kind", "")), "api_version": str(members.get("apiVersion", ""))}
        _, line_break, indent = self._buffer[start : self._at].rpartition("\n")
        if self._cut and line_break and indent:
            yield from self._runs(indent, about)
        while True:
            yield self._value(**about)
            if not self._continues("]"):
                return

    def _runs(self, indent: str, about: dict[str, Any]) -> Iterator[Item]:
        """Cuts a List that is laid out in lines, as kubectl prints it, into runs of items, without decoding: up to the last run.

        No string of JSON holds a line break, so these lines stand between two values. That the values are items, and not parts of one that
        is laid out otherwise, shows when the run is decoded.
        """
        between = f"\n{indent}}},\n{indent}{{"
        end = len(indent) + 2  # of the part of it that belongs to the item before
        after = f"\n{indent[: len(indent) // 2]}]"  # what ends the List, if each level is indented by as much; another List may follow
        while True:
            self._fill(2 * _RUN)
            stop = _find_ending(self._buffer, after, self._at, self._at + _RUN)
            at = self._buffer.rfind(between, self._at, stop if stop >= 0 else self._at + _RUN)
            if at < 0:
                return
            self._advance()
            text = self._buffer[self._at : at + end]
            yield Item(value=None, text=text, line=self._line, column=self._column, nulls=False, cut=True, run=True, **about)
            self._at = at + len(between) - 1

    def _look_ahead_for_items(self) -> bool:
        """Whether the object that starts here is a List: an `items` array at its top level before anything large.

        Keys come sorted (`apiVersion, items, kind`) or in the order of the Go type (`kind, apiVersion, metadata, items`).
        """
        self._fill(65536)
        at = _SPACE.match(self._buffer, self._at + 1).end()  # type: ignore[union-attr]
        while True:
            try:
                key, at = self._decode(self._buffer, at)
                at = _SPACE.match(self._buffer, at).end()  # type: ignore[union-attr]
                if not isinstance(key, str) or self._buffer[at : at + 1] != ":":
                    return False
                at = _SPACE.match(self._buffer, at + 1).end()  # type: ignore[union-attr]
                if key == "items":
                    return self._buffer[at : at + 1] == "["
                if key not in ("apiVersion", "kind", "metadata"):
                    return False
                _, at = self._decode(self._buffer, at)
                at = _SPACE.match(self._buffer, at).end()  # type: ignore[union-attr]
                if self._buffer[at : at + 1] != ",":
                    return False
                at = _SPACE.match(self._buffer, at + 1).end()  # type: ignore[union-attr]
            except (ValueError, RecursionError):
                return False  # whatever is wrong is reported when the object is read

    def _value(self, **about: Any) -> Item:
        self._peek()
        self._fill(_AHEAD)
        self._advance()
        line, column = self._line, self._column
        value, end = self._decode_growing()
        text = self._buffer[self._at : end]
        self._at = end
        self._seen_value = value
        if self._cut:
            return Item(value=None, text=text, line=line, column=column, nulls=False, cut=True, **about)
        if text.count("{") + text.count("[") > MAX_DEPTH and _is_deep(value):
            raise self._error(_TOO_DEEP, _deep_at(self._buffer, end - len(text)))
        if "\\" in text:
            value = self._check_escapes(value, text, end - len(text))
        return Item(value=value, text=text, line=line, column=column, nulls=text.rfind("null") >= 0, **about)  # kubectl prints the status last, and nulls in it

    def _decode_growing(self) -> tuple[Any, int]:
        """Decodes the value that starts here, reading on as long as it may just be cut off by the end of the buffer."""
        while True:
            start = self._at
            try:
                value, end = self._decode(self._buffer, start)
                # A number at the very end may go on in the next block.
                if end < len(self._buffer) or self._ended:
                    return value, end
            except json.JSONDecodeError as error:
                if self._ended or (error.pos < len(self._buffer) - 2 * _BLOCK and "Unterminated" not in error.msg):
                    raise self._error(f"not valid JSON: {error.msg}", error.pos) from None
            except RecursionError:
                raise self._error(_TOO_DEEP, _deep_at(self._buffer, start)) from None
            except _DuplicateKey as error:
                raise self._error(str(error), _twice_at(self._buffer, start, error.key)) from None
            except ValueError as error:  # of our own hooks, or an integer of thousands of digits; the text is whole as far as they saw it
                raise self._error(_TOO_LARGE if "digits" in str(error) else str(error), _no_number_at(self._buffer, start)) from None
            size = len(self._buffer) - start
            self._fill(size + max(_BLOCK, size))

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) != len(pairs):
            seen: set[str] = set()
            raise _DuplicateKey(next(key for key, _ in pairs if key in seen or seen.add(key)))  # type: ignore[func-returns-value]
        return members

    def _check_escapes(self, value: Any, text: str, start: int) -> Any:
        if "\\u0000" in text and _any_string(value, lambda string: "\0" in string):
            raise self._error("a string holds a NUL character, which no field of Kubernetes may", _nul_at(self._buffer, start))
        return _without_surrogates(value, text)

    def _peek(self) -> str:
        """The next character that is not white space; empty at the end."""
        while True:
            self._at = _SPACE.match(self._buffer, self._at).end()  # type: ignore[union-attr]
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if self._ended:
                return ""
            self._fill(1)

    def _expect(self, character: str) -> None:
        found = self._peek()
        if found != character:
            raise self._error(f"not valid JSON: expected {character!r}, found {found!r}" if found else "not valid JSON: the text ends too early")
        self._at += 1

    def _continues(self, end: str) -> bool:
        """Past a comma: True. Past the closing bracket: False."""
        if self._peek() == ",":
            self._at += 1
            return True
        self._expect(end)
        return False

    def _fill(self, wanted: int) -> None:
        """Reads until `wanted` characters lie ahead or the text ends; drops what has been read."""
        if self._ended or len(self._buffer) - self._at >= wanted:
            return
        self._advance()
        rest = [self._buffer[self._at :]]
        size = len(rest[0])
        while size < wanted:
            block = self._stream(max(_BLOCK, wanted - size))
            if not block:
                self._ended = True
                break
            rest.append(block)
            size += len(block)
        self._buffer = "".join(rest)
        self._at = self._seen = 0

    def _advance(self) -> None:
        """Counts lines and columns up to the present place."""
        self._line, self._column = self._place(self._at)
        self._seen = self._at

    def _place(self, at: int) -> tuple[int, int]:
        lines = self._buffer.count("\n", self._seen, at)
        if lines:
            return self._line + lines, at - self._buffer.rfind("\n", self._seen, at)
        return self._line, self._column + at - self._seen

    def _error(self, message: str, at: int | None = None) -> InputError:
        line, column = self._place(self._at if at is None else max(at, self._seen))
        return InputError(message, path=self._path, line=line, column=column)


def _constant(name: str) -> Any:
    raise ValueError(f"not valid JSON: {name} is not a number of JSON")


def _float(digits: str) -> float:
    value = float(digits)
    if math.isinf(value):
        raise ValueError(_TOO_LARGE)
    return value


_HOOKS: dict[str, Any] = {"parse_constant": _constant, "parse_float": _float}  # a hook for integers would cost a tenth of the whole


# Where a value has what the decoder refuses without saying where.


def _tokens(text: str, start: int) -> Iterator[tuple[int, str, int]]:
    """Places and texts of the tokens from `start` on, and how deep each stands."""
    depth = 0
    for token in _TOKEN.finditer(text, start):
        depth += (token[0] in "{[") - (token[0] in "}]")
        yield token.start(), token[0], depth


def _deep_at(text: str, start: int) -> int:
    return next((at for at, _, depth in _tokens(text, start) if depth > MAX_DEPTH), start)


def _nul_at(text: str, start: int) -> int:
    return next((at for at, token, _ in _tokens(text, start) if "\\u0000" in token and "\0" in json.loads(token)), start)


def _no_number_at(text: str, start: int) -> int:
    return next((at for at, token, _ in _tokens(text, start) if token[0] in "-0123456789NI" and not _is_number(token)), start)


def _is_number(text: str) -> bool:
    try:
        json.loads(text, **_HOOKS)
    except ValueError:
        return False
    return True


def _twice_at(text: str, start: int, key: str) -> int:
    seen: list[bool] = []  # whether the mappings and lists around have had the key
    before = (start, "", 0)
    for token in _tokens(text, start):
        at, word, _ = before
        before = token
        if word and word in "{[":
            seen.append(False)
        elif word and word in "}]":
            seen.pop()
        elif token[1] == ":" and word[:1] == '"' and json.loads(word) == key:
            if seen[-1]:
                return at
            seen[-1] = True
    return start


def _is_deep(value: Any) -> bool:
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [item for each in level for item in (each.values() if each.__class__ is dict else each) if item.__class__ in (dict, list)]
        if not level:
            return False
    return True


def _without_surrogates(value: Any, text: str) -> Any:
    """Lone surrogates as U+FFFD, like Go's decoder."""
    if "\\ud" in text or "\\uD" in text:
        return _map_strings(value, lambda string: _SURROGATE.sub("\ufffd", string))
    return value


def _any_string(value: Any, test: Callable[[str], bool]) -> bool:
    if isinstance(value, str):
        return test(value)
    if isinstance(value, dict):
        return any(test(key) or _any_string(item, test) for key, item in value.items())
    return isinstance(value, list) and any(_any_string(item, test) for item in value)


def _map_strings(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {change(key): _map_strings(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [_map_strings(item, change) for item in value]
    return value


def _find_ending(text: str, part: str, start: int, end: int) -> int:
    """`text.find(part, start, end)` by way of its last character, which is rare: searching for blanks is slow where there are many."""
    at = text.find(part[-1], start, end)
    while at >= 0:
        first = at + 1 - len(part)
        if first >= start and text.startswith(part, first):
            return first
        at = text.find(part[-1], at + 1, end)
    return -1

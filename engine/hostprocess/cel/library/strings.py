"""ext.Strings of cel-go, version 0 (to Kubernetes 1.28) and version 2 (from 1.29). Indices count code points.

Source: github.com/google/cel-go/ext/strings.go of the releases of cel-go that the releases of Kubernetes are built with: 0.17 and 0.20 (to 1.31),
0.22 and 0.23 (1.32, 1.33), 0.26 (1.34 to 1.36), 0.29 (1.37). They differ where a search starts behind the end of the string.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hostprocess.cel.declarations import Library, Overload
from hostprocess.cel.library.costs import cost_of, scaled, size
from hostprocess.cel.library.formatting import format_string, format_string_early
from hostprocess.cel.library.lists import first_unknown
from hostprocess.cel.library.texts import to_text, type_name
from hostprocess.cel.runtime import CelError

__all__ = ["LIBRARIES", "quote", "split"]

# Go's unicode.IsSpace; Python's own set holds U+001C to U+001F too.
_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
_ASCII_LOWER = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}
_ASCII_UPPER = {code: code - 32 for code in range(ord("a"), ord("z") + 1)}
_ESCAPES = str.maketrans(
    {"\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v", "\\": "\\\\", '"': '\\"'},
)
_Implementation = Callable[..., Any]


def _out_of_range(index: int) -> CelError:
    return CelError(f"index out of range: {index}")


def char_at(text: str, index: int) -> Any:
    """`charAt`: empty at the end, an error beyond it."""
    return text[index : index + 1] if 0 <= index <= len(text) else _out_of_range(index)


def index_of(text: str, part: str, offset: int = 0) -> Any:
    """`indexOf` of Kubernetes 1.37."""
    if offset < 0:
        return _out_of_range(offset)
    return min(offset, len(text)) if part == "" else text.find(part, offset)


def _index_of_lenient(text: str, part: str, offset: int = 0) -> Any:
    """`indexOf` of Kubernetes 1.32 to 1.36: an empty part is found at any offset."""
    return offset if part == "" else index_of(text, part, offset)


def _index_of_strict(text: str, part: str, offset: int = 0) -> Any:
    """`indexOf` up to Kubernetes 1.31: an offset at or behind the end is an error, for an empty string too."""
    if part != "" and offset >= len(text):
        return _out_of_range(offset)
    return _index_of_lenient(text, part, offset)


def last_index_of(text: str, part: str, offset: int | None = None) -> Any:
    """`lastIndexOf` of Kubernetes 1.37."""
    if offset is None:
        return text.rfind(part)
    if offset < 0:
        return _out_of_range(offset)
    if part == "":
        return min(offset, len(text))
    return -1 if offset >= len(text) else text.rfind(part, 0, offset + len(part))


def _last_index_of_lenient(text: str, part: str, offset: int | None = None) -> Any:
    """`lastIndexOf` of Kubernetes 1.34 to 1.36: an empty part is found at any offset."""
    return offset if part == "" and offset is not None else last_index_of(text, part, offset)


def _last_index_of_early(text: str, part: str, offset: int | None = None) -> Any:
    """`lastIndexOf` of Kubernetes 1.32 and 1.33: the search of a part in an empty string starts at -1, an error."""
    if part != "" and offset is None:
        offset = len(text) - 1
    return _last_index_of_lenient(text, part, offset)


def _last_index_of_strict(text: str, part: str, offset: int | None = None) -> Any:
    """`lastIndexOf` up to Kubernetes 1.31: an offset at or behind the end is an error."""
    if part != "" and offset is not None and offset >= len(text):
        return _out_of_range(offset)
    return _last_index_of_early(text, part, offset)


def join(parts: Sequence[Any], separator: str = "") -> Any:
    """`join`; elements that are no strings are an error."""
    unknown = first_unknown(parts)
    if unknown is not None:
        return unknown
    for part in parts:
        if not isinstance(part, str):
            return CelError(f"join: invalid input: {_go_value(part)}")
    return separator.join(parts)


def _join_native(parts: Sequence[Any], separator: str = "") -> Any:
    """`join` of version 0, which converts the list to strings of Go first."""
    unknown = first_unknown(parts)
    if unknown is not None:
        return unknown
    for part in parts:
        if not isinstance(part, str):
            return CelError(f"unsupported native conversion from {type_name(part)} to 'string'")
    return separator.join(parts)


def _go_value(value: Any) -> str:
    """`%v` of the value, for the scalars that are likely in a list."""
    if value is None:
        return "0"
    if isinstance(value, list):
        return f"[{', '.join(map(_go_value, value))}]"
    if isinstance(value, bytes):
        return f"[{' '.join(map(str, value))}]"
    text = to_text(value)
    return str(value) if isinstance(text, CelError) else text


def lower_ascii(text: str) -> str:
    """`lowerAscii`."""
    return text.translate(_ASCII_LOWER)


def upper_ascii(text: str) -> str:
    """`upperAscii`."""
    return text.translate(_ASCII_UPPER)


def replace(text: str, old: str, new: str, count: int = -1) -> str:
    """`replace`; a negative count is no limit."""
    return text.replace(old, new, max(count, -1))


def split(text: str, separator: str, count: int = -1) -> list[str]:
    """`split`; a negative count is no limit, none gives an empty list, an empty separator gives the characters."""
    if count == 0:
        return []
    if separator:
        return text.split(separator, -1 if count < 0 else count - 1)
    if count < 0 or count >= len(text):
        return [*text]
    return [*text[: count - 1], text[count - 1 :]]


def substring(text: str, start: int, end: int | None = None) -> Any:
    """`substring`."""
    if end is not None and start > end:
        return CelError(f"invalid substring range. start: {start}, end: {end}")
    if not 0 <= start <= len(text):
        return _out_of_range(start)
    if end is not None and end > len(text):
        return _out_of_range(end)
    return text[start:end]


def trim(text: str) -> str:
    """`trim`: white space of Unicode, as Go has it."""
    return text.strip(_SPACE)


def quote(text: str) -> str:
    """`strings.quote`: the escapes of CEL only; other unprintable characters stay."""
    return f'"{text.translate(_ESCAPES)}"'


def _quote_cost(arguments: Sequence[Any], _result: Any) -> int:
    return scaled(size(arguments[0]))


def _member(identifier: str, function: str, arguments: str, result: str, implementation: _Implementation) -> Overload:
    cost = None if function == "charAt" else cost_of(function, identifier)
    return Overload(id=identifier, function=function, arguments=tuple(arguments.split()), result=result, member=True, implementation=implementation, cost=cost)


_COMMON = (
    _member("string_char_at_int", "charAt", "string int", "string", char_at),
    _member("string_lower_ascii", "lowerAscii", "string", "string", lower_ascii),
    _member("string_replace_string_string", "replace", "string string string", "string", replace),
    _member("string_replace_string_string_int", "replace", "string string string int", "string", replace),
    _member("string_split_string", "split", "string string", "list(string)", split),
    _member("string_split_string_int", "split", "string string int", "list(string)", split),
    _member("string_substring_int", "substring", "string int", "string", substring),
    _member("string_substring_int_int", "substring", "string int int", "string", substring),
    _member("string_trim", "trim", "string", "string", trim),
    _member("string_upper_ascii", "upperAscii", "string", "string", upper_ascii),
)


def _version_2(implementation: _Implementation) -> tuple[Overload, ...]:
    cost = _quote_cost
    return (
        Overload(
            id="string_format",
            function="format",
            arguments=("string", "list(dyn)"),
            result="string",
            member=True,
            implementation=implementation,
            cost=cost,
            gated_cost=False,
        ),
        Overload(id="strings_quote", function="strings.quote", arguments=("string",), result="string", implementation=quote, cost=cost, gated_cost=False),
    )


def _searches(index: _Implementation, last: _Implementation) -> tuple[Overload, ...]:
    return (
        _member("string_index_of_string", "indexOf", "string string", "int", index),
        _member("string_index_of_string_int", "indexOf", "string string int", "int", index),
        _member("string_last_index_of_string", "lastIndexOf", "string string", "int", last),
        _member("string_last_index_of_string_int", "lastIndexOf", "string string int", "int", last),
    )


def _joins(implementation: _Implementation) -> tuple[Overload, ...]:
    return (
        _member("list_join", "join", "list(string)", "string", implementation),
        _member("list_join_string", "join", "list(string) string", "string", implementation),
    )


_NAME = "cel.lib.ext.strings"
_STRICT = _searches(_index_of_strict, _last_index_of_strict)
_EARLY = _searches(_index_of_lenient, _last_index_of_early)
_LENIENT = _searches(_index_of_lenient, _last_index_of_lenient)
_FORMAT_EARLY, _FORMAT = _version_2(format_string_early), _version_2(format_string)
_JOINS = _joins(join)
LIBRARIES: tuple[Library, ...] = (
    Library(name=_NAME, removed=29, overloads=(*_COMMON, *_STRICT, *_joins(_join_native))),
    Library(name=_NAME, introduced=29, removed=32, overloads=(*_COMMON, *_FORMAT_EARLY, *_STRICT, *_JOINS)),
    Library(name=_NAME, introduced=32, removed=33, overloads=(*_COMMON, *_FORMAT_EARLY, *_EARLY, *_JOINS)),
    Library(name=_NAME, introduced=33, removed=34, overloads=(*_COMMON, *_FORMAT, *_EARLY, *_JOINS)),
    Library(name=_NAME, introduced=34, removed=37, overloads=(*_COMMON, *_FORMAT, *_LENIENT, *_JOINS)),
    Library(name=_NAME, introduced=37, overloads=(*_COMMON, *_FORMAT, *_searches(index_of, last_index_of), *_JOINS)),
)
"""The functions by the releases of Kubernetes in which they behave so."""

"""YAML text to plain objects, as Kubernetes reads it, and faster than PyYAML's own constructor.

Scalars resolve as in go.yaml.in/yaml/v2 (resolve.go), which sigs.k8s.io/yaml uses: YAML 1.1 booleans with `y` and `n`, no
base-60 numbers, timestamps stay strings. Keys become strings; duplicate keys are errors (kubectl's strict decoding).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import yaml
from yaml import MappingNode, ScalarNode, SequenceNode
from yaml.error import MarkedYAMLError, YAMLError
from yaml.reader import ReaderError

from hostprocess.errors import InputError

try:
    from yaml.cyaml import CParser as _Parser  # type: ignore[attr-defined]
except ImportError as error:  # pragma: no cover - a PyYAML built without libyaml
    raise ImportError("hostprocess needs PyYAML built with libyaml; the wheels of PyYAML are") from error

__all__ = ["MAX_DEPTH", "MAX_VALUES", "compose", "load", "pieces", "scalar"]

MAX_DEPTH = 200  # levels of nesting; the deepest built-in kind has fewer than 30
MAX_VALUES = 1_000_000  # values that aliases may expand one document to

_WORDS: dict[str, Any] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
}
_NUMBER_START = frozenset("+-.0123456789")
_DECIMAL = re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z")
_BASED = re.compile(r"([-+]?)0(?:([xX])([0-9a-fA-F]+)|([bB])([01]+)|([oO]?)([0-7]+))\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_DOCUMENT = re.compile(r"^---(?=[ \t\n]|\Z)", re.MULTILINE)
_NUL = re.compile(r"\\(?:0|x00|u0000|U00000000)")
_DEEP = ("- - - - ", "? ? ? ? ", " " * 100)  # no nesting of block style beyond MAX_DEPTH goes without one of these
_TAG = "tag:yaml.org,2002:"


class _Composer(_Parser):
    """libyaml's parser and composer without PyYAML's resolver: a node's tag is None unless the text gives one."""

    def __init__(self, text: str) -> None:
        _Parser.__init__(self, text)

    def resolve(self, kind: object, value: object, implicit: object) -> None:
        return None

    def descend_resolver(self, parent: object, index: object) -> None:
        return None

    def ascend_resolver(self) -> None:
        return None


def pieces(blocks: Iterator[str]) -> Iterator[tuple[int, str]]:
    """Splits a stream of text at its `---` lines: pairs of (number of the first line counted from 1, text of the document).

    A line that begins with `---` cannot stand inside a document (YAML 1.1, section 9.1), so this needs no parser.
    """
    line = 1
    rest = ""
    for block in blocks:
        rest += block
        start = 0
        # A mark within the last four characters may go on in the next block.
        for match in _DOCUMENT.finditer(rest, 1, max(len(rest) - 4, 1)):
            if match.end() == len(rest) - 4 and rest[match.end()] not in " \t\n":
                continue  # the end of the searched region is not the end of the text
            yield line, rest[start : match.start()]
            line += rest.count("\n", start, match.start())
            start = match.start()
        rest = rest[start:]
    start = 0
    for match in _DOCUMENT.finditer(rest, 1):
        yield line, rest[start : match.start()]
        line += rest.count("\n", start, match.start())
        start = match.start()
    yield line, rest[start:]


def load(text: str, path: str = "", line: int = 1, strict: bool = False) -> list[tuple[Any, bool]]:
    """The documents of `text` as plain objects, each with whether it holds an explicit null; empty documents are left out.

    Arguments: `path` and `line` (the number of the first line) are for messages; `strict` is the profile of our own files, in which only
    `true`, `false`, `null` and whole numbers are not strings (`1.30` is, and so is `no`). Raises `InputError` with the place.
    """
    loaded = []
    try:
        if "\\" in text and _NUL.search(text):
            _refuse_nul(text)
        if text.count("[") + text.count("{") > MAX_DEPTH or any(sign in text for sign in _DEEP):
            _check_depth(text)
        composer = _Composer(text)
        while composer.check_node():
            node = composer.get_node()
            if "*" in text and "&" in text:
                _check_expansion(node)
            builder = _Builder(_strict_scalar if strict else scalar)
            value = builder.value(node)
            if value is not None:
                loaded.append((value, builder.nulls))
    except _Fault as fault:
        raise InputError(fault.message, path=path, line=line + fault.mark.line, column=fault.mark.column + 1) from None
    except YAMLError as error:
        raise _input_error(error, text, path, line) from None
    except RecursionError:
        raise InputError(f"nested deeper than {MAX_DEPTH} levels", path=path, line=line) from None
    return loaded


def compose(text: str) -> Any:
    """The first document of `text` as PyYAML nodes with their marks; None for an empty one. The text has been loaded before."""
    composer = _Composer(text)
    return composer.get_node() if composer.check_node() else None


def scalar(text: str) -> Any:
    """What a plain (unquoted) scalar means."""
    if text in _WORDS:
        return _WORDS[text]
    return _number(text) if text[0] in _NUMBER_START else text


def _strict_scalar(text: str) -> Any:
    if text in ("true", "false"):
        return text == "true"
    if text in ("", "null", "~"):
        return None
    return int(text) if _DECIMAL.match(text) else text


class _Fault(Exception):
    def __init__(self, message: str, mark: Any) -> None:
        super().__init__(message)
        self.message = message
        self.mark = mark


class _Builder:
    """Turns nodes into objects and notes whether a null was among them."""

    def __init__(self, resolve: Callable[[str], Any] = scalar) -> None:
        self.nulls = False
        self._resolve = resolve

    def value(self, node: Any) -> Any:
        kind = node.__class__
        if kind is ScalarNode:
            if node.tag is None and node.style:
                return node.value
            value = self._scalar(node)
            if value is None:
                self.nulls = True
            return value
        if kind is SequenceNode:
            return [self.value(item) for item in node.value]
        return self._mapping(node)

    def _mapping(self, node: Any) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        merged = None
        for key_node, value_node in node.value:
            key = key_node.value
            if key_node.__class__ is not ScalarNode:
                raise _Fault("a key must be a plain value, not a list or a mapping" + _template_hint(key_node), key_node.start_mark)
            if not key_node.style or key_node.tag is not None:
                if key == "<<" and key_node.tag is None:
                    merged = (key_node, value_node)
                    continue
                if key in _WORDS or key[0] in _NUMBER_START or key_node.tag is not None:
                    key = self._key(key_node)
            if key in mapping:
                raise _Fault(f"the key {key!r} is given twice in one mapping; Kubernetes would use only one of them", key_node.start_mark)
            # Most values are scalars without a tag: decided here to spare a call.
            if value_node.__class__ is ScalarNode and value_node.tag is None and value_node.style:
                mapping[key] = value_node.value
            else:
                mapping[key] = self.value(value_node)
        if merged is not None:
            for name, value in self._merge(*merged).items():
                mapping.setdefault(name, value)
        return mapping

    def _merge(self, key_node: Any, value_node: Any) -> dict[str, Any]:
        sources = value_node.value if value_node.__class__ is SequenceNode else [value_node]
        merged: dict[str, Any] = {}
        for source in sources:
            if source.__class__ is not MappingNode:
                raise _Fault("'<<' merges mappings only", key_node.start_mark)
            for name, value in self._mapping(source).items():
                merged.setdefault(name, value)
        return merged

    def _key(self, node: Any) -> str:
        value = self._scalar(node)
        if value is None:
            raise _Fault("null cannot be a key; put it in quotes if a string is meant", node.start_mark)
        if value is True or value is False:
            return "true" if value else "false"
        return str(value)

    def _scalar(self, node: Any) -> Any:
        text, tag = node.value, node.tag
        if tag is None:
            return text if node.style else self._resolve(text)
        if not tag.startswith(_TAG) or tag == _TAG + "str":
            return text
        value = scalar(text)
        types: dict[str, tuple[type, ...]] = {"bool": (bool,), "int": (int,), "float": (int, float), "null": (type(None),)}
        wanted = types.get(tag.removeprefix(_TAG))
        if wanted is None:
            return text
        if not isinstance(value, wanted):
            raise _Fault(f"{text!r} is not a {tag.removeprefix(_TAG)}", node.start_mark)
        return value


def _number(text: str) -> Any:
    if _DECIMAL.match(text):
        return _bounded(int(text))
    plain = text.replace("_", "")
    if based := _BASED.match(plain):
        sign, _, hexadecimal, _, binary, _, octal = based.groups()
        digits, base = (hexadecimal, 16) if hexadecimal else (binary, 2) if binary else (octal, 8)
        return _bounded(int(sign + digits, base))
    if _DECIMAL.match(plain):
        return _bounded(int(plain))
    if _FLOAT.match(plain):
        value = float(plain)
        # JSON has one kind of number: Go writes 1.0 as 1, and Kubernetes reads that as an integer.
        return int(value) if value.is_integer() and abs(value) < 1e18 else value
    return text


def _bounded(value: int) -> int | float:
    return value if -(2**63) <= value < 2**64 else float(value)


def _refuse_nul(text: str) -> None:
    composer = _Composer(text)
    while not composer.check_event(yaml.StreamEndEvent):
        event = composer.get_event()
        if isinstance(event, yaml.ScalarEvent) and "\0" in event.value:
            raise _Fault("a string holds a NUL character, which no field of Kubernetes may", event.start_mark)


def _check_depth(text: str) -> None:
    composer = _Composer(text)
    depth = 0
    while not composer.check_event(yaml.StreamEndEvent):
        event = composer.get_event()
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > MAX_DEPTH:
                raise _Fault(f"nested deeper than {MAX_DEPTH} levels", event.start_mark)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _check_expansion(node: Any) -> None:
    sizes: dict[int, int] = {}

    def size(node: Any) -> int:
        if node.__class__ is ScalarNode:
            return 1
        known = sizes.get(id(node))
        if known == 0:
            raise _Fault("an anchor holds an alias of itself", node.start_mark)
        if known is None:
            sizes[id(node)] = 0
            parts = (part for pair in node.value for part in pair) if node.__class__ is MappingNode else node.value
            known = sizes[id(node)] = 1 + sum(map(size, parts))
            if known > MAX_VALUES:
                raise _Fault(f"aliases expand this document to more than {MAX_VALUES:,} values", node.start_mark)
        return known

    size(node)


def _template_hint(node: Any) -> str:
    if node.__class__ is MappingNode:
        return "; if this is a Helm template, render it first: helm template CHART | hostprocess check -"
    return ""


def _input_error(error: YAMLError, text: str, path: str, line: int) -> InputError:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if isinstance(error, MarkedYAMLError):
        message = f"not valid YAML: {error.problem or error.context}"
        if error.problem and error.context:
            message += f" ({error.context})"
    elif isinstance(error, ReaderError):
        message = f"not valid YAML: {error.reason}; is it a binary file?"
    else:
        message = f"not valid YAML: {error}"
    if "{{" in text:
        message = "not valid YAML, and it looks like a Helm template: render it first: helm template CHART | hostprocess check -"
    return InputError(message, path=path, line=line + (mark.line if mark else 0), column=mark.column + 1 if mark else 0)

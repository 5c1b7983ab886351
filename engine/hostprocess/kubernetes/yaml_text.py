"""YAML text to plain objects, as Kubernetes reads it, and faster than PyYAML's own constructor.

Scalars resolve as in go.yaml.in/yaml/v2 (resolve.go), which sigs.k8s.io/yaml uses: YAML 1.1 booleans with `y` and `n`, no
base-60 numbers, timestamps stay strings. Keys become strings; duplicate keys are errors (strict decoding of the API server), and
what sigs.k8s.io/yaml cannot turn into JSON is refused (`.nan`, null as a key).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
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

__all__ = ["MAX_DEPTH", "MAX_VALUES", "compose", "cut_list", "events", "load", "pieces", "scalar"]

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
_LOOSE = re.compile(r"(?<![0-9])_|_(?![0-9])")
_LONGEST = 66  # digits and signs of a number of 64 bits in base 2; what is longer is no integer
# The start of a document, or the whole line that ends one.
_MARK = re.compile(r"\n(?:---(?=[ \t\n]|\Z)|\.\.\.(?=[ \t\n]|\Z)[^\n]*(?:\n|\Z))")
_PROLOG = re.compile(r"(?:(?:[ \t]*(?:#[^\n]*)?|%[^\n]*)(?:\n|\Z))*+")  # what may precede the `---` of a document: comments and directives
_COMMENTS = r"(?:(?:#[^\n]*)?\n)*+"
_LIST_META = r"metadata:(?: \{\}|(?:\n +\w+: (?:\"[^\"\n]*\"|'[^'\n]*'|\w*))*)"
_LIST = re.compile(rf"{_COMMENTS}(?:---[ \t]*\n{_COMMENTS})?(?:(?:apiVersion: [\w./]+|kind: \w+|{_LIST_META})\n)+items:\n(?=( *)- )")
_REFERENCE = re.compile(r"[ \t\n\[{,:][&*][\w-]")
_NUL = re.compile(r"\\(?:0|x00|u0000|U00000000)")
# Block collections nest by their columns, two levels a column at most, and only these signs can stand before one on its line.
_DEEP_LINE = f"[ \\t?:\ufeff-]{{{MAX_DEPTH // 2}}}"
_DEEP_START = re.compile(_DEEP_LINE)
_DEEP = re.compile("\n" + _DEEP_LINE)
_OTHER_BREAKS = re.compile("[\x85\u2028\u2029]")  # line breaks of YAML that are none to a text editor
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


def pieces(blocks: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Splits a stream of text into documents: pairs of (number of the first line counted from 1, text of the document).

    A line that begins with `---` or `...` cannot stand inside a document (YAML 1.1, section 9.1), so this needs no parser. Comments and
    directives stay with the document that follows them.
    """
    line = 1
    rest = ""
    searched = 0  # characters of `rest` in which no mark begins
    for block in chain(filter(None, blocks), ("",)):  # the empty block stands for the end
        rest += block
        # The last line may go on in the next block.
        end = rest.rfind("\n", searched) + 1 if block else len(rest)
        start = 0
        for mark in _MARK.finditer(rest, searched, end):
            cut = mark.start() + 1 if mark[0] == "\n---" else mark.end()
            if _PROLOG.fullmatch(rest, start, cut):
                continue
            yield line, rest[start:cut]
            line += rest.count("\n", start, cut)
            start = cut
        rest = rest[start:]
        searched = max(end - 1 - start, 0)
    if rest:
        yield line, rest


def cut_list(text: str) -> tuple[str, str, Iterator[tuple[int, str]]] | None:
    """Cuts a document that is a List as kubectl prints it, or as people write it, so that its items need not be held together.

    Returns the apiVersion and the kind of the List and, for each item, the number of lines above it and its text, which is a list of one.
    Returns None for any other document, which must be read whole: so must a List with anchors, which may be used in another item.
    """
    start = _LIST.match(text)
    if start is None or (("&" in text or "*" in text) and _REFERENCE.search(text)) or _has_other_breaks(text):
        return None
    first, margin = start.end(), start[1]
    tail = re.compile(rf"\n(?!\n| *#|{margin} |{margin}- )").search(text, first)
    end = tail.end() if tail else len(text)
    try:
        frame = load(text[:first] + text[end:])[0][0]
    except InputError:
        return None
    if frame["items"] is not None or not str(frame.get("kind")).endswith("List") or not isinstance(frame.get("apiVersion"), str):
        return None
    return frame["apiVersion"], frame["kind"], _cut_items(text, first, end, re.compile(f"^{margin}- ", re.MULTILINE))


def _cut_items(text: str, start: int, end: int, item: re.Pattern[str]) -> Iterator[tuple[int, str]]:
    line = text.count("\n", 0, start)
    for mark in item.finditer(text, start + 1, end):
        yield line, text[start : mark.start()]
        line += text.count("\n", start, mark.start())
        start = mark.start()
    yield line, text[start:end]


def load(text: str, path: str = "", line: int = 1, strict: bool = False) -> list[tuple[Any, bool]]:
    """The documents of `text` as plain objects, each with whether it holds an explicit null; empty documents are left out.

    Arguments: `path` and `line` (the number of the first line) are for messages; `strict` is the profile of our own files, in which only
    `true`, `false`, `null` and whole numbers are not strings (`1.30` is, and so is `no`). Raises `InputError` with the place.
    """
    loaded = []
    try:
        if "\\" in text and _NUL.search(text):
            _refuse_nul(text)
        if _may_be_deep(text):
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
        raise _error(fault.message, text, fault.mark.index, path, line) from None
    except YAMLError as error:
        raise _yaml_error(error, text, path, line) from None
    except RecursionError:
        raise InputError(f"nested deeper than {MAX_DEPTH} levels", path=path, line=line) from None
    return loaded


def compose(text: str) -> Any:
    """The first document of `text` as PyYAML nodes with their marks; None for an empty one. The text has been loaded before."""
    composer = _Composer(text)
    return composer.get_node() if composer.check_node() else None


def events(text: str) -> Iterator[Any]:
    """PyYAML's events of a text that has been loaded before: unlike nodes, they show where aliases stand."""
    composer = _Composer(text)
    while composer.check_event():
        yield composer.get_event()


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
    return int(text) if len(text) < _LONGEST and _DECIMAL.match(text) else text


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
        merged: set[str] = set()
        for key_node, value_node in node.value:
            key = key_node.value
            if key_node.__class__ is not ScalarNode:
                raise _Fault("a key must be a plain value, not a list or a mapping" + _template_hint(key_node), key_node.start_mark)
            if not key_node.style or key_node.tag is not None:
                if key == "<<" and key_node.tag in (None, _TAG + "merge"):
                    self._merge(key_node, value_node, mapping, merged)
                    continue
                if key in _WORDS or key[0] in _NUMBER_START or key_node.tag is not None:
                    key = self._key(key_node)
            if key in mapping:
                if key not in merged:
                    raise _Fault(f"the key {key!r} is given twice in one mapping; Kubernetes would use only one of them", key_node.start_mark)
                merged.discard(key)
            # Most values are scalars without a tag: decided here to spare a call.
            if value_node.__class__ is ScalarNode and value_node.tag is None and value_node.style:
                mapping[key] = value_node.value
            else:
                mapping[key] = self.value(value_node)
        return mapping

    def _merge(self, key_node: Any, value_node: Any, mapping: dict[str, Any], merged: set[str]) -> None:
        """Adds what `<<` gives to `mapping`; `merged` names the keys that come from merges only, which later ones replace (decode.go, merge)."""
        sources = value_node.value if value_node.__class__ is SequenceNode else [value_node]
        given: dict[str, Any] = {}
        for source in sources:
            if source.__class__ is not MappingNode:
                raise _Fault("'<<' merges mappings only", key_node.start_mark)
            for name, value in self._mapping(source).items():
                given.setdefault(name, value)
        for name, value in given.items():
            if name not in mapping or name in merged:
                merged.add(name)
            elif mapping[name] != value:
                # kubectl takes the merged value, since it comes later; other readers take the key that is written out.
                raise _Fault(f"'<<' gives the key {name!r} another value than the line above it does; put '<<' first", key_node.start_mark)
            mapping[name] = value

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
            if node.style:
                return text
            value = self._resolve(text)
        elif tag in _TYPES:
            value = scalar(text)
            if value.__class__ not in _TYPES[tag]:
                raise _Fault(f"{text!r} is not a {tag.removeprefix(_TAG)}", node.start_mark)
        elif tag == _TAG + "binary":
            raise _Fault("!!binary is not read; write the text itself", node.start_mark)
        else:
            return text
        if value.__class__ is float and not math.isfinite(value):
            raise _Fault(f"{text} is not a number of JSON; put it in quotes if a string is meant", node.start_mark)
        return value


_TYPES: dict[str, tuple[type, ...]] = {
    _TAG + "bool": (bool,),
    _TAG + "int": (int,),
    _TAG + "float": (int, float),
    _TAG + "null": (type(None),),
}


def _number(text: str) -> Any:
    # What begins with a point is left to strconv.ParseFloat, which takes underscores between digits only.
    plain = text if text[0] == "." and _LOOSE.search(text) else text.replace("_", "")
    if len(plain) < _LONGEST:
        if _DECIMAL.match(plain):
            return _bounded(int(plain))
        if based := _BASED.match(plain):
            sign, _, hexadecimal, _, binary, _, octal = based.groups()
            digits, base = (hexadecimal, 16) if hexadecimal else (binary, 2) if binary else (octal, 8)
            return _bounded(int(sign + digits, base))
    if _FLOAT.match(plain):
        value = float(plain)
        # JSON has one kind of number: Go writes 1.0 as 1, and Kubernetes reads that as an integer.
        if abs(value) < 2**63:
            return int(value) if value.is_integer() else value
        return text if math.isinf(value) else value
    return text


def _bounded(value: int) -> int | float:
    """The API server reads integers beyond 64 bits with a sign as floats."""
    return value if -(2**63) <= value < 2**63 else float(value)


def _refuse_nul(text: str) -> None:
    composer = _Composer(text)
    while not composer.check_event(yaml.StreamEndEvent):
        event = composer.get_event()
        if isinstance(event, yaml.ScalarEvent) and "\0" in event.value:
            raise _Fault("a string holds a NUL character, which no field of Kubernetes may", event.start_mark)


def _may_be_deep(text: str) -> bool:
    """A quick test that no text beyond MAX_DEPTH evades, but for one that mixes flow and block style (and has twice the levels at most)."""
    if text.count("[") + text.count("{") > MAX_DEPTH or _DEEP.search(text) or _DEEP_START.match(text):
        return True
    return _has_other_breaks(text)


def _has_other_breaks(text: str) -> bool:
    return not text.isascii() and _OTHER_BREAKS.search(text) is not None


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
    measured: dict[int, tuple[int, int]] = {}

    def measure(node: Any) -> tuple[int, int]:
        """How many values a node expands to, and in how many levels."""
        if node.__class__ is ScalarNode:
            return 1, 0
        known = measured.get(id(node))
        if known is None:
            measured[id(node)] = (0, 0)
            values = depth = 0
            for part in chain.from_iterable(node.value) if node.__class__ is MappingNode else node.value:
                more, below = measure(part)
                values += more
                depth = max(depth, below)
            known = measured[id(node)] = (values + 1, depth + 1)
            if values > MAX_VALUES:
                raise _Fault(f"aliases expand this document to more than {MAX_VALUES:,} values", node.start_mark)
            if depth >= MAX_DEPTH:
                raise _Fault(f"nested deeper than {MAX_DEPTH} levels", node.start_mark)
        elif known == (0, 0):
            raise _Fault("an anchor holds an alias of itself", node.start_mark)
        return known

    measure(node)


def _template_hint(node: Any) -> str:
    if node.__class__ is MappingNode:
        return "; if this is a Helm template, render it first: helm template CHART | hostprocess check -"
    return ""


def _error(message: str, text: str, at: int, path: str, line: int) -> InputError:
    """An error at a character of `text`. libyaml's own lines and columns count line breaks that editors do not."""
    return InputError(message, path=path, line=line + text.count("\n", 0, at), column=at - text.rfind("\n", 0, at))


def _yaml_error(error: YAMLError, text: str, path: str, line: int) -> InputError:
    at = 0
    message = f"not valid YAML: {error}"
    if isinstance(error, MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        at = mark.index if mark else 0
        message = f"not valid YAML: {error.problem or error.context}"
        if error.problem == "second occurrence":
            message = "not valid YAML: found duplicate anchor"
        elif "maximum nesting depth" in (error.problem or ""):  # newer libyaml has a bound of its own
            message = f"nested deeper than {MAX_DEPTH} levels"
        elif error.problem and error.context:
            message += f" ({error.context})"
    elif isinstance(error, ReaderError):
        at = len(text.encode()[: error.position].decode(errors="ignore"))
        message = f"not valid YAML: {error.reason}; is it a binary file?"
    if "{{" in text:
        message = "not valid YAML, and it looks like a Helm template: render it first: helm template CHART | hostprocess check -"
    return _error(message, text, at, path, line)

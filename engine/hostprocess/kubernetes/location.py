"""From a field path to the line and column where it stands. Documents are parsed again for this, so that reading stays fast."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from yaml import MappingNode, ScalarNode, SequenceNode

from hostprocess.kubernetes.yaml_text import compose
from hostprocess.model import Origin

__all__ = ["Place", "locate", "scalar_span"]

Steps = tuple[str | int, ...]
_MAX_EXCERPT = 200
_AROUND = 2  # lines before and after the one at fault
_SPACE = re.compile(r"[ \t\n\r]*")
_PROPERTIES = re.compile(r"(?:[&!]\S*\s+)*")  # anchor and tag
_decode = json.JSONDecoder().raw_decode


@dataclass(frozen=True, slots=True)
class Place:
    """A line and a column in a file, counted from 1, the text of that line and of some around it."""

    line: int
    column: int
    excerpt: str
    before: tuple[str, ...] = field(default=(), compare=False)
    after: tuple[str, ...] = field(default=(), compare=False)


def locate(origin: Origin, steps: Steps) -> Place:
    """Where the field at `steps` below the resource stands: its key, or the element of a list.

    An absent field is placed at the nearest field above it that exists.
    """
    text = origin.text
    at = (_locate_json if origin.syntax == "json" else _locate_yaml)(text, origin.steps + steps)
    line = text.count("\n", 0, at)
    column = at - text.rfind("\n", 0, at)
    before, excerpt, after = _excerpts(text, at)
    return Place(origin.line + line, column if line else column + origin.column - 1, excerpt, before, after)


def scalar_span(origin: Origin, steps: Steps) -> tuple[int, int] | None:
    """Begin and end, in the text of the origin, of the scalar at `steps` below the resource. None if there is none."""
    if origin.syntax == "json":
        value = _json_value(origin.text, origin.steps + steps)
        return None if value is None or origin.text[value] != '"' else (value, _decode(origin.text, value)[1])
    node = _composed(origin.text)
    for step in origin.steps + steps:
        found = _child(node, step)
        if found is None:
            return None
        node = found[0]
    if not isinstance(node, ScalarNode):
        return None
    start, end = node.start_mark.index, node.end_mark.index
    properties = _PROPERTIES.match(origin.text, start)
    return properties.end() if properties else start, end


def _excerpts(text: str, at: int) -> tuple[tuple[str, ...], str, tuple[str, ...]]:
    """The lines before, at and after a place in a text."""
    first = last = text.rfind("\n", 0, at) + 1
    for _ in range(_AROUND):
        first = text.rfind("\n", 0, max(first - 1, 0)) + 1
    for _ in range(_AROUND + 1):
        end = text.find("\n", last)
        last = end + 1 if end >= 0 else len(text)
    before = text[first : text.rfind("\n", 0, at) + 1].split("\n")[:-1]
    excerpt, *after = text[text.rfind("\n", 0, at) + 1 : last].removesuffix("\n").split("\n")
    return tuple(map(_shortened, before)), _shortened(excerpt), tuple(map(_shortened, after))


def _shortened(line: str) -> str:
    line = line[: _MAX_EXCERPT + 1].rstrip() if len(line) > 10 * _MAX_EXCERPT else line.rstrip()
    return line if len(line) <= _MAX_EXCERPT else line[:_MAX_EXCERPT] + "…"


@lru_cache(maxsize=2)
def _composed(text: str) -> Any:
    return compose(text)


def _locate_yaml(text: str, steps: Steps) -> int:
    node = _composed(text)
    if node is None:
        return 0
    mark = node.start_mark
    for step in steps:
        found = _child(node, step)
        if found is None:
            break
        node, mark = found
    at: int = mark.index  # libyaml's own lines count line breaks that editors do not
    return at


def _child(node: Any, step: str | int) -> tuple[Any, Any] | None:
    if isinstance(node, SequenceNode):
        if isinstance(step, int) and step < len(node.value):
            return node.value[step], node.value[step].start_mark
        return None
    if not isinstance(node, MappingNode):
        return None
    merges = []
    for key, value in node.value:
        if isinstance(key, ScalarNode):
            if key.value == step:
                return value, key.start_mark
            if key.value == "<<" and not key.style:
                merges.append(value)
    for value in merges:
        for source in value.value if isinstance(value, SequenceNode) else [value]:
            if found := _child(source, step):
                return found
    return None


def _locate_json(text: str, steps: Steps) -> int:
    at = value = 0
    for step in steps:
        found = _json_child(text, value, step)
        if found is None:
            break
        at, value = found
    return at


def _json_value(text: str, steps: Steps) -> int | None:
    value = 0
    for step in steps:
        found = _json_child(text, value, step)
        if found is None:
            return None
        value = found[1]
    return value


def _json_child(text: str, at: int, step: str | int) -> tuple[int, int] | None:
    return _json_member(text, at, step) if isinstance(step, str) else _json_element(text, at, step)


def _skip(text: str, at: int) -> int:
    return _SPACE.match(text, at).end()  # type: ignore[union-attr]


def _json_member(text: str, at: int, name: str) -> tuple[int, int] | None:
    """The places of the key and of the value of a member of the object at `at`."""
    if text[at : at + 1] != "{":
        return None
    at = _skip(text, at + 1)
    while text[at] != "}":
        key, end = _decode(text, at)
        value = _skip(text, _skip(text, end) + 1)
        if key == name:
            return at, value
        _, end = _decode(text, value)
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return None


def _json_element(text: str, at: int, index: int) -> tuple[int, int] | None:
    if text[at : at + 1] != "[":
        return None
    at = _skip(text, at + 1)
    while text[at] != "]":
        if index == 0:
            return at, at
        index -= 1
        _, end = _decode(text, at)
        at = _skip(text, end)
        if text[at] == ",":
            at = _skip(text, at + 1)
    return None

"""From a field path to the line and column where it stands. Documents are parsed again for this, so that reading stays fast."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from yaml import MappingNode, ScalarNode, SequenceNode

from hostprocess.kubernetes.yaml_text import compose
from hostprocess.model import Origin

__all__ = ["Place", "locate"]

Steps = tuple[str | int, ...]
_MAX_EXCERPT = 200
_SPACE = re.compile(r"[ \t\n\r]*")
_decode = json.JSONDecoder().raw_decode


@dataclass(frozen=True, slots=True)
class Place:
    """A line and a column in a file, counted from 1, and the text of that line."""

    line: int
    column: int
    excerpt: str


def locate(origin: Origin, steps: Steps) -> Place:
    """Where the field at `steps` below the resource stands: its key, or the element of a list.

    An absent field is placed at the nearest field above it that exists.
    """
    text = origin.text
    at = (_locate_json if origin.syntax == "json" else _locate_yaml)(text, origin.steps + steps)
    line = text.count("\n", 0, at)
    column = at - text.rfind("\n", 0, at)
    return Place(origin.line + line, column if line else column + origin.column - 1, _excerpt(text, line))


def _excerpt(text: str, line: int) -> str:
    start = 0
    for _ in range(line):
        start = text.find("\n", start) + 1
    end = text.find("\n", start)
    excerpt = text[start : end if end >= 0 else len(text)].rstrip()
    return excerpt if len(excerpt) <= _MAX_EXCERPT else excerpt[:_MAX_EXCERPT] + "…"


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
        found = _json_member(text, value, step) if isinstance(step, str) else _json_element(text, value, step)
        if found is None:
            break
        at, value = found
    return at


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

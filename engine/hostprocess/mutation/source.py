"""Where the text of an expression stands in its file, so that a mutant can be shown as a change of lines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from yaml import MappingNode, ScalarNode, SequenceNode

from hostprocess.kubernetes.yaml_text import compose
from hostprocess.model import Origin
from hostprocess.mutation.expressions import Change, changed

__all__ = ["Lines", "Source", "written"]

Steps = tuple[str | int, ...]
_ESCAPES = {"x": 4, "u": 6, "U": 10}


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines of a file before and after a change; `line` is that of the first."""

    line: int
    before: tuple[str, ...]
    after: tuple[str, ...]


@dataclass(slots=True)
class Source:
    """A file, or the document of one, with the places of its fields."""

    origin: Origin
    _root: Any = field(default=None, repr=False)

    @property
    def path(self) -> str:
        """The file."""
        return self.origin.path

    def place(self, steps: Steps) -> int:
        """The offset of the value of a field; where it comes by an alias, that of the anchor. -1 if the field is not there."""
        node = self._node(steps)
        return -1 if node is None else node.start_mark.index

    def line(self, steps: Steps) -> int:
        """The line of a field, or of the nearest one above it that is there."""
        while steps and self._node(steps) is None:
            steps = steps[:-1]
        node = self._node(steps)
        return self._line(node.start_mark.index) if node is not None else self.origin.line

    def field(self, steps: Steps, before: str, after: str) -> Lines:
        """A change of a field that is told in words of YAML."""
        return Lines(self.line(steps), tuple(before.splitlines()), tuple(after.splitlines()))

    def change(self, steps: Steps, expression: str, change: Change) -> Lines:
        """The lines of the file that a change of an expression changes."""
        node = self._node(steps)
        at = self._aligned(node, expression) if isinstance(node, ScalarNode) else None
        if at is None or node is None:
            return Lines(self.line(steps), (expression,), (changed(expression, change),))
        text = self.origin.text
        first, last = at[change.start], at[change.end]
        start = text.rfind("\n", 0, first) + 1
        end = text.find("\n", last)
        end = len(text) if end < 0 else end
        new = text[start:first] + _quoted(change.text, node.style) + text[last:end]
        return Lines(self._line(first), tuple(text[start:end].splitlines()), tuple(new.splitlines()))

    def _line(self, offset: int) -> int:
        return self.origin.line + self.origin.text.count("\n", 0, offset)

    def _node(self, steps: Steps) -> Any:
        if self._root is None:
            self._root = compose(self.origin.text)
        node = self._root
        for step in (*self.origin.steps, *steps):
            node = _child(node, step)
        return node

    def _aligned(self, node: ScalarNode, expression: str) -> list[int] | None:
        """Where each character of an expression stands in the text, and behind the last one its end; None if that cannot be told."""
        text, at, end = self.origin.text, node.start_mark.index, node.end_mark.index
        block = node.style in ("|", ">")
        if block:
            at = text.find("\n", at) + 1
        elif node.style in ("'", '"'):
            at, end = at + 1, end - 1
        indent = len(text[at:end]) - len(text[at:end].lstrip(" ")) if block else 0
        at += indent
        found: list[int] = []
        for char in expression:
            at = _skipped(text, at, end, char, node.style, indent)
            if at < 0:
                return None
            found.append(at)
            at = _behind(text, at, node.style, indent if block else -1)
        return [*found, found[-1] + 1 if found else at]


def _child(node: Any, step: str | int) -> Any:
    if isinstance(node, SequenceNode) and isinstance(step, int):
        return node.value[step] if step < len(node.value) else None
    if not isinstance(node, MappingNode):
        return None
    merged: list[Any] = []
    for key, value in node.value:
        if isinstance(key, ScalarNode) and key.value == step:
            return value
        if isinstance(key, ScalarNode) and key.value == "<<":
            merged += value.value if isinstance(value, SequenceNode) else [value]
    return next((found for one in merged if (found := _child(one, step)) is not None), None)


def _skipped(text: str, at: int, end: int, char: str, style: str | None, indent: int) -> int:
    """Where the character comes next, behind what YAML leaves out; -1 if it does not."""
    while at < end:
        sign = text[at]
        escaped = style == '"' and sign == "\\" and text[at + 1 : at + 2] != "\n"
        if sign == char or escaped or (sign == "\n" and char == " "):
            return at
        if sign not in " \t\n\\":
            return -1
        at += 1
    return -1


def _behind(text: str, at: int, style: str | None, indent: int) -> int:
    """Where the next character can be. `indent` is that of a block; negative elsewhere, where all space at the begin of a line is left out."""
    sign = text[at]
    if style == '"' and sign == "\\":
        return at + _ESCAPES.get(text[at + 1], 2)
    if style == "'" and text.startswith("''", at):
        return at + 2
    if sign != "\n":
        return at + 1
    at += 1
    if indent < 0:
        return at + len(text[at:]) - len(text[at:].lstrip(" \t\n"))
    space = len(text[at : at + indent]) - len(text[at : at + indent].lstrip(" "))
    return at + space


def _quoted(text: str, style: str | None) -> str:
    """Text as it stands in a scalar of that style."""
    if style == "'":
        return text.replace("'", "''")
    if style == '"':
        return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return text


def written(values: Mapping[str, Any]) -> str:
    """A mapping as YAML in one line would have it."""
    return ", ".join(f"{key}: {_flow(value)}" for key, value in values.items())


def _flow(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + written(value) + "}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_flow, value))}]"
    return f'"{value}"' if isinstance(value, str) and (not value or value[0] in "*&!{[" or ": " in value) else str(value)

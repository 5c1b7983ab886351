"""Small changes to YAML and JSON texts, made at the place itself: all other characters stay as they are.

A library that loads and dumps (ruamel.yaml in round-trip mode) writes the whole document anew, and what it does not keep (indentation of lists, line
widths, some quotes and blank lines) changes beside what was asked for. Here the parser only says where things stand.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from hostprocess.kubernetes.fields import Steps, format_path
from hostprocess.kubernetes.yaml_text import scalar
from hostprocess.kubernetes.yaml_tree import Node, parse

__all__ = ["CannotEdit", "Change", "Edit", "Splice", "YamlEditor"]

_PROPERTIES = re.compile(r"(?:[&!]\S*\s*)*")
_REST = re.compile(r"[ \t]*(?:#[^\n]*)?(?:\n|\Z)")  # what may stand behind a value on its line
_AFTER_COLON = re.compile(r"[ \t]*(?:[&!]\S*[ \t]*)*(?:#[^\n]*)?\n")
_DASHES = re.compile(r"[ ]*(?:-[ ]+)+")
_COLON = re.compile(r"[ \t]*:")
_COMMA = re.compile(r"\s*,")
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./-]*")
_STEP = 2  # spaces that a block is indented by, where its neighbours do not tell


class CannotEdit(Exception):
    """The text cannot be changed at a place without changing something else; says why."""


@dataclass(frozen=True, slots=True)
class Edit:
    """`remove` what is at `steps` below the top of the document, or `set` it to `value`."""

    op: str
    steps: Steps
    value: bool | str | None = None


Splice = tuple[int, int, str]
"""Begin and end of what is replaced, and what comes there."""


@dataclass(frozen=True, slots=True)
class Change:
    """How a text becomes another. Two changes with one `place` (the collection that changes) have to be made one after the other."""

    splices: tuple[Splice, ...]
    place: int

    @property
    def span(self) -> tuple[int, int]:
        """From the first to the last character that is concerned."""
        return min(start for start, _, _ in self.splices), max(end for _, end, _ in self.splices)


class YamlEditor:
    """Finds the changes to the first document of a text that `yaml_text.load` takes; `as_json` writes new keys and values as JSON has them."""

    def __init__(self, text: str, as_json: bool = False) -> None:
        self._text = text
        self._json = as_json
        self._root = parse(text)

    def change(self, edit: Edit) -> Change:
        """Raises `CannotEdit`."""
        return self._remove(edit.steps) if edit.op == "remove" else self._set(edit)

    # Finding the place.

    def _way(self, steps: Steps) -> list[Node]:
        """The nodes from the top to the last that exists. What is on it is written at this place and is used at no other."""
        if self._root is None:
            raise CannotEdit("the document is empty")
        way = [self._root]
        for number, step in enumerate(steps):
            node = way[-1]
            self._owned(node, steps[:number])
            if node.kind == "sequence" and isinstance(step, int) and step < len(node.items):
                way.append(node.items[step])
            elif node.kind == "mapping" and isinstance(step, str) and (found := _entry(node, step)) is not None:
                way.append(node.entries[found][1])
            else:
                break
        return way

    def _owned(self, node: Node, steps: Steps) -> None:
        if node.kind == "alias":
            raise CannotEdit(f"{format_path(steps)} is the alias *{node.value}: what it stands for is used elsewhere, too")
        if node.uses:
            raise CannotEdit(f"{format_path(steps)} carries the anchor &{node.anchor}, and its aliases would change with it")

    # Removing.

    def _remove(self, steps: Steps) -> Change:
        way = self._way(steps)
        if len(way) <= len(steps):
            merged = any(key.value == "<<" and not key.style for key, _ in way[-1].entries)
            raise CannotEdit(f"{format_path(steps)} comes from a merge (<<)" if merged else f"{format_path(steps)} is not written in the manifest")
        owner, value = way[-2], way[-1]
        if owner.kind != "mapping":
            raise CannotEdit(f"{format_path(steps)} is an element of a list")
        index = _entry(owner, str(steps[-1])) or 0
        key = owner.entries[index][0]
        if used := next((node for part in (key, value) for node in part.within() if node.uses), None):
            raise CannotEdit(f"{format_path(steps)} holds the anchor &{used.anchor}, which is used elsewhere")
        splices = self._remove_flow(owner, index) if owner.flow else self._remove_block(way, index, steps)
        return Change(tuple(splices), id(owner))

    def _remove_flow(self, owner: Node, index: int) -> list[Splice]:
        key, value = owner.entries[index]
        end = self._end(key, value)
        if index + 1 < len(owner.entries):
            span = key.start, owner.entries[index + 1][0].start
        elif index:
            span = self._end(*owner.entries[index - 1]), end
        else:
            inside = self._text.index("{", owner.start) + 1, owner.end - 1
            comma = _COMMA.match(self._text, end)
            span = inside if "#" not in self._text[inside[0] : key.start] + self._text[end : inside[1]] else (key.start, comma.end() if comma else end)
        self._without_comment(span[0], key.start)
        self._without_comment(end, span[1])
        return [(*span, "")]

    def _remove_block(self, way: Sequence[Node], index: int, steps: Steps) -> list[Splice]:
        text, owner = self._text, way[-2]
        key, value = owner.entries[index]
        end = self._end(key, value)
        line = text.rfind("\n", 0, key.start) + 1
        rest = _REST.match(text, end)
        if rest is None:
            raise CannotEdit(f"{format_path(steps)} shares its last line with something else")
        alone = not text[line : key.start].strip(" ")
        if len(owner.entries) == 1:
            if not alone:
                return [(key.start, end, "{}")]
            behind = self._behind_owner(way[:-1], steps[:-1])
            return [(behind, behind, " {}"), (line, rest.end(), "")]
        if alone:
            return [(line, rest.end(), "")]
        if index or not _DASHES.fullmatch(text, line, key.start):
            raise CannotEdit(f"{format_path(steps)} shares its line with something else")
        following = owner.entries[1][0].start
        self._without_comment(end, following)
        return [(key.start, following, "")]

    def _behind_owner(self, way: Sequence[Node], steps: Steps) -> int:
        """Behind the colon of the key, and the anchor, that the last block mapping of the way stands under."""
        mapping = way[-1]
        if len(way) < 2 or way[-2].kind != "mapping":
            raise CannotEdit(f"{format_path(steps)} would be left empty")
        if mapping.anchor or mapping.tag:
            properties = _PROPERTIES.match(self._text, mapping.start)
            return mapping.start + len(properties[0].rstrip()) if properties else mapping.start
        key = way[-2].entries[_entry(way[-2], str(steps[-1])) or 0][0]
        return self._colon(key)

    def _colon(self, key: Node) -> int:
        colon = _COLON.match(self._text, key.end)
        if colon is None:
            raise CannotEdit(f"the key {key.value!r} is written with a question mark, or without a colon")
        return colon.end()

    def _end(self, key: Node, value: Node) -> int:
        return max(value.end, self._colon(key) if value.end == value.start and not self._text.startswith((",", "}"), key.end) else key.end)

    def _without_comment(self, start: int, end: int) -> None:
        if "#" in self._text[start:end]:
            raise CannotEdit("a comment would go with it")

    # Setting.

    def _set(self, edit: Edit) -> Change:
        way = self._way(edit.steps)
        node = way[-1]
        if len(way) > len(edit.steps):
            owner = way[-2] if len(way) > 1 else node
            return Change(tuple(self._replace(owner, node, edit)), id(owner))
        missing = edit.steps[len(way) - 1 :]
        if not all(isinstance(step, str) for step in missing):
            raise CannotEdit(f"{format_path(edit.steps)} is not written in the manifest")
        names = [str(step) for step in missing]
        here = edit.steps[: len(way) - 1]
        if node.kind == "mapping":
            splices = self._add_flow(node, names, edit.value) if node.flow else self._add_block(way, here, names, edit.value)
            return Change(tuple(splices), id(node))
        if node.kind == "scalar" and not node.style and not node.tag and scalar(node.value) is None:
            return Change(tuple(self._fill(way[-2], node, self._flow_entry(names, edit.value, braces=True))), id(way[-2]))
        raise CannotEdit(f"{format_path(here)} is no mapping")

    def _replace(self, owner: Node, node: Node, edit: Edit) -> list[Splice]:
        name = format_path(edit.steps)
        if node.kind == "alias":
            return [(node.start, node.end, self._written(edit.value))]
        if node.kind != "scalar" or node.style in ("|", ">") or node.tag:
            raise CannotEdit(f"{name} is written as a block, a list, a mapping or with a tag")
        self._owned(node, edit.steps)
        return self._fill(owner, node, self._written(edit.value, node.style))

    def _fill(self, owner: Node, node: Node, new: str) -> list[Splice]:
        properties = _PROPERTIES.match(self._text, node.start, node.end)
        start = properties.end() if properties and (node.anchor or node.tag) else node.start
        if start < node.end:
            return [(start, node.end, new)]
        if node.start < node.end:  # an anchor, and nothing behind it
            return [(node.end, node.end, f" {new}")]
        key = next((key for key, value in owner.entries if value is node), None)
        if key is None:
            raise CannotEdit("an element of a list is empty")
        colon = self._colon(key)
        return [(colon, colon, f" {new}")]

    def _add_flow(self, mapping: Node, names: Sequence[str], value: bool | str | None) -> list[Splice]:
        entry = self._flow_entry(names, value)
        brace = self._text.index("{", mapping.start)
        if not mapping.entries:
            return [(brace + 1, brace + 1, entry)]
        first = mapping.entries[0][0].start
        gap = self._text[brace + 1 : first]
        return [(first, first, f"{entry},{gap if chr(10) in gap and '#' not in gap else ' '}")]

    def _add_block(self, way: Sequence[Node], here: Steps, names: Sequence[str], value: bool | str | None) -> list[Splice]:
        text, mapping = self._text, way[-1]
        first_key, first_value = mapping.entries[0]
        indent = first_key.start - text.rfind("\n", 0, first_key.start) - 1
        if len(way) > 1 and way[-2].kind == "mapping" and not way[-2].flow:
            # Directly under the key: a comment above the first entry stays with that.
            key = way[-2].entries[_entry(way[-2], str(here[-1])) or 0][0]
            rest = _AFTER_COLON.match(text, self._colon(key))
            if rest is None:
                raise CannotEdit(f"{format_path(here)} does not begin on a line of its own")
            outer = key.start - text.rfind("\n", 0, key.start) - 1
            return [(rest.end(), rest.end(), self._block_lines(names, value, indent, indent - outer))]
        rest = _REST.match(text, self._end(first_key, first_value))
        if rest is None:
            raise CannotEdit(f"the first line of {format_path(here)} holds something else, too")
        lines = self._block_lines(names, value, indent, _STEP)
        return [(rest.end(), rest.end(), lines if text[: rest.end()].endswith("\n") else f"\n{lines}".rstrip("\n"))]

    def _block_lines(self, names: Sequence[str], value: bool | str | None, indent: int, step: int) -> str:
        step = step if step > 0 else _STEP
        lines = [f"{' ' * (indent + step * number)}{self._key(name)}:" for number, name in enumerate(names)]
        return "\n".join(lines) + f" {self._written(value)}\n"

    def _flow_entry(self, names: Sequence[str], value: bool | str | None, braces: bool = False) -> str:
        entry = self._written(value)
        for name in reversed(names[1:]):
            entry = f"{{{self._key(name)}: {entry}}}"
        entry = f"{self._key(names[0])}: {entry}"
        return f"{{{entry}}}" if braces else entry

    def _key(self, name: str) -> str:
        return self._written(name)

    def _written(self, value: bool | str | None, style: str = "") -> str:
        if not isinstance(value, str):
            return json.dumps(value)
        if self._json or style == '"':
            return json.dumps(value)
        if not style and _PLAIN.fullmatch(value) and isinstance(scalar(value), str):
            return value
        return "'" + value.replace("'", "''") + "'" if value.isprintable() else json.dumps(value)


def _entry(mapping: Node, name: str) -> int | None:
    """The number of the entry with that key; it is the last, as a key may come before in a merge only."""
    return next((number for number, (key, _) in enumerate(mapping.entries) if key.kind == "scalar" and key.value == name), None)

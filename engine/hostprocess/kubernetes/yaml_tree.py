"""A YAML document as a tree that knows where everything stands, anchors and aliases included: for changes to its text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from hostprocess.kubernetes.yaml_text import events

__all__ = ["Node", "parse"]


@dataclass(slots=True, eq=False)
class Node:
    """A value or a key. `start` and `end` are characters of the text; `start` is that of the anchor or tag, if there is one.

    `kind` is `scalar`, `mapping`, `sequence` or `alias`; `style` of a scalar its quote or block sign, of a collection `{` where it is in flow style;
    `entries` are those of a mapping, `items` those of a sequence; `uses` counts the aliases of its anchor; `target` is what an alias stands for.
    """

    kind: str
    start: int
    end: int = 0
    value: str = ""
    style: str = ""
    tag: str = ""
    anchor: str = ""
    uses: int = 0
    entries: list[tuple[Node, Node]] = field(default_factory=list)
    items: list[Node] = field(default_factory=list)
    target: Node | None = None

    @property
    def flow(self) -> bool:
        """Whether it is a collection in flow style."""
        return self.style == "{"

    def within(self) -> Iterator[Node]:
        """It and all below it, aliases not followed."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting += node.items
            for entry in node.entries:
                waiting += entry


def parse(text: str) -> Node | None:
    """The first document of a text that has been loaded before; None if it is empty."""
    reader = _Reader(text)
    return next(reader.documents(), None)


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._events = events(text)
        self._anchors: dict[str, Node] = {}

    def documents(self) -> Iterator[Node]:
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                self._anchors = {}
                yield self._node(next(self._events))

    def _node(self, event: Any) -> Node:
        start: int = event.start_mark.index
        kind = event.__class__
        if kind is yaml.AliasEvent:
            target = self._anchors[event.anchor]
            target.uses += 1
            return Node("alias", start, event.end_mark.index, value=event.anchor, target=target)
        node = Node("scalar", start, event.end_mark.index, tag=event.tag or "", anchor=event.anchor or "")
        if node.anchor:
            self._anchors[node.anchor] = node
        if kind is yaml.ScalarEvent:
            node.value, node.style = event.value, event.style or ""
            if node.style in ("|", ">"):
                node.end = start + len(self._text[start : node.end].rstrip())
            return node
        node.style = "{" if event.flow_style else ""
        if kind is yaml.SequenceStartEvent:
            node.kind = "sequence"
            while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
                node.items.append(self._node(event))
                node.end = node.items[-1].end
        else:
            node.kind = "mapping"
            while not isinstance(event := next(self._events), yaml.MappingEndEvent):
                key = self._node(event)
                node.entries.append((key, self._node(next(self._events))))
                node.end = max(key.end, node.entries[-1][1].end)
        if node.flow:
            node.end = event.end_mark.index
        return node

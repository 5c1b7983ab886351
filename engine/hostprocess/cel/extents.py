"""Which part of the source text each node of a tree is."""

from __future__ import annotations

from collections.abc import Mapping

from hostprocess.cel.nodes import Call, Comprehension, Const, Ident, ListLiteral, MapLiteral, Node, Select
from hostprocess.cel.parser import tokens

__all__ = ["Extents"]

Extent = tuple[int, int]
_OPENING, _CLOSING = "([{", ")]}"
_LITERALS, _CONSTANTS = ("string", "int", "float"), ("true", "false", "null")
_OPERATORS = {"@in": "in", "_&&_": "&&", "_||_": "||", **{f"_{sign}_": sign for sign in ("==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%")}}


class Extents:
    """`positions` are those of the parser. A node that a macro has made up has no extent: nobody has written it."""

    def __init__(self, expression: str, positions: Mapping[int, int]) -> None:
        self._positions = positions
        self._tokens = tokens(expression)
        self._numbers = {start: number for number, (_, _, start) in enumerate(self._tokens)}
        self._matching = _brackets([text if kind == "operator" else "" for kind, text, _ in self._tokens])
        self._known: dict[int, Extent | None] = {}

    def of(self, node: Node) -> Extent | None:
        """Begin and end of the text of a node, without brackets around it."""
        if node.id not in self._known:
            number = self._numbers.get(self._positions.get(node.id, -1))
            self._known[node.id] = None if number is None else self._found(node, number)
        return self._known[node.id]

    def _found(self, node: Node, number: int) -> Extent | None:
        kind, text, start = self._tokens[number]
        if isinstance(node, Const):
            negative = text == "-" and kind == "operator"
            # A field behind `.?` is a constant of the tree, and a name in the text.
            return (start, self._end(number + negative)) if negative or kind in _LITERALS or text in _CONSTANTS else None
        if isinstance(node, Ident):
            if node.name.startswith("."):
                return (self._tokens[number - 1][2], self._end(number)) if text == node.name[1:] else None
            return (start, self._end(number)) if text == node.name else None
        if isinstance(node, Select):
            return self._select(node, number)
        if isinstance(node, Call):
            return self._call(node, number)
        if isinstance(node, ListLiteral | MapLiteral):
            return (start, self._end(self._matching[number])) if text in ("[", "{") and number in self._matching else None
        if isinstance(node, Comprehension) and text == "(":
            return self._from(node.iter_range, self._end(self._matching[number]))
        return None

    def _select(self, node: Select, number: int) -> Extent | None:
        text = self._tokens[number][1]
        if node.test_only:
            return (self._tokens[number - 1][2], self._end(self._matching[number])) if text == "(" else None
        return self._from(node.operand, self._end(number + 1)) if text == "." else None

    def _call(self, node: Call, number: int) -> Extent | None:
        kind, text, start = self._tokens[number]
        name, arguments = node.function, node.arguments
        if name in ("!_", "-_"):
            return self._until(start, arguments[0]) if text == name[0] else None
        if name == "_?_:_" and text == "(":
            # What optMap and its like expand to; `filter` has such a thing too, of its own making.
            test = arguments[0]
            given = test.target if isinstance(test, Call) and test.function == "hasValue" else None
            return self._from(given, self._end(self._matching[number])) if given is not None else None
        if name == "_?_:_":
            return self._between(arguments[0], arguments[2]) if text == "?" else None
        if name in ("_[_]", "_[?_]"):
            return self._from(arguments[0], self._end(self._matching[number])) if text == "[" else None
        if name == "_?._":
            return self._from(arguments[0], self._end(number + 2)) if text == "." else None
        if name in _OPERATORS:
            return self._between(arguments[0], arguments[1]) if text == _OPERATORS[name] and kind != "string" else None
        if text != "(" or self._tokens[number - 1][1] != name.rpartition(".")[2]:
            return None
        end = self._end(self._matching[number])
        return self._from(node.target, end) if node.target is not None else (self._tokens[number - 1][2], end)

    def _between(self, left: Node, right: Node) -> Extent | None:
        first, last = self.outer(left), self.outer(right)
        return (first[0], last[1]) if first and last else None

    def _from(self, left: Node, end: int) -> Extent | None:
        first = self.outer(left)
        return (first[0], end) if first else None

    def _until(self, start: int, right: Node) -> Extent | None:
        last = self.outer(right)
        return (start, last[1]) if last else None

    def outer(self, node: Node) -> Extent | None:
        """With the brackets around it that belong to no call."""
        found = self.of(node)
        while found is not None:
            before = self._numbers[found[0]] - 1
            closing = self._matching.get(before)
            if closing is None or self._tokens[before][1] != "(" or self._end(closing - 1) != found[1] or self._calls(before):
                return found
            found = self._tokens[before][2], self._end(closing)
        return None

    def _calls(self, number: int) -> bool:
        """Whether an opening bracket is that of a call or a macro."""
        kind, text, _ = self._tokens[number - 1] if number else ("", "", 0)
        return kind in ("name", "quoted") and text != "in"

    def _end(self, number: int) -> int:
        _, text, start = self._tokens[number]
        return start + len(text)


def _brackets(texts: list[str]) -> dict[int, int]:
    """The closing bracket of each opening one, by their numbers."""
    found: dict[int, int] = {}
    opened: list[int] = []
    for number, text in enumerate(texts):
        if text and text in _OPENING:
            opened.append(number)
        elif text and text in _CLOSING and opened:
            found[opened.pop()] = number
    return found

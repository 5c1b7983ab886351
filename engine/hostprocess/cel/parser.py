"""A parser of our own, for what is nested deeper than the 32 levels that cel-expr-python takes. It has no error messages but those of cel-go about
the depth: what it cannot parse, nobody can.

Source: github.com/google/cel-go/parser/gen/CEL.g4 and parser.go, for the places of nodes too.
"""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any, Final

from hostprocess.cel.nodes import Call, Const, Entry, Ident, ListLiteral, MapLiteral, Node, Select, Struct, children
from hostprocess.cel.values import Uint

__all__ = ["MAX_LEVELS", "TooDeep", "parse", "tokens"]

MAX_LEVELS: Final = 250
"""How deep cel-go parses, and how deep it goes into what it has parsed."""
# What the deepest that is parsed needs: a level takes at most a dozen frames. They are frames of Python alone, which do not lie on the stack of C.
_FRAMES: Final = 16 * MAX_LEVELS
_TOKEN = re.compile(
    r"""
    (?P<space> [ \t\r\n\f]+ | //[^\n]* )
    | (?P<string> [bB]?[rR]?(?:\"\"\"(?:\\.|[^\\])*?\"\"\"|'''(?:\\.|[^\\])*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*') )
    | (?P<float> [0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)? | [0-9]+[eE][+-]?[0-9]+ | \.[0-9]+(?:[eE][+-]?[0-9]+)? )
    | (?P<int> (?:0x[0-9a-fA-F]+|[0-9]+)[uU]? )
    | (?P<name> [A-Za-z_][A-Za-z0-9_]* )
    | (?P<quoted> `[A-Za-z0-9_.\-/ ]+` )
    | (?P<operator> ==|!=|<=|>=|&&|\|\||[-+*/%<>!?:.,()\[\]{}] )
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:([abfnrtv\\?\"'`])|x([0-9a-fA-F]{2})|X([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2}))")
_SIMPLE = dict(zip("abfnrtv\\?\"'`", "\a\b\f\n\r\t\v\\?\"'`", strict=True))
_RESERVED = frozenset(
    (
        *("as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package", "namespace"),
        *("return", "var", "void", "while", "in", "true", "false", "null"),
    )
)
_RELATIONS = frozenset({"==", "!=", "<", "<=", ">", ">=", "in"})
_SUMS, _PRODUCTS = frozenset("+-"), frozenset("*/%")
_VISITED = frozenset({"_?_:_", "_[_]", "_[?_]", "_?._", "@in", *(f"_{one}_" for one in _RELATIONS | _SUMS | _PRODUCTS)})
_CONSTANTS = {"true": True, "false": False, "null": None}


class _Unparsed(Exception):
    """Something that is no CEL, or that this parser leaves alone."""


class TooDeep(Exception):
    """Something that is nested deeper than cel-go parses; its text is that of cel-go."""


def parse(expression: str) -> tuple[Node, dict[int, int]] | None:
    """The tree, its macros not expanded, and where each node begins; None for what does not parse. Raises `TooDeep`."""
    try:
        parser = _Parser(expression)
        with _frames():
            root = parser.expression()
        parser.take("")
    except (_Unparsed, RecursionError, ValueError):
        return None
    _check_visits(root)
    return root, parser.positions


@contextlib.contextmanager
def _frames() -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(before + _FRAMES)
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def _check_visits(root: Node) -> None:
    """cel-go counts the operators, selections and indexes that it is inside of when it makes the tree."""
    todo = [(root, 0)]
    while todo:
        node, depth = todo.pop()
        depth += isinstance(node, Select) or (isinstance(node, Call) and (node.target is not None or node.function in _VISITED))
        if depth > MAX_LEVELS:
            raise TooDeep("max recursion depth exceeded")
        todo += [(child, depth) for child in children(node)]


def tokens(text: str) -> list[tuple[str, str, int]]:
    """Kind, text and place of each token, the end as the last. The text has been parsed before: else it may be no CEL."""
    found = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise _Unparsed
        if match.lastgroup != "space":
            found.append((match.lastgroup, match[0], at))
        at = match.end()
    return [*found, ("end", "", len(text))]


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens = tokens(text)
        self._at = 0
        self._levels = {"expr": 0, "relation": 0, "calc": 0}
        self.positions: dict[int, int] = {}

    @property
    def _text(self) -> str:
        kind, text, _ = self._tokens[self._at]
        return text if kind in ("operator", "name", "end") else "\0"

    def take(self, text: str) -> int:
        """Takes the next token, which must be this one, and says where it is."""
        if self._text != text:
            raise _Unparsed
        self._at += 1
        return self._tokens[self._at - 1][2]

    def _accept(self, *texts: str) -> bool:
        if self._text not in texts:
            return False
        self._at += 1
        return True

    def _id(self, place: int) -> int:
        identity = len(self.positions) + 1
        self.positions[identity] = place
        return identity

    def _operation(self, place: int, function: str, *arguments: Node) -> Node:
        return Call(self._id(place), function, arguments)

    def _entered(self, rule: str, read: Callable[[], Node]) -> Node:
        """What is read a level deeper in a rule of the grammar."""
        self._levels[rule] += 1
        if self._levels[rule] > MAX_LEVELS:
            raise TooDeep(f"expression recursion limit exceeded: {MAX_LEVELS}")
        node = read()
        self._levels[rule] -= 1
        return node

    def expression(self) -> Node:
        """`a ? b : c`, and all below it."""
        return self._entered("expr", self._expression)

    def _expression(self) -> Node:
        condition = self._logical("||", lambda: self._logical("&&", self._relation))
        if self._text == "?":
            place = self.take("?")
            truthy = self._logical("||", lambda: self._logical("&&", self._relation))
            self.take(":")
            condition = self._operation(place, "_?_:_", condition, truthy, self.expression())
        return condition

    def _logical(self, operator: str, below: Callable[[], Node]) -> Node:
        terms, places = [below()], []
        while self._text == operator:
            places.append(self.take(operator))
            terms.append(below())
        return self._balanced(f"_{operator}_", terms, places, 0, len(places) - 1) if places else terms[0]

    def _balanced(self, function: str, terms: list[Node], places: list[int], low: int, high: int) -> Node:
        middle = (low + high + 1) // 2
        left = terms[middle] if middle == low else self._balanced(function, terms, places, low, middle - 1)
        right = terms[middle + 1] if middle == high else self._balanced(function, terms, places, middle + 1, high)
        return self._operation(places[middle], function, left, right)

    def _relation(self) -> Node:
        return self._entered("relation", self._relations)

    def _relations(self) -> Node:
        left = self._calc()
        while self._text in _RELATIONS:
            operator = self._text
            place = self.take(operator)
            left = self._operation(place, "@in" if operator == "in" else f"_{operator}_", left, self._entered("relation", self._calc))
        return left

    def _calc(self) -> Node:
        return self._entered("calc", self._sum)

    def _sum(self) -> Node:
        left = self._product()
        while self._text in _SUMS:
            operator = self._text
            place = self.take(operator)
            left = self._operation(place, f"_{operator}_", left, self._entered("calc", self._product))
        return left

    def _product(self) -> Node:
        left = self._unary()
        while self._text in _PRODUCTS:
            operator = self._text
            place = self.take(operator)
            left = self._operation(place, f"_{operator}_", left, self._entered("calc", self._unary))
        return left

    def _unary(self) -> Node:
        operator = self._text
        if operator not in ("!", "-"):
            return self._member(False)
        place = self._tokens[self._at][2]
        count = 0
        while self._accept(operator):
            count += 1
        if operator == "-" and count == 1 and self._tokens[self._at][0] in ("int", "float"):
            return self._member(True)
        # What follows `!` may be a negative literal.
        negative = operator == "!" and self._text == "-" and self._tokens[self._at + 1][0] in ("int", "float")
        self._at += negative
        operand = self._member(negative)
        return self._operation(place, f"{operator}_", operand) if count % 2 else operand

    def _member(self, negative: bool) -> Node:
        start = self._tokens[self._at][2] - negative
        node = self._primary(negative)
        while True:
            place = self._tokens[self._at][2]
            if self._accept("."):
                node = self._field(node, place, start)
            elif self._accept("["):
                optional = self._accept("?")
                index = self.expression()
                self.take("]")
                node = self._operation(place, "_[?_]" if optional else "_[_]", node, index)
            elif self._text == "{" and (name := _qualified(node)):
                node = self._struct(name, place)
            else:
                return node

    def _field(self, operand: Node, place: int, first: int) -> Node:
        optional = self._accept("?")
        kind, text, _ = self._tokens[self._at]
        self._at += 1
        if kind == "quoted":
            text = text[1:-1]
        elif kind != "name" or text in ("in", "true", "false", "null"):
            raise _Unparsed
        if optional:
            return self._operation(place, "_?._", operand, Const(self._id(first), text))
        if kind == "name" and self._text == "(":
            opening = self._tokens[self._at][2]
            return Call(self._id(opening), text, self._arguments(), operand)
        return Select(self._id(place), operand, text)

    def _arguments(self) -> tuple[Node, ...]:
        self.take("(")
        arguments = []
        if not self._accept(")"):
            arguments.append(self.expression())
            while self._accept(","):
                arguments.append(self.expression())
            self.take(")")
        return tuple(arguments)

    def _primary(self, negative: bool) -> Node:
        kind, text, place = self._tokens[self._at]
        self._at += 1
        if kind in ("int", "float"):
            return Const(self._id(place - negative), _number(kind, text, negative))
        if kind == "string":
            return Const(self._id(place), _string(text))
        if text in _CONSTANTS:
            return Const(self._id(place), _CONSTANTS[text])
        if text == "(":
            inner = self.expression()
            self.take(")")
            return inner
        if text == "[":
            return self._list(place)
        if text == "{":
            return MapLiteral(self._id(place), self._entries(self.expression))
        leading = text == "."
        if leading:
            kind, text, _ = self._tokens[self._at]
            self._at += 1
        if kind != "name" or text in _RESERVED:
            raise _Unparsed
        name = f".{text}" if leading else text
        if self._text == "(":
            opening = self._tokens[self._at][2]
            return Call(self._id(opening), name, self._arguments())
        return Ident(self._id(place), name)

    def _list(self, place: int) -> Node:
        elements: list[Node] = []
        optional = set()
        while not self._accept("]"):
            if self._accept("?"):
                optional.add(len(elements))
            elements.append(self.expression())
            if not self._accept(","):
                self.take("]")
                break
        return ListLiteral(self._id(place), tuple(elements), frozenset(optional))

    def _entries(self, read_key: Callable[[], Any]) -> tuple[Entry, ...]:
        entries = []
        while not self._accept("}"):
            optional = self._accept("?")
            key = read_key()
            place = self.take(":")
            entries.append(Entry(self._id(place), key, self.expression(), optional))
            if not self._accept(","):
                self.take("}")
                break
        return tuple(entries)

    def _struct(self, name: str, place: int) -> Node:
        self.take("{")
        return Struct(self._id(place), name, self._entries(self._field_name))

    def _field_name(self) -> str:
        kind, text, _ = self._tokens[self._at]
        self._at += 1
        if kind not in ("name", "quoted"):
            raise _Unparsed
        return text.strip("`")


def _qualified(node: Node) -> str:
    """`a.b.c` for the name of a message; empty for anything else."""
    if isinstance(node, Ident):
        return node.name
    prefix = _qualified(node.operand) if isinstance(node, Select) else ""
    return f"{prefix}.{node.field}" if prefix and isinstance(node, Select) else ""


def _number(kind: str, text: str, negative: bool) -> Any:
    if kind == "float":
        return -float(text) if negative else float(text)
    number = int(text.rstrip("uU"), 16 if text[:2] == "0x" else 10)
    if text[-1] in "uU":
        if negative or number >= 2**64:
            raise _Unparsed
        return Uint(number)
    number = -number if negative else number
    if not -(2**63) <= number < 2**63:
        raise _Unparsed
    return number


def _string(token: str) -> Any:
    start = re.match(r"[rRbB]*", token)
    prefix = start[0].lower() if start else ""
    text = token[len(prefix) :]
    quotes = 3 if text[:3] in ('"""', "'''") else 1
    text = text[quotes:-quotes].replace("\r\n", "\n").replace("\r", "\n")
    binary = "b" in prefix
    if "r" in prefix or "\\" not in text:
        return text.encode() if binary else text
    parts: list[Any] = []
    at = 0
    while (cut := text.find("\\", at)) >= 0:
        match = _ESCAPE.match(text, cut)
        if match is None:
            raise _Unparsed
        parts += [text[at:cut], _escaped(match, binary)]
        at = match.end()
    parts.append(text[at:])
    if binary:
        return b"".join(part if isinstance(part, bytes) else part.encode() for part in parts)
    return "".join(parts)


def _escaped(match: re.Match[str], binary: bool) -> Any:
    if match[1]:
        return _SIMPLE[match[1]]
    wide = match[4] or match[5]
    code = int(match[6], 8) if match[6] else int(wide or match[2] or match[3], 16)
    if wide and (binary or code > 0x10FFFF or 0xD800 <= code < 0xE000):
        raise _Unparsed
    return bytes([code]) if binary else chr(code)

"""The mutants of one expression: found on its tree, written into its text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from hostprocess.cel import parser
from hostprocess.cel.extents import Extents
from hostprocess.cel.nodes import Call, Const, ListLiteral, Node, Select, children

__all__ = ["Change", "changed", "changes"]

_EQUALITY = {"_==_": "!=", "_!=_": "=="}
_ORDER = {"_<_": "<=", "_<=_": "<", "_>_": ">=", "_>=_": ">"}
_ARITHMETIC = {"_+_": "-", "_-_": "+", "_*_": "/", "_/_": "*", "_%_": "*"}
_LOGICAL = {"_&&_": "||", "_||_": "&&"}
_RELATIONS = {**_EQUALITY, **_ORDER}
_BINARY = frozenset({*_RELATIONS, *_ARITHMETIC, *_LOGICAL, "@in", "_?_:_"})
_QUANTIFIERS = {"all": "exists", "exists": "all", "exists_one": "exists", "existsOne": "exists"}
_MACROS = frozenset({*_QUANTIFIERS, "filter", "map"})
_NORMALISERS = frozenset({"lowerAscii", "upperAscii", "trim"})
_PARTS = frozenset({"contains", "endsWith", "find", "findAll", "matches", "startsWith"})  # an empty text is in every text
_CONTAINERS = re.compile(r"(?i)containers")


@dataclass(frozen=True, slots=True)
class Change:
    """`text` in the place of what stands from `start` to before `end`; `operator` names the kind, `words` say what was done."""

    operator: str
    start: int
    end: int
    text: str
    words: str


def changed(expression: str, change: Change) -> str:
    """The expression with the change."""
    return expression[: change.start] + change.text + expression[change.end :]


def changes(expression: str, *, condition: bool = True) -> list[Change]:
    """All changes, in the order of their places; no two give the same text. None of an expression that does not parse.

    `condition`: it is true or false whatever it looks like.
    """
    try:
        parsed = parser.parse(expression)
    except parser.TooDeep:
        return []
    if parsed is None:
        return []
    found = _Finder(expression, parsed[1]).all(parsed[0], condition)
    distinct = {changed(expression, one): one for one in reversed(list(found))}
    distinct.pop(expression, None)
    return sorted(distinct.values(), key=lambda one: (one.start, one.end, one.operator, one.text))


class _Finder:
    def __init__(self, expression: str, positions: dict[int, int]) -> None:
        self._source = expression
        self._positions = positions
        self._extents = Extents(expression, positions)

    def all(self, root: Node, condition: bool) -> Iterator[Change]:
        """What there is below the top."""
        yield from self._visit(root, truth=condition or _is_condition(root))

    # Places.

    def _text(self, node: Node) -> str:
        extent = self._extents.of(node)
        return self._source[extent[0] : extent[1]] if extent else ""

    def _enclosed(self, node: Node) -> str:
        """The text so that it may stand anywhere."""
        text = self._text(node)
        return f"({text})" if isinstance(node, Call) and node.function in _BINARY else text

    def _instead(self, operator: str, node: Node, text: str, words: str) -> Iterator[Change]:
        extent = self._extents.of(node)
        if extent and text:
            yield Change(operator, *extent, text, words)

    def _sign(self, operator: str, node: Call, new: str) -> Iterator[Change]:
        """Another sign in the place of that of a binary operator."""
        start, old = self._positions.get(node.id, -1), node.function.strip("_")
        if self._source.startswith(old, start):
            yield Change(operator, start, start + len(old), new, f"{old} became {new}")

    # Nodes.

    def _visit(self, node: Node, truth: bool) -> Iterator[Change]:
        """`truth`: the node is a condition, which can be negated."""
        if isinstance(node, Const):
            yield from self._constant(node, whole=False)
        elif isinstance(node, Call):
            yield from self._call(node, truth)
        else:
            if truth and isinstance(node, Select):
                yield from self._negated(node)
            if isinstance(node, ListLiteral):
                yield from self._elements(node)
            for child in children(node):
                yield from self._constant(child, whole=True) if isinstance(child, Const) else self._visit(child, False)

    def _call(self, node: Call, truth: bool) -> Iterator[Change]:
        name = node.function
        if name in _LOGICAL:
            yield from self._logical(node)
        elif name in _RELATIONS:
            operator = "equality" if name in _EQUALITY else "comparison"
            yield from self._sign(operator, node, _RELATIONS[name])
            yield from self._below(node)
        elif name in _ARITHMETIC:
            yield from self._sum(node) if name == "_+_" else self._sign("arithmetic", node, _ARITHMETIC[name])
            yield from self._below(node)
        elif name == "!_":
            yield from self._instead("negation", node, self._enclosed(node.arguments[0]), "! was dropped")
            yield from self._visit_operand(node.arguments[0])
        elif name == "_?_:_":
            yield from self._conditional(node, truth)
        elif name == "has":
            if truth:
                yield from self._negated(node)
        else:
            yield from self._other(node, truth)

    def _visit_operand(self, node: Node) -> Iterator[Change]:
        """What stands behind `!`: its negation has been made already, by dropping that."""
        if isinstance(node, Call) and node.function in _RELATIONS:
            yield from self._below(node)
        else:
            yield from self._visit(node, False)

    def _below(self, node: Call) -> Iterator[Change]:
        """The operands of a relation or a sum."""
        for child in children(node):
            yield from self._constant(child, whole=True) if isinstance(child, Const) else self._visit(child, False)

    def _other(self, node: Call, truth: bool) -> Iterator[Change]:
        name, target, arguments = node.function, node.target, node.arguments
        macro = target is not None and name in _MACROS and len(arguments) > 1
        if macro and name in _QUANTIFIERS and not _single(target):
            start = self._positions.get(node.id, -1) - len(name)
            if self._source.startswith(name, start):
                yield Change("quantifier", start, start + len(name), _QUANTIFIERS[name], f"{name} became {_QUANTIFIERS[name]}")
        elif macro and name == "filter" and target is not None:
            yield from self._instead("filter", node, self._enclosed(target), "the filter was dropped")
        if truth:
            yield from self._negated(node)
        if name in _NORMALISERS and target is not None and not arguments:
            yield from self._instead("call", node, self._enclosed(target), f"{name}() was dropped")
        if target is not None:
            yield from self._visit(target, False)
        for argument in arguments[1:] if macro else arguments:
            condition = macro and (name != "map" or (len(arguments) == 3 and argument is arguments[1]))
            if isinstance(argument, Const):
                yield from self._constant(argument, whole=target is None or name not in _PARTS)
            else:
                yield from self._visit(argument, condition)

    def _negated(self, node: Node) -> Iterator[Change]:
        text = self._text(node)
        plain = not (isinstance(node, Call) and node.function in _BINARY)
        yield from self._instead("negation", node, text and (f"!{text}" if plain else f"!({text})"), "it was negated")

    def _logical(self, node: Call) -> Iterator[Change]:
        for joint in self._joints(node):
            yield from self._sign("logical", joint, _LOGICAL[node.function])
        operands = self._operands(node)
        yield from self._without(node, operands, lambda one: self._kind(node.function, one, operands))
        for operand in operands:
            yield from self._visit(operand, True)

    def _joints(self, node: Call) -> Iterator[Call]:
        """The calls that make up a chain such as `a && b && c`."""
        yield node
        for one in node.arguments:
            if self._continues(node, one):
                assert isinstance(one, Call)
                yield from self._joints(one)

    def _operands(self, node: Call) -> list[Node]:
        return [part for one in node.arguments for part in (self._operands(one) if self._continues(node, one) and isinstance(one, Call) else [one])]

    def _continues(self, node: Call, below: Node) -> bool:
        """Whether an operand is the same operator without brackets around it."""
        return isinstance(below, Call) and below.function == node.function and self._extents.outer(below) == self._extents.of(below)

    def _without(self, node: Call, operands: Sequence[Node], kind: Callable[[Node], str]) -> Iterator[Change]:
        """The chain without each of its operands."""
        places = [self._extents.outer(one) for one in operands]
        whole = self._extents.of(node)
        if whole is None or None in places:
            return
        extents = [one for one in places if one is not None]
        for number, (start, end) in enumerate(extents):
            name = kind(operands[number])
            words = f"{_short(self._source[start:end])} was dropped"
            if number + 1 < len(extents):
                yield Change(name, start, extents[number + 1][0], "", words)
            else:
                yield Change(name, extents[number - 1][1], end, "", words)

    def _kind(self, function: str, operand: Node, operands: Sequence[Node]) -> str:
        guard: Node = operand
        if isinstance(operand, Call) and operand.function == "!_" and function == "_||_":
            guard = operand.arguments[0]
        if isinstance(guard, Call) and guard.function in ("has", "@in") and (guard is not operand or function == "_&&_"):
            return "guard"
        over = [one for one in operands if any(_quantified(part) for part in _conjuncts(one))]
        if over and operand in over and len([one for one in over if _CONTAINERS.search(self._text(one))]) > 1:
            return "containers"
        return "half" if over else "operand"

    def _conditional(self, node: Call, truth: bool) -> Iterator[Change]:
        condition, then, otherwise = node.arguments
        guard = isinstance(condition, Call) and condition.function in ("has", "@in")
        for kept, dropped, name in ((then, otherwise, "guard" if guard else "half"), (otherwise, then, "half")):
            words = f"{_short(self._text(dropped))} was dropped, with the condition"
            yield from self._instead(name, node, self._enclosed(kept), words)
        yield from self._visit(condition, not guard)
        yield from self._visit(then, truth)
        yield from self._visit(otherwise, truth)

    def _sum(self, node: Call) -> Iterator[Change]:
        operands = self._operands(node)
        lists = any(_CONTAINERS.search(self._text(one)) and not (isinstance(one, Call) and one.function == "size") for one in operands)
        texts = any(isinstance(one, Const) and isinstance(one.value, str | bytes) for one in operands)
        if not lists and not texts:
            yield from self._sign("arithmetic", node, "-")
        if any(isinstance(one, Const) and not isinstance(one.value, str | bytes) for one in operands):
            return
        if lists or texts:
            yield from self._without(node, operands, lambda _: "containers" if lists else "operand")

    def _elements(self, node: ListLiteral) -> Iterator[Change]:
        """A list of constants without each of them."""
        extents = [self._extents.of(one) for one in node.elements]
        if not extents or not all(isinstance(one, Const) for one in node.elements):
            return
        known = [one for one in extents if one is not None]
        for number, (start, end) in enumerate(known):
            words = f"{_short(self._source[start:end])} was dropped"
            if number + 1 < len(known):
                yield Change("element", start, known[number + 1][0], "", words)
            else:
                yield Change("element", known[number - 1][1] if number else start, end, "", words)

    def _constant(self, node: Const, whole: bool) -> Iterator[Change]:
        """`whole`: a text that is not compared in parts, nor a part itself; there an empty one is no better than any other."""
        extent = self._extents.of(node)
        if extent is None:
            return
        text, value = self._source[extent[0] : extent[1]], node.value
        if isinstance(value, bool):
            new = ["false" if value else "true"]
        elif isinstance(value, str) and text[-1:] in ("'", '"'):
            new = list(_other_texts(text, value))[: 1 if whole else 2]
        elif isinstance(value, float):
            new = [repr(value + 1.0)]
        elif isinstance(value, int):
            unsigned = "u" if text[-1] in "uU" else ""
            new = [f"{number}{unsigned}" for number in (value + 1, value - 1) if number >= 0 or value < 0]
        else:
            return
        for one in new:
            yield Change("constant", *extent, one, f"{_short(text)} became {_short(one)}")


def _other_texts(token: str, value: str) -> Iterator[str]:
    """A text that is another one, and an empty one for what parts of texts are compared with."""
    prefix = re.match(r"[a-zA-Z]*", token)
    start = prefix.end() if prefix else 0
    quote = token[start : start + 3] if token[start : start + 3] in ('"""', "'''") and len(token) - start >= 6 else token[start]
    yield f"{token[: len(token) - len(quote)]}~{quote}"
    if value:
        yield f"{token[:start]}{quote}{quote}"


def _is_condition(node: Node) -> bool:
    """Whether it can be nothing else."""
    if isinstance(node, Call):
        return node.function in (*_LOGICAL, *_RELATIONS, *_QUANTIFIERS, "@in", "!_", "has")
    return isinstance(node, Select) and node.test_only


def _single(node: Node | None) -> bool:
    """A list of one, as `[value].all(name, …)` names a value: all its elements are one of them."""
    return isinstance(node, ListLiteral) and len(node.elements) == 1


def _quantified(node: Node) -> bool:
    if isinstance(node, Call) and node.function == "!_":
        return _quantified(node.arguments[0])
    return isinstance(node, Call) and node.function in _QUANTIFIERS and node.target is not None and not _single(node.target)


def _conjuncts(node: Node) -> Iterator[Node]:
    """The parts that `&&` and `||` join."""
    if isinstance(node, Call) and node.function in _LOGICAL:
        for one in node.arguments:
            yield from _conjuncts(one)
    else:
        yield node


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 60 else f"{text[:57]}…"

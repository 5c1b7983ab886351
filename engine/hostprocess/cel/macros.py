"""The macros that cel-expr-python's parser does not have: comprehensions with two variables, and `sortBy` of ext.Lists.

Source: github.com/google/cel-go/ext/comprehensions.go and ext/lists.go.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from operator import is_
from typing import Any, Final

from hostprocess.cel.nodes import Call, Comprehension, Const, Entry, Ident, ListLiteral, MapLiteral, Node, Select, Struct

__all__ = ["ACCUMULATOR", "SORT_BY", "TWO_VARIABLES", "Expander", "MacroError", "MacroErrors", "expand"]

ACCUMULATOR = "@result"
_MACROS = {
    "all": (3,),
    "exists": (3,),
    "existsOne": (3,),
    "exists_one": (3,),
    "transformList": (3, 4),
    "transformMap": (3, 4),
    "transformMapEntry": (3, 4),
    "sortBy": (2,),
}
SORT_BY: Final = frozenset({"sortBy"})
TWO_VARIABLES: Final = frozenset(_MACROS) - SORT_BY
_SORTED = "@__sortBy_input__"


class MacroError(Exception):
    """A macro that is not called as it must be; `id` is the node that is at fault."""

    def __init__(self, message: str, identity: int) -> None:
        super().__init__(message)
        self.message = message
        self.id = identity


class MacroErrors(Exception):
    """What is wrong with the macros of an expression: `errors` are pairs of offset and message, in the order of their finding."""

    def __init__(self, errors: list[tuple[int, str]]) -> None:
        super().__init__("; ".join(message for _, message in errors))
        self.errors = errors


def expand(root: Node, positions: dict[int, int], macros: frozenset[str]) -> Node:
    """The tree with these macros (`TWO_VARIABLES`, `SORT_BY`) expanded. New nodes get identities, and in `positions` the place of the macro.

    Raises `MacroErrors`.
    """
    return _Extended(positions, macros).expand(root)


class Expander:
    """Walks a tree, the innermost nodes first, as the parser does, and replaces calls that are macros."""

    def __init__(self, positions: dict[int, int]) -> None:
        self._positions = positions
        self._next = max(positions, default=0) + 1
        self._place = 0
        self._errors: list[tuple[int, str]] = []

    def expand(self, root: Node) -> Node:
        """The tree with its macros expanded. Raises `MacroErrors` with all that is wrong."""
        expanded = self.node(root)
        if self._errors:
            raise MacroErrors(self._errors)
        return expanded

    def node(self, node: Node) -> Node:
        """The node with all below it expanded, the innermost first, as the parser does."""
        if isinstance(node, Const | Ident):
            return node
        if isinstance(node, Select):
            operand = self.node(node.operand)
            return node if operand is node.operand else replace(node, operand=operand)
        if isinstance(node, ListLiteral):
            return replace(node, elements=tuple(map(self.node, node.elements)))
        if isinstance(node, MapLiteral | Struct):
            return replace(node, entries=tuple(map(self._entry, node.entries)))
        if isinstance(node, Comprehension):
            return replace(
                node,
                iter_range=self.node(node.iter_range),
                accu_init=self.node(node.accu_init),
                condition=self.node(node.condition),
                step=self.node(node.step),
                result=self.node(node.result),
            )
        target = None if node.target is None else self.node(node.target)
        arguments = tuple(map(self.node, node.arguments))
        same = target is node.target and all(map(is_, arguments, node.arguments))
        call = node if same else replace(node, target=target, arguments=arguments)
        self._place = self._positions.get(call.id, 0)
        try:
            return self.expanded(call) or call
        except MacroError as error:
            # `parser.reportError` of cel-go leaves an expression of no kind there, and goes on.
            self._place = self._positions.get(error.id, 0)
            self._errors.append((self._place, error.message))
            return self.make(Const, None)

    def expanded(self, call: Call) -> Node | None:
        """What a call stands for, if it is a macro. Raises `MacroError`."""
        raise NotImplementedError

    def _entry(self, entry: Entry) -> Entry:
        key = entry.key if isinstance(entry.key, str) else self.node(entry.key)
        return replace(entry, key=key, value=self.node(entry.value))

    def new(self) -> int:
        """A new identity, at the place of the macro."""
        self._next += 1
        self._positions[self._next] = self._place
        return self._next

    def make(self, kind: Callable[[int, Any], Node], value: Any) -> Node:
        """A node with one part."""
        return kind(self.new(), value)

    def accu(self) -> Node:
        """The accumulator."""
        return Ident(self.new(), ACCUMULATOR)

    def call(self, function: str, *arguments: Node) -> Call:
        """A call of a function that is no member."""
        return Call(self.new(), function, arguments)


class _Extended(Expander):
    def __init__(self, positions: dict[int, int], macros: frozenset[str]) -> None:
        super().__init__(positions)
        self._macros = macros

    def expanded(self, call: Call) -> Node | None:
        """See `Expander.expanded`."""
        if call.target is None or call.function not in self._macros or len(call.arguments) not in _MACROS[call.function]:
            return None
        return self._sort_by(call, call.target) if call.function == "sortBy" else self._comprehension(call, call.target)

    def _comprehension(self, call: Call, target: Node) -> Node:
        first, second = self._variable(call.arguments[0]), self._variable(call.arguments[1])
        if first == second:
            raise MacroError(f"duplicate variable name: {first}", call.arguments[1].id)
        for name, argument in ((first, call.arguments[0]), (second, call.arguments[1])):
            if name in (ACCUMULATOR, "__result__"):
                raise MacroError("iteration variable overwrites accumulator variable", argument.id)
        init, condition, step, result = self._parts(call, first)
        return Comprehension(
            self.new(),
            iter_var=first,
            iter_range=target,
            accu_var=ACCUMULATOR,
            accu_init=init,
            condition=condition,
            step=step,
            result=result,
            iter_var2=second,
        )

    def _sort_by(self, call: Call, target: Node) -> Node:
        if isinstance(target, Const | MapLiteral | Struct):
            raise MacroError("sortBy can only be applied to a list, identifier, comprehension, call or select expression", target.id)
        variable, key = call.arguments
        if not isinstance(variable, Ident):
            raise MacroError("argument is not an identifier", variable.id)
        keys = Comprehension(
            self.new(),
            iter_var=variable.name,
            iter_range=self.make(Ident, _SORTED),
            accu_var=ACCUMULATOR,
            accu_init=self.make(ListLiteral, ()),
            condition=self.make(Const, True),
            step=self.call("_+_", self.accu(), self.make(ListLiteral, (key,))),
            result=self.accu(),
        )
        return Comprehension(
            self.new(),
            iter_var="#unused",
            iter_range=self.make(ListLiteral, ()),
            accu_var=_SORTED,
            accu_init=target,
            condition=self.make(Const, False),
            step=self.make(Ident, _SORTED),
            result=Call(self.new(), "@sortByAssociatedKeys", (keys,), self.make(Ident, _SORTED)),
        )

    def _parts(self, call: Call, first: str) -> tuple[Node, Node, Node, Node]:
        """The start of the accumulator, the condition of the loop, its step, and the result."""
        last = call.arguments[-1]
        true = self.make(Const, True)
        if call.function == "all":
            return self.make(Const, True), self.call("@not_strictly_false", self.accu()), self.call("_&&_", self.accu(), last), self.accu()
        if call.function == "exists":
            condition = self.call("@not_strictly_false", self.call("!_", self.accu()))
            return self.make(Const, False), condition, self.call("_||_", self.accu(), last), self.accu()
        if call.function in ("existsOne", "exists_one"):
            one = self.call("_+_", self.accu(), self.make(Const, 1))
            step = self.call("_?_:_", last, one, self.accu())
            return self.make(Const, 0), true, step, self.call("_==_", self.accu(), self.make(Const, 1))
        init: Node = self.make(MapLiteral, ())
        if call.function == "transformList":
            init = self.make(ListLiteral, ())
            step = self.call("_+_", self.accu(), self.make(ListLiteral, (last,)))
        elif call.function == "transformMap":
            step = self.call("cel.@mapInsert", self.accu(), self.make(Ident, first), last)
        else:
            step = self.call("cel.@mapInsert", self.accu(), last)
        if len(call.arguments) == 4:
            step = self.call("_?_:_", call.arguments[2], step, self.accu())
        return init, true, step, self.accu()

    def _variable(self, node: Node) -> str:
        if not isinstance(node, Ident):
            raise MacroError("argument must be a simple name", node.id)
        return node.name

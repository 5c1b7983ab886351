"""The macros that cel-expr-python's parser does not have: comprehensions with two variables, and `sortBy` of ext.Lists.

Source: github.com/google/cel-go/ext/comprehensions.go and ext/lists.go.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from hostprocess.cel.nodes import Call, Comprehension, Const, Entry, Ident, ListLiteral, MapLiteral, Node, Select, Struct

__all__ = ["SORT_BY", "TWO_VARIABLES", "MacroError", "expand"]

_ACCUMULATOR = "@result"
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


def expand(root: Node, positions: dict[int, int], macros: frozenset[str]) -> Node:
    """The tree with these macros (`TWO_VARIABLES`, `SORT_BY`) expanded. New nodes get identities, and in `positions` the place of the macro.

    Raises `MacroError`.
    """
    return _Expander(positions, macros).node(root)


class _Expander:
    def __init__(self, positions: dict[int, int], macros: frozenset[str]) -> None:
        self._positions = positions
        self._macros = macros
        self._next = max(positions, default=0) + 1
        self._place = 0

    def node(self, node: Node) -> Node:
        """The node with all below it expanded, the innermost first, as the parser does."""
        if isinstance(node, Const | Ident):
            return node
        if isinstance(node, Select):
            return replace(node, operand=self.node(node.operand))
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
        call = replace(node, target=target, arguments=tuple(map(self.node, node.arguments)))
        if target is None or call.function not in self._macros or len(call.arguments) not in _MACROS[call.function]:
            return call
        self._place = self._positions.get(call.id, 0)
        return self._sort_by(call, target) if call.function == "sortBy" else self._comprehension(call, target)

    def _entry(self, entry: Entry) -> Entry:
        key = entry.key if isinstance(entry.key, str) else self.node(entry.key)
        return replace(entry, key=key, value=self.node(entry.value))

    def _comprehension(self, call: Call, target: Node) -> Node:
        first, second = self._variable(call.arguments[0]), self._variable(call.arguments[1])
        if first == second:
            raise MacroError(f"duplicate variable name: {first}", call.arguments[1].id)
        for name, argument in ((first, call.arguments[0]), (second, call.arguments[1])):
            if name in (_ACCUMULATOR, "__result__"):
                raise MacroError("iteration variable overwrites accumulator variable", argument.id)
        init, condition, step, result = self._parts(call, first)
        return Comprehension(
            self._new(),
            iter_var=first,
            iter_range=target,
            accu_var=_ACCUMULATOR,
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
            self._new(),
            iter_var=variable.name,
            iter_range=self._make(Ident, _SORTED),
            accu_var=_ACCUMULATOR,
            accu_init=self._make(ListLiteral, ()),
            condition=self._make(Const, True),
            step=self._call("_+_", self._accu(), self._make(ListLiteral, (key,))),
            result=self._accu(),
        )
        return Comprehension(
            self._new(),
            iter_var="#unused",
            iter_range=self._make(ListLiteral, ()),
            accu_var=_SORTED,
            accu_init=target,
            condition=self._make(Const, False),
            step=self._make(Ident, _SORTED),
            result=Call(self._new(), "@sortByAssociatedKeys", (keys,), self._make(Ident, _SORTED)),
        )

    def _parts(self, call: Call, first: str) -> tuple[Node, Node, Node, Node]:
        """The start of the accumulator, the condition of the loop, its step, and the result."""
        last = call.arguments[-1]
        true = self._make(Const, True)
        if call.function == "all":
            return self._make(Const, True), self._call("@not_strictly_false", self._accu()), self._call("_&&_", self._accu(), last), self._accu()
        if call.function == "exists":
            condition = self._call("@not_strictly_false", self._call("!_", self._accu()))
            return self._make(Const, False), condition, self._call("_||_", self._accu(), last), self._accu()
        if call.function in ("existsOne", "exists_one"):
            one = self._call("_+_", self._accu(), self._make(Const, 1))
            step = self._call("_?_:_", last, one, self._accu())
            return self._make(Const, 0), true, step, self._call("_==_", self._accu(), self._make(Const, 1))
        init: Node = self._make(MapLiteral, ())
        if call.function == "transformList":
            init = self._make(ListLiteral, ())
            step = self._call("_+_", self._accu(), self._make(ListLiteral, (last,)))
        elif call.function == "transformMap":
            step = self._call("cel.@mapInsert", self._accu(), self._make(Ident, first), last)
        else:
            step = self._call("cel.@mapInsert", self._accu(), last)
        if len(call.arguments) == 4:
            step = self._call("_?_:_", call.arguments[2], step, self._accu())
        return init, true, step, self._accu()

    def _variable(self, node: Node) -> str:
        if not isinstance(node, Ident):
            raise MacroError("argument must be a simple name", node.id)
        return node.name

    def _new(self) -> int:
        self._next += 1
        self._positions[self._next] = self._place
        return self._next

    def _make(self, kind: Callable[[int, Any], Node], value: Any) -> Node:
        return kind(self._new(), value)

    def _accu(self) -> Node:
        return Ident(self._new(), _ACCUMULATOR)

    def _call(self, function: str, *arguments: Node) -> Call:
        return Call(self._new(), function, arguments)

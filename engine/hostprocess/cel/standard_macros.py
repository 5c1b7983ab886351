"""The macros of standard CEL and of optional values, for trees of our own parser; cel-expr-python's expands them itself.

Source: github.com/google/cel-go/parser/macro.go and cel/library.go.
"""

from __future__ import annotations

from hostprocess.cel.macros import ACCUMULATOR, Expander, MacroError
from hostprocess.cel.nodes import Call, Comprehension, Const, Ident, ListLiteral, Node, Select

__all__ = ["expand_standard"]

_ARITIES = {"all": (2,), "exists": (2,), "exists_one": (2,), "filter": (2,), "map": (2, 3)}
_OPTIONAL = {"optMap": (2,), "optFlatMap": (2,)}


def expand_standard(root: Node, positions: dict[int, int], optional: bool) -> Node:
    """The tree with these macros expanded; `optional`: `optMap` and `optFlatMap` too. Raises `MacroErrors`."""
    return _Standard(positions, optional).expand(root)


class _Standard(Expander):
    def __init__(self, positions: dict[int, int], optional: bool) -> None:
        super().__init__(positions)
        self._arities = _ARITIES | _OPTIONAL if optional else _ARITIES

    def expanded(self, call: Call) -> Node | None:
        """See `Expander.expanded`."""
        if call.target is None:
            return self._presence(call.arguments[0]) if call.function == "has" and len(call.arguments) == 1 else None
        if len(call.arguments) not in self._arities.get(call.function, ()):
            return None
        if call.function in _OPTIONAL:
            return self._optional(call, call.target)
        return self._comprehension(call, call.target)

    def _presence(self, argument: Node) -> Node:
        if not isinstance(argument, Select) or argument.test_only:
            raise MacroError("invalid argument to has() macro", argument.id)
        return Select(self.new(), argument.operand, argument.field, test_only=True)

    def _comprehension(self, call: Call, target: Node) -> Node:
        variable, last = call.arguments[0], call.arguments[-1]
        if not isinstance(variable, Ident):
            raise MacroError("argument is not an identifier" if call.function in ("map", "filter") else "argument must be a simple name", variable.id)
        if variable.name in (ACCUMULATOR, "__result__"):
            raise MacroError("iteration variable overwrites accumulator variable", variable.id)
        init, condition, step, result = self._parts(call, variable, last)
        return Comprehension(
            self.new(),
            iter_var=variable.name,
            iter_range=target,
            accu_var=ACCUMULATOR,
            accu_init=init,
            condition=condition,
            step=step,
            result=result,
        )

    def _parts(self, call: Call, variable: Ident, last: Node) -> tuple[Node, Node, Node, Node]:
        """The start of the accumulator, the condition of the loop, its step, and the result."""
        if call.function == "all":
            return self.make(Const, True), self.call("@not_strictly_false", self.accu()), self.call("_&&_", self.accu(), last), self.accu()
        if call.function == "exists":
            condition = self.call("@not_strictly_false", self.call("!_", self.accu()))
            return self.make(Const, False), condition, self.call("_||_", self.accu(), last), self.accu()
        true = self.make(Const, True)
        if call.function == "exists_one":
            one = self.call("_+_", self.accu(), self.make(Const, 1))
            step = self.call("_?_:_", last, one, self.accu())
            return self.make(Const, 0), true, step, self.call("_==_", self.accu(), self.make(Const, 1))
        element, condition_of_element = (variable, last) if call.function == "filter" else (last, call.arguments[1])
        step = self.call("_+_", self.accu(), self.make(ListLiteral, (element,)))
        if call.function == "filter" or len(call.arguments) == 3:
            step = self.call("_?_:_", condition_of_element, step, self.accu())
        return self.make(ListLiteral, ()), true, step, self.accu()

    def _optional(self, call: Call, target: Node) -> Node:
        variable, expression = call.arguments
        if not isinstance(variable, Ident):
            raise MacroError(f"{call.function}() variable name must be a simple identifier", variable.id)
        bound: Node = Comprehension(
            self.new(),
            iter_var="#unused",
            iter_range=self.make(ListLiteral, ()),
            accu_var=variable.name,
            accu_init=Call(self.new(), "value", (), target),
            condition=self.make(Const, False),
            step=self.make(Ident, variable.name),
            result=expression,
        )
        if call.function == "optMap":
            bound = self.call("optional.of", bound)
        return self.call("_?_:_", Call(self.new(), "hasValue", (), target), bound, self.call("optional.none"))

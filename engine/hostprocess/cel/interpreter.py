"""cel-python's interpreter with the semantics of the specification in the places where it departs from them.

An error is a value there too: operators give it back, `&&`, `||`, `all` and `exists` absorb it where the other operand decides.
Source of the behaviour: github.com/google/cel-spec/doc/langdef.md; each place has a test in tests/test_cel_runtimes.py.
"""

from __future__ import annotations

import datetime
import operator
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import reduce
from typing import Any

import celpy
import re2  # type: ignore[import-untyped]
from celpy.celtypes import BoolType, IntType, ListType, StringType
from celpy.evaluation import CELEvalError, base_functions

__all__ = ["OPERATORS", "Interpreter", "MissingInput", "Runner"]

_NO_OVERLOAD = "no such overload"
_MACROS = frozenset({"all", "exists", "exists_one", "filter", "map"})
# Some of cel-python's operators give plain Python values: the sum of two strings is a str.
_KINDS: dict[str, Any] = {
    "bool": (BoolType, bool),
    "number": (int, float),
    "string": str,
    "bytes": bytes,
    "list": list,
    "map": dict,
    "time": (datetime.datetime, datetime.timedelta),
}


class MissingInput(CELEvalError):  # type: ignore[misc] # cel-python's types are not followed
    """The value of an input that was not given."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} was not given")
        self.name = name


class Runner(celpy.InterpretedRunner):  # type: ignore[misc] # cel-python's types are not followed
    """A compiled expression."""

    def evaluate(self, context: Mapping[str, Any]) -> Any:
        """The value. Raises `CELEvalError`."""
        return Interpreter(ast=self.ast, activation=self.new_activation()).evaluate(context)


class Interpreter(celpy.Evaluator):  # type: ignore[misc] # cel-python's types are not followed
    """celpy's own takes any error inside `has()` for absence, forgets why `all` and `exists` fail, and has no `map` with a filter."""

    def sub_evaluator(self, ast: Any) -> Interpreter:
        """The interpreter of the body of a macro."""
        return Interpreter(ast, activation=self.activation)

    def macro_has_eval(self, exprlist: Any) -> Any:
        """`has(e.f)`: the error of e; whether a map has the key; false for null and for scalars, as in cel-go."""
        selection = exprlist
        while selection.data != "member_dot" and len(selection.children) == 1:
            selection = selection.children[0]
        if selection.data != "member_dot":
            return CELEvalError("invalid argument to has() macro")
        owner = self.visit(selection.children[0])
        if isinstance(owner, CELEvalError):
            return owner
        return BoolType(isinstance(owner, dict) and selection.children[1].value in owner)

    def member_dot_arg(self, tree: Any) -> Any:
        """`e.f(…)`: a macro, or a method."""
        name = tree.children[1].value
        if name not in _MACROS or len(tree.children) < 3:
            return super().member_dot_arg(tree)
        items = self.visit(tree.children[0])
        if isinstance(items, CELEvalError):
            return items
        if not isinstance(items, (list, dict)):
            return CELEvalError(_NO_OVERLOAD)
        variable, *bodies = tree.children[2].children
        functions = [self._function(variable, body) for body in bodies]
        if name in ("all", "exists"):
            combine, start = (_and, BoolType(True)) if name == "all" else (_or, BoolType(False))
            return reduce(combine, map(functions[0], items), start)
        return self._collected(name, items, functions)

    def _function(self, variable: Any, body: Any) -> Callable[[Any], Any]:
        name = next(variable.find_data("ident")).children[0].value
        nested = self.sub_evaluator(body)

        def function(item: Any) -> Any:
            try:
                return nested.evaluate({name: item})
            except CELEvalError as error:
                return error

        return function

    def _collected(self, name: str, items: Any, functions: list[Callable[[Any], Any]]) -> Any:
        """`map`, `filter` and `exists_one`: the first error ends them."""
        conditions, transform = (functions, None) if name != "map" else (functions[:-1], functions[-1])
        kept = []
        for item in items:
            for condition in conditions:
                holds = condition(item)
                if not isinstance(holds, BoolType):
                    return holds if isinstance(holds, CELEvalError) else CELEvalError(_NO_OVERLOAD)
                if not holds:
                    break
            else:
                value = transform(item) if transform else item
                if isinstance(value, CELEvalError):
                    return value
                kept.append(value)
        return BoolType(len(kept) == 1) if name == "exists_one" else ListType(kept)


def _and(left: Any, right: Any) -> Any:
    return _logical(left, right, absorbing=False)


def _or(left: Any, right: Any) -> Any:
    return _logical(left, right, absorbing=True)


def _logical(left: Any, right: Any, absorbing: bool) -> Any:
    for value in (left, right):
        if isinstance(value, BoolType) and bool(value) is absorbing:
            return value
    for value in (left, right):
        if not isinstance(value, BoolType):
            return value if isinstance(value, CELEvalError) else CELEvalError(_NO_OVERLOAD)
    return right


def _condition(condition: Any, left: Any, right: Any) -> Any:
    if isinstance(condition, CELEvalError):
        return condition
    if not isinstance(condition, BoolType):
        return CELEvalError(_NO_OVERLOAD)
    return left if condition else right


def _kind(value: Any) -> str:
    return next((name for name, kind in _KINDS.items() if isinstance(value, kind)), "")


def _number(value: Any) -> int | float:
    return int(value) if isinstance(value, int) else float(value)


def _same(left: Any, right: Any) -> bool:
    """Equality as it is between values of any types: of different kinds is false, and numbers compare as numbers."""
    kind = _kind(left)
    if kind != _kind(right):
        return False
    if kind == "number":
        return _number(left) == _number(right)
    if kind == "list":
        return len(left) == len(right) and all(map(_same, left, right))
    if kind == "map":
        return len(left) == len(right) and all(key in right and _same(value, right[key]) for key, value in left.items())
    return bool(left == right)


def _equal(left: Any, right: Any) -> Any:
    return _error(left, right) or BoolType(_same(left, right))


def _unequal(left: Any, right: Any) -> Any:
    return _error(left, right) or BoolType(not _same(left, right))


def _in(item: Any, container: Any) -> Any:
    if error := _error(item, container):
        return error
    if not isinstance(container, (list, dict)):
        return CELEvalError(_NO_OVERLOAD)
    return BoolType(any(_same(item, one) for one in container))


def _error(*values: Any) -> CELEvalError | None:
    return next((value for value in values if isinstance(value, CELEvalError)), None)


def _ordering(name: str, compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], Any]:
    def ordered(left: Any, right: Any) -> Any:
        if _kind(left) == _kind(right) == "number":
            return BoolType(compare(_number(left), _number(right)))
        return base_functions[name](left, right)

    return ordered


def _item(container: Any, index: Any) -> Any:
    if error := _error(container, index):
        return error
    if isinstance(container, list) and isinstance(index, int) and not 0 <= index < len(container):
        return CELEvalError(f"index out of bounds: {int(index)}")
    return operator.getitem(container, index)


def _size(value: Any) -> Any:
    if isinstance(value, (str, bytes, list, dict)):
        return IntType(len(value))
    return CELEvalError(_NO_OVERLOAD)


def _string(value: Any) -> Any:
    if value is None or isinstance(value, (list, dict)):
        return CELEvalError(_NO_OVERLOAD)
    if isinstance(value, BoolType):
        return StringType("true" if value else "false")
    if isinstance(value, float):
        text = format(Decimal(repr(float(value))), "f")
        return StringType(text.rstrip("0").rstrip(".") if "." in text else text)
    return StringType(value)


_QUIET = re2.Options()
_QUIET.log_errors = False  # to standard error, beside the error that is raised


def _matches(text: Any, pattern: Any) -> Any:
    if not isinstance(text, str) or not isinstance(pattern, str):
        return _error(text, pattern) or CELEvalError(_NO_OVERLOAD)
    try:
        return BoolType(re2.search(pattern, text, options=_QUIET) is not None)
    except re2.error as error:
        reason = error.args[0].decode() if isinstance(error.args[0], bytes) else error.args[0]
        return CELEvalError(f"invalid regular expression: {reason}")


def _add(left: Any, right: Any) -> Any:
    total = left + right
    return ListType(total) if isinstance(total, list) else total


OPERATORS: dict[str, Callable[..., Any]] = {
    "_&&_": _and,
    "_||_": _or,
    "_?_:_": _condition,
    "_==_": _equal,
    "_!=_": _unequal,
    "_<_": _ordering("_<_", operator.lt),
    "_<=_": _ordering("_<=_", operator.le),
    "_>_": _ordering("_>_", operator.gt),
    "_>=_": _ordering("_>=_", operator.ge),
    "_in_": _in,
    "_+_": _add,
    "_[_]": _item,
    "matches": _matches,
    "size": _size,
    "string": _string,
}
"""Name to function, as `Environment.program(functions=…)` takes them."""

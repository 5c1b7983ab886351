"""The runtime on cel-expr-python, the wrapper of Google's C++ implementation: a few µs an expression, whatever its length.

It decides what it can decide. An expression is checked, and where it fails, takes more than 10,000 steps of comprehensions or reads what was
not given, evaluated by the runtime `tree`, whose types, texts and costs are those of the API server. Traps of cel-expr-python, each with a
test in tests/test_cel_runtimes.py: an error is a truthy value, strings are cut at NUL (the readers refuse NUL).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from cel_expr_python import cel
from cel_expr_python.ext import ext_bindings, ext_optional, ext_strings

from hostprocess.cel.runtime import NEWEST, Account, Program
from hostprocess.cel.source import bind, declared_presence, uses_bind
from hostprocess.cel.tree import TreeActivation, TreeProgram, TreeRuntime
from hostprocess.cel.types import BOOL, INT, STRING, Type

__all__ = ["CppRuntime"]

# What cel-cpp prints, or takes apart, in another way than cel-go: infinity, times and durations, formats of maps, the empty string.
_DIFFERENT = re.compile(r"\b(?:double|duration|timestamp|format|split)\s*\(")
_BOOL = cel.Type.BOOL
_ERROR = cel.Type.ERROR


class CppRuntime:
    """cel-expr-python. Implements `Runtime`.

    `timeout` is for `tree`: how many seconds one evaluation may take.
    """

    name = "cpp"

    def __init__(self, timeout: float = 10.0) -> None:
        self._tree = TreeRuntime(timeout)

    @property
    def timeout(self) -> float:
        """How many seconds an evaluation by `tree` may take."""
        return self._tree.timeout

    @timeout.setter
    def timeout(self, seconds: float) -> None:
        self._tree.timeout = seconds

    def compile(self, expression: str, variables: Mapping[str, str], declared: frozenset[str], *, kubernetes: str = NEWEST, stored: bool = True) -> Program:
        """See `Runtime.compile`. Types and errors are those of `tree`, and so is the program of what this parser or its functions do not cover."""
        program = self._tree.compile(expression, variables, declared, kubernetes=kubernetes, stored=stored)
        if _is_plain(program.type) and (compiled := _compiled(expression, variables, declared)):
            return _CppProgram(compiled, program)
        return _TreeOnly(program)

    def activation(self, inputs: Mapping[str, Any]) -> _Activation:
        """See `Runtime.activation`."""
        return _Activation(self._tree, inputs)


class _Activation:
    """The inputs as each of the two runtimes wants them."""

    __slots__ = ("_inputs", "_tree", "_tree_activation", "converted")

    def __init__(self, tree: TreeRuntime, inputs: Mapping[str, Any]) -> None:
        self._tree = tree
        self._inputs = inputs
        self._tree_activation: TreeActivation | None = None
        self.converted = _environment(frozenset()).Activation(inputs)

    @property
    def plain(self) -> TreeActivation:
        """The activation of `tree`."""
        if self._tree_activation is None:
            self._tree_activation = self._tree.activation(self._inputs)
        return self._tree_activation


class _TreeOnly:
    def __init__(self, program: TreeProgram) -> None:
        self._program = program
        self.result_type = program.result_type

    def evaluate(self, activation: _Activation, account: Account | None = None) -> Any:
        """See `Program.evaluate`."""
        return self._program.evaluate(activation.plain, account)


class _CppProgram:
    def __init__(self, compiled: cel.Expression, program: TreeProgram) -> None:
        self._evaluate = compiled.eval
        self._program = program
        self.result_type = program.result_type

    def evaluate(self, activation: _Activation, account: Account | None = None) -> Any:
        """See `Program.evaluate`. Only what `tree` evaluates is taken from the account."""
        try:
            value = self._evaluate(activation.converted)
        except RuntimeError:
            return self._program.evaluate(activation.plain, account)
        kind = value.type()
        if kind == _BOOL:
            return value.value() is True
        if kind == _ERROR:
            return self._program.evaluate(activation.plain, account)
        return value.plain_value()

    def attempt(self, activation: _Activation) -> Any:
        """The value, or None where cel-cpp alone does not decide."""
        try:
            value = self._evaluate(activation.converted)
        except RuntimeError:
            return None
        return None if value.type() == _ERROR else value.plain_value()


def _compiled(expression: str, variables: Mapping[str, str], declared: frozenset[str]) -> cel.Expression | None:
    """What cel-cpp makes of an expression; None if it does not take it, or would decide otherwise than cel-go."""
    if any(uses_bind(text) or _DIFFERENT.search(text) for text in (expression, *variables.values())):
        return None
    present = {name: declared_presence(text, variables) for name, text in variables.items()}
    try:
        return _environment(declared - {"variables"}).compile(bind(declared_presence(expression, variables), present))
    except RuntimeError:
        return None


def _is_plain(kind: Type) -> bool:
    """Whether values of this type are the same Python values for both runtimes."""
    return kind in (BOOL, INT, STRING) or (kind.kind == "list" and _is_plain(kind.parameters[0]))


@cache
def _environment(declared: frozenset[str]) -> cel.Env:
    # Version 2 of the string functions is what Kubernetes has from 1.29 on.
    extensions = [ext_bindings.ExtBindings(), ext_strings.ExtStrings(2), ext_optional.ExtOptional()]
    return cel.NewEnv(variables=dict.fromkeys(declared, cel.Type.DYN), extensions=extensions)

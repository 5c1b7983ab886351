"""The runtime on cel-expr-python, the wrapper of Google's C++ implementation: type checked, a few µs an expression.

Its traps, each with a test in tests/test_cel_runtimes.py: an error is a truthy value, strings are cut at NUL (the readers refuse
NUL), an evaluation stops after 10,000 steps of comprehensions.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, cached_property
from typing import Any

from cel_expr_python import cel
from cel_expr_python.ext import ext_bindings, ext_strings

from hostprocess.cel.runtime import NEWEST, Account, Activation, CelError, CompileError, Program
from hostprocess.cel.source import bind, declared_presence, lenient_presence, needed, uses_bind

__all__ = ["CppRuntime"]

_COMPILE_MESSAGE = re.compile(r"ERROR: <input>:(\d+):(\d+): ([^\n]*)")
_NO_VALUE = re.compile(r'No value with name "([\w.]+)" found in Activation')
_STATUS = re.compile(r"[A-Z_]+: ")
_NO_SELECTION = "Applying SELECT to non-message type"
# The words of cel-cpp, and those of cel-go, which users of Kubernetes know.
_TEXTS = (
    (re.compile(r'Key not found in map : "(.*)"', re.DOTALL), r"no such key: \1"),
    (re.compile(r"Index error: index=(-?\d+) size=\d+"), r"index out of bounds: \1"),
    (re.compile(r"(?:divide|modulus) by zero"), "division by zero"),
    (re.compile(r"No matching overloads found : (.*)", re.DOTALL), r"no such overload: \1"),
    (re.compile(_NO_SELECTION), "no such key: a field of null, of a list or of a scalar was selected"),
)
_BOOL = cel.Type.BOOL
_ERROR = cel.Type.ERROR


class CppRuntime:
    """cel-expr-python. Implements `Runtime`."""

    name = "cpp"

    def compile(self, expression: str, variables: Mapping[str, str], declared: frozenset[str], *, kubernetes: str = NEWEST, stored: bool = True) -> Program:
        """See `Runtime.compile`."""
        names = variables.keys()
        if any(map(uses_bind, (expression, *variables.values()))):
            raise CompileError("undeclared reference to 'cel': cel.bind is no part of the environment of Kubernetes")
        expression = declared_presence(expression, names)
        present = {name: declared_presence(text, names) for name, text in variables.items()}
        try:
            return _CppProgram(bind(expression, present), _environment(declared))
        except RuntimeError as error:
            if "recursion depth" in str(error):
                raise CompileError("the expression and its variables are nested deeper than 32 levels, which is more than this runtime parses") from None
            raise _own_error(expression, present, declared) or _compile_error(error) from None

    def activation(self, inputs: Mapping[str, Any]) -> Activation:
        """See `Runtime.activation`."""
        return _environment(frozenset()).Activation(inputs)


class _CppProgram:
    def __init__(self, text: str, environment: cel.Env) -> None:
        compiled = environment.compile(text)
        self._text = text
        self._environment = environment
        self._evaluate = compiled.eval
        self.result_type = _type_name(compiled.return_type())

    def evaluate(self, activation: Activation, account: Account | None = None) -> Any:
        """The plain value, or a `CelError`."""
        try:
            value = self._evaluate(activation)
        except RuntimeError as error:
            return CelError(str(error), kind="limitation" if "budget exceeded" in str(error) else "")
        kind = value.type()
        if kind == _BOOL:
            return value.value() is True
        if kind == _ERROR:
            text = str(value.value())
            if _NO_SELECTION in text and self._lenient is not None:
                return self._lenient.evaluate(activation)
            return _evaluation_error(text)
        return value.plain_value()

    @cached_property
    def _lenient(self) -> _CppProgram | None:
        """The same with a `has()` that knows null and scalars: slower, so only for objects that need it."""
        text = lenient_presence(self._text)
        try:
            return _CppProgram(text, self._environment) if text != self._text else None
        except RuntimeError:
            return None


@cache
def _environment(declared: frozenset[str]) -> cel.Env:
    return _new_environment(dict.fromkeys(declared, cel.Type.DYN))


def _new_environment(types: Mapping[str, cel.Type]) -> cel.Env:
    # Version 2 of the string functions is what Kubernetes has from 1.29 on.
    return cel.NewEnv(variables=types, extensions=[ext_bindings.ExtBindings(), ext_strings.ExtStrings(2)])


def _own_error(expression: str, variables: Mapping[str, str], declared: frozenset[str]) -> CompileError | None:
    """Compiles the expression on its own, its variables declared with the types of their expressions, so that positions are its own.

    A variable that is at fault itself is named, as the API server names it.
    """
    types: dict[str, cel.Type] = dict.fromkeys(declared, cel.Type.DYN)
    for name in needed([expression], variables):
        try:
            types[f"variables.{name}"] = _new_environment(types).compile(variables[name]).return_type()
        except RuntimeError as error:
            cause = _compile_error(error)
            return CompileError(f'composited variable "{name}" fails to compile: {cause.message}', cause.line, cause.column)
    try:
        _new_environment(types).compile(expression)
    except RuntimeError as error:
        return _compile_error(error)
    return None


def _compile_error(error: Exception) -> CompileError:
    found = _COMPILE_MESSAGE.findall(str(error))
    if not found:
        return CompileError(str(error).strip())
    line, column, message = found[0]
    return CompileError(message.replace("(in container '')", "").strip(), int(line), int(column))


def _evaluation_error(text: str) -> CelError:
    if match := _NO_VALUE.search(text):
        return CelError(f"{match[1]} was not given", missing=match[1].partition(".")[0])
    text = _STATUS.sub("", text, count=1)
    for pattern, words in _TEXTS:
        if match := pattern.search(text):
            return CelError(match.expand(words))
    return CelError(text)


def _type_name(kind: cel.Type) -> str:
    """`LIST<BOOL>` as cel-go writes it: `list(bool)`."""
    return str(kind.name()).lower().replace("<", "(").replace(">", ")").replace("null", "null_type")

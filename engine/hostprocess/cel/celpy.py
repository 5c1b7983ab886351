"""The runtime on cel-python: pure Python, hundreds of times slower, without a type checker. The portable fallback and second opinion."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

import celpy
from celpy import celtypes
from celpy.evaluation import CELEvalError

from hostprocess.cel.interpreter import OPERATORS, MissingInput, Runner
from hostprocess.cel.runtime import NEWEST, Account, Activation, CelError, CompileError, Program
from hostprocess.cel.source import declared_presence, mentions, needed, uses_bind
from hostprocess.cel.strings import FUNCTIONS

__all__ = ["CelpyRuntime"]

# cel-python logs what it also raises, to standard error.
logging.getLogger("celpy").setLevel(logging.CRITICAL)

_NO_MEMBER = re.compile(r"no such member in mapping: '(.*)'", re.DOTALL)


class CelpyRuntime:
    """cel-python. Implements `Runtime`."""

    name = "celpy"

    def __init__(self) -> None:
        self._environment = celpy.Environment(runner_class=Runner)
        self._runners: dict[str, celpy.Runner] = {}

    def compile(self, expression: str, variables: Mapping[str, str], declared: frozenset[str], *, kubernetes: str = NEWEST, stored: bool = True) -> Program:
        """See `Runtime.compile`. There is no type checker: `result_type` is empty, an undeclared name fails when read."""
        if any(map(uses_bind, (expression, *variables.values()))):
            raise CompileError("undeclared reference to 'cel': cel.bind is no part of the environment of Kubernetes")
        names = variables.keys()
        chain = {name: declared_presence(variables[name], names) for name in needed([expression], variables)}
        for text in (expression, *chain.values()):
            self.runner(text)
        return _CelpyProgram(self, declared_presence(expression, names), chain, declared)

    def activation(self, inputs: Mapping[str, Any]) -> Activation:
        """See `Runtime.activation`."""
        return _Activation({name: _to_cel(value) for name, value in inputs.items()})

    def runner(self, expression: str) -> celpy.Runner:
        """The compiled form of one expression, kept."""
        runner = self._runners.get(expression)
        if runner is None:
            try:
                runner = self._environment.program(self._environment.compile(expression), functions=FUNCTIONS | OPERATORS)
            except celpy.CELParseError as error:
                raise CompileError("Syntax error", error.line or 0, error.column or 0) from None
            self._runners[expression] = runner
        return runner


class _Activation:
    """The inputs of one request, and the variables evaluated so far, each keyed by its expression."""

    def __init__(self, inputs: dict[str, Any]) -> None:
        self.inputs = inputs
        self.variables: dict[str, Any] = {}


class _CelpyProgram:
    result_type = ""

    def __init__(self, runtime: CelpyRuntime, expression: str, chain: Mapping[str, str], declared: frozenset[str]) -> None:
        self._runtime = runtime
        self._expression = expression
        self._chain = chain
        self._declared = declared

    def evaluate(self, activation: _Activation, account: Account | None = None) -> Any:
        """The plain value, or a `CelError`."""
        inputs = {name: MissingInput(name) for name in self._declared - activation.inputs.keys()} | activation.inputs
        values = inputs["variables"] = celtypes.MapType()
        for name, expression in self._chain.items():
            if expression not in activation.variables:
                activation.variables[expression] = _run(self._runtime.runner(expression), inputs)
            # One that failed is an error to whoever reads it, and to nobody else.
            values[celtypes.StringType(name)] = activation.variables[expression]
        value = _run(self._runtime.runner(self._expression), inputs)
        if not isinstance(value, CELEvalError):
            return _to_python(value)
        # cel-python looks for the functions of the authorizer, which it lacks, before it looks at their target.
        missing = isinstance(inputs.get("authorizer"), MissingInput) and mentions(self._expression, "authorizer")
        return _error(inputs["authorizer"] if missing else value)


def _run(runner: celpy.Runner, inputs: dict[str, Any]) -> Any:
    try:
        return runner.evaluate(inputs)
    except CELEvalError as error:
        return error
    except Exception as error:  # cel-python lets TypeError, AttributeError and others out where it should have raised its own
        return CELEvalError(f"{type(error).__name__}: {error}")


def _error(error: CELEvalError) -> CelError:
    """The error in the words of cel-go."""
    if isinstance(error, MissingInput):
        return CelError(error.args[0], missing=error.name)
    # The arguments behind the first hold the whole activation, or what a function said.
    text = str(error.args[0]).partition(" (in activation")[0]
    cause = str(error.args[2][0]) if len(error.args) > 2 and error.args[2] else ""
    if match := _NO_MEMBER.fullmatch(text):
        return CelError(f"no such key: {match[1]}")
    if text == "no such key":
        return CelError(f"no such key: {cause}")
    if text.endswith("does not support field selection"):
        return CelError("no such key: a field of null, of a list or of a scalar was selected")
    if text.startswith("found no matching overload"):
        return CelError("no such overload")
    if text == "modulus or divide by zero":
        return CelError("division by zero")
    if text == "return error for overflow":
        return CelError("integer overflow" if cause == "overflow" else cause)
    return CelError(text)


def _to_cel(value: Any) -> Any:
    return None if value is None else celpy.json_to_cel(value)


def _to_python(value: Any) -> Any:
    if isinstance(value, celtypes.BoolType):
        return bool(value)
    if isinstance(value, list):
        return [_to_python(item) for item in value]
    if isinstance(value, dict):
        return {_to_python(key): _to_python(item) for key, item in value.items()}
    plain: Any
    for plain in (int, float, str, bytes):
        if isinstance(value, plain):
            return plain(value)
    return value

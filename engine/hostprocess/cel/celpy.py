"""The runtime on cel-python: pure Python, hundreds of times slower, without a type checker. The portable fallback and second opinion."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import celpy
from celpy import celtypes
from celpy.evaluation import CELEvalError

from hostprocess.cel.runtime import Activation, CelError, CompileError, Program
from hostprocess.cel.source import declared_presence, mentions, needed, strict_presence, uses_bind
from hostprocess.cel.strings import FUNCTIONS

__all__ = ["CelpyRuntime"]

# cel-python logs what it also raises, to standard error.
logging.getLogger("celpy").setLevel(logging.CRITICAL)


class CelpyRuntime:
    """cel-python. Implements `Runtime`."""

    name = "celpy"

    def __init__(self) -> None:
        self._environment = celpy.Environment(runner_class=celpy.InterpretedRunner)
        self._runners: dict[str, celpy.Runner] = {}

    def compile(self, expression: str, variables: Mapping[str, str], declared: frozenset[str]) -> Program:
        """See `Runtime.compile`. There is no type checker: `result_type` is empty, an undeclared name fails when read."""
        if uses_bind(expression):
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
                runner = self._environment.program(self._environment.compile(expression), functions=FUNCTIONS)
            except celpy.CELParseError as error:
                raise CompileError(f"syntax error: {str(error.args[0]).strip()}", error.line or 0, error.column or 0) from None
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

    def evaluate(self, activation: _Activation) -> Any:
        """The plain value, or a `CelError`."""
        missing = {name: name for name in self._declared - activation.inputs.keys()}
        inputs = dict(activation.inputs)
        values = inputs["variables"] = celtypes.MapType()
        for name, expression in self._chain.items():
            if expression not in activation.variables:
                activation.variables[expression] = self._run(expression, inputs, missing)
            value = activation.variables[expression]
            # One that failed is left out: reading it is then an error, and only reading it.
            if isinstance(value, CelError):
                missing[f"variables.{name}"] = value.missing
            else:
                values[celtypes.StringType(name)] = value
        value = self._run(self._expression, inputs, missing)
        return value if isinstance(value, CelError) else _to_python(value)

    def _run(self, expression: str, inputs: dict[str, Any], missing: Mapping[str, str]) -> Any:
        """Evaluates; names the missing input (itself or behind a variable) where reading one was the reason for an error."""
        if missing and "has" in expression:
            expression = strict_presence(expression, frozenset(missing))
        value = _run(self._runtime.runner(expression), inputs)
        if isinstance(value, CelError):
            for name, cause in missing.items():
                if cause and mentions(expression, name) and _may_stem_from(value.message, name):
                    return CelError(f"{cause} was not given", missing=cause)
        return value


def _may_stem_from(message: str, name: str) -> bool:
    last = name.rpartition(".")[2]
    return f"'{last}'" in message or "CELEvalError" in message


def _run(runner: celpy.Runner, inputs: dict[str, Any]) -> Any:
    try:
        value = runner.evaluate(inputs)
    except CELEvalError as error:
        return CelError(_first_words(error))
    except Exception as error:  # cel-python lets TypeError, AttributeError and others out where it should have raised its own
        return CelError(f"{type(error).__name__}: {_first_words(error)}")
    return CelError(_first_words(value)) if isinstance(value, CELEvalError) else value


def _first_words(error: Exception) -> str:
    # The arguments behind the first hold the whole activation.
    return str(error.args[0]).partition(" (in activation")[0] if error.args else type(error).__name__


def _to_cel(value: Any) -> Any:
    return None if value is None else celpy.json_to_cel(value)


def _to_python(value: Any) -> Any:
    if isinstance(value, celtypes.BoolType):
        return bool(value)
    if isinstance(value, celtypes.ListType):
        return [_to_python(item) for item in value]
    if isinstance(value, celtypes.MapType):
        return {_to_python(key): _to_python(item) for key, item in value.items()}
    plain: Any
    for plain in (int, float, str, bytes):
        if isinstance(value, plain):
            return plain(value)
    return value

"""What a CEL runtime is: three steps, compile, activate, evaluate. Errors of evaluation are values here, never exceptions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

__all__ = ["Activation", "CelError", "CompileError", "Program", "Runtime"]

Activation = Any


@dataclass(frozen=True, slots=True)
class CelError:
    """An evaluation that failed. `missing` names the input that was not given and whose reading failed, if that was the reason.

    `exhausted` says that the runtime's own step budget ran out, not that the expression is wrong.
    """

    message: str
    missing: str = ""
    exhausted: bool = False


class CompileError(Exception):
    """An expression that does not compile; `line` and `column` count from 1 in the expression, 0 is unknown."""

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column


class Program(Protocol):
    """A compiled expression."""

    result_type: str
    """The checked type: `bool`, `string`, `list(bool)`, `dyn` …; empty where the runtime has no type checker."""

    def evaluate(self, activation: Activation) -> Any:
        """The plain Python value, or a `CelError`."""


class Runtime(Protocol):
    """A CEL library behind one face."""

    name: str

    def compile(self, expression: str, variables: Mapping[str, str], declared: frozenset[str]) -> Program:
        """Compiles `expression`, which may read `variables` (name to expression, each may read those before it).

        `declared` are the names of the inputs that the expression may read (`object`, `params` …). Raises `CompileError`.
        """

    def activation(self, inputs: Mapping[str, Any]) -> Activation:
        """The values of one request, for any number of evaluations. An input that is left out is unknown."""

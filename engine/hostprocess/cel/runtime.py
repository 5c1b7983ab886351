"""What a CEL runtime is: three steps, compile, activate, evaluate. Errors of evaluation are values here, never exceptions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

__all__ = ["NEWEST", "UNBOUND", "Account", "Activation", "CelError", "CompileError", "ErrorKind", "Program", "Runtime"]

Activation = Any
ErrorKind = Literal["", "budget", "cost", "timeout", "limitation"]
NEWEST = "1.37"
"""The newest release of Kubernetes whose CEL environment is known."""


class _Unbound:
    def __repr__(self) -> str:
        return "UNBOUND"


UNBOUND: Final = _Unbound()
"""The value of an input that is declared and yet has none in the API server: `authorizer` in audit annotations. To read it is an error."""


@dataclass(frozen=True, slots=True)
class CelError:
    """An evaluation that failed. `missing` names the input that was not given and whose reading failed, if that was the reason.

    `kind` tells apart what is no fault of the expression's logic: `budget` (the phase has spent what it may), `cost` (one evaluation has), both
    as the API server has them; `timeout` and `limitation` are of this package: the API server would have come to a result.
    """

    message: str
    missing: str = ""
    kind: ErrorKind = ""

    @property
    def exhausted(self) -> bool:
        """Whether it was this package that gave up, so that nothing is known."""
        return self.kind in ("timeout", "limitation")


class Account:
    """What the evaluations of one phase may still cost: 10,000,000 for validations and audit annotations, 2,500,000 for matchConditions.

    Source: k8s.io/apiserver/pkg/apis/cel/config.go.
    """

    __slots__ = ("remaining",)

    def __init__(self, limit: int = 10_000_000) -> None:
        self.remaining = limit


class CompileError(Exception):
    """An expression that does not compile; `line` and `column` count from 1 in the expression, 0 is unknown.

    `text` is the whole of it as the API server words it, of several lines perhaps: `compilation failed: ERROR: <input>:1:1: …`.
    `limitation`: nothing is wrong with the expression, but this package cannot compile it.
    """

    def __init__(self, message: str, line: int = 0, column: int = 0, *, text: str = "", limitation: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column
        self.text = text or message
        self.limitation = limitation


class Program(Protocol):
    """A compiled expression."""

    result_type: str
    """The checked type: `bool`, `string`, `list(bool)`, `dyn` …; empty where the runtime has no type checker."""

    def evaluate(self, activation: Activation, account: Account | None = None) -> Any:
        """The plain Python value, or a `CelError`. What it costs is taken from `account`, by a runtime that keeps one."""


class Runtime(Protocol):
    """A CEL library behind one face."""

    name: str

    def compile(self, expression: str, variables: Mapping[str, str], declared: frozenset[str], *, kubernetes: str = NEWEST, stored: bool = True) -> Program:
        """Compiles `expression`, which may read `variables` (name to expression, each may read those before it).

        `declared` are the names of the inputs that the expression may read (`object`, `params` …). `kubernetes` is the release whose CEL
        environment holds, for a runtime that knows them; `stored` says whether for expressions it has stored, or for new ones, which may use
        what the release before it had. Raises `CompileError`.
        """

    def activation(self, inputs: Mapping[str, Any]) -> Activation:
        """The values of one request, for any number of evaluations. An input that is left out is unknown."""

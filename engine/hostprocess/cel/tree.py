"""The runtime on our own evaluator of checked trees, with the values, error texts and costs of the API server. It reads plain JSON data.

Source: k8s.io/apiserver/pkg/admission/plugin/cel/composition.go (variables), condition.go and activation.go (budgets).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from hostprocess.cel.attributes import PAUSE, Lazy
from hostprocess.cel.checker import Checked
from hostprocess.cel.declarations import GoPanic
from hostprocess.cel.environment import Environment, environment
from hostprocess.cel.frontend import compile_checked
from hostprocess.cel.limits import CLOCK_INTERVAL, PER_CALL_LIMIT, CostExceeded, TimedOut
from hostprocess.cel.plan import MissingInput, Plan, plan
from hostprocess.cel.runtime import NEWEST, Account, CelError, CompileError
from hostprocess.cel.typed import TypedValues
from hostprocess.cel.types import DYN, Type
from hostprocess.cel.values import ABSENT
from hostprocess.model import Unknown

__all__ = ["TreeActivation", "TreeProgram", "TreeRuntime"]

_OUT_OF_BUDGET = CelError("validation failed due to running out of cost budget, no further validation rules will be run", kind="budget")
_NAME = re.compile(r"\bvariables\b")
_FIELD = re.compile(r"(?<![\w.])variables\s*\.\s*([A-Za-z_]\w*)")
_OPTIONAL_TYPE = 31  # before, cel-go's name of the type was another
_TYPED_OBJECTS = 37
_COST_EXCEEDED = CelError("operation cancelled: actual cost limit exceeded", kind="cost")


@dataclass(frozen=True, slots=True, eq=False)
class _Variable:
    """A compiled variable, or the error of its compilation."""

    name: str
    text: str
    type: Type
    program: TreeProgram | CompileError

    def value(self, activation: TreeActivation) -> Any:
        """The value, or the error, in this activation."""
        value = activation.variables.get(self, ABSENT)
        return self.evaluated(activation) if value is ABSENT else value

    def evaluated(self, activation: TreeActivation) -> Any:
        """The same where it is not known yet; the activation keeps it."""
        program = self.program
        if isinstance(program, CompileError):
            message = f'composited variable "{self.name}" fails to compile: {program.text}'
            value: Any = CelError(message, kind="limitation" if program.limitation else "")
        else:
            value, cost = program.run(activation)
            activation.cost += cost
            if value.__class__ is CelError:
                value = CelError(f'composited variable "{self.name}" fails to evaluate: {value.message}', value.missing, value.kind)
        activation.variables[self] = value
        return value


class TreeRuntime:
    """Our own evaluator. Implements `Runtime`. `timeout` is how many seconds one evaluation may take; it may be set at any time."""

    name = "tree"

    def __init__(self, timeout: float = 10.0) -> None:
        self.timeout = timeout
        self._compiled: dict[tuple[Any, ...], TreeProgram] = {}
        self._variables: dict[tuple[Any, ...], _Variable] = {}

    def compile(self, expression: str, variables: Mapping[str, str], declared: frozenset[str], *, kubernetes: str = NEWEST, stored: bool = True) -> TreeProgram:
        """See `Runtime.compile`. A variable that does not compile is an error of evaluation to whoever reads it, as in the API server.

        `variables` in `declared` says that there is such a thing even where it is empty.
        """
        scope = (declared | {"variables"} if variables else declared, kubernetes, stored)
        found = self._read(expression, variables, scope)
        key = (*scope, expression, tuple(found.values()))
        program = self._compiled.get(key)
        if program is None:
            program = self._compiled[key] = self._program(expression, found, scope)
        return program

    def activation(self, inputs: Mapping[str, Any]) -> TreeActivation:
        """See `Runtime.activation`. The variables that are evaluated for it are kept in it."""
        return TreeActivation(dict(inputs))

    def _read(self, expression: str, variables: Mapping[str, str], scope: tuple[Any, ...]) -> dict[str, _Variable]:
        """Only the variables that are read: a policy may have many, and most are for other expressions."""
        found: dict[str, _Variable] = {}
        for name in _read_by(expression, variables):
            found[name] = self._variable(name, variables[name], found, scope)
        return found

    def _variable(self, name: str, text: str, earlier: Mapping[str, _Variable], scope: tuple[Any, ...]) -> _Variable:
        declared, kubernetes, stored = scope
        found = {one: earlier[one] for one in _read_by(text, {one: variable.text for one, variable in earlier.items()})}
        key = (*scope, name, text, tuple(found.values()))
        variable = self._variables.get(key)
        if variable is None:
            try:
                program = self._program(text, found, (declared | {"variables"}, kubernetes, stored))
            except CompileError as error:
                variable = _Variable(name, text, DYN, error)
            else:
                variable = _Variable(name, text, program.type, program)
            self._variables[key] = variable
        return variable

    def _plan(self, checked: Checked, declarations: Environment) -> Plan:
        return plan(checked, declarations)

    def _program(self, expression: str, variables: Mapping[str, _Variable], scope: tuple[Any, ...]) -> TreeProgram:
        declared, kubernetes, stored = scope
        checked, declarations = _checked(expression, kubernetes, stored, declared, tuple((name, variable.type) for name, variable in variables.items()))
        try:
            planned = self._plan(checked, declarations)
        except RecursionError:
            raise CompileError("the expression is nested too deeply", limitation=True) from None
        except GoPanic as panic:
            raise CompileError(f"the API server panics when it compiles this: {panic}", limitation=True) from None
        return TreeProgram(planned, checked.result_type, variables, self, declarations.minor)


@lru_cache(maxsize=4096)
def _checked(expression: str, kubernetes: str, stored: bool, declared: frozenset[str], variables: tuple[tuple[str, Type], ...]) -> tuple[Checked, Environment]:
    """Once per process: who loads the same policies again, a test or a server, does not check them again."""
    declarations = environment(kubernetes, stored).declare(declared, dict(variables))
    return compile_checked(expression, declarations), declarations


@lru_cache(maxsize=4096)
def _names(text: str) -> frozenset[str] | None:
    """The names in `variables.NAME`; None if the text has `variables` in another way, or in a string."""
    found = _FIELD.findall(text) if "variables" in text else []
    return frozenset(found) if len(found) == len(_NAME.findall(text)) else None


def _read_by(expression: str, variables: Mapping[str, str]) -> list[str]:
    """The names of the variables that an expression may read, directly or not, in the order of their declaration."""
    names = _names(expression)
    wanted = set(names or ())
    for name in reversed(list(variables)):
        if names is None:
            return list(variables)
        if name in wanted:
            names = _names(variables[name])
            wanted |= names or frozenset()
    return list(variables) if names is None else [name for name in variables if name in wanted]


class TreeActivation:
    """The inputs of one phase and the variables evaluated in it."""

    __slots__ = ("_typed", "cost", "inputs", "variables")

    def __init__(self, inputs: dict[str, Any]) -> None:
        self.inputs = inputs
        self.variables: dict[_Variable, Any] = {}
        self._typed: TypedValues | None = None
        self.cost = 0
        """What variables have cost since it was last taken from an account."""

    def typed_values(self) -> TypedValues:
        """Which lists and maps of the inputs are Go values, where the release shows them so."""
        if self._typed is None:
            self._typed = TypedValues(self.inputs)
        return self._typed


class _LazyVariables(Lazy):
    """`variables`, evaluated when they are read."""

    __slots__ = ("_activation", "_variables")

    def __init__(self, variables: Mapping[str, _Variable], activation: TreeActivation) -> None:
        self._variables = variables
        self._activation = activation

    def find(self, name: str) -> Any:
        """See `Lazy.find`."""
        variable = self._variables.get(name)
        return ABSENT if variable is None else variable.value(self._activation)

    def size(self) -> int:
        """See `Lazy.size`."""
        return len(self._variables)


class TreeProgram:
    """A compiled expression."""

    def __init__(self, planned: Plan, kind: Type, variables: Mapping[str, _Variable], runtime: TreeRuntime, minor: int) -> None:
        self._run = planned.run
        self._blank = [CLOCK_INTERVAL, *[None] * (planned.size - PAUSE - 1)]
        self.variables = variables if planned.reads_variables else {}
        """Those that it reads, directly or not, as they were compiled."""
        self._runtime = runtime
        self.shows_typed = minor >= _TYPED_OBJECTS
        """Whether the release shows objects of built-in kinds to CEL as Go values."""
        self.type = kind
        self.result_type = str(kind) if minor >= _OPTIONAL_TYPE else str(kind).replace("optional_type", "optional")

    @property
    def timeout(self) -> float:
        """How many seconds one evaluation may take."""
        return self._runtime.timeout

    def lazy_variables(self, activation: TreeActivation) -> Lazy:
        """What `variables` is to the expression."""
        return _LazyVariables(self.variables, activation)

    def evaluate(self, activation: TreeActivation, account: Account | None = None) -> Any:
        """See `Program.evaluate`. What the variables cost that it made is charged too, and first."""
        value, cost = self.run(activation)
        if account is not None:
            spent, activation.cost = activation.cost + cost, 0
            if spent > account.remaining:
                account.remaining = -1
                return _OUT_OF_BUDGET
            account.remaining -= spent
        if isinstance(value, Unknown):
            return CelError(value.what, missing=value.name if isinstance(value, MissingInput) else value.what)
        return value

    def run(self, activation: TreeActivation) -> tuple[Any, int]:
        """The value (a `CelError` or an `Unknown` perhaps) and the cost."""
        frame: list[Any] = [0, activation.inputs, activation, self, *self._blank]
        try:
            value = self._run(frame)
        except CostExceeded:
            return _COST_EXCEEDED, frame[0]
        except TimedOut:
            return CelError(f"the expression takes longer than {self.timeout:g} s", kind="timeout"), frame[0]
        except GoPanic as panic:
            return CelError(f"internal error: {panic}"), frame[0]
        except RecursionError:
            return CelError("the expression or a value is nested too deeply", kind="limitation"), frame[0]
        except (ArithmeticError, AttributeError, LookupError, MemoryError, RuntimeError, StopIteration, TypeError, ValueError) as error:
            return CelError(f"internal error: {type(error).__name__}: {error}", kind="limitation"), frame[0]
        return (value, frame[0]) if frame[0] <= PER_CALL_LIMIT else (_COST_EXCEEDED, frame[0])

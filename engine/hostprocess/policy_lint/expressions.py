"""The expressions of a policy, compiled as the API server of a release compiles them when the policy is created.

Source: k8s.io/apiserver/pkg/admission/plugin/cel/compile.go and composition.go.
"""

from __future__ import annotations

from collections.abc import Iterator

from hostprocess.cel.checker import Checked
from hostprocess.cel.environment import Environment, environment
from hostprocess.cel.frontend import compile_checked
from hostprocess.cel.plan import plan
from hostprocess.cel.runtime import CompileError
from hostprocess.cel.types import DYN, Type
from hostprocess.policy_lint.field_errors import FieldError, Steps, internal, invalid

__all__ = ["Compiler"]

_INPUTS = frozenset({"object", "oldObject", "request", "namespaceObject"})
_FIRST_WITH_BASE = 28  # earlier releases had one environment for all expressions
_BUT_GOT = 32
_CHECK = "expression"
_LIMITATION = "limitation"


class Compiler:
    """Compiles the expressions of one policy for Kubernetes 1.`minor`; variables are to be given first, in their order."""

    def __init__(self, minor: int, *, has_params: bool, has_variables: bool) -> None:
        self._minor = minor
        self._environment = environment(f"1.{minor}", minor < _FIRST_WITH_BASE)
        self._inputs = _INPUTS | {"params"} if has_params else _INPUTS
        self._has_variables = has_variables
        self._variables: dict[str, Type] = {}

    def condition(self, steps: Steps, expression: str) -> Iterator[FieldError]:
        """Complaints about the expression of a matchCondition, which has no variables; it is given, and shown, without the space around it."""
        yield from self._compiled(steps, expression, self._declared(authorizer=True, variables=False), ("bool",))

    def variable(self, steps: Steps, name: str, expression: str) -> Iterator[FieldError]:
        """Complaints about a variable; those after it may read it, whatever is wrong with it."""
        declared = self._declared(authorizer=True)
        self._variables[name] = DYN
        try:
            checked = compile_checked(expression, declared)
        except CompileError as error:
            yield _error(steps, expression, error)
            return
        failed = list(_instantiated(steps, checked, declared))
        if not failed:
            self._variables[name] = checked.result_type
        yield from failed

    def validation(self, steps: Steps, expression: str) -> Iterator[FieldError]:
        """Complaints about a validation."""
        yield from self._compiled(steps, expression, self._declared(authorizer=True), ("bool",))

    def message(self, steps: Steps, expression: str) -> Iterator[FieldError]:
        """Complaints about a messageExpression, which has no authorizer."""
        yield from self._compiled(steps, expression, self._declared(authorizer=False), ("string",))

    def annotation(self, steps: Steps, expression: str) -> Iterator[FieldError]:
        """Complaints about a valueExpression: compiled without the space around it, shown with it."""
        yield from self._compiled(steps, expression, self._declared(authorizer=True), ("string", "null_type"), compiled=expression.strip())

    def _declared(self, *, authorizer: bool, variables: bool = True) -> Environment:
        names = self._inputs | {"authorizer"} if authorizer else self._inputs
        if variables and self._has_variables:
            return self._environment.declare(names | {"variables"}, self._variables)
        return self._environment.declare(names, {})

    def _compiled(self, steps: Steps, expression: str, declared: Environment, wanted: tuple[str, ...], compiled: str = "") -> Iterator[FieldError]:
        try:
            checked = compile_checked(compiled or expression, declared)
        except CompileError as error:
            yield _error(steps, expression, error)
            return
        found = str(checked.result_type)
        if found in wanted:
            yield from _instantiated(steps, checked, declared)
        else:
            one = wanted[0] if len(wanted) == 1 else f"one of [{' '.join(wanted)}]"
            but = f" but got {found}" if self._minor >= _BUT_GOT else ""
            yield invalid(steps, expression, f"must evaluate to {one}{but}", check=_CHECK)


def _instantiated(steps: Steps, checked: Checked, declared: Environment) -> Iterator[FieldError]:
    """Complaints about constant calls that fail when the program is made, which the API server takes for an error of its own."""
    try:
        plan(checked, declared)
    except CompileError as error:
        yield internal(steps, error.text, check=_CHECK)
    except RecursionError:
        yield FieldError(steps, "", "the expression is nested too deeply for this package", _LIMITATION)


def _error(steps: Steps, expression: str, error: CompileError) -> FieldError:
    if error.limitation:
        return FieldError(steps, "", error.message, _LIMITATION)
    return invalid(steps, expression, error.text, check=_CHECK)

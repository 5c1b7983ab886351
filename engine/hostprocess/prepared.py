"""A policy made ready to be evaluated: its expressions compile on first use, and are evaluated together where they can be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from hostprocess.cel.runtime import Activation, CelError, CompileError, Program, Runtime
from hostprocess.cel.source import enclosable, mentions
from hostprocess.errors import PolicyError
from hostprocess.model import Elements, Policy, Request, Validation

__all__ = ["Context", "Group", "PreparedPolicy"]

_INPUTS = frozenset({"object", "oldObject", "request", "namespaceObject", "authorizer"})
_MAX_MESSAGE = 5 * 1024  # bytes; a longer messageExpression result is dropped


@dataclass(frozen=True, slots=True)
class Group:
    """The validations of one rule: pairs of (index in the policy, position in the list of expressions), and the position of `when`."""

    rule: str
    when: int | None
    validations: tuple[tuple[int, int], ...]


class Context:
    """One request with its values in CEL, and what has been evaluated for it."""

    def __init__(self, inputs: dict[str, Any], runtime: Runtime, request: Request) -> None:
        self.inputs = inputs
        self.request = request
        self.activation: Activation = runtime.activation(inputs)
        self.conditions: dict[str, Any] = {}
        self._runtime = runtime

    @cached_property
    def without_namespace(self) -> Activation:
        """What matchConditions see: to them `namespaceObject` is null (matchconditions/matcher.go)."""
        return self._runtime.activation({**self.inputs, "namespaceObject": None})


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Some of a policy's expressions, from `start` to before `end`, evaluated as one list; a single one as itself."""

    program: Program
    start: int
    end: int


class PreparedPolicy:
    """A policy whose expressions compile on first use: all of them as one list, and one by one where that list fails."""

    def __init__(self, policy: Policy, runtime: Runtime) -> None:
        self.policy = policy
        self._runtime = runtime
        self._variables = {variable.name: variable.expression for variable in policy.variables}
        self._declared = _INPUTS | {"params"} if policy.param_kind else _INPUTS
        self._programs: dict[str, Program] = {}
        self.expressions, self.groups = _arranged(policy.validations)
        self._chunks: list[_Chunk] | None = None

    def texts(self) -> Iterable[str]:
        """Every expression of the policy."""
        yield from self.expressions
        yield from self._variables.values()
        for condition in self.policy.match_conditions:
            yield condition.expression
        for validation in self.policy.validations:
            yield validation.message_expression

    def rule_name(self, index: int) -> str:
        """The rule of a validation; foreign policies have none, so its place stands in."""
        return self.policy.validations[index].rule or f"validations[{index}]"

    def compile_all(self) -> None:
        """See `Evaluator.check`."""
        for condition in self.policy.match_conditions:
            self._typed(condition.expression, "bool", f"matchCondition {condition.name}", variables={})
        for index, validation in enumerate(self.policy.validations):
            self._typed(validation.expression, "bool", self.rule_name(index))
            if validation.message_expression:
                self._typed(validation.message_expression, "string", f"messageExpression of {self.rule_name(index)}")
        earlier: dict[str, str] = {}
        for name, expression in self._variables.items():
            # Not kept: a validation of the same text may read all variables.
            self._compiled(expression, f"variable {name}", earlier)
            earlier[name] = expression

    def applies(self, context: Context) -> Literal[True] | str | CelError:
        """True; or the name of a matchCondition that is false; or the error of one, if none is false (matchconditions/matcher.go)."""
        failed: CelError | None = None
        for condition in self.policy.match_conditions:
            expression = condition.expression
            if expression not in context.conditions:
                program = self._typed(expression, "bool", f"matchCondition {condition.name}", variables={})
                activation = context.without_namespace if mentions(expression, "namespaceObject") else context.activation
                context.conditions[expression] = program.evaluate(activation)
            value = context.conditions[expression]
            if value is False:
                return condition.name
            if isinstance(value, CelError):
                failed = failed or value
        return failed or True

    def evaluate(self, context: Context) -> Sequence[Any]:
        """The values of all expressions: bools and `CelError`s."""
        if self._chunks is None:
            self._chunks = self._compile_chunk(0, len(self.expressions))
        values: list[Any] = []
        for chunk in self._chunks:
            found = chunk.program.evaluate(context.activation)
            if chunk.end - chunk.start == 1:
                values.append(found)
            elif isinstance(found, list):
                values += found
            else:
                # One error makes the whole list an error, and all share one budget: then each is asked on its own.
                values += [self._each(position).evaluate(context.activation) for position in range(chunk.start, chunk.end)]
        return values

    def message(self, index: int, context: Context) -> str:
        """The message of a false validation: validator.go, message precedence."""
        validation = self.policy.validations[index]
        if validation.message_expression:
            program = self._typed(validation.message_expression, "string", f"messageExpression of {self.rule_name(index)}")
            value = program.evaluate(context.activation)
            if isinstance(value, str):
                value = value.strip()
                if value and "\n" not in value and len(value.encode()) <= _MAX_MESSAGE:
                    return value
        return validation.message.strip() or f"failed expression: {validation.expression.strip()}"

    def elements(self, elements: Elements, index: int, context: Context) -> Any:
        """Which elements of a list pass, in order; or a `CelError`."""
        return self._program(elements.expression, self.rule_name(index)).evaluate(context.activation)

    def _compile_chunk(self, start: int, end: int) -> list[_Chunk]:
        """Compiles expressions as one list, or as several: a parser has a limit of nesting, and a list of other things than bools hides which."""
        if end - start == 1:
            return [_Chunk(self._each(start), start, end)]
        listed = ", ".join(enclosable(text) for text in self.expressions[start:end])
        try:
            program = self._runtime.compile(f"[{listed}]", self._variables, self._declared)
        except CompileError:
            program = None
        if program is not None and program.result_type == "list(bool)":
            return [_Chunk(program, start, end)]
        middle = (start + end) // 2
        return self._compile_chunk(start, middle) + self._compile_chunk(middle, end)

    def _each(self, position: int) -> Program:
        text = self.expressions[position]
        return self._programs.get(text) or self._typed(text, "bool", self._owner(position))

    def _owner(self, position: int) -> str:
        for group in self.groups:
            for index, at in group.validations:
                if at == position or group.when == position:
                    return self.rule_name(index)
        return self.policy.name

    def _typed(self, expression: str, wanted: str, what: str, variables: Mapping[str, str] | None = None) -> Program:
        program = self._program(expression, what, variables)
        # A runtime without a type checker says nothing; the API server refuses any other type, `dyn` too.
        if program.result_type not in ("", wanted):
            raise PolicyError(
                f"policy {self.policy.name}, {what}: must evaluate to {wanted} but got {program.result_type}: {expression}", path=self.policy.path
            )
        return program

    def _program(self, expression: str, what: str, variables: Mapping[str, str] | None = None) -> Program:
        program = self._programs.get(expression)
        if program is None:
            program = self._programs[expression] = self._compiled(expression, what, self._variables if variables is None else variables)
        return program

    def _compiled(self, expression: str, what: str, variables: Mapping[str, str]) -> Program:
        try:
            return self._runtime.compile(expression, variables, self._declared)
        except CompileError as error:
            place = f" (line {error.line}, column {error.column} of the expression)" if error.line else ""
            raise PolicyError(f"policy {self.policy.name}, {what}: does not compile: {error.message}{place}: {expression}", path=self.policy.path) from None


def _arranged(validations: Sequence[Validation]) -> tuple[list[str], list[Group]]:
    """The distinct expressions of a policy and, rule by rule, where in that list its own stand."""
    positions: dict[str, int] = {}

    def position(text: str) -> int:
        return positions.setdefault(text, len(positions))

    groups: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for index, validation in enumerate(validations):
        key = (validation.rule or f"validations[{index}]", validation.when)
        groups.setdefault(key, []).append((index, position(validation.expression)))
    arranged = [Group(rule, position(when) if when else None, tuple(members)) for (rule, when), members in groups.items()]
    return list(positions), arranged

"""A policy made ready to be evaluated: its expressions compile on first use, and are evaluated in the phases that the API server has.

Source: k8s.io/apiserver/pkg/admission/plugin/policy/validating/{plugin,validator}.go, …/plugin/cel/condition.go, …/webhook/matchconditions/matcher.go.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hostprocess.cel.runtime import NEWEST, Account, Activation, CelError, CompileError, Program, Runtime
from hostprocess.cel.source import enclosable, mentions, needed
from hostprocess.context import Context, Phase
from hostprocess.errors import PolicyError
from hostprocess.kubernetes.location import locate
from hostprocess.model import Elements, Policy, Validation

__all__ = ["OUT_OF_BUDGET", "Conditions", "Group", "PreparedPolicy", "error_text"]

_MAX_SHOWN = 300  # characters

_INPUTS = frozenset({"object", "oldObject", "request", "namespaceObject", "authorizer"})
_CONDITIONS_BUDGET = 2_500_000  # pkg/apis/cel/config.go
_MAX_MESSAGE = 5 * 1024  # bytes; a longer messageExpression result is dropped
OUT_OF_BUDGET = "validation failed due to running out of cost budget, no further validation rules will be run"


@dataclass(frozen=True, slots=True)
class Group:
    """The validations of one rule: pairs of (index in the policy, position in the list of expressions), and the position of `when`."""

    rule: str
    when: int | None
    validations: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Conditions:
    """What the matchConditions come to: the name of one that is false, or the errors, or what was not given; nothing of these if all are true."""

    false: str = ""
    errors: tuple[str, ...] = ()
    unknown: str = ""

    @property
    def hold(self) -> bool:
        """Whether all are true."""
        return not (self.false or self.errors or self.unknown)


_HOLD = Conditions()


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Some of a policy's expressions, from `start` to before `end`, evaluated as one list; a single one as itself."""

    program: Program
    start: int
    end: int


class PreparedPolicy:
    """A policy whose expressions compile on first use: those of a pack as one list, and one by one where that list fails.

    Arguments: `exact` is the runtime that has the last word where the other gives an error, or cannot know what was not given; `kubernetes` is the
    release whose CEL environment holds.
    """

    def __init__(self, policy: Policy, runtime: Runtime, exact: Runtime | None = None, kubernetes: str = "") -> None:
        self.policy = policy
        self.runtime = runtime
        self._exact = exact if exact is not runtime else None
        self._kubernetes = kubernetes or NEWEST
        self._variables = {variable.name: variable.expression for variable in policy.variables}
        self._declared = _INPUTS | {"params"} if policy.param_kind else _INPUTS
        self._programs: dict[tuple[str, bool, bool], Program] = {}
        self.expressions, self.groups = _arranged(policy.validations)
        self._chunks: list[_Chunk] | None = None
        self._ready: list[Program] = []
        self._bodies: dict[str, Program] = {}
        self._bools: dict[tuple[str, bool], Program] = {}
        """Programs by expression, and whether it reads variables, that give a bool for certain: those are asked for with each request."""
        self.rule_count = len(self.groups) or 1
        """How many rules are skipped where it does not apply."""
        self._of_pack = policy.of_pack
        # The policies of a pack share what does not depend on the policy: conditions, and variables as long as they do not ask the authorizer.
        self._shares_conditions = self._of_pack and not any(mentions(one.expression, "params") for one in policy.match_conditions)
        self._shares_messages = self._of_pack and not any(mentions(text, "authorizer") for text in self._variables.values())
        self._only_condition = policy.match_conditions[0].expression if self._shares_conditions and len(policy.match_conditions) == 1 else ""
        self._false = [Conditions(false=one.name) for one in policy.match_conditions]
        self._activation_name = "" if self._of_pack else policy.name
        self.is_plain = not policy.audit_annotations and not any(one.when or one.message_expression for one in policy.validations)
        """Whether nothing is left to do where all its validations are true."""
        self._risky: dict[tuple[re.Pattern[str], str], str] = {}

    def texts(self) -> Iterable[str]:
        """Every expression of the policy."""
        yield from self.expressions
        yield from self._variables.values()
        for condition in self.policy.match_conditions:
            yield condition.expression
        for validation in self.policy.validations:
            yield validation.message_expression
        for annotation in self.policy.audit_annotations:
            yield annotation.value_expression

    def rule_name(self, index: int) -> str:
        """The rule of a validation; foreign policies have none, so its place stands in."""
        return self.policy.validations[index].rule or f"validations[{index}]"

    def compile_all(self) -> None:
        """See `Evaluator.check`."""
        for number, condition in enumerate(self.policy.match_conditions):
            self._bool(condition.expression, ("matchConditions", number, "expression"), composed=False)
        earlier: dict[str, str] = {}
        for number, (name, expression) in enumerate(self._variables.items()):
            # Not kept: a validation of the same text may read all variables.
            self._compiled(expression, ("variables", number, "expression"), earlier, self.runtime)
            earlier[name] = expression
        for index, validation in enumerate(self.policy.validations):
            self._bool(validation.expression, ("validations", index, "expression"))
            if validation.message_expression:
                self._typed(validation.message_expression, ("string",), ("validations", index, "messageExpression"))
        for number, annotation in enumerate(self.policy.audit_annotations):
            self._typed(annotation.value_expression, ("string", "null_type"), ("auditAnnotations", number, "valueExpression"))

    # matchConditions.

    def applies(self, context: Context) -> Conditions:
        """A condition that is false beats errors, and what is not known as well (matchconditions/matcher.go)."""
        if not self._false:
            return _HOLD
        if self._only_condition and context.known_conditions.get(self._only_condition) is False:
            return self._false[0]
        errors: list[str] = []
        unknown = ""
        account = Account(_CONDITIONS_BUDGET)
        for number, condition in enumerate(self.policy.match_conditions):
            value = self._condition(number, condition.expression, account, context)
            if value is False:
                return self._false[number]
            if isinstance(value, CelError):
                if value.kind == "budget":
                    return Conditions(errors=(OUT_OF_BUDGET,))
                if value.missing or value.exhausted:
                    unknown = unknown or value.message
                else:
                    errors.append(error_text(condition.expression, value))
        return Conditions(errors=tuple(dict.fromkeys(errors)), unknown=unknown) if errors or unknown else _HOLD

    def _condition(self, number: int, expression: str, account: Account, context: Context) -> Any:
        # Policies of one pack have one condition.
        known = context.known_conditions if self._shares_conditions else {}
        if expression in known:
            return known[expression]
        implies = self.policy.match_conditions[number].implies
        if known and implies and any(known.get(one) is False for one in implies):
            known[expression] = False
            return False
        program = self._bools.get((expression, False)) or self._bool(expression, ("matchConditions", number, "expression"), composed=False)
        # A runtime other than `tree` needs long to take up an object: one activation serves all that cannot tell.
        own = self.runtime.name == "tree" or mentions(expression, "namespaceObject") or mentions(expression, "request")
        value = self._evaluated(program, expression, context.conditions() if own else context.validations(), account, composed=False)
        known[expression] = value
        return value

    # Validations.

    def evaluate(self, context: Context, account: Account) -> Sequence[Any] | CelError:
        """The values of all expressions, bools and `CelError`s; or the one error that ends the phase."""
        phase = context.validations()
        if self.runtime.name == "tree" and self._of_pack:
            return self._rule_by_rule(phase, account)
        if not self._of_pack or self.runtime.name == "tree" or self._reads(phase.unknown_fields):
            return self._one_by_one(range(len(self.expressions)), phase, account)
        if self._chunks is None:
            self._chunks = self._compile_chunk(0, len(self.expressions))
        values: list[Any] = []
        for chunk in self._chunks:
            found = _attempted(chunk.program, phase.activation(self.runtime, self._activation_name))
            if isinstance(found, list) and chunk.end - chunk.start > 1:
                values += found
                continue
            # One error makes the whole list an error, and all share one budget: then each is asked on its own.
            each = self._one_by_one(range(chunk.start, chunk.end), phase, account) if not isinstance(found, bool) else [found]
            if isinstance(each, CelError):
                return each
            values += each
        return values

    def _rule_by_rule(self, phase: Phase, account: Account) -> list[Any] | CelError:
        """As `_one_by_one`, but a rule whose `when` is false is not evaluated, nor compiled; those of a policy often have one `when`."""
        activation = phase.activation(self.runtime, self._activation_name)
        values: list[Any] = [True] * len(self.expressions)
        known: set[int] = set()
        for group in self.groups:
            when = group.when
            if when is not None and when not in known:
                values[when] = self._each(when).evaluate(activation, account)
                known.add(when)
            if when is not None and values[when] is False:
                continue
            for index, position in group.validations:
                holds = when is not None and values[when] is True
                value = self._body(index).evaluate(activation, account) if holds else None
                values[position] = value if value.__class__ is bool else self._each(position).evaluate(activation, account)
        failed = (one for one in values if one.__class__ is CelError and one.kind == "budget")
        return next(failed, values)

    def _body(self, index: int) -> Program:
        """What is left of a validation where its `when` is true."""
        body = self.policy.validations[index].body
        program = self._bodies.get(body)
        if program is None:
            try:
                program = self.runtime.compile(body, self._variables, self._declared, kubernetes=self._kubernetes)
            except CompileError as error:
                # The whole expression says what is wrong with it, at its place.
                program = _NoProgram(CelError(error.message))
            self._bodies[body] = program
        return program

    def _one_by_one(self, positions: Iterable[int], phase: Phase, account: Account) -> list[Any] | CelError:
        values: list[Any] = []
        if self.runtime.name == "tree":
            activation = phase.activation(self.runtime, self._activation_name)
            self._ready = self._ready or [self._each(position) for position in range(len(self.expressions))]
            for program in self._ready:
                value = program.evaluate(activation, account)
                if value.__class__ is CelError and value.kind == "budget":
                    return value
                values.append(value)
            return values
        for position in positions:
            value = self._evaluated(self._each(position), self.expressions[position], phase, account)
            if isinstance(value, CelError) and value.kind == "budget":
                return value
            values.append(value)
        return values

    def _evaluated(self, program: Program, expression: str, phase: Phase, account: Account, *, composed: bool = True) -> Any:
        """The value; the exact runtime is asked where the other fails, or reads what it cannot tell from an absent field. Without it that is not known."""
        if self._exact is None:
            if self.runtime.name != "tree" and (name := self._reads(phase.unknown_fields, expression)):
                return phase.unknown_field(name)
            value = program.evaluate(phase.activation(self.runtime, self._activation_name), account)
            return phase.explained(value) if isinstance(value, CelError) and self.runtime.name != "tree" else value
        if not self._reads(phase.unknown_fields, expression):
            value = program.evaluate(phase.activation(self.runtime, self._activation_name))
            if not isinstance(value, CelError):
                return value
        exact = self._program(expression, (), composed, self._exact)
        return exact.evaluate(phase.activation(self._exact, self._activation_name), account)

    def _reads(self, unknown_fields: re.Pattern[str] | None, expression: str = "") -> str:
        """The field that nobody gave that an expression, or any, or a variable it reads, tests the presence of; empty if there is none."""
        if unknown_fields is None:
            return ""
        key = (unknown_fields, expression)
        found = self._risky.get(key)
        if found is None:
            texts = [expression] if expression else self.expressions
            texts = [*texts, *(self._variables[name] for name in needed(texts, self._variables))]
            first = next(filter(None, map(unknown_fields.search, texts)), None)
            found = self._risky[key] = first[first.lastgroup or 0] if first else ""
        return found

    def message(self, index: int, value: Any) -> str:
        """The message of a false validation, of what its messageExpression gave (None without one): validator.go, message precedence."""
        validation = self.policy.validations[index]
        text = value.strip() if isinstance(value, str) else ""
        if text and "\n" not in text and len(text.encode("utf-8", "surrogatepass")) <= _MAX_MESSAGE:
            return text
        return validation.message.strip() or f"failed expression: {validation.expression.strip()}"

    def messages(self, context: Context, account: Account, indexes: Iterable[int]) -> dict[int, Any] | CelError:
        """What the messageExpressions of these validations give, by index; or the error that ends the phase, out of budget."""
        found: dict[int, Any] = {}
        phase: Phase | None = None
        for index in indexes:
            expression = self.policy.validations[index].message_expression
            if expression:
                program = self._typed(expression, ("string",), ("validations", index, "messageExpression"))
                phase = phase or (context.validations() if self._shares_messages else context.messages())
                value = self._evaluated(program, expression, phase, account)
                if isinstance(value, CelError) and value.kind == "budget":
                    return value
                found[index] = value
        return found

    def annotations(self, context: Context) -> list[tuple[str, Any]] | CelError:
        """Key and value of each audit annotation; or the error that ends the phase. They have a budget of their own."""
        account, phase = Account(), context.annotations()
        found: list[tuple[str, Any]] = []
        for number, annotation in enumerate(self.policy.audit_annotations):
            expression = annotation.value_expression
            program = self._typed(expression, ("string", "null_type"), ("auditAnnotations", number, "valueExpression"))
            value = self._evaluated(program, expression, phase, account)
            if isinstance(value, CelError) and value.kind == "budget":
                return value
            found.append((annotation.key, value))
        return found

    def elements(self, elements: Elements, index: int, context: Context) -> Any:
        """Which elements of a list pass, in order; or a `CelError`."""
        program = self._program(elements.expression, ("validations", index, "expression"), True, self.runtime)
        return self._evaluated(program, elements.expression, context.validations(), Account())

    def value(self, expression: str, context: Context) -> Any:
        """The value of any expression over the variables of the policy, a `CelError` perhaps. Raises `PolicyError` if it does not compile."""
        return self._evaluated(self._program(expression, (), True, self.runtime), expression, context.validations(), Account())

    @property
    def scope(self) -> tuple[Mapping[str, str], frozenset[str], str]:
        """What its expressions may name: variables with their texts, and inputs; and the release whose CEL environment holds."""
        return self._variables, self._declared | {"variables"} if self._variables else self._declared, self._kubernetes

    # Compilation.

    def _compile_chunk(self, start: int, end: int) -> list[_Chunk]:
        """Compiles expressions as one list, or as several: a parser has a limit of nesting, and a list of other things than bools hides which."""
        if end - start == 1:
            return [_Chunk(self._each(start), start, end)]
        listed = ", ".join(enclosable(text) for text in self.expressions[start:end])
        try:
            program = self.runtime.compile(f"[{listed}]", self._variables, self._declared)
        except CompileError:
            program = None
        if program is not None and program.result_type == "list(bool)":
            return [_Chunk(program, start, end)]
        middle = (start + end) // 2
        return self._compile_chunk(start, middle) + self._compile_chunk(middle, end)

    def _each(self, position: int) -> Program:
        text = self.expressions[position]
        return self._bools.get((text, True)) or self._bool(text, ("validations", self._owner(position), "expression"))

    def _owner(self, position: int) -> int:
        return next(index for group in self.groups for index, at in group.validations if position in (at, group.when))

    def _bool(self, expression: str, steps: tuple[str | int, ...], *, composed: bool = True) -> Program:
        program = self._bools[expression, composed] = self._typed(expression, ("bool",), steps, composed=composed)
        return program

    def _typed(self, expression: str, wanted: tuple[str, ...], steps: tuple[str | int, ...], *, composed: bool = True) -> Program:
        if steps[-1] == "messageExpression" and mentions(expression, "authorizer"):
            raise self._error(steps, f"undeclared reference to 'authorizer': a messageExpression cannot ask it: {_shown(expression)}")
        program = self._program(expression, steps, composed, self.runtime)
        # A runtime without a type checker says nothing; the API server refuses any other type, `dyn` too.
        if program.result_type not in wanted and program.result_type:
            expected = wanted[0] if len(wanted) == 1 else f"one of [{' '.join(wanted)}]"
            raise self._error(steps, f"must evaluate to {expected} but got {program.result_type}: {_shown(expression)}")
        return program

    def _program(self, expression: str, steps: tuple[str | int, ...], composed: bool, runtime: Runtime) -> Program:
        key = (expression, composed, runtime is self.runtime)
        program = self._programs.get(key)
        if program is None:
            program = self._programs[key] = self._compiled(expression, steps, self._variables if composed else None, runtime)
        return program

    def _compiled(self, expression: str, steps: tuple[str | int, ...], variables: Mapping[str, str] | None, runtime: Runtime) -> Program:
        try:
            # Where a policy has variables there is such a thing, though its first variable may read no other.
            listed = variables is not None and self._variables and runtime.name in ("tree", "cpp")
            declared = self._declared | {"variables"} if listed else self._declared
            return runtime.compile(expression, variables or {}, declared, kubernetes=self._kubernetes)
        except CompileError as error:
            if error.limitation:
                return _NoProgram(CelError(error.message, kind="limitation"))
            place = f" (line {error.line}, column {error.column} of the expression)" if error.line else ""
            raise self._error(steps, f"does not compile: {error.message}{place}: {_shown(expression)}") from None

    def _error(self, steps: tuple[str | int, ...], message: str) -> PolicyError:
        policy = self.policy
        text = f"policy {policy.name}, {self._told(steps)}: {message}"
        if policy.origin is None:
            return PolicyError(text, path=policy.path)
        place = locate(policy.origin, ("spec", *steps))
        return PolicyError(text, path=policy.path, line=place.line, column=place.column)

    def _told(self, steps: tuple[str | int, ...]) -> str:
        """The place of an expression in the words of the policy's author."""
        match steps:
            case ("matchConditions", int(number), _):
                return f"matchCondition {self.policy.match_conditions[number].name}"
            case ("variables", int(number), _):
                return f"variable {self.policy.variables[number].name}"
            case ("auditAnnotations", int(number), _):
                return f"auditAnnotation {self.policy.audit_annotations[number].key}"
            case ("validations", int(number), "messageExpression"):
                return f"messageExpression of {self.rule_name(number)}"
            case ("validations", int(number), _):
                return self.rule_name(number)
        return "an expression"


class _NoProgram:
    """An expression that this package cannot compile, though the API server can: nothing is known of its value."""

    result_type = ""

    def __init__(self, error: CelError) -> None:
        self._error = error

    def evaluate(self, activation: Activation, account: Account | None = None) -> CelError:
        """The limitation."""
        return self._error


def _attempted(program: Program, activation: Activation) -> Any:
    """The value of a list of expressions, as far as the runtime has it without asking another: one that fails is asked for one by one anyway."""
    attempt = getattr(program, "attempt", program.evaluate)
    return attempt(activation)


def error_text(expression: str, error: CelError) -> str:
    """An error of evaluation, as the API server words it (plugin/cel/activation.go)."""
    return f"expression '{expression}' resulted in error: {error.message}"


def _arranged(validations: Sequence[Validation]) -> tuple[list[str], list[Group]]:
    """The distinct expressions of a policy and, rule by rule, where in that list its own stand."""
    positions: dict[str, int] = {}

    def position(text: str, index: int) -> int:
        # What a foreign policy says twice is evaluated, and paid for, twice.
        return positions.setdefault(text if validations[index].rule else f"{index} {text}", len(positions))

    groups: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for index, validation in enumerate(validations):
        key = (validation.rule or f"validations[{index}]", validation.when)
        groups.setdefault(key, []).append((index, position(validation.expression, index)))
    arranged = [Group(rule, position(when, members[0][0]) if when else None, tuple(members)) for (rule, when), members in groups.items()]
    texts = [text if validations[0].rule else text.partition(" ")[2] for text in positions]
    return texts, arranged


def _shown(expression: str) -> str:
    """An expression as messages about it end: one of a megabyte would hide what is wrong with it."""
    return expression if len(expression) <= _MAX_SHOWN else f"{expression[:_MAX_SHOWN]} …"

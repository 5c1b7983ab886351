"""Runs policies against one request and decides (k8s.io/apiserver/pkg/admission/plugin/policy/validating/validator.go)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Literal, Protocol

from hostprocess.admission import UNKNOWN_MATCH, Inventory, mismatch, request_map
from hostprocess.cel.runtime import Activation, CelError, CompileError, Program, Runtime
from hostprocess.cel.source import enclosable, mentions
from hostprocess.errors import PolicyError
from hostprocess.kubernetes.fields import Steps, format_path, parse_path
from hostprocess.kubernetes.kinds import template_path
from hostprocess.model import Binding, Decision, Elements, MatchConstraints, Outcome, Policy, Request, Unknown, Validation

__all__ = ["OUTCOME_OF_ACTION", "Decisions", "EvaluatePolicy", "Evaluator", "evaluate_plainly"]

OUTCOME_OF_ACTION = {"Deny": Outcome.DENY, "Warn": Outcome.WARN, "Audit": Outcome.AUDIT}
_INPUTS = frozenset({"object", "oldObject", "request", "namespaceObject", "authorizer"})
_MAX_MESSAGE = 5 * 1024  # bytes; a longer messageExpression result is dropped


@dataclass(slots=True)
class Decisions:
    """What all policies say about one request: what they found, and how many rules allowed it or did not apply.

    `passed` holds the decisions of the latter too, if they were asked for; `matched` says whether any policy is about such requests.
    """

    findings: list[Decision]
    passed: list[Decision]
    allowed: int = 0
    skipped: int = 0
    matched: bool = False

    def add(self, other: Decisions) -> None:
        """Takes up the decisions of another policy or binding."""
        self.findings += other.findings
        self.passed += other.passed
        self.allowed += other.allowed
        self.skipped += other.skipped


class EvaluatePolicy(Protocol):
    """The hook `evaluate_policy`: decides for one binding; `evaluation()` is what the engine itself decides."""

    def __call__(self, *, policy: Policy, binding: Binding, request: Request, evaluation: Callable[[], Decisions]) -> Decisions: ...


def evaluate_plainly(policy: Policy, binding: Binding, request: Request, evaluation: Callable[[], Decisions]) -> Decisions:
    """The engine's own decision, unchanged."""
    return evaluation()


class Evaluator:
    """Policies and bindings made ready: each expression is compiled once, when it is first needed.

    Arguments: `inventory` holds Namespaces and parameters; `show_all` keeps decisions that allow or skip; `evaluate_policy` is the hook of
    that name, called for each binding that a request meets. Raises `PolicyError` (also from `decide`) for an expression that the API server
    would refuse.
    """

    def __init__(
        self,
        policies: Iterable[Policy],
        bindings: Iterable[Binding],
        runtime: Runtime,
        inventory: Inventory,
        *,
        show_all: bool = False,
        evaluate_policy: EvaluatePolicy | None = None,
    ) -> None:
        bound: dict[str, list[Binding]] = {}
        for binding in bindings:
            bound.setdefault(binding.policy_name, []).append(binding)
        self._policies = [(_Prepared(policy, runtime), bound[policy.name]) for policy in policies if policy.name in bound]
        self._runtime = runtime
        self.inventory = inventory
        self._show_all = show_all
        self._evaluate_policy = evaluate_policy or evaluate_plainly
        self._needs_request = self._mention("request")

    def _mention(self, name: str) -> bool:
        return any(mentions(text, name) for prepared, _ in self._policies for text in prepared.texts())

    def looks_up(self) -> frozenset[str]:
        """The kinds of the objects that the policies look up."""
        kinds = {prepared.policy.param_kind.kind for prepared, _ in self._policies if prepared.policy.param_kind}
        selecting = any(
            constraints is not None and constraints.namespace_selector
            for prepared, bindings in self._policies
            for constraints in (prepared.policy.match_constraints, *(binding.match_resources for binding in bindings))
        )
        return frozenset(kinds | ({"Namespace"} if selecting or self._mention("namespaceObject") else set()))

    def decide(self, request: Request) -> Decisions:
        """Evaluates every policy that has a binding; order is that of the policies."""
        decisions = Decisions([], [])
        context: _Context | None = None
        constraints: MatchConstraints | None = None
        unmatched = ""
        for prepared, bindings in self._policies:
            # The policies of one pack share one object.
            if prepared.policy.match_constraints is not constraints:
                constraints = prepared.policy.match_constraints
                unmatched = mismatch(constraints, request)
            for binding in bindings:
                if reason := _mismatch(unmatched, binding, request):
                    self._not_matched(prepared, binding, reason, decisions)
                    continue
                decisions.matched = True
                context = context or _Context(self._inputs(request), self._runtime, request)
                # Most pods are none of a policy's business: they are let go before the hook is called.
                if prepared.policy.param_kind is None and isinstance(condition := prepared.applies(context), str):
                    self._not_matched(prepared, binding, _condition_reason(condition), decisions)
                    continue
                judged = self._evaluate_policy(
                    policy=prepared.policy, binding=binding, request=request, evaluation=partial(self._judge, prepared, binding, context)
                )
                decisions.add(judged)
        return decisions

    def check(self, trusted: Collection[str] = ()) -> None:
        """Compiles everything at once, but for policies whose `path` is trusted. Raises `PolicyError` for an expression that the API server would refuse."""
        for prepared, _ in self._policies:
            if prepared.policy.path not in trusted:
                prepared.compile_all()

    def _inputs(self, request: Request) -> dict[str, Any]:
        inputs: dict[str, Any] = {"object": request.resource.object, "oldObject": request.old_object}
        if self._needs_request:
            inputs["request"] = request_map(request)
        if not isinstance(request.namespace_object, Unknown):
            inputs["namespaceObject"] = request.namespace_object
        return inputs

    def _not_matched(self, prepared: _Prepared, binding: Binding, reason: str, decisions: Decisions) -> None:
        if reason.startswith(UNKNOWN_MATCH):
            decisions.findings.append(_decision(prepared, binding, "", Outcome.UNKNOWN, reason.removeprefix(UNKNOWN_MATCH)))
            return
        decisions.skipped += len(prepared.groups)
        if self._show_all:
            decisions.passed += [_decision(prepared, binding, group.rule, Outcome.SKIP, reason) for group in prepared.groups]

    def _judge(self, prepared: _Prepared, binding: Binding, context: _Context) -> Decisions:
        decisions = Decisions([], [])
        policy = prepared.policy
        if policy.param_kind is None:
            self._validate(prepared, binding, context, decisions)
            return decisions
        params = self.inventory.params(policy.param_kind, binding, context.request.resource.namespace)
        if isinstance(params, Unknown):
            self._validate(prepared, binding, context, decisions)
            return decisions
        for value in params:
            inputs = {**context.inputs, "params": value}
            self._validate(prepared, binding, _Context(inputs, self._runtime, context.request), decisions)
        return decisions

    def _validate(self, prepared: _Prepared, binding: Binding, context: _Context, decisions: Decisions) -> None:
        applies = prepared.applies(context)
        if applies is not True:
            if isinstance(applies, CelError):
                outcome, message = _outcome_of(applies, context.request, prepared.policy)
                decisions.findings.append(_decision(prepared, binding, "", outcome, message))
            else:
                self._not_matched(prepared, binding, _condition_reason(applies), decisions)
            return
        values = prepared.evaluate(context)
        for group in prepared.groups:
            when = True if group.when is None else values[group.when]
            if when is False:
                decisions.skipped += 1
                if self._show_all:
                    decisions.passed.append(_decision(prepared, binding, group.rule, Outcome.SKIP, f"when is false: {prepared.expressions[group.when or 0]}"))
                continue
            found = [self._finding(prepared, binding, index, values[position], context) for index, position in group.validations]
            findings = [one for one in found if one is not None]
            decisions.findings += findings
            if not findings:
                decisions.allowed += 1
                if self._show_all:
                    decisions.passed.append(_decision(prepared, binding, group.rule, Outcome.ALLOW, ""))

    def _finding(self, prepared: _Prepared, binding: Binding, index: int, value: Any, context: _Context) -> Decision | None:
        if value is True:
            return None
        rule = prepared.rule_name(index)
        if isinstance(value, CelError):
            outcome, message = _outcome_of(value, context.request, prepared.policy)
            return _decision(prepared, binding, rule, outcome, message)
        validation = prepared.policy.validations[index]
        message = prepared.message(index, context)
        prefix = f"[{validation.rule}] "
        fields = _fields(prepared, validation, index, context)
        outcome = OUTCOME_OF_ACTION[binding.validation_actions[0]]
        return _decision(prepared, binding, rule, outcome, message.removeprefix(prefix) if validation.rule else message, fields)


@dataclass(frozen=True, slots=True)
class _Group:
    """The validations of one rule: pairs of (index in the policy, position in the list of expressions), and the position of `when`."""

    rule: str
    when: int | None
    validations: tuple[tuple[int, int], ...]


class _Context:
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


class _Prepared:
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

    def applies(self, context: _Context) -> Literal[True] | str | CelError:
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

    def evaluate(self, context: _Context) -> Sequence[Any]:
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

    def message(self, index: int, context: _Context) -> str:
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

    def elements(self, elements: Elements, index: int, context: _Context) -> Any:
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


def _mismatch(reason: str, binding: Binding, request: Request) -> str:
    """Why a policy (`reason`) or its binding is not about a request; what is not known counts only if nothing else says so."""
    if binding.match_resources is not None and (not reason or reason.startswith(UNKNOWN_MATCH)):
        reason = mismatch(binding.match_resources, request) or reason
    return reason


def _condition_reason(name: str) -> str:
    return f"the matchCondition {name!r} is false"


def _arranged(validations: Sequence[Validation]) -> tuple[list[str], list[_Group]]:
    """The distinct expressions of a policy and, rule by rule, where in that list its own stand."""
    positions: dict[str, int] = {}

    def position(text: str) -> int:
        return positions.setdefault(text, len(positions))

    groups: dict[tuple[str, str], list[tuple[int, int]]] = {}
    for index, validation in enumerate(validations):
        key = (validation.rule or f"validations[{index}]", validation.when)
        groups.setdefault(key, []).append((index, position(validation.expression)))
    arranged = [_Group(rule, position(when) if when else None, tuple(members)) for (rule, when), members in groups.items()]
    return list(positions), arranged


def _decision(prepared: _Prepared, binding: Binding, rule: str, outcome: Outcome, message: str, fields: tuple[str, ...] = ()) -> Decision:
    actions: tuple[str, ...] = ()
    if outcome in (Outcome.DENY, Outcome.WARN, Outcome.AUDIT, Outcome.UNKNOWN) or (outcome is Outcome.ERROR and prepared.policy.failure_policy == "Fail"):
        actions = binding.validation_actions
    return Decision(policy=prepared.policy.name, binding=binding.name, rule=rule, outcome=outcome, actions=actions, message=message, fields=fields)


def _outcome_of(error: CelError, request: Request, policy: Policy) -> tuple[Outcome, str]:
    """An error that only stems from an input nobody gave is an `unknown`, and says what to give."""
    missing = error.missing
    if not missing and error.message == "no such key: namespace" and not request.resource.namespace:
        missing = "namespace"
    if not missing and error.message == "no such key: userInfo" and isinstance(request.user_info, Unknown):
        missing = "userInfo"
    if missing:
        name = request.resource.namespace
        which = f"the Namespace {name!r} was not given: add it with --inventory" if name else "the namespace is not known: name it with --namespace"
        told = {
            "namespaceObject": which,
            "namespace": which,
            "params": f"no {policy.param_kind.kind if policy.param_kind else 'parameter'} was given: add it with --params or --inventory",
            "userInfo": "the user who makes the request is not known",
        }
        return Outcome.UNKNOWN, told.get(missing, f"{missing} was not given")
    if error.exhausted:
        return Outcome.UNKNOWN, "the expression needs more steps than this runtime allows; try --runtime celpy"
    return Outcome.ERROR, error.message


def _fields(prepared: _Prepared, validation: Validation, index: int, context: _Context) -> tuple[str, ...]:
    """The concrete fields a failed validation speaks about, as far as its rule names them."""
    if not validation.paths:
        return ()
    resource = context.request.resource
    root: Steps = template_path(resource.api_version, resource.kind) or ()
    if validation.elements is None:
        return (format_path(_choose(resource.object, root, (), validation.paths)),)
    passed = prepared.elements(validation.elements, index, context)
    if not isinstance(passed, list):
        return ()
    chosen = [_choose(resource.object, root, steps, validation.paths) for steps in _failed(resource.object, root, validation.elements, passed)]
    return tuple(dict.fromkeys(map(format_path, chosen)))


def _failed(value: Any, root: Steps, elements: Elements, passed: list[Any]) -> Iterable[Steps]:
    """Where the elements lie for which the list holds False."""
    at = 0
    for place in elements.places:
        steps = root + parse_path(place)
        for index in range(len(_get(value, steps) or ())):
            verdict = passed[at] if at < len(passed) else True
            at += 1
            if elements.nested:
                for inner, ok in enumerate(verdict if isinstance(verdict, list) else ()):
                    if ok is False:
                        yield (*steps, index, elements.nested, inner)
            elif verdict is False:
                yield (*steps, index)


def _choose(value: Any, root: Steps, element: Steps, paths: tuple[str, ...]) -> Steps:
    """The first of the paths that exists; else the last."""
    steps: Steps = element
    for path in paths:
        if path.startswith("object."):
            steps = parse_path(path.removeprefix("object."))
        else:
            in_pod = not element or path.startswith(("spec.", "metadata."))
            steps = (root if in_pod else element) + parse_path(path)
        if _get(value, steps) is not None:
            break
    return steps


def _get(value: Any, steps: Steps) -> Any:
    for step in steps:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value

"""Runs policies against one request and decides (k8s.io/apiserver/pkg/admission/plugin/policy/validating/validator.go)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from hostprocess.admission import UNKNOWN_MATCH, Inventory, mismatch, request_map
from hostprocess.cel.runtime import CelError, Runtime
from hostprocess.cel.source import mentions
from hostprocess.faults import fields_of
from hostprocess.model import Binding, Decision, MatchConstraints, Outcome, Policy, Request, Unknown
from hostprocess.prepared import Context, PreparedPolicy

__all__ = ["OUTCOME_OF_ACTION", "Decisions", "EvaluatePolicy", "Evaluator", "evaluate_plainly"]

OUTCOME_OF_ACTION = {"Deny": Outcome.DENY, "Warn": Outcome.WARN, "Audit": Outcome.AUDIT}


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
        self._policies = [(PreparedPolicy(policy, runtime), bound[policy.name]) for policy in policies if policy.name in bound]
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
        context: Context | None = None
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
                context = context or Context(self._inputs(request), self._runtime, request)
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

    def _not_matched(self, prepared: PreparedPolicy, binding: Binding, reason: str, decisions: Decisions) -> None:
        if reason.startswith(UNKNOWN_MATCH):
            decisions.findings.append(_decision(prepared, binding, "", Outcome.UNKNOWN, reason.removeprefix(UNKNOWN_MATCH)))
            return
        decisions.skipped += len(prepared.groups)
        if self._show_all:
            decisions.passed += [_decision(prepared, binding, group.rule, Outcome.SKIP, reason) for group in prepared.groups]

    def _judge(self, prepared: PreparedPolicy, binding: Binding, context: Context) -> Decisions:
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
            self._validate(prepared, binding, Context(inputs, self._runtime, context.request), decisions)
        return decisions

    def _validate(self, prepared: PreparedPolicy, binding: Binding, context: Context, decisions: Decisions) -> None:
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

    def _finding(self, prepared: PreparedPolicy, binding: Binding, index: int, value: Any, context: Context) -> Decision | None:
        if value is True:
            return None
        rule = prepared.rule_name(index)
        if isinstance(value, CelError):
            outcome, message = _outcome_of(value, context.request, prepared.policy)
            return _decision(prepared, binding, rule, outcome, message)
        validation = prepared.policy.validations[index]
        message = prepared.message(index, context)
        prefix = f"[{validation.rule}] "
        fields = fields_of(prepared, validation, index, context)
        outcome = OUTCOME_OF_ACTION[binding.validation_actions[0]]
        return _decision(prepared, binding, rule, outcome, message.removeprefix(prefix) if validation.rule else message, fields)


def _mismatch(reason: str, binding: Binding, request: Request) -> str:
    """Why a policy (`reason`) or its binding is not about a request; what is not known counts only if nothing else says so."""
    if binding.match_resources is not None and (not reason or reason.startswith(UNKNOWN_MATCH)):
        reason = mismatch(binding.match_resources, request) or reason
    return reason


def _condition_reason(name: str) -> str:
    return f"the matchCondition {name!r} is false"


def _decision(prepared: PreparedPolicy, binding: Binding, rule: str, outcome: Outcome, message: str, fields: tuple[str, ...] = ()) -> Decision:
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

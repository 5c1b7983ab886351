"""Runs policies against one request and decides.

Source: k8s.io/apiserver/pkg/admission/plugin/policy/validating/{validator,dispatcher}.go.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Protocol

from hostprocess.admission import request_map
from hostprocess.cel.runtime import Account, CelError, Runtime
from hostprocess.cel.source import mentions
from hostprocess.context import Context
from hostprocess.decide import DecisionMaker
from hostprocess.faults import fields_of
from hostprocess.inventory import ConfigurationError, Inventory
from hostprocess.matching import Match, Matcher, MatchKey, match_key
from hostprocess.model import Binding, Decision, MatchConstraints, Outcome, Policy, Request, Unknown
from hostprocess.prepared import Conditions, Group, PreparedPolicy
from hostprocess.responses import FAILURES_KEY, failures_annotation

__all__ = ["Decisions", "EvaluatePolicy", "Evaluator", "Prepare", "Situation", "condition_reason", "evaluate_plainly"]

_NO_GROUP = [Group("", None, ())]
Prepare = Callable[[Policy, Runtime, Runtime | None, str], PreparedPolicy]
"""Makes a policy ready: for a runtime, the one that has the last word, and a release."""
_OWN = ("cpp", "celpy", "cross-check")  # runtimes that hold no account and keep no variables


@dataclass(slots=True)
class Decisions:
    """What all policies say about one request: what they found, and how many rules allowed it or did not apply.

    `passed` holds the decisions of the latter too, if they were asked for; `matched` says whether any policy is about such requests. `published` are
    values of audit annotations by their key, `audit_annotations` what comes of them once all policies have spoken.
    """

    findings: list[Decision]
    passed: list[Decision]
    allowed: int = 0
    skipped: int = 0
    matched: bool = False
    published: dict[str, list[str]] = field(default_factory=dict)
    audit_annotations: dict[str, str] = field(default_factory=dict)

    def add(self, other: Decisions) -> None:
        """Takes up the decisions of another policy or binding."""
        self.findings += other.findings
        self.passed += other.passed
        self.allowed += other.allowed
        self.skipped += other.skipped
        for key, values in other.published.items():
            known = self.published.setdefault(key, [])
            known += [value for value in values if value not in known]


class EvaluatePolicy(Protocol):
    """The hook `evaluate_policy`: decides for one binding; `evaluation()` is what the engine itself decides."""

    def __call__(self, *, policy: Policy, binding: Binding, request: Request, evaluation: Callable[[], Decisions]) -> Decisions: ...


def evaluate_plainly(policy: Policy, binding: Binding, request: Request, evaluation: Callable[[], Decisions]) -> Decisions:
    """The engine's own decision, unchanged."""
    return evaluation()


@dataclass(frozen=True, slots=True)
class _Bound:
    """A policy with its bindings, each with what it is about; `fault` if it cannot be applied."""

    prepared: PreparedPolicy
    matcher: Matcher
    bindings: tuple[tuple[Binding, Matcher | None], ...]
    fault: ConfigurationError | None
    number: int
    """Of what it matches: the policies of one pack share it."""

    @property
    def variables_are_own(self) -> bool:
        """Whether each binding evaluates, and pays for, the variables anew."""
        return len(self.bindings) > 1 and bool(self.prepared.policy.variables) and self.prepared.runtime.name not in _OWN


@dataclass(frozen=True, slots=True)
class Situation:
    """A policy, a binding and a parameter object against one request: what its expressions see, whether it `match`es or not."""

    prepared: PreparedPolicy
    binding: Binding
    match: Match
    context: Context


class Evaluator:
    """Policies and bindings made ready: each expression is compiled once, when it is first needed.

    Arguments: `runtime` is for policies of packs, `foreign` for others (default: the same), `exact` has the last word where `runtime` fails;
    `inventory` holds Namespaces and parameters; `show_all` keeps decisions that allow or skip; `evaluate_policy` is the hook of that name, called
    for each binding that a request meets; `kubernetes` is the release whose CEL environment holds; `authorizer` makes what expressions ask as
    `authorizer`; `prepare` makes policies ready, as `PreparedPolicy` does.
    Raises `PolicyError` (also from `decide`) for an expression that the API server would refuse.
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
        foreign: Runtime | None = None,
        exact: Runtime | None = None,
        kubernetes: str = "",
        authorizer: Callable[[Request], dict[str, Any]] | None = None,
        prepare: Prepare = PreparedPolicy,
    ) -> None:
        bound: dict[str, list[Binding]] = {}
        for binding in bindings:
            bound.setdefault(binding.policy_name, []).append(binding)
        self.inventory = inventory
        self._show_all = show_all
        self._evaluate_policy = evaluate_policy
        self._authorizer = authorizer
        self._kubernetes = kubernetes
        self._matchers: dict[int, Matcher] = {}
        self._bindings = {(one.policy_name, one.name): one for several in bound.values() for one in several}
        self._policies: list[_Bound] = []
        for policy in policies:
            if policy.name in bound:
                prepared = prepare(policy, runtime if policy.of_pack else foreign or runtime, exact, kubernetes)
                with_matchers = tuple((one, self._matcher(one.match_resources) if one.match_resources else None) for one in bound[policy.name])
                self._policies.append(
                    _Bound(prepared, self._matcher(policy.match_constraints), with_matchers, inventory.fault_of(policy), id(policy.match_constraints))
                )
        self._needs_request = self._mention("request")
        self._needs_authorizer = self._mention("authorizer")

    def _matcher(self, constraints: MatchConstraints) -> Matcher:
        # The policies of one pack share one object.
        return self._matchers.setdefault(id(constraints), Matcher(constraints, self.inventory))

    def _mention(self, name: str) -> bool:
        return any(mentions(text, name) for one in self._policies for text in one.prepared.texts())

    def looks_up(self) -> frozenset[str]:
        """The kinds of the objects that the policies look up."""
        kinds = {one.prepared.policy.param_kind.kind for one in self._policies if one.prepared.policy.param_kind}
        selecting = any(
            constraints is not None and constraints.namespace_selector
            for one in self._policies
            for constraints in (one.prepared.policy.match_constraints, *(binding.match_resources for binding, _ in one.bindings))
        )
        if any(not one.prepared.policy.of_pack for one in self._policies):
            kinds.add("CustomResourceDefinition")
        return frozenset(kinds | ({"Namespace"} if selecting or self._mention("namespaceObject") else set()))

    def check(self, trusted: Collection[str] = ()) -> None:
        """Compiles everything at once, but for policies whose `path` is trusted. Raises `PolicyError` for an expression that the API server would refuse."""
        for one in self._policies:
            if one.prepared.policy.path not in trusted:
                one.prepared.compile_all()

    def decide(self, request: Request, *, details: bool = True) -> Decisions:
        """Evaluates every policy that has a binding; order is that of the policies.

        Without `details` findings name no fields, and nothing is published: that takes time, and who only asks what is denied needs neither.
        """
        details = details or self._evaluate_policy is not None  # a hook may want to know
        decisions = Decisions([], [])
        context: Context | None = None
        matches: dict[int, Match] = {}
        key = match_key(request)
        for one in self._policies:
            matched = matches.get(one.number)
            if matched is None:
                matched = matches[one.number] = one.matcher.match(request, key)
            if one.fault and not matched.reason and not matched.unknown:
                # Told once, whatever the bindings (dispatcher.go).
                decisions.matched = True
                decisions.findings.append(DecisionMaker(one.prepared, one.bindings[0][0], request).configuration_error(one.fault))
                continue
            for binding, matcher in one.bindings:
                found = matched if matcher is None else _both(matched, matcher, request, key)
                if found.reason or found.unknown:
                    self._not_matched(one.prepared, binding, request, found, decisions)
                    continue
                decisions.matched = True
                if found.resource is not None or one.variables_are_own:
                    self._dispatch(one.prepared, binding, self._context(request, found, details=details), decisions)
                    continue
                context = context or self._context(request, found, details=details)
                self._dispatch(one.prepared, binding, context, decisions)
        if details:
            self._publish(decisions)
        return decisions

    def situations(self, request: Request) -> Iterator[Situation]:
        """Each policy with each of its bindings and parameter objects, for those who ask how a decision comes about."""
        key = match_key(request)
        for one in self._policies:
            matched = one.matcher.match(request, key)
            for binding, matcher in one.bindings:
                found = matched if matcher is None else _both(matched, matcher, request, key)
                context = self._context(request, found, everything=True)
                params = self.inventory.params(one.prepared.policy, binding, request.namespace)
                for value in params if isinstance(params, list) else [params if isinstance(params, Unknown) else None]:
                    yield Situation(one.prepared, binding, found, context.with_params(value))

    def _dispatch(self, prepared: PreparedPolicy, binding: Binding, context: Context, decisions: Decisions) -> None:
        policy = prepared.policy
        applies: Conditions | None = None
        # Most pods are none of a policy's business: they are let go before the hook is called.
        if policy.param_kind is None:
            applies = prepared.applies(context)
            if applies.false and not self._show_all:
                decisions.skipped += prepared.rule_count
                return
            if applies.false:
                self._not_matched(prepared, binding, context.request, Match(condition_reason(applies.false)), decisions)
                return
        if self._evaluate_policy is None:
            self._judge(prepared, binding, context, applies, decisions)
            return
        evaluation = partial(self._judged, prepared, binding, context, applies)
        decisions.add(self._evaluate_policy(policy=policy, binding=binding, request=context.request, evaluation=evaluation))

    def _context(self, request: Request, match: Match, *, everything: bool = False, details: bool = True) -> Context:
        inputs: dict[str, Any] = {"object": request.object, "oldObject": request.old_object, "namespaceObject": request.namespace_object}
        if match.kind is not None and match.kind != request.kind:
            version = "/".join(filter(None, match.kind[:2]))
            for name in ("object", "oldObject"):
                if isinstance(inputs[name], dict):
                    inputs[name] = {**inputs[name], "apiVersion": version}
        conditions_request = None
        if self._needs_request or everything:
            inputs["request"] = request_map(request, match.resource, match.kind)
            if match.resource is not None:
                conditions_request = request_map(request, None, match.kind)
        if self._needs_authorizer or everything:
            inputs |= self._authorizer(request) if self._authorizer else {"authorizer": Unknown("authorizer was not given")}
        return Context(inputs, request, conditions_request, details=details)

    def _publish(self, decisions: Decisions) -> None:
        if not decisions.findings and not decisions.published:
            return
        annotations = {key: ", ".join(values) for key, values in decisions.published.items()}
        failures = failures_annotation(decisions.findings, self._bindings, self._kubernetes)
        if failures:
            annotations[FAILURES_KEY] = failures
        if annotations:
            decisions.audit_annotations = annotations
            decisions.findings = [_annotated(one, annotations) for one in decisions.findings]
            if decisions.published:  # that of failures is not of those who pass
                decisions.passed = [_annotated(one, annotations) for one in decisions.passed]

    def _not_matched(self, prepared: PreparedPolicy, binding: Binding, request: Request, match: Match, decisions: Decisions) -> None:
        if match.unknown:
            made = Decisions([DecisionMaker(prepared, binding, request).unknown(match.unknown)], [])
            wrapped = self._evaluate_policy
            decisions.add(made if wrapped is None else wrapped(policy=prepared.policy, binding=binding, request=request, evaluation=lambda: made))
            return
        decisions.skipped += prepared.rule_count
        if self._show_all:
            maker = DecisionMaker(prepared, binding, request)
            decisions.passed += [maker.passed(group.rule, Outcome.SKIP, match.reason) for group in prepared.groups or _NO_GROUP]

    def _judged(self, prepared: PreparedPolicy, binding: Binding, context: Context, applies: Conditions | None) -> Decisions:
        decisions = Decisions([], [])
        self._judge(prepared, binding, context, applies, decisions)
        return decisions

    def _judge(self, prepared: PreparedPolicy, binding: Binding, context: Context, applies: Conditions | None, decisions: Decisions) -> None:
        if applies is not None:
            self._validate(prepared, binding, context, applies, decisions)
            return
        params = self.inventory.params(prepared.policy, binding, context.request.namespace)
        if isinstance(params, ConfigurationError):
            decisions.findings.append(DecisionMaker(prepared, binding, context.request).configuration_error(params))
        elif not isinstance(params, Unknown) and not params:
            self._not_matched(prepared, binding, context.request, Match("there is no parameter object, and parameterNotFoundAction is Allow"), decisions)
        elif isinstance(params, Unknown):
            self._judge_without_params(prepared, binding, context, params, decisions)
        else:
            for value in params:
                with_params = context.with_params(value)
                self._validate(prepared, binding, with_params, prepared.applies(with_params), decisions)

    def _judge_without_params(self, prepared: PreparedPolicy, binding: Binding, context: Context, missing: Unknown, decisions: Decisions) -> None:
        """Nobody knows the parameter objects, nor whether there are any: certain is only what comes out the same with one and with none."""
        made = Decisions([], [])
        with_params = context.with_params(missing)
        self._validate(prepared, binding, with_params, prepared.applies(with_params), made)
        policy, maker = prepared.policy, DecisionMaker(prepared, binding, context.request)
        # With none the request is denied, or nothing is asked; packs always say what they take.
        none_denies = binding.param_ref is not None and binding.param_ref.parameter_not_found_action == "Deny" and policy.failure_policy == "Fail"
        if policy.of_pack:
            if not none_denies:  # an error is one only if there is a parameter object
                made.findings = [maker.unknown(missing.what, one.rule, one.index) if one.outcome is Outcome.ERROR else one for one in made.findings]
            decisions.add(made)
        elif none_denies and not any("Deny" in one.actions for one in made.findings):
            decisions.findings.append(maker.unknown(missing.what))
        else:
            made.published.clear()
            if not none_denies:
                made.findings = [one if one.outcome is Outcome.UNKNOWN else maker.unknown(missing.what, one.rule, one.index) for one in made.findings]
            decisions.add(made)

    def _validate(self, prepared: PreparedPolicy, binding: Binding, context: Context, applies: Conditions, decisions: Decisions) -> None:
        if not applies.hold:
            self._not_applied(prepared, binding, context, applies, decisions)
            return
        account = Account()
        values = prepared.evaluate(context, account)
        if not self._show_all and prepared.is_plain and values.__class__ is list and all(value is True for value in values):
            decisions.allowed += len(prepared.groups)
            return
        maker = DecisionMaker(prepared, binding, context.request)
        annotations = prepared.annotations(context) if prepared.policy.audit_annotations else []
        if isinstance(annotations, CelError) or isinstance(values, CelError):
            decisions.findings.append(maker.out_of_budget())
            return
        made = Decisions([], [])
        messages = self._messages(prepared, context, account, values)
        for group in prepared.groups:
            when = True if group.when is None else values[group.when]
            if when is False:
                made.skipped += 1
                if self._show_all:
                    made.passed.append(maker.passed(group.rule, Outcome.SKIP, f"when is false: {prepared.expressions[group.when or 0]}"))
                continue
            findings = [
                maker.failed(
                    index,
                    values[position],
                    messages,
                    partial(fields_of, prepared, prepared.policy.validations[index], index, context) if context.details else tuple,
                )
                for index, position in group.validations
                if values[position] is not True or isinstance(messages, CelError)
            ]
            made.findings += findings
            if not findings:
                made.allowed += 1
                if self._show_all:
                    made.passed.append(maker.passed(group.rule, Outcome.ALLOW, ""))
        maker.annotate(annotations, made.findings, made.published)
        if not prepared.groups and not made.findings:
            made.allowed += 1
            made.passed += [maker.passed("", Outcome.ALLOW, "")] if self._show_all else []
        decisions.add(made)

    def _messages(self, prepared: PreparedPolicy, context: Context, account: Account, values: Any) -> Mapping[int, Any] | CelError:
        """The messageExpressions: of all validations, as each of them costs; those of a pack where they are wanted."""
        indexes: Iterable[int] = range(len(prepared.policy.validations))
        if prepared.policy.of_pack or prepared.runtime.name in _OWN:
            indexes = [index for group in prepared.groups for index, position in group.validations if values[position] is False]
        return prepared.messages(context, account, indexes)

    def _not_applied(self, prepared: PreparedPolicy, binding: Binding, context: Context, applies: Conditions, decisions: Decisions) -> None:
        maker = DecisionMaker(prepared, binding, context.request)
        if applies.false:
            self._not_matched(prepared, binding, context.request, Match(condition_reason(applies.false)), decisions)
        elif applies.unknown:
            decisions.findings.append(maker.unknown(applies.unknown))
        else:
            texts = applies.errors
            decisions.findings.append(maker.error(texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"))


def _both(match: Match, matcher: Matcher, request: Request, key: MatchKey) -> Match:
    """The match of a policy, unless its binding is not about the request; what is not known counts only if nothing else says so."""
    if match.reason:
        return match
    of_binding = matcher.match(request, key)
    if of_binding.reason:
        return replace(of_binding, reason=f"{of_binding.reason} (matchResources of the binding)")
    # The version under which the binding matches does not matter.
    return match if match.unknown or not of_binding.unknown else of_binding


def _annotated(decision: Decision, annotations: Mapping[str, str]) -> Decision:
    """The decision with the annotations of its policy, and that of failures if it is one of them."""
    own = {key: value for key, value in annotations.items() if key.startswith(f"{decision.policy}/")}
    if FAILURES_KEY in annotations and "Audit" in decision.actions:
        own[FAILURES_KEY] = annotations[FAILURES_KEY]
    return replace(decision, audit_annotations=own) if own and decision.outcome is not Outcome.SKIP else decision


def condition_reason(name: str) -> str:
    """What a decision says that skips a policy because a matchCondition is false."""
    return f"the matchCondition {name!r} is false"

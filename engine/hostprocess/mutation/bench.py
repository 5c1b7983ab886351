"""Runs mutants against the cases of suites, as little of them as is needed to tell what becomes of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from hostprocess.authorization import authorizer_inputs
from hostprocess.cel.runtime import CompileError
from hostprocess.cel.source import needed
from hostprocess.errors import InputError, PolicyError
from hostprocess.evaluate import Decisions, EvaluatePolicy, Evaluator
from hostprocess.model import Decision, Outcome, Policy, Request
from hostprocess.mutation.differences import Compiled, Difference, Differences, differences
from hostprocess.mutation.model import Mutant
from hostprocess.mutation.runtime import MutantProgram, MutantRuntime, StandIn
from hostprocess.mutation.trial import Change, Trial
from hostprocess.prepared import PreparedPolicy
from hostprocess.suite.expect import decision_problems, value_problem
from hostprocess.suite.model import Case, Expected, ExpectedValue, Subject, Suite
from hostprocess.suite.run import Runner

__all__ = ["Bench", "Group", "Invalid", "Version", "Versions"]

_TYPES = {"message": ("string",), "annotation": ("string", "null_type")}
_BOOL = ("bool",)


class Invalid(Exception):
    """A mutant that the API server would refuse."""


@dataclass(slots=True)
class Group:
    """What suites are about, with their cases made ready: `values` are those about the values of expressions, `failing` those that fail anyway."""

    subject: Subject
    trials: list[Trial] = field(default_factory=list)
    values: list[Case] = field(default_factory=list)
    failing: list[Case] = field(default_factory=list)
    kills: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Version:
    """What a mutant makes of a subject in one pair of releases."""

    subject: Subject
    base: Compiled
    compiled: Compiled
    differences: Differences
    kubernetes: str
    changes: dict[Difference | StandIn, Change] = field(default_factory=dict)
    evaluators: dict[int, Evaluator] = field(default_factory=dict)

    @property
    def other_variables(self) -> dict[tuple[str, str], str]:
        """The expressions that variables have now, by name and former expression."""
        return {(one.name, one.before): one.after for one in self.differences.expressions or () if one.kind == "variable"}

    def change_of(self, variable: StandIn) -> Change:
        """What a variable is and becomes."""
        if variable not in self.changes:
            self.changes[variable] = Change(variable.original, variable.program)
        return self.changes[variable]

    def stand_ins(self, runtime: MutantRuntime) -> list[StandIn]:
        """What stands in for variables."""
        return [other for (name, text), new in self.other_variables.items() for other in runtime.stand_ins(name, text, new)]

    def check(self, runtime: MutantRuntime) -> None:
        """Compiles what differs. Raises `CompileError` or `PolicyError` if the API server would refuse it."""
        others = [one for one in self.stand_ins(runtime) if one.scope[1] == self.kubernetes]
        anew = not all(one.fits for one in others)
        for number, policy in enumerate(self.compiled[0]):
            prepared = PreparedPolicy(policy, runtime, kubernetes=self.kubernetes)
            if anew:
                # Another type of a variable may not do for what reads it.
                prepared.compile_all()
            for one in self.differences.expressions or ():
                if one.policy == number and one.kind not in ("variable", "elements", "when", "whole"):
                    _check(prepared, one)


def _actions(told: Sequence[Decision]) -> list[tuple[str, tuple[str, ...]]]:
    return sorted((one.rule, one.actions) for one in told)


def _check(prepared: PreparedPolicy, one: Difference) -> None:
    variables, declared, kubernetes = _scope(prepared, one.kind == "condition")
    program = prepared.runtime.compile(one.after, variables, declared, kubernetes=kubernetes)
    if program.result_type not in _TYPES.get(one.kind, _BOOL):
        raise PolicyError(f"must evaluate to {_TYPES.get(one.kind, _BOOL)[0]} but got {program.result_type}")


def _scope(prepared: PreparedPolicy, condition: bool) -> tuple[Mapping[str, str], frozenset[str], str]:
    variables, declared, kubernetes = prepared.scope
    return ({}, declared - {"variables"}, kubernetes) if condition else (variables, declared, kubernetes)


class Versions:
    """What a mutant makes of a subject, by releases."""

    def __init__(self, subject: Subject, mutated: Subject) -> None:
        self._subject = subject
        self._mutated = mutated
        self._found: dict[tuple[str, str], Version] = {}

    def other_variables(self, key: tuple[str, str]) -> dict[tuple[str, str], str]:
        """The expressions that variables have now, those of a pack too that no policy uses, by name and former expression."""
        before, after = (one.with_variables(*key)[0] for one in (self._subject, self._mutated))
        pairs = [pair for old, new in zip(before, after, strict=False) for pair in zip(old.variables, new.variables, strict=False)]
        return {(old.name, old.expression): new.expression for old, new in pairs if old.expression != new.expression}

    def of(self, key: tuple[str, str]) -> Version:
        """For releases of Kubernetes and containerd. Raises `PolicyError` for a rule that cannot be compiled."""
        found = self._found.get(key)
        if found is None:
            base, compiled = self._subject.compiled(*key), self._mutated.compiled(*key)
            found = self._found[key] = Version(self._mutated, base, compiled, differences(base, compiled), key[0])
        return found


class Bench:
    """What is needed to run mutants, in one process. `evaluate_policy` is the hook of that name."""

    def __init__(self, evaluate_policy: EvaluatePolicy | None = None) -> None:
        self.runtime = MutantRuntime()
        self.runner = Runner(self.runtime, evaluate_policy)
        self._evaluate_policy = evaluate_policy
        self._programs: dict[tuple[int, str, bool], MutantProgram] = {}
        self._requests: dict[int, Request] = {}

    # Cases.

    def group(self, suites: Iterable[Suite]) -> Group:
        """The cases of suites about one subject. Raises `PolicyError` for a policy that the API server would refuse."""
        listed = list(suites)
        group = Group(listed[0].subject)
        self.runner.check(group.subject)
        for suite in listed:
            for case in suite.cases:
                self._take(group, case)
        return group

    def _take(self, group: Group, case: Case) -> None:
        if isinstance(case.expected, ExpectedValue):
            failed = self.runner.run(group.subject, case) is not None
            (group.failing if failed else group.values).append(case)
            return
        trial = self.trial(group.subject, case)
        if trial is None or self.problems(case, trial.told, trial.base):
            group.failing.append(case)
        else:
            group.trials.append(trial)

    def trial(self, subject: Subject, case: Case) -> Trial | None:
        """A case made ready; None if the API server refuses its object. Raises `PolicyError`."""
        evaluator = self.runner.evaluator(subject, case.setting)
        try:
            request = self.runner.request(case, evaluator.inventory)
        except InputError:
            return None
        decisions = evaluator.decide(request)
        key = (case.setting.kubernetes or subject.kubernetes, case.setting.containerd or subject.containerd)
        return Trial(case, evaluator, request, decisions, self.runner.told(subject, case, decisions), key)

    def problems(self, case: Case, told: Sequence[object], decisions: Decisions) -> tuple[str, ...]:
        """What is not as a case expects it."""
        assert isinstance(case.expected, Expected)
        return decision_problems(case.expected, told, decisions.audit_annotations)  # type: ignore[arg-type]

    # Mutants.

    def killer(self, mutant: Mutant, groups: Sequence[Group]) -> str:
        """The case that kills a mutant; empty if none does. Raises `Invalid`."""
        ordered = sorted(groups, key=lambda one: -one.kills.get(mutant.slot, 0)) if len(groups) > 1 else groups
        try:
            with self.runtime.forgetting():
                for group in ordered:
                    found = self._killed_in(mutant, group)
                    if found is not None:
                        group.kills[mutant.slot] = group.kills.get(mutant.slot, 0) + 1
                        return f"{found.path}::{found.name}"
        except (CompileError, PolicyError) as error:
            raise Invalid(error.message) from None
        finally:
            self.runtime.forget_stand_ins()
        return ""

    def _killed_in(self, mutant: Mutant, group: Group) -> Case | None:
        versions = Versions(group.subject, mutant.edit(group.subject))
        versions.of((group.subject.kubernetes, group.subject.containerd)).check(self.runtime)
        return self._killing(mutant, versions, group)

    def _killing(self, mutant: Mutant, versions: Versions, group: Group) -> Case | None:
        compiled = group.subject.kubernetes, group.subject.containerd  # other releases would have to be compiled for
        for trial in sorted(group.trials, key=lambda one: (-one.kills.get(mutant.slot, 0), one.key != compiled, -one.kills.get("", 0))):
            version = versions.of(trial.key)
            if self.infects(version, trial) and self._kills(version, trial):
                trial.kills[mutant.slot] = trial.kills.get(mutant.slot, 0) + 1
                trial.kills[""] = trial.kills.get("", 0) + 1
                return trial.case
        return next((case for case in group.values if self._changes_value(versions, group.subject, case)), None)

    def _kills(self, version: Version, trial: Trial) -> bool:
        expected = trial.case.expected
        assert isinstance(expected, Expected)
        decisions = self.decide(version, trial, details=expected.wants_details)
        told = self.runner.told(version.subject, trial.case, decisions)
        if self.problems(trial.case, told, decisions):
            return True
        # A case that expects an error expects what it comes to: suites have no word for the failurePolicy.
        return expected.outcome is Outcome.ERROR and _actions(told) != _actions(trial.told)

    def _changes_value(self, versions: Versions, subject: Subject, case: Case) -> bool:
        """Whether the value of an expression is not as a case expects it."""
        expected, key = case.expected, (case.setting.kubernetes or subject.kubernetes, case.setting.containerd or subject.containerd)
        assert isinstance(expected, ExpectedValue)
        others = versions.other_variables(key)
        if not others:
            return False
        evaluator = self.runner.evaluator(subject, case.setting, variables=True)
        if id(case) not in self._requests:
            self._requests[id(case)] = self.runner.request(case, evaluator.inventory)
        stand_ins = [one for (name, text), new in others.items() for one in self.runtime.stand_ins(name, text, new) if one.scope[1] == key[0]]
        if not all(one.fits for one in stand_ins):
            return Runner(self.runtime, self._evaluate_policy).run(versions.of(key).subject, case) is not None
        for situation in evaluator.situations(self._requests[id(case)]):
            variables, _, _ = situation.prepared.scope
            if expected.variable and expected.variable not in variables:
                continue
            if not {name for name, _ in others}.intersection(needed([expected.expression], variables)):
                return False
            with self.runtime.standing_in(others):
                return bool(value_problem(expected, situation.prepared.value(expected.expression, situation.context)))
        return False

    # One mutant, one case.

    def infects(self, version: Version, trial: Trial) -> bool:
        """Whether anything has another value in a case: else nothing can come out otherwise."""
        found = version.differences.expressions
        if found is None:
            return True
        # What an evaluation costs may differ too.
        if any(one.outcome is Outcome.ERROR for one in trial.told) and found:
            return True
        return any(self._infects(version, trial, one) for one in found)

    def _infects(self, version: Version, trial: Trial, one: Difference) -> bool:
        if one.kind == "whole":
            return False
        if one.kind == "message":
            return trial.failing
        if one.kind == "elements" and not (one.before and one.after):
            return trial.failing
        if one.kind == "annotation":
            return True
        policy = version.base[0][one.policy]
        for number, situation, hold in trial.reached(policy.name):
            if one.kind != "condition" and not hold:
                continue
            if one.kind == "variable":
                other = self._stand_in(one, situation.prepared)
                if other is not None and trial.differs(number, situation, one.kind, version.change_of(other)):
                    return True
                continue
            if one.kind == "elements" and trial.value(number, situation, "validation", self._body(policy, int(one.name), situation.prepared)) is True:
                continue  # every element passes, and does so in the mutant too if the whole has the same value
            change = version.changes.get(one)
            if change is None:
                change = version.changes[one] = self._change(one, situation.prepared)
            if trial.differs(number, situation, one.kind, change):
                return True
        return False

    def _body(self, policy: Policy, index: int, prepared: PreparedPolicy) -> MutantProgram:
        return self._program(policy.validations[index].body, prepared, condition=False)

    def _stand_in(self, one: Difference, prepared: PreparedPolicy) -> StandIn | None:
        """What stands in for a variable in a policy; None where nothing has ever read it."""
        _, declared, kubernetes = prepared.scope
        return next((other for other in self.runtime.stand_ins(one.name, one.before, one.after) if other.scope[:2] == (declared, kubernetes)), None)

    def _change(self, one: Difference, prepared: PreparedPolicy) -> Change:
        condition = one.kind == "condition"
        variables, declared, kubernetes = _scope(prepared, condition)
        after = self.runtime.compile(one.after, variables, declared, kubernetes=kubernetes)
        return Change(self._program(one.before, prepared, condition), after)

    def _program(self, text: str, prepared: PreparedPolicy, condition: bool) -> MutantProgram:
        key = (id(prepared), text, condition)
        if key not in self._programs:
            variables, declared, kubernetes = _scope(prepared, condition)
            self._programs[key] = self.runtime.compile(text, variables, declared, kubernetes=kubernetes)
        return self._programs[key]

    def decide(self, version: Version, trial: Trial, *, details: bool = True) -> Decisions:
        """What the mutant decides; `details` as of `Evaluator.decide`. Raises `PolicyError` or `CompileError` if the API server would refuse it."""
        if version.differences.only_variables and all(one.fits for one in version.stand_ins(self.runtime) if one.scope[1] == trial.key[0]):
            with self.runtime.standing_in(version.other_variables):
                return trial.evaluator.decide(trial.request, details=details)
        return self._evaluator(version, trial).decide(trial.request, details=details)

    def _evaluator(self, version: Version, trial: Trial) -> Evaluator:
        inventory = trial.evaluator.inventory
        found = version.evaluators.get(id(trial.evaluator))
        if found is None:
            policies, bindings = version.compiled
            if trial.case.setting.without_params:
                bindings = [replace(one, param_ref=None) for one in bindings]
            found = version.evaluators[id(trial.evaluator)] = Evaluator(
                policies,
                bindings,
                self.runtime,
                inventory,
                show_all=True,
                evaluate_policy=self._evaluate_policy,
                kubernetes=trial.key[0],
                authorizer=authorizer_inputs(inventory),
            )
        return found

"""Lint of fixes: made in each case of the suite that fails, they must end the fault."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from hostprocess.cel.runtime import Runtime
from hostprocess.errors import InputError
from hostprocess.fix.guards import Guards
from hostprocess.fix.session import edits_of, fixes_of
from hostprocess.fix.values import patched
from hostprocess.model import Decision, Outcome, Request, Rule, Targets
from hostprocess.rules import Pack
from hostprocess.suite.model import Case, Suite
from hostprocess.suite.run import Runner

__all__ = ["fix_problems"]

_FINDINGS = (Outcome.DENY, Outcome.WARN, Outcome.AUDIT)
_ROUNDS = 50


def fix_problems(rule: Rule, pack: Pack, suite: Suite, runner: Runner, runtime: Runtime) -> Iterator[str]:
    """What is wrong with the fixes of a rule: those that do not fix, that no case is about, or whose conditions are always true or always false."""
    if not any(validation.fix for validation in rule.validations):
        return
    fixed: set[int] = set()
    seen: dict[str, set[bool]] = {validation.fix.safe_if: set() for validation in rule.validations if validation.fix and validation.fix.safe_if}
    guards: dict[tuple[str, str], Guards] = {}
    for case in suite.cases:
        if "expect" not in case.raw or case.setting.operation != "CREATE" or case.setting.subresource:
            continue
        targets = Targets(kubernetes=case.setting.kubernetes or pack.kubernetes, containerd=case.setting.containerd or pack.containerd)
        found = _Cases(rule, suite, runner, targets)
        try:
            failing = found.failing(case)
        except InputError:  # the case expects that the object is refused
            continue
        if not failing:
            continue
        if seen:
            key = (targets.kubernetes, targets.containerd)
            guard = guards.setdefault(key, Guards([replace(pack, rules=(rule,))], targets, runtime))
            doubted = guard.unsafe(found.request(case))
            for number in failing:
                if (fix := rule.validations[number].fix) and fix.safe_if:
                    seen[fix.safe_if].add((rule.id, fix.safe_if) not in doubted)
        try:
            left = found.after(case)
        except (InputError, KeyError, IndexError, TypeError) as error:
            yield f"{suite.path}: the fix cannot be made in the case {case.name!r}: {error}"
            continue
        fixed |= failing.keys() - left.keys()
        for decision in left.values():
            yield f"{suite.path}: after the fix the case {case.name!r} still fails: {decision.message}"
    for number, validation in enumerate(rule.validations):
        if validation.fix and number not in fixed:
            yield f"{suite.path} has no case in which the fix ends this fault: {validation.message}"
    for expression, values in seen.items():
        for value in {True, False} - values:
            yield f"{suite.path} has no failing case for which this `safe-if` is {str(value).lower()}: {expression}"


class _Cases:
    """Cases of a rule, judged for some releases."""

    def __init__(self, rule: Rule, suite: Suite, runner: Runner, targets: Targets) -> None:
        self._suite = suite
        self._runner = runner
        policies, _ = suite.subject.compiled(targets.kubernetes, targets.containerd)
        self._known = fixes_of(policies, [rule])
        self._numbers = {(policy.name, index): one.number for policy in policies for index, one in enumerate(policy.validations)}

    def request(self, case: Case) -> Request:
        """The request of the case."""
        return self._runner.request(case, self._runner.evaluator(self._suite.subject, case.setting).inventory)

    def failing(self, case: Case) -> Mapping[int, Decision]:
        """The validations with a fix that fail, by their number in the rule."""
        decisions = self._runner.decide(self._suite.subject, case).findings
        found = [one for one in decisions if one.outcome in _FINDINGS and (one.policy, one.index) in self._known]
        return {self._numbers[one.policy, one.index]: one for one in found}

    def after(self, case: Case) -> Mapping[int, Decision]:
        """The same, once all fixes are made."""
        failing = self.failing(case)
        for _ in range(_ROUNDS):
            if not failing:
                break
            resource = self.request(case).resource
            edits = [edit for one in failing.values() for edit in edits_of(resource, one, self._known[one.policy, one.index][1])]
            case = replace(case, object=patched(case.object, dict.fromkeys(edits)))
            failing = self.failing(case)
        return failing

"""`safe-if` of fixes: compiled as rules of their own, whose findings say that a fix is not safe."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from hostprocess.cel.runtime import Runtime
from hostprocess.compile import compile_pack
from hostprocess.evaluate import Evaluator
from hostprocess.inventory import Inventory
from hostprocess.model import Request, Rule, RuleValidation, Targets
from hostprocess.rules import Pack

__all__ = ["Guards", "guard_rules"]


def guard_rules(rules: Iterable[Rule]) -> list[Rule]:
    """For each rule with a `safe-if` one of the same id that holds where its fixes are safe; a validation for each such expression."""
    guards = []
    for rule in rules:
        expressions = dict.fromkeys(one.fix.safe_if for one in rule.validations if one.fix and one.fix.safe_if)
        validations = tuple(RuleValidation(expression=text, severity="info", message=text.replace("\n", " ")) for text in expressions)
        if validations:
            guards.append(replace(rule, severity="info", validations=validations, opt_in="", param_kind=None))
    return guards


class Guards:
    """Says of a request which fixes that are safe under a condition are not."""

    def __init__(self, packs: Iterable[Pack], targets: Targets, runtime: Runtime) -> None:
        self._evaluators = []
        self._expressions: dict[tuple[str, int], tuple[str, str]] = {}
        for pack in packs:
            guards = guard_rules(rule for rule in pack.rules if rule.status != "retired" and targets.allow(rule))
            policies, bindings = compile_pack(pack, guards, targets)
            by_id = {guard.id: guard for guard in guards}
            for policy in policies:
                for index, validation in enumerate(policy.validations):
                    self._expressions[policy.name, index] = validation.rule, by_id[validation.rule].validations[validation.number].expression
            if policies:
                self._evaluators.append(Evaluator(policies, bindings, runtime, Inventory.of([], kubernetes=targets.kubernetes), kubernetes=targets.kubernetes))

    def unsafe(self, request: Request) -> frozenset[tuple[str, str]]:
        """Pairs of a rule and its `safe-if` that does not hold, or cannot be told."""
        return frozenset(
            self._expressions.get((one.policy, one.index), ("", "")) for evaluator in self._evaluators for one in evaluator.decide(request).findings
        )

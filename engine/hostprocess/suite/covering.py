"""A runner that knows what of the policies its cases have put to use."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from hostprocess.cel.coverage import CoverageRuntime
from hostprocess.coverage.collect import Collector, Owner
from hostprocess.coverage.model import Unit, merged
from hostprocess.coverage.units import units_of
from hostprocess.evaluate import Decisions, EvaluatePolicy, Evaluator, Prepare
from hostprocess.inventory import Inventory
from hostprocess.model import Binding, Policy
from hostprocess.prepared import PreparedPolicy
from hostprocess.suite.model import Case, Subject
from hostprocess.suite.run import Runner
from hostprocess.suite.subjects import RuleSubject

__all__ = ["CoveringRunner"]


class CoveringRunner(Runner):
    """As `Runner`, on a runtime of its own."""

    def __init__(self, evaluate_policy: EvaluatePolicy | None = None) -> None:
        self._collector = Collector(CoverageRuntime())
        super().__init__(self._collector.runtime, evaluate_policy)

    def decide(self, subject: Subject, case: Case, *, details: bool = True) -> Decisions:
        """See `Runner.decide`: the details are evaluated in any case, as they too are to be covered."""
        evaluator = self.evaluator(subject, case.setting)
        request = self.request(case, evaluator.inventory)
        decisions = evaluator.decide(request)
        self._collector.decided(evaluator, request, decisions)
        return decisions

    def covered(self) -> tuple[Unit, ...]:
        """See `Runner.covered`."""
        return tuple(merged(unit for covered in self._collector.take() for unit in units_of(covered)))

    def _made(
        self,
        subject: Subject,
        policies: Sequence[Policy],
        bindings: Sequence[Binding],
        inventory: Inventory,
        kubernetes: str,
        prepare: Prepare = PreparedPolicy,
    ) -> Evaluator:
        owner = Owner(subject.pack, subject.rule) if isinstance(subject, RuleSubject) else None
        return self._collector.watched(owner, partial(super()._made, subject, policies, bindings, inventory, kubernetes))

"""The wrapper of `evaluate_policy` that excepts what a baseline knows, and the ledger that holds a run to its counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator
from dataclasses import dataclass, field, replace

from hostprocess.baseline.fingerprint import fingerprints_of
from hostprocess.evaluate import Decisions
from hostprocess.marker import hookimpl
from hostprocess.model import Decision, ExceptedBy, Outcome, Policy, Request

__all__ = ["BaselinePlugin", "Ledger"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselinePlugin:
    """Excepts, for the time being, the findings of which the baseline knows a fingerprint; with `everything` all of them. How many there may be is for
    the `Ledger`: a process sees only its part of the inputs."""

    path: str
    known: frozenset[str]
    everything: bool = False

    @hookimpl(wrapper=True)
    def evaluate_policy(self, policy: Policy, request: Request) -> Generator[None, Decisions, Decisions]:
        """Findings only; those that an exception covers need no baseline."""
        decisions = yield
        if not decisions.findings:
            return decisions
        return replace(decisions, findings=[self._covered(one, policy, request) for one in decisions.findings])

    def _covered(self, finding: Decision, policy: Policy, request: Request) -> Decision:
        if finding.outcome is Outcome.EXCEPTED:
            return finding
        keys = fingerprints_of(policy, finding, request)
        if not self.everything and self.known.isdisjoint(keys):
            return finding
        by = ExceptedBy(by="baseline", path=self.path, finding=finding, fingerprints=keys)
        return replace(finding, outcome=Outcome.EXCEPTED, actions=(), reason="", code=0, warnings=(), client_message="", excepted_by=by)


@dataclass(slots=True, kw_only=True)
class Ledger:
    """Settles, in the order of the inputs, which findings a baseline covers. `allowed` are its counts; with `everything` there is no end to them.

    `seen` counts what was found of the baseline, `new` the findings that are more than it holds.
    """

    allowed: Counter[str]
    everything: bool = False
    seen: Counter[str] = field(default_factory=Counter)
    new: int = 0

    def settle(self, decision: Decision) -> Decision:
        """A decision as it stands once the counts are kept: a finding is covered if each of its fingerprints is."""
        by = decision.excepted_by
        if by is None or by.by != "baseline" or by.finding is None:
            self.new += bool(decision.actions) or decision.outcome in (Outcome.ERROR, Outcome.UNKNOWN)
            return decision
        left = [key for key in by.fingerprints if self.everything or self.seen[key] < self.allowed[key]]
        self.seen.update(left)
        if len(left) == len(by.fingerprints):
            return decision
        self.new += 1
        return by.finding

    def gone(self, ran: Callable[[str], bool]) -> Counter[str]:
        """What the baseline holds and the run did not find, as far as the rule `ran`."""
        return Counter({key: count - self.seen[key] for key, count in self.allowed.items() if count > self.seen[key] and ran(key)})

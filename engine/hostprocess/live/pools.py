"""Judging for several containerd releases at once: a pod by the rules of each release on whose nodes it can run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from hostprocess.check import Decider
from hostprocess.evaluate import Decisions
from hostprocess.live.nodes import Pools
from hostprocess.model import Decision, Request

__all__ = ["PoolEvaluator"]


class PoolEvaluator:
    """An evaluator for each release of the pools, asked as one. What is found for some of the releases only says for which."""

    def __init__(self, pools: Pools, evaluators: Mapping[str, Decider]) -> None:
        self._pools = pools
        self._evaluators = evaluators
        self.inventory = next(iter(evaluators.values())).inventory

    def looks_up(self) -> frozenset[str]:
        """The kinds of the objects that the policies look up."""
        return frozenset().union(*(one.looks_up() for one in self._evaluators.values()))

    def decide(self, request: Request) -> Decisions:
        """What the policies of each release say about a request, each finding once."""
        resource = request.resource
        releases = self._pools.releases(resource.api_version, resource.kind, resource.object)
        several = {release: self._evaluators[release].decide(request) for release in releases}
        decided = next(reversed(several.values()))
        every = list(self._pools.nodes)
        if any(one.findings for one in several.values()):
            # What would be found on all nodes does not depend on the release.
            several = {release: several.get(release) or self._evaluators[release].decide(request) for release in every}
        found: dict[object, tuple[Decision, list[str]]] = {}
        for release, one in several.items():
            seen: Counter[object] = Counter()
            for decision in one.findings:
                # Validations have other numbers where others before them are left out; several of one release may look alike.
                key = (decision.policy, decision.binding, decision.rule, decision.outcome, decision.actions, decision.message, decision.fields)
                seen[key] += 1
                found.setdefault((key, seen[key]), (decision, []))[1].append(release)
        findings = [
            decision if held == every else self._told(decision, [one for one in held if one in releases])
            for decision, held in found.values()
            if set(held) & set(releases)
        ]
        return replace(decided, findings=findings, matched=any(one.matched for one in several.values()))

    def _told(self, decision: Decision, releases: list[str]) -> Decision:
        words = f"(for {self._pools.told(releases)})"
        client = f"{decision.client_message} {words}" if decision.client_message else ""
        return replace(decision, message=f"{decision.message} {words}".lstrip(), client_message=client)

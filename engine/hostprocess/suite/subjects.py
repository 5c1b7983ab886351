"""What suites are about: a rule of a pack, or policies in files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from hostprocess.cel.runtime import NEWEST
from hostprocess.compile import compile_pack, select_rules
from hostprocess.kubernetes.location import locate
from hostprocess.model import Binding, Decision, Origin, Policy, Rule, Targets
from hostprocess.rules import Pack
from hostprocess.suite.model import JSONObject

__all__ = ["PolicySubject", "RuleSubject"]

Compiled = tuple[Sequence[Policy], Sequence[Binding]]


@dataclass(frozen=True, slots=True, eq=False)
class RuleSubject:
    """One rule of a pack. Implements `Subject`."""

    pack: Pack
    rule: Rule
    objects: Sequence[JSONObject] = ()
    _compiled: dict[tuple[str, str], Compiled] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """The id of the rule."""
        return self.rule.id

    @property
    def kubernetes(self) -> str:
        """That of the pack."""
        return self.pack.kubernetes

    @property
    def containerd(self) -> str:
        """That of the pack."""
        return self.pack.containerd

    def compiled(self, kubernetes: str, containerd: str) -> Compiled:
        """See `Subject`."""
        key = (kubernetes, containerd)
        found = self._compiled.get(key)
        if found is None:
            targets = Targets(kubernetes=kubernetes, containerd=containerd)
            found = self._compiled[key] = compile_pack(self.pack, select_rules(self.pack, targets, select=[self.rule.id]), targets)
        return found

    def with_variables(self, kubernetes: str, containerd: str) -> Compiled:
        """See `Subject`: the variables of pack.yaml."""
        policies, bindings = self.compiled(kubernetes, containerd)
        return [replace(policy, variables=self.pack.variables) for policy in policies[:1]], bindings

    def concerns(self, decision: Decision) -> bool:
        """See `Subject`."""
        return decision.rule in (self.rule.id, "")

    def place(self, policy: Policy, index: int) -> tuple[str, int]:
        """See `Subject`."""
        return self.rule.path, _line_in_rule(self.rule, policy, index)


@dataclass(frozen=True, slots=True, eq=False)
class PolicySubject:
    """ValidatingAdmissionPolicies in files, or of several packs. Implements `Subject`."""

    name: str
    policies: Sequence[Policy]
    bindings: Sequence[Binding]
    objects: Sequence[JSONObject] = ()
    kubernetes: str = NEWEST
    containerd: str = ""
    rules: dict[str, Rule] = field(default_factory=dict)
    """Those of packs, by id: to say where a decision comes from."""

    def compiled(self, kubernetes: str, containerd: str) -> Compiled:
        """See `Subject`: the same for all releases."""
        return self.policies, self.bindings

    def with_variables(self, kubernetes: str, containerd: str) -> Compiled:
        """See `Subject`."""
        return self.policies, self.bindings

    def concerns(self, decision: Decision) -> bool:
        """See `Subject`: all are."""
        return True

    def place(self, policy: Policy, index: int) -> tuple[str, int]:
        """See `Subject`."""
        rule = self.rules.get(policy.validations[index].rule) if index >= 0 else None
        if rule:
            return rule.path, _line_in_rule(rule, policy, index)
        if policy.origin is None:
            return policy.path, 0
        steps = ("spec", "validations", index, "expression") if index >= 0 else ("metadata", "name")
        return policy.path, locate(policy.origin, steps).line


def _line_in_rule(rule: Rule, policy: Policy, index: int) -> int:
    """The line of a compiled validation in the file of its rule: a policy holds those of one severity and release only, so they have other numbers there."""
    steps: tuple[str | int, ...] = ("validations",)
    if index >= 0:
        compiled = policy.validations[index]
        for number, validation in enumerate(rule.validations):
            if compiled.message.endswith(f"] {validation.message}") and validation.expression in compiled.expression:
                steps = ("validations", number, "expression")
                break
    with open(rule.path, encoding="utf-8") as file:
        return locate(Origin(path=rule.path, text=file.read()), steps).line

"""Policies for tests that are written in Python: what they decide about an object, in one call."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from hostprocess.api import suite_workbench
from hostprocess.model import Decision, Outcome
from hostprocess.suite.expect import outcome_of
from hostprocess.suite.model import Case, Expected, Setting
from hostprocess.suite.run import Runner

__all__ = ["PolicyEngine", "Verdict"]

JSONObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What policies decide about one request."""

    outcome: Outcome
    decisions: tuple[Decision, ...]
    audit_annotations: Mapping[str, str]
    _trace: Callable[[], tuple[str, ...]]

    @property
    def trace(self) -> tuple[str, ...]:
        """How it came about, line by line."""
        return self._trace()

    @property
    def denied(self) -> bool:
        """Whether the API server refuses the request."""
        return any("Deny" in one.actions and one.outcome is not Outcome.UNKNOWN for one in self.decisions)

    @property
    def allowed(self) -> bool:
        """Whether a policy was asked and none had anything against it; not so where something was not given."""
        return self.outcome is Outcome.ALLOW

    @property
    def failing(self) -> tuple[Decision, ...]:
        """The decisions that neither allow nor skip."""
        return tuple(one for one in self.decisions if one.outcome not in (Outcome.ALLOW, Outcome.SKIP))

    @property
    def rules(self) -> tuple[str, ...]:
        """The rules that fail, each once; of ValidatingAdmissionPolicies `validations[0]` and the like."""
        return tuple(dict.fromkeys(one.rule or one.policy for one in self.failing))

    @property
    def messages(self) -> tuple[str, ...]:
        """What they say."""
        return tuple(one.message for one in self.failing)

    @property
    def warnings(self) -> tuple[str, ...]:
        """The texts of the Warning headers."""
        return tuple(text for one in self.failing for text in one.warnings)

    def __repr__(self) -> str:
        lines = [f"Verdict: {self.outcome}", *(f"{one.outcome} {one.rule or one.policy}: {one.message}" for one in self.decisions if one.message)]
        return "\n    ".join([*lines, *self.trace])


class PolicyEngine:
    """Policies made ready: rule packs, or files of ValidatingAdmissionPolicies; the built-in pack without `paths`.

    Arguments: `select` names the rules of packs that are judged by, `kubernetes` the release. Policies without a binding get one that denies.
    Raises `PolicyError` for policies that the API server would refuse.
    """

    def __init__(self, paths: Sequence[str] = (), *, select: Sequence[str] = (), kubernetes: str = "") -> None:
        bench = suite_workbench(paths, select=select, kubernetes=kubernetes)
        self._runner: Runner = bench.runner
        self._subject = bench.loader.default()
        self._runner.check(self._subject)

    def admit(
        self,
        value: JSONObject,
        *,
        operation: str = "",
        old_object: JSONObject | None = None,
        subresource: str = "",
        user_info: JSONObject | None = None,
        namespace: str | JSONObject = "",
        params: Sequence[JSONObject] | None = None,
        inventory: Sequence[JSONObject] = (),
        raw: bool = False,
    ) -> Verdict:
        """What the policies decide about a request for an object, as a case of a suite with these keys has it.

        `operation` is by default UPDATE with an `old_object`, else CREATE. Raises `InputError` for an object that the API server refuses by itself.
        """
        setting = Setting(
            operation=operation or ("CREATE" if old_object is None else "UPDATE"),
            old_object=old_object,
            subresource=subresource,
            user_info=user_info,
            namespace=namespace,
            params=None if params is None else tuple(params),
            inventory=tuple(inventory),
            raw=raw,
        )
        case = Case(name="admit", object=value, setting=setting, expected=Expected(outcome=Outcome.ALLOW), path="object", line=1)
        decided = self._runner.decide(self._subject, case)
        told = self._runner.told(self._subject, case, decided)
        return Verdict(outcome_of(told), told, decided.audit_annotations, partial(self._runner.trace, self._subject, case, told))

"""Our answers in the form in which the oracle gives its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hostprocess.admission import request_of_review
from hostprocess.authorization import authorizer_inputs
from hostprocess.cel.cpp import CppRuntime
from hostprocess.cel.runtime import CompileError
from hostprocess.cel.tree import TreeRuntime
from hostprocess.errors import HostprocessError
from hostprocess.evaluate import Evaluator
from hostprocess.inventory import Inventory
from hostprocess.model import Binding, Decision, Origin, Outcome, Policy, Resource
from hostprocess.policy import parse_binding, parse_policy

__all__ = ["Answer", "Judge", "resource"]

# As the command line has them: the C++ library for packs, with the last word of the tree, and the tree for all others.
RUNTIME = TreeRuntime()
FAST = CppRuntime()


def resource(value: Mapping[str, Any]) -> Resource:
    """An object as if it had been read."""
    return Resource(object=dict(value), origin=Origin(path="generated"))


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes of a request. `declined` says why our side gives no verdict: an unknown, which is none of the API server's answers."""

    allowed: bool
    denials: list[tuple[str, str, str, str, int]]
    warnings: list[str]
    annotations: dict[str, str]
    declined: str = ""


class Judge:
    """Policies and bindings, ready to judge AdmissionReviews."""

    def __init__(self, policies: Sequence[Policy], bindings: Sequence[Binding], inventory: Inventory, kubernetes: str) -> None:
        self.inventory = inventory
        self._evaluator = Evaluator(
            policies, bindings, FAST, inventory, show_all=True, foreign=RUNTIME, exact=RUNTIME, kubernetes=kubernetes, authorizer=authorizer_inputs(inventory)
        )

    @staticmethod
    def of(objects: Iterable[Mapping[str, Any]], inventory: Inventory, kubernetes: str) -> Judge:
        """From policy and binding objects. Raises `PolicyError` for one that the API server would not store."""
        read = [resource(one) for one in objects]
        policies = [parse_policy(one) for one in read if one.kind == "ValidatingAdmissionPolicy"]
        bindings = [parse_binding(one) for one in read if one.kind == "ValidatingAdmissionPolicyBinding"]
        return Judge(policies, bindings, inventory, kubernetes)

    def check(self) -> None:
        """Compiles everything. Raises `PolicyError`."""
        self._evaluator.check()

    def answer(self, review: Mapping[str, Any]) -> Answer:
        """What comes of the request that an AdmissionReview holds."""
        try:
            decisions = self._evaluator.decide(request_of_review(resource(review), self.inventory))
        except HostprocessError as error:
            return Answer(False, [], [], {}, f"{type(error).__name__}: {error}")
        return answer_of([*decisions.findings, *decisions.passed])


_TYPES = {"validation": ("bool",), "matchCondition": ("bool",), "message": ("string",), "audit": ("string", "null_type"), "variable": ()}


def compile_error(text: str, kind: str, variables: Mapping[str, str], has_params: bool, kubernetes: str) -> str:
    """Why an expression of a stored policy does not compile, in the API server's words; empty if it does."""
    declared = {"object", "oldObject", "request", "namespaceObject"} | ({"params"} if has_params else set()) | (set() if kind == "message" else {"authorizer"})
    if kind != "matchCondition":
        declared.add("variables")
    try:
        program = RUNTIME.compile(text, variables, frozenset(declared), kubernetes=kubernetes)
    except CompileError as error:
        return error.text
    wanted = _TYPES[kind]
    if wanted and program.result_type not in wanted:
        found = "" if kubernetes in ("1.30", "1.31") else f" but got {program.result_type}"
        return f"must evaluate to {wanted[0] if len(wanted) == 1 else 'one of [' + ' '.join(wanted) + ']'}{found}"
    return ""


def answer_of(decisions: Sequence[Decision]) -> Answer:
    """The decisions as the API server's response."""
    unknown = next((one.message for one in decisions if one.outcome is Outcome.UNKNOWN), "")
    denials = [(one.policy, one.binding, one.message, one.reason, one.code) for one in decisions if "Deny" in one.actions]
    annotations: dict[str, str] = {}
    for one in decisions:
        annotations.update(one.audit_annotations)
    warnings = [text for one in decisions for text in one.warnings]
    return Answer(not denials, sorted(denials), sorted(warnings), annotations, unknown)

"""A wrapper around each evaluation: in the namespaces `lab` and `lab-…` nothing is refused, it is only recorded."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace

from hostprocess import Outcome, hookimpl
from hostprocess.evaluate import Decisions
from hostprocess.model import Request

REFUSED = (Outcome.DENY, Outcome.WARN)


@hookimpl(wrapper=True)
def evaluate_policy(request: Request) -> Generator[None, Decisions, Decisions]:
    """Everything before `yield` runs before the policy, everything after it sees what was decided."""
    decisions = yield
    namespace = request.resource.namespace
    if namespace != "lab" and not namespace.startswith("lab-"):
        return decisions
    findings = [
        replace(one, outcome=Outcome.AUDIT, actions=("Audit",), message=f"{one.message} (in the lab: recorded only)", client_message="")
        if one.outcome in REFUSED
        else one
        for one in decisions.findings
    ]
    return replace(decisions, findings=findings)  # which keeps all else: counts, audit annotations

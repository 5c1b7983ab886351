"""Makes the decisions of one binding on one request: outcomes, messages, reasons, texts for the client.

Source: k8s.io/apiserver/pkg/admission/plugin/policy/validating/{validator,dispatcher}.go.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hostprocess.cel.runtime import CelError
from hostprocess.inventory import ConfigurationError
from hostprocess.model import Binding, Decision, Outcome, Request
from hostprocess.prepared import OUT_OF_BUDGET, PreparedPolicy, error_text
from hostprocess.responses import client_message, code_of, denial, warning

__all__ = ["OUTCOME_OF_ACTION", "DecisionMaker"]

OUTCOME_OF_ACTION = {"Deny": Outcome.DENY, "Warn": Outcome.WARN, "Audit": Outcome.AUDIT}
_ALWAYS_DENIES = ("Deny",)
_MAX_ANNOTATION = 10 * 1024  # bytes
_LIMITATION = {
    "timeout": "the evaluation took too long; allow more with --expression-timeout",
    "limitation": "the expression needs what this package cannot do",
}


class DecisionMaker:
    """Decisions of one binding of a policy on one request."""

    def __init__(self, prepared: PreparedPolicy, binding: Binding, request: Request) -> None:
        self._prepared = prepared
        self._policy = prepared.policy
        self._binding = binding
        self._request = request

    def passed(self, rule: str, outcome: Outcome, message: str) -> Decision:
        """A rule that allows the request or does not apply to it."""
        return Decision(policy=self._policy.name, binding=self._binding.name, rule=rule, outcome=outcome, message=message)

    def unknown(self, message: str, rule: str = "", index: int = -1) -> Decision:
        """Something that decides was not given. It counts whatever the failurePolicy."""
        return self._made(rule, Outcome.UNKNOWN, self._binding.validation_actions, message, index=index)

    def error(self, message: str, rule: str = "", index: int = -1) -> Decision:
        """An evaluation that failed: under failurePolicy Ignore nothing follows."""
        actions = self._binding.validation_actions if self._policy.failure_policy == "Fail" else ()
        return self._made(rule, Outcome.ERROR, actions, message, index=index)

    def out_of_budget(self) -> Decision:
        """A phase that cost too much: this one decision replaces all others."""
        return self.error(OUT_OF_BUDGET, index=0)

    def configuration_error(self, error: ConfigurationError) -> Decision:
        """A policy or binding that cannot be applied: it denies whatever the validationActions."""
        actions = _ALWAYS_DENIES if self._policy.failure_policy == "Fail" else ()
        return self._made("", Outcome.ERROR, actions, error.text, binding="" if error.of_policy else self._binding.name)

    def failed(self, index: int, value: Any, messages: Mapping[int, Any] | CelError, fields: Callable[[], tuple[str, ...]]) -> Decision:
        """A validation that is not true, or any once the messages have cost too much."""
        rule = self._prepared.rule_name(index)
        validation = self._policy.validations[index]
        if isinstance(value, CelError):
            if value.missing:
                return self.unknown(value.message, rule, index)
            if value.exhausted:
                return self.unknown(_given_up(value), rule, index)
            return self.error(error_text(validation.expression, value), rule, index)
        if isinstance(messages, CelError):
            return self.error(f"failed messageExpression: {OUT_OF_BUDGET}", rule, index)
        message = self._prepared.message(index, messages.get(index))
        if validation.rule:
            message = message.removeprefix(f"[{validation.rule}] ")
        actions = self._binding.validation_actions
        return self._made(rule, OUTCOME_OF_ACTION[actions[0]], actions, message, fields(), validation.reason, index)

    def annotate(self, annotations: Sequence[tuple[str, Any]], findings: list[Decision], published: dict[str, list[str]]) -> None:
        """Takes up the values of audit annotations: those to be published, and as findings those that fail."""
        for key, value in annotations:
            if isinstance(value, str):
                text = value.strip()
                if text:
                    cut = text.encode("utf-8", "surrogatepass")[:_MAX_ANNOTATION].decode("utf-8", "ignore")
                    published.setdefault(f"{self._policy.name}/{key}", []).append(cut)
            elif isinstance(value, CelError):
                findings.append(self._failed_annotation(key, value))

    def _failed_annotation(self, key: str, error: CelError) -> Decision:
        rule = f"auditAnnotations[{key}]"
        if error.missing or error.exhausted:
            # That an annotation is not known denies nothing: only an error could.
            return self._made(rule, Outcome.UNKNOWN, (), error.message if error.missing else _given_up(error))
        expression = next(one.value_expression for one in self._policy.audit_annotations if one.key == key)
        actions = _ALWAYS_DENIES if self._policy.failure_policy == "Fail" else ()
        return self._made(rule, Outcome.ERROR, actions, error_text(expression, error))

    def _made(
        self,
        rule: str,
        outcome: Outcome,
        actions: tuple[str, ...],
        message: str,
        fields: tuple[str, ...] = (),
        reason: str = "",
        index: int = -1,
        binding: str | None = None,
    ) -> Decision:
        policy, bound = self._policy.name, self._binding.name if binding is None else binding
        certain = outcome is not Outcome.UNKNOWN and bool(actions)
        reason = (reason or "Invalid") if certain else ""
        told = ""
        if certain and not self._policy.of_pack:
            told = client_message(self._request, reason, denial(policy, bound, message)) if "Deny" in actions else ""
            if "Warn" in actions:
                told = f"Warning: {warning(policy, bound, message)}"
        return Decision(
            policy=policy,
            binding=bound,
            rule=rule,
            outcome=outcome,
            actions=actions,
            message=message,
            fields=fields,
            reason=reason,
            code=code_of(reason) if certain and "Deny" in actions else 0,
            warnings=(warning(policy, bound, message),) if certain and "Warn" in actions else (),
            client_message=told,
            index=index,
        )


def _given_up(error: CelError) -> str:
    if "Iteration budget exceeded" in error.message:
        return "the expression needs more steps than this runtime allows; try --runtime celpy"
    return f"{_LIMITATION.get(error.kind, '')}: {error.message}" if error.kind in _LIMITATION else error.message

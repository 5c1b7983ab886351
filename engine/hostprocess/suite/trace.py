"""How decisions came about, as text: the expressions with the value of each part, and where they stand."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hostprocess.cel.runtime import CelError, CompileError
from hostprocess.cel.shown import shown
from hostprocess.cel.trace import NOT_EVALUATED, Traced, Tracer
from hostprocess.context import Phase
from hostprocess.evaluate import Situation
from hostprocess.model import Decision, Outcome, Resource, Unknown
from hostprocess.prepared import PreparedPolicy
from hostprocess.suite.model import Subject

__all__ = ["Trace", "trace_lines", "value_lines"]

_LONGEST_TEXT = 160
_LONGEST_VALUE = 100
_DEEPEST = 8  # levels of parts: what lies deeper is rarely read
_MOST = 3  # expressions that are shown of one decision


@dataclass(frozen=True, slots=True)
class Trace:
    """What was decided about a resource, and how that came about, line by line."""

    resource: Resource
    decisions: tuple[Decision, ...]
    lines: tuple[str, ...]


def trace_lines(subject: Subject, situations: Iterable[Situation], decisions: Sequence[Decision], wanted: Callable[[str], bool]) -> list[str]:
    """How decisions came about.

    Failing validations are shown; where nothing failed, those that passed and whose message is `wanted`; where nothing applied, the condition that said no.
    """
    tracer = Tracer()
    lines: list[str] = []
    for situation in situations:
        own = [one for one in decisions if one.policy == situation.prepared.policy.name and one.binding == situation.binding.name]
        if own and not situation.match.reason and not situation.match.unknown:
            for line in _situation(subject, tracer, situation, own, wanted):
                lines += line
    return lines


def value_lines(situation: Situation, variable: str, expression: str) -> list[str]:
    """How the value of an expression came about; of a variable the expression that it is."""
    prepared, tracer = situation.prepared, Tracer()
    variables, declared, kubernetes = prepared.scope
    text = variables[variable] if variable else expression
    activation = situation.context.validations().activation(tracer, prepared.policy.name)
    try:
        return [line.removeprefix("  ") for line in _lines(tracer.trace(text, variables, declared, activation, kubernetes=kubernetes))]
    except CompileError:
        return []


def _situation(subject: Subject, tracer: Tracer, situation: Situation, decisions: Sequence[Decision], wanted: Callable[[str], bool]) -> Iterator[list[str]]:
    prepared, context = situation.prepared, situation.context
    condition = _condition(tracer, situation)
    if condition:
        yield condition
        return
    failing = dict.fromkeys(one.index for one in decisions if one.index >= 0)
    if failing:
        for index in list(failing)[:_MOST]:
            validation = prepared.policy.validations[index]
            text = validation.body if validation.when else validation.expression
            yield _traced(subject, tracer, prepared, index, text, context.validations())
        return
    if any(one.outcome not in (Outcome.SKIP, Outcome.ALLOW) for one in decisions):
        return
    validations = prepared.policy.validations
    skipped = {one.rule for one in decisions if one.outcome is Outcome.SKIP}
    for index, validation in enumerate(validations):
        if validation.when and validation.rule in skipped:
            yield _traced(subject, tracer, prepared, index, validation.when, context.validations())
            return
    passed = {one.rule for one in decisions}
    indexes = [index for index in range(len(validations)) if prepared.rule_name(index) in passed]
    for index in ([index for index in indexes if wanted(prepared.message(index, None))] or indexes)[:_MOST]:
        validation = validations[index]
        yield _traced(subject, tracer, prepared, index, validation.body if validation.when else validation.expression, context.validations())


def _condition(tracer: Tracer, situation: Situation) -> list[str]:
    """The matchCondition because of which the policy was not asked; nothing if all are true."""
    prepared = situation.prepared
    applies = prepared.applies(situation.context)
    for condition in prepared.policy.match_conditions if not applies.hold else ():
        _, declared, kubernetes = prepared.scope
        phase = situation.context.conditions()
        try:
            found = tracer.trace(condition.expression, {}, declared - {"variables"}, phase.activation(tracer, prepared.policy.name), kubernetes=kubernetes)
        except CompileError:
            continue
        if found.value is not True and (not applies.false or applies.false == condition.name):
            return [f"matchCondition {condition.name!r} of {prepared.policy.name}", *_lines(found)]
    return []


def _traced(subject: Subject, tracer: Tracer, prepared: PreparedPolicy, index: int, text: str, phase: Phase) -> list[str]:
    variables, declared, kubernetes = prepared.scope
    path, line = subject.place(prepared.policy, index)
    head = f"{path}:{line}: {prepared.rule_name(index)}" if line else f"{path}: {prepared.rule_name(index)}"
    try:
        found = tracer.trace(text, variables, declared, phase.activation(tracer, prepared.policy.name), kubernetes=kubernetes)
    except CompileError as error:
        return [head, f"  does not compile: {error.message}"]
    return [head, *_lines(found)]


def _lines(traced: Traced) -> list[str]:
    return [f"  {line}" for line in _part(traced, 0)]


def _part(traced: Traced, depth: int) -> Iterator[str]:
    indent = "  " * depth
    text = traced.text if depth == 0 else _cut(traced.text, _LONGEST_TEXT)
    if traced.value is NOT_EVALUATED:
        yield f"{indent}(not evaluated) {text}"
        return
    yield f"{indent}{_value(traced.value)} = {text}"
    if depth >= _DEEPEST:
        return
    for part in traced.parts:
        yield from _part(part, depth + 1)
    for one in traced.rounds:
        if one.variables:
            yield f"{indent}  with {', '.join(f'{name} = {_value(value)}' for name, value in one.variables.items())}:"
        yield from _part(one.body, depth + 2)


def _value(value: Any) -> str:
    if isinstance(value, CelError):
        return f"unknown ({value.message})" if value.missing else f"error ({value.message})"
    if isinstance(value, Unknown):
        return f"unknown ({value.what})"
    return _cut(_text(value), _LONGEST_VALUE)


def _text(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, default=_default)
    except (TypeError, ValueError):
        return shown(value)


def _default(value: Any) -> str:
    return f"unknown: {value.what}" if isinstance(value, Unknown) else shown(value)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"

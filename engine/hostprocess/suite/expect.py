"""What a case expects against what came."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import re2  # type: ignore[import-untyped]

from hostprocess.cel.runtime import CelError
from hostprocess.cel.shown import shown
from hostprocess.model import Decision, Outcome, Unknown
from hostprocess.suite.model import Expected, ExpectedValue, MessageCount

__all__ = ["decision_problems", "outcome_of", "same", "value_problem"]

_STRENGTH = (Outcome.SKIP, Outcome.ALLOW, Outcome.EXCEPTED, Outcome.AUDIT, Outcome.WARN, Outcome.DENY, Outcome.UNKNOWN, Outcome.ERROR)
_PASSES = (Outcome.ALLOW, Outcome.SKIP)


def outcome_of(decisions: Sequence[Decision]) -> Outcome:
    """What several decisions come to: the strongest of them; nothing is a skip."""
    return max((one.outcome for one in decisions), key=_STRENGTH.index, default=Outcome.SKIP)


def decision_problems(expected: Expected, decisions: Sequence[Decision], audit_annotations: Mapping[str, str]) -> tuple[str, ...]:
    """What is not as expected. A wrong outcome is told alone: the rest follows from it."""
    outcome = outcome_of(decisions)
    if outcome is not expected.outcome and outcome not in expected.also:
        return (f"expected {expected.outcome}, got {outcome}",)
    return tuple(_details(expected, decisions, audit_annotations))


def value_problem(expected: ExpectedValue, value: Any) -> str:
    """How the value of an expression is not as expected; empty if it is."""
    name = expected.variable or "the expression"
    if isinstance(value, CelError):
        if expected.error is not None and expected.error in value.message:
            return ""
        wanted = f"an error with {expected.error!r}" if expected.error is not None else told(expected.value)
        return f"expected {wanted}, got {'unknown' if value.missing else 'the error'}: {value.message}"
    if expected.error is not None:
        return f"expected an error with {expected.error!r}, but {name} is {told(value)}"
    return "" if same(value, expected.value) else f"expected {told(expected.value)}, but {name} is {told(value)}"


def same(value: Any, expected: Any) -> bool:
    """Whether a CEL value is what YAML writes so. Types that YAML has not are compared as text; 1 and 1.0 are the same, 1 and true are not."""
    if isinstance(expected, bool) or isinstance(value, bool) or expected is None or value is None:
        return value is expected
    if isinstance(value, Unknown):
        return False
    if isinstance(value, dict) and isinstance(expected, dict):
        return value.keys() == expected.keys() and all(same(one, expected[key]) for key, one in value.items())
    if isinstance(value, list) and isinstance(expected, list):
        return len(value) == len(expected) and all(map(same, value, expected))
    if isinstance(value, dict | list):
        return False
    if isinstance(value, int | float):
        return isinstance(expected, int | float) and value == expected
    return bool((value if isinstance(value, str) else shown(value)) == expected)


def told(value: Any) -> str:
    """A value as CEL would write it, roughly, in one line."""
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, Unknown):
        return f"unknown ({value.what})" if value.what else "unknown"
    if isinstance(value, str):
        return repr(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{told(key)}: {told(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(told, value))}]"
    return repr(value) if isinstance(value, float) else str(int(value)) if isinstance(value, int) else shown(value)


def _details(expected: Expected, decisions: Sequence[Decision], audit_annotations: Mapping[str, str]) -> Iterator[str]:
    failing = [one for one in decisions if one.outcome not in _PASSES]
    if expected.message is not None and not any(expected.message in one.message for one in decisions):
        yield f"no message holds {expected.message!r}"
    pattern = expected.message_matches
    if pattern is not None and not any(re2.search(pattern, one.message) for one in decisions):
        yield f"no message matches {pattern!r}"
    if expected.rules is not None:
        yield from _rule_problems(expected.rules, failing)
    if expected.failures is not None and len(failing) != expected.failures:
        yield f"expected {expected.failures} failing validations, got {len(failing)}"
    for one in expected.messages:
        yield from _count_problems(one, failing)
    if expected.field is not None and not any(one.fields[:1] == (expected.field,) for one in failing):
        yield f"no finding points at {expected.field}"
    if expected.fields is not None and not any(one.fields == expected.fields for one in failing):
        yield f"no finding names exactly the fields {', '.join(expected.fields)}"
    if expected.warnings is not None:
        yield from _warning_problems(expected.warnings, [text for one in failing for text in one.warnings])
    for key, wanted in (expected.audit_annotations or {}).items():
        yield from _annotation_problems(key, wanted, audit_annotations)


def _count_problems(wanted: MessageCount, failing: Sequence[Decision]) -> Iterator[str]:
    found = sum(re2.search(wanted.matches, one.message) is not None for one in failing)
    if wanted.count is None and not found:
        yield f"no message of a failing validation matches {wanted.matches!r}"
    elif wanted.count is not None and found != wanted.count:
        yield f"expected {wanted.count} failing validations with a message that matches {wanted.matches!r}, got {found}"


def _rule_problems(wanted: Sequence[str], failing: Sequence[Decision]) -> Iterator[str]:
    missing = [name for name in wanted if not any(name in _names(one) for one in failing)]
    others = dict.fromkeys(_names(one)[0] for one in failing if not set(_names(one)) & set(wanted))
    if missing:
        yield f"expected {', '.join(missing)} to fail"
    if others:
        yield f"{', '.join(others)} failed too"


def _names(decision: Decision) -> tuple[str, ...]:
    """What a failing rule may be called: by its id, or by the place of a validation, alone and behind the name of its policy."""
    return (decision.rule, f"{decision.policy}/{decision.rule}", decision.policy) if decision.rule else (decision.policy,)


def _warning_problems(wanted: Sequence[str], given: list[str]) -> Iterator[str]:
    left = list(given)
    for text in wanted:
        found = next((one for one in left if text in one), None)
        if found is None:
            yield f"no warning holds {text!r}"
        else:
            left.remove(found)
    yield from (f"there is another warning: {text}" for text in left)


def _annotation_problems(key: str, wanted: str | None, given: Mapping[str, str]) -> Iterator[str]:
    """A key may leave out the policy that audit annotations are published under."""
    found = [value for name, value in given.items() if name == key or name.partition("/")[2] == key]
    if wanted is None:
        yield from (f"the audit annotation {key} is {value!r}" for value in found)
    elif wanted not in found:
        yield f"the audit annotation {key} is {', '.join(map(repr, found))}, not {wanted!r}" if found else f"there is no audit annotation {key}"

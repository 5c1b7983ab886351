"""What a rule means, for the person it stopped; and which rule an error message of a node belongs to."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from hostprocess.errors import UsageError, suggestion
from hostprocess.model import Range, Rule
from hostprocess.rules import Advice, Pack

if TYPE_CHECKING:
    from hostprocess.suite.native import Case

__all__ = ["Explanation", "explain_rule", "find_symptom"]

_MIN_SHARE = 0.6  # of the words of a symptom that a message must hold to be taken for it
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Explanation:
    """A rule with an example that fails it and one that passes, as YAML; empty where its suite has none."""

    rule: Rule
    failing: str
    passing: str


def explain_rule(pack: Pack, name: str) -> Explanation:
    """Explains one rule. Raises `UsageError` for one that does not exist."""
    rule = next((one for one in pack.rules if one.id == name), None)
    if rule is None:
        raise UsageError(f"there is no rule {name!r}" + (suggestion(name, (one.id for one in pack.rules)) or "; `hostprocess rules` lists them"))
    from hostprocess.suite.native import load_suite  # loads what runs suites

    cases = load_suite(pack, rule).cases
    return Explanation(rule, _example(cases, ("deny", "warn", "audit")), _example(cases, ("allow",)))


def find_symptom(pack: Pack, text: str) -> list[Rule | Advice]:
    """The rules and pieces of advice that explain an error message: those it holds, or is part of; else those it shares most words with."""
    wanted = _folded(text)
    if not wanted:
        raise UsageError("give the error message, or a part of it")
    known: list[Rule | Advice] = [*pack.rules, *pack.advice]
    exact = [one for one in known if any(_folded(symptom) in wanted or wanted in _folded(symptom) for symptom in _symptoms(one))]
    if exact:
        return exact
    shares = [(max((_share(symptom, wanted) for symptom in _symptoms(one)), default=0.0), one) for one in known]
    best = max((share for share, _ in shares), default=0.0)
    return [one for share, one in shares if share == best and share >= _MIN_SHARE]


def applies_to(releases: Range, what: str) -> str:
    """A range in words: `Kubernetes 1.22 and newer`; empty for every release."""
    if releases.since and releases.before:
        return f"{what} {releases.since} and newer, before {releases.before}"
    if releases.since:
        return f"{what} {releases.since} and newer"
    return f"{what} before {releases.before}" if releases.before else ""


def _symptoms(one: Rule | Advice) -> Iterable[str]:
    messages = [validation.message for validation in one.validations] if isinstance(one, Rule) and one.evidence == "apiserver" else []
    return [*one.symptoms, *messages]


def _folded(text: str) -> str:
    return " ".join(text.lower().split())


def _share(symptom: str, wanted: str) -> float:
    words = set(_WORD.findall(symptom.lower()))
    return len(words & set(_WORD.findall(wanted))) / len(words) if words else 0.0


def _example(cases: Iterable[Case], expected: tuple[str, ...]) -> str:
    for case in cases:
        if case.raw.get("expect") in expected and "wrap" not in case.raw:
            return _yaml(case.object)
    return ""


def _yaml(value: Any) -> str:
    text: str = yaml.dump(value, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=False, width=120)
    return text

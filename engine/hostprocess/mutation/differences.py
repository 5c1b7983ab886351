"""What a mutant makes of compiled policies: the expressions that differ, or that more does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from hostprocess.model import Binding, Policy

__all__ = ["Compiled", "Difference", "Differences", "differences"]

Compiled = tuple[Sequence[Policy], Sequence[Binding]]


@dataclass(frozen=True, slots=True)
class Difference:
    """An expression of the policy of that number. `kind` is `condition`, `variable`, `when`, `validation`, `whole`, `elements`, `message`, `annotation`."""

    policy: int
    kind: str
    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Differences:
    """All of them; `expressions` is None where more than expressions differs."""

    expressions: tuple[Difference, ...] | None

    @property
    def nothing(self) -> bool:
        """Whether the policies are the same."""
        return self.expressions == ()

    @property
    def only_variables(self) -> bool:
        """Whether nothing but variables differs."""
        return bool(self.expressions) and all(one.kind == "variable" for one in self.expressions or ())


def differences(before: Compiled, after: Compiled) -> Differences:
    """Compares what was compiled."""
    if len(before[0]) != len(after[0]) or list(before[1]) != list(after[1]):
        return Differences(None)
    found: list[Difference] = []
    for number, (old, new) in enumerate(zip(before[0], after[0], strict=True)):
        if old is new:
            continue
        if not _alike(old, new):
            return Differences(None)
        found += _expressions(number, old, new)
    return Differences(tuple(found))


def _alike(old: Policy, new: Policy) -> bool:
    """Whether two policies are the same but for expressions."""
    counts = ("validations", "variables", "match_conditions", "audit_annotations")
    if any(len(getattr(old, one)) != len(getattr(new, one)) for one in counts):
        return False
    if replace(old, **dict.fromkeys(counts, ())) != replace(new, **dict.fromkeys(counts, ())):  # type: ignore[arg-type]
        return False
    same_names = all(one.name == other.name for one, other in zip(old.variables, new.variables, strict=True))
    return same_names and all(_same_validation(one, other) for one, other in zip(old.validations, new.validations, strict=True))


def _same_validation(one: object, other: object) -> bool:
    return all(getattr(one, name) == getattr(other, name) for name in ("message", "reason", "rule", "paths"))


def _expressions(number: int, old: Policy, new: Policy) -> Iterator[Difference]:
    for condition, changed in zip(old.match_conditions, new.match_conditions, strict=True):
        if condition.expression != changed.expression:
            yield Difference(number, "condition", condition.name, condition.expression, changed.expression)
    for variable, other in zip(old.variables, new.variables, strict=True):
        if variable.expression != other.expression:
            yield Difference(number, "variable", variable.name, variable.expression, other.expression)
    for index, (one, another) in enumerate(zip(old.validations, new.validations, strict=True)):
        if one.when != another.when:
            yield Difference(number, "when", str(index), one.when, another.when)
        if one.body != another.body:
            yield Difference(number, "validation", str(index), one.body, another.body)
        if one.expression != another.expression:
            # Where there is a body, the whole expression says no more than it and `when` do.
            yield Difference(number, "whole" if one.body else "validation", str(index), one.expression, another.expression)
        if one.message_expression != another.message_expression:
            yield Difference(number, "message", str(index), one.message_expression, another.message_expression)
        if one.elements != another.elements:
            before, after = (each.elements.expression if each.elements else "" for each in (one, another))
            yield Difference(number, "elements", str(index), before, after)
    for annotation, changed_one in zip(old.audit_annotations, new.audit_annotations, strict=True):
        if annotation.value_expression != changed_one.value_expression:
            yield Difference(number, "annotation", annotation.key, annotation.value_expression, changed_one.value_expression)

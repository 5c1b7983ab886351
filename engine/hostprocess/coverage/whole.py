"""The coverage of a run, of what its files, and processes, have covered."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace

from hostprocess.cel.marks import EVALUATED, FALSE, TRUE
from hostprocess.coverage.model import Coverage, Expression, Part, Unit, Unreachable, merged
from hostprocess.errors import HostprocessError, PolicyError
from hostprocess.model import Rule
from hostprocess.rules import Pack, load_pack, suite_path

__all__ = ["whole"]

_MARKS = {"true": TRUE, "false": FALSE}


def whole(units: Iterable[Unit], unreachable: Iterable[Unreachable] = (), partial: str = "") -> Coverage:
    """All of it, but for what suites say is unreachable.

    What a pack shares counts once the suites of all its rules have run, and then those rules count too that have none.
    """
    found = list(merged(units))
    faults: list[PolicyError] = []
    for one in dict.fromkeys(unreachable):
        fault = _leave_out(found, one)
        if fault:
            faults.append(PolicyError(f"unreachable: {fault}", path=one.path, line=one.line))
    notes: list[str] = []
    for shared in [one for one in found if one.kind == "pack"]:
        tested = {one.path for one in found if one.kind == "rule" and one.pack == shared.pack}
        rules = _rules(shared.pack)
        if any(rule.path not in tested for rule in rules if os.path.exists(suite_path(rule))):
            found.remove(shared)
            notes.append(f"{shared.path}: what the rules share counts where the suites of all of them are run")
            continue
        for rule in rules:
            if rule.path not in tested:
                found.append(_untested(rule, shared.pack))
                notes.append(f"{rule.path}: there is no suite of this rule")
    return Coverage(tuple(found), partial, tuple(notes), tuple(faults))


def _leave_out(units: list[Unit], one: Unreachable) -> str:
    """Takes from `units` what is unreachable; or says what is wrong with that."""
    wanted = " ".join(one.part.split())
    known = contradicted = done = False
    for number, unit in enumerate(units):
        if unit.path not in one.files:
            continue
        known = True
        expressions = []
        for expression in unit.expressions:
            marks: dict[Part, int] = {}
            for part in expression.parts:
                if " ".join(expression.text[part.start : part.end].split()) != wanted:
                    continue
                if one.never == "evaluated" and not part.seen:
                    within = [other for other in expression.parts if part.start <= other.start and other.end <= part.end and not other.seen]
                    marks |= dict.fromkeys(within, TRUE | FALSE | EVALUATED)
                elif one.never != "evaluated" and part.boolean and not part.seen & _MARKS[one.never]:
                    marks[part] = marks.get(part, 0) | _MARKS[one.never]
                else:
                    contradicted = contradicted or part.boolean or one.never == "evaluated"
            done = done or bool(marks)
            parts = tuple(replace(part, unreachable=part.unreachable | marks[part]) if part in marks else part for part in expression.parts)
            expressions.append(replace(expression, parts=parts))
        units[number] = replace(unit, expressions=tuple(expressions))
    if done or not known:
        return ""
    if contradicted:
        return f"{wanted!r} is {'evaluated' if one.never == 'evaluated' else one.never} in a case: take it off the list"
    return f"there is no part {wanted!r} that could be {one.never} in what the suite is about"


def _rules(folder: str) -> list[Rule]:
    try:
        pack: Pack = load_pack(folder)
    except HostprocessError:
        return []
    return [rule for rule in pack.rules if rule.status != "retired"]


def _untested(rule: Rule, folder: str) -> Unit:
    return Unit("rule", rule.id, rule.path, tuple(_expressions(rule)), pack=folder)


def _expressions(rule: Rule) -> Iterator[Expression]:
    yield Expression("when", "when", ("when",), rule.when, (_unseen(rule.when, True),))
    for number, one in enumerate(rule.validations):
        yield Expression("validation", f"validations[{number}]", ("validations", number, "expression"), one.expression, (_unseen(one.expression, True),))
        if text := one.message_expression:
            yield Expression("messageExpression", f"validations[{number}]", ("validations", number, "messageExpression"), text, (_unseen(text, False),))


def _unseen(text: str, boolean: bool) -> Part:
    return Part(0, len(text), boolean, whole=True)

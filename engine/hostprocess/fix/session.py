"""Fixes one piece of a file, a YAML document or an item of a List: proposes edits, makes them, judges again, and takes back what does harm."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hostprocess.admission import is_review
from hostprocess.check import Judge
from hostprocess.errors import InputError
from hostprocess.fix.guards import Guards
from hostprocess.fix.lines import Lines
from hostprocess.fix.values import patched
from hostprocess.kubernetes import yaml_text
from hostprocess.kubernetes.fields import Steps, format_path, parse_path
from hostprocess.kubernetes.kinds import template_path
from hostprocess.kubernetes.location import locate
from hostprocess.kubernetes.reader import Piece, read_piece
from hostprocess.kubernetes.yaml_edit import CannotEdit, Change, Edit, YamlEditor
from hostprocess.model import Decision, Fix, InputProblem, Outcome, Policy, Request, Resource, Rule

__all__ = ["Fixed", "Fixer", "Told", "edits_of", "fixes_of"]

_FINDINGS = (Outcome.DENY, Outcome.WARN, Outcome.AUDIT)
_ROUNDS = 100  # each makes one edit in each mapping at least; no rule removes that many fields of one
Key = tuple[str, int]
Known = Mapping[Key, tuple[Rule, Fix]]


@dataclass(frozen=True, slots=True)
class Told:
    """A finding that was fixed, or is not for a `reason`, at a field of a file."""

    rule: str
    path: str
    line: int
    column: int
    field: str
    reason: str = ""


@dataclass(slots=True)
class Fixed:
    """What became of lines. `withheld` have a fix that is not safe; `refused` say why they were not fixed; `remaining` counts the findings that are left."""

    lines: Lines
    applied: list[Told] = field(default_factory=list)
    withheld: list[Told] = field(default_factory=list)
    refused: list[Told] = field(default_factory=list)
    remaining: int = 0
    problems: list[InputProblem] = field(default_factory=list)


def fixes_of(policies: Iterable[Policy], rules: Iterable[Rule]) -> Known:
    """The fixes of the validations of policies: by the policy's name and the number of the validation in it."""
    by_id = {rule.id: rule for rule in rules}
    known = {}
    for policy in policies:
        for index, validation in enumerate(policy.validations):
            rule = by_id.get(validation.rule)
            if rule and (fix := rule.validations[validation.number].fix):
                known[policy.name, index] = rule, fix
    return known


def edits_of(resource: Resource, decision: Decision, fix: Fix) -> list[Edit]:
    """What a fix does about a finding: an edit at each field that it names, or at the fix's own path."""
    if fix.path:
        root: Steps = template_path(resource.api_version, resource.kind) or ()
        return [Edit(fix.op, (*root, *parse_path(fix.path)), fix.value)]
    return [Edit(fix.op, parse_path(text), fix.value) for text in decision.fields]


@dataclass(slots=True)
class _One:
    """A resource and what is said about it. `request` is None where it is not judged."""

    resource: Resource
    request: Request | None
    findings: list[Decision]
    problems: list[InputProblem]
    doubted: frozenset[tuple[str, str]] | None = None

    @property
    def counts(self) -> Counter[Key]:
        """How many fields each validation that failed speaks about."""
        return Counter({(one.policy, one.index): max(len(one.fields), 1) for one in self.findings if one.outcome is not Outcome.UNKNOWN})


@dataclass(slots=True)
class _State:
    """A text on its way: `done` are the edits of each resource by their rule, `refused` the reasons by resource, rule and field."""

    lines: Lines
    resources: list[_One]
    done: dict[int, dict[str, list[str]]] = field(default_factory=dict)
    refused: dict[tuple[int, str, str], str] = field(default_factory=dict)


Allowed = Callable[[int, str], bool]


class Fixer:
    """Fixes texts.

    Arguments: `judge` says what is wrong with a resource; `known` are the fixes; `guards` say which of them are not safe for a request; `unsafe` lets
    those in, too; `chosen` says which rules' findings are fixed at all.
    """

    def __init__(self, judge: Judge, known: Known, guards: Guards, *, unsafe: bool, chosen: Callable[[str], bool]) -> None:
        self._judge = judge
        self._known = known
        self._guards = guards
        self._unsafe = unsafe
        self._chosen = chosen

    def fix(self, piece: Piece, lines: Lines, as_json: bool = False) -> Fixed:
        """Fixes the text of a piece that `read_piece` takes, of which these are the lines; nothing that cannot be read, or is not better afterwards."""
        _, path, document, line, _, *listed = piece
        session = _Session(self, lambda new: read_piece("yaml", path, document, line, new, *listed, check=not self._judge.presents), as_json)
        return session.run(lines)

    def judged(self, resource: Resource) -> _One:
        """A resource with what policies find."""
        if is_review(resource):
            return _One(resource, None, [], [])
        request, problems = self._judge.request(resource)
        findings = self._judge.evaluator.decide(request).findings if request is not None else []
        return _One(resource, request, list(findings), [one for one in problems if not one.note])

    def proposals(self, one: _One, *, withheld: bool = False) -> list[tuple[str, Key, Edit]]:
        """The edits that would fix findings, of those that may be made, or of those that are `withheld`: rule, validation, edit."""
        if one.request is None:
            return []
        found = [(decision, *self._known[key]) for decision in one.findings if (key := (decision.policy, decision.index)) in self._known]
        found = [(decision, rule, fix) for decision, rule, fix in found if decision.outcome in _FINDINGS and self._chosen(rule.id)]
        if one.doubted is None and any(fix.safe_if for _, _, fix in found):
            one.doubted = self._guards.unsafe(one.request)
        doubted = one.doubted or frozenset()
        proposed = []
        for decision, rule, fix in found:
            safe = fix.safe and not (fix.safe_if and ((rule.id, fix.safe_if) in doubted or ("", "") in doubted))
            if (safe or self._unsafe) is withheld:
                continue
            proposed += [(rule.id, (decision.policy, decision.index), edit) for edit in edits_of(one.resource, decision, fix)]
        return proposed

    @property
    def goes_on(self) -> bool:
        """Whether findings that a fix brought about may be fixed in the same run: a safe run touches only what was wrong at its start."""
        return self._unsafe


class _Session:
    def __init__(self, fixer: Fixer, read: Callable[[str], Iterable[Resource | InputProblem]], as_json: bool) -> None:
        self._fixer = fixer
        self._read = read
        self._json = as_json

    def run(self, lines: Lines) -> Fixed:
        read = list(self._read(lines.plain))
        problems = [one for one in read if isinstance(one, InputProblem) and not one.note]
        start = [self._fixer.judged(one) for one in read if isinstance(one, Resource)]
        problems += [problem for one in start for problem in one.problems]
        if any(isinstance(one, InputProblem) and not one.note for one in read):
            return Fixed(lines, remaining=_remaining(start), problems=problems)
        fixed = Fixed(lines, problems=problems)
        resources = [one.resource for one in start]
        # What did harm may do none once the rest is fixed: again, until nothing happens, so that a second run has nothing to do.
        while True:
            before = fixed.lines
            state = self._improved(before, start)
            self._tell(fixed, resources, state)
            if state.lines == before:
                return fixed
            start = state.resources

    def _improved(self, lines: Lines, start: list[_One]) -> _State:
        """All that can be fixed without harm, of what is found at the start."""
        blocked: dict[int, dict[str, str]] = {}
        state = self._attempt(lines, start, lambda index, rule: True)
        for index in self._harmed(start, state):
            blocked[index] = self._sorted_out(lines, start, index, list(state.done[index]))
        while blocked:
            state = self._attempt(lines, start, lambda index, rule: rule not in blocked.get(index, {}))
            harmed = self._harmed(start, state)
            if not harmed:
                break
            for index in harmed:
                blocked.setdefault(index, {}).update(dict.fromkeys(state.done[index], _harm(start[index], state.resources[index])))
        for index, rules in blocked.items():
            for rule, reason in rules.items():
                for _, _, edit in self._of(start[index], rule):
                    state.refused[index, rule, format_path(edit.steps)] = reason
        return state

    def _of(self, one: _One, rule: str) -> list[tuple[str, Key, Edit]]:
        return [proposal for proposal in self._fixer.proposals(one) if proposal[0] == rule]

    def _sorted_out(self, lines: Lines, start: list[_One], index: int, rules: Sequence[str]) -> dict[str, str]:
        """The rules whose fixes do harm to a resource, and which. Some fixes are only right together, so those that were wrong are tried again."""
        kept: list[str] = []
        wrong: dict[str, str] = {}
        for rule in (*rules, *rules):
            if rule in kept:
                continue
            tried = self._attempt(lines, start, lambda at, name: at == index and name in (*kept, rule))  # noqa: B023 - called in this turn only
            if self._harmed(start, tried):
                wrong[rule] = _harm(start[index], tried.resources[index])
            else:
                kept.append(rule)
                wrong.pop(rule, None)
        return wrong

    def _harmed(self, start: list[_One], state: _State) -> list[int]:
        """The resources that are worse than they were at the start."""
        return [index for index in state.done if _harm(start[index], state.resources[index])]

    def _attempt(self, lines: Lines, start: list[_One], allowed: Allowed) -> _State:
        """Makes edits until no more are proposed."""
        state = _State(lines, list(start))
        for _ in range(_ROUNDS):
            wanted = [
                (index, rule, edit)
                for index, one in enumerate(state.resources)
                for rule, key, edit in self._fixer.proposals(one)
                if allowed(index, rule) and (self._fixer.goes_on or key in start[index].counts) and (index, rule, format_path(edit.steps)) not in state.refused
            ]
            if not wanted or not self._make(state, wanted):
                break
        return state

    def _make(self, state: _State, wanted: Sequence[tuple[int, str, Edit]]) -> bool:
        """Makes the edits that can be made at once; whether anything has happened. What cannot be made is refused with its reason."""
        editor = YamlEditor(state.lines.plain, self._json)
        made: list[tuple[int, str, Edit, Change]] = []
        known: set[tuple[str, Steps]] = set()
        taken = _Taken()
        refused = len(state.refused)
        for index, rule, edit in wanted:
            inside = Edit(edit.op, state.resources[index].resource.origin.steps + edit.steps, edit.value)
            if (inside.op, inside.steps) in known:
                continue  # two findings want the same; if it is not made, both come again
            try:
                change = editor.change(inside)
            except CannotEdit as error:
                state.refused[index, rule, format_path(edit.steps)] = str(error)
                continue
            if taken.take(change):
                made.append((index, rule, inside, change))
                known.add((inside.op, inside.steps))
                state.done.setdefault(index, {}).setdefault(rule, []).append(format_path(edit.steps))
        if made and not self._take(state, [edit for _, _, edit, _ in made], [change for _, _, _, change in made], {index for index, _, _, _ in made}):
            # One of them is not what it should be: one by one tells which.
            for index, rule, edit, _ in made:
                try:
                    right = self._take(state, [edit], [YamlEditor(state.lines.plain, self._json).change(edit)], {index})
                except CannotEdit:
                    right = False
                if not right:
                    steps = format_path(edit.steps[len(state.resources[index].resource.origin.steps) :])
                    state.done[index][rule].remove(steps)
                    state.refused[index, rule, steps] = "the way it is written leaves no place for a small change; change it by hand"
        return bool(made) or len(state.refused) > refused

    def _take(self, state: _State, edits: Sequence[Edit], changes: Sequence[Change], touched: set[int]) -> bool:
        """Makes changes if the text then says what the edits mean, and nothing else."""
        lines = state.lines.spliced([splice for change in changes for splice in change.splices])
        text = lines.plain
        try:
            before, after = ([value for value, _ in yaml_text.load(one)] for one in (state.lines.plain, text))
            meant = patched(before[0], edits)
        except (InputError, KeyError, IndexError, TypeError):
            return False
        if len(before) != 1 or _canonical([meant]) != _canonical(after):
            return False
        read = [one for one in self._read(text) if isinstance(one, Resource)]
        if len(read) != len(state.resources):
            return False
        state.lines = lines
        for index, resource in enumerate(read):
            if index in touched:
                state.resources[index] = self._fixer.judged(resource)
            else:
                state.resources[index].resource = resource
        return True

    def _tell(self, fixed: Fixed, resources: list[Resource], state: _State) -> None:
        """Takes up a state: what was done comes to what there is, and all else is as it is now. Places are those at the start of all, in `resources`."""
        fixed.lines, fixed.remaining = state.lines, _remaining(state.resources)
        for index, rules in state.done.items():
            fixed.applied += [_tell(resources[index], rule, name) for rule, fields in rules.items() for name in dict.fromkeys(fields)]
        fixed.refused = [_tell(resources[index], rule, name, reason) for (index, rule, name), reason in state.refused.items()]
        withheld = {
            (index, rule, format_path(edit.steps)): None
            for index, one in enumerate(state.resources)
            for rule, _, edit in self._fixer.proposals(one, withheld=True)
        }
        fixed.withheld = [_tell(resources[index], rule, name) for index, rule, name in withheld]


class _Taken:
    """The changes that are made together: none in the same collection as another, and none that overlaps or touches another."""

    def __init__(self) -> None:
        self._places: set[int] = set()
        self._spans: list[tuple[int, int]] = []

    def take(self, change: Change) -> bool:
        """Whether the change can be made with the others."""
        start, end = change.span
        at = bisect_right(self._spans, (start, end))
        before, behind = self._spans[at - 1 : at], self._spans[at : at + 1]
        if change.place in self._places or (before and before[0][1] >= start) or (behind and behind[0][0] <= end):
            return False
        self._places.add(change.place)
        self._spans.insert(at, (start, end))
        return True


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True)  # unlike ==, tells true from 1


def _harm(before: _One, after: _One) -> str:
    """Why a resource is worse than it was; empty if it is not."""
    if after.request is None:
        return f"the API server would refuse it: {after.problems[0].message if after.problems else 'it could not be judged'}"
    worse = [key for key, count in after.counts.items() if count > before.counts.get(key, 0)]
    if not worse:
        return ""
    names = dict.fromkeys(one.rule for one in after.findings if (one.policy, one.index) in worse)
    return f"it would bring about {', '.join(names)}"


def _remaining(resources: Iterable[_One]) -> int:
    return sum(decision.outcome in _FINDINGS for one in resources for decision in one.findings)


def _tell(resource: Resource, rule: str, name: str, reason: str = "") -> Told:
    place = locate(resource.origin, parse_path(name))
    return Told(rule=rule, path=resource.origin.path, line=place.line, column=place.column, field=name, reason=reason)

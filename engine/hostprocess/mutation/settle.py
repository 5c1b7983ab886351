"""What is to be said of a survivor: that it is no fault at all, with the proof, or a case that would kill it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from hostprocess.cel.runtime import CompileError
from hostprocess.errors import InputError, PolicyError
from hostprocess.evaluate import Decisions
from hostprocess.model import Decision, Outcome
from hostprocess.mutation.bench import Bench, Group, Version, Versions
from hostprocess.mutation.folding import same_tree
from hostprocess.mutation.generate import Samples
from hostprocess.mutation.model import Mutant
from hostprocess.mutation.write import case_yaml
from hostprocess.suite.expect import outcome_of
from hostprocess.suite.model import Case, JSONObject

__all__ = ["GENERATED", "Settler"]

GENERATED = 10_000
"""How many generated objects have to come out the same for a mutant to be taken for no fault."""
_MAX_DECIDED = 200  # generated objects in which something has another value, and all comes out the same
_KEPT = frozenset({"apiVersion", "kind", "metadata", "name"})  # without them it is hard to read
_SKIPS = (Outcome.ALLOW, Outcome.SKIP)


class Settler:
    """Looks into survivors of one bench."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._samples: dict[int, Samples] = {}

    def settle(self, mutants: Sequence[Mutant], groups: Sequence[Group]) -> list[tuple[str, str]]:
        """For each mutant a proof that it is equivalent, or a case that would kill it; both empty where neither was found."""
        found: dict[int, tuple[str, str]] = {}
        share = -(-GENERATED // max(1, len(groups)))
        counts = dict.fromkeys(range(len(mutants)), 0)
        decided = dict.fromkeys(range(len(mutants)), 0)
        with self._bench.runtime.forgetting():
            for group in groups:
                versions = {number: Versions(group.subject, mutants[number].edit(group.subject)) for number in counts if number not in found}
                for number, one in versions.items():
                    if _same(one.of((group.subject.kubernetes, group.subject.containerd))):
                        found[number] = "the same tree after folding", ""
                for number, case in self._searched(group, {at: one for at, one in versions.items() if at not in found}, share, decided):
                    found[number] = "", case
                for number in versions:
                    counts[number] += share if group.trials else 0
        self._bench.runtime.forget_stand_ins()
        for number, count in counts.items():
            if number not in found:
                found[number] = (f"the same verdict on {count:,} generated objects" if count >= GENERATED else ""), ""
        return [found[number] for number in range(len(mutants))]

    def _searched(self, group: Group, versions: dict[int, Versions], share: int, decided: dict[int, int]) -> Iterator[tuple[int, str]]:
        """The mutants that generated objects tell apart, with a case; with none those that cannot be told to be the same."""
        left = {number: one for number, one in versions.items() if not self._same_everywhere(group, one)}
        errors: dict[int, str] = {}
        for sample in self._of(group).first(share):
            if not left:
                break
            trial = sample.made()
            for number, one in list(left.items()):
                try:
                    version = one.of(trial.key)
                    if version.differences.nothing or not self._bench.infects(version, trial):
                        continue
                    decided[number] += 1
                    found = self._told(group, version, sample.case())
                    case = self._written(group, version, sample.case()) if found else ""
                except (CompileError, PolicyError, InputError):
                    found, case = None, ""
                    decided[number] = _MAX_DECIDED + 1
                if found and outcome_of(found[2]) in (Outcome.ERROR, Outcome.UNKNOWN) and decided[number] <= _MAX_DECIDED:
                    errors.setdefault(number, case)  # a case of an object that can be judged says more
                elif found or decided[number] > _MAX_DECIDED:
                    del left[number]
                    yield number, case or errors.pop(number, "")
        yield from ((number, case) for number, case in errors.items() if number in left)

    def _same_everywhere(self, group: Group, versions: Versions) -> bool:
        return all(versions.of(key).differences.nothing for key in {one.key for one in group.trials})

    def _of(self, group: Group) -> Samples:
        found = self._samples.get(id(group))
        if found is None:
            policies, _ = group.subject.compiled(group.subject.kubernetes, group.subject.containerd)
            texts = [text for policy in policies for text in (*(one.expression for one in policy.validations), *(one.expression for one in policy.variables))]
            self._samples = {id(group): Samples(group.trials, texts, group.subject.name)}
            found = self._samples[id(group)]
        return found

    def _told(self, group: Group, version: Version, case: Case) -> tuple[Decisions, Decisions, tuple[Decision, ...], tuple[Decision, ...]] | None:
        """What the two decide of a case, if that differs."""
        try:
            trial = self._bench.trial(group.subject, case)
        except InputError:
            return None
        if trial is None:
            return None
        other = self._bench.decide(version, trial)
        told = self._bench.runner.told(version.subject, case, other)
        return (trial.base, other, trial.told, told) if _verdict(trial.told) != _verdict(told) else None

    def _written(self, group: Group, version: Version, case: Case) -> str:
        """The smallest case that still tells the two apart, with the same outcome."""
        whole = self._told(group, version, case)
        outcome = outcome_of(whole[2]) if whole else None
        smaller = True
        while smaller:
            smaller = False
            for value in _smaller(case.object):
                less = replace(case, object=value)
                found = self._told(group, version, less)
                if found is not None and outcome_of(found[2]) is outcome:
                    case, smaller = less, True
                    break
        last = self._told(group, version, case)
        return case_yaml(case, last[2], last[3]) if last else ""


def _same(version: Version) -> bool:
    found = version.differences.expressions
    return bool(found) and all(same_tree(one.before, one.after) for one in found or ())


def _verdict(told: Sequence[Decision]) -> tuple[Any, ...]:
    return outcome_of(told), sorted((one.rule, str(one.outcome), one.message, one.fields, one.warnings) for one in told if one.outcome not in _SKIPS)


def _smaller(value: JSONObject) -> Iterator[JSONObject]:
    """The object without one of its fields, the largest first."""
    for key in value:
        if key not in _KEPT:
            yield {name: other for name, other in value.items() if name != key}
    for key, one in value.items():
        if isinstance(one, dict):
            yield from ({**value, key: less} for less in _smaller(one))
        elif isinstance(one, list):
            for index, item in enumerate(one):
                yield {**value, key: [*one[:index], *one[index + 1 :]]}
                if isinstance(item, dict):
                    yield from ({**value, key: [*one[:index], less, *one[index + 1 :]]} for less in _smaller(item))

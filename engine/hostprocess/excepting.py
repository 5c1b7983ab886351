"""Exceptions and a baseline for one run: what wraps its evaluations, what settles its results, and what is told at its end."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from hostprocess.baseline.file import decoded, read_baseline, write_baseline
from hostprocess.baseline.fingerprint import Fingerprint
from hostprocess.baseline.wrapper import BaselinePlugin, Ledger
from hostprocess.errors import InputError, UsageError
from hostprocess.exceptions.load import KnownRules, load_waivers
from hostprocess.exceptions.usage import Usage
from hostprocess.exceptions.wrapper import AnnotationReview, ExceptionsPlugin, rules_of
from hostprocess.model import InputProblem, Policy, Result
from hostprocess.rules import Pack, built_in_folder, load_pack

__all__ = ["NOTICE", "TODAY", "Excepting", "ExceptingOptions", "day_told", "excepting", "known_rules", "today"]

NOTICE = 14
"""How many days before its end an exception is told of."""
TODAY = "HOSTPROCESS_TODAY"
"""The environment variable that says, as 2026-12-31, on which day exceptions are judged; every run that it decides tells so."""
_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptingOptions:
    """What a run is asked for: see `RunArguments` of the API."""

    exceptions: str = ""
    annotations: bool = False
    notice: int = NOTICE
    today: date | None = None
    baseline: str = ""
    write: bool = False
    force: bool = False


@dataclass(slots=True, kw_only=True)
class Excepting:
    """What a run does about exceptions and its baseline. `plugins` can be sent to other processes; the rest stays in the one that collects results."""

    wanted: ExceptingOptions
    packs: Sequence[Pack]
    active: frozenset[str]
    policies: frozenset[str]
    plugins: tuple[object, ...]
    review: AnnotationReview | None
    usage: Usage | None
    ledger: Ledger | None

    def settle(self, result: Result) -> Result:
        """A result as it stands once all that came before it is known."""
        decision = self.ledger.settle(result.decision) if self.ledger else result.decision
        if self.usage and decision.excepted_by:
            self.usage.count(decision.excepted_by)
        if self.usage and decision.excepted_by and decision.excepted_by.finding and decision.excepted_by.finding.excepted_by:
            self.usage.count(decision.excepted_by.finding.excepted_by)
        return result if decision is result.decision else replace(result, decision=decision)

    def finish(self, problems: Sequence[InputProblem], whole: bool) -> list[InputProblem]:
        """The problems of the run with what else is worth a mention; writes the baseline, if that is wanted. `whole`: see `Usage.notes`."""
        failed = any(not problem.note for problem in problems)
        own = {os.path.normpath(path) for path in (self.wanted.exceptions, self.wanted.baseline) if path}
        # That these are no manifests is no news.
        notes = [problem for problem in problems if not problem.note or os.path.normpath(problem.path) not in own]
        if self.usage:
            notes += self.usage.notes(whole and not failed)
        if self.ledger:
            notes += self._baseline(self.ledger, failed, whole)
        return notes

    def _baseline(self, ledger: Ledger, failed: bool, whole: bool) -> Iterator[InputProblem]:
        path, gone = self.wanted.baseline, ledger.gone(self._ran)
        if failed:
            if self.wanted.write:
                yield InputProblem(path=path, message="the baseline was not written: not all inputs could be read", note=True)
            return
        if not self.wanted.write:
            if gone and whole:
                yield InputProblem(
                    path=path, message=f"{_count(gone)} of the baseline {_are(gone)} gone: {_named(gone)}; --write-baseline removes them", note=True
                )
            return
        counts = ledger.allowed - gone
        if ledger.everything:
            kept = Counter({key: count for key, count in ledger.allowed.items() if not self._ran(key)})
            counts = ledger.seen + kept
        if counts != ledger.allowed or not os.path.exists(path):
            try:
                write_baseline(path, counts)
            except InputError as error:  # what was found is reported all the same
                yield InputProblem(path=error.path, message=error.message)
                return
        if ledger.everything:
            yield InputProblem(path=path, message=f"the baseline holds {_count(counts)} now", note=True)
            return
        if gone:
            yield InputProblem(path=path, message=f"{_count(gone)} {_are(gone)} gone, and removed from the baseline: {_named(gone)}", note=True)
        if ledger.new:
            message = f"{ledger.new:,} new finding{'s were' if ledger.new > 1 else ' was'} not added to the baseline, which only shrinks; --force adds them"
            yield InputProblem(path=path, message=message, note=True)

    def _ran(self, key: str) -> bool:
        """Whether the rule of a fingerprint was part of the run, or is nowhere any more."""
        rule = decoded(key).rule.partition("/")[0]
        return rule in self.active or rule in self.policies or not any(rule == one.id for pack in self.packs for one in pack.rules)


def excepting(wanted: ExceptingOptions, policies: Sequence[Policy], packs: Sequence[Pack]) -> Excepting | None:
    """What a run does about exceptions and its baseline; None if nothing is wanted. Raises `InputError` and `PolicyError` for files that are not valid."""
    if not wanted.exceptions and not wanted.annotations and not wanted.baseline:
        if wanted.write or wanted.force:
            raise UsageError("--write-baseline and --force are for --baseline FILE")
        return None
    if wanted.force and not wanted.write:
        raise UsageError("--force is for --write-baseline")
    active = frozenset(rule for policy in policies for rule in rules_of(policy))
    plugins: list[object] = []
    review: AnnotationReview | None = None
    usage: Usage | None = None
    ledger: Ledger | None = None
    if wanted.exceptions or wanted.annotations:
        day = today(wanted.today)
        known = known_rules(policies, packs)
        waivers = load_waivers(wanted.exceptions, known) if wanted.exceptions else ()
        if waivers or wanted.annotations:
            plugins.append(ExceptionsPlugin(waivers=waivers, today=day, annotations=wanted.annotations))
        usage = Usage(waivers=waivers, active=active, today=day, notice=wanted.notice)
        if wanted.annotations:
            review = AnnotationReview(active=active, known=frozenset(known.names))
    if wanted.baseline:
        new = wanted.write and not os.path.lexists(wanted.baseline)
        allowed = Counter() if new else read_baseline(wanted.baseline)
        ledger = Ledger(allowed=allowed, everything=wanted.write and (new or wanted.force))
        plugins.append(BaselinePlugin(path=wanted.baseline, known=frozenset(allowed), everything=ledger.everything))
    return Excepting(
        wanted=wanted,
        packs=packs,
        active=active,
        policies=frozenset(policy.name for policy in policies),
        plugins=tuple(plugins),
        review=review,
        usage=usage,
        ledger=ledger,
    )


def known_rules(policies: Sequence[Policy], packs: Sequence[Pack]) -> KnownRules:
    """The rules that exceptions may name in a run: those of its packs, its other policies, and the built-in rules."""
    folder = built_in_folder()
    every = [*packs] if any(os.path.realpath(pack.folder) == os.path.realpath(folder) for pack in packs) else [*packs, load_pack(folder)]
    rules = [rule for pack in every for rule in pack.rules]
    names: Collection[str] = {rule.id for rule in rules if rule.status != "retired"} | {policy.name for policy in policies if not policy.of_pack}
    return KnownRules(names=sorted(names), retired={rule.id: rule.replaced_by for rule in rules if rule.status == "retired"})


def today(given: date | None = None) -> date:
    """The day on which exceptions are judged: `given`, or that of the environment variable, or the current one in UTC. Raises `UsageError`."""
    text = os.environ.get(TODAY, "")
    if given is not None or not text:
        return given or datetime.now(UTC).date()
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{TODAY}={text!r} is not a day; write it as YYYY-MM-DD") from None
    return found


def day_told(given: date | None = None) -> str:
    """What is told where the environment variable decides the day; empty where it does not."""
    return "" if given is not None or not os.environ.get(TODAY) else f"exceptions are judged as on {today()}: {TODAY} is set"


def _count(counts: Counter[str]) -> str:
    number = counts.total()
    return f"{number:,} finding{'' if number == 1 else 's'}"


def _are(counts: Counter[str]) -> str:
    return "is" if counts.total() == 1 else "are"


def _named(counts: Counter[str]) -> str:
    shown = [_finding(decoded(key)) for key in sorted(counts)[:_SHOWN]]
    more = len(counts) - len(shown)
    return ", ".join(shown) + (f" and {more:,} more" if more > 0 else "")


def _finding(one: Fingerprint) -> str:
    name = f"{one.namespace}/{one.name}" if one.namespace else one.name
    return f"{one.rule} of {one.kind} {name}"

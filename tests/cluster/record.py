"""What a run on one release found: counts of the requests compared, who decided for each rule, known differences, latency. Kept in `.cluster/results`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from decided import Answer, Decider, Difference
from known import Known, load_known
from kube_client import Json
from suite_requests import SuiteRequest
from suite_run import Compared

__all__ = ["Record"]

_AGREES, _KNOWN, _DIFFERS, _BEFORE = "agree", "known differences", "differ", "refused before policies"


@dataclass(slots=True)
class Record:
    """One release. `parts` holds the counts of each part of the run, `rules` how often each of those that decide decided about a request of that rule."""

    minor: str
    version: str = ""
    parts: dict[str, Counter[str]] = field(default_factory=dict)
    rules: dict[str, Counter[str]] = field(default_factory=dict)
    latency: dict[str, dict[str, float]] = field(default_factory=dict)
    not_brought: dict[str, str] = field(default_factory=dict)
    known: Sequence[Known] = ()

    def __post_init__(self) -> None:
        self.known = load_known(self.minor)

    def count(self, part: str, compared: Iterable[Compared]) -> list[Difference]:
        """Counts the requests of a part, and gives the differences that are not known."""
        unknown: list[Difference] = []
        for one in compared:
            unknown += self.count_one(part, one.answer, one.differences)
        return unknown

    def count_one(self, part: str, answer: Answer, differences: Sequence[Difference]) -> list[Difference]:
        """Counts one request, and gives its differences that are not known."""
        counts = self.parts.setdefault(part, Counter())
        entries = [self._entry(difference) for difference in differences]
        unknown = [difference for difference, entry in zip(differences, entries, strict=True) if entry is None]
        if unknown:
            counts[_DIFFERS] += 1
        elif differences:
            counts[_KNOWN] += 1
            for entry in {id(entry): entry for entry in entries if entry}.values():
                entry.cases += 1
        elif answer.decider in (Decider.POLICIES, Decider.DECODING):
            counts[_AGREES] += 1
        else:
            counts[_BEFORE] += 1
        return unknown

    def type_faults(self, found: Mapping[str, Sequence[Json]]) -> list[Difference]:
        """What the type check of policies (by name) warned of, without what is known."""
        unknown = []
        for policy, warnings in found.items():
            errors = [part for one in warnings for part in one["warning"].split("ERROR: ")[1:]]
            differences = [Difference("type check", error, "nothing to warn of", policy) for error in errors]
            # What is no list of errors of the compiler is no known fault either.
            differences += [Difference("type check", one, "nothing to warn of", policy) for one in warnings if "ERROR: " not in one["warning"]]
            entries = [self._entry(difference) for difference in differences]
            unknown += [difference for difference, entry in zip(differences, entries, strict=True) if entry is None]
            for entry in {id(entry): entry for entry in entries if entry}.values():
                entry.cases += 1
        return unknown

    def decided(self, rule: str, answer: Answer) -> None:
        """Notes who decided about a request that is there for a rule."""
        self.rules.setdefault(rule, Counter())[answer.verdict] += 1

    def _entry(self, difference: Difference) -> Known | None:
        return next((one for one in self.known if one.covers(difference)), None)

    def missing(self, requests: Iterable[tuple[SuiteRequest, str]]) -> None:
        """Notes requests that could not be made, each with the reason."""
        self.not_brought |= {f"{one.rule}: {one.name}": why.partition(":")[0] for one, why in requests}

    def agreeing(self, part: str) -> int:
        """The requests of a part on which both say the same, those that policies did not see left out."""
        return self.parts.get(part, Counter())[_AGREES]

    def plain(self) -> dict[str, Any]:
        """As YAML holds it."""
        return {
            "version": self.version,
            "requests": {name: dict(counts) for name, counts in sorted(self.parts.items())},
            "not brought": dict(sorted(Counter(self.not_brought.values()).items())),
            "known differences": [{"reason": one.reason, "cases": one.cases} for one in self.known if one.cases],
            "rules": {name: dict(sorted(counts.items())) for name, counts in sorted(self.rules.items())},
            "latency": self.latency,
        }

    def write(self, folder: Path) -> None:
        """Writes `<minor>.yaml`."""
        folder.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump(self.plain(), sort_keys=False, allow_unicode=True, width=160)
        (folder / f"{self.minor}.yaml").write_text(text, "utf-8")

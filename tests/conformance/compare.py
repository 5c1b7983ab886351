"""What a run counts and keeps: cases, agreements, differences, and which differences are known."""

from __future__ import annotations

import dataclasses
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

__all__ = ["Difference", "Known", "Tally", "first_difference", "load_known", "reduced", "shown"]

_KEYS = frozenset({"part", "minors", "field", "oracle", "ours", "where", "reason"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One disagreement: `part` and `feature` say where in the run, `field` which compared field, `reproduction` all that is needed to see it again."""

    part: str
    feature: str
    minor: str
    field: str
    oracle: Any
    ours: Any
    reproduction: Any

    def __str__(self) -> str:
        lines = [f"{self.part} / {self.feature} on {self.minor}: {self.field}"]
        lines += [f"    API server: {shown(self.oracle)}", f"    hostprocess: {shown(self.ours)}"]
        return "\n".join([*lines, f"    reproduction: {shown(self.reproduction, 6000)}"])


@dataclass(slots=True)
class Known:
    """An entry of known_differences.yaml: patterns (`re.search`, on JSON text) that a difference must meet, all of them, and why it stands."""

    part: str
    reason: str
    minors: tuple[str, ...] = ()
    field: str = ""
    oracle: str = ""
    ours: str = ""
    where: str = ""
    uses: Counter[str] = dataclasses.field(default_factory=Counter)

    def covers(self, one: Difference) -> bool:
        """Whether the entry is about this difference."""
        if one.part != self.part or (self.minors and one.minor not in self.minors):
            return False
        texts = ((self.field, one.field), (self.oracle, shown(one.oracle, 0)), (self.ours, shown(one.ours, 0)), (self.where, shown(one.reproduction, 0)))
        return all(not pattern or re.search(pattern, text, re.DOTALL) for pattern, text in texts)


@dataclass(slots=True)
class Tally:
    """Counts by (part, feature, minor), and the differences that no entry covers."""

    known: Sequence[Known] = ()
    cases: Counter[tuple[str, str, str]] = dataclasses.field(default_factory=Counter)
    agreements: Counter[tuple[str, str, str]] = dataclasses.field(default_factory=Counter)
    accepted: Counter[tuple[str, str, str]] = dataclasses.field(default_factory=Counter)
    apart: Counter[tuple[str, str, str]] = dataclasses.field(default_factory=Counter)
    differences: list[Difference] = dataclasses.field(default_factory=list)
    figures: dict[str, Any] = dataclasses.field(default_factory=dict)

    def agree(self, part: str, feature: str, minor: str) -> None:
        """Counts a case on which both say the same."""
        self.cases[part, feature, minor] += 1
        self.agreements[part, feature, minor] += 1

    def set_apart(self, part: str, feature: str, minor: str) -> None:
        """Counts a case that our side declines, and says so: neither an agreement nor a difference."""
        self.apart[part, feature, minor] += 1

    def differ(self, part: str, feature: str, minor: str, found: Iterable[tuple[str, Any, Any, Any]]) -> list[Difference]:
        """Counts a case by what was `found` (field, the API server's, ours, reproduction), nothing being an agreement; gives back the unknown ones."""
        differences = [
            Difference(part=part, feature=feature, minor=minor, field=name, oracle=theirs, ours=ours, reproduction=how) for name, theirs, ours, how in found
        ]
        if not differences:
            self.agree(part, feature, minor)
            return []
        self.cases[part, feature, minor] += 1
        unknown = []
        for one in differences:
            entry = next((entry for entry in self.known if entry.covers(one)), None)
            if entry:
                entry.uses[one.minor] += 1
            else:
                unknown.append(one)
        if not unknown:
            self.accepted[part, feature, minor] += 1
        self.differences += unknown
        return unknown

    def replace_last(self, found: Sequence[tuple[str, Any, Any, Any]]) -> None:
        """Puts a smaller reproduction in the place of the last difference."""
        last = self.differences[-1]
        for name, theirs, ours, how in found[:1]:
            self.differences[-1] = dataclasses.replace(last, field=name, oracle=theirs, ours=ours, reproduction=how)

    def compared(self, part: str, minor: str) -> int:
        """How many cases of a part were compared for a minor."""
        return sum(count for (name, _, release), count in self.cases.items() if (name, release) == (part, minor))


def load_known(path: Path) -> list[Known]:
    """The entries of known_differences.yaml. Raises ValueError for one that is not sound."""
    entries = []
    for index, raw in enumerate(yaml.safe_load(path.read_text("utf-8")) or []):
        if not isinstance(raw, dict) or raw.keys() - _KEYS or not raw.get("part") or not raw.get("reason"):
            raise ValueError(f"{path.name}, entry {index}: expected part, reason and any of {', '.join(sorted(_KEYS))}; got {raw}")
        if not (raw.get("oracle") or raw.get("ours") or raw.get("where")):
            raise ValueError(f"{path.name}, entry {index}: covers too much: say what it is about with oracle, ours or where")
        entries.append(Known(**{**raw, "minors": tuple(map(str, raw.get("minors", ())))}))
    return entries


def shown(value: Any, limit: int = 1500) -> str:
    """A value as JSON text, cut at `limit` characters; 0 is no limit."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, default=repr)
    return text if not limit or len(text) <= limit else f"{text[:limit]}… ({len(text)} characters)"


def first_difference(theirs: Any, ours: Any, path: str = "") -> tuple[str, Any, Any] | None:
    """Where two JSON values first differ; a bool is no number, 1 is not 1.0."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for key in sorted(theirs.keys() | ours.keys()):
            if key not in theirs or key not in ours:
                return f"{path}.{key}", theirs.get(key, "(absent)"), ours.get(key, "(absent)")
            if found := first_difference(theirs[key], ours[key], f"{path}.{key}"):
                return found
        return None
    if isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        for index, pair in enumerate(zip(theirs, ours, strict=True)):
            if found := first_difference(*pair, f"{path}[{index}]"):
                return found
        return None
    return None if type(theirs) is type(ours) and theirs == ours else (path or ".", theirs, ours)


def reduced(value: Any, differs: Callable[[Any], bool], attempts: int = 300) -> Any:
    """A smaller value for which `differs` still holds: keys and elements are left out one by one, as long as there are attempts."""
    left = attempts
    again = True
    while again and left > 0:
        again = False
        for smaller in _smaller(value):
            left -= 1
            if left < 0:
                break
            if differs(smaller):
                value, again = smaller, True
                break
    return value


def _smaller(value: Any) -> Iterable[Any]:
    if isinstance(value, Mapping):
        for key in value:
            yield {name: one for name, one in value.items() if name != key}
        for key, one in value.items():
            for smaller in _smaller(one):
                yield {**value, key: smaller}
    elif isinstance(value, list):
        for index in range(len(value)):
            yield value[:index] + value[index + 1 :]
        for index, one in enumerate(value):
            for smaller in _smaller(one):
                yield [*value[:index], smaller, *value[index + 1 :]]
    elif isinstance(value, str) and len(value) > 40:
        yield value[: len(value) // 2]
        yield value[len(value) // 2 :]

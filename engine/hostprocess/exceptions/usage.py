"""Which exceptions a run needed, and what is told about them at its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import date

from hostprocess.exceptions.model import Waiver
from hostprocess.model import ExceptedBy, InputProblem

__all__ = ["Usage"]


@dataclass(slots=True, kw_only=True)
class Usage:
    """Counts the findings that each exception covers. `active` are the names of the rules of the run; `notice` is how many days before its end an
    exception is told of."""

    waivers: tuple[Waiver, ...]
    active: Collection[str]
    today: date
    notice: int
    counts: Counter[int] = field(default_factory=Counter)

    def count(self, cover: ExceptedBy) -> None:
        """Takes notice of a finding that an exception covers, or did before it expired."""
        if cover.by == "exception":
            self.counts[cover.line] += 1

    def notes(self, whole: bool) -> Iterator[InputProblem]:
        """What is worth a mention; `whole` says whether all inputs were seen, so that what was not needed is not needed at all."""
        for waiver in self.waivers:
            if text := self._note(waiver, whole):
                yield InputProblem(path=waiver.path, message=f"the exception from {', '.join(waiver.rules)} {text}", line=waiver.line, note=True)

    def _note(self, waiver: Waiver, whole: bool) -> str:
        needless = whole and not self.counts[waiver.line] and waiver.names(self.active)
        if waiver.expires is not None and waiver.expired(self.today):
            return f"expired on {waiver.expires}" + (", and nothing needs it: remove it" if needless else "")
        if needless:
            return "is unused: all inputs were read, and none has a finding that it covers; remove it"
        if waiver.expires is not None and (left := (waiver.expires - self.today).days) <= self.notice:
            when = "today" if not left else "tomorrow" if left == 1 else f"in {left} days"
            return f"expires {when}, on {waiver.expires}: renew it, or mend what it covers"
        return ""

"""What mutation testing is about: mutants, and what came of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from hostprocess.errors import HostprocessError
from hostprocess.suite.model import Subject

__all__ = ["Edit", "Fate", "FileReport", "Mutant", "MutationReport", "Result"]

Edit = Callable[[Subject], Subject]
"""Gives what a suite is about with the fault in it."""


class Fate(StrEnum):
    """What became of a mutant."""

    KILLED = "killed"
    SURVIVED = "survived"
    EQUIVALENT = "equivalent"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One small fault: its kind, what was done in words, and the lines of the file that it changes. `slot` names what was changed."""

    operator: str
    words: str
    path: str
    line: int
    before: tuple[str, ...]
    after: tuple[str, ...]
    slot: str
    edit: Edit = field(repr=False, compare=False)

    @property
    def id(self) -> str:
        """What `-k` looks at."""
        return f"{self.path}:{self.line}::{self.slot}::{self.operator}::{self.words}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one mutant. `by` is the case that killed it; `proof` says why it is equivalent; `case` is one that would kill a survivor, as YAML."""

    operator: str
    words: str
    path: str
    line: int
    before: tuple[str, ...]
    after: tuple[str, ...]
    fate: Fate
    by: str = ""
    proof: str = ""
    case: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileReport:
    """What became of the mutants of one file."""

    path: str
    results: tuple[Result, ...] = ()
    errors: tuple[HostprocessError, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class MutationReport:
    """What a run came to."""

    files: list[FileReport] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def results(self) -> list[Result]:
        """All mutants, in order."""
        return [one for file in self.files for one in file.results]

    @property
    def errors(self) -> list[HostprocessError]:
        """What is wrong with suites and policies."""
        return [error for file in self.files for error in file.errors]

    @property
    def notes(self) -> list[str]:
        """What is worth a mention."""
        return [note for file in self.files for note in file.notes]

    def of(self, fate: Fate) -> list[Result]:
        """The mutants that this became of."""
        return [one for one in self.results if one.fate is fate]

    @property
    def score(self) -> float:
        """How many per cent of the mutants that count were killed; 100 if none counts."""
        killed, survived = len(self.of(Fate.KILLED)), len(self.of(Fate.SURVIVED))
        return 100.0 * killed / (killed + survived) if killed + survived else 100.0

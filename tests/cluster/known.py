"""Differences between the API server and the engine that stand, each with its reason: known_differences.yaml."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import yaml
from decided import Difference

__all__ = ["Known", "load_known"]

FILE = Path(__file__).with_name("known_differences.yaml")


@dataclass(slots=True, kw_only=True)
class Known:
    """An entry: patterns that a difference must meet, all of them, and why it stands. `cases` counts the requests, or policies, that needed it."""

    reason: str
    releases: tuple[str, ...] = ()
    what: str = ""
    theirs: str = ""
    ours: str = ""
    where: str = ""
    cases: int = 0

    def holds(self, minor: str) -> bool:
        """Whether the entry is about a release."""
        return not self.releases or minor in self.releases

    def covers(self, one: Difference) -> bool:
        """Whether the entry is about this difference."""
        texts = ((self.what, one.what), (self.theirs, str(one.theirs)), (self.ours, str(one.ours)), (self.where, one.where))
        return all(not pattern or re.search(pattern, text, re.DOTALL) for pattern, text in texts)


def load_known(minor: str, path: Path = FILE) -> list[Known]:
    """The entries about a release. Raises ValueError for one that would cover everything."""
    known = [
        Known(**{**raw, "releases": tuple(raw.get("releases", ())), "reason": " ".join(raw["reason"].split())})
        for raw in yaml.safe_load(path.read_text("utf-8"))
    ]
    if any(not (one.theirs or one.ours) for one in known):
        raise ValueError(f"{path.name}: an entry says neither what the API server says nor what the engine does")
    return [one for one in known if one.holds(minor)]

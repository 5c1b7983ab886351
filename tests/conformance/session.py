"""What every part of a run is given: the API server's code of one minor, the counts, and how much to compare."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from compare import Difference, Tally

__all__ = ["MINORS", "Asked", "Session"]

MINORS = ("1.30", "1.34", "1.37")
SEED = 20260901


class Asked(Protocol):
    """The program that holds the API server's code (tests/oracle)."""

    def ask_many(self, requests: Iterable[dict[str, Any]], failures: bool = False) -> Iterator[dict[str, Any]]:
        """One answer for each request, in order."""


_MAY_PANIC = ("cel", "typeCheck")


@dataclass(slots=True)
class Session:
    """One minor. `scale` is the share of the full number of generated cases."""

    minor: str
    oracle: Asked
    tally: Tally
    scale: float = 1.0
    seed: int = SEED
    reductions: int = 20
    reported: dict[str, int] = field(default_factory=dict)

    def ask(self, op: str, requests: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        """The answers to requests of one operation. Raises `OracleError` for one that the program could not use: the comparison itself is at fault then."""
        if op not in _MAY_PANIC:
            return list(self.oracle.ask_many({"op": op, **request} for request in requests))
        # cel-go panics on some expressions ({'a': 1, ?'b': x} before its validator of literals learnt of optional entries).
        answers = list(self.oracle.ask_many(({"op": op, **request} for request in requests), failures=True))
        for request, answer in zip(requests, answers, strict=True):
            if not answer.get("failure", "panic").startswith("panic"):
                raise RuntimeError(f"{answer['failure']}: {request}")
        return answers

    def one(self, op: str, **request: Any) -> dict[str, Any]:
        """The answer to one request."""
        return self.ask(op, [request])[0]

    def cases(self, number: int) -> int:
        """How many of `number` generated cases this run is for."""
        return max(1, round(number * self.scale))

    def may_reduce(self, differences: Sequence[Difference]) -> bool:
        """Whether to look for a smaller reproduction: for the first of each field, as each costs some hundred comparisons."""
        if not differences:
            return False
        key = f"{differences[0].part} {differences[0].feature} {differences[0].field}"
        self.reported[key] = self.reported.get(key, 0) + 1
        return self.reported[key] == 1 and len(self.reported) <= self.reductions

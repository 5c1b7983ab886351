"""Coverage as LCOV tracefile: a line of the policy file for each line, and the two outcomes of a part as its branches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import groupby

from hostprocess.cel.marks import FALSE, TRUE
from hostprocess.coverage.model import Coverage
from hostprocess.coverage_report.places import PlacedUnit

__all__ = ["as_lcov"]


def as_lcov(coverage: Coverage) -> str:
    """The tracefile. Counts are 1 for what was seen and 0 for what was not: how often is not counted."""
    units = sorted((PlacedUnit(one) for one in coverage.units), key=lambda one: one.unit.path)
    records = (line for path, several in groupby(units, key=lambda one: one.unit.path) for line in _record(path, several))
    return "".join(f"{line}\n" for line in records)


def _record(path: str, units: Iterable[PlacedUnit]) -> Iterator[str]:
    lines: dict[int, bool] = {}
    branches: list[tuple[int, int, int, str]] = []
    blocks: Counter[int] = Counter()
    for placed in units:
        for use, line, _ in placed.uses:
            lines[line] = lines.get(line, False) or use.seen
        for expression in placed.expressions:
            for part in expression.expression.parts:
                (line, _), _ = expression.ends(part)
                if part.wanted:
                    lines[line] = lines.get(line, False) or part.seen != 0
                if part.boolean:
                    for number, outcome in enumerate((TRUE, FALSE)):
                        if part.unreachable & outcome:
                            continue
                        branches.append((line, blocks[line], number, "-" if not part.seen else str(int(bool(part.seen & outcome)))))
                    blocks[line] += 1
    yield "TN:"
    yield f"SF:{path}"
    for line, block, number, taken in sorted(branches):
        yield f"BRDA:{line},{block},{number},{taken}"
    yield f"BRF:{len(branches)}"
    yield f"BRH:{sum(one[3] not in ('-', '0') for one in branches)}"
    for line in sorted(lines):
        yield f"DA:{line},{int(lines[line])}"
    yield f"LF:{len(lines)}"
    yield f"LH:{sum(lines.values())}"
    yield "end_of_record"

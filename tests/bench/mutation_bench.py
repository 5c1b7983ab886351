"""`make bench`, mutation: how long the whole pack takes in two processes, and one mutant against a plain run of all suites."""

from __future__ import annotations

import time

from hostprocess import api
from hostprocess.mutation.model import Fate
from hostprocess.rules import built_in_folder
from hostprocess.suite.formats import SuiteFile, find_suites

_GOAL = 60.0  # seconds, on two cores


def main() -> None:
    """Prints seconds and ratios."""
    folder = built_in_folder()
    bench = api.suite_workbench()
    suites = [bench.load(file) for file in find_suites([folder], api.suite_formats()) if isinstance(file, SuiteFile)]
    plain = 0.0
    for _ in range(2):  # the first run compiles
        start = time.perf_counter()
        failed = [case for suite in suites for case in suite.cases if bench.runner.run(suite.subject, case)]
        plain = time.perf_counter() - start
        if failed:
            raise SystemExit(f"{len(failed)} cases fail")
    report = api.mutate_suites([folder], jobs=2)
    each = report.seconds / len(report.results)
    cases = sum(len(suite.cases) for suite in suites)
    print(
        f"{len(report.results):,} mutants in {report.seconds:.0f} s in two processes   goal ≤ {_GOAL:.0f} s   {'met' if report.seconds <= _GOAL else 'MISSED'}"
    )
    print(f"one mutant / a plain run of all {cases:,} cases {each / plain:.3f} ×")
    print(f"score {report.score:.2f} %, {len(report.of(Fate.SURVIVED))} survived, {len(report.of(Fate.EQUIVALENT))} equivalent")


if __name__ == "__main__":
    main()

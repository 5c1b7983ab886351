"""Runs the suites of many files, in this process or in several, and tells what came of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hostprocess.errors import HostprocessError, PolicyError, UsageError
from hostprocess.suite.formats import SuiteFile, SuiteFormat
from hostprocess.suite.keywords import Matcher, matcher
from hostprocess.suite.load import Loader, file_text
from hostprocess.suite.model import Case, Failure, Suite
from hostprocess.suite.run import Runner
from hostprocess.suite.subjects import PolicySubject

if TYPE_CHECKING:
    from hostprocess.coverage.model import Coverage, Unit, Unreachable  # of runs with coverage only

__all__ = ["CaseResult", "FileResult", "SuiteReport", "Wanted", "Workbench", "run_files"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """What one case came to; no `problems` if all was as expected. `text` tells of a failure all there is to say.

    `vacuous`: the runner of its own format would call it passed, because nothing matched.
    """

    path: str
    line: int
    suite: str
    name: str
    seconds: float
    problems: tuple[str, ...] = ()
    text: str = ""
    vacuous: bool = False

    @property
    def id(self) -> str:
        """What names it on the command line."""
        return f"{self.path}::{self.name}"

    @property
    def passed(self) -> bool:
        """Whether all was as expected."""
        return not self.problems

    @property
    def outcome(self) -> str:
        """`passed`, `failed` or `vacuous`."""
        return "vacuous" if self.vacuous else "passed" if self.passed else "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class FileResult:
    """What the suite of one file came to."""

    path: str
    results: tuple[CaseResult, ...] = ()
    deselected: int = 0
    errors: tuple[HostprocessError, ...] = ()
    covered: tuple[Unit, ...] = ()
    unreachable: tuple[Unreachable, ...] = ()


@dataclass(slots=True)
class SuiteReport:
    """What a run came to, with what it has covered, if that was wanted."""

    files: list[FileResult] = field(default_factory=list)
    seconds: float = 0.0
    coverage: Coverage | None = None

    @property
    def results(self) -> list[CaseResult]:
        """All cases that were run, in order."""
        return [one for file in self.files for one in file.results]

    @property
    def failures(self) -> list[CaseResult]:
        """Those that failed, the vacuous ones too."""
        return [one for one in self.results if not one.passed]

    @property
    def errors(self) -> list[HostprocessError]:
        """What is wrong with suites."""
        return [error for file in self.files for error in file.errors]

    @property
    def deselected(self) -> int:
        """How many cases were not wanted."""
        return sum(file.deselected for file in self.files)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which cases of all are to be run: those of which the name matches `keyword`, and of `only`, if that is given, those named there."""

    keyword: str = ""
    only: frozenset[str] | None = None

    def matcher(self) -> Matcher:
        """See `keywords.matcher`."""
        return matcher(self.keyword)


class Workbench:
    """What is needed to run suites, in one process."""

    def __init__(self, formats: Mapping[str, SuiteFormat], loader: Loader, runner: Runner) -> None:
        self.formats = formats
        self.loader = loader
        self.runner = runner

    def load(self, file: SuiteFile) -> Suite:
        """The suite of a file. Raises `PolicyError`."""
        return self.formats[file.format].load(file.path, file_text(file.path), self.loader)

    def run(self, file: SuiteFile, wanted: Wanted, exit_first: bool = False) -> FileResult:
        """Runs the wanted cases of a file, up to the first that fails if `exit_first`."""
        try:
            suite = self.load(file)
            self.runner.check(suite.subject)
        except HostprocessError as error:
            return FileResult(path=file.path, errors=(error, *error.others))
        matches = wanted.matcher()
        chosen = [case for case in suite.cases if _is_named(file, case, wanted) and matches(f"{case.path}::{suite.name}::{case.name}")]
        if file.names and (unknown := file.names - {case.name for case in suite.cases}):
            return FileResult(path=file.path, errors=tuple(UsageError(f"{file.path}: there is no case {name!r}") for name in sorted(unknown)))
        results: list[CaseResult] = []
        for case in chosen:
            results.append(self._result(suite, case))
            if exit_first and not results[-1].passed:
                break
        whole = len(results) == len(suite.cases) and all(one.passed for one in results)
        return FileResult(
            path=file.path,
            results=tuple(results),
            deselected=len(suite.cases) - len(chosen) + suite.left_out,
            errors=tuple(self._untested(suite)) if whole and file.format == "native" else suite.errors,
            covered=self.runner.covered(),
            unreachable=suite.unreachable,
        )

    def _result(self, suite: Suite, case: Case) -> CaseResult:
        started = time.perf_counter()
        try:
            failure = self.runner.run(suite.subject, case)
        except PolicyError as error:
            # The API server refuses the policy itself: no case can tell anything.
            failure = Failure(case=case, problems=(f"the policy cannot be used: {error}",))
        return CaseResult(
            path=case.path,
            line=case.line,
            suite=suite.name,
            name=case.name,
            seconds=time.perf_counter() - started,
            problems=failure.problems if failure else (),
            text=str(failure) if failure else "",
            vacuous=failure is not None and failure.vacuous,
        )

    def _untested(self, suite: Suite) -> Iterator[PolicyError]:
        """Policies of a file with several that never failed, or never passed, though all cases are as expected."""
        subject = suite.subject
        if not isinstance(subject, PolicySubject) or len(subject.policies) < 2:
            return
        seen = self.runner.seen.get(subject, {})
        for policy in subject.policies:
            missing = [words for words, wanted in (("fails", True), ("passes", False)) if wanted not in seen.get(policy.name, ())]
            if missing and policy.validations:
                words = f"no case in which {policy.name} {' or '.join(missing)}: a policy that always says the same is not tested"
                yield PolicyError(words, path=suite.path)


def _is_named(file: SuiteFile, case: Case, wanted: Wanted) -> bool:
    return (file.names is None or case.name in file.names) and (wanted.only is None or f"{case.path}::{case.name}" in wanted.only)


def run_files(
    files: Sequence[SuiteFile],
    make_workbench: Callable[[], Workbench],
    wanted: Wanted,
    *,
    exit_first: bool = False,
    jobs: int = 1,
    tell: Callable[[FileResult], None] | None = None,
) -> SuiteReport:
    """Runs suites, and gives what they come to in the order of the files whatever the number of `jobs`.

    Arguments: `exit_first` ends the run at the first failure; `make_workbench` must be picklable if `jobs` is more than one; `tell` is told each file.
    """
    wanted.matcher()  # a wrong expression is told once
    report = SuiteReport()
    started = time.perf_counter()
    results = _in_processes(files, make_workbench, wanted, exit_first, jobs) if jobs > 1 else _one_by_one(files, make_workbench, wanted, exit_first)
    for result in results:
        report.files.append(result)
        if tell:
            tell(result)
        if exit_first and (result.errors or not all(one.passed for one in result.results)):
            break
    report.seconds = time.perf_counter() - started
    return report


def _one_by_one(files: Sequence[SuiteFile], make_workbench: Callable[[], Workbench], wanted: Wanted, exit_first: bool) -> Iterator[FileResult]:
    bench = make_workbench()
    for file in files:
        yield bench.run(file, wanted, exit_first)


def _in_processes(files: Sequence[SuiteFile], make_workbench: Callable[[], Workbench], wanted: Wanted, exit_first: bool, jobs: int) -> Iterator[FileResult]:
    from concurrent.futures import ProcessPoolExecutor  # slow to import, and one process needs none

    from hostprocess.workers import start

    with ProcessPoolExecutor(min(jobs, len(files) or 1), initializer=_start_worker, initargs=(make_workbench,)) as pool:
        start(pool)
        futures = [pool.submit(_work, file, wanted, exit_first) for file in files]
        try:
            for future in futures:
                yield future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


_bench: Workbench | HostprocessError | None = None


def _start_worker(make_workbench: Callable[[], Workbench]) -> None:
    from hostprocess.workers import become_worker  # in worker processes only

    become_worker()
    global _bench
    try:
        _bench = make_workbench()
    except HostprocessError as error:
        _bench = error


def _work(file: SuiteFile, wanted: Wanted, exit_first: bool) -> FileResult:
    if isinstance(_bench, HostprocessError):
        raise _bench
    assert _bench is not None
    return _bench.run(file, wanted, exit_first)

"""Runs the mutants of all that suites are about, in this process or in several, and tells what became of them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from hostprocess.errors import HostprocessError, UsageError
from hostprocess.evaluate import EvaluatePolicy
from hostprocess.mutation.bench import Bench, Group, Invalid
from hostprocess.mutation.model import Fate, FileReport, Mutant, MutationReport, Result
from hostprocess.mutation.objects import pack_mutants, policy_mutants, rule_mutants
from hostprocess.mutation.settle import Settler
from hostprocess.rules import PACK_FILE, SUITE_SUFFIX
from hostprocess.suite.formats import SuiteFile, SuiteFormat, find_suites
from hostprocess.suite.keywords import matcher
from hostprocess.suite.model import Subject, Suite
from hostprocess.suite.session import Workbench
from hostprocess.suite.subjects import PolicySubject, RuleSubject

__all__ = ["MAX_EQUIVALENT", "Wanted", "mutate_paths", "run_mutants"]

MAX_EQUIVALENT = 0.05
"""The share of mutants that may be set aside as no faults."""
_CHUNK = 250


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be mutated: `packs` are the packs whose shared parts are, by folder; `only_packs` leaves their rules out; `keyword` as of `-k`."""

    packs: tuple[str, ...] = ()
    only_packs: bool = False
    keyword: str = ""


@dataclass(slots=True)
class _Target:
    """One file with its mutants, and the subjects whose suites look at it."""

    path: str
    subjects: list[Subject]
    mutants: list[Mutant]


@dataclass(slots=True)
class _Plan:
    targets: list[_Target] = field(default_factory=list)
    suites: dict[int, list[Suite]] = field(default_factory=dict)
    errors: list[FileReport] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def mutate_paths(
    paths: Sequence[str],
    formats: Mapping[str, SuiteFormat],
    make_workbench: Callable[[], Workbench],
    *,
    keyword: str = "",
    evaluate_policy: Callable[[], EvaluatePolicy | None] = lambda: None,
    jobs: int = 1,
    tell: Callable[[FileReport], None] | None = None,
) -> MutationReport:
    """Runs the mutants of what the suites in `paths` are about. Other arguments as of `run_mutants`."""
    shared = [path for path in paths if os.path.basename(path) == PACK_FILE and os.path.isfile(path)]
    only_packs = bool(shared) and len(shared) == len(paths)
    named = [os.path.dirname(path) or os.curdir if path in shared else _suite_of(path) for path in paths]
    found = list(find_suites(named, formats))
    files = [one for one in found if isinstance(one, SuiteFile) and not one.names]
    whole = tuple(dict.fromkeys(place for path in named if os.path.isdir(path) for place in _packs_in(path)))
    report = run_mutants(files, make_workbench, Wanted(whole, only_packs, keyword), evaluate_policy=evaluate_policy, jobs=jobs, tell=tell)
    report.files += [FileReport(path="", errors=(one,)) for one in found if isinstance(one, HostprocessError)]
    for one in found:
        if isinstance(one, SuiteFile) and one.names:
            words = "mutants are run against whole suites; leave out the case behind `::`"
            report.files.append(FileReport(path=one.path, errors=(UsageError(f"{one.path}: {words}"),)))
    return report


def _suite_of(path: str) -> str:
    """The suite beside the file of a rule or of a policy."""
    stem, suffix = os.path.splitext(path)
    beside = stem + SUITE_SUFFIX
    return beside if suffix in (".yaml", ".yml", ".json") and not path.endswith(SUITE_SUFFIX) and os.path.isfile(path) and os.path.isfile(beside) else path


def _packs_in(folder: str) -> Iterator[str]:
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if PACK_FILE in names:
            yield place


def run_mutants(
    files: Sequence[SuiteFile],
    make_workbench: Callable[[], Workbench],
    wanted: Wanted,
    *,
    evaluate_policy: Callable[[], EvaluatePolicy | None] = lambda: None,
    jobs: int = 1,
    tell: Callable[[FileReport], None] | None = None,
) -> MutationReport:
    """Runs all wanted mutants, and gives what becomes of them in the order of the files whatever the number of `jobs`.

    Arguments: `make_workbench` and `evaluate_policy` must be picklable if `jobs` is more than one; `tell` is told each file.
    """
    matcher(wanted.keyword)  # a wrong expression is told once
    started = time.perf_counter()
    make = _Maker(tuple(files), make_workbench, wanted, evaluate_policy)
    worker = make()
    report = MutationReport()
    report.files += worker.plan.errors
    tasks = [(number, start) for number, target in enumerate(worker.plan.targets) for start in range(0, len(target.mutants), _CHUNK)]
    results = _in_processes(make, tasks, jobs) if jobs > 1 and len(tasks) > 1 else map(worker.work, tasks)
    for path, one in _by_target(worker.plan, tasks, results):
        done = FileReport(path=path, results=one[0], errors=one[1], notes=one[2])
        report.files.append(done)
        if tell:
            tell(done)
    if worker.plan.notes:
        report.files.append(FileReport(path="", notes=tuple(worker.plan.notes)))
    _cap(report)
    report.seconds = time.perf_counter() - started
    return report


_Outcome = tuple[tuple[Result, ...], tuple[HostprocessError, ...], tuple[str, ...]]


def _by_target(plan: _Plan, tasks: Sequence[tuple[int, int]], results: Iterator[_Outcome]) -> Iterator[tuple[str, _Outcome]]:
    """What became of all parts of each file."""
    left = [sum(1 for number, _ in tasks if number == at) for at in range(len(plan.targets))]
    found: tuple[list[Result], dict[str, HostprocessError], dict[str, None]] = ([], {}, {})
    for (number, _), (some, errors, notes) in zip(tasks, results, strict=True):
        found[0].extend(some)
        found[1].update({str(error): error for error in errors})
        found[2].update(dict.fromkeys(notes))
        left[number] -= 1
        if not left[number]:
            yield plan.targets[number].path, (tuple(found[0]), tuple(found[1].values()), tuple(found[2]))
            found = ([], {}, {})


def _cap(report: MutationReport) -> None:
    """Of more than the share that may be set aside, those with the weaker proof are counted as survivors."""
    allowed = int(MAX_EQUIVALENT * len(report.results))
    counted = 0
    for weak in (False, True):
        for at, file in enumerate(report.files):
            kept = list(file.results)
            for number, one in enumerate(kept):
                if one.fate is Fate.EQUIVALENT and ("generated" in one.proof) is weak:
                    counted += 1
                    if counted > allowed:
                        kept[number] = replace(one, fate=Fate.SURVIVED)
            report.files[at] = replace(file, results=tuple(kept))


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes a `_Worker`, in this process or in another."""

    files: tuple[SuiteFile, ...]
    make_workbench: Callable[[], Workbench]
    wanted: Wanted
    evaluate_policy: Callable[[], EvaluatePolicy | None]

    def __call__(self) -> _Worker:
        return _Worker(_plan(self.files, self.make_workbench(), self.wanted), self.evaluate_policy())


class _Worker:
    """Runs mutants in one process."""

    def __init__(self, plan: _Plan, evaluate_policy: EvaluatePolicy | None) -> None:
        self.plan = plan
        self._bench = Bench(evaluate_policy)
        self._settler = Settler(self._bench)
        self._groups: dict[int, Group | HostprocessError] = {}

    def work(self, task: tuple[int, int]) -> _Outcome:
        """Some mutants of one file."""
        number, start = task
        target = self.plan.targets[number]
        found = [self._group(subject) for subject in target.subjects]
        groups = [one for one in found if isinstance(one, Group)]
        errors = tuple(one for one in found if isinstance(one, HostprocessError))
        if errors:
            return (), errors, ()
        notes = tuple(
            f"{case.path}:{case.line}: case {case.name!r} fails as it is, so it kills nothing: see `hostprocess test`"
            for group in groups
            for case in group.failing
        )
        return tuple(self._results(target.mutants[start : start + _CHUNK], groups)), (), notes

    def _group(self, subject: Subject) -> Group | HostprocessError:
        found = self._groups.get(id(subject))
        if found is None:
            try:
                found = self._bench.group(self.plan.suites[id(subject)])
            except HostprocessError as error:
                found = error
            self._groups[id(subject)] = found
        return found

    def _results(self, mutants: Sequence[Mutant], groups: Sequence[Group]) -> Iterator[Result]:
        fates: dict[int, Fate] = {}
        killers: dict[int, str] = {}
        for number, mutant in enumerate(mutants):
            try:
                killers[number] = self._bench.killer(mutant, groups)
                fates[number] = Fate.KILLED if killers[number] else Fate.SURVIVED
            except Invalid:
                fates[number] = Fate.INVALID
        survivors = [number for number, fate in fates.items() if fate is Fate.SURVIVED]
        settled = dict(zip(survivors, self._settler.settle([mutants[number] for number in survivors], groups), strict=True))
        for number, mutant in enumerate(mutants):
            proof, case = settled.get(number, ("", ""))
            fate = Fate.EQUIVALENT if proof else fates[number]
            yield _result(mutant, fate, killers.get(number, ""), proof, case)


def _result(mutant: Mutant, fate: Fate, by: str, proof: str, case: str) -> Result:
    return Result(
        operator=mutant.operator,
        words=mutant.words,
        path=mutant.path,
        line=mutant.line,
        before=mutant.before,
        after=mutant.after,
        fate=fate,
        by=by,
        proof=proof,
        case=case,
    )


def _plan(files: Sequence[SuiteFile], workbench: Workbench, wanted: Wanted) -> _Plan:
    plan = _Plan()
    subjects: dict[int, Subject] = {}
    for file in files:
        try:
            suite = workbench.load(file)
        except HostprocessError as error:
            plan.errors.append(FileReport(path=file.path, errors=(error, *error.others)))
            continue
        if isinstance(suite.subject, PolicySubject) and suite.subject.rules:
            plan.notes.append(f"{file.path}: is about a whole pack, whose rules are mutated where their own suites are")
            continue
        subjects[id(suite.subject)] = suite.subject
        plan.suites.setdefault(id(suite.subject), []).append(suite)
    matches = matcher(wanted.keyword)
    for subject in subjects.values():
        if isinstance(subject, RuleSubject) and not wanted.only_packs:
            _add(plan, subject.rule.path, [subject], rule_mutants(subject), matches)
        elif isinstance(subject, PolicySubject):
            _add(plan, subject.policies[0].path, [subject], policy_mutants(subject), matches)
    for folder in wanted.packs:
        about = [one for one in subjects.values() if isinstance(one, RuleSubject) and os.path.abspath(one.pack.folder) == os.path.abspath(folder)]
        if about:
            path = os.path.join(about[0].pack.folder, PACK_FILE)
            _add(plan, path, list(about), pack_mutants(about[0].pack, path), matches)
    return plan


def _add(plan: _Plan, path: str, subjects: list[Subject], mutants: Iterator[Mutant], matches: Callable[[str], bool]) -> None:
    chosen = [one for one in mutants if matches(one.id)]
    if chosen:
        plan.targets.append(_Target(path, subjects, chosen))


def _in_processes(make: _Maker, tasks: Sequence[tuple[int, int]], jobs: int) -> Iterator[_Outcome]:
    from concurrent.futures import ProcessPoolExecutor  # slow to import, and one process needs none

    from hostprocess.workers import start

    with ProcessPoolExecutor(min(jobs, len(tasks)), initializer=_start_worker, initargs=(make,)) as pool:
        start(pool)
        futures = [pool.submit(_work, task) for task in tasks]
        try:
            for future in futures:
                yield future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


_worker: _Worker | HostprocessError | None = None


def _start_worker(make: _Maker) -> None:
    from hostprocess.workers import become_worker  # in worker processes only

    become_worker()
    global _worker
    try:
        _worker = make()
    except HostprocessError as error:
        _worker = error


def _work(task: tuple[int, int]) -> _Outcome:
    if isinstance(_worker, HostprocessError):
        raise _worker
    assert _worker is not None
    return _worker.work(task)

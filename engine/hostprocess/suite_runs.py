"""What is done with test suites: they are run, their policies are mutated, those of other tools are converted."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hostprocess import plugins
from hostprocess.errors import HostprocessError, PolicyError, UsageError
from hostprocess.policy_sets import PolicySet, bound_policies, looked_up
from hostprocess.runtimes import choose

if TYPE_CHECKING:
    from hostprocess.convert import Conversion
    from hostprocess.coverage.model import Coverage  # of runs with coverage only
    from hostprocess.mutation.model import FileReport as MutationFile
    from hostprocess.mutation.model import MutationReport
    from hostprocess.suite.formats import SuiteFormat  # of runs of suites only, as the next ones
    from hostprocess.suite.model import Subject
    from hostprocess.suite.run import Runner
    from hostprocess.suite.session import FileResult, SuiteReport, Workbench
    from hostprocess.suite.subjects import PolicySubject

__all__ = ["convert_suites", "mutate_suites", "policy_subject", "run_suites", "suite_formats", "suite_workbench", "write_converted"]


def run_suites(
    paths: Sequence[str],
    *,
    keyword: str = "",
    only: frozenset[str] | None = None,
    exit_first: bool = False,
    jobs: int = 1,
    policies: Sequence[str] = (),
    tell: Callable[[FileResult], None] | None = None,
    coverage: bool = False,
) -> SuiteReport:
    """Runs test suites.

    Arguments: `paths` are files, `FILE::CASE` and folders; `keyword` is an expression as that of `pytest -k`; `only`, if given, names the cases that are
    run (`FILE::CASE`); `exit_first` ends the run at the first failure; `jobs` is the number of processes; `policies` judge the manifests that hold
    `# expect:` comments, none means the built-in pack; `tell` is told what each file came to; `coverage` says whether the report tells what of policies
    was put to use. What is wrong with suites is in the report.
    Raises `UsageError` for a wrong expression.
    """
    from hostprocess.suite.formats import SuiteFile, find_suites
    from hostprocess.suite.session import FileResult, Wanted, run_files

    make = _Workbench(tuple(policies), coverage=coverage)
    found = list(find_suites(paths, suite_formats()))
    wrong = [FileResult(path=one.path, errors=(one,)) for one in found if not isinstance(one, SuiteFile)]
    files = [one for one in found if isinstance(one, SuiteFile)]
    report = run_files(files, make, Wanted(keyword, only), exit_first=exit_first, jobs=jobs, tell=tell)
    report.files += wrong
    if coverage:
        report.coverage = _whole(report, exit_first)
        report.files += [FileResult(path=fault.path, errors=(fault,)) for fault in report.coverage.faults]
    return report


def _whole(report: SuiteReport, exit_first: bool) -> Coverage:
    from hostprocess.coverage.whole import whole  # of runs with coverage only

    partial = []
    if report.deselected:
        partial.append(f"{len(report.results)} of {len(report.results) + report.deselected} cases were run")
    if report.errors:
        partial.append("suites with errors were not run")
    if exit_first and report.failures:
        partial.append("the run ended at the first failure")
    units = (unit for file in report.files for unit in file.covered)
    return whole(units, (one for file in report.files for one in file.unreachable), ", ".join(partial))


def mutate_suites(
    paths: Sequence[str],
    *,
    keyword: str = "",
    jobs: int = 1,
    policies: Sequence[str] = (),
    tell: Callable[[MutationFile], None] | None = None,
) -> MutationReport:
    """Puts small faults into policies, and tells which of them their suites do not notice.

    Arguments: `paths` are suites, folders, and files of rules or policies with their suite beside them; a `pack.yaml` stands for what the rules of a pack
    share, which is mutated too where all of its folder is given; `keyword` chooses mutants; `jobs` and `policies` as of `run_suites`; `tell` is told
    what became of the mutants of each file. What is wrong with suites is in the report. Raises `UsageError` for a wrong expression.
    """
    from hostprocess.mutation.session import mutate_paths  # loads the CEL front end

    return mutate_paths(paths, suite_formats(), _Workbench(tuple(policies)), keyword=keyword, evaluate_policy=plugins.wrapped_evaluation, jobs=jobs, tell=tell)


def convert_suites(paths: Sequence[str], *, output: str = "") -> Conversion:
    """Suites of other tools as suites of ours, each run both ways: what says something else than before is an error, and is not converted.

    Arguments: `paths` are files and folders; `output` is the folder that the files are for, by default the one of each suite.
    Raises `UsageError` if there is nothing to convert.
    """
    from hostprocess.convert import convert  # of this command only
    from hostprocess.suite.formats import SuiteFile, find_suites
    from hostprocess.suite.importers.imported import ImportedSuite

    bench = _Workbench()()
    suites, errors, ours = [], [], []
    for path in paths:
        for file in find_suites([path], bench.formats):
            try:
                if not isinstance(file, SuiteFile):
                    raise file
                if file.format in ("native", "inline"):
                    ours.append(file.path)
                    continue
                suite = bench.load(file)
                if not isinstance(suite, ImportedSuite):
                    raise PolicyError(f"suites of the format {file.format} cannot be converted", path=file.path)
                bench.runner.check(suite.subject)
                inside = os.path.relpath(os.path.dirname(file.path) or os.curdir, path) if os.path.isdir(path) else ""
                suites.append((suite, os.path.normpath(os.path.join(output, inside)) if output else os.path.dirname(file.path)))
            except HostprocessError as error:
                errors += [error, *error.others]
    found = convert(suites, bench.runner)
    found.errors[:0] = errors
    if not suites and not errors:
        there = f"{ours[0]} needs no conversion" if ours else "there is no suite of kaptest, kyverno test or gator"
        raise UsageError(f"nothing to convert in {', '.join(paths)}: {there}")
    return found


def write_converted(found: Conversion, *, force: bool = False) -> None:
    """Writes what suites were converted to. Raises `UsageError` if a file is there already, unless `force`, and `InputError` if one cannot be written."""
    from hostprocess.convert import write_files  # as above

    write_files(found.files, force=force)


def suite_formats() -> dict[str, SuiteFormat]:
    """The formats of test suites there are."""
    return plugins.installed("suite_formats")


def suite_workbench(policies: Sequence[str] = (), *, select: Sequence[str] = (), kubernetes: str = "", coverage: bool = False) -> Workbench:
    """What is needed to run suites one by one: formats, loader, runner.

    Arguments: `policies` are what suites are about that do not say it, none means the built-in pack; `select` and `kubernetes` as of `load_policies`;
    `coverage` as of `run_suites`.
    """
    return _Workbench(tuple(policies), tuple(select), kubernetes, coverage)()


@dataclass(frozen=True, slots=True)
class _Workbench:
    """Makes a `Workbench`, in this process or in a worker."""

    policies: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    kubernetes: str = ""
    coverage: bool = False

    def __call__(self) -> Workbench:
        from hostprocess.suite.load import Loader
        from hostprocess.suite.session import Workbench

        return Workbench(suite_formats(), Loader(self._default), self._runner())

    def _runner(self) -> Runner:
        from hostprocess.suite.run import Runner

        if not self.coverage:
            return Runner(choose(plugins.installed("cel_runtimes"), "").pack, plugins.wrapped_evaluation())
        try:
            from hostprocess.suite.covering import CoveringRunner  # needs cel-expr-python, which has no wheel everywhere
        except ImportError as error:
            raise UsageError(f"coverage needs the runtime tree, which is not installed: {error}") from None
        return CoveringRunner(plugins.wrapped_evaluation())

    def _default(self) -> Subject:
        found = bound_policies(self.policies, select=self.select, kubernetes=self.kubernetes)
        return policy_subject(found, ", ".join(self.policies) or found.packs[0].name)


def policy_subject(found: PolicySet, name: str) -> PolicySubject:
    """A set of policies as what suites are about, under this name."""
    from hostprocess.suite.subjects import PolicySubject

    return PolicySubject(
        name=name,
        policies=found.policies,
        bindings=found.bindings,
        objects=[one.object for one in looked_up(found.objects)],
        kubernetes=found.targets.kubernetes,
        containerd=found.targets.containerd,
        rules={rule.id: rule for pack in found.packs for rule in pack.rules},
    )

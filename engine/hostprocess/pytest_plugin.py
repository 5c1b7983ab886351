"""The pytest plug-in: suites become test items, and tests in Python get policies as fixtures.

It is loaded in every project that has this package installed, so it imports nothing of it until there is a suite, or a test asks for a fixture.
"""

from __future__ import annotations

import os
import pickle
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from hostprocess.coverage.model import Coverage, Unit, Unreachable
    from hostprocess.errors import PolicyError
    from hostprocess.policy_engine import PolicyEngine, Verdict
    from hostprocess.suite.model import Case, Suite
    from hostprocess.suite.session import Workbench

__all__ = ["admit", "policy_engine"]

_SUFFIX = ".test.yaml"
_WORDS = re.compile(r"""^[\s{]*["']?(?:rule|policy)["']?\s*:""", re.MULTILINE)
_BENCH = pytest.StashKey["Workbench"]()
_PATTERNS = pytest.StashKey[list[str]]()
_WORKERS = pytest.StashKey[list["_Covered"]]()
_COVERAGE: pytest.StashKey[Coverage] = pytest.StashKey()
_COUNTS = pytest.StashKey["_Counts"]()
_PROBLEM = pytest.StashKey[str]()
_OUTPUT = "hostprocess_covered"


@dataclass
class _Counts:
    """How many cases there are, how many of them were run, and what their suites say is unreachable."""

    found: int = 0
    run: int = 0
    unreachable: list[Unreachable] = field(default_factory=list)


@dataclass
class _Covered:
    """What one process has covered."""

    units: tuple[Unit, ...]
    counts: _Counts


def pytest_addoption(parser: pytest.Parser) -> None:
    """The two settings, and the options of coverage."""
    group = parser.getgroup("hostprocess", "suites of policies")
    group.addoption("--policy-coverage", action="store_true", help="tell what of the policies the cases of suites put to use")
    group.addoption(
        "--policy-coverage-report",
        action="append",
        default=[],
        metavar="FORMAT[=FILE]",
        help="its form, more than one if given again: text (default), json (coverage.json), lcov (coverage.lcov); implies --policy-coverage",
    )
    group.addoption("--policy-coverage-fail-under", type=float, metavar="N", help="fail if the total coverage is below N percent; implies --policy-coverage")
    parser.addini("hostprocess_suites", "Patterns of other files with suites: manifests with `# expect:` comments, suites of other tools", "args", [])
    parser.addini(
        "hostprocess_policies", "What `policy_engine` and manifests with `# expect:` comments are judged by (default: the built-in rules)", "paths", []
    )


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A native suite, or a file that the setting `hostprocess_suites` names."""
    is_suite = _may_be_native(file_path) if file_path.name.endswith(_SUFFIX) else _is_named(file_path, parent.config)
    return _SuiteFile.from_parent(parent, path=file_path) if is_suite else None


def _may_be_native(path: Path) -> bool:
    """By the text alone; what is in doubt is told by the package, which is slower to import."""
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return False
    if "cases" not in text or not _WORDS.search(text):
        return False
    from hostprocess.suite.formats import is_native  # a suite in all likelihood

    return is_native(str(path), text)


def _is_named(path: Path, config: pytest.Config) -> bool:
    patterns = config.stash.get(_PATTERNS, None)
    if patterns is None:
        patterns = config.stash[_PATTERNS] = [str(one) for one in config.getini("hostprocess_suites")]
    if not patterns or not path.is_relative_to(config.rootpath):
        return False
    name = path.relative_to(config.rootpath).as_posix()
    return any(fnmatch(name, pattern) for pattern in patterns) and _format(path, _bench(config)) is not None


def _format(path: Path, bench: Workbench) -> str | None:
    """The format of a file, None if it is no suite."""
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return None
    return next((name for name, one in bench.formats.items() if one.recognises(str(path), text)), None)


def _bench(config: pytest.Config) -> Workbench:
    """One for all suites of a run: policies are compiled once."""
    bench = config.stash.get(_BENCH, None)
    if bench is None:
        from hostprocess.api import suite_workbench  # there is a suite

        bench = config.stash[_BENCH] = suite_workbench([str(path) for path in config.getini("hostprocess_policies")], coverage=_covers(config))
    return bench


class _SuiteFile(pytest.File):
    """A suite; its items are the cases."""

    def collect(self) -> Iterator[pytest.Item]:
        """See `pytest.Collector.collect`."""
        from hostprocess.errors import HostprocessError  # there is a suite
        from hostprocess.suite.formats import SuiteFile

        try:
            bench = _bench(self.config)
            shown = _shown(self.path, self.config.invocation_params.dir)
            suite = bench.load(SuiteFile(shown, _format(self.path, bench) or "native"))
            bench.runner.check(suite.subject)
        except HostprocessError as error:
            raise self.CollectError("\n".join(str(one) for one in (error, *error.others))) from None
        _counts(self.config).unreachable += suite.unreachable
        for case in suite.cases:
            _counts(self.config).found += 1
            yield _CaseItem.from_parent(self, name=case.name, suite=suite, case=case)
        for one in suite.errors:
            yield _NotRunItem.from_parent(self, name=f"line {one.line}: not understood", error=one)


def _shown(path: Path, start: Path) -> str:
    """A path as the user would name it."""
    try:
        return os.path.relpath(path, start) if path.is_relative_to(start) and Path.cwd() == start else str(path)
    except OSError:
        return str(path)


class _CaseFailed(Exception):
    """A case that is not as expected; its text says all."""


class _CaseItem(pytest.Item):
    """One case of a suite."""

    def __init__(self, *, suite: Suite, case: Case, **rest: Any) -> None:
        super().__init__(**rest)
        self._suite = suite
        self._case = case

    def runtest(self) -> None:
        """See `pytest.Item.runtest`."""
        _counts(self.config).run += 1
        failure = _bench(self.config).runner.run(self._suite.subject, self._case)
        if failure:
            raise _CaseFailed(str(failure))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What failed, without a traceback through this package."""
        from hostprocess.errors import HostprocessError

        if isinstance(excinfo.value, _CaseFailed | HostprocessError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """The line that editors jump to."""
        return self.path, self._case.line - 1, self.name


class _NotRunItem(pytest.Item):
    """A test of another format that cannot be run: it fails, so that nobody takes it for passed."""

    def __init__(self, *, error: PolicyError, **rest: Any) -> None:
        super().__init__(**rest)
        self._error = error

    def runtest(self) -> None:
        """See `pytest.Item.runtest`."""
        raise _CaseFailed(str(self._error))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The message alone."""
        return str(excinfo.value)

    def reportinfo(self) -> tuple[Path, int, str]:
        """The line that editors jump to."""
        return self.path, self._error.line - 1, self.name


def _covers(config: pytest.Config) -> bool:
    """Whether coverage is wanted."""
    options = ("--policy-coverage", "--policy-coverage-report")
    return any(config.getoption(one) for one in options) or config.getoption("--policy-coverage-fail-under") is not None


def _counts(config: pytest.Config) -> _Counts:
    return config.stash.setdefault(_COUNTS, _Counts())


def pytest_configure(config: pytest.Config) -> None:
    """Refuses wrong options at once."""
    if _covers(config):
        from hostprocess.cli_coverage import read_reports  # coverage is wanted
        from hostprocess.errors import UsageError

        try:
            read_reports(config.getoption("--policy-coverage-report"))
        except UsageError as error:
            raise pytest.UsageError(str(error).replace("--coverage-report", "--policy-coverage-report")) from None


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Takes what a process of pytest-xdist has covered."""
    covered = getattr(node, "workeroutput", {}).get(_OUTPUT)
    if covered:
        node.config.stash.setdefault(_WORKERS, []).append(pickle.loads(covered))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Puts together what was covered, writes the reports, and fails the run if it is too little."""
    config = session.config
    if not _covers(config):
        return
    bench = config.stash.get(_BENCH, None)
    own = _Covered(bench.runner.covered() if bench else (), _counts(config))
    output = getattr(config, "workeroutput", None)
    if output is not None:
        output[_OUTPUT] = pickle.dumps(own)
        return
    processes = [own, *config.stash.get(_WORKERS, [])]
    from hostprocess.cli_coverage import read_reports, too_little, written  # coverage is wanted
    from hostprocess.cli_options import write_file
    from hostprocess.coverage.whole import whole
    from hostprocess.errors import HostprocessError

    units, unreachable = (unit for one in processes for unit in one.units), (one for process in processes for one in process.counts.unreachable)
    coverage = config.stash[_COVERAGE] = whole(units, unreachable, _partial(config, processes))
    option = "--policy-coverage-fail-under"
    fail_under = config.getoption(option)
    try:
        config.stash[_PROBLEM] = too_little(coverage, fail_under, option) if fail_under is not None else ""
        if config.stash[_PROBLEM] and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        for file, text in written(coverage, read_reports(config.getoption("--policy-coverage-report")), color=False):
            if file:
                write_file("--policy-coverage-report", file, text)
        if coverage.faults:
            raise coverage.faults[0]
    except HostprocessError as error:
        session.exitstatus = pytest.ExitCode.USAGE_ERROR
        config.stash[_PROBLEM] = str(error)


def _partial(config: pytest.Config, processes: list[_Covered]) -> str:
    """Why not all cases were run, as far as it can be told."""
    found, run = max(one.counts.found for one in processes), sum(one.counts.run for one in processes)
    reasons = [f"{run} of {found} cases were run"] if run < found else []
    if config.getoption("lf", False) and not reasons:
        reasons.append("--lf leaves cases out")
    if any("::" in str(argument) for argument in config.args) and not reasons:
        reasons.append("only some cases were named")
    return ", ".join(reasons)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Shows what was covered."""
    coverage = config.stash.get(_COVERAGE, None)
    if coverage is None:
        return
    from hostprocess.cli_coverage import read_reports, written  # coverage is wanted

    terminalreporter.section("coverage of policies")
    for file, text in written(coverage, read_reports(config.getoption("--policy-coverage-report")), color=terminalreporter.hasmarkup):
        terminalreporter.write_line(f"coverage is in {file}" if file else text.strip("\n"))
    if problem := config.stash.get(_PROBLEM, ""):
        terminalreporter.write_line(f"ERROR: {problem}", red=True)


@pytest.fixture(scope="session")
def policy_engine(pytestconfig: pytest.Config) -> PolicyEngine:
    """The policies of the setting `hostprocess_policies`, or the built-in rules; a project may have a fixture of its own of this name."""
    from hostprocess.policy_engine import PolicyEngine  # a test asks for it

    return PolicyEngine([str(path) for path in pytestconfig.getini("hostprocess_policies")])


@pytest.fixture
def admit(policy_engine: PolicyEngine) -> Callable[..., Verdict]:
    """`PolicyEngine.admit`: what the policies decide about an object."""
    return policy_engine.admit

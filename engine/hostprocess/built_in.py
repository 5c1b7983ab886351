"""The engine's own plug-in: each hook answered by the part that does the work. Parts are imported when they are used."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, TextIO

from hostprocess.cel.runtime import Runtime
from hostprocess.compile import compile_pack, select_rules
from hostprocess.errors import UsageError
from hostprocess.evaluate import Decisions, evaluate_plainly
from hostprocess.hookspecs import PolicySource, Reporter, Selection
from hostprocess.kubernetes.catalogue import release_number
from hostprocess.kubernetes.reader import Piece, expand, read_pieces
from hostprocess.kubernetes.source import Spool, holds_any
from hostprocess.marker import hookimpl
from hostprocess.model import Binding, InputProblem, Policy, Report, Request, Rule, Targets
from hostprocess.policy_files import read_policy_files
from hostprocess.rules import PACK_FILE, Pack, built_in_folder, load_pack

if TYPE_CHECKING:
    from hostprocess.suite.formats import SuiteFormat  # of runs of suites only

__all__: list[str] = []

_FIRST = "1.22"  # with HostProcess pods
_FORMATS = {
    "text": "hostprocess.report.text",
    "json": "hostprocess.report.json_report",
    "jsonl": "hostprocess.report.json_lines",
    "sarif": "hostprocess.report.sarif",
    "junit": "hostprocess.report.junit",
    "github": "hostprocess.report.github",
    "gitlab": "hostprocess.report.gitlab",
    "markdown": "hostprocess.report.markdown",
    "policyreport": "hostprocess.report.policy_report",
    "html": "hostprocess.report.html_page",
}


@hookimpl
def policy_sources(path: str, selection: Selection) -> PolicySource:
    """A folder with pack.yaml is a rule pack; any other file or folder holds ValidatingAdmissionPolicy YAML."""
    if path and not os.path.isfile(os.path.join(path, PACK_FILE)):
        return _policies_of(path)
    pack = load_pack(path or built_in_folder())
    if not path and selection.kubernetes and release_number(selection.kubernetes) < release_number(_FIRST):
        # Older ones drop the field without a word: that nothing is found would pass for that nothing is wrong.
        raise UsageError(f"--kubernetes {selection.kubernetes}: there are no HostProcess pods before {_FIRST}")
    targets = Targets(kubernetes=selection.kubernetes or pack.kubernetes, containerd=selection.containerd or pack.containerd)
    bundles = set(selection.bundles)
    if selection.with_params and not bundles:
        bundles = {name for name, bundle in pack.bundles.items() if bundle.default or bundle.params}
    rules = select_rules(pack, targets, bundles, selection.select, selection.ignore, with_authorizer=selection.with_authorizer)
    policies, bindings = compile_pack(pack, rules, targets)
    return PolicySource(policies=tuple(policies), bindings=tuple(bindings), targets=targets, pack=pack)


def _policies_of(path: str) -> PolicySource:
    found = read_policy_files([path])
    return PolicySource(policies=found.policies, bindings=found.bindings, objects=found.objects, notes=found.notes)


@hookimpl
def read_documents(path: str, spool: Spool, cut: bool, seen: set[str], holding: frozenset[str]) -> Iterator[Piece | InputProblem]:
    """Files, folders, patterns and standard input."""
    for file in expand([path], seen):
        if isinstance(file, InputProblem):
            yield file
        elif not holding or holds_any(file, holding, spool):
            yield from read_pieces(file, spool, cut=cut)


@hookimpl
def cel_runtimes() -> Mapping[str, Callable[[], Runtime]]:
    """`cpp`, `celpy` and `tree`."""
    return {"cpp": _cpp, "celpy": _celpy, "tree": _tree}


def _cpp() -> Runtime:
    from hostprocess.cel.cpp import CppRuntime  # needs cel-expr-python, which has no wheel everywhere

    return CppRuntime()


def _celpy() -> Runtime:
    from hostprocess.cel.celpy import CelpyRuntime  # cel-python is slow to import

    return CelpyRuntime()


def _tree() -> Runtime:
    from hostprocess.cel.tree import TreeRuntime  # needs cel-expr-python too

    return TreeRuntime()


@hookimpl
def evaluate_policy(policy: Policy, binding: Binding, request: Request, evaluation: Callable[[], Decisions]) -> Decisions:
    """The engine's own decision."""
    return evaluate_plainly(policy, binding, request, evaluation)


@hookimpl
def check_rule(rule: Rule, pack: Pack) -> list[str]:
    """The checks of `hostprocess.lint`."""
    from hostprocess.lint import problems  # loads both runtimes

    return problems(rule, pack)


@hookimpl
def reporters() -> Mapping[str, Reporter]:
    """The formats of `hostprocess.report`."""
    return {name: _reporter(module) for name, module in _FORMATS.items()}


def _reporter(module: str) -> Reporter:
    def write(report: Report, stream: TextIO, *, color: bool, quiet: bool) -> None:
        importlib.import_module(module).write(report, stream, color=color, quiet=quiet)  # only the wanted format is imported

    return write


@hookimpl
def suite_formats() -> Mapping[str, SuiteFormat]:
    """`native`, `inline`, and those of other tools."""
    from hostprocess.suite.formats import NATIVE  # needed by `test` and `convert` only
    from hostprocess.suite.importers.gator import GATOR
    from hostprocess.suite.importers.kaptest import KAPTEST
    from hostprocess.suite.importers.kyverno import KYVERNO
    from hostprocess.suite.inline import INLINE

    return {"native": NATIVE, "kaptest": KAPTEST, "kyverno": KYVERNO, "gator": GATOR, "inline": INLINE}

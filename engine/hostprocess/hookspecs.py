"""Every hook, in one file. A plug-in is a module or object with functions of these names, marked with `hostprocess.plugins.hookimpl`,
registered under the entry-point group `hostprocess`.

The engine's own parts are plug-ins too: see `hostprocess.built_in`. There is no hook for CEL functions: a private function would make
a policy that no cluster can run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TextIO

import pluggy

from hostprocess.cel.runtime import Runtime
from hostprocess.evaluate import Decisions
from hostprocess.kubernetes.reader import Piece
from hostprocess.kubernetes.source import Spool
from hostprocess.model import Binding, InputProblem, Policy, Report, Request, Resource, Rule, Targets
from hostprocess.rules import Pack

if TYPE_CHECKING:
    from hostprocess.suite.formats import SuiteFormat  # of runs of suites only

__all__ = ["PolicySource", "Reporter", "Selection"]

hookspec = pluggy.HookspecMarker("hostprocess")


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which rules of a source a run wants. An empty release is the newest that the source knows."""

    kubernetes: str = ""
    containerd: str = ""
    bundles: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    with_params: bool = False
    with_authorizer: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySource:
    """What a source holds: policies and bindings, the targets they were compiled for, the pack they come from, if any, and other `objects`
    that lie there: parameters, their kinds. `notes` tell what lies there and is not used."""

    policies: tuple[Policy, ...]
    bindings: tuple[Binding, ...]
    targets: Targets | None = None
    pack: Pack | None = None
    objects: tuple[Resource, ...] = ()
    notes: tuple[InputProblem, ...] = ()


class Reporter(Protocol):
    """Writes a report in one format."""

    def __call__(self, report: Report, stream: TextIO, *, color: bool, quiet: bool) -> None: ...


@hookspec(firstresult=True)
def policy_sources(path: str, selection: Selection) -> PolicySource | None:
    """Where policies come from. `path` is that of `--policies`, empty for the default. None: not a source of this plug-in's kind.

    Raises `PolicyError` for a source of its kind that is not valid.
    """


@hookspec(firstresult=True)
def read_documents(path: str, spool: Spool, cut: bool, seen: set[str], holding: frozenset[str]) -> Iterator[Piece | InputProblem] | None:
    """The documents of one PATH of the command line, as pieces for `kubernetes.reader.read_piece`. None: not such a path.

    `cut` asks for pieces that are not decoded yet; `seen` holds the files read before, and takes up those read now; `holding`, if not
    empty, allows files to be left out whose text holds none of these words.
    """


@hookspec
def cel_runtimes() -> Mapping[str, Callable[[], Runtime]]:
    """CEL runtimes by the name that `--runtime` takes."""


@hookspec(firstresult=True)
def evaluate_policy(policy: Policy, binding: Binding, request: Request, evaluation: Callable[[], Decisions]) -> Decisions | None:
    """Decides for one policy, one binding and one request that matches both, or may do so. `evaluation()` is the engine's own decision.

    Wrappers (`hookimpl(wrapper=True)`) may replace what the others decided: exceptions, baselines, tracing, coverage.
    """


@hookspec
def check_rule(rule: Rule, pack: Pack) -> list[str]:
    """Lint: what is wrong with one rule, one line each."""


@hookspec
def reporters() -> Mapping[str, Reporter]:
    """Report formats by the name that `--output` takes."""


@hookspec
def suite_formats() -> Mapping[str, SuiteFormat]:
    """Formats of test suites by their name."""

"""The engine's own plug-in: each hook answered by the part that does the work. Parts are imported when they are used."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import TextIO

from hostprocess.cel.runtime import Runtime
from hostprocess.compile import compile_pack, select_rules
from hostprocess.errors import HostprocessError, PolicyError, raise_all
from hostprocess.evaluate import Decisions, evaluate_plainly
from hostprocess.hookspecs import PolicySource, Reporter, Selection
from hostprocess.kubernetes.location import locate
from hostprocess.kubernetes.reader import Piece, expand, read_file, read_pieces
from hostprocess.kubernetes.source import Spool, holds_any
from hostprocess.marker import hookimpl
from hostprocess.model import Binding, InputProblem, Policy, Report, Request, Resource, Rule, Targets
from hostprocess.policy import BINDING_KIND, POLICY_KIND, check_kind, other_policy, parse_binding, parse_policy
from hostprocess.rules import PACK_FILE, Pack, built_in_folder, load_pack

__all__: list[str] = []


@hookimpl
def policy_sources(path: str, selection: Selection) -> PolicySource:
    """A folder with pack.yaml is a rule pack; any other file or folder holds ValidatingAdmissionPolicy YAML."""
    if path and not os.path.isfile(os.path.join(path, PACK_FILE)):
        return _policies_of(path)
    pack = load_pack(path or built_in_folder())
    targets = Targets(kubernetes=selection.kubernetes or pack.kubernetes, containerd=selection.containerd or pack.containerd)
    bundles = set(selection.bundles)
    if selection.with_params and not bundles:
        bundles = {name for name, bundle in pack.bundles.items() if bundle.default or bundle.params}
    rules = select_rules(pack, targets, bundles, selection.select, selection.ignore)
    policies, bindings = compile_pack(pack, rules, targets)
    return PolicySource(policies=tuple(policies), bindings=tuple(bindings), targets=targets, pack=pack)


def _policies_of(path: str) -> PolicySource:
    policies: dict[str, Policy] = {}
    bindings: list[Binding] = []
    others: list[Resource] = []
    notes: list[InputProblem] = []
    unused: list[InputProblem] = []
    errors: list[HostprocessError] = []
    for file in expand([path]):
        for resource in [file] if isinstance(file, InputProblem) else read_file(file):
            try:
                if isinstance(resource, InputProblem):
                    if not resource.note:
                        raise _policy_error(resource)
                    notes.append(resource)
                elif resource.kind == POLICY_KIND:
                    policy = parse_policy(resource)
                    if policy.name in policies:
                        raise PolicyError(
                            f"the policy {policy.name!r} is also in {policies[policy.name].path}", path=policy.path, line=locate(resource.origin, ()).line
                        )
                    policies[policy.name] = policy
                elif resource.kind == BINDING_KIND:
                    bindings.append(parse_binding(resource))
                else:
                    check_kind(resource)
                    if note := other_policy(resource):
                        unused.append(note)
                    else:
                        others.append(resource)
            except PolicyError as error:
                errors.append(error)
    if not policies and not bindings:
        errors += map(_policy_error, unused)
    raise_all(errors)
    if not policies and not bindings:
        raise PolicyError(f"holds no {POLICY_KIND}, nor is it a rule pack (a folder with {PACK_FILE})", path=path)
    return PolicySource(policies=tuple(policies.values()), bindings=tuple(bindings), objects=tuple(others), notes=(*notes, *unused))


def _policy_error(problem: InputProblem) -> PolicyError:
    return PolicyError(problem.message, path=problem.path, line=problem.line, column=problem.column)


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
    """`text` and `json`."""
    return {"text": _text, "json": _json}


def _text(report: Report, stream: TextIO, *, color: bool, quiet: bool) -> None:
    from hostprocess.report.text import write  # only the wanted format is imported

    write(report, stream, color=color, quiet=quiet)


def _json(report: Report, stream: TextIO, *, color: bool, quiet: bool) -> None:
    from hostprocess.report.json_report import write  # only the wanted format is imported

    write(report, stream, color=color, quiet=quiet)

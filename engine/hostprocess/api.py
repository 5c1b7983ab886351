"""The public functions behind `import hostprocess`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, TextIO

import pluggy

from hostprocess.cel.runtime import Runtime
from hostprocess.check import Judge, Outcomes, Progress, judge_files, judge_resources, look_up
from hostprocess.errors import InputError, UsageError
from hostprocess.evaluate import Evaluator
from hostprocess.explain import explain_rule, find_symptom
from hostprocess.hookspecs import PolicySource, Reporter, Selection
from hostprocess.inventory import Inventory
from hostprocess.kubernetes.reader import Piece, read_piece
from hostprocess.kubernetes.selectors import matches as selects
from hostprocess.kubernetes.source import STANDARD_INPUT, Spool
from hostprocess.model import Binding, InputProblem, ParamKind, ParamRef, Policy, Report, Resource, Targets
from hostprocess.plugins import collect, make_manager
from hostprocess.rules import Pack, built_in_folder, load_pack
from hostprocess.version import __version__

__all__ = [
    "PolicySet",
    "check_files",
    "evaluate_resources",
    "explain_rule",
    "find_symptom",
    "lint_rules",
    "load_policies",
    "load_rules",
    "read_resources",
    "reporter_names",
    "runtime_names",
    "write_report",
]


@dataclass(frozen=True, slots=True)
class PolicySet:
    """Policies and bindings from one or more sources, ready to be evaluated."""

    policies: tuple[Policy, ...]
    bindings: tuple[Binding, ...]
    targets: Targets
    packs: tuple[Pack, ...] = ()


def load_policies(
    paths: Sequence[str] = (),
    *,
    bundles: Sequence[str] = (),
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    kubernetes: str = "",
    containerd: str = "",
    with_params: bool = False,
) -> PolicySet:
    """Loads policies.

    Arguments: `paths` are rule packs (folders with pack.yaml) and files or folders of ValidatingAdmissionPolicy YAML, none means the
    built-in pack; `bundles`, `select` and `ignore` name bundles and rules of packs; `kubernetes` and `containerd` are the target releases
    as `major.minor`, empty means those the pack is written for; `with_params` switches on the bundles that take parameters.
    Raises `PolicyError` for a source that is not valid and `UsageError` for a name that does not exist.
    """
    selection = Selection(
        kubernetes=kubernetes, containerd=containerd, bundles=tuple(bundles), select=tuple(select), ignore=tuple(ignore), with_params=with_params
    )
    sources = [_source(path, selection) for path in dict.fromkeys(paths or [""])]
    targets = next((source.targets for source in sources if source.targets), None) or _default_targets(kubernetes, containerd)
    owners: dict[str, str] = {}
    for source in sources:
        for policy in source.policies:
            if policy.name in owners:
                raise UsageError(f"the policy {policy.name!r} is given twice: by {owners[policy.name]} and by {policy.path}")
            owners[policy.name] = policy.path
    return PolicySet(
        policies=tuple(policy for source in sources for policy in source.policies),
        bindings=tuple(binding for source in sources for binding in source.bindings),
        targets=targets,
        packs=tuple(source.pack for source in sources if source.pack),
    )


def load_rules(path: str = "") -> Pack:
    """The rules of a pack, with all that the rule files say; the built-in pack unless `path` names another. Raises `PolicyError`."""
    return load_pack(path or built_in_folder())


def read_resources(paths: Sequence[str], *, spool: Spool | None = None) -> Iterator[Resource | InputProblem]:
    """Reads files, folders, glob patterns and `-` as Kubernetes would. A problem stands in the place of each resource that cannot be used."""
    for piece in _read(paths, spool or Spool(), cut=False):
        if isinstance(piece, InputProblem):
            yield piece
        else:
            yield from read_piece(*piece)


def evaluate_resources(
    policies: PolicySet,
    resources: Iterable[Resource | InputProblem],
    *,
    inventory: Iterable[Resource | InputProblem] = (),
    namespace: str = "",
    runtime: str = "",
    cross_check: bool = False,
    show_all: bool = False,
) -> Report:
    """Evaluates policies on the creation of resources.

    Arguments: `inventory` are objects that exist in the cluster (Namespaces, RuntimeClasses, parameters); `namespace` stands in where a
    resource names none; `runtime` is `cpp` or `celpy` (default: the first that is installed); `cross_check` runs both;
    `show_all` keeps results that allow or skip.
    """
    setup = _Setup(policies, Inventory.of(_objects(inventory)), namespace, runtime, cross_check, show_all)
    return _report(policies, judge_resources(resources, setup()))


def check_files(
    paths: Sequence[str],
    policies: PolicySet,
    *,
    inventory: Sequence[str] = (),
    params: str = "",
    namespace: str = "",
    runtime: str = "",
    cross_check: bool = False,
    show_all: bool = False,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Report:
    """Reads and evaluates files of any size: nothing is held that a report does not need.

    Arguments: as of `evaluate_resources`, but `paths` and `inventory` name files, `params` a file with the parameter object; `jobs` is the number of
    processes; `progress` is told how many characters were read. Raises `InputError` if the inventory or the parameters cannot be read.
    """
    spool = Spool()
    known = [*_objects(read_resources(inventory)), *(_params(params, policies) if params else ())]
    setup = _Setup(policies, Inventory.of(known), namespace, runtime, cross_check, show_all)
    judge = setup()
    kinds = judge.evaluator.looks_up()
    if kinds and (found := list(look_up(_read(paths, spool, cut=True, holding=kinds), kinds))):
        setup = _Setup(policies, Inventory.of([*known, *found]), namespace, runtime, cross_check, show_all)
        judge = setup()
    make_judge: Callable[[], Judge] = setup if jobs > 1 else lambda: judge
    return _report(policies, judge_files(_read(paths, spool, cut=jobs > 1), make_judge, jobs=jobs, progress=progress))


def lint_rules(path: str = "") -> list[str]:
    """What is wrong with the rules of a pack and their suites, one line each. Raises `PolicyError` if the pack cannot be loaded."""
    pack = load_rules(path)
    return [problem for rule in pack.rules for found in _manager().hook.check_rule(rule=rule, pack=pack) for problem in found]


def reporter_names() -> list[str]:
    """The report formats there are."""
    return list(collect(_manager(), "reporters"))


def runtime_names() -> list[str]:
    """The CEL runtimes there are."""
    return list(collect(_manager(), "cel_runtimes"))


def write_report(report: Report, stream: TextIO, name: str = "text", *, color: bool = False, quiet: bool = False) -> None:
    """Writes a report in the format `name`. Raises `UsageError` for a format that does not exist."""
    reporters: dict[str, Reporter] = collect(_manager(), "reporters")
    if name not in reporters:
        raise UsageError(f"there is no report format {name!r}; there are {', '.join(reporters)}")
    reporters[name](report, stream, color=color, quiet=quiet)


@dataclass(frozen=True, slots=True)
class _Setup:
    """Makes a `Judge`, in this process or in a worker."""

    policies: PolicySet
    inventory: Inventory
    namespace: str
    runtime: str
    cross_check: bool
    show_all: bool

    def __call__(self) -> Judge:
        evaluator = Evaluator(
            self.policies.policies,
            self.policies.bindings,
            _runtime(self.runtime, self.cross_check),
            self.inventory,
            show_all=self.show_all,
            evaluate_policy=_manager().hook.evaluate_policy,
        )
        # Packs are checked by their lint and their suites; what comes from elsewhere is refused here, as the API server would.
        evaluator.check(trusted={pack.folder for pack in self.policies.packs})
        return Judge(evaluator, self.namespace)


@cache
def _manager() -> pluggy.PluginManager:
    return make_manager()


def _source(path: str, selection: Selection) -> PolicySource:
    source: PolicySource | None = _manager().hook.policy_sources(path=path, selection=selection)
    if source is None:
        raise UsageError(f"no plug-in reads policies from {path!r}")
    return source


def _runtime(name: str, cross_check: bool) -> Runtime:
    makers: dict[str, Callable[[], Runtime]] = collect(_manager(), "cel_runtimes")
    if name and name not in makers:
        raise UsageError(f"there is no runtime {name!r}; there are {', '.join(makers)}")
    if cross_check:
        from hostprocess.cel.cross import CrossCheckRuntime  # rarely wanted

        return CrossCheckRuntime(makers["cpp"](), makers["celpy"]())
    if name:
        try:
            return makers[name]()
        except ImportError as error:
            raise UsageError(f"the runtime {name!r} is not installed: {error}") from None
    try:
        return makers["cpp"]()
    except ImportError:
        return makers["celpy"]()


def _default_targets(kubernetes: str, containerd: str) -> Targets:
    """What policies without a pack are evaluated for: the releases that the built-in pack knows, unless told."""
    pack = load_rules()
    return Targets(kubernetes=kubernetes or pack.kubernetes, containerd=containerd or pack.containerd)


def _read(paths: Sequence[str], spool: Spool, cut: bool, holding: frozenset[str] = frozenset()) -> Iterator[Piece | InputProblem]:
    seen: set[str] = set()
    for path in paths:
        pieces: Iterator[Piece | InputProblem] | None = _manager().hook.read_documents(path=path, spool=spool, cut=cut, seen=seen, holding=holding)
        if pieces is None:
            raise UsageError(f"no plug-in reads {path!r}")
        yield from pieces


def _objects(resources: Iterable[Resource | InputProblem]) -> Iterator[dict[str, Any]]:
    for resource in resources:
        if isinstance(resource, Resource):
            yield resource.object
        elif not resource.note:
            raise InputError(resource.message, path=resource.path, line=resource.line, column=resource.column)


def _params(path: str, policies: PolicySet) -> list[dict[str, Any]]:
    """The parameter objects of a file. One without name is taken for what the bindings ask for."""
    if path == STANDARD_INPUT:
        raise UsageError("--params must be a file: standard input is for manifests")
    found = list(_objects(read_resources([path])))
    if not found:
        raise InputError("holds no parameter object", path=path)
    kinds = {policy.name: policy.param_kind for policy in policies.policies}
    asked = [(kind, binding.param_ref) for binding in policies.bindings if binding.param_ref and (kind := kinds.get(binding.policy_name))]
    for value in found:
        metadata = value.setdefault("metadata", {})
        names = {(reference.name, reference.namespace) for kind, reference in asked if reference.name and _of_kind(value, kind)}
        if "name" not in metadata and len(names) == 1:
            metadata["name"], namespace = names.pop()
            if namespace:
                metadata.setdefault("namespace", namespace)
    if asked and not any(_of_kind(value, kind) and _refers(reference, value["metadata"]) for value in found for kind, reference in asked):
        wanted = sorted({" ".join([kind.kind, *(one for one in [f"{reference.namespace}/{reference.name}".strip("/")] if one)]) for kind, reference in asked})
        raise InputError(f"holds no parameter object that a binding refers to; expected {', '.join(wanted)}", path=os.fspath(path))
    return found


def _of_kind(value: dict[str, Any], kind: ParamKind) -> bool:
    return (value.get("apiVersion"), value.get("kind")) == (kind.api_version, kind.kind)


def _refers(reference: ParamRef, metadata: dict[str, Any]) -> bool:
    if reference.selector is not None:
        return selects(reference.selector, metadata.get("labels") or {})
    # Without a namespace of its own a reference is to that of the request.
    namespaces = ("", metadata.get("namespace", reference.namespace))
    return metadata.get("name") == reference.name and reference.namespace in namespaces


def _report(policies: PolicySet, outcomes: Outcomes) -> Report:
    return Report(
        targets=policies.targets,
        summary=outcomes.summary(),
        results=outcomes.results,
        problems=tuple(outcomes.problems),
        version=__version__,
        pack_version=", ".join(f"{pack.name} {pack.version}" for pack in policies.packs),
    )

"""The public functions behind `import hostprocess`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any, TextIO, Unpack

from hostprocess import plugins
from hostprocess.cel.runtime import NEWEST
from hostprocess.check import Judge, Progress, judge_files, judge_resources, look_up
from hostprocess.compile import check_names
from hostprocess.errors import InputError, UsageError
from hostprocess.exceptions.find import find_file
from hostprocess.explain import explain_rule, find_symptom
from hostprocess.export.options import Export, ExportOptions
from hostprocess.given import Given, undisputed
from hostprocess.hookspecs import Reporter
from hostprocess.inventory import Inventory
from hostprocess.judging import RunArguments, make_excepting, make_report, make_setup
from hostprocess.kubernetes.kinds import POD_TEMPLATES, plural
from hostprocess.kubernetes.reader import Piece, read_piece
from hostprocess.kubernetes.source import STANDARD_INPUT, Spool
from hostprocess.model import InputProblem, Policy, Report, Resource
from hostprocess.policy_lint.report import LintReport
from hostprocess.policy_sets import PolicySet, is_pack, load_policies, load_rules, looked_up, named_policies
from hostprocess.releases import as_release
from hostprocess.runtimes import choose
from hostprocess.suite_runs import convert_suites, mutate_suites, policy_subject, run_suites, suite_formats, suite_workbench, write_converted

if TYPE_CHECKING:
    from hostprocess.fix.files import FileFix
    from hostprocess.fix.session import Fixer
    from hostprocess.live.cluster import LiveCluster  # of runs with --cluster only
    from hostprocess.suite.trace import Trace  # loads the CEL front end

__all__ = [
    "PolicySet",
    "RunArguments",
    "check_cluster",
    "check_files",
    "convert_suites",
    "evaluate_resources",
    "explain_rule",
    "export_policies",
    "find_exceptions",
    "find_symptom",
    "fix_files",
    "is_pack",
    "lint_policies",
    "lint_rules",
    "load_policies",
    "load_rules",
    "mutate_suites",
    "open_cluster",
    "read_params",
    "read_resources",
    "reporter_names",
    "run_suites",
    "runtime_names",
    "suite_formats",
    "suite_workbench",
    "trace_resources",
    "write_converted",
    "write_report",
]

JSONObject = dict[str, Any]


def read_resources(paths: Sequence[str], *, spool: Spool | None = None) -> Iterator[Resource | InputProblem]:
    """Reads files, folders, glob patterns and `-` as Kubernetes would. A problem stands in the place of each resource that cannot be used."""
    yield from _resources(paths, spool or Spool())


def _resources(paths: Sequence[str], spool: Spool, check: bool = True) -> Iterator[Resource | InputProblem]:
    for piece in _read(paths, spool, cut=False):
        if isinstance(piece, InputProblem):
            yield piece
        else:
            yield from read_piece(*piece, check=check)


def evaluate_resources(
    policies: PolicySet,
    resources: Iterable[Resource | InputProblem],
    *,
    inventory: Iterable[Resource | InputProblem] = (),
    old: Iterable[Resource | InputProblem] | None = None,
    **arguments: Unpack[RunArguments],
) -> Report:
    """Evaluates policies on requests about resources; an AdmissionReview is the request it holds.

    Arguments: `inventory` are objects that exist in the cluster (Namespaces, parameters, CustomResourceDefinitions, RBAC …); `old` are the stored
    objects that an UPDATE replaces; for the others see `RunArguments`. Raises `InputError` if these cannot be read, `UsageError` for arguments that
    make no sense together, and `PolicyError` for an expression that the API server would refuse.
    """
    given = Given(policies.targets.kubernetes or NEWEST)
    known = given.distinct([*given.distinct(given.objects(inventory)), *looked_up(policies.objects)], named=False)
    excepts = make_excepting(policies, arguments)
    setup = make_setup(policies, [resource.object for resource in known], given, old, arguments, excepts)
    outcomes = judge_resources(resources, setup(), settle=excepts.settle if excepts else None)
    return make_report(policies, setup, outcomes, given.notes, excepts)


def check_files(
    paths: Sequence[str],
    policies: PolicySet,
    *,
    inventory: Sequence[str] = (),
    params: str = "",
    old: Sequence[str] = (),
    jobs: int = 1,
    progress: Progress | None = None,
    **arguments: Unpack[RunArguments],
) -> Report:
    """Reads and evaluates files of any size: nothing is held that a report does not need.

    Arguments: as of `evaluate_resources`, but `paths`, `inventory` and `old` name files, `params` a file with the parameter object; `jobs` is the number
    of processes; `progress` is told how many characters were read. Raises as `evaluate_resources` does.
    """
    spool, given = Spool(), Given(policies.targets.kubernetes or NEWEST)
    if params == STANDARD_INPUT:
        raise UsageError("--params must be a file: standard input is for manifests")
    read = [*given.distinct(given.objects(read_resources(inventory))), *looked_up(policies.objects)]
    if params:
        read += given.parameters(params, read_resources([params]), policies.policies, policies.bindings)
    known = [resource.object for resource in given.distinct(read, named=False)]
    strict = not arguments.get("raw") and arguments.get("field_validation", "strict") == "strict"  # what is stored is checked as what replaces it
    excepts = make_excepting(policies, arguments)
    setup = make_setup(policies, known, given, _resources(old, Spool(), strict) if old else None, arguments, excepts)
    judge = setup()
    kinds = judge.evaluator.looks_up()
    found, notes = undisputed(look_up(_read(paths, spool, cut=True, holding=kinds), kinds) if kinds else ())
    if found:
        setup = replace(setup, inventory=Inventory.of(known, found, kubernetes=policies.targets.kubernetes or NEWEST))
        judge = setup()
    make_judge: Callable[[], Judge] = setup if jobs > 1 else lambda: judge
    settle = excepts.settle if excepts else None
    outcomes = judge_files(_read(paths, spool, cut=jobs > 1), make_judge, jobs=jobs, progress=progress, settle=settle)
    # Whoever names single files, as pre-commit does, may have left out others.
    return make_report(policies, setup, outcomes, [*given.notes, *notes], excepts, whole=not any(map(os.path.isfile, paths)))


def open_cluster(
    *, kubeconfig: str = "", context: str = "", namespace: str = "", all_namespaces: bool = False, owned: bool = False, node_runtime: bool = False
) -> LiveCluster:
    """Connects to a running cluster, for `check_cluster`. Needs the extra `cluster`.

    Arguments: `kubeconfig` and `context` as of kubectl; `namespace` is the only one that is looked into, by default that of the context, unless
    `all_namespaces`; `owned` takes in what another object controls, as the pods of a Deployment; `node_runtime` asks Windows nodes for their
    containerd release. Raises `HostprocessError` for whatever keeps it from reading.
    """
    from hostprocess.live.cluster import open_cluster as opened  # of such runs only

    return opened(kubeconfig=kubeconfig, context=context, namespace=namespace, all_namespaces=all_namespaces, owned=owned, node_runtime=node_runtime)


def check_cluster(
    cluster: LiveCluster,
    policies: PolicySet,
    *,
    by_release: Mapping[str, PolicySet] | None = None,
    inventory: Sequence[str] = (),
    params: str = "",
    **arguments: Unpack[RunArguments],
) -> Report:
    """Evaluates policies on the pods and workloads of a cluster, as if each stored object were created, or deleted, as it is.

    Arguments: `by_release` are the policies for each containerd release of `cluster.pools`; `inventory` and `params` name files with objects that the
    cluster does not have; for the others see `RunArguments`. Objects are read as they are judged, so none is held. Raises as `evaluate_resources` does.
    """
    if arguments.get("operation", "CREATE") not in ("CREATE", "DELETE"):
        raise UsageError(f"--operation {arguments['operation']}: stored objects are judged as they would be created, or deleted")
    given = Given(policies.targets.kubernetes or NEWEST)
    read = [*given.distinct(given.objects(read_resources(inventory))), *looked_up(policies.objects)]
    if params:
        read += given.parameters(params, read_resources([params]), policies.policies, policies.bindings)
    known = [resource.object for resource in given.distinct(read, named=False)]
    arguments["raw"] = True  # what is stored has its defaults
    excepts = make_excepting(policies, arguments)
    several = by_release or {policies.targets.containerd: policies}
    setups = {release: make_setup(one, known, given, None, arguments, excepts) for release, one in several.items()}
    kinds = frozenset[str]().union(*(one().evaluator.looks_up() for one in setups.values()))
    stock = cluster.stock(policies.policies, policies.bindings, kinds)
    found = Inventory.of([*stock.objects, *known], kubernetes=policies.targets.kubernetes or NEWEST)
    found = replace(found, complete=found.complete | stock.complete)
    setups = {release: replace(one, inventory=found) for release, one in setups.items()}
    judges = {release: one() for release, one in setups.items()}
    setup, judge = next((one, judges[release]) for release, one in reversed(setups.items()))
    if cluster.pools and by_release:
        from hostprocess.live.pools import PoolEvaluator  # of --node-runtime only

        judge = replace(judge, evaluator=PoolEvaluator(cluster.pools, {release: one.evaluator for release, one in judges.items()}))
    outcomes = judge_resources(cluster.resources(), judge, settle=excepts.settle if excepts else None)
    told = [*cluster.notes, *given.notes, *stock.notes, *_not_read(policies.policies)]
    return make_report(_together(policies, several), setup, outcomes, told, excepts, whole=not cluster.namespace)


def _together(policies: PolicySet, several: Mapping[str, PolicySet]) -> PolicySet:
    """What a report says of policies that were loaded for several containerd releases."""
    distinct = {id(one): one for found in several.values() for one in found.policies}
    targets = replace(policies.targets, containerd=", ".join(several))
    return replace(policies, policies=tuple(distinct.values()), targets=targets)


def _not_read(policies: Sequence[Policy]) -> Iterator[InputProblem]:
    """Notes about policies that have nothing to say about what is read of a cluster."""
    resources = {"*", *(plural(kind) for _, kind in POD_TEMPLATES)}
    for policy in policies:
        named = {name.partition("/")[0] for rule in policy.match_constraints.resource_rules for name in rule.resources}
        if not named & resources:
            words = f"the policy {policy.name!r} is about {', '.join(sorted(named))}: of a cluster only pods and workloads are judged"
            yield InputProblem(path=policy.path, message=words, note=True)


def fix_files(
    paths: Sequence[str],
    policies: PolicySet,
    *,
    unsafe: bool = False,
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    **arguments: Unpack[RunArguments],
) -> Iterator[FileFix | InputProblem]:
    """What the fixes of rules make of files; none is written. A problem stands in the place of each file that cannot be fixed.

    Arguments: `paths` as of `check_files`; `policies` are those of packs, all that should have nothing new to find afterwards; `unsafe` lets in the fixes
    that change what works; `select` (default: all) and `ignore` say which rules' findings are fixed; for the others see `RunArguments`: what an
    exception or a baseline covers is not fixed. Raises as `check_files` does.
    """
    from hostprocess.fix.files import fix_file  # of this command only
    from hostprocess.kubernetes.reader import expand

    fixer = _fixer(policies, unsafe, select, ignore, arguments)
    for path in expand(paths):
        try:
            yield path if isinstance(path, InputProblem) else fix_file(path, fixer)
        except InputError as error:
            # Of a folder everything is taken that can be; what is named must be fixed, or it is an error.
            note = error.message.startswith("is ") and path not in paths
            yield InputProblem(path=error.path, message=error.message, line=error.line, column=error.column, note=note)


def _fixer(policies: PolicySet, unsafe: bool, select: Sequence[str], ignore: Sequence[str], arguments: RunArguments) -> Fixer:
    from hostprocess.fix.guards import Guards  # of this command only
    from hostprocess.fix.session import Fixer, fixes_of

    check_names(policies.packs, (), (*select, *ignore))
    setup = make_setup(policies, (), Given(policies.targets.kubernetes or NEWEST), None, arguments, make_excepting(policies, arguments))
    runtime = choose(plugins.installed("cel_runtimes"), arguments.get("runtime", "")).pack
    return Fixer(
        setup(),
        fixes_of(policies.policies, (rule for pack in policies.packs for rule in pack.rules)),
        Guards(policies.packs, policies.targets, runtime),
        unsafe=unsafe,
        chosen=lambda rule: rule not in ignore and (not select or rule in select),
    )


def find_exceptions(folder: str = "") -> str:
    """The exceptions file of a folder (default: the working directory), or the nearest one above it in its Git repository; empty if there is none."""
    return find_file(folder)


def lint_rules(path: str = "") -> list[str]:
    """What is wrong with the rules of a pack and their suites, one line each. Raises `PolicyError` if the pack cannot be loaded."""
    pack = load_rules(path)
    return [problem for rule in pack.rules for found in plugins.manager().hook.check_rule(rule=rule, pack=pack) for problem in found]


def lint_policies(paths: Sequence[str], *, inventory: Sequence[str] = (), kubernetes: str = "", type_checking: bool = False) -> LintReport:
    """What is wrong with the ValidatingAdmissionPolicies and bindings in files: refusals of the API server, type faults, advice.

    Arguments: `paths` are files, folders and patterns; `inventory` names files with objects that are known but not judged (bindings, policies,
    CustomResourceDefinitions); `kubernetes` is the release that has to accept them, as `major.minor` (default: the newest known);
    `type_checking` adds what the cluster would write to `status.typeChecking`.
    Raises `InputError` if the inventory cannot be read and `UsageError` for a release that is not known.
    """
    from hostprocess.policy_lint.linter import lint_read  # loads the CEL front end and the catalogue

    kubernetes = as_release(kubernetes, "kubernetes")
    given = Given(kubernetes or NEWEST)
    known = [one.object for one in given.objects(read_resources(inventory))]
    given.settle()
    return lint_read(chain(given.notes, read_resources(paths)), known, kubernetes, ", ".join(paths), type_checking)


def export_policies(options: ExportOptions, policies: str = "") -> Export:
    """A rule pack as ValidatingAdmissionPolicy objects that a cluster enforces; the built-in pack unless `policies` names another.

    Raises `UsageError` for names that do not exist and options that leave nothing to export, `InputError` for parameters of the wrong shape,
    `PolicyError` for a pack that is not valid, or that one of the releases would refuse.
    """
    from hostprocess.export.build import build  # loads the CEL front end

    return build(load_rules(policies), options)


def read_params(path: str) -> Resource:
    """The one object in a file of parameters. Raises `InputError` if there is not exactly one, or it cannot be read."""
    given = Given()
    found = given.objects(read_resources([path]))
    given.settle()
    if len(found) != 1:
        raise InputError(f"holds {len(found) or 'no'} objects; the parameters are one", path=path)
    return found[0]


def reporter_names() -> list[str]:
    """The report formats there are."""
    return list(plugins.installed("reporters"))


def runtime_names() -> list[str]:
    """The CEL runtimes there are."""
    return list(plugins.installed("cel_runtimes"))


def trace_resources(
    rule: str,
    paths: Sequence[str],
    policies: Sequence[str] = (),
    *,
    kubernetes: str = "",
    containerd: str = "",
    inventory: Sequence[str] = (),
    params: str = "",
    **arguments: Unpack[RunArguments],
) -> Iterator[Trace | InputProblem]:
    """How a rule, or a policy, comes to its decision on each of some manifests; a problem stands in the place of each that cannot be judged.

    Arguments: `rule` is the id of a rule, or the name of a ValidatingAdmissionPolicy in the files `policies`; the others as of `check_files` and
    `load_policies`. Raises `UsageError` for a name that does not exist.
    """
    from hostprocess.suite.trace import Trace, trace_lines  # loads the CEL front end

    chosen = named_policies(rule, policies, kubernetes, containerd)
    given = Given(chosen.targets.kubernetes or NEWEST)
    read = [*given.distinct(given.objects(read_resources(inventory))), *looked_up(chosen.objects)]
    if params:
        read += given.parameters(params, read_resources([params]), chosen.policies, chosen.bindings)
    known = [resource.object for resource in given.distinct(read, named=False)]
    setup = make_setup(chosen, known, given, None, {**arguments, "show_all": True})
    evaluator = setup.evaluator()
    judge = Judge(evaluator, setup.circumstances, setup.presenter)
    subject = policy_subject(chosen, rule)
    for resource in read_resources(paths):
        if isinstance(resource, InputProblem):
            yield resource
            continue
        request, problems = judge.request(resource)
        yield from problems
        if request is not None:
            found = judge.evaluator.decide(request)
            decisions = (*found.findings, *found.passed)
            lines = trace_lines(subject, evaluator.situations(request), decisions, lambda _: True)
            yield Trace(resource=resource, decisions=decisions, lines=tuple(lines))


def write_report(report: Report, stream: TextIO, name: str = "text", *, color: bool = False, quiet: bool = False) -> None:
    """Writes a report in the format `name`. Raises `UsageError` for a format that does not exist."""
    reporters: dict[str, Reporter] = plugins.installed("reporters")
    if name not in reporters:
        raise UsageError(f"there is no report format {name!r}; there are {', '.join(reporters)}")
    reporters[name](report, stream, color=color, quiet=quiet)


def _read(paths: Sequence[str], spool: Spool, cut: bool, holding: frozenset[str] = frozenset()) -> Iterator[Piece | InputProblem]:
    seen: set[str] = set()
    for path in paths:
        pieces: Iterator[Piece | InputProblem] | None = plugins.manager().hook.read_documents(path=path, spool=spool, cut=cut, seen=seen, holding=holding)
        if pieces is None:
            raise UsageError(f"no plug-in reads {path!r}")
        yield from pieces

"""The public functions behind `import hostprocess`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any, TextIO, TypedDict, Unpack

import pluggy

from hostprocess.admission import OPERATIONS, Circumstances, check_subresource
from hostprocess.authorization import authorizer_inputs
from hostprocess.bindings import complete_bindings, release_note
from hostprocess.cel.runtime import NEWEST
from hostprocess.check import Judge, Outcomes, Progress, Review, judge_files, judge_resources, look_up
from hostprocess.compile import check_names
from hostprocess.errors import HostprocessError, InputError, PolicyError, UsageError, suggestion
from hostprocess.evaluate import EvaluatePolicy, Evaluator
from hostprocess.exceptions.find import find_file
from hostprocess.explain import explain_rule, find_symptom
from hostprocess.export.options import Export, ExportOptions
from hostprocess.given import Given, undisputed, user_info
from hostprocess.hookspecs import PolicySource, Reporter, Selection
from hostprocess.inventory import Inventory
from hostprocess.kubernetes.admitted import FIELD_VALIDATIONS, PLUGINS
from hostprocess.kubernetes.kinds import POD_TEMPLATES, plural, template_path
from hostprocess.kubernetes.reader import Piece, read_piece
from hostprocess.kubernetes.source import STANDARD_INPUT, Spool
from hostprocess.model import CLUSTER, Binding, InputProblem, Policy, Report, Resource, Targets
from hostprocess.plugins import BUILT_IN, collect, make_manager
from hostprocess.policy_lint.report import LintReport
from hostprocess.presenting import Presenter
from hostprocess.releases import as_release
from hostprocess.rules import PACK_FILE, Pack, built_in_folder, load_pack
from hostprocess.runtimes import choose
from hostprocess.version import __version__

if TYPE_CHECKING:
    from hostprocess.convert import Conversion
    from hostprocess.coverage.model import Coverage  # of runs with coverage only
    from hostprocess.excepting import Excepting  # of runs with exceptions or a baseline only
    from hostprocess.fix.files import FileFix
    from hostprocess.fix.session import Fixer
    from hostprocess.live.cluster import LiveCluster  # of runs with --cluster only
    from hostprocess.mutation.model import FileReport as MutationFile
    from hostprocess.mutation.model import MutationReport
    from hostprocess.suite.formats import SuiteFormat  # of runs of suites only, as the next ones
    from hostprocess.suite.model import Subject
    from hostprocess.suite.run import Runner
    from hostprocess.suite.session import FileResult, SuiteReport, Workbench
    from hostprocess.suite.subjects import PolicySubject
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


@dataclass(frozen=True, slots=True)
class PolicySet:
    """Policies and bindings from one or more sources, ready to be evaluated.

    `objects` are the parameters and other objects that lay beside them; `problems` are notes about policies that do nothing.
    """

    policies: tuple[Policy, ...]
    bindings: tuple[Binding, ...]
    targets: Targets
    packs: tuple[Pack, ...] = ()
    objects: tuple[Resource, ...] = ()
    problems: tuple[InputProblem, ...] = ()


class RunArguments(TypedDict, total=False):
    """What `evaluate_resources` and `check_files` both take.

    namespace: stands in where a manifest names none. operation: `CREATE`, `UPDATE`, `DELETE` or `CONNECT`. subresource: the one that is requested.
    user, groups, user_extra: who makes the requests; without, what depends on it is unknown. assumed_namespace_labels: those of Namespaces that were
    not given. runtime: `cpp`, `celpy` or `tree`, by default `tree`, or `celpy` where that cannot be had. cross_check: evaluates on `cpp` and `celpy`.
    expression_timeout: seconds that one evaluation may take. show_all: keeps results that allow or skip.
    field_validation: `strict`, `warn` or `ignore` for fields that do not exist. admission_plugins: mutating plug-ins to imitate. raw: takes objects as
    they are written, without defaults and without checks.
    exceptions: a file with exceptions, as `find_exceptions` finds it. exception_annotations: lets objects except themselves. expiry_notice: how many days
    before their end exceptions are told of (default: 14). today: the day on which they are judged (default: the current one in UTC). baseline: a file
    with findings that do not count. write_baseline: makes that file where there is none, or takes out of it what is gone; force: adds to it, too.
    """

    namespace: str
    operation: str
    subresource: str
    user: str
    groups: Sequence[str]
    user_extra: Mapping[str, Sequence[str]]
    assumed_namespace_labels: Mapping[str, str] | None
    runtime: str
    cross_check: bool
    expression_timeout: float
    show_all: bool
    field_validation: str
    admission_plugins: Sequence[str]
    raw: bool
    exceptions: str
    exception_annotations: bool
    expiry_notice: int
    today: date | None
    baseline: str
    write_baseline: bool
    force: bool


def load_policies(
    paths: Sequence[str] = (),
    *,
    bundles: Sequence[str] = (),
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    kubernetes: str = "",
    containerd: str = "",
    with_params: bool = False,
    with_authorizer: bool = False,
    assume_binding: str = "",
    cluster: LiveCluster | None = None,
) -> PolicySet:
    """Loads policies.

    Arguments: `paths` are rule packs (folders with pack.yaml) and files or folders of ValidatingAdmissionPolicy YAML, with their bindings and
    parameters; none means the built-in pack; `bundles`, `select` and `ignore` name bundles and rules of packs; `kubernetes` and `containerd` are the
    target releases as `major.minor`, empty means those the pack is written for; `with_params` switches on the bundles that take parameters,
    `with_authorizer` the rules that ask the authorizer; `assume_binding` (`deny`, `warn` or `audit`) binds the policies that have no binding;
    `cluster` is the one whose policies the path `cluster://` stands for.
    Raises `PolicyError` for a source that is not valid and `UsageError` for a name or a release that does not exist.
    """
    kubernetes, containerd = as_release(kubernetes, "kubernetes"), as_release(containerd, "containerd")
    selection = Selection(
        kubernetes=kubernetes,
        containerd=containerd,
        bundles=tuple(bundles),
        select=tuple(select),
        ignore=tuple(ignore),
        with_params=with_params,
        with_authorizer=with_authorizer,
    )
    given = dict.fromkeys(paths or [""])
    sources = [_source(path, selection, cluster) for path in given]
    notes = _selection_notes(dict(zip(given, sources, strict=True)), selection)
    targets = next((source.targets for source in sources if source.targets), None) or _default_targets(kubernetes, containerd)
    notes += [note for source in sources for note in source.notes]
    owners: dict[str, str] = {}
    for source in sources:
        for policy in source.policies:
            if policy.name in owners:
                raise UsageError(f"the policy {policy.name!r} is given twice: by {owners[policy.name]} and by {policy.path}")
            owners[policy.name] = policy.path
    policies = tuple(policy for source in sources for policy in source.policies)
    bindings, problems = complete_bindings(policies, [binding for source in sources for binding in source.bindings], assume_binding)
    beside = Given()
    found = beside.objects(resource for source in sources for resource in source.objects)
    beside.settle()
    return PolicySet(
        policies=policies,
        bindings=bindings,
        targets=targets,
        packs=tuple(source.pack for source in sources if source.pack),
        objects=tuple(found),
        problems=(*notes, *problems),
    )


def load_rules(path: str = "") -> Pack:
    """The rules of a pack, with all that the rule files say; the built-in pack unless `path` names another. Raises `PolicyError`."""
    return load_pack(path or built_in_folder())


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
    known = given.distinct([*given.distinct(given.objects(inventory)), *_looked_up(policies.objects)], named=False)
    excepts = _excepting(policies, arguments)
    setup = _setup(policies, [resource.object for resource in known], given, old, arguments, excepts)
    outcomes = judge_resources(resources, setup(), settle=excepts.settle if excepts else None)
    return _report(policies, setup, outcomes, given.notes, excepts)


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
    read = [*given.distinct(given.objects(read_resources(inventory))), *_looked_up(policies.objects)]
    if params:
        read += given.parameters(params, read_resources([params]), policies.policies, policies.bindings)
    known = [resource.object for resource in given.distinct(read, named=False)]
    strict = not arguments.get("raw") and arguments.get("field_validation", "strict") == "strict"  # what is stored is checked as what replaces it
    excepts = _excepting(policies, arguments)
    setup = _setup(policies, known, given, _resources(old, Spool(), strict) if old else None, arguments, excepts)
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
    return _report(policies, setup, outcomes, [*given.notes, *notes], excepts, whole=not any(map(os.path.isfile, paths)))


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
    read = [*given.distinct(given.objects(read_resources(inventory))), *_looked_up(policies.objects)]
    if params:
        read += given.parameters(params, read_resources([params]), policies.policies, policies.bindings)
    known = [resource.object for resource in given.distinct(read, named=False)]
    arguments["raw"] = True  # what is stored has its defaults
    excepts = _excepting(policies, arguments)
    several = by_release or {policies.targets.containerd: policies}
    setups = {release: _setup(one, known, given, None, arguments, excepts) for release, one in several.items()}
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
    return _report(_together(policies, several), setup, outcomes, told, excepts, whole=not cluster.namespace)


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
    setup = _setup(policies, (), Given(policies.targets.kubernetes or NEWEST), None, arguments, _excepting(policies, arguments))
    runtime = choose(collect(_manager(), "cel_runtimes"), arguments.get("runtime", "")).pack
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
    return [problem for rule in pack.rules for found in _manager().hook.check_rule(rule=rule, pack=pack) for problem in found]


def is_pack(path: str) -> bool:
    """Whether a path is a rule pack, a folder with `pack.yaml`; the empty path is the built-in pack."""
    return not path or os.path.isfile(os.path.join(path, PACK_FILE))


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
    return list(collect(_manager(), "reporters"))


def runtime_names() -> list[str]:
    """The CEL runtimes there are."""
    return list(collect(_manager(), "cel_runtimes"))


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

    chosen = _chosen(rule, policies, kubernetes, containerd)
    given = Given(chosen.targets.kubernetes or NEWEST)
    read = [*given.distinct(given.objects(read_resources(inventory))), *_looked_up(chosen.objects)]
    if params:
        read += given.parameters(params, read_resources([params]), chosen.policies, chosen.bindings)
    known = [resource.object for resource in given.distinct(read, named=False)]
    setup = _setup(chosen, known, given, None, {**arguments, "show_all": True})
    evaluator = setup.evaluator()
    judge = Judge(evaluator, setup.circumstances, setup.presenter)
    subject = _subject(chosen, rule)
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


def _chosen(rule: str, policies: Sequence[str], kubernetes: str, containerd: str) -> PolicySet:
    if all(is_pack(path) for path in policies or ("",)):
        packs = [load_rules(path) for path in policies or ("",)]
        check_names(packs, (), [rule])
        return load_policies(policies, select=[rule], kubernetes=kubernetes, containerd=containerd)
    found = _bound(policies, kubernetes=kubernetes, containerd=containerd)
    named = tuple(policy for policy in found.policies if policy.name == rule)
    if not named:
        names = [policy.name for policy in found.policies]
        raise UsageError(f"there is no policy {rule!r}" + (suggestion(rule, names) or f"; there are {', '.join(names)}"))
    return replace(found, policies=named)


def _bound(paths: Sequence[str], *, select: Sequence[str] = (), kubernetes: str = "", containerd: str = "") -> PolicySet:
    """Policies of which those without a binding get one that denies: what is asked of them is what they would say."""
    sources = [_source(path, Selection()) for path in paths]
    bound = {binding.policy_name for source in sources for binding in source.bindings}
    unbound = any(policy.name not in bound for source in sources for policy in source.policies)
    return load_policies(paths, select=select, kubernetes=kubernetes, containerd=containerd, assume_binding="deny" if unbound else "")


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

    return mutate_paths(paths, suite_formats(), _Workbench(tuple(policies)), keyword=keyword, evaluate_policy=_wrapped_evaluation, jobs=jobs, tell=tell)


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
    return collect(_manager(), "suite_formats")


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
            return Runner(choose(collect(_manager(), "cel_runtimes"), "").pack, _wrapped_evaluation())
        try:
            from hostprocess.suite.covering import CoveringRunner  # needs cel-expr-python, which has no wheel everywhere
        except ImportError as error:
            raise UsageError(f"coverage needs the runtime tree, which is not installed: {error}") from None
        return CoveringRunner(_wrapped_evaluation())

    def _default(self) -> Subject:
        found = _bound(self.policies, select=self.select, kubernetes=self.kubernetes)
        return _subject(found, ", ".join(self.policies) or found.packs[0].name)


def _subject(found: PolicySet, name: str) -> PolicySubject:
    from hostprocess.suite.subjects import PolicySubject

    return PolicySubject(
        name=name,
        policies=found.policies,
        bindings=found.bindings,
        objects=[one.object for one in _looked_up(found.objects)],
        kubernetes=found.targets.kubernetes,
        containerd=found.targets.containerd,
        rules={rule.id: rule for pack in found.packs for rule in pack.rules},
    )


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
    circumstances: Circumstances
    runtime: str
    cross_check: bool
    expression_timeout: float
    show_all: bool
    assumed_labels: Mapping[str, str] | None
    presenter: Presenter
    plugins: tuple[object, ...] = ()
    review: Review | None = None

    def __call__(self) -> Judge:
        return Judge(self.evaluator(), self.circumstances, self.presenter, self.review)

    def evaluator(self) -> Evaluator:
        """With every policy compiled that is not known to be sound."""
        runtimes = choose(collect(_manager(), "cel_runtimes"), self.runtime, cross_check=self.cross_check, timeout=self.expression_timeout)
        inventory = replace(self.inventory, assumed_labels=self.assumed_labels)
        evaluator = Evaluator(
            self.policies.policies,
            self.policies.bindings,
            runtimes.pack,
            inventory,
            show_all=self.show_all,
            evaluate_policy=_wrapped_evaluation(self.plugins),
            foreign=runtimes.foreign,
            exact=runtimes.exact,
            kubernetes=self.policies.targets.kubernetes,
            authorizer=authorizer_inputs(inventory),
        )
        # Packs are checked by their lint and their suites; what comes from elsewhere is refused here, as the API server would.
        evaluator.check(trusted={pack.folder for pack in self.policies.packs})
        return evaluator


def _excepting(policies: PolicySet, arguments: RunArguments) -> Excepting | None:
    if not any(arguments.get(name) for name in ("exceptions", "exception_annotations", "baseline", "write_baseline", "force")):
        return None
    from hostprocess.excepting import NOTICE, ExceptingOptions, excepting  # of such runs only

    wanted = ExceptingOptions(
        exceptions=arguments.get("exceptions", ""),
        annotations=arguments.get("exception_annotations", False),
        notice=arguments.get("expiry_notice", NOTICE),
        today=arguments.get("today"),
        baseline=arguments.get("baseline", ""),
        write=arguments.get("write_baseline", False),
        force=arguments.get("force", False),
    )
    return excepting(wanted, policies.policies, policies.packs)


def _setup(
    policies: PolicySet,
    known: Iterable[JSONObject],
    given: Given,
    old: Iterable[Resource | InputProblem] | None,
    arguments: RunArguments,
    excepts: Excepting | None = None,
) -> _Setup:
    namespace, operation, user = arguments.get("namespace", ""), arguments.get("operation", "CREATE"), arguments.get("user", "")
    groups, extra = arguments.get("groups", ()), arguments.get("user_extra", {})
    if operation not in OPERATIONS:
        raise UsageError(f"there is no operation {operation!r}; there are {', '.join(OPERATIONS)}")
    if old is not None and operation != "UPDATE":
        raise UsageError(f"--old is for --operation UPDATE: {operation} {'replaces nothing' if operation != 'DELETE' else 'is about the objects themselves'}")
    if (groups or extra) and not user:
        raise UsageError("--group and --user-extra say more about --user: give that, too")
    if operation == "CONNECT" and arguments.get("subresource", "x") == "":
        raise UsageError("--operation CONNECT needs --subresource: exec, attach, portforward or proxy")
    check_subresource(arguments.get("subresource", ""), operation, policies.policies)
    old_objects = given.stored(old, namespace) if old is not None else None
    given.settle()
    circumstances = Circumstances(
        operation=operation,
        namespace=namespace,
        subresource=arguments.get("subresource", ""),
        old_objects=old_objects,
        **({"user_info": user_info(user, groups, extra)} if user else {}),
    )
    return _Setup(
        policies=policies,
        inventory=Inventory.of(known, kubernetes=policies.targets.kubernetes or NEWEST),
        circumstances=circumstances,
        runtime=arguments.get("runtime", ""),
        cross_check=arguments.get("cross_check", False),
        expression_timeout=arguments.get("expression_timeout", 0),
        show_all=arguments.get("show_all", False),
        assumed_labels=arguments.get("assumed_namespace_labels"),
        presenter=_presenter(policies.targets.kubernetes, arguments),
        plugins=excepts.plugins if excepts else (),
        review=excepts.review if excepts else None,
    )


def _presenter(kubernetes: str, arguments: RunArguments) -> Presenter:
    validation, plugins = arguments.get("field_validation", "strict"), tuple(arguments.get("admission_plugins", ()))
    raw = arguments.get("raw", False)
    if validation not in FIELD_VALIDATIONS:
        raise UsageError(f"there is no field validation {validation!r}; there are {', '.join(FIELD_VALIDATIONS)}")
    if wrong := [name for name in plugins if name not in PLUGINS]:
        raise UsageError(f"the admission plug-in {wrong[0]!r} is not imitated; there are {', '.join(PLUGINS)}")
    if raw and (plugins or validation != "strict"):
        raise UsageError("--raw takes objects as they are written: leave out --admission-plugins and --field-validation")
    return Presenter(kubernetes=kubernetes or NEWEST, field_validation=validation, plugins=plugins, raw=raw)


@cache
def _manager() -> pluggy.PluginManager:
    return make_manager()


def _wrapped_evaluation(plugins: Sequence[object] = ()) -> EvaluatePolicy | None:
    """The hook `evaluate_policy` with those plug-ins of the run, the last outermost; None if nobody but this package answers it: a call through the
    plug-in manager costs as much as an expression."""
    hook = (make_manager(plugins) if plugins else _manager()).hook.evaluate_policy
    names = [one.plugin_name for one in hook.get_hookimpls()]
    return None if names == list(BUILT_IN) else hook


def _source(path: str, selection: Selection, cluster: LiveCluster | None = None) -> PolicySource:
    if path == CLUSTER:
        if cluster is None:
            raise UsageError(f"--policies {CLUSTER} are those of the cluster that --cluster names")
        found = cluster.policies()
        return PolicySource(policies=found.policies, bindings=found.bindings)
    source: PolicySource | None = _manager().hook.policy_sources(path=path, selection=selection)
    if source is None:
        raise UsageError(f"no plug-in reads policies from {path!r}")
    return source


def _selection_notes(sources: Mapping[str, PolicySource], selection: Selection) -> list[InputProblem]:
    """Notes about what a selection does not reach. Raises `UsageError` if it reaches nothing, or names what does not exist."""
    others = [path for path, source in sources.items() if not source.pack]
    notes = [note for path in others if (note := release_note(selection.kubernetes, path))]
    chosen = {"bundle": selection.bundles, "select": selection.select, "ignore": selection.ignore, "with-authorizer": selection.with_authorizer}
    options = [f"--{name}" for name, values in chosen.items() if values]
    if not options:
        return notes
    option = " and ".join(options)
    if len(others) == len(sources):
        raise UsageError(f"{option}: there are no rules to choose from, as {', '.join(others)} is no rule pack (a folder with {PACK_FILE}); leave it out")
    check_names([source.pack for source in sources.values() if source.pack], selection.bundles, (*selection.select, *selection.ignore))
    if not any(source.policies for source in sources.values()):
        raise UsageError(f"no rule is left to check: {option} and the releases leave none")
    return notes + [InputProblem(path=path, message=f"{option} chooses rules of packs: all policies of this file are judged", note=True) for path in others]


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


def _looked_up(resources: Iterable[Resource]) -> list[Resource]:
    """The objects beside policies that can be looked up: manifests to try the policies on may lie there too, several of one name."""
    return [one for one in resources if template_path(one.api_version, one.kind) is None]


def _report(
    policies: PolicySet,
    setup: _Setup,
    outcomes: Outcomes,
    told: Sequence[InputProblem] = (),
    excepts: Excepting | None = None,
    *,
    whole: bool = True,
) -> Report:
    unmatched = (setup.circumstances.old_objects or {}).keys() - outcomes.joined
    notes = [InputProblem(path="", message=f"--old: nothing updates the {kind} {name!r}", note=True) for _, kind, _, name in sorted(unmatched)]
    if excepts:
        outcomes.problems = excepts.finish(outcomes.problems, whole)
    used = {validation.rule for policy in policies.policies for validation in policy.validations}
    return Report(
        targets=policies.targets,
        summary=outcomes.summary(),
        results=outcomes.results,
        problems=(*policies.problems, *told, *outcomes.problems, *notes),
        version=__version__,
        pack_version=", ".join(f"{pack.name} {pack.version}" for pack in policies.packs),
        rules=tuple(rule for pack in policies.packs for rule in pack.rules if rule.id in used),
        policies=policies.policies,
    )

"""The public functions behind `import hostprocess`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain
from typing import Any, TextIO, TypedDict, Unpack

import pluggy

from hostprocess.admission import OPERATIONS, Circumstances, check_subresource
from hostprocess.authorization import authorizer_inputs
from hostprocess.bindings import complete_bindings, release_note
from hostprocess.cel.runtime import NEWEST
from hostprocess.check import Judge, Outcomes, Progress, judge_files, judge_resources, look_up
from hostprocess.compile import check_names
from hostprocess.errors import InputError, UsageError
from hostprocess.evaluate import EvaluatePolicy, Evaluator
from hostprocess.explain import explain_rule, find_symptom
from hostprocess.export.options import Export, ExportOptions
from hostprocess.given import Given, undisputed, user_info
from hostprocess.hookspecs import PolicySource, Reporter, Selection
from hostprocess.inventory import Inventory
from hostprocess.kubernetes.admitted import FIELD_VALIDATIONS, PLUGINS
from hostprocess.kubernetes.kinds import template_path
from hostprocess.kubernetes.reader import Piece, read_piece
from hostprocess.kubernetes.source import STANDARD_INPUT, Spool
from hostprocess.model import Binding, InputProblem, Policy, Report, Resource, Targets
from hostprocess.plugins import BUILT_IN, collect, make_manager
from hostprocess.policy_lint.report import LintReport
from hostprocess.presenting import Presenter
from hostprocess.rules import PACK_FILE, Pack, built_in_folder, load_pack
from hostprocess.runtimes import choose
from hostprocess.version import __version__

__all__ = [
    "PolicySet",
    "RunArguments",
    "check_files",
    "evaluate_resources",
    "explain_rule",
    "export_policies",
    "find_symptom",
    "is_pack",
    "lint_policies",
    "lint_rules",
    "load_policies",
    "load_rules",
    "read_params",
    "read_resources",
    "reporter_names",
    "runtime_names",
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
    not given. runtime: `cpp`, `celpy` or `tree` for all policies; by default `cpp` for those of packs, and `tree` for others. cross_check: evaluates
    on `cpp` and `celpy`. expression_timeout: seconds that one evaluation may take. show_all: keeps results that allow or skip.
    field_validation: `strict`, `warn` or `ignore` for fields that do not exist. admission_plugins: mutating plug-ins to imitate. raw: takes objects as
    they are written, without defaults and without checks.
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


def load_policies(
    paths: Sequence[str] = (),
    *,
    bundles: Sequence[str] = (),
    select: Sequence[str] = (),
    ignore: Sequence[str] = (),
    kubernetes: str = "",
    containerd: str = "",
    with_params: bool = False,
    assume_binding: str = "",
) -> PolicySet:
    """Loads policies.

    Arguments: `paths` are rule packs (folders with pack.yaml) and files or folders of ValidatingAdmissionPolicy YAML, with their bindings and
    parameters; none means the built-in pack; `bundles`, `select` and `ignore` name bundles and rules of packs; `kubernetes` and `containerd` are the
    target releases as `major.minor`, empty means those the pack is written for; `with_params` switches on the bundles that take parameters;
    `assume_binding` (`deny`, `warn` or `audit`) binds the policies that have no binding.
    Raises `PolicyError` for a source that is not valid and `UsageError` for a name that does not exist.
    """
    selection = Selection(
        kubernetes=kubernetes, containerd=containerd, bundles=tuple(bundles), select=tuple(select), ignore=tuple(ignore), with_params=with_params
    )
    given = dict.fromkeys(paths or [""])
    sources = [_source(path, selection) for path in given]
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
    setup = _setup(policies, [resource.object for resource in known], given, old, arguments)
    return _report(policies, setup, judge_resources(resources, setup()), given.notes)


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
    setup = _setup(policies, known, given, read_resources(old) if old else None, arguments)
    judge = setup()
    kinds = judge.evaluator.looks_up()
    found, notes = undisputed(look_up(_read(paths, spool, cut=True, holding=kinds), kinds) if kinds else ())
    if found:
        setup = replace(setup, inventory=Inventory.of(known, found, kubernetes=policies.targets.kubernetes or NEWEST))
        judge = setup()
    make_judge: Callable[[], Judge] = setup if jobs > 1 else lambda: judge
    return _report(policies, setup, judge_files(_read(paths, spool, cut=jobs > 1), make_judge, jobs=jobs, progress=progress), [*given.notes, *notes])


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

    def __call__(self) -> Judge:
        runtimes = choose(collect(_manager(), "cel_runtimes"), self.runtime, cross_check=self.cross_check, timeout=self.expression_timeout)
        inventory = replace(self.inventory, assumed_labels=self.assumed_labels)
        evaluator = Evaluator(
            self.policies.policies,
            self.policies.bindings,
            runtimes.pack,
            inventory,
            show_all=self.show_all,
            evaluate_policy=_wrapped_evaluation(),
            foreign=runtimes.foreign,
            exact=runtimes.exact,
            kubernetes=self.policies.targets.kubernetes,
            authorizer=authorizer_inputs(inventory),
        )
        # Packs are checked by their lint and their suites; what comes from elsewhere is refused here, as the API server would.
        evaluator.check(trusted={pack.folder for pack in self.policies.packs})
        return Judge(evaluator, self.circumstances, self.presenter)


def _setup(policies: PolicySet, known: Iterable[JSONObject], given: Given, old: Iterable[Resource | InputProblem] | None, arguments: RunArguments) -> _Setup:
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


def _wrapped_evaluation() -> EvaluatePolicy | None:
    """The hook `evaluate_policy`, None if nobody but this package answers it: a call through the plug-in manager costs as much as an expression."""
    hook = _manager().hook.evaluate_policy
    names = [one.plugin_name for one in hook.get_hookimpls()]
    return None if names == list(BUILT_IN) else hook


def _source(path: str, selection: Selection) -> PolicySource:
    source: PolicySource | None = _manager().hook.policy_sources(path=path, selection=selection)
    if source is None:
        raise UsageError(f"no plug-in reads policies from {path!r}")
    return source


def _selection_notes(sources: Mapping[str, PolicySource], selection: Selection) -> list[InputProblem]:
    """Notes about what a selection does not reach. Raises `UsageError` if it reaches nothing, or names what does not exist."""
    others = [path for path, source in sources.items() if not source.pack]
    notes = [note for path in others if (note := release_note(selection.kubernetes, path))]
    options = [f"--{name}" for name, values in (("bundle", selection.bundles), ("select", selection.select), ("ignore", selection.ignore)) if values]
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


def _report(policies: PolicySet, setup: _Setup, outcomes: Outcomes, told: Sequence[InputProblem] = ()) -> Report:
    unmatched = (setup.circumstances.old_objects or {}).keys() - outcomes.joined
    notes = [InputProblem(path="", message=f"--old: nothing updates the {kind} {name!r}", note=True) for _, kind, _, name in sorted(unmatched)]
    return Report(
        targets=policies.targets,
        summary=outcomes.summary(),
        results=outcomes.results,
        problems=(*policies.problems, *told, *outcomes.problems, *notes),
        version=__version__,
        pack_version=", ".join(f"{pack.name} {pack.version}" for pack in policies.packs),
    )

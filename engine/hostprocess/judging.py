"""The arguments of a run, and what they make of a set of policies: a judge of requests, and the report on what it found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Any, TypedDict

from hostprocess import plugins
from hostprocess.admission import OPERATIONS, Circumstances, check_subresource
from hostprocess.authorization import authorizer_inputs
from hostprocess.cel.runtime import NEWEST
from hostprocess.check import Judge, Outcomes, Review
from hostprocess.errors import UsageError
from hostprocess.evaluate import Evaluator
from hostprocess.given import Given, user_info
from hostprocess.inventory import Inventory
from hostprocess.kubernetes.admitted import FIELD_VALIDATIONS, PLUGINS
from hostprocess.model import InputProblem, Report, Resource
from hostprocess.policy_sets import PolicySet
from hostprocess.presenting import Presenter
from hostprocess.runtimes import choose
from hostprocess.version import __version__

if TYPE_CHECKING:
    from hostprocess.excepting import Excepting  # of runs with exceptions or a baseline only

__all__ = ["RunArguments", "Setup", "make_excepting", "make_report", "make_setup"]

JSONObject = dict[str, Any]


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


@dataclass(frozen=True, slots=True)
class Setup:
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
        runtimes = choose(plugins.installed("cel_runtimes"), self.runtime, cross_check=self.cross_check, timeout=self.expression_timeout)
        inventory = replace(self.inventory, assumed_labels=self.assumed_labels)
        evaluator = Evaluator(
            self.policies.policies,
            self.policies.bindings,
            runtimes.pack,
            inventory,
            show_all=self.show_all,
            evaluate_policy=plugins.wrapped_evaluation(self.plugins),
            foreign=runtimes.foreign,
            exact=runtimes.exact,
            kubernetes=self.policies.targets.kubernetes,
            authorizer=authorizer_inputs(inventory),
        )
        # Packs are checked by their lint and their suites; what comes from elsewhere is refused here, as the API server would.
        evaluator.check(trusted={pack.folder for pack in self.policies.packs})
        return evaluator


def make_setup(
    policies: PolicySet,
    known: Iterable[JSONObject],
    given: Given,
    old: Iterable[Resource | InputProblem] | None,
    arguments: RunArguments,
    excepts: Excepting | None = None,
) -> Setup:
    """What makes the judges of a run.

    `known` are the objects of the cluster, `old` the stored ones that an UPDATE replaces, of which `given` holds what is wrong with them; `excepts` is what
    `make_excepting` gives. Raises `UsageError` for arguments that make no sense together, and `InputError` for objects that cannot be used.
    """
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
    return Setup(
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


def make_excepting(policies: PolicySet, arguments: RunArguments) -> Excepting | None:
    """What sets findings aside by exceptions or a baseline; None if the arguments ask for neither. Raises as `excepting.excepting` does."""
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


def _presenter(kubernetes: str, arguments: RunArguments) -> Presenter:
    validation, imitated = arguments.get("field_validation", "strict"), tuple(arguments.get("admission_plugins", ()))
    raw = arguments.get("raw", False)
    if validation not in FIELD_VALIDATIONS:
        raise UsageError(f"there is no field validation {validation!r}; there are {', '.join(FIELD_VALIDATIONS)}")
    if wrong := [name for name in imitated if name not in PLUGINS]:
        raise UsageError(f"the admission plug-in {wrong[0]!r} is not imitated; there are {', '.join(PLUGINS)}")
    if raw and (imitated or validation != "strict"):
        raise UsageError("--raw takes objects as they are written: leave out --admission-plugins and --field-validation")
    return Presenter(kubernetes=kubernetes or NEWEST, field_validation=validation, plugins=imitated, raw=raw)


def make_report(
    policies: PolicySet,
    setup: Setup,
    outcomes: Outcomes,
    told: Sequence[InputProblem] = (),
    excepts: Excepting | None = None,
    *,
    whole: bool = True,
) -> Report:
    """The report of a run: `told` are further problems and notes, `whole` says whether all was judged that a baseline may be about."""
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

"""From the places where policies lie to a set of them that can be evaluated."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hostprocess import plugins
from hostprocess.bindings import complete_bindings, release_note
from hostprocess.compile import check_names
from hostprocess.errors import UsageError, suggestion
from hostprocess.given import Given
from hostprocess.hookspecs import PolicySource, Selection
from hostprocess.kubernetes.kinds import template_path
from hostprocess.model import CLUSTER, Binding, InputProblem, Policy, Resource, Targets
from hostprocess.releases import as_release
from hostprocess.rules import PACK_FILE, Pack, built_in_folder, load_pack

if TYPE_CHECKING:
    from hostprocess.live.cluster import LiveCluster  # of runs with --cluster only

__all__ = ["PolicySet", "bound_policies", "is_pack", "load_policies", "load_rules", "looked_up", "named_policies"]


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


def is_pack(path: str) -> bool:
    """Whether a path is a rule pack, a folder with `pack.yaml`; the empty path is the built-in pack."""
    return not path or os.path.isfile(os.path.join(path, PACK_FILE))


def bound_policies(paths: Sequence[str], *, select: Sequence[str] = (), kubernetes: str = "", containerd: str = "") -> PolicySet:
    """Policies of which those without a binding get one that denies: what is asked of them is what they would say."""
    sources = [_source(path, Selection()) for path in paths]
    bound = {binding.policy_name for source in sources for binding in source.bindings}
    unbound = any(policy.name not in bound for source in sources for policy in source.policies)
    return load_policies(paths, select=select, kubernetes=kubernetes, containerd=containerd, assume_binding="deny" if unbound else "")


def named_policies(rule: str, policies: Sequence[str], kubernetes: str, containerd: str) -> PolicySet:
    """The rule of this id, of packs, or the policy of this name, of other files; releases as of `load_policies`. Raises `UsageError` if there is none."""
    if all(is_pack(path) for path in policies or ("",)):
        packs = [load_rules(path) for path in policies or ("",)]
        check_names(packs, (), [rule])
        return load_policies(policies, select=[rule], kubernetes=kubernetes, containerd=containerd)
    found = bound_policies(policies, kubernetes=kubernetes, containerd=containerd)
    named = tuple(policy for policy in found.policies if policy.name == rule)
    if not named:
        names = [policy.name for policy in found.policies]
        raise UsageError(f"there is no policy {rule!r}" + (suggestion(rule, names) or f"; there are {', '.join(names)}"))
    return replace(found, policies=named)


def looked_up(resources: Iterable[Resource]) -> list[Resource]:
    """The objects beside policies that can be looked up: manifests to try the policies on may lie there too, several of one name."""
    return [one for one in resources if template_path(one.api_version, one.kind) is None]


def _source(path: str, selection: Selection, cluster: LiveCluster | None = None) -> PolicySource:
    if path == CLUSTER:
        if cluster is None:
            raise UsageError(f"--policies {CLUSTER} are those of the cluster that --cluster names")
        found = cluster.policies()
        return PolicySource(policies=found.policies, bindings=found.bindings)
    source: PolicySource | None = plugins.manager().hook.policy_sources(path=path, selection=selection)
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

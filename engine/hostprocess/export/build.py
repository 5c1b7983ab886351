"""A rule pack as the objects of a cluster: policies, the three sets of bindings, and what their parameters need."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hostprocess.compile import BINDING_SETS, PolicyKey, check_names, compile_policies, param_ref, select_rules
from hostprocess.errors import InputError, PolicyError, UsageError
from hostprocess.export.exemptions import NAMESPACE_NAME, selector_of
from hostprocess.export.objects import binding_object, policy_object
from hostprocess.export.options import Export, ExportOptions
from hostprocess.export.releases import Releases
from hostprocess.kubernetes.location import locate
from hostprocess.model import Binding, MatchConstraints, Policy, Resource, ResourceRule, Rule, RuleValidation, Targets
from hostprocess.policy_lint.structure import decode
from hostprocess.policy_lint.validation import policy_errors
from hostprocess.rules import PACK_FILE, Pack

__all__ = ["GROUP", "build"]

GROUP = "hostprocess.windows.policy"
"""The prefix of the labels and annotations that exported objects have."""
KUBE_SYSTEM = "kube-system"
JSONObject = Mapping[str, Any]


def build(pack: Pack, options: ExportOptions) -> Export:
    """Compiles a pack for export.

    Raises `UsageError` for names that do not exist and options that leave nothing to export, `PolicyError` for a rule that one of the releases would
    refuse.
    """
    check_names([pack], options.bundles, [*options.select, *options.ignore])
    options.exemptions.check()
    targets = Targets(
        kubernetes=options.releases.first,
        containerd=options.containerd or pack.containerd,
        kubernetes_until=options.releases.last.replace(options.releases.first, ""),
    )
    rules = select_rules(pack, targets, options.bundles, options.select, options.ignore, with_authorizer=options.with_authorizer)
    compiled = compile_policies(pack, rules, targets, per_rule=options.per_rule, severity_of=_severity_of(pack, options))
    if not compiled:
        raise UsageError("there is no rule to export: the chosen rules do not hold in all of these releases")
    policies = [(key, _adapted(policy, options)) for key, policy in compiled]
    objects = [policy_object(policy, options.releases.api_version, _about(pack, key, policy, _rules_of(policy, rules))) for key, policy in policies]
    for each in objects:
        _check_accepted(each, options.releases)
    bindings = {
        name: tuple(
            binding_object(binding, options.releases.api_version, {"labels": _labels(pack, key)})
            for key, policy in policies
            for binding in _bindings(pack, key, policy, name, options)
        )
        for name in options.sets
    }
    return Export(base=(*_params(pack, compiled, options), *objects), sets=bindings, notes=tuple(_notes(pack, options, rules, compiled, targets)))


def _severity_of(pack: Pack, options: ExportOptions) -> Any:
    """Errors of which only the documentation is evidence warn at most, unless asked for; naming a bundle that is off by default is asking for it."""

    def severity(rule: Rule, validation: RuleValidation) -> str:
        softened = rule.evidence == "documented" and pack.bundles[rule.bundle].default and not options.deny_documented
        return "warning" if softened and validation.severity == "error" else validation.severity

    return severity


# Policies.


def _adapted(policy: Policy, options: ExportOptions) -> Policy:
    pods, _ = _split(policy.match_constraints)
    constraints = replace(policy.match_constraints, resource_rules=pods) if options.workloads == "off" else policy.match_constraints
    return replace(policy, match_constraints=constraints, match_conditions=(*policy.match_conditions, *options.exemptions.conditions()))


def _split(constraints: MatchConstraints) -> tuple[tuple[ResourceRule, ...], tuple[ResourceRule, ...]]:
    """The resource rules about pods and their subresources, and those about what makes pods."""
    parts: tuple[list[ResourceRule], list[ResourceRule]] = ([], [])
    for rule in constraints.resource_rules:
        pods = [name for name in rule.resources if name.partition("/")[0] == "pods"]
        for listed, names in zip(parts, (pods, [name for name in rule.resources if name not in pods]), strict=True):
            if names:
                listed.append(replace(rule, resources=tuple(names)))
    return tuple(parts[0]), tuple(parts[1])


def _rules_of(policy: Policy, rules: Iterable[Rule]) -> list[Rule]:
    names = {one.rule for one in policy.validations}
    return [rule for rule in rules if rule.id in names]


def _labels(pack: Pack, key: PolicyKey) -> dict[str, str]:
    return {
        "app.kubernetes.io/managed-by": "hostprocess",
        f"{GROUP}/pack": pack.name,
        f"{GROUP}/pack-version": pack.version,
        f"{GROUP}/bundle": key.bundle,
        f"{GROUP}/severity": key.severity,
    }


def _about(pack: Pack, key: PolicyKey, policy: Policy, rules: Sequence[Rule]) -> JSONObject:
    annotations = {
        f"{GROUP}/title": rules[0].title if key.rule else pack.bundles[key.bundle].title,
        f"{GROUP}/rules": " ".join(rule.id for rule in rules),
        f"{GROUP}/source-digest": _digest(pack, rules),
    }
    return {"labels": _labels(pack, key), "annotations": annotations}


def _digest(pack: Pack, rules: Iterable[Rule]) -> str:
    """Of the files that the policy was made of: the pack's own and those of its rules, with the line ends of Unix."""
    digest = hashlib.sha256()
    for path in [Path(pack.folder) / PACK_FILE, *(Path(rule.path) for rule in rules)]:
        digest.update(path.read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return f"sha256:{digest.hexdigest()}"


def _check_accepted(policy: JSONObject, releases: Releases) -> None:
    for release in dict.fromkeys((releases.first, releases.last)):
        minor = int(release.split(".")[1])
        for error in policy_errors(decode(policy, minor).value, minor):
            raise PolicyError(f"the policy {policy['metadata']['name']} would be refused by Kubernetes {release}: {error.field}: {error.body}")


# Bindings.


def _bindings(pack: Pack, key: PolicyKey, policy: Policy, name: str, options: ExportOptions) -> Iterator[Binding]:
    """The bindings of a policy in one set: one, and in the set `deny` two more for what is only warned of."""
    actions = BINDING_SETS[name][key.severity]
    ref = param_ref(pack, key)
    made = Binding(
        name=f"{policy.name}-{name}",
        policy_name=policy.name,
        validation_actions=actions,
        param_ref=replace(ref, parameter_not_found_action=options.params_missing) if ref else None,
    )
    pods, workloads = _split(policy.match_constraints)
    if "Deny" not in actions:
        yield _narrowed(made, options)
        return
    apart = not options.include_kube_system
    others = [KUBE_SYSTEM] if apart else []
    by_kind = options.workloads == "warn" and pods and workloads
    yield _narrowed(made, options, others, pods if by_kind else ())
    warned = replace(made, validation_actions=BINDING_SETS["warn"][key.severity])
    if by_kind:
        yield _narrowed(replace(warned, name=f"{made.name}-workloads"), options, others, workloads)
    if apart and KUBE_SYSTEM not in options.exemptions.namespaces:
        only = {"key": NAMESPACE_NAME, "operator": "In", "values": [KUBE_SYSTEM]}
        selectors = [one for one in options.exemptions.namespace_requirements() if one["key"] != NAMESPACE_NAME]
        resources = MatchConstraints(namespace_selector=selector_of([only, *selectors]))
        yield replace(warned, name=f"{made.name}-{KUBE_SYSTEM}", match_resources=resources)


def _narrowed(binding: Binding, options: ExportOptions, others: Sequence[str] = (), rules: tuple[ResourceRule, ...] = ()) -> Binding:
    selector = selector_of(options.exemptions.namespace_requirements(others))
    if not selector and not rules:
        return binding
    return replace(binding, match_resources=MatchConstraints(namespace_selector=selector, resource_rules=rules))


# Parameters.


def _params(pack: Pack, policies: Iterable[tuple[PolicyKey, Policy]], options: ExportOptions) -> Iterator[JSONObject]:
    """The Namespace and the parameter object of the bundles that take one."""
    wanted = {key.bundle: pack.bundles[key.bundle].params for key, policy in policies if policy.param_kind}
    places = {(about["apiVersion"], about["kind"], about["namespace"], about["name"]): about for about in wanted.values() if about}
    if options.params is not None and not places:
        raise UsageError("--params: no rule of this export takes parameters; the bundle `access` does")
    labels = {"app.kubernetes.io/managed-by": "hostprocess", f"{GROUP}/pack": pack.name}
    for namespace in dict.fromkeys(place[2] for place in places):
        yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}}
    if options.params is not None:
        _check_params(options.params, list(places))
    for version, kind, namespace, name in places:
        given = options.params.object if options.params is not None else {}
        rest = {field: value for field, value in given.items() if field not in ("apiVersion", "kind", "metadata")}
        yield {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": namespace, "labels": labels}, **rest}


def _check_params(given: Resource, places: Sequence[tuple[str, str, str, str]]) -> None:
    here = (given.api_version, given.kind, given.namespace, given.name)
    if here not in places:
        wanted = " or ".join(f"the {kind} {namespace}/{name} of {version}" for version, kind, namespace, name in places)
        found = f"a {given.kind} {given.namespace or 'without namespace'}/{given.name} of {given.api_version}"
        raise _wrong(given, f"the parameters are {wanted}; this is {found}", ())
    data = given.object.get("data", {})
    if given.kind == "ConfigMap" and not isinstance(data, Mapping):
        raise _wrong(given, "data must be a mapping of strings, with one item a line", ("data",))
    for key, value in data.items() if given.kind == "ConfigMap" else ():
        if not isinstance(value, str):
            raise _wrong(given, f"data.{key} must be a string with one item a line; write it as {key}: |", ("data", key))


def _wrong(given: Resource, message: str, steps: tuple[str, ...]) -> InputError:
    place = locate(given.origin, steps)
    return InputError(f"--params: {message}", path=given.origin.path, line=place.line, column=place.column)


# What whoever exports should know.


def _notes(pack: Pack, options: ExportOptions, rules: Sequence[Rule], policies: Sequence[tuple[PolicyKey, Policy]], targets: Targets) -> Iterator[str]:
    if targets.kubernetes_until:
        ends = [Targets(kubernetes=one, containerd=targets.containerd) for one in (targets.kubernetes, targets.kubernetes_until)]
        at_ends = [select_rules(pack, end, options.bundles, options.select, options.ignore, with_authorizer=options.with_authorizer) for end in ends]
        left = sorted({rule.id for listed in at_ends for rule in listed} - {rule.id for rule in rules})
        parts = sorted(rule.id for rule in rules if any(not targets.allow(one) and any(end.allow(one) for end in ends) for one in rule.validations))
        if left or parts:
            named = ", ".join([*left, *(f"{name} (in part)" for name in parts)])
            yield f"left out, because they do not hold in all of {options.releases}: {named}; export each release for itself to have them"
    missing = [policy.name for _, policy in policies if policy.param_kind]
    if missing and options.params_missing == "Deny":
        yield (
            "--params-missing deny: while the parameters are missing, the cluster refuses every pod and workload that is created or updated outside the "
            "exempt namespaces, Linux ones as well"
        )

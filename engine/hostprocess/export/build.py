"""A rule pack as the objects of a cluster: policies, the three sets of bindings, and what their parameters need."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from hostprocess.compile import BINDING_SETS, PolicyKey, check_names, compile_policies, param_ref, select_rules
from hostprocess.errors import PolicyError, UsageError
from hostprocess.export.exceptions import Waivers
from hostprocess.export.exemptions import KUBE_SYSTEM, NAMESPACE_NAME, selector_of
from hostprocess.export.objects import binding_object, policy_object
from hostprocess.export.options import Export, ExportOptions
from hostprocess.export.parameters import check_wanted, parameter_notes, parameter_objects, places_of
from hostprocess.export.releases import Releases
from hostprocess.model import Binding, MatchConstraints, Policy, ResourceRule, Rule, RuleValidation, Targets
from hostprocess.policy_lint.structure import decode
from hostprocess.policy_lint.validation import policy_errors
from hostprocess.rules import PACK_FILE, Pack

__all__ = ["GROUP", "build"]

GROUP = "hostprocess.windows.policy"
"""The prefix of the labels and annotations that exported objects have."""
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
    rules = _chosen(pack, targets, options)
    waivers = Waivers(options.exceptions, pack, options.today)
    apart = partial(_apart, waivers, options)
    compiled = compile_policies(pack, rules, targets, apart=apart, severity_of=_severity_of(pack, options))
    if not compiled:
        raise UsageError("there is no rule to export: the chosen rules do not hold in all of these releases")
    places = places_of(pack, [key for key, policy in compiled if policy.param_kind])
    check_wanted(pack, places, options)
    policies = [(key, _excepted(_adapted(policy, options), key, waivers)) for key, policy in compiled]
    objects = [policy_object(policy, options.releases.api_version, _about(pack, key, policy, _rules_of(policy, rules), waivers)) for key, policy in policies]
    _check_distinct(policies)
    for each, (_, policy) in zip(objects, policies, strict=True):
        _check_accepted(each, policy, options.releases)
    bindings = {
        name: tuple(
            binding_object(binding, options.releases.api_version, {"labels": {**_labels(pack, key), f"{GROUP}/enforcement": name}})
            for key, policy in policies
            for binding in _bindings(pack, key, policy, name, options)
        )
        for name in options.sets
    }
    params = parameter_objects(places, options.params, _pack_labels(pack))
    notes = (
        *_notes(pack, options, rules, targets),
        *parameter_notes(places, options, [policy for _, policy in compiled if policy.param_kind]),
        *waivers.notes([rule.id for rule in rules]),
    )
    return Export(base=(*params, *objects), sets=bindings, notes=notes)


def _chosen(pack: Pack, targets: Targets, options: ExportOptions) -> list[Rule]:
    """The rules for one target. Whoever gives parameters wants the bundles that take them, as with `check`."""
    bundles = options.bundles
    if options.params is not None and not bundles:
        bundles = tuple(name for name, bundle in pack.bundles.items() if bundle.default or bundle.params)
    return select_rules(pack, targets, bundles, options.select, options.ignore, with_authorizer=options.with_authorizer)


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


def _apart(waivers: Waivers, options: ExportOptions, rule: Rule) -> bool:
    """Whether a rule is a policy of its own: an excepted one is, as what a policy does not match none of its rules judges."""
    return options.per_rule or bool(waivers.about(rule.id))


def _excepted(policy: Policy, key: PolicyKey, waivers: Waivers) -> Policy:
    return replace(policy, match_conditions=(*policy.match_conditions, *waivers.conditions(policy, key.rule))) if key.rule else policy


def _check_distinct(policies: Iterable[tuple[PolicyKey, Policy]]) -> None:
    owners: dict[str, PolicyKey] = {}
    for key, policy in policies:
        if policy.name in owners:
            raise PolicyError(f"two policies would be called {policy.name}: a rule and a bundle have the same name; rename one, or export --per-rule")
        owners[policy.name] = key


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


def _pack_labels(pack: Pack) -> dict[str, str]:
    return {"app.kubernetes.io/managed-by": "hostprocess", f"{GROUP}/pack": pack.name}


def _labels(pack: Pack, key: PolicyKey) -> dict[str, str]:
    return {
        **_pack_labels(pack),
        f"{GROUP}/pack-version": pack.version,
        f"{GROUP}/bundle": key.bundle,
        f"{GROUP}/severity": key.severity,
    }


def _about(pack: Pack, key: PolicyKey, policy: Policy, rules: Sequence[Rule], waivers: Waivers) -> JSONObject:
    annotations = {
        f"{GROUP}/title": rules[0].title if key.rule else pack.bundles[key.bundle].title,
        f"{GROUP}/rules": " ".join(rule.id for rule in rules),
        f"{GROUP}/source-digest": _digest(pack, rules),
        **(waivers.annotations(GROUP, key.rule) if key.rule else {}),
    }
    return {"labels": _labels(pack, key), "annotations": annotations}


def _digest(pack: Pack, rules: Iterable[Rule]) -> str:
    """Of the files that the policy was made of: the pack's own and those of its rules, with the line ends of Unix."""
    digest = hashlib.sha256()
    for path in [Path(pack.folder) / PACK_FILE, *(Path(rule.path) for rule in rules)]:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise PolicyError(f"cannot be read any more: {error.strerror}", path=str(path)) from None
        digest.update(content.replace(b"\r\n", b"\n") + b"\0")
    return f"sha256:{digest.hexdigest()}"


def _check_accepted(made: JSONObject, policy: Policy, releases: Releases) -> None:
    for release in dict.fromkeys((releases.first, releases.last)):
        minor = int(release.split(".")[1])
        for error in policy_errors(decode(made, minor).value, minor):
            index = re.match(r"spec\.validations\[(\d+)\]", error.field)
            rule = f" (rule {policy.validations[int(index[1])].rule})" if index else ""
            raise PolicyError(f"the policy {policy.name} would be refused by Kubernetes {release}: {error.field}{rule}: {error.body}")


# Bindings.


def _bindings(pack: Pack, key: PolicyKey, policy: Policy, name: str, options: ExportOptions) -> Iterator[Binding]:
    """The bindings of a policy in one set: one, and in the set `deny` two more for what is only warned of."""
    actions = BINDING_SETS[name][key.severity]
    ref = param_ref(pack, key)
    made = Binding(
        name=f"{policy.name}-{name}",
        policy_name=policy.name,
        validation_actions=actions,
        # Where nothing is denied for a rule's sake, nothing is for want of parameters; and that there is no object of a kind is no fault.
        param_ref=replace(ref, parameter_not_found_action=options.params_missing) if ref and ref.name and "Deny" in actions else ref,
    )
    pods, workloads = _split(policy.match_constraints)
    if "Deny" not in actions:
        yield _narrowed(made, options)
        return
    apart = not options.include_kube_system
    others = [KUBE_SYSTEM] if apart else []
    by_kind = options.workloads == "warn" and pods and workloads
    yield _narrowed(made, options, others, pods if by_kind else ())
    warned = replace(made, validation_actions=BINDING_SETS["warn"][key.severity], param_ref=ref)
    if by_kind:
        yield _narrowed(replace(warned, name=f"{made.name}-workloads"), options, others, workloads)
    if apart and KUBE_SYSTEM not in options.exemptions.namespaces:
        only = {"key": NAMESPACE_NAME, "operator": "In", "values": [KUBE_SYSTEM]}
        resources = MatchConstraints(namespace_selector=selector_of([only, *options.exemptions.selector_requirements()]))
        yield replace(warned, name=f"{made.name}-{KUBE_SYSTEM}", match_resources=resources)


def _narrowed(binding: Binding, options: ExportOptions, others: Sequence[str] = (), rules: tuple[ResourceRule, ...] = ()) -> Binding:
    selector = selector_of(options.exemptions.namespace_requirements(others))
    if not selector and not rules:
        return binding
    return replace(binding, match_resources=MatchConstraints(namespace_selector=selector, resource_rules=rules))


# What whoever exports should know.


def _notes(pack: Pack, options: ExportOptions, rules: Sequence[Rule], targets: Targets) -> Iterator[str]:
    where = f"Kubernetes {options.releases} with containerd {targets.containerd}"
    asked = [rule for rule in pack.rules if rule.id in options.select and rule.id not in options.ignore and rule not in rules]
    for rule in asked:
        yield f"{rule.id} is left out: it " + ("is retired" if rule.status == "retired" else f"does not hold in {where}")
    if targets.kubernetes_until:
        ends = [Targets(kubernetes=one, containerd=targets.containerd) for one in (targets.kubernetes, targets.kubernetes_until)]
        left = sorted({rule.id for end in ends for rule in _chosen(pack, end, options)} - {rule.id for rule in (*rules, *asked)})
        parts = sorted(rule.id for rule in rules if any(not targets.allow(one) and any(end.allow(one) for end in ends) for one in rule.validations))
        if left or parts:
            named = ", ".join([*left, *(f"{name} (in part)" for name in parts)])
            yield f"left out, because they do not hold in all of {options.releases}: {named}; export each release for itself to have them"

"""The kinds that the resourceRules of a policy match.

Source: k8s.io/apiserver/pkg/admission/plugin/policy/validating/typechecking.go, which gives up on wildcards and sub-resources; here they are followed
as far as the kinds are known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hostprocess.errors import suggestion
from hostprocess.policy_lint.narrowing import ANY_KIND, MatchedKind

__all__ = ["Matched", "Reach", "ResourceKinds", "matched_kinds", "shown_kinds", "unknown_resources"]

JSONObject = Mapping[str, Any]
_SAME_OBJECT = frozenset({"", "status", "ephemeralcontainers", "resize", "finalize", "approval"})
_MANY = 10  # kinds that one message lists
_WRITES = frozenset({"CREATE", "UPDATE", "DELETE"})
_CONNECTIONS = frozenset({"exec", "attach", "portforward", "proxy"})
_CREATED = frozenset({"eviction", "binding", "token"})
_OTHER_OBJECT: Mapping[str, tuple[str, str, str]] = {
    "scale": ("autoscaling", "v1", "Scale"),
    "eviction": ("policy", "v1", "Eviction"),
    "binding": ("", "v1", "Binding"),
    "exec": ("", "v1", "PodExecOptions"),
    "attach": ("", "v1", "PodAttachOptions"),
    "portforward": ("", "v1", "PodPortForwardOptions"),
    "token": ("authentication.k8s.io", "v1", "TokenRequest"),
}

ResourceKinds = Mapping[tuple[str, str, str], str]
"""Kinds by group, version and plural of the resource."""


@dataclass(frozen=True, slots=True)
class Reach:
    """The requests that a policy gets about a kind: their operations, and whether there are some that name no subresource."""

    operations: frozenset[str] = frozenset()
    plain: bool = False


@dataclass(frozen=True, slots=True)
class Matched:
    """The kinds that are known; `complete`: there are no others. `reach` has the requests about each, None stands for the others."""

    kinds: tuple[MatchedKind, ...]
    complete: bool
    reach: Mapping[MatchedKind | None, Reach] = field(default_factory=dict)


def matched_kinds(constraints: JSONObject, resources: ResourceKinds) -> Matched:
    """The kinds that matchConstraints match."""
    reach: dict[MatchedKind | None, Reach] = {}
    known = {key[0] for key in resources}
    for rule in constraints.get("resourceRules") or ():
        for one, subresource in _of_rule(rule or {}, resources, known):
            before, wanted = reach.get(one, Reach()), rule.get("operations") or ()
            operations = _operations(subresource) & (_operations("*") if "*" in wanted else frozenset(wanted))
            reach[one] = Reach(before.operations | operations, before.plain or subresource in ("", "*"))
    return Matched(tuple(sorted(one for one in reach if one is not None)), None not in reach, reach)


def _operations(subresource: str) -> frozenset[str]:
    """The operations that there are for a subresource."""
    if subresource == "*":
        return _WRITES | {"CONNECT"}
    if subresource in _CONNECTIONS:
        return frozenset({"CONNECT"})
    return _WRITES if not subresource else frozenset({"CREATE"}) if subresource in _CREATED else frozenset({"UPDATE"})


def _of_rule(rule: JSONObject, resources: ResourceKinds, known: set[str]) -> Iterator[tuple[MatchedKind | None, str]]:
    """The kinds that a rule matches, each with the subresource it names."""
    groups, versions = rule.get("apiGroups") or (), rule.get("apiVersions") or ()
    for name in rule.get("resources") or ():
        plural, _, subresource = str(name).partition("/")
        if subresource in _OTHER_OBJECT:
            yield MatchedKind(*_OTHER_OBJECT[subresource]), subresource
            continue
        # All kinds of all groups would be a hundred findings for one: they are checked as objects of any kind.
        each = plural == "*" and "*" not in groups and not subresource
        found = [key for key in resources if (each or key[2] == plural) and _among(key[0], groups) and _among(key[1], versions)]
        same = "" if subresource == "*" else subresource
        yield from ((MatchedKind(*key[:2], resources[key], key[2]), same) for key in found)
        # Whatever may be in a group that is not known, or in any.
        if not found or subresource not in _SAME_OBJECT or not known.issuperset(groups):
            yield None, subresource


def _among(value: str, given: Iterable[str]) -> bool:
    return "*" in given or value in given


def shown_kinds(kinds: Sequence[MatchedKind]) -> str:
    """`v1 Pod, apps/v1 Deployment`."""
    shown = [f"{kind.api_version} {kind.kind}" for kind in kinds if kind != ANY_KIND]
    if len(shown) > _MANY:
        shown = [*shown[: _MANY - 2], f"{len(shown) - _MANY + 2} more"]
    return ", ".join([*shown, *(["objects of any other kind" if shown else "objects of any kind"] if ANY_KIND in kinds else [])])


def unknown_resources(constraints: JSONObject, resources: ResourceKinds) -> Iterator[tuple[int, int, str, str]]:
    """Names of resources that none of the groups and versions of their rule has, all of which are known: index of the rule, of the name, the name, and
    what may be meant.
    """
    known = {key[0] for key in resources}
    for place, rule in enumerate(constraints.get("resourceRules") or ()):
        groups, versions = rule.get("apiGroups") or (), rule.get("apiVersions") or ()
        if not groups or not known.issuperset(groups):
            continue
        for index, name in enumerate(rule.get("resources") or ()):
            plural = str(name).partition("/")[0]
            if plural != "*" and not any(key[0] in groups and _among(key[1], versions) and key[2] == plural for key in resources):
                yield place, index, plural, _meant(plural, groups, resources)


def _meant(plural: str, groups: Iterable[str], resources: ResourceKinds) -> str:
    elsewhere = sorted({f"{key[0]}/{key[1]}".strip("/") for key in resources if key[2] == plural})
    if elsewhere:
        return f"{plural} is in {', '.join(elsewhere)}"
    own = {key[2]: kind for key, kind in resources.items() if key[0] in groups}
    named = [name for name, kind in own.items() if kind.lower() == plural.lower()]
    return f"did you mean {named[0]!r}?" if named else suggestion(plural, own).removeprefix("; ")

"""The kinds that the resourceRules of a policy match.

Source: k8s.io/apiserver/pkg/admission/plugin/policy/validating/typechecking.go, which gives up on wildcards and sub-resources; here they are followed
as far as the kinds are known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hostprocess.errors import suggestion
from hostprocess.policy_lint.narrowing import MatchedKind

__all__ = ["Matched", "ResourceKinds", "matched_kinds", "unknown_resources"]

JSONObject = Mapping[str, Any]
_SAME_OBJECT = frozenset({"", "status", "ephemeralcontainers", "resize", "finalize", "approval"})
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
class Matched:
    """The kinds that are known; `complete`: there are no others."""

    kinds: tuple[MatchedKind, ...]
    complete: bool


def matched_kinds(constraints: JSONObject, resources: ResourceKinds) -> Matched:
    """The kinds that matchConstraints match."""
    kinds: set[MatchedKind] = set()
    complete = True
    known = {key[0] for key in resources}
    for rule in constraints.get("resourceRules") or ():
        for one in _of_rule(rule or {}, resources, known):
            if one is None:
                complete = False
            else:
                kinds.add(one)
    return Matched(tuple(sorted(kinds)), complete)


def _of_rule(rule: JSONObject, resources: ResourceKinds, known: set[str]) -> Iterator[MatchedKind | None]:
    groups, versions = rule.get("apiGroups") or (), rule.get("apiVersions") or ()
    for name in rule.get("resources") or ():
        plural, _, subresource = str(name).partition("/")
        if plural == "*" and (subresource not in _OTHER_OBJECT):
            yield None
            continue
        if subresource in _OTHER_OBJECT:
            yield MatchedKind(*_OTHER_OBJECT[subresource])
            continue
        found = [key for key in resources if key[2] == plural and _among(key[0], groups) and _among(key[1], versions)]
        yield from (MatchedKind(group, version, resources[group, version, plural], plural) for group, version, _ in found)
        # Whatever may be in a group that is not known, or in any.
        if not found or subresource not in _SAME_OBJECT or not known.issuperset(groups):
            yield None


def _among(value: str, given: Iterable[str]) -> bool:
    return "*" in given or value in given


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

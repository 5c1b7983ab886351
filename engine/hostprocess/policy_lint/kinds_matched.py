"""The kinds that the resourceRules of a policy match.

Source: k8s.io/apiserver/pkg/admission/plugin/policy/validating/typechecking.go, which gives up on wildcards and sub-resources; here they are followed
as far as the kinds are known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hostprocess.policy_lint.narrowing import MatchedKind

__all__ = ["Matched", "ResourceKinds", "matched_kinds"]

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
    for rule in constraints.get("resourceRules") or ():
        for one in _of_rule(rule or {}, resources):
            if one is None:
                complete = False
            else:
                kinds.add(one)
    return Matched(tuple(sorted(kinds)), complete)


def _of_rule(rule: JSONObject, resources: ResourceKinds) -> Iterator[MatchedKind | None]:
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
        if not found or subresource not in _SAME_OBJECT or _missing(groups, {key[0] for key in found}) or _missing(versions, {key[1] for key in found}):
            yield None


def _among(value: str, given: Iterable[str]) -> bool:
    return "*" in given or value in given


def _missing(given: Iterable[str], found: set[str]) -> bool:
    # A group that does not have the resource is harmless as long as it is built in: nothing can be there.
    return any(one not in found and "." in one and not one.endswith(".k8s.io") for one in given)

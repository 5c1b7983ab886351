"""Which kinds no API server of a release has, though they look like built-in ones: misspelt, in the wrong version, or removed.

Source of the words: k8s.io/apimachinery/pkg/api/meta/errors.go (NoKindMatchError).
"""

from __future__ import annotations

import difflib
from functools import cache

from hostprocess.kubernetes.catalogue import kind_of, kinds
from hostprocess.kubernetes.kinds import group_version

__all__ = ["not_served"]

_REMOVED = frozenset(["extensions"])  # a group that is gone as a whole


@cache
def not_served(api_version: str, kind: str, kubernetes: str) -> str:
    """Why the API server of a release refuses a kind, and what to write; empty if it has it, or if it may be a kind of somebody else.

    Custom resources cannot be in a group of Kubernetes itself. Kinds of such groups that resemble none are let be: a `Status` is no resource.
    """
    if kind_of(api_version, kind, kubernetes) is not None:
        return ""
    group, _ = group_version(api_version)
    known = [one for one in kinds(kubernetes) if one[1] == kind]
    if group not in _groups(kubernetes) | _REMOVED:
        return ""
    words = f'no matches for kind "{kind}" in version "{api_version}"'
    if known:
        return f"{words}; Kubernetes {kubernetes} has it in {' and '.join(sorted(version for version, _ in known))}"
    named = {name.lower(): name for version, name in kinds(kubernetes) if version == api_version}
    close = difflib.get_close_matches(kind.lower(), named, 1, cutoff=0.8)  # so that PodList is not taken for a Pod
    return f"{words}; did you mean {named[close[0]]!r}?" if close else ""


@cache
def _groups(kubernetes: str) -> frozenset[str]:
    return frozenset(one.group for one in kinds(kubernetes).values())

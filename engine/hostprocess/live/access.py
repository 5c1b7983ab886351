"""What a check reads of a cluster, as paths, and as the rights that a role has to give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from hostprocess.kubernetes.kinds import group_version
from hostprocess.live.client import ClusterError

__all__ = ["Reading", "not_allowed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A list of objects, or with `name` one of them. Without `namespace` those of all namespaces, or of none."""

    api_version: str
    resource: str
    namespace: str = ""
    name: str = ""

    @property
    def path(self) -> str:
        """Where the API server has them."""
        start = f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        within = f"/namespaces/{quote(self.namespace, safe='')}" if self.namespace else ""
        return f"{start}{within}/{self.resource}" + (f"/{quote(self.name, safe='')}" if self.name else "")

    @property
    def words(self) -> str:
        """What is read, as messages name it."""
        group, _ = group_version(self.api_version)
        what = f"{self.resource}.{group}" if group else self.resource
        return what + (f" {self.name!r}" if self.name else "") + (f" in the namespace {self.namespace!r}" if self.namespace else "")


def not_allowed(readings: Sequence[Reading], error: ClusterError) -> str:
    """What a 403 for these means: the words of the server about one of them, and the rules that a role needs. All are in one namespace, or none is."""
    first = readings[0]
    said = " ".join(str(error.status.get("message") or "").split()) or f"{first.words} may not be read"
    others = f", and so for {', '.join(one.words for one in readings[1:])}" if len(readings) > 1 else ""
    role = f"a Role in the namespace {first.namespace!r}, or a ClusterRole," if first.namespace else "a ClusterRole"
    rules = _rules(readings)
    return f"403 Forbidden: {said}{others}; {role} needs the {'rule' if len(rules) == 1 else 'rules'} {', '.join(rules)}"


def _rules(readings: Sequence[Reading]) -> list[str]:
    found: dict[tuple[str, str, str], list[str]] = {}
    for one in readings:
        group, _ = group_version(one.api_version)
        names = f', resourceNames: ["{one.name}"]' if one.name else ""
        found.setdefault((group, names, "get" if one.name else "list"), []).append(f'"{one.resource}"')
    return [f'{{apiGroups: ["{group}"], resources: [{", ".join(resources)}]{names}, verbs: ["{verb}"]}}' for (group, names, verb), resources in found.items()]

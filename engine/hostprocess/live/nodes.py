"""The containerd releases of Windows nodes, and on which of them a pod can come to run."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hostprocess.kubernetes.kinds import template_path
from hostprocess.kubernetes.selectors import matches as selects
from hostprocess.live.access import Reading, not_allowed
from hostprocess.live.client import Client, ClusterError
from hostprocess.live.pages import pages
from hostprocess.live.stock import Stock, read_all

__all__ = ["Node", "Pools", "read_pools"]

JSONObject = dict[str, Any]
_RUNTIME = re.compile(r"containerd://v?(\d+)\.(\d+)")


@dataclass(frozen=True, slots=True)
class Node:
    """A node, as far as it matters where pods run."""

    name: str
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Pools:
    """The Windows nodes by the containerd release that they report, the oldest first; and what RuntimeClasses add to the node selectors of pods."""

    nodes: Mapping[str, tuple[Node, ...]]
    selectors: Mapping[str, Mapping[str, str]]

    def releases(self, api_version: str, kind: str, value: JSONObject) -> tuple[str, ...]:
        """The releases on whose nodes the pods of an object can run: all of them if it can run on none, as labels come and go."""
        spec = _pod_spec(api_version, kind, value)
        found = tuple(release for release, nodes in self.nodes.items() if any(self._takes(node, spec) for node in nodes))
        return found or tuple(self.nodes)

    def told(self, releases: Sequence[str]) -> str:
        """For which nodes something holds, in words."""
        several = [f"{release} (node {nodes[0].name}{f' and {len(nodes) - 1} more' if len(nodes) > 1 else ''})" for release, nodes in self._of(releases)]
        return f"containerd {', '.join(several)}"

    def _of(self, releases: Sequence[str]) -> list[tuple[str, tuple[Node, ...]]]:
        return [(release, self.nodes[release]) for release in releases]

    def _takes(self, node: Node, spec: JSONObject) -> bool:
        if spec.get("nodeName"):
            return bool(spec["nodeName"] == node.name)
        wanted = {**self.selectors.get(spec.get("runtimeClassName") or "", {}), **(spec.get("nodeSelector") or {})}
        if any(node.labels.get(key) != value for key, value in wanted.items()):
            return False
        required = ((spec.get("affinity") or {}).get("nodeAffinity") or {}).get("requiredDuringSchedulingIgnoredDuringExecution")
        return required is None or any(_term(term, node) for term in required.get("nodeSelectorTerms") or ())


def read_pools(client: Client) -> tuple[Pools, list[str]]:
    """The pools of a cluster, and notes about Windows nodes whose containerd release is not known. Raises `ClusterError`."""
    reading = Reading(api_version="v1", resource="nodes")
    found: dict[tuple[int, int], list[Node]] = {}
    others: list[str] = []
    try:
        for page in pages(client, reading.path, tell=lambda message: None):  # a node more or less at the edge of a list changes no pool
            for value in page:
                info = (value.get("status") or {}).get("nodeInfo") or {}
                node = Node(value["metadata"]["name"], value["metadata"].get("labels") or {})
                if "windows" not in (info.get("operatingSystem"), node.labels.get("kubernetes.io/os")):
                    continue
                if match := _RUNTIME.match(str(info.get("containerRuntimeVersion", ""))):
                    found.setdefault((int(match[1]), int(match[2])), []).append(node)
                else:
                    others.append(f"{node.name} ({info.get('containerRuntimeVersion') or 'no runtime'})")
    except ClusterError as error:
        if error.code != 403:
            raise
        raise ClusterError(f"--node-runtime: {not_allowed([reading], error)}", code=403) from None
    notes = [f"--node-runtime: not judged for Windows nodes without containerd: {', '.join(others[:5])}{' …' if len(others) > 5 else ''}"] if others else []
    if not found:
        notes.append("--node-runtime: no Windows node reports a containerd release, so the default one is judged for")
    return Pools({f"{major}.{minor}": tuple(nodes) for (major, minor), nodes in sorted(found.items())}, _selectors(client) if found else {}), notes


def _selectors(client: Client) -> dict[str, dict[str, str]]:
    classes = read_all(client, Reading(api_version="node.k8s.io/v1", resource="runtimeclasses"), Stock()) or []
    return {one["metadata"]["name"]: (one.get("scheduling") or {}).get("nodeSelector") or {} for one in classes}


def _pod_spec(api_version: str, kind: str, value: JSONObject) -> JSONObject:
    found: Any = value
    for step in (*(template_path(api_version, kind) or ()), "spec"):
        found = found.get(step) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def _term(term: JSONObject, node: Node) -> bool:
    """A term of a node affinity; an empty one matches nothing (k8s.io/component-helpers/scheduling/corev1/nodeaffinity)."""
    labels, fields = term.get("matchExpressions") or (), term.get("matchFields") or ()
    if not labels and not fields:
        return False
    return all(_requirement(one, node.labels) for one in labels) and all(_requirement(one, {"metadata.name": node.name}) for one in fields)


def _requirement(one: JSONObject, labels: Mapping[str, str]) -> bool:
    operator = one.get("operator")
    if operator not in ("Gt", "Lt"):
        return selects({"matchExpressions": [one]}, labels)
    try:
        value, bound = int(labels[one["key"]]), int(one["values"][0])
    except (KeyError, ValueError, IndexError):
        return False
    return value > bound if operator == "Gt" else value < bound

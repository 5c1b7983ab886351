"""RBAC on the cluster: objects, and when the authorizer knows of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

from kube_client import Json, user
from kube_cluster import Cluster

__all__ = ["GROUP", "V1", "bound", "may_do_all", "wait_for_rbac", "withdrawn"]

GROUP = "rbac.authorization.k8s.io"
V1 = f"{GROUP}/v1"
_SENTINEL = "test-rbac-sentinel"
_rounds = itertools.count(1)


def bound(kind: str, name: str, rules: Sequence[Json], subjects: Sequence[Json], namespace: str = "") -> list[Json]:
    """A Role or ClusterRole with its binding, in the namespace if there is one."""
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    binding = "RoleBinding" if namespace else "ClusterRoleBinding"
    about = metadata if kind == "Role" else {"name": name}
    return [
        {"apiVersion": V1, "kind": kind, "metadata": about, "rules": list(rules)},
        {"apiVersion": V1, "kind": binding, "metadata": metadata, "roleRef": {"apiGroup": GROUP, "kind": kind, "name": name}, "subjects": list(subjects)},
    ]


def may_do_all(cluster: Cluster, group: str) -> None:
    """Lets a group do all with built-in objects, but nothing with those of other API groups."""
    rules = [{"apiGroups": ["", "apps", "batch"], "resources": ["*"], "verbs": ["*"]}]
    cluster.apply_all(bound("ClusterRole", "test-" + group.replace(":", "-"), rules, [{"apiGroup": GROUP, "kind": "Group", "name": group}]))
    wait_for_rbac(cluster)


def withdrawn(cluster: Cluster, objects: Iterable[Json]) -> None:
    """Takes RBAC objects away."""
    for one in objects:
        cluster.required(cluster.delete(V1, one["kind"], one["metadata"]["name"], namespace=one["metadata"].get("namespace", "")))


def wait_for_rbac(cluster: Cluster) -> None:
    """Waits until the authorizer knows of all RBAC objects that were written before: each kind has an informer, which tells of changes in their order."""
    number = next(_rounds)
    for kind, namespace in (("ClusterRole", ""), ("Role", "default")):
        name = f"{_SENTINEL}-{number}"
        somebody = user(f"{name}-{kind.lower()}")
        rules = [{"apiGroups": ["example.com"], "resources": ["rounds"], "verbs": [f"v{number}"]}]
        cluster.apply_all(bound(kind, name, rules, [{"apiGroup": GROUP, "kind": "User", "name": somebody.user}], namespace))
        cluster.until(lambda who=somebody: cluster.allowed(who, f"v{number}", "rounds", group="example.com", namespace="default"))

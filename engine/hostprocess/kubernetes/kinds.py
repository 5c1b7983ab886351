"""Built-in kinds: their resource names, and where a kind keeps its pod template."""

from __future__ import annotations

__all__ = ["POD_TEMPLATES", "group_version", "is_built_in", "is_list_kind", "plural", "template_path"]

# Where `metadata` and `spec` of the pod lie; () is the object itself.
POD_TEMPLATES: dict[tuple[str, str], tuple[str, ...]] = {
    ("v1", "Pod"): (),
    ("v1", "PodTemplate"): ("template",),
    ("v1", "ReplicationController"): ("spec", "template"),
    ("apps/v1", "Deployment"): ("spec", "template"),
    ("apps/v1", "ReplicaSet"): ("spec", "template"),
    ("apps/v1", "DaemonSet"): ("spec", "template"),
    ("apps/v1", "StatefulSet"): ("spec", "template"),
    ("batch/v1", "Job"): ("spec", "template"),
    ("batch/v1", "CronJob"): ("spec", "jobTemplate", "spec", "template"),
}

_IRREGULAR = {
    "Endpoints": "endpoints",
    "Ingress": "ingresses",
    "IngressClass": "ingressclasses",
    "NetworkPolicy": "networkpolicies",
    "PriorityClass": "priorityclasses",
    "RuntimeClass": "runtimeclasses",
    "StorageClass": "storageclasses",
    "ValidatingAdmissionPolicy": "validatingadmissionpolicies",
}


def plural(kind: str) -> str:
    """The resource name of `kind` as it stands in URLs and in resource rules, by the convention of the API."""
    lowered = kind.lower()
    if kind in _IRREGULAR:
        return _IRREGULAR[kind]
    if lowered.endswith(("s", "x", "ch", "sh")):
        return lowered + "es"
    if lowered.endswith("y") and lowered[-2:-1] not in "aeiou":
        return lowered[:-1] + "ies"
    return lowered + "s"


def group_version(api_version: str) -> tuple[str, str]:
    """`apps/v1` as (`apps`, `v1`); the core group is the empty string."""
    group, _, version = api_version.rpartition("/")
    return group, version


def is_built_in(api_version: str) -> bool:
    """Whether the API group belongs to Kubernetes itself. Nulls of such kinds vanish in decoding; those of custom resources stay."""
    group, _ = group_version(api_version)
    return "." not in group or group.endswith(".k8s.io")


def is_list_kind(kind: str) -> bool:
    """Whether `kind` names a list, as `List` and `PodList` do."""
    return kind.endswith("List")


def template_path(api_version: str, kind: str) -> tuple[str, ...] | None:
    """The keys that lead to the pod (its `metadata` and `spec`) in an object of that kind; None for a kind without pods."""
    return POD_TEMPLATES.get((api_version, kind))

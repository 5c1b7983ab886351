"""The mutating admission plug-ins of the API server that change Pods, imitated.

Source: plugin/pkg/admission/{priority,runtimeclass,serviceaccount,defaulttolerationseconds} of k8s.io/kubernetes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hostprocess.kubernetes.catalogue import kind_of
from hostprocess.kubernetes.decoding import Decoding, decode
from hostprocess.kubernetes.defaults import defaults
from hostprocess.kubernetes.pod_defaults import containers_of
from hostprocess.model import Unknown

__all__ = ["PLUGINS", "Find", "Lookup"]

Object = dict[str, Any]
Find = Callable[[str, str, str, str], "Object | Unknown | None"]


@dataclass(frozen=True, slots=True)
class Lookup:
    """Objects of the cluster, decoded for one release."""

    find: Find | None
    kubernetes: str

    def __call__(self, api_version: str, kind: str, namespace: str, name: str) -> Object | Unknown | None:
        """The object of that name: None where there is none, an `Unknown` where nobody can say."""
        if self.find is None:
            return Unknown(f"the {kind} {name!r}, which no inventory gives")
        found = self.find(api_version, kind, namespace, name)
        known = kind_of(api_version, kind, self.kubernetes)
        if not isinstance(found, dict) or known is None:
            return found
        return decode(found, known, Decoding(self.kubernetes, defaults(self.kubernetes)))


Plugin = Callable[[Object, "Object | None", Lookup], list[str]]

_TOKEN_PATH = "/var/run/secrets/kubernetes.io/serviceaccount"
_TOKEN_VOLUME = "kube-api-access-"
_MIRROR = "kubernetes.io/config.mirror"
_SYSTEM_PRIORITIES = {"system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}


def _service_account(pod: Object, old: Object | None, lookup: Lookup) -> list[str]:
    spec, metadata = pod["spec"], pod["metadata"]
    if old is not None or _MIRROR in (metadata.get("annotations") or {}):
        return []
    name = spec.setdefault("serviceAccountName", "default")
    spec["serviceAccount"] = name
    namespace = metadata.get("namespace")
    account = lookup("v1", "ServiceAccount", namespace, name) if isinstance(namespace, str) else Unknown("the ServiceAccount")
    if account is None and name != "default":
        return [f'error looking up service account {namespace}/{name}: serviceaccount "{name}" not found']
    known: Object = account if isinstance(account, dict) else {}
    if spec.get("automountServiceAccountToken", known.get("automountServiceAccountToken", True)):
        _mount_token(spec)
    if not spec.get("imagePullSecrets") and known.get("imagePullSecrets"):
        spec["imagePullSecrets"] = [dict(one) for one in known["imagePullSecrets"]]
    return []


def _mount_token(spec: Object) -> None:
    volumes = spec.get("volumes") or []
    given = next((one["name"] for one in volumes if one["name"].startswith(_TOKEN_VOLUME)), None)
    name = given or Unknown("the name of the volume with the service account's token, which ends in random letters")
    needed = False
    for container in containers_of(spec):
        mounts = container.get("volumeMounts") or []
        if all(mount["mountPath"] != _TOKEN_PATH for mount in mounts):
            container["volumeMounts"] = [*mounts, {"name": name, "readOnly": True, "mountPath": _TOKEN_PATH}]
            needed = True
    if needed and given is None:
        spec["volumes"] = [*volumes, {"name": name, "projected": _token_sources()}]


def _token_sources() -> Object:
    field = {"apiVersion": "v1", "fieldPath": "metadata.namespace"}
    return {
        "defaultMode": 0o644,
        "sources": [
            {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
            {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
            {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": field}]}},
        ],
    }


def _default_toleration_seconds(pod: Object, old: Object | None, lookup: Lookup) -> list[str]:
    spec = pod["spec"]
    given = spec.get("tolerations") or []
    added = []
    for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"):
        if not any(one.get("key", "") in ("", key) and one.get("effect", "") in ("", "NoExecute") for one in given):
            added.append({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300})
    if added:
        spec["tolerations"] = [*given, *added]
    return []


def _priority(pod: Object, old: Object | None, lookup: Lookup) -> list[str]:
    spec = pod["spec"]
    if old is not None:
        for name in ("priority", "preemptionPolicy"):
            if name not in spec and name in old["spec"]:
                spec[name] = old["spec"][name]
        return []
    priority: Any = 0
    policy: Any = "PreemptLowerPriority"
    name = spec.get("priorityClassName", "")
    if not name:
        default = lookup.find and lookup("scheduling.k8s.io/v1", "PriorityClass", "", "")
        if isinstance(default, Unknown):
            priority = policy = spec["priorityClassName"] = default
        elif default:
            spec["priorityClassName"] = default["metadata"].get("name", "")
            priority, policy = default["value"], default.get("preemptionPolicy")
    else:
        found = lookup("scheduling.k8s.io/v1", "PriorityClass", "", name)
        if isinstance(found, dict):
            priority, policy = found.get("value", 0), found.get("preemptionPolicy")
        elif name in _SYSTEM_PRIORITIES:
            priority = _SYSTEM_PRIORITIES[name]
        elif found is None:
            return [f"no PriorityClass with name {name} was found"]
        else:
            priority = policy = found
    refusals = []
    if not isinstance(priority, Unknown) and spec.get("priority", priority) != priority:
        given = spec["priority"]
        refusals.append(
            f"the integer value of priority ({given}) must not be provided in pod spec;"
            f" priority admission controller computed {priority} from the given PriorityClass name"
        )
    spec["priority"] = priority
    if policy is not None:
        if not isinstance(policy, Unknown) and spec.get("preemptionPolicy", policy) != policy:
            refusals.append(
                f"the string value of PreemptionPolicy ({spec['preemptionPolicy']}) must not be provided in pod spec;"
                f" priority admission controller computed {policy} from the given PriorityClass name"
            )
        spec["preemptionPolicy"] = policy
    return refusals


def _runtime_class(pod: Object, old: Object | None, lookup: Lookup) -> list[str]:
    spec = pod["spec"]
    name = spec.get("runtimeClassName")
    if old is not None or name is None:
        return []
    found = lookup("node.k8s.io/v1", "RuntimeClass", "", name)
    if found is None:
        return [f'pod rejected: RuntimeClass "{name}" not found']
    if isinstance(found, Unknown):
        for field in ("overhead", "nodeSelector", "tolerations"):
            spec[field] = Unknown(f"spec.{field}, which the RuntimeClass {name!r} may change: {found.what}")
        return []
    if (overhead := (found.get("overhead") or {}).get("podFixed")) is not None:
        if spec.get("overhead", overhead) != overhead:
            return ["pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead"]
        spec["overhead"] = overhead
    scheduling = found.get("scheduling")
    if scheduling is None:
        return []
    selector = dict(spec.get("nodeSelector") or {})
    for key, value in (scheduling.get("nodeSelector") or {}).items():
        if selector.get(key, value) != value:
            return [f"conflict: runtimeClass.scheduling.nodeSelector[{key}] = {value}; pod.spec.nodeSelector[{key}] = {selector[key]}"]
        selector[key] = value
    if selector:
        spec["nodeSelector"] = selector
    if merged := _merge_tolerations([*(spec.get("tolerations") or ()), *(scheduling.get("tolerations") or ())]):
        spec["tolerations"] = merged
    return []


def _merge_tolerations(tolerations: list[Object]) -> list[Object]:
    """Without those that another one covers (pkg/util/tolerations)."""
    merged: list[Object] = []
    for index, one in enumerate(tolerations):
        covered = any(_covers(other, one) for other in merged)
        if not covered and not any(other != one and _covers(other, one) for other in tolerations[index + 1 :]):
            merged.append(one)
    return merged


def _covers(wide: Object, one: Object) -> bool:
    if wide == one:
        return True
    if wide.get("key", "") != one.get("key", "") and (wide.get("key") or wide.get("operator") != "Exists"):
        return False
    if wide.get("effect") and wide["effect"] != one.get("effect"):
        return False
    if wide.get("effect") == "NoExecute" and "tolerationSeconds" in wide and one.get("tolerationSeconds", 1 << 63) > wide["tolerationSeconds"]:
        return False
    operator = wide.get("operator", "Equal")
    return operator == "Exists" or (operator == "Equal" and one.get("operator") == "Equal" and one.get("value", "") == wide.get("value", ""))


PLUGINS: dict[str, Plugin] = {
    "ServiceAccount": _service_account,
    "Priority": _priority,
    "DefaultTolerationSeconds": _default_toleration_seconds,
    "RuntimeClass": _runtime_class,
}
"""In the order in which the API server calls them (pkg/kubeapiserver/options/plugins.go)."""

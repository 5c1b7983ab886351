"""What the registry does to an object before it is validated: metadata of the server, status, generation, and the odd field of a kind.

Source: pkg/registry/*/strategy.go of k8s.io/kubernetes (PrepareForCreate, PrepareForUpdate), BeforeCreate and BeforeUpdate of k8s.io/apiserver.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hostprocess.kubernetes.catalogue import Kind, release_number
from hostprocess.kubernetes.decoding import struct
from hostprocess.kubernetes.gates import enabled
from hostprocess.kubernetes.pod_defaults import containers_of, drop_init_container_annotations
from hostprocess.kubernetes.pod_resources import default_pod_resources, qos_class
from hostprocess.model import Unknown

__all__ = ["prepare_custom", "prepare_for_create", "prepare_for_update"]

Object = dict[str, Any]

# Kinds whose status is the server's business: a client's is dropped on creation, the old one stays on update.
_STATUS = frozenset(
    f"{package}.{kind}"
    for package, kinds in {
        "core/v1": ("Pod", "Service", "Namespace", "PersistentVolume", "PersistentVolumeClaim", "ReplicationController", "ResourceQuota"),
        "apps/v1": ("Deployment", "DaemonSet", "ReplicaSet", "StatefulSet"),
        "batch/v1": ("Job", "CronJob"),
        "networking/v1": ("Ingress", "IPAddress", "ServiceCIDR"),
        "autoscaling/v1": ("HorizontalPodAutoscaler",),
        "autoscaling/v2": ("HorizontalPodAutoscaler",),
        "policy/v1": ("PodDisruptionBudget",),
        "admissionregistration/v1": ("ValidatingAdmissionPolicy",),
        "admissionregistration/v1beta1": ("ValidatingAdmissionPolicy",),
        "certificates/v1": ("CertificateSigningRequest",),
        "flowcontrol/v1": ("FlowSchema", "PriorityLevelConfiguration"),
        "storage/v1": ("VolumeAttachment",),
    }.items()
    for kind in kinds
)
# Kinds whose generation starts with 1 and grows with each change of what their strategy compares.
_GENERATION: dict[str, tuple[str, ...]] = {
    **{
        f"{package}.{kind}": ("spec",)
        for package, kinds in {
            "core/v1": ("Pod", "ReplicationController"),
            "apps/v1": ("DaemonSet", "ReplicaSet", "StatefulSet"),
            "batch/v1": ("Job", "CronJob"),
            "networking/v1": ("Ingress", "IngressClass", "NetworkPolicy"),
            "policy/v1": ("PodDisruptionBudget",),
            "admissionregistration/v1": ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"),
            "flowcontrol/v1": ("FlowSchema", "PriorityLevelConfiguration"),
            "autoscaling/v1": ("HorizontalPodAutoscaler",),
            "autoscaling/v2": ("HorizontalPodAutoscaler",),
        }.items()
        for kind in kinds
    },
    "apps/v1.Deployment": ("spec", "metadata.annotations"),
    "core/v1.PodTemplate": ("template",),
    "admissionregistration/v1.ValidatingWebhookConfiguration": ("webhooks",),
    "admissionregistration/v1.MutatingWebhookConfiguration": ("webhooks",),
    "discovery/v1.EndpointSlice": ("metadata.labels", "addressType", "endpoints", "ports"),
    "resource/v1.DeviceClass": ("spec",),
    "resource/v1.ResourceSlice": ("spec",),
    "scheduling/v1.PriorityClass": (),
}
_GENERATION_SINCE = {"core/v1.Pod": (1, 33), "autoscaling/v1.HorizontalPodAutoscaler": (1, 37), "autoscaling/v2.HorizontalPodAutoscaler": (1, 37)}


def _has_generation(kind: Kind, kubernetes: str) -> bool:
    since = _GENERATION_SINCE.get(kind.type)
    return kind.type in _GENERATION and (since is None or release_number(kubernetes) >= since)


def prepare_for_create(out: Object, kind: Kind, kubernetes: str) -> None:
    """Changes a decoded object into what validating admission sees of a creation."""
    metadata = out.get("metadata")
    if metadata is None:
        return
    _server_metadata(metadata)
    given = out.get("status") or {}
    if kind.type in _STATUS:
        out.pop("status", None)
        out |= struct(kind.type, kubernetes).zero("status")
    if _has_generation(kind, kubernetes):
        metadata["generation"] = 1
    if (steps := _TEMPLATES.get(kind.type)) is not None:
        _drop_init_container_annotations(out, steps)
    if special := _CREATE.get(kind.type):
        special(out, kubernetes)
    if kind.type == "core/v1.Pod" and given.get("qosClass") and release_number(kubernetes) < (1, 37):
        out["status"]["qosClass"] = given["qosClass"]  # those releases compute it before they drop the status, and believe what is there


_UID = Unknown("metadata.uid, which the API server makes up when it creates the object")
_CREATION = Unknown("metadata.creationTimestamp, which the API server sets when it creates the object")
_MANAGED_FIELDS = Unknown("metadata.managedFields, which the API server keeps")


def _server_metadata(metadata: Object) -> None:
    for name in ("deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"):
        metadata.pop(name, None)
    metadata["uid"] = _UID
    metadata["creationTimestamp"] = _CREATION
    metadata["managedFields"] = _MANAGED_FIELDS
    if "generateName" in metadata and not metadata.get("name"):
        metadata["name"] = Unknown("metadata.name, which the API server makes of generateName")


def _kept_metadata(metadata: Object, before: Object) -> None:
    metadata["managedFields"] = _MANAGED_FIELDS
    for name in ("uid", "creationTimestamp", "resourceVersion"):
        given = before.get(name) if name == "creationTimestamp" else metadata.get(name) or before.get(name)
        metadata[name] = given or Unknown(f"metadata.{name}, which neither the new nor the old object gives")
    for name in ("deletionTimestamp", "deletionGracePeriodSeconds"):
        if name in before:
            metadata[name] = before[name]


# Where the annotations of pods are.
_TEMPLATES: dict[str, tuple[str, ...]] = {
    "core/v1.Pod": (),
    "core/v1.PodTemplate": ("template",),
    "batch/v1.CronJob": ("spec", "jobTemplate", "spec", "template"),
} | dict.fromkeys(
    ("core/v1.ReplicationController", "apps/v1.Deployment", "apps/v1.ReplicaSet", "apps/v1.DaemonSet", "apps/v1.StatefulSet", "batch/v1.Job"),
    ("spec", "template"),
)


def _drop_init_container_annotations(out: Object, steps: tuple[str, ...]) -> None:
    for step in steps:
        out = out.get(step) or {}
    drop_init_container_annotations(out.get("metadata") or {})


def prepare_custom(out: Object, old: Object | None, operation: str) -> Object:
    """A custom resource with the metadata of the server; its other fields stay as they are stored."""
    metadata = out.get("metadata")
    if not isinstance(metadata, dict):
        return out
    out = {**out, "metadata": dict(metadata)}
    if operation == "CREATE":
        _server_metadata(out["metadata"])
        out["metadata"]["generation"] = 1
    elif operation == "UPDATE" and old is not None:
        before = old.get("metadata")
        _kept_metadata(out["metadata"], before if isinstance(before, dict) else {})
        out["metadata"]["generation"] = Unknown("metadata.generation, which depends on the CustomResourceDefinition")
    return out


def prepare_for_update(out: Object, old: Object, kind: Kind, kubernetes: str, subresource: str = "") -> None:
    """Changes a decoded object into what validating admission sees of an update of the decoded object `old`."""
    metadata, before = out.get("metadata"), old.get("metadata")
    if metadata is None or before is None:
        return
    _kept_metadata(metadata, before)
    if subresource == "status":
        out["spec"] = old["spec"]
    elif kind.type in _STATUS and "status" in old:
        out["status"] = old["status"]
    if (steps := _TEMPLATES.get(kind.type)) is not None:
        _drop_init_container_annotations(out, steps)
    if special := _UPDATE.get(kind.type):
        special(out, old, kubernetes)
    metadata.pop("generation", None)
    if "generation" in before:
        metadata["generation"] = before["generation"]
    compared = _GENERATION.get(kind.type, ())
    if _has_generation(kind, kubernetes) and any(_at(out, path) != _at(old, path) for path in compared):
        metadata["generation"] = before.get("generation", 0) + 1


def _at(value: Any, path: str) -> Any:
    for step in path.split("."):
        value = (value or {}).get(step)
    return value or None


# --- creation of single kinds ---


def _pod(out: Object, kubernetes: str) -> None:
    spec, labels = out["spec"], out["metadata"].get("labels") or {}
    status = out["status"]
    status["phase"] = "Pending"
    if spec.get("schedulingGates"):
        message = "Scheduling is blocked due to non-empty scheduling gates"
        now = Unknown("status.conditions[0].lastTransitionTime, the time of creation")
        condition = {
            "type": "PodScheduled",
            "status": "False",
            "lastProbeTime": None,
            "lastTransitionTime": now,
            "reason": "SchedulingGated",
            "message": message,
        }
        status["conditions"] = [condition]
    if enabled("MatchLabelKeysInPodAffinity", kubernetes):
        _label_keys_of_affinity(spec, labels)
    if enabled("MatchLabelKeysInPodTopologySpreadSelectorMerge", kubernetes):
        for constraint in spec.get("topologySpreadConstraints") or ():
            _add_label_keys(constraint, "matchLabelKeys", "In", labels)
    _app_armor(out, kubernetes)
    if enabled("PodLevelResourcesFixDefaulting", kubernetes):
        default_pod_resources(spec, kubernetes)
    status["qosClass"] = qos_class(spec, kubernetes)


def _label_keys_of_affinity(spec: Object, labels: dict[str, str]) -> None:
    affinity = spec.get("affinity") or {}
    for name in ("podAffinity", "podAntiAffinity"):
        terms = affinity.get(name) or {}
        preferred = [one["podAffinityTerm"] for one in terms.get("preferredDuringSchedulingIgnoredDuringExecution") or ()]
        for term in [*preferred, *(terms.get("requiredDuringSchedulingIgnoredDuringExecution") or ())]:
            _add_label_keys(term, "matchLabelKeys", "In", labels)
            _add_label_keys(term, "mismatchLabelKeys", "NotIn", labels)


def _add_label_keys(term: Object, name: str, operator: str, labels: dict[str, str]) -> None:
    selector = term.get("labelSelector")
    if selector is None:
        return
    added = [{"key": key, "operator": operator, "values": [labels[key]]} for key in term.get(name) or () if key in labels]
    if added:
        selector["matchExpressions"] = [*(selector.get("matchExpressions") or ()), *added]


_APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/"


def _app_armor(out: Object, kubernetes: str) -> None:
    """Annotations of AppArmor become fields, and before 1.34 the other way round too (applyAppArmorVersionSkew)."""
    spec, annotations = out["spec"], out["metadata"].get("annotations") or {}
    if (spec.get("os") or {}).get("name") == "windows":
        return
    pod_profile = (spec.get("securityContext") or {}).get("appArmorProfile")
    for container in containers_of(spec, ephemeral=True):
        key = _APP_ARMOR + container["name"]
        profile = (container.get("securityContext") or {}).get("appArmorProfile")
        if key in annotations and profile is None:
            found = _app_armor_profile(annotations[key])
            if found is not None and found != pod_profile:
                container["securityContext"] = {**(container.get("securityContext") or {}), "appArmorProfile": found}
        elif key not in annotations and release_number(kubernetes) < (1, 34) and (text := _app_armor_annotation(profile or pod_profile or {})):
            out["metadata"]["annotations"] = {**(out["metadata"].get("annotations") or {}), key: text}


def _app_armor_profile(annotation: str) -> Object | None:
    fixed = {"unconfined": "Unconfined", "runtime/default": "RuntimeDefault"}
    if annotation in fixed:
        return {"type": fixed[annotation]}
    name = annotation.removeprefix("localhost/")
    if name == annotation or not name.strip() or name != name.strip() or len(name) > 4095:
        return None
    return {"type": "Localhost", "localhostProfile": name}


def _app_armor_annotation(profile: Object) -> str:
    kind = profile.get("type")
    if kind == "Localhost" and profile.get("localhostProfile"):
        return f"localhost/{profile['localhostProfile']}"
    return {"Unconfined": "unconfined", "RuntimeDefault": "runtime/default"}.get(str(kind), "")


_TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"


def _daemon_set(out: Object, kubernetes: str) -> None:
    """The template generation stands in an annotation, and is 1 at first."""
    annotations = out["metadata"]["annotations"]
    out["metadata"]["annotations"] = {**annotations, _TEMPLATE_GENERATION: str(max(1, int(annotations[_TEMPLATE_GENERATION])))}


# Of Jobs alone, not of the Jobs that a CronJob makes.
_GATES_OF_JOBS = {"JobManagedBy": "managedBy", "JobSuccessPolicy": "successPolicy"}


def _job(out: Object, kubernetes: str) -> None:
    spec = out["spec"]
    for gate, name in _GATES_OF_JOBS.items():
        if not enabled(gate, kubernetes):
            spec.pop(name, None)
    if spec["manualSelector"]:
        return
    uid, name = out["metadata"]["uid"], out["metadata"].get("name", "")
    template = spec["template"]["metadata"]
    labels = template.get("labels") or {}
    shared = out["metadata"].get("labels") is labels and bool(labels)
    values = {"job-name": name, "batch.kubernetes.io/job-name": name, "controller-uid": uid, "batch.kubernetes.io/controller-uid": uid}
    template["labels"] = {**labels, **{key: value for key, value in values.items() if key not in labels}}
    if shared:
        out["metadata"]["labels"] = template["labels"]
    selector = spec.setdefault("selector", {})
    selector["matchLabels"] = {"batch.kubernetes.io/controller-uid": uid, **(selector.get("matchLabels") or {})}


def _namespace(out: Object, kubernetes: str) -> None:
    out["status"]["phase"] = "Active"
    finalizers = out["spec"].get("finalizers") or []
    if "kubernetes" not in finalizers:
        out["spec"]["finalizers"] = [*finalizers, "kubernetes"]
    name = out["metadata"].get("name")
    if name is not None:
        out["metadata"]["labels"] = {**(out["metadata"].get("labels") or {}), "kubernetes.io/metadata.name": name}


def _persistent_volume(out: Object, kubernetes: str) -> None:
    out["status"]["phase"] = "Pending"
    if release_number(kubernetes) >= (1, 29):
        out["status"]["lastPhaseTransitionTime"] = Unknown("status.lastPhaseTransitionTime, the time of creation")


def _claim(out: Object, kubernetes: str) -> None:
    spec = out["spec"]
    if not enabled("VolumeAttributesClass", kubernetes):
        spec.pop("volumeAttributesClassName", None)
    if (spec.get("dataSourceRef") or {}).get("namespace"):
        del spec["dataSourceRef"]  # CrossNamespaceVolumeDataSource is off in all releases
    source, reference = spec.get("dataSource"), spec.get("dataSourceRef")
    if source is not None and reference is None:
        group = source.get("apiGroup") or ""
        if (group, source["kind"]) in (("", "PersistentVolumeClaim"), ("snapshot.storage.k8s.io", "VolumeSnapshot")):
            spec["dataSourceRef"] = dict(source)
        else:
            del spec["dataSource"]
    elif reference is not None and source is None and not reference.get("namespace"):
        spec["dataSource"] = {key: value for key, value in reference.items() if key != "namespace"}


def _endpoint_slice(out: Object, kubernetes: str) -> None:
    for endpoint in out["endpoints"] or ():
        endpoint.pop("deprecatedTopology", None)


def _node(out: Object, kubernetes: str) -> None:
    out["spec"].pop("configSource", None)
    out["status"].pop("config", None)


def _service_account(out: Object, kubernetes: str) -> None:
    for secret in out.get("secrets") or ():
        for name in secret.keys() - {"name"}:
            del secret[name]


_ADDRESS = "which the API server allocates when it creates the Service"


def _service(out: Object, kubernetes: str) -> None:
    spec = out["spec"]
    if spec["type"] == "ExternalName":
        return
    if not spec.get("clusterIP"):
        spec["clusterIP"] = Unknown(f"spec.clusterIP, {_ADDRESS}")
        spec["clusterIPs"] = Unknown(f"spec.clusterIPs, {_ADDRESS}")
    elif not spec.get("clusterIPs"):
        spec["clusterIPs"] = [spec["clusterIP"]]
    for name in ("ipFamilies", "ipFamilyPolicy"):
        spec.setdefault(name, Unknown(f"spec.{name}, which the API server sets from the networks of the cluster"))
    if spec["type"] == "NodePort" or (spec["type"] == "LoadBalancer" and spec["allocateLoadBalancerNodePorts"]):
        for port in spec.get("ports") or ():
            port.setdefault("nodePort", Unknown(f"spec.ports[].nodePort, {_ADDRESS}"))


_CREATE: dict[str, Callable[[Object, str], None]] = {
    "discovery/v1.EndpointSlice": _endpoint_slice,
    "apps/v1.DaemonSet": _daemon_set,
    "batch/v1.Job": _job,
    "core/v1.Namespace": _namespace,
    "core/v1.Node": _node,
    "core/v1.PersistentVolume": _persistent_volume,
    "core/v1.PersistentVolumeClaim": _claim,
    "core/v1.Pod": _pod,
    "core/v1.Service": _service,
    "core/v1.ServiceAccount": _service_account,
}


# --- updates of single kinds ---


def _keep_template_generation(out: Object, old: Object, kubernetes: str) -> None:
    """The API server counts changes of a DaemonSet's template."""
    before = int(old["metadata"]["annotations"][_TEMPLATE_GENERATION])
    now = before + (out["spec"]["template"] != old["spec"]["template"])
    out["metadata"]["annotations"] = {**out["metadata"]["annotations"], _TEMPLATE_GENERATION: str(now)}


def _drop_success_policy(out: Object, old: Object, kubernetes: str) -> None:
    if not enabled("JobSuccessPolicy", kubernetes) and "successPolicy" not in old["spec"]:
        out["spec"].pop("successPolicy", None)


def _keep_type(out: Object, old: Object, kubernetes: str) -> None:
    out.setdefault("type", old.get("type"))


_UPDATE: dict[str, Callable[[Object, Object, str], None]] = {
    "apps/v1.DaemonSet": _keep_template_generation,
    "batch/v1.Job": _drop_success_policy,
    "core/v1.Secret": _keep_type,
}

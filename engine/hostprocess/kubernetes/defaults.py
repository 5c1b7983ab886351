"""Defaults of the built-in kinds, by struct, for one release; and what disabled features take away.

Source: defaults.go and zz_generated.defaults.go below pkg/apis of k8s.io/kubernetes v1.30.14, v1.34.4 and v1.37.2.
"""

from __future__ import annotations

import base64
import re
from functools import cache
from typing import Any

from hostprocess.kubernetes.catalogue import release_number
from hostprocess.kubernetes.decoding import Decoding
from hostprocess.kubernetes.gates import dropped_fields, enabled
from hostprocess.kubernetes.pod_defaults import POD_DEFAULTS, Default, constant, rounding

__all__ = ["defaults"]

Struct = dict[str, Any]
_RBAC = "rbac.authorization.k8s.io"
_MAX_INT32 = (1 << 31) - 1


def _deployment(out: Struct, decoding: Decoding) -> None:
    strategy = out.setdefault("strategy", {})
    strategy.setdefault("type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        update = strategy.setdefault("rollingUpdate", {})
        update.setdefault("maxUnavailable", "25%")
        update.setdefault("maxSurge", "25%")
    _keep_zeros(strategy, "maxUnavailable", "maxSurge")
    _fill(out, replicas=1, revisionHistoryLimit=10, progressDeadlineSeconds=600)


def _daemon_set(out: Struct, decoding: Decoding) -> None:
    strategy = out["updateStrategy"]
    strategy.setdefault("type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        update = strategy.setdefault("rollingUpdate", {})
        update.setdefault("maxUnavailable", 1)
    _keep_zeros(strategy, "maxUnavailable", "maxSurge")
    out.setdefault("revisionHistoryLimit", 10)


_TEMPLATE_GENERATION = "deprecated.daemonset.template.generation"


def _daemon_set_metadata(out: Struct, decoding: Decoding) -> None:
    """The conversion keeps the generation of the template, which apps/v1 has no field for, in an annotation."""
    annotations = out["metadata"].get("annotations") or {}
    given = annotations.get(_TEMPLATE_GENERATION, "0")
    if re.fullmatch(r"[+-]?[0-9]+", given, re.ASCII):
        out["metadata"]["annotations"] = {**annotations, _TEMPLATE_GENERATION: str(int(given))}
    else:
        decoding.refuse(((((), ""), "metadata"), "annotations"), _TEMPLATE_GENERATION, f'strconv.ParseInt: parsing "{given}": invalid syntax')


def _stateful_set(out: Struct, decoding: Decoding) -> None:
    out.setdefault("podManagementPolicy", "OrderedReady")
    strategy = out["updateStrategy"]
    if "type" not in strategy:
        strategy["type"] = "RollingUpdate"
        strategy.setdefault("rollingUpdate", {})
    if strategy["type"] == "RollingUpdate" and "rollingUpdate" in strategy:
        strategy["rollingUpdate"].setdefault("partition", 0)
        if enabled("MaxUnavailableStatefulSet", decoding.kubernetes):
            strategy["rollingUpdate"].setdefault("maxUnavailable", 1)
    _keep_zeros(strategy, "partition")
    for claim in out.get("volumeClaimTemplates") or ():
        claim |= {"apiVersion": "v1", "kind": "PersistentVolumeClaim"}
    retention = out.setdefault("persistentVolumeClaimRetentionPolicy", {})
    _fill(retention, whenDeleted="Retain", whenScaled="Retain")
    _fill(out, replicas=1, revisionHistoryLimit=10)


def _keep_zeros(strategy: Struct, *names: str) -> None:
    """The internal type has no pointers there, so the conversion fills in zeros whatever the type of the strategy."""
    if "rollingUpdate" in strategy:
        for name in names:
            strategy["rollingUpdate"].setdefault(name, 0)


def _job(out: Struct, decoding: Decoding) -> None:
    spec = out["spec"]
    if "completions" not in spec and "parallelism" not in spec:
        spec["completions"] = 1
    spec.setdefault("parallelism", 1)
    spec.setdefault("backoffLimit", _MAX_INT32 if "backoffLimitPerIndex" in spec else 6)
    labels = spec["template"]["metadata"].get("labels")
    if labels and not out["metadata"].get("labels"):
        out["metadata"]["labels"] = labels  # the same mapping, as in Go: what is added to the one is in the other
    _fill(spec, completionMode="NonIndexed", suspend=False, manualSelector=False)
    spec.setdefault("podReplacementPolicy", "Failed" if "podFailurePolicy" in spec else "TerminatingOrFailed")
    if release_number(decoding.kubernetes) < (1, 31):
        for rule in (spec.get("podFailurePolicy") or {}).get("rules") or ():
            for pattern in rule.get("onPodConditions") or ():
                pattern["status"] = pattern["status"] or "True"


def _pod_condition_pattern(out: Struct, decoding: Decoding) -> None:
    if not out["status"] and release_number(decoding.kubernetes) >= (1, 31):
        out["status"] = "True"


def _replication_controller(out: Struct, decoding: Decoding) -> None:
    spec = out["spec"]
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels")
    if labels:
        spec.setdefault("selector", labels)
        out["metadata"].setdefault("labels", labels)
    spec.setdefault("replicas", 1)


def _service(out: Struct, decoding: Decoding) -> None:
    spec = out["spec"]
    _fill(spec, sessionAffinity="None", type="ClusterIP")
    if spec["sessionAffinity"] == "None":
        spec.pop("sessionAffinityConfig", None)
    elif spec["sessionAffinity"] == "ClientIP":
        client = (spec.get("sessionAffinityConfig") or {}).get("clientIP") or {}
        if client.get("timeoutSeconds") is None:
            spec["sessionAffinityConfig"] = {"clientIP": {"timeoutSeconds": 10800}}
    for port in spec.get("ports") or ():
        port.setdefault("protocol", "TCP")
        if port["targetPort"] in (0, ""):
            port["targetPort"] = port["port"]
    kind = spec["type"]
    if kind in ("LoadBalancer", "NodePort") or (kind == "ClusterIP" and spec.get("externalIPs")):
        spec.setdefault("externalTrafficPolicy", "Cluster")
    if kind in ("NodePort", "LoadBalancer", "ClusterIP"):
        spec.setdefault("internalTrafficPolicy", "Cluster")
    if kind == "LoadBalancer":
        spec.setdefault("allocateLoadBalancerNodePorts", True)
        for ingress in out["status"]["loadBalancer"].get("ingress") or ():
            if ingress.get("ip"):
                ingress.setdefault("ipMode", "VIP")


def _secret(out: Struct, decoding: Decoding) -> None:
    out.setdefault("type", "Opaque")
    if texts := out.pop("stringData", None):
        out["data"] = {**(out.get("data") or {}), **{key: base64.b64encode(text.encode()).decode() for key, text in texts.items()}}


def _namespace(out: Struct, decoding: Decoding) -> None:
    metadata = out["metadata"]
    if name := metadata.get("name"):
        metadata["labels"] = {**(metadata.get("labels") or {}), "kubernetes.io/metadata.name": name}
    out["status"].setdefault("phase", "Active")


def _persistent_volume(out: Struct, decoding: Decoding) -> None:
    out["status"].setdefault("phase", "Pending")
    _fill(out["spec"], persistentVolumeReclaimPolicy="Retain", volumeMode="Filesystem")


def _claim(out: Struct, decoding: Decoding) -> None:
    out["status"].setdefault("phase", "Pending")


def _limit_range_item(out: Struct, decoding: Decoding) -> None:
    rounding("max", "min", "default", "defaultRequest", "maxLimitRequestRatio")(out, decoding)
    if out["type"] == "Container":
        limits = {**out.get("max", {}), **out.get("default", {})}
        requests = {**out.get("min", {}), **limits, **out.get("defaultRequest", {})}
        if limits:
            out["default"] = limits
        if requests:
            out["defaultRequest"] = requests


def _endpoint_port(out: Struct, decoding: Decoding) -> None:
    _fill(out, name="", protocol="TCP")


def _network_policy(out: Struct, decoding: Decoding) -> None:
    spec = out["spec"]
    if not spec.get("policyTypes"):
        spec["policyTypes"] = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]


def _role_ref(out: Struct, decoding: Decoding) -> None:
    if not out["roleRef"]["apiGroup"]:
        out["roleRef"]["apiGroup"] = _RBAC


def _subject(out: Struct, decoding: Decoding) -> None:
    if out["kind"] in ("User", "Group"):
        out.setdefault("apiGroup", _RBAC)


def _autoscaler(out: Struct, decoding: Decoding) -> None:
    spec = out["spec"]
    spec.setdefault("minReplicas", 1)
    if not spec.get("metrics"):
        target = {"type": "Utilization", "averageUtilization": 80}
        spec["metrics"] = [{"type": "Resource", "resource": {"name": "cpu", "target": target}}]
    behavior = spec.get("behavior")
    if behavior is not None:
        percent = {"type": "Percent", "value": 100, "periodSeconds": 15}
        up = {"stabilizationWindowSeconds": 0, "selectPolicy": "Max", "policies": [{"type": "Pods", "value": 4, "periodSeconds": 15}, percent]}
        behavior["scaleUp"] = {**up, **behavior.get("scaleUp", {})}
        behavior["scaleDown"] = {"selectPolicy": "Max", "policies": [dict(percent)], **behavior.get("scaleDown", {})}
        for rules in (behavior["scaleUp"], behavior["scaleDown"]):
            if not rules["policies"]:  # given, so not replaced, and empty, so not written
                del rules["policies"]


def _autoscaler_v1(out: Struct, decoding: Decoding) -> None:
    out["spec"].setdefault("minReplicas", 1)
    if not (out["metadata"].get("annotations") or {}).get("autoscaling.alpha.kubernetes.io/metrics"):
        out["spec"].setdefault("targetCPUUtilizationPercentage", 80)


def _node_spec(out: Struct, decoding: Decoding) -> None:
    """The conversion keeps the one address range and the list in step."""
    ranges = out.get("podCIDRs")
    if ranges and ranges[0] and "podCIDR" not in out:
        out["podCIDR"] = ranges[0]
    elif "podCIDR" in out and (not ranges or ranges[0] != out["podCIDR"]):
        out["podCIDRs"] = [out["podCIDR"]]


def _node_status(out: Struct, decoding: Decoding) -> None:
    rounding("capacity", "allocatable")(out, decoding)
    if "capacity" in out:
        out.setdefault("allocatable", dict(out["capacity"]))
    if out.get("allocatable") == {}:
        del out["allocatable"]


def _match_resources(out: Struct, decoding: Decoding) -> None:
    out.setdefault("matchPolicy", "Equivalent")
    out.setdefault("namespaceSelector", {})
    out.setdefault("objectSelector", {})


def _webhook(out: Struct, decoding: Decoding) -> None:
    _match_resources(out, decoding)
    _fill(out, failurePolicy="Fail", timeoutSeconds=10)


def _mutating_webhook(out: Struct, decoding: Decoding) -> None:
    _webhook(out, decoding)
    out.setdefault("reinvocationPolicy", "Never")


def _csi_driver(out: Struct, decoding: Decoding) -> None:
    _fill(out, attachRequired=True, podInfoOnMount=False, storageCapacity=False, fsGroupPolicy="ReadWriteOnceWithFSType", requiresRepublish=False)
    out.setdefault("seLinuxMount", False)
    if not out.get("volumeLifecycleModes"):
        out["volumeLifecycleModes"] = ["Persistent"]
    if enabled("VolumeLimitScaling", decoding.kubernetes):
        out.setdefault("preventPodSchedulingIfMissing", False)


def _fill(out: Struct, **values: Any) -> None:
    for name, value in values.items():
        if out.get(name) is None:
            out[name] = value


_DEFAULTS: dict[str, Default] = {
    **POD_DEFAULTS,
    "apps/v1.DaemonSet": _daemon_set_metadata,
    "apps/v1.DaemonSetSpec": _daemon_set,
    "apps/v1.DeploymentSpec": _deployment,
    "apps/v1.ReplicaSetSpec": constant(replicas=1),
    "apps/v1.StatefulSetSpec": _stateful_set,
    "autoscaling/v1.HorizontalPodAutoscaler": _autoscaler_v1,
    "autoscaling/v2.HorizontalPodAutoscaler": _autoscaler,
    "batch/v1.CronJobSpec": constant(concurrencyPolicy="Allow", suspend=False, successfulJobsHistoryLimit=3, failedJobsHistoryLimit=1),
    "batch/v1.Job": _job,
    "batch/v1.PodFailurePolicyOnPodConditionsPattern": _pod_condition_pattern,
    "core/v1.EndpointPort": constant(protocol="TCP"),
    "core/v1.LimitRangeItem": _limit_range_item,
    "core/v1.Namespace": _namespace,
    "core/v1.NodeSpec": _node_spec,
    "core/v1.NodeStatus": _node_status,
    "core/v1.PersistentVolume": _persistent_volume,
    "core/v1.PersistentVolumeClaim": _claim,
    "core/v1.PersistentVolumeClaimStatus": rounding("allocatedResources", "capacity"),
    "core/v1.PersistentVolumeSpec": rounding("capacity"),
    "core/v1.ReplicationController": _replication_controller,
    "core/v1.ResourceQuotaSpec": rounding("hard"),
    "core/v1.Secret": _secret,
    "core/v1.Service": _service,
    "discovery/v1.EndpointPort": _endpoint_port,
    "networking/v1.IngressClassParametersReference": constant(scope="Cluster"),
    "networking/v1.NetworkPolicy": _network_policy,
    "networking/v1.NetworkPolicyPort": constant(protocol="TCP"),
    "rbac/v1.ClusterRoleBinding": _role_ref,
    "rbac/v1.RoleBinding": _role_ref,
    "rbac/v1.Subject": _subject,
    "scheduling/v1.PriorityClass": constant(preemptionPolicy="PreemptLowerPriority"),
    "storage/v1.CSIDriverSpec": _csi_driver,
    "storage/v1.StorageClass": constant(reclaimPolicy="Delete", volumeBindingMode="Immediate"),
}
for _version in ("v1", "v1beta1", "v1alpha1"):
    _DEFAULTS |= {
        f"admissionregistration/{_version}.MatchResources": _match_resources,
        f"admissionregistration/{_version}.MutatingAdmissionPolicySpec": constant(failurePolicy="Fail"),
        f"admissionregistration/{_version}.MutatingWebhook": _mutating_webhook,
        f"admissionregistration/{_version}.NamedRuleWithOperations": constant(scope="*"),
        f"admissionregistration/{_version}.RuleWithOperations": constant(scope="*"),
        f"admissionregistration/{_version}.ServiceReference": constant(port=443),
        f"admissionregistration/{_version}.ValidatingAdmissionPolicySpec": constant(failurePolicy="Fail"),
        f"admissionregistration/{_version}.ValidatingWebhook": _webhook,
    }


@cache
def defaults(kubernetes: str) -> dict[str, Default]:
    """What fills in each struct in a release, fields of disabled features taken away first."""
    found = dict(_DEFAULTS)
    for struct, names in dropped_fields(kubernetes).items():
        found[struct] = _without(names, _DEFAULTS.get(struct))
    return found


def _without(names: tuple[tuple[str, str], ...], then: Default | None) -> Default:
    gated = frozenset(name for name, _ in names)

    def fill(out: Struct, decoding: Decoding) -> None:
        if not gated.isdisjoint(out):
            for name, gate in names:
                if name in out and not decoding.keeps(gate):
                    del out[name]
        if then is not None:
            then(out, decoding)

    return fill

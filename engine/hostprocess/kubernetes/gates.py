"""Feature gates that decide what the API server keeps and fills in: from which release on each is on by default.

Source: pkg/features/kube_features.go of k8s.io/kubernetes v1.30.14, v1.34.4 and v1.37.2.
"""

from __future__ import annotations

from functools import cache

from hostprocess.kubernetes.catalogue import release_number

__all__ = ["dropped_fields", "enabled"]

_NEVER = ""
_SINCE = {
    "AtomicWriteVolumeUserFields": _NEVER,
    "ClusterTrustBundleProjection": "1.37",
    "ContainerRestartRules": "1.35",
    "ContainerStopSignals": _NEVER,
    "CoordinatedLeaderElection": _NEVER,
    "DynamicResourceAllocation": "1.34",
    "EmptyDirVolumeMode": _NEVER,
    "EnvFiles": "1.35",
    "EvictionRequestAPI": _NEVER,
    "GRPCContainerProbeTLS": _NEVER,
    "GenericWorkload": _NEVER,
    "H2CContainerProbe": _NEVER,
    "HPAConfigurableTolerance": "1.35",
    "HPAGeneration": "1.37",
    "HostnameOverride": "1.35",
    "ImageVolume": "1.35",
    "InPlacePodVerticalScaling": "1.33",
    "InPlacePodVerticalScalingSchedulerPreemption": _NEVER,
    "JobManagedBy": "1.32",
    "JobSuccessPolicy": "1.31",
    "MatchLabelKeysInPodAffinity": "1.31",
    "MatchLabelKeysInPodTopologySpreadSelectorMerge": "1.34",
    "MaxUnavailableStatefulSet": "1.37",
    "MutableCSINodeAllocatableCount": "1.35",
    "PodCertificateRequest": "1.37",
    "PodLevelResources": "1.34",
    "PodLevelResourcesFixDefaulting": "1.37",
    "PodLevelResourcesFixKubeletQOSClass": "1.37",
    "ProcMountType": "1.33",
    "RecursiveReadOnlyMounts": "1.31",
    "SELinuxChangePolicy": "1.33",
    "ServiceTrafficDistribution": "1.31",
    "SupplementalGroupsPolicy": "1.33",
    "UserNamespacesSupport": "1.33",
    "VolumeAttributesClass": "1.34",
    "VolumeBindMountOptions": _NEVER,
    "VolumeLimitScaling": "1.37",
    "WorkloadWithJob": _NEVER,
}

# What PrepareForCreate takes away when the gate is off (DropDisabledPodFields and the like), by struct.
_DROPPED = {
    "apps/v1.RollingUpdateStatefulSetStrategy": {"maxUnavailable": "MaxUnavailableStatefulSet"},
    "autoscaling/v2.HPAScalingRules": {"tolerance": "HPAConfigurableTolerance"},
    "batch/v1.JobSpec": {"scheduling": "WorkloadWithJob"},
    "coordination/v1.LeaseSpec": {"preferredHolder": "CoordinatedLeaderElection", "strategy": "CoordinatedLeaderElection"},
    "core/v1.ClusterTrustBundleProjection": {"user": "AtomicWriteVolumeUserFields"},
    "core/v1.ConfigMapVolumeSource": {"defaultUser": "AtomicWriteVolumeUserFields"},
    "core/v1.Container": {"resizePolicy": "InPlacePodVerticalScaling", "restartPolicyRules": "ContainerRestartRules"},
    "core/v1.DownwardAPIVolumeFile": {"user": "AtomicWriteVolumeUserFields"},
    "core/v1.DownwardAPIVolumeSource": {"defaultUser": "AtomicWriteVolumeUserFields"},
    "core/v1.EmptyDirVolumeSource": {"mode": "EmptyDirVolumeMode"},
    "core/v1.EnvVarSource": {"fileKeyRef": "EnvFiles"},
    "core/v1.EphemeralContainer": {"resizePolicy": "InPlacePodVerticalScaling", "restartPolicyRules": "ContainerRestartRules"},
    "core/v1.GRPCAction": {"mode": "GRPCContainerProbeTLS", "tls": "GRPCContainerProbeTLS"},
    "core/v1.HTTPGetAction": {"protocol": "H2CContainerProbe"},
    "core/v1.KeyToPath": {"user": "AtomicWriteVolumeUserFields"},
    "core/v1.NodeStatus": {"runtimeHandlers": "RecursiveReadOnlyMounts"},
    "core/v1.ServiceSpec": {"trafficDistribution": "ServiceTrafficDistribution"},
    "core/v1.NodeSpec": {"podPreemptionPolicy": "InPlacePodVerticalScalingSchedulerPreemption"},
    "core/v1.PodAffinityTerm": {"matchLabelKeys": "MatchLabelKeysInPodAffinity", "mismatchLabelKeys": "MatchLabelKeysInPodAffinity"},
    "core/v1.PodCertificateProjection": {"user": "AtomicWriteVolumeUserFields"},
    "core/v1.PodSecurityContext": {"seLinuxChangePolicy": "SELinuxChangePolicy", "supplementalGroupsPolicy": "SupplementalGroupsPolicy"},
    "core/v1.PodSpec": {
        "evictionResponders": "EvictionRequestAPI",
        "hostUsers": "UserNamespacesSupport",
        "hostnameOverride": "HostnameOverride",
        "resourceClaims": "DynamicResourceAllocation",
        "resources": "PodLevelResources",
        "schedulingGroup": "GenericWorkload",
    },
    "core/v1.ProjectedVolumeSource": {"defaultUser": "AtomicWriteVolumeUserFields"},
    "core/v1.ResourceRequirements": {"claims": "DynamicResourceAllocation"},
    "core/v1.SecretVolumeSource": {"defaultUser": "AtomicWriteVolumeUserFields"},
    "core/v1.ServiceAccountTokenProjection": {"user": "AtomicWriteVolumeUserFields"},
    "storage/v1.CSIDriverSpec": {"nodeAllocatableUpdatePeriodSeconds": "MutableCSINodeAllocatableCount"},
    "core/v1.VolumeMount": {"bindMountOptions": "VolumeBindMountOptions", "recursiveReadOnly": "RecursiveReadOnlyMounts"},
    "core/v1.VolumeProjection": {"clusterTrustBundle": "ClusterTrustBundleProjection", "podCertificate": "PodCertificateRequest"},
}  # fmt: skip


@cache
@cache
def enabled(gate: str, kubernetes: str) -> bool:
    """Whether a feature gate is on by default in a release."""
    since = _SINCE[gate]
    return since != _NEVER and release_number(kubernetes) >= release_number(since)


@cache
def dropped_fields(kubernetes: str) -> dict[str, tuple[tuple[str, str], ...]]:
    """The fields that are taken away in a release because their gate is off, each with the gate, by struct."""
    found = {struct: tuple((name, gate) for name, gate in fields.items() if not enabled(gate, kubernetes)) for struct, fields in _DROPPED.items()}
    return {struct: names for struct, names in found.items() if names}

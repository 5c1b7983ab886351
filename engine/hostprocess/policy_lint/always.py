"""Fields that every stored object has though their types say they may be absent: the API server fills them in, or refuses the object without them.

Source: k8s.io/kubernetes/pkg/apis/{core,apps,batch,networking,autoscaling,policy,rbac}/v1/defaults.go and the validation beside them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["ALWAYS"]

_TEXT: Final = """
meta/v1.ObjectMeta: name uid creationTimestamp
core/v1.PodSpec: restartPolicy terminationGracePeriodSeconds dnsPolicy securityContext schedulerName
core/v1.Container: image terminationMessagePath terminationMessagePolicy imagePullPolicy
core/v1.EphemeralContainer: image terminationMessagePath terminationMessagePolicy imagePullPolicy
core/v1.ContainerPort: containerPort protocol
core/v1.Probe: timeoutSeconds periodSeconds successThreshold failureThreshold
core/v1.HTTPGetAction: path port scheme
core/v1.HostPathVolumeSource: path type
core/v1.SecretVolumeSource: defaultMode
core/v1.ConfigMapVolumeSource: defaultMode
core/v1.DownwardAPIVolumeSource: defaultMode
core/v1.ProjectedVolumeSource: defaultMode
core/v1.ServiceSpec: type sessionAffinity
core/v1.ServicePort: protocol port targetPort
core/v1.NamespaceStatus: phase
core/v1.PersistentVolumeClaimSpec: accessModes volumeMode
core/v1.PersistentVolumeSpec: accessModes capacity persistentVolumeReclaimPolicy volumeMode
core/v1.Secret: type
core/v1.ReplicationControllerSpec: replicas selector template
core/v1.TopologySpreadConstraint: maxSkew topologyKey whenUnsatisfiable
apps/v1.DeploymentSpec: replicas revisionHistoryLimit progressDeadlineSeconds
apps/v1.DeploymentStrategy: type
apps/v1.ReplicaSetSpec: replicas template
apps/v1.StatefulSetSpec: replicas podManagementPolicy revisionHistoryLimit
apps/v1.DaemonSetSpec: revisionHistoryLimit
batch/v1.JobSpec: completionMode suspend backoffLimit parallelism selector
batch/v1.CronJobSpec: concurrencyPolicy suspend successfulJobsHistoryLimit failedJobsHistoryLimit
autoscaling/v1.HorizontalPodAutoscalerSpec: minReplicas
autoscaling/v2.HorizontalPodAutoscalerSpec: minReplicas metrics
networking/v1.NetworkPolicySpec: policyTypes
networking/v1.HTTPIngressPath: pathType
rbac/v1.RoleRef: apiGroup kind name
rbac/v1.Subject: kind name
storage/v1.StorageClass: provisioner reclaimPolicy volumeBindingMode
admissionregistration/v1.ValidatingWebhookConfiguration: webhooks
"""
ALWAYS: Final[Mapping[str, tuple[str, ...]]] = {name: tuple(fields.split()) for name, fields in (line.split(": ") for line in _TEXT.strip().splitlines())}

"""Objects of built-in kinds with odd but readable fields: zero values, nulls, empty lists, unusual quantities; for the object as admitted."""

# ruff: noqa: E501 - lists of values
from __future__ import annotations

import copy
from typing import Any

from draw import fields, maybe
from hypothesis import strategies as st

from hostprocess.suite.edit import WRAPPERS, wrapped

__all__ = ["kinds", "others", "pods", "workloads", "wrong"]


def _of(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


_flag = _of(True, False, None)
_number = _of(0, 1, 30, 100, None)
_text = _of("a", "b-1", "", "x.example.com")
_labels = st.dictionaries(_of("app", "tier", "kubernetes.io/os"), _of("web", "db", "", "windows"), max_size=2)
_quantity = _of(
    "1",
    "100m",
    "1000m",
    "0.5",
    "1024Mi",
    "1Gi",
    "1e3",
    "0",
    "1.5Gi",
    "500M",
    "1500m",
    "2",
    1,
    2.5,
    0,
    "0.1",
    "1000000",
    "1n",
    "-1",
    "12Ki",
    "1E",
    "0.0001",
    "3.0",
    "1024",
    "5e-1",
    1000,
    "9223372036854775807",
)
_resources = maybe(fields(limits=maybe(st.dictionaries(_of("cpu", "memory", "ephemeral-storage", "nvidia.com/gpu"), _quantity, max_size=3)),
                          requests=maybe(st.dictionaries(_of("cpu", "memory"), _quantity, max_size=2))))  # fmt: skip
_port = _of(80, "http", 0, "8080", 443)
_probe = maybe(fields(httpGet=fields({"port": _port}, path=_of("/", "/healthz", ""), scheme=_of("HTTP", "HTTPS")), periodSeconds=_number, timeoutSeconds=_number,
                      successThreshold=_of(0, 1), failureThreshold=_number, initialDelaySeconds=_number))  # fmt: skip
_probe2 = fields(grpc=fields({"port": _of(9000)}, service=maybe(_of("", "s"))), exec=fields(command=_of([], ["true"], None)), tcpSocket=fields({"port": _port}))
_env = fields({"name": _of("A", "B")}, value=maybe(_text), valueFrom=_of(
    {"fieldRef": {"fieldPath": "metadata.name"}}, {"fieldRef": {"apiVersion": "v1", "fieldPath": "status.podIP"}}, {"configMapKeyRef": {"name": "c", "key": "k", "optional": False}},
    {"secretKeyRef": {"name": "s", "key": "k"}}, {"resourceFieldRef": {"resource": "limits.cpu"}}, {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1m"}}))  # fmt: skip
_windows = fields(hostProcess=_flag, runAsUserName=maybe(_of("", "NT AUTHORITY\\SYSTEM", "x")), gmsaCredentialSpecName=maybe(_text))
_security = maybe(fields(windowsOptions=maybe(_windows), privileged=_flag, runAsUser=_number, runAsNonRoot=_flag, readOnlyRootFilesystem=_flag,
                         allowPrivilegeEscalation=_flag, capabilities=maybe(fields(add=maybe(_of([], ["NET_ADMIN"])), drop=maybe(_of([], ["ALL"])))),
                         procMount=_of("Default", None), seccompProfile=maybe(fields({"type": _of("RuntimeDefault")}))))  # fmt: skip
_container_port = fields(
    {"containerPort": _of(80, 443, 8080)},
    hostPort=_of(0, 80, 8081, None),
    protocol=_of("TCP", "UDP", "", None),
    name=_of("http", "", None),
    hostIP=_of("", "10.0.0.1"),
)
_mount = fields(
    {"name": _of("v0", "v1"), "mountPath": _of("/data", "C:\\data", "/x")},
    readOnly=_flag,
    subPath=maybe(_text),
    mountPropagation=_of("None", None),
    recursiveReadOnly=_of("Disabled", None),
)
_handler = _of(
    {"exec": {"command": ["a"]}},
    {"httpGet": {"port": 80}},
    {"httpGet": {"port": "http", "path": ""}},
    {"sleep": {"seconds": 0}},
    {"sleep": {"seconds": 5}},
    {"tcpSocket": {"port": 1}},
)


def _container(name: st.SearchStrategy[Any], init: bool = False) -> st.SearchStrategy[dict[str, Any]]:
    more: dict[str, Any] = {"restartPolicy": _of("Always")} if init else {}
    return fields({"name": name}, image=maybe(_of("i", "i:1", "i:latest", "registry.example.com/a/b@sha256:" + "0" * 64, "r:5000/i", "")), command=maybe(_of([], ["a"], ["", "b"])), args=maybe(_of([], ["x"])),
                  workingDir=maybe(_text), ports=maybe(st.lists(_container_port, max_size=2)), env=maybe(st.lists(_env, max_size=2)),
                  envFrom=maybe(_of([], [{"configMapRef": {"name": "c"}}, {"prefix": "", "secretRef": {"name": "s", "optional": True}}])), resources=_resources,
                  volumeMounts=maybe(st.lists(_mount, max_size=2)), livenessProbe=_probe, readinessProbe=_probe2, startupProbe=_probe,
                  lifecycle=maybe(fields(preStop=maybe(_handler), postStart=maybe(_handler))), terminationMessagePath=_of("", "/x", None),
                  terminationMessagePolicy=_of("File", "", None), imagePullPolicy=_of("Always", "IfNotPresent", "", None), securityContext=_security, stdin=_flag, tty=_flag,
                  stdinOnce=_flag, resizePolicy=maybe(_of([], [{"resourceName": "cpu", "restartPolicy": "NotRequired"}])), volumeDevices=maybe(_of([], [{"name": "v0", "devicePath": "/d"}])), **more)  # fmt: skip


_volume_source = _of({}, {"emptyDir": {}}, {"emptyDir": None}, {"emptyDir": {"medium": "Memory", "sizeLimit": "1024Mi"}}, {"emptyDir": {"sizeLimit": 0}}, {"hostPath": {"path": "/a"}}, {"hostPath": {"path": "/a", "type": "Directory"}},
                     {"hostPath": {"path": "", "type": None}}, {"configMap": {"name": "c"}}, {"configMap": {"name": "c", "defaultMode": 0, "items": []}}, {"secret": {"secretName": "s", "optional": False}},
                     {"secret": {}}, {"downwardAPI": {"items": [{"path": "p", "fieldRef": {"fieldPath": "metadata.name"}}]}}, {"projected": {"sources": [{"serviceAccountToken": {"path": "t"}}, {"configMap": {"name": "c"}}, {"downwardAPI": {}}]}},
                     {"projected": {"sources": None, "defaultMode": 256}}, {"persistentVolumeClaim": {"claimName": "c", "readOnly": False}}, {"nfs": {"server": "s", "path": "/"}}, {"csi": {"driver": "d"}}, {"iscsi": {"targetPortal": "t", "iqn": "q", "lun": 0}},
                     {"rbd": {"monitors": ["m"], "image": "i"}}, {"azureDisk": {"diskName": "d", "diskURI": "u"}}, {"ephemeral": {"volumeClaimTemplate": {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1024Mi"}}}}}},
                     {"image": {"reference": "r"}}, {"scaleIO": {"gateway": "g", "system": "s", "secretRef": {"name": "x"}}}, {"gitRepo": {"repository": "r"}})  # fmt: skip
_volumes = st.lists(
    st.builds(lambda name, source: {"name": name, **copy.deepcopy(source)}, _of("v0", "v1"), _volume_source), max_size=3, unique_by=lambda one: one["name"]
)
_toleration = fields(
    key=_of("a", "node.kubernetes.io/not-ready", ""),
    operator=_of("Exists", "Equal", ""),
    value=_text,
    effect=_of("NoExecute", ""),
    tolerationSeconds=_of(0, 300, None),
)
_term = {"matchExpressions": [{"key": "k", "operator": "In", "values": ["a"]}]}
_affinity = _of({}, None, {"nodeAffinity": {}}, {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [_term]}}}, {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": "k", "labelSelector": {}}]}},
                {"podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "podAffinityTerm": {"topologyKey": "k", "namespaces": []}}]}})  # fmt: skip
_pod_security = maybe(fields(windowsOptions=maybe(_windows), runAsUser=_number, runAsGroup=_number, fsGroup=_number, runAsNonRoot=_flag, supplementalGroups=maybe(_of([], [1, 2])), sysctls=maybe(_of([], [{"name": "a", "value": ""}])),
                             seLinuxOptions=maybe(_of({}, {"level": "s0"})), fsGroupChangePolicy=_of("Always", None), seccompProfile=maybe(_of({"type": "Unconfined"}))))  # fmt: skip
_spec = fields(
    {"containers": st.lists(_container(_of("c0", "c1", "c2")), min_size=1, max_size=2, unique_by=lambda one: one["name"])},
    initContainers=maybe(st.lists(_container(_of("i0", "i1"), init=True), max_size=1)), volumes=maybe(_volumes), hostNetwork=_flag, hostPID=_flag, hostIPC=_flag, hostUsers=_flag, shareProcessNamespace=_flag,
    restartPolicy=_of("Always", "Never", "OnFailure", "", None), terminationGracePeriodSeconds=_number, activeDeadlineSeconds=_of(1, None), dnsPolicy=_of("ClusterFirst", "Default", "", None), nodeSelector=maybe(_labels),
    serviceAccountName=maybe(_of("", "sa", "default")), serviceAccount=maybe(_of("old")), automountServiceAccountToken=_flag, nodeName=maybe(_of("", "n")), securityContext=_pod_security,
    imagePullSecrets=maybe(_of([], [{"name": "s"}], [{}])), hostname=maybe(_text), subdomain=maybe(_text), affinity=_affinity, schedulerName=maybe(_of("", "mine")), tolerations=maybe(st.lists(_toleration, max_size=2)),
    hostAliases=maybe(_of([], [{"ip": "1.2.3.4", "hostnames": ["a"]}])), priorityClassName=maybe(_of("", "high")), priority=_number, dnsConfig=maybe(_of({}, {"nameservers": [], "options": [{"name": "ndots", "value": "2"}]})),
    readinessGates=maybe(_of([], [{"conditionType": "x"}])), runtimeClassName=maybe(_of("rc")), enableServiceLinks=_flag, preemptionPolicy=_of("Never", None), overhead=maybe(st.dictionaries(_of("cpu"), _quantity)),
    topologySpreadConstraints=maybe(_of([], [{"maxSkew": 1, "topologyKey": "k", "whenUnsatisfiable": "DoNotSchedule"}])), setHostnameAsFQDN=_flag, os=maybe(_of({"name": "windows"}, {"name": "linux"})), schedulingGates=maybe(_of([], [{"name": "g"}])),
)  # fmt: skip
_metadata = fields({"name": _of("p", "web-1")}, namespace=_of("shop", "default"), labels=maybe(_labels), annotations=maybe(st.dictionaries(_text.filter(bool), _text, max_size=2)),
                   finalizers=maybe(_of([], ["a/b"])), generateName=_of("", "p-"), ownerReferences=maybe(_of([], [{"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "u"}])), generation=_of(0, 3), resourceVersion=_of("", "5"),
                   creationTimestamp=_of(None, "2024-01-01T00:00:00Z"), uid=_of("", "abc"))  # fmt: skip
pods = st.builds(lambda metadata, spec: {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}, _metadata, _spec)

# Fields of workloads beside their template.
_rolling = _of(
    {},
    None,
    {"type": "Recreate"},
    {"type": "RollingUpdate"},
    {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": "25%"}},
    {"rollingUpdate": {}},
    {"rollingUpdate": {"maxSurge": "0%"}},
)
_workload: dict[str, st.SearchStrategy[Any]] = {
    "Deployment": fields(replicas=_number, strategy=_rolling, minReadySeconds=_number, revisionHistoryLimit=_number, paused=_flag, progressDeadlineSeconds=_of(0, 600, None)),
    "ReplicaSet": fields(replicas=_number, minReadySeconds=_number),
    "DaemonSet": fields(updateStrategy=_rolling.filter(lambda one: not one or one.get("type") != "Recreate"), minReadySeconds=_number, revisionHistoryLimit=_number),
    "StatefulSet": fields({"serviceName": _of("s", "")}, replicas=_number, podManagementPolicy=_of("", "Parallel", None), updateStrategy=_of({}, None, {"type": "OnDelete"}, {"rollingUpdate": {"partition": 0}}, {"rollingUpdate": None}), persistentVolumeClaimRetentionPolicy=_of(None, {}, {"whenDeleted": "Delete"}), volumeClaimTemplates=maybe(_of([], [{"metadata": {"name": "d"}, "spec": {"resources": {"requests": {"storage": "1024Mi"}}}}]))),
    "Job": fields(parallelism=_number, completions=_number, backoffLimit=_number, ttlSecondsAfterFinished=_number, suspend=_flag, completionMode=_of("Indexed", None), podFailurePolicy=_of(None, {"rules": [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]}]}), manualSelector=_of(False, None)),
    "CronJob": fields({"schedule": _of("0 * * * *", "")}, concurrencyPolicy=_of("", "Forbid", None), suspend=_flag, successfulJobsHistoryLimit=_number, failedJobsHistoryLimit=_number, startingDeadlineSeconds=_number, timeZone=maybe(_of("UTC"))),
    "ReplicationController": fields(replicas=_number, minReadySeconds=_number, selector=maybe(_labels)),
    "PodTemplate": st.just({}),
}  # fmt: skip


@st.composite
def workloads(draw: st.DrawFn) -> dict[str, Any]:
    """A workload of any kind around a pod."""
    kind = draw(st.sampled_from(list(WRAPPERS)))
    pod = draw(pods)
    pod["metadata"] = {key: one for key, one in pod["metadata"].items() if one is not None and key in ("name", "namespace", "labels", "annotations")}
    value: dict[str, Any] = wrapped(pod, kind)
    extra = draw(_workload[kind])
    if extra:
        value["spec"] = {**value["spec"], **extra}
    if draw(st.integers(0, 9)) == 0:
        value["status"] = draw(
            _of({}, {"replicas": 0}, {"active": 0}, None) if kind not in ("PodTemplate", "CronJob") else _of({} if kind == "CronJob" else None, None)
        )
        if kind in ("Job", "DaemonSet", "PodTemplate") or (value["status"] or {}).get("active") is not None:
            del value["status"]
    return value


def _object(api_version: str, kind: str, **rest: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(lambda metadata, body: {"apiVersion": api_version, "kind": kind, "metadata": metadata, **body}, _metadata, fields(**rest))


def _cluster(api_version: str, kind: str, **rest: Any) -> st.SearchStrategy[dict[str, Any]]:
    return _object(api_version, kind, **rest).map(
        lambda value: {**value, "metadata": {key: one for key, one in value["metadata"].items() if key != "namespace"}}
    )


_selector = _of(
    {},
    {"matchLabels": {"app": "web"}},
    {"matchExpressions": [{"key": "k", "operator": "Exists"}]},
    {"matchExpressions": [{"key": "k", "operator": "In", "values": []}]},
)
_rules = _of([], [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}], [{"nonResourceURLs": ["/x"], "verbs": ["get"]}], None)
_claim = fields(
    {"accessModes": _of(["ReadWriteOnce"]), "resources": _of({"requests": {"storage": "1024Mi"}}, {"requests": {"storage": "0.5Gi"}, "limits": {}}, {})},
    storageClassName=maybe(_of("", "fast")),
    volumeMode=_of("Block", None),
    volumeName=maybe(_of("", "v")),
)
kinds: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "ConfigMap": _object("v1", "ConfigMap", data=maybe(st.dictionaries(_of("a", "b"), _text, max_size=2)), binaryData=maybe(_of({}, {"k": "YWJj"})), immutable=_flag),
    "Secret": _object("v1", "Secret", data=maybe(_of({}, {"k": "YWJj"}, {"k": ""}, {"k": None})), stringData=maybe(_of({}, {"k": "text"}, {"n": "é", "k": ""})), type=_of("", "Opaque", "kubernetes.io/tls", None), immutable=_flag),
    "Service": _object("v1", "Service", spec=fields(ports=maybe(st.lists(fields({"port": _of(80, 443)}, targetPort=_of(80, "http", 0, "", None), protocol=_of("", "UDP", None), nodePort=_of(0, 30080), name=_of("", "a"), appProtocol=maybe(_of("http"))), max_size=2)), selector=maybe(_labels), type=_of("ClusterIP", "NodePort", "LoadBalancer", "ExternalName", "", None), clusterIP=_of("", "None"), sessionAffinity=_of("", "ClientIP", "None"), sessionAffinityConfig=_of(None, {"clientIP": {"timeoutSeconds": 5}}), externalTrafficPolicy=_of("", "Local"), ipFamilies=maybe(_of([], ["IPv4"])), ipFamilyPolicy=_of("SingleStack", None), internalTrafficPolicy=_of("Local", None), publishNotReadyAddresses=_flag, externalName=_of("", "a.b"), allocateLoadBalancerNodePorts=_flag)),
    "Namespace": _cluster("v1", "Namespace", spec=maybe(fields(finalizers=maybe(_of([], ["kubernetes"])))), status=maybe(fields(phase=_of("", "Active")))),
    "ServiceAccount": _object("v1", "ServiceAccount", secrets=maybe(_of([], [{"name": "s"}])), imagePullSecrets=maybe(_of([], [{"name": "s"}])), automountServiceAccountToken=_flag),
    "PersistentVolumeClaim": _object("v1", "PersistentVolumeClaim", spec=_claim),
    "PersistentVolume": _cluster("v1", "PersistentVolume", spec=fields({"capacity": _of({"storage": "1024Mi"}), "accessModes": _of(["ReadWriteOnce"])}, hostPath=fields({"path": _text}, type=_of("", None)), persistentVolumeReclaimPolicy=_of("Retain", "", None), mountOptions=maybe(_of([], ["ro"])), nodeAffinity=_of(None, {}))),
    "Node": _cluster("v1", "Node", spec=fields(unschedulable=_flag, taints=maybe(_of([], [{"key": "k", "effect": "NoSchedule"}])), podCIDR=_of("", "10.0.0.0/24"), podCIDRs=_of(None, ["10.0.0.0/24"])), status=fields(capacity=maybe(st.dictionaries(_of("cpu", "memory"), _quantity, max_size=2)), allocatable=maybe(st.dictionaries(_of("cpu"), _quantity)))),
    "ResourceQuota": _object("v1", "ResourceQuota", spec=fields(hard=maybe(st.dictionaries(_of("pods", "requests.cpu"), _quantity, max_size=2)), scopes=maybe(_of([], ["BestEffort"])))),
    "LimitRange": _object("v1", "LimitRange", spec=fields({"limits": st.lists(fields({"type": _of("Container", "Pod")}, max=st.dictionaries(_of("cpu"), _quantity), default=st.dictionaries(_of("cpu"), _quantity), min=maybe(st.dictionaries(_of("memory"), _quantity))), max_size=2)})),
    "Endpoints": _object("v1", "Endpoints", subsets=maybe(_of([], [{"addresses": [{"ip": "1.2.3.4"}], "ports": [{"port": 80}]}]))),
    "EndpointSlice": _object("discovery.k8s.io/v1", "EndpointSlice", addressType=_of("IPv4"), endpoints=_of([], [{"addresses": ["1.2.3.4"], "conditions": {}}], None), ports=_of([], [{"port": 80}, {"name": None}], None)),
    "Ingress": _object("networking.k8s.io/v1", "Ingress", spec=fields(ingressClassName=maybe(_text), tls=maybe(_of([], [{"hosts": []}])), rules=maybe(_of([], [{"host": "a", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "s", "port": {"number": 80}}}}]}}])), defaultBackend=_of(None, {"service": {"name": "s", "port": {"name": "http"}}}))),
    "IngressClass": _cluster("networking.k8s.io/v1", "IngressClass", spec=fields(controller=_text, parameters=_of(None, {"kind": "K", "name": "n"}))),
    "NetworkPolicy": _object("networking.k8s.io/v1", "NetworkPolicy", spec=fields({"podSelector": _selector}, policyTypes=maybe(_of([], ["Egress"])), ingress=maybe(_of([], [{}], [{"from": [{"podSelector": {}}], "ports": [{"port": 80}, {"port": "http", "protocol": "UDP"}]}])), egress=maybe(_of([], [{"to": []}])))),
    "Role": _object("rbac.authorization.k8s.io/v1", "Role", rules=_rules),
    "ClusterRole": _cluster("rbac.authorization.k8s.io/v1", "ClusterRole", rules=_rules, aggregationRule=_of(None, {}, {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]})),
    "RoleBinding": _object("rbac.authorization.k8s.io/v1", "RoleBinding", roleRef=_of({"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"}, {"kind": "ClusterRole", "name": "r"}), subjects=_of([], None, [{"kind": "User", "name": "u"}, {"kind": "ServiceAccount", "name": "s", "namespace": "n"}])),
    "ClusterRoleBinding": _cluster("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", roleRef=_of({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "r"}, {"kind": "ClusterRole", "name": "r"}), subjects=_of([{"kind": "Group", "name": "g"}])),
    "HorizontalPodAutoscaler": _object("autoscaling/v2", "HorizontalPodAutoscaler", spec=fields({"scaleTargetRef": _of({"kind": "Deployment", "name": "d", "apiVersion": "apps/v1"}), "maxReplicas": _of(1, 10)}, minReplicas=_of(None, 0, 2), metrics=maybe(_of([], [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}])), behavior=_of(None, {}, {"scaleDown": {"stabilizationWindowSeconds": 0}}, {"scaleUp": {"policies": []}}))),
    "PodDisruptionBudget": _object("policy/v1", "PodDisruptionBudget", spec=fields(minAvailable=_of(1, "50%", 0, None), maxUnavailable=_of(None, "0%"), selector=_of({}, None, {"matchLabels": {}}), unhealthyPodEvictionPolicy=_of(None, "AlwaysAllow"))),
    "StorageClass": _cluster("storage.k8s.io/v1", "StorageClass", provisioner=_text, parameters=maybe(_labels), reclaimPolicy=_of("Retain", None), allowVolumeExpansion=_flag, mountOptions=maybe(_of([], ["ro"])), volumeBindingMode=_of(None, "WaitForFirstConsumer")),
    "CSIDriver": _cluster("storage.k8s.io/v1", "CSIDriver", spec=fields(attachRequired=_flag, podInfoOnMount=_flag, fsGroupPolicy=_of(None, "File"), volumeLifecycleModes=maybe(_of([], ["Ephemeral"])), storageCapacity=_flag)),
    "PriorityClass": _cluster("scheduling.k8s.io/v1", "PriorityClass", value=_of(0, 1000), globalDefault=_flag, description=_of("", "d"), preemptionPolicy=_of(None, "Never")),
    "RuntimeClass": _cluster("node.k8s.io/v1", "RuntimeClass", handler=_of("runc"), overhead=_of(None, {"podFixed": {"cpu": "1000m"}}), scheduling=_of(None, {}, {"nodeSelector": {"a": "b"}})),
    "Lease": _object("coordination.k8s.io/v1", "Lease", spec=fields(holderIdentity=maybe(_text), leaseDurationSeconds=_number, renewTime=_of(None, "2024-01-01T00:00:00Z", "2024-01-01T00:00:00.123456Z"))),
    "CertificateSigningRequest": _cluster("certificates.k8s.io/v1", "CertificateSigningRequest", spec=fields({"request": _of("YWJj", ""), "signerName": _of("a/b")}, usages=maybe(_of([], ["client auth"])), expirationSeconds=_of(None, 600))),
    "ValidatingWebhookConfiguration": _cluster("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", webhooks=_of(None, [], [{"name": "a.b.c", "clientConfig": {"service": {"name": "s", "namespace": "n"}}, "sideEffects": "None", "admissionReviewVersions": ["v1"], "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}]}])),
    "CustomResource": _object("stable.example.com/v1", "CronTab", spec=_of({}, None, {"replicas": 1.0, "image": None, "list": [], "nested": {"a": None}}, {"big": 9007199254740993, "float": 1.5e3, "text": ""})),
}  # fmt: skip


@st.composite
def others(draw: st.DrawFn) -> dict[str, Any]:
    """An object of a kind without pods."""
    return draw(kinds[draw(st.sampled_from(list(kinds)))])


# Faults of decoding: where, and what stands there.
_FAULTS: list[tuple[tuple[str, ...], Any]] = [
    (("spec", "unknownField"), 1), (("spec", "containers", "nope"), "x"), (("spec", "hostNetwork"), "true"), (("spec", "containers"), {}), (("spec", "terminationGracePeriodSeconds"), "30"), (("spec", "terminationGracePeriodSeconds"), 1.5),
    (("spec", "nodeSelector"), []), (("spec", "nodeSelector"), {"a": 1}), (("spec", "hostname"), 5), (("metadata", "labels"), {"a": True}), (("metadata", "labels"), "x"), (("spec", "overhead"), {"cpu": "x"}),
    (("spec", "HostNetwork"), True), (("spec", "tolerations"), [1]), (("spec", "priority"), 3000000000), (("spec", "securityContext"), []), (("spec", "activeDeadlineSeconds"), True), (("metadata", "creationTimestamp"), "yesterday"),
    (("status", "x"), 1), (("extra",), {}), (("spec", "volumes"), [{"name": 1}]), (("spec", "containers"), [{"name": "c", "Image": "x"}]), (("metadata", "annotations"), {"a": {}}), (("spec", "containers"), [None]), (("spec",), "x"), (("spec",), []),
]  # fmt: skip


@st.composite
def wrong(draw: st.DrawFn) -> dict[str, Any]:
    """A pod that does not decode, or only without strictness."""
    value = copy.deepcopy(draw(pods))
    path, new = draw(st.sampled_from(_FAULTS))
    place: Any = value
    for step in path[:-1]:
        place = place.setdefault(step, {})
        if isinstance(place, list):
            place = place[0]
    if isinstance(place, dict):
        place[path[-1]] = copy.deepcopy(new)
    return value

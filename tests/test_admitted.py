"""The object as the API server presents it. What is expected here is what the Go code of the release gives (compared at large by the conformance tests)."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from hostprocess.kubernetes.admitted import Presented, present, problems
from hostprocess.kubernetes.fields import format_path, parse_path
from hostprocess.model import Origin, Unknown

POD: dict[str, Any] = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "namespace": "ns"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}


def pod(**spec: Any) -> dict[str, Any]:
    return {**POD, "spec": {**POD["spec"], **spec}}


def container(**fields: Any) -> dict[str, Any]:
    return pod(containers=[{"name": "c", "image": "i", **fields}])


def at(value: Any, path: str) -> Any:
    for step in parse_path(path):
        value = value[step]
    return value


def without_unknowns(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_unknowns(item) for key, item in value.items() if not isinstance(item, Unknown)}
    return [without_unknowns(item) for item in value] if isinstance(value, list) else value


def test_a_pod() -> None:
    found = present(POD)
    assert without_unknowns(found.object) == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "a", "namespace": "ns", "generation": 1},
        "spec": {
            "containers": [
                {
                    "name": "c",
                    "image": "i",
                    "resources": {},
                    "terminationMessagePath": "/dev/termination-log",
                    "terminationMessagePolicy": "File",
                    "imagePullPolicy": "Always",
                }
            ],
            "restartPolicy": "Always",
            "terminationGracePeriodSeconds": 30,
            "dnsPolicy": "ClusterFirst",
            "securityContext": {},
            "schedulerName": "default-scheduler",
            "enableServiceLinks": True,
        },
        "status": {"phase": "Pending", "qosClass": "BestEffort"},
    }
    for name in ("uid", "creationTimestamp", "managedFields"):
        value = found.object["metadata"][name]
        assert isinstance(value, Unknown)
        assert name in value.what


def test_the_object_as_it_was_read_stays() -> None:
    value = container(
        resources={"limits": {"cpu": "1000m"}}, securityContext={"privileged": False}, ports=[{"containerPort": 80}], livenessProbe={"httpGet": {"port": 80}}
    )
    value["spec"] |= {"hostNetwork": True, "volumes": [{"name": "v"}], "schedulingGates": [{"name": "g"}]}
    before = copy.deepcopy(value)
    present(value, plugins=("ServiceAccount", "Priority", "DefaultTolerationSeconds", "RuntimeClass"), namespace="x")
    assert value == before


# The object, the field, and its value there; None: there is no such field.
FIELDS: list[tuple[dict[str, Any], str, Any]] = [
    # zero values and nulls
    (pod(hostNetwork=False), "spec.hostNetwork", None),
    (pod(hostNetwork=None), "spec.hostNetwork", None),
    (pod(volumes=[]), "spec.volumes", None),
    (pod(nodeSelector={}), "spec.nodeSelector", None),
    (pod(subdomain=""), "spec.subdomain", None),
    (pod(shareProcessNamespace=False), "spec.shareProcessNamespace", False),
    (pod(affinity={}), "spec.affinity", {}),
    (container(securityContext={"runAsUser": 0, "privileged": None}), "spec.containers[0].securityContext", {"runAsUser": 0}),
    (container(args=[None, "a"]), "spec.containers[0].args", ["", "a"]),
    (container(env=[{"name": "x", "value": ""}]), "spec.containers[0].env", [{"name": "x"}]),
    ({**POD, "metadata": {"name": "a", "labels": {"x": None, "y": ""}}}, "metadata.labels", {"x": "", "y": ""}),
    ({**POD, "spec": {}}, "spec.containers", "null"),
    # canonical forms
    (container(resources={"limits": {"cpu": "1000m", "memory": 1073741824}}), "spec.containers[0].resources.limits", {"cpu": "1", "memory": "1073741824"}),
    (container(resources={"limits": {"cpu": 0.5}}), "spec.containers[0].resources", {"limits": {"cpu": "500m"}, "requests": {"cpu": "500m"}}),
    (container(resources={"requests": {"cpu": "100u"}}), "spec.containers[0].resources.requests.cpu", "1m"),
    (pod(overhead={"cpu": "1n"}), "spec.overhead.cpu", "1m"),
    (pod(volumes=[{"name": "v", "emptyDir": {"sizeLimit": "1024Mi"}}]), "spec.volumes[0].emptyDir.sizeLimit", "1Gi"),
    # defaults
    (container(image="a:1"), "spec.containers[0].imagePullPolicy", "IfNotPresent"),
    (container(image="a:latest"), "spec.containers[0].imagePullPolicy", "Always"),
    (container(image="a@sha256:" + "0" * 64), "spec.containers[0].imagePullPolicy", "IfNotPresent"),
    (container(image="a:latest@sha256:" + "0" * 64), "spec.containers[0].imagePullPolicy", "Always"),
    (container(image="UPPER/x"), "spec.containers[0].imagePullPolicy", "Always"),
    (container(image="a/UPPER"), "spec.containers[0].imagePullPolicy", "IfNotPresent"),
    (container(image="a:1:2"), "spec.containers[0].imagePullPolicy", "IfNotPresent"),
    (container(image="0" * 64), "spec.containers[0].imagePullPolicy", "IfNotPresent"),
    (container(image="localhost:5000/a"), "spec.containers[0].imagePullPolicy", "Always"),
    (container(ports=[{"containerPort": 80}]), "spec.containers[0].ports", [{"containerPort": 80, "protocol": "TCP"}]),
    (pod(hostNetwork=True, containers=[{"name": "c", "ports": [{"containerPort": 80}]}]), "spec.containers[0].ports[0].hostPort", 80),
    (
        container(livenessProbe={"httpGet": {"port": "x"}}),
        "spec.containers[0].livenessProbe",
        {"httpGet": {"port": "x", "path": "/", "scheme": "HTTP"}, "timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3},
    ),
    (container(readinessProbe={"grpc": {"port": 1}}), "spec.containers[0].readinessProbe.grpc", {"port": 1, "service": ""}),
    (container(env=[{"name": "a", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}]), "spec.containers[0].env[0].valueFrom.fieldRef.apiVersion", "v1"),
    (container(lifecycle={"stopSignal": "SIGTERM"}), "spec.containers[0].lifecycle", None),
    (pod(volumes=[{"name": "v"}]), "spec.volumes", [{"name": "v", "emptyDir": {}}]),
    (pod(volumes=[{"name": "v", "hostPath": {"path": "/"}}]), "spec.volumes[0].hostPath", {"path": "/", "type": ""}),
    (pod(volumes=[{"name": "v", "secret": {"secretName": "s"}}]), "spec.volumes[0].secret.defaultMode", 420),
    (pod(serviceAccount="s"), "spec.serviceAccountName", "s"),
    (pod(serviceAccount="s", serviceAccountName="t"), "spec.serviceAccount", "t"),
    (pod(terminationGracePeriodSeconds=-5), "spec.terminationGracePeriodSeconds", 1),
    # what the registry does
    ({**POD, "status": {"phase": "Running", "podIP": "1.2.3.4"}}, "status", {"phase": "Pending", "qosClass": "BestEffort"}),
    ({**POD, "metadata": {"name": "a", "generation": 7}}, "metadata.generation", 1),
    ({**POD, "metadata": {"name": "a", "annotations": {"pod.beta.kubernetes.io/init-containers": "x"}}}, "metadata.annotations", None),
    (container(resources={"limits": {"cpu": "1", "memory": "1Gi"}}), "status.qosClass", "Guaranteed"),
    (container(resources={"requests": {"cpu": "1"}}), "status.qosClass", "Burstable"),
    (pod(resources={"limits": {"cpu": "1", "memory": "1Gi"}}), "status.qosClass", "Guaranteed"),
    (
        pod(resources={"limits": {"cpu": "2"}}, containers=[{"name": "c", "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}}}]),
        "spec.resources",
        {"limits": {"cpu": "2"}, "requests": {"cpu": "500m", "memory": "1Gi"}},
    ),
    (pod(schedulingGroup={}), "spec.schedulingGroup", None),
    # other kinds
    (
        {"apiVersion": "v1", "kind": "Secret", "stringData": {"b": "é", "c": "x"}, "data": {"a": "YQ==", "c": "Yg=="}},
        "data",
        {"a": "YQ==", "b": "w6k=", "c": "eA=="},
    ),
    ({"apiVersion": "v1", "kind": "Secret", "stringData": {"b": "x"}}, "stringData", None),
    ({"apiVersion": "v1", "kind": "Secret"}, "type", "Opaque"),
    ({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}}, "metadata.labels", {"kubernetes.io/metadata.name": "n"}),
    ({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}}, "spec.finalizers", ["kubernetes"]),
    ({"apiVersion": "v1", "kind": "Service", "spec": {"ports": [{"port": 80}]}}, "spec.ports", [{"port": 80, "protocol": "TCP", "targetPort": 80}]),
    ({"apiVersion": "v1", "kind": "Service", "spec": {"type": "LoadBalancer"}}, "spec.allocateLoadBalancerNodePorts", True),
    ({"apiVersion": "v1", "kind": "Event", "eventTime": "2024-05-01T12:00:00.5+02:00"}, "eventTime", "fault"),
    ({"apiVersion": "v1", "kind": "Event", "eventTime": "2024-05-01T12:00:00.500000+02:00"}, "eventTime", "2024-05-01T10:00:00.500000Z"),
    ({"apiVersion": "v1", "kind": "Event", "firstTimestamp": "2024-05-01T12:00:00.5+02:00"}, "firstTimestamp", "2024-05-01T10:00:00Z"),
    ({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole"}, "rules", "null"),
    ({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "spec": {"dataSource": {"kind": "X", "name": "x"}}}, "spec.dataSource", None),
    (
        {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "spec": {"behavior": {"scaleDown": {"selectPolicy": "Min"}}}},
        "spec.behavior.scaleDown",
        {"selectPolicy": "Min", "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}]},
    ),
    (
        {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "spec": {"behavior": {"scaleUp": {"policies": []}}}},
        "spec.behavior.scaleUp",
        {"stabilizationWindowSeconds": 0, "selectPolicy": "Max"},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("value", "path", "wanted"), FIELDS)
def test_a_field(value: dict[str, Any], path: str, wanted: Any) -> None:
    found = present(value)
    if wanted == "fault":
        assert [format_path(fault.steps) for fault in found.faults] == [path]
        return
    assert found.faults == ()
    *above, name = parse_path(path)
    parent = at(found.object, format_path(tuple(above)))
    if wanted is None:
        assert name not in parent
    else:
        assert parent[name] == (None if wanted == "null" else wanted)
        assert type(parent[name]) is type(None if wanted == "null" else wanted)


TEMPLATE = {"metadata": {"labels": {"app": "a"}}, "spec": POD["spec"]}


def workload(api_version: str, kind: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "w", "namespace": "ns"}, "spec": {"template": TEMPLATE, **spec}}


WORKLOADS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    (
        workload("apps/v1", "Deployment"),
        {"replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600,
         "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}}},
    ),
    (workload("apps/v1", "Deployment", replicas=0, strategy={"type": "Recreate"}), {"replicas": 0, "strategy": {"type": "Recreate"}}),
    (workload("apps/v1", "ReplicaSet"), {"replicas": 1}),
    (workload("apps/v1", "DaemonSet"), {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}}}),
    (
        workload("apps/v1", "StatefulSet"),
        {"replicas": 1, "podManagementPolicy": "OrderedReady", "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
         "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0, "maxUnavailable": 1}}},
    ),
    (workload("v1", "ReplicationController"), {"replicas": 1, "selector": {"app": "a"}}),
    (
        workload("batch/v1", "Job"),
        {"completions": 1, "parallelism": 1, "backoffLimit": 6, "completionMode": "NonIndexed", "suspend": False, "manualSelector": False,
         "podReplacementPolicy": "TerminatingOrFailed"},
    ),
    (workload("batch/v1", "Job", backoffLimitPerIndex=1), {"backoffLimit": 2147483647}),
]  # fmt: skip


@pytest.mark.parametrize(("value", "wanted"), WORKLOADS, ids=[value["kind"] for value, _ in WORKLOADS])
def test_a_workload(value: dict[str, Any], wanted: dict[str, Any]) -> None:
    found = present(value).object
    assert {name: found["spec"].get(name) for name in wanted} == wanted
    assert found["metadata"]["generation"] == 1
    spec = found["spec"]["template"]["spec"]
    assert spec["dnsPolicy"] == "ClusterFirst"
    assert spec["containers"][0]["resources"] == {}
    assert "enableServiceLinks" not in spec


def test_a_cron_job_does_not_default_its_job() -> None:
    value = {"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "a"}, "spec": {"jobTemplate": {"spec": {"template": TEMPLATE}}}}
    spec = present(value).object["spec"]
    assert (spec["concurrencyPolicy"], spec["suspend"], spec["successfulJobsHistoryLimit"]) == ("Allow", False, 3)
    assert "backoffLimit" not in spec["jobTemplate"]["spec"]
    assert spec["jobTemplate"]["spec"]["template"]["spec"]["schedulerName"] == "default-scheduler"


def test_the_labels_of_a_job() -> None:
    found = present(workload("batch/v1", "Job")).object
    labels = found["spec"]["template"]["metadata"]["labels"]
    assert without_unknowns(labels) == {"app": "a", "job-name": "w", "batch.kubernetes.io/job-name": "w"}
    assert isinstance(labels["controller-uid"], Unknown)
    assert found["metadata"]["labels"] == labels


def test_releases() -> None:
    assert "generation" not in present(POD, kubernetes="1.30").object["metadata"]
    assert "maxUnavailable" not in present(workload("apps/v1", "StatefulSet"), kubernetes="1.34").object["spec"]["updateStrategy"]["rollingUpdate"]
    assert present(workload("apps/v1", "Deployment"), kubernetes="1.30").object["spec"]["template"]["metadata"]["creationTimestamp"] is None
    assert "creationTimestamp" not in present(workload("apps/v1", "Deployment")).object["spec"]["template"]["metadata"]
    assert "hostUsers" not in present(pod(hostUsers=True), kubernetes="1.30").object["spec"]
    assert present(pod(hostUsers=True), kubernetes="1.34").object["spec"]["hostUsers"] is True
    found = present(pod(hostnameOverride="a"), kubernetes="1.30")
    assert [fault.server for fault in found.faults] == ['unknown field "spec.hostnameOverride"']


def test_generated_names_and_missing_namespaces() -> None:
    value = {**POD, "metadata": {"generateName": "a-"}}
    found = present(value, namespace="x").object["metadata"]
    assert isinstance(found["name"], Unknown)
    assert found["namespace"] == "x"
    missing = present(value).object["metadata"]["namespace"]
    assert isinstance(missing, Unknown)
    assert "--namespace" in missing.what
    assert "namespace" not in present({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}}).object["metadata"]


def test_custom_resources_stay_as_they_are_stored() -> None:
    value = {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "a"}, "spec": {"a": None, "b": "", "c": [], "cpu": "1000m"}, "x": 0}
    found = present(value).object
    assert without_unknowns(found) == {**value, "metadata": {"name": "a", "generation": 1}}
    assert isinstance(found["metadata"]["uid"], Unknown)
    assert value["metadata"] == {"name": "a"}


# --- field validation ---

STRANGE = {**pod(hostnetwork=True), "Spec": {}}


def test_strict_field_validation() -> None:
    found = present(STRANGE)
    assert found.decode_error == 'strict decoding error: unknown field "spec.hostnetwork", unknown field "Spec"'
    origin = Origin(path="x.yaml", text="apiVersion: v1\nspec:\n  hostnetwork: true\nSpec: {}\n")
    assert [(one.line, one.message) for one in problems(found.faults, origin)] == [
        (4, "Spec: unknown field: the name is written 'spec'"),
        (3, "spec.hostnetwork: unknown field: the name is written 'hostNetwork'"),
    ]


def test_lax_field_validation() -> None:
    warned = present(STRANGE, field_validation="warn")
    assert warned.faults == ()
    assert len(warned.warnings) == 2
    ignored = present(STRANGE, field_validation="ignore")
    assert (ignored.faults, ignored.warnings) == ((), ())
    assert without_unknowns(ignored.object) == without_unknowns(warned.object) == without_unknowns(present(POD).object)


@pytest.mark.parametrize("field_validation", ["strict", "warn", "ignore"])
def test_wrong_types_are_refused_in_any_case(field_validation: str) -> None:
    found = present({**pod(hostNetwork="true"), "Spec": {}}, field_validation=field_validation)
    assert found.decode_error == "json: cannot unmarshal string into Go struct field PodSpec.spec.hostNetwork of type bool"
    assert "hostNetwork" in {fault.steps[-1] for fault in found.faults}


def server_words(value: dict[str, Any]) -> str:
    return present(value).decode_error


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (container(env={}), "json: cannot unmarshal object into Go struct field Container.spec.containers.env of type []v1.EnvVar"),
        (container(args=[5]), "json: cannot unmarshal number into Go struct field Container.spec.containers.args of type string"),
        (pod(containers=["x"]), "json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type v1.Container"),
        (pod(restartPolicy=[]), "json: cannot unmarshal array into Go struct field PodSpec.spec.restartPolicy of type v1.RestartPolicy"),
        (pod(priority=1.5), "json: cannot unmarshal number 1.5 into Go struct field PodSpec.spec.priority of type int32"),
        (pod(priority=1 << 31), "json: cannot unmarshal number 2147483648 into Go struct field PodSpec.spec.priority of type int32"),
        (pod(nodeSelector={"a": True}), "json: cannot unmarshal bool into Go struct field PodSpec.spec.nodeSelector of type string"),
        (
            pod(volumes=[{"name": "v", "hostPath": {"path": 1}}]),
            "json: cannot unmarshal number into Go struct field HostPathVolumeSource.spec.volumes.VolumeSource.hostPath.path of type string",
        ),
        (pod(hostNetwork=1, overhead={"cpu": "1x"}), "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"),
        ({**POD, "metadata": {"creationTimestamp": "x"}}, 'parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"'),
        ({**POD, "metadata": {"creationTimestamp": "2024-13-01T00:00:00Z"}}, 'parsing time "2024-13-01T00:00:00Z": month out of range'),
        ({**POD, "metadata": {"creationTimestamp": "2024-01-01 00:00:00Z"}},
         'parsing time "2024-01-01 00:00:00Z" as "2006-01-02T15:04:05Z07:00": cannot parse " 00:00:00Z" as "T"'),
    ],
)  # fmt: skip
def test_the_words_of_the_api_server(value: dict[str, Any], words: str) -> None:
    assert server_words(value) == words


# --- updates ---


def test_an_update() -> None:
    old = {
        **POD,
        "metadata": {"name": "a", "namespace": "ns", "uid": "u", "generation": 3, "creationTimestamp": "2024-01-01T00:00:00Z", "resourceVersion": "7"},
    }
    old["status"] = {"phase": "Running", "podIP": "1.2.3.4"}
    new = {**container(image="j:1"), "status": {"phase": "Failed"}}
    found = present(new, operation="UPDATE", old_object=old)
    assert without_unknowns(found.object["metadata"]) == {**old["metadata"], "generation": 4}
    assert found.object["status"] == {"phase": "Running", "podIP": "1.2.3.4", "podIPs": [{"ip": "1.2.3.4"}]}
    assert found.old_object is not None
    assert found.old_object["spec"]["dnsPolicy"] == "ClusterFirst"
    same = present(POD, operation="UPDATE", old_object=old)
    assert same.object["metadata"]["generation"] == 3


def test_an_old_object_that_was_never_stored() -> None:
    found = present(workload("apps/v1", "Deployment", replicas=2), operation="UPDATE", old_object=workload("apps/v1", "Deployment"))
    assert found.object["metadata"]["generation"] == 2
    assert isinstance(found.object["metadata"]["uid"], Unknown)


def test_the_template_generation_of_a_daemon_set() -> None:
    key = "deprecated.daemonset.template.generation"
    old = workload("apps/v1", "DaemonSet")
    assert present(old).object["metadata"]["annotations"] == {key: "1"}
    new = copy.deepcopy(old)
    new["spec"]["template"]["spec"]["hostNetwork"] = True
    assert present(new, operation="UPDATE", old_object=old).object["metadata"]["annotations"] == {key: "2"}


# --- plug-ins ---

CLUSTER: dict[tuple[str, str, str], Any] = {
    ("ServiceAccount", "ns", "default"): {"apiVersion": "v1", "kind": "ServiceAccount", "imagePullSecrets": [{"name": "s"}]},
    ("ServiceAccount", "ns", "quiet"): {"apiVersion": "v1", "kind": "ServiceAccount", "automountServiceAccountToken": False},
    ("PriorityClass", "", "high"): {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "value": 5, "preemptionPolicy": "Never"},
    ("RuntimeClass", "", "r"): {
        "apiVersion": "node.k8s.io/v1",
        "kind": "RuntimeClass",
        "handler": "h",
        "overhead": {"podFixed": {"cpu": "1000m"}},
        "scheduling": {"nodeSelector": {"os": "w"}, "tolerations": [{"key": "t", "operator": "Exists"}]},
    },
}


def find(api_version: str, kind: str, namespace: str, name: str) -> dict[str, Any] | None:
    return CLUSTER.get((kind, namespace, name))


def plugged(value: dict[str, Any], *plugins: str) -> Presented:
    return present(value, plugins=plugins, find=find)


def test_service_accounts() -> None:
    spec = plugged(POD, "ServiceAccount").object["spec"]
    assert spec["serviceAccountName"] == spec["serviceAccount"] == "default"
    assert spec["imagePullSecrets"] == [{"name": "s"}]
    [volume] = spec["volumes"]
    [mount] = spec["containers"][0]["volumeMounts"]
    assert isinstance(volume["name"], Unknown)
    assert mount["name"] == volume["name"]
    assert [next(iter(source)) for source in volume["projected"]["sources"]] == ["serviceAccountToken", "configMap", "downwardAPI"]
    assert "volumes" not in plugged(pod(serviceAccountName="quiet"), "ServiceAccount").object["spec"]
    assert "volumes" not in plugged(pod(automountServiceAccountToken=False), "ServiceAccount").object["spec"]
    found = plugged(pod(serviceAccountName="gone"), "ServiceAccount")
    assert found.refusals == ('pods "a" is forbidden: error looking up service account ns/gone: serviceaccount "gone" not found',)


def test_default_tolerations() -> None:
    spec = plugged(POD, "DefaultTolerationSeconds").object["spec"]
    assert [one["key"] for one in spec["tolerations"]] == ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]
    spec = plugged(pod(tolerations=[{"operator": "Exists"}]), "DefaultTolerationSeconds").object["spec"]
    assert spec["tolerations"] == [{"operator": "Exists"}]


def test_priorities() -> None:
    spec = plugged(POD, "Priority").object["spec"]
    assert (spec["priority"], spec["preemptionPolicy"]) == (0, "PreemptLowerPriority")
    spec = plugged(pod(priorityClassName="high"), "Priority").object["spec"]
    assert (spec["priority"], spec["preemptionPolicy"]) == (5, "Never")
    spec = plugged(pod(priorityClassName="system-node-critical"), "Priority").object["spec"]
    assert spec["priority"] == 2_000_001_000
    assert "no PriorityClass with name none was found" in plugged(pod(priorityClassName="none"), "Priority").refusals[0]
    assert "must not be provided in pod spec" in plugged(pod(priority=3), "Priority").refusals[0]
    assert isinstance(present(pod(priorityClassName="high"), plugins=("Priority",)).object["spec"]["priority"], Unknown)


def test_allocatable_resources_of_a_node_are_its_capacity_unless_given() -> None:
    for given, expected in (
        ({}, {"cpu": "1"}),
        ({"allocatable": {"cpu": "500m"}}, {"cpu": "500m"}),
        ({"allocatable": {}}, None),
        ({"allocatable": None}, {"cpu": "1"}),
    ):
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}, "status": {"capacity": {"cpu": "1"}, **given}}
        assert present(node).object["status"].get("allocatable") == expected


def test_runtime_classes() -> None:
    spec = plugged(pod(runtimeClassName="r", nodeSelector={"a": "b"}), "RuntimeClass").object["spec"]
    assert spec["overhead"] == {"cpu": "1"}
    assert spec["nodeSelector"] == {"a": "b", "os": "w"}
    assert spec["tolerations"] == [{"key": "t", "operator": "Exists"}]
    assert 'RuntimeClass "none" not found' in plugged(pod(runtimeClassName="none"), "RuntimeClass").refusals[0]
    assert "conflict" in plugged(pod(runtimeClassName="r", nodeSelector={"os": "l"}), "RuntimeClass").refusals[0]
    empty = pod(runtimeClassName="r", overhead={})
    assert plugged(empty, "RuntimeClass").object["spec"]["overhead"] == {"cpu": "1"}
    older = present(empty, plugins=("RuntimeClass",), find=find, kubernetes="1.30")
    assert older.refusals == ("pods \"a\" is forbidden: pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead",)
    assert isinstance(present(pod(runtimeClassName="r"), plugins=("RuntimeClass",)).object["spec"]["nodeSelector"], Unknown)


def test_an_old_object_that_cannot_be_decoded() -> None:
    found = present(POD, operation="UPDATE", old_object={**POD, "metadata": 5})
    assert found.refusals == ("the old object: json: cannot unmarshal number into Go struct field Pod.metadata of type v1.ObjectMeta",)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 10**40])
def test_numbers_that_json_does_not_have(number: float) -> None:
    assert "must be an integer" in present(pod(priority=number)).faults[0].message
    assert "must be a mapping" in present({**POD, "spec": number}).faults[0].message

"""What is misspelt, misplaced or of the wrong type on the way to the fields that matter is an input error, never "absent"."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from hostprocess.kubernetes import decoding
from hostprocess.kubernetes.catalogue import kind_of
from hostprocess.kubernetes.fields import Steps, format_path, parse_path
from hostprocess.kubernetes.kinds import POD_TEMPLATES, group_version, is_built_in, is_list_kind, plural, template_path
from hostprocess.kubernetes.reader import read_file
from hostprocess.kubernetes.selectors import matches
from hostprocess.kubernetes.yaml_text import load
from hostprocess.model import InputProblem, Resource

REPOSITORY = Path(__file__).parent.parent
WORKLOADS = [pytest.param(api_version, kind, id=kind) for api_version, kind in POD_TEMPLATES]

POD: dict[str, Any] = {
    "metadata": {"name": "a", "namespace": "ns", "labels": {"app": "a"}, "annotations": {"x": "z"}},
    "spec": {
        "os": {"name": "windows"},
        "nodeSelector": {"kubernetes.io/os": "windows"},
        "hostNetwork": True,
        "securityContext": {"windowsOptions": {"hostProcess": True, "runAsUserName": "NT AUTHORITY\\SYSTEM"}},
        "initContainers": [{"name": "i", "image": "i", "securityContext": {"windowsOptions": {"hostProcess": True}}}],
        "containers": [{"name": "c", "image": "i", "command": ["a"], "securityContext": {"runAsNonRoot": False, "windowsOptions": {"hostProcess": True}}}],
        "ephemeralContainers": [{"name": "e", "image": "i", "securityContext": {"windowsOptions": {"hostProcess": True}}}],
        "volumes": [{"name": "v", "hostPath": {"path": "C:\\", "type": "Directory"}}],
        "affinity": {
            "nodeAffinity": {
                "requiredDuringSchedulingIgnoredDuringExecution": {
                    "nodeSelectorTerms": [{"matchExpressions": [{"key": "kubernetes.io/os", "operator": "In", "values": ["windows"]}]}]
                }
            }
        },
    },
}


def check(value: dict[str, Any], api_version: str, kind: str) -> list[tuple[Steps, str]]:
    known = kind_of(api_version, kind, "1.37")
    return decoding.check(value, known, "1.37") if known else []


def workload(api_version: str, kind: str) -> dict[str, Any]:
    value: dict[str, Any] = copy.deepcopy(POD)
    for step in reversed(template_path(api_version, kind) or ()):
        value = {step: value}
    return {"apiVersion": api_version, "kind": kind, **value}


def changed(value: dict[str, Any], path: str, new: Any) -> dict[str, Any]:
    """`value` with the field at `path` set; a path that ends in `-` takes the field away."""
    value = copy.deepcopy(value)
    *steps, last = parse_path(path)
    place: Any = value
    for step in steps:
        place = place[step]
    place[last] = new
    return value


def in_pod(api_version: str, kind: str, path: str) -> str:
    steps = template_path(api_version, kind) or ()
    return format_path((*steps, *parse_path(path)))


@pytest.mark.parametrize(("api_version", "kind"), WORKLOADS)
def test_a_sound_workload(api_version: str, kind: str) -> None:
    assert check(workload(api_version, kind), api_version, kind) == []


# The path of the fault, its value, and what the message says.
FAULTS: list[tuple[str, Any, str]] = [
    # the wrong case
    ("spec.securityContext.windowsOptions.hostprocess", True, "the name is written 'hostProcess'"),
    ("spec.securityContext.windowsOptions.HostProcess", True, "the name is written 'hostProcess'"),
    ("spec.securityContext.windowsOptions.runAsUsername", "x", "the name is written 'runAsUserName'"),
    ("spec.securityContext.WindowsOptions", {}, "the name is written 'windowsOptions'"),
    ("spec.SecurityContext", {}, "the name is written 'securityContext'"),
    ("spec.hostnetwork", True, "the name is written 'hostNetwork'"),
    ("spec.hostPid", True, "the name is written 'hostPID'"),
    ("spec.InitContainers", [], "the name is written 'initContainers'"),
    ("spec.OS", {}, "the name is written 'os'"),
    ("spec.os.Name", "windows", "the name is written 'name'"),
    ("spec.nodeselector", {}, "the name is written 'nodeSelector'"),
    ("spec.containers[0].SecurityContext", {}, "the name is written 'securityContext'"),
    ("spec.containers[0].securityContext.windowsoptions", {}, "the name is written 'windowsOptions'"),
    ("spec.containers[0].securityContext.windowsOptions.hostprocess", True, "the name is written 'hostProcess'"),
    ("spec.initContainers[0].securityContext.windowsOptions.hostprocess", True, "the name is written 'hostProcess'"),
    ("spec.ephemeralContainers[0].securityContext.windowsOptions.hostprocess", True, "the name is written 'hostProcess'"),
    ("spec.volumes[0].hostpath", {}, "the name is written 'hostPath'"),
    ("spec.volumes[0].hostPath.Path", "", "the name is written 'path'"),
    ("metadata.Labels", {}, "the name is written 'labels'"),
    ("Spec", {}, "the name is written 'spec'"),
    # a spelling close to it
    ("spec.hostNetworks", True, "did you mean 'hostNetwork'?"),
    ("spec.nodeSelectors", {}, "did you mean 'nodeSelector'?"),
    ("spec.secrityContext", {}, "did you mean 'securityContext'?"),
    ("spec.initContainer", [], "did you mean 'initContainers'?"),
    ("spec.containers[0].securityContexts", {}, "did you mean 'securityContext'?"),
    ("spec.securityContext.windowsOption", {}, "did you mean 'windowsOptions'?"),
    ("spec.securityContext.windowsOptions.hostProces", True, "did you mean 'hostProcess'?"),
    ("metadata.annotation", {}, "did you mean 'annotations'?"),
    # the wrong place
    ("spec.windowsOptions", {"hostProcess": True}, "its place is securityContext.windowsOptions"),
    ("spec.containers[0].windowsOptions", {"hostProcess": True}, "its place is securityContext.windowsOptions"),
    ("spec.initContainers[0].windowsOptions", {}, "its place is securityContext.windowsOptions"),
    ("windowsOptions", {}, "its place is securityContext.windowsOptions"),
    ("metadata.windowsOptions", {}, "its place is securityContext.windowsOptions"),
    ("spec.hostProcess", True, "its place is securityContext.windowsOptions.hostProcess"),
    ("spec.securityContext.hostProcess", True, "its place is securityContext.windowsOptions.hostProcess"),
    ("spec.containers[0].hostProcess", True, "its place is securityContext.windowsOptions.hostProcess"),
    ("spec.containers[0].securityContext.hostprocess", True, "its place is securityContext.windowsOptions.hostProcess"),
    ("spec.containers[0].securityContext.runAsUserName", "x", "its place is securityContext.windowsOptions.runAsUserName"),
    ("spec.securityContext.gmsaCredentialSpecName", "x", "its place is securityContext.windowsOptions.gmsaCredentialSpecName"),
    ("spec.os.windowsOptions", {}, "its place is securityContext.windowsOptions"),
    ("spec.volumes[0].windowsOptions", {}, "its place is securityContext.windowsOptions"),
    ("spec.runAsNonRoot", True, "its place is securityContext.runAsNonRoot"),
    ("spec.containers[0].privileged", True, "its place is securityContext.privileged of a container"),
    ("spec.securityContext.privileged", True, "its place is securityContext.privileged of a container"),
    ("spec.containers[0].hostNetwork", True, "its place is the pod's spec"),
    ("spec.securityContext.hostNetwork", True, "its place is the pod's spec"),
    ("spec.containers[0].nodeSelector", {}, "its place is the pod's spec"),
    ("securityContext", {}, "its place is the pod's spec or a container"),
    ("containers", [], "its place is the pod's spec"),
    # what these objects do not have
    ("spec.securityContext.windowsOptions.user", "x", "are known here"),
    ("spec.securityContext.user", "x", "are known here"),
    ("spec.containers[0].securityContext.user", "x", "are known here"),
    ("spec.os.version", "x", "are known here"),
    # the wrong type
    ("spec", [], "must be a mapping, not a list"),
    ("metadata", "a", "must be a mapping, not the string 'a'"),
    ("spec.containers", {}, "must be a list, not a mapping"),
    ("spec.containers[0]", "c", "must be a mapping, not the string 'c'"),
    ("spec.initContainers", "x", "must be a list, not the string 'x'; write it as a list of one item"),
    ("spec.securityContext", [], "must be a mapping, not a list"),
    ("spec.securityContext.windowsOptions", True, "must be a mapping, not true"),
    ("spec.securityContext.windowsOptions.hostProcess", "true", "must be true or false, not the string 'true'; leave out the quotes"),
    ("spec.securityContext.windowsOptions.hostProcess", 1, "must be true or false, not the number 1"),
    ("spec.securityContext.windowsOptions.hostProcess", [True], "must be true or false, not a list"),
    ("spec.securityContext.windowsOptions.runAsUserName", 5, "must be a string, not the number 5; put it in quotes"),
    ("spec.securityContext.windowsOptions.runAsUserName", False, "must be a string, not false; put it in quotes"),
    ("spec.containers[0].securityContext.windowsOptions.hostProcess", "yes", "must be true or false"),
    ("spec.ephemeralContainers[0].securityContext.windowsOptions.hostProcess", "yes", "must be true or false"),
    ("spec.containers[0].securityContext.runAsNonRoot", "false", "must be true or false"),
    ("spec.containers[0].securityContext.runAsUser", "0", "must be an integer, not the string '0'"),
    ("spec.containers[0].securityContext.runAsUser", True, "must be an integer, not true"),
    ("spec.hostNetwork", "true", "must be true or false, not the string 'true'; leave out the quotes"),
    ("spec.hostNetwork", 1.5, "must be true or false, not the number 1.5"),
    ("spec.containers[0].command", "cmd /c x", "must be a list, not the string 'cmd /c x'; write it as a list of one item"),
    ("spec.containers[0].command[0]", 8080, "must be a string, not the number 8080; put it in quotes"),
    ("spec.containers[0].name", 1, "must be a string"),
    ("spec.containers[0].image", True, "must be a string, not true"),
    ("spec.containers[0].env", [{"name": "x", "value": True}], "must be a string, not true; put it in quotes"),
    ("spec.containers[0].env", {"x": "y"}, "must be a list, not a mapping"),
    ("spec.containers[0].ports", [{"containerPort": "80"}], "must be an integer, not the string '80'"),
    ("spec.containers[0].volumeMounts", [{"name": "x", "mountPath": ["a"]}], "must be a string, not a list"),
    ("spec.containers[0].resources", [], "must be a mapping, not a list"),
    ("spec.nodeSelector", ["x"], "must be a mapping of strings, not a list"),
    ('spec.nodeSelector["kubernetes.io/os"]', True, "must be a string, not true; put it in quotes"),
    ("metadata.labels.app", 1, "must be a string, not the number 1"),
    ("metadata.annotations.x", False, "must be a string, not false"),
    ("metadata.name", 12, "must be a string, not the number 12"),
    ("spec.os", "windows", "must be a mapping, not the string 'windows'"),
    ("spec.os.name", ["windows"], "must be a string, not a list"),
    ("spec.volumes[0].hostPath", "C:\\", "must be a mapping"),
    ("spec.volumes", {"v": {}}, "must be a list, not a mapping"),
    ("spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].values", "windows", "must be a list"),
    ("spec.serviceAccountName", 5, "must be a string"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "new", "message"), FAULTS, ids=[f"{path}={json.dumps(new)}"[-70:] for path, new, _ in FAULTS])
@pytest.mark.parametrize(("api_version", "kind"), WORKLOADS)
def test_every_fault_of_every_kind_is_found(api_version: str, kind: str, path: str, new: Any, message: str) -> None:
    path = in_pod(api_version, kind, path)
    found = check(changed(workload(api_version, kind), path, new), api_version, kind)
    assert len(found) == 1, found
    [(steps, said)] = found
    assert format_path(steps).startswith(path)
    assert message in said


ABOVE = [param for param in WORKLOADS if param.id not in ("Pod", "PodTemplate")]


@pytest.mark.parametrize(
    ("path", "new", "message"),
    [
        ("spec.Template", {}, "the name is written"),
        ("spec.tempalte", {}, "did you mean"),
        ("spec.windowsOptions", {}, "its place is securityContext.windowsOptions"),
        ("spec.securityContext", {"windowsOptions": {"hostProcess": True}}, "its place is the pod's spec or a container"),
        ("spec.containers", [], "its place is the pod's spec"),
        ("spec.hostNetwork", True, "its place is the pod's spec"),
        ("spec.nodeSelector", {}, "its place is the pod's spec"),
    ],
)
@pytest.mark.parametrize(("api_version", "kind"), ABOVE)
def test_faults_above_the_template(api_version: str, kind: str, path: str, new: Any, message: str) -> None:
    if kind == "CronJob":
        path = path.replace("Template", "JobTemplate").replace("tempalte", "jobTempalte")
    [(steps, said)] = check(changed(workload(api_version, kind), path, new), api_version, kind)
    assert format_path(steps) == path
    assert message in said


def test_several_faults_come_in_order() -> None:
    value = workload("apps/v1", "Deployment")
    paths = ["metadata.Name", "spec.template.spec.containers[0].Image", "spec.template.spec.containers[0].command", "spec.template.spec.hostNetwork"]
    paths += [f"spec.template.spec.containers[{index}]" for index in (1, 2, 10)]
    value["metadata"] = {}
    value["spec"]["template"]["spec"]["containers"] += [{}] * 10
    for path in paths:
        value = changed(value, path, 5)
    found = check(value, "apps/v1", "Deployment")
    assert found == sorted(found)
    assert {format_path(steps) for steps, _ in found} == set(paths)


@pytest.mark.parametrize(
    ("api_version", "kind"),
    [("v1", "Thing"), ("example.com/v1", "Pod"), ("apps/v1beta1", "Deployment"), ("v1", "Deployment"), ("batch/v1", "Pod")],
)
def test_kinds_that_are_not_built_in_are_not_checked(api_version: str, kind: str) -> None:
    assert check({"spec": {"hostnetwork": True}, "windowsOptions": 5}, api_version, kind) == []


OTHER_KINDS: list[tuple[str, str, dict[str, Any], str, str]] = [
    ("v1", "ConfigMap", {"data": {"a": 1}}, "data.a", "must be a string, not the number 1; put it in quotes"),
    ("v1", "ConfigMap", {"Data": {}}, "Data", "unknown field: the name is written 'data'"),
    ("v1", "ConfigMap", {"binaryData": {"a": "?"}}, "binaryData.a", "illegal base64 data at input byte 0"),
    ("v1", "Service", {"spec": {"ports": [{"port": 80.5}]}}, "spec.ports[0].port", "must be an integer, not the number 80.5"),
    ("v1", "Service", {"spec": {"ports": [{"port": 1 << 40}]}}, "spec.ports[0].port", "must be an integer of 32 bits, not the number 1099511627776"),
    ("v1", "Service", {"spec": {"ports": [{"targetPort": True}]}}, "spec.ports[0].targetPort", "field ServicePort.spec.ports.targetPort of type int32"),
    ("v1", "PersistentVolumeClaim", {"spec": {"resources": {"requests": {"storage": "1K"}}}}, "spec.resources.requests.storage",
     "unable to parse quantity's suffix"),
    ("v1", "Pod", {"metadata": {"deletionTimestamp": "yesterday"}}, "metadata.deletionTimestamp", 'parsing time "yesterday"'),
    ("v1", "Pod", {"metadata": {"deletionTimestamp": 5}}, "metadata.deletionTimestamp", "field ObjectMeta.metadata.deletionTimestamp of type string"),
    ("rbac.authorization.k8s.io/v1", "ClusterRole", {"rules": [{"verb": ["get"]}]}, "rules[0].verb", "did you mean 'verbs'?"),
]  # fmt: skip


@pytest.mark.parametrize(("api_version", "kind", "value", "path", "message"), OTHER_KINDS)
def test_faults_of_other_kinds(api_version: str, kind: str, value: dict[str, Any], path: str, message: str) -> None:
    [(steps, said)] = check(value, api_version, kind)
    assert format_path(steps) == path
    assert message in said


def test_the_words_of_the_api_server_stand_behind() -> None:
    [(_, said)] = check(changed(workload("apps/v1", "Deployment"), "spec.template.spec.containers[0].image", 5), "apps/v1", "Deployment")
    server = "json: cannot unmarshal number into Go struct field Container.spec.template.spec.containers.image of type string"
    assert said == f"must be a string, not the number 5; put it in quotes ({server})"


def test_nulls_are_no_faults() -> None:
    value = changed(changed(workload("v1", "Pod"), "spec.containers[0].args", [None]), "spec.hostNetwork", None)
    assert check(value, "v1", "Pod") == []


SOUND = """\
apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: a
  generateName: a-
  uid: 6e2f
  resourceVersion: "1"
  generation: 3
  creationTimestamp: 2024-01-01T00:00:00Z
  deletionGracePeriodSeconds: 30
  finalizers: [x]
  ownerReferences: [{apiVersion: v1, kind: X, name: x, uid: z, controller: true}]
  managedFields: [{manager: kubectl, operation: Apply, fieldsV1: {"f:spec": {"f:hostprocess": {}}}}]
spec:
  replicas: 1
  serviceName: a
  podManagementPolicy: Parallel
  persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete}
  ordinals: {start: 1}
  selector: {matchLabels: {app: a}}
  updateStrategy: {rollingUpdate: {maxUnavailable: 10%}}
  volumeClaimTemplates: [{metadata: {name: v}, spec: {accessModes: [ReadWriteOnce]}}]
  template:
    metadata:
      labels: {app: a, "true": "1"}
      annotations: {prometheus.io/port: "9100"}
    spec:
      affinity: {podAntiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: []}}
      automountServiceAccountToken: false
      dnsConfig: {nameservers: [1.1.1.1], options: [{name: ndots, value: "5"}]}
      enableServiceLinks: true
      hostAliases: [{ip: 10.0.0.1, hostnames: [a]}]
      hostUsers: true
      imagePullSecrets: [{name: x}]
      overhead: {cpu: 1}
      preemptionPolicy: Never
      priority: 1000
      priorityClassName: system-node-critical
      readinessGates: [{conditionType: x}]
      resources: {limits: {cpu: 1, memory: 1Gi}}
      restartPolicy: Always
      schedulerName: default-scheduler
      schedulingGates: [{name: x}]
      serviceAccount: a
      serviceAccountName: a
      setHostnameAsFQDN: false
      terminationGracePeriodSeconds: 30
      tolerations: [{operator: Exists}]
      topologySpreadConstraints: [{maxSkew: 1, topologyKey: x, whenUnsatisfiable: DoNotSchedule}]
      securityContext:
        fsGroup: 1000
        fsGroupChangePolicy: OnRootMismatch
        supplementalGroups: [1, 2]
        supplementalGroupsPolicy: Strict
        seccompProfile: {type: RuntimeDefault}
        seLinuxOptions: {level: "s0:c1"}
        seLinuxChangePolicy: MountOption
        appArmorProfile: {type: Unconfined}
        sysctls: [{name: a, value: b}]
      volumes:
      - {name: a, configMap: {name: x, items: [{key: k, path: p}]}}
      - {name: b, emptyDir: {}}
      - {name: c, emptyDir: {medium: Memory, sizeLimit: 1Gi}}
      - {name: d, projected: {sources: [{serviceAccountToken: {path: token}}]}}
      - {name: e, csi: {driver: x}}
      - {name: f, persistentVolumeClaim: {claimName: x}}
      containers:
      - name: c
        image: i
        imagePullPolicy: Always
        env: [{name: a, value: "1"}, {name: b, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}]
        envFrom: [{configMapRef: {name: x}}]
        lifecycle: {preStop: {exec: {command: [x]}}}
        livenessProbe: {httpGet: {port: 80, path: /}, periodSeconds: 5}
        ports: [{containerPort: 80, hostPort: 80, hostIP: 0.0.0.0, protocol: TCP, name: http}]
        resizePolicy: [{resourceName: cpu, restartPolicy: NotRequired}]
        resources: {limits: {cpu: 1, memory: 1Gi, vendor.example/gpu: 1}, requests: {cpu: 100m}, claims: [{name: x}]}
        securityContext:
          allowPrivilegeEscalation: false
          capabilities: {drop: [ALL]}
          privileged: false
          procMount: Default
          readOnlyRootFilesystem: true
          runAsUser: 0
        stdin: true
        stdinOnce: true
        terminationMessagePath: /dev/x
        terminationMessagePolicy: File
        tty: true
        volumeDevices: [{name: a, devicePath: /dev/x}]
        volumeMounts: [{name: a, mountPath: /a, subPath: b, subPathExpr: c, readOnly: true, recursiveReadOnly: Enabled, mountPropagation: None}]
        workingDir: /
      ephemeralContainers:
      - {name: debug, image: i, targetContainerName: c}
status: {replicas: 1}
"""


def test_a_sound_object_with_all_there_is() -> None:
    assert check(load(SOUND)[0][0], "apps/v1", "StatefulSet") == []


FILES = sorted(REPOSITORY.glob("examples/*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=[file.name for file in FILES])
def test_the_examples_are_sound(file: Path) -> None:
    found = list(read_file(str(file)))
    assert found
    assert [one for one in found if isinstance(one, InputProblem)] == []


@pytest.mark.parametrize("write", [yaml.safe_dump, json.dumps])
def test_the_message_of_the_reader_names_field_and_place(tmp_path: Path, write: Any) -> None:
    value = changed(workload("batch/v1", "CronJob"), "spec.jobTemplate.spec.template.spec.hostnetwork", True)
    (tmp_path / "x").write_text(write(value))
    [problem] = read_file(str(tmp_path / "x"))
    assert not isinstance(problem, Resource)
    assert problem.message == "spec.jobTemplate.spec.template.spec.hostnetwork: unknown field: the name is written 'hostNetwork'"
    line = (tmp_path / "x").read_text().split("\n")[problem.line - 1]
    assert line[problem.column - 1 :].lstrip('"').startswith("hostnetwork")


# --- paths ---

PATHS: list[tuple[Steps, str]] = [
    ((), ""),
    (("spec",), "spec"),
    (("spec", "containers", 0, "name"), "spec.containers[0].name"),
    (("metadata", "labels", "kubernetes.io/os"), 'metadata.labels["kubernetes.io/os"]'),
    (("a", 'b"c\\d', "e"), 'a["b\\"c\\\\d"].e'),
    (("a", "", 12, 3), 'a[""][12][3]'),
    (("$x", "a-b", "_c"), "$x.a-b._c"),
    (("a", "1b"), 'a["1b"]'),
]


@pytest.mark.parametrize(("steps", "path"), PATHS)
def test_paths_there_and_back(steps: Steps, path: str) -> None:
    assert format_path(steps) == path
    assert parse_path(path) == steps


@pytest.mark.parametrize(("path", "steps"), [("a['b.c']", ("a", "b.c")), ("['a']", ("a",)), (".a", ("a",)), ("a.[0]", ("a", 0))])
def test_other_ways_to_write_a_path(path: str, steps: Steps) -> None:
    assert parse_path(path) == steps


@pytest.mark.parametrize("path", ["a..b", "a[", "a[x]", "a[-1]", 'a["b]', "a b", "a.", "[]", "a.1"])
def test_what_is_no_path(path: str) -> None:
    with pytest.raises(ValueError, match="is not a field path"):
        parse_path(path)


# --- kinds and selectors ---


@pytest.mark.parametrize(
    ("kind", "resource"),
    [
        ("Pod", "pods"), ("Endpoints", "endpoints"), ("Ingress", "ingresses"), ("NetworkPolicy", "networkpolicies"),
        ("PodSecurityPolicy", "podsecuritypolicies"),
        ("Gateway", "gateways"), ("StorageClass", "storageclasses"), ("Switch", "switches"), ("Box", "boxes"), ("CronJob", "cronjobs"),
    ],
)  # fmt: skip
def test_resource_names(kind: str, resource: str) -> None:
    assert plural(kind) == resource


@pytest.mark.parametrize(
    ("api_version", "group", "version", "built_in"),
    [
        ("v1", "", "v1", True),
        ("apps/v1", "apps", "v1", True),
        ("networking.k8s.io/v1", "networking.k8s.io", "v1", True),
        ("example.com/v1", "example.com", "v1", False),
        ("k8s.io.example.com/v1", "k8s.io.example.com", "v1", False),
    ],
)
def test_groups(api_version: str, group: str, version: str, built_in: bool) -> None:
    assert group_version(api_version) == (group, version)
    assert is_built_in(api_version) is built_in


def test_list_kinds() -> None:
    assert [kind for kind in ("List", "PodList", "Pod", "Lists") if is_list_kind(kind)] == ["List", "PodList"]


LABELS = {"app": "a", "tier": "b"}


@pytest.mark.parametrize(
    ("selector", "wanted"),
    [
        ({}, True),
        ({"matchLabels": None, "matchExpressions": None}, True),
        ({"matchLabels": {"app": "a"}}, True),
        ({"matchLabels": {"app": "a", "tier": "x"}}, False),
        ({"matchLabels": {"none": ""}}, False),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["a", "b"]}]}, True),
        ({"matchExpressions": [{"key": "none", "operator": "In", "values": ["a"]}]}, False),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["a"]}]}, False),
        ({"matchExpressions": [{"key": "none", "operator": "NotIn", "values": ["a"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "Exists"}]}, True),
        ({"matchExpressions": [{"key": "none", "operator": "Exists"}]}, False),
        ({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]}, False),
        ({"matchExpressions": [{"key": "none", "operator": "DoesNotExist"}]}, True),
        ({"matchLabels": {"app": "a"}, "matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["b"]}]}, False),
    ],
)
def test_label_selectors(selector: dict[str, Any], wanted: bool) -> None:
    assert matches(selector, LABELS) is wanted

"""Field paths (`spec.containers[0].name`) and the checks that keep a misspelt field from passing unseen.

The checks cover the way to the fields that matter to a Windows pod, not the whole schema: a key in the wrong case or place, or
a value of the wrong type, would be refused by the API server (strict field validation) and must not be read as "absent".
Source of the fields: k8s.io/api core/v1 types.go, 1.36.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from typing import Any

from hostprocess.kubernetes.kinds import template_path

__all__ = ["check", "format_path", "parse_path"]

Steps = tuple[str | int, ...]
Fault = tuple[Steps, str]

_PLAIN = re.compile(r"[A-Za-z_$][\w$-]*")
_STEP = re.compile(r"""\.?(?:([A-Za-z_$][\w$-]*)|\[(\d+)\]|\[(?:"((?:[^"\\]|\\.)*)"|'([^']*)')\])""")


def format_path(steps: Steps) -> str:
    """Steps as kubectl would write them: `spec.nodeSelector["kubernetes.io/os"]`, `spec.containers[0]`."""
    path = ""
    for step in steps:
        if isinstance(step, int):
            path += f"[{step}]"
        elif _PLAIN.fullmatch(step):
            path += f".{step}" if path else step
        else:
            path += '["' + step.replace("\\", "\\\\").replace('"', '\\"') + '"]'
    return path


def parse_path(path: str) -> Steps:
    """The steps of a field path. Raises ValueError for what is not one."""
    steps: list[str | int] = []
    at = 0
    while at < len(path):
        match = _STEP.match(path, at)
        if match is None:
            raise ValueError(f"{path!r} is not a field path (at {path[at:]!r})")
        plain, index, double, single = match.groups()
        steps.append(int(index) if index else plain or (re.sub(r"\\(.)", r"\1", double) if double is not None else single))
        at = match.end()
    return tuple(steps)


class _Object:
    """An object whose `fields` are checked. `known` names the others there are, if all are named; `closed` refuses any more."""

    def __init__(self, fields: dict[str, Any], known: str = "", closed: bool = False) -> None:
        self.fields = fields
        self.known = frozenset(fields) | frozenset(known.split())
        self.closed = closed
        self.complete = closed or bool(known)
        self.judged: dict[str, str] = {}  # what has been said of other keys; manifests repeat them
        self.lowered = {name.lower(): name for name in self.known}


class _List:
    def __init__(self, item: Any) -> None:
        self.item = item


class _Strings:
    """A mapping from strings to strings."""


_TYPES = {bool: "true or false", str: "a string", int: "an integer"}

_windows_options = _Object({"gmsaCredentialSpecName": str, "gmsaCredentialSpec": str, "runAsUserName": str, "hostProcess": bool}, closed=True)
_shared_security = {
    "windowsOptions": _windows_options,
    "runAsNonRoot": bool,
    "runAsUser": int,
    "runAsGroup": int,
    "seccompProfile": _Object({}),
    "seLinuxOptions": _Object({}),
    "appArmorProfile": _Object({}),
}
_pod_security = _Object(
    {**_shared_security, "fsGroup": int, "sysctls": _List(_Object({})), "supplementalGroups": _List(int)},
    "supplementalGroupsPolicy fsGroupChangePolicy seLinuxChangePolicy",
    closed=True,
)
_container_security = _Object(
    {
        **_shared_security,
        "privileged": bool,
        "readOnlyRootFilesystem": bool,
        "allowPrivilegeEscalation": bool,
        "capabilities": _Object({}),
        "procMount": str,
    },
    closed=True,
)
_container = _Object(
    {
        "name": str,
        "image": str,
        "command": _List(str),
        "args": _List(str),
        "workingDir": str,
        "restartPolicy": str,
        "ports": _List(_Object({"containerPort": int, "hostPort": int, "protocol": str, "name": str})),
        "env": _List(_Object({"name": str, "value": str})),
        "volumeMounts": _List(_Object({"name": str, "mountPath": str, "subPath": str, "readOnly": bool, "mountPropagation": str})),
        "volumeDevices": _List(_Object({"name": str, "devicePath": str})),
        "resources": _Object({"limits": _Object({}), "requests": _Object({})}),
        "securityContext": _container_security,
    },
    "envFrom resizePolicy restartPolicyRules livenessProbe readinessProbe startupProbe lifecycle terminationMessagePath"
    " terminationMessagePolicy imagePullPolicy stdin stdinOnce tty targetContainerName",
)
_containers = _List(_container)
_requirement = _Object({"key": str, "operator": str, "values": _List(str)})
_node_selector = _Object({"nodeSelectorTerms": _List(_Object({"matchExpressions": _List(_requirement)}))})
_pod_spec = _Object(
    {
        "initContainers": _containers,
        "containers": _containers,
        "ephemeralContainers": _containers,
        "volumes": _List(
            _Object({"name": str, "hostPath": _Object({"path": str, "type": str}), "emptyDir": _Object({"medium": str}), "projected": _Object({})})
        ),
        "securityContext": _pod_security,
        "os": _Object({"name": str}, closed=True),
        "nodeSelector": _Strings(),
        "affinity": _Object({"nodeAffinity": _Object({"requiredDuringSchedulingIgnoredDuringExecution": _node_selector})}),
        "hostNetwork": bool,
        "hostPID": bool,
        "hostIPC": bool,
        "hostUsers": bool,
        "shareProcessNamespace": bool,
        "automountServiceAccountToken": bool,
        "runtimeClassName": str,
        "nodeName": str,
        "dnsPolicy": str,
        "serviceAccountName": str,
    },
    "restartPolicy terminationGracePeriodSeconds activeDeadlineSeconds serviceAccount imagePullSecrets hostname subdomain schedulerName"
    " tolerations hostAliases priorityClassName priority dnsConfig readinessGates enableServiceLinks preemptionPolicy overhead"
    " topologySpreadConstraints setHostnameAsFQDN schedulingGates resourceClaims resources hostnameOverride schedulingGroup",
)
_metadata = _Object(
    {"name": str, "namespace": str, "labels": _Strings(), "annotations": _Strings()},
    "generateName uid resourceVersion generation creationTimestamp deletionTimestamp deletionGracePeriodSeconds ownerReferences finalizers"
    " managedFields selfLink",
)
_template = _Object({"metadata": _metadata, "spec": _pod_spec}, "metadata spec")
# The other fields of what lies between a workload and its pod template: the specs of all workload kinds, and JobTemplateSpec.
_ABOVE_TEMPLATES = (
    "metadata replicas selector strategy updateStrategy minReadySeconds revisionHistoryLimit paused progressDeadlineSeconds volumeClaimTemplates"
    " serviceName podManagementPolicy persistentVolumeClaimRetentionPolicy ordinals parallelism completions activeDeadlineSeconds podFailurePolicy"
    " successPolicy backoffLimit backoffLimitPerIndex maxFailedIndexes manualSelector ttlSecondsAfterFinished completionMode suspend"
    " podReplacementPolicy managedBy schedule timeZone startingDeadlineSeconds concurrencyPolicy successfulJobsHistoryLimit failedJobsHistoryLimit"
)

# Names that have one right place only; found elsewhere they are a mistake whatever else is there.
_RIGHT_PLACES = {
    "securityContext.{}, in the pod's spec or in a container": "windowsOptions runAsNonRoot runAsUser runAsGroup",
    "securityContext.windowsOptions.{}, in the pod's spec or in a container": "hostProcess runAsUserName gmsaCredentialSpec gmsaCredentialSpecName",
    "securityContext.{} of a container": "privileged readOnlyRootFilesystem allowPrivilegeEscalation capabilities procMount",
    "the pod's spec or a container": "securityContext",
    "the pod's spec": "containers initContainers ephemeralContainers hostNetwork hostPID hostIPC hostUsers shareProcessNamespace nodeSelector nodeName"
    " runtimeClassName automountServiceAccountToken",
}
_OUT_OF_PLACE = {name.lower(): place.format(name) for place, names in _RIGHT_PLACES.items() for name in names.split()}


def check(value: dict[str, Any], api_version: str, kind: str) -> list[Fault]:
    """What is misspelt, misplaced or of the wrong type on the way to the fields that matter, for kinds that hold pods.

    Returns pairs of (steps to the faulty key, message); empty for sound objects and for other kinds.
    """
    steps = template_path(api_version, kind)
    if steps is None:
        return []
    faults: list[Fault] = []
    _object(value, _shape(steps), (), faults)
    return sorted(faults) if faults else faults  # sets have no order of their own


def _shape(steps: tuple[str, ...]) -> _Object:
    shape = _SHAPES.get(steps)
    if shape is None:
        shape = _template
        for step in reversed(steps):
            shape = _Object({step: shape}, _ABOVE_TEMPLATES)
        shape = _SHAPES[steps] = _Object({**shape.fields, "metadata": _metadata}, "apiVersion kind status spec")
    return shape


_SHAPES: dict[tuple[str, ...], _Object] = {}


def _object(value: dict[str, Any], shape: _Object, at: Steps, faults: list[Fault]) -> None:
    keys = value.keys()
    if not keys <= shape.known:
        faults += _strange_keys(value, shape, at)
    fields = shape.fields
    for key in keys & fields.keys():
        kind = fields[key]
        item = value[key]
        # The common case first: a scalar of the right type, a list, a mapping.
        if item.__class__ is kind:
            continue
        if kind.__class__ is _List and item.__class__ is list:
            _list(item, kind.item, (*at, key), faults)
        elif kind.__class__ is _Object and item.__class__ is dict:
            _object(item, kind, (*at, key), faults)
        else:
            _other(item, kind, (*at, key), faults)


def _list(value: list[Any], kind: Any, at: Steps, faults: list[Fault]) -> None:
    for index, item in enumerate(value):
        if item.__class__ is kind:
            continue
        if kind.__class__ is _Object and item.__class__ is dict:
            _object(item, kind, (*at, index), faults)
        else:
            _other(item, kind, (*at, index), faults)


def _other(value: Any, kind: Any, at: Steps, faults: list[Fault]) -> None:
    if isinstance(kind, _Strings):
        if not isinstance(value, dict):
            faults.append((at, f"must be a mapping of strings, not {_named(value)}"))
            return
        faults += [((*at, key), f"must be a string, not {_named(item)}; put it in quotes") for key, item in value.items() if not isinstance(item, str)]
        return
    if isinstance(kind, _List):
        hint = "; write it as a list of one item" if isinstance(value, str) else ""
        faults.append((at, f"must be a list, not {_named(value)}{hint}"))
    elif isinstance(kind, _Object):
        faults.append((at, f"must be a mapping, not {_named(value)}"))
    else:
        hint = ""
        if kind is bool and isinstance(value, str):
            hint = "; leave out the quotes"
        elif kind is str and isinstance(value, (bool, int, float)):
            hint = "; put it in quotes"
        faults.append((at, f"must be {_TYPES[kind]}, not {_named(value)}{hint}"))


def _named(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"the string {value[:40]!r}"
    return "a list" if isinstance(value, list) else "a mapping" if isinstance(value, dict) else f"the number {value}"


def _strange_keys(value: dict[str, Any], shape: _Object, at: Steps) -> Iterator[Fault]:
    for key in value.keys() - shape.known:
        if key not in shape.judged:
            shape.judged[key] = _judged(key, shape)
        if message := shape.judged[key]:
            yield (*at, key), message


def _judged(key: str, shape: _Object) -> str:
    """What is wrong with a key that is not known; nothing if it may be a field that we need not know."""
    lowered = key.lower()
    if right := shape.lowered.get(lowered):
        return f"unknown field: the name is written {right!r}"
    if lowered in _OUT_OF_PLACE:
        return f"unknown field: its place is {_OUT_OF_PLACE[lowered]}"
    if shape.complete and (close := difflib.get_close_matches(key, shape.known, 1, cutoff=0.85)):
        return f"unknown field: did you mean {close[0]!r}?"
    return f"unknown field: {', '.join(sorted(shape.known))} are known here" if shape.closed else ""

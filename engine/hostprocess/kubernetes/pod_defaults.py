"""Defaults of pods and of what pods are made of, by struct. Each function fills in what a decoded struct lacks.

Source: pkg/apis/core/v1/defaults.go and zz_generated.defaults.go of k8s.io/kubernetes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from hostprocess.kubernetes.catalogue import release_number
from hostprocess.kubernetes.decoding import Decoding
from hostprocess.kubernetes.gates import enabled
from hostprocess.kubernetes.images import pull_policy
from hostprocess.kubernetes.pod_resources import default_pod_resources
from hostprocess.kubernetes.quantities import parse

__all__ = ["POD_DEFAULTS", "Default", "constant", "containers_of", "drop_init_container_annotations", "rounding"]

Default = Callable[[dict[str, Any], Decoding], None]
Struct = dict[str, Any]


def constant(**values: Any) -> Default:
    """A default that is the same whatever the rest of the struct says. Values must be scalars."""

    def fill(out: Struct, decoding: Decoding) -> None:
        for name, value in values.items():
            if out.get(name) is None:
                out[name] = value

    return fill


def containers_of(spec: Struct, *, ephemeral: bool = False) -> Iterator[Struct]:
    """The containers of a decoded pod spec, init containers first."""
    yield from spec.get("initContainers") or ()
    yield from spec.get("containers") or ()
    if ephemeral:
        yield from spec.get("ephemeralContainers") or ()


def _container(out: Struct, decoding: Decoding) -> None:
    if "imagePullPolicy" not in out:
        out["imagePullPolicy"] = pull_policy(out.get("image", ""))
    out.setdefault("terminationMessagePath", "/dev/termination-log")
    out.setdefault("terminationMessagePolicy", "File")
    lifecycle = out.get("lifecycle")
    if lifecycle is not None and "stopSignal" in lifecycle and _is_off("ContainerStopSignals", decoding):
        del lifecycle["stopSignal"]
        if not lifecycle:
            del out["lifecycle"]


def _volume(out: Struct, decoding: Decoding) -> None:
    if len(out) == 1:  # the name only
        out["emptyDir"] = {}
    image = out.get("image")
    if image is not None and "pullPolicy" not in image and enabled("ImageVolume", decoding.kubernetes):
        image["pullPolicy"] = pull_policy(image.get("reference", ""))


def _pod_spec(out: Struct, decoding: Decoding) -> None:
    account = out.get("serviceAccountName") or out.get("serviceAccount")
    if account:
        out["serviceAccountName"] = out["serviceAccount"] = account
    out.setdefault("dnsPolicy", "ClusterFirst")
    out.setdefault("restartPolicy", "Always")
    out.setdefault("securityContext", {})
    out.setdefault("terminationGracePeriodSeconds", 30)
    out.setdefault("schedulerName", "default-scheduler")
    if "overhead" in out:
        out["overhead"] = _rounded(out["overhead"])
    _drop_disabled(out, decoding)


def _is_off(gate: str, decoding: Decoding) -> bool:
    return not enabled(gate, decoding.kubernetes) and not decoding.keeps(gate)


def _drop_disabled(spec: Struct, decoding: Decoding) -> None:
    """What a gate that is off takes away, where that is not just one field (dropImageVolumes and the like)."""
    if any("image" in volume for volume in spec.get("volumes") or ()) and _is_off("ImageVolume", decoding):
        dropped = {volume["name"] for volume in spec["volumes"] if "image" in volume}
        _keep(spec, "volumes", lambda volume: "image" not in volume)
        for container in containers_of(spec, ephemeral=True):
            _keep(container, "volumeMounts", lambda mount: mount["name"] not in dropped)
    for container in containers_of(spec, ephemeral=True):
        if "procMount" in (container.get("securityContext") or {}) and _is_off("ProcMountType", decoding):
            container["securityContext"]["procMount"] = "Default"
    if release_number(decoding.kubernetes) == (1, 34) and "ContainerRestartRules" not in decoding.in_use:  # 1.34 knows restart rules, with their gate off
        for name in ("initContainers", "containers", "ephemeralContainers"):
            for container in spec.get(name) or ():
                if name != "initContainers" or container.get("restartPolicy") != "Always":
                    container.pop("restartPolicy", None)


def _keep(out: Struct, name: str, wanted: Callable[[Struct], bool]) -> None:
    kept = [one for one in out.get(name) or () if wanted(one)]
    out.pop(name, None)
    if kept:
        out[name] = kept


def _requests(out: Struct, decoding: Decoding) -> None:
    """ResourceList: amounts are rounded up to thousandths (SetDefaults_ResourceList)."""
    for name in ("limits", "requests"):
        if name in out:
            out[name] = _rounded(out[name])


def _rounded(amounts: dict[str, Any]) -> dict[str, Any]:
    if not any(value and _MAY_BE_FINE.search(value) for value in amounts.values()):
        return amounts
    return {key: str(parse(value).rounded_up(-3)) if value else value for key, value in amounts.items()}


_MAY_BE_FINE = re.compile(r"[nu.]|[eE]-")


def rounding(*names: str) -> Default:
    """Rounds the ResourceLists of these fields."""

    def fill(out: Struct, decoding: Decoding) -> None:
        for name in names:
            if out.get(name):
                out[name] = _rounded(out[name])

    return fill


def _pod(out: Struct, decoding: Decoding) -> None:
    _template(out, decoding)
    spec = out["spec"]
    if spec.get("terminationGracePeriodSeconds", 0) < 0:
        spec["terminationGracePeriodSeconds"] = 1
    for container in containers_of(spec):
        resources = container["resources"]
        if limits := resources.get("limits"):
            resources["requests"] = {**limits, **(resources.get("requests") or {})}
    if not enabled("PodLevelResourcesFixDefaulting", decoding.kubernetes):
        default_pod_resources(spec, decoding.kubernetes)
    spec.setdefault("enableServiceLinks", True)
    if spec.get("hostNetwork"):
        for container in containers_of(spec):
            for port in container.get("ports") or ():
                if not port.get("hostPort") and port["containerPort"]:
                    port["hostPort"] = port["containerPort"]


def _template(out: Struct, decoding: Decoding) -> None:
    """Before 1.37 the conversion takes away the annotations of old init containers; since then the registry does."""
    if release_number(decoding.kubernetes) < (1, 37):
        drop_init_container_annotations(out["metadata"])


_INIT_CONTAINERS = frozenset(f"pod.{stage}.kubernetes.io/init-container{what}" for stage in ("alpha", "beta") for what in ("s", "-statuses"))


def drop_init_container_annotations(metadata: Struct) -> None:
    """Takes away what meant init containers before Kubernetes 1.8 (DropInitContainerAnnotations)."""
    annotations = metadata.get("annotations")
    if annotations and not _INIT_CONTAINERS.isdisjoint(annotations):
        metadata["annotations"] = {key: value for key, value in annotations.items() if key not in _INIT_CONTAINERS}
        if not metadata["annotations"]:
            del metadata["annotations"]


def _pod_status(out: Struct, decoding: Decoding) -> None:
    address, addresses = out.get("podIP"), out.get("podIPs")
    if address and (not addresses or addresses[0].get("ip") != address):
        out["podIPs"] = [{"ip": address}]
    elif addresses and not address and addresses[0].get("ip"):
        out["podIP"] = addresses[0]["ip"]


def _iscsi(out: Struct, decoding: Decoding) -> None:
    out.setdefault("iscsiInterface", "default")


POD_DEFAULTS: dict[str, Default] = {
    "core/v1.Container": _container,
    "core/v1.ContainerPort": constant(protocol="TCP"),
    "core/v1.EphemeralContainer": _container,
    "core/v1.FileKeySelector": constant(optional=False),
    "core/v1.GRPCAction": constant(service=""),
    "core/v1.HTTPGetAction": constant(path="/", scheme="HTTP"),
    "core/v1.ObjectFieldSelector": constant(apiVersion="v1"),
    "core/v1.Pod": _pod,
    "core/v1.PodSpec": _pod_spec,
    "core/v1.PodStatus": _pod_status,
    "core/v1.PodTemplateSpec": _template,
    "core/v1.Probe": constant(timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3),
    "core/v1.ResourceRequirements": _requests,
    "core/v1.VolumeResourceRequirements": _requests,
    "core/v1.Volume": _volume,
    "core/v1.AzureDiskVolumeSource": constant(cachingMode="ReadWrite", kind="Shared", fsType="ext4", readOnly=False),
    "core/v1.ConfigMapVolumeSource": constant(defaultMode=0o644),
    "core/v1.DownwardAPIVolumeSource": constant(defaultMode=0o644),
    "core/v1.HostPathVolumeSource": constant(type=""),
    "core/v1.ISCSIVolumeSource": _iscsi,
    "core/v1.ISCSIPersistentVolumeSource": _iscsi,
    "core/v1.ProjectedVolumeSource": constant(defaultMode=0o644),
    "core/v1.RBDVolumeSource": constant(pool="rbd", user="admin", keyring="/etc/ceph/keyring"),
    "core/v1.RBDPersistentVolumeSource": constant(pool="rbd", user="admin", keyring="/etc/ceph/keyring"),
    "core/v1.ScaleIOVolumeSource": constant(storageMode="ThinProvisioned", fsType="xfs"),
    "core/v1.ScaleIOPersistentVolumeSource": constant(storageMode="ThinProvisioned", fsType="xfs"),
    "core/v1.SecretVolumeSource": constant(defaultMode=0o644),
    "core/v1.ServiceAccountTokenProjection": constant(expirationSeconds=3600),
    "core/v1.PersistentVolumeClaimSpec": constant(volumeMode="Filesystem"),
}

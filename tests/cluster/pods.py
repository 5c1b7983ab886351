"""Pods to make requests with, sound ones and such that policies deny."""

from __future__ import annotations

import copy
from typing import Any

from kube_client import Json

__all__ = ["FAULTY_ACCOUNT", "deployment", "faulty_pod", "linux_pod", "sound_pod"]

FAULTY_ACCOUNT = "NT AUTHORITY\u2028ocalService"  # the API server takes it, the rule user-name-escape does not


def sound_pod(namespace: str, name: str = "agent", **metadata: Any) -> Json:
    """A HostProcess pod against which no rule of severity error has anything."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, **metadata},
        "spec": {
            "hostNetwork": True,
            "automountServiceAccountToken": False,
            "os": {"name": "windows"},
            "nodeSelector": {"kubernetes.io/os": "windows"},
            "securityContext": {"windowsOptions": {"hostProcess": True, "runAsUserName": "NT AUTHORITY\\LocalService"}},
            "containers": [{"name": "agent", "image": "registry.example.com/agent:1.0", "command": ["%CONTAINER_SANDBOX_MOUNT_POINT%/agent.exe"]}],
        },
    }


def faulty_pod(namespace: str, name: str = "agent", **metadata: Any) -> Json:
    """The same with an account that user-name-escape denies and the API server accepts."""
    pod = sound_pod(namespace, name, **metadata)
    pod["spec"]["securityContext"]["windowsOptions"]["runAsUserName"] = FAULTY_ACCOUNT
    return pod


def linux_pod(namespace: str, name: str = "web", **metadata: Any) -> Json:
    """A pod that is no business of any rule."""
    containers = [{"name": "web", "image": "registry.example.com/web:1.0"}]
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace, **metadata}, "spec": {"containers": containers}}


def deployment(pod: Json) -> Json:
    """The pod as the template of a Deployment of its name."""
    metadata, labels = pod["metadata"], {"app": pod["metadata"]["name"]}
    template = {"metadata": {"labels": labels, "annotations": metadata.get("annotations", {})}, "spec": copy.deepcopy(pod["spec"])}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": metadata["name"], "namespace": metadata["namespace"]},
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
    }

"""Realistic corpora: pods of 3 to 5 kB, one in twenty HostProcess, some Deployments and DaemonSets. The same seed gives the same bytes."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml


def objects(count: int, seed: int = 1) -> Iterator[dict[str, Any]]:
    """`count` objects as `kubectl get -o yaml` prints them: seven in ten are pods."""
    chance = random.Random(seed)
    for number in range(count):
        pod = _pod(number, chance, host_process=number % 20 == 7)
        kind = chance.choices(["Pod", "Deployment", "DaemonSet"], [7, 2, 1])[0]
        yield pod if kind == "Pod" else _workload(pod, kind)


def write_yaml(path: Path, count: int) -> None:
    """Many documents in one file."""
    with path.open("w", encoding="utf-8") as stream:
        yaml.dump_all(objects(count), stream, Dumper=yaml.CSafeDumper)


def write_json(path: Path, count: int) -> None:
    """One List as `kubectl get pods -A -o json` prints it."""
    with path.open("w", encoding="utf-8") as stream:
        stream.write('{\n    "apiVersion": "v1",\n    "items": [\n')
        separator = ""
        for one in objects(count):
            text = json.dumps(one, indent=4).replace("\n", "\n        ")
            stream.write(f"{separator}        {text}")
            separator = ",\n"
        stream.write('\n    ],\n    "kind": "List",\n    "metadata": {\n        "resourceVersion": ""\n    }\n}\n')


def _pod(number: int, chance: random.Random, *, host_process: bool) -> dict[str, Any]:
    name = f"service-{number % 300}-{chance.randrange(16**8):08x}"
    spec: dict[str, Any] = {
        "containers": [_container(index, chance) for index in range(chance.choice([1, 1, 2]))],
        "dnsPolicy": "ClusterFirst",
        "nodeSelector": {"kubernetes.io/os": "windows" if host_process else "linux"},
        "restartPolicy": "Always",
        "schedulerName": "default-scheduler",
        "securityContext": {},
        "serviceAccountName": "service",
        "terminationGracePeriodSeconds": 30,
        "tolerations": [
            {"effect": "NoExecute", "key": f"node.kubernetes.io/{key}", "operator": "Exists", "tolerationSeconds": 300} for key in ("not-ready", "unreachable")
        ],
        "volumes": [
            {"name": "kube-api-access", "projected": {"defaultMode": 420, "sources": [{"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}}]}}
        ],
    }
    if host_process:
        spec["hostNetwork"] = chance.random() < 0.8
        spec["securityContext"] = {"windowsOptions": {"hostProcess": True, "runAsUserName": "NT AUTHORITY\\SYSTEM"}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": f"team-{number % 40}",
            "uid": f"u{chance.randrange(16**31):031x}",
            "resourceVersion": str(chance.randrange(10**9)),
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "labels": {"app": f"service-{number % 300}", "pod-template-hash": f"h{chance.randrange(16**8):08x}"},
            "annotations": {"checksum/config": f"c{chance.randrange(16**63):063x}"},
        },
        "spec": spec,
        "status": {
            "phase": "Running",
            "podIP": f"10.0.{number % 250}.{number % 200}",
            "conditions": [
                {"type": kind, "status": "True", "lastProbeTime": None, "lastTransitionTime": "2026-01-01T00:00:00Z"}
                for kind in ("Initialized", "Ready", "ContainersReady", "PodScheduled")
            ],
        },
    }


def _container(index: int, chance: random.Random) -> dict[str, Any]:
    return {
        "name": f"container-{index}",
        "image": f"registry.example.com/team/service@sha256:{chance.randrange(16**64):064x}",
        "imagePullPolicy": "IfNotPresent",
        "args": ["--port=8080", f"--shard={chance.randrange(64)}", "--log-level=info"],
        "env": [{"name": f"SETTING_{key}", "value": f"value-{chance.randrange(10**9)}"} for key in range(8)]
        + [{"name": "POD_NAME", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}}],
        "ports": [{"containerPort": 8080 + index, "name": f"http-{index}", "protocol": "TCP"}],
        "livenessProbe": {"httpGet": {"path": "/healthz", "port": f"http-{index}", "scheme": "HTTP"}, "failureThreshold": 3, "periodSeconds": 10},
        "resources": {"limits": {"cpu": "500m", "memory": "256Mi"}, "requests": {"cpu": "100m", "memory": "128Mi"}},
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "volumeMounts": [{"mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "name": "kube-api-access", "readOnly": True}],
    }


def _workload(pod: dict[str, Any], kind: str) -> dict[str, Any]:
    labels = {"app": pod["metadata"]["labels"]["app"]}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": pod["metadata"]["name"], "namespace": pod["metadata"]["namespace"], "labels": dict(labels)},
        "spec": {"selector": {"matchLabels": dict(labels)}, "template": {"metadata": {"labels": labels, "creationTimestamp": None}, "spec": pod["spec"]}},
        "status": {"observedGeneration": 3},
    }

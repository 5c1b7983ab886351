"""Sixty policies of three expressions each, after the shape of those that clusters run: pod security, images, labels, resources, names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

_CONTAINERS = "variables.containers"
_EACH = [
    "!has(c.securityContext) || !has(c.securityContext.privileged) || !c.securityContext.privileged",
    "has(c.resources) && has(c.resources.limits) && 'memory' in c.resources.limits",
    "c.image.contains('@') || (c.image.contains(':') && !c.image.endsWith(':latest'))",
    "['registry.example.com/', 'mirror.example.com/'].exists(prefix, c.image.startsWith(prefix))",
    "!has(c.ports) || c.ports.all(p, !has(p.hostPort) || p.hostPort == 0)",
    "!has(c.env) || c.env.all(e, !e.name.startsWith('SECRET_') || has(e.valueFrom))",
    "!has(c.volumeMounts) || c.volumeMounts.all(m, m.mountPath != '/var/run/docker.sock')",
    "!has(c.securityContext) || !has(c.securityContext.capabilities) || !has(c.securityContext.capabilities.add)",
]
_WHOLE = [
    "!has(variables.podSpec.hostPID) || !variables.podSpec.hostPID",
    "!has(variables.podSpec.volumes) || variables.podSpec.volumes.all(v, !has(v.hostPath))",
    "has(object.metadata.labels) && 'app' in object.metadata.labels",
    "size(object.metadata.name) <= 253",
    "!has(object.metadata.annotations) || object.metadata.annotations.all(key, size(object.metadata.annotations[key]) < 4096)",
    "has(variables.podSpec.serviceAccountName) && variables.podSpec.serviceAccountName != 'default'",
    "!has(object.metadata.labels) || object.metadata.labels.all(key, key.matches('^[a-z0-9A-Z./_-]+$'))",
]
_VARIABLES = [
    {"name": "podSpec", "expression": "object.kind == 'Pod' ? object.spec : object.spec.template.spec"},
    {
        "name": "containers",
        "expression": "variables.podSpec.containers + (has(variables.podSpec.initContainers) ? variables.podSpec.initContainers : [])",
    },
]


def write_policies(path: Path, count: int = 60) -> None:
    """Policies and bindings in one file; a third of them warn, half look at Deployments and DaemonSets too."""
    documents: list[dict[str, Any]] = []
    for number in range(count):
        name = f"policy-{number}.example.com"
        rules = [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["pods"]}]
        if number % 2:
            rules.append({"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["deployments", "daemonsets"]})
        spec: dict[str, Any] = {
            "matchConstraints": {"resourceRules": rules},
            "variables": _VARIABLES,
            "validations": [
                {"expression": f"{_CONTAINERS}.all(c, {_EACH[number % len(_EACH)]})", "message": "a container breaks the rule"},
                {"expression": _WHOLE[number % len(_WHOLE)]},
                {
                    "expression": f"{_CONTAINERS}.all(c, {_EACH[(number * 3 + 1) % len(_EACH)]})",
                    "messageExpression": f"'at fault: ' + {_CONTAINERS}.filter(c, !({_EACH[(number * 3 + 1) % len(_EACH)]})).map(c, c.name).join(', ')",
                },
            ],
        }
        if number % 5 == 0:
            spec["matchConditions"] = [{"name": "not-system", "expression": "!object.metadata.namespace.startsWith('kube-')"}]
        head = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": name}}
        documents.append({**head, "kind": "ValidatingAdmissionPolicy", "spec": spec})
        binding = {"policyName": name, "validationActions": ["Warn" if number % 3 == 0 else "Deny"]}
        documents.append({**head, "kind": "ValidatingAdmissionPolicyBinding", "spec": binding})
    path.write_text(yaml.safe_dump_all(documents, sort_keys=False, width=200), encoding="utf-8")

"""Reads policies/*.yaml: a policy in short form, its bindings, what exists in the cluster, and requests. Their format is in README.md."""

# ruff: noqa: E501 - lists of values
from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from hostprocess.suite.edit import edited

__all__ = ["BASES", "CLUSTER", "FOLDER", "Scenario", "load_scenarios", "review_of"]

FOLDER = Path(__file__).parent / "policies"
_GROUP = "admissionregistration.k8s.io/v1"
_RULES = [{"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*", "pods/ephemeralcontainers"]}]
_KEYS = frozenset(
    [
        "name",
        "spec",
        "match",
        "failurePolicy",
        "paramKind",
        "matchConditions",
        "variables",
        "validations",
        "auditAnnotations",
        "bindings",
        "params",
        "rbac",
        "requests",
        "repeat",
        "repeat-conditions",
    ]
)
_CONTAINER = {"name": "c", "image": "registry.example.com/web:1.0", "resources": {"limits": {"cpu": "500m", "memory": "256Mi"}}}
_POD_SPEC = {"containers": [_CONTAINER]}
_TEMPLATE = {"metadata": {"labels": {"app": "web"}}, "spec": _POD_SPEC}
_SELECTOR = {"matchLabels": {"app": "web"}}


def _of(api_version: str, kind: str, namespace: str = "shop", **rest: Any) -> dict[str, Any]:
    metadata = {"name": "web", "namespace": namespace} if namespace else {"name": "web"}
    metadata |= rest.pop("metadata", {})
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **rest}


# What requests start from: the object, and the resource it goes to.
BASES: dict[str, tuple[dict[str, Any], str]] = {
    "pod": (_of("v1", "Pod", metadata={"labels": {"app": "web"}}, spec=_POD_SPEC), "pods"),
    "two-containers": (_of("v1", "Pod", spec={"containers": [_CONTAINER, {"name": "d", "image": "other:2"}]}), "pods"),
    "windows-pod": (
        _of("v1", "Pod", spec={"hostNetwork": True, "os": {"name": "windows"}, "securityContext": {"windowsOptions": {"hostProcess": True, "runAsUserName": "NT AUTHORITY\\SYSTEM"}}, "containers": [{"name": "c", "image": "i:1", "ports": [{"containerPort": 80, "hostPort": 80}]}]}),
        "pods",
    ),
    "deployment": (_of("apps/v1", "Deployment", spec={"replicas": 5, "selector": _SELECTOR, "template": _TEMPLATE}), "deployments"),
    "statefulset": (_of("apps/v1", "StatefulSet", spec={"serviceName": "s", "selector": _SELECTOR, "template": _TEMPLATE}), "statefulsets"),
    "daemonset": (_of("apps/v1", "DaemonSet", spec={"selector": _SELECTOR, "template": _TEMPLATE}), "daemonsets"),
    "replicationcontroller": (_of("v1", "ReplicationController", spec={"selector": {"app": "web"}, "template": _TEMPLATE}), "replicationcontrollers"),
    "job": (_of("batch/v1", "Job", spec={"template": {"spec": {**_POD_SPEC, "restartPolicy": "Never"}}}), "jobs"),
    "cronjob": (_of("batch/v1", "CronJob", spec={"schedule": "0 * * * *", "jobTemplate": {"spec": {"template": {"spec": {**_POD_SPEC, "restartPolicy": "Never"}}}}}), "cronjobs"),
    "configmap": (_of("v1", "ConfigMap", data={"a": "b"}), "configmaps"),
    "secret": (_of("v1", "Secret", stringData={"k": "text"}, data={"b": "YWJj"}), "secrets"),
    "service": (_of("v1", "Service", spec={"ports": [{"port": 80}], "selector": {"app": "web"}}), "services"),
    "namespace": (_of("v1", "Namespace", ""), "namespaces"),
    "node": (_of("v1", "Node", "", spec={"unschedulable": False}), "nodes"),
    "pvc": (_of("v1", "PersistentVolumeClaim", spec={"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}), "persistentvolumeclaims"),
    "ingress": (
        _of("networking.k8s.io/v1", "Ingress", spec={"rules": [{"host": "a.example.com", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "s", "port": {"number": 80}}}}]}}]}),
        "ingresses",
    ),
    "networkpolicy": (_of("networking.k8s.io/v1", "NetworkPolicy", spec={"podSelector": {}}), "networkpolicies"),
    "pdb": (_of("policy/v1", "PodDisruptionBudget", spec={"maxUnavailable": 1, "selector": _SELECTOR}), "poddisruptionbudgets"),
    "hpa": (_of("autoscaling/v2", "HorizontalPodAutoscaler", spec={"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}, "maxReplicas": 3}), "horizontalpodautoscalers"),
    "clusterrole": (_of("rbac.authorization.k8s.io/v1", "ClusterRole", "", rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]), "clusterroles"),
    "crontab": (_of("stable.example.com/v1", "CronTab", spec={"replicas": 1.0, "image": None, "list": [], "nested": {"a": None, "b": ""}}), "crontabs"),
    "policy": (_of(_GROUP, "ValidatingAdmissionPolicy", "", spec={"matchConstraints": {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]}, "validations": [{"expression": "true"}]}), "validatingadmissionpolicies"),
    "policybinding": (_of(_GROUP, "ValidatingAdmissionPolicyBinding", "", spec={"policyName": "p", "validationActions": ["Deny"]}), "validatingadmissionpolicybindings"),
    "webhookconfiguration": (_of(_GROUP, "ValidatingWebhookConfiguration", ""), "validatingwebhookconfigurations"),
    "tokenreview": (_of("authentication.k8s.io/v1", "TokenReview", "", metadata={"name": ""}, spec={"token": "x"}), "tokenreviews"),
    "subjectaccessreview": (_of("authorization.k8s.io/v1", "SubjectAccessReview", "", metadata={"name": ""}, spec={"user": "u", "nonResourceAttributes": {"path": "/", "verb": "get"}}), "subjectaccessreviews"),
}  # fmt: skip
_STANDARD: list[dict[str, Any]] = [{"base": "pod"}, {"base": "two-containers"}, {"base": "deployment"}]


def _definition(kind: str, plural: str, scope: str) -> dict[str, Any]:
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.stable.example.com"},
        "spec": {
            "group": "stable.example.com",
            "scope": scope,
            "names": {"kind": kind, "plural": plural, "singular": kind.lower(), "listKind": f"{kind}List"},
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": schema}],
        },
    }


def _namespace(name: str, **labels: str) -> dict[str, Any]:
    value: dict[str, Any] = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {**labels, "kubernetes.io/metadata.name": name}}}
    return {**value, "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}


# What exists in the cluster of every scenario.
CLUSTER: list[dict[str, Any]] = [
    _namespace("shop", team="a", env="prod"),
    _namespace("default", team="b", env="test"),
    _namespace("kube-system"),
    _namespace("config"),
    _namespace("web"),
    _namespace("kube-public"),
    _namespace("kube-node-lease"),
    _definition("CronTab", "crontabs", "Namespaced"),
    _definition("Limit", "limits", "Namespaced"),
    _definition("ClusterLimit", "clusterlimits", "Cluster"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One policy with its bindings as API objects, the objects it looks up, and requests as the oracle takes them."""

    name: str
    policy: dict[str, Any]
    bindings: tuple[dict[str, Any], ...]
    objects: tuple[dict[str, Any], ...]
    requests: tuple[dict[str, Any], ...]
    file: str

    def expressions(self) -> Iterator[str]:
        """All expressions of the policy."""
        yield from expressions_of(self.policy)


def expressions_of(policy: Mapping[str, Any]) -> Iterator[str]:
    """All expressions of a policy object."""
    spec = policy["spec"]
    for key, fields in (("variables", ["expression"]), ("matchConditions", ["expression"]), ("validations", ["expression", "messageExpression"]), ("auditAnnotations", ["valueExpression"])):  # fmt: skip
        for one in spec.get(key, ()):
            yield from (one[field] for field in fields if one.get(field))


def load_scenarios(folder: Path = FOLDER) -> list[Scenario]:
    """All scenarios. Raises ValueError, with the file, for one that is not sound."""
    found: dict[str, Scenario] = {}
    for path in sorted(folder.glob("*.yaml")):
        for raw in yaml.safe_load_all(path.read_text("utf-8")):
            unknown = raw.keys() - _KEYS
            if unknown or "name" not in raw or raw["name"] in found:
                raise ValueError(f"{path.name}: {raw.get('name')}: unknown keys {sorted(unknown)}, no name, or a name that is there already")
            try:
                found[raw["name"]] = _scenario(raw, path.name)
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(f"{path.name}: {raw['name']}: {error!r}") from error
    return list(found.values())


def _scenario(raw: dict[str, Any], file: str) -> Scenario:
    name = raw["name"]
    validations = [{"expression": one} if isinstance(one, str) else one for one in raw.get("validations", [])] * raw.get("repeat", 1)
    conditions = [{"name": key, "expression": text} for key, text in raw.get("matchConditions", {}).items()]
    if "repeat-conditions" in raw:
        conditions = [{**one, "name": f"{one['name']}-{index}"} for index in range(raw["repeat-conditions"]) for one in conditions]
    match = raw.get("match", {})
    spec: dict[str, Any] = {
        "failurePolicy": raw.get("failurePolicy", "Fail"),
        "matchConstraints": {"matchPolicy": "Equivalent", "namespaceSelector": {}, "objectSelector": {}, "resourceRules": _RULES, **match},
        "validations": validations,
        "variables": [{"name": key, "expression": text} for key, text in raw.get("variables", {}).items()],
        "matchConditions": conditions,
        "auditAnnotations": [{"key": key, "valueExpression": text} for key, text in raw.get("auditAnnotations", {}).items()],
    }
    spec = {key: value for key, value in spec.items() if value}
    if "paramKind" in raw:
        spec["paramKind"] = raw["paramKind"]
    policy = {"apiVersion": _GROUP, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name}, "spec": spec}
    bindings = []
    for index, one in enumerate(raw.get("bindings", [{}])):
        body = {"policyName": name, "validationActions": ["Deny"], **one}
        bindings.append({"apiVersion": _GROUP, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": f"{name}-{index}"}, "spec": body})
    requests = tuple(_request(one) for one in raw.get("requests", _STANDARD))
    return Scenario(name=name, policy=policy, bindings=tuple(bindings), objects=(*raw.get("params", ()), *raw.get("rbac", ())), requests=requests, file=file)


def _request(raw: dict[str, Any]) -> dict[str, Any]:
    if "base" in raw:
        base, plural = BASES[raw["base"]]
    else:
        base, plural = raw["object"], raw["resource"]
    value = edited(base, raw.get("unset", ()), raw.get("set", {}), "")
    operation = raw.get("operation", "CREATE")
    group, _, version = value["apiVersion"].rpartition("/")
    metadata = value.get("metadata", {})
    request: dict[str, Any] = {
        "operation": operation,
        "resource": {"group": group, "version": version, "resource": plural},
        "namespace": raw.get("namespace", metadata.get("name", "") if value["kind"] == "Namespace" else metadata.get("namespace", "")),
        "name": raw.get("name", metadata.get("name", "")),
        "userInfo": {"username": "tester", "groups": ["system:authenticated"], **({"groups": []} if "user" in raw else {}), **raw.get("user", {})},
        "object": value,
        "raw": raw.get("raw", False),
    }
    if raw.get("dryRun"):
        request["dryRun"] = True
    if raw.get("subresource"):
        request["subresource"] = raw["subresource"]
    if operation == "UPDATE":
        old = edited(value, (), raw.get("old", {}), "")
        request["oldObject"] = old
    if operation == "DELETE":
        request["oldObject"] = request.pop("object")
    return request


_OPTIONS = {"CREATE": "CreateOptions", "UPDATE": "UpdateOptions", "DELETE": "DeleteOptions"}


def review_of(request: Mapping[str, Any], seen: Mapping[str, Any]) -> dict[str, Any]:
    """The AdmissionReview of a request, with the objects as the API server has them: `seen` is the oracle's answer."""
    objects = {key: copy.deepcopy(seen.get(key)) for key in ("object", "oldObject")}
    shown = objects["object"] or objects["oldObject"] or request.get("object") or {}
    group, _, version = shown["apiVersion"].rpartition("/")
    operation = request["operation"]
    body: dict[str, Any] = {
        "uid": "0",
        "kind": {"group": group, "version": version, "kind": shown["kind"]},
        "resource": request["resource"],
        "name": request["name"] or (shown.get("metadata") or {}).get("name", ""),
        "namespace": request["namespace"],
        "operation": operation,
        "userInfo": request["userInfo"],
        "dryRun": request.get("dryRun", False),
        "options": {"kind": _OPTIONS[operation], "apiVersion": "meta.k8s.io/v1"} if operation in _OPTIONS else None,
        **objects,
    }
    if body["dryRun"] and body["options"]:
        body["options"]["dryRun"] = ["All"]
    if request.get("subresource"):
        body["subResource"] = request["subresource"]
    return json.loads(json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": body}))  # type: ignore[no-any-return]


def cluster_objects(scenarios: Iterable[Scenario]) -> list[dict[str, Any]]:
    """All that exists if all scenarios share a cluster, policies apart."""
    return [*CLUSTER, *(one for scenario in scenarios for one in scenario.objects)]

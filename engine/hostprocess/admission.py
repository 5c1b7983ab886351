"""Requests, and which policies, bindings and parameters they meet (k8s.io/apiserver/pkg/admission/plugin/policy/matching)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from hostprocess.kubernetes.kinds import group_version, plural
from hostprocess.kubernetes.selectors import matches as selects
from hostprocess.model import UNKNOWN, Binding, MatchConstraints, ParamKind, Request, Resource, ResourceRule, Unknown

__all__ = ["CLUSTER_SCOPED", "UNKNOWN_MATCH", "Inventory", "mismatch", "request_for", "request_map"]

CLUSTER_SCOPED = frozenset(
    [
        "Namespace",
        "Node",
        "PersistentVolume",
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "RuntimeClass",
        "StorageClass",
        "PriorityClass",
        "IngressClass",
        "APIService",
        "CSIDriver",
        "CSINode",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "MutatingWebhookConfiguration",
        "ValidatingWebhookConfiguration",
        "CertificateSigningRequest",
        "FlowSchema",
        "PriorityLevelConfiguration",
        "VolumeAttachment",
    ]
)
# pkg/controlplane/apiserver/options, exclusion/resources.go: policies must not lock out their own repair.
_EXEMPT = frozenset(
    (group, name)
    for group, names in {
        "admissionregistration.k8s.io": "validatingadmissionpolicies validatingadmissionpolicybindings mutatingadmissionpolicies"
        " mutatingadmissionpolicybindings",
        "authentication.k8s.io": "selfsubjectreviews tokenreviews",
        "authorization.k8s.io": "localsubjectaccessreviews selfsubjectaccessreviews selfsubjectrulesreviews subjectaccessreviews",
    }.items()
    for name in names.split()
)
UNKNOWN_MATCH = "unknown: "
_NAME_LABEL = "kubernetes.io/metadata.name"  # set by the API server on every Namespace


@dataclass(frozen=True, slots=True)
class Inventory:
    """Objects that exist in the cluster, by (apiVersion, kind), for looking up."""

    objects: Mapping[tuple[str, str], tuple[dict[str, Any], ...]]

    @staticmethod
    def of(resources: Iterable[dict[str, Any]]) -> Inventory:
        """An inventory of these objects. Namespaces get the label that the API server gives them."""
        found: dict[tuple[str, str], dict[tuple[str, str], dict[str, Any]]] = {}
        for value in resources:
            metadata = value.get("metadata") or {}
            if value.get("kind") == "Namespace":
                labels = {**(metadata.get("labels") or {}), _NAME_LABEL: metadata.get("name", "")}
                value = {**value, "metadata": {**metadata, "labels": labels}}
            key = (str(value.get("apiVersion")), str(value.get("kind")))
            found.setdefault(key, {})[str(metadata.get("namespace", "")), str(metadata.get("name", ""))] = value
        return Inventory({key: tuple(values.values()) for key, values in found.items()})

    def namespace(self, name: str) -> dict[str, Any] | Unknown:
        """The Namespace of that name, or UNKNOWN."""
        for value in self.objects.get(("v1", "Namespace"), ()):
            if value["metadata"].get("name") == name:
                return value
        return UNKNOWN

    def params(self, kind: ParamKind, binding: Binding, request_namespace: str) -> list[dict[str, Any] | None] | Unknown:
        """What `params` is, once for each parameter object; [None] for a binding without paramRef; UNKNOWN if none was given."""
        reference = binding.param_ref
        if reference is None:
            return [None]
        namespace = reference.namespace or request_namespace
        found: list[dict[str, Any] | None] = []
        for value in self.objects.get((kind.api_version, kind.kind), ()):
            metadata = value.get("metadata") or {}
            # One without a namespace is cluster-scoped. Where the request's namespace is not known, no object is known to be of it.
            if kind.kind not in CLUSTER_SCOPED and metadata.get("namespace", namespace) != namespace:
                continue
            if metadata.get("name") == reference.name if reference.name else selects(reference.selector or {}, metadata.get("labels") or {}):
                found.append(value)
        return found or UNKNOWN


def request_for(resource: Resource, inventory: Inventory, default_namespace: str = "", operation: str = "CREATE") -> Request:
    """The request that creates `resource`; `default_namespace` stands in where the manifest names none, as with `kubectl --namespace`."""
    group, version = group_version(resource.api_version)
    namespace_object: dict[str, Any] | Unknown | None
    if resource.kind in CLUSTER_SCOPED:
        namespace_object = None
    else:
        name = resource.namespace
        if not name and default_namespace:
            name = default_namespace
            metadata = {**(resource.object.get("metadata") or {}), "namespace": name}
            resource = replace(resource, object={**resource.object, "metadata": metadata})
        namespace_object = inventory.namespace(name) if name else UNKNOWN
    return Request(resource=resource, group=group, version=version, plural=plural(resource.kind), operation=operation, namespace_object=namespace_object)


def request_map(request: Request) -> dict[str, Any]:
    """What CEL sees as `request`. Members that are unknown offline (uid aside) are absent."""
    resource = request.resource
    kind = {"group": request.group, "version": request.version, "kind": resource.kind}
    gvr = {"group": request.group, "version": request.version, "resource": request.plural}
    value: dict[str, Any] = {
        "kind": kind,
        "resource": gvr,
        "requestKind": kind,
        "requestResource": gvr,
        "operation": request.operation,
        "dryRun": False,
    }
    if resource.name:
        value["name"] = resource.name
    namespace = resource.name if resource.kind == "Namespace" else resource.namespace
    if namespace:
        value["namespace"] = namespace
    if request.subresource:
        value["subResource"] = value["requestSubResource"] = request.subresource
    if not isinstance(request.user_info, Unknown):
        value["userInfo"] = request.user_info
    return value


def mismatch(constraints: MatchConstraints, request: Request) -> str:
    """Why a request is none of a policy's (or binding's) business; empty if it is. Begins with `UNKNOWN_MATCH` if that is not known."""
    if (request.group, request.plural) in _EXEMPT:
        return f"no policy is about {request.plural}: the API server exempts them"
    namespaces = _namespace_mismatch(constraints.namespace_selector, request) if constraints.namespace_selector else ""
    if namespaces and not namespaces.startswith(UNKNOWN_MATCH):
        return namespaces
    if constraints.object_selector:
        labels = (request.resource.object.get("metadata") or {}).get("labels") or {}
        old = ((request.old_object or {}).get("metadata") or {}).get("labels") or {}
        if not selects(constraints.object_selector, labels) and not (request.old_object and selects(constraints.object_selector, old)):
            return "the objectSelector does not match"
    if any(_rule_matches(rule, request) for rule in constraints.exclude_resource_rules):
        return "an excludeResourceRule matches"
    if constraints.resource_rules and not any(_rule_matches(rule, request) for rule in constraints.resource_rules):
        return f"no resourceRule matches {request.operation} of {request.plural} in {request.group or 'core'}/{request.version}"
    # What is not known matters only if everything else matches.
    return namespaces


def _namespace_mismatch(selector: Mapping[str, Any], request: Request) -> str:
    namespace = request.resource.object if request.resource.kind == "Namespace" else request.namespace_object
    if namespace is None:
        return ""  # cluster-scoped objects pass every namespaceSelector
    if isinstance(namespace, Unknown):
        labels = {_NAME_LABEL: request.resource.namespace} if request.resource.namespace else {}
        # The name alone may settle it, as in the usual exclusion of kube-system.
        keys = {*(selector.get("matchLabels") or {}), *(one.get("key") for one in selector.get("matchExpressions") or ())}
        if keys - labels.keys():
            return UNKNOWN_MATCH + "the namespaceSelector needs the labels of a Namespace that was not given"
    else:
        labels = (namespace.get("metadata") or {}).get("labels") or {}
    return "" if selects(selector, labels) else "the namespaceSelector does not match"


def _rule_matches(rule: ResourceRule, request: Request) -> bool:
    if not _among(rule.operations, request.operation) or not _among(rule.api_groups, request.group) or not _among(rule.api_versions, request.version):
        return False
    if rule.resource_names and request.resource.name not in rule.resource_names:
        return False
    if rule.scope != "*" and (rule.scope == "Cluster") != (request.resource.kind in CLUSTER_SCOPED):
        return False
    for entry in rule.resources:
        name, _, subresource = entry.partition("/")
        if name in ("*", request.plural) and subresource in ("*", request.subresource):
            return True
    return False


def _among(values: tuple[str, ...], value: str) -> bool:
    return value in values or "*" in values

"""What exists in the cluster, as far as it was given: Namespaces, parameters, the kinds of custom resources, RBAC.

Source: k8s.io/apiserver/pkg/admission/plugin/policy/generic/policy_dispatcher.go (CollectParams), …/plugin/cel/condition.go (CreateNamespaceObject).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any

from hostprocess.cel.runtime import NEWEST
from hostprocess.kubernetes.admitted import present
from hostprocess.kubernetes.catalogue import Kind, kind_of, kinds
from hostprocess.kubernetes.definitions import DEFINITION, definition_faults
from hostprocess.kubernetes.kinds import group_version, plural
from hostprocess.kubernetes.selectors import matches as selects
from hostprocess.model import UNKNOWN, Binding, GroupVersionKind, GroupVersionResource, Policy, Unknown

__all__ = ["NAME_LABEL", "ConfigurationError", "CustomResource", "Inventory", "ResourceType"]

JSONObject = dict[str, Any]
NAME_LABEL = "kubernetes.io/metadata.name"  # set by the API server on every Namespace
_SERVER_ONLY = ("uid", "resourceVersion", "creationTimestamp")
_NAMESPACE_FIELDS = frozenset(
    ["name", "generateName", "namespace", "generation", "deletionTimestamp", "deletionGracePeriodSeconds", "labels", "annotations", "finalizers", *_SERVER_ONLY]
)


@dataclass(frozen=True, slots=True)
class ResourceType:
    """How the API serves a kind. `namespaced` is None where nobody said so, and then the `plural` is a guess, too."""

    plural: str
    namespaced: bool | None


@dataclass(frozen=True, slots=True)
class CustomResource:
    """What a CustomResourceDefinition says: `versions` that are served, and whether they differ in nothing but `apiVersion`."""

    group: str
    kind: str
    type: ResourceType
    versions: tuple[str, ...]
    same_fields: bool


@dataclass(frozen=True, slots=True)
class ConfigurationError:
    """A policy or binding that the API server cannot apply. `of_policy` tells the policy's fault from the binding's."""

    message: str
    of_policy: bool = False

    @property
    def text(self) -> str:
        """The message as the dispatcher words it."""
        return f"failed to configure {'policy' if self.of_policy else 'binding'}: {self.message}"


@dataclass(frozen=True, slots=True)
class Inventory:
    """Objects that exist in the cluster, by (apiVersion, kind), for looking up.

    `complete` are the (apiVersion, kind) of which all objects were given: one that is not there does not exist. `assumed_labels` stand in for
    the labels of Namespaces that were not given. `kubernetes` is the release whose built-in kinds are served.
    """

    objects: Mapping[tuple[str, str], tuple[JSONObject, ...]]
    complete: frozenset[tuple[str, str]] = frozenset()
    custom: Mapping[tuple[str, str], CustomResource] = field(default_factory=dict)
    namespaces: Mapping[str, JSONObject] = field(default_factory=dict)
    assumed_labels: Mapping[str, str] | None = None
    kubernetes: str = NEWEST
    _presented: dict[int, JSONObject] = field(default_factory=dict, compare=False, repr=False)

    @staticmethod
    def of(resources: Iterable[JSONObject], inputs: Iterable[JSONObject] = (), *, kubernetes: str = NEWEST) -> Inventory:
        """An inventory of these objects; of two with one name the last counts. Namespaces get the label that the API server gives them.

        `inputs` are objects that will exist as well, though nothing says that there are no others.
        """
        found: dict[tuple[str, str], dict[tuple[str, str], JSONObject]] = {}
        complete: set[tuple[str, str]] = set()
        for whole, values in ((True, resources), (False, inputs)):
            for value in values:
                key = (str(value.get("apiVersion")), str(value.get("kind")))
                if value.get("kind") == "Namespace":
                    value = _labelled(value)
                metadata = value.get("metadata") or {}
                found.setdefault(key, {})[str(metadata.get("namespace") or ""), str(metadata.get("name") or "")] = value
                if whole:
                    complete.add(key)
        objects = {key: tuple(values.values()) for key, values in found.items()}
        custom = {(one.group, one.kind): one for one in _custom_resources(objects)}
        namespaces = {str(value["metadata"].get("name")): _namespace_object(value) for value in objects.get(("v1", "Namespace"), ())}
        return Inventory(objects, frozenset(complete), custom, namespaces, kubernetes=kubernetes)

    def namespace(self, name: str) -> JSONObject | Unknown:
        """The Namespace of that name, as expressions see it, or UNKNOWN."""
        found = self.namespaces.get(name)
        if found is not None:
            return found
        if self.assumed_labels is not None and name:
            return _namespace_object({"metadata": {"name": name, "labels": {**self.assumed_labels, NAME_LABEL: name}}})
        return UNKNOWN

    def resource_type(self, api_version: str, kind: str) -> ResourceType:
        """How a kind is served: as the catalogue or a CustomResourceDefinition says, or by the convention of the API."""
        built_in = _built_in_type(api_version, kind, self.kubernetes)
        if built_in is not None:
            return built_in
        known = self.custom.get((group_version(api_version)[0], kind))
        return known.type if known else ResourceType(plural(kind), None)

    def equivalents(self, resource: GroupVersionResource, kind: str) -> Iterator[tuple[GroupVersionResource, GroupVersionKind, bool]]:
        """The other group-versions that serve the same objects, the kind there, and whether an object differs in nothing but `apiVersion`."""
        known = self.custom.get((resource.group, kind))
        if known and resource.resource == known.type.plural:
            for version in known.versions:
                if version != resource.version:
                    yield GroupVersionResource(resource.group, version, resource.resource), GroupVersionKind(resource.group, version, kind), known.same_fields
            return
        for one in _equivalent(self.kubernetes).get(resource.resource, ()):
            if (one.group, one.version) != (resource.group, resource.version):
                yield GroupVersionResource(one.group, one.version, one.resource), GroupVersionKind(one.group, one.version, one.kind), False

    def params(self, policy: Policy, binding: Binding, namespace: str | Unknown) -> list[JSONObject | None] | Unknown | ConfigurationError:
        """What `params` is, once for each parameter object: [None] without paramRef, an Unknown if none was given.

        `namespace` is that of the request, empty for a cluster-scoped object.
        """
        kind, reference = policy.param_kind, binding.param_ref
        if kind is None:
            return [None]
        key = (kind.api_version, kind.kind)
        if reference is None:
            return [None]
        objects = self.objects.get(key, ())
        namespaced = self.resource_type(kind.api_version, kind.kind).namespaced
        if namespaced is None and objects:
            namespaced = bool(reference.namespace) or any((value.get("metadata") or {}).get("namespace") for value in objects)
        wanted: str | Unknown = reference.namespace or namespace
        if namespaced and wanted == "":
            return ConfigurationError("cannot use namespaced paramRef in policy binding that matches cluster-scoped resources")
        if namespaced is False and reference.namespace:
            return ConfigurationError("paramRef.namespace must not be provided for a cluster-scoped `paramKind`")
        found: list[JSONObject | None] = []
        for value in objects:
            metadata = value.get("metadata") or {}
            # One without a namespace is taken to be in any: a manifest of a namespaced kind need not name it.
            if namespaced and metadata.get("namespace", wanted) != wanted:
                continue
            if metadata.get("name") == reference.name if reference.name else selects(reference.selector or {}, metadata.get("labels") or {}):
                found.append(self._as_stored(value))
        if found:
            return found
        if namespaced and isinstance(wanted, Unknown):
            return wanted
        if key not in self.complete or policy.of_pack:
            return Unknown(f"no {kind.kind} was given: add it with --params or --inventory")
        if reference.parameter_not_found_action == "Deny":
            return ConfigurationError("no params found for policy binding with `Deny` parameterNotFoundAction")
        return []

    def fault_of(self, policy: Policy) -> ConfigurationError | None:
        """What is wrong with a policy as a whole: the kind of its parameters is none that the API server knows."""
        kind = policy.param_kind
        if kind is None:
            return None
        group, version = group_version(kind.api_version)
        if group in _built_in_groups(self.kubernetes):
            known = kind_of(kind.api_version, kind.kind, self.kubernetes)
            absent = known is None or not known.resource
        else:
            given = (group, kind.kind) in self.custom or (kind.api_version, kind.kind) in self.objects
            absent = not given and any(name == DEFINITION for _, name in self.complete)
        if not absent:
            return None
        return ConfigurationError(f"failed to find resource referenced by paramKind: '{group}/{version}, Kind={kind.kind}'", of_policy=True)

    def _as_stored(self, value: JSONObject) -> JSONObject:
        """An object of a built-in kind as the API server has stored it: with defaults, and without what does not exist."""
        found = self._presented.get(id(value))
        if found is None:
            shown = present(value, kubernetes=self.kubernetes, field_validation="ignore", operation="DELETE", old_object=value)
            found = self._presented[id(value)] = value if shown.faults or shown.old_object is None else shown.old_object
        return found


@lru_cache(maxsize=4096)  # what is asked for comes from manifests
def _built_in_type(api_version: str, kind: str, kubernetes: str) -> ResourceType | None:
    found = kind_of(api_version, kind, kubernetes)
    return ResourceType(found.resource, found.namespaced) if found and found.resource else None


@cache
def _built_in_groups(kubernetes: str) -> frozenset[str]:
    return frozenset(one.group for one in kinds(kubernetes).values())


def _labelled(value: JSONObject) -> JSONObject:
    metadata = value.get("metadata") or {}
    return {**value, "metadata": {**metadata, "labels": {**(metadata.get("labels") or {}), NAME_LABEL: metadata.get("name", "")}}}


def _namespace_object(value: JSONObject) -> JSONObject:
    """A Namespace as `namespaceObject` has it. What only the API server knows is unknown; what it sets on creation is set."""
    given = value["metadata"]
    metadata = {key: one for key, one in given.items() if key in _NAMESPACE_FIELDS and one not in (None, "", {}, [])}
    for key in _SERVER_ONLY:
        metadata.setdefault(key, Unknown(f"the {key} of the Namespace {given.get('name')!r} is not known: give the object as the API server has it"))
    return {"metadata": metadata, "spec": value.get("spec") or {"finalizers": ["kubernetes"]}, "status": value.get("status") or {"phase": "Active"}}


def _custom_resources(objects: Mapping[tuple[str, str], tuple[JSONObject, ...]]) -> Iterator[CustomResource]:
    for (api_version, kind), values in objects.items():
        if kind != DEFINITION or group_version(api_version)[0] != "apiextensions.k8s.io":
            continue
        for value in values:
            if any(definition_faults(value)):
                continue  # told of where it is read
            spec, names = value["spec"], value["spec"]["names"]
            yield CustomResource(
                group=spec["group"],
                kind=names["kind"],
                type=ResourceType(names["plural"], spec["scope"] == "Namespaced"),
                versions=tuple(one["name"] for one in spec.get("versions") or () if one.get("served", True)),
                same_fields=((spec.get("conversion") or {}).get("strategy") or "None") == "None",
            )


@cache
def _equivalent(kubernetes: str) -> dict[str, tuple[Kind, ...]]:
    """The built-in resources that are stored under one prefix, which is their name: the versions of a group, and the Events of two groups.

    Alpha and beta versions are there too: a cluster may serve them. All need a conversion.
    Source: k8s.io/apiserver/pkg/server/storage/storage_factory.go (ResourcePrefix), pkg/controlplane/apiserver (NewEquivalentResourceRegistry).
    """
    found: dict[str, tuple[Kind, ...]] = {}
    for one in kinds(kubernetes).values():
        if one.resource:
            found[one.resource] = (*found.get(one.resource, ()), one)
    return {resource: several for resource, several in found.items() if len(several) > 1}

"""Requests: what the API server would ask its admission plug-ins about a manifest.

Source: k8s.io/apiserver/pkg/endpoints/handlers, pkg/admission/plugin/cel/condition.go (CreateAdmissionRequest).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from types import NoneType
from typing import Any

from hostprocess.errors import InputError, UsageError, suggestion
from hostprocess.inventory import Inventory, ResourceType
from hostprocess.kubernetes.catalogue import kind_of
from hostprocess.kubernetes.definitions import definition_faults
from hostprocess.kubernetes.fields import format_path
from hostprocess.kubernetes.kinds import group_version
from hostprocess.kubernetes.location import locate
from hostprocess.model import GroupVersionKind, GroupVersionResource, Policy, Request, Resource, Unknown

__all__ = [
    "CONNECT_KINDS",
    "OPERATIONS",
    "REVIEW_VERSIONS",
    "UNKNOWN_USER",
    "Circumstances",
    "check_definition",
    "check_metadata",
    "check_subresource",
    "is_review",
    "key_of",
    "request_for",
    "request_map",
    "request_of_review",
]

JSONObject = dict[str, Any]
_TEXT = (str, NoneType)  # a tuple, as a union takes longer to make than to test
OPERATIONS = ("CREATE", "UPDATE", "DELETE", "CONNECT")
REVIEW_VERSIONS = ("admission.k8s.io/v1", "admission.k8s.io/v1beta1")
NO_NAMESPACE = "the namespace is not known: name it with --namespace"
NO_USER = "the user who makes the request is not known: name it with --user"
NO_OLD_OBJECT = "the stored object was not given: add it with --old"
NO_OPTIONS = "the options of the request are not known: give an AdmissionReview"

UNKNOWN_USER = Unknown(NO_USER)
_POD = ("", "v1", "pods")
# Kinds that are no resource of their own: they are sent to a subresource of another.
_SENT_TO: dict[tuple[str, str], tuple[str, str, str, str]] = {
    ("policy/v1", "Eviction"): (*_POD, "eviction"),
    ("v1", "PodExecOptions"): (*_POD, "exec"),
    ("v1", "PodAttachOptions"): (*_POD, "attach"),
    ("v1", "PodPortForwardOptions"): (*_POD, "portforward"),
    ("v1", "PodProxyOptions"): (*_POD, "proxy"),
    ("v1", "ServiceProxyOptions"): ("", "v1", "services", "proxy"),
    ("v1", "NodeProxyOptions"): ("", "v1", "nodes", "proxy"),
    ("authentication.k8s.io/v1", "TokenRequest"): ("", "v1", "serviceaccounts", "token"),
}
# Subresources whose requests carry another object than that of the resource.
_OF_ANOTHER_KIND = {"binding": "Binding", "eviction": "Eviction", "scale": "Scale", "token": "TokenRequest"}
_ASKED_BY = {
    **dict.fromkeys(("approval", "ephemeralcontainers", "finalize", "resize", "scale", "status"), "UPDATE"),
    **dict.fromkeys(("binding", "eviction", "token"), "CREATE"),
    **dict.fromkeys(("attach", "exec", "portforward", "proxy"), "CONNECT"),
}
CONNECT_KINDS = {(resource, subresource): kind for (_, kind), (_, _, resource, subresource) in _SENT_TO.items() if kind.endswith("Options")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What all requests of a run have in common.

    `namespace` stands in where a manifest names none; `old_objects` are the stored objects by `key_of`, None if none were given; `user_info` is as in
    an AdmissionReview.
    """

    operation: str = "CREATE"
    namespace: str = ""
    subresource: str = ""
    user_info: JSONObject | Unknown = UNKNOWN_USER
    old_objects: Mapping[tuple[str, str, str, str], JSONObject] | None = None


def check_subresource(name: str, operation: str, policies: Iterable[Policy]) -> None:
    """Raises `UsageError` for a subresource that nothing has, or that is not asked for in this operation. Which there are beyond those of Kubernetes only
    policies can tell: those that name one are believed.
    """
    wanted = _ASKED_BY.get(name)
    if wanted == operation or not name:
        return
    if wanted:
        raise UsageError(f"--subresource {name} is requested by {wanted}: add --operation {wanted}")
    rules = (rule for policy in policies for rule in policy.match_constraints.resource_rules)
    if name == "log" or not any(resource.endswith(f"/{name}") for rule in rules for resource in rule.resources):
        there = suggestion(name.lower(), _ASKED_BY) or f", and no policy names it; there are {', '.join(sorted(_ASKED_BY))}"
        raise UsageError(
            "--subresource log is only read, and policies are not asked about that" if name == "log" else f"there is no subresource {name!r}{there}"
        )


def check_metadata(resource: Resource) -> None:
    """Raises `InputError` at the line for metadata that no object can have, whatever its kind (k8s.io/apimachinery/pkg/apis/meta/v1, ObjectMeta)."""
    metadata = resource.object.get("metadata")
    if metadata is None:
        return
    wrong = "" if isinstance(metadata, dict) else "must be a mapping"
    steps: tuple[str, ...] = ("metadata",)
    for key in () if wrong else ("name", "generateName", "namespace"):
        if not isinstance(metadata.get(key), _TEXT):
            wrong, steps = "must be a string", ("metadata", key)
    for key in () if wrong else ("labels", "annotations"):
        value = metadata.get(key)
        if value and (not isinstance(value, dict) or not all(isinstance(one, _TEXT) for one in (*value, *value.values()))):
            wrong, steps = "must be a mapping of strings; put the values in quotes", ("metadata", key)
    if wrong:
        place = locate(resource.origin, steps)
        raise InputError(f"{resource.kind}: {'.'.join(steps)} {wrong}".lstrip(": "), path=resource.origin.path, line=place.line, column=place.column)


def check_definition(resource: Resource) -> None:
    """Raises `InputError` at the line for a CustomResourceDefinition that cannot be read; one that is passed over would change what is found."""
    for where, wrong in definition_faults(resource.object):
        place = locate(resource.origin, where)
        words = f"{resource.kind} {resource.name}: {format_path(where)} {wrong}"
        raise InputError(words, path=resource.origin.path, line=place.line, column=place.column)


def key_of(value: Mapping[str, Any], default_namespace: str = "") -> tuple[str, str, str, str]:
    """Group, kind, namespace and name: what joins a manifest to the stored object."""
    metadata = value.get("metadata") or {}
    group, _ = group_version(str(value.get("apiVersion", "")))
    return group, str(value.get("kind", "")), str(metadata.get("namespace") or default_namespace), str(metadata.get("name") or "")


def request_for(
    resource: Resource,
    inventory: Inventory,
    default_namespace: str = "",
    operation: str = "CREATE",
    *,
    circumstances: Circumstances | None = None,
) -> Request:
    """The request about `resource`; `default_namespace` stands in where the manifest names none, as with `kubectl --namespace`.

    Raises `InputError` for a manifest that no such request can be about.
    """
    check_metadata(resource)
    check_definition(resource)
    given = circumstances or Circumstances(operation=operation, namespace=default_namespace)
    api_version, kind = resource.api_version, resource.kind
    group, version = group_version(api_version)
    gvk = GroupVersionKind(group, version, kind)
    subresource = given.subresource
    sent_to = _SENT_TO.get((api_version, kind)) or ((*_POD, "binding") if kind == "Binding" and subresource == "binding" else None)
    if sent_to:
        gvr, subresource, kind_type = GroupVersionResource(*sent_to[:3]), sent_to[3], ResourceType(sent_to[2], sent_to[2] != "nodes")
    else:
        kind_type = inventory.resource_type(api_version, kind)
        gvr = GroupVersionResource(group, version, kind_type.plural)
        _check_kind(resource, gvr, given, inventory.kubernetes)
    resource, namespace, namespace_object = _placed(resource, kind_type, inventory, given.namespace)
    request = Request(
        resource=resource,
        group=gvr.group,
        version=gvr.version,
        plural=gvr.resource,
        kind=gvk,
        object=_in_namespace(resource.object, namespace) if isinstance(namespace, Unknown) else resource.object,
        subresource=subresource,
        operation=given.operation,
        name=_name(resource, given.operation),
        namespace=namespace,
        namespaced=kind_type.namespaced,
        namespace_object=namespace_object,
        user_info=given.user_info,
        options=Unknown(NO_OPTIONS),
    )
    return _with_objects(request, given, bool(sent_to))


def _check_kind(resource: Resource, gvr: GroupVersionResource, given: Circumstances, kubernetes: str) -> None:
    """Raises `InputError` if no request for the subresource can be about the manifest."""
    known, name = kind_of(resource.api_version, resource.kind, kubernetes), given.subresource
    if known and not known.resource:
        raise InputError(f"a {resource.kind} is sent to a subresource, and of what is not known: give an AdmissionReview")
    if not name or given.operation == "CONNECT":
        return
    if known and name not in known.subresources:
        there = f"; there are {', '.join(known.subresources)}" if known.subresources else ""
        raise InputError(f"there is no subresource {gvr.resource}/{name}{there}")
    other = _OF_ANOTHER_KIND.get(name)
    if other:
        raise InputError(f"a request for {gvr.resource}/{name} is about an object of kind {other}: give {'an AdmissionReview' if name == 'scale' else 'that'}")


def _placed(resource: Resource, kind_type: ResourceType, inventory: Inventory, default: str) -> tuple[Resource, str | Unknown, Any]:
    """The resource in its namespace, the namespace of its request, and the Namespace."""
    if resource.kind == "Namespace" and resource.api_version == "v1":
        return resource, resource.name, None  # rest.go: a Namespace is requested in itself
    if kind_type.namespaced is False:
        return resource, "", None
    name = resource.namespace
    if not name and default:
        name = default
        resource = replace(resource, object=_in_namespace(resource.object, name))
    if name:
        found = inventory.namespace(name)
        return resource, name, Unknown(f"the Namespace {name!r} was not given: add it with --inventory") if isinstance(found, Unknown) else found
    if kind_type.namespaced:
        return resource, Unknown(NO_NAMESPACE), Unknown(NO_NAMESPACE)
    missing = Unknown(f"whether a {resource.kind} has a namespace is not known: add its CustomResourceDefinition with --inventory, or use --namespace")
    return resource, missing, missing


def _in_namespace(value: JSONObject, namespace: str | Unknown) -> JSONObject:
    return {**value, "metadata": {**(value.get("metadata") or {}), "namespace": namespace}}


def _name(resource: Resource, operation: str) -> str | Unknown:
    metadata = resource.object.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if name:
        return str(name)
    if operation == "CREATE" and resource.name:
        return Unknown("the name is generated by the API server: give one in the manifest")
    if operation == "CREATE":
        return ""
    if operation == "CONNECT":
        return Unknown("the name of the object is not known: give an AdmissionReview")
    raise InputError(f"needs metadata.name: {operation} is about an object that exists")


def _with_objects(request: Request, given: Circumstances, sent: bool) -> Request:
    """Object and old object as the operation has them (section 2 of the reference: the null rules)."""
    match request.operation:
        case "UPDATE":
            old = (given.old_objects or {}).get(key_of(request.resource.object, given.namespace))
            if given.old_objects is not None and old is None:
                raise InputError("there is no object of this kind, namespace and name among those of --old")
            return replace(request, old_object=Unknown(NO_OLD_OBJECT) if old is None else old)
        case "DELETE":
            return replace(request, object=None, old_object=request.object)
        case "CONNECT":
            return request if sent else _connected(request)
    return request


def _connected(request: Request) -> Request:
    """A connection to the object of the manifest: what is sent are options that nobody gave."""
    kind = CONNECT_KINDS.get((request.plural, request.subresource))
    if kind is None:
        there = ", ".join(sorted({f"{resource}/{subresource}" for resource, subresource in CONNECT_KINDS}))
        raise InputError(f"there is no connection to {request.plural}/{request.subresource}; there are those to {there}")
    options = Unknown(f"the {kind} of the connection are not known: give them as a manifest, or in an AdmissionReview")
    return replace(request, kind=GroupVersionKind("", "v1", kind), object=options)


def request_map(request: Request, resource: GroupVersionResource | None = None, kind: GroupVersionKind | None = None) -> JSONObject:
    """What expressions see as `request`: empty members are absent, unknown ones are there as `Unknown`.

    `resource` and `kind` are those that the policy matched, where they are not those of the request (matchPolicy Equivalent).
    """
    gvr = request.gvr
    value: JSONObject = {
        "kind": dict(_by_name(kind or request.kind)),
        "resource": dict(_by_name(resource or gvr)),
        "requestKind": dict(_by_name(request.kind)),
        "requestResource": dict(_by_name(gvr)),
        "operation": request.operation,
        "userInfo": request.user_info,
        "dryRun": request.dry_run,
        "options": request.options,
    }
    if request.name:
        value["name"] = request.name
    if request.namespace:
        value["namespace"] = request.namespace
    if request.subresource:
        value["subResource"] = value["requestSubResource"] = request.subresource
    return value


@lru_cache(maxsize=4096, typed=True)  # a kind and a resource may be the same words
def _by_name(value: GroupVersionKind | GroupVersionResource) -> Mapping[str, str]:
    return value._asdict()


# AdmissionReview documents.


def is_review(resource: Resource) -> bool:
    """Whether a document is an AdmissionReview."""
    return resource.kind == "AdmissionReview" and resource.api_version in REVIEW_VERSIONS


_NEEDED = {"CREATE": ("object",), "UPDATE": ("object", "oldObject")}


def request_of_review(resource: Resource, inventory: Inventory) -> Request:
    """The request that an AdmissionReview holds. Its objects are as the API server has them. Raises `InputError` if it holds none."""
    raw = resource.object.get("request")
    if not isinstance(raw, dict):
        raise InputError("an AdmissionReview needs a request")
    kind, gvr = _three(raw, "kind", "kind"), _three(raw, "resource", "resource")
    requested = _three(raw, "requestResource", "resource") if raw.get("requestResource") else gvr
    requested_kind = _three(raw, "requestKind", "kind") if raw.get("requestKind") else kind
    operation = raw.get("operation")
    if operation not in OPERATIONS:
        raise InputError(f"request.operation must be one of {', '.join(OPERATIONS)}, not {operation!r}")
    objects = {key: raw.get(key) for key in ("object", "oldObject", "options", "userInfo")}
    for key, value in objects.items():
        if value is not None and not isinstance(value, dict):
            raise InputError(f"request.{key} must be a mapping")
        if value is not None:
            check_metadata(Resource(object=value, origin=replace(resource.origin, steps=(*resource.origin.steps, "request", key))))
    for key in _NEEDED.get(operation, ()):
        if objects[key] is None:
            raise InputError(f"request.{key} is missing: a request of operation {operation} has it")
    shown = "oldObject" if objects["object"] is None else "object"
    origin = replace(resource.origin, steps=(*resource.origin.steps, "request", *((shown,) if objects[shown] else ())))
    name, namespace, subresource = (_text(raw, key) for key in ("name", "namespace", "requestSubResource" if raw.get("requestSubResource") else "subResource"))
    if not isinstance(raw.get("dryRun"), bool | NoneType):
        raise InputError("request.dryRun must be true or false")
    itself = requested_kind == ("", "v1", "Namespace")
    found = None if itself or not namespace else inventory.namespace(namespace)
    return Request(
        resource=Resource(object=_identified(objects[shown] or {}, requested_kind, name, namespace if not itself else ""), origin=origin),
        group=requested[0],
        version=requested[1],
        plural=requested[2],
        kind=GroupVersionKind(*requested_kind),
        object=objects["object"],
        old_object=objects["oldObject"],
        subresource=subresource,
        operation=operation,
        name=name,
        namespace=namespace,
        namespaced=bool(namespace) and not itself,
        namespace_object=Unknown(f"the Namespace {namespace!r} was not given: add it with --inventory") if isinstance(found, Unknown) else found,
        user_info=_user_info(objects["userInfo"] or {}),
        options=objects["options"],
        dry_run=raw.get("dryRun") is True,
    )


def _three(raw: Mapping[str, Any], key: str, last: str) -> tuple[str, str, str]:
    value = raw.get(key)
    if not isinstance(value, dict) or not value.get("version") or not value.get(last):
        raise InputError(f"request.{key} needs group, version and {last}")
    group, version, name = (_text(value, part, f"request.{key}") for part in ("group", "version", last))
    return group, version, name


def _text(raw: Mapping[str, Any], key: str, above: str = "request") -> str:
    value = raw.get(key)
    if not isinstance(value, str | NoneType):
        raise InputError(f"{above}.{key} must be a string")
    return value or ""


def _user_info(value: JSONObject) -> JSONObject:
    above = "request.userInfo"
    found: JSONObject = {key: _text(value, key, above) for key in ("username", "uid")}
    found |= {key: value.get(key) or {} for key in ("groups", "extra")}
    if found["groups"] and not _is_strings(found["groups"]):
        raise InputError(f"{above}.groups must be a list of strings")
    if not isinstance(found["extra"], dict) or not all(map(_is_strings, found["extra"].values())):
        raise InputError(f"{above}.extra must be a mapping of lists of strings")
    return {key: one for key, one in found.items() if one}


def _is_strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _identified(value: JSONObject, kind: tuple[str, str, str], name: str, namespace: str) -> JSONObject:
    """The object, or what stands for it in reports where there is none, or one without metadata."""
    if value.get("metadata"):
        return value
    metadata = {key: one for key, one in (("name", name), ("namespace", namespace)) if one}
    return {"apiVersion": "/".join(filter(None, kind[:2])), "kind": kind[2], **value, "metadata": metadata}

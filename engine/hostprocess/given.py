"""What was given besides the manifests: objects of the cluster, parameters, stored objects, the user."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from hostprocess.admission import check_metadata, key_of
from hostprocess.errors import InputError, place
from hostprocess.kubernetes.rbac import implied_groups
from hostprocess.kubernetes.selectors import matches as selects
from hostprocess.model import Binding, InputProblem, ParamKind, ParamRef, Policy, Resource

__all__ = ["distinct", "objects", "parameters", "stored", "user_info"]

JSONObject = dict[str, Any]


def objects(resources: Iterable[Resource | InputProblem]) -> Iterator[Resource]:
    """The resources. Raises `InputError` for what cannot be read, or has metadata that cannot be."""
    for resource in resources:
        if isinstance(resource, Resource):
            check_metadata(resource)
            yield resource
        elif not resource.note:
            raise InputError(resource.message, path=resource.path, line=resource.line, column=resource.column)


def distinct(resources: Iterable[Resource]) -> list[Resource]:
    """The resources. Raises `InputError` if two are one object: nobody knows which of them holds."""
    seen: dict[tuple[str, str, str, str], Resource] = {}
    for resource in resources:
        key = key_of(resource.object)
        if not key[3]:
            raise InputError(f"{resource.kind or 'an object'} needs metadata.name to be looked up", path=resource.origin.path, line=resource.origin.line)
        if key in seen:
            other = place(seen[key].origin.path, seen[key].origin.line, 0).removesuffix(": ")
            name = f"{resource.namespace}/{resource.name}" if resource.namespace else resource.name
            raise InputError(
                f"{resource.kind} {name!r} is given twice: also at {other}; remove one of them", path=resource.origin.path, line=resource.origin.line
            )
        seen[key] = resource
    return list(seen.values())


def stored(resources: Iterable[Resource], namespace: str) -> dict[tuple[str, str, str, str], JSONObject]:
    """Stored objects by what joins them to manifests. Raises `InputError` for one that is given twice, or has no name."""
    return {key_of(resource.object, namespace): resource.object for resource in distinct(resources)}


def user_info(user: str, groups: Sequence[str], extra: Mapping[str, Sequence[str]]) -> JSONObject:
    """`request.userInfo` of a user, with the groups that authentication adds."""
    found: JSONObject = {"username": user, "groups": list(implied_groups(user, groups))}
    return {**found, "extra": {key: list(values) for key, values in extra.items()}} if extra else found


def parameters(path: str, resources: Iterable[Resource], policies: Sequence[Policy], bindings: Sequence[Binding]) -> list[JSONObject]:
    """The parameter objects of a file. One without name is taken for what the bindings ask for. Raises `InputError` if nobody asks for any."""
    found = [resource.object for resource in resources]
    if not found:
        raise InputError("holds no parameter object", path=path)
    kinds = {policy.name: policy.param_kind for policy in policies}
    asked = [(kind, binding.param_ref) for binding in bindings if binding.param_ref and (kind := kinds.get(binding.policy_name))]
    for value in found:
        metadata = value.setdefault("metadata", {})
        names = {(reference.name, reference.namespace) for kind, reference in asked if reference.name and _of_kind(value, kind)}
        if "name" not in metadata and len(names) == 1:
            metadata["name"], namespace = names.pop()
            if namespace:
                metadata.setdefault("namespace", namespace)
    if asked and not any(_of_kind(value, kind) and _refers(reference, value["metadata"]) for value in found for kind, reference in asked):
        wanted = sorted({" ".join([kind.kind, *(one for one in [f"{reference.namespace}/{reference.name}".strip("/")] if one)]) for kind, reference in asked})
        raise InputError(f"holds no parameter object that a binding refers to; expected {', '.join(wanted)}", path=path)
    return found


def _of_kind(value: JSONObject, kind: ParamKind) -> bool:
    return (value.get("apiVersion"), value.get("kind")) == (kind.api_version, kind.kind)


def _refers(reference: ParamRef, metadata: JSONObject) -> bool:
    if reference.selector is not None:
        return selects(reference.selector, metadata.get("labels") or {})
    # Without a namespace of its own a reference is to that of the request.
    namespaces = ("", metadata.get("namespace", reference.namespace))
    return metadata.get("name") == reference.name and reference.namespace in namespaces

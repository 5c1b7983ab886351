"""What was given besides the manifests: objects of the cluster, parameters, stored objects, the user."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hostprocess.admission import check_definition, check_metadata, key_of
from hostprocess.errors import HostprocessError, InputError, place, raise_all
from hostprocess.kubernetes.location import locate
from hostprocess.kubernetes.rbac import check_rbac, implied_groups
from hostprocess.kubernetes.selectors import matches as selects
from hostprocess.kubernetes.served import not_served
from hostprocess.model import Binding, InputProblem, ParamKind, ParamRef, Policy, Resource

__all__ = ["Given", "undisputed", "user_info"]

JSONObject = dict[str, Any]


class Given:
    """Reads what was given besides the manifests, to the end: `settle` tells all that is wrong with it at once. `notes` are for the report.

    `kubernetes` is the release whose kinds there are; empty: any, as manifests to try policies on may lie beside those.
    """

    def __init__(self, kubernetes: str = "") -> None:
        self._kubernetes = kubernetes
        self.notes: list[InputProblem] = []
        self._errors: list[HostprocessError] = []

    def objects(self, resources: Iterable[Resource | InputProblem]) -> list[Resource]:
        """The resources that can be read and have metadata that can be."""
        found = []
        for resource in resources:
            if isinstance(resource, Resource):
                fault = self._kubernetes and not_served(resource.api_version, resource.kind, self._kubernetes)
                if fault:
                    self._errors.append(_error(resource, f"{resource.kind} {resource.name}: {fault}"))
                    continue
                try:
                    check_metadata(resource)
                    check_definition(resource)
                    check_rbac(resource.object)
                    found.append(resource)
                except InputError as error:
                    self._errors.append(error if error.path else _error(resource, error.message))
            elif resource.note:
                self.notes.append(resource)
            else:
                self._errors.append(InputError(resource.message, path=resource.path, line=resource.line, column=resource.column))
        return found

    def distinct(self, resources: Iterable[Resource], *, named: bool = True) -> list[Resource]:
        """The resources, each once. It is an error if two of one name differ, as nobody knows which of them holds, or (if `named`) if one has no name."""
        seen: dict[tuple[str, str, str, str], Resource] = {}
        found: list[Resource] = []
        for resource in resources:
            key = key_of(resource.object)
            if not key[3] and named:
                self._errors.append(_error(resource, f"{resource.kind or 'an object'} needs metadata.name to be looked up"))
                continue
            other = seen.setdefault(key, resource) if key[3] else resource
            if other is resource:
                found.append(resource)
            elif other.object != resource.object:
                self._errors.append(_error(resource, f"{_named(resource)} is given twice: also at {_place(other)}; remove one of them"))
        return found

    def parameters(self, path: str, resources: Iterable[Resource | InputProblem], policies: Sequence[Policy], bindings: Sequence[Binding]) -> list[Resource]:
        """The parameter objects of a file. One without name is taken for what the bindings ask for. It is an error if nobody asks for any."""
        before = len(self._errors)
        given = self.objects(resources)
        if len(self._errors) == before:  # else what is asked for may be what cannot be read
            try:
                _name_parameters(path, given, policies, bindings)
            except InputError as error:
                self._errors.append(error)
        return given

    def stored(self, resources: Iterable[Resource | InputProblem], namespace: str) -> dict[tuple[str, str, str, str], JSONObject]:
        """Stored objects by what joins them to manifests. One that is given twice, or has no name, is an error."""
        return {key_of(resource.object, namespace): resource.object for resource in self.distinct(self.objects(resources))}

    def settle(self) -> None:
        """Raises `InputError` if anything was wrong."""
        raise_all(self._errors)


def undisputed(resources: Iterable[Resource]) -> tuple[list[JSONObject], list[InputProblem]]:
    """The objects among manifests that can be looked up, and notes about those that cannot: there are two of one name that differ."""
    seen: dict[tuple[str, str, str, str], Resource] = {}
    disputed: dict[tuple[str, str, str, str], InputProblem] = {}
    for resource in resources:
        key = key_of(resource.object)
        other = seen.setdefault(key, resource)
        if other.object != resource.object and key not in disputed:
            words = f"{_named(resource)} is not looked up: there is another one at {_place(other)}; give the right one with --inventory"
            at = locate(resource.origin, ())
            disputed[key] = InputProblem(path=resource.origin.path, line=at.line, column=at.column, message=words, note=True)
    return [one.object for key, one in seen.items() if key not in disputed], list(disputed.values())


def _error(resource: Resource, message: str) -> InputError:
    at = locate(resource.origin, ())
    return InputError(message, path=resource.origin.path, line=at.line, column=at.column)


def _named(resource: Resource) -> str:
    name = f"{resource.namespace}/{resource.name}" if resource.namespace else resource.name
    return f"{resource.kind} {name!r}"


def _place(resource: Resource) -> str:
    at = locate(resource.origin, ())
    return place(resource.origin.path, at.line, at.column).removesuffix(": ")


def user_info(user: str, groups: Sequence[str], extra: Mapping[str, Sequence[str]]) -> JSONObject:
    """`request.userInfo` of a user, with the groups that authentication adds."""
    found: JSONObject = {"username": user, "groups": list(implied_groups(user, groups))}
    return {**found, "extra": {key: list(values) for key, values in extra.items()}} if extra else found


def _name_parameters(path: str, given: Sequence[Resource], policies: Sequence[Policy], bindings: Sequence[Binding]) -> None:
    found = [resource.object for resource in given]
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


def _of_kind(value: JSONObject, kind: ParamKind) -> bool:
    return (value.get("apiVersion"), value.get("kind")) == (kind.api_version, kind.kind)


def _refers(reference: ParamRef, metadata: JSONObject) -> bool:
    if reference.selector is not None:
        return selects(reference.selector, metadata.get("labels") or {})
    # Without a namespace of its own a reference is to that of the request.
    namespaces = ("", metadata.get("namespace", reference.namespace))
    return metadata.get("name") == reference.name and reference.namespace in namespaces

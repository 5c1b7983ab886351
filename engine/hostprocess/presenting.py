"""A request whose objects are as the API server presents them to its admission plug-ins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from hostprocess.inventory import Inventory
from hostprocess.kubernetes.admitted import present, problems
from hostprocess.kubernetes.catalogue import release_number
from hostprocess.kubernetes.fields import format_path
from hostprocess.kubernetes.kinds import group_version, template_path
from hostprocess.kubernetes.location import locate
from hostprocess.kubernetes.served import not_served
from hostprocess.model import InputProblem, Request, Resource, Unknown

__all__ = ["Presenter"]

JSONObject = dict[str, Any]
Find = Callable[[str, str, str, str], JSONObject | Unknown | None]
_STATEFUL_SETS = (1, 34)  # the release that began to validate the pods of StatefulSets


@dataclass(frozen=True, slots=True, kw_only=True)
class Presenter:
    """How manifests become what expressions see; see `kubernetes.admitted.present`. `raw` leaves them as they are."""

    kubernetes: str
    field_validation: str = "strict"
    plugins: tuple[str, ...] = ()
    raw: bool = False

    def presented(self, request: Request, inventory: Inventory) -> tuple[Request | None, list[InputProblem]]:
        """The request with such objects, None if the API server refuses it; and what it says about it."""
        if self.raw or request.operation == "CONNECT" or not isinstance(request.resource.object, dict):
            return request, []
        origin = request.resource.origin
        resource = request.resource
        fault = not_served(resource.api_version, resource.kind, self.kubernetes)
        if fault and (group_version(resource.api_version)[0], resource.kind) not in inventory.custom:
            message = f"{resource.kind} {resource.name}: {fault}"
            return None, [_problem(resource, message)]
        deleted = request.operation == "DELETE"
        old = request.old_object if isinstance(request.old_object, dict) else None
        shown = present(
            request.resource.object,
            kubernetes=self.kubernetes,
            field_validation=self.field_validation,
            plugins=self.plugins,
            operation=request.operation,
            old_object=request.resource.object if deleted else old,
            namespace=request.namespace if isinstance(request.namespace, str) and request.namespaced else "",
            subresource=request.subresource,
            find=_finder(inventory),
        )
        told: list[InputProblem] = []
        if shown.faults or shown.warnings or shown.refusals:
            told = [*problems(shown.faults, origin), *problems(shown.warnings, origin, note=True)]
            told += [_problem(resource, text) for text in shown.refusals]
        empty = () if deleted else _without_containers(shown.object, request)
        refused = bool(empty) and not self._tolerates(shown.old_object, request)
        if empty and not shown.faults:
            # Built-in validation comes before policies, whose expressions need not stand a null where it refuses.
            said = "Required value: a pod needs containers; the API server refuses it before it asks any policy"
            if not refused:
                said = "a pod needs containers; the API server takes this StatefulSet, which can make no pods"
            place = locate(origin, empty)
            told.append(InputProblem(path=origin.path, message=f"{format_path(empty)}: {said}", line=place.line, column=place.column, note=not refused))
        if shown.faults or shown.refusals or refused:
            return None, told
        if deleted:
            return replace(request, old_object=_placed(shown.old_object or shown.object, request)), told
        return replace(request, object=_placed(shown.object, request), old_object=request.old_object if old is None else shown.old_object), told

    def _tolerates(self, old: JSONObject | None, request: Request) -> bool:
        """Whether the API server takes an object without containers: older ones any StatefulSet, the others one in place of one that has none either.

        Source: `ValidatePodTemplateSpecForStatefulSet` and `ValidateStatefulSetUpdate` of pkg/apis/apps/validation.
        """
        if request.resource.kind != "StatefulSet":
            return False
        return release_number(self.kubernetes) < _STATEFUL_SETS or (old is not None and _without_containers(old, request) != ())


def _problem(resource: Resource, message: str) -> InputProblem:
    place = locate(resource.origin, ())
    return InputProblem(path=resource.origin.path, message=message, line=place.line, column=place.column)


def _without_containers(value: JSONObject, request: Request) -> tuple[str, ...]:
    """Where the containers of a pod or template should stand; empty if they do (validateContainers of pkg/apis/core/validation)."""
    template = template_path(request.resource.api_version, request.resource.kind)
    if template is None:
        return ()
    steps = (*template, "spec")
    for step in steps:
        value = value.get(step) or {}
    return (*steps, "containers") if "containers" in value and not value["containers"] else ()


def _placed(value: JSONObject, request: Request) -> JSONObject:
    """The object, in a namespace that is not known if its request is."""
    metadata = value.get("metadata")
    if isinstance(request.namespace, Unknown) and isinstance(metadata, dict):
        return {**value, "metadata": {**metadata, "namespace": request.namespace}}
    return value


def _finder(inventory: Inventory) -> Find:
    def find(api_version: str, kind: str, namespace: str, name: str) -> JSONObject | Unknown | None:
        key = (api_version, kind)
        if kind == "PriorityClass" and not name:
            return _default_priority(inventory, key)
        for value in inventory.objects.get(key, ()):
            metadata = value.get("metadata") or {}
            if metadata.get("name") == name and (not namespace or metadata.get("namespace", namespace) == namespace):
                return value
        if key in inventory.complete:
            return None
        return Unknown(f"the {kind} {name!r} was not given: add it with --inventory")

    return find


def _default_priority(inventory: Inventory, key: tuple[str, str]) -> JSONObject | Unknown | None:
    """The PriorityClass of Pods that name none: that with the lowest value, of several (plugin/pkg/admission/priority)."""
    defaults = [value for value in inventory.objects.get(key, ()) if value.get("globalDefault") is True and isinstance(value.get("value"), int)]
    if defaults:
        return min(defaults, key=lambda value: int(value["value"]))
    return None if key in inventory.complete else Unknown("the PriorityClasses were not given: add them with --inventory")

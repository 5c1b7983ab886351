"""The object as the API server presents it to validating admission: decoded, defaults filled in, mutated by plug-ins, prepared by the registry."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hostprocess.kubernetes.admission_plugins import PLUGINS, Find, Lookup
from hostprocess.kubernetes.catalogue import Kind, kind_of, release_number
from hostprocess.kubernetes.decoding import Decoding, Fault, decode
from hostprocess.kubernetes.defaults import defaults
from hostprocess.kubernetes.fields import format_path
from hostprocess.kubernetes.location import locate
from hostprocess.kubernetes.strategy import prepare_custom, prepare_for_create, prepare_for_update
from hostprocess.model import InputProblem, Origin, Unknown

__all__ = ["FIELD_VALIDATIONS", "PLUGINS", "Find", "Presented", "present", "problems"]

Object = dict[str, Any]
FIELD_VALIDATIONS = ("strict", "warn", "ignore")


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """What CEL sees. With `faults`, or `refusals` of plug-ins, the API server refuses the request before any policy is asked; `warnings` it would send back."""

    object: Object
    old_object: Object | None = None
    faults: tuple[Fault, ...] = ()
    warnings: tuple[Fault, ...] = ()
    refusals: tuple[str, ...] = ()

    @property
    def decode_error(self) -> str:
        """The API server's words for `faults`; empty without them."""
        fatal = [fault for fault in self.faults if not fault.unknown]
        if fatal:
            return next((fault for fault in fatal if fault.aborts), fatal[0]).server
        return "strict decoding error: " + ", ".join(fault.server for fault in self.faults) if self.faults else ""


def present(
    resource_object: Object,
    *,
    kubernetes: str = "1.37",
    field_validation: str = "strict",
    plugins: Sequence[str] = (),
    operation: str = "CREATE",
    old_object: Object | None = None,
    namespace: str = "",
    subresource: str = "",
    find: Find | None = None,
) -> Presented:
    """The object of an admission request, as validating admission sees it.

    Arguments: `field_validation` says what becomes of unknown fields (one of `FIELD_VALIDATIONS`); `plugins` are the mutating ones to imitate
    (of `PLUGINS`, for Pods); `namespace` is that of the request where the object names none; `find(apiVersion, kind, namespace, name)` gives
    objects of the cluster: None where there is none, an `Unknown` where it is not known; a PriorityClass without a name is the one with
    `globalDefault`. What only a server can know is an `Unknown` value in the object. Objects of kinds that Kubernetes has not built in stay as
    they are but for their metadata.
    Source: k8s.io/apiserver/pkg/endpoints/handlers (create.go, update.go), pkg/registry/generic/registry/store.go.
    """
    kind = kind_of(str(resource_object.get("apiVersion", "")), str(resource_object.get("kind", "")), kubernetes)
    if kind is None or not kind.type:
        return Presented(object=prepare_custom(resource_object, old_object, operation), old_object=old_object)
    in_use: set[str] = set()
    refusals: list[str] = []
    old = _stored(old_object, kind, kubernetes, namespace, in_use, refusals) if old_object is not None else None
    decoding = Decoding(kubernetes, defaults(kubernetes), in_use=in_use)
    out = decode(resource_object, kind, decoding)
    faults = decoding.faults
    fatal = tuple(faults) if field_validation == "strict" else tuple(fault for fault in faults if not fault.unknown)
    warnings = tuple(fault for fault in faults if fault.unknown) if field_validation == "warn" else ()
    if not fatal and not refusals:
        _set_namespace(out, kind, namespace)
        if plugins and kind.type == "core/v1.Pod" and not subresource:
            lookup = Lookup(find, kubernetes)
            empty_overhead = release_number(kubernetes) < (1, 31) and (resource_object.get("spec") or {}).get("overhead") == {}
            if empty_overhead:  # RuntimeClass asked whether it is nil before 1.31
                out["spec"]["overhead"] = {}
            for name in PLUGINS:
                if name in plugins and not refusals:  # the first one ends the request
                    refusals += [f'pods "{_name(out)}" is forbidden: {text}' for text in PLUGINS[name](out, old, lookup)[:1]]
            if out["spec"].get("overhead") == {}:
                del out["spec"]["overhead"]
        if operation == "CREATE":
            prepare_for_create(out, kind, kubernetes)
        elif operation == "UPDATE" and old is not None:
            prepare_for_update(out, old, kind, kubernetes, subresource)
    return Presented(object=out, old_object=old, faults=fatal, warnings=warnings, refusals=tuple(refusals))


def problems(faults: Sequence[Fault], origin: Origin, note: bool = False) -> Iterator[InputProblem]:
    """Faults as problems at their line; `note` for those that are only worth a mention."""
    for fault in sorted(faults):
        place = locate(origin, fault.steps)
        yield InputProblem(path=origin.path, message=f"{format_path(fault.steps)}: {fault.message}", line=place.line, column=place.column, note=note)


def _name(out: Object) -> str:
    metadata = out["metadata"]
    return str(metadata.get("name") or metadata.get("generateName") or "Unknown")


def _stored(old_object: Object, kind: Kind, kubernetes: str, namespace: str, in_use: set[str], refusals: list[str]) -> Object:
    """The old object; one without a uid was never stored, so it is taken as it would have been created."""
    metadata = old_object.get("metadata")
    stored = isinstance(metadata, dict) and bool(metadata.get("uid"))
    decoding = Decoding(kubernetes, defaults(kubernetes), stored=stored, in_use=in_use)
    old = decode(old_object, kind, decoding)
    if decoding.broken:
        refusals.append("the old object: " + next(fault.server for fault in decoding.faults if not fault.unknown))
        return old
    if "metadata" in old and isinstance(old["metadata"], dict):
        _set_namespace(old, kind, namespace)
        if not stored:
            prepare_for_create(old, kind, kubernetes)
    return old


_NO_NAMESPACE: Callable[[], Unknown] = lambda: Unknown("metadata.namespace, which the manifest does not give: use --namespace")  # noqa: E731


def _set_namespace(out: Object, kind: Kind, namespace: str) -> None:
    """EnsureObjectNamespaceMatchesRequestNamespace: an object takes the namespace of its request."""
    metadata = out.get("metadata")
    if kind.namespaced and metadata is not None and "namespace" not in metadata:
        metadata["namespace"] = namespace or _NO_NAMESPACE()

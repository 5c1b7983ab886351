"""What the API server of a release says against the metadata of a policy or a binding.

Source: k8s.io/apimachinery/pkg/api/validation/objectmeta.go; k8s.io/apiserver/pkg/storage/names/generate.go for the names it makes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hostprocess.policy_lint.field_errors import NEWER_WORDS, FieldError, Steps, invalid, invalid_list, not_supported, required, too_long
from hostprocess.policy_lint.names import dns1123_subdomain, label_value, lowered, qualified_name

__all__ = ["metadata_errors", "stored_name"]

_DECLARED = 37  # the release from which ownerReferences and managedFields are told by declarative validation
_STATIC_SUFFIX = ".static.k8s.io"
_STATIC_MINOR = 37
_MAX_ANNOTATIONS = 256 * 1024
_MAX_GENERATED = 58  # what is generated behind it makes 63
_ORPHAN, _FOREGROUND = "orphan", "foregroundDeletion"
_OPERATIONS = ("Apply", "Update")

JSONObject = Mapping[str, Any]


def stored_name(value: JSONObject) -> str:
    """The name that an object is stored under: one like it if the API server generates it."""
    metadata = value.get("metadata") or {}
    generated = metadata.get("generateName") or ""
    return str(metadata.get("name") or (f"{generated[:_MAX_GENERATED]}x2x4x" if generated else ""))


def metadata_errors(value: JSONObject, minor: int) -> Iterator[FieldError]:
    """Complaints about the metadata of an object whose fields have the right types."""
    metadata = value.get("metadata") or {}
    name, generated = stored_name(value), metadata.get("generateName") or ""
    if generated:
        # What is generated behind it makes a trailing dash good.
        shown = f"{generated[:-2]}a" if len(generated) > 1 and generated.endswith("-") else generated
        yield from (invalid(("metadata", "generateName"), generated, one) for one in dns1123_subdomain(shown))
    if not name:
        yield required(("metadata", "name"), "name or generateName is required")
    place = ("metadata", "name" if metadata.get("name") else "generateName")
    yield from (invalid(place, name, one, field="metadata.name") for one in (dns1123_subdomain(name) if name else ()))
    for key, text in (metadata.get("labels") or {}).items():
        yield from (invalid(("metadata", "labels"), key, one) for one in qualified_name(key, minor))
        yield from (invalid(("metadata", "labels"), text, one) for one in label_value(text or "", minor))
    annotations = metadata.get("annotations") or {}
    for key in annotations:
        yield from (invalid(("metadata", "annotations"), key, one) for one in qualified_name(lowered(key), minor))
    if sum(len(key.encode()) + len((text or "").encode()) for key, text in annotations.items()) > _MAX_ANNOTATIONS:
        yield too_long(("metadata", "annotations"), _MAX_ANNOTATIONS, minor)
    yield from _owner_errors(metadata.get("ownerReferences") or (), minor)
    yield from _finalizer_errors(metadata.get("finalizers") or (), minor)
    for index, entry in enumerate(metadata.get("managedFields") or ()):
        yield from _managed_errors(entry, ("metadata", "managedFields", index), minor)
    if minor >= _STATIC_MINOR and name.endswith(_STATIC_SUFFIX):
        words = f'names ending with "{_STATIC_SUFFIX}" are reserved for static manifest-based configurations and cannot be managed via the API'
        yield invalid(("metadata", "name"), name, words)


def _owner_errors(owners: Sequence[JSONObject], minor: int) -> Iterator[FieldError]:
    place = ("metadata", "ownerReferences")
    controller = ""
    for index, owner in enumerate(owners):
        # Older releases do not tell which of them it is.
        path = "metadata.ownerReferences" + (f"[{index}]" if minor >= _DECLARED else "")
        version, kind, name = (owner.get(key) or "" for key in ("apiVersion", "kind", "name"))
        group, _, number = version.rpartition("/")
        if version and (version.count("/") > 1 or not number):
            words = "must be <group>/<version> or <version>" if minor >= _DECLARED else "version must not be empty"
            yield invalid((*place, index, "apiVersion"), version, words, field=f"{path}.apiVersion")
        for key in ("apiVersion", "kind", "name", "uid"):
            if owner.get(key):
                continue
            if minor >= _DECLARED:
                yield required((*place, index, key), "must not be empty")
            else:
                what = "version " if key == "apiVersion" else "" if minor >= NEWER_WORDS else f"{key} "
                yield invalid((*place, index, key), "", f"{what}must not be empty", field=f"{path}.{key}")
        if (group, number, kind) == ("", "v1", "Event"):
            yield invalid((*place, index), dict(owner), "/v1, Kind=Event is disallowed from being an owner", field=path)
        if owner.get("controller"):
            if controller:
                words = f'Only one reference can have Controller set to true. Found "true" in references for {controller} and {kind}/{name}'
                yield invalid(place, [dict(one) for one in owners], words)
            controller = controller or f"{kind}/{name}"


def _finalizer_errors(finalizers: Sequence[str], minor: int) -> Iterator[FieldError]:
    steps = ("metadata", "finalizers")
    for name in finalizers:
        yield from (invalid(steps, name, one) for one in qualified_name(name, minor))
    if _ORPHAN in finalizers and _FOREGROUND in finalizers:
        yield invalid_list(steps, finalizers, "string", f"finalizer {_ORPHAN} and {_FOREGROUND} cannot be both set", minor)


def _managed_errors(entry: JSONObject, steps: Steps, minor: int) -> Iterator[FieldError]:
    operation, kind = entry.get("operation") or "", entry.get("fieldsType") or ""
    if not operation and minor >= _DECLARED:
        yield required((*steps, "operation"), "must not be empty")
    elif operation not in _OPERATIONS and minor >= _DECLARED:
        yield not_supported((*steps, "operation"), operation, _OPERATIONS, minor)
    elif operation not in _OPERATIONS:
        yield invalid((*steps, "operation"), operation, "must be `Apply` or `Update`")
    if kind and kind != "FieldsV1":
        yield invalid((*steps, "fieldsType"), kind, "must be `FieldsV1`")

"""Which values are Go values of built-in types: Kubernetes 1.37 shows such objects to CEL as they are, those of custom resources as plain JSON.

The two differ where a list or map meets a value of another type, and only there it is asked which of them it is. So plain data stays
plain, and its parts are known by their identity. Source: k8s.io/apiserver/pkg/cel/common/valuesschemalesstyped.go, …/admission/conversion.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from hostprocess.cel.runtime import NEWEST
from hostprocess.kubernetes.catalogue import kinds
from hostprocess.kubernetes.kinds import group_version

__all__ = ["TypedValues"]

_LIST, _MAP, _STRUCT = (f"*common.reflectSchemalessTyped{name}" for name in ("List", "Map", "Struct"))
_ALWAYS = ("request", "namespaceObject")
_OBJECTS = ("object", "oldObject", "params")
# Fields of their own conversion to JSON (FieldsV1, RawExtension), and those that are a Go map rather than a struct: it shows in texts only.
_PLAIN = frozenset({"fieldsV1", "raw"})
_OF_REQUEST = frozenset({"options", "object", "oldObject"})
_MAPS = frozenset({"annotations", "binaryData", "capacity", "data", "extra", "labels", "limits", "matchLabels", "nodeSelector", "requests", "stringData"})


class TypedValues:
    """The lists and maps in the inputs of an evaluation that are Go values. The inputs must live as long as it does, and stay as they are."""

    __slots__ = ("_inputs", "_kinds")

    def __init__(self, inputs: Mapping[str, Any]) -> None:
        self._inputs = inputs
        self._kinds: dict[int, str] | None = None

    def __contains__(self, value: object) -> bool:
        return bool(self.go_type(value))

    def go_type(self, value: object) -> str:
        """The Go type of a list or map that is one of them, as `%T` prints it; empty for any other value."""
        if self._kinds is None:
            self._kinds = {}
            for name in (*_ALWAYS, *_OBJECTS):
                given = self._inputs.get(name)
                if name in _ALWAYS or (isinstance(given, dict) and _is_built_in(given)):
                    self._take(given, name, _OF_REQUEST if name == "request" else _PLAIN)
        return self._kinds.get(id(value), "")

    def _take(self, value: Any, name: str, skipped: frozenset[str] = _PLAIN) -> None:
        assert self._kinds is not None
        if isinstance(value, list):
            self._kinds[id(value)] = _LIST
            for one in value:
                self._take(one, "")
        elif isinstance(value, dict):
            self._kinds[id(value)] = _MAP if name in _MAPS else _STRUCT
            for key, one in value.items():
                if key not in skipped:
                    self._take(one, key)


def _is_built_in(value: Mapping[str, Any]) -> bool:
    api_version = value.get("apiVersion")
    return isinstance(api_version, str) and bool(value.get("kind")) and group_version(api_version)[0] in _groups()


@cache
def _groups() -> frozenset[str]:
    # Custom resources cannot be in a group of Kubernetes itself.
    return frozenset(one.group for one in kinds(NEWEST).values())

"""The types of objects: of built-in kinds from the catalogue, of custom resources from their CustomResourceDefinitions.

Two views of one schema: as objects are when expressions are evaluated (a time is a string then), and as status.typeChecking declares them
(k8s.io/apiserver/pkg/cel/common/schemas.go).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from hostprocess.cel.types import BOOL, DYN, INT, STRING, Type, list_of, map_of
from hostprocess.policy_lint.narrowing import ANY_KIND

__all__ = ["OBJECT_META", "Field", "Message", "Schemas", "custom_schemas", "field_types", "message"]

_MAX_DEPTH = 60


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a message; `always`: every stored object has it."""

    type: Type
    always: bool = False


Message = Mapping[str, Field]
OBJECT_META = "meta/v1.ObjectMeta"


@dataclass(frozen=True)
class Schemas:
    """Messages by name, and the message of each kind by apiVersion and kind; `resources` has the kinds of custom resources by group, version, plural."""

    messages: dict[str, Message]
    kinds: Mapping[tuple[str, str], str]
    resources: Mapping[tuple[str, str, str], str] = field(default_factory=dict)

    @cached_property
    def field_types(self) -> dict[str, Mapping[str, Type]]:
        """The types of the fields of all messages, as the type checker wants them."""
        return {name: field_types(fields) for name, fields in self.messages.items()}

    def of(self, api_version: str, kind: str) -> Type | None:
        """The type of a kind; None if it is not known."""
        name = self.kinds.get((api_version, kind))
        return message(name) if name else None

    def with_any_kind(self, fields: Iterable[str]) -> Schemas:
        """With `ANY_KIND`, of whose objects nothing is known but what all have; the `fields` may be there and hold anything."""
        metadata = Field(message(OBJECT_META), True)
        own = {**dict.fromkeys(fields, Field(DYN, True)), "apiVersion": Field(STRING, True), "kind": Field(STRING, True), "metadata": metadata}
        return Schemas({**self.messages, "any": own}, {**self.kinds, (ANY_KIND.api_version, ANY_KIND.kind): "any"}, self.resources)

    def joined(self, other: Schemas) -> Schemas:
        """Both."""
        return Schemas({**self.messages, **other.messages}, {**self.kinds, **other.kinds}, {**self.resources, **other.resources})


def field_types(fields: Message) -> Mapping[str, Type]:
    """The types of the fields of a message."""
    return {name: one.type for name, one in fields.items()}


def message(name: str) -> Type:
    """The type of a message."""
    return Type("struct", name)


def custom_schemas(definitions: Iterable[Mapping[str, Any]], metadata: Type) -> Schemas:
    """The kinds that CustomResourceDefinitions define. `metadata` is the type of ObjectMeta."""
    reader = _Reader(metadata)
    for definition in definitions:
        spec = definition.get("spec") or {}
        names = spec.get("names") or {}
        for version in spec.get("versions") or ():
            schema = (version.get("schema") or {}).get("openAPIV3Schema")
            if version.get("served") is not False and isinstance(schema, Mapping):
                reader.add(str(spec.get("group")), str(version.get("name")), str(names.get("kind")), str(names.get("plural")), schema)
    return Schemas(reader.messages, reader.kinds, reader.resources)


class _Reader:
    def __init__(self, metadata: Type) -> None:
        self._metadata = metadata
        self.messages: dict[str, Message] = {}
        self.kinds: dict[tuple[str, str], str] = {}
        self.resources: dict[tuple[str, str, str], str] = {}

    def add(self, group: str, version: str, kind: str, plural: str, schema: Mapping[str, Any]) -> None:
        name = f"{group}.{version}.{kind}"
        if self._object(name, {**schema, "x-kubernetes-embedded-resource": True}, 0) == DYN:
            return
        self.kinds[f"{group}/{version}", kind] = name
        self.resources[group, version, plural] = kind

    def _type(self, name: str, schema: Mapping[str, Any], depth: int) -> Type:
        if schema.get("x-kubernetes-int-or-string") or schema.get("format") == "int-or-string" or depth > _MAX_DEPTH:
            return DYN
        match schema.get("type"):
            case "boolean":
                return BOOL
            case "integer":
                return INT
            case "string":
                return STRING
            case "array":
                items = schema.get("items")
                return list_of(self._type(f"{name}.@idx", items, depth + 1)) if isinstance(items, Mapping) else list_of(DYN)
            case "object":
                values = schema.get("additionalProperties")
                if isinstance(values, Mapping):
                    return map_of(STRING, self._type(f"{name}.@elem", values, depth + 1))
                return self._object(name, schema, depth)
        return DYN  # a number may be an int or a double

    def _object(self, name: str, schema: Mapping[str, Any], depth: int) -> Type:
        properties = schema.get("properties") or {}
        embedded = schema.get("x-kubernetes-embedded-resource")
        if schema.get("x-kubernetes-preserve-unknown-fields") or (not properties and not embedded):
            return DYN
        required = schema.get("required") or ()
        fields: dict[str, Field] = {}
        self.messages[name] = fields
        for key, value in properties.items():
            if isinstance(value, Mapping):
                always = key in required or "default" in value
                fields[key] = Field(self._type(f"{name}.{key}", value, depth + 1), always)
        if embedded:
            fields |= {"apiVersion": Field(STRING, True), "kind": Field(STRING, True), "metadata": Field(self._metadata, True)}
        return message(name)

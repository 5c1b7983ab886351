"""The values and the user of a kyverno-test.yaml: what native CEL can see of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hostprocess.suite.importers.reading import Source, Steps, list_of, mapping, read_source, read_text, text
from hostprocess.suite.model import JSONObject

__all__ = ["Values", "read_user", "read_values"]

_OPERATION = "request.operation"
_OPERATIONS = ("CREATE", "UPDATE", "DELETE", "CONNECT")
_OBJECT: Mapping[str, Any] = {"type": "object"}
_RESOURCE = mapping(("name",), name=text, values=_OBJECT)
_POLICY = mapping(("name",), name=text, resources=list_of(_RESOURCE), rules=list_of(_OBJECT))
_VALUES = {
    "globalValues": _OBJECT,
    "policies": list_of(_POLICY),
    "namespaceSelector": list_of(mapping(("name",), name=text, labels={"type": "object", "additionalProperties": {"type": "string"}})),
    "namespaces": list_of(_OBJECT),
    "subresources": list_of(_OBJECT),
    "variables": _OBJECT,
}
_HEAD: dict[str, Mapping[str, Any]] = {"apiVersion": text, "kind": {"type": "string", "enum": ["Value", "Values"]}, "metadata": _OBJECT, "name": text}
_VALUES_FILE = mapping(**_HEAD, **_VALUES)
_USER = mapping(username=text, groups=list_of(text), uid=text, extra={"type": "object", "additionalProperties": list_of({"type": "string"})})
_USER_FILE = mapping(
    ("userInfo",),
    apiVersion=text,
    kind={"type": "string", "enum": ["UserInfo"]},
    metadata=_OBJECT,
    userInfo=_USER,
    roles=list_of(text),
    clusterRoles=list_of(text),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """`namespaces` by name; `operations` of objects by policy and name, or of all; `subresource_kinds` are kinds that are sent to a subresource."""

    namespaces: Mapping[str, JSONObject] = field(default_factory=dict)
    operations: Mapping[tuple[str, str], str] = field(default_factory=dict)
    everywhere: str = "CREATE"
    subresource_kinds: frozenset[str] = frozenset()

    def operation(self, policy: str, name: str) -> str:
        """That of the request for an object."""
        return self.operations.get((policy, name), self.everywhere)


def read_values(source: Source) -> Values:
    """What a suite names as `variables`, or holds as `values`. Raises `PolicyError`."""
    if "variables" in source.value:
        path, content = read_text(source, ("variables",), source.value["variables"])
        return _values(read_source(path, content, _VALUES_FILE), ())
    if "values" in source.value:
        read_source(source.path, source.text, {"type": "object", "properties": {"values": mapping(**_VALUES)}})
        return _values(source, ("values",))
    return Values()


def _values(source: Source, at: Steps) -> Values:
    value = source.value
    for step in at:
        value = value[str(step)]
    operations = {}
    for index, policy in enumerate(value.get("policies", ())):
        for number, one in enumerate(policy.get("resources", ())):
            steps = (*at, "policies", index, "resources", number, "values")
            if found := _operation(source, steps, one.get("values", {})):
                operations[policy["name"], one["name"]] = found
    namespaces = {one["name"]: _namespace({"name": one["name"], "labels": one.get("labels", {})}) for one in value.get("namespaceSelector", ())}
    for index, one in enumerate(value.get("namespaces", ())):
        metadata = one.get("metadata")
        if not isinstance(metadata, dict) or not metadata.get("name"):
            raise source.fault((*at, "namespaces", index), "needs metadata.name")
        namespaces[metadata["name"]] = {**one, **_namespace(metadata)}
    kinds = [one.get("subresource", {}).get("kind") for one in value.get("subresources", ())]
    return Values(
        namespaces=namespaces,
        operations=operations,
        everywhere=_operation(source, (*at, "globalValues"), value.get("globalValues", {})) or "CREATE",
        subresource_kinds=frozenset(kind for kind in kinds if kind),
    )


def _namespace(metadata: JSONObject) -> JSONObject:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def _operation(source: Source, steps: Steps, values: Mapping[str, Any]) -> str:
    """The operation among values. Others are variables of Kyverno's own rules, but for what they say of the request."""
    for key in values:
        if key.startswith("request.") and key != _OPERATION:
            raise source.fault((*steps, key), "is not understood: of a request only request.operation is; give userinfo, namespaces and resources")
    found = str(values.get(_OPERATION, "")).upper()
    if found and found not in _OPERATIONS:
        raise source.fault((*steps, _OPERATION), f"{found} is no operation; there are {', '.join(_OPERATIONS)}")
    return found


def read_user(source: Source) -> JSONObject:
    """The user that a suite names; without, one that has neither name nor groups. Raises `PolicyError`."""
    if "userinfo" not in source.value:
        return {}
    path, content = read_text(source, ("userinfo",), source.value["userinfo"])
    found: JSONObject = read_source(path, content, _USER_FILE).value["userInfo"]
    return {key: one for key, one in found.items() if one}

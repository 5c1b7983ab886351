"""The CEL environment that the API server of a release gives to the expressions of admission policies: what may be named there.

Source: k8s.io/apiserver/pkg/cel/environment/base.go; pkg/admission/plugin/cel/compile.go for the variables.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from hostprocess.cel.declarations import Library, Overload
from hostprocess.cel.library import LIBRARIES
from hostprocess.cel.macros import SORT_BY, TWO_VARIABLES
from hostprocess.cel.standard import CROSS_NUMERIC, INT_DURATION, MAP_INSERT, OPTIONAL, OPTIONAL_LISTS, STANDARD, Signature, signatures
from hostprocess.cel.types import DYN, Type, list_of, map_of, optional_of, parse_type, type_of

__all__ = ["UNDEFINED_TYPES", "Environment", "environment", "wrong_result_type"]

_OPTIONAL_TYPES = 28
_VALIDATORS = 29
_OPTIONAL_NAME = 31  # cel-go 0.20 gave the type its name
_TWO_VARIABLES = 32
_EXT_LISTS = 34
_OPTIONAL_LISTS = 33  # came with cel-go 0.23, whatever the version of the environment
_STRICT_COST = 32
_TYPES_OF_MESSAGES = 31  # up to cel-go 0.17 the name of a message was taken for a variable of that type
_CONCRETE_TYPE_NAMES = 37  # before cel-go 0.29 `list` was `type(list(A))`, and `optional_type` had no parameter
_FOUND_TYPE = 32

_GROUP_VERSION = {"group": "string", "version": "string"}
_MESSAGES: Mapping[str, Mapping[str, str]] = {
    "kubernetes.GroupVersionKind": {**_GROUP_VERSION, "kind": "string"},
    "kubernetes.GroupVersionResource": {**_GROUP_VERSION, "resource": "string"},
    "kubernetes.UserInfo": {"username": "string", "uid": "string", "groups": "list(string)", "extra": "map(string, list(string))"},
    "kubernetes.AdmissionRequest": {
        "kind": "kubernetes.GroupVersionKind",
        "resource": "kubernetes.GroupVersionResource",
        "subResource": "string",
        "requestKind": "kubernetes.GroupVersionKind",
        "requestResource": "kubernetes.GroupVersionResource",
        "requestSubResource": "string",
        "name": "string",
        "namespace": "string",
        "operation": "string",
        "userInfo": "kubernetes.UserInfo",
        "dryRun": "bool",
        "options": "dyn",
    },
    "kubernetes.NamespaceSpec": {"finalizers": "list(string)"},
    "kubernetes.NamespaceCondition": dict.fromkeys(("status", "type", "message", "reason"), "string") | {"lastTransitionTime": "timestamp"},
    "kubernetes.NamespaceStatus": {"conditions": "list(kubernetes.NamespaceCondition)", "phase": "string"},
    "kubernetes.NamespaceMetadata": {
        **dict.fromkeys(("name", "generateName", "namespace", "UID", "resourceVersion"), "string"),
        **dict.fromkeys(("labels", "annotations"), "map(string, string)"),
        **dict.fromkeys(("creationTimestamp", "deletionTimestamp"), "timestamp"),
        **dict.fromkeys(("deletionGracePeriodSeconds", "generation"), "int"),
        "finalizers": "list(string)",
    },
    "kubernetes.Namespace": {"metadata": "kubernetes.NamespaceMetadata", "spec": "kubernetes.NamespaceSpec", "status": "kubernetes.NamespaceStatus"},
}
_FIELDS = {message: {field: parse_type(kind) for field, kind in fields.items()} for message, fields in _MESSAGES.items()}
_VARIABLES_TYPE = Type("struct", "kubernetes.variables")
_INPUTS = {
    "request": {"request": Type("struct", "kubernetes.AdmissionRequest")},
    "namespaceObject": {"namespaceObject": Type("struct", "kubernetes.Namespace")},
    "authorizer": {
        "authorizer": Type("struct", "kubernetes.authorization.Authorizer"),
        "authorizer.requestResource": Type("struct", "kubernetes.authorization.ResourceCheck"),
    },
    "variables": {"variables": _VARIABLES_TYPE},
}
_TYPE_NAMES = [
    *("bool", "bytes", "double", "google.protobuf.Duration", "int", "list", "map", "null_type"),
    *("string", "google.protobuf.Timestamp", "type", "uint", "google.protobuf.Any"),
]
_GENERIC_TYPE_NAMES = {"list": "list(A)", "map": "map(A, B)", "optional_type": "optional_type"}
# The checker finds them among the types of the API server, the planner does not find them among its values.
_NAMES_OF_MESSAGES = ("timestamp", "duration", *_MESSAGES)
UNDEFINED_TYPES: Final = frozenset({*_NAMES_OF_MESSAGES, _VARIABLES_TYPE.name, "google.protobuf.Any"})
"""Names that pass the checker, but make no program, or (up to 1.30) have no value."""


@dataclass(frozen=True, slots=True)
class Environment:
    """What an expression may name (see `checker.Declarations`), and which rules of its release hold."""

    minor: int
    functions: Mapping[str, tuple[Signature, ...]]
    identifiers: Mapping[str, Type]
    fields: Mapping[str, Mapping[str, Type]]
    optional: bool
    validators: bool
    macros: frozenset[str]
    strict_cost: bool

    def declare(self, names: frozenset[str], variables: Mapping[str, Type]) -> Environment:
        """The environment with these inputs (`object`, `request` …) and with `variables.NAME` of these types; `variables` too if it is named."""
        identifiers = dict(self.identifiers)
        for name in names:
            identifiers.update(_INPUTS.get(name) or {name: DYN})
        fields = dict(self.fields)
        if variables or "variables" in names:
            identifiers["variables"] = _VARIABLES_TYPE
            identifiers[_VARIABLES_TYPE.name] = _named(_VARIABLES_TYPE, self.minor)
            fields["kubernetes.variables"] = {name: _variable_type(kind) for name, kind in variables.items()}
        return replace(self, identifiers=identifiers, fields=fields)


@cache
def environment(kubernetes: str, stored: bool) -> Environment:
    """The environment of a release (`1.30`), without variables. New expressions may use what the release before had (section 1.2 of the API
    server's rules: the minimal compatibility version), while the program is that of the release itself.
    """
    release = int(kubernetes.split(".")[1])
    minor = release if stored else release - 1
    functions: dict[str, list[Signature]] = {}
    for signature in _signatures(minor, release):
        functions.setdefault(signature.function, []).append(signature)
    kinds = [
        *_TYPE_NAMES,
        *(["optional_type"] if minor >= _OPTIONAL_TYPES and release >= _OPTIONAL_NAME else []),
        *(["net.IP", "net.CIDR"] if minor >= 30 else []),
    ]
    return Environment(
        minor=release,
        functions={name: tuple(found) for name, found in functions.items()},
        identifiers={name: type_of(_type_called(name, release)) for name in kinds} | {name: _named(parse_type(name), release) for name in _NAMES_OF_MESSAGES},
        fields=_FIELDS,
        optional=minor >= _OPTIONAL_TYPES,
        validators=minor >= _VALIDATORS,
        macros=(TWO_VARIABLES if minor >= _TWO_VARIABLES else frozenset()) | (SORT_BY if minor >= _EXT_LISTS else frozenset()),
        strict_cost=release >= _STRICT_COST,
    )


def wrong_result_type(wanted: Sequence[str], found: str, kubernetes: str) -> str:
    """What the API server of a release says of an expression whose type is none of those wanted."""
    said = f"must evaluate to {wanted[0]}" if len(wanted) == 1 else f"must evaluate to one of [{' '.join(wanted)}]"
    return f"{said} but got {found}" if int(kubernetes.split(".")[1]) >= _FOUND_TYPE else said


def _type_called(name: str, release: int) -> Type:
    if release < _CONCRETE_TYPE_NAMES:
        return parse_type(_GENERIC_TYPE_NAMES.get(name, name))
    return optional_of(DYN) if name == "optional_type" else parse_type(name)


def _named(message: Type, release: int) -> Type:
    """What the name of a message stands for."""
    return type_of(message) if release >= _TYPES_OF_MESSAGES else message


def _signatures(minor: int, release: int) -> list[Signature]:
    found = [each for each in signatures(STANDARD) if minor >= _OPTIONAL_TYPES or each.id not in CROSS_NUMERIC]
    if minor >= _OPTIONAL_TYPES:
        found += signatures(OPTIONAL)
        if release >= _OPTIONAL_LISTS:
            found += signatures(OPTIONAL_LISTS)
    if release < 37:
        found += signatures(INT_DURATION)
    if minor >= _TWO_VARIABLES:
        found += signatures(MAP_INSERT)
    for library in LIBRARIES:
        if _present(library, minor):
            found += map(_signature, library.overloads)
    return found


def _present(library: Library, minor: int) -> bool:
    return minor >= library.introduced and (not library.removed or minor < library.removed)


def _signature(overload: Overload) -> Signature:
    return Signature(
        id=overload.id,
        function=overload.function,
        arguments=tuple(map(parse_type, overload.arguments)),
        result=parse_type(overload.result),
        member=overload.member,
        implementation=overload.implementation,
        cost=overload.cost,
        gated_cost=overload.gated_cost,
        guard=overload.guard,
    )


def _variable_type(kind: Type) -> Type:
    """The type a variable has for those that read it: of lists and maps the elements too, `dyn` for what the libraries add (`convertCelTypeToDeclType`)."""
    if kind.kind == "list":
        return list_of(_variable_type(kind.parameters[0]))
    if kind.kind == "map":
        return map_of(_variable_type(kind.parameters[0]), _variable_type(kind.parameters[1]))
    return kind if kind.kind in ("bool", "bytes", "double", "duration", "int", "null", "string", "timestamp", "uint", "any") else DYN

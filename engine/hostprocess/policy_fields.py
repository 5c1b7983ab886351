"""What the API server lets stand in a policy or binding: the tables of its validation, and a reader of fields that points at their place.

Source: k8s.io/kubernetes/pkg/apis/admissionregistration/validation/validation.go and k8s.io/apimachinery/pkg/util/validation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from hostprocess.errors import PolicyError, suggestion
from hostprocess.kubernetes.fields import format_path
from hostprocess.kubernetes.location import locate
from hostprocess.model import Resource

__all__ = [
    "ACTIONS",
    "API_VERSIONS",
    "FAILURE_POLICIES",
    "GROUP",
    "MATCH_POLICIES",
    "MAX_AUDIT_ANNOTATIONS",
    "MAX_MATCH_CONDITIONS",
    "MAX_VALUE_EXPRESSION",
    "NOT_FOUND_ACTIONS",
    "OPERATIONS",
    "OPERATORS",
    "REASONS",
    "SCOPES",
    "WITH_VALUES",
    "Fields",
    "is_dns_label",
    "is_dns_subdomain",
    "is_identifier",
    "is_label_value",
    "is_path_segment",
    "is_qualified_name",
    "wildcard_fault",
    "wrong_resources",
]

GROUP: Final = "admissionregistration.k8s.io"
API_VERSIONS: Final = (f"{GROUP}/v1", f"{GROUP}/v1beta1", f"{GROUP}/v1alpha1")
ACTIONS: Final = ("Deny", "Warn", "Audit")
FAILURE_POLICIES: Final = ("Fail", "Ignore")
MATCH_POLICIES: Final = ("Exact", "Equivalent")
NOT_FOUND_ACTIONS: Final = ("Allow", "Deny")
OPERATIONS: Final = ("CREATE", "UPDATE", "DELETE", "CONNECT", "*")
REASONS: Final = ("Forbidden", "Invalid", "RequestEntityTooLarge")  # not Unauthorized, whatever the documentation says
SCOPES: Final = ("Cluster", "Namespaced", "*")
WITH_VALUES: Final = ("In", "NotIn")
OPERATORS: Final = (*WITH_VALUES, "Exists", "DoesNotExist")
MAX_AUDIT_ANNOTATIONS: Final = 20
MAX_MATCH_CONDITIONS: Final = 64
MAX_VALUE_EXPRESSION: Final = 5 * 1024  # bytes

_IDENTIFIER = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*")
_RESERVED = frozenset(
    "true false null in as break const continue else for function if import let loop package namespace return var void while".split()  # noqa: SIM905
)
_LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")  # DNS-1035
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")  # DNS-1123
_NAME_PART = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]")


def is_identifier(text: str) -> bool:
    """Whether a text may name a variable: an identifier of CEL that is no reserved word."""
    return bool(_IDENTIFIER.fullmatch(text)) and text not in _RESERVED


def is_dns_label(text: str) -> bool:
    """Whether a text is a DNS-1035 label."""
    return len(text) <= 63 and bool(_LABEL.fullmatch(text))


def is_dns_subdomain(text: str) -> bool:
    """Whether a text is a DNS-1123 subdomain."""
    return len(text) <= 253 and bool(_SUBDOMAIN.fullmatch(text))


def is_qualified_name(text: str) -> bool:
    """Whether a text is a qualified name: `name`, or `prefix/name` with a DNS-1123 subdomain as prefix."""
    prefix, slash, name = text.rpartition("/")
    return (is_dns_subdomain(prefix) if slash else True) and len(name) <= 63 and bool(_NAME_PART.fullmatch(name))


def is_label_value(text: str) -> bool:
    """Whether a text may be the value of a label."""
    return not text or (len(text) <= 63 and bool(_NAME_PART.fullmatch(text)))


def is_path_segment(text: str) -> bool:
    """Whether a text can stand in a path of the API, as the name of any object must."""
    return text not in (".", "..") and "/" not in text and "%" not in text


def wildcard_fault(values: Sequence[str]) -> bool:
    """Whether `*` stands among others: it must be alone."""
    return len(values) > 1 and "*" in values


def wrong_resources(resources: Sequence[str]) -> list[tuple[int | None, str]]:
    """What is wrong with the `resources` of a rule: pairs of the index (None for the list as a whole) and the API server's message."""
    found: list[tuple[int | None, str]] = []
    whole: set[str] = set()  # x of x/*
    everywhere: set[str] = set()  # y of */y
    plain = False
    for index, entry in enumerate(resources):
        if not entry:
            found.append((index, "Required value"))
            continue
        resource, slash, subresource = entry.partition("/")
        if not slash:
            plain = entry != "*"
            continue
        if resource in whole:
            found.append((index, f"if '{resource}/*' is present, must not specify {entry}"))
        if subresource in everywhere:
            found.append((index, f"if '*/{subresource}' is present, must not specify {entry}"))
        if subresource == "*":
            whole.add(resource)
        if resource == "*":
            everywhere.add(subresource)
    if len(resources) > 1 and "*/*" in resources:
        found.append((None, "if '*/*' is present, must not specify other resources"))
    if "*" in resources and plain:
        found.append((None, "if '*' is present, must not specify other resources without subresources"))
    return found


class Fields:
    """A mapping inside a resource, with errors that point at its place. Every method raises `PolicyError` for what is not as it must be."""

    def __init__(self, resource: Resource, value: Any, *steps: str | int) -> None:
        self._resource = resource
        self.steps = steps
        if not isinstance(value, dict):
            raise self.error(f"{format_path(steps)}: must be a mapping, and is {_found(value)}" if value is not None else f"needs {format_path(steps)}")
        self.value: Mapping[str, Any] = value

    def only(self, *known: str) -> None:
        """Refuses other keys: a misspelt condition would be one that is never asked."""
        for key in self.value:
            if key not in known:
                raise self.error(f"unknown field {key!r}{suggestion(str(key), known)}", (*self.steps, key))

    def get(self, key: str, kind: type, default: Any) -> Any:
        """The value of a field if it is there; null counts as absent, as in Go."""
        value = self.value.get(key)
        if value is None:
            return default
        if not isinstance(value, kind):
            raise self.error(f"{format_path((*self.steps, key))}: must be {_TYPES[kind]}, and is {_found(value)}", (*self.steps, key))
        return value

    def text(self, key: str) -> str:
        """A string, empty if it is absent."""
        return str(self.get(key, str, ""))

    def need(self, key: str) -> str:
        """A string that is there and not blank."""
        value = self.text(key)
        if not value.strip():
            raise self.error(f"needs {key}")
        return value

    def choice(self, key: str, known: tuple[str, ...]) -> str:
        """One of `known`, or nothing."""
        value = self.text(key)
        if value and value not in known:
            raise self.error(f"{key}: {value!r} is not one of {', '.join(known)}", (*self.steps, key))
        return value

    def strings(self, key: str) -> list[str]:
        """A list of strings, empty if it is absent."""
        values: list[str] = self.get(key, list, [])
        if not all(isinstance(value, str) for value in values):
            raise self.error(f"{key} must be a list of strings", (*self.steps, key))
        return values

    def child(self, key: str) -> Fields | None:
        """A mapping, None if it is absent."""
        return Fields(self._resource, self.value[key], *self.steps, key) if self.value.get(key) is not None else None

    def children(self, key: str) -> list[Fields]:
        """A list of mappings, empty if it is absent."""
        return [Fields(self._resource, one, *self.steps, key, index) for index, one in enumerate(self.get(key, list, []))]

    def error(self, message: str, steps: tuple[str | int, ...] | None = None) -> PolicyError:
        """An error that points at a field, this mapping by default."""
        origin = self._resource.origin
        place = locate(origin, self.steps if steps is None else steps)
        return PolicyError(f"{f'{self._resource.kind} {self._resource.name}'.strip()}: {message}", path=origin.path, line=place.line, column=place.column)


def _found(value: Any) -> str:
    return "a list" if isinstance(value, list) else f"the {'text' if isinstance(value, str) else 'value'} {json.dumps(value, ensure_ascii=False)[:40]}"


_TYPES: dict[type, str] = {str: "a string", list: "a list", dict: "a mapping"}

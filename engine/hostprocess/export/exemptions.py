"""Who and what an export leaves alone: selectors of the bindings and matchConditions, never edits of the rules' expressions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hostprocess.errors import UsageError
from hostprocess.model import MatchCondition
from hostprocess.policy_fields import is_dns_label, is_dns_subdomain, is_label_value, is_qualified_name

__all__ = ["KUBE_SYSTEM", "NAMESPACE_NAME", "Exemptions", "literal", "selector_of"]

KUBE_SYSTEM = "kube-system"
"""The namespace that is not denied anything, unless that is asked for: without what runs there a cluster stands still."""
NAMESPACE_NAME = "kubernetes.io/metadata.name"
"""The label that kube-apiserver gives every Namespace: its name."""

Requirement = dict[str, Any]
_EQUALITY = re.compile(r"([^\s!=]+)\s*(==|=|!=)\s*(\S*)")
_SET = re.compile(r"(\S+)\s+(in|notin)\s*\(([^()]*)\)")
_PRESENCE = re.compile(r"(!?)\s*([^\s!=(),]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Exemptions:
    """Namespaces by name and by label selector (one requirement each), service accounts as `namespace/name` and users who make the requests."""

    namespaces: tuple[str, ...] = ()
    namespace_selectors: tuple[str, ...] = ()
    service_accounts: tuple[str, ...] = ()
    users: tuple[str, ...] = ()

    def check(self) -> None:
        """Raises `UsageError` for what cannot be a namespace, a selector, a service account or a user."""
        for name in self.namespaces:
            if not is_dns_label(name):
                raise UsageError(f"--exempt-namespace {name!r} is not the name of a namespace; for labels there is --exempt-namespace-selector")
        for account in self.service_accounts:
            namespace, _, name = account.partition("/")
            if not is_dns_label(namespace) or not is_dns_subdomain(name):
                raise UsageError(f"--exempt-service-account {account!r} is not a service account; write it as NAMESPACE/NAME")
        for user in self.users:
            if not user or not user.isprintable():
                raise UsageError(f"--exempt-user {user!r} is not the name of a user")
        list(self.namespace_requirements())

    def namespace_requirements(self, others: Sequence[str] = ()) -> Iterator[Requirement]:
        """What the labels of a Namespace must meet so that it is not exempt; `others` are names that are left out as well."""
        if names := sorted({*self.namespaces, *others}):
            yield {"key": NAMESPACE_NAME, "operator": "NotIn", "values": names}
        yield from self.selector_requirements()

    def selector_requirements(self) -> Iterator[Requirement]:
        """What the labels of a Namespace must meet so that no selector exempts it."""
        return map(_negated, self.namespace_selectors)

    def conditions(self) -> Iterator[MatchCondition]:
        """The condition that the requester is not exempt, if anybody is."""
        accounts = (account.partition("/") for account in self.service_accounts)
        names = sorted({*self.users, *(f"system:serviceaccount:{namespace}:{name}" for namespace, _, name in accounts)})
        if names:
            listed = ", ".join(map(literal, names))
            yield MatchCondition(name="not-by-an-exempt-user", expression=f"!has(request.userInfo.username) || !(request.userInfo.username in [{listed}])")


def literal(text: str) -> str:
    """A text as a literal of CEL."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _negated(selector: str) -> Requirement:
    """What the labels of an object meet that the selector does not match: the opposite of its one requirement.

    Source of the syntax: k8s.io/apimachinery/pkg/labels/selector.go; NotIn and != hold where the key is absent too.
    """
    text = selector.strip()
    if match := _SET.fullmatch(text):
        values = [value.strip() for value in match[3].split(",")]
        return _requirement(selector, match[1], "NotIn" if match[2] == "in" else "In", values)
    if re.search(r",(?![^(]*\))", text):
        raise UsageError(
            f"--exempt-namespace-selector {selector!r}: the opposite of several requirements is not a selector that Kubernetes has; "
            "mark the namespaces with one label, and exempt that"
        )
    if match := _EQUALITY.fullmatch(text):
        return _requirement(selector, match[1], "In" if match[2] == "!=" else "NotIn", [match[3]])
    if match := _PRESENCE.fullmatch(text):
        return _requirement(selector, match[2], "Exists" if match[1] else "DoesNotExist", [])
    raise UsageError(f"--exempt-namespace-selector {selector!r} is not a selector; write it as KEY=VALUE, KEY, or 'KEY in (A, B)'")


def _requirement(selector: str, key: str, operator: str, values: Iterable[str]) -> Requirement:
    values = list(values)
    if not is_qualified_name(key) or not all(map(is_label_value, values)):
        raise UsageError(f"--exempt-namespace-selector {selector!r}: the key or a value is not one that labels can have")
    requirement: Requirement = {"key": key, "operator": operator}
    return {**requirement, "values": values} if values else requirement


def selector_of(requirements: Iterable[Requirement]) -> Mapping[str, Any]:
    """The label selector of these requirements; empty without any."""
    listed = list(requirements)
    return {"matchExpressions": listed} if listed else {}

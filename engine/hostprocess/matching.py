"""Which requests a policy or a binding is about.

Source: k8s.io/apiserver/pkg/admission/plugin/policy/matching/matching.go, …/plugin/webhook/predicates; k8s.io/kubernetes/pkg/controlplane/apiserver/options
and pkg/kubeapiserver/admission/exclusion/resources.go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hostprocess.inventory import NAME_LABEL, Inventory
from hostprocess.kubernetes.selectors import matches as selects
from hostprocess.model import GroupVersionKind, GroupVersionResource, MatchConstraints, Request, ResourceRule, Unknown

__all__ = ["EXCLUDED", "Match", "MatchKey", "Matcher", "match_key", "resource_matches", "rule_matches"]

# Policies must not lock out their own repair.
_EXEMPT = frozenset(
    (group, name)
    for group, names in {
        "admissionregistration.k8s.io": "validatingadmissionpolicies validatingadmissionpolicybindings mutatingadmissionpolicies"
        " mutatingadmissionpolicybindings",
        "authentication.k8s.io": "selfsubjectreviews tokenreviews",
        "authorization.k8s.io": "localsubjectaccessreviews selfsubjectaccessreviews selfsubjectrulesreviews subjectaccessreviews",
    }.items()
    for name in names.split()
)
_NAMESPACES = GroupVersionResource("", "v1", "namespaces")


@dataclass(frozen=True, slots=True)
class Match:
    """Whether a request matches: it does not if there is a `reason`; nobody knows if there is an `unknown`, which says what was not given.

    `resource` and `kind` are those under which it matched, None where they are those of the request.
    """

    reason: str = ""
    unknown: str = ""
    resource: GroupVersionResource | None = None
    kind: GroupVersionKind | None = None


MATCHES = Match()
EXCLUDED = "an excludeResourceRule matches"
"""The reason where one does."""
MatchKey = tuple[Any, ...]
_MEMORY = 10_000  # answers that a matcher remembers


def match_key(request: Request) -> MatchKey:
    """All of a request, but for its name, that the rules of a policy look at."""
    return (request.group, request.version, request.plural, request.kind, request.subresource, request.operation, _scope(request))


class Matcher:
    """`matchConstraints` of a policy or `matchResources` of a binding, made ready. What rules say of a resource is found once."""

    def __init__(self, constraints: MatchConstraints, inventory: Inventory) -> None:
        self._constraints = constraints
        self._inventory = inventory
        self._resource_names = any(rule.resource_names for rule in (*constraints.resource_rules, *constraints.exclude_resource_rules))
        self._found: dict[Any, Match] = {}

    def match(self, request: Request, key: MatchKey | None = None) -> Match:
        """Whether the request, of that `match_key`, matches; the namespaceSelector first, then the objectSelector, then the rules."""
        constraints = self._constraints
        unknown = ""
        if constraints.namespace_selector:
            found = _namespace_match(constraints.namespace_selector, request)
            if found.reason:
                return found
            unknown = found.unknown
        if constraints.object_selector:
            found = _object_match(constraints.object_selector, request)
            if found.reason:
                return found
            unknown = unknown or found.unknown
        found = self._rules(request, key or match_key(request))
        # What is not known of the selectors matters only if the rules match.
        return found if found.reason or found.unknown or not unknown else Match(unknown=unknown)

    def _rules(self, request: Request, key: MatchKey) -> Match:
        whole = (key, request.name) if self._resource_names else key
        found = self._found.get(whole)
        if found is None:
            found = self._match_rules(request)
            if len(self._found) < _MEMORY:
                self._found[whole] = found
        return found

    def _match_rules(self, request: Request) -> Match:
        if (request.group, request.plural) in _EXEMPT:
            return Match(f"no policy is about {request.plural}: the API server exempts them")
        excluded = self._any_rule(self._constraints.exclude_resource_rules, request)
        if excluded is not None and not excluded.unknown:
            return Match(EXCLUDED)
        found: Match | None = MATCHES
        if self._constraints.resource_rules:
            found = self._any_rule(self._constraints.resource_rules, request)
        if found is None:
            named = f"{request.plural}/{request.subresource}" if request.subresource else request.plural
            return Match(f"no resourceRule matches {request.operation} of {named} in {request.group or 'core'}/{request.version}")
        return Match(unknown=excluded.unknown) if excluded is not None else found

    def _any_rule(self, rules: Sequence[ResourceRule], request: Request) -> Match | None:
        """How one of the rules matches, None if none does (matchesResourceRules)."""
        unknown = ""
        for rule in rules:
            verdict = rule_matches(rule, request, request.gvr)
            if verdict is True:
                return MATCHES
            unknown = unknown or verdict or ""
        if self._constraints.match_policy == "Equivalent":
            equivalents = list(self._inventory.equivalents(request.gvr, request.kind.kind))
            for rule in rules:
                for resource, kind, same_fields in equivalents:
                    verdict = rule_matches(rule, request, resource)
                    if verdict is True and (same_fields or rules is self._constraints.exclude_resource_rules):
                        return Match(resource=resource, kind=kind if not request.subresource else request.kind)
                    if verdict is True:
                        where = f"{resource.group or 'core'}/{resource.version}"
                        return Match(unknown=f"the policy is about {resource.resource} in {where}, and what the object is there is not known: give it so")
                    unknown = unknown or verdict or ""
        return Match(unknown=unknown) if unknown else None


def _scope(request: Request) -> bool | None:
    """Whether the request has a namespace, None if that is not known."""
    if request.gvr == _NAMESPACES:
        return False
    if isinstance(request.namespace, Unknown):
        return request.namespaced
    return request.namespace != ""


def rule_matches(rule: ResourceRule, request: Request, resource: GroupVersionResource) -> bool | str:
    """Whether a rule is about the request, as a request for `resource`; or what is not known."""
    if (
        not _among(rule.operations, request.operation)
        or not _among(rule.api_groups, resource.group)
        or not _among(rule.api_versions, resource.version)
        or not any(resource_matches(entry, resource.resource, request.subresource) for entry in rule.resources)
    ):
        return False
    unknown = ""
    if rule.scope != "*":
        scope = _scope(request)
        if scope is None:
            unknown = str(request.namespace.what if isinstance(request.namespace, Unknown) else "")
        elif scope != (rule.scope == "Namespaced"):
            return False
    if rule.resource_names:
        if isinstance(request.name, Unknown):
            unknown = unknown or request.name.what
        elif request.name not in rule.resource_names:
            return False
    return unknown or True


def resource_matches(entry: str, resource: str, subresource: str) -> bool:
    """Whether an entry of `resources` is about a resource or a subresource of it."""
    name, _, sub = entry.partition("/")
    return name in ("*", resource) and sub in ("*", subresource)


def _among(values: tuple[str, ...], value: str) -> bool:
    return value in values or "*" in values


def _namespace_match(selector: Mapping[str, Any], request: Request) -> Match:
    if request.plural == "namespaces":
        if not request.subresource and request.operation in ("CREATE", "UPDATE"):
            namespace: Any = request.object
        elif request.operation == "DELETE":
            namespace = request.old_object
        else:
            namespace = request.resource.object
    else:
        namespace = request.namespace_object
        if request.namespace == "" or namespace is None:
            return MATCHES  # cluster-scoped objects pass every namespaceSelector
    if isinstance(namespace, Unknown):
        name = request.namespace
        labels = {NAME_LABEL: name} if isinstance(name, str) and name else {}
        # The name alone may settle it, as in the usual exclusion of kube-system.
        keys = {*(selector.get("matchLabels") or {}), *(one.get("key") for one in selector.get("matchExpressions") or ())}
        if keys - labels.keys():
            return Match(unknown="the namespaceSelector needs the labels of a Namespace that was not given")
    else:
        labels = _labels(namespace)
        if request.plural == "namespaces" and isinstance(request.name, str) and request.name:
            labels = {**labels, NAME_LABEL: request.name}
    return MATCHES if selects(selector, labels) else Match("the namespaceSelector does not match")


def _object_match(selector: Mapping[str, Any], request: Request) -> Match:
    unknown = ""
    for value in (request.object, request.old_object):
        if isinstance(value, Unknown):
            # The options of a connection have no metadata, whatever they are.
            unknown = "" if request.operation == "CONNECT" else f"the objectSelector needs the labels of an object that is not known: {value.what}"
        elif value is not None and isinstance(value.get("metadata"), dict) and selects(selector, _labels(value)):
            return MATCHES
    return Match(unknown=unknown) if unknown else Match("the objectSelector does not match")


def _labels(value: Mapping[str, Any]) -> dict[str, str]:
    labels: dict[str, str] = (value.get("metadata") or {}).get("labels") or {}
    return labels

"""Authorization decided from RBAC objects, as the RBAC authorizer of the API server decides it.

Source: k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac/rbac.go, pkg/registry/rbac/validation/rule.go, pkg/apis/rbac/v1/evaluation_helpers.go.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hostprocess.errors import InputError
from hostprocess.kubernetes.kinds import group_version
from hostprocess.kubernetes.selectors import matches as selects

__all__ = ["RBAC_KINDS", "Attributes", "Authorization", "Authorizer", "check_rbac", "implied_groups", "service_account_user"]

RBAC_GROUP = "rbac.authorization.k8s.io"
RBAC_KINDS = ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")
_ACCOUNT = "system:serviceaccount:"
_ACCOUNTS = "system:serviceaccounts"
_ANONYMOUS = "system:anonymous"
_AUTHENTICATED, _UNAUTHENTICATED = "system:authenticated", "system:unauthenticated"
_MASTERS = "system:masters"  # always allowed, whatever the authorizers: pkg/kubeapiserver/authorizer/reload.go

JSONObject = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributes:
    """What is asked (k8s.io/apiserver/pkg/authorization/authorizer, AttributesRecord).

    `groups` are taken as they are: see `implied_groups`. With `path` set it is about a URL that is no resource; an empty `namespace` is cluster-wide.
    """

    user: str
    groups: tuple[str, ...] = ()
    verb: str = ""
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""


@dataclass(frozen=True, slots=True)
class Authorization:
    """A decision: `reason` is the authorizer's text, often empty when it does not allow; `error` is what it failed with."""

    allowed: bool
    reason: str = ""
    error: str = ""


def service_account_user(namespace: str, name: str) -> tuple[str, tuple[str, ...]]:
    """The user name and the groups of a service account, as `authorizer.serviceAccount(namespace, name)` has them: without `system:authenticated`."""
    return f"{_ACCOUNT}{namespace}:{name}", (_ACCOUNTS, f"{_ACCOUNTS}:{namespace}")


def implied_groups(user: str, groups: Sequence[str] = ()) -> tuple[str, ...]:
    """`groups` with those that authentication adds for the user of a request.

    Source: k8s.io/apiserver/pkg/authentication/{serviceaccount,group/authenticated_group_adder.go,request/anonymous}.
    """
    found = list(groups)
    namespace, colon, name = user.removeprefix(_ACCOUNT).partition(":")
    if user.startswith(_ACCOUNT) and namespace and colon and name and ":" not in name:
        found += [group for group in service_account_user(namespace, name)[1] if group not in found]
    if user == _ANONYMOUS:
        found += [_UNAUTHENTICATED] if _UNAUTHENTICATED not in found else []
    elif _AUTHENTICATED not in found and _UNAUTHENTICATED not in found:
        found.append(_AUTHENTICATED)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Authorizer:
    """The RBAC authorizer over a fixed set of objects."""

    roles: Mapping[tuple[str, str], Sequence[JSONObject]]
    cluster_roles: Mapping[str, Sequence[JSONObject]]
    role_bindings: Mapping[str, Sequence[JSONObject]]
    cluster_role_bindings: Sequence[JSONObject]
    _decided: dict[Attributes, Authorization] = field(default_factory=dict, compare=False)

    @staticmethod
    def of(objects: Iterable[JSONObject]) -> Authorizer | None:
        """An authorizer of the RBAC objects among `objects`; None if there are none, so that nothing is known.

        Of two objects with one name the later holds. Raises `InputError` for one that the API server could not have stored.
        """
        found: dict[str, dict[tuple[str, str], JSONObject]] = {kind: {} for kind in RBAC_KINDS}
        for value in objects:
            if _is_rbac(value):
                check_rbac(value)
                metadata = value["metadata"]
                namespace = "" if value["kind"].startswith("Cluster") else str(metadata.get("namespace") or "default")
                found[value["kind"]][namespace, str(metadata["name"])] = value
        if not any(found.values()):
            return None
        bindings: dict[str, list[JSONObject]] = {}
        for (namespace, _), value in found["RoleBinding"].items():
            bindings.setdefault(namespace, []).append(value)
        return Authorizer(
            roles={key: value.get("rules") or () for key, value in found["Role"].items()},
            cluster_roles=_aggregated({name: value for (_, name), value in found["ClusterRole"].items()}),
            role_bindings=bindings,
            cluster_role_bindings=list(found["ClusterRoleBinding"].values()),
        )

    def decide(self, attributes: Attributes) -> Authorization:
        """Whether RBAC allows it. Of several bindings that do, the first in the order of reading gives the reason; the API server takes any."""
        decided = self._decided.get(attributes)
        if decided is None:
            decided = self._decided[attributes] = self._decide(attributes)
        return decided

    def _decide(self, attributes: Attributes) -> Authorization:
        if _MASTERS in attributes.groups:
            return Authorization(True)
        errors: dict[str, None] = {}
        for source, rule, error in self._rules_for(attributes):
            if rule is not None and _allows(rule, attributes):
                return Authorization(True, f"RBAC: allowed by {source}")
            if error:
                errors[error] = None
        if not errors:
            return Authorization(False)
        texts = list(errors)
        return Authorization(False, f"RBAC: {texts[0] if len(texts) == 1 else '[' + ', '.join(texts) + ']'}")

    def _rules_for(self, attributes: Attributes) -> Iterator[tuple[str, JSONObject | None, str]]:
        """Triples of (the binding's description, rule, error), as VisitRulesFor gives them."""
        places = [("", self.cluster_role_bindings)]
        if attributes.namespace:
            places.append((attributes.namespace, self.role_bindings.get(attributes.namespace, ())))
        for namespace, bindings in places:
            for binding in bindings:
                subject = next((one for one in binding.get("subjects") or () if _is_subject(one, attributes, namespace)), None)
                if subject is None:
                    continue
                rules = self._referred(binding["roleRef"], namespace)
                if isinstance(rules, str):
                    yield "", None, rules
                else:
                    source = _describe(binding, subject, namespace)
                    yield from ((source, rule, "") for rule in rules)

    def _referred(self, reference: JSONObject, namespace: str) -> Sequence[JSONObject] | str:
        """The rules of the role that a binding refers to, or the error."""
        kind, name = str(reference.get("kind", "")), str(reference.get("name", ""))
        if kind == "Role":
            rules = self.roles.get((namespace, name)) if namespace else None
        elif kind == "ClusterRole":
            rules = self.cluster_roles.get(name)
        else:
            return f"unsupported role reference kind: {_quoted(kind)}"
        return f"{kind.lower()}.{RBAC_GROUP} {_quoted(name)} not found" if rules is None else rules


def _aggregated(roles: Mapping[str, JSONObject]) -> dict[str, Sequence[JSONObject]]:
    """The rules of ClusterRoles, after the controller has filled in those that are aggregated.

    An aggregated role keeps the rules it states where its selectors find no other role: then only a part of the cluster was given.
    Source: pkg/controller/clusterroleaggregation.
    """
    rules: dict[str, Sequence[JSONObject]] = {}
    parts: dict[str, list[str]] = {}
    for name, role in roles.items():
        aggregation = role.get("aggregationRule")
        if aggregation is not None:
            parts[name] = [
                other
                for selector in aggregation.get("clusterRoleSelectors") or ()
                for other in sorted(roles)
                if other != name and selects(selector, (roles[other].get("metadata") or {}).get("labels") or {})
            ]
        rules[name] = () if parts.get(name) else tuple(role.get("rules") or ())
    changed = True
    while changed:  # aggregated roles may select each other
        changed = False
        for name, others in parts.items():
            wanted: list[JSONObject] = []
            for other in others:
                wanted += [rule for rule in rules[other] if rule not in wanted]
            if others and len(wanted) != len(rules[name]):
                rules[name] = wanted
                changed = True
    return rules


def _allows(rule: JSONObject, attributes: Attributes) -> bool:
    verbs = rule.get("verbs") or ()
    if "*" not in verbs and attributes.verb not in verbs:
        return False
    if attributes.path:
        return any(_url_matches(url, attributes.path) for url in rule.get("nonResourceURLs") or ())
    groups = rule.get("apiGroups") or ()
    names = rule.get("resourceNames") or ()
    return (
        ("*" in groups or attributes.group in groups) and _resource_matches(rule.get("resources") or (), attributes) and (not names or attributes.name in names)
    )


def _resource_matches(resources: Sequence[str], attributes: Attributes) -> bool:
    wanted = {"*", attributes.resource}
    if attributes.subresource:
        wanted = {"*", f"{attributes.resource}/{attributes.subresource}", f"*/{attributes.subresource}"}
    return not wanted.isdisjoint(resources)


def _url_matches(pattern: str, path: str) -> bool:
    return pattern in ("*", path) or (pattern.endswith("*") and path.startswith(pattern.rstrip("*")))


def _is_subject(subject: JSONObject, attributes: Attributes, binding_namespace: str) -> bool:
    name = str(subject.get("name", ""))
    match subject.get("kind"):
        case "User":
            return attributes.user == name
        case "Group":
            return name in attributes.groups
        case "ServiceAccount":
            namespace = subject.get("namespace") or binding_namespace
            return bool(namespace) and attributes.user == f"{_ACCOUNT}{namespace}:{name}"
    return False


def _describe(binding: JSONObject, subject: JSONObject, namespace: str) -> str:
    name, reference = str(binding["metadata"]["name"]), binding["roleRef"]
    subject_name = str(subject.get("name", ""))
    if subject.get("kind") == "ServiceAccount":
        subject_name = f"{subject_name}/{subject.get('namespace') or namespace}"
    place = f"{name}/{namespace}" if namespace else name
    return (
        f"{'RoleBinding' if namespace else 'ClusterRoleBinding'} {_quoted(place)} of {reference.get('kind', '')} "
        f"{_quoted(str(reference.get('name', '')))} to {subject.get('kind', '')} {_quoted(subject_name)}"
    )


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _is_rbac(value: JSONObject) -> bool:
    return value.get("kind") in RBAC_KINDS and group_version(str(value.get("apiVersion", "")))[0] == RBAC_GROUP


def check_rbac(value: JSONObject) -> None:
    """Raises `InputError` for an RBAC object that the API server could not have stored: a rule that is read wrong would decide wrong."""
    if not _is_rbac(value):
        return
    metadata = value.get("metadata")
    kind = value["kind"]
    if not isinstance(metadata, Mapping) or not isinstance(metadata.get("name"), str) or not metadata["name"]:
        raise InputError(f"a {kind} needs metadata.name")
    whose = f"the {kind} {metadata['name']!r}"
    if kind.endswith("Binding"):
        reference = value.get("roleRef")
        if not isinstance(reference, Mapping) or not isinstance(reference.get("name"), str):
            raise InputError(f"{whose} needs roleRef with kind and name")
        _check_list(whose, "subjects", value.get("subjects"), Mapping)
        return
    _check_list(whose, "rules", value.get("rules"), Mapping)
    for index, rule in enumerate(value.get("rules") or ()):
        for key in ("verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs"):
            _check_list(whose, f"rules[{index}].{key}", rule.get(key), str)
    aggregation = value.get("aggregationRule")
    if aggregation is not None and not isinstance(aggregation, Mapping):
        raise InputError(f"{whose}: aggregationRule must be a mapping")
    _check_list(whose, "aggregationRule.clusterRoleSelectors", (aggregation or {}).get("clusterRoleSelectors"), Mapping)


def _check_list(whose: str, field_path: str, value: Any, kind: type) -> None:
    if value is not None and not (isinstance(value, list | tuple) and all(isinstance(one, kind) for one in value)):
        raise InputError(f"{whose}: {field_path} must be a list of {'strings' if kind is str else 'mappings'}")

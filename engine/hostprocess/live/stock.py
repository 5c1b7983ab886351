"""What policies look up, read from the cluster: Namespaces, parameters and their kinds, RBAC. Only what the policies of the run ask for is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from hostprocess.kubernetes.catalogue import kind_of
from hostprocess.kubernetes.kinds import group_version
from hostprocess.live.access import Reading, not_allowed
from hostprocess.live.client import Client, ClusterError
from hostprocess.live.pages import pages
from hostprocess.model import Binding, InputProblem, ParamKind, ParamRef, Policy

__all__ = ["Stock", "read_all", "read_stock"]

JSONObject = dict[str, Any]
_RBAC = "rbac.authorization.k8s.io/v1"
_RBAC_KINDS = {"roles": "Role", "clusterroles": "ClusterRole", "rolebindings": "RoleBinding", "clusterrolebindings": "ClusterRoleBinding"}
_DEFINITIONS = ("apiextensions.k8s.io/v1", "CustomResourceDefinition")


@dataclass(slots=True)
class Stock:
    """Objects that are looked up, not judged. `complete` are the (apiVersion, kind) of which nothing else exists that could be asked for."""

    objects: list[JSONObject] = field(default_factory=list)
    complete: set[tuple[str, str]] = field(default_factory=set)
    notes: list[InputProblem] = field(default_factory=list)

    def note(self, message: str) -> None:
        """Says what a run has to do without."""
        self.notes.append(InputProblem(path="", message=message, note=True))


def read_all(client: Client, reading: Reading, stock: Stock, query: dict[str, str] | None = None) -> list[JSONObject] | None:
    """All objects of a list, or the one that is named; None, and a note, where the right is missing. Raises `ClusterError` if the cluster is lost."""
    try:
        if reading.name:
            return [client.get(reading.path)]
        told: list[str] = []
        found = [one for page in pages(client, reading.path, query, tell=told.append) for one in page]
        for message in dict.fromkeys(told):
            stock.note(f"{reading.words}: {message}")
        return found
    except ClusterError as error:
        if error.ends:
            raise
        if error.code == 404:
            return []
        why = not_allowed([reading], error) if error.code == 403 else error.message
        stock.note(f"what depends on {reading.words} is unknown: {why}")
        return None


def read_stock(client: Client, policies: Sequence[Policy], bindings: Sequence[Binding], kinds: frozenset[str], namespace: str, kubernetes: str) -> Stock:
    """What these policies look up; `kinds` as `Evaluator.looks_up` has them. Raises `ClusterError` if the cluster is lost."""
    stock = Stock()
    if "Namespace" in kinds:
        _take(stock, [("v1", "Namespace")], [read_all(client, Reading(api_version="v1", resource="namespaces", name=namespace), stock)])
    if any("authorizer" in text for policy in policies for text in _texts(policy)):
        # Roles without their bindings, or the other way about, would say that nobody may do anything.
        readings = [Reading(api_version=_RBAC, resource=resource) for resource in _RBAC_KINDS]
        _take(stock, [(_RBAC, kind) for kind in _RBAC_KINDS.values()], [read_all(client, one, stock) for one in readings])
    _read_parameters(client, policies, bindings, namespace, kubernetes, stock)
    return stock


def _take(stock: Stock, keys: Sequence[tuple[str, str]], found: Sequence[list[JSONObject] | None]) -> None:
    lists = [one for one in found if one is not None]
    if len(lists) == len(found):
        stock.objects += [value for several in lists for value in several]
        stock.complete.update(keys)


def _texts(policy: Policy) -> Iterator[str]:
    for one in policy.validations:
        yield from (one.expression, one.message_expression, one.when)
    yield from (one.expression for one in policy.variables)
    yield from (one.expression for one in policy.match_conditions)
    yield from (one.value_expression for one in policy.audit_annotations)


def _read_parameters(client: Client, policies: Iterable[Policy], bindings: Sequence[Binding], namespace: str, kubernetes: str, stock: Stock) -> None:
    kinds = {policy.name: policy.param_kind for policy in policies if policy.param_kind}
    asked: dict[ParamKind, list[ParamRef]] = {kind: [] for kind in kinds.values()}
    for binding in bindings:
        kind = kinds.get(binding.policy_name)
        if kind and binding.param_ref and binding.param_ref not in asked[kind]:
            asked[kind].append(binding.param_ref)
    for kind, references in asked.items():
        served = _served(client, kind, kubernetes, stock)
        if served is None:
            continue
        resource, namespaced = served
        found = [read_all(client, _reading(kind, resource, namespaced, one, namespace), stock, _query(one)) for one in references]
        unique = {((one.get("metadata") or {}).get("namespace"), (one.get("metadata") or {}).get("name")): one for several in found for one in several or ()}
        _take(stock, [(kind.api_version, kind.kind)], [list(unique.values()) if None not in found else None])


def _reading(kind: ParamKind, resource: str, namespaced: bool, reference: ParamRef, namespace: str) -> Reading:
    within = (reference.namespace or namespace) if namespaced else ""
    # Without a namespace of its own a reference is to that of each request: one name in all of them is a list.
    name = reference.name if within or not namespaced else ""
    return Reading(api_version=kind.api_version, resource=resource, namespace=within, name=name)


def _query(reference: ParamRef) -> dict[str, str]:
    """What narrows a list of parameters; selectors are left to whoever looks up, who has to know them all anyway."""
    return {"fieldSelector": f"metadata.name={reference.name}"} if reference.name else {}


def _served(client: Client, kind: ParamKind, kubernetes: str, stock: Stock) -> tuple[str, bool] | None:
    """How the kind of parameters is served; that of custom resources with its CustomResourceDefinition. None if it is not, or that cannot be told."""
    known = kind_of(kind.api_version, kind.kind, kubernetes)
    if known and known.resource:
        return known.resource, known.namespaced
    group, version = group_version(kind.api_version)
    try:
        answer = client.get(f"/apis/{quote(group, safe='')}/{quote(version, safe='')}") if group else {}
    except ClusterError as error:
        if error.code != 404:
            raise
        answer = {}
    served = next((one for one in answer.get("resources") or () if one.get("kind") == kind.kind and "/" not in one["name"]), None)
    stock.complete.add(_DEFINITIONS)
    if served is None:
        return None
    definition = read_all(client, Reading(api_version=_DEFINITIONS[0], resource="customresourcedefinitions", name=f"{served['name']}.{group}"), stock)
    stock.objects += definition or [_definition(kind, served)]
    return str(served["name"]), bool(served["namespaced"])


def _definition(kind: ParamKind, served: JSONObject) -> JSONObject:
    """What discovery tells of a kind, as the definition that the user may not read."""
    group, version = group_version(kind.api_version)
    return {
        "apiVersion": _DEFINITIONS[0],
        "kind": _DEFINITIONS[1],
        "metadata": {"name": f"{served['name']}.{group}"},
        "spec": {
            "group": group,
            "names": {"kind": kind.kind, "plural": served["name"], "singular": served.get("singularName") or kind.kind.lower()},
            "scope": "Namespaced" if served["namespaced"] else "Cluster",
            "versions": [{"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}],
        },
    }

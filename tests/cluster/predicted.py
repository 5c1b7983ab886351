"""What the engine says of requests, by its Python API: policies as exported, objects as sent, the inventory as the cluster has it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kube_client import Json
from kube_cluster import Cluster

import hostprocess
from hostprocess.inventory import Inventory
from hostprocess.model import Decision, Outcome
from hostprocess.responses import FAILURES_KEY, denial
from hostprocess.suite.native import resource_of

__all__ = ["RBAC", "Asked", "Denial", "Failure", "Prediction", "inventory_of", "predictions"]

PLUGINS = ("ServiceAccount", "Priority", "RuntimeClass", "DefaultTolerationSeconds")
LOOKED_UP = (
    ("v1", "Namespace"),
    ("v1", "ConfigMap"),
    ("v1", "ServiceAccount"),
    ("scheduling.k8s.io/v1", "PriorityClass"),
    ("node.k8s.io/v1", "RuntimeClass"),
)
RBAC = tuple(("rbac.authorization.k8s.io/v1", kind) for kind in ("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"))
Denial = tuple[int, str, str]  # code, reason, message of the status
Failure = tuple[str, str, int, str, tuple[str, ...]]  # policy, binding, index of the expression, message, actions: what the audit annotation holds


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """The answers that the API server may give: of several denials it takes any. `refused` says why no policy is asked at all."""

    refused: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    denials: frozenset[Denial] = frozenset()
    warnings: frozenset[str] = frozenset()
    failures: tuple[Failure, ...] = ()
    annotation: str = ""


def inventory_of(cluster: Cluster, *kinds: tuple[str, str]) -> list[hostprocess.Resource]:
    """The objects that policies and plug-ins look up, read from the cluster; `kinds` are others to read."""
    found = []
    for api_version, kind in (*LOOKED_UP, *kinds):
        for item in cluster.required(cluster.list(api_version, kind)).items:
            found.append(resource_of({"apiVersion": api_version, "kind": kind, **item}, "inventory"))
    return found


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request as the engine takes it."""

    object: Json
    old: Json | None = None
    subresource: str = ""


def predictions(
    policies: hostprocess.PolicySet,
    asked: Sequence[Asked],
    inventory: Sequence[hostprocess.Resource],
    user: str = "admin",
    groups: Sequence[str] = ("system:masters",),
) -> list[Prediction]:
    """One for each request, in order."""
    together: dict[tuple[bool, str], list[int]] = {}
    for index, one in enumerate(asked):
        together.setdefault((one.old is not None, one.subresource), []).append(index)
    found: dict[int, Prediction] = {}
    for (update, subresource), indexes in together.items():
        for part in _apart(asked, indexes) if update else [indexes]:
            arguments: dict[str, Any] = {"operation": "UPDATE" if update else "CREATE", "subresource": subresource, "user": user, "groups": groups}
            found |= _evaluated(policies, asked, part, inventory, arguments)
    return [found[index] for index in range(len(asked))]


def _apart(asked: Sequence[Asked], indexes: Iterable[int]) -> list[list[int]]:
    """Requests in as few runs as can be, so that no run has two stored objects of one name that differ."""
    runs: list[tuple[dict[tuple[str, ...], Json], list[int]]] = []
    for index in indexes:
        old = asked[index].old or {}
        key = (old["kind"], old["metadata"]["namespace"], old["metadata"]["name"])
        run = next((run for run in runs if run[0].get(key, old) == old), None)
        if run is None:
            runs.append(run := ({}, []))
        run[0][key] = old
        run[1].append(index)
    return [run[1] for run in runs]


def _evaluated(
    policies: hostprocess.PolicySet, asked: Sequence[Asked], indexes: Sequence[int], inventory: Sequence[hostprocess.Resource], arguments: Mapping[str, Any]
) -> dict[int, Prediction]:
    decisions: dict[int, list[Decision]] = {index: [] for index in indexes}
    refused: dict[int, list[str]] = {index: [] for index in indexes}
    resources: list[Any] = []
    for index in indexes:
        try:
            resources.append(resource_of(asked[index].object, str(index)))
        except hostprocess.InputError as error:
            refused[index].append(error.message)
    old = {id(one): one for index in indexes if (one := asked[index].old)}
    stored = {"old": [resource_of(one, f"old {number}") for number, one in enumerate(old.values())]} if old else {}
    report = hostprocess.evaluate_resources(policies, resources, inventory=inventory, admission_plugins=PLUGINS, namespace="default", **stored, **arguments)
    for problem in report.problems:
        if not problem.note and problem.path:
            refused[int(problem.path)].append(problem.message)
    for result in report.results:
        decisions[int(result.path)].append(result.decision)
    bindings = {(one.policy_name, one.name): one for one in policies.bindings}
    kubernetes = policies.targets.kubernetes
    return {
        index: Prediction(refused=tuple(refused[index]))
        if refused[index]
        else _prediction(decisions[index], _requested(asked[index].object, kubernetes), bindings)
        for index in indexes
    }


def _requested(value: Json, kubernetes: str) -> str:
    """A resource and a name, as a Status begins."""
    api_version = value["apiVersion"]
    resource = Inventory.of([], kubernetes=kubernetes).resource_type(api_version, value["kind"]).plural
    group = api_version.partition("/")[0] if "/" in api_version else ""
    return f'{resource}.{group} "{value["metadata"]["name"]}"' if group else f'{resource} "{value["metadata"]["name"]}"'


def _prediction(decisions: Sequence[Decision], requested: str, bindings: Mapping[tuple[str, str], Any]) -> Prediction:
    certain = [one for one in decisions if one.outcome is not Outcome.UNKNOWN]
    return Prediction(
        unknown=tuple(one.message for one in decisions if one.outcome is Outcome.UNKNOWN),
        denials=frozenset(
            (one.code, one.reason, f"{requested} is forbidden: {denial(one.policy, one.binding, one.message)}") for one in certain if "Deny" in one.actions
        ),
        warnings=frozenset(text for one in certain for text in one.warnings),
        failures=tuple(
            (one.policy, one.binding, max(one.index, 0), one.message, bindings[one.policy, one.binding].written_actions)
            for one in certain
            if "Audit" in one.actions
        ),
        annotation=next((one.audit_annotations[FAILURES_KEY] for one in decisions if FAILURES_KEY in one.audit_annotations), ""),
    )

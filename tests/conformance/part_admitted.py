"""Part 2: the object as the API server presents it, for pods, templates in every workload kind and other kinds; with plug-ins; creations and updates."""

# ruff: noqa: E501 - lists of values
from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import odd_objects
import windows_pods
from compare import first_difference, reduced
from draw import drawn
from session import Session

from hostprocess.kubernetes.admitted import PLUGINS, present
from hostprocess.model import Unknown

PART = "admitted"
PODS, WORKLOADS, WINDOWS, OTHERS, WRONG, UPDATES, PLUGGED = 900, 1200, 1500, 1500, 600, 500, 400
_SERVER_ONLY = ("uid", "creationTimestamp", "resourceVersion", "managedFields")
_NAMES = ("ServiceAccount", "DefaultTolerationSeconds", "Priority", "RuntimeClass")
_CLUSTER: list[dict[str, Any]] = [
    {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace}, **more}
    for namespace in ("shop", "default")
    for name, more in (("default", {}), ("sa", {"imagePullSecrets": [{"name": "pull"}], "automountServiceAccountToken": False}), ("old", {}))
] + [
    {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "high"}, "value": 1000, "preemptionPolicy": "Never"},
    {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "usual"}, "value": 7, "globalDefault": True},
    {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": "rc"}, "handler": "h", "overhead": {"podFixed": {"cpu": "1000m"}}, "scheduling": {"nodeSelector": {"a": "b"}, "tolerations": [{"key": "t", "operator": "Exists"}]}},
]  # fmt: skip


def run(session: Session) -> None:
    """Compares the presented object, or the error of decoding, case by case."""
    session.one("cluster", objects=[*_CLUSTER, *({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in ("shop",))])
    start, cases = session.seed, session.cases
    groups = {
        "pods": drawn(odd_objects.pods, cases(PODS), start),
        "workloads": drawn(odd_objects.workloads(), cases(WORKLOADS), start),
        "Windows pods": drawn(windows_pods.objects(), cases(WINDOWS), start + 1),
        "other kinds": drawn(odd_objects.others(), cases(OTHERS), start),
        "wrong fields": drawn(odd_objects.wrong(), cases(WRONG), start),
    }
    for group, values in groups.items():
        _compare(session, group, [{"object": value, "operation": "CREATE"} for value in values])
    pods = drawn(odd_objects.pods, cases(PLUGGED), start + 2)
    _compare(session, "plug-ins", [{"object": value, "operation": "CREATE", "plugins": list(_NAMES[: 1 + index % 4])} for index, value in enumerate(pods)])
    stored = drawn(odd_objects.workloads(), cases(UPDATES), start + 3) + drawn(odd_objects.pods, cases(UPDATES), start + 3)
    _compare(session, "updates", [_update(session, value, index) for index, value in enumerate(stored)])


def _update(session: Session, value: dict[str, Any], index: int) -> dict[str, Any]:
    """An update that changes little, of an object that was stored."""
    metadata = {key: one for key, one in value["metadata"].items() if key not in (*_SERVER_ONLY, "generation")} | {"uid": "u", "resourceVersion": "5"}
    old = {**value, "metadata": {**metadata, "generation": 3, "creationTimestamp": "2024-01-01T00:00:00Z"}}
    new = {**value, "metadata": {**metadata, "annotations": {"changed": str(index)}}}
    if isinstance(new.get("spec"), dict) and "replicas" in new["spec"]:
        new["spec"] = {**new["spec"], "replicas": 7}
    return {"object": new, "oldObject": old, "operation": "UPDATE"}


def _compare(session: Session, group: str, questions: Sequence[dict[str, Any]]) -> None:
    answers = session.ask("admit", questions)
    for question, theirs in zip(questions, answers, strict=True):
        if theirs["errors"] and not theirs["object"]:
            session.tally.set_apart(PART, "old object refused", session.minor)
            continue
        feature = question["object"]["kind"] if group == "other kinds" else group
        found = differences(session.minor, question, theirs)
        unknown = session.tally.differ(PART, feature, session.minor, found)
        if session.may_reduce(unknown):
            small = _reduced(session, question, found[0][0])
            session.tally.replace_last(differences(session.minor, small, session.one("admit", **small)))


def _reduced(session: Session, question: dict[str, Any], field: str) -> dict[str, Any]:
    def differs(value: dict[str, Any]) -> bool:
        if not value.get("kind") or not value.get("apiVersion") or not value.get("metadata", {}).get("name"):
            return False
        smaller = {**question, "object": value}
        found = differences(session.minor, smaller, session.one("admit", **smaller))
        return bool(found) and found[0][0] == field

    return {**question, "object": reduced(question["object"], differs)}


def differences(minor: str, question: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[tuple[str, Any, Any, Any]]:
    """Where the presented object differs, or the error."""
    how = dict(question)
    namespace = (question["object"].get("metadata") or {}).get("namespace", "") if isinstance(question["object"].get("metadata"), dict) else ""
    ours = present(
        question["object"],
        kubernetes=minor,
        operation=question["operation"],
        old_object=question.get("oldObject"),
        plugins=[name for name in question.get("plugins", ()) if name in PLUGINS],
        namespace=namespace or "default",
        find=_find,
    )
    if theirs["decodeError"] or ours.faults:
        return [("decodeError", theirs["decodeError"], ours.decode_error, how)] if theirs["decodeError"] != ours.decode_error else []
    if ours.refusals or _by_plugin(theirs):
        texts = [error["message"] for error in theirs["errors"] if error.get("plugin")]
        if not texts and theirs["errors"]:
            return []
        return [("refusals", texts, list(ours.refusals), how)] if sorted(texts) != sorted(ours.refusals) else []
    left, right = _known(theirs["object"], ours.object), ours.object
    found = first_difference(left, _without_unknown(right))
    return [(f"object{found[0]}", found[1], found[2], how)] if found else []


def _by_plugin(theirs: Mapping[str, Any]) -> bool:
    return any(error.get("plugin") for error in theirs["errors"])


def _find(api_version: str, kind: str, namespace: str, name: str) -> dict[str, Any] | None:
    for one in _CLUSTER:
        if not name and one.get("globalDefault"):
            return one
        metadata = one["metadata"]
        if (one["apiVersion"], one["kind"], metadata.get("namespace", ""), metadata["name"]) == (api_version, kind, namespace or "", name):
            return one
    return None


def _known(theirs: Any, ours: Any) -> Any:
    """The API server's object without what ours calls unknown there, and without the times and ids that it makes up."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        return {key: _known(one, ours.get(key)) for key, one in theirs.items() if not isinstance(ours.get(key), Unknown)}
    if isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        return [_known(*pair) for pair in zip(theirs, ours, strict=True)]
    return theirs


def _without_unknown(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_unknown(one) for key, one in value.items() if not isinstance(one, Unknown)}
    return [_without_unknown(one) for one in value] if isinstance(value, list) else value

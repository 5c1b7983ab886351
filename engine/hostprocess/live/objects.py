"""The objects of a cluster that are judged: pods and what makes pods, each once, read as they are needed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hostprocess.kubernetes.kinds import POD_TEMPLATES, plural
from hostprocess.live.access import Reading, not_allowed
from hostprocess.live.client import Client, ClusterError
from hostprocess.live.pages import PAGE, pages
from hostprocess.model import CLUSTER, InputProblem, Origin, Resource

__all__ = ["JUDGED", "read_workloads", "resource_of"]

JSONObject = dict[str, Any]
# Owners before what they own: whose owner was judged is not judged again.
_ORDER = ("CronJob", "Deployment", "DaemonSet", "StatefulSet", "ReplicationController", "PodTemplate", "Job", "ReplicaSet", "Pod")
JUDGED = tuple(sorted(POD_TEMPLATES, key=lambda one: _ORDER.index(one[1])))


def read_workloads(client: Client, namespace: str = "", *, owned: bool = False, limit: int = PAGE) -> Iterator[Resource | InputProblem]:
    """Pods and workloads, those of one namespace or all. What another one of them controls is left out, unless `owned`.

    A list that cannot be read, or breaks off, is a problem in its place; what was read before stands, and is labelled as partial.
    """
    controllers: set[str] = set()
    forbidden: list[Reading] = []
    refused: ClusterError | None = None
    found = 0
    for number, (api_version, kind) in enumerate(JUDGED):
        reading = Reading(api_version=api_version, resource=plural(kind), namespace=namespace)
        told: list[str] = []
        before = found
        try:
            for page in pages(client, reading.path, tell=told.append, limit=limit):
                for value in page:
                    metadata = value.get("metadata") or {}
                    if kind != "Pod":
                        controllers.add(str(metadata.get("uid")))
                    found += 1
                    if owned or _controller(metadata) not in controllers:
                        yield resource_of(value)
                yield from _notes(reading, told)
            yield from _notes(reading, told)
        except ClusterError as error:
            yield from _notes(reading, told)
            if error.code == 403 and found == before:
                forbidden.append(reading)
                refused = refused or error
                continue
            if error.code == 404:
                yield InputProblem(path="", message=f"this cluster does not serve {reading.words}", note=True)
                continue
            yield _failed(reading, error, found - before)
            if error.ends:
                left = [plural(other) for _, other in JUDGED[number + 1 :]]
                unread = f"; not read at all: {', '.join(left)}" if left else ""
                yield InputProblem(path="", message=f"partial results: the cluster was lost after {found:,} objects{unread}")
                break
    if refused:
        yield InputProblem(path="", message=f"partial results: {not_allowed(forbidden, refused)}" + ("" if namespace else "; or use --namespace"))


def resource_of(value: JSONObject) -> Resource:
    """An object of a cluster, at a place that names it: there is no file, and no line."""
    metadata = value.get("metadata") or {}
    parts = [metadata.get("namespace"), value.get("kind"), metadata.get("name")]
    path = CLUSTER + "/".join(str(part) for part in parts if part)
    return Resource(object=value, origin=Origin(path=path, line=0, column=0, syntax="json"))


def _notes(reading: Reading, told: list[str]) -> Iterator[InputProblem]:
    for message in told:
        yield InputProblem(path="", message=f"{reading.words}: {message}", note=True)
    told.clear()


def _failed(reading: Reading, error: ClusterError, read: int) -> InputProblem:
    how = f"the list of {reading.words} broke off after {read:,} objects" if read else f"{reading.words} cannot be read"
    return InputProblem(path="", message=f"partial results: {how}: {error.message}")


def _controller(metadata: JSONObject) -> str:
    owners = metadata.get("ownerReferences") or ()
    return next((str(one.get("uid")) for one in owners if one.get("controller")), "")

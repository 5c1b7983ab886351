"""A running cluster, as `check_cluster` sees it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from hostprocess.cel.runtime import NEWEST
from hostprocess.errors import InputError, raise_all
from hostprocess.kubernetes.catalogue import release_number
from hostprocess.live.access import Reading, not_allowed
from hostprocess.live.client import Client, ClusterError
from hostprocess.live.connect import connect
from hostprocess.live.nodes import Pools, read_pools
from hostprocess.live.objects import read_workloads, resource_of
from hostprocess.live.pages import PAGE
from hostprocess.live.stock import Stock, read_all, read_stock
from hostprocess.model import CLUSTER, Binding, InputProblem, Policy, Resource
from hostprocess.policy import parse_binding, parse_policy
from hostprocess.policy_files import PolicyFiles

__all__ = ["LiveCluster", "open_cluster"]

_OLDEST = "1.22"  # the first with HostProcess pods
_GROUP = "admissionregistration.k8s.io"
_MINOR = re.compile(r"\d+")


class LiveCluster:
    """What is read of one cluster. `notes` are for the report; `pools` are the containerd releases of its Windows nodes, if they were asked for.

    `namespace` is the only one that is looked into, empty for all; `kubernetes` the release that its objects are judged for.
    """

    def __init__(self, client: Client, *, namespace: str = "", owned: bool = False, node_runtime: bool = False, limit: int = PAGE) -> None:
        """Asks for the version, and for the nodes if need be. Raises `ClusterError`."""
        self._client = client
        self._owned = owned
        self._limit = limit
        self.namespace = namespace
        self.notes: list[InputProblem] = []
        self.version, self.kubernetes = self._read_version()
        self.pools: Pools | None = None
        if node_runtime:
            pools, notes = read_pools(client)
            self.pools = pools if pools.nodes else None
            for message in notes:
                self._note(message)

    def resources(self) -> Iterator[Resource | InputProblem]:
        """The objects that are judged, as they are read."""
        empty = True
        for one in read_workloads(self._client, self.namespace, owned=self._owned, limit=self._limit):
            empty &= isinstance(one, InputProblem) and one.note
            yield one
        if empty and self.namespace:
            yield from self._without_namespace()

    def stock(self, policies: Sequence[Policy], bindings: Sequence[Binding], kinds: frozenset[str]) -> Stock:
        """What these policies look up. Raises `ClusterError` if the cluster is lost."""
        return read_stock(self._client, policies, bindings, kinds, self.namespace, self.kubernetes)

    def policies(self) -> PolicyFiles:
        """The ValidatingAdmissionPolicies of the cluster and their bindings. Raises `InputError` if they cannot be read."""
        found: list[list[Resource]] = []
        errors: list[InputError] = []
        for resource in ("validatingadmissionpolicies", "validatingadmissionpolicybindings"):
            stock = Stock()
            values = []
            for version in ("v1", "v1beta1"):
                values = read_all(self._client, Reading(api_version=f"{_GROUP}/{version}", resource=resource), stock) or []
                if values or stock.notes:
                    break
            errors += [InputError(f"--policies {CLUSTER}: {note.message}") for note in stock.notes]
            found.append([resource_of(value) for value in values])
        raise_all(errors)
        if not found[0]:
            raise InputError(f"--policies {CLUSTER}: there are no ValidatingAdmissionPolicies in {self._client.name}")
        return PolicyFiles(policies=tuple(map(parse_policy, found[0])), bindings=tuple(map(parse_binding, found[1])), objects=(), notes=())

    def _without_namespace(self) -> Iterator[InputProblem]:
        reading = Reading(api_version="v1", resource="namespaces", name=self.namespace)
        try:
            self._client.get(reading.path)
            message, note = f"there are no pods and no workloads in the namespace {self.namespace!r}", True
        except ClusterError as error:
            if error.code == 404:
                message, note = f"there is no namespace {self.namespace!r} in {self._client.name}", False
            else:
                why = not_allowed([reading], error) if error.code == 403 else error.message
                message, note = f"nothing was found in the namespace {self.namespace!r}, and whether there is one cannot be told: {why}", True
        yield InputProblem(path="", message=message, note=note)

    def _read_version(self) -> tuple[str, str]:
        told = self._client.get("/version")
        major, minor = _MINOR.match(str(told.get("major", ""))), _MINOR.match(str(told.get("minor", "")))
        if "gitVersion" not in told:
            raise ClusterError(f"{self._client.host} does not tell its version: is it an API server of Kubernetes?")
        if not major or not minor:  # one that somebody has built without a version
            self._note(f"the API server does not know its own release: judged as for {NEWEST}, unless --kubernetes says another")
            return str(told["gitVersion"]), NEWEST
        release = f"{major[0]}.{minor[0]}"
        known = max(min(release, NEWEST, key=release_number), _OLDEST, key=release_number)
        if known != release:
            self._note(f"the cluster is of Kubernetes {release}, which this version does not know: judged as for {known}")
        return str(told.get("gitVersion") or release), known

    def _note(self, message: str) -> None:
        self.notes.append(InputProblem(path="", message=message, note=True))


def open_cluster(
    *, kubeconfig: str = "", context: str = "", namespace: str = "", all_namespaces: bool = False, owned: bool = False, node_runtime: bool = False
) -> LiveCluster:
    """Connects to the cluster of a context; without `namespace` and `all_namespaces` it is the namespace of the context that is looked into.

    Raises `InputError` and `UsageError` as `connect` does, and `ClusterError` if the API server cannot be asked.
    """
    client = connect(kubeconfig, context)
    chosen = "" if all_namespaces else namespace or client.namespace
    cluster = LiveCluster(client, namespace=chosen, owned=owned, node_runtime=node_runtime)
    if not namespace and not all_namespaces:
        cluster.notes.append(InputProblem(path="", message=f"only the namespace {chosen!r} of the context is looked into; -A is for all", note=True))
    return cluster

"""An export that the cluster enforces, and requests under it: each answer is compared with what the engine says before a test looks at it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from decided import Answer, answer_of, differences
from exports import policy_set, replaced
from kube_client import ADMIN, Identity, Json, Response
from kube_cluster import Cluster
from predicted import Asked, inventory_of, predictions
from record import Record

import hostprocess

__all__ = ["Enforced", "Enforcer"]


@dataclass(slots=True)
class Enforced:
    """What is enforced. All requests are dry runs. `kinds` are kinds of objects that the engine is given besides those that it always is."""

    cluster: Cluster
    policies: hostprocess.PolicySet
    record: Record
    part: str
    kinds: tuple[tuple[str, str], ...] = ()

    def create(self, obj: Json, identity: Identity = ADMIN) -> Answer:
        """The answer to the creation of an object. Raises AssertionError if it is not the engine's."""
        return self._compared(self.cluster.create(obj, dry_run=True, identity=identity), Asked(object=obj), identity)

    def update(self, obj: Json, stored: Json, subresource: str = "", identity: Identity = ADMIN) -> Answer:
        """The answer to the replacement of what is stored. Raises as `create`."""
        response = self.cluster.update(obj, subresource=subresource, dry_run=True, identity=identity)
        return self._compared(response, Asked(object=obj, old=stored, subresource=subresource), identity)

    def _compared(self, response: Response, asked: Asked, identity: Identity) -> Answer:
        answer = answer_of(self.cluster, response)
        who = identity.user or "admin"
        groups = identity.groups if identity.user else ("system:masters",)
        (said,) = predictions(self.policies, [asked], inventory_of(self.cluster, *self.kinds), who, tuple(dict.fromkeys([*groups, "system:authenticated"])))
        metadata = asked.object["metadata"]
        where = f"{asked.object['kind']} {metadata['namespace']}/{metadata['name']} by {who}"
        unknown = self.record.count_one(self.part, answer, tuple(differences(answer, said, self.cluster.minor, where)))
        assert not unknown, "\n".join(map(str, unknown))
        return answer


@dataclass(slots=True)
class Enforcer:
    """Has the cluster enforce one export after another. Policies stay between two: the API server compiles each for a good part of a second."""

    cluster: Cluster
    record: Record
    part: str
    _present: list[Json] = field(default_factory=list)

    @contextlib.contextmanager
    def enforced(self, objects: Sequence[Json], *kinds: tuple[str, str]) -> Iterator[Enforced]:
        """The objects of an export, enforced; afterwards nothing is bound. For `kinds` see Enforced."""
        try:
            self._replace(objects)
            yield Enforced(self.cluster, policy_set(objects, self.cluster.minor), self.record, self.part, kinds)
        finally:
            self._replace([one for one in objects if one["kind"] == "ValidatingAdmissionPolicy"])

    def close(self) -> None:
        """Takes the policies away."""
        self._replace([])

    def _replace(self, objects: Sequence[Json]) -> None:
        old, self._present = self._present, list(objects)
        replaced(self.cluster, old, self._present)

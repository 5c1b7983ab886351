"""Every export applies, and the API server's type check of its policies has nothing to say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from decided import Difference
from exports import ALL_BUNDLES, as_written, exported, read_bundle, replaced
from kube_client import Json
from kube_cluster import Cluster
from record import Record

import hostprocess

BUNDLES = Path(__file__).parents[2] / "bundles"
SETS = ("audit", "warn", "deny")


class Applied:
    """What is applied at present. Policies that stay are not written again: the API server compiles and checks each for a good part of a second."""

    def __init__(self, cluster: Cluster, record: Record) -> None:
        self.cluster = cluster
        self._record = record
        self._objects: Sequence[Json] = []

    def set(self, objects: Sequence[Json]) -> None:
        replaced(self.cluster, self._objects, objects)
        self._objects = objects

    def warned_of(self) -> list[Difference]:
        """What the type check warns of."""
        names = [one["metadata"]["name"] for one in self._objects if one["kind"] == "ValidatingAdmissionPolicy"]
        assert names
        return self._record.type_faults({name: self.cluster.type_checking(name) for name in names})


@pytest.fixture(scope="module")
def present(cluster: Cluster, record: Record) -> Iterator[Applied]:
    applied = Applied(cluster, record)
    yield applied
    applied.set([])


def test_the_checked_in_bundles_apply(present: Applied) -> None:
    for overlay in SETS:
        objects = read_bundle(BUNDLES / present.cluster.policies.partition("/")[2], overlay)
        assert len({one["metadata"]["name"] for one in objects if one["kind"] == "ValidatingAdmissionPolicy"}) >= 9
        present.set(objects)
        assert present.warned_of() == []


@pytest.mark.parametrize("bundle", ALL_BUNDLES)
def test_each_bundle_applies_by_itself(present: Applied, bundle: str) -> None:
    present.set(as_written(exported(present.cluster.minor, bundles=(bundle,)), "deny"))
    assert present.warned_of() == []


# Policies for each rule, and those of other releases of containerd, are type checked in test_suite_requests.py.
OPTIONS: list[dict[str, Any]] = [
    {"with_authorizer": True, "include_kube_system": True, "workloads": "deny"},
    {"workloads": "off", "deny_documented": True, "params_missing": "Deny"},
    {
        "exemptions": hostprocess.Exemptions(
            namespaces=("monitoring",), namespace_selectors=("team in (a, b)", "!audited"), service_accounts=("shop/robot",), users=("it's jane", "a\\b")
        )
    },
]


@pytest.mark.parametrize("options", OPTIONS, ids=[", ".join(one) for one in OPTIONS])
def test_exports_with_options_apply(present: Applied, options: dict[str, Any]) -> None:
    export = exported(present.cluster.minor, **options)
    for name in SETS:
        present.set(as_written(export, name))
        assert present.warned_of() == []

"""The fixture `cluster`, one for all tests of the folder. Those that ask for it run with `make cluster-test` only."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE)]

from kube_cluster import CACHE, Cluster  # noqa: E402
from record import Record  # noqa: E402


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skips the tests of this folder that need a cluster, unless told that they are wanted."""
    if os.environ.get("HOSTPROCESS_CLUSTER") == "1":
        return
    reason = "starts a real API server, built for minutes: run `make cluster-test`"
    for item in items:
        if HERE in item.path.parents and "kubernetes" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def kubernetes() -> str:
    """The minor release that the tests run on. A test that starts a cluster of its own asks for it too."""
    return os.environ.get("HOSTPROCESS_CLUSTER_MINOR", "1.37")


@pytest.fixture(scope="session")
def cluster(kubernetes: str) -> Iterator[Cluster]:
    """The cluster of the whole run. Policies are cluster-wide: a test binds its own to Namespaces of its own."""
    with Cluster(kubernetes) as running:
        yield running


@pytest.fixture(scope="session")
def record(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[Record]:
    """What the run finds; written down once all tests of the folder have run without a failure."""
    found = Record(cluster.minor, cluster.version)
    yield found
    if not request.session.testsfailed and "every request" in found.parts and found.latency:
        found.write(CACHE / "results")

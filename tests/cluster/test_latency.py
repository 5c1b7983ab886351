"""What all bundles cost: the time of a pod create with and without them. Printed, and asserted by no time: the machine may do other things as well."""

from __future__ import annotations

import statistics
import time

import pytest
from exports import as_written, exported, replaced
from kube_client import Json
from kube_cluster import Cluster
from pods import linux_pod, sound_pod
from record import Record

ROUNDS = 400
WARM_UP = 100
PODS = {"ordinary": linux_pod("default"), "HostProcess": sound_pod("default")}


def medians(first: Cluster, second: Cluster, pod: Json, dry_run: bool) -> list[float]:
    """The median times of a create in each cluster, asked in turns, in milliseconds."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(WARM_UP + ROUNDS):
        for cluster, taken in ((first, times[0]), (second, times[1])) if number % 2 else ((second, times[1]), (first, times[0])):
            named = {**pod, "metadata": {**pod["metadata"], "name": f"p{time.monotonic_ns()}"}}
            started = time.perf_counter()
            answer = cluster.create(named, dry_run=dry_run)
            taken.append(time.perf_counter() - started)
            assert answer.code == 201, answer.message
    return [statistics.median(taken[WARM_UP:]) * 1000 for taken in times]


def ratios(kubernetes: str, objects: list[Json], pods: dict[str, Json]) -> dict[tuple[str, bool], list[list[float]]]:
    """The medians without and with these policies, by pod and whether it was a dry run.

    In two clusters, of which now one and then the other has the policies, so that what else differs between them counts for neither.
    """
    found: dict[tuple[str, bool], list[list[float]]] = {}
    with Cluster(kubernetes) as one, Cluster(kubernetes) as other:
        for bare, with_policies in ((one, other), (other, one)):
            replaced(bare, objects, [])
            replaced(with_policies, [], objects)
            for policy in (one["metadata"]["name"] for one in objects if one["kind"] == "ValidatingAdmissionPolicy"):
                with_policies.type_checking(policy, timeout=120)  # which takes some seconds for each, beside all requests
            for name, pod in pods.items():
                for dry_run in (True, False):
                    found.setdefault((name, dry_run), []).append(medians(bare, with_policies, pod, dry_run))
    return found


def never_concerned(objects: list[Json]) -> list[Json]:
    """The same with `false` as the only condition of each policy: what the API server needs to find out that a policy has nothing to do."""
    false = [{"name": "never", "expression": "false"}]
    return [{**one, "spec": {**one["spec"], "matchConditions": false}} if one["kind"] == "ValidatingAdmissionPolicy" else one for one in objects]


def test_what_all_bundles_cost(kubernetes: str, record: Record, capsys: pytest.CaptureFixture[str]) -> None:
    objects = as_written(exported(kubernetes, with_authorizer=True), "deny")
    found = ratios(kubernetes, objects, PODS)
    found |= ratios(kubernetes, never_concerned(objects), {"ordinary, policies whose condition is `false`": PODS["ordinary"]})
    for (name, dry_run), both in found.items():
        none, all_ = (statistics.fmean(times) for times in zip(*both, strict=True))
        ratio = statistics.geometric_mean([after / before for before, after in both])
        record.latency[f"{name}, {'dry run' if dry_run else 'stored'}"] = {"none, ms": round(none, 2), "all, ms": round(all_, 2), "ratio": round(ratio, 3)}
    assert all(one["ratio"] > 0 for one in record.latency.values())
    with capsys.disabled():
        print()
        for name, figures in record.latency.items():
            print(f"pod create, {name}: {figures['none, ms']} ms without policies, {figures['all, ms']} ms with all bundles, {figures['ratio'] - 1:+.1%}")

"""Policy reports are applied to a cluster with the CustomResourceDefinitions of the Policy Report API, which takes them as they are."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from kube_client import Json
from kube_cluster import Cluster

sys.path[:0] = [str(Path(__file__).parents[1])]

from reports import SCHEMAS, huge, report, report_of, result, worst, written  # noqa: E402

KINDS = ("PolicyReport", "ClusterPolicyReport")
API = "wgpolicyk8s.io/v1alpha2"


@pytest.fixture(scope="module")
def served(cluster: Cluster) -> Cluster:
    """The cluster, once it serves both kinds."""
    for kind in KINDS:
        cluster.apply_all((SCHEMAS / f"wgpolicyk8s.io_{kind.lower()}s.yaml").read_text())
        plural = f"{kind.lower()}s"
        cluster.until(lambda plural=plural: cluster.request("GET", f"/apis/{API}/{plural}").ok)
    for name in ("kube-system", "devices", "monitoring", "logging", "default", "shop"):
        cluster.namespace(name)
    return cluster


@pytest.mark.parametrize("name", ["findings", "nothing", "everything", "hostile", "huge"])
def test_the_api_server_takes_policy_reports(served: Cluster, name: str) -> None:
    """Strictly: with an error for each field that the definition does not have."""
    made = {"hostile": worst, "huge": huge}.get(name, lambda: report_of(name))()
    items: list[Json] = json.loads(written(made, "policyreport"))["items"]
    for item in items:
        metadata = item["metadata"]
        served.delete(API, item["kind"], metadata["name"], namespace=metadata.get("namespace", ""))
        stored = served.required(served.create(item, validation="Strict"), f"{item['kind']} {metadata}").body
        assert stored["results"] == item["results"]
        assert stored["summary"] == item["summary"]


def test_what_the_definition_does_not_know_is_refused(served: Cluster) -> None:
    """Else the test above could not fail."""
    (item,) = json.loads(written(report(result()), "policyreport"))["items"]
    item["metadata"]["name"] = "other"
    item["results"][0]["result"] = "perhaps"
    assert not served.create(item, validation="Strict").ok
    item["results"][0] |= {"result": "fail", "colour": "red"}
    assert "colour" in served.create(item, validation="Strict").message

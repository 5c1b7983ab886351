"""`hostprocess check --cluster` on a real API server: what it finds, and that the role of docs/live-clusters.md gives just the rights that it needs."""

from __future__ import annotations

import base64
import copy
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from kube_client import Json
from kube_cluster import Cluster
from pods import deployment, faulty_pod, linux_pod, sound_pod
from rbac import GROUP, bound, wait_for_rbac, withdrawn

pytest.importorskip("kubernetes")

PAGE = Path(__file__).parent.parent.parent / "docs" / "live-clusters.md"
SHOP, BANK = "live-shop", "live-bank"
FAULT = "user-name-escape"
ON_OLD = "local-group-needs-containerd-1-7"
_names = itertools.count(1)


def role_rules() -> list[Json]:
    """The rules of the role in the documentation."""
    text = PAGE.read_text("utf-8").split("```yaml\n", 1)[1].split("```", 1)[0]
    rules: list[Json] = yaml.safe_load(text)["rules"]
    return rules


def owned(value: Json, owner: Json) -> Json:
    """The object, controlled by another one."""
    reference = {"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"]}
    return {**value, "metadata": {**value["metadata"], "ownerReferences": [{**reference, "controller": True}]}}


@pytest.fixture(scope="module")
def filled(cluster: Cluster) -> Iterator[Cluster]:
    """The cluster with workloads, as controllers would leave them, and Windows nodes of two containerd releases."""
    cluster.namespace(SHOP)
    cluster.namespace(BANK)
    made = cluster.apply_all([deployment(faulty_pod(SHOP))])[0].body
    replicas: Json = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": "agent-1", "namespace": SHOP, "labels": {"app": "agent"}},
        "spec": {"selector": made["spec"]["selector"], "template": made["spec"]["template"]},
    }
    replica_set = cluster.apply_all([owned(replicas, made)])[0].body
    cluster.apply_all([owned(faulty_pod(SHOP, "agent-1-x"), replica_set), linux_pod(SHOP)])
    grouped = copy.deepcopy(sound_pod(BANK, "grouped"))
    grouped["spec"]["securityContext"]["windowsOptions"]["runAsUserName"] = "agents"
    pinned = copy.deepcopy(grouped)
    pinned["metadata"]["name"] = "pinned"
    pinned["spec"]["nodeSelector"]["pool"] = "new"
    cluster.apply_all([faulty_pod(BANK, "lone"), grouped, pinned])
    nodes = {"live-old": ("old", "containerd://1.6.21"), "live-new": ("new", "containerd://2.0.3")}
    for name, (pool, runtime) in nodes.items():
        cluster.apply_all([{"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {"kubernetes.io/os": "windows", "pool": pool}}}])
        told = {"status": {"nodeInfo": {"containerRuntimeVersion": runtime, "operatingSystem": "windows"}}}
        cluster.required(cluster.patch("v1", "Node", name, told, subresource="status"))
    yield cluster
    for name in nodes:
        cluster.delete("v1", "Node", name)
    for kind, namespace, name in [("Pod", SHOP, "agent-1-x"), ("Pod", SHOP, "web"), *(("Pod", BANK, one) for one in ("lone", "grouped", "pinned"))]:
        cluster.delete("v1", kind, name, namespace=namespace, grace=0)
    cluster.delete("apps/v1", "ReplicaSet", "agent-1", namespace=SHOP)
    cluster.delete("apps/v1", "Deployment", "agent", namespace=SHOP)


class Checker:
    """Runs the command with a kubeconfig of this cluster, as the user of a token or as another one."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.cluster = cluster
        self.folder = folder

    def kubeconfig(self, user: Mapping[str, Any]) -> Path:
        """A file for this user."""
        server = {"server": self.cluster.url, "certificate-authority-data": base64.b64encode(self.cluster.ca.encode()).decode()}
        path = self.folder / f"config-{next(_names)}"
        value = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "here",
            "clusters": [{"name": "c", "cluster": server}],
            "users": [{"name": "u", "user": dict(user)}],
            "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u", "namespace": BANK}}],
        }
        path.write_text(yaml.safe_dump(value), "utf-8")
        return path

    def __call__(self, *arguments: str, user: str = "", token: str = "") -> subprocess.CompletedProcess[str]:
        acting = {"as": user} if user else {}
        path = self.kubeconfig({"token": token or self.cluster.tokens["admin"], **acting})
        if not self.cluster.request("GET", "/version").body.get("major"):
            arguments = ("--kubernetes", self.cluster.minor, *arguments)  # built without a version
        command = [sys.executable, "-m", "hostprocess", "check", "--cluster", "--no-config", "--no-exceptions", *arguments]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False, env={**os.environ, "KUBECONFIG": str(path)}, timeout=120)
        assert "Traceback" not in done.stderr
        assert "internal error" not in done.stderr
        return done

    def report(self, *arguments: str, user: str = "") -> Json:
        """The JSON report of a run that read everything."""
        done = self(*arguments, "--output", "json", user=user)
        assert done.returncode in (0, 1), done.stderr
        report: Json = json.loads(done.stdout)
        return report


@pytest.fixture
def check(filled: Cluster, tmp_path: Path) -> Checker:
    return Checker(filled, tmp_path)


def places(report: Json, rule: str) -> list[str]:
    """The objects of our namespaces for which a rule is found."""
    found = {one["source"]["path"].removeprefix("cluster://") for one in report["results"] if one["rule"] == rule}
    return sorted(one for one in found if one.startswith((SHOP, BANK)))


def test_each_workload_is_shown_once(check: Checker) -> None:
    assert places(check.report("-A"), FAULT) == [f"{BANK}/Pod/lone", f"{SHOP}/Deployment/agent"]
    every = [f"{BANK}/Pod/lone", f"{SHOP}/Deployment/agent", f"{SHOP}/Pod/agent-1-x", f"{SHOP}/ReplicaSet/agent-1"]
    assert places(check.report("-A", "--all-objects"), FAULT) == every


def test_the_namespace_is_chosen_as_with_kubectl(check: Checker) -> None:
    assert places(check.report(), FAULT) == [f"{BANK}/Pod/lone"]
    assert places(check.report("--namespace", SHOP), FAULT) == [f"{SHOP}/Deployment/agent"]
    wrong = check("--namespace", "live-shp")
    assert wrong.returncode == 2
    assert "there is no namespace 'live-shp'" in wrong.stderr


def test_the_release_is_that_of_the_api_server(check: Checker) -> None:
    assert check.report("-A")["targets"]["kubernetes"] == check.cluster.minor


def test_what_is_stored_is_judged_as_the_api_server_has_it(check: Checker, tmp_path: Path) -> None:
    """The engine decides about stored objects as the API server does about the same objects, read and created anew."""
    policy = {
        "apiVersion": check.cluster.policies,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": "live-defaults"},
        "spec": {
            "matchConstraints": {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]},
            "validations": [
                {"expression": "object.spec.dnsPolicy == 'ClusterFirst' && object.spec.containers.all(c, c.terminationMessagePath == '/dev/termination-log')"},
                {"expression": "object.metadata.uid != '' && has(object.metadata.creationTimestamp) && has(object.metadata.resourceVersion)"},
                {"expression": "object.metadata.name != 'lone'", "messageExpression": "object.metadata.namespace + '/' + object.metadata.name"},
            ],
        },
    }
    file = tmp_path / "policy.yaml"
    file.write_text(yaml.safe_dump(policy))
    report = check.report("--policies", str(file), "--assume-binding", "deny")
    assert [(one["source"]["path"], one["message"]) for one in report["results"]] == [(f"cluster://{BANK}/Pod/lone", f"{BANK}/lone")]


def test_policies_of_the_cluster_itself(check: Checker) -> None:
    cluster = check.cluster
    metadata = {"name": "live-own"}
    match = {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]}
    ours = {"matchLabels": {"kubernetes.io/metadata.name": BANK}}
    validations = [{"expression": "object.metadata.name in params.data.allowed.split(',')", "message": "not on the list"}]
    spec = {"matchConstraints": match, "validations": validations, "paramKind": {"apiVersion": "v1", "kind": "ConfigMap"}}
    reference = {"name": "live-list", "namespace": BANK, "parameterNotFoundAction": "Deny"}
    binding = {"policyName": "live-own", "validationActions": ["Deny"], "paramRef": reference, "matchResources": {"namespaceSelector": ours}}
    objects = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "live-list", "namespace": BANK}, "data": {"allowed": "lone,pinned"}},
        {"apiVersion": cluster.policies, "kind": "ValidatingAdmissionPolicy", "metadata": metadata, "spec": spec},
        {"apiVersion": cluster.policies, "kind": "ValidatingAdmissionPolicyBinding", "metadata": metadata, "spec": binding},
    ]
    cluster.apply_all(objects)
    try:
        report = check.report("-A", "--policies", "cluster://")
        found = [(one["source"]["path"], one["message"]) for one in report["results"] if one["policy"] == "live-own"]
        assert found == [(f"cluster://{BANK}/Pod/grouped", "not on the list")]
        cluster.wait_until_enforced()
        answers = {name: cluster.create(linux_pod(BANK, name), dry_run=True).ok for name in ("grouped-2", "other")}
        assert answers == {"grouped-2": False, "other": False}
    finally:
        for one in reversed(objects):
            cluster.delete(one["apiVersion"], one["kind"], one["metadata"]["name"], namespace=one["metadata"].get("namespace", ""))
        cluster.wait_until_enforced()


def test_pods_are_judged_for_the_nodes_that_take_them(check: Checker) -> None:
    report = check.report("-A", "--node-runtime")
    assert report["targets"]["containerd"] == "1.6, 2.0"
    assert places(report, ON_OLD) == [f"{BANK}/Pod/grouped"]
    told = [one["message"] for one in report["results"] if one["rule"] == ON_OLD]
    assert all(one.endswith("(for containerd 1.6 (node live-old))") for one in told)


def test_pages_are_those_of_the_api_server(check: Checker) -> None:
    """Whatever the size of a page, all objects come, each once: its tokens and the order of its lists are what the reader takes them for."""
    from hostprocess.live.connect import connect
    from hostprocess.live.objects import read_workloads
    from hostprocess.model import Resource

    client = connect(str(check.kubeconfig({"token": check.cluster.tokens["admin"]})))
    whole = [one.origin.path for one in read_workloads(client, owned=True) if isinstance(one, Resource)]
    assert len(whole) == len(set(whole)) >= 7
    for limit in (1, 2):
        assert [one.origin.path for one in read_workloads(client, owned=True, limit=limit) if isinstance(one, Resource)] == whole
    pods = [one.removeprefix("cluster://").replace("/Pod/", "/") for one in whole if "/Pod/" in one]
    assert pods == sorted(pods)


def test_credentials_that_are_not_accepted(check: Checker) -> None:
    done = check("-A", token="wrong")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "answers 401 Unauthorized: it does not accept the credentials of the user 'u' (the context 'here')" in done.stderr


# Rights.

EVERYTHING = ("-A", "--node-runtime", "--with-authorizer", "--bundle", "access", "--bundle", "requirements", "--user", "jane")


def granted(cluster: Cluster, rules: list[Json]) -> tuple[str, list[Json]]:
    """A user with these rights."""
    user = f"live-user-{next(_names)}"
    objects = bound("ClusterRole", user, rules, [{"apiGroup": GROUP, "kind": "User", "name": user}])
    cluster.apply_all(objects)
    wait_for_rbac(cluster)
    return user, objects


def test_the_role_of_the_documentation_suffices(check: Checker) -> None:
    user, objects = granted(check.cluster, role_rules())
    try:
        done = check(*EVERYTHING, user=user)
        assert "403" not in done.stderr
        assert done.returncode == 1, done.stderr
        assert "--policies cluster://: " not in check("-A", "--policies", "cluster://", user=user).stderr
        assert "there is no namespace 'live-shp'" in check("--namespace", "live-shp", user=user).stderr
        assert check.report("-A", user=user)["results"] == check.report("-A")["results"]
    finally:
        withdrawn(check.cluster, objects)


@pytest.mark.parametrize("number", range(len(role_rules())))
def test_without_a_rule_of_the_role_the_missing_right_is_named(check: Checker, number: int) -> None:
    rules = role_rules()
    missing = rules.pop(number)
    user, objects = granted(check.cluster, rules)
    try:
        resources = set(missing["resources"])
        if "namespaces" in resources:
            runs = [check("--namespace", "live-empty", user=user), check("-A", "--bundle", "access", user=user)]
        elif "validatingadmissionpolicies" in resources:
            runs = [check("-A", "--policies", "cluster://", user=user)]
        else:
            runs = [check(*EVERYTHING, user=user), check("-A", user=user)]
        told = "".join(done.stderr for done in runs)
        assert "403 Forbidden: " in told
        assert all(f'verbs: ["{verb}"]' in told for verb in missing["verbs"])
        assert sorted(resource for resource in resources if f'"{resource}"' in told) == sorted(resources)
        judged = missing["apiGroups"][0] in ("apps", "batch") or "pods" in resources
        assert (runs[-1].returncode == 2) == (judged or "validatingadmissionpolicies" in resources)
        assert ("partial results" in told) == judged
    finally:
        withdrawn(check.cluster, objects)


def test_a_role_in_one_namespace_does_for_that(check: Checker) -> None:
    user = f"live-user-{next(_names)}"
    objects = bound("Role", user, role_rules()[:3], [{"apiGroup": GROUP, "kind": "User", "name": user}], BANK)
    check.cluster.apply_all(objects)
    wait_for_rbac(check.cluster)
    try:
        done = check(user=user, token="")
        assert done.returncode == 1, done.stderr
        assert "partial" not in done.stderr
        assert check("-A", user=user).returncode == 2
    finally:
        withdrawn(check.cluster, objects)

"""`hostprocess check --cluster` against a server that does what real ones do on bad days. tests/cluster has the good days, on a real one."""

from __future__ import annotations

import base64
import gc
import json
import shutil
import signal
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import fake_api_server
import test_report_formats
from fake_api_server import Answer, Asked, FakeApiServer, kubeconfig, status
from hostprocess import cli
from hostprocess.live import cluster as live_cluster
from hostprocess.live import objects as live_objects
from hostprocess.live.credentials import certificate_end, token_end
from hostprocess.model import InputProblem, Resource

pytestmark = pytest.mark.slow

Json = dict[str, Any]
PODS = "/api/v1/pods"


@dataclass(frozen=True)
class Done:
    """How a run ended."""

    code: int
    out: str
    err: str


Check = Callable[..., Done]


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that were waited for, without waiting."""
    found: list[float] = []
    monkeypatch.setattr("hostprocess.live.client.time.sleep", found.append)
    return found


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], waits: list[float], tmp_path: Path) -> Check:
    """Runs `hostprocess check` with these arguments; the kubeconfig is that of the test's folder."""
    for name in ("KUBECONFIG", "KUBERNETES_SERVICE_HOST", "GITHUB_ACTIONS", "GITLAB_CI", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr("gc.set_threshold", lambda *_: None)

    def run(*arguments: str, config: bool = True) -> Done:
        given = ["--kubeconfig", str(tmp_path / "kubeconfig")] if config else []
        monkeypatch.setattr(sys, "argv", ["hostprocess", "check", "--cluster", *given, *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        shown = capsys.readouterr()
        assert "internal error" not in shown.err
        return Done(int(ended.value.code or 0), shown.out, shown.err)

    return run


def stored(kind: str, name: str, namespace: str = "shop", owner: str = "", **spec: Any) -> Json:
    """A HostProcess pod, or a workload of such, without host network: each is a finding of requires-host-network."""
    pod: Json = {
        "nodeSelector": {"kubernetes.io/os": "windows"},
        "securityContext": {"windowsOptions": {"hostProcess": True, "runAsUserName": "NT AUTHORITY\\SYSTEM"}},
        "containers": [{"name": "agent", "image": "registry.example.com/agent:1.0", "command": ["agent.exe"]}],
        **spec,
    }
    metadata: Json = {"name": name, "namespace": namespace, "uid": f"{kind}-{namespace}-{name}", "creationTimestamp": "2026-01-01T00:00:00Z"}
    if owner:
        metadata["ownerReferences"] = [{"apiVersion": "apps/v1", "kind": "X", "name": "x", "uid": owner, "controller": True}]
    body = pod if kind == "Pod" else {"template": {"metadata": {}, "spec": pod}}
    return {"metadata": metadata, "spec": body}


def pods(count: int, namespace: str = "shop") -> list[Json]:
    return [stored("Pod", f"p{number:03}", namespace) for number in range(count)]


def found(done: Done) -> list[str]:
    """The objects that requires-host-network is found for."""
    return [line.split(": ")[0].removeprefix("cluster://") for line in done.out.splitlines() if line.endswith("deny requires-host-network")]


def failing(path: str, *answers: Answer | None) -> Callable[[Asked], Answer | None]:
    """The first requests for a path get these answers, where they are one; those after the last get it too."""

    def fault(asked: Asked) -> Answer | None:
        return answers[min(asked.number, len(answers)) - 1] if asked.path == path else None

    return fault


CLOSED: Answer = (0, None, {})


# What is read.


def test_pages_are_read_one_after_the_other(check: Check, tmp_path: Path) -> None:
    with FakeApiServer({PODS: pods(7)}, page=3).running() as server:
        kubeconfig(tmp_path, server.url)
        done = check("-A")
    assert found(done) == [f"shop/Pod/p{number:03}" for number in range(7)]
    assert done.code == 1
    asked = [one.query for one in server.asked if one.path == PODS]
    assert [one.get("continue") for one in asked] == [None, "3", "6"]
    assert {one["limit"] for one in asked} == {"250"}


def test_a_page_is_judged_before_the_next_is_asked_for(check: Check, tmp_path: Path) -> None:
    with FakeApiServer({PODS: pods(6)}, page=2).running() as server:
        path = kubeconfig(tmp_path, server.url)
        read = live_cluster.open_cluster(kubeconfig=str(path), all_namespaces=True).resources()
        assert isinstance(next(read), Resource)
        next(read)
        assert sum(one.path == PODS for one in server.asked) == 1
        next(read)
        assert sum(one.path == PODS for one in server.asked) == 2


def test_what_another_workload_controls_is_shown_once(check: Check, tmp_path: Path) -> None:
    objects = {
        "/apis/apps/v1/deployments": [stored("Deployment", "agent")],
        "/apis/apps/v1/replicasets": [stored("ReplicaSet", "agent-1", owner="Deployment-shop-agent"), stored("ReplicaSet", "rollout-1", owner="a-rollout")],
        PODS: [
            stored("Pod", "agent-1-x", owner="ReplicaSet-shop-agent-1"),
            stored("Pod", "mirror", owner="a-node"),
            stored("Pod", "orphan", owner="ReplicaSet-shop-gone"),
        ],
    }
    with FakeApiServer(objects).running() as server:
        kubeconfig(tmp_path, server.url)
        once, every = check("-A"), check("-A", "--all-objects")
    assert found(once) == ["shop/Deployment/agent", "shop/ReplicaSet/rollout-1", "shop/Pod/mirror", "shop/Pod/orphan"]
    assert found(every) == [
        *found(once)[:1],
        "shop/ReplicaSet/agent-1",
        "shop/ReplicaSet/rollout-1",
        "shop/Pod/agent-1-x",
        "shop/Pod/mirror",
        "shop/Pod/orphan",
    ]


def test_pods_are_judged_where_their_owner_could_not_be_read(check: Check, tmp_path: Path) -> None:
    objects = {PODS: [stored("Pod", "agent-1-x", owner="ReplicaSet-shop-agent-1")], "/apis/apps/v1/replicasets": [stored("ReplicaSet", "agent-1")]}
    fault = failing("/apis/apps/v1/replicasets", (403, status(403, "no"), {}))
    with FakeApiServer(objects, fault).running() as server:
        kubeconfig(tmp_path, server.url)
        done = check("-A")
    assert found(done) == ["shop/Pod/agent-1-x"]
    assert done.code == 2


def test_one_namespace_or_all(check: Check, tmp_path: Path) -> None:
    lists = {f"{group}/namespaces/{name}/{resource}": [] for group, all_of in fake_api_server.LISTS.items() for resource in all_of for name in ("bank", "shop")}
    objects = {**lists, PODS: [*pods(1, "bank"), *pods(1)], "/api/v1/namespaces/bank/pods": pods(1, "bank"), "/api/v1/namespaces/shop/pods": pods(1)}
    with FakeApiServer(objects).running() as server:
        kubeconfig(tmp_path, server.url, namespace="bank")
        of_context, named, every = check(), check("--namespace", "shop"), check("--all-namespaces")
    assert found(of_context) == ["bank/Pod/p000"]
    assert "only the namespace 'bank' of the context is looked into; -A is for all" in of_context.err
    assert found(named) == ["shop/Pod/p000"]
    assert "looked into" not in named.err
    assert found(every) == ["bank/Pod/p000", "shop/Pod/p000"]


def test_a_namespace_that_does_not_exist_is_an_error(check: Check, tmp_path: Path) -> None:
    lists = {f"{group}/namespaces/{name}/{resource}": [] for group, all_of in fake_api_server.LISTS.items() for resource in all_of for name in ("shp", "shop")}
    with FakeApiServer({**lists, "/api/v1/namespaces": [{"metadata": {"name": "shop"}}]}).running() as server:
        kubeconfig(tmp_path, server.url)
        wrong, empty = check("--namespace", "shp"), check("--namespace", "shop")
    assert (wrong.code, empty.code) == (2, 0)
    assert "error: there is no namespace 'shp' in the context 'here'" in wrong.err
    assert "note: there are no pods and no workloads in the namespace 'shop'" in empty.err


def test_objects_are_judged_as_they_are_stored(check: Check, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {name: stored}\nspec:\n"
        "  matchConstraints: {resourceRules: [{apiGroups: [''], apiVersions: [v1], operations: ['*'], resources: [pods]}]}\n"
        "  validations:\n"
        "  - expression: \"object.metadata.uid == 'Pod-shop-p000' && object.metadata.namespace == 'shop' && object.kind == 'Pod'\"\n"
        '  - expression: "!has(object.spec.dnsPolicy)"\n    message: no default is put in\n'
    )
    with FakeApiServer({PODS: pods(1)}).running() as server:
        kubeconfig(tmp_path, server.url)
        done = check("-A", "--policies", str(policy), "--assume-binding", "deny")
    assert (done.code, done.err) == (0, "")


def test_a_policy_about_something_else_is_told_of(check: Check, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        "apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\nmetadata: {name: of-services}\nspec:\n"
        "  matchConstraints: {resourceRules: [{apiGroups: [''], apiVersions: [v1], operations: ['*'], resources: [services]}]}\n"
        "  validations: [{expression: 'false'}]\n"
    )
    with FakeApiServer({PODS: pods(1)}).running() as server:
        kubeconfig(tmp_path, server.url)
        done = check("-A", "--policies", str(policy), "--assume-binding", "deny")
    assert "the policy 'of-services' is about services: of a cluster only pods and workloads are judged" in done.err


@pytest.mark.parametrize(
    ("version", "judged", "note"),
    [
        ("1.30", "1.30", ""),
        ("1.99", "1.37", "the cluster is of Kubernetes 1.99, which this version does not know: judged as for 1.37"),
        ("1.19", "1.22", "the cluster is of Kubernetes 1.19, which this version does not know: judged as for 1.22"),
    ],
)
def test_the_release_is_that_of_the_cluster(check: Check, tmp_path: Path, version: str, judged: str, note: str) -> None:
    with FakeApiServer(version=version).running() as server:
        kubeconfig(tmp_path, server.url)
        done, told = check("-A"), check("-A", "--kubernetes", "1.33")
    assert f"Kubernetes {judged}," in done.out
    assert note in done.err
    assert "Kubernetes 1.33," in told.out


def test_releases_as_clouds_write_them(check: Check, tmp_path: Path) -> None:
    fault = failing("/version", (200, {"major": "1", "minor": "31+", "gitVersion": "v1.31.4-eks-1"}, {}))
    with FakeApiServer(fault=fault).running() as server:
        kubeconfig(tmp_path, server.url)
        assert "Kubernetes 1.31," in check("-A").out


def test_a_server_that_does_not_know_its_release(check: Check, tmp_path: Path) -> None:
    fault = failing("/version", (200, {"major": "", "minor": "", "gitVersion": "v0.0.0-master+$Format:%H$"}, {}))
    with FakeApiServer(fault=fault).running() as server:
        kubeconfig(tmp_path, server.url)
        done = check("-A")
    assert "note: the API server does not know its own release: judged as for 1.37, unless --kubernetes says another" in done.err
    assert (done.code, "Kubernetes 1.37," in done.out) == (0, True)


def test_whoever_acts_as_another_does_so_here(check: Check, tmp_path: Path) -> None:
    user = {"token": "secret", "as": "jane", "as-groups": ["a", "b"], "as-user-extra": {"x/y": ["1"]}}
    with FakeApiServer().running() as server:
        kubeconfig(tmp_path, server.url, user=user)
        assert check("-A").code == 0
    headers = {name.lower(): value for name, value in server.asked[0].headers.items()}
    assert (headers["authorization"].lower(), headers["impersonate-user"], headers["impersonate-extra-x%2fy"]) == ("bearer secret", "jane", "1")


# Nodes.


def node(name: str, runtime: str, system: str = "windows", **labels: str) -> Json:
    labels = {"kubernetes.io/os": system, **labels}
    return {"metadata": {"name": name, "labels": labels}, "status": {"nodeInfo": {"containerRuntimeVersion": runtime, "operatingSystem": system}}}


NODES = [node("old", "containerd://1.6.9", pool="a"), node("new", "containerd://1.7.2", pool="b"), node("linux", "containerd://1.5.0", "linux")]
ON_OLD = "local-group-needs-containerd-1-7"  # of containerd before 1.7


def grouped(name: str, **spec: Any) -> Json:
    """A pod with an account that needs containerd 1.7."""
    value = stored("Pod", name, hostNetwork=True, **spec)
    value["spec"]["securityContext"]["windowsOptions"]["runAsUserName"] = "agents"
    return value


def affinity(operator: str, *values: str, key: str = "pool") -> Json:
    term = {"matchExpressions": [{"key": key, "operator": operator, **({"values": list(values)} if values else {})}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}


@pytest.mark.parametrize(
    ("spec", "on_old"),
    [
        ({}, True),
        ({"nodeSelector": {"pool": "a"}}, True),
        ({"nodeSelector": {"pool": "b"}}, False),
        ({"nodeName": "new"}, False),
        ({"nodeName": "old"}, True),
        ({"affinity": affinity("In", "b")}, False),
        ({"affinity": affinity("NotIn", "a")}, False),
        ({"affinity": affinity("Exists")}, True),
        ({"runtimeClassName": "on-b"}, False),
        ({"nodeSelector": {"pool": "none"}}, True),  # no node takes it today: it is judged for all
    ],
)
def test_pods_are_judged_for_the_nodes_that_take_them(check: Check, tmp_path: Path, spec: Json, on_old: bool) -> None:
    classes = [{"metadata": {"name": "on-b"}, "handler": "x", "scheduling": {"nodeSelector": {"pool": "b"}}}]
    objects = {"/api/v1/nodes": NODES, "/apis/node.k8s.io/v1/runtimeclasses": classes, PODS: [grouped("p", **spec)]}
    with FakeApiServer(objects, page=1).running() as server:
        kubeconfig(tmp_path, server.url)
        done = check("-A", "--node-runtime", "--output", "json")
    report = json.loads(done.out)
    of_old = [one for one in report["results"] if one["rule"] == ON_OLD]
    assert bool(of_old) == on_old
    assert all("(for containerd 1.6 (node old))" in one["message"] for one in of_old)
    assert report["targets"]["containerd"] == "1.6, 1.7"
    # What holds for every release is said once, and of none.
    assert not any("(for containerd" in one["message"] for one in report["results"] if one["rule"] == "resource-limits")


def test_one_release_on_all_nodes_is_the_target(check: Check, tmp_path: Path) -> None:
    objects = {"/api/v1/nodes": [node("a", "containerd://1.6.9"), node("b", "containerd://1.6.30")], PODS: [grouped("p")]}
    with FakeApiServer(objects).running() as server:
        kubeconfig(tmp_path, server.url)
        pooled, plain = check("-A", "--node-runtime"), check("-A", "--containerd", "1.6")
    assert pooled.out == plain.out
    assert ON_OLD in pooled.out


def test_windows_nodes_without_containerd_are_named(check: Check, tmp_path: Path) -> None:
    objects = {"/api/v1/nodes": [node("a", "docker://20.10.1")], PODS: pods(1)}
    with FakeApiServer(objects).running() as server:
        kubeconfig(tmp_path, server.url)
        done = check("-A", "--node-runtime")
    assert "not judged for Windows nodes without containerd: a (docker://20.10.1)" in done.err
    assert "no Windows node reports a containerd release, so the default one is judged for" in done.err
    assert "containerd 1.7)" in done.out


def test_nodes_that_may_not_be_listed_end_the_run(check: Check, tmp_path: Path) -> None:
    with FakeApiServer({PODS: pods(1)}, failing("/api/v1/nodes", (403, status(403, "nodes is forbidden"), {}))).running() as server:
        kubeconfig(tmp_path, server.url)
        done = check("-A", "--node-runtime")
    assert done.code == 2
    assert (
        '--node-runtime: 403 Forbidden: nodes is forbidden; a ClusterRole needs the rule {apiGroups: [""], resources: ["nodes"], verbs: ["list"]}' in done.err
    )


# A server with bad days.


def test_an_old_state_that_is_gone_goes_on_in_a_newer_one(check: Check, tmp_path: Path) -> None:
    gone = (410, status(410, "The provided continue parameter is too old", **{"continue": "2"}), {})
    with FakeApiServer({PODS: pods(5)}, failing(PODS, None, gone, None), page=2).running() as server:
        kubeconfig(tmp_path, server.url)
        done = check("-A")
    assert found(done) == [f"shop/Pod/p{number:03}" for number in range(5)]
    assert "note: pods: the list took longer than the API server keeps its old state (410 Expired): it goes on in a newer state" in done.err


def test_without_a_way_to_go_on_a_list_begins_anew_and_nothing_comes_twice(check: Check, tmp_path: Path) -> None:
    gone = (410, status(410, "The provided continue parameter is too old"), {})
    objects = [*pods(2, "a"), *pods(2, "a-b"), *pods(2, "b")]
    objects.sort(key=lambda one: f"{one['metadata']['namespace']}/{one['metadata']['name']}")
    with FakeApiServer({PODS: objects}, failing(PODS, None, None, gone, None), page=2).running() as server:
        kubeconfig(tmp_path, server.url)
        done = check("-A")
    assert sorted(found(done)) == sorted(f"{one['metadata']['namespace']}/Pod/{one['metadata']['name']}" for one in objects)
    assert "it begins anew behind what there was" in done.err
    assert done.code == 1


def test_a_list_whose_state_is_always_gone_is_partial(check: Check, tmp_path: Path) -> None:
    gone = (410, status(410, "too old", **{"continue": "2"}), {})
    with FakeApiServer({PODS: pods(5)}, failing(PODS, None, gone), page=2).running() as server:
        kubeconfig(tmp_path, server.url)
        done = check("-A")
    assert len(found(done)) == 2
    assert done.code == 2
    assert "error: partial results: the list of pods broke off after 2 objects: " in done.err


@pytest.mark.parametrize("code", [429, 500, 502, 503, 504])
def test_a_busy_server_is_waited_for(check: Check, tmp_path: Path, waits: list[float], code: int) -> None:
    busy = (code, status(code, "busy"), {})
    with FakeApiServer({PODS: pods(1)}, failing(PODS, busy, busy, busy, None)).running() as server:
        kubeconfig(tmp_path, server.url)
        done = check("-A")
    assert (done.code, done.err) == (1, "")
    assert len(waits) == 3
    assert waits[0] < waits[1] < waits[2] < 4


def test_a_server_that_says_when_is_believed(check: Check, tmp_path: Path, waits: list[float]) -> None:
    with FakeApiServer({PODS: pods(1)}, failing(PODS, (429, status(429, "busy"), {"Retry-After": "7"}), None)).running() as server:
        kubeconfig(tmp_path, server.url)
        assert check("-A").code == 1
    assert waits == [7.0]


def test_a_server_that_asks_for_an_hour_is_left(check: Check, tmp_path: Path, waits: list[float]) -> None:
    with FakeApiServer({PODS: pods(1)}, failing(PODS, (429, status(429, "busy"), {"Retry-After": "3600"}))).running() as server:
        kubeconfig(tmp_path, server.url)
        done = check("-A")
    assert done.code == 2
    assert waits == []
    assert "pods cannot be read: " in done.err
    assert "answers 429: busy; it asks to wait for 3600 seconds" in done.err


def test_a_list_that_fails_does_not_keep_the_others(check: Check, tmp_path: Path, waits: list[float]) -> None:
    objects = {"/apis/apps/v1/deployments": [stored("Deployment", "agent")], PODS: pods(1)}
    with FakeApiServer(objects, failing("/apis/apps/v1/deployments", (500, status(500, "etcd is ill"), {}))).running() as server:
        kubeconfig(tmp_path, server.url)
        done = check("-A")
    assert found(done) == ["shop/Pod/p000"]
    assert done.code == 2
    assert done.err.count("error: ") == 1
    assert "partial results: deployments.apps cannot be read: " in done.err
    assert "answers 500: etcd is ill; 5 attempts failed" in done.err
    assert len(waits) == 4


def test_a_cluster_that_dies_in_the_middle_leaves_partial_results(check: Check, tmp_path: Path) -> None:
    objects = {"/apis/apps/v1/deployments": [stored("Deployment", f"d{number}") for number in range(5)], PODS: pods(1)}
    dead: list[bool] = []

    def fault(asked: Asked) -> Answer | None:
        if asked.query.get("continue") == "4":
            dead.append(True)
        return CLOSED if dead else None

    with FakeApiServer(objects, fault, page=2).running() as server:
        kubeconfig(tmp_path, server.url)
        done = check("-A", "--output", "text", "--output", "json=report.json")
    assert found(done) == [f"shop/Deployment/d{number}" for number in range(4)]
    assert done.code == 2
    assert "error: partial results: the list of deployments.apps broke off after 4 objects: " in done.err
    lost = "error: partial results: the cluster was lost after 4 objects; not read at all: daemonsets, statefulsets, replicationcontrollers, podtemplates, jobs"
    assert lost in done.err
    assert "2 errors in the input" in done.out
    report = json.loads((tmp_path / "report.json").read_text())
    assert all(one["message"].startswith("partial results: ") for one in report["errors"])
    assert len(report["errors"]) == 2


def test_an_answer_that_breaks_off_is_asked_for_again(check: Check, tmp_path: Path, waits: list[float]) -> None:
    cut = (200, b'{"kind": "PodList", "items": [', {"Content-Length": "5000", "Connection": "close"})
    with FakeApiServer({PODS: pods(1)}, failing(PODS, cut, None)).running() as server:
        kubeconfig(tmp_path, server.url)
        done = check("-A")
    assert (found(done), done.code, len(waits)) == (["shop/Pod/p000"], 1, 1)


# Rights.


def test_a_missing_right_is_named(check: Check, tmp_path: Path) -> None:
    words = 'daemonsets.apps is forbidden: User "jane" cannot list resource "daemonsets" in API group "apps" at the cluster scope'
    with FakeApiServer({PODS: pods(1)}, failing("/apis/apps/v1/daemonsets", (403, status(403, words), {}))).running() as server:
        kubeconfig(tmp_path, server.url)
        done = check("-A")
    rule = '{apiGroups: ["apps"], resources: ["daemonsets"], verbs: ["list"]}'
    assert done.err == f"error: partial results: 403 Forbidden: {words}; a ClusterRole needs the rule {rule}; or use --namespace\n"
    assert found(done) == ["shop/Pod/p000"]
    assert done.code == 2


def test_rights_that_are_missing_altogether_are_one_message(check: Check, tmp_path: Path) -> None:
    with FakeApiServer(fault=lambda asked: None if asked.path == "/version" else (403, status(403, "no"), {})).running() as server:
        kubeconfig(tmp_path, server.url)
        done = check("--namespace", "shop")
    errors = [line for line in done.err.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert "a Role in the namespace 'shop', or a ClusterRole, needs the rules " in errors[0]
    assert '{apiGroups: ["apps"], resources: ["deployments", "daemonsets", "statefulsets", "replicasets"], verbs: ["list"]}' in errors[0]


def test_what_policies_look_up_and_may_not_be_read_is_unknown(check: Check, tmp_path: Path) -> None:
    fault = failing("/apis/rbac.authorization.k8s.io/v1/roles", (403, status(403, "roles is forbidden"), {}))
    with FakeApiServer({PODS: pods(1)}, fault).running() as server:
        kubeconfig(tmp_path, server.url)
        done = check("-A", "--with-authorizer", "--user", "jane")
    assert "note: what depends on roles.rbac.authorization.k8s.io is unknown: 403 Forbidden: roles is forbidden; a ClusterRole needs the rule" in done.err
    assert "unknown requester-authorized" in done.out


# Credentials.


def jwt(claims: Json) -> str:
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (b'{"alg":"none"}', json.dumps(claims).encode(), b"x"))


UNAUTHORIZED = (401, status(401, "Unauthorized"), {})


@pytest.mark.parametrize(
    ("token", "words"),
    [
        ("opaque", "the credentials of the user 'somebody' (the context 'here'), which may be wrong or expired; log in again, or choose another --context"),
        (jwt({"exp": 1_700_000_000}), "the credentials of the user 'somebody' (the context 'here'): the token expired on 2023-11-14 22:13 UTC; log in again"),
        (jwt({"exp": 99_999_999_999}), "which may be wrong or expired"),
        (jwt({"exp": "soon"}), "which may be wrong or expired"),
    ],
)
def test_whoever_is_not_let_in_is_told_why(check: Check, tmp_path: Path, waits: list[float], token: str, words: str) -> None:
    with FakeApiServer(fault=lambda _: UNAUTHORIZED).running() as server:
        kubeconfig(tmp_path, server.url, user={"token": token})
        done = check("-A")
    assert (done.code, done.out, waits) == (2, "", [])
    assert done.err.count("\n") == 1
    assert "answers 401 Unauthorized: it does not accept the credentials of the user " in done.err
    assert words in done.err


def test_a_token_that_ends_in_the_middle_leaves_partial_results(check: Check, tmp_path: Path) -> None:
    with FakeApiServer({PODS: pods(5)}, failing(PODS, None, UNAUTHORIZED), page=2).running() as server:
        kubeconfig(tmp_path, server.url)
        done = check("-A")
    assert (len(found(done)), done.code) == (2, 2)
    assert "the list of pods broke off after 2 objects: " in done.err
    assert "the cluster was lost after 2 objects\n" in done.err


def test_a_plug_in_for_credentials_that_fails_is_told(check: Check, tmp_path: Path) -> None:
    command = {"apiVersion": "client.authentication.k8s.io/v1", "command": sys.executable, "args": ["-c", "raise SystemExit(3)"], "interactiveMode": "Never"}
    with FakeApiServer().running() as server:
        kubeconfig(tmp_path, server.url, user={"exec": command})
        done = check("-A")
    assert done.code == 2 or server.asked[0].headers.get("authorization") is None
    assert "Traceback" not in done.err


openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="makes certificates with openssl")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate authority, one of a server, one of a client, and one of a client that has expired."""
    folder = tmp_path_factory.mktemp("certificates")

    def run(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    def request(name: str) -> None:
        run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")

    run(
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-keyout",
        "ca.key",
        "-out",
        "ca.crt",
        "-subj",
        "/CN=ca",
        "-days",
        "3650",
    )
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\nauthorityKeyIdentifier=keyid\n")
    (folder / "ca.cnf").write_text(
        "[ca]\ndefault_ca=d\n[d]\ndatabase=index\nserial=serial\nnew_certs_dir=.\ncertificate=ca.crt\nprivate_key=ca.key\ndefault_md=sha256\npolicy=p\n"
        "unique_subject=no\n[p]\ncommonName=supplied\n"
    )
    (folder / "index").touch()
    (folder / "serial").write_text("01")
    for name, start, end in (
        ("server", "20200101000000Z", "20480101000000Z"),
        ("client", "20200101000000Z", "20480101000000Z"),
        ("old", "20200101000000Z", "20210102030405Z"),
    ):
        request(name)
        run(
            "ca",
            "-batch",
            "-config",
            "ca.cnf",
            "-in",
            f"{name}.csr",
            "-out",
            f"{name}.crt",
            "-notext",
            "-startdate",
            start,
            "-enddate",
            end,
            "-extfile",
            "names",
        )
    (folder / "authority").write_text("basicConstraints=critical,CA:TRUE\n")
    for name, by, extensions in (("middle", "ca", "authority"), ("inner", "middle", "names")):
        request(name)
        run(
            *("x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.crt", "-days", "3650"),
            *("-CA", f"{by}.crt", "-CAkey", f"{by}.key", "-CAcreateserial", "-extfile", extensions),
        )
    return folder


@pytest.fixture
def tls(certificates: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.crt", certificates / "server.key")
    return context


def client_of(certificates: Path, name: str) -> Json:
    return {"client-certificate": str(certificates / f"{name}.crt"), "client-key": str(certificates / f"{name}.key")}


@openssl
def test_a_client_certificate_that_is_good(check: Check, tmp_path: Path, tls: ssl.SSLContext, certificates: Path) -> None:
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_verify_locations(certificates / "ca.crt")
    with FakeApiServer({PODS: pods(1)}).running(tls) as server:
        kubeconfig(tmp_path, server.url, user=client_of(certificates, "client"), cluster={"certificate-authority": str(certificates / "ca.crt")})
        assert check("-A").code == 1


@openssl
def test_certificates_without_all_that_rfc_5280_asks_for(check: Check, tmp_path: Path, tls: ssl.SSLContext, certificates: Path, monkeypatch: Any) -> None:
    """Those of EKS are such; kubectl takes them, and Python 3.13 and newer would not by default."""
    import urllib3.connection

    make = urllib3.util.ssl_.create_urllib3_context

    def strict(*arguments: Any, **options: Any) -> ssl.SSLContext:
        context = make(*arguments, **options)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    monkeypatch.setattr(urllib3.util.ssl_, "create_urllib3_context", strict)
    monkeypatch.setattr(urllib3.connection, "create_urllib3_context", strict)
    with FakeApiServer({PODS: pods(1)}).running(tls) as server:
        kubeconfig(tmp_path, server.url, cluster={"certificate-authority": str(certificates / "ca.crt")})
        assert check("-A").code == 1


@openssl
def test_a_certificate_authority_that_another_one_vouches_for(check: Check, tmp_path: Path, certificates: Path) -> None:
    """The kubeconfig trusts an intermediate authority and does not have the root: enough for kubectl."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificates / "inner.crt", certificates / "inner.key")
    with FakeApiServer({PODS: pods(1)}).running(tls) as server:
        kubeconfig(tmp_path, server.url, cluster={"certificate-authority": str(certificates / "middle.crt")})
        assert check("-A").code == 1


@openssl
@pytest.mark.parametrize("at_handshake", [True, False])
def test_a_client_certificate_that_has_expired(check: Check, tmp_path: Path, tls: ssl.SSLContext, certificates: Path, at_handshake: bool) -> None:
    if at_handshake:  # as proxies do it; the API server answers 401
        tls.verify_mode = ssl.CERT_REQUIRED
        tls.load_verify_locations(certificates / "ca.crt")
    with FakeApiServer(fault=lambda _: UNAUTHORIZED).running(tls) as server:
        kubeconfig(tmp_path, server.url, user=client_of(certificates, "old"), cluster={"certificate-authority": str(certificates / "ca.crt")})
        done = check("-A")
    assert done.code == 2
    assert "the client certificate expired on 2021-01-02 03:04 UTC" in done.err


@openssl
def test_a_server_whose_certificate_is_not_trusted(check: Check, tmp_path: Path, tls: ssl.SSLContext, waits: list[float]) -> None:
    with FakeApiServer().running(tls) as server:
        kubeconfig(tmp_path, server.url)
        done = check("-A")
    assert (done.code, waits) == (2, [])
    assert "the certificate of the server is not trusted: unable to get local issuer certificate" in done.err


@openssl
def test_a_server_with_the_certificate_of_another_host(check: Check, tmp_path: Path, tls: ssl.SSLContext, certificates: Path) -> None:
    with FakeApiServer().running(tls) as server:
        url = server.url.replace("127.0.0.1", "localhost")
        kubeconfig(tmp_path, url, cluster={"certificate-authority": str(certificates / "ca.crt")})
        done = check("-A")
    assert done.code == 2
    assert "the certificate of the server is not trusted" in done.err
    assert "localhost" in done.err


@openssl
def test_the_end_of_a_certificate(certificates: Path, tmp_path: Path) -> None:
    assert str(certificate_end(str(certificates / "old.crt"))) == "2021-01-02 03:04:05+00:00"
    assert str(certificate_end(str(certificates / "client.crt"))) == "2048-01-01 00:00:00+00:00"
    (tmp_path / "broken").write_text("-----BEGIN CERTIFICATE-----\nMAMC\n-----END CERTIFICATE-----\n")
    assert certificate_end(str(tmp_path / "broken")) is None
    assert certificate_end(str(tmp_path / "none")) is None
    assert token_end("Bearer a.b.c") is None


# Servers that cannot be asked, and files that do not say whom to ask.


def test_a_server_that_does_not_speak_tls(check: Check, tmp_path: Path) -> None:
    with FakeApiServer().running() as server:
        kubeconfig(tmp_path, server.url.replace("http:", "https:"))
        done = check("-A")
    assert done.code == 2
    assert "no TLS connection to https://127.0.0.1:" in done.err
    assert "the server does not speak TLS; is the address right?" in done.err


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://127.0.0.1:1", "https://127.0.0.1:1 (the context 'here') cannot be reached: Connection refused; 3 attempts failed"),
        ("https://no-such-host.invalid", "https://no-such-host.invalid (the context 'here') cannot be reached: "),
        ("ftp://127.0.0.1", "ftp://127.0.0.1"),
        ("https://[", "Invalid IPv6 URL"),
    ],
)
def test_a_server_that_is_not_there(check: Check, tmp_path: Path, url: str, words: str) -> None:
    kubeconfig(tmp_path, url)
    done = check("-A")
    assert (done.code, done.out) == (2, "")
    assert words in done.err
    assert done.err.count("\n") == 1


@pytest.mark.parametrize("answer", [(200, b"<html>Welcome</html>", {}), (200, {"hello": "world"}, {}), (200, [1], {})])
def test_a_server_that_is_none_of_kubernetes(check: Check, tmp_path: Path, answer: Answer) -> None:
    with FakeApiServer(fault=lambda _: answer).running() as server:
        kubeconfig(tmp_path, server.url)
        done = check("-A")
    assert done.code == 2
    assert "is it an API server of Kubernetes?" in done.err


def test_no_kubeconfig(check: Check, tmp_path: Path) -> None:
    done = check("-A", config=False)
    assert done.err == f"error: {tmp_path}/.kube/config: there is no kubeconfig; name one with --kubeconfig FILE, or in $KUBECONFIG\n"
    named = check("-A")
    assert named.err == f"error: {tmp_path}/kubeconfig: there is no such file; name one with --kubeconfig FILE, or in $KUBECONFIG\n"
    assert (done.code, named.code) == (2, 2)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "cannot be used: "),
        ("a: [", "cannot be used: "),
        ("- 1\n", "cannot be used: "),
        ("5", "cannot be used: "),
        ("{apiVersion: v1, kind: Config}", "it holds no contexts"),
        ("{contexts: [{name: a, context: {}}], clusters: [], users: []}", "has no current context: choose one with --context; there are a"),
        ("{current-context: b, contexts: [{name: a, context: {}}], clusters: [], users: []}", "there is no context 'b'; there are a"),
        ("{current-context: a, contexts: [{name: a, context: {cluster: x}}], clusters: [], users: []}", "cannot be used: "),
        ("{current-context: a, contexts: [{name: a, context: {cluster: x, user: x}}], clusters: [{name: x, cluster: {}}], users: []}", "cannot be used: "),
        ("{contexts: [5], current-context: x}", "cannot be used: "),
        ("{contexts: 5, current-context: x}", "cannot be used: "),
    ],
)
def test_a_kubeconfig_that_cannot_be_used(check: Check, tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "kubeconfig").write_text(text)
    done = check("-A")
    assert done.code == 2
    assert words in done.err
    assert done.err.count("\n") == 1


def test_a_folder_is_no_kubeconfig(check: Check, tmp_path: Path) -> None:
    (tmp_path / "kubeconfig").mkdir()
    assert "is a folder; a kubeconfig is a file" in check("-A").err


def test_a_certificate_that_is_not_there(check: Check, tmp_path: Path) -> None:
    kubeconfig(tmp_path, "https://127.0.0.1:1", user={"client-certificate": "/no/such/file", "client-key": "/no/such/file"})
    done = check("-A")
    assert done.code == 2
    assert "this kubeconfig cannot be used: File does not exist: /no/such/file" in done.err


def test_contexts_are_chosen_by_name(check: Check, tmp_path: Path) -> None:
    with FakeApiServer().running() as server:
        kubeconfig(tmp_path, server.url)
        assert check("-A", "--context", "there").code == 0
        done = check("-A", "--context", "thre")
    assert done.code == 2
    assert "--context: there is no context 'thre'; did you mean 'there'?" in done.err


def test_the_variable_names_several_files(check: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeApiServer({PODS: pods(1)}).running() as server:
        path = kubeconfig(tmp_path, server.url)
        monkeypatch.setenv("KUBECONFIG", f"/no/such/file:{path}")
        assert check("-A", config=False).code == 1


# Options.


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["x.yaml"], "--cluster reads from a cluster, and PATHs from files"),
        (["-A", "--namespace", "a"], "--namespace and --all-namespaces contradict each other"),
        (["--node-runtime", "--containerd", "1.7"], "--containerd and --node-runtime contradict each other"),
        (["--operation", "UPDATE"], "--operation UPDATE: what a cluster has stored is judged as it would be created, or deleted"),
        (["--raw"], "--raw is about manifests"),
        (["--old", "x"], "--old is about manifests"),
        (["--field-validation", "warn"], "--field-validation is about manifests"),
    ],
)
def test_options_that_contradict_each_other(check: Check, tmp_path: Path, arguments: list[str], words: str) -> None:
    kubeconfig(tmp_path, "https://127.0.0.1:1")
    done = check(*arguments)
    assert done.code == 2
    assert words in done.err


@pytest.mark.parametrize("option", [["--context", "a"], ["--kubeconfig", "a"], ["-A"], ["--all-objects"], ["--node-runtime"], ["--policies", "cluster://"]])
def test_options_that_need_a_cluster(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: list[str]) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["hostprocess", "check", *option, str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    assert "--cluster" in capsys.readouterr().err


def test_paths_of_a_configuration_are_for_files(check: Check, tmp_path: Path) -> None:
    (tmp_path / "manifests").mkdir()
    (tmp_path / ".hostprocess.yaml").write_text("namespace: other\ncheck: {paths: [manifests]}\n")
    with FakeApiServer({PODS: pods(1)}).running() as server:
        kubeconfig(tmp_path, server.url)
        done = check("-A")
    assert found(done) == ["shop/Pod/p000"]


def test_without_the_library_there_is_one_message(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kubernetes", None)
    done = check("-A")
    assert done.code == 2
    assert done.err == "error: --cluster needs the official Python client of Kubernetes, which is not installed: pip install 'hostprocess[cluster]'\n"


def test_files_are_checked_without_any_of_it(tmp_path: Path) -> None:
    (tmp_path / "pod.yaml").write_text("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: b}]}\n")
    told = "print([one for one in sys.modules if one in ('kubernetes', 'urllib3') or '.live' in one])"
    code = f"import sys; from hostprocess.cli import main\ntry: main()\nexcept SystemExit: pass\n{told}"
    done = subprocess.run([sys.executable, "-c", code, "check", "pod.yaml", "-q"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


# Reports.


@pytest.mark.parametrize("form", ["text", "json", "jsonl", "sarif", "junit", "github", "gitlab", "markdown", "policyreport", "html"])
def test_reports_name_the_object_and_no_line(check: Check, tmp_path: Path, form: str) -> None:
    with FakeApiServer({PODS: pods(1)}).running() as server:
        kubeconfig(tmp_path, server.url)
        out = check("-A", "--output", form).out
    getattr(test_report_formats, f"check_{form}")(out)
    if form == "github":
        assert "file=" not in out
        assert "line=" not in out
        assert "Pod shop/p000" in out
        return
    assert "cluster://shop/Pod/p000" in out
    assert "p000:0" not in out
    if form == "sarif":
        run = json.loads(out)["runs"][0]
        places = [one["locations"][0]["physicalLocation"] for one in run["results"]]
        assert places
        assert all(one == {"artifactLocation": {"uri": "cluster://shop/Pod/p000"}} for one in places)
    if form == "gitlab":
        assert all(one["location"] == {"path": "cluster://shop/Pod/p000", "lines": {"begin": 1}} for one in json.loads(out))


@pytest.mark.parametrize("form", ["json", "sarif", "junit", "github", "gitlab", "markdown", "policyreport", "html"])
def test_reports_say_that_results_are_partial(check: Check, tmp_path: Path, form: str) -> None:
    with FakeApiServer({PODS: pods(3)}, failing(PODS, None, CLOSED), page=2).running() as server:
        kubeconfig(tmp_path, server.url)
        done = check("-A", "--output", form)
    assert done.code == 2
    assert "partial results" in done.out


def test_a_baseline_knows_objects_of_a_cluster(check: Check, tmp_path: Path) -> None:
    with FakeApiServer({PODS: pods(2)}).running() as server:
        kubeconfig(tmp_path, server.url)
        written = check("-A", "--baseline", "baseline.json", "--write-baseline")
        again = check("-A", "--baseline", "baseline.json")
        server.stored[PODS].append(stored("Pod", "p100"))
        more = check("-A", "--baseline", "baseline.json")
    assert (written.code, again.code, more.code) == (0, 0, 1)
    assert found(more) == ["shop/Pod/p100"]


def read(server: FakeApiServer, folder: Path, limit: int = 250) -> Iterator[Resource | InputProblem]:
    client = live_cluster.connect(str(kubeconfig(folder, server.url)))
    yield from live_objects.read_workloads(client, limit=limit)


def test_memory_stays_flat(tmp_path: Path) -> None:
    most = 0
    with FakeApiServer({PODS: pods(60, "flat")}).running() as server:
        for number, _ in enumerate(read(server, tmp_path, limit=10)):
            if number % 10 == 5:
                held = [one.get("metadata") for one in gc.get_objects() if type(one) is dict and one.get("kind") == "Pod"]
                most = max(most, sum(type(one) is dict and one.get("namespace") == "flat" for one in held))
                del held
    assert 10 <= most <= 2 * 10  # never more than a page, and the one that takes its place

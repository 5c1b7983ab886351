"""Who may use HostProcess pods, as the API server's authorizer says: compared with the engine, which is given the RBAC objects of the cluster."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from decided import Answer, Decider, rules_found
from enforced import Enforced, Enforcer
from exports import as_written, exported
from kube_client import Identity, Json, service_account, user
from kube_cluster import Cluster
from pods import linux_pod, sound_pod
from predicted import RBAC
from rbac import GROUP, V1, bound, may_do_all, wait_for_rbac, withdrawn
from record import Record
from suite_run import sent

import hostprocess
from hostprocess.suite.native import Case, load_suite

RULE = "requester-authorized"
PACK = hostprocess.load_rules()
CASES = load_suite(PACK, next(rule for rule in PACK.rules if rule.id == RULE)).cases
DOCUMENTATION = Path(__file__).parents[2] / "docs" / "access.md"
CONTROLLER = service_account("kube-system", "daemon-set-controller")
MAKERS = "test-makers"  # who may make pods at all
USE = {"apiGroups": ["hostprocess.windows.policy"], "resources": ["hostprocesspods"], "verbs": ["use"]}


@pytest.fixture(scope="module")
def enforcer(cluster: Cluster, record: Record) -> Iterator[Enforcer]:
    for namespace in ("kube-system", "shop"):
        cluster.namespace(namespace)
        cluster.apply_all([_account(namespace, name) for name in ("node-agent", "other")])
    may_do_all(cluster, MAKERS)
    found = Enforcer(cluster, record, "access")
    yield found
    found.close()


def _account(namespace: str, name: str) -> Json:
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace}}


def export(minor: str, **options: Any) -> list[Json]:
    chosen = {"select": (RULE,), "include_kube_system": True, "workloads": "deny", **options}
    return as_written(exported(minor, **chosen), "deny")


def with_account(pod: Json, name: str) -> Json:
    return {**pod, "spec": {**pod["spec"], "serviceAccountName": name}}


def test_the_cases_of_the_suite(enforcer: Enforcer, record: Record) -> None:
    """With the RBAC objects of each case in the cluster; those that leave out who asks, or all RBAC, cannot be put to a cluster."""
    cluster = enforcer.cluster
    together: dict[str, list[Case]] = {}
    for case in CASES:
        if "userInfo" in case.raw and "inventory" in case.raw:
            together.setdefault(json.dumps([case.raw["inventory"], case.setting.old_object]), []).append(case)
    assert sum(map(len, together.values())) >= len(CASES) - 3
    contrary = []
    for key, cases in together.items():
        inventory, old = json.loads(key)
        cluster.apply_all(inventory)
        wait_for_rbac(cluster)
        stored = cluster.required(cluster.create(old)).body if old else {}
        with enforcer.enforced(export(cluster.minor), *RBAC) as now:
            for case in cases:
                answer = _asked(now, case, stored)
                record.decided(RULE, answer)
                expected = "denied" if case.raw["expect"] == "deny" else "admitted"
                if answer.decider is Decider.POLICIES and answer.verdict != expected:
                    contrary.append(f"{case.name}: {answer.verdict}, not {expected}")
        withdrawn(cluster, inventory)
        if stored:
            _deleted(cluster, stored)
    assert contrary == []
    assert {"denied", "admitted"} <= record.rules[RULE].keys()


def _asked(now: Enforced, case: Case, stored: Json) -> Answer:
    info = case.raw["userInfo"]
    who = user(info["username"], *info.get("groups", ()), MAKERS)
    value = copy.deepcopy(case.object)
    value["metadata"].setdefault("namespace", case.raw.get("namespace", "default"))
    if value["kind"] == "CronJob":
        value["spec"]["jobTemplate"]["spec"]["template"]["spec"]["restartPolicy"] = "Never"
    old = case.setting.old_object
    if old is None:
        value["metadata"]["name"] = "another"
        return now.create(value, who)
    return now.update(sent(value, old, stored), stored, case.raw.get("subresource", ""), who)


def _deleted(cluster: Cluster, pod: Json) -> None:
    place = {"namespace": pod["metadata"]["namespace"]}
    cluster.patch("v1", "Pod", pod["metadata"]["name"], {"metadata": {"finalizers": None}}, **place)
    cluster.delete("v1", "Pod", pod["metadata"]["name"], grace=0, **place)


def test_pods_of_the_daemon_set_controller(enforcer: Enforcer) -> None:
    """With the rights that the API server itself gives that controller. Whether it may is the matter of the pod's service account, and may change."""
    cluster = enforcer.cluster
    pod = with_account(sound_pod("kube-system", finalizers=["example.com/hold"]), "node-agent")
    stored = cluster.required(cluster.create({**pod, "metadata": {**pod["metadata"], "name": "stored"}})).body
    grant = bound("Role", "use-hostprocess-pods", [USE], [{"kind": "ServiceAccount", "name": "node-agent", "namespace": "kube-system"}], "kube-system")
    with enforcer.enforced(export(cluster.minor), *RBAC) as now:
        for _ in range(2):
            answer = now.create(pod, CONTROLLER)
            assert (answer.verdict, rules_found(answer)) == ("denied", {RULE})
            cluster.apply_all(grant)
            wait_for_rbac(cluster)
            assert now.create(pod, CONTROLLER).verdict == "admitted"
            assert now.create(with_account(pod, "other"), CONTROLLER).verdict == "denied"
            withdrawn(cluster, grant)
            wait_for_rbac(cluster)
        assert now.create(linux_pod("kube-system"), CONTROLLER).verdict == "admitted"
        # Nobody is authorized any more; what was stored can be let go all the same, by the patch that controllers send.
        released = {**stored, "metadata": {name: value for name, value in stored["metadata"].items() if name != "finalizers"}}
        assert now.update(released, stored, identity=user("anybody", MAKERS)).verdict == "admitted"
        patched = cluster.patch("v1", "Pod", "stored", {"metadata": {"finalizers": None}}, namespace="kube-system", identity=CONTROLLER)
        assert (patched.code, patched.body["metadata"].get("finalizers")) == (200, None)
    _deleted(cluster, stored)


def test_the_example_of_the_documentation(enforcer: Enforcer) -> None:
    example = list(yaml.safe_load_all(re.findall(r"```yaml\n(.*?)```", DOCUMENTATION.read_text("utf-8"), re.DOTALL)[1]))
    assert {one["apiVersion"] for one in example} == {V1}
    cluster = enforcer.cluster
    cluster.apply_all(example)
    wait_for_rbac(cluster)
    administrator: Identity = user("ada", "windows-node-administrators", MAKERS)
    with enforcer.enforced(export(cluster.minor), *RBAC) as now:
        for namespace, account, who, expected in (
            ("kube-system", "node-agent", user("bob", MAKERS), "admitted"),
            ("kube-system", "default", user("bob", MAKERS), "denied"),
            ("kube-system", "default", administrator, "admitted"),
            ("shop", "node-agent", user("bob", MAKERS), "denied"),
            ("shop", "default", administrator, "denied"),
            ("shop", "default", user("root", "system:masters"), "admitted"),
        ):
            assert now.create(with_account(sound_pod(namespace), account), who).verdict == expected, (namespace, account, who.user)
    withdrawn(cluster, example)


def test_whoever_may_do_all_may_use_them(enforcer: Enforcer) -> None:
    """Bound to cluster-admin, which is a role that the API server has made itself."""
    cluster = enforcer.cluster
    role = {"apiGroup": GROUP, "kind": "ClusterRole", "name": "cluster-admin"}
    subjects = [{"apiGroup": GROUP, "kind": "User", "name": "eve"}]
    binding = {"apiVersion": V1, "kind": "ClusterRoleBinding", "metadata": {"name": "test-eve"}, "roleRef": role, "subjects": subjects}
    with enforcer.enforced(export(cluster.minor), *RBAC) as now:
        pod = sound_pod("shop")
        assert now.create(pod, user("eve", MAKERS)).verdict == "denied"
        cluster.apply_all([binding])
        wait_for_rbac(cluster)
        assert now.create(pod, user("eve")).verdict == "admitted"
    withdrawn(cluster, [binding])


def test_the_whole_bundle_with_its_lists(enforcer: Enforcer) -> None:
    """As `hostprocess export --bundle access --with-authorizer` writes it."""
    with enforcer.enforced(as_written(exported(enforcer.cluster.minor, bundles=("access",), with_authorizer=True), "deny"), *RBAC) as now:
        assert rules_found(now.create(sound_pod("shop"), user("bob", MAKERS))) >= {RULE}
        assert now.create(sound_pod("shop"), user("bob", MAKERS)).verdict == "denied"
        assert now.create(sound_pod("kube-system"), user("bob", MAKERS)).verdict == "admitted"
        assert now.create(linux_pod("shop"), user("bob", MAKERS)).verdict == "admitted"

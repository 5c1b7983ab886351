"""The cluster itself: that it enforces policies, and that the client sees all that it says. Runs with `make cluster-test`."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from kube_client import ADMIN, Identity, RequestRefused, service_account, user
from kube_cluster import Cluster, ClusterError

Json = dict[str, Any]

PODS = {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["pods"]}]}


def pod(namespace: str, name: str = "a", **spec: Any) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"containers": [{"name": "c", "image": "x"}], **spec},
    }


def policy(cluster: Cluster, name: str, *validations: Json, **spec: Any) -> Json:
    spec = {"matchConstraints": PODS, "validations": list(validations), **spec}
    return {"apiVersion": cluster.policies, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name}, "spec": spec}


def binding(cluster: Cluster, name: str, namespace: str, *actions: str, **spec: Any) -> Json:
    """A binding of the policy of the same name in one Namespace."""
    selector = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}
    spec = {"policyName": name, "validationActions": list(actions), "matchResources": selector, **spec}
    return {"apiVersion": cluster.policies, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": name}, "spec": spec}


def config_map(namespace: str, name: str, **data: str) -> Json:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}, "data": data}


def test_the_release_is_the_one_asked_for(cluster: Cluster, kubernetes: str) -> None:
    assert cluster.version.startswith(f"v{kubernetes}.")
    assert {item["metadata"]["name"] for item in cluster.list("v1", "Namespace").items} >= {"default", "kube-system", "kube-public", "kube-node-lease"}
    assert cluster.get("v1", "Pod", "nobody", namespace="default").code == 404
    with pytest.raises(LookupError, match=r"does not serve Thing of example\.com/v1"):
        cluster.get("example.com/v1", "Thing", "a")


def test_plugins_that_are_on_by_default(cluster: Cluster) -> None:
    cluster.namespace("plugins", {"pod-security.kubernetes.io/enforce": "restricted"})
    refused = cluster.create(pod("plugins"), dry_run=True)
    assert (refused.code, refused.reason) == (403, "Forbidden")
    assert refused.message.startswith('pods "a" is forbidden: violates PodSecurity "restricted:latest"')
    cluster.namespace("defaults")
    admitted = cluster.required(cluster.create(pod("defaults"), dry_run=True)).body
    assert admitted["spec"]["serviceAccountName"] == "default"
    assert [one["key"] for one in admitted["spec"]["tolerations"]] == ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]
    assert admitted["spec"]["priority"] == 0


def test_a_policy_denies_warns_and_audits(cluster: Cluster) -> None:
    cluster.namespace("enforced")
    text = 'not "b" \\ "c": ü'
    answers = cluster.apply_all(
        [
            policy(
                cluster,
                "enforced.example.com",
                {"expression": "object.metadata.name == 'b'", "message": text, "reason": "RequestEntityTooLarge"},
                {"expression": "object.spec.containers.size() > 1"},
                auditAnnotations=[{"key": "name", "valueExpression": "'the name is ' + object.metadata.name"}],
            ),
            binding(cluster, "enforced.example.com", "enforced", "Deny", "Audit"),
            binding(cluster, "enforced.example.com", "enforced", "Warn") | {"metadata": {"name": "enforced-warn.example.com"}},
        ]
    )
    assert [answer.code for answer in answers] == [201, 201, 201]
    cluster.wait_until_enforced()
    denied = cluster.create(pod("enforced"), dry_run=True)
    prefix = "ValidatingAdmissionPolicy 'enforced.example.com' with binding 'enforced.example.com' denied request: "
    assert denied.message == f'pods "a" is forbidden: {prefix}{text}'
    assert (denied.code, denied.reason) == (413, "RequestEntityTooLarge")
    warned = "Validation failed for ValidatingAdmissionPolicy 'enforced.example.com' with binding 'enforced-warn.example.com': "
    assert set(denied.warnings) == {warned + text, warned + "failed expression: object.spec.containers.size() > 1"}
    assert denied.causes[0]["message"] == prefix + text
    annotations = cluster.audit_event(denied.audit_id)["annotations"]
    assert annotations["enforced.example.com/name"] == "the name is a"
    failures = json.loads(annotations["validation.policy.admission.k8s.io/validation_failure"])
    texts = [text, "failed expression: object.spec.containers.size() > 1"]
    assert [(one["message"], one["policy"], one["validationActions"]) for one in failures] == [
        (one, "enforced.example.com", ["Deny", "Audit"])
        for one in (texts if cluster.minor == "1.37" else texts[:1])  # before, the first alone is kept
    ]
    cluster.required(cluster.create(pod("enforced", "b", containers=[{"name": "c", "image": "x"}, {"name": "d", "image": "x"}]), dry_run=True))


def test_changes_are_enforced_once_waited_for(cluster: Cluster) -> None:
    """Policies, bindings, parameters and labels of Namespaces, changed and deleted: each wait is followed by one request that must know of it."""
    cluster.namespace("changing")
    param = config_map("changing", "limits", only="a")
    bound = binding(
        cluster,
        "changing",
        "changing",
        "Deny",
        paramRef={"name": "limits", "namespace": "changing", "parameterNotFoundAction": "Deny"},
        matchResources={"namespaceSelector": {"matchLabels": {"bound": "yes"}}},
    )
    unequal = {"expression": "object.metadata.name != params.data.only", "messageExpression": "'not ' + params.data.only"}
    cluster.apply_all([param, policy(cluster, "changing", unequal, paramKind={"apiVersion": "v1", "kind": "ConfigMap"}), bound])

    def outcome(name: str) -> str:
        cluster.wait_until_enforced()
        answer = cluster.create(pod("changing", name), dry_run=True)
        return answer.message.split(" denied request: ")[-1]

    assert outcome("a") == ""
    cluster.namespace("changing", {"bound": "yes"})
    assert outcome("a") == "not a"
    for name in "bcd":
        cluster.required(cluster.update(config_map("changing", "limits", only=name)))
        assert outcome(name) == f"not {name}"
    cluster.required(cluster.delete("v1", "ConfigMap", "limits", namespace="changing"))
    assert outcome("a").endswith("failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction")
    cluster.required(cluster.delete(cluster.policies, "ValidatingAdmissionPolicyBinding", "changing"))
    assert outcome("a") == ""


def test_policies_are_type_checked(cluster: Cluster) -> None:
    cluster.apply_all(
        [policy(cluster, "sound", {"expression": "object.spec.hostNetwork == true"}), policy(cluster, "typo", {"expression": "object.spec.hostNet == true"})]
    )
    assert cluster.type_checking("sound") == []
    (warning,) = cluster.type_checking("typo")
    assert warning["fieldRef"] == "spec.validations[0].expression"
    assert "undefined field 'hostNet'" in warning["warning"]


def test_what_is_refused_names_its_causes(cluster: Cluster) -> None:
    refused = cluster.create(pod("default", containers=[]), dry_run=True)
    assert (refused.code, refused.reason) == (422, "Invalid")
    assert refused.causes == [{"reason": "FieldValueRequired", "message": "Required value", "field": "spec.containers"}]
    unknown = cluster.create(pod("default", nope=1), dry_run=True)
    assert unknown.warnings == ('unknown field "spec.nope"',)
    assert cluster.create(pod("default", nope=1), dry_run=True, validation="Strict").code == 400
    with pytest.raises(RequestRefused, match=r"^Pod a: 422 Pod \"a\" is invalid: spec\.containers: Required value$"):
        cluster.apply_all([pod("default", containers=[])])


def test_identities_and_what_they_may(cluster: Cluster) -> None:
    cluster.namespace("access")
    jane, robot = user("jane", "developers"), service_account("access", "robot")
    assert cluster.list("v1", "Pod", namespace="access", identity=Identity("user")).message == (
        'pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "access"'
    )
    names = [cluster.required(cluster.create(review, identity=who)).body["status"]["userInfo"]["username"] for review, who in whoami(jane, robot, ADMIN)]
    assert names == ["jane", "system:serviceaccount:access:robot", "admin"]
    assert not cluster.allowed(robot, "create", "pods", namespace="access")
    cluster.apply_all(
        [
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "Role",
                "metadata": {"name": "pods", "namespace": "access"},
                "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["create"]}],
            },
            {
                "apiVersion": "rbac.authorization.k8s.io/v1",
                "kind": "RoleBinding",
                "metadata": {"name": "pods", "namespace": "access"},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "pods"},
                "subjects": [{"kind": "ServiceAccount", "name": "robot", "namespace": "access"}],
            },
        ]
    )
    cluster.until(lambda: cluster.allowed(robot, "create", "pods", namespace="access"))
    assert cluster.create(pod("access"), dry_run=True, identity=robot).code == 201
    assert cluster.create(pod("access"), dry_run=True, identity=jane).code == 403


def whoami(*identities: Identity) -> list[tuple[Json, Identity]]:
    return [({"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}, one) for one in identities]


def test_objects_are_created_changed_and_deleted(cluster: Cluster) -> None:
    cluster.namespace("objects")
    cluster.required(cluster.create(pod("objects")))
    debug = {"name": "debug", "image": "x", "targetContainerName": "c"}
    running = cluster.get("v1", "Pod", "a", namespace="objects").body
    running["spec"]["ephemeralContainers"] = [debug]
    assert cluster.update(running, dry_run=True).code == 422
    cluster.required(cluster.update(running, subresource="ephemeralcontainers"))
    cluster.required(cluster.patch("v1", "Pod", "a", {"metadata": {"labels": {"x": "y"}}}, namespace="objects"))
    cluster.required(cluster.patch("v1", "Pod", "a", [{"op": "remove", "path": "/metadata/labels/x"}], namespace="objects", patch_type="json"))
    assert cluster.create(pod("objects")).reason == "AlreadyExists"
    cluster.required(cluster.delete("v1", "Pod", "a", namespace="objects", grace=0))
    assert cluster.list("v1", "Pod", namespace="objects").items == []
    eviction = cluster.path("v1", "Pod", namespace="objects", name="a", subresource="eviction")
    body = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "a", "namespace": "objects"}}
    assert cluster.request("POST", eviction, body).code == 404


def test_kinds_that_come_later_are_found(cluster: Cluster) -> None:
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    cluster.apply_all(
        [
            {
                "apiVersion": "apiextensions.k8s.io/v1",
                "kind": "CustomResourceDefinition",
                "metadata": {"name": "limits.example.org"},
                "spec": {
                    "group": "example.org",
                    "scope": "Namespaced",
                    "names": {"plural": "limits", "singular": "limit", "kind": "Limit"},
                    "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
                },
            }
        ]
    )
    limit = {"apiVersion": "example.org/v1", "kind": "Limit", "metadata": {"name": "a", "namespace": "default"}, "limit": 3}

    def created() -> bool:
        try:
            return cluster.apply(limit).ok
        except LookupError:
            return False

    cluster.until(created)
    assert cluster.get("example.org/v1", "Limit", "a", namespace="default").body["limit"] == 3


def test_threads_have_connections_of_their_own(cluster: Cluster) -> None:
    cluster.namespace("threads")
    codes: list[int] = []

    def ask(number: int) -> None:
        codes.extend(cluster.create(pod("threads", f"p{number}-{i}"), dry_run=True).code for i in range(20))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [201] * 80


def test_flags_are_handed_on(kubernetes: str) -> None:
    """Without privileged containers, the API server refuses those, and HostProcess containers, by its own validation."""
    privileged = [{"name": "c", "image": "x", "securityContext": {"privileged": True}}]
    host_process: Json = {"containers": [{"name": "c", "image": "x"}], "hostNetwork": True, "securityContext": {"windowsOptions": {"hostProcess": True}}}
    with Cluster(kubernetes, "--allow-privileged=false") as strict:
        strict.namespace("shop")
        refused = strict.create(pod("shop", containers=privileged), dry_run=True)
        assert refused.message == 'Pod "a" is invalid: spec.containers[0].securityContext.privileged: Forbidden: disallowed by cluster policy'
        assert strict.create(pod("shop", **host_process), dry_run=True).code == 422
        assert strict.create(pod("shop"), dry_run=True).code == 201
    with pytest.raises(ClusterError, match=r"ended with code 1:[\s\S]*unknown flag: --no-such-flag"):
        Cluster(kubernetes, "--no-such-flag")


START = """
import sys, time
sys.path.insert(0, sys.argv[1])
from kube_cluster import Cluster
cluster = Cluster(sys.argv[2])
print(cluster._process.pid, cluster.folder, flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks for the process in /proc")
def test_nothing_remains_of_a_run_that_is_killed(kubernetes: str) -> None:
    with subprocess.Popen([sys.executable, "-c", START, str(Path(__file__).parent), kubernetes], stdout=subprocess.PIPE, text=True) as starter:
        assert starter.stdout
        process, folder = starter.stdout.readline().split()
        assert Path(folder, "audit.log").exists()
        os.kill(starter.pid, signal.SIGKILL)
    deadline = time.monotonic() + 30
    while Path("/proc", process).exists() or Path(folder).exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)

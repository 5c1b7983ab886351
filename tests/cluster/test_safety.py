"""What an export does not stop, and what it does: kube-system, mirror pods, what was stored before, missing parameters, exempted ones."""

from __future__ import annotations

import contextlib
import copy
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from decided import Answer, rules_found
from enforced import Enforced, Enforcer
from exports import as_written, exported
from kube_client import Json, service_account, user
from kube_cluster import Cluster
from pods import FAULTY_ACCOUNT, deployment, faulty_pod, linux_pod, sound_pod
from rbac import may_do_all
from record import Record
from suite_requests import PARAMETERS

import hostprocess

RULE = "user-name-escape"
SETS = ("audit", "warn", "deny")
DISABLED = "microsoft.com/disable-hostprocess-container"

Enforce = Callable[..., contextlib.AbstractContextManager[Enforced]]


@pytest.fixture(scope="module")
def enforcer(cluster: Cluster, record: Record) -> Iterator[Enforcer]:
    found = Enforcer(cluster, record, "safety")
    yield found
    found.close()


@pytest.fixture
def enforce(enforcer: Enforcer) -> Enforce:
    """Has the cluster enforce an export: the name of the set, and options."""

    def start(name: str = "deny", **options: Any) -> contextlib.AbstractContextManager[Enforced]:
        chosen = {"bundles": ("requirements", "documented"), **options}
        return enforcer.enforced(as_written(exported(enforcer.cluster.minor, **chosen), name))

    return start


@pytest.fixture(scope="module", autouse=True)
def namespaces(cluster: Cluster) -> None:
    for name in ("shop", "monitoring"):
        cluster.namespace(name)
    cluster.namespace("trusted", {"team": "nodes"})


def outcome(answer: Answer) -> tuple[str, bool, bool]:
    """The verdict, and whether the rule's finding is in a warning and in the audit annotation."""
    return answer.verdict, any(f"[{RULE}] " in text for text in answer.warnings), any(f"[{RULE}] " in one[3] for one in answer.failures)


# kube-system


def test_kube_system_is_warned_and_audited_but_not_denied(enforce: Enforce) -> None:
    with enforce() as now:
        assert outcome(now.create(faulty_pod("shop"))) == ("denied", False, True)
        assert outcome(now.create(faulty_pod("kube-system"))) == ("admitted", True, True)
        assert outcome(now.create(sound_pod("shop"))) == ("admitted", False, False)
        # Workloads are warned of: the pod is what is denied.
        assert outcome(now.create(deployment(faulty_pod("shop")))) == ("admitted", True, True)
        assert outcome(now.create(deployment(faulty_pod("kube-system")))) == ("admitted", True, True)


def test_kube_system_is_denied_when_it_is_included(enforce: Enforce) -> None:
    with enforce(include_kube_system=True, workloads="deny") as now:
        assert outcome(now.create(faulty_pod("kube-system"))) == ("denied", False, True)
        assert outcome(now.create(deployment(faulty_pod("shop")))) == ("denied", False, True)
        assert outcome(now.create(sound_pod("kube-system"))) == ("admitted", False, False)


@pytest.mark.parametrize(("name", "warned"), [("warn", True), ("audit", False)])
def test_other_sets_deny_nothing(enforce: Enforce, name: str, warned: bool) -> None:
    with enforce(name) as now:
        for namespace in ("shop", "kube-system"):
            assert outcome(now.create(faulty_pod(namespace))) == ("admitted", warned, True)


# Mirror pods


def test_mirror_pods_of_kubelets_are_let_through(enforce: Enforce, cluster: Cluster) -> None:
    """A kubelet reports a static pod: it runs whether the API server takes it or not."""
    may_do_all(cluster, "system:nodes")
    may_do_all(cluster, "developers")
    kubelet, developer = user("system:node:one", "system:nodes"), user("jane", "developers")
    mirror = {"kubernetes.io/config.mirror": "0123456789"}
    with enforce() as now:
        pod = changed(faulty_pod("shop", annotations=mirror), lambda it: it["spec"].update(nodeName="one"))
        assert outcome(now.create(pod, kubelet)) == ("admitted", False, False)
        assert outcome(now.create(pod, developer)) == ("denied", False, True)
        assert outcome(now.create(faulty_pod("shop"), kubelet)) == ("denied", False, True)


# What was stored before


@pytest.fixture
def stored(cluster: Cluster) -> Iterator[Callable[[Json], Json]]:
    """Stores objects before any policy is there, as the API server has them then; takes them away."""
    kept: list[Json] = []

    def store(obj: Json) -> Json:
        kept.append(cluster.required(cluster.create(obj), "what is stored before").body)
        return kept[-1]

    yield store
    for one in kept:
        metadata = one["metadata"]
        place = {"namespace": metadata["namespace"]}
        if metadata.get("finalizers"):
            cluster.patch(one["apiVersion"], one["kind"], metadata["name"], {"metadata": {"finalizers": None}}, **place)
        cluster.delete(one["apiVersion"], one["kind"], metadata["name"], grace=0, **place)


def changed(obj: Json, change: Callable[[Json], Any]) -> Json:
    """A changed copy."""
    copied = copy.deepcopy(obj)
    change(copied)
    return copied


def test_what_was_stored_before_can_be_handled(enforce: Enforce, cluster: Cluster, stored: Callable[[Json], Json]) -> None:
    gated = faulty_pod("shop", "gated", finalizers=["example.com/hold", "example.com/other"])
    gated["spec"]["schedulingGates"] = [{"name": "example.com/gate"}]
    pod, workload = stored(gated), stored(deployment(faulty_pod("shop", "workload")))
    going = stored(faulty_pod("shop", "going", finalizers=["example.com/hold"]))
    with enforce(workloads="deny") as now:
        allowed = {
            "a label": lambda it: it["metadata"].setdefault("labels", {}).update(changed="yes"),
            "an annotation of others": lambda it: it["metadata"].setdefault("annotations", {}).update({"example.com/a": "b"}),
            "a finalizer comes off": lambda it: it["metadata"]["finalizers"].pop(),
            "a scheduling gate comes off": lambda it: it["spec"].update(schedulingGates=[]),
        }
        for what, change in allowed.items():
            assert outcome(now.update(changed(pod, change), pod)) == ("admitted", False, False), what
        refused = {
            "an annotation that is judged": lambda it: it["metadata"].setdefault("annotations", {}).update({DISABLED: "true"}),
            "another image": lambda it: it["spec"]["containers"][0].update(image="registry.example.com/agent:2.0"),
        }
        for what, change in refused.items():
            assert now.update(changed(pod, change), pod).verdict == "denied", what
        scaled = changed(workload, lambda it: it["spec"].update(replicas=3))
        assert outcome(now.update(scaled, workload)) == ("admitted", False, False)
        restarted = changed(workload, lambda it: it["spec"]["template"]["metadata"].setdefault("annotations", {}).update({"example.com/restarted": "now"}))
        assert outcome(now.update(restarted, workload)) == ("admitted", False, False)
        other = changed(workload, lambda it: it["spec"]["template"]["spec"]["containers"][0].update(image="registry.example.com/agent:2.0"))
        assert outcome(now.update(other, workload)) == ("denied", False, True)
        # By the ways of kubectl scale, kubectl label and kubectl delete, really made.
        path = cluster.path("apps/v1", "Deployment", namespace="shop", name="workload", subresource="scale")
        scale = cluster.required(cluster.request("GET", path)).body
        scale["spec"]["replicas"] = 2
        assert cluster.request("PUT", path, scale).code == 200
        assert cluster.patch("v1", "Pod", "gated", {"metadata": {"labels": {"a": "b"}}}, namespace="shop").code == 200
        # One that is going away is let through whatever changes.
        assert cluster.delete("v1", "Pod", "going", namespace="shop", grace=0).code == 200
        going = cluster.required(cluster.get("v1", "Pod", "going", namespace="shop")).body
        assert going["metadata"]["deletionTimestamp"]
        last = changed(going, lambda it: (it["metadata"].pop("finalizers"), it["spec"]["containers"][0].update(image="registry.example.com/agent:2.0")))
        assert outcome(now.update(last, going)) == ("admitted", False, False)
        assert cluster.patch("v1", "Pod", "going", {"metadata": {"finalizers": None}}, namespace="shop").code == 200
        assert cluster.get("v1", "Pod", "going", namespace="shop").code == 404


def test_an_annotation_that_comes_later_is_judged(enforce: Enforce, stored: Callable[[Json], Json]) -> None:
    pod = stored(sound_pod("shop", "annotated"))
    with enforce() as now:
        annotated = changed(pod, lambda it: it["metadata"].update(annotations={DISABLED: "true"}))
        answer = now.update(annotated, pod)
        assert answer.verdict == "denied"
        assert rules_found(answer) == {"host-process-disabled-annotation"}
        assert now.update(changed(pod, lambda it: it["metadata"].update(annotations={DISABLED: "false"})), pod).verdict == "admitted"


def test_a_faulty_pod_can_be_debugged(enforce: Enforce, stored: Callable[[Json], Json]) -> None:
    """Of the containers that come to it, and of those alone, is judged what they are."""
    pod = stored(changed(faulty_pod("shop", "debugged"), lambda it: it["spec"]["containers"][0].update(_account(FAULTY_ACCOUNT))))

    def debugger(account: str) -> Json:
        return changed(
            pod, lambda it: it["spec"].update(ephemeralContainers=[{"name": "debugger", "image": "registry.example.com/debug:1.0", **_account(account)}])
        )

    with enforce() as now:
        assert outcome(now.update(debugger("NT AUTHORITY\\SYSTEM"), pod, "ephemeralcontainers")) == ("admitted", False, False)
        assert outcome(now.update(debugger(FAULTY_ACCOUNT), pod, "ephemeralcontainers")) == ("denied", False, True)


def _account(name: str) -> Json:
    return {"securityContext": {"windowsOptions": {"runAsUserName": name}}}


# Parameters

MALFORMED: Sequence[Json | None] = (
    None,
    {},
    {"data": {}},
    {"data": {"allowedNamespaces": "", "allowedAccounts": "", "allowedImages": ""}},
    {"data": {"allowedNamespaces": "\n\n,, **\t[", "allowedAccounts": "((", "allowedImages": "*\u0001?\\"}},
    {"data": {"allowednamespaces": "shop", "unknown": "x"}},
    {"binaryData": {"allowedNamespaces": "/wA="}},
)


def put(cluster: Cluster, content: Json | None) -> None:
    """Puts the parameters in the place of those that are there, with nothing of theirs left; None takes them away."""
    cluster.delete("v1", "ConfigMap", PARAMETERS["metadata"]["name"], namespace=PARAMETERS["metadata"]["namespace"])
    if content is not None:
        cluster.required(cluster.create({**PARAMETERS, **content}), "parameters")
    cluster.wait_for_inputs()


@pytest.mark.parametrize("name", SETS)
def test_parameters_that_are_missing_or_wrong_stop_no_other_pods(enforce: Enforce, cluster: Cluster, name: str) -> None:
    with enforce(name, bundles=("access",)) as now:
        for content in MALFORMED:
            put(cluster, content)
            for pod in (linux_pod("shop"), linux_pod("kube-system"), deployment(linux_pod("shop"))):
                answer = now.create(pod)
                assert (answer.verdict, answer.warnings, answer.failures) == ("admitted", frozenset(), ()), content
            assert now.create(sound_pod("kube-system")).verdict == "admitted", content
            now.create(sound_pod("shop"))  # whatever the engine says


def test_parameters_whose_namespace_is_missing(enforcer: Enforcer) -> None:
    """The namespace cannot go here, as no controller ends it; so the policies look for their parameters where none ever was."""
    objects = as_written(exported(enforcer.cluster.minor, bundles=("access",)), "deny")
    moved = [changed(one, _elsewhere) for one in objects if one["kind"] not in ("Namespace", "ConfigMap")]
    with enforcer.enforced(moved) as now:
        for pod in (linux_pod("shop"), linux_pod("kube-system"), sound_pod("shop")):
            assert now.create(pod).verdict == "admitted"


def _elsewhere(one: Json) -> None:
    if "paramRef" in one["spec"] and "namespace" in one["spec"]["paramRef"]:
        one["spec"]["paramRef"]["namespace"] = "nowhere"


def test_missing_parameters_stop_everything_when_that_is_asked_for(enforce: Enforce, cluster: Cluster) -> None:
    with enforce(bundles=("access",), params_missing="Deny") as now:
        assert now.create(linux_pod("shop")).verdict == "admitted"
        put(cluster, None)
        for pod in (linux_pod("shop"), sound_pod("shop")):
            answer = now.create(pod)
            assert answer.verdict == "denied"
            assert "no params found for policy binding with `Deny` parameterNotFoundAction" in answer.response.message
        put(cluster, {})
        assert now.create(linux_pod("shop")).verdict == "admitted"


def test_parameters_change_while_policies_run(enforce: Enforce, cluster: Cluster) -> None:
    with enforce(bundles=("access",)) as now:
        for listed, expected in itertools.chain([("shop", "admitted"), ("monitoring", "denied")] * 2, [("sh*\nmonitoring", "admitted"), ("", "denied")]):
            cluster.required(cluster.update({**PARAMETERS, "data": {"allowedNamespaces": listed}}))
            cluster.wait_for_inputs()
            answer = now.create(sound_pod("shop"))
            assert answer.verdict == expected, listed
            assert ("allowed-namespaces" in rules_found(answer)) == (expected == "denied")


# Exempted


def test_exempted_namespaces(enforce: Enforce, cluster: Cluster) -> None:
    exempt = hostprocess.Exemptions(namespaces=("monitoring",), namespace_selectors=("team=nodes",))
    for name, judged in (("deny", ("denied", False, True)), ("warn", ("admitted", True, True)), ("audit", ("admitted", False, True))):
        with enforce(name, exemptions=exempt) as now:
            assert outcome(now.create(faulty_pod("shop"))) == judged
            for namespace in ("monitoring", "trusted"):
                assert outcome(now.create(faulty_pod(namespace))) == ("admitted", False, False)
            if name == "deny":
                assert outcome(now.create(faulty_pod("kube-system"))) == ("admitted", True, True)
                cluster.namespace("trusted", {"team": "shop"})
                cluster.wait_for_inputs()
                assert outcome(now.create(faulty_pod("trusted"))) == judged
                cluster.namespace("trusted", {"team": "nodes"})
                cluster.wait_for_inputs()


def test_exempted_users_and_service_accounts(enforce: Enforce, cluster: Cluster) -> None:
    may_do_all(cluster, "developers")
    may_do_all(cluster, "system:serviceaccounts")
    exempt = hostprocess.Exemptions(users=("it's jane",), service_accounts=("monitoring/robot",))
    with enforce(exemptions=exempt) as now:
        pod = faulty_pod("shop")
        for who in (user("it's jane", "developers"), service_account("monitoring", "robot")):
            assert outcome(now.create(pod, who)) == ("admitted", False, False)
        for who in (user("jane", "developers"), service_account("shop", "robot"), service_account("monitoring", "other")):
            assert outcome(now.create(pod, who)) == ("denied", False, True)

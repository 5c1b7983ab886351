"""What exported policies let through of changes to objects that were there before them, in each API version.

tests/test_ratcheting.py holds the rules' side of it on every runtime; here it is the YAML that a cluster gets.
"""

from __future__ import annotations

import copy
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from exporting import FIXTURES, Offline, objects
from hostprocess.suite.edit import edited, wrapped
from support import pod, rule_text, write_pack

RULES = "requires-host-network,container-account,mixed-containers,host-process-value-mismatch"
BAD = {"securityContext": {"windowsOptions": {"runAsUserName": r"user manager\containeruser"}}}
SOUND = {"securityContext": {"windowsOptions": {"runAsUserName": r"NT AUTHORITY\SYSTEM"}}}
POD: dict[str, Any] = {**FIXTURES["hostprocess-pod"]}
POD["metadata"] = {**POD["metadata"], "namespace": "shop"}


@cache
def cluster(release: str = "1.30", name: str = "deny") -> Offline:
    return Offline(objects(f"--select={RULES}", "--deny-documented", "--workloads=deny", f"--kubernetes={release}", f"--enforcement={name}"))


def changed(base: dict[str, Any], **paths: Any) -> dict[str, Any]:
    """The object with fields set; `__` stands for the dots of a path."""
    return edited(copy.deepcopy(base), (), {path.replace("__", "."): value for path, value in paths.items()}, "")


FAULTY = changed(edited(copy.deepcopy(POD), ["spec.hostNetwork"], {}, ""), **{"spec__containers[0]__securityContext": BAD["securityContext"]})
FAULTS = {"requires-host-network", "container-account"}
INHERIT = {"microsoft.com/hostprocess-inherit-user": "true"}
DEPLOYMENT = wrapped(FAULTY, "Deployment")
DELETED = {**POD["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z", "deletionGracePeriodSeconds": 0}


def debugged(base: dict[str, Any], container: dict[str, Any]) -> dict[str, Any]:
    return changed(base, spec__ephemeralContainers=[{"name": "debug", "image": "i:1", **container}])


def with_another(**container: Any) -> dict[str, Any]:
    """The faulty pod with a sound container beside the faulty one."""
    return changed(FAULTY, **{"spec__containers[1]": {"name": "b", "image": "i:1", **container}})


BIG = {"resources": {"limits": {"cpu": "2"}}}
RESIZED = changed(FAULTY, **{"spec__containers[0]__resources": BIG["resources"]})


def case(name: str, now: dict[str, Any], before: dict[str, Any] | None, rules: set[str], subresource: str = "") -> Any:
    return pytest.param(now, before, subresource, rules, id=name)


CASES = [
    case("created", FAULTY, None, FAULTS),
    case("what was faulty is updated elsewhere", changed(FAULTY, spec__activeDeadlineSeconds=5), FAULTY, FAULTS),
    case("made faulty", FAULTY, POD, FAULTS),
    case("mended", POD, FAULTY, set()),
    case("the annotation added later", changed(FAULTY, metadata__annotations=INHERIT), FAULTY, {"requires-host-network"}),
    case("an annotation of others added", changed(FAULTY, metadata__annotations={"a.example.com/b": "c"}), FAULTY, set()),
    case("a label", changed(FAULTY, metadata__labels={"a": "b"}), FAULTY, set()),
    case("finalizers taken away", FAULTY, changed(FAULTY, metadata__finalizers=["a.example.com/b"]), set()),
    case("a scheduling gate taken away", FAULTY, changed(FAULTY, spec__schedulingGates=[{"name": "a"}]), set()),
    case("nothing at all", FAULTY, FAULTY, set()),
    case("being deleted", changed(FAULTY, metadata=DELETED), changed(POD, metadata=DELETED), set()),
    case("scaled", changed(DEPLOYMENT, spec__replicas=5), DEPLOYMENT, set()),
    case("paused, with a label", changed(DEPLOYMENT, spec__paused=True, metadata__labels={"a": "b"}), DEPLOYMENT, set()),
    case("a template made faulty", DEPLOYMENT, wrapped(POD, "Deployment"), FAULTS),
    case("an annotation of the template", changed(DEPLOYMENT, spec__template__metadata={"annotations": INHERIT}), DEPLOYMENT, {"requires-host-network"}),
    case("an annotation of the Deployment", changed(DEPLOYMENT, metadata__annotations=INHERIT), DEPLOYMENT, set()),
    case("a sound debug container in a faulty pod", debugged(FAULTY, SOUND), FAULTY, set(), "ephemeralcontainers"),
    case("a faulty debug container in a faulty pod", debugged(FAULTY, BAD), FAULTY, {"container-account"}, "ephemeralcontainers"),
    case("a faulty debug container in a sound pod", debugged(POD, BAD), POD, {"container-account"}, "ephemeralcontainers"),
    case("a second debug container", debugged(FAULTY, SOUND), debugged(FAULTY, SOUND), set(), "ephemeralcontainers"),
    case("another container resized", with_another(**BIG), with_another(), set(), "resize"),
    case("the faulty container resized", RESIZED, FAULTY, {"container-account"}, "resize"),
]


@pytest.mark.parametrize("release", ["1.29", "1.30"])
@pytest.mark.parametrize(("now", "before", "subresource", "rules"), CASES)
def test_what_is_denied(now: dict[str, Any], before: dict[str, Any] | None, subresource: str, rules: set[str], release: str) -> None:
    fields = {"operation": "UPDATE", "old_object": before} if before else {}
    assert cluster(release).answers(now, subresource=subresource, **fields) == dict.fromkeys(rules, "deny")


@pytest.mark.parametrize("name", ["audit", "warn"])
def test_the_other_sets_are_about_the_same_changes(name: str) -> None:
    label, container = changed(FAULTY, metadata__labels={"a": "b"}), debugged(FAULTY, BAD)
    assert cluster(name=name).answers(label, operation="UPDATE", old_object=FAULTY) == {}
    assert cluster(name=name).answers(FAULTY, operation="UPDATE", old_object=POD) == dict.fromkeys(FAULTS, name)
    found = cluster(name=name).answers(container, operation="UPDATE", old_object=FAULTY, subresource="ephemeralcontainers")
    assert found == {"container-account": name}


def test_a_mirror_pod_may_be_changed_by_its_kubelet() -> None:
    mirror = changed(FAULTY, metadata__annotations={"kubernetes.io/config.mirror": "a"})
    node = {"user": "system:node:a", "groups": ["system:nodes"], "operation": "UPDATE", "old_object": changed(mirror, spec__activeDeadlineSeconds=5)}
    assert cluster().answers(mirror, **node) == {}
    assert cluster().answers(mirror, **{**node, "groups": ["developers"]}) == dict.fromkeys(FAULTS, "deny")


def test_a_rule_may_say_what_it_is_about(tmp_path: Path) -> None:
    """Its policy is one of its own, judged when one of its inputs changes and not when another does."""
    inputs = """\
inputs:
  spec: {default: true, changed: "now.spec != before.spec"}
  labels: {changed: "has(now.metadata.labels) != has(before.metadata.labels)"}
bundles:
"""
    rules = {"by-spec.yaml": rule_text("by-spec"), "by-labels.yaml": rule_text("by-labels", ("when:", "inputs: [labels]\nwhen:"))}
    pack = write_pack(tmp_path, rules, ("bundles:\n", inputs))
    own = Offline(objects("--policies", pack, "--enforcement=deny", "--deny-documented"))
    before = pod(hostNetwork=True, containers=[{"name": "a", "image": "a"}, {"name": "b", "image": "b"}])
    for now, rule in ((changed(before, spec__activeDeadlineSeconds=5), "by-spec"), (changed(before, metadata__labels={"a": "b"}), "by-labels")):
        assert own.answers(now, operation="UPDATE", old_object=before) == {rule: "deny"}
    assert own.answers(before) == {"by-spec": "deny", "by-labels": "deny"}

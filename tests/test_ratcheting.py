"""What an UPDATE is judged for: the pack's matchConditions, and the containers that are new or changed. The cluster test asks a real API server the same."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from hostprocess.api import load_policies, load_rules
from hostprocess.compile import compile_pack, select_rules
from hostprocess.errors import PolicyError
from hostprocess.evaluate import Evaluator
from hostprocess.inventory import Inventory
from hostprocess.model import Decision, Targets
from hostprocess.rules import load_pack
from hostprocess.suite.edit import edited, wrapped
from support import ALL_RUNTIMES, request, rule_text, write_pack

POLICIES = load_policies(bundles=["requirements", "documented"])
JUDGES = {name: Evaluator(POLICIES.policies, POLICIES.bindings, runtime, Inventory.of([]), show_all=True) for name, runtime in ALL_RUNTIMES.items()}
POD: dict[str, Any] = dict(load_rules().fixtures["hostprocess-pod"])
WINDOWS: dict[str, Any] = dict(load_rules().fixtures["windows-pod"])
BAD_USER = r"user manager\containeruser"
INHERIT = {"microsoft.com/hostprocess-inherit-user": "true"}


def changed(base: dict[str, Any], **paths: Any) -> dict[str, Any]:
    """The object with fields set; `__` stands for the dots of a path."""
    return edited(copy.deepcopy(base), (), {path.replace("__", "."): value for path, value in paths.items()}, "")


def faulty(base: dict[str, Any] = POD) -> dict[str, Any]:
    """A pod with a fault of its container and one of its own."""
    return edited(copy.deepcopy(base), ["spec.hostNetwork"], {"spec.containers[0].securityContext": {"windowsOptions": {"runAsUserName": BAD_USER}}}, "")


def debugged(base: dict[str, Any], **container: Any) -> dict[str, Any]:
    return changed(base, spec__ephemeralContainers=[{"name": "debug", "image": "i:1", **container}])


def options(**values: Any) -> dict[str, Any]:
    return {"securityContext": {"windowsOptions": values}}


def denials(runtime: str, now: dict[str, Any], before: dict[str, Any] | None, subresource: str = "", **fields: Any) -> dict[str, Decision]:
    """The rules that refuse the update, by their names."""
    asked = request(now, operation="UPDATE", old_object=before, subresource=subresource, user_info={"username": "jane"}, **fields)
    found = JUDGES[runtime].decide(asked).findings
    assert all(one.outcome == "deny" for one in found), found
    return {one.rule: one for one in found}


OTHER = {"name": "other", "image": "i:1", **options(runAsUserName="a")}
FAULTS = {"requires-host-network", "container-account"}
DELETED = {"deletionTimestamp": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize("runtime", ALL_RUNTIMES)
@pytest.mark.parametrize(
    ("now", "before", "rules"),
    [
        pytest.param(faulty(), POD, FAULTS, id="made faulty"),
        pytest.param(changed(faulty(), metadata__labels={"a": "b"}), faulty(), set(), id="a label"),
        pytest.param(changed(faulty(), metadata__annotations={"a": "b"}), faulty(), set(), id="another annotation"),
        pytest.param(faulty(), changed(faulty(), metadata__finalizers=["a/b"]), set(), id="a finalizer taken off"),
        pytest.param(faulty(), changed(faulty(), spec__schedulingGates=[{"name": "a"}]), set(), id="a scheduling gate taken off"),
        pytest.param(changed(faulty(), spec__activeDeadlineSeconds=5), faulty(), FAULTS, id="another field of the spec"),
        pytest.param(faulty(), changed(faulty(), spec__activeDeadlineSeconds=5), FAULTS, id="a field of the spec taken away"),
        pytest.param(changed(faulty(), metadata__annotations=INHERIT), faulty(), {"requires-host-network"}, id="the annotation added"),
        pytest.param(faulty(), changed(faulty(), metadata__annotations=INHERIT), FAULTS, id="the annotation taken away"),
        pytest.param(faulty(), changed(faulty(), metadata__annotations={**INHERIT, "microsoft.com/hostprocess-inherit-user": "x"}), FAULTS, id="changed"),
        pytest.param(changed(faulty(), metadata=DELETED), changed(POD, metadata=DELETED), set(), id="being deleted"),
        pytest.param(wrapped(faulty(), "Deployment"), wrapped(POD, "Deployment"), FAULTS, id="a template made faulty"),
        pytest.param(changed(wrapped(faulty(), "Deployment"), spec__replicas=3), wrapped(faulty(), "Deployment"), set(), id="scaled"),
        pytest.param(changed(wrapped(faulty(), "CronJob"), spec__suspend=True), wrapped(faulty(), "CronJob"), set(), id="suspended"),
        pytest.param(wrapped(faulty(), "CronJob"), wrapped(POD, "CronJob"), FAULTS, id="a CronJob made faulty"),
        pytest.param(wrapped(faulty(), "PodTemplate"), wrapped(POD, "PodTemplate"), FAULTS, id="a PodTemplate made faulty"),
        pytest.param(changed(wrapped(faulty(), "PodTemplate"), metadata__labels={"a": "b"}), wrapped(faulty(), "PodTemplate"), set(), id="PodTemplate label"),
    ],
)
def test_an_update_is_judged_where_it_changes_what_the_rules_judge(runtime: str, now: dict[str, Any], before: dict[str, Any], rules: set[str]) -> None:
    assert set(denials(runtime, now, before)) == rules


@pytest.mark.parametrize("runtime", ALL_RUNTIMES)
@pytest.mark.parametrize(
    ("now", "before", "subresource", "fields"),
    [
        pytest.param(debugged(faulty(), **options(runAsUserName="NT AUTHORITY\\SYSTEM")), faulty(), "ephemeralcontainers", {}, id="a sound container"),
        pytest.param(
            debugged(faulty(), **options(runAsUserName=BAD_USER)),
            faulty(),
            "ephemeralcontainers",
            {"container-account": ("spec.ephemeralContainers[0].securityContext.windowsOptions.runAsUserName",)},
            id="a faulty container",
        ),
        # The other container was there before, and is not judged.
        pytest.param(
            debugged(WINDOWS, **options(hostProcess=True, runAsUserName=BAD_USER)),
            WINDOWS,
            "ephemeralcontainers",
            {
                "requires-host-network": ("spec.hostNetwork",),
                "container-account": ("spec.ephemeralContainers[0].securityContext.windowsOptions.runAsUserName",),
                "mixed-containers": ("spec.containers[0].securityContext.windowsOptions.hostProcess",),
            },
            id="a HostProcess container in a pod that had none",
        ),
        pytest.param(
            debugged(POD, **options(hostProcess=False)),
            POD,
            "ephemeralcontainers",
            dict.fromkeys(["mixed-containers", "host-process-value-mismatch"], ("spec.ephemeralContainers[0].securityContext.windowsOptions.hostProcess",)),
            id="a container that is not HostProcess in a pod that is",
        ),
        pytest.param(
            changed(faulty(), **{"spec__containers[0]__resources": {"limits": {"cpu": "2", "memory": "1Gi"}}}),
            faulty(),
            "resize",
            {"container-account": ("spec.containers[0].securityContext.windowsOptions.runAsUserName",)},
            id="the faulty container resized",
        ),
        pytest.param(
            changed(
                faulty(), **{"spec__containers[1]": {"name": "other", "image": "i:1", "resources": {"limits": {"cpu": "2"}}, **options(runAsUserName="a")}}
            ),
            changed(
                faulty(), **{"spec__containers[1]": {"name": "other", "image": "i:1", "resources": {"limits": {"cpu": "1"}}, **options(runAsUserName="a")}}
            ),
            "resize",
            {},
            id="another container resized",
        ),
    ],
)
def test_where_only_containers_change(runtime: str, now: dict[str, Any], before: dict[str, Any], subresource: str, fields: dict[str, Any]) -> None:
    found = denials(runtime, now, before, subresource)
    assert {rule: one.fields for rule, one in found.items()} == fields


@pytest.mark.parametrize("runtime", ALL_RUNTIMES)
def test_volumes_are_judged_for_the_new_containers(runtime: str) -> None:
    pipe = {"name": "pipe", "hostPath": {"path": r"\\.\pipe\containerd-containerd"}}
    mount = {"volumeMounts": [{"name": "pipe", "mountPath": r"\\.\pipe\containerd-containerd"}]}
    pod = changed(POD, spec__volumes=[pipe])
    mounted = changed(pod, **{"spec__containers[0]__volumeMounts": mount["volumeMounts"]})
    assert "named-pipe-mount" in denials(runtime, mounted, POD)
    assert "named-pipe-mount" in denials(runtime, debugged(pod, **mount), pod, "ephemeralcontainers")
    assert not denials(runtime, debugged(mounted), mounted, "ephemeralcontainers")


@pytest.mark.parametrize("runtime", ALL_RUNTIMES)
@pytest.mark.parametrize(
    ("groups", "annotations", "refused"),
    [
        (["system:nodes"], {"kubernetes.io/config.mirror": "a"}, False),
        (["system:nodes"], {}, True),
        (["developers"], {"kubernetes.io/config.mirror": "a"}, True),
        (None, {"kubernetes.io/config.mirror": "a"}, True),
    ],
)
def test_mirror_pods_of_kubelets_are_let_through(runtime: str, groups: list[str] | None, annotations: dict[str, str], refused: bool) -> None:
    user = {"username": "system:node:a"} | ({"groups": groups} if groups is not None else {})
    asked = request(changed(faulty(), metadata__annotations=annotations), user_info=user)
    assert bool(JUDGES[runtime].decide(asked).findings) is refused


def test_without_the_stored_object_an_update_is_unknown() -> None:
    report = JUDGES["tree"].decide(request(faulty(), operation="UPDATE", old_object=request(faulty()).namespace_object))
    assert {one.outcome for one in report.findings} == {"unknown"}


# Packs with inputs of their own.

INPUTS = """\
inputs:
  spec: {default: true, changed: "now.spec != before.spec"}
  labels: {changed: "has(now.metadata.labels) != has(before.metadata.labels)"}
bundles:
"""


def test_rules_with_other_inputs_are_policies_of_their_own(tmp_path: Path) -> None:
    folder = write_pack(tmp_path, {"a.yaml": rule_text("a"), "b.yaml": rule_text("b", ("when:", "inputs: [spec, labels]\nwhen:"))})
    file = Path(folder) / "pack.yaml"
    file.write_text(file.read_text().replace("bundles:\n", INPUTS, 1))
    pack = load_pack(folder)
    policies, _ = compile_pack(pack, pack.rules, Targets(kubernetes="1.36", containerd="2.0"))
    conditions = {one.name: one.match_conditions[-1].expression for one in policies}
    start = "oldObject == null || [has(object.spec.template) ? object.spec.template : object].exists(now, "
    start += "[has(oldObject.spec.template) ? oldObject.spec.template : oldObject].exists(before, "
    assert conditions == {
        "hostprocess-base-error": f"{start}now.spec != before.spec))",
        "hostprocess-base-error-spec-labels": f"{start}now.spec != before.spec || has(now.metadata.labels) != has(before.metadata.labels)))",
    }


def test_an_input_that_the_pack_does_not_have(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"a\.yaml:\d+:\d+.*there is no input 'label' in pack.yaml"):
        load_pack(write_pack(tmp_path, {"a.yaml": rule_text("a", ("when:", "inputs: [label]\nwhen:"))}))


def test_selected_rules_are_those_of_the_whole_range() -> None:
    pack = load_rules()
    ids = [
        {rule.id for rule in select_rules(pack, Targets(kubernetes=low, containerd="1.7", kubernetes_until=high), bundles=["requirements"])}
        for low, high in [("1.23", "1.23"), ("1.37", "1.37"), ("1.23", "1.37")]
    ]
    assert ids[2] == ids[0] & ids[1]
    assert ids[2] < ids[1]

"""The objects of an export: names, order, labels, what the bindings of each set do and where, and whom they leave alone."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

import hostprocess
from exporting import BUNDLES, FIXTURES, ONE, PODS, WORKLOADS, Offline, bindings, objects, policies, refusal, sets, specs, written
from hostprocess.suite.edit import edited, wrapped
from support import namespace, rule_text, write_pack

ALL = (*(f"--bundle={name}" for name in BUNDLES), "--with-authorizer", "--deny-documented")
ACTIONS = {
    "audit": {"error": ["Audit"], "warning": ["Audit"], "info": ["Audit"]},
    "warn": {"error": ["Warn", "Audit"], "warning": ["Warn", "Audit"], "info": ["Audit"]},
    "deny": {"error": ["Deny", "Audit"], "warning": ["Warn", "Audit"], "info": ["Audit"]},
}
NAME = "kubernetes.io/metadata.name"
OWN = "hostprocess.windows.policy/"
FAULTY = edited(dict(FIXTURES["hostprocess-pod"]), ["spec.hostNetwork"], {}, "")
FAULT = "requires-host-network"


def of_kind(found: Iterable[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [one for one in found if one["kind"] == kind]


def faulty(place: str = "shop", kind: str = "Pod") -> dict[str, Any]:
    """A pod with a fault, or an object that makes such pods."""
    value = FAULTY if kind == "Pod" else wrapped(FAULTY, kind)
    return {**value, "metadata": {**value["metadata"], "namespace": place}}


# Names, order, labels.


def test_what_is_needed_comes_before_what_needs_it() -> None:
    kinds = [one["kind"] for one in sets(*ALL)["warn"]]
    order = ["Namespace", "ConfigMap", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"]
    assert kinds == sorted(kinds, key=order.index)
    assert set(kinds) == set(order)


def test_one_policy_for_each_bundle_and_severity() -> None:
    """And for each kind of parameters and inputs, as these are said once for a policy."""
    found = {name: (spec.get("paramKind", {}).get("kind", "").lower()) for name, spec in specs(sets(*ALL)["deny"], "ValidatingAdmissionPolicy").items()}
    for name, params in found.items():
        assert re.fullmatch(rf"({'|'.join(BUNDLES)})-(error|warning|info)(-{params})?(-[a-z]+)*", name)
        assert not params or params in name
    assert {"requirements-error", "documented-error", "least-privilege-warning", "access-error", "access-error-configmap"} < found.keys()
    bundles = [one["metadata"]["labels"][f"{OWN}bundle"] for one in of_kind(sets(*ALL)["deny"], "ValidatingAdmissionPolicy")]
    assert bundles == sorted(bundles, key=BUNDLES.index)


def test_bindings_are_named_after_their_policies_and_the_set() -> None:
    for name in ACTIONS:
        for one in of_kind(sets(*ALL)[name], "ValidatingAdmissionPolicyBinding"):
            assert one["metadata"]["name"].startswith(f"{one['spec']['policyName']}-{name}")
    names = [one["metadata"]["name"] for found in sets(*ALL).values() for one in of_kind(found, "ValidatingAdmissionPolicyBinding")]
    assert len(names) == len(set(names))


def test_labels_say_what_an_object_is() -> None:
    version = hostprocess.load_rules().version
    for one in sets(*ALL)["deny"]:
        labels = one["metadata"]["labels"]
        expected = {"app.kubernetes.io/managed-by": "hostprocess", f"{OWN}pack": "hostprocess"}
        if one["kind"].startswith("Validating"):
            policy = one["spec"].get("policyName", one["metadata"]["name"])
            bundle, severity = labels[f"{OWN}bundle"], labels[f"{OWN}severity"]
            assert policy.startswith(f"hostprocess-{bundle}-{severity}")
            expected |= {f"{OWN}pack-version": version, f"{OWN}bundle": bundle, f"{OWN}severity": severity}
        if one["kind"].endswith("Binding"):
            expected |= {f"{OWN}enforcement": "deny"}
        assert labels == expected


def test_annotations_name_the_rules_and_what_they_were_made_of() -> None:
    titles = {name: bundle.title for name, bundle in hostprocess.load_rules().bundles.items()}
    for one in of_kind(sets(*ALL)["deny"], "ValidatingAdmissionPolicy"):
        annotations = one["metadata"]["annotations"]
        assert annotations.keys() == {f"{OWN}title", f"{OWN}rules", f"{OWN}source-digest"}
        assert annotations[f"{OWN}title"] == titles[one["metadata"]["labels"][f"{OWN}bundle"]]
        rules = dict.fromkeys(re.match(r"\[([a-z0-9-]+)\] ", each["message"])[1] for each in one["spec"]["validations"])  # type: ignore[index]
        assert set(annotations[f"{OWN}rules"].split(" ")) == set(rules)
        assert re.fullmatch("sha256:[0-9a-f]{64}", annotations[f"{OWN}source-digest"])


def test_the_digest_is_that_of_the_files(tmp_path: Path) -> None:
    pack = write_pack(
        tmp_path,
        {"area/a.yaml": rule_text("a", ("severity: error", "severity: info")), "area/b.yaml": rule_text("b", ("evidence: documented", "evidence: code"))},
    )

    def digests() -> dict[str, str]:
        found = of_kind(yaml.safe_load_all(written("--policies", pack)), "ValidatingAdmissionPolicy")
        return {one["metadata"]["name"]: one["metadata"]["annotations"][f"{OWN}source-digest"] for one in found}

    first = digests()
    assert set(first) == {"hostprocess-base-info", "hostprocess-base-error"}
    assert len(set(first.values())) == 2
    for path in (tmp_path / "pack.yaml", tmp_path / "area" / "a.yaml"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))  # as a checkout on Windows
    assert digests() == first
    with (tmp_path / "area" / "a.yaml").open("a") as file:
        file.write("# a word\n")
    second = digests()
    assert [name for name in first if first[name] != second[name]] == ["hostprocess-base-info"]
    with (tmp_path / "pack.yaml").open("a") as file:
        file.write("# a word\n")
    assert all(second[name] != digest for name, digest in digests().items())


def test_a_comment_says_how_the_stream_was_made() -> None:
    text = written("--select", "requires-host-network", "--exempt-user", "O'Hara", "--enforcement", "deny", "--include-kube-system")
    first, second, _ = text.split("\n", 2)
    assert first == f"# Generated by hostprocess {hostprocess.__version__}; do not edit: change the rules or the options and export again."
    assert second.startswith("# Made with: hostprocess export --select requires-host-network --enforcement deny --exempt-user ")
    assert second.endswith(""" 'O'"'"'Hara' --include-kube-system""")


def test_a_policy_for_each_rule() -> None:
    found = objects("--bundle=requirements", "--per-rule", kind="ValidatingAdmissionPolicy")
    rules = {rule.id: rule for rule in hostprocess.load_rules().rules}
    together = {one for spec in policies("--bundle=requirements").values() for one in (each["message"] for each in spec["validations"])}
    assert {each["message"] for one in found for each in one["spec"]["validations"]} == together
    for one in found:
        name = one["metadata"]["annotations"][f"{OWN}rules"]
        assert one["metadata"]["name"].startswith(f"hostprocess-{name}-")
        assert one["metadata"]["annotations"][f"{OWN}title"] == rules[name].title
        assert all(each["message"].startswith(f"[{name}] ") for each in one["spec"]["validations"])
    assert {one["policyName"] for one in bindings("--bundle=requirements", "--per-rule").values()} == {one["metadata"]["name"] for one in found}


# What is done with a finding.


def test_errors_fail_and_the_rest_is_let_through_when_it_cannot_be_evaluated() -> None:
    found = {one["metadata"]["labels"][f"{OWN}severity"]: one["spec"]["failurePolicy"] for one in of_kind(sets(*ALL)["deny"], "ValidatingAdmissionPolicy")}
    assert found == {"error": "Fail", "warning": "Ignore", "info": "Ignore"}
    assert [one["spec"]["failurePolicy"] for one in objects(ONE, kind="ValidatingAdmissionPolicy")] == ["Fail"]


@pytest.mark.parametrize("name", ACTIONS)
def test_the_actions_of_the_sets(name: str) -> None:
    for one in of_kind(sets(*ALL)[name], "ValidatingAdmissionPolicyBinding"):
        severity = one["metadata"]["labels"][f"{OWN}severity"]
        plain = one["metadata"]["name"] == f"{one['spec']['policyName']}-{name}"
        assert one["spec"]["validationActions"] == (ACTIONS[name][severity] if plain else ["Warn", "Audit"])
        assert plain or (name, severity) == ("deny", "error")


def test_the_set_of_the_stream_is_warn_unless_told() -> None:
    assert bindings(ONE) == bindings(ONE, "--enforcement=warn")


def test_what_only_the_documentation_says_warns_unless_asked_for() -> None:
    documented = [
        rule.id for rule in hostprocess.load_rules().rules if rule.evidence == "documented" and rule.severity == "error" and rule.bundle == "documented"
    ]
    asked, plain = (set(policies("--bundle=documented", *more)) for more in (["--deny-documented"], []))
    assert {"documented-error", "documented-warning"} <= plain
    for name, spec in policies("--bundle=documented").items():
        rules = {each["message"][1:].partition("]")[0] for each in spec["validations"]}
        assert not (rules & set(documented)) or name.startswith("documented-warning")
    assert asked != plain
    (name,) = policies("--select", documented[0], "--deny-documented")
    assert name.startswith("documented-error")


# Where.


def test_every_policy_is_about_pods_their_subresources_and_what_makes_them() -> None:
    for spec in specs(sets(*ALL)["deny"], "ValidatingAdmissionPolicy").values():
        rules = spec["matchConstraints"]["resourceRules"]
        assert {name for rule in rules for name in rule["resources"]} == PODS | WORKLOADS
        assert all(rule["operations"] == ["CREATE", "UPDATE"] for rule in rules)


def test_kube_system_is_warned_and_not_denied() -> None:
    found = bindings(ONE, "--enforcement=deny")
    plain, workloads, system = (found[f"requirements-error-deny{suffix}"] for suffix in ("", "-workloads", "-kube-system"))
    excluded = {"matchExpressions": [{"key": NAME, "operator": "NotIn", "values": ["kube-system"]}]}
    assert plain["matchResources"]["namespaceSelector"] == workloads["matchResources"]["namespaceSelector"] == excluded
    assert system["matchResources"] == {"namespaceSelector": {"matchExpressions": [{"key": NAME, "operator": "In", "values": ["kube-system"]}]}}
    assert (plain["validationActions"], system["validationActions"]) == (["Deny", "Audit"], ["Warn", "Audit"])
    cluster = Offline(objects(ONE, "--enforcement=deny"))
    for kind, denied in (("Pod", "deny"), ("Deployment", "warn")):
        assert cluster.answers(faulty(kind=kind)) == {FAULT: denied}
        assert cluster.answers(faulty("kube-system", kind)) == {FAULT: "warn"}


def test_every_binding_that_denies_has_its_counterpart() -> None:
    found = specs(sets(*ALL)["deny"], "ValidatingAdmissionPolicyBinding")
    denying = {name for name, spec in found.items() if "Deny" in spec["validationActions"]}
    assert denying == {name.removesuffix("-kube-system") for name in found if name.endswith("-kube-system")}
    assert {spec["policyName"] for name, spec in found.items() if name in denying} == {
        one["metadata"]["name"] for one in of_kind(sets(*ALL)["deny"], "ValidatingAdmissionPolicy") if one["spec"]["failurePolicy"] == "Fail"
    }


def test_kube_system_can_be_included() -> None:
    found = bindings(ONE, "--enforcement=deny", "--include-kube-system")
    assert set(found) == {"requirements-error-deny", "requirements-error-deny-workloads"}
    assert not any("namespaceSelector" in spec.get("matchResources", {}) for spec in found.values())
    assert Offline(objects(ONE, "--enforcement=deny", "--include-kube-system")).answers(faulty("kube-system")) == {FAULT: "deny"}


@pytest.mark.parametrize("name", ["audit", "warn"])
def test_the_sets_that_deny_nothing_need_no_exception(name: str) -> None:
    assert bindings(ONE, f"--enforcement={name}") == bindings(ONE, f"--enforcement={name}", "--include-kube-system")
    (binding,) = bindings(ONE, f"--enforcement={name}").values()
    assert "matchResources" not in binding
    assert Offline(objects(ONE, f"--enforcement={name}")).answers(faulty("kube-system")) == {FAULT: name}


@pytest.mark.parametrize(("workloads", "follows"), [("deny", "deny"), ("warn", "warn"), ("off", None)])
@pytest.mark.parametrize("kind", ["Deployment", "ReplicaSet", "DaemonSet", "StatefulSet", "Job", "CronJob", "ReplicationController", "PodTemplate"])
def test_workloads(workloads: str, follows: str | None, kind: str) -> None:
    options = (ONE, f"--workloads={workloads}")
    cluster = Offline(objects(*options, "--enforcement=deny"))
    assert cluster.answers(faulty()) == {FAULT: "deny"}
    assert cluster.answers(faulty(kind=kind)) == ({FAULT: follows} if follows else {})
    assert cluster.answers(faulty("kube-system", kind)) == ({FAULT: "warn"} if follows else {})
    for name in ("audit", "warn"):
        assert Offline(objects(*options, f"--enforcement={name}")).answers(faulty(kind=kind)) == ({FAULT: name} if follows else {})


def test_workloads_that_are_off_cost_nothing() -> None:
    (spec,) = policies(ONE, "--workloads=off").values()
    assert {name for rule in spec["matchConstraints"]["resourceRules"] for name in rule["resources"]} == PODS
    assert set(bindings(ONE, "--workloads=off", "--enforcement=deny")) == {"requirements-error-deny", "requirements-error-deny-kube-system"}
    assert set(bindings(ONE, "--workloads=deny", "--enforcement=deny")) == {"requirements-error-deny", "requirements-error-deny-kube-system"}


def test_a_pack_of_ones_own_without_workloads(tmp_path: Path) -> None:
    pack = write_pack(tmp_path, None, ("    - {apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments]}\n", ""))
    found = bindings("--policies", pack, "--enforcement=deny", "--deny-documented")
    assert set(found) == {"base-error-deny", "base-error-deny-kube-system"}


def test_mirror_pods_of_kubelets_are_let_through() -> None:
    """Only those: an annotation anybody can write."""
    cluster = Offline(objects(ONE, "--enforcement=deny"))
    mirror = faulty()
    mirror["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "abc"}
    node = {"user": "system:node:win-1", "groups": ["system:nodes"]}
    assert cluster.answers(mirror, **node) == {}
    assert cluster.answers(mirror) == {FAULT: "deny"}
    assert cluster.answers(faulty(), **node) == {FAULT: "deny"}
    for spec in specs(sets(*ALL)["deny"], "ValidatingAdmissionPolicy").values():
        (condition,) = [one["expression"] for one in spec["matchConditions"] if one["name"] == "not-a-mirror-pod"]
        assert "'system:nodes' in request.userInfo.groups" in condition


# Exemptions.

EXEMPT = (ONE, "--enforcement=deny", "--exempt-namespace=lab", "--exempt-namespace=test,kube-system")


def selectors(*arguments: str) -> dict[str, list[dict[str, Any]]]:
    found = bindings(*arguments)
    return {
        name.partition("-error-")[2]: spec.get("matchResources", {}).get("namespaceSelector", {}).get("matchExpressions", []) for name, spec in found.items()
    }


def test_namespaces_by_name() -> None:
    names = [{"key": NAME, "operator": "NotIn", "values": ["kube-system", "lab", "test"]}]
    assert selectors(*EXEMPT) == {"deny": names, "deny-workloads": names}  # and none that warns in kube-system, which is exempt
    assert selectors(*EXEMPT, "--include-kube-system") == {"deny": names, "deny-workloads": names}
    assert selectors(ONE, "--exempt-namespace=lab") == {"warn": [{"key": NAME, "operator": "NotIn", "values": ["lab"]}]}
    cluster = Offline(objects(*EXEMPT), [namespace("lab"), namespace("other")])
    assert cluster.answers(faulty("lab")) == cluster.answers(faulty("kube-system")) == {}
    assert cluster.answers(faulty("other")) == {FAULT: "deny"}


@pytest.mark.parametrize(
    ("selector", "requirement", "exempt"),
    [
        ("tier=lab", {"key": "tier", "operator": "NotIn", "values": ["lab"]}, {"lab"}),
        ("tier == lab", {"key": "tier", "operator": "NotIn", "values": ["lab"]}, {"lab"}),
        ("tier=", {"key": "tier", "operator": "NotIn", "values": [""]}, {"bare"}),
        ("tier!=lab", {"key": "tier", "operator": "In", "values": ["lab"]}, {"web", "bare", "none"}),
        ("tier", {"key": "tier", "operator": "DoesNotExist"}, {"lab", "web", "bare"}),
        ("!tier", {"key": "tier", "operator": "Exists"}, {"none"}),
        ("tier in (lab, web)", {"key": "tier", "operator": "NotIn", "values": ["lab", "web"]}, {"lab", "web"}),
        ("tier notin (lab,web)", {"key": "tier", "operator": "In", "values": ["lab", "web"]}, {"bare", "none"}),
    ],
)
def test_namespaces_by_label(selector: str, requirement: dict[str, Any], exempt: set[str]) -> None:
    options = (ONE, "--enforcement=deny", f"--exempt-namespace-selector={selector}")
    excluded = {"key": NAME, "operator": "NotIn", "values": ["kube-system"]}
    system = {"key": NAME, "operator": "In", "values": ["kube-system"]}
    assert selectors(*options) == {"deny": [excluded, requirement], "deny-workloads": [excluded, requirement], "deny-kube-system": [system, requirement]}
    labelled = {"lab": {"tier": "lab"}, "web": {"tier": "web"}, "bare": {"tier": ""}, "none": {}}
    cluster = Offline(objects(*options), [namespace(name, **labels) for name, labels in labelled.items()])
    assert {name for name in labelled if not cluster.answers(faulty(name))} == exempt


def test_several_selectors_exempt_what_one_of_them_selects() -> None:
    options = (ONE, "--enforcement=deny", "--exempt-namespace-selector=a=1", "--exempt-namespace-selector=b")
    cluster = Offline(objects(*options), [namespace("x", a="1"), namespace("y", b=""), namespace("z", a="2")])
    assert [bool(cluster.answers(faulty(name))) for name in "xyz"] == [False, False, True]


@pytest.mark.parametrize(
    ("selector", "follows"),
    [(f"{NAME}=kube-system", {}), (f"{NAME} in (kube-system)", {}), (f"{NAME} notin (shop)", {}), (f"{NAME}=shop", {FAULT: "warn"}), ("a=b", {FAULT: "warn"})],
)
def test_kube_system_can_be_exempt_by_its_label_as_well(selector: str, follows: dict[str, str]) -> None:
    cluster = Offline(objects(ONE, "--enforcement=deny", f"--exempt-namespace-selector={selector}"))
    assert cluster.answers(faulty("kube-system")) == follows


def test_who_makes_the_request() -> None:
    options = (ONE, "--exempt-user=jane", "--exempt-user=O'Hara \\ co,ltd", "--exempt-service-account=ci/deployer,ops/a.b")
    (spec,) = policies(*options).values()
    names = "['O\\'Hara \\\\ co,ltd', 'jane', 'system:serviceaccount:ci:deployer', 'system:serviceaccount:ops:a.b']"
    assert spec["matchConditions"][-1] == {
        "name": "not-by-an-exempt-user",
        "expression": f"!has(request.userInfo.username) || !(request.userInfo.username in {names})",
    }
    cluster = Offline(objects(*options))
    users = ("jane", "O'Hara \\ co,ltd", "system:serviceaccount:ci:deployer", "system:serviceaccount:ops:a.b", "deployer", "", "jan")
    assert [bool(cluster.answers(faulty(), user=user)) for user in users] == [False] * 4 + [True] * 3


def test_exemptions_change_no_expression_of_a_rule() -> None:
    options = ["--exempt-user=a", "--exempt-service-account=b/c", "--exempt-namespace=d", "--exempt-namespace-selector=e"]
    plain, exempt = (policies("--bundle=requirements,access,containerd", *more) for more in ([], options))
    assert plain.keys() == exempt.keys()
    for name, spec in exempt.items():
        assert {**spec, "matchConditions": spec["matchConditions"][:-1]} == plain[name]


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("namespace", "kube-*", "'kube-*' is not the name of a namespace; for labels there is --exempt-namespace-selector"),
        ("namespace", "a=b", "is not the name of a namespace"),
        ("namespace", "A", "is not the name of a namespace"),
        ("namespace-selector", "a=b,c=d", "the opposite of several requirements is not a selector"),
        ("namespace-selector", "a in (b", "is not a selector; write it as KEY=VALUE"),
        ("namespace-selector", "a b", "is not a selector"),
        ("namespace-selector", "", "is not a selector"),
        ("namespace-selector", "a>5", "the key or a value is not one that labels can have"),
        ("namespace-selector", "a=b=c", "the key or a value is not one that labels can have"),
        ("namespace-selector", "a/b/c=d", "the key or a value is not one that labels can have"),
        ("namespace-selector", "a in (b_, c)", "the key or a value is not one that labels can have"),
        ("service-account", "default", "'default' is not a service account; write it as NAMESPACE/NAME"),
        ("service-account", "a/b/c", "is not a service account"),
        ("service-account", "/b", "is not a service account"),
        ("service-account", "system:serviceaccount:a:b", "is not a service account"),
        ("user", "", "'' is not the name of a user"),
        ("user", "a\nb", "a name is one line, not 'a\\nb'"),
        ("user", "a\tb", "'a\\tb' is not the name of a user"),
    ],
)
def test_exemptions_that_cannot_be(option: str, value: str, message: str) -> None:
    said = refusal(ONE, f"--exempt-{option}", value)
    assert said.startswith(f"--exempt-{option}")
    assert message in said

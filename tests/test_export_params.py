"""The parameters of the bundle `access`: the file, what is wrong with it, and what a cluster does while they are missing or no good."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import hostprocess
from exporting import BUILT_IN, FIXTURES, ONE, Offline, bindings, objects, refusal, run
from support import pod, resource, rule_text, write_pack

ACCESS = ("--bundle=access", "--with-authorizer")
LISTS = "--select=allowed-namespaces,allowed-images,allowed-accounts"
OWN = "hostprocess.windows.policy/"
SETS = ("audit", "warn", "deny")
RIGHT = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: hostprocess-access, namespace: hostprocess-policies, labels: {team: nodes}}
data:
  allowedNamespaces: |
    monitoring-*
immutable: true
"""
HOST: dict[str, Any] = dict(FIXTURES["hostprocess-pod"])
FINDING = {"audit": "audit", "warn": "warn", "deny": "deny"}


@pytest.fixture
def params(tmp_path: Path) -> Path:
    path = tmp_path / "lists.yaml"
    path.write_text(RIGHT)
    return path


def in_namespace(value: dict[str, Any], name: str) -> dict[str, Any]:
    return {**value, "metadata": {**value["metadata"], "namespace": name}}


# The file.


def test_parameters_are_exported_as_they_are_with_our_labels(params: Path) -> None:
    found = objects(LISTS, "--params", params)
    assert [one["kind"] for one in found] == ["Namespace", "ConfigMap", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"]
    labels = {"app.kubernetes.io/managed-by": "hostprocess", "hostprocess.windows.policy/pack": "hostprocess"}
    assert found[0] == {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "hostprocess-policies", "labels": labels}}
    assert found[1] == {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "hostprocess-access", "namespace": "hostprocess-policies", "labels": labels},
        "data": {"allowedNamespaces": "monitoring-*\n"},
        "immutable": True,
    }


def test_without_a_file_the_object_is_there_and_empty() -> None:
    _, config, *_ = objects("--bundle=access")
    assert set(config) == {"apiVersion", "kind", "metadata"}


def test_the_file_switches_the_bundle_on_as_with_check(params: Path) -> None:
    access = {one["metadata"]["name"] for one in objects("--bundle=access")}
    assert {"hostprocess-policies", "hostprocess-access", "hostprocess-access-error-configmap"} < access
    policies = {one["metadata"]["labels"][f"{OWN}bundle"]: one for one in objects("--params", params, kind="ValidatingAdmissionPolicy")}
    assert policies.keys() == {name for name, bundle in BUILT_IN.bundles.items() if bundle.default} | {"access"}
    assert access < {one["metadata"]["name"] for one in objects("--params", params)}


@pytest.mark.parametrize("metadata", ["", "metadata: {}\n", "metadata: {name: hostprocess-access}\n", "metadata: {namespace: hostprocess-policies}\n"])
def test_names_may_be_left_out(params: Path, metadata: str) -> None:
    params.write_text("apiVersion: v1\nkind: ConfigMap\ndata: {allowedImages: a}\n" + metadata)
    config = objects("--bundle=access", "--params", params)[1]
    assert (config["metadata"]["name"], config["metadata"]["namespace"]) == ("hostprocess-access", "hostprocess-policies")
    assert config["data"] == {"allowedImages": "a"}


@pytest.mark.parametrize("data", ["data: null\n", "data: {}\n", ""])
def test_no_lists_at_all(params: Path, data: str) -> None:
    params.write_text("apiVersion: v1\nkind: ConfigMap\n" + data)
    assert not objects("--bundle=access", "--params", params)[1].get("data")
    assert run("--bundle=access", "--params", params).stderr == ""


def test_what_is_decided_by_them(params: Path) -> None:
    cluster = Offline(objects(LISTS, "--params", params, "--enforcement=deny"))
    assert cluster.answers(in_namespace(HOST, "shop")) == {"allowed-namespaces": "deny"}
    cluster = Offline(objects(LISTS, "--enforcement=deny"))
    assert cluster.answers(in_namespace(HOST, "shop")) == {}


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("", "", "holds no objects; the parameters are one"),
        (RIGHT + "---\n" + RIGHT, "", "holds 2 objects; the parameters are one"),
        (
            RIGHT.replace("ConfigMap", "Secret").replace("\ndata:", "\nstringData:"),
            ":1:1",
            "the parameters are the ConfigMap hostprocess-policies/hostprocess-access of v1; this is the Secret ",
        ),
        (RIGHT.replace("name: hostprocess-access", "name: other"), ":1:1", "this is the ConfigMap hostprocess-policies/other of v1"),
        (RIGHT.replace("namespace: hostprocess-policies", "namespace: shop"), ":1:1", "this is the ConfigMap shop/hostprocess-access of v1"),
        (RIGHT.replace("apiVersion: v1", "apiVersion: v2"), ":1:1", "v2"),
        (RIGHT.replace("allowedNamespaces: |\n    monitoring-*", "allowedNamespaces: [a]"), ":5:3", "data.allowedNamespaces"),
        (RIGHT.replace("allowedNamespaces: |\n    monitoring-*", "allowedNamespaces: {a: b}"), ":5:3", "data.allowedNamespaces"),
        (RIGHT.replace("allowedNamespaces: |\n    monitoring-*", "allowedNamespaces: 5"), ":5:3", "data.allowedNamespaces"),
        (RIGHT.replace("allowedNamespaces: |\n    monitoring-*", "- allowedNamespaces"), ":4:1", "data"),
        (RIGHT.replace("data:\n  allowedNamespaces: |\n    monitoring-*", "data: allowedNamespaces"), ":4:1", "data"),
        (RIGHT.replace("\ndata:", "\ndat:"), ":4:1", "dat: unknown field: did you mean 'data'"),
        (RIGHT + "data: {}\n", ":8:1", "the key 'data' is given twice"),
        ("[1]", ":1:1", "mapping"),
        ("a: [", ":", "YAML"),
        ("just text", ":1:1", "mapping"),
    ],
)
def test_parameters_of_a_wrong_shape(params: Path, text: str, place: str, message: str) -> None:
    params.write_text(text)
    said = refusal("--bundle=access", "--params", params)
    assert said.removeprefix(str(params)).startswith(place), said
    assert message in said


@pytest.mark.parametrize("data", [["a"], "a", {"allowedImages": ["a"]}, {"allowedImages": 5}])
def test_parameters_that_no_file_was_read_for(data: object) -> None:
    """The Python API takes any object, also one that no reader has looked at."""
    given = resource({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}, "data": data})
    with pytest.raises(hostprocess.InputError, match="must be a"):
        hostprocess.export_policies(hostprocess.ExportOptions(releases=hostprocess.parse_releases("1.30"), select=("allowed-images",), params=given))


def test_a_file_that_is_not_there_and_no_file(tmp_path: Path) -> None:
    assert refusal("--bundle=access", "--params", tmp_path / "no.yaml") == f"{tmp_path / 'no.yaml'}: no such file or folder\n"
    assert refusal("--bundle=access", "--params", "") == "--params: the name of a file is missing\n"


def test_parameters_that_nothing_reads(params: Path) -> None:
    assert refusal(ONE, "--params", params) == "--params: no rule of this export takes parameters; those of the bundle `access` do\n"
    ran = run("--select=allowed-images", "--params", params)
    assert (ran.status, ran.stderr) == (0, "note: --params: no rule of this export reads data.allowedNamespaces; did you mean 'allowedImages'?\n")
    params.write_text(RIGHT.replace("allowedNamespaces", "allowedNamespace"))
    ran = run("--bundle=access", "--params", params)
    assert (ran.status, ran.stderr) == (0, "note: --params: no rule of this export reads data.allowedNamespace; did you mean 'allowedNamespaces'?\n")


def test_parameters_of_another_pack(tmp_path: Path) -> None:
    """A message expression reads them too; and a pack without any has no use for them."""
    rule = rule_text("limits", ("bundle: base", "bundle: limited"), ("message: one container only", "message: one\n    messageExpression: params.data.text"))
    pack = write_pack(tmp_path, {"area/limits.yaml": rule})
    given = tmp_path / "limits.yml"
    given.write_text("apiVersion: v1\nkind: ConfigMap\ndata: {text: a, text.en: b, TEXT: c}\n")
    ran = run("--policies", pack, "--params", given)
    said = "note: --params: no rule of this export reads data."
    assert [line.partition(";")[0] for line in ran.stderr.splitlines()] == [f"{said}text.en", f"{said}TEXT"]
    assert "name: limits\n" in ran.stdout
    assert (
        refusal("--policies", pack, "--bundle", "base", "--params", given)
        == "there is no rule to export: the chosen rules do not hold in all of these releases\n"
    )


# A cluster without them.


def offline(name: str, state: str) -> Offline:
    """A cluster with the export and the parameters in a state."""
    exported = objects(*ACCESS, "--enforcement", name)
    data = {
        "empty": {},
        "emptied": {"data": {}},
        "lists without items": {"data": {"allowedNamespaces": "", "allowedImages": "\n\n", "allowedAccounts": " "}},
        "binary": {"binaryData": {"allowedNamespaces": "AAAA"}},
        "other keys": {"data": {"allowed-namespaces": "a", "x": "\n"}},
        "patterns that are none": {"data": {"allowedNamespaces": "(\\\n[a\n\\E\\Q*+?", "allowedImages": "\\Q(", "allowedAccounts": "\\"}},
        "one long line": {"data": {"allowedNamespaces": "a" * 100_000}},
    }
    if state == "missing":
        return missing(exported)
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "hostprocess-access", "namespace": "hostprocess-policies"}, **data[state]}
    return Offline(exported, [config])


def missing(exported: list[dict[str, Any]]) -> Offline:
    """A cluster with the export but for its ConfigMap. Others it has: an inventory without any says nothing about them."""
    other = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kube-root-ca.crt", "namespace": "hostprocess-policies"}}
    return Offline([one for one in exported if one["kind"] != "ConfigMap"], [other])


STATES = ("missing", "empty", "emptied", "lists without items", "binary", "other keys", "patterns that are none", "one long line")


ALLOWED = ("missing", "empty", "emptied", "binary", "other keys")


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("name", SETS)
def test_linux_pods_and_those_of_kube_system_are_still_admitted(name: str, state: str) -> None:
    """And HostProcess pods are judged as ever: no list allows all, an empty one nothing."""
    cluster = offline(name, state)
    linux = pod(namespace="shop", nodeSelector={"kubernetes.io/os": "linux"})
    for value in (linux, in_namespace(linux, "kube-system"), pod(namespace="shop"), pod(namespace="kube-system")):
        assert cluster.answers(value) == {}, (value, state)
    value = in_namespace(HOST, "kube-system")
    value["spec"] = {**value["spec"], "securityContext": {"windowsOptions": {"hostProcess": True, "runAsUserName": "a"}}}
    assert "deny" not in cluster.answers(value).values()
    found = {rule: follows for rule, follows in cluster.answers(in_namespace(value, "shop")).items() if rule.startswith("allowed-")}
    nothing = dict.fromkeys(("allowed-namespaces", "allowed-images", "allowed-accounts"), FINDING[name])
    assert found == ({} if state in ALLOWED else {"allowed-namespaces": FINDING[name]} if state == "one long line" else nothing)


# --params-missing deny.

MISSING = (LISTS, "--params-missing=deny")


def test_only_the_bindings_that_deny_deny_without_parameters(tmp_path: Path) -> None:
    run(*MISSING, "--output", tmp_path / "out")
    assert "parameterNotFoundAction: Deny" not in (tmp_path / "out/overlays/audit/bindings.yaml").read_text()
    assert "parameterNotFoundAction: Deny" not in (tmp_path / "out/overlays/warn/bindings.yaml").read_text()
    found = {name: spec["paramRef"]["parameterNotFoundAction"] for name, spec in bindings(*MISSING, "--enforcement=deny").items()}
    assert found == {
        "access-error-configmap-deny": "Deny",
        "access-error-configmap-deny-workloads": "Allow",
        "access-error-configmap-deny-kube-system": "Allow",
    }
    assert {spec["paramRef"]["parameterNotFoundAction"] for spec in bindings(LISTS, "--enforcement=deny").values()} == {"Allow"}


def test_what_they_deny_then_is_what_the_note_says() -> None:
    said = run(*MISSING, "--enforcement=deny").stderr
    assert said == (
        "note: --params-missing deny: while the ConfigMap hostprocess-policies/hostprocess-access of v1 is missing, the bindings `deny` refuse every pod "
        "that is created or updated outside kube-system: Linux ones, static ones and those of exempt users as well\n"
    )
    exported = objects(*MISSING, "--enforcement=deny", "--exempt-user=ada")
    whole, without = Offline(exported), missing(exported)
    mirror = pod(namespace="shop")
    mirror["metadata"]["annotations"] = {"kubernetes.io/config.mirror": "x"}
    deployment = {**pod(), "apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": {"spec": pod()["spec"]}}}
    refused = {"hostprocess-access-error-configmap": "deny"}
    for value, fields, expected in (
        (pod(namespace="shop"), {}, refused),
        (pod(namespace="shop"), {"user": "ada"}, refused),
        (mirror, {"groups": ["system:nodes"]}, refused),
        (pod(namespace="kube-system"), {}, {}),
        (in_namespace(deployment, "shop"), {}, {}),
    ):
        assert without.answers(value, **fields) == expected, (value, fields)
        assert whole.answers(value, **fields) == {}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--workloads=deny"], "refuse every pod and workload that is created or updated outside kube-system:"),
        (["--workloads=off"], "refuse every pod that is created or updated outside kube-system:"),
        (["--include-kube-system"], "refuse every pod that is created or updated: Linux ones"),
        (["--exempt-namespace=a"], "updated outside kube-system and the exempt namespaces:"),
        (["--exempt-namespace-selector=a", "--include-kube-system"], "updated outside the exempt namespaces:"),
    ],
)
def test_the_note_tells_of_the_other_options(options: list[str], words: str) -> None:
    assert words in run(*MISSING, "--enforcement=deny", *options).stderr


def test_where_it_would_do_nothing_it_is_refused() -> None:
    assert refusal(ONE, "--params-missing=deny") == "--params-missing deny: no rule of this export takes parameters; those of the bundle `access` do\n"
    assert "the bindings `deny`, and this export has none; add --enforcement deny" in refusal(*MISSING)
    assert "this export has none" in refusal(*MISSING, "--enforcement=audit")


def test_objects_that_are_looked_up_by_their_kind_may_be_none() -> None:
    """A cluster without RuntimeClasses is none where parameters are missing."""
    options = ("--bundle=access", "--bundle=documented", "--deny-documented", "--params-missing=deny", "--enforcement=deny")
    found = {spec["paramRef"]["parameterNotFoundAction"] for name, spec in bindings(*options).items() if "runtimeclass" in name and "paramRef" in spec}
    assert found == {"Allow"}

"""Objects that are looked up, given twice: nobody knows which of two that differ holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import hostprocess
from support import namespace, pod

POLICY: dict[str, Any] = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "ValidatingAdmissionPolicy",
    "metadata": {"name": "p"},
    "spec": {
        "paramKind": {"apiVersion": "v1", "kind": "ConfigMap"},
        "matchConstraints": {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["*"], "resources": ["pods"]}]},
        "validations": [{"expression": "params.data.team == namespaceObject.metadata.labels.team"}],
    },
}
BINDING: dict[str, Any] = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "ValidatingAdmissionPolicyBinding",
    "metadata": {"name": "b"},
    "spec": {
        "policyName": "p",
        "validationActions": ["Deny"],
        "paramRef": {"name": "teams", "namespace": "shop", "parameterNotFoundAction": "Deny"},
    },
}
POD = pod("a", namespace="shop")


def team(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "teams", "namespace": "shop"}, "data": {"team": name}}


def check(folder: Path, policies: list[Any], manifests: list[Any], inventory: list[Any], params: list[Any] | None = None) -> hostprocess.Report:
    for name, values in (("policies", policies), ("manifests", manifests), ("inventory", inventory), ("params", params or [])):
        (folder / f"{name}.yaml").write_text(yaml.safe_dump_all(values))
    loaded = hostprocess.load_policies([str(folder / "policies.yaml")])
    given: dict[str, Any] = {"params": str(folder / "params.yaml")} if params else {}
    return hostprocess.check_files([str(folder / "manifests.yaml")], loaded, inventory=[str(folder / "inventory.yaml")], **given)


@pytest.mark.parametrize(
    ("policies", "inventory", "params"),
    [
        ([team("red"), team("blue")], [], None),
        ([team("red")], [team("blue")], None),
        ([team("red")], [], [team("blue")]),
        ([], [team("red")], [team("blue")]),
        ([], [], [team("red"), team("blue")]),
    ],
)
def test_two_parameters_of_one_name_that_differ(tmp_path: Path, policies: list[Any], inventory: list[Any], params: list[Any] | None) -> None:
    with pytest.raises(hostprocess.InputError, match=r"ConfigMap 'shop/teams' is given twice: also at .*\.yaml:\d+:\d+; remove one of them") as caught:
        check(tmp_path, [POLICY, BINDING, *policies], [POD], [namespace("shop", team="red"), *inventory], params)
    assert caught.value.line > 0


def test_the_same_object_twice_is_one(tmp_path: Path) -> None:
    report = check(tmp_path, [POLICY, BINDING, team("red")], [POD], [namespace("shop", team="red"), team("red"), namespace("shop", team="red")], [team("red")])
    assert (list(report.results), report.problems) == ([], ())


def test_manifests_beside_policies_may_be_several_of_one_name(tmp_path: Path) -> None:
    bad = {**POD, "spec": {**POD["spec"], "hostNetwork": True}}
    report = check(tmp_path, [POLICY, BINDING, POD, bad], [POD], [namespace("shop", team="red"), team("red")])
    assert (list(report.results), report.problems) == ([], ())


def test_two_namespaces_of_one_name_among_the_manifests_are_not_looked_up(tmp_path: Path) -> None:
    report = check(tmp_path, [POLICY, BINDING, team("red")], [namespace("shop", team="red"), POD, namespace("shop", team="blue")], [])
    assert [str(one.decision.outcome) for one in report.results] == ["unknown"]
    empty, note = report.problems
    assert empty.message == "the file is empty"
    assert note.note
    assert note.line > 1
    assert note.message.startswith("Namespace 'shop' is not looked up: there is another one at ")
    assert note.message.endswith("manifests.yaml:1:1; give the right one with --inventory")


def test_the_inventory_settles_it(tmp_path: Path) -> None:
    report = check(
        tmp_path, [POLICY, BINDING, team("red")], [namespace("shop", team="green"), POD, namespace("shop", team="blue")], [namespace("shop", team="red")]
    )
    assert list(report.results) == []


def test_all_that_cannot_be_read_is_told_at_once(tmp_path: Path) -> None:
    texts = {
        "inventory": "kind: Namespace\n---\nname: values\n---\n: [\n---\napiVersion: v1\nkind: Namespace\nmetadata: {name: a, labels: {b: 1}}\n",
        "params": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: teams}\ndata: {a: 1}\n",
        "old": "apiVersion: v1\nkind: Pod\nmetadata: {generateName: a}\nspec: {containers: [{name: a, image: b}]}\n",
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.yaml").write_text(text)
    (tmp_path / "policies.yaml").write_text(yaml.safe_dump_all([POLICY, BINDING]))
    with pytest.raises(hostprocess.InputError) as caught:
        hostprocess.check_files(
            ["-"],
            hostprocess.load_policies([str(tmp_path / "policies.yaml")]),
            inventory=[str(tmp_path / "inventory.yaml"), str(tmp_path / "nowhere.yaml")],
            params=str(tmp_path / "params.yaml"),
            old=[str(tmp_path / "old.yaml")],
            operation="UPDATE",
        )
    told = [(Path(one.path).name, one.line, one.message) for one in (caught.value, *caught.value.others)]
    assert [one[:2] for one in told] == [("inventory.yaml", 5), ("inventory.yaml", 9), ("nowhere.yaml", 0), ("params.yaml", 4), ("old.yaml", 1)]
    assert "metadata.labels" in told[1][2] or "labels.b" in told[1][2]
    assert "data.a" in told[3][2]
    assert told[4][2] == "Pod needs metadata.name to be looked up"


ITEMS = (
    "# two\napiVersion: v1\nkind: List\nitems:\n"
    "  - {apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {a: b}}}\n  - {apiVersion: v1, kind: Namespace}\n"
)


def test_items_of_lists_have_their_place(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n---\n# b\napiVersion: v1\nkind: Pods\nmetadata: {name: a}\n")
    (tmp_path / "b.yaml").write_text(ITEMS)
    (tmp_path / "c.json").write_text(
        '{"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "Pods", "metadata": {"name": "a"}}, {"apiVersion": "v1", "kind": "Node"}]}'
    )
    (tmp_path / "policies.yaml").write_text(yaml.safe_dump_all([POLICY, BINDING]))
    loaded = hostprocess.load_policies([str(tmp_path / "policies.yaml")])
    files = [str(tmp_path / name) for name in ("a.yaml", "b.yaml", "c.json")]
    with pytest.raises(hostprocess.InputError) as caught:
        hostprocess.check_files(["-"], loaded, inventory=files)
    told = [(one.line, one.column, one.message) for one in (caught.value, *caught.value.others)]
    assert told == [
        (6, 1, 'Pods a: no matches for kind "Pods" in version "v1"; did you mean \'Pod\'?'),
        (1, 48, 'Pods a: no matches for kind "Pods" in version "v1"; did you mean \'Pod\'?'),
        (5, 5, f"Namespace 'shop' is given twice: also at {files[0]}:1:1; remove one of them"),
        (6, 5, "Namespace needs metadata.name to be looked up"),
        (1, 113, "Node needs metadata.name to be looked up"),
    ]
    report = hostprocess.check_files(files, loaded)
    assert [(one.line, one.column, one.message) for one in report.problems if "no matches" in one.message] == [
        (6, 1, 'Pods a: no matches for kind "Pods" in version "v1"; did you mean \'Pod\'?'),
        (1, 48, 'Pods a: no matches for kind "Pods" in version "v1"; did you mean \'Pod\'?'),
    ]


def test_notes_about_what_was_given_are_told(tmp_path: Path) -> None:
    (tmp_path / "values.yaml").write_text("name: values\n")
    (tmp_path / "policies.yaml").write_text(yaml.safe_dump_all([POLICY, BINDING]))
    (tmp_path / "manifests.yaml").write_text(yaml.safe_dump(POD))
    loaded = hostprocess.load_policies([str(tmp_path / "policies.yaml")])
    report = hostprocess.check_files([str(tmp_path / "manifests.yaml")], loaded, inventory=[str(tmp_path / "values.yaml")])
    (note,) = report.problems
    assert (Path(note.path).name, note.line, note.note) == ("values.yaml", 1, True)


def test_rbac_objects_that_cannot_be_are_told_at_their_line(tmp_path: Path) -> None:
    (tmp_path / "rbac.yaml").write_text(
        "# roles\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: r}\n"
        "rules: [{apiGroups: [''], resources: [pods], verbs: [null]}]\n"
        "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata: {name: b}\nsubjects: []\n"
    )
    with pytest.raises(hostprocess.InputError) as caught:
        hostprocess.check_files([], hostprocess.load_policies(with_authorizer=True), inventory=[str(tmp_path / "rbac.yaml")])
    assert [str(one).partition("rbac.yaml:")[2] for one in (caught.value, *caught.value.others)] == [
        "3:1: the ClusterRole 'r': rules[0].verbs must be a list of strings",
        "8:1: the ClusterRoleBinding 'b' needs roleRef with kind and name",
    ]

"""Authorization from RBAC objects."""

from __future__ import annotations

from typing import Any

import pytest

from hostprocess.errors import InputError
from hostprocess.kubernetes.rbac import Attributes, Authorization, Authorizer, implied_groups, service_account_user

API = "rbac.authorization.k8s.io/v1"


def role(name: str, *rules: dict[str, Any], namespace: str = "", labels: dict[str, str] | None = None, select: list[Any] | None = None) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "labels": labels or {}}
    value: dict[str, Any] = {"apiVersion": API, "kind": "ClusterRole", "metadata": metadata, "rules": list(rules)}
    if namespace:
        value["kind"] = "Role"
        metadata["namespace"] = namespace
    if select is not None:
        value["aggregationRule"] = {"clusterRoleSelectors": select}
    return value


def bound(name: str, role_name: str, *subjects: dict[str, Any], namespace: str = "", kind: str = "ClusterRole") -> dict[str, Any]:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role_name}
    return {
        "apiVersion": API,
        "kind": "RoleBinding" if namespace else "ClusterRoleBinding",
        "metadata": metadata,
        "roleRef": reference,
        "subjects": list(subjects),
    }


def rule(verbs: str, resources: str = "", groups: str = "-", names: str = "", urls: str = "") -> dict[str, Any]:
    value: dict[str, Any] = {"verbs": verbs.split()}
    if resources:
        value |= {"resources": resources.split(), "apiGroups": ["" if group == "-" else group for group in groups.split()]}
    if names:
        value["resourceNames"] = names.split()
    if urls:
        value["nonResourceURLs"] = urls.split()
    return value


ANN = {"kind": "User", "name": "ann"}


def decide(objects: list[dict[str, Any]], **attributes: Any) -> Authorization:
    authorizer = Authorizer.of(objects)
    assert authorizer is not None
    return authorizer.decide(Attributes(**{"user": "ann", "verb": "get", "resource": "pods", **attributes}))


@pytest.mark.parametrize(
    ("one", "attributes", "allowed"),
    [
        (rule("get", "pods"), {}, True),
        (rule("list", "pods"), {}, False),
        (rule("*", "pods"), {"verb": "frobnicate"}, True),
        (rule("get", "pods", "apps"), {}, False),
        (rule("get", "pods", "*"), {"group": "apps"}, True),
        (rule("get", "*"), {"resource": "secrets"}, True),
        (rule("get", "*"), {"resource": "pods", "subresource": "log"}, True),
        (rule("get", "pods"), {"subresource": "log"}, False),
        (rule("get", "pods/log"), {"subresource": "log"}, True),
        (rule("get", "pods/log"), {}, False),
        (rule("get", "*/log"), {"subresource": "log"}, True),
        (rule("get", "*/lo"), {"subresource": "log"}, False),
        (rule("get", "*/log"), {"resource": "*/log"}, True),
        (rule("get", "pods/*"), {"subresource": "log"}, False),
        (rule("get", "pods", names="a b"), {"name": "b"}, True),
        (rule("get", "pods", names="a"), {"name": "b"}, False),
        (rule("get", "pods", names="a"), {}, False),
        (rule("get", urls="/healthz"), {"path": "/healthz"}, True),
        (rule("get", urls="/healthz/*"), {"path": "/healthz/x/y"}, True),
        (rule("get", urls="/healthz/*"), {"path": "/healthz"}, False),
        (rule("get", urls="/health*"), {"path": "/healthz"}, True),
        (rule("get", urls="*"), {"path": "/x"}, True),
        (rule("get", urls="*"), {}, False),
        (rule("get", "*"), {"path": "/x"}, False),
    ],
)
def test_rules(one: dict[str, Any], attributes: dict[str, Any], allowed: bool) -> None:
    assert decide([role("r", one), bound("b", "r", ANN)], **attributes).allowed is allowed


@pytest.mark.parametrize(
    ("subject", "user", "groups", "expected"),
    [
        ({"kind": "User", "name": "ann"}, "ann", (), 'User "ann"'),
        ({"kind": "User", "name": "bob"}, "ann", (), ""),
        ({"kind": "Group", "name": "dev"}, "ann", ("ops", "dev"), 'Group "dev"'),
        ({"kind": "Group", "name": "dev"}, "dev", (), ""),
        ({"kind": "ServiceAccount", "name": "bot", "namespace": "ci"}, "system:serviceaccount:ci:bot", (), 'ServiceAccount "bot/ci"'),
        ({"kind": "ServiceAccount", "name": "bot"}, "system:serviceaccount:shop:bot", (), 'ServiceAccount "bot/shop"'),
        ({"kind": "ServiceAccount", "name": "bot"}, "system:serviceaccount:ci:bot", (), ""),
        ({"kind": "Robot", "name": "ann"}, "ann", (), ""),
    ],
)
def test_subjects_of_role_bindings(subject: dict[str, Any], user: str, groups: tuple[str, ...], expected: str) -> None:
    objects = [role("r", rule("get", "pods")), bound("b", "r", subject, namespace="shop")]
    decided = decide(objects, user=user, groups=groups, namespace="shop")
    assert decided == (Authorization(True, f'RBAC: allowed by RoleBinding "b/shop" of ClusterRole "r" to {expected}') if expected else Authorization(False))


def test_a_service_account_without_namespace_in_a_cluster_role_binding_is_nobody() -> None:
    objects = [role("r", rule("get", "pods")), bound("b", "r", {"kind": "ServiceAccount", "name": "bot"})]
    assert not decide(objects, user="system:serviceaccount::bot").allowed


def test_role_bindings_hold_in_their_namespace_only() -> None:
    objects = [role("r", rule("get", "pods"), namespace="a"), bound("b", "r", ANN, namespace="a", kind="Role")]
    assert decide(objects, namespace="a").reason == 'RBAC: allowed by RoleBinding "b/a" of Role "r" to User "ann"'
    assert not decide(objects, namespace="b").allowed
    assert not decide(objects).allowed


def test_the_reason_names_the_cluster_role_binding() -> None:
    objects = [role("r", rule("get", "pods")), bound("b", "r", {"kind": "User", "name": "bob"}, ANN)]
    assert decide(objects, namespace="any").reason == 'RBAC: allowed by ClusterRoleBinding "b" of ClusterRole "r" to User "ann"'


@pytest.mark.parametrize(
    ("bindings", "reason"),
    [
        ([bound("b", "gone", ANN)], 'RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found'),
        ([bound("b", "gone", ANN), bound("c", "gone", ANN)], 'RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found'),
        ([bound("b", "gone", ANN, namespace="a", kind="Role")], 'RBAC: role.rbac.authorization.k8s.io "gone" not found'),
        ([bound("b", "r", ANN, kind="Role")], 'RBAC: role.rbac.authorization.k8s.io "r" not found'),
        ([bound("b", "r", ANN, kind="Rule")], 'RBAC: unsupported role reference kind: "Rule"'),
        (
            [bound("b", "gone", ANN), bound("c", "gone", ANN, namespace="a", kind="Role")],
            'RBAC: [clusterrole.rbac.authorization.k8s.io "gone" not found, role.rbac.authorization.k8s.io "gone" not found]',
        ),
        ([bound("b", "gone", {"kind": "User", "name": "bob"})], ""),
    ],
)
def test_missing_roles(bindings: list[dict[str, Any]], reason: str) -> None:
    assert decide(bindings, namespace="a") == Authorization(False, reason)


def test_a_missing_role_does_not_hide_another_that_allows() -> None:
    assert decide([bound("b", "gone", ANN), role("r", rule("get", "pods")), bound("c", "r", ANN)]).allowed


def test_aggregated_roles_take_the_rules_of_those_they_select() -> None:
    objects = [
        role("all", rule("delete", "pods"), select=[{"matchLabels": {"to": "all"}}]),
        role("view", labels={"to": "all"}, select=[{"matchExpressions": [{"key": "to", "operator": "In", "values": ["view"]}]}]),
        role("pods", rule("get", "pods"), labels={"to": "view"}),
        bound("b", "all", ANN),
    ]
    assert decide(objects).allowed
    assert not decide(objects, verb="delete").allowed, "the controller overwrites what is stated"


def test_aggregated_roles_that_select_each_other_end() -> None:
    both = [{"matchLabels": {"to": "x"}}]
    objects = [role("a", labels={"to": "x"}, select=both), role("b", labels={"to": "x"}, select=both), bound("c", "a", ANN)]
    assert not decide(objects).allowed
    assert decide([*objects, role("p", rule("get", "pods"), labels={"to": "x"})]).allowed


def test_an_aggregated_role_of_a_part_of_a_cluster_keeps_its_rules() -> None:
    assert decide([role("admin", rule("get", "pods"), select=[{"matchLabels": {"to": "admin"}}]), bound("b", "admin", ANN)]).allowed


def test_the_masters_may_do_everything() -> None:
    assert decide([role("r")], groups=("system:masters",)) == Authorization(True)


def test_without_rbac_objects_nothing_is_known() -> None:
    assert Authorizer.of([]) is None
    assert Authorizer.of([{"apiVersion": "v1", "kind": "Pod"}, {"apiVersion": "example.com/v1", "kind": "Role", "metadata": {"name": "x"}}]) is None


@pytest.mark.parametrize(
    ("user", "groups", "expected"),
    [
        ("ann", (), ("system:authenticated",)),
        ("ann", ("dev", "system:authenticated"), ("dev", "system:authenticated")),
        ("system:anonymous", (), ("system:unauthenticated",)),
        ("system:serviceaccount:ci:bot", (), ("system:serviceaccounts", "system:serviceaccounts:ci", "system:authenticated")),
        ("system:serviceaccount:ci", (), ("system:authenticated",)),
    ],
)
def test_implied_groups(user: str, groups: tuple[str, ...], expected: tuple[str, ...]) -> None:
    assert implied_groups(user, groups) == expected


def test_a_service_account_that_an_expression_asks_about_is_not_authenticated() -> None:
    assert service_account_user("ci", "bot") == ("system:serviceaccount:ci:bot", ("system:serviceaccounts", "system:serviceaccounts:ci"))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"kind": "Role", "metadata": {}}, "a Role needs metadata.name"),
        ({"kind": "ClusterRole", "metadata": {"name": "r"}, "rules": {}}, "the ClusterRole 'r': rules must be a list of mappings"),
        ({"kind": "ClusterRole", "metadata": {"name": "r"}, "rules": [{"verbs": "get"}]}, "the ClusterRole 'r': rules[0].verbs must be a list of strings"),
        ({"kind": "RoleBinding", "metadata": {"name": "b"}}, "the RoleBinding 'b' needs roleRef with kind and name"),
        ({"kind": "RoleBinding", "metadata": {"name": "b"}, "roleRef": {"name": "r"}, "subjects": ["ann"]}, "subjects must be a list of mappings"),
        ({"kind": "ClusterRole", "metadata": {"name": "r"}, "aggregationRule": []}, "aggregationRule must be a mapping"),
    ],
)
def test_objects_that_cannot_be_decoded_are_refused(value: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        Authorizer.of([{"apiVersion": API, **value}])
    assert message in str(caught.value)

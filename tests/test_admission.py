"""Requests, and what they match: rules, selectors, namespaces, parameters."""

from __future__ import annotations

from typing import Any

import pytest

from hostprocess.admission import Inventory, mismatch, request_for, request_map
from hostprocess.model import UNKNOWN, MatchConstraints, ParamKind, ParamRef, ResourceRule, Unknown
from support import RUNTIMES, binding, decide, namespace, outcomes, pod, policy, request, resource


def rule(
    resources: tuple[str, ...] = ("pods",),
    operations: tuple[str, ...] = ("CREATE",),
    groups: tuple[str, ...] = ("",),
    versions: tuple[str, ...] = ("v1",),
    **rest: Any,
) -> ResourceRule:
    return ResourceRule(operations=operations, api_groups=groups, api_versions=versions, resources=resources, **rest)


def matches(constraints: MatchConstraints, value: dict[str, Any], inventory: tuple[dict[str, Any], ...] = (), **fields: Any) -> bool:
    reason = mismatch(constraints, request(value, inventory, **fields))
    assert not reason.startswith("unknown")
    return not reason


DEPLOYMENT = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "namespace": "shop"}}
NAMESPACE = namespace("shop", team="a")
NODE = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}}
POLICY = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": {"name": "x"}}
WEBHOOK = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration", "metadata": {"name": "x"}}
REVIEW = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "metadata": {"name": "x"}}


@pytest.mark.parametrize(
    ("one", "value", "fields", "expected"),
    [
        # Operations.
        (rule(), pod(), {}, True),
        (rule(operations=("UPDATE",)), pod(), {}, False),
        (rule(operations=("UPDATE",)), pod(), {"operation": "UPDATE"}, True),
        (rule(operations=("CREATE", "DELETE")), pod(), {"operation": "DELETE"}, True),
        (rule(operations=("*",)), pod(), {"operation": "CONNECT"}, True),
        # Groups and versions.
        (rule(("deployments",)), DEPLOYMENT, {}, False),
        (rule(("deployments",), groups=("apps",)), DEPLOYMENT, {}, True),
        (rule(("deployments",), groups=("*",)), DEPLOYMENT, {}, True),
        (rule(("deployments",), groups=("", "apps"), versions=("v1beta1",)), DEPLOYMENT, {}, False),
        (rule(("deployments",), groups=("", "apps"), versions=("v1beta1", "*")), DEPLOYMENT, {}, True),
        (rule(("*",), groups=("",)), DEPLOYMENT, {}, False),
        # Resources and subresources.
        (rule(("services", "pods")), pod(), {}, True),
        (rule(("services",)), pod(), {}, False),
        (rule(("Pod",)), pod(), {}, False),
        (rule(("pods",)), pod(), {"subresource": "ephemeralcontainers"}, False),
        (rule(("pods/ephemeralcontainers",)), pod(), {"subresource": "ephemeralcontainers"}, True),
        (rule(("pods/ephemeralcontainers",)), pod(), {}, False),
        (rule(("pods/*",)), pod(), {}, True),
        (rule(("pods/*",)), pod(), {"subresource": "resize"}, True),
        (rule(("*",)), pod(), {}, True),
        (rule(("*",)), pod(), {"subresource": "resize"}, False),
        (rule(("*/resize",)), pod(), {"subresource": "resize"}, True),
        (rule(("*/resize",)), pod(), {}, False),
        (rule(("*/*",)), pod(), {"subresource": "resize"}, True),
        (rule(("*/*",)), pod(), {}, True),
        # Names.
        (rule(resource_names=("p",)), pod(), {}, True),
        (rule(resource_names=("x", "p")), pod(), {}, True),
        (rule(resource_names=("x",)), pod(), {}, False),
        # Scope.
        (rule(scope="Namespaced"), pod(), {}, True),
        (rule(scope="Cluster"), pod(), {}, False),
        (rule(("nodes",), scope="Cluster"), NODE, {}, True),
        (rule(("nodes",), scope="Namespaced"), NODE, {}, False),
        (rule(("namespaces",), scope="Cluster"), NAMESPACE, {}, True),
        (rule(("namespaces",), scope="*"), NAMESPACE, {}, True),
        # What no policy is about.
        (rule(("*/*",), groups=("*",), versions=("*",), operations=("*",)), POLICY, {}, False),
        (rule(("*/*",), groups=("*",), versions=("*",), operations=("*",)), REVIEW, {}, False),
        (rule(("*/*",), groups=("*",), versions=("*",), operations=("*",)), WEBHOOK, {}, True),
    ],
)
def test_resource_rules(one: ResourceRule, value: dict[str, Any], fields: dict[str, Any], expected: bool) -> None:
    assert matches(MatchConstraints(resource_rules=(one,)), value, **fields) is expected
    # As an exclusion it does the opposite, but for what is exempt anyway.
    everything = rule(("*/*",), ("*",), ("*",), ("*",))
    assert matches(MatchConstraints(resource_rules=(everything,), exclude_resource_rules=(one,)), value, **fields) is (
        not expected and value not in (POLICY, REVIEW)
    )


def test_one_of_several_rules_is_enough() -> None:
    constraints = MatchConstraints(resource_rules=(rule(("services",)), rule(operations=("UPDATE",)), rule()))
    assert matches(constraints, pod())


def test_a_binding_without_rules_is_about_everything() -> None:
    assert matches(MatchConstraints(), pod())
    assert matches(MatchConstraints(), DEPLOYMENT)


@pytest.mark.parametrize(
    ("constraints", "value", "reason"),
    [
        (MatchConstraints(resource_rules=(rule(("services",)),)), pod(), "no resourceRule matches CREATE of pods in core/v1"),
        (MatchConstraints(resource_rules=(rule(),)), DEPLOYMENT, "no resourceRule matches CREATE of deployments in apps/v1"),
        (MatchConstraints(resource_rules=(rule(),), exclude_resource_rules=(rule(resource_names=("p",)),)), pod(), "an excludeResourceRule matches"),
        (MatchConstraints(object_selector={"matchLabels": {"a": "b"}}), pod(), "the objectSelector does not match"),
        (MatchConstraints(namespace_selector={"matchLabels": {"team": "b"}}), pod(), "the namespaceSelector does not match"),
        (MatchConstraints(), POLICY, "no policy is about validatingadmissionpolicies: the API server exempts them"),
    ],
)
def test_reasons(constraints: MatchConstraints, value: dict[str, Any], reason: str) -> None:
    assert mismatch(constraints, request(value, [NAMESPACE])) == reason


SELECTORS: list[tuple[dict[str, Any], dict[str, str], bool]] = [
    ({}, {}, True),
    ({"matchLabels": {"a": "1"}}, {"a": "1", "b": "2"}, True),
    ({"matchLabels": {"a": "1"}}, {"a": "2"}, False),
    ({"matchLabels": {"a": "1"}}, {}, False),
    ({"matchLabels": {"a": "1", "b": "2"}}, {"a": "1"}, False),
    ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]}, {"a": "2"}, True),
    ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]}, {"a": "3"}, False),
    ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["1", "2"]}]}, {}, False),
    ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}, {"a": "1"}, False),
    ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}, {"a": "2"}, True),
    ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["1"]}]}, {}, True),
    ({"matchExpressions": [{"key": "a", "operator": "Exists"}]}, {"a": ""}, True),
    ({"matchExpressions": [{"key": "a", "operator": "Exists"}]}, {}, False),
    ({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}, {}, True),
    ({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}, {"a": ""}, False),
    ({"matchLabels": {"a": "1"}, "matchExpressions": [{"key": "b", "operator": "Exists"}]}, {"a": "1"}, False),
    ({"matchLabels": {"a": "1"}, "matchExpressions": [{"key": "b", "operator": "Exists"}]}, {"a": "1", "b": ""}, True),
]


@pytest.mark.parametrize(("selector", "labels", "expected"), SELECTORS)
def test_object_selectors(selector: dict[str, Any], labels: dict[str, str], expected: bool) -> None:
    assert matches(MatchConstraints(object_selector=selector), pod(labels=labels)) is expected


@pytest.mark.parametrize(("selector", "labels", "expected"), SELECTORS)
def test_namespace_selectors(selector: dict[str, Any], labels: dict[str, str], expected: bool) -> None:
    given = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": labels}}
    assert matches(MatchConstraints(namespace_selector=selector), pod(), (given,)) is expected
    # A Namespace is selected by its own labels.
    assert matches(MatchConstraints(namespace_selector=selector), given) is expected


def test_the_old_object_may_be_the_one_selected() -> None:
    constraints = MatchConstraints(object_selector={"matchLabels": {"a": "1"}})
    assert matches(constraints, pod(), operation="UPDATE", old_object=pod(labels={"a": "1"}))
    assert not matches(constraints, pod(), operation="UPDATE", old_object=pod(labels={"a": "2"}))
    assert matches(constraints, pod(labels={"a": "1"}), operation="UPDATE", old_object=pod())


def test_cluster_scoped_objects_pass_every_namespace_selector() -> None:
    assert matches(MatchConstraints(namespace_selector={"matchLabels": {"a": "1"}}), NODE)


BY_NAME = {"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["kube-system"]}]}


@pytest.mark.parametrize(("name", "expected"), [("shop", "deny"), ("kube-system", "skip")])
def test_the_name_alone_may_settle_a_namespace_selector(name: str, expected: str) -> None:
    found = decide(policy("false", match_constraints=MatchConstraints(namespace_selector=BY_NAME)), pod(namespace=name))
    assert outcomes(found) == [expected]


@pytest.mark.parametrize(("selector", "where"), [({"matchLabels": {"team": "a"}}, "shop"), (BY_NAME, ""), ({"matchLabels": {"team": "a"}}, "")])
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_a_namespace_selector_without_the_namespace_is_unknown(selector: dict[str, Any], where: str, runtime: str) -> None:
    found = decide(policy("false", match_constraints=MatchConstraints(namespace_selector=selector)), pod(namespace=where), binding("Warn"), runtime=runtime)
    assert [(str(one.outcome), one.actions, one.message) for one in found.findings] == [
        ("unknown", ("Warn",), "the namespaceSelector needs the labels of a Namespace that was not given")
    ]


def test_an_unknown_namespace_does_not_hide_that_the_kind_is_another() -> None:
    constraints = MatchConstraints(resource_rules=(rule(("services",)),), namespace_selector={"matchLabels": {"team": "a"}})
    assert outcomes(decide(policy("false", match_constraints=constraints), pod())) == ["skip"]


def test_an_unknown_namespace_does_not_hide_that_the_binding_is_about_others() -> None:
    unknown = MatchConstraints(namespace_selector={"matchLabels": {"team": "a"}})
    others = MatchConstraints(resource_rules=(rule(("services",)),))
    assert outcomes(decide(policy("false", match_constraints=unknown), pod(), binding(match_resources=others))) == ["skip"]
    assert outcomes(decide(policy("false", match_constraints=others), pod(), binding(match_resources=unknown))) == ["skip"]
    assert outcomes(decide(policy("false", match_constraints=unknown), pod(), binding(match_resources=unknown))) == ["unknown"]


def test_the_selectors_of_policy_and_binding_must_both_match() -> None:
    team = MatchConstraints(namespace_selector={"matchLabels": {"team": "a"}})
    labelled = MatchConstraints(object_selector={"matchLabels": {"x": "y"}})
    for value, expected in ((pod(labels={"x": "y"}), "deny"), (pod(), "skip")):
        found = decide(policy("false", match_constraints=team), value, binding(match_resources=labelled), inventory=[NAMESPACE])
        assert outcomes(found) == [expected]


# Requests.


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (pod(), ("", "v1", "pods")),
        (DEPLOYMENT, ("apps", "v1", "deployments")),
        ({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress"}, ("networking.k8s.io", "v1", "ingresses")),
        ({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy"}, ("networking.k8s.io", "v1", "networkpolicies")),
        ({"apiVersion": "v1", "kind": "Endpoints"}, ("", "v1", "endpoints")),
        ({"apiVersion": "example.com/v1beta1", "kind": "Gateway"}, ("example.com", "v1beta1", "gateways")),
    ],
)
def test_group_version_and_resource(value: dict[str, Any], expected: tuple[str, str, str]) -> None:
    made = request_for(resource(value), Inventory.of([]))
    assert (made.group, made.version, made.plural) == expected


@pytest.mark.parametrize(
    ("value", "default", "expected"),
    [
        (pod(), "", NAMESPACE["metadata"]["labels"] | {"kubernetes.io/metadata.name": "shop"}),
        (pod(namespace="other"), "", UNKNOWN),
        (pod(namespace=""), "", UNKNOWN),
        (pod(namespace=""), "shop", NAMESPACE["metadata"]["labels"] | {"kubernetes.io/metadata.name": "shop"}),
        (pod(namespace="other"), "shop", UNKNOWN),
        (NODE, "shop", None),
        (NAMESPACE, "shop", None),
    ],
)
def test_the_namespace_of_a_request(value: dict[str, Any], default: str, expected: Any) -> None:
    found = request_for(resource(value), Inventory.of([NAMESPACE]), default).namespace_object
    assert (found if found is None or isinstance(found, Unknown) else found["metadata"]["labels"]) == expected


def test_a_default_namespace_is_seen_by_expressions_and_leaves_the_manifest_alone() -> None:
    original = pod(namespace="")
    made = request_for(resource(original), Inventory.of([]), "shop")
    assert made.resource.object["metadata"] == {"name": "p", "namespace": "shop"}
    assert "namespace" not in original["metadata"]


@pytest.mark.parametrize(
    ("value", "fields", "expected"),
    [
        (pod(), {}, {"operation": "CREATE", "name": "p", "namespace": "shop", "dryRun": False}),
        (pod(namespace=""), {"operation": "UPDATE"}, {"operation": "UPDATE", "name": "p", "dryRun": False}),
        (pod(), {"subresource": "resize"}, {"operation": "CREATE", "name": "p", "namespace": "shop", "dryRun": False, "subResource": "resize",
                                            "requestSubResource": "resize"}),
        (pod(), {"user_info": {"username": "u"}}, {"operation": "CREATE", "name": "p", "namespace": "shop", "dryRun": False, "userInfo": {"username": "u"}}),
        (NODE, {}, {"operation": "CREATE", "name": "n", "dryRun": False}),
        (NAMESPACE, {}, {"operation": "CREATE", "name": "shop", "namespace": "shop", "dryRun": False}),
    ],
)  # fmt: skip
def test_what_cel_sees_of_a_request(value: dict[str, Any], fields: dict[str, Any], expected: dict[str, Any]) -> None:
    seen = request_map(request(value, **fields))
    kind, gvr = seen.pop("kind"), seen.pop("resource")
    assert (seen.pop("requestKind"), seen.pop("requestResource")) == (kind, gvr)
    assert kind == {"group": "", "version": "v1", "kind": value["kind"]}
    assert gvr == {"group": "", "version": "v1", "resource": f"{value['kind'].lower()}s"}
    assert seen == expected


# The inventory.


def test_the_last_of_two_objects_of_one_name_counts() -> None:
    inventory = Inventory.of([namespace("shop", team="a"), namespace("shop", team="b"), namespace("other")])
    found = inventory.namespace("shop")
    assert isinstance(found, dict)
    assert found["metadata"]["labels"] == {"team": "b", "kubernetes.io/metadata.name": "shop"}


def test_a_namespace_without_labels_has_that_of_its_name() -> None:
    found = Inventory.of([{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "x"}}]).namespace("x")
    assert isinstance(found, dict)
    assert found["metadata"]["labels"] == {"kubernetes.io/metadata.name": "x"}


@pytest.mark.parametrize(
    ("reference", "where", "expected"),
    [
        (None, "a", [None]),
        (ParamRef(name="x", namespace="a"), "b", ["a/x"]),
        (ParamRef(name="x"), "b", ["b/x"]),
        (ParamRef(name="x"), "c", UNKNOWN),
        (ParamRef(name="x"), "", UNKNOWN),
        (ParamRef(selector={}), "a", ["a/x", "a/y"]),
        (ParamRef(selector={"matchLabels": {"n": "y"}}), "a", ["a/y"]),
        (ParamRef(selector={"matchLabels": {"n": "z"}}), "a", UNKNOWN),
    ],
)
def test_parameters(reference: ParamRef | None, where: str, expected: Any) -> None:
    objects = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": place, "labels": {"n": name}}} for place in "ab" for name in "xy"
    ]
    other = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x", "namespace": "a"}}
    found = Inventory.of([*objects, other]).params(ParamKind(api_version="v1", kind="ConfigMap"), binding(param_ref=reference), where)
    if not isinstance(found, Unknown):
        assert [one and f"{one['metadata']['namespace']}/{one['metadata']['name']}" for one in found] == expected
    else:
        assert found is expected


def test_cluster_scoped_parameters_need_no_namespace() -> None:
    classes = [{"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": name}, "handler": "h"} for name in ("a", "b")]
    kind = ParamKind(api_version="node.k8s.io/v1", kind="RuntimeClass")
    assert Inventory.of(classes).params(kind, binding(param_ref=ParamRef(selector={})), "") == classes
    assert Inventory.of(classes).params(kind, binding(param_ref=ParamRef(name="b")), "shop") == classes[1:]

"""Requests, and what they match: rules, selectors, namespaces, parameters."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from hostprocess.admission import Circumstances, is_review, request_for, request_map, request_of_review
from hostprocess.errors import InputError
from hostprocess.inventory import ConfigurationError, Inventory
from hostprocess.matching import Match, Matcher
from hostprocess.model import (
    GroupVersionKind,
    GroupVersionResource,
    MatchConstraints,
    ParamKind,
    ParamRef,
    Policy,
    Request,
    Resource,
    ResourceRule,
    Unknown,
    Validation,
)
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
    found = match_of(constraints, request(value, inventory, **fields))
    assert not found.unknown
    return not found.reason


def match_of(constraints: MatchConstraints, about: Request, inventory: tuple[dict[str, Any], ...] = ()) -> Match:
    return Matcher(constraints, Inventory.of(inventory)).match(about)


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
    assert match_of(constraints, request(value, [NAMESPACE])).reason == reason


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
        (pod(namespace="other"), "", Unknown("the Namespace 'other' was not given: add it with --inventory")),
        (pod(namespace=""), "", Unknown("the namespace is not known: name it with --namespace")),
        (pod(namespace=""), "shop", NAMESPACE["metadata"]["labels"] | {"kubernetes.io/metadata.name": "shop"}),
        (pod(namespace="other"), "shop", Unknown("the Namespace 'other' was not given: add it with --inventory")),
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


NOBODY = Unknown("the user who makes the request is not known: name it with --user")
NO_OPTIONS = Unknown("the options of the request are not known: give an AdmissionReview")
NO_NAMESPACE = Unknown("the namespace is not known: name it with --namespace")
GENERATED = Unknown("the name is generated by the API server: give one in the manifest")


@pytest.mark.parametrize(
    ("value", "fields", "expected"),
    [
        (pod(), {}, {"name": "p", "namespace": "shop"}),
        (pod(namespace=""), {"operation": "UPDATE"}, {"operation": "UPDATE", "name": "p", "namespace": NO_NAMESPACE}),
        (pod(), {"subresource": "resize"}, {"name": "p", "namespace": "shop", "subResource": "resize", "requestSubResource": "resize"}),
        (pod(), {"user_info": {"username": "u"}, "options": None}, {"name": "p", "namespace": "shop", "userInfo": {"username": "u"}, "options": None}),
        (NODE, {"dry_run": True}, {"name": "n", "dryRun": True}),
        (NAMESPACE, {}, {"name": "shop", "namespace": "shop"}),
        ({**NODE, "metadata": {"generateName": "n-"}}, {}, {"name": GENERATED}),
    ],
)
def test_what_cel_sees_of_a_request(value: dict[str, Any], fields: dict[str, Any], expected: dict[str, Any]) -> None:
    seen = request_map(request(value, **fields))
    kind, gvr = seen.pop("kind"), seen.pop("resource")
    assert (seen.pop("requestKind"), seen.pop("requestResource")) == (kind, gvr)
    assert kind == {"group": "", "version": "v1", "kind": value["kind"]}
    assert gvr == {"group": "", "version": "v1", "resource": f"{value['kind'].lower()}s"}
    assert seen == {"operation": "CREATE", "dryRun": False, "userInfo": NOBODY, "options": NO_OPTIONS, **expected}


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
        (ParamRef(name="x"), "c", ConfigurationError("no params found for policy binding with `Deny` parameterNotFoundAction")),
        (ParamRef(name="x", parameter_not_found_action="Allow"), "c", []),
        (ParamRef(name="x"), "", ConfigurationError("cannot use namespaced paramRef in policy binding that matches cluster-scoped resources")),
        (ParamRef(name="x"), NO_NAMESPACE, NO_NAMESPACE),
        (ParamRef(name="x", namespace="b"), "", ["b/x"]),
        (ParamRef(selector={}), "a", ["a/x", "a/y"]),
        (ParamRef(selector={"matchLabels": {"n": "y"}}), "a", ["a/y"]),
        (ParamRef(selector={"matchLabels": {"n": "z"}}, parameter_not_found_action="Allow"), "a", []),
    ],
)
def test_parameters(reference: ParamRef | None, where: str | Unknown, expected: Any) -> None:
    objects = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": place, "labels": {"n": name}}} for place in "ab" for name in "xy"
    ]
    other = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x", "namespace": "a"}}
    found = Inventory.of([*objects, other]).params(taking("v1", "ConfigMap"), binding(param_ref=reference), where)
    if isinstance(found, list):
        assert [one and f"{one['metadata']['namespace']}/{one['metadata']['name']}" for one in found] == expected
    else:
        assert found == expected


def taking(api_version: str, kind: str) -> Policy:
    return policy("true", param_kind=ParamKind(api_version=api_version, kind=kind))


def test_parameters_are_unknown_unless_all_of_their_kind_were_given() -> None:
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "y", "namespace": "a"}}
    asked = binding(param_ref=ParamRef(name="x", namespace="a"))
    not_given = Unknown("no ConfigMap was given: add it with --params or --inventory")
    assert Inventory.of([]).params(taking("v1", "ConfigMap"), asked, "a") == not_given
    # What is among the inputs is not all there is.
    assert Inventory.of([], [config]).params(taking("v1", "ConfigMap"), asked, "a") == not_given
    assert isinstance(Inventory.of([config]).params(taking("v1", "ConfigMap"), asked, "a"), ConfigurationError)
    # Nobody reads the parameters of a pack out of what was given for something else.
    of_pack = policy(Validation(expression="true", rule="r"), param_kind=ParamKind(api_version="v1", kind="ConfigMap"))
    assert Inventory.of([config]).params(of_pack, asked, "a") == not_given


CRD = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "geese.example.com"},
    "spec": {
        "group": "example.com",
        "scope": "Cluster",
        "names": {"kind": "Goose", "plural": "geese"},
        "versions": [{"name": "v1", "served": True}, {"name": "v1beta1", "served": True}, {"name": "v1alpha1", "served": False}],
    },
}


@pytest.mark.parametrize(
    ("inventory", "kind", "reference", "expected"),
    [
        ([CRD], "Goose", ParamRef(name="x", namespace="a"), ConfigurationError("paramRef.namespace must not be provided for a cluster-scoped `paramKind`")),
        ([CRD], "Goose", ParamRef(name="x"), Unknown("no Goose was given: add it with --params or --inventory")),
        ([], "Gander", ParamRef(name="x"), Unknown("no Gander was given: add it with --params or --inventory")),
    ],
)
def test_kinds_of_parameters(inventory: list[dict[str, Any]], kind: str, reference: ParamRef | None, expected: Any) -> None:
    assert Inventory.of(inventory).params(taking("example.com/v1", kind), binding(param_ref=reference), "shop") == expected


@pytest.mark.parametrize(
    ("inventory", "api_version", "kind", "expected"),
    [
        ([CRD], "example.com/v1", "Gander", "failed to find resource referenced by paramKind: 'example.com/v1, Kind=Gander'"),
        ([CRD], "example.com/v1", "Goose", ""),
        ([], "example.com/v1", "Gander", ""),
        ([], "v1", "ConfigMap", ""),
        ([], "v9", "ConfigMap", "failed to find resource referenced by paramKind: '/v9, Kind=ConfigMap'"),
        ([], "apps/v1", "Deploymnt", "failed to find resource referenced by paramKind: 'apps/v1, Kind=Deploymnt'"),
    ],
)
def test_kinds_of_parameters_that_do_not_exist(inventory: list[dict[str, Any]], api_version: str, kind: str, expected: str) -> None:
    fault = Inventory.of(inventory).fault_of(taking(api_version, kind))
    assert (fault.message if fault else "") == expected
    bindings = [binding("Warn", name="one"), binding("Audit", name="two")]
    found = decide(taking(api_version, kind), pod(), bindings, inventory=inventory)
    told = f"failed to configure policy: {expected}" if expected else ""
    assert [(one.binding, one.message, one.actions) for one in found.findings] == ([("", told, ("Deny",))] if expected else [])


def test_a_custom_resource_definition_says_plural_scope_and_versions() -> None:
    inventory = Inventory.of([CRD])
    goose = {"apiVersion": "example.com/v1", "kind": "Goose", "metadata": {"name": "g"}}
    made = request_for(resource(goose), inventory, "shop")
    assert (made.plural, made.namespaced, made.namespace, made.namespace_object) == ("geese", False, "", None)
    newer = MatchConstraints(resource_rules=(rule(("geese",), groups=("example.com",), versions=("v1beta1",)),))
    assert Matcher(newer, inventory).match(made) == Match(
        resource=GroupVersionResource("example.com", "v1beta1", "geese"), kind=GroupVersionKind("example.com", "v1beta1", "Goose")
    )
    exact = dataclasses.replace(newer, match_policy="Exact")
    assert Matcher(exact, inventory).match(made).reason == "no resourceRule matches CREATE of geese in example.com/v1"
    unserved = MatchConstraints(resource_rules=(rule(("geese",), groups=("example.com",), versions=("v1alpha1",)),))
    assert Matcher(unserved, inventory).match(made).reason


def test_a_version_that_needs_a_conversion_is_unknown() -> None:
    scaler = {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "h", "namespace": "shop"}}
    constraints = MatchConstraints(resource_rules=(rule(("horizontalpodautoscalers",), groups=("autoscaling",), versions=("v1",)),))
    found = match_of(constraints, request(scaler))
    assert found.unknown == "the policy is about horizontalpodautoscalers in autoscaling/v1, and what the object is there is not known: give it so"
    # To exclude, nothing needs to be converted.
    everything = rule(("*/*",), ("*",), ("*",), ("*",))
    assert match_of(MatchConstraints(resource_rules=(everything,), exclude_resource_rules=constraints.resource_rules), request(scaler)).reason


def test_the_scope_of_a_custom_resource_that_nobody_defined() -> None:
    custom = {"apiVersion": "example.com/v1", "kind": "Gadget", "metadata": {"name": "g"}}
    namespaced = MatchConstraints(resource_rules=(rule(("gadgets",), groups=("example.com",), scope="Namespaced"),))
    assert "CustomResourceDefinition" in match_of(namespaced, request(custom)).unknown
    placed = {**custom, "metadata": {"name": "g", "namespace": "shop"}}
    assert match_of(namespaced, request(placed)) == Match()
    elsewhere = MatchConstraints(resource_rules=(rule(("gizmos",), groups=("example.com",), scope="Namespaced"),))
    assert match_of(elsewhere, request(custom)).reason


def test_cluster_scoped_parameters_need_no_namespace() -> None:
    classes = [{"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": name}, "handler": "h"} for name in ("a", "b")]
    by_selector, by_name = binding(param_ref=ParamRef(selector={})), binding(param_ref=ParamRef(name="b"))
    for asked, where, names in ((by_selector, "", ["a", "b"]), (by_name, "shop", ["b"])):
        found = Inventory.of(classes).params(taking("node.k8s.io/v1", "RuntimeClass"), asked, where)
        assert isinstance(found, list)
        assert [one and one["metadata"]["name"] for one in found] == names


def test_parameters_of_built_in_kinds_are_as_the_api_server_has_stored_them() -> None:
    limits = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "x", "namespace": "shop"}, "spec": {"replicas": 2, "misspelt": 1}}
    (found,) = Inventory.of([limits]).params(taking("apps/v1", "Deployment"), binding(param_ref=ParamRef(name="x")), "shop")  # type: ignore[misc]
    assert isinstance(found, dict)
    assert found["spec"]["strategy"]["type"] == "RollingUpdate"
    assert "misspelt" not in found["spec"]
    assert isinstance(found["metadata"]["uid"], Unknown)


# Objects that the operation is about.


@pytest.mark.parametrize(
    ("circumstances", "value", "expected"),
    [
        (Circumstances(), pod(), (pod(), None)),
        (Circumstances(operation="DELETE"), pod(), (None, pod())),
        (Circumstances(operation="UPDATE"), pod(), (pod(), Unknown("the stored object was not given: add it with --old"))),
        (Circumstances(operation="UPDATE", old_objects={("", "Pod", "shop", "p"): pod(labels={"a": "b"})}), pod(), (pod(), pod(labels={"a": "b"}))),
    ],
)
def test_objects_of_an_operation(circumstances: Circumstances, value: dict[str, Any], expected: Any) -> None:
    made = request_for(resource(value), Inventory.of([]), circumstances=circumstances)
    assert (made.object, made.old_object) == expected


@pytest.mark.parametrize(
    ("circumstances", "value", "message"),
    [
        (Circumstances(operation="UPDATE", old_objects={}), pod(), "there is no object of this kind, namespace and name among those of --old"),
        (Circumstances(operation="DELETE"), {**pod(), "metadata": {"generateName": "p-"}}, "needs metadata.name"),
        (Circumstances(operation="CONNECT", subresource="nope"), pod(), "there is no connection to pods/nope"),
    ],
)
def test_requests_that_cannot_be(circumstances: Circumstances, value: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        request_for(resource(value), Inventory.of([]), circumstances=circumstances)


def test_a_connection_to_a_pod_sends_options_that_nobody_gave() -> None:
    made = request_for(resource(pod()), Inventory.of([]), circumstances=Circumstances(operation="CONNECT", subresource="exec"))
    assert (made.gvr, made.subresource, made.kind, made.old_object) == (("", "v1", "pods"), "exec", ("", "v1", "PodExecOptions"), None)
    assert isinstance(made.object, Unknown)
    options = {"apiVersion": "v1", "kind": "PodExecOptions", "command": ["sh"]}
    made = request_for(resource(options), Inventory.of([]), circumstances=Circumstances(operation="CONNECT", namespace="shop"))
    assert (made.gvr, made.subresource, made.namespace) == (("", "v1", "pods"), "exec", "shop")
    assert isinstance(made.object, dict)
    assert made.object["command"] == ["sh"]


def test_an_eviction_is_sent_to_its_pod() -> None:
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "p", "namespace": "shop"}}
    made = request_for(resource(eviction), Inventory.of([]))
    assert (made.gvr, made.subresource, made.kind, made.name) == (("", "v1", "pods"), "eviction", ("policy", "v1", "Eviction"), "p")


# AdmissionReview documents.

REVIEWED = {
    "uid": "1",
    "kind": {"group": "autoscaling", "version": "v1", "kind": "Scale"},
    "resource": {"group": "apps", "version": "v1", "resource": "deployments"},
    "subResource": "scale",
    "requestKind": {"group": "autoscaling", "version": "v1", "kind": "Scale"},
    "requestResource": {"group": "apps", "version": "v1", "resource": "deployments"},
    "requestSubResource": "scale",
    "name": "d",
    "namespace": "shop",
    "operation": "UPDATE",
    "userInfo": {"username": "u", "groups": ["g"]},
    "object": {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "d", "namespace": "shop"}, "spec": {"replicas": 2}},
    "oldObject": {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "d", "namespace": "shop"}, "spec": {"replicas": 1}},
    "dryRun": True,
    "options": {"apiVersion": "meta.k8s.io/v1", "kind": "UpdateOptions"},
}


def review(version: str = "v1", **changed: Any) -> Resource:
    body = {key: value for key, value in {**REVIEWED, **changed}.items() if value is not ...}
    return resource({"apiVersion": f"admission.k8s.io/{version}", "kind": "AdmissionReview", "request": body})


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_an_admission_review_is_the_request_it_holds(version: str) -> None:
    assert is_review(review(version))
    made = request_of_review(review(version), Inventory.of([NAMESPACE]))
    assert {key: value for key, value in REVIEWED.items() if key not in ("uid", "object", "oldObject")} == request_map(made)
    assert (made.object, made.old_object) == (REVIEWED["object"], REVIEWED["oldObject"])
    assert isinstance(made.namespace_object, dict)
    assert made.resource.origin.steps == ("request", "object")


def test_an_admission_review_of_a_deletion() -> None:
    made = request_of_review(review(operation="DELETE", object=None, options=None), Inventory.of([]))
    assert (made.object, made.old_object, made.options) == (None, REVIEWED["oldObject"], None)
    assert made.resource.origin.steps == ("request", "oldObject")
    assert isinstance(made.namespace_object, Unknown)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"operation": "PATCH"}, "request.operation must be one of CREATE, UPDATE, DELETE, CONNECT, not 'PATCH'"),
        ({"kind": ...}, "request.kind needs group, version and kind"),
        ({"resource": {"version": "v1"}}, "request.resource needs group, version and resource"),
        ({"object": [1]}, "request.object must be a mapping"),
        ({"name": ["d"]}, "request.name must be a string"),
        ({"namespace": 1}, "request.namespace must be a string"),
        ({"requestSubResource": {"a": 1}}, "request.requestSubResource must be a string"),
        ({"requestSubResource": "", "subResource": 1}, "request.subResource must be a string"),
        ({"kind": {"group": 1, "version": "v1", "kind": "Scale"}, "requestKind": ...}, "request.kind.group must be a string"),
        ({"dryRun": "yes"}, "request.dryRun must be true or false"),
        ({"userInfo": {"username": 7}}, "request.userInfo.username must be a string"),
        ({"userInfo": {"groups": -1}}, "request.userInfo.groups must be a list of strings"),
        ({"userInfo": {"groups": ["a", None]}}, "request.userInfo.groups must be a list of strings"),
        ({"userInfo": {"extra": {"a": "b"}}}, "request.userInfo.extra must be a mapping of lists of strings"),
        ({"operation": "CREATE", "object": None}, "request.object is missing: a request of operation CREATE has it"),
        ({"operation": "UPDATE", "oldObject": None}, "request.oldObject is missing: a request of operation UPDATE has it"),
    ],
)
def test_admission_reviews_that_are_none(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        request_of_review(review(**changed), Inventory.of([]))
    with pytest.raises(InputError, match="needs a request"):
        request_of_review(resource({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}), Inventory.of([]))

"""Decisions: conditions, failure policies, messages, several bindings, parameters, unknowns, fields, counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from hostprocess.admission import request_for
from hostprocess.errors import PolicyError
from hostprocess.evaluate import Decisions
from hostprocess.model import (
    Binding,
    Decision,
    Elements,
    MatchCondition,
    MatchConstraints,
    Outcome,
    ParamKind,
    ParamRef,
    Policy,
    ResourceRule,
    Validation,
)
from hostprocess.suite.edit import wrapped
from support import ALL_RUNTIMES, binding, decide, evaluator, namespace, outcomes, pod, policy, request, resource

both = pytest.mark.parametrize("runtime", ALL_RUNTIMES)
LIMITS = ParamKind(api_version="example.com/v1", kind="Limits")
NOT_A_BOOL = "object.metadata.name"


def condition(*expressions: str) -> tuple[MatchCondition, ...]:
    return tuple(MatchCondition(name=f"condition-{index}", expression=text) for index, text in enumerate(expressions))


def only(decisions: Decisions) -> Decision:
    (decision,) = (*decisions.findings, *decisions.passed)
    return decision


# Outcomes and actions.


@both
@pytest.mark.parametrize(
    ("actions", "outcome"),
    [(("Deny",), Outcome.DENY), (("Deny", "Audit"), Outcome.DENY), (("Warn", "Audit"), Outcome.WARN), (("Audit",), Outcome.AUDIT)],
)
def test_a_false_validation_has_the_strongest_action_of_its_binding(actions: tuple[str, ...], outcome: Outcome, runtime: str) -> None:
    found = only(decide(policy("object.metadata.name == 'other'"), pod(), binding(*actions), runtime=runtime))
    assert (found.outcome, found.actions, found.policy, found.binding, found.rule) == (outcome, actions, "p", "b", "validations[0]")


@both
@pytest.mark.parametrize(
    ("failure_policy", "outcome", "actions"), [("Fail", Outcome.ERROR, ("Deny", "Audit")), ("Ignore", Outcome.ERROR, ()), ("Fail", Outcome.ERROR, ("Warn",))]
)
def test_an_error_counts_as_its_action_only_under_fail(failure_policy: str, outcome: Outcome, actions: tuple[str, ...], runtime: str) -> None:
    found = only(decide(policy("object.spec.nope == 1", failure_policy=failure_policy), pod(), binding(*actions or ("Deny",)), runtime=runtime))
    assert (found.outcome, found.actions, found.message) == (outcome, actions, "expression 'object.spec.nope == 1' resulted in error: no such key: nope")


@both
def test_every_validation_is_evaluated(runtime: str) -> None:
    found = decide(policy("false", "object.spec.nope == 1", "true", "false", failure_policy="Ignore"), pod(), runtime=runtime)
    assert [(one.rule, str(one.outcome)) for one in found.findings] == [("validations[0]", "deny"), ("validations[1]", "error"), ("validations[3]", "deny")]
    assert [(one.rule, str(one.outcome)) for one in found.passed] == [("validations[2]", "allow")]
    assert (found.allowed, found.skipped, found.matched) == (1, 0, True)


def test_a_policy_without_binding_does_nothing() -> None:
    found = decide(policy("false"), pod(), [binding(policy_name="another")])
    assert outcomes(found) == []
    assert not found.matched


def test_every_binding_judges() -> None:
    bindings = [binding("Deny", name="one"), binding("Audit", name="two"), binding("Warn", name="three", match_resources=services())]
    found = decide(policy("false"), pod(), bindings)
    assert [(one.binding, str(one.outcome)) for one in found.findings] == [("one", "deny"), ("two", "audit")]
    assert [(one.binding, one.message) for one in found.passed] == [
        ("three", "no resourceRule matches CREATE of pods in core/v1 (matchResources of the binding)")
    ]


def services() -> MatchConstraints:
    return MatchConstraints(resource_rules=(ResourceRule(operations=("*",), api_groups=("",), api_versions=("v1",), resources=("services",)),))


def test_policies_come_in_their_order() -> None:
    found = decide([policy("false", name="b"), policy("false", name="a")], pod())
    assert [one.policy for one in found.findings] == ["b", "a"]


@pytest.mark.parametrize("show_all", [True, False])
def test_decisions_that_pass_are_kept_on_request_and_counted_anyway(show_all: bool) -> None:
    rules = [Validation(expression="!(object.kind == 'Service') || false", when="object.kind == 'Service'", rule="a"), Validation(expression="true", rule="b")]
    found = decide(policy(*rules), pod(), show_all=show_all)
    assert [(one.rule, str(one.outcome), one.message) for one in found.passed] == (
        [("a", "skip", "when is false: object.kind == 'Service'"), ("b", "allow", "")] if show_all else []
    )
    assert (found.allowed, found.skipped, found.findings) == (1, 1, [])


def test_a_rule_of_several_validations_is_one_pass() -> None:
    found = decide(policy(Validation(expression="true", rule="a"), Validation(expression="1 == 1", rule="a"), Validation(expression="true", rule="b")), pod())
    assert [(one.rule, str(one.outcome)) for one in found.passed] == [("a", "allow"), ("b", "allow")]


def test_a_rule_with_one_failure_does_not_pass() -> None:
    found = decide(policy(Validation(expression="true", rule="a"), Validation(expression="false", rule="a", message="no")), pod())
    assert [(one.rule, str(one.outcome), one.message) for one in (*found.findings, *found.passed)] == [("a", "deny", "no")]
    assert found.allowed == 0


# matchConditions.


@both
@pytest.mark.parametrize(
    ("conditions", "outcome", "message"),
    [
        (("true",), "deny", "failed expression: false"),
        (("true", "object.metadata.name == 'p'"), "deny", "failed expression: false"),
        (("false",), "skip", "the matchCondition 'condition-0' is false"),
        (("true", "false"), "skip", "the matchCondition 'condition-1' is false"),
        (("object.nope", "false"), "skip", "the matchCondition 'condition-1' is false"),
        (("false", "object.nope == 1"), "skip", "the matchCondition 'condition-0' is false"),
        (("object.nope == 1",), "error", "expression 'object.nope == 1' resulted in error: no such key: nope"),
        (
            ("true", "object.nope == 1", "object.other == 1"),
            "error",
            "[expression 'object.nope == 1' resulted in error: no such key: nope, expression 'object.other == 1' resulted in error: no such key: other]",
        ),
        (("params == null",), "error", ""),
    ],
)
def test_match_conditions(conditions: tuple[str, ...], outcome: str, message: str, runtime: str) -> None:
    conditions = tuple("object.nope == 1" if one == "object.nope" else one for one in conditions)
    if "params == null" in conditions:
        if runtime == "cpp":
            with pytest.raises(PolicyError, match="undeclared reference to 'params'"):
                decide(policy("false", match_conditions=condition(*conditions)), pod())
        return
    found = only(decide(policy("false", match_conditions=condition(*conditions)), pod(), runtime=runtime))
    assert (str(found.outcome), found.message) == (outcome, message)


@pytest.mark.parametrize(("failure_policy", "actions"), [("Fail", ("Deny",)), ("Ignore", ())])
def test_an_error_in_a_match_condition_follows_the_failure_policy(failure_policy: str, actions: tuple[str, ...]) -> None:
    found = only(decide(policy("false", match_conditions=condition("object.nope == 1"), failure_policy=failure_policy), pod()))
    assert (found.outcome, found.actions, found.rule) == (Outcome.ERROR, actions, "")


@both
@pytest.mark.parametrize("expression", ["namespaceObject == null", "!has(namespaceObject.metadata)"])
def test_the_namespace_is_null_in_match_conditions(expression: str, runtime: str) -> None:
    found = decide(
        policy("namespaceObject.metadata.name == 'shop'", match_conditions=condition(expression)), pod(), inventory=[namespace("shop")], runtime=runtime
    )
    assert outcomes(found) == ["allow"]


def test_match_conditions_know_no_variables() -> None:
    with pytest.raises(PolicyError, match=r"matchCondition condition-0: does not compile: undeclared reference to 'variables'"):
        decide(policy("variables.x", variables={"x": "true"}, match_conditions=condition("variables.x")), pod())


def test_a_skipped_policy_counts_each_rule() -> None:
    found = decide(policy("false", "false", match_conditions=condition("false")), pod(), show_all=False)
    assert (found.skipped, found.allowed, found.passed, found.matched) == (2, 0, [], True)


# Messages: validator.go, message precedence.


@both
@pytest.mark.parametrize(
    ("validation", "message"),
    [
        ({"message": "fixed"}, "fixed"),
        ({"message": "  fixed \n"}, "fixed"),
        ({}, "failed expression: object.metadata.name == 'x'"),
        ({"message_expression": "'is ' + object.metadata.name", "message": "fixed"}, "is p"),
        ({"message_expression": "'  is ' + object.metadata.name + ' \\n '"}, "is p"),
        ({"message_expression": "'a\\nb'", "message": "fixed"}, "fixed"),
        ({"message_expression": "' '", "message": "fixed"}, "fixed"),
        ({"message_expression": "''"}, "failed expression: object.metadata.name == 'x'"),
        ({"message_expression": "'is ' + object.nope", "message": "fixed"}, "fixed"),
        ({"message_expression": "'is ' + object.nope"}, "failed expression: object.metadata.name == 'x'"),
        ({"message_expression": "object.spec.long + ''", "message": "fixed"}, "fixed"),
        ({"message_expression": "object.spec.fits + ''", "message": "fixed"}, "é" * 2560),
        ({"message_expression": "'was ' + variables.name"}, "was p"),
        ({"message": "[r] fixed", "rule": "r"}, "fixed"),
        ({"message": "[r] fixed", "message_expression": "'[r] ' + object.metadata.name", "rule": "r"}, "p"),
        ({"message": "[other] fixed", "rule": "r"}, "[other] fixed"),
        ({"message": "[r] fixed"}, "[r] fixed"),
    ],
)
def test_messages(validation: dict[str, str], message: str, runtime: str) -> None:
    one = Validation(expression=" object.metadata.name == 'x' ", **validation)
    found = decide(policy(one, variables={"name": "string(object.metadata.name)"}), pod(long="é" * 2561, fits="é" * 2560), runtime=runtime)
    assert only(found).message == message


# What the API server would refuse.


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (policy(NOT_A_BOOL), r"validations\[0\]: must evaluate to bool but got dyn: object.metadata.name"),
        (policy("true ? true : object.x"), "must evaluate to bool but got dyn"),
        (policy("'x'"), "must evaluate to bool but got string"),
        (policy("true", match_conditions=condition(NOT_A_BOOL)), "matchCondition condition-0: must evaluate to bool but got dyn"),
        (policy(Validation(expression="false", message_expression=NOT_A_BOOL)), r"messageExpression of validations\[0\]: must evaluate to string but got dyn"),
        (policy(Validation(expression="false", message_expression="1 == 1")), "must evaluate to string but got bool"),
        (
            policy("true", "nope == 1"),
            r"validations\[1\]: does not compile: undeclared reference to 'nope' \(in container ''\) \(line 1, column 1 of the expression\)",
        ),
        (policy("true\n&& nope"), r"line 2, column 4 of the expression"),
        (policy("params.x == 1"), "undeclared reference to 'params'"),
        (policy("cel.bind(x, true, x)"), "undeclared reference to 'cel'"),
        (policy("variables.x", variables={"x": "variables.y", "y": "true"}), "variable x: does not compile|must evaluate to bool but got dyn"),
        (policy("variables.x", variables={"x": "variables.x || true"}), "variable x: does not compile|must evaluate to bool but got dyn"),
    ],
)
def test_policies_that_the_api_server_would_refuse(bad: Policy, message: str) -> None:
    for runtime in ("cpp", "tree"):
        refusing = evaluator(bad, runtime=runtime)
        for _ in range(2):  # whoever goes on after a refusal is refused again
            with pytest.raises(PolicyError, match=message):
                refusing.decide(request(pod()))
    with pytest.raises(PolicyError, match=message):
        evaluator(bad).check()


@pytest.mark.parametrize(
    "unused",
    [
        policy("true", variables={"x": "nope"}),
        policy("true", variables={"x": "variables.y", "y": "1"}),
        policy("true", variables={"x": "variables.x"}),
        policy(Validation(expression="true", message_expression="1 + 1")),
    ],
)
def test_faults_where_nothing_reads_are_found_by_check(unused: Policy) -> None:
    assert outcomes(decide(unused, pod())) == ["allow"]
    with pytest.raises(PolicyError):
        evaluator(unused).check()


@both
def test_a_sound_policy_passes_check(runtime: str) -> None:
    sound = policy(
        Validation(expression="variables.b && params != null", message_expression="'no ' + string(variables.a)"),
        variables={"a": "1", "b": "variables.a == 1"},
        match_conditions=condition("has(object.spec)"),
        param_kind=LIMITS,
    )
    evaluator(sound, runtime=runtime).check()


# Errors and budgets in one of several validations do not touch the others.


@both
def test_one_error_does_not_spoil_the_list(runtime: str) -> None:
    found = decide(policy("object.metadata.name == 'p'", "object.spec.nope == 1", "object.metadata.name == 'x'"), pod(), runtime=runtime)
    assert outcomes(found) == ["error", "deny", "allow"]


def test_an_exhausted_iteration_budget_is_decided_by_the_account_of_costs() -> None:
    heavy = "object.spec.numbers.all(x, object.spec.numbers.all(y, x + y >= 0))"
    three = policy("object.metadata.name == 'p'", heavy, "object.metadata.name == 'x'")
    assert outcomes(decide(three, pod(numbers=list(range(101))))) == ["deny", "allow", "allow"]
    found = decide(three, pod(numbers=list(range(500))))
    assert sorted(outcomes(found)) == ["allow", "deny", "error"]
    assert any("operation cancelled: actual cost limit exceeded" in each.message for each in found.findings)


def test_validations_share_no_budget() -> None:
    value = pod(numbers=list(range(70)))
    heavy = "object.spec.numbers.all(x, object.spec.numbers.all(y, x + y >= {}))"
    found = decide(policy(*(heavy.format(-number) for number in range(4))), value)
    assert outcomes(found) == ["allow"] * 4


@both
def test_comments_at_the_end_of_expressions(runtime: str) -> None:
    found = decide(policy("true // one", "object.metadata.name == 'p' // two", "false // three"), pod(), runtime=runtime)
    assert outcomes(found) == ["deny", "allow", "allow"]


@both
def test_a_policy_of_very_many_validations(runtime: str) -> None:
    variables = {f"v{number}": f"object.metadata.name != 'x{number}'" for number in range(60)}
    found = decide(policy(*(f"variables.v{number}" for number in range(60)), variables=variables), pod(name="x7"), runtime=runtime)
    assert [one.rule for one in found.findings] == ["validations[7]"]
    assert found.allowed == 59


# Old objects and operations.


@both
@pytest.mark.parametrize(
    ("expression", "operation", "old", "outcome"),
    [
        ("oldObject == null", "CREATE", None, "allow"),
        ("has(oldObject.spec)", "CREATE", None, "deny"),
        ("oldObject.spec.x == 1", "CREATE", None, "error"),
        ("object.spec.containers == oldObject.spec.containers", "UPDATE", pod(), "allow"),
        ("request.operation == 'UPDATE'", "UPDATE", pod(), "allow"),
        ("request.operation == 'UPDATE'", "CREATE", None, "deny"),
    ],
)
def test_old_objects(expression: str, operation: str, old: dict[str, Any] | None, outcome: str, runtime: str) -> None:
    judge = evaluator(policy(expression), runtime=runtime)
    assert outcomes(judge.decide(request(pod(), operation=operation, old_object=old))) == [outcome]


# What nobody gave.


@both
@pytest.mark.parametrize(
    ("expression", "value", "message"),
    [
        ("namespaceObject.metadata.name == 'shop'", pod(), "the Namespace 'shop' was not given: add it with --inventory"),
        ("has(namespaceObject.metadata.labels)", pod(), "the Namespace 'shop' was not given: add it with --inventory"),
        ("variables.ns == 'x'", pod(), "the Namespace 'shop' was not given: add it with --inventory"),
        ("namespaceObject.metadata.name == 'x'", pod(namespace=""), "the namespace is not known: name it with --namespace"),
        ("object.metadata.namespace == 'x'", pod(namespace=""), "the namespace is not known: name it with --namespace"),
        ("request.namespace == 'x'", pod(namespace=""), "the namespace is not known: name it with --namespace"),
        ("request.userInfo.username == 'x'", pod(), "the user who makes the request is not known: name it with --user"),
        ("dyn(authorizer) == 1", pod(), "authorizer was not given"),
    ],
)
def test_unknowns(expression: str, value: dict[str, Any], message: str, runtime: str) -> None:
    found = only(decide(policy(expression, variables={"ns": "namespaceObject.metadata.name"}), value, binding("Warn", "Audit"), runtime=runtime))
    assert (found.outcome, found.message, found.actions) == (Outcome.UNKNOWN, message, ("Warn", "Audit"))


def test_an_unknown_counts_even_when_errors_are_ignored() -> None:
    found = only(decide(policy("namespaceObject.metadata.name == 'x'", failure_policy="Ignore"), pod()))
    assert (found.outcome, found.actions) == (Outcome.UNKNOWN, ("Deny",))


@both
def test_an_unknown_that_does_not_decide_is_none(runtime: str) -> None:
    found = decide(
        policy("namespaceObject.metadata.name == 'x' || object.metadata.name == 'p'", "has(params.x) || true", param_kind=LIMITS), pod(), runtime=runtime
    )
    assert outcomes(found) == ["allow", "allow"]


@both
def test_a_namespace_that_was_given_decides(runtime: str) -> None:
    rule = policy("has(namespaceObject.metadata.labels.team) && namespaceObject.metadata.labels.team == 'a'")
    assert outcomes(decide(rule, pod(), inventory=[namespace("shop", team="a")], runtime=runtime)) == ["allow"]
    assert outcomes(decide(rule, pod(), inventory=[namespace("shop", team="b")], runtime=runtime)) == ["deny"]
    assert outcomes(decide(rule, pod(), inventory=[namespace("other", team="a")], runtime=runtime)) == ["unknown"]


@both
def test_the_default_namespace_stands_in(runtime: str) -> None:
    rule = policy("object.metadata.namespace == 'shop' && request.namespace == 'shop'")
    assert outcomes(decide(rule, pod(namespace=""), default_namespace="shop", runtime=runtime)) == ["allow"]
    assert outcomes(decide(rule, pod(namespace="x"), default_namespace="shop", runtime=runtime)) == ["deny"]


@both
def test_cluster_scoped_objects_have_no_namespace(runtime: str) -> None:
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}}
    assert outcomes(decide(policy("namespaceObject == null && !has(request.namespace)"), node, default_namespace="shop", runtime=runtime)) == ["allow"]


# Parameters.


def limits(name: str, maximum: int, namespace: str = "", **labels: str) -> dict[str, Any]:
    metadata: dict[str, Any] = {"name": name, "labels": labels} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": "example.com/v1", "kind": "Limits", "metadata": metadata, "spec": {"max": maximum}}


def judged(reference: ParamRef | None, *params: dict[str, Any], value: dict[str, Any] | None = None, runtime: str = "cpp") -> list[tuple[str, str]]:
    one = Validation(expression="params != null && size(object.metadata.name) <= params.spec.max", message_expression="'not of ' + params.metadata.name")
    rule = policy(one, param_kind=LIMITS)
    found = decide(rule, value or pod(name="four"), binding(param_ref=reference), inventory=params, runtime=runtime)
    return [(str(one.outcome), one.message) for one in (*found.findings, *found.passed)]


BY_NAME = ParamRef(name="a")
SELECTED = ParamRef(selector={"matchLabels": {"team": "x"}})
NONE_FOUND = ("error", "failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction")
NOTHING = "there is no parameter object, and parameterNotFoundAction is Allow"
NOT_GIVEN = ("unknown", "no Limits was given: add it with --params or --inventory")


@both
@pytest.mark.parametrize(
    ("reference", "params", "expected"),
    [
        (BY_NAME, [limits("a", 4), limits("b", 3)], [("allow", "")]),
        (BY_NAME, [limits("a", 3), limits("b", 9)], [("deny", "not of a")]),
        (BY_NAME, [limits("b", 9)], [NONE_FOUND]),
        (BY_NAME, [], [NOT_GIVEN]),
        (BY_NAME, [limits("a", 4, "shop"), limits("a", 3, "other")], [("allow", "")]),
        (BY_NAME, [limits("a", 4, "other")], [NONE_FOUND]),
        (ParamRef(name="a", parameter_not_found_action="Allow"), [limits("b", 9)], [("skip", NOTHING)]),
        (ParamRef(name="a", parameter_not_found_action="Allow"), [], [NOT_GIVEN]),
        (ParamRef(name="a", namespace="other"), [limits("a", 9, "shop"), limits("a", 3, "other")], [("deny", "not of a")]),
        (SELECTED, [limits("a", 3, team="x"), limits("b", 4, team="x"), limits("c", 2, team="y"), limits("d", 1, team="x")],
         [("deny", "not of a"), ("deny", "not of d"), ("allow", "")]),
        (SELECTED, [limits("c", 2, team="y")], [NONE_FOUND]),
        (ParamRef(selector={}), [limits("a", 3), limits("b", 9)], [("deny", "not of a"), ("allow", "")]),
        (ParamRef(selector={"matchExpressions": [{"key": "team", "operator": "Exists"}]}), [limits("a", 9, team="x"), limits("b", 1)], [("allow", "")]),
        (None, [limits("a", 9)], [("deny", "failed expression: params != null && size(object.metadata.name) <= params.spec.max")]),
    ],
)  # fmt: skip
def test_parameters(reference: ParamRef | None, params: list[dict[str, Any]], expected: list[tuple[str, str]], runtime: str) -> None:
    assert judged(reference, *params, runtime=runtime) == expected


def test_parameters_of_the_namespace_of_an_unknown_namespace_are_unknown() -> None:
    assert judged(BY_NAME, limits("a", 9, "shop"), value=pod(name="four", namespace="")) == [
        ("unknown", "the namespace is not known: name it with --namespace")
    ]
    assert judged(ParamRef(name="a", namespace="shop"), limits("a", 9, "shop"), value=pod(name="four", namespace="")) == [("allow", "")]


def test_match_conditions_see_parameters() -> None:
    rule = policy("false", match_conditions=condition("params.spec.max > 3"), param_kind=LIMITS)
    found = decide(rule, pod(), binding(param_ref=ParamRef(selector={})), inventory=[limits("a", 3), limits("b", 4)])
    assert sorted(outcomes(found)) == ["deny", "skip"]


def test_a_policy_with_a_false_condition_needs_no_parameters() -> None:
    rule = policy("params.spec.max > 1", match_conditions=condition("object.kind == 'Service'"), param_kind=LIMITS)
    assert outcomes(decide(rule, pod(), binding(param_ref=ParamRef(name="a", parameter_not_found_action="Allow")))) == ["skip"]
    # The API server looks for parameters first, and denies if there are none.
    assert outcomes(decide(rule, pod(), binding(param_ref=BY_NAME))) == ["unknown"]


# The fields of a finding.

PODS = wrapped(
    {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "shop"},
        "spec": {
            "initContainers": [{"name": "bad", "ports": [{"n": 1}]}, {"name": "good", "user": 1}],
            "containers": [{"name": "good"}, {"name": "bad", "user": 2, "ports": [{"n": 1}, {"n": 2}, {"n": 3}]}],
            "ephemeralContainers": [{"name": "bad", "ports": []}],
        },
    },
    "CronJob",
)
POD = PODS["spec"]["jobTemplate"]["spec"]["template"] | {"apiVersion": "v1", "kind": "Pod"}
ALL = ("spec.initContainers", "spec.containers", "spec.ephemeralContainers")
LISTS = {
    "root": "has(object.spec.jobTemplate) ? object.spec.jobTemplate.spec.template : object",
    "all": "variables.root.spec.initContainers + variables.root.spec.containers + variables.root.spec.ephemeralContainers",
}


def fields_of(value: Mapping[str, Any], body: str, places: tuple[str, ...], paths: tuple[str, ...], nested: str = "", runtime: str = "cpp") -> tuple[str, ...]:
    one = Validation(expression="false", paths=paths, elements=Elements(expression=body, places=places, nested=nested))
    return only(decide(policy(one, variables=LISTS), value, runtime=runtime)).fields


@both
@pytest.mark.parametrize(
    ("body", "nested", "paths", "expected"),
    [
        ("variables.all.map(c, c.name != 'bad')", "", ("name",), ("initContainers[0].name", "containers[1].name", "ephemeralContainers[0].name")),
        # The first path that exists, else the last: also one that is the pod's.
        ("variables.all.map(c, c.name != 'bad')", "", ("user", "spec.os"), ("os", "containers[1].user")),
        ("variables.all.map(c, c.name != 'bad')", "", ("user", "image"), ("initContainers[0].image", "containers[1].user", "ephemeralContainers[0].image")),
        # Only those of the list with a condition.
        ("variables.all.map(c, !(has(c.user)) || c.user < 2)", "", ("user",), ("containers[1].user",)),
        ("variables.all.map(c, has(c.ports) ? c.ports.map(p, p.n < 2) : [])", "ports", ("n",), ("containers[1].ports[1].n", "containers[1].ports[2].n")),
        ("variables.all.map(c, has(c.ports) ? c.ports.map(p, p.n > 1) : [])", "ports", ("n",), ("initContainers[0].ports[0].n", "containers[1].ports[0].n")),
        ("variables.all.map(c, true)", "", ("name",), ()),
        ("variables.all.map(c, c.user == 1)", "", ("name",), ()),  # an error in one: no field can be named
    ],
)
def test_fields_of_lists(body: str, nested: str, paths: tuple[str, ...], expected: tuple[str, ...], runtime: str) -> None:
    assert fields_of(POD, body, ALL, paths, nested, runtime) == tuple(f"spec.{field}" for field in expected)
    prefix = "spec.jobTemplate.spec.template.spec."
    assert fields_of(PODS, body, ALL, paths, nested, runtime) == tuple(prefix + field for field in expected)


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        ((), ()),
        (("spec.hostNetwork",), ("spec.hostNetwork",)),
        (("spec.os.name", "spec.containers"), ("spec.containers",)),
        (("spec.os.name", "metadata.annotations"), ("metadata.annotations",)),
        (('metadata.annotations["a.b/c"]',), ('metadata.annotations["a.b/c"]',)),
    ],
)
def test_fields_of_the_pod(paths: tuple[str, ...], expected: tuple[str, ...]) -> None:
    one = Validation(expression="false", paths=paths)
    assert only(decide(policy(one), POD)).fields == expected
    prefix = "spec.jobTemplate.spec.template."
    assert only(decide(policy(one), PODS)).fields == tuple(prefix + field for field in expected)


def test_fields_of_the_object_itself() -> None:
    one = Validation(expression="false", paths=("object.metadata.namespace",))
    assert only(decide(policy(one), PODS)).fields == ("metadata.namespace",)


def test_kinds_without_pods_have_fields_too() -> None:
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s"}, "spec": {}}
    assert only(decide(policy(Validation(expression="false", paths=("spec.ports",))), service)).fields == ("spec.ports",)


# The hook.


def test_the_hook_is_asked_for_each_binding_and_may_replace_decisions() -> None:
    asked: list[tuple[str, str, str]] = []

    def hook(*, policy: Policy, binding: Binding, request: Any, evaluation: Any) -> Decisions:
        asked.append((policy.name, binding.name, request.resource.name))
        return evaluation() if binding.name == "one" else Decisions([], [], allowed=7)

    found = decide(policy("false"), pod(), [binding(name="one"), binding(name="two")], evaluate_policy=hook)
    assert asked == [("p", "one", "p"), ("p", "two", "p")]
    assert (len(found.findings), found.allowed) == (1, 7)


def test_the_hook_is_not_asked_about_what_a_policy_is_not_about() -> None:
    def hook(**_: Any) -> Decisions:
        raise AssertionError

    assert outcomes(decide(policy("false", match_conditions=condition("false")), pod(), evaluate_policy=hook)) == ["skip"]
    assert outcomes(decide(policy("false", match_constraints=services()), pod(), evaluate_policy=hook)) == ["skip"]


# What a run has to look up.


@pytest.mark.parametrize(
    ("rule", "bound", "expected"),
    [
        (policy("true"), binding(), set()),
        (policy("namespaceObject == null"), binding(), {"Namespace"}),
        (policy("variables.x", variables={"x": "namespaceObject == null"}), binding(), {"Namespace"}),
        (policy(Validation(expression="true", message_expression="string(namespaceObject)")), binding(), {"Namespace"}),
        (policy("object.namespaceObject == 1"), binding(), set()),
        (policy("true", match_constraints=MatchConstraints(namespace_selector={"matchLabels": {"a": "b"}})), binding(), {"Namespace"}),
        (policy("true"), binding(match_resources=MatchConstraints(namespace_selector={"matchLabels": {"a": "b"}})), {"Namespace"}),
        (policy("true", param_kind=LIMITS), binding(), {"Limits"}),
    ],
)
def test_what_is_looked_up(rule: Policy, bound: Binding, expected: set[str]) -> None:
    assert evaluator(rule, bound).looks_up() - {"CustomResourceDefinition"} == expected


def test_one_evaluator_serves_many_requests() -> None:
    judge = evaluator(policy("object.metadata.name == 'a'"))
    found = [outcomes(judge.decide(request_for(resource(pod(name)), judge.inventory))) for name in ("a", "b", "a")]
    assert found == [["allow"], ["deny"], ["allow"]]


@both
@pytest.mark.parametrize(
    "expression",
    [
        "!has(object.metadata.namespace) || object.metadata.namespace != 'default'",
        "!has(variables.metadata.namespace) || variables.metadata.namespace != 'default'",
        "object.metadata.?namespace.orValue('') != 'default'",
        "!('namespace' in object.metadata) || object.metadata['namespace'] != 'default'",
        "object.metadata.namespace != 'default'",
    ],
)
def test_a_field_that_nobody_gave_is_not_taken_for_absent(expression: str, runtime: str) -> None:
    if runtime == "celpy" and ".?" in expression:
        pytest.skip("cel-python has no optional selection")
    value = pod()
    value["metadata"].pop("namespace", None)
    found = only(decide(policy(expression, variables={"metadata": "object.metadata"}), value, runtime=runtime))
    assert (found.outcome, found.message) == (Outcome.UNKNOWN, "the namespace is not known: name it with --namespace")
    assert only(decide(policy("has(object.metadata.name)"), value, runtime=runtime)).outcome is Outcome.ALLOW

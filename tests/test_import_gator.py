"""Suites of gator: templates written in CEL, the match block of constraints, counts of violations, AdmissionReviews."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from importing import check_round_trip, outcomes, pod, problems, run, write

LABELS = "variables.params.labels.filter(l, !has(variables.anyObject.metadata.labels) || !(l in variables.anyObject.metadata.labels))"


def template(**source: Any) -> dict[str, Any]:
    code = {
        "variables": [{"name": "absent", "expression": LABELS}],
        "validations": [
            {"expression": "size(variables.absent) == 0", "messageExpression": "'missing ' + variables.absent.join(', ')"},
            {"expression": "variables.anyObject.metadata.name != 'forbidden'", "message": "this name is forbidden"},
        ],
        **source,
    }
    parameters = {"type": "object", "properties": {"labels": {"type": "array", "items": {"type": "string"}, "default": ["owner"]}}}
    return {
        "apiVersion": "templates.gatekeeper.sh/v1",
        "kind": "ConstraintTemplate",
        "metadata": {"name": "needlabels"},
        "spec": {
            "crd": {"spec": {"names": {"kind": "NeedLabels"}, "validation": {"openAPIV3Schema": parameters}}},
            "targets": [
                {
                    "target": "admission.k8s.gatekeeper.sh",
                    "code": [{"engine": "Rego", "source": {"rego": "package x"}}, {"engine": "K8sNativeValidation", "source": code}],
                }
            ],
        },
    }


def constraint(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "constraints.gatekeeper.sh/v1beta1",
        "kind": "NeedLabels",
        "metadata": {"name": "owner"},
        "spec": {"parameters": {"labels": ["owner"]}, **spec},
    }


def case(name: str, *assertions: dict[str, Any], object: str = "", **rest: Any) -> dict[str, Any]:
    return {"name": name, "object": f"{object or name}.yaml", "assertions": [*assertions], **rest}


def suite(
    folder: Path,
    *cases: dict[str, Any],
    given: dict[str, Any] | None = None,
    bound: dict[str, Any] | None = None,
    test: dict[str, Any] | None = None,
    **top: Any,
) -> Path:
    write(
        folder,
        template=given or template(),
        constraint=bound or constraint(),
        good=pod("good", labels={"owner": "me"}),
        bad=pod("bad"),
        worst=pod("forbidden"),
        system=pod("bad", namespace="kube-system"),
        service={"apiVersion": "v1", "kind": "Service", "metadata": {"name": "bad"}},
    )
    one = {"name": "labels", "template": "template.yaml", "constraint": "constraint.yaml", "cases": [*cases], **(test or {})}
    head = {"kind": "Suite", "apiVersion": "test.gatekeeper.sh/v1alpha1", "metadata": {"name": "s"}}
    write(folder, suite={**head, "tests": [{key: value for key, value in one.items() if value is not None}], **top})
    return folder / "suite.yaml"


NO, YES = {"violations": "no"}, {"violations": "yes"}


def test_cases_keep_their_names(tmp_path: Path) -> None:
    path = suite(tmp_path, case("good", NO), case("bad", YES), case("worst", YES), case("wrong", NO, object="bad"))
    assert outcomes(path) == {"good": "passed", "bad": "passed", "worst": "passed", "wrong": "failed"}
    check_round_trip(path, tmp_path / "out")


@pytest.mark.parametrize(
    ("written", "expected"),
    [("yes", "passed"), ("true", "passed"), ("'yes'", "passed"), ("no", "failed"), ("'no'", "failed"), ("false", "failed"), ("0", "failed"), ("1", "passed")],
)
def test_yes_and_no_are_booleans_to_yaml(tmp_path: Path, written: str, expected: str) -> None:
    path = suite(tmp_path, case("bad", {"violations": "HERE"}))
    path.write_text(path.read_text().replace("HERE", written))
    assert list(outcomes(path).values()) == [expected]


def test_defaults_of_assertions(tmp_path: Path) -> None:
    """Without assertions there are to be no violations; an assertion without violations wants one."""
    bare = {"name": "bare", "object": "bad.yaml"}
    path = suite(tmp_path, bare, {**bare, "name": "good", "object": "good.yaml"}, case("message", {"message": "missing"}, object="bad"), case("bad", {}))
    assert list(outcomes(path).values()) == ["failed", "passed", "passed", "passed"]


COUNTS: list[tuple[list[dict[str, Any]], str]] = [
    ([{"violations": 2}], "passed"),
    ([{"violations": 1}], "failed"),
    ([{"violations": 1, "message": "^missing owner$"}, {"violations": 1, "message": "forbidden"}, {"violations": 2}], "passed"),
    ([{"violations": 2, "message": "missing"}], "failed"),
    ([{"violations": 2, "message": "i"}], "passed"),
    ([{"violations": "no", "message": "labels"}], "passed"),
    ([{"violations": "no", "message": "missing"}], "failed"),
    ([{"violations": "yes", "message": "MISSING"}], "failed"),  # regular expressions tell capital letters apart
    ([{"violations": "yes", "message": "(?i)MISSING"}, {"violations": "yes"}, {"violations": 2}], "passed"),
]


@pytest.mark.parametrize(("assertions", "expected"), COUNTS)
def test_counts_of_violations_and_of_messages(tmp_path: Path, assertions: list[dict[str, Any]], expected: str) -> None:
    path = suite(tmp_path, case("worst", *assertions), case("good", NO))
    assert list(outcomes(path).values()) == [expected, "passed"]
    check_round_trip(path, tmp_path / "out")


@pytest.mark.parametrize(("action", "expected"), [("deny", "deny"), ("warn", "warn"), ("dryrun", "audit"), (None, "deny")])
def test_enforcement_actions(tmp_path: Path, action: str | None, expected: str) -> None:
    path = suite(tmp_path, case("good", NO), case("bad", YES), bound=constraint(**({"enforcementAction": action} if action else {})))
    assert set(outcomes(path).values()) == {"passed"}
    check_round_trip(path, tmp_path / "out")
    assert f"expect: {expected}" in (tmp_path / "out" / "needlabels-owner.test.yaml").read_text()


MATCHES: list[tuple[dict[str, Any], bool]] = [
    ({}, True),
    ({"kinds": [{"apiGroups": [""], "kinds": ["Pod"]}]}, True),
    ({"kinds": [{"apiGroups": ["*"], "kinds": ["*"]}]}, True),
    ({"kinds": [{"kinds": ["Service"]}, {"apiGroups": [""]}]}, True),
    ({"kinds": [{"apiGroups": ["apps"], "kinds": ["Pod"]}]}, False),
    ({"kinds": [{"apiGroups": [""], "kinds": ["Service"]}]}, False),
    ({"namespaces": ["default"]}, True),
    ({"namespaces": ["def*", "x"]}, True),
    ({"namespaces": ["*ault"]}, True),
    ({"namespaces": ["defaul"]}, False),
    ({"namespaces": ["kube-*"]}, False),
    ({"excludedNamespaces": ["kube-*"]}, True),
    ({"excludedNamespaces": ["d*"]}, False),
    ({"excludedNamespaces": ["default"]}, False),
    ({"name": "bad"}, True),
    ({"name": "b*"}, True),
    ({"name": "*d"}, True),
    ({"name": "ba"}, False),
    ({"name": "c*"}, False),
    ({"scope": "Namespaced"}, True),
    ({"scope": "*"}, True),
    ({"scope": "Cluster"}, False),
    ({"labelSelector": {"matchLabels": {"a": "b"}}}, False),
    ({"labelSelector": {"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}}, True),
    ({"source": "Original"}, True),
]


@pytest.mark.parametrize(("match", "matches"), MATCHES)
def test_the_match_block_of_a_constraint(tmp_path: Path, match: dict[str, Any], matches: bool) -> None:
    """Where the constraint does not match, gator finds no violations, and passes whoever wants none."""
    path = suite(tmp_path, case("bad", NO), case("wanted", YES, object="bad"), bound=constraint(match=match))
    assert outcomes(path) == ({"bad": "failed", "wanted": "passed"} if matches else {"bad": "vacuous", "wanted": "failed"})
    check_round_trip(path, tmp_path / "out")


def test_namespaces_count_as_in_themselves(tmp_path: Path) -> None:
    write(tmp_path, space={"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system"}})
    path = suite(tmp_path, case("space", NO), bound=constraint(match={"excludedNamespaces": ["kube-system"]}))
    assert list(outcomes(path).values()) == ["vacuous"]
    path = suite(tmp_path, case("space", YES), bound=constraint(match={"scope": "Cluster", "namespaces": ["kube-*"]}))
    assert list(outcomes(path).values()) == ["passed"]


def test_a_namespace_selector_needs_the_namespace(tmp_path: Path) -> None:
    """gator stops with an error where it is missing from the inventory."""
    write(tmp_path, space={"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system", "labels": {"a": "b"}}})
    selector = constraint(match={"namespaceSelector": {"matchLabels": {"a": "b"}}})
    path = suite(tmp_path, case("system", YES, inventory=["space.yaml"]), case("without", NO, object="system"), bound=selector)
    assert list(outcomes(path).values()) == ["passed", "failed"]
    assert run(path).results[1].problems == ("expected allow, got unknown",)
    check_round_trip(path, tmp_path / "out")


def test_a_match_condition_of_the_template(tmp_path: Path) -> None:
    conditions = [{"name": "not-bad", "expression": "object.metadata.name != 'bad'"}]
    for key in ("matchCondition", "matchConditions"):
        path = suite(tmp_path, case("bad", NO), case("worst", YES), given=template(**{key: conditions}))
        assert list(outcomes(path).values()) == ["vacuous", "passed"]


def test_defaults_of_the_template_fill_the_parameters(tmp_path: Path) -> None:
    path = suite(tmp_path, case("good", NO), case("bad", {"message": "missing owner"}), bound=constraint(parameters={}))
    assert set(outcomes(path).values()) == {"passed"}
    check_round_trip(path, tmp_path / "out")


def test_without_parameters_they_are_null(tmp_path: Path) -> None:
    bound = constraint()
    del bound["spec"]["parameters"]
    path = suite(tmp_path, case("bad", NO), case("good", YES), bound=bound, given=template(validations=[{"expression": "variables.params == null"}]))
    assert list(outcomes(path).values()) == ["passed", "failed"]


def test_an_error_is_no_violation(tmp_path: Path) -> None:
    """gator counts an expression that fails as a violation: whoever wants one gets it."""
    path = suite(tmp_path, case("bad", YES), given=template(validations=[{"expression": "object.spec.absent == 1"}]))
    assert run(path).results[0].problems == ("expected deny, got error",)


def review(operation: str = "", **request: Any) -> dict[str, Any]:
    return {"apiVersion": "admission.k8s.io/v1beta1", "kind": "AdmissionReview", "request": {**({"operation": operation} if operation else {}), **request}}


def test_admission_reviews(tmp_path: Path) -> None:
    given = template(
        validations=[
            {"expression": "request.operation == 'DELETE' ? object == null && variables.anyObject.metadata.name == 'bad' : object != null"},
            {"expression": "request.operation != 'UPDATE' || oldObject.metadata.name == 'old'"},
            {"expression": "request.userInfo.username == 'ada' && request.namespace == 'shop' && request.dryRun"},
        ]
    )
    rest = {"userInfo": {"username": "ada"}, "namespace": "shop", "dryRun": True}
    write(
        tmp_path,
        create=review(object=pod("bad", namespace="shop"), **rest),
        update=review("UPDATE", object=pod("bad", namespace="shop"), oldObject=pod("old", namespace="shop"), **rest),
        delete=review("DELETE", oldObject=pod("bad", namespace="shop"), **rest),
        other=review("CREATE", object=pod("bad", namespace="shop"), **{**rest, "userInfo": {"username": "bob"}}),
    )
    path = suite(tmp_path, case("create", NO), case("update", NO), case("delete", NO), case("other", {"violations": 1}), given=given)
    assert set(outcomes(path).values()) == {"passed"}
    check_round_trip(path, tmp_path / "out")


def test_an_update_without_its_old_object_is_judged_by_the_new_one(tmp_path: Path) -> None:
    write(tmp_path, update=review("UPDATE", object=pod("bad")))
    bound = constraint(match={"excludedNamespaces": ["kube-system"], "kinds": [{"kinds": ["Pod"]}]})
    path = suite(tmp_path, case("update", YES), bound=bound)
    assert set(outcomes(path).values()) == {"passed"}


REVIEWS = {
    "no request": ({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview"}, "has no request"),
    "no object": (review("CREATE"), "has no object, and a CREATE is about one"),
    "a deletion": (review("DELETE", object=pod("bad")), "has no oldObject, and a DELETE is about one"),
    "a connection": (review("CONNECT", object=pod("bad")), "is of operation CONNECT"),
    "text": (review("CREATE", object="bad"), "that is no mapping"),
}


@pytest.mark.parametrize(("value", "message"), REVIEWS.values(), ids=list(REVIEWS))
def test_reviews_that_ask_nothing(tmp_path: Path, value: dict[str, Any], message: str) -> None:
    write(tmp_path, review=value)
    assert message in problems(suite(tmp_path, case("review", NO)))[0]


def test_several_tests_and_what_they_switch_off(tmp_path: Path) -> None:
    one = {"template": "template.yaml", "constraint": "constraint.yaml"}
    write(tmp_path, other={**constraint(parameters={"labels": []})})
    tests = [
        {"name": "one", **one, "cases": [case("bad", YES), case("not", NO, object="bad", skip=True)]},
        {"name": "two", **one, "constraint": "other.yaml", "cases": [case("bad", NO), case("bad", NO)]},
        {"name": "three", **one, "skip": True, "cases": [case("bad", NO)]},
    ]
    path = suite(tmp_path, tests=tests)
    assert outcomes(path) == {"one: bad": "passed", "two: bad": "passed", "two: bad (2)": "passed"}
    assert run(path).deselected == 2
    check_round_trip(path, tmp_path / "out")
    assert {one.name for one in (tmp_path / "out").glob("*.test.yaml")} == {"needlabels-owner.test.yaml", "needlabels-owner-2.test.yaml"}


def test_a_suite_that_is_switched_off(tmp_path: Path) -> None:
    path = suite(tmp_path, case("bad", NO), skip=True)
    assert outcomes(path) == {}
    assert run(path).deselected == 1


def test_the_line_of_a_validation_is_that_of_the_template(tmp_path: Path) -> None:
    path = suite(tmp_path, case("worst", NO))
    text = run(path).results[0].text
    for number, expression in enumerate(("size(variables.absent) == 0", "variables.anyObject.metadata.name != 'forbidden'")):
        line = next(line for line, found in enumerate((tmp_path / "template.yaml").read_text().splitlines(), 1) if found.endswith(f"expression: {expression}"))
        assert f"template.yaml:{line}: validations[{number}]" in text


def test_an_expression_that_does_not_compile(tmp_path: Path) -> None:
    path = suite(tmp_path, case("bad", NO), given=template(validations=[{"expression": "variables.absnt == []"}]))
    (error,) = run(path).errors
    lines = (tmp_path / "template.yaml").read_text().splitlines()
    assert (error.path, lines[error.line - 1].strip()) == (str(tmp_path / "template.yaml"), "- expression: variables.absnt == []")


def rego() -> dict[str, Any]:
    found = template()
    found["spec"]["targets"][0] = {"target": "admission.k8s.gatekeeper.sh", "rego": "package x"}
    return found


def two_targets() -> dict[str, Any]:
    found = template()
    found["spec"]["targets"] *= 2
    return found


NOT_IMPORTED: dict[str, tuple[dict[str, Any], str]] = {
    "rego": ({"given": rego()}, "is written in Rego; only code of the engine K8sNativeValidation, which is CEL, can be evaluated here"),
    "targets": ({"given": two_targets()}, "must have exactly one target"),
    "no template": ({"given": pod("x")}, "is no ConstraintTemplate of templates.gatekeeper.sh"),
    "a key of the source": ({"given": template(validation=[])}, "unknown key; did you mean 'validations'?"),
    "no validations": ({"given": template(validations=[])}, "has no validations"),
    "a reserved name": ({"given": template(variables=[{"name": "params", "expression": "1"}])}, "the name 'params' is reserved by Gatekeeper"),
    "a reserved prefix": ({"given": template(matchCondition=[{"name": "gatekeeper_internal_x", "expression": "true"}])}, "is reserved by Gatekeeper"),
    "another kind": ({"bound": {**constraint(), "kind": "Other"}}, "is no constraint of the template needlabels, whose kind is NeedLabels"),
    "scoped": ({"bound": constraint(enforcementAction="scoped")}, "enforcementAction 'scoped' is not understood; there are deny, warn, dryrun"),
    "generated": ({"bound": constraint(match={"source": "Generated"})}, "is about generated objects"),
    "a key of match": ({"bound": constraint(match={"namespace": ["x"]})}, "unknown key; did you mean 'namespaces'?"),
    "invalid": ({"test": {"invalid": True, "cases": None}}, "tests the schema of the template"),
    "expansion": ({"test": {"expansion": "x.yaml"}}, "objects are not expanded by an ExpansionTemplate here"),
    "no cases": ({"test": {"cases": []}}, "has no cases"),
    "absolute": ({"test": {"template": "/template.yaml"}}, "is absolute: paths begin at the folder of the suite"),
    "no file": ({"test": {"constraint": "x.yaml"}}, "there is no file 'x.yaml'"),
    "a key": ({"test": {"constrain": "x.yaml"}}, "unknown key; did you mean 'constraint'?"),
}


@pytest.mark.parametrize(("arguments", "message"), NOT_IMPORTED.values(), ids=list(NOT_IMPORTED))
def test_what_cannot_be_imported_is_told_with_its_line(tmp_path: Path, arguments: dict[str, Any], message: str) -> None:
    path = suite(tmp_path, case("bad", NO), **arguments)
    report = run(path)
    assert not report.results
    (error,) = report.errors
    assert message in str(error)
    assert (error.path, bool(error.line)) == (str(path), True)


ASSERTIONS: dict[str, tuple[list[dict[str, Any]], str]] = {
    "a word": ([{"violations": "maybe"}], "must be yes, no or a number, not 'maybe'"),
    "a number below": ([{"violations": -1}], "must be yes, no or a number, not -1"),
    "an expression": ([{"message": "("}], "is no RE2 expression: missing ): ("),
    "look-ahead": ([{"message": "(?=x)"}], "is no RE2 expression"),
    "two counts": ([{"violations": 1}, {"violations": 2}], "cannot hold together with an assertion above"),
    "none and some": ([{"violations": "no"}, {"violations": "yes", "message": "x"}], "there are no violations, and there are some"),
    "a key": ([{"violation": 1}], "unknown key; did you mean 'violations'?"),
}


@pytest.mark.parametrize(("assertions", "message"), ASSERTIONS.values(), ids=list(ASSERTIONS))
def test_assertions_that_cannot_be(tmp_path: Path, assertions: list[dict[str, Any]], message: str) -> None:
    (told,) = problems(suite(tmp_path, case("bad", *assertions)))
    assert message in told
    assert told.startswith("suite.yaml:")


def test_the_object_of_a_case_is_one(tmp_path: Path) -> None:
    write(tmp_path, two=[pod("a"), pod("b")])
    assert "two.yaml holds 2 objects; one is needed" in problems(suite(tmp_path, case("two", NO)))[0]


def test_one_test_that_is_not_imported_leaves_the_others(tmp_path: Path) -> None:
    one = {"template": "template.yaml", "constraint": "constraint.yaml"}
    write(tmp_path, rego=rego())
    path = suite(
        tmp_path, tests=[{"name": "one", **one, "cases": [case("bad", YES)]}, {"name": "two", **one, "template": "rego.yaml", "cases": [case("bad", NO)]}]
    )
    report = run(path)
    assert [one.outcome for one in report.results] == ["passed"]
    (error,) = report.errors
    assert "the test 'two' is not imported: " in error.message

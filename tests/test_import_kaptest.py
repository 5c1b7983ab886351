"""kaptest suites: both versions, the spellings of README and code, and what its runner does not look at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from importing import OX, OXEN, binding, check_round_trip, deployment, outcomes, problems, run, vap, write

LIMIT = vap("limit", "object.spec.replicas <= 5", validations=[{"expression": "object.spec.replicas <= 5", "message": "at most five"}])
OBJECTS = [deployment("few", 2), deployment("many", 9), deployment("many", 8, namespace="shop")]


def ref(name: str, **rest: str) -> dict[str, str]:
    return {"kind": "Deployment", "name": name, **rest}


def suite(folder: Path, *tests: dict[str, Any], policy: str = "limit", policies: list[Any] | None = None, objects: list[Any] | None = None, **top: Any) -> Path:
    write(folder, policy=policies or [LIMIT], resources=objects or OBJECTS)
    value = {
        "version": "v1alpha1",
        "policies": ["policy.yaml"],
        "resources": ["resources.yaml"],
        "vapTestSuites": [{"policy": policy, "tests": [*tests]}],
        **top,
    }
    write(folder, kaptest={key: one for key, one in value.items() if one is not None})
    return folder / "kaptest.yaml"


FEW = {"object": ref("few"), "expect": "admit"}


def test_rows_are_cases(tmp_path: Path) -> None:
    path = suite(
        tmp_path,
        FEW,
        {"object": ref("many", namespace="shop"), "expect": "deny", "deniedMessage": "at most"},
        {"object": ref("few"), "oldObject": ref("many", namespace="shop"), "expect": "admit"},
        {"object": ref("few"), "expect": "deny"},
        {"object": ref("many", namespace="shop"), "expect": "deny", "deniedMessage": "at most six"},
    )
    assert outcomes(path) == {
        "CREATE Deployment few": "passed",
        "CREATE Deployment shop/many": "passed",
        "UPDATE Deployment shop/many -> few": "passed",
        "CREATE Deployment few (2)": "failed",
        "CREATE Deployment shop/many (2)": "failed",
    }
    failed = run(path).failures[1]
    assert (failed.line, failed.problems) == (yaml_line(path, "at most six") - 5, ("no message holds 'at most six'",))
    check_round_trip(path, tmp_path / "out")


def yaml_line(path: Path, text: str) -> int:
    return next(number for number, line in enumerate(path.read_text().splitlines(), 1) if text in line)


def test_version_0_1_and_the_spellings_of_its_readme(tmp_path: Path) -> None:
    policy = vap(
        "limit",
        "object.spec.replicas <= int(params.data.limit) || request.userInfo.username == 'ada'",
        paramKind={"apiVersion": "v1", "kind": "ConfigMap"},
    )
    limits = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "limits", "namespace": "elsewhere"}, "data": {"limit": "5"}}
    tests = [
        {"object": ref("few"), "params": {"name": "limits"}, "userInfo": {"user": "bob"}, "expect": "allow"},
        {"object": ref("many"), "param": {"namespace": "elsewhere", "name": "limits"}, "userInfo": {"name": "bob", "groups": ["g"]}, "expect": "deny"},
        {"object": ref("many"), "params": {"name": "limits"}, "userInfo": {"user": "ada"}, "expect": "admit"},
    ]
    write(tmp_path, policy=[policy], resources=[*OBJECTS[:2], limits])
    value = {"validatingAdmissionPolicies": ["policy.yaml"], "resources": ["resources.yaml"], "testSuites": [{"policy": "limit", "tests": tests}]}
    write(tmp_path, anything=value)
    path = tmp_path / "anything.yaml"
    assert set(outcomes(path).values()) == {"passed"}
    assert len(outcomes(path)) == 3
    check_round_trip(path, tmp_path / "out")


def test_what_the_policy_is_not_about_is_vacuous(tmp_path: Path) -> None:
    """kaptest evaluates the expressions whatever the request: deployments of the core group exist nowhere."""
    path = suite(
        tmp_path,
        FEW,
        {"object": ref("many", namespace="shop"), "expect": "deny"},
        {"object": ref("few"), "expect": "deny"},
        {"object": ref("few"), "expect": "skip"},
        policies=[vap("limit", "object.spec.replicas <= 5", resource="deployments")],
    )
    assert outcomes(path) == {
        "CREATE Deployment few": "vacuous",
        "CREATE Deployment shop/many": "vacuous",
        "CREATE Deployment few (2)": "failed",  # kaptest finds that, too
        "CREATE Deployment few (3)": "passed",
    }
    assert run(path).results[0].problems[0] == (
        "vacuous: kaptest calls this passed (allow is expected), but nothing asks the policy: no resourceRule matches CREATE of deployments in apps/v1"
    )
    check_round_trip(path, tmp_path / "out")


@pytest.mark.parametrize(
    ("spec", "rest"),
    [
        ({"operations": ("DELETE",)}, {}),
        ({"matchConstraints": {"resourceRules": [{"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["pods"]}]}}, {}),
        ({}, {"matchResources": {"namespaceSelector": {"matchLabels": {"env": "prod"}}}}),
        ({}, {"matchResources": {"objectSelector": {"matchLabels": {"env": "prod"}}}}),
    ],
)
def test_operations_selectors_and_bindings_count(tmp_path: Path, spec: dict[str, Any], rest: dict[str, Any]) -> None:
    bound = [binding("limit", "Deny", **rest)] if rest else []
    path = suite(
        tmp_path, FEW, {"object": ref("many", namespace="shop"), "expect": "deny"}, policies=[vap("limit", "object.spec.replicas <= 5", **spec), *bound]
    )
    assert set(outcomes(path).values()) == {"vacuous"}


def test_namespaces_are_those_of_the_resources(tmp_path: Path) -> None:
    """kaptest makes up a Namespace without labels where none is given, and gives its labels to the expressions where one is."""
    policy = vap("limit", "has(namespaceObject.metadata.labels) && 'env' in namespaceObject.metadata.labels")
    namespaces = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"env": "prod"}}} for name in ("shop", "default")]
    objects = [deployment("one", namespace="shop"), deployment("two", namespace="bare"), deployment("three"), *namespaces]
    tests = [{"object": ref(name), "expect": expect} for name, expect in (("one", "admit"), ("two", "deny"), ("three", "admit"))]
    path = suite(tmp_path, *tests, policies=[policy], objects=objects)
    assert set(outcomes(path).values()) == {"passed"}
    check_round_trip(path, tmp_path / "out")


@pytest.mark.parametrize("action", ["Deny", "Warn", "Audit"])
def test_deny_is_a_validation_that_is_false(tmp_path: Path, action: str) -> None:
    path = suite(tmp_path, FEW, {"object": ref("many", namespace="shop"), "expect": "deny"}, policies=[LIMIT, binding("limit", action)])
    assert set(outcomes(path).values()) == {"passed"}
    check_round_trip(path, tmp_path / "out")
    assert f"expect: {action.lower()}" in (tmp_path / "out" / "limit.test.yaml").read_text()


def test_the_failure_policy_plays_no_part_and_an_error_is_stronger_than_a_denial(tmp_path: Path) -> None:
    policy = vap("limit", "object.spec.replicas <= 5", "object.spec.absent == 1", failurePolicy="Ignore")
    path = suite(tmp_path, {"object": ref("many", namespace="shop"), "expect": "error"}, {"object": ref("few"), "expect": "deny"}, policies=[policy])
    assert list(outcomes(path).values()) == ["passed", "failed"]


def test_a_match_condition_that_is_false_is_a_skip(tmp_path: Path) -> None:
    policy = vap("limit", "object.spec.replicas <= 5", matchConditions=[{"name": "few", "expression": "object.spec.replicas < 9"}])
    path = suite(
        tmp_path,
        FEW,
        {"object": ref("many", namespace="shop"), "expect": "deny"},
        {"object": ref("nine"), "expect": "skip"},
        {"object": ref("nine"), "expect": "admit"},
        policies=[policy],
        objects=[*OBJECTS, deployment("nine", 9)],
    )
    assert list(outcomes(path).values()) == ["passed", "passed", "passed", "failed"]
    check_round_trip(path, tmp_path / "out")


def test_a_dry_run_is_what_kaptest_asks(tmp_path: Path) -> None:
    path = suite(tmp_path, FEW, {"object": ref("few"), "expect": "deny"}, policies=[vap("limit", "request.dryRun")])
    assert list(outcomes(path).values()) == ["passed", "failed"]
    check_round_trip(path, tmp_path / "out")
    assert "dryRun: true" in (tmp_path / "out" / "limit.test.yaml").read_text()


def test_its_authorizer_that_allows_everything_is_not_copied(tmp_path: Path) -> None:
    """A stub there; here nobody said who may do what."""
    policy = vap("limit", "authorizer.group('apps').resource('deployments').check('create').allowed()")
    path = suite(tmp_path, FEW, {"object": ref("few"), "expect": "deny"}, policies=[policy])
    assert list(outcomes(path).values()) == ["failed", "failed"]
    assert run(path).results[0].problems == ("expected allow, got unknown",)


def test_a_deletion_has_an_old_object_alone(tmp_path: Path) -> None:
    policy = vap("limit", "oldObject.spec.replicas > 5", operations=("DELETE",))
    path = suite(tmp_path, {"oldObject": ref("few"), "expect": "deny"}, {"oldObject": ref("many", namespace="shop"), "expect": "admit"}, policies=[policy])
    assert outcomes(path) == {"DELETE Deployment few": "passed", "DELETE Deployment shop/many": "passed"}
    check_round_trip(path, tmp_path / "out")


def test_definitions_of_custom_resources(tmp_path: Path) -> None:
    """They tell how a kind is called in rules, and that it is in no namespace; addresses serve kaptest for its own checks."""
    policy = vap("limit", "object.spec.kilos < 500 && !has(object.metadata.namespace)", resource="example.com/oxen")
    tests = [{"object": {"kind": "Ox", "name": "heavy"}, "expect": "deny"}]
    path = suite(tmp_path, *tests, policies=[policy], objects=[OX], crds=["https://example.com/crd.yaml"], schemaLocations=["x"], skipSchemaValidation=True)
    assert list(outcomes(path).values()) == ["vacuous"]
    write(tmp_path, crd=OXEN)
    path = suite(tmp_path, *tests, policies=[policy], objects=[OX], crds=["crd.yaml"])
    assert list(outcomes(path).values()) == ["passed"]
    check_round_trip(path, tmp_path / "out")


def test_a_binding_asks_for_its_parameter_by_another_name(tmp_path: Path) -> None:
    policy = vap("limit", "object.spec.replicas <= int(params.data.limit)", paramKind={"apiVersion": "v1", "kind": "ConfigMap"})
    bound = binding("limit", "Deny", paramRef={"name": "real", "namespace": "config", "parameterNotFoundAction": "Deny"})
    objects = [*OBJECTS, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "tried"}, "data": {"limit": "5"}}]
    tests = [{**FEW, "param": {"name": "tried"}}, {"object": ref("many", namespace="shop"), "param": {"name": "tried"}, "expect": "deny"}]
    path = suite(tmp_path, *tests, policies=[policy, bound], objects=objects)
    assert set(outcomes(path).values()) == {"passed"}
    check_round_trip(path, tmp_path / "out")


MANY = {"object": ref("many", namespace="shop"), "expect": "deny"}
WRONG: list[tuple[str, dict[str, Any], list[dict[str, Any]], str]] = [
    ("an outcome", {}, [{"object": ref("few"), "expect": "admitted"}], "is not one of admit, allow, deny, skip, error; did you mean 'admit'?"),
    ("no outcome", {}, [{"object": ref("few")}], "the key 'expect' is missing"),
    ("a key", {}, [{**FEW, "parm": {"name": "x"}}], "unknown key; did you mean 'param'?"),
    ("no object", {}, [{"expect": "admit"}], "names neither an object nor an oldObject"),
    ("a name", {}, [{"object": ref("fw"), "expect": "admit"}], "there is no Deployment fw in the files of `resources`; did you mean 'few'?"),
    # kaptest takes the row for a deletion of the old object.
    ("one of two", {}, [{"object": ref("fw"), "oldObject": ref("few"), "expect": "admit"}], "there is no Deployment fw"),
    ("several objects", {}, [{"object": ref("many"), "expect": "admit"}], "there are several objects Deployment many, in "),
    ("a kind", {}, [{"object": {"kind": "Deploy", "name": "few"}, "expect": "admit"}], "there is no Deploy few"),
    ("a group", {}, [{"object": ref("few", group="batch"), "expect": "admit"}], "there is no Deployment few"),
    ("a version", {}, [{"object": ref("few", version="v1beta1"), "expect": "admit"}], "there is no Deployment few"),
    ("a param", {}, [{**FEW, "param": {"name": "x"}}], "the policy 'limit' takes no parameters: it has no paramKind"),
    ("two spellings", {}, [{**FEW, "param": {"name": "x"}, "params": {"name": "x"}}], "the row has a param; give one of them"),
    ("two users", {}, [{**FEW, "userInfo": {"name": "x", "user": "x"}}], "the row has a name; give one of them"),
    ("a message", {}, [{**FEW, "deniedMessage": "x"}], "is what a row with `expect: deny` says"),
    ("a policy", {"policy": "limits"}, [FEW], "there is no ValidatingAdmissionPolicy 'limits' in these files; did you mean 'limit'?"),
    ("no tests", {}, [], "must not be empty"),
    ("no suites", {"vapTestSuites": []}, [], "vapTestSuites: must not be empty"),
    ("no resources", {"resources": []}, [FEW], "resources: must not be empty"),
    ("no policies", {"policies": None, "validatingAdmissionPolicies": []}, [FEW], "must not be empty"),
    ("a file", {"resources": ["resource.yaml"]}, [FEW], "there is no file 'resource.yaml': paths begin at the folder of the suite"),
    ("an address", {"resources": ["https://example.com/x.yaml"]}, [FEW], "is fetched from the network"),
    ("two versions", {"validatingAdmissionPolicies": ["policy.yaml"]}, [FEW], "is what v0.1 calls policies; give one of them"),
    ("a version of the format", {"version": "v1beta1"}, [FEW], "'v1beta1' is not one of v1alpha1"),
]


@pytest.mark.parametrize(("top", "tests", "message"), [one[1:] for one in WRONG], ids=[one[0] for one in WRONG])
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, top: dict[str, Any], tests: list[dict[str, Any]], message: str) -> None:
    files = {key: top.pop(key) for key in ("policies",) if key in top}
    path = suite(tmp_path, *tests, **top)
    if files:
        value = yaml.safe_load(path.read_text())
        del value["policies"]
        write(tmp_path, kaptest=value)
    report = run(path)
    assert not report.results
    assert any(message in str(one) for one in report.errors), report.errors
    assert all(one.path == str(path) and one.line for one in report.errors)


def test_a_row_that_is_wrong_leaves_the_others(tmp_path: Path) -> None:
    path = suite(tmp_path, FEW, {"object": ref("fw"), "expect": "admit"}, MANY, policies=None)
    report = run(path)
    assert [one.outcome for one in report.results] == ["passed", "passed"]
    assert len(report.errors) == 1


def test_mutations_are_an_error_beside_what_can_be_run(tmp_path: Path) -> None:
    mutating = [{"policy": "m", "tests": [{"object": ref("few"), "expect": "mutate", "expectObject": ref("many")}]}]
    path = suite(tmp_path, FEW, mapTestSuites=mutating)
    assert problems(path) == [
        f"kaptest.yaml:{yaml_line(path, 'mapTestSuites') + 1}:3: mapTestSuites[0]: tests a MutatingAdmissionPolicy; "
        "what is evaluated here is a ValidatingAdmissionPolicy"
    ]
    assert [one.outcome for one in run(path).results] == ["passed"]


def test_a_parameter_must_be_named(tmp_path: Path) -> None:
    path = suite(tmp_path, FEW, policies=[vap("limit", "params != null", paramKind={"apiVersion": "v1", "kind": "ConfigMap"})])
    assert "takes parameters: name the ConfigMap as `param`" in problems(path)[0]


def test_several_policies_of_one_file_become_suites_of_their_own(tmp_path: Path) -> None:
    other = vap("other", "object.metadata.name != 'many'")
    suites = [{"policy": name, "tests": [{"object": ref("few"), "expect": "admit"}, MANY]} for name in ("limit", "other")]
    path = suite(tmp_path, policies=[LIMIT, other, vap("third", "true")], vapTestSuites=suites)
    assert list(outcomes(path)) == [f"{name}: CREATE Deployment {one}" for name in ("limit", "other") for one in ("few", "shop/many")]
    check_round_trip(path, tmp_path / "out")
    assert sorted(one.name for one in (tmp_path / "out").iterdir()) == ["limit.test.yaml", "other.test.yaml"]

"""kyverno-test.yaml: ValidatingAdmissionPolicies, ValidatingPolicies of native CEL with autogen, and rows that Kyverno passes as excluded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hostprocess import api
from importing import OX, OXEN, binding, check_round_trip, deployment, outcomes, pod, problems, run, vap, write

LIMIT = vap("limit", "object.spec.replicas <= 5")
OBJECTS = [deployment("few", 2), deployment("many", 9), deployment("stray", 9, namespace="shop")]
CONTROLLERS = {"DaemonSet": "apps/v1", "Deployment": "apps/v1", "ReplicaSet": "apps/v1", "StatefulSet": "apps/v1", "Job": "batch/v1"}


def row(result: str, *resources: str, policy: str = "limit", **rest: Any) -> dict[str, Any]:
    return {"policy": policy, "isValidatingAdmissionPolicy": True, "resources": [*resources], "result": result, **rest}


def suite(folder: Path, *rows: dict[str, Any], given: list[Any] | None = None, objects: list[Any] | None = None, **top: Any) -> Path:
    write(folder, policy=given or [LIMIT], resources=OBJECTS if objects is None else objects)
    head = {"apiVersion": "cli.kyverno.io/v1alpha1", "kind": "Test", "metadata": {"name": "t"}}
    write(folder, **{"kyverno-test": {**head, "policies": ["policy.yaml"], "resources": ["resources.yaml"], "results": [*rows], **top}})
    return folder / "kyverno-test.yaml"


def vpol(name: str = "privileged", **spec: Any) -> dict[str, Any]:
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["pods"]}
    body = {
        "validationActions": ["Audit"],
        "evaluation": {"background": {"enabled": True}},
        "matchConstraints": {"resourceRules": [rule]},
        "variables": [{"name": "all", "expression": "object.spec.containers + object.spec.?initContainers.orValue([])"}],
        "validations": [
            {"expression": "variables.all.all(c, c.?securityContext.?privileged.orValue(false) == false)", "message": "two\nlines\n", "identifier": "a"}
        ],
        **spec,
    }
    return {
        "apiVersion": "policies.kyverno.io/v1",
        "kind": "ValidatingPolicy",
        "metadata": {"name": name},
        "spec": {key: one for key, one in body.items() if one is not None},
    }


def of_policy(result: str, *resources: str, policy: str = "privileged", **rest: Any) -> dict[str, Any]:
    return {"policy": policy, "isValidatingPolicy": True, "resources": [*resources], "result": result, **rest}


def workload(kind: str, name: str, privileged: bool, **metadata: Any) -> dict[str, Any]:
    template = {"spec": pod("", privileged)["spec"]}
    if kind == "CronJob":
        return {"apiVersion": "batch/v1", "kind": kind, "metadata": {"name": name, **metadata}, "spec": {"jobTemplate": {"spec": {"template": template}}}}
    return {"apiVersion": CONTROLLERS[kind], "kind": kind, "metadata": {"name": name, **metadata}, "spec": {"template": template}}


def test_rows_are_cases_of_each_resource(tmp_path: Path) -> None:
    path = suite(tmp_path, row("pass", "few"), row("fail", "default/many", "shop/stray"), row("pass", "stray"))
    assert outcomes(path) == {
        "limit: Deployment few": "passed",
        "limit: Deployment many": "passed",
        "limit: Deployment shop/stray": "passed",
        "limit: Deployment shop/stray (2)": "failed",
    }
    check_round_trip(path, tmp_path / "out")


def test_a_policy_that_matches_nothing_passes_no_row(tmp_path: Path) -> None:
    """Kyverno finds no answer, says Excluded, and passes the rows whatever they declare."""
    path = suite(tmp_path, row("pass", "few"), row("fail", "many"), row("skip", "few"), given=[vap("limit", "false", resource="pods")])
    assert list(outcomes(path).values()) == ["vacuous", "vacuous", "passed"]
    assert "kyverno calls this passed (allow is expected), but nothing asks the policy: no resourceRule matches" in run(path).results[0].problems[0]
    check_round_trip(path, tmp_path / "out")


def test_a_binding_must_match_where_there_is_one(tmp_path: Path) -> None:
    selector = {"namespaceSelector": {"matchLabels": {"env": "prod"}}}
    bound = binding("limit", "Audit", matchResources=selector)
    values = {"namespaceSelector": [{"name": "shop", "labels": {"env": "prod"}}]}
    path = suite(tmp_path, row("fail", "stray"), row("fail", "many"), row("skip", "many"), given=[LIMIT, bound], values=values)
    assert list(outcomes(path).values()) == ["passed", "vacuous", "passed"]
    check_round_trip(path, tmp_path / "out")


def test_without_a_binding_a_policy_is_bound_everywhere(tmp_path: Path) -> None:
    other = vap("other", "object.spec.replicas < 9")
    path = suite(tmp_path, row("fail", "many"), row("fail", "stray", policy="other"), given=[LIMIT, other, binding("other", "Warn")])
    assert set(outcomes(path).values()) == {"passed"}
    check_round_trip(path, tmp_path / "out")


def test_a_match_condition_is_an_answer_of_an_admission_policy_and_none_of_a_validating_policy(tmp_path: Path) -> None:
    conditions = [{"name": "not-many", "expression": "object.metadata.name != 'many'"}]
    path = suite(tmp_path, row("fail", "many"), row("skip", "many"), given=[vap("limit", "false", matchConditions=conditions)])
    assert list(outcomes(path).values()) == ["failed", "passed"]
    policy = vpol(matchConditions=conditions)
    path = suite(tmp_path, of_policy("fail", "many"), of_policy("skip", "many"), given=[policy], objects=[pod("many", True)])
    assert list(outcomes(path).values()) == ["vacuous", "passed"]


def test_names_that_nothing_has_are_errors(tmp_path: Path) -> None:
    """Kyverno takes all resources if it finds none of those that a row names."""
    path = suite(tmp_path, row("fail", "mny", "many"), row("fail", "shop/many"))
    assert [one.outcome for one in run(path).results] == ["passed"]
    assert [one.split(": ", 1)[1] for one in problems(path)] == [
        "results[0].resources[0]: there is no object 'mny' in the files of `resources`; did you mean 'many'?",
        "results[1].resources[0]: there is no object 'shop/many' in the files of `resources`; of this name there is Deployment many",
    ]
    assert all(one.startswith("kyverno-test.yaml:") for one in problems(path))


def test_two_kinds_of_one_name_are_two_cases_unless_the_row_says_which(tmp_path: Path) -> None:
    """Kyverno has not always looked at the kind of a row."""
    objects = [deployment("few"), pod("few"), pod("one")]
    path = suite(tmp_path, row("skip", "few"), row("pass", "few", kind="Deployment"), objects=objects)
    assert outcomes(path) == {"limit: Deployment few": "failed", "limit: Pod few": "passed", "limit: Deployment few (2)": "passed"}
    path = suite(tmp_path, row("skip", "few", "one", kind="Service"), row("skip", kind="Deployment"), row("skip", kind="Pod"), objects=objects)
    assert [one.split(": ", 2)[2] for one in problems(path)] == [
        "there is no Service 'few' in the files of `resources`; of this name there is Deployment few and Pod few",
        "there is no Service 'one' in the files of `resources`; of this name there is Pod one",
    ]
    assert [one.name for one in run(path).results] == ["limit: Deployment few", "limit: Pod few", "limit: Pod one"]


def test_resources_by_what_they_are(tmp_path: Path) -> None:
    given = row("fail", resourceSpecs=[{"group": "apps", "version": "v1", "kind": "Deployment", "namespace": "default", "name": "many"}, {"namespace": "shop"}])
    del given["resources"]
    path = suite(tmp_path, given, {key: one for key, one in row("pass").items() if key != "resources"})
    assert list(outcomes(path)) == [f"limit: Deployment {name}" for name in ("many", "shop/stray", "few", "many (2)", "shop/stray (2)")]


def test_a_subresource(tmp_path: Path) -> None:
    policy = vap("limit", "request.subResource == 'status'", resource="apps/deployments/status")
    policy["spec"]["matchConstraints"]["resourceRules"][0].update(apiGroups=["apps"], resources=["deployments/status"])
    specs = [{"kind": "Deployment", "name": "few", "subresource": "status"}]
    given = {key: one for key, one in row("pass", resourceSpecs=specs, operation="UPDATE").items() if key != "resources"}
    path = suite(tmp_path, given, row("pass", "few"), given=[policy])
    assert outcomes(path) == {"limit: UPDATE Deployment few/status": "passed", "limit: Deployment few": "vacuous"}
    check_round_trip(path, tmp_path / "out")


def test_an_update_has_the_object_as_the_stored_one_unless_that_is_given(tmp_path: Path) -> None:
    """So no real transition can be stated with `resources` alone: what changes nothing passes."""
    policy = vap("limit", "object.spec.replicas == oldObject.spec.replicas")
    path = suite(tmp_path, row("pass", "few", operation="UPDATE"), row("fail", "many", operation="UPDATE"), given=[policy])
    assert list(outcomes(path).values()) == ["passed", "failed"]
    write(tmp_path, old=[deployment("many", 1)])
    path = suite(tmp_path, row("pass", "few", resourceOperation="UPDATE"), row("fail", "many", operation="UPDATE"), given=[policy], oldResources=["old.yaml"])
    assert list(outcomes(path).values()) == ["passed", "passed"]
    check_round_trip(path, tmp_path / "out")


@pytest.mark.parametrize(
    "values",
    [
        {"globalValues": {"request.operation": "DELETE"}},
        {"policies": [{"name": "limit", "resources": [{"name": "many", "values": {"request.operation": "delete", "own": "x"}}]}]},
    ],
)
@pytest.mark.parametrize("inline", [True, False])
def test_the_operation_of_the_values(tmp_path: Path, values: dict[str, Any], inline: bool) -> None:
    policy = vap("limit", "object == null && oldObject.spec.replicas > 5", operations=("DELETE",))
    write(tmp_path, values={"apiVersion": "cli.kyverno.io/v1alpha1", "kind": "Values" if "policies" in values else "Value", **values})
    path = suite(tmp_path, row("pass", "many"), given=[policy], **({"values": values} if inline else {"variables": "values.yaml"}))
    assert outcomes(path) == {"limit: DELETE Deployment many": "passed"}
    check_round_trip(path, tmp_path / "out")


def test_namespaces_users_parameters_and_objects_of_the_cluster(tmp_path: Path) -> None:
    policy = vap(
        "limit",
        "object.spec.replicas <= int(params.data.limit)",
        "request.userInfo.username == 'ada' && 'dev' in request.userInfo.groups",
        "namespaceObject.metadata.labels['env'] == 'prod'",
        paramKind={"apiVersion": "v1", "kind": "ConfigMap"},
    )
    bound = binding("limit", "Deny", paramRef={"name": "limits", "namespace": "config", "parameterNotFoundAction": "Deny"})
    limits = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "limits", "namespace": "config"}, "data": {"limit": "9"}}
    namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "labels": {"env": "prod"}}}
    write(
        tmp_path,
        limits=limits,
        user={"apiVersion": "cli.kyverno.io/v1alpha1", "kind": "UserInfo", "userInfo": {"username": "ada", "groups": ["dev"]}, "clusterRoles": ["x"]},
        cluster={"apiVersion": "cli.kyverno.io/v1alpha1", "kind": "ClusterResource", "spec": {"resources": [namespace]}},
    )
    more = {"paramResources": ["limits.yaml"], "userinfo": "user.yaml", "clusterResources": ["cluster.yaml"]}
    path = suite(tmp_path, row("pass", "stray"), row("error", "many"), given=[policy, bound], **more)
    assert list(outcomes(path).values()) == ["passed", "passed"]  # `default` has no label env: that is an error of the expression
    check_round_trip(path, tmp_path / "out")
    path = suite(tmp_path, row("pass", "stray"), given=[policy, bound], **{**more, "userinfo": None})
    assert list(outcomes(path).values()) == ["failed"]


def test_definitions_of_custom_resources(tmp_path: Path) -> None:
    policy = vap("limit", "object.spec.kilos < 500", resource="example.com/oxen")
    assert list(outcomes(suite(tmp_path, row("fail", "heavy"), given=[policy], objects=[OX])).values()) == ["vacuous"]
    write(tmp_path, crds__ox=OXEN, cluster={"apiVersion": "cli.kyverno.io/v1alpha1", "kind": "ClusterResource", "spec": {"crds": ["crds/ox.yaml"]}})
    path = suite(tmp_path, row("fail", "heavy"), given=[policy], objects=[OX], clusterResources=["cluster.yaml"])
    assert list(outcomes(path).values()) == ["passed"]
    check_round_trip(path, tmp_path / "out")


def test_the_deprecated_spellings(tmp_path: Path) -> None:
    """Files of old have neither apiVersion nor kind; a row has one resource and a status."""
    write(tmp_path, policy=[LIMIT], resources=OBJECTS)
    rows = [{"policy": "limit", "rule": "x", "resource": "many", "kind": "Deployment", "status": "fail"}]
    write(tmp_path, **{"kyverno-test": {"name": "t", "policies": ["policy.yaml"], "resources": ["resources.yaml"], "results": rows}})
    assert outcomes(tmp_path / "kyverno-test.yaml") == {"limit: Deployment many": "passed"}


# ValidatingPolicy.


@pytest.mark.parametrize("kind", [*CONTROLLERS, "CronJob"])
def test_autogen_expands_a_policy_about_pods(tmp_path: Path, kind: str) -> None:
    objects = [pod("bad", True), pod("good"), workload(kind, "worse", True), workload(kind, "better", False)]
    path = suite(
        tmp_path, of_policy("fail", "worse", kind=kind), of_policy("fail", "bad"), of_policy("pass", "good", "better"), given=[vpol()], objects=objects
    )
    assert set(outcomes(path).values()) == {"passed"}
    check_round_trip(path, tmp_path / "out")
    made = "autogen-cronjobs" if kind == "CronJob" else "autogen-defaults"
    assert {one.name for one in (tmp_path / "out").iterdir()} == {
        f"{name}.{suffix}.yaml" for name in ("privileged", f"{made}-privileged") for suffix in ("test", "policy")
    }


def test_the_line_of_a_validation_is_that_of_the_policy_file(tmp_path: Path) -> None:
    path = suite(tmp_path, of_policy("pass", "worse"), given=[vpol()], objects=[workload("CronJob", "worse", True)])
    (failed,) = run(path).results
    line = next(number for number, text in enumerate((tmp_path / "policy.yaml").read_text().splitlines(), 1) if "expression: variables.all" in text)
    assert f"policy.yaml:{line}: validations[0]" in failed.text
    assert "two lines" in failed.text


def test_autogen_leaves_what_names_the_object_itself(tmp_path: Path) -> None:
    """A pod template has neither name nor namespace: rewriting them has denied Deployments."""
    expression = (
        "object.metadata.namespace == 'shop' && object.metadata.name.startsWith('w') && object.kind != 'Pod' && object.metadata.?labels.orValue({}) == {}"
        " && 'object.spec.x' == \"object.spec.x\" && object.spec.?hostNetwork.orValue(true) && object.?spec.?restartPolicy.orValue('Never') == 'Never'"
    )
    policy = vpol(validations=[{"expression": expression, "messageExpression": "'in ' + object.metadata.namespace"}])
    objects = [workload("Deployment", "worse", True, namespace="shop", labels={"of": "the workload"})]
    objects[0]["spec"]["template"]["metadata"] = {"labels": {}}
    path = suite(tmp_path, of_policy("pass", "worse"), given=[policy], objects=objects)
    assert set(outcomes(path).values()) == {"passed"}


@pytest.mark.parametrize(
    "match",
    [
        {"namespaceSelector": {"matchLabels": {"a": "b"}}},
        {"objectSelector": {"matchExpressions": [{"key": "a", "operator": "Exists"}]}},
        {"excludeResourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["services"]}]},
        {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods", "services"]}]},
        {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"], "resourceNames": ["bad"]}]},
    ],
)
def test_a_policy_that_selects_is_not_expanded(tmp_path: Path, match: dict[str, Any]) -> None:
    policy = vpol()
    policy["spec"]["matchConstraints"].update(match)
    path = suite(tmp_path, of_policy("fail", "worse"), given=[policy], objects=[workload("Deployment", "worse", True)])
    assert set(outcomes(path).values()) == {"vacuous"}


def test_the_controllers_that_a_policy_names(tmp_path: Path) -> None:
    objects = [workload("Deployment", "worse", True), workload("Job", "bad", True)]
    for controllers, expected in ((["jobs"], ["vacuous", "passed"]), ([], ["vacuous", "vacuous"]), (None, ["passed", "passed"])):
        policy = vpol(autogen={"podControllers": {"controllers": controllers}})
        path = suite(tmp_path, of_policy("fail", "worse", "bad"), given=[policy], objects=objects)
        assert list(outcomes(path).values()) == expected
    # Kyverno passes over names that it does not know.
    path = suite(tmp_path, of_policy("fail", "bad"), given=[vpol(autogen={"podControllers": {"controllers": ["job"]}})], objects=objects)
    assert "autogen: there are no controllers 'job'; did you mean 'jobs'?" in problems(path)[0]


OWN = {
    "resource": ("resource.Get('v1', 'configmaps', 'a', 'b').data.x == 'y'", "resource.Get()"),
    "http": ("http.Get('https://example.com').ok", "http.Get()"),
    "image": ("image('a').registry() == 'b'", "image()"),
    "images": ("images.containers.all(i, true)", "images"),
    "global context": ("globalContext.Get('a', '') == 1", "globalContext.Get()"),
    "account": ("parseServiceAccount(request.userInfo.username).Name == 'x'", "parseServiceAccount()"),
}


@pytest.mark.parametrize(("expression", "name"), OWN.values(), ids=list(OWN))
def test_libraries_of_kyverno_are_refused_with_their_line(tmp_path: Path, expression: str, name: str) -> None:
    policies = [vpol(), vpol("own", variables=[{"name": "a", "expression": "1"}, {"name": "b", "expression": expression}])]
    rows = [of_policy("pass", "good"), of_policy("pass", "good", policy="own"), of_policy("fail", "good", policy="own")]
    path = suite(tmp_path, *rows, given=policies, objects=[pod("good")])
    line = next(number for number, text in enumerate((tmp_path / "policy.yaml").read_text().splitlines(), 1) if text.endswith("name: b")) + 1
    (told,) = problems(path)
    assert "results[1].policy: the rows of 'own' are not imported (2 rows): " in told
    assert told.endswith(f"policy.yaml:{line}: the ValidatingPolicy 'own' is not imported: {name} is of Kyverno's own CEL libraries; "
                         "only native CEL can be evaluated here")  # fmt: skip
    assert [one.outcome for one in run(path).results] == ["passed"]


def test_a_name_of_a_macro_is_no_library(tmp_path: Path) -> None:
    policy = vpol(validations=[{"expression": "object.spec.containers.all(image, image.image.startsWith('example')) && ['a'].exists(http, http.size() == 1)"}])
    path = suite(tmp_path, of_policy("pass", "good"), given=[policy], objects=[pod("good")])
    assert set(outcomes(path).values()) == {"passed"}


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "cluster policy": ({"apiVersion": "kyverno.io/v1", "kind": "ClusterPolicy", "spec": {}}, "its rules are for the engine of Kyverno"),
    "mutating policy": ({"apiVersion": "policies.kyverno.io/v1", "kind": "MutatingPolicy", "spec": {}}, "mutations are not evaluated here"),
    "mutating admission policy": (
        {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicy", "spec": {}},
        "mutations are not evaluated here",
    ),
    "generating policy": ({"apiVersion": "policies.kyverno.io/v1", "kind": "GeneratingPolicy", "spec": {}}, "what can be evaluated here are"),
    "json": (vpol(evaluation={"mode": "JSON"}), "it judges JSON payloads, no requests to Kubernetes"),
    "a field": (vpol(images=[]), "spec.images has no counterpart in a ValidatingAdmissionPolicy"),
}


@pytest.mark.parametrize(("policy", "why"), REFUSED.values(), ids=list(REFUSED))
def test_policies_for_another_engine_are_refused_once(tmp_path: Path, policy: dict[str, Any], why: str) -> None:
    policy = {**policy, "metadata": {"name": "own"}}
    rows = [{"policy": "own", "kind": "Pod", "resources": ["good"], "result": result} for result in ("pass", "fail")]
    path = suite(tmp_path, *rows, given=[LIMIT, policy], objects=[pod("good")])
    (told,) = problems(path)
    assert "results[0].policy: the rows of 'own' are not imported (2 rows): " in told
    assert "policy.yaml:" in told
    assert why in told
    # Without rows about it there is nothing to say.
    assert set(outcomes(suite(tmp_path, row("fail", "many"), given=[LIMIT, policy])).values()) == {"passed"}


WRONG: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("result", {"result": "passed"}, {}, "'passed' is not one of pass, fail, skip, warn, error; did you mean 'pass'?"),
    ("a word", {"resources": [True]}, {}, "must be of type string, not bool; put it in quotes"),
    ("no result", {"result": None}, {}, "says no result: pass, fail or skip"),
    ("key", {"resourse": ["few"]}, {}, "unknown key; did you mean 'resource'?"),
    ("policy", {"policy": "limits"}, {}, "there is no policy 'limits' in these files; did you mean 'limit'?"),
    ("mutation", {"patchedResources": "x.yaml"}, {}, "mutations are not evaluated here"),
    ("generation", {"generatedResource": "x.yaml"}, {}, "nothing is generated here"),
    ("mutating", {"isMutatingPolicy": True}, {}, "mutations are not evaluated here"),
    ("images", {"isImageValidatingPolicy": True}, {}, "images are not fetched here"),
    ("connection", {"operation": "CONNECT"}, {}, "what a connection sends is not given by a resource"),
    ("exceptions", {}, {"exceptions": ["x.yaml"]}, "PolicyExceptions are not evaluated here"),
    ("no results", {}, {"results": []}, "tests nothing: there are no results"),
    ("nested", {}, {"spec": {}}, "unknown key"),
    ("no policies", {}, {"policies": []}, "policies: must not be empty"),
    ("no file", {}, {"resources": ["x.yaml"]}, "there is no file 'x.yaml'"),
    ("address", {}, {"policies": ["https://example.com/x.yaml"]}, "is fetched from the network"),
    ("values", {}, {"values": {"globalValue": {}}}, "values.globalValue: unknown key; did you mean 'globalValues'?"),
    ("values of a request", {}, {"values": {"globalValues": {"request.object.kind": "x"}}}, "of a request only request.operation is"),
    ("operation", {}, {"values": {"globalValues": {"request.operation": "PATCH"}}}, "PATCH is no operation"),
    ("no values", {}, {"variables": "x.yaml"}, "there is no file 'x.yaml'"),
    ("values file", {}, {"variables": "resources.yaml"}, "expected one YAML document, found 3"),
    ("user file", {}, {"userinfo": "policy.yaml"}, "unknown key"),
    ("cluster file", {}, {"clusterResources": ["policy.yaml"]}, "is no ClusterResource"),
    ("scale", {}, {"values": {"subresources": [{"subresource": {"kind": "Deployment"}}]}}, "is sent to a subresource, as the values say"),
]


@pytest.mark.parametrize(("of_row", "top", "message"), [one[1:] for one in WRONG], ids=[one[0] for one in WRONG])
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, of_row: dict[str, Any], top: dict[str, Any], message: str) -> None:
    given = {key: one for key, one in {**row("pass", "few"), **of_row}.items() if one is not None}
    path = suite(tmp_path, given, **top)
    report = run(path)
    assert not report.results
    assert any(message in str(one) for one in report.errors), report.errors
    assert all((one.path and one.line) or "expected one" in one.message for one in report.errors)


def test_checks_and_payloads_are_errors_beside_the_rows(tmp_path: Path) -> None:
    path = suite(tmp_path, row("fail", "many"), checks=[{"match": {}, "assert": {"status": "fail"}}], jsonPayload="x.json")
    assert [one.split(": ", 1)[1] for one in problems(path)] == [
        "checks: `checks` are assertions about answers of Kyverno's engine",
        "jsonPayload: payloads are no requests to Kubernetes",
    ]
    assert [one.outcome for one in run(path).results] == ["passed"]


def test_two_objects_of_one_name_that_differ(tmp_path: Path) -> None:
    path = suite(tmp_path, row("pass", "few"), objects=[deployment("few", 1), deployment("few", 1), deployment("few", 2)])
    assert "Deployment few is there twice" in problems(path)[0]


def test_hidden_folders_of_other_tools_are_found(tmp_path: Path) -> None:
    folder = tmp_path / ".kyverno-test"
    folder.mkdir()
    suite(folder, row("fail", "many"))
    (tmp_path / ".other").mkdir()
    suite(tmp_path / ".other", row("fail", "many"))
    assert [one.path for one in api.run_suites([str(tmp_path)]).files] == [str(folder / "kyverno-test.yaml")]


def test_a_policy_without_rows_is_not_compiled(tmp_path: Path) -> None:
    path = suite(tmp_path, row("fail", "many"), given=[LIMIT, vpol("other", validations=[{"expression": "object.spec"}])])
    assert set(outcomes(path).values()) == {"passed"}
    path = suite(tmp_path, of_policy("fail", "many", policy="other"), given=[vpol("other", validations=[{"expression": "object.spec"}])], objects=[pod("many")])
    assert "policy other, validations[0]: must evaluate to bool but got dyn: object.spec" in problems(path)[0]

"""Native suites of policies of others: what a case is judged with, what it can expect, and what is wrong with one, at its line."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from hostprocess.errors import HostprocessError
from hostprocess.suite.formats import find_suites
from hostprocess.suite.model import Suite
from hostprocess.suite.run import Runner
from suites import ALLOWS, DENIES, DEPLOYMENT, POLICY, failures, load, refusal, write_suite
from support import ALL_RUNTIMES, namespace, pod
from test_schemas import JUNK, places

MANY = {"set": {"spec.replicas": 50}}
PRECIOUS = {"base": {**DEPLOYMENT, "metadata": {"name": "precious", "namespace": "shop"}}}


@pytest.mark.parametrize(
    "case",
    [
        ALLOWS,
        {**MANY, "expect": "deny", "message": "at most 5", "rules": ["validations[0]"], "failures": 1},
        {**MANY, "expect": "deny", "messageMatches": "^at most [0-9]$", "rules": ["replicas/validations[0]"], "warnings": []},
        {**MANY, "expect": "deny", "rules": ["replicas"], "auditAnnotations": {"replicas": "50"}},
        {"expect": "allow", "auditAnnotations": {"replicas/replicas": "3", "other": None}},
        {"object": {**DEPLOYMENT, "spec": {**DEPLOYMENT["spec"], "replicas": 6}}, "expect": "deny"},
        {"unset": ["spec.replicas"], "expect": "allow", "auditAnnotations": {"replicas": "1"}},  # the default of the API server
        {"edit": ".spec.replicas = 6", "expect": "deny"},
        {"set": {"metadata.namespace": "kube-system"}, "expect": "skip", "message": "namespaceSelector does not match"},
        {"set": {"metadata.labels": {"exempt": "x"}}, "expect": "skip", "message": "matchCondition 'not-exempt' is false"},
        {"operation": "CONNECT", "object": {"apiVersion": "v1", "kind": "PodExecOptions", "metadata": {"name": "p"}}, "namespace": "shop", "expect": "skip",
         "message": "no resourceRule matches CONNECT of pods/exec"},
        {**PRECIOUS, "operation": "DELETE", "expect": "deny", "message": "this one stays"},
        {"operation": "DELETE", "oldObject": PRECIOUS["base"], "expect": "deny"},
        {"operation": "DELETE", "expect": "allow"},
        {"unset": ["metadata.namespace"], "namespace": namespace("kube-system"), "expect": "skip"},
        {"unset": ["metadata.namespace"], "namespace": "shop", "expect": "allow"},
        {"unset": ["metadata.namespace"], "expect": "unknown", "message": "namespaceSelector needs the labels"},
        {"raw": True, "unset": ["spec.replicas"], "expect": "error", "message": "no such key: replicas"},
        {"variable": "limit", "value": 5},
        {"variable": "images", "value": ["i:1"]},
        {"variable": "images", "raw": True, "unset": ["spec.template.spec"], "error": "no such key: spec"},
        {"expression": "variables.limit - object.spec.replicas", "value": 2},
        {"expression": "request.operation", "oldObject": {"set": {"spec.replicas": 1}}, "value": "UPDATE"},
        {"expression": "oldObject.spec.replicas", "oldObject": {"set": {"spec.replicas": 1}}, "value": 1},
        {"expression": "oldObject.spec.replicas", "oldObject": {"set": {"spec.replicas": 2}}, "set": {"spec.replicas": 4}, "value": 2},
        {"expression": "request.userInfo.username", "userInfo": {"username": "ada"}, "value": "ada"},
        {"expression": "request.subResource", "subresource": "status", "operation": "UPDATE", "value": "status"},
        {"expression": "duration('90m')", "value": "5400s"},
        {"expression": "{'a': [dyn(1.5), dyn(null), dyn(true)]}", "value": {"a": [1.5, None, True]}},
    ],
    ids=str,
)  # fmt: skip
def test_what_holds(case: dict[str, Any], tmp_path: Path) -> None:
    assert list(map(str, failures(tmp_path, {"name": "c", **case}))) == []


@pytest.mark.parametrize(
    ("case", "problem"),
    [
        ({"expect": "deny"}, "expected deny, got allow"),
        ({**MANY, "expect": "allow"}, "expected allow, got deny"),
        ({"set": {"metadata.namespace": "kube-system"}, "expect": "allow"}, "expected allow, got skip"),
        ({**MANY, "expect": "deny", "message": "at most 6"}, "no message holds 'at most 6'"),
        ({**MANY, "expect": "deny", "messageMatches": "^most"}, "no message matches '^most'"),
        ({**MANY, "expect": "deny", "rules": ["validations[1]"]}, "expected validations[1] to fail"),
        ({**MANY, "expect": "deny", "rules": []}, "validations[0] failed too"),
        ({**MANY, "expect": "deny", "warnings": ["x"]}, "no warning holds 'x'"),
        ({"expect": "allow", "auditAnnotations": {"replicas": "4"}}, "the audit annotation replicas is '3', not '4'"),
        ({"expect": "allow", "auditAnnotations": {"replicas": None}}, "the audit annotation replicas is '3'"),
        ({"expect": "allow", "auditAnnotations": {"other": "x"}}, "there is no audit annotation other"),
        ({"variable": "limit", "value": 6}, "expected 6, but limit is 5"),
        ({"variable": "limit", "value": "5"}, "expected '5', but limit is 5"),
        ({"expression": "1 == 1", "value": 1}, "expected 1, but the expression is true"),
        ({"expression": "[1, 2]", "value": [1]}, "expected [1], but the expression is [1, 2]"),
        ({"expression": "object.spec.paused", "value": True}, "expected true, got the error: no such key: paused"),
        ({"expression": "object.spec.paused", "error": "x"}, "expected an error with 'x', got the error: no such key: paused"),
        ({"expression": "1", "error": "x"}, "expected an error with 'x', but the expression is 1"),
        ({"expression": "request.userInfo.username", "value": ""}, "got unknown: the user who makes the request is not known"),
        ({"expression": "variables.limt", "value": 1}, "undefined field 'limt'"),
        ({"set": {"spec.replicas": "many"}, "expect": "deny"}, "the object of the case is refused: spec.replicas: "),
        ({"set": {"spec.replica": 1}, "expect": "deny"}, "the object of the case is refused: spec.replica: "),
        ({"object": {"kind": "Pod"}, "expect": "skip"}, "the object of the case is refused: it has no apiVersion"),
        ({"object": {"apiVersion": "v1", "kind": "List", "items": []}, "expect": "skip"}, "the object of the case is refused: a List with 0 items"),
    ],
)
def test_what_does_not(case: dict[str, Any], problem: str, tmp_path: Path) -> None:
    (failure,) = failures(tmp_path, {"name": "c", **case})
    assert problem in failure.message
    assert str(failure).startswith(f"{tmp_path}/replicas.test.yaml:")


@pytest.mark.parametrize("runtime", ALL_RUNTIMES)
def test_a_wrong_expectation_is_told_on_every_runtime(runtime: str, tmp_path: Path) -> None:
    (failure,) = failures(tmp_path, {"name": "c", **MANY, "expect": "allow"}, {**DENIES, "message": "at most 5"}, runtime=runtime)
    assert failure.case.name == "c"


WARNS = """\
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: replicas-warn}
spec: {policyName: replicas, validationActions: [Warn, Audit]}
"""


def test_the_bindings_that_there_are_count(tmp_path: Path) -> None:
    cases = [{"name": "c", **MANY, "expect": "warn", "warnings": ["'replicas' with binding 'replicas-warn': at most 5"]}]
    assert failures(tmp_path, *cases, policy=POLICY + WARNS) == []
    (tmp_path / "binding.yaml").write_text(WARNS)
    assert failures(tmp_path, *cases, policy=POLICY) != []
    suite = write_suite(tmp_path, cases)
    suite.write_text(suite.read_text().replace("policy: policy.yaml", "policy: [policy.yaml, binding.yaml]"))
    (one,) = load(suite).cases
    assert Runner(ALL_RUNTIMES["tree"]).run(load(suite).subject, one) is None


@pytest.mark.parametrize(("assumed", "expect"), [("deny", "deny"), ("warn", "warn"), ("audit", "audit")])
def test_a_binding_that_is_assumed(assumed: str, expect: str, tmp_path: Path) -> None:
    assert failures(tmp_path, {"name": "c", **MANY, "expect": expect}, assumeBinding=assumed) == []


def test_no_binding_is_assumed(tmp_path: Path) -> None:
    error = refusal(write_suite(tmp_path, [ALLOWS], assumeBinding="none"))
    assert error.message.endswith("without one a policy does nothing: add one, or leave out `assumeBinding: none`")
    assert failures(tmp_path, {"name": "c", **MANY, "expect": "warn"}, policy=POLICY + WARNS, assumeBinding="none") == []


def test_which_selector_said_no(tmp_path: Path) -> None:
    policy = POLICY + WARNS.replace("[Warn, Audit]", "[Deny], matchResources: {namespaceSelector: {matchLabels: {team: a}}}")
    (failure,) = failures(tmp_path, {"name": "c", **MANY, "namespace": namespace("shop"), "expect": "deny"}, policy=policy)
    assert failure.message == "expected deny, got skip"
    assert {one.message for one in failure.decisions} == {"the namespaceSelector does not match (matchResources of the binding)"}


PARAMETERS = POLICY.replace("  failurePolicy: Fail\n", "  failurePolicy: Fail\n  paramKind: {apiVersion: v1, kind: ConfigMap}\n").replace(
    '"5"', "int(params.data.max)"
) + WARNS.replace("validationActions: [Warn, Audit]", "validationActions: [Deny], paramRef: {name: limits, parameterNotFoundAction: Deny}")


@pytest.mark.parametrize(
    "case",
    [
        {"params": {"data": {"max": "2"}}, "expect": "deny", "message": "at most 2"},
        {"params": {"data": {"max": "3"}}, "expect": "allow"},
        {"params": {"metadata": {"name": "others"}, "data": {"max": "9"}}, "expect": "error", "message": "no params found"},
        {"params": [], "expect": "error", "message": "no params found for policy binding with `Deny` parameterNotFoundAction"},
        {"params": None, "expect": "error", "message": "no such key: data"},
        {"expect": "unknown", "message": "no ConfigMap was given"},
        {
            "inventory": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "limits", "namespace": "shop"}, "data": {"max": "9"}}],
            "expect": "allow",
        },
        {"params": "limits.yaml", "expect": "deny", "message": "at most 1"},
        {"inventory": "limits.yaml", "expect": "deny", "message": "at most 1"},
        {"variable": "limit", "params": {"data": {"max": "7"}}, "value": 7},
    ],
    ids=str,
)
def test_parameters(case: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "limits.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: limits, namespace: shop}\ndata: {max: '1'}\n")
    assert list(map(str, failures(tmp_path, {"name": "c", **case}, policy=PARAMETERS))) == []


# Matrices, defaults, fixtures, files.


def names(suite: Suite) -> list[str]:
    return [case.name for case in suite.cases]


def test_a_list_makes_a_case_of_each_value(tmp_path: Path) -> None:
    case = {"name": "c", "base": pod(), "wrap": ["Pod", "Deployment", "CronJob"], "kubernetes": ["1.30", "1.37"], "expect": "skip"}
    suite = load(write_suite(tmp_path, [case]))
    assert names(suite) == [f"c [{kind}, {release}]" for kind in ("Pod", "Deployment", "CronJob") for release in ("1.30", "1.37")]
    assert [(one.object["kind"], one.setting.kubernetes) for one in suite.cases][1:3] == [("Pod", "1.37"), ("Deployment", "1.30")]
    assert {one.line for one in suite.cases} == {suite.cases[0].line}
    assert "wrap" not in suite.cases[0].raw


def test_the_old_object_is_wrapped_as_the_object_is(tmp_path: Path) -> None:
    case = {"name": "c", "base": pod(), "wrap": ["Pod", "Job"], "oldObject": {"set": {"spec.hostNetwork": True}}, "expect": "skip"}
    first, second = load(write_suite(tmp_path, [case])).cases
    assert (first.setting.old_object or {})["spec"]["hostNetwork"] is True
    assert (second.setting.old_object or {})["spec"]["template"]["spec"]["hostNetwork"] is True
    assert "hostNetwork" not in second.object["spec"]["template"]["spec"]


def test_releases_differ(tmp_path: Path) -> None:
    policy = POLICY.replace('"5"', "quantity('5').asInteger()")
    assert failures(tmp_path, {**DENIES, "kubernetes": ["1.30", "1.37"]}, policy=policy) == []
    # Of 1.34: a case for 1.30 finds an expression that does not compile there.
    policy = POLICY.replace('"5"', "\"isSemver('1.2.3') ? 5 : 0\"")
    (failure,) = failures(tmp_path, {**DENIES, "kubernetes": ["1.30", "1.37"]}, policy=policy)
    assert failure.case.name == "too many [1.30]"


def test_defaults_are_for_cases_that_say_nothing_else(tmp_path: Path) -> None:
    defaults = {"operation": "DELETE", "userInfo": {"username": "ada"}, "kubernetes": ["1.33", "1.34"]}
    suite = load(
        write_suite(
            tmp_path, [{"name": "a", "expect": "allow"}, {"name": "b", "expect": "allow", "operation": "CREATE", "kubernetes": "1.30"}], defaults=defaults
        )
    )
    assert names(suite) == ["a [1.33]", "a [1.34]", "b"]
    assert [one.setting.operation for one in suite.cases] == ["DELETE", "DELETE", "CREATE"]
    assert {(one.setting.user_info or {})["username"] for one in suite.cases} == {"ada"}


def test_objects_from_fixtures_and_files(tmp_path: Path) -> None:
    (tmp_path / "objects").mkdir()
    (tmp_path / "objects/web.yaml").write_text(yaml.safe_dump({**DEPLOYMENT, "metadata": {"name": "file", "namespace": "shop"}}))
    cases = [
        {"name": "a", "base": "small", "expect": "allow"},
        {"name": "b", "base": "file", "expect": "allow"},
        {"name": "c", "base": "objects/web.yaml", "expect": "allow"},
        {"name": "d", "object": "objects/web.yaml", "expect": "allow"},
        {"name": "e", "oldObject": "objects/web.yaml", "expect": "allow"},
        {"name": "f", "inventory": ["objects/web.yaml", namespace("shop")], "expect": "allow"},
    ]
    suite = load(write_suite(tmp_path, cases, fixtures={"small": DEPLOYMENT, "file": "objects/web.yaml"}))
    assert [one.object["metadata"]["name"] for one in suite.cases] == ["web", "file", "file", "file", "web", "web"]
    assert (suite.cases[4].setting.old_object or {})["metadata"]["name"] == "file"
    assert [one["kind"] for one in suite.cases[5].setting.inventory] == ["Deployment", "Namespace"]


def test_objects_mean_what_they_mean_to_kubernetes(tmp_path: Path) -> None:
    path = write_suite(tmp_path, [])
    path.write_text(
        "policy: policy.yaml\nbase: {apiVersion: v1, kind: ConfigMap, metadata: {name: yes-man}, immutable: yes, data: {a: 'yes'}}\n"
        "cases:\n  - {name: no, kubernetes: 1.30, namespace: 012, set: {x: 0x10, z: 1.5}, expect: skip}\n  - {name: y, expression: '1.5', value: 1.5}\n"
    )
    first, second = load(path).cases
    assert first.name == "no"
    assert (first.object["immutable"], first.object["data"], first.object["x"], first.object["z"]) == (True, {"a": "yes"}, 16, 1.5)
    assert (first.setting.kubernetes, first.setting.namespace) == ("1.30", "012")
    assert Runner(ALL_RUNTIMES["tree"]).run(load(path).subject, second) is None


# What is wrong with a suite.

HEAD = "policy: policy.yaml\nbase: {apiVersion: v1, kind: Pod, metadata: {name: p, namespace: n}, spec: {containers: [{name: a, image: i}]}}\ncases:\n"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (HEAD + "- {name: a, expect: yes}", 4, "cases[0].expect: 'yes' is no outcome; write `expect: allow`; there are allow, deny, warn, audit, skip"),
        (HEAD + "- {name: a, expect: false}", 4, "cases[0].expect: 'false' is no outcome; write `expect: deny`"),
        (HEAD + "- name: a\n  expect: Deny", 5, "cases[0].expect: 'Deny' is no outcome; did you mean 'deny'?"),
        (HEAD + "- {name: a, expect: dny}", 4, "did you mean 'deny'?"),
        (HEAD + "- {name: a, expct: deny}", 4, "cases[0].expct: unknown key; did you mean 'expect'?"),
        (HEAD + "- {name: a}", 4, "cases[0]: the case tests nothing: it needs `expect`"),
        (HEAD + "- {name: a, variable: limit}", 4, "cases[0]: the case tests nothing: it needs `value`"),
        (HEAD + "- {name: a, variable: limt, value: 1}", 4, "cases[0].variable: there is no variable 'limt'; did you mean 'limit'?"),
        (HEAD + "- {name: a, variable: other, value: 1}", 4, "there is no variable 'other'; there are limit, images"),
        (HEAD + "- {name: a, value: 1}", 4, "cases[0].value: is what a `variable` or an `expression` gives"),
        (HEAD + "- {name: a, expect: deny, value: 1}", 4, "cases[0].value: is what a `variable` or an `expression` gives, and the case has none"),
        (HEAD + "- {name: a, variable: limit, value: 1, expect: deny}", 4, "cases[0].expect: is about a decision"),
        (HEAD + "- {name: a, variable: limit, value: 1, message: x}", 4, "cases[0].message: is about a decision"),
        (HEAD + "- {name: a, variable: limit, expression: '1', value: 1}", 4, "cases[0].expression: the case has a variable; give one of them"),
        (HEAD + "- {name: a, variable: limit, value: 1, error: x}", 4, "an expression gives a value or an error"),
        (HEAD + "- {name: a, expect: deny, messageMatches: '('}", 4, "cases[0].messageMatches: is no RE2 expression: missing )"),
        (HEAD + "- {name: a, expect: deny}\n- {name: a, expect: allow}", 5, "the name 'a' is given to two cases: the other is in line 4"),
        (HEAD + "- {name: a, wrap: [Job, Job], expect: deny}", 4, "the name 'a [Job]' is given to two cases"),
        (HEAD + "- {name: a, wrap: [], expect: deny}", 4, "cases[0].wrap: must not be empty"),
        (HEAD + "- {name: a, wrap: [Jub], expect: deny}", 4, "cases[0].wrap[0]: 'Jub' is not one of"),
        (HEAD + "- {name: a, object: {apiVersion: v1, kind: ConfigMap}, wrap: Job, expect: skip}", 4, "wrap: a ConfigMap is no Pod"),
        (HEAD + "- {name: a, base: pot, expect: skip}", 4, "base: there is no fixture 'pot'; "),
        (HEAD + "- {name: a, base: pot.yaml, expect: skip}", 4, "pot.yaml: no such file or folder"),
        (HEAD + "- {name: a, object: two.yaml, expect: skip}", 4, "two.yaml holds 2 objects; one is needed"),
        (HEAD + "- {name: a, object: bad.yaml, expect: skip}", 4, "bad.yaml:1:"),
        (HEAD + "- {name: a, inventory: [none.yaml], expect: skip}", 4, "none.yaml: no such file or folder"),
        (HEAD + "- {name: a, params: none.yaml, expect: skip}", 4, "none.yaml: no such file or folder"),
        (HEAD + "- {name: a, edit: '.', expect: skip}", 4, "edit: '.' changes nothing"),
        (HEAD + "- {name: a, edit: 'del(', expect: skip}", 4, "edit: 'del(': "),
        (HEAD + "- {name: a, edit: '.spec | error(\"x\")', expect: skip}", 4, "edit: '.spec | error(\"x\")': "),
        (HEAD + "- {name: a, unset: [spec.x], expect: skip}", 4, "unset: spec.x: there is no such field"),
        (HEAD + "- {name: a, set: {'spec.containers.x': 1}, expect: skip}", 4, "set: spec.containers.x: there is a list where 'x' should be"),
        (HEAD + "- {name: a, oldObject: {set: x}, expect: skip}", 4, "oldObject.set: must be of type object, not str"),
        (HEAD + "- {name: a, oldObject: {set: {}, wrap: Jb}, expect: skip}", 4, "oldObject.wrap: 'Jb' is not one of Deployment"),
        (HEAD + "- {name: a, userInfo: {groups: yes}, expect: skip}", 4, "cases[0].userInfo.groups: must be of type array, not str"),
        (HEAD + "- {name: a, inventory: [{kind: A, metadata: x}], expect: skip}", 4, "A: metadata must be a mapping"),
        (HEAD + "- {name: a, namespace: {metadata: {labels: {a: 1}}}, expect: skip}", 4, "Namespace: metadata.labels must be a mapping of strings"),
        (HEAD + "- {name: a, operation: CREATE, oldObject: {}, expect: skip}", 4, "cases[0].oldObject: a request of operation CREATE has no old object"),
        (HEAD + "- {name: a, operation: PATCH, expect: skip}", 4, "cases[0].operation: 'PATCH' is not one of"),
        (HEAD + "- {name: a, kubernetes: [1.30.1], expect: skip}", 4, "cases[0].kubernetes[0]: '1.30.1' is not of the form"),
        (HEAD + "- {name: a, auditAnnotations: {a: 1}, expect: skip}", 4, "cases[0].auditAnnotations.a: must be of type string or null"),
        ("policy: policy.yaml\ncases: []\n", 2, "cases: must not be empty"),
        ("policy: policy.yaml\n", 1, "the key 'cases' is missing"),
        ("policy: policy.yaml\ncases: [{name: a, expect: deny}]", 2, "neither the case nor the suite has a base or an object"),
        ("policy: polcy.yaml\ncases: [{name: a, expect: deny}]", 1, "policy: there is no file 'polcy.yaml' beside the suite"),
        ("policy: [policy.yaml, b.yaml]\ncases: [{name: a, expect: deny}]", 1, "policy[1]: there is no file 'b.yaml' beside the suite"),
        ("cases: [{name: a, expect: deny}]", 1, "the suite is about nothing: name its `rule`, or the file of its `policy`"),
        ("rule: a\npolicy: policy.yaml\ncases: [{name: a, expect: deny}]", 2, "policy: the suite has a rule; give one of them"),
        ("rule: a\ncases: [{name: a, expect: deny}]", 1, "rule: a suite of a rule lies in a rule pack"),
        (HEAD.replace("cases", "defaults: {base: x}\ncases") + "- {name: a, expect: deny}", 3, "the suite has a base above"),
        (HEAD.replace("cases", "defaults: {opration: DELETE}\ncases") + "- {name: a, expect: deny}", 3, "unknown key; did you mean 'operation'?"),
        (HEAD.replace("cases", "assumeBinding: no\ncases") + "- {name: a, expect: deny}", 3, "assumeBinding: 'no' is not one of deny, warn, audit, none"),
        (HEAD + "- {name: a, expect: deny\n", 5, ""),
        (HEAD + "- {name: a, value: .nan, variable: limit}", 4, ".nan is not a number of JSON"),
    ],
    ids=lambda value: value.replace(HEAD, "") if isinstance(value, str) else None,
)
def test_suites_that_are_refused(text: str, line: int, message: str, tmp_path: Path) -> None:
    path = write_suite(tmp_path, [])
    path.write_text(text)
    (tmp_path / "two.yaml").write_text("apiVersion: v1\nkind: Pod\n---\napiVersion: v1\nkind: Pod\n")
    (tmp_path / "bad.yaml").write_text("{")
    error = refusal(path)
    assert message in error.message
    assert (error.path, error.line) == (str(path), line)


def test_all_that_is_wrong_with_cases_is_told_at_once(tmp_path: Path) -> None:
    error = refusal(write_suite(tmp_path, [{"name": "a"}, ALLOWS, {"name": "b", "unset": ["x"], "expect": "deny"}]))
    assert [one.message for one in (error, *error.others)] == [
        "cases[0]: the case tests nothing: it needs `expect`",
        "cases[2]: unset: x: there is no such field",
    ]


def test_a_policy_that_the_api_server_refuses(tmp_path: Path) -> None:
    assert (
        "unknown field 'expresion'"
        in refusal(write_suite(tmp_path, [ALLOWS], policy=POLICY.replace("- expression: object == null", "- expresion: object == null"))).message
    )


def test_finding_suites_reads_no_other_files(tmp_path: Path) -> None:
    (tmp_path / "values.test.yaml").write_text("replicas: 3\n")
    (tmp_path / ".hidden").mkdir()
    write_suite(tmp_path / ".hidden", [ALLOWS])
    assert list(find_suites([str(tmp_path)], {})) == []


RICH: dict[str, Any] = {
    "assumeBinding": "warn",
    "fixtures": {"f": DEPLOYMENT},
    "defaults": {"kubernetes": "1.33", "userInfo": {"username": "u", "groups": ["g"]}},
    "cases": [
        {"name": "a", "expect": "allow", "set": {"spec.replicas": 1}, "unset": ["spec.selector"], "oldObject": {"base": "f", "set": {"spec.replicas": 2}},
         "namespace": namespace("shop", a="b"), "inventory": [namespace("x")], "params": [{"data": {}}]},
        {"name": "b", "object": pod(), "wrap": ["Pod", "Job"], "expect": "skip", "message": "x", "raw": True, "warnings": ["w"],
         "auditAnnotations": {"a": "b"}, "rules": ["r"], "fields": ["x"], "failures": 1},
        {"name": "c", "variable": "limit", "value": {"a": [1]}},
        {"name": "d", "expression": "object.spec", "value": 1, "operation": "DELETE", "subresource": "status"},
    ],
}  # fmt: skip


@pytest.mark.parametrize("offset", range(5))
def test_no_suite_is_so_odd_that_it_breaks_the_runner(offset: int, tmp_path: Path) -> None:
    """Each value of a rich suite is replaced by something else in turn: what comes of it is a message or a result."""
    messages = []
    for number in range(offset, len(places(RICH)), 5):
        value = copy.deepcopy(RICH)
        owner, key = places(value)[number]
        owner[key] = copy.deepcopy(JUNK[(number // 5) % len(JUNK)])
        path = write_suite(tmp_path, [])
        path.write_text(yaml.safe_dump({"policy": "policy.yaml", "base": DEPLOYMENT, **value}))
        try:
            suite = load(path)
        except HostprocessError as error:
            messages.append(error.message)
            continue
        runner = Runner(ALL_RUNTIMES["tree"])
        for case in suite.cases:
            failure = runner.run(suite.subject, case)
            assert failure is None or (failure.problems and all(failure.problems))
    assert messages
    assert all(messages)

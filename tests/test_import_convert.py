"""`hostprocess convert`: what is written where, what is kept, and what is never overwritten."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

from hostprocess.cli import cli
from hostprocess.errors import HostprocessError
from importing import binding, deployment, pod, vap, write
from suites import command, failures, refusal, write_suite

SUITE = """\
# Deployments of the shop,
# and how many replicas they have
version: v1alpha1
policies: [policies/limit.yaml]
resources: [few.yaml, others.yaml]
vapTestSuites:
- policy: limit
  tests:
  # two are fine
  - {object: {kind: Deployment, name: few}, expect: admit}
  - {object: {kind: Deployment, name: many}, expect: deny, deniedMessage: at most}
  # not so
  # at all
  - {object: {kind: Deployment, name: many}, expect: admit}
  - {object: {kind: Deployment, name: only}, expect: deny}
"""
CONVERTED = """\
# Deployments of the shop,
# and how many replicas they have
# Converted from kaptest.yaml (kaptest) by `hostprocess convert`.
policy: policies/limit.yaml
fixtures:
  deployment-many:
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: many
    spec:
      replicas: 9
defaults:
  namespace: default
  raw: true
cases:
  # two are fine
  - name: CREATE Deployment few
    object: few.yaml
    expect: allow
  - name: CREATE Deployment many
    base: deployment-many
    expect: deny
    message: at most
  # not so
  # at all
  # fails: expected allow, got deny
  - name: CREATE Deployment many (2)
    base: deployment-many
    expect: allow
  # vacuous: kaptest calls this passed (deny is expected), but nothing asks the policy: the objectSelector does not match
  - name: CREATE Deployment only
    object:
      apiVersion: apps/v1
      kind: Deployment
      metadata:
        name: only
        labels:
          out: 'yes'
      spec:
        replicas: 9
    expect: deny
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def convert(*arguments: Any) -> Result:
    """`hostprocess convert` with these arguments. An exception that a user would not read as a message is raised."""
    result = CliRunner().invoke(cli, ["convert", *map(str, arguments)], standalone_mode=False)
    if result.exception is not None and not isinstance(result.exception, HostprocessError):
        raise result.exception
    return result


def kaptest(folder: Path, text: str = SUITE) -> None:
    policy = vap("limit", validations=[{"expression": "object.spec.replicas <= 5", "message": "at most five"}])
    policy["spec"]["matchConstraints"]["objectSelector"] = {"matchExpressions": [{"key": "out", "operator": "DoesNotExist"}]}
    write(folder, policies__limit=policy, few=deployment("few", 2), others=[deployment("many", 9), deployment("only", 9, labels={"out": "yes"})])
    (folder / "kaptest.yaml").write_text(text)


def test_a_suite_beside_the_old_one(folder: Path) -> None:
    kaptest(folder)
    result = convert()
    assert (result.return_value, result.stderr) == (0, "")
    assert result.stdout == "kaptest.yaml -> limit.test.yaml (4 cases)\n"
    assert (folder / "limit.test.yaml").read_text() == CONVERTED
    assert sorted(os.listdir(folder)) == ["few.yaml", "kaptest.yaml", "limit.test.yaml", "others.yaml", "policies"]
    assert [one.split("::")[1] for one in command("-v", "limit.test.yaml").stdout.splitlines()[:4]] == [
        "CREATE Deployment few PASSED",
        "CREATE Deployment many PASSED",
        "CREATE Deployment many (2) FAILED",
        "CREATE Deployment only FAILED",
    ]


def test_nothing_is_overwritten_without_force(folder: Path) -> None:
    kaptest(folder)
    (folder / "limit.test.yaml").write_text("mine\n")
    result = convert()
    assert str(result.exception) == ("limit.test.yaml is there already: --force replaces it, --output DIR writes elsewhere; nothing was written")
    assert (folder / "limit.test.yaml").read_text() == "mine\n"
    assert convert("--force").return_value == 0
    assert (folder / "limit.test.yaml").read_text() == CONVERTED
    assert convert().return_value == 0  # what is there is what would be written


def test_one_file_in_the_way_keeps_all_of_them_from_being_written(folder: Path) -> None:
    kaptest(folder)
    kaptest(folder / "a")
    (folder / "limit.test.yaml").write_text("mine\n")
    assert isinstance(convert().exception, HostprocessError)
    assert not (folder / "a" / "limit.test.yaml").exists()


def test_another_folder_keeps_the_order_of_folders(folder: Path) -> None:
    kaptest(folder / "suites" / "a")
    kaptest(folder / "suites" / "b")
    assert convert("suites", "--output", "new/ones").return_value == 0
    assert sorted(str(one.relative_to(folder / "new")) for one in (folder / "new").rglob("*.yaml")) == ["ones/a/limit.test.yaml", "ones/b/limit.test.yaml"]
    text = (folder / "new" / "ones" / "a" / "limit.test.yaml").read_text()
    assert "policy: '../../../suites/a/policies/limit.yaml'" in text
    assert "object: '../../../suites/a/few.yaml'" in text
    assert "\n4 failed, 4 passed in " in command("new").stdout


def test_suites_of_one_policy_do_not_take_the_same_file(folder: Path) -> None:
    kaptest(folder)
    (folder / "more.yaml").write_text(SUITE)
    assert convert().stdout.splitlines() == ["kaptest.yaml -> limit.test.yaml (4 cases)", "more.yaml -> more.limit.test.yaml (4 cases)"]


def test_standard_output(folder: Path) -> None:
    kaptest(folder)
    result = convert("kaptest.yaml", "-o", "-")
    assert result.stdout == f"# limit.test.yaml\n{CONVERTED}"
    assert not (folder / "limit.test.yaml").exists()


def test_what_is_left_out_is_told_and_the_rest_is_written(folder: Path) -> None:
    kaptest(folder, f"{SUITE}mapTestSuites: [{{policy: m, tests: []}}]\n")
    result = convert()
    message = "mapTestSuites[0]: tests a MutatingAdmissionPolicy; what is evaluated here is a ValidatingAdmissionPolicy"
    assert result.return_value == 2
    assert result.stderr == f"error: kaptest.yaml:16:17: {message}\n"
    assert f"\n# Not converted: line 16: {message}\n" in (folder / "limit.test.yaml").read_text()


def test_a_suite_without_a_failing_case_is_noted(folder: Path) -> None:
    kaptest(folder, SUITE[: SUITE.index("  - {object: {kind: Deployment, name: many}")])
    result = convert()
    assert result.return_value == 0
    assert result.stderr == "note: limit.test.yaml: there is no case in which limit fails: `hostprocess test` asks for one\n"
    assert "no case in which limit fails" in command("limit.test.yaml").stderr


def test_a_suite_that_would_say_something_else_is_not_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The conversion is not trusted: each suite is run both ways."""
    kaptest(folder)
    monkeypatch.setattr("hostprocess.convert._hoisted", lambda values: {"operation": "DELETE"})
    result = convert()
    assert result.return_value == 2
    assert "kaptest.yaml:10: the case 'CREATE Deployment few' is passed as it is, and failed (expected allow, got " in result.stderr
    assert not (folder / "limit.test.yaml").exists()


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        (["."], "nothing to convert in .: there is no suite of kaptest, kyverno test or gator"),
        (["native.test.yaml"], "nothing to convert in native.test.yaml: native.test.yaml needs no conversion"),
    ],
)
def test_nothing_to_convert(folder: Path, paths: list[str], message: str) -> None:
    if paths != ["."]:
        write_suite(folder, [], name="native")
        (folder / "native.test.yaml").write_text((folder / "native.test.yaml").read_text().replace("cases: []", "cases: [{name: a, expect: allow}]"))
    assert str(convert(*paths).exception) == message


def test_files_that_are_no_suites(folder: Path) -> None:
    (folder / "x.yaml").write_text("a: b\n")
    result = convert("x.yaml", "none.yaml")
    assert result.return_value == 2
    assert [one.partition(";")[0] for one in result.stderr.splitlines()] == ["error: x.yaml: is no test suite", "error: none.yaml: no such file or folder"]
    assert str(convert("--output", "").exception) == "--output: the path is empty"


def test_a_folder_that_cannot_be_written(folder: Path) -> None:
    kaptest(folder)
    (folder / "out").write_text("a file\n")
    assert str(convert("-o", "out").exception) == "out/limit.test.yaml: cannot be written: File exists"
    assert sorted(os.listdir(folder)) == ["few.yaml", "kaptest.yaml", "others.yaml", "out", "policies"]


def test_policies_made_for_the_suite_say_what_of(folder: Path) -> None:
    policy = {
        "apiVersion": "policies.kyverno.io/v1",
        "kind": "ValidatingPolicy",
        "metadata": {"name": "named"},
        "spec": {
            "matchConstraints": {"resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}]},
            "validations": [{"expression": "object.metadata.name.startsWith('a')"}],
        },
    }
    rows = [{"policy": "named", "resources": [name], "result": result} for name, result in (("a", "pass"), ("b", "fail"))]
    head = {"apiVersion": "cli.kyverno.io/v1alpha1", "kind": "Test", "policies": ["named.yaml"], "resources": ["pods.yaml"]}
    write(folder, named=policy, pods=[pod("a"), pod("b")], **{"kyverno-test": {**head, "results": rows}})
    assert convert("-o", "out").return_value == 0
    lines = (folder / "out" / "named.policy.yaml").read_text().splitlines()
    assert lines[0] == "# Made of ../named.yaml by `hostprocess convert`: when that changes, make it anew."
    assert lines.count("kind: ValidatingAdmissionPolicyBinding") == 1
    assert "policy: named.policy.yaml" in (folder / "out" / "named.test.yaml").read_text()


@pytest.mark.parametrize(
    "text",
    [
        "kind: Suite\napiVersion: example.com/v1\ntests: []\n",  # test.gatekeeper.sh is elsewhere
        "kind: Test\napiVersion: v1\npolicies: []\nresults: []\n",
        "testSuites: []\n",
        "metadata: {about: test.gatekeeper.sh}\nkind: Suite\n",
        "a:\n  vapTestSuites: []\n  policies: []\n",
    ],
)
def test_other_files_are_left_alone(folder: Path, text: str) -> None:
    (folder / "suite.yaml").write_text(text)
    assert str(convert().exception).startswith("nothing to convert in .: ")


# Reports.


def test_vacuous_rows_have_an_outcome_of_their_own(folder: Path) -> None:
    kaptest(folder)
    result = command("kaptest.yaml", "--junit", "report.xml")
    assert result.return_value == 1
    assert result.stdout.startswith("kaptest.yaml ..FV\n")
    assert "\n1 failed, 1 vacuous, 2 passed in " in result.stdout
    assert command("kaptest.yaml", "-v").stdout.splitlines()[3] == "kaptest.yaml::CREATE Deployment only VACUOUS"
    report = json.loads(command("kaptest.yaml", "--format", "json").stdout)
    assert {key: report["summary"][key] for key in ("passed", "failed", "vacuous")} == {"passed": 2, "failed": 1, "vacuous": 1}
    assert [one["outcome"] for one in report["cases"]] == ["passed", "passed", "failed", "vacuous"]
    found = [one.get("type") for one in ElementTree.parse(folder / "report.xml").getroot().iter("failure")]
    assert found == [None, "vacuous"]


def test_a_vacuous_row_alone_is_no_success(folder: Path) -> None:
    kaptest(folder)
    result = command("kaptest.yaml", "-k", "only")
    assert result.return_value == 1
    assert "\n1 vacuous, 3 deselected in " in result.stdout
    assert "\n1 vacuous, 3 deselected in " in command("kaptest.yaml", "--lf").stdout


def test_pytest_collects_them(folder: Path) -> None:
    kaptest(folder, f"{SUITE}mapTestSuites: [{{policy: m, tests: []}}]\n")
    (folder / "pytest.ini").write_text("[pytest]\nhostprocess_suites = kaptest.yaml\n")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run([sys.executable, "-m", "pytest"], cwd=folder, capture_output=True, text=True, check=False, env=environment)
    assert "3 failed, 2 passed" in done.stdout
    assert "vacuous: kaptest calls this passed" in done.stdout
    assert "mapTestSuites[0]: tests a MutatingAdmissionPolicy" in done.stdout
    assert "Traceback" not in done.stdout


# What our own format has for them.


def test_one_policy_of_several(folder: Path) -> None:
    policies = [vap("limit", "object.spec.replicas <= 5"), vap("never", "false"), binding("never", "Warn")]
    write(folder, both=policies, few=deployment("few"), many=deployment("many", 9))
    top = "policy: both.yaml\nonly: HERE\ndefaults: {raw: true, namespace: a}\n"
    cases = "cases:\n- {name: few, object: few.yaml, expect: allow}\n- {name: many, object: many.yaml, expect: deny}\n"
    (folder / "a.test.yaml").write_text(top.replace("HERE", "limit") + cases)
    assert (command("a.test.yaml").return_value, command("a.test.yaml").stderr) == (0, "")
    (folder / "a.test.yaml").write_text(top.replace("HERE", "limits") + cases)
    assert str(refusal(folder / "a.test.yaml")).endswith(
        ":2:1: only: there is no policy 'limits' in these files; did you mean 'limit'?; there are limit, never"
    )


def test_counted_messages(tmp_path: Path) -> None:
    base = {"name": "a", "set": {"spec.replicas": 50}, "expect": "deny"}
    counted = [{"matches": "most", "count": 1}, {"matches": "^at"}, {"matches": "least", "count": 0}]
    assert failures(tmp_path, {**base, "messages": counted}) == []
    wrong = [{"matches": "most", "count": 2}, {"matches": "least"}, {"matches": "at", "count": 0}]
    (failure,) = failures(tmp_path, {**base, "messages": wrong})
    assert failure.problems == (
        "expected 2 failing validations with a message that matches 'most', got 1",
        "no message of a failing validation matches 'least'",
        "expected 0 failing validations with a message that matches 'at', got 1",
    )
    path = write_suite(tmp_path, [{**base, "messages": [{"matches": "("}]}])
    assert "messages: is no RE2 expression" in str(refusal(path))


def test_dry_runs(tmp_path: Path) -> None:
    cases = [{"name": str(one), "expression": "request.dryRun", "value": one, **({"dryRun": True} if one else {})} for one in (True, False)]
    assert failures(tmp_path, *cases) == []

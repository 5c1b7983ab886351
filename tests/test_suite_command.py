"""`hostprocess test`: which files and cases, what is printed and written, exit codes."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import Result

from hostprocess.errors import UsageError
from hostprocess.rules import built_in_folder
from hostprocess.suite.keywords import matcher
from suites import ALLOWS, DENIES, DEPLOYMENT, POLICY, command, write_suite
from support import rule_text, write_pack

WRONG = {"name": "wrong", "set": {"spec.replicas": 9}, "expect": "allow"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lines(result: Result) -> list[str]:
    return [line for line in result.stdout.splitlines() if line]


def test_the_suites_of_the_built_in_rules(folder: Path) -> None:
    result = command(built_in_folder())
    assert result.return_value == 0, result.output
    assert lines(result)[-1].split(" ", 1)[1].startswith("passed in ")
    assert int(lines(result)[-1].split()[0]) > 1000


def test_all_is_well(folder: Path) -> None:
    write_suite(folder, [ALLOWS, DENIES])
    result = command()
    assert (result.return_value, lines(result)[0]) == (0, "replicas.test.yaml ..")
    assert lines(result)[1].startswith("2 passed in ")
    assert not (folder / ".hostprocess_cache").exists()


def test_a_failure(folder: Path) -> None:
    write_suite(folder, [ALLOWS, DENIES, WRONG])
    result = command()
    assert result.return_value == 1
    assert lines(result)[:2] == ["replicas.test.yaml ..F", "replicas.test.yaml:28: case 'wrong': expected allow, got deny"]
    assert "    deny: at most 5" in lines(result)
    assert lines(result)[-1].startswith("1 failed, 2 passed in ")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["-v"], ["replicas.test.yaml::three replicas PASSED", "replicas.test.yaml::too many PASSED", "replicas.test.yaml::wrong FAILED"]),
        (["-v", "-k", "wrong or three"], ["replicas.test.yaml::three replicas PASSED", "replicas.test.yaml::wrong FAILED"]),
        (["-v", "-k", "not 'too many'"], ["replicas.test.yaml::three replicas PASSED", "replicas.test.yaml::wrong FAILED"]),
        (["-v", "-x"], ["replicas.test.yaml::three replicas PASSED", "replicas.test.yaml::too many PASSED", "replicas.test.yaml::wrong FAILED"]),
        (["-v", "replicas.test.yaml::too many"], ["replicas.test.yaml::too many PASSED"]),
    ],
)
def test_which_cases(arguments: list[str], told: list[str], folder: Path) -> None:
    write_suite(folder, [ALLOWS, DENIES, WRONG, {**WRONG, "name": "too wrong"}] if "-x" in arguments else [ALLOWS, DENIES, WRONG])
    assert [line for line in lines(command(*arguments)) if "::" in line] == told


def test_the_first_failure_ends_the_run(folder: Path) -> None:
    write_suite(folder, [ALLOWS, DENIES, WRONG], name="a")
    write_suite(folder, [ALLOWS, DENIES], name="b")
    for jobs in ("1", "2"):
        result = command("-x", "-j", jobs)
        assert (result.return_value, [line.split()[0] for line in lines(result) if line[1:].startswith(".test.yaml .")]) == (1, ["a.test.yaml"])


def test_the_order_is_that_of_the_files_whatever_the_jobs(folder: Path) -> None:
    for name in "abcdef":
        write_suite(folder, [ALLOWS, DENIES, {**WRONG, "name": name}], name=name)
    one, many = command("-v"), command("-v", "-j", "3")
    assert lines(one)[:-1] == lines(many)[:-1]
    assert [one.return_value, many.return_value] == [1, 1]


def test_the_last_failed(folder: Path) -> None:
    write_suite(folder, [ALLOWS, DENIES, WRONG])
    assert "no failed case is known" not in command("--last-failed").output
    assert (folder / ".hostprocess_cache/.gitignore").read_text() == "*\n"
    result = command("--lf", "-v")
    assert lines(result)[0] == "replicas.test.yaml::wrong FAILED"
    assert "1 failed, 2 deselected in " in lines(result)[-1]
    # What was not run has not changed; what passes now is forgotten, and then all are run.
    assert command("-k", "many").return_value == 0
    write_suite(folder, [ALLOWS, DENIES, {**WRONG, "expect": "deny"}])
    assert "1 passed, 2 deselected in " in lines(command("--lf"))[-1]
    assert lines(command("--lf"))[-1].startswith("3 passed in ")


def test_json(folder: Path) -> None:
    write_suite(folder, [ALLOWS, DENIES, WRONG])
    result = command("--format", "json")
    value = json.loads(result.stdout)
    assert result.return_value == 1
    assert {**value["summary"], "seconds": 0} == {"passed": 2, "failed": 1, "vacuous": 0, "deselected": 0, "errors": 0, "seconds": 0}
    assert [(one["id"], one["line"], one["outcome"]) for one in value["cases"]][2] == ("replicas.test.yaml::wrong", 28, "failed")
    assert value["cases"][2]["problems"] == ["expected allow, got deny"]
    assert "problems" not in value["cases"][0]


def test_junit(folder: Path) -> None:
    write_suite(folder, [ALLOWS, DENIES, {**WRONG, "name": "wro\u0007ng <&>"}])
    (folder / "bad.test.yaml").write_text("policy: x\ncases: []\n")
    result = command("--junit", "report.xml")
    top = ElementTree.parse(folder / "report.xml").getroot()
    assert result.return_value == 2
    assert {key: top.get(key) for key in ("tests", "failures", "errors", "skipped")} == {"tests": "4", "failures": "1", "errors": "1", "skipped": "0"}
    bad, good = top.findall("testsuite")
    assert [one.get("name") for one in (bad, good)] == ["bad.test.yaml", "replicas.test.yaml"]
    case = good.findall("testcase")[2]
    assert {key: case.get(key) for key in ("name", "file", "line", "classname")} == {
        "name": "wro\\x07ng <&>",
        "file": "replicas.test.yaml",
        "line": "28",
        "classname": "replicas",
    }
    (failure,) = case
    assert (failure.tag, failure.get("message")) == ("failure", "expected allow, got deny")
    assert "deny: at most 5" in (failure.text or "")
    assert [one.tag for one in bad.findall("testcase")[0]] == ["error"]
    assert [one.name for one in folder.iterdir() if one.name.startswith(".report")] == []


def test_a_report_that_cannot_be_written(folder: Path) -> None:
    write_suite(folder, [ALLOWS, DENIES])
    result = command("--junit", "none/report.xml")
    assert isinstance(result.exception, UsageError)
    assert "--junit: none/report.xml cannot be written: No such file" in str(result.exception)


@pytest.mark.parametrize(
    ("cases", "told"),
    [
        ([ALLOWS], "cases: no case in which replicas fails: a policy that always says the same is not tested; add one that expects deny, warn or audit"),
        ([DENIES], "no case in which replicas passes: a policy that always says the same is not tested; add one that expects allow"),
        ([{**ALLOWS, "object": DEPLOYMENT, "set": {"metadata.namespace": "kube-system"}, "expect": "skip"}], "no case in which replicas passes or fails"),
        ([{"name": "a", "variable": "limit", "value": 5}], "no case in which replicas passes or fails"),
        ([ALLOWS, {"name": "a", "expect": "yes"}], "cases[1].expect: 'yes' is no outcome; write `expect: allow`"),
    ],
)
def test_a_suite_that_tests_too_little(cases: list[Any], told: str, folder: Path) -> None:
    write_suite(folder, cases)
    result = command()
    assert result.return_value == 2
    assert told in result.stderr
    assert result.stderr.startswith("error: replicas.test.yaml:")


def test_errors_beside_suites_that_run(folder: Path) -> None:
    write_suite(folder, [ALLOWS, DENIES, WRONG])
    (folder / "z.test.yaml").write_text("policy: none.yaml\ncases: [{name: a, expect: deny}]\n")
    result = command()
    assert (result.return_value, result.stderr) == (
        2,
        "error: z.test.yaml:1:1: policy: there is no file 'none.yaml' beside the suite: paths begin at its folder\n",
    )
    assert lines(result)[-1].startswith("1 failed, 2 passed, 1 error in ")


def test_each_policy_of_a_file_needs_a_case(folder: Path) -> None:
    other = POLICY.replace("{name: replicas}", "{name: other}").replace("object.spec.replicas <= variables.limit", "object.spec.replicas >= 0")
    write_suite(folder, [ALLOWS, DENIES], policy=POLICY + "---\n" + other)
    result = command()
    assert result.return_value == 2
    assert result.stderr == "error: replicas.test.yaml: no case in which other fails: a policy that always says the same is not tested\n"
    # Some cases alone say nothing about that.
    assert command("-k", "three").return_value == 0


def test_a_policy_with_annotations_alone_cannot_fail(folder: Path) -> None:
    start = POLICY.index("  validations:")
    write_suite(folder, [{**ALLOWS, "auditAnnotations": {"replicas": "3"}}], policy=POLICY[:start] + POLICY[POLICY.index("  auditAnnotations:") :])
    assert command().return_value == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            [],
            "there is no test suite in this folder: no *.test.yaml, no manifest with `# expect:` comments, nothing of kaptest, kyverno test or gator; "
            "those of the built-in rules are in ",
        ),
        (["none"], "none: no such file or folder"),
        (["other.yaml"], "other.yaml: is no test suite; there are the formats native, kaptest, kyverno, gator, inline"),
        (["x.test.yaml"], "x.test.yaml: is no test suite; there are the formats native, kaptest, kyverno, gator, inline"),
        (["-k", "a and"], "-k 'a and': a name is missing at the end"),
    ],
)
def test_nothing_to_run(arguments: list[str], told: str, folder: Path) -> None:
    (folder / "other.yaml").write_text("a: b\n")
    (folder / "x.test.yaml").write_text("a: b\n")
    result = command(*arguments)
    assert told in (str(result.exception) if result.exception else result.stderr)
    assert result.exception is not None or result.return_value == 2


def test_no_case_is_chosen(folder: Path) -> None:
    write_suite(folder, [ALLOWS, DENIES])
    assert str(command("-k", "nothing").exception) == "no case was chosen of 2; see -k"
    assert "replicas.test.yaml: there is no case 'four'" in command("replicas.test.yaml::four").stderr


def test_a_suite_of_a_rule(folder: Path) -> None:
    write_pack(folder, {"area/one-container.yaml": rule_text("one-container")})
    two = {"spec.containers[1]": {"name": "b", "image": "i"}}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": "shop"},
        "spec": {"hostNetwork": True, "containers": [{"name": "a", "image": "i"}]},
    }
    cases = [
        {"name": "one", "expect": "allow"},
        {"name": "two", "set": two, "expect": "deny"},
        {"name": "in the pack", "base": "pod", "namespace": "shop", "expect": "allow"},
    ]
    (folder / "area/elsewhere.test.yaml").write_text(yaml.safe_dump({"rule": "one-container", "base": pod, "cases": cases}))
    result = command("area")
    assert result.return_value == 0, result.output
    (folder / "area/elsewhere.test.yaml").write_text(yaml.safe_dump({"rule": "one-contaner", "base": pod, "cases": cases}))
    assert "rule: there is no rule 'one-contaner' in .; did you mean 'one-container'?" in command("area").stderr


def test_a_policy_that_the_api_server_refuses(folder: Path) -> None:
    write_suite(folder, [ALLOWS, DENIES], policy=POLICY.replace("variables.limit\n", "variables.limits\n"))
    result = command()
    assert result.return_value == 2
    assert result.stderr.startswith("error: policy.yaml:")
    assert "undefined field 'limits'" in result.stderr


# -k.


@pytest.mark.parametrize(
    ("expression", "name", "expected"),
    [
        ("", "a", True),
        ("a", "xAx", True),
        ("b", "a", False),
        ("not b", "a", True),
        ("a and b", "a", False),
        ("a and b", "ba", True),
        ("a or b and c", "a", True),
        ("(a or b) and c", "a", False),
        ("not (a or b)", "c", True),
        ("not not a", "a", True),
        ("'a and b'", "a and b", True),
        ('"or"', "or", True),
        ("a-b.test.yaml::c[1.30]", "a-b.test.yaml::c[1.30]", True),
    ],
)
def test_keywords(expression: str, name: str, expected: bool) -> None:
    assert matcher(expression)(name) is expected


@pytest.mark.parametrize("expression", ["and", "a or", "(a", "a)", "a b", "not", "a & b", "()", "'a"])
def test_keywords_that_are_wrong(expression: str) -> None:
    with pytest.raises(UsageError, match=r"^-k "):
        matcher(expression)

"""`hostprocess test --coverage`: what is counted of policies and rules, how it is told, and whether it is enough."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from hostprocess import api
from hostprocess.coverage_report.text import text_lines
from hostprocess.errors import UsageError
from suites import ALLOWS, DENIES, DEPLOYMENT, POLICY, command, write_suite
from support import rule_text, write_pack

ALL = [
    ALLOWS,
    DENIES,
    {"name": "an update", "oldObject": {}, "set": {"spec.replicas": 2}, "expect": "allow"},
    {"name": "labelled", "set": {"metadata.labels": {"a": "b"}}, "expect": "allow"},
    {"name": "exempt", "set": {"metadata.labels": {"exempt": ""}}, "expect": "skip"},
    {"name": "deleted", "operation": "DELETE", "expect": "allow"},
    {"name": "precious", "operation": "DELETE", "set": {"metadata.name": "precious"}, "expect": "deny"},
    {"name": "images", "variable": "images", "value": ["i:1"]},
]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def report(*arguments: str) -> Any:
    """The coverage in the JSON report."""
    value = json.loads(command("--format", "json", "--coverage", *arguments).stdout)
    assert (value["errors"], value["summary"]["failed"]) == ([], 0)
    return value["coverage"]


def missing(coverage: Any) -> list[str]:
    """What was not seen, as text: kind and name, the part, and how it was seen."""
    found = []
    for policy in coverage["policies"]:
        for one in policy["expressions"]:
            for part in one["parts"]:
                seen = "".join(word[0] for word in ("true", "false") if part.get(word)) or ("e" if part["evaluated"] else "-")
                if seen not in ("tf", "e") or ("true" in part and seen == "e"):
                    found.append(f"{one['kind']} {one['name']} {part['text']} {seen}")
        found += [f"{use['kind']} {use['name']}" for use in policy["uses"] if not use["seen"]]
    return found


def test_the_text(folder: Path) -> None:
    write_suite(folder, [ALLOWS, DENIES])
    result = command("--coverage")
    assert result.return_value == 0
    lines = result.stdout.splitlines()[1:-1]
    assert [line for line in lines if "^" not in line] == [
        "",
        "policy.yaml: policy replicas: 53.1 % (17 of 32)",
        "  policy.yaml:8:81: no case about the operation UPDATE",
        "  policy.yaml:8:89: no case about the operation DELETE",
        "  policy.yaml:10:39: matchCondition not-exempt: never false",
        "  policy.yaml:10:39: matchCondition not-exempt: never true: object == null",
        "  policy.yaml:10:57: matchCondition not-exempt: never false: !has(object.metadata.labels)",
        "  policy.yaml:10:89: matchCondition not-exempt: never evaluated: !('exempt' in object.metadata.labels)",
        "    10 | - {name: not-exempt, expression: \"object == null || !has(object.metadata.labels) || !('exempt' in object.metadata.labels)\"}",
        "  policy.yaml:13:35: variable images: never evaluated",
        '    13 | - {name: images, expression: "object.spec.template.spec.containers.map(c, c.image)"}',
        "  policy.yaml:15:19: validations[0]: never true: object == null",
        "    15 | - expression: object == null || object.spec.replicas <= variables.limit",
        "  policy.yaml:17:19: validations[1]: never false",
        "  policy.yaml:17:19: validations[1]: never false: request.operation != 'DELETE'",
        "  policy.yaml:17:52: validations[1]: never evaluated: oldObject.metadata.name != 'precious'",
        "    17 | - expression: request.operation != 'DELETE' || oldObject.metadata.name != 'precious'",
        "  policy.yaml:20:41: auditAnnotation replicas: never true: object == null",
        "    20 | - {key: replicas, valueExpression: \"object == null ? '' : string(object.spec.replicas)\"}",
        "",
        "coverage",
        "  policy.yaml: replicas   53.1 %  17/32",
        "total coverage: 53.1 % (17 of 32)",
    ]
    marked = [(above, marks) for above, marks in itertools.pairwise(lines) if "^" in marks]
    assert [[above[match.start() : match.end()] for match in re.finditer(r"\^+", marks)] for above, marks in marked] == [
        ["object == null", "!has(object.metadata.labels)", "!('exempt' in object.metadata.labels)"],
        ["object.spec.template.spec.containers.map(c, c.image)"],
        ["object == null"],
        ["request.operation != 'DELETE'", "oldObject.metadata.name != 'precious'"],
        ["object == null"],
    ]


def test_all_of_it(folder: Path) -> None:
    write_suite(folder, ALL)
    assert missing(report()) == []
    result = command("--coverage", "--fail-under", "100")
    assert (result.return_value, result.stdout.splitlines()[-4:-1]) == (
        0,
        ["coverage", "  policy.yaml: replicas  100.0 %  32/32", "total coverage: 100.0 % (32 of 32)"],
    )


@pytest.mark.parametrize(
    ("left_out", "unseen"),
    [
        ("an update", ["operation UPDATE"]),
        ("labelled", ["matchCondition not-exempt !('exempt' in object.metadata.labels) f"]),
        ("exempt", ["matchCondition not-exempt object == null || !has(object.metadata.labels) || !('exempt' in object.metadata.labels) t"]),
        ("precious", ["validation validations[1] request.operation != 'DELETE' || oldObject.metadata.name != 'precious' t"]),
        ("images", ["variable images object.spec.template.spec.containers.map(c, c.image) -", "variable images c.image -"]),
    ],
)
def test_each_case_counts(left_out: str, unseen: list[str], folder: Path) -> None:
    write_suite(folder, [case for case in ALL if case["name"] != left_out])
    assert set(unseen) <= set(missing(report()))


def test_the_json_report(folder: Path) -> None:
    write_suite(folder, [ALLOWS, DENIES])
    result = command("--coverage-report", "json", "--coverage-report", "text=x.txt")
    assert "coverage is in coverage.json" in result.stdout.splitlines()
    assert (folder / "x.txt").read_text().splitlines()[-1] == "total coverage: 53.1 % (17 of 32)"
    value = json.loads((folder / "coverage.json").read_text())
    assert value == report()
    (policy,) = value.pop("policies")
    assert value == {"covered": 17, "points": 32, "percent": 53.1, "partial": "", "notes": []}
    assert {key: policy[key] for key in ("kind", "name", "path", "line", "percent")} == {
        "kind": "policy", "name": "replicas", "path": "policy.yaml", "line": 3, "percent": 53.1,
    }  # fmt: skip
    found = next(one for one in policy["expressions"] if one["kind"] == "validation")

    def part(start: int, end: int, seen: str, whole: bool = False) -> dict[str, Any]:
        place = {"start": start, "end": end, "line": 15, "column": 19 + start, "endLine": 15, "endColumn": 19 + end, "text": found["text"][start:end]}
        return {**place, "whole": whole, "evaluated": True, "true": "t" in seen, "false": "f" in seen}

    assert found == {
        "kind": "validation",
        "name": "validations[0]",
        "field": "spec.validations[0].expression",
        "line": 15,
        "column": 19,
        "text": "object == null || object.spec.replicas <= variables.limit",
        "parts": [
            part(0, 57, "tf", whole=True),
            part(0, 14, "f"),
            part(18, 57, "tf"),
        ],
    }  # fmt: skip
    assert policy["uses"][0] == {
        "kind": "operation", "name": "CREATE", "field": "spec.matchConstraints.resourceRules[0].operations[0]", "line": 8, "column": 73, "seen": True,
    }  # fmt: skip


def test_lcov(folder: Path) -> None:
    write_suite(folder, [ALLOWS, DENIES])
    command("--coverage-report", "lcov=out.info")
    lines = (folder / "out.info").read_text().splitlines()
    assert lines[:2] == ["TN:", "SF:policy.yaml"]
    assert lines[-1] == "end_of_record"
    branches = [tuple(line.removeprefix("BRDA:").split(",")) for line in lines if line.startswith("BRDA:")]
    # Line 15: the whole, `object == null`, the comparison; each true, then false.
    assert [one[1:] for one in branches if one[0] == "15"] == [
        ("0", "0", "1"),
        ("0", "1", "1"),
        ("1", "0", "0"),
        ("1", "1", "1"),
        ("2", "0", "1"),
        ("2", "1", "1"),
    ]
    assert [one[3] for one in branches if one[0] == "17"] == ["1", "0", "1", "0", "-", "-"]
    counts = {key: int(value) for key, value in (line.split(":") for line in lines if re.match("(LF|LH|BRF|BRH):", line))}
    data = dict(line.removeprefix("DA:").split(",") for line in lines if line.startswith("DA:"))
    assert data == {"8": "1", "10": "1", "12": "1", "13": "0", "15": "1", "16": "1", "14": "1", "17": "1", "20": "1"}
    assert counts == {"LF": len(data), "LH": len(data) - 1, "BRF": len(branches), "BRH": sum(one[3] == "1" for one in branches)}


def test_processes_and_files_are_put_together(folder: Path) -> None:
    write_suite(folder, [ALLOWS, DENIES], name="a")
    write_suite(folder, [ALLOWS, *ALL[1:4]], name="b")
    write_suite(folder, [ALLOWS, DENIES, *ALL[4:]], name="c")
    one, two = report(), report("--jobs", "2")
    assert one == two
    assert one["percent"] == 100
    assert len(one["policies"]) == 1


def test_too_little(folder: Path) -> None:
    write_suite(folder, [ALLOWS, DENIES])
    result = command("--fail-under", "53.2")
    assert (result.return_value, result.stderr) == (1, "error: total coverage is 53.1 % (17 of 32): below the 53.2 % of --fail-under\n")
    assert command("--fail-under", "53.1").return_value == 0


def test_a_share_is_never_rounded_up(folder: Path) -> None:
    write_suite(folder, [case for case in ALL if case["name"] != "an update"])
    result = command("--fail-under", "96.9")
    assert (result.return_value, "total coverage: 96.8 % (31 of 32)" in result.stdout) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "partial"),
    [
        (["-k", "three or many"], "2 of 8 cases were run"),
        (["replicas.test.yaml::three replicas"], "1 of 8 cases were run"),
        (["--lf"], "1 of 8 cases were run"),
        (["-x"], "the run ended at the first failure"),
    ],
)
def test_what_is_partial_says_so(arguments: list[str], partial: str, folder: Path) -> None:
    wrong = {**ALL[2], "expect": "deny"}
    write_suite(folder, [*ALL[:2], wrong, *ALL[3:]])
    command()  # for --lf
    result = command("--fail-under", "100", *arguments)
    assert result.return_value == 1
    assert f", partial: {partial}" in result.stdout
    assert f", partial: {partial}: below the 100 % of --fail-under" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--coverage-report", "lcv"], "--coverage-report: there is no format 'lcv'; did you mean 'lcov'?; there are text, json, lcov"),
        (["--coverage-report", "json="], "--coverage-report json=: the name of the file is missing"),
        (["--coverage-report", "json=no/such/folder/x"], "--coverage-report: no/such/folder/x cannot be written: No such file or directory"),
    ],
)
def test_wrong_options(arguments: list[str], words: str, folder: Path) -> None:
    write_suite(folder, [ALLOWS, DENIES])
    result = command(*arguments)
    assert isinstance(result.exception, UsageError)
    assert str(result.exception) == words


def test_a_pipe_is_written_to_and_stays_one(folder: Path) -> None:
    write_suite(folder, [ALLOWS, DENIES])
    os.mkfifo("pipe")
    found: list[str] = []
    reader = threading.Thread(target=lambda: found.append((folder / "pipe").read_text()), daemon=True)
    reader.start()
    command("--coverage-report", "lcov=pipe")
    reader.join(timeout=30)
    assert found
    assert found[0].endswith("end_of_record\n")
    assert (folder / "pipe").is_fifo()


def test_what_is_unreachable(folder: Path) -> None:
    cases = [case for case in ALL if case["name"] not in ("precious", "images")]
    unreachable = [
        {"part": "request.operation != 'DELETE'  || oldObject.metadata.name != 'precious'", "never": False, "because": "nothing is precious"},
        {"part": "oldObject.metadata.name != 'precious'", "never": False, "because": "nothing is precious"},
        {"part": "object.spec.template.spec.containers.map(c, c.image)", "never": "evaluated", "because": "nobody reads it"},
    ]
    write_suite(folder, cases, unreachable=unreachable)
    coverage = report("--fail-under", "100")
    assert (coverage["covered"], coverage["points"]) == (28, 28)
    left_out = {part["text"]: part["unreachable"] for one in coverage["policies"][0]["expressions"] for part in one["parts"] if "unreachable" in part}
    assert left_out == {
        "request.operation != 'DELETE' || oldObject.metadata.name != 'precious'": ["false"],
        "oldObject.metadata.name != 'precious'": ["false"],
        "object.spec.template.spec.containers.map(c, c.image)": ["true", "false", "evaluated"],
        "c.image": ["true", "false", "evaluated"],
    }


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"part": "object == null", "never": True}, "unreachable: 'object == null' is true in a case: take it off the list"),
        ({"part": "object == null", "never": "evaluated"}, "unreachable: 'object == null' is evaluated in a case: take it off the list"),
        ({"part": "object == nul", "never": True}, "unreachable: there is no part 'object == nul' that could be true in what the suite is about"),
        ({"part": "string(object.spec.replicas)", "never": False}, "that could be false in what the suite is about"),
    ],
)
def test_what_is_not_unreachable(entry: dict[str, Any], words: str, folder: Path) -> None:
    write_suite(folder, ALL, unreachable=[{**entry, "because": "so they say"}])
    result = command("--coverage")
    assert result.return_value == 2
    assert words in result.stderr
    assert result.stderr.startswith("error: replicas.test.yaml:")
    assert command().return_value == 0


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"part": "x", "never": True}, "the key 'because' is missing"),
        ({"part": "x", "never": "false", "because": "y"}, "'false' is not one of True, False, evaluated"),
    ],
)
def test_a_wrong_entry(entry: dict[str, Any], words: str, folder: Path) -> None:
    write_suite(folder, ALL, unreachable=[entry])
    result = command()
    assert result.return_value == 2
    assert words in result.stderr


def test_nothing_to_cover(folder: Path) -> None:
    """Manifests that rules of a pack judge are no tests of those rules."""
    pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: i}]}\n"
    (folder / "pod.yaml").write_text(f"# expect: skip\n{pod}")
    assert report("pod.yaml")["points"] == 0
    assert "nothing is there to be covered" in command("pod.yaml", "--coverage").stdout.splitlines()
    result = command("pod.yaml", "--fail-under", "1")
    assert isinstance(result.exception, UsageError)
    assert str(result.exception).startswith("--fail-under: nothing is there to be covered")


def test_messages_count_where_the_validation_fails(folder: Path) -> None:
    policy = POLICY.replace("'at most ' + string(variables.limit)", "has(object.metadata.labels) ? 'labelled' : 'at most ' + string(variables.limit)")
    labelled = {"metadata.labels": {"a": "b"}}
    passing = {"name": "labelled", "set": labelled, "expect": "allow"}
    write_suite(folder, [ALLOWS, DENIES, passing], policy=policy)
    assert "messageExpression validations[0] has(object.metadata.labels) f" in missing(report())
    write_suite(folder, [ALLOWS, DENIES, passing, {**passing, "name": "failing", "set": {**labelled, "spec.replicas": 9}, "expect": "deny"}], policy=policy)
    assert not [one for one in missing(report()) if one.startswith("messageExpression")]


def test_excluded_requests_and_lists_of_containers(folder: Path) -> None:
    policy = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: images}
spec:
  matchConstraints:
    resourceRules:
      - {apiGroups: [""], apiVersions: [v1], operations: ["*"], resources: [pods]}
      - {apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments, daemonsets]}
    excludeResourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: ["*"], resources: [deployments], resourceNames: [web]}]
  variables:
    - name: spec
      expression: "has(object.spec.template) ? object.spec.template.spec : object.spec"
    - name: unread
      expression: has(object.kind)
  validations:
    - expression: |
        [variables.spec].all(spec,
          spec.containers.all(c, c.image != 'bad')
          && (!has(spec.initContainers) || spec.initContainers.all(c, c.image != 'bad'))
          && (!has(spec.ephemeralContainers) || spec.ephemeralContainers.all(c, c.image != 'bad')))
      message: a bad image
"""
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "shop"}, "spec": {"containers": [{"name": "c", "image": "good"}]}}
    bad = {"base": pod, "set": {"spec.containers[0].image": "bad"}, "expect": "deny"}
    write_suite(folder, [{"name": "good", "base": pod, "expect": "allow"}, {"name": "bad", **bad}], policy=policy, name="images")
    uses = [
        "resource deployments",
        "resource daemonsets",
        "operation CREATE",
        "excluded deployments",
        "containers initContainers",
        "containers ephemeralContainers",
    ]
    found = missing(report())
    assert sorted(one for one in found if one.split()[0] in ("operation", "resource", "excluded", "containers")) == sorted(uses)
    assert "variable unread has(object.kind) -" in found
    assert "validation validations[0] spec.initContainers.all(c, c.image != 'bad') -" in found
    (policy_report,) = report()["policies"]
    place = next(part for one in policy_report["expressions"] for part in one["parts"] if part["text"].startswith("spec.initContainers"))
    assert (place["line"], place["column"]) == (19, 44)
    more = [
        {"name": "excluded", "base": DEPLOYMENT, "expect": "skip"},
        {"name": "a deployment", "base": DEPLOYMENT, "set": {"metadata.name": "other"}, "expect": "allow"},
        {"name": "init", "base": pod, "set": {"spec.initContainers": [{"name": "i", "image": "bad"}]}, "expect": "deny"},
    ]
    write_suite(folder, [{"name": "good", "base": pod, "expect": "allow"}, {"name": "bad", **bad}, *more], policy=policy, name="images")
    found = missing(report())
    assert [one for one in found if one.split()[0] in ("operation", "resource", "excluded", "containers")] == [
        "resource daemonsets",
        "containers ephemeralContainers",
    ]


SAME = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {{name: {name}}}
spec:
  matchConstraints: {{resourceRules: [{{apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [{resource}]}}]}}
  matchConditions: [{{name: labelled, expression: has(object.metadata.labels)}}]
  variables: [{{name: few, expression: object.spec.replicas < 5}}]
  validations:
    - expression: has(object.metadata.labels)
    - expression: variables.few
"""


def test_the_same_text_in_several_places_counts_for_each(folder: Path) -> None:
    """What a condition has seen its validation has not, nor what another policy has."""
    policies = "---\n".join(SAME.format(name=name, resource=resource) for name, resource in (("one", "deployments"), ("two", "replicasets")))
    labelled = {"metadata.labels": {"a": "b"}}
    cases = [
        {"name": "labelled", "set": labelled, "expect": "allow"},
        {"name": "plain", "expect": "skip"},
        {"name": "many", "set": {**labelled, "spec.replicas": 9}, "expect": "deny"},
        {"name": "another", "set": {**labelled, "kind": "ReplicaSet"}, "expect": "allow"},
    ]
    write_suite(folder, cases, policy=policies)
    value = json.loads(command("--format", "json", "--coverage").stdout)
    found = {one["name"]: missing({"policies": [one]}) for one in value["coverage"]["policies"]}
    assert found == {
        "one": ["validation validations[0] has(object.metadata.labels) t"],
        "two": [
            "matchCondition labelled has(object.metadata.labels) t",
            "variable few object.spec.replicas < 5 t",
            "validation validations[0] has(object.metadata.labels) t",
            "validation validations[1] variables.few t",
        ],
    }


RULE_SUITE = """\
rule: {name}
base: pod
cases:
  - {{name: passes, expect: allow}}
  - {{name: fails, set: {{spec.containers: [{{name: a}}, {{name: b}}]}}, expect: deny}}
"""
SKIPPED = "  - {name: on its own network, unset: [spec.hostNetwork], expect: skip}\n"
MORE = """\
  - {name: bad, set: {spec.containers: [{name: bad}, {name: a}]}, expect: deny}
  - {name: a bad image, set: {"spec.containers[0].image": x}, expect: deny}
  - {name: good, set: {"spec.containers[0].image": z}, expect: allow}
"""
EACH = """\
  - each: named
    expression: "label != 'bad' && (!has(item.image) || item.image != 'x')"
    message: a bad container
    messageExpression: "has(variables.podSpec.hostNetwork) ? 'a' : 'b'"
    path: name
"""


def a_pack(folder: Path, *names: str) -> Path:
    """A pack with these rules, and a suite of each."""
    pack = folder / "pack"
    pack.mkdir()
    write_pack(pack, {f"area/{name}.yaml": rule_text(name, ("    path: spec.containers\n", f"    path: spec.containers\n{EACH}")) for name in names})
    for name in names:
        (pack / "area" / f"{name}.test.yaml").write_text(RULE_SUITE.format(name=name))
    return pack


def of_rule(coverage: Any, name: str) -> list[str]:
    """What was not seen of one rule."""
    return missing({"policies": [one for one in coverage["policies"] if one["name"] == name and one["kind"] == "rule"]})


def test_a_rule(folder: Path) -> None:
    pack = a_pack(folder, "one", "two")
    suite = pack / "area" / "one.test.yaml"
    coverage = report("pack/area/one.test.yaml")
    label = "label != 'bad' && (!has(item.image) || item.image != 'x')"
    assert of_rule(coverage, "one") == [
        "when when variables.hostNetwork t",
        f"validation validations[1] {label} t",  # for all of them
        f"validation validations[1] {label} t",  # for one
        "validation validations[1] label != 'bad' t",
        "validation validations[1] !has(item.image) || item.image != 'x' t",
        "validation validations[1] !has(item.image) t",
        "validation validations[1] item.image != 'x' -",
        "messageExpression validations[1] has(variables.podSpec.hostNetwork) ? 'a' : 'b' -",
        "messageExpression validations[1] has(variables.podSpec.hostNetwork) -",
    ]
    (unit,) = coverage["policies"]
    assert coverage["notes"] == ["pack/pack.yaml: what the rules share counts where the suites of all of them are run"]
    parts = {part["text"]: (part["line"], part["column"]) for one in unit["expressions"] for part in one["parts"]}
    lines = (pack / "area" / "one.yaml").read_text().split("\n")
    for text in ("item.image != 'x'", "has(variables.podSpec.hostNetwork)", "size(variables.containers) < 2", "variables.hostNetwork"):
        line, column = parts[text]
        assert lines[line - 1][column - 1 :].startswith(text)
    # A scope that is false is a `when` that is false, though the condition of the policy has said so before.
    suite.write_text(suite.read_text() + SKIPPED)
    assert "when when variables.hostNetwork t" not in of_rule(report(str(suite)), "one")
    suite.write_text(suite.read_text() + MORE)
    assert of_rule(report(str(suite)), "one") == ["messageExpression validations[1] has(variables.podSpec.hostNetwork) t"]


def test_what_rules_share(folder: Path) -> None:
    pack = a_pack(folder, "one", "two")
    coverage = report("pack")
    assert coverage["notes"] == []
    (shared,) = [one for one in coverage["policies"] if one["kind"] == "pack"]
    assert (shared["path"], shared["name"]) == ("pack/pack.yaml", "mine")
    assert {one["name"]: one["seen"] for one in shared["uses"]} == {"CREATE": False, "UPDATE": False, "pods": True, "deployments": False}
    assert [one["name"] for one in shared["expressions"] if one["kind"] == "variable"] == ["podTemplate", "podSpec", "containers", "hostNetwork", "named"]
    assert "scope hostNetwork has(template.spec.hostNetwork) t" in missing({"policies": [shared]})
    assert "let named.label" not in " ".join(missing({"policies": [shared]}))
    (pack / "area" / "one.test.yaml").write_text((pack / "area" / "one.test.yaml").read_text() + SKIPPED)
    assert "scope hostNetwork has(template.spec.hostNetwork) t" not in missing(
        {"policies": [one for one in report("pack")["policies"] if one["kind"] == "pack"]}
    )


def test_a_rule_without_a_suite_counts(folder: Path) -> None:
    pack = a_pack(folder, "one", "two")
    (pack / "area" / "two.test.yaml").unlink()
    coverage = report("pack")
    assert coverage["notes"] == ["pack/area/two.yaml: there is no suite of this rule"]
    (two,) = [one for one in coverage["policies"] if one["name"] == "two"]
    assert (two["covered"], two["points"]) == (0, 7)


def test_nothing_of_it_is_loaded_without_need() -> None:
    script = "import sys, hostprocess.cli, hostprocess.api, hostprocess.pytest_plugin; print(*(one for one in sys.modules if 'hostprocess.coverage' in one))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_manifests_judged_by_policies_of_ones_own_count(folder: Path) -> None:
    write_suite(folder, [ALLOWS, DENIES])
    (folder / "web.yaml").write_text(f"# expect: allow\n{yaml.safe_dump(DEPLOYMENT)}")
    coverage = report("web.yaml", "--policies", "policy.yaml")
    assert [(one["name"], one["covered"] > 0) for one in coverage["policies"]] == [("replicas", True)]


def test_colours_are_for_terminals(folder: Path) -> None:
    write_suite(folder, [ALLOWS, DENIES])
    assert "\x1b" not in command("--coverage").stdout


def test_long_lines_are_cut(folder: Path) -> None:
    long = " && ".join(f"object.metadata.name != 'a-name-that-nobody-has-{number}'" for number in range(60))
    write_suite(
        folder, [ALLOWS, DENIES], policy=POLICY.replace("object == null || object.spec.replicas <= variables.limit", f"object.spec.replicas < 9 && {long}")
    )
    lines = command("--coverage").stdout.splitlines()
    assert max(map(len, lines)) < 400
    marked = [(above, marks) for above, marks in itertools.pairwise(lines) if marks.startswith("       |") and "nobody" in above]
    assert marked
    for above, marks in marked:
        for match in re.finditer(r"\^+", marks):
            assert above[match.start() : match.end()].startswith("object.metadata.name")


def test_what_is_not_written_as_it_is_read_is_shown_itself(folder: Path) -> None:
    """What other formats make of their files has expressions that stand nowhere."""
    write_suite(folder, [ALLOWS, DENIES])
    found = api.run_suites(["replicas.test.yaml"], coverage=True).coverage
    assert found is not None
    (unit,) = found.units
    moved = [replace(one, steps=("spec", "made", "up")) for one in unit.expressions if one.name == "validations[1]"]
    lines = list(text_lines(replace(found, units=(replace(unit, expressions=tuple(moved)),))))
    at = next(number for number, line in enumerate(lines) if line.startswith("      | request.operation"))
    assert lines[at] == "      | request.operation != 'DELETE' || oldObject.metadata.name != 'precious'"
    assert lines[at + 1].index("^") == lines[at].index("request")


def test_text_of_a_policy_cannot_write_to_the_terminal(folder: Path) -> None:
    write_suite(folder, [ALLOWS, DENIES], policy=POLICY.replace("'precious'", "'\u200bprecious'"))
    assert "\u200b" not in command("--coverage").stdout

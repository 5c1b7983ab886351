"""What each report format says about findings: places, gravity, fixes, what is excepted, and names that stay when things move."""

from __future__ import annotations

import json
import xml.etree.ElementTree
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from hostprocess.api import check_files, load_policies
from hostprocess.model import ExceptedBy, InputProblem, Outcome, Report
from hostprocess.report.findings import Fingerprints, findings
from hostprocess.report.sarif import uri
from reports import decision, excepted, foreign, report, report_of, result, unread, written
from support import pod

ALL = [result(decision(outcome), name=outcome) for outcome in Outcome if outcome not in (Outcome.EXCEPTED, Outcome.ALLOW, Outcome.SKIP)]
HOST_PROCESS = {"windowsOptions": {"hostProcess": True}}


def sarif(of: Report) -> dict[str, Any]:
    (run,) = json.loads(written(of, "sarif"))["runs"]
    return dict(run)


def test_sarif_points_at_the_line_and_column() -> None:
    found = next(one for one in sarif(report_of("findings"))["results"] if one["ruleId"] == "requires-host-network")
    (place,) = found["locations"]
    assert found["level"] == "error"
    assert found["message"]["text"].startswith("DaemonSet devices/gpu-device-plugin: hostNetwork must be true")
    assert place["physicalLocation"]["region"] | {"startLine": 22, "startColumn": 9} == place["physicalLocation"]["region"]
    assert place["physicalLocation"]["region"]["snippet"]["text"].strip() == "spec:"
    context = place["physicalLocation"]["contextRegion"]
    assert (context["startLine"], context["endLine"], context["snippet"]["text"].count("\n")) == (20, 24, 4)
    assert place["logicalLocations"][0]["fullyQualifiedName"] == "DaemonSet devices/gpu-device-plugin/spec.template.spec.hostNetwork"


def test_sarif_says_what_rules_are_about() -> None:
    rules = {one["id"]: one for one in sarif(report_of("nothing"))["tool"]["driver"]["rules"]}
    assert len(rules) == len(report_of("nothing").rules) > 40
    rule = rules["requires-host-network"]
    assert rule["shortDescription"]["text"] == "HostProcess pods must use the host network"
    assert rule["defaultConfiguration"] == {"level": "error"}
    assert "How to fix it: Set hostNetwork to true in the pod's spec.\n    hostprocess fix --select requires-host-network" in rule["help"]["text"]
    assert rule["helpUri"].startswith("https://kubernetes.io/")
    assert rule["properties"] == {"problem.severity": "error", "tags": ["kubernetes", "windows", "requirements"], "precision": "very-high"}


def test_sarif_of_policies_of_others(tmp_path: Path) -> None:
    run = sarif(foreign(tmp_path))
    assert [(one["id"], one["shortDescription"]["text"]) for one in run["tool"]["driver"]["rules"]] == [
        ("replicas/validations[0]", "at most five"),
        ("replicas/validations[1]", "failed expression: object.spec.replicas > 0"),
    ]
    assert "object.spec.replicas <= 5" in run["tool"]["driver"]["rules"][0]["help"]["text"]
    assert [(one["ruleId"], one["ruleIndex"]) for one in run["results"]] == [("replicas/validations[0]", 0)]
    assert "extensions" not in run["tool"]


def test_sarif_suppresses_what_is_excepted() -> None:
    run = sarif(report(result(excepted()), result(excepted("annotation"), line=9), result(line=11)))
    assert [one["suppressions"] for one in run["results"]] == [
        [{"kind": "external", "status": "accepted", "justification": "exception: agreed"}],
        [{"kind": "inSource", "status": "accepted", "justification": "annotation: agreed"}],
        [],
    ]
    assert [one["level"] for one in run["results"]] == ["error"] * 3
    assert all("suppressions" not in one for one in sarif(report(result()))["results"])


def test_sarif_says_what_could_not_be_read(tmp_path: Path) -> None:
    (invocation,) = sarif(unread(tmp_path))["invocations"]
    assert invocation["executionSuccessful"] is False
    (told,) = invocation["toolExecutionNotifications"]
    assert told["level"] == "error"
    assert told["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].endswith("/broken.yaml")
    assert sarif(report())["invocations"] == [{"executionSuccessful": True}]


def test_sarif_messages_hold_no_links() -> None:
    (found,) = sarif(report(result(decision(message="see [this](https://evil.example) or a[0] (b)"))))["results"]
    assert "see \\[this\\](https://evil.example) or a[0] (b)" in found["message"]["text"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a/b c.yaml", "a/b%20c.yaml"),
        ("./a.yaml", "a.yaml"),
        ("C:\\a.yaml", "C%3A%5Ca.yaml"),
        ("a:b.yaml", "a%3Ab.yaml"),
        ("<stdin>", "%3Cstdin%3E"),
        ("é#?.yaml", "%C3%A9%23%3F.yaml"),
        ("\udce9.yaml", "%E9.yaml"),
        ("\ud800.yaml", "%ED%A0%80.yaml"),
        ("/else where/a.yaml", "file:///else%20where/a.yaml"),
        ("../a.yaml", "../a.yaml"),
        (f"{Path.cwd()}/x/a.yaml", "x/a.yaml"),
        (f"{Path.cwd()}/../a.yaml", f"file://{Path.cwd()}/../a.yaml"),
    ],
)
def test_paths_as_uris(path: str, expected: str) -> None:
    assert uri(path) == expected


def names(path: Path, pods: Sequence[dict[str, Any]], before: str = "") -> dict[tuple[str, str], list[str]]:
    """The fingerprints of the findings in a file, by rule and object."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(before + yaml.safe_dump_all(pods))
    name, found = Fingerprints(), dict[tuple[str, str], list[str]]()
    for finding in findings(check_files([str(path)], load_policies())):
        found.setdefault((finding.about.id, finding.object), []).append(name(finding))
    return {key: sorted(value) for key, value in found.items()}


def test_fingerprints_stay_when_things_move(tmp_path: Path) -> None:
    limits = ({"cpu": "1", "memory": "1Gi"}, {"cpu": "1"})
    containers = [{"name": f"c{number}", "image": "i:1", "resources": {"limits": limit}} for number, limit in enumerate(limits)]
    one = pod("one", securityContext=HOST_PROCESS, containers=containers)
    two = pod("two", securityContext=HOST_PROCESS)
    found = names(tmp_path / "pods.yaml", [one, two])
    assert len(found) > 6
    assert names(tmp_path / "pods.yaml", [one, two], "# a comment\n---\n") == found
    assert names(tmp_path / "else" / "where.yaml", [two, one]) == found
    turned = {**one, "spec": {**one["spec"], "containers": containers[::-1]}}
    assert names(tmp_path / "pods.yaml", [turned, two]) == found
    everything = [name for value in found.values() for name in value]
    assert len(everything) == len(set(everything))


def test_fingerprints_tell_things_apart(tmp_path: Path) -> None:
    one, two = (names(tmp_path / "pods.yaml", [pod(name, securityContext=HOST_PROCESS)]) for name in ("one", "two"))
    assert not {name for value in one.values() for name in value} & {name for value in two.values() for name in value}
    elsewhere = names(tmp_path / "pods.yaml", [pod("one", "elsewhere", securityContext=HOST_PROCESS)])
    assert not {name for value in one.values() for name in value} & {name for value in elsewhere.values() for name in value}


def test_junit_fails_what_fails_the_run() -> None:
    root = xml.etree.ElementTree.fromstring(written(report(*ALL, result(excepted(), name="known")), "junit"))
    cases = {
        str(case.get("name")).split()[1].removeprefix("shop/"): [(one.tag, one.get("type")) for one in case] for case in root.iter("testcase") if list(case)
    }
    assert cases == {
        "deny": [("failure", "deny")],
        "warn": [("system-out", None)],
        "audit": [("system-out", None)],
        "error": [("error", "error")],
        "unknown": [("error", "unknown")],
        "known": [("skipped", None)],
    }
    passed = [case.get("classname") for case in root.iter("testcase") if not list(case)]
    assert passed == [rule.id for rule in report_of("nothing").rules]
    assert root.attrib == {"name": "hostprocess", "tests": str(6 + len(passed)), "failures": "1", "errors": "2"}


def test_junit_tells_where_and_how_to_fix() -> None:
    root = xml.etree.ElementTree.fromstring(written(report_of("findings"), "junit"))
    (found,) = [case for case in root.iter("testcase") if case.get("classname") == "requires-host-network"]
    assert found.get("name", "").startswith("DaemonSet devices/gpu-device-plugin spec.template.spec.hostNetwork (")
    lines = (found[0].text or "").splitlines()
    assert [">", "22", "|", "spec:"] in [line.split() for line in lines]
    assert "How to fix it: Set hostNetwork to true in the pod's spec." in lines
    assert "    hostprocess fix --select requires-host-network" in lines


def test_junit_names_no_case_twice() -> None:
    root = xml.etree.ElementTree.fromstring(written(report(result(), result(line=9), result(line=11)), "junit"))
    named = [(case.get("classname"), case.get("name")) for case in root.iter("testcase")]
    assert len(named) == len(set(named))


def test_junit_says_what_could_not_be_read(tmp_path: Path) -> None:
    root = xml.etree.ElementTree.fromstring(written(unread(tmp_path), "junit"))
    (case,) = root.findall("testsuite[@name='input']/testcase")
    assert "broken.yaml:" in str(case.get("name"))
    assert case[0].tag == "error"


def test_github_writes_as_much_as_github_shows() -> None:
    many = [result(line=number + 1, name=f"web-{number}") for number in range(25)]
    lines = written(report(*many, result(excepted()), problems=(InputProblem(path="a.yaml", message="x"),)), "github").splitlines()
    assert len(lines) == 11
    assert lines[0] == "::error file=a.yaml,title=cannot be read::x"
    assert lines[8].startswith("::error file=deploy/app.yaml,line=8,col=3,")
    assert lines[9] == "::error title=hostprocess::17 more of this level are in the log and in the other reports"
    assert lines[10].startswith("annotations: 26 errors, 1 excepted (hostprocess ")
    assert written(report(*many[:10]), "github").count("::error file=") == 10


def test_github_commands_go_with_the_level() -> None:
    commands = [line.split(" ")[0] for line in written(report(*ALL), "github").splitlines()[:-1]]
    assert commands == ["::error", "::warning", "::notice", "::error", "::error"]


@pytest.mark.parametrize("path", [f"{Path.cwd()}/a/b.yaml", "./a/b.yaml", "a/b.yaml"])
def test_paths_are_those_of_the_repository(path: str) -> None:
    made = report(result(path=path))
    assert "file=a/b.yaml,line=7" in written(made, "github")
    assert json.loads(written(made, "gitlab"))[0]["location"]["path"] == "a/b.yaml"


def test_gitlab_severities() -> None:
    issues = json.loads(written(report(*ALL, result(excepted()), problems=(InputProblem(path="a.yaml", message="x"),) * 2), "gitlab"))
    assert [one["severity"] for one in issues] == ["blocker", "blocker", "critical", "minor", "info", "critical", "critical", "info"]
    assert issues[-1]["description"] == "excepted by exception: agreed: Deployment shop/web: too many"


def test_markdown_begins_with_the_gravest() -> None:
    warned = [result(decision(Outcome.WARN, rule="validations[1]"), line=number + 1, name=f"web-{number}") for number in range(300)]
    text = written(report(*warned, result(), result(excepted(), line=9)), "markdown")
    assert text.index("### error") < text.index("### warning")
    assert text.count("\n| `deploy/") == 200
    assert "\n102 more are in the log and in the other reports.\n" in text
    assert "300 warn" in text
    excused = written(report(result(excepted())), "markdown")
    assert "### Excepted" in excused
    assert "`exception: agreed`" in excused
    assert "## hostprocess found nothing that must be mended" in excused


def test_policy_reports_are_of_namespaces() -> None:
    made = [result(), result(namespace="kube-system"), result(namespace=""), result(namespace="Not A Label"), result(excepted(), line=9)]
    items = json.loads(written(report(*made, problems=(InputProblem(path="a.yaml", message="x", line=3),)), "policyreport"))["items"]
    assert [(one["kind"], one["metadata"].get("namespace"), one["summary"]["fail"], one["summary"]["error"], one["summary"]["skip"]) for one in items] == [
        ("ClusterPolicyReport", None, 2, 1, 0),
        ("PolicyReport", "kube-system", 1, 0, 0),
        ("PolicyReport", "shop", 1, 0, 1),
    ]
    found = items[2]["results"][0]
    assert found["resources"] == [{"apiVersion": "apps/v1", "kind": "Deployment", "namespace": "shop", "name": "web"}]
    assert (found["policy"], found["rule"], found["severity"], found["properties"]["line"]) == ("p", "validations[0]", "high", "7")


def test_policy_reports_fit_into_etcd() -> None:
    many = [result(decision(message=f"{number} " + "x" * 5_000), line=number + 1) for number in range(300)]
    items = json.loads(written(report(*many), "policyreport"))["items"]
    assert [one["metadata"]["name"] for one in items] == ["hostprocess", "hostprocess-2", "hostprocess-3", "hostprocess-4"]
    assert sum(one["summary"]["fail"] for one in items) == 300


def test_json_lines_tell_the_verdict() -> None:
    (*_, last) = [json.loads(line) for line in written(report(result()), "jsonl").splitlines()]
    assert (last["failed"], last["deny"]) == (True, 1)
    (*_, last) = [json.loads(line) for line in written(report(result(decision(Outcome.WARN))), "jsonl").splitlines()]
    assert last["failed"] is False


def test_excepted_findings_do_not_fail() -> None:
    (found,) = findings(report(result(excepted())))
    assert (found.fails, found.level, found.message, found.fields) == (False, "error", "too many", ["spec.replicas"])


@pytest.mark.parametrize("name", ["sarif", "junit", "github", "gitlab", "markdown", "policyreport", "html"])
def test_an_exception_that_has_ended_is_told(name: str) -> None:
    by = ExceptedBy(by="exception", reason="agreed", owner="us", expires="2026-01-31", expired=True)
    made = report(result(decision(excepted_by=by)))
    assert made.failed
    assert "exception: agreed (us, expired on 2026-01-31)" in written(made, name)


@pytest.mark.parametrize("service", ["GITHUB_WORKSPACE", "CI_PROJECT_DIR", "BUILD_SOURCESDIRECTORY"])
def test_paths_begin_at_the_root_of_the_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, service: str) -> None:
    (tmp_path / "part").mkdir()
    monkeypatch.chdir(tmp_path / "part")
    for name in ("GITHUB_WORKSPACE", "CI_PROJECT_DIR", "BUILD_SOURCESDIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    made = report(result(path="a.yaml"), result(path="../b.yaml"), result(path="<stdin>"), result(path="/else/where.yaml"))
    assert places(made) == ["a.yaml", "../b.yaml", "<stdin>", "/else/where.yaml"]
    monkeypatch.setenv(service, str(tmp_path))
    assert places(made) == ["part/a.yaml", "b.yaml", "<stdin>", "/else/where.yaml"]


def places(made: Report) -> list[str]:
    found = [one["location"]["path"] for one in json.loads(written(made, "gitlab"))]
    uris = [one["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for one in sarif(made)["results"]]
    assert uris == [one.replace("<stdin>", "%3Cstdin%3E").replace("/else", "file:///else") for one in found]
    return found

"""`hostprocess check` with exceptions: what is excepted and told, what counts again, and what nothing needs."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from checking import agent, check, write
from hostprocess import api
from hostprocess.exceptions.find import FILE_NAME
from hostprocess.schema import schema

RULE = "requires-host-network"
ANNOTATION = f"hostprocess.policy/except.{RULE}"
POLICY = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: few.example.com}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [configmaps]}]
  validations:
    - {expression: "!has(object.data) || size(object.data) < 2", message: too much}
    - {expression: "object.metadata.name != 'b'", message: not b}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: few}
spec: {policyName: few.example.com, validationActions: [Deny]}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def exceptions(*entries: dict[str, Any], path: str = "e.yaml") -> str:
    filled = [{"rule": RULE, "match": {"namespace": "ops"}, "owner": "team-ops", "reason": "agreed", **one} for one in entries]
    Path(path).write_text(yaml.safe_dump({"exceptions": filled}, sort_keys=False), "utf-8")
    return path


def test_an_excepted_finding_does_not_fail_and_is_told(folder: Path) -> None:
    write("in/a.yaml", agent())
    file = exceptions({"ticket": "OPS-1", "expires": "2026-12-31"})
    assert check("in").status == 1
    ran = check("in", "--exceptions", file)
    assert ran.status == 0
    (one,) = (one for one in ran.report["results"] if one["rule"] == RULE)
    assert (one["outcome"], one["actions"], one["code"], one["reason"]) == ("excepted", [], 0, "")
    assert one["message"] == "hostNetwork must be true if pod contains any hostProcess containers"
    assert one["exception"] == {
        "by": "exception",
        "reason": "agreed",
        "owner": "team-ops",
        "ticket": "OPS-1",
        "expires": "2026-12-31",
        "expired": False,
        "path": "e.yaml",
        "line": 2,
        "outcome": "deny",
        "actions": ["Deny", "Audit"],
    }
    assert ran.report["summary"]["excepted"] == 1
    assert ran.report["summary"]["deny"] == 0
    jsonschema.validate(ran.report, schema("report"))
    text = check("in", "--exceptions", file, "--output", "text").stdout
    assert f"Pod ops/agent: excepted {RULE}\n    exception e.yaml:2: agreed (team-ops, OPS-1, until 2026-12-31)\n" in text
    assert "no findings, 1 excepted" in text


def test_only_what_an_exception_is_about_is_excepted() -> None:
    write("in/a.yaml", agent("a"), agent("b"), agent("c", namespace="shop"), agent("d", hostIPC=True))
    ran = check("in", "--exceptions", exceptions({"match": {"namespace": "ops", "name": ["a", "d"]}}))
    assert ran.status == 1
    assert ran.outcomes(RULE) == {"Pod a": "excepted", "Pod b": "deny", "Pod c": "deny", "Pod d": "excepted"}
    assert {rule for rule, outcome in ran.outcomes().items() if rule.startswith("Pod d") and outcome != "excepted"} == {"Pod d os-windows-forbidden-fields"}


def test_globs_and_lists_of_rules() -> None:
    write("in/a.yaml", agent(hostIPC=True))
    assert check("in", "--exceptions", exceptions({"rule": ["requires-*", "os-windows-forbidden-fields"]})).report["summary"]["excepted"] == 2
    assert check("in", "--exceptions", exceptions({"rule": "*"})).report["summary"]["deny"] == 0


def test_with_several_processes_it_is_the_same() -> None:
    for number in range(12):
        write(f"in/{number:02}.yaml", *(agent(f"p{number}-{index}", namespace="ops" if index % 2 else "shop") for index in range(40)))
    file = exceptions({"expires": "2026-06-20"}, {"match": {"name": "nobody"}})
    one, several = (check("in", "--exceptions", file, "--jobs", jobs) for jobs in (1, 3))
    assert one == several
    assert one.report["summary"]["excepted"] == 240
    assert "expires in 5 days" in one.stderr
    assert "is unused" in one.stderr


def test_an_expired_exception_counts_again_and_says_so() -> None:
    write("in/a.yaml", agent())
    file = exceptions({"expires": "2026-06-14"})
    ran = check("in", "--exceptions", file)
    assert ran.status == 1
    (one,) = (one for one in ran.report["results"] if one["rule"] == RULE)
    assert one["outcome"] == "deny"
    assert one["message"].endswith("; its exception expired on 2026-06-14 (e.yaml:2)")
    assert (one["exception"]["expired"], "outcome" in one["exception"]) == (True, False)
    jsonschema.validate(ran.report, schema("report"))
    assert "note: e.yaml:2: the exception from requires-host-network expired on 2026-06-14\n" in ran.stderr
    assert check("in", "--exceptions", exceptions({"expires": "2026-06-14"}, {})).status == 0, "one that holds is enough"
    assert check("in", "--exceptions", exceptions({"expires": "2026-06-15"})).status == 0, "the last day counts"


@pytest.mark.parametrize(
    ("expires", "options", "told"),
    [
        ("2026-06-15", [], "expires today, on 2026-06-15: renew it, or mend what it covers"),
        ("2026-06-16", [], "expires tomorrow"),
        ("2026-06-29", [], "expires in 14 days"),
        ("2026-06-30", [], ""),
        ("2026-06-30", ["--expiry-notice", "15"], "expires in 15 days"),
        ("2026-06-16", ["--expiry-notice", "0"], ""),
    ],
)
def test_one_that_ends_soon_is_told(expires: str, options: list[str], told: str) -> None:
    write("in/a.yaml", agent())
    ran = check("in", "--exceptions", exceptions({"expires": expires}), *options)
    assert ran.status == 0
    assert (told in ran.stderr) if told else ("expires" not in ran.stderr)


def test_what_nothing_needs_is_told_when_everything_was_seen() -> None:
    write("in/a.yaml", agent())
    write("in/sound.yaml", agent("sound", hostNetwork=True))
    file = exceptions({}, {"match": {"name": "sound"}}, {"match": {"name": "gone"}, "expires": "2026-01-01"}, {"rule": "host-pid-ipc"})
    unused = f"the exception from {RULE} is unused: all inputs were read, and none has a finding that it covers; remove it"
    ran = check("in", "--exceptions", file)
    assert f"e.yaml:7: {unused}" in ran.stderr
    assert f"e.yaml:2: {unused}" not in ran.stderr
    assert "expired on 2026-01-01, and nothing needs it: remove it" in ran.stderr
    assert "from host-pid-ipc is unused" in ran.stderr
    assert "from host-pid-ipc" not in check("in", "--exceptions", file, "--select", RULE).stderr, "a rule that did not run says nothing"
    assert "unused" not in check("in/a.yaml", "--exceptions", file).stderr, "whoever names files may have left out others"
    Path("in/broken.yaml").write_text("a: [")
    assert "unused" not in check("in", "--exceptions", file).stderr, "what could not be read may need it"


def test_the_file_is_found_and_can_be_left_out(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write("charts/in/a.yaml", agent())
    exceptions({}, path=FILE_NAME)
    ran = check("charts")
    assert ran.status == 0
    assert f"note: exceptions are those of {FILE_NAME}; --no-exceptions leaves them out" in ran.stderr
    assert check("charts", "--no-exceptions").status == 1
    (folder / ".git").mkdir()
    monkeypatch.chdir(folder / "charts")
    assert check("in").status == 0
    assert "exceptions are those" not in check("in", "--quiet").stderr


def test_options_that_contradict_each_other_or_name_nothing() -> None:
    write("in/a.yaml", agent())
    file = exceptions({})
    for options, message in [
        (["--exceptions", file, "--no-exceptions"], "contradict each other"),
        (["--exceptions", ""], "--exceptions: the path is empty"),
        (["--exceptions", "nowhere.yaml"], "nowhere.yaml: the exceptions cannot be read: No such file or directory"),
        (["--exceptions", "in"], "in: the exceptions cannot be read: Is a directory"),
    ]:
        ran = check("in", *options)
        assert (ran.status, ran.stdout) == (2, "")
        assert ran.stderr.startswith("error: ")
        assert message in ran.stderr
        assert len(ran.stderr.splitlines()) == 1
    ran = check("in", "--exceptions", exceptions({"rule": "requires-host-netwrk"}))
    assert ran.status == 2
    assert ran.stderr == "error: e.yaml:2:3: exceptions[0].rule: there is no rule and no policy 'requires-host-netwrk'; did you mean 'requires-host-network'?\n"


def test_the_day_can_be_given_and_is_told() -> None:
    write("in/a.yaml", agent())
    file = exceptions({"expires": "2026-06-14"})
    assert "exceptions are judged as on 2026-06-01: HOSTPROCESS_TODAY is set" in check("in", "--exceptions", file, today="2026-06-01").stderr
    assert check("in", "--exceptions", file, today="2026-06-01").status == 0
    ran = check("in", "--exceptions", file, today="tomorrow")
    assert (ran.status, ran.stderr) == (2, "error: HOSTPROCESS_TODAY='tomorrow' is not a day; write it as YYYY-MM-DD\n")
    told = "note: exceptions are judged as on 2026-06-01: HOSTPROCESS_TODAY is set\n"
    assert check("in", "--exceptions", file, "--quiet", today="2026-06-01").stderr == told, "what is not the truth is told in any case"
    assert check("in", "--no-exceptions", today="tomorrow").status == 1, "nothing asks for the day"
    policies = api.load_policies(select=[RULE])
    for today, outcome in [(date(2026, 6, 14), "excepted"), (date(2026, 6, 15), "deny")]:
        report = api.check_files(["in"], policies, exceptions=file, today=today)
        assert [str(one.decision.outcome) for one in report.results] == [outcome]
        assert not [problem for problem in report.problems if "judged as on" in problem.message]


def test_other_policies_go_by_their_names() -> None:
    Path("p.yaml").write_text(POLICY)
    names = ["a", "b"]
    maps = [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": one, "namespace": "ops"}, "data": {"x": "1", "y": "2"}} for one in names]
    write("in/a.yaml", *maps)

    def outcomes(rule: str, **entry: Any) -> list[str]:
        ran = check("in", "--policies", "p.yaml", "--exceptions", exceptions({"rule": rule, **entry}))
        return [f"{one['resource']['name']} {one['rule']} {one['outcome']}" for one in ran.report["results"]]

    assert outcomes("few.example.com") == ["a validations[0] excepted", "b validations[0] excepted", "b validations[1] excepted"]
    assert outcomes("few.example.com/validations[1]") == ["a validations[0] deny", "b validations[0] deny", "b validations[1] excepted"]
    assert outcomes("few.*", match={"name": "b"}) == ["a validations[0] deny", "b validations[0] excepted", "b validations[1] excepted"]
    assert outcomes(RULE, match={"name": "b"})[0] == "a validations[0] deny", "a built-in rule is known, though it does not run"
    ran = check("in", "--policies", "p.yaml", "--exceptions", exceptions({"rule": "few.example.com", "expires": "2026-01-01"}), "--output", "text")
    assert "denied request: too much (its exception expired on 2026-01-01 (e.yaml:2))" in ran.stdout


def test_an_unknown_is_excepted_only_where_all_its_rules_are() -> None:
    """What is unknown of a policy as a whole is about each of its rules."""
    write("in/a.yaml", agent())
    update = ("in", "--operation", "UPDATE", "--select", f"{RULE},mixed-containers")

    def unknown(*rules: str) -> list[str]:
        found = check(*update, "--exceptions", exceptions(*({"rule": rule} for rule in rules))).report["results"]
        return [one["outcome"] for one in found if one["policy"] == "hostprocess-requirements-error"]

    plain = check(*update).report["results"]
    assert [(one["rule"], one["outcome"]) for one in plain] == [("", "unknown")], "the stored object was not given"
    assert unknown(RULE) == ["unknown"]
    assert unknown("mixed-containers") == ["unknown"]
    assert unknown("mixed-containers", RULE) == ["excepted"]
    assert unknown("*") == ["excepted"]


# Annotations.


def annotated(reason: Any = "agreed", key: str = ANNOTATION, **pod: Any) -> dict[str, Any]:
    value = agent(**pod)
    value["metadata"]["annotations"] = {key: reason}
    return value


def test_annotations_count_only_where_they_are_allowed() -> None:
    write("in/a.yaml", annotated(), agent("other"))
    assert check("in").outcomes(RULE) == {"Pod agent": "deny", "Pod other": "deny"}
    assert "annotation" not in check("in").stderr
    ran = check("in", "--allow-exception-annotations")
    assert ran.outcomes(RULE) == {"Pod agent": "excepted", "Pod other": "deny"}
    (one,) = (one for one in ran.report["results"] if one["outcome"] == "excepted")
    assert (one["exception"]["by"], one["exception"]["path"], one["exception"]["reason"]) == ("annotation", ANNOTATION, "agreed")
    jsonschema.validate(ran.report, schema("report"))
    assert f"annotation {ANNOTATION}: agreed" in check("in", "--allow-exception-annotations", "--output", "text").stdout


def test_a_reviewed_exception_comes_before_an_annotation() -> None:
    write("in/a.yaml", annotated())
    ran = check("in", "--allow-exception-annotations", "--exceptions", exceptions({}))
    assert [one["exception"]["by"] for one in ran.report["results"] if one["outcome"] == "excepted"] == ["exception"]
    ran = check("in", "--allow-exception-annotations", "--exceptions", exceptions({"expires": "2026-01-01"}))
    assert [one["exception"]["by"] for one in ran.report["results"] if one["outcome"] == "excepted"] == ["annotation"]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (annotated(" "), f"a.yaml:7:5: Pod agent: the annotation {ANNOTATION}: excepts nothing without a reason"),
        (annotated(key="hostprocess.policy/except.requires-host-netwrk"), "there is no rule and no policy 'requires-host-netwrk'; did you mean"),
        (annotated(key="hostprocess.policy/except.host-pid-ipc"), "is not needed: the object has no finding of this rule"),
    ],
)
def test_annotations_that_except_nothing_are_told(value: dict[str, Any], told: str) -> None:
    write("in/a.yaml", value)
    ran = check("in", "--allow-exception-annotations", "--jobs", "2")
    assert ran.status == 1
    assert told in ran.stderr
    assert ran.stderr.count("the annotation") == 1


def test_reports_for_others_hold_no_trace_of_an_annotation_that_is_not_allowed() -> None:
    write("in/a.yaml", annotated("SECRET"))
    assert "SECRET" not in json.dumps(check("in").report)

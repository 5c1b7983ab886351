"""`hostprocess check` with a baseline: only new findings fail, and the file only shrinks."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from checking import Checked, agent, check, write
from hostprocess import api
from hostprocess.schema import schema

RULE = "requires-host-network"
ALL = ("in", "--baseline", "b.json")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def recorded(*arguments: object) -> Checked:
    Path("b.json").unlink(missing_ok=True)
    ran = check(*ALL, "--write-baseline", *arguments)
    assert ran.status == 0, ran.stderr
    return ran


def held() -> list[tuple[str, str, int]]:
    return [(one["rule"], one["name"], one["count"]) for one in json.loads(Path("b.json").read_text())["findings"]]


def containers(*names: str, **fields: Any) -> list[dict[str, Any]]:
    return [{"name": name, "image": "i", "resources": {"limits": {"cpu": "1", "memory": "1Gi"}}, **fields} for name in names]


FAULT = {"securityContext": {"windowsOptions": {"runAsUserName": "ContainerAdministrator"}}}


def test_what_was_there_before_does_not_fail() -> None:
    write("in/a.yaml", agent("a"))
    ran = recorded()
    assert "note: b.json: the baseline holds 1 finding now" in ran.stderr
    assert held() == [(RULE, "a", 1)]
    ran = check(*ALL)
    assert (ran.status, ran.outcomes(RULE), "gone" in ran.stderr) == (0, {"Pod a": "excepted"}, False)
    (one,) = (one for one in ran.report["results"] if one["rule"] == RULE)
    assert (one["exception"]["by"], one["exception"]["path"], one["exception"]["outcome"]) == ("baseline", "b.json", "deny")
    jsonschema.validate(ran.report, schema("report"))
    assert f"excepted {RULE}\n    baseline b.json\n" in check(*ALL, "--output", "text").stdout
    write("in/b.yaml", agent("b"))
    ran = check(*ALL)
    assert (ran.status, ran.outcomes(RULE)) == (1, {"Pod a": "excepted", "Pod b": "deny"})
    assert (ran.report["summary"]["deny"], ran.report["summary"]["excepted"]) == (1, 1)


def test_lines_documents_and_containers_may_move() -> None:
    """The same findings in any order of files, documents, containers and keys, whatever stands between them."""
    objects = [agent(f"p{number}", containers=containers("one", "two", "three", **FAULT)) for number in range(6)]
    write("in/a.yaml", *objects)
    recorded()
    before = Path("b.json").read_bytes()
    assert len(held()) == 24
    for seed in range(5):
        chance = random.Random(seed)
        chance.shuffle(objects)
        for one in objects:
            chance.shuffle(one["spec"]["containers"])
            one["spec"] = dict(chance.sample(list(one["spec"].items()), len(one["spec"])))
        shutil.rmtree("in")
        write(f"in/{seed}.yaml", *objects[:3])
        write(f"in/other/{seed}.yaml", *objects[3:])
        text = Path(f"in/{seed}.yaml").read_text()
        Path(f"in/{seed}.yaml").write_text("# moved\n\n" * chance.randint(1, 9) + text)
        ran = check(*ALL)
        assert (ran.status, set(ran.outcomes().values()) <= {"excepted", "warn", "audit"}, "gone" in ran.stderr) == (0, True, False)
        recorded()
        assert Path("b.json").read_bytes() == before


def test_a_new_field_of_an_old_finding_is_new_and_a_mended_one_is_gone() -> None:
    write("in/a.yaml", agent("a", hostNetwork=True, containers=containers("one", "two", **FAULT)))
    recorded()
    rule = "container-account"
    write("in/a.yaml", agent("a", hostNetwork=True, containers=containers("one", "two", "three", **FAULT)))
    ran = check(*ALL)
    assert (ran.status, ran.outcomes(rule)) == (1, {"Pod a": "deny"})
    assert "gone" not in ran.stderr, "what is still there is not gone"
    write("in/a.yaml", agent("a", hostNetwork=True, containers=[*containers("one"), *containers("two", **FAULT)]))
    ran = check(*ALL)
    assert (ran.status, ran.outcomes(rule)) == (0, {"Pod a": "excepted"})
    assert f"note: b.json: 1 finding of the baseline is gone: {rule} of Pod ops/a; --write-baseline removes them" in ran.stderr


@pytest.mark.parametrize("jobs", [1, 3])
def test_counts_are_kept(jobs: int) -> None:
    """One object in two places is two findings; a third is new, wherever it is read."""
    for place in ("dev", "prod"):
        write(f"in/{place}/a.yaml", agent("a"), *(agent(f"pad{number}", hostNetwork=True, labels={"pad": "x" * 4000}) for number in range(60)))
    recorded("--jobs", jobs)
    assert held() == [(RULE, "a", 2)]
    assert check(*ALL, "--jobs", jobs).status == 0
    write("in/test/a.yaml", agent("a"))
    ran = check(*ALL, "--jobs", jobs)
    found = [(one["source"]["path"], one["outcome"]) for one in ran.report["results"] if one["rule"] == RULE]
    assert found == [("in/dev/a.yaml", "excepted"), ("in/prod/a.yaml", "excepted"), ("in/test/a.yaml", "deny")]
    (new,) = (one for one in ran.report["results"] if one["outcome"] == "deny")
    assert (new["actions"], new["code"], "exception" in new) == (["Deny", "Audit"], 422, False)
    assert (ran.status, ran.report["summary"]["deny"], ran.report["summary"]["excepted"]) == (1, 1, 2)


def test_the_file_only_shrinks() -> None:
    write("in/a.yaml", agent("a"), agent("b"))
    recorded()
    write("in/a.yaml", agent("a"), agent("c"))
    before = Path("b.json").read_bytes()
    assert check(*ALL).status == 1
    assert Path("b.json").read_bytes() == before, "only --write-baseline writes"
    ran = check(*ALL, "--write-baseline")
    assert ran.status == 1
    assert held() == [(RULE, "a", 1)]
    assert f"1 finding is gone, and removed from the baseline: {RULE} of Pod ops/b" in ran.stderr
    assert "1 new finding was not added to the baseline, which only shrinks; --force adds them" in ran.stderr
    ran = check(*ALL, "--write-baseline", "--force")
    assert (ran.status, held()) == (0, [(RULE, "a", 1), (RULE, "c", 1)])
    write("in/a.yaml", agent("a", hostNetwork=True))
    assert check(*ALL, "--write-baseline").status == 0
    assert json.loads(Path("b.json").read_text()) == {"version": 1, "findings": []}


def test_a_baseline_with_nothing_to_take_out_is_not_written_again() -> None:
    write("in/a.yaml", agent("a"))
    recorded()
    text = Path("b.json").read_text().replace("  ", "\t")
    Path("b.json").write_text(text)
    assert check(*ALL, "--write-baseline").status == 0
    assert Path("b.json").read_text() == text


def test_rules_that_did_not_run_keep_their_findings() -> None:
    write("in/a.yaml", agent("a", hostIPC=True))
    recorded()
    before = Path("b.json").read_bytes()
    ran = check(*ALL, "--select", RULE, "--write-baseline")
    assert (ran.status, "gone" in ran.stderr) == (0, False)
    ran = check(*ALL, "--select", RULE, "--write-baseline", "--force")
    assert Path("b.json").read_bytes() == before


def test_inputs_that_cannot_be_read_take_nothing_out() -> None:
    write("in/a.yaml", agent("a"))
    recorded()
    before = Path("b.json").read_bytes()
    Path("in/a.yaml").write_text("a: [")
    ran = check(*ALL, "--write-baseline")
    assert ran.status == 2
    assert "the baseline was not written: not all inputs could be read" in ran.stderr
    assert Path("b.json").read_bytes() == before
    assert "gone" not in check(*ALL).stderr
    Path("b.json").unlink()
    assert check(*ALL, "--write-baseline").status == 2
    assert not Path("b.json").exists()


def test_whoever_names_single_files_is_not_told_what_is_gone() -> None:
    """As pre-commit does: what the other files hold is not gone. With --write-baseline the run is taken for the whole."""
    write("in/a.yaml", agent("a"))
    write("in/b.yaml", agent("b"))
    recorded()
    ran = check("in/a.yaml", "--baseline", "b.json")
    assert (ran.status, "gone" in ran.stderr, len(held())) == (0, False, 2)
    assert "1 finding is gone, and removed" in check("in/a.yaml", "--baseline", "b.json", "--write-baseline").stderr
    assert held() == [(RULE, "a", 1)]


def test_that_its_own_files_are_no_manifests_is_no_news() -> None:
    write("a.yaml", agent("a"), agent("b"))
    entry = {"rule": RULE, "match": {"name": "a"}, "owner": "o", "reason": "r"}
    Path(".hostprocess-exceptions.yaml").write_text(yaml.safe_dump({"exceptions": [entry]}))
    for options in (["--write-baseline"], []):
        ran = check(".", "--baseline", "b.json", *options)
        assert (ran.status, "skipped" in ran.stderr) == (0, False)
    assert "skipped: no apiVersion" in check(".", "--no-exceptions").stderr, "others are told"


def test_exceptions_come_first_and_need_no_baseline() -> None:
    write("in/a.yaml", agent("a"), agent("b"))
    entry = {"rule": RULE, "match": {"name": "a"}, "owner": "o", "reason": "r", "expires": "2026-06-30"}
    Path("e.yaml").write_text(yaml.safe_dump({"exceptions": [entry]}))
    recorded("--exceptions", "e.yaml")
    assert held() == [(RULE, "b", 1)]
    ran = check(*ALL, "--exceptions", "e.yaml")
    assert (ran.status, {one["exception"]["by"] for one in ran.report["results"] if one["rule"] == RULE}) == (0, {"exception", "baseline"})
    ran = check(*ALL, "--exceptions", "e.yaml", today="2026-07-01")
    assert (ran.status, ran.outcomes(RULE)) == (1, {"Pod a": "deny", "Pod b": "excepted"})
    recorded()
    assert check(*ALL, "--exceptions", "e.yaml", today="2026-07-01").status == 0, "in the baseline, it was there before"


def test_an_unknown_in_the_baseline_hides_no_finding() -> None:
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": "p"},
        "spec": {
            "matchConstraints": {
                "namespaceSelector": {"matchLabels": {"checked": "yes"}},
                "resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
            },
            "validations": [{"expression": "has(object.spec.hostNetwork)"}],
        },
    }
    bound = {**policy, "kind": "ValidatingAdmissionPolicyBinding", "spec": {"policyName": "p", "validationActions": ["Deny"]}}
    write("p.yaml", policy, bound)
    write("in/a.yaml", agent("a"))
    asked = ("--policies", "p.yaml")
    assert check("in", *asked).report["summary"]["unknown"] == 1
    recorded(*asked)
    assert held() == [("p", "a", 1)]
    assert check(*ALL, *asked).status == 0
    ran = check(*ALL, *asked, "--assume-namespace-labels", "checked=yes")
    assert (ran.status, ran.report["summary"]["deny"]) == (1, 1)
    assert "1 finding of the baseline is gone: p of Pod ops/a" in ran.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--write-baseline"], "--write-baseline and --force are for --baseline FILE"),
        (["--force"], "--write-baseline and --force are for --baseline FILE"),
        (["--baseline", "b.json", "--force"], "--force is for --write-baseline"),
        (["--baseline", ""], "--baseline: the path is empty"),
        (["--baseline", "b.json"], "b.json: there is no such baseline; make it with --write-baseline"),
        (["--baseline", "bad.json"], "bad.json:3:17: findings[0].name: must be of type string, not int"),
        (["--baseline", "bad.json", "--write-baseline", "--force"], "bad.json:3:17: findings[0].name: must be of type string, not int"),
    ],
)
def test_options_and_files_that_are_wrong(options: list[str], message: str) -> None:
    write("in/a.yaml", agent("a"))
    Path("bad.json").write_text('{"version": 1,\n "findings": [\n  {"rule": "r", "name": 5}]}')
    before = Path("bad.json").read_bytes()
    ran = check("in", *options)
    assert (ran.status, ran.stderr, ran.stdout) == (2, f"error: {message}\n", "")
    assert Path("bad.json").read_bytes() == before


def test_a_baseline_that_cannot_be_written_costs_no_report() -> None:
    write("in/a.yaml", agent("a"))
    ran = check("in", "--baseline", "none/b.json", "--write-baseline")
    assert (ran.status, ran.report["summary"]["errors"], ran.outcomes(RULE)) == (2, 1, {"Pod a": "excepted"})
    assert "error: none/b.json: the baseline cannot be written: No such file or directory\n" in ran.stderr


def test_from_python() -> None:
    write("in/a.yaml", agent("a"))
    policies = api.load_policies(select=[RULE])
    resources = list(api.read_resources(["in"]))
    written = api.evaluate_resources(policies, resources, baseline="b.json", write_baseline=True)
    again = api.evaluate_resources(policies, [*resources, *resources], baseline="b.json")
    assert [[str(one.decision.outcome) for one in report.results] for report in (written, again)] == [["excepted"], ["excepted", "deny"]]

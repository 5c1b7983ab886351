"""`hostprocess export --exceptions`: policies of their own, what is refused, and an export that ends with its exceptions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from checking import agent, check, write
from exporting import BUILT_IN, policies, refusal, run, specs, written
from hostprocess import api
from hostprocess.errors import PolicyError
from hostprocess.export.build import build
from hostprocess.export.exceptions import Waivers
from hostprocess.export.options import ExportOptions
from hostprocess.export.releases import parse_releases
from hostprocess.rules import load_pack
from support import PACK, rule_text

RULE = "requires-host-network"
SELECT = f"--select={RULE},os-name,mixed-containers"
PREFIX = "hostprocess.windows.policy"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOSTPROCESS_TODAY", "2026-06-15")
    return tmp_path


def exceptions(*entries: dict[str, Any], path: str = "e.yaml") -> str:
    filled = [{"rule": RULE, "match": {"namespace": "ops"}, "owner": "team", "reason": "agreed", **one} for one in entries]
    Path(path).write_text(yaml.safe_dump({"exceptions": filled}, sort_keys=False), "utf-8")
    return path


def conditions(spec: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["expression"] for one in spec["matchConditions"] if one["name"].startswith("not-excepted")}


def exported(*arguments: object) -> dict[str, dict[str, Any]]:
    return specs(yaml.safe_load_all(written(*arguments)), "ValidatingAdmissionPolicy")


def messages(spec: dict[str, Any]) -> set[str]:
    return {re.match(r"\[(.*?)\]", one["message"])[1] for one in spec["validations"]}  # type: ignore[index]


def test_an_excepted_rule_is_a_policy_of_its_own(folder: Path) -> None:
    file = exceptions(
        {"match": {"namespace": "ops", "kind": ["Pod", "Daemon*"]}, "ticket": 12, "expires": "2026-12-31"}, {"match": {"name": "x"}, "reason": "b\nc"}
    )
    plain, found = policies(SELECT), exported(SELECT, "--exceptions", file)
    assert set(found) == {"requirements-error", f"{RULE}-error"}
    own, others = found[f"{RULE}-error"], found["requirements-error"]
    assert messages(own) == {RULE}
    assert messages(others) == messages(plain["requirements-error"]) - {RULE}
    assert others["matchConditions"] == plain["requirements-error"]["matchConditions"] or conditions(others) == {}
    assert conditions(own) == {
        "not-excepted-1": "!((request.kind.kind == 'Pod' || request.kind.kind.startsWith('Daemon')) && has(request.namespace) && request.namespace == 'ops')",
        "not-excepted-2": "!(has(object.metadata) && has(object.metadata.name) && object.metadata.name == 'x')",
    }
    made = list(yaml.safe_load_all(written(SELECT, "--exceptions", file)))
    (about,) = (one["metadata"] for one in made if one["metadata"]["name"] == f"hostprocess-{RULE}-error")
    assert about["annotations"][f"{PREFIX}/expires"] == "2026-12-31"
    assert about["annotations"][f"{PREFIX}/exceptions"] == "not-excepted-1: agreed (team, 12, until 2026-12-31)\nnot-excepted-2: b c (team)"
    bound = [one["spec"]["policyName"] for one in made if one["kind"] == "ValidatingAdmissionPolicyBinding"]
    assert f"hostprocess-{RULE}-error" in bound


def test_without_a_last_day_there_is_no_annotation_and_the_first_of_several_counts(folder: Path) -> None:
    def annotations(*entries: dict[str, Any]) -> dict[str, str]:
        (found,) = (one for one in yaml.safe_load_all(written(f"--select={RULE}", "--exceptions", exceptions(*entries))) if one["kind"].endswith("Policy"))
        made: dict[str, str] = found["metadata"]["annotations"]
        return made

    assert f"{PREFIX}/expires" not in annotations({})
    assert annotations({"expires": "2027-01-01"}, {"expires": "2026-08-01"}, {})[f"{PREFIX}/expires"] == "2026-08-01"


def test_rules_that_are_not_excepted_stay_as_they_are(folder: Path) -> None:
    assert policies(SELECT) == exported(SELECT, "--exceptions", exceptions({"rule": "host-pid-ipc"}))
    ran = run(SELECT, "--exceptions", "e.yaml")
    assert "note: e.yaml:2: the exception from host-pid-ipc is not needed: none of its rules is exported" in ran.stderr
    assert set(exported(SELECT, "--exceptions", exceptions({"rule": "*"}))) == {f"{rule}-error" for rule in (RULE, "os-name", "mixed-containers")}
    with_per_rule = exported(SELECT, "--per-rule", "--exceptions", exceptions({}))
    assert [name for name, spec in with_per_rule.items() if conditions(spec)] == [f"{RULE}-error"]


def test_an_expired_exception_is_refused_and_ends_the_export(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exceptions({}, {"expires": "2026-06-15"})
    assert run(SELECT, "--exceptions", "e.yaml", "--output", "out").status == 0
    assert run("--check", "out").status == 0
    before = {path: path.read_bytes() for path in Path("out").rglob("*.yaml")}
    monkeypatch.setenv("HOSTPROCESS_TODAY", "2026-06-16")
    expired = f"e.yaml:7: the exception from {RULE} expired on 2026-06-15: renew it, or remove it, and export again"
    expired += " (exceptions are judged as on 2026-06-16: HOSTPROCESS_TODAY is set)"
    assert refusal(SELECT, "--exceptions", "e.yaml") == expired + "\n"
    assert refusal(SELECT, "--exceptions", "e.yaml", "--output", "out", "--force") == expired + "\n"
    ran = run("--check", "out")
    assert (ran.status, ran.stdout, ran.stderr) == (1, "", f"out is stale: {expired}\n")
    assert {path: path.read_bytes() for path in Path("out").rglob("*.yaml")} == before
    exceptions({}, {"expires": "2026-07-01"})
    ran = run("--check", "out")
    assert ran.status == 1
    assert f"+    {PREFIX}/expires: '2026-07-01'" in ran.stdout
    exceptions({})
    assert run("--check", "out").status == 1
    Path("e.yaml").unlink()
    ran = run("--check", "out")
    assert (ran.status, "cannot be made again: e.yaml: the exceptions cannot be read" in ran.stderr) == (2, True)


def test_one_that_ends_soon_is_told(folder: Path) -> None:
    ran = run(SELECT, "--exceptions", exceptions({"expires": "2026-06-20"}, {"expires": "2026-08-01"}))
    assert f"note: e.yaml:2: the exception from {RULE} ends on 2026-06-20: then `export --check` fails until it is renewed or removed\n" in ran.stderr
    assert "2026-08-01" not in ran.stderr
    assert "note: exceptions are judged as on 2026-06-15: HOSTPROCESS_TODAY is set\n" in ran.stderr
    assert "HOSTPROCESS_TODAY" not in run(SELECT).stderr


@pytest.mark.parametrize("kind", ["Rollout", ["Pod", "Rollout"], "Rollou*"])
def test_what_no_condition_can_say_is_refused_with_its_field(folder: Path, kind: Any) -> None:
    file = exceptions({}, {"match": {"kind": kind, "name": "x"}})
    said = refusal(SELECT, "--exceptions", file)
    assert said.startswith("e.yaml:7: exceptions[1].match.kind 'Rollou")
    assert "cannot be exported: the policies are about Pod," in said
    write("in/a.yaml", agent())
    assert check("in", "--exceptions", file).status == 0, "CI takes it"


def test_what_is_wrong_with_the_file_is_told_at_its_line(folder: Path) -> None:
    assert refusal(SELECT, "--exceptions", exceptions({"rule": "reqires-host-network"})).startswith("e.yaml:2:3: exceptions[0].rule: there is no rule")
    assert refusal(SELECT, "--exceptions", "nowhere.yaml") == "nowhere.yaml: the exceptions cannot be read: No such file or directory\n"
    assert refusal("--exceptions", "") == "--exceptions: the path is empty\n"


def test_more_exceptions_than_a_policy_has_room_for(folder: Path) -> None:
    room = 64 - len(policies(f"--select={RULE}")["requirements-error"]["matchConditions"])
    many = [{"match": {"name": f"n{number}"}} for number in range(room + 1)]
    assert written(f"--select={RULE}", "--exceptions", exceptions(*many[:-1]))
    said = refusal(f"--select={RULE}", "--exceptions", exceptions(*many))
    assert f"the rule {RULE} has {room + 1} exceptions, and its policy has room for {room} matchConditions: put several into one, with lists" in said


def test_annotations_are_never_exported(folder: Path) -> None:
    """An object that excepts itself passes in CI, where that is allowed, and never in the cluster."""
    value = agent()
    value["metadata"]["annotations"] = {f"hostprocess.policy/except.{RULE}": "agreed"}
    write("in/a.yaml", value)
    Path("exported.yaml").write_text(written(SELECT, "--enforcement", "deny", "--exceptions", exceptions({"match": {"name": "other"}})))
    assert "hostprocess.policy/except" not in Path("exported.yaml").read_text()
    assert check("in", "--allow-exception-annotations").status == 0
    assert check("in", "--policies", "exported.yaml").status == 1
    write("in/a.yaml", {**value, "metadata": {**value["metadata"], "name": "other"}})
    assert check("in", "--policies", "exported.yaml").status == 0


def test_lint_has_nothing_against_the_conditions(folder: Path) -> None:
    everything = {"namespace": ["a", "b*"], "name": "?x", "kind": ["Cron*", "Pod"], "labels": {"a.b/c": ["d", "*e"], "f": "*"}, "image": ["i", "j*k"]}
    several = [{"match": {key: value}} for key, value in everything.items()]
    Path("exported.yaml").write_text(written(f"--select={RULE}", "--kubernetes", "1.34", "--exceptions", exceptions({"match": everything}, *several)))
    report = api.lint_policies(["exported.yaml"], kubernetes="1.34", type_checking=True)
    assert report.findings == ()


def test_names_that_would_be_the_same(tmp_path: Path) -> None:
    (tmp_path / "pack.yaml").write_text(PACK)
    for name in ("base", "other"):
        (tmp_path / f"{name}.yaml").write_text(rule_text(name))
    pack = load_pack(str(tmp_path))
    file = tmp_path / "e.yml"
    file.write_text("exceptions: [{rule: base, match: {name: x}, owner: a, reason: b}]")
    with pytest.raises(PolicyError, match="two policies would be called hostprocess-base-"):
        build(pack, ExportOptions(releases=parse_releases("1.34"), exceptions=str(file)))


def test_literals_are_quoted() -> None:
    """Whatever a pattern holds, it stays inside its quotes."""
    file = Path("q.yaml")
    file.write_text(yaml.safe_dump({"exceptions": [{"rule": RULE, "match": {"image": ["a'b\\c", "x?\\'*"]}, "owner": "o", "reason": "r"}]}))
    (one,) = Waivers(str(file), BUILT_IN).about(RULE)
    assert one.match.image == ("a'b\\c", "x?\\'*")
    write("in.yaml", agent("hit", containers=[{"name": "c", "image": "a'b\\c"}]), agent("glob", containers=[{"name": "c", "image": "xy\\'z"}]), agent("miss"))
    Path("exported.yaml").write_text(written(f"--select={RULE}", "--enforcement", "deny", "--exceptions", "q.yaml"))
    ran = check("in.yaml", "--policies", "exported.yaml")
    assert [one["resource"]["name"] for one in ran.report["results"]] == ["miss"]
    assert check("in.yaml", "--select", RULE, "--exceptions", "q.yaml").outcomes(RULE) == {"Pod hit": "excepted", "Pod glob": "excepted", "Pod miss": "deny"}

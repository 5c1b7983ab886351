"""`hostprocess mutate`: what is mutated, what is told, exit codes, several processes, Ctrl-C, bad input."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from hostprocess import api
from hostprocess.cli import cli
from hostprocess.mutation import session, settle
from hostprocess.mutation.model import Fate
from suites import ALLOWS, DENIES, DEPLOYMENT, POLICY, write_suite

pytestmark = pytest.mark.slow

COMMAND = [sys.executable, "-m", "hostprocess"]
SMALL = POLICY.replace("expression: object == null || object.spec.replicas <= variables.limit", "expression: object.spec.replicas <= 5").replace(
    "\n      messageExpression: \"'at most ' + string(variables.limit)\"", "\n      message: at most 5"
)
EXACT: list[dict[str, Any]] = [
    {"name": "five", "set": {"spec.replicas": 5}, "expect": "allow"},
    {"name": "six", "set": {"spec.replicas": 6}, "expect": "deny"},
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def few_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that survivors are not looked into for long."""
    monkeypatch.setattr(settle, "GENERATED", 300)


def mutate(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["mutate", *arguments], standalone_mode=False)


def test_survivors_are_shown_as_diffs_with_a_case_that_would_kill_them(folder: Path) -> None:
    write_suite(folder, [ALLOWS, DENIES], SMALL)
    result = mutate("-k", "comparison")
    assert result.return_value == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == "policy.yaml: 1 mutants, 1 survived"
    at = lines.index("policy.yaml:15: comparison: <= became <")
    assert lines[at + 1 : at + 4] == [
        "  - - expression: object.spec.replicas <= 5",
        "  + - expression: object.spec.replicas < 5",
        "    this case would kill it:",
    ]
    case = yaml.safe_load("\n".join(line[4:] for line in lines[at + 4 : -1]))[0]
    assert (case["object"]["spec"]["replicas"], case["expect"]) == (5, "allow")
    assert lines[-1].startswith("score 0.0 %: 1 survived in ")
    # It does, as it stands there.
    write_suite(folder, [ALLOWS, DENIES, case], SMALL)
    assert mutate("-k", "comparison").stdout.splitlines()[-1].startswith("score 100.0 %: 1 killed in ")


def test_fail_under(folder: Path) -> None:
    write_suite(folder, [ALLOWS, DENIES], SMALL)
    below = mutate("-k", "comparison or quantifier", "--fail-under", "95")
    assert (below.return_value, below.stderr) == (1, "the score is below 95 %\n")
    write_suite(folder, [*EXACT, DENIES], SMALL)
    assert mutate("-k", "comparison", "--fail-under", "100").return_value == 0


def test_json(folder: Path) -> None:
    write_suite(folder, [ALLOWS, DENIES], SMALL)
    told = json.loads(mutate("-k", "comparison or 'the validation was dropped'", "--format", "json").stdout)
    assert told["summary"] | {"seconds": 0} == {
        "mutants": 3,
        "killed": 1,
        "survived": 2,
        "equivalent": 0,
        "invalid": 0,
        "score": 33.333,
        "seconds": 0,
    }
    assert told["files"] == [{"path": "policy.yaml", "mutants": 3, "killed": 1, "survived": 2, "equivalent": 0, "invalid": 0}]
    first = told["survived"][0]
    assert (first["path"], first["line"], first["operator"], first["words"]) == ("policy.yaml", 15, "comparison", "<= became <")
    assert first["after"] == ["    - expression: object.spec.replicas < 5"]
    assert yaml.safe_load(first["case"])[0]["expect"] == "allow"


def test_a_mutant_that_does_not_type_check_is_invalid(folder: Path) -> None:
    write_suite(folder, [ALLOWS, DENIES], SMALL.replace("message: at most 5", "messageExpression: \"'not for ' + object.metadata.name\""))
    report = api.mutate_suites(["."], keyword="messageExpression and operand")
    assert {one.words: one.fate for one in report.results} == {
        "'not for ' was dropped": Fate.INVALID,  # what is left has the type dyn
        "object.metadata.name was dropped": Fate.SURVIVED,
    }
    assert report.score == 0.0


def test_equivalent_mutants_are_set_aside_with_their_proof(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "MAX_EQUIVALENT", 1.0)
    write_suite(folder, EXACT, SMALL.replace("object.spec.replicas <= 5", "object.spec.replicas <= 5 && object.kind == 'Deployment'"))
    report = api.mutate_suites(["."], keyword="\"object.kind == 'Deployment' was dropped\"")
    assert [(one.fate, one.proof) for one in report.results] == [(Fate.EQUIVALENT, "the same verdict on 300 generated objects")]
    assert report.score == 100.0
    text = mutate("-k", "\"object.kind == 'Deployment' was dropped\"").stdout
    assert "set aside as no faults:" in text
    assert "score 100.0 %: 1 equivalent in " in text


def test_the_same_tree_is_a_proof(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "MAX_EQUIVALENT", 1.0)
    write_suite(folder, EXACT, SMALL.replace("object.spec.replicas <= 5", "object.spec.replicas <= 5 && true"))
    report = api.mutate_suites(["."], keyword="'true was dropped'")
    assert [(one.fate, one.proof) for one in report.results] == [(Fate.EQUIVALENT, "the same tree after folding")]


def test_no_more_than_a_share_is_set_aside(folder: Path) -> None:
    write_suite(folder, EXACT, SMALL.replace("object.spec.replicas <= 5", "object.spec.replicas <= 5 && object.kind == 'Deployment'"))
    (only,) = api.mutate_suites(["."], keyword="\"object.kind == 'Deployment' was dropped\"").results
    assert (only.fate, only.proof) == (Fate.SURVIVED, "the same verdict on 300 generated objects")
    assert session.MAX_EQUIVALENT == 0.05


def test_a_case_that_fails_anyway_kills_nothing(folder: Path) -> None:
    write_suite(folder, [ALLOWS, DENIES, {"name": "wrong", "set": {"spec.replicas": 5}, "expect": "deny"}], SMALL)
    result = mutate("-k", "comparison")
    assert "1 survived" in result.stdout
    assert result.stderr == "note: replicas.test.yaml:28: case 'wrong' fails as it is, so it kills nothing: see `hostprocess test`\n"


def test_several_suites_of_one_policy_work_together(folder: Path) -> None:
    write_suite(folder, [ALLOWS, DENIES], SMALL)
    write_suite(folder, [ALLOWS, DENIES, *EXACT], SMALL, name="exact")
    assert mutate("-k", "comparison").stdout.splitlines()[-1].startswith("score 100.0 %: 1 killed in ")


def test_rules_and_what_they_share(tmp_path: Path) -> None:
    """The built-in pack: one rule, its containers, and one variable of pack.yaml, which the suites of all rules look at."""
    from hostprocess.rules import built_in_folder

    rule = os.path.join(built_in_folder(), "network", "requires-host-network.yaml")
    report = api.mutate_suites([rule])
    assert {one.path for one in report.results} == {rule}
    assert len(report.results) > 5
    assert report.score > 90
    shared = api.mutate_suites([os.path.join(built_in_folder(), "pack.yaml")], keyword="'variable podHostProcess'")
    assert {os.path.basename(one.path) for one in shared.results} == {"pack.yaml"}
    assert {one.fate for one in shared.results} <= {Fate.KILLED, Fate.EQUIVALENT, Fate.SURVIVED}
    assert any("::" in one.by for one in shared.results)
    assert [one for one in shared.results if one.fate is Fate.SURVIVED and one.operator == "constant"] == []


def test_jobs_change_nothing(folder: Path) -> None:
    write_suite(folder, [ALLOWS, DENIES, *EXACT], SMALL)
    (folder / "two").mkdir()
    write_suite(folder / "two", [ALLOWS, DENIES], SMALL)
    words = "comparison or dropped or equality"
    one, two = (api.mutate_suites(["."], keyword=words, jobs=jobs).results for jobs in (1, 2))
    assert one == two
    assert [sum(result.path == path for result in one) for path in ("policy.yaml", "two/policy.yaml")] == [len(one) // 2] * 2
    assert {result.fate for result in one} >= {Fate.KILLED, Fate.SURVIVED}


def heeding() -> None:
    """In the new process: what runs in the background of a shell script inherits that Ctrl-C is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_ctrl_c(jobs: str) -> None:
    from hostprocess.rules import built_in_folder

    command = [*COMMAND, "mutate", built_in_folder(), "--jobs", jobs]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, preexec_fn=heeding)
    assert process.stdout is not None
    assert "mutants" in process.stdout.readline()  # at work
    time.sleep(0.2)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert (process.returncode, errors.strip()) == (130, "interrupted")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["gone"], "gone: no such file or folder"),
        (["replicas.test.yaml::three replicas"], "mutants are run against whole suites; leave out the case behind `::`"),
        (["policy.yaml"], "is no test suite"),
        (["broken.test.yaml"], "cases[0].expct: unknown key; did you mean 'expect'?"),
    ],
)
def test_bad_input(arguments: list[str], told: str, folder: Path) -> None:
    write_suite(folder, [ALLOWS, DENIES], SMALL)
    (folder / "broken.test.yaml").write_text("policy: policy.yaml\ncases:\n  - {name: a, expct: allow}\n")
    result = mutate(*arguments)
    assert result.return_value == 2, result.output
    assert told in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["-k", "nothing-of-this"], "no mutant of this folder matches -k"),
        (["-k", "a and"], "-k"),
        (["empty"], "there is nothing to mutate in empty"),
    ],
)
def test_nothing_to_do(arguments: list[str], told: str, folder: Path) -> None:
    write_suite(folder, [ALLOWS, DENIES], SMALL)
    (folder / "empty").mkdir()
    result = subprocess.run([*COMMAND, "mutate", *arguments], capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert told in result.stderr


def test_a_policy_that_does_not_compile(folder: Path) -> None:
    write_suite(folder, [ALLOWS, DENIES], SMALL.replace("replicas <= 5", "replicas <= nobody"))
    result = mutate()
    assert result.return_value == 2
    assert "undeclared reference to 'nobody'" in result.stderr


def test_the_file_of_a_policy_stands_for_its_suite(folder: Path) -> None:
    write_suite(folder, [ALLOWS, DENIES], SMALL, name="policy")
    assert mutate("policy.yaml", "-k", "comparison").stdout.startswith("policy.yaml: 1 mutants")


def test_the_objects_of_the_suite_are_left_as_they_were(folder: Path) -> None:
    before = json.dumps(DEPLOYMENT)
    write_suite(folder, [ALLOWS, DENIES], SMALL)
    api.mutate_suites(["."])
    assert json.dumps(DEPLOYMENT) == before
    assert api.run_suites(["."]).failures == []

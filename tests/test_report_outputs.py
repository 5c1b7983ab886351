"""Where reports go: several at once, unasked in CI services, files that cannot be written, devices, pipes."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from hostprocess.cli import cli
from hostprocess.errors import UsageError
from reports import FORMATS
from support import pod

Run = Callable[..., tuple[int, str, str]]
CI = ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITLAB_CI")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Checks a faulty pod in an empty folder; status, standard output, standard error."""
    monkeypatch.chdir(tmp_path)
    for name in CI:
        monkeypatch.delenv(name, raising=False)
    Path("pod.yaml").write_text(yaml.safe_dump(pod("agent", securityContext={"windowsOptions": {"hostProcess": True}})))

    def run(*arguments: str, paths: tuple[str, ...] = ("pod.yaml",), **environment: str) -> tuple[int, str, str]:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        capsys.readouterr()
        status = cli.main(["check", *paths, "--select", "requires-host-network", *arguments], standalone_mode=False)
        said = capsys.readouterr()
        return status, said.out, said.err

    return run


def test_all_formats_in_one_run(run: Run) -> None:
    files = {name: f"report.{name}" for name in FORMATS}
    status, out, err = run(*(f"--output={name}={file}" for name, file in files.items()))
    assert (status, out, err) == (1, "", "")
    assert all("requires-host-network" in Path(file).read_text() for file in files.values())


def test_a_file_that_cannot_be_written_costs_no_other_report(run: Run) -> None:
    status, out, err = run("--output", "sarif=no/such/a.sarif", "--output", "json=a.json", "--output", "junit=.", "--output", "text")
    assert status == 2
    assert err.splitlines() == [
        "error: --output: no/such/a.sarif cannot be written: No such file or directory",
        "error: --output: . cannot be written: Is a directory",
    ]
    assert json.loads(Path("a.json").read_text())["summary"]["deny"] == 1
    assert "deny requires-host-network" in out


def device(name: str, number: int) -> str:
    """A device of the machine, as one of the test's own where that can be had: who may make one could replace the machine's by a fault."""
    try:
        os.mknod(name, stat.S_IFCHR | 0o666, os.makedev(1, number))
        with open(name, "rb"):
            return name
    except OSError:
        return f"/dev/{name}"


def test_a_disk_that_is_full_costs_no_other_report(run: Run) -> None:
    full = device("full", 7)
    status, _, err = run("--output", f"json={full}", "--output", "sarif=a.sarif")
    assert (status, err) == (2, f"error: --output: {full} cannot be written: No space left on device\n")
    assert Path("a.sarif").exists()


def test_devices_and_links_are_written_to_and_not_replaced(run: Run) -> None:
    Path("real.json").write_text("old")
    Path("link.json").symlink_to("real.json")
    null = device("null", 3)
    assert run("--output", f"sarif={null}", "--output", "json=link.json")[0] == 1
    assert Path(null).is_char_device()
    assert Path("link.json").is_symlink()
    assert json.loads(Path("real.json").read_text())["version"] == 1
    assert {*os.listdir()} - {"null"} == {"link.json", "pod.yaml", "real.json"}


@pytest.mark.parametrize(
    ("outputs", "told"),
    [
        (
            ["sarfi"],
            "there is no format 'sarfi'; there are text, json, jsonl, sarif, junit, github, gitlab, markdown, policyreport, html; did you mean 'sarif'?",
        ),
        (["="], "there is no format ''|a file name is missing"),
        (["sarif="], "a file name is missing behind the `=`"),
        (["json", "sarif"], "two formats cannot go to standard output"),
        (["text", "text"], "two formats cannot go to standard output"),
        (["github", "text", "json"], "two formats cannot go to standard output"),
        (["json=a", "sarif=./a"], "two formats cannot go to .*a; write one to a file"),
    ],
)
def test_wrong_outputs(run: Run, outputs: list[str], told: str) -> None:
    with pytest.raises(UsageError, match=told.replace("?", "\\?")):
        run(*(f"--output={one}" for one in outputs))
    assert os.listdir() == ["pod.yaml"]


def test_github_gets_annotations_and_a_summary_unasked(run: Run) -> None:
    Path("summary.md").write_text("# of another command\n")
    status, out, err = run(GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=os.path.abspath("summary.md"))
    assert status == 1
    assert "pod.yaml:6:1: Pod shop/agent: deny requires-host-network\n" in out
    assert "\n::error file=pod.yaml,line=6,col=1,title=requires-host-network::Pod shop/agent: hostNetwork must be true" in out
    assert out.index(": deny ") < out.index("::error")
    assert "note: GITHUB_ACTIONS is set: findings are annotated and in the job summary, as of --output github; choose with --output\n" in err
    assert Path("summary.md").read_text().startswith("# of another command\n## hostprocess found what must be mended\n")


def test_gitlab_gets_a_report_unasked(run: Run) -> None:
    status, out, err = run(GITLAB_CI="true")
    assert status == 1
    assert "deny requires-host-network" in out
    (issue,) = json.loads(Path("gl-code-quality-report.json").read_text())
    assert issue["location"] == {"path": "pod.yaml", "lines": {"begin": 6}}
    assert "note: GITLAB_CI is set: findings are in gl-code-quality-report.json too" in err


def test_what_is_asked_for_is_all_there_is(run: Run) -> None:
    status, out, err = run("--output", "text", GITHUB_ACTIONS="true", GITLAB_CI="true")
    assert (status, err) == (1, "")
    assert "::error" not in out
    assert os.listdir() == ["pod.yaml"]


def test_a_report_nobody_asked_for_does_not_fail_the_run(run: Run) -> None:
    status, out, err = run(GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY="/no/such/summary.md")
    assert status == 1
    assert "note: --output: /no/such/summary.md cannot be written: No such file or directory" in err
    assert "::error" in out


def test_the_verdict_of_a_report_is_that_of_the_run(run: Run) -> None:
    """What fails depends on --fail-on, and so does what a JUnit report calls a failure."""
    Path("pod.yaml").write_text(yaml.safe_dump(pod("agent", hostNetwork=True, securityContext={"windowsOptions": {"hostProcess": True}})))
    for fail_on, status, failures in (("deny", 0, 0), ("warn", 1, 1)):
        arguments = ("--select", "service-account-token", "--fail-on", fail_on, "--output", "junit")
        found, out, _ = run(*arguments)
        assert (found, f'failures="{failures}"' in out) == (status, True)


def test_the_reader_of_standard_output_may_go_away(tmp_path: Path) -> None:
    """Files are written first."""
    many = yaml.safe_dump_all([pod(f"agent-{number}", securityContext={"windowsOptions": {"hostProcess": True}}) for number in range(300)])
    (tmp_path / "many.yaml").write_text(many)
    command = f"{sys.executable} -m hostprocess check many.yaml --output text --output jsonl=a.jsonl | head -n 1"
    subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, check=False)
    last = (tmp_path / "a.jsonl").read_text().splitlines()[-1]
    assert json.loads(last)["resources"] == 300


def test_json_lines_can_be_read_while_they_are_written(tmp_path: Path) -> None:
    """Through a pipe, which is read as it fills, and is no file to be replaced."""
    (tmp_path / "pod.yaml").write_text(yaml.safe_dump(pod("agent", securityContext={"windowsOptions": {"hostProcess": True}})))
    os.mkfifo(tmp_path / "pipe")
    command = [sys.executable, "-m", "hostprocess", "check", "pod.yaml", "--output", "jsonl=pipe"]
    process = subprocess.Popen(command, cwd=tmp_path)
    try:
        lines = [json.loads(line) for line in (tmp_path / "pipe").read_text().splitlines()]
    finally:
        assert process.wait(60) == 1
    assert lines[0]["type"] == "run"
    assert lines[-1] | {"type": "summary", "failed": True} == lines[-1]


def test_a_format_at_fault_costs_no_other_report(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("hostprocess.report.json_report.write", fail)
    with pytest.raises(ZeroDivisionError):
        run("--output", "json=a.json", "--output", "sarif=a.sarif")
    assert sorted(os.listdir()) == ["a.sarif", "pod.yaml"]

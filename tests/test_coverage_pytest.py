"""The coverage of policies through pytest."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from suites import ALLOWS, DENIES, write_suite

pytestmark = pytest.mark.slow

UPDATED = {"name": "an update", "oldObject": {}, "set": {"spec.replicas": 2}, "expect": "allow"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with two suites of one policy."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    write_suite(tmp_path, [ALLOWS, DENIES], name="a")
    write_suite(tmp_path, [ALLOWS, DENIES, UPDATED], name="b")
    return tmp_path


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", *arguments]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)


@pytest.mark.parametrize("arguments", [["-n", "0"], ["-n", "2"]])
def test_it_is_that_of_the_command(arguments: list[str], project: Path) -> None:
    done = run(project, *arguments, "--policy-coverage", "--policy-coverage-report=json", "--policy-coverage-report=text")
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert any("coverage of policies" in line for line in lines)
    assert "  policy.yaml:8:89: no case about the operation DELETE" in lines
    assert "total coverage: 56.2 % (18 of 32)" in lines
    assert "coverage is in coverage.json" in lines
    by_command = subprocess.run(
        [Path(sys.executable).with_name("hostprocess"), "test", "--coverage", "--format", "json"], cwd=project, capture_output=True, text=True, check=True
    )
    assert json.loads((project / "coverage.json").read_text()) == json.loads(by_command.stdout)["coverage"]


def test_too_little_fails(project: Path) -> None:
    done = run(project, "-q", "--policy-coverage-fail-under=60", "-k", "b.test.yaml")
    assert done.returncode == 1
    told = "ERROR: total coverage is 56.2 % (18 of 32), partial: 3 of 5 cases were run: below the 60 % of --policy-coverage-fail-under"
    assert told in done.stdout.splitlines()
    assert run(project, "-q", "--policy-coverage-fail-under=56").returncode == 0


def test_nothing_is_told_unless_asked(project: Path) -> None:
    assert "coverage" not in run(project).stdout


def test_wrong_options(project: Path) -> None:
    done = run(project, "--policy-coverage-report=lcv")
    assert done.returncode == 4
    assert "--policy-coverage-report: there is no format 'lcv'; did you mean 'lcov'?" in done.stderr


def test_nothing_to_cover(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text("def test_a(): pass\n")
    done = run(tmp_path, "--policy-coverage-fail-under=1")
    assert done.returncode == 4
    assert "ERROR: --policy-coverage-fail-under: nothing is there to be covered" in done.stdout

"""action.yml: the metadata that GitHub reads, and its steps, run with bash as a runner would."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from configuring import FAULTY, SOUND, WARNED
from support import REPOSITORY

pytestmark = pytest.mark.slow

ACTION: dict[str, Any] = yaml.safe_load((REPOSITORY / "action.yml").read_text("utf-8"))
STEPS: dict[str, dict[str, Any]] = {one["id"]: one for one in ACTION["runs"]["steps"]}
INPUTS: dict[str, dict[str, Any]] = ACTION["inputs"]
EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
BASH = shutil.which("bash")


def texts(value: Any) -> list[str]:
    """All texts in a value, keys of mappings left out."""
    if isinstance(value, dict):
        return [text for item in value.values() for text in texts(item)]
    return [text for item in value for text in texts(item)] if isinstance(value, list) else [value] if isinstance(value, str) else []


# The metadata: https://docs.github.com/en/actions/reference/workflows-and-actions/metadata-syntax


def test_the_keys_are_those_of_the_metadata_syntax() -> None:
    assert set(ACTION) <= {"name", "author", "description", "inputs", "outputs", "runs", "branding"}
    assert {"name", "description", "runs"} <= set(ACTION)
    assert set(ACTION["branding"]) == {"icon", "color"}
    assert ACTION["branding"]["color"] in {"white", "black", "yellow", "blue", "green", "orange", "red", "purple", "gray-dark"}
    for name, one in {**INPUTS, **ACTION["outputs"]}.items():
        assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]*", name)
        assert one["description"].endswith(".")
    for one in INPUTS.values():
        assert set(one) <= {"description", "required", "default", "deprecationMessage"}
        assert isinstance(one["default"], str), "a boolean would become a text on the way"
    for one in ACTION["outputs"].values():
        assert set(one) == {"description", "value"}


def test_the_steps_are_those_of_a_composite_action() -> None:
    assert set(ACTION["runs"]) == {"using", "steps"}
    assert ACTION["runs"]["using"] == "composite"
    assert len(STEPS) == len(ACTION["runs"]["steps"])
    for one in STEPS.values():
        assert set(one) <= {"id", "name", "if", "shell", "run", "env", "working-directory", "uses", "with", "continue-on-error"}
        assert one["shell"] == "bash", "a run step of a composite action must name its shell"
        assert one["run"].strip()


def test_no_script_holds_an_expression() -> None:
    """What a runner puts into a script is code: an input may be the title of a pull request of anybody."""
    for one in STEPS.values():
        assert "${{" not in one["run"]


def test_every_expression_is_about_something_that_is_there() -> None:
    for text in texts(ACTION):
        for expression in EXPRESSION.findall(text):
            context, *names = expression.split(".")
            if context == "inputs":
                assert names[0] in INPUTS
            elif context == "steps":
                step, outputs, name = names
                assert outputs == "outputs"
                assert f'echo "{name}=' in STEPS[step]["run"]
            else:
                assert expression == "github.action_path"


def test_every_input_is_used_and_documented() -> None:
    used = {found.removeprefix("inputs.") for one in STEPS.values() for text in texts(one) for found in EXPRESSION.findall(text) if found.startswith("inputs.")}
    assert used == set(INPUTS)
    page = (REPOSITORY / "docs" / "continuous-integration.md").read_text("utf-8")
    for name in INPUTS:
        assert f"| `{name}` |" in page


def test_every_variable_of_a_script_is_given_to_it() -> None:
    for one in STEPS.values():
        variables = set(re.findall(r"\$\{?([A-Z][A-Z_]+)", one["run"]))
        assert variables == set(one["env"]) | (variables & {"RUNNER_TEMP", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"})


# The steps, run.


@dataclass(frozen=True)
class Outcome:
    """What came of the steps."""

    status: int
    out: str
    outputs: dict[str, str]
    summary: str


@dataclass(frozen=True)
class Runner:
    """Runs steps as GitHub's runner does: expressions filled in, files for outputs and summary, bash with its flags."""

    temp: Path
    workspace: Path

    def step(self, name: str, inputs: dict[str, str], **outputs: dict[str, str]) -> Outcome:
        step = STEPS[name]
        given = {key: one["default"] for key, one in INPUTS.items()} | inputs

        def filled(text: str) -> str:
            def value(match: re.Match[str]) -> str:
                context, *names = match[1].split(".")
                if context == "inputs":
                    return given[names[0]]
                return outputs[names[0]][names[2]] if context == "steps" else str(REPOSITORY)

            return EXPRESSION.sub(value, text)

        script, output, summary = (self.temp / f"{name}-{kind}" for kind in ("script.sh", "output", "summary"))
        script.write_text(step["run"])
        output.write_text("")
        summary.write_text("of another step\n")
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("GITHUB_", "GITLAB_", "HOSTPROCESS_", "PYTHON"))}
        environment |= {"GITHUB_ACTIONS": "true", "RUNNER_TEMP": str(self.temp), "GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(summary)}
        environment |= {key: filled(value) for key, value in step["env"].items()}
        folder = self.workspace / filled(step.get("working-directory", "."))
        assert BASH is not None
        command = [BASH, "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        pairs = dict(line.split("=", 1) for line in output.read_text().splitlines())
        return Outcome(done.returncode, done.stdout + done.stderr, pairs, summary.read_text())


@pytest.fixture(scope="module")
def scripts(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder that the first step installs the commands into. Others propose what lies in the workspace: it must not be run."""
    if BASH is None:
        pytest.skip("bash is not installed")
    temp, workspace = tmp_path_factory.mktemp("temp"), tmp_path_factory.mktemp("workspace")
    for name in ("venv.py", "pip.py", "sys.py", "sitecustomize.py", "hostprocess.py"):
        (workspace / name).write_text(f"open({str(workspace / 'ran')!r}, 'w')\n")
    done = Runner(temp, workspace).step("install", {})
    assert done.status == 0, done.out
    assert not (workspace / "ran").exists()
    return done.outputs["scripts"]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    (folder / ".git").mkdir(parents=True)
    return folder


def check(scripts: str, workspace: Path, **inputs: str) -> Outcome:
    given = {name.replace("_", "-"): value for name, value in inputs.items()}
    return Runner(workspace.parent, workspace).step("check", given, install={"scripts": scripts})


def test_what_is_installed_is_this_checkout(scripts: str) -> None:
    code = "import hostprocess, pathlib; print(pathlib.Path(hostprocess.__file__).parent)"
    found = subprocess.run([f"{scripts}/python", "-I", "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert Path(found).is_relative_to(Path(scripts).parent)
    assert (Path(found) / "cli_configuration.py").read_bytes() == (REPOSITORY / "engine/hostprocess/cli_configuration.py").read_bytes()


def test_findings_fail_the_step_and_are_annotated(scripts: str, workspace: Path) -> None:
    (workspace / "pod.yaml").write_text(FAULTY)
    done = check(scripts, workspace)
    assert (done.status, done.outputs) == (1, {"exit-code": "1"})
    assert re.search(r"^::error .*file=pod\.yaml,line=4", done.out, re.MULTILINE)
    assert done.summary.startswith("of another step\n")
    assert "requires-host-network" in done.summary


def test_a_sound_manifest_passes(scripts: str, workspace: Path) -> None:
    (workspace / "pod.yaml").write_text(SOUND)
    done = check(scripts, workspace)
    assert (done.status, done.outputs) == (0, {"exit-code": "0"})
    assert "1 judged: no findings" in done.out


def test_sarif_and_nothing_else(scripts: str, workspace: Path) -> None:
    (workspace / "pod.yaml").write_text(FAULTY)
    done = check(scripts, workspace, sarif_file="out put.sarif", annotations="false", summary="false")
    assert done.status == 1
    assert "::error" not in done.out
    assert done.summary == "of another step\n"
    assert json.loads((workspace / "out put.sarif").read_text())["runs"][0]["results"]


def test_paths_options_and_thresholds(scripts: str, workspace: Path) -> None:
    (workspace / "a b").mkdir()
    (workspace / "a b" / "pod.yaml").write_text(WARNED)
    (workspace / "other.yaml").write_text(FAULTY)
    assert check(scripts, workspace, paths="a b/pod.yaml\r\n\n").status == 0
    assert check(scripts, workspace, paths="a b", fail_on="warn").status == 1
    assert check(scripts, workspace, paths="a b\nother.yaml").status == 1
    done = check(scripts, workspace, options="--ignore\nrequires-host-network\r\n--kubernetes=1.32\n")
    assert (done.status, "Kubernetes 1.32" in done.out) == (0, True)
    assert check(scripts, workspace, working_directory="a b").status == 0


def test_the_configuration_of_the_project_holds(scripts: str, workspace: Path) -> None:
    (workspace / "pod.yaml").write_text(FAULTY)
    (workspace / "sound.yaml").write_text(SOUND)
    (workspace / "pyproject.toml").write_text('[tool.hostprocess]\nignore = ["requires-host-network"]\n[tool.hostprocess.check]\npaths = ["sound.yaml"]\n')
    assert check(scripts, workspace).status == 0
    assert check(scripts, workspace, options="--no-config").status == 1
    done = check(scripts, workspace, paths="")
    assert (done.status, "1 judged" in done.out) == (0, True)
    (workspace / "ci.yaml").write_text("ignore: nothing-of-that-name\n")
    done = check(scripts, workspace, config="ci.yaml")
    assert (done.status, done.outputs, "ci.yaml:1:1: there is no rule 'nothing-of-that-name'" in done.out) == (2, {"exit-code": "2"}, True)


@pytest.mark.parametrize("text", ["$(touch ran)`touch ran`", "a'; touch ran; '\"; touch ran; \" && touch ran", "*"])
@pytest.mark.parametrize("name", ["paths", "options", "config", "fail_on", "annotations", "summary"])
def test_inputs_are_not_run(scripts: str, workspace: Path, name: str, text: str) -> None:
    (workspace / "pod.yaml").write_text(SOUND)
    done = check(scripts, workspace, **{name: text})
    assert not (workspace / "ran").exists()
    # A pattern is one of hostprocess, and arguments may stand among options.
    assert done.status == (0 if text == "*" and name in ("paths", "options") else 2), done.out


def test_a_path_is_no_option(scripts: str, workspace: Path) -> None:
    done = check(scripts, workspace, paths="--help")
    assert (done.status, "--help: no such file" in done.out) == (2, True)


def test_an_old_python_is_told(workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if BASH is None:
        pytest.skip("bash is not installed")
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "python3").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "old" / "python3").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'old'}:{os.environ['PATH']}")
    done = Runner(workspace.parent, workspace).step("install", {})
    assert (done.status, done.outputs) == (2, {})
    assert done.out == "::error title=hostprocess::Python 3.11 or newer is needed: put actions/setup-python before this action\n"

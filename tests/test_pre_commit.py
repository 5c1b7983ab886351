"""The hooks of .pre-commit-hooks.yaml, run by pre-commit itself from a clone of this repository, in an environment that pre-commit makes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from configuring import FAULTY, SOUND
from support import PACK, REPOSITORY, rule_text

pytestmark = pytest.mark.slow

MANIFEST = REPOSITORY / ".pre-commit-hooks.yaml"
HOOKS = {one["id"]: one for one in yaml.safe_load(MANIFEST.read_text("utf-8"))}
SUITE = """\
rule: x
base: pod
cases:
  - {name: a, expect: allow}
  - {name: b, set: {spec.containers: [{name: a}, {name: b}]}, expect: deny}
  - {name: c, unset: [spec.hostNetwork], expect: skip}
"""


def missing() -> str:
    """Why pre-commit cannot be tried here; empty if it can."""
    if shutil.which("git") is None:
        return "git is not installed"
    if subprocess.run([sys.executable, "-m", "pre_commit", "--version"], capture_output=True, check=False).returncode:
        return "pre-commit is not installed: pip install --group dev"
    if subprocess.run(["git", "rev-parse", "HEAD"], cwd=REPOSITORY, capture_output=True, check=False).returncode:
        return "this is not a checkout of the repository"
    return ""


REASON = missing()
needs_pre_commit = pytest.mark.skipif(bool(REASON), reason=REASON)


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false", "-c", "protocol.file.allow=always"]
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@dataclass(frozen=True)
class Checkout:
    """A clone of this repository with all that the working tree has, and where pre-commit keeps what it installs."""

    clone: Path
    home: Path

    def run(self, project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "GITHUB_", "GITLAB_", "HOSTPROCESS_", "PYTHON"))}
        environment |= {"PRE_COMMIT_HOME": str(self.home), "PRE_COMMIT_COLOR": "never"}
        command = [sys.executable, "-m", "pre_commit", *arguments]
        return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False, env=environment)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    folder = tmp_path_factory.mktemp("pre-commit")
    clone = folder / "clone"
    git(folder, "clone", "--quiet", "--no-hardlinks", str(REPOSITORY), str(clone))
    # What is not committed yet belongs to the test, too.
    changed = git(REPOSITORY, "ls-files", "-z", "--modified", "--deleted", "--others", "--exclude-standard").split("\0")
    for name in filter(None, changed):
        source, target = REPOSITORY / name, clone / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
        elif not source.exists():
            target.unlink(missing_ok=True)
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "--allow-empty", "--no-verify", "-m", "as it is")
    yield Checkout(clone, folder / "home")
    shutil.rmtree(folder)


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def project(checkout: Checkout, tmp_path: Path) -> Run:
    """Runs a hook in a repository with the given files, as `pre-commit run --all-files` does."""
    git(tmp_path, "init", "--quiet")

    def run(hook: str, files: dict[str, str], **options: object) -> subprocess.CompletedProcess[str]:
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text, "utf-8")
        rev = git(checkout.clone, "rev-parse", "HEAD")
        config = {"repos": [{"repo": str(checkout.clone), "rev": rev, "hooks": [{"id": hook, **options}]}]}
        (tmp_path / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config), "utf-8")
        git(tmp_path, "add", "--all")
        return checkout.run(tmp_path, "run", "--all-files", "--verbose")

    return run


def test_the_four_hooks_are_there_and_run_what_the_command_line_has() -> None:
    from hostprocess.cli import cli

    assert list(HOOKS) == ["hostprocess-check", "hostprocess-lint", "hostprocess-test", "hostprocess-export-check"]
    for one in HOOKS.values():
        program, command, *options = one["entry"].split()
        assert program == "hostprocess"
        assert set(options) <= {name for option in cli.commands[command].params for name in option.opts}
        assert one["language"] == "python"


@needs_pre_commit
def test_pre_commit_takes_the_manifest() -> None:
    done = subprocess.run([sys.executable, "-m", "pre_commit", "validate-manifest", str(MANIFEST)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@needs_pre_commit
def test_check(project: Run) -> None:
    done = project("hostprocess-check", {"pod.yaml": FAULTY, "README.md": "kind: Pod"})
    assert done.returncode == 1, done.stdout + done.stderr
    assert "pod.yaml:4:1: Pod kube-system/agent: deny requires-host-network" in done.stdout
    assert "README.md" not in done.stdout
    done = project("hostprocess-check", {"pod.yaml": SOUND, "values.yaml": "replicas: 3\n"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 judged" in done.stdout
    assert project("hostprocess-check", {"pod.yaml": FAULTY}, args=["--ignore", "requires-host-network"]).returncode == 0
    # The working directory of a hook is the root of the repository: its configuration holds.
    assert project("hostprocess-check", {"pyproject.toml": '[tool.hostprocess]\nignore = ["requires-host-network"]\n'}).returncode == 0


@needs_pre_commit
def test_lint(project: Run) -> None:
    pack = {"rules/pack.yaml": PACK, "rules/x.yaml": rule_text("x"), "rules/x.test.yaml": SUITE}
    done = project("hostprocess-lint", pack, args=["rules"])
    assert (done.returncode, "1 rules, no problems" in done.stdout) == (0, True), done.stdout + done.stderr
    project_file = '[tool.hostprocess.lint]\npaths = ["rules"]\n'
    done = project("hostprocess-lint", {"rules/x.test.yaml": SUITE.replace("base: pod", "base: nothing"), "pyproject.toml": project_file})
    assert (done.returncode, "exit code: 2" in done.stdout) == (1, True)
    assert "rules/x.test.yaml:4:5: cases[0]: base: there is no fixture 'nothing'" in done.stdout


@needs_pre_commit
def test_suites(project: Run) -> None:
    passing = {"a.yaml": f"# expect: deny rule=requires-host-network\n{FAULTY}", "b.yaml": f"# expect: allow\n{SOUND}"}
    done = project("hostprocess-test", passing)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout
    done = project("hostprocess-test", {"a.yaml": f"# expect: deny rule=requires-host-network\n{SOUND}"})
    assert (done.returncode, "1 failed" in done.stdout) == (1, True)


@needs_pre_commit
def test_export_check(project: Run, tmp_path: Path) -> None:
    command = [str(Path(sys.executable).parent / "hostprocess"), "export", "--select", "requires-host-network", "--output", str(tmp_path / "bundles")]
    subprocess.run(command, check=True, capture_output=True)
    done = project("hostprocess-export-check", {})
    assert done.returncode == 0, done.stdout + done.stderr
    base = next((tmp_path / "bundles" / "base").glob("hostprocess-*.yaml"))
    base.write_text(base.read_text("utf-8").replace("hostNetwork must", "hostNetwork should"))
    done = project("hostprocess-export-check", {}, args=["bundles"])
    assert (done.returncode, "bundles is stale" in done.stdout) == (1, True)


@needs_pre_commit
def test_try_repo(checkout: Checkout, tmp_path: Path) -> None:
    """As somebody who looks at the hooks first."""
    git(tmp_path, "init", "--quiet")
    (tmp_path / "pod.yaml").write_text(FAULTY)
    git(tmp_path, "add", "--all")
    done = checkout.run(tmp_path, "try-repo", str(checkout.clone), "hostprocess-check", "--all-files")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "deny requires-host-network" in done.stdout

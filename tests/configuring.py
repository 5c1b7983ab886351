"""What the tests of configurations share: a project in a folder, and the command line in this process."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from hostprocess import cli

SOUND = """apiVersion: v1
kind: Pod
metadata: {name: agent, namespace: kube-system}
spec:
  hostNetwork: true
  automountServiceAccountToken: false
  os: {name: windows}
  nodeSelector: {kubernetes.io/os: windows}
  securityContext:
    windowsOptions: {hostProcess: true, runAsUserName: 'NT AUTHORITY\\LocalService'}
  containers:
    - {name: agent, image: agent, resources: {limits: {cpu: 1, memory: 1Gi}}}
"""
FAULTY = SOUND.replace("  hostNetwork: true\n", "")
WARNED = SOUND.replace("LocalService", "SYSTEM")


@dataclass(frozen=True)
class Done:
    """What came of a run."""

    status: int
    out: str
    err: str


@dataclass(frozen=True)
class Project:
    """A Git repository in a folder of its own; commands run in it, or in a folder below."""

    root: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        return path

    def configure(self, text: str) -> None:
        """Writes the table of pyproject.toml."""
        self.write("pyproject.toml", f"[tool.hostprocess]\n{text}\n")

    def run(self, *arguments: str, folder: str = ".") -> Done:
        self.monkeypatch.chdir(self.root / folder)
        self.monkeypatch.setattr(sys, "argv", ["hostprocess", *arguments])
        with pytest.raises(SystemExit) as caught:
            cli.main()
        told = self.capsys.readouterr()
        assert caught.value.code in (0, 1, 2), told.err
        return Done(int(caught.value.code or 0), told.out, told.err)


def make_project(root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Project:
    """A project with one sound manifest, outside of any CI service."""
    for name in ("GITHUB_ACTIONS", "GITLAB_CI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("signal.signal", lambda *_: None)  # the test runner has its own
    monkeypatch.setattr("gc.set_threshold", lambda *_: None)
    (root / ".git").mkdir()
    made = Project(root, monkeypatch, capsys)
    made.write("pod.yaml", SOUND)
    return made

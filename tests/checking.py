"""What the tests of exceptions and baselines share: `hostprocess check` in this process, and manifests that have findings."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import yaml

from hostprocess.cli import INTERNAL, main

TODAY = "2026-06-15"


class Checked(NamedTuple):
    """How the command ended, and what it said."""

    status: int
    stdout: str
    stderr: str

    @property
    def report(self) -> dict[str, Any]:
        """The JSON report."""
        found: dict[str, Any] = json.loads(self.stdout)
        return found

    def outcomes(self, rule: str = "") -> dict[str, str]:
        """The outcome of each rule for each object, as `Kind name rule`; or of one rule, by `Kind name`."""
        found = {}
        for one in self.report["results"]:
            key = f"{one['resource']['kind']} {one['resource']['name']}"
            if not rule:
                found[f"{key} {one['rule']}"] = one["outcome"]
            elif one["rule"] == rule:
                found[key] = one["outcome"]
        return found


def check(*arguments: object, today: str = TODAY) -> Checked:
    """`hostprocess check` with these arguments, in the working directory; JSON unless the arguments say otherwise."""
    out, err = io.StringIO(), io.StringIO()
    words = ["hostprocess", "check", *map(str, arguments)]
    if "--output" not in words:
        words += ["--output", "json"]
    with mock.patch("sys.argv", words), mock.patch.dict("os.environ", {"HOSTPROCESS_TODAY": today}), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as ended:
            status = ended.code
    assert isinstance(status, int)
    assert status != INTERNAL, err.getvalue()
    return Checked(status, out.getvalue(), err.getvalue())


def agent(name: str = "agent", *, kind: str = "Pod", namespace: str = "ops", labels: Mapping[str, str] | None = None, **pod: Any) -> dict[str, Any]:
    """A HostProcess pod, or a workload with its template, whose one error is that it does not use the host's network."""
    containers = [{"name": "agent", "image": "registry.test/agent:1", "resources": {"limits": {"cpu": "1", "memory": "1Gi"}}}]
    spec = {
        "automountServiceAccountToken": False,
        "os": {"name": "windows"},
        "nodeSelector": {"kubernetes.io/os": "windows"},
        "securityContext": {"windowsOptions": {"hostProcess": True, "runAsUserName": "NT AUTHORITY\\LocalService"}},
        "containers": containers,
        **pod,
    }
    metadata: dict[str, Any] = {"name": name, "namespace": namespace}
    if kind == "Pod":
        return {"apiVersion": "v1", "kind": "Pod", "metadata": {**metadata, **({"labels": dict(labels)} if labels else {})}, "spec": spec}
    marked = {"app": name, **(labels or {})}
    template = {"metadata": {"labels": marked}, "spec": spec}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": {"selector": {"matchLabels": marked}, "template": template}}


def write(path: str | Path, *objects: Mapping[str, Any]) -> Path:
    """A file with these objects."""
    file = Path(path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("---\n".join(yaml.safe_dump(dict(one), sort_keys=False) for one in objects), "utf-8")
    return file

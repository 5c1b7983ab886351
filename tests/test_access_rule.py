"""Who may use HostProcess pods, decided from RBAC: the options, and the example of docs/access.md."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from hostprocess.cli import cli
from support import REPOSITORY

RULE = "requester-authorized"
BLOCKS = re.findall(r"```yaml\n(.*?)```", (REPOSITORY / "docs" / "access.md").read_text("utf-8"), re.DOTALL)
LISTS, RBAC = BLOCKS
POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "agent", "namespace": "kube-system"},
    "spec": {
        "hostNetwork": True,
        "nodeSelector": {"kubernetes.io/os": "windows"},
        "securityContext": {"windowsOptions": {"hostProcess": True, "runAsUserName": "hpc-agents"}},
        "containers": [{"name": "c", "image": "registry.example.com/windows/agent:1"}],
    },
}


def outcomes(tmp_path: Path, *options: str, account: str = "default", namespace: str = "kube-system") -> dict[str, str]:
    """The outcome of each rule that was asked."""
    pod: dict[str, Any] = {**POD, "metadata": {"name": "agent", "namespace": namespace}, "spec": {**POD["spec"], "serviceAccountName": account}}  # type: ignore[dict-item]
    for name, text in {"pod.json": json.dumps(pod), "rbac.yaml": RBAC, "lists.yaml": LISTS}.items():
        (tmp_path / name).write_text(text)
    arguments = [option.replace("TMP", str(tmp_path)) for option in options]
    result = CliRunner().invoke(cli, ["check", str(tmp_path / "pod.json"), "--output", "json", "--show-all", *arguments])
    assert result.exit_code in (0, 1), result.output
    return {one["rule"]: one["outcome"] for one in json.loads(result.stdout)["results"]}


INVENTORY = ("--inventory", "TMP/rbac.yaml")


@pytest.mark.parametrize(
    ("options", "account", "namespace", "outcome"),
    [
        (("--user", "bob", *INVENTORY), "default", "kube-system", "deny"),
        (("--user", "bob", "--group", "windows-node-administrators", *INVENTORY), "default", "kube-system", "allow"),
        (("--user", "bob", *INVENTORY), "node-agent", "kube-system", "allow"),
        (("--user", "bob", *INVENTORY), "node-agent", "shop", "deny"),
        (("--user", "system:serviceaccount:kube-system:daemon-set-controller", *INVENTORY), "node-agent", "kube-system", "allow"),
        (INVENTORY, "node-agent", "kube-system", "allow"),
        (INVENTORY, "default", "kube-system", "unknown"),
        (("--user", "bob"), "default", "kube-system", "unknown"),
        (("--user", "bob", "--runtime", "cpp", *INVENTORY), "default", "kube-system", "unknown"),
        (("--user", "bob", "--runtime", "celpy", *INVENTORY), "default", "kube-system", "unknown"),
    ],
)
def test_who_is_authorized(tmp_path: Path, options: tuple[str, ...], account: str, namespace: str, outcome: str) -> None:
    assert outcomes(tmp_path, "--select", RULE, *options, account=account, namespace=namespace) == {RULE: outcome}


def test_the_rule_is_there_when_it_is_asked_for(tmp_path: Path) -> None:
    assert RULE not in outcomes(tmp_path)
    assert RULE not in outcomes(tmp_path, "--bundle", "access", "--params", "TMP/lists.yaml")
    with_defaults = outcomes(tmp_path, "--with-authorizer")
    assert RULE in with_defaults
    assert "requires-host-network" in with_defaults
    assert "allowed-namespaces" not in with_defaults
    assert RULE not in outcomes(tmp_path, "--with-authorizer", "--bundle", "documented")
    assert {RULE, "allowed-namespaces"} <= outcomes(tmp_path, "--with-authorizer", "--params", "TMP/lists.yaml").keys()


def test_the_lists_of_the_documentation(tmp_path: Path) -> None:
    asked = ("--bundle", "access", "--params", "TMP/lists.yaml")
    lists = ("allowed-namespaces", "allowed-accounts", "allowed-images")
    found = outcomes(tmp_path, *asked)
    assert [found[rule] for rule in lists] == ["allow", "allow", "allow"]
    assert outcomes(tmp_path, *asked, namespace="shop")["allowed-namespaces"] == "deny"


def test_the_export_has_it_when_it_is_asked_for() -> None:
    def rules(*options: str) -> str:
        result = CliRunner().invoke(cli, ["export", *options])
        assert result.exit_code == 0, result.output
        return " ".join(
            one["metadata"]["annotations"]["hostprocess.windows.policy/rules"]
            for one in yaml.safe_load_all(result.stdout)
            if one and one["kind"] == "ValidatingAdmissionPolicy"
        )

    assert RULE not in rules()
    assert RULE in rules("--with-authorizer")
    assert RULE not in rules("--bundle", "documented", "--with-authorizer")

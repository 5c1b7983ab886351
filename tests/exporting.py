"""What the tests of `hostprocess export` share: the command, the objects it writes, and what the engine decides by them."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import yaml

from hostprocess.api import load_rules
from hostprocess.cel.tree import TreeRuntime
from hostprocess.cli import INTERNAL, INVALID, main
from hostprocess.evaluate import Evaluator
from hostprocess.inventory import Inventory
from hostprocess.model import Decision
from hostprocess.policy import parse_binding, parse_policy
from hostprocess.rules import Pack
from support import namespace, request, resource

BUILT_IN = load_rules()
BUNDLES = tuple(BUILT_IN.bundles)
FIXTURES: Mapping[str, dict[str, Any]] = BUILT_IN.fixtures
RUNTIME = TreeRuntime()
ONE = "--select=requires-host-network"
"""Of an export that is about the command and not about the rules: it takes a tenth of the time."""
WORKLOADS = {"replicationcontrollers", "podtemplates", "deployments", "replicasets", "daemonsets", "statefulsets", "jobs", "cronjobs"}
PODS = {"pods", "pods/ephemeralcontainers", "pods/resize"}


def _rules(path: str = "") -> Pack:
    return load_rules(path) if path else BUILT_IN  # reading that is half of the time of a small export


class Ran(NamedTuple):
    """How the command ended, and what it said."""

    status: int
    stdout: str
    stderr: str


def run(*arguments: object) -> Ran:
    """`hostprocess export` with these arguments, in this process."""
    out, err = io.StringIO(), io.StringIO()
    words = ["hostprocess", "export", *map(str, arguments)]
    with mock.patch("sys.argv", words), mock.patch("hostprocess.api.load_rules", _rules), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as ended:
            status = ended.code
    assert isinstance(status, int)
    assert status != INTERNAL, err.getvalue()
    return Ran(status, out.getvalue(), err.getvalue())


def written(*arguments: object) -> str:
    """The stream that the command writes."""
    ran = run(*arguments)
    assert ran.status == 0, ran.stderr
    return ran.stdout


@cache
def _objects(arguments: tuple[object, ...]) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(written(*arguments)))


def objects(*arguments: object, kind: str = "") -> list[dict[str, Any]]:
    """The objects of the stream, or those of one kind; not to be changed."""
    return [one for one in _objects(arguments) if kind in ("", one["kind"])]


def policies(*arguments: object) -> dict[str, dict[str, Any]]:
    """The specs of the policies by their names without the prefix."""
    return specs(objects(*arguments), "ValidatingAdmissionPolicy")


def bindings(*arguments: object) -> dict[str, dict[str, Any]]:
    """The specs of the bindings by their names without the prefix."""
    return specs(objects(*arguments), "ValidatingAdmissionPolicyBinding")


def specs(found: Iterable[dict[str, Any]], kind: str) -> dict[str, dict[str, Any]]:
    """The specs of the objects of a kind by their names without the prefix."""
    return {one["metadata"]["name"].removeprefix("hostprocess-"): one["spec"] for one in found if one["kind"] == kind}


@cache
def sets(*arguments: object) -> dict[str, list[dict[str, Any]]]:
    """The objects of each overlay of one export in a folder, in the order of the kustomizations; not to be changed."""
    with tempfile.TemporaryDirectory() as folder:
        ran = run(*arguments, "--output", f"{folder}/out")
        assert ran.status == 0, ran.stderr
        return {path.name: list(_kustomized(path)) for path in Path(folder, "out", "overlays").iterdir()}


def _kustomized(folder: Path) -> Iterator[dict[str, Any]]:
    for name in yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]:
        path = folder / name
        yield from _kustomized(path.resolve()) if path.is_dir() else yaml.safe_load_all(path.read_text())


def refusal(*arguments: object) -> str:
    """The message with which the command ends, and exit code 2; nothing else may have been written."""
    ran = run(*arguments)
    assert (ran.status, ran.stdout) == (INVALID, "")
    return ran.stderr.removeprefix("error: ")


def files(folder: Path) -> dict[str, str]:
    """The text of every file in a folder, by path."""
    return {path.relative_to(folder).as_posix(): path.read_bytes().decode() for path in sorted(folder.rglob("*")) if path.is_file()}


class Offline:
    """A cluster with the objects of an export: what it answers to requests, by the engine. `inventory` is what is in it besides."""

    def __init__(self, exported: Iterable[Mapping[str, Any]], inventory: Iterable[Mapping[str, Any]] = ()) -> None:
        """Namespaces and ConfigMaps of the export are in the cluster, unless `inventory` has others in their places."""
        given = [namespace("shop"), namespace("kube-system"), *map(dict, inventory)]
        listed = list(exported)
        places = {_place(one) for one in given}
        given += [dict(one) for one in listed if one["kind"] in ("Namespace", "ConfigMap") and _place(one) not in places]
        for one in given:
            if one["kind"] == "Namespace":  # as kube-apiserver does
                one["metadata"] = {**one["metadata"], "labels": {**one["metadata"].get("labels", {}), "kubernetes.io/metadata.name": one["metadata"]["name"]}}
        self._inventory = given
        policies = [parse_policy(resource(one)) for one in listed if one["kind"] == "ValidatingAdmissionPolicy"]
        bound = [parse_binding(resource(one)) for one in listed if one["kind"] == "ValidatingAdmissionPolicyBinding"]
        self._evaluator = Evaluator(policies, bound, RUNTIME, Inventory.of(given))

    def findings(self, value: Mapping[str, Any], *, user: str = "jane", groups: Iterable[str] = (), **fields: Any) -> list[Decision]:
        """What is decided about a request: the creation of the object, unless `fields` say otherwise."""
        who = {"username": user, "groups": [*groups, "system:authenticated"]}
        return self._evaluator.decide(request(value, self._inventory, user_info=who, **fields)).findings

    def answers(self, value: Mapping[str, Any], **fields: Any) -> dict[str, str]:
        """The strictest that follows from each rule that found something, or from a policy as a whole: deny, warn, audit; or that it is unknown."""
        found: dict[str, str] = {}
        for one in self.findings(value, **fields):
            name = _rule(one.message) or one.policy
            found[name] = max(found.get(name, ""), _follows(one), key=["", "audit", "warn", "deny", "unknown"].index)
        return {name: follows for name, follows in found.items() if follows}


def _follows(one: Decision) -> str:
    if one.outcome == "unknown":
        return "unknown"
    return next((action.lower() for action in ("Deny", "Warn", "Audit") if action in one.actions), "")


def _rule(message: str) -> str:
    return message[1:].partition("]")[0] if message.startswith("[") else ""


def _place(one: Mapping[str, Any]) -> tuple[str, str, str]:
    return one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"]

"""What `check --exceptions` excepts, the API server's own code lets through under the policies of `export --exceptions`, and nothing else."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from client import MINORS, Oracle

import exporting
from checking import check, write
from hostprocess.kubernetes.kinds import group_version, plural
from test_exceptions_agreement import AS_CHECKED, ENTRIES, NAMESPACES, OBJECTS, TARGET, entry, generated


@pytest.fixture(scope="module", params=MINORS)
def oracle(request: pytest.FixtureRequest) -> Iterator[Any]:
    with Oracle(request.param) as program:
        yield program


@pytest.mark.parametrize("seed", [100, 101])
def test_the_api_server_agrees(oracle: Any, seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOSTPROCESS_TODAY", "2026-06-15")
    chance = random.Random(seed)
    objects = [generated(chance, number) for number in range(OBJECTS)]
    write("in.yaml", *objects)
    Path("e.yaml").write_text(yaml.safe_dump({"exceptions": [entry(chance) for _ in range(ENTRIES)]}))
    ci = check("in.yaml", "--exceptions", "e.yaml", "--kubernetes", oracle.minor)
    arguments = [oracle.minor if one == TARGET[1] else one for one in AS_CHECKED]
    exported = yaml.safe_load_all(exporting.written("--exceptions", "e.yaml", *arguments))
    oracle.ask({"op": "cluster", "objects": [*map(_namespace, NAMESPACES), *exported]})
    requests = [_request(one) for one in objects]
    admitted = list(oracle.ask_many({"op": "admit", **one} for one in requests))
    answers = list(
        oracle.ask_many({"op": "review", "request": {**one, "object": seen["object"]}, "raw": True} for one, seen in zip(requests, admitted, strict=True))
    )
    denied = {key for key, outcome in ci.outcomes().items() if outcome == "deny"}
    theirs = {f"{one['kind']['kind']} {one['name']} {rule}" for one, answer in zip(requests, answers, strict=True) for rule in _rules(answer)}
    assert theirs == denied
    assert denied
    assert ci.report["summary"]["excepted"] > OBJECTS / 4


def _namespace(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}}}


def _request(value: dict[str, Any]) -> dict[str, Any]:
    group, version = group_version(value["apiVersion"])
    return {
        "kind": {"group": group, "version": version, "kind": value["kind"]},
        "resource": {"group": group, "version": version, "resource": plural(value["kind"])},
        "operation": "CREATE",
        "name": value["metadata"]["name"],
        "namespace": value["metadata"]["namespace"],
        "object": value,
        "userInfo": {"username": "jane", "groups": ["system:authenticated"]},
    }


def _rules(answer: dict[str, Any]) -> set[str]:
    """The rules of the denials, which their messages begin with."""
    return set(re.findall(r"(?:denied request: |\")\[([a-z0-9-]+)\] ", json.dumps(answer["denials"]).replace('\\"', '"')))

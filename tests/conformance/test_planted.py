"""A broken rule, or a broken engine, turns the comparison red."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import part_cel
import part_rules
import pytest
from client import Oracle
from compare import Tally, load_known
from expressions import Node
from session import Session

import hostprocess
from hostprocess.cel.tree import TreeRuntime
from hostprocess.rules import built_in_folder

MINOR = "1.37"
KNOWN = Path(__file__).parent / "known_differences.yaml"
POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "shop"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}


@pytest.fixture(scope="module")
def oracle() -> Iterator[Any]:
    with Oracle(MINOR) as program:
        yield program


def test_sound_rules_agree(oracle: Any) -> None:
    session = Session(MINOR, oracle, Tally(known=load_known(KNOWN)), scale=0.02)
    part_rules.run(session)
    assert session.tally.compared("rules", MINOR) > 50
    assert session.tally.differences == []


@pytest.mark.parametrize(
    ("rule", "old", "new"),
    [
        ("network/requires-host-network", "variables.podSpec.hostNetwork == true", "variables.podSpec.hostNetwork == true || variables.osName == 'windows'"),
        ("account/user-name-syntax", "size(bytes(parts[size(parts) - 1])) <= 104", "size(parts[size(parts) - 1]) <= 104"),
        ("os/os-name", "['', 'linux', 'windows']", "['', 'linux', 'windows', 'Windows']"),
    ],
)
def test_a_broken_rule_is_found(oracle: Any, rule: str, old: str, new: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pack = tmp_path / "pack"
    shutil.copytree(built_in_folder(), pack)
    path = pack / f"{rule}.yaml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")
    load_policies, load_rules = hostprocess.load_policies, hostprocess.load_rules
    monkeypatch.setattr(hostprocess, "load_rules", lambda: load_rules(str(pack)), raising=False)
    monkeypatch.setattr(hostprocess, "load_policies", lambda **rest: load_policies([str(pack)], **rest), raising=False)
    session = Session(MINOR, oracle, Tally(), scale=0.15, reductions=0)
    part_rules.run(session)
    assert rule.rpartition("/")[2] in {one.feature for one in session.tally.differences}


def test_a_broken_engine_is_found(oracle: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    case = (Node("int", ("size('é')",)), POD)
    theirs = oracle.ask({"op": "cel", **part_cel.asked_of(case)})
    assert not part_cel.differences(theirs, part_cel.evaluated(TreeRuntime(), MINOR, case), case)
    wrong = {**part_cel.evaluated(TreeRuntime(), MINOR, case), "value": 2}
    assert re.fullmatch("value.?", part_cel.differences(theirs, wrong, case)[0][0])

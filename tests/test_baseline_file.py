"""Baseline files and the fingerprints in them: stable, sorted, and refused at the line where they are not valid."""

from __future__ import annotations

import copy
import json
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checking import agent
from hostprocess.baseline.file import decoded, read_baseline, write_baseline
from hostprocess.baseline.fingerprint import Fingerprint, fingerprints_of, stable_field
from hostprocess.errors import InputError
from hostprocess.model import Decision, Outcome, Validation
from hostprocess.schema import schema
from support import policy, request

ONE = Fingerprint("rule", "apps/DaemonSet", "ops", "agent", "spec.hostNetwork")
FILE = """\
{
  "version": 1,
  "findings": [
    {"rule": "a", "kind": "Pod", "namespace": "ops", "name": "x", "field": "", "count": 1},
    {"rule": "b", "kind": "Pod", "namespace": "ops", "name": "x", "field": "", "count": 2}
  ]
}
"""


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = str(tmp_path / "b.json")
    counts = Counter({ONE.encoded(): 2, ONE._replace(outcome="unknown").encoded(): 1, ONE._replace(name="Ä\n\u2028\ud800", field='a["b.c"]').encoded(): 1})
    write_baseline(path, counts)
    assert read_baseline(path) == counts
    jsonschema.validate(json.loads(Path(path).read_text("utf-8")), schema("baseline"))


def test_the_file_is_sorted_with_a_line_for_each_finding(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    write_baseline(str(path), Counter({ONE._replace(rule=rule).encoded(): count for rule, count in [("b", 2), ("a", 1), ("gone", 0)]}))
    assert path.read_text() == (
        '{\n  "version": 1,\n  "findings": [\n'
        '    {"rule": "a", "kind": "apps/DaemonSet", "namespace": "ops", "name": "agent", "field": "spec.hostNetwork", "count": 1},\n'
        '    {"rule": "b", "kind": "apps/DaemonSet", "namespace": "ops", "name": "agent", "field": "spec.hostNetwork", "count": 2}\n'
        "  ]\n}\n"
    )
    write_baseline(str(path), Counter())
    assert json.loads(path.read_text()) == {"version": 1, "findings": []}
    assert [one.name for one in tmp_path.iterdir()] == ["b.json"], "nothing is left beside it"


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ('"version": 1,', '"version": 1', 3, "is not JSON, so it is no baseline"),
        ('"version": 1', '"version": 2', 2, "version: 2 is not one of 1"),
        ('"version": 1,\n', "", 1, "the key 'version' is missing"),
        ('"findings"', '"finding"', 3, "did you mean 'findings'"),
        ('"rule": "b"', '"rulle": "b"', 5, "findings[1].rulle: unknown key; did you mean 'rule'"),
        ('"rule": "b", ', "", 5, "findings[1]: the key 'rule' is missing"),
        ('"count": 2', '"count": "2"', 5, "findings[1].count: must be of type integer"),
        ('"count": 2', '"count": 0', 5, "findings[1].count: must be at least 1"),
        ('"count": 2', '"count": true', 5, "must be of type integer"),
        ('"count": 2', '"outcome": "deny", "count": 2', 5, "'deny' is not one of error, unknown"),
        ('"rule": "b"', '"rule": "a"', 5, "findings[1]: is there twice; leave one, with the sum of the counts"),
        ('"rule": "b"', '"rule": "b", "rule": "b"', 0, "an object has a key twice"),
        (FILE, "[]", 1, "must be of type object, not list"),
        (FILE, "", 1, "is not JSON"),
        (FILE, "<<<<<<< HEAD\n" + FILE, 1, "is not JSON"),
        (FILE, "[" * 100_000, 0, "is no baseline"),
    ],
)
def test_what_is_wrong_is_told_at_its_line(tmp_path: Path, old: str, new: str, line: int, message: str) -> None:
    assert old in FILE
    path = tmp_path / "b.json"
    path.write_text(FILE.replace(old, new, 1))
    with pytest.raises(InputError) as caught:
        read_baseline(str(path))
    assert message in caught.value.message
    assert (caught.value.path, caught.value.line) == (str(path), line)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such baseline; make it with --write-baseline"):
        read_baseline(str(tmp_path / "b.json"))
    with pytest.raises(InputError, match="cannot be read: Is a directory"):
        read_baseline(str(tmp_path))
    (tmp_path / "b.json").write_bytes(b"\x1f\x8b\xff")
    with pytest.raises(InputError, match="is not UTF-8"):
        read_baseline(str(tmp_path / "b.json"))
    with pytest.raises(InputError, match="the baseline cannot be written: No such file"):
        write_baseline(str(tmp_path / "nowhere" / "b.json"), Counter())


# Fingerprints.

OBJECT = {
    "spec": {
        "containers": [{"name": "a", "ports": [{"containerPort": 80}]}, {"name": "b", "command": ["x", "y"]}],
        "tolerations": [{"operator": "Exists"}, {"key": "k"}],
        "volumes": [{"hostPath": {"path": "/"}}],
    }
}


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("spec.containers[1].command[0]", 'spec.containers[name=b].command["x"]'),
        ("spec.containers[0].ports[0].hostPort", "spec.containers[name=a].ports[containerPort=80].hostPort"),
        ("spec.tolerations[1]", "spec.tolerations[key=k]"),
        ("spec.containers[7].image", "spec.containers[7].image"),
        ('metadata.annotations["a.b/c"]', 'metadata.annotations["a.b/c"]'),
        ("spec.nodeSelector", "spec.nodeSelector"),
        ("", ""),
    ],
)
def test_fields_name_the_elements_of_lists(field: str, expected: str) -> None:
    assert stable_field(field, OBJECT) == expected


def test_elements_without_a_name_go_by_what_they_are() -> None:
    first = stable_field("spec.tolerations[0]", OBJECT)
    assert first.startswith("spec.tolerations[#")
    other: dict[str, Any] = copy.deepcopy(OBJECT)
    other["spec"]["tolerations"].reverse()
    assert stable_field("spec.tolerations[1]", other) == first
    other["spec"]["tolerations"][1]["effect"] = "NoSchedule"
    assert stable_field("spec.tolerations[1]", other) != first


@given(st.permutations(["a", "b", "c", "d"]))
def test_the_order_of_containers_does_not_matter(names: list[str]) -> None:
    value = agent(containers=[{"name": name, "image": "i"} for name in names])
    finding = Decision(policy="p", binding="b", rule="r", outcome=Outcome.DENY, fields=(f"spec.containers[{names.index('b')}].image", "spec.hostNetwork"))
    of_pack = policy(Validation(expression="true", rule="r"))
    assert [decoded(key) for key in fingerprints_of(of_pack, finding, request(value))] == [
        Fingerprint("r", "Pod", "ops", "agent", "spec.containers[name=b].image"),
        Fingerprint("r", "Pod", "ops", "agent", "spec.hostNetwork"),
    ]


def test_what_a_fingerprint_is_made_of() -> None:
    def of(outcome: Outcome = Outcome.DENY, rule: str = "r", pack: bool = True, kind: str = "Pod") -> Fingerprint:
        made = policy(Validation(expression="true", rule="r" if pack else ""))
        finding = Decision(policy="p", binding="b", rule=rule, outcome=outcome, message="any")
        (key,) = fingerprints_of(made, finding, request(agent(kind=kind)))
        return decoded(key)

    same = [of(outcome) for outcome in (Outcome.DENY, Outcome.WARN, Outcome.AUDIT)]
    assert len(set(same)) == 1, "how a finding counts is for the bindings to say"
    assert [of(Outcome.UNKNOWN).outcome, of(Outcome.ERROR).outcome] == ["unknown", "error"]
    assert [of(rule="").rule, of(rule="", pack=False).rule, of(rule="validations[0]", pack=False).rule] == ["p", "p", "p/validations[0]"]
    assert of(kind="Deployment").kind == "apps/Deployment"

"""The suite format itself: what a case is judged with, and what a failing case says."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from hostprocess import api
from hostprocess.errors import PolicyError
from hostprocess.model import Outcome
from hostprocess.responses import FAILURES_KEY
from hostprocess.rules import Pack, built_in_folder, load_pack
from hostprocess.suite.formats import SuiteFile, find_suites
from hostprocess.suite.model import Expected
from hostprocess.suite.native import Case, load_suite, resource_of, run_case
from support import RUNTIMES, namespace, rule_text, write_pack

ONE = "one-container"
SHOP = namespace("shop", team="a")


def loaded(folder: Path, *cases: Any, rule: str = "", base: Any = "pod", rules: dict[str, str] | None = None) -> tuple[Pack, tuple[Case, ...]]:
    text = rule or rule_text(ONE)
    pack = load_pack(write_pack(folder, {f"{ONE}.yaml": text, **(rules or {})}))
    (folder / f"{ONE}.test.yaml").write_text(yaml.safe_dump({"rule": ONE, "base": base, "cases": list(cases)}, sort_keys=False))
    return pack, load_suite(pack, pack.rules[0]).cases


def told(folder: Path, case: dict[str, Any], expression: str = "", runtime: str = "cpp", **rest: Any) -> str:
    """What is wrong with a case; empty if nothing is."""
    rule = rule_text(ONE, ("size(variables.containers) < 2", expression)) if expression else ""
    pack, (one,) = loaded(folder, {"name": "c", **case}, rule=rule, **rest)
    return str(run_case(pack, pack.rules[0], one, RUNTIMES[runtime]) or "")


@pytest.mark.parametrize("runtime", RUNTIMES)
@pytest.mark.parametrize(
    ("expression", "case", "expected"),
    [
        ("request.operation == 'UPDATE'", {"operation": "UPDATE"}, "allow"),
        ("request.operation == 'UPDATE'", {}, "deny"),
        ("has(oldObject.spec)", {"oldObject": {"spec": {}}}, "allow"),
        ("has(oldObject.spec)", {}, "deny"),
        ("has(request.subResource)", {}, "deny"),
        ("request.userInfo.username == 'u'", {"userInfo": {"username": "u"}}, "allow"),
        ("request.userInfo.username == 'u'", {"userInfo": {"username": "x"}}, "deny"),
        ("request.userInfo.username == 'u'", {}, "unknown"),
        ("namespaceObject.metadata.name == 'shop'", {"namespace": "shop"}, "allow"),
        ("namespaceObject.metadata.name == 'shop'", {"namespace": SHOP}, "allow"),
        ("namespaceObject.metadata.labels.team == 'a'", {"namespace": SHOP}, "allow"),
        ("namespaceObject.metadata.name == 'shop'", {}, "unknown"),
    ],
)  # fmt: skip
def test_what_a_case_is_judged_with(expression: str, case: dict[str, Any], expected: str, runtime: str, tmp_path: Path) -> None:
    assert told(tmp_path, {**case, "expect": expected}, f'"{expression}"', runtime) == ""
    wrong = "deny" if expected == "allow" else "allow"
    assert f"expected {wrong}, got {expected}" in told(tmp_path, {**case, "expect": wrong}, f'"{expression}"', runtime)


def test_a_subresource_is_another_resource(tmp_path: Path) -> None:
    assert told(tmp_path, {"subresource": "resize", "expect": "skip"}) == ""


TWO = {"set": {"spec.containers[1]": {"name": "b"}}}


@pytest.mark.parametrize(
    ("case", "failure"),
    [
        ({"expect": "allow"}, ""),
        ({**TWO, "expect": "deny", "message": "one container", "field": "spec.containers", "fields": ["spec.containers"], "failures": 1}, ""),
        ({**TWO, "expect": "allow"}, "expected allow, got deny"),
        ({**TWO, "expect": "deny", "message": "two"}, "no message holds 'two'"),
        ({**TWO, "expect": "deny", "field": "spec.os"}, "no finding points at spec.os"),
        ({**TWO, "expect": "deny", "fields": ["spec.containers", "spec.os"]}, "no finding names exactly the fields spec.containers, spec.os"),
        ({**TWO, "expect": "deny", "failures": 2}, "expected 2 failing validations, got 1"),
        ({"unset": ["spec.hostNetwork"], "expect": "skip"}, ""),
        ({"unset": ["spec.hostNetwork"], "expect": "allow"}, "expected allow, got skip"),
        ({"set": {"spec.hostNetwork": "yes"}, "expect": "allow"}, "the object of the case is refused: spec.hostNetwork: must be true or false"),
        ({**TWO, "wrap": "Deployment", "expect": "deny", "field": "spec.template.spec.containers"}, ""),
        ({**TWO, "wrap": "List", "expect": "deny", "field": "spec.containers"}, ""),
    ],
)
def test_expectations(case: dict[str, Any], failure: str, tmp_path: Path) -> None:
    found = told(tmp_path, case)
    assert failure in found
    assert bool(found) is bool(failure)
    if failure:
        assert found.startswith(f"{tmp_path}/{ONE}.test.yaml:4: case 'c': ")


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("rule: other\ncases: [{name: a, expect: skip, base: pod}]", 1, "rule: must be 'one-container', the rule that the file lies beside"),
        ("rule: one-container\ncases:\n- {name: a, expect: skip, base: pod}\n- {name: a, expect: skip, base: pod}", 4, "the name 'a' is given to two cases"),
        ("rule: one-container\ncases:\n- {name: a, expect: skip}", 3, "neither the case nor the suite has a base or an object"),
        ("rule: one-container\ncases:\n- {name: a, expect: skip, base: pot}", 3, "base: there is no fixture 'pot'; did you mean 'pod'?; pack.yaml has pod"),
        ("rule: one-container\ncases:\n- {name: a, expect: skip, base: pod, unset: [spec.os]}", 3, "unset: spec.os: there is no such field"),
        ("rule: one-container\ncases:\n- {name: a, expect: skip, base: pod, set: {'spec.containers[5]': {}}}", 3, "there is no list with an element 5"),
    ],
)
def test_suites_that_are_refused(text: str, line: int, message: str, tmp_path: Path) -> None:
    pack = load_pack(write_pack(tmp_path, {f"{ONE}.yaml": rule_text(ONE)}))
    (tmp_path / f"{ONE}.test.yaml").write_text(text)
    with pytest.raises(PolicyError) as caught:
        load_suite(pack, pack.rules[0])
    assert message in caught.value.message
    assert (caught.value.path, caught.value.line) == (str(tmp_path / f"{ONE}.test.yaml"), line)


def test_a_rule_without_a_suite(tmp_path: Path) -> None:
    pack = load_pack(write_pack(tmp_path))
    with pytest.raises(PolicyError, match="the rule one-container has no readable suite"):
        load_suite(pack, pack.rules[0])


@pytest.mark.parametrize("text", ["n", "y", "no", "1e3", "0x10", "2020-01-01", "~", "", " x ", "a\u0085b", "a\u2028b", "é😀", "{{", "- a: b", "a\tb", "%"])
def test_objects_are_read_as_they_are(text: str) -> None:
    value = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": text or "x"}, "data": {"a": text}}
    if "{{" not in text:
        assert resource_of(value, "f").object == value
    else:
        assert resource_of({**value, "metadata": {"name": "x"}}, "f").object["data"] == {"a": text}


def test_fields_and_annotations_are_looked_for_where_they_are_told() -> None:
    bench = api.suite_workbench()
    (file,) = find_suites([os.path.join(built_in_folder(), "network", "requires-host-network.test.yaml")], bench.formats)
    assert isinstance(file, SuiteFile)
    suite = bench.load(file)
    denied = next(one for one in suite.cases if isinstance(one.expected, Expected) and one.expected.outcome is Outcome.DENY)
    plain = Expected(outcome=Outcome.DENY)
    assert bench.runner.run(suite.subject, replace(denied, expected=plain)) is None
    (quick,) = bench.runner.decide(suite.subject, denied, details=False).findings
    (whole,) = bench.runner.decide(suite.subject, denied).findings
    assert (quick.fields, quick.audit_annotations) == ((), {})
    assert (len(whole.fields), list(whole.audit_annotations)) == (1, [FAILURES_KEY])
    assert replace(whole, fields=(), audit_annotations={}) == quick
    assert bench.runner.run(suite.subject, replace(denied, expected=replace(plain, fields=whole.fields))) is None
    assert bench.runner.run(suite.subject, replace(denied, expected=replace(plain, audit_annotations={FAILURES_KEY: None}))) is not None
    failure = bench.runner.run(suite.subject, replace(denied, expected=Expected(outcome=Outcome.ALLOW)))
    assert failure is not None
    assert failure.decisions == (whole,)

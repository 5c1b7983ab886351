"""The fixes of the built-in pack: each is data with its reasons, and what suites call faults is mended in the text; and what lint says of wrong ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml

from fixing import fixed, pack, run
from hostprocess import api
from hostprocess.errors import PolicyError
from hostprocess.fix.files import fix_file
from hostprocess.fix.session import Fixer
from hostprocess.kubernetes.reader import read_file
from hostprocess.model import Resource, Rule
from hostprocess.rules import load_pack
from hostprocess.suite.native import Case, load_suite
from support import REPOSITORY, rule_text, write_pack

BUILT_IN = api.load_rules()
WITH_FIX = [rule for rule in BUILT_IN.rules if any(one.fix for one in rule.validations)]


@cache
def fixer(rule: str) -> Fixer:
    return api._fixer(pack(), True, [rule], (), {})


def cases(rule: Rule) -> Iterator[Case]:
    """Those of the suite that are about objects as people write them."""
    for case in load_suite(BUILT_IN, rule).cases:
        setting = case.setting
        if case.raw.get("expect") in ("deny", "warn", "audit") and (
            setting.operation,
            setting.subresource,
            setting.kubernetes,
            setting.containerd,
            setting.raw,
        ) == (
            *("CREATE", "", "", ""),
            False,
        ):
            yield case


@pytest.mark.parametrize("rule", WITH_FIX, ids=lambda rule: rule.id)
def test_what_suites_call_faults_is_fixed_in_the_text(rule: Rule, tmp_path: Path) -> None:
    """Or left as it is with the reason, where something else would come about."""
    path = tmp_path / "m.yaml"
    mended = 0
    for case in cases(rule):
        path.write_text(yaml.safe_dump(case.object, sort_keys=False), "utf-8")
        (one,) = read_file(str(path))
        assert isinstance(one, Resource)
        before = fixer(rule.id).proposals(fixer(rule.id).judged(one))
        if not before:
            continue
        made = fix_file(str(path), fixer(rule.id))
        path.write_text(made.after.text, "utf-8")
        (one,) = read_file(str(path))
        assert isinstance(one, Resource)
        after = {edit for _, _, edit in fixer(rule.id).proposals(fixer(rule.id).judged(one))}
        refused = {told.field for part in made.fixed for told in part.refused}
        assert bool(after) is bool(refused), (case.name, refused)
        mended += not after
        assert made.changed or refused
    assert mended


def test_eight_rules_and_more_have_safe_fixes_and_the_docs_name_them() -> None:
    safe = {rule.id for rule in WITH_FIX if any(one.fix and one.fix.safe for one in rule.validations)}
    assert len(safe) >= 8
    text = (REPOSITORY / "docs" / "fix.md").read_text("utf-8")
    assert set(re.findall(r"^\| `([a-z][a-z-]+)`", text, re.MULTILINE)) == safe


def test_safe_fixes_of_fields_that_linux_reads_ask_for_windows() -> None:
    """What Windows ignores is not ignored by every node that may get the pod, unless the rule or the fix sees to that."""
    for rule in WITH_FIX:
        for one in rule.validations:
            if one.fix and one.fix.safe and "windows" not in rule.when and "metadata.annotations" not in one.paths[0]:
                assert "selectsWindows" in one.fix.safe_if or "'windows'" in one.fix.safe_if, rule.id


def test_what_has_no_unambiguous_fix_has_none() -> None:
    for rule in BUILT_IN.rules:
        if rule.remediation["safety"] == "manual":
            assert not any(one.fix for one in rule.validations), rule.id


FIX = "remediation: {{safety: safe, text: x, fix: {{{0}}}}}"
ONE = "area/one-container.yaml"


@pytest.mark.parametrize(
    ("fix", "message"),
    [
        ("op: set, safety: safe, why: x", "`op: set` and `value` go together"),
        ("op: remove, value: true, safety: safe, why: x", "`op: set` and `value` go together"),
        ("op: remove, safety: unsafe, safe-if: 'true', why: x", "`safe-if` is for `safety: safe`"),
        ("op: remove, safety: safe", "the key 'why' is missing"),
        ("op: delete, safety: safe, why: x", "'delete' is not one of remove, set"),
        ("op: set, value: [1], safety: safe, why: x", "remediation.fix.value: must be of type"),
        ("op: remove, path: object.metadata.name, safety: safe, why: x", "remediation.fix.path: 'object.metadata.name' is not of the form"),
    ],
)
def test_a_wrong_fix_is_an_error_at_its_line(fix: str, message: str, tmp_path: Path) -> None:
    text = rule_text("one-container", ("remediation: {safety: manual, text: Remove the others.}", FIX.format(fix)))
    with pytest.raises(PolicyError) as error:
        load_pack(write_pack(tmp_path, {ONE: text}))
    assert message in error.value.message
    assert error.value.line == 17


def test_a_rule_that_is_fixed_by_hand_has_no_fix(tmp_path: Path) -> None:
    text = rule_text("one-container", ("    path: spec.containers", "    path: spec.containers\n    fix: {op: remove, safety: safe, why: x}"))
    with pytest.raises(PolicyError, match="a rule whose remediation is manual has no fix"):
        load_pack(write_pack(tmp_path, {ONE: text}))


def test_a_fix_needs_a_place(tmp_path: Path) -> None:
    text = rule_text(
        "one-container",
        ("    path: spec.containers\n", ""),
        ("safety: manual, text: Remove the others.", "safety: safe, text: x, fix: {op: remove, safety: safe, why: x}"),
    )
    with pytest.raises(PolicyError, match="needs a `path`, as the validation has none"):
        load_pack(write_pack(tmp_path, {ONE: text}))


# A pack of one's own, and what lint says of its fix.

DNS = rule_text(
    "one-container",
    ("size(variables.containers) < 2", "\"!has(variables.podSpec.dnsPolicy) || variables.podSpec.dnsPolicy != 'None'\""),
    ("path: spec.containers", "path: spec.dnsPolicy"),
    ("safety: manual, text: Remove the others.", "safety: safe, text: x, fix: {op: set, value: Default, safety: safe, why: x}"),
)
SUITE = """\
rule: one-container
base: pod
cases:
  - {name: good, expect: allow}
  - {name: bad, set: {spec.dnsPolicy: None}, expect: deny}
  - {name: other, set: {spec.hostNetwork: false}, expect: skip}
"""


def linted(folder: Path, rule: str, suite: str = SUITE) -> list[str]:
    """What lint says of the fix."""
    own = write_pack(folder, {ONE: rule})
    (folder / ONE.replace(".yaml", ".test.yaml")).write_text(suite, "utf-8")
    return [problem.rpartition("one-container.test.yaml")[2].lstrip(": ") for problem in api.lint_rules(own) if "fix" in problem or "safe-if" in problem]


def test_a_fix_that_fixes_is_well(tmp_path: Path) -> None:
    assert linted(tmp_path, DNS) == []


def test_a_fix_that_does_not_fix_is_told(tmp_path: Path) -> None:
    assert linted(tmp_path, DNS.replace("value: Default", "value: None")) == [
        "after the fix the case 'bad' still fails: one container only",
        "has no case in which the fix ends this fault: one container only",
    ]


def test_a_fix_that_no_case_needs_is_told(tmp_path: Path) -> None:
    assert linted(tmp_path, DNS, SUITE.replace("expect: deny", "expect: deny, operation: UPDATE, oldObject: {}")) == [
        "has no case in which the fix ends this fault: one container only"
    ]


def test_a_fix_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    rule = DNS.replace("op: set, value: Default", "op: remove, path: spec.affinity.podAffinity")
    assert linted(tmp_path, rule)[0] == "the fix cannot be made in the case 'bad': 'affinity'"


@pytest.mark.parametrize(("condition", "missing"), [("true", "false"), ("false", "true"), ("variables.hostNetwork", "false")])
def test_a_condition_that_is_always_the_same_is_told(condition: str, missing: str, tmp_path: Path) -> None:
    rule = DNS.replace("safety: safe, why", f'safety: safe, safe-if: "{condition}", why')
    assert linted(tmp_path, rule) == [f"has no failing case for which this `safe-if` is {missing}: {condition}"]


def test_a_condition_that_does_not_compile_is_told(tmp_path: Path) -> None:
    rule = DNS.replace("safety: safe, why", 'safety: safe, safe-if: "variables.nowhere", why')
    own = write_pack(tmp_path, {ONE: rule})
    (tmp_path / ONE.replace(".yaml", ".test.yaml")).write_text(SUITE, "utf-8")
    assert any("nowhere" in problem for problem in api.lint_rules(own))


def test_own_packs_fix_too(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    own = write_pack(folder, {ONE: DNS})
    path = tmp_path / "pod.yaml"
    text = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {hostNetwork: true, dnsPolicy:  'None', containers: [{name: a, image: i}]}\n"
    path.write_text(text, "utf-8")
    assert fixed(path, policies=api.load_policies([own])).after.text == text.replace("'None'", "'Default'")
    assert run(path, "--policies", own).status == 1

"""Our small interpreter of JSON Schema gives the verdicts of the library jsonschema, on our files and on spoilt copies of them."""

from __future__ import annotations

import copy
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hostprocess.errors import HostprocessError, PolicyError
from hostprocess.kubernetes.yaml_text import load
from hostprocess.schema import load_checked, schema, violations
from support import PACK, REPOSITORY, rule_text

NAMES = ("rule", "suite", "pack", "report", "exceptions", "baseline", "configuration")
SUITE = """\
rule: x
base: linux-pod
cases:
  - {name: a, expect: allow, set: {spec.a: [1]}, unset: [spec.b], wrap: Job, failures: 2}
  - {name: b, expect: deny, base: {kind: Pod}, namespace: shop, params: null, inventory: [{kind: Namespace}], kubernetes: 1.30, fields: [a, b]}
  - {name: c, expect: skip, object: {kind: Pod}, edit: ".", message: m, field: f, operation: UPDATE, oldObject: {}, subresource: resize, userInfo: {}}
  - {name: d, expect: warn, object: a.yaml, wrap: [Pod, Job], kubernetes: [1.30, 1.37], params: [p.yaml, {}], inventory: i.yaml, raw: true}
  - {name: e, expect: error, messageMatches: x, rules: [r], auditAnnotations: {a: b, c: null}, warnings: [w], oldObject: o.yaml, inventory: [i.yaml, {}]}
  - {name: f, variable: v, expression: x, value: [1], error: e}
assumeBinding: warn
policy: [a.yaml]
fixtures: {f: {kind: Pod}, g: g.yaml}
defaults: {base: f, wrap: [Job], operation: DELETE, kubernetes: 1.30}
"""
RULE = rule_text(
    "x",
    ("when:", "kubernetes: {since: 1.30, before: 1.40}\ncontainerd: {since: 1.7}\nparamKind: {apiVersion: v1, kind: K}\nwhen:"),
    ("    path: spec.containers", "    path: [a, b]\n    severity: info\n    each: containers\n    messageExpression: x"),
    (
        "safety: manual, text: Remove the others.",
        'safety: safe, text: Remove it., fix: {op: set, path: spec.a, value: true, safety: safe, safe-if: "true", why: Because.}',
    ),
)
ADVICE = PACK + "advice:\n  - {title: t, symptoms: [s], text: x, references: [r]}\ndescription: d\n"

EXCEPTIONS = """\
exceptions:
  - {rule: a, match: {namespace: n, name: [x, y-*], kind: Pod, labels: {a: b, c: [d, e]}, image: i}, owner: o, reason: r, ticket: 1, expires: 2026-12-31}
  - {rule: [a, b], match: {}, owner: o, reason: r, ticket: t}
"""
BASELINE = """\
version: 1
findings: [{rule: r, kind: Pod, namespace: n, name: x, field: f, count: 1}, {rule: r, kind: Pod, namespace: "", name: x, field: "", outcome: error, count: 2}]
"""
CONFIGURATION = """\
policies: [a, b]
ignore: x
fail-on: warn
jobs: 2
expression-timeout: 3
raw: true
check: {paths: [a], color: never, admission-plugins: [Priority]}
test: {fail-under: 90, verbose: true}
export: {policies: a, workloads: off, exempt-user: [a]}
"""


def parsed(text: str) -> Any:
    ((value, _),) = load(text, strict=True)
    return value


def files(name: str) -> list[Path]:
    folder = REPOSITORY / "policies"
    if name == "pack":
        return [folder / "pack.yaml"]
    suites = sorted(folder.rglob("*.test.yaml"))
    return suites if name == "suite" else sorted(set(folder.rglob("*.yaml")) - set(suites) - {folder / "pack.yaml"})


SAMPLES: list[tuple[str, Any]] = [
    ("rule", parsed(RULE)),
    ("suite", parsed(SUITE)),
    ("pack", parsed(ADVICE)),
    ("exceptions", parsed(EXCEPTIONS)),
    ("baseline", parsed(BASELINE)),
    ("configuration", parsed(CONFIGURATION)),
    ("configuration", tomllib.loads("expression-timeout = 0.5\nmutate.fail-under = 99.5")),
]


def agreed(value: Any, name: str) -> bool:
    """Whether a value is valid; both must say the same."""
    ours = not list(violations(value, schema(name)))
    assert ours is jsonschema.Draft202012Validator(schema(name)).is_valid(value)
    return ours


@pytest.mark.parametrize("name", NAMES)
def test_the_schemas_are_schemas(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schema(name))


@pytest.mark.parametrize("name", ["rule", "suite", "pack"])
def test_our_own_files_are_valid(name: str) -> None:
    assert files(name)
    for path in files(name):
        assert agreed(parsed(path.read_text("utf-8")), name), path


@pytest.mark.parametrize(("name", "value"), SAMPLES)
def test_the_samples_are_valid(name: str, value: Any) -> None:
    assert agreed(value, name)


JUNK: list[Any] = [None, True, False, 0, 2, -1, "", "x", "1.30", "error", "a\nb", [], [None], ["x"], [""], {}, {"x": "y"}, {"name": "x"}, {"since": "1.2"}]


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key or index) of a value."""
    found: list[tuple[Any, Any]] = []
    for key, item in list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []:
        found += [(value, key), *places(item)]
    return found


@st.composite
def spoilt(draw: st.DrawFn) -> tuple[str, Any]:
    """A sample with one to three things changed, not all of them wrong."""
    name, original = draw(st.sampled_from(SAMPLES))
    value = copy.deepcopy(original)
    for _ in range(draw(st.integers(1, 3))):
        where = places(value)
        if not where:
            break
        owner, key = draw(st.sampled_from(where))
        change = draw(st.sampled_from(["replace", "replace", "delete", "rename", "add"]))
        if change == "replace":
            owner[key] = copy.deepcopy(draw(st.sampled_from(JUNK)))
        elif change == "delete" or (change == "rename" and isinstance(owner, list)):
            del owner[key]
        elif change == "rename":
            owner[draw(st.sampled_from(["x", "name", "since", key.upper() if isinstance(key, str) else "y"]))] = owner.pop(key)
        elif isinstance(owner, list):
            owner.insert(key, copy.deepcopy(draw(st.sampled_from(JUNK))))
        else:
            owner[draw(st.sampled_from(["x", "value", "message", "severity", "of"]))] = copy.deepcopy(draw(st.sampled_from(JUNK)))
    return name, value


@settings(deadline=None, max_examples=600)
@given(spoilt())
def test_spoilt_files_get_the_same_verdict(sample: tuple[str, Any]) -> None:
    agreed(sample[1], sample[0])


@pytest.mark.parametrize(("name", "value"), SAMPLES)
@pytest.mark.parametrize("junk", JUNK, ids=repr)
def test_every_place_holds_to_its_schema(name: str, value: Any, junk: Any) -> None:
    """Each value of a sample is replaced by junk in turn."""
    verdicts = set()
    for number in range(len(places(value))):
        changed = copy.deepcopy(value)
        owner, key = places(changed)[number]
        owner[key] = junk
        verdicts.add(agreed(changed, name))
    assert False in verdicts


@pytest.mark.parametrize(("name", "value"), [*SAMPLES, *((name, one) for name in ("rule", "suite", "pack") for one in (None, [], "x", 1, True))])
def test_the_top_must_be_a_mapping(name: str, value: Any) -> None:
    assert agreed(value, name) is isinstance(value, dict)


# What the message says, and where.


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("suite", SUITE.replace("expect: deny", "expect: dny"), "s.yaml:5:15: cases[1].expect: 'dny' is not one of allow, deny, warn"),
        ("suite", SUITE.replace("expect: deny", "expect: dny"), "; did you mean 'deny'?"),
        ("suite", SUITE.replace("unset:", "unst:"), "s.yaml:4:50: cases[0].unst: unknown key; did you mean 'unset'?; known are name, base"),
        ("suite", SUITE.replace("wrap: Job", "wrap: job"), "cases[0].wrap: 'job' is not one of Deployment"),
        ("suite", SUITE.replace("failures: 2", "failures: '2'"), "cases[0].failures: must be of type integer, not str"),
        ("suite", SUITE.replace("namespace: shop", "namespace: [shop]"), "cases[1].namespace: must be of type string or object, not list"),
        ("suite", SUITE.replace("name: a, ", ""), "s.yaml:4:5: cases[0]: the key 'name' is missing"),
        ("suite", SUITE.replace("kubernetes: 1.30", "kubernetes: 1.30.0"), "cases[1].kubernetes: '1.30.0' is not of the form"),
        ("suite", "rule: x\ncases: []\n", "s.yaml:2:1: cases: must not be empty"),
        ("suite", "- rule: x\n", "s.yaml:1:1: must be of type object, not list"),
        ("suite", "rule: x\nrule: x\n", "s.yaml:2:1: the key 'rule' is given twice"),
        ("suite", "", "s.yaml: expected one YAML document, found 0"),
    ],
)
def test_messages(name: str, text: str, message: str) -> None:
    with pytest.raises(HostprocessError) as caught:
        load_checked(text, "s.yaml", name)
    assert message in str(caught.value)


def test_the_first_fault_is_an_error_with_its_place() -> None:
    with pytest.raises(PolicyError) as caught:
        load_checked(SUITE.replace("base: linux-pod", "base: 5"), "s.yaml", "suite")
    assert (caught.value.path, caught.value.line, caught.value.column) == ("s.yaml", 2, 1)

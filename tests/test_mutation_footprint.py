"""What an expression can depend on: where that is the same, so is its value."""

from __future__ import annotations

import os
from typing import Any

import pytest

from hostprocess import api
from hostprocess.cel.environment import environment
from hostprocess.cel.frontend import compile_checked
from hostprocess.cel.runtime import CelError
from hostprocess.cel.types import DYN
from hostprocess.model import Unknown
from hostprocess.mutation.bench import Bench
from hostprocess.mutation.footprint import footprint, seen_at
from hostprocess.mutation.generate import Samples
from hostprocess.mutation.runtime import MutantProgram
from hostprocess.mutation.trial import Change, same_value
from hostprocess.rules import built_in_folder
from hostprocess.suite.formats import SuiteFile, find_suites

DECLARED = frozenset({"object", "oldObject", "request", "params", "namespaceObject", "authorizer", "variables"})


def read_by(expression: str) -> list[str] | None:
    found = footprint(compile_checked(expression, environment("1.37", True).declare(DECLARED, {"list": DYN})))
    return None if found is None else [".".join(path) for path in found]


@pytest.mark.parametrize(
    ("expression", "paths"),
    [
        ("1 + 1 == 2", []),
        ("object.spec.replicas > 1", ["object.spec.replicas"]),
        ("has(object.spec.replicas) && object.spec.replicas > 1", ["object.spec.replicas"]),
        ("object.spec.replicas > 1 && object.spec == oldObject.spec", ["object.spec", "oldObject.spec"]),
        ("object.metadata.labels['a'] == 'b'", ["object.metadata.labels"]),
        ("object == null || request.name == 'a'", ["object", "request.name"]),
        ("object.l.all(i, i.a.b == 1 && has(i.c))", ["object.l.*.a.b", "object.l.*.c.?"]),
        ("object.l.all(i, i == 1 || i.a == 1)", ["object.l.*"]),
        ("object.l.all(i, true)", ["object.l"]),
        ("object.l.all(i, i.m.all(j, j.name != i.name))", ["object.l.*.m.*.name", "object.l.*.name"]),
        ("object.l.filter(i, has(i.a)).map(i, i.a)", ["object.l.*"]),
        ("object.l.exists(object, object.a)", ["object.l.*.a"]),
        ("object.l.exists(i, [i].exists(i, i.a))", ["object.l.*.a"]),
        ("[object.a.b].exists(i, i.c)", ["object.a.b.c"]),
        ("[object.a.b].exists(i, true)", ["object.a.b"]),
        ("[object.a, object.b].exists(i, i.c)", ["object.a", "object.b"]),
        ("has(object.a.b)", ["object.a.b.?"]),
        ("has(object.a.b) && object.a.b.c == 1", ["object.a.b.?", "object.a.b.c"]),
        ("has(object.l) && object.l.all(i, has(i.m) && i.m.all(m, m.n == 1))", ["object.l.*.m.*.n", "object.l.*.m.?", "object.l.?"]),
        ("object.l.all(i, v, v.a == object.x)", ["object.l", "object.x"]),
        ("type(object.a) == string", ["object.a"]),
        ("variables.list.all(i, i.a == variables.list.b)", ["variables.list.*.a", "variables.list.b"]),
        ("(has(object.a) ? object.a : oldObject.b).c", ["object.a", "oldObject.b"]),
        ("authorizer.group('').resource('pods').check('get').allowed()", None),
        ("variables == variables", None),
    ],
)
def test_what_is_read(expression: str, paths: list[str] | None) -> None:
    assert read_by(expression) == paths


def test_what_is_seen_differs_where_values_do() -> None:
    different: list[Any] = [
        *(
            {},
            {"l": None},
            {"l": {}},
            {"l": []},
            {"l": [{}]},
            {"l": [{}, {}]},
            {"l": [{"a": None}]},
            {"l": [{"a": 1}]},
            {"l": [{"a": True}]},
            {"l": [{"a": 1.0}]},
        ),
        *(
            {"l": [{"a": "1"}]},
            {"l": [1]},
            {"l": "x"},
            {"l": {"a": 1}},
            {"l": Unknown("l")},
            {"l": [Unknown("x")]},
            {"l": CelError("x")},
            {"l": CelError("x", "l")},
        ),
        *(None, 1, Unknown("l"), CelError("l")),
    ]
    seen = [seen_at(value, ("l", "*", "a")) for value in different]
    assert None not in seen
    assert len(set(seen)) == len(different)


def test_what_is_not_read_is_not_seen() -> None:
    assert seen_at({"l": [{"a": 1, "b": 2}], "m": 1}, ("l", "*", "a")) == seen_at({"m": 2, "l": [{"a": 1}]}, ("l", "*", "a"))
    assert seen_at({"l": {"a": 1}}, ("l", "*", "a")) == seen_at({"l": {"a": 2}}, ("l", "*", "a"))  # of a map, its keys


def test_of_what_has_to_be_there_only_that_is_seen() -> None:
    values: list[Any] = [{}, {"a": None}, {"a": {}}, {"a": {"b": 1}}, {"a": {"b": Unknown("b")}}, {"a": {"b": CelError("b")}}, {"a": 1}, {"a": Unknown("a")}]
    assert len({seen_at(value, ("a", "b", "?")) for value in values}) == len(values)
    assert seen_at({"a": {"b": 1}}, ("a", "b", "?")) == seen_at({"a": {"b": None, "c": 1}}, ("a", "b", "?"))


def test_nothing_is_told_of_what_is_no_plain_data() -> None:
    assert seen_at({"a": [{"b": Unknown("b")}]}, ("a",)) is None


@pytest.mark.parametrize("rule", ["account/user-name-syntax", "containerd/mount-path-on-containerd-1-6", "network/port-conflict", "os/windows-node-selector"])
def test_the_same_inputs_give_the_same_value(rule: str) -> None:
    workbench, bench = api.suite_workbench(), Bench()
    (file,) = find_suites([os.path.join(built_in_folder(), f"{rule}.test.yaml")], api.suite_formats())
    assert isinstance(file, SuiteFile)
    group = bench.group([workbench.load(file)])
    known: dict[Any, Any] = {}
    again = 0
    for sample in Samples(group.trials, [], rule).first(400):
        trial = sample.made()
        for number, situation, hold in [each for name in {one.policy for one in trial.told} for each in trial.reached(name)]:
            texts = [one.body for one in situation.prepared.policy.validations] + [one.expression for one in situation.prepared.policy.variables]
            variables, declared, release = situation.prepared.scope
            for text in texts if hold else ():
                program = bench.runtime.compile(text, variables, declared, kubernetes=release)
                assert isinstance(program, MutantProgram)
                change = Change(program, program)
                inputs = trial.inputs(number, situation, "validation", change)
                if inputs is None:
                    continue
                value = trial.value(number, situation, "validation", program)
                key = (text, release, inputs)
                if key in known:
                    again += 1
                    assert same_value(known[key], value), text
                known[key] = value
    assert again > 1000

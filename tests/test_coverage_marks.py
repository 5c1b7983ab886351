"""Marks of evaluated parts. On the expressions of the API server's table a runtime that marks gives the same value at the same cost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hostprocess.cel.coverage import CoverageRuntime
from hostprocess.cel.marks import EVALUATED, FALSE, TRUE
from hostprocess.cel.runtime import Account, CelError, CompileError
from hostprocess.cel.shown import shown
from hostprocess.cel.tree import TreeRuntime
from support import INPUTS

HEAD, *CASES = (json.loads(line) for line in (Path(__file__).parent / "cel_tree_cases.jsonl").read_text(encoding="utf-8").splitlines())
DECLARED = frozenset({*INPUTS, "authorizer"})
KNOWN = [case for case in CASES if case["object"] in HEAD["objects"] and "cost" in case["results"].get("1.37", {})]
WORDS = {0: "never", EVALUATED: "evaluated", TRUE: "true", FALSE: "false", TRUE | FALSE: "both", EVALUATED | FALSE: "failed or false"}


def inputs(case: Any) -> dict[str, Any]:
    given = {"request": HEAD["request"], "namespaceObject": HEAD["namespaceObject"], "oldObject": None, "params": None}
    return {"object": HEAD["objects"][case["object"]], **given}


def result(runtime: TreeRuntime, case: Any) -> tuple[str, str, int]:
    """Type, value and cost."""
    account = Account()
    try:
        program = runtime.compile(case["expression"], HEAD["variables"][case.get("variables", "")], DECLARED)
    except CompileError as error:
        return "compile", error.text, 0
    value = program.evaluate(runtime.activation(inputs(case)), account)
    return type(value).__name__, value.message if isinstance(value, CelError) else shown(value), account.remaining


def test_values_and_costs_are_those_of_the_plain_runtime() -> None:
    plain, marking = TreeRuntime(), CoverageRuntime()
    marking.marks.array = bytearray(1_000_000)
    assert len(KNOWN) > 1000
    for case in KNOWN:
        assert result(marking, case) == result(plain, case), case["expression"]
    assert marking.size < 1_000_000


def seen(expression: str, *objects: Any, variables: dict[str, str] | None = None) -> dict[str, str]:
    """Each part of the expression, and of the variables that it reads, and how it was seen."""
    runtime = CoverageRuntime()
    program = runtime.compile(expression, variables or {}, frozenset({"object"}))
    runtime.marks.array = bytearray(runtime.size)
    for value in objects:
        program.evaluate(runtime.activation({"object": value}))
    programs = [(expression, program), *((one.text, one.program) for one in program.variables.values() if not isinstance(one.program, CompileError))]
    found: dict[str, int] = {}
    for text, one in programs:
        for part in runtime.parts[one]:
            key = text[part.start : part.end]
            found[key] = found.get(key, 0) | runtime.marks.array[part.index]
            assert part.boolean or found[key] in (0, EVALUATED)
    return {text: WORDS[marks] for text, marks in found.items()}


A, B, AB, NONE = {"a": True}, {"b": True}, {"a": True, "b": True}, dict[str, Any]()


@pytest.mark.parametrize(
    ("expression", "objects", "parts"),
    [
        ("has(object.a) && has(object.b)", [A], {"has(object.a) && has(object.b)": "false", "has(object.a)": "true", "has(object.b)": "false"}),
        ("has(object.a) && has(object.b)", [NONE], {"has(object.a) && has(object.b)": "false", "has(object.a)": "false", "has(object.b)": "never"}),
        ("has(object.a) || object.b", [NONE], {"has(object.a) || object.b": "evaluated", "has(object.a)": "false", "object.b": "evaluated"}),
        ("object.a || object.b", [A, {"a": False, "b": False}], {"object.a || object.b": "both", "object.a": "both", "object.b": "false"}),
        # The operands of a chain count, not how they are bracketed; nor both a negation and what it negates.
        (
            "has(object.a) || has(object.b) || !(has(object.c))",
            [B],
            {"has(object.a) || has(object.b) || !(has(object.c))": "true", "has(object.a)": "false", "has(object.b)": "true", "!(has(object.c))": "never"},
        ),
        ("!(has(object.a) && has(object.b))", [AB], {"!(has(object.a) && has(object.b))": "false", "has(object.a)": "true", "has(object.b)": "true"}),
        # Choices: a branch that is a field, or tests for one, is one too.
        (
            "!(has(object.a) ? object.a : has(object.b))",
            [NONE, B],
            {"!(has(object.a) ? object.a : has(object.b))": "both", "has(object.a)": "false", "object.a": "never", "has(object.b)": "both"},
        ),
        ("(has(object.a) ? 'x' : 'y') == 'x'", [A], {"(has(object.a) ? 'x' : 'y') == 'x'": "true", "has(object.a)": "true"}),
        # Literals, and what is nothing but a literal, cannot be both.
        ("true || has(object.a)", [A], {"true || has(object.a)": "true", "has(object.a)": "never"}),
        ("object == 5 || 'a' in []", [A], {"object == 5 || 'a' in []": "false", "object == 5": "false"}),
        ("'text'", [A], {"'text'": "evaluated"}),
        ("true", [A], {"true": "evaluated"}),
        # What is said of elements.
        ("object.l.all(x, x > 1)", [{"l": []}], {"object.l.all(x, x > 1)": "true", "x > 1": "never"}),
        ("object.l.all(x, x > 1)", [{"l": [2, 1]}], {"object.l.all(x, x > 1)": "false", "x > 1": "both"}),
        ("object.l.exists_one(x, x > 1)", [{"l": [2]}], {"object.l.exists_one(x, x > 1)": "true", "x > 1": "true"}),
        ("object.l.filter(x, x > 1).map(y, y + 1)", [{"l": [1]}], {"object.l.filter(x, x > 1).map(y, y + 1)": "evaluated", "x > 1": "false", "y + 1": "never"}),
        ("object.l.map(x, x.flag, x.name)", [{"l": [{"flag": False}]}], {"object.l.map(x, x.flag, x.name)": "evaluated", "x.flag": "false", "x.name": "never"}),
        ("object.l.map(x, x)", [{"l": []}], {"object.l.map(x, x)": "evaluated"}),
        # Optional values.
        ("object.?a.orValue(object.b)", [A], {"object.?a.orValue(object.b)": "evaluated", "object.b": "never"}),
        (
            "object.?a.optMap(x, x == 1).orValue(false)",
            [NONE],
            {"object.?a.optMap(x, x == 1).orValue(false)": "false", "object.?a.optMap(x, x == 1)": "false", "x == 1": "never"},
        ),
    ],
)
def test_parts(expression: str, objects: list[Any], parts: dict[str, str]) -> None:
    assert seen(expression, *objects) == parts


def test_variables() -> None:
    variables = {"flag": "has(object.a)", "name": "object.name", "unread": "1"}
    assert seen("variables.flag && variables.name == 'x' && has(variables.name)", NONE, variables=variables) == {
        "variables.flag && variables.name == 'x' && has(variables.name)": "false",
        "variables.flag": "false",
        "variables.name == 'x'": "never",
        "has(object.a)": "false",
        "object.name": "never",
    }

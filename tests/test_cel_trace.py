"""The value of each part of an expression. On the expressions of the API server's table: the trace has the value of the whole, and each part that is
evaluated by itself has the value that the trace gives."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hostprocess.cel.environment import environment
from hostprocess.cel.extents import Extents
from hostprocess.cel.frontend import parse
from hostprocess.cel.nodes import Call, children
from hostprocess.cel.runtime import CelError, CompileError
from hostprocess.cel.shown import shown
from hostprocess.cel.trace import NOT_EVALUATED, Traced, Tracer
from hostprocess.cel.tree import TreeRuntime
from support import INPUTS

TRACER, TREE = Tracer(), TreeRuntime()
HEAD, *CASES = (json.loads(line) for line in (Path(__file__).parent / "cel_tree_cases.jsonl").read_text(encoding="utf-8").splitlines())
DECLARED = frozenset({*INPUTS, "authorizer"})
KNOWN = [case for case in CASES if case["object"] in HEAD["objects"] and "cost" in case["results"].get("1.37", {})]


def inputs(case: Any) -> dict[str, Any]:
    given = {"request": HEAD["request"], "namespaceObject": HEAD["namespaceObject"], "oldObject": None, "params": None}
    return {"object": HEAD["objects"][case["object"]], **given}


def same(one: Any, other: Any) -> bool:
    if isinstance(one, CelError) or isinstance(other, CelError):
        return isinstance(one, CelError) and isinstance(other, CelError) and one.message == other.message
    return type(one) is type(other) and shown(one) == shown(other)


def parts(traced: Traced) -> Iterator[Traced]:
    """All parts outside of rounds: those inside read variables of the round."""
    for part in traced.parts:
        yield part
        yield from parts(part)


@pytest.mark.parametrize("start", range(0, len(KNOWN), 40))
def test_the_table_of_the_api_server(start: int) -> None:
    for case in KNOWN[start : start + 40]:
        variables = HEAD["variables"][case.get("variables", "")]
        values = inputs(case)
        try:
            traced = TRACER.trace(case["expression"], variables, DECLARED, TRACER.activation(values))
        except CompileError:
            continue
        assert same(traced.value, TREE.compile(case["expression"], variables, DECLARED).evaluate(TREE.activation(values))), case["expression"]
        for part in parts(traced):
            # A list of several types may stand in `format` alone.
            if part.value is not NOT_EVALUATED and not part.text.startswith("["):
                alone = TREE.compile(part.text, variables, DECLARED).evaluate(TREE.activation(values))
                assert same(part.value, alone), (case["expression"], part.text)


def test_the_table_has_parts_enough() -> None:
    found = [
        part
        for case in KNOWN[:200]
        for part in parts(TRACER.trace(case["expression"], HEAD["variables"][case.get("variables", "")], DECLARED, TRACER.activation(inputs(case))))
    ]
    assert len(found) > 140


@pytest.mark.parametrize("case", KNOWN[::3], ids=lambda case: case["expression"][:60])
def test_extents_are_expressions(case: Any) -> None:
    """The text of each node is an expression that parses to such a node."""
    root, positions = parse(case["expression"], environment("1.37", True))
    extents = Extents(case["expression"], positions)
    todo = [root]
    assert extents.of(root) is not None or "sortBy" in case["expression"]  # a macro of Kubernetes
    while todo:
        node = todo.pop()
        todo += children(node)
        extent = extents.of(node)
        if extent and not (isinstance(node, Call) and node.function == "_?._"):
            again, _ = parse(case["expression"][slice(*extent)], environment("1.37", True))
            assert type(again) is type(node)
            assert getattr(again, "function", "") == getattr(node, "function", "")


def told(expression: str, variables: dict[str, str] | None = None, **values: Any) -> list[Any]:
    """The parts as nested lists of text and value, rounds with their variables."""
    return _told(TRACER.trace(expression, variables or {}, DECLARED, TRACER.activation({"object": {}, **values})))


def _told(traced: Traced) -> list[Any]:
    value = "-" if traced.value is NOT_EVALUATED else f"error {traced.value.message}" if isinstance(traced.value, CelError) else traced.value
    found = [f"{traced.text} is {value}", *map(_told, traced.parts)]
    found += [[f"with {dict(one.variables)}", _told(one.body)] for one in traced.rounds]
    return found if len(found) > 1 else found[0]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 + 2 == 3", ["1 + 2 == 3 is True", "1 + 2 is 3"]),
        ("object.a.b", "object.a.b is 1"),
        ("!has(object.a.c)", ["!has(object.a.c) is True", "has(object.a.c) is False"]),
        ("object.x == 1", ["object.x == 1 is error no such key: x", "object.x is error no such key: x"]),
        (
            "(false || object.a.b > 0) && (object.a.b > 5 && object.a.b < 9)",
            [
                "(false || object.a.b > 0) && (object.a.b > 5 && object.a.b < 9) is False",
                ["false || object.a.b > 0 is True", ["object.a.b > 0 is True", "object.a.b is 1"]],
                ["object.a.b > 5 is False", "object.a.b is 1"],
                "object.a.b < 9 is -",
            ],
        ),
        ("has(object.z) ? object.z : object.a.b", ["has(object.z) ? object.z : object.a.b is 1", "has(object.z) is False"]),
        ("true ? 1 + 1 : 2 + 2", ["true ? 1 + 1 : 2 + 2 is 2", "1 + 1 is 2"]),
        (
            "object.l.all(x, x > 1)",
            ["object.l.all(x, x > 1) is False", "object.l is [3, 1, 2]", ["with {'x': 1}", "x > 1 is False"]],
        ),
        (
            "object.l.exists(x, x == 2)",
            ["object.l.exists(x, x == 2) is True", "object.l is [3, 1, 2]", ["with {'x': 2}", "x == 2 is True"]],
        ),
        (
            "object.l.exists(x, x == 7)",
            ["object.l.exists(x, x == 7) is False", "object.l is [3, 1, 2]", *([f"with {{'x': {x}}}", "x == 7 is False"] for x in (3, 1, 2))],
        ),
        (
            "object.l.all(i, x, x > i)",
            ["object.l.all(i, x, x > i) is False", "object.l is [3, 1, 2]", ["with {'i': 1, 'x': 1}", "x > i is False"]],
        ),
        (
            "object.l.map(x, [x].exists(y, y == x))[0]",
            [
                "object.l.map(x, [x].exists(y, y == x))[0] is True",
                [
                    "object.l.map(x, [x].exists(y, y == x)) is [True, True, True]",
                    "object.l is [3, 1, 2]",
                    *(
                        [f"with {{'x': {x}}}", ["[x].exists(y, y == x) is True", f"[x] is [{x}]", [f"with {{'y': {x}}}", "y == x is True"]]]
                        for x in (3, 1, 2)
                    ),
                ],
            ],
        ),
        (
            "object.l.all(x, x.y > 1)",
            [
                "object.l.all(x, x.y > 1) is error no such key: y",
                "object.l is [3, 1, 2]",
                *([f"with {{'x': {x}}}", ["x.y > 1 is error no such key: y", "x.y is error no such key: y"]] for x in (3, 1, 2)),
            ],
        ),
        ("'a' in ['a', 'b']", "'a' in ['a', 'b'] is True"),
        ("object.?a.?q.optMap(v, v + 1).orValue(3)  ==\n 3", None),
    ],
)  # fmt: skip
def test_parts(expression: str, expected: Any) -> None:
    found = told(expression, object={"a": {"b": 1}, "l": [3, 1, 2]})
    if expected is None:
        assert found[0] == "object.?a.?q.optMap(v, v + 1).orValue(3) == 3 is True"
        assert found[1][0] == "object.?a.?q.optMap(v, v + 1).orValue(3) is 3"
    else:
        assert found == expected


def test_variables_are_parts_too() -> None:
    found = told("variables.a > 1 && has(variables.a)", {"a": "object.n * 2"}, object={"n": 1})
    assert found == ["variables.a > 1 && has(variables.a) is True", ["variables.a > 1 is True", "variables.a is 2"], "has(variables.a) is True"]

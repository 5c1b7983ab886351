"""The rewriting of CEL text: positions stay right, strings and comments are left alone, the value does not change."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hostprocess.cel.runtime import CelError
from hostprocess.cel.source import bind, declared_presence, mentions, needed, rename_variables, uses_bind, variables_of
from support import run

NAMES = ["a", "b", "podSpec", "x_1"]
ARTFUL = ["variables.a", "has(variables.b)", "cel.bind(", "has(object.x.y)", "//", "'", '"', "\\\\", "\\'", '\\"', "{", ")", "é😀", " ", "\\n"]


def quoted(parts: list[str], quote: str, prefix: str) -> str:
    """A string literal that holds these parts, whatever they look like."""
    unfit = ("'", '"', "\\") if "r" in prefix.lower() else ("'", '"') if len(quote) == 3 else (quote,)
    # Parts that would end the literal are left out; where escapes count, an escaped quote does not.
    body = "".join(part for part in parts if part not in unfit and not ("r" in prefix.lower() and any(sign in part for sign in unfit)))
    return f"{prefix}{quote}{body}{quote}"


strings = st.builds(
    quoted, st.lists(st.sampled_from(ARTFUL), max_size=6), st.sampled_from(["'", '"', "'''", '"""']), st.sampled_from(["", "r", "b", "R", "rb"])
)
comments = st.lists(st.sampled_from(ARTFUL), max_size=4).map(lambda parts: "//" + "".join(parts) + "\n")
plain = st.sampled_from(["object.spec", "1 + 2", "&&", "(", ")", "x.variables.a", "myvariables.b", "variablesX", "has(object.variables.a)", "[1, 2]", "\n"])
blank = st.sampled_from(["", " ", "\n  "])
reads = st.builds(lambda name, before, after: (f"variables{before}.{after}{name}", name), st.sampled_from(NAMES), blank, blank)
tests = st.builds(lambda name, a, b, c: (f"has{a}({b}variables.{name}{c})", name), st.sampled_from(NAMES), blank, blank, blank)

# A text is a list of pieces: (what it is, the text, the name of the variable if there is one).
pieces = st.lists(
    st.one_of(
        strings.map(lambda text: ("string", text, "")),
        comments.map(lambda text: ("comment", text, "")),
        plain.map(lambda text: ("plain", text, "")),
        reads.map(lambda pair: ("read", *pair)),
        tests.map(lambda pair: ("test", *pair)),
    ),
    max_size=8,
)


def joined(parts: list[tuple[str, str, str]]) -> str:
    return " ".join(text for _, text, _ in parts)


@settings(deadline=None)
@given(pieces)
def test_the_variables_of_a_text(parts: list[tuple[str, str, str]]) -> None:
    assert variables_of(joined(parts)) == {name for kind, _, name in parts if kind == "read"}


@settings(deadline=None)
@given(pieces, st.frozensets(st.sampled_from(NAMES)))
def test_presence_of_declared_variables_is_true_and_nothing_else_moves(parts: list[tuple[str, str, str]], declared: frozenset[str]) -> None:
    rewritten = declared_presence(joined(parts), declared)
    assert rewritten == joined([(kind, "true".ljust(len(text)) if kind == "test" and name in declared else text, name) for kind, text, name in parts])
    assert len(rewritten) == len(joined(parts))
    assert declared_presence(rewritten, declared) == rewritten


@settings(deadline=None)
@given(pieces)
def test_renaming_touches_reads_only(parts: list[tuple[str, str, str]]) -> None:
    expected = joined([(kind, f"<{name}>" if kind == "read" else text, name) for kind, text, name in parts])
    assert rename_variables(joined(parts), lambda name: f"<{name}>") == expected


@settings(deadline=None)
@given(pieces, st.booleans())
def test_bind_is_found_where_it_is_called(parts: list[tuple[str, str, str]], called: bool) -> None:
    text = joined([*parts, ("plain", "\ncel.bind(x, 1, x)", "")] if called else parts)
    assert uses_bind(text) is called


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("params.x", "params", True),
        ("object.params", "params", False),
        ("myparams", "params", False),
        ("paramsX", "params", False),
        ("(params)", "params", True),
        ("variables.x == 1", "variables.x", True),
        ("variables.xy == 1", "variables.x", False),
        ("", "params", False),
    ],
)
def test_mentions(text: str, name: str, expected: bool) -> None:
    assert mentions(text, name) is expected


@pytest.mark.parametrize(
    ("expressions", "expected"),
    [
        (["variables.d"], ["a", "b", "d"]),
        (["variables.c"], ["c"]),
        (["1", "variables.b || variables.c"], ["a", "b", "c"]),
        (["'variables.d'"], []),
        (["variables.unknown"], []),
    ],
)
def test_what_an_expression_needs(expressions: list[str], expected: list[str]) -> None:
    assert needed(expressions, {"a": "1", "b": "variables.a", "c": "2", "d": "variables.b + variables.a", "e": "variables.d"}) == expected


# Composition with cel.bind: the value is the one that reading in order gives.


@st.composite
def programs(draw: st.DrawFn) -> tuple[dict[str, str], str, int]:
    """Variables that read some of those before them, an expression over some of them, and its value."""
    values: list[int] = []
    variables: dict[str, str] = {}
    for number in range(draw(st.integers(1, 12))):
        read = sorted(draw(st.sets(st.integers(0, number - 1), max_size=3))) if number else []
        constant = draw(st.integers(-5, 5))
        comment = draw(st.sampled_from(["", " // variables.v0", " // ''' "]))
        variables[f"v{number}"] = " + ".join([f"({constant})", *(f"variables.v{one}" for one in read)]) + comment
        values.append(constant + sum(values[one] for one in read))
    used = draw(st.lists(st.sampled_from(range(len(values))), max_size=4))
    expression = " + ".join(["0", *(f"[1].map(x, x * variables.v{one})[0]" for one in used)])
    return variables, expression, sum(values[one] for one in used)


@settings(deadline=None, max_examples=80)
@given(programs())
def test_composition_keeps_the_value(program: tuple[dict[str, str], str, int]) -> None:
    variables, expression, expected = program
    assert run("cpp", expression, variables) == expected
    assert run("celpy", expression, variables) == expected


@settings(deadline=None, max_examples=80)
@given(programs())
def test_composition_binds_each_needed_variable_once(program: tuple[dict[str, str], str, int]) -> None:
    variables, expression, _ = program
    composed = bind(expression, variables)
    for name in variables:
        assert composed.count(f"cel.bind(variables__{name}, ") == (name in needed([expression], variables))
    assert variables_of(composed) == set()
    assert composed.count("(") == composed.count(")")


def test_a_variable_that_reads_a_later_one_does_not_find_it() -> None:
    assert bind("variables.a", {"a": "variables.b", "b": "1"}) == "cel.bind(variables__a, variables__b, cel.bind(variables__b, 1, variables__a))"


# has() on any object.


values = st.recursive(
    st.sampled_from([None, True, 1, "x"]), lambda inner: st.dictionaries(st.sampled_from("ab"), inner, max_size=2) | st.lists(inner, max_size=2), max_leaves=6
)


def reference(value: Any, path: list[str]) -> bool | None:
    """`has()` as cel-go has it; None for an error."""
    for step in path[:-1]:
        if not isinstance(value, dict) or step not in value:
            return None
        value = value[step]
    if isinstance(value, list):  # an error to cel-go; cel-python says false
        return None
    return isinstance(value, dict) and path[-1] in value


@settings(deadline=None, max_examples=200)
@given(values, st.lists(st.sampled_from("ab"), min_size=1, max_size=3))
def test_presence_on_any_object(value: Any, path: list[str]) -> None:
    expression = f"has({'.'.join(['object', *path])})"
    expected = reference(value, path)
    found = run("cpp", expression, object=value)
    assert (None if isinstance(found, CelError) else found) is expected

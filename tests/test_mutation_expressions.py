"""The mutants of expressions: which are made, of what, and that the text of the file is what is shown."""

from __future__ import annotations

import pytest
import yaml

from hostprocess.model import Origin
from hostprocess.mutation.expressions import changed, changes
from hostprocess.mutation.folding import same_tree
from hostprocess.mutation.source import Source


def made(expression: str, operator: str, *, condition: bool = True) -> list[str]:
    return [changed(expression, one) for one in changes(expression, condition=condition) if one.operator == operator]


@pytest.mark.parametrize(
    ("operator", "expression", "mutants"),
    [
        ("equality", "a == b", ["a != b"]),
        ("equality", "a != b", ["a == b"]),
        ("comparison", "a < b", ["a <= b"]),
        ("comparison", "a <= b", ["a < b"]),
        ("comparison", "a > b", ["a >= b"]),
        ("comparison", "a >= b", ["a > b"]),
        ("logical", "a && b || c", ["a || b || c", "a && b && c"]),
        ("arithmetic", "a + b == 1", ["a - b == 1"]),
        ("arithmetic", "a - b == 1", ["a + b == 1"]),
        ("arithmetic", "a * b / c % d == 1", ["a / b / c % d == 1", "a * b * c % d == 1", "a * b / c * d == 1"]),
        ("negation", "a.b", ["!a.b"]),
        ("negation", "!a.b", ["a.b"]),
        ("negation", "!(a in b)", ["(a in b)"]),
        ("negation", "a in b || c", ["!(a in b) || c"]),
        ("negation", "a.exists(x, x.b)", ["!a.exists(x, x.b)", "a.exists(x, !x.b)"]),
        ("negation", "a == b && size(c) > 1", []),
        ("constant", "a == 3", ["a == 4", "a == 2"]),
        ("constant", "a == 0", ["a == 1"]),
        ("constant", "a == -3", ["a == -2", "a == -4"]),
        ("constant", "a == 7u", ["a == 8u", "a == 6u"]),
        ("constant", "a == 1.5", ["a == 2.5"]),
        ("constant", "a == true", ["a == false"]),
        ("constant", "a == 'x'", ["a == 'x~'"]),
        ("constant", "a.startsWith('x')", ["a.startsWith('')", "a.startsWith('x~')"]),
        ("constant", 'a == r"\\x"', ['a == r"\\x~"']),
        ("constant", "a.b.c", []),
        ("quantifier", "a.all(x, x == b)", ["a.exists(x, x == b)"]),
        ("quantifier", "a.exists(x, x == b)", ["a.all(x, x == b)"]),
        ("quantifier", "a.exists_one(x, x == b)", ["a.exists(x, x == b)"]),
        ("quantifier", "[a].all(x, x == b)", []),
        ("filter", "a.filter(x, x.b).exists(x, x.c)", ["a.exists(x, x.c)"]),
        ("call", "a.lowerAscii() == b.trim()", ["a == b.trim()", "a.lowerAscii() == b"]),
        ("element", "a in ['x', 'y', 'z']", ["a in ['y', 'z']", "a in ['x', 'z']", "a in ['x', 'y']"]),
        ("element", "a in ['x']", ["a in []"]),
        ("element", "[a].all(x, x.b)", []),
        ("guard", "has(a.b) && a.b == c", ["a.b == c"]),
        ("guard", "!has(a.b) || a.b == c", ["a.b == c"]),
        ("guard", "'k' in a && a['k'] == c", ["a['k'] == c"]),
        ("guard", "has(a.b) ? a.b : c", ["a.b"]),
        ("half", "has(a.b) ? a.b : c", ["c"]),
        ("half", "a.b && a.containers.all(x, x.b)", ["a.containers.all(x, x.b)", "a.b"]),
        ("operand", "a.b || c.d", ["c.d", "a.b"]),
        ("containers", "a.containers + a.initContainers + b", ["a.initContainers + b", "a.containers + b", "a.containers + a.initContainers"]),
        ("containers", "a.containers.all(x, x.b) && a.initContainers.all(x, x.b)", ["a.initContainers.all(x, x.b)", "a.containers.all(x, x.b)"]),
    ],
)
def test_what_is_made(operator: str, expression: str, mutants: list[str]) -> None:
    assert sorted(made(expression, operator)) == sorted(mutants)


def test_a_chain_loses_one_operand_at_a_time_whatever_its_tree() -> None:
    left = {text for one in ("operand", "guard", "half") for text in made("a.a && a.b && a.c && a.d && a.e", one)}
    assert left == {" && ".join(f"a.{name}" for name in "abcde" if name != gone) for gone in "abcde"}


def test_brackets_stay_where_they_are_needed() -> None:
    assert made("(a.b ? b.c || c.d : d.e) && e.f", "half") == ["((b.c || c.d)) && e.f", "(d.e) && e.f"]
    assert made("!(a.b || c.d)", "negation")[0] == "(a.b || c.d)"


def test_no_two_mutants_are_the_same_and_none_is_the_expression() -> None:
    text = "has(a.b) && (a.b in ['x', 'x'] || a.b.startsWith('x')) && a.c.all(x, x > 0 && x < 65536)"
    texts = [changed(text, one) for one in changes(text)]
    assert len(texts) == len(set(texts)) > 20
    assert text not in texts


def test_what_is_no_condition_is_not_negated_as_a_whole() -> None:
    assert made("a.b", "negation", condition=False) == []
    assert made("a.b in c", "negation", condition=False) == ["!(a.b in c)"]


@pytest.mark.parametrize("expression", ["a ==", "", "(" * 300 + "a" + ")" * 300])
def test_what_does_not_parse_has_none(expression: str) -> None:
    assert changes(expression) == []


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("a && (b && c)", "a && b && c", True),
        ("!!a", "a", True),
        ("a && true", "a", True),
        ("a || false", "a", True),
        ("true ? a : b", "a", True),
        ("(a)", "a", True),
        ("a || true", "a", False),
        ("a && b", "b && a", False),
        ("a.b", "a.c", False),
        ("1", "1u", False),
        ("1", "true", False),
    ],
)
def test_the_same_tree_after_folding(one: str, other: str, same: bool) -> None:
    assert same_tree(one, other) is same


EXPRESSION = "object.spec.x in ['a', \"b\"]\n  || object.spec.y == '\\\\'"


@pytest.mark.parametrize(
    "written",
    [
        "expression: |\n    object.spec.x in ['a', \"b\"]\n      || object.spec.y == '\\\\'\n",
        "expression: |-\n    object.spec.x in ['a', \"b\"]\n      || object.spec.y == '\\\\'\n",
        "expression: " + yaml.dump(EXPRESSION, default_style='"', width=1000),
    ],
)
def test_the_lines_of_the_file_are_shown(written: str) -> None:
    text = f"# a comment\nspec:\n  {written}"
    value = yaml.safe_load(text)["spec"]["expression"].strip()
    assert value == EXPRESSION
    source = Source(Origin(path="p.yaml", text=text, line=10))
    for change in changes(value):
        lines = source.change(("spec", "expression"), value, change)
        new = text.splitlines()
        first = lines.line - 10
        assert tuple(new[first : first + len(lines.before)]) == lines.before
        new[first : first + len(lines.before)] = lines.after
        # What is shown is what is run.
        assert yaml.safe_load("\n".join(new))["spec"]["expression"].strip() == changed(value, change).strip()


@pytest.mark.parametrize("written", ["'object.x == ''a'' && object.y'", "object.x == 'a' && object.y", ">-\n    object.x == 'a'\n    && object.y"])
def test_other_ways_to_write_an_expression(written: str) -> None:
    text = f"spec:\n  expression: {written}\n"
    value = yaml.safe_load(text)["spec"]["expression"]
    source = Source(Origin(path="p.yaml", text=text))
    for change in changes(value):
        lines = source.change(("spec", "expression"), value, change)
        new = text.splitlines()
        new[lines.line - 1 : lines.line - 1 + len(lines.before)] = lines.after
        assert yaml.safe_load("\n".join(new))["spec"]["expression"].split() == changed(value, change).split()

"""The places of keys in TOML, held to what tomllib reads from the same text."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hostprocess.configuration.toml_places import toml_places
from support import REPOSITORY

TEXT = '''\
a = 1 # a = 2
"b c" = { d = [1, { e = 2 }], 'f' . g = "}" }
[ x . "y.z" ] # [no]
k.l = """
[not.a.table]
k = \\""" 1 """""
m = [
  "[", # "]
  \'\'\'
n = 1\'\'\',
  [[1], []],
]
when = 1979-05-27 07:32:00
[[t]]
v = 1
[[t]]
[t.u]
v = \'\\\'
[[t.w]]
"\\u0041" = -inf
'''


def steps_of(value: Any, above: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    for key, item in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield (*above, key)
        yield from steps_of(item, (*above, key))


def place(text: str, steps: tuple[str | int, ...]) -> tuple[int, int]:
    at = toml_places(text)[steps]
    return text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        (("a",), (1, 1)),
        (("b c",), (2, 1)),
        (("b c", "d"), (2, 11)),
        (("b c", "d", 1, "e"), (2, 21)),
        (("b c", "f", "g"), (2, 37)),
        (("x",), (3, 3)),
        (("x", "y.z"), (3, 7)),
        (("x", "y.z", "k", "l"), (4, 3)),
        (("x", "y.z", "m"), (7, 1)),
        (("x", "y.z", "m", 0), (8, 3)),
        (("x", "y.z", "m", 1), (9, 3)),
        (("x", "y.z", "m", 2, 0, 0), (11, 5)),
        (("x", "y.z", "when"), (13, 1)),
        (("t", 0, "v"), (15, 1)),
        (("t", 1), (16, 3)),
        (("t", 1, "u", "v"), (18, 1)),
        (("t", 1, "w", 0, "A"), (20, 1)),
    ],
)
def test_places(steps: tuple[str | int, ...], expected: tuple[int, int]) -> None:
    assert place(TEXT, steps) == expected


def test_all_that_tomllib_reads_has_a_place_and_nothing_else() -> None:
    for text in (TEXT, (REPOSITORY / "pyproject.toml").read_text("utf-8")):
        assert set(toml_places(text)) == set(steps_of(tomllib.loads(text)))


KEYS = st.sampled_from(["a", "b-c", "1", '"q"', '"a.b"', '"#"', "'='", "'['", '"\\""', "a.b", 'c . "d"'])
BLANKS = st.sampled_from(["", " ", "\t"])
SPACES = st.sampled_from(["", " ", "\n", " # ], }\n"])
SCALARS = st.sampled_from(
    [
        "1",
        "-1.5e3",
        "true",
        "nan",
        "1979-05-27T07:32:00Z",
        "07:32:00",
        '""',
        '"x"',
        '"\\\\"',
        '"\\"]#"',
        "''",
        "'\\'",
        '"""\n"""',
        '"""a""b"""""',
        "'''\n'x''''",
    ]
)


def arrays(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(st.tuples(SPACES, inner, SPACES).map("".join), max_size=3).map(lambda parts: f"[{','.join(parts)}]")


def tables(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pair = st.tuples(BLANKS, KEYS, BLANKS, st.just("="), BLANKS, inner, BLANKS).map("".join)
    return st.lists(pair, max_size=3).map(lambda parts: f"{{{','.join(parts)}}}")


VALUES = st.recursive(SCALARS, lambda inner: arrays(inner) | tables(inner), max_leaves=6)
LINES = st.one_of(
    st.tuples(BLANKS, KEYS, BLANKS, st.just("="), BLANKS, VALUES, BLANKS).map("".join),
    st.tuples(st.sampled_from(["[{}]", "[[{}]]", "[ {} ] # x", " [[ {} ]]"]), KEYS).map(lambda one: one[0].format(one[1])),
    st.sampled_from(["", "# a = [", "\t"]),
)


@settings(max_examples=300, deadline=None)
@given(st.lists(LINES, max_size=8), st.sampled_from(["\n", "\n\n"]))
def test_places_of_generated_texts(lines: list[str], end: str) -> None:
    """Lines that do not go together are left out one by one: what is left is valid."""
    kept: list[str] = []
    value: dict[str, Any] = {}
    for line in lines:
        try:
            value = tomllib.loads(end.join([*kept, line]))
        except tomllib.TOMLDecodeError:
            continue
        kept.append(line)
    text = end.join(kept)
    found = toml_places(text)
    assert set(found) == set(steps_of(value))
    for steps, at in found.items():
        if isinstance(steps[-1], str):
            raw = text[at:]
            assert raw.startswith(steps[-1]) or raw[0] in "\"'", (steps, raw[:20])

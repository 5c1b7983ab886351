"""Where the characters of a text stand in its file, in all the styles that YAML has for it."""

from __future__ import annotations

import json

import pytest
import yaml

from hostprocess.kubernetes.scalar_places import ScalarPlaces
from hostprocess.model import Origin

STYLES = {
    "plain": "a: 1\nx: has(o.a) && o.b\n",
    "plain over lines": "x: has(o.a)\n   && o.b\n   || o.c\n",
    "single quotes": "x:   'has(o.a) && o.b == ''x'' && o.c'\n",
    "double quotes": 'x: "has(o.a) && o.b == \\"\\u00e9\\U0001F600\\" && o.c"\n',
    "double quotes over lines": 'x: "has(o.a) &&\n  o.b \\\n  && o.c"\n',
    "literal": "x: |\n  has(o.a)\n    && o.b\n\n  || o.c\ny: 1\n",
    "literal with indentation": "x: |2-\n    has(o.a)\n  && o.b\n",
    "folded": "l:\n  - x: >-\n      has(o.a)\n      && o.b\n\n      || o.c\n        && o.d\n      || o.e\n",
    "flow": "{y: 2, x: 'has(o.a) && o.b'}\n",
    "alias": "z: &text has(o.a) && o.b\nx: *text\n",
    "carriage returns": "x: >-\r\n  has(o.a)\r\n  && o.b\r\n",
    "json": '{"y": 1, "x": "has(o.a) && o.b == \\"\\ud83d\\ude00\\" && o.c\\n|| o.d"}',
}


@pytest.mark.parametrize("name", STYLES)
def test_names_stand_where_they_are_found(name: str) -> None:
    text = STYLES[name]
    loaded = json.loads(text) if name == "json" else yaml.safe_load(text)
    steps: tuple[str | int, ...] = ("l", 0, "x") if name == "folded" else ("x",)
    value = loaded
    for step in steps:
        value = value[step]
    places = ScalarPlaces(Origin(path="p", text=text, line=10, column=5, syntax="json" if name == "json" else "yaml"), steps, value)
    rows = text.split("\n")
    for word in ("has(", "o.a)", "&&", "o.b", "o.c", "o.d", "o.e"):
        if word in value:
            line, column = places.of(value.index(word))
            start = column - (5 if line == 10 else 1)
            assert rows[line - 10][start:].startswith(word), (word, line, column)


def test_the_end() -> None:
    places = ScalarPlaces(Origin(path="p", text="x: 'ab'\n"), ("x",), "ab")
    assert [places.of(index) for index in range(3)] == [(1, 5), (1, 6), (1, 7)]


@pytest.mark.parametrize(("text", "value"), [("x: other\n", "text"), ("x: [a]\n", "text"), ("y: 1\n", "text")])
def test_what_cannot_be_followed_is_at_its_key(text: str, value: str) -> None:
    places = ScalarPlaces(Origin(path="p", text=text), ("x",), value)
    assert places.of(0) == places.of(3) == (1, 1)

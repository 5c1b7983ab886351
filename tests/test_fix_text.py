"""Changes to the text of YAML and JSON: only what must change does, and what cannot change alone is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostprocess.fix.lines import Line, Lines, unified
from hostprocess.fix.values import patched
from hostprocess.kubernetes import yaml_text
from hostprocess.kubernetes.fields import parse_path
from hostprocess.kubernetes.yaml_edit import CannotEdit, Edit, YamlEditor


def edited(text: str, op: str, path: str, value: bool | str | None = None, as_json: bool = False) -> str:
    """The text with one edit made, which must mean what it should."""
    edit = Edit(op, parse_path(path), value)
    change = YamlEditor(text, as_json).change(edit)
    result = Lines.of(text).spliced(change.splices).text
    (before, _), (after, _) = *yaml_text.load(text), *yaml_text.load(result)
    assert json.dumps(patched(before, [edit]), sort_keys=True) == json.dumps(after, sort_keys=True)
    return result


REMOVED = [
    ("a: 1\nb: 2\nc: 3\n", "b", "a: 1\nc: 3\n"),
    ("a: 1\nb: 2   # gone with its line\nc: 3\n", "b", "a: 1\nc: 3\n"),
    ("a: 1\n# above\nb: 2\n\n# below\nc: 3\n", "b", "a: 1\n# above\n\n# below\nc: 3\n"),
    ("a: 1\nb:\n  c: [1,\n    2]\n  d: |\n    text\n\n    more\n\ne: 1\n", "b", "a: 1\n\ne: 1\n"),
    ("a: 1\nb: 'two\n  lines'\nc: 3\n", "b", "a: 1\nc: 3\n"),
    ("a: 1\nb:\n- 1\n- 2\nc: 3\n", "b", "a: 1\nc: 3\n"),
    ("a: 1\nb: 2", "b", "a: 1\n"),
    ("a: 1\nb:\nc: 3\n", "b", "a: 1\nc: 3\n"),
    ("a: 1\nb: ~\nc: 3\n", "b", "a: 1\nc: 3\n"),
    ("a: &x 1\nb: *x\nc: 3\n", "b", "a: &x 1\nc: 3\n"),
    ("s:   # why\n  a: 1 # one\n  # inside\nt: 2\n", "s.a", "s: {}   # why\n  # inside\nt: 2\n"),
    ("s: &s\n  a: 1\nt: 2\n", "s.a", "s: &s {}\nt: 2\n"),
    ("l:\n  - a: 1\n    b: 2\n  - c: 3\n", "l[0].a", "l:\n  - b: 2\n  - c: 3\n"),
    ("l:\n- a: 1 # one\n- c: 3\n", "l[0].a", "l:\n- {} # one\n- c: 3\n"),
    ("l:\n- - a: 1\n    b: 2\n", "l[0][0].a", "l:\n- - b: 2\n"),
    ("s: {a: 1, b: 2, c: 3}\n", "s.a", "s: {b: 2, c: 3}\n"),
    ("s: { a: 1 , b: 2 , c: 3 }\n", "s.b", "s: { a: 1 , c: 3 }\n"),
    ("s: { a: 1, b: 2, c: 3 }\n", "s.c", "s: { a: 1, b: 2 }\n"),
    ("s: { a: 1 }\n", "s.a", "s: {}\n"),
    ("s: {a: 1,}\n", "s.a", "s: {}\n"),
    ("s: {a: 1, b: 2,}\n", "s.b", "s: {a: 1,}\n"),
    ('{\n  "a": 1,\n  "b": {"c": [2]},\n  "d": 3\n}\n', "b", '{\n  "a": 1,\n  "d": 3\n}\n'),
    ('{\n  "a": 1,\n  "d": 3\n}\n', "d", '{\n  "a": 1\n}\n'),
    ("é: ü\nb: 2 # …\nc: 😀\n", "b", "é: ü\nc: 😀\n"),
    ("m: {annotations: {'x/y': \"1\", z: 2}}\n", 'm.annotations["x/y"]', "m: {annotations: {z: 2}}\n"),
]


@pytest.mark.parametrize(("text", "path", "expected"), REMOVED)
def test_removing(text: str, path: str, expected: str) -> None:
    assert edited(text, "remove", path) == expected


SET = [
    ("a: false   # no\nb: 2\n", "a", True, "a: true   # no\nb: 2\n"),
    ("a: 'Windows'\n", "a", "windows", "a: 'windows'\n"),
    ('a: "Windows"\n', "a", "windows", 'a: "windows"\n'),
    ("a: Windows\n", "a", "windows", "a: windows\n"),
    ("s:\n  b: 1\n", "s.n", True, "s:\n  'n': true\n  b: 1\n"),
    ("a: x\n", "a", "yes", "a: 'yes'\n"),
    ("a: x\n", "a", "it's", "a: 'it''s'\n"),
    ("a: x\n", "a", "tab\t", 'a: "tab\\t"\n'),
    ("a:\nb: 1\n", "a", True, "a: true\nb: 1\n"),
    ("a: ~\nb: 1\n", "a", True, "a: true\nb: 1\n"),
    ("a: &x\nb: 1\n", "a", True, "a: &x true\nb: 1\n"),
    ("a: &x no\nb: 1\n", "a", True, "a: &x true\nb: 1\n"),
    ("x: &x no\na: *x # same\n", "a", True, "x: &x no\na: true # same\n"),
    ("s: # the spec\n  # of b\n  b: 1\n", "s.a", True, "s: # the spec\n  a: true\n  # of b\n  b: 1\n"),
    ("s:\n    b: 1\n", "s.o.m", "w", "s:\n    o:\n        m: w\n    b: 1\n"),
    ("s:\n- b: 1\n  c: 2\n", "s[0].a", True, "s:\n- b: 1\n  a: true\n  c: 2\n"),
    ("b: 1", "a", True, "b: 1\na: true"),
    ("s: {}\n", "s.a.b", True, "s: {a: {b: true}}\n"),
    ("s:\nt: 1\n", "s.a", True, "s: {a: true}\nt: 1\n"),
    ("s: null # none\nt: 1\n", "s.a", True, "s: {a: true} # none\nt: 1\n"),
    ("s: { b: 1 }\n", "s.a", True, "s: { a: true, b: 1 }\n"),
    ("s: {b: 1}\n", 's["k/o"]', "windows", "s: {k/o: windows, b: 1}\n"),
    ("s: &s # why\n  b: 1\n", "s.a", True, "s: &s # why\n  a: true\n  b: 1\n"),
]


@pytest.mark.parametrize(("text", "path", "value", "expected"), SET)
def test_setting(text: str, path: str, value: bool | str, expected: str) -> None:
    assert edited(text, "set", path, value) == expected


@pytest.mark.parametrize(
    ("text", "path", "value", "expected"),
    [
        ('{"s": {"b": 1}}', "s.a", True, '{"s": {"a": true, "b": 1}}'),
        ('{\n  "s": {\n    "b": 1\n  }\n}', "s.o.n", "w", '{\n  "s": {\n    "o": {"n": "w"},\n    "b": 1\n  }\n}'),
        ('{"s": {}, "o": "Windows"}', "o", "windows", '{"s": {}, "o": "windows"}'),
        ('{"s": null}', "s.a", "x", '{"s": {"a": "x"}}'),
    ],
)
def test_setting_in_json(text: str, path: str, value: bool | str, expected: str) -> None:
    result = edited(text, "set", path, value, as_json=True)
    assert result == expected
    json.loads(result)


REFUSED = [
    ("remove", "a: &x {b: 1}\nc: *x\n", "a.b", "carries the anchor &x"),
    ("remove", "a: &x {b: 1}\nc: *x\n", "c.b", r"is the alias \*x"),
    ("remove", "a: &x {b: 1}\nc: *x\n", "a", "holds the anchor &x"),
    ("remove", "a:\n  b: &x 1\nc: *x\n", "a", "holds the anchor &x"),
    ("remove", "a: &x {b: 1}\nc:\n  <<: *x\n  d: 1\n", "c.b", "comes from a merge"),
    ("remove", "a: 1\n", "b", "is not written in the manifest"),
    ("remove", "a: [1, 2]\n", "a[0]", "is an element of a list"),
    ("remove", "? a\n: 1\nb: 2\n", "a", "shares its line|question mark"),
    ("remove", "l:\n- a: 1\n  # of b\n  b: 2\n", "l[0].a", "a comment would go"),
    ("remove", "s: {a: 1, # of a\n  b: 2}\n", "s.a", "a comment would go"),
    ("remove", "a: 1\n", "a", "would be left empty"),
    ("set", "a: &x {b: 1}\nc: *x\n", "a.b", "carries the anchor &x"),
    ("set", "a: &x no\nc: *x\n", "a", "carries the anchor &x"),
    ("set", "a: |\n  text\n", "a", "written as a block"),
    ("set", "a: !!str no\n", "a", "with a tag"),
    ("set", "a: [1]\n", "a", "a list"),
    ("set", "a: 1\n", "a.b", "is no mapping"),
    ("set", "a: [1]\n", "a[1].b", "is not written"),
]


@pytest.mark.parametrize(("op", "text", "path", "reason"), REFUSED)
def test_what_cannot_be_changed_alone_is_refused(op: str, text: str, path: str, reason: str) -> None:
    with pytest.raises(CannotEdit, match=reason):
        YamlEditor(text).change(Edit(op, parse_path(path), True if op == "set" else None))


def test_anchors_that_nobody_uses_are_no_obstacle() -> None:
    assert edited("a: &x\n  b: &y 1\n  c: 2\n", "remove", "a.b") == "a: &x\n  c: 2\n"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_new_lines_end_as_their_neighbours_do(end: str) -> None:
    text = end.join(["s:", "  b: 1", "  c: 2", "t:", ""])
    change = YamlEditor(text.replace("\r\n", "\n")).change(Edit("set", ("s", "o", "m"), "w"))
    assert Lines.of(text).spliced(change.splices).text == end.join(["s:", "  o:", "    m: w", "  b: 1", "  c: 2", "t:", ""])


def test_each_line_keeps_its_own_end() -> None:
    lines = Lines.of("a: 1\r\nb: 2\nc: 3\r\nd: 4")
    assert lines.plain == "a: 1\nb: 2\nc: 3\nd: 4"
    assert lines.spliced([(5, 10, "")]).text == "a: 1\r\nc: 3\r\nd: 4"
    assert lines.spliced([(8, 9, "9\nx: 5")]).text == "a: 1\r\nb: 9\nx: 5\nc: 3\r\nd: 4"


TEXTS = st.lists(st.text("ab \r\u2028", max_size=3), max_size=8).flatmap(
    lambda parts: st.sampled_from(["\n", "\r\n"]).map(lambda end: end.join(part.replace("\r", "") for part in parts))
)


@given(TEXTS, st.data())
def test_splices_change_nothing_else(text: str, data: st.DataObject) -> None:
    lines = Lines.of(text)
    assert lines.text == text
    plain = lines.plain
    at = data.draw(st.integers(0, len(plain)))
    end = data.draw(st.integers(at, len(plain)))
    new = data.draw(st.sampled_from(["", "x", "x: 1\n", "\nx"]))
    after = lines.spliced([(at, end, new)])
    assert after.plain == plain[:at] + new + plain[end:]
    kept = [line for line in after.lines if line.origin >= 0]
    assert [line.origin for line in kept] == sorted({line.origin for line in kept})
    assert all(line == lines.lines[line.origin] for line in kept)


@given(TEXTS, st.data())
def test_a_diff_says_how_to_get_there(text: str, data: st.DataObject) -> None:
    lines = Lines.of(text)
    at = data.draw(st.integers(0, len(lines.plain)))
    after = lines.spliced([(at, data.draw(st.integers(at, len(lines.plain))), data.draw(st.sampled_from(["", "x: 1\n"])))])
    assert applied(lines, unified(lines, after, "f")) == after.text


def applied(lines: Lines, diff: str) -> str:
    """What `patch` would make of it: a small reader of unified diffs."""
    rows = [line.body + line.end for line in lines.lines]
    out: list[str] = []
    at = 0
    parts = diff.split("\n")
    for number, row in enumerate(parts):
        if (row.startswith(("---", "+++")) and number < 2) or row.startswith("\\"):
            continue
        if row.startswith("@@"):
            old = row.split()[1][1:]
            start, _, count = old.partition(",")
            first = int(start) - (count != "0")
            out += rows[at:first]
            at = first
            continue
        if number == len(parts) - 1:
            break
        text = row[1:] + ("" if parts[number + 1].startswith("\\") else "\n")
        if row[0] in " -":
            assert rows[at] == text
            at += 1
        if row[0] in " +":
            out.append(text)
    return "".join(out + rows[at:])


def test_a_diff_has_three_lines_around_each_change() -> None:
    before = Lines.of("".join(f"{number}\n" for number in range(20)))
    after = Lines(tuple(Line("x", "\n") if line.origin in (4, 15) else line for line in before.lines))
    diff: Any = unified(before, after, "f").split("\n")
    assert [row for row in diff if row.startswith("@@")] == ["@@ -2,7 +2,7 @@", "@@ -13,7 +13,7 @@"]

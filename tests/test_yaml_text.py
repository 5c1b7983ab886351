"""YAML as Kubernetes reads it. The tables of scalars, tags and merges were compared with sigs.k8s.io/yaml 1.6.0 (go.yaml.in/yaml/v2 2.4.2)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hostprocess.errors import InputError
from hostprocess.kubernetes.yaml_text import MAX_DEPTH, compose, load, pieces

DEEP = 10_000


def value(text: str, strict: bool = False) -> Any:
    loaded = load(text, strict=strict)
    return loaded[0][0] if loaded else None


def fault(text: str, strict: bool = False) -> InputError:
    with pytest.raises(InputError) as caught:
        load(text, "pod.yaml", strict=strict)
    return caught.value


def exactly(found: object, wanted: object) -> bool:
    """Equality that tells 1 from True and from 1.0."""
    return found == wanted and type(found) is type(wanted)


TRUE = ["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"]
FALSE = ["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"]
SCALARS: dict[str, Any] = {
    # YAML 1.1 booleans, `y` and `n` among them; only these three spellings of each
    **dict.fromkeys(TRUE, True),
    **dict.fromkeys(FALSE, False),
    **{word: word for word in ("yEs", "nO", "tRUE", "oFF", "t", "f")},
    **dict.fromkeys(["", "~", "null", "Null", "NULL"]),
    "nUll": "nUll",
    # integers
    "0": 0, "-0": 0, "12": 12, "+12": 12, "-12": -12, "1_000": 1000, "1__0_": 10, "_1": "_1",
    "0777": 511, "0o17": 15, "0O17": 15, "-017": -15, "0x1F": 31, "0X_1f": 31, "-0xff": -255, "0b101": 5, "0B11": 3, "-0b11": -3, "+0b11": 3,
    "08": 8, "0x": "0x", "0b2": "0b2", "0o8": "0o8", "0xg": "0xg",
    "9223372036854775807": 2**63 - 1, "-9223372036854775808": -(2**63),
    # beyond 64 bits with a sign the API server's JSON reader makes a float of them
    "9223372036854775808": float(2**63), "18446744073709551615": float(2**64), "123456789012345678901234567890": 123456789012345678901234567890.0,
    "0xffffffffffffffff": float(2**64), "0x" + "f" * 50_000: "0x" + "f" * 50_000, "9" * 500: "9" * 500, "9" * 5000: "9" * 5000,
    # floats: JSON has one kind of number, so a whole one is an integer
    "1.5": 1.5, "-1.5": -1.5, "1.0": 1, "1.": 1, "5.": 5, ".5": 0.5, "+.5": 0.5, "1e3": 1000, "1E3": 1000, "1.5e1": 15, "5e-7": 5e-7, "1_0.5": 10.5,
    "1e17": 10**17, "2e18": 2 * 10**18, "1e20": 1e20, "09.5": 9.5, "1.10": 1.1,
    "1e400": "1e400", "-1e400": "-1e400", ".5e400": ".5e400", ".5_0": 0.5, "._5": "._5", ".5_": ".5_",
    "1e": "1e", "e3": "e3", "1e3.5": "1e3.5", ".": ".", "..": "..", "-": "-", "+": "+", "--1": "--1", "1-1": "1-1", "1.2.3": "1.2.3", "0.1.2-rc1": "0.1.2-rc1",
    # no numbers of base 60, no timestamps
    "1:30": "1:30", "190:20:30": "190:20:30", "190:20:30.15": "190:20:30.15",
    "2001-01-01": "2001-01-01", "2001-12-14t21:59:43.10-05:00": "2001-12-14t21:59:43.10-05:00", "2001-12-14 21:59:43": "2001-12-14 21:59:43",
    # other words
    "=": "=", "yes please": "yes please",
    "100m": "100m", "1Gi": "1Gi", "0644x": "0644x", r"NT AUTHORITY\SYSTEM": r"NT AUTHORITY\SYSTEM", "infinity": "infinity",
}  # fmt: skip


@pytest.mark.parametrize(("text", "wanted"), SCALARS.items(), ids=lambda part: repr(part)[:30])
def test_plain_scalars(text: str, wanted: Any) -> None:
    if text != "-":  # which begins a list
        assert exactly(value(f"k: {text}")["k"], wanted)
        assert exactly(value(f"- {text}")[0], wanted)
    for quoted in (f"'{text}'", f'"{text}"' if "\\" not in text else f"'{text}'", f"|-\n {text}" if text else "''"):
        assert exactly(value(f"k: {quoted}")["k"], text)


@pytest.mark.parametrize("text", [".nan", ".NaN", ".NAN", ".inf", ".Inf", "+.INF", "-.inf"])
def test_what_is_no_number_of_json_is_refused(text: str) -> None:
    assert "JSON" in fault(f"a: 1\nk: {text}").message
    assert fault(f"a: 1\nk: {text}").line == 2
    assert "JSON" in fault(f"{text}: a").message
    assert value(f"k: '{text}'") == {"k": text}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("!!str 1", "1"), ("!!str", ""), ("!!str ~", "~"), ("!!str yes", "yes"), ("!!int 12", 12), ("!!int '12'", 12), ("!!int 0x10", 16), ("!!float 1.5", 1.5),
        ("!!float 1", 1), ("!!bool yes", True), ('!!bool "false"', False), ("!!null ~", None), ("!!null ''", None), ("!!timestamp 2001-01-01", "2001-01-01"),
        ("!!map {a: 1}", {"a": 1}),         ("!custom 1", "1"), ("!custom yes", "yes"),
        ("!<tag:yaml.org,2002:int> 5", 5), ("!!seq [1]", [1]), ("!custom {a: 1}", {"a": 1}),
        ("!!set x", "x"),
    ],
)  # fmt: skip
def test_tags(text: str, wanted: Any) -> None:
    assert exactly(value(f"k: {text}")["k"], wanted)


@pytest.mark.parametrize("text", ["!!int x", "!!int yes", "!!int ''", "!!float yes", "!!bool 1", "!!bool x", "!!null x", "!!binary aGk=", "!unknown!tag x"])
def test_tags_that_are_refused(text: str) -> None:
    assert fault(f"a: 1\nk: {text}").line == 2


def test_a_tag_directive_holds_for_its_document() -> None:
    assert value("%TAG !e! tag:yaml.org,2002:\n---\nk: !e!str 5") == {"k": "5"}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("1", "1"), ("0x10", "16"), ("010", "8"), ("1.5", "1.5"), ("1.0", "1"), ("y", "true"), ("off", "false"), ("'y'", "y"), ('"1.0"', "1.0"),
        ("!!str 0x10", "0x10"),        ("!!int '0x10'", "16"), ("!custom 1", "1"), ("2001-01-01", "2001-01-01"),
        ("kubernetes.io/os", "kubernetes.io/os"), ("!!str ", ""), ("''", ""),
    ],
)  # fmt: skip
def test_keys_become_strings(text: str, key: str) -> None:
    assert value(f"{text}: v") == {key: "v"}
    assert value(f"? {text}\n: v") == {key: "v"}


@pytest.mark.parametrize("text", ["~: v", "null: v", ": v", "[a]: v", "{a: b}: v", "? [a]\n", "!!null x: v"])
def test_keys_that_are_refused(text: str) -> None:
    assert fault(text).line == 1


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("a: 1\nb: 2\na: 3", 3, 1),
        ("{a: 1, a: 1}", 1, 8),
        ("x:\n- a: 1\n  a: 2", 3, 3),
        ("1: a\n'1': b", 2, 1),
        ("y: a\n'true': b", 2, 1),
        ("a: 1\n? a\n", 2, 3),
        ('a: 1\n"\\u0061": 2', 2, 1),
    ],
)
def test_duplicate_keys_are_errors(text: str, line: int, column: int) -> None:
    found = fault(text)
    assert "given twice" in found.message
    assert (found.line, found.column) == (line, column)


BASE = "b: &b {x: 1, z: 2}\nc: &c {w: 1, z: 7}\n"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("{<<: *b}", {"x": 1, "z": 2}),
        ("{<<: *b, x: 9}", {"x": 9, "z": 2}),
        ("{q: 0, <<: *b}", {"q": 0, "x": 1, "z": 2}),
        ("{x: 1, <<: *b}", {"x": 1, "z": 2}),
        ("{<<: [*b, *c]}", {"x": 1, "z": 2, "w": 1}),
        ("{<<: *b, <<: *c}", {"x": 1, "z": 7, "w": 1}),
        ("{<<: {x: 1}}", {"x": 1}),
        ("{<<: []}", {}),
        ("{!!merge <<: *b}", {"x": 1, "z": 2}),
        ('{"<<": *b}', {"<<": {"x": 1, "z": 2}}),
        ("{<<: {<<: *b, x: 3}, z: 4}", {"x": 3, "z": 4}),
    ],
)
def test_merge_keys(text: str, wanted: dict[str, Any]) -> None:
    assert value(f"{BASE}a: {text}")["a"] == wanted


def test_a_merge_that_two_readers_would_read_in_two_ways_is_refused() -> None:
    """kubectl lets the later of the two win, the merge; the specification of YAML and other tools the key that is written out."""
    found = fault(BASE + "a:\n  x: 9\n  <<: *b")
    assert "'x'" in found.message
    assert (found.line, found.column) == (5, 3)


@pytest.mark.parametrize("text", ["{<<: *b, x: 1, x: 2}", "{x: 1, <<: *b, x: 1}"])
def test_a_merge_does_not_hide_a_duplicate_key(text: str) -> None:
    assert "given twice" in fault(f"{BASE}a: {text}").message


@pytest.mark.parametrize("text", ["{<<: 1}", "{<<: }", "{<<: [1]}", "{<<: [[]]}"])
def test_a_merge_of_no_mapping_is_refused(text: str) -> None:
    assert "merges mappings only" in fault(f"a: {text}").message


def test_anchors_and_aliases() -> None:
    assert value("a: &a [1, {k: v}]\nb: *a\n? &k key\n: *k\n") == {"a": [1, {"k": "v"}], "b": [1, {"k": "v"}], "key": "key"}
    assert value("a: &x\nb: *x") == {"a": None, "b": None}
    assert "undefined alias" in fault("a: *x").message


def test_an_anchor_given_twice_is_refused() -> None:
    """Go's parser would take the later one; PyYAML's composer refuses it, and nobody writes it on purpose."""
    found = fault("a: &x 1\nb: &x 2\nc: *x")
    assert found.message == "not valid YAML: found duplicate anchor"
    assert found.line == 2


@pytest.mark.parametrize("text", ["&a [*a]", "x: &a {k: *a}", "x: &a {<<: *a}", "x: &a [[[*a]]]", "x: &a\n  <<: [*a]", "? &a [*a]\n: x"])
def test_an_anchor_that_holds_itself(text: str) -> None:
    assert "alias of itself" in fault(text).message


def chain(length: int, item: str, start: str = "[x]") -> str:
    return f"a0: &a0 {start}\n" + "".join(f"a{index}: &a{index} {item.format(index - 1)}\n" for index in range(1, length))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(chain(12, "[" + ",".join(["*a{0}"] * 9) + "]"), "aliases expand", id="nine times twelve"),
        pytest.param(chain(12, "{{" + ",".join(f"k{n}: *a{{0}}" for n in range(9)) + "}}"), "aliases expand", id="in mappings"),
        pytest.param(chain(22, "{{x: *a{0}, <<: *a{0}}}", "{x: 1}"), "aliases expand", id="in merges"),
        pytest.param(chain(5000, "[*a{0}]"), "aliases expand|deeper", id="a long chain"),
        pytest.param(chain(300, "[*a{0}]"), "deeper than", id="a deep chain"),
        pytest.param(chain(300, "{{k: *a{0}}}", "{x: 1}"), "deeper than", id="a deep chain of mappings"),
        pytest.param("a: &a " + "x" * 100_000 + "\nb: [" + "*a," * 1_000_001 + "]", "aliases expand", id="one long string"),
    ],
)
def test_alias_bombs(text: str, message: str) -> None:
    start = time.perf_counter()
    with pytest.raises(InputError, match=message):
        load(text)
    assert time.perf_counter() - start < 10


NESTED = {
    "flow lists": "[" * DEEP,
    "flow lists, closed": "[" * DEEP + "]" * DEEP,
    "flow mappings": "{a: " * DEEP,
    "flow keys": "{" * DEEP,
    "flow in many lines": "[\n" * DEEP,
    "- - - -": "- " * DEEP,
    "-  -  -": "-  " * DEEP,
    "-    -": "-    " * DEEP,
    "? ? ? ?": "? " * DEEP,
    "?  ?": "?   " * DEEP,
    "- ? - ?": "- ? " * DEEP,
    "-  ?   -": "-  ?   " * DEEP,
    ": : :": ": " * DEEP,
    "block mappings": "".join(" " * level + "a:\n" for level in range(2000)),
    "block lists": "".join(" " * level + "-\n" for level in range(2000)),
    "lists in mappings": "".join(f"{'  ' * level}a:\n{'  ' * level}-\n" for level in range(1000)),
    "after a line separator": "\u2028".join("-   " * level for level in range(400)),
    "after a next line": "\x85".join("-   " * level for level in range(400)),
    "behind a tag": "- !a " * DEEP,
    "behind an anchor": "- &a " * DEEP,
    "in a list item": "- x\n" * 1000 + "-    " * DEEP,
    "behind a mark": "--- " + "- " * DEEP,
    "tabs": "-\t" * DEEP,
}


@pytest.mark.parametrize("text", NESTED.values(), ids=NESTED)
def test_deep_nesting_is_one_error(text: str) -> None:
    """libyaml's composer recurses on the stack of C: what is not stopped before ends the interpreter."""
    start = time.perf_counter()
    assert fault(text).line >= 1
    assert time.perf_counter() - start < 5


@pytest.mark.parametrize("text", ["[" * MAX_DEPTH + "]" * MAX_DEPTH, "- " * (MAX_DEPTH - 1) + "[]", "".join(" " * n + "a:\n" for n in range(MAX_DEPTH))])
def test_the_limit_of_nesting(text: str) -> None:
    depth, found = 0, value(text)
    while found:
        depth, found = depth + 1, found[0] if isinstance(found, list) else found["a"]
    assert depth >= MAX_DEPTH - 1
    assert f"deeper than {MAX_DEPTH} levels" in fault(text.replace("[]", "[[]]") if "[" in text else text + " " * MAX_DEPTH + "a:\n").message


def test_many_brackets_that_are_not_nested() -> None:
    assert value("- []\n- {}\n" * 1000) == [[], {}] * 1000


@pytest.mark.parametrize("text", [r'"\0"', r'"a\x00b"', r'"\u0000"', r'"\U00000000"', r'{"k\0": v}', r'- "\\\0"', '"a\0b"', "a\0b"])
def test_nul_characters_are_refused(text: str) -> None:
    assert fault(text).line == 1


@pytest.mark.parametrize("text", [r"'\0'", r'"\\0"', r'"\\x00"', r"a\0", r"C:\0", '"\\x01"', r'"\u0041"'])
def test_what_only_looks_like_nul(text: str) -> None:
    assert value(f"k: {text}")["k"] == yaml.safe_load(text)


def test_the_place_of_a_nul() -> None:
    found = fault('a: 1\nb:\n  - "x\\0"')
    assert "NUL" in found.message
    assert (found.line, found.column) == (3, 5)


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("a: 1\n\tb: 2", 2, 1), ("a: b: c", 1, 5), ("a: 'x\nb: 1", 2, 5), ("a: [1, 2\nb: 1", 2, 2), ("a: @x", 1, 4), ("a: `x`", 1, 4), ("a: 1\n b: 2", 2, 3),
        ("a:\n- b\n c: d", 3, 3), ("a: \x01", 1, 4), ("ä: 1\nb: \x02", 2, 4), ('a: "\\q"', 1, 5), ("a: 1\n}", 2, 1),
        ("a: x\u2028  y\nb: \x02", 2, 4), ("a: x\u2028  y\nb: @", 2, 4),
    ],
)  # fmt: skip
def test_broken_yaml_has_its_place(text: str, line: int, column: int) -> None:
    found = fault(text)
    assert found.message.startswith("not valid YAML: ")
    assert (found.path, found.line, found.column) == ("pod.yaml", line, column)


def test_lines_are_counted_from_the_line_given() -> None:
    with pytest.raises(InputError) as caught:
        load("a: 1\na: 2", "pod.yaml", line=10)
    assert caught.value.line == 11


@pytest.mark.parametrize(
    "text",
    [
        "a: {{ .Values.a }}",
        "{{- if .Values.on }}\na: 1\n{{- end }}",
        "a:\n  {{- toYaml .Values.a | nindent 2 }}",
        'a: 1\n{{ include "x" . }}',
        "{{ .Values.key }}: a",
    ],
)
def test_helm_templates_are_told_what_to_do(text: str) -> None:
    assert "helm template CHART" in fault(text).message


def test_explicit_nulls_are_noted() -> None:
    assert load("a: 1\n---\nb: ~\n---\nc: [null]\n---\nd: 'null'\n---\n---\n# none\n") == [
        ({"a": 1}, False),
        ({"b": None}, True),
        ({"c": [None]}, True),
        ({"d": "null"}, False),
    ]


STRICT: dict[str, Any] = {
    "true": True, "false": False, "null": None, "~": None, "": None, "12": 12, "-1": -1,
    **{word: word for word in ("yes", "no", "on", "off", "y", "n", "True", "FALSE", "Null", "1.30", "0x10", "010", "1e3", "1_000", ".inf", "2001-01-01")},
    "9" * 5000: "9" * 5000,
}  # fmt: skip


@pytest.mark.parametrize(("text", "wanted"), STRICT.items(), ids=lambda part: repr(part)[:30])
def test_the_strict_profile_of_our_own_files(text: str, wanted: Any) -> None:
    assert exactly(value(f"k: {text}", strict=True)["k"], wanted)


# --- pieces ---


def cut(text: str, *sizes: int) -> list[tuple[int, str]]:
    """The pieces of a text that comes in blocks of these sizes, over and over."""

    def blocks() -> Iterator[str]:
        at, turn = 0, 0
        while at < len(text):
            size = sizes[turn % len(sizes)]
            yield text[at : at + size]
            at, turn = at + size, turn + 1

    return list(pieces(blocks()))


def every_cut(text: str) -> list[tuple[int, str]]:
    """The pieces of a text, which must be the same wherever its blocks end."""
    whole = cut(text, len(text) or 1)
    for size in range(1, len(text)):
        assert cut(text, size, len(text)) == whole
        assert cut(text, size) == whole
    return whole


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", []),
        ("a: 1\n", [(1, "a: 1\n")]),
        ("a: 1\n---\nb: 2\n", [(1, "a: 1\n"), (2, "---\nb: 2\n")]),
        ("---\na: 1\n---\nb: 2", [(1, "---\na: 1\n"), (3, "---\nb: 2")]),
        ("a: 1\n---", [(1, "a: 1\n"), (2, "---")]),
        ("a: 1\n--- # comment\nb: 2", [(1, "a: 1\n"), (2, "--- # comment\nb: 2")]),
        ("a: 1\n--- {b: 2}\n---\t\n", [(1, "a: 1\n"), (2, "--- {b: 2}\n"), (3, "---\t\n")]),
        ("a: 1\n---b\n--- |\n x\n", [(1, "a: 1\n---b\n"), (3, "--- |\n x\n")]),
        ("a: |\n  ---\n ---\n----\n", [(1, "a: |\n  ---\n ---\n----\n")]),
        ("---\n---\n---\n", [(1, "---\n"), (2, "---\n"), (3, "---\n")]),
        # comments and directives belong to the document that follows
        ("# licence\n\n---\na: 1\n", [(1, "# licence\n\n---\na: 1\n")]),
        ("%YAML 1.1\n---\na: 1\n", [(1, "%YAML 1.1\n---\na: 1\n")]),
        ("%YAML 1.1\n%TAG ! x\n# c\n---\na: 1\n---\nb: 1\n", [(1, "%YAML 1.1\n%TAG ! x\n# c\n---\na: 1\n"), (6, "---\nb: 1\n")]),
        ("a: 1\n...\n%YAML 1.1\n---\nb: 2\n", [(1, "a: 1\n...\n"), (3, "%YAML 1.1\n---\nb: 2\n")]),
        # the end of a document
        ("a: 1\n...\n", [(1, "a: 1\n...\n")]),
        ("a: 1\n...", [(1, "a: 1\n...")]),
        ("a: 1\n...\n---\nb: 2\n", [(1, "a: 1\n...\n"), (3, "---\nb: 2\n")]),
        ("a: 1\n... # c\n# c\n---\nb: 2\n", [(1, "a: 1\n... # c\n"), (3, "# c\n---\nb: 2\n")]),
        ("a: 1\n...\nb: 2\n", [(1, "a: 1\n...\n"), (3, "b: 2\n")]),
        ("a: 1\n....\n", [(1, "a: 1\n....\n")]),
        ("\n\n", [(1, "\n\n")]),
    ],
)
def test_pieces(text: str, wanted: list[tuple[int, str]]) -> None:
    assert every_cut(text) == wanted


LINES = st.sampled_from(
    [
        "---\n",
        "--- # c\n",
        "--- {a: b}\n",
        "---\t\n",
        "---x\n",
        "a: 1\n",
        "b:\n  - ---\n",
        "# c\n",
        "...\n",
        "... \n",
        "....\n",
        "\n",
        "  \n",
        "-\n",
        "--\n",
        " ---\n",
        "%X\n",
        "-",
        "---",
        "...",
    ]
)


@given(st.lists(LINES, max_size=12).map("".join), st.lists(st.integers(1, 9), min_size=1, max_size=4))
def test_pieces_joined_are_the_text(text: str, sizes: list[int]) -> None:
    found = cut(text, *sizes)
    assert "".join(piece for _, piece in found) == text
    assert [line for line, _ in found] == [1 + text.count("\n", 0, sum(len(piece) for _, piece in found[:index])) for index in range(len(found))]
    assert found == cut(text, len(text) or 1)


DOCUMENTS = st.sampled_from(
    [
        "",
        "a: 1\n",
        "- 1\n- x\n",
        "k:\n  l: |\n    ---\n    ...\n  m: x\n",
        "'--- x': z\n",
        "# only a comment\n",
        "{a: [b, c]}\n",
        "x\n",
        "\n\n",
        "s: >-\n  a\n\n  b\n",
        '"a\n  --- b"\n',
    ]
)
MARKS = st.sampled_from(["---\n", "--- # comment\n", "---  \n", "...\n---\n", "... # end\n%YAML 1.1\n---\n", "...\n# comment\n\n--- \n"])


@given(st.sampled_from(["", "---\n", "# c\n---\n", "%YAML 1.1\n---\n"]), st.lists(st.tuples(DOCUMENTS, MARKS), max_size=5), DOCUMENTS, st.integers(1, 30))
def test_documents_equal_those_of_the_whole_text(start: str, parts: list[tuple[str, str]], last: str, size: int) -> None:
    text = start + "".join(document + mark for document, mark in parts) + last
    if not start and parts and parts[0][0] in ("", "\n\n", "# only a comment\n") and parts[0][1].startswith("."):
        text = "---\n" + text  # `...` ends nothing at the start of a stream
    wanted = [document for document in yaml.load_all(text, yaml.CSafeLoader) if document is not None]
    found = cut(text, size)
    assert [document for line, piece in found for document, _ in load(piece, line=line)] == wanted
    assert all(len(load(piece)) <= 1 for _, piece in found)


def test_pieces_of_one_long_document_take_linear_time() -> None:
    block = "- name: x\n" * 100_000
    start = time.perf_counter()
    assert sum(len(text) for _, text in pieces(iter([block] * 60))) == 60 * len(block)
    assert time.perf_counter() - start < 5


def test_compose_gives_the_nodes_of_a_text() -> None:
    assert compose("# nothing") is None
    assert compose("a: 1").value[0][0].value == "a"

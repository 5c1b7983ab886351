"""JSON as Kubernetes reads it: streams, Lists item by item, and the place of every fault."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hostprocess.errors import InputError
from hostprocess.kubernetes import json_text
from hostprocess.kubernetes.json_text import Item, decode, read

DEEP = 10_000


def stream(text: str, size: int = 0) -> Callable[[int], str]:
    """`read` of a text file, which gives `size` characters at a time; 0 stands for what is asked for."""
    at = 0

    def give(wanted: int) -> str:
        nonlocal at
        block = text[at : at + (min(size, wanted) if size else wanted)]
        at += len(block)
        return block

    return give


def items(text: str, size: int = 0) -> list[Item]:
    return list(read(stream(text, size), "pods.json"))


def values(text: str) -> list[Any]:
    return [item.value for item in items(text)]


def fault(text: str) -> InputError:
    with pytest.raises(InputError) as caught:
        items(text)
    return caught.value


def outcome(text: str, size: int = 0, cut: bool = False) -> tuple[list[Item], str]:
    """The items before the first fault, and that fault."""
    found: list[Item] = []
    try:
        for item in read(stream(text, size), "pods.json", cut):
            found += decode(item, "pods.json") if cut else [item]
    except InputError as error:
        return found, str(error)
    return found, ""


def places(found: list[Item], message: str) -> tuple[list[Any], str]:
    """Without the order: items without a kind may come later."""
    return sorted((item.line, item.column, item.text, repr(item.value), item.nulls, item.document) for item in found), message


POD = {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": "a"}}
BARE = {"metadata": {"name": "a"}}


@pytest.mark.parametrize("indent", [None, 1, 4])
@pytest.mark.parametrize(
    ("document", "kinds"),
    [
        pytest.param({"kind": "List", "apiVersion": "v1", "metadata": {}, "items": [POD, POD]}, ["List", "List"], id="kind first"),
        pytest.param({"apiVersion": "v1", "items": [POD, POD], "kind": "List", "metadata": {}}, ["", ""], id="keys sorted"),
        pytest.param({"items": [POD], "kind": "List", "apiVersion": "v1"}, [""], id="items first"),
        pytest.param({"kind": "PodList", "apiVersion": "v1", "items": [BARE, BARE]}, ["PodList", "PodList"], id="typed list"),
        pytest.param({"apiVersion": "v1", "items": [BARE, BARE], "kind": "PodList"}, ["PodList", "PodList"], id="typed list, keys sorted"),
        pytest.param({"items": [BARE], "metadata": {}, "kind": "PodList", "apiVersion": "v1"}, ["PodList"], id="typed list, items first"),
        pytest.param({"kind": "List", "apiVersion": "v1", "items": []}, [], id="no items"),
        pytest.param({"kind": "Many", "apiVersion": "v1", "items": [POD]}, ["Many"], id="any kind"),
        pytest.param({"kind": "List", "apiVersion": "v1", "items": [{"kind": "List", "apiVersion": "v1", "items": [POD]}]}, ["List"], id="nested"),
        pytest.param({"kind": "List", "apiVersion": "v1", "items": [1, None, "x", [], {}]}, ["List"] * 5, id="items of any type"),
    ],
)
def test_lists_come_item_by_item(document: dict[str, Any], kinds: list[str], indent: int | None) -> None:
    found = items(json.dumps(document, indent=indent))
    assert [item.value for item in found] == document["items"]
    assert [item.kind for item in found] == kinds
    assert all(item.in_list and json.loads(item.text) == item.value for item in found)
    assert all(item.api_version == "v1" for item in found if item.kind)


def test_items_without_a_kind_wait_until_the_kind_of_the_list_is_known() -> None:
    """Go and `jq -S` sort keys: `items` come before `kind`. The others do not wait, so that a large List is not held."""
    found = items(json.dumps({"apiVersion": "v1", "items": [BARE, POD, BARE], "kind": "PodList"}))
    assert [(item.value, item.kind) for item in found] == [(POD, ""), (BARE, "PodList"), (BARE, "PodList")]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('{"a":1}\n{"a":2}\n', [{"a": 1}, {"a": 2}]),
        ('{"a":1}{"a":2}', [{"a": 1}, {"a": 2}]),
        (' \n\t{"a":1}\r\n\n {"a":2} ', [{"a": 1}, {"a": 2}]),
        ("{}", [{}]),
        ('{"items":{"a":1}}', [{"items": {"a": 1}}]),
        ('{"items":null,"kind":"List"}', [{"items": None, "kind": "List"}]),
        ('{"spec":{"items":[1]}}', [{"spec": {"items": [1]}}]),
        ('{"a":1} 12', [{"a": 1}, 12]),
        ('{"a":1} [] "x" true', [{"a": 1}, [], "x", True]),
        ('{"\\u0069tems":[{"a":1}],"kind":"List"}', [{"a": 1}]),
        ('{"kind":"List","items":[{"a":1}]}{"kind":"List","items":[{"a":2}]}', [{"a": 1}, {"a": 2}]),
    ],
)
def test_streams_of_documents(text: str, wanted: list[Any]) -> None:
    assert values(text) == wanted


def test_documents_are_counted() -> None:
    assert [item.document for item in items('{"a":1}\n{"kind":"List","items":[1,2]}\n{}')] == [0, 1, 1, 2]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("[0, -0, 12, -12]", [0, 0, 12, -12]),
        ("[9223372036854775807, -9223372036854775808]", [2**63 - 1, -(2**63)]),
        ("[1.0, 1e2, 1.5E-3]", [1.0, 100.0, 0.0015]),
        # the API server makes floats of these; the runtimes of CEL refuse them as they are, which is as good for what no manifest holds
        ("[9223372036854775808, 123456789012345678901234567890]", [2**63, 123456789012345678901234567890]),
    ],
)
def test_numbers(text: str, wanted: list[float]) -> None:
    found = values('{"a":' + text + "}")[0]["a"]
    assert found == wanted
    assert [type(number) for number in found] == [type(number) for number in wanted]


@pytest.mark.parametrize("text", ["1e400", "-1e400", "9" * 5000, "NaN", "Infinity", "-Infinity"])
def test_numbers_that_are_none(text: str) -> None:
    found = fault('{"a":\n {"b":' + text + "}}")
    assert "number" in found.message
    assert len(found.message) < 100
    assert fault('{"kind":"List","items":[' + text + "]}").line == 1
    assert fault('{"kind":"List","metadata":{"a":' + text + '},"items":[]}').line == 1


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":1}',
        '{"x":{"a":1,"a":2}}',
        '{"x":[{"a":1,"b":2,"a":null}]}',
        '{"kind":"List","items":[{"a":1,"a":2}]}',
        '{"kind":"List","apiVersion":"v1","a":1,"items":[],"a":2}',
        '{"apiVersion":"v1","items":[],"a":1,"kind":"List","a":1}',
        '{"kind":"List","items":[],"items":[],"a":1,"a":2}',
        '{"kind":"List","metadata":{"a":1,"a":2},"items":[]}',
        '{"items":[],"metadata":{"a":1,"a":2},"kind":"List"}',
        '{"a":1,"\\u0061":2}',
    ],
)
def test_duplicate_keys_are_errors_wherever_they_are(text: str) -> None:
    assert "given twice" in fault(text).message
    assert "given twice" in outcome(text, cut=True)[1]


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("{", 1, 2),
        ('{"a"', 1, 5),
        ('{"a":', 1, 6),
        ('{"a":1', 1, 7),
        ('{\n  "a": tru\n}', 2, 8),
        ('{\n  "a": "x\n}', 2, 10),
        ('{\n  "a": "\\q"\n}', 2, 9),
        ('{"a":1}\n{"b" 1}', 2, 6),
        ('{"a":1}\n  x', 2, 3),
        ('{"a":1},{"a":1}', 1, 8),
        ('{"a":1}]', 1, 8),
        ("{'a':1}", 1, 2),
        ('{"kind":"List","items":[\n {"a":1}\n {"a":2}\n]}', 3, 2),
        ('{"kind":"List","items":[\n {"a":1},\n {"a":}\n]}', 3, 7),
        ('{"kind":"List","items":[{"a":1}', 1, 32),
        ('{"kind":"List","items":[{"a":1}]', 1, 33),
        ('{"kind":"List","items":[1] "b":1}', 1, 28),
        ('{"kind":"List","items":[1],\n1:1}', 2, 1),
        ('{"kind":"List",\n"items":[1],\n "a":1,\n "b":2,\n "a":3}', 5, 2),
        ('{"x":{"a":1},"a":[{"b":"a","a":{"c":1,"b":2},"b":0}],"a":2}', 1, 46),
        ('{"x":{"a":1},"a":[{"b":"a","a":{"c":1,"b":2}}],"a":2}', 1, 48),
        ('{"kind":"List","items":[{"a":1},{"a":1,"b":":", "\\u0061" :2}]}', 1, 49),
        ('{"a":"NaN","b":[1e40,1e400]}', 1, 22),
        ('{"a":"NaN","b":[1e40,\n NaN]}', 2, 2),
        ('{"a":"9","b":' + "9" * 5000 + "}", 1, 14),
        ('{"a":"\\\\u0000","b":["x","y\\u0000"]}', 1, 25),
        ('{"a":1}{"a":\n "y\\u0000"}', 2, 2),
        ('{"a":1,"b":' + "[" * 300 + "]" * 300 + "}", 1, 211),
        ('{"a":1,"b":' + "[" * 3000 + "]" * 3000 + "}", 1, 211),
    ],
)
def test_faults_have_their_place(text: str, line: int, column: int) -> None:
    found = fault(text)
    assert (found.path, found.line, found.column) == ("pods.json", line, column)


@pytest.mark.parametrize("text", ['{"a":1,}', '{"a":[1,]}', '{"kind":"List","items":[1,]}', '{"kind":"List","items":[],}', '{"kind":"List",}', '{"a":1}\n,'])
def test_trailing_commas_are_errors(text: str) -> None:
    assert "not valid JSON" in fault(text).message


def test_a_list_needs_a_kind() -> None:
    assert "kind" in fault('{"items":[1]}').message


def test_what_comes_before_a_fault_is_read() -> None:
    found, message = outcome('{"kind":"List","apiVersion":"v1","items":[{"a":1},{"a":2},{"a":3')
    assert [item.value for item in found] == [{"a": 1}, {"a": 2}]
    assert message


@pytest.mark.parametrize(
    ("text", "wanted"),
    [(r"\ud800", "\ufffd"), (r"\uDFFF", "\ufffd"), (r"a\udc00\ud800b", "a\ufffd\ufffdb"), (r"\ud83e\ude9f", "🪟"), (r"\\ud800", r"\ud800")],
)
def test_lone_surrogates_become_the_replacement_character(text: str, wanted: str) -> None:
    """As in Go; the runtimes of CEL fail on them."""
    assert values(f'{{"{text}": ["{text}", {{"a": "{text}"}}]}}') == [{wanted: [wanted, {"a": wanted}]}]


@pytest.mark.parametrize(
    "text",
    ['{"a":"\\u0000"}', '{"a\\u0000":1}', '{"a":[{"b":"x\\u0000y"}]}', '{"kind":"List","items":[{"a":"\\u0000"}]}', '{"kind":"List","a":"\\u0000","items":[]}'],
)
def test_nul_characters_are_refused(text: str) -> None:
    assert "NUL" in fault(text).message
    assert "NUL" in outcome(text, cut=True)[1]


def test_a_raw_nul_character_is_refused() -> None:
    assert "not valid JSON" in fault('{"a":"\0"}').message


def test_what_only_looks_like_nul() -> None:
    assert values(r'{"a":"\\u0000"}') == [{"a": r"\u0000"}]


@pytest.mark.parametrize(
    "text",
    [
        '{"a":' + "[" * DEEP + "]" * DEEP + "}",
        '{"a":' * DEEP + "1" + "}" * DEEP,
        '{"kind":"List","items":[' + "[" * DEEP + "]" * DEEP + "]}",
        '{"kind":"List","metadata":' + "[" * DEEP + "]" * DEEP + ',"items":[]}',
        '{"a":1}' + "[" * DEEP + "]" * DEEP,
    ],
)
def test_deep_nesting_is_one_error(text: str) -> None:
    assert "nested deeper than" in fault(text).message
    assert outcome(text, cut=True)[1]


@pytest.mark.parametrize("text", ['{"a":' + "[" * DEEP, '{"a":' * DEEP, '{"kind":"List","items":[' + "[" * DEEP])
def test_deep_nesting_without_end_is_one_error(text: str) -> None:
    assert fault(text).message.startswith(("nested deeper than", "not valid JSON"))  # which of them depends on the release of Python
    assert outcome(text, cut=True)[1]


@pytest.mark.parametrize("depth", [100, 300, 600, 900])
@pytest.mark.parametrize("leaf", ["\\u0000", "\\ud800"])
def test_escapes_in_the_depth(depth: int, leaf: str) -> None:
    """Whatever the recursion limit leaves room for: no traceback, and no NUL that passes."""
    found, message = outcome('{"a":' * depth + f'"{leaf}"' + "}" * depth)
    assert message or "ud800" in leaf
    assert found or message
    assert all("\ud800" not in str(item.value) for item in found)


def test_the_limit_does_not_hang_on_the_release_of_python() -> None:
    assert values('{"a":' * 200 + "1" + "}" * 200)
    assert "nested deeper than 200 levels" in fault('{"a":' * 201 + "1" + "}" * 201).message
    assert "nested deeper than 200 levels" in fault('{"a":' * 201 + '"\\u0000"' + "}" * 201).message
    assert values(json.dumps({"a": [[1]] * 1000})) == [{"a": [[1]] * 1000}]


def test_lists_that_follow_each_other_are_cut_apart() -> None:
    text = "\n".join(json.dumps({"kind": "List", "apiVersion": "v1", "items": [POD] * count}, indent=4) for count in (1, 2, 3, 0, 2))
    assert places(*outcome(text, cut=True)) == places(*outcome(text))
    assert len(outcome(text)[0]) == 8


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"kind": "List", "items": [{"a": [{"b": 1}, {"b": 2}]}, {"c": 1}]}, indent=0),
        '{"kind":"List","items":[\n  {"a":[\n  {"b":1\n  },\n  {"b":2\n  }]}]}',
        '{"kind":"List","items":[\n  {"a":1\n  },\n  {"a":2\n  }]}\n{"kind":"List","items":[\n  {"a":1\n  },\n  {"a":2\n  }]}',
    ],
)
def test_a_list_that_is_laid_out_otherwise_is_never_misread(text: str) -> None:
    """Items are cut at lines, which stand elsewhere too in an unusual layout. Then decoding says so."""
    wanted, _ = outcome(text)
    found, message = outcome(text, cut=True)
    assert message or [item.value for item in found] == [item.value for item in wanted]


def test_nulls_are_noted() -> None:
    [item] = items('{"a":null,"b":{"c":null,"d":1},"e":[null]}')
    assert (item.value, item.nulls) == ({"a": None, "b": {"c": None, "d": 1}, "e": [None]}, True)
    assert [item.nulls for item in items('{"kind":"List","items":[{"a":null},{"a":1}]}')] == [True, False]


def test_a_number_at_the_end_of_a_block() -> None:
    for size in range(1, 12):
        assert [item.value for item in items('{"a":1} 123456 7', size)] == [{"a": 1}, 123456, 7]


def test_items_larger_than_a_block() -> None:
    large = "x" * 2_500_000
    text = json.dumps({"kind": "List", "items": [{"a": large}, {"a": 1}, {"b": large}]}, indent=1)
    found = items(text)
    assert [item.value for item in found] == [{"a": large}, {"a": 1}, {"b": large}]
    assert [(item.line, item.column) for item in found] == [(4, 3), (7, 3), (10, 3)]


def test_a_string_without_end_takes_linear_time() -> None:
    start = time.perf_counter()
    assert fault('{"a":"' + "x" * 30_000_000).column == 6
    assert time.perf_counter() - start < 5


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-10, 10**20), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=5), st.just("\ud800")
)
VALUES = st.recursive(SCALARS, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)), max_leaves=8)
LISTS = st.builds(
    lambda items, kind, order: {key: {"items": items, "kind": kind, "metadata": {"a": None}, "apiVersion": "v1"}[key] for key in order},
    st.lists(VALUES, max_size=4),
    st.sampled_from(["List", "PodList"]),
    st.permutations(["items", "kind", "metadata", "apiVersion"]),
)
OBJECTS = st.one_of(LISTS, st.dictionaries(st.text(max_size=3), VALUES, max_size=3))
TEXTS = st.lists(st.builds(json.dumps, OBJECTS, indent=st.sampled_from([None, 2])), min_size=1, max_size=3).map("\n".join)


@given(TEXTS, st.integers(1, 7))
def test_blocks_of_any_size_give_the_same(text: str, size: int) -> None:
    assert outcome(text, size) == outcome(text)


@given(TEXTS, st.data())
def test_a_fault_is_the_same_in_blocks_of_any_size(text: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(text)))
    broken = text[:at] + data.draw(st.sampled_from(["", "}", "]", ",", ":", '"', "x", "\\", "\n"])) + text[at + data.draw(st.integers(0, 3)) :]
    assert outcome(broken, data.draw(st.integers(1, 7))) == outcome(broken)


@given(TEXTS)
def test_cut_and_decode_is_the_same_as_reading(text: str) -> None:
    found, message = places(*outcome(text, cut=True))
    wanted, fault_of_reading = places(*outcome(text))
    assert message == fault_of_reading
    assert found == wanted or message  # items that wait for a kind are lost with a fault


@given(TEXTS)
def test_every_item_stands_at_its_place(text: str) -> None:
    lines = text.split("\n")
    for item in outcome(text)[0]:
        assert text.split("\n", item.line - 1)[-1][item.column - 1 :].startswith(item.text)
        assert item.line <= len(lines)


@given(st.text(alphabet=" \n]}", max_size=40), st.integers(0, 40), st.integers(0, 40))
def test_finding_an_ending_is_finding(text: str, start: int, end: int) -> None:
    for part in ("\n]", "\n ]", "\n  ]"):
        assert json_text._find_ending(text, part, start, end) == text.find(part, start, end)

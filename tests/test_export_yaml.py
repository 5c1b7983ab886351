"""The YAML of exports: read back it is what was written, whoever reads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from hostprocess.api import read_resources
from hostprocess.export.yaml_text import documents
from hostprocess.model import Resource

HOSTILE = [
    "", " ", "a: b", ": a", "a:", "a #b", "# a", "#", "- a", "-", "--- a", "---", "...", "'", '"', "it's", '"a"', "''", "{a}", "[a]",
    "a, b", "*a", "&a", "!a", "!!int 1", "%a", "@a", "`a`", "|", ">", "?", "? a", "=", "~", "<<", "null", "Null", "yes", "No", "on", "OFF",
    "y", "N", "true", "False", "1", "-1", "+1", "0x1f", "0o17", "017", "1_000", "1e3", "1.5", ".5", ".inf", "-.Inf", ".nan", "12:30",
    "190:20:30", "2001-01-01", "2001-12-14t21:59:43.10-05:00", "_1", "a ", " a", "a\n", "\na", "a\n\n", "\n", "\n\n", " a\nb", "a\n b",
    "a \nb", "a\n---\nb", "---\na\n", "a\n...\n", "\ta", "a\t", "a\tb\nc", "\t\n", "a\r\nb", "\r", "\\", "\\n", "a\\", "\\\\pipe", "ä",
    "ß: ü\n", "日本\n語", "😀", "😀\n😀", "\x85", "a\x85b\nc", "\u2028", "a\u2029b\n", "\ufeff", "\ufeffa\nb", "\xa0a\n", "\0", "\x07\n", "\x7f",
    "x" * 5000, "x y " * 2000, "a: " * 2000, "é " * 90, "'" * 100 + " a", "[rule] it's: \\'a\\' # no", "a b", "a  b",
    "has(object.spec) ? object.spec : {}" * 9, "  two\n    four\n", "#a\n#b\n", "line\n\n\n# end\n\n",
]  # fmt: skip
TEXT = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=90), st.lists(st.sampled_from(HOSTILE), max_size=4).map("".join))
VALUES = st.recursive(
    st.one_of(TEXT, st.booleans(), st.integers(-(2**53), 2**53)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=12,
)


def read(text: str) -> list[Any]:
    return list(yaml.safe_load_all(text))


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_strings(text: str, tmp_path: Path) -> None:
    """As a value, as a key, in a list; for PyYAML and for the reader that knows what Kubernetes takes for what."""
    value = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "annotations": {"a": text}}, "data": {"k": text, "l": [text, {"m": text}]}}
    written = documents([value, {text: text}], "a comment")
    assert read(written) == [value, {text: text}]
    if "\0" in text:
        return  # no manifest may hold it
    del value["data"]["l"]  # a ConfigMap has no such thing
    (tmp_path / "a.yaml").write_text(documents([value], "a comment"), "utf-8", newline="\n")
    (found,) = read_resources([str(tmp_path)])
    assert isinstance(found, Resource), found
    assert found.object == value


@settings(deadline=None)
@given(st.lists(st.dictionaries(TEXT, VALUES, max_size=4), min_size=1, max_size=3))
def test_what_is_written_is_read_back(objects: list[dict[str, Any]]) -> None:
    written = documents(objects, "one\ntwo")
    assert written.startswith("# one\n# two\n")
    assert read(written) == objects
    assert documents(objects, "one\ntwo") == written
    assert "\r" not in written


@settings(deadline=None)
@given(TEXT)
def test_no_line_reaches_readers_as_another(text: str) -> None:
    """What some take for the end of a line (YAML 1.1) and others do not (YAML 1.2) never stands in the text as such."""
    written = documents([{"a": text, "b": [text]}], "")
    assert not set(written) & set("\x85\u2028\u2029\ufeff\r\t")


def test_strings_stay_strings_and_names_stay_plain() -> None:
    value = {"a": "1.30", "b": "yes", "c": "name-of-a-thing", "d": "admissionregistration.k8s.io/v1", "e": "some words, (more)", "f": "x\ny", "g": 1, "h": True}
    assert (
        documents([value], "")
        == "a: '1.30'\nb: 'yes'\nc: name-of-a-thing\nd: admissionregistration.k8s.io/v1\ne: some words, (more)\nf: |-\n  x\n  y\ng: 1\nh: true\n"
    )


def test_nothing_is_written_as_an_alias() -> None:
    shared = {"a": ["b"]}
    assert documents([{"x": shared, "y": shared}], "") == "x:\n  a:\n  - b\n'y':\n  a:\n  - b\n"

"""Every report format: what it is checked against outside of this package, and that nothing in a manifest becomes more than text."""

from __future__ import annotations

import itertools
import json
import re
import xml.etree.ElementTree
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import junitparser
import pytest
import xmlschema
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

import hostprocess
from hostprocess.model import Report
from hostprocess.schema import schema
from reports import FORMATS, SCHEMAS, decision, excepted, filled, foreign, hostile_text, huge, report, report_of, result, unread, worst, written

REPORTS: dict[str, Callable[[Path], Report]] = {
    "findings": lambda _: report_of("findings"),
    "nothing": lambda _: report_of("nothing"),
    "everything": lambda _: report_of("everything"),
    "errors": unread,
    "foreign": foreign,
    "excepted": lambda _: report(result(excepted()), result(excepted("annotation"), line=9), result(decision(message="x"))),
    "hostile": lambda _: worst(),
    "huge": lambda _: huge(),
}


@cache
def validator(name: str) -> Any:
    if name == "sarif":
        return jsonschema.Draft4Validator(json.loads((SCHEMAS / "sarif-2.1.0.json").read_text()), format_checker=jsonschema.FormatChecker())
    return jsonschema.Draft202012Validator(schema("report"))


@cache
def crd(kind: str) -> Any:
    """The schema of a kind of the Policy Report API, in which fields that it does not know are errors and not pruned."""
    definition = yaml.safe_load((SCHEMAS / f"wgpolicyk8s.io_{kind.lower()}s.yaml").read_text())
    version = next(one for one in definition["spec"]["versions"] if one["name"] == "v1alpha2")
    return jsonschema.Draft202012Validator(closed(version["schema"]["openAPIV3Schema"]))


@cache
def xsd() -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(str(SCHEMAS / "junit-10.xsd"))


def closed(value: Any) -> Any:
    if isinstance(value, list):
        return [closed(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {**{key: closed(one) for key, one in value.items()}, **({"additionalProperties": False} if isinstance(value.get("properties"), dict) else {})}


def check_text(text: str) -> None:
    assert text.endswith("\n")


def check_json(text: str) -> None:
    validator("report").validate(json.loads(text))


def check_jsonl(text: str) -> None:
    lines = [json.loads(line) for line in text.splitlines()]
    assert [lines[0]["type"], lines[-1]["type"]] == ["run", "summary"]
    assert {line["type"] for line in lines[1:-1]} <= {"result", "error", "note"}
    results = [line for line in lines if line["type"] == "result"]
    # Each line is a part of the JSON report, which has a schema.
    summary = {name: count for name, count in lines[-1].items() if name not in ("type", "failed")}
    head = {name: value for name, value in lines[0].items() if name != "type"}
    bare = [{name: value for name, value in line.items() if name != "type"} for line in lines if line["type"] in ("result", "error")]
    validator("report").validate({**head, "summary": summary, "results": bare[: len(results)], "errors": bare[len(results) :]})


def check_sarif(text: str) -> None:
    log = json.loads(text)
    validator("sarif").validate(log)
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert all(rules[one["ruleIndex"]]["id"] == one["ruleId"] for one in run["results"])
    names = [one["partialFingerprints"]["hostprocess/v1"] for one in run["results"]]
    assert len(names) == len(set(names))


def check_junit(text: str) -> None:
    xsd().validate(xml.etree.ElementTree.fromstring(text))
    read = junitparser.JUnitXml.fromstring(text.encode())
    counted = {name: getattr(read, name) for name in ("tests", "failures", "errors")}
    cases = [case for suite in read for case in suite]
    assert cases
    outcomes = [type(one).__name__ for case in cases for one in case.result]
    assert counted == {"tests": len(cases), "failures": outcomes.count("Failure"), "errors": outcomes.count("Error")}
    assert sum(suite.skipped for suite in read) == outcomes.count("Skipped")


def check_github(text: str) -> None:
    commands = list(runner_commands(text))
    assert len(commands) + 1 == len(text.splitlines())
    for name, properties, _ in commands:
        assert name in ("error", "warning", "notice")
        assert {"title"} <= properties.keys() <= {"title", "file", "line", "col"}


def check_gitlab(text: str) -> None:
    """Source: the code quality parser of GitLab, which wants these four, and drops issues of other severities and of fingerprints that it has seen."""
    issues = json.loads(text)
    for issue in issues:
        assert isinstance(issue["description"], str)
        assert issue["severity"] in ("info", "minor", "major", "critical", "blocker")
        assert isinstance(issue["location"]["path"], str)
        assert issue["location"]["lines"]["begin"] >= 1
    names = [issue["fingerprint"] for issue in issues]
    assert len(names) == len(set(names))


def check_markdown(text: str) -> None:
    tokens = [*_flat(MarkdownIt("gfm-like", {"html": True, "linkify": False}).parse(text))]
    assert {token.type for token in tokens} <= {
        *("heading_open", "heading_close", "paragraph_open", "paragraph_close", "inline", "text", "text_special", "code_inline", "html_inline"),
        *("table_open", "table_close", "thead_open", "thead_close", "tbody_open", "tbody_close", "tr_open", "tr_close", "th_open", "th_close"),
        *("td_open", "td_close"),
    }
    assert {token.content for token in tokens if token.type == "html_inline"} <= {"<br>", "<sub>", "</sub>"}
    assert len(text) < 900_000


def _flat(tokens: list[Any]) -> Iterator[Any]:
    for token in tokens:
        yield token
        yield from token.children or ()


def check_policyreport(text: str) -> None:
    listed = json.loads(text)
    assert (listed["apiVersion"], listed["kind"]) == ("v1", "List")
    assert listed["items"]
    for item in listed["items"]:
        crd(item["kind"]).validate({**item, "metadata": {}})
        assert re.fullmatch(r"hostprocess(-\d+)?", item["metadata"]["name"])
        assert len(json.dumps(item)) < 1_000_000
        counts = {name: [one["result"] for one in item["results"]].count(name) for name in item["summary"]}
        assert counts == item["summary"]


class Elements(HTMLParser):
    """What an HTML parser takes for elements and attributes."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: set[tuple[str, str]] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {(tag, name) for name, _ in attrs} | {(tag, "")}


def check_html(text: str) -> None:
    assert text.isascii()
    found = Elements()
    found.feed(text)
    clean = Elements()
    clean.feed(written(report_of("everything"), "html"))
    clean.feed(written(report(result(excepted())), "html"))
    clean.feed(written(filled(lambda: "a"), "html"))
    assert found.found <= clean.found


CHECKS: dict[str, Callable[[str], None]] = {name: globals()[f"check_{name}"] for name in FORMATS}


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("kind", REPORTS)
def test_every_format_is_what_its_readers_expect(tmp_path: Path, name: str, kind: str) -> None:
    CHECKS[name](written(REPORTS[kind](tmp_path), name))


@pytest.mark.parametrize("name", FORMATS)
def test_every_report_says_what_it_is_of(name: str) -> None:
    """An empty list of GitLab has no place to say it."""
    text = written(report_of("findings"), name).replace("\\.", ".")
    for version in (hostprocess.__version__, "hostprocess 0.1.0", "1.37", "1.7"):
        assert version in text


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in ("json", "jsonl")])
def test_a_message_of_a_megabyte_is_cut(name: str) -> None:
    assert len(written(huge(), name)) < 200_000 or name in ("text", "sarif", "html")


def spread(texts: list[str]) -> Report:
    """A report with these texts all over it, and no rules, which take long to check and are of the pack."""
    turn = itertools.cycle(texts)
    return replace(filled(lambda: next(turn)), rules=())


@settings(max_examples=40, deadline=None)
@given(st.lists(hostile_text, min_size=1, max_size=7))
def test_no_text_of_a_manifest_breaks_a_format(texts: list[str]) -> None:
    made = spread(texts)
    for name, check in CHECKS.items():
        check(written(made, name))


# The commands that a runner takes from a log: actions/runner, src/Runner.Common/ActionCommand.cs, TryParseV2 and then TryParse.
COMMANDS = {
    *("error", "warning", "notice", "debug", "group", "endgroup", "add-mask", "add-matcher", "remove-matcher", "set-output", "save-state", "set-env"),
    *("add-path", "echo", "stop-commands", "internal-set-repo-path"),
}


def runner_commands(log: str) -> Iterator[tuple[str, dict[str, str], str]]:
    """The workflow commands in a log, as the runner of GitHub finds them."""
    for line in re.split("\r\n|\r|\n", log):
        yield from _modern(line) or _legacy(line)


def _modern(line: str) -> list[tuple[str, dict[str, str], str]]:
    line = line.lstrip()
    end = line.find("::", 2)
    if not line.startswith("::") or end < 0:
        return []
    name, _, rest = line[2:end].partition(" ")
    pairs = [one.split("=", 1) for one in rest.strip().split(",") if "=" in one]
    return [(name, {key: _unescaped(value, {"%3A": ":", "%2C": ","}) for key, value in pairs}, _unescaped(line[end + 2 :], {}))] if name in COMMANDS else []


def _unescaped(text: str, more: dict[str, str]) -> str:
    for escaped, meant in {"%0D": "\r", "%0A": "\n", **more, "%25": "%"}.items():
        text = text.replace(escaped, meant)
    return text


def _legacy(line: str) -> list[tuple[str, dict[str, str], str]]:
    start = line.find("##[")
    end = line.find("]", start)
    if start < 0 or end < 0:
        return []
    name = line[start + 3 : end].partition(" ")[0]
    return [(name, {}, line[end + 1 :])] if name in COMMANDS else []


def test_the_runner_finds_commands() -> None:
    log = "a\n  ::error file=a%2Cb,line=3::x%0Ay%25\nb ##[add-mask]c\n::nope::a\n::error\n"
    assert list(runner_commands(log)) == [("error", {"file": "a,b", "line": "3"}, "x\ny%"), ("add-mask", {}, "c")]


commands = st.sampled_from(sorted(COMMANDS)).flatmap(lambda name: st.sampled_from([f"##[{name}]x", f"::{name}::x", f" ::{name} a=b::x", f"x\n::{name}::"]))


@settings(max_examples=100, deadline=None)
@given(st.lists(hostile_text | commands, min_size=1, max_size=7))
def test_no_text_of_a_manifest_commands_a_runner(texts: list[str]) -> None:
    """Whatever is printed where a CI service reads along, and that is each format on standard output."""
    made = spread(texts)
    for name in FORMATS:
        if name != "github":
            assert list(runner_commands(written(made, name))) == [], name
        assert "##vso[" not in written(made, name)
    check_github(written(made, "github"))


@pytest.mark.parametrize("name", FORMATS)
def test_nothing_reaches_a_terminal_raw(name: str) -> None:
    text = written(worst(), name)
    assert not set("\x1b\u202e\u2066\u2028\u2029\x85\r\0\ufeff") & set(text)
    text.encode()  # no half of a surrogate pair


def test_formats_write_to_streams_that_know_few_characters() -> None:
    """XML and HTML say that they are UTF-8, and a console of Windows is not."""
    for name in set(FORMATS) - {"text", "github", "markdown"}:
        assert written(report(result(name="日本é")), name).isascii(), name

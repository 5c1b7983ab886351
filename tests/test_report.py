"""The report formats: JSON against its published schema, text against what a terminal may be shown."""

from __future__ import annotations

import io
import json
from pathlib import Path

import jsonschema
import pytest
import yaml

import hostprocess
from hostprocess.api import check_files, load_policies, write_report
from hostprocess.report.text import printable
from hostprocess.schema import schema
from support import pod

EXAMPLES = Path(__file__).parent.parent / "examples"
HOSTILE = "a\x1b[31m\u202e\u2028\x00\x85</script>]]>\n::error::x"


def report_on(path: Path, name: str, show_all: bool = False) -> str:
    stream = io.StringIO()
    write_report(check_files([str(path)], load_policies(), show_all=show_all), stream, name)
    return stream.getvalue()


def broken(folder: Path) -> Path:
    (folder / "broken.yaml").write_text("a: [\n")
    return folder


def hostile(folder: Path) -> Path:
    pod = json.loads(json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": HOSTILE.replace("\x00", "")}, "spec": {"containers": []}}))
    pod["spec"]["securityContext"] = {"windowsOptions": {"hostProcess": True, "runAsUserName": HOSTILE.replace("\x00", "")}}
    pod["spec"]["containers"] = [{"name": "agent" + "x" * 1_000_000}]
    (folder / "hostile.json").write_text(json.dumps(pod))
    return folder


def empty(folder: Path) -> Path:
    (folder / "map.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
    return folder


@pytest.mark.parametrize("make", [lambda _: EXAMPLES, broken, hostile, empty], ids=["findings", "errors", "hostile", "nothing"])
@pytest.mark.parametrize("show_all", [False, True])
def test_json_keeps_its_schema(tmp_path: Path, make: object, show_all: bool) -> None:
    report = json.loads(report_on(make(tmp_path), "json", show_all))  # type: ignore[operator]
    jsonschema.Draft202012Validator(schema("report")).validate(report)
    outcomes = [result["outcome"] for result in report["results"]]
    for outcome, count in report["summary"].items():
        if outcome in ("allow", "skip") and not show_all:
            assert outcome not in outcomes
        elif outcome in ("allow", "skip", "deny", "warn", "audit", "unknown", "error"):
            assert outcomes.count(outcome) == count
    assert report["tool"]["version"] == hostprocess.__version__


def test_the_schema_refuses_other_reports() -> None:
    report = json.loads(report_on(EXAMPLES, "json"))
    report["results"][0]["outcome"] = "pass"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema("report")).validate(report)


@pytest.mark.parametrize("name", ["text", "json"])
def test_nothing_of_a_manifest_reaches_the_terminal_raw(tmp_path: Path, name: str) -> None:
    text = report_on(hostile(tmp_path), name)
    assert not {"\x1b", "\u202e", "\u2028", "\x85", "\r"} & set(text)
    assert len(text) < 100_000


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("Grüße 日本", "Grüße 日本"),
        ("a\tb\nc", "a\\tb\\nc"),
        ("\x1b[0m", "\\x1b[0m"),
        ("\u202eabc", "\\u202eabc"),
        ("\x85", "\\x85"),
        ("\ud800", "\\ud800"),
        ("\U000e0001", "\\U000e0001"),
    ],
)
def test_printable(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_unknown_format() -> None:
    with pytest.raises(hostprocess.UsageError, match="there is no report format 'xml'; there are text, json"):
        write_report(check_files([], load_policies()), io.StringIO(), "xml")


def test_results_that_look_the_same_are_told_once(tmp_path: Path) -> None:
    """Two validations of one rule, both without the parameters they need; another object is another matter."""
    pods = [pod(name, hostNetwork=True, securityContext={"windowsOptions": {"hostProcess": True}}) for name in ("a", "b")]
    for one in pods:
        one["metadata"]["annotations"] = {"microsoft.com/hostprocess-inherit-user": "true"}
    (tmp_path / "pods.yaml").write_text(yaml.safe_dump_all(pods))
    report = check_files([str(tmp_path / "pods.yaml")], load_policies(select=["allowed-accounts"]))
    assert [str(one.decision.outcome) for one in report.results] == ["unknown"] * 4
    stream = io.StringIO()
    write_report(report, stream, "text")
    assert stream.getvalue().count("unknown allowed-accounts") == 2
    assert "2 resources, 2 judged: 4 unknown" in stream.getvalue()

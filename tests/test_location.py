"""From a field path to line, column and excerpt."""

from __future__ import annotations

import codecs
import json
from pathlib import Path

import pytest

from hostprocess.kubernetes.fields import parse_path
from hostprocess.kubernetes.location import Place, locate
from hostprocess.kubernetes.reader import read_file, read_piece, read_pieces
from hostprocess.model import InputProblem, Origin, Resource


def place(text: str, path: str, syntax: str = "yaml", line: int = 1, column: int = 1) -> Place:
    return locate(Origin(path="x", text=text, syntax=syntax, line=line, column=column), parse_path(path))


def at(text: str, path: str, syntax: str = "yaml") -> tuple[int, int]:
    found = place(text, path, syntax)
    return found.line, found.column


POD = """\
# a comment
apiVersion: v1
kind: Pod
metadata:
  name: a
  labels: {"app": x, 'kubernetes.io/os': windows}
spec:
  containers:
  - name: one
    command: [a, b,
      c]
  -   name: two
      "securityContext":
        windowsOptions: &options {hostProcess: true}
  - name: three
    securityContext: {windowsOptions: *options}
  - <<: &defaults
      image: i
    name: four
  - <<: [{tty: true}, *defaults]
    name: five
  ? hostNetwork
  : true
"""


@pytest.mark.parametrize(
    ("path", "line", "column"),
    [
        ("", 2, 1),
        ("kind", 3, 1),
        ("metadata.name", 5, 3),
        ('metadata.labels["app"]', 6, 12),
        ('metadata.labels["kubernetes.io/os"]', 6, 22),
        ("spec.containers", 8, 3),
        ("spec.containers[0]", 9, 5),
        ("spec.containers[0].name", 9, 5),
        ("spec.containers[0].command", 10, 5),
        ("spec.containers[0].command[1]", 10, 18),
        ("spec.containers[0].command[2]", 11, 7),
        ("spec.containers[1]", 12, 7),
        ("spec.containers[1].securityContext", 13, 7),
        ("spec.containers[1].securityContext.windowsOptions.hostProcess", 14, 35),
        ("spec.containers[2].securityContext.windowsOptions", 16, 23),
        ("spec.containers[2].securityContext.windowsOptions.hostProcess", 14, 35),
        ("spec.containers[3].image", 18, 7),
        ("spec.containers[4].tty", 20, 11),
        ("spec.containers[4].image", 18, 7),
        ("spec.hostNetwork", 22, 5),
        # what is absent stands at the nearest field above it
        ("metadata.namespace", 4, 1),
        ("status.phase", 2, 1),
        ("spec.containers[0].securityContext.windowsOptions.hostProcess", 9, 5),
        ("spec.containers[7].name", 8, 3),
        ("kind.name", 3, 1),
        ("metadata[0]", 4, 1),
        ("spec.containers.name", 8, 3),
    ],
)
def test_yaml(path: str, line: int, column: int) -> None:
    found = place(POD, path)
    assert (found.line, found.column) == (line, column)
    assert found.excerpt == POD.split("\n")[line - 1]


def test_a_key_that_is_given_wins_over_a_merged_one() -> None:
    assert at("a: &a {k: 1}\nb:\n  <<: *a\n  k: 2\n", "b.k") == (4, 3)
    assert at("a: &a {k: 1}\nb: {<<: *a, '<<': 1}\n", "b.k") == (1, 8)


def test_line_breaks_that_only_yaml_knows_are_not_counted() -> None:
    assert at("a: x\u2028  y\nb:\n  c: '\x85'\n  d: 1\n", "b.d") == (4, 3)


def test_lines_count_from_the_origin() -> None:
    found = place("a:\n  b: 1", "a.b", line=10)
    assert (found.line, found.column, found.excerpt) == (11, 3, "  b: 1")


def test_an_empty_text() -> None:
    assert place("# nothing", "a") == Place(1, 1, "# nothing")


VALUE = {
    "kind": "CronJob",
    "metadata": {"name": "a\n", "labels": {'"quoted" [{,': "}", "é\\": "é"}},
    "spec": {"jobTemplate": {"spec": {"template": {"spec": {"containers": [{"name": "a"}, {"name": "b", "args": [], "env": {}}], "os": {"name": None}}}}}},
}


@pytest.mark.parametrize("indent", [None, 0, 2, "\t"])
@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("kind", '"kind"'),
        ("metadata.name", '"name"'),
        (r'metadata.labels["\"quoted\" [{,"]', r'"\"quoted\" [{,"'),
        (r'metadata.labels["é\\"]', json.dumps("é\\")),
        ("spec", '"spec"'),
        ("spec.jobTemplate.spec", '"spec"'),
        ("spec.jobTemplate.spec.template", '"template"'),
        ("spec.jobTemplate.spec.template.spec", '"spec"'),
        ("spec.jobTemplate.spec.template.spec.containers[1].name", '"name"'),
        ("spec.jobTemplate.spec.template.spec.containers[1]", "{"),
        ("spec.jobTemplate.spec.template.spec.containers[1].args[0]", '"args"'),
        ("spec.jobTemplate.spec.template.spec.containers[1].env.name", '"env"'),
        ("spec.jobTemplate.spec.template.spec.os.name.x", '"name"'),
        ("spec.jobTemplate.spec.template.spec.volumes[0].name", '"spec"'),
        ("metadata.namespace", '"metadata"'),
        ("status", "{"),
        ("kind.name", '"kind"'),
        ("metadata[0]", '"metadata"'),
    ],
)
def test_json(path: str, key: str, indent: int | str | None) -> None:
    text = json.dumps(VALUE, indent=indent)
    found = place(text, path, "json")
    lines = text.split("\n")
    offset = sum(len(line) + 1 for line in lines[: found.line - 1]) + found.column - 1
    assert text.startswith(key, offset)
    assert lines[found.line - 1].startswith(found.excerpt.removesuffix("…"))


def test_json_steps_that_repeat() -> None:
    spec = "spec"  # one object for both, as in what the checks of fields give
    assert locate(Origin(path="x", text='{"spec": {"a": {"spec": 1}}}', syntax="json"), (spec, "a", spec)).column == 17
    text = '{"spec": {"template": {"spec": {"a": [[1, 2], [3, 4]]}}}}'
    assert at(text, "spec.template.spec", "json") == (1, text.rindex('"spec"') + 1)
    assert at(text, "spec.template.spec.a[1][1]", "json") == (1, text.index("4") + 1)
    assert at(text, "spec.template.spec.a[0][0]", "json") == (1, text.index("1") + 1)
    assert at(text, "spec.spec", "json") == (1, 2)


def test_json_counts_from_the_origin() -> None:
    text = '{"a": {\n "b": 1}}'
    assert place(text, "a", "json", line=5, column=10) == Place(5, 11, '{"a": {')
    assert place(text, "a.b", "json", line=5, column=10) == Place(6, 2, ' "b": 1}}')


def test_long_lines_are_shortened() -> None:
    assert place("a: " + "x" * 500, "a").excerpt == "a: " + "x" * 197 + "…"


NAMES = [f"pod-{index}" for index in range(4)]
ITEM = '{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "%s"}, "spec": {"containers": []}}'
YAML_ITEM = "  apiVersion: v1\n  kind: Pod\n  metadata:\n    name: %s\n"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"kind": "List", "apiVersion": "v1", "items": [' + ", ".join(ITEM % name for name in NAMES) + "]}", id="JSON in one line"),
        pytest.param('{"kind": "List", "apiVersion": "v1", "items": [\n ' + ",\n ".join(ITEM % name for name in NAMES) + "\n]}", id="JSON in lines"),
        pytest.param(json.dumps({"kind": "List", "apiVersion": "v1", "items": [json.loads(ITEM % name) for name in NAMES]}, indent=4), id="JSON of kubectl"),
        pytest.param(json.dumps({"kind": "List", "apiVersion": "v1", "items": [json.loads(ITEM % name) for name in NAMES]}, indent="\t"), id="JSON with tabs"),
        pytest.param("\n".join(ITEM % name for name in NAMES), id="JSON lines"),
        pytest.param("apiVersion: v1\nkind: List\nitems: [" + ",\n".join(ITEM % name for name in NAMES) + "]", id="YAML in flow style"),
        pytest.param("apiVersion: v1\nitems:\n" + "".join("-" + (YAML_ITEM % name)[1:] for name in NAMES) + "kind: List\n", id="YAML of kubectl"),
        pytest.param(
            "apiVersion: v1\nkind: List\nitems:\n" + "".join("  -" + (YAML_ITEM % name)[1:].replace("\n  ", "\n    ") for name in NAMES), id="YAML List"
        ),
        pytest.param("# c\n---\n" + "---\n".join(YAML_ITEM % name for name in NAMES).replace("\n  ", "\n").replace("  api", "api"), id="YAML documents"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("line_break", ["\n", "\r\n"])
@pytest.mark.parametrize("cut", [False, True])
def test_every_resource_of_a_file_is_found(tmp_path: Path, text: str, encoding: str, line_break: str, cut: bool) -> None:
    text = text.replace("pod-", "pöd-")
    file = tmp_path / "pods"
    file.write_bytes(text.replace("\n", line_break).encode(encoding))
    found: list[Resource] = []
    for piece in read_pieces(str(file), cut=cut):
        assert not isinstance(piece, InputProblem)
        for resource in read_piece(*piece):
            assert isinstance(resource, Resource), resource
            found.append(resource)
    assert [resource.object["metadata"]["name"] for resource in found] == [name.replace("o", "ö") for name in NAMES]
    lines = text.split("\n")
    for resource in found:
        here = locate(resource.origin, ("metadata", "name"))
        name = resource.object["metadata"]["name"]
        assert name in lines[here.line - 1][here.column - 1 :][:20]
        assert lines[here.line - 1][here.column - 1 :].lstrip('"').startswith("name")


def test_utf_16_columns_are_characters(tmp_path: Path) -> None:
    file = tmp_path / "pod.yaml"
    file.write_bytes(codecs.BOM_UTF16_LE + "apiVersion: v1\r\nkind: Pod\r\nmetadata: {labels: {'🪟': x}, name: a}\r\n".encode("utf-16-le"))
    [resource] = read_file(str(file))
    assert isinstance(resource, Resource)
    assert locate(resource.origin, ("metadata", "name")) == Place(3, 30, "metadata: {labels: {'🪟': x}, name: a}")

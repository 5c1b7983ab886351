"""Paths to resources: what is found, what each document holds, and one clear message for each that cannot be used."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from hostprocess.kubernetes import yaml_text
from hostprocess.kubernetes.reader import expand, read_file, read_piece, read_pieces
from hostprocess.model import InputProblem, Resource

POD = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\nspec:\n  containers:\n  - name: c\n    image: i\n"
Found = Resource | InputProblem


def pod(name: str = "a", **rest: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": [{"name": "c", "image": "i"}]}, **rest}


def read(text: str | bytes, folder: Path, name: str = "x.yaml", cut: bool = False) -> list[Found]:
    file = folder / name
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    found: list[Found] = []
    for piece in read_pieces(str(file), cut=cut):
        found += [piece] if isinstance(piece, InputProblem) else read_piece(*piece)
    return found


def resources(found: list[Found]) -> list[Any]:
    assert all(isinstance(one, Resource) for one in found), found
    return [one.object for one in found if isinstance(one, Resource)]


def problems(found: list[Found]) -> list[InputProblem]:
    return [one for one in found if isinstance(one, InputProblem)]


def the_problem(found: list[Found]) -> InputProblem:
    [one] = found
    assert isinstance(one, InputProblem)
    return one


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("a.yaml", "b.yml", "c.json", "d.yaml.gz", "e.txt", "sub/f.yaml", "sub/deep/g.json", ".hidden/h.yaml", "sub/.git/i.yaml", "none/readme.md"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(gzip.compress(POD.encode()) if name.endswith(".gz") else POD.encode())
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("paths", "wanted"),
    [
        (["."], ["./a.yaml", "./b.yml", "./c.json", "./d.yaml.gz", "./sub/f.yaml", "./sub/deep/g.json"]),
        (["sub"], ["sub/f.yaml", "sub/deep/g.json"]),
        ([".hidden"], [".hidden/h.yaml"]),
        (["e.txt"], ["e.txt"]),
        (["*.yaml"], ["a.yaml"]),
        (["**/*.json"], ["c.json", "sub/deep/g.json"]),
        (["s*"], ["sub/f.yaml", "sub/deep/g.json"]),
        (["[ab].*"], ["a.yaml", "b.yml"]),
        (["b.yml", "a.yaml"], ["b.yml", "a.yaml"]),
        (["-"], ["-"]),
        # none comes twice
        (["a.yaml", "a.yaml"], ["a.yaml"]),
        (["a.yaml", "./a.yaml", "sub/../a.yaml", "*.yaml"], ["a.yaml"]),
        (["sub", "."], ["sub/f.yaml", "sub/deep/g.json", "./a.yaml", "./b.yml", "./c.json", "./d.yaml.gz"]),
        (["-", "-"], ["-"]),
    ],
)
def test_files_that_paths_name(tree: Path, paths: list[str], wanted: list[str]) -> None:
    assert list(expand(paths)) == wanted


def test_none_comes_twice_in_several_calls(tree: Path) -> None:
    seen: set[str] = set()
    assert [list(expand([path], seen)) for path in ("a.yaml", "./a.yaml", str(tree / "a.yaml"))] == [["a.yaml"], [], []]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("missing.yaml", "no such file or folder"),
        ("none", "no manifests in this folder"),
        ("*.xml", "no file matches this pattern"),
        ("none/*.yaml", "no file matches"),
    ],
)
def test_paths_that_name_nothing(tree: Path, path: str, message: str) -> None:
    [problem, other] = expand([path, "a.yaml"])
    assert isinstance(problem, InputProblem)
    assert problem.path == path
    assert message in problem.message
    assert not problem.note
    assert other == "a.yaml"


def test_a_name_with_signs_of_patterns(tree: Path) -> None:
    (tree / "a[1].yaml").write_text(POD)
    assert list(expand(["a[1].yaml"])) == ["a[1].yaml"]


def test_a_folder_that_cannot_be_read(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests may run as root, who is refused nothing."""
    scan = os.scandir

    def refuse(path: Any) -> Any:
        if str(path).endswith("deep"):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = list(expand(["sub"]))
    assert found[0] == "sub/f.yaml" or found[1] == "sub/f.yaml"
    [problem] = [one for one in found if isinstance(one, InputProblem)]
    assert (problem.path, problem.message) == ("sub/deep", "cannot be read: Permission denied")


def test_a_file_that_vanishes(tree: Path) -> None:
    files = [path for path in expand(["a.yaml"]) if isinstance(path, str)]
    (tree / "a.yaml").unlink()
    assert "No such file" in the_problem(list(read_file(files[0]))).message


def test_a_broken_link(tree: Path) -> None:
    (tree / "link.yaml").symlink_to("nowhere.yaml")
    assert list(expand(["link.yaml"])) == ["link.yaml"]
    assert "No such file" in the_problem(list(read_file("link.yaml"))).message


@pytest.mark.parametrize("text", ["", " \n\t\n", "\ufeff"])
def test_empty_files(tmp_path: Path, text: str) -> None:
    problem = the_problem(read(text, tmp_path))
    assert problem.message == "the file is empty"
    assert problem.note


@pytest.mark.parametrize("text", ["# only a comment\n", "---\n", "---\n---\n", "null"])
def test_files_without_a_document_that_says_anything(tmp_path: Path, text: str) -> None:
    assert read(text, tmp_path) == []


NOTES = [
    ("replicas: 3\nimage: x\n", 1),
    ("spec:\n  template: {}\n", 1),
    ("# c\n---\nkind: Pod\n", 3),
    ("apiVersion: v1\n", 1),
    ('{"spec": {}}', 1),
    ("apiVersion: ''\nkind: Pod", 1),
    ('{"kind": "List", "apiVersion": "v1", "items": [{"a": 1}]}', 1),
    ("apiVersion: v1\nkind: List\nitems:\n- a: 1\n", 4),
    ("apiVersion: v1\nitems:\n- a: 1\nkind: List\n", 3),
]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("kind: Pod\nmetadata: {name: a}\n", "this object has a kind, but no apiVersion; it needs both"),
        ("apiVersion: ''\nkind: Pod\nmetadata: {name: a}\n", "this object has a kind, but no apiVersion; it needs both"),
        ('{"apiVersion": "v1", "metadata": {"name": "a"}}', "this object has an apiVersion, but no kind; it needs both"),
    ],
)
def test_half_a_kubernetes_object_is_an_error(tmp_path: Path, text: str, message: str) -> None:
    problem = the_problem(read(text, tmp_path))
    assert (problem.message, problem.note, problem.line) == (message, False, 1)


@pytest.mark.parametrize(("text", "line"), NOTES)
def test_what_is_no_kubernetes_object_is_noted(tmp_path: Path, text: str, line: int) -> None:
    problem = the_problem(read(text, tmp_path))
    assert "no apiVersion and kind" in problem.message
    assert problem.note
    assert problem.line == line


@pytest.mark.parametrize(
    ("text", "message", "line", "column"),
    [
        ("- 1\n- 2\n", "expected a Kubernetes object (a mapping), found a list", 1, 1),
        (f"[{json.dumps(pod())}]", "expected a Kubernetes object (a mapping), found a list", 1, 1),
        ("just text", "expected a Kubernetes object (a mapping), found text", 1, 1),
        ("a: 1\n---\n12", "found the value 12", 3, 1),
        ('{"a": 1}\n 12', "found the value 12", 2, 2),
        ('{"apiVersion": "v1", "kind": "List", "items": [\n  "x"]}', "found text", 2, 3),
        ("apiVersion: v1\nkind: List\nitems:\n  - null\n", "found null", 4, 5),
        ("apiVersion: v1\nitems:\n- x\nkind: List\n", "found text", 3, 3),
        ("apiVersion: v1\nkind: 5", "apiVersion and kind must be strings", 2, 1),
        ("apiVersion: 1\nkind: Pod", "apiVersion and kind must be strings", 1, 1),
        ("apiVersion: v1\nkind: List\nitems: x", "items: must be a list, not text", 3, 1),
        ('{"apiVersion": "v1", "kind": "PodList", "items": {}}', "items: must be a list", 1, 41),
        ("kind: Pod\nkind: Pod", "given twice", 2, 1),
    ],
)
def test_documents_that_are_no_objects(tmp_path: Path, text: str, message: str, line: int, column: int) -> None:
    problem = read(text, tmp_path)[-1]
    assert isinstance(problem, InputProblem)
    assert message in problem.message
    assert not problem.note
    assert (problem.line, problem.column) == (line, column)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (POD.replace("name: a", 'name: "{{ .Release.Name }}-a"'), 4),
        (POD.replace("name: a", "name: {{ .Release.Name }}"), 4),
        (POD.replace("name: a", "name: a\n  namespace: '{{ .Release.Namespace }}'"), 5),
        ("{{- if .Values.enabled }}\n" + POD + "{{- end }}\n", 1),
        ('{{ include "x" . }}\n', 1),
        (POD + "  {{- toYaml .Values.spec | nindent 2 }}\n", 9),
    ],
)
def test_helm_templates(tmp_path: Path, text: str, line: int) -> None:
    problem = the_problem(read(text, tmp_path))
    assert "helm template CHART | hostprocess check -" in problem.message
    assert not problem.note
    assert abs(problem.line - line) <= 1


def test_braces_of_other_tools_are_no_templates(tmp_path: Path) -> None:
    value = pod()
    value["spec"]["containers"][0]["args"] = ["--format={{ .Name }}"]
    assert resources(read(yaml.safe_dump(value), tmp_path)) == [value]
    assert resources(read(json.dumps(value), tmp_path)) == [value]


@pytest.mark.parametrize("cut", [False, True])
@pytest.mark.parametrize(
    "text",
    [
        pytest.param(yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": [pod("a"), pod("b")]}), id="YAML"),
        pytest.param(yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": [pod("a"), pod("b")]}, default_flow_style=True), id="flow style"),
        pytest.param(yaml.safe_dump_all([pod("a"), {"apiVersion": "v1", "kind": "PodList", "items": [pod("b")]}]), id="documents"),
        pytest.param(json.dumps({"apiVersion": "v1", "kind": "List", "items": [pod("a"), pod("b")]}), id="JSON"),
        pytest.param(json.dumps({"apiVersion": "v1", "items": [pod("a"), pod("b")], "kind": "List"}, indent=4), id="JSON with sorted keys"),
        pytest.param(
            json.dumps({"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "v1", "kind": "List", "items": [pod("a"), pod("b")]}]}), id="nested"
        ),
        pytest.param(json.dumps(pod("a")) + "\n" + json.dumps(pod("b")), id="JSON lines"),
        pytest.param(json.dumps(pod("a"), indent=2) + "\n---\n" + json.dumps(pod("b")) + "\n---\n", id="JSON documents"),
        pytest.param("---\n" + json.dumps(pod("a"), indent=2) + "\n---\n" + json.dumps(pod("b")), id="JSON as YAML documents"),
        # kubectl takes any object with `items` for a List (unstructured/helpers.go, decode)
        pytest.param(json.dumps({"apiVersion": "v1", "kind": "Pods", "items": [pod("a"), pod("b")]}), id="JSON, any kind"),
        pytest.param(yaml.safe_dump({"apiVersion": "v1", "kind": "Pods", "items": [pod("a"), pod("b")]}), id="YAML, any kind"),
        # items of a typed list may have no kind
        pytest.param(
            json.dumps({"kind": "PodList", "apiVersion": "v1", "items": [{k: v for k, v in pod(n).items() if k not in ("kind", "apiVersion")} for n in "ab"]}),
            id="typed",
        ),
        pytest.param(
            yaml.safe_dump({"kind": "PodList", "apiVersion": "v1", "items": [{**pod(n), "kind": "", "apiVersion": ""} for n in "ab"]}), id="typed YAML"
        ),
        pytest.param(
            yaml.safe_dump({"kind": "PodList", "apiVersion": "v1", "items": [{"metadata": {"name": n}, "spec": pod()["spec"]} for n in "ab"]}),
            id="typed, kubectl",
        ),
    ],
)
def test_lists(tmp_path: Path, text: str, cut: bool) -> None:
    assert resources(read(text, tmp_path, cut=cut)) == [pod("a"), pod("b")]


def test_items_without_a_kind_before_the_kind_of_their_list(tmp_path: Path) -> None:
    """Those may not pass unseen. Worker processes cannot know the kind."""
    text = json.dumps({"apiVersion": "v1", "items": [{"metadata": {"name": n}, "spec": pod()["spec"]} for n in "ab"], "kind": "PodList"}, indent=4)
    assert resources(read(text, tmp_path)) == [pod("a"), pod("b")]
    found = read(text, tmp_path, cut=True)
    assert not problems(found) or all("--jobs 1" in problem.message and not problem.note for problem in problems(found))
    assert len(found) == 2


@pytest.mark.parametrize(
    "text",
    [
        '{"apiVersion":"v1","kind":"List","items":[]}',
        '{"apiVersion":"v1","kind":"PodList","items":null}',
        "apiVersion: v1\nkind: List\nitems: []\n",
        "apiVersion: v1\nkind: List\nitems:\n",
    ],
)
def test_empty_lists(tmp_path: Path, text: str) -> None:
    assert read(text, tmp_path) == []


NULLS = {"securityContext": None, "command": [None], "env": [{"name": "x", "value": None}]}


@pytest.mark.parametrize("write", [json.dumps, yaml.safe_dump])
@pytest.mark.parametrize("listed", [False, True])
def test_nulls_of_built_in_kinds_vanish(tmp_path: Path, write: Any, listed: bool) -> None:
    value = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "a", "labels": None},
        "spec": {"rules": [None, {"http": None, "host": "h"}], "defaultBackend": {"service": None}},
    }
    wanted = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "a"},
        "spec": {"rules": [None, {"host": "h"}], "defaultBackend": {}},
    }
    whole = {"apiVersion": "v1", "kind": "List", "items": [value]} if listed else value
    assert resources(read(write(whole), tmp_path)) == [wanted]


@pytest.mark.parametrize("write", [json.dumps, yaml.safe_dump])
def test_without_the_check_nulls_and_strange_fields_stay(tmp_path: Path, write: Any) -> None:
    file = tmp_path / "x"
    metadata = {"creationTimestamp": None, "labels": {"a": None}}
    file.write_text(write({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"x": 1, "containers": []}}))
    [piece] = read_pieces(str(file))
    assert not isinstance(piece, InputProblem)
    [resource] = read_piece(*piece, check=False)
    assert isinstance(resource, Resource)
    assert resource.object["metadata"]["labels"] == {"a": None}
    assert resource.object["spec"] == {"x": 1, "containers": []}
    [problem] = read_piece(*piece)
    assert isinstance(problem, InputProblem)
    assert problem.message.startswith("spec.x: unknown field")


@pytest.mark.parametrize("write", [json.dumps, yaml.safe_dump])
@pytest.mark.parametrize("listed", [False, True])
def test_nulls_of_custom_resources_stay(tmp_path: Path, write: Any, listed: bool) -> None:
    value = {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "a"}, "spec": {"a": None, "b": [None, {"c": None}]}}
    whole = {"apiVersion": "v1", "kind": "List", "items": [value]} if listed else value
    assert resources(read(write(whole), tmp_path)) == [value]


def test_nulls_of_a_typed_list_of_custom_resources_stay(tmp_path: Path) -> None:
    text = '{"apiVersion":"example.com/v1","kind":"ThingList","items":[{"metadata":{"name":"a"},"spec":{"a":null,"b":"\\ud800"}}]}'
    [value] = resources(read(text, tmp_path))
    assert value == {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "a"}, "spec": {"a": None, "b": "\ufffd"}}


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({"apiVersion": "v1", "kind": "Pod", "spec": {"containers": None}}, "spec.containers"),
        ({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": {"spec": {"containers": None}}}}, "spec.template.spec.containers"),
        (
            {"apiVersion": "batch/v1", "kind": "CronJob", "spec": {"jobTemplate": {"spec": {"template": {"spec": {"containers": None}}}}}},
            "spec.jobTemplate.spec.template.spec.containers",
        ),
    ],
)
@pytest.mark.parametrize("write", [json.dumps, yaml.safe_dump])
@pytest.mark.parametrize("listed", [False, True])
def test_containers_that_are_null(tmp_path: Path, value: dict[str, Any], field: str, write: Any, listed: bool) -> None:
    whole = {"apiVersion": "v1", "kind": "List", "items": [value]} if listed else value
    assert the_problem(read(write(whole), tmp_path)).message == f"{field}: must be a list of containers, not null"


def test_other_containers_that_are_null_are_absent(tmp_path: Path) -> None:
    value = pod()
    value["spec"] |= {"initContainers": None, "ephemeralContainers": None, "securityContext": None}
    assert resources(read(yaml.safe_dump(value), tmp_path)) == [pod()]
    assert resources(read(json.dumps(value), tmp_path)) == [pod()]


@pytest.mark.parametrize(
    "broken",
    [
        "a: [",
        "a: 'x",
        "\ta: 1",
        "a: 1\na: 2",
        "&a [*a]",
        "a: *b",
        "[" * 10_000,
        "- " * 10_000,
        'a: "\\0"',
        "x: {{ .y }}",
        "- 1",
        "a: \x01",
        "? [a]",
        "apiVersion: v1\nkind: 1",
    ],
)
def test_a_broken_document_does_not_hide_the_others(tmp_path: Path, broken: str) -> None:
    found = read(f"{POD}---\n{broken}\n---\n{POD}", tmp_path)
    assert [type(one) for one in found] == [Resource, InputProblem, Resource]
    [problem] = problems(found)
    assert not problem.note
    assert problem.line >= 9


def test_a_broken_item_does_not_hide_the_others(tmp_path: Path) -> None:
    bad = pod()
    bad["spec"]["hostNetwork"] = "true"
    items = [pod("a"), bad, 1, pod("b")]
    for text in (json.dumps({"kind": "List", "apiVersion": "v1", "items": items}), yaml.safe_dump({"apiVersion": "v1", "items": items, "kind": "List"})):
        assert [type(one) for one in read(text, tmp_path)] == [Resource, InputProblem, InputProblem, Resource]


def test_what_comes_before_a_fault_of_json_is_read(tmp_path: Path) -> None:
    found = read(json.dumps(pod("a")) + json.dumps(pod("b"))[:-1], tmp_path)
    assert [type(one) for one in found] == [Resource, InputProblem]


@pytest.mark.parametrize(
    "text",
    [
        "{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: c, image: i}]}}",
        "{ apiVersion: v1, 'kind': Pod, metadata: {name: a}, spec: {containers: [{name: c, image: i}]}}\n---\n# none\n",
        "\n# c\n" + json.dumps(pod()),
    ],
)
def test_yaml_in_flow_style_is_not_taken_for_json(tmp_path: Path, text: str) -> None:
    assert resources(read(text, tmp_path)) == [pod()]


@pytest.mark.parametrize("text", ["{", "{}", "{ }", '{"a"', "{'a': 1}", '{"apiVersion":"v1","kind":"Pod"', "[", "}", "{]", "{\n\n", '{"a":1}}', '{"a":1}x'])
@pytest.mark.parametrize("cut", [False, True])
def test_fragments_give_no_traceback(tmp_path: Path, text: str, cut: bool) -> None:
    assert problems(read(text, tmp_path, cut=cut))


DEEP = 600


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"apiVersion":"example.com/v1","kind":"X","a":' + '{"a":' * DEEP + "null" + "}" * DEEP + "}", id="JSON"),
        pytest.param('{"apiVersion":"v1","kind":"X","a":' + "[" * 350 + "null" + "]" * 350 + "}", id="JSON, fewer levels"),
        pytest.param("apiVersion: v1\nkind: X\na: " + "[" * DEEP + "~" + "]" * DEEP, id="YAML"),
        pytest.param('{"apiVersion":"v1","kind":"List","items":[' * 150 + "]}" * 150, id="Lists in Lists"),
        pytest.param("apiVersion: v1\nkind: X\na0: &a0 [~]\n" + "".join(f"a{index}: &a{index} [*a{index - 1}]\n" for index in range(1, DEEP)), id="aliases"),
    ],
)
@pytest.mark.parametrize("cut", [False, True])
def test_deep_nesting_gives_no_traceback(tmp_path: Path, text: str, cut: bool) -> None:
    assert all(len(problem.message) < 300 for problem in problems(read(text, tmp_path, cut=cut)))


def test_binary_files(tmp_path: Path) -> None:
    for data in (bytes(range(256)), b"\x7fELF\x02\x01\x01" + bytes(9), b"PK\x03\x04\x14\x00", b"a: 1\n---\nb: \x00\n"):
        assert problems(read(data, tmp_path))


def test_documents_are_numbered(tmp_path: Path) -> None:
    found = read(f"# licence\n---\n{POD}---\n# empty\n---\n{POD}...\n---\n{POD}", tmp_path)
    assert [one.origin.document for one in found if isinstance(one, Resource)] == [0, 2, 3]
    found = read(json.dumps(pod()) * 3, tmp_path)
    assert [one.origin.document for one in found if isinstance(one, Resource)] == [0, 1, 2]


# --- Lists in YAML, item by item ---


def whole(text: str) -> list[Any]:
    return [value for value, _ in yaml_text.load(text)]


def cut_list(text: str) -> tuple[str, str, list[tuple[int, str]]] | None:
    found = yaml_text.cut_list(text)
    return None if found is None else (found[0], found[1], list(found[2]))


KUBECTL = "apiVersion: v1\nitems:\n- a: 1\n  b: |\n    - x\n\n    y\n- c: 2\n\n-   - d\n- |\n  e\nkind: PodList\nmetadata:\n  resourceVersion: ''\n"


def test_a_list_of_kubectl_is_cut_into_its_items() -> None:
    for start, line in (("", 2), ("---\n", 3)):
        assert cut_list(start + KUBECTL) == (
            "v1",
            "PodList",
            [(line, "- a: 1\n  b: |\n    - x\n\n    y\n"), (line + 5, "- c: 2\n\n"), (line + 7, "-   - d\n"), (line + 8, "- |\n  e\n")],
        )


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("kind: List\napiVersion: v1\nitems:\n- a: 1\n- b: 2\n", id="kind first"),
        pytest.param("apiVersion: v1\nkind: List\nmetadata: {}\nitems:\n- a: 1\n- b: 2\n", id="kind before the items"),
        pytest.param(
            "apiVersion: v1\nkind: List\nmetadata:\n  resourceVersion: \"\"\n  selfLink: ''\nitems:\n- a: 1\n- b: 2\n", id="metadata before the items"
        ),
        pytest.param("# all\n\n---\n# of them\napiVersion: v1\nkind: List\nitems:\n- a: 1\n- b: 2\n", id="comments above"),
        pytest.param("apiVersion: v1\nkind: List\nitems:\n  - a: 1\n    c:\n    - x\n\n  # comment\n  - b: 2\n", id="indented"),
        pytest.param("apiVersion: v1\nitems:\n    - a: 1\n    - b: 2\nkind: List\n", id="indented by four"),
        pytest.param("apiVersion: v1\nitems:\n  - a: |\n      x\n# comment\n      \n  - b: 1\n# comment\nkind: List\n", id="comments at the margin"),
    ],
)
def test_lists_as_people_write_them_are_cut_too(text: str) -> None:
    found = cut_list(text)
    assert found is not None
    assert found[:2] == ("v1", "List")
    assert [item for _, piece in found[2] for [item] in whole(piece)] == whole(text)[0]["items"]
    assert len(found[2]) == 2
    lines = text.split("\n")
    assert all(piece.startswith(lines[line]) for line, piece in found[2])


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("apiVersion: v1\nkind: Pod\n", id="no List"),
        pytest.param("kind: List\nitems:\n- a: 1\n", id="no apiVersion"),
        pytest.param("apiVersion: v1\nkind: List\nitems:\n  - a: 1\n - b: 1\n", id="another margin"),
        pytest.param("apiVersion: v1\nkind: List\nitems:\n  - a: 1\nmore: 1\nitems: []\n", id="items given twice, indented"),
        pytest.param('apiVersion: v1\nkind: List\nmetadata: {annotations: {a: "x\nitems:\n- y"}}\n', id="items within a string"),
        pytest.param("apiVersion: v1\nitems:\n- a: 1\n", id="no kind"),
        pytest.param("apiVersion: v1\nitems:\n- a: 1\nkind: Pod\n", id="another kind"),
        pytest.param("apiVersion: v1\nitems:\n- a: 1\nkind: List\nkind: List\n", id="a key given twice"),
        pytest.param("apiVersion: v1\nitems:\n- a: 1\nkind: List\nitems: []\n", id="items given twice"),
        pytest.param("apiVersion: 1\nitems:\n- a: 1\nkind: List\n", id="no string"),
        pytest.param("apiVersion: v1\nitems:\n- &a {b: 1}\n- *a\nkind: List\n", id="anchors"),
        pytest.param("apiVersion: v1\nitems:\n- a: &a\n    b: 1\n- c: [*a]\nkind: List\n", id="anchors within"),
        pytest.param("apiVersion: v1\nitems:\n- a: 1\nkind: [\n", id="broken"),
        pytest.param("apiVersion: v1\nitems:\n- a: 'x\ny'\nkind: List\n", id="a string over the margin"),
        pytest.param("apiVersion: v1\nitems:\n- a: 1\u2028- b: 1\nkind: List\n", id="line breaks that only YAML knows"),
        pytest.param('apiVersion: v1\nitems:\n- {"a":&x 1}\n- {"b":*x }\nkind: List\n', id="anchors behind colons"),
    ],
)
def test_other_documents_are_read_whole(text: str) -> None:
    assert cut_list(text) is None


SCALARS = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.text(alphabet="ab -:#\n'\"|>&*{[", max_size=12))
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(alphabet="abc -", min_size=1, max_size=4), inner, max_size=3), max_leaves=10
)


@given(st.lists(TREES, min_size=1, max_size=5), st.sampled_from([20, 80]), st.sampled_from([None, '"', "'", "|", ">"]), st.booleans(), st.booleans())
def test_the_items_equal_those_of_the_whole(items: list[Any], width: int, style: str | None, first: bool, indented: bool) -> None:
    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:
            return True

        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
            super().increase_indent(flow, indentless and not indented)

    around = {"kind": "List"} if first else {}
    text = yaml.dump({"apiVersion": "v1", **around, "items": items, "kind": "List"}, Dumper=Dumper, width=width, default_style=style, sort_keys=False)
    found = cut_list(text)
    if found is None:
        return
    [everything] = whole(text)
    assert [item for _, piece in found[2] for [item] in whole(piece)] == everything["items"]
    assert found[:2] == (everything["apiVersion"], everything["kind"])
    lines = text.split("\n")
    assert all(piece.startswith(lines[line]) for line, piece in found[2])


def test_a_large_list_is_never_held_as_objects(tmp_path: Path) -> None:
    file = tmp_path / "pods.yaml"
    with file.open("w") as stream:
        stream.write("apiVersion: v1\nitems:\n")
        for index in range(3000):
            stream.write("-" + POD.replace("name: a", f"name: a{index}").replace("\n", "\n  ")[:-2].replace("apiVersion", " apiVersion", 1))
        stream.write("kind: List\n")
    pieces: Iterator[Any] = read_pieces(str(file))
    sizes = [len(piece[4]) for piece in pieces]
    assert len(sizes) == 3000
    assert max(sizes) < 200
    assert [one.object["metadata"]["name"] for one in read_file(str(file)) if isinstance(one, Resource)] == [f"a{index}" for index in range(3000)]

"""Rule files and packs: what is read, and what is refused with its file, its line and a suggestion."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from hostprocess.errors import HostprocessError, PolicyError
from hostprocess.model import ParamKind, Range
from hostprocess.rules import built_in_folder, load_pack, rule_files, suite_path
from support import PACK, rule_text, write_pack

ONE = "area/one-container.yaml"
Edit = tuple[str, str]


def test_a_sound_pack(tmp_path: Path) -> None:
    pack = load_pack(write_pack(tmp_path))
    assert (pack.name, pack.version, pack.kubernetes, pack.containerd) == ("mine", "1.2.3", "1.36", "2.0")
    assert [(one.name, one.default, one.params and one.params["kind"]) for one in pack.bundles.values()] == [
        ("base", True, None),
        ("extra", False, None),
        ("limited", False, "ConfigMap"),
    ]
    assert [one.name for one in pack.variables] == ["podTemplate", "podSpec", "containers", "hostNetwork", "named", "maximum"]
    assert pack.lists["ports"].of == "containers"
    (rule,) = pack.rules
    assert (rule.id, rule.severity, rule.bundle, rule.when, rule.enforced_by) == ("one-container", "error", "base", "variables.hostNetwork", ())
    (validation,) = rule.validations
    assert (validation.severity, validation.paths, validation.message) == ("error", ("spec.containers",), "one container only")
    assert suite_path(rule) == str(tmp_path / "area" / "one-container.test.yaml")


def test_what_a_rule_may_say_besides(tmp_path: Path) -> None:
    text = rule_text(
        "one-container",
        ("when:", "kubernetes: {since: 1.30, before: 1.4}\ncontainerd: {before: 1.7}\nparamKind: {apiVersion: a/v1, kind: K}\nwhen:"),
        (
            "    path: spec.containers",
            "    path: [a, b]\n    severity: info\n    each: containers\n    kubernetes: {since: 1.30}\n    messageExpression: \"' x '\"",
        ),
        ("status: stable", "status: retired\nreplaced-by: other"),
    )
    (rule,) = load_pack(write_pack(tmp_path, {ONE: text})).rules
    assert (rule.kubernetes, rule.containerd) == (Range(since="1.30", before="1.4"), Range(before="1.7"))
    assert (rule.param_kind, rule.status, rule.replaced_by) == (ParamKind(api_version="a/v1", kind="K"), "retired", "other")
    (validation,) = rule.validations
    assert (validation.severity, validation.paths, validation.each, validation.kubernetes) == ("info", ("a", "b"), "containers", Range(since="1.30"))
    assert validation.message_expression == "' x '"


@pytest.mark.parametrize(("text", "kept"), [("1.30", "1.30"), ('"1.30"', "1.30"), ("1.3", "1.3"), ("'1.10'", "1.10")])
def test_releases_stay_as_they_are_written(text: str, kept: str, tmp_path: Path) -> None:
    (rule,) = load_pack(write_pack(tmp_path, {ONE: rule_text("one-container", ("when:", f"kubernetes: {{since: {text}}}\nwhen:"))})).rules
    assert rule.kubernetes.since == kept


@pytest.mark.parametrize("word", ["no", "on", "y", "off", "1.0"])
def test_words_of_yaml_1_1_are_strings(word: str, tmp_path: Path) -> None:
    (rule,) = load_pack(write_pack(tmp_path, {ONE: rule_text("one-container", ("title: A title", f"title: {word}"))})).rules
    assert rule.title == word


@pytest.mark.parametrize(
    ("edit", "line", "message"),
    [
        (("title: A title", "titel: A title"), 2, "titel: unknown key; did you mean 'title'?"),
        (("title: A title\n", ""), 1, "the key 'title' is missing"),
        (("symptoms: []", "symptoms: []\nsymptom: []"), 11, "symptom: unknown key; did you mean 'symptoms'?"),
        (("    path: spec.containers", "    pth: spec.containers"), 16, "validations[0].pth: unknown key; did you mean 'path'?"),
        (("safety: manual", "saftey: x, safety: manual"), 17, "remediation.saftey: unknown key; did you mean 'safety'?"),
        (("symptoms: []", "symptoms: []\nzzz: []"), 11, "zzz: unknown key; known are id, title"),
        (("severity: error", "severity: eror"), 3, "severity: 'eror' is not one of error, warning, info; did you mean 'error'?"),
        (("severity: error", "severity: fatal"), 3, "severity: 'fatal' is not one of error, warning, info"),
        (("status: stable", "status: stabel"), 7, "did you mean 'stable'?"),
        (("safety: manual", "safety: manuel"), 17, "did you mean 'manual'?"),
        (("title: A title", "title: [A]"), 2, "title: must be of type string, not list"),
        (("title: A title", "title: true"), 2, "title: must be of type string, not bool"),
        (("title: A title", "title: 5"), 2, "title: must be of type string, not int"),
        (("title: A title", "title:"), 2, "title: must be of type string, not null"),
        (("title: A title", "title: ''"), 2, "title: must not be empty"),
        (("symptoms: []", "symptoms: none"), 10, "symptoms: must be of type array, not str"),
        (("symptoms: []", "symptoms: [a, '']"), 10, "symptoms[1]: must not be empty"),
        (("references: [https://example.com/]", "references: [example.com]"), 11, "references[0]: 'example.com' is not of the form ^https://"),
        (('since: "0.1.0"', "since: 0.1"), 8, "since: '0.1' is not of the form"),
        (("when:", "kubernetes: {since: 1.30.1}\nwhen:"), 12, "kubernetes.since: '1.30.1' is not of the form"),
        (("when:", "kubernetes: {sinse: 1.30}\nwhen:"), 12, "kubernetes.sinse: unknown key; did you mean 'since'?"),
        (("id: one-container", "id: One_Container"), 1, "id: 'One_Container' is not of the form"),
        (("id: one-container", "id: other"), 1, "id: must be the name of the file, 'one-container'"),
        (("id: one-container", "id: one-container\nid: one-container"), 2, "the key 'id' is given twice"),
        (("status: stable", "status: retired"), 7, "`retired` and `replaced-by` go together"),
        (("status: stable", "status: stable\nreplaced-by: x"), 7, "`retired` and `replaced-by` go together"),
        (("bundle: base", "bundle: basis"), 4, "bundle: there is no bundle 'basis' in pack.yaml; did you mean 'base'?"),
        (("    path: spec.containers", "    each: container"), 16, "validations[0].each: there is no list 'container' in pack.yaml; did you mean"),
        (("    message: one container only\n", ""), 14, "validations[0]: the key 'message' is missing"),
        (("validations:\n  - expression", "validations: []\nothers:\n  - expression"), 13, "validations: must not be empty"),
        (("validations:", "validations: []\nsymptoms:"), 14, "the key 'symptoms' is given twice"),
        (("rationale: Because.", "rationale: [Because"), 9, "not valid YAML"),
    ],
)  # fmt: skip
def test_rules_that_are_refused(edit: Edit, line: int, message: str, tmp_path: Path) -> None:
    folder = write_pack(tmp_path, {ONE: rule_text("one-container", edit)})
    with pytest.raises(PolicyError) as caught:
        load_pack(folder)
    assert message in caught.value.message
    assert caught.value.path == str(tmp_path / ONE)
    assert abs(caught.value.line - line) <= (message == "not valid YAML") * 2
    assert caught.value.column > 0


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (("name: mine", "nam: mine"), r":1:1: nam: unknown key; did you mean 'name'\?"),
        (("name: mine", "name: mine\nnotes: x"), r":2:1: notes: unknown key; known are name"),
        (("bundles:", "bundle: {}\nbundles:"), r":8:1: bundle: unknown key; did you mean 'bundles'\?"),
        (('kubernetes: "1.36"', 'kubernetes: "1.36.1"'), r":3:11: targets.kubernetes: '1.36.1' is not of the form"),
        (("default: true", "default: 'true'"), r":9:27: bundles.base.default: must be of type boolean, not str"),
        (("{name: podTemplate,", "{name: pod-template,"), r"variables\[0\].name: 'pod-template' is not of the form"),
        (("{name: named,", "{name: podSpec,"), r":17:\d+: variables\[4\]: there are two variables 'podSpec'"),
        (("{name: podTemplate,", "{name: template,"), r": variables: needs one named podTemplate"),
        (("ports: {of: containers,", "ports: {of: container,"), r":22:\d+: lists.ports.of: there is no list 'container' in pack.yaml; did you mean"),
        (("ports: {of: containers, field", "ports: {field"), r":22:\d+: lists.ports: needs paths, or of with where or field"),
        (("ports: {of: containers, field: ports}", "ports: {of: containers}"), r":22:\d+: lists.ports: needs paths, or of with where or field"),
        (("  named: {of:", "  others: {of:"), r": lists.others: there is no variable 'others'"),
        (("scopes:\n  hostNetwork:", "scopes:\n  hostNet:"), r": scopes.hostNet: there is no variable 'hostNet'"),
        (("name: mine", "name: [mine"), r": not valid YAML"),
        (("name: mine", "---\nname: mine\n---\nname: other"), r": expected one YAML document, found 2"),
    ],
)  # fmt: skip
def test_packs_that_are_refused(edit: Edit, message: str, tmp_path: Path) -> None:
    with pytest.raises(HostprocessError) as caught:
        load_pack(write_pack(tmp_path, {}, edit))
    assert re.search(re.escape(str(tmp_path / "pack.yaml")) + ".*" + message, str(caught.value)), str(caught.value)


def test_an_id_is_never_used_twice(tmp_path: Path) -> None:
    folder = write_pack(tmp_path, {ONE: rule_text("one-container"), "other/one-container.yaml": rule_text("one-container")})
    with pytest.raises(PolicyError) as caught:
        load_pack(folder)
    assert caught.value.path == str(tmp_path / "other" / "one-container.yaml")
    assert caught.value.message == f"the rule 'one-container' is also in {tmp_path / ONE}; an id is never used twice"


def test_a_folder_that_is_no_pack(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"no pack\.yaml in this folder"):
        load_pack(str(tmp_path))


@pytest.mark.parametrize("name", ["pack.yaml", ONE])
def test_files_that_are_no_text(name: str, tmp_path: Path) -> None:
    folder = write_pack(tmp_path)
    (tmp_path / name).write_bytes(b"\xff\xfe\xfd")
    with pytest.raises(PolicyError, match="is not UTF-8 text"):
        load_pack(folder)


def test_which_files_are_rules(tmp_path: Path) -> None:
    folder = write_pack(tmp_path, dict.fromkeys(("b/x.yaml", "a.yaml", "a.test.yaml", "b/pack.yaml", ".hidden/y.yaml", "c.yml", "notes.md"), ""))
    assert list(rule_files(folder)) == [str(tmp_path / name) for name in ("a.yaml", "b/pack.yaml", "b/x.yaml")]


def test_the_built_in_pack_loads() -> None:
    pack = load_pack(built_in_folder())
    assert pack.name == "hostprocess"
    assert len(pack.rules) > 10
    assert {rule.bundle for rule in pack.rules} <= set(pack.bundles)


def test_the_pack_of_these_tests_is_as_long_as_its_lines_say() -> None:
    """The lines that the table above names are those of this text."""
    lines = PACK.splitlines()
    assert lines[8].lstrip().startswith("base:")
    assert lines[16].lstrip().startswith("- {name: named")
    assert lines[21].lstrip().startswith("ports:")

"""`hostprocess lint` of files with policies."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import hostprocess
from hostprocess.cli import cli

SOUND = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: replicas}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments]}]
  validations:
    - expression: object.spec.replicas < 9
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: replicas}
spec: {policyName: replicas, validationActions: [Deny]}
"""


def lint(folder: Path, text: str, *options: str) -> Result:
    (folder / "policy.yaml").write_text(text)
    return CliRunner().invoke(cli, ["lint", *options, str(folder / "policy.yaml")], standalone_mode=False)


@pytest.mark.parametrize(
    ("edit", "status", "words"),
    [
        (("", ""), 0, "0 errors, 0 warnings, 0 notes"),
        (("replicas < 9", "replica < 9"), 1, "policy.yaml:8:30: warning undefined-field"),
        (("< 9", "< '9'"), 1, "found no matching overload for '_<_' applied to '(int, string)', for apps/v1 Deployment"),
        (("object.spec", "objekt.spec"), 1, "     | objekt.spec.replicas < 9\n     | ^\n    refused by Kubernetes 1.30 and newer\n"),
        (("spec.replicas < 9", "metadata.name.format([]) != ''"), 0, "0 errors, 0 warnings, 0 notes"),
        (("[Deny]", "[]"), 1, "spec.validationActions: Required value"),
    ],
)
def test_findings_are_told(tmp_path: Path, edit: tuple[str, str], status: int, words: str) -> None:
    result = lint(tmp_path, SOUND.replace(*edit))
    assert (result.return_value, words in result.output) == (status, True), result.output


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        ((SOUND, "a: [\n"), "policy.yaml:2:1: not valid YAML"),
        (("kind: ValidatingAdmissionPolicy\n", "kind: ValidatingAdmisionPolicy\n"), "2:1: ValidatingAdmisionPolicy replicas: no matches for kind"),
        (("apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingAdmissionPolicy\n", "kind: ValidatingAdmissionPolicy\n"), "a kind, but no apiVersion"),
    ],
)
def test_what_cannot_be_read_counts(tmp_path: Path, edit: tuple[str, str], words: str) -> None:
    result = lint(tmp_path, SOUND.replace(*edit))
    assert result.return_value == 2
    assert words in result.output
    assert result.output.splitlines()[-1].endswith("; 1 error in the input")


def test_notes_do_not_fail(tmp_path: Path) -> None:
    text = SOUND.replace("object.spec.replicas < 9", "object.kind != '' && [1].all(i, v, v < 9)")
    result = lint(tmp_path, text)
    assert result.return_value == 0
    assert "note expression" in result.output
    assert "refused by Kubernetes 1.30 to 1.32" in result.output
    assert lint(tmp_path, text, "--kubernetes", "1.31").return_value == 1


def test_findings_as_json(tmp_path: Path) -> None:
    result = lint(tmp_path, SOUND.replace("replicas < 9", "replica < 9"), "--format", "json")
    value = json.loads(result.output)
    assert [(one["check"], one["line"], one["hint"]) for one in value["findings"]] == [("undefined-field", 8, "did you mean 'replicas'?")]


def test_status_of_the_cluster_is_told_if_wanted(tmp_path: Path) -> None:
    text = SOUND.replace("object.spec.replicas < 9", "object.spec != {}")
    assert "type-checking" not in lint(tmp_path, text).output
    result = lint(tmp_path, text, "--type-checking")
    assert "note type-checking: ValidatingAdmissionPolicy/replicas: spec.validations[0].expression: apps/v1, Kind=Deployment: ERROR" in result.output
    assert result.return_value == 0


@pytest.mark.parametrize("text", ["kind: [", "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c}]}\n"])
def test_what_holds_no_policy_is_an_error(tmp_path: Path, text: str) -> None:
    assert lint(tmp_path, text).return_value == 2


OTHERS = [
    ("kyverno.io/v1", "ClusterPolicy", "for the engine of Kyverno"),
    ("policies.kyverno.io/v1alpha1", "ValidatingPolicy", "for the engine of Kyverno"),
    ("templates.gatekeeper.sh/v1", "ConstraintTemplate", "for the engine of Gatekeeper"),
    ("constraints.gatekeeper.sh/v1beta1", "K8sRequiredLabels", "for the engine of Gatekeeper"),
    ("policies.kubewarden.io/v1", "AdmissionPolicy", "for the engine of Kubewarden"),
    ("admissionregistration.k8s.io/v1", "MutatingAdmissionPolicy", "for another plug-in of the API server"),
    ("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", "for another plug-in of the API server"),
]


@pytest.mark.parametrize(("version", "kind", "words"), OTHERS)
def test_policies_of_other_engines_are_told(tmp_path: Path, version: str, kind: str, words: str) -> None:
    text = f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: a}}\nspec: {{}}\n"
    message = f"not used: a {kind} is {words}; what is evaluated here is a ValidatingAdmissionPolicy of admissionregistration.k8s.io/v1"
    result = lint(tmp_path, text)
    assert result.return_value == 2
    assert result.output.splitlines()[0] == f"error: {tmp_path}/policy.yaml:1:1: {message}"
    with pytest.raises(hostprocess.PolicyError) as caught:
        hostprocess.load_policies([str(tmp_path / "policy.yaml")])
    assert (caught.value.line, caught.value.message, caught.value.others) == (1, message, ())
    result = lint(tmp_path, f"{SOUND}---\n{text}")
    assert (result.return_value, result.output.splitlines()[0]) == (0, f"note: {tmp_path}/policy.yaml:15:1: {message}")
    loaded = hostprocess.load_policies([str(tmp_path / "policy.yaml")])
    assert [(one.line, one.message, one.note) for one in loaded.problems] == [(15, message, True)]


def test_custom_resources_of_the_inventory_are_known(tmp_path: Path) -> None:
    crd = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": {"kind": "Widget", "plural": "widgets"},
            "versions": [{"name": "v1", "served": True, "schema": {"openAPIV3Schema": {"type": "object", "properties": {"size": {"type": "integer"}}}}}],
        },
    }
    (tmp_path / "crd.json").write_text(json.dumps(crd))
    text = SOUND.replace("apiGroups: [apps]", "apiGroups: [example.com]").replace("deployments", "widgets").replace("object.spec.replicas", "object.sise")
    assert lint(tmp_path, text).return_value == 0
    result = lint(tmp_path, text, "--inventory", str(tmp_path / "crd.json"))
    assert "undefined field 'sise' in example.com/v1 Widget" in result.output

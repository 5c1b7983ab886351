"""Kinds that no API server has: an object of one must not pass unseen."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

import hostprocess
from hostprocess.kubernetes.served import not_served


@pytest.mark.parametrize(
    ("api_version", "kind", "kubernetes", "message"),
    [
        ("apps/v1", "Deployment", "1.37", ""),
        ("apps/v1", "Deploymnt", "1.37", 'no matches for kind "Deploymnt" in version "apps/v1"; did you mean \'Deployment\'?'),
        ("v1", "pod", "1.37", 'no matches for kind "pod" in version "v1"; did you mean \'Pod\'?'),
        ("v1", "DaemonSet", "1.37", 'no matches for kind "DaemonSet" in version "v1"; Kubernetes 1.37 has it in apps/v1'),
        ("apps/v1beta2", "DaemonSet", "1.30", 'no matches for kind "DaemonSet" in version "apps/v1beta2"; Kubernetes 1.30 has it in apps/v1'),
        ("extensions/v1beta1", "DaemonSet", "1.37", 'no matches for kind "DaemonSet" in version "extensions/v1beta1"; Kubernetes 1.37 has it in apps/v1'),
        ("v1", "Event", "1.37", ""),
        # Not in a group of Kubernetes, or like none of its kinds.
        ("serving.knative.dev/v1", "Service", "1.37", ""),
        ("example.com/v1", "Deployment", "1.37", ""),
        ("v1", "Status", "1.37", ""),
        ("v1", "PodList", "1.37", ""),
    ],
)
def test_not_served(api_version: str, kind: str, kubernetes: str, message: str) -> None:
    assert not_served(api_version, kind, kubernetes) == message


@pytest.mark.parametrize(("raw", "errors"), [(False, 1), (True, 0)])
def test_an_object_of_such_a_kind_is_an_error(tmp_path: Path, raw: bool, errors: int) -> None:
    manifest = tmp_path / "manifest.yaml"
    manifest.write_text(yaml.safe_dump({"apiVersion": "apps/v1beta1", "kind": "DaemonSet", "metadata": {"name": "a"}, "spec": {}}))
    report = hostprocess.check_files([str(manifest)], hostprocess.load_policies(), raw=raw)
    assert [(one.line, one.message) for one in report.problems] == [
        (1, 'DaemonSet a: no matches for kind "DaemonSet" in version "apps/v1beta1"; Kubernetes 1.37 has it in apps/v1'),
    ][:errors]


def test_a_custom_resource_definition_may_add_kinds(tmp_path: Path) -> None:
    names = {"kind": "Podd", "plural": "podds"}
    spec = {"group": "apps", "names": names, "scope": "Namespaced", "versions": [{"name": "v1", "served": True}]}
    definition = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "podds.apps"}, "spec": spec}
    inventory, manifest = tmp_path / "inventory.yaml", tmp_path / "manifest.yaml"
    inventory.write_text(yaml.safe_dump(definition))
    manifest.write_text(yaml.safe_dump({"apiVersion": "apps/v1", "kind": "Podd", "metadata": {"name": "a"}}))
    report = hostprocess.check_files([str(manifest)], hostprocess.load_policies(), inventory=[str(inventory)])
    assert report.problems == ()

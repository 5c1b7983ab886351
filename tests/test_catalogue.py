"""The typed catalogue: what it knows of kinds and fields, and that it is what the Go types say."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from hostprocess.kubernetes import catalogue
from hostprocess.kubernetes.catalogue import Field, fields_of, kind_of, kinds
from hostprocess.kubernetes.kinds import POD_TEMPLATES
from support import REPOSITORY

FILE = Path(catalogue.__file__).parent / "catalogue.json"


def field(struct: str, name: str, kubernetes: str = "1.37") -> Field | None:
    return next((one for one in fields_of(struct, kubernetes) if one.name == name), None)


def test_a_kind() -> None:
    pod = kind_of("v1", "Pod", "1.37")
    assert pod is not None
    assert (pod.group, pod.version, pod.resource, pod.namespaced, pod.type) == ("", "v1", "pods", True, "core/v1.Pod")
    assert {"ephemeralcontainers", "status", "resize", "exec"} <= set(pod.subresources)
    role = kind_of("rbac.authorization.k8s.io/v1", "ClusterRole", "1.37")
    assert role is not None
    assert (role.group, role.resource, role.namespaced, role.subresources) == ("rbac.authorization.k8s.io", "clusterroles", False, ())


@pytest.mark.parametrize(
    ("api_version", "kind", "release", "served"),
    [
        ("flowcontrol.apiserver.k8s.io/v1beta3", "FlowSchema", "1.30", True),
        ("flowcontrol.apiserver.k8s.io/v1beta3", "FlowSchema", "1.37", False),
        ("resource.k8s.io/v1", "DeviceClass", "1.30", False),
        ("resource.k8s.io/v1", "DeviceClass", "v1.34.2", True),
        ("v1", "Pod", "1.26", True),
        ("apps/v1beta1", "Deployment", "1.37", False),
        ("policy/v1", "Eviction", "1.37", True),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition", "1.37", True),
        ("example.com/v1", "Pod", "1.37", False),
    ],
)
def test_which_release_serves_a_kind(api_version: str, kind: str, release: str, served: bool) -> None:
    assert (kind_of(api_version, kind, release) is not None) is served


@pytest.mark.parametrize(
    ("struct", "name", "expected"),
    [
        ("core/v1.PodSpec", "containers", Field("containers", "[@core/v1.Container", False, False)),
        ("core/v1.PodSpec", "hostNetwork", Field("hostNetwork", "b", True, False)),
        ("core/v1.PodSpec", "overhead", Field("overhead", "{q", True, False)),
        ("core/v1.Volume", "hostPath", Field("hostPath", "*@core/v1.HostPathVolumeSource", True, False)),
        ("apps/v1.Deployment", "metadata", Field("metadata", "@meta/v1.ObjectMeta", True, False)),
        ("core/v1.ServicePort", "targetPort", Field("targetPort", "o", True, False)),
        ("core/v1.Secret", "data", Field("data", "{y", True, False)),
        ("meta/v1.ObjectMeta", "creationTimestamp", Field("creationTimestamp", "t", True, True)),
        ("core/v1.WindowsSecurityContextOptions", "hostProcess", Field("hostProcess", "*b", True, False)),
    ],
)
def test_a_field(struct: str, name: str, expected: Field) -> None:
    assert field(struct, name) == expected


def test_fields_of_releases() -> None:
    assert field("core/v1.PodSpec", "hostnameOverride", "1.30") is None
    assert field("core/v1.PodSpec", "hostnameOverride", "1.34") is not None
    assert field("meta/v1.ObjectMeta", "creationTimestamp", "1.30") == Field("creationTimestamp", "t", True, False)


def test_all_that_is_named_is_there() -> None:
    for release in ("1.30", "1.34", "1.37"):
        found = kinds(release)
        assert set(POD_TEMPLATES) <= set(found)
        structs = {kind.type for kind in found.values() if kind.type}
        seen: set[str] = set()
        while structs:
            struct = structs.pop()
            seen.add(struct)
            fields = fields_of(struct, release)
            assert len({one.name for one in fields}) == len(fields)
            structs |= {one.type.partition("@")[2] for one in fields if "@" in one.type} - seen
        assert len(seen) > 500


def test_it_is_small() -> None:
    assert FILE.stat().st_size < 300_000


@pytest.mark.skipif(os.environ.get("HOSTPROCESS_ORACLE") != "1", reason="takes a minute and the Go module proxy: set HOSTPROCESS_ORACLE=1")
@pytest.mark.skipif(shutil.which("go") is None, reason="Go is not installed")
def test_go_writes_the_same_bytes(tmp_path: Path) -> None:
    subprocess.run([REPOSITORY / "tools/catalogue/generate.sh", tmp_path / "catalogue.json"], check=True)
    assert (tmp_path / "catalogue.json").read_bytes() == FILE.read_bytes()

"""Exports on the cluster: made with options as `hostprocess export` takes them, applied as it writes them, and read back by the engine."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from kube_client import Json
from kube_cluster import Cluster

import hostprocess
from hostprocess.export.layout import stream_of
from hostprocess.export.yaml_text import documents

__all__ = ["ALL_BUNDLES", "POLICY_KINDS", "as_written", "exported", "policy_set", "read_bundle", "replaced"]

POLICY_KINDS = ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding")
ALL_BUNDLES = tuple(hostprocess.load_rules().bundles)


def exported(minor: str, pack: str = "", **options: Any) -> hostprocess.Export:
    """An export of all bundles for one release; `options` are those of ExportOptions, `pack` another rule pack."""
    chosen = {"bundles": ALL_BUNDLES, **options}
    return hostprocess.export_policies(hostprocess.ExportOptions(releases=hostprocess.parse_releases(minor), **chosen), pack)


def as_written(export: hostprocess.Export, name: str) -> list[Json]:
    """The objects of the set `name` in order, read from the stream that `hostprocess export` writes."""
    return list(yaml.safe_load_all(stream_of(export, name, "0", "export")))


def read_bundle(folder: Path, overlay: str) -> list[Json]:
    """The objects of an overlay of an export in a folder, in the order in which kustomize takes its resources."""

    def read(place: Path) -> Iterator[Json]:
        kustomization = yaml.safe_load((place / "kustomization.yaml").read_text("utf-8"))
        assert set(kustomization) == {"apiVersion", "kind", "resources"}
        for name in kustomization["resources"]:
            path = place / name
            yield from read(path.resolve()) if path.is_dir() else (one for one in yaml.safe_load_all(path.read_text("utf-8")) if one)

    return list(read(folder / "overlays" / overlay))


def policy_set(objects: Iterable[Mapping[str, Any]], minor: str) -> hostprocess.PolicySet:
    """Policies and bindings among the objects, as the engine reads them from a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "policies.yaml")
        path.write_text(documents([one for one in objects if one["kind"] in POLICY_KINDS], "for the engine"), "utf-8")
        return hostprocess.load_policies([str(path)], kubernetes=minor)


def replaced(cluster: Cluster, old: Iterable[Json], new: Iterable[Json]) -> None:
    """Applies objects in order in the place of others, of which policies, bindings and ConfigMaps go, and waits until that is enforced."""
    listed = list(new)
    cluster.apply_all(listed)
    kept = {_key(one) for one in listed}
    _delete(cluster, reversed([one for one in old if _key(one) not in kept]))
    cluster.wait_until_enforced()


def _key(one: Json) -> tuple[str, str, str]:
    return one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"]


def _delete(cluster: Cluster, objects: Iterable[Json]) -> None:
    for one in objects:
        if one["kind"] in (*POLICY_KINDS, "ConfigMap"):
            cluster.delete(one["apiVersion"], one["kind"], one["metadata"]["name"], namespace=one["metadata"].get("namespace", ""))

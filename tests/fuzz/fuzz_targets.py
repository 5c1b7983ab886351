"""What is fuzzed: each target takes one input, in a folder of its own, and may raise nothing but what is documented."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import hostprocess
from hostprocess.baseline.file import read_baseline
from hostprocess.cel.runtime import CelError, CompileError
from hostprocess.cel.tree import TreeRuntime
from hostprocess.configuration.load import checked_configuration
from hostprocess.configuration.read import read_source
from hostprocess.errors import HostprocessError
from hostprocess.kubernetes.reader import read_piece, read_pieces

__all__ = ["TARGETS", "Target"]

Target = Callable[[bytes, Path], None]

POLICY = b"""\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: few.example.com}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments]}]
  validations: [{expression: object.spec.replicas < 5, message: too many}]
"""
MANIFESTS = b"""\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {replicas: 9}
---
apiVersion: v1
kind: Namespace
metadata: {name: shop}
"""
INPUTS = frozenset({"object", "oldObject", "request", "params", "namespaceObject"})
_tree = TreeRuntime()
_policies: dict[str, hostprocess.PolicySet] = {}


def reader(data: bytes, folder: Path) -> None:
    """Manifests: cut into documents, decoded, checked; then the whole check with the built-in rules."""
    file = folder / "manifest.yaml"
    file.write_bytes(data)
    for piece in read_pieces(str(file)):
        if isinstance(piece, tuple):
            for _ in read_piece(*piece):
                pass
    if "" not in _policies:
        _policies[""] = hostprocess.load_policies()
    hostprocess.check_files([str(file)], _policies[""])


def policies(data: bytes, folder: Path) -> None:
    """Policies and bindings: the parser, lint, and an evaluation."""
    file = folder / "policy.yaml"
    file.write_bytes(data)
    hostprocess.lint_policies([str(file)], type_checking=True)
    found = hostprocess.load_policies([str(file)], assume_binding="deny")
    (folder / "manifests.yaml").write_bytes(MANIFESTS)
    hostprocess.check_files([str(folder / "manifests.yaml")], found, raw=True, expression_timeout=1)


def expressions(data: bytes, folder: Path) -> None:
    """The compiler of expressions, and one evaluation; errors of evaluation are values."""
    text = data.decode("utf-8", "replace")
    try:
        program = _tree.compile(text, {"containers": "object.spec.containers"}, INPUTS)
    except CompileError:
        return
    value = {"metadata": {"name": "a"}, "spec": {"containers": [{"name": "c", "image": "i:1"}], "replicas": 3}}
    found = program.evaluate(_tree.activation({"object": value, "oldObject": None, "request": {"operation": "CREATE"}}))
    assert not isinstance(found, BaseException) or isinstance(found, CelError)


def suites(data: bytes, folder: Path) -> None:
    """Suites of our own."""
    _run(data, folder, "fuzzed.test.yaml")


def kyverno(data: bytes, folder: Path) -> None:
    """Suites of `kyverno test`: run, and converted."""
    _convert(data, folder, "kyverno-test.yaml")


def kaptest(data: bytes, folder: Path) -> None:
    """Suites of kaptest: run, and converted."""
    _convert(data, folder, "kaptest.yaml")


def gator(data: bytes, folder: Path) -> None:
    """Suites of `gator verify`: run, and converted."""
    _convert(data, folder, "suite.yaml")


def settings(data: bytes, folder: Path) -> None:
    """Configuration, exceptions and baselines."""
    for name in (".hostprocess.yaml", "pyproject.toml"):
        (folder / name).write_bytes(data)
        _refusing(lambda name=name: checked_configuration(read_source(str(folder / name))))  # type: ignore[misc]
    (folder / "baseline").write_bytes(data)
    _refusing(lambda: read_baseline(str(folder / "baseline")))
    (folder / "exceptions.yaml").write_bytes(data)
    (folder / "manifests.yaml").write_bytes(MANIFESTS)
    if "one" not in _policies:
        _policies["one"] = hostprocess.load_policies(select=["requires-host-network"])
    hostprocess.check_files([str(folder / "manifests.yaml")], _policies["one"], raw=True, exceptions=str(folder / "exceptions.yaml"))


def _refusing(read: Callable[[], object]) -> None:
    try:
        read()
    except HostprocessError:
        return


def _run(data: bytes, folder: Path, name: str) -> Path:
    (folder / "policy.yaml").write_bytes(POLICY)
    (folder / "manifests.yaml").write_bytes(MANIFESTS)
    (folder / name).write_bytes(data)
    hostprocess.run_suites([str(folder / name)])
    return folder / name


def _convert(data: bytes, folder: Path, name: str) -> None:
    _refusing(lambda: _run(data, folder, name))
    hostprocess.convert_suites([str(folder / name)], output=str(folder / "converted"))


TARGETS: Mapping[str, Target] = {
    "reader": reader,
    "policies": policies,
    "expressions": expressions,
    "suites": suites,
    "kyverno": kyverno,
    "kaptest": kaptest,
    "gator": gator,
    "settings": settings,
}

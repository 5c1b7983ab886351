"""What the tests of importers share: files of a suite of another tool, a run of it, and the way to our own format and back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from hostprocess import api
from hostprocess.errors import HostprocessError
from hostprocess.suite.session import SuiteReport

__all__ = ["OX", "OXEN", "VAP", "binding", "check_round_trip", "deployment", "outcomes", "pod", "problems", "run", "vap", "write"]

VAP = "admissionregistration.k8s.io/v1"


def vap(name: str, *validations: str, resource: str = "apps/deployments", operations: tuple[str, ...] = ("CREATE", "UPDATE"), **spec: Any) -> dict[str, Any]:
    """A ValidatingAdmissionPolicy about one resource."""
    group, _, plural = resource.rpartition("/")
    rule = {"apiGroups": [group], "apiVersions": ["v1"], "operations": list(operations), "resources": [plural]}
    body = {"matchConstraints": {"resourceRules": [rule]}, "validations": [{"expression": one} for one in validations], **spec}
    return {"apiVersion": VAP, "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name}, "spec": body}


def binding(policy: str, *actions: str, **spec: Any) -> dict[str, Any]:
    """Its binding."""
    body = {"policyName": policy, "validationActions": list(actions or ("Deny",)), **spec}
    return {"apiVersion": VAP, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": f"{policy}-binding"}, "spec": body}


def deployment(name: str, replicas: int = 1, **metadata: Any) -> dict[str, Any]:
    """A Deployment that no API server would take: these tools do."""
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, **metadata}, "spec": {"replicas": replicas}}


def pod(name: str, privileged: bool = False, **metadata: Any) -> dict[str, Any]:
    """A Pod."""
    container = {"name": "a", "image": "example.com/a:1", "securityContext": {"privileged": privileged}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, **metadata}, "spec": {"containers": [container]}}


def write(folder: Path, **files: Any) -> None:
    """Files by their names, `__` for a slash: text as it is, a list as the documents of a YAML file, anything else as one."""
    for name, value in files.items():
        path = folder / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = value if isinstance(value, str) else yaml.safe_dump_all(value if isinstance(value, list) else [value], sort_keys=False, width=1000)
        path.write_text(text)


def run(path: Path) -> SuiteReport:
    """A run of the suite."""
    return api.run_suites([str(path)])


def outcomes(path: Path) -> dict[str, str]:
    """The outcome of each case by its name. Nothing may be wrong with the suite."""
    report = run(path)
    assert not report.errors, report.errors
    return {one.name: one.outcome for one in report.results}


def problems(path: Path) -> list[str]:
    """What is wrong with the suite, as it is told, without the folder."""
    return [str(one).replace(f"{path.parent}/", "") for one in run(path).errors]


def check_round_trip(path: Path, output: Path) -> None:
    """Converts the suite, and compares what comes of the new ones with what comes of it: what is vacuous there fails here."""
    before = {one.name: one.outcome for one in run(path).results}
    found = api.convert_suites([str(path)], output=str(output))
    assert not found.errors, found.errors
    api.write_converted(found)
    after = {}
    for one in _suites(output):
        report = api.run_suites([str(one)])
        # A suite of ours needs a case that passes and one that fails: that is told, and is no fault of the conversion.
        if report.errors:
            assert any(str(one) in note for note in found.notes), report.errors
            after |= {case.name: "passed" if _passes(one, case.name) else "failed" for case in api.suite_workbench().loader.load(str(one)).cases}
        else:
            after |= {case.name: case.outcome for case in report.results}
    assert after == {name: "passed" if outcome == "passed" else "failed" for name, outcome in before.items()}


def _passes(path: Path, name: str) -> bool:
    bench = api.suite_workbench()
    suite = bench.loader.load(str(path))
    case = next(one for one in suite.cases if one.name == name)
    return bench.runner.run(suite.subject, case) is None


def _suites(folder: Path) -> Iterator[Path]:
    yield from sorted(folder.rglob("*.test.yaml"))


def refused(path: Path) -> HostprocessError:
    """The one thing that is wrong with a suite of which nothing is left."""
    report = run(path)
    assert not report.results
    (error,) = report.errors
    return error


OX = {"apiVersion": "example.com/v1", "kind": "Ox", "metadata": {"name": "heavy"}, "spec": {"kilos": 900}}
OXEN: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "oxen.example.com"},
    "spec": {
        "group": "example.com",
        "names": {"kind": "Ox", "plural": "oxen", "singular": "ox"},
        "scope": "Cluster",
        "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}],
    },
}
"""A resource of which nobody guesses the plural."""

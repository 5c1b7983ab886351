"""Policy reports (wgpolicyk8s.io/v1alpha2), for dashboards that read them: an object for each namespace, as JSON, which kubectl apply takes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, TextIO

from hostprocess.model import InputProblem, Outcome, Report, Result
from hostprocess.report.findings import Finding, Fingerprints, clipped, errors, findings, json_text, versions
from hostprocess.report.text import printable

__all__ = ["write"]

_API_VERSION = "wgpolicyk8s.io/v1alpha2"
_NAMESPACE = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\Z")
_RESULTS = {
    Outcome.DENY: "fail",
    Outcome.WARN: "warn",
    Outcome.AUDIT: "warn",
    Outcome.ERROR: "error",
    Outcome.UNKNOWN: "error",
    Outcome.ALLOW: "pass",
    Outcome.SKIP: "skip",
    Outcome.EXCEPTED: "skip",
}
_SEVERITIES = {"error": "high", "warning": "medium", "note": "low"}
_MAX_OBJECT = 500_000  # characters; etcd takes 1.5 MiB, and a status or managed fields come on top
_PASSED = (Outcome.ALLOW, Outcome.SKIP)
_Written = tuple[str, str]  # pass, fail …, and the whole as JSON


def write(report: Report, stream: TextIO, *, color: bool = False, quiet: bool = False) -> None:
    """Writes a List; `color` and `quiet` mean nothing here. What names no valid namespace is in ClusterPolicyReports, as is what could not be read."""
    annotations = {f"hostprocess/{name}-version".replace("hostprocess/hostprocess-", "hostprocess/"): value for name, value in versions(report).items()}
    by_namespace: dict[str, list[_Written]] = {}
    for namespace, result in _results(report):
        by_namespace.setdefault(namespace if _NAMESPACE.match(namespace) else "", []).append((result["result"], json_text(result)))
    stream.write('{"apiVersion": "v1", "kind": "List", "items": [')
    separator = "\n"
    for namespace, results in sorted(by_namespace.items()) or [("", [])]:
        for number, part in enumerate(_parts(results)):
            stream.write(separator + _object(namespace, number, part, annotations))
            separator = ",\n"
    stream.write("\n]}\n")


def _results(report: Report) -> Iterator[tuple[str, dict[str, Any]]]:
    for problem in errors(report):
        yield "", _unread(problem)
    name = Fingerprints()
    for finding in findings(report):
        yield finding.result.namespace, _finding(finding, name(finding))
    for result in report.results:
        if result.decision.outcome in _PASSED:
            yield result.namespace, _result(result)


def _unread(problem: InputProblem) -> dict[str, Any]:
    place = {"path": problem.path, "line": str(problem.line or ""), "column": str(problem.column or "")}
    properties = {name: printable(value) for name, value in place.items() if value}
    return {"policy": "input", "source": "hostprocess", "result": "error", "severity": "high", "message": clipped(problem.message), "properties": properties}


def _finding(finding: Finding, fingerprint: str) -> dict[str, Any]:
    found = _result(finding.result)
    told = f"excepted by {finding.excepted}: {finding.message}" if finding.excepted else finding.message
    properties = {**found["properties"], "fingerprint": fingerprint, **({"fields": ", ".join(finding.fields)} if finding.fields else {})}
    return {
        **found,
        "message": told,
        "severity": _SEVERITIES[finding.level],
        **({"category": finding.about.group} if finding.about.rule else {}),
        "properties": {name: clipped(value) for name, value in properties.items()},
    }


def _result(result: Result) -> dict[str, Any]:
    decision = result.decision
    resource = {"apiVersion": result.api_version, "kind": result.kind, "namespace": result.namespace, "name": result.name}
    place = {
        "path": result.path,
        "line": str(result.line or ""),
        "column": str(result.column or ""),
        "binding": decision.binding,
        "operation": result.operation,
    }
    return {
        "policy": printable(decision.policy),
        "rule": printable(decision.rule),
        "source": "hostprocess",
        "result": _RESULTS[decision.outcome],
        "message": clipped(decision.message),
        "resources": [{name: clipped(value) for name, value in resource.items() if value}],
        "properties": {name: clipped(value) for name, value in place.items()},
    }


def _parts(results: list[_Written]) -> Iterator[list[_Written]]:
    part: list[_Written] = []
    size = 0
    for one in results:
        if part and size + len(one[1]) > _MAX_OBJECT:
            yield part
            part, size = [], 0
        part.append(one)
        size += len(one[1])
    yield part


def _object(namespace: str, number: int, results: list[_Written], annotations: dict[str, str]) -> str:
    counts = Counter(result for result, _ in results)
    head = {
        "apiVersion": _API_VERSION,
        "kind": "PolicyReport" if namespace else "ClusterPolicyReport",
        "metadata": {
            "name": f"hostprocess-{number + 1}" if number else "hostprocess",
            **({"namespace": namespace} if namespace else {}),
            "labels": {"app.kubernetes.io/managed-by": "hostprocess"},
            "annotations": annotations,
        },
        "summary": {name: counts[name] for name in ("pass", "fail", "warn", "error", "skip")},
    }
    listed = "".join(f"\n  {text}," for _, text in results).removesuffix(",")
    return f'{json_text(head)[:-1]}, "results": [{listed}]}}'

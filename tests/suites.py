"""What the tests of suites share: a policy of one's own, and a short way to write suites about it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from click.testing import CliRunner, Result

from hostprocess.cli import cli
from hostprocess.errors import HostprocessError, PolicyError
from hostprocess.suite.load import Loader
from hostprocess.suite.model import Failure, Suite
from hostprocess.suite.run import Runner
from support import ALL_RUNTIMES

__all__ = ["ALLOWS", "DENIES", "DEPLOYMENT", "POLICY", "command", "failures", "load", "refusal", "write_suite"]

POLICY = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: replicas}
spec:
  failurePolicy: Fail
  matchConstraints:
    namespaceSelector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: NotIn, values: [kube-system]}]}
    resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE, DELETE], resources: [deployments]}]
  matchConditions:
    - {name: not-exempt, expression: "object == null || !has(object.metadata.labels) || !('exempt' in object.metadata.labels)"}
  variables:
    - {name: limit, expression: "5"}
    - {name: images, expression: "object.spec.template.spec.containers.map(c, c.image)"}
  validations:
    - expression: object == null || object.spec.replicas <= variables.limit
      messageExpression: "'at most ' + string(variables.limit)"
    - expression: request.operation != 'DELETE' || oldObject.metadata.name != 'precious'
      message: this one stays
  auditAnnotations:
    - {key: replicas, valueExpression: "object == null ? '' : string(object.spec.replicas)"}
"""
DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "shop"},
    "spec": {
        "replicas": 3,
        "selector": {"matchLabels": {"a": "b"}},
        "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i:1"}]}},
    },
}
ALLOWS: dict[str, Any] = {"name": "three replicas", "expect": "allow"}
DENIES: dict[str, Any] = {"name": "too many", "set": {"spec.replicas": 50}, "expect": "deny"}


def write_suite(folder: Path, cases: Sequence[Any], policy: str = POLICY, name: str = "replicas", **top: Any) -> Path:
    """Writes `policy.yaml` and a suite about it; returns the suite."""
    (folder / "policy.yaml").write_text(policy)
    path = folder / f"{name}.test.yaml"
    path.write_text(yaml.safe_dump({"policy": "policy.yaml", "base": DEPLOYMENT, **top, "cases": list(cases)}, sort_keys=False, width=1000))
    return path


def load(path: Path) -> Suite:
    """The suite in a file."""
    return Loader().load(str(path))


def failures(folder: Path, *cases: Any, runtime: str = "tree", **rest: Any) -> list[Failure]:
    """The failures of these cases."""
    suite = load(write_suite(folder, cases, **rest))
    runner = Runner(ALL_RUNTIMES[runtime])
    return [failure for case in suite.cases if (failure := runner.run(suite.subject, case))]


def refusal(path: Path) -> PolicyError:
    """What is wrong with a suite."""
    try:
        load(path)
    except PolicyError as error:
        return error
    raise AssertionError("the suite is taken")


def command(*arguments: Any) -> Result:
    """`hostprocess test` with these arguments. An exception that a user would not read as a message is raised."""
    result = CliRunner().invoke(cli, ["test", *map(str, arguments)], standalone_mode=False)
    if result.exception is not None and not isinstance(result.exception, HostprocessError):
        raise result.exception
    return result

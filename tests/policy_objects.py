"""Policies and bindings for the tests of lint."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from typing import Any

import yaml

from hostprocess.model import Origin, Resource
from hostprocess.policy_lint.linter import lint_resources
from hostprocess.policy_lint.report import Finding

API = "admissionregistration.k8s.io/v1"
RULE = {"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["deployments"]}


def policy(name: str = "p", version: str = API, **spec: Any) -> dict[str, Any]:
    """A sound policy, with some fields of its spec replaced; None takes one away."""
    given = {"matchConstraints": {"resourceRules": [RULE]}, "validations": [{"expression": "object.spec.replicas < 9"}], **spec}
    return {
        "apiVersion": version,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {key: value for key, value in given.items() if value is not None},
    }


def binding(name: str = "b", version: str = API, **spec: Any) -> dict[str, Any]:
    """A sound binding, with some fields of its spec replaced."""
    given = {"policyName": "p", "validationActions": ["Deny"], **spec}
    return {"apiVersion": version, "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": name}, "spec": given}


def resource(value: dict[str, Any], text: str = "") -> Resource:
    return Resource(object=copy.deepcopy(value), origin=Origin(path="policy.yaml", text=text or yaml.safe_dump(value)))


def lint(*values: dict[str, Any], inventory: Iterable[dict[str, Any]] = (), minor: int = 37) -> list[Finding]:
    return lint_resources([resource(value) for value in values], inventory, minor)


def checks(*values: dict[str, Any], **rest: Any) -> list[str]:
    return [one.check for one in lint(*values, **rest)]

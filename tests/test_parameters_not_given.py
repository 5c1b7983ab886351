"""Parameter objects that nobody gave: whether there are any decides, so a result that depends on it is unknown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import hostprocess
from support import pod

RULE = {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*"]}
NOT_GIVEN = "no ConfigMap was given: add it with --params or --inventory"


def outcomes(tmp_path: Path, expression: str, action: str, failure_policy: str, **spec: Any) -> list[tuple[str, str, tuple[str, ...]]]:
    """What a policy with parameters comes to when none are given."""
    policy = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": "p"},
        "spec": {
            "paramKind": {"apiVersion": "v1", "kind": "ConfigMap"},
            "failurePolicy": failure_policy,
            "matchConstraints": {"resourceRules": [RULE]},
            "validations": [{"expression": expression}],
            **spec,
        },
    }
    reference = {"name": "limits", "parameterNotFoundAction": action}
    binding = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": "b"},
        "spec": {"policyName": "p", "validationActions": ["Deny"], "paramRef": reference},
    }
    (tmp_path / "policies.yaml").write_text(yaml.safe_dump_all([policy, binding]))
    (tmp_path / "pod.yaml").write_text(yaml.safe_dump(pod("a")))
    report = hostprocess.check_files([str(tmp_path / "pod.yaml")], hostprocess.load_policies([str(tmp_path / "policies.yaml")]), show_all=True)
    return [(str(one.decision.outcome), one.decision.message, one.decision.actions) for one in report.results]


UNKNOWN = [("unknown", NOT_GIVEN, ("Deny",))]
DENIED = [("deny", "failed expression: object.metadata.name == 'b'", ("Deny",))]
ALLOWED = [("allow", "", ())]


@pytest.mark.parametrize(
    ("action", "failure_policy", "false", "true"),
    [
        # Without a parameter object nothing is asked: only what parameters cannot change is known.
        ("Allow", "Fail", UNKNOWN, ALLOWED),
        ("Allow", "Ignore", UNKNOWN, ALLOWED),
        # Without one the request is denied.
        ("Deny", "Fail", DENIED, UNKNOWN),
        # Without one there is a configuration error, which is ignored.
        ("Deny", "Ignore", UNKNOWN, ALLOWED),
    ],
)
def test_expressions_that_do_not_read_them(tmp_path: Path, action: str, failure_policy: str, false: list[Any], true: list[Any]) -> None:
    assert outcomes(tmp_path, "object.metadata.name == 'b'", action, failure_policy) == false
    assert outcomes(tmp_path, "object.metadata.name == 'a'", action, failure_policy) == true


@pytest.mark.parametrize(("action", "outcome"), [("Allow", "skip"), ("Deny", "unknown")])
def test_match_conditions_are_asked_only_about_a_parameter_object(tmp_path: Path, action: str, outcome: str) -> None:
    conditions = [{"name": "never", "expression": "object.metadata.name == 'b'"}]
    assert [found[0] for found in outcomes(tmp_path, "false", action, "Fail", matchConditions=conditions)] == [outcome]


def test_what_is_published_is_not_known_either(tmp_path: Path) -> None:
    annotations = [{"key": "k", "valueExpression": "'seen'"}]
    assert outcomes(tmp_path, "object.metadata.name == 'b'", "Allow", "Fail", auditAnnotations=annotations) == UNKNOWN

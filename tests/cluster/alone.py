"""Each rule by itself: an export of one policy for each rule, bound so that it denies, and only what is labelled for that rule."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from exports import as_written, exported
from kube_client import Json
from suite_requests import SuiteRequest

__all__ = ["alone", "labelled"]

LABEL = "hostprocess-test/rule"
_RULES = "hostprocess.windows.policy/rules"


def labelled(requests: Iterable[SuiteRequest]) -> list[SuiteRequest]:
    """The requests that are cases as they stand, labelled so that the rule of their suite alone judges them."""
    found = []
    for one in requests:
        if one.expect:
            metadata = one.object["metadata"]
            labels = {**(metadata.get("labels") or {}), LABEL: one.rule}
            found.append(replace(one, object={**one.object, "metadata": {**metadata, "labels": labels}}))
    return found


def alone(minor: str, pack: str = "", **options: Any) -> Sequence[Json]:
    """The policies and bindings. Whatever the severity they deny: this is to show that it is the policy that decides."""
    export = exported(minor, pack, per_rule=True, include_kube_system=True, workloads="deny", **options)
    objects = as_written(export, "deny")
    rules = {one["metadata"]["name"]: one["metadata"]["annotations"][_RULES] for one in objects if one["kind"] == "ValidatingAdmissionPolicy"}
    return [_denying(one, rules) if one["kind"] == "ValidatingAdmissionPolicyBinding" else one for one in objects]


def _denying(binding: Json, rules: dict[str, str]) -> Json:
    spec = binding["spec"]
    resources = {**spec.get("matchResources", {}), "objectSelector": {"matchLabels": {LABEL: rules[spec["policyName"]]}}}
    return {**binding, "spec": {**spec, "validationActions": ["Deny", "Audit"], "matchResources": resources}}

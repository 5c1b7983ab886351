"""A case as YAML that can be pasted into a suite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from hostprocess.model import Decision, Outcome
from hostprocess.suite.expect import outcome_of
from hostprocess.suite.model import Case

__all__ = ["case_yaml"]

_OBJECT = frozenset({"name", "base", "object", "set", "unset", "edit", "wrap", "raw", "oldObject", "userInfo"})
_SETTING = ("operation", "subresource", "namespace", "params", "inventory", "kubernetes", "containerd", "raw")
_PASSES = (Outcome.ALLOW, Outcome.SKIP)


def case_yaml(case: Case, told: Sequence[Decision], other: Sequence[Decision]) -> str:
    """The case, and what to expect of the policy as it is (`told`) that its mutant (`other`) does not give."""
    value: dict[str, Any] = {"name": "NAME", "object": case.object}
    if case.setting.old_object is not None:
        value["oldObject"] = case.setting.old_object
    if case.setting.user_info is not None:
        value["userInfo"] = case.setting.user_info
    value |= {key: case.raw[key] for key in _SETTING if key in case.raw}
    value["expect"] = str(outcome_of(told))
    if outcome_of(told) is outcome_of(other):
        failing, others = ([one for one in each if one.outcome not in _PASSES] for each in (told, other))
        if len(failing) != len(others):
            value["failures"] = len(failing)
        elif (differing := next((one for one in failing if one.message not in {each.message for each in others}), None)) is not None:
            value["message"] = differing.message
        elif (pointing := next((one for one in failing if one.fields not in {each.fields for each in others}), None)) is not None:
            value["fields"] = list(pointing.fields)
    text = yaml.safe_dump([value], sort_keys=False, allow_unicode=True, width=140, default_flow_style=None)
    return text.rstrip("\n")
